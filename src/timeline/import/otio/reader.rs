//! What all parts of the reader share: the way through the text, and what was noticed on it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use super::json::{Fault, Json, Kind, Read};
use super::schema::Schema;
use crate::time::FrameRate;
use crate::timeline::Metadata;
use crate::timeline::import::{Limits, Notes, Place};

/// Compositions inside one another that are read, whatever the limits say: the reader recurses.
const MAX_DEPTH: usize = 128;

/// Markers, effects and media references for each item that the limits allow.
const PARTS_PER_ITEM: usize = 4;

/// A step on the way to a value.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// Reads the objects of one file, in one pass.
///
/// Objects are read by where they stand and by their keys, and take shape when they end. So the
/// name of the schema may come last, as it does in files that other programs have sorted, and
/// nothing is read twice.
pub(super) struct Reader<'a> {
    pub(super) text: &'a Arc<str>,
    pub(super) json: Json<'a>,
    pub(super) notes: Notes,
    path: Vec<Step<'a>>,
    limits: Limits,
    depth: usize,
    items: usize,
    parts: usize,
    /// The rate that was read last, and the bits of the number it was read from: most files have
    /// only one.
    pub(super) last_rate: Option<(u64, FrameRate)>,
    /// Schemas that were told of once.
    noted_schemas: Vec<Schema<'a>>,
    /// Shared by all that has no name.
    pub(super) unnamed: Arc<str>,
    /// Shared by all clips that have one medium.
    pub(super) default_media: Arc<str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a Arc<str>, limits: Limits) -> Self {
        Self {
            text,
            json: Json::new(text),
            notes: Notes::default(),
            path: Vec::new(),
            limits,
            depth: 0,
            items: 0,
            parts: 0,
            last_rate: None,
            noted_schemas: Vec::new(),
            unnamed: "".into(),
            default_media: "DEFAULT_MEDIA".into(),
        }
    }

    /// The way to where the reader stands: `tracks/children/0`.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.path {
            if !path.is_empty() {
                path.push('/');
            }
            // Writing to a string cannot fail.
            let _ = match step {
                Step::Key(key) => write!(path, "{key}"),
                Step::Index(index) => write!(path, "{index}"),
            };
        }
        path
    }

    /// Lists something that is not played as the file says.
    pub(super) fn note(&mut self, text: impl Into<Arc<str>>) {
        let place = if self.path.is_empty() {
            Place::File
        } else {
            Place::Path(self.path())
        };
        self.notes.push(place, text);
    }

    /// Reads what is told by a key of the object at hand, for a note about it.
    pub(super) fn note_at(&mut self, key: &'a str, text: impl Into<Arc<str>>) {
        self.path.push(Step::Key(key));
        self.note(text);
        self.path.pop();
    }

    /// Counts an item or a transition.
    pub(super) fn count_item(&mut self) -> Read<()> {
        self.items += 1;
        let limit = self.limits.items;
        if self.items > limit {
            return Err(too_many("items", limit));
        }
        Ok(())
    }

    /// Counts a part of an item: a marker, an effect, a media reference.
    pub(super) fn count_part(&mut self) -> Read<()> {
        self.parts += 1;
        let limit = self.limits.items.saturating_mul(PARTS_PER_ITEM);
        if self.parts > limit {
            return Err(too_many("markers, effects and media references", limit));
        }
        Ok(())
    }

    /// Does `inside` one level deeper.
    pub(super) fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        // A timeline's own stack is no level of its own.
        let limit = self.limits.depth.min(MAX_DEPTH);
        if self.depth > limit {
            return Err(too_many("compositions inside one another", limit));
        }
        self.depth += 1;
        let result = inside(self)?;
        self.depth -= 1;
        Ok(result)
    }

    /// Whether the next value is of the `wanted` kind. If not, passes over it, and lists it unless it
    /// is `null`.
    fn is(&mut self, wanted: Kind) -> Read<bool> {
        let kind = self.json.kind()?;
        if kind == wanted {
            return Ok(true);
        }
        if kind != Kind::Null {
            self.note(format!(
                "{} where {} was expected: left out",
                kind.name(),
                wanted.name()
            ));
        }
        self.json.skip()?;
        Ok(false)
    }

    /// Reads an object: `each` reads the value behind the key that it gets. Answers whether there is
    /// an object.
    pub(super) fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, &'a str) -> Read<()>,
    ) -> Read<bool> {
        if !self.is(Kind::Object)? {
            return Ok(false);
        }
        self.json.enter();
        let mut first = true;
        while let Some(key) = self.json.next_key(first)? {
            first = false;
            self.path.push(Step::Key(key));
            each(self, key)?;
            self.path.pop();
        }
        Ok(true)
    }

    /// Reads a list: `each` reads an element.
    pub(super) fn list(&mut self, mut each: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        if !self.is(Kind::List)? {
            return Ok(());
        }
        self.json.enter();
        let mut index = 0;
        while self.json.next_element(index == 0)? {
            self.path.push(Step::Index(index));
            each(self)?;
            self.path.pop();
            index += 1;
        }
        Ok(())
    }

    /// Passes over a value that means nothing to the player.
    pub(super) fn skip(&mut self) -> Read<()> {
        self.json.skip().map(|_| ())
    }

    pub(super) fn string(&mut self) -> Read<Option<Cow<'a, str>>> {
        if !self.is(Kind::Text)? {
            return Ok(None);
        }
        self.json.string().map(Some)
    }

    /// A text to keep; empty where there is none.
    pub(super) fn shared_string(&mut self) -> Read<Arc<str>> {
        Ok(match self.string()? {
            Some(text) if !text.is_empty() => text.into(),
            _ => Arc::clone(&self.unnamed),
        })
    }

    pub(super) fn number(&mut self) -> Read<Option<f64>> {
        if !self.is(Kind::Number)? {
            return Ok(None);
        }
        self.json.number().map(Some)
    }

    /// A whole number, for instance of frames. What is none is rounded and listed.
    pub(super) fn integer(&mut self) -> Read<Option<i64>> {
        let Some(number) = self.number()? else {
            return Ok(None);
        };
        let whole = whole_number(number.round());
        if whole.is_none() || number.fract() != 0.0 {
            self.note(format!("{number} is no whole number"));
        }
        Ok(whole)
    }

    pub(super) fn boolean(&mut self) -> Read<Option<bool>> {
        if !self.is(Kind::Bool)? {
            return Ok(None);
        }
        self.json.boolean().map(Some)
    }

    /// A schema's name and version.
    pub(super) fn schema(&mut self) -> Read<Option<Schema<'a>>> {
        Ok(match self.string()? {
            Some(Cow::Borrowed(label)) => Some(Schema::parse(label)),
            // No schema's name needs escapes.
            _ => None,
        })
    }

    /// Passes over metadata and keeps the passage.
    pub(super) fn metadata(&mut self) -> Read<Metadata> {
        let kind = self.json.kind()?;
        let passage = self.json.skip()?;
        // Most objects have an empty one.
        if kind == Kind::Null || (kind == Kind::Object && passage.len() == 2) {
            return Ok(Metadata::NONE);
        }
        Ok(Metadata::passage(self.text, passage))
    }

    /// Lists that a schema is newer than the newest known version, once each.
    pub(super) fn check_version(&mut self, schema: Schema<'a>, newest: u32) {
        if schema.version > newest && !self.noted_schemas.contains(&schema) {
            self.noted_schemas.push(schema);
            self.note(format!(
                "{schema} is newer than {} {newest}, which is known: read as that",
                schema.name
            ));
        }
    }
}

fn too_many(what: &'static str, limit: usize) -> Fault {
    Fault::TooMany(what, u64::try_from(limit).unwrap_or(u64::MAX))
}

/// `value` as an integer, where it is one that a float holds exactly.
pub(super) fn whole_number(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() != 0.0 || value.abs() > EXACT {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole and within 2^53"
    )]
    Some(value as i64)
}

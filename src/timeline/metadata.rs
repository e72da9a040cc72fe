//! What a file says beyond what the player understands.

use std::ops::Range;
use std::sync::Arc;

/// A passage of the file, kept as it came: JSON text of an OTIO object's metadata, an XML element, or
/// an EDL's comment lines. The file's text is shared by all passages.
#[derive(Clone, Default)]
pub struct Metadata {
    passage: Option<(Arc<str>, Range<u32>)>,
}

impl Metadata {
    /// No metadata.
    pub const NONE: Self = Self { passage: None };

    /// The bytes `range` of `text`. Empty where the range is empty or does not lie on character
    /// boundaries.
    pub fn passage(text: &Arc<str>, range: Range<usize>) -> Self {
        let within = text
            .get(range.clone())
            .is_some_and(|passage| !passage.is_empty());
        let ends = (u32::try_from(range.start), u32::try_from(range.end));
        match ends {
            (Ok(start), Ok(end)) if within => Self {
                passage: Some((Arc::clone(text), start..end)),
            },
            _ => Self::NONE,
        }
    }

    /// The passage; empty where there is none.
    pub fn text(&self) -> &str {
        self.passage
            .as_ref()
            .and_then(|(text, range)| text.get(range.start as usize..range.end as usize))
            .unwrap_or_default()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.passage.is_none()
    }
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Metadata({} bytes)", self.text().len())
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Metadata {}

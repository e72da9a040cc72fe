//! References to media.

use std::borrow::Cow;
use std::sync::Arc;

use super::json::{Kind, Read};
use super::reader::Reader;
use super::schema::Schema;
use crate::time::FrameRate;
use crate::timeline::{
    Generator, MediaReference, Metadata, MissingFrames, NamedReference, SequenceReference,
    StatedRange, UnitRect,
};

/// What a reference of any kind may say.
#[derive(Default)]
struct Parts<'a> {
    schema: Option<Schema<'a>>,
    name: Option<Arc<str>>,
    available: Option<StatedRange>,
    bounds: Option<UnitRect>,
    metadata: Metadata,
    target: Option<Arc<str>>,
    base: Option<Arc<str>>,
    prefix: Option<Arc<str>>,
    suffix: Option<Arc<str>>,
    start: Option<i64>,
    step: Option<i64>,
    digits: Option<i64>,
    rate: Option<FrameRate>,
    policy: Option<Cow<'a, str>>,
    generator: Option<Cow<'a, str>>,
    color: Option<[f32; 4]>,
}

impl<'a> Reader<'a> {
    /// Reads the reference listed under `key`. `null` is a reference to something missing, as
    /// OpenTimelineIO has it.
    pub(super) fn reference(&mut self, key: Arc<str>) -> Read<NamedReference> {
        self.count_part()?;
        let mut parts = Parts::default();
        let is_there = self.object(|this, key| {
            match key {
                "OTIO_SCHEMA" => parts.schema = this.schema()?,
                "name" => parts.name = Some(this.shared_string()?),
                "available_range" => parts.available = this.time_range()?,
                "available_image_bounds" => parts.bounds = this.bounds()?,
                "metadata" => parts.metadata = this.metadata()?,
                "target_url" => parts.target = Some(this.shared_string()?),
                "target_url_base" => parts.base = Some(this.shared_string()?),
                "name_prefix" => parts.prefix = Some(this.shared_string()?),
                "name_suffix" => parts.suffix = Some(this.shared_string()?),
                "start_frame" => parts.start = this.integer()?,
                "frame_step" => parts.step = this.integer()?,
                "frame_zero_padding" => parts.digits = this.integer()?,
                "rate" => parts.rate = this.number()?.and_then(|rate| this.rate(rate)),
                "missing_frame_policy" => parts.policy = this.string()?,
                "generator_kind" => parts.generator = this.string()?,
                "parameters" => parts.color = this.color_parameter()?,
                _ => this.skip()?,
            }
            Ok(())
        })?;
        let (bounds, metadata) = (parts.bounds, std::mem::take(&mut parts.metadata));
        let reference = if is_there {
            self.reference_of(parts)
        } else {
            self.missing(parts)
        };
        Ok(NamedReference {
            key,
            reference,
            bounds,
            metadata,
        })
    }

    fn reference_of(&mut self, parts: Parts<'a>) -> MediaReference {
        if let Some(schema) = parts.schema {
            self.check_version(schema, 1);
        }
        match parts.schema.map_or("", |schema| schema.name) {
            "ExternalReference" => self.file(parts),
            "MissingReference" => self.missing(parts),
            "ImageSequenceReference" => self.sequence(parts),
            "GeneratorReference" => self.generator(&parts),
            other => {
                self.note(format!(
                    "a reference to media of the kind `{other}` is not known: taken as missing"
                ));
                self.missing(parts)
            }
        }
    }

    fn missing(&self, parts: Parts<'a>) -> MediaReference {
        MediaReference::Missing {
            name: parts.name.unwrap_or_else(|| Arc::clone(&self.unnamed)),
            available: parts.available,
        }
    }

    fn file(&mut self, parts: Parts<'a>) -> MediaReference {
        match parts.target {
            Some(target) if !target.is_empty() => MediaReference::File {
                target,
                available: parts.available,
            },
            _ => {
                self.note("a reference to a file without a target: taken as missing");
                self.missing(parts)
            }
        }
    }

    fn sequence(&mut self, parts: Parts<'a>) -> MediaReference {
        let rate = parts
            .rate
            .or_else(|| parts.available.map(|stated| stated.rate));
        // OpenTimelineIO's own default is 1; without a rate the frames have no times.
        let Some(rate) = rate.or_else(|| FrameRate::new(1, 1)) else {
            return self.missing(parts);
        };
        if parts.rate.is_none() {
            self.note_at("rate", format!("no valid rate: {rate} is taken"));
        }
        let step = match parts.step {
            Some(0) => {
                self.note_at("frame_step", "a step of zero: taken for one");
                1
            }
            step => step.unwrap_or(1),
        };
        // Every how manyth picture there is: the stated rate is that of the numbers.
        let pictures_rate = u32::try_from(step.unsigned_abs())
            .ok()
            .and_then(|step| FrameRate::new(rate.num(), rate.den().checked_mul(step)?));
        let digits = u32::try_from(parts.digits.unwrap_or(0)).ok();
        let digits = digits.filter(|digits| *digits <= MAX_DIGITS);
        if digits.is_none() {
            self.note_at("frame_zero_padding", "no number of digits: taken for none");
        }
        let missing = match parts.policy.as_deref() {
            None | Some("error") => MissingFrames::Error,
            Some("hold") => MissingFrames::Hold,
            Some("black") => MissingFrames::Black,
            Some(other) => {
                let text = format!("`{other}` is not known: missing pictures are told of");
                self.note_at("missing_frame_policy", text);
                MissingFrames::Error
            }
        };
        let text = |text: Option<Arc<str>>| text.unwrap_or_else(|| Arc::clone(&self.unnamed));
        MediaReference::Sequence(SequenceReference {
            base: text(parts.base),
            prefix: text(parts.prefix),
            suffix: text(parts.suffix),
            start: parts.start.unwrap_or(1),
            step,
            digits: digits.unwrap_or(0),
            rate: pictures_rate.unwrap_or(rate),
            missing,
            available: parts.available,
        })
    }

    /// The names are those that other programs are known to write; case and spaces do not count.
    fn generator(&mut self, parts: &Parts<'a>) -> MediaReference {
        let kind = parts.generator.as_deref().unwrap_or_default();
        let plain: String = kind
            .chars()
            .filter(|c| c.is_alphanumeric())
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let generator = match plain.as_str() {
            "smptebars" | "bars" | "colorbars" | "barsandtone" | "smptehdbars" => Generator::Bars,
            "black" | "blackvideo" | "slug" => Generator::Solid([0.0, 0.0, 0.0, 1.0]),
            "white" => Generator::Solid([1.0; 4]),
            "solidcolor" | "solid" | "color" | "colormatte" | "constantcolor" | "matte" => {
                if parts.color.is_none() {
                    self.note("a colour that is not stated: black is shown");
                }
                Generator::Solid(parts.color.unwrap_or([0.0, 0.0, 0.0, 1.0]))
            }
            "checkerboard" | "checker" => Generator::Checkerboard,
            _ => {
                self.note(format!(
                    "the generator `{kind}` is not known: a placeholder is shown"
                ));
                Generator::Unknown
            }
        };
        MediaReference::Generator {
            generator,
            available: parts.available,
        }
    }

    /// Reads a generator's parameters and answers the colour among them: a list of 3 or 4 parts from
    /// 0 to 1, or an object with the keys r, g, b and a.
    fn color_parameter(&mut self) -> Read<Option<[f32; 4]>> {
        let mut color = None;
        self.object(|this, key| {
            match key {
                "color" | "colour" | "Color" | "fillcolor" => color = this.color()?,
                _ => this.skip()?,
            }
            Ok(())
        })?;
        Ok(color)
    }

    fn color(&mut self) -> Read<Option<[f32; 4]>> {
        let (mut color, mut found) = ([0.0, 0.0, 0.0, 1.0], 0);
        match self.json.kind()? {
            Kind::List => self.list(|this| {
                let part = this.number()?.map(unit);
                if let (Some(slot), Some(part)) = (color.get_mut(found), part) {
                    *slot = part;
                }
                found += 1;
                Ok(())
            })?,
            Kind::Object => {
                self.object(|this, key| {
                    let Some(slot) = ["r", "g", "b", "a"].iter().position(|name| *name == key)
                    else {
                        return this.skip();
                    };
                    if let Some(part) = this.number()? {
                        color[slot] = unit(part);
                        found += 1;
                    }
                    Ok(())
                })?;
            }
            _ => self.skip()?,
        }
        Ok((found >= 3).then_some(color))
    }
}

/// More digits than a file's name can hold.
const MAX_DIGITS: u32 = 64;

#[expect(
    clippy::cast_possible_truncation,
    reason = "a part of a colour, from 0 to 1"
)]
fn unit(part: f64) -> f32 {
    if part.is_nan() {
        0.0
    } else {
        part.clamp(0.0, 1.0) as f32
    }
}

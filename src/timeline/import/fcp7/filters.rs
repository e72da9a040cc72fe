//! Filters that change how a clip lies in the picture, and those that the player does not know.

use super::retime::{self, Retimed, parameter};
use super::sequence::Reader;
use crate::media::Size;
use crate::time::MediaSpan;
use crate::timeline::import::numbers::Decimal;
use crate::timeline::import::xml::{Node, child, child_text, children};
use crate::timeline::{Effect, Fit, Look};

/// A clip's filters, in the player's terms.
pub(super) struct Filtered {
    /// How it lies in the picture.
    pub(super) look: Look,
    /// Its retime, and what is not known.
    pub(super) effects: Vec<Effect>,
    /// The source time that is seen first, from the medium's first frame on.
    pub(super) first: MediaSpan,
    /// Whether it is retimed.
    pub(super) retimed: bool,
}

impl<'a> Reader<'a, '_> {
    /// The filters of clip item `node`; `stored` is the size of its pictures, `canvas` that of the
    /// sequence.
    pub(super) fn filters(
        &mut self,
        node: Node<'a>,
        clip: Retimed,
        stored: Option<(u32, u32)>,
        canvas: Option<Size>,
    ) -> Filtered {
        let mut filtered = Filtered {
            look: Look::default(),
            effects: Vec::new(),
            first: clip.from,
            retimed: false,
        };
        for filter in children(node, "filter") {
            if super::resources::is_false(child_text(filter, "enabled")) {
                continue;
            }
            let Some(effect) = child(filter, "effect") else {
                continue;
            };
            let name = child_text(effect, "name").unwrap_or_default();
            let id = child_text(effect, "effectid").unwrap_or(name);
            let look = &mut filtered.look;
            match id.to_ascii_lowercase().as_str() {
                "timeremap" => {
                    filtered.retimed = true;
                    match retime::effect(effect, clip) {
                        Some((first, effect)) => {
                            filtered.first = first;
                            filtered.effects.extend(effect);
                        }
                        None => self.note(filter, "the retime cannot be read"),
                    }
                    continue;
                }
                "basic" => basic_motion(effect, look, stored, canvas),
                "opacity" => {
                    if let Some(value) = number(effect, "opacity") {
                        look.opacity = (value / 100.0).clamp(0.0, 1.0);
                    }
                }
                "crop" => {
                    let part = |id| number(effect, id).map_or(0.0, |cut| cut / 100.0);
                    look.crop =
                        ["left", "top", "right", "bottom"].map(|id| part(id).clamp(0.0, 1.0));
                }
                "audiopan" | "audiobalance" => continue,
                "audiolevels" if is_keyed(effect) => {
                    self.note(filter, "the level changes over time; it stays full");
                    continue;
                }
                "audiolevels" => {
                    let level = number(effect, "level").filter(|level| !is_one(*level));
                    let gain = level.map(|level| Effect::Gain(level.clamp(0.0, MOST_GAIN)));
                    filtered.effects.extend(gain);
                }
                _ => {
                    self.note(filter, format!("the filter `{name}` is not applied"));
                    filtered.effects.push(Effect::Unknown {
                        name: name.into(),
                        metadata: self.file.metadata(filter),
                    });
                    continue;
                }
            }
            if is_keyed(effect) {
                let text = format!("`{name}` changes over time; its first value stays");
                self.note(filter, text);
            }
        }
        filtered
    }
}

fn is_keyed(effect: Node<'_>) -> bool {
    children(effect, "parameter").any(|some| child(some, "keyframe").is_some())
}

/// Four times the level, 12 dB, is the most that Final Cut Pro allows.
const MOST_GAIN: f32 = 4.0;

fn is_one(level: f32) -> bool {
    (level - 1.0).abs() < 1e-4
}

/// The value of a parameter that may have keyframes: the first one's.
fn value<'a>(effect: Node<'a>, id: &str) -> Option<Node<'a>> {
    let parameter = parameter(effect, id)?;
    let key = child(parameter, "keyframe");
    key.and_then(|key| child(key, "value"))
        .or_else(|| child(parameter, "value"))
}

fn number(effect: Node<'_>, id: &str) -> Option<f32> {
    Some(Decimal::parse(value(effect, id)?.text()?)?.as_f32())
}

fn point(effect: Node<'_>, id: &str) -> Option<[f32; 2]> {
    let value = value(effect, id)?;
    let part = |name| Some(Decimal::parse(child_text(value, name)?)?.as_f32());
    Some([part("horiz")?, part("vert")?])
}

/// Basic Motion: scale in per cent of the picture's own size, places in parts of the frame from
/// its middle, right and down, and degrees clockwise.
///
/// A scale of 100 is what programs write that fit pictures to the frame themselves, so that it
/// leaves the fit as it is; any other one is taken as Final Cut Pro means it, pixel for pixel.
fn basic_motion(
    effect: Node<'_>,
    look: &mut Look,
    stored: Option<(u32, u32)>,
    canvas: Option<Size>,
) {
    if let Some(scale) = number(effect, "scale") {
        let scale = scale / 100.0;
        let same_size = stored.is_none_or(|stored| {
            canvas.is_none_or(|canvas| stored == (canvas.width(), canvas.height()))
        });
        if (scale - 1.0).abs() > f32::EPSILON {
            look.scale = [scale; 2];
            if !same_size {
                look.fit = Fit::None;
            }
        }
    }
    if let Some(degrees) = number(effect, "rotation") {
        look.rotation = degrees;
    }
    if let Some(center) = point(effect, "center") {
        look.position = center;
    }
    if let Some(anchor) = point(effect, "centerOffset") {
        look.anchor = anchor;
    }
}

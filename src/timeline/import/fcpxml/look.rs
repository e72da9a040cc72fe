//! How a clip lies in the picture: `adjust-transform`, `adjust-crop`, `adjust-conform`,
//! `adjust-blend`; and what else is done to it.

use super::story::{Context, Reader};
use crate::media::Size;
use crate::timeline::import::numbers::Decimal;
use crate::timeline::import::xml::{Node, child, children, elements};
use crate::timeline::{Effect, Fit, Look};

/// Corrections that the player makes by itself or that change nothing in a preview.
const SILENT: [&str; 5] = [
    "adjust-colorConform",
    "adjust-conform",
    "adjust-panner",
    "adjust-loudness",
    "adjust-noiseReduction",
];

impl<'a> Reader<'a, '_> {
    /// How `node` lies in the picture. `stored` is the size of its own pictures.
    ///
    /// Lengths are in per cent of the frame's height, both across and up; positions point up, and
    /// angles counter-clockwise.
    pub(super) fn look(&mut self, node: Node<'a>, stored: Option<Size>, context: Context) -> Look {
        let mut look = Look::default();
        let parts_of_width = context.canvas.map_or(9.0 / 16.0, height_to_width);
        if let Some(transform) = enabled(node, "adjust-transform") {
            if let Some([x, y]) = pair(transform, "position") {
                look.position = [x / 100.0 * parts_of_width, -y / 100.0];
            }
            if let Some(scale) = pair(transform, "scale") {
                look.scale = scale;
            }
            if let Some(degrees) = number(transform, "rotation") {
                look.rotation = -degrees;
            }
            if let Some([x, y]) = pair(transform, "anchor") {
                look.anchor = [x / 100.0 * parts_of_width, -y / 100.0];
            }
            self.keyframes(transform);
        }
        if let Some(conform) = child(node, "adjust-conform") {
            look.fit = match conform.attribute("type") {
                Some("fill") => Fit::Fill,
                Some("none") => Fit::None,
                _ => Fit::Fit,
            };
        }
        if let Some(crop) = enabled(node, "adjust-crop") {
            self.crop(crop, &mut look, stored.or(context.canvas));
        }
        if let Some(blend) = child(node, "adjust-blend") {
            if let Some(amount) = number(blend, "amount") {
                look.opacity = amount.clamp(0.0, 1.0);
            }
            if let Some(mode) = blend.attribute("mode")
                && !mode.starts_with('0')
            {
                self.note(blend, format!("the blend mode `{mode}` is shown as normal"));
            }
            self.keyframes(blend);
        }
        look
    }

    fn crop(&mut self, crop: Node<'a>, look: &mut Look, stored: Option<Size>) {
        let mode = crop.attribute("mode").unwrap_or("trim");
        let rectangle = match mode {
            "crop" => child(crop, "crop-rect"),
            "pan" => child(crop, "pan-rect"),
            _ => child(crop, "trim-rect"),
        };
        let Some(rectangle) = rectangle else { return };
        let parts_of_width = stored.map_or(9.0 / 16.0, height_to_width);
        let part = |name, of_height| {
            let part: f32 = number(rectangle, name).unwrap_or(0.0) / 100.0 * of_height;
            part.clamp(0.0, 1.0)
        };
        look.crop = [
            part("left", parts_of_width),
            part("top", 1.0),
            part("right", parts_of_width),
            part("bottom", 1.0),
        ];
        let [left, top, right, bottom] = look.crop;
        let (width, height) = (1.0 - left - right, 1.0 - top - bottom);
        if mode != "trim" && width > 0.0 && height > 0.0 {
            // What is left fills the frame, from the middle of the rectangle.
            let scale = (1.0 / width).max(1.0 / height);
            look.scale = look.scale.map(|before| before * scale);
            look.position[0] += (right - left) / 2.0 * scale;
            look.position[1] += (bottom - top) / 2.0 * scale;
        }
        if mode == "pan" {
            self.note(
                crop,
                "the picture does not move; it stays where the move begins",
            );
        }
        self.keyframes(crop);
    }

    fn keyframes(&mut self, node: Node<'a>) {
        let mut inside = node.descendants();
        if inside.any(|inside| inside.has_tag_name("keyframe")) {
            let name = node.tag_name().name();
            self.note(node, format!("`{name}` changes over time; one value stays"));
        }
    }

    /// What is done to `node` that the player does not do.
    pub(super) fn unknown_effects(&mut self, node: Node<'a>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for child in elements(node) {
            let element = child.tag_name().name();
            let is_filter = matches!(
                element,
                "filter-video" | "filter-audio" | "filter-video-mask"
            );
            let known = matches!(element, "adjust-transform" | "adjust-crop" | "adjust-blend");
            let adjusts = element.starts_with("adjust-") && !known && !SILENT.contains(&element);
            let off = child.attribute("enabled") == Some("0");
            if !(is_filter || adjusts) || off {
                continue;
            }
            if element == "adjust-volume"
                && let Some(decibels) = decibels(child)
            {
                // What is turned down all the way is not heard at all.
                if decibels != 0.0 && decibels > SILENCE {
                    let gain = 10f32.powf(decibels.min(MOST_DECIBELS) / 20.0);
                    effects.push(Effect::Gain(gain));
                }
                self.keyframes(child);
                continue;
            }
            let name = child.attribute("name").unwrap_or(element);
            self.note(child, format!("`{name}` is not applied"));
            effects.push(Effect::Unknown {
                name: name.into(),
                metadata: self.file.metadata(child),
            });
        }
        effects
    }
}

/// The least volume there is.
const SILENCE: f32 = -96.0;

/// The most that Final Cut Pro allows.
const MOST_DECIBELS: f32 = 12.0;

/// Whether the volume of `node` is turned down all the way.
pub(super) fn is_silent(node: Node<'_>) -> bool {
    child(node, "adjust-volume")
        .and_then(decibels)
        .is_some_and(|decibels| decibels <= SILENCE)
}

fn decibels(volume: Node<'_>) -> Option<f32> {
    let amount = volume.attribute("amount")?;
    Some(Decimal::parse(amount.trim_end_matches("dB"))?.as_f32())
}

fn height_to_width(size: Size) -> f32 {
    Decimal {
        num: i64::from(size.height()),
        den: i64::from(size.width()),
    }
    .as_f32()
}

fn enabled<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    child(node, name).filter(|found| found.attribute("enabled") != Some("0"))
}

/// A value: an attribute, or else a parameter with the first of its keyframes.
fn value<'a>(node: Node<'a>, name: &str) -> Option<&'a str> {
    node.attribute(name).or_else(|| {
        let mut parameters = children(node, "param");
        let parameter = parameters.find(|some| some.attribute("name") == Some(name))?;
        let mut inside = parameter.descendants();
        let key = inside.find(|inside| inside.has_tag_name("keyframe"));
        key.and_then(|key| key.attribute("value"))
            .or_else(|| parameter.attribute("value"))
    })
}

fn number(node: Node<'_>, name: &str) -> Option<f32> {
    Some(Decimal::parse(value(node, name)?)?.as_f32())
}

fn pair(node: Node<'_>, name: &str) -> Option<[f32; 2]> {
    let mut parts = value(node, name)?.split_whitespace();
    let mut part = || Some(Decimal::parse(parts.next()?)?.as_f32());
    Some([part()?, part()?])
}

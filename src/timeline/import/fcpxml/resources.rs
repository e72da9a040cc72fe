//! Formats, assets, media and effects, by their ids; and times.

use std::collections::HashMap;

use crate::media::Size;
use crate::time::{FrameRate, MediaSpan};
use crate::timeline::import::numbers::Decimal;
use crate::timeline::import::xml::{Node, child, children, elements};

/// A format: what a sequence is, and what the pictures of an asset are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct VideoFormat {
    /// Frames a second.
    pub(super) rate: Option<FrameRate>,
    /// In square pixels.
    pub(super) size: Option<Size>,
}

/// All resources of a document.
pub(super) struct Resources<'a> {
    formats: HashMap<&'a str, VideoFormat>,
    nodes: HashMap<&'a str, Node<'a>>,
}

impl<'a> Resources<'a> {
    /// Reads them.
    pub(super) fn find(root: Node<'a>) -> Self {
        let mut found = Self {
            formats: HashMap::new(),
            nodes: HashMap::new(),
        };
        for node in children(root, "resources").flat_map(elements) {
            let Some(id) = node.attribute("id") else {
                continue;
            };
            if node.has_tag_name("format") {
                found.formats.insert(id, video_format(node));
            } else {
                found.nodes.insert(id, node);
            }
        }
        found
    }

    /// What `node` refers to, if that is of the kind `name`.
    pub(super) fn referred(&self, node: Node<'a>, name: &str) -> Option<Node<'a>> {
        let resource = self.nodes.get(node.attribute("ref")?)?;
        resource.has_tag_name(name).then_some(*resource)
    }

    /// The sequence of the compound clip that `node` refers to.
    pub(super) fn sequence_of(&self, node: Node<'a>) -> Option<Node<'a>> {
        child(self.referred(node, "media")?, "sequence")
    }

    /// The format that `node` names, or else that of the asset or medium it refers to.
    pub(super) fn format_of(&self, node: Node<'a>) -> Option<VideoFormat> {
        let named = |node: Node<'a>| self.formats.get(node.attribute("format")?).copied();
        named(node)
            .or_else(|| named(self.referred(node, "asset")?))
            .or_else(|| named(elements(self.referred(node, "media")?).next()?))
    }
}

/// The attribute `name` as a time: `1001/30000s`, `5s`. Rounded to the nearest flick. `None` where
/// there is none, or one that cannot be read.
pub(super) fn time(node: Node<'_>, name: &str) -> Option<MediaSpan> {
    span(node.attribute(name)?)
}

fn span(text: &str) -> Option<MediaSpan> {
    let text = text.trim();
    let text = text.strip_suffix('s').unwrap_or(text);
    let (num, den) = if let Some((num, den)) = text.split_once('/') {
        (num.trim().parse().ok()?, den.trim().parse().ok()?)
    } else {
        let decimal = Decimal::parse(text)?;
        (decimal.num, decimal.den)
    };
    // A quarter of what fits: sums of two are in range.
    let seconds = i128::from(num).abs() / i128::from(den).max(1);
    (den > 0 && seconds < 1 << 31).then(|| MediaSpan::from_secs(1).scaled_nearest(num, den))
}

fn video_format(node: Node<'_>) -> VideoFormat {
    let named = named_format(node.attribute("name").unwrap_or_default());
    let number = |name| node.attribute(name)?.parse::<u32>().ok();
    let size = number("width").zip(number("height"));
    let size = size.and_then(|(width, height)| {
        let (pixel_h, pixel_v) = number("paspH").zip(number("paspV")).unwrap_or((1, 1));
        let width = u64::from(width) * u64::from(pixel_h);
        let width = width.checked_div(u64::from(pixel_v))?;
        Size::new(u32::try_from(width).ok()?, height)
    });
    VideoFormat {
        rate: node
            .attribute("frameDuration")
            .and_then(rate_from_duration)
            .or(named.rate),
        size: size.or(named.size),
    }
}

fn rate_from_duration(text: &str) -> Option<FrameRate> {
    let text = text.trim().strip_suffix('s')?;
    let (num, den) = text.split_once('/').unwrap_or((text, "1"));
    FrameRate::new(den.parse().ok()?, num.parse().ok()?)
}

/// A format that has a name alone: `FFVideoFormat1080p2398`, `FFVideoFormat3840x2160p25`.
fn named_format(name: &str) -> VideoFormat {
    let Some(name) = name.strip_prefix("FFVideoFormat") else {
        return VideoFormat::default();
    };
    let Some((size, rate)) = name.split_once(['p', 'i']) else {
        return VideoFormat::default();
    };
    let rate = match rate {
        "2398" => FrameRate::new(24_000, 1001),
        "2997" => FrameRate::new(30_000, 1001),
        "5994" => FrameRate::new(60_000, 1001),
        whole => whole
            .parse()
            .ok()
            .and_then(|whole| FrameRate::new(whole, 1)),
    };
    let sides = match size {
        "720" => Some((1280, 720)),
        "1080" => Some((1920, 1080)),
        other => other
            .split_once('x')
            .and_then(|(width, height)| width.parse().ok().zip(height.parse().ok())),
    };
    VideoFormat {
        rate,
        size: sides.and_then(|(width, height)| Size::new(width, height)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact() {
        for (text, flicks) in [
            ("5s", Some(3_528_000_000)),
            ("1001/30000s", Some(23_543_520)),
            ("0s", Some(0)),
            ("-1/2s", Some(-352_800_000)),
            ("0.5s", Some(352_800_000)),
            ("1/0s", None),
            ("1/-2s", None),
            ("x", None),
            ("", None),
            ("9223372036854775807/1s", None),
            ("-9223372036854775808/1s", None),
        ] {
            assert_eq!(span(text).map(MediaSpan::flicks), flicks, "{text}");
        }
    }

    #[test]
    fn formats_have_a_rate_and_a_size() {
        let film = FrameRate::new(24_000, 1001);
        assert_eq!(rate_from_duration("15015/360000s"), film);
        assert_eq!(rate_from_duration("1/0s"), None);
        assert_eq!(
            named_format("FFVideoFormat3840x2160p2398"),
            VideoFormat {
                rate: film,
                size: Size::new(3840, 2160)
            }
        );
        assert_eq!(
            named_format("FFVideoFormat1080i50").size,
            Size::new(1920, 1080)
        );
        let unknown = VideoFormat::default();
        assert_eq!(named_format("FFVideoFormatRateUndefined"), unknown);
        let text = "<format width='1440' height='1080' paspH='4' paspV='3' frameDuration='1/25s'/>";
        let document = roxmltree::Document::parse(text).unwrap();
        let format = video_format(document.root_element());
        assert_eq!(format.size, Size::new(1920, 1080));
    }
}

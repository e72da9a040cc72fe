//! What is written once and named by its id, and how elements state rates, times and sizes.

use std::collections::HashMap;

use roxmltree::Document;

use crate::media::Size;
use crate::time::{FrameRate, MediaSpan, MediaTime, Timecode};
use crate::timeline::import::numbers::{frames, span_of_frames};
use crate::timeline::import::xml::{Node, child, child_text, descend, elements};

/// Definitions by id. An element without children refers to the one that has some.
pub(super) struct Resources<'a> {
    files: HashMap<&'a str, Node<'a>>,
    sequences: HashMap<&'a str, Node<'a>>,
    clips: HashMap<&'a str, Node<'a>>,
}

impl<'a> Resources<'a> {
    /// All definitions in `document`; of two with one id the fuller one, as Premiere writes a file's
    /// rate alone where it was named before.
    pub(super) fn find(document: &'a Document<'a>) -> Self {
        let mut found = Self {
            files: HashMap::new(),
            sequences: HashMap::new(),
            clips: HashMap::new(),
        };
        for node in document.root_element().descendants() {
            let kind = match node.tag_name().name() {
                "file" => &mut found.files,
                "sequence" => &mut found.sequences,
                "clip" => &mut found.clips,
                _ => continue,
            };
            let Some(id) = node.attribute("id") else {
                continue;
            };
            let known = kind.get(id).map_or(0, |known| elements(*known).count());
            if elements(node).count() > known {
                kind.insert(id, node);
            }
        }
        found
    }

    /// The file of a clip item: written there, named there, or that of its master clip.
    pub(super) fn file_of(&self, item: Node<'a>) -> Option<Node<'a>> {
        if let Some(file) = child(item, "file") {
            return Some(defined(&self.files, file));
        }
        let master = self.clips.get(child_text(item, "masterclipid")?)?;
        let file = master
            .descendants()
            .find(|node| node.has_tag_name("file"))?;
        Some(defined(&self.files, file))
    }

    /// The sequence that a clip item shows.
    pub(super) fn sequence_of(&self, item: Node<'a>) -> Option<Node<'a>> {
        let sequence = child(item, "sequence")?;
        Some(defined(&self.sequences, sequence))
    }
}

/// The definition that `node` refers to, or `node`, if it is one.
fn defined<'a>(kind: &HashMap<&'a str, Node<'a>>, node: Node<'a>) -> Node<'a> {
    let known = node.attribute("id").and_then(|id| kind.get(id));
    known.copied().unwrap_or(node)
}

/// Whether an element says yes.
pub(super) fn is_true(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.eq_ignore_ascii_case("TRUE") || text == "1")
}

/// Whether an element says no; one that is not there does not.
pub(super) fn is_false(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.eq_ignore_ascii_case("FALSE") || text == "0")
}

/// The `rate` of an element: a whole number of frames, a thousandth slower with `ntsc`.
pub(super) fn rate(node: Node<'_>) -> Option<FrameRate> {
    let rate = child(node, "rate")?;
    let timebase = child_text(rate, "timebase")?;
    let whole: u32 = timebase.parse().ok()?;
    if is_true(child_text(rate, "ntsc")) {
        return FrameRate::new(whole.checked_mul(1000)?, 1001);
    }
    FrameRate::new(whole, 1)
}

/// A number of frames in an element; `None` for -1, which stands for an edge within a transition or
/// for a point that was not set.
pub(super) fn frame(node: Node<'_>, name: &str) -> Option<i64> {
    frames(child_text(node, name)?).filter(|frame| *frame >= 0)
}

/// A clock's first time, and how it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StartTimecode {
    /// The time of the first frame.
    pub(super) start: MediaTime,
    /// Whether numbers are left out.
    pub(super) drop_frame: bool,
}

/// The `timecode` of a sequence or a file, counted at `rate` where it does not say.
pub(super) fn timecode(node: Node<'_>, rate_otherwise: FrameRate) -> Option<StartTimecode> {
    let timecode = child(node, "timecode")?;
    let rate = rate(timecode).unwrap_or(rate_otherwise);
    let written = || {
        let text = child_text(timecode, "string")?;
        Some(Timecode::parse(text, rate).ok()?.frame_number())
    };
    let number = frame(timecode, "frame").or_else(written)?;
    Some(StartTimecode {
        start: MediaTime::ZERO + span_of_frames(number, rate),
        drop_frame: child_text(timecode, "displayformat") == Some("DF"),
    })
}

/// Where a medium's own time begins: its file's timecode.
pub(super) fn file_start(file: Node<'_>, rate_otherwise: FrameRate) -> MediaSpan {
    let start = timecode(file, rate(file).unwrap_or(rate_otherwise));
    start.map_or(MediaSpan::ZERO, |timecode| timecode.start.since_zero())
}

/// Size of a sequence's picture in square pixels.
pub(super) fn canvas(sequence: Node<'_>) -> Option<Size> {
    let path = ["media", "video", "format", "samplecharacteristics"];
    let format = descend(sequence, &path)?;
    let (width, height) = (side(format, "width")?, side(format, "height")?);
    let (num, den) = pixel_aspect(format);
    let width = (u64::from(width) * num + den / 2) / den;
    Size::new(u32::try_from(width).ok()?, height)
}

/// Size of a file's pictures as stored.
pub(super) fn stored_size(file: Node<'_>) -> Option<(u32, u32)> {
    let format = descend(file, &["media", "video", "samplecharacteristics"])?;
    Some((side(format, "width")?, side(format, "height")?))
}

fn side(format: Node<'_>, name: &str) -> Option<u32> {
    child_text(format, name)?.parse().ok()
}

/// Width of a pixel over its height. The numbers of the standard-definition formats are those of
/// SMPTE RP 187 for 704 (702) of 720 columns.
fn pixel_aspect(format: Node<'_>) -> (u64, u64) {
    let (num, den) = match child_text(format, "pixelaspectratio").unwrap_or_default() {
        "NTSC-601" => (10, 11),
        "PAL-601" => (12, 11),
        "DVCPROHD-720P" | "HD-(960x720)" | "HD-(1440x1080)" => (4, 3),
        "DVCPROHD-1080i60" | "HD-(1280x1080)" => (3, 2),
        _ => (1, 1),
    };
    if is_true(child_text(format, "anamorphic")) {
        (num * 4, den * 3)
    } else {
        (num, den)
    }
}

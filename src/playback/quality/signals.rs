//! What the controller is told.

use std::time::Duration;

use crate::decode::{Cost, Rung};
use crate::memory::Pressure;
use crate::time::Moment;

/// Names a clip: costs are remembered by it. Two clips of one medium may share a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ClipKey(pub u64);

/// What the transport does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
    /// A frame is held.
    AtRest,
    /// The playhead is dragged.
    Scrubbing,
    /// It will run as soon as its first frames are there.
    Prerolling,
    /// Frames follow one another.
    Playing,
}

/// A rung that can be decoded for a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RungSignals {
    /// Luma samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames from one keyframe to the next; 1 where every frame is one.
    pub gop_frames: u32,
    /// Of a thousand frames of the medium, how many it shows, as far as is known without measuring.
    pub shown_per_mille: u16,
    /// What a frame of the medium should cost, by a table; `None` is by its pixels.
    pub prior: Option<Duration>,
    /// What one was seen to cost.
    pub seen: Option<Cost>,
}

impl RungSignals {
    /// Luma samples of a picture.
    pub(super) fn pixels(&self) -> u64 {
        (u64::from(self.width) * u64::from(self.height)).max(1)
    }
}

/// The rungs that there are for a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rungs([Option<RungSignals>; Rung::ALL.len()]);

impl Rungs {
    /// What is known of `rung`; `None` where it cannot be decoded.
    pub fn get(&self, rung: Rung) -> Option<&RungSignals> {
        self.0[rung as usize].as_ref()
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, rung: Rung) -> Option<&mut RungSignals> {
        self.0[rung as usize].as_mut()
    }

    /// Says what is known of `rung`.
    pub fn set(&mut self, rung: Rung, signals: Option<RungSignals>) {
        self.0[rung as usize] = signals;
    }

    /// Whether `rung` can be decoded.
    pub fn has(&self, rung: Rung) -> bool {
        self.get(rung).is_some()
    }

    /// Those that can be decoded, best first.
    pub fn iter(&self) -> impl Iterator<Item = (Rung, &RungSignals)> {
        Rung::ALL
            .into_iter()
            .filter_map(|rung| Some((rung, self.get(rung)?)))
    }
}

/// A clip, and how it plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipSignals {
    /// Which.
    pub key: ClipKey,
    /// Time from one frame of the medium to the next, at the present speed.
    pub frame: Duration,
    /// What can be decoded for it.
    pub rungs: Rungs,
}

/// Nine of ten frames took no longer than this, from the ring to the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PresentCost {
    /// Copying the picture to the GPU; goes with the pixels that are decoded.
    pub upload: Duration,
    /// Converting; goes with the pixels that are shown.
    pub convert: Duration,
    /// Composing and drawing; goes with the pixels that are shown.
    pub render: Duration,
}

impl PresentCost {
    /// All of it.
    pub fn total(&self) -> Duration {
        self.upload
            .saturating_add(self.convert)
            .saturating_add(self.render)
    }
}

/// How playing goes, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signals {
    /// The present instant.
    pub now: Moment,
    /// What the transport does.
    pub activity: Activity,
    /// The clip on screen.
    pub clip: ClipSignals,
    /// What presenting costs, at the scale that was decided last.
    pub present: PresentCost,
    /// Time that the decoded frames in the ring last.
    pub ahead: Duration,
    /// Time that a full ring lasts.
    pub ring: Duration,
    /// Frames that were late or dropped against their will since the medium was opened.
    pub late_frames: u64,
    /// How short memory is.
    pub memory: Pressure,
    /// How often memory has asked for less detail since the program began.
    pub memory_asks: u64,
    /// Whether the machine saves its battery.
    pub battery_saver: bool,
    /// Whether several layers or effects are composed.
    pub effects: bool,
    /// Whether it goes round in a lap that memory can hold: what is decoded of the source is not decoded again.
    pub holds_lap: bool,
    /// Width and height of the picture on screen, in pixels; zero where it is not known.
    pub display: (u32, u32),
    /// Cores that decoding may use.
    pub cores: u32,
}

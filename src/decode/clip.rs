//! Clips of a medium that is made of several, as those see them who choose what is decoded of each.

use std::sync::Arc;
use std::time::Duration;

use super::cost::Cost;
use super::index::GopIndex;
use super::rung::Rung;
use crate::media::Size;
use crate::time::FrameIndex;

/// What is known of the layers that are seen together in a frame, to choose what is decoded of them.
#[derive(Debug, Clone)]
pub struct ClipLook {
    /// The frame that it was looked at in.
    pub at: FrameIndex,
    /// The same wherever the same media are seen together.
    pub key: u64,
    /// The rungs that can be asked for and the size of their pictures, the best first.
    pub rungs: Vec<(Rung, Size)>,
    /// The frames of the medium, as far as they are known.
    pub index: Arc<GopIndex>,
    /// Time from one frame of the medium to the next at normal speed.
    pub frame: Duration,
    /// Layers that are decoded for it.
    pub layers: usize,
    /// What is asked for; `None` where the layers were not all asked for what goes with one choice.
    pub asked: Option<Rung>,
    /// What is decoded.
    pub rung: Rung,
    /// What a frame of that costs, as far as it was measured: of the costliest layer.
    pub cost: Option<Cost>,
    /// Pictures that wait to be composed, and how many may.
    pub waiting: (usize, usize),
}

/// What a clip is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClipUse {
    /// A plan begins with it: what the transport does now counts.
    Now,
    /// It comes after a cut: it will be played.
    Coming,
}

/// Chooses what is decoded of clips, before their first frames are. Called from the threads of sources.
pub trait ClipChooser: Send + Sync {
    /// What to decode of `clip`. Takes some microseconds.
    fn choose(&self, clip: &ClipLook, what_for: ClipUse) -> Rung;
    /// Another number each time that earlier choices may not hold any more.
    fn revision(&self) -> u64;
}

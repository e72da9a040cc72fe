//! What goes into the interface and what comes out.

use std::ops::Range;
use std::sync::Arc;

use crate::cache::thumbnails::{Thumbnail, ThumbnailStrip};
use crate::cache::waveform::Columns;
use crate::config::{Action, KeyMap};
use crate::convert::PixelReading;
use crate::gpu::{Framing, Placement};
use crate::media::{Orientation, Size};
use crate::metrics::BlameMap;
use crate::playback::{Command, Snapshot, TimelineStrip};
use crate::time::{FrameIndex, FrameRate, Moment};
use crate::timeline::{ClipId, SourceId};

use super::ViewStats;
use super::panels::{Errand, PanelData};
use super::profiler::ProfileInput;

/// Why a file could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure<'a> {
    /// Name of the file, without its folder.
    pub name: &'a str,
    /// What is wrong, in a plain sentence.
    pub reason: &'a str,
    /// What the person can do about it; may be empty.
    pub fix: &'a str,
}

/// Everything that one pass shows. All of it is borrowed for the pass only.
#[derive(Debug, Clone, Copy)]
pub struct UiInput<'a> {
    /// The engine's state.
    pub snapshot: &'a Snapshot,
    /// How showing goes.
    pub stats: &'a ViewStats,
    /// What each key does.
    pub keys: &'a KeyMap,
    /// The present instant; it decides when things hide.
    pub now: Moment,
    /// Whether the window fills the screen.
    pub fullscreen: bool,
    /// Why the file asked for is not shown, if so.
    pub failure: Option<Failure<'a>>,
    /// Names of the sound devices that can be chosen.
    pub audio_devices: &'a [String],
    /// The one chosen; `None` follows the system's default.
    pub audio_device: Option<&'a str>,
    /// The sound of equal spans over the whole medium, to be shown where there is no picture, and faintly
    /// behind the lane where there is one.
    pub waveform: Option<&'a Arc<Columns>>,
    /// Small pictures of the medium's frames, to be shown for the place under the pointer.
    pub thumbnails: Option<Thumbnails<'a>>,
    /// Frames whose pictures are kept on the graphics device, in order.
    pub on_device: &'a [FrameIndex],
    /// Where in the medium frames were late or dropped, and why.
    pub blame: &'a BlameMap,
    /// Where the picture lies in the window.
    pub placement: Option<Placement>,
    /// What the pixel under the pointer holds, while that is asked for.
    pub pixel: Option<&'a PixelReading>,
    /// What panels show beside all this.
    pub panels: &'a PanelData,
    /// What the profiler gathered; `None` where nothing can be profiled.
    pub profile: Option<ProfileInput<'a>>,
}

/// Where small pictures of the open medium come from.
#[derive(Debug, Clone, Copy)]
pub enum Thumbnails<'a> {
    /// From the strip of a file.
    OfFile(&'a ThumbnailStrip),
    /// From those of all files of a timeline.
    OfTimeline(&'a TimelineStrip),
}

/// A thumbnail, and how it is shown.
#[derive(Debug, Clone)]
pub(super) struct Preview {
    pub(super) thumbnail: Thumbnail,
    /// Turned as it is shown, in square pixels.
    pub(super) display: Size,
    pub(super) orientation: Orientation,
}

impl Thumbnails<'_> {
    /// A number that changes when there are more.
    pub(super) fn edition(self) -> u64 {
        match self {
            Self::OfFile(strip) => strip.edition(),
            Self::OfTimeline(strip) => strip.edition(),
        }
    }

    /// Stretches of the medium, which has so many frames, of which there are any.
    pub(super) fn stretches(self, frames: i64) -> Arc<Vec<Range<FrameIndex>>> {
        match self {
            Self::OfFile(strip) if strip.is_empty() => Arc::default(),
            Self::OfFile(_) => Arc::new(vec![FrameIndex::ZERO..FrameIndex(frames)]),
            Self::OfTimeline(strip) => strip.stretches(),
        }
    }

    /// The thumbnail nearest to what a clip shows in `frame` of the open medium: a clip of a timeline, or the file.
    pub(super) fn of_clip(
        self,
        clip: Option<ClipId>,
        frame: FrameIndex,
        snapshot: &Snapshot,
    ) -> Option<Preview> {
        let (thumbnail, medium);
        let stream = match self {
            Self::OfFile(strip) => {
                thumbnail = strip.nearest(frame, strip.reach())?;
                snapshot.media.as_ref()?.info.default_video()?
            }
            Self::OfTimeline(strip) => {
                let near = strip.of_clip(clip?, frame)?;
                thumbnail = near.thumbnail;
                medium = near.medium;
                &medium.stream
            }
        };
        Some(Preview {
            display: stream.display_size_of(thumbnail.picture.size),
            orientation: stream.orientation,
            thumbnail,
        })
    }

    /// Codec, size and rate of a timeline's medium, if they are known.
    pub(super) fn stream_of(self, source: SourceId) -> Option<(String, Size, FrameRate)> {
        let Self::OfTimeline(strip) = self else {
            return None;
        };
        let medium = strip.medium(source)?;
        let stream = &medium.stream;
        Some((stream.codec.clone(), stream.size, stream.rate))
    }

    /// What tells best what is at `frame` of the open medium, which somebody looks at now.
    pub(super) fn look_at(self, frame: FrameIndex, snapshot: &Snapshot) -> Option<Preview> {
        let (thumbnail, medium);
        let stream = match self {
            Self::OfFile(strip) => {
                strip.aim(frame);
                thumbnail = strip.nearest(frame, strip.reach())?;
                snapshot.media.as_ref()?.info.default_video()?
            }
            Self::OfTimeline(strip) => {
                strip.aim(frame);
                let near = strip.near(frame)?;
                thumbnail = near.thumbnail;
                medium = near.medium;
                &medium.stream
            }
        };
        Some(Preview {
            display: stream.display_size_of(thumbnail.picture.size),
            orientation: stream.orientation,
            thumbnail,
        })
    }
}

/// Something that the person asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum UiEvent {
    /// For the engine.
    Command(Command),
    /// For the window loop: one of [`Action::OpenFiles`], [`Action::ToggleFullscreen`],
    /// [`Action::Screenshot`], [`Action::CopyFrame`], [`Action::CopyTimecode`],
    /// [`Action::MakeProxies`], [`Action::ForceDeviceLoss`] and [`Action::Quit`].
    Action(Action),
    /// For the window loop: what a panel or the menu asks for.
    Errand(Errand),
}

/// What one pass made.
pub struct UiOutput {
    /// Shapes, textures and window requests, for egui-wgpu and egui-winit. Its `repaint_delay` is
    /// egui's own guess, which is too eager: go by `repaint_at`.
    pub egui: egui::FullOutput,
    /// What the person asked for, in order.
    pub events: Vec<UiEvent>,
    /// Whether anything looks different from the pass before. When it does not, and no frame is due,
    /// nothing needs to be drawn; the textures of `egui` must be applied all the same.
    pub redraw: bool,
    /// When to run the next pass if neither input nor [`super::Overlay::is_stale`] asks for one
    /// before; `None` when nothing will change by itself.
    pub repaint_at: Option<Moment>,
    /// The part of the window, in points, where the picture is to be shown; all of it where there is none.
    pub room: Option<egui::Rect>,
    /// How it is to be framed there.
    pub framing: Framing,
    /// The place in the picture whose pixel is to be read, from 0 to 1 to the right and down.
    pub inspects: Option<[f32; 2]>,
}

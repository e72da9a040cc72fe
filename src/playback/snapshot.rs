//! What the engine tells the rest of the program about itself: an immutable picture of its state.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::media_watch::Displaced;
use super::quality::{OutputScale, ProxyUse, QualityMode};
use super::timeline::TimelineState;
use crate::audio::AudioLevels;
use crate::decode::{GopIndex, LoopMode, Rung};
use crate::media::{CompareView, MediaInfo, PictureTraits, ViewSettings};
use crate::time::{
    FrameIndex, FrameRate, MediaSpan, MediaTime, Position, PositionContext, PositionError, Speed,
    Timecode,
};

/// What the transport is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlaybackStatus {
    /// No medium is open.
    Empty,
    /// A medium is being opened.
    Opening,
    /// A frame is held.
    Paused,
    /// Frames follow one another.
    Playing,
    /// The end was reached and its frame is held.
    Ended,
}

/// Which clock leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockSource {
    /// The sound card's.
    Audio,
    /// The machine's monotonic clock, for there is no sound to follow.
    Monotonic,
    /// The machine's monotonic clock, for the sound card's cannot be trusted.
    Fallback,
}

/// Where the sound goes, and why it may not be heard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AudioState {
    /// The medium has no sound.
    NoTrack,
    /// The person switched it off.
    Off,
    /// It plays on the device of this name.
    Playing(String),
    /// It is silent for this reason; playback goes on.
    Silent(String),
}

/// How long each rung was played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RungTimes([Duration; Rung::ALL.len()]);

impl RungTimes {
    pub(super) fn add(&mut self, rung: Rung, time: Duration) {
        let sum = &mut self.0[rung as usize];
        *sum = sum.saturating_add(time);
    }

    /// `rung` alone was played, for so long.
    #[cfg(test)]
    pub(crate) fn only(rung: Rung, time: Duration) -> Self {
        let mut times = Self::default();
        times.add(rung, time);
        times
    }

    /// How long `rung` was played.
    pub fn of(&self, rung: Rung) -> Duration {
        self.0[rung as usize]
    }
}

/// What is decoded, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QualityState {
    /// Who chooses.
    pub mode: QualityMode,
    /// What is decoded; `None` where there are no pictures.
    pub rung: Option<Rung>,
    /// The last decision in words, `decode 41 ms > 33 ms: half proxy`; empty where there was no choice.
    pub words: Arc<str>,
    /// How large the picture is made, against the size that it is shown at.
    pub scale: OutputScale,
    /// How often the controller has changed the rung while a clip played.
    pub switches: u64,
    /// Frames left out on purpose since the medium was opened.
    pub left_out: u64,
    /// How long each rung was played.
    pub times: RungTimes,
}

impl QualityState {
    /// What people are told, without what counts up all the time.
    fn news(&self) -> (QualityMode, Option<Rung>, &str, OutputScale, u64) {
        (self.mode, self.rung, &self.words, self.scale, self.switches)
    }
}

/// How bad a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something is not as asked.
    Warning,
    /// Something could not be done.
    Error,
}

impl Severity {
    /// How long a message that passes is to be seen: as long as it takes to read, the worse the longer.
    pub const fn reading_time(self) -> Duration {
        match self {
            Self::Info => Duration::from_secs(5),
            Self::Warning => Duration::from_secs(8),
            Self::Error => Duration::from_secs(12),
        }
    }
}

/// A message for the person at the screen: what happened, and what can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub severity: Severity,
    /// One or two plain sentences.
    pub text: String,
}

/// The open medium.
#[derive(Debug, Clone)]
pub struct MediaState {
    /// Its streams.
    pub info: Arc<MediaInfo>,
    /// Frames known so far; grows while the index is made, and is final when `index_complete`.
    pub frames: i64,
    /// Whether every frame is known.
    pub index_complete: bool,
    /// Length of the frames known so far.
    pub duration: MediaSpan,
    /// The index of the pictures, as far as it is made; `None` where there are none.
    pub index: Option<Arc<GopIndex>>,
    /// Frames a second: the pictures', or what sound is counted in.
    pub rate: FrameRate,
    /// What it is made of, where it is a timeline.
    pub timeline: Option<Arc<TimelineState>>,
}

impl MediaState {
    /// The frame on screen at `time`; the first or last one outside the medium.
    pub fn frame_at(&self, time: MediaTime) -> FrameIndex {
        let covered = |index: &&Arc<GopIndex>| index.is_complete() || index.end() > time;
        let by_index = self
            .index
            .as_ref()
            .filter(covered)
            .and_then(|index| index.frame_at(time));
        let frame = by_index.unwrap_or_else(|| self.rate.frame_at_floor(time));
        frame.clamp(FrameIndex::ZERO, FrameIndex(self.frames - 1))
    }

    /// The frame that a position means, as a person wrote it.
    pub fn resolve(&self, position: Position) -> Result<FrameIndex, PositionError> {
        let start = self.info.default_video().and_then(|stream| stream.timecode);
        position.resolve(&PositionContext {
            rate: self.rate,
            frame_count: Some(self.frames),
            start_timecode: start,
            frame_at: &|time| self.frame_at(time),
        })
    }
}

/// The engine's state at one moment. Cheap to clone.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each tells a thing of its own"
)]
pub struct Snapshot {
    /// What the transport is doing.
    pub status: PlaybackStatus,
    /// The open medium, if any.
    pub media: Option<Arc<MediaState>>,
    /// The frame asked for or playing.
    pub position: FrameIndex,
    /// Its timecode: counted from the medium's start timecode, or from zero.
    pub timecode: Option<Timecode>,
    /// Speed at which it plays, or would play.
    pub speed: Speed,
    /// First frame that plays, if marked.
    pub mark_in: Option<FrameIndex>,
    /// Last frame that plays, if marked.
    pub mark_out: Option<FrameIndex>,
    /// What happens at the end.
    pub loop_mode: LoopMode,
    /// Files in the playlist.
    pub playlist: Arc<Vec<PathBuf>>,
    /// The one that is open, counted from 0.
    pub playlist_index: usize,
    /// Volume in percent.
    pub volume_percent: u16,
    /// Whether sound is muted.
    pub muted: bool,
    /// Delay of the sound in milliseconds.
    pub audio_delay_millis: i32,
    /// The track heard, counted from 0.
    pub audio_track: Option<usize>,
    /// Where the sound goes.
    pub audio: AudioState,
    /// How loud each channel of the device is, before volume and mute; it means something while it plays.
    pub audio_levels: AudioLevels,
    /// Which clock leads.
    pub clock: ClockSource,
    /// Whether the playhead is being dragged.
    pub scrubbing: bool,
    /// The frame whose picture is on screen in place of the one asked for, which is still to come.
    pub approximate: Option<FrameIndex>,
    /// Whether dragging and stepping are heard.
    pub scrub_sound: bool,
    /// How far the sound that is heard is ahead of the engine's line, while it leads.
    pub sound_ahead: Option<MediaSpan>,
    /// Adjustments of the view.
    pub view: ViewSettings,
    /// How the two sides are shown, where the medium is a comparison.
    pub compare: CompareView,
    /// Messages, latest last; at most 8.
    pub notices: Vec<Notice>,
    /// Name of the decoder.
    pub decoder: String,
    /// Decoded frames that wait, and how many may.
    pub ring_fill: (usize, usize),
    /// Packets passed over for damage.
    pub damaged_packets: u64,
    /// Pictures that could not be decoded into the pool: it was full, or the codec brings its own
    /// memory.
    pub outside_pool: (u64, u64),
    /// Pictures that were copied into another arrangement, for their format is not canonical.
    pub repacked: u64,
    /// When proxies are shown.
    pub proxies: ProxyUse,
    /// What is out of the ordinary about the pictures; of a timeline, about those that are seen.
    pub traits: PictureTraits,
    /// What is decoded; of several layers the least.
    pub rung: Rung,
    /// Whether there are verified proxies.
    pub has_proxies: bool,
    /// Why files that look like proxies are not used, if there are any.
    pub refusals: Option<Arc<Vec<Arc<str>>>>,
    /// Open media that are not what was opened: gone, or changed.
    pub displaced: Arc<Vec<Displaced>>,
    /// Buffers that the sound device wanted and that could not be filled in time.
    pub underruns: u64,
    /// What of the sound is not as asked, although it is heard.
    pub audio_note: Option<String>,
    /// Frames around the playhead that are at hand in memory, as stretches in order.
    pub kept: Arc<Vec<Range<FrameIndex>>>,
    /// What is decoded, and why.
    pub quality: QualityState,
}

impl Snapshot {
    /// Whether this one and `other` tell the same, but for gauges that move all the time while playing.
    pub fn differs_only_in_gauges(&self, other: &Self) -> bool {
        let same_media = match (&self.media, &other.media) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        same_media
            && Arc::ptr_eq(&self.playlist, &other.playlist)
            && (self.status, self.position, self.timecode, self.speed)
                == (other.status, other.position, other.timecode, other.speed)
            && (
                self.mark_in,
                self.mark_out,
                self.loop_mode,
                self.playlist_index,
            ) == (
                other.mark_in,
                other.mark_out,
                other.loop_mode,
                other.playlist_index,
            )
            && (
                self.volume_percent,
                self.muted,
                self.audio_delay_millis,
                self.audio_track,
            ) == (
                other.volume_percent,
                other.muted,
                other.audio_delay_millis,
                other.audio_track,
            )
            && (&self.audio, self.clock) == (&other.audio, other.clock)
            && (self.scrubbing, self.approximate, self.scrub_sound)
                == (other.scrubbing, other.approximate, other.scrub_sound)
            && (self.view, self.compare) == (other.view, other.compare)
            && (&self.notices, &self.decoder) == (&other.notices, &other.decoder)
            && (self.damaged_packets, self.outside_pool)
                == (other.damaged_packets, other.outside_pool)
            && self.traits == other.traits
            && (self.proxies, self.rung, self.has_proxies, &self.refusals)
                == (
                    other.proxies,
                    other.rung,
                    other.has_proxies,
                    &other.refusals,
                )
            && self.displaced == other.displaced
            && (self.underruns, &self.audio_note) == (other.underruns, &other.audio_note)
            && Arc::ptr_eq(&self.kept, &other.kept)
            && self.quality.news() == other.quality.news()
    }
}

impl Snapshot {
    /// Whether the playhead moves by itself: not while it is dragged, even if it plays on afterwards.
    pub fn is_running(&self) -> bool {
        self.status == PlaybackStatus::Playing && !self.scrubbing
    }

    /// Whether it plays and fewer than half of the frames that may wait do. What is opened or dragged waits for
    /// frames as well, and is not behind.
    pub fn is_ring_low(&self) -> bool {
        let (fill, capacity) = self.ring_fill;
        self.is_running() && fill * 2 < capacity
    }
}

impl Default for Snapshot {
    /// Nothing is open.
    fn default() -> Self {
        Self {
            status: PlaybackStatus::Empty,
            media: None,
            position: FrameIndex::ZERO,
            timecode: None,
            speed: Speed::NORMAL,
            mark_in: None,
            mark_out: None,
            loop_mode: LoopMode::Off,
            playlist: Arc::default(),
            playlist_index: 0,
            volume_percent: 100,
            muted: false,
            audio_delay_millis: 0,
            audio_track: None,
            audio: AudioState::NoTrack,
            audio_levels: AudioLevels::default(),
            clock: ClockSource::Monotonic,
            scrubbing: false,
            approximate: None,
            scrub_sound: true,
            sound_ahead: None,
            view: ViewSettings::default(),
            compare: CompareView::default(),
            notices: Vec::new(),
            decoder: String::new(),
            ring_fill: (0, 0),
            damaged_packets: 0,
            outside_pool: (0, 0),
            repacked: 0,
            proxies: ProxyUse::default(),
            rung: Rung::Source,
            traits: PictureTraits::default(),
            has_proxies: false,
            refusals: None,
            displaced: Arc::default(),
            underruns: 0,
            audio_note: None,
            kept: Arc::default(),
            quality: QualityState::default(),
        }
    }
}

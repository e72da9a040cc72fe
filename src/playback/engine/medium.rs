//! Opening and closing media.

use std::sync::Arc;

use super::{Engine, Phase};
use crate::decode::{Approximations, ClipChooser, GopIndex, VideoSource};
use crate::media::{AudioStream, MediaInfo, PictureTrait, PictureTraits, VideoStream};
use crate::playback::media_watch::{Displaced, MediaWatch};
use crate::playback::opener::Opened;
use crate::playback::schedule::NewSource;
use crate::playback::snapshot::{MediaState, Severity};
use crate::playback::timeline::{Reviser, TimelineState};
use crate::playback::watch::FileWatch;
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime, Timecode, TimecodeFormat};

/// Sound without pictures is counted in frames of this rate: the finest step that timecode allows is
/// of no use, and 25 divides a second evenly.
const SOUND_ONLY_RATE: (u32, u32) = (25, 1);

/// The open medium.
pub(in crate::playback) struct Medium {
    pub(in crate::playback) info: Arc<MediaInfo>,
    pub(in crate::playback) stream: Option<VideoStream>,
    pub(in crate::playback) source: Option<Box<dyn VideoSource>>,
    pub(in crate::playback) rate: FrameRate,
    /// Its state as told last; made anew only when something in it has changed.
    pub(in crate::playback) told: Option<ToldState>,
    /// The audio track that is open, counted from 0. A timeline has none: its clips are mixed.
    pub(in crate::playback) track: Option<usize>,
    /// Whether sound is open that can be heard.
    pub(in crate::playback) is_heard: bool,
    /// What it is made of, where it is a timeline.
    pub(in crate::playback) timeline: Option<Arc<TimelineState>>,
    /// Gives it its next revision, where it is a timeline.
    pub(in crate::playback) reviser: Option<Reviser>,
    /// Tells when the timeline's file has changed.
    pub(in crate::playback) watch: Option<FileWatch>,
    /// Tells which of its files are not where they were.
    pub(in crate::playback) media_watch: Option<MediaWatch>,
    /// Those that a person was told of.
    pub(in crate::playback) displaced: Arc<Vec<Displaced>>,
    /// Pictures that can stand in for frames.
    pub(in crate::playback) approximations: Option<Arc<dyn Approximations>>,
}

/// A state, and what it was made of.
pub(in crate::playback) struct ToldState {
    index: Option<Arc<GopIndex>>,
    state: Arc<MediaState>,
}

impl Medium {
    pub(in crate::playback) fn index(&self) -> Option<Arc<GopIndex>> {
        self.source.as_ref().map(|source| source.index())
    }

    /// Number of frames: known where the index is complete, declared or computed before.
    pub(in crate::playback) fn frames(&self) -> i64 {
        let Some(index) = self.index() else {
            let duration = self.sound_duration();
            let last = self.rate.frame_at_floor(MediaTime::ZERO + duration);
            return last.0.max(0) + 1;
        };
        if index.is_complete() {
            return index.len().max(1);
        }
        let declared = self.stream.as_ref().and_then(|stream| {
            let by_count = stream.frames.and_then(|frames| i64::try_from(frames).ok());
            by_count.or_else(|| {
                let duration = stream.duration.or(self.info.container.duration)?;
                Some(self.rate.frame_at_floor(MediaTime::ZERO + duration).0)
            })
        });
        declared.unwrap_or(0).max(index.len()).max(1)
    }

    pub(in crate::playback) fn last_frame(&self) -> FrameIndex {
        FrameIndex(self.frames() - 1)
    }

    pub(in crate::playback) fn duration(&self) -> MediaSpan {
        match self.index() {
            Some(index) if index.is_complete() => index.duration(),
            Some(_) => self
                .rate
                .time_of_frame_nearest(FrameIndex(self.frames()))
                .since_zero(),
            None => self.sound_duration(),
        }
    }

    fn sound_duration(&self) -> MediaSpan {
        let tracks = self.info.audio.iter().filter_map(|track| track.duration);
        tracks
            .max()
            .or(self.info.container.duration)
            .unwrap_or(MediaSpan::ZERO)
    }

    /// Whether there is sound in it, heard or not.
    pub(in crate::playback) fn has_sound(&self) -> bool {
        match &self.timeline {
            Some(timeline) => !timeline.sound.clips.is_empty(),
            None => !self.info.audio.is_empty(),
        }
    }

    /// When `frame` begins.
    pub(in crate::playback) fn time_of(&self, frame: FrameIndex) -> MediaTime {
        let by_index = self.index().and_then(|index| index.time_of(frame));
        by_index.unwrap_or_else(|| self.rate.time_of_frame_nearest(frame))
    }

    /// When `frame` ends.
    pub(in crate::playback) fn end_of(&self, frame: FrameIndex) -> MediaTime {
        let by_index = self.index().and_then(|index| {
            let settled = index.is_complete() || frame.0 + 1 < index.len();
            index.end_of(frame).filter(|_| settled)
        });
        by_index.unwrap_or_else(|| self.time_of(frame) + self.rate.frame_span_nearest())
    }

    /// The frame on screen at `time`.
    pub(in crate::playback) fn frame_at(&self, time: MediaTime) -> FrameIndex {
        self.state().frame_at(time)
    }

    /// The cut that comes after `frame`, or before it where `way` is negative. Beginning and end count as
    /// cuts; a single clip has no others.
    pub(in crate::playback) fn cut_from(&self, frame: FrameIndex, way: i32) -> Option<FrameIndex> {
        let ends = [FrameIndex::ZERO, self.last_frame()];
        let cuts = self.timeline.as_ref().map(|timeline| timeline.edit.cuts());
        nearest(
            cuts.unwrap_or_default().iter().copied().chain(ends),
            frame,
            way,
        )
    }

    /// The marker that begins after `frame`, or before it where `way` is negative.
    pub(in crate::playback) fn marker_from(
        &self,
        frame: FrameIndex,
        way: i32,
    ) -> Option<FrameIndex> {
        let timeline = self.timeline.as_ref()?;
        let markers = timeline.edit.markers().iter();
        let frames = markers.map(|marker| self.rate.frame_at_floor(marker.range.start));
        nearest(frames, frame, way)
    }

    /// The timecode of `frame`, counted from the start timecode, or from zero.
    pub(in crate::playback) fn timecode_of(&self, frame: FrameIndex) -> Option<Timecode> {
        let start = self.start_timecode().or_else(|| {
            let format = TimecodeFormat::new(self.rate, false).ok()?;
            Some(Timecode::from_frame_number(0, format))
        })?;
        Some(start.offset(frame.0))
    }

    pub(in crate::playback) fn start_timecode(&self) -> Option<Timecode> {
        self.stream.as_ref().and_then(|stream| stream.timecode)
    }

    pub(in crate::playback) fn audio_stream(&self) -> Option<&AudioStream> {
        self.track.and_then(|track| self.info.audio.get(track))
    }

    /// Where media time zero lies in the container's time.
    pub(in crate::playback) fn zero(&self) -> MediaTime {
        let by_picture = self.stream.as_ref().map(|stream| stream.start);
        by_picture
            .or_else(|| self.audio_stream().map(|track| track.start))
            .unwrap_or(MediaTime::ZERO)
    }

    /// The state, shared with those who were told it before, as long as it is the same.
    pub(in crate::playback) fn shared_state(&mut self) -> Arc<MediaState> {
        let index = self.index();
        let same_index = |told: &ToldState| match (&told.index, &index) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        match &self.told {
            Some(told) if same_index(told) => Arc::clone(&told.state),
            _ => {
                let state = Arc::new(self.state());
                self.told = Some(ToldState {
                    index,
                    state: Arc::clone(&state),
                });
                state
            }
        }
    }

    pub(in crate::playback) fn state(&self) -> MediaState {
        let index = self.index();
        MediaState {
            info: Arc::clone(&self.info),
            frames: self.frames(),
            index_complete: index.as_ref().is_none_or(|index| index.is_complete()),
            duration: self.duration(),
            rate: self.rate,
            index,
            timeline: self.timeline.clone(),
        }
    }

    /// What is out of the ordinary about its pictures; of a timeline, about those of `frame`.
    pub(in crate::playback) fn traits(&self, frame: FrameIndex) -> PictureTraits {
        let stated = self.stream.as_ref().map(PictureTraits::of_stream);
        let seen = self.source.as_ref().map(|source| source.traits(frame));
        let index = self.index();
        stated
            .unwrap_or_default()
            .union(seen.unwrap_or_default())
            .with(
                PictureTrait::VariableRate,
                index.is_some_and(|index| index.is_variable_rate()),
            )
    }
}

/// The least of `frames` after `from`, or the greatest before it where `way` is negative.
fn nearest(
    frames: impl Iterator<Item = FrameIndex>,
    from: FrameIndex,
    way: i32,
) -> Option<FrameIndex> {
    if way < 0 {
        frames.filter(|&frame| frame < from).max()
    } else {
        frames.filter(|&frame| frame > from).min()
    }
}

impl Engine {
    /// Begins to open the playlist's file number `number`.
    pub(super) fn open_number(&mut self, number: usize) {
        let Some(path) = self.playlist.get(number).cloned() else {
            return;
        };
        self.playlist_index = number;
        self.close_medium();
        self.notices.clear();
        self.opening = true;
        self.reloading = false;
        self.plays_when_open = !self.start.paused;
        self.opener.begin(&path);
    }

    pub(super) fn close_medium(&mut self) {
        self.sound.hold();
        self.sound.close();
        self.audio_run = None;
        self.end_source();
        self.forget_target();
        self.planned = None;
        self.mark_in = None;
        self.mark_out = None;
        self.hold_frame(FrameIndex::ZERO);
        self.phase = Phase::Idle;
        self.publish_schedule();
    }

    /// Lets go of the medium. Its threads end by themselves: waiting for a share that hangs would stop the
    /// engine.
    pub(super) fn end_source(&mut self) {
        if let Some(source) = self.medium.take().and_then(|medium| medium.source) {
            self.opener.close(source);
        }
    }

    pub(super) fn medium_failed(&mut self, reason: &str) {
        self.notices.push(Severity::Error, reason.to_owned(), None);
        // The rest of a playlist goes on without it.
        if self.playlist_index + 1 < self.playlist.len() {
            let failed = self.notices.clone();
            self.open_number(self.playlist_index + 1);
            self.notices = failed;
        }
    }

    /// Takes a medium that was opened, and hands its ring to the presenting thread.
    pub(super) fn begin_medium(&mut self, opened: Opened) {
        self.epoch.0 += 1;
        let stream = opened
            .video
            .as_ref()
            .and_then(|_| opened.info.default_video().cloned());
        let sound_only = FrameRate::new(SOUND_ONLY_RATE.0, SOUND_ONLY_RATE.1);
        let Some(rate) = stream.as_ref().map(|stream| stream.rate).or(sound_only) else {
            return;
        };
        let mut medium = Medium {
            info: opened.info,
            stream,
            source: None,
            rate,
            told: None,
            track: None,
            is_heard: false,
            timeline: opened.timeline,
            reviser: opened.reviser,
            watch: opened.watch,
            media_watch: opened.media_watch,
            displaced: Arc::default(),
            approximations: opened.approximations,
        };
        if let Some((mut source, frames)) = opened.video {
            // What is measured is measured whole.
            if !self.start.untimed {
                source.set_chooser(Arc::clone(self.quality.control()) as Arc<dyn ClipChooser>);
                // The controller would say so with its first decision, which is too late for the first frame.
                if let Some(rung) = self.quality.policy().first_rung() {
                    source.set_rung(rung);
                }
            }
            medium.source = Some(source);
            let new_source = NewSource {
                epoch: self.epoch,
                frames,
                cuts: medium
                    .timeline
                    .as_ref()
                    .map(|timeline| timeline.edit.cuts().into())
                    .unwrap_or_default(),
            };
            if self.sources.try_send(new_source).is_err() {
                tracing::error!("nobody takes the pictures: the window is gone");
            }
        }
        self.medium = Some(medium);
        self.open_track();
    }

    pub(super) fn medium_opened(&mut self, opened: Opened) {
        self.begin_medium(opened);
        if self.medium.is_none() {
            return;
        }
        let resolve = |engine: &Self, position| {
            engine
                .resolve(position)
                .inspect_err(|error| tracing::warn!("{error}"))
                .ok()
        };
        self.mark_in = self
            .start
            .mark_in
            .and_then(|position| resolve(self, position));
        self.mark_out = self
            .start
            .mark_out
            .and_then(|position| resolve(self, position));
        let first = self.mark_in.unwrap_or(FrameIndex::ZERO);
        let from = self
            .start
            .position
            .and_then(|p| resolve(self, p))
            .unwrap_or(first);
        let is_still = self
            .medium
            .as_ref()
            .and_then(|medium| medium.stream.as_ref())
            .is_some_and(|stream| stream.is_still);
        self.replan(from, self.plays_when_open && !is_still);
    }

    /// Opens the audio track that is wanted, or the medium's default.
    pub(super) fn open_track(&mut self) {
        let Some(medium) = &mut self.medium else {
            return;
        };
        if let Some(timeline) = &medium.timeline {
            medium.track = None;
            medium.is_heard = self.audio_enabled && !timeline.sound.clips.is_empty();
            if medium.is_heard {
                self.sound.open_timeline(&timeline.sound);
            } else {
                self.sound.close();
            }
            return;
        }
        let default = medium.info.default_audio().map(|track| track.id);
        let tracks = &medium.info.audio;
        medium.track = if self.audio_enabled {
            let by_default = tracks.iter().position(|track| Some(track.id) == default);
            self.wanted_track
                .filter(|&track| track < tracks.len())
                .or(by_default)
        } else {
            None
        };
        medium.is_heard = medium.track.is_some();
        match medium.audio_stream() {
            Some(track) => {
                let (path, zero, id) = (medium.info.path.clone(), medium.zero(), track.id);
                self.sound.open(&path, id, zero);
            }
            None => self.sound.close(),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end_source();
    }
}

//! Background work for the medium that is open: its thumbnails, its waveform, and the pictures of it that outlast
//! the program.
//!
//! Work begins when the program's first picture is on the screen, thumbnails when the index is complete, and
//! the waveform after the coarse ones. It stands back while playing falls behind ([`Calm`]), is cancelled when
//! another medium is opened, and ends with the player.

mod timeline;

use std::io;
use std::sync::{Arc, Weak};

use self::timeline::TimelineWork;
use crate::cache::thumbnails::{OpenStrip, StripRequest, StripScale, StripSource, ThumbnailStrip};
use crate::cache::waveform::{Columns, Waveform, WaveformRequest, WaveformSource};
use crate::cache::{FrameCache, LastingPictures, ProductStore};
use crate::decode::IndexStore;
use crate::jobs::{
    JobEvent, JobHandle, JobListener, JobNews, JobQueue, JobState, QueueOptions, SubmitError,
};
use crate::media::{MediaInfo, StreamId};
use crate::memory::{MemoryManager, Step};
use crate::playback::{MediaState, PlaybackStatus, Snapshot};
use crate::time::{Clock, MediaSpan, Moment};
use crate::ui::Thumbnails as Strip;

/// What is made in the background.
#[derive(Debug, Clone, Default)]
pub struct BackgroundOptions {
    /// Thumbnails, for media with pictures.
    pub thumbnails: bool,
    /// Waveforms, for media with sound.
    pub waveforms: bool,
    /// Where they are kept from one opening of a file to the next.
    pub store: Option<Arc<dyn ProductStore>>,
    /// Where pictures that the playhead stays at are kept from one opening of a file to the next.
    pub pictures: Option<Arc<dyn ProductStore>>,
    /// Where those pictures are while a file is open.
    pub frames: Option<Arc<FrameCache>>,
    /// Where the indices of a timeline's media are kept.
    pub indices: Option<Arc<dyn IndexStore>>,
    /// Where others find the strip of the medium that is open.
    pub open_strip: Arc<OpenStrip>,
}

/// Columns of a waveform: more than a window has pixels would not be seen.
const COLUMNS: usize = 2048;

/// Work stands back for this long after a frame was late or dropped.
const CALM_NANOS: i64 = 2_000_000_000;

/// The jobs of the medium that is open, and what they made. Owned by the presenting thread; dropping it
/// ends them.
pub(super) struct Background {
    queue: JobQueue,
    options: BackgroundOptions,
    clock: Arc<dyn Clock>,
    memory: Arc<MemoryManager>,
    medium: Option<Arc<MediaInfo>>,
    thumbnails: Option<Thumbnails>,
    sound: Option<Sound>,
    timeline: Option<TimelineWork>,
    lasting: Option<LastingPictures>,
    calm: Calm,
}

struct Thumbnails {
    strip: Arc<ThumbnailStrip>,
    jobs: Vec<JobHandle>,
}

struct Sound {
    stream: StreamId,
    waveform: Arc<Waveform>,
    job: Option<JobHandle>,
    /// What the screen gets, and what it was made of.
    columns: Option<(u64, MediaSpan, Arc<Columns>)>,
}

impl Background {
    /// Starts the worker; what it makes is charged to the ledger of `memory`. `wake` is called from its thread when there is something new to see. `None`
    /// when nothing is to be made.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(super) fn start(
        options: BackgroundOptions,
        clock: Arc<dyn Clock>,
        memory: Arc<MemoryManager>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> io::Result<Option<Self>> {
        if !(options.thumbnails || options.waveforms) {
            return Ok(None);
        }
        let listener: JobListener = Arc::new(move |event: &JobEvent| {
            if let JobNews::Ended(JobState::Failed(reason)) = &event.news {
                tracing::info!("no {}: {reason}", event.key);
            }
            wake();
        });
        let pictures = options.frames.clone().zip(options.pictures.clone());
        let lasting = pictures.map(|(cache, store)| LastingPictures::new(cache, store));
        Ok(Some(Self {
            lasting,
            queue: JobQueue::new(QueueOptions::default(), listener)?,
            options,
            clock,
            memory,
            medium: None,
            thumbnails: None,
            sound: None,
            timeline: None,
            calm: Calm::default(),
        }))
    }

    /// Sees to it that the open medium is worked on, once pictures are `shown`, and that playing is not
    /// hurt: `lost` frames were late or dropped so far.
    pub(super) fn follow(&mut self, snapshot: &Snapshot, shown: bool, lost: u64) {
        let now = self.clock.now();
        self.queue
            .set_paused(self.calm.is_disturbed(now, snapshot, lost));
        let medium = snapshot.media.as_ref();
        let is_known = match (&self.medium, medium) {
            (Some(known), Some(medium)) => Arc::ptr_eq(known, &medium.info),
            (None, None) => true,
            _ => false,
        };
        if !is_known {
            self.let_go();
            self.medium = medium.map(|medium| Arc::clone(&medium.info));
        }
        let Some(medium) = medium else {
            return;
        };
        if let Some(lasting) = self.lasting.as_mut().filter(|_| shown)
            && let Err(error) = lasting.follow(&self.queue)
        {
            tracing::warn!("{error}");
        }
        if let Some(timeline) = &medium.timeline {
            if shown {
                let work = self.timeline.get_or_insert_with(|| {
                    let (options, clock, memory) = (&self.options, &self.clock, &self.memory);
                    TimelineWork::begin(medium, timeline, options, clock, memory, &self.queue)
                });
                work.aim(medium, snapshot.position);
            }
            return;
        }
        let has_pictures = medium.info.default_video().is_some();
        if !shown && has_pictures {
            return;
        }
        if self.options.thumbnails && self.thumbnails.is_none() {
            self.begin_thumbnails(medium);
        }
        if self.options.waveforms && !self.awaits_thumbnails(medium) {
            self.follow_sound(medium, snapshot);
        }
    }

    /// Whether the coarse thumbnails are still to come. There is one worker, and a waveform takes it for as long
    /// as it takes to read the whole file, so it begins after them, however they end.
    fn awaits_thumbnails(&self, medium: &MediaState) -> bool {
        let moves = medium
            .info
            .default_video()
            .is_some_and(|video| !video.is_still);
        if !self.options.thumbnails || !moves {
            return false;
        }
        match &self.thumbnails {
            Some(thumbnails) => thumbnails
                .jobs
                .first()
                .is_some_and(|job| !job.state().is_over()),
            None => medium
                .index
                .as_ref()
                .is_none_or(|index| !index.is_complete()),
        }
    }

    /// Cancels what is made of the medium before.
    fn let_go(&mut self) {
        self.options.open_strip.clear();
        self.timeline = None;
        if let Some(thumbnails) = self.thumbnails.take() {
            thumbnails.jobs.iter().for_each(JobHandle::cancel);
        }
        if let Some(job) = self.sound.take().and_then(|sound| sound.job) {
            job.cancel();
        }
    }

    fn begin_thumbnails(&mut self, medium: &MediaState) {
        let (Some(stream), Some(index)) = (medium.info.default_video(), &medium.index) else {
            return;
        };
        // One picture is its own thumbnail.
        if !index.is_complete() || stream.is_still || index.len() < 2 {
            return;
        }
        let strip = Arc::new(ThumbnailStrip::charged(self.memory.ledger()));
        let shedder: Weak<ThumbnailStrip> = Arc::downgrade(&strip);
        self.memory.register(Step::Thumbnails, shedder);
        let source = StripSource {
            path: medium.info.path.clone(),
            file_bytes: medium.info.container.bytes,
            stream: stream.clone(),
            index: Arc::clone(index),
        };
        let (store, clock) = (self.options.store.clone(), Arc::clone(&self.clock));
        let request = StripRequest::new(
            source,
            StripScale::default(),
            Arc::clone(&strip),
            store,
            clock,
        );
        let jobs = request.submit(&self.queue).unwrap_or_else(told);
        let open: Arc<ThumbnailStrip> = Arc::clone(&strip);
        self.options.open_strip.set(&medium.info.path, open);
        self.thumbnails = Some(Thumbnails { strip, jobs });
    }

    /// Makes the waveform of the track that is heard, or of the one that would be.
    fn follow_sound(&mut self, medium: &MediaState, snapshot: &Snapshot) {
        let track = snapshot.audio_track;
        let heard = track.and_then(|track| medium.info.audio.get(track));
        let Some(stream) = heard.or_else(|| medium.info.default_audio()) else {
            return;
        };
        let known = self.sound.as_ref().map(|sound| sound.stream);
        if known == Some(stream.id) {
            return;
        }
        if let Some(job) = self.sound.take().and_then(|sound| sound.job) {
            job.cancel();
        }
        let waveform = Arc::new(Waveform::new());
        // What is around the playhead is seen first.
        waveform.aim(medium.rate.time_of_frame_nearest(snapshot.position));
        let source = WaveformSource::of(&medium.info, stream);
        let store = self.options.store.clone();
        let job = WaveformRequest::new(source, Arc::clone(&waveform), store).submit(&self.queue);
        self.sound = Some(Sound {
            stream: stream.id,
            waveform,
            job: job.map_or_else(told, Some),
            columns: None,
        });
    }

    /// The thumbnails of the open medium, as far as they are made.
    pub(super) fn strip(&self) -> Option<Strip<'_>> {
        let of_timeline = self.timeline.as_ref().and_then(TimelineWork::strip);
        let of_file = || {
            let thumbnails = self.thumbnails.as_ref()?;
            Some(Strip::OfFile(&thumbnails.strip))
        };
        of_timeline.map(Strip::OfTimeline).or_else(of_file)
    }

    /// The waveform of the open medium, as far as it is made.
    pub(super) fn peaks(&mut self, snapshot: &Snapshot) -> Option<Arc<Columns>> {
        if let Some(timeline) = &mut self.timeline {
            return timeline.peaks();
        }
        let length = snapshot.media.as_deref().map(length_of)?;
        let sound = self.sound.as_mut()?;
        let edition = sound.waveform.edition();
        match &sound.columns {
            Some((made_of, of_length, peaks)) if (*made_of, *of_length) == (edition, length) => {
                Some(Arc::clone(peaks))
            }
            _ => {
                let peaks = Arc::new(Columns::from(sound.waveform.columns(length, COLUMNS)));
                sound.columns = Some((edition, length, Arc::clone(&peaks)));
                Some(peaks)
            }
        }
    }
}

/// A job that was not taken is not worth a word on the screen.
fn told<T: Default>(error: SubmitError) -> T {
    tracing::warn!("{error}");
    T::default()
}

/// The length that the lane stands for: as declared while the frames are being counted.
fn length_of(medium: &MediaState) -> MediaSpan {
    let declared = || {
        let video = medium.info.default_video()?;
        video.duration.or(medium.info.container.duration)
    };
    let counted = medium.duration;
    if medium.index_complete {
        counted
    } else {
        declared().unwrap_or(counted).max(counted)
    }
}

/// Tells when background work would disturb playing.
#[derive(Debug, Default)]
struct Calm {
    /// Frames lost so far.
    lost: u64,
    /// When a loss is forgotten.
    until: Option<Moment>,
}

impl Calm {
    /// Whether playing is behind now: frames were lost lately, or fewer than half of those that may wait
    /// do. A file that is being opened is waited for, too.
    fn is_disturbed(&mut self, now: Moment, snapshot: &Snapshot, lost: u64) -> bool {
        let is_playing = snapshot.is_running();
        if lost > self.lost && is_playing {
            self.until = Some(now.offset_nanos(CALM_NANOS));
        }
        // Counts begin anew with each medium.
        self.lost = lost;
        let was_behind = is_playing && self.until.is_some_and(|until| now < until);
        snapshot.status == PlaybackStatus::Opening || was_behind || snapshot.is_ring_low()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crossbeam_channel::{Receiver, bounded};

    use super::*;
    use crate::decode::{Input, media_info, read_index};
    use crate::media::test_support::write_wav;
    use crate::memory::{Ledger, SystemProbe};
    use crate::time::{FrameRate, RealClock};

    /// How long a test waits for a worker before it calls it hung.
    const HUNG: std::time::Duration = std::time::Duration::from_mins(1);

    fn snapshot(status: PlaybackStatus, ring_fill: (usize, usize)) -> Snapshot {
        Snapshot {
            status,
            ring_fill,
            ..Snapshot::default()
        }
    }

    #[test]
    fn work_stands_back_while_playing_is_behind() {
        let mut calm = Calm::default();
        let at = |millis: u64| Moment::from_nanos(millis * 1_000_000);
        let full = snapshot(PlaybackStatus::Playing, (4, 4));
        let empty = snapshot(PlaybackStatus::Playing, (1, 4));
        let paused = snapshot(PlaybackStatus::Paused, (0, 4));
        let opening = snapshot(PlaybackStatus::Opening, (0, 0));
        assert!(!calm.is_disturbed(at(0), &full, 0));
        assert!(calm.is_disturbed(at(10), &empty, 0));
        assert!(!calm.is_disturbed(at(20), &paused, 0));
        assert!(calm.is_disturbed(at(30), &opening, 0));
        assert!(calm.is_disturbed(at(40), &full, 1), "a frame was lost");
        assert!(calm.is_disturbed(at(2_039), &full, 1));
        assert!(!calm.is_disturbed(at(2_041), &full, 1));
        assert!(!calm.is_disturbed(at(2_050), &full, 0), "another medium");
        assert!(!calm.is_disturbed(at(2_060), &paused, 7));
    }

    /// A second of a tone, as WAV.
    fn tone(path: &Path) {
        let tone = |n| if n / 20 % 2 == 0 { 9_000 } else { -9_000 };
        write_wav(path, 8_000, 1, (0..8_000).map(tone));
    }

    fn medium(path: &Path) -> Arc<MediaState> {
        let mut input = Input::open(path).unwrap();
        let info = media_info(&input);
        let stream = info.default_video().cloned();
        let index = stream.map(|stream| Arc::new(read_index(&mut input, &stream).unwrap()));
        Arc::new(MediaState {
            frames: 100,
            index_complete: true,
            duration: MediaSpan::from_secs(1),
            index,
            rate: FrameRate::new(100, 1).unwrap(),
            timeline: None,
            info: Arc::new(info),
        })
    }

    fn start(wants: bool) -> (Option<Background>, Receiver<()>) {
        let (send, news) = bounded(1);
        let wake = Arc::new(move || {
            let _already = send.try_send(());
        });
        let options = BackgroundOptions {
            thumbnails: wants,
            waveforms: wants,
            ..BackgroundOptions::default()
        };
        let memory = MemoryManager::new(Ledger::new(1 << 30), Box::new(SystemProbe::new()));
        let (clock, memory) = (Arc::new(RealClock::new()), Arc::new(memory));
        let started = Background::start(options, clock, memory, wake).unwrap();
        (started, news)
    }

    #[test]
    fn what_is_not_wanted_has_no_thread() {
        assert!(start(false).0.is_none());
    }

    #[test]
    fn sound_gets_a_waveform_and_another_medium_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tone.wav");
        tone(&path);
        let (background, news) = start(true);
        let mut background = background.unwrap();
        let mut open = Snapshot {
            status: PlaybackStatus::Paused,
            media: Some(medium(&path)),
            ..Snapshot::default()
        };
        let loudest = |columns: &Columns| columns.all.iter().map(|p| p.high).fold(0.0, f32::max);
        let until_made = |background: &mut Background, open: &Snapshot| loop {
            background.follow(open, false, 0);
            let job = background.sound.as_ref().unwrap().job.as_ref();
            let is_over = job.unwrap().state().is_over();
            let peaks = background.peaks(open).unwrap();
            if is_over && loudest(&peaks) > 0.2 {
                return peaks;
            }
            news.recv_timeout(HUNG).unwrap();
        };
        let peaks = until_made(&mut background, &open);
        assert_eq!(peaks.all.len(), COLUMNS);
        let again = background.peaks(&open).unwrap();
        assert!(Arc::ptr_eq(&peaks, &again), "nothing changed");
        assert!(background.strip().is_none(), "there are no pictures");
        // The same file once more is another opening.
        open.media = Some(medium(&path));
        let other = until_made(&mut background, &open);
        assert!(!Arc::ptr_eq(&peaks, &other));
        open.media = None;
        background.follow(&open, false, 0);
        assert!(background.peaks(&open).is_none());
    }

    #[test]
    fn the_waveform_waits_for_the_coarse_thumbnails() {
        let folder = tempfile::tempdir().unwrap();
        let (sound, pictures) = (
            folder.path().join("tone.wav"),
            folder.path().join("gray.y4m"),
        );
        tone(&sound);
        let frame = [&b"FRAME\n"[..], &[128; 16 * 16 * 3 / 2]].concat();
        let header = &b"YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg\n"[..];
        std::fs::write(&pictures, [header, &frame.repeat(100)].concat()).unwrap();
        let with_sound = |index_complete: bool| {
            let mut medium = MediaState::clone(&medium(&pictures));
            let mut info = MediaInfo::clone(&medium.info);
            info.audio = media_info(&Input::open(&sound).unwrap()).audio;
            medium.info = Arc::new(info);
            medium.index = medium.index.filter(|_| index_complete);
            Some(Arc::new(medium))
        };
        let (background, news) = start(true);
        let mut background = background.unwrap();
        let mut open = Snapshot {
            status: PlaybackStatus::Paused,
            media: with_sound(false),
            ..Snapshot::default()
        };
        background.follow(&open, true, 0);
        assert!(background.sound.is_none(), "frames are still counted");
        open.media = with_sound(true);
        loop {
            background.follow(&open, true, 0);
            let thumbnails = background.thumbnails.as_ref().unwrap();
            if background.sound.is_some() {
                assert!(thumbnails.jobs[0].state().is_over());
                break;
            }
            news.recv_timeout(HUNG).unwrap();
        }
    }
}

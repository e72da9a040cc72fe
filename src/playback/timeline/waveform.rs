//! The waveform of a timeline: those of its media, laid out as its clips are, all together and track by track.
//!
//! It has a fixed number of columns, each of which stands for an equal part of the timeline. A file's own
//! waveform is fetched or made, shown in the columns of all clips that play it, and let go: so a timeline of
//! whatever many files takes no more memory than one. Files are worked on in the background
//! ([`TimelineWaveformRequest`]), what is heard nearest to the playhead first.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::audio::{SoundClip, SoundPlan};
use crate::cache::ProductStore;
use crate::cache::waveform::{Columns, Peak, Waveform, WaveformRequest, WaveformSource};
use crate::decode::{Input, Interrupter, media_info};
use crate::jobs::{Job, JobContext, JobHandle, JobQueue, JobStop, Priority, Progress, SubmitError};
use crate::media::{StreamId, VideoStream};
use crate::time::{MediaSpan, MediaTime};
use crate::timeline::{Ratio, TimeRange};

/// Tracks that have a waveform of their own at most: of more, nobody sees the last ones.
const MOST_TRACKS: usize = 64;

/// How loud a timeline is, as far as that is known. Filled by a job, read from any thread without waiting
/// for it.
#[derive(Debug)]
pub struct TimelineWaveform {
    duration: MediaSpan,
    sounds: Vec<FileSound>,
    /// All files that are done.
    columns: ArcSwap<Columns>,
    current: ArcSwapOption<Current>,
    edition: AtomicU64,
    aim_flicks: AtomicI64,
}

/// The file that is worked on.
#[derive(Debug)]
struct Current {
    /// Its clips, in times since its first picture, each with the tracks in which it lies.
    clips: Vec<(SoundClip, Vec<usize>)>,
    /// What is made of it.
    waveform: Arc<Waveform>,
}

impl Current {
    /// Adds its clips to the columns of a timeline that lasts `duration`.
    fn lay_out(&self, duration: MediaSpan, columns: &mut Columns) {
        let Columns { all, tracks } = columns;
        for (clip, own) in &self.clips {
            let mut lanes: Vec<&mut Vec<Peak>> = tracks
                .iter_mut()
                .filter(|(track, _)| own.contains(track))
                .map(|(_, peaks)| Arc::make_mut(peaks))
                .collect();
            lay_out_clip(
                clip,
                &self.waveform,
                duration,
                all.len(),
                |column, peak, level| {
                    let lanes = lanes.iter_mut().map(|lane| &mut **lane);
                    for lane in lanes.chain([&mut *all]) {
                        if let Some(place) = lane.get_mut(column) {
                            *place = together(*place, peak, level);
                        }
                    }
                },
            );
        }
    }
}

/// A file that is heard.
#[derive(Debug)]
struct FileSound {
    path: PathBuf,
    stream: Option<StreamId>,
    /// Each with the tracks in which it lies.
    clips: Vec<(SoundClip, Vec<usize>)>,
}

impl TimelineWaveform {
    /// The waveform of `plan` in so many columns, of which nothing is made. `tracks` are those in which each of the
    /// plan's clips lies, by their place among the children of the timeline's root.
    pub fn new(plan: &SoundPlan, tracks: &[Vec<usize>], columns: usize) -> Self {
        let mut sounds: Vec<FileSound> = Vec::new();
        for (number, clip) in plan.clips.iter().enumerate() {
            let own = tracks.get(number).cloned().unwrap_or_default();
            let is_it =
                |sound: &&mut FileSound| sound.stream == clip.stream && sound.path == clip.path;
            match sounds.iter_mut().find(is_it) {
                Some(sound) => sound.clips.push((clip.clone(), own)),
                None => sounds.push(FileSound {
                    path: clip.path.clone(),
                    stream: clip.stream,
                    clips: vec![(clip.clone(), own)],
                }),
            }
        }
        let silence = vec![Peak::default(); columns];
        let known: BTreeSet<usize> = tracks.iter().flatten().copied().collect();
        let lane = |track| (track, Arc::new(silence.clone()));
        let tracks = known.into_iter().take(MOST_TRACKS).map(lane).collect();
        Self {
            duration: plan.duration,
            sounds,
            columns: ArcSwap::from_pointee(Columns {
                all: silence,
                tracks,
            }),
            current: ArcSwapOption::empty(),
            edition: AtomicU64::new(0),
            aim_flicks: AtomicI64::new(0),
        }
    }

    /// Files that are heard.
    pub fn files(&self) -> usize {
        self.sounds.len()
    }

    /// Tells where somebody looks: files that are heard there come first.
    pub fn aim(&self, time: MediaTime) {
        self.aim_flicks.store(time.flicks(), Ordering::Relaxed);
    }

    /// A number that changes when more is made.
    pub fn edition(&self) -> u64 {
        let current = self.current.load();
        let own = current
            .as_ref()
            .map_or(0, |current| current.waveform.edition());
        self.edition.load(Ordering::Acquire).wrapping_add(own)
    }

    /// The peaks of equal parts of the timeline. What is not made yet is silent. Where several clips sound at
    /// once the one that swings farthest is seen, and their powers are added.
    pub fn columns(&self) -> Columns {
        let mut columns = Columns::clone(&self.columns.load());
        if let Some(current) = &*self.current.load() {
            current.lay_out(self.duration, &mut columns);
        }
        columns
    }

    /// The file that was worked on is done.
    fn finish(&self, current: &Current) {
        let mut columns = Columns::clone(&self.columns.load());
        current.lay_out(self.duration, &mut columns);
        // The waveform's own edition does not count any longer, and must not come to the same sum.
        let own = current.waveform.edition();
        self.columns.store(Arc::new(columns));
        self.current.store(None);
        self.edition.fetch_add(own + 1, Ordering::Release);
    }

    fn aimed_at(&self) -> MediaTime {
        MediaTime::from_flicks(self.aim_flicks.load(Ordering::Relaxed))
    }
}

/// The clip that is nearest to `time`.
fn nearest(clips: &[(SoundClip, Vec<usize>)], time: MediaTime) -> Option<&SoundClip> {
    let clips = clips.iter().map(|(clip, _)| clip);
    clips.min_by_key(|clip| distance(&clip.range, time))
}

fn distance(range: &TimeRange, time: MediaTime) -> MediaSpan {
    (time.clamp(range.start, range.end()) - time).abs()
}

/// Tells `add` which peaks a clip has at which level in which of `columns`, of a timeline that lasts `duration`.
fn lay_out_clip(
    clip: &SoundClip,
    waveform: &Waveform,
    duration: MediaSpan,
    columns: usize,
    mut add: impl FnMut(usize, Peak, f32),
) {
    let Ok(count) = i64::try_from(columns) else {
        return;
    };
    if duration <= MediaSpan::ZERO || count == 0 {
        return;
    }
    let begin_of = |column: i64| MediaTime::ZERO + duration.scaled_nearest(column, count);
    let column_of = |time: MediaTime| {
        let part = i128::from(time.flicks()) * i128::from(count) / i128::from(duration.flicks());
        i64::try_from(part).unwrap_or(0).clamp(0, count - 1)
    };
    for column in column_of(clip.range.start)..=column_of(clip.range.end()) {
        let whole = TimeRange::between(begin_of(column), begin_of(column + 1));
        let Some(part) = whole.intersection(&clip.range) else {
            continue;
        };
        let (from, to) = (part.start - clip.range.start, part.end() - clip.range.start);
        // A still is silent.
        if clip.map.piece_at(from).speed == Ratio::ZERO {
            continue;
        }
        let (one, other) = (clip.map.source_at(from), clip.map.source_at(to));
        let at = |span: MediaSpan| MediaTime::ZERO + span;
        let peak = waveform.peak_in(at(one.min(other))..at(one.max(other)));
        let middle = part.start + part.duration.scaled_nearest(1, 2);
        let fades = clip.fades.iter().filter(|fade| fade.range.contains(middle));
        let level = fades.fold(clip.gain.abs(), |level, fade| level * fade.level_at(middle));
        if let Ok(column) = usize::try_from(column) {
            add(column, peak, level);
        }
    }
}

/// What is seen of two sounds at once, the second of them at a level.
fn together(one: Peak, other: Peak, level: f32) -> Peak {
    let rms = (one.rms * one.rms + other.rms * other.rms * level * level).sqrt();
    Peak {
        low: one.low.min(other.low * level).max(-1.0),
        high: one.high.max(other.high * level).min(1.0),
        rms: rms.min(1.0),
    }
}

/// The waveform of a timeline to be made.
#[derive(Debug)]
pub struct TimelineWaveformRequest {
    waveform: Arc<TimelineWaveform>,
    store: Option<Arc<dyn ProductStore>>,
}

impl TimelineWaveformRequest {
    /// The peaks for `waveform`. What `store` keeps is taken from there.
    pub fn new(waveform: Arc<TimelineWaveform>, store: Option<Arc<dyn ProductStore>>) -> Self {
        Self { waveform, store }
    }

    /// Submits the job. It yields to playing.
    ///
    /// # Errors
    /// When the queue is full.
    pub fn submit(self, name: &str, queue: &JobQueue) -> Result<JobHandle, SubmitError> {
        let job = Job::new(format!("waveforms of {name}"), move |context| {
            self.make(context)
        });
        queue.submit(job.priority(Priority::Normal).yields())
    }

    /// A file that fails is silent, and the others go on.
    fn make(&self, context: &JobContext) -> Result<(), JobStop> {
        let sounds = &self.waveform.sounds;
        let mut left: Vec<usize> = (0..sounds.len()).collect();
        let total = u32::try_from(left.len()).unwrap_or(u32::MAX);
        while !left.is_empty() {
            context.check()?;
            let aim = self.waveform.aimed_at();
            let away = |place: usize| {
                let clips = sounds.get(place).map(|sound| &*sound.clips);
                let clip = nearest(clips.unwrap_or_default(), aim);
                clip.map(|clip| distance(&clip.range, aim))
            };
            let nearest = (0..left.len()).min_by_key(|&at| away(left[at]));
            let place = left.remove(nearest.unwrap_or(0));
            let Some(sound) = sounds.get(place) else {
                continue;
            };
            match self.make_file(sound, context) {
                Ok(()) => {}
                Err(JobStop::Cancelled) => return Err(JobStop::Cancelled),
                Err(JobStop::Failed(reason)) => {
                    self.waveform.current.store(None);
                    if context.is_cancelled() {
                        return Err(JobStop::Cancelled);
                    }
                    tracing::info!("{}: no waveform: {reason}", sound.path.display());
                }
            }
            context.progress(Progress {
                done: total - u32::try_from(left.len()).unwrap_or(total),
                total,
            });
        }
        Ok(())
    }

    fn make_file(&self, sound: &FileSound, context: &JobContext) -> Result<(), JobStop> {
        let interrupter = Interrupter::from(context.cancel_flag());
        let input = Input::open_interruptible(&sound.path, &interrupter)
            .map_err(|error| JobStop::Failed(error.to_string()))?;
        let info = media_info(&input);
        drop(input);
        let stream = match sound.stream {
            Some(id) => info.audio.iter().find(|stream| stream.id == id),
            None => info.default_audio(),
        };
        let stream = stream.ok_or_else(|| JobStop::Failed("it has no sound".to_owned()))?;
        let timecode = info.default_video().and_then(VideoStream::timecode_zero);
        let counted = |(clip, tracks): &(SoundClip, Vec<usize>)| {
            (clip.counted_from_first(timecode), tracks.clone())
        };
        let clips: Vec<_> = sound.clips.iter().map(counted).collect();
        let waveform = Arc::new(Waveform::new());
        let aim = self.waveform.aimed_at();
        if let Some(clip) = nearest(&clips, aim) {
            let inside = aim.clamp(clip.range.start, clip.range.end());
            waveform.aim(MediaTime::ZERO + clip.map.source_at(inside - clip.range.start));
        }
        let source = WaveformSource::of(&info, stream);
        let request = WaveformRequest::new(source, Arc::clone(&waveform), self.store.clone());
        let current = Arc::new(Current { clips, waveform });
        self.waveform.current.store(Some(Arc::clone(&current)));
        request.make(context)?;
        self.waveform.finish(&current);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::audio::SoundZero;
    use crate::cache::MemoryStore;
    use crate::jobs::{JobListener, JobState, QueueOptions};
    use crate::media::test_support::write_wav;
    use crate::timeline::{AudioFade, TimeMap};

    /// Seconds of each tone.
    const SECONDS: i64 = 2;

    /// Two seconds of a square wave, as WAV: loud in the first, half as loud in the second.
    fn tone(folder: &std::path::Path, name: &str, amplitude: i16) -> PathBuf {
        let rate = 48_000_u32;
        let samples = (0..rate * 2).map(|n| {
            let loud = if n < rate { amplitude } else { amplitude / 2 };
            if n / 60 % 2 == 0 { loud } else { -loud }
        });
        let path = folder.join(name);
        write_wav(&path, rate, 1, samples);
        path
    }

    fn at(seconds: i64) -> MediaTime {
        MediaTime::ZERO + MediaSpan::from_secs(seconds)
    }

    fn clip(path: PathBuf, from: i64, seconds: i64, map: TimeMap) -> SoundClip {
        SoundClip {
            path,
            stream: None,
            range: TimeRange::between(at(from), at(from + seconds)),
            map,
            zero: SoundZero::First,
            fades: Arc::from([]),
            gain: 1.0,
        }
    }

    fn plan(clips: Vec<SoundClip>, seconds: i64) -> SoundPlan {
        SoundPlan {
            clips: clips.into(),
            duration: MediaSpan::from_secs(seconds),
        }
    }

    /// Makes the waveform of `plan` with a column each half second; answers how high each swings in percent, and
    /// the names of the files in the order in which they were worked on.
    fn made(
        plan: &SoundPlan,
        aim: MediaTime,
        store: Option<Arc<dyn ProductStore>>,
    ) -> (Vec<i32>, Vec<String>) {
        let columns =
            usize::try_from(plan.duration.flicks() * 2 / MediaSpan::from_secs(1).flicks());
        // The first clip lies in two tracks, each other one in a third.
        let tracks: Vec<Vec<usize>> = (0..plan.clips.len())
            .map(|clip| if clip == 0 { vec![1, 2] } else { vec![4] })
            .collect();
        let waveform = Arc::new(TimelineWaveform::new(plan, &tracks, columns.unwrap()));
        waveform.aim(aim);
        let order: Arc<Mutex<Vec<String>>> = Arc::default();
        let listener: JobListener = Arc::new({
            let (waveform, order) = (Arc::clone(&waveform), Arc::clone(&order));
            move |_| {
                if let Some(current) = &*waveform.current.load() {
                    let name = current.clips[0].0.path.file_stem().unwrap();
                    let name = name.to_string_lossy().into_owned();
                    let mut order = order.lock();
                    if order.last() != Some(&name) {
                        order.push(name);
                    }
                }
            }
        });
        let options = QueueOptions {
            workers: 0,
            waiting: 4,
        };
        let queue = JobQueue::new(options, listener).unwrap();
        let before = waveform.edition();
        let request = TimelineWaveformRequest::new(Arc::clone(&waveform), store);
        let job = request.submit("edit", &queue).unwrap();
        while queue.run_one().is_some() {}
        assert_eq!(job.state(), JobState::Done);
        assert!(waveform.sounds.is_empty() || waveform.edition() != before);
        #[expect(clippy::cast_possible_truncation, reason = "0 to 100")]
        let percent = |peak: &Peak| (peak.high * 100.0).round() as i32;
        let order = order.lock().clone();
        let columns = waveform.columns();
        let of = |peaks: &[Peak]| peaks.iter().map(percent).collect::<Vec<i32>>();
        assert_eq!(of(columns.of_track(1)), of(columns.of_track(2)));
        assert_eq!(columns.of_track(0), [], "nothing lies there");
        let louder = columns.of_track(1).iter().zip(columns.of_track(4));
        let louder = louder.map(|(one, other)| percent(one).max(percent(other)));
        assert!(
            plan.clips.len() < 2 || louder.eq(of(&columns.all)),
            "together they are all"
        );
        (of(&columns.all), order)
    }

    #[test]
    fn clips_are_seen_where_they_are_heard_at_their_speed_and_level() {
        let folder = tempfile::tempdir().unwrap();
        let (loud, soft) = (
            tone(folder.path(), "loud.wav", 32_000),
            tone(folder.path(), "soft.wav", 8_000),
        );
        let backwards = TimeMap::linear(MediaSpan::from_secs(SECONDS), Ratio::new(-1, 1).unwrap());
        let fast = TimeMap::linear(MediaSpan::ZERO, Ratio::new(2, 1).unwrap());
        let quiet = SoundClip {
            gain: 0.5,
            ..clip(loud.clone(), 7, 1, TimeMap::identity())
        };
        let plan = plan(
            vec![
                clip(soft, 0, 2, TimeMap::identity()),
                clip(loud.clone(), 3, 2, backwards),
                clip(loud, 6, 1, fast),
                quiet,
            ],
            9,
        );
        let (columns, _) = made(&plan, MediaTime::ZERO, None);
        let expected = [
            24, 24, 12, 12, // soft
            0, 0, // nothing
            49, 49, 98, 98, // loud, from its end
            0, 0, // nothing
            98, 49, // twice as fast
            49, 49, // at half the level
            0, 0,
        ];
        assert_eq!(columns.len(), expected.len());
        for (column, (found, expected)) in columns.iter().zip(expected).enumerate() {
            // A column may show a block of its neighbour, at most in the one beside a change.
            let is_near = (found - expected).abs() <= 1;
            let beside = columns.get(column + 1).is_some_and(|next| next == found)
                || column > 0 && columns[column - 1] == *found;
            assert!(is_near || beside, "column {column}: {columns:?}");
        }
    }

    #[test]
    fn a_fade_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = tone(folder.path(), "tone.wav", 32_000);
        let mut fading = clip(path, 0, 1, TimeMap::identity());
        fading.fades = Arc::from([AudioFade {
            range: fading.range,
            rising: true,
        }]);
        let (columns, _) = made(&plan(vec![fading], 1), MediaTime::ZERO, None);
        assert!(
            (columns[0] - 24).abs() <= 1 && (columns[1] - 73).abs() <= 1,
            "{columns:?}"
        );
    }

    #[test]
    fn a_medium_that_is_missing_is_silent_and_the_rest_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = tone(folder.path(), "tone.wav", 32_000);
        let gone = folder.path().join("gone.wav");
        let plan = plan(
            vec![
                clip(gone, 0, 1, TimeMap::identity()),
                clip(path, 1, 1, TimeMap::identity()),
            ],
            2,
        );
        let store: Arc<dyn ProductStore> = Arc::new(MemoryStore::new(1 << 20));
        for _ in 0..2 {
            let (columns, _) = made(&plan, MediaTime::ZERO, Some(Arc::clone(&store)));
            assert_eq!(columns[0], 0);
            assert!(
                (columns[2] - 98).abs() <= 1 && (columns[3] - 98).abs() <= 1,
                "{columns:?}"
            );
        }
    }

    #[test]
    fn what_is_heard_nearest_to_the_playhead_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let clips = (0..3).map(|n| {
            let path = tone(folder.path(), &format!("{n}.wav"), 9_000);
            clip(path, n * 2, 2, TimeMap::identity())
        });
        let plan = plan(clips.collect(), 6);
        let (_, order) = made(&plan, at(5), None);
        assert_eq!(order, ["2", "1", "0"]);
    }
}

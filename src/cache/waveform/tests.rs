//! Waveforms of files against the definition, from any place, from the store, and called off.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::pyramid::{BLOCK_SAMPLES, SEGMENT_BLOCKS};
use super::*;
use crate::cache::{MemoryStore, ProductStore};
use crate::jobs::{JobEvent, JobHandle, JobListener, JobNews, JobQueue, JobState, QueueOptions};
use crate::media::StreamId;
use crate::media::test_support::write_wav;
use crate::time::{MediaSpan, MediaTime};

const RATE: u32 = 8_000;

/// A sample that differs from its neighbours, from -1 to 1 in 16 bits.
fn sample(n: usize, channel: usize) -> i16 {
    let mixed = (n * 2 + channel).wrapping_mul(2_654_435_761) >> 7;
    let loud = i64::try_from(1 + n / 700 % 30).unwrap();
    let full = i64::try_from(mixed % 65_536).unwrap() - 32_768;
    i16::try_from(full * loud / 31).unwrap()
}

/// A WAV file of 16-bit samples.
fn wav(path: &Path, frames: usize, channels: u16, sample: impl Fn(usize, usize) -> i16) {
    let samples =
        (0..frames).flat_map(|n| (0..usize::from(channels)).map(move |channel| (n, channel)));
    write_wav(
        path,
        RATE,
        channels,
        samples.map(|(n, channel)| sample(n, channel)),
    );
    settle(path);
}

/// Lets the file be one that has not changed for a while.
fn settle(path: &Path) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    let then = std::time::SystemTime::now() - std::time::Duration::from_mins(10);
    file.set_modified(then).unwrap();
}

fn span(samples: usize) -> MediaSpan {
    MediaSpan::from_samples_nearest(i64::try_from(samples).unwrap(), RATE.try_into().unwrap())
}

fn source(path: &Path, frames: usize) -> WaveformSource {
    WaveformSource {
        path: path.to_owned(),
        file_bytes: std::fs::metadata(path).unwrap().len(),
        stream: StreamId(0),
        zero: MediaTime::ZERO,
        duration: Some(span(frames)),
    }
}

/// Runs the job for `source` and answers what it became. `hear` hears of it.
fn make(
    source: WaveformSource,
    waveform: &Arc<Waveform>,
    store: Option<&Arc<MemoryStore>>,
    hear: impl Fn(&JobEvent) + Send + Sync + 'static,
) -> JobState {
    let options = QueueOptions {
        workers: 0,
        waiting: 4,
    };
    let listener: JobListener = Arc::new(hear);
    let queue = JobQueue::new(options, listener).unwrap();
    let store = store.map(|store| Arc::clone(store) as Arc<dyn ProductStore>);
    let request = WaveformRequest::new(source, Arc::clone(waveform), store);
    let job = request.submit(&queue).unwrap();
    while queue.run_one().is_some() {}
    job.state()
}

struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn file(frames: usize, channels: u16) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    wav(&path, frames, channels, sample);
    File {
        _folder: folder,
        path,
    }
}

/// The peak of samples, by its definition.
fn reference(first: usize, end: usize, channels: usize) -> (f64, f64, f64) {
    let all: Vec<f64> = (first..end)
        .flat_map(|n| (0..channels).map(move |channel| f64::from(sample(n, channel)) / 32_768.0))
        .collect();
    let squares: f64 = all.iter().map(|s| s * s).sum();
    (
        all.iter().copied().fold(f64::INFINITY, f64::min),
        all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        (squares / all.len() as f64).sqrt(),
    )
}

#[test]
fn every_block_is_what_its_samples_say() {
    // The last block is shorter than the others.
    let frames = 20 * BLOCK_SAMPLES + 77;
    let file = file(frames, 2);
    let waveform = Arc::new(Waveform::new());
    let state = make(source(&file.path, frames), &waveform, None, |_| {});
    assert_eq!(state, JobState::Done);
    assert_eq!(waveform.length(), span(21 * BLOCK_SAMPLES));
    let blocks = waveform.state().segments[0].clone().unwrap();
    for (number, block) in blocks.blocks().iter().enumerate() {
        let first = number * BLOCK_SAMPLES;
        let (low, high, rms) = reference(first, (first + BLOCK_SAMPLES).min(frames), 2);
        let peak = block.peak();
        for (found, wanted) in [(peak.low, low), (peak.high, high), (peak.rms, rms)] {
            let error = (f64::from(found) - wanted).abs();
            assert!(error < 1e-4, "block {number}: {found} for {wanted}");
        }
    }
    // A column a block: what is asked for is what is there.
    let columns = waveform.columns(span(20 * BLOCK_SAMPLES), 20);
    let shown: Vec<Peak> = blocks.blocks()[..20].iter().map(|b| b.peak()).collect();
    assert_eq!(columns, shown);
}

#[test]
fn it_begins_where_somebody_looks_and_ends_up_the_same() {
    let frames = SEGMENT_BLOCKS * BLOCK_SAMPLES * 5 / 2;
    let file = file(frames, 1);
    let from_start = Arc::new(Waveform::new());
    let done = make(source(&file.path, frames), &from_start, None, |_| {});
    assert_eq!(done, JobState::Done);

    let waveform = Arc::new(Waveform::new());
    waveform.aim(MediaTime::ZERO + span(SEGMENT_BLOCKS * BLOCK_SAMPLES * 3 / 2));
    let seen: Arc<Mutex<Vec<Vec<bool>>>> = Arc::default();
    let hear = {
        let (seen, waveform) = (Arc::clone(&seen), Arc::clone(&waveform));
        move |event: &JobEvent| {
            if let JobNews::Progress(_) = event.news {
                let state = waveform.state();
                seen.lock()
                    .push(state.segments.iter().map(Option::is_some).collect());
            }
        }
    };
    let done = make(source(&file.path, frames), &waveform, None, hear);
    assert_eq!(done, JobState::Done);
    let order = [
        vec![false, true, false],
        vec![false, true, true],
        vec![true, true, true],
    ];
    assert_eq!(*seen.lock(), order);
    assert_eq!(waveform.state().segments, from_start.state().segments);
}

#[test]
fn a_shorter_file_than_declared_ends_where_it_ends() {
    let frames = SEGMENT_BLOCKS * BLOCK_SAMPLES / 2;
    let file = file(frames, 1);
    for aim in [0, SEGMENT_BLOCKS * BLOCK_SAMPLES * 2] {
        let waveform = Arc::new(Waveform::new());
        waveform.aim(MediaTime::ZERO + span(aim));
        let declared = SEGMENT_BLOCKS * BLOCK_SAMPLES * 4;
        let done = make(source(&file.path, declared), &waveform, None, |_| {});
        assert_eq!(done, JobState::Done);
        assert_eq!(waveform.made(), (1, 1), "aimed at {aim}");
        assert_eq!(waveform.length(), span(frames));
    }
}

#[test]
fn sound_that_begins_after_zero_has_silence_before_it_and_what_is_before_is_cut() {
    let frames = 10 * BLOCK_SAMPLES;
    let file = file(frames, 1);
    let columns = |zero: MediaTime| {
        let waveform = Arc::new(Waveform::new());
        let late = WaveformSource {
            zero,
            ..source(&file.path, frames)
        };
        assert_eq!(make(late, &waveform, None, |_| {}), JobState::Done);
        (
            waveform.columns(span(14 * BLOCK_SAMPLES), 14),
            waveform.length(),
        )
    };
    let (plain, length) = columns(MediaTime::ZERO);
    assert_eq!(length, span(frames));
    // The file's time stamps begin at zero, so an earlier zero makes its sound late.
    let (late, length) = columns(MediaTime::ZERO - span(4 * BLOCK_SAMPLES));
    assert_eq!(length, span(14 * BLOCK_SAMPLES));
    assert_eq!(late[..4], [Peak::default(); 4]);
    assert_eq!(late[4..], plain[..10]);
    let (early, _) = columns(MediaTime::ZERO + span(3 * BLOCK_SAMPLES));
    assert_eq!(early[..7], plain[3..10]);
}

#[test]
fn what_was_made_is_found_again_until_the_file_changes() {
    let frames = 40 * BLOCK_SAMPLES;
    let file = file(frames, 1);
    let store = Arc::new(MemoryStore::new(1 << 20));
    let first = Arc::new(Waveform::new());
    let made = make(source(&file.path, frames), &first, Some(&store), |_| {});
    assert_eq!(made, JobState::Done);
    assert!(store.used_bytes() >= 40 * 6);
    // What is found needs no work, and so no news on the way.
    let worked = Arc::new(Mutex::new(false));
    let hear = {
        let worked = Arc::clone(&worked);
        move |event: &JobEvent| *worked.lock() |= matches!(event.news, JobNews::Progress(_))
    };
    let again = Arc::new(Waveform::new());
    make(
        source(&file.path, frames),
        &again,
        Some(&store),
        hear.clone(),
    );
    assert_eq!(again.state().segments, first.state().segments);
    assert!(!*worked.lock());

    wav(&file.path, frames + 1, 1, |_, _| 5);
    let changed = Arc::new(Waveform::new());
    make(source(&file.path, frames), &changed, Some(&store), hear);
    assert!(*worked.lock(), "it was made anew");
    assert_ne!(changed.state().segments, first.state().segments);
}

#[test]
fn what_is_made_of_a_file_that_may_still_change_is_not_kept() {
    let file = file(4 * BLOCK_SAMPLES, 1);
    let now = std::fs::File::options()
        .write(true)
        .open(&file.path)
        .unwrap();
    now.set_modified(std::time::SystemTime::now()).unwrap();
    let (store, waveform) = (
        Arc::new(MemoryStore::new(1 << 20)),
        Arc::new(Waveform::new()),
    );
    let source = source(&file.path, 4 * BLOCK_SAMPLES);
    assert_eq!(
        make(source, &waveform, Some(&store), |_| {}),
        JobState::Done
    );
    assert_eq!((waveform.made(), store.used_bytes()), ((1, 1), 0));
}

#[test]
fn called_off_in_the_middle_it_is_not_kept() {
    let frames = SEGMENT_BLOCKS * BLOCK_SAMPLES * 3;
    let file = file(frames, 1);
    let store = Arc::new(MemoryStore::new(1 << 20));
    let waveform = Arc::new(Waveform::new());
    let handle: Arc<Mutex<Option<JobHandle>>> = Arc::default();
    let listener: JobListener = {
        let handle = Arc::clone(&handle);
        Arc::new(move |event: &JobEvent| {
            if let (JobNews::Progress(_), Some(job)) = (&event.news, &*handle.lock()) {
                job.cancel();
            }
        })
    };
    let options = QueueOptions {
        workers: 0,
        waiting: 4,
    };
    let queue = JobQueue::new(options, listener).unwrap();
    let kept = Arc::clone(&store) as Arc<dyn ProductStore>;
    let request = WaveformRequest::new(
        source(&file.path, frames),
        Arc::clone(&waveform),
        Some(kept),
    );
    let job = request.submit(&queue).unwrap();
    *handle.lock() = Some(job.clone());
    queue.run_one();
    assert_eq!(job.state(), JobState::Cancelled);
    assert_eq!(waveform.made(), (1, 3), "what was made stays to be seen");
    assert_eq!(store.used_bytes(), 0);
}

#[test]
fn what_cannot_be_read_fails_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.wav");
    std::fs::write(&path, [7; 4_000]).unwrap();
    let waveform = Arc::new(Waveform::new());
    let failed = make(source(&path, 100), &waveform, None, |_| {});
    assert!(matches!(failed, JobState::Failed(reason) if reason.contains("noise.wav")));
    let good = file(100, 1);
    let other = WaveformSource {
        stream: StreamId(3),
        ..source(&good.path, 100)
    };
    let failed = make(other, &waveform, None, |_| {});
    assert!(matches!(failed, JobState::Failed(reason) if reason.contains("not sound")));
    // Cut off in the middle, the rest is drawn.
    let whole = file(30 * BLOCK_SAMPLES, 1);
    let bytes = std::fs::read(&whole.path).unwrap();
    std::fs::write(&whole.path, &bytes[..bytes.len() / 2]).unwrap();
    let state = make(
        source(&whole.path, 30 * BLOCK_SAMPLES),
        &waveform,
        None,
        |_| {},
    );
    assert_eq!(state, JobState::Done);
    assert!(waveform.length() > span(13 * BLOCK_SAMPLES));
    std::fs::remove_file(&whole.path).unwrap();
    let gone = WaveformSource {
        path: whole.path.clone(),
        ..source(&good.path, 100)
    };
    assert!(matches!(
        make(gone, &waveform, None, |_| {}),
        JobState::Failed(_)
    ));
}

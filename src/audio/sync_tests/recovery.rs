//! Sound that could not be read returns.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;
use crate::audio::source::SampleSource;
use crate::audio::{AudioOutput, AudioPlayerState};
use crate::decode::{AudioRead, AudioReadError};
use crate::media::AudioFormat;

/// A medium on a share that comes and goes.
struct Share {
    inner: BurstSource,
    lost: Arc<AtomicBool>,
    /// Whether this handle met the loss: it then fails until it seeks.
    broken: bool,
}

impl SampleSource for Share {
    fn format(&self) -> AudioFormat {
        self.inner.format()
    }

    fn seek(&mut self, to: MediaTime) -> Result<(), AudioReadError> {
        self.broken = false;
        self.inner.seek(to)
    }

    fn read(&mut self) -> Result<AudioRead, AudioReadError> {
        self.broken |= self.lost.load(Ordering::Relaxed);
        if self.broken {
            return Err(AudioReadError::Read("share".to_owned(), "gone".to_owned()));
        }
        self.inner.read()
    }
}

/// A bench that plays from a share, whether the share is lost, and how often it was asked to open.
fn bench() -> (Bench, Arc<AtomicBool>, Arc<AtomicU32>) {
    let mut bench = Bench::new(SimTraits::default(), Vec::new(), secs(1));
    let lost = Arc::new(AtomicBool::new(false));
    let opened = Arc::new(AtomicU32::new(0));
    let (is_lost, count) = (Arc::clone(&lost), Arc::clone(&opened));
    bench.player.open_made(Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        if is_lost.load(Ordering::Relaxed) {
            return Err("The share is gone.".to_owned());
        }
        let bursts = (1..1_000).map(|n| MediaTime::ZERO + MediaSpan::from_millis(n * 250));
        let inner = BurstSource::new(48_000, bursts.collect(), secs(300));
        let lost = Arc::clone(&is_lost);
        let broken = false;
        Ok(Box::new(Share {
            inner,
            lost,
            broken,
        }))
    }));
    (bench, lost, opened)
}

fn is_silent(state: &AudioPlayerState) -> bool {
    matches!(state.output, AudioOutput::Silent(_))
}

/// What is heard in the next two seconds, against where the bursts are.
fn heard_in_sync(bench: &mut Bench, generation: Generation) -> usize {
    bench.device.take_record();
    bench.pass(2_000);
    let heard = bench.heard_runs(generation, MILLI * 100);
    let expected = runs((0..400).map(|n| n * 250));
    assert_in_sync(&heard, &expected, (1.0, 0.002), 400);
    heard.len()
}

#[test]
fn sound_returns_by_itself_when_its_file_does() {
    let (mut bench, lost, opened) = bench();
    bench.pass(50);
    let generation = bench.play(1, forward(MediaTime::ZERO, secs(300)), 4);
    assert!(heard_in_sync(&mut bench, generation) >= 7);
    lost.store(true, Ordering::Relaxed);
    bench.pass(10_000);
    assert_eq!(heard_in_sync(&mut bench, generation), 0);
    assert!(is_silent(&bench.player.state()));
    // Tried after 1, 2, 4 and 8 seconds at most.
    let tries = opened.load(Ordering::Relaxed);
    assert!((3..=5).contains(&tries), "{tries}");
    lost.store(false, Ordering::Relaxed);
    bench.pass(10_000);
    assert!(heard_in_sync(&mut bench, generation) >= 7);
    assert!(!is_silent(&bench.player.state()));
    bench.assert_monotonic();
}

#[test]
fn a_file_that_was_missing_joins_in() {
    let (mut bench, lost, _) = bench();
    lost.store(true, Ordering::Relaxed);
    bench.pass(50);
    let generation = bench.play(1, forward(MediaTime::ZERO, secs(300)), 4);
    bench.pass(500);
    assert!(is_silent(&bench.player.state()));
    lost.store(false, Ordering::Relaxed);
    bench.pass(4_000);
    assert!(!is_silent(&bench.player.state()));
    assert!(heard_in_sync(&mut bench, generation) >= 7);
}

#[test]
fn the_next_plan_tries_at_once() {
    let (mut bench, lost, _) = bench();
    bench.pass(50);
    bench.play(1, forward(MediaTime::ZERO, secs(300)), 4);
    lost.store(true, Ordering::Relaxed);
    bench.pass(600);
    assert!(is_silent(&bench.player.state()));
    lost.store(false, Ordering::Relaxed);
    let generation = bench.play(2, forward(secs(20), secs(300)), 4);
    bench.pass(200);
    assert!(!is_silent(&bench.player.state()));
    assert!(heard_in_sync(&mut bench, generation) >= 7);
}

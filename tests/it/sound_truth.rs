//! Picture and sound together: a tone begins with each flash of the clips that were made so, in the
//! files as they are read, and in the speakers as they are heard.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jogwheel::decode::{AudioRead, AudioReader, Input, media_info};
use jogwheel::media::VideoFrame;
use jogwheel::time::FrameIndex;

use crate::deck::Deck;
use crate::made::{self, Clip};
use crate::otio::{clip, range, track, write};
use crate::program;
use crate::witness::Witness;

/// Samples a second of the clips and of the recording.
const RATE: u32 = 48_000;

/// How long a burst lasts, in samples; they begin a second apart.
const BURST: usize = 1_920;

/// Silence before a burst, in samples.
const SILENCE: usize = 20_000;

/// The pitch of a burst, in hertz.
const TONE: f64 = 1_000.0;

/// Where bursts begin: the first samples of at least `level` after a silence.
fn bursts(samples: &[f32], level: f32) -> Vec<usize> {
    let mut last_loud = None;
    let mut found = Vec::new();
    for (number, sample) in samples.iter().enumerate() {
        if sample.abs() >= level {
            // The first one needs no silence before it.
            if last_loud.is_none_or(|last| number - last > SILENCE) {
                found.push(number);
            }
            last_loud = Some(number);
        }
    }
    found
}

/// The pitch in hertz of the burst that `samples` begin with, from where its waves cross zero upwards; none if
/// it ends early.
fn pitch(samples: &[f32], level: f32) -> Option<f64> {
    // Its last wave is left out: an encoder may smear it.
    let burst = samples.get(..BURST - 48)?;
    let is_whole = burst
        .chunks_exact(48)
        .all(|wave| wave.iter().any(|sample| *sample >= level));
    let crossings: Vec<f64> = burst
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
        .map(|(number, pair)| number as f64 + f64::from(pair[0] / (pair[0] - pair[1])))
        .collect();
    let (first, last) = (crossings.first()?, crossings.last()?);
    let waves = (crossings.len() - 1) as f64;
    (is_whole && last > first).then(|| waves * f64::from(RATE) / (last - first))
}

#[test]
fn a_pitch_is_told_from_one_half_a_percent_off_it() {
    let tone = |hertz: f64, length: usize| -> Vec<f32> {
        #[expect(clippy::cast_possible_truncation, reason = "a level")]
        let sample = |number: usize| {
            let turns = hertz * number as f64 / f64::from(RATE);
            (0.5 * (turns * std::f64::consts::TAU).cos()) as f32
        };
        (0..length).map(sample).collect()
    };
    for hertz in [TONE, 1_005.0, 918.75] {
        let found = pitch(&tone(hertz, BURST), 0.25).unwrap();
        assert!((found / hertz - 1.0).abs() < 0.000_1, "{hertz} Hz: {found}");
    }
    let mut broken = tone(TONE, BURST);
    broken[960..1_056].fill(0.0);
    assert_eq!(pitch(&broken, 0.25), None, "a hole in it");
    assert_eq!(pitch(&tone(TONE, BURST / 2), 0.25), None, "it ends early");
}

/// All of a clip's sound, and the number of its first sample counted from the first picture.
fn sound_of(clip: &Clip) -> (i64, Vec<f32>) {
    let info = media_info(&Input::open(&clip.path).unwrap());
    let (video, audio) = (info.default_video().unwrap(), info.default_audio().unwrap());
    let mut reader = AudioReader::open(&clip.path, audio.id, video.start).unwrap();
    let mut first = None;
    let mut samples = Vec::new();
    while let AudioRead::Chunk(chunk) = reader.read().unwrap() {
        assert_eq!(
            (
                chunk.samples.format.rate.get(),
                chunk.samples.format.layout.count()
            ),
            (RATE, 1)
        );
        first.get_or_insert(
            chunk
                .start
                .since_zero()
                .samples_nearest(chunk.samples.format.rate),
        );
        samples.extend(chunk.samples.interleaved);
    }
    assert_eq!(reader.damaged_packets(), 0, "{}", clip.name);
    (first.expect("there is sound"), samples)
}

/// Whether the lower part of a sync clip's picture is white.
fn flashes(frame: &VideoFrame) -> bool {
    let luma = frame.plane(0);
    luma.row(luma.rows * 3 / 4)[luma.row_bytes / 2] > 128
}

#[test]
fn bursts_begin_with_the_flashes() {
    for clip in made::clips(&["sync"]) {
        let every: i64 = clip.note("flash_every").unwrap().parse().unwrap();
        let mut deck = Deck::open(&clip.path).unwrap();
        let index = deck.index().unwrap();
        assert_eq!(index.len(), clip.frames, "{}", clip.name);
        for (frame, expected) in [
            (0, true),
            (1, false),
            (every - 1, false),
            (every, true),
            (every + 1, false),
        ] {
            let flash = flashes(&deck.frame(frame).unwrap());
            assert_eq!(flash, expected, "{}: frame {frame} is white", clip.name);
        }
        let (first, samples) = sound_of(&clip);
        // The encoder smears an edge over a part of its block; FFmpeg's keeps it within a millisecond.
        let tolerance = if clip.name.contains("aac") { 48 } else { 1 };
        let found = bursts(&samples, 0.25);
        let rate = RATE.try_into().unwrap();
        let expected: Vec<i64> = (0..)
            .map(|number| FrameIndex(number * every))
            .map_while(|frame| Some(index.time_of(frame)?.since_zero().samples_nearest(rate)))
            .collect();
        assert_eq!(found.len(), expected.len(), "{}: bursts", clip.name);
        for (number, (found, expected)) in found.into_iter().zip(expected).enumerate() {
            let found = first + i64::try_from(found).unwrap();
            assert!(
                (found - expected).abs() <= tolerance,
                "{}: burst {number} begins at sample {found}, its flash at {expected}",
                clip.name
            );
        }
    }
}

/// A recording of what the null sink is given. Ended when dropped.
struct Recording {
    recorder: Child,
}

impl Recording {
    /// Records the sink that scripts/test makes, as 16-bit stereo.
    fn start(into: &Path) -> Self {
        let recorder = Command::new("parec")
            .args([
                "--device=jogwheel_test.monitor",
                "--raw",
                "--format=s16le",
                "--channels=2",
            ])
            .args([format!("--rate={RATE}"), "--latency-msec=50".to_owned()])
            .stdin(Stdio::null())
            .stdout(File::create(into).unwrap())
            .spawn()
            .expect("parec runs; scripts/setup --test installs it");
        let recording = Self { recorder };
        program::wait_for(|| std::fs::metadata(into).ok().filter(|file| file.len() > 0))
            .expect("parec records");
        recording
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ended = self.recorder.kill();
        let _status = self.recorder.wait();
    }
}

#[test]
fn what_is_heard_keeps_time_with_what_is_seen() {
    keeps_time(&made::clip("sync-25.mov").path);
}

#[test]
fn so_does_a_timeline_through_its_cuts() {
    let file = made::clip("sync-25.mov").path;
    let folder = tempfile::tempdir().unwrap();
    // Every cut lies in the silence between two tones, and a second of the clip stays a second.
    let parts = [
        (0.0, 37.0),
        (62.0, 75.0),
        (262.0, 75.0),
        (137.0, 75.0),
        (512.0, 75.0),
    ];
    let shots = parts.map(|(start, length)| clip(&file, &range(start, length, 25.0), &[]));
    let tracks = [track("Video", &shots), track("Audio", &shots)];
    keeps_time(&write(folder.path(), "cut", 25.0, &tracks));
}

/// The device's buffers hold less: a machine that stands still for so long leaves a hole in any sound.
const STALL: Duration = Duration::from_millis(50);

/// How often a machine that stood still is listened to.
const TRIES: usize = 3;

/// Plays `path`, in which a tone begins each second, and listens. What is heard while the machine stands still
/// tells nothing, neither of the player nor of the sound server, and is listened to again.
fn keeps_time(path: &Path) {
    assert!(
        std::env::var_os("PULSE_SERVER").is_some()
            && Command::new("pactl")
                .arg("info")
                .stdout(Stdio::null())
                .status()
                .is_ok_and(|it| it.success()),
        "no PulseAudio server: run scripts/test, which starts one with the null sink jogwheel_test"
    );
    for attempt in 1.. {
        let heard = listen(path);
        heard.assert_measured();
        let verdict = heard.verdict();
        eprintln!("{verdict:?}: {heard:?}");
        match verdict {
            Ok(()) => return,
            Err(why) if heard.stall < STALL || attempt == TRIES => panic!("{why}: {heard:#?}"),
            Err(_) => {}
        }
    }
}

/// What was heard, and what the player said of it.
#[derive(Debug)]
#[expect(
    dead_code,
    reason = "some of it is only printed, for whoever looks for the cause"
)]
struct Heard {
    /// The longest time for which the machine stood still meanwhile.
    stall: Duration,
    /// Median of sound less picture in milliseconds, and the frames that it is of; `None` where the sound led.
    offset: Option<(f64, u64)>,
    underruns: u64,
    loudest: f32,
    /// Tones, and the pitches in hertz of those that are whole.
    tones: usize,
    pitches: Vec<f64>,
    /// Seconds between the beginnings of tones, in rising order.
    distances: Vec<f64>,
    /// What the player said beside its report.
    log: String,
}

fn listen(path: &Path) -> Heard {
    let folder = tempfile::tempdir().unwrap();
    let (report, recorded) = (
        folder.path().join("report.json"),
        folder.path().join("recorded.raw"),
    );
    let recording = Recording::start(&recorded);
    let witness = Witness::start();
    let ended = program::run(&[
        &"soak",
        &path,
        &"--media-root",
        &made::folder(),
        &"--seconds",
        &"12",
        &"--size",
        &"320x180",
        &"--json",
        &report,
    ])
    .expect(0);
    let stall = witness.longest_stall();
    drop(recording);

    let report = std::fs::read(&report).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let (offset, counters) = (&report["av_offset"], &report["counters"]);
    let bytes = std::fs::read(&recorded).unwrap();
    let left = |frame: &[u8; 4]| f32::from(i16::from_le_bytes([frame[0], frame[1]])) / 32_768.0;
    let samples: Vec<f32> = bytes.as_chunks().0.iter().map(left).collect();
    let peak = |peak: f32, sample: &f32| peak.max(sample.abs());
    let loudest = samples.iter().fold(0f32, peak);
    let level = loudest / 2.0;
    let begins = bursts(&samples, level);
    let pitches = begins
        .iter()
        .filter_map(|begin| pitch(&samples[*begin..], level));
    let mut distances: Vec<f64> = begins
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) as f64 / f64::from(RATE))
        .collect();
    distances.sort_by(f64::total_cmp);
    Heard {
        stall,
        offset: offset["median_ms"].as_f64().zip(offset["frames"].as_u64()),
        underruns: counters["audio_underruns"].as_u64().unwrap(),
        loudest,
        tones: begins.len(),
        pitches: pitches.collect(),
        distances,
        log: ended.stderr,
    }
}

impl Heard {
    /// Asserts what the player says of itself: a median over many frames, which no single stall explains.
    fn assert_measured(&self) {
        let (off, frames) = self
            .offset
            .unwrap_or_else(|| panic!("the sound led: {self:#?}"));
        assert!(frames >= 50, "few frames were measured: {self:#?}");
        let half_a_frame_millis = 20.0;
        assert!(
            off.abs() < half_a_frame_millis,
            "sound and picture are apart: {self:#?}"
        );
    }

    /// Whether tones were heard a second apart, as they are; otherwise what was wrong.
    fn verdict(&self) -> Result<(), &'static str> {
        if self.loudest <= 0.2 {
            return Err("the recording is silent");
        }
        if self.tones < 6 {
            return Err("there are few tones");
        }
        // On a busy machine the null sink's own timer comes late, and the silence that it then records lengthens
        // a distance; catching up shortens another. A tone is over before that: most of them come through whole.
        let is_right = |hertz: &&f64| (**hertz / TONE - 1.0).abs() <= 0.002;
        if self.pitches.iter().filter(is_right).count() < 3 {
            return Err("tones sound at other pitches");
        }
        let middle = self.distances[self.distances.len() / 2];
        if (middle - 1.0).abs() > 0.25 {
            return Err("tones are not a second apart");
        }
        Ok(())
    }
}

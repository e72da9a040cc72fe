//! Sync truth: what is heard, and when, against the position that the player reports for that moment.
//! Everything but the device and the medium is the real thing, stepped by hand on a simulated clock.

use std::sync::Arc;
use std::time::Duration;

use super::device::DeviceSupervisor;
use super::session::{Session, Step};
use super::sim::{BurstSource, SimDevice, SimTraits, ToneSource};
use super::{AudioPlan, AudioPlayer};
use crate::decode::{Generation, LoopMode, RunMap};
use crate::time::{Clock, FrameIndex, FrameRate, MediaSpan, MediaTime, Moment, SimClock, Speed};

mod faults;
mod recovery;
mod timeline;

const MILLI: Duration = Duration::from_millis(1);

/// A player, a device and an engine that asks for the position every two milliseconds.
struct Bench {
    clock: SimClock,
    player: AudioPlayer,
    session: Session,
    supervisor: DeviceSupervisor,
    device: SimDevice,
    next_watch: Moment,
    /// Positions given: moment, generation, run time.
    positions: Vec<(Moment, Generation, MediaSpan)>,
    /// Moments at which there was none.
    lost: Vec<Moment>,
}

impl Bench {
    fn new(traits: SimTraits, bursts: Vec<MediaTime>, end: MediaTime) -> Self {
        let clock = SimClock::new();
        let device = SimDevice::new(&clock, traits);
        let backend = Box::new(device.clone());
        let (player, session, supervisor) = AudioPlayer::detached(Arc::new(clock.clone()), backend);
        let mut bench = Self {
            clock,
            player,
            session,
            supervisor,
            device,
            next_watch: Moment::ZERO,
            positions: Vec::new(),
            lost: Vec::new(),
        };
        bench
            .player
            .open_source(Box::new(BurstSource::new(48_000, bursts, end)));
        bench.pass(600);
        bench
    }

    /// Lets `millis` pass.
    fn pass(&mut self, millis: u32) {
        for n in 0..millis {
            self.clock.advance(MILLI);
            let now = self.clock.now();
            if now >= self.next_watch {
                self.supervisor.step();
                self.next_watch = now + MILLI * 50;
            }
            if n % 5 == 0 {
                let mut steps = 0;
                while self.session.step() == Step::Busy && steps < 60 {
                    steps += 1;
                }
            }
            self.device.run();
            if n % 2 == 0 {
                match self.player.position(now) {
                    Some(position) => {
                        self.positions
                            .push((now, position.generation, position.run));
                    }
                    None => self.lost.push(now),
                }
            }
        }
    }

    /// Prepares a plan and starts it when it is ready.
    fn play(&mut self, generation: u64, map: RunMap, quarters: i32) -> Generation {
        let generation = Generation(generation);
        let speed = Speed::from_quarters(quarters).unwrap();
        self.player.set_plan(AudioPlan {
            generation,
            map,
            speed,
        });
        let mut waited = 0;
        while !self.player.is_ready(generation) {
            self.pass(5);
            waited += 5;
            assert!(waited < 500, "the plan never gets ready");
        }
        self.player.go(generation, self.clock.now() + MILLI * 30);
        generation
    }

    /// Run times reported at the moments at which bursts were heard. What follows within `reach` of a
    /// burst's beginning belongs to it.
    fn heard_runs(&mut self, generation: Generation, reach: Duration) -> Vec<(Moment, MediaSpan)> {
        let mut found = Vec::new();
        let mut burst: Option<(f64, f64, Moment)> = None;
        for (start, samples) in self.device.take_record() {
            for (n, value) in samples.iter().enumerate() {
                let nanos = i64::try_from(n).unwrap() * 1_000_000_000 / 48_000;
                let at = start.offset_nanos(nanos);
                let energy = f64::from(*value).powi(2);
                if let Some((sum, moment, first)) = &mut burst {
                    *sum += energy;
                    *moment += energy * at.nanos_since(*first) as f64;
                    if at.since(*first) > reach {
                        #[expect(clippy::cast_possible_truncation, reason = "nanoseconds")]
                        let centre = first.offset_nanos((*moment / *sum) as i64);
                        found.push(centre);
                        burst = None;
                    }
                } else if energy > 1e-3 {
                    burst = Some((energy, 0.0, at));
                }
            }
        }
        found
            .into_iter()
            .filter_map(|at| Some((at, self.run_at(generation, at)?)))
            .collect()
    }

    /// The position reported for `at`, between the two that were asked for around it.
    fn run_at(&self, generation: Generation, at: Moment) -> Option<MediaSpan> {
        let after = self.positions.partition_point(|(moment, ..)| *moment < at);
        let (before, after) = (
            self.positions.get(after.checked_sub(1)?)?,
            self.positions.get(after)?,
        );
        if before.1 != generation || after.1 != generation {
            return None;
        }
        let (part, whole) = (at.nanos_since(before.0), after.0.nanos_since(before.0));
        Some(before.2 + (after.2 - before.2).scaled_nearest(part, whole))
    }

    /// Asserts that positions of one generation never step back.
    fn assert_monotonic(&self) {
        for pair in self.positions.windows(2) {
            if pair[0].1 == pair[1].1 {
                assert!(
                    pair[1].2 >= pair[0].2,
                    "position steps back at {:?}",
                    pair[1].0
                );
            }
        }
    }
}

fn secs(seconds: i64) -> MediaTime {
    MediaTime::ZERO + MediaSpan::from_secs(seconds)
}

fn forward(start: MediaTime, end: MediaTime) -> RunMap {
    RunMap {
        start,
        first: MediaTime::ZERO,
        end,
        reverse: false,
        repeat: LoopMode::Off,
    }
}

/// One flash a second or so, on a frame of `rate`.
fn flashes(rate: FrameRate, count: i64) -> Vec<MediaTime> {
    let step = i64::from(rate.nominal());
    (1..=count)
        .map(|n| rate.time_of_frame_nearest(FrameIndex(n * step)))
        .collect()
}

/// Asserts that each of `heard` is within `limit` real seconds of one of `runs`, and that none is left
/// out but `missing`. Answers the worst offset.
fn assert_in_sync(
    heard: &[(Moment, MediaSpan)],
    runs: &[MediaSpan],
    (speed, limit): (f64, f64),
    missing: usize,
) -> f64 {
    let mut worst = 0.0_f64;
    let mut met = vec![false; runs.len()];
    for (at, run) in heard {
        let (n, off) = runs
            .iter()
            .map(|expected| (*run - *expected).as_secs_f64() / speed)
            .enumerate()
            .min_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
            .unwrap();
        assert!(
            off.abs() <= limit,
            "heard at {at:?}: off by {:.2} ms",
            off * 1e3
        );
        worst = worst.max(off.abs());
        met[n] = true;
    }
    let unmet = met.iter().filter(|met| !**met).count();
    assert!(
        unmet <= missing,
        "{unmet} of {} bursts were not heard",
        runs.len()
    );
    worst
}

#[test]
fn sound_and_position_agree_for_a_minute_on_every_kind_of_device() {
    let rates = [(24_000, 1_001), (25, 1), (60_000, 1_001)];
    let devices = [
        (300.0, 5, 20, 441),
        (-300.0, 200, 20, 1_024),
        (0.0, 40, 0, 2_048),
    ];
    for ((num, den), (ppm, latency_millis, jitter_millis, period)) in rates.into_iter().zip(devices)
    {
        let rate = FrameRate::new(num, den).unwrap();
        let speed = 1.0 + ppm / 1e6;
        let traits = SimTraits {
            speed,
            latency_millis,
            jitter_millis,
            period,
            ..SimTraits::default()
        };
        let bursts = flashes(rate, 59);
        let mut bench = Bench::new(traits, bursts.clone(), secs(70));
        let generation = bench.play(1, forward(MediaTime::ZERO, secs(70)), 4);
        bench.pass(60_500);
        let heard = bench.heard_runs(generation, MILLI * 100);
        let runs: Vec<_> = bursts.iter().map(|burst| burst.since_zero()).collect();
        let half_frame = 0.5 / rate.as_f64();
        let worst = assert_in_sync(&heard, &runs, (1.0, half_frame), 0);
        println!(
            "{rate} fps, {ppm} ppm, {latency_millis} ms, ±{jitter_millis} ms: {:.3} ms",
            worst * 1e3
        );
        bench.assert_monotonic();
        assert_eq!(bench.player.state().underruns, 0);
    }
}

/// Plays `map` at `quarters` for `millis` and compares bursts with `runs`.
fn assert_plan_in_sync(map: RunMap, quarters: i32, millis: u32, runs: &[MediaSpan]) {
    let traits = SimTraits {
        speed: 1.000_3,
        latency_millis: 80,
        jitter_millis: 5,
        period: 1_000,
        ..SimTraits::default()
    };
    let bursts = (1..40)
        .map(|n| secs(n) - MediaSpan::from_millis(500))
        .collect();
    let mut bench = Bench::new(traits, bursts, secs(40));
    let generation = bench.play(1, map, quarters);
    bench.pass(millis);
    let heard = bench.heard_runs(generation, MILLI * 800 / quarters.unsigned_abs());
    let speed = f64::from(quarters.abs()) / 4.0;
    // Half a frame of 59.94 fps.
    let worst = assert_in_sync(&heard, runs, (speed, 0.5 / 59.94), 0);
    println!(
        "{map:?} at {quarters}/4: {} bursts, {:.3} ms",
        heard.len(),
        worst * 1e3
    );
    bench.assert_monotonic();
    assert_eq!(bench.player.state().underruns, 0);
}

/// Run times in milliseconds.
fn runs(millis: impl IntoIterator<Item = i64>) -> Vec<MediaSpan> {
    millis.into_iter().map(MediaSpan::from_millis).collect()
}

#[test]
fn loops_and_ping_pong_stay_in_sync() {
    // Three seconds and a bit, which is no whole number of samples.
    let end = secs(5) + MediaSpan::from_flicks(7_777_777);
    let range = RunMap {
        start: secs(2),
        first: secs(2),
        end,
        reverse: false,
        repeat: LoopMode::Loop,
    };
    let lap = (end - secs(2)).flicks();
    let lapped = |laps: i64, bursts: &dyn Fn(i64) -> [MediaSpan; 3]| -> Vec<MediaSpan> {
        (0..laps)
            .flat_map(|n| bursts(n).map(|run| run + MediaSpan::from_flicks(n * lap)))
            .collect()
    };
    let ahead = [500, 1_500, 2_500].map(MediaSpan::from_millis);
    let back = ahead.map(|run| MediaSpan::from_flicks(lap) - run);
    assert_plan_in_sync(range, 4, 18_200, &lapped(6, &|_| ahead));
    let reverse = RunMap {
        start: end,
        reverse: true,
        ..range
    };
    assert_plan_in_sync(reverse, -4, 18_200, &lapped(6, &|_| back));
    let ping_pong = RunMap {
        repeat: LoopMode::PingPong,
        ..range
    };
    let turns = lapped(6, &|n| if n % 2 == 0 { ahead } else { back });
    assert_plan_in_sync(ping_pong, 4, 18_200, &turns);
    assert_plan_in_sync(ping_pong, 6, 12_200, &turns);
}

#[test]
fn other_speeds_and_reverse_stay_in_sync() {
    let whole = forward(MediaTime::ZERO, secs(20));
    assert_plan_in_sync(whole, 2, 10_500, &runs((0..5).map(|n| n * 1_000 + 500)));
    assert_plan_in_sync(whole, 8, 10_500, &runs((0..20).map(|n| n * 1_000 + 500)));
    let backwards = RunMap {
        start: secs(9),
        reverse: true,
        ..whole
    };
    assert_plan_in_sync(backwards, -4, 9_500, &runs((0..9).map(|n| n * 1_000 + 500)));
    assert_plan_in_sync(backwards, -8, 5_000, &runs((0..9).map(|n| n * 1_000 + 500)));
    assert_plan_in_sync(
        backwards,
        -2,
        10_500,
        &runs((0..5).map(|n| n * 1_000 + 500)),
    );
}

#[test]
fn too_fast_is_silent_and_still_keeps_time() {
    let mut bench = Bench::new(SimTraits::default(), vec![secs(4)], secs(40));
    let generation = bench.play(1, forward(MediaTime::ZERO, secs(40)), 16);
    bench.device.take_record();
    bench.pass(3_030);
    assert!(bench.heard_runs(generation, MILLI * 200).is_empty());
    let (_, _, run) = bench.positions[bench.positions.len() - 1];
    let off = (run - MediaSpan::from_secs(12)).as_secs_f64();
    assert!(off.abs() < 0.02, "{} s", run.as_secs_f64());
}

#[test]
fn seeks_in_mid_play_stay_in_sync() {
    let bursts = (1..200)
        .map(|n| MediaTime::ZERO + MediaSpan::from_millis(n * 250))
        .collect();
    let mut bench = Bench::new(SimTraits::default(), bursts, secs(50));
    for (n, start) in [0, 17, 3, 40, 39, 8].into_iter().enumerate() {
        let start = secs(start) + MediaSpan::from_millis(100);
        let before = bench.clock.now();
        let generation = bench.play(n as u64 + 1, forward(start, secs(50)), 4);
        bench.device.take_record();
        bench.pass(1_500);
        let latency = bench.clock.now().since(before);
        let heard = bench.heard_runs(generation, MILLI * 100);
        let expected = runs((0..6).map(|n| n * 250 + 150));
        assert_in_sync(&heard, &expected, (1.0, 0.002), 1);
        assert!(
            heard.len() >= 5 && latency < Duration::from_millis(1_600),
            "{latency:?}"
        );
    }
    bench.assert_monotonic();
}

#[test]
fn resuming_plays_what_the_device_had_swallowed() {
    let traits = SimTraits {
        latency_millis: 200,
        ..SimTraits::default()
    };
    let bursts = (1..200)
        .map(|n| MediaTime::ZERO + MediaSpan::from_millis(n * 100))
        .collect();
    let mut bench = Bench::new(traits, bursts, secs(20));
    let generation = bench.play(1, forward(MediaTime::ZERO, secs(20)), 4);
    bench.pass(2_000);
    let held = bench.player.hold().unwrap();
    bench.pass(1_000);
    assert_eq!(bench.player.position(bench.clock.now()), Some(held));
    bench.device.take_record();
    bench.player.go(generation, bench.clock.now() + MILLI * 250);
    bench.pass(1_200);
    let heard = bench.heard_runs(generation, MILLI * 60);
    let first = held.run.nanos_nearest() / 100_000_000 + 1;
    let expected = runs((first..first + 8).map(|n| n * 100));
    assert!(heard.len() >= 8, "{} bursts", heard.len());
    // All are heard, the first 200 ms included, which were in the device when it was held.
    assert_in_sync(&heard[..8], &expected, (1.0, 0.001), 0);
    bench.assert_monotonic();
}

#[test]
fn a_delay_moves_the_sound_and_not_the_position() {
    for millis in [120, -120] {
        let bursts = (1..20).map(secs).collect();
        let mut bench = Bench::new(SimTraits::default(), bursts, secs(20));
        bench.player.set_delay_millis(millis);
        let generation = bench.play(1, forward(MediaTime::ZERO, secs(20)), 4);
        bench.pass(5_500);
        let heard = bench.heard_runs(generation, MILLI * 100);
        let expected = runs((1..6).map(|n| n * 1_000 + i64::from(millis)));
        assert_in_sync(&heard, &expected, (1.0, 0.001), 0);
    }
}

#[test]
fn nothing_clicks() {
    // A steady tone of 200 Hz at half level changes by 0.013 from one sample to the next.
    let clock = SimClock::new();
    let device = SimDevice::new(&clock, SimTraits::default());
    let (player, session, supervisor) =
        AudioPlayer::detached(Arc::new(clock.clone()), Box::new(device.clone()));
    let mut bench = Bench {
        clock,
        player,
        session,
        supervisor,
        device,
        next_watch: Moment::ZERO,
        positions: Vec::new(),
        lost: Vec::new(),
    };
    bench
        .player
        .open_source(Box::new(ToneSource::new(48_000, 200.0, 0.5)));
    bench.pass(500);
    let range = RunMap {
        start: secs(1),
        first: secs(1),
        end: secs(1) + MediaSpan::from_millis(333),
        reverse: false,
        repeat: LoopMode::Loop,
    };
    let generation = bench.play(1, range, 4);
    bench.pass(777);
    bench.player.hold();
    bench.pass(300);
    bench.player.go(generation, bench.clock.now() + MILLI * 10);
    bench.pass(511);
    bench.player.set_muted(true);
    bench.pass(100);
    bench.player.set_muted(false);
    bench.player.set_volume_percent(50);
    bench.pass(203);
    bench.player.set_delay_millis(77);
    bench.pass(200);
    bench.play(
        2,
        RunMap {
            repeat: LoopMode::PingPong,
            ..range
        },
        4,
    );
    bench.pass(700);
    bench.player.close();
    bench.pass(100);
    let record: Vec<f32> = bench
        .device
        .take_record()
        .into_iter()
        .flat_map(|(_, samples)| samples)
        .collect();
    let loudest = record
        .iter()
        .fold(0.0_f32, |max, value| max.max(value.abs()));
    let step = record
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .fold(0.0, f32::max);
    assert!(loudest > 0.45, "loudest {loudest}");
    assert!(step < 0.022, "a step of {step}");
}

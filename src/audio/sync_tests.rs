//! Sync truth: what is heard, and when, against the position that the player reports for that moment.
//! Everything but the device and the medium is the real thing, stepped by hand on a simulated clock.

use std::sync::Arc;
use std::time::Duration;

use super::device::DeviceSupervisor;
use super::session::{Session, Step};
use super::sim::{BurstSource, SimDevice, SimTraits};
use super::{AudioOutput, AudioPlan, AudioPlayer};
use crate::decode::{Generation, LoopMode, RunMap};
use crate::time::{Clock, FrameIndex, FrameRate, MediaSpan, MediaTime, Moment, SimClock, Speed};

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
        let (player, session, supervisor) =
            AudioPlayer::detached(Arc::new(clock.clone()), backend);
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
        bench.player.open_source(Box::new(BurstSource::new(48_000, bursts, end)));
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
                        self.positions.push((now, position.generation, position.run));
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
        self.player.set_plan(AudioPlan { generation, map, speed });
        let mut waited = 0;
        while !self.player.is_ready(generation) {
            self.pass(5);
            waited += 5;
            assert!(waited < 500, "the plan never gets ready");
        }
        self.player.go(generation, self.clock.now() + MILLI * 30);
        generation
    }

    /// Run times reported at the moments at which bursts were heard.
    fn heard_runs(&mut self, generation: Generation) -> Vec<(Moment, MediaSpan)> {
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
                    if at.since(*first) > MILLI * 150 {
                        #[expect(clippy::cast_possible_truncation, reason = "nanoseconds")]
                        let centre = first.offset_nanos((*moment / *sum) as i64);
                        found.push(centre);
                        burst = None;
                    }
                } else if energy > 1e-5 {
                    burst = Some((energy, 0.0, at));
                }
            }
        }
        found.into_iter().filter_map(|at| Some((at, self.run_at(generation, at)?))).collect()
    }

    /// The position reported for `at`, between the two that were asked for around it.
    fn run_at(&self, generation: Generation, at: Moment) -> Option<MediaSpan> {
        let after = self.positions.partition_point(|(moment, ..)| *moment < at);
        let (before, after) = (self.positions.get(after.checked_sub(1)?)?, self.positions.get(after)?);
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
                assert!(pair[1].2 >= pair[0].2, "position steps back at {:?}", pair[1].0);
            }
        }
    }
}

fn secs(seconds: i64) -> MediaTime {
    MediaTime::ZERO + MediaSpan::from_secs(seconds)
}

fn forward(start: MediaTime, end: MediaTime) -> RunMap {
    RunMap { start, first: MediaTime::ZERO, end, reverse: false, repeat: LoopMode::Off }
}

/// One flash a second or so, on a frame of `rate`.
fn flashes(rate: FrameRate, count: i64) -> Vec<MediaTime> {
    let step = i64::from(rate.nominal());
    (1..=count).map(|n| rate.time_of_frame_nearest(FrameIndex(n * step))).collect()
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
        assert!(off.abs() <= limit, "heard at {at:?}: off by {:.2} ms", off * 1e3);
        worst = worst.max(off.abs());
        met[n] = true;
    }
    let unmet = met.iter().filter(|met| !**met).count();
    assert!(unmet <= missing, "{unmet} of {} bursts were not heard", runs.len());
    worst
}

#[test]
fn sound_and_position_agree_for_a_minute_on_every_kind_of_device() {
    let rates = [(24_000, 1_001), (25, 1), (60_000, 1_001)];
    let devices = [(300.0, 5, 20, 441), (-300.0, 200, 20, 1_024), (0.0, 40, 0, 2_048)];
    for ((num, den), (ppm, latency_millis, jitter_millis, period)) in
        rates.into_iter().zip(devices)
    {
        let rate = FrameRate::new(num, den).unwrap();
        let speed = 1.0 + ppm / 1e6;
        let traits =
            SimTraits { speed, latency_millis, jitter_millis, period, ..SimTraits::default() };
        let bursts = flashes(rate, 59);
        let mut bench = Bench::new(traits, bursts.clone(), secs(70));
        let generation = bench.play(1, forward(MediaTime::ZERO, secs(70)), 4);
        bench.pass(60_500);
        let heard = bench.heard_runs(generation);
        let runs: Vec<_> = bursts.iter().map(|burst| burst.since_zero()).collect();
        let half_frame = 0.5 / rate.as_f64();
        let worst = assert_in_sync(&heard, &runs, (1.0, half_frame), 0);
        println!("{rate} fps, {ppm} ppm, {latency_millis} ms, ±{jitter_millis} ms: {:.3} ms", worst * 1e3);
        bench.assert_monotonic();
        assert_eq!(bench.player.state().underruns, 0);
    }
}

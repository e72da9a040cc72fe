//! Faster and slower without a change of pitch.

use signalsmith_stretch::Stretch;

use super::block::count_i64;
use crate::time::Speed;
use crate::timeline::Ratio;

/// Time-stretches interleaved floats, and keeps time exactly.
///
/// Input and output are counted from one origin: output frame n is what belongs to input position
/// `n * speed`. The algorithm's latency is compensated on both sides: it is given the input around the
/// origin before it starts, and the first output, which lies before the origin, is dropped.
pub(crate) struct TimeStretch {
    inner: Stretch,
    channels: usize,
    /// The speed; positive.
    speed: Ratio,
    /// Input frames, in parts of `speed.den()`, that the steps so far left out by taking whole frames.
    /// Carried on, so that time is kept exactly at any speed.
    owed: i64,
    /// Input not yet used.
    pending: Vec<f32>,
    made: Vec<f32>,
    /// Output frames that are still to be dropped.
    to_drop: usize,
    /// Values to gather before the algorithm is positioned; `None` once it is.
    positioned_at: Option<usize>,
}

impl std::fmt::Debug for TimeStretch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimeStretch")
            .field("speed", &self.speed)
            .finish_non_exhaustive()
    }
}

/// Output frames in a step.
const STEP_OUT: usize = 256;

/// The fastest speed that is heard, in quarters: 2x.
pub(crate) const MAX_AUDIBLE_QUARTERS: u32 = 8;

/// How a speed is made heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpeedMode {
    /// Samples pass unchanged.
    Direct,
    /// Stretched with the pitch kept.
    Stretched,
    /// Too fast to follow by ear: silence.
    Silent,
}

impl SpeedMode {
    /// How `speed`, either way, is made heard.
    pub(crate) fn of(speed: Speed) -> Self {
        match speed.quarters().unsigned_abs() {
            4 => Self::Direct,
            quarters if quarters <= MAX_AUDIBLE_QUARTERS => Self::Stretched,
            _ => Self::Silent,
        }
    }
}

impl TimeStretch {
    /// A stretcher for `|speed|`, which is not zero, at `rate` frames a second. `history` is the input
    /// before the origin: [`Self::history_frames`] of it, or less.
    pub(crate) fn new(speed: Ratio, rate: u32, channels: usize, history: &[f32]) -> Self {
        let count = u32::try_from(channels).unwrap_or(1).max(1);
        let speed = Ratio::new(speed.num().abs(), speed.den()).unwrap_or(Ratio::ONE);
        let inner = Stretch::preset_default(count, rate);
        let to_drop = inner.output_latency();
        let positioned_at = history.len() + inner.input_latency() * channels;
        Self {
            inner,
            channels,
            speed,
            owed: 0,
            pending: history.to_vec(),
            made: vec![0.0; STEP_OUT * channels],
            to_drop,
            positioned_at: Some(positioned_at),
        }
    }

    /// Input frames before the origin that it makes use of: a block and an interval of the default
    /// preset are 150 ms.
    pub(crate) fn history_frames(rate: u32) -> usize {
        rate as usize / 5
    }

    /// Takes input from the origin on and appends output to `out`.
    pub(crate) fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        self.pending.extend_from_slice(input);
        if let Some(values) = self.positioned_at {
            // The analysis window has its centre on the origin when the newest input is half a window
            // past it.
            if self.pending.len() < values {
                return;
            }
            self.inner
                .seek(&self.pending[..values], self.speed.as_f64());
            self.pending.drain(..values);
            self.positioned_at = None;
        }
        let mut used = 0;
        loop {
            let (frames, owed) = self.next_step();
            let step = frames * self.channels;
            if self.pending.len() - used < step {
                break;
            }
            self.inner
                .process(&self.pending[used..used + step], &mut self.made[..]);
            self.owed = owed;
            used += step;
            let dropped = self.to_drop.min(STEP_OUT);
            self.to_drop -= dropped;
            out.extend_from_slice(&self.made[dropped * self.channels..]);
        }
        self.pending.drain(..used);
    }

    /// Input frames of the next step, and what is owed after it.
    fn next_step(&self) -> (usize, i64) {
        // Both parts of a ratio are below 2^41, so this stays far within 64 bits.
        let due = self.owed + count_i64(STEP_OUT) * self.speed.num();
        let frames = due / self.speed.den();
        (usize::try_from(frames).unwrap_or(0), due % self.speed.den())
    }
}

/// `speed` without its sign, as a ratio.
pub(crate) fn pace_of(speed: Speed) -> Ratio {
    Ratio::new(i64::from(speed.quarters().unsigned_abs()), 4).unwrap_or(Ratio::ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: usize = 48_000;

    fn speed(quarters: i32) -> Speed {
        Speed::from_quarters(quarters).unwrap()
    }

    /// A tone of 1 kHz in bursts of 40 ms, one every 400 ms, the first centred at 300 ms.
    fn bursts(from: i64, frames: usize) -> Vec<f32> {
        let rate = i64::try_from(RATE).unwrap();
        let tone = |n: i64| {
            let in_period = (n - rate * 3 / 10 + rate / 5).rem_euclid(rate * 2 / 5) - rate / 5;
            let phase = n as f64 / RATE as f64 * 1_000.0 * std::f64::consts::TAU;
            if n >= 0 && in_period.abs() <= rate / 50 {
                phase.sin() * 0.5
            } else {
                0.0
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "samples are single precision"
        )]
        (from..)
            .take(frames)
            .map(|n| tone(n) as f32)
            .flat_map(|v| [v, v])
            .collect()
    }

    /// Centres of energy of the bursts in interleaved stereo, in seconds: one for each `period`.
    fn centres(out: &[f32], period: usize, first: usize) -> Vec<f64> {
        let energy: Vec<f64> = out
            .chunks_exact(2)
            .map(|f| f64::from(f[0]).powi(2))
            .collect();
        let mut found = Vec::new();
        let mut centre = first;
        while centre + period / 2 <= energy.len() {
            let window = &energy[centre.saturating_sub(period / 2)..centre + period / 2];
            let total: f64 = window.iter().sum();
            let moment: f64 = window.iter().enumerate().map(|(n, e)| n as f64 * e).sum();
            let start = centre.saturating_sub(period / 2) as f64;
            found.push((start + moment / total) / RATE as f64);
            centre += period;
        }
        found
    }

    #[test]
    fn stretched_bursts_are_where_the_speed_puts_them() {
        for quarters in [2, 3, 5, 6, 7, 8, -2] {
            let history = TimeStretch::history_frames(48_000);
            let before = bursts(-i64::try_from(history).unwrap(), history);
            let mut stretch = TimeStretch::new(pace_of(speed(quarters)), 48_000, 2, &before);
            let mut out = Vec::new();
            let input = bursts(0, RATE * 4);
            for piece in input.chunks(1_538) {
                stretch.push(piece, &mut out);
            }
            let times = speed(quarters).as_f64().abs();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count"
            )]
            let frames = |seconds: f64| (seconds / times * RATE as f64) as usize;
            let found = centres(&out, frames(0.4), frames(0.3));
            assert!(found.len() >= 7, "{quarters}: {} bursts", found.len());
            for (n, centre) in found.iter().enumerate() {
                let expected = (0.3 + 0.4 * n as f64) / times;
                let off = (centre - expected).abs();
                assert!(
                    off < 0.004,
                    "{quarters}/4, burst {n}: {centre} is not {expected}"
                );
            }
        }
    }

    #[test]
    fn pitch_and_level_are_kept() {
        for quarters in [1, 2, 8] {
            let mut stretch = TimeStretch::new(pace_of(speed(quarters)), 48_000, 1, &[]);
            let mut out = Vec::new();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "samples are single precision"
            )]
            let input: Vec<f32> = (0..RATE * 2)
                .map(|n| {
                    ((n as f64 / RATE as f64 * 440.0 * std::f64::consts::TAU).sin() * 0.5) as f32
                })
                .collect();
            stretch.push(&input, &mut out);
            let part = &out[RATE / 4..RATE * 3 / 4];
            let crossings = part
                .windows(2)
                .filter(|w| w[0] <= 0.0 && w[1] > 0.0)
                .count();
            assert!(
                (215..=225).contains(&crossings),
                "{quarters}: {crossings} in half a second"
            );
            let rms = (part.iter().map(|v| v * v).sum::<f32>() / part.len() as f32).sqrt();
            assert!((0.25..0.45).contains(&rms), "{quarters}: level {rms}");
        }
    }

    #[test]
    fn modes_follow_the_speed() {
        assert_eq!(SpeedMode::of(Speed::NORMAL), SpeedMode::Direct);
        assert_eq!(SpeedMode::of(speed(-4)), SpeedMode::Direct);
        assert_eq!(SpeedMode::of(speed(1)), SpeedMode::Stretched);
        assert_eq!(SpeedMode::of(speed(-8)), SpeedMode::Stretched);
        assert_eq!(SpeedMode::of(speed(9)), SpeedMode::Silent);
        assert_eq!(SpeedMode::of(speed(-32)), SpeedMode::Silent);
    }
}

//! From a medium's samples to the mix's, at one speed and without a break.

use std::num::NonZeroU32;

use super::part::Part;
use crate::audio::block::count_i64;
use crate::audio::resample::Resampler;
use crate::audio::stretch::TimeStretch;
use crate::audio::window::MediaWindow;
use crate::timeline::Ratio;

/// Samples of the medium that are taken in one go.
const PULL_FRAMES: i64 = 1_024;
/// Taps of the converter's filter at equal or rising rates, doubled for safety: what comes out before so
/// many samples went in depends on where it began.
const FILTER_FRAMES: i64 = 64;
/// How far back is looked for a place where both rates have a sample.
const SEARCH_FRAMES: i64 = 4_096;
/// Largest part of a conversion ratio: libswresample counts its phases in 31 bits.
const MAX_RATE: i64 = 500_000;
/// Speeds within one part in this many of normal are reached by resampling: 0.25 % is 4.3 cents of pitch.
const RESAMPLED_WITHIN: i64 = 400;

/// Rate and width of the mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MixFormat {
    /// Samples a second.
    pub rate: NonZeroU32,
    /// Interleaved channels.
    pub channels: usize,
}

/// The medium's samples in the order in which they are heard.
#[derive(Debug)]
struct Flow {
    /// Number in the medium of the sample at index 0.
    start: i64,
    reverse: bool,
    /// Index of the next one.
    next: i64,
}

impl Flow {
    /// Appends the next samples.
    fn pull(&mut self, window: &mut MediaWindow, out: &mut Vec<f32>) {
        if self.reverse {
            let to = self.start.saturating_sub(self.next).saturating_add(1);
            window.read_backward(to - PULL_FRAMES, to, out);
        } else {
            let from = self.start.saturating_add(self.next);
            window.read_forward(from, from + PULL_FRAMES, out);
        }
        self.next += PULL_FRAMES;
    }
}

/// Makes a part's samples in order, from a place that was chosen when it was made.
#[derive(Debug)]
pub(super) struct Chain {
    flow: Flow,
    resampler: Resampler,
    stretch: Stretching,
    channels: usize,
    /// Interleaved samples that were made and not yet taken.
    made: Vec<f32>,
    /// Number in the mix of the first of them.
    first: i64,
    /// Set when a converter failed: silence follows.
    broken: bool,
    pulled: Vec<f32>,
    resampled: Vec<f32>,
}

/// The second stage.
#[derive(Debug)]
enum Stretching {
    /// There is none.
    None,
    /// What the stretcher wants to know of the time before its origin is being gathered.
    Gathering {
        speed: Ratio,
        rate: u32,
        /// Samples before the history that come first and are of no use.
        skip: usize,
        history: Vec<f32>,
    },
    /// It runs.
    Running(TimeStretch),
}

/// Whether a part is stretched, or only resampled.
pub(super) fn is_stretched(part: &Part, media: NonZeroU32, mix: NonZeroU32) -> bool {
    direct_pace(part.speed, media, mix).is_none()
}

/// Media samples for one sample of the mix, where no stretching is needed.
fn direct_pace(speed: Ratio, media: NonZeroU32, mix: NonZeroU32) -> Option<Ratio> {
    let (num, den) = (speed.num().abs(), speed.den());
    let near = (num - den).abs() <= den / RESAMPLED_WITHIN;
    Ratio::new(num, den)
        .filter(|_| near)?
        .times(rate_pace(media, mix))
        .filter(|pace| pace.num() <= MAX_RATE && pace.den() <= MAX_RATE || num == den)
}

/// Media samples for one sample of the mix at normal speed.
fn rate_pace(media: NonZeroU32, mix: NonZeroU32) -> Ratio {
    Ratio::new(i64::from(media.get()), i64::from(mix.get())).unwrap_or(Ratio::ONE)
}

/// A place at or before output `latest` that lies on an input sample, or as near to one as can be found, with
/// that sample's index. Conversion that begins there gives the same samples wherever it began.
fn common_place(latest: i64, pace: Ratio) -> (i64, i64) {
    let (num, den) = (i128::from(pace.num()), i128::from(pace.den()));
    let off = |place: i64| {
        let rest = (i128::from(place) * num).rem_euclid(den);
        rest.min(den - rest)
    };
    let best = if pace.den() <= SEARCH_FRAMES {
        latest.div_euclid(pace.den()) * pace.den()
    } else {
        (latest - SEARCH_FRAMES..=latest)
            .rev()
            .min_by_key(|place| off(*place))
            .unwrap_or(latest)
    };
    let index = (2 * i128::from(best) * num + den).div_euclid(2 * den);
    (best, i64::try_from(index).unwrap_or(0))
}

/// Samples of the mix in which a converter settles.
fn settling(pace: Ratio) -> i64 {
    if pace == Ratio::ONE {
        return 0;
    }
    // The filter is longer in proportion where the rate falls; in samples of the mix that is one length.
    FILTER_FRAMES * pace.den().max(pace.num()) / pace.num().max(1) + FILTER_FRAMES
}

/// A converter from `pace` samples to one.
fn converter(
    pace: Ratio,
    media: NonZeroU32,
    mix: MixFormat,
) -> Result<Resampler, ffmpeg_next::Error> {
    let reduced = |part: i64| u32::try_from(part).ok().and_then(NonZeroU32::new);
    let (from, to) = if pace == rate_pace(media, mix.rate) {
        (media, mix.rate)
    } else {
        reduced(pace.num())
            .zip(reduced(pace.den()))
            .ok_or(ffmpeg_next::Error::InvalidData)?
    };
    Resampler::new(from, to, mix.channels)
}

impl Chain {
    /// The samples of `part` from number `from` on, or some before it, where no stretching is needed.
    pub(super) fn straight(
        part: &Part,
        media: NonZeroU32,
        mix: MixFormat,
        from: i64,
    ) -> Result<Self, ffmpeg_next::Error> {
        let pace = direct_pace(part.speed, media, mix.rate).unwrap_or(Ratio::ONE);
        let (place, index) = common_place(from - part.anchor - settling(pace), pace);
        let flow = Flow::new(part, part.anchor, (media, mix), index);
        Ok(Self {
            flow,
            resampler: converter(pace, media, mix)?,
            stretch: Stretching::None,
            channels: mix.channels,
            made: Vec::new(),
            first: part.anchor + place,
            broken: false,
            pulled: Vec::new(),
            resampled: Vec::new(),
        })
    }

    /// The samples of `part` from number `origin` on, stretched from there.
    pub(super) fn stretched(
        part: &Part,
        media: NonZeroU32,
        mix: MixFormat,
        origin: i64,
    ) -> Result<Self, ffmpeg_next::Error> {
        let pace = rate_pace(media, mix.rate);
        let history = TimeStretch::history_frames(mix.rate.get());
        let (place, index) = common_place(-count_i64(history) - settling(pace), pace);
        let flow = Flow::new(part, origin, (media, mix), index);
        let skip = usize::try_from(-place).unwrap_or(0).saturating_sub(history);
        Ok(Self {
            flow,
            resampler: converter(pace, media, mix)?,
            stretch: Stretching::Gathering {
                speed: part.speed,
                rate: mix.rate.get(),
                skip: skip * mix.channels,
                history: Vec::new(),
            },
            channels: mix.channels,
            made: Vec::new(),
            first: origin,
            broken: false,
            pulled: Vec::new(),
            resampled: Vec::new(),
        })
    }

    /// Makes the samples before `to`, so that taking them needs no more reading.
    pub(super) fn prepare(&mut self, window: &mut MediaWindow, to: i64) {
        while self.first + count_i64(self.made.len() / self.channels) < to {
            self.make(window, to);
        }
    }

    /// Appends samples `from..from + count` to `out`. What lies before `from` and was not taken is gone; `from` never
    /// steps back.
    pub(super) fn take(
        &mut self,
        window: &mut MediaWindow,
        from: i64,
        count: usize,
        out: &mut Vec<f32>,
    ) {
        // While it catches up, what is too early is dropped step by step, so that little is held.
        while self.first < from {
            if self.made.is_empty() {
                self.make(window, from);
            }
            let early = usize::try_from(from - self.first).unwrap_or(0);
            let gone = early.min(self.made.len() / self.channels);
            self.made.drain(..gone * self.channels);
            self.first += count_i64(gone);
        }
        self.prepare(window, from + count_i64(count));
        let values = count * self.channels;
        out.extend_from_slice(&self.made[..values]);
        self.made.drain(..values);
        self.first += count_i64(count);
    }

    /// Makes some more samples; silence up to `to` where that is no longer possible.
    fn make(&mut self, window: &mut MediaWindow, to: i64) {
        if self.broken {
            let have = self.first + count_i64(self.made.len() / self.channels);
            let missing = usize::try_from(to - have).unwrap_or(0).clamp(1, 1 << 16);
            self.made
                .resize(self.made.len() + missing * self.channels, 0.0);
            return;
        }
        self.pulled.clear();
        self.flow.pull(window, &mut self.pulled);
        self.resampled.clear();
        let converted = self.resampler.push(&self.pulled, &mut self.resampled);
        if self.pulled.is_empty() || converted.is_err() {
            // A window gives what it is asked for, and a converter that was made converts; should they
            // not, time must go on all the same.
            self.broken = true;
            return;
        }
        match &mut self.stretch {
            Stretching::None => self.made.append(&mut self.resampled),
            Stretching::Running(stretch) => stretch.push(&self.resampled, &mut self.made),
            Stretching::Gathering {
                speed,
                rate,
                skip,
                history,
            } => {
                let skipped = (*skip).min(self.resampled.len());
                *skip -= skipped;
                history.extend_from_slice(&self.resampled[skipped..]);
                let origin = TimeStretch::history_frames(*rate) * self.channels;
                if history.len() >= origin {
                    let (before, after) = history.split_at(origin);
                    let mut stretch = TimeStretch::new(*speed, *rate, self.channels, before);
                    stretch.push(after, &mut self.made);
                    self.stretch = Stretching::Running(stretch);
                }
            }
        }
    }
}

impl Flow {
    /// The medium in the order that `part` hears it, its index 0 at sample `origin` of the mix, from index
    /// `next` on.
    fn new(part: &Part, origin: i64, (media, mix): (NonZeroU32, MixFormat), next: i64) -> Self {
        let reverse = part.is_reverse();
        let at = part.media_at(origin, mix.rate).samples_nearest(media);
        // Backwards, the sample heard first is the one before the instant.
        let start = if reverse { at.saturating_sub(1) } else { at };
        Self {
            start,
            reverse,
            next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_begins_where_both_rates_have_a_sample() {
        for (num, den) in [
            (147, 160),
            (2, 1),
            (1, 1),
            (1_001, 1_000),
            (147_147, 160_000),
        ] {
            let pace = Ratio::new(num, den).unwrap();
            for latest in [-100_001, -1, 0, 7, 10_000_019] {
                let (place, index) = common_place(latest, pace);
                assert!(place <= latest && latest - place <= SEARCH_FRAMES);
                let exact = place as f64 * pace.as_f64();
                assert!(
                    (exact - index as f64).abs() < 1e-3,
                    "{place} is {exact}, not {index}"
                );
            }
        }
    }

    #[test]
    fn small_changes_of_speed_are_resampled_and_large_ones_stretched() {
        let rate = |hertz| NonZeroU32::new(hertz).unwrap();
        for (num, den, stretched) in [
            (1, 1, false),
            (-1, 1, false),
            (1_001, 1_000, false),
            (-1_000, 1_001, false),
            (25, 24, true),
            (1, 2, true),
        ] {
            let speed = Ratio::new(num, den).unwrap();
            for media in [44_100, 48_000, 96_000] {
                let pace = direct_pace(speed, rate(media), rate(48_000));
                assert_eq!(pace.is_none(), stretched, "{num}/{den} at {media}");
            }
        }
    }
}

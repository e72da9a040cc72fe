//! One part being played.

use super::chain::{Chain, MixFormat, is_stretched};
use super::part::{Law, Part, Ramp};
use super::readers::Lease;
use crate::audio::block::count_i64;

/// Seconds after which stretching begins anew. A seek stretches up to so much; longer stretches
/// would make it slower, shorter ones put more seams into what is played through.
const EPOCH_SECS: i64 = 8;
/// Length of the seam between two epochs: they differ in phase, as two takes of one sound.
const SEAM_MILLIS: i64 = 20;

/// A part being played, with the reader of its medium.
#[derive(Debug)]
pub(super) struct Voice {
    lease: Lease,
    sound: Sound,
    mix: MixFormat,
    /// What is being mixed; kept to be used again.
    block: Vec<f32>,
}

/// How the samples come about.
#[derive(Debug)]
enum Sound {
    /// At normal speed.
    Straight(Chain),
    /// Stretched, in epochs that begin at fixed places.
    Stretched {
        /// Number of the present one.
        epoch: i64,
        chain: Chain,
        /// How the one before goes on, from the beginning of this one on.
        tail: Vec<f32>,
    },
    /// Not at all: a converter could not be made.
    Silent,
}

/// Samples in an epoch, and in a seam.
fn epoch_lengths(mix: MixFormat) -> (i64, i64) {
    let rate = i64::from(mix.rate.get());
    (EPOCH_SECS * rate, SEAM_MILLIS * rate / 1_000)
}

impl Voice {
    /// Plays `part` from sample `from` on, for which the reader is positioned and the first samples are
    /// made.
    pub(super) fn start(part: &Part, mut lease: Lease, mix: MixFormat, from: i64) -> Self {
        let from = from.max(part.heard.0);
        let sound = Self::sound(part, &mut lease, mix, from).unwrap_or_else(|error| {
            lease.note(format!("Its sample rate cannot be converted ({error})."));
            Sound::Silent
        });
        Self {
            lease,
            sound,
            mix,
            block: Vec::new(),
        }
    }

    fn sound(
        part: &Part,
        lease: &mut Lease,
        mix: MixFormat,
        from: i64,
    ) -> Result<Sound, ffmpeg_next::Error> {
        let media = lease.window().rate();
        if !is_stretched(part, media, mix.rate) {
            let mut chain = Chain::straight(part, media, mix, from)?;
            chain.prepare(lease.window(), from + 1);
            return Ok(Sound::Straight(chain));
        }
        let (length, seam) = epoch_lengths(mix);
        let epoch = (from - part.heard.0) / length;
        let begin = part.heard.0 + epoch * length;
        let mut tail = Vec::new();
        if epoch > 0 && from < begin + seam {
            let mut before = Chain::stretched(part, media, mix, begin - length)?;
            let seam = usize::try_from(seam).unwrap_or(0);
            before.take(lease.window(), begin, seam, &mut tail);
        }
        let mut chain = Chain::stretched(part, media, mix, begin)?;
        // Nothing is taken, but what comes before `from` is made and dropped.
        chain.take(lease.window(), from, 0, &mut Vec::new());
        chain.prepare(lease.window(), from + 1);
        Ok(Sound::Stretched { epoch, chain, tail })
    }

    /// Adds what is heard of `part` in the block that begins at sample `first`. Blocks follow one
    /// another.
    pub(super) fn mix_into(&mut self, part: &Part, first: i64, block: &mut [f32]) {
        let channels = self.mix.channels;
        let end = first + count_i64(block.len() / channels);
        let (from, to) = (first.max(part.heard.0), end.min(part.heard.1));
        if from >= to {
            return;
        }
        self.block.clear();
        self.make(part, from, to);
        part.apply_gain(from, channels, &mut self.block);
        let skip = usize::try_from(from - first).unwrap_or(0) * channels;
        for (sum, value) in block[skip..].iter_mut().zip(&self.block) {
            *sum += value;
        }
        self.lease.note_failure();
    }

    /// Puts samples `from..to` into the empty `block`.
    fn make(&mut self, part: &Part, mut from: i64, to: i64) {
        let window = self.lease.window();
        let count = |from: i64, to: i64| usize::try_from(to - from).unwrap_or(0);
        let (length, seam) = epoch_lengths(self.mix);
        let mut failure = None;
        match &mut self.sound {
            Sound::Straight(chain) => chain.take(window, from, count(from, to), &mut self.block),
            Sound::Silent => {}
            Sound::Stretched { epoch, chain, tail } => {
                while from < to {
                    let mut begin = part.heard.0 + *epoch * length;
                    if from >= begin + length {
                        begin += length;
                        let next = Chain::stretched(part, window.rate(), self.mix, begin);
                        match next {
                            Ok(next) => {
                                tail.clear();
                                chain.take(window, begin, count(0, seam), tail);
                                *chain = next;
                                *epoch += 1;
                            }
                            Err(error) => {
                                failure = Some(error);
                                break;
                            }
                        }
                    }
                    let until = to.min(begin + length);
                    let start = self.block.len();
                    chain.take(window, from, count(from, until), &mut self.block);
                    let channels = self.mix.channels;
                    join(tail, from - begin, seam, channels, &mut self.block[start..]);
                    from = until;
                }
            }
        }
        if let Some(error) = failure {
            self.lease
                .note(format!("Its sample rate cannot be converted ({error})."));
            self.sound = Sound::Silent;
        }
    }
}

/// Crosses over from `tail` to `frames`, which begin `along` samples into a seam.
fn join(tail: &[f32], along: i64, seam: i64, channels: usize, frames: &mut [f32]) {
    let Ok(skip) = usize::try_from(along) else {
        return;
    };
    let before = tail.chunks_exact(channels).skip(skip);
    for ((number, frame), before) in (along..).zip(frames.chunks_exact_mut(channels)).zip(before) {
        let ramp = |rises| Ramp {
            from: 0,
            length: seam,
            law: Law::ConstantPower,
            rises,
        };
        let (up, down) = (ramp(true).gain(number), ramp(false).gain(number));
        for (value, before) in frame.iter_mut().zip(before) {
            *value = *value * up + before * down;
        }
    }
}

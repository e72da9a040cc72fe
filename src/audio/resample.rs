//! Sample rate conversion by libswresample.

use std::num::NonZeroU32;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;
use ffmpeg_next::format::sample::{Sample, Type};

/// Converts interleaved floats from one rate to another. Channels stay as they are.
///
/// Output frame n belongs to the same time as input position `n * from / to`: the filter is symmetric
/// and its delay is compensated. With equal rates samples pass unchanged, bit for bit.
pub(crate) struct Resampler {
    /// `None` when the rates are equal.
    context: Option<ffmpeg::software::resampling::Context>,
    channels: usize,
    from: NonZeroU32,
    to: NonZeroU32,
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

impl Resampler {
    /// A converter for `channels` interleaved channels.
    pub(crate) fn new(
        from: NonZeroU32,
        to: NonZeroU32,
        channels: usize,
    ) -> Result<Self, ffmpeg::Error> {
        let mut context = None;
        if from != to {
            let count = i32::try_from(channels)
                .ok()
                .ok_or(ffmpeg::Error::InvalidData)?;
            let layout = ffmpeg::ChannelLayout::default(count);
            let format = Sample::F32(Type::Packed);
            context = Some(ffmpeg::software::resampling::Context::get(
                format,
                layout,
                from.get(),
                format,
                layout,
                to.get(),
            )?);
        }
        Ok(Self {
            context,
            channels,
            from,
            to,
        })
    }

    /// Converts `input` and appends what is ready to `out`. Some input stays inside as the filter's
    /// reach; later input pushes it out.
    #[expect(unsafe_code, reason = "ffmpeg-next converts frames only, not slices")]
    pub(crate) fn push(&mut self, input: &[f32], out: &mut Vec<f32>) -> Result<(), ffmpeg::Error> {
        let Some(context) = &mut self.context else {
            out.extend_from_slice(input);
            return Ok(());
        };
        let frames = input.len() / self.channels;
        let count = i32::try_from(frames)
            .ok()
            .ok_or(ffmpeg::Error::InvalidData)?;
        // SAFETY: the context is initialized and exclusively borrowed.
        let room = unsafe { ffi::swr_get_out_samples(context.as_mut_ptr(), count) };
        let room = usize::try_from(room)
            .ok()
            .ok_or_else(|| ffmpeg::Error::from(room))?;
        let start = out.len();
        out.resize(start + room * self.channels, 0.0);
        let mut to = out[start..].as_mut_ptr().cast::<u8>();
        let mut from = input.as_ptr().cast::<u8>();
        let capacity = i32::try_from(room).ok().ok_or(ffmpeg::Error::InvalidData)?;
        // SAFETY: packed formats have one plane. `from` points at `frames` and `to` at `room` frames of
        // `channels` floats; both outlive the call, which keeps neither.
        let made = unsafe {
            ffi::swr_convert(
                context.as_mut_ptr(),
                &raw mut to,
                capacity,
                &raw mut from,
                count,
            )
        };
        let made = usize::try_from(made)
            .ok()
            .ok_or_else(|| ffmpeg::Error::from(made));
        out.truncate(start + made.as_ref().map_or(0, |made| made * self.channels));
        made.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(hz: u32) -> NonZeroU32 {
        NonZeroU32::new(hz).unwrap()
    }

    #[test]
    fn equal_rates_pass_bit_for_bit() {
        let input: Vec<f32> = (0..1_000_u16).map(|n| f32::from(n).sin()).collect();
        let mut out = Vec::new();
        let mut resampler = Resampler::new(rate(48_000), rate(48_000), 2).unwrap();
        resampler.push(&input, &mut out).unwrap();
        assert_eq!(out, input);
    }

    #[test]
    fn time_is_kept_to_a_fraction_of_a_sample() {
        for (from, to) in [
            (44_100, 48_000),
            (48_000, 44_100),
            (8_000, 48_000),
            (96_000, 48_000),
        ] {
            // A sine of 441 Hz, fed in uneven pieces.
            let wave = |n: usize, hz: u32| {
                (std::f64::consts::TAU * 441.0 * n as f64 / f64::from(hz)).sin()
            };
            let mut resampler = Resampler::new(rate(from), rate(to), 1).unwrap();
            let mut out = Vec::new();
            let mut fed = 0;
            for piece in [1, 7, 1_000, 333, 4_096, 2, 3_000, 8_192] {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "samples are single precision"
                )]
                let input: Vec<f32> = (fed..fed + piece).map(|n| wave(n, from) as f32).collect();
                fed += piece;
                resampler.push(&input, &mut out).unwrap();
            }
            let settled = out.iter().enumerate().skip(500);
            let worst = settled
                .map(|(n, v)| (f64::from(*v) - wave(n, to)).abs())
                .fold(0.0, f64::max);
            assert!(worst < 0.005, "{from} to {to}: off by {worst}");
            assert!(out.len() as f64 > fed as f64 * f64::from(to) / f64::from(from) - 400.0);
        }
    }
}

//! Sound on its way into proxies: decoded once, for all of them.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::MakeError;
use super::output::Samples;
use super::products::Products;
use crate::decode::{AudioRead, AudioReadError, AudioReader, Input, Interrupter};
use crate::media::{AudioFormat, AudioSamples, AudioStream};
use crate::time::{MediaSpan, MediaTime, TimeBase};

/// A stream of sound that is read beside the pictures.
pub(super) struct SoundFeed {
    path: PathBuf,
    reader: AudioReader,
    /// Which stream of sound of the proxy it is.
    stream: usize,
    format: AudioFormat,
    base: TimeBase,
    /// Added to every time stamp.
    shift: MediaSpan,
    /// Where the samples that were read end; `None` after the last ones.
    read_to: Option<MediaTime>,
    interrupter: Interrupter,
}

impl SoundFeed {
    /// Stream of sound number `stream`, read from the file of `input` once more.
    pub(super) fn open(
        input: &Input,
        source: &AudioStream,
        stream: usize,
        shift: MediaSpan,
        interrupter: &Interrupter,
    ) -> Result<Self, MakeError> {
        let path = input.path().to_owned();
        let input = Input::open_same(input.same_file()?, interrupter)?;
        // Time is counted as in the file, so that sound and pictures stay together.
        let reader = AudioReader::of_input(input, source.id, MediaTime::ZERO)?;
        let format = reader.format().clone();
        Ok(Self {
            path,
            read_to: Some(reader.start()),
            stream,
            base: TimeBase::from_parts(std::num::NonZeroU32::MIN, format.rate),
            format,
            shift,
            reader,
            interrupter: interrupter.clone(),
        })
    }

    /// Rate and channels.
    pub(super) fn format(&self) -> &AudioFormat {
        &self.format
    }

    /// The next samples, if they begin before `until`. All that was decoded goes to `products` as well.
    pub(super) fn next_before(
        &mut self,
        until: MediaTime,
        products: &mut Products,
    ) -> Result<Option<Samples>, MakeError> {
        while self.read_to.is_some_and(|read_to| read_to < until) {
            let chunk = match self.reader.read() {
                Ok(AudioRead::Chunk(chunk)) => chunk,
                // A read that was called off may look like any end.
                _ if self.interrupter.is_interrupted() => return Err(MakeError::Cancelled),
                Ok(AudioRead::End) => {
                    self.read_to = None;
                    return Ok(None);
                }
                // What was read before it has been delivered; the source plays no further either.
                Err(error @ AudioReadError::Damaged(..)) => {
                    tracing::warn!("the sound of the proxy ends early: {error}");
                    products.sound_is_damaged(self.stream);
                    self.read_to = None;
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            };
            let AudioSamples {
                format,
                interleaved,
            } = &chunk.samples;
            if *format != self.format {
                return Err(MakeError::SoundChanges(self.path.clone()));
            }
            products.sound(self.stream, chunk.start, &chunk.samples);
            let channels = format.layout.count();
            let count = i64::try_from(chunk.samples.frame_count()).unwrap_or(0);
            let first = (chunk.start + self.shift)
                .since_zero()
                .samples_nearest(format.rate);
            self.read_to = Some(chunk.start + MediaSpan::from_samples_nearest(count, format.rate));
            // Containers cut off what lies before zero.
            let cut = first.min(0).saturating_neg().min(count);
            let cut_values = usize::try_from(cut).unwrap_or(0) * channels;
            if cut < count {
                return Ok(Some(Samples {
                    stream: self.stream,
                    base: self.base,
                    first: first + cut,
                    count: count - cut,
                    bytes: bytes_of(&interleaved[cut_values..]),
                }));
            }
        }
        Ok(None)
    }
}

/// Samples of 16 bits, little-endian.
fn bytes_of(values: &[f32]) -> Arc<[u8]> {
    #[expect(clippy::cast_possible_truncation, reason = "clamped before")]
    let code = |value: &f32| (value * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
    values
        .iter()
        .flat_map(|value| code(value).to_le_bytes())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::media_info;
    use crate::media::test_support::write_wav;

    /// A file of one channel, as long as it takes not to be read at once.
    fn wave_file(folder: &std::path::Path) -> PathBuf {
        let path = folder.join("long.wav");
        write_wav(&path, 48_000, 1, std::iter::repeat_n(0, 480_000));
        path
    }

    #[test]
    fn sound_that_was_called_off_is_no_sound_that_ends() {
        let folder = tempfile::tempdir().unwrap();
        let interrupter = Interrupter::default();
        let input = Input::open(&wave_file(folder.path())).unwrap();
        let source = media_info(&input).audio[0].clone();
        let shift = MediaSpan::ZERO;
        let mut feed = SoundFeed::open(&input, &source, 0, shift, &interrupter).unwrap();
        let mut products = Products::default();
        let mut next = || feed.next_before(MediaTime::from_flicks(i64::MAX), &mut products);
        assert!(next().unwrap().is_some());
        interrupter.interrupt();
        let ended = loop {
            match next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it looks whole"),
                Err(error) => break error,
            }
        };
        assert!(ended.is_cancelled(), "{ended}");
    }

    #[test]
    fn samples_of_sixteen_bits_come_through_unchanged() {
        let codes = [-32_768_i16, -1, 0, 1, 12_345, 32_767];
        let values: Vec<f32> = codes
            .iter()
            .map(|&code| f32::from(code) / 32_768.0)
            .collect();
        let expected: Vec<u8> = codes.iter().flat_map(|code| code.to_le_bytes()).collect();
        assert_eq!(&*bytes_of(&values), &expected[..]);
        assert_eq!(&*bytes_of(&[2.0, -2.0]), &[0xFF, 0x7F, 0x00, 0x80]);
    }
}

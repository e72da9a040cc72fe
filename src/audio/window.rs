//! Samples of a medium by number, mixed to the device's channels.

use std::num::NonZeroU32;

use super::mix::ChannelMix;
use super::resample::Resampler;
use super::source::SampleSource;
use crate::decode::{AudioRead, AudioReadError};
use crate::media::AudioSamples;
use crate::time::{MediaSpan, MediaTime};

/// A stretch of a medium's samples, read on demand.
///
/// Sample n belongs to media time n / rate. Outside the medium, and where it cannot be read, there is
/// silence.
pub(crate) struct MediaWindow {
    source: Box<dyn SampleSource>,
    rate: NonZeroU32,
    channels: usize,
    mix: Option<(crate::media::AudioFormat, ChannelMix, Resampler)>,
    /// Number of the first sample held; `None` before the first seek.
    first: Option<i64>,
    /// Interleaved, `channels` wide.
    samples: Vec<f32>,
    /// Whether reading on gives nothing until the next seek.
    ended: bool,
    mixed: Vec<f32>,
    failure: Option<AudioReadError>,
}

impl MediaWindow {
    /// A window on `source` for a device with `channels` channels.
    pub(crate) fn new(source: Box<dyn SampleSource>, channels: usize) -> Self {
        let rate = source.format().rate;
        Self {
            source,
            rate,
            channels,
            mix: None,
            first: None,
            samples: Vec::new(),
            ended: false,
            mixed: Vec::new(),
            failure: None,
        }
    }

    /// Samples a second. It does not change, even where the medium's does.
    pub(crate) fn rate(&self) -> NonZeroU32 {
        self.rate
    }

    /// Changes the number of channels; what was read is forgotten.
    pub(crate) fn set_channels(&mut self, channels: usize) {
        if channels != self.channels {
            self.channels = channels;
            self.mix = None;
            self.first = None;
        }
    }

    /// Reads on from another source of the same rate, opened anew for instance. What is held is forgotten.
    pub(crate) fn replace_source(&mut self, source: Box<dyn SampleSource>) {
        self.source = source;
        self.mix = None;
        self.ended = false;
        self.failure = None;
        // The next read seeks.
        self.first = None;
        self.samples.clear();
    }

    /// Why reading failed, the first time; asking again gives `None`.
    pub(crate) fn take_failure(&mut self) -> Option<AudioReadError> {
        self.failure.take()
    }

    /// Appends samples `from..to` to `out`. Reading on from there is cheap.
    pub(crate) fn read_forward(&mut self, from: i64, to: i64, out: &mut Vec<f32>) {
        self.cover(from, from, to);
        self.append(from, to, out);
    }

    /// Appends samples `from..to` to `out`, last one first. A second before them is read as well, so
    /// that reading further back is cheap.
    pub(crate) fn read_backward(&mut self, from: i64, to: i64, out: &mut Vec<f32>) {
        let second = i64::from(self.rate.get());
        let earliest = if self.holds(from, to) {
            from
        } else {
            from.min(to - second)
        };
        self.cover(earliest, earliest, to);
        let start = out.len();
        self.append(from, to, out);
        let added = &mut out[start..];
        added.reverse();
        for frame in added.chunks_exact_mut(self.channels) {
            frame.reverse();
        }
    }

    fn end(&self) -> Option<i64> {
        let frames = i64::try_from(self.samples.len() / self.channels).unwrap_or(i64::MAX);
        self.first.map(|first| first + frames)
    }

    fn holds(&self, from: i64, to: i64) -> bool {
        self.first.is_some_and(|first| first <= from) && self.end().is_some_and(|end| to <= end)
    }

    fn append(&self, from: i64, to: i64, out: &mut Vec<f32>) {
        let Some(first) = self.first else { return };
        let index = |number: i64| usize::try_from(number - first).unwrap_or(0) * self.channels;
        if let Some(values) = self.samples.get(index(from)..index(to)) {
            out.extend_from_slice(values);
        }
    }

    /// Makes the window hold `from..to`; samples before `keep_from` may be dropped.
    fn cover(&mut self, keep_from: i64, from: i64, to: i64) {
        if self.holds(from, to) {
            return;
        }
        let follows = self.first.is_some_and(|first| first <= from)
            && self.end().is_some_and(|end| from <= end);
        if follows {
            let stale = usize::try_from(keep_from - self.first.unwrap_or(keep_from)).unwrap_or(0);
            self.samples.drain(..stale * self.channels);
            self.first = Some(keep_from);
        } else {
            self.seek(from);
        }
        while !self.ended && self.end().is_some_and(|end| end < to) {
            match self.source.read() {
                Ok(AudioRead::Chunk(chunk)) => self.take(&chunk.samples),
                Ok(AudioRead::End) => self.ended = true,
                Err(error) => self.fail(error),
            }
        }
        if let Some(end) = self.end().filter(|end| *end < to) {
            let missing = usize::try_from(to - end).unwrap_or(0) * self.channels;
            self.samples.resize(self.samples.len() + missing, 0.0);
        }
    }

    fn seek(&mut self, to: i64) {
        self.samples.clear();
        self.first = Some(to);
        self.ended = false;
        let time = MediaTime::ZERO + MediaSpan::from_samples_nearest(to, self.rate);
        if let Err(error) = self.source.seek(time) {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: AudioReadError) {
        self.ended = true;
        self.failure.get_or_insert(error);
    }

    /// Mixes `samples` and adds them at the end.
    fn take(&mut self, samples: &AudioSamples) {
        if self
            .mix
            .as_ref()
            .is_none_or(|(format, ..)| *format != samples.format)
        {
            let mix = ChannelMix::new(&samples.format.layout, self.channels);
            match Resampler::new(samples.format.rate, self.rate, self.channels) {
                Ok(resampler) => self.mix = Some((samples.format.clone(), mix, resampler)),
                Err(error) => {
                    return self.fail(AudioReadError::Decoder(
                        "sound".to_owned(),
                        error.to_string(),
                    ));
                }
            }
        }
        let Some((_, mix, resampler)) = &mut self.mix else {
            return;
        };
        self.mixed.clear();
        mix.mix_into(&samples.interleaved, &mut self.mixed);
        if let Err(error) = resampler.push(&self.mixed, &mut self.samples) {
            self.fail(AudioReadError::Decoder(
                "sound".to_owned(),
                error.to_string(),
            ));
        }
    }
}

//! Reading sound: exact samples of one stream, from a demuxer of its own.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::path::Path;

use ffmpeg_next as ffmpeg;

use super::{Input, OpenError};
use crate::media::{AudioFormat, AudioSamples, ChannelLayout, StreamId};
use crate::time::{MediaSpan, MediaTime, TimeBase};

mod samples;
#[cfg(test)]
mod tests;

/// How far before its target a seek starts to decode: AAC, Opus (80 ms) and MP3 (bit reservoir) give
/// right samples only after some packets. Tried in turn until one lands early enough.
const SEEK_PREROLLS_MILLIS: [i64; 4] = [250, 1_000, 5_000, 30_000];
/// The pre-roll that a seek must at least have got.
const LEAST_PREROLL_MILLIS: i64 = 100;
/// A time stamp that steps back by more than this is a new origin, not an overlap.
const REBASE_BACK_SECS: i64 = 1;
/// A time stamp that leaps ahead by more than this is a new origin, not a gap.
const REBASE_AHEAD_SECS: i64 = 3_600;
/// Packets in a row that may fail to be read before the file counts as ended.
const MAX_FAILED_READS: u32 = 10_000;

/// Why sound could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AudioReadError {
    /// The file could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The stream does not exist or is not sound.
    #[error("{0}: stream {1} is not sound. `jogwheel probe` lists the streams.")]
    NotSound(String, usize),
    /// No decoder takes it.
    #[error("{0}: its sound cannot be decoded ({1}). The picture plays without it.")]
    Decoder(String, String),
    /// Reading failed in mid-stream.
    #[error("{0}: reading its sound failed ({1}). Check the disk or the network share.")]
    Read(String, String),
    /// The container makes no sense from here on.
    #[error("{0}: its sound is damaged from here on ({1}).")]
    Damaged(String, String),
    /// A seek failed.
    #[error("{0}: its sound cannot be positioned ({1}).")]
    Seek(String, String),
}

/// Consecutive samples and where they belong.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioChunk {
    /// Media time of the first sample, counted from the reader's time zero.
    pub start: MediaTime,
    /// The samples; never empty.
    pub samples: AudioSamples,
}

/// What a read gave.
#[derive(Debug, Clone, PartialEq)]
pub enum AudioRead {
    /// Samples that follow the ones before without gap or overlap.
    Chunk(AudioChunk),
    /// The stream is over. A seek makes it readable again.
    End,
}

/// Decodes one audio stream to interleaved 32-bit float samples at its own rate and layout.
///
/// Chunks follow one another without gaps: where time stamps leave one, or packets are damaged, there
/// is silence; overlaps are cut. Sample n belongs to media time n / rate, so a seek is exact to the
/// sample wherever the container's time stamps are (Matroska's are rounded to a millisecond).
///
/// It is used from one thread at a time; no call waits for anything but the disk.
pub struct AudioReader {
    input: Input,
    stream: usize,
    decoder: ffmpeg::decoder::Audio,
    time_base: TimeBase,
    /// Time stamp of media time zero.
    time_zero: MediaSpan,
    /// First time stamp of the stream.
    stream_start: MediaTime,
    format: AudioFormat,
    /// Number of the next sample to deliver, counted from media time zero.
    next: i64,
    /// Decoded samples that wait, with the number of their first one.
    held: VecDeque<(i64, AudioSamples)>,
    /// Number that the next decoded sample has if time stamps go on evenly.
    flow: Option<i64>,
    /// Samples added to numbers that time stamps give, after a new origin.
    rebase: i64,
    drained: bool,
    /// Whether nothing was read since the file was opened.
    fresh: bool,
    damaged_packets: u64,
    /// Where the decoder puts what it decodes; kept to be used again.
    frame: ffmpeg::frame::Audio,
}

impl std::fmt::Debug for AudioReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioReader")
            .field("path", &self.input.path())
            .field("stream", &self.stream)
            .field("format", &self.format)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl AudioReader {
    /// Opens stream `id` of `path`. Media time zero is at the time stamp `time_zero`: that of the first
    /// video frame, or the stream's own first one where there is no picture.
    pub fn open(path: &Path, id: StreamId, time_zero: MediaTime) -> Result<Self, AudioReadError> {
        Self::of_input(Input::open(path)?, id, time_zero)
    }

    /// Like [`Self::open`], of a container that is open already.
    pub fn of_input(
        mut input: Input,
        id: StreamId,
        time_zero: MediaTime,
    ) -> Result<Self, AudioReadError> {
        let path = input.path().to_owned();
        let name = path.display().to_string();
        let not_sound = || AudioReadError::NotSound(path.display().to_string(), id.0);
        let bad = |error: ffmpeg::Error| AudioReadError::Decoder(name.clone(), error.to_string());
        let stream = input.context().stream(id.0).ok_or_else(not_sound)?;
        let parameters = stream.parameters();
        if parameters.medium() != ffmpeg::media::Type::Audio {
            return Err(not_sound());
        }
        let tick = stream.time_base();
        let time_base = u32::try_from(tick.numerator())
            .ok()
            .zip(u32::try_from(tick.denominator()).ok())
            .and_then(|(num, den)| TimeBase::new(num, den))
            .ok_or_else(|| bad(ffmpeg::Error::InvalidData))?;
        let start_ticks = stream.start_time();
        let stream_start = if start_ticks == ffmpeg::ffi::AV_NOPTS_VALUE {
            MediaTime::ZERO
        } else {
            time_base.time_from_ticks_nearest(start_ticks)
        };
        let mut context = ffmpeg::codec::context::Context::from_parameters(parameters)
            .map_err(bad)?
            .decoder();
        // Without it the decoder cannot move time stamps when it trims encoder priming.
        context.set_packet_time_base(tick);
        let decoder = context.audio().map_err(bad)?;
        samples::discard_other_streams(input.context(), id.0);
        let rate = NonZeroU32::new(decoder.rate())
            .ok_or_else(|| AudioReadError::Decoder(name.clone(), "no sample rate".to_owned()))?;
        let layout = samples::decoder_layout(&decoder)
            .ok_or_else(|| AudioReadError::Decoder(name.clone(), "no channels".to_owned()))?;
        let mut reader = Self {
            input,
            stream: id.0,
            decoder,
            time_base,
            time_zero: time_zero.since_zero(),
            stream_start,
            format: AudioFormat { rate, layout },
            next: 0,
            held: VecDeque::new(),
            flow: None,
            rebase: 0,
            drained: false,
            fresh: true,
            damaged_packets: 0,
            frame: ffmpeg::frame::Audio::empty(),
        };
        reader.next = reader.number_at(stream_start);
        Ok(reader)
    }

    /// Rate and channels of the samples that come next. They may change within a stream.
    pub fn format(&self) -> &AudioFormat {
        &self.format
    }

    /// Media time of the stream's first sample, as the container declares it.
    pub fn start(&self) -> MediaTime {
        self.stream_start - self.time_zero
    }

    /// Packets that could not be decoded and became silence.
    pub fn damaged_packets(&self) -> u64 {
        self.damaged_packets
    }

    /// Makes the next read start at the sample nearest to `to`. Times before the stream's start give
    /// silence up to it.
    pub fn seek(&mut self, to: MediaTime) -> Result<(), AudioReadError> {
        self.held.clear();
        self.next = to.since_zero().samples_nearest(self.format.rate);
        let least = MediaSpan::from_millis(LEAST_PREROLL_MILLIS).samples_nearest(self.format.rate);
        if self.fresh && to <= self.start() + MediaSpan::from_secs(1) {
            // It stands where playing begins. Streams that cannot be positioned play all the same.
            return Ok(());
        }
        let mut result = Ok(());
        for millis in SEEK_PREROLLS_MILLIS {
            let from = to + self.time_zero - MediaSpan::from_millis(millis);
            let at_start = from <= self.stream_start;
            let from = from.max(self.stream_start);
            result = self.seek_demuxer(from);
            if result.is_err() && !at_start {
                continue;
            }
            self.decoder.flush();
            self.flow = None;
            self.rebase = 0;
            self.drained = false;
            self.held.clear();
            let landed = self.decode_first()?;
            if at_start || landed.is_some_and(|first| first <= self.next - least) {
                break;
            }
        }
        result
    }

    /// The next samples, or the end of the stream.
    ///
    /// An error ends the stream as well; what was decoded before it has been delivered.
    pub fn read(&mut self) -> Result<AudioRead, AudioReadError> {
        loop {
            if let Some((first, mut samples)) = self.held.pop_front() {
                if samples.format != self.format {
                    let at = self.time_of(self.next);
                    self.format = samples.format.clone();
                    self.next = at.since_zero().samples_nearest(self.format.rate);
                }
                if first > self.next {
                    self.held.push_front((first, samples));
                    return Ok(AudioRead::Chunk(self.silence(first)));
                }
                let late = usize::try_from(self.next - first).unwrap_or(usize::MAX);
                if late >= samples.frame_count() {
                    continue;
                }
                samples
                    .interleaved
                    .drain(..late * samples.format.layout.count());
                return Ok(AudioRead::Chunk(self.deliver(samples)));
            }
            if !self.decode_more()? {
                return Ok(AudioRead::End);
            }
        }
    }

    /// Silence from the next sample to `first`, a second at most.
    fn silence(&mut self, first: i64) -> AudioChunk {
        let frames = (first - self.next).min(i64::from(self.format.rate.get()));
        let values = usize::try_from(frames).unwrap_or(0) * self.format.layout.count();
        self.deliver(AudioSamples {
            format: self.format.clone(),
            interleaved: vec![0.0; values],
        })
    }

    fn deliver(&mut self, samples: AudioSamples) -> AudioChunk {
        let start = self.time_of(self.next);
        self.next += i64::try_from(samples.frame_count()).unwrap_or(0);
        AudioChunk { start, samples }
    }

    fn time_of(&self, number: i64) -> MediaTime {
        MediaTime::ZERO + MediaSpan::from_samples_nearest(number, self.format.rate)
    }

    /// Number of the sample at the container's time `stamp`.
    fn number_at(&self, stamp: MediaTime) -> i64 {
        (stamp - self.time_zero)
            .since_zero()
            .samples_nearest(self.format.rate)
    }

    /// Decodes until the first samples after a seek are there; answers their number.
    fn decode_first(&mut self) -> Result<Option<i64>, AudioReadError> {
        while self.held.is_empty() {
            if !self.decode_more()? {
                return Ok(None);
            }
        }
        Ok(self.held.front().map(|(first, _)| *first))
    }

    /// Decodes one frame into `held`; false at the end of the stream.
    fn decode_more(&mut self) -> Result<bool, AudioReadError> {
        let mut failed_reads = 0;
        loop {
            match self.decoder.receive_frame(&mut self.frame) {
                Ok(()) => {
                    if self.hold_frame() {
                        return Ok(true);
                    }
                    continue;
                }
                Err(ffmpeg::Error::Eof) => return Ok(false),
                Err(ffmpeg::Error::Other {
                    errno: ffmpeg::error::EAGAIN,
                }) => {}
                Err(error) => self.note_damage(error),
            }
            if self.drained {
                return Ok(false);
            }
            self.fresh = false;
            let mut packet = ffmpeg::Packet::empty();
            match packet.read(self.input.context()) {
                Ok(()) if packet.stream() == self.stream => {
                    failed_reads = 0;
                    if let Err(error) = self.decoder.send_packet(&packet) {
                        self.note_damage(error);
                    }
                }
                Ok(()) => {}
                Err(ffmpeg::Error::Eof) => self.drain(),
                Err(
                    ffmpeg::Error::InvalidData
                    | ffmpeg::Error::Other {
                        errno: ffmpeg::error::EAGAIN,
                    },
                ) if failed_reads < MAX_FAILED_READS => failed_reads += 1,
                Err(error) => {
                    self.drain();
                    let name = self.input.path().display().to_string();
                    return Err(match error {
                        ffmpeg::Error::InvalidData => {
                            AudioReadError::Damaged(name, error.to_string())
                        }
                        error => AudioReadError::Read(name, error.to_string()),
                    });
                }
            }
        }
    }

    /// Tells the decoder that no packets follow. It refuses only when it was told before.
    fn drain(&mut self) {
        if self.decoder.send_eof().is_err() {
            self.drained = true;
        }
    }

    fn note_damage(&mut self, error: ffmpeg::Error) {
        self.damaged_packets += 1;
        if self.damaged_packets == 1 {
            tracing::warn!(
                path = %self.input.path().display(), %error,
                "damaged sound is replaced by silence; further damage is only counted"
            );
        }
    }

    /// Numbers the decoded frame and keeps it; false when it holds nothing.
    fn hold_frame(&mut self) -> bool {
        let Some(samples) = samples::interleaved_from_frame(&self.frame) else {
            return false;
        };
        let rate = samples.format.rate;
        if let (Some(flow), true) = (self.flow, rate != self.format.rate) {
            // Numbers are counted at the new rate from here on.
            let at = MediaSpan::from_samples_nearest(flow, self.format.rate);
            self.flow = Some(at.samples_nearest(rate));
            self.rebase = 0;
        }
        let stamped = self.frame.timestamp().map(|ticks| {
            let stamp = self.time_base.time_from_ticks_nearest(ticks) - self.time_zero;
            stamp.since_zero().samples_nearest(rate) + self.rebase
        });
        let second = i64::from(rate.get());
        let first = match (stamped, self.flow) {
            (Some(stamped), None) => stamped,
            (None, None) => self.next,
            (None, Some(flow)) => flow,
            (Some(stamped), Some(flow)) => {
                let leap = stamped - flow;
                if leap.abs() <= self.tolerance(rate) {
                    flow
                } else if leap < -REBASE_BACK_SECS * second || leap > REBASE_AHEAD_SECS * second {
                    self.rebase -= leap;
                    flow
                } else {
                    stamped
                }
            }
        };
        self.flow = Some(first + i64::try_from(samples.frame_count()).unwrap_or(0));
        self.held.push_back((first, samples));
        true
    }

    /// How far, in samples, a time stamp may be off and still mean "what follows": its rounding to a
    /// tick of the container, and half as much for muxers that round twice.
    fn tolerance(&self, rate: NonZeroU32) -> i64 {
        let tick = self
            .time_base
            .span_from_ticks_nearest(1)
            .max(MediaSpan::from_millis(1));
        tick.scaled_nearest(3, 2).samples_nearest(rate) + 1
    }

    fn seek_demuxer(&mut self, to: MediaTime) -> Result<(), AudioReadError> {
        let ticks = self.time_base.ticks_from_time_floor(to);
        samples::seek_stream(self.input.context(), self.stream, ticks).map_err(|error| {
            AudioReadError::Seek(self.input.path().display().to_string(), error.to_string())
        })
    }
}

/// Layouts with the usual order for a number of channels whose roles are not stated.
pub(super) fn layout_for_count(count: usize) -> Option<ChannelLayout> {
    use crate::media::ChannelRole;
    match count {
        1 => Some(ChannelLayout::mono()),
        2 => Some(ChannelLayout::stereo()),
        _ => ChannelLayout::new(vec![ChannelRole::Other; count]),
    }
}

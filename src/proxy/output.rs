//! One proxy while it is made: scaled, encoded and written by a thread of its own.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::Receiver;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;

use super::codec::ProxyCodec;
use super::error::MakeError;
use super::muxer::{Muxer, PictureTrack};
use super::part_file::PartFile;
use super::preset::Preset;
use super::scale::{Scaler, Target};
use crate::decode::{FileIdentity, GopIndex, Input};
use crate::media::{AudioFormat, FieldOrder, Size, StreamId, VideoFrame, VideoStream};
use crate::time::{FrameIndex, MediaSpan, MediaTime, TimeBase};

/// What a proxy is made of, in the order in which it is written.
#[derive(Clone)]
pub(super) enum Piece {
    /// A frame of the source.
    Picture(FrameIndex, Arc<VideoFrame>),
    /// A frame that cannot be decoded: the one before stands for it.
    Repeat(FrameIndex),
    /// Samples of a stream of sound.
    Sound(Samples),
    /// Everything was sent. Without it the proxy is not finished.
    End,
}

/// Interleaved 16-bit samples.
#[derive(Clone)]
pub(super) struct Samples {
    /// The stream of sound, counted from 0.
    pub(super) stream: usize,
    /// Unit of `first`: a sample.
    pub(super) base: TimeBase,
    /// Number of the first one.
    pub(super) first: i64,
    /// Samples in each channel.
    pub(super) count: i64,
    pub(super) bytes: Arc<[u8]>,
}

/// What a proxy is made from.
pub(super) struct Material<'a> {
    pub(super) input: &'a Input,
    /// The stream of pictures, with colour and fields as the first picture has them.
    pub(super) stream: &'a VideoStream,
    pub(super) index: &'a Arc<GopIndex>,
    pub(super) sounds: &'a [(StreamId, AudioFormat)],
}

/// A proxy that is written and not yet at its place.
pub(super) struct Written {
    pub(super) part: PartFile,
    pub(super) file: FileIdentity,
    pub(super) preset: Preset,
    pub(super) size: Size,
}

/// A proxy while it is made.
pub(super) struct Output {
    preset: Preset,
    size: Size,
    place: PathBuf,
    part: PartFile,
    codec: ProxyCodec,
    encoder: ffmpeg::encoder::video::Encoder,
    muxer: Muxer,
    scaler: Scaler,
    scaled: ffmpeg::frame::Video,
    index: Arc<GopIndex>,
    base: TimeBase,
    shift: i64,
    is_interlaced: bool,
    packet: ffmpeg::Packet,
}

/// What is added to all time stamps of a proxy: containers cut off what lies before zero.
pub(super) fn shift_of(index: &GopIndex) -> i64 {
    let first = index.pts_of(FrameIndex::ZERO).unwrap_or(0);
    first.min(0).saturating_neg()
}

impl Output {
    /// Opens everything that it takes.
    pub(super) fn open(
        material: &Material<'_>,
        preset: Preset,
        codec: ProxyCodec,
        place: &Path,
        threads: NonZeroUsize,
    ) -> Result<Self, MakeError> {
        let stream = material.stream;
        let is_interlaced = stream.fields != FieldOrder::Progressive;
        let size = preset.size_for(stream.size, if is_interlaced { 4 } else { 2 });
        let color = codec.color_of(stream);
        let target = Target {
            size,
            pixel: codec.pixel_of(&color),
            color,
            fields: is_interlaced,
        };
        let encoder = open_encoder(stream, preset, codec, &target, threads)?;
        let write = |error: io::Error| MakeError::write(place, error);
        let part = PartFile::create(place).map_err(write)?;
        let mut muxer = part.handle().and_then(Muxer::new).map_err(write)?;
        let track = PictureTrack {
            encoder: &encoder,
            input: material.input,
            source: stream,
            hdr: color.hdr,
        };
        muxer.add_pictures(&track).map_err(write)?;
        for (id, format) in material.sounds {
            let added = muxer.add_sound(material.input, *id, format);
            added.map_err(write)?;
        }
        let rates = material.sounds.iter().map(|(_, format)| format.rate);
        muxer.begin(stream.time_base, rates).map_err(write)?;
        let scaler = Scaler::new(target);
        Ok(Self {
            preset,
            size,
            place: place.to_owned(),
            part,
            codec,
            encoder,
            muxer,
            scaled: scaler.blank(),
            scaler,
            index: Arc::clone(material.index),
            base: stream.time_base,
            shift: shift_of(material.index),
            is_interlaced,
            packet: ffmpeg::Packet::empty(),
        })
    }

    /// Writes what comes. `None` when the pieces end without an end: then nothing is left of it.
    pub(super) fn run(mut self, pieces: &Receiver<Piece>) -> Result<Option<Written>, MakeError> {
        for piece in pieces {
            match piece {
                Piece::Picture(number, frame) => self.picture(number, &frame)?,
                Piece::Repeat(number) => self.encode(number)?,
                Piece::Sound(samples) => self.sound(&samples)?,
                Piece::End => return self.finish().map(Some),
            }
        }
        Ok(None)
    }

    #[expect(unsafe_code, reason = "the wrapper has no setters for fields")]
    fn picture(&mut self, number: FrameIndex, frame: &VideoFrame) -> Result<(), MakeError> {
        // SAFETY: the frame is alive. Encoders may still look at what they were given before; then this
        // gives it memory of its own.
        let code = unsafe { ffi::av_frame_make_writable(self.scaled.as_mut_ptr()) };
        if code < 0 {
            return Err(self.failed(code));
        }
        self.scaler
            .scale(frame, &mut self.scaled)
            .map_err(|error| MakeError::Scale(error.to_string()))?;
        if self.is_interlaced {
            // SAFETY: the frame is alive and borrowed mutably.
            unsafe {
                let raw = self.scaled.as_mut_ptr();
                (*raw).interlaced_frame = i32::from(frame.fields != FieldOrder::Progressive);
                (*raw).top_field_first = i32::from(frame.fields != FieldOrder::BottomFirst);
            }
        }
        self.encode(number)
    }

    /// Encodes the scaled picture as frame `number`.
    fn encode(&mut self, number: FrameIndex) -> Result<(), MakeError> {
        puffin::profile_scope!("encode proxy");
        let Some(pts) = self.index.pts_of(number) else {
            return Ok(());
        };
        self.scaled.set_pts(Some(pts + self.shift));
        let sent = self.encoder.send_frame(&self.scaled);
        sent.map_err(|error| self.encoder_error(error))?;
        self.take_packets()
    }

    /// Writes what the encoder has.
    fn take_packets(&mut self) -> Result<(), MakeError> {
        loop {
            match self.encoder.receive_packet(&mut self.packet) {
                Ok(()) => {}
                Err(
                    ffmpeg::Error::Eof
                    | ffmpeg::Error::Other {
                        errno: ffmpeg::error::EAGAIN,
                    },
                ) => return Ok(()),
                Err(error) => return Err(self.encoder_error(error)),
            }
            // No codec here changes the order of pictures.
            let pts = self.packet.pts();
            self.packet.set_dts(pts);
            self.packet.set_duration(self.duration_at(pts));
            let written = self.muxer.write(&mut self.packet, 0, self.base);
            written.map_err(|error| MakeError::write(&self.place, error))?;
        }
    }

    /// How long the frame of this time stamp lasts, in ticks.
    fn duration_at(&self, pts: Option<i64>) -> i64 {
        let number = pts.and_then(|pts| self.index.frame_of_pts(pts - self.shift));
        let Some((number, begin)) = number.zip(pts) else {
            return 0;
        };
        match self.index.pts_of(number.offset(1)) {
            Some(next) => next + self.shift - begin,
            None => last_duration_ticks(&self.index, number, self.base),
        }
    }

    fn sound(&mut self, samples: &Samples) -> Result<(), MakeError> {
        let mut packet = ffmpeg::Packet::copy(&samples.bytes);
        packet.set_pts(Some(samples.first));
        packet.set_dts(Some(samples.first));
        packet.set_duration(samples.count);
        packet.set_flags(ffmpeg::packet::Flags::KEY);
        self.muxer
            .write(&mut packet, samples.stream + 1, samples.base)
            .map_err(|error| MakeError::write(&self.place, error))
    }

    fn finish(mut self) -> Result<Written, MakeError> {
        let ended = self.encoder.send_eof();
        ended.map_err(|error| self.encoder_error(error))?;
        self.take_packets()?;
        let write = |error: io::Error| MakeError::write(&self.place, error);
        self.muxer.finish().map_err(write)?;
        let file = self.part.sync().map_err(write)?;
        Ok(Written {
            part: self.part,
            file,
            preset: self.preset,
            size: self.size,
        })
    }

    fn encoder_error(&self, error: ffmpeg::Error) -> MakeError {
        MakeError::Encoder(self.codec, error.to_string())
    }

    fn failed(&self, code: i32) -> MakeError {
        self.encoder_error(ffmpeg::Error::from(code))
    }
}

/// How long the last frame lasts, in ticks: there is no next one to count to.
pub(super) fn last_duration_ticks(index: &GopIndex, last: FrameIndex, base: TimeBase) -> i64 {
    let span = match (index.time_of(last), index.end_of(last)) {
        (Some(begin), Some(end)) => end - begin,
        _ => MediaSpan::ZERO,
    };
    // Half a tick more, so that it is the nearest one.
    let half = MediaSpan::from_flicks(base.span_from_ticks_nearest(1).flicks() / 2);
    base.ticks_from_time_floor(MediaTime::ZERO + span + half)
        .max(1)
}

fn open_encoder(
    stream: &VideoStream,
    preset: Preset,
    codec: ProxyCodec,
    target: &Target,
    threads: NonZeroUsize,
) -> Result<ffmpeg::encoder::video::Encoder, MakeError> {
    let found = ffmpeg::encoder::find_by_name(codec.encoder());
    let found = found.ok_or(MakeError::NoEncoder(codec))?;
    let fail = |error: ffmpeg::Error| MakeError::Encoder(codec, error.to_string());
    let context = ffmpeg::codec::Context::new_with_codec(found);
    let mut video = context.encoder().video().map_err(fail)?;
    let rational = |num: u32, den: u32| ffmpeg::Rational::new(num.cast_signed(), den.cast_signed());
    video.set_width(target.size.width());
    video.set_height(target.size.height());
    video.set_format(target.pixel);
    video.set_time_base(rational(stream.time_base.num(), stream.time_base.den()));
    video.set_frame_rate(Some(rational(stream.rate.num(), stream.rate.den())));
    let aspect = stream.sample_aspect;
    video.set_aspect_ratio(rational(aspect.num, aspect.den));
    let options = codec.options(stream, preset, threads);
    let options: ffmpeg::Dictionary<'_> = options
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    video.open_as_with(found, options).map_err(fail)
}

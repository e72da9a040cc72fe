//! One proxy while it is made: scaled, encoded and written by a thread of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;

use super::codec::ProxyCodec;
use super::encoder::{Encoder, Job};
use super::error::MakeError;
use super::muxer::{Muxer, PictureTrack};
use super::part_file::PartFile;
use super::preset::Preset;
use super::scale::{ScaleError, Scaled, Scaler};
use crate::decode::{FileIdentity, GopIndex, Input};
use crate::media::{AudioFormat, ColorInfo, FieldOrder, Size, StreamId, VideoFrame};
use crate::time::{FrameIndex, MediaSpan, MediaTime, TimeBase};

/// What a proxy is made of, in the order in which it is written.
#[derive(Clone)]
pub(super) enum Piece {
    /// A frame of the source.
    Picture(FrameIndex, Arc<VideoFrame>),
    /// The same, as a larger proxy has it.
    Smaller(FrameIndex, Arc<Scaled>),
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
    encoder: Encoder,
    muxer: Muxer,
    color: ColorInfo,
    scaler: Scaler,
    /// The picture that was scaled last.
    scaled: ffmpeg::frame::Video,
    /// Those before it. Encoders and smaller proxies may still look at some.
    spares: Vec<ffmpeg::frame::Video>,
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
    /// Opens everything that it takes, for the encoder of `job` to be written to `place`.
    pub(super) fn open(
        material: &Material<'_>,
        job: &Job<'_>,
        place: &Path,
    ) -> Result<Self, MakeError> {
        let Job {
            stream,
            target,
            codec,
            preset,
            ..
        } = *job;
        let color = target.color;
        let encoder = Encoder::open(job)?;
        let write = |error: io::Error| MakeError::write(place, error);
        let part = PartFile::create(place).map_err(write)?;
        let mut muxer = part.handle().and_then(Muxer::new).map_err(write)?;
        let track = PictureTrack {
            encoder: encoder.inner(),
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
        let scaler = Scaler::new(*target);
        Ok(Self {
            preset,
            size: target.size,
            place: place.to_owned(),
            part,
            codec,
            encoder,
            muxer,
            color,
            scaled: scaler.blank(),
            spares: Vec::new(),
            scaler,
            index: Arc::clone(material.index),
            base: stream.time_base,
            shift: shift_of(material.index),
            is_interlaced: target.fields,
            packet: ffmpeg::Packet::empty(),
        })
    }

    /// The size of its pictures.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Writes what comes, and hands it on to `smaller` ones, which scale its pictures instead of the source's.
    /// `None` when the pieces end without an end: then nothing is left of it.
    pub(super) fn run(
        mut self,
        pieces: &Receiver<Piece>,
        smaller: &[Sender<Piece>],
    ) -> Result<Option<Written>, MakeError> {
        for piece in pieces {
            // Pictures are handed on as soon as they are scaled.
            if !matches!(piece, Piece::Picture(..) | Piece::Smaller(..)) {
                hand_on(smaller, &piece)?;
            }
            match piece {
                Piece::Picture(number, frame) => {
                    self.scale(frame.fields, |scaler, into| scaler.scale(&frame, into))?;
                    self.picture(number, frame.fields, smaller)?;
                }
                Piece::Smaller(number, larger) => {
                    let fields = larger.fields();
                    self.scale(fields, |scaler, into| scaler.scale_again(&larger, into))?;
                    self.picture(number, fields, smaller)?;
                }
                Piece::Repeat(number) => self.encode(number)?,
                Piece::Sound(samples) => self.sound(&samples)?,
                Piece::End => return self.finish().map(Some),
            }
        }
        Ok(None)
    }

    /// Encodes what was scaled last.
    fn picture(
        &mut self,
        number: FrameIndex,
        fields: FieldOrder,
        smaller: &[Sender<Piece>],
    ) -> Result<(), MakeError> {
        if !smaller.is_empty() {
            let scaled = Scaled::share(&self.scaled, self.color, fields);
            let scaled = scaled.ok_or_else(|| self.encoder_error(NO_MEMORY))?;
            hand_on(smaller, &Piece::Smaller(number, Arc::new(scaled)))?;
        }
        self.encode(number)
    }

    /// Has `scale` fill a picture that nobody else looks at, which is the last one then.
    #[expect(unsafe_code, reason = "the wrapper has no setters for fields")]
    fn scale(
        &mut self,
        fields: FieldOrder,
        scale: impl FnOnce(&mut Scaler, &mut ffmpeg::frame::Video) -> Result<(), ScaleError>,
    ) -> Result<(), MakeError> {
        // SAFETY: the frame is alive.
        let is_free = |frame: &mut ffmpeg::frame::Video| unsafe {
            ffi::av_frame_is_writable(frame.as_mut_ptr()) > 0
        };
        let free = self.spares.iter_mut().position(is_free);
        let mut into = free.map_or_else(
            || self.scaler.blank(),
            |place| self.spares.swap_remove(place),
        );
        scale(&mut self.scaler, &mut into).map_err(|error| MakeError::Scale(error.to_string()))?;
        if self.is_interlaced {
            // SAFETY: the frame is alive and borrowed mutably.
            unsafe {
                let raw = into.as_mut_ptr();
                (*raw).interlaced_frame = i32::from(fields != FieldOrder::Progressive);
                (*raw).top_field_first = i32::from(fields != FieldOrder::BottomFirst);
            }
        }
        self.spares.push(std::mem::replace(&mut self.scaled, into));
        Ok(())
    }

    /// Encodes the scaled picture as frame `number`.
    fn encode(&mut self, number: FrameIndex) -> Result<(), MakeError> {
        puffin::profile_scope!("encode proxy");
        let Some(pts) = self.index.pts_of(number) else {
            return Ok(());
        };
        self.scaled.set_pts(Some(pts + self.shift));
        let sent = self.encoder.send(&self.scaled);
        sent.map_err(|error| self.encoder_error(error))?;
        self.take_packets()
    }

    /// Writes what the encoder has.
    fn take_packets(&mut self) -> Result<(), MakeError> {
        loop {
            let received = self.encoder.receive(&mut self.packet);
            if !received.map_err(|error| self.encoder_error(error))? {
                return Ok(());
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
        let ended = self.encoder.end();
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
}

/// What FFmpeg says when memory is short.
pub(super) const NO_MEMORY: ffmpeg::Error = ffmpeg::Error::Other {
    errno: ffmpeg::error::ENOMEM,
};

/// Waits while one of them is behind.
pub(super) fn hand_on(smaller: &[Sender<Piece>], piece: &Piece) -> Result<(), MakeError> {
    for sender in smaller {
        // A thread that hears no more has failed, and says why when it is joined.
        let sent = sender.send(piece.clone());
        sent.map_err(|_closed| MakeError::Cancelled)?;
    }
    Ok(())
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

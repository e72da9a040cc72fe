//! Encoders of pictures, in software and in hardware.

use std::num::NonZeroUsize;

use ffmpeg_next as ffmpeg;

use super::codec::{ProxyCodec, Quality};
use super::error::MakeError;
use super::hardware::{Hardware, Surfaces};
use super::preset::Preset;
use super::scale::Target;
use crate::media::VideoStream;

/// What an encoder is for.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    /// The stream, with colour and fields as its first picture has them.
    pub(super) stream: &'a VideoStream,
    pub(super) preset: Preset,
    pub(super) codec: ProxyCodec,
    pub(super) quality: Quality,
    pub(super) target: &'a Target,
    pub(super) threads: NonZeroUsize,
    /// What encodes, if it is no software.
    pub(super) hardware: Option<Hardware>,
}

/// An encoder that is open.
pub(super) struct Encoder {
    inner: ffmpeg::encoder::video::Encoder,
    surfaces: Option<Surfaces>,
}

impl Encoder {
    pub(super) fn open(job: &Job<'_>) -> Result<Self, MakeError> {
        crate::decode::init();
        let Job {
            stream,
            codec,
            target,
            ..
        } = *job;
        let name = job.hardware.map_or(codec.encoder(), Hardware::encoder);
        let found = ffmpeg::encoder::find_by_name(name);
        let found = found.ok_or(MakeError::NoEncoder(codec))?;
        let fail = |error: ffmpeg::Error| MakeError::Encoder(codec, error.to_string());
        let context = ffmpeg::codec::Context::new_with_codec(found);
        let mut video = context.encoder().video().map_err(fail)?;
        let rational =
            |num: u32, den: u32| ffmpeg::Rational::new(num.cast_signed(), den.cast_signed());
        video.set_width(target.size.width());
        video.set_height(target.size.height());
        video.set_format(target.pixel);
        video.set_time_base(rational(stream.time_base.num(), stream.time_base.den()));
        video.set_frame_rate(Some(rational(stream.rate.num(), stream.rate.den())));
        let aspect = stream.sample_aspect;
        video.set_aspect_ratio(rational(aspect.num, aspect.den));
        let surfaces = match job.hardware {
            Some(Hardware::Vaapi) => Some(Surfaces::open(target.size).map_err(fail)?),
            _ => None,
        };
        if let Some(surfaces) = &surfaces {
            surfaces.attach(&mut video);
        }
        let options = codec.options(job);
        let options: ffmpeg::Dictionary<'_> = options
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        Ok(Self {
            inner: video.open_as_with(found, options).map_err(fail)?,
            surfaces,
        })
    }

    /// As FFmpeg has it, for whoever describes its stream.
    pub(super) fn inner(&self) -> &ffmpeg::encoder::video::Encoder {
        &self.inner
    }

    /// The next picture, which bears its time stamp.
    pub(super) fn send(&mut self, frame: &ffmpeg::frame::Video) -> Result<(), ffmpeg::Error> {
        match &mut self.surfaces {
            Some(surfaces) => {
                let there = surfaces.upload(frame)?;
                self.inner.send_frame(&there)
            }
            None => self.inner.send_frame(frame),
        }
    }

    /// There are no more.
    pub(super) fn end(&mut self) -> Result<(), ffmpeg::Error> {
        self.inner.send_eof()
    }

    /// What is encoded; false where it wants more pictures first, or has no more.
    pub(super) fn receive(&mut self, packet: &mut ffmpeg::Packet) -> Result<bool, ffmpeg::Error> {
        match self.inner.receive_packet(packet) {
            Ok(()) => Ok(true),
            Err(
                ffmpeg::Error::Eof
                | ffmpeg::Error::Other {
                    errno: ffmpeg::error::EAGAIN,
                },
            ) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

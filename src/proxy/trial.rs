//! Which encoder is taken, after a trial of those in hardware: that FFmpeg has one says nothing of the machine.

use ffmpeg_next as ffmpeg;

use super::codec::ProxyCodec;
use super::encoder::{Encoder, Job};
use super::error::MakeError;
use super::hardware::{self, Hardware};
use super::scale::Target;
use crate::media::{ColorRange, FieldOrder};
use crate::time::MediaSpan;

/// Pictures of a trial.
const PICTURES: i64 = 4;

/// Hardware is worth what it takes to try it where a source is this long.
const LONG: MediaSpan = MediaSpan::from_secs(600);

/// Levels that come out farther off than this, in codes of 8 bits on average, are not those that went in.
const MOST_DIFFERENCE: u64 = 8;

/// What encodes H.264.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EncoderChoice {
    /// Hardware for long sources where it works, else software.
    #[default]
    Auto,
    /// Software.
    Software,
    /// This hardware where it works, else software.
    Hardware(Hardware),
}

/// What was taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ChosenEncoder {
    /// The hardware; `None` for software.
    pub(super) hardware: Option<Hardware>,
    /// Why it is not the one that was asked for.
    pub(super) reason: Option<String>,
}

/// Chooses what encodes the proxies of a source that lasts `duration`; `job` is the largest of them, in software.
pub(super) fn choose(choice: EncoderChoice, duration: MediaSpan, job: &Job<'_>) -> ChosenEncoder {
    let software = |reason: Option<String>| ChosenEncoder {
        hardware: None,
        reason,
    };
    match choice {
        EncoderChoice::Software => software(None),
        EncoderChoice::Auto if duration < LONG => software(None),
        EncoderChoice::Auto => {
            let works = |hardware: &Hardware| {
                let tried = works(*hardware, job);
                tried
                    .inspect_err(|reason| tracing::debug!("{hardware}: {reason}"))
                    .is_ok()
            };
            ChosenEncoder {
                hardware: Hardware::all().find(works),
                reason: None,
            }
        }
        EncoderChoice::Hardware(hardware) => match works(hardware, job) {
            Ok(()) => ChosenEncoder {
                hardware: Some(hardware),
                reason: None,
            },
            Err(reason) => software(Some(format!("{hardware} is not used: {reason}"))),
        },
    }
}

/// Whether this hardware makes what `job` needs; the reason why not.
fn works(hardware: Hardware, job: &Job<'_>) -> Result<(), String> {
    let is_h264 = matches!(job.codec, ProxyCodec::H264Intra | ProxyCodec::H264Gop);
    if !is_h264 {
        return Err(format!("it makes H.264, and {} was asked for", job.codec));
    }
    if job.target.color.transfer.is_hdr() {
        return Err("H.264 of HDR is made by software alone".to_owned());
    }
    if job.stream.fields != FieldOrder::Progressive {
        return Err("interlaced pictures are encoded by software alone".to_owned());
    }
    if ffmpeg::encoder::find_by_name(hardware.encoder()).is_none() {
        return Err(format!("this FFmpeg has no {}", hardware.encoder()));
    }
    let target = Target {
        pixel: hardware::PIXEL,
        ..*job.target
    };
    let job = Job {
        target: &target,
        hardware: Some(hardware),
        ..*job
    };
    encode_and_decode(&job).map_err(|error| format!("a trial failed ({error})"))
}

/// Encodes some pictures, and looks at what a decoder in software makes of them.
fn encode_and_decode(job: &Job<'_>) -> Result<(), String> {
    let said = |error: ffmpeg::Error| error.to_string();
    let mut encoder = Encoder::open(job).map_err(|error| match error {
        MakeError::Encoder(_, reason) => reason,
        error => error.to_string(),
    })?;
    let mut packets = Vec::new();
    let mut take = |encoder: &mut Encoder| -> Result<(), ffmpeg::Error> {
        let mut packet = ffmpeg::Packet::empty();
        while encoder.receive(&mut packet)? {
            packets.push(std::mem::replace(&mut packet, ffmpeg::Packet::empty()));
        }
        Ok(())
    };
    for number in 0..PICTURES {
        let mut picture = pattern(job.target, number);
        picture.set_pts(Some(number));
        encoder.send(&picture).map_err(said)?;
        take(&mut encoder).map_err(said)?;
    }
    encoder.end().map_err(said)?;
    take(&mut encoder).map_err(said)?;
    if job.codec == ProxyCodec::H264Intra && !packets.iter().all(ffmpeg::Packet::is_key) {
        return Err("its pictures refer to one another".to_owned());
    }
    let parameters = ffmpeg::codec::Parameters::from(encoder.inner());
    let context = ffmpeg::codec::Context::from_parameters(parameters).map_err(said)?;
    let mut decoder = context.decoder().video().map_err(said)?;
    let mut number = 0;
    let mut compare = |decoder: &mut ffmpeg::decoder::Video| -> Result<(), String> {
        let mut decoded = ffmpeg::frame::Video::empty();
        while decoder.receive_frame(&mut decoded).is_ok() {
            let expected = pattern(job.target, number);
            number += 1;
            let (mut sum, mut count) = (0, 0);
            for row in 0..job.target.size.height() as usize {
                let of = |frame: &ffmpeg::frame::Video| {
                    let begin = row * frame.stride(0);
                    begin..begin + job.target.size.width() as usize
                };
                let ours = expected.data(0).get(of(&expected));
                let theirs = decoded.data(0).get(of(&decoded));
                let (Some(ours), Some(theirs)) = (ours, theirs) else {
                    return Err("its pictures have another size".to_owned());
                };
                sum += ours
                    .iter()
                    .zip(theirs)
                    .map(|(a, b)| u64::from(a.abs_diff(*b)))
                    .sum::<u64>();
                count += ours.len() as u64;
            }
            if sum > MOST_DIFFERENCE * count {
                return Err("its pictures are not those that went in".to_owned());
            }
        }
        Ok(())
    };
    for packet in &packets {
        decoder.send_packet(packet).map_err(said)?;
        compare(&mut decoder)?;
    }
    decoder.send_eof().map_err(said)?;
    compare(&mut decoder)?;
    if number == PICTURES {
        Ok(())
    } else {
        Err(format!("{number} of {PICTURES} pictures came out"))
    }
}

/// A picture that differs from those before and after: slopes, with grey for colour.
fn pattern(target: &Target, number: i64) -> ffmpeg::frame::Video {
    let (width, height) = (target.size.width(), target.size.height());
    let mut frame = ffmpeg::frame::Video::new(target.pixel, width, height);
    let (low, high) = match target.color.range {
        ColorRange::Limited => (16, 219),
        ColorRange::Full => (0, 255),
    };
    let shift = usize::try_from(number).unwrap_or(0) * 16;
    let stride = frame.stride(0);
    for (row, codes) in frame.data_mut(0).chunks_mut(stride.max(1)).enumerate() {
        for (column, code) in codes.iter_mut().enumerate() {
            let slope = (column + row + shift) / 4 % (2 * high);
            // Up and down, so that there is no edge to be lost.
            let height = slope.min(2 * high - slope);
            *code = u8::try_from(low + height.min(high)).unwrap_or(u8::MAX);
        }
    }
    for plane in 1..frame.planes() {
        frame.data_mut(plane).fill(128);
    }
    frame
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use ffmpeg_next::format::Pixel;

    use super::*;
    use crate::media::{ColorInfo, PixelFormat, Size, VideoStream, test_support};
    use crate::proxy::codec::Quality;
    use crate::proxy::preset::Preset;
    use crate::time::FrameRate;

    fn stream() -> VideoStream {
        let size = Size::new(1920, 1080).unwrap();
        let rate = FrameRate::new(25, 1).unwrap();
        test_support::stream(size, PixelFormat::YUV420P8, rate)
    }

    fn with_job<T>(codec: ProxyCodec, look: impl FnOnce(&Job<'_>) -> T) -> T {
        let stream = stream();
        let target = Target {
            size: Size::new(640, 360).unwrap(),
            pixel: Pixel::YUV420P,
            color: ColorInfo::BT709_LIMITED,
            fields: false,
        };
        look(&Job {
            stream: &stream,
            preset: Preset::Draft,
            codec,
            quality: Quality::Usual,
            target: &target,
            threads: NonZeroUsize::MIN,
            hardware: None,
        })
    }

    #[test]
    fn a_trial_of_what_works_passes() {
        for codec in [ProxyCodec::H264Intra, ProxyCodec::H264Gop] {
            let tried = with_job(codec, encode_and_decode);
            assert_eq!(tried, Ok(()), "{codec}");
        }
    }

    #[test]
    fn hardware_that_does_not_work_is_told_and_software_taken() {
        let long = MediaSpan::from_secs(3_600);
        for hardware in Hardware::all() {
            let choice = EncoderChoice::Hardware(hardware);
            let chosen = with_job(ProxyCodec::H264Intra, |job| choose(choice, long, job));
            if let Some(found) = chosen.hardware {
                assert_eq!((found, chosen.reason), (hardware, None));
            } else {
                let reason = chosen.reason.unwrap();
                assert!(reason.starts_with(hardware.name()), "{reason}");
            }
            let of_jpeg = with_job(ProxyCodec::Mjpeg, |job| choose(choice, long, job));
            assert_eq!(of_jpeg.hardware, None);
            assert!(of_jpeg.reason.unwrap().contains("mjpeg"));
        }
        let short = MediaSpan::from_secs(60);
        for (choice, duration) in [
            (EncoderChoice::Auto, short),
            (EncoderChoice::Software, long),
        ] {
            let chosen = with_job(ProxyCodec::H264Intra, |job| choose(choice, duration, job));
            assert_eq!(chosen, ChosenEncoder::default());
        }
        let auto = with_job(ProxyCodec::H264Intra, |job| {
            choose(EncoderChoice::Auto, long, job)
        });
        assert_eq!(auto.reason, None, "nobody asked for hardware");
    }
}

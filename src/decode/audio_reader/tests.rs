use std::path::PathBuf;

use ffmpeg::format::Sample;
use ffmpeg::format::sample::Type;

use super::*;

const RATE: u32 = 48_000;

/// Sample `n` of the signal that files are made of: two sweeps, different left and right, so that every
/// place sounds different.
fn signal(n: i64, channel: usize) -> f32 {
    let t = n as f64 / f64::from(RATE);
    let up = (std::f64::consts::TAU * (200.0 * t + 150.0 * t * t)).sin();
    let down = (std::f64::consts::TAU * (3_100.0 * t - 90.0 * t * t)).sin();
    let (a, b) = if channel == 0 { (0.5, 0.1) } else { (0.1, 0.4) };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "samples are single precision"
    )]
    let value = (up * a + down * b) as f32;
    value
}

/// A file that is encoded in-process.
struct Recipe {
    encoder: &'static str,
    sample: Sample,
    extension: &'static str,
    seconds: i64,
    /// Samples whose packets are left out.
    gap: std::ops::Range<i64>,
}

const PCM: Recipe = Recipe {
    encoder: "pcm_s16le",
    sample: Sample::I16(Type::Packed),
    extension: "wav",
    seconds: 8,
    gap: 0..0,
};

impl Recipe {
    /// Encodes the signal, stereo at 48 kHz, into `folder`.
    fn write(&self, folder: &Path) -> PathBuf {
        ffmpeg::init().unwrap();
        let path = folder.join(format!("{}.{}", self.encoder, self.extension));
        let mut file = ffmpeg::format::output(&path).unwrap();
        let codec = ffmpeg::encoder::find_by_name(self.encoder).expect("FFmpeg lacks an encoder");
        let context = ffmpeg::codec::context::Context::new_with_codec(codec);
        let mut encoder = context.encoder().audio().unwrap();
        let base = ffmpeg::Rational(1, RATE.cast_signed());
        encoder.set_rate(RATE.cast_signed());
        encoder.set_channel_layout(ffmpeg::ChannelLayout::STEREO);
        encoder.set_format(self.sample);
        encoder.set_bit_rate(192_000);
        encoder.set_time_base(base);
        if file
            .format()
            .flags()
            .contains(ffmpeg::format::flag::Flags::GLOBAL_HEADER)
        {
            encoder.set_flags(ffmpeg::codec::flag::Flags::GLOBAL_HEADER);
        }
        let mut encoder = encoder.open_as(codec).unwrap();
        let mut stream = file.add_stream(codec).unwrap();
        stream.set_time_base(base);
        stream.set_parameters(&encoder);
        file.write_header().unwrap();
        let to = file.stream(0).unwrap().time_base();
        let size = match encoder.frame_size() {
            0 => 1_000,
            size => i64::from(size),
        };
        let end = self.seconds * i64::from(RATE);
        let mut packet = ffmpeg::Packet::empty();
        let mut next = 0;
        while next <= end {
            if next < end {
                encoder
                    .send_frame(&self.frame(next, size.min(end - next)))
                    .unwrap();
            } else {
                encoder.send_eof().unwrap();
            }
            next += size.min((end - next).max(1));
            while encoder.receive_packet(&mut packet).is_ok() {
                if packet.pts().is_some_and(|pts| self.gap.contains(&pts)) {
                    continue;
                }
                packet.set_stream(0);
                packet.rescale_ts(base, to);
                packet.write_interleaved(&mut file).unwrap();
            }
        }
        file.write_trailer().unwrap();
        path
    }

    fn frame(&self, first: i64, count: i64) -> ffmpeg::frame::Audio {
        let samples = usize::try_from(count).unwrap();
        let mut frame =
            ffmpeg::frame::Audio::new(self.sample, samples, ffmpeg::ChannelLayout::STEREO);
        frame.set_rate(RATE);
        frame.set_pts(Some(first));
        #[expect(clippy::cast_possible_truncation, reason = "quantized on purpose")]
        let quantized = |n, channel| (signal(n, channel) * 32_767.0).round() as i16;
        let places = first..first + count;
        match self.sample {
            Sample::I16(Type::Packed) => {
                let values = frame.plane_mut::<(i16, i16)>(0);
                values.iter_mut().zip(places).for_each(|(value, n)| {
                    *value = (quantized(n, 0), quantized(n, 1));
                });
            }
            Sample::F32(Type::Planar) => {
                for channel in 0..2 {
                    let values = frame.plane_mut::<f32>(channel);
                    let places = places.clone();
                    values
                        .iter_mut()
                        .zip(places)
                        .for_each(|(v, n)| *v = signal(n, channel));
                }
            }
            other => panic!("{other:?} is not written here"),
        }
        frame
    }
}

fn open(path: &Path) -> AudioReader {
    AudioReader::open(path, StreamId(0), MediaTime::ZERO).unwrap()
}

/// Reads to the end, or `frames` at least, and checks that chunks follow one another. Answers the first
/// sample's number and all samples.
fn read(reader: &mut AudioReader, frames: usize) -> (i64, Vec<f32>) {
    let mut all: Vec<f32> = Vec::new();
    let mut first = None;
    while all.len() < frames * 2 {
        let AudioRead::Chunk(chunk) = reader.read().unwrap() else {
            break;
        };
        let number = chunk
            .start
            .since_zero()
            .samples_nearest(chunk.samples.format.rate);
        let begin = *first.get_or_insert(number);
        assert_eq!(
            number,
            begin + i64::try_from(all.len() / 2).unwrap(),
            "chunks do not join"
        );
        assert!(chunk.samples.frame_count() > 0);
        all.extend(chunk.samples.interleaved);
    }
    (first.unwrap_or(0), all)
}

/// Signal over error, in dB, of samples that begin with number `first`.
fn snr(first: i64, interleaved: &[f32]) -> f64 {
    let (mut level, mut error) = (1e-12, 1e-12);
    for (n, frame) in (first..).zip(interleaved.as_chunks::<2>().0) {
        for (channel, value) in frame.iter().enumerate() {
            let truth = f64::from(signal(n, channel));
            level += truth * truth;
            error += (f64::from(*value) - truth).powi(2);
        }
    }
    10.0 * (level / error).log10()
}

fn time(number: i64) -> MediaTime {
    MediaTime::ZERO + MediaSpan::from_samples_nearest(number, NonZeroU32::new(RATE).unwrap())
}

/// Numbers of samples to seek to, the same in every run.
fn places(count: usize, below: i64) -> impl Iterator<Item = i64> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        i64::try_from(state >> 2).unwrap() % below
    })
    .take(count)
}

/// Reads the file through, then from many places, and compares both with the signal.
fn assert_exact(recipe: &Recipe, least_db: f64) {
    let folder = tempfile::tempdir().unwrap();
    let path = recipe.write(folder.path());
    let start = open(&path).start();
    let mut reader = AudioReader::open(&path, StreamId(0), start).unwrap();
    let (first, all) = read(&mut reader, usize::MAX / 4);
    let name = format!("{} in {}", recipe.encoder, recipe.extension);
    let length = usize::try_from(recipe.seconds).unwrap() * RATE as usize;
    let body = &all[..length.min(all.len() / 2) * 2 - 9_600];
    let through = snr(first, body);
    println!(
        "{name}: {first}, {} of {length} frames, {through:.1} dB",
        all.len() / 2
    );
    assert!(through > least_db, "{name}: {through} dB");
    assert!(
        all.len() / 2 + 2_500 > length,
        "{name}: only {} frames",
        all.len() / 2
    );
    for place in places(25, (recipe.seconds - 1) * i64::from(RATE)) {
        reader.seek(time(place)).unwrap();
        let (first, some) = read(&mut reader, 6_000);
        assert_eq!(first, place, "{name}: starts elsewhere");
        let found = snr(first, &some);
        assert!(
            found > least_db,
            "{name}: {found} dB after a seek to {place}"
        );
    }
    assert_eq!(reader.damaged_packets(), 0);
}

#[test]
fn lossless_sound_is_exact_to_the_sample() {
    assert_exact(&PCM, 80.0);
    assert_exact(
        &Recipe {
            extension: "mov",
            ..PCM
        },
        80.0,
    );
    assert_exact(
        &Recipe {
            extension: "nut",
            ..PCM
        },
        80.0,
    );
    assert_exact(
        &Recipe {
            encoder: "flac",
            extension: "flac",
            ..PCM
        },
        80.0,
    );
}

#[test]
fn compressed_sound_is_in_place_without_its_priming() {
    let planar = Sample::F32(Type::Planar);
    assert_exact(
        &Recipe {
            encoder: "aac",
            sample: planar,
            extension: "mp4",
            ..PCM
        },
        20.0,
    );
    assert_exact(
        &Recipe {
            encoder: "libmp3lame",
            sample: planar,
            extension: "mp3",
            ..PCM
        },
        20.0,
    );
    assert_exact(
        &Recipe {
            encoder: "ac3",
            sample: planar,
            extension: "mp4",
            ..PCM
        },
        20.0,
    );
    assert_exact(
        &Recipe {
            encoder: "libopus",
            extension: "ogg",
            ..PCM
        },
        15.0,
    );
}

#[test]
fn rounded_time_stamps_join_without_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let path = Recipe {
        extension: "mkv",
        ..PCM
    }
    .write(folder.path());
    let (first, all) = read(&mut open(&path), usize::MAX / 4);
    assert_eq!((first, all.len()), (0, 8 * RATE as usize * 2));
    assert!(snr(0, &all) > 80.0);
}

#[test]
fn gaps_become_silence() {
    let folder = tempfile::tempdir().unwrap();
    let gap = 96_000..240_000;
    let path = Recipe {
        extension: "nut",
        gap: gap.clone(),
        ..PCM
    }
    .write(folder.path());
    let mut reader = open(&path);
    let (first, all) = read(&mut reader, usize::MAX / 4);
    assert_eq!((first, all.len()), (0, 8 * RATE as usize * 2));
    assert!(snr(0, &all[..2 * 96_000]) > 80.0);
    assert!(
        all[2 * 96_000..2 * 240_000]
            .iter()
            .all(|value| *value == 0.0)
    );
    assert!(snr(240_000, &all[2 * 240_000..]) > 80.0);
    // A seek into the gap starts with the rest of it.
    reader.seek(time(239_000)).unwrap();
    let (first, some) = read(&mut reader, 2_000);
    assert_eq!(first, 239_000);
    assert!(some[..2 * 1_000].iter().all(|value| *value == 0.0));
    assert!(snr(240_000, &some[2 * 1_000..]) > 80.0);
}

#[test]
fn seeks_outside_the_stream_give_silence_and_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = PCM.write(folder.path());
    let mut reader = open(&path);
    reader.seek(time(-1_000)).unwrap();
    let (first, some) = read(&mut reader, 3_000);
    assert_eq!(first, -1_000);
    assert!(some[..2 * 1_000].iter().all(|value| *value == 0.0));
    assert!(snr(0, &some[2 * 1_000..]) > 80.0);
    reader.seek(time(100 * i64::from(RATE))).unwrap();
    assert_eq!(reader.read(), Ok(AudioRead::End));
    reader.seek(time(5)).unwrap();
    assert_eq!(read(&mut reader, 10).0, 5);
}

#[test]
fn media_time_counts_from_the_time_zero_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = PCM.write(folder.path());
    let mut reader = AudioReader::open(&path, StreamId(0), time(480)).unwrap();
    assert_eq!(reader.start(), time(-480));
    let (first, some) = read(&mut reader, 1_000);
    assert_eq!(first, -480);
    assert!(snr(0, &some) > 80.0);
    reader.seek(time(1_000)).unwrap();
    let (first, some) = read(&mut reader, 1_000);
    assert_eq!(first, 1_000);
    assert!(snr(1_480, &some) > 80.0);
}

#[test]
fn damage_becomes_silence_and_time_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = Recipe {
        encoder: "flac",
        extension: "mkv",
        sample: Sample::I16(Type::Packed),
        ..PCM
    };
    let path = recipe.write(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    // Single bits here and there, so that packets are found but do not decode.
    for n in 0..40 {
        bytes[middle + n * 997] ^= 0x55;
    }
    std::fs::write(&path, bytes).unwrap();
    let mut reader = open(&path);
    let (first, all) = read(&mut reader, usize::MAX / 4);
    assert!(reader.damaged_packets() > 0, "nothing was damaged");
    assert_eq!((first, all.len()), (0, 8 * RATE as usize * 2));
    assert!(
        all.as_chunks::<96>()
            .0
            .iter()
            .any(|part| part.iter().all(|value| *value == 0.0))
    );
    let tail = 7 * RATE as usize;
    assert!(
        snr(7 * i64::from(RATE), &all[2 * tail..]) > 80.0,
        "the end has moved"
    );
}

#[test]
fn other_streams_and_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = PCM.write(folder.path());
    let missing = AudioReader::open(&path, StreamId(1), MediaTime::ZERO);
    assert!(matches!(missing, Err(AudioReadError::NotSound(_, 1))));
    let nothing = AudioReader::open(
        &folder.path().join("none.wav"),
        StreamId(0),
        MediaTime::ZERO,
    );
    assert!(matches!(nothing, Err(AudioReadError::Open(_))));
}

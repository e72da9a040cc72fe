//! Real files from many cameras and tools: each plays as its catalogue row says, or is refused with a
//! reason.
//!
//! Optional: it runs where `JOGWHEEL_TEST_MEDIA` names a folder with a `CATALOGUE.tsv`, whose rows were
//! written with other tools. Where the two differ for good reason, [`ODDITIES`] says which and why.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::fmt::Write as _;

use jogwheel::convert::{ConvertJob, CpuConverter};
use jogwheel::decode::{AudioRead, AudioReader, Input, Picture, media_info, require_playable};
use jogwheel::media::{
    AudioStream, ColorRange, MatrixCoefficients, MediaInfo, Primaries, Size, TransferFunction,
    VideoStream,
};
use jogwheel::time::{FrameIndex, MediaSpan, MediaTime};

use crate::catalogue::{ODDITIES, Odd, Row, folder, rows};
use crate::deck::Deck;

/// Frames played from the start.
const PLAYED: i64 = 60;

/// The same of JPEG 2000 at 4K, which takes a second a frame.
const SLOW_PLAYED: i64 = 4;

/// Seconds of sound that are decoded.
const HEARD_SECS: i64 = 3;

/// What is wrong with a file, one line each.
fn faults_of(row: &Row) -> Vec<String> {
    let mut faults = Vec::new();
    let refusal = match Input::open(&row.path) {
        Err(error) => Some(error.to_string()),
        Ok(input) => require_playable(&media_info(&input))
            .err()
            .map(|error| error.to_string()),
    };
    let expected = row.odd().find_map(|odd| match odd {
        Odd::Refused(reason) => Some(reason),
        _ => None,
    });
    match (refusal, expected) {
        (Some(reason), Some(expected)) => {
            if !reason.contains(expected) {
                faults.push(format!("refused, but for another reason: {reason}"));
            }
            return faults;
        }
        (Some(reason), None) => return vec![format!("refused: {reason}")],
        (None, Some(_)) => faults.push("it should be refused, and opens".to_owned()),
        (None, None) => {}
    }
    let info = media_info(&Input::open(&row.path).unwrap());
    if let Some(stream) = info.default_video() {
        check_description(row, stream, &mut faults);
        if let Err(fault) = play(row, &mut faults) {
            faults.push(fault);
        }
    } else if row.size.is_some() && !row.is(Odd::Nothing) {
        faults.push("it has no picture".to_owned());
    }
    match (row.sound(), info.default_audio()) {
        (Some(expected), Some(stream)) => listen(row, &info, stream, expected, &mut faults),
        (Some(_), None) => faults.push("it has no sound".to_owned()),
        (None, Some(_)) => faults.push("it has sound".to_owned()),
        (None, None) => {}
    }
    faults
}

/// Compares size, format, rate, turn, aspect and colour with the row.
fn check_description(row: &Row, stream: &VideoStream, faults: &mut Vec<String>) {
    let mut same = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            faults.push(format!("{what} is {ours}, not {theirs}"));
        }
    };
    if let Some(size) = row.size {
        same("the size", stream.size.to_string(), size.to_string());
    }
    if row.format != "unknown" && !row.format.is_empty() {
        let format = row.odd().find_map(|odd| match odd {
            Odd::Format(format) => Some(format),
            _ => None,
        });
        same(
            "the format",
            stream.source_format.clone(),
            format.unwrap_or(&row.format).to_owned(),
        );
    }
    let (num, den) = row.sample_aspect();
    let aspect = stream.sample_aspect;
    same(
        "the aspect",
        format!("{}:{}", aspect.num, aspect.den),
        format!("{num}:{den}"),
    );
    same(
        "the turn",
        format!("{:?}", stream.orientation),
        format!("{:?}", row.orientation()),
    );
    let rate = row.odd().find_map(|odd| match odd {
        Odd::Rate(num, den) => Some(f64::from(num) / f64::from(den)),
        _ => row.rate,
    });
    if let Some(rate) = rate.or(row.rate).filter(|_| !stream.is_still) {
        // The row's may be a mean that the last frame's length pulls a little.
        if (stream.rate.as_f64() / rate - 1.0).abs() > 0.002 {
            same(
                "the rate",
                stream.rate.as_f64().to_string(),
                rate.to_string(),
            );
        }
    }
    let color = stream.color;
    for (stated, ours, theirs) in [
        (
            &row.color[0],
            format!("{:?}", color.range),
            format!("{:?}", range_named(&row.color[0])),
        ),
        (
            &row.color[1],
            format!("{:?}", color.matrix),
            format!("{:?}", matrix_named(&row.color[1])),
        ),
        (
            &row.color[2],
            format!("{:?}", color.primaries),
            format!("{:?}", primaries_named(&row.color[2])),
        ),
        (
            &row.color[3],
            format!("{:?}", color.transfer),
            format!("{:?}", transfer_named(&row.color[3])),
        ),
    ] {
        if stated != "-" && !stated.is_empty() {
            same("the colour", ours, theirs);
        }
    }
}

fn range_named(name: &str) -> ColorRange {
    if name == "pc" {
        ColorRange::Full
    } else {
        ColorRange::Limited
    }
}

fn matrix_named(name: &str) -> MatrixCoefficients {
    match name {
        "gbr" => MatrixCoefficients::Identity,
        "bt709" | "-" => MatrixCoefficients::Bt709,
        "smpte170m" | "bt470bg" => MatrixCoefficients::Bt601,
        "bt2020nc" => MatrixCoefficients::Bt2020,
        name => panic!("a matrix {name}"),
    }
}

fn primaries_named(name: &str) -> Primaries {
    match name {
        "bt709" | "-" => Primaries::Bt709,
        "smpte170m" => Primaries::Bt601Ntsc,
        "bt470bg" => Primaries::Bt601Pal,
        "bt2020" => Primaries::Bt2020,
        "smpte432" => Primaries::DisplayP3,
        name => panic!("primaries {name}"),
    }
}

fn transfer_named(name: &str) -> TransferFunction {
    match name {
        "bt709" | "smpte170m" | "-" => TransferFunction::Bt1886,
        "iec61966-2-1" => TransferFunction::Srgb,
        "smpte2084" => TransferFunction::Pq,
        "arib-std-b67" => TransferFunction::Hlg,
        name => panic!("a transfer {name}"),
    }
}

/// Plays the first frames, then the middle one, then the last.
fn play(row: &Row, faults: &mut Vec<String>) -> Result<(), String> {
    let mut deck = Deck::open(&row.path)?;
    let (size, format) = (deck.stream.size, deck.stream.format);
    let mut converter = CpuConverter::new(2);
    let (mut delivered, mut missing) = (0, 0);
    let expected_missing = row.odd().find_map(|odd| match odd {
        Odd::Missing(count) => Some(count),
        _ => None,
    });
    if expected_missing.is_some() {
        // Before the index is there, pictures are numbered by counting, and none is missed.
        deck.index()?;
    }
    deck.plan(0);
    let mut ended = false;
    for wanted in 0..if row.codec == "jpeg2000" {
        SLOW_PLAYED
    } else {
        PLAYED
    } {
        let Some(frame) = deck.next()? else {
            ended = true;
            break;
        };
        if frame.index != FrameIndex(wanted) {
            return Err(format!("frame {} came for {wanted}", frame.index.0));
        }
        let Picture::Frame(picture) = frame.picture else {
            missing += 1;
            continue;
        };
        delivered += 1;
        if (picture.size, picture.format) != (size, format) && !row.is(Odd::Changing) {
            faults.push(format!(
                "frame {wanted} is {} {}",
                picture.size, picture.format
            ));
        }
        // A small picture, turned as shown: it is made at all.
        let out = deck.stream.orientation.apply(Size::new(64, 36).unwrap());
        let job = ConvertJob {
            out,
            orientation: deck.stream.orientation,
        };
        let mut rgba = vec![0; 64 * 36 * 4];
        converter
            .convert(&picture, &job, &mut rgba, out.width() as usize * 4)
            .map_err(|error| error.to_string())?;
    }
    let len = deck.index()?.len();
    if ended && len != delivered + missing {
        faults.push(format!("{} frames played of {len}", delivered + missing));
    }
    if delivered == 0 || missing != expected_missing.unwrap_or(0) {
        faults.push(format!(
            "{missing} of {} pictures are missing",
            delivered + missing
        ));
    }
    let frames = row.odd().find_map(|odd| match odd {
        Odd::Frames(frames) => Some(frames),
        _ => None,
    });
    match (frames, row.seconds, row.rate) {
        (Some(frames), ..) if len != frames => faults.push(format!("{len} frames, not {frames}")),
        (None, Some(seconds), Some(rate)) => {
            // The length is that of the longest stream.
            let counted = seconds * rate;
            if (len as f64 - counted).abs() > 2.0 + counted * 0.02 {
                faults.push(format!(
                    "{len} frames, where length and rate make {counted:.1}"
                ));
            }
        }
        _ => {}
    }
    if len == 0 {
        return Err("its index is empty".to_owned());
    }
    for target in [len / 2, len - 1] {
        if let Err(fault) = deck.frame(target) {
            faults.push(format!("seeking: {fault}"));
        }
    }
    deck.plan(len - 1);
    deck.next()?;
    if let Some(frame) = deck.next()? {
        faults.push(format!("frame {} follows the last one", frame.index.0));
    }
    Ok(())
}

/// Decodes the beginning of the sound.
fn listen(
    row: &Row,
    info: &MediaInfo,
    stream: &AudioStream,
    (channels, rate): (usize, u32),
    faults: &mut Vec<String>,
) {
    let found = (stream.format.layout.count(), stream.format.rate.get());
    if found != (channels, rate) {
        faults.push(format!(
            "the sound has {found:?} channels and rate, not {:?}",
            (channels, rate)
        ));
    }
    let zero = info
        .default_video()
        .map_or(stream.start, |video| video.start);
    let mut reader = match AudioReader::open(&row.path, stream.id, zero) {
        Ok(reader) => reader,
        Err(error) => return faults.push(format!("its sound cannot be opened: {error}")),
    };
    let mut end = MediaTime::ZERO;
    let mut loudest = 0f32;
    loop {
        match reader.read() {
            Ok(AudioRead::Chunk(chunk)) => {
                let format = &chunk.samples.format;
                if (format.layout.count(), format.rate.get()) != (channels, rate) {
                    faults.push(format!("samples have {} channels", format.layout.count()));
                    return;
                }
                let peak = chunk
                    .samples
                    .interleaved
                    .iter()
                    .fold(0f32, |peak, s| peak.max(s.abs()));
                if !peak.is_finite() {
                    faults.push("a sample is not a number".to_owned());
                }
                loudest = loudest.max(peak);
                let count = i64::try_from(chunk.samples.frame_count()).unwrap();
                end = chunk.start + MediaSpan::from_samples_nearest(count, format.rate);
                if end.since_zero() >= MediaSpan::from_secs(HEARD_SECS) {
                    break;
                }
            }
            Ok(AudioRead::End) => break,
            Err(error) => return faults.push(format!("reading its sound: {error}")),
        }
    }
    let least = row
        .seconds
        .map_or(0.5, |seconds| (seconds * 0.9 - 0.1).min(HEARD_SECS as f64));
    if row.is(Odd::Nothing) {
        if reader.damaged_packets() == 0 || end != MediaTime::ZERO {
            faults.push("its sound is not all damaged".to_owned());
        }
        return;
    }
    if end.as_secs_f64() < least && !row.is(Odd::ShortSound) {
        faults.push(format!("its sound ends at {:.3} s", end.as_secs_f64()));
    }
    if reader.damaged_packets() > 0 {
        faults.push(format!(
            "{} packets of sound are damaged",
            reader.damaged_packets()
        ));
    }
    if loudest > 4.0 {
        faults.push(format!("its sound peaks at {loudest}"));
    }
}

#[test]
fn every_catalogued_file_plays_as_its_row_says() {
    let Some(folder) = folder("catalogue_play::every_catalogued_file_plays_as_its_row_says") else {
        return;
    };
    let rows = rows(&folder);
    for (name, _, why) in ODDITIES {
        assert!(
            rows.iter().any(|row| row.name == *name),
            "the catalogue has no {name} ({why})"
        );
    }
    let mut report = String::new();
    for row in &rows {
        // One bad file must not hide the others.
        let faults = std::panic::catch_unwind(|| faults_of(row))
            .unwrap_or_else(|_| vec!["it panics".to_owned()]);
        for fault in faults {
            writeln!(report, "{}: {fault}", row.name).unwrap();
        }
    }
    assert!(report.is_empty(), "not as catalogued:\n{report}");
}

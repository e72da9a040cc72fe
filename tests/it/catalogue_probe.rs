//! What `probe` says of real files, against a catalogue that was written with other tools.
//!
//! Optional: it runs where `JOGWHEEL_TEST_MEDIA` names a folder with a `CATALOGUE.tsv`, whose columns are
//! path, origin, licence, codec, w, h, `pix_fmt`, fps, colour, duration, bytes, hash and a remark.

use std::path::Path;

use jogwheel::decode::{self, OpenError};
use jogwheel::media::{MediaInfo, Orientation, VideoStream};

/// Where probing knows better than the catalogue, which repeats what FFmpeg's tools print.
const BETTER: &[(&str, &str, &str)] = &[
    // The alpha channel lies in a stream of its own, which FFmpeg's VP9 decoder ignores.
    ("moviepy/transparent.webm", "pixel format", "yuva420p"),
    // The last frame is stated too long, so the average is off; the time stamps keep to 29.97.
    ("androidx-media/bt601.mov", "rate", "30000/1001"),
    // Time stamps jitter around the rate that the camera ran at.
    ("androidx-media/hlg10-color-test.mp4", "rate", "30/1"),
    ("androidx-media/portrait_4k60.mp4", "rate", "60/1"),
    // 29.97 as an old container rounds it.
    (
        "libwebm/block_ends_beyond_cluster.mkv",
        "rate",
        "30000/1001",
    ),
    // FFmpeg turns a mirror into an angle.
    (
        "gpuweb-cts/four-colors-h264-bt601-hflip.mp4",
        "orientation",
        "mirrored, 0",
    ),
];

struct Row<'a> {
    path: &'a str,
    codec: &'a str,
    size: (&'a str, &'a str),
    pixel_format: &'a str,
    rate: &'a str,
    remark: &'a str,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Self {
        let columns: Vec<&str> = line.split('\t').collect();
        Self {
            path: columns[0],
            codec: columns[3],
            size: (columns[4], columns[5]),
            pixel_format: columns[6],
            rate: columns[7],
            remark: columns[12],
        }
    }

    /// Timelines, tables and other files that are no media.
    fn is_media(&self) -> bool {
        !["timeline/", "lut/"]
            .iter()
            .any(|kind| self.codec.starts_with(kind))
    }

    /// The number after a word in the part of the remark that a tool wrote.
    fn number_after(&self, word: &str) -> Option<f64> {
        let facts = self.remark.rsplit(" | ").next()?;
        let fact = facts.split(", ").find_map(|fact| fact.strip_prefix(word))?;
        fact.trim().parse().ok()
    }

    /// What is wrong with a fact, if anything.
    fn check(&self, fact: &str, expected: &str, found: &str) -> Option<String> {
        let better = BETTER
            .iter()
            .find(|(path, name, _)| *path == self.path && *name == fact);
        let expected = better.map_or(expected, |(_, _, better)| better);
        (expected != found).then(|| format!("{}: {fact} {found}, not {expected}", self.path))
    }
}

fn orientation_text(orientation: Orientation) -> String {
    let mirrored = if orientation.is_mirrored() {
        "mirrored, "
    } else {
        ""
    };
    format!("{mirrored}{}", u32::from(orientation.quarter_turns()) * 90)
}

fn check_video(row: &Row<'_>, video: &VideoStream) -> Vec<String> {
    let codec = row.codec.split(['(', '+']).next().unwrap_or_default();
    let codec = codec.strip_prefix("image/").unwrap_or(codec);
    let size = format!("{}x{}", row.size.0, row.size.1);
    let rate = format!("{}/{}", video.rate.num(), video.rate.den());
    // FFmpeg counts angles the other way round.
    let turn = row
        .number_after("rotation ")
        .map_or(0.0, |angle| (360.0 - angle) % 360.0);
    let start = row.number_after("start ").unwrap_or(0.0);
    let mut wrong = vec![
        row.check("codec", codec, &video.codec),
        row.check("size", &size, &video.size.to_string()),
        row.check("pixel format", row.pixel_format, &video.source_format),
        row.check(
            "orientation",
            &format!("{turn}"),
            &orientation_text(video.orientation),
        ),
    ];
    if video.is_still {
        wrong.push(row.check("is a picture", "true", &codec.eq("png").to_string()));
    } else {
        wrong.push(row.check("rate", row.rate, &rate));
    }
    if let Some(aspect) = row
        .remark
        .split("SAR ")
        .last()
        .filter(|_| row.remark.contains("SAR "))
    {
        let aspect = aspect.split([',', '"']).next().unwrap_or_default();
        let found = format!("{}:{}", video.sample_aspect.num, video.sample_aspect.den);
        wrong.push(row.check("sample aspect", aspect, &found));
    }
    let error = video.start.as_secs_f64() - start;
    if error.abs() > 1e-5 {
        wrong.push(Some(format!("{}: starts {error} s off", row.path)));
    }
    wrong.into_iter().flatten().collect()
}

fn check_info(row: &Row<'_>, info: &MediaInfo) -> Vec<String> {
    let mut wrong = Vec::new();
    match (info.default_video(), row.pixel_format) {
        // Nothing in them can be decoded, which must be said.
        (None, "unknown") => {
            if !info
                .other
                .iter()
                .any(|other| other.kind == "video" && !other.reason.is_empty())
            {
                wrong.push(format!(
                    "{}: no reason why its video is not played",
                    row.path
                ));
            }
        }
        (None, "") => {}
        (None, _) => wrong.push(format!("{}: no video found: {:?}", row.path, info.other)),
        (Some(video), _) => wrong.extend(check_video(row, video)),
    }
    // `h264(High)+aac[2ch@48000]`, `pcm_s24le[6ch@48000]`
    let sound = row.codec.split('+').find_map(|part| part.split_once('['));
    let expected = sound.map(|(codec, format)| format!("{codec}[{format}"));
    let found = info.default_audio().map(|audio| {
        let format = &audio.format;
        format!(
            "{}[{}ch@{}]",
            audio.codec,
            format.layout.count(),
            format.rate
        )
    });
    if expected != found {
        wrong.push(format!("{}: audio {found:?}, not {expected:?}", row.path));
    }
    wrong
}

#[test]
fn probing_agrees_with_the_catalogue() {
    let Some(folder) = std::env::var_os("JOGWHEEL_TEST_MEDIA") else {
        println!("skipped: JOGWHEEL_TEST_MEDIA is not set");
        return;
    };
    let folder = Path::new(&folder);
    let catalogue = std::fs::read_to_string(folder.join("CATALOGUE.tsv")).unwrap();
    let (mut media, mut refused, mut wrong) = (0, 0, Vec::new());
    for row in catalogue.lines().skip(1).map(Row::read) {
        // A pattern for numbered files, which are timelines' business.
        if row.codec.ends_with("image sequence") {
            continue;
        }
        match decode::probe(&folder.join(row.path)) {
            Ok(info) if row.is_media() => {
                media += 1;
                wrong.extend(check_info(&row, &info));
            }
            Err(OpenError::Playlist(..) | OpenError::Unrecognized(..)) if !row.is_media() => {
                refused += 1;
            }
            Ok(_) => wrong.push(format!("{}: opened, and is no media", row.path)),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {media} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(media > 0 && refused > 0, "the catalogue has both");
}

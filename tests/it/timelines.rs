//! Timelines of the folder of real files, against what OpenTimelineIO makes of them.
//!
//! `OTIO-EXPECTED.tsv` holds what it answered once; the range of every clip is asked of it anew, by
//! `scripts/lib/otio_ranges.py` in the environment that `scripts/test` makes and names in
//! `JOGWHEEL_TEST_OTIO_PYTHON`. Both tests are optional, as `catalogue_play` is.

use std::path::{Path, PathBuf};
use std::process::Command;

use jogwheel::time::FLICKS_PER_SECOND;
use jogwheel::timeline::import::bundle::read_bundle;
use jogwheel::timeline::import::{ImportError, ImportOptions, Imported, read_otio_bytes};
use jogwheel::timeline::{Child, Item, ItemKind, TimeRange, TrackKind};
use serde_json::Value;

use crate::catalogue::folder;
use crate::program;

/// Files that OpenTimelineIO 0.18 refuses and that are read here, and why.
const ONLY_READ_HERE: &[(&str, &str)] = &[(
    "opentimelineio/premiere_example.otio",
    "its markers are of the schema Marker.3, which is newer than OpenTimelineIO's",
)];

/// Reads a timeline; `None` for a format that is not read.
fn load(path: &Path) -> Option<Result<Imported, ImportError>> {
    let options = ImportOptions::default();
    match path.extension()?.to_str()? {
        "otio" => Some(read_otio_bytes(
            path,
            std::fs::read(path).unwrap(),
            &options,
        )),
        "otioz" | "otiod" => Some(read_bundle(path, &options)),
        _ => None,
    }
}

/// Flicks of `value` at `rate` a second. A whole number counts frames, and the rate may be an NTSC rate
/// as a float; what is no whole number is meant with the rate as it stands.
fn flicks(value: f64, rate: f64) -> f64 {
    if value.fract() != 0.0 {
        return value * FLICKS_PER_SECOND as f64 / rate;
    }
    let ntsc = [24.0, 30.0, 60.0].map(|nominal: f64| nominal * 1000.0 / 1001.0);
    let exact = ntsc.into_iter().find(|exact| (exact - rate).abs() < 0.005);
    value * FLICKS_PER_SECOND as f64 / exact.unwrap_or(rate)
}

/// Whether they agree but for the last digit of OpenTimelineIO's floats.
fn agree(found: i64, expected: f64) -> bool {
    (found as f64 - expected).abs() <= 1.0 + expected.abs() * 1e-14
}

/// One row of OTIO-EXPECTED.tsv.
struct Expected {
    name: String,
    duration: f64,
    /// Video tracks, audio tracks, clips.
    counts: [usize; 3],
    global_start: Option<f64>,
}

fn expected(folder: &Path) -> Vec<Expected> {
    let text = std::fs::read_to_string(folder.join("OTIO-EXPECTED.tsv")).unwrap();
    let row = |line: &str| {
        let field: Vec<&str> = line.split('\t').collect();
        let number = |text: &str| text.trim().parse::<f64>().unwrap();
        let start = field[6].strip_prefix("RationalTime(").map(|start| {
            let (value, rate) = start.trim_end_matches(')').split_once(',').unwrap();
            flicks(number(value), number(rate))
        });
        Expected {
            name: field[0].to_owned(),
            duration: flicks(number(field[1]), number(field[2])),
            counts: std::array::from_fn(|column| field[3 + column].parse().unwrap()),
            global_start: start,
        }
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn timelines_are_as_long_and_as_wide_as_opentimelineio_says() {
    let Some(folder) =
        folder("timelines::timelines_are_as_long_and_as_wide_as_opentimelineio_says")
    else {
        return;
    };
    let (mut compared, mut wrong) = (0, Vec::new());
    for row in expected(&folder) {
        let Some(read) = load(&folder.join(&row.name)) else {
            continue;
        };
        compared += 1;
        let timeline = match read {
            Ok(imported) => imported.timeline,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        let counts = [
            timeline.track_count(TrackKind::Video),
            timeline.track_count(TrackKind::Audio),
            timeline.clip_count(),
        ];
        let start = timeline
            .global_start
            .map(|start| start.since_zero().flicks());
        let starts_agree = match (start, row.global_start) {
            (Some(start), Some(expected)) => agree(start, expected),
            (start, expected) => start.is_none() && expected.is_none(),
        };
        if !agree(timeline.duration().flicks(), row.duration)
            || counts != row.counts
            || !starts_agree
        {
            wrong.push(format!(
                "{}: {:?}, counts {counts:?}, start {start:?}; expected {} flicks, {:?}, {:?}",
                row.name,
                timeline.duration(),
                row.duration,
                row.counts,
                row.global_start
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 30, "{compared} timelines were compared");
}

/// Names and ranges of all clips, in order on all levels.
fn clips(item: &Item, found: &mut Vec<(String, TimeRange, TimeRange)>) {
    for placed in item.placed_children() {
        let Child::Item(child) = placed.child else {
            continue;
        };
        match child.kind {
            ItemKind::Clip(_) => {
                found.push((child.name.to_string(), placed.range, child.trimmed_range()));
            }
            ItemKind::Gap => {}
            ItemKind::Composition(_) => clips(child, found),
        }
    }
}

/// Whether a range is the one that OpenTimelineIO wrote as [start, rate, duration, rate].
fn is_range(found: TimeRange, expected: &Value) -> bool {
    let number = |index: usize| expected[index].as_f64().unwrap();
    agree(
        found.start.since_zero().flicks(),
        flicks(number(0), number(1)),
    ) && agree(found.duration.flicks(), flicks(number(2), number(3)))
}

/// All timelines below `folder` that are read.
fn timelines(folder: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(folder.join("CATALOGUE.tsv")).unwrap();
    let names = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split('\t').next());
    names
        .map(|name| folder.join(name))
        .filter(|path| {
            path.extension()
                .is_some_and(|end| end == "otio" || end == "otioz")
        })
        .collect()
}

#[test]
fn clips_have_the_ranges_that_opentimelineio_gives_them() {
    const NAME: &str = "timelines::clips_have_the_ranges_that_opentimelineio_gives_them";
    let Some(folder) = folder(NAME) else {
        return;
    };
    let Some(python) = std::env::var_os("JOGWHEEL_TEST_OTIO_PYTHON") else {
        program::skip(NAME, "JOGWHEEL_TEST_OTIO_PYTHON is not set");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/lib/otio_ranges.py");
    let output = Command::new(python)
        .arg(script)
        .args(timelines(&folder))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let (mut compared, mut wrong, mut refused) = (0, Vec::new(), Vec::new());
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let reference: Value = serde_json::from_str(line).unwrap();
        let path = Path::new(reference["file"].as_str().unwrap());
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        let imported = load(path).unwrap().unwrap();
        let has_picture = imported.timeline.track_count(TrackKind::Video) > 0;
        assert!(
            !(has_picture && is_guessed(&imported)),
            "{name}: no rate was found"
        );
        let Some(expected) = reference["clips"].as_array() else {
            refused.push(name);
            continue;
        };
        let mut found = Vec::new();
        clips(&imported.timeline.root, &mut found);
        if found.len() != expected.len() {
            wrong.push(format!(
                "{name}: {} clips, not {}",
                found.len(),
                expected.len()
            ));
            continue;
        }
        for ((clip, in_parent, trimmed), expected) in found.into_iter().zip(expected) {
            compared += 1;
            if clip != expected["name"].as_str().unwrap_or_default()
                || !is_range(in_parent, &expected["in_parent"])
                || !is_range(trimmed, &expected["trimmed"])
            {
                wrong.push(format!(
                    "{name}: {clip}: {in_parent:?} {trimmed:?}, not {expected}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let listed: Vec<&str> = ONLY_READ_HERE.iter().map(|(name, _)| *name).collect();
    assert_eq!(refused, listed, "files that OpenTimelineIO refuses");
    assert!(compared >= 150, "{compared} clips were compared");
}

/// Whether the rate had to be guessed.
fn is_guessed(imported: &Imported) -> bool {
    let mut notes = imported.notes.iter();
    notes.any(|note| note.text.contains("no frame rate"))
}

//! What loading a timeline costs: reading the file, building the model, and the range of every clip.
//!
//! Beside Criterion's own options:
//!
//!   --write FILE SHOTS   writes an edit of so many shots, the same at each run, and ends
//!   --load FILE TIMES    loads FILE so often, prints the milliseconds of each run, and ends
//!
//! `scripts/bench-timeline` uses both.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput};
use jogwheel::time::{Clock as _, MediaSpan, RealClock};
use jogwheel::timeline::import::{ImportOptions, read_otio, read_otio_bytes};
use jogwheel::timeline::{Item, ItemKind};

/// Numbers that look random and are the same everywhere (xorshift64*, Vigna 2016).
struct Seeded(u64);

impl Seeded {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
}

/// The JSON text of an edit of `shots` clips on 4 tracks, as editing programs export it: a media
/// reference and metadata each, now and then a retime, a marker, a gap or a dissolve. About 2.1 kB a
/// shot, indented by 2.
fn edit(shots: u64) -> String {
    let mut seeded = Seeded(0x9e37_79b9_7f4a_7c15);
    let tracks: Vec<String> = (0..4)
        .map(|track| {
            let kind = if track < 2 { "Video" } else { "Audio" };
            let children: Vec<String> = (0..shots)
                .filter(|shot| shot % 4 == track)
                .flat_map(|shot| children(shot, &mut seeded))
                .collect();
            let children = children.join(",");
            format!(
                r#"{{"OTIO_SCHEMA": "Track.1", "metadata": {{}}, "name": "{kind} {track}", "source_range": null,
                "effects": [], "markers": [], "enabled": true, "children": [{children}], "kind": "{kind}"}}"#
            )
        })
        .collect();
    let compact = format!(
        r#"{{"OTIO_SCHEMA": "Timeline.1", "metadata": {{"made_by": "a bench"}}, "name": "{shots} shots",
        "global_start_time": {start}, "tracks": {{"OTIO_SCHEMA": "Stack.1", "metadata": {{}}, "name": "tracks",
        "source_range": null, "effects": [], "markers": [], "enabled": true, "children": [{tracks}]}}}}"#,
        start = time(86_400),
        tracks = tracks.join(","),
    );
    indented(&compact)
}

fn time(frames: u64) -> String {
    format!(r#"{{"OTIO_SCHEMA": "RationalTime.1", "rate": 24.0, "value": {frames}.0}}"#)
}

fn range(start: u64, frames: u64) -> String {
    format!(
        r#"{{"OTIO_SCHEMA": "TimeRange.1", "duration": {}, "start_time": {}}}"#,
        time(frames),
        time(start)
    )
}

/// A clip and what stands before it.
fn children(shot: u64, seeded: &mut Seeded) -> Vec<String> {
    let mut children = Vec::new();
    let item = r#""metadata": {}, "effects": [], "markers": [], "enabled": true"#;
    match seeded.below(10) {
        0 => children.push(format!(
            r#"{{"OTIO_SCHEMA": "Gap.1", {item}, "name": "", "source_range": {}}}"#,
            range(0, 1 + seeded.below(48))
        )),
        1 => children.push(format!(
            r#"{{"OTIO_SCHEMA": "Transition.1", "metadata": {{}}, "name": "Cross Dissolve", "in_offset": {0},
            "out_offset": {0}, "transition_type": "SMPTE_Dissolve"}}"#,
            time(1 + seeded.below(12))
        )),
        _ => {}
    }
    children.push(clip(shot, seeded));
    children
}

fn clip(shot: u64, seeded: &mut Seeded) -> String {
    let start = 86_400 + seeded.below(100_000);
    let (head, length) = (seeded.below(200), 12 + seeded.below(240));
    let available = range(start, head + length + seeded.below(200));
    let effects = match seeded.below(10) {
        0 => {
            r#"{"OTIO_SCHEMA": "LinearTimeWarp.1", "metadata": {}, "name": "retime", "effect_name": "LinearTimeWarp", "time_scalar": 1.25}"#
        }
        _ => "",
    };
    let markers = match seeded.below(10) {
        0 => format!(
            r#"{{"OTIO_SCHEMA": "Marker.2", "metadata": {{}}, "name": "note", "color": "RED", "marked_range": {}, "comment": ""}}"#,
            range(start + head, 1)
        ),
        _ => String::new(),
    };
    let media = format!(
        r#"{{"OTIO_SCHEMA": "ExternalReference.1", "metadata": {{}}, "name": "", "available_range": {available},
        "available_image_bounds": null, "target_url": "file:///mnt/show/media/sh{shot:05}_v003.mov"}}"#
    );
    format!(
        r#"{{"OTIO_SCHEMA": "Clip.2", "metadata": {{"shot": {{"department": "comp", "status": "in progress",
        "id": {id}, "cut_in": {cut_in}, "artists": ["a. smith", "b. jones"], "cdl": {{"slope": [1.02, 0.98, 1.0]}}}}}},
        "name": "sh{shot:05}", "source_range": {source}, "effects": [{effects}], "markers": [{markers}],
        "enabled": true, "media_references": {{"DEFAULT_MEDIA": {media}}},
        "active_media_reference_key": "DEFAULT_MEDIA"}}"#,
        id = seeded.below(1_000_000),
        cut_in = start + head,
        source = range(start + head, length),
    )
}

/// `compact` with line breaks and two blanks a level. The strings in it hold no brackets or commas.
fn indented(compact: &str) -> String {
    let mut text = String::with_capacity(compact.len() * 3);
    let mut depth = 0;
    let mut before = ' ';
    for c in compact
        .lines()
        .flat_map(|line| line.trim_start().chars().chain([' ']))
    {
        let is_end = matches!(c, '}' | ']');
        let opens = matches!(before, '{' | '[');
        if c == ' ' && matches!(before, '{' | '[' | ',' | ' ') {
            continue;
        }
        depth -= usize::from(is_end);
        if (opens && !is_end) || before == ',' || (is_end && !opens) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{:width$}", "", width = 2 * depth);
        }
        depth += usize::from(matches!(c, '{' | '['));
        text.push(c);
        before = c;
    }
    text
}

/// Places every clip in its parent and trims it, on all levels; answers how much time they take up.
fn range_all(item: &Item) -> MediaSpan {
    let mut sum = MediaSpan::ZERO;
    for placed in item.placed_children() {
        if let jogwheel::timeline::Child::Item(child) = placed.child {
            match child.kind {
                ItemKind::Clip(_) => {
                    black_box(placed.range);
                    sum += child.trimmed_range().duration;
                }
                ItemKind::Gap | ItemKind::Composition(_) => sum += range_all(child),
            }
        }
    }
    sum
}

/// Reads, parses and ranges a file.
fn load(file: &Path) -> MediaSpan {
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let imported = read_otio_bytes(file, bytes, &ImportOptions::default());
    let imported = imported.unwrap_or_else(|error| panic!("{error}"));
    range_all(&imported.timeline.root)
}

fn criterion_benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("load an OTIO");
    for shots in [2_000_u64, 10_000] {
        let text: Arc<str> = edit(shots).into();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("parse", shots), &text, |b, text| {
            b.iter(|| {
                read_otio(
                    Path::new("a.otio"),
                    Arc::clone(text),
                    &ImportOptions::default(),
                )
            });
        });
        let Ok(imported) = read_otio(Path::new("a.otio"), text, &ImportOptions::default()) else {
            panic!("the edit made for this bench is refused");
        };
        group.bench_with_input(
            BenchmarkId::new("range", shots),
            &imported,
            |b, imported| {
                b.iter(|| range_all(&imported.timeline.root));
            },
        );
    }
    group.finish();
}

#[expect(clippy::print_stdout, reason = "what is measured is read by a script")]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        Some((
            arguments.get(at + 1)?,
            arguments.get(at + 2)?.parse::<u64>().ok()?,
        ))
    };
    if let Some((file, shots)) = option("--write") {
        std::fs::write(file, edit(shots)).unwrap_or_else(|error| panic!("{file}: {error}"));
        return;
    }
    if let Some((file, times)) = option("--load") {
        let clock = RealClock::new();
        for _ in 0..times {
            let began = clock.now();
            black_box(load(Path::new(file)));
            println!("{:.3}", clock.now().since(began).as_secs_f64() * 1e3);
        }
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    criterion_benches(&mut criterion);
    criterion.final_summary();
}

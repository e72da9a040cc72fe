//! The performance panel: whether frames are seen when they should be, and what kept those that
//! were not.

use std::sync::Arc;

use egui::{Align2, Color32, Galley, Pos2, Rect, Stroke, pos2, vec2};

use crate::memory::Pressure;
use crate::playback::PlaybackStatus;
use crate::time::Moment;

use super::canvas::Canvas;
use super::format;
use super::graph;
use super::style;
use super::timeline_view::Facts;
use super::{StageTime, UiInput};

/// Sizes in points.
struct Measures {
    /// Width of a column.
    column: f32,
    /// Between columns, and around them.
    padding: f32,
    /// Around the panel.
    margin: f32,
    /// Height of a line.
    row: f32,
    /// Height of the graph.
    graph: f32,
    /// Width of labels that words follow.
    label: f32,
    /// Air between sections.
    gap: f32,
}

const ROOMY: Measures = Measures {
    column: 284.0,
    padding: 14.0,
    margin: 12.0,
    row: 16.0,
    graph: 64.0,
    label: 74.0,
    gap: 8.0,
};

/// For windows down to 640 by 360 points, where all of it must find its place.
const COMPACT: Measures = Measures {
    column: 198.0,
    padding: 8.0,
    margin: 4.0,
    row: 14.0,
    graph: 46.0,
    label: 62.0,
    gap: 4.0,
};

/// Figures change this often: those that change with each frame cannot be read.
const REFRESH_NANOS: i64 = 250_000_000;

/// A line of the panel, ready to be painted.
enum Line {
    /// The frame rate, large, and what it should be.
    Rate {
        seen: String,
        wanted: String,
        good: bool,
    },
    /// The graph, which is painted from the live figures.
    Graph,
    /// Headings of a table with two columns of numbers.
    Columns(&'static str, &'static str, &'static str),
    /// A stage: its name, latest time and 95th percentile.
    Stage(&'static str, String, String),
    /// Two labels with a number each; the second may be empty.
    Counts([(&'static str, String, Color32); 2]),
    /// A label and words.
    Words(&'static str, String),
    /// A label, a gauge and words.
    Gauge(&'static str, f32, String),
    /// Air.
    Gap,
}

/// Lines that stay together.
struct Section(Vec<Line>);

/// A section with the height of each of its lines.
type Measured<'a> = Vec<(&'a Line, f32)>;

impl Line {
    fn height(&self, canvas: &Canvas<'_>, sizes: &Measures) -> f32 {
        match self {
            Self::Rate { .. } => 26.0,
            Self::Graph => sizes.graph + 4.0,
            Self::Gap => sizes.gap,
            // Names of adapters and devices may take a second row.
            Self::Words(_, words) => {
                let galley = words_galley(canvas, sizes, words);
                if galley.rows.len() > 1 {
                    galley.size().y + 2.0
                } else {
                    sizes.row
                }
            }
            _ => sizes.row,
        }
    }
}

fn words_galley(canvas: &Canvas<'_>, sizes: &Measures, words: &str) -> Arc<Galley> {
    canvas.wrapped(words, style::SMALL, sizes.column - sizes.label, 2)
}

/// The panel and the figures that it shows at present.
#[derive(Default)]
pub(super) struct Performance {
    sections: Vec<Section>,
    taken: Option<Moment>,
    /// Counts the times that figures were taken.
    pub(super) edition: u64,
}

impl Performance {
    /// Takes figures anew when the present ones are old enough.
    pub(super) fn update(&mut self, input: &UiInput<'_>, timeline: Option<&Facts>) {
        if self.is_due(input.now) {
            self.sections = sections(input);
            self.sections
                .extend(timeline.and_then(|facts| timeline_section(input, facts)));
            self.taken = Some(input.now);
            self.edition += 1;
        }
    }

    /// Whether the figures are old enough to be taken anew.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        self.taken
            .is_none_or(|taken| now.nanos_since(taken) >= REFRESH_NANOS)
    }

    /// When they will be.
    pub(super) fn next_change(&self, now: Moment) -> Moment {
        self.taken
            .map_or(now, |taken| taken.offset_nanos(REFRESH_NANOS))
    }

    /// Paints the panel at the left of `area`, in as many columns as its height asks for, and
    /// smaller where that would be too wide. Columns that find no place even so are left out.
    pub(super) fn paint(&self, canvas: &Canvas<'_>, area: Rect, input: &UiInput<'_>) {
        let roomy = self.columns(canvas, area, &ROOMY);
        let fits = width_of(roomy.len(), &ROOMY) + 2.0 * ROOMY.margin <= area.width();
        let (sizes, mut columns) = if fits {
            (&ROOMY, roomy)
        } else {
            (&COMPACT, self.columns(canvas, area, &COMPACT))
        };
        while columns.len() > 1 && width_of(columns.len(), sizes) > area.width() {
            columns.pop();
        }
        let tallest = columns
            .iter()
            .map(|column| height_of(column))
            .fold(0.0, f32::max);
        let size = vec2(
            width_of(columns.len(), sizes),
            tallest + 2.0 * sizes.padding,
        );
        let min = area.min + vec2(sizes.margin, sizes.margin);
        let panel = Rect::from_min_size(min, size);
        canvas.panel(panel, style::PANEL);
        let mut left = panel.left() + sizes.padding;
        for column in columns {
            let mut top = panel.top() + sizes.padding;
            for (line, height) in column {
                let rect = Rect::from_min_size(pos2(left, top), vec2(sizes.column, height));
                paint_line(canvas, sizes, rect, line, input);
                top += height;
            }
            left += sizes.column + sizes.padding;
        }
    }

    fn columns<'a>(
        &'a self,
        canvas: &Canvas<'_>,
        area: Rect,
        sizes: &Measures,
    ) -> Vec<Measured<'a>> {
        let sections = self.sections.iter().map(|Section(lines)| {
            lines
                .iter()
                .map(|line| (line, line.height(canvas, sizes)))
                .collect()
        });
        let sections: Vec<Measured<'a>> = sections.collect();
        balance(
            &sections,
            area.height() - 2.0 * sizes.margin - 2.0 * sizes.padding,
        )
    }
}

fn width_of(columns: usize, sizes: &Measures) -> f32 {
    columns as f32 * (sizes.column + sizes.padding) + sizes.padding
}

fn height_of(lines: &[(&Line, f32)]) -> f32 {
    lines.iter().map(|(_, height)| height).sum()
}

/// Puts sections into columns no taller than `limit`, if each fits alone.
fn flow<'a>(sections: &[Measured<'a>], limit: f32) -> Vec<Measured<'a>> {
    let mut columns: Vec<Measured<'a>> = Vec::new();
    for section in sections {
        match columns.last_mut() {
            Some(column) if height_of(column) + height_of(section) <= limit => {
                column.extend_from_slice(section);
            }
            _ => columns.push(section.clone()),
        }
    }
    columns
}

/// Puts sections into as few columns as `room` allows, and makes the tallest as short as can be.
fn balance<'a>(sections: &[Measured<'a>], room: f32) -> Vec<Measured<'a>> {
    let columns = flow(sections, room);
    let total: f32 = sections.iter().map(|section| height_of(section)).sum();
    let mut limit = total / columns.len().max(1) as f32;
    while limit < room {
        let shorter = flow(sections, limit);
        if shorter.len() <= columns.len() {
            return shorter;
        }
        limit += ROOMY.row;
    }
    columns
}

fn sections(input: &UiInput<'_>) -> Vec<Section> {
    let mut sections = vec![
        rate_section(input),
        stage_section(input),
        frame_section(input),
    ];
    sections.extend(trouble_section(input));
    sections.extend(source_sections(input));
    sections
}

fn rate_section(input: &UiInput<'_>) -> Section {
    let stats = input.stats;
    let refresh = stats
        .refresh_hz
        .map(|hz| format!(" on {hz:.0} Hz"))
        .unwrap_or_default();
    let intervals = stats.intervals.as_millis();
    let percentile = |percent| {
        graph::percentile_ms(intervals, percent)
            .map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1}"))
    };
    let spread = format!(
        "p50 {}   p95 {}   p99 {} ms",
        percentile(50),
        percentile(95),
        percentile(99)
    );
    Section(vec![
        Line::Rate {
            seen: format!("{:.2}", stats.presented_fps),
            wanted: format!("of {:.2} fps{refresh}", stats.target_fps),
            // What stands still is not late.
            good: input.snapshot.status != PlaybackStatus::Playing
                || stats.presented_fps >= stats.target_fps * 0.98,
        },
        Line::Graph,
        Line::Words("Intervals", spread),
        Line::Gap,
    ])
}

fn stage_section(input: &UiInput<'_>) -> Section {
    let stages = input.stats.stages;
    let named = [
        ("Demux", stages.demux),
        ("Decode", stages.decode),
        ("Convert", stages.convert),
        ("Upload", stages.upload),
        ("GPU", stages.gpu),
        ("Present", stages.present),
    ];
    let mut lines = vec![Line::Columns("Stage, ms", "last", "p95")];
    lines.extend(named.into_iter().map(|(name, time)| {
        let words = |value: fn(StageTime) -> f32| {
            time.map_or_else(|| "–".to_owned(), |time| format!("{:.2}", value(time)))
        };
        Line::Stage(name, words(|time| time.last_ms), words(|time| time.p95_ms))
    }));
    lines.push(Line::Gap);
    Section(lines)
}

fn frame_section(input: &UiInput<'_>) -> Section {
    let frames = input.stats.frames;
    let drops = frames.dropped;
    let count = |name, count: u64, color| {
        let color = if count == 0 { style::TEXT } else { color };
        (name, count.to_string(), color)
    };
    let plain = |name, number| count(name, number, style::TEXT);
    let cause = |name, number| count(name, number, style::BAD);
    let none = ("", String::new(), style::TEXT);
    Section(vec![
        Line::Counts([
            plain("Shown", frames.shown),
            plain("Repeated", frames.repeated),
        ]),
        Line::Counts([
            count("Late", frames.late, style::WARN),
            count("Dropped", drops.total(), style::BAD),
        ]),
        Line::Columns("Dropped by", "", ""),
        Line::Counts([cause("demux", drops.demux), cause("GPU", drops.gpu)]),
        Line::Counts([
            cause("decode", drops.decode),
            cause("present", drops.present),
        ]),
        Line::Counts([cause("convert", drops.convert), cause("audio", drops.audio)]),
        Line::Counts([cause("upload", drops.upload), none]),
        Line::Gap,
    ])
}

/// What went another way than it should; nothing where all is well.
fn trouble_section(input: &UiInput<'_>) -> Option<Section> {
    let snapshot = input.snapshot;
    let (overflowed, foreign) = snapshot.outside_pool;
    let counts = [
        ("damaged", snapshot.damaged_packets, style::WARN),
        ("underruns", snapshot.underruns, style::WARN),
        ("off pool", overflowed, style::WARN),
        // Neither is a fault: some codecs bring their own memory, some formats must be rearranged.
        ("foreign", foreign, style::TEXT),
        ("repacked", snapshot.repacked, style::TEXT),
    ];
    let counts: Vec<_> = counts
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(name, count, color)| (name, count.to_string(), color))
        .collect();
    if counts.is_empty() {
        return None;
    }
    let none = || ("", String::new(), style::TEXT);
    let mut lines: Vec<Line> = counts
        .chunks(2)
        .map(|pair| {
            let mut pair = pair.iter().cloned();
            Line::Counts(std::array::from_fn(|_| pair.next().unwrap_or_else(none)))
        })
        .collect();
    lines.push(Line::Gap);
    Some(Section(lines))
}

fn source_sections(input: &UiInput<'_>) -> [Section; 3] {
    let (snapshot, stats) = (input.snapshot, input.stats);
    let or_none = |words: &str| {
        if words.is_empty() {
            "–".to_owned()
        } else {
            words.to_owned()
        }
    };
    let video = snapshot
        .media
        .as_ref()
        .and_then(|media| media.info.default_video());
    let source = video.map_or_else(
        || "–".to_owned(),
        |video| {
            let (size, format) = (video.size, &video.source_format);
            format!("{} × {} {format}", size.width(), size.height())
        },
    );
    let picture = stats.picture_size.map_or_else(
        || "–".to_owned(),
        |size| format!("{} × {} px", size.width(), size.height()),
    );
    let offset = stats
        .audio_offset_ms
        .map_or_else(|| "–".to_owned(), |ms| format!("{ms:+.1} ms"));
    let (ring, ring_limit) = snapshot.ring_fill;
    let (pool, pool_limit) = stats.pool_bytes;
    let mut sound = vec![
        Line::Words("Clock", format::clock_words(snapshot.clock).to_owned()),
        Line::Words("Audio", format::audio_words(&snapshot.audio).to_owned()),
    ];
    sound.extend(
        snapshot
            .audio_note
            .clone()
            .map(|note| Line::Words("Note", note)),
    );
    sound.extend([Line::Words("A/V offset", offset), Line::Gap]);
    let sound = Section(sound);
    let picture = Section(vec![
        Line::Words("Decoder", or_none(&snapshot.decoder)),
        Line::Words("Source", source),
        Line::Words("Picture", picture),
        Line::Words("Quality", format::quality_words(&snapshot.quality)),
        Line::Words("Convert", or_none(&stats.converter)),
        Line::Words("Adapter", or_none(&stats.adapter)),
        Line::Gap,
    ]);
    let gauge = |name, used: u64, limit: u64| {
        let words = format!(
            "{} / {}",
            format::bytes_words(used),
            format::bytes_words(limit)
        );
        Line::Gauge(name, ratio(used as f64, limit as f64), words)
    };
    let mut memory = vec![
        Line::Gauge(
            "Ring",
            ratio(ring as f64, ring_limit as f64),
            format!("{ring} / {ring_limit}"),
        ),
        gauge("Pool", pool, pool_limit),
    ];
    for (name, cache) in [("Cache", stats.cache), ("Textures", stats.textures)] {
        let Some(cache) = cache else { continue };
        memory.push(gauge(name, cache.bytes, cache.limit_bytes));
        memory.push(Line::Counts([
            ("Hits", cache.hits.to_string(), style::TEXT),
            ("Misses", cache.misses.to_string(), style::TEXT),
        ]));
    }
    let mut held = format::bytes_words(stats.rss_bytes);
    if stats.pressure > Pressure::Normal {
        held = format!("{held}, pressure {}", stats.pressure.name());
    }
    if !stats.background.is_empty() {
        memory.push(Line::Words("Making", stats.background.clone()));
    }
    memory.extend([
        Line::Words("Memory", held),
        Line::Words("Overlay", format!("{:.0} µs", stats.overlay_micros)),
    ]);
    [sound, picture, Section(memory)]
}

/// What a timeline is made of, and what of it is not shown as it says.
fn timeline_section(input: &UiInput<'_>, facts: &Facts) -> Option<Section> {
    let timeline = input.snapshot.media.as_ref()?.timeline.as_ref()?;
    let rows = facts.rows(timeline).into_iter();
    let lines = rows.map(|(label, words)| Line::Words(label, words));
    // The section before it is usually the last one and has no air below.
    Some(Section(std::iter::once(Line::Gap).chain(lines).collect()))
}

fn ratio(part: f64, whole: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "0 to 1")]
    let ratio = if whole > 0.0 {
        (part / whole) as f32
    } else {
        0.0
    };
    ratio
}

fn paint_line(canvas: &Canvas<'_>, sizes: &Measures, rect: Rect, line: &Line, input: &UiInput<'_>) {
    let left = rect.left_top() + vec2(0.0, sizes.row / 2.0);
    let words = |pos: Pos2, anchor: Align2, words: &str, color: Color32| {
        canvas.text(pos, anchor, words, style::SMALL, color);
    };
    let label = |text: &str| words(left, Align2::LEFT_CENTER, text, style::WEAK);
    let number = |right: f32, text: &str, color: Color32| {
        // The fonts do not agree on where the middle of a line is.
        let pos = pos2(right, left.y + 0.75);
        canvas.text(pos, Align2::RIGHT_CENTER, text, style::NUMBERS, color);
    };
    // Where the first of two columns of numbers ends.
    let first_end = rect.right() - sizes.column * 0.27;
    match line {
        Line::Gap => {}
        Line::Rate { seen, wanted, good } => {
            let color = if *good { style::GOOD } else { style::WARN };
            let pos = rect.left_bottom() - vec2(0.0, 4.0);
            let end = canvas
                .text(pos, Align2::LEFT_BOTTOM, seen, style::TIMECODE, color)
                .right();
            let pos = pos2(end + 8.0, rect.bottom() - 6.0);
            words(pos, Align2::LEFT_BOTTOM, wanted, style::WEAK);
        }
        Line::Graph => {
            let area = Rect::from_min_size(rect.min, vec2(rect.width(), sizes.graph));
            let target = input.stats.target_fps;
            let target_ms = if target > 0.0 { 1_000.0 / target } else { 0.0 };
            graph::paint(canvas, area, input.stats.intervals.as_millis(), target_ms);
        }
        Line::Columns(name, first, second) => {
            label(name);
            words(
                pos2(first_end, left.y),
                Align2::RIGHT_CENTER,
                first,
                style::WEAK,
            );
            words(
                pos2(rect.right(), left.y),
                Align2::RIGHT_CENTER,
                second,
                style::WEAK,
            );
            let y = rect.bottom() - 0.5;
            canvas
                .painter
                .hline(rect.x_range(), y, Stroke::new(1.0, style::EDGE));
        }
        Line::Stage(name, last, p95) => {
            words(left, Align2::LEFT_CENTER, name, style::TEXT);
            number(first_end, last, style::TEXT);
            number(rect.right(), p95, style::TEXT);
        }
        Line::Counts([first, second]) => {
            label(first.0);
            let middle = rect.center().x;
            number(middle - 14.0, &first.1, first.2);
            words(
                pos2(middle, left.y),
                Align2::LEFT_CENTER,
                second.0,
                style::WEAK,
            );
            number(rect.right(), &second.1, second.2);
        }
        Line::Words(name, text) => {
            label(name);
            let galley = words_galley(canvas, sizes, text);
            let first_row = galley.size().y / galley.rows.len().max(1) as f32;
            let pos = pos2(rect.left() + sizes.label, left.y - first_row / 2.0);
            canvas.painter.galley(pos, galley, style::TEXT);
        }
        Line::Gauge(name, fraction, text) => {
            label(name);
            let galley = canvas.line(text, style::NUMBERS);
            let x = rect.right() - galley.size().x;
            let bed = Rect::from_min_max(
                pos2(rect.left() + sizes.label, left.y - 2.5),
                pos2(x - 8.0, left.y + 2.5),
            );
            if bed.width() > 8.0 {
                canvas.gauge(bed, *fraction, style::FILL);
            }
            let pos = pos2(x, left.y + 0.75 - galley.size().y / 2.0);
            canvas.painter.galley(pos, galley, style::TEXT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_fill_a_column_before_the_next_one_begins() {
        let line = Line::Gap;
        let section = |height: f32| vec![(&line, height)];
        let heights = |room: f32| -> Vec<f32> {
            let sections = [40.0, 30.0, 50.0, 10.0].map(section);
            flow(&sections, room)
                .iter()
                .map(|column| height_of(column))
                .collect()
        };
        assert_eq!(heights(200.0), [130.0]);
        assert_eq!(heights(70.0), [70.0, 60.0]);
        assert_eq!(
            heights(1.0),
            [40.0, 30.0, 50.0, 10.0],
            "too tall ones stand alone"
        );
    }

    #[test]
    fn columns_are_as_even_as_can_be() {
        let line = Line::Gap;
        let sections = [60.0, 30.0, 10.0, 20.0].map(|height: f32| vec![(&line, height)]);
        let columns = balance(&sections, 110.0);
        let heights: Vec<f32> = columns.iter().map(|column| height_of(column)).collect();
        assert_eq!(heights, [60.0, 60.0], "not 100 and 20");
    }
}

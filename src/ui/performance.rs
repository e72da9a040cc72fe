//! The performance panel: whether frames are seen when they should be, and what kept those that
//! were not.

use egui::{Align2, Color32, Rect, Stroke, pos2, vec2};

use crate::time::Moment;

use super::canvas::Canvas;
use super::format;
use super::graph;
use super::style;
use super::{StageTime, UiInput};

/// Width of a column, in points.
const COLUMN: f32 = 284.0;
const PADDING: f32 = 12.0;
const ROW: f32 = 16.0;
const GRAPH: f32 = 64.0;
const LABEL: f32 = 74.0;
const MARGIN: f32 = 12.0;
/// Figures change this often: those that change with each frame cannot be read.
const REFRESH_NANOS: i64 = 250_000_000;

/// A line of the panel, ready to be painted.
enum Line {
    /// The frame rate, large, and what it should be.
    Rate { seen: String, wanted: String, good: bool },
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

impl Line {
    fn height(&self) -> f32 {
        match self {
            Self::Rate { .. } => 26.0,
            Self::Graph => GRAPH + 4.0,
            // Room for a second row: names of adapters are long.
            Self::Words(_, words) if words.len() > 32 => 2.0 * ROW - 1.0,
            Self::Gap => 8.0,
            _ => ROW,
        }
    }
}

/// Lines that stay together.
struct Section(Vec<Line>);

impl Section {
    fn height(&self) -> f32 {
        self.0.iter().map(Line::height).sum()
    }
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
    pub(super) fn update(&mut self, input: &UiInput<'_>) {
        if self.is_due(input.now) {
            self.sections = sections(input);
            self.taken = Some(input.now);
            self.edition += 1;
        }
    }

    /// Whether the figures are old enough to be taken anew.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        self.taken.is_none_or(|taken| now.nanos_since(taken) >= REFRESH_NANOS)
    }

    /// When they will be.
    pub(super) fn next_change(&self, now: Moment) -> Moment {
        self.taken.map_or(now, |taken| taken.offset_nanos(REFRESH_NANOS))
    }

    /// Takes figures anew next time, whatever their age.
    pub(super) fn forget(&mut self) {
        self.taken = None;
    }

    /// Paints the panel at the left of `area`, in as many columns as its height asks for.
    pub(super) fn paint(&self, canvas: &Canvas<'_>, area: Rect, input: &UiInput<'_>) {
        let room = area.height() - 2.0 * MARGIN - 2.0 * PADDING;
        let columns = flow(&self.sections, room);
        let tallest = columns
            .iter()
            .map(|column| column.iter().map(|section| section.height()).sum::<f32>())
            .fold(0.0, f32::max);
        let width = columns.len() as f32 * (COLUMN + PADDING) + PADDING;
        let size = vec2(width, tallest + 2.0 * PADDING);
        let panel = Rect::from_min_size(area.min + vec2(MARGIN, MARGIN), size);
        canvas.panel(panel, style::PANEL);
        let mut left = panel.left() + PADDING;
        for column in columns {
            let mut top = panel.top() + PADDING;
            for line in column.iter().flat_map(|section| &section.0) {
                let size = vec2(COLUMN, line.height());
                let rect = Rect::from_min_size(pos2(left, top), size);
                paint_line(canvas, rect, line, input);
                top += line.height();
            }
            left += COLUMN + PADDING;
        }
    }
}

/// Puts sections into columns no taller than `room`, if each fits alone.
fn flow(sections: &[Section], room: f32) -> Vec<Vec<&Section>> {
    let mut columns: Vec<Vec<&Section>> = Vec::new();
    let mut filled = f32::INFINITY;
    for section in sections {
        if filled + section.height() > room {
            columns.push(Vec::new());
            filled = 0.0;
        }
        filled += section.height();
        if let Some(column) = columns.last_mut() {
            column.push(section);
        }
    }
    columns
}

fn sections(input: &UiInput<'_>) -> Vec<Section> {
    vec![rate_section(input), stage_section(input), frame_section(input), source_section(input)]
}

fn rate_section(input: &UiInput<'_>) -> Section {
    let stats = input.stats;
    let refresh = stats.refresh_hz.map(|hz| format!(" on {hz:.0} Hz")).unwrap_or_default();
    let intervals = stats.intervals_ms();
    let percentile = |percent| {
        graph::percentile_ms(intervals, percent)
            .map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1}"))
    };
    let spread =
        format!("p50 {}   p95 {}   p99 {} ms", percentile(50), percentile(95), percentile(99));
    Section(vec![
        Line::Rate {
            seen: format!("{:.2}", stats.presented_fps),
            wanted: format!("of {:.2} fps{refresh}", stats.target_fps),
            good: stats.presented_fps >= stats.target_fps * 0.98,
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
        Line::Counts([plain("Shown", frames.shown), plain("Repeated", frames.repeated)]),
        Line::Counts([
            count("Late", frames.late, style::WARN),
            count("Dropped", drops.total(), style::BAD),
        ]),
        Line::Columns("Dropped by", "", ""),
        Line::Counts([cause("demux", drops.demux), cause("GPU", drops.gpu)]),
        Line::Counts([cause("decode", drops.decode), cause("present", drops.present)]),
        Line::Counts([cause("convert", drops.convert), cause("audio", drops.audio)]),
        Line::Counts([cause("upload", drops.upload), none]),
        Line::Gap,
    ])
}

fn source_section(input: &UiInput<'_>) -> Section {
    let (snapshot, stats) = (input.snapshot, input.stats);
    let or_none = |words: &str| if words.is_empty() { "–".to_owned() } else { words.to_owned() };
    let video = snapshot.media.as_ref().and_then(|media| media.info.default_video());
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
    let offset =
        stats.audio_offset_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:+.1} ms"));
    let (ring, ring_limit) = snapshot.ring_fill;
    let (pool, pool_limit) = snapshot.pool_bytes;
    Section(vec![
        Line::Words("Clock", format::clock_words(snapshot.clock).to_owned()),
        Line::Words("Audio", format::audio_words(&snapshot.audio).to_owned()),
        Line::Words("A/V offset", offset),
        Line::Words("Decoder", or_none(&snapshot.decoder)),
        Line::Words("Source", source),
        Line::Words("Picture", picture),
        Line::Words("Convert", or_none(&stats.converter)),
        Line::Words("Adapter", or_none(&stats.adapter)),
        Line::Gauge("Ring", ratio(ring as f64, ring_limit as f64), format!("{ring} / {ring_limit}")),
        Line::Gauge(
            "Pool",
            ratio(pool as f64, pool_limit as f64),
            format!("{} / {}", format::bytes_words(pool), format::bytes_words(pool_limit)),
        ),
        Line::Words("Memory", format::bytes_words(stats.rss_bytes)),
        Line::Words("Overlay", format!("{:.0} µs", stats.overlay_micros)),
    ])
}

fn ratio(part: f64, whole: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "0 to 1")]
    let ratio = if whole > 0.0 { (part / whole) as f32 } else { 0.0 };
    ratio
}

fn paint_line(canvas: &Canvas<'_>, rect: Rect, line: &Line, input: &UiInput<'_>) {
    let left = rect.left_top() + vec2(0.0, ROW / 2.0);
    let label = |words: &str| {
        canvas.text(left, Align2::LEFT_CENTER, words, style::SMALL, style::WEAK);
    };
    let number = |right: f32, words: &str, color: Color32| {
        let pos = pos2(right, left.y);
        canvas.text(pos, Align2::RIGHT_CENTER, words, style::NUMBERS, color);
    };
    let middle = rect.center().x - 8.0;
    match line {
        Line::Gap => {}
        Line::Rate { seen, wanted, good } => {
            let color = if *good { style::GOOD } else { style::WARN };
            let pos = rect.left_bottom() - vec2(0.0, 4.0);
            let big = egui::FontId::monospace(19.0);
            let end = canvas.text(pos, Align2::LEFT_BOTTOM, seen, big, color).right();
            let pos = pos2(end + 8.0, rect.bottom() - 7.0);
            canvas.text(pos, Align2::LEFT_BOTTOM, wanted, style::SMALL, style::WEAK);
        }
        Line::Graph => {
            let area = Rect::from_min_size(rect.min, vec2(rect.width(), GRAPH));
            let target = input.stats.target_fps;
            let target_ms = if target > 0.0 { 1_000.0 / target } else { 0.0 };
            graph::paint(canvas, area, input.stats.intervals_ms(), target_ms);
        }
        Line::Columns(name, first, second) => {
            label(name);
            let column = |right: f32, words: &str| {
                let pos = pos2(right, left.y);
                canvas.text(pos, Align2::RIGHT_CENTER, words, style::SMALL, style::WEAK);
            };
            column(rect.right() - 76.0, first);
            column(rect.right(), second);
            let y = rect.bottom() - 0.5;
            canvas.painter.hline(rect.x_range(), y, Stroke::new(1.0, style::EDGE));
        }
        Line::Stage(name, last, p95) => {
            canvas.text(left, Align2::LEFT_CENTER, *name, style::SMALL, style::TEXT);
            number(rect.right() - 76.0, last, style::TEXT);
            number(rect.right(), p95, style::TEXT);
        }
        Line::Counts([first, second]) => {
            label(first.0);
            number(middle - 8.0, &first.1, first.2);
            let pos = pos2(middle + 8.0, left.y);
            canvas.text(pos, Align2::LEFT_CENTER, second.0, style::SMALL, style::WEAK);
            number(rect.right(), &second.1, second.2);
        }
        Line::Words(name, words) => {
            label(name);
            let galley = canvas.wrapped(words, style::SMALL, rect.width() - LABEL, 2);
            let rows = if line.height() > ROW { 0.0 } else { (ROW - galley.size().y) / 2.0 };
            let pos = pos2(rect.left() + LABEL, rect.top() + rows);
            canvas.painter.galley(pos, galley, style::TEXT);
        }
        Line::Gauge(name, fraction, words) => {
            label(name);
            let words = canvas.line(words, style::NUMBERS);
            let x = rect.right() - words.size().x;
            let bed = Rect::from_min_max(
                pos2(rect.left() + LABEL, left.y - 3.0),
                pos2(x - 8.0, left.y + 3.0),
            );
            canvas.gauge(bed, *fraction, style::FILL);
            canvas.painter.galley(pos2(x, left.y - words.size().y / 2.0), words, style::TEXT);
        }
    }
}

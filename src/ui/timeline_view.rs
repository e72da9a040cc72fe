//! What the interface shows of a timeline: cuts and markers on the lane, and what is amiss.
//!
//! A timeline has tens of thousands of clips and a pass has less than a millisecond. So all of it is
//! reckoned once for a timeline, and what lies on the lane once for a width.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use egui::{Color32, Mesh, Pos2, Rect, Shape, Stroke, pos2};

use super::canvas::Canvas;
use super::scrub::{self, Extent};
use super::style;
use crate::playback::{Snapshot, TimelineState};
use crate::timeline::{Located, PlacedMarker};

/// Two ticks are never nearer than this, in points: a lane of nothing but ticks would be a block.
const TICK_DISTANCE: f32 = 3.0;
const TICK_WIDTH: f32 = 1.0;
/// Markers nearer than this, in points, are one.
const MARKER_DISTANCE: f32 = 3.0;
/// Half the width of a marker, in points.
const MARKER_HALF: f32 = 4.0;
const MARKER_HEIGHT: f32 = 6.0;
/// A marker is meant when the pointer is as near as this, in points.
const MARKER_REACH: f32 = 5.0;
/// Lines of each kind of trouble.
const TOLD: usize = 8;
/// Lines of each kind of trouble in the performance panel.
const PANEL_LINES: usize = 2;
/// Letters of a marker's name.
const NAME_LETTERS: usize = 60;

/// What is not shown as the timeline says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Trouble {
    /// Media that were not found.
    Missing,
    /// Parts of the file that were not understood.
    NotUnderstood,
}

impl Trouble {
    pub(super) const ALL: [Self; 2] = [Self::Missing, Self::NotUnderstood];
}

/// What is known of the timeline on the screen. Made anew when another one is.
#[derive(Default)]
pub(super) struct TimelineView {
    /// Weak: a timeline that was closed must not be kept, and another one must not get its address.
    of: Weak<TimelineState>,
    /// The rest is that of no timeline until there is one.
    pub(super) facts: Option<Facts>,
    lane: Option<Lane>,
}

/// Numbers and words.
pub(super) struct Facts {
    clips: usize,
    tracks: usize,
    sources: usize,
    missing: Told,
    not_understood: Told,
}

/// A list of which only the beginning is shown.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    count: usize,
    lines: Vec<String>,
}

impl Told {
    fn of(lines: impl IntoIterator<Item = String>) -> Self {
        let mut told = Self::default();
        for line in lines {
            told.count += 1;
            if told.lines.len() < TOLD {
                told.lines.push(line);
            }
        }
        told
    }
}

/// What lies on a lane of one place and size.
struct Lane {
    rect: Rect,
    pixels_per_point: f32,
    ticks: Arc<Mesh>,
    markers: Vec<MarkerPlace>,
}

/// One triangle.
#[derive(Debug, Clone, Copy, PartialEq)]
struct MarkerPlace {
    x: f32,
    color: Color32,
    /// The place of its marker in the edit, the first of `count`.
    first: usize,
    count: usize,
}

impl TimelineView {
    /// Sees to it that this is about the timeline that `snapshot` has.
    pub(super) fn update(&mut self, snapshot: &Snapshot) {
        let timeline = timeline_of(snapshot);
        let address = timeline.map_or(Weak::<TimelineState>::new().as_ptr(), Arc::as_ptr);
        if self.of.as_ptr() != address {
            *self = Self {
                of: timeline.map(Arc::downgrade).unwrap_or_default(),
                facts: timeline.map(|timeline| Facts::of(timeline)),
                lane: None,
            };
        }
    }

    /// Paints the cuts onto the bed of the lane, and the markers above it.
    pub(super) fn paint(
        &mut self,
        canvas: &Canvas<'_>,
        rect: Rect,
        bed: Rect,
        snapshot: &Snapshot,
    ) {
        let (Some(timeline), Some(extent)) = (timeline_of(snapshot), Extent::of(snapshot)) else {
            return;
        };
        let pixels_per_point = canvas.painter.ctx().pixels_per_point();
        let lane = match self.lane.take() {
            Some(lane) if lane.is_of(rect, pixels_per_point) => lane,
            _ => Lane::new(timeline, extent, rect, pixels_per_point),
        };
        canvas.painter.add(Shape::Mesh(Arc::clone(&lane.ticks)));
        let bottom = bed.top() - 1.0;
        for marker in &lane.markers {
            let top = bottom - MARKER_HEIGHT;
            let points = vec![
                pos2(marker.x - MARKER_HALF, top),
                pos2(marker.x + MARKER_HALF, top),
                pos2(marker.x, bottom),
            ];
            let edge = Stroke::new(0.5, style::BACKDROP);
            canvas
                .painter
                .add(Shape::convex_polygon(points, marker.color, edge));
        }
        self.lane = Some(lane);
    }

    /// What the marker under the pointer says.
    pub(super) fn marker_words(&self, pos: Pos2) -> Option<String> {
        let timeline = self.of.upgrade()?;
        let place = nearest(&self.lane.as_ref()?.markers, pos.x)?;
        let marker = timeline.edit.markers().get(place.first)?;
        let words = shortened(&name_of(marker));
        Some(match place.count {
            1 => words,
            count => format!("{words}, and {} more", count - 1),
        })
    }
}

fn timeline_of(snapshot: &Snapshot) -> Option<&Arc<TimelineState>> {
    snapshot.media.as_ref()?.timeline.as_ref()
}

impl Facts {
    fn of(timeline: &TimelineState) -> Self {
        let root = &timeline.timeline.root;
        let mut known = HashSet::new();
        let missing = timeline.located.iter().filter_map(|located| match located {
            // Clips of different parts of one medium miss it once.
            Located::Missing(missing) => {
                known.insert(missing.to_string()).then(|| missing.reason())
            }
            Located::File(_) | Located::Sequence(_) | Located::Generated(_) => None,
        });
        Self {
            clips: timeline.timeline.clip_count(),
            tracks: root
                .composition()
                .map_or(0, |composition| composition.items().count()),
            sources: timeline.located.len(),
            missing: Told::of(missing),
            not_understood: Told::of(timeline.notes.iter().map(ToString::to_string)),
        }
    }

    fn told(&self, trouble: Trouble) -> &Told {
        match trouble {
            Trouble::Missing => &self.missing,
            Trouble::NotUnderstood => &self.not_understood,
        }
    }

    /// `3 media missing`; `None` where all is well.
    pub(super) fn badge(&self, trouble: Trouble) -> Option<(String, Color32)> {
        let count = self.told(trouble).count;
        let words = match (trouble, count) {
            (_, 0) => return None,
            (Trouble::Missing, 1) => "1 medium missing".to_owned(),
            (Trouble::Missing, _) => format!("{count} media missing"),
            (Trouble::NotUnderstood, 1) => "1 thing not understood".to_owned(),
            (Trouble::NotUnderstood, _) => format!("{count} things not understood"),
        };
        let color = match trouble {
            Trouble::Missing => style::BAD,
            Trouble::NotUnderstood => style::WARN,
        };
        Some((words, color))
    }

    /// What is amiss, a line each, up to `most`, and how many more there are.
    pub(super) fn lines(&self, trouble: Trouble, most: usize) -> Vec<String> {
        let told = self.told(trouble);
        let mut lines: Vec<String> = told.lines.iter().take(most).cloned().collect();
        let more = told.count - lines.len();
        if more > 0 && !lines.is_empty() {
            lines.push(format!("and {more} more: `jogwheel probe` lists them"));
        }
        lines
    }
}

impl Facts {
    /// What the performance panel says of `timeline`: labels and words.
    pub(super) fn rows(&self, timeline: &TimelineState) -> Vec<(&'static str, String)> {
        let (canvas, rate) = (timeline.canvas, timeline.edit.rate());
        let size = format!("{} × {}", canvas.width(), canvas.height());
        let mut rows = vec![
            ("Timeline", timeline.format.name().to_owned()),
            ("Canvas", format!("{size}, {rate} fps")),
            ("Clips", format!("{}, tracks: {}", self.clips, self.tracks)),
            ("Sources", self.sources.to_string()),
        ];
        for (trouble, label) in [
            (Trouble::Missing, "Missing"),
            (Trouble::NotUnderstood, "Unclear"),
        ] {
            for (nth, line) in self.lines(trouble, PANEL_LINES).into_iter().enumerate() {
                rows.push((if nth == 0 { label } else { "" }, line));
            }
        }
        rows
    }
}

impl Lane {
    fn new(timeline: &TimelineState, extent: Extent, rect: Rect, pixels_per_point: f32) -> Self {
        let (edit, rate) = (&timeline.edit, timeline.edit.rate());
        let cuts = edit.cuts().iter();
        let xs = cuts.map(|cut| scrub::x_at(rect, extent.fraction(*cut)));
        let mut ticks = Mesh::default();
        for x in thinned(xs, TICK_DISTANCE) {
            // On a whole pixel: between two it would be half as dark and twice as wide.
            let left = (x * pixels_per_point).floor() / pixels_per_point;
            let (top, bottom) = scrub::bed_height(rect);
            let tick = Rect::from_min_max(pos2(left, top), pos2(left + TICK_WIDTH, bottom));
            ticks.add_colored_rect(tick, style::BACKDROP);
        }
        let mut markers: Vec<MarkerPlace> = Vec::new();
        for (first, marker) in edit.markers().iter().enumerate() {
            let frame = rate.frame_at_floor(marker.range.start);
            let x = scrub::x_at(rect, extent.fraction(frame));
            match markers.last_mut() {
                Some(last) if x - last.x < MARKER_DISTANCE => last.count += 1,
                _ => markers.push(MarkerPlace {
                    x,
                    color: color_of(&marker.color),
                    first,
                    count: 1,
                }),
            }
        }
        Self {
            rect,
            pixels_per_point,
            ticks: Arc::new(ticks),
            markers,
        }
    }

    fn is_of(&self, rect: Rect, pixels_per_point: f32) -> bool {
        self.rect == rect && self.pixels_per_point.to_bits() == pixels_per_point.to_bits()
    }
}

/// Those of ascending places that keep a distance.
fn thinned(places: impl Iterator<Item = f32>, distance: f32) -> impl Iterator<Item = f32> {
    let mut last = f32::NEG_INFINITY;
    places.filter(move |&place| {
        let keeps = place - last >= distance;
        if keeps {
            last = place;
        }
        keeps
    })
}

/// The marker that is meant by `x`, if any.
fn nearest(markers: &[MarkerPlace], x: f32) -> Option<MarkerPlace> {
    let after = markers.partition_point(|marker| marker.x < x);
    let around = markers.get(after.saturating_sub(1)..)?.iter().take(2);
    around
        .copied()
        .filter(|marker| (marker.x - x).abs() <= MARKER_REACH)
        .min_by(|one, other| (one.x - x).abs().total_cmp(&(other.x - x).abs()))
}

pub(super) fn name_of(marker: &PlacedMarker) -> String {
    match (&*marker.name, &*marker.comment) {
        ("", "") => "Marker".to_owned(),
        ("", comment) => comment.to_owned(),
        (name, "") => name.to_owned(),
        (name, comment) => format!("{name}: {comment}"),
    }
}

/// One line, not too long for a tip.
pub(super) fn shortened(words: &str) -> String {
    let mut letters = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = letters.by_ref().take(NAME_LETTERS).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}

/// Colours by OpenTimelineIO's names, which other programs use as well.
pub(super) fn color_of(name: &str) -> Color32 {
    match name.to_ascii_uppercase().as_str() {
        "RED" => style::BAD,
        "PINK" => Color32::from_rgb(236, 140, 170),
        "ORANGE" => Color32::from_rgb(230, 130, 60),
        "YELLOW" => style::WARN,
        "CYAN" => Color32::from_rgb(90, 190, 200),
        "BLUE" => Color32::from_rgb(90, 140, 230),
        "PURPLE" | "VIOLET" | "LAVENDER" => Color32::from_rgb(160, 120, 220),
        "MAGENTA" => Color32::from_rgb(210, 90, 190),
        "BLACK" => style::FAINT,
        "WHITE" => style::TEXT,
        // Markers without a colour are green in most editors.
        _ => style::GOOD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_cuts_become_few_ticks() {
        let dense = (0..10_000).map(|cut| cut as f32 * 0.1);
        let kept: Vec<f32> = thinned(dense, TICK_DISTANCE).collect();
        assert!(kept.len() <= 334, "{}", kept.len());
        let nearest = kept.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(nearest.fold(f32::MAX, f32::min) >= TICK_DISTANCE);
        assert_eq!(thinned([1.0, 9.0, 10.0].into_iter(), 3.0).count(), 2);
    }

    #[test]
    fn the_nearest_marker_within_reach_is_meant() {
        let places = [10.0, 16.0, 40.0].map(|x| MarkerPlace {
            x,
            color: color_of("red"),
            first: 0,
            count: 1,
        });
        let at = |x| nearest(&places, x).map(|marker| marker.x);
        assert_eq!(at(12.0), Some(10.0));
        assert_eq!(at(14.0), Some(16.0));
        assert_eq!(at(2.0), None);
        assert_eq!(at(44.0), Some(40.0));
        assert_eq!(nearest(&[], 1.0), None);
    }

    #[test]
    fn long_names_end_in_an_ellipsis() {
        assert_eq!(shortened("two\nlines"), "two lines");
        let long = shortened(&"é".repeat(100));
        assert_eq!(long.chars().count(), NAME_LETTERS + 1);
    }

    #[test]
    fn long_lists_are_told_in_part() {
        let told = Told::of((0..30).map(|line| line.to_string()));
        assert_eq!((told.count, told.lines.len()), (30, TOLD));
    }
}

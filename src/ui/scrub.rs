//! The lane with the playhead: which place on it is which frame.

use egui::{Mesh, Pos2, Rect, Shape, Stroke, pos2, vec2};

use crate::playback::{MediaState, SeekTarget, Snapshot};
use crate::time::{FrameIndex, MediaTime};

use super::UiInput;
use super::canvas::Canvas;
use super::format;
use super::hover::{self, Sprites};
use super::pointer::Zone;
use super::slider::Range;
use super::style;
use super::timeline_view::TimelineView;
use super::waveform::Behind;

/// Room at both ends of a lane for half a playhead, in points.
const END_MARGIN: f32 = 6.0;
/// Where the line lies below the lane that tells what is at hand, and its thickness.
const KEPT_GAP: f32 = 0.5;
const KEPT_HEIGHT: f32 = 1.5;
/// Thickness of the lane itself.
const LANE_HEIGHT: f32 = 6.0;

/// How many frames the whole lane stands for.
///
/// While the index is being made, frames beyond the known ones are reckoned from what the container
/// declares, so that the lane does not shrink under the pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Frames, at least 1.
    pub(super) frames: i64,
    /// Of these, those that are known to exist.
    known: i64,
}

impl Extent {
    /// The extent of the open medium, if there is one.
    pub(super) fn of(snapshot: &Snapshot) -> Option<Self> {
        let media = snapshot.media.as_ref()?;
        let known = media.frames.max(0);
        let declared = if media.index_complete {
            0
        } else {
            declared_frames(media)
        };
        Some(Self {
            frames: known.max(declared).max(1),
            known,
        })
    }

    /// Where `frame` lies on the lane, 0 to 1. The last frame lies at 1.
    pub(super) fn fraction(self, frame: FrameIndex) -> f32 {
        let last = (self.frames - 1).max(1);
        #[expect(clippy::cast_possible_truncation, reason = "a place on the screen")]
        let fraction = (frame.0 as f64 / last as f64) as f32;
        fraction.clamp(0.0, 1.0)
    }

    /// The frame nearest to a place on the lane.
    pub(super) fn frame_at(self, fraction: f32) -> FrameIndex {
        let last = self.frames - 1;
        let place = f64::from(fraction.clamp(0.0, 1.0)) * last as f64;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "clamped to the frames that there are"
        )]
        let frame = place.round() as i64;
        FrameIndex(frame.clamp(0, last))
    }

    /// What to seek to come to `frame`: the frame where it is known to exist, else how far along it lies.
    pub(super) fn target_of(self, frame: FrameIndex) -> SeekTarget {
        if frame.0 < self.known {
            return SeekTarget::Frame(frame);
        }
        let last = (self.frames - 1).max(1);
        let millionths = i128::from(frame.0.clamp(0, last)) * 1_000_000 / i128::from(last);
        SeekTarget::Millionths(u32::try_from(millionths).unwrap_or(1_000_000))
    }

    /// The frames as values of a slider.
    pub(super) fn slider_range(self) -> Range {
        Range {
            least: 0.0,
            most: (self.frames - 1) as f64,
            step: 1.0,
        }
    }

    /// What to seek where a slider was set to `value`.
    pub(super) fn target_of_value(self, value: f64) -> SeekTarget {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and is clamped to the medium"
        )]
        let frame = value.round() as i64;
        self.target_of(FrameIndex(frame.clamp(0, self.frames - 1)))
    }

    /// What to seek when that place is clicked: the frame where it is known to exist, else the
    /// fraction, which the engine resolves when it knows more.
    pub(super) fn target(self, fraction: f32) -> SeekTarget {
        let frame = self.frame_at(fraction);
        if frame.0 < self.known {
            return SeekTarget::Frame(frame);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=1"
        )]
        let millionths = (f64::from(fraction.clamp(0.0, 1.0)) * 1e6).round() as u32;
        SeekTarget::Millionths(millionths)
    }
}

/// Frames as the container declares them, or as its duration suggests; 0 when it says nothing.
fn declared_frames(media: &MediaState) -> i64 {
    let Some(video) = media.info.default_video() else {
        return 0;
    };
    if let Some(frames) = video.frames.and_then(|frames| i64::try_from(frames).ok()) {
        return frames;
    }
    let duration = video.duration.or(media.info.container.duration);
    duration.map_or(0, |span| {
        video.rate.frame_at_floor(MediaTime::ZERO + span).0
    })
}

/// The place of `pos` along a lane, 0 to 1.
pub(super) fn fraction_at(lane: Rect, pos: Pos2) -> f32 {
    let (left, right) = (lane.left() + END_MARGIN, lane.right() - END_MARGIN);
    ((pos.x - left) / (right - left).max(1.0)).clamp(0.0, 1.0)
}

/// The horizontal place of a fraction along a lane.
pub(super) fn x_at(lane: Rect, fraction: f32) -> f32 {
    let (left, right) = (lane.left() + END_MARGIN, lane.right() - END_MARGIN);
    left + (right - left) * fraction.clamp(0.0, 1.0)
}

/// Top and bottom of the lane's bed where it is highest: under the pointer.
pub(super) fn bed_height(lane: Rect) -> (f32, f32) {
    let half = f32::midpoint(LANE_HEIGHT, 2.0);
    (lane.center().y - half, lane.center().y + half)
}

/// Paints the lane: what was played, the marked range, the playhead, and where the pointer would go.
///
/// `shown` is the frame under the playhead: while it is dragged, the one asked for.
pub(super) fn paint(
    canvas: &mut Canvas<'_>,
    lane: Rect,
    input: &UiInput<'_>,
    shown: FrameIndex,
    (timeline, behind): (&mut TimelineView, &mut Behind),
) {
    let snapshot = input.snapshot;
    let hot = canvas.hovered == Some(Zone::Scrub) || canvas.held == Some(Zone::Scrub);
    let thickness = if hot { LANE_HEIGHT + 2.0 } else { LANE_HEIGHT };
    let bed = Rect::from_min_max(
        pos2(lane.left() + END_MARGIN, lane.center().y - thickness / 2.0),
        pos2(lane.right() - END_MARGIN, lane.center().y + thickness / 2.0),
    );
    let Some(extent) = Extent::of(snapshot) else {
        canvas.painter.rect_filled(bed, 2.0, style::LANE);
        return;
    };
    let x = |frame: FrameIndex| x_at(lane, extent.fraction(frame));
    if let Some(peaks) = input.waveform.filter(|_| has_pictures(snapshot)) {
        let rect = Rect::from_x_y_ranges(bed.x_range(), lane.y_range()).shrink2(vec2(0.0, 1.0));
        behind.paint(&canvas.painter, rect, peaks);
    }
    canvas.gauge(bed, extent.fraction(shown), style::FILL);
    paint_kept(canvas, bed, input, extent);
    if extent.known < extent.frames {
        // What the index has not reached yet is drawn at half height.
        let from = x(FrameIndex(extent.known));
        let rest = Rect::from_min_max(pos2(from, bed.center().y - 0.5), bed.max);
        canvas.painter.rect_filled(rest, 0.0, style::PANEL);
    }
    timeline.paint(canvas, lane, bed, snapshot);
    paint_range(canvas, bed, snapshot, &x);

    let head = x(shown);
    let top = lane.top() + 3.0;
    let stem = [pos2(head, top + 4.0), pos2(head, lane.bottom() - 2.0)];
    canvas
        .painter
        .line_segment(stem, Stroke::new(2.0, style::ACCENT));
    canvas.polygon(
        vec![
            pos2(head - 5.0, top - 2.0),
            pos2(head + 5.0, top - 2.0),
            pos2(head + 5.0, top + 2.0),
            pos2(head, top + 7.0),
            pos2(head - 5.0, top + 2.0),
        ],
        style::ACCENT,
    );
    canvas.zones.place(Zone::Scrub, lane);
}

/// Paints a thin line below the bed that tells what is at hand: thumbnails, decoded frames, and pictures on the
/// graphics device, each brighter than the one before.
fn paint_kept(canvas: &Canvas<'_>, bed: Rect, input: &UiInput<'_>, extent: Extent) {
    let frames = extent.frames;
    let thumbnails = input.thumbnails.map(|strip| strip.stretches(frames));
    let on_device = input.on_device.iter().map(|&frame| frame..frame.offset(1));
    let tiers = thumbnails
        .iter()
        .flat_map(|stretches| stretches.iter().cloned())
        .map(|stretch| (stretch, style::LANE))
        .chain(
            input
                .snapshot
                .kept
                .iter()
                .cloned()
                .map(|kept| (kept, style::FILL)),
        )
        .chain(on_device.map(|frame| (frame, style::TEXT)));
    let mut line = Mesh::default();
    for (stretch, color) in tiers {
        let at = |frame: i64| bed.left() + bed.width() * frame as f32 / frames as f32;
        let left = at(stretch.start.0).max(bed.left());
        let right = at(stretch.end.0).max(left + 1.0).min(bed.right());
        let rect = Rect::from_min_max(
            pos2(left, bed.bottom() + KEPT_GAP),
            pos2(right, bed.bottom() + KEPT_GAP + KEPT_HEIGHT),
        );
        line.add_colored_rect(rect, color);
    }
    if !line.is_empty() {
        canvas.painter.add(Shape::mesh(line));
    }
}

/// Paints the marked range: a band below the lane, and a bracket at each mark.
fn paint_range(
    canvas: &Canvas<'_>,
    bed: Rect,
    snapshot: &Snapshot,
    x: &impl Fn(FrameIndex) -> f32,
) {
    let (mark_in, mark_out) = (snapshot.mark_in, snapshot.mark_out);
    if mark_in.is_none() && mark_out.is_none() {
        return;
    }
    let left = mark_in.map_or(bed.left(), x);
    let right = mark_out.map_or(bed.right(), x);
    let band = Rect::from_min_max(
        pos2(left.min(right), bed.bottom() + 2.0),
        pos2(right.max(left + 1.0), bed.bottom() + 4.0),
    );
    canvas.painter.rect_filled(band, 0.0, style::MARK);
    let stroke = Stroke::new(2.0, style::MARK);
    for (mark, x, arm) in [(mark_in, left, 4.0), (mark_out, right, -4.0)] {
        if mark.is_some() {
            let (top, bottom) = (bed.top() - 4.0, bed.bottom() + 4.0);
            canvas.painter.line(
                vec![
                    pos2(x + arm, top),
                    pos2(x, top),
                    pos2(x, bottom),
                    pos2(x + arm, bottom),
                ],
                stroke,
            );
        }
    }
}

/// Paints where the pointer would go, above the lane, with a picture of what is there if it fits below
/// `top`, and what the marker there says.
pub(super) fn paint_hover(
    canvas: &Canvas<'_>,
    lane: Rect,
    input: &UiInput<'_>,
    pos: Pos2,
    timeline: &TimelineView,
    top: f32,
    sprites: &mut Sprites,
) {
    let snapshot = input.snapshot;
    let Some(extent) = Extent::of(snapshot) else {
        return;
    };
    let frame = extent.frame_at(fraction_at(lane, pos));
    let x = x_at(lane, extent.fraction(frame));
    let hair = [pos2(x, lane.top() + 2.0), pos2(x, lane.bottom() - 2.0)];
    canvas
        .painter
        .line_segment(hair, Stroke::new(1.0, style::TEXT));
    let mut words = format!("{}   {}", format::position_words(snapshot, frame), frame.0);
    if let Some(marker) = timeline.marker_words(pos) {
        words = format!("{words}\n{marker}");
    }
    let preview = input
        .thumbnails
        .and_then(|strip| strip.look_at(frame, snapshot));
    let place = pos2(x, lane.top() - 10.0);
    hover::paint(canvas, place, &words, preview.as_ref(), top, sprites);
}

/// Whether the medium has pictures, so that its sound is not all there is to see of it.
pub(super) fn has_pictures(snapshot: &Snapshot) -> bool {
    let media = snapshot.media.as_ref();
    media.is_some_and(|media| media.info.default_video().is_some())
}

/// Paints the volume slider.
pub(super) fn paint_volume(canvas: &mut Canvas<'_>, rect: Rect, percent: u16, muted: bool) {
    let bed = Rect::from_center_size(rect.center(), vec2(rect.width() - 2.0 * END_MARGIN, 4.0));
    let fraction = f32::from(percent.min(100)) / 100.0;
    let hot = canvas.hovered == Some(Zone::Volume) || canvas.held == Some(Zone::Volume);
    let (fill, knob) = match (muted, percent > 100, hot) {
        (true, _, _) => (style::LANE, style::FAINT),
        // Louder than recorded may clip.
        (_, true, _) => (style::WARN, style::WARN),
        (_, _, true) => (style::FILL, style::ACCENT),
        _ => (style::FILL, style::TEXT),
    };
    canvas.gauge(bed, fraction, fill);
    let center = pos2(x_at(rect, fraction), rect.center().y);
    canvas
        .painter
        .circle_filled(center, if hot { 6.0 } else { 5.0 }, knob);
    if hot {
        let limits = canvas.painter.clip_rect();
        let tip = pos2(rect.center().x, rect.top() - 14.0);
        canvas.tip(tip, &format!("{percent} %"), style::SMALL, limits);
    }
    canvas.zones.place(Zone::Volume, rect);
}

/// The volume that a place on its slider stands for, in percent: 0 to 100.
pub(super) fn volume_at(rect: Rect, pos: Pos2) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 100"
    )]
    let percent = (fraction_at(rect, pos) * 100.0).round() as u16;
    percent
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_click_on_the_playhead_asks_for_the_frame_it_shows(
            frames in 1_i64..200_000, place in 0.0_f64..1.0,
        ) {
            let extent = Extent { frames, known: frames };
            #[expect(clippy::cast_possible_truncation, reason = "a frame of the extent")]
            let frame = FrameIndex((place * (frames - 1) as f64).round() as i64);
            prop_assert_eq!(extent.frame_at(extent.fraction(frame)), frame);
            prop_assert_eq!(extent.target(extent.fraction(frame)), SeekTarget::Frame(frame));
        }
    }

    #[test]
    fn the_ends_of_the_lane_are_the_first_and_last_frame() {
        let extent = Extent {
            frames: 250,
            known: 250,
        };
        assert_eq!(extent.frame_at(0.0), FrameIndex(0));
        assert_eq!(extent.frame_at(1.0), FrameIndex(249));
        assert_eq!(extent.frame_at(7.0), FrameIndex(249));
        let single = Extent {
            frames: 1,
            known: 1,
        };
        assert_eq!(single.frame_at(1.0), FrameIndex(0));
        assert!(single.fraction(FrameIndex(0)) < f32::EPSILON);
    }

    #[test]
    fn beyond_the_known_frames_a_click_asks_for_a_fraction() {
        let extent = Extent {
            frames: 1_000,
            known: 100,
        };
        assert_eq!(extent.target(0.05), SeekTarget::Frame(FrameIndex(50)));
        assert_eq!(extent.target(0.5), SeekTarget::Millionths(500_000));
    }

    #[test]
    fn places_and_fractions_are_inverse() {
        let lane = Rect::from_min_size(pos2(10.0, 0.0), vec2(500.0, 20.0));
        for fraction in [0.0, 0.25, 0.5, 1.0] {
            let back = fraction_at(lane, pos2(x_at(lane, fraction), 4.0));
            assert!((back - fraction).abs() < 1e-5, "{back} is not {fraction}");
        }
    }
}

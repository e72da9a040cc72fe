//! Where everything in the transport bar lies.
//!
//! A pure function of sizes, so that a test can prove that nothing overlaps at any width: what does
//! not fit is left out, the least needed first; every one of them has a key as well.

use egui::{Rect, pos2, vec2};

use super::pointer::Button;

/// Height of the whole bar, in points.
pub(super) const HEIGHT: f32 = 76.0;
const MARGIN: f32 = 12.0;
const SCRUB_TOP: f32 = 5.0;
const SCRUB_HEIGHT: f32 = 22.0;
const ROW_TOP: f32 = 30.0;
const ROW_HEIGHT: f32 = 40.0;
const BUTTON: f32 = 30.0;
const PLAY_BUTTON: f32 = 38.0;
const GROUP_GAP: f32 = 14.0;
const VOLUME: f32 = 72.0;

/// Widths of the texts, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Widths {
    /// The timecode.
    pub(super) timecode: f32,
    /// The duration beside it.
    pub(super) duration: f32,
    /// What is left of it.
    pub(super) remaining: f32,
    /// Frame and number of frames.
    pub(super) frames: f32,
    /// The frame rate beside them.
    pub(super) rate: f32,
    /// The marks beside that; zero where nothing is marked.
    pub(super) marks: f32,
    /// The same in fewer words, for where those have no room.
    pub(super) short_marks: f32,
    /// The widest speed.
    pub(super) speed: f32,
    /// The level meters; zero where there is no sound.
    pub(super) meters: f32,
}

/// Something in the row of controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Button(Button),
    Volume,
    Meters,
}

/// Transport buttons, left to right.
const TRANSPORT: [Button; 6] = [
    Button::Start,
    Button::StepBack,
    Button::PlayBack,
    Button::Play,
    Button::StepOn,
    Button::End,
];

/// What stands at the right, left to right.
const RIGHT: [Item; 9] = [
    Item::Button(Button::Speed),
    Item::Button(Button::Loop),
    Item::Button(Button::Audio),
    Item::Button(Button::Mute),
    Item::Volume,
    Item::Meters,
    Item::Button(Button::Open),
    Item::Button(Button::Help),
    Item::Button(Button::Fullscreen),
];

/// What is left out when room is short, the least needed first. Play is never left out.
const DISPENSABLE: [Item; 14] = [
    Item::Volume,
    Item::Meters,
    Item::Button(Button::Open),
    Item::Button(Button::Help),
    Item::Button(Button::Audio),
    Item::Button(Button::Start),
    Item::Button(Button::End),
    Item::Button(Button::PlayBack),
    Item::Button(Button::Loop),
    Item::Button(Button::Speed),
    Item::Button(Button::Mute),
    Item::Button(Button::Fullscreen),
    Item::Button(Button::StepBack),
    Item::Button(Button::StepOn),
];

/// Places in the bar, in points; empty options are left out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BarLayout {
    /// The whole bar.
    pub(super) bar: Rect,
    /// The lane with the playhead.
    pub(super) scrub: Rect,
    /// The timecode.
    pub(super) timecode: Rect,
    /// The duration, at the timecode's right.
    pub(super) duration: Option<Rect>,
    /// What is left of it, at its right.
    pub(super) remaining: Option<Rect>,
    /// The frame number, below the timecode.
    pub(super) frames: Option<Rect>,
    /// The frame rate, at its right.
    pub(super) rate: Option<Rect>,
    /// The marks, at the right of that, or else in the place of the duration.
    pub(super) marks: Option<Rect>,
    /// Whether there is room for their short words only.
    pub(super) are_marks_short: bool,
    /// The buttons.
    pub(super) buttons: Vec<(Button, Rect)>,
    /// The volume slider.
    pub(super) volume: Option<Rect>,
    /// The level meters.
    pub(super) meters: Option<Rect>,
}

impl BarLayout {
    /// Lays the bar out at the bottom of `window`.
    pub(super) fn new(window: Rect, widths: Widths) -> Self {
        let bar = Rect::from_min_max(
            pos2(window.left(), (window.bottom() - HEIGHT).max(window.top())),
            window.max,
        );
        let margin = MARGIN.min(bar.width() / 20.0);
        let (left, right) = (bar.left() + margin, bar.right() - margin);
        let scrub = Rect::from_min_max(
            pos2(left, bar.top() + SCRUB_TOP),
            pos2(right, bar.top() + SCRUB_TOP + SCRUB_HEIGHT),
        );
        let row = Rect::from_min_size(
            pos2(left, bar.top() + ROW_TOP),
            vec2((right - left).max(0.0), ROW_HEIGHT),
        );

        let item_width = |item: &Item| match item {
            Item::Button(Button::Play) => PLAY_BUTTON,
            Item::Button(Button::Speed) => widths.speed + 14.0,
            Item::Button(_) => BUTTON,
            Item::Volume => VOLUME + 12.0,
            Item::Meters if widths.meters > 0.0 => widths.meters + 10.0,
            Item::Meters => 0.0,
        };
        let mut transport: Vec<Item> = TRANSPORT.into_iter().map(Item::Button).collect();
        let mut others: Vec<Item> = RIGHT.to_vec();
        let readout = widths.timecode.max(widths.frames);
        let needed = |transport: &[Item], others: &[Item]| {
            let sum = |items: &[Item]| items.iter().map(item_width).sum::<f32>();
            let gap = if others.is_empty() {
                GROUP_GAP
            } else {
                2.0 * GROUP_GAP
            };
            readout + sum(transport) + sum(others) + gap
        };
        for item in DISPENSABLE {
            if needed(&transport, &others) <= row.width() {
                break;
            }
            transport.retain(|kept| *kept != item);
            others.retain(|kept| *kept != item);
        }

        let others_width: f32 = others.iter().map(item_width).sum();
        let transport_width: f32 = transport.iter().map(item_width).sum();
        // The transport stands in the middle of the window unless a neighbour needs the room.
        let latest = row.right() - others_width - GROUP_GAP - transport_width;
        let earliest = row.left() + readout + GROUP_GAP;
        let start = (row.center().x - transport_width / 2.0)
            .min(latest)
            .max(earliest);

        let mut buttons = Vec::new();
        let (mut volume, mut meters) = (None, None);
        let mut place = |items: &[Item], mut x: f32| {
            for item in items {
                let width = item_width(item);
                let slot = Rect::from_min_size(pos2(x, row.top()), vec2(width, row.height()));
                match item {
                    Item::Button(button) => {
                        let size = vec2(width - 2.0, BUTTON);
                        buttons.push((*button, Rect::from_center_size(slot.center(), size)));
                    }
                    Item::Volume => {
                        volume = Some(Rect::from_center_size(slot.center(), vec2(VOLUME, 20.0)));
                    }
                    Item::Meters if width > 0.0 => meters = Some(slot.shrink2(vec2(3.0, 0.0))),
                    Item::Meters => {}
                }
                x += width;
            }
        };
        place(&transport, start);
        place(&others, row.right() - others_width);

        let texts = Texts::of(row, start - GROUP_GAP - row.left(), widths);
        Self {
            bar,
            scrub,
            timecode: texts.timecode,
            duration: texts.duration,
            remaining: texts.remaining,
            frames: texts.frames,
            rate: texts.rate,
            marks: texts.marks,
            are_marks_short: texts.are_marks_short,
            buttons,
            volume,
            meters,
        }
    }
}

/// Places of the texts at the left; empty options are left out.
struct Texts {
    timecode: Rect,
    duration: Option<Rect>,
    remaining: Option<Rect>,
    frames: Option<Rect>,
    rate: Option<Rect>,
    marks: Option<Rect>,
    are_marks_short: bool,
}

impl Texts {
    /// Lays them out in the first `room` points of `row`, in two lines.
    fn of(row: Rect, room: f32, widths: Widths) -> Self {
        let upper = Rect::from_min_size(row.min, vec2(widths.timecode, 23.0));
        let lower = Rect::from_min_size(
            pos2(row.left(), row.top() + 24.0),
            vec2(widths.frames, 16.0),
        );
        let beside = |rect: Rect, width: f32| {
            let gap = 10.0;
            (rect.width() + gap + width <= room).then(|| {
                Rect::from_min_size(
                    pos2(rect.right() + gap, rect.top()),
                    vec2(width, rect.height()),
                )
            })
        };
        let next = |rect: Option<Rect>, width: f32| {
            let rect = rect.filter(|_| width > 0.0)?;
            let place = beside(rect, width)?;
            (place.right() - row.left() <= room).then_some(place)
        };
        let duration = beside(upper, widths.duration);
        let rate = beside(lower, widths.rate);
        let marks = next(rate, widths.marks);
        let short =
            || next(rate, widths.short_marks).or_else(|| next(Some(upper), widths.short_marks));
        let are_marks_short = marks.is_none();
        let marks = marks.or_else(short);
        // What a person has marked comes before what the file says of itself.
        let duration =
            duration.filter(|duration| marks.is_none_or(|marks| !marks.intersects(*duration)));
        Self {
            timecode: upper,
            duration,
            remaining: next(duration, widths.remaining),
            frames: (widths.frames <= room).then_some(lower),
            rate,
            marks,
            are_marks_short,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USUAL: Widths = Widths {
        timecode: 120.0,
        duration: 80.0,
        frames: 90.0,
        remaining: 84.0,
        rate: 64.0,
        marks: 210.0,
        short_marks: 152.0,
        speed: 32.0,
        meters: 14.0,
    };

    fn layout(width: f32, widths: Widths) -> BarLayout {
        BarLayout::new(
            Rect::from_min_size(pos2(0.0, 0.0), vec2(width, 360.0)),
            widths,
        )
    }

    fn rects(layout: &BarLayout) -> Vec<Rect> {
        let mut rects: Vec<Rect> = layout.buttons.iter().map(|(_, rect)| *rect).collect();
        rects.extend([layout.scrub, layout.timecode]);
        rects.extend(
            [
                layout.duration,
                layout.remaining,
                layout.frames,
                layout.rate,
                layout.marks,
                layout.volume,
                layout.meters,
            ]
            .iter()
            .flatten(),
        );
        rects
    }

    #[test]
    fn a_wide_bar_has_everything_and_the_transport_in_its_middle() {
        let layout = layout(1280.0, USUAL);
        assert_eq!(layout.buttons.len(), TRANSPORT.len() + RIGHT.len() - 2);
        assert!(layout.volume.is_some() && layout.duration.is_some() && layout.rate.is_some());
        assert!(layout.meters.is_some() && layout.remaining.is_some() && layout.marks.is_some());
        let first = layout.buttons[0].1.left();
        let last = layout.buttons[5].1.right();
        assert!(
            (f32::midpoint(first, last) - 640.0).abs() < 1.0,
            "{first} to {last}"
        );
    }

    #[test]
    fn marks_are_shortened_beside_a_panel_before_they_give_way() {
        let marks = |width: f32| {
            let layout = layout(width, USUAL);
            layout
                .marks
                .map(|rect| (rect.width(), layout.are_marks_short))
        };
        assert_eq!(marks(1280.0), Some((USUAL.marks, false)));
        // A window of 1280 points with a panel at its side.
        assert_eq!(marks(920.0), Some((USUAL.short_marks, true)));
        let layout = layout(860.0, USUAL);
        let is_above = layout
            .marks
            .is_some_and(|marks| marks.bottom() <= layout.timecode.bottom());
        assert!(is_above && layout.duration.is_none(), "{layout:?}");
        assert_eq!(marks(640.0), None);
    }

    #[test]
    fn a_bar_of_640_points_leaves_out_only_the_slider() {
        let layout = layout(640.0, USUAL);
        assert_eq!(layout.volume, None);
        assert!(layout.meters.is_some());
        assert_eq!(layout.buttons.len(), TRANSPORT.len() + RIGHT.len() - 2);
        assert!(layout.frames.is_some());
    }

    #[test]
    fn a_tiny_bar_keeps_the_timecode_and_play() {
        let layout = layout(213.0, USUAL);
        let kept: Vec<Button> = layout.buttons.iter().map(|(button, _)| *button).collect();
        assert!(kept.contains(&Button::Play), "{kept:?}");
        assert!(layout.timecode.right() < layout.buttons[0].1.left());
    }

    proptest! {
        #[test]
        fn nothing_overlaps_and_nothing_leaves_the_bar(
            width in 213.0_f32..4000.0,
            timecode in 60.0_f32..125.0, frames in 40.0_f32..125.0,
            duration in 40.0_f32..140.0, rate in 30.0_f32..130.0, speed in 20.0_f32..44.0,
            remaining in 40.0_f32..140.0, marks in 0.0_f32..240.0,
            meters in 0.0_f32..32.0,
        ) {
            let widths =
                Widths {
                    timecode, duration, remaining, frames, rate, marks, short_marks: marks * 0.7, speed, meters,
                };
            let layout = layout(width, widths);
            let rects = rects(&layout);
            for (index, rect) in rects.iter().enumerate() {
                prop_assert!(layout.bar.expand(0.01).contains_rect(*rect), "{rect:?}");
                for other in &rects[..index] {
                    let common = rect.intersect(*other);
                    prop_assert!(
                        common.width() <= 0.01 || common.height() <= 0.01,
                        "{rect:?} and {other:?} overlap in {layout:?}"
                    );
                }
            }
        }
    }
}

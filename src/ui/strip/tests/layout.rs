//! Which boxes there are, and where.

use std::ops::Range;

use proptest::prelude::*;

use super::*;
use crate::timeline::TrackKind;
use crate::ui::strip::boxes::{self, LEAST_WIDTH, MOST_BOXES};
use crate::ui::strip::model::{Clip, ClipState, Row};
use crate::ui::strip::rows;
use crate::ui::strip::scale::Scale;

/// A track of clips of these lengths, each after a gap.
fn row(lengths: &[(i64, i64)]) -> Row {
    let mut at = 0;
    let clips = lengths.iter().map(|&(gap, length)| {
        let first = at + gap;
        at = first + length;
        Clip {
            first: FrameIndex(first),
            end: FrameIndex(at),
            name: "a clip".into(),
            state: ClipState::Present,
            id: None,
            child: None,
        }
    });
    Row {
        name: "V1".to_owned(),
        kind: TrackKind::Video,
        track: 0,
        clips: clips.collect(),
        transitions: Vec::new(),
    }
}

fn any_row() -> impl Strategy<Value = Row> {
    let clip = (0_i64..40, 1_i64..200);
    proptest::collection::vec(clip, 1..300).prop_map(|lengths| row(&lengths))
}

fn end_of(row: &Row) -> i64 {
    row.clips.last().map_or(1, |clip| clip.end.0)
}

proptest! {
    #[test]
    fn the_clips_that_are_seen_are_those_of_a_slow_filter(
        row in any_row(), first in -50_i64..40_000, length in 0_i64..5_000,
    ) {
        let frames = FrameIndex(first)..FrameIndex(first + length);
        let slow: Vec<usize> = (0..row.clips.len())
            .filter(|&place| {
                let clip = &row.clips[place];
                clip.first < frames.end && frames.start < clip.end && length > 0
            })
            .collect();
        let found: Range<usize> = row.visible(&frames);
        if length > 0 {
            prop_assert_eq!(found.collect::<Vec<_>>(), slow);
        }
    }

    #[test]
    fn every_clip_that_is_seen_lies_in_one_box_that_can_be_seen(
        row in any_row(), zoom in 0.0_f64..12.0, share in 0.0_f64..1.0, narrow in 2.0_f64..16.0,
    ) {
        let scale = Scale::fitting(end_of(&row), 300.0).zoomed(zoom.exp2(), 0.0).beginning_at(share);
        let laid = boxes::of_row(&row, scale, narrow);
        let covered: Vec<usize> = laid.iter().flat_map(|laid| laid.clips.clone()).collect();
        let seen: Vec<usize> = row.visible(&scale.visible()).collect();
        prop_assert_eq!(covered, seen, "each once, and in order");
        for laid in &laid {
            prop_assert!(laid.right - laid.left >= LEAST_WIDTH - 1e-6);
            let clips = &row.clips[laid.clips.clone()];
            let (first, last) = (&clips[0], &clips[clips.len() - 1]);
            // Nobody is pushed farther aside than a box is widened.
            prop_assert!((laid.left - scale.x_of(first.first)).abs() <= LEAST_WIDTH + 1e-6);
            prop_assert!(laid.right >= scale.x_of(last.end) - 1e-6);
            if clips.len() > 1 {
                let is_narrow = |clip: &Clip| scale.x_of(clip.end) - scale.x_of(clip.first) < narrow;
                prop_assert!(clips.iter().all(is_narrow), "wide clips stand alone");
            }
            let middle = f64::midpoint(laid.left, laid.right);
            prop_assert_eq!(boxes::at(std::slice::from_ref(laid), middle), Some(laid));
        }
        for pair in laid.windows(2) {
            prop_assert!(pair[0].right <= pair[1].left + 1e-6, "{:?}", pair);
        }
    }
}

#[test]
fn a_lane_of_narrow_clips_becomes_few_boxes() {
    let dense = row(&vec![(0, 10); 20_000]);
    let scale = Scale::fitting(end_of(&dense), 1_000.0);
    assert_eq!(boxes::of_row(&dense, scale, 2.0).len(), 1, "they touch");
    let spread = row(&vec![(30, 10); 20_000]);
    let scale = Scale::fitting(end_of(&spread), 1_000.0);
    let boxes = boxes::of_row(&spread, scale, 2.0);
    assert!(boxes.len() <= 500, "{}", boxes.len());
    let wide = row(&vec![(1, 9); 400]);
    let rows: Vec<Row> = (0..12).map(|_| row(&vec![(1, 9); 400])).collect();
    let scale = Scale::fitting(end_of(&wide), 1_000.0);
    let laid = boxes::lay_out(&rows, 0..12, scale);
    let count: usize = laid.iter().map(|(_, boxes)| boxes.len()).sum();
    assert!((12..=MOST_BOXES).contains(&count), "{count}");
}

#[test]
fn a_timeline_lies_as_its_file_says() {
    let desk = Desk::new(usual());
    let rows = &desk.strip.model.rows;
    let names: Vec<&str> = rows.iter().map(|row| &*row.name).collect();
    assert_eq!(names, ["Titles", "V1", "A1"]);
    let places = |row: &Row| -> Vec<(String, i64, i64, ClipState)> {
        let place = |clip: &Clip| (clip.name.to_string(), clip.first.0, clip.end.0, clip.state);
        row.clips.iter().map(place).collect()
    };
    let named = |name: &str, first, end, state| (name.to_owned(), first, end, state);
    assert_eq!(
        places(&rows[0]),
        [named("title", 20, 50, ClipState::Present)]
    );
    assert_eq!(
        places(&rows[1]),
        [
            named("one", 0, 100, ClipState::Present),
            named("two", 100, 200, ClipState::Present),
            named("lost", 250, 300, ClipState::Missing),
        ]
    );
    assert_eq!(rows[1].transitions, [FrameIndex(94)..FrameIndex(106)]);
    assert_eq!(rows[2].kind, TrackKind::Audio);
    // What is painted is what the edit shows.
    let timeline = desk
        .snapshot
        .media
        .as_ref()
        .unwrap()
        .timeline
        .as_ref()
        .unwrap();
    for clip in rows.iter().flat_map(|row| &row.clips) {
        let used = timeline.edit.clip(clip.id.unwrap()).unwrap();
        assert_eq!(used.name, clip.name);
    }
}

#[test]
fn a_retimed_track_lies_where_it_is_seen() {
    let mut fast = track(
        "",
        "Video",
        &[clip("one", "here.mov", 100), clip("two", "here.mov", 100)],
    );
    fast["effects"] = json!([{"OTIO_SCHEMA": "LinearTimeWarp.1", "name": "",
        "effect_name": "LinearTimeWarp", "time_scalar": 2.0}]);
    let desk = Desk::new(timeline(&[fast], &[]));
    let clips = &desk.strip.model.rows[0].clips;
    let places: Vec<_> = clips
        .iter()
        .map(|clip| (clip.first.0, clip.end.0))
        .collect();
    assert_eq!(places, [(0, 50), (50, 100)]);
}

#[test]
fn names_never_reach_into_the_next_clip() {
    let long = "a name that is far longer than most boxes on a lane are wide";
    let children: Vec<Value> = (1..40).map(|n| clip(long, "here.mov", 6 * n)).collect();
    let mut desk = Desk::new(timeline(&[track("", "Video", &children)], &[]));
    let pos = desk.on_ruler(2_000);
    for notches in [0.0, 2.0, 3.0, 5.0] {
        desk.show(vec![
            Event::PointerMoved(pos),
            wheel(notches, Modifiers::CTRL),
        ]);
        desk.show(vec![wheel(notches, Modifiers::CTRL)]);
        let texts = desk.texts();
        let lanes = desk.places().lanes;
        let laid = boxes::lay_out(&desk.strip.model.rows, 0..1, desk.scale());
        let mut named = 0;
        for (words, rect) in texts {
            if !words.starts_with("a name") {
                continue;
            }
            named += 1;
            let x = f64::from(rect.left() - lanes.left());
            let found = boxes::at(&laid[0].1, x).unwrap();
            let right = f64::from(rect.right() - lanes.left());
            assert!(
                right <= found.right.min(desk.scale().width()),
                "{words}: {rect} in {found:?}"
            );
            assert!(found.only().is_some(), "only one clip has a name");
            assert!(words == long || words.len() > 3);
        }
        assert!((1..=rows::MOST_NAMES).contains(&named), "{named} names");
    }
}

#[test]
fn a_file_is_a_track_with_one_clip() {
    let mut desk = Desk::new(file(1_000));
    assert_eq!(desk.strip.model.rows.len(), 1);
    let seen: Vec<String> = desk.texts().into_iter().map(|(words, _)| words).collect();
    assert!(seen.iter().any(|words| words == "test.otio"), "{seen:?}");
    assert!(seen.iter().any(|words| words == "V1"), "{seen:?}");
    desk.snapshot.media = None;
    let seen = desk.texts();
    assert!(seen[0].0.starts_with("Open something"), "{seen:?}");
}

//! Thumbnails of a timeline, whose media have one for every tenth frame.

use super::*;
use crate::cache::thumbnails::ThumbnailStrip;
use crate::decode::Approximations as _;
use crate::memory::Shedder as _;
use crate::playback::timeline::strip::TimelineStrip;

const STEP: i64 = 10;

/// Reaches from one thumbnail to the next, and not to the one after.
const REACH: i64 = STEP;

fn thumbnails() -> ThumbnailStrip {
    let frames: Vec<i64> = (0..FRAMES / STEP).map(|n| n * STEP).collect();
    ThumbnailStrip::of_frames(size(), &frames, REACH)
}

/// A strip of which all is made but what is missing.
fn strip(timeline: &Timeline, missing: Option<char>) -> TimelineStrip {
    TimelineStrip::made(media_of(timeline), |source| {
        let known = ClipMedia::new(stream(), source);
        known.learn(&Arc::new(GopIndex::constant(rate(), FRAMES)));
        let is_missing = missing.map(u32::from) == Some(medium_number(source));
        (!is_missing).then(|| (known, thumbnails()))
    })
}

/// The thumbnail nearest to a frame of a medium; of two as near the earlier.
fn nearest(frame: i64) -> i64 {
    let down = frame / STEP * STEP;
    let up = (down + STEP).min(FRAMES - STEP);
    if up - frame < frame - down { up } else { down }
}

/// The frames whose thumbnails are shown, lowest first: of each the brightness is its number.
fn shown_in(still: &crate::decode::Still) -> Vec<i64> {
    let Picture::Composite(composite) = &still.picture else {
        panic!("a timeline's picture is a composite");
    };
    let bright = |frame: &Arc<VideoFrame>| i64::from(frame.plane(0).row(0)[0]);
    composite.frames().map(bright).collect()
}

#[test]
fn every_frame_has_the_thumbnails_of_what_it_shows() {
    let rig = Rig::new(&cuts());
    let strip = strip(&cuts(), None);
    assert_eq!(strip.files(), 3, "each medium once");
    for frame in 0..CUTS_FRAMES {
        let wanted: Vec<i64> = rig
            .wanted(FrameIndex(frame))
            .into_iter()
            .map(|(_, number)| number)
            .collect();
        let near = strip.near(FrameIndex(frame)).unwrap();
        assert_eq!(near.thumbnail.frame.0, nearest(wanted[0]), "frame {frame}");
        let still = strip.nearest(FrameIndex(frame), 2 * STEP).unwrap();
        let expected: Vec<i64> = wanted.iter().map(|&number| nearest(number)).collect();
        assert_eq!(shown_in(&still), expected, "frame {frame}");
        let is_exact = wanted == expected;
        assert_eq!(still.index == FrameIndex(frame), is_exact, "frame {frame}");
        assert!((still.index.0 - frame).abs() <= 2 * STEP);
    }
}

#[test]
fn the_number_of_a_thumbnail_is_the_frame_of_the_timeline_that_shows_it() {
    let strip = strip(&cuts(), None);
    let index = |frame: i64, reach: i64| {
        let still = strip.nearest(FrameIndex(frame), reach)?;
        Some(still.index.0)
    };
    // Frames 10 to 40 of `a` one after another.
    assert_eq!((index(3, 5), index(10, 5)), (Some(0), Some(10)));
    assert_eq!((index(7, 5), index(7, 2)), (Some(10), None));
    // From frame 140 on at twice the speed: 0, 2, 4 of `c`.
    assert_eq!(
        (index(141, 5), index(144, 5), index(146, 5)),
        (Some(140), Some(145), Some(145))
    );
    // From frame 160 on backwards: 19, 18, 17 of `a`.
    assert_eq!(index(166, 5), Some(169));
}

#[test]
fn what_is_missing_has_none_and_the_rest_has() {
    let rig = Rig::new(&cuts());
    let strip = strip(&cuts(), Some('b'));
    for frame in 0..CUTS_FRAMES {
        let shows_it = rig
            .wanted(FrameIndex(frame))
            .iter()
            .any(|(medium, _)| *medium == u32::from('b'));
        let frame = FrameIndex(frame);
        assert_eq!(strip.near(frame).is_none(), shows_it, "frame {frame}");
        assert_eq!(strip.nearest(frame, 2 * STEP).is_none(), shows_it);
    }
}

#[test]
fn a_layer_that_covers_hides_those_below() {
    let edit = timeline(vec![
        vec![clip("a", 0, 40, Vec::new())],
        vec![clip("b", 100, 20, Vec::new())],
    ]);
    let strip = strip(&edit, None);
    let near = |frame: i64| strip.near(FrameIndex(frame)).unwrap().thumbnail.frame.0;
    assert_eq!((near(10), near(30)), (110, 30));
    let still = strip.nearest(FrameIndex(10), 0).unwrap();
    assert_eq!(shown_in(&still), [110]);
}

#[test]
fn under_pressure_every_second_one_goes() {
    let strip = strip(&cuts(), None);
    let (before, edition) = (strip.len(), strip.edition());
    assert_eq!(before, 3 * 20);
    assert_eq!(strip.shed(1), 0, "the last ones stay");
    let many: Vec<i64> = (0..FRAMES).collect();
    let full = TimelineStrip::made(media_of(&cuts()), |source| {
        let known = ClipMedia::new(stream(), source);
        Some((known, ThumbnailStrip::of_frames(size(), &many, 1)))
    });
    let per_file = full.len() / 3;
    assert!(full.shed(1) > 0);
    assert_eq!(full.len(), 3 * per_file - per_file / 2);
    assert!(full.shed(u64::MAX) > 0);
    assert!(
        (64..=3 * per_file / 2).contains(&full.len()),
        "{}",
        full.len()
    );
    assert_eq!(strip.edition(), edition);
}

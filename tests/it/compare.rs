//! Two clips in one picture, as `jogwheel play A --compare B` shows them.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::path::Path;

use jogwheel::playback::{Comparison, MatchBy, TimelineSettings, TimelineState};

use crate::made::{self, number_in_rgba};
use crate::otio::{clip, range, track, write};
use crate::program::run;

/// A picture as RGBA, and its size.
type Shot = (Vec<u8>, (usize, usize));

fn shot(a: &Path, b: &Path, mode: &str, at: &str) -> Shot {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("shot.png");
    run(&[
        &"play",
        &a,
        &"--compare",
        &b,
        &"--compare-mode",
        &mode,
        &"--start",
        &at,
        &"--paused",
        &"--headless",
        &"--no-audio",
        &"--size",
        &"640x360",
        &"--shot",
        &out,
    ])
    .expect(0);
    made::read_png(&out)
}

/// The number in a part of a picture.
fn number(shot: &Shot, left: usize, top: usize, size: (usize, usize)) -> Result<u32, String> {
    let width = shot.1.0;
    let rows = (top..top + size.1).flat_map(|row| {
        let begin = (row * width + left) * 4;
        shot.0[begin..begin + size.0 * 4].iter().copied()
    });
    number_in_rgba(&rows.collect::<Vec<u8>>(), size.0, size.1)
}

#[test]
fn each_mode_shows_the_frames_that_belong_together() {
    let a = made::clip("h264-bframes.mp4").path;
    let folder = tempfile::tempdir().unwrap();
    // The other side is a timeline: frame n of it is frame 20 + n of its clip.
    let source = made::clip("h264-longgop.mp4").path;
    let shots = [clip(&source, &range(20.0, 60.0, 30.0), &[])];
    let b = folder.path().join("media");
    std::fs::create_dir(&b).unwrap();
    let local = b.join("h264-longgop.mp4");
    std::fs::copy(&source, &local).unwrap();
    let b = write(&b, "b", 30.0, &[track("Video", &shots)]);
    let whole = (640, 360);
    let only = |mode| {
        let shot = shot(&a, &b, mode, "12f");
        let number = number(&shot, 0, 0, whole).unwrap();
        (shot, number)
    };
    let ((first, of_a), (second, of_b)) = (only("a"), only("b"));
    assert_eq!((of_a, of_b), (12, 32));

    let beside = shot(&a, &b, "side-by-side", "12f");
    let half = (320, 180);
    assert_eq!(number(&beside, 0, 90, half), Ok(12));
    assert_eq!(number(&beside, 320, 90, half), Ok(32));

    let wipe = shot(&a, &b, "wipe", "12f");
    let pixels = wipe.0.as_chunks::<4>().0.iter().enumerate();
    for (place, pixel) in pixels {
        let side = if place % 640 < 320 { &first } else { &second };
        assert_eq!(*pixel, side.0.as_chunks::<4>().0[place], "pixel {place}");
    }

    let difference = shot(&a, &b, "difference", "12f");
    let sides = first.0.iter().zip(&second.0);
    for (place, (found, (a, b))) in difference.0.iter().zip(sides).enumerate() {
        let expected = if place % 4 == 3 { 255 } else { a.abs_diff(*b) };
        assert!(found.abs_diff(expected) <= 2, "byte {place}");
    }
}

#[test]
fn a_clip_is_the_same_as_itself() {
    let clip = made::clip("h264-bframes.mp4").path;
    let same = shot(&clip, &clip, "difference", "40f");
    assert!(
        same.0
            .as_chunks::<4>()
            .0
            .iter()
            .all(|pixel| *pixel == [0, 0, 0, 255])
    );
}

#[test]
fn lengths_and_timecodes_are_those_of_the_files() {
    let open = |a: &str, b: &str, by| {
        let settings = TimelineSettings {
            compare: Some(Comparison {
                with: made::clip(b).path,
                by,
            }),
            ..TimelineSettings::default()
        };
        TimelineState::open(&made::clip(a).path, &settings)
    };
    let state = open("h264-bframes.mp4", "h264-longgop.mp4", MatchBy::Frame).unwrap();
    assert_eq!(state.edit.frames(), 300);
    assert_eq!(
        state.compared.unwrap().names,
        ["h264-bframes.mp4", "h264-longgop.mp4"]
    );
    let same = "h264-2997df.mov";
    let state = open(same, same, MatchBy::Timecode).unwrap();
    assert_eq!((state.edit.frames(), state.located.len()), (90, 1));
    assert_eq!(state.start_timecode().unwrap().to_string(), "00:59:58;00");
    let error = open(same, "h264-25.mp4", MatchBy::Timecode).unwrap_err();
    assert!(error.contains("no timecode"), "{error}");
}

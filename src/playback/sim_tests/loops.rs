//! Loops and ping-pong: no gap, no extra frame, one line of run time, and sound on the same map.

use std::time::Duration;

use super::media::SimMedia;
use super::rig::{Display, Rig, RigOptions};
use crate::decode::LoopMode;
use crate::metrics::FrameFate;
use crate::playback::{Command, SeekTarget};
use crate::time::{FrameIndex, MediaSpan, Speed};

fn looping(mode: LoopMode, marks: Option<(i64, i64)>, quarters: i32) -> Rig {
    let mut medium = SimMedia::constant(24, 1, 60).with_sound();
    // A loop of one frame decodes its GOP for each lap.
    medium.gop = 10;
    let mut rig = Rig::new(RigOptions::playing(medium, Display::new(120, 1)));
    rig.run_for(Duration::from_millis(200));
    if let Some((first, last)) = marks {
        rig.send(Command::SetIn(Some(FrameIndex(first))));
        rig.send(Command::SetOut(Some(FrameIndex(last))));
        rig.send(Command::Seek(SeekTarget::Frame(FrameIndex(first))));
    }
    rig.send(Command::SetLoop(mode));
    rig.send(Command::SetSpeed(Speed::from_quarters(quarters).unwrap()));
    rig.run_for(Duration::from_millis(500));
    rig
}

/// The frames that follow `start` in a walk through the range.
fn expected(
    mode: LoopMode,
    first: i64,
    last: i64,
    start: i64,
    reverse: bool,
    count: usize,
) -> Vec<i64> {
    let (mut frame, mut step) = (start, if reverse { -1 } else { 1 });
    let mut walk = Vec::new();
    for _ in 0..count {
        walk.push(frame);
        let next = frame + step;
        frame = if (first..=last).contains(&next) {
            next
        } else if mode == LoopMode::Loop {
            if step > 0 { first } else { last }
        } else {
            // The frame at an end is shown twice: time is mirrored there.
            step = -step;
            frame
        };
    }
    walk
}

#[test]
fn laps_follow_one_another_without_a_gap() {
    for mode in [LoopMode::Loop, LoopMode::PingPong] {
        for marks in [None, Some((10, 27)), Some((20, 20)), Some((5, 6))] {
            for quarters in [4, -4, 6] {
                let what = format!("{mode:?} {marks:?} {quarters}");
                let mut rig = looping(mode, marks, quarters);
                rig.run_for(Duration::from_secs(8));
                let generation = rig.on_screen().generation;
                let seen: Vec<_> = rig
                    .seen
                    .iter()
                    .filter(|seen| seen.generation == generation)
                    .collect();
                let (first, last) = marks.unwrap_or((0, 59));
                let indices: Vec<i64> = seen.iter().map(|seen| seen.index.0).collect();
                let walk = expected(mode, first, last, indices[0], quarters < 0, indices.len());
                assert_eq!(indices, walk, "{what}");
                let span = MediaSpan::from_flicks(705_600_000 / 24);
                for (n, pair) in seen.windows(2).enumerate() {
                    let step = pair[1].run - pair[0].run;
                    assert_eq!(step, span, "{what}: run time jumps at {n}");
                }
                let counts = rig.refreshes();
                let per_frame = 5 * 4 / i64::from(quarters.abs());
                for (frame, count) in &counts {
                    assert!(
                        (per_frame..=per_frame + 1).contains(count),
                        "{what}: {frame} stays {count} refreshes"
                    );
                }
                let summary = rig.summary();
                assert_eq!(summary.count(FrameFate::Repeated), 0, "{what}");
            }
        }
    }
}

#[test]
fn sound_is_on_the_same_map_at_every_lap() {
    for mode in [LoopMode::Loop, LoopMode::PingPong] {
        for marks in [None, Some((10, 27)), Some((5, 200))] {
            let mut rig = looping(mode, marks, 4);
            let frame_nanos = 1_000_000_000 / 24;
            for _ in 0..400 {
                rig.run_for(Duration::from_millis(23));
                let shown = rig.on_screen();
                // Half way through the refresh, the frame that is due is the one on screen.
                let heard = rig.sound.heard(rig.now()).unwrap();
                let begin = SimMedia::constant(24, 1, 60).time_of(shown.index.0);
                let mut off = (heard - begin).nanos_nearest();
                let (first, last) = marks.unwrap_or((0, 59));
                let lap = (last.min(59) + 1 - first) * frame_nanos;
                if mode == LoopMode::Loop && off.abs() > lap / 2 {
                    // One of the two is in the next lap already.
                    off -= lap * off.signum();
                }
                assert!(
                    off > -frame_nanos / 2 && off < frame_nanos * 3 / 2,
                    "{mode:?} {marks:?}: frame {} is on screen, {:.1} ms is heard from its beginning",
                    shown.index,
                    off as f64 / 1e6
                );
            }
        }
    }
}

#[test]
fn a_loop_that_was_begun_before_the_end_was_known_turns_sound_where_pictures_turn() {
    let mut medium = SimMedia::constant(24, 1, 60).with_sound();
    medium.declared = Some(90);
    medium.index_grows = vec![(Duration::from_millis(20), 40)];
    medium.index_complete = Duration::from_millis(900);
    let mut rig = Rig::new(RigOptions::playing(medium.clone(), Display::new(120, 1)));
    rig.send(Command::SetLoop(LoopMode::Loop));
    rig.run_for(Duration::from_millis(100));
    rig.run_for(Duration::from_secs(2));
    for _ in 0..200 {
        rig.run_for(Duration::from_millis(23));
        let shown = rig.on_screen();
        let heard = rig.sound.heard(rig.now()).expect("sound goes on");
        let off = (heard - medium.time_of(shown.index.0)).nanos_nearest();
        assert!(off.abs() < 65_000_000, "{} {off}", shown.index);
    }
}

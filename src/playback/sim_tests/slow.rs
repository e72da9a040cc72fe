//! Machines that are too slow: every frame has a fate and a cause, and the picture keeps moving.

use std::time::Duration;

use super::media::{Cost, SimMedia, at_millis};
use super::rig::{Display, Rig, RigOptions};
use crate::decode::LoopMode;
use crate::metrics::{FrameFate, FrameRecord, Stage};
use crate::playback::{Command, PlaybackStatus};
use crate::time::{MediaSpan, Speed};

const FRAMES: usize = 600;

fn play_to_the_end(medium: SimMedia, display: Display) -> Rig {
    let mut rig = Rig::new(RigOptions::playing(medium, display));
    let until = at_millis(120_000);
    assert!(rig.run_until(until, |rig| rig.snapshot().status == PlaybackStatus::Ended));
    rig.run_for(Duration::from_millis(200));
    rig
}

/// Every frame of the plan was shown, late or dropped; each that was not shown in time has a cause.
fn assert_accounted(rig: &Rig, frames: u64) {
    let summary = rig.summary();
    assert_eq!(summary.frames_due(), frames, "{summary:?}");
    for fate in [FrameFate::Late, FrameFate::Dropped, FrameFate::Repeated] {
        assert_eq!(summary.count_without_cause(fate), 0);
    }
    let mut frames: Vec<_> = rig
        .records()
        .iter()
        .filter(|record| record.fate != FrameFate::Repeated)
        .map(|record| record.frame)
        .collect();
    frames.sort_unstable();
    let all = frames.len();
    frames.dedup();
    assert_eq!(frames.len(), all, "a frame has two fates");
}

fn longest_still(rig: &Rig) -> Duration {
    let spans = rig
        .seen
        .windows(2)
        .map(|pair| pair[1].presented.since(pair[0].presented));
    spans.max().unwrap()
}

/// Of the frames that were not shown in time, those that `stage` is to blame for, in percent.
fn blamed(rig: &Rig, stage: Stage) -> u64 {
    let summary = rig.summary();
    let fates = [FrameFate::Late, FrameFate::Dropped, FrameFate::Repeated];
    let all: u64 = fates.iter().map(|&fate| summary.count(fate)).sum();
    let by_stage: u64 = fates
        .iter()
        .map(|&fate| summary.count_by_cause(fate, stage))
        .sum();
    assert!(all > 0);
    by_stage * 100 / all
}

#[test]
fn a_slow_decoder_is_blamed_and_does_not_freeze_the_picture() {
    for (demux, decode, stage) in [
        (200, 45_000, Stage::Decode),
        (45_000, 3_000, Stage::Demux),
        (1_000, 70_000, Stage::Decode),
    ] {
        let medium = SimMedia::constant(30, 1, FRAMES).costing(Cost::micros(demux, decode));
        let rig = play_to_the_end(medium, Display::new(60, 1));
        assert_accounted(&rig, FRAMES as u64);
        let summary = rig.summary();
        assert!(summary.count(FrameFate::Dropped) > 100, "{summary:?}");
        assert!(
            blamed(&rig, stage) >= 97,
            "{stage}: {}",
            blamed(&rig, stage)
        );
        // A gap of four frames, then up to eight on the way to a keyframe that has become due.
        let most = Duration::from_micros(12 * (demux + decode)) + Duration::from_millis(100);
        assert!(longest_still(&rig) < most, "{:?}", longest_still(&rig));
        let lasted = rig.on_screen().presented.since(rig.seen[0].presented);
        assert!(
            lasted < Duration::from_millis(21_500),
            "more than the last GOP behind: {lasted:?}"
        );
    }
}

#[test]
fn a_slow_display_is_blamed() {
    for (convert, present, stage) in [
        (2_000, 50_000, Stage::Present),
        (60_000, 1_000, Stage::Convert),
    ] {
        let mut display = Display::new(60, 1);
        display.convert = Duration::from_micros(convert);
        display.present = Duration::from_micros(present);
        let rig = play_to_the_end(SimMedia::constant(30, 1, FRAMES), display);
        assert_accounted(&rig, FRAMES as u64);
        assert!(rig.summary().count(FrameFate::Dropped) > 100);
        assert!(
            blamed(&rig, stage) >= 97,
            "{stage}: {}",
            blamed(&rig, stage)
        );
        assert!(
            longest_still(&rig) < Duration::from_millis(150),
            "{:?}",
            longest_still(&rig)
        );
    }
}

#[test]
fn a_stall_is_made_up_for() {
    let mut rig = Rig::new(RigOptions::playing(
        SimMedia::constant(25, 1, FRAMES),
        Display::new(60, 1),
    ));
    rig.run_for(Duration::from_secs(2));
    let now = rig.now();
    rig.session.stall(now, now + Duration::from_millis(900));
    rig.run_for(Duration::from_secs(30));
    assert_eq!(rig.snapshot().status, PlaybackStatus::Ended);
    assert_accounted(&rig, FRAMES as u64);
    let summary = rig.summary();
    // The ring bridges 6 frames; the rest of 22 is lost, and no more.
    let lost = summary.count(FrameFate::Dropped) + summary.count(FrameFate::Late);
    assert!((14..=22).contains(&lost), "{lost}");
    assert!((1..=2).contains(&summary.count(FrameFate::Repeated)));
    assert_eq!(blamed(&rig, Stage::Decode), 100);
    assert!(longest_still(&rig) < Duration::from_secs(1));
}

#[test]
fn spikes_that_the_ring_can_bridge_cost_nothing() {
    let mut medium = SimMedia::constant(30, 1, FRAMES).costing(Cost::micros(100, 20_000));
    for n in (30..FRAMES).step_by(30) {
        medium.costs.insert(n, Cost::micros(100, 120_000));
    }
    let rig = play_to_the_end(medium, Display::new(60, 1));
    let summary = rig.summary();
    assert_eq!(
        summary.count(FrameFate::Shown),
        FRAMES as u64,
        "{summary:?}"
    );
    assert_eq!(summary.count(FrameFate::Repeated), 0);
}

#[test]
fn a_frame_that_cannot_be_decoded_leaves_the_one_before_and_is_told_when_held() {
    let mut medium = SimMedia::constant(25, 1, 100);
    medium.damaged.extend([40, 41]);
    let mut rig = Rig::new(RigOptions::playing(medium, Display::new(60, 1)));
    rig.run_for(Duration::from_secs(6));
    assert_accounted(&rig, 100);
    let summary = rig.summary();
    assert_eq!(summary.count_by_cause(FrameFate::Dropped, Stage::Decode), 2);
    assert_eq!(rig.seen.iter().filter(|seen| seen.missing).count(), 2);
    assert!(rig.snapshot().notices.is_empty());
    let frame = crate::time::FrameIndex(41);
    rig.send(crate::playback::Command::Seek(
        crate::playback::SeekTarget::Frame(frame),
    ));
    rig.run_for(Duration::from_millis(500));
    let notices = &rig.snapshot().notices;
    assert!(
        notices[0].text.contains("41f") && notices[0].text.contains("damaged"),
        "{notices:?}"
    );
    assert_eq!(rig.snapshot().position, frame);
}

/// The records of `generation` that are closed for good: up to the last frame that was seen. Frames
/// repeated stand beside the count.
fn closed_records(rig: &Rig, generation: u64) -> Vec<FrameRecord> {
    let mut records: Vec<_> = rig
        .records()
        .into_iter()
        .filter(|record| record.generation == generation && record.fate != FrameFate::Repeated)
        .collect();
    let is_seen = |record: &FrameRecord| matches!(record.fate, FrameFate::Shown | FrameFate::Late);
    let last = records.iter().rposition(is_seen).unwrap();
    records.truncate(last + 1);
    records
}

#[test]
fn laps_lose_no_frame_from_the_count() {
    const CLIP: i64 = 60;
    const LAPS: i64 = 50;
    for mode in [LoopMode::Loop, LoopMode::PingPong] {
        for quarters in [4, -4] {
            for decode in [2_000, 45_000, 70_000, 300_000] {
                let what = format!("{mode:?} {quarters} {decode}");
                let medium = SimMedia::constant(30, 1, 60).costing(Cost::micros(200, decode));
                let mut rig = Rig::new(RigOptions::playing(medium, Display::new(60, 1)));
                rig.send(Command::SetLoop(mode));
                rig.send(Command::SetSpeed(Speed::from_quarters(quarters).unwrap()));
                let seconds = u64::try_from(LAPS * CLIP / 30).unwrap() + 3;
                rig.run_for(Duration::from_secs(seconds));
                let shown = rig.on_screen();
                // One frame is due for each frame's time since the plan began.
                let span = MediaSpan::from_flicks(705_600_000 / 30);
                let due = shown.run.flicks() / span.flicks() + 1;
                assert_eq!(shown.run.flicks() % span.flicks(), 0, "{what}");
                // A decoder that is too slow loses its pictures, not its place. One nine times too slow
                // works for some laps on each window that it plays backwards.
                let behind = if decode < 100_000 { 3 } else { 15 };
                assert!(
                    due >= (LAPS - behind) * CLIP,
                    "{what}: only {due} frames were due"
                );
                let records = closed_records(&rig, shown.generation.0);
                assert_eq!(records.len(), usize::try_from(due).unwrap(), "{what}");
                // In the order in which they were due, a frame's time apart, and none of them twice. The
                // first is held before the line begins.
                for pair in records[1..].windows(2) {
                    let apart = pair[1].due.nanos_since(pair[0].due);
                    assert!(
                        (apart - 33_333_333).abs() < 3_000_000,
                        "{what}: {pair:?} are {apart} ns apart"
                    );
                }
                // Each lap has each frame once. Frames given up at a turn are told by their successor.
                let mut counts = [0_i64; 60];
                for record in &records {
                    counts[usize::try_from(record.frame.0).unwrap()] += 1;
                }
                if decode < 33_000 {
                    let (least, most) = (counts.iter().min(), counts.iter().max());
                    assert!(
                        most <= least.map(|least| least + 2).as_ref(),
                        "{what}: {counts:?}"
                    );
                }
            }
        }
    }
}

//! Ends, playlists, marks, indices that are not there yet, stills, odd time stamps.

use std::time::Duration;

use super::media::{SimMedia, at_millis};
use super::rig::{Display, Rig, RigOptions};
use crate::media::PictureTrait;
use crate::metrics::FrameFate;
use crate::playback::{Command, PlaybackStatus, SeekTarget, Severity, StartOptions};
use crate::time::{FrameIndex, MediaSpan, Speed};

fn play(medium: SimMedia) -> Rig {
    Rig::new(RigOptions::playing(medium, Display::new(60, 1)))
}

fn run_to_the_end(rig: &mut Rig) {
    let until = rig.now() + Duration::from_mins(1);
    assert!(rig.run_until(until, |rig| rig.snapshot().status == PlaybackStatus::Ended));
}

#[test]
fn the_last_frame_stays_for_its_time_and_is_held() {
    let mut rig = play(SimMedia::constant(25, 1, 50).with_sound());
    run_to_the_end(&mut rig);
    let (first, last) = (rig.seen[0], rig.on_screen());
    assert_eq!(last.index, FrameIndex(49));
    let stayed = rig.now().since(last.presented);
    assert!((30..80).contains(&stayed.as_millis()), "{stayed:?}");
    let lasted = rig.now().since(first.presented);
    assert!((1_990..2_150).contains(&lasted.as_millis()), "{lasted:?}");
    rig.run_for(Duration::from_secs(5));
    assert_eq!(rig.on_screen().index, FrameIndex(49));
    assert_eq!(rig.snapshot().position, FrameIndex(49));
    assert_eq!(rig.summary().count(FrameFate::Shown), 50);
    assert_eq!(rig.summary().frames_due(), 50);
    // Play again starts over.
    rig.seen.clear();
    rig.send(Command::Play);
    run_to_the_end(&mut rig);
    let indices: Vec<i64> = rig.seen.iter().map(|seen| seen.index.0).collect();
    assert_eq!(indices, (0..50).collect::<Vec<_>>());
    // Backwards from the end.
    rig.seen.clear();
    rig.send(Command::SetSpeed(Speed::from_quarters(-4).unwrap()));
    rig.send(Command::Play);
    run_to_the_end(&mut rig);
    let indices: Vec<i64> = rig.seen.iter().map(|seen| seen.index.0).collect();
    assert_eq!(indices, (0..50).rev().collect::<Vec<_>>());
}

#[test]
fn a_playlist_goes_on_and_passes_over_what_does_not_open() {
    let mut bad = SimMedia::constant(25, 1, 10).named("bad");
    bad.refuses = true;
    let shelf = vec![
        SimMedia::constant(25, 1, 30).named("a"),
        bad,
        SimMedia::constant(50, 1, 40).named("b").with_sound(),
    ];
    let mut rig = Rig::new(RigOptions {
        shelf,
        ..RigOptions::playing(SimMedia::constant(1, 1, 1), Display::new(60, 1))
    });
    run_to_the_end(&mut rig);
    let indices: Vec<i64> = rig.seen.iter().map(|seen| seen.index.0).collect();
    assert_eq!(indices, (0..30).chain(0..40).collect::<Vec<_>>());
    let snapshot = rig.snapshot();
    assert_eq!(snapshot.playlist_index, 2);
    assert!(
        snapshot
            .notices
            .iter()
            .any(|notice| notice.severity == Severity::Error)
    );
}

#[test]
fn marks_bound_what_plays() {
    let mut rig = play(SimMedia::constant(25, 1, 100));
    rig.run_for(Duration::from_millis(200));
    rig.send(Command::SetIn(Some(FrameIndex(20))));
    rig.send(Command::SetOut(Some(FrameIndex(39))));
    rig.send(Command::Seek(SeekTarget::Frame(FrameIndex(30))));
    rig.seen.clear();
    run_to_the_end(&mut rig);
    assert_eq!(rig.snapshot().position, FrameIndex(39));
    rig.send(Command::Play);
    run_to_the_end(&mut rig);
    let indices: Vec<i64> = rig
        .seen
        .iter()
        .map(|seen| seen.index.0)
        .skip_while(|&n| n != 30)
        .collect();
    assert_eq!(indices, (30..40).chain(20..40).collect::<Vec<_>>());
}

#[test]
fn an_index_that_grows_is_no_obstacle() {
    for by_count in [false, true] {
        let mut medium = SimMedia::constant(25, 1, 200);
        medium.by_count = by_count;
        medium.index_grows = vec![
            (Duration::from_millis(300), 60),
            (Duration::from_millis(900), 150),
        ];
        medium.index_complete = Duration::from_millis(2_500);
        let mut rig = play(medium.clone());
        rig.run_for(Duration::from_millis(250));
        assert!(
            rig.on_screen().index.0 >= 4,
            "play from the beginning does not wait for the index"
        );
        // A seek beyond what is known waits for it, and arrives.
        rig.send(Command::Seek(SeekTarget::Frame(FrameIndex(180))));
        rig.send(Command::Pause);
        rig.run_for(Duration::from_secs(4));
        assert_eq!(
            rig.on_screen().index,
            FrameIndex(180),
            "by count: {by_count}"
        );
        assert!(rig.snapshot().media.as_ref().unwrap().index_complete);
        // Straight through, from the beginning to the end.
        let mut rig = play(medium);
        run_to_the_end(&mut rig);
        assert_eq!(
            rig.summary().count(FrameFate::Shown),
            200,
            "by count: {by_count}"
        );
    }
}

#[test]
fn a_wrong_declared_count_is_found_out() {
    for declared in [Some(1_000), Some(40), None] {
        let mut medium = SimMedia::constant(25, 1, 100);
        medium.declared = declared;
        medium.index_complete = Duration::from_millis(1_500);
        let mut rig = play(medium);
        rig.run_for(Duration::from_millis(300));
        rig.send(Command::Seek(SeekTarget::End));
        rig.run_for(Duration::from_secs(5));
        let snapshot = rig.snapshot();
        assert_eq!(snapshot.media.as_ref().unwrap().frames, 100);
        assert_eq!(rig.on_screen().index, snapshot.position, "{declared:?}");
        rig.send(Command::Seek(SeekTarget::End));
        rig.run_for(Duration::from_secs(1));
        assert_eq!(rig.on_screen().index, FrameIndex(99), "{declared:?}");
    }
}

#[test]
fn each_frame_of_uneven_media_is_shown_at_its_own_time() {
    let spans = [
        40, 40, 100, 17, 33, 250, 40, 60, 21, 500, 34, 33, 33, 80, 120, 40,
    ];
    let spans: Vec<i64> = spans.iter().copied().cycle().take(160).collect();
    let medium = SimMedia::variable(&spans);
    for incomplete in [false, true] {
        let mut medium = medium.clone();
        if incomplete {
            medium.index_complete = Duration::from_secs(4);
        }
        let mut rig = play(medium.clone());
        run_to_the_end(&mut rig);
        let origin = rig.seen[1].refresh.nanos_since(at_millis(0))
            - medium
                .time_of(rig.seen[1].index.0)
                .since_zero()
                .nanos_nearest();
        for seen in &rig.seen[1..] {
            let due = medium.time_of(seen.index.0).since_zero().nanos_nearest();
            let off = seen.refresh.nanos_since(at_millis(0)) - origin - due;
            assert!(off.abs() < 18_500_000, "frame {}: {off}", seen.index);
        }
        assert_eq!(rig.summary().count(FrameFate::Shown), 160);
        assert!(rig.snapshot().traits.contains(PictureTrait::VariableRate));
    }
}

#[test]
fn a_medium_that_begins_after_its_declared_start_keeps_sound_and_picture_together() {
    let mut medium = SimMedia::constant(25, 1, 100).with_sound();
    // The first picture comes half a second after media time zero.
    for stamp in &mut medium.stamps {
        *stamp += 125;
    }
    medium.end_ticks += 125;
    let mut rig = play(medium.clone());
    rig.run_for(Duration::from_secs(1));
    for _ in 0..50 {
        rig.run_for(Duration::from_millis(37));
        let heard = rig.sound.heard(rig.now()).unwrap();
        let begin = medium.time_of(rig.on_screen().index.0);
        let off = (heard - begin).nanos_nearest();
        assert!((-20_000_000..60_000_000).contains(&off), "{off}");
    }
    assert_eq!(medium.time_of(0).since_zero(), MediaSpan::from_millis(500));
}

#[test]
fn a_still_is_held_and_can_be_played_through() {
    let mut medium = SimMedia::constant(25, 1, 1);
    medium.still = true;
    let mut rig = play(medium);
    rig.run_for(Duration::from_secs(2));
    assert_eq!(rig.snapshot().status, PlaybackStatus::Paused);
    assert_eq!(rig.on_screen().index, FrameIndex::ZERO);
    for command in [
        Command::Step(1),
        Command::Step(-1),
        Command::Seek(SeekTarget::End),
    ] {
        rig.send(command);
        rig.run_for(Duration::from_millis(300));
        assert_eq!(rig.on_screen().index, FrameIndex::ZERO);
    }
    rig.send(Command::Play);
    run_to_the_end(&mut rig);
}

#[test]
fn a_person_who_starts_paused_sees_the_frame_asked_for() {
    let position = Some("37f".parse().unwrap());
    let start = StartOptions {
        paused: true,
        position,
        ..StartOptions::default()
    };
    let medium = SimMedia::constant(25, 1, 100);
    let mut rig = Rig::new(RigOptions {
        start,
        ..RigOptions::playing(medium, Display::new(60, 1))
    });
    rig.run_for(Duration::from_secs(1));
    assert_eq!(rig.on_screen().index, FrameIndex(37));
    assert_eq!(rig.seen.len(), 1);
}

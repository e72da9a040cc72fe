//! A thousand commands at any moment: what is on screen in the end is what the state says.

use std::time::Duration;

use super::media::{Cost, SimMedia};
use super::rig::{Display, Rig, RigOptions};
use crate::decode::LoopMode;
use crate::playback::{Command, PlaybackStatus, SeekTarget, StartOptions};
use crate::time::{FrameIndex, Speed};

fn medium(name: &str, frames: usize) -> SimMedia {
    let mut medium = SimMedia::constant(30, 1, frames)
        .costing(Cost::micros(300, 6_000))
        .named(name);
    medium.gop = 48;
    medium.with_sound()
}

/// After settling while nothing plays, the picture is the one that the state names.
fn assert_settled(rig: &Rig, what: &str) {
    let snapshot = rig.snapshot();
    let shown = rig.on_screen();
    assert_eq!(
        shown.index, snapshot.position,
        "{what}: {:?} {shown:?}",
        snapshot.status
    );
    let name = |n: u64| snapshot.playlist[usize::try_from(n).unwrap()].clone();
    let medium = snapshot.media.as_ref().unwrap();
    assert_eq!(medium.info.path, name(snapshot.playlist_index as u64));
}

#[test]
fn a_thousand_commands_end_on_the_frame_that_the_state_names() {
    for seed in 1..=9 {
        let mut a = medium("a", 400);
        let mut display = Display::new(60, 1).jittering(Duration::from_millis(3));
        if seed % 3 == 0 {
            // Decoding that is too slow, an index that is late, damage, a display that is waited for.
            a.cost = Cost::micros(300, 38_000);
            a.index_grows = vec![(Duration::from_millis(400), 100)];
            a.index_complete = Duration::from_millis(2_500);
            a.damaged.extend([7, 8, 60, 133, 399]);
            display = display.waiting();
        }
        let shelf = vec![a.clone(), medium("b", 150), medium("c", 90)];
        let start = StartOptions {
            paused: seed % 2 == 0,
            ..StartOptions::default()
        };
        let options = RigOptions {
            shelf,
            start,
            seed,
            ..RigOptions::playing(medium("a", 1), display)
        };
        let mut rig = Rig::new(options);
        rig.run_for(Duration::from_millis(500));
        for n in 0..1000 {
            let command = random_command(&mut rig);
            let what = format!("seed {seed} command {n} {command:?}");
            rig.send(command);
            let pause = match rig.random.in_range(0..6) {
                0 => 0,
                1..=3 => rig.random.in_range(0..60),
                _ => rig.random.in_range(0..400),
            };
            rig.run_for(Duration::from_millis(pause.cast_unsigned()));
            if n % 20 == 0 {
                rig.send(Command::Pause);
                rig.run_for(Duration::from_secs(6));
                let status = rig.snapshot().status;
                assert!(
                    matches!(status, PlaybackStatus::Paused | PlaybackStatus::Ended),
                    "{what}: {status:?}"
                );
                assert_settled(&rig, &what);
            }
        }
    }
}

fn random_command(rig: &mut Rig) -> Command {
    let mut number = |most: i64| rig.random.in_range(0..most);
    let frame = FrameIndex(number(420) - 5);
    match number(22) {
        0..=4 => Command::Seek(SeekTarget::Frame(frame)),
        5 => Command::Step(1),
        6 => Command::Step(-1),
        7 => Command::Step(10),
        8 => Command::Step(-10),
        9 | 10 => Command::Play,
        11 => Command::Pause,
        12 => Command::TogglePause,
        13 => Command::Shuttle(-1),
        14 => Command::Shuttle(1),
        15 => {
            let quarters = [1, 2, 4, 6, 8, 16, -4, -8][usize::try_from(number(8)).unwrap()];
            Command::SetSpeed(Speed::from_quarters(quarters).unwrap())
        }
        16 => {
            let modes = [LoopMode::Off, LoopMode::Loop, LoopMode::PingPong];
            Command::SetLoop(modes[usize::try_from(number(3)).unwrap()])
        }
        17 => Command::SetIn((number(2) == 0).then_some(frame)),
        18 => Command::SetOut((number(2) == 0).then_some(frame)),
        19 => Command::SeekByMillis(number(4_000) - 2_000),
        20 => Command::PlaylistStep(i32::try_from(number(3)).unwrap() - 1),
        _ => Command::Seek(if number(2) == 0 {
            SeekTarget::Start
        } else {
            SeekTarget::End
        }),
    }
}

#[test]
fn the_latest_of_many_seeks_wins() {
    let mut rig = Rig::paused(medium("a", 400));
    rig.seen.clear();
    for n in 0..50 {
        rig.send(Command::Seek(SeekTarget::Frame(FrameIndex((n * 37) % 400))));
        rig.run_for(Duration::from_millis(3));
    }
    rig.run_for(Duration::from_secs(1));
    assert_eq!(rig.on_screen().index, FrameIndex((49 * 37) % 400));
    // A decoder that is busy drains, and does not decode for targets that nobody wants any more.
    let seen = rig.seen.len();
    assert!(seen <= 10, "{seen} pictures were shown on the way");
}

#[test]
fn steps_accumulate_however_fast_they_come() {
    for (step, start) in [(1, 50), (-1, 350), (10, 20), (-10, 380)] {
        let mut rig = Rig::paused(medium("a", 400));
        rig.send(Command::Seek(SeekTarget::Frame(FrameIndex(start))));
        for _ in 0..30 {
            rig.send(Command::Step(step));
            rig.run_for(Duration::from_millis(5));
        }
        rig.run_for(Duration::from_secs(2));
        let expected = FrameIndex((start + 30 * step).clamp(0, 399));
        assert_eq!(rig.snapshot().position, expected);
        assert_eq!(rig.on_screen().index, expected, "step {step}");
    }
}

#[test]
fn steps_one_after_another_need_no_new_plan() {
    let mut rig = Rig::paused(medium("a", 400));
    rig.send(Command::Seek(SeekTarget::Frame(FrameIndex(100))));
    rig.run_for(Duration::from_millis(500));
    let plans = rig.session.plans().len();
    for n in 1..=40 {
        rig.send(Command::Step(1));
        rig.run_for(Duration::from_millis(40));
        assert_eq!(rig.on_screen().index, FrameIndex(100 + n));
    }
    assert_eq!(
        rig.session.plans().len(),
        plans,
        "the ring has what a step needs"
    );
    rig.send(Command::Step(-1));
    rig.run_for(Duration::from_millis(900));
    for n in 1..=30 {
        assert_eq!(rig.on_screen().index, FrameIndex(140 - n));
        rig.send(Command::Step(-1));
        rig.run_for(Duration::from_millis(40));
    }
    assert_eq!(
        rig.session.plans().len(),
        plans + 1,
        "one plan serves all steps back"
    );
}

#[test]
fn a_pause_keeps_the_frame_and_play_goes_on_from_it() {
    let mut rig = Rig::new(RigOptions::playing(medium("a", 400), Display::new(60, 1)));
    for n in 0..20 {
        rig.run_for(Duration::from_millis(300 + n * 7));
        rig.send(Command::Pause);
        rig.run_for(Duration::from_millis(200));
        let (before, held) = (rig.seen.len(), rig.on_screen());
        assert_eq!(rig.snapshot().position, held.index);
        rig.send(Command::Play);
        rig.run_for(Duration::from_millis(300));
        let next = rig.seen[before];
        assert_eq!(
            (next.generation, next.index),
            (held.generation, held.index.offset(1))
        );
    }
    assert_eq!(rig.session.plans().len(), 1, "a pause needs no seek");
    let intervals = rig.summary().intervals;
    assert!(
        intervals.max < 52_000_000,
        "a pause counts as an interval: {intervals:?}"
    );
}

#[test]
fn a_step_after_frames_were_given_up_finds_its_frame() {
    // Decoding that is far too slow gives frames up just after the one on screen.
    let slow = medium("a", 400).costing(Cost::micros(100, 55_000));
    let mut rig = Rig::new(RigOptions::playing(slow, Display::new(60, 1)));
    for n in 0..12 {
        rig.run_for(Duration::from_millis(700 + n * 13));
        rig.send(Command::Pause);
        rig.send(Command::Step(1));
        rig.run_for(Duration::from_secs(5));
        assert_settled(&rig, &format!("round {n}"));
        rig.send(Command::Play);
    }
}

#[test]
fn an_idle_player_does_next_to_nothing() {
    let mut rig = Rig::paused(medium("a", 400));
    rig.run_for(Duration::from_secs(1));
    let before = rig.ticks;
    rig.run_for(Duration::from_mins(1));
    assert!(
        rig.ticks - before <= 2,
        "{} rounds in a minute of standing still",
        rig.ticks - before
    );
}

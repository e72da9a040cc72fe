//! Dragging the playhead: what is at hand at once, what is near meanwhile, what is exact in the end.

use std::time::Duration;

use super::media::{Cost, SimMedia};
use super::rig::{Display, Rig, RigOptions};
use crate::decode::{LoopMode, Rung};
use crate::metrics::FrameFate;
use crate::playback::{Command, Origin, PlaybackStatus, SeekTarget};
use crate::time::{FrameIndex, MediaSpan, Moment};

const GOP: i64 = 60;

/// A refresh at 60 Hz.
const REFRESH: Duration = Duration::from_micros(16_667);

/// Twenty seconds in GOPs of two, dear to decode; a keyframe alone takes the second decoder 30 ms.
fn medium() -> SimMedia {
    let mut medium = SimMedia::constant(30, 1, 600)
        .costing(Cost::micros(300, 20_000))
        .with_sound();
    medium.gop = usize::try_from(GOP).unwrap();
    medium.keyframe = Some(Duration::from_millis(30));
    medium
}

fn keeping(frames: std::ops::Range<i64>) -> SimMedia {
    let mut medium = medium();
    medium.kept = frames.collect();
    medium
}

fn playing(medium: SimMedia) -> Rig {
    let mut rig = Rig::new(RigOptions::playing(medium, Display::new(60, 1)));
    rig.run_for(Duration::from_secs(1));
    rig
}

fn frame(number: i64) -> SeekTarget {
    SeekTarget::Frame(FrameIndex(number))
}

fn scrub(rig: &mut Rig, number: i64) {
    rig.send(Command::Scrub(frame(number)));
}

/// Numbers of the frames seen since `from`, but for what stood in.
fn exact_since(rig: &Rig, from: usize) -> Vec<i64> {
    let exact = rig.seen[from..]
        .iter()
        .filter(|seen| seen.origin != Origin::StandIn);
    exact.map(|seen| seen.index.0).collect()
}

#[test]
fn kept_frames_are_shown_within_a_refresh_and_need_no_plan() {
    let mut rig = Rig::paused(keeping(200..300));
    let plans = rig.session.plans().len();
    for number in 210..260 {
        let sent = rig.now();
        scrub(&mut rig, number);
        rig.run_for(REFRESH);
        let shown = rig.on_screen();
        assert_eq!((shown.index.0, shown.origin), (number, Origin::AtHand));
        let took = shown.presented.since(sent);
        assert!(
            took <= Duration::from_millis(16),
            "frame {number}: {took:?}"
        );
    }
    assert_eq!(
        rig.session.plans().len(),
        plans,
        "nothing is decoded for them"
    );
    assert!(rig.snapshot().scrubbing);
    // At rest the session makes ready what comes next, and its own copy is not shown again.
    let seen = rig.seen.len();
    rig.run_for(Duration::from_secs(3));
    assert_eq!(rig.session.plans().last().unwrap().start, FrameIndex(259));
    assert_eq!(rig.session.plans().len(), plans + 1);
    assert_eq!(rig.seen.len(), seen, "the same picture twice");
    rig.send(Command::EndScrub);
    for number in 260..264 {
        rig.send(Command::Step(1));
        rig.run_for(REFRESH);
        let shown = rig.on_screen();
        assert_eq!((shown.index.0, shown.origin), (number, Origin::Ring));
    }
    assert_eq!(rig.snapshot().approximate, None);
    assert_eq!(rig.summary().approximate(), 0);
}

#[test]
fn the_exact_frame_is_asked_for_after_120_ms_at_rest_and_not_before() {
    let mut rig = Rig::paused(medium());
    let plans = rig.session.plans().len() + 1;
    // The first is asked for at once: it may be a click.
    scrub(&mut rig, 90);
    assert_eq!(rig.session.plans().last().unwrap().start, FrameIndex(90));
    for number in [150, 210, 330, 270, 150] {
        scrub(&mut rig, number);
        rig.run_for(Duration::from_millis(100));
        assert_eq!(rig.session.plans().len(), plans, "it does not rest");
    }
    rig.run_for(Duration::from_millis(19));
    assert_eq!(rig.session.plans().len(), plans);
    // The same target again is no move.
    scrub(&mut rig, 150);
    rig.run_for(Duration::from_millis(2));
    let given = rig.session.plans();
    assert_eq!(given.len(), plans + 1);
    assert_eq!(given.last().unwrap().start, FrameIndex(150));
    // Letting go is resting.
    scrub(&mut rig, 400);
    rig.send(Command::EndScrub);
    let given = rig.session.plans();
    assert_eq!(given.last().unwrap().start, FrameIndex(400));
    rig.run_for(Duration::from_secs(2));
    assert_eq!(rig.on_screen().index, FrameIndex(400));
    assert_eq!(rig.snapshot().status, PlaybackStatus::Paused);
}

#[test]
fn what_stands_in_is_near_and_marked_and_replaced() {
    let mut rig = Rig::paused(medium());
    for number in [149, 175, 455, 90] {
        scrub(&mut rig, number);
        rig.run_for(Duration::from_millis(60));
        let shown = rig.on_screen();
        assert_eq!(shown.origin, Origin::StandIn);
        assert!((shown.index.0 - number).abs() <= GOP / 2, "{shown:?}");
        assert_eq!(rig.snapshot().approximate, Some(shown.index));
        assert_eq!(rig.snapshot().position, FrameIndex(number));
        let record = *rig.records().last().unwrap();
        assert!(record.approximate && record.frame == shown.index);
        rig.run_for(Duration::from_secs(2));
        let shown = rig.on_screen();
        assert_eq!((shown.index.0, shown.origin), (number, Origin::Ring));
        assert_eq!(rig.snapshot().approximate, None);
        assert!(!rig.records().last().unwrap().approximate);
    }
    assert!(rig.summary().approximate() >= 4);
    // A keyframe is its own picture, and a kept neighbour stands in sooner than a keyframe can.
    scrub(&mut rig, 300);
    rig.run_for(Duration::from_millis(60));
    let shown = rig.on_screen();
    assert_eq!(shown.index, FrameIndex(300));
    assert_ne!(shown.origin, Origin::StandIn);
    let mut rig = Rig::paused(keeping(200..210));
    scrub(&mut rig, 215);
    rig.run_for(Duration::from_millis(5));
    let shown = rig.on_screen();
    assert_eq!((shown.index.0, shown.origin), (209, Origin::StandIn));
}

#[test]
fn the_latest_target_wins_and_nothing_is_decoded_for_older_ones() {
    let mut rig = Rig::paused(medium());
    let mut random = super::rig::Random(7);
    for round in 0..20 {
        // The decoder is in the middle of something.
        scrub(&mut rig, random.in_range(1..600));
        rig.run_for(Duration::from_millis(140));
        let mut last = 0;
        for _ in 0..30 {
            let held = rig.snapshot().position.0;
            // Far from where it is: what is next in the ring would be taken from there.
            last = (held + random.in_range(20..580)) % 600;
            let newest = rig.session.plans().last().unwrap().generation;
            scrub(&mut rig, last);
            let moved = rig.now();
            rig.run_for(Duration::from_millis(8));
            let stale = rig.session.begun_after(moved + Duration::from_millis(5));
            let stale = stale.iter().filter(|(_, plan)| *plan <= newest);
            assert_eq!(stale.count(), 0, "round {round}");
        }
        rig.run_for(Duration::from_secs(3));
        assert_eq!(rig.on_screen().index, FrameIndex(last), "round {round}");
        assert_eq!(rig.snapshot().approximate, None);
    }
}

#[test]
fn a_drag_shows_something_near_all_the_time() {
    let mut medium = medium();
    medium.keyframe = Some(Duration::from_millis(25));
    let mut rig = Rig::paused(medium);
    let from = rig.seen.len();
    // Half a GOP a tenth of a second, one move a refresh: 20 s of source in 4 s.
    for step in 0..240 {
        scrub(&mut rig, step * 599 / 239);
        rig.run_for(REFRESH);
        let snapshot = rig.snapshot();
        if let Some(near) = snapshot.approximate {
            assert!((near.0 - snapshot.position.0).abs() <= GOP);
        }
    }
    let keyframes = rig.seen[from..]
        .iter()
        .filter(|seen| seen.index.0 % GOP == 0);
    assert!(keyframes.count() >= 9, "{:?}", &rig.seen[from..]);
    rig.send(Command::EndScrub);
    rig.run_for(Duration::from_secs(2));
    assert_eq!(rig.on_screen().index, FrameIndex(599));
}

#[test]
fn a_quick_decoder_needs_no_stand_in() {
    let mut quick = medium().costing(Cost::micros(100, 500));
    quick.kept.insert(0);
    let mut rig = Rig::paused(quick);
    for number in [100, 170, 430, 515] {
        scrub(&mut rig, number);
        rig.run_for(Duration::from_millis(200));
    }
    let from = rig.seen.len();
    for number in [30, 95, 190, 333, 444, 20] {
        scrub(&mut rig, number);
        rig.run_for(Duration::from_millis(45));
        assert_eq!(rig.on_screen().index, FrameIndex(number));
    }
    assert_eq!(exact_since(&rig, from).len(), rig.seen.len() - from);
}

#[test]
fn over_a_proxy_every_target_gets_its_own_picture() {
    let mut rig = Rig::paused(medium().with_rungs(0, &[Cost::micros(300, 20_000)]));
    scrub(&mut rig, 100);
    rig.run_for(Duration::from_millis(400));
    assert_eq!(rig.snapshot().quality.rung, Some(Rung::Half));
    let from = rig.seen.len();
    for number in [30, 95, 190, 333, 444, 20] {
        scrub(&mut rig, number);
        rig.run_for(REFRESH * 2);
        assert_eq!(rig.on_screen().index, FrameIndex(number));
    }
    assert_eq!(exact_since(&rig, from), [30, 95, 190, 333, 444, 20]);
}

#[test]
fn what_played_plays_on_from_where_the_playhead_was_let_go_of() {
    for kept in [0..0, 0..600] {
        let mut rig = playing(keeping(kept));
        scrub(&mut rig, 400);
        rig.run_for(Duration::from_millis(50));
        scrub(&mut rig, 150);
        rig.run_for(Duration::from_millis(1_700));
        assert_eq!(rig.on_screen().index, FrameIndex(150), "it is held");
        let snapshot = rig.snapshot();
        assert_eq!(
            (snapshot.status, snapshot.scrubbing),
            (PlaybackStatus::Playing, true)
        );
        assert!(!rig.session.prefetches());
        let from = rig.seen.len() - 1;
        rig.send(Command::EndScrub);
        rig.run_for(Duration::from_millis(1_500));
        let shown = exact_since(&rig, from);
        assert!(shown.len() > 30, "{shown:?}");
        assert_eq!(shown, (150..).take(shown.len()).collect::<Vec<_>>());
        assert_eq!(rig.snapshot().status, PlaybackStatus::Playing);
        assert!(!rig.snapshot().scrubbing && rig.session.prefetches());
        // Paused in hand, it stays where it is let go of.
        scrub(&mut rig, 300);
        rig.send(Command::TogglePause);
        rig.send(Command::EndScrub);
        rig.run_for(Duration::from_secs(2));
        assert_eq!(rig.snapshot().status, PlaybackStatus::Paused);
        assert_eq!(rig.on_screen().index, FrameIndex(300));
        // And the other way round.
        scrub(&mut rig, 310);
        rig.send(Command::Play);
        rig.send(Command::EndScrub);
        rig.run_for(Duration::from_secs(2));
        assert!(rig.on_screen().index.0 > 330);
    }
}

#[test]
fn a_click_while_it_plays_lets_it_play_on_there() {
    let mut rig = playing(medium());
    for number in [300, 20, 530, 121] {
        scrub(&mut rig, number);
        rig.send(Command::EndScrub);
        rig.run_for(Duration::from_millis(1_800));
        assert_eq!(rig.snapshot().status, PlaybackStatus::Playing);
        let now = rig.on_screen().index.0;
        assert!((number + 5..number + 60).contains(&now), "{number}: {now}");
    }
    // So do seeks.
    for number in [300, 20, 500] {
        rig.send(Command::Seek(frame(number)));
        rig.run_for(Duration::from_millis(1_800));
        assert_eq!(rig.snapshot().status, PlaybackStatus::Playing);
        assert!(rig.on_screen().index.0 > number);
    }
}

#[test]
fn a_jump_in_mid_play_shows_what_is_near_until_it_plays_there() {
    let click: &[fn(i64) -> Command] = &[|to| Command::Scrub(frame(to)), |_| Command::EndScrub];
    let seek: &[fn(i64) -> Command] = &[|to| Command::Seek(frame(to))];
    for jump in [click, seek] {
        let mut rig = playing(medium());
        // Up to a second of decoding each: behind the middle of a GOP, before it, and at its end.
        for number in [289, 140, 539] {
            let (sent, from) = (rig.now(), rig.seen.len());
            for command in jump {
                rig.send(command(number));
            }
            rig.run_for(Duration::from_millis(70));
            let shown = rig.seen[from];
            assert_eq!(shown.origin, Origin::StandIn, "{number}");
            assert!(shown.presented.since(sent) <= Duration::from_millis(60));
            let shown = rig.on_screen();
            assert!((shown.index.0 - number).abs() <= GOP, "{shown:?}");
            let snapshot = rig.snapshot();
            assert_eq!(snapshot.approximate, Some(shown.index));
            assert_eq!(
                (snapshot.position.0, snapshot.status),
                (number, PlaybackStatus::Playing)
            );
            rig.run_for(Duration::from_secs(2));
            let played = exact_since(&rig, from);
            let expected = (number..).take(played.len()).collect::<Vec<_>>();
            assert_eq!(played, expected);
            assert!(played.len() > 20, "{played:?}");
            assert_eq!(rig.snapshot().approximate, None);
        }
    }
}

#[test]
fn what_is_decoded_soon_has_nothing_stand_in_for_it_in_mid_play() {
    let mut quick = medium().costing(Cost::micros(100, 500));
    quick.kept.insert(0);
    let mut rig = playing(quick);
    for number in [100, 170, 430, 515] {
        rig.send(Command::Seek(frame(number)));
        rig.run_for(Duration::from_millis(200));
    }
    let from = rig.seen.len();
    for number in [30, 95, 333, 20] {
        rig.send(Command::Seek(frame(number)));
        rig.run_for(Duration::from_millis(45));
        assert!(rig.on_screen().index.0 >= number);
        rig.run_for(Duration::from_millis(300));
    }
    assert_eq!(exact_since(&rig, from).len(), rig.seen.len() - from);
}

#[test]
fn play_from_a_frame_on_screen_puts_nothing_before_it() {
    let mut rig = Rig::paused(medium());
    rig.send(Command::Seek(frame(140)));
    rig.run_for(Duration::from_secs(3));
    assert_eq!(rig.on_screen().index, FrameIndex(140));
    // Reverse needs another plan, which takes its time.
    let from = rig.seen.len();
    rig.send(Command::Shuttle(-1));
    rig.run_for(Duration::from_secs(4));
    let shown = exact_since(&rig, from);
    assert_eq!(shown.len(), rig.seen.len() - from, "nothing stood in");
    assert!(shown.len() > 5 && shown[0] <= 140, "{shown:?}");
}

#[test]
fn marks_and_loops_hold_after_a_drag() {
    for kept in [0..0, 0..600] {
        let mut medium = keeping(kept);
        // A jump back must not take longer than what waits in the ring.
        medium.gop = 10;
        let mut rig = playing(medium);
        rig.send(Command::SetLoop(LoopMode::Loop));
        rig.send(Command::SetIn(Some(FrameIndex(100))));
        rig.send(Command::SetOut(Some(FrameIndex(129))));
        scrub(&mut rig, 300);
        rig.run_for(Duration::from_millis(100));
        scrub(&mut rig, 120);
        rig.run_for(Duration::from_secs(2));
        let from = rig.seen.len() - 1;
        rig.send(Command::EndScrub);
        rig.run_for(Duration::from_millis(2_500));
        let shown = exact_since(&rig, from);
        let looped = (120..130).chain((100..130).cycle());
        assert_eq!(shown, looped.take(shown.len()).collect::<Vec<_>>());
        assert!(shown.len() > 45, "{shown:?}");
    }
}

#[test]
fn over_a_timeline_thumbnails_stand_in_and_where_there_are_none_frames_are_decoded_at_once() {
    let timeline = |thumbnails: &[i64]| SimMedia {
        hides_gops: true,
        keyframe: None,
        thumbnails: thumbnails.to_vec(),
        ..medium()
    };
    let mut rig = Rig::paused(timeline(&[120, 200]));
    scrub(&mut rig, 150);
    let plans = rig.session.plans().len();
    for (number, near) in [(140, 120), (170, 200), (130, 120)] {
        let sent = rig.now();
        scrub(&mut rig, number);
        rig.run_for(REFRESH);
        let shown = rig.on_screen();
        assert_eq!((shown.index.0, shown.origin), (near, Origin::StandIn));
        assert!(shown.presented.since(sent) <= Duration::from_millis(16));
        assert_eq!(rig.snapshot().approximate, Some(FrameIndex(near)));
    }
    assert_eq!(rig.session.plans().len(), plans, "it does not rest");
    rig.run_for(Duration::from_secs(2));
    assert_eq!(rig.on_screen().index, FrameIndex(130));
    assert_eq!(rig.snapshot().approximate, None);
    // Farther than a GOP from any thumbnail.
    scrub(&mut rig, 500);
    assert_eq!(rig.session.plans().last().unwrap().start, FrameIndex(500));
}

#[test]
fn what_is_kept_around_the_playhead_is_told() {
    let mut medium = keeping(200..300);
    medium.kept.extend([310, 311, 590]);
    let mut rig = Rig::paused(medium);
    let kept = |rig: &Rig| -> Vec<(i64, i64)> {
        let snapshot = rig.snapshot();
        let stretches = snapshot.kept.iter();
        stretches.map(|kept| (kept.start.0, kept.end.0)).collect()
    };
    rig.run_for(Duration::from_secs(1));
    assert_eq!(kept(&rig), [(200, 241)], "as far as it is near");
    rig.send(Command::Seek(frame(300)));
    rig.run_for(Duration::from_secs(1));
    assert_eq!(kept(&rig), [(200, 300), (310, 312)]);
}

#[test]
fn a_device_that_is_lost_in_a_drag_costs_one_picture() {
    let mut rig = Rig::paused(keeping(200..300));
    scrub(&mut rig, 210);
    rig.run_for(REFRESH);
    rig.loses_device = true;
    scrub(&mut rig, 220);
    rig.run_for(REFRESH);
    assert_eq!(rig.on_screen().index, FrameIndex(210));
    assert_eq!(rig.summary().count(FrameFate::Dropped), 1);
    for number in [230, 240] {
        scrub(&mut rig, number);
        rig.run_for(REFRESH);
        assert_eq!(rig.on_screen().index, FrameIndex(number));
    }
    rig.send(Command::EndScrub);
    rig.run_for(Duration::from_secs(1));
    assert_eq!(rig.snapshot().position, FrameIndex(240));
}

#[test]
fn another_file_ends_a_drag() {
    let shelf = vec![medium().named("a"), medium().named("b")];
    let mut rig = Rig::new(RigOptions {
        shelf,
        ..RigOptions::playing(medium(), Display::new(60, 1))
    });
    rig.run_for(Duration::from_millis(500));
    scrub(&mut rig, 400);
    rig.run_for(Duration::from_millis(70));
    rig.send(Command::PlaylistStep(1));
    rig.send(Command::EndScrub);
    rig.run_for(Duration::from_secs(2));
    let snapshot = rig.snapshot();
    assert_eq!((snapshot.playlist_index, snapshot.approximate), (1, None));
    assert!(!snapshot.scrubbing);
    assert!(rig.on_screen().index.0 > 20);
}

#[test]
fn seeks_and_steps_back_find_what_is_kept() {
    let mut rig = Rig::paused(keeping(100..200));
    let plans = rig.session.plans().len();
    let mut answered = |command: Command, number: i64| {
        let sent = rig.now();
        rig.send(command);
        rig.run_for(Duration::from_millis(100));
        let shown = rig.on_screen();
        assert_eq!(shown.index, FrameIndex(number));
        assert!(shown.presented.since(sent) <= Duration::from_millis(16));
        rig.session.plans().len()
    };
    assert_eq!(answered(Command::Seek(frame(150)), 150), plans);
    for n in 1..=10 {
        assert_eq!(answered(Command::Step(-1), 150 - n), plans);
    }
    assert_eq!(answered(Command::SeekByMillis(1_000), 170), plans);
    assert_eq!(answered(Command::Step(-10), 160), plans);
    // Play begins there, with each frame once.
    let from = rig.seen.len();
    rig.send(Command::Play);
    rig.run_for(Duration::from_secs(2));
    let shown = exact_since(&rig, from);
    assert!(shown.len() > 30);
    assert_eq!(shown, (160..).take(shown.len()).collect::<Vec<_>>());
}

#[test]
fn grains_of_sound_follow_the_playhead() {
    let mut rig = Rig::paused(medium());
    assert!(rig.sound.0.lock().plans.is_empty());
    for number in 0..40 {
        scrub(&mut rig, 100 + number);
        rig.run_for(Duration::from_millis(25));
    }
    let grains = rig.sound.0.lock().plans.clone();
    // A second of moves: each grain is made, heard after the card's delay, and heard out.
    assert!((6..=12).contains(&grains.len()), "{}", grains.len());
    let medium = medium();
    for grain in &grains {
        let lasts = grain.map.end - grain.map.start;
        assert!(lasts >= MediaSpan::from_millis(40) && lasts <= MediaSpan::from_millis(60));
        let place = (100..140).find(|&number| medium.time_of(number) == grain.map.start);
        assert!(place.is_some(), "{grain:?}");
    }
    let heard_to = |rig: &Rig, at: Moment| rig.sound.heard(at);
    rig.run_for(Duration::from_secs(1));
    assert!(
        heard_to(&rig, rig.now()).is_none(),
        "the last grain is over"
    );
    // Steps are heard as well.
    rig.send(Command::Step(1));
    rig.run_for(Duration::from_secs(1));
    assert!(rig.sound.0.lock().plans.len() > grains.len());
    // And nothing is, once it is switched off.
    rig.send(Command::SetScrubSound(false));
    let before = rig.sound.0.lock().plans.len();
    for number in [20, 40, 60] {
        scrub(&mut rig, number);
        rig.send(Command::Step(1));
        rig.run_for(Duration::from_millis(300));
    }
    assert_eq!(rig.sound.0.lock().plans.len(), before);
    assert!(!rig.snapshot().scrub_sound);
}

#[test]
fn a_playhead_held_at_rest_costs_nothing() {
    let mut rig = Rig::paused(medium());
    scrub(&mut rig, 150);
    rig.run_for(Duration::from_secs(3));
    let before = rig.ticks;
    rig.run_for(Duration::from_mins(1));
    assert!(rig.ticks - before <= 2, "{} rounds", rig.ticks - before);
}

//! Which sessions live, and what they are asked for.

use super::*;

#[test]
fn the_sessions_of_the_next_clips_wait_with_full_rings() {
    let mut rig = Rig::new(&cuts());
    rig.worker
        .take(plan(0, CUTS_FRAMES - 1, false, LoopMode::Off));
    rig.settle();
    // The first 50 frames reach into the second clip: two seconds are looked ahead.
    let scripts = rig.scripts.lock();
    let full = |name: char| {
        scripts.iter().any(|script| {
            let script = script.lock();
            let fill = script.ring.fill();
            script.source == u32::from(name)
                && fill.load(std::sync::atomic::Ordering::Relaxed) == script.ring.capacity()
        })
    };
    assert!(full('a') && full('b'));
}

#[test]
fn a_loop_has_its_first_clip_ready_at_the_seam() {
    let mut rig = Rig::new(&timeline(vec![vec![clip("a", 5, 40, Vec::new())]]));
    let played = rig.play(plan(0, 39, false, LoopMode::Loop), 200);
    assert_right(&rig, &played);
    assert_eq!(played[40].index, FrameIndex::ZERO);
    assert_eq!(rig.live(), 2, "two sessions take turns");
    let turned = VideoPlan {
        generation: Generation(2),
        ..plan(0, 39, false, LoopMode::PingPong)
    };
    let played = rig.play(turned, 200);
    assert_right(&rig, &played);
}

#[test]
fn seeks_use_the_sessions_there_are() {
    let mut rig = Rig::new(&cuts());
    let mut seed = 7u64;
    for turn in 0..200u64 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let target = i64::try_from((seed >> 33) % u64::try_from(CUTS_FRAMES).unwrap()).unwrap();
        let plan = VideoPlan {
            generation: Generation(turn + 1),
            ..plan(target, CUTS_FRAMES - 1, turn % 3 == 2, LoopMode::Off)
        };
        let played = rig.play(plan, 1 + usize::try_from(turn % 5).unwrap());
        assert_eq!(played[0].index, FrameIndex(target));
        assert_right(&rig, &played);
        assert!(rig.live() <= 8, "{} sessions live", rig.live());
    }
}

#[test]
fn frames_that_a_session_gives_up_are_counted() {
    let mut rig = Rig::new(&timeline(vec![vec![clip("a", 0, 100, Vec::new())]]));
    let first = rig.play(plan(0, 99, false, LoopMode::Off), 10);
    assert_right(&rig, &first);
    rig.scripts.lock()[0].lock().gives_up = 5;
    let mut rest = Vec::new();
    loop {
        rig.settle();
        match rig.ring.pop() {
            Some(RingItem::Frame(frame)) => rest.push(frame),
            Some(RingItem::End { .. }) => break,
            None => panic!("the worker waits for ever"),
        }
    }
    assert_right(&rig, &rest);
    let given_up: u32 = rest.iter().map(|frame| frame.given_up).sum();
    assert_eq!((given_up, rest.len()), (5, 85));
}

#[test]
fn nothing_is_shown_before_all_layers_are_there() {
    let mut rig = Rig::new(&cuts());
    *rig.allowed.lock() = false;
    rig.worker.take(plan(0, 9, false, LoopMode::Off));
    rig.settle();
    assert!(rig.ring.is_empty());
    *rig.allowed.lock() = true;
    rig.settle();
    assert!(!rig.ring.is_empty());
}

#[test]
fn sessions_that_would_cost_too_much_are_not_opened_ahead() {
    let shots = ["a", "b", "c", "d"].map(|name| clip(name, 0, 10, Vec::new()));
    let edit = timeline(vec![shots.into()]);
    // What plays now needs its session whatever it costs, and one waits for the next cut.
    for (sessions, bytes, most) in [(6, u64::MAX, 4), (2, u64::MAX, 2), (6, 0, 2)] {
        let mut rig = Rig::within(
            &edit,
            Limits {
                sessions,
                bytes,
                threads: usize::MAX,
                threads_each: 1,
                preparing_pixels: u64::MAX,
            },
        );
        let played = rig.play(plan(0, 39, false, LoopMode::Off), 5);
        assert!(rig.live() <= most, "{} live", rig.live());
        assert_right(&rig, &played);
        let rest = rig.play_on(plan(0, 39, false, LoopMode::Off), usize::MAX);
        assert_eq!(rest.len(), 35);
        assert_right(&rig, &rest);
        assert!(rig.live() <= most, "{} live", rig.live());
    }
}

#[test]
fn clips_are_made_ready_one_after_another_where_the_processor_has_no_time_for_more() {
    let shots = ["a", "b", "c", "d"].map(|name| clip(name, 0, 10, Vec::new()));
    let edit = timeline(vec![shots.into()]);
    for (preparing_pixels, at_once) in [(u64::MAX, 4), (0, 2)] {
        let mut rig = Rig::within(
            &edit,
            Limits {
                sessions: 6,
                bytes: u64::MAX,
                threads: usize::MAX,
                threads_each: 1,
                preparing_pixels,
            },
        );
        // Before any of them has come to its frame: that which plays, and that which comes next.
        rig.worker.take(plan(0, 39, false, LoopMode::Off));
        for _ in 0..10 {
            rig.worker.step();
        }
        assert_eq!(rig.live(), at_once);
        // All are ready in the end, and all is played.
        rig.settle();
        assert_eq!(rig.live(), 4);
        let played = rig.play_on(plan(0, 39, false, LoopMode::Off), usize::MAX);
        assert_eq!(played.len(), 40);
        assert_right(&rig, &played);
    }
}

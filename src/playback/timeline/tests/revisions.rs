//! The next revision of an edit, while it plays.

use super::*;

fn shots(names: &[&str]) -> Timeline {
    let shots = names.iter().map(|name| clip(name, 0, 20, Vec::new()));
    timeline(vec![shots.collect()])
}

fn opened(rig: &Rig) -> Vec<u32> {
    let scripts = rig.scripts.lock();
    scripts.iter().map(|script| script.lock().source).collect()
}

fn plans(rig: &Rig, medium: &str) -> usize {
    let number = u32::from(medium.as_bytes()[0]);
    let scripts = rig.scripts.lock();
    let of_medium = scripts
        .iter()
        .filter(|script| script.lock().source == number);
    of_medium.map(|script| script.lock().plans.len()).sum()
}

fn revise(rig: &mut Rig, timeline: &Timeline) {
    let media = media_of(timeline);
    rig.edit = Arc::clone(&media.edit);
    rig.worker.revise(media);
}

#[test]
fn an_edit_elsewhere_leaves_what_plays_alone() {
    let mut rig = Rig::new(&shots(&["a", "b", "c"]));
    let whole = plan(0, 79, false, LoopMode::Off);
    let whole = VideoPlan {
        last: None,
        ..whole
    };
    let before = rig.play(whole, 5);
    let (begun, aimed) = (opened(&rig), plans(&rig, "a"));
    // Another medium goes before `c` and gives the others new numbers; `a` plays on under the same plan.
    revise(&mut rig, &shots(&["a", "b", "z", "c"]));
    let after = rig.play_on(whole, usize::MAX);
    let indices: Vec<i64> = before
        .iter()
        .chain(&after)
        .map(|frame| frame.index.0)
        .collect();
    assert_eq!(indices, (0..80).collect::<Vec<_>>());
    for frame in &after {
        assert_eq!(
            shown(frame),
            rig.wanted(frame.index),
            "frame {}",
            frame.index
        );
    }
    assert_eq!(plans(&rig, "a"), aimed, "what plays was not aimed anew");
    let all = opened(&rig);
    assert_eq!(all[..begun.len()], begun);
    let count = |name: &str| {
        all.iter()
            .filter(|&&n| n == u32::from(name.as_bytes()[0]))
            .count()
    };
    for name in ["a", "b", "z", "c"] {
        assert_eq!(count(name), 1, "{name} was opened once");
    }
}

#[test]
fn media_that_are_used_no_more_are_closed() {
    let mut rig = Rig::new(&shots(&["a", "b"]));
    let whole = plan(0, 39, false, LoopMode::Off);
    let _some = rig.play(whole, 10);
    assert_eq!(rig.live(), 2, "the next clip is ready");
    revise(&mut rig, &shots(&["b", "b"]));
    assert_eq!(rig.live(), 1);
    let again = VideoPlan {
        generation: Generation(2),
        start: FrameIndex(10),
        ..whole
    };
    let played = rig.play(again, usize::MAX);
    assert_eq!(played.len(), 30);
    for frame in &played {
        assert_eq!(
            shown(frame),
            rig.wanted(frame.index),
            "frame {}",
            frame.index
        );
    }
}

#[test]
fn what_was_being_opened_for_the_edit_before_is_closed_when_it_comes() {
    let mut rig = Rig::new(&shots(&["a", "b"]));
    *rig.allowed.lock() = false;
    rig.worker.take(plan(0, 39, false, LoopMode::Off));
    rig.settle();
    revise(&mut rig, &shots(&["c", "b"]));
    *rig.allowed.lock() = true;
    let played = rig.play_on(plan(0, 39, false, LoopMode::Off), usize::MAX);
    assert_eq!(played.len(), 40);
    for frame in &played {
        assert_eq!(
            shown(frame),
            rig.wanted(frame.index),
            "frame {}",
            frame.index
        );
    }
    let scripts = rig.scripts.lock();
    let a = scripts
        .iter()
        .find(|script| script.lock().source == u32::from(b'a'));
    assert!(a.is_some_and(|script| script.lock().closed));
}

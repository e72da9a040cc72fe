//! What is decoded of each clip, and when that is told.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::decode::{ClipChooser, ClipLook, ClipUse};

/// Chooses by the medium; notes what it was asked.
#[derive(Default)]
struct ByMedium {
    /// What is chosen for each; the source for others.
    rungs: Mutex<Vec<(u64, Rung)>>,
    asked: Mutex<Vec<(FrameIndex, u64, usize, ClipUse)>>,
    revision: AtomicU64,
}

impl ClipChooser for ByMedium {
    fn choose(&self, clip: &ClipLook, what_for: ClipUse) -> Rung {
        let asked = (clip.at, clip.key, clip.layers, what_for);
        self.asked.lock().push(asked);
        let rungs = self.rungs.lock();
        let own = rungs.iter().find(|(key, _)| *key == clip.key);
        own.map_or(Rung::Source, |(_, rung)| *rung)
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }
}

impl Rig {
    fn steered(timeline: &Timeline) -> (Self, Arc<ByMedium>) {
        let rig = Self::new(timeline);
        rig.shared.at_hand.begin(&Arc::new(media_of(timeline)));
        let chooser = Arc::new(ByMedium::default());
        let shared = Arc::clone(&chooser);
        rig.shared.steering.set_chooser(shared);
        (rig, chooser)
    }

    /// The name by which a medium's costs are remembered.
    fn key_of(&self, name: char) -> u64 {
        let sources = self.edit.sources().iter();
        let mut of_name = sources.filter(|source| medium_number(source) == u32::from(name));
        ClipMedia::new(stream(), of_name.next().unwrap()).key()
    }

    /// What the sessions of a medium were asked for, and after how many plans.
    fn asked_of(&self, name: char) -> Vec<Vec<(Rung, usize)>> {
        let scripts = self.scripts.lock();
        let of_name = scripts
            .iter()
            .filter(|script| script.lock().source == u32::from(name));
        of_name.map(|script| script.lock().asked.clone()).collect()
    }
}

fn turns() -> Timeline {
    let names = ["a", "b", "a", "b", "a"];
    let clips = names
        .iter()
        .zip(0_i64..)
        .map(|(name, turn)| clip(name, turn * 30, 30, Vec::new()));
    timeline(vec![clips.collect()])
}

#[test]
fn each_clip_is_chosen_for_before_its_first_plan() {
    let (mut rig, chooser) = Rig::steered(&turns());
    chooser.rungs.lock().push((rig.key_of('a'), Rung::Half));
    let played = rig.play(plan(0, 149, false, LoopMode::Off), usize::MAX);
    assert_eq!(played.len(), 150);
    assert_right(&rig, &played);
    for asked in rig.asked_of('a') {
        assert_eq!(
            asked,
            [(Rung::Half, 0)],
            "before any plan, and no more often"
        );
    }
    assert!(
        rig.asked_of('b').iter().all(Vec::is_empty),
        "it is what they decode anyway"
    );
    let asked = chooser.asked.lock();
    let begins = |at: i64| asked.iter().filter(move |(frame, ..)| frame.0 == at);
    assert!(begins(0).all(|(.., what_for)| *what_for == ClipUse::Now));
    for cut in [30, 60, 90, 120] {
        assert!(begins(cut).count() > 0, "nobody was asked at {cut}");
        assert!(begins(cut).all(|(.., what_for)| *what_for == ClipUse::Coming));
    }
}

#[test]
fn other_wishes_hold_for_clips_that_wait() {
    let (mut rig, chooser) = Rig::steered(&turns());
    rig.play(plan(0, 149, false, LoopMode::Off), 5);
    assert!(rig.asked_of('b').iter().all(Vec::is_empty));
    chooser.rungs.lock().push((rig.key_of('b'), Rung::Quarter));
    chooser.revision.fetch_add(1, Ordering::Relaxed);
    rig.settle();
    let asked = rig.asked_of('b');
    let mut rungs = asked.iter().flatten().map(|(rung, _)| *rung);
    assert_eq!(rungs.next(), Some(Rung::Quarter));
}

#[test]
fn what_is_asked_for_a_frame_goes_to_its_clips_alone() {
    let (mut rig, _) = Rig::steered(&turns());
    rig.play(plan(0, 149, false, LoopMode::Off), 5);
    rig.shared.steering.ask(FrameIndex(3), Rung::Half);
    rig.settle();
    let asked: Vec<Rung> = rig
        .asked_of('a')
        .concat()
        .iter()
        .map(|(rung, _)| *rung)
        .collect();
    assert_eq!(asked, [Rung::Half]);
    assert!(rig.asked_of('b').iter().all(Vec::is_empty));
    // The handle sees it, of the frame that is composed and of the one that waits.
    let look = |frame| {
        let (layers, _) = rig.shared.at_hand.layers(FrameIndex(frame));
        rig.shared.steering.of_clip(layers[0].clip).unwrap()
    };
    assert_eq!((look(3).asked, look(40).asked), (Rung::Half, Rung::Source));
    assert!(look(3).is_present && !look(40).is_present);
}

#[test]
fn what_was_asked_for_a_moment_ago_is_known_before_the_thread_has_heard_of_it() {
    let (mut rig, _) = Rig::steered(&turns());
    rig.play(plan(0, 149, false, LoopMode::Off), 5);
    let shows = |rig: &Rig, frame| rig.shared.shows_proxies(FrameIndex(frame));
    assert!(!shows(&rig, 3));
    rig.shared.steering.ask(FrameIndex(3), Rung::Half);
    assert!(shows(&rig, 3) && !shows(&rig, 40));
    rig.settle();
    assert!(shows(&rig, 3));
    rig.shared.steering.ask(FrameIndex(3), Rung::Source);
    assert!(!shows(&rig, 3), "what is kept may be shown at once");
}

#[test]
fn sides_of_a_comparison_are_told_together_and_are_one_clip() {
    let edit = timeline(vec![
        vec![clip("a", 0, 60, Vec::new())],
        vec![clip("b", 0, 60, Vec::new())],
    ]);
    let (mut rig, chooser) = Rig::steered(&edit);
    rig.worker.revise(TimelineMedia {
        is_comparison: true,
        ..media_of(&edit)
    });
    let played = rig.play(plan(0, 59, false, LoopMode::Off), 10);
    assert_right(&rig, &played);
    rig.shared.steering.ask(FrameIndex(12), Rung::Quarter);
    rig.settle();
    for name in ['a', 'b'] {
        let asked = rig.asked_of(name).concat();
        assert_eq!(
            asked.last().map(|(rung, _)| *rung),
            Some(Rung::Quarter),
            "{name}"
        );
    }
    let asked = chooser.asked.lock();
    let keys: Vec<u64> = asked
        .iter()
        .filter(|(_, _, layers, _)| *layers == 2)
        .map(|it| it.1)
        .collect();
    assert!(!keys.is_empty() && keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn where_frames_are_left_out_the_one_before_stays_and_nothing_is_sought() {
    for (rung, every) in [(Rung::Thinned, 2), (Rung::Keyframes, 25)] {
        let (mut rig, chooser) = Rig::steered(&timeline(vec![vec![clip("a", 0, 150, Vec::new())]]));
        chooser.rungs.lock().push((rig.key_of('a'), rung));
        let played = rig.play(plan(3, 149, false, LoopMode::Off), usize::MAX);
        assert_eq!(played.len(), 147);
        for frame in &played {
            let number = frame.index.0;
            let begins = number - number % every;
            // The first of the plan is exact, and stays until one comes that is not left out.
            assert_eq!(
                shown(frame),
                [(u32::from('a'), begins.max(3))],
                "{rung:?} {number}"
            );
        }
        assert_eq!(rig.scripts.lock()[0].lock().plans.len(), 1);
        // A new plan begins exactly, wherever the session stands.
        let again = VideoPlan {
            generation: Generation(2),
            ..plan(141, 149, false, LoopMode::Off)
        };
        let played = rig.play(again, 1);
        assert_eq!(shown(&played[0]), [(u32::from('a'), 141)]);
    }
}

#[test]
fn a_plan_begins_exactly_after_frames_were_left_out_for_a_while() {
    let (mut rig, _) = Rig::steered(&timeline(vec![vec![clip("a", 0, 150, Vec::new())]]));
    rig.play(plan(0, 149, false, LoopMode::Off), 10);
    rig.shared.steering.ask(FrameIndex(10), Rung::Thinned);
    let played = rig.play_on(plan(0, 149, false, LoopMode::Off), 20);
    let held = played.last().unwrap().index;
    assert_eq!(held.0 % 2, 1, "{held} is left out");
    assert_eq!(
        shown(played.last().unwrap()),
        [(u32::from('a'), held.0 - 1)]
    );
    // As a pause does: the source is asked for, and the frame again.
    rig.shared.steering.ask(held, Rung::Source);
    let again = VideoPlan {
        generation: Generation(2),
        ..plan(held.0, 149, false, LoopMode::Off)
    };
    let played = rig.play(again, 5);
    for frame in &played {
        assert_eq!(shown(frame), [(u32::from('a'), frame.index.0)]);
    }
}

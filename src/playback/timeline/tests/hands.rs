//! A hand that drags the playhead over clips.

use super::*;
use crate::decode::{IndexBuilder, PacketStamp};
use crate::playback::timeline::stills::AtHand;
use crate::timeline::SourceId;

impl Rig {
    /// The playhead rests at `frame`, and then a hand takes hold of it.
    fn held_at(frame: i64) -> Self {
        let mut rig = Self::new(&cuts());
        let held = rig.play(plan(frame, CUTS_FRAMES - 1, false, LoopMode::Off), 1);
        assert_eq!(held[0].index, FrameIndex(frame));
        rig.worker.abandon();
        rig
    }

    fn hand(&mut self, frame: i64, reverse: bool) {
        let frame = FrameIndex(frame);
        *self.shared.hand.lock() = Some(Hand { frame, reverse });
        self.settle();
    }

    /// What the sessions of a medium that live were told of the hand last, and where their last plans began.
    fn told(&self, medium: char) -> Vec<(Option<(i64, bool)>, i64)> {
        let scripts = self.scripts.lock();
        let of_medium = scripts.iter().filter_map(|script| {
            let script = script.lock();
            let is_it = script.source == u32::from(medium) && !script.closed;
            let hand = script.hands.last().map(|hand| (hand.frame.0, hand.reverse));
            let plan = script.plans.last().map_or(-1, |plan| plan.start.0);
            is_it.then_some((hand, plan))
        });
        of_medium.collect()
    }
}

#[test]
fn the_session_under_the_hand_hears_of_it_in_its_own_frames() {
    let mut rig = Rig::held_at(5);
    rig.hand(8, false);
    assert_eq!(rig.told('a'), [(Some((18, false)), 15)]);
    rig.hand(6, true);
    assert_eq!(rig.told('a'), [(Some((16, true)), 15)]);
    // A plan ends it.
    *rig.shared.hand.lock() = None;
    let next = VideoPlan {
        generation: Generation(2),
        ..plan(7, CUTS_FRAMES - 1, false, LoopMode::Off)
    };
    let played = rig.play(next, 3);
    assert_right(&rig, &played);
}

#[test]
fn over_a_cut_the_clip_on_its_other_side_is_ready_and_hears_of_the_hand() {
    let mut rig = Rig::held_at(20);
    // Twelve frames ahead of the hand lies the second frame of the next clip.
    rig.hand(19, false);
    assert!(rig.told('b').contains(&(Some((1, false)), 0)));
    rig.hand(34, false);
    assert!(rig.told('b').contains(&(Some((4, false)), 0)));
    assert_eq!(rig.told('a')[0].0, Some((29, false)), "it was left behind");
    // Backwards it is the clip before that comes next.
    rig.hand(33, true);
    assert!(rig.told('b').contains(&(Some((3, true)), 0)));
    assert_eq!(rig.told('a')[0].0, Some((31, true)));
}

#[test]
fn a_session_whose_plan_is_elsewhere_is_given_another_one() {
    let mut rig = Rig::held_at(5);
    assert_eq!(rig.told('a'), [(None, 15)]);
    // The same medium, cut to a later part of it.
    rig.hand(85, false);
    assert_eq!(rig.told('a'), [(None, 65)]);
    rig.hand(82, true);
    assert_eq!(rig.told('a'), [(Some((62, true)), 65)]);
}

#[test]
fn a_clip_that_was_not_opened_yet_hears_of_the_hand_when_it_is() {
    let mut rig = Rig::held_at(5);
    *rig.allowed.lock() = false;
    rig.hand(115, false);
    assert!(rig.told('c').is_empty());
    *rig.allowed.lock() = true;
    rig.settle();
    let told = rig.told('c');
    assert_eq!(told.len(), 1, "{told:?}");
    // Clip `c` begins at frame 110 of the timeline with its frame 20.
    assert_eq!(told[0].1, 25);
}

#[test]
fn frames_whose_layers_are_all_kept_are_at_hand() {
    let media = Arc::new(media_of(&cuts()));
    let at_hand = AtHand::default();
    at_hand.begin(&media);
    let cache = crate::cache::FrameCache::new(
        1 << 30,
        Arc::new(SimClock::default()),
        None,
        crate::memory::PressureGauge::default(),
    );
    for (number, stated) in (0_u32..).zip(media.edit.sources()) {
        let identity = crate::decode::FileIdentity {
            bytes: u64::from(number),
            modified_nanos: 0,
            device: 0,
            inode: 0,
        };
        let keeper = cache.keeper(std::path::Path::new(""), identity, StreamId(0));
        // Of `a` the frames 20 to 29 and 84 to 89, of `c` 18 to 21.
        let medium = char::from_u32(medium_number(stated)).unwrap();
        let kept: Vec<i64> = match medium {
            'a' => (20..30).chain(84..90).collect(),
            'c' => (18..22).collect(),
            _ => Vec::new(),
        };
        for frame in kept {
            keeper.put(FrameIndex(frame), &picture(0, frame));
        }
        let known = ClipMedia::new(stream(), stated).kept_by(Some(keeper));
        known.learn(&index(12));
        at_hand.learn(&media, SourceId(number), &Arc::new(known));
    }
    let kept = at_hand.kept(FrameIndex(-20)..FrameIndex(CUTS_FRAMES + 20));
    let kept: Vec<(i64, i64)> = kept
        .iter()
        .map(|stretch| (stretch.start.0, stretch.end.0))
        .collect();
    // The first is all of `a` alone; in the dissolve, frames 105 to 114, both have to be there; at 140 `c` plays
    // at twice the speed from its frame 0.
    assert_eq!(kept, [(10, 20), (104, 105), (108, 110), (149, 151)]);
}

/// An index of all frames with a keyframe every so many.
fn index(gop: i64) -> Arc<GopIndex> {
    let base = TimeBase::new(RATE.1, RATE.0).unwrap();
    let mut builder = IndexBuilder::new(base, rate(), 0);
    for n in 0..FRAMES {
        builder.push(PacketStamp {
            pts: Some(n),
            dts: Some(n),
            duration: 1,
            is_key: n % gop == 0,
            is_discarded: false,
            position: None,
        });
    }
    Arc::new(builder.publish(true))
}

#[test]
fn a_frame_costs_what_its_layers_cost() {
    let media = Arc::new(media_of(&cuts()));
    let at_hand = AtHand::default();
    at_hand.begin(&media);
    let gop = |frame: i64| {
        let gop = at_hand.gop(FrameIndex(frame))?;
        Some((gop.up_to, gop.frames))
    };
    assert_eq!(gop(0), None, "nothing is known of the media");
    for (number, stated) in (0_u32..).zip(media.edit.sources()) {
        let known = ClipMedia::new(stream(), stated);
        known.learn(&index(12));
        at_hand.learn(&media, SourceId(number), &Arc::new(known));
    }
    // Frame 10 of `a` lies in its first GOP.
    assert_eq!(gop(0), Some((11, 12)));
    assert_eq!(gop(2), Some((1, 12)), "a keyframe");
    // Twice as fast, a GOP lasts half as long.
    assert_eq!(gop(140), Some((1, 6)));
    // In the dissolve both are decoded: frames 88 of `a` and 18 of `c`.
    assert_eq!(gop(108), Some((5 + 7, 12)));
}

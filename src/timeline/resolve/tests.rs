//! The compiled edit answers as the reference does.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::random::timeline;
use super::reference::{self, Heard, Seen, SeenOp};
use super::{Edit, Layer, VideoOp, cull};
use crate::time::{FrameIndex, MediaSpan, MediaTime};
use crate::timeline::{Effect, Item, ItemKind, Look, Mix, Timeline};

/// An answer of `edit`, in the words of the reference.
fn in_words(timeline: &Timeline, edit: &Edit, ops: &[VideoOp]) -> Vec<SeenOp> {
    let seen = |layer: &Layer| {
        let clip = edit.clip(layer.clip).unwrap();
        assert_eq!(clip.source, layer.source);
        let item = timeline.item_at(&clip.path).unwrap();
        let ItemKind::Clip(model) = &item.kind else {
            panic!("{:?} is no clip", clip.path);
        };
        if let Some(reference) = model.active_reference() {
            assert_eq!(*edit.source(layer.source).unwrap().reference, *reference);
        }
        Seen {
            path: clip.path.to_vec(),
            reference: model.active_reference().cloned(),
            media: layer.media,
            advance: layer.advance,
            look: layer.look,
            mix: layer.mix,
        }
    };
    ops.iter()
        .map(|op| match op {
            VideoOp::BeginGroup => SeenOp::BeginGroup,
            VideoOp::Layer(layer) => SeenOp::Layer(seen(layer)),
            &VideoOp::EndGroup { look, mix } => SeenOp::EndGroup { look, mix },
        })
        .collect()
}

/// The frames around everything that happens, and some between.
fn telling_frames(edit: &Edit, more: &[u32]) -> Vec<i64> {
    let frames = edit.frames();
    if frames <= 150 {
        return (-1..=frames).collect();
    }
    let pictures = &edit.pictures;
    let fades = pictures.fades.iter().map(|fade| fade.frames);
    let mut telling: Vec<i64> = pictures
        .frames
        .iter()
        .copied()
        .chain(fades)
        .flat_map(|held| [held.first - 1, held.first, held.end - 1, held.end])
        .chain(more.iter().map(|&frame| i64::from(frame) % frames))
        .chain([-1, 0, frames - 1, frames])
        .filter(|frame| (-1..=frames).contains(frame))
        .collect();
    telling.sort_unstable();
    telling.dedup();
    telling
}

fn heard(edit: &Edit, time: MediaTime) -> Vec<Heard> {
    let mut heard: Vec<Heard> = edit
        .audio()
        .iter()
        .filter_map(|used| {
            let piece = used
                .pieces
                .iter()
                .find(|piece| piece.range.contains(time))?;
            assert!(used.range.contains(time));
            let levels = used.fades.iter().map(|fade| fade.level_at(time));
            Some(Heard {
                path: edit.clip(used.clip)?.path.to_vec(),
                media: piece.media_at(time),
                speed: piece.speed,
                level: levels.product::<f32>() * used.gain,
            })
        })
        .collect();
    heard.sort_by(|a, b| a.path.cmp(&b.path));
    heard
}

fn check_pictures(timeline: &Timeline, more: &[u32]) -> Result<(), TestCaseError> {
    let edit = Edit::new(timeline).unwrap();
    let mut ops = Vec::new();
    for frame in telling_frames(&edit, more) {
        edit.video_at(FrameIndex(frame), &mut ops);
        let expected = if (0..edit.frames()).contains(&frame) {
            reference::video_at(timeline, FrameIndex(frame))
        } else {
            Vec::new()
        };
        prop_assert_eq!(in_words(timeline, &edit, &ops), expected, "frame {}", frame);
    }
    Ok(())
}

proptest! {
    #[test]
    fn pictures_are_those_of_the_reference(
        timeline in timeline(),
        more in prop::collection::vec(any::<u32>(), 20),
    ) {
        check_pictures(&timeline, &more)?;
    }

    #[test]
    fn sound_is_that_of_the_reference(
        timeline in timeline(),
        times in prop::collection::vec(0.0..1.0, 60),
    ) {
        let edit = Edit::new(&timeline).unwrap();
        for part in times {
            #[expect(clippy::cast_possible_truncation, reason = "an instant of the timeline")]
            let flicks = (edit.duration().flicks() as f64 * part) as i64;
            let time = MediaTime::from_flicks(flicks);
            let found = heard(&edit, time);
            let expected = reference::audio_at(&timeline, time);
            prop_assert_eq!(found.len(), expected.len(), "{:?} {:?}", &found, &expected);
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert_eq!(&found.path, &expected.path);
                prop_assert_eq!(found.speed, expected.speed);
                // The list rounds where pieces begin, the reference nowhere but at the end.
                let slack = 1 + found.speed.num().abs() / found.speed.den();
                let off = (found.media - expected.media).abs();
                prop_assert!(off <= MediaSpan::from_flicks(slack), "{off:?}");
                prop_assert!((found.level - expected.level).abs() < 1e-4);
            }
        }
    }
}

#[test]
fn random_timelines_have_what_is_hard() {
    let mut runner = TestRunner::deterministic();
    let mut found = [0; 10];
    for _ in 0..400 {
        let timeline = timeline().new_tree(&mut runner).unwrap().current();
        let edit = Edit::new(&timeline).unwrap();
        let mut ops = Vec::new();
        for frame in telling_frames(&edit, &[]) {
            edit.video_at(FrameIndex(frame), &mut ops);
            for op in &ops {
                let VideoOp::Layer(layer) = op else {
                    found[0] += 1;
                    continue;
                };
                found[1] += usize::from(layer.advance < MediaSpan::ZERO);
                found[2] += usize::from(layer.advance == MediaSpan::ZERO);
                found[3] += usize::from(edit.clip(layer.clip).unwrap().path.len() > 3);
                found[4] += usize::from(matches!(layer.mix, Mix::Wipe { .. }));
                found[5] += usize::from(matches!(layer.mix, Mix::Over(weight) if weight < 1.0));
            }
        }
        found[6] += edit
            .audio()
            .iter()
            .filter(|used| used.pieces.len() > 1)
            .count();
        found[7] += edit
            .audio()
            .iter()
            .filter(|used| used.fades.len() > 1)
            .count();
        for used in edit.audio() {
            let path = &*edit.clip(used.clip).unwrap().path;
            let carries = |depth| {
                let item = timeline.item_at(&path[..depth]).unwrap();
                item.effects.contains(&Effect::WithSound)
            };
            found[8] += usize::from(carries(path.len()));
            found[9] += usize::from(path.len() > 3 && (2..path.len()).any(carries));
        }
    }
    assert!(found.iter().all(|&count| count >= 10), "{found:?}");
}

proptest! {
    #[test]
    fn what_has_not_changed_is_the_same(
        timeline in timeline(),
        (other, place) in (timeline(), any::<prop::sample::Index>()),
        more in prop::collection::vec(any::<u32>(), 20),
    ) {
        let old = Edit::new(&timeline).unwrap();
        let again = Edit::new(&timeline).unwrap();
        prop_assert!(again.changed_since(&old).is_empty());
        if old.clips().is_empty() {
            return Ok(());
        }
        // A clip is replaced by the whole of another timeline.
        let path = &place.get(old.clips()).path;
        let edited = timeline.with_item(path, |_| Item::clone(&other.root)).unwrap();
        let new = Edit::new(&edited).unwrap();
        let changes = new.changed_since(&old);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut frames = telling_frames(&old, &more);
        frames.extend(telling_frames(&new, &more));
        for frame in frames.into_iter().map(FrameIndex) {
            let time = timeline.rate.time_of_frame_nearest(frame);
            if changes.picture.iter().any(|range| range.contains(time)) {
                continue;
            }
            old.video_at(frame, &mut before);
            new.video_at(frame, &mut after);
            let before = without_paths(in_words(&timeline, &old, &before));
            let after = without_paths(in_words(&edited, &new, &after));
            prop_assert_eq!(before, after, "{:?} {:?}", frame, &changes);
        }
    }

    #[test]
    fn culling_changes_nothing_that_is_seen(
        timeline in timeline(),
        more in prop::collection::vec(any::<u32>(), 20),
        opaque in any::<u32>(),
    ) {
        let edit = Edit::new(&timeline).unwrap();
        let covers = |layer: &Layer| opaque >> (layer.clip.0 % 32) & 1 == 1;
        let mut ops = Vec::new();
        for frame in telling_frames(&edit, &more) {
            edit.video_at(FrameIndex(frame), &mut ops);
            let all = drawn(&ops, covers);
            let count = ops.len();
            cull(&mut ops, covers);
            prop_assert!(ops.len() <= count);
            let culled = drawn(&ops, covers);
            prop_assert!((all[0] - culled[0]).abs() + (all[1] - culled[1]).abs() < 1e-5);
            let first_covering = ops.iter().position(|op| {
                let full = |layer: &Layer| layer.mix == Mix::FULL && layer.look.opacity >= 1.0;
                matches!(op, VideoOp::Layer(layer) if full(layer) && covers(layer))
            });
            let outside = |at: &usize| {
                let begins = ops[..*at].iter().filter(|op| **op == VideoOp::BeginGroup);
                begins.count() == 0
            };
            prop_assert_eq!(first_covering.filter(outside).unwrap_or(0), 0);
        }
    }
}

/// The same picture may come from another place in the tree.
fn without_paths(mut ops: Vec<SeenOp>) -> Vec<SeenOp> {
    for op in &mut ops {
        if let SeenOp::Layer(seen) = op {
            seen.path.clear();
        }
    }
    ops
}

/// One point of a canvas of one colour component, composed as its definition says: the colour times
/// alpha, and alpha. Clips differ in colour; those that do not cover are half transparent there.
fn drawn(ops: &[VideoOp], covers: impl Fn(&Layer) -> bool) -> [f32; 2] {
    let over = |below: [f32; 2], [color, alpha]: [f32; 2], look: &Look, mix: Mix| {
        let weight = match mix {
            Mix::Over(weight) | Mix::Difference(weight) => weight,
            // The edges cross the point at different times.
            Mix::Wipe { edge, progress } => {
                let arrival = f32::from(edge as u8) / 16.0;
                f32::from(u8::from(progress > arrival))
            }
        };
        let weight = weight * look.opacity;
        let rest = 1.0 - alpha * weight;
        [
            color * weight + below[0] * rest,
            alpha * weight + below[1] * rest,
        ]
    };
    let mut open = vec![[0.0, 0.0]];
    for op in ops {
        match op {
            VideoOp::BeginGroup => open.push([0.0, 0.0]),
            VideoOp::Layer(layer) => {
                let alpha = if covers(layer) { 1.0 } else { 0.5 };
                let color = (f32::from(u8::try_from(layer.clip.0 % 200).unwrap()) + 1.0) / 200.0;
                let below = open.pop().unwrap();
                open.push(over(below, [color * alpha, alpha], &layer.look, layer.mix));
            }
            VideoOp::EndGroup { look, mix } => {
                let group = open.pop().unwrap();
                let below = open.pop().unwrap();
                open.push(over(below, group, look, *mix));
            }
        }
    }
    assert_eq!(open.len(), 1, "groups are balanced");
    open[0]
}

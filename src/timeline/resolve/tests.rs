//! The compiled edit answers as the reference does.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::random::timeline;
use super::reference::{self, Heard, Seen, SeenOp};
use super::{ClipUse, Edit, Layer, VideoOp};
use crate::time::{FrameIndex, MediaSpan, MediaTime};
use crate::timeline::{Item, ItemKind, Timeline};

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
            let piece = used.pieces.iter().find(|piece| piece.range.contains(time))?;
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
fn stats() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut frames, mut layers, mut groups, mut wipes, mut over, mut multi, mut rev, mut still, mut entry, mut audio, mut cuts, mut fades, mut marks, mut deep) =
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,0,0,0);
    for _ in 0..500 {
        let timeline = timeline().new_tree(&mut runner).unwrap().current();
        let edit = Edit::new(&timeline).unwrap();
        let mut ops = Vec::new();
        frames += edit.frames();
        audio += edit.audio().len();
        fades += edit.audio().iter().map(|a| a.fades.len()).sum::<usize>();
        cuts += edit.cuts().len();
        marks += edit.markers().len();
        for f in telling_frames(&edit, &[]) {
            edit.video_at(FrameIndex(f), &mut ops);
            if ops.len() > 1 { multi += 1; }
            for op in &ops {
                match op {
                    VideoOp::BeginGroup => groups += 1,
                    VideoOp::Layer(l) => {
                        layers += 1;
                        if l.advance < MediaSpan::ZERO { rev += 1 }
                        if l.advance == MediaSpan::ZERO { still += 1 }
                        if edit.clip(l.clip).unwrap().path.len() > 3 { deep += 1 }
                        match l.mix { crate::timeline::Mix::Wipe{..} => wipes += 1, m if m != crate::timeline::Mix::FULL => over += 1, _ => {} }
                    }
                    _ => {}
                }
            }
        }
        let _ = &mut entry;
    }
    eprintln!("frames {frames} layers {layers} groups {groups} wipes {wipes} over {over} multi {multi} rev {rev} still {still} audio {audio} fades {fades} cuts {cuts} marks {marks} deep {deep}");
}

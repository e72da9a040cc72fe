use super::*;
use crate::timeline::VideoOp;

fn rate(frames: u32) -> FrameRate {
    FrameRate::new(frames, 1).unwrap()
}

/// A file of so many frames, whose first is frame `start` by its timecode.
fn side(name: &str, rate: FrameRate, frames: Option<i64>, start: Option<i64>) -> Side {
    let length = rate.time_of_frame_nearest(FrameIndex(frames.unwrap_or(1)));
    let reference = MediaReference::File {
        target: name.into(),
        available: Some(stated(MediaTime::ZERO, length.since_zero(), rate)),
    };
    let mut item = Item::new(name, ItemKind::clip(reference));
    item.effects.push(Effect::WithSound);
    Side {
        name: name.to_owned(),
        item,
        rate,
        frames,
        start: start.map(|start| (rate.time_of_frame_nearest(FrameIndex(start)), false)),
        canvas: Size::new(64, 36).unwrap(),
        format: None,
        notes: Vec::new(),
        alternates: Vec::new(),
        unpacked: Vec::new(),
    }
}

/// The frames of both sides, counted at their own rates, that are seen in a frame.
fn seen(edit: &Edit, rates: [FrameRate; 2], frame: i64) -> [Option<i64>; 2] {
    let mut ops = Vec::new();
    edit.video_at(FrameIndex(frame), &mut ops);
    let mut seen = [None; 2];
    for op in ops {
        let VideoOp::Layer(layer) = op else { continue };
        let track = edit.clip(layer.clip).unwrap().track;
        let span = rates[track].frame_span_nearest();
        let at = crate::timeline::resolve::source_instant(layer.media, layer.advance, span);
        seen[track] = Some(rates[track].frame_at_floor(at).0);
    }
    seen
}

fn edit(a: &Side, b: &Side, by: MatchBy) -> Edit {
    Edit::new(&side_by_side(a, b, by).unwrap()).unwrap()
}

#[test]
fn by_frame_numbers_agree_at_any_rate_and_the_longer_one_counts() {
    let rates = [rate(24), rate(25)];
    let (a, b) = (
        side("a", rates[0], Some(40), None),
        side("b", rates[1], Some(60), None),
    );
    let edit = edit(&a, &b, MatchBy::Frame);
    assert_eq!((edit.rate(), edit.frames()), (rates[0], 60));
    for frame in 0..60 {
        let of_a = (frame < 40).then_some(frame);
        assert_eq!(seen(&edit, rates, frame), [of_a, Some(frame)]);
    }
}

#[test]
fn by_timecode_a_later_start_comes_later() {
    let rates = [rate(25); 2];
    let (a, b) = (
        side("a", rates[0], Some(50), Some(90_000)),
        side("b", rates[1], Some(50), Some(90_010)),
    );
    let later = edit(&a, &b, MatchBy::Timecode);
    assert_eq!(later.frames(), 60);
    assert_eq!(seen(&later, rates, 9), [Some(9), None]);
    assert_eq!(seen(&later, rates, 10), [Some(10), Some(0)]);
    assert_eq!(seen(&later, rates, 59), [None, Some(49)]);
    let earlier = edit(&b, &a, MatchBy::Timecode);
    assert_eq!(earlier.frames(), 50);
    assert_eq!(seen(&earlier, rates, 0), [Some(0), Some(10)]);
    assert_eq!(seen(&earlier, rates, 45), [Some(45), None]);
}

#[test]
fn by_timecode_both_must_have_one_and_meet() {
    let at = |start| side("clip.mov", rate(25), Some(50), start);
    let error = |a: Option<i64>, b: Option<i64>| {
        side_by_side(&at(a), &at(b), MatchBy::Timecode).unwrap_err()
    };
    assert!(error(Some(0), None).contains("no timecode"));
    assert!(error(None, Some(0)).contains("no timecode"));
    assert!(error(Some(0), Some(50)).contains("do not overlap"));
    assert!(error(Some(50), Some(0)).contains("do not overlap"));
}

#[test]
fn a_still_lasts_as_long_as_the_other_and_only_the_first_is_heard() {
    let (still, clip) = (
        side("still.png", rate(25), None, None),
        side("clip.mov", rate(30), Some(90), None),
    );
    for (a, b) in [(&still, &clip), (&clip, &still)] {
        let edit = edit(a, b, MatchBy::Frame);
        assert_eq!((edit.rate(), edit.frames()), (rate(30), 90));
        let last = seen(&edit, [rate(30); 2], 89);
        assert!(last[0].is_some() && last[1].is_some());
        let heard: Vec<_> = edit.audio().iter().map(|sound| sound.source).collect();
        assert_eq!(heard.len(), 1);
        assert_eq!(edit.source(heard[0]).unwrap().name, a.item.name);
    }
}

#[test]
fn a_timeline_of_another_rate_runs_by_its_own_frames() {
    let rates = [rate(25), rate(50)];
    let a = side("a", rates[0], Some(30), None);
    let mut b = side("b", rates[1], Some(30), None);
    b.item = Item::new(
        "",
        composition(
            CompositionKind::Stack,
            vec![Item::new(
                "",
                composition(CompositionKind::Track(TrackKind::Video), vec![b.item]),
            )],
        ),
    );
    let edit = edit(&a, &b, MatchBy::Frame);
    assert_eq!(edit.frames(), 30);
    for frame in 0..30 {
        assert_eq!(seen(&edit, rates, frame), [Some(frame); 2]);
    }
}

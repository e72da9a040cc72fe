//! Edits whose answers are known.

use std::sync::Arc;

use super::random::of_root;
use super::{Edit, EditError, Layer, Upcoming, VideoOp, source_instant};
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime};
use crate::timeline::{
    Child, CompositionKind, Effect, Item, ItemKind, Marker, MediaReference, Metadata, Mix, Ratio,
    StatedRange, TimeMap, TimeMapPiece, TimeRange, Timeline, TrackKind, Transition, TransitionKind,
};

fn film() -> FrameRate {
    FrameRate::new(24, 1).unwrap()
}

fn frames(count: i64) -> MediaSpan {
    film().time_of_frame_nearest(FrameIndex(count)).since_zero()
}

fn range(start: i64, count: i64) -> TimeRange {
    TimeRange {
        start: MediaTime::ZERO + frames(start),
        duration: frames(count),
    }
}

/// `count` frames of `target` from frame `start` on.
fn clip(target: &str, start: i64, count: i64) -> Item {
    let file = MediaReference::File {
        target: target.into(),
        available: None,
    };
    let mut item = Item::new(target, ItemKind::clip(file));
    item.source_range = Some(StatedRange {
        range: range(start, count),
        rate: film(),
    });
    item
}

fn gap(count: i64) -> Item {
    Item {
        kind: ItemKind::Gap,
        ..clip("", 0, count)
    }
}

fn child(item: Item) -> Child {
    Child::Item(Arc::new(item))
}

fn dissolve(before: i64, after: i64) -> Child {
    Child::Transition(Arc::new(Transition {
        name: "".into(),
        kind: TransitionKind::Dissolve,
        in_offset: frames(before),
        out_offset: frames(after),
        metadata: Metadata::NONE,
    }))
}

fn track(kind: TrackKind, children: Vec<Child>) -> Item {
    Item::new(
        "",
        ItemKind::composition(CompositionKind::Track(kind), children),
    )
}

fn stack(items: Vec<Item>) -> Item {
    let children: Vec<Child> = items.into_iter().map(child).collect();
    Item::new("", ItemKind::composition(CompositionKind::Stack, children))
}

fn video(children: Vec<Child>) -> Timeline {
    of_root(stack(vec![track(TrackKind::Video, children)]), film())
}

fn layers(edit: &Edit, frame: i64) -> Vec<Layer> {
    let mut ops = Vec::new();
    edit.video_at(FrameIndex(frame), &mut ops);
    let layers = ops.iter().map(|op| match op {
        VideoOp::Layer(layer) => *layer,
        other => panic!("{other:?} in frame {frame}"),
    });
    layers.collect()
}

/// The names of the layers of a frame, and the picture of `rate` that each shows.
fn pictures(edit: &Edit, frame: i64, rate: FrameRate) -> Vec<(String, i64)> {
    let shown = |layer: Layer| {
        let instant = source_instant(layer.media, layer.advance, rate.frame_span_nearest());
        let name = edit.clip(layer.clip).unwrap().name.to_string();
        (name, rate.frame_at_floor(instant).0)
    };
    layers(edit, frame).into_iter().map(shown).collect()
}

fn retimed(item: Item, effect: Effect) -> Item {
    Item {
        effects: vec![effect],
        ..item
    }
}

fn speed(num: i64, den: i64) -> Effect {
    Effect::Speed(Ratio::new(num, den).unwrap())
}

#[test]
fn retimes_show_the_pictures_they_should() {
    for (effect, expected) in [
        (speed(1, 1), [100, 101, 102, 103, 104, 105]),
        (speed(2, 1), [100, 102, 104, 106, 108, 110]),
        (speed(1, 2), [100, 100, 101, 101, 102, 102]),
        (speed(-1, 1), [105, 104, 103, 102, 101, 100]),
        (speed(-1, 2), [105, 105, 104, 104, 103, 103]),
        (speed(-2, 1), [105, 103, 101, 99, 97, 95]),
        (Effect::Freeze, [100; 6]),
    ] {
        let edit = Edit::new(&video(vec![child(retimed(
            clip("a", 100, 6),
            effect.clone(),
        ))]));
        let edit = edit.unwrap();
        assert_eq!(edit.frames(), 6);
        // The same within a composition that is retimed, whose clips are one picture long.
        let cells = (100..106).map(|frame| child(clip("a", frame, 1))).collect();
        let nested = track(TrackKind::Video, cells);
        let nested = Edit::new(&video(vec![child(retimed(nested, effect.clone()))])).unwrap();
        for (frame, picture) in (0..).zip(expected) {
            let shown = pictures(&edit, frame, film());
            assert_eq!(shown, [("a".to_owned(), picture)], "{effect:?}");
            // Beyond its ends a composition has nothing.
            let inside = (100..106).contains(&picture);
            let cell = inside.then(|| ("a".to_owned(), picture));
            assert_eq!(
                pictures(&nested, frame, film()),
                Vec::from_iter(cell),
                "{effect:?}"
            );
        }
    }
}

#[test]
fn leaps_of_retimes_are_cuts() {
    let piece = |from, source, num| TimeMapPiece {
        from: frames(from),
        source: frames(source),
        speed: Ratio::new(num, 1).unwrap(),
    };
    // It leaps at 10 and 30; at 20 it turns.
    let pieces = vec![
        piece(0, 0, 1),
        piece(10, 50, 1),
        piece(20, 60, -1),
        piece(30, 0, 2),
    ];
    let retime = Effect::Map(TimeMap::from_pieces(pieces).unwrap());
    let long = || clip("a", 0, 40);
    let nested = track(TrackKind::Video, vec![child(clip("a", 0, 100))]);
    let backwards = Item {
        effects: vec![retime.clone(), speed(-1, 1)],
        ..long()
    };
    let mut nested = retimed(nested, retime.clone());
    nested.source_range = long().source_range;
    let timeline = video(vec![
        child(retimed(long(), retime)),
        child(nested),
        child(backwards),
    ]);
    let edit = Edit::new(&timeline).unwrap();
    let cuts: Vec<i64> = edit.cuts().iter().map(|cut| cut.0).collect();
    assert_eq!(cuts, [10, 30, 40, 50, 70, 80, 90, 110]);
}

#[test]
fn times_that_are_a_little_off_show_the_same_pictures() {
    let rate = FrameRate::new(24_000, 1001).unwrap();
    for jitter in [-2, -1, 0, 1, 2] {
        for number in 0..2000 {
            let jitter = MediaSpan::from_flicks(jitter);
            let media = rate.time_of_frame_nearest(FrameIndex(number)) + jitter;
            let span = rate.frame_span_nearest();
            let instant = source_instant(media, span, span);
            assert_eq!(rate.frame_at_floor(instant).0, number);
            // The instant that a frame ends at begins it backwards.
            let instant = source_instant(media + span, -span, span);
            assert_eq!(rate.frame_at_floor(instant).0, number);
        }
    }
}

#[test]
fn media_of_a_slightly_lower_rate_show_each_picture() {
    let ntsc = FrameRate::new(24_000, 1001).unwrap();
    let edit = Edit::new(&video(vec![child(clip("a", 0, 1100))])).unwrap();
    for frame in 0..1100 {
        // In the middle of a thousand frames one picture is on screen twice: there are fewer of them.
        let [(_, picture)] = &pictures(&edit, frame, ntsc)[..] else {
            panic!("one layer");
        };
        assert_eq!(*picture, frame - i64::from(frame > 500), "{frame}");
    }
}

#[test]
fn a_clip_that_begins_within_a_frame_shows_no_picture_before_its_first() {
    // The second clip begins 0.4 frames after a frame does, and its medium has 60 frames a second.
    let fast = FrameRate::new(60, 1).unwrap();
    let mut first = clip("a", 0, 10);
    first.source_range = Some(StatedRange {
        range: TimeRange {
            start: MediaTime::ZERO,
            duration: frames(10) + MediaSpan::from_flicks(frames(4).flicks() / 10),
        },
        rate: film(),
    });
    let timeline = video(vec![child(first), child(clip("b", 20, 10))]);
    let edit = Edit::new(&timeline).unwrap();
    assert_eq!(pictures(&edit, 10, fast), [("b".to_owned(), 50)]);
    assert_eq!(edit.cuts(), [FrameIndex(10)]);
}

#[test]
fn a_dissolve_draws_the_incoming_over_the_outgoing() {
    let timeline = video(vec![
        dissolve(5, 4),
        child(clip("a", 100, 20)),
        dissolve(2, 2),
        child(clip("b", 50, 20)),
        dissolve(4, 9),
        child(gap(3)),
    ]);
    let edit = Edit::new(&timeline).unwrap();
    let seen = |frame| {
        let named = |layer: Layer| {
            let Mix::Over(weight) = layer.mix else {
                panic!("{layer:?}");
            };
            let name = edit.clip(layer.clip).unwrap().name.to_string();
            let source = film().frame_at_floor(layer.media).0;
            (name, source, weight)
        };
        layers(&edit, frame)
            .into_iter()
            .map(named)
            .collect::<Vec<_>>()
    };
    let layer = |name: &str, source, weight| (name.to_owned(), source, weight);
    // From nothing: what would lie before the beginning is left out.
    assert_eq!(seen(0), [layer("a", 100, 0.125)]);
    assert_eq!(seen(3), [layer("a", 103, 0.875)]);
    assert_eq!(seen(17), [layer("a", 117, 1.0)]);
    assert_eq!(seen(18), [layer("a", 118, 1.0), layer("b", 48, 0.125)]);
    assert_eq!(seen(21), [layer("a", 121, 1.0), layer("b", 51, 0.875)]);
    assert_eq!(seen(22), [layer("b", 52, 1.0)]);
    // To a gap, which is shorter than the transition.
    assert_eq!(seen(35), [layer("b", 65, 1.0)]);
    let weights = [0.928_571_4, 0.5, 0.071_428_6];
    for (frame, weight) in [36, 39, 42].into_iter().zip(weights) {
        let shown = seen(frame);
        assert!(
            shown.len() == 1 && (shown[0].2 - weight).abs() < 1e-6,
            "{shown:?}"
        );
    }
    assert_eq!(seen(43), []);
    assert_eq!(edit.cuts(), [FrameIndex(20), FrameIndex(40)]);
}

#[test]
fn what_comes_next_comes_in_the_order_of_play() {
    let timeline = video(vec![
        child(clip("a", 0, 10)),
        child(clip("b", 0, 10)),
        child(clip("c", 0, 10)),
    ]);
    let edit = Edit::new(&timeline).unwrap();
    let names = |frame, reverse| {
        let name = |next: Upcoming| (edit.clip(next.clip).unwrap().name.to_string(), next.at.0);
        edit.upcoming_video(FrameIndex(frame), reverse)
            .map(name)
            .collect::<Vec<_>>()
    };
    let next = |name: &str, at| (name.to_owned(), at);
    assert_eq!(
        names(0, false),
        [next("a", 0), next("b", 10), next("c", 20)]
    );
    assert_eq!(names(10, false), [next("b", 10), next("c", 20)]);
    assert_eq!(names(11, false), [next("c", 20)]);
    assert_eq!(names(25, true), [next("b", 19), next("a", 9)]);
    assert_eq!(names(19, true), [next("a", 9)]);
    let cut = |at| Some(FrameIndex(at));
    assert_eq!(edit.next_cut(FrameIndex(0)), cut(10));
    assert_eq!(edit.next_cut(FrameIndex(10)), cut(20));
    assert_eq!(edit.next_cut(FrameIndex(20)), None);
    assert_eq!(edit.previous_cut(FrameIndex(20)), cut(10));
    assert_eq!(edit.previous_cut(FrameIndex(10)), None);
    // One medium each, whatever the number of uses.
    assert_eq!(edit.sources().len(), 3);
}

#[test]
fn markers_are_where_their_items_are() {
    let mark = |start, count| Marker {
        name: format!("at {start}").into(),
        range: range(start, count),
        color: "GREEN".into(),
        comment: "".into(),
        metadata: Metadata::NONE,
    };
    let mut late = retimed(clip("b", 100, 10), speed(2, 1));
    late.markers = vec![mark(104, 0), mark(119, 9), mark(120, 1), mark(99, 1)];
    let mut timeline = video(vec![child(clip("a", 0, 10)), child(late)]);
    timeline = timeline
        .with_item(&[], |root| Item {
            markers: vec![mark(15, 2)],
            ..root.clone()
        })
        .unwrap();
    let edit = Edit::new(&timeline).unwrap();
    let half = |span: MediaSpan| MediaSpan::from_flicks(span.flicks() / 2);
    let found: Vec<_> = edit
        .markers()
        .iter()
        .map(|at| (&*at.name, at.range))
        .collect();
    let last = TimeRange {
        start: MediaTime::ZERO + frames(19) + half(frames(1)),
        duration: half(frames(1)),
    };
    let expected = [
        ("at 104", range(12, 0)),
        ("at 15", range(15, 2)),
        ("at 119", last),
    ];
    assert_eq!(found, expected);
}

#[test]
fn sound_fades_over_the_whole_overlap() {
    let tracks = vec![
        track(TrackKind::Video, vec![child(clip("v", 0, 40))]),
        track(
            TrackKind::Audio,
            vec![
                child(retimed(clip("a", 100, 20), speed(-1, 1))),
                dissolve(2, 3),
                child(clip("b", 50, 20)),
            ],
        ),
    ];
    let edit = Edit::new(&of_root(stack(tracks), film())).unwrap();
    let [first, second] = edit.audio() else {
        panic!("{:?}", edit.audio());
    };
    assert_eq!((first.range, second.range), (range(0, 23), range(18, 22)));
    assert_eq!(first.pieces[0].media, MediaTime::ZERO + frames(120));
    assert_eq!(second.pieces[0].media, MediaTime::ZERO + frames(48));
    assert_eq!(
        (first.fades[0].range, first.fades[0].rising),
        (range(18, 5), false)
    );
    assert_eq!(
        (second.fades[0].range, second.fades[0].rising),
        (range(18, 5), true)
    );
    let flags: Vec<_> = edit
        .sources()
        .iter()
        .map(|source| (&*source.name, source.has_video, source.has_audio))
        .collect();
    assert_eq!(
        flags,
        [("v", true, false), ("a", false, true), ("b", false, true)]
    );
}

#[test]
fn pictures_are_heard_where_they_carry_their_sound() {
    let with = |item| retimed(item, Effect::WithSound);
    let tracks = |prefix: &str, more: Vec<Item>| {
        let clip = |what: &str, count| clip(&format!("{prefix}{what}"), 0, count);
        let mut pictures = vec![with(clip("carried", 10)), clip("mute", 10)];
        pictures.extend(more);
        let pictures = pictures.into_iter().map(child).collect();
        vec![
            track(TrackKind::Video, pictures),
            track(TrackKind::Audio, vec![child(clip("sound", 20))]),
        ]
    };
    let nested = vec![
        with(stack(tracks("heard/", Vec::new()))),
        stack(tracks("silent/", Vec::new())),
    ];
    let tracks = tracks("", nested);
    let edit = Edit::new(&of_root(stack(tracks), film())).unwrap();
    let heard: Vec<_> = edit
        .audio()
        .iter()
        .map(|used| (&*edit.clip(used.clip).unwrap().name, used.range))
        .collect();
    let expected = [
        ("carried", range(0, 10)),
        ("sound", range(0, 20)),
        ("heard/carried", range(20, 10)),
        ("heard/sound", range(20, 20)),
    ];
    assert_eq!(heard, expected);
    let source = |name| edit.sources().iter().find(|source| &*source.name == name);
    let flags = |name| source(name).map(|source| (source.has_video, source.has_audio));
    assert_eq!(flags("carried"), Some((true, true)));
    assert_eq!(flags("mute"), Some((true, false)));
    assert_eq!(flags("silent/sound"), None);
}

#[test]
fn only_what_an_edit_touches_changes() {
    let shots = |names: [&str; 4]| video(names.map(|name| child(clip(name, 0, 10))).to_vec());
    let timeline = shots(["a", "b", "c", "d"]);
    let old = Edit::new(&timeline).unwrap();
    let swapped = timeline.with_item(&[0, 2], |_| clip("x", 0, 10)).unwrap();
    let changes = Edit::new(&swapped).unwrap().changed_since(&old);
    assert_eq!(changes.picture, [range(20, 10)]);
    assert!(changes.sound.is_empty());
    // A longer clip moves all that follow it.
    let longer = timeline.with_item(&[0, 2], |_| clip("c", 0, 12)).unwrap();
    let changes = Edit::new(&longer).unwrap().changed_since(&old);
    assert_eq!(changes.picture, [range(30, 12)]);
    // All else is shared.
    let shared = |path: &[u32]| {
        Arc::ptr_eq(
            longer.item_at(path).unwrap(),
            timeline.item_at(path).unwrap(),
        )
    };
    assert!(shared(&[0, 1]) && shared(&[0, 3]) && !shared(&[0]));
    assert_eq!(timeline.with_item(&[0, 9], Item::clone), None);
    assert_eq!(timeline.with_item(&[0, 1, 0], Item::clone), None);
}

#[test]
fn limits_have_errors() {
    let nested = |depth| {
        let mut item = clip("a", 0, 10);
        for _ in 0..depth {
            item = stack(vec![item]);
        }
        Edit::new(&of_root(item, film()))
    };
    assert_eq!(nested(60).unwrap().frames(), 10);
    assert_eq!(nested(100).map(|_| ()), Err(EditError::TooDeep));
    // Thirty stacks that each hold the next one twice: a thousand million clips in thirty items.
    let mut item = Arc::new(clip("a", 0, 10));
    for _ in 0..30 {
        let twice = [Child::Item(Arc::clone(&item)), Child::Item(item)];
        let stack = ItemKind::composition(CompositionKind::Stack, twice);
        item = Arc::new(Item::new("", stack));
    }
    let error = Edit::new(&of_root(Item::clone(&item), film()));
    assert_eq!(error.map(|_| ()), Err(EditError::TooManyItems));
}

#[test]
fn ten_hours_play_without_new_memory() {
    // 10,000 clips on 20 tracks; the cuts of one lie between those of the others.
    let tracks = (0..20).map(|number| {
        let clips = (0..500).map(|at| child(clip("a", at, 1728)));
        let children = std::iter::once(child(gap(80 * number))).chain(clips);
        track(TrackKind::Video, children.collect())
    });
    let edit = Edit::new(&of_root(stack(tracks.collect()), film())).unwrap();
    assert!(edit.frames() >= 10 * 3600 * 24 && edit.clips().len() == 10_000);
    let mut ops = Vec::with_capacity(20);
    let place = ops.as_ptr();
    let mut most = 0;
    for frame in (0..edit.frames()).step_by(3) {
        edit.video_at(FrameIndex(frame), &mut ops);
        most = most.max(ops.len());
    }
    assert_eq!((most, ops.capacity(), ops.as_ptr()), (20, 20, place));
}

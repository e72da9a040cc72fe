//! Random timelines for tests.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;

use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime};
use crate::timeline::{
    Child, Clip, CompositionKind, Effect, Item, ItemKind, Look, Marker, MediaReference, Metadata,
    NamedReference, Ratio, StatedRange, TimeMap, TimeMapPiece, TimeRange, Timeline, TrackKind,
    Transition, TransitionKind, UnitRect, WipeEdge,
};

/// Rates that files are mixed of.
fn rates() -> impl Strategy<Value = FrameRate> {
    let rates = [
        (24, 1),
        (24, 1),
        (24, 1),
        (25, 1),
        (30, 1),
        (24_000, 1001),
        (30_000, 1001),
        (60, 1),
        (48_000, 1),
    ];
    select(
        rates
            .map(|(num, den)| FrameRate::new(num, den).unwrap())
            .to_vec(),
    )
}

/// A whole number of frames at some rate; samples are taken by the thousand.
fn span(frames: std::ops::Range<i64>) -> impl Strategy<Value = MediaSpan> {
    (rates(), frames).prop_map(|(rate, frames)| {
        let count = if rate.num() == 48_000 {
            frames * 2001
        } else {
            frames
        };
        rate.time_of_frame_nearest(FrameIndex(count)).since_zero()
    })
}

fn range() -> impl Strategy<Value = TimeRange> {
    (span(-5..100), span(0..40)).prop_map(|(start, duration)| TimeRange {
        start: MediaTime::ZERO + start,
        duration,
    })
}

fn stated() -> impl Strategy<Value = StatedRange> {
    (range(), rates()).prop_map(|(range, rate)| StatedRange { range, rate })
}

fn ratio() -> impl Strategy<Value = Ratio> {
    let ratios = [
        (1, 1),
        (2, 1),
        (1, 2),
        (-1, 1),
        (-1, 2),
        (-3, 1),
        (1001, 1000),
        (1, 3),
        (0, 1),
    ];
    select(
        ratios
            .map(|(num, den)| Ratio::new(num, den).unwrap())
            .to_vec(),
    )
}

fn piece() -> impl Strategy<Value = TimeMapPiece> {
    (span(0..40), span(-10..60), ratio()).prop_map(|(from, source, speed)| TimeMapPiece {
        from,
        source,
        speed,
    })
}

fn effects() -> impl Strategy<Value = Vec<Effect>> {
    let effect = prop_oneof![
        4 => ratio().prop_map(Effect::Speed),
        1 => Just(Effect::Freeze),
        3 => prop::collection::vec(piece(), 1..4)
            .prop_map(|pieces| Effect::Map(TimeMap::from_pieces(pieces).unwrap())),
        1 => Just(Effect::Unknown { name: "blur".into(), metadata: Metadata::NONE }),
        4 => Just(Effect::WithSound),
        // Powers of two multiply exactly in any order.
        2 => prop::sample::select(vec![0.0, 0.5, 2.0]).prop_map(Effect::Gain),
    ];
    prop_oneof![
        3 => Just(Vec::new()),
        1 => Just(vec![Effect::WithSound]),
        1 => prop::collection::vec(effect, 1..3),
    ]
}

fn look() -> impl Strategy<Value = Look> {
    let look = |opacity, x| Look {
        opacity,
        position: [x, 0.0],
        ..Look::default()
    };
    prop_oneof![
        6 => Just(Look::default()),
        1 => Just(look(0.5, 0.0)),
        1 => Just(look(0.0, 0.0)),
        1 => Just(look(1.0, 0.25)),
    ]
}

fn transition() -> impl Strategy<Value = Child> {
    let edges = [
        WipeEdge::LeftToRight,
        WipeEdge::BottomToTop,
        WipeEdge::Clock,
    ];
    let kind = prop_oneof![
        Just(TransitionKind::Dissolve),
        select(edges.to_vec()).prop_map(TransitionKind::Wipe),
    ];
    (kind, span(0..15), span(0..15)).prop_map(|(kind, in_offset, out_offset)| {
        Child::Transition(Arc::new(Transition {
            name: "".into(),
            kind,
            in_offset,
            out_offset,
            metadata: Metadata::NONE,
        }))
    })
}

fn markers() -> impl Strategy<Value = Vec<Marker>> {
    let marker = range().prop_map(|range| Marker {
        name: "here".into(),
        range,
        color: "RED".into(),
        comment: "".into(),
        metadata: Metadata::NONE,
    });
    prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(marker, 1..3),
    ]
}

/// An item of `kind`, dressed.
fn dressed(
    kind: impl Strategy<Value = ItemKind>,
    stated: impl Strategy<Value = Option<StatedRange>>,
) -> impl Strategy<Value = Item> {
    let enabled = prop::bool::weighted(0.93);
    (kind, stated, enabled, look(), effects(), markers()).prop_map(
        |(kind, source_range, enabled, look, effects, markers)| Item {
            name: "item".into(),
            source_range,
            enabled,
            look,
            effects,
            markers,
            kind,
            metadata: Metadata::NONE,
        },
    )
}

fn clip() -> impl Strategy<Value = Item> {
    let reference = (
        select(vec!["a.mov", "b.mov", "c.wav"]),
        prop::option::of(stated()),
    );
    let corner = || (-8..8_i8, -8..8_i8).prop_map(|(x, y)| [f64::from(x), f64::from(y)]);
    let bounds = (corner(), corner()).prop_map(|(min, size)| UnitRect {
        min,
        max: [min[0] + size[0].abs() + 1.0, min[1] + size[1].abs() + 1.0],
    });
    let bounds = prop::option::weighted(0.2, bounds);
    let reference = (prop::option::weighted(0.9, reference), bounds);
    let references = reference.prop_map(|(reference, bounds)| {
        let named = reference.map(|(target, available)| NamedReference {
            key: "DEFAULT_MEDIA".into(),
            reference: MediaReference::File {
                target: target.into(),
                available,
            },
            bounds,
            metadata: Metadata::NONE,
        });
        ItemKind::Clip(Box::new(Clip {
            references: named.into_iter().collect(),
            active: 0,
        }))
    });
    dressed(references, prop::option::weighted(0.9, stated()))
}

fn gap() -> impl Strategy<Value = Item> {
    dressed(Just(ItemKind::Gap), stated().prop_map(Some))
}

/// A track, mostly of `kind`.
fn track(item: BoxedStrategy<Item>, kind: TrackKind) -> impl Strategy<Value = Item> {
    let kinds = [TrackKind::Video, TrackKind::Audio, TrackKind::Other];
    let kind = prop_oneof![12 => Just(kind), 1 => select(kinds.to_vec())];
    let child = prop_oneof![
        3 => item.prop_map(|item| Child::Item(Arc::new(item))),
        2 => transition(),
    ];
    let track = (kind, prop::collection::vec(child, 1..8))
        .prop_map(|(kind, children)| ItemKind::composition(CompositionKind::Track(kind), children));
    dressed(track, prop::option::weighted(0.2, stated()))
}

fn stack(item: BoxedStrategy<Item>) -> impl Strategy<Value = Item> {
    let stack = prop::collection::vec(item, 1..4).prop_map(|items| {
        let children = items.into_iter().map(|item| Child::Item(Arc::new(item)));
        ItemKind::composition(CompositionKind::Stack, children.collect::<Vec<_>>())
    });
    dressed(stack, prop::option::weighted(0.2, stated()))
}

/// Timelines of everything that the model has, nested three deep.
pub(super) fn timeline() -> impl Strategy<Value = Timeline> {
    let top = |kind| {
        let leaf = prop_oneof![6 => clip(), 1 => gap()].boxed();
        let item = leaf.prop_recursive(3, 40, 6, move |inner| {
            prop_oneof![2 => track(inner.clone(), kind), 1 => stack(inner)].boxed()
        });
        track(item.boxed(), kind)
    };
    let track = prop_oneof![3 => top(TrackKind::Video), 2 => top(TrackKind::Audio)];
    let tracks = prop::collection::vec(track, 1..5);
    (tracks, rates(), prop::bool::weighted(0.1)).prop_map(|(tracks, rate, dressed)| {
        let children = tracks.into_iter().map(|track| Child::Item(Arc::new(track)));
        let kind = ItemKind::composition(CompositionKind::Stack, children.collect::<Vec<_>>());
        let mut root = Item::new("", kind);
        if dressed {
            root.effects = vec![Effect::Speed(Ratio::new(3, 2).unwrap())];
        }
        of_root(
            root,
            if rate.num() == 48_000 {
                FrameRate::new(50, 1).unwrap()
            } else {
                rate
            },
        )
    })
}

/// A timeline without anything special.
pub(super) fn of_root(root: Item, rate: FrameRate) -> Timeline {
    Timeline {
        name: "random".into(),
        rate,
        global_start: None,
        drop_frame: false,
        canvas: None,
        root: Arc::new(root),
        metadata: Metadata::NONE,
    }
}

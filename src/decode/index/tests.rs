use super::*;
use proptest::prelude::*;

fn builder() -> IndexBuilder {
    IndexBuilder::new(
        TimeBase::new(1, 24).unwrap(),
        FrameRate::new(24, 1).unwrap(),
        0,
    )
}

fn packet(pts: i64, dts: i64, is_key: bool) -> PacketStamp {
    PacketStamp {
        pts: Some(pts),
        dts: Some(dts),
        duration: 1,
        is_key,
        is_discarded: false,
        position: None,
    }
}

#[test]
fn b_frames_are_put_in_order_and_open_gops_begin_a_keyframe_earlier() {
    let mut builder = builder();
    // I0 P3 B1 B2 | I6(open) B4 B5 P8 B7
    for (dts, (pts, key)) in [
        (0, true),
        (3, false),
        (1, false),
        (2, false),
        (6, true),
        (4, false),
        (5, false),
        (8, false),
        (7, false),
    ]
    .into_iter()
    .enumerate()
    {
        builder.push(packet(pts, i64::try_from(dts).unwrap() - 2, key));
    }
    let index = builder.publish(true);
    assert_eq!(index.len(), 9);
    assert_eq!(index.keyframe_for(FrameIndex(5)).unwrap().1.pts, 0);
    assert_eq!(index.keyframe_for(FrameIndex(6)).unwrap().1.pts, 6);
    assert_eq!(index.first_frame_of(1), Some(FrameIndex(6)));
    assert_eq!(
        index.duration(),
        FrameRate::new(24, 1)
            .unwrap()
            .time_of_frame_nearest(FrameIndex(9))
            .since_zero()
    );
    assert!(!index.is_variable_rate());
}

#[test]
fn what_is_never_shown_has_no_number() {
    let mut builder = builder();
    builder.push(packet(0, -3, false)); // before any keyframe
    builder.push(PacketStamp {
        is_discarded: true,
        ..packet(4, -2, true)
    });
    builder.push(packet(3, -1, false)); // leading picture of the first keyframe
    builder.push(packet(5, 0, false));
    builder.push(packet(6, 1, false));
    let index = builder.publish(true);
    assert_eq!(index.pts_of(FrameIndex(0)), Some(5));
    assert_eq!(index.len(), 2);
    assert_eq!(index.keyframe_for(FrameIndex(0)).unwrap().1.pts, 4);
}

#[test]
fn without_any_keyframe_decoding_begins_at_the_first_packet() {
    let mut builder = builder();
    for (dts, pts) in [3, 1, 2].into_iter().enumerate() {
        builder.push(packet(pts, i64::try_from(dts).unwrap(), false));
    }
    assert!(builder.publish(false).is_empty(), "a keyframe may follow");
    let index = builder.publish(true);
    assert_eq!((index.len(), index.pts_of(FrameIndex(0))), (3, Some(1)));
    assert_eq!(index.keyframe_for(FrameIndex(2)).unwrap().1.packet, 0);
    builder.push(packet(6, 3, true));
    assert_eq!(builder.publish(true).pts_of(FrameIndex(0)), Some(6));
}

#[test]
fn a_constant_index_of_ten_hours_is_exact_and_may_be_empty() {
    let rate = FrameRate::new(24_000, 1001).unwrap();
    let index = GopIndex::constant(rate, 863_136);
    assert!(index.is_complete() && !index.is_variable_rate());
    assert_eq!(index.duration().flicks(), 863_136 * 29_429_400);
    let far = MediaTime::from_flicks(i64::MAX);
    assert_eq!(index.frame_at(far), Some(FrameIndex(863_135)));
    for frames in [0, -5] {
        let empty = GopIndex::constant(rate, frames);
        assert!(empty.is_empty() && empty.duration() == MediaSpan::ZERO);
        assert_eq!(empty.frame_at(far), None);
        assert_eq!(empty.nearest_frame(3), None);
    }
}

#[test]
fn without_time_stamps_frames_are_counted() {
    let mut builder = builder();
    for n in 0..10 {
        builder.push(PacketStamp {
            pts: None,
            dts: None,
            is_key: n % 5 == 0,
            ..packet(0, 0, false)
        });
    }
    let index = builder.publish(true);
    assert_eq!((index.len(), index.numbering()), (10, Numbering::ByCount));
    assert_eq!(index.keyframe_for(FrameIndex(7)).unwrap().0, 0);
}

proptest! {
    /// A constant index and one read from packets of the same times answer the same.
    #[test]
    fn constant_frames_are_where_their_rate_says(
        (num, den) in prop::sample::select(vec![(24, 1), (24_000, 1001), (30_000, 1001), (25, 2), (7, 3)]),
        frames in 1i64..200,
        flicks in -1_000_000_000i64..20_000_000_000,
    ) {
        let rate = FrameRate::new(num, den).unwrap();
        let constant = GopIndex::constant(rate, frames);
        let mut builder = IndexBuilder::new(rate.frame_base(), rate, 0);
        for n in 0..frames {
            builder.push(packet(n, n, true));
        }
        let listed = builder.publish(true);
        prop_assert_eq!(constant.len(), listed.len());
        prop_assert_eq!((constant.end(), constant.duration()), (listed.end(), listed.duration()));
        let time = MediaTime::from_flicks(flicks);
        prop_assert_eq!(constant.frame_at(time), listed.frame_at(time));
        for n in -1..=frames {
            let frame = FrameIndex(n);
            prop_assert_eq!(constant.time_of(frame), listed.time_of(frame));
            prop_assert_eq!(constant.end_of(frame), listed.end_of(frame));
            prop_assert_eq!(constant.keyframe_for(frame), listed.keyframe_for(frame));
            prop_assert_eq!(constant.nearest_frame(n), listed.nearest_frame(n));
            prop_assert_eq!(constant.frame_of_pts(n), listed.frame_of_pts(n));
            let number = usize::try_from(n).unwrap_or(usize::MAX);
            prop_assert_eq!(constant.first_frame_of(number), listed.first_frame_of(number));
            if let Some(begin) = constant.time_of(frame) {
                prop_assert_eq!(begin, rate.time_of_frame_nearest(frame));
                prop_assert_eq!(constant.frame_at(begin), Some(frame));
            }
        }
    }

    #[test]
    fn every_frame_is_found_by_its_time(intervals in prop::collection::vec(1i64..50, 1..300)) {
        let mut builder = IndexBuilder::new(
            TimeBase::new(1, 90_000).unwrap(), FrameRate::new(30, 1).unwrap(), 1000);
        let mut pts = 1000;
        let mut all = Vec::new();
        for interval in intervals {
            builder.push(PacketStamp { duration: interval, ..packet(pts, pts, all.len() % 12 == 0) });
            all.push(pts);
            pts += interval;
        }
        let partial = builder.publish(false);
        prop_assert!(partial.len() <= i64::try_from(all.len()).unwrap());
        let index = builder.publish(true);
        prop_assert_eq!(index.len(), i64::try_from(all.len()).unwrap());
        for (n, &pts) in all.iter().enumerate() {
            let frame = FrameIndex(i64::try_from(n).unwrap());
            prop_assert_eq!(index.frame_of_pts(pts), Some(frame));
            prop_assert_eq!(index.frame_at(index.time_of(frame).unwrap()), Some(frame));
            prop_assert_eq!(index.nearest_frame(pts), Some(frame));
            let (_, key) = index.keyframe_for(frame).unwrap();
            prop_assert!(key.pts <= pts);
            prop_assert!(index.end_of(frame).unwrap() > index.time_of(frame).unwrap());
        }
        prop_assert_eq!(index.end(), index.time_from_pts(pts));
    }
}

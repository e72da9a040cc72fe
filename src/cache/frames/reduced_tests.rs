//! Frames that are kept at the size that they are shown at.

use proptest::prelude::*;

use super::tests::{Rig, at, bytes_of, rig};
use super::*;
use crate::convert::{ConvertJob, CpuConverter};
use crate::media::{ColorInfo, FieldOrder, Orientation, PixelFormat, TransferFunction};

/// The frame's size, and that of the window.
const WHOLE: [u32; 2] = [256, 144];
pub(super) const SHOWN: [u32; 2] = [64, 36];

pub(super) fn size([width, height]: [u32; 2]) -> Size {
    Size::new(width, height).unwrap()
}

/// A picture that no other `seed` makes.
pub(super) fn frame(seed: i64) -> VideoFrame {
    frame_in(PixelFormat::NV12, seed)
}

/// The same in another format.
pub(super) fn frame_in(format: PixelFormat, seed: i64) -> VideoFrame {
    let seed = usize::try_from(seed).unwrap();
    let planes = (0..format.plane_count()).map(|plane| {
        let (width, rows) = (
            format.row_bytes(plane, size(WHOLE)),
            format.plane_size(plane, size(WHOLE)).1,
        );
        let bytes: Vec<u8> = (0..width * rows)
            .map(|n| u8::try_from((n * 7 + n / width * 3 + seed * 37) % 200 + 20).unwrap())
            .collect();
        (bytes, width)
    });
    let planes: Vec<_> = planes.collect();
    VideoFrame::from_planes(format, size(WHOLE), ColorInfo::BT709_LIMITED, &planes)
}

/// What the converter makes of it for the window.
pub(super) fn shown(frame: &VideoFrame) -> Vec<u8> {
    let out = size(SHOWN);
    let job = ConvertJob {
        out,
        orientation: Orientation::default(),
    };
    let stride = out.width() as usize * 4;
    let mut rgba = vec![0; stride * out.height() as usize];
    CpuConverter::new(1)
        .convert(frame, &job, &mut rgba, stride)
        .unwrap();
    rgba
}

/// A cache with room for 16 whole frames, beside a pool with room for whatever is reduced.
pub(super) fn reducing() -> Rig {
    let rig = rig(16 * bytes_of(&frame(0)));
    rig.cache.join(&FramePool::new(4 << 20));
    rig.cache.show_at(Some(size(SHOWN)));
    rig
}

pub(super) fn put_all(keeper: &Arc<dyn FrameKeeper>, frames: std::ops::Range<i64>) {
    for number in frames {
        keeper.put(FrameIndex(number), &Arc::new(frame(number)));
    }
}

#[test]
fn what_is_far_is_kept_at_the_size_shown_and_looks_the_same() {
    let rig = reducing();
    let keeper = rig.keeper(1);
    keeper.aim(at(0, false));
    put_all(&keeper, 0..40);
    let stats = rig.cache.stats();
    assert_eq!((stats.frames, stats.reduced_frames), (40, 36));
    assert!(stats.bytes <= stats.limit_bytes);
    for number in 0..40 {
        let kept = keeper.get(FrameIndex(number)).unwrap();
        let is_whole = kept.size == size(WHOLE);
        assert_eq!(is_whole, number < 4, "frame {number} is {}", kept.size);
        assert!(shown(&kept) == shown(&frame(number)), "frame {number}");
    }
    // The playhead moves: what was whole is reduced in its turn, and nothing is lost.
    keeper.aim(at(40, false));
    put_all(&keeper, 40..44);
    assert!((0..44).all(|number| keeper.has(FrameIndex(number))));
    assert_eq!(keeper.get(FrameIndex(41)).unwrap().size, size(WHOLE));
    assert_eq!(keeper.get(FrameIndex(0)).unwrap().size, size(SHOWN));
}

#[test]
fn another_size_makes_them_useless() {
    let rig = reducing();
    let keeper = rig.keeper(1);
    keeper.aim(at(0, false));
    put_all(&keeper, 0..20);
    rig.cache.show_at(Some(size(SHOWN)));
    assert_eq!(rig.cache.stats().reduced_frames, 16);
    rig.cache.show_at(Some(size([65, 36])));
    let stats = rig.cache.stats();
    assert_eq!((stats.frames, stats.reduced_frames), (4, 0));
    assert_eq!(stats.bytes, 4 * bytes_of(&frame(0)));
    // Where a picture of the window takes more than half of a frame, whole ones have all the room.
    rig.cache.show_at(Some(size(WHOLE)));
    put_all(&keeper, 0..20);
    let stats = rig.cache.stats();
    assert_eq!((stats.frames, stats.reduced_frames), (16, 0));
    rig.cache.show_at(None);
    assert_eq!(rig.cache.stats().frames, 16);
}

#[test]
fn what_a_picture_does_not_show_whole_is_not_reduced() {
    let rig = reducing();
    let keeper = rig.keeper(1);
    keeper.aim(at(0, false));
    put_all(&keeper, 0..4);
    let odd = |change: &dyn Fn(&mut VideoFrame)| {
        let mut odd = frame(9);
        change(&mut odd);
        keeper.put(FrameIndex(9), &Arc::new(odd));
        keeper.has(FrameIndex(9))
    };
    assert!(!odd(&|frame| frame.fields = FieldOrder::TopFirst));
    assert!(!odd(&|frame| frame.color.transfer = TransferFunction::Pq));
    assert!(odd(&|_| {}), "nothing but that was in the way");
}

#[test]
fn a_playhead_that_passes_by_reduces_nothing() {
    let rig = reducing();
    let keeper = rig.keeper(1);
    keeper.aim(Aim {
        passes: true,
        ..at(0, false)
    });
    put_all(&keeper, 0..20);
    assert_eq!(rig.cache.stats().reduced_frames, 0);
}

#[test]
fn a_lap_that_fits_is_kept_as_a_whole() {
    let rig = reducing();
    let keeper = rig.keeper(1);
    // Whole frames' room is for 4 of them, and the rest for reduced ones of two pages each.
    let most = 12 * bytes_of(&frame(0)) / 8192;
    let pass = |lap: u64, frames: std::ops::Range<i64>| {
        for frame in frames {
            keeper.aim(Aim {
                passes: true,
                lap: Some(lap),
                ..at(frame, false)
            });
            put_all(&keeper, frame..frame + 1);
        }
        keeper.holds_lap()
    };
    assert!(!keeper.holds_lap(), "nothing goes round");
    assert!(pass(most, 0..most.cast_signed()));
    assert!((0..most.cast_signed()).all(|frame| keeper.has(FrameIndex(frame))));
    // One frame more does not fit.
    let other = rig.keeper(2);
    let longer = Aim {
        passes: true,
        lap: Some(most + 1),
        ..at(0, false)
    };
    other.aim(longer);
    assert!(!other.holds_lap(), "its frames are of unknown size");
    put_all(&other, 0..1);
    assert!(!other.holds_lap());
    other.aim(Aim {
        lap: Some(most),
        ..longer
    });
    assert!(other.holds_lap());
    // What cannot be reduced fits as it is or not at all.
    for number in 1..10 {
        let mut interlaced = frame(number);
        interlaced.fields = FieldOrder::TopFirst;
        other.put(FrameIndex(number), &Arc::new(interlaced));
    }
    assert!(!other.holds_lap());
}

#[test]
fn what_is_wanted_ahead_counts_the_room_for_reduced_frames() {
    let rig = reducing();
    let keeper = rig.keeper(1);
    keeper.aim(at(0, false));
    let mut wanted = 0;
    while wanted < 400 && keeper.wants(FrameIndex(wanted)) {
        put_all(&keeper, wanted..wanted + 1);
        assert!(keeper.has(FrameIndex(wanted)), "frame {wanted} was wanted");
        wanted += 1;
    }
    // 16 whole frames' room: 4 of them, and reduced ones of two pages each.
    let room = 12 * bytes_of(&frame(0)) / 8192;
    assert_eq!(wanted.cast_unsigned(), 4 + room);
}

#[test]
fn without_room_in_the_pool_frames_are_only_dropped() {
    let rig = rig(16 * bytes_of(&frame(0)));
    let pool = FramePool::new(3 * 8192);
    rig.cache.join(&pool);
    rig.cache.show_at(Some(size(SHOWN)));
    let keeper = rig.keeper(1);
    keeper.aim(at(0, false));
    put_all(&keeper, 0..40);
    let stats = rig.cache.stats();
    assert_eq!((stats.frames, stats.reduced_frames), (7, 3));
    assert_eq!(pool.usage().used_bytes, stats.reduced_bytes);
}

#[derive(Debug, Clone)]
enum Move {
    Put(i64),
    Aim(i64, bool),
    Show(bool),
    GiveBack(u64),
    Limit(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        12 => (0i64..60).prop_map(Move::Put),
        3 => (0i64..60, any::<bool>()).prop_map(|(frame, reverse)| Move::Aim(frame, reverse)),
        1 => any::<bool>().prop_map(Move::Show),
        1 => (0u64..200_000).prop_map(Move::GiveBack),
        1 => (100_000u64..900_000).prop_map(Move::Limit),
    ];
    prop::collection::vec(one, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever happens, a frame that is found shows the picture that was put there, and what is kept weighs
    /// what the books say: within the limit, and in the pool no more than what was reduced.
    #[test]
    fn reduced_frames_are_the_right_ones_and_never_weigh_too_much(moves in moves()) {
        let rig = rig(16 * bytes_of(&frame(0)));
        let pool = FramePool::new(4 << 20);
        rig.cache.join(&pool);
        let keeper = rig.keeper(1);
        for next in moves {
            match next {
                Move::Put(number) => keeper.put(FrameIndex(number), &Arc::new(frame(number))),
                Move::Aim(number, reverse) => keeper.aim(at(number, reverse)),
                Move::Show(reduces) => rig.cache.show_at(reduces.then(|| size(SHOWN))),
                Move::GiveBack(bytes) => {
                    rig.cache.give_back(bytes, Shortage::Budget);
                }
                Move::Limit(bytes) => rig.cache.set_limit(bytes),
            }
            let stats = rig.cache.stats();
            let kept: Vec<(i64, Arc<VideoFrame>)> = (0..60)
                .filter_map(|number| keeper.nearest(FrameIndex(number), 0))
                .map(|(number, kept)| (number.0, kept))
                .collect();
            let bytes: u64 = kept.iter().map(|(_, kept)| bytes_of(kept)).sum();
            prop_assert_eq!(stats.bytes, bytes);
            prop_assert_eq!(stats.frames, kept.len() as u64);
            prop_assert!(stats.bytes <= stats.limit_bytes);
            prop_assert_eq!(pool.usage().used_bytes, stats.reduced_bytes);
            for (number, kept) in kept {
                prop_assert!(shown(&kept) == shown(&frame(number)), "frame {}", number);
            }
        }
    }
}

//! Pictures that are shown again are the pictures that would be made again.

use std::sync::Arc;

use crate::gpu::test_support::{frame_of, noise_frame, open, shared, size, yuv};
use crate::gpu::{
    ConvertChoice, Course, GpuContext, KeptCounts, OffscreenTarget, Outlook, Place, Rect,
    RgbaPicture, TextureBudget, Viewer,
};
use crate::media::{
    ColorInfo, FieldOrder, Orientation, PictureId, PixelFormat, Size, Subsampling, VideoFrame,
    ViewSettings,
};
use crate::memory::{Ledger, MemoryClass};
use crate::time::FrameIndex;
use crate::timeline::{Composite, CompositeLayer, CompositeOp, Content, Look, Mix};

const CHOICES: [ConvertChoice; 2] = [ConvertChoice::Gpu, ConvertChoice::Cpu];
const UPRIGHT: Orientation = Orientation::UPRIGHT;
const PICTURE: (u32, u32) = (48, 27);
const PICTURE_BYTES: u64 = 48 * 27 * 4;

/// A device of its own with room for so many bytes, and what it is charged to.
fn device(share_bytes: u64) -> (GpuContext, Ledger) {
    let ledger = Ledger::new(1 << 30);
    let mut ctx = open();
    ctx.set_budget(TextureBudget::new(ledger.clone(), share_bytes));
    (ctx, ledger)
}

fn viewer(ctx: &GpuContext, choice: ConvertChoice) -> Viewer {
    Viewer::new(ctx, choice, OffscreenTarget::FORMAT).unwrap()
}

fn noise(format: PixelFormat, number: i64) -> VideoFrame {
    let mut frame = noise_frame(
        format,
        size(64, 36),
        ColorInfo::BT709_LIMITED,
        number.unsigned_abs(),
    );
    frame.id = PictureId::of_frame(9, FrameIndex(number));
    frame
}

fn picture_size() -> Size {
    size(PICTURE.0, PICTURE.1)
}

fn show(ctx: &GpuContext, viewer: &mut Viewer, frame: &VideoFrame) -> RgbaPicture {
    show_as(ctx, viewer, frame, UPRIGHT, picture_size())
}

fn show_as(
    ctx: &GpuContext,
    viewer: &mut Viewer,
    frame: &VideoFrame,
    orientation: Orientation,
    size: Size,
) -> RgbaPicture {
    viewer.show(ctx, frame, orientation, size, 0).unwrap();
    viewer.read_back(ctx).unwrap()
}

fn hits_and_misses(viewer: &Viewer) -> (u64, u64) {
    let counts = viewer.kept_counts();
    (counts.hits, counts.misses())
}

/// What a viewer that keeps nothing shows.
fn made_anew(
    choice: ConvertChoice,
    frame: &VideoFrame,
    orientation: Orientation,
    size: Size,
) -> RgbaPicture {
    let ctx = shared();
    show_as(&ctx, &mut viewer(&ctx, choice), frame, orientation, size)
}

#[test]
fn a_frame_shown_again_looks_as_if_it_were_made_again() {
    for choice in CHOICES {
        let (ctx, _ledger) = device(8 << 20);
        let mut viewer = viewer(&ctx, choice);
        let formats = [
            yuv(Subsampling::S420, 8),
            PixelFormat::NV12,
            yuv(Subsampling::S422, 10),
        ];
        let frames: Vec<VideoFrame> = (0..6)
            .zip(formats.iter().cycle())
            .map(|(number, format)| noise(*format, number))
            .collect();
        let first: Vec<_> = frames.iter().map(|f| show(&ctx, &mut viewer, f)).collect();
        assert_eq!(hits_and_misses(&viewer), (0, 6), "{choice:?}");
        for (frame, first) in frames.iter().zip(&first).rev() {
            assert_eq!(&show(&ctx, &mut viewer, frame), first);
            assert_eq!(&made_anew(choice, frame, UPRIGHT, picture_size()), first);
        }
        assert_eq!(hits_and_misses(&viewer), (6, 6), "{choice:?}");
    }
}

#[test]
fn a_frame_that_was_decoded_again_is_the_same_and_another_at_its_address_is_not() {
    let (ctx, _ledger) = device(8 << 20);
    let mut viewer = viewer(&ctx, ConvertChoice::Cpu);
    let first = show(&ctx, &mut viewer, &noise(PixelFormat::NV12, 1));
    let mut slot = Box::new(noise(PixelFormat::NV12, 1));
    assert_eq!(show(&ctx, &mut viewer, &slot), first);
    *slot = noise(PixelFormat::NV12, 2);
    assert_ne!(show(&ctx, &mut viewer, &slot), first);
    assert_eq!(hits_and_misses(&viewer), (1, 2));
}

#[test]
fn a_turned_frame_is_another_picture() {
    for choice in CHOICES {
        let (ctx, _ledger) = device(8 << 20);
        let mut viewer = viewer(&ctx, choice);
        let frame = noise(PixelFormat::YUV420P8, 3);
        let turns = [
            UPRIGHT,
            Orientation::new(false, 1),
            Orientation::new(true, 2),
        ];
        for round in 0..2 {
            for orientation in turns {
                let size = orientation.apply(picture_size());
                let shown = show_as(&ctx, &mut viewer, &frame, orientation, size);
                assert_eq!(
                    shown,
                    made_anew(choice, &frame, orientation, size),
                    "{round}"
                );
            }
        }
        assert_eq!(hits_and_misses(&viewer), (3, 3));
    }
}

#[test]
fn what_is_drawn_and_what_is_copied_is_the_kept_picture() {
    for choice in CHOICES {
        let (ctx, _ledger) = device(8 << 20);
        let target = OffscreenTarget::new(&ctx, picture_size()).unwrap();
        let mut viewer = viewer(&ctx, choice);
        let opaque = noise(PixelFormat::YUV420P8, 1);
        let alpha = noise(
            PixelFormat {
                alpha: true,
                ..PixelFormat::YUV420P8
            },
            2,
        );
        let viewport = Rect {
            x: 0,
            y: 0,
            size: picture_size(),
        };
        let exposed = ViewSettings {
            exposure_stops: 1.0,
            ..ViewSettings::default()
        };
        let mut rounds = Vec::new();
        for _ in 0..2 {
            for frame in [&opaque, &alpha] {
                for settings in [ViewSettings::default(), exposed] {
                    viewer
                        .show(&ctx, frame, UPRIGHT, picture_size(), 0)
                        .unwrap();
                    viewer
                        .render(&ctx, target.view(), viewport, &settings, None, None)
                        .unwrap();
                    rounds.push(target.read_back(&ctx).unwrap());
                }
            }
        }
        let (first, again) = rounds.split_at(4);
        assert_eq!(first, again);
        assert!(first[0] != first[1] && first[0] != first[2]);
        assert_eq!(hits_and_misses(&viewer), (6, 2));
    }
}

#[test]
fn a_window_that_changes_its_size_and_back_finds_its_pictures() {
    let (ctx, _ledger) = device(8 << 20);
    let mut viewer = viewer(&ctx, ConvertChoice::Cpu);
    let frame = noise(PixelFormat::YUV420P8, 5);
    let (small, large) = (size(32, 18), size(64, 36));
    for size in [small, large, small, large] {
        let shown = show_as(&ctx, &mut viewer, &frame, UPRIGHT, size);
        assert_eq!(shown, made_anew(ConvertChoice::Cpu, &frame, UPRIGHT, size));
    }
    let KeptCounts {
        hits,
        misses_new,
        misses_size,
        ..
    } = viewer.kept_counts();
    assert_eq!((hits, misses_new, misses_size), (2, 1, 1));
    // A side that is dragged leaves nothing behind but the last two sizes.
    for width in 33..60 {
        show_as(&ctx, &mut viewer, &frame, UPRIGHT, size(width, 18));
        assert!(viewer.kept_counts().pictures <= 3);
    }
}

#[test]
fn no_more_is_held_than_the_share_allows() {
    for choice in CHOICES {
        let (ctx, ledger) = device(0);
        // What it takes to show one picture: it must be there, and is counted.
        let mut first = viewer(&ctx, choice);
        show(&ctx, &mut first, &noise(PixelFormat::NV12, 0));
        let least = ledger.used(MemoryClass::Textures);
        drop(first);
        assert_eq!(ledger.used(MemoryClass::Textures), 0, "{choice:?}");

        let room = least + 5 * PICTURE_BYTES;
        let (ctx, ledger) = device(room);
        let mut viewer = viewer(&ctx, choice);
        for number in 0..700 {
            show(&ctx, &mut viewer, &noise(PixelFormat::NV12, number % 70));
            assert!(ledger.used(MemoryClass::Textures) <= room);
            assert_eq!(ledger.used(MemoryClass::Textures), ctx.budget().used());
        }
        let counts = viewer.kept_counts();
        assert_eq!(counts.bytes, counts.pictures * PICTURE_BYTES);
        assert_eq!((counts.pictures, counts.hits + counts.misses()), (6, 700));
        // What others want back goes at the next turn.
        assert_eq!(ctx.budget().ask_back(PICTURE_BYTES + 1), PICTURE_BYTES + 1);
        viewer.settle(&ctx);
        assert_eq!(viewer.kept_counts().pictures, 4);
        // A smaller share takes effect at the next turn, and the picture on screen stays.
        let shown = viewer.read_back(&ctx).unwrap();
        ctx.budget().lower_share(1);
        viewer.settle(&ctx);
        assert_eq!(viewer.kept_counts().pictures, 1);
        assert_eq!(viewer.read_back(&ctx).unwrap(), shown);
    }
}

#[test]
fn others_that_take_the_budget_leave_one_picture() {
    let (ctx, ledger) = device(64 << 20);
    let mut viewer = viewer(&ctx, ConvertChoice::Cpu);
    let all = ledger.room(MemoryClass::Frames);
    show(&ctx, &mut viewer, &noise(PixelFormat::NV12, 0));
    let left = ledger.room(MemoryClass::Frames);
    let frames = ledger.reserve(MemoryClass::Frames, left).unwrap();
    for number in 0..10 {
        let shown = show(&ctx, &mut viewer, &noise(PixelFormat::NV12, number));
        assert_eq!(shown.size, picture_size());
        assert_eq!(viewer.kept_counts().pictures, 1);
        assert!(ledger.total() <= ledger.limit());
    }
    drop(frames);
    for number in 0..10 {
        show(&ctx, &mut viewer, &noise(PixelFormat::NV12, number));
    }
    assert_eq!(viewer.kept_counts().pictures, 10);
    drop(viewer);
    assert_eq!(ledger.room(MemoryClass::Frames), all);
}

#[test]
fn without_a_share_nothing_is_kept() {
    let (ctx, _ledger) = device(0);
    let mut viewer = viewer(&ctx, ConvertChoice::Cpu);
    let frame = noise(PixelFormat::NV12, 0);
    let first = show(&ctx, &mut viewer, &frame);
    assert_eq!(show(&ctx, &mut viewer, &frame), first);
    let expected = KeptCounts {
        pictures: 1,
        bytes: PICTURE_BYTES,
        peak_bytes: PICTURE_BYTES,
        ..KeptCounts::default()
    };
    assert_eq!(viewer.kept_counts(), expected);
}

#[test]
fn playing_on_keeps_a_few_and_pausing_keeps_all() {
    let (ctx, _ledger) = device(64 << 20);
    let mut viewer = viewer(&ctx, ConvertChoice::Cpu);
    let mut at = |frame: i64, course| {
        viewer.set_outlook(Outlook {
            place: Place {
                medium: 9,
                frame: FrameIndex(frame),
            },
            course,
        });
        show(&ctx, &mut viewer, &noise(PixelFormat::NV12, frame));
        viewer.kept_counts()
    };
    let onwards = Course::Onwards { reverse: false };
    let few = (0..100).map(|frame| at(frame, onwards).pictures).max();
    assert!(few < Some(40), "{few:?}");
    let back = (90..100)
        .rev()
        .map(|frame| at(frame, Course::Anywhere).hits);
    assert_eq!(back.max(), Some(10));
    let paused = (200..300).map(|frame| at(frame, Course::Anywhere).pictures);
    assert!(paused.max() > Some(100));
}

#[test]
fn pictures_go_with_their_device_and_come_again_on_the_next() {
    for choice in CHOICES {
        let (ctx, ledger) = device(8 << 20);
        let mut viewer = viewer(&ctx, choice);
        let frames: Vec<_> = (0..3).map(|n| noise(PixelFormat::NV12, n)).collect();
        let before: Vec<_> = frames.iter().map(|f| show(&ctx, &mut viewer, f)).collect();
        ctx.force_loss();
        assert!(
            viewer
                .show(&ctx, &frames[0], UPRIGHT, picture_size(), 0)
                .is_err()
        );
        let mut next = open();
        next.set_budget(ctx.budget().clone());
        drop(ctx);
        viewer.rebuild(&next, OffscreenTarget::FORMAT).unwrap();
        assert_eq!(ledger.used(MemoryClass::Textures), 0);
        assert!(
            viewer.read_back(&next).is_err(),
            "nothing of the old device"
        );
        for (frame, before) in frames.iter().zip(&before) {
            assert_eq!(&show(&next, &mut viewer, frame), before);
        }
        let counts = viewer.kept_counts();
        assert_eq!(
            (counts.misses_device, counts.misses(), counts.hits),
            (3, 6, 0)
        );
        assert_eq!(&show(&next, &mut viewer, &frames[1]), &before[1]);
        assert_eq!(viewer.kept_counts().hits, 1);
    }
}

#[test]
fn a_frame_of_fields_and_the_whole_one_made_of_it_are_two_pictures() {
    let (ctx, _ledger) = device(8 << 20);
    let mut viewer = viewer(&ctx, ConvertChoice::Cpu);
    let format = PixelFormat::YUV420P8;
    let striped = |code: [u32; 2]| {
        let stripes = |plane: usize, _: usize, y: usize| if plane == 0 { code[y % 2] } else { 128 };
        frame_of(format, size(64, 36), ColorInfo::BT709_LIMITED, 0, stripes)
    };
    let mut fields = striped([40, 190]);
    fields.fields = FieldOrder::TopFirst;
    let mut whole = striped([40, 40]);
    whole.id = fields.id;
    let again = |viewer: &mut Viewer| viewer.show_again(&ctx, &fields, UPRIGHT, picture_size());
    assert_eq!(again(&mut viewer), Ok(false));
    let raw = show(&ctx, &mut viewer, &fields);
    assert_eq!(again(&mut viewer), Ok(false));
    let made_whole = show(&ctx, &mut viewer, &whole);
    assert_ne!(raw, made_whole);
    assert_eq!(show(&ctx, &mut viewer, &fields), raw);
    assert_eq!(again(&mut viewer), Ok(true));
    assert_eq!(viewer.read_back(&ctx).unwrap(), made_whole);
    assert_eq!(hits_and_misses(&viewer), (2, 2));
}

fn layer(frame: VideoFrame, opacity: f32) -> CompositeOp {
    CompositeOp::Layer(CompositeLayer {
        content: Content::Frame {
            display: frame.size,
            orientation: UPRIGHT,
            frame: Arc::new(frame),
        },
        look: Look {
            opacity,
            ..Look::default()
        },
        mix: Mix::FULL,
    })
}

#[test]
fn a_composite_shown_again_is_not_composed_again() {
    for choice in CHOICES {
        let (ctx, _ledger) = device(32 << 20);
        let mut viewer = viewer(&ctx, choice);
        // Frames are decoded anew each time, as they are where a timeline plays in a loop.
        let composite = |number: i64, opacity| {
            let low = layer(noise(PixelFormat::YUV420P8, number), 1.0);
            let high = layer(noise(PixelFormat::YUV420P8, 100 + number), opacity);
            Composite::new(size(64, 36), vec![low, high])
        };
        let mut shown = |number, opacity| {
            let composite = composite(number, opacity);
            let times = viewer.show_composite(&ctx, &composite, picture_size(), 0);
            (times.unwrap(), viewer.read_back(&ctx).unwrap())
        };
        let first: Vec<_> = (0..4).map(|number| shown(number, 0.5).1).collect();
        let fainter = shown(0, 0.25).1;
        assert_ne!(first[0], fainter);
        for number in 0..4 {
            let (times, picture) = shown(number, 0.5);
            assert_eq!((times.convert_nanos, times.upload_nanos), (0, 0));
            assert_eq!(picture, first[usize::try_from(number).unwrap()]);
        }
        assert_eq!(shown(0, 0.25).1, fainter);
        assert_eq!(hits_and_misses(&viewer), (5, 5));
        let plain = shared();
        let mut without = self::viewer(&plain, choice);
        without
            .show_composite(&plain, &composite(2, 0.5), picture_size(), 0)
            .unwrap();
        assert_eq!(without.read_back(&plain).unwrap(), first[2]);
    }
}

#[test]
fn a_clip_alone_in_a_timeline_is_the_frame_of_its_file() {
    let (ctx, _ledger) = device(8 << 20);
    let mut viewer = viewer(&ctx, ConvertChoice::Cpu);
    let first = show(&ctx, &mut viewer, &noise(PixelFormat::YUV420P8, 4));
    let alone = Composite::new(
        size(64, 36),
        vec![layer(noise(PixelFormat::YUV420P8, 4), 1.0)],
    );
    viewer
        .show_composite(&ctx, &alone, picture_size(), 0)
        .unwrap();
    assert_eq!(viewer.read_back(&ctx).unwrap(), first);
    assert_eq!(hits_and_misses(&viewer), (1, 1));
}

use super::*;
use crate::decode::Generation;
use crate::gpu::TextureBudget;
use crate::media::{ColorInfo, CompareMode, PictureId, PixelFormat, test_support};
use crate::memory::Ledger;
use crate::playback::PlaybackStatus;
use crate::time::{FrameRate, MediaSpan, Moment};
use crate::timeline::{CompareSides, Look, Mix};

fn size(width: u32, height: u32) -> Size {
    Size::new(width, height).unwrap()
}

/// A picture of stripes, each row another luma.
fn frame(size: Size, fields: FieldOrder) -> Arc<VideoFrame> {
    let format = PixelFormat::YUV420P8;
    let planes: Vec<(Vec<u8>, usize)> = (0..3)
        .map(|plane| {
            let (width, rows) = format.plane_size(plane, size);
            let code = |row: usize| {
                if plane == 0 {
                    40 + 150 * (row % 2)
                } else {
                    128
                }
            };
            let bytes = (0..width * rows).map(|at| u8::try_from(code(at / width)).unwrap());
            (bytes.collect(), width)
        })
        .collect();
    Arc::new(VideoFrame {
        fields,
        ..VideoFrame::from_planes(format, size, ColorInfo::BT709_LIMITED, &planes)
    })
}

fn stream() -> VideoStream {
    let rate = FrameRate::new(25, 1).unwrap();
    test_support::stream(size(64, 36), PixelFormat::YUV420P8, rate)
}

fn planned(picture: Picture) -> PlannedFrame {
    PlannedFrame {
        generation: Generation(1),
        index: FrameIndex(0),
        run: MediaSpan::ZERO,
        run_end: MediaSpan::from_millis(40),
        picture,
        given_up: 0,
        demux: Duration::ZERO,
        decode: Duration::ZERO,
        ready: Moment::default(),
    }
}

fn layer(frame: Arc<VideoFrame>, scale: f32) -> CompositeOp {
    CompositeOp::Layer(CompositeLayer {
        content: Content::Frame {
            orientation: Orientation::UPRIGHT,
            display: frame.size,
            frame,
        },
        look: Look {
            scale: [scale, scale],
            ..Look::default()
        },
        mix: Mix::FULL,
    })
}

fn composite(ops: Vec<CompositeOp>) -> Picture {
    Picture::Composite(Arc::new(Composite::new(size(128, 72), ops)))
}

fn stage() -> Stage {
    let ctx = GpuContext::headless(&GpuOptions::from_env(None)).unwrap();
    Stage::new(ctx, ConvertChoice::Auto, wgpu::TextureFormat::Bgra8Unorm).unwrap()
}

#[test]
fn layers_are_shown_at_the_size_of_their_canvas() {
    let mut stage = stage();
    let picture = frame(size(64, 36), FieldOrder::Progressive);
    let two = composite(vec![layer(Arc::clone(&picture), 1.0), layer(picture, 0.5)]);
    stage.take(&planned(two), &stream());
    assert_eq!(stage.display_size(), Some(size(128, 72)));
    assert_eq!(stage.viewport(size(200, 72)).unwrap().size, size(128, 72));
    assert!(stage.needs_picture(size(64, 64)));
    stage.make_picture(size(64, 64), 1).unwrap();
    assert!(!stage.needs_picture(size(64, 64)));
    assert_eq!(stage.picture(None).unwrap().size, size(128, 72));
    // What is missing leaves what is there; a frame takes its place.
    stage.take(&planned(Picture::Missing("damaged".into())), &stream());
    assert_eq!(stage.display_size(), Some(size(128, 72)));
    let alone = frame(size(64, 36), FieldOrder::Progressive);
    stage.take(&planned(Picture::Frame(alone)), &stream());
    assert_eq!(stage.display_size(), Some(size(64, 36)));
}

#[test]
fn layers_of_fields_are_shown_as_whole_pictures() {
    let mut stage = stage();
    let still = frame(size(128, 72), FieldOrder::TopFirst);
    let progressive = frame(size(128, 72), FieldOrder::Progressive);
    let ops = vec![layer(progressive, 1.0), layer(Arc::clone(&still), 0.5)];
    let mut first: Option<Arc<VideoFrame>> = None;
    for _ in 0..2 {
        stage.take(&planned(composite(ops.clone())), &stream());
        let Some(Shown::Composite(shown)) = stage.held.as_ref().map(|held| &held.shown) else {
            panic!("a composite is at hand")
        };
        let whole = shown.frames().last().unwrap();
        assert_eq!(whole.fields, FieldOrder::Progressive);
        // The rows of the other field are gone, and a still is taken apart once.
        assert!(whole.plane(0).row(1).iter().all(|&code| code == 40));
        assert!(first.as_ref().is_none_or(|first| Arc::ptr_eq(first, whole)));
        first = Some(Arc::clone(whole));
    }
    // Where no field is left, nothing is kept for any.
    stage.take(&planned(composite(vec![ops[0].clone()])), &stream());
    assert!(stage.fields.is_empty());
}

#[test]
fn fields_that_come_again_are_neither_taken_apart_nor_converted() {
    let mut ctx = GpuContext::headless(&GpuOptions::from_env(None)).unwrap();
    ctx.set_budget(TextureBudget::of_ledger(Ledger::new(1 << 30)));
    let mut stage = Stage::new(ctx, ConvertChoice::Auto, wgpu::TextureFormat::Bgra8Unorm).unwrap();
    let decoded = |number| {
        let mut frame = Arc::into_inner(frame(size(64, 36), FieldOrder::TopFirst)).unwrap();
        frame.id = PictureId::of_frame(3, FrameIndex(number));
        Picture::Frame(Arc::new(frame))
    };
    let mut show = |number| {
        stage.take(&planned(decoded(number)), &stream());
        stage.make_picture(size(64, 36), 1).unwrap();
        let taken_apart = stage.fields[0].last.as_ref().map(|(_, whole)| whole.id);
        let counts = stage.kept_counts();
        (taken_apart, counts.hits, counts.misses())
    };
    let [one, two] = [1, 2].map(|number| PictureId::of_frame(3, FrameIndex(number)));
    assert_eq!(show(1), (Some(one), 0, 1));
    assert_eq!(show(2), (Some(two), 0, 2));
    // The first one was dropped and is decoded again.
    assert_eq!(show(1), (Some(two), 1, 2));
    let picture = stage.picture(None).unwrap();
    assert_eq!(stage.kept_counts().hits, 2);
    // Of the stripes, those of the other field are gone.
    assert!(
        picture
            .rgba
            .as_chunks::<4>()
            .0
            .windows(2)
            .all(|pair| pair[0] == pair[1])
    );
}

#[test]
fn the_playheads_course_is_what_the_engine_says() {
    let mut snapshot = Snapshot {
        status: PlaybackStatus::Playing,
        mark_in: Some(FrameIndex(5)),
        mark_out: Some(FrameIndex(50)),
        ..Snapshot::default()
    };
    let onwards = Course::Onwards { reverse: false };
    assert_eq!(course_of(&snapshot), onwards);
    snapshot.loop_mode = LoopMode::PingPong;
    let round = Course::Round {
        first: FrameIndex(5),
        last: FrameIndex(50),
        reverse: false,
        turns: true,
    };
    assert_eq!(course_of(&snapshot), round);
    snapshot.status = PlaybackStatus::Paused;
    assert_eq!(course_of(&snapshot), Course::Anywhere);
}

#[test]
fn layers_come_back_after_a_device_loss() {
    let mut stage = stage();
    let picture = frame(size(64, 36), FieldOrder::Progressive);
    let two = composite(vec![layer(Arc::clone(&picture), 1.0), layer(picture, 0.7)]);
    stage.take(&planned(two), &stream());
    let before = stage.picture(None).unwrap();
    stage.gpu().force_loss();
    assert!(stage.picture(None).is_err());
    stage.rebuild_headless().unwrap();
    assert!(stage.needs_picture(size(128, 72)));
    stage.make_picture(size(128, 72), 1).unwrap();
    assert!(stage.picture(None).unwrap() == before);
}

/// Two sides of one colour each.
fn sides() -> Composite {
    let solid = |color| {
        CompositeOp::Layer(CompositeLayer {
            content: Content::Solid(color),
            look: Look::default(),
            mix: Mix::FULL,
        })
    };
    let end = || CompositeOp::EndGroup {
        look: Look::default(),
        mix: Mix::FULL,
    };
    let ops = vec![
        CompositeOp::BeginGroup,
        solid([1.0, 0.0, 0.0, 1.0]),
        end(),
        CompositeOp::BeginGroup,
        solid([0.0, 0.0, 1.0, 1.0]),
        end(),
    ];
    Composite {
        compare: Some(CompareSides { a: 2, b: 5 }),
        ..Composite::new(size(128, 72), ops)
    }
}

#[test]
fn what_is_given_up_is_what_the_course_of_now_needs_last() {
    let budget = TextureBudget::of_ledger(Ledger::new(1 << 30));
    let mut ctx = GpuContext::headless(&GpuOptions::from_env(None)).unwrap();
    ctx.set_budget(budget.clone());
    let mut stage = Stage::new(ctx, ConvertChoice::Auto, wgpu::TextureFormat::Bgra8Unorm).unwrap();
    let show = |stage: &mut Stage, number| {
        let mut frame = Arc::into_inner(frame(size(64, 36), FieldOrder::Progressive)).unwrap();
        frame.id = PictureId::of_frame(3, FrameIndex(number));
        let frame = PlannedFrame {
            index: FrameIndex(number),
            ..planned(Picture::Frame(Arc::new(frame)))
        };
        stage.take(&frame, &stream());
        stage.make_picture(size(64, 36), 1).unwrap();
    };
    for number in [13, 9, 10] {
        show(&mut stage, number);
    }
    assert_eq!(stage.kept_counts().pictures, 3);
    assert!(budget.ask_back(1) > 0);
    // It stood still, where frame 9 is nearer than 13. Now it goes round, and 9 comes last of all.
    stage.follow(&Snapshot {
        status: PlaybackStatus::Playing,
        loop_mode: LoopMode::Loop,
        mark_out: Some(FrameIndex(20)),
        ..Snapshot::default()
    });
    assert_eq!(stage.kept_counts().pictures, 2);
    show(&mut stage, 13);
    assert_eq!(stage.kept_counts().hits, 1);
}

#[test]
fn a_comparison_that_is_held_follows_its_view() {
    const RED: [u8; 3] = [255, 0, 0];
    const BLUE: [u8; 3] = [0, 0, 255];
    const BLACK: [u8; 3] = [0, 0, 0];
    let mut stage = stage();
    let view = |mode, position| CompareView { mode, position };
    let side_by_side = CompareMode::SideBySide;
    assert!(
        !stage.set_compare(view(side_by_side, 0.5)),
        "nothing is held"
    );
    let picture = Picture::Composite(Arc::new(sides()));
    stage.take(&planned(picture), &stream());
    let mut colors = |change: Option<CompareView>| {
        if let Some(view) = change {
            assert!(stage.set_compare(view));
            assert!(stage.needs_picture(size(128, 72)));
            assert!(!stage.set_compare(view), "it is so already");
        }
        stage.make_picture(size(128, 72), 1).unwrap();
        let picture = stage.picture(None).unwrap();
        let at = |x: usize, y: usize| {
            let pixel = picture.rgba.as_chunks::<4>().0[y * 128 + x];
            [pixel[0], pixel[1], pixel[2]]
        };
        [at(10, 36), at(63, 36), at(64, 36), at(118, 36), at(10, 4)]
    };
    assert_eq!(colors(None), [RED, RED, BLUE, BLUE, BLACK]);
    let wipe = view(CompareMode::Wipe, 0.25);
    assert_eq!(colors(Some(wipe)), [RED, BLUE, BLUE, BLUE, RED]);
    let wipe = view(CompareMode::Wipe, 0.75);
    assert_eq!(colors(Some(wipe)), [RED, RED, RED, BLUE, RED]);
    let only = view(CompareMode::OnlyB, 0.75);
    assert_eq!(colors(Some(only)), [BLUE; 5]);
    let only = view(CompareMode::OnlyA, 0.75);
    assert_eq!(colors(Some(only)), [RED; 5]);
    let difference = view(CompareMode::Difference, 0.75);
    assert_eq!(colors(Some(difference)), [[255, 0, 255]; 5]);
}

/// The bars of ITU-R BT.709 as codes of limited range, and the colours that they are of.
const BARS: [([u8; 3], [f64; 3]); 8] = [
    ([235, 128, 128], [1.0, 1.0, 1.0]),
    ([219, 16, 138], [1.0, 1.0, 0.0]),
    ([188, 154, 16], [0.0, 1.0, 1.0]),
    ([173, 42, 26], [0.0, 1.0, 0.0]),
    ([78, 214, 230], [1.0, 0.0, 1.0]),
    ([63, 102, 240], [1.0, 0.0, 0.0]),
    ([32, 240, 118], [0.0, 0.0, 1.0]),
    ([16, 128, 128], [0.0, 0.0, 0.0]),
];

/// Those bars, 16 pixels wide each: from left to right in the upper half, and from right to left in the lower one.
fn bars() -> Arc<VideoFrame> {
    let (format, size) = (PixelFormat::YUV420P8, size(128, 72));
    let planes: Vec<(Vec<u8>, usize)> = (0..3)
        .map(|plane| {
            let (width, rows) = format.plane_size(plane, size);
            let code = |at: usize| {
                let bar = (at % width) * BARS.len() / width;
                let is_upper = at / width < rows / 2;
                let bar = if is_upper { bar } else { BARS.len() - 1 - bar };
                BARS[bar].0[plane]
            };
            ((0..width * rows).map(code).collect(), width)
        })
        .collect();
    let frame = VideoFrame::from_planes(format, size, ColorInfo::BT709_LIMITED, &planes);
    Arc::new(frame)
}

/// Where the middle of a pixel lies in a picture of this size.
fn middle(column: u32, row: u32, size: Size) -> [f32; 2] {
    let part = |at: u32, length: u32| (at as f32 + 0.5) / length as f32;
    [part(column, size.width()), part(row, size.height())]
}

#[test]
fn a_pixel_is_read_as_it_was_decoded_and_as_it_is_shown() {
    let mut stage = stage();
    assert_eq!(stage.read_pixel([0.5, 0.5]), None, "nothing is held");
    let picture = bars();
    let size = picture.size;
    let stream = VideoStream { size, ..stream() };
    stage.take(&planned(Picture::Frame(picture)), &stream);
    let shown = stage.picture(None).unwrap();
    for (bar, (codes, rgb)) in (0..).zip(BARS) {
        // In the middle of a bar, where no other one colours it.
        for (column, row) in [(16 * bar + 7, 17), (16 * (7 - bar) + 7, 53)] {
            let read = stage.read_pixel(middle(column, row, size)).unwrap();
            assert_eq!((read.place, read.alpha), ([column, row], None));
            let [y, cb, cr] = codes.map(u32::from);
            assert_eq!(read.codes, [("Y", y), ("Cb", cb), ("Cr", cr)]);
            let pixel = shown.pixel(column, row).unwrap();
            for ((found, wanted), on_screen) in read.rgb.into_iter().zip(rgb).zip(pixel) {
                assert!((found - wanted).abs() < 0.005, "{read:?}");
                let apart = (found * 255.0).round() - f64::from(on_screen);
                assert!(apart.abs() <= 1.0, "{read:?} is shown as {pixel:?}");
            }
        }
    }
    for outside in [[1.0, 0.5], [0.5, -0.01], [f32::NAN, 0.5]] {
        assert_eq!(stage.read_pixel(outside), None);
    }
    stage.clear();
    assert_eq!(stage.read_pixel([0.5, 0.5]), None, "it was taken away");
}

#[test]
fn a_pixel_of_a_turned_picture_is_read_where_it_is_stored() {
    let mut stage = stage();
    let picture = bars();
    let stream = VideoStream {
        size: picture.size,
        orientation: Orientation::new(false, 1),
        ..stream()
    };
    stage.take(&planned(Picture::Frame(picture)), &stream);
    let turned = stage.display_size().unwrap();
    assert_eq!(turned, size(72, 128));
    let read = |column, row| {
        let read = stage.read_pixel(middle(column, row, turned)).unwrap();
        (read.place, read.codes)
    };
    // The first row is the last column.
    let white = vec![("Y", 235), ("Cb", 128), ("Cr", 128)];
    assert_eq!(read(71, 0), ([0, 0], white));
    let red = vec![("Y", 63), ("Cb", 102), ("Cr", 240)];
    assert_eq!(read(71 - 17, 87), ([87, 17], red));
}

#[test]
fn a_pixel_of_layers_is_read_where_one_frame_is_all_that_is_seen() {
    let mut stage = stage();
    let picture = bars();
    let place = middle(87, 17, picture.size);
    let mut read = |layers| {
        stage.take(&planned(composite(layers)), &stream());
        stage.make_picture(size(128, 72), 1).unwrap();
        stage.read_pixel(place)
    };
    let alone = read(vec![layer(Arc::clone(&picture), 1.0)]).unwrap();
    assert_eq!(alone.place, [87, 17]);
    assert_eq!(alone.codes, [("Y", 63), ("Cb", 102), ("Cr", 240)]);
    let below = layer(Arc::clone(&picture), 1.0);
    assert_eq!(read(vec![below, layer(picture, 0.5)]), None);
}

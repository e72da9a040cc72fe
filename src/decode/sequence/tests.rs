use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::decode::{LoopMode, Picture, PlannedFrame, RingItem, RunAnchor, SharedAnchor};
use crate::media::Size;
use crate::memory::FramePool;
use crate::time::{FrameRate, MediaSpan, Moment, SimClock};
use crate::timeline::{
    Located, Locator, MediaReference, MissingFrames, SequenceReference, sequence_of,
};

/// How long a test waits for one frame before it calls the session hung.
const HUNG: Duration = Duration::from_mins(4);

const NO_LIMIT: u64 = 64 << 20;

/// Writes a picture all of whose pixels have the red of `red`.
fn write_png(path: &Path, red: u8, (width, height): (u32, u32)) {
    let file = std::fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels = [red, 7, 9].repeat((width * height) as usize);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
}

/// A folder with `img.0001.png` and so on.
fn folder(numbers: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for &number in numbers {
        let name = format!("img.{number:04}.png");
        write_png(&folder.path().join(name), number, (8, 6));
    }
    folder
}

/// The sequence as a timeline would name it.
fn located(folder: &Path, missing: MissingFrames, start: i64) -> LocatedSequence {
    let reference = MediaReference::Sequence(SequenceReference {
        base: "".into(),
        prefix: "img.".into(),
        suffix: ".png".into(),
        start,
        step: 1,
        digits: 4,
        rate: FrameRate::new(24, 1).unwrap(),
        missing,
        available: None,
    });
    match Locator::new(folder, Vec::new()).locate(&reference, "", &|_| None) {
        Located::Sequence(sequence) => sequence,
        other => panic!("{other:?}"),
    }
}

struct Rig {
    session: SequenceSession,
    frames: FrameConsumer,
    news: Receiver<()>,
    pool: FramePool,
    anchor: SharedAnchor,
    clock: Arc<SimClock>,
    generation: u64,
}

impl Rig {
    fn new(sequence: LocatedSequence) -> Self {
        let info = media_info_of_sequence(&sequence).unwrap();
        let pool = FramePool::new(NO_LIMIT);
        let anchor = SharedAnchor::default();
        let clock = Arc::new(SimClock::default());
        let (send, news) = bounded(1);
        let options = SessionOptions {
            threads: NonZeroUsize::new(2).unwrap(),
            pool: pool.clone(),
            ring_frames: 3,
            more_decoders: 0,
            reverse_frames: 4,
            clock: clock.clone(),
            anchor: Arc::clone(&anchor),
            notify: Arc::new(move || {
                let _already = send.try_send(());
            }),
            index: None,
            indices: None,
            keeper: None,
            proxies: None,
        };
        let (session, frames) = SequenceSession::start(sequence, &info.video[0], options).unwrap();
        Self {
            session,
            frames,
            news,
            pool,
            anchor,
            clock,
            generation: 0,
        }
    }

    fn of(folder: &tempfile::TempDir, missing: MissingFrames) -> Self {
        Self::new(located(folder.path(), missing, 1))
    }

    fn plan(&mut self, change: impl FnOnce(&mut VideoPlan)) {
        self.generation += 1;
        let mut plan = VideoPlan {
            generation: Generation(self.generation),
            start: FrameIndex::ZERO,
            first: FrameIndex::ZERO,
            last: None,
            reverse: false,
            stride: NonZeroU32::MIN,
            repeat: LoopMode::Off,
        };
        change(&mut plan);
        self.session.set_plan(plan);
    }

    /// The next frame of the present plan; the run time of its end where it is over.
    fn next(&mut self) -> Result<PlannedFrame, MediaSpan> {
        loop {
            match self.frames.pop() {
                Some(item) if item.generation() < Generation(self.generation) => {}
                Some(RingItem::Frame(frame)) => return Ok(frame),
                Some(RingItem::End { run, .. }) => return Err(run),
                None => self.news.recv_timeout(HUNG).unwrap(),
            }
        }
    }

    fn take(&mut self, count: usize) -> Vec<PlannedFrame> {
        (0..count).map(|_| self.next().unwrap()).collect()
    }

    /// All frames up to the plan's end, and when it ends.
    fn rest(&mut self) -> (Vec<PlannedFrame>, MediaSpan) {
        let mut frames = Vec::new();
        loop {
            match self.next() {
                Ok(frame) => frames.push(frame),
                Err(run) => return (frames, run),
            }
        }
    }
}

/// The red of a picture, by which it is known.
fn red(frame: &PlannedFrame) -> Option<u8> {
    match &frame.picture {
        Picture::Frame(picture) => Some(picture.plane(2).row(0)[0]),
        Picture::Missing(_) | Picture::Composite(_) => None,
    }
}

fn reds(frames: &[PlannedFrame]) -> Vec<Option<u8>> {
    frames.iter().map(red).collect()
}

fn numbers(frames: &[PlannedFrame]) -> Vec<i64> {
    frames.iter().map(|frame| frame.index.0).collect()
}

/// Length of `frames` frames.
fn span(frames: i64) -> MediaSpan {
    let rate = FrameRate::new(24, 1).unwrap();
    rate.time_of_frame_nearest(FrameIndex(frames)).since_zero()
}

#[test]
fn pictures_come_in_order_with_their_times() {
    let folder = folder(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let mut rig = Rig::of(&folder, MissingFrames::Error);
    rig.plan(|_| {});
    let (frames, end) = rig.rest();
    assert_eq!(reds(&frames), (1..=9).map(Some).collect::<Vec<_>>());
    for (n, frame) in (0..).zip(&frames) {
        assert_eq!(frame.index, FrameIndex(n));
        assert_eq!((frame.run, frame.run_end), (span(n), span(n + 1)));
        assert_eq!(frame.given_up, 0);
    }
    assert_eq!(end, span(9));
    let status = rig.session.status();
    assert_eq!((status.ready, status.damaged_packets), (Generation(1), 0));
    assert_eq!(rig.session.index().len(), 9);
}

#[test]
fn plans_of_all_kinds_are_followed() {
    let folder = folder(&[1, 2, 3, 4, 5, 6]);
    let mut rig = Rig::of(&folder, MissingFrames::Error);
    rig.plan(|plan| (plan.start, plan.reverse) = (FrameIndex(3), true));
    let (frames, end) = rig.rest();
    assert_eq!(numbers(&frames), [3, 2, 1, 0]);
    assert_eq!(reds(&frames), [4, 3, 2, 1].map(Some));
    assert_eq!((frames[1].run, end), (span(1), span(4)));

    rig.plan(|plan| plan.stride = NonZeroU32::new(4).unwrap());
    assert_eq!(numbers(&rig.rest().0), [0, 4]);

    rig.plan(|plan| {
        plan.start = FrameIndex(2);
        plan.first = FrameIndex(1);
        plan.last = Some(FrameIndex(3));
        plan.repeat = LoopMode::Loop;
    });
    let frames = rig.take(8);
    assert_eq!(numbers(&frames), [2, 3, 1, 2, 3, 1, 2, 3]);
    assert_eq!(frames[5].run, span(5), "run time goes on over laps");

    rig.plan(|plan| plan.repeat = LoopMode::PingPong);
    let frames = rig.take(13);
    assert_eq!(numbers(&frames), [0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0, 0]);

    for start in [-1, 6, 99] {
        rig.plan(|plan| plan.start = FrameIndex(start));
        assert!(rig.rest().0.is_empty(), "there is no frame {start}");
        rig.plan(|plan| {
            plan.start = FrameIndex(start);
            plan.repeat = LoopMode::Loop;
            plan.first = FrameIndex(start);
        });
        rig.plan(|_| {});
        assert_eq!(rig.rest().0.len(), 6);
    }
}

#[test]
fn a_new_plan_replaces_the_old_one_at_any_time() {
    let folder = folder(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let mut rig = Rig::of(&folder, MissingFrames::Error);
    for round in 0..200 {
        let start = round * 7 % 9;
        rig.plan(|plan| {
            plan.start = FrameIndex(start);
            plan.reverse = round % 3 == 0;
        });
        if round % 2 == 0 {
            let frame = rig.next().unwrap();
            assert_eq!(frame.index, FrameIndex(start));
            assert_eq!(red(&frame).map(i64::from), Some(start + 1));
        }
    }
}

#[test]
fn gaps_are_shown_as_the_sequence_says() {
    let folder = folder(&[2, 3, 6]);
    let of = |missing, start| {
        let mut rig = Rig::new(located(folder.path(), missing, start));
        rig.plan(|_| {});
        rig.rest().0
    };
    let error = of(MissingFrames::Error, 1);
    assert_eq!(reds(&error), [None, Some(2), Some(3), None, None, Some(6)]);
    let Picture::Missing(reason) = &error[3].picture else {
        panic!("picture 4 is missing");
    };
    assert!(reason.contains("img.0004.png: no such picture"), "{reason}");
    let hold = of(MissingFrames::Hold, 1);
    assert_eq!(
        reds(&hold),
        [0, 2, 3, 3, 3, 6].map(Some),
        "black before the first"
    );
    let (Picture::Frame(held), Picture::Frame(again)) = (&hold[2].picture, &hold[4].picture) else {
        panic!("they are held");
    };
    assert!(Arc::ptr_eq(held, again), "decoded once");
    let black = of(MissingFrames::Black, 2);
    assert_eq!(reds(&black), [2, 3, 0, 0, 6].map(Some));
    let checkerboard = of(MissingFrames::Checkerboard, 2);
    let Picture::Frame(board) = &checkerboard[2].picture else {
        panic!("a board is painted");
    };
    assert_eq!(board.size, Size::new(8, 6).unwrap());
    assert_ne!(board.plane(0).row(0)[0], board.plane(0).row(0)[1]);
}

#[test]
fn a_held_picture_is_found_from_either_side() {
    let folder = folder(&[1, 2, 6]);
    let mut rig = Rig::of(&folder, MissingFrames::Hold);
    rig.plan(|plan| (plan.start, plan.reverse) = (FrameIndex(5), true));
    assert_eq!(reds(&rig.rest().0), [6, 2, 2, 2, 2, 1].map(Some));
    rig.plan(|plan| plan.start = FrameIndex(4));
    assert_eq!(reds(&rig.rest().0), [2, 6].map(Some));
}

#[test]
fn damage_costs_the_pictures_it_hits_and_sizes_may_differ() {
    let folder = folder(&[1, 2, 3, 4, 5]);
    let path = |number: u8| folder.path().join(format!("img.{number:04}.png"));
    let whole = std::fs::read(path(2)).unwrap();
    std::fs::write(path(2), &whole[..40]).unwrap();
    std::fs::write(path(3), b"#EXTM3U\nimg.0001.png\n").unwrap();
    write_png(&path(4), 44, (30, 20));
    let mut rig = Rig::of(&folder, MissingFrames::Hold);
    std::fs::remove_file(path(5)).unwrap();
    rig.plan(|_| {});
    let (frames, _) = rig.rest();
    assert_eq!(reds(&frames), [Some(1), None, None, Some(44), None]);
    let reasons: Vec<String> = frames
        .iter()
        .filter_map(|frame| match &frame.picture {
            Picture::Missing(reason) => Some(reason.to_string()),
            Picture::Frame(_) | Picture::Composite(_) => None,
        })
        .collect();
    assert!(reasons[0].contains("img.0002.png"), "{reasons:?}");
    assert!(reasons[1].contains("playlist"), "{reasons:?}");
    assert!(reasons[2].contains("no such file"), "{reasons:?}");
    let Picture::Frame(large) = &frames[3].picture else {
        panic!("picture 4 is whole");
    };
    assert_eq!(large.size, Size::new(30, 20).unwrap());
    assert_eq!(rig.session.status().damaged_packets, 3);
}

#[test]
fn what_can_only_be_late_is_given_up() {
    let numbers_on_disk: Vec<u8> = (1..=100).collect();
    let folder = folder(&numbers_on_disk);
    let mut rig = Rig::of(&folder, MissingFrames::Error);
    for (reverse, start, second) in [(false, 0, 47), (true, 99, 52)] {
        rig.clock.advance_to(Moment::from_nanos(2_000_000_000));
        rig.anchor.store(Some(Arc::new(RunAnchor {
            generation: Generation(rig.generation + 1),
            at: Moment::ZERO,
            run: MediaSpan::ZERO,
            rate_ppb: RunAnchor::NORMAL_PPB,
        })));
        rig.plan(|plan| (plan.start, plan.reverse) = (FrameIndex(start), reverse));
        let frames = rig.take(3);
        // Two seconds are 48 frames: the one that ends now is the first that is not over.
        assert_eq!(numbers(&frames)[..2], [start, second]);
        assert_eq!(
            frames.iter().map(|f| f.given_up).collect::<Vec<_>>(),
            [0, 46, 0]
        );
        assert_eq!(frames[1].run, span(47));
    }
}

#[test]
fn every_slot_goes_back() {
    let folder = folder(&[1, 2, 3, 4, 5, 6]);
    let mut rig = Rig::of(&folder, MissingFrames::Error);
    rig.plan(|_| {});
    let kept = rig.take(4);
    drop(rig.session);
    drop(rig.frames);
    drop(kept);
    assert_eq!(rig.pool.usage().used_bytes, 0);
}

#[test]
fn a_sequence_is_described_by_its_first_whole_picture() {
    let folder = folder(&[5, 6, 9]);
    std::fs::write(folder.path().join("img.0005.png"), b"no picture").unwrap();
    let rate = FrameRate::new(24_000, 1001).unwrap();
    let sequence = sequence_of(&folder.path().join("img.0006.png")).unwrap();
    let info = media_info_of_sequence(&sequence.with_rate(rate)).unwrap();
    assert_eq!(info.path, folder.path().join("img.[0005-0009].png"));
    let [stream] = info.video.as_slice() else {
        panic!("one stream of pictures");
    };
    assert_eq!(
        (stream.size, stream.frames),
        (Size::new(8, 6).unwrap(), Some(5))
    );
    assert_eq!((stream.rate, stream.is_still), (rate, false));
    let five = rate.time_of_frame_nearest(FrameIndex(5)).since_zero();
    assert_eq!(stream.duration, Some(five));

    for number in [6, 9] {
        let path = folder.path().join(format!("img.{number:04}.png"));
        std::fs::write(path, b"no picture").unwrap();
    }
    let sequence = sequence_of(&folder.path().join("img.0006.png")).unwrap();
    let error = media_info_of_sequence(&sequence).unwrap_err();
    assert!(error.to_string().contains("img.0005.png"), "{error}");
}

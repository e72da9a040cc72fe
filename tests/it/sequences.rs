//! Numbered pictures of every format play as one medium: found, described, and each in its place.

use std::num::NonZero;
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};
use jogwheel::convert::CpuConverter;
use jogwheel::decode::{
    FrameConsumer, Generation, LoopMode, Picture, RingItem, SequenceSession, SessionOptions,
    VideoPlan, VideoSource, media_info_of_sequence,
};
use jogwheel::media::Orientation;
use jogwheel::memory::FramePool;
use jogwheel::time::{FrameIndex, RealClock};
use jogwheel::timeline::{Located, LocatedSequence, Locator, MediaReference, sequence_of};

use crate::made::{self, Clip};
use crate::program::HUNG;

fn located(clip: &Clip) -> LocatedSequence {
    let pattern = clip.note("pattern").unwrap();
    let reference = MediaReference::File {
        target: format!("{}/{pattern}", clip.name).into(),
        available: None,
    };
    match Locator::new(&made::folder(), Vec::new()).locate(&reference, "", &|_| None) {
        Located::Sequence(sequence) => sequence,
        other => panic!("{}: {other:?}", clip.name),
    }
}

struct Rig {
    session: SequenceSession,
    frames: FrameConsumer,
    news: Receiver<()>,
    converter: CpuConverter,
    generation: u64,
}

impl Rig {
    fn open(sequence: LocatedSequence) -> Self {
        let info = media_info_of_sequence(&sequence).unwrap();
        let (send, news) = bounded(1);
        let options = SessionOptions {
            threads: NonZero::new(2).unwrap(),
            pool: FramePool::new(256 << 20),
            ring_frames: 3,
            more_decoders: 0,
            reverse_frames: 4,
            clock: Arc::new(RealClock::new()),
            anchor: Arc::default(),
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
            converter: CpuConverter::new(1),
            generation: 0,
        }
    }

    /// The frames of a plan from `start` on, and the numbers in their pictures.
    fn play(&mut self, start: i64, reverse: bool) -> Vec<(i64, Result<u32, String>)> {
        self.generation += 1;
        self.session.set_plan(VideoPlan {
            generation: Generation(self.generation),
            start: FrameIndex(start),
            first: FrameIndex::ZERO,
            last: None,
            reverse,
            stride: NonZero::new(1).unwrap(),
            repeat: LoopMode::Off,
        });
        let mut seen = Vec::new();
        loop {
            match self.frames.pop() {
                Some(item) if item.generation() < Generation(self.generation) => {}
                Some(RingItem::Frame(frame)) => {
                    let number = match frame.picture {
                        Picture::Frame(picture) => {
                            let upright = Orientation::UPRIGHT;
                            made::number_in(&picture, upright, &mut self.converter)
                        }
                        Picture::Missing(reason) => Err(reason.to_string()),
                        Picture::Composite(_) => Err("layers".to_owned()),
                    };
                    seen.push((frame.index.0, number));
                }
                Some(RingItem::End { .. }) => return seen,
                None => self.news.recv_timeout(HUNG).unwrap(),
            }
        }
    }
}

#[test]
fn every_picture_of_every_format_is_in_its_place() {
    let clips = made::clips(&["sequence"]);
    assert_eq!(clips.len(), 5);
    for clip in clips {
        let sequence = located(&clip);
        assert_eq!(sequence.frames(), clip.frames, "{}", clip.name);
        let beside = sequence_of(&sequence.path_of(1000)).unwrap();
        assert_eq!(beside.present(), sequence.present(), "{}", clip.name);
        let info = media_info_of_sequence(&sequence).unwrap();
        assert_eq!(info.video[0].size.to_string(), clip.shown);

        let mut rig = Rig::open(sequence);
        let expected = |frames: &mut dyn Iterator<Item = i64>| -> Vec<(i64, Result<u32, String>)> {
            frames
                .map(|n| (n, Ok(clip.first + u32::try_from(n).unwrap())))
                .collect()
        };
        for start in [0, 3] {
            let forwards = expected(&mut (start..clip.frames));
            assert_eq!(rig.play(start, false), forwards, "{}", clip.name);
            let backwards = expected(&mut (0..=start).rev());
            assert_eq!(rig.play(start, true), backwards, "{}", clip.name);
        }
    }
}

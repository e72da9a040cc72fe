//! `jogwheel bench`: figures that other players' are compared with, without any picture.

mod products;

use std::io::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::args::{BenchArgs, BenchKind};
use super::exit::{CliError, Exit};
use super::print;
use super::soak::random_frames;
use crate::decode::{
    FrameConsumer, Generation, Input, LoopMode, RingItem, SessionOptions, VideoPlan, VideoSession,
    VideoSource, media_info,
};
use crate::memory::{FramePool, MemoryBudget};
use crate::metrics::Histogram;
use crate::time::{Bell, Clock, FrameIndex, RealClock};

/// A frame that does not come within this time never will.
const HUNG: Duration = Duration::from_mins(1);

/// Pictures that may wait, as in the player.
const RING_FRAMES: usize = 6;

#[derive(Serialize)]
struct DecodeResult {
    frames: u64,
    seconds: f64,
    fps: f64,
}

#[derive(Serialize)]
struct SeekResult {
    seeks: u64,
    p50_ms: f64,
    p95_ms: f64,
    max_ms: f64,
}

pub(super) fn run(args: &BenchArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    match &args.kind {
        BenchKind::Decode { file, json } => {
            let result = decode(file)?;
            let text = format!(
                "{} frames in {:.3} s: {:.2} fps\n",
                result.frames, result.seconds, result.fps
            );
            print(out, &if *json { wire(&result)? } else { text })?;
        }
        BenchKind::Seek {
            file,
            count,
            seed,
            json,
        } => {
            let result = seek(file, *count, *seed)?;
            let text = format!(
                "{} exact seeks: p50 {:.1} ms, p95 {:.1} ms, max {:.1} ms\n",
                result.seeks, result.p50_ms, result.p95_ms, result.max_ms
            );
            print(out, &if *json { wire(&result)? } else { text })?;
        }
        BenchKind::Thumbnails { file, json } => {
            let result = products::thumbnails(file)?;
            let text = result.to_string();
            print(out, &if *json { wire(&result)? } else { text })?;
        }
        BenchKind::Waveform { file, json } => {
            let result = products::waveform(file)?;
            let text = result.to_string();
            print(out, &if *json { wire(&result)? } else { text })?;
        }
    }
    Ok(Exit::Ok)
}

fn wire(result: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string(result)
        .map(|text| text + "\n")
        .map_err(|error| CliError::new(Exit::Failure, error.to_string()))
}

/// A session with nothing behind its ring.
struct Bench {
    session: VideoSession,
    frames: FrameConsumer,
    news: Arc<Bell>,
    clock: Arc<dyn Clock>,
    generation: Generation,
}

impl Bench {
    fn open(path: &Path) -> Result<Self, CliError> {
        let fail = |text: String| CliError::new(Exit::Input, text).about(path);
        let input = Input::open(path).map_err(|e| CliError::from(e).about(path))?;
        let info = media_info(&input);
        let stream = info
            .default_video()
            .cloned()
            .ok_or_else(|| fail(format!("{}: it has no pictures.", path.display())))?;
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
        let news = Arc::new(Bell::default());
        let rung = Arc::clone(&news);
        let options = SessionOptions {
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            pool: FramePool::new(MemoryBudget::for_this_machine().frame_bytes()),
            ring_frames: RING_FRAMES,
            more_decoders: 0,
            reverse_frames: RING_FRAMES,
            clock: Arc::clone(&clock),
            anchor: Arc::default(),
            notify: Arc::new(move || rung.ring()),
            index: None,
            indices: None,
            keeper: None,
            proxies: None,
        };
        let (session, frames) = VideoSession::start(input, stream, options)
            .map_err(|error| fail(format!("{}: {error}", path.display())))?;
        Ok(Self {
            session,
            frames,
            news,
            clock,
            generation: Generation::default(),
        })
    }

    fn plan(&mut self, start: FrameIndex) {
        self.generation = self.generation.next();
        self.session.set_plan(VideoPlan {
            generation: self.generation,
            start,
            first: FrameIndex::ZERO,
            last: None,
            reverse: false,
            stride: NonZeroU32::MIN,
            repeat: LoopMode::Off,
        });
    }

    /// The next frame of the plan, or `None` at its end.
    fn next(&mut self) -> Result<Option<FrameIndex>, CliError> {
        loop {
            match self.frames.pop() {
                Some(item) if item.generation() < self.generation => {}
                Some(RingItem::Frame(frame)) => return Ok(Some(frame.index)),
                Some(RingItem::End { .. }) => return Ok(None),
                None => {
                    if !self.news.wait(Some(HUNG)) {
                        let text = "no frame came for a minute.";
                        return Err(CliError::new(Exit::Failure, text));
                    }
                }
            }
        }
    }

    fn wait_for_index(&mut self) {
        while !self.session.index().is_complete() && self.news.wait(Some(HUNG)) {}
    }
}

/// Decodes the whole file into the ring, from which frames are taken as soon as they come.
fn decode(path: &Path) -> Result<DecodeResult, CliError> {
    let mut bench = Bench::open(path)?;
    let begun = bench.clock.now();
    bench.plan(FrameIndex::ZERO);
    let mut frames = 0;
    while bench.next()?.is_some() {
        frames += 1;
    }
    let seconds = bench.clock.now().since(begun).as_secs_f64();
    Ok(DecodeResult {
        frames,
        seconds,
        fps: frames as f64 / seconds,
    })
}

/// Seeks to random frames, one after another, and waits for each.
fn seek(path: &Path, count: u32, seed: u64) -> Result<SeekResult, CliError> {
    let mut bench = Bench::open(path)?;
    bench.plan(FrameIndex::ZERO);
    bench.next()?;
    bench.wait_for_index();
    let frames = bench.session.index().len();
    let mut latencies = Histogram::new();
    for target in random_frames(seed, frames).take(count as usize) {
        let begun = bench.clock.now();
        bench.plan(target);
        let shown = bench.next()?;
        if shown != Some(target) {
            let text = format!("asked for frame {target}, and {shown:?} came.");
            return Err(CliError::new(Exit::Failure, text));
        }
        let took = bench.clock.now().since(begun);
        latencies.record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
    let summary = latencies.summary();
    let millis = |nanos: u64| nanos as f64 / 1e6;
    Ok(SeekResult {
        seeks: summary.count,
        p50_ms: millis(summary.p50),
        p95_ms: millis(summary.p95),
        max_ms: millis(summary.max),
    })
}

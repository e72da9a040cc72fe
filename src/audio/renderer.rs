//! The device callback: fills the device's buffers from the ring.

use std::sync::Arc;
use std::time::Duration;

use ringbuf::HeapCons;
use ringbuf::traits::Consumer;

use super::block::{AudioBlock, DeviceFormat, HISTORY_MILLIS, MAX_DEVICE_CHANNELS, count_i64};
use super::clock::{ClockReading, RunLine};
use super::levels::LevelMeter;
use super::line::DeviceLine;
use super::shared::{Control, Shared};
use crate::time::Moment;

/// Length of the fade at every start, stop and jump.
const FADE_MILLIS: i64 = 5;
/// A pause between callbacks after which the device is read anew. Longer than the player takes to notice
/// that the device does not run.
const GAP: Duration = Duration::from_millis(300);
/// Time in which a change of volume is 63 % done.
const GAIN_MILLIS: f32 = 8.0;

/// Fills buffers in the device callback: it never locks, allocates, frees or waits.
///
/// It counts the device's frames and keeps the line from frames to the moments at which they are heard.
/// Told to play run time R at moment T, it finds the frame heard at T, and from then on device frames
/// and the stream's frames advance together, whatever happens: an empty ring gives silence, and what
/// comes too late is skipped. So sound never drifts from the position that it reports.
///
/// Blocks stay in the ring for a while after they were handed to the device. When playback pauses, what
/// the device had not played yet was not heard, and resuming plays it again.
pub(crate) struct Renderer {
    ring: HeapCons<AudioBlock>,
    format: DeviceFormat,
    shared: Arc<Shared>,
    stream: u64,
    line: DeviceLine,
    /// When the last callback ran.
    called: Moment,
    /// Device frames handed over so far.
    frames: u64,
    /// Number of the order that is being followed.
    order: u64,
    play: Option<Play>,
    declick: Declick,
    meter: LevelMeter,
    gain: f32,
}

/// What plays.
#[derive(Debug, Clone, Copy)]
struct Play {
    run: RunLine,
    at: Moment,
    /// Whether `run.frame` has been reached; before, it follows the line.
    started: bool,
    /// Number of the stream's frame that belongs to `run.frame`, once a block has told.
    origin: Option<i64>,
    /// Number of the stream's frame at which the plan ends, once known.
    end: Option<i64>,
}

impl Renderer {
    /// A callback for stream number `stream`, fed by `ring`.
    pub(crate) fn new(
        ring: HeapCons<AudioBlock>,
        format: DeviceFormat,
        shared: Arc<Shared>,
        stream: u64,
    ) -> Self {
        let gain = shared.gain();
        let fade = usize::try_from(format.frames_from_millis(FADE_MILLIS))
            .unwrap_or(1)
            .max(1);
        Self {
            ring,
            format,
            shared,
            stream,
            line: DeviceLine::new(format.rate),
            called: Moment::ZERO,
            frames: 0,
            order: u64::MAX,
            play: None,
            declick: Declick::new(format.channels, fade),
            meter: LevelMeter::new(format),
            gain,
        }
    }

    /// Fills `out` (whole frames) and publishes a reading. `now` is the present, `heard` the moment at
    /// which the first frame of `out` will be heard.
    pub(crate) fn render(&mut self, out: &mut [f32], now: Moment, heard: Moment) {
        let count = out.len() / self.format.channels;
        if now.since(self.called) > GAP {
            self.read_anew();
        }
        self.called = now;
        self.line.update(self.frames, heard);
        self.follow_orders();
        self.settle_start();
        self.drop_old_blocks();
        out.fill(0.0);
        let (copied, wanted) = self.copy(out, count);
        self.declick.apply(out, copied);
        self.meter.measure(out);
        self.meter.publish(self.shared.levels());
        self.apply_gain(out);
        if wanted.missing_in(copied) {
            self.shared.count_underrun();
        }
        self.frames += count as u64;
        if let Some(line) = self.line.line() {
            self.shared.publish(&ClockReading {
                at: now,
                stream: self.stream,
                line,
                warm: self.line.is_warm(),
                rate_ratio: self.line.rate_ratio(),
                running: self.play.map(|play| play.run),
            });
        }
    }

    /// The device stood still: its frames are heard later than the line says, by nobody knows how much.
    /// Sound waits until that is known, and starts where time has got to meanwhile.
    fn read_anew(&mut self) {
        self.line = DeviceLine::new(self.format.rate);
        if let Some(play) = &mut self.play {
            play.started = false;
        }
    }

    fn follow_orders(&mut self) {
        let Some((order, control)) = self.shared.control() else {
            return;
        };
        if order == self.order {
            return;
        }
        self.order = order;
        self.play = match control {
            Control::Hold => None,
            Control::Go {
                generation,
                run,
                at,
                speed,
            } => Some(Play {
                run: RunLine {
                    generation,
                    frame: 0,
                    run,
                    speed,
                },
                at,
                started: false,
                origin: None,
                end: None,
            }),
        };
    }

    /// Puts the start on the frame that is heard at the moment asked for, until it has come.
    fn settle_start(&mut self) {
        let frames = self.frames;
        let (Some(play), Some(line)) = (&mut self.play, self.line.line()) else {
            return;
        };
        if play.started {
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "rounded to a frame")]
        let frame = line.frame_at(play.at).round() as i64;
        play.run.frame = frame;
        // A start in this buffer or before it is final. An unproven line waits for more readings.
        play.started = frame < frames.cast_signed() + self.format.frames_from_millis(50)
            && self.line.is_warm();
    }

    /// Number of the stream's frame to play at device frame `frames`.
    fn stream_position(&mut self) -> Option<i64> {
        let play = self.play.as_mut().filter(|play| play.started)?;
        if play.origin.is_none() {
            let (format, run) = (self.format, play.run);
            play.origin = self
                .ring
                .iter()
                .find(|block| block.generation == run.generation)
                .map(|block| {
                    block.first + format.frames_from_run(run.run - block.run, block.speed)
                });
        }
        let delay = self
            .format
            .frames_from_millis(i64::from(self.shared.delay_millis()));
        Some(play.origin? + (self.frames.cast_signed() - play.run.frame) - delay)
    }

    /// Removes blocks of older plans and those that were played long enough ago.
    fn drop_old_blocks(&mut self) {
        let wanted = self.shared.wanted();
        let position = self.stream_position();
        let history = self
            .format
            .frames_from_millis(i64::try_from(HISTORY_MILLIS).unwrap_or(0));
        let generation = self.play.map(|play| play.run.generation);
        let stale = |block: &AudioBlock| {
            block.generation < wanted
                || generation == Some(block.generation)
                    && position.is_some_and(|position| block.end() < position - history)
        };
        let count = self.ring.iter().take_while(|block| stale(block)).count();
        self.ring.skip(count);
    }

    /// Copies what is due into `out`; answers which frames were copied and which should have been.
    fn copy(&mut self, out: &mut [f32], count: usize) -> (Copied, Wanted) {
        let nothing = (Copied::default(), Wanted::default());
        let Some(position) = self.stream_position() else {
            let waits = self.play.is_some_and(|play| play.started);
            return if waits {
                (Copied::default(), Wanted { from: 0, to: count })
            } else {
                nothing
            };
        };
        let Some(play) = &mut self.play else {
            return nothing;
        };
        let (generation, channels) = (play.run.generation, self.format.channels);
        // Frames before the plan's first run time, or delayed past it, are silence, not a lack.
        let lead = play.run.frame - self.frames.cast_signed();
        let clamp = |frames: i64| usize::try_from(frames.max(0)).unwrap_or(0).min(count);
        let from = clamp(lead.max(-position));
        let mut copied = Copied {
            from,
            to: from,
            position,
        };
        for block in self
            .ring
            .iter()
            .filter(|block| block.generation == generation)
        {
            if block.ends {
                play.end = Some(block.end());
            }
            let at = position + count_i64(copied.to);
            if block.first > at || block.end() <= at || copied.to == count {
                continue;
            }
            let skip = usize::try_from(at - block.first).unwrap_or(0);
            let frames = (block.frames - skip).min(count - copied.to);
            let source = &block.samples[skip * channels..(skip + frames) * channels];
            out[copied.to * channels..(copied.to + frames) * channels].copy_from_slice(source);
            copied.to += frames;
        }
        let to = play.end.map_or(count, |end| clamp(end - position));
        (copied, Wanted { from, to })
    }

    /// Applies volume, smoothly, and keeps samples within ±1.
    fn apply_gain(&mut self, out: &mut [f32]) {
        let target = self.shared.gain();
        let share = 1.0 - (-1_000.0 / (GAIN_MILLIS * self.format.rate.get() as f32)).exp();
        for frame in out.chunks_exact_mut(self.format.channels) {
            if (target - self.gain).abs() < 1e-5 {
                self.gain = target;
            } else {
                self.gain += share * (target - self.gain);
            }
            for value in frame {
                *value = (*value * self.gain).clamp(-1.0, 1.0);
            }
        }
    }
}

/// Frames of a buffer that hold samples, and the stream's frame number at its first frame.
#[derive(Debug, Clone, Copy, Default)]
struct Copied {
    from: usize,
    to: usize,
    position: i64,
}

/// Frames of a buffer that should hold samples.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    from: usize,
    to: usize,
}

impl Wanted {
    fn missing_in(self, copied: Copied) -> bool {
        self.from < self.to && copied.to < self.to
    }
}

/// Takes the click out of every break: what begins fades in, and what is cut off goes on as a decaying
/// constant.
#[derive(Debug)]
struct Declick {
    channels: usize,
    fade: usize,
    /// The last frame before the volume was applied.
    last: [f32; MAX_DEVICE_CHANNELS],
    /// The frame at which sound was cut off.
    cut: [f32; MAX_DEVICE_CHANNELS],
    /// Frames since the cut.
    since_cut: usize,
    /// Frames since sound began.
    since_start: usize,
    /// Number of the stream's frame that continues without a break, while there is sound.
    next: Option<i64>,
}

impl Declick {
    fn new(channels: usize, fade: usize) -> Self {
        Self {
            channels,
            fade,
            last: [0.0; MAX_DEVICE_CHANNELS],
            cut: [0.0; MAX_DEVICE_CHANNELS],
            since_cut: fade,
            since_start: 0,
            next: None,
        }
    }

    fn apply(&mut self, out: &mut [f32], copied: Copied) {
        let channels = self.channels;
        for (n, frame) in out.chunks_exact_mut(channels).enumerate() {
            let sounds = (copied.from..copied.to).contains(&n);
            let number = copied.position + count_i64(n);
            if sounds && self.next != Some(number) {
                self.cut_off();
                self.since_start = 0;
            } else if !sounds && self.next.is_some() {
                self.cut_off();
            }
            self.next = sounds.then_some(number + 1);
            if sounds && self.since_start < self.fade {
                let gain = self.ramp(self.since_start);
                for value in &mut *frame {
                    *value *= gain;
                }
                self.since_start += 1;
            }
            if self.since_cut < self.fade {
                let gain = 1.0 - self.ramp(self.since_cut);
                for (value, cut) in frame.iter_mut().zip(self.cut) {
                    *value += cut * gain;
                }
                self.since_cut += 1;
            }
            self.last[..channels].copy_from_slice(frame);
        }
    }

    fn cut_off(&mut self) {
        self.cut = self.last;
        self.since_cut = 0;
    }

    /// A raised cosine from 0 to 1.
    fn ramp(&self, frames: usize) -> f32 {
        let phase = (frames as f32 + 0.5) / self.fade as f32;
        0.5 - 0.5 * (phase * std::f32::consts::PI).cos()
    }
}

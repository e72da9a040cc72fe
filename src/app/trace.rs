//! What a hand does to the playhead, made up from a seed: drags, and an hour of editing.
//!
//! A trace is the same on every machine for the same seed, medium length and rate, so that figures can be
//! compared.

use std::time::Duration;

use crate::playback::{Command, SeekTarget};
use crate::time::{FrameIndex, FrameRate};

/// One thing that the hand does.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceStep {
    /// How long after the one before.
    pub wait: Duration,
    /// What it asks for.
    pub command: Command,
}

/// What a trace moves about in.
#[derive(Debug, Clone, Copy)]
pub struct TraceGround {
    /// The first frame that it goes to.
    pub first: i64,
    /// How many frames there are from there.
    pub frames: i64,
    /// Frames a second.
    pub rate: FrameRate,
}

/// Knuth's linear congruential generator (MMIX).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1))
    }

    /// The next 32 bits.
    pub(crate) fn throw(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 32
    }

    /// A number in `from..=to`.
    fn within(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to - from + 1).unwrap_or(1).max(1);
        from + i64::try_from(self.throw() % width).unwrap_or(0)
    }

    fn millis(&mut self, from: i64, to: i64) -> Duration {
        Duration::from_millis(self.within(from, to).unsigned_abs())
    }
}

/// Writes a trace down.
struct Writer {
    steps: Vec<TraceStep>,
    dice: Dice,
    ground: TraceGround,
    /// Where the playhead is.
    here: i64,
    /// How long the trace takes, were no wait shortened.
    lasts: Duration,
    /// No wait is longer, nor play.
    longest_wait: Duration,
}

impl Writer {
    fn new(seed: u64, ground: TraceGround) -> Self {
        let mut dice = Dice::new(seed);
        let here = dice.within(0, ground.frames - 1);
        Self {
            steps: Vec::new(),
            dice,
            ground,
            here,
            lasts: Duration::ZERO,
            longest_wait: Duration::MAX,
        }
    }

    fn push(&mut self, wait: Duration, command: Command) {
        self.lasts += wait;
        let wait = wait.min(self.longest_wait);
        self.steps.push(TraceStep { wait, command });
    }

    fn target(&mut self, frame: i64) -> SeekTarget {
        self.here = frame.clamp(0, self.ground.frames - 1);
        SeekTarget::Frame(FrameIndex(self.ground.first + self.here))
    }

    fn frames_in(&self, millis: i64) -> i64 {
        let (num, den) = (self.ground.rate.num(), self.ground.rate.den());
        millis * i64::from(num) / i64::from(den) / 1_000
    }

    /// Presses at `from`, moves `moves` times by about `speed` frames, turning now and then, rests, and lets
    /// go.
    fn drag(&mut self, from: i64, moves: i64, speed: i64, every: Duration) {
        let before = self.dice.millis(250, 700);
        let target = self.target(from);
        self.push(before, Command::Scrub(target));
        let mut way = if self.dice.within(0, 1) == 0 { 1 } else { -1 };
        for _ in 0..moves {
            let turns = self.dice.within(0, 24) == 0;
            let at_end =
                self.here == 0 && way < 0 || self.here == self.ground.frames - 1 && way > 0;
            if turns || at_end {
                way = -way;
            }
            let by = self.dice.within(0, speed * 2) * way;
            if by != 0 {
                let target = self.target(self.here + by);
                self.push(every, Command::Scrub(target));
            }
        }
        let rest = self.dice.millis(400, 900);
        self.push(rest, Command::EndScrub);
    }
}

/// `count` drags, each of some 40 moves that come `every` so long: a third of them slow, a third across
/// some seconds, a third flings.
pub fn drags(seed: u64, ground: TraceGround, count: u32, every: Duration) -> Vec<TraceStep> {
    let mut writer = Writer::new(seed, ground);
    for number in 0..count {
        let from = writer.dice.within(0, ground.frames - 1);
        let speed = match number % 3 {
            0 => 1,
            1 => 6,
            _ => (ground.frames / 60).max(12),
        };
        let moves = writer.dice.within(30, 50);
        writer.drag(from, moves, speed, every);
    }
    writer.steps
}

/// The first `length` of an hour of editing.
///
/// The hand looks for a cut: it plays for some seconds and stops, steps about where it stopped, drags
/// slowly around there, flings the playhead to another scene, and comes back to places where it was, with
/// pauses to think. Of a hundred gestures 27 play, 28 step, 22 drag near by, 6 fling, 17 seek (half of
/// them back to one of the last eight places). With `longest_wait` the hand thinks and plays no longer than
/// that at a time, and does the same otherwise.
pub fn editing(
    seed: u64,
    ground: TraceGround,
    length: Duration,
    longest_wait: Option<Duration>,
) -> Vec<TraceStep> {
    let every = Duration::from_millis(33);
    let mut writer = Writer {
        longest_wait: longest_wait.unwrap_or(Duration::MAX),
        ..Writer::new(seed, ground)
    };
    let mut places = Vec::new();
    let target = writer.target(writer.here);
    writer.push(Duration::ZERO, Command::Pause);
    writer.push(Duration::ZERO, Command::Seek(target));
    while writer.lasts < length {
        let think = writer.dice.millis(400, 4_000);
        places.push(writer.here);
        match writer.dice.within(0, 99) {
            0..=26 => {
                let plays = writer.dice.millis(1_000, 8_000);
                writer.push(think, Command::Play);
                writer.push(plays, Command::Pause);
                let plays = plays.min(writer.longest_wait);
                let millis = i64::try_from(plays.as_millis()).unwrap_or(0);
                writer.here += writer.frames_in(millis);
                // What runs off the end begins anew.
                if writer.here >= ground.frames {
                    let target = writer.target(0);
                    writer.push(Duration::from_millis(300), Command::Seek(target));
                }
            }
            27..=54 => {
                let mut wait = think;
                let mut way = if writer.dice.within(0, 2) == 0 { 1 } else { -1 };
                for _ in 0..writer.dice.within(3, 12) {
                    let by = if writer.dice.within(0, 9) == 0 { 10 } else { 1 };
                    writer.push(wait, Command::Step(by * way));
                    writer.here = (writer.here + by * way).clamp(0, ground.frames - 1);
                    wait = writer.dice.millis(120, 400);
                    if writer.dice.within(0, 6) == 0 {
                        way = -way;
                    }
                }
            }
            55..=76 => {
                let moves = writer.dice.within(20, 70);
                let speed = writer.dice.within(1, 4);
                writer.drag(writer.here, moves, speed, every);
            }
            77..=82 => {
                let moves = writer.dice.within(8, 20);
                let speed = (ground.frames / 40).max(12);
                writer.drag(writer.here, moves, speed, every);
            }
            _ => {
                let back = writer.dice.within(0, 1) == 0;
                let recent = i64::try_from(places.len().min(8)).unwrap_or(1);
                let ago = usize::try_from(writer.dice.within(1, recent)).unwrap_or(1);
                let reach = writer.frames_in(10_000);
                let near = writer.here + writer.dice.within(-reach, reach);
                let place = places.len().checked_sub(ago).map(|at| places[at]);
                let target = writer.target(place.filter(|_| back).unwrap_or(near));
                writer.push(think, Command::Seek(target));
            }
        }
    }
    writer.steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground() -> TraceGround {
        TraceGround {
            first: 100,
            frames: 1_800,
            rate: FrameRate::new(30, 1).unwrap(),
        }
    }

    fn frame_of(step: &TraceStep) -> Option<i64> {
        match step.command {
            Command::Scrub(SeekTarget::Frame(frame)) | Command::Seek(SeekTarget::Frame(frame)) => {
                Some(frame.0)
            }
            _ => None,
        }
    }

    #[test]
    fn an_hour_is_the_same_for_the_same_seed_and_has_a_bit_of_everything() {
        let hour = Duration::from_hours(1);
        let trace = editing(1, ground(), hour, None);
        assert_eq!(trace, editing(1, ground(), hour, None));
        assert_ne!(trace, editing(2, ground(), hour, None));
        let lasts: Duration = trace.iter().map(|step| step.wait).sum();
        assert!(
            lasts >= hour && lasts < hour + Duration::from_mins(1),
            "{lasts:?}"
        );
        let count = |is: fn(&Command) -> bool| trace.iter().filter(|s| is(&s.command)).count();
        let scrubs = count(|c| matches!(c, Command::Scrub(_)));
        let lets_go = count(|c| matches!(c, Command::EndScrub));
        let steps = count(|c| matches!(c, Command::Step(_)));
        let seeks = count(|c| matches!(c, Command::Seek(_)));
        assert!(
            scrubs > 3_000 && lets_go > 100,
            "{scrubs} in {lets_go} drags"
        );
        assert!(steps > 500 && seeks > 50, "{steps} steps, {seeks} seeks");
        assert!(count(|c| *c == Command::Play) > 80);
        let inside = |frame: i64| (100..1_900).contains(&frame);
        assert!(trace.iter().filter_map(frame_of).all(inside));
    }

    #[test]
    fn a_hand_in_a_hurry_does_as_much_in_less_time() {
        let (length, longest) = (Duration::from_mins(10), Duration::from_millis(400));
        let whole = editing(1, ground(), length, None);
        let short = editing(1, ground(), length, Some(longest));
        assert!(short.iter().all(|step| step.wait <= longest));
        let lasts = |trace: &[TraceStep]| trace.iter().map(|step| step.wait).sum::<Duration>();
        assert!(lasts(&short) < lasts(&whole) / 2);
        // What it plays is what it has moved by.
        let at = short.windows(3).position(|three| {
            three[0].command == Command::Play
                && three[1].command == Command::Pause
                && matches!(three[2].command, Command::Scrub(_))
        });
        let (before, after) = short.split_at(at.unwrap());
        let left = before.iter().rev().find_map(frame_of).unwrap();
        let stepped: i64 = before
            .iter()
            .rev()
            .take_while(|step| frame_of(step).is_none())
            .map(|step| match step.command {
                Command::Step(frames) => frames,
                Command::Pause => i64::try_from(step.wait.as_millis()).unwrap() * 30 / 1_000,
                _ => 0,
            })
            .sum();
        let played = i64::try_from(after[1].wait.as_millis()).unwrap() * 30 / 1_000;
        assert_eq!(frame_of(&after[2]), Some(left + stepped + played));
    }

    #[test]
    fn drags_stay_on_their_ground_and_end() {
        let trace = drags(3, ground(), 12, Duration::from_millis(33));
        let ends = trace
            .iter()
            .filter(|step| step.command == Command::EndScrub);
        assert_eq!(ends.count(), 12);
        assert_eq!(trace.last().unwrap().command, Command::EndScrub);
        let frames: Vec<i64> = trace.iter().filter_map(frame_of).collect();
        assert!(frames.iter().all(|frame| (100..1_900).contains(frame)));
        assert!(frames.len() > 300);
        // A ground of one frame is enough not to fail.
        let tiny = TraceGround {
            frames: 1,
            ..ground()
        };
        assert!(!editing(1, tiny, Duration::from_mins(1), None).is_empty());
    }
}

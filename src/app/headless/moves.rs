//! Moves of the playhead, made and timed: seeks, steps back, traces of a hand.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Headless, HeadlessError, LONGEST_SLEEP};
use crate::app::trace::TraceStep;
use crate::metrics::{Histogram, MoveLog, SeekReport, StepsBackReport};
use crate::playback::{Command, Origin, SeekTarget, Snapshot};
use crate::time::{FrameIndex, Moment};

/// A picture that does not come within this time never will.
const HUNG: Duration = Duration::from_mins(1);

/// How long the last move of a trace is waited for.
const LAST_ANSWER: Duration = Duration::from_secs(3);

/// What was measured of moves so far.
#[derive(Debug, Default)]
pub(super) struct Moves {
    log: MoveLog,
    /// The frame that the latest move asked for, and when.
    pending: Option<(FrameIndex, Moment)>,
    steps_back: Histogram,
    series_back: Histogram,
}

impl Moves {
    fn ask(&mut self, target: FrameIndex, at: Moment) {
        self.log.asked();
        self.pending = Some((target, at));
    }

    /// A picture was presented.
    pub(super) fn presented(&mut self, frame: FrameIndex, origin: Origin, at: Moment) {
        let Some((target, begun)) = self.pending else {
            return;
        };
        match origin {
            Origin::StandIn => self.log.near(nanos_since(begun, at)),
            Origin::AtHand | Origin::Ring if frame == target => {
                let at_hand = origin == Origin::AtHand;
                self.log.exact(nanos_since(begun, at), at_hand);
            }
            Origin::AtHand | Origin::Ring => {}
        }
    }

    pub(super) fn log(&self) -> &MoveLog {
        &self.log
    }

    /// How steps back went, if there were any.
    pub(super) fn steps_back(&self) -> Option<StepsBackReport> {
        Some(StepsBackReport {
            steps: SeekReport::from_nanos(&self.steps_back)?,
            series: SeekReport::from_nanos(&self.series_back)?,
        })
    }
}

fn nanos_since(begun: Moment, now: Moment) -> u64 {
    u64::try_from(now.nanos_since(begun)).unwrap_or(0)
}

impl Headless {
    /// Moves of another kind begin: what they need of memory is no growth.
    pub fn begin_part(&mut self) {
        self.stats.begin_part(self.player.clock.now());
    }

    /// Seeks to each frame in turn and waits for its picture, as long as nobody says to stop. With
    /// `every`, a seek begins no sooner than that after the one before.
    pub fn seek_to_each(
        &mut self,
        frames: impl Iterator<Item = FrameIndex>,
        every: Option<Duration>,
    ) -> Result<(), HeadlessError> {
        self.player.engine.send(Command::Pause);
        for frame in frames {
            let begun = self.player.clock.now();
            self.last_shown = None;
            self.player
                .engine
                .send(Command::Seek(SeekTarget::Frame(frame)));
            if !self.wait_for(frame, begun)? {
                return Ok(());
            }
            self.stats.seek_took(self.player.clock.now().since(begun));
            if let Some(every) = every {
                self.turn_until(begun + every)?;
            }
        }
        Ok(())
    }

    /// Turns until this frame is presented; false where it never is.
    fn wait_for(&mut self, frame: FrameIndex, begun: Moment) -> Result<bool, HeadlessError> {
        while self.last_shown != Some(frame) {
            let now = self.player.clock.now();
            if self.stop.load(Ordering::Relaxed) || now.since(begun) > HUNG {
                return Ok(false);
            }
            let snapshot = self.player.engine.snapshot();
            self.turn(&snapshot, now, LONGEST_SLEEP)?;
        }
        Ok(true)
    }

    /// Goes on until `until`, or a person says to stop.
    fn turn_until(&mut self, until: Moment) -> Result<(), HeadlessError> {
        loop {
            let now = self.player.clock.now();
            if now >= until || self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let snapshot = self.player.engine.snapshot();
            self.turn(&snapshot, now, until.since(now).min(LONGEST_SLEEP))?;
            self.note_what_stays();
        }
    }

    /// From each of `frames`, once it is shown, steps back `steps` times, each as soon as the one before
    /// is shown.
    pub fn step_back_from_each(
        &mut self,
        frames: impl Iterator<Item = FrameIndex>,
        steps: u32,
    ) -> Result<(), HeadlessError> {
        for frame in frames {
            let frame = frame.max(FrameIndex(steps.into()));
            self.seek_to_each(std::iter::once(frame), None)?;
            let series = self.player.clock.now();
            for step in 1..=i64::from(steps) {
                let begun = self.player.clock.now();
                self.player.engine.send(Command::Step(-1));
                if !self.wait_for(frame.offset(-step), begun)? {
                    return Ok(());
                }
                let took = nanos_since(begun, self.player.clock.now());
                self.moves.steps_back.record(took);
            }
            let took = nanos_since(series, self.player.clock.now());
            self.moves.series_back.record(took);
        }
        Ok(())
    }

    /// Does what a hand did, at the times it did it, and notes how each move was answered.
    pub fn follow_trace(&mut self, trace: &[TraceStep]) -> Result<(), HeadlessError> {
        self.player.engine.send(Command::Pause);
        let mut at = self.player.clock.now();
        for step in trace {
            at = at + step.wait;
            self.turn_until(at)?;
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let snapshot = self.player.engine.snapshot();
            let last = snapshot.media.as_ref().map_or(1, |media| media.frames) - 1;
            let target = match step.command {
                Command::Scrub(SeekTarget::Frame(frame))
                | Command::Seek(SeekTarget::Frame(frame)) => Some(frame),
                Command::Step(frames) => Some(snapshot.position.offset(frames)),
                _ => None,
            };
            if let Some(target) = target {
                let target = target.clamp(FrameIndex::ZERO, FrameIndex(last));
                // The loop may come late to an event; the hand does not wait for it.
                self.moves.ask(target, at);
                if self.last_shown == Some(target) {
                    self.moves.log.exact(0, true);
                }
            } else if step.command == Command::Play {
                self.moves.pending = None;
            }
            self.player.engine.send(step.command.clone());
        }
        let end = self.player.clock.now() + LAST_ANSWER;
        while !self.moves.log.is_answered_exactly() && self.player.clock.now() < end {
            let now = self.player.clock.now();
            self.turn_until(now + Duration::from_millis(20))?;
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        self.moves.pending = None;
        Ok(())
    }

    /// A picture that stands in for one target after another stays on screen, and answers each of them
    /// without being presented again.
    fn note_what_stays(&mut self) {
        let (Some((target, begun)), Some(stand_in)) =
            (self.moves.pending, self.player.scheduler.stand_in())
        else {
            return;
        };
        let snapshot = self.player.engine.snapshot();
        let is_it = snapshot.position == target && snapshot.approximate == Some(stand_in);
        if is_it && is_near(&snapshot, target, stand_in) {
            let now = self.player.clock.now();
            self.moves.log.stays_near(nanos_since(begun, now));
        }
    }
}

/// Whether two frames are no farther apart than a GOP is long.
fn is_near(snapshot: &Snapshot, target: FrameIndex, frame: FrameIndex) -> bool {
    let index = snapshot
        .media
        .as_ref()
        .and_then(|media| media.index.as_ref());
    let gop = index.and_then(|index| {
        let (first, next) = index.gop_of(target)?;
        Some(next.map_or(index.len(), |next| next.0) - first.0)
    });
    gop.is_some_and(|gop| (frame.0 - target.0).abs() <= gop)
}

//! What became of each frame, and what was to blame.

use std::sync::Arc;

use crate::decode::{Generation, Picture, PlannedFrame, RunAnchor};
use crate::metrics::{FrameFate, FrameLog, FrameRecord, Stage, StageTimes};
use crate::time::{FrameIndex, MediaSpan, Moment};

/// Frames of a plan are no further apart than this.
const MOST_STRIDE: i64 = 32;

/// When frames are due.
#[derive(Debug, Clone, Copy)]
pub(super) enum Timing {
    /// Now: nothing can be late.
    At(Moment),
    /// When the line says, on a display whose refreshes last that long.
    Line {
        anchor: RunAnchor,
        period_nanos: i64,
    },
}

impl Timing {
    fn due(&self, run: MediaSpan) -> Moment {
        match self {
            Self::At(moment) => *moment,
            Self::Line { anchor, .. } => anchor.moment_of(run),
        }
    }

    /// A refresh shows what is due within half of it either way. What is seen later than the next
    /// refresh's reach could have been shown a refresh before.
    fn is_late(&self, run: MediaSpan, seen: Moment) -> bool {
        match self {
            Self::At(_) => false,
            Self::Line {
                anchor,
                period_nanos,
            } => seen.nanos_since(anchor.moment_of(run)) > period_nanos + period_nanos / 2,
        }
    }
}

/// The record of the frame that is being presented: its last stages are still to come.
#[derive(Debug, Clone, Copy)]
struct Open {
    record: FrameRecord,
    timing: Timing,
    run: MediaSpan,
}

/// The last frame that was taken for showing or dropping.
#[derive(Debug, Clone, Copy)]
struct Taken {
    generation: Generation,
    index: FrameIndex,
    run: MediaSpan,
}

/// Makes the records of a [`super::FrameScheduler`].
#[derive(Debug)]
pub(super) struct Records {
    log: FrameLog,
    ordinal: u64,
    open: Option<Open>,
    taken: Option<Taken>,
    /// A repetition whose cause shows when the next frame comes.
    repetition: Option<FrameRecord>,
    /// Frames late, or dropped although the display could have shown them.
    lost: u64,
    /// The stage after decoding that took longest for the last frame presented.
    slowest_after_decode: Stage,
}

impl Records {
    pub(super) fn new(log: FrameLog) -> Self {
        Self {
            log,
            ordinal: 0,
            open: None,
            taken: None,
            repetition: None,
            lost: 0,
            slowest_after_decode: Stage::Present,
        }
    }

    pub(super) fn log(&self) -> &FrameLog {
        &self.log
    }

    pub(super) fn watch_cuts(&mut self, cuts: Arc<[FrameIndex]>) {
        self.log.watch_cuts(cuts);
    }

    /// What comes now is of another medium.
    pub(super) fn begin_medium(&mut self) {
        self.log.begin_medium();
    }

    /// Frames late, or dropped although the display could have shown them.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    pub(super) fn last_ordinal(&self) -> u64 {
        self.ordinal
    }

    pub(super) fn interrupt(&mut self) {
        self.end_repetition(Stage::Decode);
        self.log.interrupt();
    }

    /// Opens the record of a frame that is going to be presented for the refresh at `refresh`, and
    /// closes those of the frames that were given up before it.
    pub(super) fn open(
        &mut self,
        frame: &PlannedFrame,
        timing: Timing,
        refresh: Option<Moment>,
        now: Moment,
    ) {
        self.taken(frame, timing);
        if matches!(frame.picture, Picture::Missing(_)) {
            // What could not be decoded leaves its predecessor on screen.
            self.drop_for(frame, frame.index, timing.due(frame.run), Stage::Decode);
            return;
        }
        let due = timing.due(frame.run);
        let late = refresh.is_some_and(|refresh| timing.is_late(frame.run, refresh));
        let (fate, blame) = if late {
            (FrameFate::Late, Some(self.blame(frame, timing)))
        } else {
            (FrameFate::Shown, None)
        };
        let mut record = self.record(frame.generation, frame.index, fate, blame, due);
        record.stages = decoding(frame);
        record.presented = Some(now);
        self.open = Some(Open {
            record,
            timing,
            run: frame.run,
        });
    }

    /// The picture of the open record stands in for another frame.
    pub(super) fn is_approximate(&mut self) {
        if let Some(open) = &mut self.open {
            open.record.approximate = true;
        }
    }

    /// Records a frame whose successor was due as well. `blame` is known where it is not one of the
    /// machine's.
    pub(super) fn dropped(&mut self, frame: &PlannedFrame, timing: Timing, blame: Option<Stage>) {
        self.taken(frame, timing);
        let blame = match (&frame.picture, blame) {
            (Picture::Missing(_), _) => Stage::Decode,
            (_, Some(blame)) => blame,
            (_, None) => self.blame(frame, timing),
        };
        self.drop_for(frame, frame.index, timing.due(frame.run), blame);
    }

    /// A frame stays although its time is over, for the next is not there.
    pub(super) fn repeated(
        &mut self,
        generation: Generation,
        index: FrameIndex,
        due: Moment,
        now: Moment,
    ) {
        self.end_repetition(Stage::Decode);
        let blame = Some(Stage::Decode);
        let mut record = self.record(generation, index, FrameFate::Repeated, blame, due);
        record.presented = Some(now);
        self.repetition = Some(record);
    }

    fn end_repetition(&mut self, blame: Stage) {
        if let Some(record) = self.repetition.take() {
            self.log.record(FrameRecord {
                blame: Some(blame),
                ..record
            });
        }
    }

    /// Records what came before `frame`: a repetition, and frames given up, which lie evenly between the
    /// one before and this one.
    fn taken(&mut self, frame: &PlannedFrame, timing: Timing) {
        let blame = slower_of_decoding(frame);
        self.end_repetition(blame);
        let now = Taken {
            generation: frame.generation,
            index: frame.index,
            run: frame.run,
        };
        let before = self
            .taken
            .replace(now)
            .filter(|before| before.generation == now.generation);
        let steps = i64::from(frame.given_up) + 1;
        for step in 1..steps {
            let (index, run) = before.map_or((now.index, now.run), |before| {
                let frames = now.index.0 - before.index.0;
                // From one lap to the next there is no such even way.
                let even = frames % steps == 0 && (frames / steps).abs() <= MOST_STRIDE;
                let index = if even {
                    before.index.offset(frames / steps * step)
                } else {
                    now.index
                };
                let span = (now.run - before.run).scaled_nearest(step, steps);
                (index, before.run + span)
            });
            let due = timing.due(run);
            let record = self.record(
                frame.generation,
                index,
                FrameFate::Dropped,
                Some(blame),
                due,
            );
            self.log.record(record);
        }
    }

    fn drop_for(&mut self, frame: &PlannedFrame, index: FrameIndex, due: Moment, blame: Stage) {
        let fate = FrameFate::Dropped;
        let mut record = self.record(frame.generation, index, fate, Some(blame), due);
        record.stages = decoding(frame);
        self.log.record(record);
    }

    /// The stage that made a frame late: whichever of reading and decoding took longer where it was not
    /// ready in time; presenting where it was.
    fn blame(&self, frame: &PlannedFrame, timing: Timing) -> Stage {
        let Timing::Line {
            anchor,
            period_nanos,
        } = timing
        else {
            return self.slowest_after_decode;
        };
        // It must be in the ring one refresh before it is seen.
        if frame.ready.nanos_since(anchor.moment_of(frame.run)) + period_nanos > 0 {
            slower_of_decoding(frame)
        } else {
            self.slowest_after_decode
        }
    }

    fn record(
        &mut self,
        generation: Generation,
        frame: FrameIndex,
        fate: FrameFate,
        blame: Option<Stage>,
        due: Moment,
    ) -> FrameRecord {
        self.ordinal += 1;
        let is_lost = matches!(fate, FrameFate::Late | FrameFate::Dropped);
        self.lost += u64::from(is_lost && blame != Some(Stage::Present));
        FrameRecord {
            generation: generation.0,
            ordinal: self.ordinal,
            frame,
            fate,
            blame,
            due,
            presented: None,
            stages: StageTimes::NONE,
            awaits_gpu: false,
            approximate: false,
        }
    }

    /// Adds what came after decoding to the open record, and closes it. A frame that was chosen in time
    /// is late all the same where it reached the display too late.
    pub(super) fn complete(
        &mut self,
        presented: Moment,
        stages: &[(Stage, u64)],
        awaits_gpu: bool,
    ) {
        let slowest = stages
            .iter()
            .max_by_key(|(_, nanos)| *nanos)
            .map(|&(stage, _)| stage);
        self.slowest_after_decode = slowest.unwrap_or(self.slowest_after_decode);
        let Some(Open {
            record,
            timing,
            run,
        }) = &mut self.open
        else {
            return;
        };
        record.presented = Some(presented);
        record.awaits_gpu = awaits_gpu;
        for &(stage, nanos) in stages {
            record.stages.set(stage, nanos);
        }
        if record.fate == FrameFate::Shown && timing.is_late(*run, presented) {
            record.fate = FrameFate::Late;
            record.blame = Some(self.slowest_after_decode);
            self.lost += 1;
        }
        self.close();
    }

    /// The frame of the open record could not be shown: it counts as dropped.
    pub(super) fn not_presented(&mut self) {
        if let Some(Open { record, .. }) = &mut self.open {
            record.fate = FrameFate::Dropped;
            record.blame = Some(Stage::Present);
            record.presented = None;
        }
        self.close();
    }

    /// Closes the open record, if there is one.
    pub(super) fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.log.record(open.record);
        }
    }

    /// Brings the GPU time of the frame whose record has number `ordinal`.
    pub(super) fn gpu_time(&mut self, ordinal: u64, nanos: u64) {
        let record = self
            .log
            .recent()
            .rev()
            .find(|record| record.ordinal == ordinal);
        if let Some(generation) = record.map(|record| record.generation) {
            // A record that was closed meanwhile is counted as one without GPU time.
            let _was_open = self.log.gpu_time(generation, ordinal, nanos);
        }
    }
}

/// What reading and decoding took.
fn decoding(frame: &PlannedFrame) -> StageTimes {
    let nanos = |span: std::time::Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    StageTimes::NONE
        .with(Stage::Demux, nanos(frame.demux))
        .with(Stage::Decode, nanos(frame.decode))
}

fn slower_of_decoding(frame: &PlannedFrame) -> Stage {
    if frame.demux > frame.decode {
        Stage::Demux
    } else {
        Stage::Decode
    }
}

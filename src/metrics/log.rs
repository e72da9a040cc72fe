//! The log of frames: the latest in full, all of them in totals.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{BlameMap, FrameFate, FrameRecord, Histogram, HistogramSummary, Stage};
use crate::time::{FrameIndex, Moment};

/// How many later records a record waits for its GPU time. Timestamps are read back two or three
/// frames later; a lost device never answers, and its records must not stay open for ever.
const OPEN_RECORDS: usize = 32;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Keeps the latest [`FrameRecord`]s and counts all of them.
///
/// It belongs to the thread that presents. Everything is allocated by [`FrameLog::new`] (about
/// 500 KB, and 170 bytes for each record kept); recording and summing up allocate nothing.
#[derive(Debug)]
pub struct FrameLog {
    /// Oldest first. Never grows past its first capacity.
    recent: VecDeque<FrameRecord>,
    kept: usize,
    totals: Totals,
    /// Nanoseconds between presented frames of one generation.
    intervals: Histogram,
    /// Nanoseconds spent, by stage.
    stages: [Histogram; Stage::COUNT],
    /// When the first frame ever was due.
    first_due: Option<Moment>,
    /// Generation and moment of the last frame presented, unless something came between.
    last_presented: Option<(u64, Moment)>,
    /// The first frames after cuts, in order.
    cuts: Arc<[FrameIndex]>,
    /// All frames of the medium, by place.
    blame: BlameMap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Totals {
    by_fate: [u64; FrameFate::COUNT],
    by_cause: [[u64; Stage::COUNT]; FrameFate::COUNT],
    at_cuts: [u64; FrameFate::COUNT],
    dropped_after_first_second: u64,
    missing_gpu_times: u64,
    approximate: u64,
}

impl FrameLog {
    /// A log that keeps the latest `kept` records, but no fewer than may wait for their GPU time.
    pub fn new(kept: usize) -> Self {
        let kept = kept.max(OPEN_RECORDS + 1);
        Self {
            recent: VecDeque::with_capacity(kept),
            kept,
            totals: Totals::default(),
            intervals: Histogram::new(),
            stages: std::array::from_fn(|_| Histogram::new()),
            first_due: None,
            last_presented: None,
            cuts: Arc::default(),
            blame: BlameMap::default(),
        }
    }

    /// From now on, counts by themselves the frames that come first after one of `cuts`, which are in
    /// order: where a player of edits stumbles.
    pub fn watch_cuts(&mut self, cuts: Arc<[FrameIndex]>) {
        self.cuts = cuts;
    }

    /// What comes now is of another medium, whose frames lie elsewhere.
    pub fn begin_medium(&mut self) {
        self.blame.clear();
    }

    /// Where in the medium frames went wrong, and why.
    pub fn blame(&self) -> &BlameMap {
        &self.blame
    }

    /// Whether `record` tells of a cut: of its first frame, or of the frame before that stayed too long.
    fn is_at_cut(&self, record: &FrameRecord) -> bool {
        let first = match record.fate {
            FrameFate::Repeated => record.frame.offset(1),
            FrameFate::Shown | FrameFate::Late | FrameFate::Dropped => record.frame,
        };
        self.cuts.binary_search(&first).is_ok()
    }

    /// Takes the record of a frame, or of one repetition of it.
    ///
    /// A record that awaits its GPU time stays open until [`gpu_time`](Self::gpu_time) brings it or
    /// 32 later records have been taken; then the time counts as missing.
    pub fn record(&mut self, record: FrameRecord) {
        let fate = record.fate.index();
        self.totals.by_fate[fate] += 1;
        if record.approximate && record.fate == FrameFate::Shown {
            self.totals.approximate += 1;
        }
        if self.is_at_cut(&record) {
            self.totals.at_cuts[fate] += 1;
        }
        if let Some(stage) = record.blame {
            self.totals.by_cause[fate][stage.index()] += 1;
        }
        for (stage, nanos) in record.stages.iter() {
            self.stages[stage.index()].record(nanos);
        }
        self.blame.record(&record);
        self.count_drop(&record);
        self.count_interval(&record);
        if self.recent.len() == self.kept {
            self.recent.pop_front();
        }
        self.recent.push_back(record);
        self.close_overdue();
    }

    fn count_drop(&mut self, record: &FrameRecord) {
        let first_due = *self.first_due.get_or_insert(record.due);
        let after_nanos = record.due.nanos().saturating_sub(first_due.nanos());
        if record.fate == FrameFate::Dropped && after_nanos >= NANOS_PER_SECOND {
            self.totals.dropped_after_first_second += 1;
        }
    }

    fn count_interval(&mut self, record: &FrameRecord) {
        // A repetition lengthens the interval to the next frame; it does not end it.
        let (FrameFate::Shown | FrameFate::Late, Some(now)) = (record.fate, record.presented)
        else {
            return;
        };
        if let Some((generation, before)) = self.last_presented
            && generation == record.generation
        {
            self.intervals
                .record(now.nanos().saturating_sub(before.nanos()));
        }
        self.last_presented = Some((record.generation, now));
    }

    /// Closes the one record that has just become too old to wait for its GPU time.
    fn close_overdue(&mut self) {
        let Some(index) = self.recent.len().checked_sub(OPEN_RECORDS + 1) else {
            return;
        };
        if let Some(record) = self.recent.get_mut(index)
            && record.awaits_gpu
        {
            record.awaits_gpu = false;
            self.totals.missing_gpu_times += 1;
        }
    }

    /// Brings the GPU time of a frame, in nanoseconds. Answers whether its record was still open.
    pub fn gpu_time(&mut self, generation: u64, ordinal: u64, nanos: u64) -> bool {
        let oldest_open = self.recent.len().saturating_sub(OPEN_RECORDS);
        let record = self.recent.range_mut(oldest_open..).find(|record| {
            record.awaits_gpu && record.generation == generation && record.ordinal == ordinal
        });
        let Some(record) = record else { return false };
        record.awaits_gpu = false;
        record.stages.set(Stage::Gpu, nanos);
        self.stages[Stage::Gpu.index()].record(nanos);
        true
    }

    /// Tells that playback stood still: the time until the next frame is no interval.
    pub fn interrupt(&mut self) {
        self.last_presented = None;
    }

    /// Forgets everything, as for another file.
    pub fn clear(&mut self) {
        self.recent.clear();
        self.blame.clear();
        self.totals = Totals::default();
        self.intervals.clear();
        self.stages.iter_mut().for_each(Histogram::clear);
        (self.first_due, self.last_presented) = (None, None);
    }

    /// The latest records, oldest first.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &FrameRecord> + ExactSizeIterator {
        self.recent.iter()
    }

    /// Frames that were late or never seen, so far.
    pub fn lost(&self) -> u64 {
        let count = |fate: FrameFate| self.totals.by_fate[fate.index()];
        count(FrameFate::Late) + count(FrameFate::Dropped)
    }

    /// All totals so far.
    pub fn summary(&self) -> FrameSummary {
        let seconds = self.intervals.sum() as f64 / NANOS_PER_SECOND as f64;
        FrameSummary {
            totals: self.totals,
            fps: (seconds > 0.0).then(|| self.intervals.count() as f64 / seconds),
            intervals: self.intervals.summary(),
            stages: std::array::from_fn(|stage| self.stages[stage].summary()),
        }
    }
}

/// Totals of a [`FrameLog`] at one moment. Times are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameSummary {
    totals: Totals,
    /// Frames presented a second, pauses and seeks left out; `None` before the second frame.
    pub fps: Option<f64>,
    /// From one presented frame to the next, pauses and seeks left out.
    pub intervals: HistogramSummary,
    stages: [HistogramSummary; Stage::COUNT],
}

impl FrameSummary {
    /// Records that ended in `fate`. For [`FrameFate::Repeated`] these are repetitions, not frames.
    pub fn count(&self, fate: FrameFate) -> u64 {
        self.totals.by_fate[fate.index()]
    }

    /// The same, of the frames that come first after a cut; of repetitions, those that delayed one.
    pub fn count_at_cuts(&self, fate: FrameFate) -> u64 {
        self.totals.at_cuts[fate.index()]
    }

    /// Records that ended in `fate` because of `stage`.
    pub fn count_by_cause(&self, fate: FrameFate, stage: Stage) -> u64 {
        self.totals.by_cause[fate.index()][stage.index()]
    }

    /// Records that ended in `fate` without a known cause.
    pub fn count_without_cause(&self, fate: FrameFate) -> u64 {
        let known: u64 = self.totals.by_cause[fate.index()].iter().sum();
        self.count(fate).saturating_sub(known)
    }

    /// Frames that were due: shown, late or dropped.
    pub fn frames_due(&self) -> u64 {
        self.count(FrameFate::Shown) + self.count(FrameFate::Late) + self.count(FrameFate::Dropped)
    }

    /// Frames dropped that were due a second or more after the first frame was.
    pub fn dropped_after_first_second(&self) -> u64 {
        self.totals.dropped_after_first_second
    }

    /// Pictures shown that stood in for another frame; they count as shown as well.
    pub fn approximate(&self) -> u64 {
        self.totals.approximate
    }

    /// Records whose GPU time never came.
    pub fn missing_gpu_times(&self) -> u64 {
        self.totals.missing_gpu_times
    }

    /// Time spent in `stage` by the frames that passed it.
    pub fn stage(&self, stage: Stage) -> HistogramSummary {
        self.stages[stage.index()]
    }
}

#[cfg(test)]
mod tests;

//! Figures of a run: for the performance panel while it lasts, for the report at its end.

use std::path::Path;
use std::time::Duration;

use super::player::Player;
use crate::cache::FrameCacheStats;
use crate::cache::disk::{DiskCache, Fault};
use crate::decode::Rung;
use crate::gpu::{KeptCounts, TextureBudget};
use crate::media::VideoStream;
use crate::memory::FramePool;
use crate::metrics::{
    AvOffsetReport, CacheReport, CounterReport, DiskReport, FrameFate, FrameRecord, FrameReport,
    FrameSummary, Histogram, KeptReport, OutputMode, PoolReport, ProcessReport, ProcessSampler,
    QualityReport, Quantiles, RingReport, RungReport, SeekReport, SignedHistogram, SoakReport,
    Stage as Cost, StageReport,
};
use crate::playback::quality::rung_name;
use crate::playback::{FrameScheduler, Severity, Snapshot};
use crate::time::{MediaSpan, Moment};
use crate::ui::{DropCounts, FrameCounts, StageTime, StageTimes, ViewStats};

/// How often the process is looked at.
const SAMPLE_NANOS: i64 = 250_000_000;

/// Memory grows while caches and pools fill; its slope counts from then on.
const WARM_UP: Duration = Duration::from_secs(5);
/// The same when something else is done from then on.
const PART_WARM_UP: Duration = Duration::from_secs(2);

/// How often the figures on screen change: faster cannot be read.
const SHOW_NANOS: i64 = 250_000_000;

/// What a run was, beside what its frames tell.
#[derive(Debug, Clone, Copy)]
pub struct RunStats<'a> {
    /// The file.
    pub file: &'a Path,
    /// Window or memory.
    pub output: OutputMode,
    /// Whether frames were shown as fast as they came.
    pub untimed: bool,
    /// Frames a second that were to be held.
    pub target_fps: f64,
    /// How long it lasted.
    pub lasted: Duration,
    /// Whether a person ended it.
    pub interrupted: bool,
    /// What it did with the disk cache, unless that was switched off.
    pub disk: Option<DiskReport>,
}

/// The report's form of what a disk cache counted.
pub(super) fn disk_report(disk: &DiskCache) -> DiskReport {
    let counters = disk.counters();
    DiskReport {
        hits: counters.hits,
        misses: counters.misses,
        stored: counters.stored,
        declined: counters.declined,
        evicted: counters.evicted,
        promoted: counters.promoted,
        damaged: counters.faults_of(Fault::Damaged),
        unreadable: counters.faults_of(Fault::Unreadable),
        unwritable: counters.faults_of(Fault::Unwritable),
        no_room: counters.faults_of(Fault::NoRoom),
        database_faults: counters.faults_of(Fault::Database),
    }
}

/// Why a run did not play its file to the end, or showed nothing of it.
pub(super) fn failure_of_run(snapshot: &Snapshot, summary: &FrameSummary) -> Option<String> {
    let told = snapshot
        .notices
        .iter()
        .rfind(|notice| notice.severity == Severity::Error);
    if let Some(notice) = told {
        return Some(notice.text.clone());
    }
    let seen = summary.count(FrameFate::Shown) + summary.count(FrameFate::Late);
    let media = snapshot.media.as_ref()?;
    (seen == 0 && summary.count(FrameFate::Dropped) > 0).then(|| {
        let file = media.info.path.display();
        format!("{file}: none of its pictures could be shown; they are damaged, or came too late.")
    })
}

/// What the engine counts beside frames.
pub(super) fn counters_of(snapshot: &Snapshot) -> CounterReport {
    let (pool_overflows, foreign_pictures) = snapshot.outside_pool;
    CounterReport {
        damaged_packets: snapshot.damaged_packets,
        pool_overflows,
        foreign_pictures,
        repacked_pictures: snapshot.repacked,
        audio_underruns: snapshot.underruns,
        audio_note: snapshot.audio_note.clone(),
    }
}

/// What was decoded, and why.
fn quality_of(snapshot: &Snapshot) -> Option<QualityReport> {
    let quality = &snapshot.quality;
    let rungs: Vec<RungReport> = Rung::ALL
        .into_iter()
        .map(|rung| RungReport {
            rung: rung_name(rung),
            seconds: quality.times.of(rung).as_secs_f64(),
        })
        .filter(|rung| rung.seconds > 0.0)
        .collect();
    (!rungs.is_empty()).then(|| QualityReport {
        mode: quality.mode.name(),
        switches: quality.switches,
        left_out: quality.left_out,
        rungs,
        last: quality.words.to_string(),
    })
}

/// What the report says of kept pictures.
fn kept_report(counts: KeptCounts, budget: &TextureBudget) -> KeptReport {
    let KeptCounts {
        hits,
        misses_new,
        misses_size,
        misses_room,
        misses_device,
        pictures,
        bytes,
        peak_bytes,
        shortages,
    } = counts;
    KeptReport {
        hits,
        misses_new,
        misses_size,
        misses_room,
        misses_device,
        shortages,
        pictures,
        bytes,
        bytes_peak: peak_bytes,
        textures_bytes: budget.used(),
        textures_limit: budget.share(),
    }
}

/// What the report says of the cache.
fn cache_report(stats: FrameCacheStats) -> CacheReport {
    let [misses_never_decoded, misses_evicted, misses_declined] = stats.misses;
    CacheReport {
        bytes: stats.bytes,
        bytes_peak: stats.peak_bytes,
        bytes_limit: stats.limit_bytes,
        frames: stats.frames,
        frames_reduced: stats.reduced_frames,
        hits: stats.hits,
        misses_never_decoded,
        misses_evicted,
        misses_declined,
    }
}

/// Gathers figures on the presenting thread.
pub struct StatsGatherer {
    process: ProcessSampler,
    next_sample: Moment,
    av_offset: SignedHistogram,
    seeks: Histogram,
    ring_fill: (u64, u64, usize),
    next_show: Moment,
    shown_before: (u64, Moment),
    intervals_seen: u64,
    last_shown: Option<Moment>,
    view: ViewStats,
}

/// Moves of the playhead before it is said how soon they are answered.
const ENOUGH_SEEKS: u64 = 10;

impl StatsGatherer {
    /// Begins at `now`.
    pub fn new(now: Moment) -> Self {
        Self {
            process: ProcessSampler::new(now, WARM_UP),
            next_sample: now,
            av_offset: SignedHistogram::new(),
            seeks: Histogram::new(),
            ring_fill: (0, 0, 0),
            next_show: now,
            shown_before: (0, now),
            intervals_seen: 0,
            last_shown: None,
            view: ViewStats::default(),
        }
    }

    /// A frame was handed to the display at `presented`, `late_nanos` after the engine's line said.
    pub fn frame_presented(
        &mut self,
        presented: Moment,
        late_nanos: Option<i64>,
        snapshot: &Snapshot,
    ) {
        if let Some(last) = self.last_shown.replace(presented) {
            let nanos = presented.since(last).as_nanos();
            self.view.intervals.push_ms(nanos as f32 / 1e6);
            self.intervals_seen += 1;
        }
        let sound = snapshot.sound_ahead.map(MediaSpan::nanos_nearest);
        if let (Some(late), Some(ahead)) = (late_nanos, sound) {
            // What is due at an instant is heard that much before, and seen that much after.
            let sound_after_picture = -(ahead + late);
            self.av_offset.record(sound_after_picture);
            self.view.audio_offset_ms = Some(sound_after_picture as f32 / 1e6);
        }
        let (fill, capacity) = snapshot.ring_fill;
        self.ring_fill = (
            self.ring_fill.0 + fill as u64,
            self.ring_fill.1 + 1,
            capacity.max(self.ring_fill.2),
        );
    }

    /// Playback stands still: the time to the next frame is no interval.
    pub fn interrupt(&mut self) {
        self.last_shown = None;
    }

    /// A seek was answered by its frame.
    pub fn seek_took(&mut self, span: Duration) {
        self.seeks
            .record(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Something else is done from now on: memory is measured as from the start.
    pub fn begin_part(&mut self, now: Moment) {
        self.process.begin_part(now, PART_WARM_UP);
    }

    /// Looks at the process, if it is time. What is mapped for `pool` is bounded and counted by itself: its
    /// filling is no growth.
    pub fn sample(&mut self, now: Moment, pool: &FramePool) {
        if now < self.next_sample {
            return;
        }
        self.next_sample = now.offset_nanos(SAMPLE_NANOS);
        let sample = self.process.sample(now, pool.usage().mapped_bytes);
        self.view.rss_bytes = sample.rss_bytes.unwrap_or(0);
    }

    /// The figures for the performance panel; they change four times a second.
    pub fn view(
        &mut self,
        now: Moment,
        scheduler: &FrameScheduler,
        snapshot: &Snapshot,
    ) -> &ViewStats {
        if now >= self.next_show {
            self.next_show = now.offset_nanos(SHOW_NANOS);
            self.refresh_view(now, scheduler, snapshot);
        }
        &self.view
    }

    /// The figures, to fill in what the loop knows.
    pub fn view_mut(&mut self) -> &mut ViewStats {
        &mut self.view
    }

    fn refresh_view(&mut self, now: Moment, scheduler: &FrameScheduler, snapshot: &Snapshot) {
        let summary = scheduler.log().summary();
        let shown = summary.count(FrameFate::Shown) + summary.count(FrameFate::Late);
        let (before, since) = self.shown_before;
        let seconds = now.since(since).as_secs_f32();
        if seconds >= 0.9 {
            self.view.presented_fps = shown.saturating_sub(before) as f32 / seconds;
            self.shown_before = (shown, now);
        }
        let answered = (self.seeks.count() >= ENOUGH_SEEKS)
            .then(|| self.seeks.percentile(95))
            .flatten();
        self.view.scrub_p95_ms = answered.map(|nanos| nanos as f32 / 1e6);
        let rate = snapshot
            .media
            .as_ref()
            .and_then(|media| media.info.default_video());
        #[expect(clippy::cast_possible_truncation, reason = "for people to read")]
        let target =
            |stream: &VideoStream| (stream.rate.as_f64() * snapshot.speed.as_f64().abs()) as f32;
        self.view.target_fps = rate.map_or(0.0, target);
        let dropped = |cost| summary.count_by_cause(FrameFate::Dropped, cost);
        self.view.frames = FrameCounts {
            shown: summary.count(FrameFate::Shown),
            repeated: summary.count(FrameFate::Repeated),
            late: summary.count(FrameFate::Late),
            dropped: DropCounts {
                demux: dropped(Cost::Demux),
                decode: dropped(Cost::Decode),
                convert: dropped(Cost::Convert),
                upload: dropped(Cost::Upload),
                gpu: dropped(Cost::Gpu),
                present: dropped(Cost::Present),
                audio: dropped(Cost::Audio),
            },
        };
        // Only a frame that was seen went through every stage.
        let is_seen =
            |record: &&FrameRecord| matches!(record.fate, FrameFate::Shown | FrameFate::Late);
        let last = scheduler.log().recent().rev().find(is_seen);
        let stage = |cost: Cost| {
            let all = summary.stage(cost);
            (all.count > 0).then(|| StageTime {
                last_ms: last.and_then(|record| record.stages.get(cost)).unwrap_or(0) as f32 / 1e6,
                p95_ms: all.p95 as f32 / 1e6,
            })
        };
        self.view.stages = StageTimes {
            demux: stage(Cost::Demux),
            decode: stage(Cost::Decode),
            convert: stage(Cost::Convert),
            upload: stage(Cost::Upload),
            gpu: stage(Cost::Gpu),
            present: stage(Cost::Present),
        };
    }

    /// The report of the run. `kept` is how keeping pictures went.
    pub fn report(
        &self,
        run: &RunStats<'_>,
        summary: &FrameSummary,
        player: &Player,
        kept: Option<KeptCounts>,
        snapshot: &Snapshot,
    ) -> SoakReport {
        let usage = player.pool.usage();
        let cache = player.cache.as_ref().map(|cache| cache.stats());
        let (fill, samples, capacity) = self.ring_fill;
        SoakReport {
            schema: 1,
            file: run.file.display().to_string(),
            output: run.output,
            untimed: run.untimed,
            target_fps: run.target_fps,
            seconds: run.lasted.as_secs_f64(),
            interrupted: run.interrupted,
            frames: FrameReport::from_summary(summary),
            interval_ms: Quantiles::millis_from_nanos(&summary.intervals),
            achieved_fps: summary.fps,
            stages: StageReport::list_from_summary(summary),
            av_offset: AvOffsetReport::from_nanos(&self.av_offset),
            process: ProcessReport::from_summary(&self.process.summary()),
            pool: Some(PoolReport {
                slots_peak: usage.peak_slots as u64,
                bytes_peak: usage.peak_bytes,
                bytes_limit: usage.limit_bytes,
            }),
            cache: cache.map(cache_report),
            ring: (samples > 0).then(|| RingReport {
                capacity: capacity as u64,
                fill_mean: fill as f64 / samples as f64,
            }),
            kept_pictures: kept
                .filter(|_| player.textures.share() > 0)
                .map(|counts| kept_report(counts, &player.textures)),
            disk: run.disk,
            seeks: SeekReport::from_nanos(&self.seeks),
            steps_back: None,
            moves: None,
            quality: quality_of(snapshot),
            counters: counters_of(snapshot),
            limits: Vec::new(),
        }
    }
}

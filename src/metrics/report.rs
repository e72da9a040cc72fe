//! The report of a soak: what is printed, and what is saved as JSON.

use serde::Serialize;

use super::moves::MoveReport;
use super::{
    FrameFate, FrameSummary, Histogram, HistogramSummary, LimitResult, ProcessSummary,
    SignedHistogram, Stage,
};

mod text;

const NANOS_PER_MILLI: f64 = 1e6;
const BYTES_PER_MB: f64 = 1e6;

/// What `jogwheel soak` found. Its JSON form is a published contract: names and units stay.
///
/// A number that could not be measured is `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SoakReport {
    /// Version of this form: [`SoakReport::SCHEMA`].
    pub schema: u32,
    /// The file played.
    pub file: String,
    /// Where the pictures went.
    pub output: OutputMode,
    /// Whether frames were shown as fast as they came instead of when they were due.
    pub untimed: bool,
    /// Frames a second asked for.
    pub target_fps: f64,
    /// Seconds it ran.
    pub seconds: f64,
    /// Whether a person ended it early.
    pub interrupted: bool,
    /// How the frames ended.
    pub frames: FrameReport,
    /// From one presented frame to the next, in milliseconds.
    pub interval_ms: Option<Quantiles>,
    /// Frames presented a second, pauses and seeks left out.
    pub achieved_fps: Option<f64>,
    /// What the frames cost, for each stage that any of them passed.
    pub stages: Vec<StageReport>,
    /// Distance of sound from picture, where there was sound.
    pub av_offset: Option<AvOffsetReport>,
    /// What the process took from the machine.
    pub process: ProcessReport,
    /// Use of the frame pool.
    pub pool: Option<PoolReport>,
    /// Use of the cache of decoded frames, where there is one.
    pub cache: Option<CacheReport>,
    /// Fill of the ring of decoded frames.
    pub ring: Option<RingReport>,
    /// Converted pictures that were kept, where any may be.
    pub kept_pictures: Option<KeptReport>,
    /// Use of the disk cache, unless it was switched off.
    pub disk: Option<DiskReport>,
    /// Latency of exact seeks, where any were asked for.
    pub seeks: Option<SeekReport>,
    /// Steps back after exact seeks, where any were asked for.
    pub steps_back: Option<StepsBackReport>,
    /// How the moves of a trace were answered, where one was followed.
    pub moves: Option<MoveReport>,
    /// What was decoded, where there was a choice.
    pub quality: Option<QualityReport>,
    /// What went another way than it should, without a frame being lost by it.
    pub counters: CounterReport,
    /// The limits stated, and whether they were kept.
    pub limits: Vec<LimitResult>,
}

/// Where the pictures went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputMode {
    /// Into memory.
    Offscreen,
    /// Into a window.
    Window,
}

/// How the frames ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FrameReport {
    /// Frames seen when they were due.
    pub shown: u64,
    /// Those of them that stood in for a frame that was still to come, while the playhead was dragged.
    pub approximate: u64,
    /// Refreshes that showed a frame longer than it was due.
    pub repeated: u64,
    /// Frames seen after they were due.
    pub late: u64,
    /// Frames never seen.
    pub dropped: u64,
    /// Those of them that were due a second or more after the first frame.
    pub dropped_after_first_second: u64,
    /// Why, for each fate but `shown`; only causes that occurred.
    pub causes: Vec<CauseCount>,
    /// How the first frames after cuts ended, where a timeline with cuts was played.
    pub at_cuts: Option<CutReport>,
}

/// How the first frames after cuts ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CutReport {
    /// Seen when they were due.
    pub shown: u64,
    /// Refreshes that still showed the frame before the cut.
    pub repeated: u64,
    /// Seen after they were due.
    pub late: u64,
    /// Never seen.
    pub dropped: u64,
}

impl CutReport {
    /// The counts of a log, if there were any cuts.
    fn from_summary(summary: &FrameSummary) -> Option<Self> {
        let [shown, repeated, late, dropped] =
            FrameFate::ALL.map(|fate| summary.count_at_cuts(fate));
        (shown + repeated + late + dropped > 0).then_some(Self {
            shown,
            repeated,
            late,
            dropped,
        })
    }
}

/// Frames of one fate with one cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CauseCount {
    /// `repeated`, `late` or `dropped`.
    pub fate: &'static str,
    /// The stage to blame: `decode`; nothing when it is not known.
    pub stage: Option<&'static str>,
    /// How many.
    pub count: u64,
}

/// Percentiles of a number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half of the values are at most this.
    pub p50: f64,
    /// 95 % of the values are at most this.
    pub p95: f64,
    /// 99 % of the values are at most this.
    pub p99: f64,
    /// The greatest.
    pub max: f64,
}

/// What frames cost in one stage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StageReport {
    /// Name of the stage.
    pub stage: &'static str,
    /// Frames that passed it.
    pub frames: u64,
    /// Milliseconds.
    pub p50_ms: f64,
    /// Milliseconds.
    pub p95_ms: f64,
    /// Milliseconds.
    pub max_ms: f64,
}

/// Distance of sound from picture; positive when the sound is behind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AvOffsetReport {
    /// Frames at which it was measured.
    pub frames: u64,
    /// Milliseconds.
    pub median_ms: f64,
    /// The greatest, either way, in milliseconds.
    pub max_abs_ms: f64,
}

/// What the process took from the machine.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct ProcessReport {
    /// Processor time of all threads, start-up included.
    pub cpu_seconds: Option<f64>,
    /// Resident memory when the run began.
    pub rss_start_bytes: Option<u64>,
    /// The most resident memory there was.
    pub rss_peak_bytes: Option<u64>,
    /// Resident memory when the run ended.
    pub rss_end_bytes: Option<u64>,
    /// Growth of resident memory while one thing was done, after its warm-up, in 1,000,000 bytes a minute; what the
    /// frame pool, which has a limit, maps is left out.
    pub rss_slope_mb_per_min: Option<f64>,
    /// Threads when the run began.
    pub threads_start: Option<u64>,
    /// Threads when the run ended.
    pub threads_end: Option<u64>,
    /// Open files when the run began.
    pub open_files_start: Option<u64>,
    /// Open files when the run ended.
    pub open_files_end: Option<u64>,
}

/// Use of the frame pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PoolReport {
    /// The most slots in use at once.
    pub slots_peak: u64,
    /// The most bytes in use at once.
    pub bytes_peak: u64,
    /// Bytes that it may use.
    pub bytes_limit: u64,
}

/// Use of the cache of decoded frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CacheReport {
    /// Bytes kept when the run ended.
    pub bytes: u64,
    /// The most bytes kept at once.
    pub bytes_peak: u64,
    /// Bytes that it may keep.
    pub bytes_limit: u64,
    /// Frames kept when the run ended.
    pub frames: u64,
    /// Those of them that were kept at the size shown.
    pub frames_reduced: u64,
    /// Frames that were due and kept.
    pub hits: u64,
    /// Frames that were due and had never been decoded.
    pub misses_never_decoded: u64,
    /// Frames that were due and had made room for others.
    pub misses_evicted: u64,
    /// Frames that were due and had not been worth keeping.
    pub misses_declined: u64,
}

/// Fill of the ring of decoded frames.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RingReport {
    /// Frames that it holds.
    pub capacity: u64,
    /// Frames in it on average.
    pub fill_mean: f64,
}

/// Converted pictures that were kept, to be shown again without being made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KeptReport {
    /// Pictures that were shown again.
    pub hits: u64,
    /// Pictures that were made because nothing was known of them.
    pub misses_new: u64,
    /// Because they were kept at another size only.
    pub misses_size: u64,
    /// Because they had made room for others.
    pub misses_room: u64,
    /// Because they had gone with their graphics device.
    pub misses_device: u64,
    /// Times that the graphics device had no memory left.
    pub shortages: u64,
    /// Pictures held at the end.
    pub pictures: u64,
    /// Bytes held at the end.
    pub bytes: u64,
    /// The most bytes held at once.
    pub bytes_peak: u64,
    /// Bytes of all textures and buffers on the device at the end.
    pub textures_bytes: u64,
    /// Bytes that pictures are kept up to, other textures and buffers included.
    pub textures_limit: u64,
}

impl KeptReport {
    /// Pictures that were made.
    pub fn misses(&self) -> u64 {
        self.misses_new + self.misses_size + self.misses_room + self.misses_device
    }
}

/// What went another way than it should: of the medium that was open last, and of the sound.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct CounterReport {
    /// Packets passed over for damage.
    pub damaged_packets: u64,
    /// Pictures that found the pool full.
    pub pool_overflows: u64,
    /// Pictures that the codec keeps in memory of its own.
    pub foreign_pictures: u64,
    /// Pictures that were copied into another arrangement.
    pub repacked_pictures: u64,
    /// Buffers that the sound device wanted and that could not be filled in time.
    pub audio_underruns: u64,
    /// What of the sound was not as asked, although it was heard.
    pub audio_note: Option<String>,
}

impl CounterReport {
    /// Each count that is not zero, with its name in words.
    pub fn nonzero(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let Self {
            damaged_packets,
            pool_overflows,
            foreign_pictures,
            repacked_pictures,
            audio_underruns,
            audio_note: _,
        } = *self;
        [
            ("damaged packets", damaged_packets),
            ("beyond the pool", pool_overflows),
            ("in codec memory", foreign_pictures),
            ("repacked", repacked_pictures),
            ("sound underruns", audio_underruns),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
    }
}

/// What was decoded, where there was a choice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QualityReport {
    /// Who chose: `auto`, `source`, `proxy` or `draft`.
    pub mode: &'static str,
    /// How often the rung changed while a clip played; choices at cuts and pauses do not count.
    pub switches: u64,
    /// Frames left out on purpose, of the medium that was open last. They do not count as dropped.
    pub left_out: u64,
    /// How long each rung was played; only those that were.
    pub rungs: Vec<RungReport>,
    /// The last decision and its reason, in words.
    pub last: String,
}

/// How long a rung was played.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RungReport {
    /// `source`, `source, thinned`, `half proxy`, `quarter proxy` or `keyframes`.
    pub rung: &'static str,
    /// Seconds.
    pub seconds: f64,
}

/// What this run did with the disk cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct DiskReport {
    /// Items that were found.
    pub hits: u64,
    /// Items that were not.
    pub misses: u64,
    /// Items that were written.
    pub stored: u64,
    /// Items that were not kept: too large, no room, too many at once.
    pub declined: u64,
    /// Items that made room for others.
    pub evicted: u64,
    /// Items that were copied to the fast folder.
    pub promoted: u64,
    /// Items that were not what had been written, and were removed.
    pub damaged: u64,
    /// Times that an item could not be read.
    pub unreadable: u64,
    /// Times that the folder could not be written to.
    pub unwritable: u64,
    /// Times that the disk was nearly full.
    pub no_room: u64,
    /// Times that the database was broken, locked or of another version.
    pub database_faults: u64,
}

impl DiskReport {
    /// Each count that is not zero, with its name in words.
    pub fn nonzero(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        [
            ("found", self.hits),
            ("not found", self.misses),
            ("kept", self.stored),
            ("declined", self.declined),
            ("evicted", self.evicted),
            ("promoted", self.promoted),
            ("damaged", self.damaged),
            ("not readable", self.unreadable),
            ("not writable", self.unwritable),
            ("without room", self.no_room),
            ("index faults", self.database_faults),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
    }
}

/// Latency of exact seeks, from the request to the frame presented.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SeekReport {
    /// How many.
    pub count: u64,
    /// Milliseconds.
    pub p50_ms: f64,
    /// Milliseconds.
    pub p95_ms: f64,
    /// Milliseconds.
    pub max_ms: f64,
}

/// Latency of steps back, from the request to the frame presented.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StepsBackReport {
    /// Each step.
    pub steps: SeekReport,
    /// All the steps after one seek, one after another.
    pub series: SeekReport,
}

fn millis(nanos: u64) -> f64 {
    nanos as f64 / NANOS_PER_MILLI
}

impl SoakReport {
    /// Version of the JSON form; grows when a name or a unit changes.
    pub const SCHEMA: u32 = 1;

    /// Whether every limit stated was kept.
    pub fn passed(&self) -> bool {
        self.limits.iter().all(|limit| limit.passed)
    }
}

impl FrameReport {
    /// The counts of a log.
    pub fn from_summary(summary: &FrameSummary) -> Self {
        let mut causes = Vec::new();
        for fate in [FrameFate::Repeated, FrameFate::Late, FrameFate::Dropped] {
            let known = Stage::ALL.into_iter().map(|stage| {
                let stage_name = Some(stage.name());
                CauseCount {
                    fate: fate.name(),
                    stage: stage_name,
                    count: summary.count_by_cause(fate, stage),
                }
            });
            let count = summary.count_without_cause(fate);
            let unknown = CauseCount {
                fate: fate.name(),
                stage: None,
                count,
            };
            causes.extend(known.chain([unknown]).filter(|cause| cause.count > 0));
        }
        Self {
            shown: summary.count(FrameFate::Shown),
            approximate: summary.approximate(),
            repeated: summary.count(FrameFate::Repeated),
            late: summary.count(FrameFate::Late),
            dropped: summary.count(FrameFate::Dropped),
            dropped_after_first_second: summary.dropped_after_first_second(),
            causes,
            at_cuts: CutReport::from_summary(summary),
        }
    }

    /// Frames that were due.
    pub fn due(&self) -> u64 {
        self.shown + self.late + self.dropped
    }

    /// Frames dropped, of a hundred that were due; `None` when none was.
    pub fn dropped_percent(&self) -> Option<f64> {
        self.percent(self.dropped)
    }

    /// Frames late, of a hundred that were due; `None` when none was.
    pub fn late_percent(&self) -> Option<f64> {
        self.percent(self.late)
    }

    fn percent(&self, count: u64) -> Option<f64> {
        let due = self.due();
        (due > 0).then(|| count as f64 * 100.0 / due as f64)
    }
}

impl Quantiles {
    /// In milliseconds, from nanoseconds; `None` when nothing was counted.
    pub fn millis_from_nanos(nanos: &HistogramSummary) -> Option<Self> {
        (nanos.count > 0).then(|| Self {
            p50: millis(nanos.p50),
            p95: millis(nanos.p95),
            p99: millis(nanos.p99),
            max: millis(nanos.max),
        })
    }
}

impl StageReport {
    /// The stages that any frame passed, in order.
    pub fn list_from_summary(summary: &FrameSummary) -> Vec<Self> {
        let report = |stage: Stage| {
            let times = summary.stage(stage);
            (times.count > 0).then(|| Self {
                stage: stage.name(),
                frames: times.count,
                p50_ms: millis(times.p50),
                p95_ms: millis(times.p95),
                max_ms: millis(times.max),
            })
        };
        Stage::ALL.into_iter().filter_map(report).collect()
    }
}

impl AvOffsetReport {
    /// From offsets in nanoseconds; `None` when there are none.
    pub fn from_nanos(offsets: &SignedHistogram) -> Option<Self> {
        Some(Self {
            frames: offsets.count(),
            median_ms: offsets.median()? as f64 / NANOS_PER_MILLI,
            max_abs_ms: millis(offsets.max_abs()?),
        })
    }
}

impl ProcessReport {
    /// What a sampler found.
    pub fn from_summary(summary: &ProcessSummary) -> Self {
        let (first, last) = (&summary.first, &summary.last);
        Self {
            cpu_seconds: last.cpu_nanos.map(|nanos| nanos as f64 / 1e9),
            rss_start_bytes: first.rss_bytes,
            rss_peak_bytes: summary.rss_peak_bytes,
            rss_end_bytes: last.rss_bytes,
            rss_slope_mb_per_min: summary.rss_slope.map(|slope| slope * 60.0 / BYTES_PER_MB),
            threads_start: first.threads,
            threads_end: last.threads,
            open_files_start: first.open_files,
            open_files_end: last.open_files,
        }
    }
}

impl SeekReport {
    /// From latencies in nanoseconds; `None` when there are none.
    pub fn from_nanos(latencies: &Histogram) -> Option<Self> {
        let nanos = latencies.summary();
        (nanos.count > 0).then(|| Self {
            count: nanos.count,
            p50_ms: millis(nanos.p50),
            p95_ms: millis(nanos.p95),
            max_ms: millis(nanos.max),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! What happened to every frame, and what it cost.
//!
//! The parts, in the order that a number travels:
//!
//! - [`Stage`] names where time is spent, [`FrameFate`] how a frame ended, and [`FrameRecord`]
//!   holds both for one frame, with the cause where it did not end well.
//! - [`FrameLog`] takes the records: the latest stay in a ring for the overlay's graph, all are
//!   counted in totals and [`Histogram`]s ([`SignedHistogram`] where values have a sign). It
//!   allocates when it is made and never again. Its [`BlameMap`] tells where in the medium frames were
//!   late or dropped, and why.
//! - [`ProfileLog`] keeps what the profiler's scopes measured in the latest frames, on all threads and on the
//!   GPU, while somebody looks.
//! - [`ProcessSampler`] watches the process: memory, processor time, threads, open files.
//! - [`SoakReport`] is what `jogwheel soak` prints and saves, and [`Limits`] are what it is held
//!   to.
//!
//! Nothing here locks or starts a thread: each part belongs to the one thread that feeds it.

mod blame;
mod frame;
mod histogram;
mod limits;
mod log;
mod moves;
mod process;
mod profile;
mod report;
mod signed;
mod stage;

pub use blame::{BlameMap, BlameSpan};
pub use frame::{FrameFate, FrameRecord};
pub use histogram::{Histogram, HistogramSummary};
pub use limits::{Bound, LimitResult, Limits};
pub use log::{FrameLog, FrameSummary};
pub use moves::{MoveLog, MoveReport};
pub use process::{MemorySlope, ProcessSample, ProcessSampler, ProcessSummary};
pub use profile::{
    FrameCost, GPU_THREAD, GpuPass, ProfileFrame, ProfileLimits, ProfileLog, Span, ThreadSpans,
    Turn,
};
/// Measures the rest of the block for the profiler: `metrics::scope!("upload")`. Free while no
/// profiler listens.
pub use puffin::profile_scope as scope;
pub use report::{
    AvOffsetReport, CacheReport, CauseCount, CounterReport, CutReport, DiskReport, FrameReport,
    KeptReport, OutputMode, PoolReport, ProcessReport, QualityReport, Quantiles, RingReport,
    RungReport, SeekReport, SoakReport, StageReport, StepsBackReport,
};
pub use signed::SignedHistogram;
pub use stage::{Stage, StageTimes};

#[cfg(test)]
pub(crate) use profile::bench as profile_bench;
#[cfg(test)]
pub(crate) use report::tests::full_report as report_for_tests;

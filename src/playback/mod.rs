//! The engine: what plays, where the playhead stands, and which frame is due.
//!
//! Commands go in, immutable snapshots come out. The [`Engine`] has a thread of its own; the thread that
//! presents pulls the due frame from a [`FrameScheduler`]. Between them stand a [`Schedule`], which the
//! engine publishes, and [`Feedback`], which the scheduler answers with.

mod closer;
mod command;
mod control;
mod engine;
mod engine_thread;
mod media_watch;
mod opener;
mod pacer;
mod power;
mod proxies;
pub mod quality;
mod records;
mod schedule;
mod scheduler;
mod snapshot;
mod sound;
mod timeline;
mod vsync;
mod watch;

#[cfg(test)]
mod sim_tests;

pub use command::{Command, SeekTarget};
pub use control::DetailShedder;
pub use engine::{Engine, EngineParts, QualityGauges, StartOptions};
pub use engine_thread::{EngineCalls, EngineHandle, EngineWaker};
pub use media_watch::{Displaced, MediaWatch};
pub use opener::{FileOpener, FrameShares, Opened, Opener, OpenerOptions};
pub use pacer::{Draw, Pacer};
pub use power::{PowerGauge, PowerProbe, PowerWatch, SystemPower};
pub use proxies::{ProxyDesk, Repair};
pub use quality::ProxyUse;
pub use schedule::{
    AtHand, Epoch, Feedback, MissingPicture, NewSource, Schedule, ScheduleMode, ScreenAim, Shown,
};
pub use scheduler::{FrameScheduler, Origin, Pull};
pub use snapshot::{
    AudioState, ClockSource, MediaState, Notice, PlaybackStatus, QualityState, RungTimes, Severity,
    Snapshot,
};
pub use sound::Sound;
pub use timeline::{
    ClipMedia, Compared, Comparison, MatchBy, Reviser, TimelineMedia, TimelineOptions,
    TimelineSettings, TimelineSource, TimelineState, TimelineStrip, TimelineStripRequest,
    TimelineThumbnail, TimelineWaveform, TimelineWaveformRequest,
};
pub use vsync::VsyncModel;
pub use watch::FileWatch;

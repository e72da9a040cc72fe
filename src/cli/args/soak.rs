//! `jogwheel soak`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueHint};

use super::DiskArgs;
use super::play::{MachineArgs, ProxyUseArgs, QualityArgs, TimelineArgs};
use super::values::{self, ConvertChoice, Fault, TraceChoice};
use crate::media::Size;
use crate::metrics::Limits;
use crate::time::FrameRate;

const EXAMPLES: &str = "\
Examples:
  jogwheel soak clip.mov --seconds 60 --target-fps 29.97
  jogwheel soak clip.mov --seconds 60 --target-fps 29.97 --window --max-drop-percent 0.1
  jogwheel soak clip.mov --seconds 20 --untimed --json report.json
  jogwheel soak clip.mov --seconds 60 --seeks 100 --seed 7 --max-rss-slope-mb-per-min 1
  jogwheel soak clip.mov --seconds 1 --seeks 200 --seek-interval-ms 250 --within 8
  jogwheel soak clip.mov --seconds 1 --drags 30 --within 8 --back-steps 10
  jogwheel soak clip.mov --seconds 1 --trace editing --trace-minutes 10
  jogwheel soak clip.mov --seconds 30 --fault device-loss@10

The exit code is 5 when a limit was broken or could not be measured. Ctrl-C still reports.";

/// `jogwheel soak`.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("moves").multiple(true))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct SoakArgs {
    /// The file; it is played in a loop.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// How timelines are read.
    #[command(flatten)]
    pub timeline: TimelineArgs,
    /// How long to play.
    #[arg(long, value_name = "N", default_value = "60", allow_negative_numbers = true,
          value_parser = values::seconds_from_text)]
    pub seconds: Duration,
    /// Frames a second to hold: 25, 29.97 or 30000/1001; the file's own rate when left out.
    #[arg(long, value_name = "F")]
    pub target_fps: Option<FrameRate>,
    /// Show frames as fast as they come instead of when they are due.
    #[arg(long)]
    pub untimed: bool,
    /// Play in a window instead of into memory.
    #[arg(long)]
    pub window: bool,
    /// Size of the picture.
    #[arg(long, value_name = "WxH", default_value = "1280x720",
          value_parser = values::size_from_text)]
    pub size: Size,
    /// What converts the picture to RGB and scales it.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub convert: ConvertChoice,
    /// What is decoded.
    #[command(flatten)]
    pub quality: QualityArgs,
    /// Play no sound.
    #[arg(long)]
    pub no_audio: bool,
    /// Save the report as JSON to this file, as well as printing it.
    #[arg(long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub json: Option<PathBuf>,
    /// Make this many exact seeks to random frames after playing, and time them.
    #[arg(long, value_name = "N", group = "moves")]
    pub seeks: Option<u32>,
    /// Begin a seek no sooner than this many milliseconds after the one before.
    #[arg(long, value_name = "MS", requires = "seeks")]
    pub seek_interval_ms: Option<u32>,
    /// Step back this many times, one step after another, from five random frames, and time it.
    #[arg(long, value_name = "N", group = "moves")]
    pub back_steps: Option<u32>,
    /// Drag the playhead this many times, slowly, quickly and in flings, and time the pictures.
    #[arg(long, value_name = "N", group = "moves")]
    pub drags: Option<u32>,
    /// Milliseconds between two moves of a drag.
    #[arg(long, value_name = "MS", default_value_t = 33, requires = "drags")]
    pub drag_interval_ms: u32,
    /// Move the playhead as a person at work does: plays, seeks, steps and drags of an hour's editing.
    #[arg(long, value_name = "TRACE", value_enum, group = "moves")]
    pub trace: Option<TraceChoice>,
    /// Minutes of that hour.
    #[arg(long, value_name = "N", default_value_t = 60, requires = "trace",
          value_parser = clap::value_parser!(u32).range(1..=60))]
    pub trace_minutes: u32,
    /// Think and play no longer than this many milliseconds at a time in that hour; as long as the person
    /// did when left out.
    #[arg(long, value_name = "MS", requires = "trace")]
    pub trace_wait_ms: Option<u32>,
    /// Make no thumbnails, which stand in for frames while the playhead is dragged.
    #[arg(long)]
    pub no_thumbnails: bool,
    /// Move within so many seconds in the middle of the file.
    #[arg(long, value_name = "N", requires = "moves", value_parser = values::seconds_from_text)]
    pub within: Option<Duration>,
    /// Seed of all that is random: the same seed makes the same moves.
    #[arg(long, value_name = "S", default_value_t = 1, requires = "moves")]
    pub seed: u64,
    /// Make a fault on purpose: device-loss@SECONDS. May be given several times.
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<Fault>,
    /// What the machine may give.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// What is kept on disk.
    #[command(flatten)]
    pub disk: DiskArgs,
    /// Whether proxies are shown.
    #[command(flatten)]
    pub proxies: ProxyUseArgs,
    /// What the run is held to.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// What the run is held to.
#[derive(Debug, Clone, Copy, PartialEq, Default, Args)]
#[command(next_help_heading = "Limits (exit code 5 when one is broken)")]
pub struct LimitArgs {
    /// Allow this many dropped frames in a hundred that were due.
    #[arg(long, value_name = "PERCENT", value_parser = values::limit_from_text)]
    pub max_drop_percent: Option<f64>,
    /// Allow this many late frames in a hundred that were due.
    #[arg(long, value_name = "PERCENT", value_parser = values::limit_from_text)]
    pub max_late_percent: Option<f64>,
    /// Allow this 99th percentile of the interval between frames.
    #[arg(long, value_name = "MS", value_parser = values::limit_from_text)]
    pub max_p99_ms: Option<f64>,
    /// Ask for this many frames presented a second.
    #[arg(long, value_name = "F", value_parser = values::limit_from_text)]
    pub min_fps: Option<f64>,
    /// Allow this distance of sound from picture, either way.
    #[arg(long, value_name = "MS", value_parser = values::limit_from_text)]
    pub max_av_offset_ms: Option<f64>,
    /// Allow this much resident memory, in units of 1,000,000 bytes.
    #[arg(long, value_name = "MB", value_parser = values::limit_from_text)]
    pub max_rss_mb: Option<f64>,
    /// Allow this growth of resident memory, in units of 1,000,000 bytes a minute, while one thing is done: playing
    /// after 5 s, seeks, steps, drags and traces after 2 s each
    #[arg(long, value_name = "MB", value_parser = values::limit_from_text)]
    pub max_rss_slope_mb_per_min: Option<f64>,
}

impl From<LimitArgs> for Limits {
    fn from(args: LimitArgs) -> Self {
        Self {
            max_drop_percent: args.max_drop_percent,
            max_late_percent: args.max_late_percent,
            max_p99_ms: args.max_p99_ms,
            min_fps: args.min_fps,
            max_av_offset_ms: args.max_av_offset_ms,
            max_rss_mb: args.max_rss_mb,
            max_rss_slope_mb_per_min: args.max_rss_slope_mb_per_min,
        }
    }
}

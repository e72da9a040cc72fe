//! `jogwheel play`.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::DiskArgs;
use super::values::{
    self, CompareByChoice, CompareModeChoice, ConvertChoice, LoopChoice, MakeProxiesChoice,
    PresetChoice, ProxyChoice, QualityChoice, SaverChoice,
};
use crate::config::QualitySettings;
use crate::media::Size;
use crate::playback::{Comparison, TimelineSettings};
use crate::time::{FrameRate, Position, Speed};

const EXAMPLES: &str = "\
Examples:
  jogwheel play clip.mov --start 123f --paused      open at frame 123 and hold it
  jogwheel play clip.mov --in 4s --out 10s --loop pingpong
  jogwheel play clip.mov --speed -0.5               backwards at half speed
  jogwheel play cut.otio --media-root /mnt/rushes   a timeline, its media found there
  jogwheel play cut.edl --rate 25                   a timeline that does not state its rate
  jogwheel play clip.mov --headless --seconds 10 --shot out.png --json
  jogwheel play graded.mov --compare camera.mov     a wipe between the two
  jogwheel play clip.mov --puffin                   then: puffin_viewer --url 127.0.0.1:8585

In the window, ? shows the keys.";

/// `jogwheel play`.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_help = EXAMPLES)]
pub struct PlayArgs {
    /// Files and timelines (OTIO, EDL, FCP 7 XML, FCPXML) to play, one after another; without any, the window waits for files to be dropped.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// What plays, and how.
    #[command(flatten)]
    pub transport: TransportArgs,
    /// How timelines are read.
    #[command(flatten)]
    pub timeline: TimelineArgs,
    /// What it is compared with.
    #[command(flatten)]
    pub compare: CompareArgs,
    /// The picture.
    #[command(flatten)]
    pub picture: PictureArgs,
    /// What is decoded.
    #[command(flatten)]
    pub quality: QualityArgs,
    /// The sound.
    #[command(flatten)]
    pub sound: SoundArgs,
    /// When to stop, and without a window.
    #[command(flatten)]
    pub run: RunArgs,
    /// What is written down.
    #[command(flatten)]
    pub report: ReportArgs,
    /// What the machine may give.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// What is kept on disk.
    #[command(flatten)]
    pub disk: DiskArgs,
    /// Whether proxies are shown.
    #[command(flatten)]
    pub proxies: ProxyUseArgs,
    /// When proxies are made of what plays. In a window `auto` when left out, without one `never`.
    #[arg(long, value_name = "WHEN", value_enum, help_heading = "Proxies")]
    pub make_proxies: Option<MakeProxiesChoice>,
}

/// Whether proxies are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(next_help_heading = "Proxies")]
pub struct ProxyUseArgs {
    /// When proxies are shown in the place of their sources. Only those are that were compared with them
    /// and found right.
    #[arg(long, value_name = "WHEN", value_enum)]
    pub proxies: Option<ProxyChoice>,
    /// The folder of proxies; the one in the user's cache folder when left out.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub proxy_dir: Option<PathBuf>,
}

/// How timelines are read, and where their media are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(next_help_heading = "Timelines")]
pub struct TimelineArgs {
    /// Look for a timeline's media in this folder as well, and in those below it. Nothing outside
    /// these folders and the timeline's own is opened. May be given several times.
    #[arg(long = "media-root", value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub media_roots: Vec<PathBuf>,
    /// Frame rate of a timeline that states none, as EDLs do not: 25, 29.97 or 30000/1001.
    #[arg(long, value_name = "F")]
    pub rate: Option<FrameRate>,
}

impl TimelineArgs {
    /// The same for the player.
    pub fn settings(&self) -> TimelineSettings {
        TimelineSettings {
            rate: self.rate,
            media_roots: self.media_roots.clone(),
            compare: None,
        }
    }
}

/// What the file is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(next_help_heading = "Comparison")]
pub struct CompareArgs {
    /// Compare with this file or timeline. FILE's frame rate and sound lead; W changes how both are
    /// shown.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub compare: Option<PathBuf>,
    /// Which frames belong together.
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        default_value_t,
        requires = "compare"
    )]
    pub compare_by: CompareByChoice,
    /// How both are shown at first.
    #[arg(
        long,
        value_name = "MODE",
        value_enum,
        default_value_t,
        requires = "compare"
    )]
    pub compare_mode: CompareModeChoice,
}

impl CompareArgs {
    /// The same for the player.
    pub fn comparison(&self) -> Option<Comparison> {
        self.compare.as_ref().map(|with| Comparison {
            with: with.clone(),
            by: self.compare_by.into(),
        })
    }
}

/// What plays, and how.
#[derive(Debug, Clone, Copy, PartialEq, Args)]
#[command(next_help_heading = "Transport")]
pub struct TransportArgs {
    /// Start at this frame: 123f, 01:02:03:04 or 4.5s.
    #[arg(long, value_name = "POS", allow_negative_numbers = true)]
    pub start: Option<Position>,
    /// Play from this frame on.
    #[arg(long = "in", value_name = "POS", allow_negative_numbers = true)]
    pub mark_in: Option<Position>,
    /// Play up to this frame, which is the last one shown.
    #[arg(long = "out", value_name = "POS", allow_negative_numbers = true)]
    pub mark_out: Option<Position>,
    /// What happens at the end.
    #[arg(long = "loop", value_name = "MODE", value_enum, default_value_t)]
    pub loop_mode: LoopChoice,
    /// Speed from 0.25 to 8 in steps of 0.25; negative plays backwards.
    #[arg(
        long,
        value_name = "SPEED",
        default_value = "1",
        allow_hyphen_values = true
    )]
    pub speed: Speed,
    /// Hold the first frame instead of playing.
    #[arg(long)]
    pub paused: bool,
}

/// The picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
#[command(next_help_heading = "Picture")]
pub struct PictureArgs {
    /// What converts the picture to RGB and scales it.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub convert: ConvertChoice,
    /// Size of the window, or of the picture without one.
    #[arg(long, value_name = "WxH", value_parser = values::size_from_text)]
    pub size: Option<Size>,
    /// Fill the screen.
    #[arg(long, conflicts_with = "headless")]
    pub fullscreen: bool,
    /// Begin with the performance overlay shown.
    #[arg(long)]
    pub overlay: bool,
}

/// What is decoded where the source is too heavy. What is left out here is as the configuration file has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(next_help_heading = "Quality (what is left out is as the configuration file says)")]
pub struct QualityArgs {
    /// Who chooses what is decoded; Shift+Q changes it.
    #[arg(long, value_name = "WHO", value_enum)]
    pub quality: Option<QualityChoice>,
    /// What is preferred where quality and smoothness are at odds.
    #[arg(long, value_name = "WHAT", value_enum)]
    pub quality_preset: Option<PresetChoice>,
    /// Frames a second to be held before quality; fewer may be shown only where nothing else can be held.
    #[arg(long, value_name = "F")]
    pub hold_fps: Option<FrameRate>,
    /// Leave no frames out on purpose, however slow the decoder is.
    #[arg(long)]
    pub no_drops: bool,
    /// Decode the source, even where it cannot be played at its rate.
    #[arg(long)]
    pub no_auto_reduce: bool,
    /// Take no proxy of fewer lines than this, unless there is nothing else.
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(u32).range(0..=32_768))]
    pub min_height: Option<u32>,
    /// Whether less is decoded so that a battery lasts longer.
    #[arg(long, value_name = "WHEN", value_enum)]
    pub battery_saver: Option<SaverChoice>,
    /// The configuration file. When left out, `jogwheel/config.toml` in the user's folder of settings for
    /// `play`, and none for `soak`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
}

impl QualityArgs {
    /// What is said here, and of proxies beside it.
    pub fn settings(&self, proxies: &ProxyUseArgs) -> QualitySettings {
        QualitySettings {
            mode: self.quality.map(Into::into),
            preset: self.quality_preset.map(Into::into),
            proxies: proxies.proxies.map(Into::into),
            saver: self.battery_saver.map(Into::into),
            target_fps: self.hold_fps,
            allow_drops: self.no_drops.then_some(false),
            auto_reduce: self.no_auto_reduce.then_some(false),
            least_height: self.min_height,
            ..QualitySettings::default()
        }
    }
}

/// The sound.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Sound")]
pub struct SoundArgs {
    /// Volume in percent, 0 to 200.
    #[arg(long, value_name = "PERCENT", default_value_t = 100,
          value_parser = clap::value_parser!(u16).range(0..=200))]
    pub volume: u16,
    /// Begin muted.
    #[arg(long)]
    pub mute: bool,
    /// Hear this audio track, counted from 0; `jogwheel probe` lists them.
    #[arg(long, value_name = "N", conflicts_with = "no_audio")]
    pub audio_track: Option<usize>,
    /// Open no sound device; the monotonic clock leads.
    #[arg(long)]
    pub no_audio: bool,
    /// Hear the sound on this device; `jogwheel devices` lists them.
    #[arg(long, value_name = "NAME", conflicts_with = "no_audio")]
    pub audio_device: Option<String>,
    /// Delay the sound by milliseconds, up to 5000 either way; negative plays it earlier.
    #[arg(long, value_name = "MS", default_value_t = 0, allow_negative_numbers = true,
          value_parser = clap::value_parser!(i32).range(-5_000..=5_000))]
    pub audio_delay: i32,
}

/// When to stop, and without a window.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Run")]
pub struct RunArgs {
    /// Open no window: play into memory, then print a report.
    #[arg(long)]
    pub headless: bool,
    /// Quit after this long.
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = values::seconds_from_text)]
    pub seconds: Option<Duration>,
    /// Quit after this many frames were shown.
    #[arg(long, value_name = "N")]
    pub frames: Option<NonZeroU64>,
    /// Show frames as fast as they come instead of when they are due.
    #[arg(long)]
    pub untimed: bool,
    /// Make no thumbnails: nothing but playing reads the file's pictures.
    #[arg(long)]
    pub no_thumbnails: bool,
    /// Write the last picture shown to this PNG file before quitting.
    #[arg(long, value_name = "PNG", value_hint = ValueHint::FilePath)]
    pub shot: Option<PathBuf>,
}

/// What is written down.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Reports")]
pub struct ReportArgs {
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Write the player's state to this file, one line of JSON for each change, for scripts.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub state_file: Option<PathBuf>,
    /// Serve profiler scopes to the program puffin-viewer.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true,
          default_missing_value = "127.0.0.1:8585")]
    pub puffin: Option<SocketAddr>,
}

/// What the machine may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
#[command(next_help_heading = "Machine")]
pub struct MachineArgs {
    /// Memory for everything together, such as 512M or 2G; chosen by the machine when left out.
    #[arg(long, value_name = "SIZE", value_parser = values::bytes_from_text)]
    pub memory: Option<u64>,
    /// Decoder threads, 1 to 64; chosen by the machine when left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: Option<u16>,
}

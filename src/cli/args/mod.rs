//! The command line's grammar and its help.

mod cache;
mod play;
mod proxy;
mod soak;
mod values;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueHint};
use tracing::level_filters::LevelFilter;

use super::Exit;
use crate::media::Size;
use crate::time::Position;

pub use cache::{CacheArgs, CacheCommand, DiskArgs, KindChoice};
pub use play::{
    MachineArgs, PictureArgs, PlayArgs, ProxyUseArgs, QualityArgs, ReportArgs, RunArgs, SoundArgs,
    TimelineArgs, TransportArgs,
};
pub use proxy::{CodecChoice, EncoderArg, PresetChoice, ProxyArgs, ProxyCommand};
pub use soak::{LimitArgs, SoakArgs};
pub use values::{
    ConvertChoice, Fault, LoopChoice, MakeProxiesChoice, ProxyChoice, TraceChoice, ValueError,
};

const EXAMPLES: &str = "\
Examples:
  jogwheel clip.mov                            play a file (short for `jogwheel play clip.mov`)
  jogwheel play a.mp4 b.mp4 --loop loop        play a list, over and over
  jogwheel play clip.mov --start 01:00:10:00   start at a timecode
  jogwheel cut.otio --media-root /mnt/rushes   play a timeline, its media found there
  jogwheel probe clip.mov                      tell everything about a file or a timeline
  jogwheel shot clip.mov --at 123f -o out.png  write exactly frame 123
  jogwheel soak clip.mov --seconds 60 --target-fps 29.97 --max-drop-percent 0.1

Positions are written as a frame (123f, the first is 0f), a timecode (01:02:03:04, or
01:02:03;04 for drop-frame) or seconds (4.5s). In the player, ? shows the keys.";

/// Real-time preview player for 4K and 8K video.
///
/// Plays and scrubs a clip or a timeline, exact to the frame, and says in numbers what it showed and what it
/// could not. A file name alone plays it.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "jogwheel",
    version,
    override_usage = "jogwheel [OPTIONS] <COMMAND>\n       jogwheel [FILE]...",
    after_help = EXAMPLES,
    after_long_help = long_help()
)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: CliCommand,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
#[command(next_help_heading = "Messages")]
pub struct GlobalArgs {
    /// Say more on standard error: -v what happens, -vv how, -vvv everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Write an error as one line of JSON, for programs that start this one.
    #[arg(long, global = true)]
    pub json_errors: bool,
}

impl GlobalArgs {
    /// Which log messages are written.
    pub fn log_level(self) -> LevelFilter {
        match (self.quiet, self.verbose) {
            (true, _) => LevelFilter::ERROR,
            (false, 0) => LevelFilter::WARN,
            (false, 1) => LevelFilter::INFO,
            (false, 2) => LevelFilter::DEBUG,
            (false, _) => LevelFilter::TRACE,
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum CliCommand {
    /// Play files and timelines in a window, or without one.
    Play(Box<PlayArgs>),
    /// Tell everything about a file (container, streams, colour, timecode) or a timeline (tracks, media, what
    /// was not understood).
    Probe(ProbeArgs),
    /// Write one exact frame as a PNG file.
    Shot(ShotArgs),
    /// Play for a given time and report drops, intervals, costs and memory.
    Soak(Box<SoakArgs>),
    /// Measure decoding, seeking, thumbnails or the waveform alone, without showing pictures.
    Bench(BenchArgs),
    /// Look at what is kept on disk, check it and empty it.
    Cache(CacheArgs),
    /// Make smaller copies of files for smooth playback, verify them, list and remove them.
    Proxy(ProxyArgs),
    /// List the GPUs and the sound devices that can be used.
    Devices(DevicesArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

/// `jogwheel probe`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "\
Examples:
  jogwheel probe clip.mov --index
  jogwheel probe cut.otio --media-root /mnt/rushes
  jogwheel probe cut.edl --rate 25 --json")]
pub struct ProbeArgs {
    /// The file: a medium or a timeline.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// How timelines are read.
    #[command(flatten)]
    pub timeline: TimelineArgs,
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
    /// Read the whole file and add what only that tells: the exact number of frames, GOPs, gaps. Of a
    /// timeline all is told without it.
    #[arg(long)]
    pub index: bool,
}

/// `jogwheel shot`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "\
Examples:
  jogwheel shot clip.mov --at 123f -o out.png
  jogwheel shot clip.mov --at 01:00:10:00 -o out.png --size 1280x720")]
pub struct ShotArgs {
    /// The file.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// How timelines are read.
    #[command(flatten)]
    pub timeline: TimelineArgs,
    /// What is kept on disk.
    #[command(flatten)]
    pub disk: DiskArgs,
    /// Which frame: 123f, 01:02:03:04 or 4.5s.
    #[arg(long, value_name = "POS", allow_negative_numbers = true)]
    pub at: Position,
    /// The PNG file to write; it is replaced if it exists.
    #[arg(short, long, value_name = "PNG", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// What converts the picture to RGB.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub convert: ConvertChoice,
    /// Fit the picture into this size, its shape kept; the size of the video when left out.
    #[arg(long, value_name = "WxH", value_parser = values::size_from_text)]
    pub size: Option<Size>,
}

/// `jogwheel bench`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BenchArgs {
    /// What is measured.
    #[command(subcommand)]
    pub kind: BenchKind,
}

/// What `jogwheel bench` measures.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum BenchKind {
    /// Decode a whole file as fast as it goes.
    Decode {
        /// The file.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Write JSON.
        #[arg(long)]
        json: bool,
    },
    /// Seek to random frames, and wait for each.
    Seek {
        /// The file.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// How many seeks.
        #[arg(long, value_name = "N", default_value_t = 100)]
        count: u32,
        /// Seed of the random frames: the same seed makes the same seeks.
        #[arg(long, value_name = "S", default_value_t = 1)]
        seed: u64,
        /// Write JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make the thumbnails of a file, as the player does in the background.
    Thumbnails {
        /// The file.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Write JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make the waveform of a file, as the player does in the background.
    Waveform {
        /// The file.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Write JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `jogwheel devices`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct DevicesArgs {
    /// Write JSON.
    #[arg(long)]
    pub json: bool,
}

/// `jogwheel completions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
#[command(after_help = "\
Example:
  jogwheel completions bash > ~/.local/share/bash-completion/completions/jogwheel")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: clap_complete::Shell,
}

impl CompletionsArgs {
    /// Writes the completion script.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn write(self, out: &mut dyn io::Write) -> io::Result<()> {
        // The generator panics where writing fails, so it gets memory, which does not.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "jogwheel", &mut script);
        out.write_all(&script)
    }
}

impl Cli {
    /// Reads a command line, the program's name first. Without a command it plays.
    ///
    /// # Errors
    /// What clap says of it: wrong usage, or a request for help or the version. See
    /// [`CliError::from_usage`](super::CliError::from_usage).
    pub fn from_args<I>(args: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        Self::try_parse_from(with_default_command(
            args.into_iter().map(Into::into).collect(),
        ))
    }
}

/// Whether errors are to be written as JSON. For when the command line cannot be read, so that not
/// even [`GlobalArgs::json_errors`] is known.
pub fn wants_json_errors<I>(args: I) -> bool
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    args.into_iter()
        .take_while(|arg| arg.as_ref() != "--")
        .any(|arg| arg.as_ref() == "--json-errors")
}

/// Puts `play` before the first argument that is neither a global flag nor a command.
///
/// clap can flatten a default command into the top level, but then `jogwheel -v probe FILE` is an
/// error and the first page of help is all about `play`.
fn with_default_command(mut args: Vec<OsString>) -> Vec<OsString> {
    let first = args
        .iter()
        .skip(1)
        .position(|arg| !is_global_flag(arg))
        .map(|index| index + 1);
    let is_command = |name: &OsStr| {
        ["help", "-h", "--help", "-V", "--version"]
            .iter()
            .any(|known| name == *known)
            || Cli::command()
                .get_subcommands()
                .any(|command| name == command.get_name())
    };
    match first {
        Some(index) if is_command(&args[index]) => {}
        Some(index) => args.insert(index, "play".into()),
        None if args.is_empty() => args.extend(["jogwheel".into(), "play".into()]),
        None => args.push("play".into()),
    }
    args
}

fn is_global_flag(arg: &OsStr) -> bool {
    let Some(text) = arg.to_str() else {
        return false;
    };
    match text.strip_prefix('-') {
        Some("-verbose" | "-quiet" | "-json-errors") => true,
        Some(letters) => !letters.is_empty() && letters.chars().all(|c| matches!(c, 'v' | 'q')),
        None => false,
    }
}

fn long_help() -> String {
    let codes: Vec<String> = Exit::ALL
        .into_iter()
        .map(|exit| format!("  {:>3}  {}", exit.code(), exit.meaning()))
        .collect();
    format!("{EXAMPLES}\n\nExit codes:\n{}", codes.join("\n"))
}

#[cfg(test)]
mod tests;

//! `jogwheel proxy`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{DiskArgs, values};
use crate::proxy::{EncoderChoice, Hardware, Preset, ProxyCodec};

const EXAMPLES: &str = "\
Examples:
  jogwheel proxy make clip.mov                       720 rows, H.264, in the user's cache folder
  jogwheel proxy make *.mp4 --preset half --preset quarter
  jogwheel proxy make clip.mov --scale 50            about half of its size
  jogwheel proxy verify                              all that were not verified yet
  jogwheel proxy list --json
  jogwheel proxy make /mnt/rushes --queue            all of a folder, by and by
  jogwheel proxy make                                what is queued, now
  jogwheel proxy status                              what is queued, made and failed; how much room it takes
  jogwheel proxy limit 50G                           what was used least recently goes
  jogwheel proxy delete clip.mov                     its proxies; never the file itself";

/// `jogwheel proxy`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct ProxyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ProxyCommand,
    /// The folder; the one in the user's cache folder when left out.
    #[arg(long, global = true, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub proxy_dir: Option<PathBuf>,
    /// Write JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What `jogwheel proxy` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ProxyCommand {
    /// Make proxies of files, every size in one pass, and verify them. What is cut short is gone on with by
    /// the next one, or by a player.
    Make {
        /// The files, and folders with films in them; what is queued when left out.
        #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
        files: Vec<PathBuf>,
        /// Only queue them: a player makes them when it has time, or `jogwheel proxy make`.
        #[arg(long, requires = "files")]
        queue: bool,
        /// A size: the most rows of a picture that is wider than high. It may be given several times.
        #[arg(long, value_name = "SIZE", value_enum, default_value = "preview")]
        preset: Vec<PresetChoice>,
        /// A size in percent of the file, 25 to 75: the nearest of those that --preset knows.
        #[arg(
            long,
            value_name = "PERCENT",
            conflicts_with = "preset",
            value_parser = clap::value_parser!(u8).range(25..=75)
        )]
        scale: Option<u8>,
        /// The codec; H.264 of single pictures when left out, or JPEG where there is no x264.
        #[arg(long, value_name = "CODEC", value_enum)]
        codec: Option<CodecChoice>,
        /// What encodes H.264. Hardware is used after a trial only, else software is.
        #[arg(long, value_name = "NAME", value_enum, default_value_t)]
        encoder: EncoderArg,
        /// Make those again that are there already.
        #[arg(long)]
        again: bool,
        /// Do not verify what was made: it is then done before it is used.
        #[arg(long)]
        no_verify: bool,
        /// Where indices, thumbnails and waveforms are kept, which the same pass makes.
        #[command(flatten)]
        disk: DiskArgs,
    },
    /// Compare proxies with their sources, and say what differs. Those that are refused are queued to be made
    /// again.
    Verify {
        /// Proxies, or files that have some; all of the folder when left out.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
        /// Verify those again that were verified before and have not changed.
        #[arg(long)]
        again: bool,
        /// Where indices are kept.
        #[command(flatten)]
        disk: DiskArgs,
    },
    /// List every proxy: its size, its state, its source.
    List,
    /// Tell how many proxies there are, and how much smaller than their sources.
    Stats,
    /// Tell what is queued, made and failed, how much room proxies take, and how much they save.
    Status,
    /// Tell how much proxies may take, or state it for this folder.
    Limit {
        /// The limit, such as 500M or 20G. What is too much goes at once, what was used least recently first;
        /// what is in use stays.
        #[arg(value_name = "SIZE", value_parser = values::bytes_from_text)]
        size: Option<u64>,
    },
    /// Remove all proxies but those in use, and forget what was made and failed. Sources are never touched.
    Clear,
    /// Hold everything that is queued or made in the background, in every program.
    Pause,
    /// Let it go on.
    Resume,
    /// Take back what is queued, or made in the background.
    Cancel {
        /// The files whose proxies are not wanted any more.
        #[arg(value_name = "FILE", required_unless_present = "all", value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
        /// All of them.
        #[arg(long, conflicts_with = "files")]
        all: bool,
    },
    /// Queue again what failed or was cancelled, and try at once what waits for another try.
    Retry {
        /// The files whose proxies are meant; all when left out.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
    },
    /// Remove proxies. Sources are never touched.
    Delete {
        /// Proxies, or files whose proxies are to go.
        #[arg(
            value_name = "FILE",
            required_unless_present_any = ["all", "stale"],
            value_hint = ValueHint::FilePath
        )]
        files: Vec<PathBuf>,
        /// All of the folder that have a record.
        #[arg(long, conflicts_with_all = ["files", "stale"])]
        all: bool,
        /// Those whose source changed, and those that are damaged.
        /// Those whose source is missing stay: it may be on a drive that is not plugged in.
        #[arg(long, conflicts_with = "files")]
        stale: bool,
    },
}

/// A size of proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PresetChoice {
    /// 480 rows.
    Draft,
    /// 540 rows, a quarter of 4K.
    Quarter,
    /// 720 rows.
    Preview,
    /// 1080 rows, half of 4K.
    #[value(alias = "high")]
    Half,
    /// 2160 rows, for sources of 8K.
    Full,
}

impl From<PresetChoice> for Preset {
    fn from(choice: PresetChoice) -> Self {
        match choice {
            PresetChoice::Draft => Self::Draft,
            PresetChoice::Quarter => Self::Quarter,
            PresetChoice::Preview => Self::Preview,
            PresetChoice::Half => Self::Half,
            PresetChoice::Full => Self::Full,
        }
    }
}

/// A codec of proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CodecChoice {
    /// H.264, every picture for itself: quick to decode and to search.
    #[value(name = "h264-intra")]
    H264Intra,
    /// H.264 in groups of half a second, 1.5 to 5 Mb/s.
    #[value(name = "h264-gop")]
    H264Gop,
    /// JPEG pictures.
    Mjpeg,
    /// `ProRes` 422 Proxy.
    Prores,
    /// `DNxHR` LB.
    Dnxhr,
    /// Hap: large, and very quick to decode.
    Hap,
}

/// What encodes proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum EncoderArg {
    /// Hardware for files of ten minutes and more where it works, else software.
    #[default]
    Auto,
    /// Software.
    Software,
    /// Cards of NVIDIA.
    Nvenc,
    /// Apple's machines.
    #[value(name = "videotoolbox")]
    VideoToolbox,
    /// Quick Sync of Intel.
    Qsv,
    /// What Linux drivers offer.
    Vaapi,
}

impl From<EncoderArg> for EncoderChoice {
    fn from(choice: EncoderArg) -> Self {
        match choice {
            EncoderArg::Auto => Self::Auto,
            EncoderArg::Software => Self::Software,
            EncoderArg::Nvenc => Self::Hardware(Hardware::Nvenc),
            EncoderArg::VideoToolbox => Self::Hardware(Hardware::VideoToolbox),
            EncoderArg::Qsv => Self::Hardware(Hardware::Qsv),
            EncoderArg::Vaapi => Self::Hardware(Hardware::Vaapi),
        }
    }
}

impl From<CodecChoice> for ProxyCodec {
    fn from(choice: CodecChoice) -> Self {
        match choice {
            CodecChoice::H264Intra => Self::H264Intra,
            CodecChoice::H264Gop => Self::H264Gop,
            CodecChoice::Mjpeg => Self::Mjpeg,
            CodecChoice::Prores => Self::ProresProxy,
            CodecChoice::Dnxhr => Self::DnxhrLb,
            CodecChoice::Hap => Self::Hap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(choice: &impl ValueEnum) -> String {
        choice.to_possible_value().unwrap().get_name().to_owned()
    }

    #[test]
    fn sizes_and_codecs_bear_their_names() {
        let presets: Vec<String> = PresetChoice::value_variants().iter().map(name).collect();
        let expected: Vec<&str> = Preset::all().map(Preset::name).collect();
        assert_eq!(presets, expected);
        let codecs: Vec<String> = CodecChoice::value_variants().iter().map(name).collect();
        let expected: Vec<&str> = ProxyCodec::all().map(ProxyCodec::name).collect();
        assert_eq!(codecs, expected);
        let encoders: Vec<String> = EncoderArg::value_variants().iter().map(name).collect();
        let mut expected = vec!["auto", "software"];
        expected.extend(Hardware::all().map(Hardware::name));
        assert_eq!(encoders, expected);
    }
}

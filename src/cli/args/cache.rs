//! `jogwheel cache`, and what the other commands say of the cache.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::values;
use crate::cache::disk::Kind;

const EXAMPLES: &str = "\
Examples:
  jogwheel cache stats                  how full it is
  jogwheel cache list --json
  jogwheel cache verify                 check everything, remove what is damaged
  jogwheel cache clear thumbnails
  jogwheel cache limit 20G              let it take up to 20 GiB from now on";

/// What is kept on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(next_help_heading = "Cache")]
pub struct DiskArgs {
    /// Keep what can be made again (indices, thumbnails, waveforms, hot pictures) in this folder instead of the
    /// user's cache folder. Several players may share one.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
    /// Copy what is used most to this folder, on a faster disk, and read it there.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub fast_cache_dir: Option<PathBuf>,
    /// Keep no frames and no pictures in memory and nothing on disk, and use nothing that was kept: what is
    /// asked for again is made again.
    #[arg(long, conflicts_with_all = ["cache_dir", "fast_cache_dir"])]
    pub no_cache: bool,
}

/// `jogwheel cache`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct CacheArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CacheCommand,
    /// The folder; the one in the user's cache folder when left out.
    #[arg(long, global = true, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
    /// Write JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What `jogwheel cache` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum CacheCommand {
    /// Tell how full the cache is, and of what.
    Stats,
    /// List every item, those used last first.
    List,
    /// Read every item, remove what is damaged or left over, and put the index in order.
    Verify,
    /// Remove every item, or those of one kind.
    Clear {
        /// What to remove; everything when left out.
        #[arg(value_name = "KIND", value_enum)]
        kind: Option<KindChoice>,
    },
    /// Tell how much the cache may take, or state it for this folder.
    Limit {
        /// The limit, such as 500M or 20G. What is too much goes at once.
        #[arg(value_name = "SIZE", value_parser = values::bytes_from_text)]
        size: Option<u64>,
    },
}

/// What the cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindChoice {
    /// Which frames files have, and where.
    Index,
    /// Small pictures.
    Thumbnails,
    /// Levels of sound.
    Waveform,
    /// Frames that the playhead stayed at again and again, as they were shown.
    Pictures,
}

impl From<KindChoice> for Kind {
    fn from(choice: KindChoice) -> Self {
        match choice {
            KindChoice::Index => Self::Index,
            KindChoice::Thumbnails => Self::Thumbnails,
            KindChoice::Waveform => Self::Waveform,
            KindChoice::Pictures => Self::Pictures,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_bear_their_names() {
        let choices: Vec<(String, Kind)> = KindChoice::value_variants()
            .iter()
            .filter_map(|&choice| {
                Some((
                    choice.to_possible_value()?.get_name().to_owned(),
                    choice.into(),
                ))
            })
            .collect();
        let kinds = Kind::ALL.map(|kind| (kind.name().to_owned(), kind));
        assert_eq!(choices, kinds);
    }
}

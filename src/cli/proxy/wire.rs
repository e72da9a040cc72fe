//! What `jogwheel proxy` writes as JSON. Names are stable.

use std::path::Path;

use serde::Serialize;

use super::Stats;
use crate::proxy::{EncoderUsed, ListedProxy, Verification, VerifyError};

#[derive(Serialize)]
pub(super) struct ListJson {
    folder: String,
    proxies: Vec<ItemJson>,
}

#[derive(Serialize)]
struct ItemJson {
    proxy: String,
    state: &'static str,
    bytes: u64,
    preset: Option<&'static str>,
    codec: Option<&'static str>,
    source: Option<String>,
    source_bytes: Option<u64>,
    verified: Option<FoundJson>,
}

#[derive(Serialize)]
struct FoundJson {
    frames: i64,
    samples: u32,
    least_likeness: f64,
}

impl From<Verification> for FoundJson {
    fn from(found: Verification) -> Self {
        Self {
            frames: found.frames,
            samples: found.samples,
            least_likeness: found.least_likeness,
        }
    }
}

impl ListJson {
    pub(super) fn new(folder: &Path, proxies: &[ListedProxy]) -> Self {
        let items = proxies.iter().map(|proxy| {
            let record = proxy.record.as_ref();
            ItemJson {
                proxy: proxy.path.display().to_string(),
                state: proxy.state.name(),
                bytes: proxy.bytes,
                preset: record.map(|record| record.preset.name()),
                codec: record.map(|record| record.codec.name()),
                source: record.map(|record| record.source.display().to_string()),
                source_bytes: record.map(|record| record.source_file.bytes),
                verified: record.and_then(|record| record.verified).map(Into::into),
            }
        });
        Self {
            folder: folder.display().to_string(),
            proxies: items.collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct StatsJson {
    folder: String,
    proxies: u64,
    bytes: u64,
    sources: u64,
    source_bytes: u64,
    ratio: Option<f64>,
    saved_percent: Option<f64>,
    states: Vec<StateJson>,
}

#[derive(Serialize)]
struct StateJson {
    state: &'static str,
    proxies: u64,
}

impl StatsJson {
    pub(super) fn new(folder: &Path, stats: &Stats) -> Self {
        let states = stats.states.iter().map(|(state, proxies)| StateJson {
            state: state.name(),
            proxies: *proxies,
        });
        Self {
            folder: folder.display().to_string(),
            proxies: stats.proxies,
            bytes: stats.bytes,
            sources: stats.sources,
            source_bytes: stats.source_bytes,
            ratio: stats.ratio(),
            saved_percent: stats.saved_percent(),
            states: states.collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct VerifyJson {
    pub(super) proxies: Vec<VerifyItemJson>,
}

#[derive(Serialize)]
pub(super) struct VerifyItemJson {
    proxy: String,
    verified: Option<FoundJson>,
    /// What differs.
    refused: Option<String>,
    /// Why it cannot be told.
    error: Option<String>,
}

impl VerifyItemJson {
    pub(super) fn new(proxy: &Path, result: &Result<Verification, VerifyError>) -> Self {
        let error = result.as_ref().err();
        let refusal = error.and_then(VerifyError::refusal);
        Self {
            proxy: proxy.display().to_string(),
            verified: result.as_ref().ok().copied().map(Into::into),
            refused: refusal.map(ToString::to_string),
            error: error.filter(|_| refusal.is_none()).map(ToString::to_string),
        }
    }

    /// What came of it, for a person.
    pub(super) fn in_short(&self) -> String {
        match (&self.verified, &self.refused, &self.error) {
            (Some(found), ..) => format!("verified, likeness {:.3}", found.least_likeness),
            (_, Some(refused), _) => format!("not used, for {refused}"),
            (_, _, Some(error)) => format!("cannot be verified: {error}"),
            _ => "not verified".to_owned(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct DeleteJson {
    pub(super) proxies: u64,
    pub(super) bytes: u64,
    /// Files that have a proxy's name and no record.
    pub(super) left: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct MakeJson {
    pub(super) files: Vec<FileJson>,
}

#[derive(Serialize)]
pub(super) struct FileJson {
    pub(super) source: String,
    pub(super) proxies: Vec<MadeJson>,
    pub(super) frames: i64,
    pub(super) repeated_frames: i64,
    /// What else was made in the same pass, and is kept in the disk cache.
    pub(super) thumbnails: usize,
    pub(super) waveforms: usize,
    /// Presets that were asked for, and are of no use for this file.
    pub(super) left_out: Vec<&'static str>,
    pub(super) encoder: Option<EncoderJson>,
    pub(super) seconds: f64,
    pub(super) frames_per_second: f64,
    pub(super) real_time: f64,
    pub(super) error: Option<String>,
}

#[derive(Serialize)]
pub(super) struct EncoderJson {
    /// FFmpeg's name.
    pub(super) name: &'static str,
    /// Why it is not the one that was asked for.
    pub(super) reason: Option<String>,
    pub(super) quality: &'static str,
}

impl From<&EncoderUsed> for EncoderJson {
    fn from(used: &EncoderUsed) -> Self {
        Self {
            name: used.name,
            reason: used.reason.clone(),
            quality: used.quality.name(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct MadeJson {
    pub(super) proxy: String,
    pub(super) preset: &'static str,
    pub(super) is_new: bool,
    pub(super) size: Option<String>,
    pub(super) bytes: u64,
    pub(super) verification: Option<VerifyItemJson>,
}

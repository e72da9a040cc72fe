//! `jogwheel cache`: the disk cache, looked at and kept in order.

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::args::{CacheArgs, CacheCommand, DiskArgs};
use super::exit::{CliError, Exit};
use super::{counted, print};
use crate::cache::disk::{
    Cleared, DiskCache, DiskLimits, DiskStats, Listed, UpkeepError, Verified,
};
use crate::config::{Folders, FoldersError};

pub(super) fn run(args: &CacheArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let folder = folder(args.cache_dir.as_ref())
        .map_err(|error| CliError::new(Exit::Failure, format!("{error}.")))?;
    let cache = DiskCache::open(folder, DiskLimits::default())
        .map_err(|error| CliError::new(Exit::Failure, format!("no thread: {error}.")))?;
    let text = match args.command {
        CacheCommand::Stats => {
            let stats = cache.stats()?;
            written(args.json, &StatsJson::new(&stats), || describe(&stats))?
        }
        CacheCommand::List => {
            let items = cache.list()?;
            written(args.json, &ListJson::new(&cache, &items), || table(&items))?
        }
        CacheCommand::Verify => {
            let found = cache.verify()?;
            written(args.json, &VerifyJson::from(found), || checked(&found))?
        }
        CacheCommand::Clear { kind } => {
            let cleared = cache.clear(kind.map(Into::into))?;
            written(args.json, &ClearJson::from(cleared), || {
                let (items, size) = (counted(cleared.items, "item"), size(cleared.bytes));
                format!("{items} removed, {size}\n")
            })?
        }
        CacheCommand::Limit { size: stated } => {
            if let Some(bytes) = stated {
                cache.set_limit(bytes)?;
            }
            let stats = cache.stats()?;
            written(args.json, &LimitJson::new(&stats), || {
                let (limit, taken) = (size(stats.limit_bytes), size(stats.bytes));
                format!("{limit}, of which {taken} are taken\n")
            })?
        }
    };
    print(out, &text)?;
    Ok(Exit::Ok)
}

/// The cache that a player uses; `None` where it is not wanted, or cannot be had, which is told.
pub(super) fn disk_cache(args: &DiskArgs) -> Option<Arc<DiskCache>> {
    if args.no_cache {
        return None;
    }
    let cache = folder(args.cache_dir.as_ref())
        .map_err(|error| error.to_string())
        .and_then(|folder| {
            let fast = args.fast_cache_dir.clone();
            DiskCache::open_with_fast(folder, fast, DiskLimits::default())
                .map_err(|error| error.to_string())
        });
    cache
        .inspect_err(|error| tracing::warn!("nothing is kept on disk: {error}"))
        .ok()
}

fn folder(stated: Option<&PathBuf>) -> Result<PathBuf, FoldersError> {
    match stated {
        Some(folder) => Ok(folder.clone()),
        None => Folders::of_user().map(|folders| folders.cache().join("disk")),
    }
}

impl From<UpkeepError> for CliError {
    fn from(error: UpkeepError) -> Self {
        Self::new(Exit::Failure, error.to_string())
    }
}

/// JSON, or words.
pub(super) fn written(
    json: bool,
    wire: &impl Serialize,
    words: impl FnOnce() -> String,
) -> Result<String, CliError> {
    if !json {
        return Ok(words());
    }
    serde_json::to_string_pretty(wire)
        .map(|text| text + "\n")
        .map_err(|error| CliError::new(Exit::Failure, error.to_string()))
}

/// The wire form of `stats`. Names are stable.
#[derive(Serialize)]
struct StatsJson {
    folder: String,
    items: u64,
    bytes: u64,
    limit_bytes: u64,
    limit_stated: bool,
    free_bytes: Option<u64>,
    min_free_bytes: Option<u64>,
    kinds: Vec<KindJson>,
}

#[derive(Serialize)]
struct KindJson {
    kind: &'static str,
    items: u64,
    bytes: u64,
}

impl StatsJson {
    fn new(stats: &DiskStats) -> Self {
        let kinds = stats.kinds.iter().map(|kind| KindJson {
            kind: kind.kind.name(),
            items: kind.items,
            bytes: kind.bytes,
        });
        Self {
            folder: stats.folder.display().to_string(),
            items: stats.items,
            bytes: stats.bytes,
            limit_bytes: stats.limit_bytes,
            limit_stated: stats.is_limit_stated,
            free_bytes: stats.free_bytes,
            min_free_bytes: stats.min_free_bytes,
            kinds: kinds.collect(),
        }
    }
}

/// The wire form of `list`.
#[derive(Serialize)]
struct ListJson {
    folder: String,
    items: Vec<ItemJson>,
}

#[derive(Serialize)]
struct ItemJson {
    name: String,
    kind: &'static str,
    bytes: u64,
    plain_bytes: u64,
    made_ms: i64,
    used_ms: i64,
    source: String,
}

impl ListJson {
    fn new(cache: &DiskCache, items: &[Listed]) -> Self {
        let items = items.iter().map(|item| ItemJson {
            name: item.name.to_string(),
            kind: item.kind.name(),
            bytes: item.bytes,
            plain_bytes: item.plain_bytes,
            made_ms: item.made_millis,
            used_ms: item.used_millis,
            source: item.label.clone(),
        });
        Self {
            folder: cache.folder().display().to_string(),
            items: items.collect(),
        }
    }
}

/// The wire form of `verify`.
#[derive(Serialize)]
struct VerifyJson {
    sound: u64,
    bytes: u64,
    damaged: u64,
    unreadable: u64,
    adopted: u64,
    forgotten: u64,
    swept: u64,
}

impl From<Verified> for VerifyJson {
    fn from(found: Verified) -> Self {
        let Verified {
            sound,
            bytes,
            damaged,
            unreadable,
            adopted,
            forgotten,
            swept,
        } = found;
        Self {
            sound,
            bytes,
            damaged,
            unreadable,
            adopted,
            forgotten,
            swept,
        }
    }
}

/// The wire form of `clear`.
#[derive(Serialize)]
struct ClearJson {
    items: u64,
    bytes: u64,
}

impl From<Cleared> for ClearJson {
    fn from(cleared: Cleared) -> Self {
        Self {
            items: cleared.items,
            bytes: cleared.bytes,
        }
    }
}

/// The wire form of `limit`.
#[derive(Serialize)]
struct LimitJson {
    limit_bytes: u64,
    limit_stated: bool,
    bytes: u64,
}

impl LimitJson {
    fn new(stats: &DiskStats) -> Self {
        Self {
            limit_bytes: stats.limit_bytes,
            limit_stated: stats.is_limit_stated,
            bytes: stats.bytes,
        }
    }
}

fn describe(stats: &DiskStats) -> String {
    let mut text = format!("{}\n", stats.folder.display());
    let taken = size(stats.bytes);
    let limit = size(stats.limit_bytes);
    // Writing to a string cannot fail.
    let _written = writeln!(
        text,
        "  {}, {taken} of {limit}",
        counted(stats.items, "item")
    );
    for kind in &stats.kinds {
        let _written = writeln!(
            text,
            "  {:<12}{:>8}{:>14}",
            kind.kind.name(),
            kind.items,
            size(kind.bytes)
        );
    }
    match stats.free_bytes.zip(stats.min_free_bytes) {
        Some((free, least)) => {
            let note = if free < least {
                ", so nothing more is kept"
            } else {
                ""
            };
            let _written = writeln!(
                text,
                "  the disk has {} free; {} stay free{note}",
                size(free),
                size(least)
            );
        }
        None => text.push_str("  the folder is made when something is kept\n"),
    }
    text
}

fn table(items: &[Listed]) -> String {
    let mut text = String::new();
    for item in items {
        let _written = writeln!(
            text,
            "{:<12}{:>12}  {:>8} ago  {}",
            item.kind.name(),
            size(item.bytes),
            span(item.unused_seconds()),
            item.label
        );
    }
    if items.is_empty() {
        text.push_str("nothing is kept\n");
    }
    text
}

fn checked(found: &Verified) -> String {
    let mut text = format!(
        "{} sound, {}\n",
        counted(found.sound, "item"),
        size(found.bytes)
    );
    for (count, what) in [
        (found.damaged, "damaged, removed"),
        (found.unreadable, "not readable, left"),
        (found.adopted, "unknown to the index, recorded"),
        (found.forgotten, "gone, forgotten"),
        (found.swept, "left over by others, removed"),
    ] {
        if count > 0 {
            let _written = writeln!(text, "{count} {what}");
        }
    }
    text
}

/// A size in the units in which limits are read.
pub(super) fn size(bytes: u64) -> String {
    let units: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.into_iter().find(|&(_, unit)| bytes >= unit) {
        Some((name, unit)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

fn span(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_read_well() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            ((1 << 20) - 1, "1023.9 KiB"),
            (20 << 30, "20.0 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert!(size(u64::MAX).ends_with(" GiB"));
        for (seconds, text) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_200, "2 h"),
            (172_800, "2 days"),
        ] {
            assert_eq!(span(seconds), text);
        }
        assert_eq!(counted(1, "item"), "1 item");
        assert_eq!(counted(0, "item"), "0 items");
    }
}

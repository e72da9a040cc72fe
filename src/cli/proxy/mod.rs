//! `jogwheel proxy`: proxies made, verified, listed and removed.

mod book;
mod make;
mod queue;
mod wire;

use std::fmt::Write as _;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self::queue::Change;
use self::wire::{DeleteJson, ListJson, StatsJson, VerifyItemJson, VerifyJson};
use super::args::{DiskArgs, ProxyArgs, ProxyCommand};
use super::cache::{disk_cache, size, written};
use super::counted;
use super::exit::{CliError, Exit};
use super::{print, stop_on_signal};
use crate::config::Folders;
use crate::decode::{FileIdentity, IndexStore, Interrupter};
use crate::jobs::Priority;
use crate::jobs::kept::{JobOrder, KeeperOptions, Renew};
use crate::proxy::{
    ListedProxy, ProxyFolder, ProxyOrder, ProxyState, Verification, VerifyError, VerifyOptions,
    verify,
};
use crate::time::{Clock, RealClock};

pub(super) fn run(args: &ProxyArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let folder = folder(args.proxy_dir.as_deref())?;
    match &args.command {
        ProxyCommand::Make { .. } => make::run(args, &folder, out),
        ProxyCommand::Verify { files, again, disk } => {
            let chosen = chosen(&folder, files)?;
            let stop = stop_on_signal();
            let options = verify_options(&stop, indices(disk));
            let refused = verify_all(&chosen, &options, *again, args.json, out)?;
            rebuild(&folder, &refused.proxies);
            Ok(refused.exit)
        }
        ProxyCommand::Status => queue::status(&folder, args.json, out),
        ProxyCommand::Limit { size } => queue::limit(&folder, *size, args.json, out),
        ProxyCommand::Clear => queue::clear(&folder, args.json, out),
        ProxyCommand::Pause => queue::change(&folder, Change::Pause, &[], args.json, out),
        ProxyCommand::Resume => queue::change(&folder, Change::Resume, &[], args.json, out),
        ProxyCommand::Cancel { files, .. } => {
            queue::change(&folder, Change::Cancel, files, args.json, out)
        }
        ProxyCommand::Retry { files } => {
            queue::change(&folder, Change::Retry, files, args.json, out)
        }
        ProxyCommand::List => {
            let proxies = list(&folder)?;
            let json = ListJson::new(folder.path(), &proxies);
            print(out, &written(args.json, &json, || table(&proxies))?)?;
            Ok(Exit::Ok)
        }
        ProxyCommand::Stats => {
            let stats = Stats::of(&list(&folder)?);
            let json = StatsJson::new(folder.path(), &stats);
            let words = || stats.describe(folder.path());
            print(out, &written(args.json, &json, words)?)?;
            Ok(Exit::Ok)
        }
        ProxyCommand::Delete { files, all, stale } => {
            let (doomed, spared) = match (all, stale) {
                (true, _) => list(&folder)?
                    .into_iter()
                    .partition(|proxy| proxy.record.is_some()),
                (_, true) => {
                    let stale = list(&folder)?.into_iter().filter(is_stale);
                    (stale.collect(), Vec::new())
                }
                _ => (chosen(&folder, files)?, Vec::new()),
            };
            delete(&folder, &doomed, &spared, args.json, out)
        }
    }
}

/// The folder that is stated, or the user's.
pub(super) fn folder(stated: Option<&Path>) -> Result<ProxyFolder, CliError> {
    match stated {
        Some(folder) => Ok(ProxyFolder::new(folder)),
        None => Folders::of_user()
            .map(|folders| ProxyFolder::new(&folders.cache().join("proxies")))
            .map_err(|error| CliError::new(Exit::Failure, format!("{error}."))),
    }
}

fn list(folder: &ProxyFolder) -> Result<Vec<ListedProxy>, CliError> {
    folder.list().map_err(|error| {
        let text = format!("{}: cannot be read ({error}).", folder.path().display());
        CliError::new(Exit::Failure, text)
    })
}

/// The proxies that are named, or whose sources are; all when nothing is named.
fn chosen(folder: &ProxyFolder, files: &[PathBuf]) -> Result<Vec<ListedProxy>, CliError> {
    let all = list(folder)?;
    if files.is_empty() {
        return Ok(all);
    }
    let mut chosen: Vec<ListedProxy> = Vec::new();
    for file in files {
        let path = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        let identity = FileIdentity::of_path(&path).ok();
        let is_meant = |proxy: &&ListedProxy| {
            let of_source = proxy.record.as_ref().is_some_and(|record| {
                record.source == path || Some(record.source_file) == identity
            });
            proxy.path == path || of_source
        };
        let found: Vec<&ListedProxy> = all.iter().filter(is_meant).collect();
        if found.is_empty() {
            let text = format!(
                "{}: neither a proxy in {} nor a file that has one there.",
                file.display(),
                folder.path().display()
            );
            return Err(CliError::new(Exit::Input, text).about(file));
        }
        for proxy in found {
            if chosen.iter().all(|known| known.path != proxy.path) {
                chosen.push(proxy.clone());
            }
        }
    }
    Ok(chosen)
}

/// Those that can never be used again. A source that is missing may only be on a drive that is not
/// plugged in.
fn is_stale(proxy: &ListedProxy) -> bool {
    matches!(
        proxy.state,
        ProxyState::SourceChanged | ProxyState::ProxyChanged
    )
}

/// How everything is verified here.
fn verify_options(stop: &Arc<AtomicBool>, indices: Option<Arc<dyn IndexStore>>) -> VerifyOptions {
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
    VerifyOptions {
        threads: threads(),
        clock,
        interrupter: Interrupter::from(Arc::clone(stop)),
        indices,
    }
}

/// Where indices of sources are kept, if they are.
fn indices(disk: &DiskArgs) -> Option<Arc<dyn IndexStore>> {
    disk_cache(disk).map(|disk| -> Arc<dyn IndexStore> { disk })
}

/// Threads that decode, where one file is made at a time.
fn threads() -> NonZeroUsize {
    let options = KeeperOptions {
        workers: 1,
        ..KeeperOptions::default()
    };
    options.threads_each()
}

fn verify_all(
    proxies: &[ListedProxy],
    options: &VerifyOptions,
    again: bool,
    json: bool,
    out: &mut dyn Write,
) -> Result<Refused, CliError> {
    let mut all = Vec::new();
    let mut refused = Refused {
        exit: Exit::Ok,
        proxies: Vec::new(),
    };
    let mut is_good = true;
    for proxy in proxies {
        let result = verify(&proxy.path, options, again);
        if options.interrupter.is_interrupted() {
            return Err(CliError::new(
                Exit::Interrupted,
                "verifying was called off.",
            ));
        }
        is_good &= result.is_ok();
        let is_refused = result.as_ref().is_err_and(|e| e.refusal().is_some());
        refused.proxies.extend(is_refused.then(|| proxy.clone()));
        if !json {
            print(out, &verdict(&proxy.path, &result))?;
        }
        all.push(VerifyItemJson::new(&proxy.path, &result));
    }
    if json {
        print(
            out,
            &written(true, &VerifyJson { proxies: all }, String::new)?,
        )?;
    } else if proxies.is_empty() {
        print(out, "there are no proxies\n")?;
    }
    if !is_good {
        refused.exit = Exit::Failure;
    }
    Ok(refused)
}

/// What came of verifying.
struct Refused {
    exit: Exit,
    /// Those that must not be used.
    proxies: Vec<ListedProxy>,
}

/// Queues refused proxies to be made again, where that is possible.
fn rebuild(folder: &ProxyFolder, refused: &[ListedProxy]) {
    let records = refused.iter().filter_map(|proxy| proxy.record.as_ref());
    let orders = ProxyOrder::rebuild(records);
    if orders.is_empty() {
        return;
    }
    let jobs: Vec<JobOrder> = orders.iter().map(|it| it.job(Priority::Normal)).collect();
    let queued = folder.jobs();
    match queued.and_then(|kept| kept.add_all(&jobs, Renew::Always)) {
        Ok(_) => tracing::warn!(
            "{} queued to be made again: `jogwheel proxy make` does it now.",
            counted(orders.len() as u64, "file")
        ),
        Err(error) => tracing::warn!("they are not queued to be made again: {error}"),
    }
}

/// One line for a person.
fn verdict(path: &Path, result: &Result<Verification, VerifyError>) -> String {
    match result {
        Ok(found) => format!(
            "{}: verified, {} compared in time, {} in picture, likeness {:.3} at least\n",
            path.display(),
            counted(found.frames.unsigned_abs(), "frame"),
            found.samples,
            found.least_likeness
        ),
        // It names the file.
        Err(error @ VerifyError::Refused(..)) => format!("{error}\n"),
        Err(error) => format!("{}: cannot be verified: {error}\n", path.display()),
    }
}

fn delete(
    folder: &ProxyFolder,
    doomed: &[ListedProxy],
    spared: &[ListedProxy],
    json: bool,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let mut bytes = 0;
    for proxy in doomed {
        folder.delete(&proxy.path).map_err(|error| {
            let text = format!("{}: cannot be removed ({error}).", proxy.path.display());
            CliError::new(Exit::Failure, text).about(&proxy.path)
        })?;
        bytes += proxy.bytes;
    }
    let removed = DeleteJson {
        proxies: doomed.len() as u64,
        bytes,
        left: spared
            .iter()
            .map(|file| file.path.display().to_string())
            .collect(),
    };
    let words = || {
        let count = removed.proxies;
        let what = if count == 1 { "proxy" } else { "proxies" };
        let mut text = format!("{count} {what} removed, {}\n", size(bytes));
        for file in &removed.left {
            // Writing to a string cannot fail.
            let _written = writeln!(text, "{file}: left, for nothing says that it is a proxy");
        }
        text
    };
    print(out, &written(json, &removed, words)?)?;
    Ok(Exit::Ok)
}

fn table(proxies: &[ListedProxy]) -> String {
    let mut text = String::new();
    for proxy in proxies {
        let name = proxy.path.file_name().unwrap_or_default();
        let source = proxy.record.as_ref().map(|record| &record.source);
        let source = source.map_or("?".into(), |source| source.display().to_string());
        // Writing to a string cannot fail.
        let _written = writeln!(
            text,
            "{:<16}{:>12}  {}  of {source}",
            proxy.state.name(),
            size(proxy.bytes),
            name.display()
        );
    }
    if proxies.is_empty() {
        text.push_str("there are no proxies\n");
    }
    text
}

/// All proxies together.
struct Stats {
    proxies: u64,
    bytes: u64,
    /// Of sources that are known, each counted once.
    sources: u64,
    source_bytes: u64,
    /// Of the proxies of those.
    covered_bytes: u64,
    states: Vec<(ProxyState, u64)>,
}

impl Stats {
    fn of(proxies: &[ListedProxy]) -> Self {
        let mut sources: Vec<FileIdentity> = Vec::new();
        let mut stats = Self {
            proxies: proxies.len() as u64,
            bytes: proxies.iter().map(|proxy| proxy.bytes).sum(),
            sources: 0,
            source_bytes: 0,
            covered_bytes: 0,
            states: Vec::new(),
        };
        for proxy in proxies {
            match stats
                .states
                .iter_mut()
                .find(|(state, _)| *state == proxy.state)
            {
                Some((_, count)) => *count += 1,
                None => stats.states.push((proxy.state, 1)),
            }
            let Some(record) = &proxy.record else {
                continue;
            };
            stats.covered_bytes += proxy.bytes;
            if !sources.contains(&record.source_file) {
                sources.push(record.source_file);
                stats.sources += 1;
                stats.source_bytes += record.source_file.bytes;
            }
        }
        stats
    }

    /// Bytes of proxies for each byte of their sources.
    fn ratio(&self) -> Option<f64> {
        let sources = self.source_bytes as f64;
        (self.source_bytes > 0).then(|| self.covered_bytes as f64 / sources)
    }

    /// How much less is read, in percent; negative where proxies are larger than sources.
    fn saved_percent(&self) -> Option<f64> {
        self.ratio().map(|ratio| (1.0 - ratio) * 100.0)
    }

    fn describe(&self, folder: &Path) -> String {
        let mut text = format!("{}\n", folder.display());
        let what = if self.proxies == 1 {
            "proxy"
        } else {
            "proxies"
        };
        // Writing to a string cannot fail.
        let _written = writeln!(text, "  {} {what}, {}", self.proxies, size(self.bytes));
        for (state, count) in &self.states {
            let _written = writeln!(text, "  {:<16}{count:>8}", state.name());
        }
        if let Some((ratio, saved)) = self.ratio().zip(self.saved_percent()) {
            let _written = writeln!(
                text,
                "  of {} with {}: {ratio:.3} of their size, {saved:.1} % saved",
                counted(self.sources, "source"),
                size(self.source_bytes)
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_source_makes_no_proxy_stale() {
        let listed = |state| ListedProxy {
            path: PathBuf::from("/proxies/a_draft_0123abcd.mov"),
            bytes: 1,
            record: None,
            state,
        };
        for (state, expected) in [
            (ProxyState::Verified, false),
            (ProxyState::Unverified, false),
            (ProxyState::SourceChanged, true),
            (ProxyState::SourceMissing, false),
            (ProxyState::ProxyChanged, true),
            (ProxyState::Unknown, false),
        ] {
            assert_eq!(is_stale(&listed(state)), expected, "{}", state.name());
        }
    }
}

//! What each errand means.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::runner::Bench;
use super::{Desk, measure};
use crate::cache::disk::{DiskCache, ItemName};
use crate::decode::IndexStore;
use crate::jobs::kept::{Choice, KeeperOptions, KeptError, KeptJobs};
use crate::media::file_name;
use crate::proxy::{PROXY_KIND, ProxyFolder, VerifyOptions, verify};
use crate::ui::Errand;

/// Does it. Answers what came of it in a sentence, or why not.
pub(super) fn run(errand: &Errand, desk: &Desk, bench: &Bench) -> Result<String, String> {
    match errand {
        Errand::ClearMemory => Ok(clear_memory(desk)),
        Errand::ClearDisk(kind) => {
            let cleared = disk(desk)?
                .clear(*kind)
                .map_err(|error| error.to_string())?;
            Ok(format!(
                "{} items removed from the disk cache, {} MB.",
                cleared.items,
                cleared.bytes / 1_000_000
            ))
        }
        Errand::CheckDisk => {
            bench.tell("Checking the disk cache …".to_owned());
            let found = disk(desk)?
                .verify_until(&|| bench.interrupter.is_interrupted())
                .map_err(|error| error.to_string())?;
            let words = format!(
                "{} items of the disk cache are sound, {} were damaged and are removed.",
                found.sound, found.damaged
            );
            if bench.interrupter.is_interrupted() {
                return Err(format!("Called off. {words}"));
            }
            Ok(words)
        }
        Errand::CheckItem(name) => check_item(*name, disk(desk)?),
        Errand::RemoveItem(name) => {
            let removed = disk(desk)?
                .remove_items(&[*name])
                .map_err(|error| error.to_string())?;
            Ok(match removed.items {
                0 => "It was gone from the disk cache already.".to_owned(),
                _ => format!("Removed, {} kB.", removed.bytes / 1_000),
            })
        }
        Errand::LimitDisk(bytes) => {
            let limit = disk(desk)?.set_limit(*bytes);
            limit.map_err(|error| error.to_string())?;
            let gb = *bytes as f64 / 1e9;
            Ok(format!("The disk cache may take {gb:.0} GB."))
        }
        Errand::CancelJob(key) => {
            let count = jobs(desk)?
                .cancel(Choice::One(PROXY_KIND, key))
                .map_err(|error| told(&error))?;
            Ok(counted(count, "job", "called off"))
        }
        Errand::RetryJob(key) => {
            let count = jobs(desk)?
                .retry(Choice::One(PROXY_KIND, key))
                .map_err(|error| told(&error))?;
            Ok(counted(count, "job", "in line again"))
        }
        Errand::PauseJobs(paused) => {
            jobs(desk)?
                .set_paused(*paused)
                .map_err(|error| told(&error))?;
            let words = if *paused {
                "Jobs are paused."
            } else {
                "Jobs go on."
            };
            Ok(words.to_owned())
        }
        Errand::ForgetJobs => {
            let count = jobs(desk)?.forget_over().map_err(|error| told(&error))?;
            Ok(counted(count, "job", "forgotten"))
        }
        Errand::LimitProxies(bytes) => limit_proxies(*bytes, folder(desk)?),
        Errand::VerifyProxies(proxies) => verify_all(proxies, desk, bench),
        Errand::DeleteProxies(proxies) => delete_all(proxies, folder(desk)?),
        Errand::Reveal(path) => reveal(path),
        Errand::MeasureGpu => {
            bench.tell("Measuring the graphics device …".to_owned());
            measure::conversion(desk.clock.as_ref(), &bench.interrupter)
        }
        Errand::Reopen(_)
        | Errand::OpenDemo
        | Errand::ForgetRecent
        | Errand::Stop(_)
        | Errand::MakeProxies(_)
        | Errand::PauseProfiler(_)
        | Errand::ExportProfile(_)
        | Errand::Set { .. }
        | Errand::Bind { .. } => Err("The window does this itself.".to_owned()),
    }
}

/// `1 job forgotten.`, `2 jobs forgotten.`
fn counted(count: u64, what: &str, outcome: &str) -> String {
    let plural = match (count, what.strip_suffix('y')) {
        (1, _) => what.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{what}s"),
    };
    format!("{count} {plural} {outcome}.")
}

fn told(error: &KeptError) -> String {
    error.to_string()
}

fn disk(desk: &Desk) -> Result<&DiskCache, String> {
    let none = || "Nothing is kept on disk in this run.".to_owned();
    desk.disk.as_deref().ok_or_else(none)
}

fn check_item(name: ItemName, disk: &DiskCache) -> Result<String, String> {
    let found = disk
        .verify_items(&[name])
        .map_err(|error| error.to_string())?;
    match (found.sound, found.damaged, found.unreadable) {
        (1.., ..) => Ok("This item of the disk cache is sound.".to_owned()),
        (_, 1.., _) => {
            Ok("It was damaged and is removed. It is made anew when it is needed.".to_owned())
        }
        (_, _, 1..) => Err("It cannot be read. Check the disk.".to_owned()),
        _ => Ok("It is gone from the disk cache.".to_owned()),
    }
}

fn folder(desk: &Desk) -> Result<&ProxyFolder, String> {
    let none = || "Proxies are not used in this run.".to_owned();
    desk.proxies.as_ref().ok_or_else(none)
}

fn jobs(desk: &Desk) -> Result<KeptJobs, String> {
    folder(desk)?.jobs().map_err(|error| told(&error))
}

/// Pictures on the graphics device are given back by the thread that draws, when it draws next.
fn clear_memory(desk: &Desk) -> String {
    let before = desk.cache.as_ref().map_or(0, |cache| cache.stats().bytes);
    if let Some(cache) = &desk.cache {
        cache.clear();
    }
    let pictures = desk.textures.used();
    desk.textures.ask_back(pictures);
    format!("{} MB of kept frames dropped.", before / 1_000_000)
}

fn verify_all(proxies: &[PathBuf], desk: &Desk, bench: &Bench) -> Result<String, String> {
    let indices = desk.disk.clone();
    let options = VerifyOptions {
        threads: KeeperOptions::default().threads_each(),
        clock: Arc::clone(&desk.clock),
        interrupter: bench.interrupter.clone(),
        indices: indices.map(|disk| -> Arc<dyn IndexStore> { disk }),
    };
    let mut refused = Vec::new();
    for (number, proxy) in proxies.iter().enumerate() {
        let name = file_name(proxy);
        bench.tell(match proxies.len() {
            1 => format!("Verifying {name} …"),
            all => format!("Verifying {} of {all}: {name} …", number + 1),
        });
        match verify(proxy, &options, true) {
            Err(_) if bench.interrupter.is_interrupted() => {
                refused.insert(0, format!("Called off after {number} proxies."));
                break;
            }
            Err(error) => refused.push(format!("{name}: {error}")),
            Ok(_) => {}
        }
    }
    match (refused.as_slice(), proxies.len()) {
        ([], 1) => Ok(format!("{} is what it says it is.", file_name(&proxies[0]))),
        ([], count) => Ok(format!("All {count} proxies are what they say they are.")),
        (refused, _) => Err(refused.join("\n")),
    }
}

/// Nothing is deleted now: it is when the next one is made, and a person may think better of it until then.
fn limit_proxies(bytes: u64, folder: &ProxyFolder) -> Result<String, String> {
    let failed = |error| format!("{} cannot be written to: {error}.", folder.path().display());
    folder.state_limit(bytes).map_err(failed)?;
    let taken: u64 = folder
        .list()
        .map_err(failed)?
        .iter()
        .filter(|proxy| proxy.record.is_some())
        .map(|proxy| proxy.bytes)
        .sum();
    let gb = |bytes: u64| bytes as f64 / 1e9;
    let mut words = format!("Proxies may take {:.0} GB.", gb(bytes));
    if taken > bytes {
        let more = "those not used for longest go when the next one is made.";
        words = format!("{words} They take {:.1} GB: {more}", gb(taken));
    }
    Ok(words)
}

fn delete_all(proxies: &[PathBuf], folder: &ProxyFolder) -> Result<String, String> {
    let mut left = Vec::new();
    for proxy in proxies {
        if let Err(error) = folder.delete(proxy) {
            left.push(format!("{}: {error}.", file_name(proxy)));
        }
    }
    if left.is_empty() {
        let count = u64::try_from(proxies.len()).unwrap_or(u64::MAX);
        Ok(counted(count, "proxy", "deleted"))
    } else {
        Err(left.join("\n"))
    }
}

/// The folder of a file is shown: not every file manager can point at one of its files.
fn reveal(path: &Path) -> Result<String, String> {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(path)
    };
    opener::open(folder)
        .map(|()| format!("{} was opened in the file manager.", folder.display()))
        .map_err(|error| format!("{} cannot be shown: {error}.", folder.display()))
}

//! What is queued: told of, held, taken back, worked off.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::never;
use serde::Serialize;

use super::{Stats, counted, list, stop_on_signal};
use crate::cache::ProductStore;
use crate::cli::args::DiskArgs;
use crate::cli::cache::{disk_cache, size, written};
use crate::cli::exit::{CliError, Exit};
use crate::cli::print;
use crate::decode::IndexStore;
use crate::jobs::kept::{
    Choice, JobOrder, Keeper, KeeperOptions, KeptError, KeptJob, KeptJobs, KeptNews, KeptState,
    KeptStop, Maker, Renew,
};
use crate::jobs::{MachineProbe, Priority, Stance};
use crate::memory::MemoryBudget;
use crate::proxy::{PROXY_KIND, ProxyFolder, ProxyMaker, ProxyOrder, Trimmed, Wanted};
use crate::time::{Clock, RealClock};

/// How often it is looked around while the queue is worked off.
const LOOK: Duration = Duration::from_millis(100);

/// Looks in a row at which the list of jobs may be of no use: the disk is full until a job has given up.
const MOST_ERRORS: u32 = 100;

impl From<KeptError> for CliError {
    fn from(error: KeptError) -> Self {
        Self::new(Exit::Failure, error.to_string())
    }
}

/// The jobs of a folder, if any were ever kept.
pub(super) fn existing(folder: &ProxyFolder) -> Result<Option<KeptJobs>, CliError> {
    Ok(folder.existing_jobs()?)
}

#[derive(Serialize)]
struct StatusJson {
    folder: String,
    proxies: u64,
    bytes: u64,
    in_use: u64,
    limit_bytes: u64,
    limit_stated: bool,
    sources: u64,
    source_bytes: u64,
    ratio: Option<f64>,
    saved_percent: Option<f64>,
    paused: bool,
    running: u64,
    queued: u64,
    made: u64,
    failed: u64,
    cancelled: u64,
    jobs: Vec<JobJson>,
}

#[derive(Serialize)]
struct JobJson {
    source: String,
    state: &'static str,
    presets: Vec<&'static str>,
    codec: Option<String>,
    attempts: u32,
    frames_done: u32,
    frames: u32,
    seconds_left: Option<f64>,
    /// Until it is tried again.
    seconds_to_wait: Option<f64>,
    reason: Option<String>,
}

impl JobJson {
    fn new(job: &KeptJob, now_millis: i64) -> Self {
        let order = ProxyOrder::read(&job.order);
        let wanted: &[Wanted] = order.as_ref().map_or(&[], |order| order.wanted.as_slice());
        let mut presets: Vec<&'static str> = Vec::new();
        for it in wanted {
            let names = it.presets.iter().map(|preset| preset.name());
            for name in names.chain(it.fitting.then_some("fitting")) {
                if !presets.contains(&name) {
                    presets.push(name);
                }
            }
        }
        let codecs: Vec<&str> = wanted.iter().map(|it| it.codec.name()).collect();
        let wait = job.not_before_millis.saturating_sub(now_millis);
        let is_put_off = job.state == KeptState::Waiting && wait > 0;
        Self {
            source: job.order.key.clone(),
            state: job.state.name(),
            presets,
            codec: (!codecs.is_empty()).then(|| codecs.join(", ")),
            attempts: job.attempts,
            frames_done: job.progress.done,
            frames: job.progress.total,
            seconds_left: job.left().map(|left| left.as_secs_f64()),
            seconds_to_wait: is_put_off.then(|| wait as f64 / 1000.0),
            reason: job.reason.clone(),
        }
    }

    /// What is to be said of it beside its state and its name.
    fn words(&self) -> String {
        let mut words = self.presets.join(", ");
        // Writing to a string cannot fail.
        if let Some(percent) = (self.frames_done * 100).checked_div(self.frames) {
            let _written = write!(words, ", {percent} %");
        }
        if let Some(seconds) = self.seconds_left {
            let _written = write!(words, ", {} left", clock_words(seconds));
        }
        if let Some(seconds) = self.seconds_to_wait {
            let _written = write!(words, ", tried again in {}", clock_words(seconds));
        }
        if let Some(reason) = &self.reason {
            let _written = write!(words, ": {reason}");
        }
        words
    }
}

/// Minutes and seconds.
fn clock_words(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of work, rounded up"
    )]
    let seconds = seconds.ceil().max(0.0) as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

pub(super) fn status(
    folder: &ProxyFolder,
    json: bool,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let proxies = list(folder)?;
    let stats = Stats::of(&proxies);
    let kept = existing(folder)?;
    let (jobs, paused, now_millis) = match &kept {
        Some(kept) => (kept.list()?, kept.is_paused()?, kept.now_millis()),
        None => (Vec::new(), false, 0),
    };
    let count = |state| jobs.iter().filter(|job| job.state == state).count() as u64;
    let in_use = proxies.iter().filter(|proxy| folder.is_in_use(&proxy.path));
    let status = StatusJson {
        folder: folder.path().display().to_string(),
        proxies: stats.proxies,
        bytes: stats.bytes,
        in_use: in_use.count() as u64,
        limit_bytes: folder.limit_bytes(),
        limit_stated: folder.stated_limit().is_some(),
        sources: stats.sources,
        source_bytes: stats.source_bytes,
        ratio: stats.ratio(),
        saved_percent: stats.saved_percent(),
        paused,
        running: count(KeptState::Running),
        queued: count(KeptState::Waiting),
        made: count(KeptState::Done),
        failed: count(KeptState::Failed),
        cancelled: count(KeptState::Cancelled),
        jobs: jobs
            .iter()
            .map(|job| JobJson::new(job, now_millis))
            .collect(),
    };
    print(out, &written(json, &status, || describe(&status, &stats))?)?;
    Ok(Exit::Ok)
}

fn describe(status: &StatusJson, stats: &Stats) -> String {
    let mut text = stats.describe(Path::new(&status.folder));
    let (taken, limit) = (size(status.bytes), size(status.limit_bytes));
    // Writing to a string cannot fail.
    let _written = writeln!(text, "  {taken} of {limit} taken, {} in use", status.in_use);
    let _written = writeln!(
        text,
        "  {} running, {} queued, {} made, {} failed{}",
        status.running,
        status.queued,
        status.made,
        status.failed,
        if status.paused { "; held" } else { "" }
    );
    let is_news = |job: &&JobJson| {
        ![KeptState::Done.name(), KeptState::Cancelled.name()].contains(&job.state)
    };
    for job in status.jobs.iter().filter(is_news) {
        let (state, source, words) = (job.state, &job.source, job.words());
        let _written = writeln!(text, "  {state:<8}  {source}  {words}");
    }
    text
}

#[derive(Serialize)]
struct LimitJson {
    folder: String,
    limit_bytes: u64,
    limit_stated: bool,
    bytes: u64,
    removed: Vec<String>,
    removed_bytes: u64,
    in_use: Vec<String>,
}

impl LimitJson {
    fn new(folder: &ProxyFolder, trimmed: &Trimmed) -> Result<Self, CliError> {
        let names = |paths: &[PathBuf]| paths.iter().map(|p| p.display().to_string()).collect();
        Ok(Self {
            folder: folder.path().display().to_string(),
            limit_bytes: folder.limit_bytes(),
            limit_stated: folder.stated_limit().is_some(),
            bytes: Stats::of(&list(folder)?).bytes,
            removed: names(&trimmed.removed),
            removed_bytes: trimmed.bytes,
            in_use: names(&trimmed.in_use),
        })
    }

    fn removed_words(&self) -> String {
        let count = self.removed.len();
        let what = if count == 1 { "proxy" } else { "proxies" };
        let mut text = format!("{count} {what} removed, {}\n", size(self.removed_bytes));
        for proxy in &self.in_use {
            // Writing to a string cannot fail.
            let _written = writeln!(text, "{proxy}: left, for it is in use");
        }
        text
    }
}

fn folder_error(folder: &ProxyFolder, error: &std::io::Error) -> CliError {
    let text = format!("{}: cannot be changed ({error}).", folder.path().display());
    CliError::new(Exit::Failure, text)
}

pub(super) fn limit(
    folder: &ProxyFolder,
    stated: Option<u64>,
    json: bool,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let mut trimmed = Trimmed::default();
    if let Some(bytes) = stated {
        let changed = folder
            .state_limit(bytes)
            .and_then(|()| folder.trim(&[]))
            .map_err(|error| folder_error(folder, &error))?;
        trimmed = changed;
    }
    let wire = LimitJson::new(folder, &trimmed)?;
    let words = || {
        let (limit, taken) = (size(wire.limit_bytes), size(wire.bytes));
        let text = format!("{limit}, of which {taken} are taken\n");
        if wire.removed.is_empty() && wire.in_use.is_empty() {
            return text;
        }
        text + &wire.removed_words()
    };
    print(out, &written(json, &wire, words)?)?;
    Ok(Exit::Ok)
}

pub(super) fn clear(
    folder: &ProxyFolder,
    json: bool,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let trimmed = folder.clear();
    let trimmed = trimmed.map_err(|error| folder_error(folder, &error))?;
    if let Some(kept) = existing(folder)? {
        kept.forget_over()?;
    }
    let wire = LimitJson::new(folder, &trimmed)?;
    print(out, &written(json, &wire, || wire.removed_words())?)?;
    Ok(Exit::Ok)
}

/// What is done to what is queued.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Pause,
    Resume,
    Cancel,
    Retry,
}

#[derive(Serialize)]
struct ChangedJson {
    /// Jobs that were changed.
    jobs: u64,
    paused: bool,
}

/// Changes the jobs of `files`; of all where there are none.
pub(super) fn change(
    folder: &ProxyFolder,
    change: Change,
    files: &[PathBuf],
    json: bool,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let kept = match (existing(folder)?, change) {
        (Some(kept), _) => kept,
        // It holds what is queued from now on.
        (None, Change::Pause) => folder.jobs()?,
        (None, _) => {
            let none = ChangedJson {
                jobs: 0,
                paused: false,
            };
            print(
                out,
                &written(json, &none, || "nothing is queued\n".to_owned())?,
            )?;
            return Ok(Exit::Ok);
        }
    };
    let keys: Vec<String> = files.iter().map(|file| ProxyOrder::key_of(file)).collect();
    let mut chosen: Vec<Choice<'_>> = keys
        .iter()
        .map(|key| Choice::One(PROXY_KIND, key))
        .collect();
    if chosen.is_empty() {
        chosen.push(Choice::All);
    }
    let mut jobs = 0;
    match change {
        Change::Pause | Change::Resume => kept.set_paused(matches!(change, Change::Pause))?,
        Change::Cancel => {
            for choice in chosen {
                jobs += kept.cancel(choice)?;
            }
        }
        Change::Retry => {
            for choice in chosen {
                jobs += kept.retry(choice)?;
            }
        }
    }
    let changed = ChangedJson {
        jobs,
        paused: kept.is_paused()?,
    };
    let words = || match change {
        Change::Pause => "held until `jogwheel proxy resume`\n".to_owned(),
        Change::Resume => "it goes on\n".to_owned(),
        Change::Cancel => format!("{} taken back\n", counted(jobs, "job")),
        Change::Retry => format!("{} queued again\n", counted(jobs, "job")),
    };
    print(out, &written(json, &changed, words)?)?;
    Ok(Exit::Ok)
}

#[derive(Serialize)]
struct QueuedJson {
    queued: Vec<String>,
}

/// Queues orders. What was made before is made sure of once more.
pub(super) fn enqueue(
    folder: &ProxyFolder,
    orders: &[ProxyOrder],
    json: bool,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let kept = folder.jobs()?;
    for order in orders {
        if order.file.is_none() {
            let text = format!("{}: there is no such file.", order.source.display());
            return Err(CliError::new(Exit::Input, text).about(&order.source));
        }
    }
    let jobs: Vec<JobOrder> = orders.iter().map(|it| it.job(Priority::Normal)).collect();
    kept.add_all(&jobs, Renew::Always)?;
    let sources = orders
        .iter()
        .map(|order| order.source.display().to_string());
    let queued = QueuedJson {
        queued: sources.collect(),
    };
    let words = || format!("{} queued\n", counted(queued.queued.len() as u64, "file"));
    print(out, &written(json, &queued, words)?)?;
    Ok(Exit::Ok)
}

#[derive(Serialize)]
struct WorkedJson {
    jobs: Vec<JobJson>,
    /// Jobs that wait: to be tried again, or for another program.
    left: u64,
}

/// Makes what is queued, here and now.
pub(super) fn work_off(
    folder: &ProxyFolder,
    disk: &DiskArgs,
    json: bool,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let Some(kept) = existing(folder)?.map(Arc::new) else {
        return Err(CliError::new(
            Exit::Usage,
            "nothing is queued: name files, or folders with films in them.",
        ));
    };
    let options = KeeperOptions::default();
    let stop = stop_on_signal();
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
    let (disk, budget) = (disk_cache(disk), MemoryBudget::for_this_machine());
    let maker = ProxyMaker {
        folder: folder.clone(),
        options,
        clock: Arc::clone(&clock),
        indices: disk.clone().map(|disk| -> Arc<dyn IndexStore> { disk }),
        products: disk.map(|disk| -> Arc<dyn ProductStore> { disk }),
        ledger: Some(budget.ledger(budget.frame_bytes())),
    };
    let makers: Vec<Arc<dyn Maker>> = vec![Arc::new(maker)];
    let probe = Box::new(MachineProbe::new());
    let mut keeper = Keeper::new(Arc::clone(&kept), makers, clock, probe, options)?;
    let mut ended: Vec<KeptNews> = Vec::new();
    let outcome = work_until_done(&mut keeper, &stop, |news| {
        ended.extend(news.iter().cloned());
        if json {
            return Ok(());
        }
        news.iter().try_for_each(|news| print(out, &line_of(news)))
    });
    // What runs when it is called off goes back into the queue.
    drop(keeper);
    outcome?;
    let left = kept.list()?;
    let left: Vec<&KeptJob> = left.iter().filter(|job| !job.state.is_over()).collect();
    let is_good = left.is_empty() && ended.iter().all(|news| news.outcome.is_ok());
    if json {
        let now_millis = kept.now_millis();
        let jobs = ended.iter().filter_map(|news| {
            let order = &news.job.order;
            let job = kept.find(&order.kind, &order.key).ok().flatten()?;
            Some(JobJson::new(&job, now_millis))
        });
        let worked = WorkedJson {
            jobs: jobs.collect(),
            left: left.len() as u64,
        };
        print(out, &written(true, &worked, String::new)?)?;
    } else if !left.is_empty() {
        let words = format!("{} left, see `jogwheel proxy status`\n", left.len());
        print(out, &words)?;
    }
    Ok(if is_good { Exit::Ok } else { Exit::Failure })
}

/// Turns until nothing more can be started now.
fn work_until_done(
    keeper: &mut Keeper,
    stop: &AtomicBool,
    mut each: impl FnMut(&[KeptNews]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut errors = 0;
    loop {
        let turn = keeper.turn(Stance::Told, 0);
        each(&turn.news)?;
        if stop.load(Ordering::Relaxed) {
            let text = "making proxies was called off; what was not finished stays queued.";
            return Err(CliError::new(Exit::Interrupted, text));
        }
        errors = if turn.error.is_some() { errors + 1 } else { 0 };
        if let Some(error) = turn
            .error
            .filter(|_| keeper.is_idle() || errors >= MOST_ERRORS)
        {
            return Err(error.into());
        }
        let next = keeper.jobs().next_millis()?;
        let can_start = next.is_some_and(|at| at <= keeper.jobs().now_millis());
        if keeper.is_idle() && (!can_start || turn.is_paused) {
            return Ok(());
        }
        let _timed_out = never::<()>().recv_timeout(LOOK);
    }
}

fn line_of(news: &KeptNews) -> String {
    let name = &news.job.order.key;
    match &news.outcome {
        Ok(()) => format!(
            "{name}: made, {}\n",
            clock_words(news.job.worked.as_secs_f64())
        ),
        // Most reasons name the file.
        Err(KeptStop::Cancelled) => format!("{name}: cancelled\n"),
        Err(stop) if stop.to_string().starts_with(name.as_str()) => format!("{stop}\n"),
        Err(stop) => format!("{name}: {stop}\n"),
    }
}

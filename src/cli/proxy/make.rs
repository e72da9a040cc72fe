//! `jogwheel proxy make`.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use indicatif::{ProgressBar, ProgressStyle};

use super::book::{Book, Entry};
use super::wire::{EncoderJson, FileJson, MadeJson, MakeJson, VerifyItemJson};
use super::{stop_on_signal, threads, verify_options};
use crate::cache::ProductStore;
use crate::cli::args::{ProxyArgs, ProxyCommand};
use crate::cli::cache::{disk_cache, size, written};
use crate::cli::exit::{CliError, Exit};
use crate::cli::{counted, print};
use crate::decode::{IndexStore, Input, media_info};
use crate::jobs::{
    JobEvent, JobHandle, JobListener, JobNews, JobQueue, JobState, Progress, QueueOptions,
};
use crate::media::file_name;
use crate::memory::MemoryBudget;
use crate::proxy::{
    Made, MadeProxy, MakeOptions, MakeRequest, Preset, ProxyCodec, ProxyFolder, ProxyOrder,
    Quality, Sizes, films_in, verify,
};
use crate::time::{Clock, RealClock};

/// How often the signal to stop is looked at.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn run(
    args: &ProxyArgs,
    folder: &ProxyFolder,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let ProxyCommand::Make {
        files,
        queue,
        preset,
        scale,
        codec,
        encoder,
        again,
        no_verify,
        disk,
    } = &args.command
    else {
        return Ok(Exit::Ok);
    };
    if files.is_empty() {
        return super::queue::work_off(folder, disk, args.json, out);
    }
    let files = films_of(files)?;
    let presets = || preset.iter().map(|&choice| choice.into()).collect();
    let sizes = scale.map_or_else(|| Sizes::Presets(presets()), Sizes::Percent);
    let cache = disk_cache(disk);
    let budget = MemoryBudget::for_this_machine();
    let options = MakeOptions {
        presets: Vec::new(),
        codec: codec.map_or_else(ProxyCodec::best_available, Into::into),
        folder: folder.clone(),
        threads: threads(),
        at_a_time: NonZeroUsize::MIN,
        again: *again,
        indices: cache.clone().map(|disk| -> Arc<dyn IndexStore> { disk }),
        products: cache.map(|disk| -> Arc<dyn ProductStore> { disk }),
        ledger: Some(budget.ledger(budget.frame_bytes())),
        encoder: (*encoder).into(),
    };
    let (orders, left_out): (Vec<_>, Vec<_>) = files
        .iter()
        .map(|file| {
            let (presets, left_out) = presets_for(file, &sizes);
            let order = ProxyOrder::new(file, presets, options.codec);
            (order.again(*again), left_out)
        })
        .unzip();
    if *queue {
        return super::queue::enqueue(folder, &orders, args.json, out);
    }
    let stop = stop_on_signal();
    let book = Book::open(folder, &orders);
    let mut all = Vec::new();
    let mut worst = Exit::Ok;
    for ((file, order), left_out) in files.iter().zip(&orders).zip(&left_out) {
        let presets = order.wanted.iter().flat_map(|wanted| &wanted.presets);
        let options = MakeOptions {
            presets: presets.copied().collect(),
            ..options.clone()
        };
        let entry = book.begin(order, &stop);
        let (made, is_good) = make_one(file, &options, left_out, !no_verify, &stop, &entry);
        if stop.load(Ordering::Relaxed) {
            book.take_back();
            entry.give_back();
            let text = "making proxies was called off; those that were finished stay.";
            return Err(CliError::new(Exit::Interrupted, text));
        }
        if !is_good {
            worst = Exit::Failure;
        }
        entry.end(&made, is_good);
        let kept: Vec<PathBuf> = made
            .proxies
            .iter()
            .map(|p| PathBuf::from(&p.proxy))
            .collect();
        if let Err(error) = folder.trim(&kept) {
            tracing::warn!("{}: {error}", folder.path().display());
        }
        if !args.json {
            print(out, &words(&made))?;
        }
        all.push(made);
    }
    if args.json {
        print(out, &written(true, &MakeJson { files: all }, String::new)?)?;
    }
    Ok(worst)
}

/// The presets that are made of a file, and those that are not although they were asked for. Of a file that cannot
/// be read all are tried, so that making them says why.
fn presets_for(file: &Path, sizes: &Sizes) -> (Vec<Preset>, Vec<Preset>) {
    let source = || {
        let info = media_info(&Input::open(file).ok()?);
        info.default_video().map(|video| video.size)
    };
    let size = sizes.depend_on_source().then(source).flatten();
    match (size, sizes) {
        (Some(size), _) => sizes.of_source(size),
        (None, Sizes::Presets(presets)) => (presets.clone(), Vec::new()),
        (None, Sizes::Percent(_)) => (vec![Preset::DEFAULT], Vec::new()),
    }
}

/// The files that are named, and the films in the folders that are.
fn films_of(named: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let films = films_in(path).map_err(|error| {
            let text = format!("{}: cannot be read ({error}).", path.display());
            CliError::new(Exit::Input, text).about(path)
        })?;
        if films.is_empty() {
            let text = format!("{}: there are no films in it.", path.display());
            return Err(CliError::new(Exit::Input, text).about(path));
        }
        files.extend(films);
    }
    Ok(files)
}

/// Makes the proxies of one file, and verifies them. What fails does not keep others from being made.
fn make_one(
    file: &Path,
    options: &MakeOptions,
    left_out: &[Preset],
    is_verified: bool,
    stop: &Arc<AtomicBool>,
    entry: &Entry<'_>,
) -> (FileJson, bool) {
    let verify_options = verify_options(stop, options.indices.clone());
    let verified =
        |proxy: &MadeProxy| is_verified.then(|| verify(&proxy.path, &verify_options, false));
    let mut seconds = 0.0;
    let mut error = None;
    let mut made = work(file, options, stop, entry, &mut seconds).unwrap_or_else(|text| {
        error = Some(text);
        Made::default()
    });
    let mut results: Vec<_> = made.proxies.iter().map(verified).collect();
    // What was there already and is refused would be there for ever.
    let refused = made.proxies.iter().zip(&results).filter(|(proxy, result)| {
        let error = result.as_ref().and_then(|result| result.as_ref().err());
        proxy.size.is_none() && error.is_some_and(|error| error.refusal().is_some())
    });
    let remade = MakeOptions {
        presets: refused.map(|(proxy, _)| proxy.preset).collect(),
        again: true,
        ..options.clone()
    };
    if !remade.presets.is_empty() {
        match work(file, &remade, stop, entry, &mut seconds) {
            Ok(again) => {
                for (proxy, result) in made.proxies.iter_mut().zip(&mut results) {
                    let found = again.proxies.iter().find(|new| new.path == proxy.path);
                    if let Some(new) = found {
                        *proxy = new.clone();
                        *result = verified(new);
                    }
                }
                let proxies = std::mem::take(&mut made.proxies);
                made = Made { proxies, ..again };
            }
            Err(text) => error = Some(text),
        }
    }
    let mut is_good = error.is_none();
    let proxies = made.proxies.iter().zip(results).map(|(proxy, result)| {
        is_good &= result.as_ref().is_none_or(Result::is_ok);
        MadeJson {
            proxy: proxy.path.display().to_string(),
            preset: proxy.preset.name(),
            is_new: proxy.size.is_some(),
            size: proxy.size.map(|size| size.to_string()),
            bytes: proxy.bytes,
            verification: result.map(|result| VerifyItemJson::new(&proxy.path, &result)),
        }
    });
    let proxies = proxies.collect();
    let per_second = |amount: f64| if seconds > 0.0 { amount / seconds } else { 0.0 };
    let json = FileJson {
        source: file.display().to_string(),
        proxies,
        frames: made.frames,
        repeated_frames: made.repeated,
        thumbnails: made.products.thumbnails,
        waveforms: made.products.waveforms,
        left_out: left_out.iter().map(|preset| preset.name()).collect(),
        encoder: made.encoder.as_ref().map(EncoderJson::from),
        seconds,
        frames_per_second: per_second(made.frames as f64),
        real_time: per_second(made.source_seconds),
        error,
    };
    (json, is_good)
}

/// Runs the job on a thread of its own, while this one shows how far it is and listens for a stop. What it
/// took is added to `seconds`.
fn work(
    file: &Path,
    options: &MakeOptions,
    stop: &AtomicBool,
    entry: &Entry<'_>,
    seconds: &mut f64,
) -> Result<Made, String> {
    let (send, news) = bounded(1);
    let listener: JobListener = Arc::new(move |event: &JobEvent| {
        if let JobNews::Progress(progress) = event.news {
            // What is not taken in time is soon out of date.
            let _full = send.try_send(progress);
        }
    });
    let no_workers = QueueOptions {
        workers: 0,
        waiting: 1,
    };
    let queue = JobQueue::new(no_workers, listener).map_err(|error| error.to_string())?;
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
    let request = MakeRequest::new(file.to_owned(), options.clone(), Arc::clone(&clock));
    let made = request.made();
    let job = request.submit(&queue).map_err(|error| error.to_string())?;
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new()
            .name("proxies".to_owned())
            .spawn_scoped(scope, || {
                let begun = clock.now();
                queue.run_one();
                // Taken here: the other thread looks up only now and then.
                clock.now().since(begun)
            })
            .map_err(|error| format!("no thread could be started ({error})."))?;
        follow(file, &news, &job, stop, entry, || worker.is_finished());
        let took = worker.join();
        *seconds += took.map_or(0.0, |took| took.as_secs_f64());
        Ok::<_, String>(())
    })?;
    match job.state() {
        JobState::Done => Ok(made.lock().clone()),
        JobState::Failed(reason) => Err(reason.to_string()),
        _ => Err("making the proxy was called off.".to_owned()),
    }
}

fn follow(
    file: &Path,
    news: &Receiver<Progress>,
    job: &JobHandle,
    stop: &AtomicBool,
    entry: &Entry<'_>,
    is_over: impl Fn() -> bool,
) {
    let bar = progress_bar(file);
    while !is_over() {
        match news.recv_timeout(LOOK) {
            Ok(progress) => {
                bar.set_length(progress.total.into());
                bar.set_position(progress.done.into());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        entry.beat(job.progress());
        if stop.load(Ordering::Relaxed) {
            job.cancel();
        }
    }
    bar.finish_and_clear();
}

/// A bar for a person who looks; none where nobody does.
fn progress_bar(file: &Path) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let template = "{msg} {wide_bar} {pos}/{len} frames, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(file_name(file));
    bar
}

fn words(made: &FileJson) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    if let Some(error) = &made.error {
        // Most errors name the file.
        let name = if error.starts_with(&made.source) {
            String::new()
        } else {
            format!("{}: ", made.source)
        };
        let _written = writeln!(text, "{name}{error}");
    }
    for proxy in &made.proxies {
        let what = match &proxy.size {
            Some(size) => format!("{size}, "),
            None => "there already, ".to_owned(),
        };
        let _written = write!(text, "{}: {what}{}", proxy.proxy, size(proxy.bytes));
        if let Some(verification) = &proxy.verification {
            let _written = write!(text, ", {}", verification.in_short());
        }
        text.push('\n');
    }
    for name in &made.left_out {
        let _written = writeln!(text, "{name}: left out, for the source is not wide");
    }
    if let Some(encoder) = &made.encoder {
        if let Some(reason) = &encoder.reason {
            let _written = writeln!(text, "{reason}; {} was taken", encoder.name);
        }
        if encoder.quality != Quality::Usual.name() {
            let _written = writeln!(text, "little disk is free: made in lower quality");
        }
    }
    if made.frames > 0 {
        let _written = writeln!(
            text,
            "{} frames in {:.2} s: {:.1} frames a second, {:.2} times real time",
            made.frames, made.seconds, made.frames_per_second, made.real_time
        );
    }
    if made.thumbnails + made.waveforms > 0 {
        let _written = writeln!(
            text,
            "{} and {} made in the same pass",
            counted(made.thumbnails as u64, "thumbnail"),
            counted(made.waveforms as u64, "waveform")
        );
    }
    if made.repeated_frames > 0 {
        let _written = writeln!(
            text,
            "{} frames cannot be decoded; the ones before stand for them",
            made.repeated_frames
        );
    }
    text
}

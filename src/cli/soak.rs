//! `jogwheel soak`: play for a given time, report, and hold to limits.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::args::{Fault, SoakArgs, TraceChoice};
use super::cache::disk_cache;
use super::exit::{CliError, Exit};
use super::play::{
    background, budget, check_file, convert_choice, json, proxy_folder, refresh, threads, wishes,
};
use super::{print, stop_on_signal};
use crate::app::{
    BackgroundOptions, ConfigOptions, Dice, Headless, HeadlessOptions, MakeProxies, NewFile,
    PlayerOptions, TraceGround, WindowOptions, drags, editing, run_window,
};
use crate::audio::AudioConfig;
use crate::decode::LoopMode;
use crate::metrics::{Limits, SoakReport};
use crate::playback::{Command, StartOptions};
use crate::time::{FrameIndex, MediaSpan, MediaTime};

/// Frames that series of steps back are made from.
const SERIES_BACK: usize = 5;

pub(super) fn run(args: &SoakArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    check_file(&args.file, &args.timeline.settings())?;
    let moves = [
        ("--seeks", args.seeks.is_some()),
        ("--back-steps", args.back_steps.is_some()),
        ("--drags", args.drags.is_some()),
        ("--trace", args.trace.is_some()),
    ];
    if let Some((flag, _)) = moves.iter().find(|(_, asked)| args.window && *asked) {
        let text =
            format!("{flag} is measured without a window. Leave out --window, or run soak twice.");
        return Err(CliError::new(Exit::Usage, text));
    }
    let (mut report, interrupted, failure) = if args.window {
        window(args)?
    } else {
        headless(args)?
    };
    report.limits = Limits::from(args.limits).check(&report);
    print(out, &report.to_string())?;
    if let Some(path) = &args.json {
        let text = json(&report)?;
        save(path, &text).map_err(|error| {
            CliError::new(
                Exit::Failure,
                format!("{}: the report cannot be written: {error}.", path.display()),
            )
        })?;
    }
    if let Some(reason) = failure.filter(|_| !interrupted) {
        return Err(CliError::new(Exit::Input, reason).about(&args.file));
    }
    Ok(if !report.passed() {
        Exit::LimitBroken
    } else if interrupted {
        Exit::Interrupted
    } else {
        Exit::Ok
    })
}

/// Whoever waits for the report never reads half of one.
fn save(path: &Path, text: &str) -> io::Result<()> {
    let mut file = NewFile::create(path)?;
    writeln!(file, "{text}")?;
    file.finish()
}

fn player_options(args: &SoakArgs) -> Result<PlayerOptions, CliError> {
    // What somebody chose by a key says nothing of what is to be measured.
    let wishes = wishes(&args.quality, &args.proxies, None)?;
    Ok(PlayerOptions {
        start: StartOptions {
            untimed: args.untimed,
            quality: wishes.quality,
            ..StartOptions::default()
        },
        audio: AudioConfig {
            device: None,
            enabled: !args.no_audio && !args.untimed,
        },
        budget: budget(args.machine),
        keeps_frames: !args.disk.no_cache,
        threads: threads(args.machine),
        commands: vec![Command::SetLoop(LoopMode::Loop)],
        timelines: args.timeline.settings(),
        disk: disk_cache(&args.disk),
        proxies: proxy_folder(&args.proxies, &wishes.quality),
        // Nothing may disturb a measurement, and what is measured changes nothing.
        makes_proxies: MakeProxies::Never,
        settings: None,
        notes: Vec::new(),
        files: vec![args.file.clone()],
    })
}

fn losses(args: &SoakArgs) -> Vec<Duration> {
    args.faults
        .iter()
        .map(|Fault::DeviceLoss { after }| *after)
        .collect()
}

/// The report, whether a person ended the run, and why it did not play to its end.
type Soaked = (SoakReport, bool, Option<String>);

fn window(args: &SoakArgs) -> Result<Soaked, CliError> {
    let stop = stop_on_signal();
    let options = WindowOptions {
        size: Some(args.size),
        fullscreen: false,
        choice: convert_choice(args.convert),
        performance: false,
        untimed: args.untimed,
        seconds: Some(args.seconds),
        frames: None,
        close_at_end: true,
        device_loss_at: losses(args),
        state_file: None,
        target_fps: args.target_fps,
        only_with_file: false,
        // Nothing may disturb what is measured.
        background: BackgroundOptions::default(),
        config: ConfigOptions::default(),
        remembers_at: None,
    };
    let outcome = run_window(player_options(args)?, options, stop.clone(), false)?;
    Ok((
        outcome.report,
        stop.load(Ordering::Relaxed),
        outcome.failure,
    ))
}

fn headless(args: &SoakArgs) -> Result<Soaked, CliError> {
    let stop = stop_on_signal();
    let player = player_options(args)?;
    // Thumbnails answer a hand; nothing else may disturb what is measured.
    let is_by_hand = args.drags.is_some() || args.trace.is_some();
    let options = HeadlessOptions {
        size: args.size,
        choice: convert_choice(args.convert),
        refresh: refresh()?,
        seconds: Some(args.seconds),
        frames: None,
        untimed: args.untimed,
        target_fps: args.target_fps,
        background: BackgroundOptions {
            thumbnails: is_by_hand && !args.no_thumbnails,
            ..background(&player)
        },
        device_loss_at: losses(args),
    };
    let mut run = Headless::start(player, options, None, stop.clone())?;
    run.run()?;
    make_moves(args, &mut run)?;
    let failure = run.failure();
    Ok((
        run.report(&args.file),
        stop.load(Ordering::Relaxed),
        failure,
    ))
}

/// Makes the moves that are asked for, once the file has played.
fn make_moves(args: &SoakArgs, run: &mut Headless) -> Result<(), CliError> {
    let Some(ground) = ground(args, run) else {
        return Ok(());
    };
    let frames = || {
        let random = random_frames(args.seed, ground.frames);
        random.map(|frame| frame.offset(ground.first))
    };
    if let Some(count) = args.seeks {
        run.begin_part();
        let every = args.seek_interval_ms.map(millis_span);
        run.seek_to_each(frames().take(count as usize), every)?;
    }
    if let Some(steps) = args.back_steps {
        run.begin_part();
        run.step_back_from_each(frames().take(SERIES_BACK), steps)?;
    }
    if let Some(count) = args.drags {
        run.begin_part();
        let every = millis_span(args.drag_interval_ms);
        let trace = drags(args.seed, ground, count, every);
        run.follow_trace(&trace)?;
    }
    if let Some(TraceChoice::Editing) = args.trace {
        run.begin_part();
        let length = Duration::from_mins(args.trace_minutes.into());
        let longest_wait = args.trace_wait_ms.map(millis_span);
        let trace = editing(args.seed, ground, length, longest_wait);
        run.follow_trace(&trace)?;
    }
    Ok(())
}

fn millis_span(millis: u32) -> Duration {
    Duration::from_millis(millis.into())
}

/// The frames that are moved about in: all, or those in the middle.
fn ground(args: &SoakArgs, run: &Headless) -> Option<TraceGround> {
    let snapshot = run.snapshot();
    let media = snapshot.media.as_ref()?;
    let wanted = args.within.map_or(media.frames, |within| {
        let millis = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        let end = MediaTime::ZERO + MediaSpan::from_millis(millis);
        media.rate.frame_at_floor(end).0
    });
    let frames = wanted.clamp(1, media.frames.max(1));
    Some(TraceGround {
        first: (media.frames - frames).max(0) / 2,
        frames,
        rate: media.rate,
    })
}

/// Frames of a medium of `frames` frames, in an order that the seed decides.
pub(super) fn random_frames(seed: u64, frames: i64) -> impl Iterator<Item = FrameIndex> {
    let mut dice = Dice::new(seed);
    std::iter::repeat_with(move || {
        let part = (i128::from(dice.throw()) * i128::from(frames.max(1))) >> 32;
        FrameIndex(i64::try_from(part).unwrap_or(0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_frames_are_inside_and_reproducible() {
        let some: Vec<_> = random_frames(7, 100).take(1000).collect();
        assert_eq!(some, random_frames(7, 100).take(1000).collect::<Vec<_>>());
        assert!(some.iter().all(|frame| (0..100).contains(&frame.0)));
        assert!(some.iter().any(|frame| frame.0 < 10) && some.iter().any(|frame| frame.0 >= 90));
        assert_ne!(some[0], random_frames(8, 100).next().unwrap());
    }
}

//! `jogwheel shot`: one exact frame as a PNG file.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::ShotArgs;
use super::cache::disk_cache;
use super::exit::{CliError, Exit};
use super::play::{check_file, convert_choice, refresh};
use super::print;
use crate::app::{BackgroundOptions, Headless, HeadlessOptions, PlayerOptions, write_png};
use crate::media::Size;
use crate::playback::PlaybackStatus;

pub(super) fn run(args: &ShotArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let info = check_file(&args.file, &args.timeline.settings())?;
    let Some(stream) = info.default_video() else {
        let text = format!("{}: it has no pictures.", args.file.display());
        return Err(CliError::new(Exit::Input, text).about(&args.file));
    };
    let player = PlayerOptions {
        // One frame is shown, once.
        keeps_frames: false,
        timelines: args.timeline.settings(),
        disk: disk_cache(&args.disk),
        // The position is resolved when the whole file is known, for it may lie beyond the end.
        ..PlayerOptions::paused_and_silent(vec![args.file.clone()])
    };
    let small = Size::new(16, 16).unwrap_or(stream.size);
    let options = HeadlessOptions {
        size: small,
        choice: convert_choice(args.convert),
        refresh: refresh()?,
        seconds: None,
        frames: None,
        untimed: false,
        target_fps: None,
        background: BackgroundOptions::default(),
        device_loss_at: Vec::new(),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let mut run = Headless::start(player, options, None, stop)?;
    run.wait_until(|snapshot| {
        snapshot
            .media
            .as_ref()
            .is_some_and(|media| media.index_complete)
            && snapshot.status == PlaybackStatus::Paused
    })?;
    let frame = run.resolve(args.at).map_err(|error| {
        CliError::new(Exit::Usage, format!("{}: {error}", args.file.display())).about(&args.file)
    })?;
    if !run.show_frame(frame)? {
        let text = format!(
            "{}: frame {frame} is damaged and cannot be shown.",
            args.file.display()
        );
        return Err(CliError::new(Exit::Input, text).about(&args.file));
    }
    let picture = run.stage().picture(args.size)?;
    write_png(&picture, &args.output)
        .map_err(|error| CliError::new(Exit::Failure, error.to_string()))?;
    let text = format!(
        "{}: frame {frame}, {}\n",
        args.output.display(),
        picture.size
    );
    print(out, &text)?;
    Ok(Exit::Ok)
}

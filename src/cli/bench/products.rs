//! What the player makes in the background, made on this thread and timed.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::cache::thumbnails::{StripRequest, StripScale, StripSource, ThumbnailStrip};
use crate::cache::waveform::{Waveform, WaveformRequest, WaveformSource};
use crate::cli::exit::{CliError, Exit};
use crate::decode::{Input, media_info, read_index};
use crate::jobs::{JobHandle, JobQueue, JobState, QueueOptions, SubmitError};
use crate::media::MediaInfo;
use crate::time::{Clock, RealClock};

#[derive(Serialize)]
pub(super) struct ThumbnailResult {
    thumbnails: usize,
    seconds: f64,
    /// Numbering the frames, which the player does in any case.
    index_seconds: f64,
    bytes: usize,
}

impl fmt::Display for ThumbnailResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} thumbnails of {} bytes in {:.3} s, after {:.3} s for the index",
            self.thumbnails, self.bytes, self.seconds, self.index_seconds
        )
    }
}

#[derive(Serialize)]
pub(super) struct WaveformResult {
    /// Length of the sound.
    sound_seconds: f64,
    seconds: f64,
    /// How many times faster than it is heard.
    speed: f64,
}

impl fmt::Display for WaveformResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:.1} s of sound in {:.3} s: {:.0} times as fast as it is heard",
            self.sound_seconds, self.seconds, self.speed
        )
    }
}

/// Makes all thumbnails.
pub(super) fn thumbnails(path: &Path) -> Result<ThumbnailResult, CliError> {
    let (mut input, info) = open(path)?;
    let stream = info
        .default_video()
        .cloned()
        .ok_or_else(|| without(path, "pictures"))?;
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
    let begun = clock.now();
    let index = read_index(&mut input, &stream)
        .map_err(|error| CliError::new(Exit::Input, error.to_string()).about(path))?;
    let index_seconds = clock.now().since(begun).as_secs_f64();
    let strip = Arc::new(ThumbnailStrip::new());
    let source = StripSource {
        path: path.to_owned(),
        file_bytes: info.container.bytes,
        stream,
        index: Arc::new(index),
    };
    let request = StripRequest::new(
        source,
        StripScale::default(),
        Arc::clone(&strip),
        None,
        Arc::clone(&clock),
    );
    let begun = clock.now();
    run(path, |queue| request.submit(queue))?;
    Ok(ThumbnailResult {
        thumbnails: strip.len(),
        seconds: clock.now().since(begun).as_secs_f64(),
        index_seconds,
        bytes: strip.byte_len(),
    })
}

/// Makes the waveform of the sound that would be heard.
pub(super) fn waveform(path: &Path) -> Result<WaveformResult, CliError> {
    let (_, info) = open(path)?;
    let stream = info.default_audio().ok_or_else(|| without(path, "sound"))?;
    let clock = RealClock::new();
    let waveform = Arc::new(Waveform::new());
    let source = WaveformSource::of(&info, stream);
    let request = WaveformRequest::new(source, Arc::clone(&waveform), None);
    let begun = clock.now();
    run(path, |queue| request.submit(queue).map(|job| vec![job]))?;
    let seconds = clock.now().since(begun).as_secs_f64();
    let sound_seconds = waveform.length().as_secs_f64();
    Ok(WaveformResult {
        sound_seconds,
        seconds,
        speed: sound_seconds / seconds,
    })
}

fn open(path: &Path) -> Result<(Input, MediaInfo), CliError> {
    let input = Input::open(path).map_err(|error| CliError::from(error).about(path))?;
    let info = media_info(&input);
    Ok((input, info))
}

fn without(path: &Path, what: &str) -> CliError {
    CliError::new(
        Exit::Input,
        format!("{}: it has no {what}.", path.display()),
    )
    .about(path)
}

/// Runs jobs on this thread until all are over.
fn run(
    path: &Path,
    submit: impl FnOnce(&JobQueue) -> Result<Vec<JobHandle>, SubmitError>,
) -> Result<(), CliError> {
    let fail = |text: String| CliError::new(Exit::Failure, text);
    let options = QueueOptions {
        workers: 0,
        ..QueueOptions::default()
    };
    let queue =
        JobQueue::new(options, Arc::new(|_| {})).map_err(|error| fail(error.to_string()))?;
    let jobs = submit(&queue).map_err(|error| fail(error.to_string()))?;
    while queue.run_one().is_some() {}
    let failure = jobs.iter().find_map(|job| match job.state() {
        JobState::Failed(reason) => Some(reason),
        _ => None,
    });
    failure.map_or(Ok(()), |reason| {
        Err(CliError::new(Exit::Input, format!("{reason}.")).about(path))
    })
}

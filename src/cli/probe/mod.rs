//! `jogwheel probe`: everything about a file, or about a timeline.

mod text;
mod timeline;
mod wire;

use std::io::Write;

use super::args::ProbeArgs;
use super::exit::{CliError, Exit};
use super::print;
use crate::decode::{GopIndex, Input, media_info, rate_estimate, read_index};
use crate::media::{MediaInfo, StreamId};
use crate::timeline::import::is_timeline;

/// What is known of a file: its description, and what reading it through adds.
struct Report {
    info: MediaInfo,
    /// Video streams whose time stamps do not keep to one rate.
    variable: Vec<StreamId>,
    /// With `--index`: all frames of a video stream, or why they could not be read.
    indices: Vec<(StreamId, Result<GopIndex, String>)>,
}

pub(super) fn run(args: &ProbeArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    if is_timeline(&args.file) {
        let text = timeline::describe(&args.file, &args.timeline.settings(), args.json)?;
        print(out, &text)?;
        return Ok(Exit::Ok);
    }
    let mut input = Input::open(&args.file).map_err(|e| CliError::from(e).about(&args.file))?;
    let info = media_info(&input);
    let variable = info
        .video
        .iter()
        .map(|video| video.id)
        .filter(|&id| rate_estimate(&input, id).is_some_and(|estimate| estimate.varies))
        .collect();
    let mut report = Report {
        info,
        variable,
        indices: Vec::new(),
    };
    if args.index {
        for (nth, video) in report.info.video.iter().enumerate() {
            if nth > 0 {
                // Each stream is read from the start of the file.
                input = Input::open(&args.file).map_err(|e| CliError::from(e).about(&args.file))?;
            }
            let index = read_index(&mut input, video).map_err(|error| error.to_string());
            report.indices.push((video.id, index));
        }
    }
    let text = if args.json {
        wire::json(&report)?
    } else {
        text::describe(&report)
    };
    print(out, &text)?;
    Ok(Exit::Ok)
}

impl Report {
    /// Whether time stamps are uneven: as read, where the file was read, else as FFmpeg judged by the
    /// first ones.
    fn varies(&self, id: StreamId) -> bool {
        match self.index(id) {
            Some(Ok(index)) => index.is_variable_rate(),
            _ => self.variable.contains(&id),
        }
    }

    fn index(&self, id: StreamId) -> Option<&Result<GopIndex, String>> {
        self.indices
            .iter()
            .find(|(stream, _)| *stream == id)
            .map(|(_, index)| index)
    }
}

/// Distances between keyframes, in frames: the least and the greatest.
fn gop_lengths(index: &GopIndex) -> Option<(i64, i64)> {
    let starts: Vec<i64> = index
        .keyframes()
        .iter()
        .filter_map(|keyframe| index.frame_of_pts(keyframe.pts))
        .map(|frame| frame.0)
        .chain([index.len()])
        .collect();
    let lengths = || {
        starts
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .filter(|&length| length > 0)
    };
    Some((lengths().min()?, lengths().max()?))
}

#[cfg(test)]
mod tests;

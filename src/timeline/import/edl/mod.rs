//! CMX 3600 edit decision lists, and what programs have made of them.
//!
//! An EDL is a list of events in lines of text. Each says which part of a reel is recorded where, on
//! which channels, and how it comes in: by a cut, a dissolve, a wipe or a key. Lines that follow an
//! event add to it: speeds (`M2`), and comments with names, files, markers and grades.
//!
//! - [`lines`] reads one line,
//! - [`counting`] finds the frame rate and reads timecodes,
//! - [`events`] puts events and what follows them together,
//! - [`tracks`] puts the events on tracks.

mod counting;
mod events;
mod lines;
mod tracks;

use std::path::Path;
use std::sync::Arc;

use super::{Format, ImportError, ImportOptions, Imported, Notes};

pub(super) use lines::looks_like_edl;

/// Reads an EDL.
///
/// # Errors
/// [`ImportError::RateUnknown`] where neither the file nor `options` state the rate,
/// [`ImportError::Invalid`] without a single event, or when timecodes do not exist at the rate.
pub(super) fn read_edl(
    path: &Path,
    text: &Arc<str>,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    let mut notes = Notes::default();
    let Some(counting) = counting::Counting::find(text, options, &mut notes) else {
        return Err(ImportError::RateUnknown {
            path: path.to_owned(),
        });
    };
    let list = events::collect(path, text, counting, &mut notes)?;
    let timeline = tracks::timeline(path, text, &list, options, &mut notes)?;
    Ok(Imported {
        timeline,
        format: Format::Edl,
        base: super::folder_of(path),
        notes: notes.finish(),
    })
}

#[cfg(test)]
mod tests;

//! How an EDL counts frames.

use std::sync::Arc;

use super::lines::{Line, numbered, parse};
use crate::time::{FrameRate, TimecodeFields, TimecodeFormat};
use crate::timeline::import::{ImportOptions, Notes, Place};

/// The rate of an EDL, and whether its record timecode is drop-frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counting {
    /// Frames a second.
    pub(super) rate: FrameRate,
    /// Whether numbers are left out of the record's timecode.
    pub(super) drop_frame: bool,
}

/// Why a timecode could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadTimecode {
    /// It is none.
    Malformed,
    /// It counts more frames a second than the rate has.
    FramesBeyondRate,
}

impl Counting {
    /// What `text` states, or else what `options` say. `None` where neither does.
    ///
    /// A comment `FRAME RATE: 25` states the rate. Drop-frame timecode exists at 29.97 and its
    /// multiples only, and where nothing says which of them, it is 29.97.
    pub(super) fn find(
        text: &Arc<str>,
        options: &ImportOptions,
        notes: &mut Notes,
    ) -> Option<Self> {
        let mut stated = None;
        let mut first_code = None;
        let mut dropped_at = None;
        for (number, range) in numbered(text) {
            match parse(&text[range]) {
                Line::FrameCode { drop_frame } => {
                    first_code = first_code.or(Some(drop_frame));
                    if drop_frame {
                        dropped_at = dropped_at.or(Some(number));
                    }
                }
                Line::Event(event) if event.record[0].contains([';', '.']) => {
                    dropped_at = dropped_at.or(Some(number));
                    first_code = Some(true);
                }
                Line::Comment { key, value } if stated.is_none() => {
                    stated = rate_from_comment(key, value);
                }
                _ => {}
            }
        }
        let drops = |rate: &FrameRate| TimecodeFormat::new(*rate, true).is_ok();
        let wanted = stated.or(options.rate);
        let rate = match (wanted, dropped_at) {
            (Some(rate), None) => rate,
            (Some(rate), Some(_)) if drops(&rate) => rate,
            (wanted, Some(line)) => {
                let rate = FrameRate::new(30_000, 1001)?;
                if let Some(wanted) = wanted {
                    let text = format!(
                        "timecode is drop-frame, which does not exist at {wanted}; {rate} is taken"
                    );
                    notes.push(Place::Line(line), text);
                }
                rate
            }
            (None, None) => return None,
        };
        let drop_frame = first_code.unwrap_or(false) && drops(&rate);
        Some(Self { rate, drop_frame })
    }

    /// Frames from midnight to the timecode `text`. With `drop_frame`, numbers are left out even
    /// where the mark before the frames does not say so. Hours beyond 23 count on.
    pub(super) fn frames(self, text: &str, drop_frame: bool) -> Result<i64, BadTimecode> {
        let Ok(fields) = text.parse::<TimecodeFields>() else {
            return Err(BadTimecode::Malformed);
        };
        let nominal = i64::from(self.rate.nominal());
        let mut frame = i64::from(fields.frames);
        if frame >= nominal {
            return Err(BadTimecode::FramesBeyondRate);
        }
        let minutes = i64::from(fields.hours) * 60 + i64::from(fields.minutes);
        let drop_frame = drop_frame || fields.drop_frame;
        let left_out = match TimecodeFormat::new(self.rate, drop_frame) {
            Ok(format) if format.drop_frame() => nominal / 15,
            _ => 0,
        };
        if minutes % 10 != 0 && fields.seconds == 0 {
            // A number that was left out means the frame after the gap.
            frame = frame.max(left_out);
        }
        let number = (minutes * 60 + i64::from(fields.seconds)) * nominal + frame;
        Ok(number - left_out * (minutes - minutes / 10))
    }
}

fn rate_from_comment(key: &str, value: &str) -> Option<FrameRate> {
    const KEYS: [&str; 4] = ["FRAME RATE", "FRAMERATE", "FPS", "RATE"];
    if !KEYS.iter().any(|known| key.eq_ignore_ascii_case(known)) {
        return None;
    }
    value.split_whitespace().next()?.parse().ok()
}

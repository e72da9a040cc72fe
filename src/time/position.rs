//! Positions as a person writes them, the same everywhere: `123f`, `01:02:03:04`, `4.5s`.

use std::fmt;
use std::str::FromStr;

use super::{
    FLICKS_PER_SECOND, FrameIndex, FrameRate, MediaTime, Timecode, TimecodeError, TimecodeFields,
    TimecodeFormat,
};

/// How positions are written, for error messages and help.
pub const POSITION_SYNTAX: &str = "Write a frame as 123f, a timecode as 01:02:03:04 (01:02:03;04 \
                                   for drop-frame), or seconds as 4.5s.";

/// A place in a medium, as written. [`Position::resolve`] turns it into a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// `123f`: the frame of this index, counted from 0.
    Frame(FrameIndex),
    /// `01:02:03:04`, or `01:02:03;04` for drop-frame.
    Timecode(TimecodeFields),
    /// `4.5s`, `4.5` or `4`: media time since the first frame.
    Seconds(MediaTime),
}

impl FromStr for Position {
    type Err = PositionError;

    /// Reads one of the three forms; a number without a unit is seconds. Spaces around it are
    /// ignored. Seconds are rounded to the nearest flick.
    fn from_str(text: &str) -> Result<Self, PositionError> {
        let text = text.trim();
        let malformed = || PositionError::Malformed(text.to_owned());
        let too_large = || PositionError::TooLarge(text.to_owned());
        if text.starts_with(['-', '\u{2212}']) {
            return Err(PositionError::Negative(text.to_owned()));
        }
        if text.contains([':', ';']) {
            // A point before the frames is a way to write drop-frame in files, but people also mean
            // fractions of a second by it, so it is not guessed at.
            if text.contains('.') {
                return Err(malformed());
            }
            return text.parse().map(Self::Timecode).ok().ok_or_else(malformed);
        }
        if let Some(digits) = text.strip_suffix('f') {
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(malformed());
            }
            return digits
                .parse()
                .map(|index| Self::Frame(FrameIndex(index)))
                .ok()
                .ok_or_else(too_large);
        }
        seconds_from_decimal(text.strip_suffix('s').unwrap_or(text), text).map(Self::Seconds)
    }
}

/// Reads `4`, `4.5` or `.5` without passing through a float; nearest flick, ties upwards.
fn seconds_from_decimal(decimal: &str, text: &str) -> Result<MediaTime, PositionError> {
    /// More digits than this could not change the answer but for ties.
    const MAX_FRACTION_DIGITS: usize = 18;
    let malformed = || PositionError::Malformed(text.to_owned());
    let too_large = || PositionError::TooLarge(text.to_owned());
    let (whole, fraction) = match decimal.split_once('.') {
        Some((_, "")) => return Err(malformed()),
        Some((whole, fraction)) => (whole, fraction),
        None if decimal.is_empty() => return Err(malformed()),
        None => (decimal, ""),
    };
    if !whole
        .bytes()
        .chain(fraction.bytes())
        .all(|byte| byte.is_ascii_digit())
    {
        return Err(malformed());
    }
    let whole: i64 = match whole {
        "" => 0,
        digits => digits.parse().ok().ok_or_else(too_large)?,
    };
    let fraction = &fraction[..fraction.len().min(MAX_FRACTION_DIGITS)];
    let scale = 10_i128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let part: i128 = match fraction {
        "" => 0,
        digits => digits.parse().ok().ok_or_else(malformed)?,
    };
    let flicks = i128::from(whole) * i128::from(FLICKS_PER_SECOND)
        + (part * i128::from(FLICKS_PER_SECOND) + scale / 2) / scale;
    i64::try_from(flicks)
        .map(MediaTime::from_flicks)
        .ok()
        .ok_or_else(too_large)
}

impl fmt::Display for Position {
    /// Text that reads back as the same position, unless it is before zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(index) => write!(f, "{index}"),
            Self::Timecode(fields) => write!(f, "{fields}"),
            Self::Seconds(time) => {
                let flicks = time.flicks().unsigned_abs();
                let sign = if time.flicks() < 0 { "-" } else { "" };
                let per_second = FLICKS_PER_SECOND.unsigned_abs();
                // A nanosecond is 0.7 flick, so nine decimals tell every flick from its neighbours.
                let nanos = u128::from(flicks % per_second) * 1_000_000_000;
                let nanos = (nanos + u128::from(per_second / 2)) / u128::from(per_second);
                let fraction = format!(".{nanos:09}");
                let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
                write!(f, "{sign}{}{fraction}s", flicks / per_second)
            }
        }
    }
}

/// What is known of a medium when a position in it is resolved.
#[derive(Clone, Copy)]
pub struct PositionContext<'a> {
    /// The rate that timecode counts at.
    pub rate: FrameRate,
    /// Number of frames, where it is known already. Without it nothing is past the end.
    pub frame_count: Option<i64>,
    /// Timecode of the first frame.
    pub start_timecode: Option<Timecode>,
    /// The frame on screen at a media time that counts from the first frame.
    pub frame_at: &'a dyn Fn(MediaTime) -> FrameIndex,
}

impl Position {
    /// The frame that this position names.
    ///
    /// Timecode counts from the start timecode in its own count: `:` is then read as drop-frame if
    /// the start is, while `;` needs a drop-frame start. A number below the start lies past
    /// midnight. Without a start timecode it counts from zero, non-drop-frame unless `;` is
    /// written.
    ///
    /// # Errors
    /// When the medium does not have that frame or that timecode.
    pub fn resolve(&self, context: &PositionContext<'_>) -> Result<FrameIndex, PositionError> {
        let frame = match self {
            Self::Frame(index) => *index,
            Self::Seconds(time) => (context.frame_at)(*time),
            Self::Timecode(fields) => frame_from_timecode(*fields, context)?,
        };
        let asked = *self;
        if frame < FrameIndex::ZERO {
            return Err(PositionError::Negative(asked.to_string()));
        }
        match context.frame_count {
            Some(count) if count <= 0 => Err(PositionError::NoFrames(asked)),
            Some(count) if frame.0 >= count => {
                let last = FrameIndex(count - 1);
                let last_timecode = context.start_timecode.map(|start| start.offset(last.0));
                Err(PositionError::PastEnd {
                    asked,
                    last,
                    last_timecode,
                })
            }
            _ => Ok(frame),
        }
    }
}

fn frame_from_timecode(
    fields: TimecodeFields,
    context: &PositionContext<'_>,
) -> Result<FrameIndex, TimecodeError> {
    let Some(start) = context.start_timecode else {
        let format = TimecodeFormat::new(context.rate, fields.drop_frame)?;
        return Timecode::from_fields(fields, format)
            .map(|timecode| FrameIndex(timecode.frame_number()));
    };
    let drop_frame = fields.drop_frame || start.format().drop_frame();
    let fields = TimecodeFields {
        drop_frame,
        ..fields
    };
    Timecode::from_fields(fields, start.format())
        .map(|timecode| FrameIndex(timecode.frames_since(start)))
}

/// Why a position could not be read or found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PositionError {
    /// It has another shape.
    #[error("`{0}` is not a position. {POSITION_SYNTAX}")]
    Malformed(String),
    /// It lies before the start.
    #[error("`{0}` is before the start: positions count from the first frame. {POSITION_SYNTAX}")]
    Negative(String),
    /// The number does not fit.
    #[error("`{0}` is too large a number. {POSITION_SYNTAX}")]
    TooLarge(String),
    /// The medium has no such timecode.
    #[error(transparent)]
    Timecode(#[from] TimecodeError),
    /// It lies past the last frame.
    #[error(
        "{asked} is outside the clip: its last frame is {}.",
        last_frame(*last, *last_timecode)
    )]
    PastEnd {
        /// As written.
        asked: Position,
        /// The last frame.
        last: FrameIndex,
        /// Its timecode, where the medium has one.
        last_timecode: Option<Timecode>,
    },
    /// There is no frame at all.
    #[error("{0}: the clip has no frames.")]
    NoFrames(Position),
}

fn last_frame(last: FrameIndex, timecode: Option<Timecode>) -> String {
    timecode.map_or_else(
        || last.to_string(),
        |timecode| format!("{last}, at {timecode}"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NTSC: (u32, u32) = (30_000, 1001);

    fn parse(text: &str) -> Position {
        text.parse().unwrap()
    }

    /// Resolves `text` in a clip of constant rate.
    fn resolve(
        text: &str,
        (num, den): (u32, u32),
        frame_count: Option<i64>,
        start: Option<&str>,
    ) -> Result<i64, PositionError> {
        let rate = FrameRate::new(num, den).unwrap();
        let context = PositionContext {
            rate,
            frame_count,
            start_timecode: start.map(|start| Timecode::parse(start, rate).unwrap()),
            frame_at: &|time| rate.frame_at_floor(time),
        };
        parse(text).resolve(&context).map(|frame| frame.0)
    }

    #[test]
    fn each_form_is_read() {
        assert_eq!(parse("123f"), Position::Frame(FrameIndex(123)));
        assert_eq!(parse(" 0f "), Position::Frame(FrameIndex(0)));
        let half = MediaTime::from_flicks(FLICKS_PER_SECOND * 9 / 2);
        for text in ["4.5s", "4.5", "04.50s", "4.500000000000000000000000"] {
            assert_eq!(parse(text), Position::Seconds(half), "{text}");
        }
        assert_eq!(
            parse("4"),
            Position::Seconds(MediaTime::from_flicks(4 * FLICKS_PER_SECOND))
        );
        assert_eq!(
            parse(".5s"),
            Position::Seconds(MediaTime::from_flicks(FLICKS_PER_SECOND / 2))
        );
        assert_eq!(parse("01:02:03;04").to_string(), "01:02:03;04");
        assert_eq!(parse("1:2:3:4").to_string(), "01:02:03:04");
    }

    #[test]
    fn decimals_round_to_the_nearest_flick() {
        // One third of a second is 235,200,000 flicks.
        let third = Position::Seconds(MediaTime::from_flicks(FLICKS_PER_SECOND / 3));
        assert_eq!(parse("0.333333333s"), third);
        assert_eq!(parse("0.3333333333333333333333333s"), third);
        let one = Position::Seconds(MediaTime::from_flicks(1));
        assert_eq!(parse("0.000000001"), one);
        assert_eq!(parse("0.0000000007"), Position::Seconds(MediaTime::ZERO));
    }

    #[test]
    fn other_text_is_refused_and_says_how_positions_are_written() {
        for text in [
            "",
            "f",
            "s",
            ".",
            "4.",
            "4.s",
            "1.5f",
            "4,5",
            "4.5.6",
            "1e3",
            "abc",
            "4.5 s",
            "0x10",
            "01:02",
            "01:02:03",
            "01:02:03.04",
            "01:02:03:",
            "+4",
            "nan",
            "inf",
            "12ff",
            "٣",
        ] {
            let error = text.parse::<Position>().unwrap_err();
            assert_eq!(error, PositionError::Malformed(text.to_owned()));
            assert!(error.to_string().contains("01:02:03:04"), "{error}");
        }
        for text in ["-1", "-3f", "-4.5s", "-01:02:03:04"] {
            let error = text.parse::<Position>().unwrap_err();
            assert_eq!(error, PositionError::Negative(text.to_owned()));
            assert!(error.to_string().contains("123f"), "{error}");
        }
        for text in [
            "99999999999999999999f",
            "99999999999999999999",
            "99999999999",
        ] {
            let error = text.parse::<Position>().unwrap_err();
            assert_eq!(error, PositionError::TooLarge(text.to_owned()));
        }
    }

    #[test]
    fn frames_and_seconds_resolve() {
        assert_eq!(resolve("123f", (25, 1), Some(300), None), Ok(123));
        assert_eq!(resolve("4.5s", (24, 1), Some(300), None), Ok(108));
        assert_eq!(resolve("1", NTSC, Some(300), None), Ok(29));
        assert_eq!(resolve("1.001s", NTSC, Some(300), None), Ok(30));
        assert_eq!(resolve("123456f", (25, 1), None, None), Ok(123_456));
    }

    #[test]
    fn timecode_counts_from_zero_without_a_start() {
        assert_eq!(resolve("00:01:00:00", NTSC, None, None), Ok(1800));
        assert_eq!(resolve("00:01:00;02", NTSC, None, None), Ok(1800));
        assert!(matches!(
            resolve("00:01:00;00", NTSC, None, None),
            Err(PositionError::Timecode(TimecodeError::DroppedNumber { .. }))
        ));
        assert!(matches!(
            resolve("00:00:01;00", (25, 1), None, None),
            Err(PositionError::Timecode(TimecodeError::DropFrameRate(_)))
        ));
    }

    #[test]
    fn timecode_counts_from_the_start_and_wraps_midnight() {
        let count = Some(2000);
        assert_eq!(
            resolve("10:00:01:00", (25, 1), count, Some("10:00:00:00")),
            Ok(25)
        );
        assert_eq!(
            resolve("00:00:01:00", (25, 1), count, Some("23:59:59:00")),
            Ok(50)
        );
        assert_eq!(
            resolve("01:01:00;02", NTSC, count, Some("01:00:00;00")),
            Ok(1800)
        );
        assert_eq!(
            resolve("01:01:00:02", NTSC, count, Some("01:00:00;00")),
            Ok(1800)
        );
        assert!(matches!(
            resolve("01:00:01;00", NTSC, count, Some("01:00:00:00")),
            Err(PositionError::Timecode(TimecodeError::Mark { .. }))
        ));
    }

    #[test]
    fn past_the_end_names_the_last_frame() {
        let last = |text, start| {
            resolve(text, (25, 1), Some(250), start)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(resolve("249f", (25, 1), Some(250), None), Ok(249));
        assert_eq!(
            last("250f", None),
            "250f is outside the clip: its last frame is 249f."
        );
        assert_eq!(
            last("10.5s", None),
            "10.5s is outside the clip: its last frame is 249f."
        );
        assert_eq!(
            last("01:00:10:00", Some("01:00:00:00")),
            "01:00:10:00 is outside the clip: its last frame is 249f, at 01:00:09:24."
        );
        // Just before the start is almost a day after it.
        assert!(last("00:59:59:24", Some("01:00:00:00")).contains("249f"));
        let empty = resolve("0f", (25, 1), Some(0), None);
        assert!(matches!(empty, Err(PositionError::NoFrames(_))));
    }

    #[test]
    fn a_position_made_before_zero_does_not_resolve() {
        let rate = FrameRate::new(25, 1).unwrap();
        let context = PositionContext {
            rate,
            frame_count: None,
            start_timecode: None,
            frame_at: &|time| rate.frame_at_floor(time),
        };
        for position in [
            Position::Frame(FrameIndex(-1)),
            Position::Seconds(MediaTime::from_flicks(-1)),
        ] {
            let error = position.resolve(&context).unwrap_err();
            assert!(matches!(error, PositionError::Negative(_)), "{error}");
        }
    }

    proptest! {
        #[test]
        fn display_reads_back(flicks in 0..=i64::MAX, index in 0..=i64::MAX) {
            for position in [
                Position::Seconds(MediaTime::from_flicks(flicks)),
                Position::Seconds(MediaTime::from_flicks(flicks % FLICKS_PER_SECOND)),
                Position::Frame(FrameIndex(index)),
            ] {
                prop_assert_eq!(position.to_string().parse(), Ok(position));
            }
        }

        #[test]
        fn written_timecode_reads_back(
            hours in 0..24_u32, minutes in 0..60_u32, seconds in 0..60_u32, frames in 0..240_u32,
            drop_frame: bool,
        ) {
            let fields = TimecodeFields { hours, minutes, seconds, frames, drop_frame };
            prop_assert_eq!(fields.to_string().parse(), Ok(Position::Timecode(fields)));
        }

        #[test]
        fn no_text_panics(text in "[-0-9:;.fs ]{0,40}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string().parse(), Ok(position));
            }
        }
    }
}

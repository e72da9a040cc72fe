//! SMPTE timecode, as ST 12-1 counts it.

use std::fmt;
use std::str::FromStr;

use super::FrameRate;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
const MINUTES_PER_DAY: i64 = 24 * 60;

/// How timecode counts: its rate, and whether it leaves out numbers to keep up with the clock.
///
/// Timecode counts whole frames, so 23.976 fps counts to 24. Non-drop-frame timecode then falls
/// behind the clock by 3.6 seconds an hour. Drop-frame timecode (ST 12-1 §5.2.2) leaves out the
/// first two frame numbers of every minute but each tenth (four at 59.94 fps, and so on), which
/// keeps it within two frames of the clock over ten minutes. It exists only at multiples of
/// 30000/1001 fps. No frame is ever dropped, only numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimecodeFormat {
    rate: FrameRate,
    drop_frame: bool,
}

impl TimecodeFormat {
    /// A format that counts at `rate`.
    ///
    /// # Errors
    /// [`TimecodeError::DropFrameRate`] when `drop_frame` is asked for at a rate that is not a
    /// multiple of 30000/1001, [`TimecodeError::RateTooLow`] below half a frame a second.
    pub fn new(rate: FrameRate, drop_frame: bool) -> Result<Self, TimecodeError> {
        if rate.nominal() == 0 {
            return Err(TimecodeError::RateTooLow(rate));
        }
        if drop_frame && !supports_drop_frame(rate) {
            return Err(TimecodeError::DropFrameRate(rate));
        }
        Ok(Self { rate, drop_frame })
    }

    /// The rate of the frames counted.
    pub fn rate(self) -> FrameRate {
        self.rate
    }

    /// Whether numbers are left out.
    pub fn drop_frame(self) -> bool {
        self.drop_frame
    }

    /// Frames between two midnights.
    pub fn frames_per_day(self) -> i64 {
        let tenths = MINUTES_PER_DAY / 10;
        self.nominal() * SECONDS_PER_DAY - self.dropped_per_minute() * 9 * tenths
    }

    /// Frame numbers in a second: 24 for 23.976 fps.
    fn nominal(self) -> i64 {
        i64::from(self.rate.nominal())
    }

    /// Numbers left out at the start of each minute that is not a tenth one.
    fn dropped_per_minute(self) -> i64 {
        if self.drop_frame {
            self.nominal() / 15
        } else {
            0
        }
    }
}

/// Whether drop-frame timecode is defined at `rate`: n × 30000/1001.
fn supports_drop_frame(rate: FrameRate) -> bool {
    rate.den() == 1001 && rate.num().is_multiple_of(30_000)
}

/// The four numbers of a timecode as a person writes them, not yet tied to a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimecodeFields {
    /// Hours since midnight.
    pub hours: u32,
    /// Minutes of the hour.
    pub minutes: u32,
    /// Seconds of the minute.
    pub seconds: u32,
    /// Frames of the second.
    pub frames: u32,
    /// Whether `;` or `.` stands before the frames.
    pub drop_frame: bool,
}

impl FromStr for TimecodeFields {
    type Err = TimecodeError;

    /// Reads `01:02:03:04`. A `;` or `.` before the frames marks drop-frame; some programs write
    /// `;` in all three places, which reads the same. The fields are not checked against any limit.
    fn from_str(text: &str) -> Result<Self, TimecodeError> {
        let malformed = || TimecodeError::Malformed(text.to_owned());
        let mut numbers = [0; 4];
        let mut separators = [':'; 3];
        let mut rest = text;
        for (index, number) in numbers.iter_mut().enumerate() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            // Four digits hold the frames of any real rate; the other fields have two.
            let most = if index == 3 { 4 } else { 2 };
            if digits == 0 || digits > most {
                return Err(malformed());
            }
            let (field, tail) = rest.split_at(digits);
            *number = field.parse().ok().ok_or_else(malformed)?;
            rest = tail;
            if let Some(separator) = separators.get_mut(index) {
                *separator = rest.chars().next().ok_or_else(malformed)?;
                rest = &rest[separator.len_utf8()..];
            }
        }
        let drop_frame = match separators {
            [':', ':', ':'] => false,
            [':', ':', ';' | '.'] | [';', ';', ';'] => true,
            _ => return Err(malformed()),
        };
        if !rest.is_empty() {
            return Err(malformed());
        }
        let [hours, minutes, seconds, frames] = numbers;
        Ok(Self {
            hours,
            minutes,
            seconds,
            frames,
            drop_frame,
        })
    }
}

impl fmt::Display for TimecodeFields {
    /// `01:02:03:04`, or `01:02:03;04` for drop-frame.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.drop_frame { ';' } else { ':' };
        let Self {
            hours,
            minutes,
            seconds,
            frames,
            ..
        } = self;
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}{mark}{frames:02}")
    }
}

/// A timecode: frames since midnight in a format. It wraps at 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timecode {
    /// Within `0..format.frames_per_day()`.
    frames: i64,
    format: TimecodeFormat,
}

impl Timecode {
    /// The timecode of the frame that is `number` frames after midnight; wraps at 24 hours both
    /// ways.
    pub fn from_frame_number(number: i64, format: TimecodeFormat) -> Self {
        Self {
            frames: number.rem_euclid(format.frames_per_day()),
            format,
        }
    }

    /// The timecode that is written as `fields` in `format`, whose drop-frame mark must agree.
    ///
    /// # Errors
    /// A field past its limit, a number that drop-frame leaves out, or a mark that does not agree.
    pub fn from_fields(
        fields: TimecodeFields,
        format: TimecodeFormat,
    ) -> Result<Self, TimecodeError> {
        if fields.drop_frame != format.drop_frame {
            return Err(TimecodeError::Mark {
                fields,
                drop_frame: format.drop_frame,
            });
        }
        let limits = [
            ("hours", fields.hours, 24),
            ("minutes", fields.minutes, 60),
            ("seconds", fields.seconds, 60),
            ("frames", fields.frames, format.rate.nominal()),
        ];
        for (field, value, limit) in limits {
            if value >= limit {
                return Err(TimecodeError::FieldTooLarge {
                    field,
                    value,
                    limit,
                });
            }
        }
        let dropped = format.dropped_per_minute();
        let frame = i64::from(fields.frames);
        let minute = i64::from(fields.hours * 60 + fields.minutes);
        if minute % 10 != 0 && fields.seconds == 0 && frame < dropped {
            let next = u32::try_from(dropped).unwrap_or(u32::MAX);
            let next = TimecodeFields {
                frames: next,
                ..fields
            };
            return Err(TimecodeError::DroppedNumber { fields, next });
        }
        let number = (minute * 60 + i64::from(fields.seconds)) * format.nominal() + frame;
        Ok(Self {
            frames: number - dropped * (minute - minute / 10),
            format,
        })
    }

    /// Reads `01:02:03:04` at `rate`; `;` or `.` before the frames marks drop-frame.
    ///
    /// # Errors
    /// See [`TimecodeError`].
    pub fn parse(text: &str, rate: FrameRate) -> Result<Self, TimecodeError> {
        let fields: TimecodeFields = text.parse()?;
        Self::from_fields(fields, TimecodeFormat::new(rate, fields.drop_frame)?)
    }

    /// Frames since midnight.
    pub fn frame_number(self) -> i64 {
        self.frames
    }

    /// How it counts.
    pub fn format(self) -> TimecodeFormat {
        self.format
    }

    /// The timecode `frames` later (earlier when negative); wraps at midnight.
    #[must_use]
    pub fn offset(self, frames: i64) -> Self {
        let day = self.format.frames_per_day();
        Self::from_frame_number(self.frames + frames % day, self.format)
    }

    /// Frames from `earlier` to this timecode, 0 or more: a lesser number lies past midnight.
    ///
    /// Both must count in the same format for the answer to mean anything.
    pub fn frames_since(self, earlier: Self) -> i64 {
        (self.frames - earlier.frames).rem_euclid(self.format.frames_per_day())
    }

    /// The four numbers that are written.
    pub fn fields(self) -> TimecodeFields {
        let (nominal, dropped) = (self.format.nominal(), self.format.dropped_per_minute());
        // Put the numbers that were left out back in: nine times in each ten minutes. The first
        // minute of ten is longer than the others, for it drops none.
        let minute = nominal * 60 - dropped;
        let ten_minutes = minute * 10 + dropped;
        let (tens, within) = (self.frames / ten_minutes, self.frames % ten_minutes);
        let minutes_dropped = tens * 9 + ((within - dropped) / minute).max(0);
        let number = self.frames + minutes_dropped * dropped;
        // Every part is below a day's frames and not negative, so it fits.
        let part = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
        TimecodeFields {
            hours: part(number / (nominal * 3600)),
            minutes: part(number / (nominal * 60) % 60),
            seconds: part(number / nominal % 60),
            frames: part(number % nominal),
            drop_frame: self.format.drop_frame,
        }
    }
}

impl fmt::Display for Timecode {
    /// `01:02:03:04`, or `01:02:03;04` for drop-frame; above 100 fps the frames take three digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TimecodeFields {
            hours,
            minutes,
            seconds,
            frames,
            drop_frame,
        } = self.fields();
        let mark = if drop_frame { ';' } else { ':' };
        let digits = if self.format.nominal() > 100 { 3 } else { 2 };
        write!(
            f,
            "{hours:02}:{minutes:02}:{seconds:02}{mark}{frames:0digits$}"
        )
    }
}

/// Why a timecode could not be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimecodeError {
    /// It has another shape.
    #[error("`{0}` is not a timecode. Write it as 01:02:03:04, or 01:02:03;04 for drop-frame.")]
    Malformed(String),
    /// A field is not below its limit.
    #[error("{value} {field} in a timecode: it must be below {limit}.")]
    FieldTooLarge {
        /// `hours`, `minutes`, `seconds` or `frames`.
        field: &'static str,
        /// As written.
        value: u32,
        /// The least value that is too large.
        limit: u32,
    },
    /// The number is one that drop-frame timecode leaves out.
    #[error("{fields} does not exist in drop-frame timecode. The number after the gap is {next}.")]
    DroppedNumber {
        /// As written.
        fields: TimecodeFields,
        /// The first number that exists after it.
        next: TimecodeFields,
    },
    /// The mark before the frames says otherwise than the format.
    #[error(
        "{fields}: timecode here is {}drop-frame. Write `{}` before the frames.",
        if *drop_frame { "" } else { "non-" },
        if *drop_frame { ';' } else { ':' }
    )]
    Mark {
        /// As written.
        fields: TimecodeFields,
        /// Whether the format is drop-frame.
        drop_frame: bool,
    },
    /// Drop-frame does not exist at this rate.
    #[error(
        "drop-frame timecode exists at 29.97 fps and its multiples, not at {0} fps. Write `:` \
         before the frames."
    )]
    DropFrameRate(FrameRate),
    /// Timecode cannot count less than one frame a second.
    #[error("timecode needs a frame a second or more, and this is {0} fps. Use frames or seconds.")]
    RateTooLow(FrameRate),
}

#[cfg(test)]
mod tests;

//! Exact time.
//!
//! Three kinds of time never mix:
//!
//! - [`MediaTime`] and [`MediaSpan`]: an instant and a difference on a medium's own time line, in
//!   flicks (1/705,600,000 s), which hold every usual frame and sample rate exactly.
//! - [`FrameIndex`]: the n-th frame presented.
//! - [`Moment`]: an instant of the machine's monotonic clock, in nanoseconds, read from a [`Clock`]
//!   that tests replace with a [`SimClock`].
//!
//! Conversions between them name their rounding. Floats appear only where a person reads a number.

mod bell;
mod clock;
mod media_time;
mod position;
mod rate;
mod speed;
mod timecode;

pub use bell::Bell;
pub use clock::{Clock, Moment, RealClock, SimClock};
pub use media_time::{FLICKS_PER_SECOND, MediaSpan, MediaTime, TimeBase};
pub use position::{POSITION_SYNTAX, Position, PositionContext, PositionError};
pub use rate::{FrameIndex, FrameRate, FrameRateError};
pub use speed::{Speed, SpeedError};
pub use timecode::{Timecode, TimecodeError, TimecodeFields, TimecodeFormat};

//! SMPTE timecode.
use super::FrameRate;
/// How timecode counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimecodeFormat { /// Frame rate.
    pub rate: FrameRate, /// Whether numbers are dropped.
    pub drop_frame: bool }
/// A timecode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timecode { /// Frames since midnight.
    pub frames: i64, /// Format.
    pub format: TimecodeFormat }
/// Why a timecode could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad timecode")]
pub struct TimecodeError;

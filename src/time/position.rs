//! Positions as a person writes them.
use super::{FrameIndex, MediaTime};
/// A position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position { /// Frame.
    Frame(FrameIndex), /// Seconds.
    Seconds(MediaTime) }
/// What is needed to resolve one.
#[derive(Debug)]
pub struct PositionContext;
/// Why a position could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad position")]
pub struct PositionError;

//! Everything that a person or a program can ask of the player.

use std::path::PathBuf;

use super::quality::{Policy, ProxyUse, QualityMode};
use super::snapshot::Severity;
use crate::decode::LoopMode;
use crate::media::{CompareView, ViewSettings};
use crate::time::{FrameIndex, Position, Speed};

/// Where to seek.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeekTarget {
    /// This frame.
    Frame(FrameIndex),
    /// A position as a person writes it.
    Position(Position),
    /// A fraction of the whole, in millionths: a click on the bar.
    Millionths(u32),
    /// The first frame.
    Start,
    /// The last frame.
    End,
    /// The first frame of the next clip (1) or of the present or previous one (-1).
    Cut(i32),
    /// The next (1) or previous (-1) marker.
    Marker(i32),
}

/// A request to the engine. Seeks are exact, and the latest one wins.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Replace the playlist by these files and play the first.
    Open(Vec<PathBuf>),
    /// Add files at the end of the playlist.
    Append(Vec<PathBuf>),
    /// Go to the next (1) or previous (-1) file.
    PlaylistStep(i32),
    /// Play at the present speed.
    Play,
    /// Hold the frame shown.
    Pause,
    /// Play or pause.
    TogglePause,
    /// Show an exact frame; playing goes on if it was on.
    Seek(SeekTarget),
    /// Drag the playhead: show what is nearest at once, and the exact frame when the playhead rests. What
    /// plays stands still until [`Command::EndScrub`].
    Scrub(SeekTarget),
    /// Let go of the playhead: what played goes on from there.
    EndScrub,
    /// Let short grains of sound be heard, or not, where the playhead is dragged or stepped to.
    SetScrubSound(bool),
    /// Pause and move by whole frames.
    Step(i64),
    /// Seek by seconds, in thousandths.
    SeekByMillis(i64),
    /// Play at this speed.
    SetSpeed(Speed),
    /// J (-1) and L (1): play, or double the speed in that direction up to 8x; K is `Pause`.
    Shuttle(i32),
    /// Put the in mark at the frame shown, or remove it.
    SetIn(Option<FrameIndex>),
    /// Put the out mark (the last frame that plays) at a frame, or remove it.
    SetOut(Option<FrameIndex>),
    /// What happens at the end.
    SetLoop(LoopMode),
    /// Volume in percent, 0 to 200.
    SetVolume(u16),
    /// Mute or unmute.
    SetMuted(bool),
    /// Delay of the sound in milliseconds; negative plays it earlier.
    SetAudioDelayMillis(i32),
    /// Hear another track, counted from 0; `None` switches sound off.
    SetAudioTrack(Option<usize>),
    /// Hear the sound on this device; `None` is the default device.
    SetAudioDevice(Option<String>),
    /// Adjust the view.
    SetView(ViewSettings),
    /// Show the sides of comparisons like this.
    SetCompare(CompareView),
    /// Show proxies in the place of their sources, or not. [`ProxyUse::Never`] cannot be taken back.
    SetProxies(ProxyUse),
    /// Say who chooses what is decoded.
    SetQuality(QualityMode),
    /// Decide what is decoded by these wishes from now on. Proxies that were not looked for stay so.
    SetPolicy(Box<Policy>),
    /// Show the person at the screen a message.
    Tell(Severity, String),
    /// Stop all threads.
    Quit,
}

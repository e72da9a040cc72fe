//! The player's state as lines of JSON, for scripts and tests.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::decode::Rung;
use crate::media::PictureTrait;
use crate::playback::{AudioState, ClockSource, PlaybackStatus, Severity, Snapshot};
use crate::time::FrameIndex;

/// One line. Names are stable; new ones may be added.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of its own in the file"
)]
struct StateLine {
    /// `empty`, `opening`, `paused`, `playing` or `ended`.
    status: &'static str,
    file: Option<String>,
    frame: i64,
    frames: Option<i64>,
    timecode: Option<String>,
    /// Fraction of normal speed; negative is backwards.
    speed: f64,
    mark_in: Option<i64>,
    mark_out: Option<i64>,
    /// `off`, `loop` or `pingpong`.
    #[serde(rename = "loop")]
    loop_mode: &'static str,
    volume: u16,
    muted: bool,
    audio_delay_ms: i32,
    audio_track: Option<usize>,
    /// Whether dragging and stepping are heard.
    scrub_sound: bool,
    audio: String,
    /// `audio`, `monotonic` or `fallback`.
    clock: &'static str,
    exposure: f32,
    gamma: f32,
    channel: String,
    /// How a comparison is shown: `wipe`, `side-by-side`, `difference`, `a` or `b`.
    compare: &'static str,
    /// Where the line of a wipe stands, from 0 at the left edge to 1 at the right one.
    compare_position: f32,
    badges: Vec<&'static str>,
    notices: Vec<String>,
    errors: usize,
    fullscreen: bool,
    device_losses: u64,
    /// The frame on screen; `frame` may still be on its way.
    shown: Option<i64>,
    /// Whether the playhead is being dragged.
    scrubbing: bool,
    /// The frame whose picture stands in for the one asked for.
    approximate: Option<i64>,
    /// Width and height of the window or of the picture in memory, in pixels.
    size: [u32; 2],
    /// What is decoded: `source`, `thinned`, `half`, `quarter` or `keyframes`.
    rung: &'static str,
    /// Who chooses what is decoded.
    quality: &'static str,
    /// When proxies are shown: `auto`, `always` or `never`.
    proxies: &'static str,
    /// Why files that look like proxies are not used.
    proxies_refused: Vec<String>,
    /// What is open over the picture or docked beside it: `help`, `performance`, `prompt`, `menu`, `inspector`,
    /// `guides-safe`, `timeline`, `settings` and so on.
    panels: Vec<&'static str>,
    /// How large the picture is seen: `fit`, `fill`, or percent of its own size.
    zoom: String,
}

/// What the engine does not know of: where its frames are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Screen {
    /// Whether the window fills the screen.
    pub fullscreen: bool,
    /// Devices that were lost and replaced.
    pub device_losses: u64,
    /// The frame shown last.
    pub shown: Option<FrameIndex>,
    /// Width and height in pixels; zero when minimised.
    pub size: [u32; 2],
    /// What is open over the picture or beside it.
    pub panels: Vec<&'static str>,
    /// How large the picture is seen: `fit`, `fill`, or percent of its own size.
    pub zoom: String,
}

impl StateLine {
    fn new(snapshot: &Snapshot, screen: &Screen) -> Self {
        let media = snapshot.media.as_deref();
        Self {
            status: match snapshot.status {
                PlaybackStatus::Empty => "empty",
                PlaybackStatus::Opening => "opening",
                PlaybackStatus::Paused => "paused",
                PlaybackStatus::Playing => "playing",
                PlaybackStatus::Ended => "ended",
            },
            file: media.map(|media| media.info.path.display().to_string()),
            frame: snapshot.position.0,
            frames: media.map(|media| media.frames),
            timecode: snapshot.timecode.map(|timecode| timecode.to_string()),
            speed: snapshot.speed.as_f64(),
            mark_in: snapshot.mark_in.map(|frame| frame.0),
            mark_out: snapshot.mark_out.map(|frame| frame.0),
            loop_mode: match snapshot.loop_mode {
                crate::decode::LoopMode::Off => "off",
                crate::decode::LoopMode::Loop => "loop",
                crate::decode::LoopMode::PingPong => "pingpong",
            },
            volume: snapshot.volume_percent,
            muted: snapshot.muted,
            audio_delay_ms: snapshot.audio_delay_millis,
            audio_track: snapshot.audio_track,
            scrub_sound: snapshot.scrub_sound,
            audio: match &snapshot.audio {
                AudioState::NoTrack => "no track".to_owned(),
                AudioState::Off => "off".to_owned(),
                AudioState::Playing(device) => format!("playing on {device}"),
                AudioState::Silent(reason) => format!("silent: {reason}"),
            },
            clock: match snapshot.clock {
                ClockSource::Audio => "audio",
                ClockSource::Monotonic => "monotonic",
                ClockSource::Fallback => "fallback",
            },
            exposure: snapshot.view.exposure_stops,
            gamma: snapshot.view.gamma,
            channel: format!("{:?}", snapshot.view.channel).to_lowercase(),
            compare: snapshot.compare.mode.name(),
            compare_position: snapshot.compare.position,
            badges: snapshot.traits.iter().map(PictureTrait::name).collect(),
            notices: snapshot
                .notices
                .iter()
                .map(|notice| notice.text.clone())
                .collect(),
            errors: snapshot
                .notices
                .iter()
                .filter(|n| n.severity == Severity::Error)
                .count(),
            fullscreen: screen.fullscreen,
            device_losses: screen.device_losses,
            shown: screen.shown.map(|frame| frame.0),
            scrubbing: snapshot.scrubbing,
            approximate: snapshot.approximate.map(|frame| frame.0),
            size: screen.size,
            rung: match snapshot.rung {
                Rung::Source => "source",
                Rung::Thinned => "thinned",
                Rung::Half => "half",
                Rung::Quarter => "quarter",
                Rung::Keyframes => "keyframes",
            },
            quality: snapshot.quality.mode.name(),
            proxies: snapshot.proxies.name(),
            proxies_refused: snapshot
                .refusals
                .iter()
                .flat_map(|reasons| reasons.iter().map(ToString::to_string))
                .collect(),
            panels: screen.panels.clone(),
            zoom: screen.zoom.clone(),
        }
    }
}

/// Writes a line whenever the state has changed.
pub struct StateFile {
    file: File,
    last: Option<StateLine>,
}

impl StateFile {
    /// Makes `path`, or empties it.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::create(path)?,
            last: None,
        })
    }

    /// Writes the state if it is not what was written last.
    pub fn write(&mut self, snapshot: &Snapshot, screen: &Screen) -> io::Result<()> {
        let line = StateLine::new(snapshot, screen);
        if self.last.as_ref() == Some(&line) {
            return Ok(());
        }
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        self.file.write_all(text.as_bytes())?;
        self.last = Some(line);
        Ok(())
    }
}

//! The engine: turns commands into plans for the sessions, and leads the clock.
//!
//! # Clock, units, thread
//! All instants are of the [`Clock`] that the engine is made with; media time is in flicks from the
//! medium's declared start. An engine belongs to one thread (see [`super::EngineHandle`]), which gives it
//! commands with [`Engine::handle`] and lets it look around with [`Engine::tick`]. It never waits: tests
//! drive it with a simulated clock and scripted sources.
//!
//! # How a seek goes
//! 1. A plan with a new generation goes to the session, and the schedule says: hold its first frame.
//!    Work of older generations is dropped wherever it is met.
//! 2. The presenting thread shows that frame as soon as it comes.
//! 3. If the transport plays, the engine waits until the first frame and the first samples are there
//!    (the pre-roll), and then publishes a line: run time zero is at this instant. Sound and picture
//!    start together.
//! 4. While it runs the line is bent gently towards the audio clock, as long as that can be trusted.
//!
//! # Pause and steps
//! A pause keeps the plan: the ring's content is still what comes next. A step takes the next frame of a
//! plan that runs the same way; any other direction is a new plan.
//!
//! # What is at hand
//! A frame that the source has kept is shown without its thread: the schedule brings the picture along.
//! The plan is drawn up all the same, and given to the session when the playhead has come to rest, or
//! begins to run. See [`scrub`] for what holds while the playhead is dragged.

mod commands;
mod grain;
mod kept;
mod medium;
mod plan;
mod quality;
mod reload;
mod report;
mod run;
mod scrub;

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use crossbeam_channel::Sender;

use self::grain::Grain;
use self::kept::KeptLook;
use self::medium::Medium;
use self::plan::Planned;
use self::quality::Quality;
pub use self::quality::QualityGauges;
use self::report::Notices;
use self::run::AudioRun;
use self::scrub::{DecodingPace, Scrub};
use super::opener::Opener;
use super::quality::Policy;
use super::schedule::{AtHand, Epoch, Feedback, NewSource, Schedule, ScheduleMode};
use super::snapshot::{ClockSource, PlaybackStatus, Snapshot};
use super::sound::Sound;
use crate::decode::{Generation, LoopMode, RunAnchor, SharedAnchor};
use crate::media::{CompareView, ViewSettings};
use crate::time::{Clock, FrameIndex, MediaSpan, Moment, Position, Speed};

/// What the engine is connected to.
pub struct EngineParts {
    /// Opens media.
    pub opener: Box<dyn Opener>,
    /// Plays their sound.
    pub sound: Box<dyn Sound>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where the schedule for the presenting thread is published.
    pub schedule: Arc<ArcSwap<Schedule>>,
    /// What the presenting thread answers.
    pub feedback: Arc<Feedback>,
    /// How new rings reach the presenting thread.
    pub sources: Sender<NewSource>,
    /// Where the line of run time is published for the sessions.
    pub anchor: SharedAnchor,
    /// Where the state is published.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// What is heeded when quality is chosen, beside what is measured.
    pub gauges: QualityGauges,
}

/// How a medium begins.
#[derive(Debug, Clone, Copy, Default)]
pub struct StartOptions {
    /// Hold the first frame instead of playing.
    pub paused: bool,
    /// Show each frame as soon as it comes, without sound or clock.
    pub untimed: bool,
    /// Where to start.
    pub position: Option<Position>,
    /// The in mark.
    pub mark_in: Option<Position>,
    /// The out mark.
    pub mark_out: Option<Position>,
    /// What is wanted of quality.
    pub quality: Policy,
}

/// What the transport is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is open.
    Idle,
    /// A frame is held.
    Held,
    /// Play begins at this run time when the first frame and the first samples are there.
    Prerolling { from: MediaSpan, since: Moment },
    /// Frames and samples follow this line.
    Running(RunAnchor),
    /// Frames follow one another without a clock.
    Untimed,
    /// The plan is over; its last frame is held.
    Ended,
}

/// See the module.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a state of its own; none excludes another"
)]
pub struct Engine {
    // Surroundings.
    pub(super) opener: Box<dyn Opener>,
    pub(super) sound: Box<dyn Sound>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) schedule: Arc<ArcSwap<Schedule>>,
    pub(super) feedback: Arc<Feedback>,
    pub(super) sources: Sender<NewSource>,
    pub(super) anchor: SharedAnchor,
    pub(super) snapshot: Arc<ArcSwap<Snapshot>>,
    // The medium.
    pub(super) playlist: Arc<Vec<PathBuf>>,
    pub(super) playlist_index: usize,
    pub(super) opening: bool,
    /// Whether what is being opened is the medium that plays, changed on disk.
    pub(super) reloading: bool,
    /// Whether the medium that is being opened begins to play.
    pub(super) plays_when_open: bool,
    pub(super) medium: Option<Medium>,
    pub(super) epoch: Epoch,
    pub(super) start: StartOptions,
    // The transport.
    pub(super) generation: Generation,
    pub(super) phase: Phase,
    pub(super) planned: Option<Planned>,
    /// The frame that is held, or will be when the plan's first frame comes.
    pub(super) held: FrameIndex,
    /// Whether the frame held is whichever the presenting thread has come to.
    pub(super) stays: bool,
    pub(super) speed: Speed,
    pub(super) loop_mode: LoopMode,
    pub(super) mark_in: Option<FrameIndex>,
    pub(super) mark_out: Option<FrameIndex>,
    // The playhead in somebody's hand.
    /// While it is dragged.
    pub(super) scrub: Option<Scrub>,
    /// What is at hand for the frame held.
    pub(super) at_hand: Option<AtHand>,
    /// When the session is given the plan that was drawn up, if the playhead rests until then.
    pub(super) rest_at: Option<Moment>,
    /// Since when the target of a drag has waited for its own picture.
    pub(super) unanswered: Option<Moment>,
    /// The frame whose picture stands in for the one held.
    pub(super) approximate: Option<FrameIndex>,
    /// When that was chosen.
    pub(super) stands_since: Option<Moment>,
    pub(super) pace: DecodingPace,
    pub(super) scrub_sound: bool,
    pub(super) grain: Grain,
    /// The place to be heard next.
    pub(super) next_grain: Option<FrameIndex>,
    /// What of its surroundings is at hand.
    pub(super) kept: KeptLook,
    // The sound.
    pub(super) audio_run: Option<AudioRun>,
    pub(super) audio_enabled: bool,
    pub(super) wanted_track: Option<usize>,
    pub(super) volume_percent: u16,
    pub(super) muted: bool,
    pub(super) audio_delay_millis: i32,
    pub(super) clock_source: ClockSource,
    pub(super) sound_ahead: Option<MediaSpan>,
    // What is decoded.
    pub(super) quality: Quality,
    // What people see.
    pub(super) view: ViewSettings,
    pub(super) compare: CompareView,
    pub(super) notices: Notices,
    pub(super) quit: bool,
    /// Whether something was published that others should look at.
    pub(super) news: bool,
}

impl Engine {
    /// An engine with nothing open. `start` holds for every medium that is opened.
    pub fn new(parts: EngineParts, start: StartOptions) -> Self {
        Self {
            opener: parts.opener,
            sound: parts.sound,
            clock: parts.clock,
            schedule: parts.schedule,
            feedback: parts.feedback,
            sources: parts.sources,
            anchor: parts.anchor,
            snapshot: parts.snapshot,
            playlist: Arc::new(Vec::new()),
            playlist_index: 0,
            opening: false,
            reloading: false,
            plays_when_open: true,
            medium: None,
            epoch: Epoch::default(),
            start,
            generation: Generation::default(),
            phase: Phase::Idle,
            planned: None,
            held: FrameIndex::ZERO,
            stays: false,
            speed: Speed::NORMAL,
            loop_mode: LoopMode::Off,
            mark_in: None,
            mark_out: None,
            scrub: None,
            at_hand: None,
            rest_at: None,
            unanswered: None,
            approximate: None,
            stands_since: None,
            pace: DecodingPace::default(),
            scrub_sound: true,
            grain: Grain::Silent,
            next_grain: None,
            kept: KeptLook::default(),
            audio_run: None,
            audio_enabled: !start.untimed,
            wanted_track: None,
            volume_percent: 100,
            muted: false,
            audio_delay_millis: 0,
            clock_source: ClockSource::Monotonic,
            sound_ahead: None,
            quality: Quality::new(start.quality, parts.gauges),
            view: ViewSettings::default(),
            compare: CompareView::default(),
            notices: Notices::default(),
            quit: false,
            news: false,
        }
    }

    /// Looks around: what was opened, what is ready, where the clock stands, what has ended. Answers
    /// when it wants to look again, if nothing wakes it before.
    pub fn tick(&mut self) -> Option<Moment> {
        let now = self.clock.now();
        if let Some(opened) = self.opener.poll() {
            let reloaded = std::mem::take(&mut self.reloading);
            self.opening = false;
            match opened {
                opened if reloaded => self.medium_reloaded(opened),
                Ok(opened) => self.medium_opened(opened),
                Err(reason) => self.medium_failed(&reason),
            }
        }
        self.check_reload();
        self.check_media();
        self.check_beyond_end();
        self.follow_index();
        self.follow_display();
        self.check_held();
        self.follow_target(now);
        self.follow_grain(now);
        match self.phase {
            Phase::Prerolling { from, since } => self.try_to_start(from, since, now),
            Phase::Running(anchor) => self.keep_running(anchor, now),
            Phase::Untimed => self.check_ended(),
            Phase::Idle | Phase::Held | Phase::Ended => {}
        }
        self.follow_quality(now);
        self.notices.expire(now);
        self.publish_snapshot();
        self.next_look(now)
    }

    /// Whether anything was published since the last call that the presenting thread should look at.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// Whether the person asked to quit.
    pub fn wants_to_quit(&self) -> bool {
        self.quit
    }

    pub(super) fn status(&self) -> PlaybackStatus {
        if self.opening {
            return PlaybackStatus::Opening;
        }
        match self.phase {
            Phase::Idle => PlaybackStatus::Empty,
            Phase::Held => PlaybackStatus::Paused,
            Phase::Prerolling { .. } | Phase::Running(_) | Phase::Untimed => {
                PlaybackStatus::Playing
            }
            Phase::Ended => PlaybackStatus::Ended,
        }
    }

    pub(super) fn is_playing(&self) -> bool {
        self.status() == PlaybackStatus::Playing
    }

    pub(super) fn next_generation(&mut self) -> Generation {
        self.generation = self.generation.next();
        self.generation
    }

    /// Holds `frame` from now on.
    pub(super) fn hold_frame(&mut self, frame: FrameIndex) {
        self.held = frame;
        self.stays = false;
    }

    /// Tells the presenting thread and the sessions what holds now.
    pub(super) fn publish_schedule(&mut self) {
        self.news = true;
        self.publish_line();
    }

    /// The same, where nobody has to hurry: the line has been bent a little.
    pub(super) fn publish_line(&mut self) {
        let generation = self
            .planned
            .as_ref()
            .map_or(self.generation, |p| p.plan.generation);
        let reverse = self
            .planned
            .as_ref()
            .is_some_and(|planned| planned.plan.reverse);
        let mode = match self.phase {
            Phase::Idle => ScheduleMode::Idle,
            Phase::Held if self.stays => ScheduleMode::Stay,
            Phase::Held | Phase::Prerolling { .. } | Phase::Ended => ScheduleMode::Hold(self.held),
            Phase::Running(anchor) => ScheduleMode::Run(anchor),
            Phase::Untimed => ScheduleMode::Untimed,
        };
        let anchor = match mode {
            ScheduleMode::Run(anchor) => Some(Arc::new(anchor)),
            _ => None,
        };
        self.anchor.store(anchor);
        let held = matches!(mode, ScheduleMode::Hold(_));
        self.schedule.store(Arc::new(Schedule {
            epoch: self.epoch,
            generation,
            reverse,
            mode,
            at_hand: self.at_hand.clone().filter(|_| held),
        }));
    }
}

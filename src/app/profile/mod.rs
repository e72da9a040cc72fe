//! Profiling while somebody looks: scopes are switched on, and what they measured is kept for the panel.
//!
//! Off, which is as a rule, a scope costs the look at one flag. The window's thread delimits frames
//! ([`Profiler::begin_turn`]); all threads report their outermost scopes as they end, and `puffin` hands them over
//! on the window's thread with the next turn. Nothing is read or converted there but the outermost scopes of that
//! one thread.

mod export;

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use puffin::{FrameData, FrameSinkId, GlobalProfiler};

pub(super) use self::export::export;
use crate::metrics::{FrameLog, GpuPass, ProfileLimits, ProfileLog, Turn};
use crate::time::Moment;
use crate::ui::ProfileInput;

/// Frames between two looks at most. There is one as a rule; two where one was ended beside.
const INBOX: usize = 16;

/// While the window is not drawn no turn begins, and what other threads report would pile up: then a frame is
/// ended this often all the same.
const LONGEST_FRAME_NANOS: i64 = 1_000_000_000;

/// Owned by the window's thread.
pub(super) struct Profiler {
    log: ProfileLog,
    inbox: (Sender<Arc<FrameData>>, Receiver<Arc<FrameData>>),
    /// There while frames are gathered.
    sink: Option<FrameSinkId>,
    /// Whether scopes are on for somebody else, whom this leaves alone.
    are_served: bool,
    is_shown: bool,
    is_paused: bool,
    turn_begun: Option<Moment>,
}

impl Profiler {
    /// Gathers nothing yet. Call it on the thread that presents, after scopes were switched on for others.
    pub(super) fn new() -> Self {
        let thread = std::thread::current();
        let presenter = thread.name().unwrap_or_default();
        Self {
            log: ProfileLog::new(presenter, ProfileLimits::default()),
            inbox: bounded(INBOX),
            sink: None,
            are_served: puffin::are_scopes_on(),
            is_shown: false,
            is_paused: false,
            turn_begun: None,
        }
    }

    /// Says whether the panel is on the screen. Frames are gathered while it is, unless they are paused.
    pub(super) fn follow(&mut self, is_shown: bool, now: Moment) {
        self.is_shown = is_shown;
        self.switch();
        let is_long = |begun| now.nanos_since(begun) >= LONGEST_FRAME_NANOS;
        if self.sink.is_some() && self.turn_begun.is_none_or(is_long) {
            self.begin_turn(now);
        }
    }

    /// Stops gathering, or goes on.
    pub(super) fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
        self.switch();
    }

    /// What the panel is shown.
    pub(super) fn input<'a>(&'a self, records: &'a FrameLog) -> ProfileInput<'a> {
        ProfileInput {
            log: &self.log,
            records,
            is_paused: self.is_paused,
        }
    }

    /// What was gathered.
    pub(super) fn log(&self) -> &ProfileLog {
        &self.log
    }

    /// Ends a frame and begins the next.
    pub(super) fn begin_turn(&mut self, now: Moment) {
        GlobalProfiler::lock().new_frame();
        let begun = self.turn_begun.replace(now).unwrap_or(now);
        let turn = Turn { begun, ended: now };
        for frame in self.inbox.1.try_iter() {
            self.log.push(&frame, turn);
        }
    }

    /// Takes passes of the GPU whose times have come.
    pub(super) fn push_gpu(&mut self, passes: impl IntoIterator<Item = GpuPass>) {
        if self.sink.is_some() {
            self.log.push_gpu(passes);
        }
    }

    fn switch(&mut self) {
        let gathers = self.is_shown && !self.is_paused;
        if gathers == self.sink.is_some() {
            return;
        }
        let mut profiler = GlobalProfiler::lock();
        if let Some(sink) = self.sink.take() {
            profiler.remove_sink(sink);
        } else {
            let inbox = self.inbox.0.clone();
            let sink = profiler.add_sink(Box::new(move |frame| {
                // A full inbox is one that nobody empties: then nobody misses the frame.
                let _full = inbox.try_send(frame);
            }));
            // Names are told once; some were told to others before.
            profiler.emit_scope_snapshot();
            self.sink = Some(sink);
        }
        drop(profiler);
        if !self.are_served {
            puffin::set_scopes_on(gathers);
        }
    }
}

impl Drop for Profiler {
    fn drop(&mut self) {
        self.is_shown = false;
        self.switch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn turn_with_work(profiler: &mut Profiler, now: Moment) {
        profiler.begin_turn(now);
        puffin::profile_scope!("turn");
        puffin::profile_scope!("interface");
    }

    /// One test, for the switch is the whole program's.
    #[test]
    fn scopes_are_on_while_somebody_looks_and_frames_are_kept() {
        let at = |tenths: i64| Moment::ZERO.offset_nanos(tenths * SECOND / 10);
        let mut profiler = Profiler::new();
        turn_with_work(&mut profiler, at(0));
        turn_with_work(&mut profiler, at(1));
        assert!(!puffin::are_scopes_on(), "nobody looks");
        assert!(profiler.log().is_empty());

        profiler.follow(true, at(1));
        assert!(puffin::are_scopes_on());
        for turn in 2..6 {
            turn_with_work(&mut profiler, at(turn));
        }
        let costs: Vec<_> = profiler.log().costs().collect();
        assert_eq!(costs.len(), 3, "the last one is under way");
        let turns: Vec<Turn> = costs.iter().map(|cost| cost.turn).collect();
        let expected = [2, 3, 4].map(|turn| Turn {
            begun: at(turn),
            ended: at(turn + 1),
        });
        assert_eq!(turns, expected);
        for cost in &costs {
            let frame = profiler.log().frame(cost.number).unwrap();
            let own = std::thread::current().name().unwrap().to_owned();
            let thread = frame.threads.iter().find(|thread| *thread.name == *own);
            let spans = &thread.unwrap().spans;
            let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
            assert_eq!(names, ["turn", "interface"]);
            assert_eq!(cost.work_nanos, spans[0].nanos);
        }

        profiler.pause(true);
        assert!(!puffin::are_scopes_on());
        turn_with_work(&mut profiler, at(7));
        turn_with_work(&mut profiler, at(8));
        assert_eq!(
            profiler.log().costs().len(),
            3,
            "what was seen stays as it was"
        );

        profiler.pause(false);
        turn_with_work(&mut profiler, at(9));
        profiler.follow(true, at(12));
        assert_eq!(profiler.log().costs().len(), 3, "a turn takes its time");
        profiler.follow(true, at(20));
        assert_eq!(
            profiler.log().costs().len(),
            4,
            "an idle window ends its frame"
        );

        profiler.follow(false, at(21));
        assert!(!puffin::are_scopes_on());
        profiler.follow(true, at(21));
        assert!(puffin::are_scopes_on());
        drop(profiler);
        assert!(!puffin::are_scopes_on(), "the window is closed");

        puffin::set_scopes_on(true);
        let mut profiler = Profiler::new();
        profiler.follow(true, at(0));
        profiler.follow(false, at(0));
        drop(profiler);
        assert!(puffin::are_scopes_on(), "they were on for somebody else");
        puffin::set_scopes_on(false);
    }
}

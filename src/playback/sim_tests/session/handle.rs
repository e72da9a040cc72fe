//! What the engine and the rig hold of a session.

use std::ops::Range;

use super::*;
use crate::decode::{ClipChooser, ClipLook, Gop, stretches};
use crate::media::Size;

/// The engine's handle.
pub(in crate::playback::sim_tests) struct SimSource(Arc<Mutex<SimSession>>);

impl VideoSource for SimSource {
    fn set_plan(&mut self, plan: VideoPlan) {
        let mut session = self.0.lock();
        session.plans.push(plan);
        session.order = Some(plan);
    }

    fn status(&self) -> SourceStatus {
        let session = self.0.lock();
        SourceStatus {
            ready: session.ready,
            failure: None,
            ring_fill: (
                session.ring.fill().load(Ordering::Relaxed),
                session.ring.capacity(),
            ),
            damaged_packets: 0,
            outside_pool: (0, 0),
            repacked: 0,
            decoded: session.begun.len() as u64,
            rung: session.decoded_rung(),
            has_proxies: session.medium.rungs.is_some(),
            cost: session.measured(),
            left_out: 0,
            holds_lap: false,
        }
    }

    fn rungs(&self) -> Vec<(Rung, Size)> {
        self.0.lock().sizes()
    }

    fn has_clips(&self) -> bool {
        let session = self.0.lock();
        session
            .medium
            .rungs
            .as_ref()
            .is_some_and(|rungs| rungs.clip_frames > 0)
    }

    fn set_chooser(&mut self, chooser: Arc<dyn ClipChooser>) {
        self.0.lock().set_chooser(chooser);
    }

    fn clip_at(&self, frame: Option<FrameIndex>) -> Option<ClipLook> {
        self.0.lock().look(frame)
    }

    fn set_rung(&mut self, rung: Rung) {
        self.0.lock().ask(rung);
    }

    fn set_clip_rung(&mut self, _frame: FrameIndex, rung: Rung) {
        self.0.lock().ask(rung);
    }

    fn index(&self) -> Arc<GopIndex> {
        let session = self.0.lock();
        if session.medium.hides_gops {
            let constant = GopIndex::constant(session.medium.rate, session.index.len());
            return Arc::new(constant);
        }
        Arc::clone(&session.index)
    }

    fn gop_at(&self, frame: FrameIndex) -> Option<Gop> {
        let session = self.0.lock();
        let (first, next) = session.index.gop_of(frame)?;
        Some(Gop {
            up_to: frame.0 - first.0 + 1,
            frames: next.map_or(session.index.len(), |next| next.0) - first.0,
        })
    }

    fn proxy_gop(&self, _frame: FrameIndex) -> Option<i64> {
        self.0.lock().is_on_proxy().then_some(1)
    }

    fn kept(&self, frames: Range<FrameIndex>) -> Vec<Range<FrameIndex>> {
        let session = self.0.lock();
        stretches(frames, |frame| session.medium.kept.contains(&frame.0))
    }

    fn abandon(&mut self) {
        let mut session = self.0.lock();
        session.order = None;
        session.cursor = None;
        session.pending.clear();
        session.window.clear();
        session.fill = None;
        session.passed = None;
    }

    fn still(&self, frame: FrameIndex) -> Option<Still> {
        let session = self.0.lock();
        let kept = session.medium.kept.contains(&frame.0);
        kept.then(|| session.still(frame.0))
    }

    fn nearest_still(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let session = self.0.lock();
        let kept = session.medium.kept.iter().chain(&session.passed);
        session.nearest(kept.copied(), frame.0, reach)
    }

    fn allow_prefetch(&mut self, allowed: bool) {
        self.0.lock().prefetches = allowed;
    }

    fn want_keyframe(&mut self, frame: FrameIndex) {
        let mut session = self.0.lock();
        let Some((first, next)) = session.index.gop_of(frame) else {
            return;
        };
        let nearer = next.filter(|next| next.0 - frame.0 < frame.0 - first.0);
        session.keyframe_wish = Some(nearer.unwrap_or(first).0);
        let now = session.clock.now();
        session.run_keyframes(now);
    }

    fn keyframe_near(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let session = self.0.lock();
        session.nearest(session.keyframes.iter().copied(), frame.0, reach)
    }
}

impl Drop for SimSource {
    fn drop(&mut self) {
        self.0.lock().closed = true;
    }
}

/// The session that is open, shared by opener and rig.
#[derive(Clone, Default)]
pub(in crate::playback::sim_tests) struct OpenSession(Arc<Mutex<Option<Arc<Mutex<SimSession>>>>>);

impl OpenSession {
    /// Takes another session in, and answers the engine's handle of it.
    pub(in crate::playback::sim_tests) fn begin(&self, session: SimSession) -> SimSource {
        let session = Arc::new(Mutex::new(session));
        *self.0.lock() = Some(Arc::clone(&session));
        SimSource(session)
    }

    /// Lets the session work; answers when it has more, and whether there is something new to see.
    pub(in crate::playback::sim_tests) fn run(&self) -> (Option<Moment>, bool) {
        let Some(session) = self.0.lock().clone() else {
            return (None, false);
        };
        let mut session = session.lock();
        if session.closed {
            return (None, false);
        }
        let next = session.run();
        (next, std::mem::take(&mut session.noted))
    }

    /// Nothing is decoded between these moments.
    pub(in crate::playback::sim_tests) fn stall(&self, from: Moment, to: Moment) {
        if let Some(session) = &*self.0.lock() {
            session.lock().stall = Some((from, to));
        }
    }

    /// When decoding of frames began after `moment`, and for which plans.
    pub(in crate::playback::sim_tests) fn begun_after(
        &self,
        moment: Moment,
    ) -> Vec<(Moment, Generation)> {
        let open = self.0.lock();
        let begun = open.as_ref().map(|session| session.lock().begun.clone());
        let begun = begun.unwrap_or_default().into_iter();
        begun.filter(|(at, _)| *at > moment).collect()
    }

    /// When which frame began to be decoded, and from what.
    pub(in crate::playback::sim_tests) fn rungs(&self) -> Vec<(Moment, i64, Rung)> {
        let open = self.0.lock();
        open.as_ref()
            .map_or_else(Vec::new, |session| session.lock().rung_log().to_vec())
    }

    /// Whether the session that is open may decode frames that nobody has asked for.
    pub(in crate::playback::sim_tests) fn prefetches(&self) -> bool {
        let open = self.0.lock();
        open.as_ref()
            .is_some_and(|session| session.lock().prefetches)
    }

    /// Plans that were given to the session that is open.
    pub(in crate::playback::sim_tests) fn plans(&self) -> Vec<VideoPlan> {
        self.0
            .lock()
            .as_ref()
            .map_or_else(Vec::new, |session| session.lock().plans.clone())
    }
}

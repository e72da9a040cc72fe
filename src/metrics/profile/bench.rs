//! Frames made for tests, on a clock that the tests decide on.

use std::sync::Arc;

use parking_lot::Mutex;
use puffin::{FrameData, GlobalProfiler, ScopeDetails, ScopeId, Stream, StreamInfo, ThreadInfo};

use super::{ProfileLimits, ProfileLog, Turn};
use crate::time::Moment;

/// A scope and what it holds: name, begin, end.
pub(crate) struct Scope(pub &'static str, pub i64, pub i64, pub Vec<Scope>);

/// A profiler of its own, that fills a log whose presenting thread is `main`.
pub(crate) struct ProfileBench {
    pub(super) profiler: GlobalProfiler,
    delivered: Arc<Mutex<Vec<Arc<FrameData>>>>,
    pub(crate) log: ProfileLog,
    turns: u64,
}

/// Turns follow one another this fast, on the engine's clock.
pub(crate) const TURN_NANOS: u64 = 1_000;

impl ProfileBench {
    pub(crate) fn new(limits: ProfileLimits) -> Self {
        let mut profiler = GlobalProfiler::default();
        let delivered: Arc<Mutex<Vec<Arc<FrameData>>>> = Arc::default();
        let sink = Arc::clone(&delivered);
        profiler.add_sink(Box::new(move |frame| sink.lock().push(frame)));
        Self {
            profiler,
            delivered,
            log: ProfileLog::new("main", limits),
            turns: 0,
        }
    }

    pub(super) fn id(&mut self, name: &'static str) -> ScopeId {
        self.profiler
            .register_user_scopes(&[ScopeDetails::from_scope_name(name)])[0]
    }

    pub(super) fn write(&mut self, stream: &mut Stream, scope: &Scope) {
        let Scope(name, begin, end, inner) = scope;
        let id = self.id(name);
        let (offset, _) = stream.begin_scope(|| *begin, id, "");
        for scope in inner {
            self.write(stream, scope);
        }
        stream.end_scope(offset, *end);
    }

    /// What a thread reports when its outermost scope has ended.
    pub(crate) fn report(&mut self, thread: &str, scope: &Scope) {
        let mut stream = Stream::default();
        self.write(&mut stream, scope);
        self.report_stream(thread, stream);
    }

    pub(super) fn report_stream(&mut self, thread: &str, stream: Stream) {
        let info = ThreadInfo {
            start_time_ns: Some(7),
            name: thread.to_owned(),
        };
        let parsed = StreamInfo::parse(stream).unwrap();
        self.profiler
            .report_user_scopes(info, &parsed.as_stream_into_ref());
    }

    /// Ends the frame.
    pub(crate) fn turn(&mut self) {
        self.profiler.new_frame();
        let turn = Turn {
            begun: Moment::from_nanos(self.turns * TURN_NANOS),
            ended: Moment::from_nanos((self.turns + 1) * TURN_NANOS),
        };
        self.turns += 1;
        for frame in self.delivered.lock().drain(..) {
            self.log.push(&frame, turn);
        }
    }
}

//! One frame as plain numbers.

use std::collections::HashMap;
use std::sync::Arc;

use puffin::{Reader, ScopeCollection, ScopeId, Stream, UnpackedFrameData};

use super::gpu::{GpuPass, placed};

/// What the row of the GPU is called.
pub const GPU_THREAD: &str = "GPU";

/// What all threads did from one turn of the presenting thread to the next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileFrame {
    /// Counts turns since the program began.
    pub number: u64,
    /// When its first span begins, in nanoseconds of the profiler's clock. A span of another thread may have
    /// begun turns ago: it belongs to the frame in which its outermost scope ended.
    pub start_nanos: i64,
    /// From there to the end of its last span.
    pub duration_nanos: u64,
    /// The presenting thread, then the others by name, then the GPU.
    pub threads: Vec<ThreadSpans>,
    /// Whether every span could be read.
    pub is_whole: bool,
}

/// What one thread did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadSpans {
    /// Its name; [`GPU_THREAD`] for the GPU.
    pub name: Arc<str>,
    /// When its first scope ever began, which tells threads of one name apart.
    pub since_nanos: Option<i64>,
    /// In the order they began; what lies within a span follows it.
    pub spans: Vec<Span>,
}

/// One scope, from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What was done.
    pub name: Arc<str>,
    /// When it began, counted from the start of the frame.
    pub start_nanos: u64,
    /// How long it took.
    pub nanos: u64,
    /// How many scopes it lies within.
    pub depth: u16,
}

impl Span {
    /// When it ended, counted from the start of the frame.
    pub fn end_nanos(&self) -> u64 {
        self.start_nanos.saturating_add(self.nanos)
    }
}

impl ProfileFrame {
    /// Spans of all threads.
    pub fn span_count(&self) -> usize {
        self.threads.iter().map(|thread| thread.spans.len()).sum()
    }

    /// Reads the streams of a frame. `presenter` is the name of the thread that presents.
    pub(super) fn read(
        frame: &UnpackedFrameData,
        scopes: &ScopeCollection,
        gpu: &[GpuPass],
        presenter: &str,
    ) -> Self {
        let (start, end) = frame.range_ns();
        let gpu = placed(gpu.to_vec());
        let gpu_end = gpu.last().map_or(end, |(start, pass)| {
            start.saturating_add_unsigned(pass.nanos)
        });
        let mut whole = Self {
            number: frame.frame_index(),
            start_nanos: start,
            duration_nanos: end.max(gpu_end).abs_diff(start),
            threads: Vec::with_capacity(frame.thread_streams.len() + 1),
            is_whole: true,
        };
        let mut names = Names {
            scopes,
            made: HashMap::new(),
        };
        for (info, stream) in &frame.thread_streams {
            let (spans, is_whole) = spans_of(&stream.stream, start, &mut names);
            whole.is_whole &= is_whole;
            let name = match info.name.as_str() {
                "" => "unnamed thread",
                name => name,
            };
            whole.threads.push(ThreadSpans {
                name: name.into(),
                since_nanos: info.start_time_ns,
                spans,
            });
        }
        whole.threads.sort_by(|a, b| {
            let order =
                |thread: &ThreadSpans| (*thread.name != *presenter, Arc::clone(&thread.name));
            order(a).cmp(&order(b))
        });
        if !gpu.is_empty() {
            let span = |(begun, pass): (i64, GpuPass)| Span {
                name: pass.name.into(),
                // Submitted by a scope of the frame, so not before its start.
                start_nanos: u64::try_from(begun.saturating_sub(start)).unwrap_or(0),
                nanos: pass.nanos,
                depth: 0,
            };
            whole.threads.push(ThreadSpans {
                name: GPU_THREAD.into(),
                since_nanos: None,
                spans: gpu.into_iter().map(span).collect(),
            });
        }
        whole
    }
}

/// Names of scopes, each made once.
struct Names<'a> {
    scopes: &'a ScopeCollection,
    made: HashMap<ScopeId, Arc<str>>,
}

impl Names<'_> {
    /// The name of a scope, and what it says of itself.
    fn of(&mut self, id: ScopeId, data: &str) -> Arc<str> {
        let name = self.made.entry(id).or_insert_with(|| {
            let known = self.scopes.fetch_by_id(&id);
            known.map_or_else(
                || format!("scope {}", id.0).into(),
                |scope| scope.name().as_ref().into(),
            )
        });
        match data {
            "" => Arc::clone(name),
            data => format!("{name} {data}").into(),
        }
    }
}

/// The spans of a stream, with times counted from `start_nanos`, and whether all of them could be read.
fn spans_of(stream: &Stream, start_nanos: i64, names: &mut Names<'_>) -> (Vec<Span>, bool) {
    let mut spans = Vec::new();
    let mut is_whole = true;
    // One reader for each scope that is open, the outermost first.
    let mut open = vec![Reader::from_start(stream)];
    while let Some(reader) = open.last_mut() {
        match reader.next() {
            Some(Ok(scope)) => {
                spans.push(Span {
                    name: names.of(scope.id, scope.record.data),
                    start_nanos: scope.record.start_ns.abs_diff(start_nanos),
                    nanos: scope.record.duration_ns.unsigned_abs(),
                    depth: u16::try_from(open.len() - 1).unwrap_or(u16::MAX),
                });
                if scope.child_begin_position < scope.child_end_position {
                    match Reader::with_offset(stream, scope.child_begin_position) {
                        Ok(children) => open.push(children),
                        Err(_beyond_the_end) => is_whole = false,
                    }
                }
            }
            Some(Err(_damaged)) => {
                is_whole = false;
                open.pop();
            }
            None => {
                open.pop();
            }
        }
    }
    (spans, is_whole)
}

//! A profile written into a file, in three formats.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::app::new_file::NewFile;
use crate::metrics::{
    FrameCost, FrameRecord, GPU_THREAD, ProfileFrame, ProfileLog, Span, Stage, ThreadSpans,
};
use crate::ui::ExportKind;

/// Files of one folder. Whoever has as many does not look at them.
const MOST_FILES: u32 = 9_999;

/// Writes all of `log` into a new file in `folder`, and answers which. Nothing that is there is touched. Traces and
/// JSON have what became of the medium's frames as well, as `records` say, oldest first.
pub(in crate::app) fn export(
    log: &ProfileLog,
    records: &[FrameRecord],
    kind: ExportKind,
    folder: &Path,
) -> io::Result<PathBuf> {
    let place = |number: u32| {
        let ending = kind.ending();
        folder.join(format!("jogwheel-profile-{number}.{ending}"))
    };
    let mut file = NewFile::create(&place(1))?;
    match kind {
        ExportKind::Trace => write_trace(&mut file, log, records)?,
        ExportKind::Csv => write_csv(&mut file, log)?,
        ExportKind::Json => write_json(&mut file, log, records)?,
    }
    file.finish_at_first_free((1..=MOST_FILES).map(place))
}

/// An event of Chrome's trace format, as `chrome://tracing` and Perfetto read it ("Trace Event Format", JSON
/// array format).
#[derive(Serialize)]
struct TraceEvent<'a, Args> {
    name: &'a str,
    /// `X`: complete, with begin and duration; `M`: about the process or a thread; `i`: an instant.
    ph: &'static str,
    /// Microseconds since the first span of all.
    ts: f64,
    /// Microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    /// `p`: an instant of the process, not of a thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    pid: u32,
    tid: u32,
    args: Args,
}

#[derive(Serialize)]
struct NameArgs<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct FrameArgs {
    frame: u64,
}

/// What became of a frame of the medium.
#[derive(Serialize)]
struct RecordRow {
    /// Which frame of the medium.
    frame: i64,
    /// `shown`, `repeated`, `late` or `dropped`.
    fate: &'static str,
    /// The stage that is to blame.
    blame: Option<&'static str>,
    /// How long after it was due it was presented; negative when it was early. `null` for a dropped one.
    late_ns: Option<i64>,
    /// Whether it stood in for another one.
    stands_in: bool,
    /// What it cost, by stage.
    stages_ns: BTreeMap<&'static str, u64>,
}

impl RecordRow {
    fn new(record: &FrameRecord) -> Self {
        let stages = record.stages.iter();
        Self {
            frame: record.frame.0,
            fate: record.fate.name(),
            blame: record.blame.map(Stage::name),
            late_ns: record.lateness_nanos(),
            stands_in: record.approximate,
            stages_ns: stages.map(|(stage, nanos)| (stage.name(), nanos)).collect(),
        }
    }
}

/// The records of what was presented, or should have been seen, in a turn.
fn records_in(records: &[FrameRecord], cost: FrameCost) -> impl Iterator<Item = &FrameRecord> {
    records.iter().filter(move |record| cost.turn.has(record))
}

/// Numbers of threads, which are the same in all frames.
#[derive(Default)]
struct ThreadIds(HashMap<(Arc<str>, Option<i64>), u32>);

impl ThreadIds {
    /// The number of a thread, and whether it is new.
    fn of(&mut self, thread: &ThreadSpans) -> (u32, bool) {
        let next = u32::try_from(self.0.len() + 1).unwrap_or(u32::MAX);
        let key = (Arc::clone(&thread.name), thread.since_nanos);
        let id = *self.0.entry(key).or_insert(next);
        (id, id == next)
    }
}

/// The event that names the process or a thread.
fn naming<'a>(what: &'a str, tid: u32, name: &'a str) -> TraceEvent<'a, NameArgs<'a>> {
    TraceEvent {
        name: what,
        ph: "M",
        ts: 0.0,
        dur: None,
        s: None,
        pid: 1,
        tid,
        args: NameArgs { name },
    }
}

fn write_trace(out: &mut impl Write, log: &ProfileLog, records: &[FrameRecord]) -> io::Result<()> {
    let mut ids = ThreadIds::default();
    let mut events = Lines::begin(out, "[\n", ",\n", "\n]\n")?;
    events.write(&naming("process_name", 0, "Jogwheel"))?;
    let epoch = log.start_nanos().unwrap_or(0);
    // Where passes of a frame were put may reach into the next frame's; of one row, spans may only nest.
    let mut gpu_free_from = i64::MIN;
    for (frame, cost) in log.frames().zip(log.costs()) {
        // What other threads did may have begun turns ago.
        let began = cost.began_nanos.unwrap_or(frame.start_nanos);
        for record in records_in(records, cost) {
            let at = record.presented.unwrap_or(record.due);
            let since = began.saturating_sub(epoch) + at.nanos_since(cost.turn.begun);
            let fate = format!("frame {} {}", record.frame.0, record.fate);
            events.write(&TraceEvent {
                name: &fate,
                ph: "i",
                ts: since as f64 / 1e3,
                dur: None,
                s: Some("p"),
                pid: 1,
                tid: 0,
                args: RecordRow::new(record),
            })?;
        }
        for thread in &frame.threads {
            let (tid, is_new) = ids.of(thread);
            if is_new {
                events.write(&naming("thread_name", tid, &thread.name))?;
            }
            for span in &thread.spans {
                let mut since = since(epoch, &frame, span);
                if *thread.name == *GPU_THREAD {
                    since = since.max(gpu_free_from);
                    gpu_free_from = since.saturating_add_unsigned(span.nanos);
                }
                events.write(&TraceEvent {
                    name: &span.name,
                    ph: "X",
                    ts: since as f64 / 1e3,
                    dur: Some(span.nanos as f64 / 1e3),
                    s: None,
                    pid: 1,
                    tid,
                    args: FrameArgs {
                        frame: frame.number,
                    },
                })?;
            }
        }
    }
    events.end()
}

/// Nanoseconds from the first span of all to the begin of `span`.
fn since(epoch: i64, frame: &ProfileFrame, span: &Span) -> i64 {
    let start = frame.start_nanos.saturating_sub(epoch);
    start.saturating_add_unsigned(span.start_nanos)
}

/// One line for each span, as RFC 4180 says it.
fn write_csv(out: &mut impl Write, log: &ProfileLog) -> io::Result<()> {
    write!(out, "frame,thread,depth,name,start_ns,duration_ns\r\n")?;
    let epoch = log.start_nanos().unwrap_or(0);
    for frame in log.frames() {
        for thread in &frame.threads {
            for span in &thread.spans {
                let (number, depth, nanos) = (frame.number, span.depth, span.nanos);
                let (thread, name) = (quoted(&thread.name), quoted(&span.name));
                let start = since(epoch, &frame, span);
                write!(out, "{number},{thread},{depth},{name},{start},{nanos}\r\n")?;
            }
        }
    }
    Ok(())
}

/// Names may hold anything: files have commas and quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Version of the format below.
const JSON_VERSION: u32 = 1;

#[derive(Serialize)]
struct FrameRow<'a> {
    number: u64,
    /// Nanoseconds since the first span of all.
    start_ns: i64,
    duration_ns: u64,
    /// What the presenting thread did of it.
    work_ns: u64,
    /// Whether every span could be read.
    whole: bool,
    /// What became of the medium's frames that were presented in it, or should have been seen.
    records: Vec<RecordRow>,
    threads: Vec<ThreadRow<'a>>,
}

#[derive(Serialize)]
struct ThreadRow<'a> {
    name: &'a str,
    spans: Vec<SpanRow<'a>>,
}

#[derive(Serialize)]
struct SpanRow<'a> {
    name: &'a str,
    /// Nanoseconds since the start of the frame.
    start_ns: u64,
    duration_ns: u64,
    depth: u16,
}

fn write_json(out: &mut impl Write, log: &ProfileLog, records: &[FrameRecord]) -> io::Result<()> {
    let head = format!("{{\"version\":{JSON_VERSION},\"frames\":[\n");
    let mut rows = Lines::begin(out, &head, ",\n", "\n]}\n")?;
    let epoch = log.start_nanos().unwrap_or(0);
    for (frame, cost) in log.frames().zip(log.costs()) {
        let span = |span: &'_ Span| (span.start_nanos, span.nanos, span.depth);
        let threads = frame.threads.iter().map(|thread| ThreadRow {
            name: &thread.name,
            spans: thread
                .spans
                .iter()
                .map(|row| {
                    let (start_ns, duration_ns, depth) = span(row);
                    SpanRow {
                        name: &row.name,
                        start_ns,
                        duration_ns,
                        depth,
                    }
                })
                .collect(),
        });
        rows.write(&FrameRow {
            number: frame.number,
            start_ns: frame.start_nanos.saturating_sub(epoch),
            duration_ns: frame.duration_nanos,
            work_ns: cost.work_nanos,
            whole: frame.is_whole,
            records: records_in(records, cost).map(RecordRow::new).collect(),
            threads: threads.collect(),
        })?;
    }
    rows.end()
}

/// A list in JSON, an item a line, none of which has to be in memory with another.
struct Lines<'a, W> {
    out: &'a mut W,
    before: &'static str,
    between: &'static str,
    end: &'static str,
}

impl<'a, W: Write> Lines<'a, W> {
    fn begin(
        out: &'a mut W,
        head: &str,
        between: &'static str,
        end: &'static str,
    ) -> io::Result<Self> {
        out.write_all(head.as_bytes())?;
        Ok(Self {
            out,
            before: "",
            between,
            end,
        })
    }

    fn write(&mut self, item: &impl Serialize) -> io::Result<()> {
        self.out.write_all(self.before.as_bytes())?;
        self.before = self.between;
        Ok(serde_json::to_writer(&mut *self.out, item)?)
    }

    fn end(self) -> io::Result<()> {
        self.out.write_all(self.end.as_bytes())
    }
}

#[cfg(test)]
mod tests;

//! Spans whose names hold what a person typed.

use crate::metrics::ProfileFrame;

/// What was found in a frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// For each thread, whether each of its spans was found; empty where nothing was searched.
    marks: Vec<Vec<bool>>,
    /// Spans found.
    pub(super) count: usize,
    /// What they took, each moment of a thread counted once: a span within another that was found adds nothing.
    pub(super) nanos: u64,
}

impl Found {
    /// Searches `frame`, whatever the case of letters. Nothing is searched for an empty `query`.
    pub(super) fn search(frame: &ProfileFrame, query: &str) -> Self {
        let query = query.trim().to_lowercase();
        if query.is_empty() {
            return Self::default();
        }
        let mut found = Self::default();
        for thread in &frame.threads {
            // The depth of the outermost span found that is not over.
            let mut within: Option<u16> = None;
            let mut marks = Vec::with_capacity(thread.spans.len());
            for span in &thread.spans {
                within = within.filter(|depth| span.depth > *depth);
                let is_found = span.name.to_lowercase().contains(&query);
                marks.push(is_found);
                if is_found {
                    found.count += 1;
                    if within.is_none() {
                        within = Some(span.depth);
                        found.nanos = found.nanos.saturating_add(span.nanos);
                    }
                }
            }
            found.marks.push(marks);
        }
        found
    }

    /// Whether anything was searched for.
    pub(super) fn is_search(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Whether a span was found.
    pub(super) fn holds(&self, thread: usize, index: u32) -> bool {
        let marks = self.marks.get(thread);
        marks.is_some_and(|marks| marks.get(index as usize) == Some(&true))
    }
}

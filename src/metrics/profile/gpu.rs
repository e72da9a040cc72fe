//! Passes of the GPU, and where they are put among the scopes of threads.

/// A pass that the GPU ran, as its time stamps tell.
///
/// How the GPU's clock lies to that of the threads is not known. The first pass of a frame is put at the moment
/// of its submission, although the GPU began somewhat later; the others keep their distances from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GpuPass {
    /// What it does: `convert`, `compose`, `draw`.
    pub name: &'static str,
    /// When it was submitted, on the profiler's clock.
    pub submitted_nanos: i64,
    /// When it began, on the GPU's own clock.
    pub begun_nanos: u64,
    /// How long it took.
    pub nanos: u64,
}

/// When each of the `passes` of one frame began, on the profiler's clock, in their order. They are drawn one
/// after another, even where the GPU overlapped them.
pub(super) fn placed(mut passes: Vec<GpuPass>) -> Vec<(i64, GpuPass)> {
    passes.sort_unstable_by_key(|pass| (pass.begun_nanos, pass.submitted_nanos));
    let Some(first) = passes.first().copied() else {
        return Vec::new();
    };
    let mut free_from = i64::MIN;
    passes
        .into_iter()
        .map(|pass| {
            let after = pass.begun_nanos - first.begun_nanos;
            let start = first.submitted_nanos.saturating_add_unsigned(after);
            let start = start.max(free_from);
            free_from = start.saturating_add_unsigned(pass.nanos);
            (start, pass)
        })
        .collect()
}

//! How long the GPU took, learnt without waiting for it.
//!
//! A pass writes two time stamps; they are copied to a small buffer that is mapped when the GPU is
//! done, some frames later. A fixed number of such measurements is under way at most: when all are, a
//! pass goes untimed rather than waiting.
//!
//! Several passes may be measured under one token, those of a picture's layers for instance. Their sum
//! is reported, once all of them have arrived. While profiler scopes are on each pass is reported by
//! itself as well, with the moment of its submission on the profiler's clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use super::GpuContext;
use crate::metrics::GpuPass;

/// Measurements under way at most: those of a few frames in flight, with some layers each.
const SLOTS: u32 = 32;
/// A pass has a begin and an end.
const STAMPS: u32 = 2;
/// Bytes of one measurement: two 64-bit stamps.
const STAMP_BYTES: u64 = 16;
/// Where query results may be written: multiples of this.
const RESOLVE_ALIGN: u64 = wgpu::QUERY_RESOLVE_BUFFER_ALIGNMENT;
/// Results kept for a caller that does not fetch them.
const RESULTS_MAX: usize = 64;

const FREE: u8 = 0;
const PENDING: u8 = 1;
const READABLE: u8 = 2;
const FAILED: u8 = 3;

/// What stands for a moment while nobody wants to know.
const UNKNOWN: i64 = i64::MIN;

#[derive(Debug)]
struct Slot {
    readback: wgpu::Buffer,
    state: Arc<AtomicU8>,
    /// Whose sum it belongs to; `None` for a pass that is timed for the profiler alone.
    token: Option<u64>,
    name: &'static str,
    /// When it was submitted, on the profiler's clock, or [`UNKNOWN`].
    submitted_nanos: AtomicI64,
}

/// A measurement that a pass is about to make.
#[derive(Debug)]
pub struct TimedPass {
    slot: u32,
}

/// Times passes on one device.
#[derive(Debug)]
pub struct GpuTimer {
    parts: Option<TimerParts>,
    /// Tokens and nanoseconds of which more may come.
    sums: Vec<(u64, u64)>,
    done: VecDeque<(u64, u64)>,
    /// Passes by themselves, while profiler scopes are on.
    passes: VecDeque<GpuPass>,
}

#[derive(Debug)]
struct TimerParts {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    slots: Vec<Slot>,
    nanos_per_tick: f64,
}

impl GpuTimer {
    /// A timer; it measures nothing on devices without time stamps.
    pub fn new(ctx: &GpuContext) -> Self {
        let parts = ctx.has_timestamps().then(|| TimerParts::new(ctx));
        Self {
            parts,
            sums: Vec::new(),
            done: VecDeque::with_capacity(RESULTS_MAX),
            passes: VecDeque::new(),
        }
    }

    /// Reserves a measurement of the pass `name` under `token`; `None` when the device cannot or all are
    /// under way.
    pub fn begin(&mut self, token: u64, name: &'static str) -> Option<TimedPass> {
        self.reserve(Some(token), name)
    }

    /// The same for the profiler alone: the pass counts towards no token. `None` while profiler scopes are
    /// off as well.
    pub(super) fn begin_for_profiler(&mut self, name: &'static str) -> Option<TimedPass> {
        puffin::are_scopes_on()
            .then(|| self.reserve(None, name))
            .flatten()
    }

    fn reserve(&mut self, token: Option<u64>, name: &'static str) -> Option<TimedPass> {
        let parts = self.parts.as_mut()?;
        let index = parts
            .slots
            .iter()
            .position(|slot| slot.state.load(Ordering::Acquire) == FREE)?;
        parts.slots[index].token = token;
        parts.slots[index].name = name;
        Some(TimedPass {
            slot: u32::try_from(index).ok()?,
        })
    }

    /// What a compute pass must write.
    pub fn compute_writes(&self, pass: &TimedPass) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        let queries = &self.parts.as_ref()?.queries;
        Some(wgpu::ComputePassTimestampWrites {
            query_set: queries,
            beginning_of_pass_write_index: Some(pass.slot * STAMPS),
            end_of_pass_write_index: Some(pass.slot * STAMPS + 1),
        })
    }

    /// What a render pass must write.
    pub fn render_writes(&self, pass: &TimedPass) -> Option<wgpu::RenderPassTimestampWrites<'_>> {
        let queries = &self.parts.as_ref()?.queries;
        Some(wgpu::RenderPassTimestampWrites {
            query_set: queries,
            beginning_of_pass_write_index: Some(pass.slot * STAMPS),
            end_of_pass_write_index: Some(pass.slot * STAMPS + 1),
        })
    }

    /// What a render pass must write where several passes are timed as one: the first of them opens the
    /// measurement, the last one closes it.
    pub(super) fn render_writes_between(
        &self,
        pass: &TimedPass,
        opens: bool,
        closes: bool,
    ) -> Option<wgpu::RenderPassTimestampWrites<'_>> {
        let mut writes = self.render_writes(pass).filter(|_| opens || closes)?;
        writes.beginning_of_pass_write_index =
            writes.beginning_of_pass_write_index.filter(|_| opens);
        writes.end_of_pass_write_index = writes.end_of_pass_write_index.filter(|_| closes);
        Some(writes)
    }

    /// Records how the stamps come back, after the pass has ended.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder, pass: &TimedPass) {
        let Some(parts) = &self.parts else { return };
        let first = pass.slot * STAMPS;
        let offset = u64::from(pass.slot) * RESOLVE_ALIGN;
        encoder.resolve_query_set(
            &parts.queries,
            first..first + STAMPS,
            &parts.resolved,
            offset,
        );
        let readback = &parts.slots[pass.slot as usize].readback;
        encoder.copy_buffer_to_buffer(&parts.resolved, offset, readback, 0, STAMP_BYTES);
    }

    /// Asks for the stamps, once the commands are submitted.
    pub fn submitted(&self, pass: &TimedPass) {
        let Some(parts) = &self.parts else { return };
        let slot = &parts.slots[pass.slot as usize];
        let submitted_nanos = if puffin::are_scopes_on() {
            puffin::now_ns()
        } else {
            UNKNOWN
        };
        slot.submitted_nanos
            .store(submitted_nanos, Ordering::Relaxed);
        slot.state.store(PENDING, Ordering::Release);
        let state = Arc::clone(&slot.state);
        slot.readback
            .map_async(wgpu::MapMode::Read, .., move |result| {
                state.store(
                    if result.is_ok() { READABLE } else { FAILED },
                    Ordering::Release,
                );
            });
    }

    /// Whether a measurement under `token` is under way.
    pub fn is_pending(&self, token: u64) -> bool {
        let slots = self
            .parts
            .as_ref()
            .map(|parts| parts.slots.as_slice())
            .unwrap_or_default();
        slots
            .iter()
            .any(|slot| slot.token == Some(token) && slot.state.load(Ordering::Acquire) != FREE)
    }

    /// The measurements that have arrived, as token and nanoseconds, oldest first. Never waits; the
    /// device must be polled for any to arrive.
    pub fn drain(&mut self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.collect();
        self.done.drain(..)
    }

    /// The passes that the measurements drained were made of, oldest first, as far as profiler scopes were
    /// on when they were submitted. Those of a caller that does not fetch them are forgotten.
    pub fn drain_passes(&mut self) -> impl Iterator<Item = GpuPass> + '_ {
        self.passes.drain(..)
    }

    fn collect(&mut self) {
        let Some(parts) = &mut self.parts else { return };
        let mut arrived: Vec<(u64, u64, u64)> = Vec::new();
        let mut passes: Vec<GpuPass> = Vec::new();
        for slot in &parts.slots {
            match slot.state.load(Ordering::Acquire) {
                READABLE => {
                    if let Some((begin, end)) = read_stamps(&slot.readback) {
                        // A GPU whose clock was reset in between gives an end before the begin.
                        let ticks = end.saturating_sub(begin);
                        arrived.extend(slot.token.map(|token| (begin, token, ticks)));
                        let submitted_nanos = slot.submitted_nanos.load(Ordering::Relaxed);
                        passes.extend((submitted_nanos != UNKNOWN).then(|| GpuPass {
                            name: slot.name,
                            submitted_nanos,
                            begun_nanos: nanos_from_ticks(begin, parts.nanos_per_tick),
                            nanos: nanos_from_ticks(ticks, parts.nanos_per_tick),
                        }));
                    }
                    slot.readback.unmap();
                    slot.state.store(FREE, Ordering::Release);
                }
                FAILED => slot.state.store(FREE, Ordering::Release),
                _ => {}
            }
        }
        passes.sort_unstable_by_key(|pass| pass.begun_nanos);
        self.passes.extend(passes);
        let too_many = self.passes.len().saturating_sub(RESULTS_MAX);
        self.passes.drain(..too_many);
        arrived.sort_unstable();
        for (_, token, ticks) in arrived {
            let nanos = nanos_from_ticks(ticks, parts.nanos_per_tick);
            match self.sums.iter_mut().find(|(known, _)| *known == token) {
                Some((_, sum)) => *sum += nanos,
                None => self.sums.push((token, nanos)),
            }
        }
        let mut sums = std::mem::take(&mut self.sums);
        sums.retain(|&(token, nanos)| {
            if self.is_pending(token) {
                return true;
            }
            if self.done.len() == RESULTS_MAX {
                self.done.pop_front();
            }
            self.done.push_back((token, nanos));
            false
        });
        self.sums = sums;
    }
}

impl TimerParts {
    fn new(ctx: &GpuContext) -> Self {
        let device = ctx.device();
        let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("pass times"),
            ty: wgpu::QueryType::Timestamp,
            count: SLOTS * STAMPS,
        });
        let resolved = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("pass times"),
            size: u64::from(SLOTS) * RESOLVE_ALIGN,
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let slots = (0..SLOTS)
            .map(|_| Slot {
                readback: device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("pass times read back"),
                    size: STAMP_BYTES,
                    usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                    mapped_at_creation: false,
                }),
                state: Arc::new(AtomicU8::new(FREE)),
                token: None,
                name: "",
                submitted_nanos: AtomicI64::new(UNKNOWN),
            })
            .collect();
        let nanos_per_tick = f64::from(ctx.queue().get_timestamp_period());
        Self {
            queries,
            resolved,
            slots,
            nanos_per_tick,
        }
    }
}

fn read_stamps(readback: &wgpu::Buffer) -> Option<(u64, u64)> {
    let view = readback.get_mapped_range(..).ok()?;
    let (begin, end) = view.split_first_chunk::<8>()?;
    let end = end.first_chunk::<8>()?;
    Some((u64::from_le_bytes(*begin), u64::from_le_bytes(*end)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive span of at most minutes, for people to read"
)]
fn nanos_from_ticks(ticks: u64, nanos_per_tick: f64) -> u64 {
    (ticks as f64 * nanos_per_tick).round() as u64
}

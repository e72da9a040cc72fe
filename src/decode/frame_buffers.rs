//! Lets FFmpeg decode straight into the frame pool.
//!
//! `get_buffer2` hands a slot of the pool to the decoder; FFmpeg's reference count on it decides when
//! the slot goes back. Codecs without `AV_CODEC_CAP_DR1` (libdav1d, libvpx) bring their own memory, and
//! so does a decoder that finds the pool full: both are counted.

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ffmpeg_next::ffi;

use super::canonical::{describe, format_from_raw};
use crate::memory::{FramePool, Slot};

/// Rows of every plane begin on multiples of this, as copies from buffers to textures require.
const STRIDE_ALIGN: usize = 256;

/// Decoders read and write a little past the picture: FFmpeg's own allocator adds this much.
const PLANE_PADDING: usize = 16 + 64;

/// Planes begin on page boundaries.
const PLANE_ALIGN: usize = 4096;

/// Frames that could not be decoded into the pool.
#[derive(Debug, Default)]
pub struct BufferCounters {
    /// For the pool was full.
    pub overflowed: AtomicU64,
    /// For the codec or its pixel format brings memory of its own.
    pub foreign: AtomicU64,
    /// Copied once, for their samples are arranged in a way of their own.
    pub repacked: AtomicU64,
}

impl BufferCounters {
    /// Adds what `other` has counted.
    pub(super) fn add(&self, other: &Self) {
        self.add_since(other, &Self::default());
    }

    /// Adds what `other` has counted since it stood as `before`.
    pub(super) fn add_since(&self, other: &Self, before: &Self) {
        for (sum, now, then) in [
            (&self.overflowed, &other.overflowed, &before.overflowed),
            (&self.foreign, &other.foreign, &before.foreign),
            (&self.repacked, &other.repacked, &before.repacked),
        ] {
            let more = now.load(Ordering::Relaxed) - then.load(Ordering::Relaxed);
            sum.fetch_add(more, Ordering::Relaxed);
        }
    }
}

/// What the callback needs. Lives as long as the decoder that points at it.
pub(super) struct PoolBinding {
    pool: FramePool,
    counters: Arc<BufferCounters>,
}

impl PoolBinding {
    pub(super) fn new(pool: FramePool, counters: Arc<BufferCounters>) -> Self {
        Self { pool, counters }
    }
}

/// Makes a decoder that is not yet open take its frames from `binding`'s pool.
///
/// # Safety
/// `context` is a valid, unopened codec context, and `binding` outlives it.
#[expect(unsafe_code, reason = "sets callbacks on FFmpeg's struct")]
pub(super) unsafe fn attach(context: *mut ffi::AVCodecContext, binding: &PoolBinding) {
    // SAFETY: the caller vouches for the context; the binding is only read through this pointer.
    unsafe {
        (*context).opaque = std::ptr::from_ref(binding).cast_mut().cast::<c_void>();
        (*context).get_buffer2 = Some(get_buffer);
        // Frame threads may call back at any time: the pool is made for that. Without this FFmpeg 5
        // hands every call to the thread that feeds packets, and its own threads wait.
        (*context).thread_safe_callbacks = 1;
    }
}

/// FFmpeg's `get_buffer2`.
#[expect(unsafe_code, reason = "called by FFmpeg")]
unsafe extern "C" fn get_buffer(
    context: *mut ffi::AVCodecContext,
    frame: *mut ffi::AVFrame,
    flags: c_int,
) -> c_int {
    // SAFETY: FFmpeg passes valid pointers; `opaque` was set by `attach` and its target outlives the
    // context.
    unsafe {
        let binding = &*((*context).opaque.cast::<PoolBinding>());
        match pooled_frame(context, frame, binding) {
            Ok(()) => 0,
            Err(reason) => {
                let counter = match reason {
                    NotPooled::Full => &binding.counters.overflowed,
                    NotPooled::Foreign => &binding.counters.foreign,
                };
                counter.fetch_add(1, Ordering::Relaxed);
                ffi::avcodec_default_get_buffer2(context, frame, flags)
            }
        }
    }
}

enum NotPooled {
    Full,
    Foreign,
}

/// Fills `frame`'s planes from the pool.
///
/// # Safety
/// As for FFmpeg's `get_buffer2`.
#[expect(unsafe_code, reason = "fills FFmpeg's struct")]
unsafe fn pooled_frame(
    context: *mut ffi::AVCodecContext,
    frame: *mut ffi::AVFrame,
    binding: &PoolBinding,
) -> Result<(), NotPooled> {
    // SAFETY: the pointers are valid as FFmpeg promises for this callback; the slot's memory is
    // released only by `release_slot`, when FFmpeg has dropped the last reference.
    unsafe {
        let direct = (*(*context).codec).capabilities & ffi::AV_CODEC_CAP_DR1.cast_signed() != 0;
        let format = format_from_raw((*frame).format);
        let described = format
            .and_then(describe)
            .filter(|canonical| canonical.via.is_none());
        let Some(canonical) = described.filter(|_| direct) else {
            return Err(NotPooled::Foreign);
        };
        let canonical = canonical.format;

        let (mut width, mut height) = ((*frame).width, (*frame).height);
        let mut aligns = [0 as c_int; 8];
        ffi::avcodec_align_dimensions2(
            context,
            &raw mut width,
            &raw mut height,
            aligns.as_mut_ptr(),
        );
        let side = |value: c_int| u32::try_from(value).ok();
        let size = side(width)
            .zip(side(height))
            .and_then(|(w, h)| crate::media::Size::new(w, h))
            .ok_or(NotPooled::Foreign)?;

        let planes = canonical.plane_count();
        let mut offsets = [0usize; 4];
        let mut strides = [0usize; 4];
        let mut total = 0;
        for plane in 0..planes {
            let rows = canonical.plane_size(plane, size).1;
            let mut stride = canonical
                .row_bytes(plane, size)
                .next_multiple_of(STRIDE_ALIGN);
            // Rows a page apart fall into the same cache sets, and decoding slows down.
            if stride % 4096 == 0 {
                stride += STRIDE_ALIGN;
            }
            offsets[plane] = total;
            strides[plane] = stride;
            total = (total + stride * rows + PLANE_PADDING).next_multiple_of(PLANE_ALIGN);
        }

        let slot = binding
            .pool
            .acquire(total)
            .map_err(|_full| NotPooled::Full)?;
        let (base, bytes) = (slot.as_mut_ptr(), slot.byte_len());
        let opaque = Box::into_raw(Box::new(slot)).cast::<c_void>();
        let buffer = ffi::av_buffer_create(base, bytes, Some(release_slot), opaque, 0);
        if buffer.is_null() {
            drop(Box::from_raw(opaque.cast::<Slot>()));
            return Err(NotPooled::Full);
        }
        (*frame).buf[0] = buffer;
        for plane in 0..planes {
            (*frame).data[plane] = base.add(offsets[plane]);
            (*frame).linesize[plane] = c_int::try_from(strides[plane]).unwrap_or(c_int::MAX);
        }
        (*frame).extended_data = (*frame).data.as_mut_ptr();
        Ok(())
    }
}

/// FFmpeg dropped its last reference: the slot goes back to its pool.
#[expect(unsafe_code, reason = "called by FFmpeg")]
unsafe extern "C" fn release_slot(opaque: *mut c_void, _data: *mut u8) {
    // SAFETY: `opaque` is the box that `pooled_frame` leaked for exactly this call.
    drop(unsafe { Box::from_raw(opaque.cast::<Slot>()) });
}

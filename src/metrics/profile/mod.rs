//! Where the time of each frame went: what profiler scopes measured, kept for the latest frames.
//!
//! Scopes are written by `puffin` into one stream of bytes for each thread. [`ProfileLog`] keeps those streams
//! as they are, which costs nothing but memory, and makes a [`ProfileFrame`] of plain numbers only for a frame
//! that somebody looks at.
//!
//! # Clock
//! Spans are on `puffin`'s clock: nanoseconds since 1970 as of the first look, monotonic from then on. A
//! [`Turn`] is on the engine's. Passes of the GPU are on a third, which nothing ties to the others: see
//! [`GpuPass`].

#[cfg(test)]
pub(crate) mod bench;
mod frame;
mod gpu;
mod log;
#[cfg(test)]
mod tests;

pub use frame::{GPU_THREAD, ProfileFrame, Span, ThreadSpans};
pub use gpu::GpuPass;
pub use log::{FrameCost, ProfileLimits, ProfileLog, Turn};

//! Several layers into one picture.
//!
//! [`Composite`] says what is meant. [`ComposePlan`] works out, for the size that the picture has on
//! screen, where each layer's texels lie and which layers need not be looked at; then one of two composers
//! carries it out, to the same definition:
//!
//! - [`GpuComposer`] has every layer converted to a texture of its own and draws them all in one render
//!   pass, a group in one of its own before it.
//! - [`CpuComposer`] does it in the memory that is going to be copied to the picture. An opaque layer is
//!   converted right into its place there, so that a picture in picture costs no more than its two
//!   conversions; others are converted beside it and mixed row by row.
//!
//! The one that belongs to the converter in use is taken: a composer never waits for the other side's
//! pictures. Measured on a software rasterizer (lavapipe on two busy cores, `benches/compose.rs`), CPU
//! milliseconds for a picture of 1280x720, conversions of 4K and of 1080p for the smaller layers included:
//!
//! | picture | in memory |
//! |---|---|
//! | a lone 4K clip | 7.0 |
//! | with a 1080p clip of half the size over it | 8.3 |
//! | a dissolve of two 4K clips | 14.7 |
//! | their difference | 16.5 |
//! | 4K, a title with alpha over all of it | 16.4 |
//! | 4K, a 1080p clip of half the size, turned by 10 degrees | 20.2 |
//!
//! There, drawing two layers that cover 1280x720 takes 29 of such milliseconds, where they are there as
//! textures already; mixing them in memory takes one.
//!
//! A layer whose sides are parallel to the canvas's is converted to exactly the size it has on screen, and
//! so looks as it would alone. Others are converted to their scaled size and sampled bilinearly.
//! Components are 8 bits wherever something is kept, and each layer is rounded once when it is laid over
//! what is below: one layer over another is within a code of the exact mix, a stack of several within two.
//! Groups, and whatever is sampled, carry premultiplied alpha.
//!
//! [`Composite`]: crate::timeline::Composite

mod cpu;
mod gpu;
mod kept;
mod made;
mod place;
mod plan;
mod rows;
mod wipe;

pub(super) use cpu::CpuComposer;
#[cfg(test)]
pub(super) use gpu::COMPOSE_WGSL;
pub(super) use gpu::{ComposeJob, GpuComposer};
pub(super) use plan::ComposePlan;

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
//! pictures. On a software rasterizer that is the second one. Measured there (two cores, lavapipe, 4K
//! under a 1080p picture of half the size, to 1280x720, optimized build): see `benches/compose.rs`.
//!
//! A layer whose sides are parallel to the canvas's is converted to exactly the size it has on screen, and
//! so looks as it would alone. Others are converted to their scaled size and sampled bilinearly.
//! Components are 8 bits a stage; groups, and whatever is sampled, carry premultiplied alpha.
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

//! Tests that draw. They run on any device, software rasterizers included, and share one.

mod compose;
mod golden;
mod kept;
mod lifecycle;
mod present;
mod shaders;

//! Frames to pictures on screen: device, upload, conversion, drawing, presenting.
//!
//! A frame's way: [`Viewer::show`] hands it to a [`PictureConverter`]. [`GpuConverter`] copies its planes
//! through a ring of staging buffers into textures and runs one compute pass; [`CpuPictureConverter`]
//! lets SIMD code make the picture and only copies that. Either way the result is a [`Picture`]: 8 bits a
//! component, encoded for the display, of exactly the size it has on screen. [`Viewer::render`] then
//! draws it, with the view settings and the overlay, into a [`WindowSurface`]'s texture or an
//! [`OffscreenTarget`]; on a CPU adapter it copies the picture there where that gives the same.
//!
//! A timeline's layers come as a [`Composite`](crate::timeline::Composite): [`Viewer::show_composite`] has
//! `compose` make one picture of them, by the GPU where that converts, and in memory otherwise. What
//! follows is the same.
//!
//! Everything here lives on one thread, the window's. The GPU is never waited for while playing,
//! unless all staging buffers are in flight, and then that is reported. [`GpuContext`] is the only one
//! to poll the device. Whatever holds GPU handles carries the device's [`DeviceGeneration`]; after a
//! loss a new context is opened and the holders are rebuilt.
//!
//! Pictures that were made stay where they are as long as there is room (`kept`): showing a frame again
//! draws the texture that it was converted into. What is taken is charged to a [`TextureBudget`].
//!
//! GPU memory, for a window of 1280x720 and a 4K 4:2:0 8-bit frame: 3.7 MB for each picture; with the
//! GPU way 12.4 MB for the planes and as much for each of at most three staging buffers.

mod budget;
mod compose;
mod converter;
mod cpu_converter;
mod device;
mod geometry;
mod gpu_converter;
mod job_uniform;
mod kept;
mod overlay;
mod picture;
mod present;
mod surface;
mod target;
mod timing;
mod upload;
mod viewer;

#[cfg(test)]
mod test_support;
#[cfg(test)]
mod tests;

pub use budget::TextureBudget;
pub use converter::{ConvertChoice, PictureConverter, PictureRequest};
pub use cpu_converter::CpuPictureConverter;
pub use device::{
    AdapterSummary, DeviceGeneration, GpuContext, GpuError, GpuOptions, adapters, new_instance,
};
pub use geometry::{Framing, Placement, Rect, Zoom, fit, largest_scale, place};
pub use gpu_converter::GpuConverter;
pub use kept::{Course, KeptCounts, Outlook, Place};
pub use overlay::{Overlay, OverlayPainter};
pub use picture::{ComponentOrder, Picture, PictureError, PictureTimes, RgbaPicture};
pub use surface::{Acquired, Pacing, SurfaceFrame, WindowSurface};
pub use target::OffscreenTarget;
pub use timing::{GpuTimer, TimedPass};
pub use upload::{FrameUploader, PlaneTextures, STAGING_SLOTS_MAX, UploadReport};
pub use viewer::Viewer;

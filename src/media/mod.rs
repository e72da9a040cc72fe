//! Plain data about pictures and sound: formats, colour, frames, audio blocks, stream descriptions.
//!
//! Nothing here knows FFmpeg or wgpu. `decode` fills these types, `convert`, `gpu` and `audio` read
//! them.

mod audio;
mod color;
mod frame;
mod orientation;
mod pixel;
mod stream;
#[cfg(test)]
pub(crate) mod test_support;
mod traits;
mod view;

pub use audio::{AudioFormat, AudioSamples, ChannelLayout, ChannelRole};
pub use color::{
    ChromaSiting, ColorInfo, ColorRange, HdrMetadata, MatrixCoefficients, Primaries,
    TransferFunction,
};
pub use frame::{FieldOrder, FrameStorage, PictureId, Plane, PlaneLayout, PlaneOwner, VideoFrame};
pub use orientation::Orientation;
pub use pixel::{ColorModel, PixelFormat, PlaneArrangement, SampleDepth, Size, Subsampling};
pub(crate) use stream::file_name;
pub use stream::{
    AudioStream, ContainerInfo, MediaInfo, OtherStream, SampleAspect, StreamId, VideoStream,
};
pub use traits::{PictureTrait, PictureTraits};
pub use view::{CompareMode, CompareView, ViewChannel, ViewSettings};

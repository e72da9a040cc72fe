//! Frames into pictures: one contract, two ways.

use crate::convert::ConvertJob;
use crate::media::VideoFrame;

use super::{AdapterSummary, GpuContext, GpuTimer, Picture, PictureError, PictureTimes};

/// What is to be converted.
#[derive(Debug, Clone, Copy)]
pub struct PictureRequest<'a> {
    /// The frame.
    pub frame: &'a VideoFrame,
    /// Size of the result, and how the frame is turned.
    pub job: ConvertJob,
    /// Under which GPU times are reported.
    pub token: u64,
}

/// Turns frames into pictures of the size shown.
///
/// Both implementations follow the definitions of [`crate::convert`] and pass the same tests. They
/// live on the thread that owns the device; the work is submitted when `convert` returns, and whatever
/// draws the picture afterwards on the same queue sees it finished.
pub trait PictureConverter: std::fmt::Debug + Send {
    /// Converts and scales `request` into `target`, whose size is that of the job.
    fn convert(
        &mut self,
        ctx: &GpuContext,
        request: &PictureRequest<'_>,
        target: &Picture,
        timer: &mut GpuTimer,
    ) -> Result<PictureTimes, PictureError>;
}

/// Who converts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ConvertChoice {
    /// The GPU; but where that is only a program on the CPU, SIMD code for SDR pictures.
    #[default]
    Auto,
    /// Always the GPU.
    Gpu,
    /// Always the CPU.
    Cpu,
}

impl ConvertChoice {
    /// Whether `frame` goes through the GPU's compute pass.
    ///
    /// On a CPU adapter SIMD code wins for SDR several times over. HDR costs so many curves a pixel
    /// that the adapter's compiled and threaded shader is as good.
    pub fn uses_gpu(self, adapter: &AdapterSummary, frame: &VideoFrame) -> bool {
        match self {
            Self::Gpu => true,
            Self::Cpu => false,
            Self::Auto => !adapter.is_cpu || frame.color.transfer.is_hdr(),
        }
    }
}

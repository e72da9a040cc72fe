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
    /// Which of the frames that are shown at once it is: those that come along a lane one after another
    /// are likely to be of a kind, and what is kept for them is kept by it.
    pub lane: usize,
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
    /// The GPU; but where that is only a program on the CPU, SIMD code.
    #[default]
    Auto,
    /// Always the GPU.
    Gpu,
    /// Always the CPU.
    Cpu,
}

impl ConvertChoice {
    /// Whether pictures go through the compute pass of `adapter`.
    ///
    /// On a CPU adapter SIMD code wins for SDR and HDR alike: a compute pass there pays some 4 ns for each
    /// texel it loads. From 4K to 1280x720 on lavapipe, in CPU milliseconds a frame: 150 for SDR and 160
    /// for HDR by compute, 20 and 83 by SIMD code that is compiled without much optimization.
    pub fn uses_gpu(self, adapter: &AdapterSummary) -> bool {
        match self {
            Self::Gpu => true,
            Self::Cpu => false,
            Self::Auto => !adapter.is_cpu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_leaves_software_adapters_alone() {
        let adapter = |is_cpu| AdapterSummary {
            name: String::new(),
            backend: String::new(),
            driver: String::new(),
            is_cpu,
        };
        assert!(ConvertChoice::Auto.uses_gpu(&adapter(false)));
        assert!(!ConvertChoice::Auto.uses_gpu(&adapter(true)));
        assert!(ConvertChoice::Gpu.uses_gpu(&adapter(true)));
        assert!(!ConvertChoice::Cpu.uses_gpu(&adapter(false)));
    }
}

//! Waveforms: how loud a stream of sound is, at every scale.
//!
//! A [`Waveform`] holds the lowest and highest sample and the root mean square of every block of 512
//! samples, all channels together: one lane tells where there is sound, and a click in any channel is
//! seen. Four blocks make one of the next level, and so on; a screen's columns are put together from the
//! level that fits them. Blocks are counted from media time zero, to the sample.
//!
//! [`WaveformRequest::submit`] has a job fill it in one pass of decoding, from the place that somebody
//! looks at ([`Waveform::aim`]) to the end and then from the beginning up to there, and what is made can
//! be seen at once, a segment of 4,096 blocks (44 s at 48 kHz) at a time. An hour of sound at 48 kHz takes
//! 2.7 MB in memory, six bytes a block, and 2 MB in the [`ProductStore`](super::ProductStore). More than
//! 24 hours at 48 kHz are not drawn. Where samples are decoded anyway, a [`WaveformTap`] makes the same of them.

mod columns;
mod fill;
mod make;
mod peak;
mod pyramid;
mod tap;
#[cfg(test)]
mod tests;
mod wire;

pub use columns::Columns;
pub use make::{WaveformRequest, WaveformSource};
pub use peak::Peak;
pub use pyramid::Waveform;
pub use tap::WaveformTap;

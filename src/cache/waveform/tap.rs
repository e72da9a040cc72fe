//! A waveform of sound that somebody else decodes for another reason.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::fill::Filler;
use super::make::{WaveformRequest, WaveformSource};
use super::pyramid::{MOST_SEGMENTS, Waveform};
use crate::cache::ProductStore;
use crate::decode::FileIdentity;
use crate::media::AudioSamples;
use crate::time::MediaTime;

/// Makes the waveform of a stream of which all samples pass by, from the first to the last. It is kept where
/// a [`WaveformRequest`] would keep it, and looks alike.
#[derive(Debug)]
pub struct WaveformTap {
    request: WaveformRequest,
    file: FileIdentity,
    /// One that is still being written has more to come.
    is_settled: bool,
    filler: Filler,
}

impl WaveformTap {
    /// Of `source`, whose file is in this state, and whose samples come at `rate`. `None` where it is kept
    /// already.
    pub fn begin(
        source: WaveformSource,
        file: FileIdentity,
        rate: NonZeroU32,
        store: &Arc<dyn ProductStore>,
    ) -> Option<Self> {
        let waveform = Arc::new(Waveform::of_rate(rate));
        let request = WaveformRequest::new(source, waveform, Some(Arc::clone(store)));
        request.load(file).is_none().then(|| Self {
            request,
            file,
            is_settled: file.is_settled(),
            filler: Filler::new(rate, 0),
        })
    }

    /// The samples that follow those before. The first is at `start`, as time stamps in the file count.
    pub fn add(&mut self, start: MediaTime, samples: &AudioSamples) {
        let start = start - self.request.source.zero.since_zero();
        let mut show = |place, segment| self.request.show(place, segment);
        self.filler.add(start, samples, MOST_SEGMENTS, &mut show);
    }

    /// There are no more. They are kept where `is_whole` says that nothing failed to be read; answers whether
    /// they are.
    pub fn finish(mut self, is_whole: bool) -> bool {
        let mut show = |place, segment| self.request.show(place, segment);
        let end = self.filler.end(MOST_SEGMENTS, &mut show);
        let is_sound = is_whole && self.is_settled;
        self.request.finish(end, self.file, is_sound)
    }
}

//! What else is made of a source in the pass that makes its proxies: thumbnails and waveforms, as the player would
//! make them, for the store where it looks for them.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::cache::ProductStore;
use crate::cache::thumbnails::{StripRequest, StripScale, StripSource, StripTap, ThumbnailStrip};
use crate::cache::waveform::{WaveformSource, WaveformTap};
use crate::decode::{FileIdentity, GopIndex};
use crate::media::{AudioSamples, AudioStream, MediaInfo, VideoFrame, VideoStream};
use crate::memory::Ledger;
use crate::time::{Clock, FrameIndex, MediaTime};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MadeProducts {
    /// Thumbnails that were made and kept.
    pub thumbnails: usize,
    /// Waveforms that were made and kept.
    pub waveforms: usize,
}

/// What is not in the store yet, while it is made.
#[derive(Default)]
pub(super) struct Products {
    strip: Option<StripTap>,
    /// By stream of sound, in the order of the source.
    waveforms: Vec<Option<WaveformTap>>,
}

impl Products {
    /// The thumbnails of `stream`, one of `info`, in a file in this state; none where there is no `store`.
    pub(super) fn begin(
        info: &MediaInfo,
        stream: &VideoStream,
        index: &Arc<GopIndex>,
        file: FileIdentity,
        store: Option<&Arc<dyn ProductStore>>,
        ledger: Option<&Ledger>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let Some(store) = store else {
            return Self::default();
        };
        let source = StripSource {
            path: info.path.clone(),
            file_bytes: file.bytes,
            stream: stream.clone(),
            index: Arc::clone(index),
        };
        let strip = ledger.map_or_else(ThumbnailStrip::new, ThumbnailStrip::charged);
        let request = StripRequest::new(
            source,
            StripScale::default(),
            Arc::new(strip),
            Some(Arc::clone(store)),
            Arc::clone(clock),
        );
        Self {
            // The player makes none of a single frame.
            strip: (index.len() > 1)
                .then(|| StripTap::begin(request, file))
                .flatten(),
            waveforms: Vec::new(),
        }
    }

    /// Adds the waveform of the next stream of sound, whose samples come at `rate`.
    pub(super) fn add_sound(
        &mut self,
        info: &MediaInfo,
        stream: &AudioStream,
        rate: NonZeroU32,
        file: FileIdentity,
        store: Option<&Arc<dyn ProductStore>>,
    ) {
        let source = WaveformSource::of(info, stream);
        let tap = store.and_then(|store| WaveformTap::begin(source, file, rate, store));
        self.waveforms.push(tap);
    }

    /// The next frame that could be decoded.
    pub(super) fn picture(&mut self, number: FrameIndex, frame: &VideoFrame) {
        if let Some(strip) = &mut self.strip {
            strip.take(number, frame);
        }
    }

    /// The next samples of a stream of sound, the first at `start`, as time stamps in the file count.
    pub(super) fn sound(&mut self, stream: usize, start: MediaTime, samples: &AudioSamples) {
        if let Some(Some(waveform)) = self.waveforms.get_mut(stream) {
            waveform.add(start, samples);
        }
    }

    /// Nothing more comes of this stream, for its end cannot be read.
    pub(super) fn sound_is_damaged(&mut self, stream: usize) {
        if let Some(waveform) = self.waveforms.get_mut(stream) {
            *waveform = None;
        }
    }

    /// Keeps what was made of a source that was read to its end; of one whose pictures are damaged, its
    /// waveforms alone.
    pub(super) fn keep(self, is_damaged: bool) -> MadeProducts {
        let waveforms = self.waveforms.into_iter().flatten();
        MadeProducts {
            thumbnails: self.strip.map_or(0, |strip| strip.finish(!is_damaged)),
            waveforms: waveforms.map(|tap| usize::from(tap.finish(true))).sum(),
        }
    }
}

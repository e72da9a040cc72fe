//! Background work for a timeline: thumbnails and waveforms of its media.

use std::sync::{Arc, Weak};

use super::{BackgroundOptions, told};
use crate::cache::thumbnails::StripScale;
use crate::cache::waveform::Columns;
use crate::jobs::{JobHandle, JobQueue};
use crate::memory::{MemoryManager, Step};
use crate::playback::{
    MediaState, TimelineState, TimelineStrip, TimelineStripRequest, TimelineWaveform,
    TimelineWaveformRequest,
};
use crate::time::{Clock, FrameIndex};

/// Columns of its waveform: a part of it may be seen in the whole width of a window.
const COLUMNS: usize = 16_384;

/// The jobs of a timeline that is open, and what they made.
pub(super) struct TimelineWork {
    strip: Option<Arc<TimelineStrip>>,
    waveform: Option<Arc<TimelineWaveform>>,
    jobs: Vec<JobHandle>,
    /// Where the playhead was when the jobs heard of it last.
    aimed: Option<FrameIndex>,
    /// What the screen gets, and what it was made of.
    columns: Option<(u64, Arc<Columns>)>,
}

impl TimelineWork {
    /// Begins to work on `timeline`, the one of `medium`. The coarse thumbnails come first, then the waveforms, then
    /// the finer thumbnails.
    pub(super) fn begin(
        medium: &MediaState,
        timeline: &TimelineState,
        options: &BackgroundOptions,
        clock: &Arc<dyn Clock>,
        memory: &MemoryManager,
        queue: &JobQueue,
    ) -> Self {
        let path = &medium.info.path;
        let name = path.display().to_string();
        let mut work = Self {
            strip: None,
            waveform: None,
            jobs: Vec::new(),
            aimed: None,
            columns: None,
        };
        let strip = options
            .thumbnails
            .then(|| TimelineStrip::new(timeline.media(), memory.ledger()));
        if let Some(strip) = strip.filter(|strip| strip.files() > 0).map(Arc::new) {
            let shedder: Weak<TimelineStrip> = Arc::downgrade(&strip);
            memory.register(Step::Thumbnails, shedder);
            let request = TimelineStripRequest::new(
                Arc::clone(&strip),
                StripScale::default(),
                options.indices.clone(),
                options.store.clone(),
                Arc::clone(clock),
            );
            work.jobs = request.submit(&name, queue).unwrap_or_else(told);
            let open: Arc<TimelineStrip> = Arc::clone(&strip);
            options.open_strip.set(path, open);
            work.strip = Some(strip);
        }
        let waveform = options
            .waveforms
            .then(|| TimelineWaveform::new(&timeline.sound, &timeline.sound_tracks, COLUMNS));
        if let Some(waveform) = waveform.filter(|made| made.files() > 0).map(Arc::new) {
            let request =
                TimelineWaveformRequest::new(Arc::clone(&waveform), options.store.clone());
            let job = request.submit(&name, queue);
            work.jobs.extend(job.map_or_else(told, Some));
            work.waveform = Some(waveform);
        }
        work
    }

    /// Tells the jobs where the playhead is.
    pub(super) fn aim(&mut self, medium: &MediaState, position: FrameIndex) {
        if self.aimed.replace(position) == Some(position) {
            return;
        }
        if let Some(strip) = &self.strip {
            strip.aim(position);
        }
        if let Some(waveform) = &self.waveform {
            waveform.aim(medium.rate.time_of_frame_nearest(position));
        }
    }

    pub(super) fn strip(&self) -> Option<&TimelineStrip> {
        self.strip.as_deref()
    }

    pub(super) fn peaks(&mut self) -> Option<Arc<Columns>> {
        let waveform = self.waveform.as_ref()?;
        let edition = waveform.edition();
        match &self.columns {
            Some((made_of, peaks)) if *made_of == edition => Some(Arc::clone(peaks)),
            _ => {
                let peaks = Arc::new(waveform.columns());
                self.columns = Some((edition, Arc::clone(&peaks)));
                Some(peaks)
            }
        }
    }
}

impl Drop for TimelineWork {
    fn drop(&mut self) {
        self.jobs.iter().for_each(JobHandle::cancel);
    }
}

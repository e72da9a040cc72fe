//! The waveform of a medium without pictures, made in the background.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use crate::decode::{AudioRead, AudioReader};
use crate::media::MediaInfo;
use crate::time::{MediaSpan, MediaTime};

/// Columns: more than a window has pixels would not be seen.
const COLUMNS: usize = 2048;

/// Chunks between two looks that the screen gets.
const CHUNKS_A_LOOK: u32 = 64;

/// Lowest and highest sample of each of a number of equal spans. Grows while the file is read.
pub(super) struct Waveform {
    path: PathBuf,
    peaks: Arc<ArcSwap<Vec<(f32, f32)>>>,
    stop: Arc<AtomicBool>,
}

impl Waveform {
    /// Begins to read the default track of `info`. `changed` is called as the waveform grows. `None`
    /// when there is no sound, or no thread.
    pub(super) fn start(info: &MediaInfo, changed: impl Fn() + Send + 'static) -> Option<Self> {
        let track = info.default_audio()?;
        let duration = track.duration.or(info.container.duration)?;
        let (path, stream, zero) = (info.path.clone(), track.id, track.start);
        let peaks = Arc::new(ArcSwap::from_pointee(vec![(0.0, 0.0); COLUMNS]));
        let stop = Arc::new(AtomicBool::new(false));
        let work = {
            let (path, peaks, stop) = (path.clone(), Arc::clone(&peaks), Arc::clone(&stop));
            move || match AudioReader::open(&path, stream, zero) {
                Ok(mut reader) => read(&mut reader, duration, &peaks, &stop, &changed),
                Err(error) => tracing::warn!("no waveform: {error}"),
            }
        };
        std::thread::Builder::new()
            .name("waveform".to_owned())
            .spawn(work)
            .ok()?;
        Some(Self { path, peaks, stop })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn peaks(&self) -> Arc<Vec<(f32, f32)>> {
        self.peaks.load_full()
    }
}

impl Drop for Waveform {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn read(
    reader: &mut AudioReader,
    duration: MediaSpan,
    peaks: &ArcSwap<Vec<(f32, f32)>>,
    stop: &AtomicBool,
    changed: &impl Fn(),
) {
    let mut columns = vec![(0.0f32, 0.0f32); COLUMNS];
    let mut chunks = 0;
    while !stop.load(Ordering::Relaxed) {
        let chunk = match reader.read() {
            Ok(AudioRead::Chunk(chunk)) => chunk,
            Ok(AudioRead::End) => break,
            Err(error) => {
                tracing::warn!("the waveform ends early: {error}");
                break;
            }
        };
        let format = &chunk.samples.format;
        for (number, frame) in chunk
            .samples
            .interleaved
            .chunks(format.layout.count())
            .enumerate()
        {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            let at = chunk.start + MediaSpan::from_samples_nearest(number, format.rate);
            let column = column_of(at, duration);
            if let Some((low, high)) = columns.get_mut(column) {
                for &sample in frame {
                    *low = low.min(sample);
                    *high = high.max(sample);
                }
            }
        }
        chunks += 1;
        if chunks % CHUNKS_A_LOOK == 0 {
            peaks.store(Arc::new(columns.clone()));
            changed();
        }
    }
    peaks.store(Arc::new(columns));
    changed();
}

fn column_of(at: MediaTime, duration: MediaSpan) -> usize {
    let columns = i128::try_from(COLUMNS).unwrap_or(1);
    let column = i128::from(at.flicks()) * columns / i128::from(duration.flicks().max(1));
    usize::try_from(column).unwrap_or(usize::MAX)
}

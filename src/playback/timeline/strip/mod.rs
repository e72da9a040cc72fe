//! Thumbnails of a timeline: those of its media, put together frame by frame.
//!
//! A [`TimelineStrip`] holds a [`ThumbnailStrip`] for each file that is seen, once for all clips of it, and
//! nothing else: which thumbnails a frame of the timeline shows is asked of the edit when somebody wants to
//! know. So an edit that changes costs nothing anew, and what is kept on disk is kept by file. Files are
//! worked on in the background ([`TimelineStripRequest`]), what is nearest to the playhead first.
//!
//! Numbered pictures have none, and neither has what is missing or cannot be read.

mod make;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

pub use self::make::TimelineStripRequest;
use super::media::{ClipMedia, SourceState, TimelineMedia};
use super::{sides, stills};
use crate::cache::thumbnails::{Thumbnail, ThumbnailStrip};
use crate::decode::{Approximations, Picture, Still};
use crate::memory::{Ledger, Shedder};
use crate::time::FrameIndex;
use crate::timeline::{ClipId, Content, Layer, Located, SourceId, TrackKind, VideoOp};

/// Thumbnails of all files together are not thinned out below this.
const LEAST_KEPT: usize = 64;

/// The thumbnails of an edit, as far as they are made. Filled by jobs, read from any thread without waiting
/// for them.
pub struct TimelineStrip {
    media: Arc<TimelineMedia>,
    /// By source, what is known of it.
    known: Vec<ArcSwapOption<ClipMedia>>,
    /// By source, the place of its file.
    file_of: Vec<Option<usize>>,
    files: Vec<FileStrip>,
    aim: AtomicI64,
    /// What [`Self::stretches`] answered, and for which edition.
    stretches: Mutex<(u64, Arc<Vec<Range<FrameIndex>>>)>,
}

/// A file that is seen.
struct FileStrip {
    path: PathBuf,
    strip: Arc<ThumbnailStrip>,
    /// The edit's sources that are parts of it.
    sources: Vec<SourceId>,
    /// Where it is seen, in frames of the timeline.
    uses: Vec<Range<i64>>,
}

/// The thumbnail for a frame of a timeline, and the medium that it is of.
#[derive(Debug, Clone)]
pub struct TimelineThumbnail {
    /// It, with its number in the medium.
    pub thumbnail: Thumbnail,
    /// The medium: how its pictures are turned and stretched.
    pub medium: Arc<ClipMedia>,
}

/// The thumbnail that is nearest to what a layer shows.
struct Near {
    thumbnail: Thumbnail,
    medium: Arc<ClipMedia>,
    /// How far away it is, in frames of the timeline, in their direction.
    away: i64,
}

impl TimelineStrip {
    /// An empty strip of `media`, whose pictures are charged to `ledger`. Those that do not fit are not taken.
    pub fn new(media: TimelineMedia, ledger: &Ledger) -> Self {
        let edit = &media.edit;
        let mut files: Vec<FileStrip> = Vec::new();
        let mut by_path: HashMap<&Path, usize> = HashMap::new();
        let mut file_of = vec![None; media.located.len()];
        for clip in edit.clips() {
            let number = clip.source.0 as usize;
            let (TrackKind::Video, Some(Located::File(path))) =
                (clip.kind, media.located.get(number))
            else {
                continue;
            };
            let place = *by_path.entry(path).or_insert_with(|| {
                files.push(FileStrip {
                    path: path.clone(),
                    strip: Arc::new(ThumbnailStrip::charged(ledger)),
                    sources: Vec::new(),
                    uses: Vec::new(),
                });
                files.len() - 1
            });
            let file = &mut files[place];
            let (first, end) = (clip.range.start, clip.range.end());
            let rate = edit.rate();
            file.uses
                .push(rate.frame_at_floor(first).0..rate.frame_at_floor(end).0);
            if file_of[number].is_none() {
                file_of[number] = Some(place);
                file.sources.push(clip.source);
            }
        }
        Self {
            known: media
                .located
                .iter()
                .map(|_| ArcSwapOption::empty())
                .collect(),
            file_of,
            files,
            aim: AtomicI64::new(0),
            stretches: Mutex::default(),
            media: Arc::new(media),
        }
    }

    /// A strip of which all is made, for tests of what is seen in it. `made` answers what is known of a file, and
    /// its thumbnails.
    #[cfg(test)]
    pub(super) fn made(
        media: TimelineMedia,
        made: impl Fn(&crate::timeline::Source) -> Option<(ClipMedia, ThumbnailStrip)>,
    ) -> Self {
        let mut strip = Self::new(media, &Ledger::new(u64::MAX));
        for file in &mut strip.files {
            for &source in &file.sources {
                let stated = strip.media.edit.source(source).unwrap();
                if let Some((known, thumbnails)) = made(stated) {
                    strip.known[source.0 as usize].store(Some(Arc::new(known)));
                    file.strip = Arc::new(thumbnails);
                }
            }
        }
        strip
    }

    /// The thumbnail that tells best what is seen in `frame`: of the highest layer that hides all others, or else
    /// of the lowest one that has any. Takes some microseconds.
    pub fn near(&self, frame: FrameIndex) -> Option<TimelineThumbnail> {
        let states = self.states();
        let mut ops = Vec::new();
        self.media.edit.video_at(frame, &mut ops);
        sides::cull(&mut ops, &states, &self.media);
        // What lies below a layer that covers the canvas has been taken away.
        let near = ops.iter().find_map(|op| match op {
            VideoOp::Layer(layer) => self.near_layer(layer, None),
            VideoOp::BeginGroup | VideoOp::EndGroup { .. } => None,
        })?;
        Some(TimelineThumbnail {
            thumbnail: near.thumbnail,
            medium: near.medium,
        })
    }

    /// The thumbnail nearest to what one clip shows in `frame`, whatever hides it there.
    pub fn of_clip(&self, clip: ClipId, frame: FrameIndex) -> Option<TimelineThumbnail> {
        let mut ops = Vec::new();
        self.media.edit.video_at(frame, &mut ops);
        let near = ops.iter().find_map(|op| match op {
            VideoOp::Layer(layer) if layer.clip == clip => self.near_layer(layer, None),
            VideoOp::Layer(_) | VideoOp::BeginGroup | VideoOp::EndGroup { .. } => None,
        })?;
        Some(TimelineThumbnail {
            thumbnail: near.thumbnail,
            medium: near.medium,
        })
    }

    /// What is known of a source.
    pub fn medium(&self, source: SourceId) -> Option<Arc<ClipMedia>> {
        self.known.get(source.0 as usize)?.load_full()
    }

    /// Tells where somebody looks: files that are seen there come first.
    pub fn aim(&self, frame: FrameIndex) {
        self.aim.store(frame.0, Ordering::Relaxed);
    }

    /// Thumbnails that are made.
    pub fn len(&self) -> usize {
        self.files.iter().map(|file| file.strip.len()).sum()
    }

    /// Whether none is made.
    pub fn is_empty(&self) -> bool {
        self.files.iter().all(|file| file.strip.is_empty())
    }

    /// Files that are seen.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Stretches of the timeline in which files are seen that have any, in order and apart.
    pub fn stretches(&self) -> Arc<Vec<Range<FrameIndex>>> {
        let edition = self.edition();
        let mut known = self.stretches.lock();
        if known.0 != edition {
            let made = self.files.iter().filter(|file| !file.strip.is_empty());
            let mut uses: Vec<Range<i64>> = made.flat_map(|file| file.uses.clone()).collect();
            uses.sort_unstable_by_key(|frames| frames.start);
            let mut stretches: Vec<Range<FrameIndex>> = Vec::new();
            for frames in uses {
                let (first, end) = (FrameIndex(frames.start), FrameIndex(frames.end));
                match stretches.last_mut() {
                    Some(before) if first <= before.end => before.end = before.end.max(end),
                    _ => stretches.push(first..end),
                }
            }
            *known = (edition, Arc::new(stretches));
        }
        Arc::clone(&known.1)
    }

    /// A number that changes when thumbnails are added.
    pub fn edition(&self) -> u64 {
        let editions = self.files.iter().map(|file| file.strip.edition());
        editions.fold(0, u64::wrapping_add)
    }

    /// How far from where somebody looks a file is seen.
    fn distance(&self, file: &FileStrip) -> u64 {
        let aim = self.aim.load(Ordering::Relaxed);
        let uses = file.uses.iter().map(|frames| {
            let inside = aim.clamp(frames.start, (frames.end - 1).max(frames.start));
            inside.abs_diff(aim)
        });
        uses.min().unwrap_or(u64::MAX)
    }

    fn states(&self) -> Vec<SourceState> {
        let state = |known: &ArcSwapOption<ClipMedia>| {
            known
                .load_full()
                .map_or(SourceState::Unknown, SourceState::Ready)
        };
        self.known.iter().map(state).collect()
    }

    /// The thumbnail nearest to what `layer` shows: no farther away than `reach` frames of the timeline, or
    /// than a thumbnail of its medium may be.
    fn near_layer(&self, layer: &Layer, reach: Option<i64>) -> Option<Near> {
        let number = layer.source.0 as usize;
        let medium = self.known.get(number)?.load_full()?;
        let strip = &self.files.get((*self.file_of.get(number)?)?)?.strip;
        let wanted = medium.frame_of(layer, &*medium.whole_index()?)?;
        // A frame of the medium that is shown for long may be many of the timeline.
        let most = reach.map_or(strip.reach(), |reach| medium.medium_frames(reach, layer));
        let thumbnail = strip.nearest(wanted, most)?;
        let later = thumbnail.frame.0 - wanted.0;
        let backwards = layer.advance.flicks() < 0;
        let away = medium.timeline_frames(if backwards { -later } else { later }, layer);
        reach
            .is_none_or(|reach| away.abs() <= reach)
            .then_some(Near {
                thumbnail,
                medium,
                away,
            })
    }
}

impl Approximations for TimelineStrip {
    /// All layers of the frame, each with its thumbnail.
    fn nearest(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let states = self.states();
        let mut farthest = 0_i64;
        let composite = stills::compose(&self.media, &states, frame, |layer| {
            if let Located::Generated(generator) =
                self.media.located.get(layer.source.0 as usize)?
            {
                return stills::generated(generator);
            }
            let near = self.near_layer(layer, Some(reach))?;
            if near.away.abs() > farthest.abs() {
                farthest = near.away;
            }
            let stream = &near.medium.stream;
            Some(Content::Frame {
                frame: near.thumbnail.picture,
                orientation: stream.orientation,
                // Where it lies goes by the size of what it stands for.
                display: stream.display_size(),
            })
        })?;
        let last = self.media.edit.frames() - 1;
        Some(Still {
            index: FrameIndex((frame.0 + farthest).clamp(0, last.max(0))),
            picture: Picture::Composite(Arc::new(composite)),
        })
    }
}

impl Shedder for TimelineStrip {
    /// Every second thumbnail of each file goes. A file keeps one at least.
    fn shed(&self, wanted_bytes: u64) -> u64 {
        let mut shed = 0;
        for file in &self.files {
            if shed >= wanted_bytes || self.len() < 2 * LEAST_KEPT {
                break;
            }
            shed += file.strip.thin_out(1);
        }
        shed
    }
}

impl fmt::Debug for TimelineStrip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimelineStrip")
            .field("files", &self.files.len())
            .field("thumbnails", &self.len())
            .finish_non_exhaustive()
    }
}

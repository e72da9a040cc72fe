//! The media of a timeline, as far as they are known.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;

use super::worker::Here;
use crate::decode::{FileIdentity, FrameKeeper, Gop, GopIndex};
use crate::media::{Orientation, PictureTrait, PictureTraits, Size, VideoFrame, VideoStream};
use crate::time::{FrameIndex, MediaSpan, MediaTime};
use crate::timeline::resolve::source_instant;
use crate::timeline::{Content, Edit, Fit, Layer, Located, Look, MediaReference, Mix, Source};

/// An edit that is ready to play, and where its media are. Immutable.
#[derive(Clone)]
pub struct TimelineMedia {
    /// What is seen when.
    pub edit: Arc<Edit>,
    /// Size of the picture, in square pixels.
    pub canvas: Size,
    /// Where each of the edit's sources is, by number.
    pub located: Vec<Located>,
    /// Whether the first two tracks are sides that are compared, so that neither hides the other.
    pub is_comparison: bool,
}

/// A medium with pictures that has been opened. Every session of the same medium shares it.
#[derive(Debug)]
pub struct ClipMedia {
    /// The stream that is shown.
    pub stream: VideoStream,
    /// Stands for it wherever what it costs is remembered.
    key: u64,
    /// The name of its first frame in source ranges, as the timeline states it.
    stated_zero: Option<MediaTime>,
    /// Which file it is, where it is one.
    identity: Option<FileIdentity>,
    /// Its frames, once all are known.
    index: ArcSwapOption<GopIndex>,
    /// Those of its pictures that are kept, to look at.
    keeper: Option<Arc<dyn FrameKeeper>>,
    /// Whether a picture of two fields was seen.
    has_fields: AtomicBool,
}

impl ClipMedia {
    /// A medium whose frames are not known yet.
    pub fn new(stream: VideoStream, source: &Source) -> Self {
        Self {
            key: match &*source.reference {
                MediaReference::File { target, .. } => hash_of(target),
                _ => hash_of(&source.name),
            },
            stream,
            stated_zero: source.zero,
            identity: None,
            index: ArcSwapOption::empty(),
            keeper: None,
            has_fields: AtomicBool::new(false),
        }
    }

    /// The same of a file.
    pub fn of_file(stream: VideoStream, source: &Source, identity: FileIdentity) -> Self {
        Self {
            identity: Some(identity),
            key: hash_of(&(identity, stream.id)),
            ..Self::new(stream, source)
        }
    }

    /// Stands for it wherever what it costs is remembered.
    pub(super) fn key(&self) -> u64 {
        self.key
    }

    /// Whether it is what a file of this identity holds. What is no file is the same always.
    pub fn is_of(&self, identity: Option<FileIdentity>) -> bool {
        self.identity.is_none() || self.identity == identity
    }

    /// The same; its pictures are kept by `keeper`.
    #[must_use]
    pub fn kept_by(self, keeper: Option<Arc<dyn FrameKeeper>>) -> Self {
        Self { keeper, ..self }
    }

    /// Those of its pictures that are kept.
    pub(super) fn keeper(&self) -> Option<&Arc<dyn FrameKeeper>> {
        self.keeper.as_ref()
    }

    /// A picture of two fields was seen.
    pub(super) fn saw_fields(&self) {
        self.has_fields.store(true, Ordering::Relaxed);
    }

    /// What is out of the ordinary about its pictures.
    pub(super) fn traits(&self) -> PictureTraits {
        let index = self.index.load();
        let is_variable = index.as_ref().is_some_and(|index| index.is_variable_rate());
        PictureTraits::of_stream(&self.stream)
            .with(
                PictureTrait::Interlaced,
                self.has_fields.load(Ordering::Relaxed),
            )
            .with(PictureTrait::VariableRate, is_variable)
    }

    /// All its frames, if they are known.
    pub fn whole_index(&self) -> Option<Arc<GopIndex>> {
        self.index.load_full()
    }

    /// Remembers a complete index for the sessions that come later.
    /// Answers whether it was news.
    pub fn learn(&self, index: &Arc<GopIndex>) -> bool {
        let is_news = index.is_complete() && self.index.load().is_none();
        if is_news {
            self.index.store(Some(Arc::clone(index)));
        }
        is_news
    }

    /// Counts a stated source time from the medium's first frame: from the name that the timeline gives
    /// that frame, else from its timecode where the time is not before it.
    pub(super) fn local(&self, stated: MediaTime) -> MediaTime {
        let by_timecode = || self.stream.timecode_zero().filter(|&zero| stated >= zero);
        let zero = self.stated_zero.or_else(by_timecode);
        zero.map_or(stated, |zero| MediaTime::ZERO + (stated - zero))
    }

    /// The frame that is seen in a layer; `None` while `index` does not reach that far.
    pub fn frame_of(&self, layer: &Layer, index: &GopIndex) -> Option<FrameIndex> {
        if self.stream.is_still {
            return Some(FrameIndex::ZERO);
        }
        let span = self.stream.rate.frame_span_nearest();
        let at = source_instant(self.local(layer.media), layer.advance, span);
        let reached = index.is_complete() || (index.len() > 1 && index.end() - span > at);
        reached.then(|| index.frame_at(at)).flatten()
    }

    /// The GOP of the frame that is seen in a layer, its length in frames of the timeline. `None` while the
    /// frames are not known, and where nobody knows of GOPs.
    pub(super) fn gop_of(&self, layer: &Layer) -> Option<Gop> {
        if self.stream.is_still {
            return Some(Gop {
                up_to: 1,
                frames: i64::MAX,
            });
        }
        let index = self.whole_index()?;
        if index.keyframes().is_empty() {
            return None;
        }
        let frame = self.frame_of(layer, &index)?;
        let (first, next) = index.gop_of(frame)?;
        let end = next.map_or(index.len(), |next| next.0);
        Some(Gop {
            up_to: frame.0 - first.0 + 1,
            frames: self.timeline_frames(end - first.0, layer).max(1),
        })
    }

    /// How many frames of the timeline so many frames of the medium last in a layer. Where it stands still they
    /// are counted as they are.
    pub(super) fn timeline_frames(&self, frames: i64, layer: &Layer) -> i64 {
        let advance = layer.advance.flicks().abs();
        if advance == 0 {
            return frames;
        }
        let span = self.stream.rate.frame_span_nearest().flicks();
        let passed = i128::from(frames) * i128::from(span);
        // Rounded away from zero, for another picture is another frame.
        let whole = passed.abs() + i128::from(advance) - 1;
        i64::try_from(whole / i128::from(advance) * passed.signum()).unwrap_or(i64::MAX)
    }

    /// How many of its own frames are at most passed in so many frames of the timeline; the reverse of
    /// [`Self::timeline_frames`].
    pub(super) fn medium_frames(&self, frames: i64, layer: &Layer) -> i64 {
        let advance = layer.advance.flicks().abs();
        if advance == 0 {
            return frames;
        }
        let span = i128::from(self.stream.rate.frame_span_nearest().flicks().max(1));
        let passed = i128::from(frames.max(0)) * i128::from(advance) / span;
        i64::try_from(passed).unwrap_or(i64::MAX)
    }

    /// How many frames a step of the timeline passes over, where that is a whole number above one.
    pub fn whole_stride(&self, advance: MediaSpan) -> NonZeroU32 {
        let span = self.stream.rate.frame_span_nearest().flicks().max(1);
        let steps = advance.flicks().abs();
        let whole = (steps % span == 0).then_some(steps / span);
        let stride = whole.and_then(|whole| u32::try_from(whole).ok());
        stride.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
    }

    /// Whether its picture hides all that lies below it on `canvas`.
    pub fn covers(&self, layer: &Layer, canvas: Size) -> bool {
        !self.stream.format.alpha
            && is_plain(&layer.look)
            && layer.mix == Mix::Over(1.0)
            && match layer.look.fit {
                Fit::Fill | Fit::Stretch => true,
                Fit::Fit => same_shape(self.stream.display_size(), canvas),
                Fit::None => self.stream.display_size() == canvas,
            }
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Whether a picture lies over the whole canvas as it is.
fn is_plain(look: &Look) -> bool {
    let fit = look.fit;
    *look
        == Look {
            fit,
            ..Look::default()
        }
}

fn same_shape(a: Size, b: Size) -> bool {
    u64::from(a.width()) * u64::from(b.height()) == u64::from(b.width()) * u64::from(a.height())
}

/// What is known of a source.
pub(super) enum SourceState {
    /// Nothing yet.
    Unknown,
    /// It has pictures.
    Ready(Arc<ClipMedia>),
    /// It has none; this is shown in their place.
    Slate(Slate),
}

/// A card that says what is missing.
#[derive(Clone)]
pub(super) struct Slate {
    /// The card.
    pub(super) picture: Arc<VideoFrame>,
    /// The same in a line.
    pub(super) text: Arc<str>,
}

impl Slate {
    /// It as a layer's content.
    pub(super) fn here(&self) -> Here {
        let size = self.picture.size;
        Here {
            missing: Some(Arc::clone(&self.text)),
            ..Here::made(Content::Frame {
                frame: Arc::clone(&self.picture),
                orientation: Orientation::UPRIGHT,
                display: size,
            })
        }
    }
}

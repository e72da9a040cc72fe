//! What is to be heard: the clips of an edit, placed in time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::media::StreamId;
use crate::time::{MediaSpan, MediaTime};
use crate::timeline::{AudioFade, TimeMap, TimeMapPiece, TimeRange};

/// What the times of a clip's medium count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SoundZero {
    /// The medium's first picture, or its first sample where it has no pictures.
    #[default]
    First,
    /// What the medium's timecode calls zero, unless `least`, the first instant that is used, lies before the
    /// first picture then: then as above. It is left to whoever opens the medium to find out: to open all media of a
    /// long edit takes longer than anybody waits for its first picture.
    Timecode {
        /// The first instant that is used.
        least: MediaTime,
    },
}

/// The sound of one clip.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundClip {
    /// The file.
    pub path: PathBuf,
    /// The stream in it; `None` for the one that the file is heard with by default.
    pub stream: Option<StreamId>,
    /// When it sounds, its transitions included.
    pub range: TimeRange,
    /// From the time since `range.start` to the time since the medium's `zero`. Pieces run backwards where the
    /// clip is reversed.
    pub map: TimeMap,
    /// What the medium's times count from.
    pub zero: SoundZero,
    /// Where it rises from silence or falls to it, in the edit's time: in its own transitions, and in
    /// those of what it is nested in. All multiply.
    pub fades: Arc<[AudioFade]>,
    /// Factor for its samples; 1 leaves them as they are.
    pub gain: f32,
}

/// All the sound of an edit. A clone shares everything.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundPlan {
    /// The clips in order of their beginnings. They may overlap: they are added. What is disabled or
    /// muted is left out.
    pub clips: Arc<[SoundClip]>,
    /// Length of the edit; what lies beyond is not heard.
    pub duration: MediaSpan,
}

impl SoundClip {
    /// The same clip in times since the medium's first picture, which its timecode gives this time.
    #[must_use]
    pub fn counted_from_first(&self, timecode: Option<MediaTime>) -> Self {
        let mut clip = Self {
            zero: SoundZero::First,
            ..self.clone()
        };
        if let SoundZero::Timecode { least } = self.zero
            && let Some(first) = timecode.filter(|&first| least >= first)
        {
            let pieces = self.map.pieces().iter().map(|piece| TimeMapPiece {
                source: piece.source - first.since_zero(),
                ..*piece
            });
            clip.map = TimeMap::from_pieces(pieces.collect()).unwrap_or(clip.map);
        }
        clip
    }
}

impl SoundPlan {
    /// The same plan in times since the first pictures of its media. `timecode_of` is asked once for each medium
    /// that has to tell.
    #[must_use]
    pub(super) fn counted_from_first(
        &self,
        timecode_of: impl Fn(&Path) -> Option<MediaTime>,
    ) -> Self {
        let mut known: HashMap<&Path, Option<MediaTime>> = HashMap::new();
        let clips = self.clips.iter().map(|clip| {
            let timecode = match clip.zero {
                SoundZero::First => None,
                SoundZero::Timecode { .. } => *known
                    .entry(&clip.path)
                    .or_insert_with(|| timecode_of(&clip.path)),
            };
            clip.counted_from_first(timecode)
        });
        Self {
            clips: clips.collect(),
            duration: self.duration,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::timeline::Ratio;

    fn at(seconds: i64) -> MediaTime {
        MediaTime::ZERO + MediaSpan::from_secs(seconds)
    }

    fn clip(path: &str, source: i64, zero: SoundZero) -> SoundClip {
        SoundClip {
            path: PathBuf::from(path),
            stream: None,
            range: TimeRange::between(at(0), at(1)),
            map: TimeMap::linear(MediaSpan::from_secs(source), Ratio::ONE),
            zero,
            fades: Arc::default(),
            gain: 1.0,
        }
    }

    #[test]
    fn times_that_lie_before_the_timecode_do_not_count_by_it() {
        let by_timecode = |source| {
            let zero = SoundZero::Timecode { least: at(source) };
            clip("a.mov", source, zero)
        };
        let heard = |clip: SoundClip, first: Option<MediaTime>| {
            let clip = clip.counted_from_first(first);
            assert_eq!(clip.zero, SoundZero::First);
            clip.map.source_at(MediaSpan::ZERO)
        };
        let hour = Some(at(3_600));
        assert_eq!(heard(by_timecode(3_605), hour), MediaSpan::from_secs(5));
        assert_eq!(heard(by_timecode(3_599), hour), MediaSpan::from_secs(3_599));
        assert_eq!(heard(by_timecode(7), None), MediaSpan::from_secs(7));
        let first = clip("a.mov", 3_605, SoundZero::First);
        assert_eq!(heard(first, hour), MediaSpan::from_secs(3_605));
    }

    #[test]
    fn a_medium_is_asked_once_and_only_where_it_has_to_tell() {
        let zero = SoundZero::Timecode { least: at(10) };
        let plan = SoundPlan {
            clips: Arc::from([
                clip("a.mov", 10, zero),
                clip("a.mov", 12, zero),
                clip("b.mov", 12, SoundZero::First),
            ]),
            duration: MediaSpan::from_secs(1),
        };
        let asked = Cell::new(0);
        let plan = plan.counted_from_first(|path| {
            assert_eq!(path, Path::new("a.mov"));
            asked.set(asked.get() + 1);
            Some(at(10))
        });
        assert_eq!(asked.get(), 1);
        let sources = plan
            .clips
            .iter()
            .map(|clip| clip.map.source_at(MediaSpan::ZERO));
        let seconds: Vec<MediaSpan> = [0, 2, 12].map(MediaSpan::from_secs).into();
        assert_eq!(sources.collect::<Vec<_>>(), seconds);
    }
}

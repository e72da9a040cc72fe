//! What is to be heard: the clips of an edit, placed in time.

use std::path::PathBuf;
use std::sync::Arc;

use crate::media::StreamId;
use crate::time::MediaSpan;
use crate::timeline::{AudioFade, TimeMap, TimeRange};

/// The sound of one clip.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundClip {
    /// The file.
    pub path: PathBuf,
    /// The stream in it; `None` for the one that the file is heard with by default.
    pub stream: Option<StreamId>,
    /// When it sounds, its transitions included.
    pub range: TimeRange,
    /// From the time since `range.start` to the time since the medium's first frame, or since its first
    /// sample where it has no pictures. Pieces run backwards where the clip is reversed.
    pub map: TimeMap,
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

//! From a timeline file to something that plays.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::compare::{Compared, Comparison};
use super::media::TimelineMedia;
use crate::audio::{SoundClip, SoundPlan};
use crate::decode::{media_info_of_sequence, probe};
use crate::media::{
    ColorInfo, ContainerInfo, FieldOrder, MediaInfo, Orientation, PixelFormat, SampleAspect, Size,
    StreamId, VideoStream,
};
use crate::time::{FrameIndex, FrameRate, MediaTime, TimeBase, Timecode, TimecodeFormat};
use crate::timeline::import::bundle::Bundle;
use crate::timeline::import::{self, Format, ImportOptions, Imported, Note};
use crate::timeline::{
    AudioFade, AudioUse, Edit, Located, Locator, MediaReference, Source, StatedRange, TimeMap,
    TimeMapPiece, Timeline, TrackKind,
};

/// How timelines are read, and where their media may be.
#[derive(Debug, Clone, Default)]
pub struct TimelineSettings {
    /// The rate of files that state none.
    pub rate: Option<FrameRate>,
    /// Folders that media are looked for in, beside the timeline's own.
    pub media_roots: Vec<PathBuf>,
    /// What each file that is opened is compared with.
    pub compare: Option<Comparison>,
}

/// What is known of an open timeline. Immutable.
#[derive(Debug)]
pub struct TimelineState {
    /// The edit as the file has it.
    pub timeline: Timeline,
    /// The same, ready to play.
    pub edit: Arc<Edit>,
    /// The format it was read from; of a comparison of media, that whose model it follows.
    pub format: Format,
    /// What was not understood.
    pub notes: Vec<Note>,
    /// Where each of the edit's sources is.
    pub located: Vec<Located>,
    /// Size of the picture.
    pub canvas: Size,
    /// Its sound.
    pub sound: SoundPlan,
    /// What is compared, where it is a comparison.
    pub compared: Option<Compared>,
    /// What was taken out of bundles, for as long as it plays.
    pub(super) unpacked: Vec<TempDir>,
}

/// The picture of a timeline that states no size and has no medium to take one from.
const DEFAULT_CANVAS: (u32, u32) = (1920, 1080);

/// Media that are asked for the canvas's size at most: the first ones may be missing.
const ASKED_FOR_SIZE: usize = 8;

impl TimelineState {
    /// Reads the file and looks for its media; compares it where `settings` say so. Errors are in plain
    /// words.
    pub fn open(path: &Path, settings: &TimelineSettings) -> Result<Self, String> {
        puffin::profile_scope!("open timeline");
        if let Some(comparison) = &settings.compare {
            return Self::compare(path, comparison, settings);
        }
        let options = ImportOptions {
            rate: settings.rate,
            ..ImportOptions::default()
        };
        let imported = import::load(path, &options).map_err(|error| error.to_string())?;
        Self::of(imported, settings).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn of(imported: Imported, settings: &TimelineSettings) -> Result<Self, String> {
        let edit = Edit::new(&imported.timeline).map_err(|error| error.to_string())?;
        if edit.frames() == 0 {
            return Err("the timeline is empty".to_owned());
        }
        let unpacked = unpack(&imported.base, &edit)?;
        let base = unpacked.as_ref().map_or(&*imported.base, TempDir::path);
        let locator = Locator::new(base, settings.media_roots.clone());
        let probed = RefCell::new(Probed::default());
        let locate = |source: &Source| {
            locator.locate(&source.reference, &source.name, &|path: &Path| {
                let info = probed.borrow_mut().info(path)?;
                Some(likeness(&info, source.available.as_ref()))
            })
        };
        let located: Vec<Located> = edit.sources().iter().map(locate).collect();
        let mut probed = probed.into_inner();
        let canvas = imported
            .timeline
            .canvas
            .or_else(|| first_size(&edit, &located, &mut probed))
            .or_else(|| Size::new(DEFAULT_CANVAS.0, DEFAULT_CANVAS.1))
            .ok_or("the picture has no size")?;
        let sound = sound_plan(&edit, &located, &mut probed);
        Ok(Self {
            edit: Arc::new(edit),
            format: imported.format,
            notes: imported.notes,
            timeline: imported.timeline,
            located,
            canvas,
            sound,
            compared: None,
            unpacked: unpacked.into_iter().collect(),
        })
    }

    /// What a [`super::TimelineSource`] plays.
    pub fn media(&self) -> TimelineMedia {
        TimelineMedia {
            edit: Arc::clone(&self.edit),
            canvas: self.canvas,
            located: self.located.clone(),
            is_comparison: self.compared.is_some(),
        }
    }

    /// Timecode of the first frame, where the timeline states one.
    pub fn start_timecode(&self) -> Option<Timecode> {
        let start = self.timeline.global_start?;
        let rate = self.edit.rate();
        let format = TimecodeFormat::new(rate, self.timeline.drop_frame)
            .or_else(|_| TimecodeFormat::new(rate, false))
            .ok()?;
        Some(Timecode::from_frame_number(
            rate.frame_at_floor(start).0,
            format,
        ))
    }

    /// The timeline as a medium of one stream of pictures, for those who need not know of cuts. Its
    /// sound is not among the streams: it is mixed, not read.
    pub fn media_info(&self, path: &Path) -> MediaInfo {
        let (rate, duration) = (self.edit.rate(), self.edit.duration());
        let start = MediaTime::ZERO;
        let frame = TimeBase::new(rate.den(), rate.num());
        let video = frame.map(|time_base| VideoStream {
            id: StreamId(0),
            codec: "timeline".to_owned(),
            codec_long: self.format.name().to_owned(),
            decoder: "timeline".to_owned(),
            size: self.canvas,
            sample_aspect: SampleAspect::SQUARE,
            orientation: Orientation::UPRIGHT,
            format: PixelFormat::NV12,
            source_format: "composite".to_owned(),
            color: ColorInfo::BT709_LIMITED,
            fields: FieldOrder::Progressive,
            rate,
            time_base,
            start,
            duration: Some(duration),
            frames: u64::try_from(self.edit.frames()).ok(),
            bit_rate: None,
            timecode: self.start_timecode(),
            is_still: false,
            is_default: true,
            language: None,
        });
        MediaInfo {
            path: path.to_owned(),
            container: ContainerInfo {
                format: "timeline".to_owned(),
                format_long: self.format.name().to_owned(),
                bytes: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
                duration: Some(duration),
                start,
                bit_rate: None,
                metadata: Vec::new(),
            },
            video: video.into_iter().collect(),
            audio: Vec::new(),
            other: Vec::new(),
        }
    }
}

/// No more than this is taken out of a bundle.
const MOST_UNPACKED_BYTES: u64 = 64 << 30;

/// Takes the media of a bundle that is an archive out into a folder of their own. What cannot be taken
/// out is missing, and says so where it would be seen.
fn unpack(base: &Path, edit: &Edit) -> Result<Option<TempDir>, String> {
    if !base.is_file() {
        return Ok(None);
    }
    let mut bundle = Bundle::open(base).map_err(|error| error.to_string())?;
    let folder = tempfile::Builder::new()
        .prefix("jogwheel-")
        .tempdir()
        .map_err(|error| format!("there is no room for what the bundle holds: {error}"))?;
    let mut left = MOST_UNPACKED_BYTES;
    for entry in bundle.entries().map_err(|error| error.to_string())? {
        let is_used = edit
            .sources()
            .iter()
            .any(|source| match &*source.reference {
                MediaReference::File { target, .. } => {
                    target.trim_start_matches("./") == entry.name
                }
                MediaReference::Sequence(sequence) => {
                    let base = sequence.base.trim_start_matches("./").trim_end_matches('/');
                    entry.name.starts_with(base)
                }
                MediaReference::Missing { .. } | MediaReference::Generator { .. } => false,
            });
        if !is_used {
            continue;
        }
        match bundle.extract(&entry.name, folder.path(), left) {
            Ok(_path) => left = left.saturating_sub(entry.bytes),
            Err(error) => tracing::warn!("{}: {error}", base.display()),
        }
    }
    Ok(Some(folder))
}

/// What files were asked, each once.
#[derive(Default)]
pub(super) struct Probed {
    files: HashMap<PathBuf, Option<Arc<MediaInfo>>>,
}

impl Probed {
    fn info(&mut self, path: &Path) -> Option<Arc<MediaInfo>> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        let info = probe(path).ok().map(Arc::new);
        self.files.insert(path.to_owned(), info.clone());
        info
    }
}

/// How well a file fits the extent that the timeline states: a point for its first frame's name, and
/// two for its length, to a frame.
fn likeness(info: &MediaInfo, available: Option<&StatedRange>) -> u32 {
    let (Some(stated), Some(stream)) = (available, info.default_video()) else {
        return 0;
    };
    let frame = stream.rate.frame_span_nearest();
    let duration = stream.duration.or(info.container.duration);
    let same_length =
        duration.is_some_and(|duration| (duration - stated.range.duration).abs() < frame);
    let start = timecode_zero(stream).unwrap_or(MediaTime::ZERO);
    let same_start = (start - stated.range.start).abs() < frame;
    2 * u32::from(same_length) + u32::from(same_start)
}

/// The time that a stream's timecode gives its first frame.
pub(super) fn timecode_zero(stream: &VideoStream) -> Option<MediaTime> {
    let timecode = stream.timecode?;
    let number = FrameIndex(timecode.frame_number());
    Some(timecode.format().rate().time_of_frame_nearest(number))
}

/// The size of the first picture that can be found.
fn first_size(edit: &Edit, located: &[Located], probed: &mut Probed) -> Option<Size> {
    let sources = edit
        .clips()
        .iter()
        .filter(|clip| clip.kind == TrackKind::Video)
        .map(|clip| clip.source.0 as usize);
    let mut asked = Vec::new();
    for source in sources {
        if asked.contains(&source) {
            continue;
        }
        asked.push(source);
        let size = match located.get(source)? {
            Located::File(path) => {
                let info = probed.info(path);
                info.and_then(|info| Some(info.default_video()?.display_size()))
            }
            Located::Sequence(sequence) => media_info_of_sequence(sequence)
                .ok()
                .and_then(|info| Some(info.default_video()?.display_size())),
            Located::Generated(_) | Located::Missing(_) => None,
        };
        if size.is_some() || asked.len() >= ASKED_FOR_SIZE {
            return size;
        }
    }
    None
}

/// The clips that are heard, with their files.
pub(super) fn sound_plan(edit: &Edit, located: &[Located], probed: &mut Probed) -> SoundPlan {
    let clips = edit.audio().iter().filter_map(|audio| {
        let number = audio.source.0 as usize;
        let Located::File(path) = located.get(number)? else {
            return None;
        };
        let zero = sound_zero(edit.sources().get(number)?, audio, path, probed);
        let start = audio.range.start;
        let pieces = audio.pieces.iter().map(|piece| TimeMapPiece {
            from: piece.range.start - start,
            source: piece.media - zero,
            speed: piece.speed,
        });
        let level = |rising: bool| {
            let touches = |fade: &&AudioFade| {
                fade.rising == rising
                    && if rising {
                        fade.range.start <= start && fade.range.end() > start
                    } else {
                        fade.range.end() >= audio.range.end()
                            && fade.range.start < audio.range.end()
                    }
            };
            let fade = audio.fades.iter().find(touches)?;
            Some(fade.range.duration)
        };
        Some(SoundClip {
            path: path.clone(),
            stream: None,
            range: audio.range,
            map: TimeMap::from_pieces(pieces.collect())?,
            fade_in: level(true).unwrap_or_default(),
            fade_out: level(false).unwrap_or_default(),
            gain: audio.gain,
        })
    });
    SoundPlan {
        clips: clips.collect(),
        duration: edit.duration(),
    }
}

/// What the first picture or sample of a medium is called: as stated, else its timecode where the sound
/// that is used does not lie before it.
fn sound_zero(source: &Source, audio: &AudioUse, path: &Path, probed: &mut Probed) -> MediaTime {
    source.zero.unwrap_or_else(|| {
        let stated = audio.pieces.iter().map(|piece| piece.media).min();
        let info = probed.info(path);
        let zero = info.and_then(|info| timecode_zero(info.default_video()?));
        zero.filter(|&zero| stated.is_some_and(|stated| stated >= zero))
            .unwrap_or(MediaTime::ZERO)
    })
}

//! From a timeline file to something that plays.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::alternates::{Alternate, alternates};
use super::compare::{Compared, Comparison};
use super::media::TimelineMedia;
use crate::audio::{SoundClip, SoundPlan, SoundZero};
use crate::decode::{media_info_of_sequence, probe};
use crate::media::{
    ColorInfo, ContainerInfo, FieldOrder, MediaInfo, Orientation, PixelFormat, SampleAspect, Size,
    StreamId, VideoStream,
};
use crate::time::{FrameRate, MediaTime, TimeBase, Timecode, TimecodeFormat};
use crate::timeline::import::bundle::Bundle;
use crate::timeline::import::{self, Format, ImportOptions, Imported, Note};
use crate::timeline::{
    ClipUse, Edit, ItemKind, Located, Locator, MediaReference, Source, StatedRange, TimeMap,
    TimeMapPiece, Timeline, TrackKind, UnitRect,
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
    /// The tracks in which each of the sound's clips lies, by their place among the children of the root.
    pub sound_tracks: Vec<Vec<usize>>,
    /// Files that play, and others that its clips name for the same media.
    pub(crate) alternates: Vec<Alternate>,
    /// What is compared, where it is a comparison.
    pub compared: Option<Compared>,
    /// What was taken out of bundles, for as long as it plays.
    pub(super) unpacked: Vec<TempDir>,
}

/// The picture of a timeline that states no size and has no medium to take one from.
const DEFAULT_CANVAS: (u32, u32) = (1920, 1080);

/// Neither side of a canvas that bounds ask for is longer: what more they ask for is nobody's picture.
const MOST_CANVAS_SIDE: u32 = 8192;

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
        let find = |reference: &MediaReference, name: &str| {
            locator.locate(reference, name, &|path: &Path| {
                let info = probed.borrow_mut().info(path)?;
                Some(likeness(&info, reference.available()))
            })
        };
        let alternates = alternates(&imported.timeline.root, &edit, &located, &find);
        let mut probed = probed.into_inner();
        let canvas = imported
            .timeline
            .canvas
            .or_else(|| size_from_bounds(&imported.timeline, &edit, &located, &mut probed))
            .or_else(|| first_size(&edit, &located, &mut probed))
            .or_else(|| Size::new(DEFAULT_CANVAS.0, DEFAULT_CANVAS.1))
            .ok_or("the picture has no size")?;
        let (sound, sound_tracks) = sound_plan(&edit, &located);
        Ok(Self {
            edit: Arc::new(edit),
            format: imported.format,
            notes: imported.notes,
            timeline: imported.timeline,
            located,
            canvas,
            sound,
            sound_tracks,
            alternates,
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

    /// The names of the media that were not found.
    pub fn missing_media(&self) -> Vec<&str> {
        let sources = self.edit.sources().iter().zip(&self.located);
        let missing = sources.filter(|(_, located)| matches!(located, Located::Missing(_)));
        missing.map(|(source, _)| &*source.name).collect()
    }

    /// Whether it can take the place of `before` between two frames.
    pub fn is_revision_of(&self, before: &Self) -> bool {
        self.edit.rate() == before.edit.rate()
            && self.canvas == before.canvas
            && self.compared.is_some() == before.compared.is_some()
    }

    /// The folder that a bundle's media were taken out into, where it is an archive.
    pub fn unpacked(&self) -> Option<&Path> {
        self.unpacked.first().map(TempDir::path)
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
    let start = stream.timecode_zero().unwrap_or(MediaTime::ZERO);
    let same_start = (start - stated.range.start).abs() < frame;
    2 * u32::from(same_length) + u32::from(same_start)
}

/// The size of the first picture that can be found.
fn first_size(edit: &Edit, located: &[Located], probed: &mut Probed) -> Option<Size> {
    let mut found = found_sizes(edit, located, probed);
    found.next().map(|(_clip, size)| size)
}

/// The canvas of a timeline that states bounds: of their shape, and so large that the finest of the first
/// pictures loses nothing.
fn size_from_bounds(
    timeline: &Timeline,
    edit: &Edit,
    located: &[Located],
    probed: &mut Probed,
) -> Option<Size> {
    let shown = edit.bounds()?;
    let density = found_sizes(edit, located, probed).filter_map(|(clip, size)| {
        let ItemKind::Clip(model) = &timeline.item_at(&clip.path)?.kind else {
            return None;
        };
        let [width, height] = model.active_bounds()?.size();
        Some((f64::from(size.width()) / width).max(f64::from(size.height()) / height))
    });
    size_at_density(&shown, density.reduce(f64::max))
}

/// The size of `rect` at so many pixels a unit, or within [`DEFAULT_CANVAS`]; within [`MOST_CANVAS_SIDE`]
/// in any case.
fn size_at_density(rect: &UnitRect, density: Option<f64>) -> Option<Size> {
    let [width, height] = rect.size();
    let within = |sides: (u32, u32)| (f64::from(sides.0) / width).min(f64::from(sides.1) / height);
    let density = density
        .unwrap_or_else(|| within(DEFAULT_CANVAS))
        .min(within((MOST_CANVAS_SIDE, MOST_CANVAS_SIDE)));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the largest side"
    )]
    let pixels = |side: f64| (side * density).round().max(1.0) as u32;
    Size::new(pixels(width), pixels(height))
}

/// Clips of the first media with pictures, and the sizes of these, as far as they can be found.
fn found_sizes<'a>(
    edit: &'a Edit,
    located: &'a [Located],
    probed: &'a mut Probed,
) -> impl Iterator<Item = (&'a ClipUse, Size)> {
    let mut asked = Vec::new();
    let is_new = move |clip: &&ClipUse| {
        let is_new = clip.kind == TrackKind::Video && !asked.contains(&clip.source);
        if is_new {
            asked.push(clip.source);
        }
        is_new
    };
    let clips = edit.clips().iter().filter(is_new).take(ASKED_FOR_SIZE);
    clips.filter_map(|clip| {
        let size = match located.get(clip.source.0 as usize)? {
            Located::File(path) => probed.info(path)?.default_video()?.display_size(),
            Located::Sequence(sequence) => {
                let info = media_info_of_sequence(sequence).ok()?;
                info.default_video()?.display_size()
            }
            Located::Generated(_) | Located::Missing(_) => return None,
        };
        Some((clip, size))
    })
}

/// The clips that are heard, with their files: each once, if it lies on several tracks in the same way.
pub(super) fn sound_plan(edit: &Edit, located: &[Located]) -> (SoundPlan, Vec<Vec<usize>>) {
    let clips = edit.audio().iter().filter_map(|audio| {
        let track = edit.clip(audio.clip)?.track;
        let number = audio.source.0 as usize;
        let Located::File(path) = located.get(number)? else {
            return None;
        };
        let stated = edit.sources().get(number)?.zero;
        let zero = stated.unwrap_or(MediaTime::ZERO);
        let start = audio.range.start;
        let pieces = audio.pieces.iter().map(|piece| TimeMapPiece {
            from: piece.range.start - start,
            source: piece.media - zero,
            speed: piece.speed,
        });
        let clip = SoundClip {
            path: path.clone(),
            stream: None,
            range: audio.range,
            map: TimeMap::from_pieces(pieces.collect())?,
            zero: match audio.pieces.iter().map(|piece| piece.media).min() {
                Some(least) if stated.is_none() => SoundZero::Timecode { least },
                _ => SoundZero::First,
            },
            fades: Arc::from(&*audio.fades),
            gain: audio.gain,
        };
        Some((clip, track))
    });
    // A stereo pair is laid out on two tracks by programs whose tracks are mono, and both name the whole
    // file: heard twice, it would be twice as loud.
    let mut heard: Vec<SoundClip> = Vec::new();
    let mut tracks: Vec<Vec<usize>> = Vec::new();
    let mut begun = 0;
    for (clip, track) in clips {
        while heard
            .get(begun)
            .is_some_and(|other| other.range.start < clip.range.start)
        {
            begun += 1;
        }
        let known = heard[begun..].iter().position(|other| *other == clip);
        if let Some(place) = known {
            tracks[begun + place].push(track);
        } else {
            heard.push(clip);
            tracks.push(vec![track]);
        }
    }
    let plan = SoundPlan {
        clips: heard.into(),
        duration: edit.duration(),
    };
    (plan, tracks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canvas_has_the_shape_of_the_bounds_and_the_detail_of_the_pictures() {
        let rect = |min, max| UnitRect { min, max };
        let wide = rect([0.0, 0.0], [3840.0, 1080.0]);
        let centered = rect([-8.0, -4.5], [8.0, 4.5]);
        for (rect, density, size) in [
            (wide, Some(1.0), (3840, 1080)),
            (wide, Some(0.5), (1920, 540)),
            (wide, None, (1920, 540)),
            (centered, Some(120.0), (1920, 1080)),
            (centered, None, (1920, 1080)),
            (centered, Some(1e9), (8192, 4608)),
            (rect_of_line(), Some(1.0), (8192, 1)),
        ] {
            assert_eq!(size_at_density(&rect, density), Size::new(size.0, size.1));
        }
    }

    /// Nearly nothing high.
    fn rect_of_line() -> UnitRect {
        UnitRect {
            min: [0.0, 0.0],
            max: [1e9, 1e-9],
        }
    }
}

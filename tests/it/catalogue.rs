//! The catalogue of real files in `JOGWHEEL_TEST_MEDIA`, and what of it is not so.

use std::path::{Path, PathBuf};

use jogwheel::media::{Orientation, Size};

use crate::program;

/// What is not as the row says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Odd {
    /// Refused, with this in the reason.
    Refused(&'static str),
    /// It has so many frames, which is not what length and rate make.
    Frames(i64),
    /// So many of the first pictures are missing.
    Missing(i64),
    /// Pictures change their size, or their format is not known before one is decoded.
    Changing,
    /// The rate, where the row's is a mean of irregular times.
    Rate(u32, u32),
    /// The stored format is another.
    Format(&'static str),
    /// Turned or mirrored in another way: mirrored, quarter turns.
    Turned(bool, u8),
    /// It opens for a sound of which nothing can be decoded; its picture is refused.
    Nothing,
    /// Its sound ends before the container says so.
    ShortSound,
}

/// The file, how it differs from its row, and why.
pub(crate) const ODDITIES: &[(&str, Odd, &str)] = &[
    (
        "androidx-media/bbb_800x640_768kbps_30fps_avc_2b_firstpts_10_sec.mp4",
        Odd::Frames(120),
        "the row's 14 s count the 10 s before the first picture",
    ),
    (
        "androidx-media/bt601.mov",
        Odd::Rate(30_000, 1001),
        "the row's rate is a mean with a longer last frame",
    ),
    (
        "androidx-media/invalid-bitstream.webm",
        Odd::Refused("no picture in its beginning can be decoded"),
        "every frame is damaged",
    ),
    (
        "androidx-media/sample_edit_list.mp4",
        Odd::Frames(77),
        "the row's rate is a mean over frames that the edit list hides",
    ),
    (
        "androidx-media/sample_fragmented.mp4",
        Odd::Frames(30),
        "it declares 143,165 s",
    ),
    (
        "androidx-media/sample_fragmented.mp4",
        Odd::ShortSound,
        "it declares 143,165 s",
    ),
    (
        "androidx-media/sample_shorter_audio.mp4",
        Odd::ShortSound,
        "made so",
    ),
    (
        "androidx-media/sample_vvc.mp4",
        Odd::Refused("no decoder for VVC"),
        "FFmpeg 5.1 has none",
    ),
    (
        "androidx-media/sample_with_invalid_nalu.mp4",
        Odd::Missing(1),
        "one picture is damaged",
    ),
    (
        "aswf-openimageio/vp9_display_p3.mkv",
        Odd::ShortSound,
        "its sound stream holds no packet",
    ),
    (
        "auto-editor/h264-mjpeg.mkv",
        Odd::Missing(1),
        "time stamps contradict the order of pictures: 113, 146, 133 ms",
    ),
    (
        "go-mp4/sample_qt.mp4",
        Odd::Nothing,
        "the header is whole; of the media, 21 bytes of picture and 96 of sound are left, both damaged",
    ),
    (
        "gpuweb-cts/four-colors-h264-bt601-hflip.mp4",
        Odd::Turned(true, 0),
        "FFmpeg 5.1, which wrote the row, takes a mirror for a turn",
    ),
    (
        "libwebm/block_ends_beyond_cluster.mkv",
        Odd::Frames(1),
        "the rest of the file is cut off",
    ),
    (
        "moviepy/transparent.webm",
        Odd::Format("yuva420p"),
        "the row is what FFmpeg's own decoder makes, which passes over the alpha channel",
    ),
    (
        "mp4ff/init_prog.mp4",
        Odd::Refused("no picture in its beginning can be decoded"),
        "the header is all there is",
    ),
    ("nvidia-vpf/test_res_change.h264", Odd::Changing, "made so"),
];

/// One row of the catalogue.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) codec: String,
    pub(crate) size: Option<Size>,
    pub(crate) format: String,
    pub(crate) rate: Option<f64>,
    /// Range, matrix, primaries and transfer as FFmpeg names them; `-` where not stated.
    pub(crate) color: [String; 4],
    pub(crate) seconds: Option<f64>,
    pub(crate) edge: String,
}

/// The folder of real clips; without it a line says that `test` was skipped.
pub(crate) fn folder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("JOGWHEEL_TEST_MEDIA").map(PathBuf::from);
    if folder.is_none() {
        program::skip(test, "JOGWHEEL_TEST_MEDIA is not set");
    }
    folder
}

/// The catalogue's media: timelines and lookup tables are left out.
pub(crate) fn rows(folder: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(folder.join("CATALOGUE.tsv")).expect("a CATALOGUE.tsv");
    let row = |line: &str| {
        let field: Vec<&str> = line.split('\t').collect();
        if field[3].starts_with("timeline/") || field[3].starts_with("lut/") {
            return None;
        }
        let mut color = field[8].split('/').map(str::to_owned);
        let side = |text: &str| text.parse().unwrap_or(0);
        Some(Row {
            name: field[0].to_owned(),
            // A sequence is named by its first and last number.
            path: folder.join(field[0].replace("[0001-0090]", "0001")),
            codec: field[3].to_owned(),
            size: Size::new(side(field[4]), side(field[5])),
            format: field[6].to_owned(),
            rate: field[7]
                .split_once('/')
                .map(|(num, den)| num.parse::<f64>().unwrap() / den.parse::<f64>().unwrap()),
            color: std::array::from_fn(|_| color.next().unwrap_or_else(|| "-".to_owned())),
            seconds: field[9].parse().ok(),
            edge: field[12].replace('"', ""),
        })
    };
    text.lines().skip(1).filter_map(row).collect()
}

impl Row {
    pub(crate) fn odd(&self) -> impl Iterator<Item = Odd> + '_ {
        ODDITIES
            .iter()
            .filter(|(name, ..)| *name == self.name)
            .map(|(_, odd, _)| *odd)
    }

    pub(crate) fn is(&self, odd: Odd) -> bool {
        self.odd().any(|other| other == odd)
    }

    /// Channels and rate of its sound.
    pub(crate) fn sound(&self) -> Option<(usize, u32)> {
        let (_, sound) = self.codec.rsplit_once('[')?;
        let (channels, rate) = sound.trim_end_matches(']').split_once("ch@")?;
        Some((channels.parse().ok()?, rate.parse().ok()?))
    }

    pub(crate) fn sample_aspect(&self) -> (u32, u32) {
        let stated = self.edge.split_once("| SAR ").and_then(|(_, rest)| {
            let (num, den) = rest.split([',', ' ']).next()?.split_once(':')?;
            Some((num.parse().ok()?, den.parse().ok()?))
        });
        stated.unwrap_or((1, 1))
    }

    pub(crate) fn orientation(&self) -> Orientation {
        let odd = self.odd().find_map(|odd| match odd {
            Odd::Turned(mirrored, turns) => Some(Orientation::new(mirrored, turns)),
            _ => None,
        });
        odd.unwrap_or_else(|| {
            // FFmpeg counts degrees against the clock.
            let turns = match self.edge.split_once("| rotation ") {
                Some((_, rest)) if rest.starts_with("-90") => 1,
                Some((_, rest)) if rest.starts_with("-180") => 2,
                Some(_) => panic!("{}: an unknown rotation", self.name),
                None => 0,
            };
            Orientation::new(false, turns)
        })
    }
}

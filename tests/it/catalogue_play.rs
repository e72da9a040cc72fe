//! Real files from many cameras and tools: each plays as its catalogue row says, or is refused with a
//! reason.
//!
//! Optional: it runs where `JOGWHEEL_TEST_MEDIA` names a folder with a `CATALOGUE.tsv`, whose rows were
//! written with other tools. Where the two differ for good reason, [`ODDITIES`] says which and why.

use std::fmt::Write as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use jogwheel::convert::{ConvertJob, CpuConverter};
use jogwheel::decode::{
    AudioRead, AudioReader, FrameConsumer, Generation, GopIndex, Input, LoopMode, Picture,
    PlannedFrame, RingItem, SessionOptions, VideoPlan, VideoSession, VideoSource, media_info,
    require_playable,
};
use jogwheel::media::{
    AudioStream, ColorRange, MatrixCoefficients, MediaInfo, Orientation, Primaries, Size,
    TransferFunction, VideoFrame, VideoStream,
};
use jogwheel::memory::FramePool;
use jogwheel::time::{FrameIndex, MediaSpan, MediaTime, RealClock};

use crate::program;

/// How long a test waits for one frame before it calls the session hung.
const HUNG: Duration = Duration::from_secs(60);

/// Frames played from the start.
const PLAYED: i64 = 60;

/// The same of JPEG 2000 at 4K, which takes a second a frame.
const SLOW_PLAYED: i64 = 4;

/// Seconds of sound that are decoded.
const HEARD_SECS: i64 = 3;

/// What is not as the row says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Odd {
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
const ODDITIES: &[(&str, Odd, &str)] = &[
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
    codec: String,
    pub(crate) size: Option<Size>,
    pub(crate) format: String,
    rate: Option<f64>,
    /// Range, matrix, primaries and transfer as FFmpeg names them; `-` where not stated.
    pub(crate) color: [String; 4],
    seconds: Option<f64>,
    edge: String,
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
    fn odd(&self) -> impl Iterator<Item = Odd> + '_ {
        ODDITIES
            .iter()
            .filter(|(name, ..)| *name == self.name)
            .map(|(_, odd, _)| *odd)
    }

    fn is(&self, odd: Odd) -> bool {
        self.odd().any(|other| other == odd)
    }

    /// Channels and rate of its sound.
    fn sound(&self) -> Option<(usize, u32)> {
        let (_, sound) = self.codec.rsplit_once('[')?;
        let (channels, rate) = sound.trim_end_matches(']').split_once("ch@")?;
        Some((channels.parse().ok()?, rate.parse().ok()?))
    }

    fn sample_aspect(&self) -> (u32, u32) {
        let stated = self.edge.split_once("| SAR ").and_then(|(_, rest)| {
            let (num, den) = rest.split([',', ' ']).next()?.split_once(':')?;
            Some((num.parse().ok()?, den.parse().ok()?))
        });
        stated.unwrap_or((1, 1))
    }

    fn orientation(&self) -> Orientation {
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

/// A session and what its ring brought.
pub(crate) struct Deck {
    session: VideoSession,
    frames: FrameConsumer,
    news: Receiver<()>,
    pub(crate) stream: VideoStream,
    generation: u64,
}

impl Deck {
    /// Opens the picture of a file.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let input = Input::open(path).map_err(|error| error.to_string())?;
        let info = media_info(&input);
        require_playable(&info).map_err(|error| error.to_string())?;
        let stream = info.default_video().ok_or("no picture")?.clone();
        let (send, news) = bounded(1);
        let options = SessionOptions {
            threads: NonZero::new(2).unwrap(),
            pool: FramePool::new(1 << 30),
            ring_frames: 4,
            reverse_frames: 8,
            clock: Arc::new(RealClock::new()),
            anchor: Arc::default(),
            notify: Arc::new(move || {
                let _already = send.try_send(());
            }),
        };
        let (session, frames) = VideoSession::start(input, stream.clone(), options)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            session,
            frames,
            news,
            stream,
            generation: 0,
        })
    }

    fn plan(&mut self, start: i64) {
        self.generation += 1;
        self.session.set_plan(VideoPlan {
            generation: Generation(self.generation),
            start: FrameIndex(start),
            first: FrameIndex::ZERO,
            last: None,
            reverse: false,
            stride: NonZero::new(1).unwrap(),
            repeat: LoopMode::Off,
        });
    }

    /// The next frame of the present plan; `None` at its end.
    fn next(&mut self) -> Result<Option<PlannedFrame>, String> {
        loop {
            match self.frames.pop() {
                Some(item) if item.generation() < Generation(self.generation) => {}
                Some(RingItem::Frame(frame)) => return Ok(Some(frame)),
                Some(RingItem::End { .. }) => return Ok(None),
                None => self
                    .news
                    .recv_timeout(HUNG)
                    .map_err(|_| format!("it hangs: {:?}", self.session.status()))?,
            }
        }
    }

    /// Waits for the whole index.
    pub(crate) fn index(&mut self) -> Result<Arc<GopIndex>, String> {
        while !self.session.index().is_complete() {
            self.news
                .recv_timeout(HUNG)
                .map_err(|_| "the index is not made".to_owned())?;
        }
        Ok(self.session.index())
    }

    /// The picture of one frame.
    pub(crate) fn frame(&mut self, index: i64) -> Result<Arc<VideoFrame>, String> {
        self.plan(index);
        let frame = self
            .next()?
            .ok_or_else(|| format!("there is no frame {index}"))?;
        if frame.index != FrameIndex(index) {
            return Err(format!("frame {} came for {index}", frame.index.0));
        }
        match frame.picture {
            Picture::Frame(picture) => Ok(picture),
            Picture::Missing(reason) => Err(format!("frame {index} is missing: {reason}")),
        }
    }
}

/// A frame as it is shown, in RGBA, without the sample aspect.
pub(crate) fn shown(frame: &VideoFrame, orientation: Orientation) -> (Size, Vec<u8>) {
    let out = orientation.apply(frame.size);
    let stride = out.width() as usize * 4;
    let mut rgba = vec![0; stride * out.height() as usize];
    CpuConverter::new(2)
        .convert(frame, &ConvertJob { out, orientation }, &mut rgba, stride)
        .unwrap();
    (out, rgba)
}

/// What is wrong with a file, one line each.
fn faults_of(row: &Row) -> Vec<String> {
    let mut faults = Vec::new();
    let refusal = match Input::open(&row.path) {
        Err(error) => Some(error.to_string()),
        Ok(input) => require_playable(&media_info(&input))
            .err()
            .map(|error| error.to_string()),
    };
    let expected = row.odd().find_map(|odd| match odd {
        Odd::Refused(reason) => Some(reason),
        _ => None,
    });
    match (refusal, expected) {
        (Some(reason), Some(expected)) => {
            if !reason.contains(expected) {
                faults.push(format!("refused, but for another reason: {reason}"));
            }
            return faults;
        }
        (Some(reason), None) => return vec![format!("refused: {reason}")],
        (None, Some(_)) => faults.push("it should be refused, and opens".to_owned()),
        (None, None) => {}
    }
    let info = media_info(&Input::open(&row.path).unwrap());
    if let Some(stream) = info.default_video() {
        check_description(row, stream, &mut faults);
        if let Err(fault) = play(row, &mut faults) {
            faults.push(fault);
        }
    } else if row.size.is_some() && !row.is(Odd::Nothing) {
        faults.push("it has no picture".to_owned());
    }
    match (row.sound(), info.default_audio()) {
        (Some(expected), Some(stream)) => listen(row, &info, stream, expected, &mut faults),
        (Some(_), None) => faults.push("it has no sound".to_owned()),
        (None, Some(_)) => faults.push("it has sound".to_owned()),
        (None, None) => {}
    }
    faults
}

/// Compares size, format, rate, turn, aspect and colour with the row.
fn check_description(row: &Row, stream: &VideoStream, faults: &mut Vec<String>) {
    let mut same = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            faults.push(format!("{what} is {ours}, not {theirs}"));
        }
    };
    if let Some(size) = row.size {
        same("the size", stream.size.to_string(), size.to_string());
    }
    if row.format != "unknown" && !row.format.is_empty() {
        let format = row.odd().find_map(|odd| match odd {
            Odd::Format(format) => Some(format),
            _ => None,
        });
        same(
            "the format",
            stream.source_format.clone(),
            format.unwrap_or(&row.format).to_owned(),
        );
    }
    let (num, den) = row.sample_aspect();
    let aspect = stream.sample_aspect;
    same(
        "the aspect",
        format!("{}:{}", aspect.num, aspect.den),
        format!("{num}:{den}"),
    );
    same(
        "the turn",
        format!("{:?}", stream.orientation),
        format!("{:?}", row.orientation()),
    );
    let rate = row.odd().find_map(|odd| match odd {
        Odd::Rate(num, den) => Some(f64::from(num) / f64::from(den)),
        _ => row.rate,
    });
    if let Some(rate) = rate.or(row.rate).filter(|_| !stream.is_still) {
        // The row's may be a mean that the last frame's length pulls a little.
        if (stream.rate.as_f64() / rate - 1.0).abs() > 0.002 {
            same(
                "the rate",
                stream.rate.as_f64().to_string(),
                rate.to_string(),
            );
        }
    }
    let color = stream.color;
    for (stated, ours, theirs) in [
        (
            &row.color[0],
            format!("{:?}", color.range),
            format!("{:?}", range_named(&row.color[0])),
        ),
        (
            &row.color[1],
            format!("{:?}", color.matrix),
            format!("{:?}", matrix_named(&row.color[1])),
        ),
        (
            &row.color[2],
            format!("{:?}", color.primaries),
            format!("{:?}", primaries_named(&row.color[2])),
        ),
        (
            &row.color[3],
            format!("{:?}", color.transfer),
            format!("{:?}", transfer_named(&row.color[3])),
        ),
    ] {
        if stated != "-" && !stated.is_empty() {
            same("the colour", ours, theirs);
        }
    }
}

fn range_named(name: &str) -> ColorRange {
    if name == "pc" {
        ColorRange::Full
    } else {
        ColorRange::Limited
    }
}

fn matrix_named(name: &str) -> MatrixCoefficients {
    match name {
        "gbr" => MatrixCoefficients::Identity,
        "bt709" | "-" => MatrixCoefficients::Bt709,
        "smpte170m" | "bt470bg" => MatrixCoefficients::Bt601,
        "bt2020nc" => MatrixCoefficients::Bt2020,
        name => panic!("a matrix {name}"),
    }
}

fn primaries_named(name: &str) -> Primaries {
    match name {
        "bt709" | "-" => Primaries::Bt709,
        "smpte170m" => Primaries::Bt601Ntsc,
        "bt470bg" => Primaries::Bt601Pal,
        "bt2020" => Primaries::Bt2020,
        "smpte432" => Primaries::DisplayP3,
        name => panic!("primaries {name}"),
    }
}

fn transfer_named(name: &str) -> TransferFunction {
    match name {
        "bt709" | "smpte170m" | "-" => TransferFunction::Bt1886,
        "iec61966-2-1" => TransferFunction::Srgb,
        "smpte2084" => TransferFunction::Pq,
        "arib-std-b67" => TransferFunction::Hlg,
        name => panic!("a transfer {name}"),
    }
}

/// Plays the first frames, then the middle one, then the last.
fn play(row: &Row, faults: &mut Vec<String>) -> Result<(), String> {
    let mut deck = Deck::open(&row.path)?;
    let (size, format) = (deck.stream.size, deck.stream.format);
    let mut converter = CpuConverter::new(2);
    let (mut delivered, mut missing) = (0, 0);
    deck.plan(0);
    let mut ended = false;
    for wanted in 0..if row.codec == "jpeg2000" {
        SLOW_PLAYED
    } else {
        PLAYED
    } {
        let Some(frame) = deck.next()? else {
            ended = true;
            break;
        };
        if frame.index != FrameIndex(wanted) {
            return Err(format!("frame {} came for {wanted}", frame.index.0));
        }
        let Picture::Frame(picture) = frame.picture else {
            missing += 1;
            continue;
        };
        delivered += 1;
        if (picture.size, picture.format) != (size, format) && !row.is(Odd::Changing) {
            faults.push(format!(
                "frame {wanted} is {} {}",
                picture.size, picture.format
            ));
        }
        // A small picture, turned as shown: it is made at all.
        let out = deck.stream.orientation.apply(Size::new(64, 36).unwrap());
        let job = ConvertJob {
            out,
            orientation: deck.stream.orientation,
        };
        let mut rgba = vec![0; 64 * 36 * 4];
        converter
            .convert(&picture, &job, &mut rgba, out.width() as usize * 4)
            .map_err(|error| error.to_string())?;
    }
    let len = deck.index()?.len();
    if ended && len != delivered + missing {
        faults.push(format!("{} frames played of {len}", delivered + missing));
    }
    let expected_missing = row.odd().find_map(|odd| match odd {
        Odd::Missing(count) => Some(count),
        _ => None,
    });
    if delivered == 0 || missing != expected_missing.unwrap_or(0) {
        faults.push(format!(
            "{missing} of {} pictures are missing",
            delivered + missing
        ));
    }
    let frames = row.odd().find_map(|odd| match odd {
        Odd::Frames(frames) => Some(frames),
        _ => None,
    });
    match (frames, row.seconds, row.rate) {
        (Some(frames), ..) if len != frames => faults.push(format!("{len} frames, not {frames}")),
        (None, Some(seconds), Some(rate)) => {
            // The length is that of the longest stream.
            let counted = seconds * rate;
            if (len as f64 - counted).abs() > 2.0 + counted * 0.02 {
                faults.push(format!(
                    "{len} frames, where length and rate make {counted:.1}"
                ));
            }
        }
        _ => {}
    }
    if len == 0 {
        return Err("its index is empty".to_owned());
    }
    for target in [len / 2, len - 1] {
        if let Err(fault) = deck.frame(target) {
            faults.push(format!("seeking: {fault}"));
        }
    }
    deck.plan(len - 1);
    deck.next()?;
    if let Some(frame) = deck.next()? {
        faults.push(format!("frame {} follows the last one", frame.index.0));
    }
    Ok(())
}

/// Decodes the beginning of the sound.
fn listen(
    row: &Row,
    info: &MediaInfo,
    stream: &AudioStream,
    (channels, rate): (usize, u32),
    faults: &mut Vec<String>,
) {
    let found = (stream.format.layout.count(), stream.format.rate.get());
    if found != (channels, rate) {
        faults.push(format!(
            "the sound has {found:?} channels and rate, not {:?}",
            (channels, rate)
        ));
    }
    let zero = info
        .default_video()
        .map_or(stream.start, |video| video.start);
    let mut reader = match AudioReader::open(&row.path, stream.id, zero) {
        Ok(reader) => reader,
        Err(error) => return faults.push(format!("its sound cannot be opened: {error}")),
    };
    let mut end = MediaTime::ZERO;
    let mut loudest = 0f32;
    loop {
        match reader.read() {
            Ok(AudioRead::Chunk(chunk)) => {
                let format = &chunk.samples.format;
                if (format.layout.count(), format.rate.get()) != (channels, rate) {
                    faults.push(format!("samples have {} channels", format.layout.count()));
                    return;
                }
                let peak = chunk
                    .samples
                    .interleaved
                    .iter()
                    .fold(0f32, |peak, s| peak.max(s.abs()));
                if !peak.is_finite() {
                    faults.push("a sample is not a number".to_owned());
                }
                loudest = loudest.max(peak);
                let count = i64::try_from(chunk.samples.frame_count()).unwrap();
                end = chunk.start + MediaSpan::from_samples_nearest(count, format.rate);
                if end.since_zero() >= MediaSpan::from_secs(HEARD_SECS) {
                    break;
                }
            }
            Ok(AudioRead::End) => break,
            Err(error) => return faults.push(format!("reading its sound: {error}")),
        }
    }
    let least = row
        .seconds
        .map_or(0.5, |seconds| (seconds * 0.9 - 0.1).min(HEARD_SECS as f64));
    if row.is(Odd::Nothing) {
        if reader.damaged_packets() == 0 || end != MediaTime::ZERO {
            faults.push("its sound is not all damaged".to_owned());
        }
        return;
    }
    if end.as_secs_f64() < least && !row.is(Odd::ShortSound) {
        faults.push(format!("its sound ends at {:.3} s", end.as_secs_f64()));
    }
    if reader.damaged_packets() > 0 {
        faults.push(format!(
            "{} packets of sound are damaged",
            reader.damaged_packets()
        ));
    }
    if loudest > 4.0 {
        faults.push(format!("its sound peaks at {loudest}"));
    }
}

#[test]
fn every_catalogued_file_plays_as_its_row_says() {
    let Some(folder) = folder("catalogue_play::every_catalogued_file_plays_as_its_row_says") else {
        return;
    };
    let rows = rows(&folder);
    for (name, _, why) in ODDITIES {
        assert!(
            rows.iter().any(|row| row.name == *name),
            "the catalogue has no {name} ({why})"
        );
    }
    let mut report = String::new();
    for row in &rows {
        // One bad file must not hide the others.
        let faults = std::panic::catch_unwind(|| faults_of(row))
            .unwrap_or_else(|_| vec!["it panics".to_owned()]);
        for fault in faults {
            writeln!(report, "{}: {fault}", row.name).unwrap();
        }
    }
    assert!(report.is_empty(), "not as catalogued:\n{report}");
}

/// The oracle's file, opened.
fn oracle(folder: &Path, name: &str) -> Deck {
    Deck::open(&folder.join(name)).unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

/// Left edges of the eight digits of the timecode that is burned into `auto-editor/example.mp4`, and
/// their common top, width and height.
const DIGITS_X: [usize; 8] = [849, 890, 952, 993, 1055, 1096, 1158, 1199];
const DIGITS_Y: usize = 612;
const DIGIT_SIZE: (usize, usize) = (36, 55);

/// The ink of one digit.
fn glyph(frame: &VideoFrame, digit: usize) -> Vec<bool> {
    let plane = frame.plane(0);
    let (width, height) = DIGIT_SIZE;
    (DIGITS_Y..DIGITS_Y + height)
        .flat_map(|y| {
            plane.row(y)[DIGITS_X[digit]..][..width]
                .iter()
                .map(|&luma| luma > 205)
        })
        .collect()
}

/// Reads a burned-in timecode, as digits.
fn burned_in(frame: &VideoFrame, known: &[Vec<bool>]) -> [usize; 8] {
    std::array::from_fn(|digit| {
        let seen = glyph(frame, digit);
        let unlike = |known: &Vec<bool>| known.iter().zip(&seen).filter(|(a, b)| a != b).count();
        let mut order: Vec<usize> = (0..known.len()).collect();
        order.sort_by_key(|&number| unlike(&known[number]));
        let (best, next) = (unlike(&known[order[0]]), unlike(&known[order[1]]));
        assert!(
            best * 2 < next,
            "digit {digit} is undecided: {best} and {next} pixels differ"
        );
        order[0]
    })
}

#[test]
fn a_burned_in_timecode_is_that_of_the_frame_asked_for() {
    let Some(folder) =
        folder("catalogue_play::a_burned_in_timecode_is_that_of_the_frame_asked_for")
    else {
        return;
    };
    let mut deck = oracle(&folder, "auto-editor/example.mp4");
    let len = deck.index().unwrap().len();
    // The last digit of the first ten frames teaches what digits look like. All the others, those of
    // these frames too, must then agree.
    let known: Vec<Vec<bool>> = (0..10)
        .map(|index| glyph(&deck.frame(index).unwrap(), 7))
        .collect();
    let mut random = 0x9E37_79B9_7F4A_7C15u64;
    let sought = std::iter::repeat_with(|| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((random >> 33) % u64::try_from(len).unwrap()).unwrap()
    });
    for index in (0..40).chain([len - 1, len / 2]).chain(sought.take(40)) {
        let digits = burned_in(&deck.frame(index).unwrap(), &known);
        let (frames, seconds) = (
            usize::try_from(index % 30).unwrap(),
            usize::try_from(index / 30).unwrap(),
        );
        let expected = [
            0,
            1,
            0,
            0,
            seconds / 10,
            seconds % 10,
            frames / 10,
            frames % 10,
        ];
        assert_eq!(digits, expected, "frame {index}");
    }
}

#[test]
fn four_colours_lie_where_they_belong() {
    let Some(folder) = folder("catalogue_play::four_colours_lie_where_they_belong") else {
        return;
    };
    let (yellow, red, blue, green) = ([255, 255, 0], [255, 0, 0], [0, 0, 255], [0, 255, 0]);
    let usual = [yellow, red, blue, green];
    for (name, expected) in [
        ("four-colors-h264-bt601.mp4", usual),
        (
            "four-colors-h264-bt601-hflip.mp4",
            [red, yellow, green, blue],
        ),
        ("four-colors-h264-bt601-rotate-90.mp4", usual),
        ("four-colors-h264-bt601-rotate-180.mp4", usual),
        ("four-colors-vp8-bt601.webm", usual),
        ("four-colors-vp9-bt601.webm", usual),
    ] {
        let mut deck = oracle(&folder, &format!("gpuweb-cts/{name}"));
        let (size, rgba) = shown(&deck.frame(0).unwrap(), deck.stream.orientation);
        assert_eq!((size.width(), size.height()), (320, 240), "{name}");
        let pixels = rgba.as_chunks::<4>().0;
        let quadrants = [(80, 60), (240, 60), (80, 180), (240, 180)];
        for ((x, y), expected) in quadrants.into_iter().zip(expected) {
            let [r, g, b, _] = pixels[y * 320 + x];
            let off = [r, g, b]
                .iter()
                .zip(expected)
                .map(|(&a, b)| i32::from(a).abs_diff(b))
                .max();
            assert!(
                off <= Some(4),
                "{name} at ({x}, {y}): {:?}, not {expected:?}",
                [r, g, b]
            );
        }
    }
}

#[test]
fn full_and_limited_range_look_the_same() {
    let Some(folder) = folder("catalogue_play::full_and_limited_range_look_the_same") else {
        return;
    };
    // The encoder had its say in each: a mean of a code, and no pixel far off.
    for (full, limited) in [
        ("greyscale-full", "greyscale-tv"),
        ("radialgrad-full", "radialgrad-tv"),
    ] {
        let picture = |name: &str| {
            let mut deck = oracle(&folder, &format!("aswf-encodingguidelines/{name}.mp4"));
            shown(&deck.frame(0).unwrap(), deck.stream.orientation).1
        };
        let differences: Vec<u8> = picture(full)
            .iter()
            .zip(picture(limited))
            .map(|(a, b)| a.abs_diff(b))
            .collect();
        let mean =
            differences.iter().map(|&d| f64::from(d)).sum::<f64>() / differences.len() as f64;
        let most = differences.iter().max().unwrap();
        eprintln!("{full}: mean {mean:.2}, most {most}");
        assert!(
            mean < 1.0 && *most <= 8,
            "{full} and {limited}: mean {mean:.2}, most {most}"
        );
    }
}

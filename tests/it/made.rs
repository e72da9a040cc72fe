//! The media that `scripts/make-test-media` makes: its manifest, and the numbers in its pictures.

use std::path::PathBuf;

use jogwheel::convert::{ConvertJob, CpuConverter};
use jogwheel::media::{Orientation, Size, VideoFrame};

/// One row of the manifest.
#[derive(Debug, Clone)]
pub(crate) struct Clip {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) check: String,
    pub(crate) frames: i64,
    pub(crate) first: u32,
    pub(crate) shown: String,
    notes: String,
}

impl Clip {
    /// The value of `key` in the notes.
    pub(crate) fn note(&self, key: &str) -> Option<&str> {
        self.notes
            .split(' ')
            .find_map(|note| note.strip_prefix(key)?.strip_prefix('='))
    }
}

/// The folder of generated media.
pub(crate) fn folder() -> PathBuf {
    std::env::var_os("JOGWHEEL_TEST_MEDIA_MADE")
        .map(PathBuf::from)
        .expect(
            "JOGWHEEL_TEST_MEDIA_MADE is not set: run scripts/test, or make the media with \
         `scripts/make-test-media target/test-media` and name that folder",
        )
}

/// The clips whose check is one of `checks`.
pub(crate) fn clips(checks: &[&str]) -> Vec<Clip> {
    let folder = folder();
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv"))
        .expect("the folder of generated media has a manifest");
    manifest
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            Clip {
                name: fields[0].to_owned(),
                path: folder.join(fields[0]),
                check: fields[1].to_owned(),
                frames: fields[2].parse().unwrap(),
                first: fields[3].parse().unwrap(),
                shown: fields[5].to_owned(),
                notes: fields[6].to_owned(),
            }
        })
        .filter(|clip| checks.contains(&clip.check.as_str()))
        .collect()
}

/// The clip of this name.
pub(crate) fn clip(name: &str) -> Clip {
    clips(&["number", "still", "sync", "audio", "damaged", "refused"])
        .into_iter()
        .find(|clip| clip.name == name)
        .unwrap_or_else(|| panic!("the manifest has no {name}"))
}

/// Reads the number in the bars of a decoded picture, as it is shown.
pub(crate) fn number_in(
    frame: &VideoFrame,
    orientation: Orientation,
    converter: &mut CpuConverter,
) -> Result<u32, String> {
    // Small: tests read tens of thousands of numbers. A bar is still eight pixels wide.
    let out = Size::new(160, 90).unwrap();
    let mut rgba = vec![0; 160 * 90 * 4];
    converter
        .convert(frame, &ConvertJob { out, orientation }, &mut rgba, 160 * 4)
        .map_err(|error| error.to_string())?;
    number_in_rgba(&rgba, 160, 90)
}

/// Reads the number in the bars of an RGBA picture. The layout is told in `scripts/make-test-media`.
pub(crate) fn number_in_rgba(rgba: &[u8], width: usize, height: usize) -> Result<u32, String> {
    let brightness = |column: usize, row: usize| {
        let (x, y) = (
            (2 * column + 1) * width / 40,
            (2 * row + 1) * 16 * height / 360,
        );
        let (dx, dy) = ((width / 160).max(1), (height / 90).max(1));
        let mut sum = 0u32;
        let mut count = 0u32;
        for y in y.saturating_sub(dy / 2)..=y + dy / 2 {
            for x in x.saturating_sub(dx / 2)..=x + dx / 2 {
                let at = (y * width + x) * 4;
                sum += rgba[at..at + 3].iter().map(|&c| u32::from(c)).sum::<u32>();
                count += 3;
            }
        }
        sum / count
    };
    let bit = |column: usize| {
        let (above, below) = (brightness(column, 0), brightness(column, 1));
        if above.abs_diff(below) < 64 {
            return Err(format!(
                "column {column} is undecided: {above} over {below}"
            ));
        }
        Ok(above > below)
    };
    if !bit(0)? || bit(19)? {
        return Err("the marks say that the picture is turned or mirrored".to_owned());
    }
    (1..=18).try_fold(
        0,
        |number, column| Ok(number << 1 | u32::from(bit(column)?)),
    )
}

/// Reads a PNG file as RGBA, with its width and height.
pub(crate) fn read_png(path: &std::path::Path) -> (Vec<u8>, (usize, usize)) {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut decoder = png::Decoder::new(file);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let size = (
        usize::try_from(info.width).unwrap(),
        usize::try_from(info.height).unwrap(),
    );
    let rgba = match info.color_type {
        png::ColorType::Rgba => bytes,
        png::ColorType::Rgb => bytes
            .chunks(3)
            .flat_map(|p| [p[0], p[1], p[2], 255])
            .collect(),
        other => panic!("{other:?}"),
    };
    (rgba, size)
}

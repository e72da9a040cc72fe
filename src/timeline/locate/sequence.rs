//! Numbered pictures as they are found on disk.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::pattern::Naming;
use crate::time::{FrameIndex, FrameRate, MediaTime};
use crate::timeline::{MissingFrames, StatedRange};

/// Files of one folder that are looked at in search of numbered pictures.
const MAX_ENTRIES: usize = 2_000_000;

/// The most pictures that a sequence may claim: a thousand hours of them.
const MAX_PICTURES: i64 = 1 << 28;

/// The rate of pictures whose rate nobody states.
const USUAL_RATE: u32 = 24;

/// The fastest rate that pictures are taken to have; more is a rate of samples.
const FASTEST_RATE: u32 = 1000;

/// Numbered pictures in a folder, and which of them are there.
///
/// Frame n of the sequence, from 0, is the picture with number `first + n * step`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedSequence {
    folder: PathBuf,
    naming: Naming,
    first: i64,
    step: i64,
    frames: i64,
    rate: FrameRate,
    missing: MissingFrames,
    present: Vec<RangeInclusive<i64>>,
}

impl LocatedSequence {
    /// The folder that the pictures are in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Frames from the first picture to the last, gaps included; at least one.
    pub fn frames(&self) -> i64 {
        self.frames
    }

    /// Frames a second.
    pub fn rate(&self) -> FrameRate {
        self.rate
    }

    /// The same pictures at another rate.
    #[must_use]
    pub fn with_rate(self, rate: FrameRate) -> Self {
        Self { rate, ..self }
    }

    /// What is shown where a picture is missing.
    pub fn missing(&self) -> MissingFrames {
        self.missing
    }

    /// The number of the picture of `frame`, which need not lie within the sequence.
    pub fn number_of(&self, frame: FrameIndex) -> i64 {
        self.first.saturating_add(frame.0.saturating_mul(self.step))
    }

    /// The numbers that are on disk, in order, by ranges that do not touch.
    pub fn present(&self) -> &[RangeInclusive<i64>] {
        &self.present
    }

    /// Whether picture `number` is on disk.
    pub fn is_present(&self, number: i64) -> bool {
        self.range_up_to(number)
            .is_some_and(|range| range.contains(&number))
    }

    /// The last range that begins at or before `number`.
    fn range_up_to(&self, number: i64) -> Option<&RangeInclusive<i64>> {
        let after = self
            .present
            .partition_point(|range| *range.start() <= number);
        self.present.get(after.checked_sub(1)?)
    }

    /// The last picture of the sequence on disk that comes before picture `number`, or is it.
    pub fn present_up_to(&self, number: i64) -> Option<i64> {
        let mut number = number;
        loop {
            let range = self.range_up_to(number)?;
            // The nearest number in the range that a frame has.
            let reached = number.min(*range.end());
            if reached < self.first {
                return None;
            }
            let own = reached - (reached - self.first).rem_euclid(self.step);
            if range.contains(&own) {
                return Some(own);
            }
            number = own;
        }
    }

    /// The frames whose pictures are on disk, in order.
    pub fn present_frames(&self) -> impl Iterator<Item = FrameIndex> {
        self.present.iter().flat_map(|range| {
            let frame_from = |number: i64| number.saturating_sub(self.first).div_euclid(self.step);
            let low = frame_from(range.start().saturating_add(self.step - 1)).max(0);
            let high = frame_from(*range.end()).min(self.frames - 1);
            (low..=high).map(FrameIndex)
        })
    }

    /// Whether the file at `path` is one of its pictures.
    pub(super) fn holds(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str());
        path.parent() == Some(&self.folder)
            && name
                .and_then(|name| self.naming.number_in(name))
                .is_some_and(|number| self.is_present(number))
    }

    /// The file of picture `number`, whether it is there or not.
    pub fn path_of(&self, number: i64) -> PathBuf {
        self.folder.join(self.naming.name_of(number))
    }

    /// The sequence as a path, `shots/img.[1001-1090].exr`, which a [`super::Locator`] reads back.
    pub fn pattern(&self) -> PathBuf {
        let last = self.number_of(FrameIndex(self.frames - 1));
        let Naming {
            prefix,
            suffix,
            digits,
        } = &self.naming;
        let (first, width) = (self.first, *digits);
        self.folder
            .join(format!("{prefix}[{first:0width$}-{last:0width$}]{suffix}"))
    }
}

/// What is known of a sequence before the disk is looked at.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Ways to write the numbers, the likeliest first; at least one.
    pub(super) namings: Vec<Naming>,
    /// First and last number, where stated.
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    pub(super) step: i64,
    /// Where stated.
    pub(super) rate: Option<FrameRate>,
    pub(super) missing: MissingFrames,
    pub(super) available: Option<StatedRange>,
}

impl Wanted {
    /// Numbered pictures of which nothing but their names is known.
    pub(super) fn of_naming(naming: Naming, available: Option<StatedRange>) -> Self {
        Self {
            namings: vec![naming],
            first: None,
            last: None,
            step: 1,
            rate: None,
            missing: MissingFrames::default(),
            available,
        }
    }

    /// Whether its first picture is in `folder`, which is not read; where the number of that is not
    /// known, whether there is such a folder.
    pub(super) fn may_begin_in(&self, folder: &Path) -> bool {
        let is_there = |number| {
            let mut names = self.namings.iter().map(|naming| naming.name_of(number));
            names.any(|name| folder.join(name).exists())
        };
        self.first.map_or_else(|| folder.is_dir(), is_there)
    }

    /// The sequence in `folder`; `None` when none of its pictures is there. `allowed` is asked about
    /// links.
    pub(super) fn in_folder(
        &self,
        folder: &Path,
        allowed: &dyn Fn(&Path) -> bool,
    ) -> Option<LocatedSequence> {
        let listings = numbers_in(folder, &self.namings, allowed);
        // The likeliest way to write them wins among those that name as many.
        let (naming, numbers) = self
            .namings
            .iter()
            .zip(listings)
            .rev()
            .max_by_key(|(_, numbers)| numbers.len())?;
        self.with_numbers(folder, naming, &numbers)
    }

    fn with_numbers(
        &self,
        folder: &Path,
        naming: &Naming,
        numbers: &[i64],
    ) -> Option<LocatedSequence> {
        let rate = self.rate();
        let step = self.step.max(1);
        let first = self.first.or_else(|| self.first_found(numbers, rate))?;
        // No file has a longer number, and differences of shorter ones fit.
        if first.unsigned_abs() > 10_u64.pow(18) {
            return None;
        }
        let mut sequence = LocatedSequence {
            folder: folder.to_owned(),
            naming: naming.clone(),
            first,
            step,
            frames: MAX_PICTURES,
            rate,
            missing: self.missing,
            present: ranges(numbers),
        };
        // Numbers between the steps belong to other pictures.
        let last_present = sequence.present_up_to(*numbers.last()?)?;
        let last = self.last.unwrap_or(last_present);
        let by_numbers = last.saturating_sub(first) / step + 1;
        let stated = self
            .available
            .map(|available| {
                let half = rate.frame_span_nearest().scaled_nearest(1, 2);
                rate.frame_at_floor(MediaTime::ZERO + available.range.duration + half)
                    .0
            })
            .filter(|&frames| frames > 0);
        sequence.frames = stated.unwrap_or(by_numbers).clamp(1, MAX_PICTURES);
        let is_there = sequence.present_frames().next().is_some();
        is_there.then_some(sequence)
    }

    fn rate(&self) -> FrameRate {
        let usable = |rate: &FrameRate| rate.nominal() <= FASTEST_RATE;
        let stated = self.rate.or(self.available.map(|available| available.rate));
        stated.filter(usable).unwrap_or_else(usual_rate)
    }

    /// The number that the available range calls its first frame, if there is a picture of it; else the
    /// first on disk.
    fn first_found(&self, numbers: &[i64], rate: FrameRate) -> Option<i64> {
        let stated = self.available.map(|available| {
            let half = rate.frame_span_nearest().scaled_nearest(1, 2);
            rate.frame_at_floor(available.range.start + half).0
        });
        stated
            .filter(|number| numbers.binary_search(number).is_ok())
            .or_else(|| numbers.first().copied())
    }
}

fn usual_rate() -> FrameRate {
    match FrameRate::new(USUAL_RATE, 1) {
        Some(rate) => rate,
        None => unreachable!("the usual rate is not zero"),
    }
}

/// The numbers of the files in `folder` that are named so, in order, for each of `namings`.
fn numbers_in(folder: &Path, namings: &[Naming], allowed: &dyn Fn(&Path) -> bool) -> Vec<Vec<i64>> {
    let mut found = vec![Vec::new(); namings.len()];
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.take(MAX_ENTRIES).flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let mut is_allowed = None;
        for (naming, numbers) in namings.iter().zip(&mut found) {
            let Some(number) = naming.number_in(name) else {
                continue;
            };
            let usable = *is_allowed.get_or_insert_with(|| {
                entry.file_type().is_ok_and(|kind| {
                    kind.is_file() || (kind.is_symlink() && allowed(&entry.path()))
                })
            });
            if usable {
                numbers.push(number);
            }
        }
    }
    for numbers in &mut found {
        numbers.sort_unstable();
    }
    found
}

/// Ranges of consecutive numbers; `numbers` are in order.
fn ranges(numbers: &[i64]) -> Vec<RangeInclusive<i64>> {
    numbers
        .chunk_by(|a, b| a + 1 == *b)
        .map(|run| run[0]..=run[run.len() - 1])
        .collect()
}

/// The sequence that the picture at `path` belongs to, as it is on disk: the pictures of its folder
/// that differ from it by their number alone. `None` when it has no number or is the only one.
///
/// Numbers that all lie as far apart as one another, or multiples of that, follow one another: 10, 20,
/// 40 are four frames, one of which is missing. The rate is 24, for nothing states it; see
/// [`LocatedSequence::with_rate`].
pub fn sequence_of(path: &Path) -> Option<LocatedSequence> {
    let name = path.file_name()?.to_str()?;
    let (naming, _) = Naming::split(name).filter(|(naming, _)| is_picture_name(&naming.suffix))?;
    let folder = match path.parent()? {
        here if here.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    let number = &name[naming.prefix.len()..name.len() - naming.suffix.len()];
    let mut wanted = Wanted::of_naming(naming.clone(), None);
    // What begins with a zero is filled up; other numbers may just be as long as they are.
    if !number.starts_with('0') {
        wanted.namings.push(Naming {
            digits: 1,
            ..naming
        });
    }
    // The person who named the picture may see what its folder links to.
    let listings = numbers_in(folder, &wanted.namings, &|_| true);
    let best = (0..listings.len())
        .rev()
        .max_by_key(|&n| listings[n].len())?;
    let (naming, numbers) = (&wanted.namings[best], &listings[best]);
    let (first, others) = numbers.split_first()?;
    let step = others
        .iter()
        .map(|number| number.saturating_sub(*first))
        .reduce(gcd)?;
    Wanted {
        step,
        ..wanted.clone()
    }
    .with_numbers(folder, naming, numbers)
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Extensions of pictures that come numbered.
const PICTURES: &[&str] = &[
    "bmp", "cin", "dng", "dpx", "exr", "hdr", "j2c", "j2k", "jp2", "jpc", "jpeg", "jpg", "pbm",
    "pgm", "png", "ppm", "psd", "sgi", "rgb", "tga", "tif", "tiff", "webp",
];

/// Whether a file of this name is a picture, by its extension.
pub(super) fn is_picture_name(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| PICTURES.contains(&extension.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MediaSpan;
    use crate::timeline::TimeRange;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), b"x").unwrap();
        }
        folder
    }

    fn rate(rate: u32) -> FrameRate {
        FrameRate::new(rate, 1).unwrap()
    }

    fn available(start: i64, frames: i64, fps: u32) -> StatedRange {
        let frame = |n| rate(fps).time_of_frame_nearest(FrameIndex(n));
        StatedRange {
            range: TimeRange::between(frame(start), frame(start + frames)),
            rate: rate(fps),
        }
    }

    fn wanted(digits: usize) -> Wanted {
        let naming = Naming {
            prefix: "a.".to_owned(),
            suffix: ".png".to_owned(),
            digits,
        };
        Wanted::of_naming(naming, None)
    }

    #[test]
    fn gaps_are_known_and_the_picture_before_is_found() {
        let folder = folder(&[
            "a.0001.png",
            "a.0002.png",
            "a.0005.png",
            "a.5.png",
            "a.0009.jpg",
            "b.0006.png",
        ]);
        let found = wanted(4).in_folder(folder.path(), &|_| true).unwrap();
        assert_eq!(found.present(), [1..=2, 5..=5]);
        assert_eq!((found.frames(), found.rate()), (5, rate(24)));
        assert_eq!(found.number_of(FrameIndex(4)), 5);
        assert!(found.is_present(5) && !found.is_present(4) && !found.is_present(6));
        assert_eq!(found.present_up_to(4), Some(2));
        assert_eq!(found.present_up_to(0), None);
        let frames: Vec<i64> = found.present_frames().map(|frame| frame.0).collect();
        assert_eq!(frames, [0, 1, 4]);
        assert_eq!(found.path_of(5), folder.path().join("a.0005.png"));
        assert_eq!(found.pattern(), folder.path().join("a.[0001-0005].png"));
    }

    #[test]
    fn what_is_stated_goes_before_what_is_found() {
        let folder = folder(&["a.1001.png", "a.1002.png", "a.1004.png", "a.1010.png"]);
        let find = |wanted: &Wanted| wanted.in_folder(folder.path(), &|_| true);
        let mut stated = Wanted {
            available: Some(available(1001, 5, 30)),
            ..wanted(4)
        };
        let found = find(&stated).unwrap();
        assert_eq!(
            (found.number_of(FrameIndex::ZERO), found.frames()),
            (1001, 5)
        );
        assert_eq!(found.rate(), rate(30));
        // A range of sound says nothing about pictures.
        stated.available = Some(available(0, 48_000, 48_000));
        let found = find(&stated).unwrap();
        assert_eq!((found.rate(), found.frames()), (rate(24), 24));
        // On twos, from 1000 on: 1002, 1004 and 1010 belong to it.
        let twos = Wanted {
            first: Some(1000),
            step: 2,
            ..wanted(4)
        };
        let found = find(&twos).unwrap();
        let frames: Vec<i64> = found.present_frames().map(|frame| frame.0).collect();
        assert_eq!((frames, found.frames()), (vec![1, 2, 5], 6));
        assert_eq!(found.present_up_to(1001), None);
        assert_eq!(found.present_up_to(1009), Some(1004));
        // None of the frames asked for.
        let elsewhere = Wanted {
            first: Some(1),
            available: Some(available(0, 10, 24)),
            ..wanted(4)
        };
        assert_eq!(find(&elsewhere), None);
        let above = Wanted {
            first: Some(2000),
            ..wanted(4)
        };
        assert_eq!(find(&above), None);
        assert_eq!(find(&wanted(6)), None);
        assert_eq!(wanted(4).in_folder(Path::new("/none"), &|_| true), None);
    }

    #[test]
    fn claims_are_bounded_and_far_numbers_do_no_harm() {
        let folder = folder(&["a.0001.png", "a.999999999999999999.png"]);
        let huge = Wanted {
            available: Some(StatedRange {
                range: TimeRange {
                    start: MediaTime::from_flicks(i64::MIN),
                    duration: MediaSpan::from_flicks(i64::MAX),
                },
                rate: rate(1000),
            }),
            ..wanted(4)
        };
        let found = huge.in_folder(folder.path(), &|_| true).unwrap();
        assert_eq!(found.frames(), MAX_PICTURES);
        assert_eq!(found.present_frames().count(), 1);
        for step in [i64::MIN, 0, 7, i64::MAX] {
            for first in [i64::MIN, -3, i64::MAX] {
                let odd = Wanted {
                    step,
                    first: Some(first),
                    ..wanted(4)
                };
                if let Some(found) = odd.in_folder(folder.path(), &|_| true) {
                    found.present_up_to(i64::MAX);
                    found.number_of(FrameIndex(i64::MAX));
                }
            }
        }
    }

    #[test]
    fn links_count_only_where_they_may() {
        let folder = folder(&["a.0001.png"]);
        let link = folder.path().join("a.0002.png");
        std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
        std::fs::create_dir(folder.path().join("a.0003.png")).unwrap();
        let found = wanted(4).in_folder(folder.path(), &|path| path != link);
        assert_eq!(found.unwrap().present(), [1..=1]);
        let found = wanted(4).in_folder(folder.path(), &|_| true);
        assert_eq!(found.unwrap().present(), [1..=2]);
    }

    #[test]
    fn the_sequence_of_a_picture_is_told_by_its_neighbours() {
        let names = [
            "a.0998.png",
            "a.0999.png",
            "a.1000.png",
            "x_8.jpg",
            "x_10.jpg",
            "x_12.jpg",
            "one_1.png",
            "take2.mov",
            "take3.mov",
            "plain.png",
        ];
        let folder = folder(&names);
        let found = |name: &str| sequence_of(&folder.path().join(name));
        for name in ["a.0998.png", "a.1000.png"] {
            let sequence = found(name).unwrap();
            assert_eq!(
                (sequence.frames(), sequence.present()),
                (3, &[998..=1000][..])
            );
            assert!(sequence.path_of(999).ends_with("a.0999.png"));
        }
        let twos = found("x_10.jpg").unwrap();
        assert_eq!((twos.frames(), twos.number_of(FrameIndex(2))), (3, 12));
        assert!(twos.path_of(8).ends_with("x_8.jpg"));
        for name in ["one_1.png", "take2.mov", "plain.png", "none_1.png"] {
            assert_eq!(found(name), None, "{name}");
        }
    }
}

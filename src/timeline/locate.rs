//! Finding the media that a timeline names.
//!
//! A timeline is a file from anywhere, and what it names is opened. So media are opened only inside
//! roots: the timeline's own folder and those that the person names (`--media-root`), whatever lies
//! below them. A path is judged after its links are followed. URLs that are no files are refused.
//!
//! Timelines also move between machines, so that most of their absolute paths lead nowhere. A medium
//! that is not where its reference says is looked for by its name, everywhere below the roots. Of
//! several files of one name, those win whose folders are also those of the reference; among them the
//! caller decides, who can look inside.

mod candidate;
mod library;
mod missing;
mod pattern;
mod sequence;
mod target;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use self::candidate::{Beginning, Candidate, choose, choose_only};
use self::library::{Bounds, Library};
pub use self::missing::{MissingMedia, MissingReason};
use self::pattern::{Naming, Pattern};
pub use self::sequence::{LocatedSequence, sequence_of};
use self::sequence::{Wanted, is_picture_name};
use self::target::{Target, common_suffix, folded};
use super::{Generator, MediaReference, SequenceReference};

/// What a reference stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Located {
    /// A file, by its real path: no part of it is a link.
    File(PathBuf),
    /// Numbered pictures.
    Sequence(LocatedSequence),
    /// Made by the player.
    Generated(Generator),
    /// Nothing that can be shown.
    Missing(MissingMedia),
}

/// Judges a file that was found by its name alone: `None` when it cannot be the one that is meant,
/// else the more the likelier it is. Of a sequence the first picture is asked about.
pub type Fingerprint<'a> = dyn Fn(&Path) -> Option<u32> + 'a;

/// The timeline's folder is not chosen for its size: it may be somebody's home.
const TIMELINE_FOLDER: Bounds = Bounds {
    entries: 50_000,
    depth: 8,
};

/// A folder that was named in order to be searched.
const MEDIA_ROOT: Bounds = Bounds {
    entries: 1_000_000,
    depth: 64,
};

/// Names shorter than this begin too many others.
const SHORTEST_REEL: usize = 3;

/// Media whose names go on after that of a reel: of more than these none is chosen.
const MAX_LONGER: usize = 64;

/// What stands between a name and a number.
const SEPARATORS: [char; 4] = ['.', '_', '-', ' '];

/// Finds the media of one timeline. Any thread, and several at once.
///
/// What lies below the roots is read at most once, when the first medium is not where its reference
/// says. To see what has changed on disk since, make a new one.
#[derive(Debug)]
pub struct Locator {
    /// The timeline's folder comes first.
    roots: Vec<Root>,
}

#[derive(Debug)]
struct Root {
    /// As it was named.
    named: PathBuf,
    /// Without links; `None` when there is no such folder.
    real: Option<PathBuf>,
    bounds: Bounds,
    library: OnceLock<Library>,
}

impl Root {
    fn new(named: PathBuf, bounds: Bounds) -> Self {
        let real = named.canonicalize().ok().filter(|real| real.is_dir());
        Self {
            named,
            real,
            bounds,
            library: OnceLock::new(),
        }
    }

    fn library(&self) -> &Library {
        self.library.get_or_init(|| {
            let folder = self.real.as_deref().unwrap_or(&self.named);
            Library::read(folder, self.bounds)
        })
    }
}

/// Where a path leads.
enum Leads {
    Inside(PathBuf),
    Outside(PathBuf),
    Nowhere,
}

impl Locator {
    /// For the timeline at `timeline`, or for one whose references are relative to that folder. Media
    /// are opened below its folder and below `media_roots`, which are searched in their order.
    pub fn new(timeline: &Path, media_roots: Vec<PathBuf>) -> Self {
        let folder = if timeline.is_dir() {
            timeline
        } else {
            match timeline.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            }
        };
        let base = Root::new(folder.to_owned(), TIMELINE_FOLDER);
        let others = media_roots
            .into_iter()
            .map(|root| Root::new(root, MEDIA_ROOT));
        Self {
            roots: std::iter::once(base).chain(others).collect(),
        }
    }

    /// What could not be read, or was not looked at because there was too much, for people to read.
    /// Grows when the first medium is looked for by its name.
    pub fn notes(&self) -> Vec<String> {
        self.roots
            .iter()
            .filter_map(|root| root.library.get())
            .flat_map(Library::notes)
            .cloned()
            .collect()
    }

    /// Finds the medium of `reference`, which the clip called `clip` uses. `accepts` is asked only
    /// about what is found by its name. A clip's own name leads to a medium only where a reel is
    /// stated: names are given freely.
    pub fn locate(
        &self,
        reference: &MediaReference,
        clip: &str,
        accepts: &Fingerprint<'_>,
    ) -> Located {
        let found = match reference {
            MediaReference::Generator { generator, .. } => {
                return Located::Generated(*generator);
            }
            MediaReference::Sequence(sequence) => self.sequence(sequence, accepts),
            MediaReference::Missing { name, .. } if name.trim().is_empty() => {
                Err(MissingReason::NotStated)
            }
            MediaReference::Missing { name, .. } => self.by_stem(&[name, clip], accepts),
            MediaReference::File { target, .. } => match Target::read(target) {
                Target::Nothing => Err(MissingReason::NotStated),
                Target::Address(scheme) => Err(MissingReason::Address(scheme)),
                Target::Paths(readings) => self.file(&readings, reference, accepts),
            },
        };
        found.unwrap_or_else(|why| Located::Missing(self.missing(reference, clip, why)))
    }

    fn missing(&self, reference: &MediaReference, clip: &str, why: MissingReason) -> MissingMedia {
        let name = match reference {
            MediaReference::File { target, .. } => Target::read(target)
                .name()
                .or_else(|| Some(target.trim().to_owned())),
            MediaReference::Sequence(sequence) => {
                Some(naming_of(sequence).1.name_of(sequence.start))
            }
            MediaReference::Missing { name, .. } => Some(name.to_string()),
            MediaReference::Generator { .. } => None,
        };
        MissingMedia {
            name: name
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| clip.to_owned()),
            looked_in: self.roots.iter().map(|root| root.named.clone()).collect(),
            why,
        }
    }

    /// A file, by path and then by name; or a sequence that is written as a file.
    fn file(
        &self,
        readings: &[PathBuf],
        reference: &MediaReference,
        accepts: &Fingerprint<'_>,
    ) -> Result<Located, MissingReason> {
        let mut outside = None;
        for place in readings.iter().flat_map(|reading| self.places(reading)) {
            match self.follow(&place) {
                Leads::Inside(real) if real.is_file() => return Ok(Located::File(real)),
                Leads::Outside(real) => {
                    outside.get_or_insert(real);
                }
                Leads::Inside(_) | Leads::Nowhere => {}
            }
        }
        let patterns = readings.iter().filter_map(|reading| {
            let pattern = Pattern::read(reading.file_name()?.to_str()?)?;
            let mut wanted = Wanted::of_naming(
                pattern.namings.first()?.clone(),
                reference.available().copied(),
            );
            wanted.namings = pattern.namings;
            wanted.first = pattern.range.map(|(first, _)| first);
            wanted.last = pattern.range.map(|(_, last)| last);
            Some((reading.parent()?.to_owned(), wanted))
        });
        for (folder, wanted) in patterns {
            match self.numbered(&[folder], &wanted, accepts) {
                Err(MissingReason::Outside(folder)) => {
                    outside.get_or_insert(folder);
                }
                Err(_) => {}
                found => return found,
            }
        }
        let by_name = self.by_file_name(readings, accepts);
        match (by_name, outside) {
            // Nothing of its name, but something at its place.
            (Err(MissingReason::NotFound), Some(real)) => Err(MissingReason::Outside(real)),
            (by_name, _) => by_name,
        }
    }

    /// A sequence, by its folder and then by the names of its pictures.
    fn sequence(
        &self,
        sequence: &SequenceReference,
        accepts: &Fingerprint<'_>,
    ) -> Result<Located, MissingReason> {
        let (below, naming) = naming_of(sequence);
        let folders = match Target::read(&sequence.base) {
            Target::Nothing => vec![PathBuf::from(below)],
            Target::Address(scheme) => return Err(MissingReason::Address(scheme)),
            Target::Paths(folders) => folders
                .into_iter()
                .map(|folder| folder.join(below))
                .collect(),
        };
        let wanted = Wanted {
            first: Some(sequence.start),
            step: sequence.step,
            rate: Some(sequence.rate),
            missing: sequence.missing,
            ..Wanted::of_naming(naming, sequence.available)
        };
        self.numbered(&folders, &wanted, accepts)
    }

    /// Numbered pictures in one of `folders`, or below the roots.
    fn numbered(
        &self,
        folders: &[PathBuf],
        wanted: &Wanted,
        accepts: &Fingerprint<'_>,
    ) -> Result<Located, MissingReason> {
        let mut outside = None;
        for place in folders.iter().flat_map(|folder| self.places(folder)) {
            match self.follow(&place) {
                Leads::Inside(folder) => {
                    if let Some(found) = self.pictures_in(&folder, wanted) {
                        return Ok(Located::Sequence(found));
                    }
                }
                Leads::Outside(folder) if wanted.may_begin_in(&folder) => {
                    outside.get_or_insert(folder);
                }
                Leads::Outside(_) | Leads::Nowhere => {}
            }
        }
        let mut candidates: Vec<Candidate> = Vec::new();
        for naming in &wanted.namings {
            let key = folded(OsStr::new(&naming.prefix));
            let paths = self
                .libraries()
                .flat_map(|library| library.starting_with(&key).map(|(_, path)| path));
            let mut seen = std::collections::HashSet::new();
            for path in paths {
                let is_one = path
                    .file_name()
                    .and_then(OsStr::to_str)
                    .is_some_and(|name| naming.number_in(name).is_some());
                let Some(folder) = path.parent().filter(|_| is_one) else {
                    continue;
                };
                if seen.insert(folder.to_owned())
                    && let Some(found) = self.pictures_in(folder, wanted)
                {
                    let suffix = longest_suffix(folders, folder);
                    candidates.push(Candidate::sequence((suffix, false), found));
                }
            }
        }
        match (choose(candidates, accepts), outside) {
            (Err(MissingReason::NotFound), Some(folder)) => Err(MissingReason::Outside(folder)),
            (found, _) => found,
        }
    }

    fn pictures_in(&self, folder: &Path, wanted: &Wanted) -> Option<LocatedSequence> {
        wanted.in_folder(
            folder,
            &|link| matches!(self.follow(link), Leads::Inside(real) if real.is_file()),
        )
    }

    /// A file of the name that one of `readings` has, anywhere below the roots.
    fn by_file_name(
        &self,
        readings: &[PathBuf],
        accepts: &Fingerprint<'_>,
    ) -> Result<Located, MissingReason> {
        let mut candidates = Vec::new();
        for reading in readings {
            let Some(name) = reading.file_name() else {
                continue;
            };
            let key = folded(name);
            for path in self.libraries().flat_map(|library| library.named(&key)) {
                if let Leads::Inside(real) = self.follow(&path)
                    && real.is_file()
                {
                    let rank = (
                        common_suffix(reading, &path),
                        path.file_name() == Some(name),
                    );
                    candidates.push(Candidate::file(rank, real));
                }
            }
        }
        match choose(candidates, accepts) {
            // A name that has no extension is that of a clip or a reel.
            Err(MissingReason::NotFound) => {
                let mut names = readings
                    .iter()
                    .filter_map(|path| path.file_name()?.to_str());
                match names.find(|name| !is_media_name(name)) {
                    Some(name) => self.by_stem(&[name], accepts),
                    None => Err(MissingReason::NotFound),
                }
            }
            found => found,
        }
    }

    /// Media whose names are one of `names` but for the extension; at last the only one whose name
    /// begins with the first of them, a reel's.
    fn by_stem(&self, names: &[&str], accepts: &Fingerprint<'_>) -> Result<Located, MissingReason> {
        for name in names.iter().filter(|name| !name.trim().is_empty()) {
            match choose(self.beginning_with(name).whole, accepts) {
                Err(MissingReason::NotFound) => {}
                found => return found,
            }
        }
        match names
            .first()
            .filter(|reel| reel.trim().len() >= SHORTEST_REEL)
        {
            Some(reel) => choose_only(self.beginning_with(reel).longer, accepts),
            None => Err(MissingReason::NotFound),
        }
    }

    /// Media called `name`, and those whose names go on after it: `A001_R1.mov` for `A001`.
    fn beginning_with(&self, name: &str) -> Beginning {
        let key = folded(OsStr::new(name.trim()));
        let mut beginning = Beginning::default();
        let found = self
            .libraries()
            .flat_map(|library| library.starting_with(&key));
        for (file, path) in found {
            if !is_media_name(file) || file[key.len()..].starts_with(char::is_alphanumeric) {
                continue;
            }
            let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
            let naming = Naming::split(file).filter(|_| is_picture_name(file));
            let common = naming.map(|(naming, _)| naming.prefix);
            let common = common.map(|prefix| prefix.trim_end_matches(SEPARATORS).to_owned());
            let may_be_whole = stem == key || file == key || common.as_ref() == Some(&key);
            if beginning.holds(&path) || (!may_be_whole && beginning.longer.len() >= MAX_LONGER) {
                continue;
            }
            let pictures = common.and_then(|common| Some((common, self.pictures_with(&path)?)));
            let (is_whole, candidate) = match (pictures, self.follow(&path)) {
                (Some((common, found)), _) => {
                    (common == key, Candidate::sequence((0, false), found))
                }
                (None, Leads::Inside(real)) if real.is_file() => (
                    stem == key || file == key,
                    Candidate::file((0, false), real),
                ),
                _ => continue,
            };
            if is_whole {
                beginning.whole.push(candidate);
            } else if beginning.longer.len() < MAX_LONGER {
                beginning.longer.push(candidate);
            }
        }
        beginning
    }

    /// The sequence that a picture found below a root belongs to.
    fn pictures_with(&self, path: &Path) -> Option<LocatedSequence> {
        let (naming, _) = Naming::split(path.file_name()?.to_str()?)?;
        let found = self.pictures_in(path.parent()?, &Wanted::of_naming(naming, None))?;
        (found.frames() > 1).then_some(found)
    }

    /// Where a path may be: an absolute one where it says, a relative one below each root.
    fn places(&self, path: &Path) -> Vec<PathBuf> {
        if path.is_absolute() {
            return vec![path.to_owned()];
        }
        self.roots
            .iter()
            .map(|root| root.named.join(path))
            .collect()
    }

    /// Follows a path and its links. Nothing is opened.
    fn follow(&self, path: &Path) -> Leads {
        let Ok(real) = path.canonicalize() else {
            return Leads::Nowhere;
        };
        let is_inside = self
            .roots
            .iter()
            .filter_map(|root| root.real.as_deref())
            .any(|root| real.starts_with(root));
        if is_inside {
            Leads::Inside(real)
        } else {
            Leads::Outside(real)
        }
    }

    fn libraries(&self) -> impl Iterator<Item = &Library> {
        self.roots.iter().map(Root::library)
    }
}

/// The folder and the naming of a sequence's pictures. A prefix may lead through folders.
fn naming_of(sequence: &SequenceReference) -> (&str, Naming) {
    let (below, prefix) = sequence
        .prefix
        .rsplit_once('/')
        .unwrap_or(("", &sequence.prefix));
    let naming = Naming {
        prefix: prefix.to_owned(),
        suffix: sequence.suffix.to_string(),
        digits: usize::try_from(sequence.digits)
            .unwrap_or(usize::MAX)
            .min(18),
    };
    (below, naming)
}

fn longest_suffix(folders: &[PathBuf], folder: &Path) -> usize {
    folders
        .iter()
        .map(|reading| common_suffix(reading, folder))
        .max()
        .unwrap_or(0)
}

/// Extensions of media other than pictures.
const MEDIA: &[&str] = &[
    "3gp", "aac", "ac3", "aif", "aifc", "aiff", "apng", "asf", "avi", "bwf", "caf", "cine", "dv",
    "eac3", "flac", "flv", "gif", "gxf", "h264", "h265", "hevc", "ivf", "m2t", "m2ts", "m2v",
    "m4a", "m4v", "mka", "mkv", "mov", "mp2", "mp3", "mp4", "mpeg", "mpg", "mts", "mxf", "nut",
    "ogg", "ogv", "opus", "qt", "rm", "rmvb", "ts", "vob", "w64", "wav", "webm", "wma", "wmv",
    "y4m",
];

/// Whether a file of this name is a medium, by its extension.
fn is_media_name(name: &str) -> bool {
    is_picture_name(name)
        || name
            .rsplit_once('.')
            .is_some_and(|(_, extension)| MEDIA.contains(&extension.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests;

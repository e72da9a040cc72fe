//! The files below a folder, by name.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::target::folded;

/// How much of a folder is read at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Files and folders, hidden ones included.
    pub(super) entries: usize,
    /// Folders inside one another, the first one not counted.
    pub(super) depth: usize,
}

/// The files below a folder. Immutable: a new one is made when the disk has changed.
///
/// A file costs its name twice and some 40 bytes; the bounds keep the whole within some 100 MB.
#[derive(Debug)]
pub(super) struct Library {
    folders: Vec<PathBuf>,
    /// In the order of `key`, then of folders as they were found.
    files: Vec<File>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct File {
    /// The name without regard to case.
    key: Box<str>,
    name: Box<OsStr>,
    /// Which of the folders it is in.
    folder: usize,
}

impl Library {
    /// Reads what lies below `root`, nearest first. Hidden folders are left out, and so are links to
    /// folders, which may lead in circles and out of the root; links to files are kept.
    pub(super) fn read(root: &Path, bounds: Bounds) -> Self {
        let mut library = Self {
            folders: vec![root.to_owned()],
            files: Vec::new(),
            notes: Vec::new(),
        };
        let mut waiting = VecDeque::from([(0, 0)]);
        let mut left = bounds.entries;
        let mut too_deep = false;
        'folders: while let Some((folder, depth)) = waiting.pop_front() {
            let entries = match std::fs::read_dir(&library.folders[folder]) {
                Ok(entries) => entries,
                Err(error) => {
                    let name = library.folders[folder].display();
                    library
                        .notes
                        .push(format!("{name} cannot be read ({error})"));
                    continue;
                }
            };
            for entry in entries.flatten() {
                let Some(fewer) = left.checked_sub(1) else {
                    library.notes.push(format!(
                        "{} holds more than {} files: those deep inside were not looked at. Name a \
                         folder nearer to the media with --media-root.",
                        root.display(),
                        bounds.entries
                    ));
                    break 'folders;
                };
                left = fewer;
                let (name, Ok(kind)) = (entry.file_name(), entry.file_type()) else {
                    continue;
                };
                let is_hidden = name.as_encoded_bytes().starts_with(b".");
                if kind.is_dir() && !is_hidden {
                    if depth < bounds.depth {
                        waiting.push_back((library.folders.len(), depth + 1));
                        library.folders.push(entry.path());
                    } else {
                        too_deep = true;
                    }
                } else if kind.is_file() || kind.is_symlink() {
                    library.files.push(File {
                        key: folded(&name).into(),
                        name: name.into(),
                        folder,
                    });
                }
            }
        }
        if too_deep {
            library.notes.push(format!(
                "{} holds more than {} folders inside one another: those deep inside were not looked \
                 at. Name a folder nearer to the media with --media-root.",
                root.display(),
                bounds.depth
            ));
        }
        library
            .files
            .sort_by(|a, b| (&a.key, a.folder, &a.name).cmp(&(&b.key, b.folder, &b.name)));
        library
    }

    /// What could not be read or was left out, for people to read.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The files of this name, without regard to case.
    pub(super) fn named(&self, key: &str) -> impl Iterator<Item = PathBuf> {
        self.starting_with(key)
            .take_while(move |(file, _)| file.len() == key.len())
            .map(|(_, path)| path)
    }

    /// The files whose names begin so, in order of their names, which are given as well. `key` is
    /// without regard to case.
    pub(super) fn starting_with(&self, key: &str) -> impl Iterator<Item = (&str, PathBuf)> {
        let first = self.files.partition_point(|file| *file.key < *key);
        self.files[first..]
            .iter()
            .take_while(move |file| file.key.starts_with(key))
            .map(|file| (&*file.key, self.folders[file.folder].join(&*file.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"x").unwrap();
        }
        folder
    }

    const ROOMY: Bounds = Bounds {
        entries: 100,
        depth: 5,
    };

    #[test]
    fn files_are_found_by_name_whatever_the_case() {
        let root = tree(&["b/A.mov", "a.MOV", "a.mov.txt", "ab.mov", ".git/a.mov"]);
        std::os::unix::fs::symlink(root.path(), root.path().join("b/again")).unwrap();
        let library = Library::read(root.path(), ROOMY);
        let found: Vec<PathBuf> = library.named("a.mov").collect();
        assert_eq!(
            found,
            [root.path().join("a.MOV"), root.path().join("b/A.mov")]
        );
        assert_eq!(library.starting_with("a.mov").count(), 3);
        assert_eq!(library.starting_with("").count(), 5, "the link is one");
        assert_eq!(library.named("").count(), 0);
        assert!(library.notes().is_empty());
    }

    #[test]
    fn bounds_are_kept_and_told() {
        let root = tree(&["1/2/3/deep.mov", "near.mov"]);
        let shallow = Library::read(root.path(), Bounds { depth: 1, ..ROOMY });
        assert_eq!(shallow.named("near.mov").count(), 1);
        assert_eq!(shallow.named("deep.mov").count(), 0);
        assert!(shallow.notes()[0].contains("inside one another"));

        let names: Vec<String> = (0..20).map(|n| format!("sub/{n}.mov")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let root = tree(&names);
        let few = Library::read(
            root.path(),
            Bounds {
                entries: 5,
                ..ROOMY
            },
        );
        assert_eq!(few.starting_with("").count(), 4, "and one folder");
        assert!(few.notes()[0].contains("more than 5 files"));

        let gone = Library::read(&root.path().join("none"), ROOMY);
        assert!(gone.notes()[0].contains("cannot be read"));
    }
}

//! Files that appear complete or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file that is being written. It takes its place when it is finished; dropped before, it leaves
/// what was there.
///
/// It is written beside its place, made durable and renamed. What is no regular file (`/dev/stdout`, a
/// pipe) has no place to be taken and is written to as it is.
#[derive(Debug)]
pub struct NewFile {
    out: Out,
}

#[derive(Debug)]
enum Out {
    Beside(BufWriter<NamedTempFile>, PathBuf),
    Straight(BufWriter<File>),
}

impl NewFile {
    /// Begins a file that is to be at `path`. A link is followed: what it names is replaced.
    ///
    /// # Errors
    /// When the folder does not exist or may not be written to.
    pub fn create(path: &Path) -> io::Result<Self> {
        if std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            let file = OpenOptions::new().write(true).open(path)?;
            let out = Out::Straight(BufWriter::new(file));
            return Ok(Self { out });
        }
        let place = std::fs::canonicalize(path).unwrap_or_else(|_not_there| path.to_owned());
        let folder = place
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let file = tempfile::Builder::new()
            .prefix(".jogwheel-")
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        let out = Out::Beside(BufWriter::new(file), place);
        Ok(Self { out })
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When the disk is full or the place cannot be taken; then what was there stays.
    pub fn finish(self) -> io::Result<()> {
        match self.out {
            Out::Straight(mut out) => out.flush(),
            Out::Beside(out, place) => {
                let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
                make_readable(file.as_file())?;
                file.as_file().sync_all()?;
                file.persist(place).map_err(|error| error.error)?;
                Ok(())
            }
        }
    }

    /// Puts the file at the first of `places`, all of them in its folder, where nothing is yet, and answers
    /// which that was. What is no regular file, or was replaced meanwhile, counts as something.
    ///
    /// # Errors
    /// When every place is taken, or the disk is full.
    pub fn finish_at_first_free(
        self,
        places: impl IntoIterator<Item = PathBuf>,
    ) -> io::Result<PathBuf> {
        let Out::Beside(out, _) = self.out else {
            return Err(io::ErrorKind::AlreadyExists.into());
        };
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        make_readable(file.as_file())?;
        file.as_file().sync_all()?;
        for place in places {
            match file.persist_noclobber(&place) {
                Ok(_file) => return Ok(place),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    file = error.file;
                }
                Err(error) => return Err(error.error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Out::Beside(out, _) => out.write(bytes),
            Out::Straight(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Beside(out, _) => out.flush(),
            Out::Straight(out) => out.flush(),
        }
    }
}

/// Temporary files are for their owner only; these are as open as any other new file.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_there_stays_until_the_file_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        std::fs::write(&path, "old").unwrap();
        let mut file = NewFile::create(&path).unwrap();
        file.write_all(b"half of ").unwrap();
        file.flush().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        drop(file);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["report.json"]);

        let mut file = NewFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["report.json"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_at_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(NewFile::create(&folder.path().join("none/report.json")).is_err());
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_may_not_be_replaced_gets_a_place_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let place = |number: u32| folder.path().join(format!("profile-{number}.json"));
        std::fs::write(place(1), "old").unwrap();
        std::fs::create_dir(place(2)).unwrap();
        let finish = |text: &[u8], places: std::ops::Range<u32>| {
            let mut file = NewFile::create(&place(1)).unwrap();
            file.write_all(text).unwrap();
            file.finish_at_first_free(places.map(place))
        };
        assert_eq!(finish(b"new", 1..9).unwrap(), place(3));
        assert_eq!(finish(b"newer", 1..9).unwrap(), place(4));
        let error = finish(b"newest", 1..5).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        for (number, text) in [(1, "old"), (3, "new"), (4, "newer")] {
            assert_eq!(std::fs::read_to_string(place(number)).unwrap(), text);
        }
        assert_eq!(names(folder.path()).len(), 4, "nothing half done is left");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_devices_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::write(&real, "old").unwrap();
        for target in [&real, Path::new("/dev/null")] {
            let _none = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(target, &link).unwrap();
            let mut file = NewFile::create(&link).unwrap();
            file.write_all(b"new").unwrap();
            file.finish().unwrap();
            assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        }
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "new");
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    }
}

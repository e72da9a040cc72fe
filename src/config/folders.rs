//! Where the player keeps its own files.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// The player's own folders. They are named, not made: whoever writes there makes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    config: PathBuf,
    cache: PathBuf,
    state: PathBuf,
    pictures: PathBuf,
}

/// Why the folders could not be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldersError {
    /// The system names no home folder.
    #[error("no home folder is known; set the HOME environment variable")]
    NoHome,
}

impl Folders {
    /// The folders that the platform's conventions give: on Linux `$XDG_CONFIG_HOME/jogwheel`,
    /// `$XDG_CACHE_HOME/jogwheel` and the pictures folder of the desktop.
    pub fn of_user() -> Result<Self, FoldersError> {
        let project = ProjectDirs::from("", "", "jogwheel").ok_or(FoldersError::NoHome)?;
        let user = directories::UserDirs::new().ok_or(FoldersError::NoHome)?;
        Ok(Self {
            config: project.config_dir().to_owned(),
            cache: project.cache_dir().to_owned(),
            state: project
                .state_dir()
                .unwrap_or_else(|| project.data_local_dir())
                .to_owned(),
            pictures: user
                .picture_dir()
                .unwrap_or_else(|| user.home_dir())
                .to_owned(),
        })
    }

    /// All folders inside one, for tests and for portable installations.
    pub fn under(root: &Path) -> Self {
        Self {
            config: root.join("config"),
            cache: root.join("cache"),
            state: root.join("state"),
            pictures: root.join("pictures"),
        }
    }

    /// Settings and keys.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// What can be made again: indices, demo media, compiled shaders.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// How the window was left.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Where saved frames go.
    pub fn pictures(&self) -> &Path {
        &self.pictures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_under_a_root_stay_under_it_and_apart() {
        let root = Path::new("/portable");
        let folders = Folders::under(root);
        let all = [folders.config(), folders.cache(), folders.pictures()];
        assert!(all.iter().all(|folder| folder.starts_with(root)));
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    }

    #[test]
    fn folders_of_the_user_carry_the_name_of_the_player() {
        // Machines without a home folder exist; there the error must say what to set.
        match Folders::of_user() {
            Ok(folders) => {
                assert!(folders.config().ends_with("jogwheel"), "{folders:?}");
                assert!(folders.cache().ends_with("jogwheel"), "{folders:?}");
                assert!(folders.pictures().is_absolute(), "{folders:?}");
            }
            Err(error) => assert!(error.to_string().contains("HOME")),
        }
    }
}

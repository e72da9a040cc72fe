//! Media that cannot be shown: why, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// A medium that cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingMedia {
    /// The name that it was looked for by.
    pub name: String,
    /// The folders that were searched, with all that lies below them.
    pub looked_in: Vec<PathBuf>,
    /// Why it is missing.
    pub why: MissingReason,
}

/// Why a medium is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingReason {
    /// There is no file of its name.
    NotFound,
    /// The timeline says neither where it is nor what it is called.
    NotStated,
    /// It is on a network, by the URL's scheme, and only files are opened.
    Address(String),
    /// It is here, or what a link stands for is, but outside the folders that may be read.
    Outside(PathBuf),
    /// There is a file of its name, which cannot be the one that is meant.
    Mismatch(PathBuf),
    /// Several files could be meant.
    Ambiguous(Vec<PathBuf>),
}

impl MissingMedia {
    /// What is wrong, in a sentence.
    pub fn reason(&self) -> String {
        match &self.why {
            MissingReason::NotFound => format!("{} was not found.", self.subject()),
            MissingReason::NotStated => "The timeline does not say what is shown here.".to_owned(),
            MissingReason::Address(scheme) => format!(
                "{} is an address ({scheme}), and only files are opened.",
                self.subject()
            ),
            MissingReason::Outside(path) => format!(
                "{} is outside the folders that may be read.",
                path.display()
            ),
            MissingReason::Mismatch(path) => {
                format!("{} has the name, but not the content.", path.display())
            }
            MissingReason::Ambiguous(paths) => {
                format!("{} could be any of {} files.", self.subject(), paths.len())
            }
        }
    }

    fn subject(&self) -> String {
        if self.name.is_empty() {
            "A clip without a name".to_owned()
        } else {
            self.name.clone()
        }
    }

    /// What to do, in a sentence.
    pub fn hint(&self) -> String {
        match &self.why {
            MissingReason::NotFound | MissingReason::Mismatch(_) => {
                "Name the folder that it is in: --media-root FOLDER".to_owned()
            }
            MissingReason::NotStated => {
                "Link the clip to its media in the program that wrote the timeline.".to_owned()
            }
            MissingReason::Address(_) => {
                "Save it as a file beside the timeline, or name the folder \
                that it is in: --media-root FOLDER"
                    .to_owned()
            }
            MissingReason::Outside(path) => {
                let folder = if path.is_dir() {
                    path
                } else {
                    path.parent().unwrap_or(path)
                };
                format!("Allow it: --media-root {}", quoted(folder))
            }
            MissingReason::Ambiguous(_) => {
                "Name the folder of the right one alone: --media-root FOLDER".to_owned()
            }
        }
    }

    /// The lines of a placeholder below the clip's name: the reason, where it was looked for (each
    /// folder on a line of its own), and what to do.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.reason()];
        if matches!(
            self.why,
            MissingReason::NotFound | MissingReason::Mismatch(_)
        ) {
            let folders = self.looked_in.iter();
            lines.extend(folders.map(|folder| format!("Looked in {}", shown(folder))));
        }
        lines.push(self.hint());
        lines
    }
}

impl fmt::Display for MissingMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason())?;
        if let MissingReason::NotFound = self.why {
            let folders: Vec<String> = self.looked_in.iter().map(|folder| shown(folder)).collect();
            write!(f, " Looked in {}.", folders.join(", "))?;
        }
        write!(f, " {}", self.hint())
    }
}

/// A folder as people know it.
fn shown(folder: &Path) -> String {
    match folder.to_str() {
        Some("." | "") => "this folder".to_owned(),
        _ => folder.display().to_string(),
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(why: MissingReason) -> MissingMedia {
        MissingMedia {
            name: "a.mov".to_owned(),
            looked_in: vec![".".into(), "/mnt/rushes".into()],
            why,
        }
    }

    #[test]
    fn every_reason_says_what_to_do() {
        let text = |why| missing(why).to_string();
        assert_eq!(
            text(MissingReason::NotFound),
            "a.mov was not found. Looked in this folder, /mnt/rushes. Name the folder that it is in: \
             --media-root FOLDER"
        );
        assert_eq!(
            text(MissingReason::Outside("/mnt/day 1/a.mov".into())),
            "/mnt/day 1/a.mov is outside the folders that may be read. Allow it: --media-root \
             '/mnt/day 1'"
        );
        assert!(text(MissingReason::Address("http".to_owned())).contains("(http)"));
        assert!(text(MissingReason::Ambiguous(vec!["/a".into(); 3])).contains("any of 3"));
        assert!(text(MissingReason::NotStated).contains("does not say"));
        let lines = missing(MissingReason::Mismatch("/x/a.mov".into())).lines();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[2], "Looked in /mnt/rushes");
        assert_eq!(quoted(Path::new("/it's")), r"'/it'\''s'");
    }
}

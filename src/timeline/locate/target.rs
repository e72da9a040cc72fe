//! What a reference's target may mean: URLs and paths, written on every kind of machine.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// A target, read without a look at the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// There is nothing in it.
    Nothing,
    /// A URL that is no file, with its scheme.
    Address(String),
    /// The paths that it may stand for, the likeliest first; at least one. Those with a drive or a
    /// host of another machine are absolute here.
    Paths(Vec<PathBuf>),
}

impl Target {
    /// Reads `text`. Timelines hold URLs with and without percent-encoding, plain paths, paths that are
    /// encoded as if they were URLs, and paths of Windows machines; what is meant is known only
    /// when a file is there.
    pub(super) fn read(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Nothing;
        }
        let mut readings = Vec::new();
        match scheme_of(text) {
            Some("file") => {
                let path = path_of_url(&text["file:".len()..]);
                readings.push(percent_decoded(path));
                readings.push(path.as_bytes().to_vec());
            }
            Some(scheme) if text[scheme.len() + 1..].starts_with("//") => {
                return Self::Address(scheme.to_ascii_lowercase());
            }
            _ => {
                readings.push(text.as_bytes().to_vec());
                readings.push(percent_decoded(text));
            }
        }
        let slashes = |path: &[u8]| -> Vec<u8> {
            path.iter()
                .map(|&byte| if byte == b'\\' { b'/' } else { byte })
                .collect()
        };
        readings.extend(readings.clone().iter().map(|path| slashes(path)));
        let mut paths = Vec::new();
        for reading in readings {
            let path = PathBuf::from(OsString::from_vec(rooted(reading)));
            if !path.as_os_str().is_empty() && !paths.contains(&path) {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            Self::Nothing
        } else {
            Self::Paths(paths)
        }
    }

    /// The name of the file that is meant, for people to read; `None` where there is none.
    pub(super) fn name(&self) -> Option<String> {
        let Self::Paths(paths) = self else {
            return None;
        };
        // Backslashes and percent signs that were not understood make names longer.
        paths
            .iter()
            .filter_map(|path| path.file_name())
            .map(OsStr::to_string_lossy)
            .min_by_key(|name| name.len())
            .map(std::borrow::Cow::into_owned)
    }
}

/// The scheme that a URL begins with (RFC 3986 §3.1); a single letter is a drive.
fn scheme_of(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let fits = scheme.len() > 1
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !fits {
        None
    } else if scheme.eq_ignore_ascii_case("file") {
        Some("file")
    } else {
        Some(scheme)
    }
}

/// The path of a file URL, whose scheme is cut off. The host stays, unless it is this machine: as the
/// first folder of a path that is not here, it helps to tell files of one name apart.
fn path_of_url(rest: &str) -> &str {
    let Some(after) = rest.strip_prefix("//") else {
        return rest;
    };
    let local = "localhost";
    match after.get(..local.len()) {
        Some(host) if host.eq_ignore_ascii_case(local) && after[local.len()..].starts_with('/') => {
            &after[local.len()..]
        }
        _ if after.starts_with('/') || has_drive(after.as_bytes()) => after,
        _ => &rest[1..],
    }
}

fn has_drive(path: &[u8]) -> bool {
    matches!(path, [letter, b':', rest @ ..]
        if letter.is_ascii_alphabetic() && matches!(rest, [] | [b'/' | b'\\', ..]))
}

/// A path with a drive is no relative one.
fn rooted(path: Vec<u8>) -> Vec<u8> {
    if has_drive(&path) {
        [b"/", path.as_slice()].concat()
    } else {
        path
    }
}

/// `text` with `%20` and the like decoded (RFC 3986 §2.1). What is no code stays as it is.
fn percent_decoded(text: &str) -> Vec<u8> {
    let hex = |byte: u8| char::from(byte).to_digit(16);
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        if let (b'%', [high, low, behind @ ..]) = (first, after)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'%'));
            rest = behind;
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    decoded
}

/// How many components two paths have in common at their ends, without regard to case: other
/// machines' file systems have none.
pub(super) fn common_suffix(a: &Path, b: &Path) -> usize {
    let names = |path: &Path| -> Vec<String> {
        path.components()
            .filter_map(|part| match part {
                Component::Normal(name) => Some(folded(name)),
                _ => None,
            })
            .collect()
    };
    let (a, b) = (names(a), names(b));
    a.iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(a, b)| a == b)
        .count()
}

/// A name without regard to case, to be compared with others.
pub(super) fn folded(name: &OsStr) -> String {
    String::from_utf8_lossy(name.as_bytes()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paths(text: &str) -> Vec<String> {
        match Target::read(text) {
            Target::Paths(paths) => paths
                .iter()
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn urls_and_paths_of_all_machines_are_read() {
        for (text, first) in [
            ("clip.mov", "clip.mov"),
            (" media/clip.mov\n", "media/clip.mov"),
            ("file:///a%20b/c.mov", "/a b/c.mov"),
            ("FILE://LocalHost/a/c.mov", "/a/c.mov"),
            ("file:/a/c.mov", "/a/c.mov"),
            ("file:c.mov", "c.mov"),
            ("file://server/share/c.mov", "/server/share/c.mov"),
            ("file:///C:/Media/c.mov", "/C:/Media/c.mov"),
            ("file://C:/Media/c.mov", "/C:/Media/c.mov"),
            ("C:/Media/c.mov", "/C:/Media/c.mov"),
            ("file:///100%.mov", "/100%.mov"),
            ("file:///caf%C3%A9.mov", "/café.mov"),
            ("take:1.mov", "take:1.mov"),
            ("50%20.mov", "50%20.mov"),
        ] {
            assert_eq!(paths(text)[0], first, "{text}");
        }
        assert!(paths("my%20clip.mov").contains(&"my clip.mov".to_owned()));
        assert!(paths(r"C:\Media\c.mov").contains(&"/C:/Media/c.mov".to_owned()));
        assert!(paths(r"shots\c.mov").contains(&"shots/c.mov".to_owned()));
        assert!(paths("file:///x/img.%04d.exr").contains(&"/x/img.%04d.exr".to_owned()));
        for empty in ["", "  ", "file:"] {
            assert_eq!(Target::read(empty), Target::Nothing, "{empty:?}");
        }
        for (text, scheme) in [
            ("http://a/b.mov", "http"),
            ("S3://bucket/b.mov", "s3"),
            ("concat://x", "concat"),
        ] {
            assert_eq!(Target::read(text), Target::Address(scheme.to_owned()));
        }
    }

    #[test]
    fn names_are_those_of_the_file_that_is_meant() {
        let name = |text: &str| Target::read(text).name();
        assert_eq!(name(r"C:\Media\c.mov").as_deref(), Some("c.mov"));
        assert_eq!(name("file:///a/b%20c.mov").as_deref(), Some("b c.mov"));
        assert_eq!(name(".."), None);
        assert_eq!(name("http://a/b.mov"), None);
    }

    #[test]
    fn suffixes_are_counted_in_components() {
        let count = |a: &str, b: &str| common_suffix(Path::new(a), Path::new(b));
        assert_eq!(count("/C:/Show/Day1/a.mov", "/mnt/show/day1/A.mov"), 3);
        assert_eq!(count("/x/b.mov", "/y/b.mov"), 1);
        assert_eq!(count("xb.mov", "b.mov"), 0);
        assert_eq!(count("b.mov", "/b.mov"), 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(file:|C:|http:)?[/\\\\%:a-f0-9. ü#]{0,40}") {
            if let Target::Paths(paths) = Target::read(&text) {
                prop_assert!(!paths.is_empty());
            }
        }

        #[test]
        fn encoded_names_are_decoded(name in "[^\\x00-\\x1f/]{1,20}") {
            let codes: Vec<String> = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let decoded = paths(&format!("file:///{}x", codes.concat()))[0].clone();
            prop_assert_eq!(decoded, format!("/{name}x"));
        }
    }
}

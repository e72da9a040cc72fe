//! Which format a file is in, by what is in it; and its text, in whatever encoding it came.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::edl;

/// How much of a file's beginning is looked at.
const HEAD_BYTES: u64 = 64 << 10;

/// What a path holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// OTIO's JSON.
    Otio,
    /// A zip file with a timeline: `.otioz`.
    OtioZip,
    /// A folder with a timeline: `.otiod`.
    OtioFolder,
    /// An EDL.
    Edl,
    /// Final Cut Pro 7's XML.
    Fcp7Xml,
    /// FCPXML, in this file: the path itself, or the document of a `.fcpxmld` folder.
    FcpXml(PathBuf),
}

/// Whether `path` holds a timeline rather than a medium. Reads at most 128 KiB; `false` where it
/// cannot be read.
pub fn is_timeline(path: &Path) -> bool {
    sniff(path).is_ok_and(|sniffed| sniffed.is_some())
}

/// What `path` holds; `None` where that is no timeline.
pub(super) fn sniff(path: &Path) -> std::io::Result<Option<Sniffed>> {
    let status = std::fs::metadata(path)?;
    if status.is_dir() {
        return Ok(sniff_folder(path));
    }
    if !status.is_file() {
        // Opening a pipe would wait for somebody to write to it.
        return Ok(None);
    }
    let mut file = File::open(path)?;
    let mut head = Vec::new();
    (&mut file).take(HEAD_BYTES).read_to_end(&mut head)?;
    if head.starts_with(b"PK\x03\x04") {
        let holds = holds_otio(&head) || holds_otio(&tail(&mut file, status.len())?);
        return Ok(holds.then_some(Sniffed::OtioZip));
    }
    Ok(sniff_head(path, head))
}

/// A zip file's list of contents stands at its end.
fn tail(file: &mut File, len: u64) -> std::io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(len.saturating_sub(HEAD_BYTES)))?;
    file.take(HEAD_BYTES).read_to_end(&mut tail)?;
    Ok(tail)
}

fn holds_otio(bytes: &[u8]) -> bool {
    let name = b"content.otio";
    bytes.windows(name.len()).any(|window| window == name)
}

fn sniff_folder(path: &Path) -> Option<Sniffed> {
    let document = path.join("Info.fcpxml");
    if document.is_file() {
        return Some(Sniffed::FcpXml(document));
    }
    path.join("content.otio")
        .is_file()
        .then_some(Sniffed::OtioFolder)
}

fn sniff_head(path: &Path, head: Vec<u8>) -> Option<Sniffed> {
    let marked = [&b"\xFF\xFE"[..], b"\xFE\xFF"]
        .iter()
        .any(|mark| head.starts_with(mark));
    if head.contains(&0) && !marked {
        return None;
    }
    let text = decode(head);
    let text = text.trim_start();
    if text.starts_with('{') {
        return text.contains("\"OTIO_SCHEMA\"").then_some(Sniffed::Otio);
    }
    if text.starts_with('<') {
        return match root_element(text)? {
            "xmeml" => Some(Sniffed::Fcp7Xml),
            "fcpxml" => Some(Sniffed::FcpXml(path.to_owned())),
            _ => None,
        };
    }
    edl::looks_like_edl(text).then_some(Sniffed::Edl)
}

/// The name of the first element, after the declaration, comments and the document type.
fn root_element(mut text: &str) -> Option<&str> {
    loop {
        text = text.trim_start().strip_prefix('<')?;
        let end = if text.starts_with("!--") {
            "-->"
        } else if text.starts_with(['?', '!']) {
            ">"
        } else {
            let name = text.find(|character: char| {
                character.is_whitespace() || character == '>' || character == '/'
            })?;
            return text.get(..name);
        };
        text = &text[text.find(end)? + end.len()..];
    }
}

/// The text of a file: UTF-8 with or without a byte order mark, UTF-16 with one, or else Latin-1,
/// in which every byte is a character.
pub(super) fn decode(bytes: Vec<u8>) -> String {
    let utf16 = |unit: fn([u8; 2]) -> u16| -> String {
        let units = bytes[2..].chunks_exact(2);
        let units = units.map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units)
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    if bytes.starts_with(b"\xFF\xFE") {
        return utf16(u16::from_le_bytes);
    }
    if bytes.starts_with(b"\xFE\xFF") {
        return utf16(u16::from_be_bytes);
    }
    match String::from_utf8(bytes) {
        Ok(text) => match text.strip_prefix('\u{FEFF}') {
            Some(unmarked) => unmarked.to_owned(),
            None => text,
        },
        Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniff_bytes(bytes: &[u8]) -> Option<Sniffed> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut");
        std::fs::write(&path, bytes).unwrap();
        let sniffed = sniff(&path).unwrap();
        assert_eq!(is_timeline(&path), sniffed.is_some());
        sniffed.map(|sniffed| match sniffed {
            Sniffed::FcpXml(_) => Sniffed::FcpXml(PathBuf::new()),
            other => other,
        })
    }

    #[test]
    fn formats_are_told_by_their_content() {
        let fcpxml = Some(Sniffed::FcpXml(PathBuf::new()));
        let event = "001  AX V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00";
        for (text, expected) in [
            ("{ \"OTIO_SCHEMA\": \"Timeline.1\" }", Some(Sniffed::Otio)),
            ("{ \"schema\": 1 }", None),
            (
                "<?xml version=\"1.0\"?>\n<!DOCTYPE xmeml>\n<xmeml version=\"4\">",
                Some(Sniffed::Fcp7Xml),
            ),
            (
                "<?xml version='1.0'?><!-- a > b --><fcpxml version='1.8'>",
                fcpxml.clone(),
            ),
            ("\u{FEFF}  <fcpxml>", fcpxml),
            ("<html><body>", None),
            ("<", None),
            ("<!--", None),
            ("TITLE: A\r\nFCM: NON-DROP FRAME\r\n", Some(Sniffed::Edl)),
            (event, Some(Sniffed::Edl)),
            ("TITLE: a poem\n", None),
            ("", None),
        ] {
            assert_eq!(sniff_bytes(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(
            sniff_bytes(b"PK\x03\x04 content.otio"),
            Some(Sniffed::OtioZip)
        );
        assert_eq!(sniff_bytes(b"PK\x03\x04 word/document.xml"), None);
        assert_eq!(sniff_bytes(b"\0\0\0\x20ftypisom TITLE:"), None);
        let mut wide = vec![0xFF, 0xFE];
        wide.extend(event.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(sniff_bytes(&wide), Some(Sniffed::Edl));
    }

    #[test]
    fn folders_are_told_by_the_document_in_them() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(sniff(folder.path()).unwrap(), None);
        std::fs::write(folder.path().join("content.otio"), "{}").unwrap();
        assert_eq!(sniff(folder.path()).unwrap(), Some(Sniffed::OtioFolder));
        let document = folder.path().join("Info.fcpxml");
        std::fs::write(&document, "<fcpxml/>").unwrap();
        assert_eq!(
            sniff(folder.path()).unwrap(),
            Some(Sniffed::FcpXml(document))
        );
        assert!(!is_timeline(&folder.path().join("missing")));
    }

    #[test]
    fn text_is_read_in_every_encoding() {
        assert_eq!(decode("\u{FEFF}äö".as_bytes().to_vec()), "äö");
        assert_eq!(decode(vec![0xE4, b'o']), "äo");
        assert_eq!(decode(vec![0xFE, 0xFF, 0, b'a', 0xD8, 0]), "a\u{FFFD}");
        assert_eq!(decode(vec![0xFF, 0xFE, b'a', 0, 9]), "a");
    }
}

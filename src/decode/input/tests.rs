use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A second of silence, 8-bit mono at 8 kHz: the smallest file with packets.
fn wav() -> Vec<u8> {
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    bytes.extend(8000_u32.to_le_bytes());
    bytes.extend(8000_u32.to_le_bytes());
    bytes.extend([1, 0, 8, 0]);
    bytes.extend(b"data");
    bytes.extend(8000_u32.to_le_bytes());
    bytes.extend([0x80; 8000]);
    let length = u32::try_from(bytes.len() - 8).unwrap();
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes
}

fn open_bytes(name: &str, bytes: &[u8]) -> Result<Input, OpenError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    Input::open(&path)
}

#[test]
fn what_is_no_file_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &Path| Input::open(path).unwrap_err();
    assert!(matches!(
        error(&folder.path().join("none.mp4")),
        OpenError::Missing(_)
    ));
    assert!(matches!(error(folder.path()), OpenError::NotAFile(_)));
    assert!(matches!(
        error(Path::new("/dev/null")),
        OpenError::SpecialFile(_, "a device")
    ));
    let pipe = folder.path().join("pipe.mp4");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert!(matches!(error(&pipe), OpenError::SpecialFile(_, "a pipe")));
    assert!(matches!(
        open_bytes("empty.mp4", b""),
        Err(OpenError::Empty(_))
    ));
}

#[test]
fn a_file_without_permission_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.wav");
    std::fs::write(&path, wav()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let opened = Input::open(&path);
    if rustix::process::geteuid().is_root() {
        assert!(opened.is_ok(), "root may read everything");
    } else {
        assert!(matches!(opened, Err(OpenError::Permission(_))));
    }
}

#[test]
fn garbage_is_unrecognized() {
    let noise: Vec<u8> = (0..5000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2])
        .collect();
    for name in ["noise.mp4", "noise", "noise.png", "frame%03d.png"] {
        let error = open_bytes(name, &noise).unwrap_err();
        assert!(
            matches!(error, OpenError::Unrecognized(..)),
            "{name}: {error}"
        );
    }
    let subtitles = b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n";
    assert!(matches!(
        open_bytes("a.mp4", subtitles),
        Err(OpenError::Unrecognized(..))
    ));
}

#[test]
fn playlists_are_refused_whatever_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target.wav");
    std::fs::write(&target, wav()).unwrap();
    let target = target.display();
    for text in [
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n"),
        format!("ffconcat version 1.0\nfile '{target}'\n"),
        format!("  \n#EXTM3U\n{target}\n"),
    ] {
        let path = folder.path().join("clip.mp4");
        std::fs::write(&path, &text).unwrap();
        let error = Input::open(&path).unwrap_err();
        assert!(matches!(error, OpenError::Playlist(..)), "{text}: {error}");
    }
}

#[test]
fn odd_names_open_and_read_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        &b"plain.wav"[..],
        b"http:50%%03d*?.wav",
        b"\xff\xfe.wav",
        b"concat:a|b",
        b"-i",
    ] {
        let path = folder.path().join(OsStr::from_bytes(name));
        std::fs::write(&path, wav()).unwrap();
        let mut input = Input::open(&path).unwrap();
        assert_eq!(input.context().streams().count(), 1);
        let mut packet = Packet::empty();
        let mut bytes = 0;
        while input.read_packet(&mut packet).unwrap() == ReadOutcome::Packet {
            bytes += packet.size();
        }
        assert_eq!(bytes, 8000);
        assert_eq!(input.read_packet(&mut packet), Ok(ReadOutcome::End));
        input.seek_to(StreamId(0), 4000).unwrap();
        assert_eq!(input.read_packet(&mut packet), Ok(ReadOutcome::Packet));
        assert!(packet.pts().unwrap() <= 4000);
        assert_eq!(input.file_change(), None);
    }
}

#[test]
fn discarded_streams_deliver_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    std::fs::write(&path, wav()).unwrap();
    let mut input = Input::open(&path).unwrap();
    input.discard_all_but(StreamId(1));
    assert_eq!(
        input.read_packet(&mut Packet::empty()),
        Ok(ReadOutcome::End)
    );
}

#[test]
fn an_interrupted_input_neither_opens_nor_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    std::fs::write(&path, wav()).unwrap();
    let interrupter = Interrupter::default();
    interrupter.interrupt();
    let error = Input::open_interruptible(&path, &interrupter).unwrap_err();
    assert!(matches!(error, OpenError::Interrupted(_)), "{error}");

    // Longer than what is read ahead, so that reading must go back to the file.
    let mut long = wav();
    let extra = 4_000_000_u32;
    let data = long.len() - 8000 - 4;
    long[data..data + 4].copy_from_slice(&(8000 + extra).to_le_bytes());
    long.extend(std::iter::repeat_n(0x80, extra as usize));
    std::fs::write(&path, &long).unwrap();
    let mut input = Input::open(&path).unwrap();
    let mut packet = Packet::empty();
    assert_eq!(input.read_packet(&mut packet), Ok(ReadOutcome::Packet));
    input.interrupter().interrupt();
    let outcome = (0..1000).find_map(|_| input.read_packet(&mut packet).err());
    assert_eq!(outcome, Some(ReadError::Interrupted));
    input.interrupter().resume();
    input.seek_to(StreamId(0), 0).unwrap();
    assert_eq!(input.read_packet(&mut packet), Ok(ReadOutcome::Packet));
}

#[test]
fn a_truncated_file_ends_and_the_change_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let mut long = wav();
    long.extend(std::iter::repeat_n(0x80, 4_000_000));
    std::fs::write(&path, &long).unwrap();
    let mut input = Input::open(&path).unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(100)
        .unwrap();
    let mut packet = Packet::empty();
    let end = (0..100_000).find(|_| {
        matches!(
            input.read_packet(&mut packet),
            Ok(ReadOutcome::End) | Err(_)
        )
    });
    assert!(end.is_some());
    assert_eq!(input.file_change(), Some(FileChange::Truncated));
}

#[test]
fn a_file_that_was_replaced_is_opened_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    std::fs::write(&path, wav()).unwrap();
    let input = Input::open(&path).unwrap();
    let other = folder.path().join("b.wav");
    std::fs::write(&other, b"not a media file any more").unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(input.file_change(), Some(FileChange::Replaced));

    let same = input.same_file().unwrap();
    assert_eq!(same.path(), path);
    let mut again = Input::open_same(same, &Interrupter::default()).unwrap();
    assert_eq!(again.file_identity(), input.file_identity());
    let mut packet = Packet::empty();
    assert_eq!(again.read_packet(&mut packet).unwrap(), ReadOutcome::Packet);
    // Its place is its own: the first packet of the first reader is the same.
    let mut input = input;
    let mut first = Packet::empty();
    input.read_packet(&mut first).unwrap();
    assert_eq!(first.data(), packet.data());
    assert_eq!(first.pts(), packet.pts());
}

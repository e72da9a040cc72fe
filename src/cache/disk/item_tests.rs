use std::fs;
use std::path::PathBuf;

use super::*;
use crate::decode::FileIdentity;

fn key(kind: Kind, number: u64) -> Key {
    let file = FileIdentity {
        bytes: number,
        modified_nanos: 0,
        device: 0,
        inode: 0,
    };
    Key::new(
        kind,
        &PathBuf::from(format!("/rushes/{number}.mov")),
        &file,
        b"",
    )
}

fn written(key: &Key, parts: &[&[u8]]) -> Vec<u8> {
    let packed = Packed::new(key, parts).unwrap();
    let bytes: Vec<u8> = packed.pieces().flatten().copied().collect();
    assert_eq!(bytes.len() as u64, packed.file_bytes);
    bytes
}

/// Bytes that do not compress (Knuth's generator).
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn what_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("item");
    let zeros = vec![0; 700_000];
    for (number, content) in [vec![], vec![7], noise(5_000, 1), noise(700_000, 2), zeros]
        .into_iter()
        .enumerate()
    {
        for kind in Kind::ALL {
            let key = key(kind, number as u64);
            let (a, b) = content.split_at(content.len() / 3);
            fs::write(&path, written(&key, &[a, b])).unwrap();
            for is_checked in [false, true] {
                let mut item = ItemFile::open(&path, key.name()).unwrap();
                assert_eq!(item.header.kind, kind);
                assert_eq!(item.label().unwrap(), key.label());
                item.check().unwrap();
                let item = ItemFile::open(&path, key.name()).unwrap();
                assert_eq!(*item.load(is_checked).unwrap(), *content);
            }
        }
    }
}

#[test]
fn what_gains_is_compressed() {
    let zeros = vec![0; 100_000];
    assert!(written(&key(Kind::Waveform, 1), &[&zeros]).len() < 1_000);
    // Noise gains nothing, and thumbnails are looked at in place.
    let noise = noise(100_000, 1);
    assert!(written(&key(Kind::Waveform, 1), &[&noise]).len() > 100_000);
    assert!(written(&key(Kind::Thumbnails, 1), &[&zeros]).len() > 100_000);
}

#[test]
fn no_change_of_any_byte_goes_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("item");
    for content in [noise(600, 3), vec![5; 2_000]] {
        let key = key(Kind::Index, 9);
        let sound = written(&key, &[&content]);
        for place in 0..sound.len() {
            for flip in [0x01, 0x80] {
                let mut bytes = sound.clone();
                bytes[place] ^= flip;
                fs::write(&path, bytes).unwrap();
                let loaded = ItemFile::open(&path, key.name()).and_then(|item| item.load(false));
                assert!(
                    matches!(loaded, Err(ItemError::Damaged(_))),
                    "byte {place} ^ {flip}"
                );
            }
        }
    }
}

#[test]
fn neither_cuts_nor_additions_go_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("item");
    let key = key(Kind::Waveform, 9);
    let sound = written(&key, &[&noise(300, 3)]);
    for length in 0..sound.len() {
        fs::write(&path, &sound[..length]).unwrap();
        let loaded = ItemFile::open(&path, key.name());
        assert!(matches!(loaded, Err(ItemError::Damaged(_))), "{length}");
    }
    fs::write(&path, [&sound[..], &[0]].concat()).unwrap();
    assert!(ItemFile::open(&path, key.name()).is_err());
}

#[test]
fn an_item_in_anothers_place_is_no_item() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("item");
    fs::write(&path, written(&key(Kind::Index, 1), &[b"one"])).unwrap();
    let other = key(Kind::Index, 2);
    let opened = ItemFile::open(&path, other.name());
    assert!(matches!(opened, Err(ItemError::Damaged(_))));
    let absent = ItemFile::open(&folder.path().join("none"), other.name());
    assert!(matches!(absent, Err(ItemError::Absent)));
    let folder = ItemFile::open(folder.path(), other.name());
    assert!(matches!(folder, Err(ItemError::Damaged(_))));
}

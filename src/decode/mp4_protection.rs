//! Which tracks of an MP4 file are encrypted.
//!
//! FFmpeg looks behind the protection and reports the codec inside (ISO/IEC 14496-12 §8.12), then
//! decodes noise. The sample entry tells: its type is `encv` or `enca` (ISO/IEC 23001-7).

/// Boxes that are looked at in one level. Real files have a few dozen.
const MAX_BOXES: usize = 10_000;

/// The track numbers (`tkhd`) of encrypted tracks. `read(position, buffer)` fills the buffer from the
/// file and answers how many bytes it could.
pub(super) fn encrypted_tracks(
    length: u64,
    read: impl Fn(u64, &mut [u8]) -> usize + Copy,
) -> Vec<u32> {
    let file = Boxes {
        read,
        position: 0,
        end: length,
    };
    let Some(movie) = file.enter(*b"moov", 0) else {
        return Vec::new();
    };
    movie
        .clone()
        .filter(|found| found.kind == *b"trak")
        .take(MAX_BOXES)
        .filter_map(|track| {
            let track = movie.inside(&track, 0);
            let samples = track
                .enter(*b"mdia", 0)?
                .enter(*b"minf", 0)?
                .enter(*b"stbl", 0)?;
            // Version, flags and the number of entries come before the first entry.
            let entry = samples.enter(*b"stsd", 8)?.next()?;
            let is_encrypted = [*b"encv", *b"enca"].contains(&entry.kind);
            if is_encrypted {
                track_number(&track)
            } else {
                None
            }
        })
        .collect()
}

fn track_number<R: Fn(u64, &mut [u8]) -> usize + Copy>(track: &Boxes<R>) -> Option<u32> {
    let header = track.enter(*b"tkhd", 0)?;
    let mut bytes = [0; 24];
    if (header.read)(header.position, &mut bytes) < bytes.len() {
        return None;
    }
    // Two times come first, of 4 or of 8 bytes each.
    let at = if bytes[0] == 1 { 20 } else { 12 };
    Some(u32::from_be_bytes([
        bytes[at],
        bytes[at + 1],
        bytes[at + 2],
        bytes[at + 3],
    ]))
}

/// A box: its type and where its content lies.
struct Found {
    kind: [u8; 4],
    start: u64,
    end: u64,
}

/// The boxes of one level, one after another.
#[derive(Clone)]
struct Boxes<R> {
    read: R,
    position: u64,
    end: u64,
}

impl<R: Fn(u64, &mut [u8]) -> usize + Copy> Boxes<R> {
    /// What is in a box, `skip` bytes after its header.
    fn inside(&self, found: &Found, skip: u64) -> Self {
        Self {
            read: self.read,
            position: found.start.saturating_add(skip),
            end: found.end,
        }
    }

    /// What is in the first box of `kind` on this level.
    fn enter(&self, kind: [u8; 4], skip: u64) -> Option<Self> {
        let found = self
            .clone()
            .take(MAX_BOXES)
            .find(|found| found.kind == kind)?;
        Some(self.inside(&found, skip))
    }
}

impl<R: Fn(u64, &mut [u8]) -> usize> Iterator for Boxes<R> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        if self.position.checked_add(8)? > self.end {
            return None;
        }
        let mut header = [0; 16];
        let count = (self.read)(self.position, &mut header);
        let [s0, s1, s2, s3, k0, k1, k2, k3, long @ ..] = header;
        let (header_bytes, size) = match u32::from_be_bytes([s0, s1, s2, s3]) {
            // To the end of the file, and a size of 64 bits.
            0 => (8, self.end - self.position),
            1 => (16, u64::from_be_bytes(long)),
            size => (8, u64::from(size)),
        };
        if count < usize::try_from(header_bytes).ok()? || size < header_bytes {
            return None;
        }
        let end = self.position.checked_add(size)?.min(self.end);
        let start = self.position + header_bytes;
        self.position = end;
        Some(Found {
            kind: [k0, k1, k2, k3],
            start,
            end: end.max(start),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn boxed(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes()[..], &kind, content].concat()
    }

    fn track(number: u32, entry: [u8; 4], version: u8) -> Vec<u8> {
        let mut header = vec![version, 0, 0, 0];
        header.extend(vec![0; if version == 1 { 16 } else { 8 }]);
        header.extend(number.to_be_bytes());
        header.extend([0; 20]);
        let table = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &boxed(entry, &[0; 70])].concat();
        let samples = boxed(*b"stbl", &boxed(*b"stsd", &table));
        let media = boxed(
            *b"mdia",
            &[boxed(*b"mdhd", &[0; 24]), boxed(*b"minf", &samples)].concat(),
        );
        boxed(*b"trak", &[boxed(*b"tkhd", &header), media].concat())
    }

    fn found(file: &[u8]) -> Vec<u32> {
        encrypted_tracks(file.len() as u64, |position, buffer| {
            let rest = usize::try_from(position)
                .ok()
                .and_then(|at| file.get(at..))
                .unwrap_or(&[]);
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            count
        })
    }

    fn file() -> Vec<u8> {
        let movie = [
            boxed(*b"mvhd", &[0; 100]),
            track(1, *b"avc1", 0),
            track(7, *b"encv", 0),
            track(9, *b"enca", 1),
        ]
        .concat();
        // Media first, with a size of 64 bits.
        let mut file = boxed(*b"ftyp", b"isom");
        file.extend(
            [
                &1_u32.to_be_bytes()[..],
                b"mdat",
                &116_u64.to_be_bytes(),
                &[0; 100],
            ]
            .concat(),
        );
        file.extend(boxed(*b"moov", &movie));
        file
    }

    #[test]
    fn encrypted_tracks_are_found_by_number() {
        assert_eq!(found(&file()), [7, 9]);
        assert!(found(b"").is_empty());
        assert!(found(b"RIFF\0\0\0\0WAVEfmt ").is_empty());
    }

    proptest! {
        #[test]
        fn no_damage_breaks_it(at in 0..500_usize, value in any::<u8>(), length in 0..700_usize) {
            let mut file = file();
            let place = at % file.len();
            file[place] = value;
            file.truncate(length);
            found(&file);
        }
    }
}

//! What the first bytes of a file or of a packet tell and FFmpeg does not pass on.

use crate::media::Orientation;

/// The EXIF orientation of a JPEG file (Exif 3.0 §4.6.5, tag 0x0112); `None` when it has none.
pub(super) fn exif_orientation(file: &[u8]) -> Option<Orientation> {
    let mut segments = file.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let (&[marker_start, marker, high, low], _) = segments.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        // The picture begins with the scan; metadata stand before it.
        if marker_start != 0xff || marker == 0xda || length < 2 {
            return None;
        }
        let body = segments.get(4..2 + length)?;
        if let (0xe1, Some(tiff)) = (marker, body.strip_prefix(b"Exif\0\0")) {
            return tiff_orientation(tiff);
        }
        segments = segments.get(2 + length..)?;
    }
}

/// The orientation tag of the first directory in TIFF data (TIFF 6.0 §8, "Orientation").
fn tiff_orientation(tiff: &[u8]) -> Option<Orientation> {
    let big_endian = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    };
    let u32_at = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    };
    let directory = usize::try_from(u32_at(4)?).ok()?;
    let entries = usize::from(u16_at(directory)?);
    let entry = (0..entries)
        .map(|index| directory.saturating_add(2 + index * 12))
        .find(|&entry| u16_at(entry) == Some(0x0112))?;
    // Which edge of what is seen is stored first: top, left and so on. All are a mirror and turns.
    let (mirrored, turns) = match u16_at(entry.checked_add(8)?)? {
        1 => (false, 0),
        2 => (true, 0),
        3 => (false, 2),
        4 => (true, 2),
        5 => (true, 3),
        6 => (false, 1),
        7 => (true, 1),
        8 => (false, 3),
        _ => return None,
    };
    Some(Orientation::new(mirrored, turns))
}

/// Whether the first JPEG 2000 picture in `file` uses the high-throughput block coder (ITU-T T.814
/// annex A: bit 14 of Rsiz says that capabilities are listed, which only that coder needs so far).
pub(super) fn is_high_throughput_jpeg2000(file: &[u8]) -> bool {
    const START_AND_SIZE: [u8; 4] = [0xff, 0x4f, 0xff, 0x51];
    file.windows(8)
        .find(|window| window.starts_with(&START_AND_SIZE))
        .is_some_and(|window| window[6] & 0x40 != 0)
}

/// Whether a VP8 or VP9 packet holds nothing but a picture for others to refer to. Such packets have time
/// stamps like any other, but make no picture of their own (`show_frame` of RFC 6386 §9.1 and of the
/// VP9 bitstream specification §6.2).
pub(super) fn is_never_shown(codec: &str, packet: &[u8]) -> bool {
    let Some(&first) = packet.first() else {
        return false;
    };
    match codec {
        "vp8" => first & 0x10 == 0,
        "vp9" => {
            let is_frame = first >> 6 == 2;
            let is_profile_3 = first & 0x30 == 0x30;
            // Profile 3 has a bit in reserve before these: show_existing_frame, frame_type, show_frame.
            let bits = if is_profile_3 { first } else { first >> 1 };
            is_frame && bits & 0b100 == 0 && bits & 0b001 == 0 && !is_vp9_superframe(packet)
        }
        _ => false,
    }
}

/// Whether several VP9 frames lie in this packet, the last of which is shown (annex B): its index at the
/// end begins and ends with the same mark, which tells its length.
fn is_vp9_superframe(packet: &[u8]) -> bool {
    let Some(&mark) = packet.last() else {
        return false;
    };
    let (frames, size_bytes) = (usize::from(mark & 7) + 1, usize::from(mark >> 3 & 3) + 1);
    let begin = packet.len().checked_sub(2 + frames * size_bytes);
    mark & 0xe0 == 0xc0 && begin.and_then(|begin| packet.get(begin)) == Some(&mark)
}

/// The timecode in the first GOP header of MPEG-2 video (ISO/IEC 13818-2 §6.2.2.6), as text; `None`
/// when there is none or it is zero, which encoders write that know no better.
pub(super) fn gop_timecode(file: &[u8]) -> Option<String> {
    let header = file
        .windows(8)
        .find(|window| window.starts_with(&[0, 0, 1, 0xb8]))?;
    let bits = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    let field = |shift: u32, width: u32| (bits >> shift) & ((1 << width) - 1);
    let drop_frame = field(31, 1) == 1;
    let (hours, minutes, marker) = (field(26, 5), field(20, 6), field(19, 1));
    let (seconds, frames) = (field(13, 6), field(7, 6));
    let is_sane = marker == 1 && hours < 24 && minutes < 60 && seconds < 60;
    let is_zero = (hours, minutes, seconds, frames) == (0, 0, 0, 0);
    let mark = if drop_frame { ';' } else { ':' };
    (is_sane && !is_zero).then(|| format!("{hours:02}:{minutes:02}:{seconds:02}{mark}{frames:02}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pictures_that_are_never_shown_are_known() {
        assert!(is_never_shown("vp8", &[0x01, 0]) && !is_never_shown("vp8", &[0x11, 0]));
        // Profile 2, an inter frame: hidden, shown, and an older one shown again.
        assert!(is_never_shown("vp9", &[0b1001_0100, 0]));
        assert!(!is_never_shown("vp9", &[0b1001_0110, 0]));
        assert!(!is_never_shown("vp9", &[0b1001_1000]));
        assert!(is_never_shown("vp9", &[0b1011_0010, 0]));
        assert!(!is_never_shown("vp9", &[0b1011_0011, 0]));
        // Two frames of one byte each, then their index.
        assert!(!is_never_shown(
            "vp9",
            &[0b1001_0100, 0b1001_0110, 0xc1, 1, 1, 0xc1]
        ));
        assert!(is_never_shown("vp9", &[0b1001_0100, 0, 0, 0, 0, 0xc1]));
        assert!(!is_never_shown("h264", &[0]) && !is_never_shown("vp9", &[]));
    }

    fn jpeg(orientation: u8, big_endian: bool) -> Vec<u8> {
        let mut tiff = if big_endian {
            b"MM\0*".to_vec()
        } else {
            b"II*\0".to_vec()
        };
        let mut push = |value: u32, bytes: usize| {
            let value = value.to_be_bytes();
            let mut value = value[4 - bytes..].to_vec();
            if !big_endian {
                value.reverse();
            }
            tiff.extend(value);
        };
        push(8, 4);
        push(2, 2);
        for (tag, value) in [(0x0100, 640), (0x0112, u32::from(orientation))] {
            push(tag, 2);
            push(3, 2);
            push(1, 4);
            push(value, 2);
            push(0, 2);
        }
        // A comment comes first, so that segments must be walked.
        let mut file = vec![0xff, 0xd8, 0xff, 0xfe, 0, 4, b'h', b'i', 0xff, 0xe1];
        file.extend(u16::try_from(tiff.len() + 8).unwrap().to_be_bytes());
        file.extend(b"Exif\0\0");
        file.extend(tiff);
        file.extend([0xff, 0xda, 0, 2]);
        file
    }

    #[test]
    fn exif_orientations_are_read_in_both_byte_orders() {
        for (value, mirrored, turns) in [
            (1, false, 0),
            (2, true, 0),
            (3, false, 2),
            (6, false, 1),
            (8, false, 3),
            (5, true, 3),
        ] {
            let expected = Some(Orientation::new(mirrored, turns));
            assert_eq!(exif_orientation(&jpeg(value, true)), expected);
            assert_eq!(exif_orientation(&jpeg(value, false)), expected);
        }
        assert_eq!(exif_orientation(&jpeg(9, true)), None);
        let whole = jpeg(6, true);
        for length in 0..whole.len() - 24 {
            assert_eq!(exif_orientation(&whole[..length]), None, "cut at {length}");
        }
    }

    #[test]
    fn high_throughput_is_told_by_its_capability_bit() {
        let picture = |rsiz: u8| {
            [
                &[0, 1, 0xff, 0x4f, 0xff, 0x51, 0, 47, rsiz, 0],
                &[7; 20][..],
            ]
            .concat()
        };
        assert!(is_high_throughput_jpeg2000(&picture(0x40)));
        assert!(!is_high_throughput_jpeg2000(&picture(0x00)));
        assert!(!is_high_throughput_jpeg2000(b"\xff\x4f"));
    }

    #[test]
    fn gop_headers_carry_timecode() {
        // 01:02:03;04, the marker set between minutes and seconds.
        let bits: u32 = (1 << 31) | (1 << 26) | (2 << 20) | (1 << 19) | (3 << 13) | (4 << 7);
        let stream = |bits: u32| [&[9, 0, 0, 1, 0xb8][..], &bits.to_be_bytes(), &[0; 4]].concat();
        assert_eq!(gop_timecode(&stream(bits)).as_deref(), Some("01:02:03;04"));
        assert_eq!(
            gop_timecode(&stream(bits & !(1 << 31))).as_deref(),
            Some("01:02:03:04")
        );
        assert_eq!(gop_timecode(&stream(1 << 19)), None, "zero says nothing");
        assert_eq!(
            gop_timecode(&stream(bits & !(1 << 19))),
            None,
            "without its marker"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let with_head = [&[0xff, 0xd8, 0xff, 0xe1][..], &bytes].concat();
            exif_orientation(&with_head);
            tiff_orientation(&[&b"II*\0"[..], &bytes].concat());
            is_high_throughput_jpeg2000(&bytes);
            gop_timecode(&bytes);
        }
    }
}

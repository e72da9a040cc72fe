//! Which containers are opened, and which files are lists of other files.
//!
//! FFmpeg finds the format by content, so a playlist named `clip.mp4` is a playlist to it, and would
//! open what it lists. Here a container is opened only when its demuxer stands in a fixed list.

/// Demuxers that read the one file they are given and nothing else, by FFmpeg's names.
///
/// Left out: playlists and scripts (`hls`, `dash`, `concat`, `imf`), network sessions (`sdp`, `rtsp`),
/// numbered pictures (`image2`), containers that look for companion files (`mlv`, `vobsub`), SVG
/// (its renderer follows links), headerless samples that need a size from elsewhere (`rawvideo`),
/// text, subtitles, games' formats and devices.
pub(super) const PLAYABLE: &[&str] = &[
    // Containers.
    "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska,webm",
    "avi",
    "mpegts",
    "mpeg",
    "mxf",
    "gxf",
    "lxf",
    "dv",
    "flv",
    "live_flv",
    "asf",
    "asf_o",
    "wtv",
    "rm",
    "nut",
    "ogg",
    "ivf",
    "yuv4mpegpipe",
    "gif",
    "apng",
    "cine",
    "nsv",
    "pva",
    "swf",
    "smjpeg",
    "mpjpeg",
    // Bare video streams.
    "h264",
    "hevc",
    "vvc",
    "av1",
    "obu",
    "mpegvideo",
    "m4v",
    "h261",
    "h263",
    "vc1",
    "vc1test",
    "mjpeg",
    "mjpeg_2000",
    "dirac",
    "dnxhd",
    "cavsvideo",
    "avs2",
    "avs3",
    // Sound.
    "wav",
    "w64",
    "aiff",
    "caf",
    "au",
    "flac",
    "mp3",
    "aac",
    "loas",
    "ac3",
    "eac3",
    "dts",
    "dtshd",
    "truehd",
    "mlp",
    "ape",
    "tta",
    "tak",
    "wv",
    "mpc",
    "mpc8",
    "amr",
    "dsf",
    "iff",
    "oma",
    "voc",
    "xwma",
    "shn",
    // Single pictures.
    "image2pipe",
    "bmp_pipe",
    "cri_pipe",
    "dds_pipe",
    "dpx_pipe",
    "exr_pipe",
    "gem_pipe",
    "gif_pipe",
    "hdr_pipe",
    "ico",
    "j2k_pipe",
    "jpeg_pipe",
    "jpegls_pipe",
    "jpegxl_pipe",
    "pam_pipe",
    "pbm_pipe",
    "pcx_pipe",
    "pfm_pipe",
    "pgm_pipe",
    "pgmyuv_pipe",
    "pgx_pipe",
    "phm_pipe",
    "pictor_pipe",
    "png_pipe",
    "ppm_pipe",
    "psd_pipe",
    "qdraw_pipe",
    "qoi_pipe",
    "sgi_pipe",
    "sunrast_pipe",
    "tiff_pipe",
    "webp_pipe",
    "xbm_pipe",
    "xpm_pipe",
    "xwd_pipe",
];

/// Demuxers whose files name other files or addresses.
const LISTS: &[&str] = &[
    "hls",
    "dash",
    "webm_dash_manifest",
    "concat",
    "imf",
    "sdp",
    "rtsp",
    "rtp",
    "ffmetadata",
    "image2",
];

/// Whether files of this demuxer are opened.
pub(super) fn is_playable(demuxer: &str) -> bool {
    PLAYABLE.contains(&demuxer)
}

/// Whether files of this demuxer name other files.
pub(super) fn is_list(demuxer: &str) -> bool {
    LISTS.contains(&demuxer)
}

/// Whether a demuxer of this name delivers one picture, or one after another without time.
pub(super) fn is_picture(demuxer: &str) -> bool {
    demuxer.ends_with("_pipe") || demuxer == "image2pipe" || demuxer == "ico"
}

/// Whether packets of this demuxer may lack a time stamp that others tell.
pub(super) fn shares_time_stamps(demuxer: &str) -> bool {
    matches!(demuxer, "mpeg" | "mpegts")
}

/// What kind of list a file that begins with `head` is, in words, if it is one.
///
/// FFmpeg misses most of these, or takes them for sound or text.
pub(super) fn list_kind(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Some("an AAF timeline or an office document");
    } else if head.starts_with(b"PK\x03\x04") {
        return Some("a ZIP archive");
    }
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let text = String::from_utf8_lossy(&head[..head.len().min(2048)]).to_ascii_lowercase();
    let text = text.trim_start();
    let begins = |prefix: &str| text.starts_with(prefix);
    if begins("#extm3u") {
        Some("an M3U or HLS playlist")
    } else if begins("ffconcat version") {
        Some("an FFmpeg concat script")
    } else if begins("[playlist]") {
        Some("a PLS playlist")
    } else if begins("[reference]") {
        Some("an ASF reference")
    } else if begins("# mpv edl") {
        Some("an mpv edit list")
    } else if begins("v=0\n") || begins("v=0\r\n") {
        Some("a network session description")
    } else if begins("<asx") {
        Some("an ASX playlist")
    } else if begins("<?xml") || begins("<") {
        [
            ("<mpd", "a DASH manifest"),
            ("<fcpxml", "a Final Cut Pro XML timeline"),
            ("<xmeml", "a Final Cut Pro 7 XML timeline"),
            ("<smil", "a SMIL playlist"),
            ("http://xspf.org", "an XSPF playlist"),
            ("<compositionplaylist", "an IMF or DCP composition playlist"),
            ("<mlt", "an MLT project"),
            ("<ges", "a Pitivi project"),
            ("<svg", "an SVG drawing, which may link to other files"),
        ]
        .into_iter()
        .find_map(|(mark, kind)| text.contains(mark).then_some(kind))
    } else if begins("{") && text.contains("otio_schema") {
        Some("an OpenTimelineIO timeline")
    } else if begins("title:") && text.contains("fcm:") {
        Some("a CMX 3600 edit list")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_lists_files_is_playable() {
        for name in LISTS {
            assert!(!is_playable(name), "{name}");
        }
        for name in [
            "rawvideo",
            "mlv",
            "svg_pipe",
            "tty",
            "srt",
            "lavfi",
            "video4linux2,v4l2",
        ] {
            assert!(!is_playable(name), "{name}");
        }
    }

    #[test]
    fn lists_are_recognised_by_content() {
        for (head, part) in [
            (&b"#EXTM3U\n#EXT-X-VERSION:3\n"[..], "M3U"),
            (b"\xEF\xBB\xBF#EXTM3U\n/etc/passwd\n", "M3U"),
            (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "concat"),
            (b"[playlist]\nFile1=x\n", "PLS"),
            (b"<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg\">", "DASH"),
            (
                b"<?xml version=\"1.0\"?>\n<!DOCTYPE fcpxml>\n<fcpxml version=\"1.8\">",
                "Final Cut",
            ),
            (b"{\n  \"OTIO_SCHEMA\": \"Timeline.1\"", "OpenTimelineIO"),
            (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "session"),
            (b"PK\x03\x04\x14\0", "ZIP"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0", "AAF"),
            (b"TITLE: cut\nFCM: NON-DROP FRAME\n", "CMX"),
        ] {
            assert!(
                list_kind(head).is_some_and(|kind| kind.contains(part)),
                "{part}"
            );
        }
        for head in [
            &b""[..],
            b"RIFF\0\0\0\0AVI ",
            b"\0\0\0\x20ftypisom",
            b"{}",
            b"<html>",
        ] {
            assert_eq!(list_kind(head), None);
        }
    }
}

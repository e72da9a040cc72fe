//! Colours against an independent judge: `zscale`, the zimg library inside the `ffmpeg` program.
//!
//! Both get the same file. The judge is told its colours in words and answers 16-bit R'G'B'; the player
//! reads them from the file's tags. Made clips are FFV1, so that both see the same samples.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::path::{Path, PathBuf};
use std::process::Command;

use jogwheel::convert::{ConvertJob, CpuConverter};
use jogwheel::media::{Orientation, Size, VideoFrame};

use crate::catalogue::{self, Row};
use crate::deck::Deck;

/// The most that an 8-bit code may be off where nothing is scaled: both sides round once, and ours works
/// in 15 bits.
const UNSCALED_CODES: f64 = 1.0;

/// The least likeness where the picture is scaled.
const SCALED_DB: f64 = 45.0;

/// Colours as FFmpeg names them.
#[derive(Debug, Clone, Copy)]
struct Colors<'a> {
    matrix: &'a str,
    primaries: &'a str,
    transfer: &'a str,
    range: &'a str,
    siting: &'a str,
}

const HD: Colors = Colors {
    matrix: "bt709",
    primaries: "bt709",
    transfer: "bt709",
    range: "tv",
    siting: "left",
};
const SD: Colors = Colors {
    matrix: "smpte170m",
    primaries: "smpte170m",
    transfer: "smpte170m",
    ..HD
};
/// BT.2020's matrix over BT.709's primaries: the matrix alone is at work.
const MATRIX_2020: Colors = Colors {
    matrix: "bt2020nc",
    ..HD
};

/// A temporary folder that goes with the test.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Makes a one-picture clip: `picture` is a source and filters for it, ending in a pixel format.
    fn clip(&self, name: &str, picture: &str, colors: Colors) -> PathBuf {
        let path = self.0.path().join(name);
        ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            picture,
            "-frames:v",
            "1",
            "-c:v",
            "ffv1",
            "-level",
            "3",
            "-colorspace",
            colors.matrix,
            "-color_primaries",
            colors.primaries,
            "-color_trc",
            colors.transfer,
            "-color_range",
            colors.range,
            "-chroma_sample_location",
            colors.siting,
            path.to_str().unwrap(),
        ]);
        path
    }
}

fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    let run = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-hide_banner",
            "-v",
            "error",
            "-y",
            "-threads",
            "2",
        ])
        .args(arguments)
        .output()
        .expect("the ffmpeg program runs; scripts/setup --test installs it");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "ffmpeg {arguments:?}: {said}");
    run.stdout
}

/// Numbers of a picture's three colours, 0..255, pixel by pixel.
type Rgb = Vec<[f64; 3]>;

/// What zscale makes of a file's first picture, as it is stored. `colors` tells it how to read the picture
/// and what to make of its light, in `range`; `siting` where colour samples lie, `input` being what the file says.
fn judged(
    path: &Path,
    out: Size,
    is_scaled: bool,
    (siting, range): (&str, &str),
    colors: &str,
) -> Rgb {
    let (width, height) = (out.width(), out.height());
    let reading = format!("dither=none:chromalin={siting}:rangein={range}");
    let rgb = format!("{colors}:matrix=gbr:range=full,format=gbrp16le");
    let filter = if is_scaled {
        // First to size, every plane from its own grid, then to R'G'B'. Left to itself, zscale takes the
        // order that is less work, and enlarging would mix colours that were cut to R'G'B' before.
        format!(
            "setfield=prog,zscale=w={width}:h={height}:filter=bilinear:{reading}:range={range},\
             format=yuv444p16le,zscale={reading}:{rgb}"
        )
    } else {
        // In one pass: the way over 16 bits would shift 8-bit codes of the full range, where white then
        // falls a code short.
        format!("setfield=prog,zscale=filter=bilinear:{reading}:{rgb}")
    };
    let bytes = ffmpeg(&[
        "-noautorotate",
        "-i",
        path.to_str().unwrap(),
        "-map",
        "0:V:0",
        "-frames:v",
        "1",
        "-vf",
        &filter,
        "-f",
        "rawvideo",
        "-",
    ]);
    let pixels = usize::try_from(out.area()).unwrap();
    assert_eq!(
        bytes.len(),
        pixels * 6,
        "{}: zscale's picture",
        path.display()
    );
    let code = |plane: usize, pixel: usize| {
        let at = (plane * pixels + pixel) * 2;
        f64::from(u16::from_le_bytes([bytes[at], bytes[at + 1]])) / 257.0
    };
    // The planes are green, blue, red.
    (0..pixels)
        .map(|pixel| [code(2, pixel), code(0, pixel), code(1, pixel)])
        .collect()
}

/// What zscale is told of the input's colours, which the output keeps but for matrix and range.
fn keeping(colors: Colors) -> String {
    let Colors {
        matrix,
        primaries,
        transfer,
        ..
    } = colors;
    // In and out alike: zscale then leaves light alone.
    let (primaries, transfer) = (zscale_name(primaries), transfer_name(transfer));
    let matrix = zscale_name(matrix);
    format!(
        "matrixin={matrix}:primariesin={primaries}:\
         primaries={primaries}:transferin={transfer}:transfer={transfer}"
    )
}

/// FFmpeg's names are not all zscale's.
fn zscale_name(name: &str) -> &str {
    match name {
        "bt709" => "709",
        "smpte170m" => "170m",
        "bt470bg" => "470bg",
        "bt2020nc" => "2020_ncl",
        "bt2020" => "2020",
        name => name,
    }
}

/// The same for transfer functions.
fn transfer_name(name: &str) -> &str {
    match name {
        "bt709" => "709",
        "smpte170m" => "601",
        "bt2020-10" => "2020_10",
        name => name,
    }
}

/// What the player makes of a frame, as it is stored.
fn ours(frame: &VideoFrame, out: Size) -> Rgb {
    let stride = out.width() as usize * 4;
    let mut rgba = vec![0; stride * out.height() as usize];
    let job = ConvertJob {
        out,
        orientation: Orientation::UPRIGHT,
    };
    CpuConverter::new(2)
        .convert(frame, &job, &mut rgba, stride)
        .unwrap();
    rgba.as_chunks()
        .0
        .iter()
        .map(|&[r, g, b, _]| [r, g, b].map(f64::from))
        .collect()
}

fn first_frame(path: &Path) -> std::sync::Arc<VideoFrame> {
    Deck::open(path)
        .and_then(|mut deck| deck.frame(0))
        .unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// The greatest difference, in codes, and the likeness in decibels.
fn difference(ours: &Rgb, theirs: &Rgb) -> (f64, f64) {
    assert_eq!(ours.len(), theirs.len());
    let (mut most, mut squares) = (0f64, 0f64);
    for (a, b) in ours.iter().flatten().zip(theirs.iter().flatten()) {
        most = most.max((a - b).abs());
        squares += (a - b) * (a - b);
    }
    let mean = squares / (ours.len() * 3) as f64;
    (most, 10.0 * (255.0 * 255.0 / mean).log10())
}

fn sized(width: u32, height: u32) -> Size {
    Size::new(width, height).unwrap()
}

/// Fine detail, saturated colours, and noise that leaves no code out.
const PICTURE: &str =
    "testsrc2=s=322x182:r=1,format=yuv444p,noise=alls=24:all_seed=3,format=yuv444p16";

/// Every format, matrix, range and siting in turn.
fn made_cases() -> Vec<(&'static str, Colors<'static>)> {
    let mut cases = Vec::new();
    for (number, colors) in [HD, SD, MATRIX_2020].into_iter().enumerate() {
        for depth in ["", "10le", "12le"] {
            for (kind, siting) in [
                ("yuv444p", "left"),
                ("yuv422p", "left"),
                ("yuv420p", "left"),
                ("yuv420p", "center"),
                ("yuv420p", "topleft"),
            ] {
                let range = if (number + depth.len() + kind.len() + siting.len()).is_multiple_of(2)
                {
                    "tv"
                } else {
                    "pc"
                };
                let format: &'static str = match (kind, depth) {
                    ("yuv444p", "") => "yuv444p",
                    ("yuv444p", "10le") => "yuv444p10le",
                    ("yuv444p", _) => "yuv444p12le",
                    ("yuv422p", "") => "yuv422p",
                    ("yuv422p", "10le") => "yuv422p10le",
                    ("yuv422p", _) => "yuv422p12le",
                    (_, "") => "yuv420p",
                    (_, "10le") => "yuv420p10le",
                    _ => "yuv420p12le",
                };
                cases.push((
                    format,
                    Colors {
                        range,
                        siting,
                        ..colors
                    },
                ));
            }
        }
    }
    cases
}

#[test]
fn made_clips_have_the_colours_that_zscale_gives_them() {
    let scratch = Scratch::new();
    let mut wrong = Vec::new();
    for (number, (format, colors)) in made_cases().into_iter().enumerate() {
        let name = format!("{number}.mkv");
        let path = scratch.clip(&name, &format!("{PICTURE},format={format}"), colors);
        let frame = first_frame(&path);
        let (most, likeness) = difference(
            &ours(&frame, frame.size),
            &judged(
                &path,
                frame.size,
                false,
                (colors.siting, colors.range),
                &keeping(colors),
            ),
        );
        eprintln!("{format} {colors:?}: {most:.2} codes, {likeness:.1} dB");
        if most > UNSCALED_CODES {
            wrong.push(format!(
                "{format} {colors:?}: {most:.2} codes, {likeness:.1} dB"
            ));
        }
        // Each eighth is scaled as well: all formats and sitings come by.
        if number % 8 == 0 {
            for out in [
                sized(161, 91),
                sized(107, 61),
                sized(240, 136),
                sized(483, 273),
            ] {
                let (most, likeness) = difference(
                    &ours(&frame, out),
                    &judged(
                        &path,
                        out,
                        true,
                        (colors.siting, colors.range),
                        &keeping(colors),
                    ),
                );
                eprintln!("  at {out}: {most:.2} codes, {likeness:.1} dB");
                if likeness < SCALED_DB {
                    wrong.push(format!("{format} {colors:?} at {out}: {likeness:.1} dB"));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "not as zscale has them:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn wide_gamuts_and_dark_hdr_have_the_colours_that_zscale_gives_them() {
    let scratch = Scratch::new();
    let srgb_in = "matrixin=gbr:rangein=full:primariesin=709:transferin=iec61966-2-1";
    // Inside BT.709, for what lies outside is clipped by one and fitted by the other. HDR is at most 40
    // cd/m² here, where no tone curve has left the straight line.
    for (name, colors, levels, npl, transfer_out) in [
        (
            "wide",
            Colors {
                primaries: "bt2020",
                transfer: "bt2020-10",
                ..MATRIX_2020
            },
            (40, 215),
            "",
            "2020_10",
        ),
        (
            "p3",
            Colors {
                primaries: "smpte432",
                transfer: "iec61966-2-1",
                ..HD
            },
            (40, 215),
            "",
            "iec61966-2-1",
        ),
        (
            "pq",
            Colors {
                primaries: "bt2020",
                transfer: "smpte2084",
                ..MATRIX_2020
            },
            (16, 120),
            ":npl=203",
            "iec61966-2-1",
        ),
    ] {
        let Colors {
            matrix,
            primaries,
            transfer,
            ..
        } = colors;
        let (matrix, primaries) = (zscale_name(matrix), zscale_name(primaries));
        let transfer_in = transfer_name(transfer);
        let (low, high) = levels;
        let level = format!("{low}+val*{}/255", high - low);
        let picture = format!(
            "testsrc2=s=322x182:r=1,format=gbrp,lutrgb=r={level}:g={level}:b={level},format=gbrp16le,\
             zscale={srgb_in}:primaries={primaries}:transfer={transfer_in}:matrix={matrix}:range=limited\
             {npl},format=yuv444p12le"
        );
        let path = scratch.clip(&format!("{name}.mkv"), &picture, colors);
        let frame = first_frame(&path);
        let options = format!(
            "matrixin={matrix}:primariesin={primaries}:transferin={transfer_in}:\
             primaries=709:transfer={transfer_out}{npl}"
        );
        let (most, likeness) = difference(
            &ours(&frame, frame.size),
            &judged(&path, frame.size, false, ("input", colors.range), &options),
        );
        eprintln!("{name}: {most:.2} codes, {likeness:.1} dB");
        assert!(
            most <= UNSCALED_CODES,
            "{name}: {most:.2} codes, {likeness:.1} dB"
        );
    }
}

/// The signal, 0..1, that `transfer` has for neutral light of `nits` cd/m², as zscale says.
fn pq_signal_of(nits: u32) -> f64 {
    let picture = format!(
        "color=c=white:s=16x16:r=1,format=gbrpf32le,zscale=matrixin=gbr:matrix=gbr:rangein=full:range=full:\
         primariesin=2020:primaries=2020:transferin=linear:transfer=smpte2084:npl={nits},format=gbrp16le"
    );
    let bytes = ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        &picture,
        "-frames:v",
        "1",
        "-f",
        "rawvideo",
        "-",
    ]);
    f64::from(u16::from_le_bytes([bytes[0], bytes[1]])) / 65_535.0
}

#[test]
fn hdr_grays_stay_gray_and_white_is_where_it_is_stated() {
    let scratch = Scratch::new();
    // Every 12-bit code from black to the signal's end, one a column.
    let ramp = "nullsrc=s=3505x4:r=1,format=yuv444p12le,geq=lum='256+X':cb=2048:cr=2048";
    let white = pq_signal_of(203);
    assert!(
        (white - 0.5807).abs() < 0.001,
        "203 cd/m² are {white} in SMPTE ST 2084"
    );
    for (transfer, white, peak) in [
        ("smpte2084", white, pq_signal_of(1000)),
        ("arib-std-b67", 0.75, 1.0),
    ] {
        let colors = Colors {
            primaries: "bt2020",
            transfer,
            ..MATRIX_2020
        };
        let path = scratch.clip(&format!("{transfer}.mkv"), ramp, colors);
        let frame = first_frame(&path);
        let row = &ours(&frame, frame.size)[..3505];
        for (column, [r, g, b]) in row.iter().enumerate() {
            let spread = r.max(*g).max(*b) - r.min(*g).min(*b);
            assert!(spread <= 1.0, "{transfer}: code {column} is {r} {g} {b}");
        }
        for (column, pair) in row.windows(2).enumerate() {
            assert!(
                pair[1][1] >= pair[0][1],
                "{transfer}: it darkens after code {column}"
            );
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a signal of 0..1"
        )]
        let shown = |signal: f64| row[(signal * 3504.0).round() as usize][1];
        assert!(shown(0.0) <= 0.0, "{transfer}: black is {}", shown(0.0));
        // 1,000 cd/m² are the display's white; diffuse white lies under it (ITU-R BT.2390-8 §5.4.1), at
        // about nine tenths of the code.
        assert!(
            shown(peak) >= 254.0,
            "{transfer}: the peak is {}",
            shown(peak)
        );
        assert!(
            (217.0..=242.0).contains(&shown(white)),
            "{transfer}: 203 cd/m² are {}",
            shown(white)
        );
    }
}

/// How the judge is told of a real clip's colours; `None` where it does not go by the matrix alone.
fn plain_colors(row: &Row) -> Option<Colors<'_>> {
    let [range, matrix, primaries, transfer] = row.color.each_ref().map(String::as_str);
    let plain = row.format.starts_with("yuv")
        && ["-", "bt709", "smpte170m", "bt470bg"].contains(&primaries)
        && !["smpte2084", "arib-std-b67"].contains(&transfer)
        && matrix != "bt2020nc";
    let size = row.size.filter(|_| plain)?;
    let is_hd = size.width() >= 1280 || size.height() > 576;
    Some(Colors {
        matrix: match matrix {
            "-" if is_hd => "bt709",
            "-" => "smpte170m",
            stated => stated,
        },
        range: if range == "pc" { "pc" } else { "tv" },
        ..HD
    })
}

#[test]
fn real_clips_have_the_colours_that_zscale_gives_them() {
    let Some(folder) =
        catalogue::folder("color_truth::real_clips_have_the_colours_that_zscale_gives_them")
    else {
        return;
    };
    let (mut wrong, mut judged_clips) = (Vec::new(), 0);
    for row in catalogue::rows(&folder) {
        let Some(colors) = plain_colors(&row) else {
            continue;
        };
        // What is refused is judged elsewhere.
        let Ok(mut deck) = Deck::open(&row.path) else {
            continue;
        };
        let frame = deck
            .frame(0)
            .unwrap_or_else(|fault| panic!("{}: {fault}", row.name));
        judged_clips += 1;
        if frame.size.area() < 1 << 21 {
            let (most, likeness) = difference(
                &ours(&frame, frame.size),
                &judged(
                    &row.path,
                    frame.size,
                    false,
                    ("input", colors.range),
                    &keeping(colors),
                ),
            );
            eprintln!("{}: {most:.2} codes, {likeness:.1} dB", row.name);
            if most > UNSCALED_CODES {
                wrong.push(format!("{}: {most:.2} codes, {likeness:.1} dB", row.name));
            }
        }
        let out = sized(frame.size.width() / 3, frame.size.height() / 3);
        let (most, likeness) = difference(
            &ours(&frame, out),
            &judged(
                &row.path,
                out,
                true,
                ("input", colors.range),
                &keeping(colors),
            ),
        );
        eprintln!("  at {out}: {most:.2} codes, {likeness:.1} dB");
        if likeness < SCALED_DB {
            wrong.push(format!("{} at {out}: {likeness:.1} dB", row.name));
        }
    }
    assert!(judged_clips >= 30, "only {judged_clips} clips were judged");
    assert!(
        wrong.is_empty(),
        "not as zscale has them:\n{}",
        wrong.join("\n")
    );
}

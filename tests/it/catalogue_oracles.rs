//! Real files whose pictures tell what they should show.
//!
//! Optional, as `catalogue_play` is.

use std::path::Path;

use jogwheel::media::VideoFrame;

use crate::catalogue::folder;
use crate::deck::{Deck, shown};

/// The oracle's file, opened.
fn oracle(folder: &Path, name: &str) -> Deck {
    Deck::open(&folder.join(name)).unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

/// Left edges of the eight digits of the timecode that is burned into `auto-editor/example.mp4`, and
/// their common top, width and height.
const DIGITS_X: [usize; 8] = [849, 890, 952, 993, 1055, 1096, 1158, 1199];
const DIGITS_Y: usize = 612;
const DIGIT_SIZE: (usize, usize) = (36, 55);

/// The ink of one digit.
fn glyph(frame: &VideoFrame, digit: usize) -> Vec<bool> {
    let plane = frame.plane(0);
    let (width, height) = DIGIT_SIZE;
    (DIGITS_Y..DIGITS_Y + height)
        .flat_map(|y| {
            plane.row(y)[DIGITS_X[digit]..][..width]
                .iter()
                .map(|&luma| luma > 205)
        })
        .collect()
}

/// Reads a burned-in timecode, as digits.
fn burned_in(frame: &VideoFrame, known: &[Vec<bool>]) -> [usize; 8] {
    std::array::from_fn(|digit| {
        let seen = glyph(frame, digit);
        let unlike = |known: &Vec<bool>| known.iter().zip(&seen).filter(|(a, b)| a != b).count();
        let mut order: Vec<usize> = (0..known.len()).collect();
        order.sort_by_key(|&number| unlike(&known[number]));
        let (best, next) = (unlike(&known[order[0]]), unlike(&known[order[1]]));
        assert!(
            best * 2 < next,
            "digit {digit} is undecided: {best} and {next} pixels differ"
        );
        order[0]
    })
}

#[test]
fn a_burned_in_timecode_is_that_of_the_frame_asked_for() {
    let Some(folder) =
        folder("catalogue_oracles::a_burned_in_timecode_is_that_of_the_frame_asked_for")
    else {
        return;
    };
    let mut deck = oracle(&folder, "auto-editor/example.mp4");
    let len = deck.index().unwrap().len();
    // The last digit of the first ten frames teaches what digits look like. All the others, those of
    // these frames too, must then agree.
    let known: Vec<Vec<bool>> = (0..10)
        .map(|index| glyph(&deck.frame(index).unwrap(), 7))
        .collect();
    let mut random = 0x9E37_79B9_7F4A_7C15u64;
    let sought = std::iter::repeat_with(|| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((random >> 33) % u64::try_from(len).unwrap()).unwrap()
    });
    for index in (0..40).chain([len - 1, len / 2]).chain(sought.take(40)) {
        let digits = burned_in(&deck.frame(index).unwrap(), &known);
        let (frames, seconds) = (
            usize::try_from(index % 30).unwrap(),
            usize::try_from(index / 30).unwrap(),
        );
        let expected = [
            0,
            1,
            0,
            0,
            seconds / 10,
            seconds % 10,
            frames / 10,
            frames % 10,
        ];
        assert_eq!(digits, expected, "frame {index}");
    }
}

#[test]
fn four_colours_lie_where_they_belong() {
    let Some(folder) = folder("catalogue_oracles::four_colours_lie_where_they_belong") else {
        return;
    };
    let (yellow, red, blue, green) = ([255, 255, 0], [255, 0, 0], [0, 0, 255], [0, 255, 0]);
    let usual = [yellow, red, blue, green];
    for (name, expected) in [
        ("four-colors-h264-bt601.mp4", usual),
        (
            "four-colors-h264-bt601-hflip.mp4",
            [red, yellow, green, blue],
        ),
        ("four-colors-h264-bt601-rotate-90.mp4", usual),
        ("four-colors-h264-bt601-rotate-180.mp4", usual),
        ("four-colors-vp8-bt601.webm", usual),
        ("four-colors-vp9-bt601.webm", usual),
    ] {
        let mut deck = oracle(&folder, &format!("gpuweb-cts/{name}"));
        let (size, rgba) = shown(&deck.frame(0).unwrap(), deck.stream.orientation);
        assert_eq!((size.width(), size.height()), (320, 240), "{name}");
        let pixels = rgba.as_chunks::<4>().0;
        let quadrants = [(80, 60), (240, 60), (80, 180), (240, 180)];
        for ((x, y), expected) in quadrants.into_iter().zip(expected) {
            let [r, g, b, _] = pixels[y * 320 + x];
            let off = [r, g, b]
                .iter()
                .zip(expected)
                .map(|(&a, b)| i32::from(a).abs_diff(b))
                .max();
            assert!(
                off <= Some(4),
                "{name} at ({x}, {y}): {:?}, not {expected:?}",
                [r, g, b]
            );
        }
    }
}

#[test]
fn full_and_limited_range_look_the_same() {
    let Some(folder) = folder("catalogue_oracles::full_and_limited_range_look_the_same") else {
        return;
    };
    // The encoder had its say in each: a mean of a code, and no pixel far off.
    for (full, limited) in [
        ("greyscale-full", "greyscale-tv"),
        ("radialgrad-full", "radialgrad-tv"),
    ] {
        let picture = |name: &str| {
            let mut deck = oracle(&folder, &format!("aswf-encodingguidelines/{name}.mp4"));
            shown(&deck.frame(0).unwrap(), deck.stream.orientation).1
        };
        let differences: Vec<u8> = picture(full)
            .iter()
            .zip(picture(limited))
            .map(|(a, b)| a.abs_diff(b))
            .collect();
        let mean =
            differences.iter().map(|&d| f64::from(d)).sum::<f64>() / differences.len() as f64;
        let most = differences.iter().max().unwrap();
        eprintln!("{full}: mean {mean:.2}, most {most}");
        assert!(
            mean < 1.0 && *most <= 8,
            "{full} and {limited}: mean {mean:.2}, most {most}"
        );
    }
}

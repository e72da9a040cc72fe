//! The source's own rungs: whatever is left out, and whenever that changes, a frame shows its number.

use jogwheel::convert::CpuConverter;
use jogwheel::decode::{Picture, Rung, Step, VideoSource};
use jogwheel::time::FrameIndex;

use crate::deck::{Deck, reader_of};
use crate::made::{self, Clip};

/// Long and short groups, closed and open ones, with and without frames that no other refers to.
const CLIPS: [&str; 9] = [
    "h264-bframes.mp4",
    "h264-bframes.mkv",
    "h264-opengop.mp4",
    "h264-longgop.mp4",
    "h264-vfr-holds.mp4",
    "hevc-opengop.mp4",
    "hevc-closedgop.mp4",
    "mpeg2-opengop.mpg",
    "mjpeg.avi",
];

/// Plays a clip to its end. `rung` says what is asked for after each frame. Answers the frames delivered.
fn play(clip: &Clip, mut rung: impl FnMut(FrameIndex) -> Option<Rung>) -> (Vec<i64>, u64, Deck) {
    let mut deck = Deck::open(&clip.path).unwrap();
    deck.index().unwrap();
    let mut converter = CpuConverter::new(1);
    let mut seen = Vec::new();
    if let Some(rung) = rung(FrameIndex(-1)) {
        deck.session.set_rung(rung);
    }
    deck.plan(0);
    while let Some(frame) = deck.next().unwrap() {
        let FrameIndex(index) = frame.index;
        let number = match &frame.picture {
            Picture::Frame(picture) => {
                made::number_in(picture, deck.stream.orientation, &mut converter)
            }
            other => Err(format!("{other:?}")),
        };
        let expected = Ok(u32::try_from(index).unwrap() + clip.first);
        assert_eq!(number, expected, "{}: frame {index}", clip.name);
        assert!(
            seen.last().is_none_or(|last| *last < index),
            "{}",
            clip.name
        );
        seen.push(index);
        if let Some(rung) = rung(frame.index) {
            deck.session.set_rung(rung);
        }
    }
    let left_out = deck.session.status().left_out;
    assert_eq!(
        seen.len() as u64 + left_out,
        u64::try_from(clip.frames).unwrap(),
        "{}: every frame is shown or counted",
        clip.name
    );
    (seen, left_out, deck)
}

#[test]
fn frames_show_their_numbers_whatever_is_left_out() {
    for name in CLIPS {
        let clip = made::clip(name);
        for seed in 1..=6_u64 {
            let mut dice = seed;
            let mut throw = |below: u64| {
                dice = dice
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (dice >> 33) % below
            };
            let rungs = [Rung::Source, Rung::Thinned, Rung::Keyframes];
            play(&clip, |_| {
                (throw(4) == 0).then(|| rungs[usize::try_from(throw(3)).unwrap()])
            });
        }
    }
}

#[test]
fn a_thinned_source_leaves_out_what_no_frame_refers_to() {
    let clip = made::clip("h264-bframes.mp4");
    let (seen, left_out, deck) = play(&clip, |_| Some(Rung::Thinned));
    assert!(
        left_out * 4 >= u64::try_from(clip.frames).unwrap(),
        "{left_out}"
    );
    let longest = seen.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(longest.is_some_and(|gap| gap <= 4), "evenly: {longest:?}");
    let status = deck.session.status();
    assert_eq!(status.rung, Rung::Thinned);
    let shown = status.cost.unwrap().shown_per_mille;
    assert!((200..800).contains(&shown), "{shown}");

    let (_, left_out, _) = play(&made::clip("mjpeg.avi"), |_| Some(Rung::Thinned));
    assert_eq!(left_out, 0, "every frame stands by itself");
}

#[test]
fn keyframes_alone_are_keyframes() {
    for name in ["h264-bframes.mp4", "hevc-opengop.mp4", "h264-longgop.mp4"] {
        let clip = made::clip(name);
        let (seen, _, mut deck) = play(&clip, |_| Some(Rung::Keyframes));
        let index = deck.index().unwrap();
        let numbers = 0..index.keyframes().len();
        let keyframes: Vec<i64> = numbers
            .filter_map(|number| index.frame_of_pts(index.keyframes()[number].pts))
            .map(|frame| frame.0)
            .collect();
        // Packets run ahead of pictures: behind the first frame, some were given to the decoder whole.
        let alone = |frame: &&i64| **frame > 32;
        let (seen, keyframes): (Vec<_>, Vec<_>) = (
            seen.iter().filter(alone).collect(),
            keyframes.iter().filter(alone).collect(),
        );
        assert_eq!(seen, keyframes, "{name}");
    }
}

#[test]
fn what_a_decoder_holds_at_the_end_of_the_file_is_not_lost_to_keyframes_alone() {
    for name in CLIPS {
        let clip = made::clip(name);
        let (mut reader, stream) = reader_of(&clip.path, 2);
        // The last packet was given to the decoder before the last picture but one came out.
        let whole = usize::try_from(clip.frames).unwrap() - 1;
        let mut pictures = Vec::new();
        loop {
            let step = if pictures.len() < whole {
                reader.step(&|_pts| true).unwrap()
            } else {
                reader.step_keyframe().unwrap()
            };
            match step {
                Step::Progress => {}
                Step::Picture(picture) => pictures.push(picture),
                Step::End => break,
            }
        }
        let last = pictures.last().and_then(|picture| picture.pts);
        assert!(reader.unwanted_until() < last, "{name}");
        let numbers = pictures.split_off(whole).into_iter().map(|picture| {
            let frame = reader.frame(picture).unwrap();
            made::number_in(&frame, stream.orientation, &mut CpuConverter::new(1))
        });
        let numbers: Vec<_> = numbers.collect();
        let end = u32::try_from(clip.frames).unwrap() + clip.first;
        assert_eq!(numbers, [Ok(end - 1)], "{name}");
    }
}

#[test]
fn after_keyframes_alone_what_lies_between_them_is_decoded_from_the_keyframe() {
    for name in ["h264-bframes.mp4", "hevc-opengop.mp4", "h264-longgop.mp4"] {
        let clip = made::clip(name);
        let mut deck = Deck::open(&clip.path).unwrap();
        let index = deck.index().unwrap();
        let mut converter = CpuConverter::new(1);
        for number in 1..index.keyframes().len() {
            let wanted = index.first_frame_of(number).unwrap().0 + 5;
            deck.session.set_rung(Rung::Keyframes);
            deck.plan(0);
            while deck
                .next()
                .unwrap()
                .is_some_and(|frame| frame.index.0 <= 32)
            {}
            deck.session.set_rung(Rung::Source);
            let picture = deck.frame(wanted).unwrap();
            let shown = made::number_in(&picture, deck.stream.orientation, &mut converter);
            assert_eq!(
                shown.map(i64::from),
                Ok(wanted + i64::from(clip.first)),
                "{name}"
            );
        }
    }
}

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::read_edl;
use crate::time::{FrameRate, MediaSpan, MediaTime};
use crate::timeline::import::parts::BLACK;
use crate::timeline::import::{ImportError, ImportOptions, Imported};
use crate::timeline::{
    Child, CompositionKind, Effect, Item, ItemKind, MediaReference, Ratio, TimeMap, TrackKind,
    Transition, TransitionKind, WipeEdge,
};

fn pal() -> FrameRate {
    FrameRate::new(25, 1).unwrap()
}

fn read_at(text: &str, rate: Option<FrameRate>) -> Result<Imported, ImportError> {
    let options = ImportOptions {
        rate,
        ..ImportOptions::default()
    };
    read_edl(Path::new("cut.edl"), &Arc::from(text), &options)
}

fn read(text: &str) -> Imported {
    read_at(text, Some(pal())).unwrap()
}

fn tracks(imported: &Imported) -> Vec<(TrackKind, &[Child])> {
    let ItemKind::Composition(root) = &imported.timeline.root.kind else {
        panic!("the root is a stack");
    };
    let track = |child: &'_ Child| match child {
        Child::Item(item) => Arc::clone(item),
        Child::Transition(_) => panic!("a stack has no transitions"),
    };
    root.children.iter().for_each(|child| drop(track(child)));
    root.children
        .iter()
        .map(|child| match child {
            Child::Item(item) => match &item.kind {
                ItemKind::Composition(track) => match track.kind {
                    CompositionKind::Track(kind) => (kind, &*track.children),
                    CompositionKind::Stack => panic!("a stack in the root"),
                },
                _ => panic!("no track"),
            },
            Child::Transition(_) => panic!("a transition in the root"),
        })
        .collect()
}

/// What a track holds, in frames: `name start+duration`, `gap duration`, `/in/out`.
fn summary(children: &[Child], rate: FrameRate) -> Vec<String> {
    let frames = |span: MediaSpan| rate.frame_at_floor(MediaTime::ZERO + span).0;
    let one = |child: &Child| match child {
        Child::Item(item) => {
            let range = item.source_range.unwrap().range;
            let duration = frames(range.duration);
            match item.kind {
                ItemKind::Gap => format!("gap {duration}"),
                _ => format!(
                    "{} {}+{duration}",
                    item.name,
                    frames(range.start.since_zero())
                ),
            }
        }
        Child::Transition(some) => {
            format!("/{}/{}", frames(some.in_offset), frames(some.out_offset))
        }
    };
    children.iter().map(one).collect()
}

fn video(imported: &Imported) -> Vec<String> {
    let all = tracks(imported);
    summary(all[0].1, imported.timeline.rate)
}

fn item(children: &[Child], index: usize) -> &Item {
    match &children[index] {
        Child::Item(item) => item,
        Child::Transition(_) => panic!("a transition"),
    }
}

fn transition(children: &[Child], index: usize) -> &Transition {
    match &children[index] {
        Child::Transition(some) => some,
        Child::Item(item) => panic!("an item: {item:?}"),
    }
}

fn media(item: &Item) -> &MediaReference {
    match &item.kind {
        ItemKind::Clip(clip) => clip.active_reference().unwrap(),
        _ => panic!("no clip"),
    }
}

fn notes(imported: &Imported) -> Vec<String> {
    imported.notes.iter().map(ToString::to_string).collect()
}

#[test]
fn cuts_and_record_gaps_keep_their_frames() {
    let imported = read(
        "TITLE: My cut\r\nFCM: NON-DROP FRAME\r\n\
         001  TAPE1 V C 01:00:00:00 01:00:01:00 10:00:00:00 10:00:01:00\r\
         * FROM CLIP NAME: one\n\
         000002  A LONG REEL   V     C        00:00:10:05 00:00:10:15 10:00:02:00 10:00:02:10\n\
         \u{1a}\u{1a}",
    );
    assert_eq!(&*imported.timeline.name, "My cut");
    assert_eq!(
        video(&imported),
        ["one 90000+25", "gap 25", "A LONG REEL 255+10"]
    );
    let start = imported.timeline.global_start.unwrap();
    assert_eq!(start, MediaTime::ZERO + MediaSpan::from_secs(36_000));
    let all = tracks(&imported);
    let first = item(all[0].1, 0);
    assert!(matches!(media(first), MediaReference::Missing { name, .. } if &**name == "TAPE1"));
    assert!(first.metadata.text().starts_with("001  TAPE1"));
    assert!(first.metadata.text().ends_with("NAME: one"));
    assert_eq!(notes(&imported), [""; 0]);
}

#[test]
fn rates_are_stated_or_asked_for() {
    let event = "001 A V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00\n";
    let unknown = read_at(event, None);
    assert!(matches!(unknown, Err(ImportError::RateUnknown { .. })));
    let non_drop = read_at(&format!("FCM: NON-DROP FRAME\n{event}"), None);
    assert!(matches!(non_drop, Err(ImportError::RateUnknown { .. })));
    let stated = read_at(&format!("* FRAME RATE: 23.976 fps\n{event}"), None).unwrap();
    assert_eq!(stated.timeline.rate, FrameRate::new(24_000, 1001).unwrap());
    let ntsc = FrameRate::new(30_000, 1001).unwrap();
    let dropped = read_at(&format!("FCM: DROP FRAME\n{event}"), None).unwrap();
    assert_eq!(
        (dropped.timeline.rate, dropped.timeline.drop_frame),
        (ntsc, true)
    );
    let refused = read_at(&format!("FCM: DROP FRAME\n{event}"), Some(pal())).unwrap();
    assert_eq!(refused.timeline.rate, ntsc);
    assert_eq!(refused.notes.len(), 1);
    let fast = FrameRate::new(60_000, 1001).unwrap();
    let asked = read_at(&format!("FCM: DROP FRAME\n{event}"), Some(fast)).unwrap();
    assert_eq!(asked.timeline.rate, fast);
}

#[test]
fn drop_frame_timecode_leaves_numbers_out() {
    let imported = read_at(
        "001 A V C 00:01:00;02 00:10:00;00 00:00:00;00 00:09:00;00\n\
         002 A V C 00:00:00;00 00:00:01;00 00:09:00;00 00:09:01;00\n",
        None,
    )
    .unwrap();
    // 9 minutes leave out 8 times two numbers before 00:09:00, and two more at it: 00:09:00;00 does
    // not exist and is read as 00:09:00;02.
    let nine = 9 * 60 * 30 - 9 * 2 + 2;
    assert_eq!(
        video(&imported),
        [format!("A 1800+{nine}"), "A 0+28".to_owned()]
    );
    assert!(imported.timeline.drop_frame);
}

#[test]
fn a_wrong_rate_is_told_and_a_bad_event_is_left_out() {
    let text = "001 A V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:00:29\n";
    let error = read_at(text, Some(pal())).unwrap_err().to_string();
    assert!(
        error.contains("line 1") && error.contains("01:00:00:29"),
        "{error}"
    );
    let imported = read(
        "001 A V C 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n\
         002 A V C 00:00:00:00 00:00:01:00 00:00:02:00 00:00:01:00\n\
         003 A X C 00:00:00:00 00:00:01:00 00:00:02:00 00:00:03:00\n\
         004 A V C 00:00:00:99 00:00:01:00 00:00:02:00 00:00:03:00\n\
         005 A NONE C 00:00:00:00 00:00:01:00 00:00:02:00 00:00:03:00\n\
         what is this\n",
    );
    assert_eq!(video(&imported), ["A 0+25", "gap 25", "A 24+25"]);
    let notes = notes(&imported);
    assert_eq!(notes.len(), 6, "{notes:?}");
    assert!(notes[0].starts_with("line 2: the event ends before"));
    assert!(notes[1].starts_with("line 3: channel `X`"));
    assert!(notes[2].starts_with("line 4: source timecode"));
    assert!(notes[3].starts_with("line 6: `what is this`"));
    assert!(matches!(
        read_at("TITLE: nothing\n", Some(pal())),
        Err(ImportError::Invalid { .. })
    ));
}

#[test]
fn a_dissolve_begins_at_the_cut_and_the_clip_before_goes_on() {
    let imported = read(
        "001 T V C 01:00:00:00 01:00:01:00 00:00:00:00 00:00:01:00\n\
         * FROM CLIP NAME: a\n\
         002 T V C 01:00:01:00 01:00:01:00 00:00:01:00 00:00:01:00\n\
         002 U V D 010 02:00:00:00 02:00:01:00 00:00:01:00 00:00:02:00\n\
         EFFECTS NAME IS CROSS DISSOLVE\n\
         * FROM CLIP NAME: a\n\
         * TO CLIP NAME: b\n\
         003 BL V D 025 00:00:00:00 00:00:00:20 00:00:02:00 00:00:02:20\n",
    );
    assert_eq!(
        video(&imported),
        ["a 90000+25", "/0/10", "b 180000+25", "/0/20", "BL 0+20"]
    );
    let all = tracks(&imported);
    let track = all[0].1;
    assert_eq!(&*transition(track, 1).name, "CROSS DISSOLVE");
    assert!(matches!(
        media(item(track, 4)),
        MediaReference::Generator { generator, .. } if *generator == BLACK
    ));
    assert_eq!(notes(&imported).len(), 1);
}

#[test]
fn transitions_come_from_what_the_file_says() {
    let imported = read(
        "001 BL V C 00:00:00:00 00:00:00:00 00:00:00:00 00:00:00:00\n\
         001 A V D 010 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n\
         002 BL V C 00:00:00:00 00:00:00:00 00:00:01:00 00:00:01:00\n\
         002 B V D 005 00:00:00:00 00:00:01:00 00:00:01:00 00:00:02:00\n\
         003 C V C 00:00:30:00 00:00:30:00 00:00:03:00 00:00:03:00\n\
         003 D V W001 005 00:00:00:00 00:00:01:00 00:00:03:00 00:00:04:00\n\
         004 E V C 00:00:30:00 00:00:30:00 00:00:04:00 00:00:04:00\n\
         004 D V W250 005 00:00:00:00 00:00:01:00 00:00:04:00 00:00:05:00\n",
    );
    assert_eq!(
        video(&imported),
        [
            "/0/10", "A 0+25", "gap 0", "/0/5", "B 0+25", "gap 25", "C 750+0", "/0/5", "D 0+25",
            "/0/5", "D 0+25"
        ]
    );
    let all = tracks(&imported);
    let kind = |index| transition(all[0].1, index).kind;
    assert_eq!(kind(0), TransitionKind::Dissolve);
    assert_eq!(kind(7), TransitionKind::Wipe(WipeEdge::LeftToRight));
    assert_eq!(kind(9), TransitionKind::Dissolve);
    let notes = notes(&imported);
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].starts_with("line 8: the transition comes from another part"));
    assert!(notes[1].starts_with("line 8: wipe 250"));
}

#[test]
fn speeds_are_exact_and_belong_to_their_reel() {
    let imported = read(
        "001 A V C 00:00:10:00 00:00:11:00 00:00:00:00 00:00:01:00\n\
         M2 A 012.5 00:00:10:00\n\
         002 B V C 00:00:10:00 00:00:10:01 00:00:01:00 00:00:02:00\n\
         M2 B 000.0 00:00:10:00\n\
         003 C V C 00:00:10:00 00:00:11:00 00:00:02:00 00:00:03:00\n\
         M2 C -025.0 00:00:10:00\n\
         004 C V C 00:00:09:00 00:00:09:00 00:00:03:00 00:00:03:00\n\
         004 D V D 005 00:00:00:00 00:00:01:00 00:00:03:00 00:00:04:00\n\
         M2 C -025.0 00:00:09:00\n\
         005 E V C 00:00:00:00 00:00:01:00 00:00:04:00 00:00:05:00\n\
         M2 E -50 00:00:00:00\n\
         006 E V C 00:00:00:00 00:00:02:00 00:00:05:00 00:00:06:00\n",
    );
    let all = tracks(&imported);
    let effects = |index| item(all[0].1, index).effects.as_slice();
    let ratio = |num, den| Ratio::new(num, den).unwrap();
    assert_eq!(effects(0), [Effect::Speed(ratio(1, 2))]);
    assert_eq!(effects(1), [Effect::Freeze]);
    let backwards = TimeMap::linear(MediaSpan::ZERO, ratio(-1, 1));
    assert_eq!(effects(2), [Effect::Map(backwards)]);
    assert_eq!(effects(4), [], "the speed is that of the outgoing reel");
    assert_eq!(effects(5), [Effect::Speed(ratio(-2, 1))]);
    assert_eq!(effects(6), []);
    let notes = notes(&imported);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("line 12: 50 frames of the source are to fill 25"));
}

#[test]
fn speeds_at_ntsc_rates_are_what_was_meant() {
    let film = FrameRate::new(24_000, 1001).unwrap();
    for (fps, num, den) in [
        ("024.0", 1, 1),
        ("023.9", 1, 1),
        ("047.9", 2, 1),
        ("048.0", 2, 1),
        ("-023.9", -1, 1),
        ("012.0", 1, 2),
        ("006.0", 1, 4),
        ("000.0", 0, 1),
    ] {
        let text = format!(
            "001 A V C 01:00:00:00 01:00:01:00 00:00:00:00 00:00:01:00\nM2 A {fps} 01:00:00:00\n"
        );
        let imported = read_at(&text, Some(film)).unwrap();
        let all = tracks(&imported);
        let speed = match item(all[0].1, 0).effects.as_slice() {
            [] => Ratio::ONE,
            [Effect::Speed(speed)] => *speed,
            [Effect::Freeze] => Ratio::ZERO,
            [Effect::Map(map)] => map.pieces()[0].speed,
            other => panic!("{other:?}"),
        };
        assert_eq!(speed, Ratio::new(num, den).unwrap(), "{fps}");
    }
}

#[test]
fn channels_become_tracks() {
    let event = |channels: &str, second: u32| {
        format!(
            "001 A {channels} C 00:00:00:00 00:00:01:00 00:00:0{second}:00 00:00:0{}:00\n",
            second + 1
        )
    };
    let mut text = event("B", 0);
    text += &event("AA/V", 1);
    text += &event("A2", 2);
    text += &event("V2", 3);
    text += &event("NONE", 4);
    text += "AUD 3 4\n";
    text += &event("A12", 5);
    text += "007 K V K 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n";
    let imported = read(&text);
    let all: Vec<_> = tracks(&imported)
        .into_iter()
        .map(|(kind, children)| (kind, summary(children, pal())))
        .collect();
    let (video, audio) = (TrackKind::Video, TrackKind::Audio);
    let owned = |parts: &[&str]| {
        parts
            .iter()
            .map(|part| (*part).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        all,
        [
            (video, owned(&["A 0+25", "A 0+25"])),
            (video, owned(&["K 0+25"])),
            (video, owned(&["gap 75", "A 0+25"])),
            (audio, owned(&["A 0+25", "A 0+25", "gap 75", "A 0+25"])),
            (audio, owned(&["gap 50", "A 0+25"])),
            (audio, owned(&["gap 100", "A 0+25"])),
        ]
    );
    assert!(notes(&imported)[0].contains("key"));
}

#[test]
fn overlaps_are_noted_and_the_later_event_is_seen() {
    let imported = read(
        "002 B V C 00:00:00:00 00:00:01:00 00:00:00:20 00:00:01:20\n\
         001 A V C 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n",
    );
    assert_eq!(video(&imported), ["A 0+20", "B 0+25"]);
    assert!(notes(&imported)[0].starts_with("line 2: the next event on V begins 5 frames"));
}

#[test]
fn files_markers_and_grades_are_kept() {
    let imported = read(
        "001 AX V C 00:00:10:00 00:00:12:00 00:00:00:00 00:00:02:00\n\
         * FROM CLIP NAME: shot.mov\n\
         *ASC_SOP (1 1 1)(0 0 0)(1 1 1)\n\
         * ASC_SAT: 0.9\n\
         *LOC: 0:00:01:00  YELLOW  look here\n\
         * LOC: 00:00:01:05 no colour\n\
         002 AX V C 00:00:10:00 00:00:12:00 00:00:02:00 00:00:04:00\n\
         * FROM CLIP NAME: named\n\
         * FROM CLIP: S:\\path\\a.exr\n\
         * SOURCE FILE: recording\n\
         003 AX V C 00:00:10:00 00:00:12:00 00:00:04:00 00:00:06:00\n\
         FROM CLIP NAME: named 2.0\n",
    );
    let all = tracks(&imported);
    let first = item(all[0].1, 0);
    let target = |index| match media(item(all[0].1, index)) {
        MediaReference::File { target, .. } => target.to_string(),
        MediaReference::Missing { name, .. } => format!("missing {name}"),
        other => panic!("{other:?}"),
    };
    assert_eq!(target(0), "shot.mov");
    assert_eq!(target(1), "S:\\path\\a.exr");
    assert_eq!(target(2), "missing named 2.0");
    let [Effect::Unknown { name, metadata }] = first.effects.as_slice() else {
        panic!("{:?}", first.effects);
    };
    assert_eq!(&**name, "ASC CDL");
    assert_eq!(
        metadata.text(),
        "*ASC_SOP (1 1 1)(0 0 0)(1 1 1)\n* ASC_SAT: 0.9"
    );
    let [yellow, plain] = first.markers.as_slice() else {
        panic!("{:?}", first.markers);
    };
    assert_eq!((&*yellow.name, &*yellow.color), ("look here", "YELLOW"));
    assert_eq!(
        yellow.range.start,
        MediaTime::ZERO + MediaSpan::from_secs(11)
    );
    assert_eq!((&*plain.name, &*plain.color), ("no colour", ""));
}

#[test]
fn limits_hold() {
    let mut options = ImportOptions {
        rate: Some(pal()),
        ..ImportOptions::default()
    };
    options.limits.items = 1;
    let text = "001 A V C 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n".repeat(2);
    let read = read_edl(Path::new("a"), &Arc::from(text), &options);
    assert!(matches!(read, Err(ImportError::TooLarge { limit: 1, .. })));
}

/// Parts of lines, which random files are made of.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("001".to_owned()),
        Just("V".to_owned()),
        Just("AA/V".to_owned()),
        Just("C".to_owned()),
        Just("D 010".to_owned()),
        Just("W001 99999999999999999999".to_owned()),
        Just("K B".to_owned()),
        Just("M2".to_owned()),
        Just("* LOC:".to_owned()),
        Just("FCM: DROP FRAME".to_owned()),
        Just("* FROM CLIP NAME:".to_owned()),
        Just("BL".to_owned()),
        Just("-999999999999.9".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        (0..100_u32, 0..100_u32, 0..30_u32)
            .prop_map(|(h, s, f)| format!("{h:02}:00:{s:02}:{f:02}")),
        "\\PC{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_text_never_panics(words in prop::collection::vec(word(), 0..60)) {
        let _ = read_at(&words.join(" "), Some(pal()));
    }

    #[test]
    fn events_that_follow_one_another_fill_the_track(
        events in prop::collection::vec((1..500_i64, 0..3_usize, 0..80_000_i64), 1..40),
    ) {
        let time = |frames: i64| {
            let (seconds, frame) = (frames / 25, frames % 25);
            format!("{:02}:{:02}:{:02}:{frame:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
        };
        let mut text = String::new();
        let mut at = 0;
        for (length, kind, source) in &events {
            let kind = ["C", "D 005", "W021 010"][*kind];
            writeln!(
                text,
                "001 A V {kind} {} {} {} {}",
                time(*source), time(source + length), time(at), time(at + length)
            )
            .unwrap();
            at += length;
        }
        let imported = read(&text);
        let all = tracks(&imported);
        let items: Vec<_> = all[0].1.iter().filter_map(|child| match child {
            Child::Item(item) => item.source_range,
            Child::Transition(_) => None,
        }).collect();
        prop_assert_eq!(items.len(), events.len());
        let sum = items.iter().fold(MediaSpan::ZERO, |sum, range| sum + range.range.duration);
        prop_assert_eq!(sum, pal().frame_span_nearest().scaled_nearest(at, 1));
    }
}

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::read_fcpxml;
use crate::media::Size;
use crate::time::{FrameRate, MediaSpan, MediaTime};
use crate::timeline::import::{ImportError, ImportOptions, Imported};
use crate::timeline::{
    Child, CompositionKind, Effect, Fit, Generator, Item, ItemKind, MediaReference, Ratio,
    TrackKind, TransitionKind,
};

fn pal() -> FrameRate {
    FrameRate::new(25, 1).unwrap()
}

fn read_xml(text: &str) -> Result<Imported, ImportError> {
    read_fcpxml(
        Path::new("cut.fcpxml"),
        &Arc::from(text),
        &ImportOptions::default(),
    )
}

const RESOURCES: &str = "<format id='r1' frameDuration='1/25s' width='1920' height='1080'/>\
    <asset id='av' name='av' src='file:///av.mov' start='0s' duration='100s' hasVideo='1' hasAudio='1' format='r1'/>\
    <asset id='v' name='v' start='3600s' duration='100s' hasVideo='1' format='r1'>\
    <media-rep kind='proxy-media' src='proxy.mov'/><media-rep kind='original-media' src='file:///v.mov'/></asset>\
    <asset id='a' name='a' src='file:///a.wav' start='0s' duration='100s' hasAudio='1'/>\
    <effect id='d' name='Cross Dissolve' uid='x'/><effect id='t' name='Basic Title' uid='y'/>\
    <effect id='solid' name='Custom' uid='.../Solids.localized/Custom.motn'/>\
    <media id='c'><sequence format='r1' tcStart='10s' duration='20s'><spine>\
    <asset-clip ref='av' offset='10s' name='inner' duration='20s'/></spine></sequence></media>\
    <media id='m'><multicam format='r1' tcStart='0s'>\
    <mc-angle angleID='one'><asset-clip ref='av' offset='0s' name='first' duration='50s'/></mc-angle>\
    <mc-angle angleID='two'><gap offset='0s' duration='5s'/><asset-clip ref='av' offset='5s' name='second' duration='50s'/></mc-angle>\
    </multicam></media>";

fn document(spine: &str) -> String {
    format!(
        "<?xml version='1.0'?><!DOCTYPE fcpxml><fcpxml version='1.11'><resources>{RESOURCES}</resources>\
         <library><event name='e'><project name='p'><sequence format='r1' tcStart='3600s' tcFormat='NDF'>\
         <spine>{spine}</spine></sequence></project></event></library></fcpxml>"
    )
}

fn read(spine: &str) -> Imported {
    read_xml(&document(spine)).unwrap()
}

fn children(item: &Item) -> &[Child] {
    match &item.kind {
        ItemKind::Composition(composition) => &composition.children,
        _ => panic!("no composition: {item:?}"),
    }
}

fn as_item(child: &Child) -> &Item {
    match child {
        Child::Item(item) => item,
        Child::Transition(some) => panic!("a transition: {some:?}"),
    }
}

fn tracks(imported: &Imported) -> Vec<&Item> {
    children(&imported.timeline.root)
        .iter()
        .map(as_item)
        .collect()
}

/// What a track holds, in frames: its lane and kind, and `name start+duration`, `gap duration`,
/// `/in/out`; a star marks what is heard with its picture.
fn summary(track: &Item) -> Vec<String> {
    let frames = |span: MediaSpan| pal().frame_at_floor(MediaTime::ZERO + span).0;
    let one = |child: &Child| match child {
        Child::Item(item) => {
            let range = item.source_range.unwrap().range;
            let duration = frames(range.duration);
            let heard = item.effects.contains(&Effect::WithSound);
            let star = if heard { "*" } else { "" };
            match item.kind {
                ItemKind::Gap => format!("gap {duration}"),
                _ => format!(
                    "{}{star} {}+{duration}",
                    item.name,
                    frames(range.start.since_zero())
                ),
            }
        }
        Child::Transition(some) => {
            format!("/{}/{}", frames(some.in_offset), frames(some.out_offset))
        }
    };
    let ItemKind::Composition(composition) = &track.kind else {
        panic!("no track: {track:?}");
    };
    let kind = match composition.kind {
        CompositionKind::Track(TrackKind::Video) => "video",
        CompositionKind::Track(TrackKind::Audio) => "audio",
        other => panic!("{other:?}"),
    };
    let head = format!("{} {kind}", track.name);
    std::iter::once(head)
        .chain(composition.children.iter().map(one))
        .collect()
}

fn summaries(imported: &Imported) -> Vec<Vec<String>> {
    tracks(imported).into_iter().map(summary).collect()
}

fn first_item(imported: &Imported) -> &Item {
    as_item(&children(tracks(imported)[0])[0])
}

fn media(item: &Item) -> &MediaReference {
    match &item.kind {
        ItemKind::Clip(clip) => clip.active_reference().unwrap(),
        _ => panic!("no clip: {item:?}"),
    }
}

#[test]
fn volumes_become_gains() {
    let gain = |amount: &str| {
        let clip = format!(
            "<asset-clip ref='av' offset='3600s' duration='1s'><adjust-volume amount='{amount}'/></asset-clip>"
        );
        let imported = read(&clip);
        assert_eq!(imported.notes, []);
        first_item(&imported).gain()
    };
    assert!((gain("0dB") - 1.0).abs() < 1e-6);
    assert!((gain("-6.0206dB") - 0.5).abs() < 1e-4);
    assert!((gain("99dB") - 3.981).abs() < 1e-3, "12 dB is the most");
}

#[test]
fn a_spine_is_a_track_and_its_clips_are_seen_and_heard() {
    let imported = read(
        "<asset-clip ref='av' offset='3600s' name='one' start='2s' duration='1s'/>\
         <gap offset='3601s' start='3600s' duration='1s'/>\
         <asset-clip ref='v' offset='3603s' name='two' start='3610s' duration='1s'/>\
         <asset-clip ref='av' offset='3604s' name='dumb' duration='1s' srcEnable='video'/>\
         <asset-clip ref='av' offset='3605s' name='silent' duration='1s'><adjust-volume amount='-96dB'/></asset-clip>\
         <asset-clip ref='a' offset='3606s' name='sound' duration='1s'/>\
         <asset-clip ref='none' offset='3607s' name='lost' duration='1s' enabled='0'/>",
    );
    let timeline = &imported.timeline;
    assert_eq!((&*timeline.name, timeline.rate), ("p", pal()));
    assert_eq!(timeline.canvas, Size::new(1920, 1080));
    let hour = MediaTime::ZERO + MediaSpan::from_secs(3600);
    assert_eq!(timeline.global_start, Some(hour));
    assert_eq!(
        summaries(&imported),
        [
            vec![
                "0 video",
                "one* 50+25",
                "gap 25",
                "gap 25",
                "two 90250+25",
                "dumb 0+25",
                "silent 0+25",
                "gap 25",
                "lost 0+25"
            ],
            vec!["0 audio", "gap 150", "sound 0+25"],
        ]
    );
    let track = children(tracks(&imported)[0]);
    let MediaReference::File { target, available } = media(as_item(&track[3])) else {
        panic!("no file");
    };
    assert_eq!(&**target, "file:///v.mov");
    assert_eq!(available.unwrap().range.start, hour);
    let lost = as_item(&track[7]);
    assert!(!lost.enabled);
    assert!(matches!(media(lost), MediaReference::Missing { name, .. } if &**name == "lost"));
}

#[test]
fn what_is_connected_lies_in_lanes() {
    let imported = read(
        "<gap offset='3600s' start='100s' duration='10s'>\
           <asset-clip ref='av' lane='1' offset='102s' name='up' duration='4s'>\
             <asset-clip ref='av' lane='1' offset='1s' name='higher' duration='1s'/></asset-clip>\
           <asset-clip ref='av' lane='1' offset='104s' name='overlap' duration='1s'/>\
           <asset-clip ref='a' lane='-1' offset='101s' name='low' duration='1s'/>\
           <asset-clip ref='av' lane='-1' offset='98s' name='under' duration='4s'/>\
           <spine lane='2' offset='108s'>\
             <asset-clip ref='v' offset='0s' name='s1' start='3600s' duration='1s'/>\
             <transition name='Cross Dissolve' offset='1/2s' duration='1s'><filter-video ref='d'/></transition>\
             <asset-clip ref='v' offset='1s' name='s2' start='3600s' duration='1s'/></spine>\
         </gap>",
    );
    assert_eq!(
        summaries(&imported),
        [
            vec!["-1 video", "under* 50+50"],
            vec!["0 video", "gap 250"],
            vec!["1 video", "gap 50", "up* 0+100"],
            vec!["1 video", "gap 100", "overlap* 0+25"],
            vec![
                "2 video",
                "gap 75",
                "higher* 0+25",
                "gap 100",
                "s1 90000+25",
                "/12/12",
                "s2 90000+25"
            ],
            vec!["-1 audio", "gap 25", "low 0+25"],
        ]
    );
    assert_eq!(imported.notes, []);
}

#[test]
fn transitions_lie_over_their_cut() {
    let imported = read(
        "<transition offset='3600s' duration='1s'/>\
         <asset-clip ref='v' offset='3600s' name='a' duration='5s'/>\
         <transition offset='3604s' duration='2s' name='Star'><filter-video name='Star'/></transition>\
         <asset-clip ref='v' offset='3605s' name='b' duration='5s'/>\
         <transition offset='3609s' duration='1s'/>",
    );
    assert_eq!(
        summaries(&imported),
        [[
            "0 video",
            "/0/25",
            "a 90000+125",
            "/25/25",
            "b 90000+125",
            "/25/0"
        ]]
    );
    let Child::Transition(star) = &children(tracks(&imported)[0])[2] else {
        panic!("no transition");
    };
    assert_eq!(star.kind, TransitionKind::Dissolve);
    assert!(imported.notes[0].text.contains("`Star`"));
}

#[test]
fn clips_hold_media_at_times_of_their_own() {
    let imported = read(
        "<clip offset='3600s' name='video' start='5s' duration='1s'>\
           <video offset='2s' ref='v' start='3601s' duration='9s'/>\
           <marker start='11/2s' duration='1/25s' value='mark'/></clip>\
         <clip offset='3601s' name='both' duration='1s'><video offset='0s' ref='av'><audio lane='-1' offset='0s' ref='av'/></video></clip>\
         <clip offset='3602s' name='sound' duration='1s' start='1s'><gap offset='0s' duration='9s'><audio lane='-1' offset='0s' ref='a'/></gap></clip>\
         <clip offset='3603s' name='story' duration='2s' start='1s'><asset-clip ref='av' offset='0s' name='x' duration='1s'/><asset-clip ref='av' offset='1s' name='y' duration='9s'/></clip>",
    );
    assert_eq!(
        summaries(&imported),
        [
            vec![
                "0 video",
                "video 90100+25",
                "both* 0+25",
                "gap 25",
                "story* 25+50"
            ],
            vec!["0 audio", "gap 50", "sound 25+25"],
        ]
    );
    // Half a second into the item, whatever its medium calls that.
    let marker = &first_item(&imported).markers[0];
    let at = MediaTime::ZERO + MediaSpan::from_secs(3604) + MediaSpan::from_millis(500);
    assert_eq!((&*marker.name, marker.range.start), ("mark", at));
    let story = as_item(&children(tracks(&imported)[0])[3]);
    assert_eq!(
        summary(as_item(&children(story)[0])),
        ["0 video", "x* 0+25", "y* 0+225"]
    );
}

#[test]
fn compound_clips_count_from_their_start() {
    let imported = read(
        "<ref-clip ref='c' offset='3600s' name='all' start='12s' duration='5s'>\
         <marker start='13s' value='m'/></ref-clip>\
         <ref-clip ref='c' offset='3605s' name='whole'/>\
         <ref-clip ref='c' offset='3625s' name='picture' duration='1s' srcEnable='video'/>\
         <ref-clip ref='c' offset='3626s' name='sound' duration='1s' srcEnable='audio'/>\
         <ref-clip ref='none' offset='3627s' name='lost' duration='1s'/>",
    );
    assert_eq!(
        summaries(&imported),
        [
            vec![
                "0 video",
                "all* 50+125",
                "whole* 0+500",
                "picture 0+25",
                "gap 25",
                "gap 25"
            ],
            vec!["0 audio", "gap 650", "sound 0+25"],
        ]
    );
    let all = first_item(&imported);
    assert_eq!(
        all.markers[0].range.start,
        MediaTime::ZERO + MediaSpan::from_secs(3)
    );
    assert_eq!(
        summary(as_item(&children(all)[0])),
        ["0 video", "inner* 0+500"]
    );
    assert!(imported.notes[0].text.contains("`lost`"));
}

#[test]
fn multicam_clips_show_one_angle_and_sound_of_another() {
    let imported = read(
        "<mc-clip ref='m' offset='3600s' name='first' duration='9s'/>\
         <mc-clip ref='m' offset='3609s' name='mixed' start='6s' duration='9s'>\
         <mc-source angleID='two' srcEnable='video'/><mc-source angleID='one' srcEnable='audio'/></mc-clip>",
    );
    assert_eq!(
        summaries(&imported),
        [["0 video", "first* 0+225", "mixed* 150+225"]]
    );
    let first = first_item(&imported);
    assert_eq!(
        summary(as_item(&children(first)[0])),
        ["0 video", "first* 0+1250"]
    );
    let mixed = as_item(&children(tracks(&imported)[0])[1]);
    let [picture, sound] = children(mixed) else {
        panic!("two tracks");
    };
    let stack = |track: &Child| children(as_item(&children(as_item(track))[0])).to_vec();
    let angle = |track: &Child| summary(as_item(&stack(track)[0]));
    assert_eq!(angle(picture), ["0 video", "gap 125", "second* 0+1250"]);
    assert_eq!(angle(sound), ["0 video", "first* 0+1250"]);
}

#[test]
fn synchronised_clips_hold_what_was_synchronised() {
    let story = "<spine><asset-clip ref='av' offset='0s' name='pic' duration='9s'/></spine>\
                 <asset-clip ref='a' lane='-1' offset='0s' name='snd' duration='99s'/>";
    let imported = read(&format!(
        "<sync-clip offset='3600s' name='in' duration='9s'>{story}<sync-source sourceID='connected'/></sync-clip>\
         <sync-clip offset='3609s' name='out' duration='9s'>{story}</sync-clip>"
    ));
    assert_eq!(
        summaries(&imported),
        [
            vec!["0 video", "in* 0+225", "out* 0+225"],
            vec!["-1 audio", "gap 225", "snd 0+2475"],
        ]
    );
    let inner = first_item(&imported);
    assert_eq!(children(inner).len(), 2);
}

#[test]
fn auditions_show_their_first_clip() {
    let imported = read(
        "<audition offset='3600s'><asset-clip ref='av' name='picked' duration='1s'>\
         <asset-clip ref='v' lane='1' offset='0s' name='up' duration='1s'/></asset-clip>\
         <asset-clip ref='av' name='other' duration='5s'/></audition>\
         <asset-clip ref='av' offset='3601s' name='next' duration='1s'/>",
    );
    assert_eq!(
        summaries(&imported),
        [
            vec!["0 video", "picked* 0+25", "next* 0+25"],
            vec!["1 video", "up 90000+25"]
        ]
    );
}

#[test]
fn retimes_say_which_source_time_is_shown() {
    let imported = read(
        "<asset-clip ref='av' offset='3600s' name='double' start='5s' duration='1s'>\
           <timeMap><timept time='0s' value='0s'/><timept time='50s' value='100s'/></timeMap></asset-clip>\
         <asset-clip ref='av' offset='3601s' name='hold' start='2s' duration='9s'>\
           <timeMap><timept time='0s' value='0s' interp='linear'/><timept time='4s' value='4s' interp='linear'/>\
           <timept time='6s' value='4s' interp='linear'/><timept time='8s' value='2s' interp='linear'/></timeMap></asset-clip>\
         <asset-clip ref='v' offset='3610s' name='conform' start='3604s' duration='1s'><conform-rate srcFrameRate='50'/></asset-clip>\
         <asset-clip ref='v' offset='3611s' name='as is' start='3604s' duration='1s'><conform-rate srcFrameRate='50' scaleEnabled='0'/></asset-clip>",
    );
    assert_eq!(
        summaries(&imported),
        [[
            "0 video",
            "double* 250+25",
            "hold* 50+225",
            "conform 90050+25",
            "as is 90100+25"
        ]]
    );
    let track = children(tracks(&imported)[0]);
    let ratio = |num, den| Ratio::new(num, den).unwrap();
    assert_eq!(as_item(&track[0]).effects[0], Effect::Speed(ratio(2, 1)));
    let Effect::Map(map) = &as_item(&track[1]).effects[0] else {
        panic!("no map");
    };
    let secs = MediaSpan::from_secs;
    for (item, source) in [(0, 0), (2, 2), (3, 2), (4, 2), (5, 1), (6, 0)] {
        assert_eq!(map.source_at(secs(item)), secs(source), "{item}");
    }
    assert_eq!(as_item(&track[2]).effects, [Effect::Speed(ratio(1, 2))]);
    assert_eq!(as_item(&track[3]).effects, []);
    assert_eq!(imported.notes, []);
}

#[test]
fn adjustments_become_a_look() {
    let imported = read(
        "<asset-clip ref='v' offset='3600s' duration='1s'>\
         <adjust-conform type='fill'/><adjust-crop mode='trim'><trim-rect left='16' top='10'/></adjust-crop>\
         <adjust-transform position='16 -50' scale='0.5 0.25' rotation='30'/>\
         <adjust-blend amount='0.5' mode='4 (Screen)'/><filter-video name='Glow'/></asset-clip>\
         <asset-clip ref='v' offset='3601s' duration='1s'>\
         <adjust-crop mode='crop'><crop-rect top='50'/></adjust-crop>\
         <adjust-transform><param name='scale'><keyframeAnimation><keyframe time='0s' value='2 2'/></keyframeAnimation></param></adjust-transform></asset-clip>",
    );
    let close = |left: f32, right: f32| (left - right).abs() < 1e-6;
    let item = first_item(&imported);
    let look = item.look;
    assert_eq!(
        (look.fit, look.scale, look.opacity),
        (Fit::Fill, [0.5, 0.25], 0.5)
    );
    assert!(close(look.position[0], 0.09) && close(look.position[1], 0.5));
    assert!(close(look.crop[0], 0.09) && close(look.crop[1], 0.1) && look.rotation < 0.0);
    assert!(matches!(item.effects.as_slice(), [Effect::Unknown { name, .. }] if &**name == "Glow"));
    let other = as_item(&children(tracks(&imported)[0])[1]).look;
    assert_eq!((other.scale, other.position), ([4.0, 4.0], [0.0, -0.5]));
    assert_eq!(imported.notes.len(), 3);
}

#[test]
fn titles_and_generators_are_noted_and_solids_are_made() {
    let imported = read(
        "<title ref='t' offset='3600s' name='T' start='3600s' duration='1s'/>\
         <video ref='solid' offset='3601s' name='S' start='3600s' duration='1s'><param name='Color' value='1 0 0.5'/></video>",
    );
    let generators: Vec<_> = children(tracks(&imported)[0])
        .iter()
        .map(|child| match media(as_item(child)) {
            MediaReference::Generator { generator, .. } => *generator,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        generators,
        [Generator::Unknown, Generator::Solid([1.0, 0.0, 0.5, 1.0])]
    );
    assert_eq!(imported.notes.len(), 1);
}

#[test]
fn the_first_project_is_played_or_else_a_clip() {
    let two = document("").replace(
        "</event>",
        "<project name='q'><sequence format='r1'/></project></event>",
    );
    let imported = read_xml(&two).unwrap();
    assert_eq!(&*imported.timeline.name, "p");
    assert!(imported.notes[0].text.contains("`q`"));
    let alone = format!(
        "<fcpxml version='1.8'><resources>{RESOURCES}</resources><ref-clip ref='c' name='only' duration='2s'/></fcpxml>"
    );
    let imported = read_xml(&alone).unwrap();
    assert_eq!(summaries(&imported), [["0 video", "only* 0+50"]]);
    assert!(matches!(
        read_xml("<fcpxml/>"),
        Err(ImportError::Invalid { .. })
    ));
}

#[test]
fn media_nested_in_themselves_end() {
    let text = document("<ref-clip ref='c' offset='3600s' name='a' duration='1s'/>").replace(
        "<asset-clip ref='av' offset='10s' name='inner' duration='20s'/>",
        "<ref-clip ref='c' offset='10s' name='again' duration='1s'/>",
    );
    let imported = read_xml(&text).unwrap();
    assert!(imported.notes[0].text.contains("nested in itself"));
    let deep = "<gap offset='0s' duration='1s'>".repeat(60)
        + &"<asset-clip ref='av' lane='1' duration='1s'>".repeat(80)
        + &"</asset-clip>".repeat(80)
        + &"</gap>".repeat(60);
    let text = document(&format!("<gap duration='1s'>{}</gap>", &deep));
    assert!(read_xml(&text).is_ok(), "gaps in gaps are no story");
    let deep =
        "<asset-clip ref='av' lane='1' duration='1s'>".repeat(80) + &"</asset-clip>".repeat(80);
    let text = document(&format!("<gap duration='1s'>{deep}</gap>"));
    assert!(matches!(read_xml(&text), Err(ImportError::TooLarge { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn mutated_files_never_panic(
        cuts in prop::collection::vec((0..3000_usize, 0..20_usize, "[-0-9<>/&a-z='s ]{0,8}"), 0..4),
        numbers in prop::collection::vec((0..200_usize, any::<i64>()), 0..6),
    ) {
        let mut text = document(
            "<asset-clip ref='av' offset='3600s' start='5s' duration='1s'>\
             <timeMap><timept time='0s' value='0s'/><timept time='50s' value='100s'/></timeMap>\
             <conform-rate srcFrameRate='24'/><adjust-crop mode='pan'><pan-rect left='1'/></adjust-crop>\
             <asset-clip ref='a' lane='-1' offset='0s' duration='1s'/></asset-clip>\
             <transition offset='7201/2s' duration='1s'/><ref-clip ref='c' offset='3601s' duration='1s'/>\
             <mc-clip ref='m' duration='1s'/><sync-clip duration='1s'><spine><gap duration='1s'/></spine></sync-clip>",
        );
        for (index, number) in numbers {
            let spans: Vec<_> = text.match_indices(|c: char| c.is_ascii_digit()).collect();
            let at = spans[index % spans.len()].0;
            text.replace_range(at..=at, &number.to_string());
        }
        for (at, length, with) in cuts {
            let at = at.min(text.len());
            let end = (at + length).min(text.len());
            text.replace_range(at..end, &with);
        }
        let _ = read_xml(&text);
    }
}

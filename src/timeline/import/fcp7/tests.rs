use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::read_fcp7;
use crate::media::Size;
use crate::time::{FrameRate, MediaSpan, MediaTime};
use crate::timeline::import::{ImportError, ImportOptions, Imported};
use crate::timeline::{
    Child, CompositionKind, Effect, Fit, Generator, Item, ItemKind, MediaReference, Ratio,
    TrackKind, TransitionKind, WipeEdge,
};

const RATE: &str = "<rate><timebase>25</timebase><ntsc>FALSE</ntsc></rate>";

fn pal() -> FrameRate {
    FrameRate::new(25, 1).unwrap()
}

fn read_xml(text: &str) -> Result<Imported, ImportError> {
    read_fcp7(
        Path::new("cut.xml"),
        &Arc::from(text),
        &ImportOptions::default(),
    )
}

/// A project whose only sequence has these tracks.
fn project(video: &str, audio: &str) -> String {
    format!(
        "<?xml version='1.0'?><!DOCTYPE xmeml><xmeml version='5'><project><children><bin><children>\
         <sequence id='s1'><name>cut</name>{RATE}<timecode>{RATE}<frame>90000</frame>\
         <displayformat>NDF</displayformat></timecode><media><video><format><samplecharacteristics>\
         <width>1920</width><height>1080</height></samplecharacteristics></format>{video}</video>\
         <audio>{audio}</audio></media><marker><name>m</name><in>10</in><out>-1</out></marker>\
         </sequence></children></bin></children></project></xmeml>"
    )
}

fn read(video: &str, audio: &str) -> Imported {
    read_xml(&project(video, audio)).unwrap()
}

/// A clip item; `more` stands inside.
fn clip(name: &str, times: [i64; 4], more: &str) -> String {
    let [start, end, first, last] = times;
    format!(
        "<clipitem id='{name}'><name>{name}</name><duration>1000</duration>{RATE}\
         <start>{start}</start><end>{end}</end><in>{first}</in><out>{last}</out>{more}</clipitem>"
    )
}

fn transition(start: i64, end: i64, alignment: &str, effect: &str) -> String {
    format!(
        "<transitionitem><start>{start}</start><end>{end}</end><alignment>{alignment}</alignment>\
         <effect>{effect}</effect></transitionitem>"
    )
}

fn track(content: &str) -> String {
    format!("<track>{content}<enabled>TRUE</enabled></track>")
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

/// What a track holds, in frames: `name start+duration`, `gap duration`, `/in/out`.
fn summary(track: &Item) -> Vec<String> {
    let frames = |span: MediaSpan| pal().frame_at_floor(MediaTime::ZERO + span).0;
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
    children(track).iter().map(one).collect()
}

fn media(item: &Item) -> &MediaReference {
    match &item.kind {
        ItemKind::Clip(clip) => clip.active_reference().unwrap(),
        _ => panic!("no clip: {item:?}"),
    }
}

#[test]
fn sequences_have_rate_start_size_and_markers() {
    let imported = read(&track(&clip("a", [5, 15, 100, 110], "")), "");
    let timeline = &imported.timeline;
    assert_eq!((&*timeline.name, timeline.rate), ("cut", pal()));
    let hour = MediaTime::ZERO + MediaSpan::from_secs(3600);
    assert_eq!(timeline.global_start, Some(hour));
    assert_eq!(timeline.canvas, Size::new(1920, 1080));
    assert_eq!(&*timeline.root.markers[0].name, "m");
    assert_eq!(summary(tracks(&imported)[0]), ["gap 5", "a 100+10"]);
    let metadata = as_item(&children(tracks(&imported)[0])[1]).metadata.text();
    assert!(metadata.starts_with("<clipitem id='a'>") && metadata.ends_with("</clipitem>"));
}

#[test]
fn ntsc_rates_and_anamorphic_pixels_are_exact() {
    let text = project(&track(""), "")
        .replace("<ntsc>FALSE", "<ntsc>TRUE")
        .replace("<timebase>25", "<timebase>30")
        .replace("<width>1920</width><height>1080", "<pixelaspectratio>NTSC-601</pixelaspectratio><anamorphic>TRUE</anamorphic><width>704</width><height>480")
        .replace("NDF", "DF");
    let timeline = read_xml(&text).unwrap().timeline;
    assert_eq!(timeline.rate, FrameRate::new(30_000, 1001).unwrap());
    assert_eq!(timeline.canvas, Size::new(853, 480));
    assert!(timeline.drop_frame);
}

#[test]
fn files_are_named_once_and_count_from_their_timecode() {
    let file = format!(
        "<file id='f'><name>a.mov</name><pathurl>file://localhost/a.mov</pathurl>{RATE}\
         <duration>500</duration><timecode>{RATE}<frame>50</frame></timecode></file>"
    );
    let video =
        track(&(clip("a", [0, 10, 0, 10], &file) + &clip("b", [10, 20, 5, 15], "<file id='f'/>")));
    let imported = read(&video, "");
    assert_eq!(summary(tracks(&imported)[0]), ["a 50+10", "b 55+10"]);
    let MediaReference::File { target, available } =
        media(as_item(&children(tracks(&imported)[0])[1]))
    else {
        panic!("no file");
    };
    assert_eq!(&**target, "file://localhost/a.mov");
    let available = available.unwrap().range;
    assert_eq!(available.start, MediaTime::ZERO + MediaSpan::from_secs(2));
    assert_eq!(available.duration, MediaSpan::from_secs(20));
}

#[test]
fn transitions_cut_where_they_are_aligned() {
    let dissolve = "<name>Cross Dissolve</name><effectid>Cross Dissolve</effectid>";
    let wipe = "<name>Edge Wipe</name><effectid>Edge Wipe</effectid>\
                <effectcategory>Wipe</effectcategory><wipecode>2</wipecode><reverse>TRUE</reverse>";
    let cube = "<name>Cube Spin</name><effectid>Cube Spin</effectid>";
    let video = track(
        &(transition(0, 8, "start-black", dissolve)
            + &clip("a", [-1, -1, 100, 130], "")
            + &transition(20, 30, "center", dissolve)
            + &clip("b", [-1, -1, 200, 230], "")
            + &transition(40, 50, "end", wipe)
            + &clip("c", [-1, -1, 300, 330], "")
            + &transition(62, 70, "end-black", cube)),
    );
    let imported = read(&video, "");
    assert_eq!(
        summary(tracks(&imported)[0]),
        [
            "/0/8", "a 100+25", "/5/5", "b 205+25", "/10/0", "c 310+20", "/8/0"
        ]
    );
    let kinds: Vec<_> = children(tracks(&imported)[0])
        .iter()
        .filter_map(|child| match child {
            Child::Transition(some) => Some(some.kind),
            Child::Item(_) => None,
        })
        .collect();
    let dissolve = TransitionKind::Dissolve;
    let wipe = TransitionKind::Wipe(WipeEdge::BottomToTop);
    assert_eq!(kinds, [dissolve, dissolve, wipe, dissolve]);
    assert_eq!(imported.notes.len(), 1);
    assert!(imported.notes[0].text.contains("Cube Spin"));
}

#[test]
fn overlaps_follow_one_another_and_are_noted() {
    let video = track(&(clip("a", [0, 20, 0, 20], "") + &clip("b", [15, 25, 0, 10], "")));
    let imported = read(&video, "");
    assert_eq!(summary(tracks(&imported)[0]), ["a 0+20", "b 0+10"]);
    assert!(imported.notes[0].text.contains("5 frames"));
}

/// A `timeremap` filter with these parameters.
fn remap(parameters: &[(&str, &str)]) -> String {
    let mut text = "<filter><effect><effectid>timeremap</effectid>".to_owned();
    for (id, value) in parameters {
        write!(
            text,
            "<parameter><parameterid>{id}</parameterid>{value}</parameter>"
        )
        .unwrap();
    }
    text + "</effect></filter>"
}

#[test]
fn speeds_say_which_frame_is_shown() {
    let speed = |value: &str, reverse: &str| {
        let value = format!("<value>{value}</value>");
        let reverse = format!("<value>{reverse}</value>");
        remap(&[
            ("variablespeed", "<value>0</value>"),
            ("speed", &value),
            ("reverse", &reverse),
        ])
    };
    let keys = "<value>0</value>\
        <keyframe><when>0</when><value>0</value></keyframe>\
        <keyframe><when>100</when><value>200</value></keyframe>\
        <keyframe><when>200</when><value>200</value></keyframe>\
        <keyframe><when>300</when><value>150</value></keyframe>";
    let keyed = remap(&[("variablespeed", "<value>1</value>"), ("graphdict", keys)]);
    let video = track(
        &(clip("double", [0, 10, 20, 30], &speed("200", "FALSE"))
            + &clip("reverse", [10, 20, 20, 30], &speed("50", "TRUE"))
            + &clip("still", [20, 30, 20, 30], &speed("0", "FALSE"))
            + &clip("same", [30, 40, 20, 30], &speed("100", "FALSE"))
            + &clip("keyed", [40, 260, 50, 270], &keyed)),
    );
    let imported = read(&video, "");
    // 1000 frames long: retimed frame 20 of it shows (999 - 20) / 2 when reversed at half speed.
    assert_eq!(
        summary(tracks(&imported)[0]),
        [
            "double 40+10",
            "reverse 489+10",
            "still 0+10",
            "same 20+10",
            "keyed 100+220"
        ]
    );
    let effects: Vec<_> = children(tracks(&imported)[0])
        .iter()
        .map(|child| as_item(child).effects.as_slice())
        .collect();
    assert_eq!(effects[0], [Effect::Speed(Ratio::new(2, 1).unwrap())]);
    let [Effect::Map(reverse)] = effects[1] else {
        panic!("{:?}", effects[1]);
    };
    assert_eq!(reverse.pieces()[0].speed, Ratio::new(-1, 2).unwrap());
    assert_eq!((effects[2], effects[3]), (&[Effect::Freeze][..], &[][..]));
    let [Effect::Map(keyed)] = effects[4] else {
        panic!("{:?}", effects[4]);
    };
    let frames = |frames: i64| MediaSpan::from_millis(40 * frames);
    for (item, source) in [
        (0, 0),
        (25, 50),
        (50, 100),
        (149, 100),
        (150, 100),
        (170, 90),
    ] {
        assert_eq!(keyed.source_at(frames(item)), frames(source), "{item}");
    }
    assert_eq!(imported.notes, []);
}

#[test]
fn film_in_an_ntsc_sequence_is_shown_frame_by_frame() {
    let film = "<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>";
    let ntsc = "<rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate>";
    let text = project(
        &track(&clip("a", [0, 10, 0, 10], "").replace(RATE, film)),
        "",
    )
    .replace(RATE, ntsc);
    let imported = read_xml(&text).unwrap();
    let item = as_item(&children(tracks(&imported)[0])[0]);
    assert_eq!(
        item.effects,
        [Effect::Speed(Ratio::new(1000, 1001).unwrap())]
    );
}

#[test]
fn filters_become_a_look() {
    let number = |id: &str, value: &str| {
        format!("<parameter><parameterid>{id}</parameterid>{value}</parameter>")
    };
    let filter = |id: &str, parameters: &str| {
        format!(
            "<filter><effect><name>{id}</name><effectid>{id}</effectid>{parameters}</effect></filter>"
        )
    };
    let basic = filter(
        "basic",
        &(number("scale", "<value>50</value>")
            + &number("rotation", "<value>-90</value>")
            + &number(
                "center",
                "<value><horiz>0.25</horiz><vert>-0.5</vert></value>",
            )),
    );
    let opacity = filter(
        "opacity",
        &number(
            "opacity",
            "<value>100</value><keyframe><when>0</when><value>30</value></keyframe>",
        ),
    );
    let crop = filter("crop", &number("left", "<value>25</value>"));
    let glow = filter("glow", "");
    let uhd = "<file id='f'><pathurl>a</pathurl><media><video><samplecharacteristics>\
               <width>3840</width><height>2160</height></samplecharacteristics></video></media></file>";
    let imported = read(
        &track(&clip(
            "a",
            [0, 10, 0, 10],
            &(basic + &opacity + &crop + &glow + uhd),
        )),
        "",
    );
    let item = as_item(&children(tracks(&imported)[0])[0]);
    let look = item.look;
    assert_eq!((look.fit, look.scale), (Fit::None, [0.5, 0.5]));
    assert_eq!((look.rotation, look.position), (-90.0, [0.25, -0.5]));
    assert_eq!((look.opacity, look.crop), (0.3, [0.25, 0.0, 0.0, 0.0]));
    assert!(matches!(item.effects.as_slice(), [Effect::Unknown { name, .. }] if &**name == "glow"));
    let notes: Vec<_> = imported.notes.iter().map(|note| &*note.text).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
}

#[test]
fn levels_become_gains() {
    let levels = |level: &str| {
        let filter = format!(
            "<filter><effect><effectid>audiolevels</effectid><parameter><parameterid>level</parameterid>\
             <value>{level}</value></parameter></effect></filter>"
        );
        let imported = read(&track(&clip("a", [0, 10, 0, 10], &filter)), "");
        assert_eq!(imported.notes, []);
        as_item(&children(tracks(&imported)[0])[0]).effects.clone()
    };
    assert_eq!(levels("0.25"), [Effect::Gain(0.25)]);
    assert_eq!(levels("1"), []);
    assert_eq!(levels("1000"), [Effect::Gain(4.0)], "12 dB is the most");
}

#[test]
fn generators_are_made_or_noted() {
    let generator = |name: &str, more: &str| {
        clip(
            name,
            [-1, -1, 0, 10],
            &format!("<effect><name>{name}</name>{more}</effect>"),
        )
        .replace("clipitem", "generatoritem")
    };
    let red = "<parameter><value><alpha>255</alpha><red>255</red><green>0</green><blue>51</blue>\
               </value></parameter>";
    let imported = read(
        &track(
            &(generator("Slug", "")
                + &generator("Color", red)
                + &generator("Bars and Tone", "")
                + &generator("Text", "")),
        ),
        "",
    );
    let track = tracks(&imported)[0];
    let generators: Vec<_> = children(track)
        .iter()
        .map(|child| match media(as_item(child)) {
            MediaReference::Generator { generator, .. } => *generator,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        generators,
        [
            Generator::Solid([0.0, 0.0, 0.0, 1.0]),
            Generator::Solid([1.0, 0.0, 0.2, 1.0]),
            Generator::Bars,
            Generator::Unknown
        ]
    );
    assert_eq!(imported.notes.len(), 1);
}

#[test]
fn nested_sequences_show_the_tracks_of_their_kind() {
    let inner = format!(
        "<sequence id='s2'>{RATE}<media><video>{}</video><audio>{}</audio></media></sequence>",
        track(&clip("picture", [0, 50, 0, 50], "")),
        track(&clip("sound", [0, 50, 0, 50], ""))
    );
    let imported = read(
        &track(&clip("nest", [0, 10, 5, 15], &inner)),
        &track(&clip("nest", [0, 10, 5, 15], "<sequence id='s2'/>")),
    );
    let [video, audio] = tracks(&imported)[..] else {
        panic!("two tracks");
    };
    for (track, name) in [(video, "picture"), (audio, "sound")] {
        assert_eq!(summary(track), ["nest 5+10"]);
        let nest = as_item(&children(track)[0]);
        let [inner] = children(nest) else {
            panic!("one track of its kind");
        };
        assert_eq!(summary(as_item(inner)), [format!("{name} 0+50")]);
    }
}

#[test]
fn a_sequence_in_itself_ends() {
    let text = project(
        &track(&clip("self", [0, 10, 0, 10], "<sequence id='s1'/>")),
        "",
    );
    let imported = read_xml(&text).unwrap();
    assert!(imported.notes[0].text.contains("nested in itself"));
    // Each sequence shows the next one twice: a thousand million clips in all.
    let mut nested = String::new();
    for level in 2..32 {
        let next = format!("<sequence id='s{}'/>", level + 1);
        let twice = clip("a", [0, 10, 0, 10], &next) + &clip("b", [10, 20, 0, 10], &next);
        let twice = track(&twice);
        write!(
            nested,
            "<sequence id='s{level}'>{RATE}<media><video>{twice}</video></media></sequence>"
        )
        .unwrap();
    }
    let first = track(&clip("a", [0, 10, 0, 10], "<sequence id='s2'/>"));
    let text = project(&first, "").replace("</bin>", &format!("</bin>{nested}"));
    assert!(matches!(read_xml(&text), Err(ImportError::TooLarge { .. })));
}

#[test]
fn each_source_is_heard_once() {
    let file = "<file id='f'><pathurl>a.wav</pathurl></file>";
    let channel =
        |index: u32| format!("<sourcetrack><trackindex>{index}</trackindex></sourcetrack>");
    let left = track(&clip("l", [0, 10, 0, 10], &(file.to_owned() + &channel(1))));
    let right = track(&clip(
        "r",
        [0, 10, 0, 10],
        &("<file id='f'/>".to_owned() + &channel(2)),
    ));
    let other = track(&clip("o", [0, 10, 5, 15], "<file id='f'/>"));
    let exploded = right.replace("<track>", "<track currentExplodedTrackIndex='1'>");
    let imported = read("", &(left + &right + &exploded + &other));
    let all = tracks(&imported);
    assert_eq!(all.len(), 2);
    assert_eq!(summary(all[0]), ["l 0+10"]);
    assert_eq!(summary(all[1]), ["o 5+10"]);
    assert!(all.iter().all(|track| matches!(
        &track.kind,
        ItemKind::Composition(some) if some.kind == CompositionKind::Track(TrackKind::Audio)
    )));
}

#[test]
fn what_is_disabled_keeps_its_place() {
    let off = clip("off", [0, 10, 0, 10], "<enabled>FALSE</enabled>");
    let imported = read(
        &(track(&off) + "<track><enabled>FALSE</enabled></track>"),
        "",
    );
    let all = tracks(&imported);
    assert!(!as_item(&children(all[0])[0]).enabled && all[0].enabled && !all[1].enabled);
}

#[test]
fn the_first_sequence_with_clips_is_played() {
    let empty = format!("<sequence><name>empty</name>{RATE}<media/></sequence>");
    let text = project(&track(&clip("a", [0, 10, 0, 10], "")), "")
        .replace("<project>", &format!("{empty}<project>"));
    let imported = read_xml(&text).unwrap();
    assert_eq!(&*imported.timeline.name, "cut");
    assert!(imported.notes[0].text.contains("`empty`"));
    let alone = read_xml(&format!("<xmeml>{empty}</xmeml>")).unwrap();
    assert_eq!(tracks(&alone).len(), 0);
    assert!(matches!(
        read_xml("<xmeml/>"),
        Err(ImportError::Invalid { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn mutated_files_never_panic(
        cuts in prop::collection::vec((0..4000_usize, 0..20_usize, "[-0-9<>/&a-z ]{0,8}"), 0..4),
        numbers in prop::collection::vec((0..60_usize, any::<i64>()), 0..6),
    ) {
        let dissolve = transition(5, 15, "center", "<name>x</name>");
        let nested = format!(
            "<sequence id='n'>{RATE}<media><video>{}</video></media></sequence>",
            track(&clip("b", [0, 10, 0, 10], ""))
        );
        let keyed = remap(&[
            ("variablespeed", "<value>1</value>"),
            ("graphdict", "<keyframe><when>0</when><value>5</value></keyframe>\
                           <keyframe><when>10</when><value>7</value></keyframe>"),
        ]);
        let video = track(
            &(clip("a", [0, -1, 0, 15], &keyed) + &dissolve + &clip("n", [-1, 25, 0, 20], &nested)),
        );
        let mut text = project(&video, &track(&clip("a", [0, 10, 0, 10], "")));
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

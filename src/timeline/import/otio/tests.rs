//! Whole files, small.

use proptest::prelude::*;

use super::*;
use crate::time::MediaSpan;
use crate::timeline::import::Limits;
use crate::timeline::{
    Clip, Effect, Generator, MediaReference, MissingFrames, Ratio, Transition, TransitionKind,
    WipeEdge,
};

fn read(text: &str) -> Result<Imported, ImportError> {
    read_otio(
        Path::new("/cuts/a.otio"),
        text.into(),
        &ImportOptions::default(),
    )
}

fn time(value: &str, rate: &str) -> String {
    format!(r#"{{"OTIO_SCHEMA": "RationalTime.1", "value": {value}, "rate": {rate}}}"#)
}

fn range(start: &str, duration: &str) -> String {
    format!(
        r#"{{"OTIO_SCHEMA": "TimeRange.1", "start_time": {}, "duration": {}}}"#,
        time(start, "24"),
        time(duration, "24")
    )
}

/// A timeline of one video track with these children.
fn timeline(children: &[&str]) -> String {
    format!(
        r#"{{"OTIO_SCHEMA": "Timeline.1", "name": "cut", "metadata": {{"a": [1, "é"]}},
        "tracks": {{"OTIO_SCHEMA": "Stack.1", "children": [
        {{"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [{}]}}]}}}}"#,
        children.join(",")
    )
}

/// A clip of 24 frames with more members.
fn clip(members: &str) -> String {
    format!(
        r#"{{"OTIO_SCHEMA": "Clip.2", "name": "shot", "source_range": {}, {members}}}"#,
        range("10", "24")
    )
}

/// The children of the only track.
fn children(imported: &Imported) -> Arc<[Child]> {
    let root = imported.timeline.root.composition().unwrap();
    let track = root.items().next().unwrap();
    Arc::clone(&track.composition().unwrap().children)
}

fn only_item(imported: &Imported) -> Arc<Item> {
    match &children(imported)[..] {
        [Child::Item(item)] => Arc::clone(item),
        other => panic!("{other:?}"),
    }
}

fn only_clip(imported: &Imported) -> Clip {
    match &only_item(imported).kind {
        ItemKind::Clip(clip) => (**clip).clone(),
        other => panic!("{other:?}"),
    }
}

fn only_transition(imported: &Imported) -> Arc<Transition> {
    match &children(imported)[..] {
        [Child::Transition(transition)] => Arc::clone(transition),
        other => panic!("{other:?}"),
    }
}

/// The only clip's only reference, and what was noted.
fn reference(text: &str) -> (MediaReference, Vec<String>) {
    let text = timeline(&[&clip(&format!(r#""media_reference": {text}"#))]);
    let imported = read(&text).unwrap();
    let reference = only_clip(&imported).active_reference().unwrap().clone();
    (reference, notes(&imported))
}

fn notes(imported: &Imported) -> Vec<String> {
    imported.notes.iter().map(ToString::to_string).collect()
}

fn frames(count: i64) -> MediaSpan {
    MediaSpan::from_flicks(29_400_000 * count)
}

#[test]
fn a_timeline_is_read_with_its_metadata_as_they_came() {
    let text = timeline(&[&clip(
        r#""metadata": {"b": {"c": NaN}}, "enabled": false, "media_references": {
        "full": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "a%20b.mov"},
        "proxy": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "p.mov", "available_image_bounds":
            {"OTIO_SCHEMA": "Box2d.1", "min": {"OTIO_SCHEMA": "V2d.1", "x": -1, "y": 0}, "max": {"x": 1.5, "y": 2}}}},
        "active_media_reference_key": "proxy""#,
    )]);
    let imported = read(&text).unwrap();
    assert!(imported.notes.is_empty(), "{:?}", imported.notes);
    assert_eq!(imported.base, Path::new("/cuts"));
    let read = &imported.timeline;
    assert_eq!((&*read.name, read.rate.to_string().as_str()), ("cut", "24"));
    assert_eq!(read.metadata.text(), r#"{"a": [1, "é"]}"#);
    assert_eq!(read.duration(), frames(24));
    let item = only_item(&imported);
    assert!(!item.enabled && &*item.name == "shot");
    assert_eq!(item.metadata.text(), r#"{"b": {"c": NaN}}"#);
    assert_eq!(item.trimmed_range().start.since_zero(), frames(10));
    let clip = only_clip(&imported);
    assert_eq!((clip.active, clip.references.len()), (1, 2));
    let bounds = clip.references[1].bounds.unwrap();
    assert_eq!((bounds.min, bounds.max), ([-1.0, 0.0], [1.5, 2.0]));
}

#[test]
fn older_names_and_versions_are_read_and_the_schema_may_come_last() {
    let gap = format!(
        r#"{{"source_range": {}, "OTIO_SCHEMA": "Filler.1"}}"#,
        range("0", "5")
    );
    let text = format!(
        r#"{{"tracks": {{"children": [{{"children": [{gap}], "kind": "Audio", "OTIO_SCHEMA": "Sequence.1"}}],
        "OTIO_SCHEMA": "Stack.1"}}, "OTIO_SCHEMA": "Timeline.1"}}"#
    );
    let imported = read(&text).unwrap();
    assert_eq!(imported.timeline.track_count(TrackKind::Audio), 1);
    assert_eq!(imported.timeline.duration(), frames(5));
    let marker = format!(
        r#"{{"OTIO_SCHEMA": "Marker.1", "name": "m", "range": {}, "color": "RED"}},
        {{"OTIO_SCHEMA": "Marker.3", "marked_range": {}, "color": {{"OTIO_SCHEMA": "Color.1", "name": "BLUE"}}}}"#,
        range("3", "1"),
        range("4", "0"),
    );
    let imported = read(&timeline(&[&clip(&format!(r#""markers": [{marker}]"#))])).unwrap();
    let item = only_item(&imported);
    let colors: Vec<&str> = item.markers.iter().map(|marker| &*marker.color).collect();
    assert_eq!(colors, ["RED", "BLUE"]);
    assert_eq!(item.markers[0].range.start.since_zero(), frames(3));
    assert!(imported.notes.is_empty(), "{:?}", imported.notes);
    // A newer version is read as the newest known.
    let newer = timeline(&[&clip("").replace(", }", "}").replace("Clip.2", "Clip.7")]);
    let notes = notes(&read(&newer).unwrap());
    assert!(
        matches!(&notes[..], [only] if only.contains("Clip.7 is newer")),
        "{notes:?}"
    );
}

#[test]
fn any_object_of_a_timeline_may_be_the_root() {
    let clip = clip(r#""media_reference": null"#);
    let track = format!(r#"{{"OTIO_SCHEMA": "Track.1", "kind": "Audio", "children": [{clip}]}}"#);
    let stack = format!(r#"{{"OTIO_SCHEMA": "Stack.1", "children": [{track}]}}"#);
    for (text, video, audio) in [(&clip, 1, 0), (&track, 0, 1), (&stack, 0, 1)] {
        let imported = read(text).unwrap();
        let counts =
            [TrackKind::Video, TrackKind::Audio].map(|kind| imported.timeline.track_count(kind));
        assert_eq!(counts, [video, audio], "{text}");
        assert_eq!(imported.timeline.clip_count(), 1);
        assert_eq!(imported.timeline.duration(), frames(24));
    }
    let collection = format!(
        r#"{{"OTIO_SCHEMA": "SerializableCollection.1", "children": [{clip},
        {{"OTIO_SCHEMA": "SerializeableCollection.1", "children": [{}]}}, {}]}}"#,
        timeline(&[]),
        timeline(&[&clip]),
    );
    let imported = read(&collection).unwrap();
    assert_eq!(
        (&*imported.timeline.name, imported.timeline.clip_count()),
        ("cut", 0)
    );
    assert!(
        notes(&imported)
            .iter()
            .any(|note| note.contains("2 more objects"))
    );
}

#[test]
fn retimes_become_exact_and_unknown_effects_are_listed() {
    let text = timeline(&[&clip(
        r#""effects": [
        {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": -0.5},
        {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 0},
        {"OTIO_SCHEMA": "FreezeFrame.1", "time_scalar": 0.0},
        {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 1.0000000123},
        {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": NaN},
        {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 2, "enabled": false},
        {"OTIO_SCHEMA": "TimeEffect.1", "effect_name": "keyed"},
        {"OTIO_SCHEMA": "Effect.1", "name": "blur", "metadata": {"radius": 3}}]"#,
    )]);
    let imported = read(&text).unwrap();
    let item = only_item(&imported);
    let half = Ratio::new(-1, 2).unwrap();
    let [
        Effect::Speed(first),
        Effect::Freeze,
        Effect::Freeze,
        Effect::Speed(near),
        rest @ ..,
    ] = &item.effects[..]
    else {
        panic!("{:?}", item.effects);
    };
    assert_eq!((*first, *near), (half, Ratio::ONE));
    let names: Vec<_> = rest
        .iter()
        .map(|effect| match effect {
            Effect::Unknown { name, metadata } => (&**name, metadata.text()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, [("keyed", ""), ("blur", r#"{"radius": 3}"#)]);
    let notes = notes(&imported);
    assert_eq!(notes.len(), 4, "{notes:?}");
    assert!(
        notes[0].starts_with("tracks/children/0/children/0/effects/3: a speed of 1.0000000123")
    );
}

#[test]
fn transitions_are_dissolves_unless_their_metadata_say_which_wipe() {
    let transition = |kind: &str, metadata: &str| {
        let text = format!(
            r#"{{"OTIO_SCHEMA": "Transition.1", "transition_type": "{kind}", "in_offset": {},
            "out_offset": {}, "metadata": {metadata}}}"#,
            time("5", "24"),
            time("-1", "24")
        );
        let imported = read(&timeline(&[&text])).unwrap();
        let transition = only_transition(&imported);
        assert_eq!(transition.in_offset, frames(5));
        assert_eq!(transition.out_offset, MediaSpan::ZERO);
        // Two notes are on the negative offset and on the rate.
        (transition.kind, imported.notes.len() - 2)
    };
    let wipe = TransitionKind::Wipe;
    for (kind, metadata, expected, notes) in [
        ("SMPTE_Dissolve", "{}", TransitionKind::Dissolve, 0),
        (
            "Custom_Transition",
            r#"{"fcp_xml": {"wipecode": "1"}}"#,
            wipe(WipeEdge::LeftToRight),
            0,
        ),
        (
            "SMPTE_Wipe",
            r#"{"cmx_3600": {"transition": "W201"}}"#,
            wipe(WipeEdge::Clock),
            0,
        ),
        (
            "SMPTE_Wipe",
            r#"{"cmx_3600": {"transition": "W250"}}"#,
            TransitionKind::Dissolve,
            1,
        ),
        ("Custom_Transition", "{}", TransitionKind::Dissolve, 1),
    ] {
        assert_eq!(
            transition(kind, metadata),
            (expected, notes),
            "{kind} {metadata}"
        );
    }
}

#[test]
fn references_of_every_kind_are_read() {
    let (found, notes) = reference(
        r#"{"OTIO_SCHEMA": "ImageSequenceReference.1", "target_url_base": "file:///seq/", "name_prefix": "a.",
        "name_suffix": ".exr", "start_frame": 1001, "frame_step": 2, "rate": 23.98,
        "frame_zero_padding": 4, "missing_frame_policy": "hold"}"#,
    );
    let MediaReference::Sequence(sequence) = found else {
        panic!("{found:?}")
    };
    assert_eq!(
        (sequence.start, sequence.step, sequence.digits),
        (1001, 2, 4)
    );
    assert_eq!(sequence.missing, MissingFrames::Hold);
    assert_eq!((sequence.rate.num(), sequence.rate.den()), (12_000, 1001));
    assert!(notes.is_empty(), "{notes:?}");

    for (text, generator, count) in [
        (r#""SMPTEBars""#, Generator::Bars, 0),
        (r#""black""#, Generator::Solid([0.0, 0.0, 0.0, 1.0]), 0),
        (
            r#""SolidColor", "parameters": {"color": [1, 0.5, 7, 0]}"#,
            Generator::Solid([1.0, 0.5, 1.0, 0.0]),
            0,
        ),
        (
            r#""Solid Color", "parameters": {"color": {"r": 1, "g": 0, "b": 0}}"#,
            Generator::Solid([1.0, 0.0, 0.0, 1.0]),
            0,
        ),
        (r#""solid""#, Generator::Solid([0.0, 0.0, 0.0, 1.0]), 1),
        (r#""lava lamp""#, Generator::Unknown, 1),
    ] {
        let text =
            format!(r#"{{"OTIO_SCHEMA": "GeneratorReference.1", "generator_kind": {text}}}"#);
        let (found, notes) = reference(&text);
        let available = None;
        assert_eq!(
            found,
            MediaReference::Generator {
                generator,
                available
            },
            "{text}"
        );
        assert_eq!(notes.len(), count, "{notes:?}");
    }
    for (text, name, count) in [
        ("null", "", 0),
        (
            r#"{"OTIO_SCHEMA": "MissingReference.1", "name": "reel 1"}"#,
            "reel 1",
            0,
        ),
        (
            r#"{"OTIO_SCHEMA": "studio.Asset.3", "name": "reel 2"}"#,
            "reel 2",
            2,
        ),
        (
            r#"{"OTIO_SCHEMA": "ExternalReference.1", "target_url": null}"#,
            "",
            1,
        ),
        ("5", "", 1),
    ] {
        let (found, notes) = reference(text);
        let (name, available) = (name.into(), None);
        assert_eq!(found, MediaReference::Missing { name, available }, "{text}");
        assert_eq!(notes.len(), count, "{notes:?}");
    }
}

#[test]
fn what_is_not_known_keeps_its_place() {
    let unknown = format!(
        r#"{{"OTIO_SCHEMA": "studio.Title.1", "source_range": {}}}"#,
        range("0", "7")
    );
    let imported = read(&timeline(&[&unknown])).unwrap();
    let item = only_item(&imported);
    assert_eq!((&*item.name, item.duration()), ("studio.Title", frames(7)));
    let clip = only_clip(&imported);
    let shown = clip.active_reference().unwrap();
    assert!(matches!(
        shown,
        MediaReference::Generator {
            generator: Generator::Unknown,
            ..
        }
    ));
    let lengthless = read(&timeline(&[r#"{"OTIO_SCHEMA": "studio.Title.1"}"#])).unwrap();
    assert!(children(&lengthless).is_empty());
    assert_eq!(notes(&lengthless).len(), 2, "{:?}", lengthless.notes);
}

#[test]
fn numbers_that_are_no_times_are_left_out_and_listed() {
    let length = |value: &str, rate: &str| {
        let range = format!(
            r#"{{"OTIO_SCHEMA": "TimeRange.1", "duration": {}}}"#,
            time(value, rate)
        );
        let gap = format!(r#"{{"OTIO_SCHEMA": "Gap.1", "source_range": {range}}}"#);
        let imported = read(&timeline(&[&gap])).unwrap();
        (imported.timeline.duration(), !imported.notes.is_empty())
    };
    assert_eq!(length("48", "24"), (frames(48), false));
    assert_eq!(length("NaN", "24"), (MediaSpan::ZERO, true));
    assert_eq!(length("Infinity", "24"), (MediaSpan::ZERO, true));
    assert_eq!(length("5", "0"), (MediaSpan::ZERO, true));
    assert_eq!(length("5", "-24"), (MediaSpan::ZERO, true));
    assert_eq!(length("-5", "24"), (MediaSpan::ZERO, true));
    assert_eq!(length("\"5\"", "24"), (MediaSpan::ZERO, true));
    let (longest, is_noted) = length("1e300", "24");
    assert!(longest > MediaSpan::from_secs(300_000_000) && is_noted);
}

#[test]
fn the_rate_is_that_of_the_start_or_of_most_clips_seen() {
    let item = |schema: &str, rate: &str, more: &str| {
        format!(
            r#"{{"OTIO_SCHEMA": "{schema}", "source_range": {{"duration": {}}} {more}}}"#,
            time("10", rate)
        )
    };
    let track = |kind: &str, children: &str| {
        format!(r#"{{"OTIO_SCHEMA": "Track.1", "kind": "{kind}", "children": [{children}]}}"#)
    };
    let rate = |tracks: &[String], start: &str| {
        let text = format!(
            r#"{{"OTIO_SCHEMA": "Timeline.1", "global_start_time": {start}, "tracks":
            {{"OTIO_SCHEMA": "Stack.1", "children": [{}]}}}}"#,
            tracks.join(",")
        );
        let imported = read(&text).unwrap();
        let is_guessed = notes(&imported)
            .iter()
            .any(|note| note.contains("no frame rate"));
        (imported.timeline.rate.to_string(), is_guessed)
    };
    let sound = track("Audio", &item("Clip.1", "44100", ""));
    let disabled = item("Clip.1", "12", r#", "enabled": false"#);
    let (gap, clip) = (item("Gap.1", "60", ""), item("Clip.1", "29.97", ""));
    let seen = track("Video", &format!("{disabled},{gap},{clip}"));
    let start = time("0", "50");
    let is = |rate: &str, is_guessed| (rate.to_owned(), is_guessed);
    assert_eq!(
        rate(&[sound.clone(), seen.clone()], "null"),
        is("29.97", false)
    );
    assert_eq!(rate(&[sound.clone(), seen], &start), is("50", false));
    let [slow, fast] = ["15", "30"].map(|rate| item("Clip.1", rate, ""));
    let mixed = track("Video", &format!("{slow},{fast},{fast}"));
    assert_eq!(rate(&[mixed], "null"), is("30", false));
    let even = track("Video", &format!("{slow},{fast}"));
    assert_eq!(rate(&[even], &time("0", "1")), is("15", false));
    assert_eq!(
        rate(&[sound.clone(), track("Video", &gap)], &start),
        is("50", false)
    );
    assert_eq!(
        rate(&[sound.clone(), track("Video", &gap)], "null"),
        is("60", false)
    );
    assert_eq!(rate(std::slice::from_ref(&sound), "null"), is("25", true));
    let seconds = track("Video", &item("Clip.1", "1", ""));
    assert_eq!(rate(&[seconds], "null"), is("25", true));
}

#[test]
fn what_is_no_timeline_is_refused_with_its_place() {
    for (text, expected) in [
        ("", "line 1: the text ends"),
        ("[]", "line 1: an object was expected"),
        ("{}", "without a schema"),
        (
            r#"{"OTIO_SCHEMA": "Marker.2"}"#,
            "nothing in it can be played",
        ),
        (
            r#"{"OTIO_SCHEMA": "SerializableCollection.1"}"#,
            "no timeline, track or clip",
        ),
        (
            "{\"tracks\":\n {\"children\": [\n1, }]}",
            "line 3 (tracks/children/1): a value",
        ),
        (r#"{"OTIO_SCHEMA": "Stack.1"} x"#, "something follows"),
    ] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, ImportError::Invalid { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let bytes = b"{\n\"name\": \"\xff\"}".to_vec();
    let error = read_otio_bytes(Path::new("a"), bytes, &ImportOptions::default()).unwrap_err();
    assert!(
        error.to_string().contains("line 2: this is no UTF-8"),
        "{error}"
    );
}

#[test]
fn limits_are_kept_without_following_what_is_beyond_them() {
    let nested = |levels: usize| {
        let mut text = String::new();
        for _ in 0..levels {
            text.push_str(r#"{"OTIO_SCHEMA": "Stack.1", "children": ["#);
        }
        text + &"]}".repeat(levels)
    };
    assert!(read(&nested(Limits::DEFAULT.depth)).is_ok());
    let mut options = ImportOptions::default();
    let refused = |text: &str, options: &ImportOptions| {
        let error = read_otio(Path::new("a"), text.into(), options).unwrap_err();
        assert!(matches!(error, ImportError::TooLarge { .. }), "{error}");
        error.to_string()
    };
    assert!(refused(&nested(100_000), &options).contains("compositions inside one another"));
    let tracks = r#"{"tracks":"#.repeat(100_000);
    refused(&tracks, &options);
    options.limits.depth = usize::MAX;
    refused(&nested(100_000), &options);
    refused(
        &format!(r#"{{"metadata": {}"#, "[".repeat(100_000)),
        &options,
    );
    options.limits.items = 3;
    let gap = r#"{"OTIO_SCHEMA": "Gap.1"}"#;
    assert!(refused(&timeline(&[gap, gap]), &options).contains("3 items"));
    let effects = vec!["{}"; 13].join(",");
    let text = timeline(&[&clip(&format!(r#""effects": [{effects}]"#))]);
    refused(&text, &options);
    options.limits.bytes = 10;
    refused("               ", &options);
}

/// A file that has something of everything.
fn whole() -> String {
    let clips = [
        clip(
            r#""metadata": {"a": [true, null, -1.5e3, "\u00e9"]}, "effects": [{"OTIO_SCHEMA": "LinearTimeWarp.1",
            "time_scalar": 1.5}], "markers": [{"OTIO_SCHEMA": "Marker.2", "marked_range": null}],
            "media_references": {"a": {"OTIO_SCHEMA": "ImageSequenceReference.1", "rate": 24},
            "b": {"OTIO_SCHEMA": "GeneratorReference.1", "parameters": {"color": [1, 2, 3]}}},
            "active_media_reference_key": "a""#,
        ),
        format!(
            r#"{{"OTIO_SCHEMA": "Transition.1", "in_offset": {}, "transition_type": "x"}}"#,
            time("1", "24")
        ),
        r#"{"OTIO_SCHEMA": "Gap.1"}"#.to_owned(),
        r#"{"OTIO_SCHEMA": "SerializableCollection.1", "children": [{"OTIO_SCHEMA": "Timeline.1"}]}"#.to_owned(),
    ];
    timeline(&[&clips[0], &clips[1], &clips[2], &clips[3]])
}

proptest! {
    #[test]
    fn damaged_files_are_refused_or_read_in_part(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let mut bytes = whole().into_bytes();
        for (place, byte, how) in changes {
            // Taking bytes out may leave none.
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, b"{}[]\",:0-eN\\"[usize::from(byte) % 12]),
                _ => bytes.truncate(at.max(1)),
            }
        }
        if let Ok(imported) = read_otio_bytes(Path::new("a"), bytes, &ImportOptions::default()) {
            imported.timeline.duration();
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_otio_bytes(Path::new("a"), bytes, &ImportOptions::default());
    }

    #[test]
    fn any_numbers_are_times_or_listed(
        value in any::<f64>(), rate in any::<f64>(), offset in any::<f64>(),
    ) {
        let number = |value: f64| match value {
            _ if value.is_nan() => "NaN".to_owned(),
            _ if value.is_infinite() => "-Infinity".to_owned(),
            _ => format!("{value:e}"),
        };
        let transition = format!(
            r#"{{"OTIO_SCHEMA": "Transition.1", "out_offset": {}}}"#,
            time(&number(offset), &number(rate))
        );
        let gap = format!(
            r#"{{"OTIO_SCHEMA": "Gap.1", "source_range": {{"start_time": {}, "duration": {}}}}}"#,
            time(&number(offset), &number(rate)),
            time(&number(value), &number(rate))
        );
        let imported = read(&timeline(&[&gap, &transition, &gap])).unwrap();
        prop_assert!(imported.timeline.duration() >= MediaSpan::ZERO);
    }
}

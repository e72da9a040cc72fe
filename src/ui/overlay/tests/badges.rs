//! The badges: each says why it is there.

use std::sync::Arc;

use egui::{Color32, Shape};

use super::timeline::hover;
use super::*;
use crate::decode::Rung;
use crate::media::{ColorInfo, HdrMetadata, PictureTrait, PictureTraits, TransferFunction};
use crate::playback::quality::QualityMode;
use crate::playback::{AudioState, Displaced};
use crate::ui::badges::{self, Subject};
use crate::ui::style;

/// What every badge says that needs no timeline, and a part of its reason.
const REASONS: [(&str, &str); 17] = [
    ("approximate", "This is frame 720"),
    ("offline", "/share/taken.mov"),
    ("changed", "/share/written.mov"),
    ("Source Quality", "The source itself is shown."),
    ("proxy refused", "its sound is missing"),
    ("Red channel", "All channels in colour: "),
    ("+1.00 stops", "Exposure as recorded: "),
    ("gamma 1.20", "Gamma as recorded: "),
    ("quality draft", "was set by hand"),
    ("keyframes", "too slow for more"),
    ("no sound", "there is no device"),
    ("HDR PQ → SDR", "up to 600 cd/m²"),
    ("HDR HLG → SDR", "BT.2390"),
    ("deinterlaced", "two fields a frame"),
    ("VFR", "do not all last equally long"),
    ("colour guessed", "Shown as BT.709 matrix"),
    ("alpha", "checkerboard"),
];

pub(super) fn all_traits() -> PictureTraits {
    let all = PictureTrait::ALL.into_iter();
    all.fold(PictureTraits::default(), |traits, one| {
        traits.with(one, true)
    })
}

/// A screen with everything to say.
fn screen(width: f32) -> Screen {
    let mut screen = Screen::new(width, 900.0, 1.0);
    let snapshot = &mut screen.snapshot;
    let mut media = (**snapshot.media.as_ref().unwrap()).clone();
    let mut info = (*media.info).clone();
    info.video[0].color = ColorInfo {
        transfer: TransferFunction::Pq,
        hdr: Some(HdrMetadata {
            mastering_peak_nits: Some(1000.0),
            max_content_light_nits: Some(600.0),
        }),
        ..ColorInfo::BT709_LIMITED
    };
    media.info = Arc::new(info);
    snapshot.media = Some(Arc::new(media));
    snapshot.traits = all_traits();
    snapshot.approximate = Some(FrameIndex(720));
    snapshot.has_proxies = true;
    let displaced = |path: &str, is_offline| Displaced {
        path: path.into(),
        is_offline,
    };
    let displaced = [
        displaced("/share/taken.mov", true),
        displaced("/share/written.mov", false),
    ];
    snapshot.displaced = Arc::new(displaced.into());
    snapshot.refusals = Some(Arc::new(vec!["its sound is missing".into()]));
    snapshot.view.channel = ViewChannel::Red;
    snapshot.view.exposure_stops = 1.0;
    snapshot.view.gamma = 1.2;
    snapshot.quality.mode = QualityMode::Draft;
    snapshot.quality.rung = Some(Rung::Keyframes);
    snapshot.quality.words = "too slow for more".into();
    snapshot.audio = AudioState::Silent("there is no device".to_owned());
    screen.show(Vec::new());
    screen
}

#[test]
fn every_badge_says_why_it_is_there_under_the_pointer() {
    let mut screen = screen(3840.0);
    let all = badges::all(&screen.input(), None);
    let names: Vec<&str> = all.iter().map(|badge| &*badge.words).collect();
    assert_eq!(names, REASONS.map(|(words, _)| words));
    for (badge, (words, reason)) in all.iter().zip(REASONS) {
        let place = screen.rect(Zone::Badge(badge.subject)).center();
        let told = hover(&mut screen, place);
        assert!(told.contains(words) && told.contains(reason), "{told}");
    }
    let told = hover(&mut screen, pos2(600.0, 400.0));
    assert!(!told.contains("checkerboard"), "{told}");
}

#[test]
fn badges_without_room_are_counted_and_told_all_the_same() {
    let mut screen = screen(1000.0);
    let alpha = Zone::Badge(Subject::Picture(PictureTrait::Alpha));
    assert_eq!(screen.overlay.zones.rect(alpha), None);
    let zones = &screen.overlay.zones;
    let hidden = REASONS.len()
        - zones
            .all()
            .iter()
            .filter(|(zone, _)| matches!(zone, Zone::Badge(_)))
            .count()
        + 1;
    let name = badges::name(Subject::More, &badges::all(&screen.input(), None), zones);
    assert_eq!(name, format!("{hidden} more badges"));

    let more = screen.rect(Zone::Badge(Subject::More)).center();
    let output = screen.pass(vec![Event::PointerMoved(more)]);
    let shapes = output.egui.shapes.clone();
    output.egui.drop_without_applying_deltas();
    let tip = shapes.into_iter().find_map(|clipped| match clipped.shape {
        egui::Shape::Text(text) if text.galley.text().contains("alpha: The") => Some(text.galley),
        _ => None,
    });
    let tip = tip.unwrap();
    assert!(!tip.elided, "{}", tip.text());
    assert!(!tip.text().contains("approximate: "), "that one is shown");
}

#[test]
fn a_badge_that_changes_asks_for_a_pass() {
    let mut screen = screen(3840.0);
    let changes: [fn(&mut Snapshot); 7] = [
        |snapshot| snapshot.displaced = Arc::default(),
        |snapshot| snapshot.traits = PictureTraits::default(),
        |snapshot| snapshot.rung = Rung::Half,
        |snapshot| snapshot.refusals = None,
        |snapshot| snapshot.quality.mode = QualityMode::Source,
        |snapshot| snapshot.quality.words = "it is fast enough".into(),
        |snapshot| snapshot.audio = AudioState::Silent("it is taken".to_owned()),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert!(!screen.overlay.is_stale(&screen.input()), "before {number}");
        change(&mut screen.snapshot);
        assert!(screen.overlay.is_stale(&screen.input()), "after {number}");
        screen.show(Vec::new());
    }
}

#[test]
fn what_is_muted_is_not_called_broken() {
    let mut screen = screen(3840.0);
    screen.snapshot.muted = true;
    screen.show(Vec::new());
    let place = screen.rect(Zone::Badge(Subject::Sound)).center();
    let told = hover(&mut screen, place);
    assert!(
        told.contains("muted") && told.contains("switched off"),
        "{told}"
    );
    assert!(!told.contains("no device"), "{told}");
}

/// A badge as it is painted: its words, and the colours of these, of its ground and of its edge.
fn painted(screen: &mut Screen, subject: Subject) -> (String, [Color32; 3]) {
    let output = screen.pass(Vec::new());
    let shapes = output.egui.shapes.clone();
    output.egui.drop_without_applying_deltas();
    let place = screen.rect(Zone::Badge(subject));
    let shapes = || shapes.iter().map(|clipped| &clipped.shape);
    let ground = shapes().find_map(|shape| match shape {
        Shape::Rect(ground) if ground.rect == place => Some((ground.fill, ground.stroke.color)),
        _ => None,
    });
    let words = shapes().find_map(|shape| match shape {
        Shape::Text(text) if place.contains(text.pos) => {
            Some((text.galley.text().to_owned(), text.fallback_color))
        }
        _ => None,
    });
    let ((fill, edge), (words, color)) = ground.zip(words).unwrap();
    (words, [color, fill, edge])
}

/// What a person calls a colour.
fn name_of(color: Color32) -> &'static str {
    let [red, green, blue, _] = color.to_array();
    if red == green && green == blue {
        "gray"
    } else if blue > red.max(green) {
        "blue"
    } else if green > red.max(blue) {
        "green"
    } else {
        "another"
    }
}

#[test]
fn a_proxy_is_blue_the_source_is_green_and_what_stands_in_is_gray() {
    let mut screen = Screen::usual();
    screen.snapshot.has_proxies = true;
    screen.snapshot.approximate = Some(FrameIndex(720));
    for (rung, words, color, name) in [
        (Rung::Half, "Proxy Active", style::MARK, "blue"),
        (Rung::Quarter, "Proxy Active", style::MARK, "blue"),
        (Rung::Source, "Source Quality", style::GOOD, "green"),
    ] {
        screen.snapshot.rung = rung;
        let (seen, colors) = painted(&mut screen, Subject::Rung);
        assert_eq!((&*seen, colors[0]), (words, color), "{rung:?}");
        assert_eq!(colors.map(name_of), [name; 3], "{rung:?}: {colors:?}");
    }
    let (seen, colors) = painted(&mut screen, Subject::Approximate);
    assert_eq!((&*seen, colors[0]), ("approximate", style::WEAK));
    assert_eq!(colors.map(name_of), ["gray"; 3], "{colors:?}");
    // What is seen counts, not what there is.
    screen.snapshot.has_proxies = false;
    screen.snapshot.rung = Rung::Half;
    assert_eq!(painted(&mut screen, Subject::Rung).0, "Proxy Active");
    screen.snapshot.rung = Rung::Source;
    screen.show(Vec::new());
    assert_eq!(screen.overlay.zones.rect(Zone::Badge(Subject::Rung)), None);
}

//! The badges: each says why it is there.

use std::sync::Arc;

use super::timeline::hover;
use super::*;
use crate::decode::Rung;
use crate::media::{ColorInfo, HdrMetadata, PictureTrait, PictureTraits, TransferFunction};
use crate::playback::AudioState;
use crate::playback::quality::QualityMode;
use crate::ui::badges::{self, Subject};

/// What every badge says that needs no timeline, and a part of its reason.
const REASONS: [(&str, &str); 15] = [
    ("approximate", "This is frame 720"),
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
    let changes: [fn(&mut Snapshot); 6] = [
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

//! The engine and the controller together: clips of a timeline, pauses, memory, the battery.

use std::time::Duration;

use super::media::{Cost, SimMedia, at_millis};
use super::rig::{Display, Rig, RigOptions};
use crate::decode::Rung;
use crate::memory::Shedder;
use crate::playback::quality::{OutputScale, Policy, ProxyUse, QualityMode};
use crate::playback::{Command, PlaybackStatus, SeekTarget};
use crate::time::{FrameIndex, Moment};

/// Frames of a clip, and of all.
const CLIP: i64 = 125;
const FRAMES: usize = 1500;

/// Of 40 ms: too much, and little.
const HEAVY: Cost = Cost::micros(1_000, 60_000);
const LIGHT: Cost = Cost::micros(500, 6_000);

fn clips(sources: &[Cost]) -> SimMedia {
    let mut medium = SimMedia::constant(25, 1, FRAMES).with_rungs(CLIP, sources);
    medium.gop = 1;
    medium
}

fn playing(medium: SimMedia) -> Rig {
    Rig::new(RigOptions::playing(medium, Display::new(50, 1)))
}

/// Whether a frame is of a heavy clip, where heavy and light ones take turns.
fn is_heavy(frame: i64) -> bool {
    frame / CLIP % 2 == 1
}

#[test]
fn heavy_and_light_clips_are_chosen_for_before_their_cuts() {
    let mut rig = playing(clips(&[LIGHT, HEAVY]));
    let ended = |rig: &Rig| rig.snapshot().status == PlaybackStatus::Ended;
    assert!(rig.run_until(at_millis(120_000), ended));
    // The first of each shows what it costs; from then on each is right from its first frame.
    for (at, frame, rung) in rig.session.rungs() {
        let wanted = if is_heavy(frame) {
            Rung::Half
        } else {
            Rung::Source
        };
        assert!(
            rung == wanted || frame < 2 * CLIP,
            "frame {frame} at {at:?} was decoded from {rung:?}"
        );
    }
    let quality = &rig.snapshot().quality;
    assert_eq!(quality.switches, 1, "choices at cuts are no switches");
    let late = rig.records().into_iter().filter(|record| {
        record.frame.0 >= 2 * CLIP && record.fate != crate::metrics::FrameFate::Shown
    });
    assert_eq!(late.count(), 0);
}

#[test]
fn people_are_told_of_the_clip_that_is_on_screen() {
    let mut rig = playing(clips(&[LIGHT, HEAVY]));
    rig.run_for(Duration::from_secs(12));
    // Not within the time from one look to the next after a cut.
    let mut looked = [0; 2];
    while rig.snapshot().status == PlaybackStatus::Playing {
        rig.run_for(Duration::from_millis(50));
        let frame = rig.on_screen().index.0;
        if !(8..CLIP - 8).contains(&(frame % CLIP)) {
            continue;
        }
        let quality = &rig.snapshot().quality;
        let words = &quality.words;
        if is_heavy(frame) {
            assert_eq!(quality.rung, Some(Rung::Half), "{frame}: {words}");
            assert!(words.ends_with("half proxy"), "{frame}: {words}");
        } else {
            assert_eq!(quality.rung, Some(Rung::Source), "{frame}: {words}");
            assert!(words.ends_with("source"), "{frame}: {words}");
        }
        looked[usize::from(is_heavy(frame))] += 1;
        assert_eq!(quality.scale, OutputScale::Full);
    }
    assert!(looked.iter().all(|&looked| looked > 100), "{looked:?}");
    let times = rig.snapshot().quality.times;
    assert!(times.of(Rung::Half) > Duration::from_secs(18), "{times:?}");
    assert!(
        times.of(Rung::Source) > Duration::from_secs(18),
        "{times:?}"
    );
}

/// When the frame held was first decoded from its source after `since`.
fn whole_after(rig: &Rig, since: Moment) -> Option<Duration> {
    let held = rig.on_screen().index.0;
    let log = rig.session.rungs();
    let mut whole = log
        .iter()
        .filter(|&&(at, frame, rung)| at >= since && frame == held && rung == Rung::Source);
    whole.next().map(|(at, ..)| at.since(since))
}

#[test]
fn a_pause_shows_the_source_at_once_where_every_frame_is_a_keyframe() {
    for clip_frames in [0, CLIP] {
        let mut medium = SimMedia::constant(25, 1, FRAMES).with_rungs(clip_frames, &[HEAVY]);
        medium.gop = 1;
        let mut rig = playing(medium);
        rig.run_for(Duration::from_secs(6));
        assert_eq!(rig.snapshot().quality.rung, Some(Rung::Half));
        rig.send(Command::Pause);
        let since = rig.now();
        let seen = rig.seen.len();
        rig.run_for(Duration::from_millis(500));
        let began = whole_after(&rig, since).unwrap();
        let shown = rig.seen.last().filter(|_| rig.seen.len() > seen).unwrap();
        let took = shown.presented.since(since);
        assert!(
            began < Duration::from_millis(20),
            "{clip_frames}: {began:?}"
        );
        assert!(
            took <= Duration::from_millis(150),
            "{clip_frames}: {took:?}"
        );
        let quality = &rig.snapshot().quality;
        assert!(quality.words.starts_with("at rest"), "{}", quality.words);
        // And it plays on with what played.
        rig.send(Command::Play);
        rig.run_for(Duration::from_secs(1));
        assert_eq!(rig.snapshot().quality.rung, Some(Rung::Half));
        assert_eq!(rig.snapshot().quality.switches, 1);
    }
}

#[test]
fn a_pause_within_a_gop_takes_no_longer_than_a_cold_seek() {
    let mut medium = SimMedia::constant(25, 1, FRAMES).with_rungs(0, &[HEAVY]);
    medium.gop = 12;
    let mut rig = playing(medium);
    rig.run_for(Duration::from_secs(6));
    rig.send(Command::Pause);
    let since = rig.now();
    let seen = rig.seen.len();
    rig.run_for(Duration::from_secs(2));
    let shown = rig.seen.last().filter(|_| rig.seen.len() > seen).unwrap();
    let took = shown.presented.since(since);
    let from_keyframe = u32::try_from(rig.on_screen().index.0 % 12).unwrap() + 1;
    // What is under way is finished first, and the picture waits for a refresh.
    let most = (HEAVY.demux + HEAVY.decode) * from_keyframe + Duration::from_millis(60);
    assert!(took <= most, "{took:?} for {from_keyframe} frames");
    assert!(whole_after(&rig, since).is_some());
}

#[test]
fn seeks_at_rest_show_the_source_without_a_proxy_before_it() {
    let mut rig = playing(clips(&[LIGHT, HEAVY]));
    rig.run_for(Duration::from_secs(19));
    rig.send(Command::Pause);
    rig.run_for(Duration::from_millis(500));
    for target in [120, 30, 310, 600] {
        let since = rig.now();
        let frame = FrameIndex(target);
        rig.send(Command::Seek(SeekTarget::Frame(frame)));
        rig.run_for(Duration::from_millis(500));
        assert_eq!(rig.on_screen().index, frame);
        let log = rig.session.rungs();
        let mut after = log
            .iter()
            .filter(|&&(at, frame, _)| at >= since && frame == target);
        assert!(after.all(|(.., rung)| *rung == Rung::Source), "{target}");
    }
}

#[test]
fn memory_that_asks_for_less_detail_is_given_a_smaller_picture() {
    let mut rig = playing(SimMedia::constant(25, 1, FRAMES).with_rungs(0, &[LIGHT]));
    rig.run_for(Duration::from_secs(3));
    assert_eq!(rig.snapshot().quality.rung, Some(Rung::Source));
    assert_eq!(rig.gauges.detail.shed(1 << 30), 0);
    rig.run_for(Duration::from_millis(300));
    let quality = rig.snapshot().quality.clone();
    assert_eq!(quality.rung, Some(Rung::Half));
    assert!(quality.words.contains("memory"), "{}", quality.words);
    rig.gauges.detail.shed(1 << 30);
    rig.run_for(Duration::from_millis(300));
    assert_eq!(rig.snapshot().quality.rung, Some(Rung::Quarter));
}

#[test]
fn a_machine_that_runs_from_its_battery_decodes_less() {
    // Seven tenths of the time: it fits, but not with a battery in mind.
    let cost = Cost::micros(1_000, 27_000);
    let mut rig = playing(SimMedia::constant(25, 1, FRAMES).with_rungs(0, &[cost]));
    rig.run_for(Duration::from_secs(4));
    assert_eq!(rig.snapshot().quality.rung, Some(Rung::Source));
    rig.gauges.power.set(true);
    rig.run_for(Duration::from_millis(300));
    let quality = rig.snapshot().quality.clone();
    assert_eq!(quality.rung, Some(Rung::Half));
    assert!(quality.words.contains("battery"), "{}", quality.words);
}

#[test]
fn proxies_that_are_always_wanted_are_shown_at_rest_and_taken_back() {
    for clip_frames in [0, CLIP] {
        let mut medium = SimMedia::constant(25, 1, FRAMES).with_rungs(clip_frames, &[LIGHT]);
        medium.gop = 1;
        let mut rig = Rig::paused(medium);
        for (wanted, rung) in [
            (ProxyUse::Always, Rung::Half),
            (ProxyUse::Auto, Rung::Source),
        ] {
            let since = rig.now();
            rig.send(Command::SetProxies(wanted));
            rig.run_for(Duration::from_millis(300));
            let log = rig.session.rungs();
            let mut after = log
                .iter()
                .filter(|&&(at, frame, _)| at >= since && frame == 0);
            assert_eq!(
                after.next().map(|(.., rung)| *rung),
                Some(rung),
                "{clip_frames}"
            );
            assert_eq!(rig.snapshot().proxies, wanted);
        }
        // Who chooses a quality takes it back as well.
        rig.send(Command::SetProxies(ProxyUse::Always));
        rig.send(Command::SetQuality(QualityMode::Source));
        rig.run_for(Duration::from_millis(300));
        assert_eq!(rig.snapshot().proxies, ProxyUse::Auto);
        assert_eq!(rig.snapshot().quality.mode, QualityMode::Source);
    }
}

#[test]
fn a_frame_of_clips_that_is_held_is_whole_whatever_is_left_out() {
    // Decoding a file shows which frame it is; among clips it may be the one before.
    for (mode, clip_frames, is_anew) in [
        (QualityMode::Draft, CLIP, true),
        (QualityMode::Proxy, CLIP, true),
        (QualityMode::Draft, 0, false),
    ] {
        let medium = SimMedia::constant(25, 1, FRAMES).with_rungs(clip_frames, &[HEAVY]);
        let mut rig = playing(medium.without_proxies());
        rig.send(Command::SetQuality(mode));
        rig.run_for(Duration::from_secs(6));
        assert_eq!(rig.snapshot().quality.rung, Some(Rung::Thinned), "{mode}");
        rig.send(Command::Pause);
        rig.run_for(Duration::from_millis(500));
        let begins = |rig: &Rig| {
            let last = rig.session.plans().last().copied().unwrap();
            last.start == rig.on_screen().index
        };
        assert_eq!(begins(&rig), is_anew, "{mode} {clip_frames}");
        let plans = rig.session.plans().len();
        rig.run_for(Duration::from_secs(5));
        assert_eq!(rig.session.plans().len(), plans, "and once is enough");
        for frames in [1, 1, -1] {
            rig.send(Command::Step(frames));
            rig.run_for(Duration::from_millis(500));
            assert!(begins(&rig) || !is_anew, "{mode} {frames}");
        }
    }
}

#[test]
fn the_first_frame_is_decoded_from_what_is_wished_for() {
    let policy = |mode, use_proxy| Policy {
        mode,
        use_proxy,
        ..Policy::default()
    };
    for (quality, rung) in [
        (policy(QualityMode::Source, ProxyUse::Always), Rung::Source),
        (policy(QualityMode::Auto, ProxyUse::Always), Rung::Half),
        (policy(QualityMode::Proxy, ProxyUse::Auto), Rung::Half),
        (policy(QualityMode::Draft, ProxyUse::Auto), Rung::Quarter),
        (Policy::default(), Rung::Source),
    ] {
        let medium = SimMedia::constant(25, 1, FRAMES).with_rungs(0, &[LIGHT]);
        let mut options = RigOptions::playing(medium, Display::new(50, 1));
        options.start.quality = quality;
        let mut rig = Rig::new(options);
        rig.run_for(Duration::from_millis(300));
        let (_, frame, first) = rig.session.rungs()[0];
        assert_eq!((frame, first), (0, rung), "{quality:?}");
    }
}

#[test]
fn what_is_shown_without_a_clock_is_decoded_whole() {
    for clip_frames in [0, CLIP] {
        let medium = SimMedia::constant(25, 1, FRAMES).with_rungs(clip_frames, &[LIGHT]);
        let mut options = RigOptions::playing(medium, Display::new(50, 1));
        options.start.untimed = true;
        options.start.quality = Policy::default().with_mode(QualityMode::Draft);
        let mut rig = Rig::new(options);
        rig.run_for(Duration::from_secs(2));
        let log = rig.session.rungs();
        assert!(log.len() > 50, "{clip_frames}");
        let mut rungs = log.iter().map(|(.., rung)| *rung);
        assert!(rungs.all(|rung| rung == Rung::Source), "{clip_frames}");
    }
}

//! Sound and picture: together at the start, together on a card that drifts, and apart without harm.

use std::time::Duration;

use super::media::SimMedia;
use super::rig::{Display, Rig, RigOptions};
use super::sound::{SoundTraits, Trouble};
use crate::media::StreamId;
use crate::metrics::FrameFate;
use crate::playback::{ClockSource, Command, PlaybackStatus, SeekTarget};
use crate::time::{FrameIndex, MediaSpan, Moment, Speed};

fn play(medium: &SimMedia, sound: SoundTraits) -> Rig {
    let options = RigOptions::playing(medium.clone(), Display::new(60, 1));
    Rig::new(RigOptions { sound, ..options })
}

/// How far the sound is ahead of the picture when a frame comes on screen, in nanoseconds.
fn sound_ahead(rig: &Rig, medium: &SimMedia) -> Option<i64> {
    let shown = rig.on_screen();
    let heard = rig.sound.heard(shown.refresh)?;
    Some((heard - medium.time_of(shown.index.0)).nanos_nearest())
}

/// Runs until the next picture.
fn next_picture(rig: &mut Rig) {
    let (seen, until) = (rig.seen.len(), rig.now() + Duration::from_secs(5));
    assert!(
        rig.run_until(until, |rig| rig.seen.len() > seen),
        "the picture stands still"
    );
}

#[test]
fn sound_and_picture_start_together_whatever_the_latency() {
    for latency in [0, 5, 40, 200, 400] {
        for ready in [0, 30, 300] {
            let medium = SimMedia::constant(25, 1, 500).with_sound();
            let sound = SoundTraits {
                latency: Duration::from_millis(latency),
                ready: Duration::from_millis(ready),
                ..SoundTraits::default()
            };
            let mut rig = play(&medium, sound);
            let until = rig.now() + Duration::from_secs(3);
            assert!(rig.run_until(until, |rig| rig.seen.len() == 2));
            for _ in 0..100 {
                next_picture(&mut rig);
                let off = sound_ahead(&rig, &medium).expect("sound has begun");
                assert!(
                    off.abs() < 20_000_000,
                    "latency {latency} ready {ready}: {off}"
                );
            }
            assert_eq!(rig.snapshot().clock, ClockSource::Audio);
            let spans = rig.seen.windows(2).skip(1);
            let most = spans
                .map(|pair| pair[1].refresh.since(pair[0].refresh))
                .max()
                .unwrap();
            assert!(
                most < Duration::from_millis(52),
                "latency {latency}: a gap of {most:?}"
            );
        }
    }
}

#[test]
fn a_card_that_drifts_is_followed_within_half_a_frame_and_unseen() {
    for drift_ppm in [-300, 300, 0, 5_000] {
        for rate in [(24_000, 1001), (25, 1), (30, 1)] {
            let medium = SimMedia::constant(rate.0, rate.1, 2_000).with_sound();
            let mut rig = play(
                &medium,
                SoundTraits {
                    drift_ppm,
                    ..SoundTraits::default()
                },
            );
            rig.run_for(Duration::from_millis(500));
            let half = 500_000_000 * i64::from(rate.1) / i64::from(rate.0);
            let end = rig.now() + Duration::from_mins(1);
            while rig.now() < end {
                next_picture(&mut rig);
                let off = sound_ahead(&rig, &medium).unwrap();
                assert!(off.abs() < half, "{rate:?} {drift_ppm} ppm: {off}");
            }
            let summary = rig.summary();
            assert_eq!(
                summary.count(FrameFate::Dropped) + summary.count(FrameFate::Late),
                0
            );
            let least = 60 * i64::from(rate.1) / i64::from(rate.0);
            let counts = rig.refreshes();
            let odd = counts
                .iter()
                .filter(|(_, count)| !(least..=least + 1).contains(count));
            // In a minute the card's clock and the display's part by this many refreshes.
            let slips = drift_ppm.unsigned_abs() * 60 * 60 / 1_000_000 + 2;
            assert!(
                odd.count() as u64 <= slips,
                "{rate:?} {drift_ppm} ppm: {counts:?}"
            );
            assert!(
                counts
                    .iter()
                    .all(|(_, count)| (least - 1..=least + 2).contains(count))
            );
            assert_eq!(rig.snapshot().clock, ClockSource::Audio);
            assert_eq!(rig.sound.0.lock().sent_elsewhere, 0);
        }
    }
}

#[test]
fn trouble_with_the_card_does_not_touch_the_picture_and_sound_joins_in_again() {
    for what in [Trouble::Vanished, Trouble::Stalled, Trouble::Lies(100_000)] {
        for millis in [0, 15, -60, 80, -400, 900] {
            let medium = SimMedia::constant(30, 1, 900).with_sound();
            let rejoins_off = MediaSpan::from_millis(millis);
            let mut rig = play(
                &medium,
                SoundTraits {
                    rejoins_off,
                    ..SoundTraits::default()
                },
            );
            let at = |seconds: u64| Moment::from_nanos(seconds * 1_000_000_000);
            rig.sound.trouble(at(5), at(9), what);
            rig.run_for(Duration::from_millis(3_900));
            assert_eq!(rig.snapshot().clock, ClockSource::Audio);
            rig.run_for(Duration::from_secs(2));
            assert_eq!(rig.snapshot().clock, ClockSource::Fallback, "{what:?}");
            rig.run_for(Duration::from_secs(8));
            assert_eq!(
                rig.snapshot().clock,
                ClockSource::Audio,
                "{what:?} {millis}"
            );
            for _ in 0..30 {
                next_picture(&mut rig);
                let off = sound_ahead(&rig, &medium).expect("sound is back");
                assert!(off.abs() < 17_000_000, "{what:?} {millis}: {off}");
            }
            // Each picture stayed for two refreshes, or one more or less where the line was bent.
            let counts = rig.refreshes();
            let odd = counts.iter().filter(|(_, count)| *count != 2).count();
            assert!(
                counts.iter().all(|(_, count)| (1..=3).contains(count)),
                "{what:?} {millis}"
            );
            assert!(odd <= 8, "{what:?} {millis}: {odd} odd of {}", counts.len());
            let dropped = rig.summary().count(FrameFate::Dropped);
            assert!(dropped <= 1, "{what:?} {millis}: {dropped}");
        }
    }
}

#[test]
fn a_change_of_speed_or_track_keeps_the_pictures_going() {
    let medium = SimMedia::constant(30, 1, 900).with_sound();
    let mut rig = play(&medium, SoundTraits::default());
    rig.run_for(Duration::from_secs(2));
    for (command, quarters) in [
        (Command::SetSpeed(Speed::from_quarters(6).unwrap()), 6),
        (Command::SetAudioTrack(Some(1)), 6),
        (Command::SetSpeed(Speed::from_quarters(2).unwrap()), 2),
        (Command::SetAudioTrack(None), 2),
        (Command::SetAudioTrack(Some(0)), 2),
        (Command::SetSpeed(Speed::NORMAL), 4),
    ] {
        let what = format!("{command:?}");
        let before = rig.seen.len();
        rig.send(command);
        rig.run_for(Duration::from_secs(2));
        let spans = rig.seen[before..].windows(2);
        let most = spans
            .map(|pair| pair[1].refresh.since(pair[0].refresh))
            .max()
            .unwrap();
        let frame = Duration::from_nanos(33_333_333 * 4 / quarters);
        assert!(
            most <= frame + Duration::from_millis(18),
            "{what}: {most:?}"
        );
        let indices = rig.seen[before..]
            .windows(2)
            .map(|pair| pair[1].index.0 - pair[0].index.0);
        assert!(indices.into_iter().all(|step| step == 1), "{what}");
        if rig.sound.track().is_none() {
            assert_eq!(rig.snapshot().clock, ClockSource::Monotonic, "{what}");
            continue;
        }
        assert_eq!(rig.snapshot().clock, ClockSource::Audio, "{what}");
        let off = sound_ahead(&rig, &medium).unwrap();
        assert!(off.abs() < 17_000_000, "{what}: {off}");
    }
    assert_eq!(rig.sound.track(), Some(StreamId(1)));
    assert_eq!(rig.session.plans().len(), 1, "no command here needs a seek");
}

#[test]
fn a_seek_before_its_place_is_known_hears_what_it_shows() {
    // Uneven frames: the rate's guess at the target is seconds off.
    let spans: Vec<i64> = (0..400).map(|n| if n < 200 { 20 } else { 60 }).collect();
    let mut medium = SimMedia::variable(&spans).with_sound();
    medium.index_complete = Duration::from_millis(1_500);
    let mut rig = play(&medium, SoundTraits::default());
    rig.run_for(Duration::from_millis(300));
    rig.send(Command::Seek(SeekTarget::Frame(FrameIndex(300))));
    rig.run_for(Duration::from_secs(3));
    for _ in 0..20 {
        next_picture(&mut rig);
        let off = sound_ahead(&rig, &medium).unwrap();
        assert!(
            off.abs() < 17_000_000,
            "frame {}: {off}",
            rig.on_screen().index
        );
    }
}

#[test]
fn sound_without_pictures_plays_seeks_loops_and_ends() {
    let medium = SimMedia::sound_only(MediaSpan::from_secs(4));
    let mut rig = play(&medium, SoundTraits::default());
    rig.run_for(Duration::from_millis(1_100));
    let position = rig.snapshot().position.0;
    assert!((24..=27).contains(&position), "{position}");
    rig.send(Command::Seek(SeekTarget::Frame(FrameIndex(75))));
    rig.run_for(Duration::from_millis(300));
    let heard = rig.sound.heard(rig.now()).unwrap().as_secs_f64();
    assert!((3.1..3.35).contains(&heard), "{heard}");
    let until = rig.now() + Duration::from_secs(3);
    assert!(rig.run_until(until, |rig| rig.snapshot().status == PlaybackStatus::Ended));
    let lasted = rig.now().nanos();
    assert!(lasted < 3_400_000_000, "{lasted}");
    rig.send(Command::SetLoop(crate::decode::LoopMode::Loop));
    rig.send(Command::Play);
    rig.run_for(Duration::from_millis(6_100));
    assert_eq!(rig.snapshot().status, PlaybackStatus::Playing);
    let heard = rig.sound.heard(rig.now()).unwrap().as_secs_f64();
    assert!((1.9..2.15).contains(&heard), "{heard}");
    rig.send(Command::Pause);
    rig.run_for(Duration::from_millis(500));
    let held = rig.snapshot().position;
    rig.run_for(Duration::from_secs(2));
    assert_eq!(rig.snapshot().position, held);
    rig.send(Command::Play);
    rig.run_for(Duration::from_millis(500));
    assert!(rig.snapshot().position > held);
}

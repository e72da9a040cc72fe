//! The performance monitor: readings, suggestions, the wizard and buttons.

use std::path::Path;
use std::sync::Arc;

use egui_kittest::kittest::Queryable;

use super::super::timeline;
use super::{Bench, Screen, click, errand, fixture, proxy, screen, screen_of};
use crate::config::Action;
use crate::jobs::kept::KeptState;
use crate::memory::Pressure;
use crate::playback::quality::QualityMode;
use crate::playback::{Command, PlaybackStatus};
use crate::proxy::ProxyState;
use crate::timeline::Located;
use crate::ui::{
    CacheFigures, Errand, FrameCounts, Outcome, Panel, StageTime, StageTimes, UiEvent,
};

#[test]
fn the_monitor_tells_what_was_read_and_what_was_not() {
    let screen = screen(&[Panel::Performance]);
    let value = |name: &str| {
        let role = egui::Role::ProgressIndicator;
        screen.get_by_role_and_label(role, name).value()
    };
    assert_eq!(value("CPU").as_deref(), Some("50 %, 25 % own"));
    assert_eq!(value("GPU").as_deref(), Some("not available"));
    assert!(value("RAM").is_some_and(|words| words.contains('/')));
    screen.get_by_label("Nothing needs to be changed, as far as was measured.");
}

fn resize(bench: &mut Bench, width: u32, height: u32) {
    let media = bench.snapshot.media.as_mut().unwrap();
    let mut state = crate::playback::MediaState::clone(media);
    let mut info = crate::media::MediaInfo::clone(&state.info);
    info.video[0].size = crate::media::Size::new(width, height).unwrap();
    state.info = Arc::new(info);
    *media = Arc::new(state);
}

/// Plays 4K that cannot be held, from the source as somebody insists.
fn struggling(bench: &mut Bench) {
    bench.snapshot = fixture::snapshot(1_800, 737);
    resize(bench, 3840, 2160);
    bench.snapshot.quality.mode = QualityMode::Source;
    bench.stats.background.clear();
    bench.stats.target_fps = 24.0;
    bench.stats.presented_fps = 15.0;
    bench.stats.frames.shown = 1_000;
    bench.stats.frames.late = 100;
}

#[test]
fn suggestions_are_followed_and_dismissed() {
    let mut screen = screen_of(&[Panel::Performance], struggling);
    screen.get_by_label("Let Jogwheel choose what is decoded");
    screen.get_by_label("Make proxies of what is open");
    screen.state_mut().events.clear();
    let first = screen.get_all_by_label_contains("Apply: ").next().unwrap();
    first.click();
    screen.run_steps(3);
    assert_eq!(
        screen.state().events,
        [UiEvent::Command(Command::SetQuality(QualityMode::Auto))]
    );
    assert!(
        screen
            .query_by_label("Let Jogwheel choose what is decoded")
            .is_none()
    );
    click(&mut screen, "Dismiss");
    assert!(
        screen
            .query_by_label("Make proxies of what is open")
            .is_none()
    );
}

#[test]
fn rules_speak_of_slow_disks_slow_drags_and_memory() {
    let mut screen = screen_of(&[Panel::Performance], |bench| {
        bench.stats.target_fps = 24.0;
        bench.stats.presented_fps = 24.0;
        bench.stats.background.clear();
        bench.stats.frames.shown = 1_000;
        bench.stats.stages.demux = Some(StageTime {
            last_ms: 30.0,
            p95_ms: 35.0,
        });
        bench.panels.readings.as_mut().unwrap().disk_wait = Some(0.6);
        bench.stats.scrub_p95_ms = Some(140.0);
        bench.stats.cache = Some(CacheFigures {
            bytes: 95,
            limit_bytes: 100,
            hits: 300,
            misses: 400,
        });
    });
    screen.get_by_label("Move the media to a faster disk");
    screen.get_by_label("Make proxies, to scrub on them");
    screen.get_by_label("Give the player more memory");
    let bench = screen.state_mut();
    bench.stats.pressure = Pressure::High;
    bench.stats.cache = None;
    bench.stats.scrub_p95_ms = Some(20.0);
    bench.panels.readings.as_mut().unwrap().disk_wait = Some(0.0);
    screen.run_steps(2);
    screen.get_by_label("Give the player less memory");
    assert_eq!(
        click(&mut screen, "Apply"),
        errand(Errand::Set {
            key: "memory.limit-mb",
            value: Some("2048".to_owned())
        })
    );
}

const CHOOSE: &str = "Let Jogwheel choose what is decoded";
const MAKE: &str = "Make proxies of what is open";
const SCRUB: &str = "Make proxies, to scrub on them";
const DISK: &str = "Move the media to a faster disk";
const MORE: &str = "Give the player more memory";
const LESS: &str = "Give the player less memory";
const SPEED: &str = "Prefer a steady rate to a full picture";
const DRAFT: &str = "Play the smallest proxy";
const NOTHING: [&str; 0] = [];

/// A monitor of 4K that plays as it should, but for this.
fn playing_but(change: impl FnOnce(&mut Bench)) -> Screen {
    screen_of(&[Panel::Performance], |bench| {
        resize(bench, 3840, 2160);
        bench.stats.target_fps = 24.0;
        bench.stats.presented_fps = 24.0;
        frames(bench, 1_000, 0);
        change(bench);
    })
}

fn frames(bench: &mut Bench, shown: u64, late: u64) {
    bench.stats.frames = FrameCounts {
        shown,
        late,
        ..FrameCounts::default()
    };
}

/// What is suggested once this has changed too.
fn suggested(screen: &mut Screen, change: impl FnOnce(&mut Bench)) -> Vec<&'static str> {
    change(screen.state_mut());
    screen.run_steps(2);
    [CHOOSE, MAKE, SPEED, DRAFT, SCRUB, DISK, MORE, LESS]
        .into_iter()
        .filter(|what| screen.query_by_label(what).is_some())
        .collect()
}

/// Asserts that a suggestion says what to do, then what was measured, then what it brings.
fn assert_says(screen: &Screen, what: &str, why: &str, gain: &str) {
    let tops = [
        screen.get_by_label(what),
        screen.get_by_label_contains(why),
        screen.get_by_label_contains(gain),
    ]
    .map(|node| node.rect().top());
    assert!(tops.is_sorted(), "{tops:?}");
}

fn memory_limit(megabytes: Option<&str>) -> Vec<UiEvent> {
    errand(Errand::Set {
        key: "memory.limit-mb",
        value: megabytes.map(str::to_owned),
    })
}

#[test]
fn what_is_decoded_is_left_to_the_person_while_the_rate_is_held() {
    let mut screen = playing_but(|bench| {
        bench.snapshot.quality.mode = QualityMode::Source;
        // With proxies there is nothing else to suggest.
        bench.snapshot.has_proxies = true;
    });
    let mut with_fps = |fps, shown| {
        suggested(&mut screen, |bench| {
            bench.stats.presented_fps = fps;
            frames(bench, shown, 0);
        })
    };
    assert_eq!(with_fps(23.3, 1_000), NOTHING, "over 97 %");
    assert_eq!(with_fps(10.0, 119), NOTHING, "too few were seen");
    assert_eq!(with_fps(10.0, 120), [CHOOSE]);
    assert_eq!(with_fps(23.2, 1_000), [CHOOSE]);
    let why = "23.2 of 24.0 frames a second are seen. Quality is set to source";
    assert_says(&screen, CHOOSE, why, "The rate is held");
    let paused = suggested(&mut screen, |bench| {
        bench.snapshot.status = PlaybackStatus::Paused;
    });
    assert_eq!(paused, NOTHING);
    let automatic = suggested(&mut screen, |bench| {
        bench.snapshot.status = PlaybackStatus::Playing;
        bench.snapshot.quality.mode = QualityMode::Auto;
    });
    assert_eq!(automatic, [SPEED]);
}

#[test]
fn more_than_one_frame_in_a_hundred_must_be_lost() {
    let mut screen = playing_but(|bench| {
        bench.snapshot.quality.mode = QualityMode::Source;
        bench.snapshot.has_proxies = true;
    });
    let ten = suggested(&mut screen, |bench| frames(bench, 990, 10));
    assert_eq!(ten, NOTHING);
    let eleven = suggested(&mut screen, |bench| frames(bench, 989, 11));
    assert_eq!(eleven, [CHOOSE]);
    screen.get_by_label_contains("11 of 1000 frames were late or dropped.");
}

#[test]
fn proxies_are_suggested_for_large_pictures_that_cannot_be_kept_up_with() {
    let mut screen = playing_but(|_| {});
    assert_eq!(suggested(&mut screen, |_| {}), NOTHING);
    let left_out = suggested(&mut screen, |bench| bench.snapshot.quality.left_out = 12);
    assert_eq!(left_out, [MAKE]);
    let why = "12 frames were left out to keep up. 3840 × 2160 is played from the source";
    assert_says(&screen, MAKE, why, "A quarter of the pixels or less");
    let mut sized = |width, height| suggested(&mut screen, |bench| resize(bench, width, height));
    assert_eq!(sized(1920, 1080), NOTHING);
    assert_eq!(sized(1080, 1920), NOTHING);
    assert_eq!(sized(1921, 1080), [MAKE]);
    assert_eq!(sized(1080, 1921), [MAKE]);
    let has_them = suggested(&mut screen, |bench| bench.snapshot.has_proxies = true);
    assert_eq!(has_them, NOTHING);
    let makes_them = suggested(&mut screen, |bench| {
        bench.snapshot.has_proxies = false;
        bench.stats.background = "proxies 12 %".to_owned();
    });
    assert_eq!(makes_them, NOTHING);
    let has_no_folder = suggested(&mut screen, |bench| {
        bench.stats.background.clear();
        bench.panels.proxies.folder = None;
    });
    assert_eq!(has_no_folder, NOTHING);
}

#[test]
fn proxies_of_a_timeline_are_suggested_by_its_files_whatever_size_its_picture_has() {
    let mut screen = playing_but(|bench| {
        bench.snapshot = timeline::snapshot();
        let media = Arc::get_mut(bench.snapshot.media.as_mut().unwrap()).unwrap();
        let state = Arc::get_mut(media.timeline.as_mut().unwrap()).unwrap();
        let file = |name: &str| Located::File(Path::new("/rushes").join(name));
        state.located = vec![file("a.mov"), file("d.mov")];
        Arc::get_mut(&mut bench.panels.proxies.jobs).unwrap()[1].state = KeptState::Waiting;
        // One of the clips that are seen now has a proxy.
        bench.snapshot.has_proxies = true;
        bench.snapshot.quality.left_out = 12;
    });
    let size = |bench: &Bench| bench.snapshot.media.as_ref().unwrap().info.video[0].size;
    assert!(size(screen.state()).width() <= 1920);
    assert_eq!(
        suggested(&mut screen, |_| {}),
        [MAKE],
        "of d.mov there is none"
    );
    assert_says(
        &screen,
        MAKE,
        "1 of its 2 files has no proxy.",
        "A quarter of the pixels",
    );
    let slow = suggested(&mut screen, |bench| {
        bench.snapshot.quality.left_out = 0;
        bench.stats.scrub_p95_ms = Some(51.0);
    });
    assert_eq!(slow, [SCRUB]);
    let all_made = suggested(&mut screen, |bench| {
        bench.stats.scrub_p95_ms = None;
        bench.snapshot.quality.left_out = 12;
        let list = Arc::get_mut(&mut bench.panels.proxies.list).unwrap();
        list[1] = proxy("d.mov", 1_000, ProxyState::Verified);
    });
    assert_eq!(all_made, NOTHING);
    let cannot_be_made = suggested(&mut screen, |bench| {
        let list = Arc::get_mut(&mut bench.panels.proxies.list).unwrap();
        list[1].state = ProxyState::SourceChanged;
        let jobs = Arc::get_mut(&mut bench.panels.proxies.jobs).unwrap();
        assert!(jobs[1].order.key.ends_with("d.mov"));
        jobs[1].state = KeptState::Failed;
    });
    assert_eq!(cannot_be_made, NOTHING, "it was tried");
    let again = suggested(&mut screen, |bench| {
        let jobs = Arc::get_mut(&mut bench.panels.proxies.jobs).unwrap();
        jobs[1].state = KeptState::Done;
    });
    assert_eq!(again, [MAKE]);
}

#[test]
fn drags_that_are_felt_are_answered_with_proxies() {
    let mut screen = playing_but(|bench| bench.stats.scrub_p95_ms = Some(50.0));
    assert_eq!(suggested(&mut screen, |_| {}), NOTHING);
    let slow = suggested(&mut screen, |bench| bench.stats.scrub_p95_ms = Some(51.0));
    assert_eq!(slow, [SCRUB]);
    let why = "95 % of moves are answered within 51 ms; over 50 ms is felt.";
    assert_says(&screen, SCRUB, why, "a drag is answered in about 10 ms");
    let has_them = suggested(&mut screen, |bench| bench.snapshot.has_proxies = true);
    assert_eq!(has_them, NOTHING);
    suggested(&mut screen, |bench| bench.snapshot.has_proxies = false);
    assert_eq!(
        click(&mut screen, "Apply"),
        [UiEvent::Action(Action::MakeProxies)]
    );
    assert_eq!(suggested(&mut screen, |_| {}), NOTHING, "it was followed");
}

#[test]
fn a_disk_is_slow_when_reading_takes_half_a_frame_and_somebody_waits_for_it() {
    let mut screen = playing_but(|bench| {
        bench.stats.target_fps = 25.0;
        bench.stats.presented_fps = 25.0;
    });
    let mut reading = |p95_ms, waits, seen| {
        suggested(&mut screen, |bench| {
            let last_ms = p95_ms;
            bench.stats.stages.demux = Some(StageTime { last_ms, p95_ms });
            bench.panels.readings.as_mut().unwrap().disk_wait = Some(waits);
            frames(bench, seen, 0);
        })
    };
    assert_eq!(reading(20.0, 0.5, 120), NOTHING, "half of 40 ms");
    assert_eq!(reading(21.0, 0.4, 120), NOTHING);
    assert_eq!(reading(21.0, 0.41, 119), NOTHING, "too few were seen");
    assert_eq!(reading(21.0, 0.41, 120), [DISK]);
    let why = "Reading takes 21 ms of the 40 that a frame has, and somebody waits for a disk 41 %";
    assert_says(&screen, DISK, why, "Reading is out of the way.");
    assert!(
        screen.query_by_label_contains("Apply: ").is_none(),
        "only a person can"
    );
}

#[test]
fn more_memory_is_suggested_for_a_full_cache_that_misses_and_where_there_is_room() {
    let cache = |bytes, hits, misses| {
        move |bench: &mut Bench| {
            bench.stats.cache = Some(CacheFigures {
                bytes,
                limit_bytes: 1_000_000_000,
                hits,
                misses,
            });
        }
    };
    let mut screen = playing_but(cache(899_999_999, 249, 251));
    assert_eq!(suggested(&mut screen, |_| {}), NOTHING, "not full");
    let seldom = suggested(&mut screen, cache(900_000_000, 250, 250));
    assert_eq!(seldom, NOTHING, "half of them hit");
    let few = suggested(&mut screen, cache(900_000_000, 248, 251));
    assert_eq!(few, NOTHING, "499 looks");
    let often = suggested(&mut screen, cache(900_000_000, 249, 251));
    assert_eq!(often, [MORE]);
    let why = "251 of 500 frames that were asked for again had been dropped";
    assert_says(&screen, MORE, why, "Twice as much stays at hand");
    screen.get_by_label_contains("from a full cache of 1.00 GB.");
    // Four more would be wanted here, and a quarter of 24 is left to others.
    let mut machine = |used: u64, limit: u64| {
        suggested(&mut screen, |bench| {
            let readings = bench.panels.readings.as_mut().unwrap();
            readings.memory = Some((used, 24 << 30));
            bench.panels.memory_limit = limit;
        })
    };
    assert_eq!(machine(14 << 30, 4 << 30), NOTHING);
    assert_eq!(machine((14 << 30) - 1, 4 << 30), [MORE]);
    assert_eq!(machine(6 << 30, 12 << 30), NOTHING, "half of all is enough");
    assert_eq!(machine(6 << 30, 11 << 30), [MORE]);
    assert_eq!(click(&mut screen, "Apply"), memory_limit(Some("12288")));
    let mut usual = playing_but(cache(900_000_000, 249, 251));
    assert_eq!(click(&mut usual, "Apply"), memory_limit(Some("8192")));
}

#[test]
fn less_memory_is_suggested_under_high_pressure_down_to_a_floor() {
    let mut screen = playing_but(|bench| bench.stats.pressure = Pressure::Elevated);
    assert_eq!(suggested(&mut screen, |_| {}), NOTHING);
    let high = suggested(&mut screen, |bench| bench.stats.pressure = Pressure::High);
    assert_eq!(high, [LESS]);
    let why = "Memory is short (pressure high), and the player may take 4.29 GB.";
    assert_says(&screen, LESS, why, "Other programs are not pushed out");
    let below = (512 << 20) - 1;
    let little = suggested(&mut screen, |bench| bench.panels.memory_limit = below);
    assert_eq!(little, NOTHING);
    let least = suggested(&mut screen, |bench| bench.panels.memory_limit = below + 1);
    assert_eq!(least, [LESS]);
    assert_eq!(click(&mut screen, "Apply"), memory_limit(Some("256")));
}

#[test]
fn what_the_file_said_of_memory_is_put_back() {
    for (is_stated, before) in [(true, Some("4096")), (false, None)] {
        let mut screen = playing_but(|bench| {
            bench.stats.pressure = Pressure::High;
            let mut settings = bench.panels.config.settings.iter_mut();
            let limit = settings.find(|setting| setting.key == "memory.limit-mb");
            let limit = limit.unwrap();
            limit.value = "4096".to_owned();
            limit.is_stated = is_stated;
        });
        click(&mut screen, "Optimize now");
        screen.state_mut().events.clear();
        let bench = screen.state_mut();
        bench.now = bench.now.offset_nanos(5_000_000_000);
        screen.run_steps(2);
        assert_eq!(screen.state().events, memory_limit(Some("2048")));
        click(&mut screen, "Stop");
        assert_eq!(click(&mut screen, "Undo"), memory_limit(before));
    }
}

#[test]
fn optimizing_measures_before_and_after_and_follows_in_between() {
    let mut screen = screen_of(&[Panel::Performance], struggling);
    let pass = |screen: &mut Screen, seconds: u64, shown: u64, late: u64| {
        let bench = screen.state_mut();
        let nanos = i64::try_from(seconds * 1_000_000_000).unwrap();
        bench.now = bench.now.offset_nanos(nanos);
        bench.stats.frames.shown += shown;
        bench.stats.frames.late += late;
        screen.run_steps(2);
    };
    click(&mut screen, "Optimize now");
    screen.get_by_label("Measuring what plays: five seconds …");
    screen.state_mut().events.clear();
    pass(&mut screen, 5, 60, 60);
    let followed = std::mem::take(&mut screen.state_mut().events);
    assert_eq!(
        followed,
        [
            UiEvent::Command(Command::SetQuality(QualityMode::Auto)),
            UiEvent::Action(Action::MakeProxies)
        ]
    );
    // Stopped half-way it can be undone as well.
    let mut screen_stopped = screen_of(&[Panel::Performance], struggling);
    click(&mut screen_stopped, "Optimize now");
    pass(&mut screen_stopped, 5, 60, 60);
    click(&mut screen_stopped, "Stop");
    assert_eq!(
        click(&mut screen_stopped, "Undo"),
        [UiEvent::Command(Command::SetQuality(QualityMode::Source))]
    );
    click(&mut screen_stopped, "Close the results");
    screen_stopped.get_by_label("Optimize now");
    pass(&mut screen, 2, 48, 0);
    pass(&mut screen, 5, 120, 0);
    screen.get_by_label("12.0 of 24.0");
    screen.get_by_label("24.0 of 24.0");
    screen.get_by_label("50.0 %");
    screen.get_by_label("0.0 %");
    assert_eq!(
        click(&mut screen, "Undo"),
        [UiEvent::Command(Command::SetQuality(QualityMode::Source))]
    );
    assert!(screen.query_by_label("Undo").is_none());
    click(&mut screen, "Close the results");
    screen.get_by_label("Optimize now");
    // What a person does not want is not followed.
    let dismiss = screen
        .get_all_by_label_contains("Dismiss: ")
        .next()
        .unwrap();
    dismiss.click();
    screen.run_steps(3);
    click(&mut screen, "Optimize now");
    screen.state_mut().events.clear();
    pass(&mut screen, 5, 60, 60);
    assert_eq!(
        screen.state().events,
        [UiEvent::Action(Action::MakeProxies)]
    );
}

#[test]
fn what_is_paused_is_not_measured() {
    let mut screen = screen_of(&[Panel::Performance], struggling);
    click(&mut screen, "Optimize now");
    screen.state_mut().snapshot.status = PlaybackStatus::Paused;
    screen.run_steps(2);
    screen.get_by_label("Stopped: it measures what plays, and nothing does.");
}

#[test]
fn buttons_of_the_monitor_ask_for_what_they_say() {
    let mut screen = screen(&[Panel::Performance]);
    assert_eq!(
        click(&mut screen, "Generate proxies"),
        [UiEvent::Action(Action::MakeProxies)]
    );
    assert_eq!(
        click(&mut screen, "GPU benchmark"),
        errand(Errand::MeasureGpu)
    );
    assert_eq!(click(&mut screen, "Clear cache"), [], "it asks first");
    assert_eq!(click(&mut screen, "Keep"), []);
    assert_eq!(click(&mut screen, "Clear cache"), []);
    assert_eq!(
        click(&mut screen, "Drop kept frames and pictures"),
        errand(Errand::ClearMemory)
    );
    assert_eq!(
        click(&mut screen, "Cancel"),
        errand(Errand::CancelJob("/rushes/c.mov".to_owned()))
    );
    screen.state_mut().panels.outcomes.push(Outcome {
        is_done: false,
        words: "llvmpipe: out of memory.".to_owned(),
    });
    screen.run_steps(2);
    screen.get_by_label("llvmpipe: out of memory.");
}

/// Falls behind though Jogwheel chooses and there are proxies, with this preference.
fn behind_all_the_same(bench: &mut Bench, preference: &str) {
    bench.stats.background.clear();
    bench.stats.presented_fps = 15.0;
    bench.snapshot.has_proxies = true;
    let mut settings = bench.panels.config.settings.iter_mut();
    let preset = settings.find(|setting| setting.key == "quality.preset");
    preset.unwrap().value = preference.to_owned();
}

#[test]
fn what_is_behind_all_the_same_may_prefer_speed_and_then_play_drafts() {
    let mut screen = playing_but(|bench| behind_all_the_same(bench, "balanced"));
    assert_eq!(suggested(&mut screen, |_| {}), [SPEED]);
    let speed = Errand::Set {
        key: "quality.preset",
        value: Some("speed".to_owned()),
    };
    assert_eq!(click(&mut screen, "Apply"), errand(speed));
    screen.get_by_label("15.0 of 24.0 frames a second are seen.");

    let mut screen = playing_but(|bench| behind_all_the_same(bench, "speed"));
    assert_eq!(suggested(&mut screen, |_| {}), [DRAFT]);
    assert_eq!(
        click(&mut screen, "Apply"),
        [UiEvent::Command(Command::SetQuality(QualityMode::Draft))]
    );
}

#[test]
fn where_no_rule_helps_it_says_what_takes_long() {
    let mut screen = playing_but(|bench| {
        behind_all_the_same(bench, "speed");
        bench.snapshot.quality.rung = Some(crate::decode::Rung::Quarter);
        bench.stats.stages = StageTimes {
            gpu: Some(StageTime {
                last_ms: 50.0,
                p95_ms: 60.0,
            }),
            ..StageTimes::default()
        };
    });
    assert_eq!(suggested(&mut screen, |_| {}), NOTHING);
    screen.get_by_label_contains("Drawing takes 60 ms of the 42");
    suggested(&mut screen, |bench| {
        bench.stats.stages = StageTimes {
            decode: Some(StageTime {
                last_ms: 50.0,
                p95_ms: 90.0,
            }),
            ..StageTimes::default()
        };
    });
    screen.get_by_label_contains("Reading and decoding take 90 ms of the 42");
}

//! The performance monitor: readings, suggestions, the wizard and buttons.

use std::sync::Arc;

use egui_kittest::kittest::Queryable;

use super::{Bench, Screen, click, errand, fixture, screen, screen_of};
use crate::config::Action;
use crate::memory::Pressure;
use crate::playback::quality::QualityMode;
use crate::playback::{Command, PlaybackStatus};
use crate::ui::{CacheFigures, Errand, Outcome, Panel, StageTime, UiEvent};

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

/// Plays 4K that cannot be held, from the source as somebody insists.
fn struggling(bench: &mut Bench) {
    bench.snapshot = fixture::snapshot(1_800, 737);
    let media = bench.snapshot.media.as_mut().unwrap();
    let mut state = crate::playback::MediaState::clone(media);
    let mut info = crate::media::MediaInfo::clone(&state.info);
    info.video[0].size = crate::media::Size::new(3840, 2160).unwrap();
    state.info = Arc::new(info);
    *media = Arc::new(state);
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
    let first = screen.get_all_by_label("Apply").next().unwrap();
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
    let dismiss = screen.get_all_by_label("Dismiss").next().unwrap();
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

//! Whole runs in simulation, against the best that a constant rung would have shown.
//!
//! The table of regret is printed: `cargo test --lib quality::tests::scenarios -- --nocapture`.

use std::fmt::Write as _;

use crate::decode::Rung;
use crate::playback::quality::sim::{
    ClipModel, MS, Outcome, RungModel, SECOND, Scenario, best_constant, play,
};
use crate::playback::quality::{Policy, PresentCost, rung_name};

const US: u64 = MS / 1000;

const fn model(width: u32, gop: u64, decode: u64, read: u64) -> RungModel {
    RungModel {
        width,
        height: width / 16 * 9,
        gop,
        decode,
        read,
    }
}

/// Core time as measured: 27 ms for a frame of 4K H.264, 0.9 ms for one of a 1080p all-intra proxy.
const UHD: ClipModel = ClipModel {
    key: 1,
    source: model(3840, 24, 27 * MS, MS),
    half: Some(model(1920, 1, 1800 * US, 500 * US)),
    quarter: Some(model(960, 1, 500 * US, 150 * US)),
    has_b_frames: true,
};

/// 8K HEVC of 10 bit.
const UHD8: ClipModel = ClipModel {
    key: 2,
    source: model(7680, 48, 160 * MS, 3 * MS),
    half: Some(model(3840, 1, 8 * MS, 2 * MS)),
    quarter: Some(model(1920, 1, 2 * MS, 500 * US)),
    has_b_frames: true,
};

/// A source that any machine plays.
const HD: ClipModel = ClipModel {
    key: 3,
    source: model(1920, 48, 7 * MS, 300 * US),
    half: Some(model(960, 1, 500 * US, 150 * US)),
    quarter: Some(model(480, 1, 150 * US, 50 * US)),
    has_b_frames: true,
};

/// No proxies, and hardly anything to leave out.
const BARE: ClipModel = ClipModel {
    key: 4,
    half: None,
    quarter: None,
    ..UHD
};

const CALM: Scenario = Scenario {
    name: "calm",
    fps: 30,
    cores: 2,
    ring_frames: 6,
    seconds: 60,
    clips: &[UHD],
    clip_seconds: 0,
    turns: (0, 0),
    load: steady,
    disk: steady,
    noise: 100,
    present: PresentCost {
        upload: std::time::Duration::from_millis(2),
        convert: std::time::Duration::from_millis(3),
        render: std::time::Duration::from_millis(2),
    },
};

fn steady(_: u64) -> u64 {
    1000
}

/// Four times as slow from second 10 to second 30.
fn step(at: u64) -> u64 {
    if (10 * SECOND..30 * SECOND).contains(&at) {
        4000
    } else {
        1000
    }
}

/// The disk delivers a thirtieth from second 10 to second 30.
fn slow_disk(at: u64) -> u64 {
    if (10 * SECOND..30 * SECOND).contains(&at) {
        60_000
    } else {
        1000
    }
}

/// Gets hot from second 10 on, until at 40 it is at a third of its pace, and cools from 60 to 80.
fn throttle(at: u64) -> u64 {
    let seconds = at / SECOND;
    match seconds {
        10..40 => 1000 + (at - 10 * SECOND) * 2500 / (30 * SECOND),
        40..60 => 3500,
        60..80 => 3500 - (at - 60 * SECOND) * 2500 / (20 * SECOND),
        _ => 1000,
    }
}

/// A hog for half a second, every seven.
fn bursts(at: u64) -> u64 {
    if at % (7 * SECOND) > 13 * SECOND / 2 {
        3000
    } else {
        1000
    }
}

/// One row of the table, and what it must fulfil.
fn row(table: &mut String, scenario: &Scenario) -> Outcome {
    let outcome = play(scenario, Policy::default());
    let (best, constant) = best_constant(scenario);
    let against = outcome.shown * 1000 / constant.shown.max(1);
    let switches = outcome.switches(0, u64::MAX).len();
    let _ = write!(
        table,
        "{:<34} {:>3} fps {:>2} cores  {:>4}.{} %  best {:<15} {:>3}.{} %  ratio {:>3}.{} %  {:>2} switches ",
        scenario.name,
        scenario.fps,
        scenario.cores,
        outcome.shown_per_mille() / 10,
        outcome.shown_per_mille() % 10,
        rung_name(best),
        constant.shown_per_mille() / 10,
        constant.shown_per_mille() % 10,
        against / 10,
        against % 10,
        switches,
    );
    let total: u64 = outcome.nanos_at.iter().sum();
    for rung in Rung::ALL {
        let percent = outcome.nanos_at[rung as usize] * 100 / total.max(1);
        if percent > 0 {
            let _ = write!(table, " {} {percent} %", rung_name(rung));
        }
    }
    table.push('\n');
    assert!(against >= 970, "{}: {table}", scenario.name);
    outcome
}

fn named(name: &'static str, scenario: Scenario) -> Scenario {
    Scenario { name, ..scenario }
}

/// The last change between `from` and `until`, after `from`.
fn settles_after(outcome: &Outcome, from: u64, until: u64) -> Option<u64> {
    let switches = outcome.switches(from, until);
    switches.last().map(|(at, _)| at - from)
}

/// No five seconds between `from` and `until` with more than one switch.
fn is_steady(outcome: &Outcome, from: u64, until: u64) -> bool {
    let switches = outcome.switches(from, until);
    switches
        .windows(2)
        .all(|pair| pair[1].0 - pair[0].0 >= 5 * SECOND)
}

#[test]
fn a_load_that_begins_and_ends() {
    let mut table = String::new();
    for (fps, cores) in [
        (24, 2),
        (30, 2),
        (60, 4),
        (60, 2),
        (30, 1),
        (24, 1),
        (60, 8),
    ] {
        let scenario = named(
            "step load",
            Scenario {
                fps,
                cores,
                load: step,
                ..CALM
            },
        );
        let outcome = row(&mut table, &scenario);
        let before = outcome.rung_at(10 * SECOND);
        let during = outcome.rung_at(12 * SECOND);
        let heavy = UHD.source.decode * 4 / cores + UHD.source.read > SECOND / fps;
        if heavy && before == Rung::Source {
            assert!(during > before, "{table}");
            let down = settles_after(&outcome, 10 * SECOND, 15 * SECOND);
            assert!(
                down.is_some_and(|after| after <= SECOND),
                "{down:?} {table}"
            );
        }
        assert_eq!(outcome.switches(15 * SECOND, 30 * SECOND), [], "{table}");
        let up = settles_after(&outcome, 30 * SECOND, 40 * SECOND);
        assert!(up.is_none_or(|after| after <= 3 * SECOND), "{up:?} {table}");
        assert_eq!(
            outcome.rung_at(34 * SECOND),
            before,
            "it comes back: {table}"
        );
        assert!(is_steady(&outcome, 34 * SECOND, 60 * SECOND), "{table}");
    }
    println!("{table}");
}

#[test]
fn a_disk_that_is_slow_for_a_while() {
    let mut table = String::new();
    for fps in [24, 30, 60] {
        let scenario = named(
            "slow disk",
            Scenario {
                fps,
                cores: 4,
                disk: slow_disk,
                ..CALM
            },
        );
        let outcome = row(&mut table, &scenario);
        let down = settles_after(&outcome, 10 * SECOND, 15 * SECOND);
        assert!(
            down.is_some_and(|after| after <= SECOND),
            "{down:?} {table}"
        );
        let up = settles_after(&outcome, 30 * SECOND, 40 * SECOND);
        assert!(
            up.is_some_and(|after| after <= 3 * SECOND),
            "{up:?} {table}"
        );
        assert_eq!(outcome.rung_at(34 * SECOND), Rung::Source, "{table}");
        assert!(is_steady(&outcome, 11 * SECOND, 30 * SECOND), "{table}");
        assert!(is_steady(&outcome, 34 * SECOND, 60 * SECOND), "{table}");
        let told = outcome.decisions.iter().find(|(at, _)| *at > 15 * SECOND);
        assert!(told.is_some_and(|(_, decision)| decision.to_string().starts_with("read ")));
    }
    println!("{table}");
}

#[test]
fn a_machine_that_gets_hot_and_cools() {
    let mut table = String::new();
    for (fps, cores) in [(24, 2), (30, 2), (60, 4)] {
        let scenario = Scenario {
            fps,
            cores,
            seconds: 100,
            load: throttle,
            ..CALM
        };
        let outcome = row(&mut table, &named("thermal throttle", scenario));
        assert!(is_steady(&outcome, 0, 100 * SECOND), "{table}");
        assert_eq!(
            outcome.rung_at(84 * SECOND),
            outcome.rung_at(9 * SECOND),
            "{table}"
        );
        assert_eq!(outcome.switches(0, 100 * SECOND).len() % 2, 0, "{table}");
    }
    println!("{table}");
}

#[test]
fn heavy_and_light_clips_in_turn() {
    let mut table = String::new();
    for (fps, cores) in [(24, 4), (30, 2), (60, 4), (60, 8)] {
        let scenario = Scenario {
            fps,
            cores,
            seconds: 80,
            clips: &[UHD8, HD, UHD, HD],
            clip_seconds: 5,
            ..CALM
        };
        let outcome = row(&mut table, &named("heavy and light clips", scenario));
        let later = outcome.switches(25 * SECOND, 80 * SECOND);
        assert_eq!(later, [], "every clip was seen once: {table}");
        let at_cuts = outcome.changes.iter().filter(|(.., at_cut)| *at_cut);
        assert!(at_cuts.count() >= 12, "{table}");
    }
    println!("{table}");
}

#[test]
fn every_rate_on_every_machine() {
    let mut table = String::new();
    for fps in [24, 30, 60] {
        for cores in [1, 2, 4, 8, 16] {
            let scenario = Scenario { fps, cores, ..CALM };
            let outcome = row(&mut table, &named("4K", scenario));
            assert!(is_steady(&outcome, SECOND, 60 * SECOND), "{table}");
            let fits = UHD.source.decode / cores.min(8) + UHD.source.read < SECOND / fps * 65 / 100;
            assert!(
                !fits || outcome.rung_at(30 * SECOND) == Rung::Source,
                "{table}"
            );
        }
    }
    println!("{table}");
}

#[test]
fn short_rings_of_large_frames() {
    let mut table = String::new();
    for fps in [24, 30, 60] {
        for (cores, ring_frames) in [(2, 3), (4, 2), (8, 3), (16, 3), (16, 2)] {
            let scenario = Scenario {
                fps,
                cores,
                ring_frames,
                clips: &[UHD8],
                noise: 250,
                ..CALM
            };
            let outcome = row(&mut table, &named("8K 10 bit, ring of 2 or 3", scenario));
            assert!(is_steady(&outcome, 3 * SECOND, 60 * SECOND), "{table}");
        }
    }
    println!("{table}");
}

#[test]
fn costs_that_vary_around_the_limit() {
    let mut table = String::new();
    for noise in [100, 300, 600] {
        for share in [50, 60, 70, 75, 80, 85, 90, 95, 100, 110] {
            let clip = ClipModel {
                source: model(3840, 24, SECOND / 30 * share / 100 * 2, 0),
                ..UHD
            };
            let clips: &'static [ClipModel] = Box::leak(Box::new([clip]));
            let scenario = Scenario {
                clips,
                noise,
                ..CALM
            };
            let outcome = row(&mut table, &named("noisy costs", scenario));
            assert!(
                is_steady(&outcome, 3 * SECOND, 60 * SECOND),
                "{noise} {share} {table}"
            );
        }
    }
    println!("{table}");
}

#[test]
fn sources_without_proxies() {
    let mut table = String::new();
    for (fps, cores) in [(24, 1), (24, 2), (30, 2), (60, 2), (60, 4)] {
        for (name, load) in [
            ("no proxies", steady as fn(u64) -> u64),
            ("no proxies, step load", step),
        ] {
            let scenario = Scenario {
                fps,
                cores,
                // Until the source is tried again, every second frame is missing.
                seconds: 100,
                clips: &[BARE],
                load,
                ..CALM
            };
            row(&mut table, &named(name, scenario));
        }
    }
    println!("{table}");
}

#[test]
fn short_bursts_of_load() {
    let mut table = String::new();
    for fps in [24, 30, 60] {
        let scenario = Scenario {
            fps,
            cores: 4,
            load: bursts,
            ..CALM
        };
        row(&mut table, &named("bursts of load", scenario));
    }
    println!("{table}");
}

/// A source without proxies that takes so many hundredths of the time for a frame, on two cores.
fn bare_at(share: u64) -> &'static [ClipModel] {
    let source = model(3840, 24, SECOND / 30 * share / 100 * 2, 0);
    Box::leak(Box::new([ClipModel { source, ..BARE }]))
}

#[test]
fn bursts_do_not_keep_a_source_near_its_limit_thinned() {
    let mut table = String::new();
    for share in [70, 75] {
        let scenario = Scenario {
            seconds: 180,
            clips: bare_at(share),
            load: bursts,
            ..CALM
        };
        let outcome = play(
            &named("bursts, near the limit", scenario),
            Policy::default(),
        );
        // In the last minute as well.
        let looks = (120..180).map(|second| outcome.rung_at(second * SECOND));
        let whole = looks.filter(|rung| *rung == Rung::Source).count();
        let shown = outcome.shown_per_mille();
        let _ = writeln!(
            table,
            "bursts, source at {share} %: {shown} ‰, whole {whole} of 60 s"
        );
        assert!(whole >= 20, "{table}");
    }
    println!("{table}");
}

/// Thumbnails are made beside for the first eight seconds.
fn thumbnails(at: u64) -> u64 {
    if at < 8 * SECOND { 2000 } else { 1000 }
}

#[test]
fn a_source_that_fits_comes_back_where_a_few_seconds_are_played_at_a_time() {
    let mut table = String::new();
    for (share, turns, is_back) in [
        (60, (3 * SECOND, 4 * SECOND), true),
        (75, (3 * SECOND, 4 * SECOND), true),
        // Rests that are too short to count: the plays add up.
        (60, (5 * SECOND / 2, SECOND), true),
        (75, (5 * SECOND / 2, SECOND), true),
        (130, (3 * SECOND, 4 * SECOND), false),
    ] {
        let scenario = Scenario {
            seconds: 120,
            clips: bare_at(share),
            load: thumbnails,
            turns,
            ..CALM
        };
        let outcome = row(&mut table, &named("short plays", scenario));
        let turn = turns.0 + turns.1;
        let plays = (60 * SECOND / turn..120 * SECOND / turn).map(|play| play * turn + turns.0 / 2);
        let whole = plays
            .clone()
            .filter(|&at| outcome.rung_at(at) == Rung::Source)
            .count();
        let all = plays.count();
        let _ = writeln!(
            table,
            "  source at {share} %: whole in {whole} of {all} plays"
        );
        if is_back {
            assert_eq!(whole, all, "{table}");
        } else {
            assert!(whole * 4 < all, "{table}");
        }
        let early = (0..8).map(|second| outcome.rung_at(second * SECOND + SECOND / 2));
        assert!(
            early.into_iter().any(|rung| rung == Rung::Thinned),
            "it went down once: {table}"
        );
    }
    println!("{table}");
}

#[test]
fn a_display_that_is_slow_to_draw() {
    let mut table = String::new();
    let scenario = Scenario {
        fps: 60,
        cores: 8,
        present: PresentCost {
            upload: std::time::Duration::from_millis(4),
            convert: std::time::Duration::from_millis(12),
            render: std::time::Duration::from_millis(6),
        },
        ..CALM
    };
    let outcome = play(&named("slow to draw", scenario), Policy::default());
    let scales: Vec<u32> = outcome
        .decisions
        .iter()
        .map(|(_, decision)| decision.scale.percent())
        .collect();
    let mut changes = scales.clone();
    changes.dedup();
    assert_eq!(
        changes,
        [100, 75],
        "22 ms of 16.7; 14.1 of 14.2 at three quarters"
    );
    let _ = writeln!(table, "slow to draw: shown {} ‰", outcome.shown_per_mille());
    assert!(outcome.shown_per_mille() > 980, "{table}");
    println!("{table}");
}

#[test]
fn the_same_run_twice_is_the_same() {
    let scenario = named(
        "twice",
        Scenario {
            noise: 500,
            load: step,
            ..CALM
        },
    );
    let [a, b] = [(), ()].map(|()| play(&scenario, Policy::default()));
    assert_eq!(a.decisions, b.decisions);
    assert_eq!((a.shown, a.changes), (b.shown, b.changes));
}

//! The whole interface driven by the names of its controls, as a screen reader or a person at the keyboard would.

mod journal;
mod keyboard;
mod lists;
mod monitor;
mod pictures;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use super::fixture;
use crate::cache::disk::{DiskStats, Kind, KindStats, Listed};
use crate::config::{CATALOGUE, Config, KeyMap};
use crate::decode::FileIdentity;
use crate::jobs::kept::{JobOrder, KeptJob, KeptState};
use crate::jobs::{Priority, Progress, Readings};
use crate::memory::MemoryClass;
use crate::playback::{Command, PlaybackStatus, Snapshot};
use crate::proxy::{ListedProxy, Preset, ProxyCodec, ProxyRecord, ProxyState, Verification};
use crate::time::Moment;
use crate::ui::{
    CacheData, ConfigData, Errand, MemoryUse, Overlay, Panel, PanelData, ProxyData, RecentFile,
    Setting, UiEvent, UiInput, ViewStats, style,
};

/// What the harness runs.
struct Bench {
    overlay: Overlay,
    snapshot: Snapshot,
    stats: ViewStats,
    keys: KeyMap,
    panels: PanelData,
    now: Moment,
    blame: crate::metrics::BlameMap,
    events: Vec<UiEvent>,
    is_styled: bool,
}

impl Bench {
    fn new() -> Self {
        Self {
            overlay: Overlay::new(),
            snapshot: fixture::snapshot(1_800, 737),
            stats: fixture::stats(),
            keys: KeyMap::default(),
            panels: data(),
            now: Moment::ZERO,
            blame: crate::metrics::BlameMap::default(),
            events: Vec::new(),
            is_styled: false,
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui) {
        if !std::mem::replace(&mut self.is_styled, true) {
            style::apply(ui.ctx());
        }
        // Both halves of one struct: the interface, and what it is shown.
        let mut overlay = std::mem::take(&mut self.overlay);
        let mut events = std::mem::take(&mut self.events);
        overlay.pass(ui, &self.input(), &mut events);
        (self.overlay, self.events) = (overlay, events);
    }

    fn input(&self) -> UiInput<'_> {
        UiInput {
            snapshot: &self.snapshot,
            stats: &self.stats,
            keys: &self.keys,
            now: self.now,
            fullscreen: false,
            failure: None,
            audio_devices: &[],
            audio_device: None,
            waveform: None,
            thumbnails: None,
            on_device: &[],
            blame: &self.blame,
            profile: None,
            placement: None,
            pixel: None,
            panels: &self.panels,
        }
    }
}

type Screen = Harness<'static, Bench>;

/// A window with these panels open.
fn screen(open: &[Panel]) -> Screen {
    screen_of(open, |_| {})
}

fn screen_of(open: &[Panel], change: impl FnOnce(&mut Bench)) -> Screen {
    let mut bench = Bench::new();
    for panel in open {
        bench.overlay.open(*panel);
    }
    change(&mut bench);
    let mut screen = Harness::builder()
        .with_size(egui::vec2(1600.0, 1400.0))
        .build_ui_state(|ui, bench: &mut Bench| bench.ui(ui), bench);
    screen.run_steps(2);
    screen
}

/// Clicks what has this name, or the only one of its kind, as in `Verify: a.mov`; answers what was asked for.
fn click(screen: &mut Screen, name: &str) -> Vec<UiEvent> {
    screen.state_mut().events.clear();
    let of_something = format!("{name}: ");
    match screen.query_by_label(name) {
        Some(button) => button.click(),
        None => screen.get_by_label_contains(&of_something).click(),
    }
    screen.run_steps(3);
    std::mem::take(&mut screen.state_mut().events)
}

fn errand(errand: Errand) -> Vec<UiEvent> {
    vec![UiEvent::Errand(errand)]
}

pub(super) fn data() -> PanelData {
    let job = |id, name: &str, state| KeptJob {
        id,
        order: JobOrder {
            kind: "proxy".to_owned(),
            key: format!("/rushes/{name}"),
            parameters: String::new(),
            priority: Priority::Normal,
            rank: 0,
        },
        state,
        attempts: 1,
        reason: None,
        progress: Progress {
            done: 30,
            total: 120,
        },
        worked: std::time::Duration::from_secs(10),
        not_before_millis: 0,
        changed_millis: 0,
    };
    let config = Config::default();
    PanelData {
        doing: None,
        errands_done: 0,
        edition: 1,
        readings: Some(Readings {
            cpu: Some(0.5),
            own_cpu: Some(0.25),
            cores: 2,
            memory: Some((6 << 30, 24 << 30)),
            own_memory: Some(1 << 30),
            gpu: None,
            disk_wait: Some(0.1),
            disk_rates: Some((120_000_000, 0)),
            disk_room: Some((PathBuf::from("/"), 80 << 30, 250 << 30)),
        }),
        memory: vec![MemoryUse {
            class: MemoryClass::Frames,
            bytes: 1 << 30,
        }],
        memory_limit: 4 << 30,
        proxies: ProxyData {
            folder: Some(PathBuf::from("/cache/proxies")),
            list: Arc::new(vec![
                proxy("a.mov", 30_000_000, ProxyState::Verified),
                proxy("b.mov", 90_000_000, ProxyState::SourceChanged),
            ]),
            jobs: Arc::new(vec![
                job(7, "c.mov", KeptState::Running),
                job(8, "d.mov", KeptState::Failed),
            ]),
            limit_bytes: 50_000_000_000,
            is_paused: false,
            problem: None,
        },
        caches: CacheData {
            disk: Some(DiskStats {
                folder: PathBuf::from("/cache/disk"),
                kinds: vec![KindStats {
                    kind: Kind::Index,
                    items: 1,
                    bytes: 4_000,
                }],
                items: 1,
                bytes: 4_000,
                limit_bytes: 20 << 30,
                is_limit_stated: false,
                free_bytes: Some(80 << 30),
                min_free_bytes: Some(1 << 30),
            }),
            items: Arc::default(),
            problem: None,
        },
        config: ConfigData {
            path: Some(PathBuf::from("/home/a/.config/jogwheel/config.toml")),
            settings: CATALOGUE
                .iter()
                .map(|spec| Setting {
                    key: spec.key,
                    value: config.applies(spec.key),
                    is_stated: spec.key == "quality.min-height",
                    is_overruled: spec.key == "quality.mode",
                })
                .collect(),
            notes: vec!["config.toml:3: what is that?".to_owned()],
        },
        outcomes: Vec::new(),
        recent: vec![RecentFile {
            path: PathBuf::from("/rushes/a.mov"),
            words: "01:00:04:12".to_owned(),
        }],
    }
}

fn proxy(name: &str, bytes: u64, state: ProxyState) -> ListedProxy {
    let file = FileIdentity {
        bytes: 1_000_000_000,
        modified_nanos: 0,
        device: 1,
        inode: 1,
    };
    ListedProxy {
        path: PathBuf::from(format!("/cache/proxies/{name}.half.mov")),
        bytes,
        record: Some(ProxyRecord {
            source: Path::new("/rushes").join(name),
            source_file: file,
            proxy_file: file,
            preset: Preset::Half,
            codec: ProxyCodec::H264Intra,
            verified: Some(Verification {
                frames: 240,
                samples: 12,
                least_likeness: 0.981,
            }),
        }),
        state,
    }
}

#[test]
fn transport_controls_have_names_and_do_what_they_say() {
    let mut screen = screen(&[Panel::Performance]);
    assert_eq!(
        click(&mut screen, "Pause"),
        [UiEvent::Command(Command::Pause)]
    );
    screen.state_mut().snapshot.status = PlaybackStatus::Paused;
    screen.run_steps(1);
    assert_eq!(
        click(&mut screen, "Play"),
        [UiEvent::Command(Command::Play)]
    );
    assert_eq!(
        click(&mut screen, "1 frame on"),
        [UiEvent::Command(Command::Step(1))]
    );
    for name in ["Position, of 1800 frames", "Volume in percent", "Menu"] {
        screen.get_by_label(name);
    }
}

#[test]
fn a_screen_reader_presses_painted_buttons() {
    let mut screen = screen(&[]);
    screen.get_by_label("1 frame back").click_accesskit();
    screen.run_steps(2);
    let events = std::mem::take(&mut screen.state_mut().events);
    assert_eq!(events, [UiEvent::Command(Command::Step(-1))]);
}

#[test]
fn the_menu_opens_panels_and_files_as_they_were_left() {
    let mut screen = screen(&[]);
    click(&mut screen, "Menu");
    let listed = screen.get_all_by_label_contains("Settings").count();
    assert!(listed >= 1);
    screen.get_by_label_contains("Caches").click();
    screen.run_steps(3);
    assert!(
        screen
            .state()
            .overlay
            .open_panels()
            .any(|id| id == Panel::Caches.id())
    );
    click(&mut screen, "Menu");
    screen.get_by_label_contains("Open recent").click();
    screen.run_steps(3);
    screen.state_mut().events.clear();
    screen.get_by_label_contains("a.mov").click();
    screen.run_steps(3);
    assert_eq!(
        screen.state().events,
        errand(Errand::Reopen(PathBuf::from("/rushes/a.mov")))
    );
}

#[test]
fn what_was_open_before_is_offered_where_nothing_is_open() {
    let mut screen = screen_of(&[], |bench| bench.snapshot = fixture::empty_snapshot());
    assert_eq!(
        click(&mut screen, "Open a.mov at 01:00:04:12"),
        errand(Errand::Reopen(PathBuf::from("/rushes/a.mov")))
    );
    assert_eq!(
        click(&mut screen, "Open the demo timeline"),
        errand(Errand::OpenDemo)
    );
}

#[test]
fn keys_open_panels_and_belong_to_controls_that_have_the_keyboard() {
    let mut screen = screen(&[]);
    let is_open = |screen: &Screen, panel: Panel| {
        screen
            .state()
            .overlay
            .open_panels()
            .any(|id| id == panel.id())
    };
    screen.key_press(egui::Key::F5);
    screen.run_steps(2);
    assert!(is_open(&screen, Panel::Proxies));
    // Without the keyboard on a control, Space plays; with it, Space presses the control.
    screen.state_mut().events.clear();
    screen.key_press(egui::Key::Space);
    screen.run_steps(2);
    assert_eq!(
        screen.state().events,
        [UiEvent::Command(Command::TogglePause)]
    );
    screen.get_by_label("Pause jobs").focus();
    screen.run_steps(2);
    screen.state_mut().events.clear();
    screen.key_press(egui::Key::Space);
    screen.run_steps(2);
    assert_eq!(screen.state().events, errand(Errand::PauseJobs(true)));
    // In a field, letters are text.
    screen.get_by_label("Filter by name or state").focus();
    screen.run_steps(2);
    screen.state_mut().events.clear();
    screen.key_press(egui::Key::L);
    screen.run_steps(2);
    assert_eq!(screen.state().events, []);
}

#[test]
fn tab_goes_through_the_controls_once_one_has_the_keyboard() {
    let mut screen = screen(&[Panel::Caches]);
    screen.key_press(egui::Key::Tab);
    screen.run_steps(2);
    let has_focus = |screen: &Screen| screen.ctx.memory(|memory| memory.focused().is_some());
    assert!(!has_focus(&screen), "Tab is the player's");
    screen.key_press(egui::Key::F6);
    screen.run_steps(3);
    assert!(has_focus(&screen));
    let first = screen.ctx.memory(egui::Memory::focused);
    screen.key_press(egui::Key::Tab);
    screen.run_steps(3);
    assert_ne!(screen.ctx.memory(egui::Memory::focused), first);
    screen.key_press(egui::Key::Escape);
    screen.run_steps(3);
    assert!(!has_focus(&screen), "Esc gives the keyboard back");
}

#[test]
fn proxies_are_listed_filtered_sorted_verified_and_deleted() {
    let mut screen = screen(&[Panel::Proxies]);
    screen.get_by_label("2, 120 MB");
    screen.get_by_label("94 % saved of 2.00 GB");
    let is_listed = |screen: &Screen, name: &str| screen.query_by_label(name).is_some();
    assert!(is_listed(&screen, "a.mov") && is_listed(&screen, "b.mov"));
    assert_eq!(
        click(&mut screen, "Try again"),
        errand(Errand::RetryJob("/rushes/d.mov".to_owned()))
    );
    assert_eq!(click(&mut screen, "Delete 1 stale"), []);
    let stale = vec![PathBuf::from("/cache/proxies/b.mov.half.mov")];
    assert_eq!(
        click(&mut screen, "Delete them"),
        errand(Errand::DeleteProxies(stale))
    );
    screen.get_by_label("Filter by name or state").focus();
    screen.run_steps(1);
    screen
        .get_by_label("Filter by name or state")
        .type_text("verif");
    screen.run_steps(2);
    assert!(is_listed(&screen, "a.mov") && !is_listed(&screen, "b.mov"));
    let path = vec![PathBuf::from("/cache/proxies/a.mov.half.mov")];
    assert_eq!(
        click(&mut screen, "Verify"),
        errand(Errand::VerifyProxies(path.clone()))
    );
    assert_eq!(click(&mut screen, "Delete"), []);
    assert_eq!(
        click(&mut screen, "Delete it"),
        errand(Errand::DeleteProxies(path))
    );
}

#[test]
fn caches_are_listed_and_cleared_by_kind() {
    let mut screen = screen_of(&[Panel::Caches], |bench| {
        let item = |kind, label: &str, bytes| Listed {
            name: crate::cache::disk::Key::new(
                kind,
                Path::new(label),
                &FileIdentity {
                    bytes,
                    modified_nanos: 0,
                    device: 0,
                    inode: bytes,
                },
                &[],
            )
            .name(),
            kind,
            bytes,
            plain_bytes: bytes,
            made_millis: 0,
            used_millis: 0,
            label: label.to_owned(),
        };
        bench.panels.caches.items = Arc::new(vec![
            item(Kind::Index, "/rushes/a.mov", 4_000),
            item(Kind::Thumbnails, "/rushes/b.mov", 9_000),
        ]);
    });
    screen.get_by_label("a.mov");
    screen.get_by_label("b.mov");
    assert_eq!(click(&mut screen, "Check"), errand(Errand::CheckDisk));
    click(&mut screen, "thumbnails");
    assert!(screen.query_by_label("a.mov").is_none());
    assert_eq!(click(&mut screen, "Clear thumbnails"), []);
    assert_eq!(
        click(&mut screen, "Remove all thumbnails"),
        errand(Errand::ClearDisk(Some(Kind::Thumbnails)))
    );
}

#[test]
fn settings_are_set_reset_and_not_changed_where_the_command_line_wins() {
    let mut screen = screen(&[Panel::Settings]);
    screen.get_by_label("config.toml:3: what is that?");
    screen.get_by_label("Set on the command line, which wins.");
    assert_eq!(
        click(&mut screen, "Leave frames out"),
        errand(Errand::Set {
            key: "quality.allow-drops",
            value: Some("false".to_owned())
        })
    );
    assert_eq!(
        click(&mut screen, "Reset Fewest lines"),
        errand(Errand::Set {
            key: "quality.min-height",
            value: None
        })
    );
}

/// The page of keys, with those of "Mark in" alone.
fn keys_of_mark_in() -> Screen {
    let mut screen = screen(&[Panel::Settings]);
    click(&mut screen, "Keys, page");
    screen
        .get_by_label("Search settings and keys")
        .type_text("mark in");
    screen.run_steps(3);
    screen
}

#[test]
fn keys_are_bound_freed_and_left() {
    let mut screen = keys_of_mark_in();
    assert_eq!(
        click(&mut screen, "I: Mark in"),
        errand(Errand::Bind {
            chord: "I".to_owned(),
            action: None
        })
    );
    click(&mut screen, "Add a key: Mark in");
    screen.state_mut().events.clear();
    screen.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
    screen.run_steps(2);
    assert_eq!(
        screen.state().events,
        errand(Errand::Bind {
            chord: "Ctrl+K".to_owned(),
            action: Some("mark-in")
        })
    );
    click(&mut screen, "Add a key: Mark in");
    screen.state_mut().events.clear();
    screen.key_press(egui::Key::Escape);
    screen.run_steps(2);
    assert_eq!(screen.state().events, []);
}

#[test]
fn the_picture_keeps_out_of_the_way_of_panels() {
    let mut screen = screen(&[]);
    let room = |screen: &Screen| {
        let zones = &screen.state().overlay.zones;
        zones.rect(crate::ui::pointer::Zone::Picture).unwrap()
    };
    let alone = room(&screen);
    assert!(alone.width() > 1500.0, "{alone}");
    screen.key_press(egui::Key::F3);
    screen.run_steps(3);
    let beside = room(&screen);
    assert!(
        beside.width() < 1250.0 && beside.height() < 1330.0,
        "{beside}"
    );
    screen.key_press(egui::Key::F12);
    screen.run_steps(3);
    assert_eq!(room(&screen), alone);
}

#[test]
fn a_long_list_lays_out_what_is_seen_and_all_of_it_can_be_reached() {
    let mut screen = screen_of(&[Panel::Proxies], |bench| {
        let many = (0..500).map(|n| proxy(&format!("shot {n:03}.mov"), n, ProxyState::Verified));
        bench.panels.proxies.list = Arc::new(many.collect());
    });
    let laid_out = screen.get_all_by_label_contains("Verify: ").count();
    assert!((5..60).contains(&laid_out), "{laid_out} rows");
    assert!(screen.query_by_label("shot 499.mov").is_none());
    let place = egui::pos2(1_500.0, 1_200.0);
    screen.event(egui::Event::PointerMoved(place));
    for _ in 0..60 {
        screen.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Line,
            delta: egui::vec2(0.0, -60.0),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: egui::Modifiers::NONE,
        });
        screen.run_steps(3);
    }
    assert!(screen.query_by_label("shot 499.mov").is_some());
    assert!(screen.query_by_label("shot 000.mov").is_none());
}

#[test]
fn the_window_and_its_badges_are_read_out() {
    let screen = screen(&[]);
    let title = screen.root().accesskit_node().label();
    assert_eq!(title.as_deref(), Some("A007_C012_0417_v2.mov — Jogwheel"));
    let badge = screen.get_by_label("VFR").accesskit_node();
    let why = badge.data().description().unwrap_or_default();
    assert!(why.contains("last equally long"), "{why}");
}

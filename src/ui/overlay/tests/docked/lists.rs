//! The lists of proxies, of what is cached and of recent files: their order, their filters and their buttons.

use super::*;
use crate::config::Action;

const BY_PATH: [&str; 4] = ["k.mov", "l.mov", "m.mov", "n.mov"];
const GB: u64 = 1_000_000_000;

/// Those of `names` that are listed, from the top down.
fn from_the_top(screen: &Screen, names: &[&'static str]) -> Vec<&'static str> {
    let mut listed: Vec<(f32, &'static str)> = names
        .iter()
        .filter_map(|name| Some((screen.query_by_label(name)?.rect().top(), *name)))
        .collect();
    listed.sort_by(|a, b| a.0.total_cmp(&b.0));
    listed.into_iter().map(|(_, name)| name).collect()
}

fn type_into(screen: &mut Screen, field: &str, words: &str) {
    screen.get_by_label(field).focus();
    screen.run_steps(1);
    screen.get_by_label(field).type_text(words);
    screen.run_steps(2);
}

/// The proxy manager with four proxies, which come in no order.
fn four_proxies() -> Screen {
    screen_of(&[Panel::Proxies], |bench| {
        bench.panels.proxies.list = Arc::new(vec![
            proxy("m.mov", 30_000_000, ProxyState::ProxyChanged),
            proxy("k.mov", 60_000_000, ProxyState::Verified),
            proxy("n.mov", 90_000_000, ProxyState::SourceMissing),
            proxy("l.mov", 60_000_000, ProxyState::Verified),
        ]);
    })
}

/// Where the proxy of this source lies.
fn path_of(name: &str) -> PathBuf {
    PathBuf::from(format!("/cache/proxies/{name}.half.mov"))
}

#[test]
fn proxies_are_sorted_by_name_by_size_or_by_state() {
    let mut screen = four_proxies();
    assert_eq!(from_the_top(&screen, &BY_PATH), BY_PATH);
    for (order, sorted) in [
        ("Size", ["n.mov", "k.mov", "l.mov", "m.mov"]),
        ("State", ["m.mov", "n.mov", "k.mov", "l.mov"]),
        ("Name", BY_PATH),
    ] {
        click(&mut screen, "Sort by");
        click(&mut screen, order);
        assert_eq!(from_the_top(&screen, &BY_PATH), sorted, "{order}");
    }
}

#[test]
fn names_in_any_script_are_listed_as_they_are_and_found() {
    const NAMES: [&str; 4] = [
        "ÉTÉ à Zürich.mov",
        "выход.mov",
        "مشهد ١.mov",
        "撮影 三日目 🎬.mov",
    ];
    let listed = || {
        let mut screen = screen(&[Panel::Proxies]);
        // The program takes them from the machine.
        let policy = egui::epaint::text::MissingGlyphPolicy::Tofu;
        screen.ctx.set_missing_glyph_policy(policy);
        let listed = NAMES.map(|name| proxy(name, 60_000_000, ProxyState::Verified));
        screen.state_mut().panels.proxies.list = Arc::new(listed.into());
        screen.run_steps(2);
        screen
    };
    assert_eq!(from_the_top(&listed(), &NAMES).len(), NAMES.len());
    for (words, name) in ["été", "ВЫХОД", "مشهد", "三日"].into_iter().zip(NAMES) {
        let mut screen = listed();
        type_into(&mut screen, "Filter by name or state", words);
        assert_eq!(from_the_top(&screen, &NAMES), [name], "{words}");
    }
}

#[test]
fn proxies_are_filtered_by_source_and_by_state_in_any_case() {
    let filters: [(&str, &[&str]); 5] = [
        ("RUSHES", &BY_PATH),
        ("M.MOV", &["m.mov"]),
        ("Missing", &["n.mov"]),
        ("verified", &["k.mov", "l.mov"]),
        ("nothing like it", &[]),
    ];
    for (words, left) in filters {
        let mut screen = four_proxies();
        type_into(&mut screen, "Filter by name or state", words);
        assert_eq!(from_the_top(&screen, &BY_PATH), left, "{words}");
        let none = "None has this in its name or state.";
        assert_eq!(
            screen.query_by_label(none).is_some(),
            left.is_empty(),
            "{words}"
        );
    }
}

#[test]
fn all_proxies_are_verified_whichever_are_listed() {
    let mut screen = four_proxies();
    type_into(&mut screen, "Filter by name or state", "m.mov");
    assert_eq!(from_the_top(&screen, &BY_PATH), ["m.mov"]);
    let all = ["m.mov", "k.mov", "n.mov", "l.mov"].map(path_of);
    assert_eq!(
        click(&mut screen, "Verify all"),
        errand(Errand::VerifyProxies(all.to_vec()))
    );
    screen.state_mut().panels.proxies.list = Arc::default();
    screen.run_steps(2);
    screen.get_by_label("There are none yet.");
    assert_eq!(click(&mut screen, "Verify all"), []);
}

#[test]
fn proxies_are_made_of_what_is_open_if_anything_is() {
    let mut screen = screen(&[Panel::Proxies]);
    assert_eq!(
        click(&mut screen, "Make of what is open"),
        [UiEvent::Action(Action::MakeProxies)]
    );
    screen.state_mut().snapshot = fixture::empty_snapshot();
    screen.run_steps(2);
    assert_eq!(click(&mut screen, "Make of what is open"), []);
}

#[test]
fn a_proxy_and_the_folder_are_shown_where_they_lie() {
    let mut screen = four_proxies();
    assert_eq!(
        click(&mut screen, "Show the folder"),
        errand(Errand::Reveal(PathBuf::from("/cache/proxies")))
    );
    type_into(&mut screen, "Filter by name or state", "n.mov");
    assert_eq!(
        click(&mut screen, "Reveal"),
        errand(Errand::Reveal(path_of("n.mov")))
    );
}

#[test]
fn what_nothing_tells_of_is_verified_but_not_deleted() {
    let mut screen = screen_of(&[Panel::Proxies], |bench| {
        let mut unknown = proxy("k.mov", 60_000_000, ProxyState::Unknown);
        unknown.record = None;
        bench.panels.proxies.list = Arc::new(vec![unknown]);
    });
    screen.get_by_label("k.mov.half.mov");
    assert!(screen.query_by_label_contains("Delete: ").is_none());
    assert_eq!(
        click(&mut screen, "Verify"),
        errand(Errand::VerifyProxies(vec![path_of("k.mov")]))
    );
}

#[test]
fn jobs_go_on_are_cancelled_and_forgotten() {
    let mut screen = screen_of(&[Panel::Proxies], |bench| {
        bench.panels.proxies.is_paused = true;
    });
    screen.get_by_label("Jobs (paused)");
    assert_eq!(
        click(&mut screen, "Go on"),
        errand(Errand::PauseJobs(false))
    );
    assert_eq!(
        click(&mut screen, "Cancel"),
        errand(Errand::CancelJob("/rushes/c.mov".to_owned()))
    );
    assert_eq!(
        click(&mut screen, "Forget those that are over"),
        errand(Errand::ForgetJobs)
    );
}

#[test]
fn the_menu_clears_the_list_of_recent_files() {
    let mut screen = screen(&[]);
    click(&mut screen, "Menu");
    screen.get_by_label_contains("Open recent").click();
    screen.run_steps(3);
    assert_eq!(
        click(&mut screen, "Clear this list"),
        errand(Errand::ForgetRecent)
    );
    assert!(screen.query_by_label("Clear this list").is_none());
}

const AS_USED: [&str; 3] = ["x.mov", "y.mov", "z.mov"];

fn item(kind: Kind, label: &str, bytes: u64) -> Listed {
    let file = FileIdentity {
        bytes,
        modified_nanos: 0,
        device: 0,
        inode: bytes,
    };
    Listed {
        name: crate::cache::disk::Key::new(kind, Path::new(label), &file, &[]).name(),
        kind,
        bytes,
        plain_bytes: bytes,
        made_millis: 0,
        // Just now, on whichever day.
        used_millis: i64::MAX,
        label: label.to_owned(),
    }
}

/// Three items of the disk cache.
pub(super) fn items() -> Arc<Vec<Listed>> {
    Arc::new(vec![
        item(Kind::Index, "/rushes/x.mov", 4_000),
        item(Kind::Thumbnails, "/archive/y.mov", 9_000),
        item(Kind::Waveform, "/rushes/z.mov", 6_000),
    ])
}

/// The cache viewer with them.
fn three_items() -> Screen {
    screen_of(&[Panel::Caches], |bench| {
        bench.panels.caches.items = items();
    })
}

#[test]
fn cached_items_are_listed_as_they_were_used_or_the_largest_first() {
    let mut screen = three_items();
    assert_eq!(from_the_top(&screen, &AS_USED), AS_USED);
    click(&mut screen, "largest first");
    assert_eq!(
        from_the_top(&screen, &AS_USED),
        ["y.mov", "z.mov", "x.mov"],
        "9, 6 and 4 kB"
    );
    click(&mut screen, "largest first");
    assert_eq!(from_the_top(&screen, &AS_USED), AS_USED);
}

#[test]
fn cached_items_are_filtered_by_their_source_and_by_their_kind() {
    let filters: [(&str, &[&str]); 4] = [
        ("ARCHIVE", &["y.mov"]),
        ("rushes", &["x.mov", "z.mov"]),
        (".mov", &AS_USED),
        ("nothing like it", &[]),
    ];
    for (words, left) in filters {
        let mut screen = three_items();
        type_into(&mut screen, "Filter by source", words);
        assert_eq!(from_the_top(&screen, &AS_USED), left, "{words}");
        assert_eq!(
            screen.query_by_label("None.").is_some(),
            left.is_empty(),
            "{words}"
        );
    }
    let mut screen = three_items();
    type_into(&mut screen, "Filter by source", "rushes");
    click(&mut screen, "waveform");
    assert_eq!(from_the_top(&screen, &AS_USED), ["z.mov"], "both apply");
    click(&mut screen, "all");
    assert_eq!(from_the_top(&screen, &AS_USED), ["x.mov", "z.mov"]);
}

#[test]
fn one_item_of_the_disk_cache_is_checked_shown_and_removed() {
    let mut screen = three_items();
    let name = item(Kind::Thumbnails, "/archive/y.mov", 9_000).name;
    let check = "Check: thumbnails of y.mov";
    assert!(screen.query_by_label(check).is_none(), "it is folded away");
    assert_eq!(
        click(&mut screen, "What to do with thumbnails of y.mov"),
        []
    );
    screen.run_steps(20);
    assert_eq!(click(&mut screen, check), errand(Errand::CheckItem(name)));
    assert_eq!(
        click(&mut screen, "Show source: thumbnails of y.mov"),
        errand(Errand::Reveal(PathBuf::from("/archive/y.mov")))
    );
    assert_eq!(click(&mut screen, "Remove: thumbnails of y.mov"), []);
    assert_eq!(
        click(&mut screen, "Remove it: thumbnails of y.mov"),
        errand(Errand::RemoveItem(name))
    );
}

#[test]
fn a_dragged_disk_limit_is_asked_for_once_the_hand_lets_go() {
    let mut screen = screen(&[Panel::Caches]);
    let limit = |screen: &Screen| screen.get_by_label("Limit").value().unwrap();
    assert_eq!(limit(&screen), "21 GB", "20 GiB");
    let from = screen.get_by_label("Limit").rect().center();
    let to = from + egui::vec2(40.0, 0.0);
    screen.state_mut().events.clear();
    screen.hover_at(from);
    screen.drag_at(from);
    screen.hover_at(from.lerp(to, 0.5));
    screen.hover_at(to);
    screen.run_steps(2);
    let words = limit(&screen);
    let dragged: u64 = words.trim_end_matches(" GB").parse().unwrap();
    assert!(dragged > 21, "{words}");
    assert_eq!(screen.state().events, []);
    screen.drop_at(to);
    screen.run_steps(2);
    assert_eq!(
        screen.state().events,
        errand(Errand::LimitDisk(dragged * GB))
    );
}

/// Types a limit and answers what was asked for.
fn enter_limit(screen: &mut Screen, typed: &str) -> Vec<UiEvent> {
    screen.state_mut().events.clear();
    screen.get_by_label("Limit").focus();
    screen.run_steps(2);
    screen.event(egui::Event::Text(typed.to_owned()));
    screen.run_steps(2);
    screen.key_press(egui::Key::Enter);
    screen.run_steps(2);
    std::mem::take(&mut screen.state_mut().events)
}

#[test]
fn a_limit_of_proxies_is_asked_for_as_it_was_typed() {
    let mut screen = screen(&[Panel::Proxies]);
    let limit = screen.get_by_label("Limit").value();
    assert_eq!(limit.as_deref(), Some("50 GB"));
    let wanted = errand(Errand::LimitProxies(35 * GB));
    assert_eq!(enter_limit(&mut screen, "35"), wanted);
}

#[test]
fn proxies_of_the_size_that_was_chosen_are_asked_for() {
    let mut screen = screen(&[Panel::Proxies]);
    let make = "Make of what is open";
    let fitting = [UiEvent::Action(Action::MakeProxies)];
    assert_eq!(click(&mut screen, make), fitting);
    click(&mut screen, "Size of proxies");
    click(&mut screen, "quarter: 540 lines at most");
    let quarter = errand(Errand::MakeProxies(Some(Preset::Quarter)));
    assert_eq!(click(&mut screen, make), quarter);
}

#[test]
fn a_typed_disk_limit_is_asked_for_within_its_bounds() {
    let mut screen = screen(&[Panel::Caches]);
    let mut enter = |typed: &str| enter_limit(&mut screen, typed);
    assert_eq!(enter(""), [], "nothing was typed");
    for (typed, gigabytes) in [("35", 35), ("5000", 1_000), ("0", 1)] {
        let wanted = errand(Errand::LimitDisk(gigabytes * GB));
        assert_eq!(enter(typed), wanted, "{typed}");
    }
}

#[test]
fn caches_are_shown_where_they_lie_and_cleared_once_somebody_is_sure() {
    let mut screen = three_items();
    assert_eq!(
        click(&mut screen, "Show the folder"),
        errand(Errand::Reveal(PathBuf::from("/cache/disk")))
    );
    assert_eq!(click(&mut screen, "Clear memory"), []);
    assert_eq!(
        click(&mut screen, "Drop kept frames and pictures"),
        errand(Errand::ClearMemory)
    );
    assert_eq!(click(&mut screen, "Clear disk"), []);
    assert_eq!(click(&mut screen, "Keep"), []);
    assert_eq!(click(&mut screen, "Clear disk"), []);
    assert_eq!(
        click(&mut screen, "Remove all items"),
        errand(Errand::ClearDisk(None))
    );
}

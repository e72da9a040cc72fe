//! Keys for the window rather than the film: zoom, guides, panels, the clipboard, proxies.

use jogwheel::config::Action as A;
use jogwheel::ui::Panel;
use serde_json::json;

use super::Table;
use crate::made;

pub(super) fn zoom_by_keys(table: &mut Table<'_>) {
    let zoom = |words: &str| json!({"zoom": words});
    table.check(A::ZoomFill, &[zoom("fill")]);
    table.check(A::ZoomActual, &[zoom("100")]);
    table.check(A::ZoomIn, &[zoom("125"), zoom("156")]);
    table.check(A::ZoomOut, &[zoom("125"), zoom("100")]);
    table.check(A::ZoomFit, &[zoom("fit")]);
    let panels = |names: &[&str]| json!({"panels": names});
    let guides = ["safe", "centre", "grid", "all"].map(|name| panels(&[&format!("guides-{name}")]));
    let round: Vec<_> = guides.into_iter().chain([panels(&[])]).collect();
    table.check(A::CycleGuides, &round);
    table.check(A::ToggleInspector, &[panels(&["inspector"]), panels(&[])]);
}

pub(super) fn dock_panels_by_keys(table: &mut Table<'_>) {
    let panels = |names: &[&str]| json!({"panels": names});
    table.check(A::MainMenu, &[panels(&["menu"]), panels(&[])]);
    for panel in Panel::ALL {
        table.check(panel.action(), &[panels(&[panel.id()]), panels(&[])]);
    }
    table.screen.press(&["F7"]);
    table.screen.until_fields("F7", &panels(&["caches"]));
    table.check(A::ViewerOnly, &[panels(&[]), panels(&["caches"])]);
    table.screen.press(&["F7"]);
    table.screen.until_fields("F7", &panels(&[]));
}

/// Frame 77 is on the screen.
pub(super) fn copy_by_keys(table: &mut Table<'_>) {
    copy_by_key(table, A::CopyFrame, "ctrl+c", "Frame copied, 640 × 360");
    let file = table.screen.folder.path().join("copied.png");
    std::fs::write(&file, table.screen.clipboard("image/png")).unwrap();
    let (rgba, size) = made::read_png(&file);
    assert_eq!(
        size,
        (640, 360),
        "the frame has its own size, not the window's"
    );
    assert_eq!(made::number_in_rgba(&rgba, size.0, size.1), Ok(77));

    copy_by_key(table, A::CopyTimecode, "alt+c", "Copied 00:00:02:17");
    let text = String::from_utf8(table.screen.clipboard("UTF8_STRING"));
    assert_eq!(text.as_deref(), Ok("00:00:02:17"));
}

fn copy_by_key(table: &mut Table<'_>, action: A, key: &str, wanted: &str) {
    table.screen.press(&[key]);
    table.screen.until(wanted, |state| {
        let notices = state["notices"].as_array().into_iter().flatten();
        let mut words = notices.filter_map(serde_json::Value::as_str);
        words.any(|words| words == wanted)
    });
    table.covered.push(action);
}

pub(super) fn make_proxies_by_key(table: &mut Table<'_>) {
    table.screen.press(&["shift+u"]);
    table.screen.until("a notice", |state| {
        let notices = state["notices"].as_array().into_iter().flatten();
        let mut words = notices.filter_map(serde_json::Value::as_str);
        words.any(|words| words == "Proxies of h264-longgop.mp4 are made in the background.")
    });
    table.covered.push(A::MakeProxies);
}

//! Opening, closing, keeping and taking up arrangements.

use super::*;

/// Lays a workspace out in a window of this size; answers where the viewer is.
fn viewer_in(workspace: &mut Workspace, size: egui::Vec2) -> egui::Rect {
    let ctx = egui::Context::default();
    let raw = egui::RawInput {
        screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, size)),
        ..egui::RawInput::default()
    };
    let mut viewer = egui::Rect::NOTHING;
    let pass = ctx.run_ui(raw, |ui| viewer = workspace.ui(ui, &mut |_, _| {}));
    pass.drop_without_applying_deltas();
    viewer
}

const SIZE: egui::Vec2 = egui::vec2(1280.0, 720.0);

#[test]
fn without_panels_the_viewer_has_the_whole_window() {
    let mut workspace = Workspace::default();
    assert!(!workspace.has_panels());
    assert_eq!(viewer_in(&mut workspace, SIZE).size(), SIZE);
}

#[test]
fn panels_are_docked_beside_and_below_and_closed_again() {
    let mut workspace = Workspace::default();
    workspace.toggle(Panel::Performance);
    let beside = viewer_in(&mut workspace, SIZE);
    assert!(
        beside.width() < 1000.0 && beside.height() > 700.0,
        "{beside}"
    );
    workspace.toggle(Panel::Timeline);
    let both = viewer_in(&mut workspace, SIZE);
    assert!(both.height() < 560.0 && both.width() < 1000.0, "{both}");
    // A second one of the same kind is a tab in front of the first.
    workspace.toggle(Panel::Settings);
    assert!(workspace.shows(Panel::Settings) && !workspace.shows(Panel::Performance));
    assert_eq!(viewer_in(&mut workspace, SIZE), both);
    workspace.toggle(Panel::Performance);
    assert!(workspace.shows(Panel::Performance) && !workspace.shows(Panel::Settings));
    for panel in [Panel::Performance, Panel::Settings, Panel::Timeline] {
        workspace.close(panel);
    }
    assert!(!workspace.has_panels());
    assert_eq!(viewer_in(&mut workspace, SIZE).size(), SIZE);
}

#[test]
fn in_a_small_window_panels_get_the_room_that_they_need() {
    // 1280 by 720 pixels at 200 %.
    let small = egui::vec2(640.0, 360.0);
    let mut workspace = Workspace::default();
    viewer_in(&mut workspace, small);
    workspace.open(Panel::Performance);
    let beside = viewer_in(&mut workspace, small);
    assert!((365.0..375.0).contains(&beside.width()), "{beside}");
    workspace.open(Panel::Timeline);
    let above = viewer_in(&mut workspace, small);
    assert!((200.0..215.0).contains(&above.height()), "{above}");
    let tiny = egui::vec2(300.0, 200.0);
    let mut workspace = Workspace::default();
    viewer_in(&mut workspace, tiny);
    workspace.open(Panel::Performance);
    let half = viewer_in(&mut workspace, tiny);
    assert!((140.0..152.0).contains(&half.width()), "{half}");
}

#[test]
fn the_viewer_alone_puts_panels_aside_and_back() {
    let mut workspace = Workspace::default();
    workspace.open(Panel::Proxies);
    workspace.toggle_viewer_only();
    assert!(!workspace.has_panels() && !workspace.shows(Panel::Proxies));
    workspace.toggle_viewer_only();
    assert!(workspace.shows(Panel::Proxies));
    workspace.toggle_viewer_only();
    // Whoever opens a panel wants to see it.
    workspace.open(Panel::Caches);
    assert!(workspace.shows(Panel::Caches));
}

#[test]
fn an_arrangement_is_kept_and_taken_up() {
    let mut workspace = Workspace::default();
    for panel in Panel::ALL {
        workspace.open(panel);
    }
    let wanted = viewer_in(&mut workspace, SIZE);
    let text = serde_json::to_string(&workspace.layout().unwrap()).unwrap();
    let mut other = Workspace::default();
    other.restore(&serde_json::from_str(&text).unwrap());
    assert_eq!(viewer_in(&mut other, SIZE), wanted);
    assert_eq!(other.panels().count(), Panel::ALL.len());
}

/// Puts a panel into one set of tabs with the viewer, as dropping it on the middle of the viewer does.
fn drop_on_viewer(tree: &mut Tree<Pane>, panel: Panel) {
    let viewer = tree.tiles.find_pane(&Pane::Viewer).unwrap();
    let parent = tree.tiles.parent_of(viewer);
    let dropped = tree.tiles.find_pane(&Pane::Panel(panel)).unwrap();
    let tabs = tree.tiles.insert_tab_tile(vec![viewer]);
    match parent.and_then(|parent| tree.tiles.get_mut(parent)) {
        Some(egui_tiles::Tile::Container(container)) => {
            let _place = container.replace_child(viewer, tabs);
        }
        _ => tree.root = Some(tabs),
    }
    tree.move_tile_to_container(dropped, tabs, usize::MAX, false);
}

#[test]
fn a_panel_that_is_dropped_on_the_viewer_goes_beside_it() {
    for panel in [Panel::Performance, Panel::Timeline] {
        let mut workspace = Workspace::default();
        workspace.open(Panel::Timeline);
        workspace.open(Panel::Performance);
        drop_on_viewer(&mut workspace.tree, panel);
        // An arrangement of that kind may have been kept.
        let kept = workspace.layout().unwrap();
        layout::free_viewer(&mut workspace.tree);
        let mut other = Workspace::default();
        other.restore(&kept);
        for mut workspace in [workspace, other] {
            let viewer = viewer_in(&mut workspace, SIZE);
            assert!(viewer.area() < 0.8 * SIZE.x * SIZE.y, "{viewer}");
            assert!(viewer.area() > 0.3 * SIZE.x * SIZE.y, "{viewer}");
            assert_eq!(viewer_in(&mut workspace, SIZE), viewer, "and stays there");
            for panel in [Panel::Timeline, Panel::Performance] {
                assert!(workspace.shows(panel), "{panel:?}");
                workspace.close(panel);
            }
            assert_eq!(viewer_in(&mut workspace, SIZE).size(), SIZE);
        }
    }
}

#[test]
fn a_damaged_arrangement_leaves_the_present_one() {
    let mut workspace = Workspace::default();
    workspace.open(Panel::Proxies);
    let good = serde_json::to_value(workspace.layout().unwrap()).unwrap();
    let text = good.to_string();
    let damaged = [
        text.replace("\"viewer\"", "{\"panel\":\"caches\"}"),
        text.replace("\"proxies\"", "\"something-new\""),
        text.replace("\"root\":", "\"root\":9"),
        "{\"tree\":null,\"viewer_only\":false}".to_owned(),
    ];
    for text in damaged {
        let Ok(layout) = serde_json::from_str::<Layout>(&text) else {
            continue;
        };
        workspace.restore(&layout);
        assert!(workspace.shows(Panel::Proxies), "{text}");
    }
}

//! What a pass costs, in shapes and vertices: they decide the time, and unlike time they are the same
//! on every machine.

use super::{Screen, fixture};
use crate::playback::PlaybackStatus;
use crate::time::FrameIndex;

/// Vertices after tessellation of the busiest screen: 1280 by 720, playing, performance panel open.
const MOST_VERTICES: usize = 12_000;
/// Texts that are laid out anew from one frame to the next: the timecode and the frame number.
const MOST_NEW_TEXTS: usize = 4;

#[test]
fn a_frame_lays_out_only_the_texts_that_changed() {
    let mut screen = Screen::usual();
    screen.snapshot = fixture::snapshot(1_800, 100);
    assert_eq!(screen.snapshot.status, PlaybackStatus::Playing);
    screen.overlay.set_performance(true);
    screen.show(Vec::new());
    let texts = |screen: &mut Screen| {
        let output = screen.pass(Vec::new());
        let (shapes, scale) = (output.egui.shapes.clone(), output.egui.pixels_per_point);
        output.egui.drop_without_applying_deltas();
        let mut galleys = Vec::new();
        for clipped in &shapes {
            if let egui::Shape::Text(text) = &clipped.shape {
                galleys.push(std::sync::Arc::as_ptr(&text.galley) as usize);
            }
        }
        let meshes = screen.ctx.tessellate(shapes, scale);
        let vertices: usize = meshes
            .iter()
            .map(|mesh| match &mesh.primitive {
                egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
                egui::epaint::Primitive::Callback(_) => 0,
            })
            .sum();
        (galleys, vertices)
    };
    let (before, _) = texts(&mut screen);
    screen.wait(40);
    screen.snapshot = fixture::snapshot(1_800, 101);
    assert_eq!(screen.snapshot.position, FrameIndex(101));
    let (after, vertices) = texts(&mut screen);
    let new = after
        .iter()
        .filter(|galley| !before.contains(galley))
        .count();
    assert!(
        new <= MOST_NEW_TEXTS,
        "{new} of {} texts are new",
        after.len()
    );
    assert!(vertices <= MOST_VERTICES, "{vertices} vertices");
}

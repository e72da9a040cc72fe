//! What a pass costs, in shapes, vertices and texts: they decide the time, and unlike time they are the same on every
//! machine.

use super::*;

/// Vertices after tessellation of a panel of 1,000 points with twelve tracks, whatever is in them.
const MOST_VERTICES: usize = 12_000;
const MOST_SHAPES: usize = 160;
/// Texts, those of heads and ruler included.
const MOST_TEXTS: usize = 130;

/// Twelve tracks of so many clips each, of lengths that vary.
fn crowded(each: usize) -> MediaState {
    let tracks: Vec<Value> = (0..12)
        .map(|number| {
            let clips: Vec<Value> = (0..each)
                .map(|place| {
                    let frames = 12 + i64::try_from((place * 37 + number * 11) % 60).unwrap();
                    clip(&format!("shot {number}-{place} take 3"), "here.mov", frames)
                })
                .collect();
            let kind = if number < 6 { "Video" } else { "Audio" };
            track("", kind, &clips)
        })
        .collect();
    timeline(&tracks, &[])
}

/// Shapes, vertices and texts of a pass.
fn cost(desk: &mut Desk) -> (usize, usize, usize) {
    let shapes = desk.pass(Vec::new()).shapes;
    let texts = shapes
        .iter()
        .filter(|clipped| matches!(clipped.shape, Shape::Text(_)))
        .count();
    let count = shapes.len();
    let meshes = desk.ctx.tessellate(shapes, 1.0);
    let vertices = meshes.iter().map(|mesh| match &mesh.primitive {
        egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
        egui::epaint::Primitive::Callback(_) => 0,
    });
    (count, vertices.sum(), texts)
}

#[test]
fn a_pass_costs_the_same_however_many_clips_there_are() {
    let mut worst = Vec::new();
    for each in [84, 834] {
        let mut desk = Desk::new(crowded(each));
        assert_eq!(desk.strip.model.rows.len(), 12);
        let clips: usize = desk
            .strip
            .model
            .rows
            .iter()
            .map(|row| row.clips.len())
            .sum();
        assert_eq!(clips, 12 * each);
        let frames = desk.scale().frames();
        let pos = desk.on_ruler(frames / 2);
        desk.show(vec![Event::PointerMoved(pos)]);
        for _ in 0..30 {
            let (shapes, vertices, texts) = cost(&mut desk);
            let a_frame = desk.scale().points_a_frame();
            assert!(shapes <= MOST_SHAPES, "{shapes} shapes at {a_frame}");
            assert!(
                vertices <= MOST_VERTICES,
                "{vertices} vertices at {a_frame}"
            );
            assert!(texts <= MOST_TEXTS, "{texts} texts at {a_frame}");
            worst.push((vertices, shapes, texts));
            desk.show(vec![wheel(1.5, Modifiers::CTRL)]);
        }
        // As near as it gets, nothing but a few clips is left.
        let (_, vertices, _) = cost(&mut desk);
        assert!(vertices < 5_000, "{vertices}");
    }
    println!("worst: {:?}", worst.iter().max());
}

#[test]
fn a_playing_pass_lays_out_no_new_text() {
    let mut desk = Desk::new(crowded(84));
    desk.snapshot.status = PlaybackStatus::Playing;
    desk.pass(Vec::new());
    let galleys = |desk: &mut Desk| -> Vec<usize> {
        let shapes = desk.pass(Vec::new()).shapes;
        let galley = |clipped: &egui::epaint::ClippedShape| match &clipped.shape {
            Shape::Text(text) => Some(Arc::as_ptr(&text.galley) as usize),
            _ => None,
        };
        shapes.iter().filter_map(galley).collect()
    };
    let before = galleys(&mut desk);
    let format = TimecodeFormat::new(rate(), false).unwrap();
    desk.snapshot.position = FrameIndex(1);
    desk.snapshot.timecode = Some(Timecode::from_frame_number(1, format));
    let after = galleys(&mut desk);
    assert!(!after.is_empty());
    assert!(after.iter().all(|galley| before.contains(galley)));
}

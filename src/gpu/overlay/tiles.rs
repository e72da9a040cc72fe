//! Where in the window the interface has something, and where it has changed.
//!
//! The window is divided into square tiles. Each has a fingerprint of the triangles that may touch it, by
//! their bounding boxes: a tile with the fingerprint that it had before looks as it did before. Tiles
//! were chosen over whole shapes because egui joins all that has one texture into a single mesh.

use egui::epaint::{Mesh, Primitive, Vertex};
use egui::{ClippedPrimitive, TextureId};

use crate::media::Size;

/// Side of a tile in pixels: about the height of a button.
const SIDE: u32 = 32;

/// Rectangles answered at most. Each is a draw call, and more would cost more than the pixels they spare.
const MOST_RECTS: usize = 12;

/// A rectangle of pixels, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) right: u32,
    pub(super) bottom: u32,
}

impl Area {
    pub(super) fn width(self) -> u32 {
        self.right - self.left
    }

    pub(super) fn height(self) -> u32 {
        self.bottom - self.top
    }

    fn joined(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    fn touches(self, other: Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// In egui's points.
    fn in_points(self, pixels_per_point: f32) -> egui::Rect {
        let point = |x: u32, y: u32| egui::pos2(x as f32, y as f32) / pixels_per_point;
        egui::Rect::from_min_max(point(self.left, self.top), point(self.right, self.bottom))
    }
}

/// A fingerprint for each tile of a window; zero where there is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tiles {
    window: Size,
    columns: u32,
    prints: Vec<u64>,
}

impl Tiles {
    /// What `primitives` put into a window of this size.
    pub(super) fn of(primitives: &[ClippedPrimitive], window: Size, pixels_per_point: f32) -> Self {
        let columns = window.width().div_ceil(SIDE);
        let rows = window.height().div_ceil(SIDE);
        let mut tiles = Self {
            window,
            columns,
            prints: vec![0; columns as usize * rows as usize],
        };
        for (clip, mesh) in meshes(primitives) {
            let base = base_print(clip, mesh.texture_id);
            for triangle in triangles(mesh) {
                let Some(area) = touched(&triangle, clip, window, pixels_per_point) else {
                    continue;
                };
                let print = triangle.iter().fold(base, |print, vertex| {
                    let place = [vertex.pos.x, vertex.pos.y, vertex.uv.x, vertex.uv.y];
                    let print = place.into_iter().fold(print, |p, x| mixed(p, x.to_bits()));
                    mixed(print, u32::from_ne_bytes(vertex.color.to_array()))
                });
                tiles.add(area, print);
            }
        }
        tiles
    }

    fn add(&mut self, area: Area, print: u64) {
        let columns = area.left / SIDE..area.right.div_ceil(SIDE);
        for row in area.top / SIDE..area.bottom.div_ceil(SIDE) {
            let first = (row * self.columns) as usize;
            let range = first + columns.start as usize..first + columns.end as usize;
            for tile in self.prints.get_mut(range).into_iter().flatten() {
                // What is painted later lies above, so order counts. One keeps the print from zero.
                *tile = (tile.rotate_left(7) ^ print).wrapping_mul(FACTOR) | 1;
            }
        }
    }

    /// Where there is anything.
    pub(super) fn used(&self) -> Vec<Area> {
        self.areas(|print, _| print != 0, None)
    }

    /// Where this differs from `before`; everywhere that is used where there is no before.
    pub(super) fn changed(&self, before: Option<&Self>) -> Vec<Area> {
        let before = before.filter(|before| before.window == self.window);
        self.areas(|print, before| print != before.unwrap_or(0), before)
    }

    /// Rectangles that together cover the tiles that `wanted` picks, given their print and the one before.
    fn areas(&self, wanted: impl Fn(u64, Option<u64>) -> bool, before: Option<&Self>) -> Vec<Area> {
        let mut areas: Vec<Area> = Vec::new();
        let columns = self.columns as usize;
        for (row, prints) in (0..).zip(self.prints.chunks(columns.max(1))) {
            let mut open: Option<Area> = None;
            for (column, print) in (0..).zip(prints) {
                let old = before
                    .and_then(|before| before.prints.get((row * self.columns + column) as usize));
                if wanted(*print, old.copied()) {
                    let tile = self.tile(column, row);
                    open = Some(open.map_or(tile, |open| open.joined(tile)));
                } else if let Some(run) = open.take() {
                    put(&mut areas, run);
                }
            }
            if let Some(run) = open {
                put(&mut areas, run);
            }
        }
        while areas.len() > MOST_RECTS {
            areas = bands(&areas);
        }
        areas
    }

    fn tile(&self, column: u32, row: u32) -> Area {
        Area {
            left: column * SIDE,
            top: row * SIDE,
            right: ((column + 1) * SIDE).min(self.window.width()),
            bottom: ((row + 1) * SIDE).min(self.window.height()),
        }
    }
}

/// Adds a run of tiles, below one of the same width where there is one.
fn put(areas: &mut Vec<Area>, run: Area) {
    let above = areas
        .iter_mut()
        .find(|area| area.bottom == run.top && (area.left, area.right) == (run.left, run.right));
    match above {
        Some(area) => area.bottom = run.bottom,
        None => areas.push(run),
    }
}

/// Joins each area with its follower: half as many, and some pixels more.
fn bands(areas: &[Area]) -> Vec<Area> {
    let mut joined: Vec<Area> = Vec::new();
    for pair in areas.chunks(2) {
        let Some(mut area) = pair.iter().copied().reduce(Area::joined) else {
            continue;
        };
        // Areas must not overlap: what is blended twice would be darker.
        while let Some(at) = joined.iter().position(|other| other.touches(area)) {
            area = area.joined(joined.swap_remove(at));
        }
        joined.push(area);
    }
    joined
}

/// The part of `primitives` that lies in `areas`, cut to them.
pub(super) fn cut(
    primitives: &[ClippedPrimitive],
    areas: &[Area],
    window: Size,
    pixels_per_point: f32,
) -> Vec<ClippedPrimitive> {
    let mut parts = Vec::new();
    for area in areas {
        let bounds = area.in_points(pixels_per_point);
        for (clip, mesh) in meshes(primitives) {
            let mut part = Mesh::with_texture(mesh.texture_id);
            for triangle in triangles(mesh) {
                let touches = touched(&triangle, clip, window, pixels_per_point)
                    .is_some_and(|place| place.touches(*area));
                if touches && let Ok(first) = u32::try_from(part.vertices.len()) {
                    part.vertices.extend(triangle);
                    part.indices.extend([first, first + 1, first + 2]);
                }
            }
            if !part.indices.is_empty() {
                parts.push(ClippedPrimitive {
                    clip_rect: clip.intersect(bounds),
                    primitive: Primitive::Mesh(part),
                });
            }
        }
    }
    parts
}

/// The meshes with what they are clipped to. The interface has no other primitives.
fn meshes(primitives: &[ClippedPrimitive]) -> impl Iterator<Item = (egui::Rect, &Mesh)> {
    primitives
        .iter()
        .filter_map(|primitive| match &primitive.primitive {
            Primitive::Mesh(mesh) => Some((primitive.clip_rect, mesh)),
            Primitive::Callback(_) => None,
        })
}

fn triangles(mesh: &Mesh) -> impl Iterator<Item = [Vertex; 3]> + '_ {
    mesh.indices.chunks_exact(3).filter_map(|corners| {
        let vertex = |index: u32| mesh.vertices.get(index as usize).copied();
        Some([
            vertex(corners[0])?,
            vertex(corners[1])?,
            vertex(corners[2])?,
        ])
    })
}

/// The pixels that a triangle may touch; `None` where it is clipped away.
fn touched(
    triangle: &[Vertex; 3],
    clip: egui::Rect,
    window: Size,
    pixels_per_point: f32,
) -> Option<Area> {
    let bounds = egui::Rect::from_points(&triangle.map(|vertex| vertex.pos)).intersect(clip);
    // A point on an edge counts: clipping rounds to whole pixels, to either side.
    if !(bounds.width() >= 0.0 && bounds.height() >= 0.0) {
        return None;
    }
    let bounds = bounds * pixels_per_point;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the window"
    )]
    let within = |x: f32, most: u32| x.clamp(0.0, most as f32) as u32;
    let (width, height) = (window.width(), window.height());
    let area = Area {
        left: within(bounds.min.x.floor() - 1.0, width),
        top: within(bounds.min.y.floor() - 1.0, height),
        right: within(bounds.max.x.ceil() + 1.0, width),
        bottom: within(bounds.max.y.ceil() + 1.0, height),
    };
    (area.left < area.right && area.top < area.bottom).then_some(area)
}

/// An odd number with well mixed bits: 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

fn mixed(print: u64, value: u32) -> u64 {
    (print.rotate_left(5) ^ u64::from(value)).wrapping_mul(FACTOR)
}

fn base_print(clip: egui::Rect, texture: TextureId) -> u64 {
    let corners = [clip.min.x, clip.min.y, clip.max.x, clip.max.y];
    let (kind, number) = match texture {
        TextureId::Managed(number) => (1, number),
        TextureId::User(number) => (2, number),
    };
    let base = corners
        .into_iter()
        .fold(kind, |print, x| mixed(print, x.to_bits()));
    (base ^ number).wrapping_mul(FACTOR)
}

#[cfg(test)]
mod tests {
    use egui::{Color32, Pos2, Rect, pos2, vec2};

    use super::*;

    fn window() -> Size {
        Size::new(320, 200).unwrap()
    }

    fn square(at: Pos2, side: f32, color: Color32) -> ClippedPrimitive {
        let mut mesh = Mesh::default();
        mesh.add_colored_rect(Rect::from_min_size(at, vec2(side, side)), color);
        ClippedPrimitive {
            clip_rect: Rect::from_min_size(Pos2::ZERO, vec2(320.0, 200.0)),
            primitive: Primitive::Mesh(mesh),
        }
    }

    fn covers(areas: &[Area], x: u32, y: u32) -> usize {
        let holds = |area: &&Area| {
            (area.left..area.right).contains(&x) && (area.top..area.bottom).contains(&y)
        };
        areas.iter().filter(holds).count()
    }

    #[test]
    fn only_what_changed_is_changed() {
        let still = square(pos2(10.0, 10.0), 20.0, Color32::RED);
        let moves = |x| square(pos2(x, 150.0), 10.0, Color32::WHITE);
        let one = Tiles::of(&[still.clone(), moves(100.0)], window(), 1.0);
        let two = Tiles::of(&[still.clone(), moves(140.0)], window(), 1.0);
        assert_eq!(two.changed(Some(&two)), []);
        let changed = two.changed(Some(&one));
        // Where it was and where it is, and not the square that stays.
        assert_eq!(covers(&changed, 105, 155), 1);
        assert_eq!(covers(&changed, 145, 155), 1);
        assert_eq!(covers(&changed, 15, 15), 0);
        // Without a before all that is used is new.
        assert_eq!(two.changed(None), two.used());
        assert_eq!(covers(&two.used(), 15, 15), 1);
        assert_eq!(covers(&two.used(), 105, 155), 0);
    }

    #[test]
    fn color_order_and_clip_count() {
        let (a, b) = (
            square(pos2(10.0, 10.0), 20.0, Color32::RED),
            square(pos2(10.0, 10.0), 20.0, Color32::BLUE),
        );
        let print = |primitives: &[ClippedPrimitive]| Tiles::of(primitives, window(), 1.0);
        let alone = |primitive: &ClippedPrimitive| print(std::slice::from_ref(primitive));
        assert_ne!(alone(&a), alone(&b));
        assert_ne!(print(&[a.clone(), b.clone()]), print(&[b, a.clone()]));
        let mut clipped = a.clone();
        clipped.clip_rect.max.x = 20.0;
        assert_ne!(alone(&a), alone(&clipped));
        clipped.clip_rect.max.x = 5.0;
        assert_eq!(alone(&clipped).used(), []);
    }

    #[test]
    fn areas_cover_each_tile_once_and_are_few() {
        // A checkerboard of dots is the worst there is.
        let dots: Vec<_> = (0..10_u16)
            .flat_map(|x| (0..6_u16).map(move |y| (x, y)))
            .filter(|(x, y)| (x + y) % 2 == 0)
            .map(|(x, y)| (f32::from(x) * 32.0 + 8.0, f32::from(y) * 32.0 + 8.0))
            .map(|(x, y)| square(pos2(x, y), 8.0, Color32::GREEN))
            .collect();
        let areas = Tiles::of(&dots, window(), 1.0).used();
        assert!(areas.len() <= MOST_RECTS, "{areas:?}");
        for (x, y) in (0..320).flat_map(|x| (0..200).map(move |y| (x, y))) {
            assert!(covers(&areas, x, y) <= 1, "{x} {y} lies in two areas");
        }
        for x in 0..10_u32 {
            for y in (0..6_u32).filter(|y| (x + y) % 2 == 0) {
                assert_eq!(covers(&areas, x * 32 + 12, y * 32 + 12), 1);
            }
        }
    }

    #[test]
    fn a_part_holds_what_touches_it_cut_to_it() {
        let shapes = [
            square(pos2(10.0, 10.0), 20.0, Color32::RED),
            square(pos2(100.0, 100.0), 20.0, Color32::RED),
        ];
        let area = Area {
            left: 96,
            top: 96,
            right: 128,
            bottom: 128,
        };
        // Two pixels a point: the second square lies at 200, outside.
        assert_eq!(cut(&shapes, &[area], window(), 2.0).len(), 0);
        let parts = cut(&shapes, &[area], window(), 1.0);
        assert_eq!(parts.len(), 1);
        let wanted = Rect::from_min_max(pos2(96.0, 96.0), pos2(128.0, 128.0));
        assert_eq!(parts[0].clip_rect, wanted);
        let Primitive::Mesh(mesh) = &parts[0].primitive else {
            panic!("it is a mesh");
        };
        assert_eq!(mesh.indices.len(), 6);
        assert!(mesh.is_valid());
    }
}

//! Paints the lanes: grounds, boxes, sound, transitions and names.

use egui::{Color32, Mesh, Painter, Rect, Shape, pos2, vec2};

use super::boxes::Laid;
use super::model::{ClipState, Row};
use super::names::{self, Names};
use super::scene::{Scene, add_box, add_quad};
use super::sound::Sound;
use super::tiles::{self, Tiles};

/// Names that one pass paints: those of the widest boxes.
pub(super) const MOST_NAMES: usize = 96;
/// Narrower boxes have no name: three letters tell nothing.
pub(super) const LEAST_NAMED: f32 = 36.0;
/// Room between a box's edge and its name.
const MARGIN: f32 = 4.0;
const NAME_HEIGHT: f32 = 15.0;
/// From one stripe over missing media to the next.
const STRIPE: f32 = 9.0;
/// Stripes that one pass paints.
const MOST_STRIPES: usize = 160;
/// Transitions that one pass paints, and the narrowest of them.
const MOST_TRANSITIONS: usize = 160;
const LEAST_TRANSITION: f32 = 3.0;

/// A name to be painted.
struct Named<'a> {
    rect: Rect,
    name: &'a str,
    state: ClipState,
    /// It lies on pictures.
    on_pictures: bool,
}

/// Where a box lies on the screen: up to a pixel before the next one, so that neighbours can be told apart.
pub(super) fn rect_of(scene: &Scene<'_>, lane: Rect, laid: &Laid) -> Rect {
    let pixel = 1.0 / scene.pixels_per_point;
    let (left, right) = (scene.x(laid.left), scene.x(laid.right));
    let gap = if right - left > 3.0 { pixel } else { 0.0 };
    Rect::from_min_max(
        pos2(left, lane.top() + 1.0),
        pos2((right - gap).max(left + pixel), lane.bottom() - 1.0),
    )
}

/// Paints the lanes of the tracks in `laid`.
pub(super) fn paint(
    scene: &Scene<'_>,
    painter: &Painter,
    laid: &[(usize, Vec<Laid>)],
    sound: &mut Sound,
    tiles: &mut Tiles,
    names: &mut Names,
) {
    let painter = painter.with_clip_rect(scene.places.lanes.intersect(painter.clip_rect()));
    let (mut ground, mut above) = (Mesh::default(), Mesh::default());
    let (mut stripes, mut transitions) = (0, 0);
    for (number, boxes) in laid {
        let lane = scene.places.row(*number);
        ground.add_colored_rect(lane, scene.palette.lane(*number));
        let Some(row) = scene.model.rows.get(*number) else {
            continue;
        };
        for laid in boxes {
            let rect = rect_of(scene, lane, laid);
            let color = color_of(scene, row, laid);
            add_box(&mut ground, rect, color);
            if is_missing(row, laid) {
                hatch(scene, &mut ground, rect, &mut stripes);
            }
        }
        sound.paint(scene, &mut ground, lane, row, boxes);
        paint_transitions(scene, &mut above, lane, row, &mut transitions);
    }
    painter.add(Shape::mesh(ground));
    let named = paint_pictures(scene, &painter, laid, tiles, &mut above);
    painter.add(Shape::mesh(above));
    names.begin();
    for named in &named {
        paint_name(scene, &painter, names, named);
    }
}

fn color_of(scene: &Scene<'_>, row: &Row, laid: &Laid) -> Color32 {
    match laid.only().and_then(|clip| row.clips.get(clip)) {
        Some(clip) => scene.palette.clip(row.kind, clip.state),
        None => scene.palette.several(row.kind, is_missing(row, laid)),
    }
}

/// Whether a medium of a box was not found; of several clips, that of the first.
fn is_missing(row: &Row, laid: &Laid) -> bool {
    let first = row.clips.get(laid.clips.start);
    first.is_some_and(|clip| clip.state == ClipState::Missing)
}

/// Stripes from the lower left to the upper right, as far as whole ones fit.
fn hatch(scene: &Scene<'_>, mesh: &mut Mesh, rect: Rect, count: &mut usize) {
    let lanes = scene.places.lanes;
    let (height, thick) = (rect.height(), STRIPE / 3.0);
    let phase = (lanes.left() - rect.left()).max(0.0) / STRIPE;
    let mut x = rect.left() + phase.floor() * STRIPE;
    while x + height + thick <= rect.right() && x < lanes.right() && *count < MOST_STRIPES {
        let corners = [
            pos2(x, rect.bottom()),
            pos2(x + thick, rect.bottom()),
            pos2(x + thick + height, rect.top()),
            pos2(x + height, rect.top()),
        ];
        add_quad(mesh, corners, scene.palette.hatch());
        *count += 1;
        x += STRIPE;
    }
}

/// A transition is a veil that rises from one clip to the next.
fn paint_transitions(scene: &Scene<'_>, mesh: &mut Mesh, lane: Rect, row: &Row, count: &mut usize) {
    for transition in row.visible_transitions(&scene.scale.visible()) {
        let rect = scene
            .stretch(transition.start, transition.end, lane.top(), lane.bottom())
            .shrink2(vec2(0.0, 1.0));
        if rect.width() < LEAST_TRANSITION || *count >= MOST_TRANSITIONS {
            continue;
        }
        *count += 1;
        let color = scene.palette.transition();
        mesh.add_colored_rect(rect, color);
        let corners = [
            rect.left_bottom(),
            rect.right_bottom(),
            rect.right_top(),
            rect.right_top(),
        ];
        add_quad(mesh, corners, color);
    }
}

/// Paints pictures; answers the names that are to stand on the boxes, with their grounds in `above`.
fn paint_pictures<'a>(
    scene: &Scene<'a>,
    painter: &Painter,
    laid: &[(usize, Vec<Laid>)],
    tiles: &mut Tiles,
    above: &mut Mesh,
) -> Vec<Named<'a>> {
    let lanes = scene.places.lanes;
    let mut names = Vec::new();
    for (number, boxes) in laid {
        let Some(row) = scene.model.rows.get(*number) else {
            continue;
        };
        let lane = scene.places.row(*number);
        for laid in boxes {
            let rect = rect_of(scene, lane, laid);
            let seen = Rect::from_x_y_ranges(
                rect.left().max(lanes.left())..=rect.right().min(lanes.right()),
                rect.y_range(),
            );
            let Some(clip) = laid.only().and_then(|clip| row.clips.get(clip)) else {
                continue;
            };
            let on_pictures =
                tiles::has_pictures(row.kind) && tiles.paint(scene, painter, seen, laid, clip);
            if seen.width() >= LEAST_NAMED {
                names.push(Named {
                    rect: seen,
                    name: &clip.name,
                    state: clip.state,
                    on_pictures,
                });
            }
        }
    }
    if names.len() > MOST_NAMES {
        names.sort_by(|one, other| other.rect.width().total_cmp(&one.rect.width()));
        names.truncate(MOST_NAMES);
    }
    for named in names.iter().filter(|named| named.on_pictures) {
        let mut band = named.rect.shrink(1.0);
        band.max.y = band.max.y.min(band.min.y + NAME_HEIGHT);
        above.add_colored_rect(band, scene.palette.name_ground());
    }
    names
}

fn paint_name(scene: &Scene<'_>, painter: &Painter, names: &mut Names, named: &Named<'_>) {
    let width = (named.rect.width() - 2.0 * MARGIN).min(names::WIDEST);
    let Some(galley) = names.line(painter, named.name, width) else {
        return;
    };
    let top = if named.rect.height() < 2.0 * NAME_HEIGHT {
        named.rect.center().y - galley.size().y / 2.0
    } else {
        named.rect.top() + 1.0
    };
    let color = scene.palette.name(named.state);
    painter.galley(pos2(named.rect.left() + MARGIN, top), galley, color);
}

//! What is at the place under the pointer: its position in words, and its thumbnail where there is one.

use std::sync::{Arc, Weak};

use egui::{
    Color32, ColorImage, Mesh, Pos2, Rect, Shape, TextureHandle, TextureOptions, pos2, vec2,
};

use super::canvas::Canvas;
use super::input::Preview;
use super::style;
use crate::cache::thumbnails::Thumbnail;
use crate::media::{Orientation, VideoFrame};

/// Thumbnails that are kept as textures: the one under the pointer and those it comes from.
const MOST_TEXTURES: usize = 4;
/// The box that a thumbnail is fitted into, in points.
const WIDTH: f32 = 160.0;
const HEIGHT: f32 = 120.0;
/// Room around the picture and the words.
const MARGIN: f32 = 4.0;

/// The thumbnails that were shown last, as textures.
#[derive(Default)]
pub(super) struct Sprites {
    /// The last one shown last. Weak: what the strip has let go of is another picture.
    shown: Vec<(Weak<VideoFrame>, TextureHandle)>,
}

/// A texture of a thumbnail as it is stored.
pub(super) fn new_texture(ctx: &egui::Context, thumbnail: &Thumbnail) -> TextureHandle {
    let size = thumbnail.picture.size;
    let size = [size.width() as usize, size.height() as usize];
    let image = ColorImage::from_rgb(size, &thumbnail.rgb());
    let name = format!("thumbnail {}", thumbnail.frame);
    ctx.load_texture(name, image, TextureOptions::LINEAR)
}

impl Sprites {
    /// The texture of a thumbnail.
    fn texture(&mut self, ctx: &egui::Context, thumbnail: &Thumbnail) -> egui::TextureId {
        let picture = &thumbnail.picture;
        let is_it = |known: &(Weak<VideoFrame>, TextureHandle)| {
            std::ptr::eq(known.0.as_ptr(), Arc::as_ptr(picture))
        };
        let known = self.shown.iter().position(is_it);
        let sprite = known.map_or_else(
            || (Arc::downgrade(picture), new_texture(ctx, thumbnail)),
            |place| self.shown.remove(place),
        );
        if self.shown.len() >= MOST_TEXTURES {
            drop(self.shown.remove(0));
        }
        let id = sprite.1.id();
        self.shown.push(sprite);
        id
    }

    /// Lets go of all textures.
    pub(super) fn clear(&mut self) {
        self.shown.clear();
    }
}

/// Paints `words` in a small box whose middle of the lower edge is at `pos`, and above them the picture
/// where there is one and it fits between `top` and there.
pub(super) fn paint(
    canvas: &Canvas<'_>,
    pos: Pos2,
    words: &str,
    preview: Option<&Preview>,
    top: f32,
    sprites: &mut Sprites,
) {
    let limits = canvas.painter.clip_rect();
    let galley = canvas.line(words, style::NUMBERS);
    let preview = preview.map(|preview| (preview, shown_size(preview)));
    let fits = |size: egui::Vec2| pos.y - size.y - galley.size().y - 3.0 * MARGIN >= top;
    let Some((preview, size)) = preview.filter(|(_, size)| fits(*size)) else {
        sprites.clear();
        canvas.tip(pos, words, style::NUMBERS, limits);
        return;
    };
    let inner = vec2(
        size.x.max(galley.size().x),
        size.y + galley.size().y + MARGIN,
    );
    let outer = inner + vec2(2.0 * MARGIN, 2.0 * MARGIN);
    let left = (pos.x - outer.x / 2.0)
        .min(limits.right() - outer.x - 4.0)
        .max(limits.left() + 4.0);
    let panel = Rect::from_min_size(pos2(left, pos.y - outer.y), outer);
    canvas.panel(panel, style::SOLID);
    let place = pos2(panel.center().x - size.x / 2.0, panel.top() + MARGIN);
    let texture = sprites.texture(canvas.painter.ctx(), &preview.thumbnail);
    let rect = Rect::from_min_size(place, size);
    canvas
        .painter
        .add(turned_picture(texture, rect, preview.orientation));
    let text = pos2(
        panel.center().x - galley.size().x / 2.0,
        rect.bottom() + MARGIN,
    );
    canvas.painter.galley(text, galley, style::TEXT);
}

/// The size of a thumbnail on the screen, in points.
fn shown_size(preview: &Preview) -> egui::Vec2 {
    let display = preview.display;
    let (width, height) = (display.width() as f32, display.height() as f32);
    let scale = (WIDTH / width).min(HEIGHT / height);
    vec2((width * scale).max(1.0), (height * scale).max(1.0))
}

/// A picture as it is stored, turned as it is shown.
pub(super) fn turned_picture(
    texture: egui::TextureId,
    rect: Rect,
    orientation: Orientation,
) -> Shape {
    let map = orientation.stored_from_shown();
    let stored = |x: f32, y: f32| {
        let row = |from: usize| map[from] * x + map[from + 1] * y + map[from + 2];
        pos2(row(0), row(3))
    };
    let mut mesh = Mesh::with_texture(texture);
    for (x, y) in [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)] {
        let corner = pos2(
            rect.left() + x * rect.width(),
            rect.top() + y * rect.height(),
        );
        mesh.vertices.push(egui::epaint::Vertex {
            pos: corner,
            uv: stored(x, y),
            color: Color32::WHITE,
        });
    }
    mesh.add_triangle(0, 1, 2);
    mesh.add_triangle(0, 2, 3);
    Shape::mesh(mesh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_picture_shows_its_stored_corners_where_they_are_seen() {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(90.0, 160.0));
        // A quarter turn clockwise: what is stored at the bottom left is seen at the top left.
        let quarter = Orientation::new(false, 1);
        let Shape::Mesh(mesh) = turned_picture(egui::TextureId::default(), rect, quarter) else {
            panic!("a picture is a mesh");
        };
        assert_eq!(mesh.vertices[0].uv, pos2(0.0, 1.0));
        assert_eq!(mesh.vertices[1].uv, pos2(0.0, 0.0));
        let upright = turned_picture(egui::TextureId::default(), rect, Orientation::UPRIGHT);
        let Shape::Mesh(mesh) = upright else {
            panic!("a picture is a mesh");
        };
        assert_eq!(mesh.vertices[2].uv, pos2(1.0, 1.0));
    }
}

//! Small pictures in the boxes of clips.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use egui::{Rect, TextureHandle, TextureId, pos2, vec2};

use super::boxes::Laid;
use super::model::{Clip, ClipState};
use super::scene::Scene;
use crate::media::VideoFrame;
use crate::timeline::TrackKind;
use crate::ui::hover;
use crate::ui::input::Preview;

/// Pictures on the screen at most.
const MOST_SHOWN: usize = 96;
/// Textures that are kept, those included that were shown before.
const MOST_KEPT: usize = 160;
/// Textures that one pass makes: more would be felt while something plays. What is left comes with the next passes.
pub(super) const MOST_MADE: usize = 3;
/// Boxes narrower than this, in points, and lanes lower than this have none.
const LEAST_WIDTH: f32 = 32.0;
const LEAST_HEIGHT: f32 = 26.0;
/// The shape of the places that pictures stand in, side by side.
const ASPECT: f32 = 16.0 / 9.0;

/// The textures, and what the present pass did with them.
#[derive(Default)]
pub(super) struct Tiles {
    known: HashMap<usize, Tile>,
    pass: u64,
    shown: usize,
    made: usize,
    /// Some pictures were left for later.
    is_short: bool,
}

struct Tile {
    /// Weak: it tells whether the picture at this address is still the same.
    of: Weak<VideoFrame>,
    texture: TextureHandle,
    used: u64,
}

impl Tiles {
    pub(super) fn begin_pass(&mut self) {
        self.pass += 1;
        (self.shown, self.made, self.is_short) = (0, 0, false);
    }

    /// Ends the pass. Answers whether another one would show more.
    pub(super) fn end_pass(&mut self) -> bool {
        if self.known.len() > MOST_KEPT {
            let mut uses: Vec<u64> = self.known.values().map(|tile| tile.used).collect();
            uses.sort_unstable_by(|a, b| b.cmp(a));
            let oldest = uses.get(MOST_SHOWN).copied().unwrap_or(0);
            let pass = self.pass;
            self.known
                .retain(|_, tile| tile.used > oldest || tile.used == pass);
        }
        self.is_short
    }

    /// Textures that are kept.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// Lets go of all: another device has none of them.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    fn texture(&mut self, ctx: &egui::Context, preview: &Preview) -> Option<TextureId> {
        let picture = &preview.thumbnail.picture;
        let address = Arc::as_ptr(picture) as usize;
        if let Some(tile) = self.known.get_mut(&address)
            && tile.of.strong_count() > 0
        {
            tile.used = self.pass;
            return Some(tile.texture.id());
        }
        if self.made >= MOST_MADE {
            self.is_short = true;
            return None;
        }
        self.made += 1;
        let tile = Tile {
            of: Arc::downgrade(picture),
            texture: hover::new_texture(ctx, &preview.thumbnail),
            used: self.pass,
        };
        let id = tile.texture.id();
        self.known.insert(address, tile);
        Some(id)
    }

    /// Paints pictures side by side over a clip's box, as far as there are any. Answers whether there were.
    pub(super) fn paint(
        &mut self,
        scene: &Scene<'_>,
        painter: &egui::Painter,
        rect: Rect,
        laid: &Laid,
        clip: &Clip,
    ) -> bool {
        let Some(thumbnails) = scene.input.thumbnails else {
            return false;
        };
        let is_seen = matches!(clip.state, ClipState::Present);
        if !is_seen || rect.width() < LEAST_WIDTH || rect.height() < LEAST_HEIGHT {
            return false;
        }
        let inside = rect.shrink(1.0);
        let slot = (inside.height() * ASPECT).round();
        let lanes_left = scene.places.lanes.left();
        // Counted from where the clip begins, so that pictures stay with it while the view moves.
        let hidden = f64::from(inside.left() - lanes_left) - laid.left;
        let mut x = laid.left + (hidden / f64::from(slot)).floor().max(0.0) * f64::from(slot);
        let end = f64::from(inside.right() - lanes_left);
        let mut has_any = false;
        let clipped = painter.with_clip_rect(inside.intersect(painter.clip_rect()));
        while x < end && self.shown < MOST_SHOWN {
            #[expect(clippy::cast_possible_truncation, reason = "a place on the screen")]
            let left = lanes_left + x as f32;
            let place = Rect::from_min_size(pos2(left, inside.top()), vec2(slot, inside.height()));
            let frame = scene.scale.frame_at(x.max(0.0));
            let frame = frame.clamp(clip.first, clip.end.offset(-1));
            x += f64::from(slot);
            let Some(preview) = thumbnails.of_clip(clip.id, frame, scene.input.snapshot) else {
                continue;
            };
            has_any = true;
            self.shown += 1;
            if let Some(texture) = self.texture(painter.ctx(), &preview) {
                clipped.add(hover::turned_picture(
                    texture,
                    fitted(&preview, place),
                    preview.orientation,
                ));
            }
        }
        has_any
    }
}

/// A track that shows pictures.
pub(super) fn has_pictures(kind: TrackKind) -> bool {
    kind == TrackKind::Video
}

/// The largest rectangle of the picture's shape in the middle of `place`.
fn fitted(preview: &Preview, place: Rect) -> Rect {
    let (width, height) = (
        preview.display.width() as f32,
        preview.display.height() as f32,
    );
    let scale = (place.width() / width).min(place.height() / height);
    Rect::from_center_size(place.center(), vec2(width, height) * scale)
}

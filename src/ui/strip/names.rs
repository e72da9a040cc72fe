//! Names on boxes, in a time that does not grow with what comes into sight.
//!
//! To shape a line of text takes some 40 µs, and while a person zooms each name gets another width at every pass.
//! So a name is shaped once, whole, and found again in egui's cache as long as it is seen; to make it fit, glyphs
//! are taken from its end. Of names that come into sight only a few are shaped in one pass, the others in the next.

use std::collections::HashSet;
use std::sync::Arc;

use egui::epaint::text::{PlacedRow, Row};
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Color32, Galley, Painter, pos2};

use crate::ui::style;

/// Names that one pass shapes for the first time.
const MOST_NEW: usize = 12;
/// Names are no wider than this.
pub(super) const WIDEST: f32 = 220.0;
/// Letters that are shaped at all.
const MOST_LETTERS: usize = 64;

/// Which names are shaped.
#[derive(Default)]
pub(super) struct Names {
    /// Those of the pass before, which egui still has, and those of this one.
    before: HashSet<Box<str>>,
    seen: HashSet<Box<str>>,
    /// New ones in this pass.
    new: usize,
    is_behind: bool,
}

impl Names {
    /// Begins a pass.
    pub(super) fn begin(&mut self) {
        std::mem::swap(&mut self.before, &mut self.seen);
        self.seen.clear();
        self.new = 0;
        self.is_behind = false;
    }

    /// Whether names were left for the next pass.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// A name in one line of at most `width` points; what does not fit ends in an ellipsis. `None` where it has to
    /// wait for the next pass.
    pub(super) fn line(
        &mut self,
        painter: &Painter,
        name: &str,
        width: f32,
    ) -> Option<Arc<Galley>> {
        if !self.seen.contains(name) {
            let known = self.before.take(name);
            if known.is_none() {
                if self.new == MOST_NEW {
                    self.is_behind = true;
                    return None;
                }
                self.new += 1;
            }
            self.seen.insert(known.unwrap_or_else(|| Box::from(name)));
        }
        let whole = cut_line(painter, name, WIDEST);
        if whole.size().x <= width {
            return Some(whole);
        }
        let dots = cut_line(painter, "…", WIDEST);
        Some(Arc::new(cut(&whole, &dots, width)))
    }
}

/// `whole` without the glyphs at its end that do not fit into `width` points together with `dots`.
fn cut(whole: &Galley, dots: &Galley, width: f32) -> Galley {
    let mut galley = whole.clone();
    let (Some(line), Some(end)) = (whole.rows.first(), dots.rows.first()) else {
        return galley;
    };
    let room = width - end.size.x;
    let count = line
        .glyphs
        .iter()
        .take_while(|glyph| glyph.pos.x + glyph.advance_width <= room)
        .count();
    let mut row = Row::clone(&line.row);
    if let Some(first) = row.glyphs.get(count) {
        let vertices = first.first_vertex as usize;
        let visuals = &mut row.visuals;
        visuals.mesh.vertices.truncate(vertices);
        visuals
            .mesh
            .indices
            .retain(|index| (*index as usize) < vertices);
        visuals.glyph_vertex_range.end = visuals.glyph_vertex_range.end.min(vertices);
        row.glyphs.truncate(count);
    }
    row.size.x = row
        .glyphs
        .last()
        .map_or(0.0, |glyph| glyph.pos.x + glyph.advance_width);
    let after = PlacedRow {
        pos: pos2(line.pos.x + row.size.x, line.pos.y),
        row: Arc::clone(&end.row),
        ends_with_newline: false,
    };
    galley.rect.max.x = after.pos.x + end.size.x;
    galley.mesh_bounds = galley.mesh_bounds.intersect(galley.rect);
    let kept = PlacedRow {
        row: Arc::new(row),
        ..line.clone()
    };
    galley.rows = vec![kept, after];
    galley.elided = true;
    galley
}

/// One line of at most `width` points; what does not fit ends in an ellipsis.
pub(super) fn cut_line(painter: &Painter, words: &str, width: f32) -> Arc<Galley> {
    let end = words.char_indices().nth(MOST_LETTERS);
    let words = end.map_or(words, |(end, _)| &words[..end]);
    let line: String = words
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let format = TextFormat::simple(style::SMALL, Color32::PLACEHOLDER);
    let mut job = LayoutJob::single_section(line, format);
    job.wrap = TextWrapping {
        max_width: width.max(1.0),
        max_rows: 1,
        break_anywhere: true,
        ..TextWrapping::default()
    };
    painter.layout_job(job)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs passes, each of which asks for these names at this width.
    fn pass<T>(ctx: &egui::Context, run: impl FnMut(&Painter) -> T) -> T {
        let mut run = run;
        let mut out = None;
        let full = ctx.run_ui(egui::RawInput::default(), |ui| {
            out = Some(run(ui.painter()));
        });
        full.drop_without_applying_deltas();
        out.unwrap()
    }

    #[test]
    fn a_name_that_does_not_fit_is_its_beginning_and_an_ellipsis() {
        let ctx = egui::Context::default();
        let mut names = Names::default();
        let name = "A007_C012 café 0417";
        for width in [12.0_f32, 40.0, 61.5, 90.0, 219.0] {
            names.begin();
            let (line, whole) = pass(&ctx, |painter| {
                let line = names.line(painter, name, width).unwrap();
                (line, cut_line(painter, name, WIDEST))
            });
            if whole.size().x <= width {
                assert_eq!(line.rows.len(), 1, "{width}");
                continue;
            }
            assert!(line.size().x <= width.max(12.0), "{width}: {}", line.size());
            let kept: String = line.rows[0].glyphs.iter().map(|glyph| glyph.chr).collect();
            assert!(name.starts_with(&kept), "{kept}");
            assert_eq!(line.rows[1].glyphs[0].chr, '…');
            // As many letters as fit.
            let next = &whole.rows[0].glyphs[line.rows[0].glyphs.len()];
            let dots = line.rows[1].size.x;
            assert!(next.pos.x + next.advance_width + dots > width, "{width}");
            for row in &line.rows {
                let mesh = &row.visuals.mesh;
                assert!(mesh.is_valid() && mesh.vertices.len() / 4 * 6 == mesh.indices.len());
            }
        }
    }

    #[test]
    fn of_many_new_names_a_few_are_shaped_in_a_pass_and_stay() {
        let ctx = egui::Context::default();
        let mut names = Names::default();
        let all: Vec<String> = (0..30).map(|number| format!("Clip {number}")).collect();
        let shown = |names: &mut Names| {
            names.begin();
            pass(&ctx, |painter| {
                let lines = all.iter().map(|name| names.line(painter, name, 80.0));
                lines.flatten().count()
            })
        };
        let counts = [(); 4].map(|()| shown(&mut names));
        assert_eq!(counts, [12, 24, 30, 30]);
        assert!(!names.is_behind());
    }
}

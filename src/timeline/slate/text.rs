//! Words on a canvas, set in the fonts of the interface.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, Glyph, GlyphId, PxScale, ScaleFont, point};

use super::canvas::{Area, Canvas, Rgb};
use super::system_fonts::{self, Face};

/// The fonts of the interface, the first that has a letter wins. Those that come later have symbols and
/// letters of more languages; those of the system come last.
fn fonts() -> &'static [FontRef<'static>] {
    static FONTS: OnceLock<Vec<FontRef<'static>>> = OnceLock::new();
    FONTS.get_or_init(|| {
        [
            epaint_default_fonts::UBUNTU_LIGHT,
            epaint_default_fonts::HACK_REGULAR,
        ]
        .into_iter()
        .filter_map(|bytes| FontRef::try_from_slice(bytes).ok())
        .collect()
    })
}

/// Thin strokes of light letters on a dark ground look thinner than they are: this much more of
/// each pixel is covered, as a power of the coverage.
const BOLDNESS: f32 = 0.75;

/// Where a line may be broken besides at blanks: paths are long words.
const BREAKS_AFTER: [char; 4] = ['/', '\\', '-', '_'];

/// How a letter is drawn.
enum Shape {
    /// A glyph of this font.
    Glyph(Face, GlyphId),
    /// No font has it.
    Box,
    /// It has no width: joiners, variation selectors, marks of direction.
    Nothing,
}

/// Sets text in one size.
pub(super) struct Typesetter {
    letters_px: f32,
    /// Whether fonts of the system are asked for letters that no other has.
    asks_system: bool,
}

impl Typesetter {
    /// For letters of this size in pixels, from the highest to the lowest.
    pub(super) fn new(letters_px: f32) -> Self {
        Self {
            letters_px,
            asks_system: true,
        }
    }

    fn scale(&self) -> PxScale {
        PxScale::from(self.letters_px)
    }

    /// From one row of text to the next, in pixels.
    pub(super) fn row_height(&self) -> f32 {
        self.letters_px * 1.2
    }

    /// Between one line's rows and the next line's, in pixels.
    pub(super) fn paragraph_gap(&self) -> f32 {
        self.letters_px * 0.35
    }

    fn shape(&self, letter: char) -> Shape {
        if matches!(letter,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
        {
            return Shape::Nothing;
        }
        let has_it = |face: &Face| face.glyph_id(letter).0 != 0;
        let of_system = || {
            self.asks_system
                .then(|| system_fonts::face_with(letter))
                .flatten()
        };
        let face = fonts().iter().find(has_it).or_else(of_system);
        face.map_or(Shape::Box, |face| Shape::Glyph(face, face.glyph_id(letter)))
    }

    fn advance(&self, shape: &Shape) -> f32 {
        match shape {
            Shape::Glyph(face, id) => face.as_scaled(self.scale()).h_advance(*id),
            Shape::Box => self.letters_px * 0.55,
            Shape::Nothing => 0.0,
        }
    }

    fn width_of(&self, letter: char) -> f32 {
        self.advance(&self.shape(letter))
    }

    /// The rows of `text`, none wider than `room` pixels (unless a single letter is) and no more than
    /// `max_rows` (at least one). What is too long loses its middle.
    pub(super) fn wrapped(&self, text: &str, room: f32, max_rows: usize) -> Vec<String> {
        let letters: Vec<char> = text
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .collect();
        let rows = self.rows(&letters, room, max_rows);
        if let Some(rows) = rows {
            return rows;
        }
        // The most letters that fit, half of them from each end.
        let (mut low, mut high) = (0, letters.len());
        let mut best = vec!["…".to_owned()];
        while low < high {
            let kept = (low + high).div_ceil(2);
            let shortened = without_middle(&letters, kept);
            if let Some(rows) = self.rows(&shortened, room, max_rows) {
                best = rows;
                low = kept;
            } else {
                high = kept - 1;
            }
        }
        best
    }

    /// The rows of `letters`; `None` when there are more than `max_rows`.
    fn rows(&self, letters: &[char], room: f32, max_rows: usize) -> Option<Vec<String>> {
        let mut rows = Vec::new();
        let mut rest = letters;
        while !rest.is_empty() {
            if rows.len() == max_rows.max(1) {
                return None;
            }
            let end = self.row_end(rest, room);
            let row: String = rest[..end].iter().collect();
            rows.push(row.trim_end().to_owned());
            rest = &rest[end..];
            let blanks = rest.iter().take_while(|letter| **letter == ' ').count();
            rest = &rest[blanks..];
        }
        if rows.is_empty() {
            rows.push(String::new());
        }
        Some(rows)
    }

    /// How many letters the first row takes; at least one.
    fn row_end(&self, letters: &[char], room: f32) -> usize {
        let (mut width, mut break_at) = (0.0, None);
        for (n, &letter) in letters.iter().enumerate() {
            width += self.width_of(letter);
            if width > room && letter != ' ' {
                return break_at.unwrap_or(n).max(1);
            }
            if letter == ' ' || BREAKS_AFTER.contains(&letter) {
                break_at = Some(n + 1);
            }
        }
        letters.len()
    }

    /// Draws one row of text whose upper left corner is at `origin`.
    pub(super) fn draw(&self, canvas: &mut Canvas, row: &str, origin: (f32, f32), color: Rgb) {
        let Some(first) = fonts().first() else {
            return;
        };
        let (mut x, top) = origin;
        let baseline = top + first.as_scaled(self.scale()).ascent();
        let mut before: Option<(Face, GlyphId)> = None;
        for letter in row.chars() {
            let shape = self.shape(letter);
            match shape {
                Shape::Glyph(face, id) => {
                    let is_same = |(other, _): &(Face, GlyphId)| std::ptr::eq(*other, face);
                    if let Some((_, left)) = before.filter(is_same) {
                        x += face.as_scaled(self.scale()).kern(left, id);
                    }
                    before = Some((face, id));
                    let glyph = id.with_scale_and_position(self.scale(), point(x, baseline));
                    draw_glyph(canvas, face, glyph, color);
                }
                Shape::Box => {
                    before = None;
                    self.draw_box(canvas, (x, baseline), color);
                }
                Shape::Nothing => {}
            }
            x += self.advance(&shape);
        }
    }

    /// A hollow box in the place of a letter.
    fn draw_box(&self, canvas: &mut Canvas, (x, baseline): (f32, f32), color: Rgb) {
        let stroke = (self.letters_px / 18.0).max(1.0).round();
        let (left, right) = (x + self.letters_px * 0.07, x + self.letters_px * 0.48);
        let (top, bottom) = (baseline - self.letters_px * 0.58, baseline);
        let edges = [
            (left, top, right, top + stroke),
            (left, bottom - stroke, right, bottom),
            (left, top, left + stroke, bottom),
            (right - stroke, top, right, bottom),
        ];
        for (left, top, right, bottom) in edges {
            let edge = Area {
                left,
                top,
                right,
                bottom,
            };
            canvas.fill(edge, color);
        }
    }
}

fn draw_glyph(canvas: &mut Canvas, font: Face, glyph: Glyph, color: Rgb) {
    let Some(outlined) = font.outline_glyph(glyph) else {
        return;
    };
    let bounds = outlined.px_bounds();
    let (left, top) = (
        super::canvas::whole(bounds.min.x),
        super::canvas::whole(bounds.min.y),
    );
    outlined.draw(|x, y, coverage| {
        if let (Ok(x), Ok(y)) = (i32::try_from(x), i32::try_from(y)) {
            canvas.blend(left + x, top + y, color, coverage.max(0.0).powf(BOLDNESS));
        }
    });
}

/// The first and last letters, `kept` in all, and an ellipsis between them. The end of a path says more
/// than its beginning, and gets the odd one.
fn without_middle(letters: &[char], kept: usize) -> Vec<char> {
    let head = kept / 2;
    let tail = letters.len() - (kept - head).min(letters.len());
    let mut shortened = letters[..head.min(letters.len())].to_vec();
    shortened.push('…');
    shortened.extend(&letters[tail..]);
    shortened
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// With the fonts of the interface alone: the same on every machine.
    fn alone(letters_px: f32) -> Typesetter {
        Typesetter {
            asks_system: false,
            ..Typesetter::new(letters_px)
        }
    }

    fn width(set: &Typesetter, row: &str) -> f32 {
        row.chars().map(|letter| set.width_of(letter)).sum()
    }

    #[test]
    fn lines_are_broken_at_blanks_and_in_paths() {
        let set = Typesetter::new(20.0);
        let room = width(&set, "one two thr");
        assert_eq!(set.wrapped("one two three", room, 3), ["one two", "three"]);
        assert_eq!(set.wrapped("one  two\nthr", room, 3).len(), 2);
        let path = "/Volumes/show/day";
        let rows = set.wrapped(path, width(&set, "/Volumes/sho"), 3);
        assert_eq!(rows, ["/Volumes/", "show/day"]);
        assert_eq!(set.wrapped("", room, 3), [""]);
    }

    #[test]
    fn what_is_too_long_loses_its_middle() {
        let set = Typesetter::new(20.0);
        let path = format!("/first{}/last.mov", "/folder".repeat(500));
        let rows = set.wrapped(&path, 300.0, 2);
        let text = rows.concat();
        assert_eq!(rows.len(), 2);
        assert!(text.starts_with("/first") && text.ends_with("/last.mov") && text.contains('…'));
        assert!(text.len() > 40, "as much as fits: {text}");
    }

    #[test]
    fn letters_of_many_languages_have_a_shape() {
        let set = alone(20.0);
        for letter in "aß€Žж→…".chars() {
            assert!(matches!(set.shape(letter), Shape::Glyph(..)), "{letter}");
        }
        assert!(matches!(set.shape('漢'), Shape::Box));
        assert!(matches!(set.shape('\u{fe0f}'), Shape::Nothing));
    }

    proptest! {
        #[test]
        fn no_row_is_too_wide(text in "\\PC{0,80}", room in 40.0f32..300.0, max_rows in 1usize..4) {
            let set = alone(16.0);
            let rows = set.wrapped(&text, room, max_rows);
            prop_assert!(!rows.is_empty() && rows.len() <= max_rows);
            for row in rows {
                prop_assert!(width(&set, &row) <= room || row.chars().count() == 1, "{:?}", row);
            }
        }
    }
}

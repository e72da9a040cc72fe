//! Letters that the fonts of the interface lack, out of fonts of the system.

use std::collections::HashMap;
use std::sync::OnceLock;

use ab_glyph::{Font, FontRef};
use egui::FontFamily;
use egui::epaint::text::{FallbackRequest, FontData, FontProvider};
use egui_system_font_provider::SystemFontProvider;
use parking_lot::Mutex;

/// A font that is there as long as the program.
pub(super) type Face = &'static FontRef<'static>;

/// What was found so far; fonts are mapped, not read, and stay.
struct Found {
    provider: SystemFontProvider,
    by_name: HashMap<String, Option<Face>>,
    by_letter: HashMap<char, Option<Face>>,
}

/// A font of the system that has an outline of `letter`. The first question waits until the system has told
/// its fonts, a few tenths of a second.
///
/// Scripts that run from right to left, and those whose letters change with their neighbours, are left out:
/// setting them takes more than a font.
pub(super) fn face_with(letter: char) -> Option<Face> {
    static FOUND: OnceLock<Mutex<Found>> = OnceLock::new();
    if letter.is_ascii() || needs_shaping(letter) {
        return None;
    }
    let found = FOUND.get_or_init(|| {
        Mutex::new(Found {
            provider: SystemFontProvider::new(),
            by_name: HashMap::new(),
            by_letter: HashMap::new(),
        })
    });
    let Found {
        provider,
        by_name,
        by_letter,
    } = &mut *found.lock();
    *by_letter.entry(letter).or_insert_with(|| {
        let font = provider.font_for(&FallbackRequest {
            cluster: letter.encode_utf8(&mut [0; 4]),
            family: &FontFamily::Proportional,
        })?;
        let face = by_name.entry(font.name).or_insert_with(|| kept(font.data));
        face.filter(|face| face.outline(face.glyph_id(letter)).is_some())
    })
}

/// The font in `data`, kept for good: there are a handful of them in a run.
fn kept(data: FontData) -> Option<Face> {
    let data: &'static FontData = Box::leak(Box::new(data));
    let face = FontRef::try_from_slice_and_index(data.bytes(), data.index).ok()?;
    Some(Box::leak(Box::new(face)))
}

/// Hebrew, Arabic and their neighbours, Indic scripts, Tibetan, Myanmar, Khmer, and Arabic in its forms.
fn needs_shaping(letter: char) -> bool {
    matches!(letter,
        '\u{590}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_the_systems_fonts_are_found_once() {
        // Armenian, which DejaVu Sans has: the test media are made with it.
        let face = face_with('Ա').expect("fonts-dejavu-core is installed");
        assert!(face.outline(face.glyph_id('Ա')).is_some());
        let again = face_with('Բ').unwrap();
        assert!(std::ptr::eq(face, again), "one font for both");
    }

    #[test]
    fn what_takes_more_than_a_font_is_left_out() {
        for letter in ['א', 'ب', 'क', '\u{fe8d}', 'a', '\u{10ffff}'] {
            assert!(face_with(letter).is_none(), "{letter}");
        }
    }
}

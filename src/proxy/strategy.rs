//! Which sizes are made of a source, where a choice for many sources is applied to one.

use super::preset::Preset;
use crate::media::Size;

/// A source no wider than this is decoded so easily that a quarter of it is of no use.
const NARROW: u32 = 1920;

/// Pictures with more pixels are large: Full HD, as it is coded.
const LARGE_PIXELS: u64 = 1920 * 1088;

/// Whether pictures are so large that proxies may help.
pub fn is_large(size: Size) -> bool {
    size.area() > LARGE_PIXELS
}

/// The sizes that are made of a source where nobody names any: the half and the quarter of 4K; of smaller pictures
/// the one that is about half their size.
pub(super) fn fitting_presets(size: Option<Size>) -> Vec<Preset> {
    if size.is_none_or(is_large) {
        vec![Preset::Quarter, Preset::Half]
    } else {
        vec![Preset::Quarter]
    }
}

/// The sizes that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sizes {
    /// These.
    Presets(Vec<Preset>),
    /// The one nearest to so many percent of the source.
    Percent(u8),
}

impl Sizes {
    /// Whether the source has a say in what is made of it.
    pub fn depend_on_source(&self) -> bool {
        match self {
            Self::Percent(_) => true,
            Self::Presets(presets) => {
                presets.contains(&Preset::Quarter) && presets.iter().any(|p| *p != Preset::Quarter)
            }
        }
    }

    /// What is made of a source of this size, and what is left out of it although it was asked for: of narrow
    /// sources the quarter, where there is another one.
    pub fn of_source(&self, source: Size) -> (Vec<Preset>, Vec<Preset>) {
        match self {
            Self::Percent(percent) => (vec![Preset::at_scale(*percent, source)], Vec::new()),
            Self::Presets(presets) => {
                let mut wanted = presets.clone();
                wanted.sort_unstable();
                wanted.dedup();
                let is_narrow = source.width().max(source.height()) <= NARROW;
                let has_other = wanted.len() > 1;
                wanted
                    .into_iter()
                    .partition(|preset| !(is_narrow && has_other && *preset == Preset::Quarter))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_of_proxies_follow_the_source() {
        let of = |width, height| fitting_presets(Size::new(width, height));
        assert_eq!(of(3840, 2160), [Preset::Quarter, Preset::Half]);
        assert_eq!(of(1920, 1088), [Preset::Quarter]);
        assert_eq!(fitting_presets(None), [Preset::Quarter, Preset::Half]);
    }

    #[test]
    fn narrow_sources_get_no_quarter_beside_another() {
        let (wide, narrow) = (Size::new(3840, 2160), Size::new(1080, 1920));
        let (wide, narrow) = (wide.unwrap(), narrow.unwrap());
        let both = Sizes::Presets(vec![Preset::Half, Preset::Quarter, Preset::Half]);
        assert!(both.depend_on_source());
        let all = vec![Preset::Quarter, Preset::Half];
        assert_eq!(both.of_source(wide), (all, Vec::new()));
        let split = (vec![Preset::Half], vec![Preset::Quarter]);
        assert_eq!(both.of_source(narrow), split);
        let alone = Sizes::Presets(vec![Preset::Quarter; 2]);
        assert!(!alone.depend_on_source());
        assert_eq!(alone.of_source(narrow), (vec![Preset::Quarter], Vec::new()));
        let half = Sizes::Percent(50).of_source(wide);
        assert_eq!(half, (vec![Preset::Half], Vec::new()));
    }
}

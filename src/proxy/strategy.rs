//! Which sizes are made of a source, where a choice for many sources is applied to one.

use super::preset::Preset;
use crate::media::Size;

/// A source no wider than this is decoded so easily that a quarter of it is of no use.
const NARROW: u32 = 1920;

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

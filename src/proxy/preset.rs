//! How large proxies are.

use std::fmt;

use crate::media::Size;

/// A size of proxies, by the length of the picture's shorter side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Preset {
    /// For a rough cut on a weak machine.
    Draft,
    /// A quarter of 4K in each direction.
    Quarter,
    /// For most work.
    Preview,
    /// Half of 4K in each direction.
    Half,
    /// 4K, for sources of 8K.
    Full,
}

/// Every preset: its name, and the most rows of a picture that is wider than high.
const TABLE: [(Preset, &str, u32); 5] = [
    (Preset::Draft, "draft", 480),
    (Preset::Quarter, "quarter", 540),
    (Preset::Preview, "preview", 720),
    (Preset::Half, "half", 1080),
    (Preset::Full, "full", 2160),
];

impl Preset {
    /// What is made when nothing else is asked for.
    pub const DEFAULT: Self = Self::Preview;

    /// Every preset, the smallest first.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.into_iter().map(|(preset, ..)| preset)
    }

    fn row(self) -> (Self, &'static str, u32) {
        TABLE[self as usize]
    }

    /// The name on the command line, in file names and in JSON.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The preset of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|preset| preset.name() == name)
    }

    /// The most pixels on the shorter side.
    pub fn lines(self) -> u32 {
        self.row().2
    }

    /// The size of the proxy of stored pictures of `source`: the shape is kept, as nearly as even sizes
    /// let it, and nothing grows. The units are what its width and its rows must be multiples of: even numbers,
    /// and of rows 4 where each of two fields needs even ones.
    pub fn size_for(self, source: Size, column_unit: u32, row_unit: u32) -> Size {
        let shorter = source.width().min(source.height());
        let lines = self.lines().min(shorter);
        let scaled = |side: u32, unit: u32| {
            let (side_wide, unit_wide) = (u64::from(side), u64::from(unit));
            // The nearest multiple, but none beyond the source.
            let exact = side_wide * u64::from(lines) * 2 / u64::from(shorter);
            let nearest = (exact + unit_wide) / (2 * unit_wide) * unit_wide;
            let most = u64::from(side - side % unit);
            u32::try_from(nearest.min(most).max(unit_wide)).unwrap_or(side)
        };
        let (width, height) = (source.width(), source.height());
        let size = (scaled(width, column_unit), scaled(height, row_unit));
        Size::new(size.0, size.1).unwrap_or(source)
    }

    /// The smallest preset that makes the same of `source`: nothing grows, so that all those larger than the
    /// source are one.
    #[must_use]
    pub fn least_alike(self, source: Size) -> Self {
        let shorter = source.width().min(source.height());
        let lines = |preset: Self| preset.lines().min(shorter);
        let alike = |preset: &Self| lines(*preset) == lines(self);
        Self::all().find(alike).unwrap_or(self)
    }

    /// The preset that is nearest to `percent` of `source`, of those that are smaller than it; the smallest of all
    /// where none is.
    pub fn at_scale(percent: u8, source: Size) -> Self {
        let shorter = source.width().min(source.height());
        let wanted = f64::from(shorter) * f64::from(percent) / 100.0;
        // By how many times it is larger or smaller.
        let distance = |preset: &Self| (f64::from(preset.lines()) / wanted).ln().abs();
        let smaller = Self::all().filter(|preset| preset.lines() < shorter);
        smaller
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .unwrap_or(Self::Draft)
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).unwrap()
    }

    #[test]
    fn the_table_is_in_the_order_of_the_presets() {
        for (place, preset) in Preset::all().enumerate() {
            assert_eq!(preset as usize, place);
            assert_eq!(Preset::from_name(preset.name()), Some(preset));
        }
        assert!(Preset::all().is_sorted_by_key(Preset::lines));
        assert_eq!(Preset::from_name("none"), None);
    }

    #[test]
    fn presets_that_make_the_same_are_one() {
        let least = |preset: Preset, source| preset.least_alike(source);
        assert_eq!(least(Preset::Full, size(1920, 1080)), Preset::Half);
        assert_eq!(least(Preset::Full, size(1080, 1920)), Preset::Half);
        assert_eq!(least(Preset::Half, size(1920, 1080)), Preset::Half);
        assert_eq!(least(Preset::Half, size(640, 360)), Preset::Draft);
        for preset in Preset::all() {
            assert_eq!(least(preset, size(7680, 4320)), preset);
            for source in [size(1280, 720), size(721, 1000), size(320, 200)] {
                let other = least(preset, source);
                let sizes = [preset, other].map(|preset| preset.size_for(source, 2, 2));
                assert_eq!(sizes[0], sizes[1], "{preset} and {other} of {source}");
            }
        }
    }

    #[test]
    fn a_scale_is_the_nearest_preset_below_the_source() {
        for (source, presets) in [
            (size(7680, 4320), [Preset::Half, Preset::Full, Preset::Full]),
            (
                size(3840, 2160),
                [Preset::Quarter, Preset::Half, Preset::Half],
            ),
            (
                size(1080, 1920),
                [Preset::Draft, Preset::Quarter, Preset::Preview],
            ),
            (
                size(1280, 720),
                [Preset::Draft, Preset::Draft, Preset::Quarter],
            ),
            (size(320, 180), [Preset::Draft; 3]),
        ] {
            let found = [25, 50, 75].map(|percent| Preset::at_scale(percent, source));
            assert_eq!(found, presets, "{source}");
        }
    }

    #[test]
    fn shapes_are_kept_sizes_are_even_and_nothing_grows() {
        for (preset, source, expected) in [
            (Preset::Quarter, size(3840, 2160), size(960, 540)),
            (Preset::Half, size(3840, 2160), size(1920, 1080)),
            (Preset::Preview, size(4096, 2160), size(1366, 720)),
            (Preset::Draft, size(1920, 1080), size(854, 480)),
            (Preset::Quarter, size(2160, 3840), size(540, 960)),
            (Preset::Full, size(7680, 4320), size(3840, 2160)),
            (Preset::Full, size(1920, 1080), size(1920, 1080)),
            (Preset::Preview, size(161, 121), size(160, 120)),
            (Preset::Preview, size(1, 1), size(2, 2)),
        ] {
            assert_eq!(
                preset.size_for(source, 2, 2),
                expected,
                "{preset} of {source}"
            );
        }
        assert_eq!(
            Preset::Quarter.size_for(size(1920, 1080), 2, 4),
            size(960, 540)
        );
        assert_eq!(Preset::Full.size_for(size(720, 486), 2, 4), size(720, 484));
        for preset in Preset::all() {
            for (width, height) in [(3841, 2159), (65_535, 3), (720, 576), (5, 5)] {
                let source = size(width, height);
                let made = preset.size_for(source, 2, 2);
                assert!(made.width() % 2 == 0 && made.height() % 2 == 0, "{made}");
                assert!(made.width() <= width && made.height() <= height, "{made}");
            }
        }
    }
}

//! Names of numbered pictures: `img.%04d.exr`, `img.####.exr`, `img.[1001-1090].exr`.

/// Digits of a number that are read; more do not fit 64 bits.
const MAX_DIGITS: usize = 18;

/// What stands around a number in file names, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Naming {
    /// Before the number.
    pub(super) prefix: String,
    /// After the number, the extension included.
    pub(super) suffix: String,
    /// Digits of a number, at least: it is filled up with zeros.
    pub(super) digits: usize,
}

impl Naming {
    /// The file name of picture `number`. The sign of negative ones stands before the zeros, as OTIO
    /// has it.
    pub(super) fn name_of(&self, number: i64) -> String {
        let sign = if number < 0 { "-" } else { "" };
        format!(
            "{}{sign}{:0width$}{}",
            self.prefix,
            number.unsigned_abs(),
            self.suffix,
            width = self.digits
        )
    }

    /// The number in `name`, if [`Self::name_of`] would write it so.
    pub(super) fn number_in(&self, name: &str) -> Option<i64> {
        let middle = name
            .strip_prefix(self.prefix.as_str())?
            .strip_suffix(self.suffix.as_str())?;
        let digits = middle.strip_prefix('-').unwrap_or(middle);
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_padded = digits.len() == self.digits.max(1)
            || (digits.len() > self.digits && !digits.starts_with('0'));
        if !is_number || !is_padded || digits.len() > MAX_DIGITS {
            return None;
        }
        let number: i64 = middle.parse().ok()?;
        // Zero has no sign.
        (number != 0 || middle == digits).then_some(number)
    }

    /// Splits the name of a numbered picture at its number, which stands just before the extension,
    /// and answers the number too. The digits are as many as there are.
    pub(super) fn split(name: &str) -> Option<(Self, i64)> {
        let (stem, extension) = name.rsplit_once('.')?;
        let prefix = stem.trim_end_matches(|byte: char| byte.is_ascii_digit());
        let digits = stem.len() - prefix.len();
        if digits == 0 || digits > MAX_DIGITS {
            return None;
        }
        let number = stem[prefix.len()..].parse().ok()?;
        let naming = Self {
            prefix: prefix.to_owned(),
            suffix: format!(".{extension}"),
            digits,
        };
        Some((naming, number))
    }
}

/// A name that stands for many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Ways to write the number, the likeliest first.
    pub(super) namings: Vec<Naming>,
    /// First and last number, where stated.
    pub(super) range: Option<(i64, i64)>,
}

impl Pattern {
    /// Reads a file name; `None` when it stands for itself alone. The last mark in a name counts.
    pub(super) fn read(name: &str) -> Option<Self> {
        Self::printf(name)
            .or_else(|| Self::marks(name, '#'))
            .or_else(|| Self::marks(name, '@'))
            .or_else(|| Self::range(name))
    }

    fn of(prefix: &str, suffix: &str, digits: &[usize]) -> Option<Self> {
        let fits = digits.iter().all(|&digits| digits <= MAX_DIGITS);
        fits.then(|| Self {
            namings: digits
                .iter()
                .map(|&digits| Naming {
                    prefix: prefix.to_owned(),
                    suffix: suffix.to_owned(),
                    digits,
                })
                .collect(),
            range: None,
        })
    }

    /// `%d`, `%4d`, `%04d`.
    fn printf(name: &str) -> Option<Self> {
        let (prefix, after) = name.rsplit_once('%')?;
        let (width, suffix) = after.split_once('d')?;
        if width.len() > 2 || !width.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Self::of(prefix, suffix, &[width.parse().unwrap_or(1)])
    }

    /// `####`: a digit each. One alone stands for four in some programs, for one in others.
    fn marks(name: &str, mark: char) -> Option<Self> {
        let end = name.rfind(mark)? + 1;
        let start = name[..end].trim_end_matches(mark).len();
        let digits: &[usize] = match end - start {
            1 => &[4, 1],
            count => &[count],
        };
        Self::of(&name[..start], &name[end..], digits)
    }

    /// `[1001-1090]`: the first number's digits count.
    fn range(name: &str) -> Option<Self> {
        let (before, suffix) = name.rsplit_once(']')?;
        let (prefix, range) = before.rsplit_once('[')?;
        let (first, last) = range.split_once('-')?;
        let number = |digits: &str| -> Option<i64> {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| plain)
        };
        let range = (number(first)?, number(last)?);
        let pattern = Self::of(prefix, suffix, &[first.len()])?;
        (range.0 <= range.1).then_some(Self {
            range: Some(range),
            ..pattern
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_of_all_kinds_are_read() {
        for (name, prefix, suffix, digits, range) in [
            ("img.%04d.exr", "img.", ".exr", 4, None),
            ("img%d.png", "img", ".png", 1, None),
            ("img.####.exr", "img.", ".exr", 4, None),
            ("img_@@@.dpx", "img_", ".dpx", 3, None),
            ("a#1_#.tif", "a#1_", ".tif", 4, None),
            ("img.[0998-1090].exr", "img.", ".exr", 4, Some((998, 1090))),
            ("%05d", "", "", 5, None),
        ] {
            let pattern = Pattern::read(name).unwrap();
            let naming = &pattern.namings[0];
            assert_eq!(
                (
                    naming.prefix.as_str(),
                    naming.suffix.as_str(),
                    naming.digits
                ),
                (prefix, suffix, digits),
                "{name}"
            );
            assert_eq!(pattern.range, range, "{name}");
        }
        for name in [
            "img.0001.exr",
            "100%.mov",
            "%s.png",
            "%123d.png",
            "a[b-c].png",
            "a[9-3].png",
            "a[-3].png",
            "img.####################.exr",
            "",
        ] {
            assert_eq!(Pattern::read(name), None, "{name}");
        }
    }

    #[test]
    fn numbers_are_read_only_as_they_are_written() {
        let naming = Naming {
            prefix: "a.".to_owned(),
            suffix: ".png".to_owned(),
            digits: 3,
        };
        for (number, name) in [
            (7, "a.007.png"),
            (1234, "a.1234.png"),
            (-7, "a.-007.png"),
            (0, "a.000.png"),
        ] {
            assert_eq!(naming.name_of(number), name);
            assert_eq!(naming.number_in(name), Some(number));
        }
        for name in [
            "a.7.png",
            "a.0007.png",
            "a..png",
            "a.00x.png",
            "a.-000.png",
            "b.007.png",
            "a.007.exr",
            "a.png",
            "a.+07.png",
            "a.9999999999999999999.png",
        ] {
            assert_eq!(naming.number_in(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn names_are_split_where_their_number_is(
            prefix in "[a-z0-9.]{0,6}[a-z._-]", number in 0i64..1_000_000, digits in 1usize..8,
        ) {
            let naming = Naming { prefix, suffix: ".exr".to_owned(), digits };
            let name = naming.name_of(number);
            prop_assert_eq!(naming.number_in(&name), Some(number));
            let (split, same) = Naming::split(&name).unwrap();
            prop_assert_eq!(same, number);
            prop_assert_eq!((&split.prefix, &split.suffix), (&naming.prefix, &naming.suffix));
            prop_assert_eq!(split.name_of(number), name);
        }

        #[test]
        fn any_name_is_read(name in "[%#@0-9d\\[\\]\\-.aü]{0,24}") {
            if let Some(pattern) = Pattern::read(&name) {
                prop_assert!(!pattern.namings.is_empty());
            }
            Naming::split(&name);
        }
    }
}

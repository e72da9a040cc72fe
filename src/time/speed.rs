//! Playback speed.

use std::str::FromStr;

/// Playback speed as an exact fraction of normal; negative runs backwards. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Speed {
    quarters: i32,
}

impl Speed {
    /// Normal speed.
    pub const NORMAL: Self = Self { quarters: 4 };
    /// The greatest speed either way, in quarters.
    const MAX_QUARTERS: i32 = 32;

    /// A speed in quarters of normal, -32 to 32 (8x); `None` outside that and for zero.
    pub const fn from_quarters(quarters: i32) -> Option<Self> {
        if quarters != 0 && quarters >= -Self::MAX_QUARTERS && quarters <= Self::MAX_QUARTERS {
            Some(Self { quarters })
        } else {
            None
        }
    }

    /// The speed in quarters of normal.
    pub const fn quarters(self) -> i32 {
        self.quarters
    }

    /// Whether time runs backwards.
    pub const fn is_reverse(self) -> bool {
        self.quarters < 0
    }

    /// As a float, for time stretching and for people to read.
    pub fn as_f64(self) -> f64 {
        f64::from(self.quarters) / 4.0
    }
}

impl std::fmt::Display for Speed {
    /// `1x`, `-0.25x`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x", self.as_f64())
    }
}

impl FromStr for Speed {
    type Err = SpeedError;

    /// Reads `2`, `0.25x` or `-1.5x`: at most two decimals, in steps of a quarter.
    fn from_str(text: &str) -> Result<Self, SpeedError> {
        let error = || SpeedError(text.to_owned());
        let number = text.trim();
        let number = number.strip_suffix('x').unwrap_or(number);
        let (sign, number) = number
            .strip_prefix('-')
            .map_or((1, number), |rest| (-1, rest));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if whole.is_empty() || whole.len() > 2 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        let quarters = match fraction {
            "0" | "00" => 0,
            "25" => 1,
            "5" | "50" => 2,
            "75" => 3,
            _ => return Err(error()),
        };
        let whole: i32 = whole.parse().ok().ok_or_else(error)?;
        Self::from_quarters(sign * (whole * 4 + quarters)).ok_or_else(error)
    }
}

/// The text is not a speed that the player has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a speed. Write a number from 0.25 to 8 in steps of 0.25, with a minus to play \
     backwards."
)]
pub struct SpeedError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_speed_reads_back() {
        for quarters in (-32..=32).filter(|&quarters| quarters != 0) {
            let speed = Speed::from_quarters(quarters).unwrap();
            assert_eq!(speed.to_string().parse(), Ok(speed));
            assert_eq!(speed.is_reverse(), quarters < 0);
        }
        assert_eq!("1".parse(), Ok(Speed::NORMAL));
        assert_eq!(" 1.00x".parse(), Ok(Speed::NORMAL));
        assert_eq!("-0.5".parse::<Speed>().map(Speed::quarters), Ok(-2));
    }

    #[test]
    fn speeds_that_do_not_exist_are_refused() {
        for quarters in [0, 33, -33, i32::MAX, i32::MIN] {
            assert_eq!(Speed::from_quarters(quarters), None);
        }
        for text in [
            "", "x", "0", "-0", "8.25", "-9", "1.1", "1.", ".5", "--1", "+1", "2xx", "100",
        ] {
            let error = text.parse::<Speed>().unwrap_err();
            assert!(error.to_string().contains("0.25 to 8"), "{text}");
        }
    }
}

//! Playback speed.

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

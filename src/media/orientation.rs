//! The eight ways a picture can be turned and mirrored.

use super::Size;

/// What must be done to the stored picture before it is shown: first mirror left to right, if
/// `mirrored`, then turn clockwise by `quarter_turns` times 90°.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Orientation {
    quarter_turns: u8,
    mirrored: bool,
}

impl Orientation {
    /// Shown as stored.
    pub const UPRIGHT: Self = Self {
        quarter_turns: 0,
        mirrored: false,
    };

    /// Mirror first, then turn clockwise; only the turns modulo 4 count.
    pub const fn new(mirrored: bool, quarter_turns_clockwise: u8) -> Self {
        Self {
            quarter_turns: quarter_turns_clockwise % 4,
            mirrored,
        }
    }

    /// Clockwise quarter turns, 0 to 3.
    pub const fn quarter_turns(self) -> u8 {
        self.quarter_turns
    }

    /// Whether the picture is mirrored left to right before it is turned.
    pub const fn is_mirrored(self) -> bool {
        self.mirrored
    }

    /// Whether width and height change places.
    pub const fn is_transposing(self) -> bool {
        self.quarter_turns % 2 == 1
    }

    /// The size shown of a stored picture.
    #[must_use]
    pub fn apply(self, stored: Size) -> Size {
        if self.is_transposing() {
            stored.transposed()
        } else {
            stored
        }
    }

    /// Maps a shown point to the stored point. Both run from 0 to 1, right and down.
    ///
    /// Returned as the affine map `stored = (a*x + b*y + c, d*x + e*y + f)`, in the order
    /// `[a, b, c, d, e, f]`; every coefficient is -1, 0 or 1.
    pub fn stored_from_shown(self) -> [f32; 6] {
        let mut map = match self.quarter_turns {
            0 => [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            1 => [0.0, 1.0, 0.0, -1.0, 0.0, 1.0],
            2 => [-1.0, 0.0, 1.0, 0.0, -1.0, 1.0],
            _ => [0.0, -1.0, 1.0, 1.0, 0.0, 0.0],
        };
        if self.mirrored {
            let [along_x, along_y, offset] = [map[0], map[1], map[2]];
            map[..3].copy_from_slice(&[-along_x, -along_y, 1.0 - offset]);
        }
        map
    }
}

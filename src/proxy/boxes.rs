//! Making pictures of a half or a quarter in each direction, which most proxies are: every sample is the mean of
//! those that it covers, as libswscale's area scaling makes it, in a fraction of the time.

use super::scale::Planes;
use crate::media::Size;

/// How many times smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Factor {
    Two,
    Four,
}

impl Factor {
    /// The factor from one size to the other, if it is one of these in both directions.
    pub(super) fn between(source: Size, target: Size) -> Option<Self> {
        let is = |factor: u32| {
            let times = |side: u32| side.checked_mul(factor);
            times(target.width()) == Some(source.width())
                && times(target.height()) == Some(source.height())
        };
        [(2, Self::Two), (4, Self::Four)]
            .into_iter()
            .find_map(|(factor, this)| is(factor).then_some(this))
    }

    fn get(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

/// Where colour samples lie across, in both pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Siting {
    /// On the left of the luma samples that they belong to, so that they cover others than these.
    Left,
    /// In their middle.
    Center,
}

/// A picture that is written, plane by plane.
pub(super) struct Plane<'a> {
    pub(super) bytes: &'a mut [u8],
    pub(super) stride: usize,
    pub(super) width: usize,
    pub(super) rows: usize,
}

/// Sums of a row, kept to be used again.
#[derive(Default)]
pub(super) struct Sums {
    /// Of the samples that one sample covers wholly.
    whole: Vec<u16>,
    /// Of the last sample that one shares with the next; the first is that before the row.
    shared: Vec<u16>,
}

/// Makes plane number `place` of a picture in 8-bit 4:2:0. False where rows are missing.
pub(super) fn shrink(
    from: &Planes<'_>,
    place: usize,
    into: &mut Plane<'_>,
    factor: Factor,
    siting: Siting,
    sums: &mut Sums,
) -> bool {
    let Some((bytes, stride)) = from.get(place) else {
        return false;
    };
    let times = factor.get();
    for row in 0..into.rows {
        let begin = row * into.stride;
        let Some(out) = into.bytes.get_mut(begin..begin + into.width) else {
            return false;
        };
        let source = |number: usize| {
            let begin = (row * times + number) * stride;
            bytes.get(begin..begin + into.width * times)
        };
        let is_shared = place > 0 && siting == Siting::Left;
        match factor {
            Factor::Two => {
                let (Some(a), Some(b)) = (source(0), source(1)) else {
                    return false;
                };
                if is_shared {
                    left_of_two([a, b], out, sums);
                } else {
                    means_of_two([a, b], out);
                }
            }
            Factor::Four => {
                let rows = (source(0), source(1), source(2), source(3));
                let (Some(a), Some(b), Some(c), Some(d)) = rows else {
                    return false;
                };
                if is_shared {
                    left_of_four([a, b, c, d], out, sums);
                } else {
                    means_of_four([a, b, c, d], out);
                }
            }
        }
    }
    true
}

/// The low eight bits.
#[expect(clippy::cast_possible_truncation, reason = "means of codes are codes")]
fn code(mean: u16) -> u8 {
    mean as u8
}

// Neighbours are read as one number and taken apart by shifting, which the compiler makes short SIMD code of on
// every machine.

fn means_of_two(rows: [&[u8]; 2], out: &mut [u8]) {
    let pair = |two: &[u8; 2]| {
        let two = u16::from_le_bytes(*two);
        (two & 0xFF) + (two >> 8)
    };
    let [a, b] = rows.map(|row| row.as_chunks::<2>().0);
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = code((pair(a) + pair(b) + 2) >> 2);
    }
}

/// Two sums of two, in the halves of a number.
fn pairs(four: [u8; 4]) -> u32 {
    let four = u32::from_le_bytes(four);
    (four & 0x00FF_00FF) + ((four >> 8) & 0x00FF_00FF)
}

fn means_of_four(rows: [&[u8]; 4], out: &mut [u8]) {
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<4>().0);
    for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        let sums = pairs(*a) + pairs(*b) + pairs(*c) + pairs(*d);
        let sum = (sums & 0xFFFF) + (sums >> 16);
        #[expect(clippy::cast_possible_truncation, reason = "means of codes are codes")]
        let mean = ((sum + 8) >> 4) as u8;
        *out = mean;
    }
}

/// A sample on the left covers a quarter of the one before its own two, and three quarters of the second.
fn left_of_two(rows: [&[u8]; 2], out: &mut [u8], sums: &mut Sums) {
    let (whole, shared) = sums.of(out.len());
    let [a, b] = rows.map(|row| row.as_chunks::<2>().0);
    for (((whole, shared), a), b) in whole.iter_mut().zip(&mut shared[1..]).zip(a).zip(b) {
        let (a, b) = (u16::from_le_bytes(*a), u16::from_le_bytes(*b));
        *whole = (a & 0xFF) + (b & 0xFF);
        *shared = (a >> 8) + (b >> 8);
    }
    // Before the row there is more of the first sample.
    shared[0] = whole.first().copied().unwrap_or(0);
    let before = &shared[..shared.len() - 1];
    for (((out, whole), before), own) in out.iter_mut().zip(&*whole).zip(before).zip(&shared[1..]) {
        *out = code((before + 4 * whole + 3 * own + 8) >> 4);
    }
}

/// A sample on the left covers three quarters of the one before its own four, and one quarter of the fourth.
fn left_of_four(rows: [&[u8]; 4], out: &mut [u8], sums: &mut Sums) {
    let (whole, shared) = sums.of(out.len());
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<4>().0);
    let places = whole.iter_mut().zip(&mut shared[1..]);
    for (((((whole, shared), a), b), c), d) in places.zip(a).zip(b).zip(c).zip(d) {
        let rows = [a, b, c, d].map(|four| u32::from_le_bytes(*four));
        // The first and the third, the second and the fourth, of all rows.
        let [odd, even] = [0, 8].map(|shift| {
            let sums = rows.map(|four| (four >> shift) & 0x00FF_00FF);
            sums[0] + sums[1] + sums[2] + sums[3]
        });
        #[expect(
            clippy::cast_possible_truncation,
            reason = "sums of twelve codes at most"
        )]
        let three = ((odd & 0xFFFF) + (odd >> 16) + (even & 0xFFFF)) as u16;
        let fourth = (even >> 16) as u16;
        *whole = three;
        *shared = fourth;
    }
    let column = |row: &[u8]| u16::from(row.first().copied().unwrap_or(0));
    shared[0] = rows.into_iter().map(column).sum();
    let before = &shared[..shared.len() - 1];
    for (((out, whole), before), own) in out.iter_mut().zip(&*whole).zip(before).zip(&shared[1..]) {
        *out = code((3 * before + 4 * whole + own + 32) >> 6);
    }
}

impl Sums {
    fn of(&mut self, width: usize) -> (&mut [u16], &mut [u16]) {
        self.whole.resize(width, 0);
        self.shared.resize(width + 1, 0);
        (&mut self.whole, &mut self.shared)
    }
}

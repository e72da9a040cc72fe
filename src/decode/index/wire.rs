//! An index as bytes, to be kept until the file is opened again.
//!
//! Numbers are variable-length integers of seven bits a byte, least first; signed ones are zigzag
//! coded. In order: version; time base; time zero; flags; number of frames, the first time stamp, and
//! runs of (interval, how often); end; number of keyframes, and of each the distance from the one
//! before it (time stamp, packet, place in the file) and how far it is decoded before it is presented.

use super::{GopIndex, Keyframe, Numbering, Stamps};
use crate::time::TimeBase;

/// Another layout, or another meaning of a number, is another version.
const VERSION: u64 = 1;

/// 77 hours at 60 frames a second. A longer index is made each time: damaged bytes must not fill the
/// memory.
const MAX_FRAMES: u64 = 1 << 24;

const VARIABLE_RATE: u64 = 1;
const BY_COUNT: u64 = 2;

/// Why bytes are no index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no index")]
pub struct IndexBytesError;

impl GopIndex {
    /// The index as bytes, for [`index_from_bytes`](crate::decode::index_from_bytes). `None` for one that is not complete, that is
    /// longer than any that is kept, or that can be made out of nothing ([`Self::constant`]).
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let Stamps::Listed(pts) = &self.pts else {
            return None;
        };
        if !self.complete || pts.len() as u64 > MAX_FRAMES {
            return None;
        }
        let mut out = Writer::default();
        out.unsigned(VERSION);
        out.unsigned(u64::from(self.time_base.num()));
        out.unsigned(u64::from(self.time_base.den()));
        out.signed(self.zero_ticks);
        let by_count = self.numbering == Numbering::ByCount;
        out.unsigned(
            u64::from(self.variable_rate) * VARIABLE_RATE + u64::from(by_count) * BY_COUNT,
        );
        out.stamps(pts);
        out.signed(self.end_ticks);
        out.unsigned(self.keyframes.len() as u64);
        let mut before = Keyframe {
            pts: 0,
            dts: 0,
            position: Some(0),
            packet: 0,
        };
        for &key in &self.keyframes {
            out.difference(key.pts, before.pts);
            out.difference(key.packet.cast_signed(), before.packet.cast_signed());
            out.difference(key.pts, key.dts);
            out.unsigned(u64::from(key.position.is_some()));
            if let Some(position) = key.position {
                let last = before.position.unwrap_or(0);
                out.difference(position.cast_signed(), last.cast_signed());
            }
            before = Keyframe {
                position: key.position.or(before.position),
                ..key
            };
        }
        Some(out.bytes)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When it is anything else. Nothing is allocated that the bytes could not stand for.
    pub(in crate::decode) fn from_bytes(bytes: &[u8]) -> Result<Self, IndexBytesError> {
        let mut input = Reader { bytes };
        if input.unsigned()? != VERSION {
            return Err(IndexBytesError);
        }
        let (num, den) = (input.small()?, input.small()?);
        let time_base = TimeBase::new(num, den).ok_or(IndexBytesError)?;
        let zero_ticks = input.signed()?;
        let flags = input.unsigned()?;
        let pts = input.stamps()?;
        let end_ticks = input.signed()?;
        let keyframes = input.keyframes()?;
        let is_sound = input.bytes.is_empty()
            && flags <= VARIABLE_RATE + BY_COUNT
            && pts.last().is_none_or(|&last| last <= end_ticks);
        if !is_sound {
            return Err(IndexBytesError);
        }
        Ok(Self {
            time_base,
            zero_ticks,
            pts: Stamps::Listed(pts),
            end_ticks,
            keyframes,
            numbering: if flags & BY_COUNT == 0 {
                Numbering::ByTimeStamp
            } else {
                Numbering::ByCount
            },
            complete: true,
            variable_rate: flags & VARIABLE_RATE != 0,
            charge: None,
        })
    }

    /// The length of a tick, and the tick that is media time zero.
    pub(in crate::decode) fn origin(&self) -> (TimeBase, i64) {
        (self.time_base, self.zero_ticks)
    }
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn unsigned(&mut self, mut number: u64) {
        while let Some(rest) = Some(number >> 7).filter(|&rest| rest > 0) {
            self.bytes.push(low_bits(number) | 0x80);
            number = rest;
        }
        self.bytes.push(low_bits(number));
    }

    fn signed(&mut self, number: i64) {
        self.unsigned((number << 1 ^ number >> 63).cast_unsigned());
    }

    /// Wraps where the difference is too large for its type; adding it wraps back.
    fn difference(&mut self, number: i64, before: i64) {
        self.signed(number.wrapping_sub(before));
    }

    /// Time stamps, ascending.
    fn stamps(&mut self, pts: &[i64]) {
        self.unsigned(pts.len() as u64);
        let Some(&first) = pts.first() else { return };
        self.signed(first);
        let mut intervals = pts.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
        let mut run = intervals.next().map(|interval| (interval, 1));
        while let Some((interval, count)) = run {
            run = intervals.next().map(|next| (next, 1));
            match &mut run {
                Some((next, longer)) if *next == interval => *longer += count,
                _ => {
                    self.unsigned(interval.cast_unsigned());
                    self.unsigned(count);
                }
            }
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn unsigned(&mut self) -> Result<u64, IndexBytesError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.bytes.split_first().ok_or(IndexBytesError)?;
            self.bytes = rest;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                return Err(IndexBytesError);
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(IndexBytesError)
    }

    fn small(&mut self) -> Result<u32, IndexBytesError> {
        u32::try_from(self.unsigned()?).map_err(|_too_large| IndexBytesError)
    }

    fn signed(&mut self) -> Result<i64, IndexBytesError> {
        let coded = self.unsigned()?;
        Ok((coded >> 1).cast_signed() ^ -((coded & 1).cast_signed()))
    }

    fn stamps(&mut self) -> Result<Vec<i64>, IndexBytesError> {
        let frames = self.unsigned()?;
        if frames > MAX_FRAMES {
            return Err(IndexBytesError);
        }
        let frames = usize::try_from(frames).map_err(|_too_large| IndexBytesError)?;
        let mut pts = Vec::new();
        if frames == 0 {
            return Ok(pts);
        }
        pts.try_reserve_exact(frames)
            .map_err(|_no_memory| IndexBytesError)?;
        let mut last = self.signed()?;
        pts.push(last);
        while pts.len() < frames {
            let (interval, count) = (self.unsigned()?, self.unsigned()?);
            let left = (frames - pts.len()) as u64;
            // Time stamps ascend, so no interval is nothing.
            if interval == 0 || count == 0 || count > left {
                return Err(IndexBytesError);
            }
            for _ in 0..count {
                last = last.checked_add_unsigned(interval).ok_or(IndexBytesError)?;
                pts.push(last);
            }
        }
        Ok(pts)
    }

    fn keyframes(&mut self) -> Result<Vec<Keyframe>, IndexBytesError> {
        /// The fewest bytes that a keyframe takes.
        const LEAST_BYTES: u64 = 4;
        let count = self.unsigned()?;
        if count > self.bytes.len() as u64 / LEAST_BYTES {
            return Err(IndexBytesError);
        }
        let mut keyframes: Vec<Keyframe> = Vec::new();
        let (mut pts, mut packet, mut place) = (0_i64, 0_i64, 0_i64);
        for _ in 0..count {
            pts = pts.wrapping_add(self.signed()?);
            packet = packet.wrapping_add(self.signed()?);
            let dts = pts.wrapping_sub(self.signed()?);
            let position = match self.unsigned()? {
                0 => None,
                1 => {
                    place = place.wrapping_add(self.signed()?);
                    Some(place.cast_unsigned())
                }
                _ => return Err(IndexBytesError),
            };
            if keyframes.last().is_some_and(|before| before.pts > pts) {
                return Err(IndexBytesError);
            }
            keyframes.push(Keyframe {
                pts,
                dts,
                position,
                packet: packet.cast_unsigned(),
            });
        }
        Ok(keyframes)
    }
}

fn low_bits(number: u64) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::index::{IndexBuilder, PacketStamp};
    use crate::time::{FrameIndex, FrameRate};

    fn fields(index: &GopIndex) -> impl PartialEq + std::fmt::Debug + use<> {
        (
            index.origin(),
            index.pts.clone(),
            index.end_ticks,
            index.keyframes.clone(),
            (index.numbering, index.complete, index.variable_rate),
        )
    }

    fn built(stamps: impl IntoIterator<Item = PacketStamp>, zero: i64) -> GopIndex {
        let rate = FrameRate::new(30_000, 1001).unwrap();
        let mut builder = IndexBuilder::new(TimeBase::new(1, 90_000).unwrap(), rate, zero);
        for stamp in stamps {
            builder.push(stamp);
        }
        builder.publish(true)
    }

    /// Packets of a stream with B-frames, in decoding order.
    fn packets(frames: i64) -> impl Iterator<Item = PacketStamp> {
        (0..frames).map(|n| {
            let shown = [n, n + 1, n - 1][usize::try_from(n % 3).unwrap()];
            PacketStamp {
                pts: Some(shown * 3003 + 7),
                dts: Some(n * 3003 - 3003),
                duration: 3003,
                is_key: n % 60 == 0,
                is_discarded: false,
                position: Some(n.unsigned_abs() * 5000 + 48),
            }
        })
    }

    #[test]
    fn a_constant_rate_takes_few_bytes() {
        let index = built(packets(108_000), 7);
        let bytes = index.to_bytes().unwrap();
        // An hour: 1800 keyframes are most of it.
        assert!(bytes.len() < 30_000, "{}", bytes.len());
        let read = GopIndex::from_bytes(&bytes).unwrap();
        assert_eq!(fields(&read), fields(&index));
        assert_eq!(
            read.keyframe_for(FrameIndex(61)),
            index.keyframe_for(FrameIndex(61))
        );
    }

    #[test]
    fn what_is_not_kept_has_no_bytes() {
        let rate = FrameRate::new(25, 1).unwrap();
        assert_eq!(GopIndex::constant(rate, 10).to_bytes(), None);
        let base = TimeBase::new(1, 25).unwrap();
        assert_eq!(
            IndexBuilder::new(base, rate, 0).publish(false).to_bytes(),
            None
        );
        // An empty but complete one says that there are no frames.
        let empty = built([], 3);
        let read = GopIndex::from_bytes(&empty.to_bytes().unwrap()).unwrap();
        assert_eq!(fields(&read), fields(&empty));
    }

    #[test]
    fn any_cut_and_any_addition_is_refused() {
        let bytes = built(packets(200), 7).to_bytes().unwrap();
        for end in 0..bytes.len() {
            assert!(GopIndex::from_bytes(&bytes[..end]).is_err(), "{end}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(GopIndex::from_bytes(&longer).is_err());
    }

    #[test]
    fn a_promise_of_many_frames_costs_nothing() {
        let mut out = Writer::default();
        for number in [VERSION, 1, 25, 0, 0, MAX_FRAMES + 1] {
            out.unsigned(number);
        }
        assert!(GopIndex::from_bytes(&out.bytes).is_err());
    }

    proptest! {
        #[test]
        fn indices_come_back_as_they_were(
            stamps in prop::collection::vec(
                (any::<Option<i32>>(), any::<Option<i32>>(), 0..5000_i64, any::<bool>(),
                 any::<bool>(), any::<Option<u64>>()),
                0..80,
            ),
            zero in any::<i32>(),
        ) {
            let stamps = stamps.into_iter().map(
                |(pts, dts, duration, is_key, is_discarded, position)| PacketStamp {
                    pts: pts.map(i64::from),
                    dts: dts.map(i64::from),
                    duration,
                    is_key,
                    is_discarded,
                    position,
                },
            );
            let index = built(stamps, i64::from(zero));
            let read = GopIndex::from_bytes(&index.to_bytes().unwrap()).unwrap();
            prop_assert_eq!(fields(&read), fields(&index));
        }

        #[test]
        fn numbers_come_back_as_they_were(unsigned in any::<u64>(), signed in any::<i64>()) {
            let mut out = Writer::default();
            out.unsigned(unsigned);
            out.signed(signed);
            let mut input = Reader { bytes: &out.bytes };
            prop_assert_eq!(input.unsigned(), Ok(unsigned));
            prop_assert_eq!(input.signed(), Ok(signed));
            prop_assert!(input.bytes.is_empty());
        }

        #[test]
        fn no_bytes_can_do_harm(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let _any = GopIndex::from_bytes(&bytes);
            let mut near = built(packets(100), 7).to_bytes().unwrap();
            for (place, byte) in changes {
                let place = place.index(near.len());
                near[place] = byte;
            }
            if let Ok(index) = GopIndex::from_bytes(&near) {
                // Whatever it says, it can be asked.
                for frame in [0, 1, index.len() / 2, index.len() - 1, index.len()] {
                    let _time = index.time_of(FrameIndex(frame));
                    let _end = index.end_of(FrameIndex(frame));
                    let _key = index.keyframe_for(FrameIndex(frame));
                }
            }
        }
    }
}

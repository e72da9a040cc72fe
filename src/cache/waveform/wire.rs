//! A complete waveform as bytes.
//!
//! ```text
//!  0  magic and version of the layout        8 bytes
//!  8  samples a second                       4
//! 12  samples in a block                     4
//! 16  blocks                                 4
//! 20  the lowest samples of all blocks, then the highest, then the root mean squares: 2 each
//! ```
//! Numbers are little-endian. What is alike stands together, which packs better.

use std::num::NonZeroU32;

use super::peak::Block;
use super::pyramid::{BLOCK_SAMPLES, MOST_SEGMENTS, SEGMENT_BLOCKS, Segment, State};
use crate::cache::product::{head, split_head};

const MAGIC: [u8; 8] = *b"jwwave\0\x01";

/// Packs a waveform. `None` where segments are missing.
pub(super) fn pack(state: &State) -> Option<Vec<u8>> {
    let segments: Option<Vec<_>> = state.segments.iter().map(Option::as_ref).collect();
    let blocks: Vec<Block> = segments?
        .iter()
        .flat_map(|segment| segment.blocks())
        .copied()
        .collect();
    let block_samples = u32::try_from(BLOCK_SAMPLES).ok()?;
    let count = u32::try_from(blocks.len()).ok()?;
    let mut bytes = head(MAGIC, [state.rate?.get(), block_samples, count]);
    bytes.extend(blocks.iter().flat_map(|block| block.low.to_le_bytes()));
    bytes.extend(blocks.iter().flat_map(|block| block.high.to_le_bytes()));
    bytes.extend(blocks.iter().flat_map(|block| block.rms.to_le_bytes()));
    Some(bytes)
}

/// Reads what [`pack`] wrote. `None` where it is anything else.
pub(super) fn unpack(bytes: &[u8]) -> Option<State> {
    let ([rate, block_samples, count], rest) = split_head(MAGIC, bytes)?;
    let count = usize::try_from(count).ok()?;
    let is_sound = usize::try_from(block_samples) == Ok(BLOCK_SAMPLES)
        && count <= MOST_SEGMENTS * SEGMENT_BLOCKS
        && rest.len() == count * 6;
    if !is_sound {
        return None;
    }
    let (numbers, _) = rest.as_chunks::<2>();
    let (low, numbers) = numbers.split_at_checked(count)?;
    let (high, rms) = numbers.split_at_checked(count)?;
    let blocks: Vec<Block> = low
        .iter()
        .zip(high)
        .zip(rms)
        .map(|((&low, &high), &rms)| Block {
            low: i16::from_le_bytes(low),
            high: i16::from_le_bytes(high),
            rms: u16::from_le_bytes(rms),
        })
        .collect();
    let mut state = State {
        rate: Some(NonZeroU32::new(rate)?),
        segments: Vec::new(),
    };
    for (place, segment) in blocks.chunks(SEGMENT_BLOCKS).enumerate() {
        state.put(place, Segment::new(segment.to_vec()));
    }
    Some(state)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state(blocks: usize) -> State {
        let blocks: Vec<Block> = (0..blocks)
            .map(|n| {
                let n = i16::try_from(n % 9_000).unwrap();
                Block {
                    low: -n,
                    high: n * 3,
                    rms: n.unsigned_abs(),
                }
            })
            .collect();
        let mut state = State {
            rate: NonZeroU32::new(44_100),
            segments: Vec::new(),
        };
        for (place, segment) in blocks.chunks(SEGMENT_BLOCKS).enumerate() {
            state.put(place, Segment::new(segment.to_vec()));
        }
        state
    }

    proptest! {
        #[test]
        fn what_is_packed_is_read(blocks in 0_usize..10_000) {
            let made = state(blocks);
            let read = unpack(&pack(&made).unwrap()).unwrap();
            prop_assert_eq!(read.rate, made.rate);
            prop_assert_eq!(read.segments, made.segments);
        }

        #[test]
        fn damage_is_never_a_panic(
            at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = pack(&state(20)).unwrap();
            let place = at.index(bytes.len());
            bytes[place] = value;
            let _read = unpack(&bytes);
            bytes.truncate(cut.index(bytes.len()));
            prop_assert!(unpack(&bytes).is_none(), "what is cut off is refused");
        }
    }

    #[test]
    fn what_is_incomplete_is_not_packed() {
        let mut made = state(5_000);
        made.segments[0] = None;
        assert!(pack(&made).is_none());
        made = state(5);
        made.rate = None;
        assert!(pack(&made).is_none());
    }
}

//! How much memory the player may use.

use std::path::Path;

use super::pressure::{kib_of, limited_group, number_in, read};
use super::{Ledger, MemoryClass};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What code, heap, threads and drivers take, beside all that is counted piece by piece: measured with
/// a 4K clip in a window on a software driver, rounded up.
const PROGRAM_BYTES: u64 = 96 * MIB;

/// Kept from the frames for the program, textures, sound and thumbnails, at least.
const LEAST_RESERVE_BYTES: u64 = 192 * MIB;

/// What a strip of thumbnails may take whatever textures take: all of its pictures fit. A sixteenth of a small
/// budget.
const THUMBNAIL_BYTES: u64 = 32 * MIB;

/// What sound may take whatever textures take: the ring of the fastest and widest device (6.2 MB), and a reader.
const AUDIO_BYTES: u64 = 9 * MIB;

/// The one budget, in bytes, and how it is divided:
///
/// ```text
/// total = frames + program (96 MiB) + thumbnails (32 MiB) + sound (9 MiB) + textures, effects, indices
/// ```
///
/// Without caches the frames are half of it. With them they are all but a reserve of an eighth, and of
/// 192 MiB at least; a budget too small for that is halved as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryBudget {
    /// Everything together.
    pub total_bytes: u64,
}

impl MemoryBudget {
    /// The least budget with which a 4K clip can still be played.
    pub const MIN_BYTES: u64 = 256 * MIB;

    /// A budget stated by the person, no less than [`Self::MIN_BYTES`].
    pub fn stated(bytes: u64) -> Self {
        Self {
            total_bytes: bytes.max(Self::MIN_BYTES),
        }
    }

    /// A quarter of the memory that this process may use (the machine's, or its cgroup's limit where
    /// that is less), at most 2 GiB on a machine of 8 GiB or less and 8 GiB elsewhere.
    pub fn for_this_machine() -> Self {
        Self::for_memory(usable_bytes())
    }

    fn for_memory(usable_bytes: u64) -> Self {
        let ceiling = if usable_bytes <= 8 * GIB {
            2 * GIB
        } else {
            8 * GIB
        };
        Self::stated((usable_bytes / 4).min(ceiling))
    }

    /// What decoded frames may take where none are kept: half, for textures, sound and the program itself
    /// need room, too.
    pub fn frame_bytes(self) -> u64 {
        self.total_bytes / 2
    }

    /// What decoded frames may take where those that were shown are kept.
    pub fn cached_frame_bytes(self) -> u64 {
        let reserve = (self.total_bytes / 8).max(LEAST_RESERVE_BYTES);
        let rest = self.total_bytes.saturating_sub(reserve);
        rest.max(self.frame_bytes())
    }

    fn thumbnail_bytes(self) -> u64 {
        THUMBNAIL_BYTES.min(self.total_bytes / 16)
    }

    /// The ledger of this budget, with `frame_bytes` of it set aside for decoded frames, and their own shares for
    /// the program and for thumbnails.
    pub fn ledger(self, frame_bytes: u64) -> Ledger {
        let set_aside = [
            (MemoryClass::Frames, frame_bytes),
            (MemoryClass::Program, PROGRAM_BYTES),
            (MemoryClass::Thumbnails, self.thumbnail_bytes()),
            (MemoryClass::Audio, AUDIO_BYTES),
        ];
        Ledger::with_set_aside(self.total_bytes, &set_aside)
    }
}

/// Memory of the machine, or the least limit of a cgroup around this process, whichever is less.
fn usable_bytes() -> u64 {
    let machine = kib_of(&read("/proc/meminfo"), "MemTotal:").unwrap_or(8 * GIB);
    let group = limited_group(Path::new("/sys/fs/cgroup"));
    let limit = group.and_then(|group| number_in(&group, "memory.max"));
    limit.map_or(machine, |limit| limit.min(machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_a_quarter_within_bounds() {
        assert_eq!(MemoryBudget::for_memory(4 * GIB).total_bytes, GIB);
        assert_eq!(MemoryBudget::for_memory(8 * GIB).total_bytes, 2 * GIB);
        assert_eq!(MemoryBudget::for_memory(256 * GIB).total_bytes, 8 * GIB);
        assert_eq!(
            MemoryBudget::for_memory(100 * MIB).total_bytes,
            MemoryBudget::MIN_BYTES
        );
        assert!(MemoryBudget::for_this_machine().total_bytes >= MemoryBudget::MIN_BYTES);
    }

    #[test]
    fn frames_leave_room_for_the_rest() {
        for (total, frames) in [
            (256 * MIB, 128 * MIB),
            (512 * MIB, 320 * MIB),
            (2 * GIB, 2 * GIB - 256 * MIB),
            (4 * GIB, 4 * GIB - 512 * MIB),
        ] {
            let budget = MemoryBudget::stated(total);
            assert_eq!(budget.cached_frame_bytes(), frames);
            let ledger = budget.ledger(frames);
            let rest =
                total - frames - PROGRAM_BYTES - THUMBNAIL_BYTES.min(total / 16) - AUDIO_BYTES;
            assert_eq!(ledger.room(MemoryClass::Textures), rest);
            assert_eq!(ledger.room(MemoryClass::Frames), frames + rest);
        }
    }
}

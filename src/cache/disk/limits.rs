//! How much the cache may take.

use std::time::Duration;

use super::folder::Room;

/// How much the cache may take, and how much it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskLimits {
    /// Bytes of all items together, unless a limit was stated for the folder
    /// ([`DiskCache::set_limit`](super::DiskCache::set_limit)).
    pub limit_bytes: u64,
    /// Nothing is written when less than this would be free, and less than `free_percent`, too. The
    /// less strict of both holds: a twentieth of a small disk is enough to leave, and so are five
    /// gibibytes of a large one.
    pub free_bytes: u64,
    /// See `free_bytes`.
    pub free_percent: u64,
    /// How long the database may be held by another process before an item is not kept.
    pub patience: Duration,
}

impl Default for DiskLimits {
    fn default() -> Self {
        Self {
            limit_bytes: 10 << 30,
            free_bytes: 5 << 30,
            free_percent: 5,
            patience: Duration::from_secs(2),
        }
    }
}

/// What a limit comes down to, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thresholds {
    /// Above this, items go.
    pub(super) ceiling: u64,
    /// Until no more than this is left.
    pub(super) floor: u64,
    /// A single item that is larger would push out too much else.
    pub(super) item: u64,
}

impl Thresholds {
    pub(super) fn of_limit(limit_bytes: u64) -> Self {
        let percent = |part: u64| {
            let bytes = u128::from(limit_bytes) * u128::from(part) / 100;
            u64::try_from(bytes).unwrap_or(u64::MAX)
        };
        Self {
            ceiling: percent(95),
            floor: percent(85),
            item: limit_bytes / 8,
        }
    }
}

impl DiskLimits {
    /// Whether `bytes` more may be written to a file system.
    pub(super) fn leaves_room(&self, room: Room, bytes: u64) -> bool {
        self.min_free(room) <= room.free_bytes.saturating_sub(bytes)
    }

    /// What must stay free.
    pub(super) fn min_free(&self, room: Room) -> u64 {
        let part = u128::from(room.total_bytes) * u128::from(self.free_percent) / 100;
        u64::try_from(part).unwrap_or(u64::MAX).min(self.free_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_trimmed_from_95_to_85_percent() {
        let usual = Thresholds::of_limit(10_000_000_000);
        assert_eq!(usual.ceiling, 9_500_000_000);
        assert_eq!(usual.floor, 8_500_000_000);
        // An item always fits below the floor.
        for limit in [0, 1, 7, 1000, u64::MAX] {
            let thresholds = Thresholds::of_limit(limit);
            assert!(thresholds.floor <= thresholds.ceiling);
            assert!(thresholds.item <= thresholds.floor);
        }
    }

    #[test]
    fn the_less_strict_reserve_holds() {
        let limits = DiskLimits::default();
        let room = |free_bytes, total_bytes| Room {
            free_bytes,
            total_bytes,
        };
        let small = 20_000_000_000;
        assert!(limits.leaves_room(room(1_000_000_100, small), 100));
        assert!(!limits.leaves_room(room(1_000_000_100, small), 101));
        let large = 4_000_000_000_000;
        assert!(limits.leaves_room(room(5 << 30, large), 0));
        assert!(!limits.leaves_room(room((5 << 30) - 1, large), 0));
        assert!(!limits.leaves_room(room(0, small), 1));
    }
}

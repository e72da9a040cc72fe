//! How much memory the player may use.

use std::path::Path;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The one budget, in bytes, and how it is divided.
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

    /// What decoded frames may take: half, for textures, sound and the program itself need room, too.
    pub fn frame_bytes(self) -> u64 {
        self.total_bytes / 2
    }
}

/// Memory of the machine, or the limit of the innermost cgroup that states one, whichever is less.
fn usable_bytes() -> u64 {
    let machine = read_kib("/proc/meminfo", "MemTotal:").unwrap_or(8 * GIB);
    cgroup_limit(Path::new("/sys/fs/cgroup")).map_or(machine, |limit| limit.min(machine))
}

fn read_kib(path: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace()
        .next()?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

fn cgroup_limit(root: &Path) -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mut folder = root.join(group.trim_start_matches('/'));
    let mut least: Option<u64> = None;
    // A parent's limit binds its children as well.
    loop {
        let limit = std::fs::read_to_string(folder.join("memory.max"))
            .ok()
            .and_then(|text| text.trim().parse::<u64>().ok());
        least = match (least, limit) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if folder == root || !folder.pop() {
            return least;
        }
    }
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
}

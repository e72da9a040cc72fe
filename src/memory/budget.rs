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
        Self { total_bytes: bytes.max(Self::MIN_BYTES) }
    }

    /// A quarter of the memory that this process may use (the machine's, or its cgroup's limit where
    /// that is less), at most 2 GiB on a machine of 8 GiB or less and 8 GiB elsewhere.
    pub fn for_this_machine() -> Self {
        Self::for_memory(usable_bytes())
    }

    fn for_memory(usable_bytes: u64) -> Self {
        let ceiling = if usable_bytes <= 8 * GIB { 2 * GIB } else { 8 * GIB };
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
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
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

/// Reads a size such as `2G`, `512M`, `1.5G` or a plain number of bytes; powers of 1024.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit.trim().to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
        "" => 1,
        "k" => 1 << 10,
        "m" => MIB,
        "g" => GIB,
        "t" => 1 << 40,
        _ => return Err(format!("`{text}` has an unknown unit. Write a size as 512M or 2G.")),
    };
    let wrong = || format!("`{text}` is not a size. Write it as 512M or 2G.");
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok().ok_or_else(wrong)?;
    if fraction.len() > 6 {
        return Err(wrong());
    }
    let denominator = 10u64.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let fraction: u64 = if fraction.is_empty() { 0 } else { fraction.parse().ok().ok_or_else(wrong)? };
    whole
        .checked_mul(unit)
        .and_then(|bytes| bytes.checked_add(fraction.checked_mul(unit)? / denominator))
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(parse_bytes("2G"), Ok(2 << 30));
        assert_eq!(parse_bytes("1.5G"), Ok(3 << 29));
        assert_eq!(parse_bytes("512 MiB"), Ok(512 << 20));
        assert_eq!(parse_bytes("1000"), Ok(1000));
        for bad in ["", "G", "-1", "1.2.3", "5X", "99999999999T", "1e9"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_default_is_a_quarter_within_bounds() {
        assert_eq!(MemoryBudget::for_memory(4 * GIB).total_bytes, GIB);
        assert_eq!(MemoryBudget::for_memory(8 * GIB).total_bytes, 2 * GIB);
        assert_eq!(MemoryBudget::for_memory(256 * GIB).total_bytes, 8 * GIB);
        assert_eq!(MemoryBudget::for_memory(100 * MIB).total_bytes, MemoryBudget::MIN_BYTES);
        assert!(MemoryBudget::for_this_machine().total_bytes >= MemoryBudget::MIN_BYTES);
    }
}

//! How short memory is: in the budget, in the cgroup, on the machine.

use std::path::{Path, PathBuf};

/// How short memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Pressure {
    /// There is room.
    #[default]
    Normal,
    /// It gets tight: what is cheap to make again goes.
    Elevated,
    /// It is tight: what nobody looks at goes.
    High,
    /// The process may be killed: all goes that is not on screen.
    Critical,
}

impl Pressure {
    /// All levels, the least first.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Elevated, Self::High, Self::Critical];

    /// What it is called in reports and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Elevated => "elevated",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The level by its place in [`Self::ALL`]; the last one beyond.
    pub(super) fn from_place(place: u8) -> Self {
        let place = usize::from(place);
        Self::ALL.get(place).copied().unwrap_or(Self::Critical)
    }
}

/// What there is, and how much of it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Bytes in use that cannot be taken back without asking.
    pub used_bytes: u64,
    /// Bytes there are.
    pub limit_bytes: u64,
}

impl Share {
    /// Bytes in use beyond `percent` of what there is.
    fn beyond(self, percent: u64) -> u64 {
        let allowed = u128::from(self.limit_bytes) * u128::from(percent) / 100;
        let allowed = u64::try_from(allowed).unwrap_or(u64::MAX);
        self.used_bytes.saturating_sub(allowed)
    }
}

/// How memory stands at one moment. What cannot be read is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Readings {
    /// What the process itself holds (not what it has mapped of files), beside its budget.
    pub process: Option<Share>,
    /// The innermost cgroup that is limited, files that the kernel may drop left out.
    pub cgroup: Option<Share>,
    /// The machine.
    pub system: Option<Share>,
}

/// Where readings come from: the system, or a test's script.
pub trait MemoryProbe: Send + Sync {
    /// Reads, for a process whose budget is `budget_bytes`.
    fn read(&self, budget_bytes: u64) -> Readings;
}

/// From which percentage on a level holds. The budget is this program's own promise, and it counts all
/// that it charges before allocating, so that it may be used to its end; a cgroup's limit kills.
struct Marks {
    elevated: u64,
    high: u64,
    critical: u64,
}

const BUDGET: Marks = Marks {
    elevated: 97,
    high: 100,
    critical: 110,
};
const CGROUP: Marks = Marks {
    elevated: 85,
    high: 92,
    critical: 97,
};
const SYSTEM: Marks = Marks {
    elevated: 90,
    high: 95,
    critical: 98,
};

impl Marks {
    fn level(&self, share: Share) -> Pressure {
        if share.beyond(self.critical) > 0 {
            Pressure::Critical
        } else if share.beyond(self.high) > 0 {
            Pressure::High
        } else if share.beyond(self.elevated) > 0 {
            Pressure::Elevated
        } else {
            Pressure::Normal
        }
    }
}

impl Readings {
    fn judged(&self) -> impl Iterator<Item = (Share, &'static Marks)> {
        let all = [
            (self.process, &BUDGET),
            (self.cgroup, &CGROUP),
            (self.system, &SYSTEM),
        ];
        all.into_iter()
            .filter_map(|(share, marks)| share.map(|share| (share, marks)))
    }

    /// The highest level of all.
    pub fn pressure(&self) -> Pressure {
        self.judged()
            .map(|(share, marks)| marks.level(share))
            .max()
            .unwrap_or_default()
    }

    /// Bytes to be given back for the pressure to be normal.
    pub fn excess_bytes(&self) -> u64 {
        self.judged()
            .map(|(share, marks)| share.beyond(marks.elevated))
            .max()
            .unwrap_or(0)
    }
}

/// Reads `/proc` and the cgroup file system.
#[derive(Debug)]
pub struct SystemProbe {
    /// The folder of the innermost cgroup with a limit, looked for once: limits of running processes
    /// change rarely, and a group that is gone reads as none.
    cgroup: Option<PathBuf>,
}

impl SystemProbe {
    /// Looks for the cgroup.
    pub fn new() -> Self {
        Self {
            cgroup: limited_group(Path::new("/sys/fs/cgroup")),
        }
    }
}

impl Default for SystemProbe {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryProbe for SystemProbe {
    fn read(&self, budget_bytes: u64) -> Readings {
        let status = read("/proc/self/status");
        let machine = read("/proc/meminfo");
        let own = kib_of(&status, "RssAnon:").zip(kib_of(&status, "RssShmem:"));
        let there = kib_of(&machine, "MemTotal:").zip(kib_of(&machine, "MemAvailable:"));
        Readings {
            process: own.map(|(anonymous, shared)| Share {
                used_bytes: anonymous + shared,
                limit_bytes: budget_bytes,
            }),
            cgroup: self.cgroup.as_deref().and_then(share_of_group),
            system: there.map(|(total, available)| Share {
                used_bytes: total.saturating_sub(available),
                limit_bytes: total,
            }),
        }
    }
}

pub(super) fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The number behind `key` in a file of lines like `MemTotal:  1024 kB`, in bytes.
pub(super) fn kib_of(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kib = line.split_whitespace().next()?.parse::<u64>().ok()?;
    Some(kib * 1024)
}

/// The folder of the group with the least limit: it is the one that kills.
pub(super) fn limited_group(root: &Path) -> Option<PathBuf> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mut folder = root.join(group.trim_start_matches('/'));
    let mut least: Option<(u64, PathBuf)> = None;
    loop {
        if let Some(limit) = number_in(&folder, "memory.max")
            && least.as_ref().is_none_or(|(least, _)| limit < *least)
        {
            least = Some((limit, folder.clone()));
        }
        if folder == root || !folder.pop() {
            return least.map(|(_, folder)| folder);
        }
    }
}

pub(super) fn number_in(folder: &Path, name: &str) -> Option<u64> {
    read(folder.join(name)).trim().parse().ok()
}

fn share_of_group(folder: &Path) -> Option<Share> {
    let limit_bytes = number_in(folder, "memory.max")?;
    let current = number_in(folder, "memory.current")?;
    // Pages of files that were read once are dropped by the kernel itself before it kills.
    let droppable = read(folder.join("memory.stat"))
        .lines()
        .find_map(|line| line.strip_prefix("inactive_file "))
        .and_then(|number| number.trim().parse::<u64>().ok())
        .unwrap_or(0);
    Some(Share {
        used_bytes: current.saturating_sub(droppable),
        limit_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn share(used_bytes: u64, limit_bytes: u64) -> Share {
        Share {
            used_bytes,
            limit_bytes,
        }
    }

    #[test]
    fn the_worst_of_the_three_counts() {
        let readings = |process, cgroup, system| Readings {
            process: Some(share(process, 1000)),
            cgroup: Some(share(cgroup, 1000)),
            system: Some(share(system, 1000)),
        };
        for (readings, pressure, excess) in [
            (readings(500, 500, 500), Pressure::Normal, 0),
            (readings(980, 500, 500), Pressure::Elevated, 10),
            (readings(990, 930, 500), Pressure::High, 80),
            (readings(1200, 100, 100), Pressure::Critical, 230),
            (readings(100, 100, 990), Pressure::Critical, 90),
            (Readings::default(), Pressure::Normal, 0),
        ] {
            assert_eq!(
                (readings.pressure(), readings.excess_bytes()),
                (pressure, excess)
            );
        }
    }

    #[test]
    fn a_group_is_read_without_the_files_that_the_kernel_may_drop() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("memory.max", "4000\n");
        write("memory.current", "3000\n");
        write("memory.stat", "anon 1000\ninactive_file 1500\n");
        assert_eq!(share_of_group(folder.path()), Some(share(1500, 4000)));
        write("memory.max", "max\n");
        assert_eq!(share_of_group(folder.path()), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_can_be_read() {
        let readings = SystemProbe::new().read(1 << 40);
        assert!(readings.process.is_some_and(|share| share.used_bytes > 0));
        assert!(
            readings
                .system
                .is_some_and(|share| share.used_bytes < share.limit_bytes)
        );
    }
}

//! What the machine does, in figures for people to read.

use std::path::{Path, PathBuf};

use sysinfo::{
    CpuRefreshKind, DiskRefreshKind, Disks, MemoryRefreshKind, Pid, ProcessRefreshKind,
    ProcessesToUpdate, RefreshKind, System,
};

use super::load::{LoadProbe, MachineProbe};
use crate::time::Moment;

/// A reading of the machine. What it does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readings {
    /// Share of all processors that is taken, from 0 to 1, and by this program.
    pub cpu: Option<f32>,
    /// The share that this program takes.
    pub own_cpu: Option<f32>,
    /// Logical processors.
    pub cores: usize,
    /// Bytes of memory in use, and how many there are.
    pub memory: Option<(u64, u64)>,
    /// Bytes of it that this program holds.
    pub own_memory: Option<u64>,
    /// Share of the busiest GPU that is taken, from 0 to 1.
    pub gpu: Option<f32>,
    /// Share of time in which somebody waited for a disk, from 0 to 1.
    pub disk_wait: Option<f32>,
    /// Bytes a second that all disks read and wrote since the reading before.
    pub disk_rates: Option<(u64, u64)>,
    /// The file system that what is open lies on: where it is mounted, bytes left and bytes in all.
    pub disk_room: Option<(PathBuf, u64, u64)>,
}

/// Reads the machine. Keeps what it needs to tell rates, so one is made and asked again and again.
pub struct MachineReader {
    system: System,
    disks: Disks,
    probe: MachineProbe,
    own: Option<Pid>,
    read_at: Option<Moment>,
}

impl MachineReader {
    /// A reader of this machine; `None` where the system is not one that can be read.
    pub fn new() -> Option<Self> {
        let parts = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_usage())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        Some(Self {
            system: System::new_with_specifics(parts).ok()?,
            disks: Disks::new_with_refreshed_list().ok()?,
            probe: MachineProbe::new(),
            own: sysinfo::get_current_pid().ok(),
            read_at: None,
        })
    }

    /// Reads everything at `now`. `media` is a file or folder whose disk is of interest. Rates are those since
    /// the call before.
    pub fn read(&mut self, now: Moment, media: Option<&Path>) -> Readings {
        let elapsed = self.read_at.replace(now).map(|before| now.since(before));
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        let own = self.own;
        if let Some(own) = own {
            let kind = ProcessRefreshKind::nothing().with_cpu().with_memory();
            let only = [own];
            self.system
                .refresh_processes_specifics(ProcessesToUpdate::Some(&only), false, kind);
        }
        self.disks
            .refresh_specifics(true, DiskRefreshKind::everything());
        let load = self.probe.read();
        let cores = self.system.cpus().len();
        let process = own.and_then(|own| self.system.process(own));
        // What has no reading before has no share yet.
        let has_share = elapsed.is_some() && cores > 0;
        let total = self.system.total_memory();
        Readings {
            cpu: has_share.then(|| (self.system.global_cpu_usage() / 100.0).clamp(0.0, 1.0)),
            own_cpu: process
                .filter(|_| has_share)
                .map(|process| (process.cpu_usage() / 100.0 / cores as f32).clamp(0.0, 1.0)),
            cores,
            memory: (total > 0).then(|| (self.system.used_memory(), total)),
            own_memory: process.map(sysinfo::Process::memory),
            gpu: load.gpu.map(share),
            disk_wait: load.disk.map(share),
            disk_rates: elapsed.map(|elapsed| self.rates(elapsed.as_nanos())),
            disk_room: media.and_then(|path| self.room(path)),
        }
    }

    fn rates(&self, nanos: u128) -> (u64, u64) {
        let a_second = |bytes: u64| {
            let rate = u128::from(bytes) * 1_000_000_000 / nanos.max(1);
            u64::try_from(rate).unwrap_or(u64::MAX)
        };
        let mut seen = Vec::new();
        let mut sums = (0, 0);
        for disk in &self.disks {
            // One device may be mounted in several places.
            if seen.contains(&disk.name()) {
                continue;
            }
            seen.push(disk.name());
            let usage = disk.usage();
            sums.0 += usage.read_bytes;
            sums.1 += usage.written_bytes;
        }
        (a_second(sums.0), a_second(sums.1))
    }

    fn room(&self, path: &Path) -> Option<(PathBuf, u64, u64)> {
        let path = path.canonicalize().ok()?;
        let holding = self
            .disks
            .iter()
            .filter(|disk| path.starts_with(disk.mount_point()));
        let disk = holding.max_by_key(|disk| disk.mount_point().as_os_str().len())?;
        Some((
            disk.mount_point().to_owned(),
            disk.available_space(),
            disk.total_space(),
        ))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "for people to read")]
fn share(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_tells_of_itself() {
        let mut reader = MachineReader::new().unwrap();
        let first = reader.read(Moment::from_nanos(1), Some(Path::new("/")));
        assert_eq!(first.cpu, None, "a share needs two readings");
        let second = reader.read(Moment::from_nanos(1_000_000_001), Some(Path::new("/")));
        assert!(second.cores > 0);
        let cpu = second.cpu.unwrap();
        assert!((0.0..=1.0).contains(&cpu), "{cpu}");
        let (used, total) = second.memory.unwrap();
        assert!(used > 0 && used <= total);
        let own = second.own_memory.unwrap();
        assert!(own > 0 && own < total);
        let (mount, left, all) = second.disk_room.unwrap();
        assert!(mount.is_absolute() && left <= all && all > 0);
    }
}

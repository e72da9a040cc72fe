//! How busy the machine is, as far as it tells.

use std::path::PathBuf;

use nvml_wrapper::Nvml;

use crate::memory::{MemoryProbe, Share, SystemProbe};

/// How much of each part of the machine is taken, from 0 to 1. What cannot be read is `None`, and counts as
/// free: a machine that tells nothing must not keep work from being done for ever.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// Processor time that work of usual priority takes. What stands back, as background jobs do themselves, is
    /// not in it: else they would be held by their own work.
    pub cpu: Option<f64>,
    /// Memory of the machine, or of the cgroup where that is fuller.
    pub memory: Option<f64>,
    /// The busiest GPU.
    pub gpu: Option<f64>,
    /// Time in which somebody waited for a disk.
    pub disk: Option<f64>,
}

/// Where readings come from: the machine, or a test's script.
pub trait LoadProbe: Send {
    /// Reads how busy the machine was since the last reading.
    fn read(&mut self) -> Load;
}

/// Reads `/proc`, `/sys`, the cgroup file system, and NVIDIA's library where its driver is installed.
#[derive(Debug)]
pub struct MachineProbe {
    root: PathBuf,
    nvidia: Option<Nvml>,
    memory: SystemProbe,
    /// What `/proc/stat` said the last time.
    before: Option<CpuTimes>,
}

impl MachineProbe {
    /// A probe of this machine.
    pub fn new() -> Self {
        Self {
            root: PathBuf::from("/"),
            nvidia: Nvml::init()
                .inspect_err(|error| tracing::debug!("NVIDIA's load is not read: {error}"))
                .ok(),
            memory: SystemProbe::new(),
            before: None,
        }
    }

    fn text(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.root.join(path)).ok()
    }

    fn cpu(&mut self) -> Option<f64> {
        let now = CpuTimes::from_stat(&self.text("proc/stat")?)?;
        let before = self.before.replace(now)?;
        now.busy_since(before)
    }

    fn gpu(&self) -> Option<f64> {
        let cards = std::fs::read_dir(self.root.join("sys/class/drm")).ok();
        let percents = cards.into_iter().flatten().flatten().filter_map(|card| {
            let text = std::fs::read_to_string(card.path().join("device/gpu_busy_percent")).ok()?;
            text.trim().parse::<u32>().ok()
        });
        let busiest = percents.chain(self.nvidia_percents()).max();
        busiest.map(|percent| f64::from(percent) / 100.0)
    }

    /// Cards whose driver tells nothing in `/sys`.
    fn nvidia_percents(&self) -> impl Iterator<Item = u32> {
        let count = |nvidia: &Nvml| nvidia.device_count().unwrap_or(0);
        let cards = 0..self.nvidia.as_ref().map_or(0, count);
        cards.filter_map(|card| {
            let card = self.nvidia.as_ref()?.device_by_index(card).ok()?;
            Some(card.utilization_rates().ok()?.gpu)
        })
    }
}

impl Default for MachineProbe {
    fn default() -> Self {
        Self::new()
    }
}

impl LoadProbe for MachineProbe {
    fn read(&mut self) -> Load {
        let readings = self.memory.read(u64::MAX);
        let shares = [readings.cgroup, readings.system].into_iter().flatten();
        Load {
            cpu: self.cpu(),
            memory: shares.map(taken).reduce(f64::max),
            gpu: self.gpu(),
            disk: self
                .text("proc/pressure/io")
                .as_deref()
                .and_then(share_waited),
        }
    }
}

fn taken(share: Share) -> f64 {
    share.used_bytes as f64 / share.limit_bytes.max(1) as f64
}

/// Time of all processors since the machine began, in the kernel's ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CpuTimes {
    busy: u64,
    all: u64,
}

impl CpuTimes {
    /// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal (proc(5)).
    fn from_stat(text: &str) -> Option<Self> {
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        let times: Vec<u64> = line
            .split_whitespace()
            .take(8)
            .map_while(|time| time.parse().ok())
            .collect();
        let [user, nice, system, idle, waiting, rest @ ..] = times.as_slice() else {
            return None;
        };
        let busy = user + system + rest.iter().sum::<u64>();
        Some(Self {
            busy,
            all: busy + nice + idle + waiting,
        })
    }

    /// The part of the time since then that was busy; `None` where no time has passed.
    fn busy_since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|&all| all > 0)?;
        let busy = self.busy.saturating_sub(before.busy);
        Some((busy as f64 / all as f64).min(1.0))
    }
}

/// The part of the last ten seconds in which somebody waited, from a file of `/proc/pressure`.
fn share_waited(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let average = line
        .split_whitespace()
        .find_map(|item| item.strip_prefix("avg10="))?;
    let percent: f64 = average.parse().ok()?;
    percent.is_finite().then_some(percent / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_stands_back_does_not_count_as_busy() {
        let before = CpuTimes::from_stat("cpu  100 50 100 700 50 0 0 0 0 0\ncpu0 1 2\n").unwrap();
        // A hundred ticks more: 30 of them user, 20 system, 40 nice, 10 idle.
        let after = CpuTimes::from_stat("cpu  130 90 120 710 50 0 0 0 0 0\n").unwrap();
        assert_eq!(after.busy_since(before), Some(0.5));
        assert_eq!(after.busy_since(after), None);
        for damaged in ["", "cpu", "cpu  1 2 x", "intr 1 2 3 4 5"] {
            assert_eq!(CpuTimes::from_stat(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn waiting_for_a_disk_is_read_as_a_share() {
        let text = "some avg10=12.50 avg60=1.00 avg300=0.00 total=5\nfull avg10=99.00\n";
        assert_eq!(share_waited(text), Some(0.125));
        for damaged in ["", "some", "some avg10=x", "full avg10=1.00"] {
            assert_eq!(share_waited(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut probe = MachineProbe {
            root: folder.path().to_owned(),
            nvidia: None,
            ..MachineProbe::new()
        };
        let load = probe.read();
        assert_eq!((load.cpu, load.gpu, load.disk), (None, None, None));
        let card = folder.path().join("sys/class/drm/card0/device");
        std::fs::create_dir_all(&card).unwrap();
        std::fs::write(card.join("gpu_busy_percent"), "75\n").unwrap();
        assert_eq!(probe.read().gpu, Some(0.75));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_can_be_read() {
        let mut probe = MachineProbe::new();
        let load = probe.read();
        assert_eq!(load.cpu, None, "a share needs two readings");
        assert!(load.memory.is_some_and(|share| share > 0.0 && share < 1.5));
    }
}

//! Whether the machine runs from its battery.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

/// How often a [`PowerWatch`] looks. Some batteries take milliseconds to answer.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Where Linux tells of power supplies (`Documentation/ABI/testing/sysfs-class-power`).
const SUPPLIES: &str = "/sys/class/power_supply";

/// Tells where the machine's power comes from.
pub trait PowerProbe: Send {
    /// Whether it comes from a battery; `false` where that is not known.
    fn is_on_battery(&self) -> bool;
}

/// The [`PowerProbe`] of Linux. Elsewhere it finds no batteries.
#[derive(Debug, Clone)]
pub struct SystemPower(PathBuf);

impl Default for SystemPower {
    fn default() -> Self {
        Self::in_folder(SUPPLIES)
    }
}

impl SystemPower {
    /// One that reads the supplies described in this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }
}

impl PowerProbe for SystemPower {
    /// A battery of the machine discharges, and no adapter is connected. Batteries of mice and keyboards have the
    /// scope `Device` and do not count.
    fn is_on_battery(&self) -> bool {
        let Ok(supplies) = fs::read_dir(&self.0) else {
            return false;
        };
        let mut discharges = false;
        for supply in supplies.flatten() {
            let says = |name: &str| said(&supply.path(), name);
            match says("type").as_str() {
                "Battery" if says("scope") != "Device" => {
                    discharges |= says("status") == "Discharging";
                }
                "Mains" | "USB" | "Wireless" if says("online") == "1" => return false,
                _ => {}
            }
        }
        discharges
    }
}

/// What the file `name` says of a supply; nothing where there is none.
fn said(supply: &Path, name: &str) -> String {
    let text = fs::read_to_string(supply.join(name)).unwrap_or_default();
    text.trim().to_owned()
}

/// Whether the machine runs from its battery, as it was found last. Clones read one gauge.
#[derive(Debug, Clone, Default)]
pub struct PowerGauge(Arc<AtomicBool>);

impl PowerGauge {
    /// Whether it does.
    pub fn is_saving(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Says whether it does.
    pub fn set(&self, is_saving: bool) {
        self.0.store(is_saving, Ordering::Relaxed);
    }
}

/// A thread, `power`, that looks after a gauge as long as this lives.
#[derive(Debug)]
pub struct PowerWatch {
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl PowerWatch {
    /// Looks once, and starts the thread.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(gauge: PowerGauge, probe: Box<dyn PowerProbe>) -> io::Result<Self> {
        let (alive, ended) = bounded::<()>(0);
        let body = move || {
            loop {
                gauge.set(probe.is_on_battery());
                if ended.recv_timeout(LOOK_EVERY) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("power".to_owned())
            .spawn(body)?;
        Ok(Self {
            alive: Some(alive),
            thread: Some(thread),
        })
    }
}

impl Drop for PowerWatch {
    fn drop(&mut self) {
        // A closed channel is the order to end.
        self.alive = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread `power` panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder as Linux shows it, of supplies with what their files say.
    fn supplies(supplies: &[(&str, &[(&str, &str)])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, files) in supplies {
            let supply = folder.path().join(name);
            fs::create_dir(&supply).unwrap();
            for (file, text) in *files {
                fs::write(supply.join(file), format!("{text}\n")).unwrap();
            }
        }
        folder
    }

    fn is_on_battery(list: &[(&str, &[(&str, &str)])]) -> bool {
        let folder = supplies(list);
        SystemPower::in_folder(folder.path()).is_on_battery()
    }

    #[test]
    fn a_battery_that_discharges_is_where_power_comes_from() {
        let adapter = |online| [("type", "Mains"), ("online", online)];
        let battery = |status| [("type", "Battery"), ("status", status)];
        let of = |online: &'static str, status: &'static str| {
            is_on_battery(&[("AC", &adapter(online)), ("BAT0", &battery(status))])
        };
        assert!(of("0", "Discharging"));
        assert!(!of("1", "Charging"));
        assert!(!of("0", "Full"));
        assert!(
            !of("1", "Discharging"),
            "the adapter is too weak, but there"
        );
        assert!(is_on_battery(&[("BAT1", &battery("Discharging"))]));
        let mouse = [
            ("type", "Battery"),
            ("scope", "Device"),
            ("status", "Discharging"),
        ];
        assert!(!is_on_battery(&[("hid-battery", &mouse)]));
        assert!(!is_on_battery(&[]));
        assert!(!SystemPower::in_folder("/nowhere/at/all").is_on_battery());
    }

    #[test]
    fn the_watch_ends_when_told() {
        let gauge = PowerGauge::default();
        let folder = supplies(&[("BAT0", &[("type", "Battery"), ("status", "Discharging")])]);
        let probe = Box::new(SystemPower::in_folder(folder.path()));
        drop(PowerWatch::start(gauge.clone(), probe).unwrap());
        assert!(gauge.is_saving(), "it looks before it waits");
    }
}

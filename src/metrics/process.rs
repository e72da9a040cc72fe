//! What the process takes from the machine: memory, processor time, threads, open files.

use std::time::Duration;

use crate::time::Moment;

/// The process at one moment. A number that the operating system does not tell is `None`; only
/// Linux is asked so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessSample {
    /// Resident memory.
    pub rss_bytes: Option<u64>,
    /// The most resident memory there ever was, as the kernel saw it between samples too.
    pub rss_peak_bytes: Option<u64>,
    /// Processor time of all threads since the process began.
    pub cpu_nanos: Option<u64>,
    /// Threads that exist.
    pub threads: Option<u64>,
    /// Files, sockets and devices that are open.
    pub open_files: Option<u64>,
}

impl ProcessSample {
    /// Asks the operating system. It takes some 40 µs: do it once a second, not once a frame.
    pub fn take() -> Self {
        sample()
    }
}

/// Samples of the process over a run: where it began, where it stands, and how memory grows.
///
/// It belongs to one thread, which calls [`sample`](Self::sample) about once a second.
#[derive(Debug, Clone)]
pub struct ProcessSampler {
    /// When this part of the run began.
    start: Moment,
    /// How long of it is left out of the slope.
    warm_up: Duration,
    first: ProcessSample,
    last: ProcessSample,
    peak_bytes: Option<u64>,
    slope: MemorySlope,
}

/// What a [`ProcessSampler`] found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessSummary {
    /// The first sample.
    pub first: ProcessSample,
    /// The latest one.
    pub last: ProcessSample,
    /// The most resident memory that any sample, or the kernel, saw.
    pub rss_peak_bytes: Option<u64>,
    /// How resident memory, beside what is bounded, grew after the warm-up, in bytes a second.
    pub rss_slope: Option<f64>,
}

impl ProcessSampler {
    /// Takes the first sample. The memory slope leaves out `warm_up`, while pools and caches fill.
    pub fn new(now: Moment, warm_up: Duration) -> Self {
        let first = ProcessSample::take();
        let slope = MemorySlope::default();
        let mut sampler = Self {
            start: now,
            warm_up,
            first,
            last: first,
            peak_bytes: None,
            slope,
        };
        sampler.add(now, first, 0);
        sampler
    }

    /// Something else is done from now on, which needs memory of its own: it has a warm-up of its own, and what it holds more
    /// than what was done before is no slope.
    pub fn begin_part(&mut self, now: Moment, warm_up: Duration) {
        (self.start, self.warm_up) = (now, warm_up);
        self.slope.begin_part();
    }

    /// Takes another sample. `bounded_bytes` of the memory are known not to grow beyond a limit: that they
    /// fill up is no slope.
    pub fn sample(&mut self, now: Moment, bounded_bytes: u64) -> ProcessSample {
        let sample = ProcessSample::take();
        self.add(now, sample, bounded_bytes);
        sample
    }

    fn add(&mut self, now: Moment, sample: ProcessSample, bounded_bytes: u64) {
        self.last = sample;
        self.peak_bytes = self
            .peak_bytes
            .max(sample.rss_bytes)
            .max(sample.rss_peak_bytes);
        if let Some(bytes) = sample.rss_bytes
            && now.since(self.start) >= self.warm_up
        {
            self.slope.add(now, bytes.saturating_sub(bounded_bytes));
        }
    }

    /// What was found so far.
    pub fn summary(&self) -> ProcessSummary {
        ProcessSummary {
            first: self.first,
            last: self.last,
            rss_peak_bytes: self.peak_bytes,
            rss_slope: self.slope.bytes_per_second(),
        }
    }
}

/// The straight line of least squares through samples of memory over time; through those of several parts, parallel lines
/// with one slope.
///
/// Means and co-moments are updated sample by sample (Welford's way), so any number of samples
/// takes no memory, and large values with small changes lose no precision.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MemorySlope {
    count: f64,
    mean_seconds: f64,
    mean_bytes: f64,
    seconds_squared: f64,
    seconds_bytes: f64,
}

impl MemorySlope {
    /// What follows may lie higher or lower as a whole.
    pub fn begin_part(&mut self) {
        (self.count, self.mean_seconds, self.mean_bytes) = (0.0, 0.0, 0.0);
    }

    /// Adds a sample.
    pub fn add(&mut self, at: Moment, bytes: u64) {
        let seconds = at.nanos() as f64 / 1e9;
        let bytes = bytes as f64;
        self.count += 1.0;
        let from_mean = seconds - self.mean_seconds;
        self.mean_seconds += from_mean / self.count;
        self.mean_bytes += (bytes - self.mean_bytes) / self.count;
        self.seconds_squared += from_mean * (seconds - self.mean_seconds);
        self.seconds_bytes += from_mean * (bytes - self.mean_bytes);
    }

    /// Growth in bytes a second; `None` with fewer than two samples, or all at one moment.
    pub fn bytes_per_second(&self) -> Option<f64> {
        (self.seconds_squared > 0.0).then(|| self.seconds_bytes / self.seconds_squared)
    }
}

#[cfg(target_os = "linux")]
fn sample() -> ProcessSample {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    // `status` counts in units of 1024 bytes, whatever the page size (proc(5)).
    let bytes = |name| number_from_status(&status, name).map(|kib| kib * 1024);
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let open_files = std::fs::read_dir("/proc/self/fd").map(|entries| {
        // Reading the folder holds it open, so it counts itself.
        (entries.count() as u64).saturating_sub(1)
    });
    ProcessSample {
        rss_bytes: bytes("VmRSS"),
        rss_peak_bytes: bytes("VmHWM"),
        cpu_nanos: nanos_from_timespec(cpu.tv_sec, cpu.tv_nsec),
        threads: number_from_status(&status, "Threads"),
        open_files: open_files.ok(),
    }
}

#[cfg(not(target_os = "linux"))]
fn sample() -> ProcessSample {
    ProcessSample::default()
}

/// The number in a line such as `VmRSS:    123 kB`.
#[cfg(target_os = "linux")]
fn number_from_status(status: &str, name: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(target_os = "linux")]
fn nanos_from_timespec(seconds: i64, nanos: i64) -> Option<u64> {
    let nanos = seconds.checked_mul(1_000_000_000)?.checked_add(nanos)?;
    u64::try_from(nanos).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_slope_without_two_moments() {
        let mut slope = MemorySlope::default();
        assert_eq!(slope.bytes_per_second(), None);
        slope.add(Moment::from_nanos(5), 100);
        slope.add(Moment::from_nanos(5), 300);
        assert_eq!(slope.bytes_per_second(), None);
    }

    #[test]
    fn a_slow_leak_in_much_memory_is_seen() {
        let mut slope = MemorySlope::default();
        for second in 0..600_u64 {
            // A sawtooth of 1 MB hides a leak of 1000 bytes a second.
            let noise = (second % 10) * 100_000;
            let bytes = 3_000_000_000 + second * 1000 + noise;
            slope.add(Moment::from_nanos(second * 1_000_000_000), bytes);
        }
        let found = slope.bytes_per_second().unwrap();
        assert!((found - 1000.0).abs() < 30.0, "{found}");
    }

    #[test]
    fn a_step_between_two_parts_is_no_slope() {
        let mut slope = MemorySlope::default();
        let add = |slope: &mut MemorySlope, second: u64, bytes: u64| {
            slope.add(Moment::from_nanos(second * 1_000_000_000), bytes);
        };
        for second in 0..100 {
            add(&mut slope, second, 1_000_000 + second * 10);
        }
        slope.begin_part();
        for second in 100..300 {
            add(&mut slope, second, 70_000_000 + second * 10);
        }
        let found = slope.bytes_per_second().unwrap();
        assert!((found - 10.0).abs() < 1e-6, "{found}");
    }

    #[test]
    fn warm_up_is_left_out_of_the_slope_but_not_of_the_peak() {
        let second = |seconds: u64| Moment::from_nanos(seconds * 1_000_000_000);
        let mut sampler = ProcessSampler::new(second(0), Duration::from_secs(10));
        let mut add = |at, mib: u64, bounded_mib: u64| {
            let rss_bytes = Some(mib << 20);
            sampler.add(
                second(at),
                ProcessSample {
                    rss_bytes,
                    ..ProcessSample::default()
                },
                bounded_mib << 20,
            );
        };
        add(5, 1 << 20, 0);
        add(10, 300, 50);
        add(20, 500, 250);
        sampler.begin_part(second(30), Duration::from_secs(8));
        let mut add = |at, mib: u64| {
            let rss_bytes = Some(mib << 20);
            let sample = ProcessSample {
                rss_bytes,
                ..ProcessSample::default()
            };
            sampler.add(second(at), sample, 0);
        };
        add(35, 700);
        add(38, 500);
        add(50, 500);
        let summary = sampler.summary();
        assert_eq!(summary.rss_slope, Some(0.0));
        assert_eq!(summary.rss_peak_bytes, Some(1 << 40));
        assert_eq!(summary.last.rss_bytes, Some(500 << 20));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells_everything() {
        let first = ProcessSample::take();
        let file = std::fs::File::open("/proc/self/status").unwrap();
        let (wait, waiting) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("waits".to_owned())
            .spawn(move || waiting.recv())
            .unwrap();
        let with_thread = ProcessSample::take();
        drop(wait);
        thread.join().unwrap().unwrap_err();
        drop(file);
        // Other tests run at the same time, so only what must hold then is asserted.
        assert!(first.rss_bytes.unwrap() > 1 << 20);
        assert!(first.rss_peak_bytes.unwrap() >= 1 << 20);
        assert!(with_thread.cpu_nanos.unwrap() >= first.cpu_nanos.unwrap());
        assert!(with_thread.threads.unwrap() >= 2);
        assert!(with_thread.open_files.unwrap() >= 4);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn status_lines_are_read_by_their_whole_name() {
        let status = "Name:\tVmRSS\nVmRSSx:\t1 kB\nVmRSS:\t  262144 kB\nThreads:\t7\n";
        assert_eq!(number_from_status(status, "VmRSS"), Some(262_144));
        assert_eq!(number_from_status(status, "Threads"), Some(7));
        assert_eq!(number_from_status(status, "VmHWM"), None);
    }

    proptest! {
        #[test]
        fn a_straight_line_is_found(
            per_second in -1_000_000_i64..1_000_000, start in 0..1_u64 << 40, count in 2..200_u64,
        ) {
            let mut slope = MemorySlope::default();
            for second in 0..count {
                let bytes = (1_i64 << 50) + per_second * second.cast_signed();
                let at = Moment::from_nanos(start + second * 1_000_000_000);
                slope.add(at, bytes.cast_unsigned());
            }
            let found = slope.bytes_per_second().unwrap();
            prop_assert!((found - per_second as f64).abs() < 1.0, "{found} for {per_second}");
        }
    }
}

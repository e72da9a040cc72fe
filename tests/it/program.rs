//! The program as a process: started, watched, and ended before a test could hang.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jogwheel::time::{Clock, Moment, RealClock};
use rustix::process::{Pid, Signal, kill_process};

/// Nothing that a test waits for may take longer than this. It is no measurement: it only tells a hang
/// from a slow machine that has other work to do.
pub(crate) const HUNG: Duration = Duration::from_mins(4);

/// Time between two looks at something outside this process.
const LOOK: Duration = Duration::from_millis(15);

/// Looks until `probe` answers something; `None` where that hangs.
pub(crate) fn wait_for<T>(mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let clock = RealClock::new();
    let begun: Moment = clock.now();
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if clock.now().since(begun) > HUNG {
            return None;
        }
        // Another process tells of its progress through a file or the screen, which wake nobody.
        std::thread::park_timeout(LOOK);
    }
}

/// The program, ready to be given arguments.
pub(crate) fn command(args: &[&dyn AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jogwheel"));
    command
        .args(args.iter().map(AsRef::as_ref))
        .env("XDG_CACHE_HOME", cache_home())
        .env("XDG_CONFIG_HOME", config_home())
        .env("XDG_STATE_HOME", config_home())
        .env_remove("RUST_LOG");
    command
}

/// A folder of settings for one run: neither the person's own nor what another run has saved may be heeded.
fn config_home() -> PathBuf {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    cache_home().join(format!("config-{}-{run}", std::process::id()))
}

/// A cache folder for the programs of this build alone: what an earlier build kept must not answer for
/// this one, nor the person's own cache be filled.
fn cache_home() -> PathBuf {
    let built = std::env::current_exe()
        .and_then(std::fs::metadata)
        .and_then(|program| program.modified())
        .unwrap();
    let age = built.duration_since(std::time::UNIX_EPOCH).unwrap();
    let name = format!("cache-{}", age.as_nanos());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for other in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let other_name = other.file_name().into_string().unwrap_or_default();
        if other_name.starts_with("cache-") && other_name != name {
            // Another test may be faster.
            let _gone = std::fs::remove_dir_all(other.path());
        }
    }
    folder.join(name)
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; a signal's number and 128 where one ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The same, after checking the exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The same, after checking that the error says this.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "no \"{words}\" in {self:#?}");
        self
    }
}

/// A run that lasts. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdout: File,
    stderr: File,
}

impl Running {
    /// Starts `command`.
    pub(crate) fn start(mut command: Command) -> Self {
        let stdout = tempfile::tempfile().unwrap();
        let stderr = tempfile::tempfile().unwrap();
        command
            .stdin(Stdio::null())
            .stdout(stdout.try_clone().unwrap())
            .stderr(stderr.try_clone().unwrap());
        let child = command.spawn().expect("the program starts");
        Self {
            child,
            stdout,
            stderr,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end. A run that hangs, or that panicked, fails the test.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        let status = wait_for(|| self.child.try_wait().unwrap());
        let Some(status) = status else {
            let stderr = text_of(&mut self.stderr);
            panic!("the program hangs; it said: {stderr}");
        };
        let ended = Ended {
            code: code_of(status),
            stdout: text_of(&mut self.stdout),
            stderr: text_of(&mut self.stderr),
        };
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Runs the program to its end.
#[track_caller]
pub(crate) fn run(args: &[&dyn AsRef<OsStr>]) -> Ended {
    Running::start(command(args)).wait()
}

/// The last whole line of JSON in the state file that a run writes.
pub(crate) fn last_state(path: &Path) -> Option<serde_json::Value> {
    let text = std::fs::read_to_string(path).ok()?;
    let whole = &text[..=text.rfind('\n')?];
    serde_json::from_str(whole.lines().next_back()?).ok()
}

fn text_of(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn code_of(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

/// Notes that a test had to be left out, for the summary of `scripts/test`.
pub(crate) fn skip(test: &str, missing: &str) {
    use std::io::Write;
    let Some(path) = std::env::var_os("JOGWHEEL_TEST_SKIPS") else {
        return;
    };
    let mut file = File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    writeln!(file, "{test}: {missing}").unwrap();
}

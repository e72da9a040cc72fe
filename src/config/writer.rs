//! Writes choices to the configuration file in the background: a disk may take its time.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;

use super::{Change, Config, save};

/// Choices that may wait to be written. A person cannot press keys so fast.
const WAITING: usize = 64;

/// The thread `settings`, which writes choices one after another. Dropping it waits for the last.
#[derive(Debug)]
pub struct ConfigWriter {
    choices: Option<Sender<Vec<Change>>>,
    saved: Arc<Mutex<Option<Config>>>,
    problem: Arc<Mutex<Option<String>>>,
    /// Orders that are not done yet. Those of the thread are counted off under the lock of `saved`.
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl ConfigWriter {
    /// A writer of the file at `path`. `wake` is called when something was written, or could not be.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(path: PathBuf, wake: Arc<dyn Fn() + Send + Sync>) -> io::Result<Self> {
        let (choices, waiting) = bounded::<Vec<Change>>(WAITING);
        let problem = Arc::new(Mutex::new(None));
        let saved = Arc::new(Mutex::new(None));
        let (told, read) = (Arc::clone(&problem), Arc::clone(&saved));
        let count = Arc::new(AtomicUsize::new(0));
        let done = Arc::clone(&count);
        let body = move || {
            while let Ok(choices) = waiting.recv() {
                let written = save(&path, &choices).and_then(|()| Config::read(&path));
                let mut saved = read.lock();
                match written {
                    Ok(config) => *saved = Some(config),
                    Err(error) => {
                        let path = path.display();
                        *told.lock() = Some(format!("The choice is not saved: {path}: {error}."));
                    }
                }
                done.fetch_sub(1, Ordering::Relaxed);
                drop(saved);
                wake();
            }
        };
        let thread = std::thread::Builder::new()
            .name("settings".to_owned())
            .spawn(body)?;
        Ok(Self {
            choices: Some(choices),
            saved,
            problem,
            waiting: count,
            thread: Some(thread),
        })
    }

    /// Has these choices written. Returns at once.
    pub fn save(&self, choices: Vec<Change>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if let Some(waiting) = &self.choices
            && waiting.try_send(choices).is_err()
        {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            *self.problem.lock() = Some("The choice is not saved: the disk is busy.".to_owned());
        }
    }

    /// What the file says since the last choice was written, once; and whether no choice waits to be written.
    pub fn take_saved(&self) -> (Option<Config>, bool) {
        let mut saved = self.saved.lock();
        let is_all = self.waiting.load(Ordering::Relaxed) == 0;
        (saved.take(), is_all)
    }

    /// Why a choice was not saved, once.
    pub fn take_problem(&self) -> Option<String> {
        self.problem.lock().take()
    }
}

impl Drop for ConfigWriter {
    fn drop(&mut self) {
        // A closed channel is the order to end.
        self.choices = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread `settings` panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::playback::quality::QualityMode;

    #[test]
    fn the_last_choice_is_what_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let writer = ConfigWriter::start(path.clone(), Arc::new(|| {})).unwrap();
        for mode in QualityMode::ALL {
            writer.save(vec![Change::text("quality.mode", mode.name())]);
        }
        let (mut saved, mut is_all) = writer.take_saved();
        while !is_all {
            std::thread::yield_now();
            let (newer, all) = writer.take_saved();
            (saved, is_all) = (newer.or(saved), all);
        }
        let mode = saved.unwrap().quality.mode;
        assert_eq!(mode, QualityMode::ALL.last().copied());
        drop(writer);
        let mode = Config::read(&path).unwrap().quality.mode;
        assert_eq!(mode, QualityMode::ALL.last().copied());
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        // A folder stands where the file should be.
        let writer = ConfigWriter::start(folder.path().to_owned(), Arc::new(|| {})).unwrap();
        writer.save(vec![Change::text("quality.mode", "auto")]);
        while !writer.take_saved().1 {
            std::thread::yield_now();
        }
        assert_eq!(writer.take_saved(), (None, true));
        let problem = Arc::clone(&writer.problem);
        drop(writer);
        assert!(
            problem
                .lock()
                .as_ref()
                .is_some_and(|text| text.contains("not saved"))
        );
    }
}

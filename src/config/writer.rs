//! Writes choices to the configuration file in the background: a disk may take its time.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
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
        let body = move || {
            while let Ok(choices) = waiting.recv() {
                match save(&path, &choices).and_then(|()| Config::read(&path)) {
                    Ok(config) => *read.lock() = Some(config),
                    Err(error) => {
                        let path = path.display();
                        *told.lock() = Some(format!("The choice is not saved: {path}: {error}."));
                    }
                }
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
            thread: Some(thread),
        })
    }

    /// Has these choices written. Returns at once.
    pub fn save(&self, choices: Vec<Change>) {
        if let Some(waiting) = &self.choices
            && waiting.try_send(choices).is_err()
        {
            *self.problem.lock() = Some("The choice is not saved: the disk is busy.".to_owned());
        }
    }

    /// What the file says since the last choice was written, once.
    pub fn take_saved(&self) -> Option<Config> {
        self.saved.lock().take()
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

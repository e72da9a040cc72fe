//! Writes choices to the configuration file in the background: a disk may take its time.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;

use super::file::save_quality;

/// Choices that may wait to be written. A person cannot press keys so fast.
const WAITING: usize = 64;

/// Keys of the table `quality`, and what they are set to.
type Choices = Vec<(&'static str, &'static str)>;

/// The thread `settings`, which writes choices one after another. Dropping it waits for the last.
#[derive(Debug)]
pub struct ConfigWriter {
    choices: Option<Sender<Choices>>,
    problem: Arc<Mutex<Option<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl ConfigWriter {
    /// A writer of the file at `path`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(path: PathBuf) -> io::Result<Self> {
        let (choices, waiting) = bounded::<Choices>(WAITING);
        let problem = Arc::new(Mutex::new(None));
        let told = Arc::clone(&problem);
        let body = move || {
            while let Ok(choices) = waiting.recv() {
                if let Err(error) = save_quality(&path, &choices) {
                    let path = path.display();
                    *told.lock() = Some(format!("The choice is not saved: {path}: {error}."));
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("settings".to_owned())
            .spawn(body)?;
        Ok(Self {
            choices: Some(choices),
            problem,
            thread: Some(thread),
        })
    }

    /// Has these choices written. Returns at once.
    pub fn save(&self, choices: Choices) {
        if let Some(waiting) = &self.choices
            && waiting.try_send(choices).is_err()
        {
            *self.problem.lock() = Some("The choice is not saved: the disk is busy.".to_owned());
        }
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
        let writer = ConfigWriter::start(path.clone()).unwrap();
        for mode in QualityMode::ALL {
            writer.save(vec![("mode", mode.name())]);
        }
        drop(writer);
        let mode = Config::read(&path).unwrap().quality.mode;
        assert_eq!(mode, QualityMode::ALL.last().copied());
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        // A folder stands where the file should be.
        let writer = ConfigWriter::start(folder.path().to_owned()).unwrap();
        writer.save(vec![("mode", "auto")]);
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

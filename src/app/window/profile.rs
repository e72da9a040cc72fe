//! A profile written into a file, on a thread of its own: there may be a million spans.

use super::{App, News};
use crate::app::profile::export;
use crate::metrics::FrameRecord;
use crate::playback::Severity;
use crate::ui::ExportKind;

impl App {
    /// Writes what the profiler has gathered into the person's folder of pictures, where saved frames go as well,
    /// and tells which file that is.
    pub(super) fn export_profile(&mut self, kind: ExportKind) {
        let folder = self.saved_folder();
        // Frames are shared; those that come meanwhile are not in it.
        let log = self.profiler.log().clone();
        let records: Vec<FrameRecord> = self.player.scheduler.log().recent().copied().collect();
        let write = move || {
            let (severity, text) = match export(&log, &records, kind, &folder) {
                Ok(file) => (Severity::Info, format!("Saved {}", file.display())),
                Err(error) => {
                    let folder = folder.display();
                    let text = format!("The profile cannot be written into {folder}: {error}.");
                    (Severity::Error, text)
                }
            };
            News::Told(severity, text)
        };
        if let Err(error) = self.aside.run("profile export", write) {
            let text = format!("The profile cannot be written: {error}.");
            self.tell(Severity::Error, text);
        }
    }
}

//! Why there is no picture, in words for the placeholder.

use crate::media::file_name;
use crate::playback::{PlaybackStatus, Severity, Snapshot};
use crate::ui::Failure;

/// Why nothing is shown, taken apart for the placeholder.
pub(super) struct Failed {
    name: String,
    reason: String,
    fix: &'static str,
}

impl Failed {
    pub(super) fn borrow(&self) -> Failure<'_> {
        Failure {
            name: &self.name,
            reason: &self.reason,
            fix: self.fix,
        }
    }
}

/// The reason, when the file asked for could not be opened, or has not had a picture yet although one
/// is `missing`.
pub(super) fn failure_of(snapshot: &Snapshot, missing: Option<&str>) -> Option<Failed> {
    if let (Some(reason), Some(media)) = (missing, &snapshot.media) {
        let name = file_name(&media.info.path);
        let reason = format!("{}.", capitalized(reason.trim_end_matches('.')));
        let name = format!("Frame {} of {name}", snapshot.position);
        return Some(Failed {
            name,
            reason,
            fix: "The frames after it may be whole: play on, or step.",
        });
    }
    if snapshot.status != PlaybackStatus::Empty {
        return None;
    }
    let notice = snapshot
        .notices
        .iter()
        .rfind(|notice| notice.severity == Severity::Error)?;
    let path = snapshot.playlist.get(snapshot.playlist_index)?;
    let name = file_name(path);
    let full = path.display().to_string();
    let reason = notice.text.strip_prefix(&full).unwrap_or(&notice.text);
    // The reason says what to do.
    Some(Failed {
        name,
        reason: capitalized(reason.trim_start_matches(": ")),
        fix: "",
    })
}

/// A sentence that followed a name stands alone.
fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::playback::Notice;

    #[test]
    fn the_reason_stands_without_the_path() {
        let text = "/a/b.mov: no such file. Check the path.".to_owned();
        let snapshot = Snapshot {
            playlist: Arc::new(vec!["/a/b.mov".into()]),
            notices: vec![Notice {
                severity: Severity::Error,
                text,
            }],
            ..Snapshot::default()
        };
        let failed = failure_of(&snapshot, None).unwrap();
        assert_eq!(failed.name, "b.mov");
        assert_eq!(failed.reason, "No such file. Check the path.");
        assert!(failure_of(&Snapshot::default(), None).is_none());
    }
}

//! What `jogwheel probe` prints of a timeline for people.

use super::super::super::counted;
use super::super::text::{Page, bytes, duration, rate_words};
use super::{Contents, Medium, Outline, Place, Track, generator_words};
use crate::timeline::{MissingMedia, MissingReason, PlacedMarker, TrackKind};

/// Lines of one list, at most. JSON has them all.
const LISTED: usize = 20;

pub(super) fn describe(outline: &Outline<'_>) -> String {
    let state = outline.state;
    let mut page = Page::new(&outline.path.display().to_string());
    let timeline = &state.timeline;
    page.line("Timeline", state.format.name());
    page.line_if(
        "Name",
        (!timeline.name.is_empty()).then(|| timeline.name.to_string()),
    );
    let size = std::fs::metadata(outline.path).ok();
    page.line_if(
        "Size",
        size.filter(std::fs::Metadata::is_file)
            .map(|metadata| bytes(metadata.len())),
    );
    page.line("Duration", &length(outline));
    page.line("Rate", &rate_words(state.edit.rate()));
    let origin = if timeline.canvas.is_some() {
        ""
    } else {
        " (not stated: that of the first medium, else 1920x1080)"
    };
    page.line("Canvas", &format!("{}{origin}", state.canvas));
    page.line_if(
        "Timecode",
        state.start_timecode().map(|timecode| timecode.to_string()),
    );
    page.line("Clips", &timeline.clip_count().to_string());
    describe_tracks(&mut page, &outline.tracks);
    describe_media(&mut page, &outline.media);
    describe_markers(&mut page, outline);
    describe_notes(&mut page, outline);
    page.finish()
}

fn length(outline: &Outline<'_>) -> String {
    let edit = &outline.state.edit;
    let timecode = outline
        .duration_timecode()
        .map(|timecode| format!("{timecode}, "))
        .unwrap_or_default();
    let frames = counted(u64::try_from(edit.frames()).unwrap_or_default(), "frame");
    format!("{} ({timecode}{frames})", duration(edit.duration()))
}

fn describe_tracks(page: &mut Page, tracks: &[Track<'_>]) {
    page.heading("Tracks, lowest first");
    let mut numbers = [0_usize; 3];
    for track in tracks.iter().take(LISTED) {
        let mut numbered = |word: &str, at: usize| {
            numbers[at] += 1;
            format!("{word} {}", numbers[at])
        };
        let label = match track.kind {
            Some(TrackKind::Video) => numbered("Video", 0),
            Some(TrackKind::Audio) => numbered("Audio", 1),
            Some(TrackKind::Other) => numbered("Not played", 2),
            None => "No track".to_owned(),
        };
        let name = match &*track.item.name {
            "" => String::new(),
            name => format!(" ({name})"),
        };
        let enabled = if track.item.enabled {
            ""
        } else {
            ", switched off"
        };
        page.line(
            &label,
            &format!("{}{enabled}{name}", contents(track.contents)),
        );
    }
    and_more(page, tracks.len());
}

fn contents(contents: Contents) -> String {
    let mut words = counted(contents.clips as u64, "clip");
    for (count, word) in [(contents.gaps, "gap"), (contents.transitions, "transition")] {
        if count > 0 {
            words = format!("{words}, {}", counted(count as u64, word));
        }
    }
    words
}

fn describe_media(page: &mut Page, media: &[Medium<'_>]) {
    let missing = media.iter().filter(|medium| medium.is_missing()).count();
    let heading = match (media.len(), missing) {
        (0, _) => return,
        (all, 0) => format!("Media: {all}"),
        (all, missing) => format!("Media: {all}, of which {missing} missing"),
    };
    page.heading(&heading);
    // What needs to be done comes first.
    let (absent, present): (Vec<_>, Vec<_>) = media.iter().partition(|medium| medium.is_missing());
    for medium in absent.into_iter().chain(present).take(LISTED) {
        let (label, words) = match &medium.place {
            Place::File(file) => ("File", file.display().to_string()),
            Place::Sequence(pattern, sequence) => {
                let frames = usize::try_from(sequence.frames()).unwrap_or_default();
                let absent = frames.saturating_sub(sequence.present_frames().count());
                let gaps = match absent {
                    0 => String::new(),
                    absent => format!(", {absent} missing"),
                };
                let pictures = counted(frames as u64, "picture");
                (
                    "Sequence",
                    format!("{}: {pictures}{gaps}", pattern.display()),
                )
            }
            Place::Generated(generator) => ("Generated", generator_words(*generator).to_owned()),
            Place::Missing(missing) => ("Missing", missing_words(missing, medium.name)),
        };
        page.line(label, &words);
    }
    and_more(page, media.len());
}

/// Where the reason does not name the medium, the clip does.
fn missing_words(missing: &MissingMedia, clip: &str) -> String {
    match missing.why {
        MissingReason::NotStated if !clip.is_empty() => format!("`{clip}`: {missing}"),
        _ => missing.to_string(),
    }
}

fn describe_markers(page: &mut Page, outline: &Outline<'_>) {
    let markers = outline.state.edit.markers();
    if markers.is_empty() {
        return;
    }
    page.heading(&format!("Markers: {}", markers.len()));
    for marker in markers.iter().take(LISTED) {
        let at = outline.marker_timecode(marker).map_or_else(
            || format!("frame {}", outline.marker_frame(marker).0),
            |timecode| timecode.to_string(),
        );
        page.line(&at, &marker_words(marker));
    }
    and_more(page, markers.len());
}

fn marker_words(marker: &PlacedMarker) -> String {
    let PlacedMarker {
        name,
        color,
        comment,
        ..
    } = marker;
    let color = match &**color {
        "" => String::new(),
        color => format!("({})", color.to_lowercase()),
    };
    let words = [&**name, &color, comment];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn describe_notes(page: &mut Page, outline: &Outline<'_>) {
    let notes = &outline.state.notes;
    if notes.is_empty() {
        return;
    }
    page.heading(&format!("Not understood: {}", notes.len()));
    for note in notes.iter().take(LISTED) {
        page.item(&note.to_string());
    }
    and_more(page, notes.len());
}

fn and_more(page: &mut Page, all: usize) {
    if let Some(more) = all.checked_sub(LISTED).filter(|more| *more > 0) {
        page.item(&format!("and {more} more; --json lists all"));
    }
}

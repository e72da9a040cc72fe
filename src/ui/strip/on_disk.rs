//! Which frames lie on disk in a form that is quick to decode: those of media with a verified proxy.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::model::{Clip, ClipState, Model};
use crate::playback::{MediaState, TimelineState};
use crate::proxy::ListedProxy;
use crate::time::FrameIndex;
use crate::timeline::{Located, TrackKind};
use crate::ui::UiInput;

/// The stretches, reckoned anew when there are other proxies or other clips.
#[derive(Default)]
pub(super) struct OnDisk {
    list: Arc<Vec<ListedProxy>>,
    edition: u64,
    stretches: Vec<Range<FrameIndex>>,
}

impl OnDisk {
    /// Sees to it that this is about the proxies in `input` and the clips of `model`.
    pub(super) fn update(&mut self, model: &Model, input: &UiInput<'_>) {
        let list = &input.panels.proxies.list;
        if Arc::ptr_eq(list, &self.list) && self.edition == model.edition {
            return;
        }
        self.list = Arc::clone(list);
        self.edition = model.edition;
        let sources = input.panels.proxies.sources();
        let media = input
            .snapshot
            .media
            .as_ref()
            .filter(|_| !sources.is_empty());
        self.stretches = media.map_or_else(Vec::new, |media| stretches(model, media, &sources));
    }

    /// Stretches in order, apart from one another.
    pub(super) fn stretches(&self) -> &[Range<FrameIndex>] {
        &self.stretches
    }
}

fn stretches(
    model: &Model,
    media: &MediaState,
    sources: &HashSet<&Path>,
) -> Vec<Range<FrameIndex>> {
    let has_proxy = |path: &Path| {
        let absolute = std::path::absolute(path);
        absolute.is_ok_and(|path| sources.contains(path.as_path()))
    };
    let is_on_disk = |clip: &&Clip| match &media.timeline {
        Some(timeline) => path_of(timeline, clip).is_some_and(has_proxy),
        None => has_proxy(&media.info.path),
    };
    let pictures = model.rows.iter().filter(|row| row.kind == TrackKind::Video);
    let mut found: Vec<_> = pictures
        .flat_map(|row| &row.clips)
        .filter(|clip| clip.state == ClipState::Present)
        .filter(is_on_disk)
        .map(|clip| clip.first..clip.end)
        .collect();
    found.sort_by_key(|stretch| stretch.start);
    let mut joined: Vec<Range<FrameIndex>> = Vec::with_capacity(found.len());
    for stretch in found {
        match joined.last_mut() {
            Some(last) if stretch.start <= last.end => last.end = last.end.max(stretch.end),
            _ => joined.push(stretch),
        }
    }
    joined
}

/// The file that a clip shows.
fn path_of<'a>(timeline: &'a TimelineState, clip: &Clip) -> Option<&'a Path> {
    let used = timeline.edit.clip(clip.id?)?;
    match timeline.located.get(used.source.0 as usize)? {
        Located::File(path) => Some(path.as_path()),
        _ => None,
    }
}

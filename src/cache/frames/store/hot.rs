//! What the store knows of pictures that outlast the program.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Store;
use crate::cache::frames::lasting::Lasting;
use crate::cache::frames::reduced::is_worth_it;
use crate::media::VideoFrame;

impl Store {
    /// A frame, without counting that it was asked for.
    pub(in crate::cache::frames) fn peek(
        &self,
        source: u64,
        frame: i64,
    ) -> Option<Arc<VideoFrame>> {
        let kept = self.sources.get(&source)?.find(frame)?;
        Some(Arc::clone(&kept.picture))
    }

    /// What there is to do for pictures that outlast the program, since this was asked last.
    pub(in crate::cache::frames) fn take_lasting(&mut self) -> Vec<Lasting> {
        let Some(size) = self.reduced_to else {
            return Vec::new();
        };
        let sources = self.sources.iter_mut();
        let worth_it = sources.filter(|(_, source)| {
            !source.places.is_closed() && is_worth_it(source.frame_bytes, size)
        });
        let lasting = worth_it.filter_map(|(number, source)| {
            let hot = if source.brought_back == Some(size) {
                let news = source.stays.take_news();
                Some(news).filter(|news| !news.is_empty()).map(Some)
            } else {
                source.brought_back = Some(size);
                source.stays.begin_size();
                Some(None)
            };
            hot.map(|hot| Lasting {
                source: *number,
                key: source.key,
                path: source.path.clone(),
                size,
                frame_bytes: source.frame_bytes,
                hot,
            })
        });
        lasting.collect()
    }

    /// The hot frames of a source, and how often its playhead stayed there.
    pub(in crate::cache::frames) fn hot(&self, source: u64) -> BTreeMap<i64, u32> {
        let source = self.sources.get(&source);
        source.map(|source| source.stays.hot()).unwrap_or_default()
    }

    /// Takes over what was hot when the source was open before. Answers which of these frames are not kept, those
    /// nearest to the playhead first.
    pub(in crate::cache::frames) fn remember(
        &mut self,
        source: u64,
        counts: &BTreeMap<i64, u32>,
    ) -> Vec<i64> {
        let Some(source) = self.sources.get_mut(&source) else {
            return Vec::new();
        };
        source.stays.remember(counts);
        let missing = counts.keys().filter(|frame| source.find(**frame).is_none());
        let mut missing: Vec<i64> = missing.copied().collect();
        missing.sort_by_key(|frame| (frame - source.places.any()).abs());
        missing
    }
}

//! Frames that the playhead stays at again and again: those worth keeping beyond the program's end.

use std::collections::BTreeMap;

/// A frame is hot when the playhead has stayed there so often.
const HOT: u32 = 2;

/// A frame that so few have to be decoded for is made sooner than it is read.
const CHEAP_DEPTH: i64 = 4;

/// Frames that are counted. With more, each counts for half, and what then counts for nothing is forgotten.
const MOST: usize = 128;

/// How often the playhead of a source stayed where.
#[derive(Debug, Default)]
pub(super) struct Stays {
    counts: BTreeMap<i64, u32>,
    /// Those that have become hot and nobody has asked for yet.
    news: Vec<i64>,
}

impl Stays {
    /// The playhead stayed at `frame`, for which `depth` frames have to be decoded.
    pub(super) fn note(&mut self, frame: i64, depth: i64) {
        if depth < CHEAP_DEPTH {
            return;
        }
        if self.counts.len() >= MOST && !self.counts.contains_key(&frame) {
            self.counts.retain(|_, count| {
                *count /= 2;
                *count > 0
            });
        }
        let count = self.counts.entry(frame).or_default();
        *count = count.saturating_add(1);
        if *count == HOT {
            self.news.push(frame);
        }
    }

    /// Pictures of another size are shown from now on: of these none is kept yet, as far as is known.
    pub(super) fn begin_size(&mut self) {
        self.news = self.hot().into_keys().collect();
    }

    /// What is kept, and was counted when it was.
    pub(super) fn remember(&mut self, counts: &BTreeMap<i64, u32>) {
        for (frame, count) in counts.iter().take(MOST) {
            let known = self.counts.entry(*frame).or_default();
            *known = (*known).max(*count);
        }
        self.news.retain(|frame| !counts.contains_key(frame));
    }

    /// Frames that have become hot since this was asked last.
    pub(super) fn take_news(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.news)
    }

    /// The hot frames, and how often the playhead stayed there.
    pub(super) fn hot(&self) -> BTreeMap<i64, u32> {
        let hot = self.counts.iter().filter(|(_, count)| **count >= HOT);
        hot.map(|(frame, count)| (*frame, *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_hot_when_it_is_visited_again() {
        let mut stays = Stays::default();
        stays.note(7, 30);
        assert!(stays.take_news().is_empty());
        stays.note(7, 30);
        stays.note(7, 30);
        assert_eq!(stays.take_news(), [7]);
        assert!(stays.take_news().is_empty(), "it is told once");
        stays.note(8, CHEAP_DEPTH - 1);
        stays.note(8, CHEAP_DEPTH - 1);
        assert_eq!(stays.hot(), BTreeMap::from([(7, 3)]), "8 is cheap to make");
    }

    #[test]
    fn what_is_rarely_visited_is_forgotten() {
        let mut stays = Stays::default();
        for frame in 0..1000 {
            stays.note(frame, 30);
            stays.note(-1, 30);
            assert!(stays.counts.len() <= MOST);
        }
        assert!(stays.hot().contains_key(&-1));
        let mut later = Stays::default();
        later.remember(&BTreeMap::from([(5, 2)]));
        assert!(later.take_news().is_empty(), "it was kept before");
        assert_eq!(later.hot(), BTreeMap::from([(5, 2)]));
        later.remember(&BTreeMap::from([(5, 2)]));
        assert_eq!(later.hot(), BTreeMap::from([(5, 2)]), "the same list");
        later.begin_size();
        assert_eq!(later.take_news(), [5], "there is no picture of this size");
    }
}

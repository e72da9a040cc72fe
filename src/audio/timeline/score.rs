//! A plan in samples of the mix: parts with their ramps, and which of them sound when.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::part::{Law, Level, MediaKey, Part, Ramp};
use super::plan::{SoundClip, SoundPlan};
use crate::audio::stretch::MAX_AUDIBLE_QUARTERS;
use crate::time::MediaSpan;
use crate::timeline::{AudioFade, Ratio};

/// Half the length of the cross-over at a cut, and the length of a ramp at an edge to silence, in
/// microseconds: long enough that a step becomes a soft thump below 200 Hz, too short to be heard as a fade.
const CUT_REACH_MICROS: i64 = 2_500;

/// An edit's parts, ready to be played. Immutable.
#[derive(Debug)]
pub(super) struct Score {
    /// Samples in the whole edit.
    pub length: i64,
    /// By where they begin to be heard.
    parts: Vec<Part>,
    /// An implicit binary tree over `parts`: node 1 is the root, node n has the children 2n and 2n + 1,
    /// and each holds the latest end below it.
    latest: Vec<i64>,
}

impl Score {
    /// The score of `plan` at `rate`.
    pub(super) fn new(plan: &SoundPlan, rate: NonZeroU32) -> Self {
        let length = plan.duration.samples_nearest(rate).max(0);
        let mut builder = Builder {
            rate,
            length,
            parts: Vec::new(),
            ends: HashMap::new(),
        };
        for clip in plan.clips.iter() {
            builder.add(clip);
        }
        let mut parts = builder.finish();
        parts.sort_by_key(|part| part.heard);
        let leaves = parts.len().next_power_of_two();
        let mut latest = vec![i64::MIN; 2 * leaves];
        for (place, part) in latest[leaves..].iter_mut().zip(&parts) {
            *place = part.heard.1;
        }
        for node in (1..leaves).rev() {
            latest[node] = latest[2 * node].max(latest[2 * node + 1]);
        }
        Self {
            length,
            parts,
            latest,
        }
    }

    /// Part `number`, in the order of where they begin to be heard.
    pub(super) fn part(&self, number: usize) -> Option<&Part> {
        self.parts.get(number)
    }

    /// Number of the first part that is not yet heard at sample `at`.
    pub(super) fn first_after(&self, at: i64) -> usize {
        self.parts.partition_point(|part| part.heard.0 <= at)
    }

    /// The parts heard anywhere in `from..to`, in order. O(log n) for each.
    pub(super) fn heard_in(&self, from: i64, to: i64) -> Vec<usize> {
        let before = self.parts.partition_point(|part| part.heard.0 < to);
        let mut found = Vec::new();
        self.collect((1, 0, self.latest.len() / 2), before, from, &mut found);
        found
    }

    /// Adds the parts below `node`, which holds `count` from number `first` on, that are numbered below
    /// `before` and end after `from`.
    fn collect(
        &self,
        (node, first, count): (usize, usize, usize),
        before: usize,
        from: i64,
        found: &mut Vec<usize>,
    ) {
        if first >= before || self.latest.get(node).is_none_or(|latest| *latest <= from) {
            return;
        }
        if count <= 1 {
            found.push(first);
            return;
        }
        let half = count / 2;
        self.collect((2 * node, first, half), before, from, found);
        self.collect((2 * node + 1, first + half, half), before, from, found);
    }
}

/// Whether a clip at `speed` is heard: what the player's own speeds do, either way.
fn is_audible(speed: Ratio) -> bool {
    let (num, den) = (speed.num().abs(), speed.den());
    4 * num >= den && 4 * num <= i64::from(MAX_AUDIBLE_QUARTERS) * den
}

/// Parts in the making.
struct Builder {
    rate: NonZeroU32,
    length: i64,
    parts: Vec<Part>,
    /// Parts that end in a cut, by where.
    ends: HashMap<i64, Vec<usize>>,
}

/// What meets at a cut.
#[derive(Default)]
struct Cut {
    begins: bool,
    ends: bool,
    /// Samples that the shortest part has on its side.
    room: i64,
}

impl Builder {
    fn sample(&self, time: MediaSpan) -> i64 {
        time.samples_nearest(self.rate)
    }

    /// What `fade` does to a clip heard in `first..end`; `None` where it changes nothing there.
    fn ramp(&self, fade: &AudioFade, first: i64, end: i64) -> Option<Ramp> {
        let from = self.sample(fade.range.start.since_zero());
        let to = self.sample(fade.range.end().since_zero());
        let passed = if fade.rising {
            to <= first
        } else {
            end <= from
        };
        (from < to && !passed).then(|| Ramp {
            from,
            length: to.saturating_sub(from),
            law: Law::ConstantPower,
            rises: fade.rising,
        })
    }

    /// Adds a clip's parts: one for each audible piece of its map.
    fn add(&mut self, clip: &SoundClip) {
        let start = clip.range.start.since_zero();
        let begin = self.sample(start);
        let clip_end = self.sample(clip.range.end().since_zero());
        // Nothing is heard before the edit begins, or after it ends.
        let (first, end) = (begin.max(0), clip_end.min(self.length));
        if !clip.gain.is_finite() || clip.gain == 0.0 {
            return;
        }
        let fades: Vec<Ramp> = clip
            .fades
            .iter()
            .filter_map(|fade| self.ramp(fade, first, end))
            .collect();
        let key = Arc::new(MediaKey {
            path: clip.path.clone(),
            stream: clip.stream,
        });
        let pieces = clip.map.pieces();
        for (n, piece) in pieces.iter().enumerate() {
            // The first piece holds for what lies before it, too.
            let at = |from| self.sample(start + from).clamp(first, end.max(first));
            let piece_begin = if n == 0 { first } else { at(piece.from) };
            let piece_end = pieces.get(n + 1).map_or(end, |next| at(next.from));
            if piece_begin >= piece_end || !is_audible(piece.speed) {
                continue;
            }
            let item = MediaSpan::from_samples_nearest(piece_begin, self.rate) - start;
            let level = Level {
                from: piece_begin,
                gain: clip.gain,
            };
            self.add_part(Part {
                key: Arc::clone(&key),
                begin: piece_begin,
                end: piece_end,
                anchor: piece_begin,
                media: piece.source + piece.speed.of(item - piece.from),
                speed: piece.speed,
                levels: vec![level],
                level_reach: 1,
                ramps: fades.clone(),
                heard: (piece_begin, piece_end),
            });
        }
    }

    /// Adds a part, or lengthens the one that it continues.
    fn add_part(&mut self, part: Part) {
        let falls_at_end = part
            .ramps
            .iter()
            .any(|ramp| !ramp.rises && ramp.to() == part.end);
        let end = part.end;
        let number = if let Some(number) = self.continued_by(&part) {
            let before = &mut self.parts[number];
            before.end = end;
            let same = |last: &Level| last.gain.to_bits() == part.levels[0].gain.to_bits();
            if !before.levels.last().is_some_and(same) {
                before.levels.extend(part.levels);
            }
            for ramp in part.ramps {
                if !before.ramps.contains(&ramp) {
                    before.ramps.push(ramp);
                }
            }
            number
        } else {
            self.parts.push(part);
            self.parts.len() - 1
        };
        if !falls_at_end {
            self.ends.entry(end).or_default().push(number);
        }
    }

    /// The part that ends in a cut where `part` begins, and that `part` continues; it no longer ends
    /// there.
    fn continued_by(&mut self, part: &Part) -> Option<usize> {
        let parts = &self.parts;
        let ends = self.ends.get_mut(&part.begin)?;
        let place = ends
            .iter()
            .position(|number| continues(&parts[*number], part, self.rate))?;
        Some(ends.swap_remove(place))
    }

    /// Adds the ramps at cuts.
    fn finish(mut self) -> Vec<Part> {
        let reach = i64::from(self.rate.get()) * CUT_REACH_MICROS / 1_000_000;
        self.straighten_dissolves();
        let ends: Vec<(i64, usize)> = self
            .ends
            .iter()
            .flat_map(|(at, numbers)| numbers.iter().map(|number| (*at, *number)))
            .collect();
        let mut open_end = vec![false; self.parts.len()];
        let mut cuts: HashMap<i64, Cut> = HashMap::new();
        for (at, number) in ends {
            open_end[number] = true;
            let room = (self.parts[number].end - self.parts[number].begin) / 2;
            let cut = cuts.entry(at).or_insert_with(|| Cut {
                room,
                ..Cut::default()
            });
            cut.ends = true;
            cut.room = cut.room.min(room);
        }
        let begins_in_fade = |part: &Part| {
            let fade = |ramp: &Ramp| ramp.rises && ramp.from == part.begin;
            part.ramps.iter().any(fade)
        };
        for part in self.parts.iter().filter(|part| !begins_in_fade(part)) {
            let room = (part.end - part.begin) / 2;
            let cut = cuts.entry(part.begin).or_insert_with(|| Cut {
                room,
                ..Cut::default()
            });
            cut.begins = true;
            cut.room = cut.room.min(room);
        }
        for (part, open_end) in self.parts.iter_mut().zip(open_end) {
            let gaps = part
                .levels
                .windows(2)
                .map(|pair| (pair[1].from - pair[0].from) / 2);
            part.level_reach = gaps.min().unwrap_or(reach).clamp(1, reach.max(1));
            let mut sides = Vec::new();
            if !begins_in_fade(part) {
                sides.push((part.begin, true));
            }
            if open_end {
                sides.push((part.end, false));
            }
            for (at, rises) in sides {
                let Some(cut) = cuts.get(&at) else { continue };
                let reach = reach.min(cut.room);
                let crosses = cut.begins && cut.ends;
                let from = if crosses || !rises { at - reach } else { at };
                let length = if crosses { 2 * reach } else { reach };
                if length <= 0 {
                    continue;
                }
                let law = Law::ConstantPower;
                part.ramps.push(Ramp {
                    from,
                    length,
                    law,
                    rises,
                });
                part.heard.0 = part.heard.0.min(from);
                part.heard.1 = part.heard.1.max(from + length);
            }
            part.heard.1 = part.heard.1.max(part.end).min(self.length);
        }
        self.parts.retain(|part| part.heard.0 < part.heard.1);
        self.parts
    }

    /// Makes the fades of transitions between equal moments of one medium straight.
    fn straighten_dissolves(&mut self) {
        let mut falls: HashMap<(i64, i64), Vec<usize>> = HashMap::new();
        for (number, part) in self.parts.iter().enumerate() {
            for ramp in part.ramps.iter().filter(|ramp| !ramp.rises) {
                falls
                    .entry((ramp.from, ramp.length))
                    .or_default()
                    .push(number);
            }
        }
        for number in 0..self.parts.len() {
            let part = &self.parts[number];
            let rise = part.ramps.iter().find(|ramp| ramp.rises).copied();
            let Some(rise) = rise else { continue };
            let partners = falls.get(&(rise.from, rise.length));
            let same = |other: &&usize| {
                **other != number && same_moments(&self.parts[**other], part, self.rate)
            };
            let Some(partner) = partners
                .and_then(|partners| partners.iter().find(same))
                .copied()
            else {
                continue;
            };
            for number in [number, partner] {
                for ramp in &mut self.parts[number].ramps {
                    if (ramp.from, ramp.length) == (rise.from, rise.length) {
                        ramp.law = Law::ConstantGain;
                    }
                }
            }
        }
    }
}

/// Whether both play the same moments of one medium, to within half a sample of the mix.
fn same_moments(a: &Part, b: &Part, rate: NonZeroU32) -> bool {
    let half = MediaSpan::from_samples_nearest(1, rate).flicks() / 2;
    a.key == b.key
        && a.speed == b.speed
        && (a.media_at(b.anchor, rate) - b.media).abs().flicks() <= half
}

/// Whether `next`, which begins where `part` ends, goes on in the same medium as if there were no cut.
fn continues(part: &Part, next: &Part, rate: NonZeroU32) -> bool {
    // Fades that only one of them has must not reach the other.
    let over = |ramp: &Ramp| ramp.rises && ramp.to() <= next.begin || next.ramps.contains(ramp);
    let ahead = |ramp: &Ramp| !ramp.rises && ramp.from >= next.begin || part.ramps.contains(ramp);
    part.end == next.begin
        && same_moments(part, next, rate)
        && part.ramps.iter().all(over)
        && next.ramps.iter().all(ahead)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::audio::SoundZero;
    use crate::time::MediaTime;
    use crate::timeline::{TimeMap, TimeMapPiece, TimeRange};
    use proptest::prelude::*;

    const RATE: NonZeroU32 = NonZeroU32::new(48_000).unwrap();

    fn ms(millis: i64) -> MediaSpan {
        MediaSpan::from_millis(millis)
    }

    fn clip(name: &str, start: i64, length: i64, source: i64) -> SoundClip {
        SoundClip {
            path: PathBuf::from(name),
            stream: None,
            range: TimeRange {
                start: MediaTime::ZERO + ms(start),
                duration: ms(length),
            },
            map: TimeMap::linear(ms(source), Ratio::ONE),
            zero: SoundZero::First,
            fades: Arc::default(),
            gain: 1.0,
        }
    }

    fn score(clips: Vec<SoundClip>) -> Score {
        let plan = SoundPlan {
            clips: clips.into(),
            duration: ms(100_000),
        };
        Score::new(&plan, RATE)
    }

    #[test]
    fn through_edits_are_one_part_and_other_cuts_cross_over() {
        let made = score(vec![
            clip("a", 0, 1_000, 500),
            clip("a", 1_000, 1_000, 1_500),
            clip("a", 2_000, 1_000, 2_501),
            clip("b", 3_000, 1_000, 3_501),
        ]);
        let heard: Vec<_> = (0..3).map(|n| made.part(n).unwrap().heard).collect();
        assert_eq!(heard, [(0, 96_120), (95_880, 144_120), (143_880, 192_000)]);
        assert!(made.part(3).is_none());
        let first = made.part(0).unwrap();
        let ramp = |from, length, rises| Ramp {
            from,
            length,
            law: Law::ConstantPower,
            rises,
        };
        assert_eq!(first.ramps, [ramp(0, 120, true), ramp(95_880, 240, false)]);
    }

    #[test]
    fn pieces_that_nobody_could_follow_are_left_out() {
        let piece = |from, num, den| TimeMapPiece {
            from: ms(from),
            source: ms(from),
            speed: Ratio::new(num, den).unwrap(),
        };
        let mut retimed = clip("a", 0, 5_000, 0);
        retimed.map = TimeMap::from_pieces(vec![
            piece(0, 1, 1),
            piece(1_000, 0, 1),
            piece(2_000, 201, 100),
            piece(3_000, -2, 1),
            piece(4_000, 24, 100),
        ])
        .unwrap();
        let made = score(vec![retimed]);
        let all: Vec<_> = (0..2)
            .map(|n| made.part(n).unwrap())
            .map(|part| (part.begin, part.end, part.speed.num()))
            .collect();
        assert_eq!(all, [(0, 48_000, 1), (144_000, 192_000, -2)]);
        assert!(made.part(2).is_none());
    }

    #[test]
    fn dissolves_within_one_take_are_straight() {
        let fade = |mut clip: SoundClip, rising: bool| {
            let start = if rising {
                clip.range.start
            } else {
                clip.range.end() - ms(200)
            };
            let duration = ms(200);
            let range = TimeRange { start, duration };
            clip.fades = Arc::new([AudioFade { range, rising }]);
            clip
        };
        for (source, law) in [(1_800, Law::ConstantGain), (1_801, Law::ConstantPower)] {
            let made = score(vec![
                fade(clip("a", 0, 1_000, 1_000), false),
                fade(clip("a", 800, 1_000, source), true),
            ]);
            let ramps = made.part(1).unwrap().ramps.clone();
            assert_eq!(
                (ramps[0].from, ramps[0].length, ramps[0].law),
                (38_400, 9_600, law)
            );
            let ramps = &made.part(0).unwrap().ramps;
            assert_eq!(
                (ramps[0].from, ramps[0].length, ramps[0].law),
                (38_400, 9_600, law)
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_heard_is_found(
            clips in proptest::collection::vec((0_i64..20_000, 1_i64..9_000, 0_i64..4), 0..60),
            from in 0_i64..1_500_000, count in 1_i64..60_000,
        ) {
            let mut clips: Vec<_> = clips
                .into_iter()
                .map(|(start, length, source)| clip("a", start, length, source * 777))
                .collect();
            clips.sort_by_key(|clip| clip.range.start);
            let made = score(clips);
            let all = (0..).map_while(|n| made.part(n));
            let expected: Vec<usize> = all
                .enumerate()
                .filter(|(_, part)| part.heard.0 < from + count && part.heard.1 > from)
                .map(|(n, _)| n)
                .collect();
            prop_assert_eq!(made.heard_in(from, from + count), expected);
            let after = made.first_after(from);
            prop_assert!(made.part(after).is_none_or(|part| part.heard.0 > from));
        }
    }
}

//! What rungs cost: measured, remembered, or forecast.
//!
//! Only the rung that is decoded can be measured. When another takes its place, what it cost is kept,
//! and as soon as the new one has been measured, how much *that* cost at the same time. From then on
//! the old one's cost is forecast as `then × new one now / new one then`: a load that ends, or a disk that
//! becomes quick again, shows in what is decoded now, and so in the forecast of what is not.
//! A rung that was never decoded is forecast from one that was, by the ratio of their weights: the
//! table's costs where both are in it, else pixels. Costs by weight alone are only guesses, and are
//! corrected by what the last guess turned out to be.

use std::time::Duration;

use super::signals::{ClipKey, ClipSignals, RungSignals};
use crate::decode::{Cost, Rung};

/// Clips that are remembered.
const MOST_CLIPS: usize = 64;

/// Frames of a rung that make a measurement. Fewer say more about the switch than about the rung.
const FRESH_FRAMES: u32 = 12;

/// Fewer tell nothing.
const FEWEST_FRAMES: u32 = 3;

/// Cost of a luma sample in thousandths of a nanosecond of one core, where nothing else is known: long-GOP
/// sources, sources of keyframes alone, and proxies of either kind.
const SOURCE_PICOS: u64 = 3300;
const INTRA_SOURCE_PICOS: u64 = 2000;
const PROXY_PICOS: u64 = 2500;
const INTRA_PROXY_PICOS: u64 = 800;

/// How a cost changes says nothing where it was less than this.
const NOISE_NANOS: u64 = 20_000;

/// Threads beyond this do not make a decoder quicker.
const MOST_CORES: u64 = 8;

/// What a frame of the medium takes, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Forecast {
    pub(super) read: u64,
    pub(super) decode: u64,
    pub(super) p90: u64,
}

impl Forecast {
    pub(super) fn of(cost: &Cost) -> Self {
        Self {
            read: nanos(cost.read),
            decode: nanos(cost.decode),
            p90: nanos(cost.p90),
        }
    }

    /// The least that it may be.
    pub(super) fn least_of(cost: &Cost) -> Self {
        let least = nanos(cost.least);
        Self {
            read: 0,
            decode: least,
            p90: least,
        }
    }

    pub(super) fn mean(&self) -> u64 {
        self.read.saturating_add(self.decode)
    }

    /// Thousandths of `budget` that it takes, where `ring_frames` spread a slow frame.
    pub(super) fn load_per_mille(&self, budget: Duration, ring_frames: u64) -> u32 {
        let slow = self.p90.saturating_sub(self.mean()) / ring_frames.max(1);
        per_mille(self.mean().saturating_add(slow), nanos(budget))
    }

    /// The same with reading and decoding changed by factors, given as fractions.
    fn scaled(&self, read: (u64, u64), decode: (u64, u64)) -> Self {
        let before = self.mean();
        let mut new = Self {
            read: ratio(self.read, read),
            decode: ratio(self.decode, decode),
            p90: 0,
        };
        new.p90 = ratio(self.p90, (new.mean(), before));
        new
    }
}

/// A rung's cost, and what the rung that was measured next cost at the same time.
#[derive(Debug, Clone, Copy)]
struct Known {
    cost: Forecast,
    beside: Option<(Rung, Forecast)>,
    /// Whether it comes from the first frames alone.
    is_first_sight: bool,
}

#[derive(Debug, Clone)]
struct Visit {
    key: ClipKey,
    /// Counts up; the least is forgotten first.
    used: u64,
    known: [Option<Known>; Rung::ALL.len()],
}

impl Visit {
    /// What `rung` would cost now, by what was seen.
    fn forecast(&self, rung: Rung) -> Option<Forecast> {
        let known = self.known[rung as usize].as_ref()?;
        let Some((beside, then)) = known.beside else {
            return Some(known.cost);
        };
        let Some(now) = self.known[beside as usize].as_ref() else {
            return Some(known.cost);
        };
        let change = |now: u64, then: u64| {
            if then < NOISE_NANOS {
                (1, 1)
            } else {
                (now, then)
            }
        };
        let read = change(now.cost.read, then.read);
        let decode = change(now.cost.decode, then.decode);
        Some(known.cost.scaled(read, decode))
    }
}

/// What a measurement is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// Nothing: too few frames were decoded.
    None,
    /// Only the first frames of a clip, which cost more than those that follow.
    First,
    /// Enough, and lately.
    Fresh,
}

/// Everything that was learnt.
#[derive(Debug, Clone, Default)]
pub(super) struct Knowledge {
    visits: Vec<Visit>,
    uses: u64,
    /// What the last measured rung of a source and of a proxy cost, against its guess.
    guess_was: [Option<(u64, u64)>; 2],
}

impl Knowledge {
    /// Learns from what is measured of `rung`, which is decoded. Answers what that is worth.
    pub(super) fn learn(&mut self, clip: &ClipSignals, rung: Rung, cores: u32) -> Sight {
        let Some(signals) = clip.rungs.get(rung) else {
            return Sight::None;
        };
        let Some(seen) = signals.seen else {
            return Sight::None;
        };
        let cost = Forecast::of(&seen);
        if seen.frames < FRESH_FRAMES {
            // Little is better than nothing, but does not replace what is known.
            let known = &mut self.visit(clip.key).known[rung as usize];
            if known.is_none_or(|known| known.is_first_sight) && seen.frames >= FEWEST_FRAMES {
                *known = Some(Known {
                    cost,
                    beside: None,
                    is_first_sight: true,
                });
                return Sight::First;
            }
            return Sight::None;
        }
        self.guess_was[kind(rung)] = Some((cost.decode, guess(rung, signals, cores)));
        let visit = self.visit(clip.key);
        for (other, known) in Rung::ALL.into_iter().zip(&mut visit.known) {
            if other == rung {
                *known = Some(Known {
                    cost,
                    beside: None,
                    is_first_sight: false,
                });
            } else if let Some(known) = known {
                known.beside.get_or_insert((rung, cost));
            }
        }
        Sight::Fresh
    }

    /// `rung` of this clip is not decoded any more, or another clip is: brings the forecasts to where they
    /// stand now, for their measure goes.
    pub(super) fn leave(&mut self, key: ClipKey) {
        let Some(visit) = self.visits.iter_mut().find(|visit| visit.key == key) else {
            return;
        };
        let now = Rung::ALL.map(|rung| visit.forecast(rung));
        for (known, now) in visit.known.iter_mut().zip(now) {
            *known = now.map(|cost| Known {
                cost,
                beside: None,
                is_first_sight: known.is_some_and(|known| known.is_first_sight),
            });
        }
    }

    /// Whether no more is known of `rung` than what its first frames cost, if that.
    pub(super) fn is_first_sight(&self, key: ClipKey, rung: Rung) -> bool {
        let visit = self.visits.iter().find(|visit| visit.key == key);
        let known = visit.and_then(|visit| visit.known[rung as usize]);
        known.is_none_or(|known| known.is_first_sight)
    }

    /// What a frame of `rung` would take; `None` where nothing at all has been seen that tells.
    pub(super) fn forecast(&self, clip: &ClipSignals, rung: Rung, cores: u32) -> Option<Forecast> {
        let signals = clip.rungs.get(rung)?;
        let seen = |rung: Rung| {
            let visit = self.visits.iter().find(|visit| visit.key == clip.key);
            let told = || clip.rungs.get(rung)?.seen.as_ref().map(Forecast::of);
            visit.and_then(|visit| visit.forecast(rung)).or_else(told)
        };
        if let Some(forecast) = seen(rung) {
            return Some(forecast);
        }
        let weight = |rung: Rung| {
            let other = clip.rungs.get(rung)?;
            // The table's cost and a guess by pixels do not compare.
            let same = other.prior.is_some() == signals.prior.is_some();
            same.then(|| guess(rung, other, cores).max(1))
        };
        let mut others: Vec<Rung> = Rung::ALL
            .into_iter()
            .filter(|&other| other != rung && clip.rungs.has(other))
            .collect();
        // Another rung of the same file tells more than one of another file.
        others.sort_by_key(|&other| kind(other) != kind(rung));
        for other in others {
            if let (Some(cost), Some(known), Some(wanted)) =
                (seen(other), weight(other), weight(rung))
            {
                let by = (wanted, known);
                return Some(cost.scaled(by, by));
            }
        }
        self.by_guess(signals, rung, cores)
    }

    /// What a frame of `rung` might take, in nanoseconds, though nothing was seen that tells.
    pub(super) fn rough(&self, clip: &ClipSignals, rung: Rung, cores: u32) -> Option<u64> {
        let known = self.forecast(clip, rung, cores).map(|cost| cost.mean());
        known.or_else(|| Some(guess(rung, clip.rungs.get(rung)?, cores)))
    }

    /// What `rung` would cost by weight and by what `from` costs, which `read` tells of what is seen of it, whatever was
    /// measured of `rung`.
    pub(super) fn guess_beside(
        &self,
        clip: &ClipSignals,
        rung: Rung,
        (from, read): (Rung, fn(&Cost) -> Forecast),
        cores: u32,
    ) -> Option<Forecast> {
        let (there, here) = (clip.rungs.get(rung)?, clip.rungs.get(from)?);
        let seen = here.seen.as_ref().map(read);
        let seen = seen.or_else(|| self.forecast(clip, from, cores))?;
        let by = (guess(rung, there, cores), guess(from, here, cores));
        Some(seen.scaled(by, by))
    }

    /// By weight alone, corrected by how far the last guess was off.
    fn by_guess(&self, signals: &RungSignals, rung: Rung, cores: u32) -> Option<Forecast> {
        let guess = guess(rung, signals, cores);
        let correction = self.guess_was[kind(rung)].or(self.guess_was[1 - kind(rung)]);
        let decode = match correction {
            Some(was) => ratio(guess, was),
            None => signals.prior.map(nanos)?,
        };
        Some(Forecast {
            read: 0,
            decode,
            p90: decode,
        })
    }

    fn visit(&mut self, key: ClipKey) -> &mut Visit {
        self.uses += 1;
        let place = self.visits.iter().position(|visit| visit.key == key);
        let place = place.unwrap_or_else(|| {
            if self.visits.len() == MOST_CLIPS {
                let oldest = (0..MOST_CLIPS).min_by_key(|&at| self.visits[at].used);
                self.visits.swap_remove(oldest.unwrap_or(0));
            }
            self.visits.push(Visit {
                key,
                used: 0,
                known: [None; Rung::ALL.len()],
            });
            self.visits.len() - 1
        });
        let visit = &mut self.visits[place];
        visit.used = self.uses;
        visit
    }
}

/// Which file a rung is decoded from: the source (0) or a proxy (1).
fn kind(rung: Rung) -> usize {
    usize::from(matches!(rung, Rung::Half | Rung::Quarter))
}

/// What a frame of the medium might take, in nanoseconds.
fn guess(rung: Rung, signals: &RungSignals, cores: u32) -> u64 {
    if let Some(prior) = signals.prior {
        return nanos(prior);
    }
    let intra = signals.gop_frames <= 1;
    let picos = match (kind(rung), intra) {
        (0, false) => SOURCE_PICOS,
        (0, true) => INTRA_SOURCE_PICOS,
        (_, false) => PROXY_PICOS,
        (_, true) => INTRA_PROXY_PICOS,
    };
    let threads = u64::from(cores).clamp(1, MOST_CORES);
    let whole = ratio(signals.pixels(), (picos, 1000)) / threads;
    match rung {
        // Frames that no other refers to are small ones; without any, nothing is saved.
        Rung::Thinned if signals.shown_per_mille < 990 => whole / 4 * 3,
        // A keyframe costs more than the frames between.
        Rung::Keyframes => whole / u64::from(signals.gop_frames.max(1)) * 3 / 2,
        Rung::Source | Rung::Thinned | Rung::Half | Rung::Quarter => whole,
    }
}

pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// `value × num / den`; unchanged where the denominator is zero.
pub(super) fn ratio(value: u64, (num, den): (u64, u64)) -> u64 {
    if den == 0 {
        return value;
    }
    let scaled = u128::from(value) * u128::from(num) / u128::from(den);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// Thousandths that `part` is of `whole`.
pub(super) fn per_mille(part: u64, whole: u64) -> u32 {
    let share = u128::from(part) * 1000 / u128::from(whole.max(1));
    u32::try_from(share).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playback::quality::Rungs;

    fn clip(key: u64, source: Option<Cost>, half: Option<Cost>) -> ClipSignals {
        let mut rungs = Rungs::default();
        for (rung, width, gop_frames, seen) in [
            (Rung::Source, 4000, 50, source),
            (Rung::Half, 2000, 1, half),
        ] {
            let signals = RungSignals {
                width,
                height: 1000,
                gop_frames,
                shown_per_mille: 1000,
                prior: None,
                seen,
            };
            rungs.set(rung, Some(signals));
        }
        ClipSignals {
            key: ClipKey(key),
            frame: Duration::from_millis(40),
            rungs,
        }
    }

    fn cost(read_ms: u64, decode_ms: u64) -> Cost {
        let (read, decode) = (
            Duration::from_millis(read_ms),
            Duration::from_millis(decode_ms),
        );
        Cost {
            read,
            decode,
            p90: read + decode,
            least: read + decode,
            but_slowest: read + decode,
            frames: 40,
            shown_per_mille: 1000,
        }
    }

    fn source_of(knowledge: &Knowledge, clip: &ClipSignals) -> (u64, u64) {
        let forecast = knowledge.forecast(clip, Rung::Source, 4).unwrap();
        (forecast.read / 1_000_000, forecast.decode / 1_000_000)
    }

    #[test]
    fn what_is_not_decoded_follows_what_is() {
        let mut knowledge = Knowledge::default();
        let sight = knowledge.learn(&clip(1, Some(cost(10, 60)), None), Rung::Source, 4);
        assert_eq!(sight, Sight::Fresh);
        knowledge.leave(ClipKey(1));
        let half = |read, decode| clip(1, None, Some(cost(read, decode)));
        assert_eq!(
            source_of(&knowledge, &half(4, 8)),
            (10, 60),
            "half was not measured"
        );
        knowledge.learn(&half(4, 8), Rung::Half, 4);
        assert_eq!(source_of(&knowledge, &half(4, 8)), (10, 60));
        knowledge.learn(&half(2, 8), Rung::Half, 4);
        assert_eq!(
            source_of(&knowledge, &half(2, 8)),
            (5, 60),
            "the disk is quicker"
        );
        knowledge.learn(&half(2, 2), Rung::Half, 4);
        assert_eq!(
            source_of(&knowledge, &half(2, 2)),
            (5, 15),
            "and so is the machine"
        );
    }

    #[test]
    fn what_was_never_decoded_is_guessed_from_what_was() {
        let mut knowledge = Knowledge::default();
        let nothing = clip(1, None, None);
        assert_eq!(knowledge.forecast(&nothing, Rung::Source, 4), None);
        knowledge.learn(&clip(1, Some(cost(0, 33)), None), Rung::Source, 4);
        let half = knowledge.forecast(&nothing, Rung::Half, 4).unwrap();
        assert_eq!(
            half.decode, 4_000_000,
            "half the pixels, 0.8 in place of 3.3"
        );
        // Another clip, by what the last guess turned out to be.
        let other = knowledge.forecast(&clip(2, None, None), Rung::Source, 4);
        assert_eq!(other.map(|it| it.decode / 1_000_000), Some(33));
    }

    #[test]
    fn the_clip_used_longest_ago_is_forgotten() {
        let mut knowledge = Knowledge::default();
        for key in 0..100 {
            knowledge.learn(&clip(key, Some(cost(0, key + 1)), None), Rung::Source, 4);
            knowledge.learn(&clip(0, Some(cost(0, 7)), None), Rung::Source, 4);
        }
        assert_eq!(knowledge.visits.len(), MOST_CLIPS);
        let known = |key: u64| {
            knowledge
                .visits
                .iter()
                .any(|visit| visit.key == ClipKey(key))
        };
        assert!(known(0) && known(99) && !known(1) && !known(30));
    }
}

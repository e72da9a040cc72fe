//! Which frames get a thumbnail, level by level.

use super::Parts;
use crate::decode::GopIndex;
use crate::time::{FrameIndex, MediaSpan};

/// Thumbnails of one strip at most: one for every three pixels of the widest bar.
pub const MOST_PICTURES: usize = 600;

/// Levels of a strip.
pub const LEVELS: usize = 3;

/// How large thumbnails are, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StripScale {
    /// Pixels on the longer side.
    pub side: u32,
    /// Time from one thumbnail to the next, by level, the coarse one first.
    pub steps: [MediaSpan; LEVELS],
}

impl Default for StripScale {
    /// 160 pixels; 10 s, 2 s, 0.5 s.
    fn default() -> Self {
        Self {
            side: 160,
            steps: [10_000, 2_000, 500].map(MediaSpan::from_millis),
        }
    }
}

/// A frame that gets a thumbnail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) frame: FrameIndex,
    /// The keyframe that it is, if it is one.
    pub(super) keyframe: Option<usize>,
}

/// What a strip will hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// What each level adds to those before, by frame.
    pub(super) levels: [Vec<Pick>; LEVELS],
    /// No frame is farther than this from a thumbnail of level 0, as a rule.
    pub(super) reach: i64,
}

impl Plan {
    /// Plans at most `most` thumbnails of the frames of a complete `index`, at these steps of time, and only
    /// within `parts` where there are any.
    pub(super) fn new(
        index: &GopIndex,
        steps: [MediaSpan; LEVELS],
        most: usize,
        parts: Option<&Parts>,
    ) -> Self {
        let mut levels: [Vec<Pick>; LEVELS] = std::array::from_fn(|_| Vec::new());
        let is_wanted = |pick: &Pick| {
            let since_first = || {
                let first = index.time_of(FrameIndex::ZERO)?;
                Some(index.time_of(pick.frame)? - first)
            };
            parts.is_none_or(|parts| since_first().is_some_and(|since| parts.include(since)))
        };
        let mut keys = keyframes_shown(index);
        keys.retain(is_wanted);
        let most_cells = i64::try_from(most.max(1)).unwrap_or(i64::MAX);
        let [mut step, ..] = steps;
        while cell_of(index.duration(), step) >= most_cells {
            step = step + step;
        }
        levels[0] = with_gaps_filled(first_of_cells(index, &keys, step), index, step, is_wanted);
        let mut planned = levels[0].len();
        for (level, finer) in steps.into_iter().enumerate().skip(1) {
            let mut picks = first_of_cells(index, &keys, finer);
            let is_new = |pick: &Pick| {
                let known = |level: &Vec<Pick>| {
                    let place = level.binary_search_by_key(&pick.frame, |known| known.frame);
                    place.is_ok()
                };
                !levels.iter().any(known)
            };
            picks.retain(is_new);
            planned += picks.len();
            if planned > most {
                break;
            }
            levels[level] = picks;
        }
        Self {
            levels,
            reach: frames_in(step + step, index),
        }
    }
}

/// The keyframes that are shown, by frame. Edit lists leave some out.
fn keyframes_shown(index: &GopIndex) -> Vec<Pick> {
    let keys = index.keyframes().iter().enumerate();
    let mut keys: Vec<Pick> = keys
        .filter_map(|(number, key)| {
            Some(Pick {
                frame: index.frame_of_pts(key.pts)?,
                keyframe: Some(number),
            })
        })
        .collect();
    keys.dedup_by_key(|pick| pick.frame);
    keys
}

/// The step that a time since the first frame lies in.
fn cell_of(since_first: MediaSpan, step: MediaSpan) -> i64 {
    since_first.flicks().div_euclid(step.flicks().max(1))
}

fn cell_of_frame(index: &GopIndex, frame: FrameIndex, step: MediaSpan) -> Option<i64> {
    let first = index.time_of(FrameIndex::ZERO)?;
    Some(cell_of(index.time_of(frame)? - first, step))
}

/// The first keyframe of each step of time.
fn first_of_cells(index: &GopIndex, keys: &[Pick], step: MediaSpan) -> Vec<Pick> {
    let mut last = None;
    let mut picks = Vec::new();
    for &key in keys {
        let cell = cell_of_frame(index, key.frame, step);
        if cell.is_some() && cell != last {
            last = cell;
            picks.push(key);
        }
    }
    picks
}

/// Adds frames that are wanted where two steps in a row have no keyframe.
fn with_gaps_filled(
    picks: Vec<Pick>,
    index: &GopIndex,
    step: MediaSpan,
    is_wanted: impl Fn(&Pick) -> bool,
) -> Vec<Pick> {
    let (Some(first), false) = (index.time_of(FrameIndex::ZERO), index.is_empty()) else {
        return picks;
    };
    let cells = cell_of(index.duration(), step);
    let mut filled = Vec::with_capacity(picks.len());
    let mut keys = picks.into_iter().peekable();
    let mut has_before = false;
    for cell in 0..=cells {
        let own = keys
            .next_if(|key| cell_of_frame(index, key.frame, step).is_none_or(|place| place <= cell));
        let begin = first + MediaSpan::from_flicks(step.flicks().saturating_mul(cell));
        let pick = own.or_else(|| {
            let frame = index.frame_at(begin).filter(|_| begin < index.end())?;
            // The first cell has nothing before it that could stand in.
            let is_needed = (cell == 0 || !has_before)
                && filled.last().is_none_or(|last: &Pick| last.frame < frame);
            let pick = Pick {
                frame,
                keyframe: None,
            };
            Some(pick).filter(|pick| is_needed && is_wanted(pick))
        });
        has_before = pick.is_some();
        filled.extend(pick);
    }
    filled
}

/// How many frames a span holds on average, at least one.
fn frames_in(span: MediaSpan, index: &GopIndex) -> i64 {
    let duration = i128::from(index.duration().flicks().max(1));
    let frames = i128::from(span.flicks()) * i128::from(index.len()) / duration;
    i64::try_from(frames).unwrap_or(i64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::{IndexBuilder, PacketStamp};
    use crate::time::{FrameRate, MediaTime, TimeBase};

    /// The index of a stream of so many frames a second with a keyframe every so many.
    fn index(fps: u32, frames: i64, gop: i64) -> GopIndex {
        let base = TimeBase::new(1, fps).unwrap();
        let mut builder = IndexBuilder::new(base, FrameRate::new(fps, 1).unwrap(), 0);
        for n in 0..frames {
            builder.push(PacketStamp {
                pts: Some(n),
                dts: Some(n),
                duration: 1,
                is_key: n % gop == 0,
                is_discarded: false,
                position: None,
            });
        }
        builder.publish(true)
    }

    fn planned(index: &GopIndex, most: usize) -> Plan {
        Plan::new(index, StripScale::default().steps, most, None)
    }

    fn frames(picks: &[Pick]) -> Vec<i64> {
        picks.iter().map(|pick| pick.frame.0).collect()
    }

    #[test]
    fn levels_add_keyframes_and_repeat_none() {
        // A minute with a keyframe each second.
        let plan = planned(&index(25, 1_500, 25), MOST_PICTURES);
        assert_eq!(frames(&plan.levels[0]), [0, 250, 500, 750, 1_000, 1_250]);
        assert_eq!(frames(&plan.levels[1])[..3], [50, 100, 150]);
        assert_eq!(plan.levels[1].len(), 24);
        assert_eq!(frames(&plan.levels[2])[..3], [25, 75, 125]);
        assert_eq!(plan.levels[2].len(), 30);
        assert!(
            plan.levels
                .iter()
                .flatten()
                .all(|pick| pick.keyframe == usize::try_from(pick.frame.0 / 25).ok())
        );
        assert_eq!(plan.reach, 500);
    }

    #[test]
    fn long_media_have_a_coarser_step_and_no_more_than_the_limit() {
        // Two hours, a keyframe each second.
        let plan = planned(&index(10, 72_000, 10), MOST_PICTURES);
        assert_eq!(frames(&plan.levels[0])[..3], [0, 200, 400]);
        assert_eq!(plan.levels[0].len(), 360);
        assert!(plan.levels[1].is_empty() && plan.levels[2].is_empty());
    }

    #[test]
    fn gaps_between_keyframes_are_filled_with_frames() {
        // Five minutes behind one keyframe.
        let plan = planned(&index(10, 3_000, 100_000), MOST_PICTURES);
        assert_eq!(frames(&plan.levels[0])[..4], [0, 200, 400, 600]);
        assert_eq!(plan.levels[0][0].keyframe, Some(0));
        assert!(
            plan.levels[0][1..]
                .iter()
                .all(|pick| pick.keyframe.is_none())
        );
        assert!(plan.levels[1].is_empty(), "finer levels are keyframes only");
        // Keyframes somewhat rarer than the step are enough.
        let plan = planned(&index(10, 3_000, 130), MOST_PICTURES);
        assert!(plan.levels[0].iter().all(|pick| pick.keyframe.is_some()));
    }

    #[test]
    fn of_parts_only_what_lies_in_them_is_planned() {
        let at = |seconds| MediaTime::ZERO + MediaSpan::from_secs(seconds);
        let parts = Parts::of([at(41)..at(43), at(1_000)..at(1_001)]);
        let planned = |gop| {
            let index = index(25, 200_000, gop);
            Plan::new(
                &index,
                StripScale::default().steps,
                MOST_PICTURES,
                Some(&parts),
            )
        };
        // More than two hours with a keyframe each second: the step of all of it is 20 s.
        let plan = planned(25);
        assert_eq!(frames(&plan.levels[0]), [1_000, 25_000]);
        assert_eq!(frames(&plan.levels[1])[..4], [1_050, 1_100, 1_150, 1_200]);
        assert_eq!(plan.levels[2].len(), 10);
        // Where there is one keyframe alone, frames in the parts are decoded.
        let plan = planned(1_000_000);
        assert!(!plan.levels[0].is_empty());
        let inside = |frame: i64| parts.include(MediaSpan::from_secs(frame / 25));
        assert!(frames(&plan.levels[0]).into_iter().all(inside));
    }

    #[test]
    fn one_frame_has_one_thumbnail_and_none_has_none() {
        let plan = planned(&index(25, 1, 1), MOST_PICTURES);
        assert_eq!(frames(&plan.levels[0]), [0]);
        let plan = planned(&index(25, 0, 1), MOST_PICTURES);
        assert!(plan.levels.iter().all(Vec::is_empty));
    }

    proptest! {
        #[test]
        fn plans_are_bounded_ascending_and_leave_no_gap(
            fps in 1_u32..61, frames in 1_i64..20_000, gop in 1_i64..3_000, most in 1_usize..700,
        ) {
            let index = index(fps, frames, gop);
            let plan = planned(&index, most);
            let mut all: Vec<i64> = plan.levels.iter().flatten().map(|pick| pick.frame.0).collect();
            prop_assert!(all.len() <= most);
            for level in &plan.levels {
                prop_assert!(level.is_sorted_by_key(|pick| pick.frame));
            }
            all.sort_unstable();
            prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "no frame twice");
            prop_assert_eq!(all.first(), Some(&0));
            // Between two neighbours no frame is farther than the reach from the nearer one.
            let widest = all.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
            prop_assert!(widest <= 2 * plan.reach, "{} of {}", widest, plan.reach);
            prop_assert!(frames - all[all.len() - 1] <= 2 * plan.reach);
        }
    }
}

//! The pictures of an edit: which layers are seen in a frame.

use super::audio::part_of;
use super::compile::MAX_DEPTH;
use super::index::{FrameIndexed, Frames};
use super::line::{FrameTime, View};
use super::op::changes_nothing;
use super::{ClipId, Layer, SourceId, VideoOp};
use crate::time::{FrameIndex, MediaSpan};
use crate::timeline::{Look, Mix, TimeRange, WipeEdge};

/// A number that stands for none.
pub(super) const NONE: u32 = u32::MAX;

/// A clip at one speed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) clip: ClipId,
    pub(super) source: SourceId,
    pub(super) look: Look,
    /// To source time.
    pub(super) view: View,
    pub(super) advance: MediaSpan,
    pub(super) fades: Fades,
    /// The innermost group that it is drawn in.
    pub(super) group: u32,
}

/// What an item's transitions do to it, by number: the one before it and the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fades(pub(super) [u32; 2]);

impl Fades {
    pub(super) const NEVER: Self = Self([NONE; 2]);
}

/// A transition, from the view of an item that it changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fade {
    pub(super) frames: Frames,
    /// Of the track.
    pub(super) view: View,
    pub(super) mixing: Mixing,
    /// In track time.
    pub(super) range: TimeRange,
}

/// How an item is mixed while a transition lasts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mixing {
    Appear,
    Vanish,
    WipeIn(WipeEdge),
    /// Nothing takes its place from the edge that this one is the opposite of.
    WipeOut(WipeEdge),
}

impl Mixing {
    /// `part` is how far the transition has come.
    fn mix(self, part: f32) -> Mix {
        match self {
            Self::Appear => Mix::Over(part),
            Self::Vanish => Mix::Over(1.0 - part),
            Self::WipeIn(edge) => Mix::Wipe {
                edge,
                progress: part,
            },
            Self::WipeOut(edge) => Mix::Wipe {
                edge,
                progress: 1.0 - part,
            },
        }
    }
}

/// A composition that is not always the same as its layers without it.
#[derive(Debug, Clone, Copy)]
struct Group {
    parent: u32,
    /// Groups it stands in, itself included.
    depth: usize,
    look: Look,
    fades: Fades,
}

/// What is seen when.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    /// In the order in which they are drawn.
    pub(super) events: Vec<Event>,
    /// When each of them holds.
    pub(super) frames: Vec<Frames>,
    pub(super) fades: Vec<Fade>,
    groups: Vec<Group>,
    index: FrameIndexed,
    /// Where the picture changes to another clip's.
    pub(super) cuts: Vec<FrameIndex>,
    /// Clips by first frame.
    pub(super) by_first: Vec<(i64, ClipId)>,
    /// Clips by last frame.
    pub(super) by_last: Vec<(i64, ClipId)>,
}

impl Pictures {
    /// Adds a group and answers its number.
    pub(super) fn add_group(&mut self, parent: u32, look: Look, fades: Fades) -> u32 {
        let number = u32::try_from(self.groups.len()).unwrap_or(NONE);
        let depth = self.group(parent).map_or(1, |parent| parent.depth + 1);
        self.groups.push(Group {
            parent,
            depth,
            look,
            fades,
        });
        number
    }

    /// Puts everything in order once the walk is over; `frames` is the length of the timeline.
    pub(super) fn finish(&mut self, frames: i64) {
        self.index = FrameIndexed::new(&self.frames);
        self.cuts.retain(|cut| 0 < cut.0 && cut.0 < frames);
        self.cuts.sort_unstable();
        self.cuts.dedup();
        self.by_first.sort_unstable();
        self.by_last.sort_unstable();
    }

    /// The layers of `frame`, which is at `time`. `out` is empty at first.
    pub(super) fn at(&self, frame: FrameIndex, time: FrameTime, out: &mut Vec<VideoOp>) {
        let mut drawing = Drawing {
            pictures: self,
            frame: frame.0,
            time,
            open: [(NONE, None); MAX_DEPTH + 1],
            depth: 0,
            out,
        };
        for number in self.index.at(frame.0) {
            if let Some(event) = self.events.get(number as usize) {
                drawing.event(event);
            }
        }
        drawing.leave_to(0);
    }

    fn group(&self, number: u32) -> Option<&Group> {
        self.groups.get(number as usize)
    }

    fn mix(&self, fades: Fades, frame: i64, time: FrameTime) -> Mix {
        let held = |number: u32| {
            let fade = self.fades.get(number as usize)?;
            fade.frames.contains(frame).then_some(fade)
        };
        // An item's transitions never meet, so at most one holds.
        let [entering, leaving] = fades.0;
        held(entering)
            .or_else(|| held(leaving))
            .map_or(Mix::FULL, |fade| {
                let passed = fade.view.sampled(time) - fade.range.start;
                fade.mixing.mix(part_of(passed, fade.range.duration))
            })
    }
}

/// A frame being put together.
struct Drawing<'a> {
    pictures: &'a Pictures,
    frame: i64,
    time: FrameTime,
    /// The groups that are open, outermost first, and where each begins in `out`; nowhere for one that
    /// changes nothing in this frame.
    open: [(u32, Option<usize>); MAX_DEPTH + 1],
    depth: usize,
    out: &'a mut Vec<VideoOp>,
}

impl Drawing<'_> {
    fn event(&mut self, event: &Event) {
        self.enter(event.group);
        self.out.push(VideoOp::Layer(Layer {
            clip: event.clip,
            source: event.source,
            media: event.view.at_start_of(self.time),
            advance: event.advance,
            look: event.look,
            mix: self.pictures.mix(event.fades, self.frame, self.time),
        }));
    }

    /// Makes `group` the innermost one that is open.
    fn enter(&mut self, group: u32) {
        if self.innermost() == group {
            return;
        }
        let Some(inner) = self.pictures.group(group) else {
            return self.leave_to(0);
        };
        // What is open beyond a common outer group is over, for a group is met once in a frame.
        let mut common = (group, inner);
        let mut shared = 0;
        loop {
            let (number, found) = common;
            if self.open.get(found.depth - 1).map(|open| open.0) == Some(number)
                && found.depth <= self.depth
            {
                shared = found.depth;
                break;
            }
            let Some(parent) = self.pictures.group(found.parent) else {
                break;
            };
            common = (found.parent, parent);
        }
        self.leave_to(shared);
        self.open_below(group, inner.depth);
    }

    fn innermost(&self) -> u32 {
        let last = self
            .depth
            .checked_sub(1)
            .and_then(|last| self.open.get(last));
        last.map_or(NONE, |&(group, _)| group)
    }

    /// Opens `group` and those it stands in which are not open yet.
    fn open_below(&mut self, group: u32, depth: usize) {
        while self.depth < depth {
            let mut number = group;
            let mut found = self.pictures.group(number);
            while let Some(outer) = found.filter(|outer| outer.depth > self.depth + 1) {
                number = outer.parent;
                found = self.pictures.group(number);
            }
            let (Some(found), Some(place)) = (found, self.open.get_mut(self.depth)) else {
                return;
            };
            let mix = self.pictures.mix(found.fades, self.frame, self.time);
            let begin = (!changes_nothing(&found.look, mix)).then_some(self.out.len());
            *place = (number, begin);
            self.depth += 1;
            self.out.extend(begin.map(|_| VideoOp::BeginGroup));
        }
    }

    /// Ends groups until `depth` are open.
    fn leave_to(&mut self, depth: usize) {
        while self.depth > depth {
            self.depth -= 1;
            let Some(&(number, Some(begin))) = self.open.get(self.depth) else {
                continue;
            };
            let Some(group) = self.pictures.group(number) else {
                continue;
            };
            let mix = self.pictures.mix(group.fades, self.frame, self.time);
            let only = match self.out.get(begin + 1..) {
                Some([VideoOp::Layer(layer)]) => layer.without_group(group.look, mix),
                _ => None,
            };
            if let Some(layer) = only {
                self.out.truncate(begin);
                self.out.push(VideoOp::Layer(layer));
            } else {
                self.out.push(VideoOp::EndGroup {
                    look: group.look,
                    mix,
                });
            }
        }
    }
}

//! One decode session in the service of a clip.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::media::ClipMedia;
use super::steer::FeedLook;
use super::worker::Now;
use crate::decode::{
    FrameConsumer, Generation, Hand, LoopMode, Picture, PlannedFrame, RingItem, RunAnchor, Rung,
    SharedAnchor, SourceStatus, VideoPlan, VideoSource,
};
use crate::media::Size;
use crate::time::{FrameIndex, MediaSpan};
use crate::timeline::{ClipId, Layer, SourceId};

/// One appearance of a clip in a plan: the same clip in the next lap of a loop is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) clip: ClipId,
    pub(super) lap: u32,
}

/// A frame further ahead than this is sought, not decoded up to: the session knows best whether a
/// keyframe lies between.
const REACH_FRAMES: i64 = 12;

/// Which frame a session must deliver next, and how it goes on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aim {
    /// The frame.
    pub(super) frame: FrameIndex,
    /// Whether the source runs backwards.
    pub(super) reverse: bool,
    /// Every how manyth frame follows.
    pub(super) stride: NonZeroU32,
    /// The last frame that the clip will want, in the direction of travel, as far as that is known.
    pub(super) until: Option<FrameIndex>,
}

/// What a feed has for the frame that is wanted.
pub(super) enum Got<'a> {
    /// It.
    Frame(&'a PlannedFrame),
    /// Not yet.
    Wait,
    /// The session gave it up, for it could only have been late.
    GivenUp,
}

/// Where a session's frames fall in the timeline's run time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The timeline's plan.
    pub(super) generation: Generation,
    /// The timeline's run time at which the session's first frame is due.
    pub(super) begin: MediaSpan,
    /// Source time that passes in a frame of the timeline.
    pub(super) advance: MediaSpan,
    /// How long that frame is.
    pub(super) frame: MediaSpan,
}

/// A session, its ring and its last picture.
pub(super) struct Feed {
    pub(super) source: SourceId,
    pub(super) media: Arc<ClipMedia>,
    pub(super) session: Box<dyn VideoSource>,
    /// The clip that it serves now, or served last.
    pub(super) user: Option<Use>,
    /// Grows with every use; the least is closed first.
    pub(super) used: u64,
    frames: FrameConsumer,
    anchor: SharedAnchor,
    generation: Generation,
    plan: Option<VideoPlan>,
    pace: Option<Pace>,
    current: Option<PlannedFrame>,
    /// The frame that was answered last.
    reached: Option<FrameIndex>,
    ended: bool,
    // What is decoded.
    /// What it is asked for.
    asked: Rung,
    /// What it was asked for when it was aimed.
    aimed_rung: Rung,
    /// Whether it was asked to leave frames out since then.
    was_thinned: bool,
    /// For what its clip was chosen; nothing yet.
    chosen: Option<Chosen>,
    /// Frames left out that were counted.
    left_out: u64,
    /// What can be asked for, and the session's revision of it.
    rungs: (u64, Arc<[(Rung, Size)]>),
}

/// What a choice was made with: where it is another now, it is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chosen {
    /// The chooser's revision.
    pub(super) revision: u64,
    /// Whether there were proxies.
    pub(super) has_proxies: bool,
}

/// Whether frames are left out on purpose.
fn leaves_out(rung: Rung) -> bool {
    matches!(rung, Rung::Thinned | Rung::Keyframes)
}

/// What can be asked for: of a single picture nothing.
fn rungs_of(media: &ClipMedia, session: &dyn VideoSource) -> Arc<[(Rung, Size)]> {
    if media.stream.is_still {
        Arc::default()
    } else {
        session.rungs().into()
    }
}

impl Feed {
    pub(super) fn new(
        source: SourceId,
        media: Arc<ClipMedia>,
        session: Box<dyn VideoSource>,
        frames: FrameConsumer,
        anchor: SharedAnchor,
    ) -> Self {
        let rungs = (session.rungs_revision(), rungs_of(&media, &*session));
        Self {
            source,
            media,
            session,
            user: None,
            used: 0,
            frames,
            anchor,
            generation: Generation::default(),
            plan: None,
            pace: None,
            current: None,
            reached: None,
            ended: false,
            asked: Rung::Source,
            aimed_rung: Rung::Source,
            was_thinned: false,
            chosen: None,
            left_out: 0,
            rungs,
        }
    }

    /// The session serves this clip from now on. What is decoded of it is to be chosen, if it did not before.
    pub(super) fn serve(&mut self, user: Use) {
        if self.user.replace(user) != Some(user) {
            self.chosen = None;
        }
    }

    /// Asks for this rung from the next frame on.
    pub(super) fn ask(&mut self, rung: Rung) {
        if std::mem::replace(&mut self.asked, rung) != rung {
            self.session.set_rung(rung);
            self.was_thinned |= leaves_out(rung);
        }
    }

    /// What the last choice for its clip was made with.
    pub(super) fn chosen(&self) -> Option<Chosen> {
        self.chosen
    }

    /// Notes what the choice for its clip was made with.
    pub(super) fn set_chosen(&mut self, chosen: Option<Chosen>) {
        self.chosen = chosen;
    }

    /// A session that decodes something else than what it was aimed with is aimed anew, for a frame that is held
    /// is wanted once more then; and so is one that leaves frames out, or did: what a plan begins with is shown
    /// exactly, and may be missing in what waits in the ring.
    pub(super) fn begin_anew(&mut self) {
        if self.asked != self.aimed_rung || self.was_thinned {
            self.plan = None;
            self.current = None;
            self.reached = None;
        }
    }

    /// Whether it was told what to deliver.
    pub(super) fn is_aimed(&self) -> bool {
        self.plan.is_some()
    }

    /// Looks at what can be asked for, where that is something else now.
    pub(super) fn learn_rungs(&mut self) {
        let revision = self.session.rungs_revision();
        if self.rungs.0 != revision {
            self.rungs = (revision, rungs_of(&self.media, &*self.session));
        }
    }

    fn rungs(&self) -> Arc<[(Rung, Size)]> {
        let (revision, rungs) = &self.rungs;
        if *revision == self.session.rungs_revision() {
            Arc::clone(rungs)
        } else {
            rungs_of(&self.media, &*self.session)
        }
    }

    /// It as those see it who choose what is decoded. Nothing while it serves nobody.
    pub(super) fn look(&self, status: &SourceStatus, present: &[Use]) -> Option<FeedLook> {
        let user = self.user?;
        let stream = &self.media.stream;
        let whole = self.media.whole_index();
        Some(FeedLook {
            user,
            is_present: present.contains(&user),
            key: self.media.key(),
            size: stream.size,
            span: stream.rate.frame_span_nearest(),
            rungs: self.rungs(),
            index: whole.unwrap_or_else(|| self.session.index()),
            asked: self.asked,
            rung: status.rung,
            has_proxies: status.has_proxies,
            proxy_gop: self.session.proxy_gop(FrameIndex::ZERO),
            cost: status.cost,
            ring_fill: status.ring_fill,
        })
    }

    /// Frames left out since the last call.
    pub(super) fn take_left_out(&mut self, status: &SourceStatus) -> u64 {
        let before = std::mem::replace(&mut self.left_out, status.left_out);
        status.left_out.saturating_sub(before)
    }

    /// Whether the session comes to `aim` soon by going on as it does.
    pub(super) fn reaches(&self, aim: &Aim) -> bool {
        let Some(plan) = &self.plan else { return false };
        let is_here = |frame: &PlannedFrame| frame.index == aim.frame;
        if self.current.as_ref().is_some_and(is_here) {
            return true;
        }
        let ahead = |from: FrameIndex| {
            let distance = aim.frame.0 - from.0;
            if plan.reverse { -distance } else { distance }
        };
        let stride = i64::from(plan.stride.get());
        let at = self
            .current
            .as_ref()
            .map_or(plan.start, |frame| frame.index);
        // Where frames are left out the picture may be of long before the frame that it was shown for.
        let reached = self.reached.map_or(at, |reached| reached);
        let distance = ahead(at).min(ahead(reached));
        let within = match (plan.reverse, plan.last) {
            (true, _) => aim.frame >= plan.first,
            (false, Some(last)) => aim.frame <= last,
            (false, None) => true,
        };
        plan.reverse == aim.reverse
            && within
            && distance >= 0
            && distance <= REACH_FRAMES * stride
            && (aim.frame.0 - plan.start.0) % stride == 0
            && (plan.stride == aim.stride || distance == 0 || plan.stride == NonZeroU32::MIN)
    }

    /// The frame that is seen in `layer`, as far as the frames are known.
    pub(super) fn frame_of(&self, layer: &Layer) -> Option<FrameIndex> {
        match self.media.whole_index() {
            Some(index) => self.media.frame_of(layer, &index),
            None => self.media.frame_of(layer, &self.session.index()),
        }
    }

    /// What `layer` wants of the session at a frame of the plan.
    pub(super) fn aim_of(&self, layer: &Layer, now: &Now) -> Option<Aim> {
        let step = layer.advance.scaled_nearest(i64::from(now.stride.get()), 1);
        Some(Aim {
            frame: self.frame_of(layer)?,
            reverse: (layer.advance < MediaSpan::ZERO) != now.reverse,
            stride: self.media.whole_stride(step),
            until: None,
        })
    }

    /// Leaves the session at its plan, which comes to `aim` at `pace.begin`.
    pub(super) fn go_on(&mut self, aim: &Aim, pace: Pace) {
        let Some(plan) = self.plan else { return };
        if self
            .pace
            .is_some_and(|old| old.generation == pace.generation)
        {
            return;
        }
        // The plan's first frame would have been due earlier by what lies between.
        let frames = (aim.frame.0 - plan.start.0).abs();
        let span = self.media.stream.rate.frame_span_nearest();
        let before = span
            .scaled_nearest(frames, 1)
            .scaled_nearest(pace.frame.flicks(), pace.advance.flicks().abs().max(1));
        self.pace = Some(Pace {
            begin: pace.begin - before,
            ..pace
        });
    }

    /// Makes the session deliver `aim` and what follows, while the playhead moves along `line`.
    pub(super) fn aim(&mut self, aim: &Aim, pace: Pace, line: Option<&RunAnchor>) {
        self.generation = self.generation.next();
        let (first, last) = if aim.reverse {
            (aim.until.unwrap_or(FrameIndex::ZERO), None)
        } else {
            (FrameIndex::ZERO, aim.until)
        };
        let plan = VideoPlan {
            generation: self.generation,
            start: aim.frame,
            first: first.min(aim.frame),
            last: last.map(|last| last.max(aim.frame)),
            reverse: aim.reverse,
            stride: aim.stride,
            repeat: LoopMode::Off,
        };
        self.plan = Some(plan);
        self.current = None;
        self.reached = None;
        self.aimed_rung = self.asked;
        self.was_thinned = leaves_out(self.asked);
        self.ended = false;
        self.pace = Some(pace);
        // Before the plan: from its first frame the session knows that it runs.
        self.follow(line);
        while self.frames.pop().is_some() {}
        self.session.set_plan(plan);
    }

    /// Lets the session decode what lies around `aim`, where a hand is, if its plan comes to that at all.
    pub(super) fn follow_hand(&mut self, aim: &Aim) -> bool {
        let is_inside = |plan: &VideoPlan| {
            aim.frame >= plan.first && plan.last.is_none_or(|last| aim.frame <= last)
        };
        let follows = self.plan.as_ref().is_some_and(is_inside);
        if follows {
            self.session.follow_hand(Hand {
                frame: aim.frame,
                reverse: aim.reverse,
            });
        }
        follows
    }

    /// Tells the session how the playhead moves, in its own run time.
    pub(super) fn follow(&self, line: Option<&RunAnchor>) {
        let mapped = line.zip(self.pace).and_then(|(line, pace)| {
            let (part, whole) = (pace.advance.flicks().abs(), pace.frame.flicks().max(1));
            (line.generation == pace.generation && part > 0).then(|| RunAnchor {
                generation: self.generation,
                at: line.at,
                run: (line.run - pace.begin).scaled_nearest(part, whole),
                rate_ppb: MediaSpan::from_flicks(line.rate_ppb)
                    .scaled_nearest(part, whole)
                    .flicks(),
            })
        });
        self.anchor.store(mapped.map(Arc::new));
    }

    /// Brings the ring forward to `wanted`, which the plan was aimed at or comes to. With `any`, a later
    /// frame is taken in the place of one that was given up.
    pub(super) fn take(&mut self, wanted: FrameIndex, any: bool) -> Got<'_> {
        let reverse = self.plan.is_some_and(|plan| plan.reverse);
        let is_past = |index: FrameIndex| {
            if reverse {
                index < wanted
            } else {
                index > wanted
            }
        };
        loop {
            if self
                .current
                .as_ref()
                .is_some_and(|frame| frame.index == wanted)
            {
                break;
            }
            let Some(item) = self.frames.peek() else {
                if self.ended {
                    break;
                }
                return Got::Wait;
            };
            if item.generation() != self.generation {
                let _stale = self.frames.pop();
                continue;
            }
            // What was left out on purpose is not made up for by what comes after it.
            let stays = leaves_out(self.asked) && self.current.is_some();
            if let RingItem::Frame(frame) = item
                && is_past(frame.index)
                && (!any || stays && frame.given_up == 0)
            {
                if frame.given_up > 0 {
                    return Got::GivenUp;
                }
                // The session passed over it for another reason: the one before stays.
                if self.current.is_some() {
                    break;
                }
            }
            match self.frames.pop() {
                Some(RingItem::Frame(frame)) => {
                    let past = is_past(frame.index);
                    self.keep(frame);
                    if past {
                        break;
                    }
                }
                Some(RingItem::End { .. }) => self.ended = true,
                None => return Got::Wait,
            }
        }
        if self.current.is_some() {
            self.reached = Some(wanted);
        }
        match &self.current {
            Some(frame) => Got::Frame(frame),
            None => Got::Wait,
        }
    }

    /// Keeps a frame as the present one. One without a picture leaves the picture before it in place.
    fn keep(&mut self, mut frame: PlannedFrame) {
        if matches!(frame.picture, Picture::Missing(_))
            && let Some(before) = &self.current
            && matches!(before.picture, Picture::Frame(_))
        {
            frame.picture = before.picture.clone();
        }
        self.current = Some(frame);
    }
}

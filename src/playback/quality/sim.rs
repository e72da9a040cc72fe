//! A small model of a player, for the controller's tests: decoder threads, a ring, a display of fixed rate,
//! and costs by script. All in integers and from a seed: the same run every time.

use std::collections::VecDeque;
use std::time::Duration;

use super::{
    Activity, ClipKey, ClipSignals, Controller, Decision, Policy, PresentCost, RungSignals, Rungs,
    Signals,
};
use crate::decode::{CostMeter, Rung};
use crate::memory::Pressure;
use crate::time::Moment;

/// How often the controller is asked.
const ASK: u64 = 100 * MS;

/// How long before a cut the next clip's rung is chosen and its first frames are decoded.
const PREROLL: u64 = 1000 * MS;

/// Decoding that is later than this gives frames up, in gaps no longer than the second.
const LATE: u64 = 60 * MS;
const LONGEST_GAP: u64 = 100 * MS;

pub(super) const MS: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1000 * MS;

/// A rung of a clip, as it truly is.
#[derive(Debug, Clone, Copy)]
pub(super) struct RungModel {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) gop: u64,
    /// Time of one core for an average frame.
    pub(super) decode: u64,
    /// Time to read an average frame.
    pub(super) read: u64,
}

/// A clip: its source, and the proxies there are of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClipModel {
    pub(super) key: u64,
    pub(super) source: RungModel,
    pub(super) half: Option<RungModel>,
    pub(super) quarter: Option<RungModel>,
    /// Whether every second frame of the source is referred to by no other.
    pub(super) has_b_frames: bool,
}

/// What happens.
#[derive(Clone, Copy)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) fps: u64,
    pub(super) cores: u64,
    pub(super) ring_frames: u64,
    pub(super) seconds: u64,
    /// Clips in turn, each so many seconds long; 0 is endless.
    pub(super) clips: &'static [ClipModel],
    pub(super) clip_seconds: u64,
    /// Playing for so long, and resting for so long, in turn; no rests where both are 0.
    pub(super) turns: (u64, u64),
    /// What decoding takes at a time, in thousandths of what it takes on an idle machine.
    pub(super) load: fn(u64) -> u64,
    /// The same for reading.
    pub(super) disk: fn(u64) -> u64,
    /// Costs vary by so many thousandths, up and down.
    pub(super) noise: u64,
    pub(super) present: PresentCost,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub(super) frames: u64,
    pub(super) shown: u64,
    /// When the rung changed, and to which; choices at cuts are marked.
    pub(super) changes: Vec<(u64, Rung, bool)>,
    pub(super) decisions: Vec<(u64, Decision)>,
    pub(super) nanos_at: [u64; Rung::ALL.len()],
}

impl Outcome {
    pub(super) fn shown_per_mille(&self) -> u64 {
        self.shown * 1000 / self.frames.max(1)
    }

    /// Changes that are not choices at cuts, in a stretch of time.
    pub(super) fn switches(&self, from: u64, until: u64) -> Vec<(u64, Rung)> {
        let own = self.changes.iter().filter(|(_, _, at_cut)| !at_cut);
        own.filter(|(at, ..)| (from..until).contains(at))
            .map(|&(at, rung, _)| (at, rung))
            .collect()
    }

    pub(super) fn rung_at(&self, at: u64) -> Rung {
        let before = self.decisions.iter().rev().find(|(when, _)| *when <= at);
        before.map_or(Rung::Source, |(_, decision)| decision.rung)
    }
}

/// Numbers that look random, the same each time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}

enum Driver {
    Constant(Rung),
    Controller(Box<Controller>),
}

/// Plays the scenario with a controller.
pub(super) fn play(scenario: &Scenario, policy: Policy) -> Outcome {
    Player::new(
        scenario,
        Driver::Controller(Box::new(Controller::new(policy))),
    )
    .run()
}

/// The constant rung that shows most, and what it shows.
pub(super) fn best_constant(scenario: &Scenario) -> (Rung, Outcome) {
    let played = Rung::ALL
        .into_iter()
        .filter(|&rung| scenario.clips.iter().all(|clip| clip.model(rung).is_some()))
        .map(|rung| (rung, Player::new(scenario, Driver::Constant(rung)).run()));
    // The best of equals is the first.
    let played: Vec<_> = played.collect();
    let best = played
        .into_iter()
        .rev()
        .max_by_key(|(_, outcome)| outcome.shown);
    best.expect("a clip has its source")
}

impl ClipModel {
    fn model(&self, rung: Rung) -> Option<RungModel> {
        match rung {
            Rung::Source | Rung::Thinned | Rung::Keyframes => Some(self.source),
            Rung::Half => self.half,
            Rung::Quarter => self.quarter,
        }
    }

    /// Cost of a frame by its place in the GOP, in thousandths of an average one.
    fn share(&self, frame: u64) -> u64 {
        match (self.has_b_frames, self.is_left_out(frame)) {
            (false, _) => 1000,
            (true, true) => 640,
            (true, false) => 1360,
        }
    }

    fn is_left_out(&self, frame: u64) -> bool {
        self.has_b_frames && !frame.is_multiple_of(self.source.gop) && !frame.is_multiple_of(2)
    }

    /// Whether `rung` has this frame.
    fn shows(&self, rung: Rung, frame: u64) -> bool {
        match rung {
            Rung::Thinned => !self.is_left_out(frame),
            Rung::Keyframes => frame.is_multiple_of(self.source.gop),
            Rung::Source | Rung::Half | Rung::Quarter => true,
        }
    }
}

struct Player<'a> {
    scenario: &'a Scenario,
    driver: Driver,
    dice: Dice,
    now: u64,
    interval: u64,
    /// When frame 0 is due; set when the first frames are there.
    start: Option<u64>,
    is_resting: bool,
    /// The frame whose time it is.
    due: u64,
    ring: VecDeque<u64>,
    /// The frame that the decoder works on next, and until when it is busy with the one before.
    next: u64,
    busy: Option<Work>,
    skipped: u64,
    /// Read and decoded for frames that were left out since the last delivery.
    carried: (u64, u64),
    rung: Rung,
    wanted: Rung,
    meters: [CostMeter; Rung::ALL.len()],
    presenter_free_at: u64,
    scale_percent: u64,
    late: u64,
    clip: usize,
    chosen_for: Option<usize>,
    chosen: Rung,
    outcome: Outcome,
}

struct Work {
    frame: u64,
    until: u64,
    read: u64,
    decode: u64,
    is_shown: bool,
}

impl<'a> Player<'a> {
    fn new(scenario: &'a Scenario, driver: Driver) -> Self {
        let rung = match &driver {
            Driver::Constant(rung) => *rung,
            Driver::Controller(_) => Rung::Source,
        };
        let mut player = Self {
            scenario,
            driver,
            dice: Dice(0x9E37_79B9_7F4A_7C15),
            now: 0,
            interval: SECOND / scenario.fps,
            start: None,
            is_resting: false,
            due: 0,
            ring: VecDeque::new(),
            next: 0,
            busy: None,
            skipped: 0,
            carried: (0, 0),
            rung,
            wanted: rung,
            meters: <[CostMeter; Rung::ALL.len()]>::default(),
            presenter_free_at: 0,
            scale_percent: 100,
            late: 0,
            clip: 0,
            chosen_for: None,
            chosen: rung,
            outcome: Outcome::default(),
        };
        player.ask();
        player.rung = player.wanted;
        player
    }

    fn run(mut self) -> Outcome {
        let mut next_ask = ASK;
        let end = self.scenario.seconds * SECOND;
        while self.now < end {
            if self.follow_turns() {
                self.start_work();
            }
            let done = self.busy.as_ref().map(|work| work.until);
            let due = self.start.map(|_| self.due_at(self.due));
            let events = [done, due, self.next_turn(), Some(next_ask)];
            let next = events.into_iter().flatten().min().unwrap_or(end);
            self.outcome.nanos_at[self.rung as usize] += next - self.now.min(next);
            self.now = next.max(self.now);
            if done.is_some_and(|at| at <= self.now) {
                self.finish_work();
            }
            if self.start.is_none() && self.ring.len() as u64 >= self.scenario.ring_frames.min(3) {
                self.start = Some(self.now.saturating_sub(self.due * self.interval));
            }
            if due.is_some_and(|at| at <= self.now) {
                self.present();
            }
            if next_ask <= self.now {
                self.ask();
                next_ask += ASK;
            }
        }
        self.outcome
    }

    /// Whether it plays. With each turn the frames that wait are thrown away.
    fn follow_turns(&mut self) -> bool {
        let (plays, rests) = self.scenario.turns;
        let is_resting = rests > 0 && self.now % (plays + rests) >= plays;
        if is_resting != self.is_resting {
            self.is_resting = is_resting;
            self.start = None;
            self.busy = None;
            self.ring.clear();
            (self.next, self.skipped, self.carried) = (self.due, 0, (0, 0));
            // The engine looks at once.
            self.ask();
            self.rung = self.wanted;
            self.meters = <[CostMeter; Rung::ALL.len()]>::default();
        }
        !is_resting
    }

    fn next_turn(&self) -> Option<u64> {
        let (plays, rests) = self.scenario.turns;
        let turn = plays + rests;
        let begun = self.now - self.now % turn.max(1);
        let turns = [begun + plays, begun + turn];
        turns.into_iter().find(|&at| rests > 0 && at > self.now)
    }

    fn due_at(&self, frame: u64) -> u64 {
        self.start.unwrap_or(self.now) + frame * self.interval
    }

    fn clip(&self) -> &'a ClipModel {
        &self.scenario.clips[self.clip % self.scenario.clips.len()]
    }

    fn clip_frames(&self) -> u64 {
        self.scenario.clip_seconds * self.scenario.fps
    }

    fn ahead(&self) -> u64 {
        let last = self.ring.back().map_or(self.due, |last| last + 1);
        (last * self.interval).saturating_sub(self.due * self.interval)
    }

    /// The decoder takes the next frame, if it is free and there is room.
    fn start_work(&mut self) {
        while self.busy.is_none() && (self.ring.len() as u64) < self.scenario.ring_frames {
            let end = (self.clip as u64 + 1) * self.clip_frames();
            if self.clip_frames() > 0 && self.next >= end {
                return;
            }
            self.take_switch();
            if self.jumps() {
                continue;
            }
            let frame = self.next;
            let clip = self.clip();
            let behind = self.gives_up(frame);
            let is_shown = clip.shows(self.rung, frame) && !behind;
            let model = clip
                .model(self.rung)
                .expect("only what is there is decoded");
            let of_source = matches!(self.rung, Rung::Source | Rung::Thinned | Rung::Keyframes);
            let skips = match self.rung {
                Rung::Keyframes => !is_shown,
                Rung::Half | Rung::Quarter => behind && model.gop == 1,
                Rung::Source | Rung::Thinned => !is_shown && clip.is_left_out(frame),
            };
            let scenario = self.scenario;
            let spread = 1000 + self.dice.below(2 * scenario.noise + 1) - scenario.noise;
            let share = if of_source { clip.share(frame) } else { 1000 };
            let read = model.read * (scenario.disk)(self.now) / 1000;
            let threads = scenario.cores.min(8);
            let decode = model.decode * share / 1000 * spread / 1000 * (scenario.load)(self.now)
                / 1000
                / threads;
            self.next += 1;
            let (read, decode) = match (skips, self.rung) {
                // Where it stands in the file is known: nothing is read.
                (true, Rung::Keyframes | Rung::Half | Rung::Quarter) => (0, 0),
                (true, _) => (read / 2, 0),
                (false, _) => (read, decode),
            };
            self.busy = Some(Work {
                frame,
                until: self.now + read + decode,
                read,
                decode,
                is_shown,
            });
        }
    }

    /// Whether a frame can only be late.
    fn is_late(&self, frame: u64) -> bool {
        let slack = if self.skipped == 0 { LATE } else { 0 };
        self.start.is_some() && self.due_at(frame + 1) + slack < self.now
    }

    /// Goes on at the next keyframe, where that is due already.
    fn jumps(&mut self) -> bool {
        let gop = self.clip().model(self.rung).map_or(1, |model| model.gop);
        let keyframe = self.next.next_multiple_of(gop);
        let jumps =
            keyframe > self.next && self.is_late(self.next) && self.due_at(keyframe) <= self.now;
        if jumps {
            self.skipped += keyframe - self.next;
            self.next = keyframe;
        }
        jumps
    }

    /// Whether the frame is given up, for it can only be late.
    fn gives_up(&self, frame: u64) -> bool {
        let gop = self.clip().model(self.rung).map_or(1, |model| model.gop);
        self.is_late(frame) && (self.skipped * self.interval < LONGEST_GAP || gop == 1)
    }

    fn finish_work(&mut self) {
        let Some(work) = self.busy.take() else { return };
        let meter = &mut self.meters[self.rung as usize];
        let nanos = Duration::from_nanos;
        if !work.is_shown {
            self.skipped += 1;
            // What is left out is paid for by the frame that comes after it.
            self.carried.0 += work.read;
            self.carried.1 += work.decode;
            return;
        }
        let frames = u32::try_from(self.skipped + 1).unwrap_or(u32::MAX);
        let (read, decode) = std::mem::take(&mut self.carried);
        meter.add(frames, nanos(work.read + read), nanos(work.decode + decode));
        self.skipped = 0;
        self.ring.push_back(work.frame);
        // Its time runs already: late, but seen. One whose time is over shows what nobody should see any
        // more, and does not count.
        if self.start.is_some() && work.frame < self.due {
            self.ring.pop_back();
            self.late += 1;
            if work.frame + 1 == self.due {
                self.show();
            }
        }
    }

    /// The time of the next frame has come.
    fn present(&mut self) {
        let frame = self.due;
        self.due += 1;
        self.outcome.frames += 1;
        self.follow_cut();
        while self.ring.front().is_some_and(|&first| first < frame) {
            self.ring.pop_front();
        }
        if self.ring.front() == Some(&frame) {
            self.ring.pop_front();
            self.show();
        } else if self.clip().shows(self.rung, frame) {
            self.late += 1;
        }
    }

    fn show(&mut self) {
        if self.presenter_free_at > self.now {
            self.late += 1;
            return;
        }
        let present = &self.scenario.present;
        let area = self.scale_percent * self.scale_percent;
        let shown = nanos_of(present.convert) + nanos_of(present.render);
        self.presenter_free_at = self.now + nanos_of(self.upload()) + shown * area / 10_000;
        self.outcome.shown += 1;
    }

    /// Time to upload a frame of the present rung; the scenario's is that of a source.
    fn upload(&self) -> Duration {
        let (clip, whole) = (self.clip(), self.clip().source.width);
        let width = clip.model(self.rung).map_or(whole, |model| model.width);
        self.scenario.present.upload * (width * 100 / whole).pow(2) / 10_000
    }

    /// At a cut the next clip's session stands ready with its first frames.
    fn follow_cut(&mut self) {
        let frames = self.clip_frames();
        if frames == 0 || self.due - 1 < (self.clip as u64 + 1) * frames {
            return;
        }
        self.clip += 1;
        self.busy = None;
        self.skipped = 0;
        self.carried = (0, 0);
        self.meters = <[CostMeter; Rung::ALL.len()]>::default();
        if self.chosen_for == Some(self.clip) {
            (self.rung, self.wanted) = (self.chosen, self.chosen);
            self.outcome.changes.push((self.now, self.chosen, true));
        }
        let first = self.clip as u64 * frames;
        self.ring = (first..first + self.scenario.ring_frames)
            .filter(|&frame| self.clip().shows(self.rung, frame))
            .collect();
        self.next = first + self.scenario.ring_frames;
    }

    /// Another rung takes over at any frame where it can begin there, else at its next keyframe.
    fn take_switch(&mut self) {
        if self.wanted == self.rung {
            return;
        }
        let gop = self.clip().model(self.wanted).map_or(1, |model| model.gop);
        let thins = (self.rung, self.wanted);
        let same_decoder = matches!(
            thins,
            (Rung::Source, Rung::Thinned) | (Rung::Thinned, Rung::Source)
        );
        if same_decoder || self.wanted == Rung::Keyframes || self.next.is_multiple_of(gop) {
            self.rung = self.wanted;
            self.meters[self.rung as usize] = CostMeter::default();
            self.skipped = 0;
            self.carried = (0, 0);
        }
    }

    fn signals(&self, clip: &ClipModel, metered: bool) -> Signals {
        let mut rungs = Rungs::default();
        for rung in Rung::ALL {
            let Some(model) = clip.model(rung) else {
                continue;
            };
            rungs.set(
                rung,
                Some(RungSignals {
                    width: model.width,
                    height: model.height,
                    gop_frames: u32::try_from(model.gop).unwrap_or(u32::MAX),
                    shown_per_mille: match rung {
                        Rung::Thinned if clip.has_b_frames => 500,
                        Rung::Keyframes => u16::try_from(1000 / model.gop).unwrap_or(1000),
                        _ => 1000,
                    },
                    prior: None,
                    seen: self.meters[rung as usize]
                        .cost()
                        .filter(|_| metered && rung == self.rung),
                }),
            );
        }
        let nanos = Duration::from_nanos;
        let present = &self.scenario.present;
        let area = u32::try_from(self.scale_percent * self.scale_percent).unwrap_or(10_000);
        Signals {
            now: Moment::from_nanos(self.now),
            activity: match self.start {
                _ if self.is_resting => Activity::AtRest,
                Some(_) => Activity::Playing,
                None => Activity::Prerolling,
            },
            clip: ClipSignals {
                key: ClipKey(clip.key),
                frame: nanos(self.interval),
                rungs,
            },
            present: PresentCost {
                upload: self.upload(),
                convert: present.convert * area / 10_000,
                render: present.render * area / 10_000,
            },
            ahead: nanos(self.ahead()),
            ring: nanos(self.scenario.ring_frames * self.interval),
            late_frames: self.late,
            memory: Pressure::Normal,
            memory_asks: 0,
            battery_saver: false,
            effects: false,
            holds_lap: false,
            display: (1280, 720),
            cores: u32::try_from(self.scenario.cores).unwrap_or(1),
        }
    }

    fn ask(&mut self) {
        let signals = self.signals(self.clip(), true);
        let next = self.next_clip();
        let next = next.map(|next| (next, self.signals(self.model_of(next), false).clip));
        let Driver::Controller(controller) = &mut self.driver else {
            if let (Driver::Constant(rung), Some((next, _))) = (&self.driver, next) {
                (self.chosen_for, self.chosen) = (Some(next), *rung);
            }
            return;
        };
        let decision = controller.decide(&signals);
        if let Some((next, clip)) = next {
            self.chosen = controller.choose_for_clip(&clip, &signals).rung;
            self.chosen_for = Some(next);
        }
        if self.now > 0 && decision.rung != self.wanted {
            self.outcome.changes.push((self.now, decision.rung, false));
        }
        self.wanted = decision.rung;
        self.scale_percent = u64::from(decision.scale.percent());
        self.outcome.decisions.push((self.now, decision));
    }

    fn model_of(&self, clip: usize) -> &'a ClipModel {
        &self.scenario.clips[clip % self.scenario.clips.len()]
    }

    /// The clip after the next cut, once that is near.
    fn next_clip(&self) -> Option<usize> {
        let frames = self.clip_frames();
        let next = self.clip + 1;
        let cut = self.due_at(next as u64 * frames);
        let near = frames > 0 && self.start.is_some() && cut <= self.now + PREROLL;
        (near && self.chosen_for != Some(next)).then_some(next)
    }
}

fn nanos_of(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

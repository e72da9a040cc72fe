//! Engine, scheduler, pacer and display on one simulated clock.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::bounded;
use parking_lot::Mutex;

use super::media::{Shelf, SimMedia};
use super::opener::{Opening, SimOpener};
use super::session::OpenSession;
use super::sound::{SimSound, SoundTraits};
use crate::decode::{Generation, Picture, SharedAnchor};
use crate::metrics::{FrameLog, FrameRecord, FrameSummary, Stage};
use crate::playback::{
    Command, Engine, EngineParts, Epoch, Feedback, FrameScheduler, Origin, Pacer, Pull,
    QualityGauges, Schedule, Snapshot, StartOptions,
};
use crate::time::{Clock, FrameIndex, FrameRate, MediaSpan, Moment, SimClock};

/// A display and the work of drawing for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Display {
    /// What the system says of it.
    pub(super) stated: FrameRate,
    /// What it does.
    pub(super) rate: FrameRate,
    /// When its first refresh is, in nanoseconds.
    pub(super) phase_nanos: i64,
    /// Whether presenting waits for it.
    pub(super) waits: bool,
    pub(super) convert: Duration,
    pub(super) present: Duration,
    /// Drawing takes up to this much longer.
    pub(super) jitter: Duration,
    /// The interface changes this often, and is drawn at once.
    pub(super) interface: Option<Duration>,
    /// The presenting thread wakes up to this much too late.
    pub(super) wake_jitter: Duration,
}

impl Display {
    pub(super) fn new(num: u32, den: u32) -> Self {
        let rate = FrameRate::new(num, den).unwrap();
        Self {
            stated: rate,
            rate,
            phase_nanos: 0,
            waits: false,
            convert: Duration::from_micros(700),
            present: Duration::from_micros(300),
            jitter: Duration::ZERO,
            interface: None,
            wake_jitter: Duration::ZERO,
        }
    }

    pub(super) fn waiting(mut self) -> Self {
        self.waits = true;
        self
    }

    pub(super) fn jittering(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// The number of the first refresh at or after `moment`.
    pub(super) fn refresh_after(&self, moment: Moment) -> i64 {
        let (num, den) = (
            i128::from(self.rate.num()),
            i128::from(self.rate.den()) * 1_000_000_000,
        );
        let since = i128::from(moment.nanos()) - i128::from(self.phase_nanos);
        i64::try_from((since * num).div_euclid(den)).unwrap()
            + i64::from((since * num).rem_euclid(den) != 0)
    }

    pub(super) fn refresh(&self, number: i64) -> Moment {
        let nanos = i128::from(number) * i128::from(self.rate.den()) * 1_000_000_000;
        let at = nanos.div_euclid(i128::from(self.rate.num())) + i128::from(self.phase_nanos);
        // Rounded up, so that `refresh_after` of it is itself.
        Moment::from_nanos(u64::try_from(at + 1).unwrap())
    }
}

/// A picture that was presented.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// The refresh that it was drawn for.
    pub(super) refresh: Moment,
    /// When presenting returned.
    pub(super) presented: Moment,
    pub(super) epoch: Epoch,
    pub(super) generation: Generation,
    pub(super) index: FrameIndex,
    pub(super) run: MediaSpan,
    /// Whether there was no picture, so that the one before stayed.
    pub(super) missing: bool,
    pub(super) origin: Origin,
}

struct Drawing {
    begun: Moment,
    refresh: Moment,
    done: Moment,
    stages: [(Stage, u64); 2],
    seen: Option<Seen>,
}

pub(super) struct RigOptions {
    pub(super) shelf: Vec<SimMedia>,
    pub(super) display: Display,
    pub(super) sound: SoundTraits,
    pub(super) start: StartOptions,
    pub(super) seed: u64,
}

impl RigOptions {
    pub(super) fn playing(medium: SimMedia, display: Display) -> Self {
        Self {
            shelf: vec![medium],
            display,
            sound: SoundTraits::default(),
            start: StartOptions::default(),
            seed: 1,
        }
    }
}

pub(super) struct Rig {
    pub(super) clock: SimClock,
    pub(super) engine: Engine,
    pub(super) scheduler: FrameScheduler,
    pub(super) pacer: Pacer,
    pub(super) display: Display,
    pub(super) session: OpenSession,
    pub(super) sound: SimSound,
    pub(super) seen: Vec<Seen>,
    /// Times that the screen was cleared.
    pub(super) cleared: u32,
    pub(super) random: Random,
    snapshot: Arc<ArcSwap<Snapshot>>,
    pub(super) feedback: Arc<Feedback>,
    pub(super) gauges: QualityGauges,
    opening: Opening,
    engine_next: Option<Moment>,
    engine_woken: bool,
    drawing: Option<Drawing>,
    presenter_woken: bool,
    presenter_next: Option<Moment>,
    interface_next: Moment,
    wake_late: Duration,
    pub(super) ticks: u64,
    /// The picture that is drawn next, or now, does not reach the display.
    pub(super) loses_device: bool,
}

impl Rig {
    /// Opens all of the shelf as the playlist.
    pub(super) fn new(options: RigOptions) -> Self {
        let clock = SimClock::new();
        // Time zero means "at once" in places, so begin later.
        clock.advance(Duration::from_secs(1));
        let (sources, new_sources) = bounded(4);
        let schedule = Arc::new(ArcSwap::from_pointee(Schedule::default()));
        let feedback = Arc::new(Feedback::default());
        let snapshot = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let anchor = SharedAnchor::default();
        let session = OpenSession::default();
        let sound = SimSound::new(clock.clone(), options.sound);
        let opening = Arc::new(Mutex::new(None));
        let paths = options
            .shelf
            .iter()
            .map(|medium| medium.path.clone())
            .collect();
        let opener = SimOpener {
            shelf: Shelf(options.shelf),
            clock: clock.clone(),
            anchor: Arc::clone(&anchor),
            open: session.clone(),
            pending: Arc::clone(&opening),
        };
        let log = FrameLog::new(100_000);
        let scheduler = FrameScheduler::new(
            Arc::clone(&schedule),
            Arc::clone(&feedback),
            new_sources,
            log,
        );
        let gauges = QualityGauges::default();
        let parts = EngineParts {
            opener: Box::new(opener),
            sound: Box::new(sound.clone()),
            clock: Arc::new(clock.clone()),
            schedule,
            feedback: Arc::clone(&feedback),
            sources,
            anchor,
            snapshot: Arc::clone(&snapshot),
            gauges: gauges.clone(),
        };
        let mut rig = Self {
            clock,
            engine: Engine::new(parts, options.start),
            scheduler,
            pacer: Pacer::new(options.display.stated),
            display: options.display,
            session,
            sound,
            seen: Vec::new(),
            cleared: 0,
            random: Random(options.seed),
            snapshot,
            feedback,
            gauges,
            opening,
            engine_next: None,
            engine_woken: false,
            drawing: None,
            presenter_woken: false,
            presenter_next: None,
            interface_next: Moment::ZERO,
            wake_late: Duration::ZERO,
            ticks: 0,
            loses_device: false,
        };
        rig.send(Command::Open(paths));
        rig
    }

    /// Opens `medium` paused, at 60 Hz, and lets it come to rest.
    pub(super) fn paused(medium: SimMedia) -> Self {
        let start = StartOptions {
            paused: true,
            ..StartOptions::default()
        };
        let mut rig = Self::new(RigOptions {
            start,
            ..RigOptions::playing(medium, Display::new(60, 1))
        });
        rig.run_for(Duration::from_millis(500));
        rig
    }

    /// Gives a command; the engine's thread takes it at once.
    pub(super) fn send(&mut self, command: Command) {
        self.engine.handle(command);
        self.presenter_woken |= self.engine.take_news();
        self.engine_woken = true;
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(super) fn summary(&self) -> FrameSummary {
        self.scheduler.log().summary()
    }

    pub(super) fn records(&self) -> Vec<FrameRecord> {
        self.scheduler.log().recent().copied().collect()
    }

    pub(super) fn run_for(&mut self, span: Duration) {
        let until = self.now() + span;
        self.run_until(until, |_| false);
    }

    /// Runs until `stop` or `until`; whether it was `stop`.
    pub(super) fn run_until(&mut self, until: Moment, mut stop: impl FnMut(&Self) -> bool) -> bool {
        let mut rounds = (self.now(), 0);
        loop {
            let now = self.now();
            rounds = if rounds.0 == now {
                (now, rounds.1 + 1)
            } else {
                (now, 0)
            };
            assert!(rounds.1 < 10_000, "time stands still at {now:?}");
            if stop(self) {
                return true;
            }
            let (session_next, noted) = self.session.run();
            self.engine_woken |= noted;
            self.presenter_woken |= noted;
            let opened = self.opening.lock().as_ref().map(|(at, _)| *at);
            self.engine_woken |= opened.is_some_and(|at| at <= now);
            if self.engine_woken || self.engine_next.is_some_and(|at| at <= now) {
                self.engine_woken = false;
                self.ticks += 1;
                self.engine_next = self.engine.tick();
                self.presenter_woken |= self.engine.take_news();
                continue;
            }
            let (worked, draw_next) = self.present(now);
            if worked {
                continue;
            }
            let next = [session_next, opened, self.engine_next, draw_next];
            let next = next.into_iter().flatten().min().unwrap_or(until);
            if next >= until {
                self.clock.advance_to(until);
                return false;
            }
            assert!(next > now, "nothing is done that was to be done now");
            self.clock.advance_to(next);
        }
    }

    /// One round of the presenting thread, as in the window: whether it did anything, and when it wakes.
    fn present(&mut self, now: Moment) -> (bool, Option<Moment>) {
        if let Some(drawing) = &self.drawing {
            if drawing.done > now {
                return (false, Some(drawing.done));
            }
            let drawing = self.drawing.take().unwrap();
            self.pacer.presented(drawing.refresh, drawing.begun, now);
            let lost = std::mem::take(&mut self.loses_device);
            if lost {
                self.scheduler.not_presented();
            } else if let Some(seen) = drawing.seen {
                self.scheduler.complete(now, &drawing.stages, false);
                self.note(Seen {
                    presented: now,
                    ..seen
                });
            }
            self.presenter_woken = true;
            return (true, None);
        }
        if let Some(every) = self.display.interface {
            if self.interface_next <= now {
                self.interface_next = now + every;
                self.draw(now, true);
                return (true, None);
            }
            let (worked, next) = self.present_frame(now);
            let next = next.map_or(self.interface_next, |next| next.min(self.interface_next));
            return (worked, Some(next));
        }
        self.present_frame(now)
    }

    fn present_frame(&mut self, now: Moment) -> (bool, Option<Moment>) {
        // Between two wakes the thread sleeps, and sees nothing.
        let slept_out = self.presenter_next.is_some_and(|at| at <= now);
        if !std::mem::take(&mut self.presenter_woken) && !slept_out {
            return (false, self.presenter_next);
        }
        self.presenter_next = None;
        let Some(due) = self.scheduler.next_due() else {
            return (false, None);
        };
        let at = if due == Moment::ZERO {
            now
        } else {
            let planned = self.pacer.plan(now, due).at;
            if planned <= now {
                now
            } else {
                planned + self.wake_late
            }
        };
        if at > now {
            self.presenter_next = Some(at);
            return (false, Some(at));
        }
        self.presenter_woken = true;
        self.wake_late = self.random.below(self.display.wake_jitter);
        self.draw(now, false);
        (true, None)
    }

    fn draw(&mut self, begun: Moment, interface: bool) {
        let due = self.scheduler.next_due();
        let refresh = self.pacer.refresh_for(begun, due);
        let pulled = self
            .scheduler
            .pull(begun, refresh, self.pacer.period_nanos());
        let seen = match pulled {
            Pull::Keep if !interface => {
                self.pacer.passed(refresh);
                return;
            }
            Pull::Keep => None,
            Pull::Clear => {
                self.cleared += 1;
                None
            }
            Pull::New(frame) => Some(Seen {
                refresh,
                presented: begun,
                epoch: self.feedback.shown().epoch,
                generation: frame.generation,
                index: frame.index,
                run: frame.run,
                missing: matches!(frame.picture, Picture::Missing(_)),
                origin: self.scheduler.last_origin(),
            }),
        };
        let present = self.display.present + self.random.below(self.display.jitter);
        let mut done = begun + self.display.convert + present;
        if self.display.waits {
            done = self.display.refresh(self.display.refresh_after(done));
        }
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap();
        let stages = [
            (Stage::Convert, nanos(self.display.convert)),
            (
                Stage::Present,
                nanos(done.since(begun + self.display.convert)),
            ),
        ];
        self.drawing = Some(Drawing {
            begun,
            refresh,
            done,
            stages,
            seen,
        });
    }

    /// Nothing older is ever shown after something newer.
    fn note(&mut self, seen: Seen) {
        if let Some(last) = self.seen.last() {
            assert!(
                seen.epoch >= last.epoch,
                "an older medium is shown: {seen:?}"
            );
            assert!(
                seen.generation >= last.generation,
                "a stale frame is shown: {seen:?}"
            );
            // What stands in has no place of its own in the plan.
            if seen.generation == last.generation && last.origin != Origin::StandIn {
                assert!(seen.run > last.run, "a plan runs back: {last:?} {seen:?}");
            }
        }
        self.seen.push(seen);
    }

    /// The picture on screen.
    pub(super) fn on_screen(&self) -> Seen {
        *self.seen.last().expect("something was shown")
    }

    /// For how many refreshes each picture of the present generation was planned to be seen. The
    /// last one is still there, and the first was there before the line began.
    pub(super) fn refreshes(&self) -> Vec<(FrameIndex, i64)> {
        let generation = self.on_screen().generation;
        let seen: Vec<_> = self
            .seen
            .iter()
            .filter(|seen| seen.generation == generation)
            .collect();
        let period = self.pacer.period_nanos();
        let place = |seen: &Seen| {
            if self.display.waits {
                return self.display.refresh_after(seen.presented.offset_nanos(-10));
            }
            0
        };
        seen.windows(2)
            .skip(1)
            .map(|pair| {
                let count = if self.display.waits {
                    place(pair[1]) - place(pair[0])
                } else {
                    let span = pair[1].refresh.nanos_since(pair[0].refresh);
                    (span + period / 2).div_euclid(period)
                };
                (pair[0].index, count)
            })
            .collect()
    }
}

/// Knuth's linear congruential generator, for jitter and scripts.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A number in `range`.
    pub(super) fn in_range(&mut self, range: std::ops::Range<i64>) -> i64 {
        let width = u64::try_from(range.end - range.start).unwrap();
        range.start + i64::try_from(self.next() % width).unwrap()
    }

    fn below(&mut self, span: Duration) -> Duration {
        let nanos = u64::try_from(span.as_nanos()).unwrap();
        Duration::from_nanos(if nanos == 0 { 0 } else { self.next() % nanos })
    }
}

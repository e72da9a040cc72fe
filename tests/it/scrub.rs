//! Dragging the playhead over numbered clips: whatever is on screen is what it says it is, what stands in
//! is near, and the exact picture comes.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use jogwheel::app::{Player, PlayerOptions, TraceGround, drags};
use jogwheel::convert::CpuConverter;
use jogwheel::decode::{Input, Picture, PlannedFrame, Step, VideoSource, read_index};
use jogwheel::media::Orientation;
use jogwheel::playback::{Command, Origin, PlaybackStatus, Pull, SeekTarget};
use jogwheel::time::{FrameIndex, FrameRate};
use serde_json::json;

use crate::deck::{Deck, reader_of};
use crate::made::{self, Clip};
use crate::program::HUNG;
use crate::screen::Screen;
use crate::window::{WINDOW, path};

const REFRESH_NANOS: i64 = 16_666_667;

/// The player with a test in the window's place.
struct Rig {
    player: Player,
    news: Receiver<()>,
    converter: CpuConverter,
    orientation: Orientation,
}

/// A picture that came on screen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    index: i64,
    origin: Origin,
}

impl Rig {
    fn open(clip: &Clip) -> Self {
        let (send, news) = bounded(1);
        let options = PlayerOptions {
            threads: NonZero::new(2),
            ..PlayerOptions::paused_and_silent(vec![clip.path.clone()])
        };
        let wake = Arc::new(move || {
            let _already = send.try_send(());
        });
        let mut rig = Self {
            player: Player::start(options, wake).unwrap(),
            news,
            converter: CpuConverter::new(1),
            orientation: Orientation::UPRIGHT,
        };
        let first = rig.next(clip);
        assert_eq!(first.index, 0, "{}", clip.name);
        rig.until(clip, |player| {
            let snapshot = player.engine.snapshot();
            snapshot
                .media
                .as_ref()
                .is_some_and(|media| media.index_complete)
        });
        rig
    }

    /// Waits until `is_there`, and shows what comes meanwhile.
    fn until(&mut self, clip: &Clip, is_there: impl Fn(&Player) -> bool) {
        while !is_there(&self.player) {
            if self.pull(clip).is_none() {
                self.wait(clip);
            }
        }
    }

    /// Waits for news, or for the next frame to be due.
    fn wait(&mut self, clip: &Clip) {
        let now = self.player.clock.now();
        let due = self.player.scheduler.next_due();
        let due = due.map(|due| due.since(now).max(Duration::from_millis(1)));
        let waited = self.news.recv_timeout(due.unwrap_or(HUNG));
        assert!(waited.is_ok() || due.is_some(), "{}: hangs", clip.name);
    }

    /// Shows what is due, if anything, and checks that the picture is the one that it is said to be.
    fn pull(&mut self, clip: &Clip) -> Option<Seen> {
        let now = self.player.clock.now();
        let pulled =
            self.player
                .scheduler
                .pull(now, now.offset_nanos(REFRESH_NANOS), REFRESH_NANOS);
        let Pull::New(planned) = pulled else {
            return None;
        };
        let origin = self.player.scheduler.last_origin();
        self.player.scheduler.complete(now, &[], false);
        let index = planned.index.0;
        assert_eq!(
            self.number(&planned),
            Ok(index + i64::from(clip.first)),
            "{}: {origin:?}",
            clip.name
        );
        Some(Seen { index, origin })
    }

    fn number(&mut self, frame: &PlannedFrame) -> Result<i64, String> {
        let snapshot = self.player.engine.snapshot();
        if let Some(stream) = snapshot.media.as_ref().and_then(|m| m.info.default_video()) {
            self.orientation = stream.orientation;
        }
        match &frame.picture {
            Picture::Frame(picture) => {
                made::number_in(picture, self.orientation, &mut self.converter).map(i64::from)
            }
            Picture::Missing(reason) => Err(format!("missing: {reason}")),
            Picture::Composite(_) => Err("a frame of a file has layers".to_owned()),
        }
    }

    /// The next picture.
    fn next(&mut self, clip: &Clip) -> Seen {
        loop {
            if let Some(seen) = self.pull(clip) {
                return seen;
            }
            self.wait(clip);
        }
    }

    fn gop_around(&self, frame: i64) -> i64 {
        let snapshot = self.player.engine.snapshot();
        let index = snapshot.media.as_ref().unwrap().index.clone().unwrap();
        let (first, next) = index.gop_of(FrameIndex(frame)).unwrap();
        next.map_or(index.len(), |next| next.0) - first.0
    }

    fn send(&self, command: Command) {
        self.player.engine.send(command);
    }
}

/// Follows a seeded trace of drags: some moves are passed by, some wait for what comes first, and each
/// drag ends with the exact picture.
fn drag_about(clip: &Clip, seed: u64, count: u32) -> (u32, u32) {
    let mut rig = Rig::open(clip);
    let ground = TraceGround {
        first: 0,
        frames: clip.frames,
        rate: FrameRate::new(30, 1).unwrap(),
    };
    let (mut near, mut exact) = (0, 0);
    let mut target = 0;
    // All that the hand has pointed at since it took the playhead.
    let mut asked = vec![target];
    for (n, step) in drags(seed, ground, count, Duration::ZERO)
        .iter()
        .enumerate()
    {
        rig.send(step.command.clone());
        let Command::Scrub(SeekTarget::Frame(frame)) = step.command else {
            // Let go of: the exact picture comes, and is the last.
            rig.until(clip, |player| {
                let snapshot = player.engine.snapshot();
                let told = (snapshot.scrubbing, snapshot.position);
                told == (false, FrameIndex(target))
                    && player.scheduler.shows() == Some(FrameIndex(target))
            });
            exact += 1;
            asked = vec![target];
            continue;
        };
        target = frame.0;
        asked.push(target);
        // Two of three moves are passed by.
        if n % 3 != 0 || rig.player.scheduler.shows() == Some(FrameIndex(target)) {
            while let Some(seen) = rig.pull(clip) {
                near += u32::from(seen.origin == Origin::StandIn);
            }
            continue;
        }
        // Whatever comes after the engine has heard of it is near, or it.
        rig.until(clip, |player| {
            player.engine.snapshot().position == FrameIndex(target)
        });
        while let Some(stand_in) = rig.player.scheduler.stand_in() {
            // One that stays on screen from an earlier target is as near as it was to that one, until it is replaced.
            let was_near = |target: &i64| (stand_in.0 - target).abs() <= rig.gop_around(*target);
            assert!(
                asked.iter().any(was_near),
                "{}: {stand_in} stands in for {asked:?}",
                clip.name
            );
            let seen = rig.next(clip);
            if seen.origin == Origin::StandIn {
                near += 1;
                let away = (seen.index - target).abs();
                let gop = rig.gop_around(target);
                assert!(away <= gop, "{}: {away} of {gop}", clip.name);
            }
        }
    }
    (near, exact)
}

#[test]
fn every_picture_of_a_drag_is_true_and_the_last_is_exact() {
    let mut stood_in = 0;
    for (seed, name) in (1..).zip([
        "h264-longgop.mp4",
        "h264-bframes.mp4",
        "hevc-opengop.mp4",
        "h264-vfr-holds.mp4",
        "h264-editlist.mp4",
        "vp9-odd-321x181.webm",
    ]) {
        let (near, exact) = drag_about(&made::clip(name), seed, 12);
        assert_eq!(exact, 12, "{name}");
        stood_in += near;
    }
    assert!(stood_in > 0, "nothing ever stood in");
}

#[test]
fn what_plays_goes_on_after_a_drag() {
    let clip = made::clip("h264-longgop.mp4");
    let mut rig = Rig::open(&clip);
    rig.send(Command::Play);
    rig.until(&clip, |player| {
        player.scheduler.shows() >= Some(FrameIndex(5))
    });
    for frame in [200, 40, 120] {
        rig.send(Command::Scrub(SeekTarget::Frame(FrameIndex(frame))));
    }
    rig.send(Command::EndScrub);
    rig.until(&clip, |player| {
        let shown = player.scheduler.shows();
        shown >= Some(FrameIndex(125)) && shown < Some(FrameIndex(200))
    });
    assert_eq!(rig.player.engine.snapshot().status, PlaybackStatus::Playing);
}

/// What nobody wants any more is not decoded: between two packets a session looks for orders.
#[test]
fn a_step_sends_one_packet_and_an_abandoned_plan_leaves_the_next_alone() {
    let clip = made::clip("h264-longgop.mp4");
    let (mut reader, _) = reader_of(&clip.path, 1);
    let mut pictures = 0;
    while pictures < 100 {
        let before = reader.sent_packets();
        if let Step::Picture(_) = reader.step(&|_| true).unwrap() {
            pictures += 1;
        }
        assert!(reader.sent_packets() <= before + 1);
    }
    let mut deck = Deck::open(&clip.path).unwrap();
    deck.index().unwrap();
    for (stale, wanted) in [(290, 7), (149, 148), (20, 299)] {
        deck.plan(stale);
        deck.session.abandon();
        let number = deck.frame(wanted).map(|frame| {
            made::number_in(&frame, deck.stream.orientation, &mut CpuConverter::new(1))
        });
        assert_eq!(number, Ok(Ok(u32::try_from(wanted).unwrap())));
    }
}

#[test]
fn keyframes_alone_are_the_frames_that_the_index_says() {
    let mut converter = CpuConverter::new(1);
    let (mut alone, mut none) = (0, Vec::new());
    for clip in made::clips(&["number"]) {
        if !clip.path.is_file() {
            continue;
        }
        let (mut reader, stream) = reader_of(&clip.path, 1);
        let mut input = Input::open(&clip.path).unwrap();
        let index = read_index(&mut input, &stream).unwrap();
        let last = index.keyframes().len().saturating_sub(1);
        for number in [last, 0, last / 2, last / 3] {
            let before = reader.sent_packets();
            let Some(picture) = reader.keyframe(&index, number).unwrap() else {
                none.push(format!("{} {number}", clip.name));
                continue;
            };
            assert_eq!(reader.sent_packets(), before + 1, "{}", clip.name);
            let frame = reader.frame(picture).unwrap();
            let read = made::number_in(&frame, stream.orientation, &mut converter);
            let first = index.first_frame_of(number).unwrap().0;
            let wanted = u32::try_from(first).unwrap() + clip.first;
            assert_eq!(read, Ok(wanted), "{}: keyframe {number}", clip.name);
            alone += 1;
        }
    }
    assert!(alone > 100, "only {alone}; none of {none:?}");
}

/// The lane lies at the top of the bar, which is 76 points high.
const LANE: i32 = 720 - 76 + 16;

#[test]
fn a_drag_on_the_bar_moves_the_picture_with_the_pointer() {
    let clip = path("h264-longgop.mp4");
    let mut screen = Screen::play(&[&clip, "--paused", "--size", WINDOW]);
    screen.until_shown(0);
    screen.point(320, LANE);
    Screen::hold();
    screen.until_fields("pressing", &json!({"scrubbing": true, "status": "paused"}));
    for x in [330, 350, 400, 500, 640, 800, 960, 900, 700, 639, 641] {
        screen.point(x, LANE - 200);
    }
    let about = |state: &serde_json::Value, expected: i64| {
        let frame = state["frame"].as_i64();
        frame.is_some_and(|frame| (frame - expected).abs() <= 4) && state["shown"] == state["frame"]
    };
    screen.until("the exact picture at rest", |state| {
        about(state, 150) && state["scrubbing"] == true && state["approximate"].is_null()
    });
    Screen::press_while_holding("ctrl+shift+d");
    screen.until_fields("a loss", &json!({"device_losses": 1}));
    screen.point(960, LANE);
    screen.until("going on after the loss", |state| {
        about(state, 225) && state["scrubbing"] == true
    });
    Screen::let_go();
    let held = screen.until_fields("letting go", &json!({"scrubbing": false}));
    let frame = held["frame"].as_i64().unwrap();
    // The wheel goes on by frames.
    for (turn, by) in [
        (Screen::wheel as fn(bool), 1),
        (Screen::wheel_with_shift, 10),
    ] {
        turn(true);
        // The X server's made-up mouse has buttons for a wheel, of which press and release both count.
        screen.until("frames on", |state| {
            [1, 2]
                .map(|notches| json!(frame + by * notches))
                .contains(&state["shown"])
                && state["shown"] == state["frame"]
        });
        turn(false);
        screen.until_shown(frame);
    }
    // What plays stands still in the hand, and plays on.
    screen.press(&["Home", "space"]);
    screen.until("playing", |state| state["shown"].as_i64() > Some(5));
    screen.point(320, LANE);
    Screen::hold();
    screen.until("standing still", |state| {
        about(state, 75) && state["scrubbing"] == true && state["status"] == "playing"
    });
    Screen::let_go();
    screen.until("playing on", |state| {
        state["shown"].as_i64() > Some(85) && state["scrubbing"] == false
    });
    screen.press(&["q"]);
    screen.wait().expect(0);
}

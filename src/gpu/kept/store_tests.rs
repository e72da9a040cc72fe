use std::cmp::Reverse;
use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::gpu::kept::Course;
use crate::gpu::test_support::{gray_frame, size};
use crate::media::{Orientation, PictureId, PixelFormat};
use crate::time::FrameIndex;

const ANY_NUMBER: usize = usize::MAX;

fn place(frame: i64) -> Place {
    Place {
        medium: 1,
        frame: FrameIndex(frame),
    }
}

fn outlook(frame: i64, course: Course) -> Outlook {
    Outlook {
        place: place(frame),
        course,
    }
}

fn shape(side: u32) -> Shape {
    Shape {
        size: size(side, side),
        order: ComponentOrder::Rgba,
    }
}

fn key(frame: i64, side: u32) -> PictureKey {
    let mut shown = gray_frame(PixelFormat::YUV420P8, 2, 2);
    shown.id = PictureId::of_frame(7, FrameIndex(frame));
    PictureKey::of_frame(&shown, Orientation::UPRIGHT, size(side, side), false)
}

/// A store whose textures are numbers, and how many of them were made.
#[derive(Default)]
struct Shelf {
    store: Store<u32>,
    made: u32,
}

impl Shelf {
    /// Shows a frame as a viewer does. True when it was there.
    fn show(&mut self, frame: i64, side: u32, limit: Limit, outlook: &Outlook) -> bool {
        let key = key(frame, side);
        if self.store.recall(&key, outlook.place) {
            return true;
        }
        let at = match self.store.room(shape(side), limit, outlook) {
            Room::Slot(at) => at,
            Room::Make => {
                self.made += 1;
                self.store.add(shape(side), self.made)
            }
        };
        self.store.show(at, key, outlook.place, |_| ());
        false
    }

    fn has(&self, frame: i64, side: u32) -> bool {
        let wanted = key(frame, side);
        let mut seen = self
            .store
            .slots
            .iter()
            .filter_map(|slot| slot.seen.as_ref());
        seen.any(|seen| seen.key == wanted)
    }
}

fn room_for(pictures: u64, side: u32) -> Limit {
    Limit {
        bytes: pictures * shape(side).bytes(),
        pictures: ANY_NUMBER,
    }
}

#[test]
fn what_is_far_from_the_playhead_makes_room() {
    let mut shelf = Shelf::default();
    let limit = room_for(4, 8);
    for frame in [10, 11, 12, 40, 13] {
        shelf.show(frame, 8, limit, &outlook(frame, Course::Anywhere));
    }
    let held: Vec<i64> = (0..50).filter(|&frame| shelf.has(frame, 8)).collect();
    assert_eq!(held, [11, 12, 13, 40]);
    assert_eq!(shelf.made, 4);
    assert_eq!(shelf.store.why_missing(&key(10, 8)), Miss::Room);
    assert_eq!(shelf.store.why_missing(&key(11, 9)), Miss::Size);
    assert_eq!(shelf.store.why_missing(&key(99, 8)), Miss::New);
    shelf.store.lose();
    assert_eq!((shelf.store.len(), shelf.store.on_screen()), (0, None));
    assert_eq!(shelf.store.why_missing(&key(11, 8)), Miss::Device);
}

#[test]
fn many_pictures_of_one_frame_leave_the_others_alone() {
    let mut shelf = Shelf::default();
    let limit = room_for(10, 8);
    for frame in 4..=10 {
        shelf.show(frame, 8, limit, &outlook(frame, Course::Anywhere));
    }
    // The line of a comparison is dragged over frame 10: these keys stand for where it lies.
    for line in 100..150 {
        assert!(!shelf.show(line, 8, limit, &outlook(10, Course::Anywhere)));
    }
    let held: Vec<i64> = (0..150).filter(|&frame| shelf.has(frame, 8)).collect();
    assert_eq!(held, [4, 5, 6, 7, 8, 9, 146, 147, 148, 149]);
    // What is seen again is one of the latest again.
    assert!(shelf.show(146, 8, limit, &outlook(10, Course::Anywhere)));
    shelf.show(150, 8, limit, &outlook(10, Course::Anywhere));
    assert!(shelf.has(146, 8) && shelf.has(9, 8) && !shelf.has(147, 8));
}

#[test]
fn a_loop_longer_than_there_is_room_for_still_hits() {
    let mut shelf = Shelf::default();
    let (limit, frames) = (room_for(30, 8), 40);
    let course = Course::Round {
        first: FrameIndex(0),
        last: FrameIndex(frames - 1),
        reverse: false,
        turns: false,
    };
    let mut hits = 0;
    for frame in (0..frames).cycle().take(400) {
        hits += u32::from(shelf.show(frame, 8, limit, &outlook(frame, course)));
    }
    // What a store that throws away the oldest would answer is none at all.
    assert!(hits > 360 * 27 / 40, "{hits} of 360");
    assert_eq!(shelf.made, 30);
}

#[test]
fn playing_on_makes_no_textures_once_there_are_some() {
    let mut shelf = Shelf::default();
    let onwards = |frame| outlook(frame, Course::Onwards { reverse: false });
    let few = Limit {
        pictures: 5,
        ..room_for(100, 8)
    };
    for frame in 0..200 {
        assert!(!shelf.show(frame, 8, few, &onwards(frame)));
    }
    assert_eq!((shelf.made, shelf.store.len()), (5, 5));
    // Those behind the playhead are there for steps back.
    for frame in (195..200).rev() {
        assert!(shelf.show(frame, 8, few, &outlook(frame, Course::Anywhere)));
    }
}

#[test]
fn two_sizes_are_kept_and_no_third() {
    let mut shelf = Shelf::default();
    let limit = room_for(100, 8);
    for side in [8, 4] {
        for frame in 0..3 {
            shelf.show(frame, side, limit, &outlook(frame, Course::Anywhere));
        }
    }
    assert!(shelf.show(0, 8, limit, &outlook(0, Course::Anywhere)));
    assert!(!shelf.show(0, 5, limit, &outlook(0, Course::Anywhere)));
    // The one that was on screen stayed until it was replaced.
    assert!((0..3).all(|frame| shelf.has(frame, 4)));
    assert!(shelf.has(0, 8) && !shelf.has(1, 8));
    assert!(!shelf.show(0, 6, limit, &outlook(0, Course::Anywhere)));
    assert!(!shelf.has(0, 8) && !shelf.has(2, 4));
}

#[test]
fn without_room_one_texture_serves() {
    let mut shelf = Shelf::default();
    for frame in 0..10 {
        shelf.show(frame, 8, room_for(0, 8), &outlook(frame, Course::Anywhere));
    }
    assert_eq!((shelf.made, shelf.store.len()), (1, 1));
    shelf.show(3, 4, room_for(0, 8), &outlook(3, Course::Anywhere));
    assert_eq!((shelf.made, shelf.store.len()), (2, 1));
}

#[test]
fn a_picture_that_could_not_be_made_costs_no_texture() {
    let mut shelf = Shelf::default();
    let limit = room_for(3, 8);
    let anywhere = outlook(0, Course::Anywhere);
    shelf.show(0, 8, limit, &anywhere);
    let at = shelf.store.add(shape(8), 9);
    for _ in 0..3 {
        assert_eq!(shelf.store.room(shape(8), limit, &anywhere), Room::Slot(at));
    }
    assert_eq!(shelf.store.on_screen(), Some(&1));
}

/// The same, written down as simply as can be.
#[derive(Default)]
struct Model {
    /// Frame, side, where it was seen, and when.
    held: Vec<(i64, u32, Place, u64)>,
    shown: Option<(i64, u32)>,
    sides: [Option<u32>; 2],
    now: u64,
}

impl Model {
    fn bytes(&self) -> u64 {
        let sides = self.held.iter().map(|(_, side, ..)| shape(*side).bytes());
        sides.sum()
    }

    fn is_shown(&self, held: &(i64, u32, Place, u64)) -> bool {
        self.shown == Some((held.0, held.1))
    }

    fn worst(&self, side: Option<u32>, outlook: &Outlook) -> Option<usize> {
        let mut others: Vec<usize> = (0..self.held.len()).collect();
        others.retain(|&at| !self.is_shown(&self.held[at]));
        others.sort_by_key(|&at| {
            let (_, its_side, place, last) = self.held[at];
            let is_other = side.is_some_and(|side| side != its_side);
            (is_other, outlook.distance(place), Reverse(last))
        });
        others.last().copied()
    }

    fn show(&mut self, frame: i64, side: u32, limit: Limit, outlook: &Outlook) -> bool {
        self.now += 1;
        let known = self
            .held
            .iter()
            .position(|held| (held.0, held.1) == (frame, side));
        if let Some(at) = known {
            (self.held[at].2, self.held[at].3) = (outlook.place, self.now);
            self.shown = Some((frame, side));
            return true;
        }
        if self.sides[0] != Some(side) {
            self.sides = [Some(side), self.sides[0]];
            let (sides, shown) = (self.sides, self.shown);
            self.held
                .retain(|held| sides.contains(&Some(held.1)) || shown == Some((held.0, held.1)));
        }
        loop {
            let bytes = self.bytes();
            if bytes + shape(side).bytes() <= limit.bytes && self.held.len() < limit.pictures {
                break;
            }
            let Some(at) = self.worst(Some(side), outlook) else {
                self.held.clear();
                break;
            };
            let went = self.held.remove(at);
            if went.1 == side && bytes <= limit.bytes {
                break;
            }
        }
        self.held.push((frame, side, outlook.place, self.now));
        self.shown = Some((frame, side));
        false
    }

    fn settle(&mut self, bytes: u64, outlook: &Outlook) {
        while self.bytes() > bytes {
            let Some(at) = self.worst(None, outlook) else {
                return;
            };
            self.held.remove(at);
        }
    }
}

#[derive(Debug, Clone)]
enum Move {
    Show { frame: i64, side: u32 },
    Limit { bytes: u64, pictures: usize },
    Course(Course),
    Settle(u64),
    Lose,
}

fn courses() -> impl Strategy<Value = Course> {
    prop_oneof![
        Just(Course::Anywhere),
        any::<bool>().prop_map(|reverse| Course::Onwards { reverse }),
        (0i64..10, 10i64..30, any::<bool>(), any::<bool>()).prop_map(
            |(first, last, reverse, turns)| Course::Round {
                first: FrameIndex(first),
                last: FrameIndex(last),
                reverse,
                turns,
            }
        ),
    ]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let show = (
        0i64..30,
        prop_oneof![8 => Just(8u32), 2 => Just(4), 1 => 1u32..12],
    );
    let one = prop_oneof![
        20 => show.prop_map(|(frame, side)| Move::Show { frame, side }),
        2 => (0u64..4000, 1usize..20).prop_map(|(bytes, pictures)| Move::Limit { bytes, pictures }),
        2 => courses().prop_map(Move::Course),
        1 => (0u64..3000).prop_map(Move::Settle),
        1 => Just(Move::Lose),
    ];
    prop::collection::vec(one, 1..200)
}

proptest! {
    #[test]
    fn it_holds_what_the_model_holds_and_never_more_than_it_may(moves in moves()) {
        let mut shelf = Shelf::default();
        let mut model = Model::default();
        let mut limit = room_for(8, 8);
        let mut course = Course::Anywhere;
        let mut at = 0;
        for next in moves {
            match next {
                Move::Show { frame, side } => {
                    let outlook = outlook(frame, course);
                    let before = shelf.store.bytes();
                    let hit = shelf.show(frame, side, limit, &outlook);
                    prop_assert_eq!(hit, model.show(frame, side, limit, &outlook));
                    let held = shelf.store.bytes();
                    let grew = held > before;
                    prop_assert!(!hit || held == before);
                    prop_assert!(hit || held <= limit.bytes || shelf.store.len() == 1);
                    prop_assert!(!grew || shelf.store.len() <= limit.pictures.max(1));
                    at = frame;
                }
                Move::Limit { bytes, pictures } => limit = Limit { bytes, pictures },
                Move::Course(new) => course = new,
                Move::Settle(bytes) => {
                    shelf.store.settle(bytes, &outlook(at, course));
                    model.settle(bytes, &outlook(at, course));
                    prop_assert!(shelf.store.bytes() <= bytes || shelf.store.len() <= 1);
                }
                Move::Lose => {
                    shelf.store.lose();
                    (model.held, model.shown) = (Vec::new(), None);
                }
            }
            prop_assert_eq!(shelf.store.bytes(), model.bytes());
            prop_assert_eq!(shelf.store.len(), model.held.len());
            for (frame, side, ..) in &model.held {
                prop_assert!(shelf.has(*frame, *side));
            }
            // What is on screen is held, and no texture stands for two pictures.
            let on_screen = shelf.store.on_screen;
            let shown = on_screen.and_then(|at| shelf.store.slots[at].seen.as_ref());
            let wanted = model.shown.map(|(frame, side)| key(frame, side));
            prop_assert_eq!(shown.map(|seen| seen.key.clone()), wanted);
            let textures: HashSet<u32> = shelf.store.slots.iter().map(|slot| slot.value).collect();
            prop_assert_eq!(textures.len(), shelf.store.len());
        }
    }
}

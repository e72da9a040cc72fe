//! What is kept, what makes room for what, and why something is not there.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::key::{Fingerprint, PictureKey};
use super::outlook::{Outlook, Place};
use crate::gpu::ComponentOrder;
use crate::gpu::picture::bytes_of;
use crate::media::Size;

/// Pictures that are remembered after they made room, so that it can be said why they are missing.
const REMEMBERED: usize = 1024;

/// Pictures of one place that are kept for their own sake: as when the line of a comparison is dragged, which
/// makes another picture of one frame with every move. A person may want the last one or two back.
const SAME_PLACE: usize = 3;

/// What a texture must have in common with another one to take its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) size: Size,
    pub(super) order: ComponentOrder,
}

impl Shape {
    pub(super) fn bytes(self) -> u64 {
        bytes_of(self.size)
    }
}

/// Why a picture had to be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Miss {
    /// It had not been seen, or so long ago that nobody remembers.
    New,
    /// It had been seen at another size only.
    Size,
    /// It had made room for others.
    Room,
    /// It had gone with its device.
    Device,
}

/// What is to be done for a picture to have a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// This slot can be written to.
    Slot(usize),
    /// A texture may be made.
    Make,
}

/// What fits, and what is worth it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) bytes: u64,
    pub(super) pictures: usize,
}

/// A texture (or whatever `V` is) and what is in it.
#[derive(Debug)]
struct Slot<V> {
    shape: Shape,
    value: V,
    /// `None` while nothing that could be shown is in it.
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    key: PictureKey,
    place: Place,
    /// Of the store's own clock, which counts pictures shown.
    last: u64,
    /// Newer ones of the same place have taken over: it goes first.
    is_outdone: bool,
}

/// Textures, by what is in them.
///
/// One of them is on screen. It stays whatever happens, unless it is the only one that a new picture can
/// take. The others go when room is needed: those of another size first, then those that are wanted again
/// last, and of equals the one that was not seen for the longest time. A texture of the right size is not
/// given back but written to anew, so that playing makes no textures once the room is full.
#[derive(Debug)]
pub(super) struct Store<V> {
    slots: Vec<Slot<V>>,
    on_screen: Option<usize>,
    now: u64,
    /// The shapes that were made room for last, and before that.
    shapes: [Option<Shape>; 2],
    /// Those that went, latest last.
    gone: VecDeque<(Fingerprint, Miss)>,
}

impl<V> Default for Store<V> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            on_screen: None,
            now: 0,
            shapes: [None; 2],
            gone: VecDeque::new(),
        }
    }
}

impl<V> Store<V> {
    /// Textures held.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> u64 {
        self.slots.iter().map(|slot| slot.shape.bytes()).sum()
    }

    /// Where the pictures were seen that may be shown again.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let seen = self.slots.iter().filter_map(|slot| slot.seen.as_ref());
        seen.map(|seen| seen.place)
    }

    /// What is in a slot.
    pub(super) fn value(&self, slot: usize) -> Option<&V> {
        self.slots.get(slot).map(|slot| &slot.value)
    }

    /// What is on screen.
    pub(super) fn on_screen(&self) -> Option<&V> {
        self.value(self.on_screen?)
    }

    /// Shows what is kept under `key`. False when it is not there.
    pub(super) fn recall(&mut self, key: &PictureKey, place: Place) -> bool {
        let is_it = |slot: &Slot<V>| slot.seen.as_ref().is_some_and(|seen| seen.key == *key);
        let Some(at) = self.slots.iter().position(is_it) else {
            return false;
        };
        self.now += 1;
        let slot = &mut self.slots[at];
        let shape = slot.shape;
        if let Some(seen) = &mut slot.seen {
            (seen.place, seen.last, seen.is_outdone) = (place, self.now, false);
        }
        self.on_screen = Some(at);
        self.outdo(shape, place);
        true
    }

    /// Why `key` is not there.
    pub(super) fn why_missing(&self, key: &PictureKey) -> Miss {
        let seen = self.slots.iter().filter_map(|slot| slot.seen.as_ref());
        let mut shows_same = seen.filter(|seen| seen.key.shows_same(key));
        let print = key.fingerprint();
        let went = self.gone.iter().rev();
        let same = went.clone().find(|(gone, _)| gone.whole == print.whole);
        if let Some((_, why)) = same {
            return *why;
        }
        let mut alike = went.filter(|(gone, _)| gone.shows == print.shows);
        if shows_same.next().is_some() || alike.next().is_some() {
            Miss::Size
        } else {
            Miss::New
        }
    }

    /// A place for a picture of this shape, for which others make room. What is in the slot answered is
    /// forgotten.
    pub(super) fn room(&mut self, shape: Shape, limit: Limit, outlook: &Outlook) -> Room {
        self.follow_shape(shape);
        loop {
            let free = self.slots.iter().enumerate().position(|(at, slot)| {
                slot.seen.is_none() && slot.shape == shape && self.on_screen != Some(at)
            });
            if let Some(at) = free {
                return Room::Slot(at);
            }
            let held = self.bytes();
            let fits = held.saturating_add(shape.bytes()) <= limit.bytes;
            if fits && self.slots.len() < limit.pictures {
                return Room::Make;
            }
            let Some(at) = self.least_useful(Some(shape), outlook) else {
                break;
            };
            if self.slots[at].shape == shape && held <= limit.bytes {
                self.forget(at, Miss::Room);
                return Room::Slot(at);
            }
            self.remove(at, Miss::Room);
        }
        match self.on_screen {
            Some(at) if self.slots[at].shape == shape => {
                self.forget(at, Miss::Room);
                Room::Slot(at)
            }
            Some(at) => {
                self.remove(at, Miss::Room);
                Room::Make
            }
            None => Room::Make,
        }
    }

    /// Takes in a new texture.
    pub(super) fn add(&mut self, shape: Shape, value: V) -> usize {
        self.slots.push(Slot {
            shape,
            value,
            seen: None,
        });
        self.slots.len() - 1
    }

    /// A slot has been filled and is on screen from now on. `tell` notes beside it what it needs to know.
    pub(super) fn show(
        &mut self,
        at: usize,
        key: PictureKey,
        place: Place,
        tell: impl FnOnce(&mut V),
    ) {
        self.now += 1;
        let last = self.now;
        if let Some(slot) = self.slots.get_mut(at) {
            tell(&mut slot.value);
            let shape = slot.shape;
            slot.seen = Some(Seen {
                key,
                place,
                last,
                is_outdone: false,
            });
            self.on_screen = Some(at);
            self.outdo(shape, place);
        }
    }

    /// Marks pictures of this shape and place but for the latest few.
    fn outdo(&mut self, shape: Shape, place: Place) {
        let slots = self.slots.iter_mut().filter(|slot| slot.shape == shape);
        let seen = slots.filter_map(|slot| slot.seen.as_mut());
        let mut same: Vec<&mut Seen> = seen
            .filter(|seen| seen.place == place && !seen.is_outdone)
            .collect();
        if same.len() > SAME_PLACE {
            same.sort_unstable_by_key(|seen| Reverse(seen.last));
            for seen in &mut same[SAME_PLACE..] {
                seen.is_outdone = true;
            }
        }
    }

    /// Gives up what is beyond `bytes`, but never what is on screen. Answers how many pictures that were;
    /// textures with nothing in them are none.
    pub(super) fn settle(&mut self, bytes: u64, outlook: &Outlook) -> usize {
        let mut given_up = 0;
        while self.bytes() > bytes {
            let Some(at) = self.least_useful(None, outlook) else {
                break;
            };
            given_up += usize::from(self.slots[at].seen.is_some());
            self.remove(at, Miss::Room);
        }
        given_up
    }

    /// Gives everything up: the device is gone.
    pub(super) fn lose(&mut self) {
        self.on_screen = None;
        while !self.slots.is_empty() {
            self.remove(self.slots.len() - 1, Miss::Device);
        }
    }

    /// Two shapes are held at most: a window whose side is dragged has another one with every picture,
    /// whereas one that fills the screen and comes back has two.
    fn follow_shape(&mut self, shape: Shape) {
        if self.shapes[0] == Some(shape) {
            return;
        }
        self.shapes = [Some(shape), self.shapes[0]];
        let shapes = self.shapes;
        let is_past = |slot: &Slot<V>| !shapes.contains(&Some(slot.shape));
        for at in (0..self.slots.len()).rev() {
            if is_past(&self.slots[at]) && self.on_screen != Some(at) {
                self.remove(at, Miss::Size);
            }
        }
    }

    /// The slot whose picture is the smallest loss, that on screen apart.
    fn least_useful(&self, wanted: Option<Shape>, outlook: &Outlook) -> Option<usize> {
        let others = self.slots.iter().enumerate();
        let others = others.filter(|(at, _)| self.on_screen != Some(*at));
        let by_loss = others.max_by_key(|(_, slot)| {
            let is_other = wanted.is_some_and(|shape| shape != slot.shape);
            let seen = slot.seen.as_ref();
            let distance = seen.filter(|seen| !seen.is_outdone);
            let distance = distance.map_or(u64::MAX, |seen| outlook.distance(seen.place));
            let last = seen.map_or(0, |seen| seen.last);
            (seen.is_none(), is_other, distance, Reverse(last))
        });
        by_loss.map(|(at, _)| at)
    }

    /// Lets a slot's picture go and keeps its texture.
    fn forget(&mut self, at: usize, why: Miss) {
        if let Some(seen) = self.slots[at].seen.take() {
            if self.gone.len() >= REMEMBERED {
                self.gone.pop_front();
            }
            self.gone.push_back((seen.key.fingerprint(), why));
        }
    }

    fn remove(&mut self, at: usize, why: Miss) {
        self.forget(at, why);
        self.slots.swap_remove(at);
        // The last slot has taken its place.
        self.on_screen = match self.on_screen {
            Some(shown) if shown == at => None,
            Some(shown) if shown == self.slots.len() => Some(at),
            other => other,
        };
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;

//! Who holds how much of the budget.
//!
//! Whatever is large is charged here before it is allocated. A [`Charge`] is the right to so many bytes;
//! dropping it gives them back. The sum of all charges never exceeds the budget, so that the ledger is
//! the one place where "no" is said.
//!
//! A class may have bytes **set aside**: nobody else can be charged for them, held or not. Decoded
//! frames have most of the budget set aside, for a decoder that finds no room stops the picture, whereas
//! a texture or a thumbnail that finds none is made again later.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

/// What memory is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemoryClass {
    /// Decoded pictures: the slabs of the frame pool, and kept pictures that lie outside it.
    Frames,
    /// Pictures on the graphics card (or converted, on a CPU adapter) that show a frame, staging buffers.
    Textures,
    /// Thumbnail strips.
    Thumbnails,
    /// Readers of sound, and the ring to the device.
    Audio,
    /// Pictures that layers are composed in.
    Effects,
    /// Indices of files.
    Index,
    /// Code, heap, threads and drivers: what nobody counts piece by piece.
    Program,
}

impl MemoryClass {
    /// All classes, in the order in which they are listed.
    pub const ALL: [Self; 7] = [
        Self::Frames,
        Self::Textures,
        Self::Thumbnails,
        Self::Audio,
        Self::Effects,
        Self::Index,
        Self::Program,
    ];

    /// What it is called in reports and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::Textures => "textures",
            Self::Thumbnails => "thumbnails",
            Self::Audio => "audio",
            Self::Effects => "effects",
            Self::Index => "indices",
            Self::Program => "program",
        }
    }

    const fn place(self) -> usize {
        self as usize
    }
}

/// The budget has no room for a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{asked_bytes} more bytes for {} do not fit the memory budget of {limit_bytes} ({room_bytes} are left for them). Raise --memory.",
    class.name()
)]
pub struct OverBudget {
    /// What they were for.
    pub class: MemoryClass,
    /// How many were asked for.
    pub asked_bytes: u64,
    /// How many that class could have had.
    pub room_bytes: u64,
    /// The whole budget.
    pub limit_bytes: u64,
}

/// The books of one budget. Clones share them; any thread may charge. The lock is held for a few
/// additions and nothing is called under it, so it may be taken while others are held.
#[derive(Clone)]
pub struct Ledger {
    books: Arc<Mutex<Books>>,
}

impl Ledger {
    /// A ledger for `limit_bytes`, with nothing set aside.
    pub fn new(limit_bytes: u64) -> Self {
        Self::with_set_aside(limit_bytes, &[])
    }

    /// A ledger for `limit_bytes`, some of which belong to certain classes alone. What is set aside
    /// beyond the limit is not there: earlier entries come first.
    pub fn with_set_aside(limit_bytes: u64, set_aside: &[(MemoryClass, u64)]) -> Self {
        let mut books = Books {
            limit_bytes,
            ..Books::default()
        };
        let mut left = limit_bytes;
        for &(class, bytes) in set_aside {
            let bytes = bytes.min(left);
            left -= bytes;
            books.set_aside[class.place()] += bytes;
        }
        Self {
            books: Arc::new(Mutex::new(books)),
        }
    }

    /// Charges `bytes` to `class`.
    pub fn reserve(&self, class: MemoryClass, bytes: u64) -> Result<Charge, OverBudget> {
        self.books.lock().add(class, bytes)?;
        Ok(Charge {
            books: Arc::clone(&self.books),
            class,
            bytes,
        })
    }

    /// Bytes charged to `class`.
    pub fn used(&self, class: MemoryClass) -> u64 {
        self.books.lock().used[class.place()]
    }

    /// Bytes charged, all classes together.
    pub fn total(&self) -> u64 {
        self.books.lock().used.iter().sum()
    }

    /// The budget.
    pub fn limit(&self) -> u64 {
        self.books.lock().limit_bytes
    }

    /// Bytes that `class` could be charged with now.
    pub fn room(&self, class: MemoryClass) -> u64 {
        self.books.lock().room(class)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ledger").field(&*self.books.lock()).finish()
    }
}

#[derive(Debug, Default)]
struct Books {
    limit_bytes: u64,
    used: [u64; 7],
    set_aside: [u64; 7],
}

impl Books {
    /// What is taken as the others see it: a class holds at least what is set aside for it.
    fn taken(&self) -> u64 {
        let pairs = self.used.iter().zip(&self.set_aside);
        pairs.map(|(used, aside)| *used.max(aside)).sum()
    }

    fn room(&self, class: MemoryClass) -> u64 {
        let (used, aside) = (self.used[class.place()], self.set_aside[class.place()]);
        (self.limit_bytes - self.taken()) + aside.saturating_sub(used)
    }

    fn add(&mut self, class: MemoryClass, bytes: u64) -> Result<(), OverBudget> {
        let room_bytes = self.room(class);
        if bytes > room_bytes {
            return Err(OverBudget {
                class,
                asked_bytes: bytes,
                room_bytes,
                limit_bytes: self.limit_bytes,
            });
        }
        self.used[class.place()] += bytes;
        Ok(())
    }
}

/// The right to some bytes, until it is dropped.
pub struct Charge {
    books: Arc<Mutex<Books>>,
    class: MemoryClass,
    bytes: u64,
}

impl Charge {
    /// What it is for.
    pub fn class(&self) -> MemoryClass {
        self.class
    }

    /// How many bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The ledger that it stands in.
    pub fn ledger(&self) -> Ledger {
        Ledger {
            books: Arc::clone(&self.books),
        }
    }

    /// Makes it `bytes` large. To shrink never fails; where it cannot grow it stays as it is.
    pub fn resize(&mut self, bytes: u64) -> Result<(), OverBudget> {
        let mut books = self.books.lock();
        match bytes.checked_sub(self.bytes) {
            Some(more) => books.add(self.class, more)?,
            None => books.used[self.class.place()] -= self.bytes - bytes,
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.books.lock().used[self.class.place()] -= self.bytes;
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Charge")
            .field("class", &self.class)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_set_aside_is_there_for_its_class_alone() {
        let ledger = Ledger::with_set_aside(1000, &[(MemoryClass::Frames, 700)]);
        assert_eq!(ledger.room(MemoryClass::Textures), 300);
        let textures = ledger.reserve(MemoryClass::Textures, 300).unwrap();
        let refused = ledger.reserve(MemoryClass::Audio, 1).unwrap_err();
        assert_eq!((refused.asked_bytes, refused.room_bytes), (1, 0));
        let frames = ledger.reserve(MemoryClass::Frames, 700).unwrap();
        assert!(ledger.reserve(MemoryClass::Frames, 1).is_err());
        drop(textures);
        assert!(ledger.reserve(MemoryClass::Frames, 300).is_ok());
        assert_eq!(ledger.total(), frames.bytes());
    }

    #[test]
    fn a_charge_that_cannot_grow_stays_as_it_is() {
        let ledger = Ledger::new(100);
        let mut charge = ledger.reserve(MemoryClass::Thumbnails, 60).unwrap();
        assert!(charge.resize(101).is_err());
        assert_eq!((charge.bytes(), ledger.total()), (60, 60));
        charge.resize(100).unwrap();
        charge.resize(10).unwrap();
        assert_eq!(ledger.used(MemoryClass::Thumbnails), 10);
        drop(charge);
        assert_eq!(ledger.total(), 0);
    }

    #[test]
    fn charges_from_many_threads_add_up() {
        let ledger = Ledger::new(10_000);
        std::thread::scope(|scope| {
            for class in MemoryClass::ALL {
                let ledger = ledger.clone();
                scope.spawn(move || {
                    for bytes in 0..2000 {
                        let charge = ledger.reserve(class, bytes);
                        assert!(ledger.total() <= ledger.limit());
                        drop(charge);
                    }
                });
            }
        });
        assert_eq!(ledger.total(), 0);
    }

    #[derive(Debug, Clone)]
    enum Move {
        Reserve(usize, u64),
        Drop(usize),
        Resize(usize, u64),
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let one = prop_oneof![
            (0usize..7, 0u64..400).prop_map(|(class, bytes)| Move::Reserve(class, bytes)),
            any::<usize>().prop_map(Move::Drop),
            (any::<usize>(), 0u64..400).prop_map(|(at, bytes)| Move::Resize(at, bytes)),
        ];
        prop::collection::vec(one, 1..200)
    }

    proptest! {
        #[test]
        fn never_over_budget_and_the_sum_of_charges_is_the_total(
            asides in prop::collection::vec((0usize..7, 0u64..600), 0..3),
            moves in moves(),
        ) {
            let asides: Vec<_> = asides.into_iter().map(|(c, b)| (MemoryClass::ALL[c], b)).collect();
            let ledger = Ledger::with_set_aside(1000, &asides);
            let mut held: Vec<Charge> = Vec::new();
            for next in moves {
                match next {
                    Move::Reserve(class, bytes) => {
                        let class = MemoryClass::ALL[class];
                        let room = ledger.room(class);
                        let charge = ledger.reserve(class, bytes);
                        prop_assert_eq!(charge.is_ok(), bytes <= room);
                        held.extend(charge);
                    }
                    Move::Drop(at) if !held.is_empty() => drop(held.swap_remove(at % held.len())),
                    Move::Resize(at, bytes) if !held.is_empty() => {
                        let at = at % held.len();
                        let before = held[at].bytes();
                        let resized = held[at].resize(bytes).is_ok();
                        prop_assert_eq!(held[at].bytes(), if resized { bytes } else { before });
                        prop_assert!(resized || bytes > before);
                    }
                    _ => {}
                }
                let sum: u64 = held.iter().map(Charge::bytes).sum();
                prop_assert_eq!(ledger.total(), sum);
                prop_assert!(sum <= ledger.limit());
                for class in MemoryClass::ALL {
                    let used = ledger.used(class);
                    let of_class = held.iter().filter(|c| c.class() == class);
                    prop_assert_eq!(used, of_class.map(Charge::bytes).sum::<u64>());
                }
            }
        }
    }
}

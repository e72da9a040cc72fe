//! A few words that one thread writes and others read, without locks on either side.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// Tries before a reader gives up; a writer holds the cell for some nanoseconds only.
const READ_TRIES: u32 = 64;

/// `N` words that are always read as they were written together.
///
/// A sequence lock made of atomics (Boehm, "Can seqlocks get along with programming language memory
/// models?", MSPC 2012): the count is odd while a write is under way. There must be one writer at a
/// time. Readers never wait: they get `None` in the unlikely case that every try met a write.
#[derive(Debug)]
pub(crate) struct SeqCell<const N: usize> {
    count: AtomicU64,
    words: [AtomicU64; N],
}

impl<const N: usize> SeqCell<N> {
    /// A cell of zeros.
    pub(crate) fn new() -> Self {
        Self {
            count: AtomicU64::new(0),
            words: [const { AtomicU64::new(0) }; N],
        }
    }

    /// Replaces the words. To be called by one thread at a time.
    pub(crate) fn write(&self, words: &[u64; N]) {
        let count = self.count.load(Ordering::Relaxed);
        self.count.store(count.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        for (place, word) in self.words.iter().zip(words) {
            place.store(*word, Ordering::Relaxed);
        }
        self.count.store(count.wrapping_add(2), Ordering::Release);
    }

    /// The words as last written, with the number of writes so far.
    pub(crate) fn read(&self) -> Option<(u64, [u64; N])> {
        for _ in 0..READ_TRIES {
            let before = self.count.load(Ordering::Acquire);
            if before % 2 == 1 {
                std::hint::spin_loop();
                continue;
            }
            let words = std::array::from_fn(|n| self.words[n].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if self.count.load(Ordering::Relaxed) == before {
                return Some((before / 2, words));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_never_torn() {
        const WRITES: u64 = 20_000;
        let cell = SeqCell::<4>::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..=WRITES {
                    cell.write(&[n, n * 2, n * 3, n * 5]);
                }
            });
            let mut last = 0;
            while last < WRITES {
                let Some((count, [a, b, c, d])) = cell.read() else {
                    continue;
                };
                assert_eq!((b, c, d), (a * 2, a * 3, a * 5), "torn at {count}");
                assert!(a >= last && a == count);
                last = a;
            }
        });
    }
}

//! The threads that write proxies, and what they are fed with.

use std::thread::{Scope, ScopedJoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::error::MakeError;
use super::output::{Output, Piece, Written, hand_on};
use crate::media::Size;

/// Pictures that wait for an encoder, at most. More would only take memory: the slowest thread decides.
pub(super) const PICTURES_AHEAD: usize = 3;

/// A picture that is larger by this factor in each direction may be scaled in the source's place: less is read,
/// and what is lost by scaling twice cannot be told from what encoding loses.
const LARGER: u32 = 2;

/// The threads of all sizes; each says what it wrote.
pub(super) type Threads<'scope> = Vec<ScopedJoinHandle<'scope, Result<Option<Written>, MakeError>>>;

/// Sends pieces to the threads that scale the source's pictures. They hand them on to those that scale theirs.
pub(super) struct Feeder(Vec<Sender<Piece>>);

impl Feeder {
    /// Starts a thread for each of `outputs`, which are made of pictures of size `source`.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        outputs: Vec<Output>,
        source: Size,
    ) -> Result<(Self, Threads<'scope>), MakeError> {
        let sizes: Vec<Size> = outputs.iter().map(Output::size).collect();
        let mut roots = Vec::new();
        let mut ends: Vec<Receiver<Piece>> = Vec::new();
        let mut smaller: Vec<Vec<Sender<Piece>>> = sizes.iter().map(|_| Vec::new()).collect();
        for place in 0..sizes.len() {
            let (sender, pieces) = bounded(PICTURES_AHEAD);
            ends.push(pieces);
            match scaled_from(&sizes, place, source) {
                Some(larger) => smaller[larger].push(sender),
                None => roots.push(sender),
            }
        }
        let mut threads = Vec::new();
        for ((output, pieces), smaller) in outputs.into_iter().zip(ends).zip(smaller) {
            let thread = std::thread::Builder::new()
                .name(format!("proxy {}", threads.len() + 1))
                .spawn_scoped(scope, move || output.run(&pieces, &smaller))
                .map_err(MakeError::Thread)?;
            threads.push(thread);
        }
        Ok((Self(roots), threads))
    }

    /// Waits while the slowest thread is behind.
    pub(super) fn send(&self, piece: &Piece) -> Result<(), MakeError> {
        hand_on(&self.0, piece)
    }
}

/// Which of the other sizes the pictures of the one at `place` are scaled from; `None` for the source. The
/// smallest that is large enough, if it is itself smaller than the source.
fn scaled_from(sizes: &[Size], place: usize, source: Size) -> Option<usize> {
    let is_larger = |large: Size, small: Size| {
        // Sides are rounded to even numbers.
        let fits = |large: u32, small: u32| u64::from(large) + 2 >= u64::from(small * LARGER);
        large.area() > small.area()
            && fits(large.width(), small.width())
            && fits(large.height(), small.height())
    };
    let own = *sizes.get(place)?;
    let others = sizes.iter().enumerate();
    others
        .filter(|(_, size)| is_larger(**size, own) && size.area() * 2 <= source.area())
        .min_by_key(|(_, size)| size.area())
        .map(|(larger, _)| larger)
}

/// Waits for the threads: all of them wrote their proxies, or one says why not.
pub(super) fn join(threads: Threads<'_>) -> Result<Vec<Written>, MakeError> {
    let mut all = Vec::new();
    let mut failure: Option<MakeError> = None;
    for thread in threads {
        match thread.join() {
            Ok(Ok(written)) => all.extend(written),
            // Those that could hand nothing on any more only know that another failed.
            Ok(Err(error)) => {
                failure = failure
                    .filter(|known| !known.is_cancelled())
                    .or(Some(error));
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    failure.map_or(Ok(all), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).unwrap()
    }

    #[test]
    fn small_pictures_are_scaled_from_larger_ones_that_are_smaller_than_the_source() {
        let (draft, quarter) = (size(854, 480), size(960, 540));
        let (preview, half) = (size(1280, 720), size(1920, 1080));
        let all = [draft, quarter, preview, half];
        let from = |source| -> Vec<Option<usize>> {
            (0..all.len())
                .map(|place| scaled_from(&all, place, source))
                .collect()
        };
        assert_eq!(from(size(3840, 2160)), [Some(3), Some(3), None, None]);
        // The largest is no smaller than the source.
        assert_eq!(from(half), [None; 4]);
        let full = size(3840, 2160);
        let wide = [quarter, half, full];
        let source = size(7680, 4320);
        assert_eq!(scaled_from(&wide, 0, source), Some(1));
        assert_eq!(scaled_from(&wide, 1, source), Some(2));
        assert_eq!(scaled_from(&wide, 2, source), None);
        assert_eq!(scaled_from(&[half, half], 0, source), None, "no circles");
    }
}

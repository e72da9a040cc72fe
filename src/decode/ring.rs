//! The lock-free ring between a decode session and the thread that presents.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::plan::Generation;
use crate::media::VideoFrame;
use crate::time::{FrameIndex, MediaSpan, Moment};
use crate::timeline::Composite;

/// What a plan asked for at one place: a picture, or the reason why there is none.
#[derive(Debug, Clone)]
pub enum Picture {
    /// The picture.
    Frame(Arc<VideoFrame>),
    /// Several, and how they lie over one another.
    Composite(Arc<Composite>),
    /// It could not be had, for this reason. What is on screen stays there.
    Missing(Arc<str>),
}

/// A picture with its place in a plan.
#[derive(Debug, Clone)]
pub struct PlannedFrame {
    /// The plan.
    pub generation: Generation,
    /// Which frame of the medium it is.
    pub index: FrameIndex,
    /// Run time at which it is due.
    pub run: MediaSpan,
    /// Run time at which the next one is due.
    pub run_end: MediaSpan,
    /// The picture.
    pub picture: Picture,
    /// Frames of the plan that were given up just before it, because decoding had fallen behind.
    pub given_up: u32,
    /// Time spent reading for it.
    pub demux: Duration,
    /// Time spent decoding for it, pictures that only it needed included.
    pub decode: Duration,
    /// When it was put in the ring.
    pub ready: Moment,
}

/// What goes through the ring.
#[derive(Debug)]
pub enum RingItem {
    /// A frame.
    Frame(PlannedFrame),
    /// The plan is over.
    End {
        /// Which plan.
        generation: Generation,
        /// Run time at which its last frame has been on screen for its whole duration.
        run: MediaSpan,
    },
}

impl RingItem {
    /// The plan it belongs to.
    pub fn generation(&self) -> Generation {
        match self {
            Self::Frame(frame) => frame.generation,
            Self::End { generation, .. } => *generation,
        }
    }
}

/// Makes a ring of `capacity` items. Neither end ever waits for the other inside the ring; the
/// producer sleeps on [`FrameProducer::space`] when it is full.
pub fn frame_ring(capacity: usize) -> (FrameProducer, FrameConsumer) {
    let (producer, consumer) = HeapRb::new(capacity.max(1)).split();
    let (wake, space) = bounded(1);
    let fill = Arc::new(AtomicUsize::new(0));
    (
        FrameProducer {
            ring: producer,
            space,
            wake: wake.clone(),
            fill: Arc::clone(&fill),
        },
        FrameConsumer {
            ring: consumer,
            wake,
            fill,
        },
    )
}

/// The session's end.
pub struct FrameProducer {
    ring: HeapProd<RingItem>,
    space: Receiver<()>,
    wake: Sender<()>,
    fill: Arc<AtomicUsize>,
}

impl FrameProducer {
    /// Puts an item in, or gives it back when the ring is full.
    pub fn push(&mut self, item: RingItem) -> Result<(), RingItem> {
        let pushed = self.ring.try_push(item);
        self.fill.store(self.ring.occupied_len(), Ordering::Relaxed);
        pushed
    }

    /// Receives a token when an item was taken out since the last token.
    pub fn space(&self) -> &Receiver<()> {
        &self.space
    }

    /// Makes another thread able to wake the session as the consumer does.
    pub fn waker(&self) -> Sender<()> {
        self.wake.clone()
    }

    /// A counter of the items in the ring, for display.
    pub fn fill(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.fill)
    }

    /// How many items fit.
    pub fn capacity(&self) -> usize {
        self.ring.capacity().get()
    }
}

/// The presenting thread's end.
pub struct FrameConsumer {
    ring: HeapCons<RingItem>,
    wake: Sender<()>,
    fill: Arc<AtomicUsize>,
}

impl FrameConsumer {
    /// The next item, left where it is.
    pub fn peek(&self) -> Option<&RingItem> {
        self.ring.try_peek()
    }

    /// Takes the next item and wakes the session.
    pub fn pop(&mut self) -> Option<RingItem> {
        let item = self.ring.try_pop()?;
        self.fill.store(self.ring.occupied_len(), Ordering::Relaxed);
        // A token that already waits says the same.
        let _already_awake = self.wake.try_send(());
        Some(item)
    }

    /// Items that wait.
    pub fn len(&self) -> usize {
        self.ring.occupied_len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

impl std::fmt::Debug for FrameConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameConsumer")
            .field("len", &self.len())
            .finish()
    }
}

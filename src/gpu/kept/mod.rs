//! Pictures that were converted are kept, so that a frame that is shown again at the same size costs
//! neither an upload nor a conversion.
//!
//! What is kept are the textures that pictures are converted into, on CPU adapters as well, where they are
//! ordinary memory: showing one again means to draw another texture, and copies nothing. A conversion
//! writes into the texture that is the smallest loss, so that playing makes none once there are enough.
//! Two other ways were rejected: a copy of each picture beside the one on screen, which costs a copy a
//! frame whether or not anything comes back, and RGBA in memory on CPU adapters, which would have to be
//! copied to a texture to be drawn with adjustments.
//!
//! A picture is known by everything that its pixels depend on ([`PictureKey`]). What goes first when room
//! is needed is worked out from where the playhead is and how it goes on ([`Outlook`]); [`store`] decides,
//! and knows nothing of a GPU. All of it is charged to the [`TextureBudget`](super::TextureBudget), which
//! gives this only what it does not need for making pictures.

mod key;
mod outlook;
mod store;

pub(super) use key::PictureKey;
pub use outlook::{Course, Outlook, Place};

use self::store::{Limit, Miss, Room, Shape, Store};
use super::present::Presenter;
use super::{ComponentOrder, GpuContext, Picture, PictureError, PictureTimes};
use crate::media::Size;
use crate::time::FrameIndex;

/// How keeping pictures goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeptCounts {
    /// Pictures that were shown again without being made again.
    pub hits: u64,
    /// Pictures that were made because nothing was known of them.
    pub misses_new: u64,
    /// Because they were there at another size only.
    pub misses_size: u64,
    /// Because they had made room for others.
    pub misses_room: u64,
    /// Because they had gone with their device.
    pub misses_device: u64,
    /// Pictures held, that on screen included.
    pub pictures: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The most bytes that were held at once.
    pub peak_bytes: u64,
    /// Times that the device had no memory left, so that less is kept since.
    pub shortages: u64,
}

impl KeptCounts {
    /// Pictures that were made.
    pub fn misses(&self) -> u64 {
        self.misses_new + self.misses_size + self.misses_room + self.misses_device
    }
}

/// A picture and how it is drawn.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) picture: Picture,
    pub(super) bindings: wgpu::BindGroup,
    pub(super) has_alpha: bool,
}

/// What is to be made, and who binds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) presenter: &'a Presenter,
    pub(super) size: Size,
    pub(super) order: ComponentOrder,
    pub(super) has_alpha: bool,
}

impl Wanted<'_> {
    fn shape(&self) -> Shape {
        Shape {
            size: self.size,
            order: self.order,
        }
    }
}

/// The pictures of one device: that on screen, and those that may be on screen again.
#[derive(Debug, Default)]
pub(super) struct KeptPictures {
    store: Store<Held>,
    outlook: Outlook,
    counts: KeptCounts,
}

impl KeptPictures {
    /// The picture on screen.
    pub(super) fn on_screen(&self) -> Option<&Held> {
        self.store.on_screen()
    }

    /// How it goes.
    pub(super) fn counts(&self) -> KeptCounts {
        KeptCounts {
            pictures: self.store.len() as u64,
            bytes: self.store.bytes(),
            ..self.counts
        }
    }

    /// The frames of the medium on screen whose pictures are kept, in order, each once.
    pub(super) fn frames(&self) -> Vec<FrameIndex> {
        let medium = self.outlook.place.medium;
        let places = self.store.places().filter(|place| place.medium == medium);
        let mut frames: Vec<FrameIndex> = places.map(|place| place.frame).collect();
        frames.sort_unstable();
        frames.dedup();
        frames
    }

    /// Where the playhead is, and how it goes on.
    pub(super) fn set_outlook(&mut self, outlook: Outlook) {
        self.outlook = outlook;
    }

    /// Shows the picture of this key, if it is kept.
    pub(super) fn recall(&mut self, ctx: &GpuContext, key: &PictureKey) -> bool {
        let is_there = keeps(ctx) && self.store.recall(key, self.outlook.place);
        if is_there {
            self.counts.hits += 1;
        }
        is_there
    }

    /// Has `make` make a picture, and shows it. It is kept under `key` as long as there is room.
    ///
    /// Where the device has no memory left for it, kept pictures are given up and `make` is called again.
    pub(super) fn fill(
        &mut self,
        ctx: &GpuContext,
        key: PictureKey,
        wanted: &Wanted<'_>,
        mut make: impl FnMut(&Picture) -> Result<PictureTimes, PictureError>,
    ) -> Result<PictureTimes, PictureError> {
        if keeps(ctx) {
            *match self.store.why_missing(&key) {
                Miss::New => &mut self.counts.misses_new,
                Miss::Size => &mut self.counts.misses_size,
                Miss::Room => &mut self.counts.misses_room,
                Miss::Device => &mut self.counts.misses_device,
            } += 1;
        }
        loop {
            let at = self.room(ctx, wanted)?;
            let Some(held) = self.store.value(at) else {
                return Err(PictureError::Nothing);
            };
            match make(&held.picture) {
                Ok(times) => {
                    self.store.show(at, key, self.outlook.place, |held| {
                        held.has_alpha = wanted.has_alpha;
                    });
                    return Ok(times);
                }
                Err(PictureError::OutOfMemory) if self.give_up_half(ctx) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives up what has no room any more, and what others want back.
    pub(super) fn settle(&mut self, ctx: &GpuContext) {
        let asked = ctx.budget().take_asked_back();
        let rest = self.store.bytes().saturating_sub(asked);
        let bytes = self.limit(ctx).bytes.min(rest);
        self.store.settle(bytes, &self.outlook);
    }

    /// Gives everything up with its device.
    pub(super) fn lose(&mut self) {
        self.store.lose();
    }

    /// A slot that can be written to.
    fn room(&mut self, ctx: &GpuContext, wanted: &Wanted<'_>) -> Result<usize, PictureError> {
        let shape = wanted.shape();
        let mut limit = self.limit(ctx);
        loop {
            if let Room::Slot(at) = self.store.room(shape, limit, &self.outlook) {
                return Ok(at);
            }
            let lease = if self.store.len() == 0 {
                // There is no picture without one.
                ctx.budget().must(shape.bytes())
            } else if let Some(lease) = ctx.budget().spare(shape.bytes()) {
                lease
            } else {
                // The share has room, but the budget has not: others have taken it.
                limit.bytes = self.store.bytes();
                limit.pictures = self.store.len();
                continue;
            };
            match Picture::with_lease(ctx, shape.size, shape.order, lease) {
                Ok(picture) => {
                    let held = Held {
                        bindings: wanted.presenter.bind(&picture),
                        picture,
                        has_alpha: wanted.has_alpha,
                    };
                    let at = self.store.add(shape, held);
                    self.counts.peak_bytes = self.counts.peak_bytes.max(self.store.bytes());
                    return Ok(at);
                }
                Err(PictureError::OutOfMemory) if self.give_up_half(ctx) => {
                    limit = self.limit(ctx);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What the share leaves for pictures, and how many of them are worth it.
    fn limit(&self, ctx: &GpuContext) -> Limit {
        let held = self.store.bytes();
        let budget = ctx.budget();
        let others = budget.used().saturating_sub(held);
        let bytes = budget.share().saturating_sub(others);
        let each = held / (self.store.len() as u64).max(1);
        let pictures = self.outlook.worth_keeping(bytes / each.max(1));
        Limit { bytes, pictures }
    }

    /// Makes room on a device that has none left, and keeps less from now on. False when there was nothing
    /// to give up.
    fn give_up_half(&mut self, ctx: &GpuContext) -> bool {
        let given_up = self.store.settle(self.store.bytes() / 2, &self.outlook);
        if given_up == 0 {
            return false;
        }
        ctx.budget().lower_share(ctx.budget().used());
        self.counts.shortages += 1;
        let share = ctx.budget().share();
        tracing::warn!(
            given_up,
            share,
            "graphics memory ran out; fewer pictures are kept from now on"
        );
        true
    }
}

/// Whether anything is kept on this device.
fn keeps(ctx: &GpuContext) -> bool {
    ctx.budget().share() > 0
}

#[cfg(test)]
mod tests;

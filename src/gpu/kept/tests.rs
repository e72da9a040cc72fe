use super::*;
use crate::gpu::test_support::{gray_frame, open, size};
use crate::gpu::{OffscreenTarget, TextureBudget};
use crate::media::{Orientation, PictureId, PixelFormat};
use crate::memory::{Ledger, MemoryClass, Shedder};
use crate::time::FrameIndex;

const PICTURE_BYTES: u64 = 16 * 16 * 4;

/// A device and what is kept on it, without anything that converts.
struct Desk {
    ctx: GpuContext,
    ledger: Ledger,
    presenter: Presenter,
    kept: KeptPictures,
}

impl Desk {
    fn new() -> Self {
        let ledger = Ledger::new(1 << 20);
        let mut ctx = open();
        ctx.set_budget(TextureBudget::new(ledger.clone(), 1 << 20));
        let presenter = Presenter::new(&ctx, OffscreenTarget::FORMAT).unwrap();
        Self {
            ctx,
            ledger,
            presenter,
            kept: KeptPictures::default(),
        }
    }

    fn key(frame: i64) -> PictureKey {
        let mut shown = gray_frame(PixelFormat::YUV420P8, 2, 2);
        shown.id = PictureId::of_frame(1, FrameIndex(frame));
        PictureKey::of_frame(&shown, Orientation::UPRIGHT, size(16, 16), false)
    }

    /// Shows a frame on a device that refuses the first few times. Answers how often it was asked.
    fn show(&mut self, frame: i64, refusals: u32) -> (Result<PictureTimes, PictureError>, u32) {
        let wanted = Wanted {
            presenter: &self.presenter,
            size: size(16, 16),
            order: ComponentOrder::Rgba,
            has_alpha: false,
        };
        let place = Place {
            medium: 1,
            frame: FrameIndex(frame),
        };
        self.kept.set_outlook(Outlook {
            place,
            course: Course::Anywhere,
        });
        let mut asked = 0;
        let key = Self::key(frame);
        let shown = self.kept.fill(&self.ctx, key, &wanted, |_| {
            asked += 1;
            if asked > refusals {
                Ok(PictureTimes::default())
            } else {
                Err(PictureError::OutOfMemory)
            }
        });
        (shown, asked)
    }

    fn has(&mut self, frame: i64) -> bool {
        self.kept.recall(&self.ctx, &Self::key(frame))
    }
}

#[test]
fn a_device_without_memory_gets_back_what_is_far_and_less_is_kept_since() {
    let mut desk = Desk::new();
    for frame in 0..16 {
        assert_eq!(desk.show(frame, 0).1, 1);
    }
    assert_eq!(desk.kept.counts().pictures, 16);
    let (shown, asked) = desk.show(16, 1);
    assert_eq!((shown.is_ok(), asked), (true, 2));
    let counts = desk.kept.counts();
    assert!(counts.pictures <= 9 && counts.shortages == 1, "{counts:?}");
    assert_eq!(desk.ledger.used(MemoryClass::Textures), counts.bytes);
    assert!(desk.has(15) && !desk.has(0));
    // The share is what was left, for good.
    for frame in 20..60 {
        desk.show(frame, 0).0.unwrap();
        assert!(desk.kept.counts().pictures <= 9);
    }
}

#[test]
fn where_nothing_can_be_given_up_the_caller_is_told() {
    let mut desk = Desk::new();
    let (shown, asked) = desk.show(0, 10);
    assert_eq!((shown, asked), (Err(PictureError::OutOfMemory), 1));
    for frame in 0..16 {
        desk.show(frame, 0).0.unwrap();
    }
    let (shown, asked) = desk.show(16, u32::MAX);
    assert_eq!(shown, Err(PictureError::OutOfMemory));
    assert!(asked < 8, "{asked} times");
    // Something is on screen still, and the next frame finds its place.
    assert!(desk.kept.on_screen().is_some());
    desk.show(17, 0).0.unwrap();
    assert!(desk.kept.counts().pictures <= 2);
}

#[test]
fn the_ladder_of_pressure_gets_textures_back() {
    let mut desk = Desk::new();
    for frame in 0..16 {
        desk.show(frame, 0).0.unwrap();
    }
    let shed = desk.ctx.budget().shed(5 * PICTURE_BYTES);
    assert_eq!(shed, 5 * PICTURE_BYTES);
    desk.kept.settle(&desk.ctx);
    assert_eq!(desk.kept.counts().pictures, 11);
    assert!(desk.has(15) && !desk.has(0));
}

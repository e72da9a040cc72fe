//! What presenting costs, measured on the thread that presents.

use std::time::Duration;

use super::signals::PresentCost;
use crate::metrics::Stage;

/// Frames that the percentile is taken of.
const WINDOW: usize = 32;

/// Times of the latest frames in one stage, in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Recent {
    nanos: [u64; WINDOW],
    seen: usize,
}

impl Recent {
    fn add(&mut self, nanos: u64) {
        self.nanos[self.seen % WINDOW] = nanos;
        self.seen = self.seen.wrapping_add(1);
    }

    /// The slowest frame never counts: the first of its kind makes pipelines, which no other does again.
    fn p90(&self) -> Duration {
        let seen = self.seen.min(WINDOW);
        let mut sorted = self.nanos;
        let sorted = &mut sorted[..seen];
        sorted.sort_unstable();
        let most = seen.saturating_sub(1);
        let place = (seen * 9).div_ceil(10).min(most).checked_sub(1);
        let nanos = place.and_then(|place| sorted.get(place));
        Duration::from_nanos(nanos.copied().unwrap_or(0))
    }
}

/// Measures a [`PresentCost`] from what the stages of presented frames took.
#[derive(Debug, Clone, Default)]
pub struct PresentMeter {
    upload: Recent,
    convert: Recent,
    render: Recent,
}

impl PresentMeter {
    /// A stage of a presented frame took so long. Waiting for the display is no cost.
    pub fn add(&mut self, stage: Stage, nanos: u64) {
        match stage {
            Stage::Upload => self.upload.add(nanos),
            Stage::Convert => self.convert.add(nanos),
            Stage::Gpu => self.render.add(nanos),
            Stage::Demux | Stage::Decode | Stage::Present | Stage::Audio => {}
        }
    }

    /// Nine of ten of the latest frames took no longer; nothing before the second.
    pub fn cost(&self) -> PresentCost {
        PresentCost {
            upload: self.upload.p90(),
            convert: self.convert.p90(),
            render: self.render.p90(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_frames_count_when_they_are_more_than_one_in_ten() {
        let mut meter = PresentMeter::default();
        assert_eq!(meter.cost(), PresentCost::default());
        // The first one makes what all others use.
        let mut first = PresentMeter::default();
        first.add(Stage::Convert, 200_000_000);
        assert_eq!(first.cost(), PresentCost::default());
        first.add(Stage::Convert, 5_000_000);
        assert_eq!(first.cost().convert, Duration::from_millis(5));
        for slow in [3, 4] {
            let mut some = PresentMeter::default();
            for frame in 0..32 {
                some.add(Stage::Gpu, if frame < slow { 9 } else { 1 });
            }
            let nanos = if slow == 3 { 1 } else { 9 };
            assert_eq!(some.cost().render, Duration::from_nanos(nanos), "{slow}");
        }
        for frame in 0..40 {
            let slow = frame % 16 == 0;
            meter.add(Stage::Convert, if slow { 30_000_000 } else { 5_000_000 });
            meter.add(
                Stage::Upload,
                if frame % 4 == 0 { 9_000_000 } else { 1_000_000 },
            );
            meter.add(Stage::Present, 16_000_000);
        }
        let cost = meter.cost();
        assert_eq!(cost.convert, Duration::from_millis(5));
        assert_eq!(cost.upload, Duration::from_millis(9));
        assert_eq!(cost.render, Duration::ZERO);
    }
}

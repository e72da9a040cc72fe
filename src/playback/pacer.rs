//! When to draw, and for which refresh of the display.

use std::time::Duration;

use super::vsync::VsyncModel;
use crate::time::{FrameRate, Moment};

/// Time that drawing is thought to take before it was measured.
const FIRST_LEAD: Duration = Duration::from_millis(4);

/// Share of a measured time that the estimate takes up, as a divisor.
const LEAD_GAIN: i64 = 8;

/// Every other drawing begins earlier by this share of a refresh, as a divisor, so that the model can
/// tell whether presenting waits for the display.
const EARLIER_DIVISOR: i64 = 16;

/// Share of a refresh by which drawing begins earlier after it missed the refresh, as a divisor.
const MISSED_DIVISOR: i64 = 8;

/// Drawing to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// When to begin.
    pub at: Moment,
    /// The refresh at which it will be seen.
    pub refresh: Moment,
}

/// Turns "a frame is due" into "draw now". Pure; both loops use it.
#[derive(Debug)]
pub struct Pacer {
    vsync: VsyncModel,
    last_refresh: Option<Moment>,
    lead_nanos: i64,
    /// Whether the next drawing is one that begins earlier.
    earlier: bool,
}

impl Pacer {
    /// For a display of `rate` refreshes a second.
    pub fn new(rate: FrameRate) -> Self {
        Self {
            vsync: VsyncModel::new(rate),
            last_refresh: None,
            lead_nanos: i64::try_from(FIRST_LEAD.as_nanos()).unwrap_or(0),
            earlier: false,
        }
    }

    /// Length of a refresh.
    pub fn period_nanos(&self) -> i64 {
        self.vsync.period_nanos()
    }

    /// When to draw a frame that is due at `due`: for the refresh whose middle is the first at or after
    /// it, begun as late as drawing allows. One refresh is drawn for once, but for what must be drawn at
    /// once (`Moment::ZERO`): that takes the next refresh, and leaves those after it to what is due.
    pub fn plan(&self, now: Moment, due: Moment) -> Draw {
        let period = self.period_nanos();
        let by_due = due.offset_nanos(-period / 2).max(now);
        let mut refresh = self.vsync.next_refresh(by_due.offset_nanos(-1));
        if let Some(last) = self.last_refresh
            && due != Moment::ZERO
            && refresh.nanos_since(last) < period / 2
        {
            refresh = self.vsync.next_refresh(last.offset_nanos(period / 2));
        }
        Draw {
            at: self.begin_for(refresh),
            refresh,
        }
    }

    /// The refresh for which drawing begins at `begun`, while the next frame is due at `due`. Drawing that
    /// begins before that frame's time, for the interface has changed, is for the next refresh, and must
    /// not bring the frame forward.
    pub fn refresh_for(&self, begun: Moment, due: Option<Moment>) -> Moment {
        let planned = due
            .map(|due| self.plan(begun, due))
            .filter(|draw| draw.at <= begun);
        planned
            .unwrap_or_else(|| self.plan(begun, Moment::ZERO))
            .refresh
    }

    /// When to begin to draw for `refresh`.
    fn begin_for(&self, refresh: Moment) -> Moment {
        let earlier = if self.earlier {
            self.period_nanos() / EARLIER_DIVISOR
        } else {
            0
        };
        refresh.offset_nanos(-self.lead_nanos - earlier)
    }

    /// Drawing for `refresh` began at `begun`, and presenting returned at `presented`.
    pub fn presented(&mut self, refresh: Moment, begun: Moment, presented: Moment) {
        self.last_refresh = Some(refresh);
        let period = self.period_nanos();
        let as_planned = begun.nanos_since(self.begin_for(refresh)).abs() * 4 < period;
        self.earlier = !self.earlier;
        self.vsync.presented(refresh, begun, presented, as_planned);
        // A display that paces makes presenting wait: that is no work, and beginning earlier for it
        // would only wait longer. It was begun too late only where the refresh was missed.
        if !self.vsync.is_paced_by_display() {
            let took = presented.nanos_since(begun);
            self.lead_nanos += (took - self.lead_nanos) / LEAD_GAIN;
        } else if presented.nanos_since(refresh) * 2 > period {
            self.lead_nanos += period / MISSED_DIVISOR;
        }
        self.lead_nanos = self
            .lead_nanos
            .clamp(1_000_000.min(period / 2), period * 3 / 2);
    }

    /// `refresh` was looked at, and nothing had to be drawn.
    pub fn passed(&mut self, refresh: Moment) {
        self.last_refresh = Some(refresh);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refresh_is_drawn_once_and_a_due_frame_meets_the_nearest() {
        let mut pacer = Pacer::new(FrameRate::new(100, 1).unwrap());
        let ms = |n: u64| Moment::from_nanos(n * 1_000_000);
        // Refreshes lie at whole multiples of 10 ms.
        let draw = pacer.plan(ms(1), ms(33));
        assert_eq!(draw.refresh, ms(30));
        assert!(draw.at < draw.refresh);
        pacer.passed(draw.refresh);
        assert_eq!(pacer.plan(ms(28), ms(33)).refresh, ms(40));
        // What is overdue is drawn for the next refresh that can be met.
        assert_eq!(pacer.plan(ms(52), ms(33)).refresh, ms(60));
        // What is drawn for the interface meets the next refresh, and does not wait for the frame.
        pacer.passed(ms(60));
        assert_eq!(pacer.refresh_for(ms(52), Some(ms(93))), ms(60));
        assert_eq!(pacer.refresh_for(ms(52), None), ms(60));
        assert_eq!(pacer.refresh_for(ms(87), Some(ms(93))), ms(90));
    }
}

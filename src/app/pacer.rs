//! When to draw, and for which refresh of the display.

use std::time::Duration;

use crate::playback::VsyncModel;
use crate::time::{FrameRate, Moment};

/// Time that drawing is thought to take before it was measured.
const FIRST_LEAD: Duration = Duration::from_millis(4);

/// Share of a measured time that the estimate takes up, as a divisor.
const LEAD_GAIN: i64 = 8;

/// Drawing to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Draw {
    /// When to begin.
    pub(super) at: Moment,
    /// The refresh at which it will be seen.
    pub(super) refresh: Moment,
}

/// Turns "a frame is due" into "draw now". Pure; both loops use it.
#[derive(Debug)]
pub(super) struct Pacer {
    vsync: VsyncModel,
    last_refresh: Option<Moment>,
    lead_nanos: i64,
}

impl Pacer {
    /// For a display of `rate` refreshes a second.
    pub(super) fn new(rate: FrameRate) -> Self {
        Self {
            vsync: VsyncModel::new(rate),
            last_refresh: None,
            lead_nanos: i64::try_from(FIRST_LEAD.as_nanos()).unwrap_or(0),
        }
    }

    /// Length of a refresh.
    pub(super) fn period_nanos(&self) -> i64 {
        self.vsync.period_nanos()
    }

    /// When to draw a frame that is due at `due`: for the refresh whose middle is the first at or after
    /// it, begun as late as drawing allows. One refresh is drawn for once.
    pub(super) fn plan(&self, now: Moment, due: Moment) -> Draw {
        let period = self.period_nanos();
        let by_due = due.offset_nanos(-period / 2).max(now);
        let mut refresh = self.vsync.next_refresh(by_due.offset_nanos(-1));
        if let Some(last) = self.last_refresh
            && refresh.nanos_since(last) < period / 2
        {
            refresh = self.vsync.next_refresh(last.offset_nanos(period / 2));
        }
        Draw { at: refresh.offset_nanos(-self.lead_nanos), refresh }
    }

    /// Drawing for `refresh` began at `begun`, and presenting returned at `presented`.
    pub(super) fn presented(&mut self, refresh: Moment, begun: Moment, presented: Moment) {
        self.last_refresh = Some(refresh);
        self.vsync.presented(presented);
        // A display that paces makes presenting wait: that is no work, and beginning earlier for it
        // would only wait longer.
        if !self.vsync.is_paced_by_display() {
            let took = presented.nanos_since(begun);
            self.lead_nanos += (took - self.lead_nanos) / LEAD_GAIN;
            self.lead_nanos = self.lead_nanos.clamp(1_000_000, self.period_nanos() * 3 / 4);
        }
    }

    /// `refresh` was looked at, and nothing had to be drawn.
    pub(super) fn passed(&mut self, refresh: Moment) {
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
    }
}

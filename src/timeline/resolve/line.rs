//! Straight maps from timeline time to the time of something in it.

use super::op::source_instant;
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime};
use crate::timeline::{Ratio, TimeMapPiece};

/// A straight map from one time to another: where `from` is reached, the other time is `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    from: MediaTime,
    to: MediaTime,
    speed: Ratio,
}

impl Line {
    /// Both times are one.
    pub(super) const IDENTITY: Self = Self {
        from: MediaTime::ZERO,
        to: MediaTime::ZERO,
        speed: Ratio::ONE,
    };

    /// At normal speed.
    pub(super) fn shift(from: MediaTime, to: MediaTime) -> Self {
        Self {
            from,
            to,
            speed: Ratio::ONE,
        }
    }

    /// At `speed`, from item time zero on.
    pub(super) fn from_zero(to: MediaSpan, speed: Ratio) -> Self {
        Self {
            from: MediaTime::ZERO,
            to: MediaTime::ZERO + to,
            speed,
        }
    }

    /// That of a piece of a retime.
    pub(super) fn of_piece(piece: &TimeMapPiece) -> Self {
        Self {
            from: MediaTime::ZERO + piece.from,
            to: MediaTime::ZERO + piece.source,
            speed: piece.speed,
        }
    }

    pub(super) fn speed(&self) -> Ratio {
        self.speed
    }

    /// The other time at `time`, rounded to the nearest flick.
    pub(super) fn at(&self, time: MediaTime) -> MediaTime {
        self.to + scaled(time - self.from, self.speed)
    }

    /// When the other time is `other`, rounded to the nearest flick; `None` where it stands still.
    pub(super) fn when(&self, other: MediaTime) -> Option<MediaTime> {
        if self.speed == Ratio::ONE {
            return Some(self.from + (other - self.to));
        }
        let (num, den) = (self.speed.num(), self.speed.den());
        (num != 0).then(|| self.from + (other - self.to).scaled_nearest(den, num))
    }

    /// This map, then `next`. Only where both have a speed is anything rounded: `to`, by half a flick
    /// at most.
    pub(super) fn then(&self, next: &Self) -> Self {
        if self.speed == Ratio::ONE {
            return Self {
                from: self.from + (next.from - self.to),
                ..*next
            };
        }
        Self {
            from: self.from,
            to: next.at(self.to),
            speed: product(self.speed, next.speed),
        }
    }
}

fn scaled(span: MediaSpan, speed: Ratio) -> MediaSpan {
    if speed == Ratio::ONE {
        span
    } else {
        speed.of(span)
    }
}

/// The product of two speeds. Where it has no exact form within limits, the nearest that has: nobody
/// can tell a speed from one that differs by a millionth.
fn product(a: Ratio, b: Ratio) -> Ratio {
    a.times(b)
        .or_else(|| Ratio::nearest(a.as_f64() * b.as_f64(), 1 << 20))
        .or_else(|| Ratio::new(Ratio::LIMIT * a.num().signum() * b.num().signum(), 1))
        .unwrap_or(Ratio::ZERO)
}

/// A frame of the timeline: when it begins and how long it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameTime {
    pub(super) start: MediaTime,
    pub(super) span: MediaSpan,
}

impl FrameTime {
    pub(super) fn of(rate: FrameRate, frame: FrameIndex) -> Self {
        Self {
            start: rate.time_of_frame_nearest(frame),
            span: rate.frame_span_nearest(),
        }
    }
}

/// How the time of something is seen from the timeline.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// Timeline time to its time.
    pub(super) line: Line,
    /// Its time where it is entered in the direction of play: nothing of it is seen before.
    pub(super) entry: Option<MediaTime>,
}

impl View {
    /// The timeline as it sees itself.
    pub(super) const TIMELINE: Self = Self {
        line: Line::IDENTITY,
        entry: None,
    };

    /// Its time that passes in `span` of the timeline.
    pub(super) fn advance(&self, span: MediaSpan) -> MediaSpan {
        scaled(span, self.line.speed)
    }

    /// Its instant that stands for `frame`, by the rule of [`source_instant`], as if it were made of
    /// frames of the timeline's length.
    pub(super) fn sampled(&self, frame: FrameTime) -> MediaTime {
        source_instant(
            self.line.at(frame.start),
            self.advance(frame.span),
            frame.span,
        )
    }

    /// Its time where `frame` begins, or where it is entered if that comes later.
    pub(super) fn at_start_of(&self, frame: FrameTime) -> MediaTime {
        let time = self.line.at(frame.start);
        match self.entry {
            Some(entry) if self.line.speed.num() > 0 => time.max(entry),
            Some(entry) if self.line.speed.num() < 0 => time.min(entry),
            _ => time,
        }
    }

    /// As seen where it only exists from `low` up to `high`.
    pub(super) fn within(self, low: Option<MediaTime>, high: Option<MediaTime>) -> Self {
        let entry = match self.line.speed.num().signum() {
            1 => self.entry.max(low),
            // `None` is less than anything, but here it is no bound at all.
            -1 => match (self.entry, high) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            _ => None,
        };
        Self { entry, ..self }
    }

    /// As something else sees it, whose time is `step` of its own.
    pub(super) fn then(self, step: &Line) -> Self {
        Self {
            line: self.line.then(step),
            entry: self.entry.map(|entry| step.at(entry)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(flicks: i64) -> MediaTime {
        MediaTime::from_flicks(flicks)
    }

    fn line(from: i64, to: i64, num: i64, den: i64) -> Line {
        Line {
            from: at(from),
            to: at(to),
            speed: Ratio::new(num, den).unwrap(),
        }
    }

    #[test]
    fn lines_in_a_row_are_one() {
        for (first, second) in [
            (line(100, 0, 1, 1), line(50, 1000, -2, 1)),
            (line(100, 7, 3, 2), line(50, 1000, 1, 1)),
            (line(-30, 8, 3, 1), line(50, 1000, -2, 1)),
            (line(0, 0, 0, 1), line(50, 1000, 5, 1)),
        ] {
            let both = first.then(&second);
            for time in (-1000..1000).step_by(2) {
                assert_eq!(both.at(at(time)), second.at(first.at(at(time))));
                if let Some(when) = both.when(both.at(at(time))) {
                    assert_eq!(when, at(time));
                }
            }
        }
        assert_eq!(line(0, 5, 0, 1).when(at(5)), None);
    }

    #[test]
    fn products_of_odd_speeds_stay_near_and_within_limits() {
        let odd = Ratio::new((1 << 39) + 1, (1 << 39) - 7).unwrap();
        let third = Ratio::new((1 << 38) + 3, (1 << 39) - 9).unwrap();
        let near = product(odd, third);
        assert!((near.as_f64() - odd.as_f64() * third.as_f64()).abs() < 1e-6);
        let huge = Ratio::new(-Ratio::LIMIT, 1).unwrap();
        assert_eq!(product(huge, Ratio::new(2, 1).unwrap()), huge);
    }

    #[test]
    fn what_begins_within_a_frame_is_not_seen_before_its_beginning() {
        let frame = FrameTime {
            start: at(100),
            span: MediaSpan::from_flicks(10),
        };
        let view = View::TIMELINE.within(Some(at(104)), Some(at(200)));
        assert_eq!(view.at_start_of(frame), at(104));
        // Backwards, an item is entered by its end.
        let back = View::TIMELINE.then(&line(0, 300, -1, 1));
        let back = back.within(Some(at(104)), Some(at(198)));
        assert_eq!(back.at_start_of(frame), at(198));
        let twice = back.within(None, Some(at(190)));
        assert_eq!(twice.at_start_of(frame), at(190));
    }
}

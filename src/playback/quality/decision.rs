//! What the controller decides, and why, in words.

use std::fmt;
use std::time::Duration;

use super::policy::QualityMode;
use crate::decode::Rung;
use crate::memory::Pressure;

/// Size of the picture that is made, against the size it is shown at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum OutputScale {
    /// As it is shown.
    #[default]
    Full,
    /// Three quarters of its width and height.
    ThreeQuarters,
    /// Half.
    Half,
    /// A quarter.
    Quarter,
}

impl OutputScale {
    /// All of them, best first.
    pub const ALL: [Self; 4] = [Self::Full, Self::ThreeQuarters, Self::Half, Self::Quarter];

    /// Of width and height.
    pub const fn percent(self) -> u32 {
        match self {
            Self::Full => 100,
            Self::ThreeQuarters => 75,
            Self::Half => 50,
            Self::Quarter => 25,
        }
    }
}

/// Why a rung was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nothing was measured yet.
    Begin,
    /// The person asked for it.
    Asked(QualityMode),
    /// A frame is held: it is shown whole.
    AtRest,
    /// Frames are wanted out of order, and one may take so long.
    Scrub {
        /// Time for one.
        budget: Duration,
    },
    /// It fits.
    Fits {
        /// Time to read and decode a frame.
        cost: Duration,
        /// Time from one frame to the next.
        budget: Duration,
    },
    /// The rung before took longer than there was time for.
    TooSlow {
        /// Time to read and decode a frame there.
        cost: Duration,
        /// Time from one frame to the next.
        budget: Duration,
        /// Whether most of it was reading.
        reading: bool,
    },
    /// Too little was decoded ahead.
    RingLow {
        /// What was.
        ahead: Duration,
        /// What should be.
        floor: Duration,
    },
    /// Frames were late.
    Late {
        /// So many.
        frames: u32,
        /// In so long.
        within: Duration,
    },
    /// What was decoded ahead would have been used up before long.
    RunsDry {
        /// In so long.
        within: Duration,
    },
    /// It can be held again.
    Recovered {
        /// Time to read and decode a frame, by forecast.
        cost: Duration,
        /// Time from one frame to the next.
        budget: Duration,
    },
    /// It is too slow, but what is decoded in one lap need not be decoded in the next.
    FillsLap,
    /// The rung that was decoded, or would have been, is not there.
    Unavailable(Rung),
    /// Memory is short.
    Memory(Pressure),
    /// The battery is to last longer.
    Saver {
        /// Time to read and decode a frame of the rung before.
        cost: Duration,
        /// Time from one frame to the next.
        budget: Duration,
    },
}

/// Why the picture is made smaller than it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleReason {
    /// Time to make and show a picture at full size, measured or by forecast.
    pub present: Duration,
    /// Time from one frame to the next.
    pub budget: Duration,
}

/// What to decode and how large to make the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What to decode.
    pub rung: Rung,
    /// Why.
    pub reason: Reason,
    /// How large to make the picture.
    pub scale: OutputScale,
    /// Why, where that is not full size.
    pub scale_reason: Option<ScaleReason>,
}

/// The name of a rung on screen and in reports.
pub const fn rung_name(rung: Rung) -> &'static str {
    match rung {
        Rung::Source => "source",
        Rung::Thinned => "source, thinned",
        Rung::Half => "half proxy",
        Rung::Quarter => "quarter proxy",
        Rung::Keyframes => "keyframes",
    }
}

/// Milliseconds for people: with a decimal below ten.
struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        if micros < 9_950 {
            let tenths = (micros + 50) / 100;
            write!(f, "{}.{} ms", tenths / 10, tenths % 10)
        } else {
            write!(f, "{} ms", (micros + 500) / 1000)
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Begin => f.write_str("nothing measured yet"),
            Self::Asked(mode) => write!(f, "asked for {mode}"),
            Self::AtRest => f.write_str("at rest"),
            Self::Scrub { budget } => write!(f, "{} for a frame while scrubbing", Millis(budget)),
            Self::Fits { cost, budget } | Self::Recovered { cost, budget } => {
                write!(f, "decode {} of {}", Millis(cost), Millis(budget))
            }
            Self::TooSlow {
                cost,
                budget,
                reading,
            } => {
                let what = if reading { "read" } else { "decode" };
                // Near the limit too much is less than all.
                let than = if cost > budget { ">" } else { "of" };
                write!(f, "{what} {} {than} {}", Millis(cost), Millis(budget))
            }
            Self::RingLow { ahead, floor } => {
                write!(f, "{} decoded ahead < {}", Millis(ahead), Millis(floor))
            }
            Self::Late { frames, within } => {
                write!(f, "{frames} frames late in {}", Millis(within))
            }
            Self::RunsDry { within } => {
                write!(f, "decoded frames would be used up in {}", Millis(within))
            }
            Self::FillsLap => f.write_str("the loop fits in memory, and fills it"),
            Self::Unavailable(rung) => write!(f, "no {}", rung_name(rung)),
            Self::Saver { cost, budget } => write!(
                f,
                "saving the battery, decode {} of {}",
                Millis(cost),
                Millis(budget)
            ),
            Self::Memory(pressure) => write!(f, "memory pressure {}", pressure.name()),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, rung_name(self.rung))?;
        if let Some(why) = self.scale_reason {
            write!(
                f,
                "; picture {} > {}: {} %",
                Millis(why.present),
                Millis(why.budget),
                self.scale.percent()
            )?;
        }
        Ok(())
    }
}

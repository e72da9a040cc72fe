//! The stages that a frame passes through.

use std::fmt;

/// A stage of the pipeline, in the order a frame passes it: where its time goes, and what is to
/// blame when it is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Reading packets from the file.
    Demux,
    /// Decoding packets to pictures.
    Decode,
    /// Converting and scaling on the CPU.
    Convert,
    /// Copying the picture to the GPU.
    Upload,
    /// Converting, scaling and composing on the GPU.
    Gpu,
    /// Waiting for the display to take the picture.
    Present,
    /// The sound, whose clock leads.
    Audio,
}

impl Stage {
    /// Number of stages.
    pub const COUNT: usize = 7;

    /// Every stage, in order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Demux,
        Self::Decode,
        Self::Convert,
        Self::Upload,
        Self::Gpu,
        Self::Present,
        Self::Audio,
    ];

    /// The name in reports and in the overlay.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Demux => "demux",
            Self::Decode => "decode",
            Self::Convert => "convert",
            Self::Upload => "upload",
            Self::Gpu => "gpu",
            Self::Present => "present",
            Self::Audio => "audio",
        }
    }

    /// Place in [`Stage::ALL`], for tables by stage.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What one frame cost in each stage, in nanoseconds. A stage that it did not pass has no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageTimes([Option<u64>; Stage::COUNT]);

impl StageTimes {
    /// No stage passed yet.
    pub const NONE: Self = Self([None; Stage::COUNT]);

    /// Nanoseconds spent in `stage`.
    pub const fn get(&self, stage: Stage) -> Option<u64> {
        self.0[stage.index()]
    }

    /// Sets the time of `stage`.
    pub fn set(&mut self, stage: Stage, nanos: u64) {
        self.0[stage.index()] = Some(nanos);
    }

    /// The same with the time of `stage` set.
    #[must_use]
    pub fn with(mut self, stage: Stage, nanos: u64) -> Self {
        self.set(stage, nanos);
        self
    }

    /// The stages passed, in order, with their times.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, u64)> + '_ {
        Stage::ALL
            .into_iter()
            .filter_map(|stage| self.get(stage).map(|nanos| (stage, nanos)))
    }

    /// The stage that took longest; the earlier one of equals.
    pub fn slowest(&self) -> Option<Stage> {
        let longer =
            |best: (Stage, u64), next: (Stage, u64)| if next.1 > best.1 { next } else { best };
        self.iter().reduce(longer).map(|(stage, _)| stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_by_stage_follow_the_order() {
        for (index, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage.index(), index);
        }
        assert_eq!(format!("{:>8}", Stage::Gpu), "     gpu");
    }

    #[test]
    fn times_know_the_slowest_stage() {
        assert_eq!(StageTimes::NONE.slowest(), None);
        let times = StageTimes::NONE
            .with(Stage::Present, 5)
            .with(Stage::Decode, 9)
            .with(Stage::Upload, 9);
        assert_eq!(times.slowest(), Some(Stage::Decode));
        let order: Vec<_> = times.iter().collect();
        assert_eq!(
            order,
            [(Stage::Decode, 9), (Stage::Upload, 9), (Stage::Present, 5)]
        );
        assert_eq!(times.get(Stage::Demux), None);
    }
}

//! Values on the command line that are more than a number or a word.

use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;

use crate::app::MakeProxies;
use crate::decode::LoopMode;
use crate::media::{CompareMode, Size};
use crate::playback::MatchBy;
use crate::playback::quality::{BatterySaver, Preset, ProxyUse, QualityMode};
use crate::time::{MediaTime, Position};

/// What converts the picture to RGB and scales it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ConvertChoice {
    /// The GPU where there is one, else the CPU.
    #[default]
    Auto,
    /// Compute shaders.
    Gpu,
    /// SIMD code.
    Cpu,
}

/// Who chooses what is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QualityChoice {
    /// The player, from what reading, decoding and showing cost.
    Auto,
    /// Always the source, whole.
    Source,
    /// A proxy, where there is one.
    Proxy,
    /// The smallest proxy, at rest as well.
    Draft,
}

impl From<QualityChoice> for QualityMode {
    fn from(choice: QualityChoice) -> Self {
        match choice {
            QualityChoice::Auto => Self::Auto,
            QualityChoice::Source => Self::Source,
            QualityChoice::Proxy => Self::Proxy,
            QualityChoice::Draft => Self::Draft,
        }
    }
}

/// What is preferred where quality and smoothness are at odds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PresetChoice {
    /// Goes down early and comes up late.
    Speed,
    /// In between.
    Balanced,
    /// Goes down late and comes up early.
    Quality,
}

impl From<PresetChoice> for Preset {
    fn from(choice: PresetChoice) -> Self {
        match choice {
            PresetChoice::Speed => Self::Speed,
            PresetChoice::Balanced => Self::Balanced,
            PresetChoice::Quality => Self::Quality,
        }
    }
}

/// Whether less is decoded so that a battery lasts longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SaverChoice {
    /// While the machine runs from its battery.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl From<SaverChoice> for BatterySaver {
    fn from(choice: SaverChoice) -> Self {
        match choice {
            SaverChoice::Auto => Self::Auto,
            SaverChoice::On => Self::On,
            SaverChoice::Off => Self::Off,
        }
    }
}

/// What happens at the end of the range that plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LoopChoice {
    /// Go on to the next file, or stop on the last frame.
    #[default]
    Off,
    /// Start again.
    Loop,
    /// Turn round at both ends.
    #[value(name = "pingpong")]
    PingPong,
}

impl From<LoopChoice> for LoopMode {
    fn from(choice: LoopChoice) -> Self {
        match choice {
            LoopChoice::Off => Self::Off,
            LoopChoice::Loop => Self::Loop,
            LoopChoice::PingPong => Self::PingPong,
        }
    }
}

/// Which frames of two files are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum CompareByChoice {
    /// Those of the same number.
    #[default]
    Frame,
    /// Those of the same timecode.
    Timecode,
}

impl From<CompareByChoice> for MatchBy {
    fn from(choice: CompareByChoice) -> Self {
        match choice {
            CompareByChoice::Frame => Self::Frame,
            CompareByChoice::Timecode => Self::Timecode,
        }
    }
}

/// How a comparison begins to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum CompareModeChoice {
    /// A on the left of a line, B on its right.
    #[default]
    Wipe,
    /// Both in full, beside one another.
    SideBySide,
    /// Their absolute difference.
    Difference,
    /// A alone.
    A,
    /// B alone.
    B,
}

impl From<CompareModeChoice> for CompareMode {
    fn from(choice: CompareModeChoice) -> Self {
        match choice {
            CompareModeChoice::Wipe => Self::Wipe,
            CompareModeChoice::SideBySide => Self::SideBySide,
            CompareModeChoice::Difference => Self::Difference,
            CompareModeChoice::A => Self::OnlyA,
            CompareModeChoice::B => Self::OnlyB,
        }
    }
}

/// What a hand does to the playhead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TraceChoice {
    /// An hour of editing.
    Editing,
}

/// A fault that is made on purpose, to see that playback goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The GPU device is lost.
    DeviceLoss {
        /// How long after the start.
        after: Duration,
    },
}

impl FromStr for Fault {
    type Err = ValueError;

    /// Reads `device-loss@12.5`.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let error = || ValueError::Fault(text.to_owned());
        match text.split_once('@') {
            Some(("device-loss", seconds)) => {
                let after = duration_from_seconds(seconds).ok_or_else(error)?;
                Ok(Self::DeviceLoss { after })
            }
            _ => Err(error()),
        }
    }
}

/// Why a value could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not width and height.
    #[error("`{0}` is not a size. Write width and height in pixels, such as 1280x720.")]
    Size(String),
    /// Not a number of bytes.
    #[error("`{0}` is not an amount of memory. Write it as 512M or 2G.")]
    Bytes(String),
    /// Not a length of time above zero.
    #[error("`{0}` is not a length of time. Write seconds above zero, such as 60 or 1.5.")]
    Seconds(String),
    /// Not a fault.
    #[error("`{0}` is not a fault. Write device-loss@SECONDS, such as device-loss@10.")]
    Fault(String),
    /// Not a number that can be a limit.
    #[error("`{0}` is not a limit. Write a number of 0 or more, such as 0.5.")]
    Limit(String),
}

/// Reads `1280x720`.
pub(super) fn size_from_text(text: &str) -> Result<Size, ValueError> {
    let side = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain { digits.parse().ok() } else { None }
    };
    text.split_once(['x', 'X', '×'])
        .and_then(|(width, height)| Size::new(side(width)?, side(height)?))
        .ok_or_else(|| ValueError::Size(text.to_owned()))
}

/// Reads `512M`, `2G` or a plain number of bytes; the units are powers of 1024.
pub(super) fn bytes_from_text(text: &str) -> Result<u64, ValueError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale: Option<u64> = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => Some(1),
        "K" | "KB" | "KIB" => Some(1 << 10),
        "M" | "MB" | "MIB" => Some(1 << 20),
        "G" | "GB" | "GIB" => Some(1 << 30),
        _ => None,
    };
    let number: Option<u64> = number.parse().ok().filter(|&number| number > 0);
    number
        .zip(scale)
        .and_then(|(number, scale)| number.checked_mul(scale))
        .ok_or_else(|| ValueError::Bytes(text.to_owned()))
}

/// Reads a length of time in seconds, above zero: `60`, `1.5`, `1.5s`.
pub(super) fn seconds_from_text(text: &str) -> Result<Duration, ValueError> {
    duration_from_seconds(text)
        .filter(|length| !length.is_zero())
        .ok_or_else(|| ValueError::Seconds(text.to_owned()))
}

/// The same, with zero.
fn duration_from_seconds(text: &str) -> Option<Duration> {
    let Ok(Position::Seconds(time)) = text.parse() else {
        return None;
    };
    let nanos = (time - MediaTime::ZERO).nanos_nearest();
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

/// Reads a limit: a number that is not negative.
pub(super) fn limit_from_text(text: &str) -> Result<f64, ValueError> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|number| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| ValueError::Limit(text.to_owned()))
}

/// When proxies are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProxyChoice {
    /// The source as long as it can be played; U shows proxies.
    Auto,
    /// Proxies wherever there are verified ones.
    Always,
    /// No proxies.
    Never,
}

impl From<ProxyChoice> for ProxyUse {
    fn from(choice: ProxyChoice) -> Self {
        match choice {
            ProxyChoice::Auto => Self::Auto,
            ProxyChoice::Always => Self::Always,
            ProxyChoice::Never => Self::Never,
        }
    }
}

/// When proxies are made of what plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MakeProxiesChoice {
    /// Of files above Full HD that cannot be played at their rate, unless on battery; Shift+U asks for others.
    Auto,
    /// When Shift+U asks for it; it is told when they would help.
    Ask,
    /// No proxies.
    Never,
}

impl From<MakeProxiesChoice> for MakeProxies {
    fn from(choice: MakeProxiesChoice) -> Self {
        match choice {
            MakeProxiesChoice::Auto => Self::Auto,
            MakeProxiesChoice::Ask => Self::Ask,
            MakeProxiesChoice::Never => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_two_numbers() {
        let hd = Size::new(1280, 720).unwrap();
        for text in ["1280x720", "1280X720", "1280×720"] {
            assert_eq!(size_from_text(text), Ok(hd));
        }
        for text in [
            "",
            "x",
            "1280",
            "1280x",
            "0x720",
            "-1x2",
            "+1x2",
            "1280x720x3",
            "70000x1",
        ] {
            assert_eq!(size_from_text(text), Err(ValueError::Size(text.to_owned())));
        }
    }

    #[test]
    fn memory_has_binary_units() {
        for (text, bytes) in [
            ("1", 1),
            ("64k", 64 << 10),
            ("512M", 512 << 20),
            ("2G", 2 << 30),
            ("2GiB", 2 << 30),
            ("2gb", 2 << 30),
        ] {
            assert_eq!(bytes_from_text(text), Ok(bytes));
        }
        for text in [
            "",
            "G",
            "0",
            "0G",
            "-1G",
            "1.5G",
            "2T",
            "2 G",
            "99999999999999999999G",
            "17179869184G",
        ] {
            assert_eq!(
                bytes_from_text(text),
                Err(ValueError::Bytes(text.to_owned()))
            );
        }
    }

    #[test]
    fn lengths_of_time_are_exact() {
        assert_eq!(seconds_from_text("90"), Ok(Duration::from_secs(90)));
        assert_eq!(seconds_from_text("0.001s"), Ok(Duration::from_millis(1)));
        for text in [
            "",
            "0",
            "0.0",
            "-1",
            "1m",
            "10f",
            "00:00:01:00",
            "inf",
            "1e3",
        ] {
            assert_eq!(
                seconds_from_text(text),
                Err(ValueError::Seconds(text.to_owned()))
            );
        }
    }

    #[test]
    fn faults_have_a_time() {
        let after = Duration::from_millis(12_500);
        assert_eq!("device-loss@12.5".parse(), Ok(Fault::DeviceLoss { after }));
        let at_once = Fault::DeviceLoss {
            after: Duration::ZERO,
        };
        assert_eq!("device-loss@0".parse(), Ok(at_once));
        for text in [
            "",
            "device-loss",
            "device-loss@",
            "device-loss@-1",
            "fire@3",
            "@3",
        ] {
            assert_eq!(
                text.parse::<Fault>(),
                Err(ValueError::Fault(text.to_owned()))
            );
        }
    }

    #[test]
    fn limits_are_not_negative() {
        assert_eq!(limit_from_text("0"), Ok(0.0));
        assert_eq!(limit_from_text("0.5"), Ok(0.5));
        for text in ["", "-1", "nan", "inf", "5%"] {
            assert_eq!(
                limit_from_text(text),
                Err(ValueError::Limit(text.to_owned()))
            );
        }
    }

    #[test]
    fn loop_choices_map_to_modes() {
        let modes: Vec<LoopMode> = LoopChoice::value_variants()
            .iter()
            .map(|&choice| choice.into())
            .collect();
        assert_eq!(modes, [LoopMode::Off, LoopMode::Loop, LoopMode::PingPong]);
    }
}

//! What is out of the ordinary about pictures, so that who looks at them should know.

use super::color::TransferFunction;
use super::frame::FieldOrder;
use super::stream::VideoStream;

/// One thing that is out of the ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Trait {
    /// HDR in PQ (SMPTE ST 2084), shown in SDR.
    Pq,
    /// HDR in HLG (ITU-R BT.2100), shown in SDR.
    Hlg,
    /// Two fields, shown as one picture.
    Interlaced,
    /// Frames that last unequally long.
    VariableRate,
    /// Colour that is not stated in full.
    GuessedColor,
    /// Some of it is transparent, or could be.
    Alpha,
}

impl Trait {
    /// All of them, the most important first.
    pub const ALL: [Self; 6] = [
        Self::Pq,
        Self::Hlg,
        Self::Interlaced,
        Self::VariableRate,
        Self::GuessedColor,
        Self::Alpha,
    ];

    /// In a word or two, for a badge: what is done about it, where something is.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pq => "HDR PQ → SDR",
            Self::Hlg => "HDR HLG → SDR",
            Self::Interlaced => "deinterlaced",
            Self::VariableRate => "VFR",
            Self::GuessedColor => "colour guessed",
            Self::Alpha => "alpha",
        }
    }
}

/// A set of [`Trait`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Traits(u8);

impl Traits {
    /// What a stream says of its pictures.
    pub fn of_stream(stream: &VideoStream) -> Self {
        let color = &stream.color;
        Self::default()
            .with(Trait::Pq, color.transfer == TransferFunction::Pq)
            .with(Trait::Hlg, color.transfer == TransferFunction::Hlg)
            .with(Trait::Interlaced, stream.fields != FieldOrder::Progressive)
            .with(Trait::GuessedColor, color.guessed)
            .with(Trait::Alpha, stream.format.alpha)
    }

    /// The same, and `trait_` if `has_it`.
    #[must_use]
    pub fn with(self, trait_: Trait, has_it: bool) -> Self {
        Self(self.0 | (u8::from(has_it) << trait_ as u8))
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `trait_` is in it.
    pub fn contains(self, trait_: Trait) -> bool {
        self.0 & (1 << trait_ as u8) != 0
    }

    /// Those that are in it, the most important first.
    pub fn iter(self) -> impl Iterator<Item = Trait> {
        Trait::ALL
            .into_iter()
            .filter(move |&trait_| self.contains(trait_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let some = Traits::default()
            .with(Trait::Alpha, true)
            .with(Trait::Hlg, false)
            .with(Trait::Pq, true);
        assert!(some.iter().eq([Trait::Pq, Trait::Alpha]));
        let more = some.union(Traits::default().with(Trait::VariableRate, true));
        assert!(more.contains(Trait::VariableRate) && !some.contains(Trait::VariableRate));
    }
}

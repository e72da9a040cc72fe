//! What is out of the ordinary about pictures, so that who looks at them should know.

use super::color::TransferFunction;
use super::frame::FieldOrder;
use super::stream::VideoStream;

/// One thing that is out of the ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PictureTrait {
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

impl PictureTrait {
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

/// A set of [`PictureTrait`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PictureTraits(u8);

impl PictureTraits {
    /// What a stream says of its pictures.
    pub fn of_stream(stream: &VideoStream) -> Self {
        let color = &stream.color;
        Self::default()
            .with(PictureTrait::Pq, color.transfer == TransferFunction::Pq)
            .with(PictureTrait::Hlg, color.transfer == TransferFunction::Hlg)
            .with(
                PictureTrait::Interlaced,
                stream.fields != FieldOrder::Progressive,
            )
            .with(PictureTrait::GuessedColor, color.guessed)
            .with(PictureTrait::Alpha, stream.format.alpha)
    }

    /// The same, and `one` if `has_it`.
    #[must_use]
    pub fn with(self, one: PictureTrait, has_it: bool) -> Self {
        Self(self.0 | (u8::from(has_it) << one as u8))
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `one` is in it.
    pub fn contains(self, one: PictureTrait) -> bool {
        self.0 & (1 << one as u8) != 0
    }

    /// Those that are in it, the most important first.
    pub fn iter(self) -> impl Iterator<Item = PictureTrait> {
        PictureTrait::ALL
            .into_iter()
            .filter(move |&one| self.contains(one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let some = PictureTraits::default()
            .with(PictureTrait::Alpha, true)
            .with(PictureTrait::Hlg, false)
            .with(PictureTrait::Pq, true);
        assert!(some.iter().eq([PictureTrait::Pq, PictureTrait::Alpha]));
        let more = some.union(PictureTraits::default().with(PictureTrait::VariableRate, true));
        assert!(
            more.contains(PictureTrait::VariableRate) && !some.contains(PictureTrait::VariableRate)
        );
    }
}

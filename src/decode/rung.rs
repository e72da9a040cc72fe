//! The rungs of the quality ladder, best first.

/// What is decoded in the place of a source, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// The source, whole.
    Source,
    /// The source; frames that no other frame refers to are left out, evenly.
    Thinned,
    /// A proxy of about half the source's width.
    Half,
    /// A proxy of about a quarter of the source's width.
    Quarter,
    /// Keyframes of the source alone.
    Keyframes,
}

impl Rung {
    /// All of them, best first.
    pub const ALL: [Self; 5] = [
        Self::Source,
        Self::Thinned,
        Self::Half,
        Self::Quarter,
        Self::Keyframes,
    ];
}

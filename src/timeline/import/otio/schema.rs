//! What an object is: OpenTimelineIO's names of types, with their versions.

use std::fmt;

/// The label of an object: `Clip.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schema<'a> {
    pub(super) name: &'a str,
    pub(super) version: u32,
}

impl<'a> Schema<'a> {
    /// A label without a version counts as the first.
    pub(super) fn parse(label: &'a str) -> Self {
        label
            .rsplit_once('.')
            .and_then(|(name, version)| {
                let version = version.parse().ok()?;
                Some(Self { name, version })
            })
            .unwrap_or(Self {
                name: label,
                version: 1,
            })
    }
}

impl fmt::Display for Schema<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.name, self.version)
    }
}

/// An object that may stand among the children of a composition or at the root of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeSchema {
    Timeline,
    Collection,
    Stack,
    Track,
    Clip,
    Gap,
    Transition,
}

impl NodeSchema {
    /// The type by its name, older names included, and the newest version known.
    pub(super) fn of(name: &str) -> Option<(Self, u32)> {
        Some(match name {
            "Clip" => (Self::Clip, 2),
            "Track" | "Sequence" => (Self::Track, 1),
            "Gap" | "Filler" => (Self::Gap, 1),
            "Transition" => (Self::Transition, 1),
            "Stack" => (Self::Stack, 1),
            "Timeline" => (Self::Timeline, 1),
            "SerializableCollection" | "SerializeableCollection" => (Self::Collection, 1),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_a_name_and_a_version() {
        for (label, name, version) in [
            ("Clip.2", "Clip", 2),
            ("Clip", "Clip", 1),
            ("studio.Shot.12", "studio.Shot", 12),
            ("studio.Shot", "studio.Shot", 1),
            ("", "", 1),
            ("Clip.-1", "Clip.-1", 1),
        ] {
            assert_eq!(Schema::parse(label), Schema { name, version }, "{label}");
        }
    }
}

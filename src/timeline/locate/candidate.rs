//! Media of the right name, of which one is chosen.

use std::path::{Path, PathBuf};

use super::{Fingerprint, Located, LocatedSequence, MissingReason};

/// Something of the right name.
#[derive(Debug)]
pub(super) struct Candidate {
    /// Components in common with the reference, and whether upper and lower case agree.
    rank: (usize, bool),
    /// The file, or a sequence's first picture.
    path: PathBuf,
    found: Located,
}

impl Candidate {
    pub(super) fn file(rank: (usize, bool), path: PathBuf) -> Self {
        Self {
            rank,
            found: Located::File(path.clone()),
            path,
        }
    }

    pub(super) fn sequence(rank: (usize, bool), found: LocatedSequence) -> Self {
        let first = found.present_frames().next().unwrap_or_default();
        Self {
            rank,
            path: found.path_of(found.number_of(first)),
            found: Located::Sequence(found),
        }
    }

    /// Whether it is this file, or one of its pictures.
    fn holds(&self, path: &Path) -> bool {
        match &self.found {
            Located::Sequence(sequence) => sequence.holds(path),
            _ => self.path == path,
        }
    }
}

/// Media whose names begin with that of a clip or a reel.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    /// Those that have that name, but for the extension or a picture's number.
    pub(super) whole: Vec<Candidate>,
    /// Those whose names go on.
    pub(super) longer: Vec<Candidate>,
}

impl Beginning {
    /// Whether the file, or a sequence that it is a picture of, is among them.
    pub(super) fn holds(&self, path: &Path) -> bool {
        let mut all = self.whole.iter().chain(&self.longer);
        all.any(|one| one.holds(path))
    }
}

/// The highest rank first, then by path; each file once.
fn in_order(candidates: &mut Vec<Candidate>) {
    candidates.sort_by(|a, b| b.rank.cmp(&a.rank).then_with(|| a.path.cmp(&b.path)));
    candidates.dedup_by(|a, b| a.path == b.path);
}

/// The best of `candidates` by rank, then by what `accepts` says, then by path.
pub(super) fn choose(
    mut candidates: Vec<Candidate>,
    accepts: &Fingerprint<'_>,
) -> Result<Located, MissingReason> {
    in_order(&mut candidates);
    let rejected = candidates.first().map(|one| one.path.clone());
    let mut groups = candidates.into_iter().peekable();
    while let Some(first) = groups.next() {
        let rank = first.rank;
        let mut group = vec![first];
        while let Some(next) = groups.next_if(|next| next.rank == rank) {
            group.push(next);
        }
        let best = group
            .into_iter()
            .filter_map(|one| Some((accepts(&one.path)?, one)))
            .reduce(|best, one| if one.0 > best.0 { one } else { best });
        if let Some((_, best)) = best {
            return Ok(best.found);
        }
    }
    Err(rejected.map_or(MissingReason::NotFound, MissingReason::Mismatch))
}

/// The only one that is accepted, or that is likelier than all others.
pub(super) fn choose_only(
    mut candidates: Vec<Candidate>,
    accepts: &Fingerprint<'_>,
) -> Result<Located, MissingReason> {
    in_order(&mut candidates);
    let paths: Vec<PathBuf> = candidates.iter().map(|one| one.path.clone()).collect();
    let mut scored: Vec<(u32, Candidate)> = candidates
        .into_iter()
        .filter_map(|one| Some((accepts(&one.path)?, one)))
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    match scored.as_slice() {
        [(best, _), (next, _), ..] if best == next => Err(MissingReason::Ambiguous(paths)),
        _ => match (scored.into_iter().next(), paths.into_iter().next()) {
            (Some((_, best)), _) => Ok(best.found),
            (None, Some(rejected)) => Err(MissingReason::Mismatch(rejected)),
            (None, None) => Err(MissingReason::NotFound),
        },
    }
}

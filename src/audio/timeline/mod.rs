//! The sound of an edit: all its clips, mixed at timeline positions, as one source of samples.
//!
//! ```text
//! SoundPlan -> score (parts: whole samples, ramps) -> voices (one a part: reader, resampler, stretch)
//!                                                            |
//!   reader pool <- opens and positions the next ones ahead   +-> sum -> TimelineSamples
//! ```
//!
//! To the rest of the player an edit is one file: loops, reverse and shuttle work on the mix.
//!
//! - **Placement.** A clip sounds from the sample nearest to its first instant up to the one nearest to
//!   its end. At normal speed and an equal rate its samples pass bit for bit.
//! - **Cuts.** Where one clip ends and another begins they cross over in 5 ms, centred on the cut, at
//!   constant power; the few samples beyond a clip's ends come from its medium. At an edge to silence a clip rises
//!   or falls within its own range, in 2.5 ms. A clip that goes on where the one before it ended in the
//!   same medium (a through edit) is joined to it: nothing can be heard or measured there.
//! - **Transitions** fade at constant power (sine and cosine), as most editors do, since two clips are
//!   rarely alike. Where both sides play the same moments of the same medium the fades are straight
//!   lines instead, whose sum is 1: nothing swells.
//! - **Speeds** are heard from a quarter of normal to twice normal, either way, with the pitch kept; others are
//!   silent. Within 0.25 % of normal (23.976 in 24) a clip is resampled: the pitch changes by four
//!   hundredths of a semitone at most, which nobody hears, and nothing is smeared.
//! - **Order does not matter.** A sample is the same whether it is reached by a seek or by playing up
//!   to it. Stretching, which depends on where it began, begins at fixed places for that. (Below half
//!   the normal speed the stretcher draws random phases, and only the level is the same.)
//! - **Trouble.** What cannot be read is silent and gets a [`SoundNote`]; everything else plays on.
//!
//! Samples are summed as they are: the device's end keeps them within ±1.

mod chain;
mod note;
mod part;
mod plan;
mod readers;
mod samples;
mod score;
mod voice;

#[cfg(test)]
mod tests;

pub use note::{SoundNote, SoundNotes};
pub use plan::{SoundClip, SoundPlan, SoundZero};
pub use samples::TimelineSamples;

pub(crate) use readers::Readers;

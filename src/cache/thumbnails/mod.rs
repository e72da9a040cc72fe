//! Thumbnails: small pictures of a file's frames, spread over its whole length.
//!
//! A [`ThumbnailStrip`] holds them, each with the exact number of its frame. [`StripRequest::submit`] has
//! jobs fill it, one for each level, the coarse one first:
//!
//! | level | pictures |
//! |---|---|
//! | 0 | one in 10 s; in long media twice that, four times, until no more than [`MOST_PICTURES`] are wanted |
//! | 1 | one in 2 s |
//! | 2 | one in 0.5 s |
//!
//! A finer level is made only as far as the limit allows, and only of keyframes: each is decoded by
//! itself, a packet in and a picture out, which costs a hundredth of decoding all between them. Where
//! level 0 would have gaps of more than two of its steps for want of keyframes, frames in between are
//! decoded. Within a level, what is nearest to the place that somebody looks at
//! ([`ThumbnailStrip::aim`]) comes first.
//!
//! Pictures are 160 pixels on their longer side ([`StripScale`]), planar RGB for an SDR screen, turned and
//! stretched as the stream stores them: who can show a frame of the stream can show its thumbnail. One
//! of 160 by 90 takes 43,200 bytes, so a strip takes 26 MB at most.
//!
//! A level that is complete goes to the [`ProductStore`](super::ProductStore) as one sheet: a PNG picture
//! with all thumbnails one below the other, and their numbers. A strip belongs to one state of the file;
//! a file that changes gets another strip. Of a file in a timeline only those [`Parts`] are made that the
//! timeline uses. Where every frame is decoded anyway, a [`StripTap`] makes the same of them.

mod make;
mod open_strip;
mod parts;
mod plan;
mod reduce;
mod sheet;
mod strip;
mod tap;

pub use make::{StripRequest, StripSource};
pub use open_strip::OpenStrip;
pub use parts::Parts;
pub use plan::{LEVELS, MOST_PICTURES, StripScale};
pub use strip::{Thumbnail, ThumbnailStrip};
pub use tap::StripTap;

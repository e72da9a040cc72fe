//! Proxies: smaller copies of sources that stand for them while they are edited, and that are verified
//! before they do.
//!
//! A proxy has exactly the frames of its source, at the same time stamps, turned and coloured alike, with
//! the same channels of sound. [`MakeRequest`] makes proxies of several sizes in one pass through the
//! source, and with them what the player would decode it again for; [`verify`] compares one with its source and names what differs ([`Refusal`]). What is known of
//! a proxy is in a record beside it ([`ProxyRecord`]); both lie in a [`ProxyFolder`]. [`find`] looks there, and
//! beside the source for those that others made. What is ordered and made by and by is a [`ProxyOrder`] among the
//! kept jobs.
//!
//! # What is certain
//! - A file that has a proxy's name is complete: it is written under another, made durable and renamed.
//! - A verification holds for one state of both files. Whichever changes, it must be done again.
//! - Colour is stated, never guessed: the guess would depend on the size, which is another one.
//! - Nothing but proxies, their records and notes on others' proxies is ever removed, and no proxy that a
//!   program uses to make room.

mod boxes;
mod codec;
mod compare;
mod encoder;
mod error;
mod feeder;
mod find;
mod folder;
mod hardware;
mod likeness;
mod make;
mod muxer;
mod orders;
mod output;
mod pair;
mod part_file;
mod pictures;
mod preset;
mod products;
mod record;
mod refusal;
mod room;
mod scale;
mod sidecar;
mod sound;
mod sound_likeness;
mod strategy;
mod trial;
mod verify;
mod walker;

pub use codec::{ProxyCodec, Quality};
pub use error::MakeError;
pub use find::{Candidate, films_in, find};
pub use folder::{ListedProxy, ProxyFolder, ProxyState};
pub use hardware::Hardware;
pub use make::{EncoderUsed, Made, MadeProxy, MakeOptions, MakeRequest};
pub use orders::{PROXY_KIND, ProxyMaker, ProxyOrder, Wanted};
pub use preset::Preset;
pub use products::MadeProducts;
pub use record::{ProxyRecord, Verification};
pub use refusal::Refusal;
pub use room::Trimmed;
pub use strategy::{Sizes, is_large};
pub use trial::EncoderChoice;
pub use verify::{VerifyError, VerifyOptions, compare, verify};

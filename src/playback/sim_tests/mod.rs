//! The player on a simulated clock: engine, scheduler and pacer as they are, with a decoder, a sound card
//! and a display that follow a script. No thread, no sleep; a run of a minute takes milliseconds and
//! comes out the same each time.

mod media;
mod opener;
mod rig;
mod session;
mod sound;

mod cadence;
mod ends;
mod loops;
mod quality;
mod scrub;
mod seeks;
mod slow;
mod sync;

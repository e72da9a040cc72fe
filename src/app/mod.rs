//! Wiring: the parts together, behind a window or without one.
//!
//! [`Player`] starts the engine and its surroundings. [`Stage`] turns due frames into pictures on a GPU
//! device. [`run_window`] and [`Headless`] are the two loops that drive them on the program's main thread; both
//! do the same work for a frame, except for presenting it.

mod background;
mod clerk;
mod headless;
mod new_file;
mod player;
mod png_file;
mod profile;
mod proxy_making;
mod remembered;
mod stage;
mod state_file;
mod stats;
mod trace;
mod window;

pub use background::BackgroundOptions;
pub use headless::{Headless, HeadlessError, HeadlessOptions};
pub use new_file::NewFile;
pub use player::{Player, PlayerOptions};
pub use png_file::{PngError, write_png};
pub use proxy_making::MakeProxies;
pub use remembered::REMEMBERED_FILE;
pub use stage::{Stage, StageError};
pub use state_file::{Screen, StateFile};
pub use stats::{RunStats, StatsGatherer};
pub(crate) use trace::Dice;
pub use trace::{TraceGround, TraceStep, drags, editing};
pub use window::{ConfigOptions, WindowError, WindowOptions, WindowOutcome, run_window};

//! The interface drawn over the picture: transport bar, badges, notices, help, performance.
//!
//! [`Overlay`] holds what the interface itself must remember. Once for each redraw the window loop
//! hands it egui's input and a [`UiInput`], which borrows the engine's snapshot and the view's
//! statistics; it answers with shapes for egui-wgpu and with [`UiEvent`]s. It owns no clock and no
//! thread, and it never touches the engine.
//!
//! egui lays out and paints text, tessellates, and edits the one text field. Everything else is drawn
//! and hit here: the zones that a person can touch are rectangles in a list (`pointer`), kept from
//! the last pass, so that a click means what was on the screen when it was made, and a press and its
//! release that arrive together still count. egui's own widgets were rejected for the bar: Tab, Space
//! and the arrows would move and press their focus, and those keys are the player's.
//!
//! One pass goes in reading order: keys (`keyboard`) and pointer become actions, `desk` turns
//! actions into commands, then the parts are laid out and painted.

mod badges;
mod bar;
mod bar_layout;
mod canvas;
mod compare;
mod desk;
mod focus;
mod format;
mod graph;
mod guides;
mod help;
mod hover;
mod icons;
mod input;
mod inspector;
mod keyboard;
mod lens;
mod main_menu;
mod menu;
mod meters;
mod osd;
mod overlay;
mod panels;
mod performance;
mod placeholder;
mod pointer;
mod profiler;
mod prompt;
mod scrub;
mod slider;
mod stats;
mod strip;
mod style;
mod timeline_view;
mod toasts;
mod top;
mod waveform;
mod workspace;

pub use format::window_title;
pub use input::{Failure, Thumbnails, UiEvent, UiInput, UiOutput};
pub use keyboard::chord_from_egui;
pub use overlay::Overlay;
pub use panels::{
    CacheData, ConfigData, Doing, Errand, MemoryUse, Outcome, PanelData, ProxyData, RecentFile,
    Setting,
};
pub use profiler::{ExportKind, ProfileInput};
pub use stats::{
    CacheFigures, DropCounts, FrameCounts, FrameIntervals, StageTime, StageTimes, ViewStats,
};
pub use workspace::{Layout, Panel};

//! The quality controller: from measurements to what is decoded and how large it is shown.
//!
//! [`Controller::decide`] takes [`Signals`] and gives a [`Decision`]. It reads no clock, starts no thread and
//! knows neither FFmpeg nor the GPU; the same signals lead to the same decisions, so that whole evenings
//! of playing are tested in a simulation.
//!
//! Two axes. The *rung* says what is decoded: the source, the source thinned, a proxy, keyframes. It is
//! driven by the ring of decoded frames and by what reading and decoding cost. The *output scale* says how
//! large the picture is made, and is driven by what uploading, converting and drawing cost.
//!
//! - Down at once, straight to the best rung that fits: when too little is decoded ahead, when frames are
//!   late, or when the ring would run dry within a second. Never while the first frames are awaited.
//! - Up when the ring has been full for a while and a better rung is forecast to fit easily. A try that
//!   fails doubles the wait.
//! - Rungs that are not decoded now are forecast: by what they cost when they were, scaled by how the
//!   present rung's cost has changed since; else by their pixels (`knowledge.rs`).
//! - A cut is a free place to change: [`Controller::choose_for_clip`] is asked before.

mod controller;
mod decision;
mod knowledge;
mod ladder;
mod lateness;
mod patience;
mod policy;
mod present;
mod scale;
mod signals;

#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;

pub use controller::Controller;
pub use decision::{Decision, OutputScale, Reason, ScaleReason, rung_name};
pub use policy::{BatterySaver, Policy, Preset, ProxyUse, QualityMode, Thresholds};
pub use present::PresentMeter;
pub use signals::{Activity, ClipKey, ClipSignals, PresentCost, RungSignals, Rungs, Signals};

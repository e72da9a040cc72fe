//! The panels driven by the names of their controls.

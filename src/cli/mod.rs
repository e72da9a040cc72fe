//! The command line: what a person can type, and how the program answers.

mod args;
mod exit;

pub use args::{
    Cli, CliCommand, CompletionsArgs, ConvertChoice, DevicesArgs, Fault, GlobalArgs, LimitArgs,
    LoopChoice, MachineArgs, PictureArgs, PlayArgs, ProbeArgs, ReportArgs, RunArgs, ShotArgs,
    SoakArgs, SoundArgs, TransportArgs, ValueError, wants_json_errors,
};
pub use exit::{CliError, Exit};

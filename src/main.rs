//! The program `jogwheel`. Everything is in the library; see `jogwheel --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    jogwheel::cli::main(std::env::args_os())
}

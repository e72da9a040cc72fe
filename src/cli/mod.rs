//! The command line: what a person can type, and how the program answers.

mod args;
mod bench;
mod cache;
mod devices;
mod exit;
mod play;
mod probe;
mod proxy;
mod shot;
mod soak;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use args::{
    BenchArgs, BenchKind, CacheArgs, CacheCommand, Cli, CliCommand, CodecChoice, CompletionsArgs,
    ConvertChoice, DevicesArgs, DiskArgs, EncoderArg, Fault, GlobalArgs, KindChoice, LimitArgs,
    LoopChoice, MachineArgs, MakeProxiesChoice, PictureArgs, PlayArgs, PresetChoice, ProbeArgs,
    ProxyArgs, ProxyChoice, ProxyCommand, ProxyUseArgs, QualityArgs, ReportArgs, RunArgs, ShotArgs,
    SoakArgs, SoundArgs, TimelineArgs, TraceChoice, TransportArgs, ValueError, wants_json_errors,
};
pub use exit::{CliError, Exit};

use crate::decode::LOG_TARGET;

/// Runs the program on a command line, the program's name first. Answers its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let json = wants_json_errors(&args);
    match run(args) {
        Ok(exit) => exit.into(),
        Err(error) => {
            // Where standard error is closed there is nobody left to tell.
            let _told = error.write(json, &mut io::stderr());
            error.exit().into()
        }
    }
}

fn run(args: Vec<OsString>) -> Result<Exit, CliError> {
    let cli = match Cli::from_args(args) {
        Ok(cli) => cli,
        Err(error) => {
            return match CliError::from_usage(&error) {
                Some(error) => Err(error),
                None => error.print().map(|()| Exit::Ok).map_err(output_error),
            };
        }
    };
    start_logging(cli.global);
    crate::memory::keep_heap_small();
    let mut out = io::stdout().lock();
    match cli.command {
        CliCommand::Play(args) => play::run(&args, &mut out),
        CliCommand::Probe(args) => probe::run(&args, &mut out),
        CliCommand::Shot(args) => shot::run(&args, &mut out),
        CliCommand::Soak(args) => soak::run(&args, &mut out),
        CliCommand::Bench(args) => bench::run(&args, &mut out),
        CliCommand::Cache(args) => cache::run(&args, &mut out),
        CliCommand::Proxy(args) => proxy::run(&args, &mut out),
        CliCommand::Devices(args) => devices::run(args, &mut out),
        CliCommand::Completions(args) => args
            .write(&mut out)
            .map(|()| Exit::Ok)
            .map_err(output_error),
    }
}

/// Messages go to standard error; `RUST_LOG` chooses them in detail.
fn start_logging(global: GlobalArgs) {
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::EnvFilter;
    let level = global.log_level();
    let filter = EnvFilter::builder()
        .with_env_var("RUST_LOG")
        .try_from_env()
        .unwrap_or_else(|_| {
            // The libraries below talk about themselves, and warn of what no user can change.
            // FFmpeg warns of each oddity; what matters of it comes back as errors and notices. PulseAudio's reactor
            // calls the end of a stream an error, whoever ended it; the device thread tells of those that are lost.
            let told_again = if level <= LevelFilter::WARN {
                LevelFilter::OFF
            } else {
                level
            };
            EnvFilter::new(format!(
                "{level},{LOG_TARGET}={told_again},wgpu_core=warn,wgpu_hal=error,naga=warn,winit=error,\
                 egui_system_font_provider=error,pulseaudio::client::reactor={told_again}"
            ))
        });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .without_time()
        .init();
}

/// Writing to standard output failed: a pipe was closed, as a rule.
#[expect(clippy::needless_pass_by_value, reason = "what map_err passes")]
fn output_error(error: io::Error) -> CliError {
    CliError::new(
        Exit::Failure,
        format!("the output cannot be written: {error}."),
    )
}

/// A flag that Ctrl-C and `kill` set, so that the run can end and report.
fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let set = ctrlc::set_handler(move || {
        // Whoever presses twice means it.
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
    if let Err(error) = set {
        tracing::warn!("Ctrl-C ends the program without a report: {error}");
    }
    stop
}

/// Serves profiler scopes while it lives.
fn serve_puffin(
    addr: Option<std::net::SocketAddr>,
) -> Result<Option<puffin_http::Server>, CliError> {
    let Some(addr) = addr else { return Ok(None) };
    let server = puffin_http::Server::new(&addr.to_string()).map_err(|error| {
        CliError::new(
            Exit::Failure,
            format!("the profiler cannot be served on {addr}: {error}."),
        )
    })?;
    puffin::set_scopes_on(true);
    Ok(Some(server))
}

/// `1 item`, `2 items`.
fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn print(out: &mut dyn Write, text: &str) -> Result<(), CliError> {
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(output_error)
}

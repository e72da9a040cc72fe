//! `jogwheel devices`: what the machine offers.

use std::fmt::Write as _;
use std::io::Write;

use serde::Serialize;

use super::args::DevicesArgs;
use super::exit::{CliError, Exit};
use super::print;

/// The wire form. Names are stable.
#[derive(Serialize)]
struct Devices {
    gpus: Vec<Gpu>,
    audio: Vec<Audio>,
}

#[derive(Serialize)]
struct Gpu {
    name: String,
    backend: String,
    driver: String,
    /// Whether it is a program that runs on the CPU.
    is_cpu: bool,
}

#[derive(Serialize)]
struct Audio {
    name: String,
    host: String,
    is_default: bool,
    rate_hz: u32,
    channels: u16,
}

pub(super) fn run(args: DevicesArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let devices = Devices {
        gpus: crate::gpu::adapters()
            .into_iter()
            .map(|gpu| Gpu {
                name: gpu.name,
                backend: gpu.backend,
                driver: gpu.driver,
                is_cpu: gpu.is_cpu,
            })
            .collect(),
        audio: crate::audio::devices()
            .into_iter()
            .map(|device| Audio {
                name: device.name,
                host: device.host,
                is_default: device.is_default,
                rate_hz: device.rate,
                channels: device.channels,
            })
            .collect(),
    };
    let text = if args.json {
        serde_json::to_string_pretty(&devices)
            .map_err(|error| CliError::new(Exit::Failure, error.to_string()))?
            + "\n"
    } else {
        describe(&devices)
    };
    print(out, &text)?;
    Ok(Exit::Ok)
}

fn describe(devices: &Devices) -> String {
    let mut text = String::from("Graphics\n");
    if devices.gpus.is_empty() {
        text.push_str("  none. On Debian and Ubuntu: apt install mesa-vulkan-drivers\n");
    }
    for gpu in &devices.gpus {
        let kind = if gpu.is_cpu { ", runs on the CPU" } else { "" };
        // Writing to a string cannot fail.
        let _written = writeln!(
            text,
            "  {} ({}, {}{kind})",
            gpu.name, gpu.backend, gpu.driver
        );
    }
    text.push_str("Sound\n");
    if devices.audio.is_empty() {
        text.push_str("  none. Playback goes on without sound.\n");
    }
    for device in &devices.audio {
        let default = if device.is_default { ", default" } else { "" };
        let _written = writeln!(
            text,
            "  {} ({}, {} Hz, {} channels{default})",
            device.name, device.host, device.rate_hz, device.channels
        );
    }
    text
}

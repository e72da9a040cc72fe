//! Real devices, through cpal.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, FromSample, SampleFormat, SizedSample, StreamConfig};
use crossbeam_channel::bounded;

use super::block::{DeviceFormat, MAX_DEVICE_CHANNELS};
use super::device::{AudioDevice, DeviceError, Faults, OpenDevice, OutputBackend};
use super::renderer::Renderer;
use crate::time::{Clock, Moment};

/// How long a device may take to be opened, or the system to list its devices.
const SYSTEM_PATIENCE: Duration = Duration::from_secs(3);
/// Buffers asked for, in milliseconds. Two of them are the latency that PulseAudio aims at.
const BUFFER_MILLIS: u32 = 20;
/// Frames converted at once for devices that do not take floats.
const CONVERT_FRAMES: usize = 1_024;

/// Opens devices of the sound systems that cpal knows here. Each call may block for some seconds, so it
/// belongs to the device thread.
pub(crate) struct CpalBackend {
    clock: Arc<dyn Clock>,
}

impl CpalBackend {
    /// A backend that stamps callbacks by `clock`.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

/// Lists the output devices. Never waits longer than a few seconds: a sound server that does not answer
/// has no devices.
pub fn devices() -> Vec<AudioDevice> {
    let (sender, receiver) = bounded(1);
    let spawned = std::thread::Builder::new()
        .name("audio-list".to_owned())
        .spawn(move || {
            // The listener may have lost its patience.
            let _ = sender.send(list_devices());
        });
    match spawned {
        Ok(_) => receiver.recv_timeout(SYSTEM_PATIENCE).unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

fn list_devices() -> Vec<AudioDevice> {
    let mut found: Vec<AudioDevice> = Vec::new();
    for host in hosts() {
        let default = host
            .default_output_device()
            .and_then(|device| device.id().ok());
        let is_first_host = found.is_empty();
        let Ok(devices) = host.output_devices() else {
            continue;
        };
        for device in devices.filter(worth_listing) {
            let Ok(config) = device.default_output_config() else {
                continue;
            };
            found.push(AudioDevice {
                name: device_name(&device),
                host: host.id().name().to_owned(),
                is_default: is_first_host && device.id().ok() == default,
                rate: config.sample_rate(),
                channels: config.channels(),
            });
        }
    }
    found
}

/// Sound systems that answer, the preferred one first: a sound server mixes with other programs, ALSA
/// may not.
fn hosts() -> Vec<cpal::Host> {
    let mut ids = cpal::available_hosts();
    ids.sort_by_key(|id| id.name() == "ALSA");
    // Without a card, alsa-lib prints errors at every attempt, and there is nothing to open.
    let has_cards = !cfg!(target_os = "linux") || Path::new("/dev/snd").exists();
    ids.retain(|id| has_cards || id.name() != "ALSA");
    ids.into_iter()
        .filter_map(|id| cpal::host_from_id(id).ok())
        .collect()
}

/// ALSA lists every way to drive a card; most of them are of no use to a stereo program.
fn worth_listing(device: &cpal::Device) -> bool {
    let Ok(id) = device.id() else { return false };
    let id = id.to_string();
    let Some(pcm) = id.strip_prefix("alsa:") else {
        return true;
    };
    ["default", "sysdefault", "hw:", "plughw:"]
        .iter()
        .any(|prefix| pcm.starts_with(prefix))
}

fn device_name(device: &cpal::Device) -> String {
    device
        .description()
        .map_or_else(|_| "unnamed".to_owned(), |text| text.name().to_owned())
}

/// The device named by its name or cpal's id, or the default one of the first host that has one.
fn find_device(name: Option<&str>) -> Result<cpal::Device, DeviceError> {
    let hosts = hosts();
    match name {
        None => hosts
            .iter()
            .find_map(HostTrait::default_output_device)
            .ok_or(DeviceError::NoDevice),
        Some(name) => hosts
            .iter()
            .filter_map(|host| host.output_devices().ok())
            .flatten()
            .find(|device| {
                device_name(device) == name || device.id().is_ok_and(|id| id.to_string() == name)
            })
            .ok_or_else(|| DeviceError::NotFound(name.to_owned())),
    }
}

impl OutputBackend for CpalBackend {
    fn open(
        &mut self,
        name: Option<&str>,
        make_renderer: &mut dyn FnMut(DeviceFormat) -> Renderer,
        faults: &Arc<Faults>,
    ) -> Result<OpenDevice, DeviceError> {
        let device = find_device(name)?;
        let name = device_name(&device);
        let refused = |reason: String| DeviceError::Refused(name.clone(), reason);
        let preferred = device
            .default_output_config()
            .map_err(|error| refused(error.to_string()))?;
        let rate = preferred.sample_rate();
        let period = rate * BUFFER_MILLIS / 1_000;
        let mut reason = "it offers no usable format".to_owned();
        let channels = usize::from(preferred.channels()).clamp(1, MAX_DEVICE_CHANNELS);
        for channels in [channels, 2] {
            let Some(format) = DeviceFormat::new(rate, channels) else {
                continue;
            };
            for sample in [SampleFormat::F32, preferred.sample_format()] {
                for buffer_size in [BufferSize::Fixed(period), BufferSize::Default] {
                    let config = StreamConfig {
                        channels: u16::try_from(channels).unwrap_or(2),
                        sample_rate: rate,
                        buffer_size,
                    };
                    let renderer = make_renderer(format);
                    let clock = Arc::clone(&self.clock);
                    let job = Job {
                        renderer,
                        clock,
                        faults: Arc::clone(faults),
                    };
                    match job.start(&device, config, sample) {
                        Ok(stream) => {
                            return Ok(OpenDevice {
                                name,
                                _stream: Box::new(stream),
                            });
                        }
                        Err(error) => reason = error.to_string(),
                    }
                }
            }
        }
        Err(refused(reason))
    }
}

/// What a stream needs.
struct Job {
    renderer: Renderer,
    clock: Arc<dyn Clock>,
    faults: Arc<Faults>,
}

impl Job {
    fn start(
        self,
        device: &cpal::Device,
        config: StreamConfig,
        sample: SampleFormat,
    ) -> Result<cpal::Stream, cpal::Error> {
        let stream = match sample {
            SampleFormat::F32 => self.build_float(device, config),
            SampleFormat::I16 => self.build::<i16>(device, config),
            SampleFormat::I24 => self.build::<cpal::I24>(device, config),
            SampleFormat::I32 => self.build::<i32>(device, config),
            SampleFormat::U8 => self.build::<u8>(device, config),
            SampleFormat::U16 => self.build::<u16>(device, config),
            SampleFormat::F64 => self.build::<f64>(device, config),
            _ => Err(cpal::Error::new(ErrorKind::UnsupportedConfig)),
        }?;
        stream.play()?;
        Ok(stream)
    }

    fn build_float(
        self,
        device: &cpal::Device,
        config: StreamConfig,
    ) -> Result<cpal::Stream, cpal::Error> {
        let Self {
            mut renderer,
            clock,
            faults,
        } = self;
        device.build_output_stream(
            config,
            move |out: &mut [f32], info: &cpal::OutputCallbackInfo| {
                let (now, heard) = stamps(&*clock, info);
                renderer.render(out, now, heard);
            },
            move |error| report(&faults, &error),
            Some(SYSTEM_PATIENCE),
        )
    }

    fn build<T: SizedSample + FromSample<f32>>(
        self,
        device: &cpal::Device,
        config: StreamConfig,
    ) -> Result<cpal::Stream, cpal::Error> {
        let Self {
            mut renderer,
            clock,
            faults,
        } = self;
        let channels = usize::from(config.channels);
        let mut floats = vec![0.0_f32; CONVERT_FRAMES * channels];
        device.build_output_stream(
            config,
            move |out: &mut [T], info: &cpal::OutputCallbackInfo| {
                let (now, heard) = stamps(&*clock, info);
                let mut heard = heard;
                for part in out.chunks_mut(CONVERT_FRAMES * channels) {
                    let floats = &mut floats[..part.len()];
                    renderer.render(floats, now, heard);
                    for (place, value) in part.iter_mut().zip(floats.iter()) {
                        *place = T::from_sample(*value);
                    }
                    let frames = (part.len() / channels) as u64;
                    let nanos = frames * 1_000_000_000 / u64::from(config.sample_rate.max(1));
                    heard = heard + Duration::from_nanos(nanos);
                }
            },
            move |error| report(&faults, &error),
            Some(SYSTEM_PATIENCE),
        )
    }
}

/// The present, and when the buffer's first frame will be heard.
fn stamps(clock: &dyn Clock, info: &cpal::OutputCallbackInfo) -> (Moment, Moment) {
    let stamp = info.timestamp();
    let now = clock.now();
    (now, now + stamp.playback.duration_since(stamp.callback))
}

fn report(faults: &Faults, error: &cpal::Error) {
    match error.kind() {
        // The stream goes on by itself after these.
        ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {
            tracing::debug!(%error, "sound device");
        }
        _ => faults.stream_lost(error.to_string()),
    }
}

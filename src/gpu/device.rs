//! The GPU device: which adapter, what it can do, whether it still lives.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::time::{Clock, Moment, RealClock};

use super::{PictureError, TextureBudget};

/// Longest wait for the GPU before it counts as hung. Software rasterizers on busy machines need
/// hundreds of milliseconds for an 8K picture, drivers reset a hung GPU after a few seconds.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// Number of the next device; see [`DeviceGeneration`].
static NEXT_GENERATION: AtomicU64 = AtomicU64::new(1);

/// Names one device within this process. Whatever holds GPU handles carries the generation of the
/// device that made them, and refuses to work with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceGeneration(u64);

/// What is asked of the adapter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GpuOptions {
    /// Part of the adapter's name, in any case. `None` takes the best one.
    pub adapter_name: Option<String>,
}

impl GpuOptions {
    /// The adapter named on the command line, or else by the variable `WGPU_ADAPTER_NAME`.
    pub fn from_env(adapter: Option<String>) -> Self {
        let named = adapter.or_else(|| std::env::var("WGPU_ADAPTER_NAME").ok());
        Self {
            adapter_name: named.filter(|name| !name.trim().is_empty()),
        }
    }
}

/// What the device is, for the overlay and the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterSummary {
    /// Name of the adapter, as the driver gives it.
    pub name: String,
    /// The interface used: `vulkan`, `metal`, `dx12` or `gl`.
    pub backend: String,
    /// Driver and its version.
    pub driver: String,
    /// Whether the "GPU" is a program that runs on the CPU, such as lavapipe.
    pub is_cpu: bool,
}

/// Why there is no GPU device: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// No driver offers an adapter.
    #[error(
        "no graphics driver found: Vulkan offers no adapter. Install one: on Debian and Ubuntu \
         `apt install mesa-vulkan-drivers` (it also draws without a graphics card)."
    )]
    NoAdapter,
    /// None is called like that.
    #[error("no graphics adapter is named like {wanted:?}. There are: {available}.")]
    NoSuchAdapter {
        /// The name that was asked for.
        wanted: String,
        /// Names of the adapters there are, comma-separated.
        available: String,
    },
    /// None can show pictures in this window.
    #[error(
        "no graphics adapter can draw into this window (found: {available}). Install the \
         window-system driver (Debian and Ubuntu: `apt install mesa-vulkan-drivers`), or play \
         without a window."
    )]
    NotPresentable {
        /// Names of the adapters there are, comma-separated.
        available: String,
    },
    /// The driver refused.
    #[error(
        "the graphics driver of {adapter} refused to start: {reason}. Update it, or name another adapter in WGPU_ADAPTER_NAME."
    )]
    Refused {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
}

/// Makes the entry to the graphics drivers.
///
/// `display` is the window system's connection (winit's `OwnedDisplayHandle`); without one nothing
/// can be shown in a window. OpenGL is left out unless `WGPU_BACKEND` asks for it: its loader costs
/// start-up time, and its drivers lack what the conversion needs more often than not.
pub fn new_instance(display: Option<Box<dyn wgpu::wgt::WgpuHasDisplayHandle>>) -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::PRIMARY.with_env();
    // Validation layers are for those who look for bugs: `WGPU_VALIDATION=1`.
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    descriptor.display = display;
    wgpu::Instance::new(descriptor)
}

/// A device and its queue, shared by everything that draws.
///
/// It is made and used on the thread that owns the window (or the headless stand-in for it). When the
/// device is lost, a new context takes its place and all that depends on it is rebuilt; the old one
/// answers every request with [`PictureError::DeviceLost`] and never panics.
#[derive(Debug)]
pub struct GpuContext {
    adapter: wgpu::Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
    summary: AdapterSummary,
    generation: DeviceGeneration,
    health: Arc<Health>,
    clock: RealClock,
    budget: TextureBudget,
}

#[derive(Debug, Default)]
struct Health {
    lost: AtomicBool,
    uncaptured_errors: AtomicU64,
}

impl GpuContext {
    /// Opens the best adapter that can draw on `surface` (any, when there is none).
    ///
    /// A discrete GPU is preferred to an integrated one, and that to a virtual and a CPU one.
    pub fn new(
        instance: &wgpu::Instance,
        options: &GpuOptions,
        surface: Option<&wgpu::Surface<'_>>,
    ) -> Result<Self, GpuError> {
        let adapter = choose_adapter(instance, options, surface)?;
        let info = adapter.get_info();
        let (device, queue) = pollster::block_on(
            adapter.request_device(&device_descriptor(&adapter)),
        )
        .map_err(|error| GpuError::Refused {
            adapter: info.name.clone(),
            reason: error.to_string(),
        })?;
        let health = Arc::new(Health::default());
        watch(&device, &health);
        let generation = DeviceGeneration(NEXT_GENERATION.fetch_add(1, Ordering::Relaxed));
        let summary = summarize(&info);
        tracing::info!(adapter = %summary.name, backend = %summary.backend, driver = %summary.driver, "GPU device opened");
        Ok(Self {
            adapter,
            device,
            queue,
            summary,
            generation,
            health,
            clock: RealClock::new(),
            budget: TextureBudget::default(),
        })
    }

    /// A context that draws into memory only.
    pub fn headless(options: &GpuOptions) -> Result<Self, GpuError> {
        Self::new(&new_instance(None), options, None)
    }

    /// Charges what is made on this device from now on to `budget`.
    pub fn set_budget(&mut self, budget: TextureBudget) {
        self.budget = budget;
    }

    /// What textures and buffers are charged to.
    pub fn budget(&self) -> &TextureBudget {
        &self.budget
    }

    /// The adapter.
    pub fn adapter(&self) -> &wgpu::Adapter {
        &self.adapter
    }

    /// The device.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// What the device is.
    pub fn summary(&self) -> &AdapterSummary {
        &self.summary
    }

    /// Which device this is.
    pub fn generation(&self) -> DeviceGeneration {
        self.generation
    }

    /// Whether passes can be timed.
    pub fn has_timestamps(&self) -> bool {
        self.device
            .features()
            .contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// Longest side of a texture, in texels.
    pub fn max_texture_side(&self) -> u32 {
        self.device.limits().max_texture_dimension_2d
    }

    /// Whether the device is gone for good. A new context must replace this one.
    pub fn is_lost(&self) -> bool {
        self.health.lost.load(Ordering::Acquire)
    }

    /// `Err` when the device is lost.
    pub fn check_alive(&self) -> Result<(), PictureError> {
        if self.is_lost() {
            Err(PictureError::DeviceLost)
        } else {
            Ok(())
        }
    }

    /// Errors that the driver reported outside any request; each was logged.
    pub fn uncaptured_errors(&self) -> u64 {
        self.health.uncaptured_errors.load(Ordering::Relaxed)
    }

    /// Loses the device on purpose, to try what happens then.
    pub fn force_loss(&self) {
        tracing::warn!("losing the GPU device on request");
        self.device.destroy();
        // The driver's own report comes with a later poll.
        self.health.lost.store(true, Ordering::Release);
    }

    /// Runs callbacks of work that is done, without waiting.
    pub fn poll(&self) {
        self.poll_as(wgpu::PollType::Poll);
    }

    /// Waits until `submission` (or all submitted work) is done and its callbacks have run.
    pub fn wait(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<(), PictureError> {
        self.check_alive()?;
        let done = self.poll_as(wgpu::PollType::Wait {
            submission_index: submission,
            timeout: Some(WAIT_LIMIT),
        });
        self.check_alive()?;
        if done {
            Ok(())
        } else {
            Err(PictureError::Hung {
                seconds: WAIT_LIMIT.as_secs(),
            })
        }
    }

    /// Polls the device: the only place that does. `false` when a wait ran out of time.
    ///
    /// wgpu panics in `poll` when the driver reports a lost device there; that is caught, so that the
    /// loss is handled like any other.
    fn poll_as(&self, kind: wgpu::PollType) -> bool {
        let polled = catch_unwind(AssertUnwindSafe(|| self.device.poll(kind)));
        if polled.is_err() {
            self.health.lost.store(true, Ordering::Release);
        }
        polled.is_ok_and(|status| status.is_ok())
    }

    /// Runs `create` and answers what the driver complained about while it ran.
    pub(super) fn checked<T>(&self, create: impl FnOnce() -> T) -> Result<T, PictureError> {
        self.check_alive()?;
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let created = create();
        // Natively these futures are ready at once.
        let error = pollster::block_on(validation.pop());
        let error = pollster::block_on(memory.pop()).or(error);
        self.check_alive()?;
        match error {
            None => Ok(created),
            Some(wgpu::Error::OutOfMemory { .. }) => Err(PictureError::OutOfMemory),
            Some(other) => Err(PictureError::Rejected(other.to_string())),
        }
    }

    /// This context's clock.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Nanoseconds passed since `start`.
    pub fn nanos_since(&self, start: Moment) -> u64 {
        self.now().nanos().saturating_sub(start.nanos())
    }
}

/// Makes loss and stray errors known without a panic.
fn watch(device: &wgpu::Device, health: &Arc<Health>) {
    let on_loss = Arc::clone(health);
    device.set_device_lost_callback(move |reason, message| {
        on_loss.lost.store(true, Ordering::Release);
        tracing::warn!(?reason, %message, "GPU device lost");
    });
    let on_error = Arc::clone(health);
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        if on_error.lost.load(Ordering::Acquire) {
            // Every call on a lost device fails; the loss itself was logged once.
            tracing::debug!(%error, "GPU error after device loss");
        } else {
            on_error.uncaptured_errors.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, "GPU error");
        }
    }));
}

/// Everything that can draw on this machine, for a list.
pub fn adapters() -> Vec<AdapterSummary> {
    let instance = new_instance(None);
    let all = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    all.iter()
        .map(|adapter| summarize(&adapter.get_info()))
        .collect()
}

fn choose_adapter(
    instance: &wgpu::Instance,
    options: &GpuOptions,
    surface: Option<&wgpu::Surface<'_>>,
) -> Result<wgpu::Adapter, GpuError> {
    let all = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    if all.is_empty() {
        return Err(GpuError::NoAdapter);
    }
    let available = all
        .iter()
        .map(|adapter| adapter.get_info().name)
        .collect::<Vec<_>>()
        .join(", ");
    let wanted = options.adapter_name.as_deref();
    let named: Vec<_> = all
        .into_iter()
        .filter(|adapter| wanted.is_none_or(|name| name_matches(&adapter.get_info().name, name)))
        .collect();
    if let (Some(wanted), true) = (wanted, named.is_empty()) {
        return Err(GpuError::NoSuchAdapter {
            wanted: wanted.to_owned(),
            available,
        });
    }
    named
        .into_iter()
        .filter(|adapter| surface.is_none_or(|surface| adapter.is_surface_supported(surface)))
        .min_by_key(|adapter| {
            let info = adapter.get_info();
            (
                adapter_rank(info.device_type),
                info.backend == wgpu::Backend::Gl,
            )
        })
        .ok_or(GpuError::NotPresentable { available })
}

fn name_matches(name: &str, wanted: &str) -> bool {
    name.to_lowercase().contains(&wanted.trim().to_lowercase())
}

/// Lower is better.
fn adapter_rank(kind: wgpu::DeviceType) -> u8 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

/// Asks for the usual limits, raised to the adapter's where picture size depends on them.
fn device_descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    let able = adapter.limits();
    let usual = wgpu::Limits::default();
    let base = if usual.check_limits(&able) {
        usual
    } else {
        wgpu::Limits::downlevel_defaults()
    };
    wgpu::DeviceDescriptor {
        label: Some("jogwheel"),
        required_features: adapter.features() & wgpu::Features::TIMESTAMP_QUERY,
        required_limits: wgpu::Limits {
            max_texture_dimension_2d: able.max_texture_dimension_2d,
            max_buffer_size: able.max_buffer_size,
            max_storage_buffer_binding_size: able.max_storage_buffer_binding_size,
            ..base
        },
        ..Default::default()
    }
}

fn summarize(info: &wgpu::AdapterInfo) -> AdapterSummary {
    AdapterSummary {
        name: info.name.clone(),
        backend: info.backend.to_str().to_owned(),
        driver: format!("{} {}", info.driver, info.driver_info)
            .trim()
            .to_owned(),
        is_cpu: info.device_type == wgpu::DeviceType::Cpu,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_adapter_is_found_by_any_part_of_its_name() {
        assert!(name_matches(
            "llvmpipe (LLVM 15.0.6, 256 bits)",
            " LLVMpipe "
        ));
        assert!(!name_matches("llvmpipe", "GeForce"));
    }

    #[test]
    fn real_gpus_go_before_software() {
        use wgpu::DeviceType::{Cpu, DiscreteGpu, IntegratedGpu, Other, VirtualGpu};
        let ranks = [DiscreteGpu, IntegratedGpu, VirtualGpu, Other, Cpu].map(adapter_rank);
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
    }

    #[test]
    fn an_unknown_adapter_is_refused_with_the_names_there_are() {
        let options = GpuOptions {
            adapter_name: Some("no such thing".to_owned()),
        };
        match GpuContext::headless(&options) {
            Err(GpuError::NoSuchAdapter { wanted, available }) => {
                assert_eq!(wanted, "no such thing");
                assert!(!available.is_empty());
            }
            other => panic!("expected NoSuchAdapter, got {other:?}"),
        }
    }

    #[test]
    fn a_missing_driver_names_the_package() {
        assert!(
            GpuError::NoAdapter
                .to_string()
                .contains("mesa-vulkan-drivers")
        );
    }

    #[test]
    fn a_blank_adapter_name_means_any() {
        assert_eq!(
            GpuOptions::from_env(Some("  ".to_owned())).adapter_name,
            None
        );
    }
}

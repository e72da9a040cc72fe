//! A display that goes away under its window: the X server ends, or cuts the program off.

use std::panic::{
    AssertUnwindSafe, Location, PanicHookInfo, catch_unwind, resume_unwind, set_hook, take_hook,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The display is gone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lost;

/// Runs `body`, which is the window's loop.
///
/// winit takes each answer of the X server for granted and panics in its platform code where the
/// connection is gone. That is no fault of the program: such a panic is answered instead of written to
/// the log with a backtrace. Every other one goes on as it would.
pub(super) fn watched<T>(body: impl FnOnce() -> T) -> Result<T, Lost> {
    let is_lost = Arc::new(AtomicBool::new(false));
    let usual: Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync> = take_hook().into();
    set_hook({
        let (is_lost, usual) = (Arc::clone(&is_lost), Arc::clone(&usual));
        Box::new(move |info| match info.location().map(Location::file) {
            Some(file) if is_of_window_system(file) => {
                tracing::debug!("the window system: {info}");
                is_lost.store(true, Ordering::Relaxed);
            }
            _ => usual(info),
        })
    });
    let outcome = catch_unwind(AssertUnwindSafe(body));
    set_hook(Box::new(move |info| usual(info)));
    outcome.or_else(|panic| {
        if is_lost.load(Ordering::Relaxed) {
            return Err(Lost);
        }
        resume_unwind(panic)
    })
}

/// Whether this is a file of winit's platform code.
fn is_of_window_system(file: &str) -> bool {
    let mut parts = file.split(['/', '\\']);
    parts.any(|part| part.starts_with("winit-")) && parts.any(|part| part == "platform_impl")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_platform_code_of_winit_speaks_of_the_display() {
        for (file, is) in [
            (
                "/root/.cargo/registry/src/index/winit-0.30.13/src/platform_impl/linux/x11/window.rs",
                true,
            ),
            (
                r"C:\cargo\winit-0.31.0\src\platform_impl\windows\window.rs",
                true,
            ),
            ("/root/vendor/winit-0.30.13/src/window.rs", false),
            ("/root/registry/egui-winit-0.37.0/src/lib.rs", false),
            ("src/app/window/draw.rs", false),
        ] {
            assert_eq!(is_of_window_system(file), is, "{file}");
        }
    }

    #[test]
    fn another_panic_goes_on() {
        assert_eq!(watched(|| 7), Ok(7));
        let panic = std::panic::catch_unwind(|| watched(|| panic!("of our own")));
        let text = panic.unwrap_err();
        assert_eq!(text.downcast_ref::<&str>(), Some(&"of our own"));
    }
}

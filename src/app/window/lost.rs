//! A display that goes away under its window: the X server ends, or cuts the program off.

use std::panic::{
    AssertUnwindSafe, Location, PanicHookInfo, catch_unwind, resume_unwind, set_hook, take_hook,
};
use std::sync::Arc;

use parking_lot::Mutex;

/// The window system is gone, or refused something that winit takes for granted; what was said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lost(pub String);

/// Runs `body`, which is the window's loop.
///
/// winit takes each answer of the X server for granted and panics in its platform code where the
/// connection is gone. That is no fault of the program: what such a panic says is answered instead of written
/// with a backtrace. Every other one goes on as it would.
pub(super) fn watched<T>(body: impl FnOnce() -> T) -> Result<T, Lost> {
    let said: Arc<Mutex<Option<String>>> = Arc::default();
    let usual: Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync> = take_hook().into();
    set_hook({
        let (said, usual) = (Arc::clone(&said), Arc::clone(&usual));
        let thread = std::thread::current().id();
        Box::new(move |info| {
            let is_here = std::thread::current().id() == thread;
            let file = info.location().map(Location::file);
            let is_lost = is_here && file.is_some_and(is_of_window_system);
            if is_lost {
                let text = info.payload_as_str().unwrap_or("nothing was said");
                *said.lock() = Some(text.to_owned());
            } else {
                if is_here {
                    *said.lock() = None;
                }
                usual(info);
            }
        })
    });
    let outcome = catch_unwind(AssertUnwindSafe(body));
    set_hook(Box::new(move |info| usual(info)));
    let said = said.lock().take();
    outcome.or_else(|panic| match said {
        Some(text) => Err(Lost(text)),
        None => resume_unwind(panic),
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

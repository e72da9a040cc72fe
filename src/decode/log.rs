//! FFmpeg's start, and its log lines as `tracing` events.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Once;

use ffmpeg_next::ffi;
use parking_lot::Mutex;
use tracing::Level;

/// The target of FFmpeg's events, for filters: `ffmpeg=debug`.
pub const LOG_TARGET: &str = "ffmpeg";

/// Longest line that is kept, in bytes.
const LINE_BYTES: u16 = 1024;

/// Prepares FFmpeg for use; cheap when that is done already.
///
/// From then on its log goes to `tracing` and never to the terminal.
#[expect(unsafe_code, reason = "FFmpeg takes a C callback")]
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the callback is a function of this program and lives as long as it runs. It is called
        // from any thread, and it may be.
        unsafe { ffi::av_log_set_callback(Some(on_log)) };
        if let Err(error) = ffmpeg_next::init() {
            tracing::error!(target: LOG_TARGET, %error, "FFmpeg did not start");
        }
    });
}

/// A C argument list, as the bindings spell it on this machine.
#[cfg(all(target_arch = "x86_64", unix))]
type VaList = *mut ffi::__va_list_tag;
/// A C argument list, as the bindings spell it on this machine.
#[cfg(not(all(target_arch = "x86_64", unix)))]
type VaList = ffi::va_list;

/// FFmpeg's levels on those of `tracing`; `None` for what would drown the rest.
///
/// What FFmpeg calls an error is a damaged packet or a file that it cannot open, which the player
/// reports by itself where it matters. So those are mere information here, and a person who did not
/// ask for it sees nothing of them.
fn level_from_ffmpeg(level: c_int) -> Option<Level> {
    // Lesser numbers are graver.
    [
        (ffi::AV_LOG_PANIC, Level::ERROR),
        (ffi::AV_LOG_FATAL, Level::WARN),
        (ffi::AV_LOG_ERROR, Level::INFO),
        (ffi::AV_LOG_WARNING, Level::DEBUG),
        (ffi::AV_LOG_VERBOSE, Level::TRACE),
    ]
    .into_iter()
    .find_map(|(limit, mapped)| (level <= limit).then_some(mapped))
}

#[expect(
    unsafe_code,
    reason = "called by FFmpeg with C strings and a C argument list"
)]
unsafe extern "C" fn on_log(
    context: *mut c_void,
    level: c_int,
    format: *const c_char,
    arguments: VaList,
) {
    // The low byte is the level; the rest is a colour.
    let Some(level) = level_from_ffmpeg(level & 0xff) else {
        return;
    };
    if !is_enabled(level) {
        return;
    }
    let mut line: [c_char; LINE_BYTES as usize] = [0; LINE_BYTES as usize];
    // A line that continues another gets the prefix as well: parts come from several threads, and
    // joining them would need state for each.
    let mut print_prefix: c_int = 1;
    // SAFETY: the first four arguments are those FFmpeg called with, the line has the length stated,
    // and FFmpeg ends it with a zero.
    let line = unsafe {
        ffi::av_log_format_line2(
            context,
            ffi::AV_LOG_INFO,
            format,
            arguments,
            line.as_mut_ptr(),
            c_int::from(LINE_BYTES),
            &raw mut print_prefix,
        );
        CStr::from_ptr(line.as_ptr())
    };
    let line = line.to_string_lossy();
    let line = line.trim();
    if line.is_empty() {
        return;
    }
    let repeats = REPEATS.lock().note(line);
    match repeats {
        Repeat::Same => {}
        Repeat::New { before: 0 } => emit(level, line),
        Repeat::New { before } => {
            emit(level, &format!("the last message came {before} more times"));
            emit(level, line);
        }
    }
}

fn is_enabled(level: Level) -> bool {
    match level {
        Level::ERROR => tracing::enabled!(target: LOG_TARGET, Level::ERROR),
        Level::WARN => tracing::enabled!(target: LOG_TARGET, Level::WARN),
        Level::INFO => tracing::enabled!(target: LOG_TARGET, Level::INFO),
        Level::DEBUG => tracing::enabled!(target: LOG_TARGET, Level::DEBUG),
        Level::TRACE => tracing::enabled!(target: LOG_TARGET, Level::TRACE),
    }
}

fn emit(level: Level, line: &str) {
    match level {
        Level::ERROR => tracing::error!(target: LOG_TARGET, "{line}"),
        Level::WARN => tracing::warn!(target: LOG_TARGET, "{line}"),
        Level::INFO => tracing::info!(target: LOG_TARGET, "{line}"),
        Level::DEBUG => tracing::debug!(target: LOG_TARGET, "{line}"),
        Level::TRACE => tracing::trace!(target: LOG_TARGET, "{line}"),
    }
}

static REPEATS: Mutex<Repeats> = Mutex::new(Repeats {
    last: String::new(),
    count: 0,
});

/// Counts lines that come again and again, as a damaged stream makes them.
struct Repeats {
    last: String,
    count: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Repeat {
    /// The line that came last.
    Same,
    /// Another line; the one before came `before` more times after it was first shown.
    New { before: u64 },
}

impl Repeats {
    fn note(&mut self, line: &str) -> Repeat {
        // The prefix holds the address of the context: `[h264 @ 0x55…]`. Without it, two decoders that
        // complain of the same thing count as one.
        let bare = match (line.strip_prefix('['), line.split_once("] ")) {
            (Some(_), Some((_, rest))) => rest,
            _ => line,
        };
        if bare == self.last {
            self.count += 1;
            return Repeat::Same;
        }
        bare.clone_into(&mut self.last);
        Repeat::New {
            before: std::mem::take(&mut self.count),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn levels_are_quieter() {
        assert_eq!(level_from_ffmpeg(ffi::AV_LOG_PANIC), Some(Level::ERROR));
        assert_eq!(level_from_ffmpeg(ffi::AV_LOG_ERROR), Some(Level::INFO));
        assert_eq!(level_from_ffmpeg(ffi::AV_LOG_WARNING), Some(Level::DEBUG));
        assert_eq!(level_from_ffmpeg(ffi::AV_LOG_TRACE), None);
    }

    #[test]
    fn repeats_are_counted_once() {
        let mut repeats = Repeats {
            last: String::new(),
            count: 0,
        };
        assert_eq!(
            repeats.note("[h264 @ 0x1] bad block"),
            Repeat::New { before: 0 }
        );
        assert_eq!(repeats.note("[h264 @ 0x2] bad block"), Repeat::Same);
        assert_eq!(repeats.note("[h264 @ 0x1] bad block"), Repeat::Same);
        assert_eq!(repeats.note("other"), Repeat::New { before: 2 });
        assert_eq!(
            repeats.note("[h264 @ 0x1] bad block"),
            Repeat::New { before: 0 }
        );
    }

    /// Keeps what is logged on this thread.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn ffmpeg_lines_become_events() {
        init();
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::INFO)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            #[expect(unsafe_code, reason = "FFmpeg's own logger is what is tested")]
            // SAFETY: the format is a C string without arguments beyond the one it names.
            unsafe {
                let null = std::ptr::null_mut();
                ffi::av_log(
                    null,
                    ffi::AV_LOG_ERROR,
                    c"seven is %d\n".as_ptr(),
                    7 as c_int,
                );
                ffi::av_log(null, ffi::AV_LOG_WARNING, c"unseen\n".as_ptr());
            }
        });
        let text = String::from_utf8(sink.0.lock().clone()).unwrap();
        assert!(
            text.contains("INFO") && text.contains("ffmpeg: seven is 7"),
            "{text}"
        );
        assert!(!text.contains("unseen"), "{text}");
    }
}

//! The one file that a demuxer may read: a handle, a position, and a way to call reading off.
//!
//! The file is opened here, not by FFmpeg. So the file that was checked is the file that is read,
//! names may hold any byte (`%03d`, `:`, bytes that are not UTF-8), and a demuxer that wants a second
//! file has no way to get one.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ffmpeg_next::ffi;

use crate::media::StreamId;

/// Bytes that FFmpeg reads ahead. A packet that is larger is read straight into its own memory.
const BUFFER_BYTES: c_int = 64 * 1024;

/// Calls off an [`Input`](super::Input)'s reading, from any thread. Clones act on the same input.
///
/// A read that the system itself has not answered yet (a dead network share) cannot be broken; the
/// one after it is refused.
#[derive(Debug, Clone, Default)]
pub struct Interrupter {
    flag: Arc<AtomicBool>,
    /// Raised each time that the flag is looked at.
    pulse: Option<Arc<AtomicU64>>,
}

impl Interrupter {
    /// The same one, which raises `pulse` before each read: a sign that reading goes on.
    #[must_use]
    pub fn with_pulse(self, pulse: Arc<AtomicU64>) -> Self {
        let pulse = Some(pulse);
        Self { pulse, ..self }
    }

    /// Makes reads fail, the one in progress included, until [`Self::resume`].
    pub fn interrupt(&self) {
        self.flag.store(true, Ordering::Release);
    }

    /// Lets reads through again.
    pub fn resume(&self) {
        self.flag.store(false, Ordering::Release);
    }

    /// Whether reads fail.
    pub fn is_interrupted(&self) -> bool {
        if let Some(pulse) = &self.pulse {
            pulse.fetch_add(1, Ordering::Relaxed);
        }
        self.flag.load(Ordering::Acquire)
    }
}

impl From<Arc<AtomicBool>> for Interrupter {
    /// One that a flag of somebody else's works: reads fail while it is true.
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self { flag, pulse: None }
    }
}

/// A file that was changed within this time may change again without a new time stamp: file systems
/// count in steps, of two seconds at worst (FAT).
const SETTLED: Duration = Duration::from_secs(2);

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// Length in bytes.
    pub bytes: u64,
    /// Last change, in nanoseconds since 1970.
    pub modified_nanos: i128,
    /// The file system's device number.
    pub device: u64,
    /// The file's number on that device.
    pub inode: u64,
}

impl FileIdentity {
    /// The identity of what `path` names now.
    pub fn of_path(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::of_metadata(&metadata))
    }

    /// What stands for a stream of the file in the names of its pictures. It is a hash: with 64 bits, two of
    /// ten thousand files are alike once in 400 billion times.
    pub fn source_of(&self, stream: StreamId) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self, stream).hash(&mut hasher);
        hasher.finish()
    }

    /// Whether any change from now on gives the file another identity. Asked before it is read: what is made of
    /// a file that has not settled by then is not kept.
    pub fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| i128::try_from(now.as_nanos()).unwrap_or(i128::MAX));
        let settled_nanos = i128::try_from(SETTLED.as_nanos()).unwrap_or(i128::MAX);
        !(0..settled_nanos).contains(&now.saturating_sub(self.modified_nanos))
    }

    pub(super) fn of_metadata(metadata: &std::fs::Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified_nanos: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// How a file differs from what it was when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileChange {
    /// The name is gone. What is open can still be read.
    Deleted,
    /// The name stands for another file. What is open can still be read.
    Replaced,
    /// It is shorter: the end is lost.
    Truncated,
    /// It is longer: it is still being written.
    Grown,
    /// It was written to.
    Modified,
}

impl FileChange {
    /// What changed from `opened` to what `path` names now.
    pub fn since(opened: FileIdentity, path: &Path) -> Option<Self> {
        Self::between(opened, FileIdentity::of_path(path).ok())
    }

    /// What changed from `opened` to `now`, which is `None` where the name is gone.
    pub fn between(opened: FileIdentity, now: Option<FileIdentity>) -> Option<Self> {
        let Some(now) = now else {
            return Some(Self::Deleted);
        };
        if now == opened {
            None
        } else if (now.device, now.inode) != (opened.device, opened.inode) {
            Some(Self::Replaced)
        } else if now.bytes < opened.bytes {
            Some(Self::Truncated)
        } else if now.bytes > opened.bytes {
            Some(Self::Grown)
        } else {
            Some(Self::Modified)
        }
    }
}

/// FFmpeg's I/O context over an open file. Freed on drop, after the demuxer that uses it is closed.
#[derive(Debug)]
pub(super) struct FileIo {
    context: *mut ffi::AVIOContext,
    /// Owned; lives in a box because FFmpeg holds its address.
    source: *mut SourceFile,
}

#[derive(Debug)]
struct SourceFile {
    file: File,
    position: u64,
    interrupter: Interrupter,
}

#[expect(
    unsafe_code,
    reason = "raw pointers to memory that only this value owns"
)]
// SAFETY: the I/O context and the source belong to this value alone, and neither is tied to a thread.
unsafe impl Send for FileIo {}

impl FileIo {
    /// Wraps `file`; `None` when memory is short.
    #[expect(unsafe_code, reason = "FFmpeg's I/O contexts are made of raw pointers")]
    pub(super) fn new(file: File, interrupter: Interrupter) -> Option<Self> {
        let source = Box::into_raw(Box::new(SourceFile {
            file,
            position: 0,
            interrupter,
        }));
        // SAFETY: the buffer comes from FFmpeg's allocator, as `avio_alloc_context` demands, and the
        // source outlives the context: `drop` frees them in that order.
        let context = unsafe {
            let buffer = ffi::av_malloc(BUFFER_BYTES.unsigned_abs() as usize).cast::<u8>();
            let context = if buffer.is_null() {
                std::ptr::null_mut()
            } else {
                ffi::avio_alloc_context(
                    buffer,
                    BUFFER_BYTES,
                    0,
                    source.cast(),
                    Some(read_packet),
                    None,
                    Some(seek),
                )
            };
            if context.is_null() {
                ffi::av_free(buffer.cast());
            }
            context
        };
        let this = Self { context, source };
        (!context.is_null()).then_some(this)
    }

    /// The context, for a demuxer that does not outlive this value.
    pub(super) fn as_mut_ptr(&self) -> *mut ffi::AVIOContext {
        self.context
    }
}

impl Drop for FileIo {
    #[expect(unsafe_code, reason = "FFmpeg's I/O contexts are freed by hand")]
    fn drop(&mut self) {
        // SAFETY: both were made by `new` and are freed once. FFmpeg may have replaced the buffer, so
        // the context's own pointer is the one to free.
        unsafe {
            if !self.context.is_null() {
                ffi::av_freep((&raw mut (*self.context).buffer).cast());
                ffi::avio_context_free(&raw mut self.context);
            }
            drop(Box::from_raw(self.source));
        }
    }
}

#[expect(unsafe_code, reason = "called by FFmpeg with the source it was given")]
unsafe extern "C" fn read_packet(opaque: *mut c_void, buffer: *mut u8, size: c_int) -> c_int {
    // SAFETY: `opaque` is the source that `FileIo::new` passed; FFmpeg calls from one thread at a time.
    let source = unsafe { &mut *opaque.cast::<SourceFile>() };
    let Ok(size) = usize::try_from(size) else {
        return ffi::AVERROR(ffi::EINVAL);
    };
    // SAFETY: FFmpeg gives `size` writable bytes, which may be uninitialised.
    let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<MaybeUninit<u8>>(), size) };
    loop {
        if source.interrupter.is_interrupted() {
            return ffi::AVERROR_EXIT;
        }
        return match rustix::io::pread(&source.file, &mut *buffer, source.position) {
            Ok(([], _)) => ffi::AVERROR_EOF,
            Ok((read, _)) => {
                source.position += read.len() as u64;
                c_int::try_from(read.len()).unwrap_or(c_int::MAX)
            }
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => ffi::AVERROR(error.raw_os_error()),
        };
    }
}

#[expect(unsafe_code, reason = "called by FFmpeg with the source it was given")]
unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    const SEEK_SET: c_int = 0;
    const SEEK_CUR: c_int = 1;
    const SEEK_END: c_int = 2;
    // SAFETY: as in `read_packet`.
    let source = unsafe { &mut *opaque.cast::<SourceFile>() };
    let length = match source.file.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or(ffi::EIO);
            return i64::from(ffi::AVERROR(errno));
        }
    };
    let base = match whence & !ffi::AVSEEK_FORCE {
        ffi::AVSEEK_SIZE => return i64::try_from(length).unwrap_or(i64::MAX),
        SEEK_SET => 0,
        SEEK_CUR => source.position,
        SEEK_END => length,
        _ => return i64::from(ffi::AVERROR(ffi::EINVAL)),
    };
    match base
        .checked_add_signed(offset)
        .and_then(|to| Some((to, i64::try_from(to).ok()?)))
    {
        Some((position, answer)) => {
            source.position = position;
            answer
        }
        None => i64::from(ffi::AVERROR(ffi::EINVAL)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn changes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip");
        std::fs::write(&path, b"0123456789").unwrap();
        let opened = FileIdentity::of_path(&path).unwrap();
        assert_eq!(FileChange::since(opened, &path), None);

        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"more")
            .unwrap();
        assert_eq!(FileChange::since(opened, &path), Some(FileChange::Grown));

        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(3)
            .unwrap();
        assert_eq!(
            FileChange::since(opened, &path),
            Some(FileChange::Truncated)
        );

        // The old file stays linked under another name, so its number is not given to the new one.
        std::fs::rename(&path, folder.path().join("kept")).unwrap();
        assert_eq!(FileChange::since(opened, &path), Some(FileChange::Deleted));
        std::fs::write(&path, b"0123456789").unwrap();
        assert_eq!(FileChange::since(opened, &path), Some(FileChange::Replaced));
    }

    #[test]
    fn an_interrupted_read_fails_until_resumed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip");
        std::fs::write(&path, vec![7_u8; 300_000]).unwrap();
        let interrupter = Interrupter::default();
        let io = FileIo::new(File::open(&path).unwrap(), interrupter.clone()).unwrap();
        let read = |bytes: usize| {
            let mut buffer = vec![0_u8; bytes];
            #[expect(unsafe_code, reason = "FFmpeg's own reader is what is tested")]
            // SAFETY: the context is alive and the buffer has as many bytes as are asked for.
            let count = unsafe {
                ffi::avio_read(
                    io.as_mut_ptr(),
                    buffer.as_mut_ptr(),
                    c_int::try_from(bytes).unwrap(),
                )
            };
            (count, buffer)
        };
        let (count, buffer) = read(100_000);
        assert_eq!(count, 100_000);
        assert!(buffer.iter().all(|&byte| byte == 7));
        interrupter.clone().interrupt();
        assert_eq!(read(1).0, ffi::AVERROR_EXIT);
    }
}

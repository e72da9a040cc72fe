//! Files that appear whole or not at all, written by FFmpeg.

use std::ffi::{c_int, c_void};
use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use ffmpeg_next::ffi;

use crate::decode::FileIdentity;

/// What the name of a file that is being written ends with.
pub(super) const PART_ENDING: &str = ".part";

/// How often another program may finish a file just when this one is about to write it.
const ATTEMPTS: usize = 8;

/// Bytes that FFmpeg gathers before it writes.
const BUFFER_BYTES: c_int = 256 * 1024;

// C's numbers for the ends that a position is counted from.
const SEEK_SET: c_int = 0;
const SEEK_CUR: c_int = 1;
const SEEK_END: c_int = 2;

/// A file that is being written beside its place. Dropped before it is put there, it is removed. As long
/// as it is open it is locked, so that others can tell it from what a process that died left behind.
#[derive(Debug)]
pub(super) struct PartFile {
    file: File,
    part: PathBuf,
    place: PathBuf,
    is_placed: bool,
}

impl PartFile {
    /// Begins a file that is to be at `place`.
    pub(super) fn create(place: &Path) -> io::Result<Self> {
        let mut part = place.as_os_str().to_owned();
        part.push(PART_ENDING);
        let part = PathBuf::from(part);
        for _ in 0..ATTEMPTS {
            // Not emptied before it is locked: another process may be writing it.
            let mut options = File::options();
            let file = options.read(true).write(true).create(true).truncate(false);
            if let Some(file) = lock(file.open(&part)?, &part)? {
                let this = Self {
                    file,
                    part,
                    place: place.to_owned(),
                    is_placed: false,
                };
                this.file.set_len(0)?;
                return Ok(this);
            }
        }
        Err(busy())
    }

    /// Another handle on it.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Makes what was written durable. Answers what the file will be known by at its place.
    pub(super) fn sync(&self) -> io::Result<FileIdentity> {
        self.file.sync_all()?;
        FileIdentity::of_path(&self.part)
    }

    /// Puts it at its place.
    pub(super) fn finish(mut self) -> io::Result<PathBuf> {
        std::fs::rename(&self.part, &self.place)?;
        self.is_placed = true;
        Ok(self.place.clone())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.is_placed {
            // It may be gone already; if it cannot be removed, nobody uses it for its name.
            let _gone = std::fs::remove_file(&self.part);
        }
    }
}

fn busy() -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, "another program is making it")
}

/// Locks a file that was opened as `part`. `None` where that name stands for another one by now, or for
/// none: whoever held the lock before has put this one at its place, where nobody may write it.
fn lock(file: File, part: &Path) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(busy()),
        // Some network shares know no locks.
        Err(TryLockError::Error(error)) => tracing::debug!("{}: {error}", part.display()),
    }
    Ok(is_named(&file, part)?.then_some(file))
}

/// Whether `path` is a name of this very file.
pub(super) fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(there) => Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes what processes that died left in `folder`, of the files that are `ours` by their names:
/// others write files with such an ending as well.
pub(super) fn sweep(folder: &Path, ours: &dyn Fn(&Path) -> bool) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // Locked until it is gone, so that nobody begins to write it meanwhile.
        let Some(file) = ours(&path).then(|| File::open(&path).ok()).flatten() else {
            continue;
        };
        if file.try_lock().is_ok() && is_named(&file, &path).unwrap_or(false) {
            tracing::info!("{}: left over, removed", path.display());
            let _gone = std::fs::remove_file(&path);
        }
    }
}

/// FFmpeg's I/O context over a file that is written. Freed on drop, after the muxer that uses it.
#[derive(Debug)]
pub(super) struct FileSink {
    context: NonNull<ffi::AVIOContext>,
    /// Owned; lives in a box because FFmpeg holds its address.
    sink: *mut Sink,
}

#[derive(Debug)]
struct Sink {
    file: File,
    /// The first thing that went wrong.
    error: Option<io::Error>,
}

#[expect(unsafe_code, reason = "raw pointers to memory that this value owns")]
// SAFETY: the I/O context and the sink belong to this value alone, and neither is tied to a thread.
unsafe impl Send for FileSink {}

impl FileSink {
    /// Wraps `file`; `None` when memory is short.
    #[expect(unsafe_code, reason = "FFmpeg's I/O contexts are made of raw pointers")]
    pub(super) fn new(file: File) -> Option<Self> {
        let sink = Box::into_raw(Box::new(Sink { file, error: None }));
        // SAFETY: the buffer comes from FFmpeg's allocator, as `avio_alloc_context` demands, and the sink
        // outlives the context: `drop` frees them in that order.
        unsafe {
            let buffer = ffi::av_malloc(BUFFER_BYTES.unsigned_abs() as usize).cast::<u8>();
            let context = if buffer.is_null() {
                std::ptr::null_mut()
            } else {
                ffi::avio_alloc_context(
                    buffer,
                    BUFFER_BYTES,
                    1,
                    sink.cast(),
                    None,
                    Some(write_packet),
                    Some(seek),
                )
            };
            let Some(context) = NonNull::new(context) else {
                ffi::av_free(buffer.cast());
                drop(Box::from_raw(sink));
                return None;
            };
            Some(Self { context, sink })
        }
    }

    /// The context, for a muxer that does not outlive this value.
    pub(super) fn as_mut_ptr(&self) -> *mut ffi::AVIOContext {
        self.context.as_ptr()
    }

    /// Writes what is gathered, and answers the first thing that ever went wrong.
    #[expect(unsafe_code, reason = "FFmpeg writes through raw pointers")]
    pub(super) fn flush(&mut self) -> io::Result<()> {
        // SAFETY: the context is alive, and while it writes nobody else looks at the sink.
        let error = unsafe {
            ffi::avio_flush(self.context.as_ptr());
            (*self.sink).error.take()
        };
        error.map_or(Ok(()), Err)
    }
}

impl Drop for FileSink {
    #[expect(unsafe_code, reason = "FFmpeg's I/O contexts are freed by hand")]
    fn drop(&mut self) {
        // SAFETY: all three were made by `new` and are freed once. FFmpeg may have replaced the buffer, so
        // the context's own pointer is the one to free.
        unsafe {
            let mut context = self.context.as_ptr();
            ffi::av_freep((&raw mut (*context).buffer).cast());
            ffi::avio_context_free(&raw mut context);
            drop(Box::from_raw(self.sink));
        }
    }
}

/// FFmpeg's `write_packet`.
#[expect(unsafe_code, reason = "called by FFmpeg")]
unsafe extern "C" fn write_packet(opaque: *mut c_void, bytes: *mut u8, length: c_int) -> c_int {
    // SAFETY: `opaque` is the sink that `FileSink::new` passed, and FFmpeg promises so many bytes.
    let (sink, bytes) = unsafe {
        let count = usize::try_from(length).unwrap_or(0);
        (
            &mut *opaque.cast::<Sink>(),
            std::slice::from_raw_parts(bytes, count),
        )
    };
    match sink.file.write_all(bytes) {
        Ok(()) => length,
        Err(error) => note(sink, error),
    }
}

/// FFmpeg's `seek`.
#[expect(unsafe_code, reason = "called by FFmpeg")]
unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: as for `write_packet`.
    let sink = unsafe { &mut *opaque.cast::<Sink>() };
    let to = match whence & !ffi::AVSEEK_FORCE {
        ffi::AVSEEK_SIZE => {
            let length = sink.file.metadata().map_or(0, |metadata| metadata.len());
            return i64::try_from(length).unwrap_or(i64::MAX);
        }
        SEEK_SET => SeekFrom::Start(u64::try_from(offset).unwrap_or(0)),
        SEEK_CUR => SeekFrom::Current(offset),
        SEEK_END => SeekFrom::End(offset),
        _ => return i64::from(ffi::AVERROR(ffi::EINVAL)),
    };
    match sink.file.seek(to) {
        Ok(place) => i64::try_from(place).unwrap_or(i64::MAX),
        Err(error) => i64::from(note(sink, error)),
    }
}

fn note(sink: &mut Sink, error: io::Error) -> c_int {
    let code = error.raw_os_error().unwrap_or(ffi::EIO);
    sink.error.get_or_insert(error);
    ffi::AVERROR(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_finished_meanwhile_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("clip.mov");
        let first = PartFile::create(&place).unwrap();
        first.handle().unwrap().write_all(b"whole").unwrap();
        let part = folder.path().join("clip.mov.part");
        // Another program opens it just before it is finished, and locks it after that.
        let open = || File::options().write(true).open(&part).unwrap();
        let late = open();
        first.finish().unwrap();
        assert!(lock(late, &part).unwrap().is_none());
        assert_eq!(std::fs::read(&place).unwrap(), b"whole");
        // It begins a file of its own.
        let second = PartFile::create(&place).unwrap();
        assert!(lock(open(), &part).is_err(), "it is locked");
        second.handle().unwrap().write_all(b"other").unwrap();
        assert_eq!(std::fs::read(&place).unwrap(), b"whole");
    }
}

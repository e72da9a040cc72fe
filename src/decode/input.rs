//! Opening files safely, and reading packets from them.

mod outcome;
mod stamps;

use std::ffi::{CStr, CString, c_int};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ffmpeg::Packet;
use ffmpeg::ffi;
use ffmpeg_next as ffmpeg;
use rustix::fs::OFlags;

pub use outcome::{OpenError, ReadError, ReadOutcome};

use self::stamps::Ahead;

use super::containers;
use super::mp4_protection::encrypted_tracks;
use super::source_file::{FileChange, FileIdentity, FileIo, Interrupter};
use crate::media::StreamId;

/// Streams that a container may have. Real ones have a few dozen at most.
const MAX_STREAMS: &str = "256";

/// Damaged packets in a row after which a file is given up.
const MAX_BAD_READS: u32 = 1000;

/// An open container.
///
/// Owned by one thread at a time; [`Interrupter`] works from any. Only the named file is ever read:
/// it is opened here and FFmpeg gets no other way to open anything.
pub struct Input {
    context: ffmpeg::format::context::Input,
    /// A second handle on the same open file, for what FFmpeg does not pass on.
    file: File,
    path: PathBuf,
    identity: FileIdentity,
    interrupter: Interrupter,
    /// What is read ahead for time stamps, where a container may leave them out.
    ahead: Option<Ahead>,
}

/// A file that is open. A name may come to stand for another file; this does not.
#[derive(Debug)]
pub struct SameFile {
    file: File,
    path: PathBuf,
    /// Its state when it was opened first.
    identity: FileIdentity,
}

impl SameFile {
    /// The name that it had.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its state when it was opened first.
    pub fn identity(&self) -> FileIdentity {
        self.identity
    }

    /// The same once more, for whoever opens it several times.
    pub(super) fn again(&self) -> Result<Self, OpenError> {
        let file = self.file.try_clone();
        let io_error =
            |error: io::Error| OpenError::Io(self.path.display().to_string(), error.to_string());
        Ok(Self {
            file: file.map_err(io_error)?,
            path: self.path.clone(),
            identity: self.identity,
        })
    }
}

impl Input {
    /// Opens `path` and reads its stream headers.
    ///
    /// Only the named file is read: other protocols are refused, and so are containers that point at
    /// other files.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_interruptible(path, &Interrupter::default())
    }

    /// Like [`Self::open`]; `interrupter` calls it off, and later reads as well.
    pub fn open_interruptible(path: &Path, interrupter: &Interrupter) -> Result<Self, OpenError> {
        let (file, identity) = open_file(path)?;
        Self::open_handle(path, file, identity, interrupter, find_stream_info)
    }

    /// The file that this reads, to be opened once more beside it.
    pub fn same_file(&self) -> Result<SameFile, OpenError> {
        let file = self.file.try_clone();
        let io_error =
            |error: io::Error| OpenError::Io(self.path.display().to_string(), error.to_string());
        Ok(SameFile {
            file: file.map_err(io_error)?,
            path: self.path.clone(),
            identity: self.identity,
        })
    }

    /// Opens a file that is open already, at its beginning, whatever its name stands for by now.
    pub fn open_same(same: SameFile, interrupter: &Interrupter) -> Result<Self, OpenError> {
        let SameFile {
            file,
            path,
            identity,
        } = same;
        Self::open_handle(&path, file, identity, interrupter, find_stream_info)
    }

    /// Like [`Self::open_interruptible`], without a look into the streams for what the header does not
    /// tell: sizes and formats of pictures may be unknown. For files that are like one that is known.
    pub(super) fn open_unprobed(path: &Path, interrupter: &Interrupter) -> Result<Self, OpenError> {
        let (file, identity) = open_file(path)?;
        Self::open_handle(path, file, identity, interrupter, Ok)
    }

    fn open_handle(
        path: &Path,
        file: File,
        identity: FileIdentity,
        interrupter: &Interrupter,
        look: Look,
    ) -> Result<Self, OpenError> {
        super::init();
        let name = || path.display().to_string();
        let mut head = [0; 2048];
        let read = file.read_at(&mut head, 0);
        let read = read.map_err(|error| OpenError::Io(name(), error.to_string()))?;
        if let Some(kind) = containers::list_kind(&head[..read]) {
            return Err(OpenError::Playlist(name(), kind.to_owned()));
        }
        let again = file.try_clone();
        let again = again.map_err(|error| OpenError::Io(name(), error.to_string()))?;
        let io = FileIo::new(file, interrupter.clone())
            .ok_or_else(|| OpenError::Io(name(), "out of memory".to_owned()))?;
        let context = open_container(path, io, interrupter, look)?;
        let ahead = containers::shares_time_stamps(context.format().name());
        Ok(Self {
            ahead: ahead.then(Ahead::default),
            context,
            file: again,
            path: path.to_owned(),
            identity,
            interrupter: interrupter.clone(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// FFmpeg's view of it.
    pub fn context(&mut self) -> &mut ffmpeg::format::context::Input {
        &mut self.context
    }

    /// FFmpeg's view of it, to look at.
    pub fn context_ref(&self) -> &ffmpeg::format::context::Input {
        &self.context
    }

    /// A handle that calls off reading, from any thread.
    pub fn interrupter(&self) -> Interrupter {
        self.interrupter.clone()
    }

    /// Length, time stamp and number of the file when it was opened.
    pub fn file_identity(&self) -> FileIdentity {
        self.identity
    }

    /// How the file on disk differs from what was opened. One system call.
    pub fn file_change(&self) -> Option<FileChange> {
        FileChange::since(self.identity, &self.path)
    }

    /// The first bytes of the file, at most `limit` of them. Does not move the demuxer.
    pub(super) fn head(&self, limit: usize) -> Vec<u8> {
        let mut bytes = vec![0; limit];
        let read = self.file.read_at(&mut bytes, 0).unwrap_or(0);
        bytes.truncate(read);
        bytes
    }

    /// The numbers of encrypted MP4 tracks; those of other containers are told by FFmpeg.
    pub(super) fn encrypted_tracks(&self) -> Vec<u32> {
        if !self.context.format().name().starts_with("mov,") {
            return Vec::new();
        }
        encrypted_tracks(self.identity.bytes, |position, buffer| {
            self.file.read_at(buffer, position).unwrap_or(0)
        })
    }

    /// Delivers packets of `keep` only; the demuxer skips the others where it can.
    pub fn discard_all_but(&mut self, keep: StreamId) {
        for mut stream in self.context.streams_mut() {
            let discard = if stream.index() == keep.0 {
                ffi::AVDiscard::AVDISCARD_DEFAULT
            } else {
                ffi::AVDiscard::AVDISCARD_ALL
            };
            #[expect(unsafe_code, reason = "the wrapper has no setter")]
            // SAFETY: the stream belongs to the context, which is borrowed mutably.
            unsafe {
                (*stream.as_mut_ptr()).discard = discard;
            }
        }
    }

    /// Reads the next packet into `packet`, whose old content is released.
    ///
    /// Damaged packets are skipped as long as something good comes after them.
    pub fn read_packet(&mut self, packet: &mut Packet) -> Result<ReadOutcome, ReadError> {
        let Some(mut ahead) = self.ahead.take() else {
            return self.read_next(packet);
        };
        let outcome = ahead.read(packet, &mut |packet| self.read_next(packet));
        self.ahead = Some(ahead);
        outcome
    }

    fn read_next(&mut self, packet: &mut Packet) -> Result<ReadOutcome, ReadError> {
        use ffmpeg::packet::Mut;
        let mut bad = 0;
        loop {
            #[expect(
                unsafe_code,
                reason = "the wrapper leaks the old content and hides error codes"
            )]
            // SAFETY: both pointers are to live values that are borrowed mutably.
            let code = unsafe {
                ffi::av_packet_unref(packet.as_mut_ptr());
                ffi::av_read_frame(self.context.as_mut_ptr(), packet.as_mut_ptr())
            };
            match code {
                0.. if self.is_discarded(packet.stream()) => {}
                0.. => return Ok(ReadOutcome::Packet),
                // Some demuxers take what was called off for the end.
                _ if self.interrupter.is_interrupted() => return Err(ReadError::Interrupted),
                ffi::AVERROR_EOF => return Ok(ReadOutcome::End),
                ffi::AVERROR_EXIT => return Err(ReadError::Interrupted),
                _ if is_retryable(code) && bad < MAX_BAD_READS => bad += 1,
                _ if is_io(code) => return Err(ReadError::Io(error_text(code))),
                _ => return Err(ReadError::Damaged(error_text(code))),
            }
        }
    }

    /// Moves to the keyframe of `stream` that lies at or before `ticks` of its time base, as far as the
    /// container knows; the next packets come from there.
    pub fn seek_to(&mut self, stream: StreamId, ticks: i64) -> Result<(), ReadError> {
        let index = c_int::try_from(stream.0).unwrap_or(c_int::MAX);
        self.leave();
        #[expect(unsafe_code, reason = "the wrapper seeks in microseconds only")]
        // SAFETY: the context is alive and borrowed mutably; FFmpeg checks the stream's number.
        let code = unsafe {
            ffi::avformat_seek_file(self.context.as_mut_ptr(), index, i64::MIN, ticks, ticks, 0)
        };
        self.seek_outcome(code)
    }

    /// Moves to byte `position`; the demuxer finds the next packet from there. Only bare streams and
    /// MPEG containers can do it.
    pub fn seek_to_byte(&mut self, position: u64) -> Result<(), ReadError> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        self.leave();
        #[expect(unsafe_code, reason = "the wrapper cannot seek to bytes")]
        // SAFETY: the context is alive and borrowed mutably.
        let code = unsafe {
            ffi::av_seek_frame(
                self.context.as_mut_ptr(),
                -1,
                position,
                ffi::AVSEEK_FLAG_BYTE,
            )
        };
        self.seek_outcome(code)
    }

    /// Some demuxers deliver packets of discarded streams all the same.
    #[expect(unsafe_code, reason = "the wrapper turns the number into an enum")]
    fn is_discarded(&self, stream: usize) -> bool {
        self.context.stream(stream).is_none_or(|stream| {
            // SAFETY: the stream belongs to the context, which is borrowed.
            unsafe { (*stream.as_ptr()).discard == ffi::AVDiscard::AVDISCARD_ALL }
        })
    }

    fn seek_outcome(&self, code: c_int) -> Result<(), ReadError> {
        match code {
            0.. => Ok(()),
            ffi::AVERROR_EXIT => Err(ReadError::Interrupted),
            _ if self.interrupter.is_interrupted() => Err(ReadError::Interrupted),
            _ if is_io(code) => Err(ReadError::Io(error_text(code))),
            _ => Err(ReadError::Unseekable(error_text(code))),
        }
    }

    /// Forgets what belongs to the place that is left.
    fn leave(&mut self) {
        if let Some(ahead) = &mut self.ahead {
            ahead.clear();
        }
        self.clear_io_error();
    }

    /// FFmpeg remembers a failed read and repeats its error for ever; a seek starts afresh.
    #[expect(unsafe_code, reason = "FFmpeg has no function for it")]
    fn clear_io_error(&mut self) {
        // SAFETY: `pb` is the I/O context that `FileIo` made, alive as long as the container is.
        unsafe {
            let io = (*self.context.as_mut_ptr()).pb;
            (*io).error = 0;
            (*io).eof_reached = 0;
        }
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn is_retryable(code: c_int) -> bool {
    code == ffi::AVERROR(ffi::EAGAIN) || code == ffi::AVERROR_INVALIDDATA
}

fn is_io(code: c_int) -> bool {
    // Errors of the system are small numbers; FFmpeg's own are four letters.
    (-4095..0).contains(&code)
        && ![ffi::EINVAL, ffi::ENOMEM, ffi::EPERM].contains(&ffi::AVUNERROR(code))
}

/// FFmpeg's words for an error, without a full stop.
fn error_text(code: c_int) -> String {
    ffmpeg::Error::from(code).to_string()
}

/// Opens the file itself, once it is sure to be one.
fn open_file(path: &Path) -> Result<(File, FileIdentity), OpenError> {
    let name = path.display().to_string();
    let from_io = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => OpenError::Missing(name.clone()),
        io::ErrorKind::PermissionDenied => OpenError::Permission(name.clone()),
        _ => OpenError::Io(name.clone(), error.to_string()),
    };
    check_kind(&name, std::fs::metadata(path).map_err(from_io)?.file_type())?;
    // Not blocking, because the name may stand for a pipe by now, and opening one waits for a writer.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(from_io)?;
    let metadata = file.metadata().map_err(from_io)?;
    check_kind(&name, metadata.file_type())?;
    if metadata.len() == 0 {
        return Err(OpenError::Empty(name));
    }
    Ok((file, FileIdentity::of_metadata(&metadata)))
}

fn check_kind(name: &str, kind: std::fs::FileType) -> Result<(), OpenError> {
    let special = if kind.is_file() {
        return Ok(());
    } else if kind.is_dir() {
        return Err(OpenError::NotAFile(name.to_owned()));
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(OpenError::SpecialFile(name.to_owned(), special))
}

/// What is done with a container once its header has been read.
type Look = fn(ffmpeg::format::context::Input) -> Result<ffmpeg::format::context::Input, c_int>;

/// Recognises the container in `io`, opens it and reads its stream headers.
fn open_container(
    path: &Path,
    io: FileIo,
    interrupter: &Interrupter,
    look: Look,
) -> Result<ffmpeg::format::context::Input, OpenError> {
    let name = path.display().to_string();
    let refuse = |code: c_int| {
        if code == ffi::AVERROR_EXIT || interrupter.is_interrupted() {
            OpenError::Interrupted(name.clone())
        } else if is_io(code) {
            OpenError::Io(name.clone(), error_text(code))
        } else {
            OpenError::Unrecognized(name.clone(), error_text(code))
        }
    };
    let url = probing_name(path);
    let demuxer = recognise(&io, &url).map_err(refuse)?;
    let (demuxer_name, demuxer_title) = demuxer.names();
    if containers::is_list(&demuxer_name) {
        return Err(OpenError::Playlist(name, demuxer_title));
    }
    if !containers::is_playable(&demuxer_name) {
        let what = format!("{demuxer_title} is not played");
        return Err(OpenError::Unrecognized(name, what));
    }

    let context_io = io.as_mut_ptr();
    // The closure owns the I/O context: FFmpeg's wrapper drops it after the container is closed, also
    // where codec parameters keep the container alive beyond this `Input`.
    let flag = interrupter.clone();
    let interrupt = ffmpeg::util::interrupt::new(Box::new(move || {
        let _keep_alive = &io;
        flag.is_interrupted()
    }));
    let mut options: ffmpeg::Dictionary<'_> = [
        ("format_whitelist", containers::PLAYABLE.join(",").as_str()),
        ("protocol_whitelist", "file"),
        ("max_streams", MAX_STREAMS),
        // MOV: references to other files stay closed, whatever their form.
        ("enable_drefs", "0"),
        ("use_absolute_path", "0"),
    ]
    .into_iter()
    .collect();

    #[expect(
        unsafe_code,
        reason = "the wrapper cannot set the callbacks before opening"
    )]
    // SAFETY: the context is new; `avformat_open_input` frees it when it fails, and afterwards the
    // wrapper owns it together with the guard. The I/O context and the demuxer outlive it.
    unsafe {
        let mut context = ffi::avformat_alloc_context();
        if context.is_null() {
            return Err(OpenError::Io(name, "out of memory".to_owned()));
        }
        (*context).interrupt_callback = interrupt.interrupt;
        (*context).pb = context_io;
        (*context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO;
        (*context).io_open = Some(refuse_to_open);
        let mut raw_options = std::mem::take(&mut options).disown();
        let code = ffi::avformat_open_input(
            &raw mut context,
            url.as_ptr(),
            demuxer.0,
            &raw mut raw_options,
        );
        drop(ffmpeg::Dictionary::own(raw_options));
        if code < 0 {
            return Err(refuse(code));
        }
        let context = ffmpeg::format::context::Input::wrap_with_interrupt(context, interrupt.guard);
        look(context).map_err(refuse)
    }
}

/// Looks into the streams for what the container's header does not tell.
///
/// Usually that takes one packet. Some phones' H.264 does not say how far the order of its pictures
/// differs from the packets'; FFmpeg then decodes up to 20 of them to find out, and 4K takes a tenth of a
/// second. Leaving out the inverse transform and the loop filter there was tried: it saves a fifth.
fn find_stream_info(
    mut context: ffmpeg::format::context::Input,
) -> Result<ffmpeg::format::context::Input, c_int> {
    #[expect(
        unsafe_code,
        reason = "the wrapper calls it only while opening by itself"
    )]
    // SAFETY: the context is open and owned.
    let code =
        unsafe { ffi::avformat_find_stream_info(context.as_mut_ptr(), std::ptr::null_mut()) };
    if code < 0 { Err(code) } else { Ok(context) }
}

/// Takes the place of FFmpeg's opener: no demuxer may open a second file.
#[expect(unsafe_code, reason = "called by FFmpeg")]
unsafe extern "C" fn refuse_to_open(
    _context: *mut ffi::AVFormatContext,
    _io: *mut *mut ffi::AVIOContext,
    _url: *const std::ffi::c_char,
    _flags: c_int,
    _options: *mut *mut ffi::AVDictionary,
) -> c_int {
    tracing::warn!(target: super::LOG_TARGET, "the container asked for another file; refused");
    ffi::AVERROR(ffi::EPERM)
}

/// A demuxer that FFmpeg chose.
#[derive(Clone, Copy)]
struct Demuxer(*const ffi::AVInputFormat);

impl Demuxer {
    /// Its short name and its title.
    #[expect(unsafe_code, reason = "reads C strings")]
    fn names(self) -> (String, String) {
        // SAFETY: demuxers are static tables of FFmpeg, their names are C strings.
        unsafe {
            let text = |pointer| {
                let pointer: *const std::ffi::c_char = pointer;
                if pointer.is_null() {
                    String::new()
                } else {
                    CStr::from_ptr(pointer).to_string_lossy().into_owned()
                }
            };
            (text((*self.0).name), text((*self.0).long_name))
        }
    }
}

/// Finds the demuxer for `io` by its first bytes, and by the extension where they say little.
fn recognise(io: &FileIo, url: &CStr) -> Result<Demuxer, c_int> {
    let demuxer = recognise_as(io, url)?;
    if demuxer.names().0 != "image2" {
        return Ok(demuxer);
    }
    // Chosen by the extension alone, and it reads numbered files. The content decides instead, except
    // for Targa, which has no mark to know it by.
    let is_targa = url.to_bytes().to_ascii_lowercase().ends_with(b".tga");
    match recognise_as(io, c"") {
        Err(_) if is_targa => demuxer_by_name(c"image2pipe"),
        by_content => by_content,
    }
}

#[expect(
    unsafe_code,
    reason = "the wrapper recognises only while opening by itself"
)]
fn recognise_as(io: &FileIo, url: &CStr) -> Result<Demuxer, c_int> {
    let mut format: *const ffi::AVInputFormat = std::ptr::null();
    // SAFETY: the I/O context is alive. FFmpeg rewinds it after it has found something, but not after
    // a failure.
    unsafe {
        let (io, log) = (io.as_mut_ptr(), std::ptr::null_mut());
        let code = ffi::av_probe_input_buffer2(io, &raw mut format, url.as_ptr(), log, 0, 0);
        if code < 0 {
            ffi::avio_seek(io, 0, 0);
            return Err(code);
        }
    }
    Ok(Demuxer(format))
}

#[expect(unsafe_code, reason = "the wrapper has no lookup by name")]
fn demuxer_by_name(name: &CStr) -> Result<Demuxer, c_int> {
    // SAFETY: the name is a C string.
    let format = unsafe { ffi::av_find_input_format(name.as_ptr()) };
    if format.is_null() {
        Err(ffi::AVERROR_DEMUXER_NOT_FOUND)
    } else {
        Ok(Demuxer(format))
    }
}

/// The name that FFmpeg gets to hear: only the extension counts for it, and a harmless name cannot be
/// a pattern, an address or an option.
fn probing_name(path: &Path) -> CString {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .filter(|text| text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let name = match extension {
        Some(extension) => format!("media.{extension}"),
        None => "media".to_owned(),
    };
    CString::new(name).unwrap_or_default()
}

#[cfg(test)]
mod tests;

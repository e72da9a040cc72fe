//! Whether a proxy may stand for its source: every number of it is compared, and some of its pictures.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compare::Comparison;
use super::record::{ProxyRecord, Verification};
use super::refusal::Refusal;
use super::room::InUse;
use crate::decode::{
    AudioReadError, DecodeError, FileChange, FileIdentity, IndexStore, Input, Interrupter,
    OpenError, ReadError,
};
use crate::time::Clock;

/// How proxies are verified.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// Threads that decode.
    pub threads: NonZeroUsize,
    /// For stage times.
    pub clock: Arc<dyn Clock>,
    /// Calls it off.
    pub interrupter: Interrupter,
    /// Where indices of sources are kept.
    pub indices: Option<Arc<dyn IndexStore>>,
}

/// Why a proxy is not verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is not what it should be. It must not be used.
    #[error("{0}: not used, for {1}.")]
    Refused(PathBuf, Refusal),
    /// The source cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The source cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The source cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The source's sound cannot be read.
    #[error(transparent)]
    Sound(#[from] AudioReadError),
    /// An [`Interrupter`] called it off.
    #[error("verifying was called off.")]
    Interrupted,
    /// The result cannot be kept.
    #[error("{0}: that it was verified cannot be noted ({1}). Check the folder's permissions.")]
    Note(PathBuf, io::Error),
}

impl VerifyError {
    /// What differs, if that is the reason.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(_, refusal) => Some(refusal),
            _ => None,
        }
    }
}

/// Verifies a proxy against the source that its record names. What was verified before and has not
/// changed is not read again, unless `again` says so.
///
/// # Errors
/// What differs, or why it cannot be told.
pub fn verify(
    proxy: &Path,
    options: &VerifyOptions,
    again: bool,
) -> Result<Verification, VerifyError> {
    verify_with(proxy, None, options, again)
}

/// The same, where the source is named `source` by now.
pub(super) fn verify_with(
    proxy: &Path,
    source: Option<&Path>,
    options: &VerifyOptions,
    again: bool,
) -> Result<Verification, VerifyError> {
    let refuse = |refusal| VerifyError::Refused(proxy.to_owned(), refusal);
    let record = ProxyRecord::read_beside(proxy);
    let mut record = record.ok_or_else(|| refuse(Refusal::Unknown))?;
    let source_path = source.unwrap_or(&record.source).to_owned();
    let source = Input::open_interruptible(&source_path, &options.interrupter)?;
    let file = FileIdentity::of_path(proxy);
    let file = file.map_err(|error| refuse(Refusal::Unreadable(error.to_string())))?;
    let source_file = source.file_identity();
    if source_file != record.source_file {
        let is_same = (source_file.device, source_file.inode)
            == (record.source_file.device, record.source_file.inode);
        return Err(refuse(if is_same {
            Refusal::Stale
        } else {
            Refusal::OtherSource
        }));
    }
    if file != record.proxy_file {
        return Err(refuse(Refusal::Altered));
    }
    if let Some(found) = record.verified.filter(|_| !again)
        && record.is_verified(source_file, file)
    {
        return Ok(found);
    }
    let _held = InUse::new(proxy);
    let found = compare(source, proxy, options);
    if let Err(error) = &found
        && error.refusal().is_some_and(tells_of_proxy)
    {
        forget_verified(proxy, file);
    }
    let found = found?;
    if FileChange::since(source_file, &source_path).is_some() {
        return Err(refuse(Refusal::Stale));
    }
    record.verified = Some(found);
    record
        .write_beside(proxy)
        .map_err(|error| VerifyError::Note(ProxyRecord::path_beside(proxy), error))?;
    Ok(found)
}

/// Whether it says that the proxy is another picture than its source: not that either could not be read now.
fn tells_of_proxy(refusal: &Refusal) -> bool {
    !matches!(refusal, Refusal::Unreadable(_) | Refusal::NothingCompared)
}

/// What was true of a proxy once is so no more, though nothing tells that the file was changed. It may have been made
/// anew meanwhile.
fn forget_verified(proxy: &Path, file: FileIdentity) {
    let record = ProxyRecord::read_beside(proxy);
    let Some(mut record) = record.filter(|record| record.proxy_file == file) else {
        return;
    };
    record.verified = None;
    if let Err(error) = record.write_beside(proxy) {
        tracing::warn!(proxy = %proxy.display(), %error, "a refusal cannot be noted");
    }
}

/// Compares a proxy with any source, whatever its record says.
///
/// # Errors
/// What differs, or why it cannot be told.
pub fn compare(
    source: Input,
    proxy: &Path,
    options: &VerifyOptions,
) -> Result<Verification, VerifyError> {
    let found = Comparison::open(source, proxy, options).and_then(|comparison| comparison.run());
    // What could not be read then says nothing of the proxy, nor does what looked like an end.
    if options.interrupter.is_interrupted() {
        return Err(VerifyError::Interrupted);
    }
    found
}

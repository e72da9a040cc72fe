//! What came of comparing proxies that others made, so that it is done once. They lie in folders of cameras
//! and of other programs, where nothing is written: it is kept in the proxy folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::folder::ProxyFolder;
use super::record::{IdentityJson, Verification, VerificationJson, replace_json};
use super::refusal::Refusal;
use super::verify::{VerifyError, VerifyOptions, compare};
use crate::decode::{FileChange, FileIdentity, Input};

/// The layout of these notes, and how comparing is done. Those of another are not read.
const VERSION: u32 = 1;

/// What came of a comparison.
type Outcome = Result<Verification, String>;

#[derive(Serialize, Deserialize)]
struct NoteJson {
    version: u32,
    /// For people who look into the folder.
    source: String,
    proxy: String,
    source_file: IdentityJson,
    proxy_file: IdentityJson,
    verified: Option<VerificationJson>,
    refused: Option<String>,
}

/// Compares `proxy` with `source`, unless it was done before and neither has changed since.
pub(super) fn verify(
    source: &Path,
    proxy: &Path,
    folder: &ProxyFolder,
    options: &VerifyOptions,
) -> Result<Verification, VerifyError> {
    let refuse = |refusal| VerifyError::Refused(proxy.to_owned(), refusal);
    let input = Input::open_interruptible(source, &options.interrupter)?;
    let proxy_file = FileIdentity::of_path(proxy);
    let proxy_file = proxy_file.map_err(|error| refuse(Refusal::Unreadable(error.to_string())))?;
    let files = (input.file_identity(), proxy_file);
    let place = place_of(folder, files);
    if let Some(outcome) = read(&place, files) {
        return outcome.map_err(|words| refuse(Refusal::Before(words)));
    }
    let found = compare(input, proxy, options);
    let outcome = match &found {
        Ok(found) => Ok(*found),
        Err(VerifyError::Refused(_, refusal)) => Err(refusal.to_string()),
        // It says nothing of the proxy.
        Err(_) => return found,
    };
    if FileChange::since(files.0, source).is_some() {
        return Err(refuse(Refusal::Stale));
    }
    if FileChange::since(files.1, proxy).is_some() {
        return Err(refuse(Refusal::Altered));
    }
    let note = NoteJson {
        version: VERSION,
        source: source.to_string_lossy().into_owned(),
        proxy: proxy.to_string_lossy().into_owned(),
        source_file: IdentityJson::new(files.0),
        proxy_file: IdentityJson::new(files.1),
        verified: outcome
            .as_ref()
            .ok()
            .map(|found| VerificationJson::new(*found)),
        refused: outcome.err(),
    };
    let written = folder.prepare().and_then(|()| replace_json(&place, &note));
    if let Err(error) = written {
        // It is compared once more the next time.
        tracing::warn!("{}: {error}", place.display());
    }
    found
}

/// Whether a proxy was found right before. Files are named as source and proxy.
pub(super) fn is_verified(folder: &ProxyFolder, files: (FileIdentity, FileIdentity)) -> bool {
    matches!(read(&place_of(folder, files), files), Some(Ok(_)))
}

fn place_of(folder: &ProxyFolder, (source, proxy): (FileIdentity, FileIdentity)) -> PathBuf {
    let mut hash = blake3::Hasher::new_derive_key("jogwheel 2026 sidecar note");
    for file in [source, proxy] {
        hash.update(&file.bytes.to_le_bytes());
        hash.update(&file.modified_nanos.to_le_bytes());
        hash.update(&file.device.to_le_bytes());
        hash.update(&file.inode.to_le_bytes());
    }
    let hash = hash.finalize().to_hex();
    folder.path().join(format!("sidecar-{}.json", &hash[..16]))
}

/// Whether a file in the proxy folder is such a note, by its name.
pub(super) fn is_note(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    let hash = name
        .as_ref()
        .and_then(|name| name.strip_prefix("sidecar-")?.strip_suffix(".json"));
    hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn read(place: &Path, files: (FileIdentity, FileIdentity)) -> Option<Outcome> {
    let text = std::fs::read_to_string(place).ok()?;
    let note: NoteJson = serde_json::from_str(&text).ok()?;
    let is_it = note.version == VERSION
        && (note.source_file.read(), note.proxy_file.read()) == (Some(files.0), Some(files.1));
    if !is_it {
        return None;
    }
    match (note.verified, note.refused) {
        (Some(found), _) => Some(Ok(found.read())),
        (None, refused) => refused.map(Err),
    }
}

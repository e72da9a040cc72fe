//! What is known of a proxy, kept as JSON beside it.

use std::fs::TryLockError;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::codec::ProxyCodec;
use super::part_file;
use super::preset::Preset;
use crate::decode::FileIdentity;

/// The layout of records. Those of another are not read.
const VERSION: u32 = 1;

/// What is known of a proxy.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxyRecord {
    /// The file that it was made of, by the name that it had.
    pub source: PathBuf,
    /// The state of that file.
    pub source_file: FileIdentity,
    /// The proxy as it was when it was made.
    pub proxy_file: FileIdentity,
    /// Its size.
    pub preset: Preset,
    /// Its codec.
    pub codec: ProxyCodec,
    /// What came of the last verification that it passed.
    pub verified: Option<Verification>,
}

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verification {
    /// Frames whose time stamps were compared: all of them.
    pub frames: i64,
    /// Frames whose pictures were compared.
    pub samples: u32,
    /// How alike the least alike of those are: structural similarity, 1 when they are the same.
    pub least_likeness: f64,
}

/// The wire form of a record.
#[derive(Serialize, Deserialize)]
struct RecordJson {
    version: u32,
    source: String,
    source_file: IdentityJson,
    proxy_file: IdentityJson,
    preset: String,
    codec: String,
    verified: Option<VerificationJson>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct VerificationJson {
    frames: i64,
    samples: u32,
    least_likeness: f64,
}

impl VerificationJson {
    pub(super) fn new(found: Verification) -> Self {
        Self {
            frames: found.frames,
            samples: found.samples,
            least_likeness: found.least_likeness,
        }
    }

    pub(super) fn read(&self) -> Verification {
        Verification {
            frames: self.frames,
            samples: self.samples,
            least_likeness: self.least_likeness,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct IdentityJson {
    bytes: u64,
    /// As text: it is longer than the numbers of most readers of JSON.
    modified_nanos: String,
    device: u64,
    inode: u64,
}

impl IdentityJson {
    pub(super) fn new(file: FileIdentity) -> Self {
        Self {
            bytes: file.bytes,
            modified_nanos: file.modified_nanos.to_string(),
            device: file.device,
            inode: file.inode,
        }
    }

    pub(super) fn read(&self) -> Option<FileIdentity> {
        Some(FileIdentity {
            bytes: self.bytes,
            modified_nanos: self.modified_nanos.parse().ok()?,
            device: self.device,
            inode: self.inode,
        })
    }
}

impl ProxyRecord {
    /// What the name of a record that is being written begins with.
    pub(super) const PART_BEGINNING: &str = ".jogwheel-";

    /// The record's place beside a proxy.
    pub fn path_beside(proxy: &Path) -> PathBuf {
        proxy.with_extension("json")
    }

    /// Reads the record of a proxy; `None` where there is none, or none that can be read.
    pub fn read_beside(proxy: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(Self::path_beside(proxy)).ok()?;
        let json: RecordJson = serde_json::from_str(&text).ok()?;
        if json.version != VERSION {
            return None;
        }
        Some(Self {
            source: PathBuf::from(json.source),
            source_file: json.source_file.read()?,
            proxy_file: json.proxy_file.read()?,
            preset: Preset::from_name(&json.preset)?,
            codec: ProxyCodec::from_name(&json.codec)?,
            verified: json.verified.map(|found| found.read()),
        })
    }

    /// Writes it beside the proxy, in place of the one that is there.
    ///
    /// # Errors
    /// When the folder cannot be written to; then what was there stays.
    pub fn write_beside(&self, proxy: &Path) -> io::Result<()> {
        let json = RecordJson {
            version: VERSION,
            source: self.source.to_string_lossy().into_owned(),
            source_file: IdentityJson::new(self.source_file),
            proxy_file: IdentityJson::new(self.proxy_file),
            preset: self.preset.name().to_owned(),
            codec: self.codec.name().to_owned(),
            verified: self.verified.map(VerificationJson::new),
        };
        replace_json(&Self::path_beside(proxy), &json)
    }

    /// Whether both files are as they were when the proxy was verified.
    pub fn is_verified(&self, source: FileIdentity, proxy: FileIdentity) -> bool {
        self.verified.is_some() && self.source_file == source && self.proxy_file == proxy
    }
}

/// A record that is about to be written, locked so that nobody takes it for left over.
fn begin_record(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = tempfile::Builder::new()
            .prefix(ProxyRecord::PART_BEGINNING)
            .suffix(part_file::PART_ENDING)
            .tempfile_in(folder)?;
        let is_looked_at = matches!(file.as_file().try_lock(), Err(TryLockError::WouldBlock));
        // Another program was quicker to look at it, and has removed it or is about to. Some network shares know no
        // locks: there it is only as quick to be gone as ever.
        if !is_looked_at && part_file::is_named(file.as_file(), file.path())? {
            return Ok(file);
        }
    }
}

/// Writes a record to `path`, in place of the one that is there: whoever reads it gets the one or the other.
pub(super) fn replace_json(path: &Path, json: &impl Serialize) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = begin_record(folder)?;
    serde_json::to_writer_pretty(&mut file, json)?;
    file.write_all(b"\n")?;
    // Temporary files are for their owner only; several people may share a folder.
    let readable = std::fs::Permissions::from_mode(0o644);
    file.as_file().set_permissions(readable)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let proxy = folder.path().join("a_preview_12345678.mov");
        assert_eq!(ProxyRecord::read_beside(&proxy), None);
        let file = |bytes| FileIdentity {
            bytes,
            modified_nanos: 1_700_000_000_123_456_789,
            device: u64::MAX,
            inode: 4,
        };
        let mut record = ProxyRecord {
            source: PathBuf::from("/rushes/a.mov"),
            source_file: file(10),
            proxy_file: file(1),
            preset: Preset::Preview,
            codec: ProxyCodec::H264Intra,
            verified: None,
        };
        record.write_beside(&proxy).unwrap();
        assert_eq!(ProxyRecord::read_beside(&proxy).as_ref(), Some(&record));
        assert!(!record.is_verified(file(10), file(1)));
        record.verified = Some(Verification {
            frames: 100,
            samples: 8,
            least_likeness: 0.975,
        });
        record.write_beside(&proxy).unwrap();
        assert_eq!(ProxyRecord::read_beside(&proxy).as_ref(), Some(&record));
        assert!(record.is_verified(file(10), file(1)));
        assert!(!record.is_verified(file(11), file(1)));
        assert!(!record.is_verified(file(10), file(2)));
        for damaged in ["", "{}", "{\"version\":2}"] {
            std::fs::write(ProxyRecord::path_beside(&proxy), damaged).unwrap();
            assert_eq!(ProxyRecord::read_beside(&proxy), None);
        }
    }
}

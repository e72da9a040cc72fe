//! Proxies ordered and made by and by: what the list of kept jobs holds, and who does it.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::codec::ProxyCodec;
use super::error::MakeError;
use super::folder::ProxyFolder;
use super::make::{MadeProxy, MakeOptions, MakeRequest};
use super::preset::Preset;
use super::record::{IdentityJson, ProxyRecord};
use super::trial::EncoderChoice;
use super::verify::{VerifyError, VerifyOptions, verify};
use crate::cache::ProductStore;
use crate::decode::{FileIdentity, IndexStore, Interrupter};
use crate::jobs::kept::{JobOrder, KeptJob, KeptStop, Maker};
use crate::jobs::{JobContext, Priority};
use crate::memory::Ledger;
use crate::time::Clock;

/// What orders of proxies are called among kept jobs.
pub const PROXY_KIND: &str = "proxy";

/// Proxies that are to be made of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyOrder {
    /// The file.
    pub source: PathBuf,
    /// Its state when they were ordered; `None` where it was not there.
    pub file: Option<FileIdentity>,
    /// Their sizes.
    pub presets: Vec<Preset>,
    /// Their codec.
    pub codec: ProxyCodec,
    /// Whether those that are there are made again.
    pub again: bool,
}

/// The wire form of an order.
#[derive(Serialize, Deserialize)]
struct OrderJson {
    source: String,
    file: Option<IdentityJson>,
    presets: Vec<String>,
    codec: String,
    again: bool,
}

impl ProxyOrder {
    /// Proxies of `source`, as it is now.
    pub fn new(source: &Path, presets: Vec<Preset>, codec: ProxyCodec) -> Self {
        let source = std::path::absolute(source).unwrap_or_else(|_| source.to_owned());
        Self {
            file: FileIdentity::of_path(&source).ok(),
            source,
            presets,
            codec,
            again: false,
        }
    }

    /// The proxy that this is the record of, of the source as it is now. One that is there is verified, and made
    /// once more if it is refused.
    pub fn rebuild(record: &ProxyRecord) -> Self {
        Self::new(&record.source, vec![record.preset], record.codec)
    }

    /// What the jobs of a file are told apart by.
    pub fn key_of(source: &Path) -> String {
        let source = std::path::absolute(source).unwrap_or_else(|_| source.to_owned());
        source.to_string_lossy().into_owned()
    }

    /// The same as a job to be kept.
    pub fn job(&self, priority: Priority) -> JobOrder {
        let json = OrderJson {
            source: self.source.to_string_lossy().into_owned(),
            file: self.file.map(IdentityJson::new),
            presets: self.presets.iter().map(|p| p.name().to_owned()).collect(),
            codec: self.codec.name().to_owned(),
            again: self.again,
        };
        JobOrder {
            kind: PROXY_KIND.to_owned(),
            key: Self::key_of(&self.source),
            // Strings and numbers can always be written.
            parameters: serde_json::to_string(&json).unwrap_or_default(),
            priority,
            rank: 0,
        }
    }

    /// Reads a kept job; `None` where it is none of proxies, or of another version.
    pub fn read(job: &JobOrder) -> Option<Self> {
        if job.kind != PROXY_KIND {
            return None;
        }
        let json: OrderJson = serde_json::from_str(&job.parameters).ok()?;
        let presets = json.presets.iter().map(|name| Preset::from_name(name));
        Some(Self {
            source: PathBuf::from(json.source),
            file: json.file.and_then(|file| file.read()),
            presets: presets.collect::<Option<Vec<_>>>()?,
            codec: ProxyCodec::from_name(&json.codec)?,
            again: json.again,
        })
    }
}

/// Makes what was ordered, verifies it, and keeps the folder within its limit.
#[derive(Debug, Clone)]
pub struct ProxyMaker {
    /// Where proxies are kept.
    pub folder: ProxyFolder,
    /// Threads that decode, for one file.
    pub threads: NonZeroUsize,
    /// For stage times.
    pub clock: Arc<dyn Clock>,
    /// Where indices of sources are kept.
    pub indices: Option<Arc<dyn IndexStore>>,
    /// Where thumbnails and waveforms are kept, which are made in the same pass.
    pub products: Option<Arc<dyn ProductStore>>,
    /// What decoding is charged to.
    pub ledger: Option<Ledger>,
}

impl Maker for ProxyMaker {
    fn kind(&self) -> &'static str {
        PROXY_KIND
    }

    fn make(&self, job: &KeptJob, context: &JobContext) -> Result<(), KeptStop> {
        let order = ProxyOrder::read(&job.order);
        let order = order.ok_or_else(|| {
            let words = "this version of Jogwheel does not understand the order. Give it again.";
            KeptStop::Never(words.to_owned())
        })?;
        if let Err(error) = FileIdentity::of_path(&order.source) {
            return Err(source_missing(&order.source, &error));
        }
        let made = self.work(&order, order.presets.clone(), order.again, context)?;
        let mut refused = Vec::new();
        for proxy in &made {
            match self.verify(proxy, context) {
                // What was there already was not as it should be.
                Err(VerifyError::Refused(..)) if proxy.size.is_none() => {
                    refused.push(proxy.preset);
                }
                result => verdict(result)?,
            }
        }
        if !refused.is_empty() {
            for proxy in self.work(&order, refused, true, context)? {
                verdict(self.verify(&proxy, context))?;
            }
        }
        let paths: Vec<PathBuf> = made.into_iter().map(|proxy| proxy.path).collect();
        let trimmed = self.folder.trim(&paths);
        let trimmed = trimmed.inspect_err(|error| {
            tracing::warn!("{}: {error}", self.folder.path().display());
        });
        for gone in trimmed.into_iter().flat_map(|trimmed| trimmed.removed) {
            tracing::info!("{}: removed to make room", gone.display());
        }
        Ok(())
    }
}

impl ProxyMaker {
    fn work(
        &self,
        order: &ProxyOrder,
        presets: Vec<Preset>,
        again: bool,
        context: &JobContext,
    ) -> Result<Vec<MadeProxy>, KeptStop> {
        let options = MakeOptions {
            presets,
            codec: order.codec,
            folder: self.folder.clone(),
            threads: self.threads,
            again,
            indices: self.indices.clone(),
            products: self.products.clone(),
            ledger: self.ledger.clone(),
            encoder: EncoderChoice::default(),
        };
        let request = MakeRequest::new(order.source.clone(), options, Arc::clone(&self.clock));
        let made = request.made();
        request.make(context).map_err(|error| stop_for(&error))?;
        let proxies = std::mem::take(&mut made.lock().proxies);
        Ok(proxies)
    }

    fn verify(&self, proxy: &MadeProxy, context: &JobContext) -> Result<(), VerifyError> {
        let options = VerifyOptions {
            threads: self.threads,
            clock: Arc::clone(&self.clock),
            interrupter: Interrupter::from(context.cancel_flag()).with_pulse(context.pulse()),
            indices: self.indices.clone(),
        };
        verify(&proxy.path, &options, false).map(|_found| ())
    }
}

fn verdict(result: Result<(), VerifyError>) -> Result<(), KeptStop> {
    match result {
        // It is verified once more before it is used.
        Ok(()) | Err(VerifyError::Note(..)) => Ok(()),
        Err(VerifyError::Interrupted) => Err(KeptStop::Cancelled),
        Err(error @ VerifyError::Refused(..)) => Err(KeptStop::Never(error.to_string())),
        Err(error) => Err(KeptStop::Later(error.to_string())),
    }
}

fn source_missing(source: &Path, error: &io::Error) -> KeptStop {
    let name = source.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            let words = "it is not there any more. Order its proxies again when it is";
            KeptStop::Never(format!("{name}: {words}."))
        }
        _ => KeptStop::Later(format!("{name}: cannot be read ({error}).")),
    }
}

/// Whether trying again is of use.
fn stop_for(error: &MakeError) -> KeptStop {
    let words = error.to_string();
    match error {
        _ if error.is_cancelled() => KeptStop::Cancelled,
        MakeError::Write(_, cause) if cause.kind() == io::ErrorKind::ResourceBusy => {
            KeptStop::NotNow(words)
        }
        MakeError::DiskFull(_)
        | MakeError::Write(..)
        | MakeError::Changed(_)
        | MakeError::Thread(_)
        | MakeError::Read(_) => KeptStop::Later(words),
        _ => KeptStop::Never(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_as_they_were_given() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("clip.mov");
        let presets = vec![Preset::Half, Preset::Quarter];
        let missing = ProxyOrder::new(&source, presets.clone(), ProxyCodec::Mjpeg);
        assert_eq!(missing.file, None);
        std::fs::write(&source, "x").unwrap();
        let order = ProxyOrder {
            again: true,
            ..ProxyOrder::new(&source, presets, ProxyCodec::Mjpeg)
        };
        assert!(order.file.is_some());
        for order in [missing, order] {
            let job = order.job(Priority::High);
            assert_eq!(job.key, ProxyOrder::key_of(&source));
            assert_eq!(ProxyOrder::read(&job), Some(order));
        }
    }

    #[test]
    fn what_is_no_order_is_not_read() {
        let good = ProxyOrder::new(Path::new("/a"), vec![Preset::Draft], ProxyCodec::Mjpeg);
        let good = good.job(Priority::Low);
        let with = |kind: &str, parameters: &str| JobOrder {
            kind: kind.to_owned(),
            parameters: parameters.to_owned(),
            ..good.clone()
        };
        assert!(ProxyOrder::read(&with(PROXY_KIND, &good.parameters)).is_some());
        assert!(ProxyOrder::read(&with("thumbnails", &good.parameters)).is_none());
        for damaged in ["", "{}", &good.parameters.replace("draft", "enormous")] {
            assert!(ProxyOrder::read(&with(PROXY_KIND, damaged)).is_none());
        }
    }

    #[test]
    fn what_may_work_another_time_is_told_from_what_cannot() {
        let path = || PathBuf::from("/a");
        let busy = io::Error::from(io::ErrorKind::ResourceBusy);
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        assert!(matches!(
            stop_for(&MakeError::Write(path(), busy)),
            KeptStop::NotNow(_)
        ));
        assert!(matches!(
            stop_for(&MakeError::Write(path(), denied)),
            KeptStop::Later(_)
        ));
        assert!(matches!(
            stop_for(&MakeError::DiskFull(path())),
            KeptStop::Later(_)
        ));
        assert!(matches!(
            stop_for(&MakeError::Alpha(path())),
            KeptStop::Never(_)
        ));
        assert_eq!(stop_for(&MakeError::Cancelled), KeptStop::Cancelled);
    }
}

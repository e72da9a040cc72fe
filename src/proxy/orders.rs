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
use super::strategy::fitting_presets;
use super::trial::EncoderChoice;
use super::verify::{VerifyError, VerifyOptions, verify};
use crate::cache::ProductStore;
use crate::decode::{FileIdentity, IndexStore, Input, Interrupter, media_info};
use crate::jobs::kept::{JobOrder, KeeperOptions, KeptError, KeptJob, KeptJobs, KeptStop, Maker};
use crate::jobs::{JobContext, Priority};
use crate::media::Size;
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
    /// What is wanted, each codec once.
    pub wanted: Vec<Wanted>,
}

/// Proxies of one codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The codec.
    pub codec: ProxyCodec,
    /// Their sizes, in order and each once.
    pub presets: Vec<Preset>,
    /// Whether those are made, too, that fit the source (`fitting_presets`).
    pub fitting: bool,
    /// Whether those that are there are made again.
    pub again: bool,
}

/// The wire form of an order.
#[derive(Serialize, Deserialize)]
struct OrderJson {
    source: String,
    file: Option<IdentityJson>,
    wanted: Vec<WantedJson>,
}

#[derive(Serialize, Deserialize)]
struct WantedJson {
    codec: String,
    presets: Vec<String>,
    fitting: bool,
    again: bool,
}

impl ProxyOrder {
    /// Proxies of `source`, as it is now.
    pub fn new(source: &Path, presets: Vec<Preset>, codec: ProxyCodec) -> Self {
        let mut order = Self::of(source);
        order.want(Wanted {
            codec,
            presets,
            fitting: false,
            again: false,
        });
        order
    }

    /// Proxies of `source`, as it is now, in the sizes that fit it. They are chosen when they are made.
    pub fn fitting(source: &Path, codec: ProxyCodec) -> Self {
        let mut order = Self::of(source);
        order.want(Wanted {
            codec,
            presets: Vec::new(),
            fitting: true,
            again: false,
        });
        order
    }

    /// The proxies that these are the records of, of the sources as they are now: one order for each source that is
    /// there. Those that are there are verified, and made once more if they are refused.
    pub fn rebuild<'a>(records: impl IntoIterator<Item = &'a ProxyRecord>) -> Vec<Self> {
        let mut orders: Vec<Self> = Vec::new();
        for record in records {
            let order = Self::new(&record.source, vec![record.preset], record.codec);
            match orders.iter_mut().find(|known| known.source == order.source) {
                Some(known) => known.join(order),
                None => orders.push(order),
            }
        }
        orders.retain(|order| order.file.is_some());
        orders
    }

    fn of(source: &Path) -> Self {
        let source = std::path::absolute(source).unwrap_or_else(|_| source.to_owned());
        Self {
            file: FileIdentity::of_path(&source).ok(),
            source,
            wanted: Vec::new(),
        }
    }

    /// The same, where what is there is made again if `again` says so.
    #[must_use]
    pub fn again(mut self, again: bool) -> Self {
        for wanted in &mut self.wanted {
            wanted.again = again;
        }
        self
    }

    /// Adds what another, later order of the same source wants.
    fn join(&mut self, other: Self) {
        self.file = other.file;
        for wanted in other.wanted {
            self.want(wanted);
        }
    }

    fn want(&mut self, mut new: Wanted) {
        if let Some(place) = self.wanted.iter().position(|old| old.codec == new.codec) {
            let old = self.wanted.remove(place);
            new.presets.extend(old.presets);
            new.fitting |= old.fitting;
            new.again |= old.again;
        }
        new.presets.sort_unstable();
        new.presets.dedup();
        self.wanted.push(new);
        // The same orders are written alike.
        self.wanted.sort_by_key(|wanted| wanted.codec.name());
    }

    /// What two orders of one source want together.
    fn merged(known: &JobOrder, order: &JobOrder) -> String {
        match (Self::read(known), Self::read(order)) {
            (Some(mut known), Some(order)) => {
                known.join(order);
                known.job(Priority::Normal).parameters
            }
            // One that this version does not understand cannot be made.
            _ => order.parameters.clone(),
        }
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
            wanted: self.wanted.iter().map(WantedJson::new).collect(),
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
        let wanted = json.wanted.iter().map(WantedJson::read);
        Some(Self {
            source: PathBuf::from(json.source),
            file: json.file.and_then(|file| file.read()),
            wanted: wanted.collect::<Option<Vec<_>>>()?,
        })
    }
}

impl WantedJson {
    fn new(wanted: &Wanted) -> Self {
        let presets = wanted.presets.iter();
        Self {
            codec: wanted.codec.name().to_owned(),
            presets: presets.map(|preset| preset.name().to_owned()).collect(),
            fitting: wanted.fitting,
            again: wanted.again,
        }
    }

    fn read(&self) -> Option<Wanted> {
        let presets = self.presets.iter().map(|name| Preset::from_name(name));
        Some(Wanted {
            codec: ProxyCodec::from_name(&self.codec)?,
            presets: presets.collect::<Option<Vec<_>>>()?,
            fitting: self.fitting,
            again: self.again,
        })
    }
}

impl ProxyFolder {
    /// The jobs to make proxies of this folder.
    ///
    /// # Errors
    /// As for [`KeptJobs::open`].
    pub fn jobs(&self) -> Result<KeptJobs, KeptError> {
        let jobs = KeptJobs::open(&self.jobs_folder())?;
        Ok(jobs.merging(ProxyOrder::merged))
    }

    /// The same, if any were ever kept.
    ///
    /// # Errors
    /// As for [`KeptJobs::open`].
    pub fn existing_jobs(&self) -> Result<Option<KeptJobs>, KeptError> {
        let jobs = KeptJobs::open_existing(&self.jobs_folder())?;
        Ok(jobs.map(|jobs| jobs.merging(ProxyOrder::merged)))
    }
}

/// Makes what was ordered, verifies it, and keeps the folder within its limit.
#[derive(Debug, Clone)]
pub struct ProxyMaker {
    /// Where proxies are kept.
    pub folder: ProxyFolder,
    /// How many files are made at a time, and how.
    pub options: KeeperOptions,
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
        let mut paths = Vec::new();
        for wanted in &order.wanted {
            paths.extend(self.make_wanted(&order.source, wanted, context)?);
        }
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
    /// Answers where they are.
    fn make_wanted(
        &self,
        source: &Path,
        wanted: &Wanted,
        context: &JobContext,
    ) -> Result<Vec<PathBuf>, KeptStop> {
        let mut presets = wanted.presets.clone();
        if wanted.fitting {
            presets.extend(fitting_presets(size_of(source, context)?));
        }
        let again = Wanted {
            again: true,
            ..wanted.clone()
        };
        let made = self.work(source, presets, wanted, context)?;
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
            for proxy in self.work(source, refused, &again, context)? {
                verdict(self.verify(&proxy, context))?;
            }
        }
        Ok(made.into_iter().map(|proxy| proxy.path).collect())
    }

    fn work(
        &self,
        source: &Path,
        presets: Vec<Preset>,
        wanted: &Wanted,
        context: &JobContext,
    ) -> Result<Vec<MadeProxy>, KeptStop> {
        let options = MakeOptions {
            presets,
            codec: wanted.codec,
            folder: self.folder.clone(),
            threads: self.options.threads_each(),
            at_a_time: NonZeroUsize::new(self.options.workers).unwrap_or(NonZeroUsize::MIN),
            again: wanted.again,
            indices: self.indices.clone(),
            products: self.products.clone(),
            ledger: self.ledger.clone(),
            encoder: EncoderChoice::default(),
        };
        let request = MakeRequest::new(source.to_owned(), options, Arc::clone(&self.clock));
        let made = request.made();
        request.make(context).map_err(|error| stop_for(&error))?;
        let proxies = std::mem::take(&mut made.lock().proxies);
        Ok(proxies)
    }

    fn verify(&self, proxy: &MadeProxy, context: &JobContext) -> Result<(), VerifyError> {
        let options = VerifyOptions {
            threads: self.options.threads_each(),
            clock: Arc::clone(&self.clock),
            interrupter: Interrupter::from(context.cancel_flag()).with_pulse(context.pulse()),
            indices: self.indices.clone(),
        };
        verify(&proxy.path, &options, false).map(|_found| ())
    }
}

/// The size of a file's pictures.
fn size_of(source: &Path, context: &JobContext) -> Result<Option<Size>, KeptStop> {
    let interrupter = Interrupter::from(context.cancel_flag()).with_pulse(context.pulse());
    let input = Input::open_interruptible(source, &interrupter);
    let input = input.map_err(|error| stop_for(&error.into()))?;
    Ok(media_info(&input).default_video().map(|video| video.size))
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
    use crate::jobs::kept::Renew;

    #[test]
    fn orders_are_read_as_they_were_given() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("clip.mov");
        let presets = vec![Preset::Half, Preset::Quarter];
        let missing = ProxyOrder::new(&source, presets.clone(), ProxyCodec::Mjpeg);
        assert_eq!(missing.file, None);
        std::fs::write(&source, "x").unwrap();
        let order = ProxyOrder::new(&source, presets, ProxyCodec::Mjpeg).again(true);
        assert!(order.file.is_some());
        let fitting = ProxyOrder::fitting(&source, ProxyCodec::Mjpeg);
        for order in [missing, order, fitting] {
            let job = order.job(Priority::High);
            assert_eq!(job.key, ProxyOrder::key_of(&source));
            assert_eq!(ProxyOrder::read(&job), Some(order));
        }
    }

    #[test]
    fn orders_of_one_source_want_what_each_wants() {
        let folder = tempfile::tempdir().unwrap();
        let proxies = ProxyFolder::new(&folder.path().join("proxies"));
        let source = folder.path().join("clip.mov");
        std::fs::write(&source, "x").unwrap();
        let key = ProxyOrder::key_of(&source);
        let jobs = proxies.jobs().unwrap();
        let add = |preset, codec| {
            let order = ProxyOrder::new(&source, vec![preset], codec);
            jobs.add(&order.job(Priority::Normal), Renew::Always)
                .unwrap()
        };
        let wanted = || {
            let job = jobs.find(PROXY_KIND, &key).unwrap().unwrap();
            let order = ProxyOrder::read(&job.order).unwrap();
            let wanted = order.wanted.into_iter();
            wanted.map(|it| (it.codec, it.presets)).collect::<Vec<_>>()
        };
        add(Preset::Half, ProxyCodec::Mjpeg);
        add(Preset::Quarter, ProxyCodec::Mjpeg);
        let both = vec![Preset::Quarter, Preset::Half];
        assert_eq!(wanted(), [(ProxyCodec::Mjpeg, both.clone())]);
        // What runs is done once more, for what it did not know of; not for what it did.
        let job = jobs.claim(&[PROXY_KIND]).unwrap().unwrap();
        add(Preset::Half, ProxyCodec::Mjpeg);
        jobs.finish(&job, &Ok(())).unwrap();
        assert!(jobs.claim(&[PROXY_KIND]).unwrap().is_none());
        add(Preset::Quarter, ProxyCodec::Mjpeg);
        let job = jobs.claim(&[PROXY_KIND]).unwrap().unwrap();
        add(Preset::Half, ProxyCodec::H264Intra);
        jobs.finish(&job, &Ok(())).unwrap();
        let expected = [
            (ProxyCodec::H264Intra, vec![Preset::Half]),
            (ProxyCodec::Mjpeg, vec![Preset::Quarter]),
        ];
        assert_eq!(wanted(), expected);
        assert!(jobs.claim(&[PROXY_KIND]).unwrap().is_some());
    }

    #[test]
    fn all_refused_proxies_of_a_file_are_one_order() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("clip.mov");
        std::fs::write(&source, "x").unwrap();
        let file = FileIdentity::of_path(&source).unwrap();
        let record = |source: &Path, preset, codec| ProxyRecord {
            source: source.to_owned(),
            source_file: file,
            proxy_file: file,
            preset,
            codec,
            verified: None,
        };
        let records = [
            record(&source, Preset::Half, ProxyCodec::Mjpeg),
            record(
                &folder.path().join("gone.mov"),
                Preset::Half,
                ProxyCodec::Mjpeg,
            ),
            record(&source, Preset::Draft, ProxyCodec::H264Intra),
            record(&source, Preset::Draft, ProxyCodec::Mjpeg),
        ];
        let orders = ProxyOrder::rebuild(&records);
        assert_eq!(orders.len(), 1);
        let wanted: Vec<_> = orders[0]
            .wanted
            .iter()
            .map(|it| it.presets.clone())
            .collect();
        assert_eq!(
            wanted,
            [vec![Preset::Draft], vec![Preset::Draft, Preset::Half]]
        );
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

//! Proxies for the media that play: found, verified and offered to their sessions in the background.
//!
//! Each medium that is opened gets a [`ProxySlot`], which all sessions of the same file share. Those that were found
//! right before are in it from the beginning. A job of the lowest priority looks for others, compares them, and puts the
//! good ones in the slot; the reasons against the others go there in words, and once to the log. Sessions look into the
//! slot between two packets, so nobody waits for that.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crossbeam_channel::bounded;
use parking_lot::Mutex;

use super::timeline::Alternate;
use crate::decode::{
    FileIdentity, IndexStore, Input, Interrupter, ProxyFile, ProxySlot, media_info,
};
use crate::jobs::{Job, JobContext, JobHandle, JobQueue, JobStop, Priority, QueueOptions};
use crate::media::{Size, StreamId, VideoStream, file_name};
use crate::proxy::{Candidate, ProxyFolder, ProxyRecord, VerifyError, VerifyOptions, find};
use crate::time::Clock;

/// What finding and verifying needs.
#[derive(Clone)]
struct Tools {
    folder: ProxyFolder,
    clock: Arc<dyn Clock>,
    indices: Option<Arc<dyn IndexStore>>,
    repair: Option<Repair>,
}

impl Tools {
    /// Those that were not used for long go first where room is made. What others made is left alone.
    fn mark_used(&self, candidate: &Candidate) {
        if let Candidate::Made(path) = candidate {
            self.folder.mark_used(path);
        }
    }
}

/// Told of the record of each proxy that was made here and is not what it should be.
pub type Repair = Arc<dyn Fn(&ProxyRecord) + Send + Sync>;

/// The medium that is looked after.
#[derive(Clone)]
struct Medium {
    path: PathBuf,
    file: FileIdentity,
    stream: StreamId,
    size: Size,
    /// Others that the timeline names for it.
    alternates: Vec<PathBuf>,
    refused: Refused,
    /// Called when its slot has changed.
    notify: Arc<dyn Fn() + Send + Sync>,
}

/// Files that were compared and refused, so that it is not done each time that a clip is opened again.
type Refused = Arc<Mutex<Vec<FileIdentity>>>;

/// How long the opening of a medium waits for the proxies of it that were verified before. On a disk that answers they
/// take some 10 ms each.
const PATIENCE: Duration = Duration::from_millis(500);

/// Media that are remembered. A timeline closes the sessions of clips that are past, and opens them again.
const MOST_KNOWN: usize = 64;

/// A medium that is known, and the work for it.
struct Known {
    file: FileIdentity,
    stream: StreamId,
    slot: Arc<ProxySlot>,
    refused: Refused,
    /// What was looked for the last time.
    medium: Option<Medium>,
    job: Option<JobHandle>,
}

impl Known {
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.slot) > 1
    }

    fn is_at_work(&self) -> bool {
        self.job.as_ref().is_some_and(|job| !job.state().is_over())
    }
}

/// Looks after the proxies of all media that play. Dropping it ends the work.
pub struct ProxyDesk {
    tools: Tools,
    queue: JobQueue,
    /// The one that was opened last is the last.
    known: Mutex<Vec<Known>>,
    /// What the open timeline names for its media.
    alternates: Mutex<Vec<Alternate>>,
    /// Jobs so far.
    jobs: AtomicU64,
}

impl ProxyDesk {
    /// A desk for the proxies in `folder` and beside the media.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        folder: ProxyFolder,
        clock: Arc<dyn Clock>,
        indices: Option<Arc<dyn IndexStore>>,
    ) -> io::Result<Self> {
        Ok(Self {
            tools: Tools {
                folder,
                clock,
                indices,
                repair: None,
            },
            queue: JobQueue::new(QueueOptions::default(), Arc::new(|_| {}))?,
            known: Mutex::default(),
            alternates: Mutex::default(),
            jobs: AtomicU64::new(0),
        })
    }

    /// The timeline that is open names these files for its media; those of another are forgotten. They are
    /// looked at like what lies beside a source, when it is opened.
    pub(super) fn set_alternates(&self, alternates: &[Alternate]) {
        *self.alternates.lock() = alternates.to_vec();
    }

    fn alternates_of(&self, path: &Path) -> Vec<PathBuf> {
        let all = self.alternates.lock();
        let own = all.iter().filter(|(source, _)| source == path);
        own.map(|(_, other)| other.clone()).collect()
    }

    /// The same desk, which tells `repair` of proxies that must be made again.
    #[must_use]
    pub fn with_repair(mut self, repair: Repair) -> Self {
        self.tools.repair = Some(repair);
        self
    }

    /// Looks for proxies of the file at `path` once more, if it plays: some were made meanwhile.
    pub fn look_again(&self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut all = self.known.lock();
        for known in all.iter_mut() {
            let Some(medium) = known.medium.clone().filter(|_| known.is_in_use()) else {
                continue;
            };
            let its_path = std::path::absolute(&medium.path).unwrap_or_default();
            if its_path == path {
                // One that is at work may have passed by already: this one comes after it.
                known.job = self.look_for(medium, &known.slot);
            }
        }
    }

    /// The slot of a stream of the file at `path`, which has this identity. What was verified before is in it; the
    /// rest comes by and by, and the `notify` of who asks first is called from another thread then.
    pub fn slot_of(
        &self,
        path: &Path,
        file: FileIdentity,
        stream: &VideoStream,
        notify: &Arc<dyn Fn() + Send + Sync>,
    ) -> Arc<ProxySlot> {
        let (slot, medium) = self.know(path, file, stream, notify);
        if let Some(medium) = medium {
            self.await_verified(&medium, &slot);
            let mut all = self.known.lock();
            let this = all.iter_mut().find(|it| Arc::ptr_eq(&it.slot, &slot));
            if let Some(this) = this.filter(|this| !this.is_at_work()) {
                this.job = self.look_for(medium, &slot);
            }
        }
        slot
    }

    /// Puts what was verified before in the slot. Where the folders do not answer soon, nobody waits for them.
    fn await_verified(&self, medium: &Medium, slot: &Arc<ProxySlot>) {
        let (tools, medium, slot) = (self.tools.clone(), medium.clone(), Arc::downgrade(slot));
        let (send, done) = bounded::<()>(1);
        let looks = move || {
            take_verified(&medium, &tools, &slot);
            drop(send);
        };
        let thread = std::thread::Builder::new().name("known proxies".to_owned());
        if thread.spawn(looks).is_ok() {
            // It says nothing: it ends.
            let _done = done.recv_timeout(PATIENCE);
        }
    }

    /// The slot of a medium, which is the last from now on, and what is to be looked for where nobody does so yet.
    fn know(
        &self,
        path: &Path,
        file: FileIdentity,
        stream: &VideoStream,
        notify: &Arc<dyn Fn() + Send + Sync>,
    ) -> (Arc<ProxySlot>, Option<Medium>) {
        let mut known = self.known.lock();
        let is_it = |known: &Known| (known.file, known.stream) == (file, stream.id);
        let place = known.iter().position(is_it);
        let mut this = place.map_or_else(
            || Known {
                file,
                stream: stream.id,
                slot: Arc::default(),
                refused: Refused::default(),
                medium: None,
                job: None,
            },
            |place| known.remove(place),
        );
        // Nobody waits for what is closed.
        for other in known.iter_mut().filter(|other| !other.is_in_use()) {
            if let Some(job) = other.job.take() {
                job.cancel();
            }
        }
        if known.len() >= MOST_KNOWN
            && let Some(oldest) = known.iter().position(|known| !known.is_in_use())
        {
            known.remove(oldest);
        }
        let slot = Arc::clone(&this.slot);
        // A single picture needs no proxy.
        let medium = (!this.is_at_work() && !stream.is_still).then(|| Medium {
            path: path.to_owned(),
            file,
            stream: stream.id,
            size: stream.size,
            alternates: self.alternates_of(path),
            refused: Arc::clone(&this.refused),
            notify: Arc::clone(notify),
        });
        if medium.is_some() {
            this.medium.clone_from(&medium);
        }
        known.push(this);
        (slot, medium)
    }

    fn look_for(&self, medium: Medium, slot: &Arc<ProxySlot>) -> Option<JobHandle> {
        let (tools, slot) = (self.tools.clone(), Arc::downgrade(slot));
        let name = medium.path.display().to_string();
        // One that was cancelled a moment ago is another job.
        let number = self.jobs.fetch_add(1, Ordering::Relaxed);
        let key = format!("proxies of {name}, {number}");
        let job = Job::new(key, move |context| fill(&medium, &tools, &slot, context));
        let job = self.queue.submit(job.priority(Priority::Low));
        job.inspect_err(|error| tracing::warn!("{name}: no proxies: {error}"))
            .ok()
    }
}

impl Medium {
    /// What may be its proxies, and which of them a timeline names.
    fn candidates(&self, folder: &ProxyFolder) -> impl Iterator<Item = (Candidate, bool)> {
        let found = find(&self.path, self.file, self.stream, folder);
        let is_found = |path: &PathBuf| found.iter().any(|known| known.path() == path);
        let named = self.alternates.iter().filter(|path| !is_found(path));
        let named: Vec<_> = named.cloned().map(Candidate::Sidecar).collect();
        let found = found.into_iter().map(|it| (it, false));
        found.chain(named.into_iter().map(|it| (it, true)))
    }
}

/// Puts in the slot what was verified before. Nothing is read but the beginnings of these files, for the opening of the
/// medium waits for it.
fn take_verified(medium: &Medium, tools: &Tools, slot: &Weak<ProxySlot>) {
    let Some(indices) = &tools.indices else {
        return;
    };
    for (candidate, is_named) in medium.candidates(&tools.folder) {
        let path = candidate.path();
        if has(slot, path) || !candidate.is_verified(medium.file, &tools.folder) {
            continue;
        }
        let file = ProxyFile::open_indexed(path, medium.size, &Interrupter::default(), indices);
        // What fails is looked at again by the job, which tells of it.
        if let Ok(Some(file)) = file
            && !(is_named && file.stream.size.area() > medium.size.area())
            // It may be another file by now.
            && candidate.is_verified(medium.file, &tools.folder)
            && let Some(slot) = slot.upgrade()
        {
            tracing::debug!("{}: verified before", path.display());
            tools.mark_used(&candidate);
            slot.offer(file);
        }
    }
}

/// Whether the slot has a proxy, or nobody waits for any. It is not held meanwhile: who looks after it sees by that
/// whether anybody does.
fn has(slot: &Weak<ProxySlot>, path: &Path) -> bool {
    slot.upgrade().is_none_or(|slot| slot.has(path))
}

/// Puts what can be used in the slot, as long as somebody has it.
fn fill(
    medium: &Medium,
    tools: &Tools,
    slot: &Weak<ProxySlot>,
    context: &JobContext,
) -> Result<(), JobStop> {
    let interrupter = Interrupter::from(context.cancel_flag());
    let options = VerifyOptions {
        // Playing goes first.
        threads: NonZeroUsize::MIN,
        clock: Arc::clone(&tools.clock),
        interrupter: interrupter.clone(),
        indices: tools.indices.clone(),
    };
    for (candidate, is_named) in medium.candidates(&tools.folder) {
        context.check()?;
        let file = FileIdentity::of_path(candidate.path()).ok();
        let is_refused = file.is_some_and(|file| medium.refused.lock().contains(&file));
        if is_refused || has(slot, candidate.path()) {
            continue;
        }
        // What a timeline names may be the source of the file that it uses. To see that it is opened.
        if is_named && is_larger(candidate.path(), medium.size, &interrupter) {
            continue;
        }
        let verdict = look_at(&candidate, medium, tools, &options);
        let Some(slot) = slot.upgrade() else {
            return Err(JobStop::Cancelled);
        };
        match verdict {
            Ok(file) => {
                tracing::info!("{}: verified", file.path.display());
                slot.offer(file);
            }
            Err(_) if interrupter.is_interrupted() => return Err(JobStop::Cancelled),
            Err(reason) => {
                medium.refused.lock().extend(file);
                let path = candidate.path();
                tracing::warn!("{}: not used: {reason}", path.display());
                let name = file_name(path);
                slot.refuse(&format!("{name}: not used: {reason}"));
                if let (Candidate::Made(path), Some(repair)) = (&candidate, &tools.repair)
                    && let Some(record) = ProxyRecord::read_beside(path)
                {
                    repair(&record);
                }
            }
        }
        (medium.notify)();
    }
    Ok(())
}

/// Whether the pictures of a file are larger than `size`. One that cannot be read is told of when it is compared.
fn is_larger(path: &Path, size: Size, interrupter: &Interrupter) -> bool {
    let input = Input::open_interruptible(path, interrupter);
    input.is_ok_and(|input| {
        let info = media_info(&input);
        let own = info.default_video().map(|stream| stream.size.area());
        own.is_some_and(|own| own > size.area())
    })
}

/// A file that may be decoded in the medium's place, or the reason why it may not.
fn look_at(
    candidate: &Candidate,
    medium: &Medium,
    tools: &Tools,
    options: &VerifyOptions,
) -> Result<ProxyFile, String> {
    let path = candidate.path();
    let before = FileIdentity::of_path(path).map_err(|error| error.to_string())?;
    match candidate.verify(&medium.path, &tools.folder, options) {
        Ok(_) => {}
        // It was verified all the same, and will be once more the next time.
        Err(error @ VerifyError::Note(..)) => tracing::warn!("{error}"),
        Err(VerifyError::Refused(_, refusal)) => return Err(refusal.to_string()),
        Err(error) => return Err(error.to_string()),
    }
    let indices = tools.indices.as_ref();
    let file = ProxyFile::open(path, medium.size, &options.interrupter, indices)
        .map_err(|error| error.to_string())?;
    let source = FileIdentity::of_path(&medium.path);
    if source.ok() != Some(medium.file) {
        return Err("the source has changed since it was opened".to_owned());
    }
    if file.identity != before {
        return Err("it changed while it was verified".to_owned());
    }
    tools.mark_used(candidate);
    Ok(file)
}

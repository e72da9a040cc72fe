//! What `proxy make` does, written into the list of jobs: so that others see how far it is and keep off it, and
//! go on where it was cut short.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::never;

use super::wire::FileJson;
use crate::jobs::kept::{Added, JobOrder, KeptError, KeptJob, KeptJobs, KeptStop, Renew};
use crate::jobs::{Priority, Progress};
use crate::proxy::{PROXY_KIND, ProxyFolder, ProxyOrder};
use crate::time::{Clock, Moment, RealClock};

/// Progress is written down this often.
const BEAT: Duration = Duration::from_secs(1);

/// How often it is looked whether another program is done.
const LOOK: Duration = Duration::from_millis(100);

/// The list of jobs, where there is one: proxies are made without, too.
pub(super) struct Book {
    jobs: Option<KeptJobs>,
    /// Keys of what nobody had ordered before.
    own: Vec<String>,
    clock: RealClock,
}

/// A file that is at work.
pub(super) struct Entry<'a> {
    book: &'a Book,
    /// `None` where nothing is written, or another program has it.
    job: Option<KeptJob>,
    begun: Moment,
    beaten: Cell<Moment>,
}

impl Book {
    /// Writes all `orders` down.
    pub(super) fn open(folder: &ProxyFolder, orders: &[ProxyOrder]) -> Self {
        let open = || {
            let jobs = folder.jobs()?;
            let there = orders.iter().filter(|order| order.file.is_some());
            let new: Vec<JobOrder> = there.map(|order| order.job(Priority::High)).collect();
            let added = jobs.add_all(&new, Renew::Always)?;
            let own = new.into_iter().zip(added).filter_map(|(job, added)| {
                matches!(added, Added::New | Added::Again).then_some(job.key)
            });
            Ok::<_, KeptError>((jobs, own.collect()))
        };
        // What makes a folder useless is told when proxies are written to it.
        let opened = open().inspect_err(|error| tracing::info!("{error}")).ok();
        let (jobs, own) = opened.unzip();
        Self {
            jobs,
            own: own.unwrap_or_default(),
            clock: RealClock::new(),
        }
    }

    /// Claims a file, after whoever is at it.
    pub(super) fn begin(&self, order: &ProxyOrder, stop: &AtomicBool) -> Entry<'_> {
        let claim = |jobs: &KeptJobs| {
            let claimed = wait_for_turn(jobs, &ProxyOrder::key_of(&order.source), stop);
            claimed.unwrap_or_else(|error| {
                tracing::info!("{error}");
                None
            })
        };
        let mut job = self.jobs.as_ref().and_then(claim);
        if let Some(job) = &mut job {
            // Others may have ordered more of the file. It waits once more, then.
            job.order.parameters = order.job(Priority::High).parameters;
        }
        let now = self.clock.now();
        Entry {
            book: self,
            job,
            begun: now,
            beaten: Cell::new(now),
        }
    }

    /// The person called it off: what is not made is not wanted, unless others wanted it before or are at it.
    pub(super) fn take_back(&self) {
        let Some(jobs) = &self.jobs else { return };
        for key in &self.own {
            if let Err(error) = jobs.withdraw(PROXY_KIND, key) {
                tracing::warn!("{error}");
            }
        }
    }
}

/// Claims a file as soon as no other program works on it; `None` where it is done by then, or the person calls it off.
fn wait_for_turn(
    jobs: &KeptJobs,
    key: &str,
    stop: &AtomicBool,
) -> Result<Option<KeptJob>, KeptError> {
    let mut is_told = false;
    loop {
        if let Some(job) = jobs.claim_one(PROXY_KIND, key)? {
            return Ok(Some(job));
        }
        let is_over = |job: KeptJob| job.state.is_over();
        if jobs.find(PROXY_KIND, key)?.is_none_or(is_over) || stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        if !is_told {
            tracing::warn!("{key}: another program makes its proxies, which is waited for.");
            is_told = true;
        }
        let _timed_out = never::<()>().recv_timeout(LOOK);
    }
}

impl Entry<'_> {
    fn job(&self) -> Option<(&KeptJobs, &KeptJob)> {
        self.book.jobs.as_ref().zip(self.job.as_ref())
    }

    /// Writes down how far it is, now and then.
    pub(super) fn beat(&self, progress: Progress) {
        let now = self.book.clock.now();
        let Some((jobs, job)) = self.job() else {
            return;
        };
        if now.since(self.beaten.get()) < BEAT {
            return;
        }
        self.beaten.set(now);
        if let Err(error) = jobs.beat(job.id, progress, now.since(self.begun)) {
            tracing::debug!("{error}");
        }
    }

    /// Lets others go on with it.
    pub(super) fn give_back(&self) {
        let Some((jobs, job)) = self.job() else {
            return;
        };
        if let Err(error) = jobs.give_back(job) {
            tracing::warn!("{error}");
        }
    }

    /// Writes down what came of it.
    pub(super) fn end(&self, made: &FileJson, is_good: bool) {
        let Some((jobs, job)) = self.job() else {
            return;
        };
        let outcome = if is_good {
            Ok(())
        } else {
            let refused = made.proxies.iter().find_map(|proxy| {
                let verification = proxy.verification.as_ref()?;
                Some(format!("{}: {}", proxy.proxy, verification.in_short()))
            });
            let reason = made.error.clone().or(refused);
            Err(KeptStop::Never(reason.unwrap_or_default()))
        };
        if let Err(error) = jobs.finish(job, &outcome) {
            tracing::warn!("{error}");
        }
    }
}

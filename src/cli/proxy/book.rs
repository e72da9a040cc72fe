//! What `proxy make` does, written into the list of jobs: so that others see how far it is and keep off it, and
//! go on where it was cut short.

use std::cell::Cell;
use std::time::Duration;

use super::wire::FileJson;
use crate::jobs::kept::{Choice, KeptError, KeptJob, KeptJobs, KeptStop, Renew};
use crate::jobs::{Priority, Progress};
use crate::proxy::{PROXY_KIND, ProxyFolder, ProxyOrder};
use crate::time::{Clock, Moment, RealClock};

/// Progress is written down this often.
const BEAT: Duration = Duration::from_secs(1);

/// The list of jobs, where there is one: proxies are made without, too.
pub(super) struct Book {
    jobs: Option<KeptJobs>,
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
            let jobs = KeptJobs::open(&folder.jobs_folder())?;
            for order in orders.iter().filter(|order| order.file.is_some()) {
                jobs.add(&order.job(Priority::High), Renew::Always)?;
            }
            Ok::<_, KeptError>(jobs)
        };
        Self {
            // What makes a folder useless is told when proxies are written to it.
            jobs: open().inspect_err(|error| tracing::info!("{error}")).ok(),
            clock: RealClock::new(),
        }
    }

    /// Claims a file.
    pub(super) fn begin(&self, order: &ProxyOrder) -> Entry<'_> {
        let now = self.clock.now();
        let key = ProxyOrder::key_of(&order.source);
        let claim = |jobs: &KeptJobs| jobs.claim_one(PROXY_KIND, &key).ok().flatten();
        Entry {
            book: self,
            job: self.jobs.as_ref().and_then(claim),
            begun: now,
            beaten: Cell::new(now),
        }
    }

    /// The person called it off: what is not made is not wanted.
    pub(super) fn take_back(&self, orders: &[ProxyOrder]) {
        let Some(jobs) = &self.jobs else { return };
        for order in orders {
            let key = ProxyOrder::key_of(&order.source);
            if let Err(error) = jobs.cancel(Choice::One(PROXY_KIND, &key)) {
                tracing::warn!("{error}");
            }
        }
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

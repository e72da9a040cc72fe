//! Proxies made while something plays: whether they are worth it, and how that is told.
//!
//! Orders go into the list of jobs of the proxy folder, and a [`KeeperThread`] of this process works them off
//! when the machine has time for it. There is no thread until something is open, and the list is not made before
//! something is ordered. Files are looked at on that thread. When proxies are ready, the [`ProxyDesk`] looks for
//! them, and the sessions that play take them up.

mod worth;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use self::worth::{Trouble, files_of};
use crate::cache::ProductStore;
use crate::cache::disk::DiskCache;
use crate::decode::IndexStore;
use crate::jobs::kept::{
    JobOrder, Keeper, KeeperOptions, KeeperThread, KeptError, KeptNews, KeptStop, MOST_ATTEMPTS,
    Maker, Renew, Turn,
};
use crate::jobs::{MachineProbe, Priority, Stance};
use crate::media::file_name;
use crate::memory::Ledger;
use crate::playback::{PlaybackStatus, PowerProbe, ProxyDesk, Severity, Snapshot, SystemPower};
use crate::proxy::{
    PROXY_KIND, Preset, ProxyCodec, ProxyFolder, ProxyMaker, ProxyOrder, ProxyRecord,
};
use crate::time::{Clock, Moment};

/// When proxies are made of what plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MakeProxies {
    /// Of files above Full HD that cannot be played at their rate, unless the machine runs on its battery; and
    /// when asked for.
    Auto,
    /// When asked for; it is told when they would help.
    Ask,
    /// Not at all.
    #[default]
    Never,
}

/// When nothing has played for this long, nobody minds a busy machine.
const REST: Duration = Duration::from_secs(10);

/// How often it is looked at how playing goes.
const LOOK_NANOS: i64 = 100_000_000;

/// What the keeper's thread has to tell.
#[derive(Default)]
struct News {
    words: Vec<(Severity, String)>,
    /// What is at work now, in a few words.
    line: String,
    /// What was wrong with the list of jobs, as it was told last.
    problem: Option<String>,
}

/// Orders proxies of what plays, and follows how they are made. Owned by the presenting thread.
pub(super) struct ProxyMaking {
    when: MakeProxies,
    maker: ProxyMaker,
    desk: Arc<ProxyDesk>,
    wake: Arc<dyn Fn() + Send + Sync>,
    news: Arc<Mutex<News>>,
    /// Proxies that were refused while something plays.
    refused: Refused,
    thread: Option<KeeperThread>,
    /// Whether this program has looked whether something was left to do.
    has_looked: bool,
    trouble: Trouble,
    next_look: Moment,
    resting_since: Option<Moment>,
    /// Frames that were late, and looks at a ring that was nearly empty.
    disturbed: u64,
    lost: u64,
}

/// Records of proxies to be made again.
pub(super) type Refused = Arc<Mutex<Vec<ProxyRecord>>>;

/// What the making needs from the player.
pub(super) struct Parts {
    pub(super) folder: ProxyFolder,
    pub(super) desk: Arc<ProxyDesk>,
    pub(super) refused: Refused,
    pub(super) around: Surroundings,
}

/// What finding and making proxies need of the player.
pub(super) struct Surroundings {
    pub(super) clock: Arc<dyn Clock>,
    /// Where indices, thumbnails and waveforms are kept.
    pub(super) disk: Option<Arc<DiskCache>>,
    pub(super) ledger: Ledger,
    pub(super) wake: Arc<dyn Fn() + Send + Sync>,
}

impl Surroundings {
    pub(super) fn indices(&self) -> Option<Arc<dyn IndexStore>> {
        let disk = self.disk.clone();
        disk.map(|disk| -> Arc<dyn IndexStore> { disk })
    }

    fn products(&self) -> Option<Arc<dyn ProductStore>> {
        let disk = self.disk.clone();
        disk.map(|disk| -> Arc<dyn ProductStore> { disk })
    }
}

impl ProxyMaking {
    /// `None` where nothing is ever made.
    pub(super) fn new(when: MakeProxies, parts: Parts) -> Option<Self> {
        if when == MakeProxies::Never {
            return None;
        }
        Some(Self {
            when,
            maker: ProxyMaker {
                folder: parts.folder,
                options: KeeperOptions::default(),
                indices: parts.around.indices(),
                products: parts.around.products(),
                ledger: Some(parts.around.ledger),
                clock: parts.around.clock,
            },
            desk: parts.desk,
            wake: parts.around.wake,
            news: Arc::default(),
            refused: parts.refused,
            thread: None,
            has_looked: false,
            trouble: Trouble::default(),
            next_look: Moment::ZERO,
            resting_since: None,
            disturbed: 0,
            lost: 0,
        })
    }

    /// Whether it is time to call [`follow`](Self::follow).
    pub(super) fn is_due(&self, now: Moment) -> bool {
        // What another thread tells has woken the loop, and nothing else may for long.
        now >= self.next_look || !self.news.lock().words.is_empty()
    }

    /// Looks at how playing goes: `lost` frames were late or dropped so far. Answers what is to be told.
    pub(super) fn follow(
        &mut self,
        now: Moment,
        snapshot: &Snapshot,
        lost: u64,
    ) -> Vec<(Severity, String)> {
        self.next_look = now.offset_nanos(LOOK_NANOS);
        let stance = self.stance(now, snapshot);
        if snapshot.is_running() {
            self.disturbed += lost.saturating_sub(self.lost);
        }
        self.lost = lost;
        if snapshot.is_ring_low() {
            self.disturbed += 1;
        }
        // What earlier runs of the program left is gone on with, once something plays.
        if !self.has_looked && snapshot.media.is_some() {
            self.has_looked = true;
            self.start(stance);
        }
        let refused = std::mem::take(&mut *self.refused.lock());
        if !refused.is_empty() {
            let find = move || jobs_of(&ProxyOrder::rebuild(&refused));
            self.order(find, Renew::IfDone);
        }
        let mut told = self.judge(snapshot, lost);
        if let Some(thread) = &self.thread {
            thread.tell(stance, self.disturbed);
        }
        told.append(&mut self.news.lock().words);
        told
    }

    /// What is being made, in a few words; empty while nothing is.
    pub(super) fn line(&self) -> String {
        self.news.lock().line.clone()
    }

    /// Orders proxies of what is open, of one size or those that fit it. Answers what is to be told at once; the rest is news later.
    pub(super) fn ask(
        &mut self,
        snapshot: &Snapshot,
        preset: Option<Preset>,
    ) -> Option<(Severity, String)> {
        let Some(media) = &snapshot.media else {
            let words = "There is nothing to make proxies of.";
            return Some((Severity::Info, words.to_owned()));
        };
        let files = files_of(media, snapshot.position);
        let keys = files.iter().map(|file| ProxyOrder::key_of(file)).collect();
        let tell = self.teller();
        let find = move || {
            // Numbered pictures are no file.
            let files: Vec<PathBuf> = files.into_iter().filter(|file| file.is_file()).collect();
            tell(match files.as_slice() {
                [] => "There is nothing here that proxies are made of.".to_owned(),
                [file] => format!("Proxies of {} are made in the background.", file_name(file)),
                files => format!(
                    "Proxies of {} files are made in the background.",
                    files.len()
                ),
            });
            let codec = ProxyCodec::best_available();
            let orders: Vec<_> = files
                .iter()
                .map(|file| match preset {
                    Some(preset) => ProxyOrder::new(file, vec![preset], codec),
                    None => ProxyOrder::fitting(file, codec),
                })
                .collect();
            jobs_of(&orders)
        };
        self.order(find, Renew::Always);
        if let Some(thread) = &self.thread {
            thread.aim(PROXY_KIND, keys);
        }
        None
    }

    /// Tells a person something from another thread.
    fn teller(&self) -> impl Fn(String) + Send + use<> {
        let (news, wake) = (Arc::clone(&self.news), Arc::clone(&self.wake));
        move |words| {
            news.lock().words.push((Severity::Info, words));
            wake();
        }
    }

    fn stance(&mut self, now: Moment, snapshot: &Snapshot) -> Stance {
        if snapshot.is_running() || snapshot.scrubbing || snapshot.status == PlaybackStatus::Opening
        {
            self.resting_since = None;
            return Stance::Playing;
        }
        let since = *self.resting_since.get_or_insert(now);
        if now.since(since) >= REST {
            Stance::Idle
        } else {
            Stance::Open
        }
    }

    /// Orders proxies of what has shown that it is too much, or says that they would help; once for each medium.
    fn judge(&mut self, snapshot: &Snapshot, lost: u64) -> Vec<(Severity, String)> {
        let Some(media) = &snapshot.media else {
            return Vec::new();
        };
        if !self.trouble.is_news(media, snapshot, lost) || snapshot.has_proxies {
            return Vec::new();
        }
        let path = media.info.path.clone();
        let name = file_name(&path);
        let words = format!(
            "{name} cannot be played at its rate here. Proxies would help: Shift+U makes them."
        );
        match self.when {
            MakeProxies::Auto => {
                let tell = self.teller();
                let find = move || {
                    if SystemPower::default().is_on_battery() {
                        tell(words);
                        return Vec::new();
                    }
                    let codec = ProxyCodec::best_available();
                    jobs_of(&[ProxyOrder::fitting(&path, codec)])
                };
                // Those that were removed to make room are made again.
                self.order(find, Renew::IfDone);
                Vec::new()
            }
            MakeProxies::Ask => vec![(Severity::Info, words)],
            MakeProxies::Never => Vec::new(),
        }
    }

    /// Orders what `find` finds on the keeper's thread, which may look at files.
    fn order(&mut self, find: impl FnOnce() -> Vec<JobOrder> + Send + 'static, renew: Renew) {
        self.start(Stance::Open);
        if let Some(thread) = &self.thread {
            thread.order(find, renew);
        }
    }

    fn start(&mut self, stance: Stance) {
        if self.thread.is_some() {
            return;
        }
        let maker = self.maker.clone();
        let keeper = move |has_orders| {
            let jobs = if has_orders {
                Some(maker.folder.jobs()?)
            } else {
                maker.folder.existing_jobs()?
            };
            let Some(jobs) = jobs.map(Arc::new) else {
                return Ok(None);
            };
            let clock = Arc::clone(&maker.clock);
            let makers: Vec<Arc<dyn Maker>> = vec![Arc::new(maker.clone())];
            let probe = Box::new(MachineProbe::new());
            Keeper::new(jobs, makers, clock, probe, maker.options).map(Some)
        };
        let (news, desk, wake) = (
            Arc::clone(&self.news),
            Arc::clone(&self.desk),
            Arc::clone(&self.wake),
        );
        let on_turn = move |turn: &Turn| {
            for ended in &turn.news {
                if ended.outcome.is_ok() {
                    desk.look_again(Path::new(&ended.job.order.key));
                }
            }
            let mut news = news.lock();
            let words = turn.news.iter().filter_map(words_of);
            news.words.extend(words);
            let has_problem = turn.error.as_ref().is_some_and(|error| news.warn(error));
            let line = line_of(turn);
            if !turn.news.is_empty() || has_problem || line != news.line {
                news.line = line;
                drop(news);
                wake();
            }
        };
        match KeeperThread::start(keeper, stance, on_turn) {
            Ok(thread) => self.thread = Some(thread),
            // It is tried again with the next order.
            Err(error) => {
                self.news.lock().warn(&KeptError::Thread(error));
            }
        }
    }
}

impl News {
    /// Tells what is wrong, unless it was told last. Answers whether it is news.
    fn warn(&mut self, error: &KeptError) -> bool {
        let words = format!("No proxies are made in the background: {error}");
        if self.problem.as_ref() == Some(&words) {
            return false;
        }
        tracing::warn!("{words}");
        self.problem = Some(words.clone());
        self.words.push((Severity::Warning, words));
        true
    }
}

fn jobs_of(orders: &[ProxyOrder]) -> Vec<JobOrder> {
    let jobs = orders.iter().map(|order| order.job(Priority::High));
    jobs.collect()
}

/// What a person is told of the end of a job.
fn words_of(ended: &KeptNews) -> Option<(Severity, String)> {
    let name = file_name(Path::new(&ended.job.order.key));
    match &ended.outcome {
        Ok(()) => Some((Severity::Info, format!("Proxies of {name} are ready."))),
        Err(KeptStop::Never(reason)) => {
            Some((Severity::Warning, format!("No proxies of {name}: {reason}")))
        }
        Err(KeptStop::Later(reason)) if ended.job.attempts >= MOST_ATTEMPTS => {
            Some((Severity::Warning, format!("No proxies of {name}: {reason}")))
        }
        // It is tried again.
        Err(KeptStop::Later(_) | KeptStop::NotNow(_) | KeptStop::Cancelled) => None,
    }
}

/// What is at work, in a few words.
fn line_of(turn: &Turn) -> String {
    let Some(job) = turn.running.first() else {
        return String::new();
    };
    let mut line = format!("proxies of {}", file_name(Path::new(&job.order.key)));
    let (done, total) = (u64::from(job.progress.done), u64::from(job.progress.total));
    if let Some(percent) = (done * 100).checked_div(total) {
        line = format!("{line}, {percent} %");
    }
    if turn.is_paused {
        line.push_str(", held");
    } else if let Some(held) = turn.held {
        line = format!("{line}, held: {held}");
    } else if let Some(left) = job.left() {
        let seconds = left.as_secs();
        line = format!("{line}, {}:{:02} left", seconds / 60, seconds % 60);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::kept::{JobOrder, KeptJob, KeptState};
    use crate::jobs::{Held, Priority, Progress};

    fn job() -> KeptJob {
        KeptJob {
            id: 1,
            order: JobOrder {
                kind: PROXY_KIND.to_owned(),
                key: "/rushes/clip.mov".to_owned(),
                parameters: String::new(),
                priority: Priority::High,
                rank: 0,
            },
            state: KeptState::Running,
            attempts: 1,
            reason: None,
            progress: Progress {
                done: 30,
                total: 120,
            },
            worked: Duration::from_secs(30),
            not_before_millis: 0,
            changed_millis: 0,
        }
    }

    #[test]
    fn what_is_at_work_is_told_with_the_time_left_or_why_it_is_held() {
        assert_eq!(line_of(&Turn::default()), "");
        let running = Turn {
            running: vec![job()],
            ..Turn::default()
        };
        assert_eq!(line_of(&running), "proxies of clip.mov, 25 %, 1:30 left");
        let held = Turn {
            held: Some(Held::LateFrames),
            ..running
        };
        assert_eq!(
            line_of(&held),
            "proxies of clip.mov, 25 %, held: frames came late while it played"
        );
    }

    #[test]
    fn what_is_wrong_with_the_list_is_told_once() {
        let mut news = News::default();
        assert!(news.warn(&KeptError::Busy));
        assert!(!news.warn(&KeptError::Busy));
        assert!(news.warn(&KeptError::Newer));
        assert_eq!(news.words.len(), 2);
        assert!(
            news.words
                .iter()
                .all(|(severity, _)| *severity == Severity::Warning)
        );
    }

    #[test]
    fn ends_are_told_when_they_are_ends() {
        let words = |outcome, attempts| {
            let job = KeptJob { attempts, ..job() };
            words_of(&KeptNews { job, outcome }).map(|(_, words)| words)
        };
        assert_eq!(
            words(Ok(()), 1).as_deref(),
            Some("Proxies of clip.mov are ready.")
        );
        let later = || Err(KeptStop::Later("the disk is full".to_owned()));
        assert_eq!(words(later(), 1), None);
        assert!(words(later(), MOST_ATTEMPTS).unwrap().contains("full"));
        assert!(words(Err(KeptStop::Never("no".to_owned())), 1).is_some());
        assert_eq!(words(Err(KeptStop::Cancelled), 1), None);
    }
}

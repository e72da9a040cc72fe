//! Proxies in the place of the source, and back.
//!
//! Whoever verifies proxies puts them in the session's [`ProxySlot`]; whoever watches over quality says
//! which [`Rung`] is to be decoded. The session's thread looks at both between two packets. Frame n of a
//! proxy is frame n of its source, so a change takes effect at the next frame of the plan: the decoder
//! that was in use stays where it is, the other one is brought to that frame.
//!
//! Numbers and times are the source's throughout; a proxy has an index of its own only to be searched
//! with. What it decodes is not kept: of a proxy each frame is a keyframe, and decoding it anew costs less
//! than the room that it would take from the source's frames.
//!
//! A proxy that fails is given up for good, and the frame that was due is decoded from the source.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::worker::{Work, Worker};
use crate::decode::index::GopIndex;
use crate::decode::index_reader::kept_or_read_index;
use crate::decode::input::{Input, OpenError, ReadError};
use crate::decode::keeper::IndexStore;
use crate::decode::probe::media_info;
use crate::decode::rung::Rung;
use crate::decode::source_file::{FileIdentity, Interrupter};
use crate::decode::video_reader::{DecodeError, VideoReader};
use crate::media::{Size, VideoStream, file_name};
use crate::time::FrameIndex;

/// Refusals that are remembered at most: a folder may hold any number of files that are no proxies.
const MOST_REFUSALS: usize = 8;

/// A proxy that was verified, ready to be decoded in its source's place.
#[derive(Debug)]
pub struct ProxyFile {
    /// [`Rung::Half`] or [`Rung::Quarter`].
    pub rung: Rung,
    /// Where it is.
    pub path: PathBuf,
    /// What it was when it was verified: another file of this name is not used.
    pub identity: FileIdentity,
    /// Its pictures.
    pub stream: VideoStream,
    /// Its frames, all of them.
    pub index: Arc<GopIndex>,
    /// How many times as many pixels it has as its rung says, or the other way round.
    misfit: f64,
    /// With a shared lock, by which those who make room see that it is in use; `None` where there are no locks.
    _held: Option<File>,
}

impl ProxyFile {
    /// Reads what must be known to decode `path` in the place of a source of this size. Its index comes from
    /// `indices` where it is kept there.
    ///
    /// # Errors
    /// When it cannot be read, or has no pictures.
    pub fn open(
        path: &Path,
        source: Size,
        interrupter: &Interrupter,
        indices: Option<&Arc<dyn IndexStore>>,
    ) -> Result<Self, DecodeError> {
        let (mut input, stream) = open_video(path, interrupter)?;
        let index = kept_or_read_index(&mut input, &stream, indices)?;
        Ok(Self::new(path, source, (&input, stream), index))
    }

    /// The same where its index is kept, so that nothing of it must be read through.
    ///
    /// # Errors
    /// When it cannot be read, or has no pictures.
    pub fn open_indexed(
        path: &Path,
        source: Size,
        interrupter: &Interrupter,
        indices: &Arc<dyn IndexStore>,
    ) -> Result<Option<Self>, DecodeError> {
        let (input, stream) = open_video(path, interrupter)?;
        let index = indices.load(&input.file_identity(), &stream);
        Ok(index.map(|index| Self::new(path, source, (&input, stream), index)))
    }

    fn new(
        path: &Path,
        source: Size,
        (input, stream): (&Input, VideoStream),
        index: Arc<GopIndex>,
    ) -> Self {
        let (rung, misfit) = rung_by_pixels(source, stream.size);
        Self {
            rung,
            misfit,
            path: path.to_owned(),
            identity: input.file_identity(),
            stream,
            index,
            _held: File::open(path)
                .ok()
                .filter(|file| file.try_lock_shared().is_ok()),
        }
    }
}

fn open_video(path: &Path, interrupter: &Interrupter) -> Result<(Input, VideoStream), DecodeError> {
    let input = Input::open_interruptible(path, interrupter)?;
    let stream = media_info(&input).default_video().cloned();
    let stream = stream.ok_or_else(|| {
        let name = path.display().to_string();
        OpenError::NothingToPlay(name, "it has no pictures".to_owned())
    })?;
    Ok((input, stream))
}

/// The rung of a proxy by its pixels, and how far it is from what the rung says. The border lies where a
/// picture is as many times smaller than a half as it is larger than a quarter. A copy of the source's own
/// size is a half: what it saves is time.
fn rung_by_pixels(source: Size, proxy: Size) -> (Rung, f64) {
    let part = proxy.area() as f64 / source.area().max(1) as f64;
    let (rung, wanted) = if proxy.area() * 8 >= source.area() {
        (Rung::Half, 1.0 / 4.0)
    } else {
        (Rung::Quarter, 1.0 / 16.0)
    };
    (rung, (part / wanted).max(wanted / part))
}

/// The proxies of one source, as they are found and verified, and why others are not used. All sessions
/// of the source share one.
#[derive(Debug, Default)]
pub struct ProxySlot {
    /// One of a rung at most, the better rung first.
    files: ArcSwap<Vec<Arc<ProxyFile>>>,
    refusals: ArcSwap<Vec<Arc<str>>>,
    /// What failed while it was decoded: it is not taken up again as it is.
    withdrawn: ArcSwap<Vec<FileIdentity>>,
    /// Counts the changes of `files`.
    revision: AtomicU64,
}

impl ProxySlot {
    /// Offers a verified proxy. It takes the place of another one of its rung that fits less well.
    pub fn offer(&self, file: ProxyFile) {
        if self.withdrawn.load().contains(&file.identity) {
            return;
        }
        let file = Arc::new(file);
        self.files.rcu(|files| {
            let is_it = |other: &&Arc<ProxyFile>| {
                (&other.path, other.identity) == (&file.path, file.identity)
            };
            // Sessions that have it open go on with it.
            if files.iter().any(|other| is_it(&other)) {
                return Vec::clone(files);
            }
            // What the file was before is no more.
            let others = files.iter().filter(|other| other.path != file.path);
            let fits_better =
                |other: &&Arc<ProxyFile>| other.rung == file.rung && other.misfit <= file.misfit;
            if others.clone().any(|other| fits_better(&other)) {
                return others.cloned().collect();
            }
            let others = others.filter(|other| other.rung != file.rung);
            let mut files: Vec<_> = others.chain([&file]).cloned().collect();
            files.sort_by_key(|file| file.rung);
            files
        });
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// Another number whenever there are other proxies.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Notes why a file is not used, in a sentence that names it.
    pub fn refuse(&self, reason: &str) {
        self.refusals.rcu(|reasons| {
            let mut reasons = Vec::clone(reasons);
            let is_known = reasons.iter().any(|known| &**known == reason);
            if !is_known && reasons.len() < MOST_REFUSALS {
                reasons.push(reason.into());
            }
            reasons
        });
    }

    /// Why files are not used, the oldest first.
    pub fn refusals(&self) -> Arc<Vec<Arc<str>>> {
        self.refusals.load_full()
    }

    /// Whether this file, as it is now, is among the proxies.
    pub fn has(&self, path: &Path) -> bool {
        let files = self.files.load();
        let known = files.iter().find(|file| file.path == path);
        let now = FileIdentity::of_path(path).ok();
        known.is_some_and(|known| Some(known.identity) == now)
    }

    /// The rungs that there are proxies for, the best first.
    pub fn rungs(&self) -> Vec<Rung> {
        self.files.load().iter().map(|file| file.rung).collect()
    }

    /// The same with the sizes of their pictures.
    pub fn sizes(&self) -> Vec<(Rung, Size)> {
        let files = self.files.load();
        let sizes = files.iter().map(|file| (file.rung, file.stream.size));
        sizes.collect()
    }

    /// The proxy that is decoded when `rung` is asked for: the other one where there is none of that rung,
    /// and `None` where it is the source that is asked for.
    pub fn serving(&self, rung: Rung) -> Option<Arc<ProxyFile>> {
        let files = self.files.load();
        match rung {
            Rung::Half => files.first().cloned(),
            Rung::Quarter => files.last().cloned(),
            Rung::Source | Rung::Thinned | Rung::Keyframes => None,
        }
    }

    /// Gives up a proxy that failed.
    fn withdraw(&self, file: &Arc<ProxyFile>, reason: &str) {
        self.files.rcu(|files| {
            let mut files = Vec::clone(files);
            files.retain(|other| !Arc::ptr_eq(other, file));
            files
        });
        self.withdrawn.rcu(|withdrawn| {
            let mut withdrawn = Vec::clone(withdrawn);
            withdrawn.push(file.identity);
            withdrawn
        });
        self.revision.fetch_add(1, Ordering::Release);
        self.refuse(reason);
    }

    fn holds(&self, file: &Arc<ProxyFile>) -> bool {
        let files = self.files.load();
        files.iter().any(|other| Arc::ptr_eq(other, file))
    }
}

/// A rung that threads share.
#[derive(Debug)]
pub struct SharedRung(AtomicU8);

impl SharedRung {
    /// Says that it is `rung` from now on. Answers whether it was another.
    pub fn set(&self, rung: Rung) -> bool {
        self.0.swap(rung as u8, Ordering::AcqRel) != rung as u8
    }

    /// Which it is.
    pub fn get(&self) -> Rung {
        let place = usize::from(self.0.load(Ordering::Acquire));
        Rung::ALL.get(place).copied().unwrap_or(Rung::Source)
    }
}

impl Default for SharedRung {
    fn default() -> Self {
        Self(AtomicU8::new(Rung::Source as u8))
    }
}

/// A decoder that is not in use, and where it stands.
struct Parked {
    /// The proxy that it decodes; `None` for the source.
    file: Option<Arc<ProxyFile>>,
    reader: VideoReader,
    source: u64,
    next_decoded: Option<FrameIndex>,
    counts_from_start: bool,
    decoded_end: Option<FrameIndex>,
    valid_from: FrameIndex,
}

/// What the session knows of proxies.
#[derive(Default)]
pub(super) struct Rungs {
    /// The proxy that is decoded; `None` while that is the source.
    now: Option<Arc<ProxyFile>>,
    /// At most one for the source and one for each proxy.
    parked: Vec<Parked>,
}

impl Worker {
    /// Whether a proxy is decoded, not the source.
    pub(super) fn is_on_proxy(&self) -> bool {
        self.rungs.now.is_some()
    }

    /// The rung of the proxy that is decoded.
    pub(super) fn proxy_rung(&self) -> Option<Rung> {
        self.rungs.now.as_ref().map(|file| file.rung)
    }

    /// The index of the file that is decoded: to search it, and to number what comes out of its decoder.
    pub(super) fn places(&self, index: &Arc<GopIndex>) -> Arc<GopIndex> {
        let of_proxy = self.rungs.now.as_ref().map(|file| &file.index);
        Arc::clone(of_proxy.unwrap_or(index))
    }

    /// Of frames of a proxy: the size of the source's.
    pub(super) fn stands_for(&self) -> Option<Size> {
        let source = self.rungs.parked.iter().find(|p| p.file.is_none())?;
        Some(source.reader.stream().size)
    }

    /// Sees to it that what is asked for is decoded from the next frame on, as far as it is there.
    pub(super) fn follow_rung(&mut self) {
        let Some(slot) = &self.options.proxies else {
            return;
        };
        let serving = slot.serving(self.shared.asked_rung.get());
        let is_same = match (&serving, &self.rungs.now) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        if is_same {
            return;
        }
        let Some(file) = serving else {
            return self.return_to_source();
        };
        let index = self.shared.index.load();
        if !index.is_complete() {
            return;
        }
        if index.len() == file.index.len() {
            drop(index);
            match self.change_to(&file) {
                Err(error) if !is_called_off(&error) => self.refuse_proxy(&file, &error),
                _ => {}
            }
        } else {
            let (own, its) = (index.len(), file.index.len());
            drop(index);
            let error = format!("it has {its} frames, and the source {own}");
            self.refuse_proxy(&file, &error);
        }
    }

    /// A decoder of `file` takes the place of the one that is in use.
    fn change_to(&mut self, file: &Arc<ProxyFile>) -> Result<(), DecodeError> {
        puffin::profile_scope!("change to proxy");
        let is_it = |parked: &Parked| parked.file.as_ref().is_some_and(|f| Arc::ptr_eq(f, file));
        let known = self.rungs.parked.iter().position(is_it);
        let parked = match known {
            Some(place) => self.rungs.parked.swap_remove(place),
            None => self.open_proxy(file)?,
        };
        self.change_places(parked);
        Ok(())
    }

    fn open_proxy(&self, file: &Arc<ProxyFile>) -> Result<Parked, DecodeError> {
        let interrupter = self.reader.input().interrupter();
        let input = Input::open_interruptible(&file.path, &interrupter)?;
        if input.file_identity() != file.identity {
            let name = file.path.display().to_string();
            let reason = "it has changed since it was verified".to_owned();
            return Err(OpenError::NothingToPlay(name, reason).into());
        }
        let options = self.options.reader(interrupter);
        let source = file.identity.source_of(file.stream.id);
        Ok(Parked {
            file: Some(Arc::clone(file)),
            reader: VideoReader::new(input, file.stream.clone(), options)?,
            source,
            next_decoded: Some(FrameIndex::ZERO),
            counts_from_start: true,
            decoded_end: None,
            valid_from: FrameIndex::ZERO,
        })
    }

    fn return_to_source(&mut self) {
        let source = self.rungs.parked.iter().position(|p| p.file.is_none());
        if let Some(place) = source {
            let parked = self.rungs.parked.swap_remove(place);
            self.change_places(parked);
        }
    }

    /// The decoder that is in use is parked, and `next` goes on in its place with the next frame of the
    /// plan. What waits in the ring stays there.
    fn change_places(&mut self, mut next: Parked) {
        // Their pictures would only lie there while a proxy is decoded.
        self.stands.clear();
        self.spare = None;
        std::mem::swap(&mut next.file, &mut self.rungs.now);
        std::mem::swap(&mut next.reader, &mut self.reader);
        std::mem::swap(&mut next.source, &mut self.source);
        std::mem::swap(&mut next.next_decoded, &mut self.next_decoded);
        std::mem::swap(&mut next.counts_from_start, &mut self.counts_from_start);
        std::mem::swap(&mut next.decoded_end, &mut self.decoded_end);
        std::mem::swap(&mut next.valid_from, self.valid_from_mut());
        self.rungs.parked.push(next);
        if let Some(slot) = &self.options.proxies {
            let is_of_use = |file: &Arc<ProxyFile>| slot.holds(file);
            let parked = &mut self.rungs.parked;
            parked.retain(|parked| parked.file.as_ref().is_none_or(is_of_use));
        }
        // What was decoded for later came from the other decoder, whose place it describes.
        self.lookahead = None;
        self.reverse = super::reverse::Reverse::default();
        self.forget_left_out();
        self.leave_errands();
        self.tell_rung();
    }

    /// Goes on with the source where it is a proxy that failed; gives back the error where it is not.
    pub(super) fn leave_failed_proxy(&mut self, error: DecodeError) -> Result<Work, DecodeError> {
        if is_called_off(&error) || !self.give_up_proxy(&error) {
            return Err(error);
        }
        Ok(Work::Go)
    }

    /// Whether frame `number` is missing only in a proxy: then that is given up, and the source, which may
    /// have it, is next.
    pub(super) fn lacks_only_in_proxy(&mut self, number: FrameIndex) -> bool {
        self.is_on_proxy() && self.give_up_proxy(&format!("its frame {number} cannot be decoded"))
    }

    fn give_up_proxy(&mut self, reason: &dyn fmt::Display) -> bool {
        let Some(file) = self.rungs.now.clone() else {
            return false;
        };
        self.refuse_proxy(&file, reason);
        self.return_to_source();
        true
    }

    fn refuse_proxy(&self, file: &Arc<ProxyFile>, reason: &dyn fmt::Display) {
        let name = file_name(&file.path);
        let text = format!("{name}: not used any more: {reason}");
        tracing::warn!("{text}");
        if let Some(slot) = &self.options.proxies {
            slot.withdraw(file, &text);
        }
        (self.shared.notify)();
    }
}

/// Whether it is an order to end, which says nothing of the file.
fn is_called_off(error: &DecodeError) -> bool {
    matches!(
        error,
        DecodeError::Read(ReadError::Interrupted) | DecodeError::Open(OpenError::Interrupted(_))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_are_shared_as_they_are() {
        for rung in Rung::ALL {
            let shared = SharedRung::default();
            assert_eq!(shared.set(rung), rung != Rung::Source);
            assert_eq!(shared.get(), rung);
            assert!(!shared.set(rung));
        }
    }

    #[test]
    fn rungs_are_told_by_pixels() {
        let size = |width, height| Size::new(width, height).unwrap();
        for (width, height, rung) in [
            (3840, 2160, Rung::Half),
            (1920, 1080, Rung::Half),
            (1366, 768, Rung::Half),
            (1280, 720, Rung::Quarter),
            (960, 540, Rung::Quarter),
            (2, 2, Rung::Quarter),
        ] {
            let (told, misfit) = rung_by_pixels(size(3840, 2160), size(width, height));
            assert_eq!(told, rung, "{width}");
            assert!(misfit >= 1.0);
        }
        let misfit = |width, height| rung_by_pixels(size(3840, 2160), size(width, height)).1;
        assert!(misfit(960, 540) < misfit(1280, 720) && misfit(960, 540) < misfit(854, 480));
    }

    #[test]
    fn a_reason_is_noted_once_and_few_are() {
        let slot = ProxySlot::default();
        slot.refuse("a");
        slot.refuse("a");
        assert_eq!(slot.refusals().len(), 1);
        for number in 0..20 {
            slot.refuse(&number.to_string());
        }
        assert_eq!(slot.refusals().len(), MOST_REFUSALS);
        assert_eq!(slot.serving(Rung::Half).map(|file| file.rung), None);
    }
}

//! Proxies that were verified before are there from the beginning.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use jogwheel::decode::{
    FileIdentity, GopIndex, IndexStore, Input, Interrupter, ProxyFile, ProxySlot, Rung, media_info,
    read_index,
};
use jogwheel::media::VideoStream;
use jogwheel::playback::ProxyDesk;
use jogwheel::proxy::{Candidate, ProxyCodec, ProxyFolder, verify};
use jogwheel::time::RealClock;
use tempfile::TempDir;

use crate::made;
use crate::proxies::{make_one, quick_folder, verify_options};

fn stream_of(path: &Path) -> VideoStream {
    let input = Input::open(path).unwrap();
    media_info(&input).default_video().unwrap().clone()
}

fn identity_of(path: &Path) -> FileIdentity {
    FileIdentity::of_path(path).unwrap()
}

/// Has the indices of some files, and keeps no others.
struct Indices(Vec<(FileIdentity, Arc<GopIndex>)>);

impl Indices {
    fn of(paths: &[&Path]) -> Arc<dyn IndexStore> {
        let index = |path: &&Path| {
            let mut input = Input::open(path).unwrap();
            let index = read_index(&mut input, &stream_of(path)).unwrap();
            (identity_of(path), Arc::new(index))
        };
        Arc::new(Self(paths.iter().map(index).collect()))
    }
}

impl IndexStore for Indices {
    fn load(&self, file: &FileIdentity, _: &VideoStream) -> Option<Arc<GopIndex>> {
        let known = self.0.iter().find(|(known, _)| known == file);
        known.map(|(_, index)| Arc::clone(index))
    }

    fn store(&self, _: &Path, _: &FileIdentity, _: &VideoStream, _: &GopIndex) {}
}

/// A source and a proxy of it, which nobody has verified yet.
struct Pair {
    folder: TempDir,
    source: PathBuf,
    proxy: PathBuf,
}

impl Pair {
    fn make() -> Self {
        let folder = quick_folder();
        let source = folder.path().join("clip.mp4");
        std::fs::copy(made::clip("h264-25.mp4").path, &source).unwrap();
        let proxy = make_one(&source, folder.path(), ProxyCodec::H264Intra);
        Self {
            folder,
            source,
            proxy,
        }
    }

    fn made_in(&self) -> ProxyFolder {
        ProxyFolder::new(self.folder.path())
    }

    /// What the proxy is to its source, without looking into either.
    fn is_verified(&self) -> bool {
        let candidate = Candidate::Made(self.proxy.clone());
        candidate.is_verified(identity_of(&self.source), &self.made_in())
    }
}

#[test]
fn a_proxy_that_was_verified_is_in_the_slot_when_the_file_is_open() {
    let pair = Pair::make();
    verify(&pair.proxy, &verify_options(), false).unwrap();
    let indices = Indices::of(&[&pair.proxy]);
    let desk = ProxyDesk::start(pair.made_in(), Arc::new(RealClock::new()), Some(indices)).unwrap();
    let told = Arc::new(AtomicBool::new(false));
    let notify: Arc<dyn Fn() + Send + Sync> = Arc::new({
        let told = Arc::clone(&told);
        move || told.store(true, Ordering::Relaxed)
    });
    let stream = stream_of(&pair.source);
    let slot = desk.slot_of(&pair.source, identity_of(&pair.source), &stream, &notify);
    // The job that looks for others tells of what it finds.
    assert_eq!(
        (slot.rungs().len(), told.load(Ordering::Relaxed)),
        (1, false)
    );
    let serving = slot.serving(Rung::Half).unwrap();
    assert_eq!((&serving.path, slot.revision()), (&pair.proxy, 1));
    // A second clip of the same file goes on with what the first one has open.
    let again = desk.slot_of(&pair.source, identity_of(&pair.source), &stream, &notify);
    assert!(Arc::ptr_eq(&serving, &again.serving(Rung::Half).unwrap()));
}

#[test]
fn what_was_verified_is_known_without_a_look_into_the_files() {
    let pair = Pair::make();
    assert!(!pair.is_verified(), "nobody has compared them");
    verify(&pair.proxy, &verify_options(), false).unwrap();
    assert!(pair.is_verified());
    let later = SystemTime::now() + std::time::Duration::from_secs(5);
    for changed in [&pair.proxy, &pair.source] {
        let file = std::fs::File::options().write(true).open(changed).unwrap();
        let before = file.metadata().unwrap().modified().unwrap();
        file.set_modified(later).unwrap();
        assert!(!pair.is_verified(), "{} is another", changed.display());
        file.set_modified(before).unwrap();
        assert!(pair.is_verified());
    }
    std::fs::remove_file(&pair.proxy).unwrap();
    assert!(!pair.is_verified());
}

#[test]
fn a_proxy_is_opened_at_once_only_where_its_index_is_kept() {
    let pair = Pair::make();
    let size = stream_of(&pair.source).size;
    let open = |indices: &[&Path]| {
        let indices = Indices::of(indices);
        ProxyFile::open_indexed(&pair.proxy, size, &Interrupter::default(), &indices).unwrap()
    };
    assert!(open(&[&pair.source]).is_none());
    let file = open(&[&pair.proxy]).unwrap();
    let slot = ProxySlot::default();
    slot.offer(file);
    let first = slot.serving(Rung::Half).unwrap();
    // The same file once more changes nothing for those who have it open.
    slot.offer(open(&[&pair.proxy]).unwrap());
    assert!(Arc::ptr_eq(&first, &slot.serving(Rung::Half).unwrap()));
}

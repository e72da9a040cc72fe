//! Proxies of sources that are odd, and what making and verifying hand on to one another.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jogwheel::decode::{FileIdentity, GopIndex, IndexStore, Input};
use jogwheel::jobs::{JobEvent, JobListener, JobNews, JobState};
use jogwheel::media::VideoStream;
use jogwheel::proxy::{Preset, ProxyCodec, VerifyError, compare, verify};
use jogwheel::time::{MediaSpan, MediaTime};
use parking_lot::Mutex;

use crate::made;
use crate::proxies::{all_sound, ffmpeg, make, make_one, options, quick_folder, verify_options};

#[test]
fn sound_that_starts_late_is_not_moved_to_a_tick_of_the_pictures() {
    let folder = quick_folder();
    let late = folder.path().join("late.mov");
    // A tick of the pictures is 42 ms.
    let change = [
        "-af",
        "asetpts=PTS+0.033/TB",
        "-video_track_timescale",
        "24",
    ];
    ffmpeg(&made::clip("sound-stereo.mp4").path, &change, &late);
    let proxy = make_one(&late, &folder.path().join("proxies"), ProxyCodec::H264Intra);
    let (begin, source) = all_sound(&late);
    let (proxy_begin, copy) = all_sound(&proxy);
    assert!(
        begin > MediaTime::ZERO && begin < MediaTime::ZERO + MediaSpan::from_millis(40),
        "{begin:?}"
    );
    assert_eq!((begin, source.len()), (proxy_begin, copy.len()));
}

#[test]
fn pictures_of_which_some_are_interlaced_are_refused_at_the_first_other_one() {
    let folder = quick_folder();
    let both = folder.path().join("both.ts");
    let interlaced = made::clip("mpeg2-interlaced-tff.ts").path;
    let progressive = folder.path().join("progressive.ts");
    let change = [
        "-an",
        "-c:v",
        "mpeg2video",
        "-s",
        "640x360",
        "-r",
        "25",
        "-frames:v",
        "50",
        "-muxdelay",
        "0",
        "-muxpreload",
        "0",
        "-output_ts_offset",
        "12",
    ];
    ffmpeg(&made::clip("h264-25.mp4").path, &change, &progressive);
    let parts = [std::fs::read(&interlaced), std::fs::read(&progressive)];
    std::fs::write(&both, parts.map(Result::unwrap).concat()).unwrap();
    let asked = options(
        &folder.path().join("proxies"),
        &[Preset::Draft],
        ProxyCodec::H264Intra,
    );
    let most = Arc::new(AtomicU32::new(0));
    let listener: JobListener = {
        let most = Arc::clone(&most);
        Arc::new(move |event: &JobEvent| {
            if let JobNews::Progress(progress) = event.news {
                most.fetch_max(progress.done, Ordering::Relaxed);
            }
        })
    };
    let (state, _) = make(&both, asked, listener);
    let JobState::Failed(reason) = state else {
        panic!("{state:?}");
    };
    assert!(reason.contains("not interlaced alike"), "{reason}");
    assert!(most.load(Ordering::Relaxed) <= 50);
}

/// Keeps one index.
#[derive(Default)]
struct OneIndex {
    kept: Mutex<Option<(FileIdentity, Arc<GopIndex>)>>,
    loaded: AtomicU32,
}

impl IndexStore for OneIndex {
    fn load(&self, file: &FileIdentity, _: &VideoStream) -> Option<Arc<GopIndex>> {
        let (_, index) = self.kept.lock().clone().filter(|(kept, _)| kept == file)?;
        self.loaded.fetch_add(1, Ordering::Relaxed);
        Some(index)
    }

    fn store(&self, _: &Path, file: &FileIdentity, _: &VideoStream, index: &GopIndex) {
        let before = self.kept.lock().replace((*file, Arc::new(index.clone())));
        assert!(before.is_none(), "it is kept once, and of the source alone");
    }
}

#[test]
fn the_index_of_making_serves_verifying() {
    let folder = quick_folder();
    let indices = Arc::new(OneIndex::default());
    let mut asked = options(folder.path(), &[Preset::Draft], ProxyCodec::H264Intra);
    asked.indices = Some(Arc::clone(&indices) as Arc<dyn IndexStore>);
    let mut verifying = verify_options();
    verifying.indices.clone_from(&asked.indices);
    let (state, made) = make(&made::clip("h264-25.mp4").path, asked, Arc::new(|_| {}));
    assert_eq!(
        (state, indices.loaded.load(Ordering::Relaxed)),
        (JobState::Done, 0)
    );
    let found = verify(&made.proxies[0].path, &verifying, false).unwrap();
    assert_eq!(
        (found.frames, indices.loaded.load(Ordering::Relaxed)),
        (60, 1)
    );
}

#[test]
fn a_verification_that_was_called_off_says_nothing_of_the_proxy() {
    let folder = quick_folder();
    let source = made::clip("h264-25.mp4").path;
    let proxy = make_one(&source, folder.path(), ProxyCodec::H264Intra);
    let options = verify_options();
    let input = Input::open(&source).unwrap();
    options.interrupter.interrupt();
    let found = compare(input, &proxy, &options);
    assert!(matches!(found, Err(VerifyError::Interrupted)), "{found:?}");
}

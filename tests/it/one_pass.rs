//! The pass that makes proxies makes everything else that a source is decoded for, and it is what the player
//! would have made.

use std::path::Path;
use std::sync::Arc;

use jogwheel::cache::disk::{DiskCache, DiskLimits};
use jogwheel::cache::thumbnails::{
    StripRequest, StripScale, StripSource, Thumbnail, ThumbnailStrip,
};
use jogwheel::cache::waveform::{Waveform, WaveformRequest, WaveformSource};
use jogwheel::cache::{MemoryStore, ProductKey, ProductStore};
use jogwheel::convert::CpuConverter;
use jogwheel::decode::{IndexStore, Input, media_info, read_index};
use jogwheel::jobs::{JobEvent, JobHandle, JobListener, JobNews, JobQueue, JobState, QueueOptions};
use jogwheel::media::Size;
use jogwheel::memory::{Ledger, MemoryClass};
use jogwheel::proxy::{MadeProducts, MakeOptions, Preset, ProxyCodec, verify};
use jogwheel::time::{FrameIndex, RealClock};
use parking_lot::Mutex;

use crate::made;
use crate::proxies::{all_frames, ffmpeg, make, options, quick_folder, verify_options};

/// A store that counts what it is asked to keep.
struct Counted {
    store: Arc<dyn ProductStore>,
    kept: Mutex<Vec<ProductKey>>,
}

impl Counted {
    fn of(store: Arc<dyn ProductStore>) -> Arc<Self> {
        Arc::new(Self {
            store,
            kept: Mutex::default(),
        })
    }
}

impl ProductStore for Counted {
    fn load(&self, key: &ProductKey) -> Option<Arc<[u8]>> {
        self.store.load(key)
    }

    fn store(&self, key: &ProductKey, bytes: &[u8]) {
        self.kept.lock().push(key.clone());
        self.store.store(key, bytes);
    }
}

/// Has the player's own jobs make, or fetch from `store`, what they make of a file.
fn as_the_player(path: &Path, store: &Arc<Counted>) -> (Vec<Thumbnail>, Vec<Arc<Waveform>>) {
    let no_workers = QueueOptions {
        workers: 0,
        waiting: 16,
    };
    let queue = JobQueue::new(no_workers, Arc::new(|_| {})).unwrap();
    let mut input = Input::open(path).unwrap();
    let info = media_info(&input);
    let stream = info.default_video().unwrap().clone();
    let index = Arc::new(read_index(&mut input, &stream).unwrap());
    let frames = index.len();
    let source = StripSource {
        path: path.to_owned(),
        file_bytes: info.container.bytes,
        stream,
        index,
    };
    let strip = Arc::new(ThumbnailStrip::new());
    let kept = || Some(Arc::clone(store) as Arc<dyn ProductStore>);
    let (scale, clock) = (StripScale::default(), Arc::new(RealClock::new()));
    let request = StripRequest::new(source, scale, Arc::clone(&strip), kept(), clock);
    let mut jobs = request.submit(&queue).unwrap();
    let mut waveforms = Vec::new();
    for stream in &info.audio {
        let waveform = Arc::new(Waveform::new());
        let source = WaveformSource::of(&info, stream);
        let request = WaveformRequest::new(source, Arc::clone(&waveform), kept());
        jobs.push(request.submit(&queue).unwrap());
        waveforms.push(waveform);
    }
    while queue.run_one().is_some() {}
    let states: Vec<JobState> = jobs.iter().map(JobHandle::state).collect();
    assert!(
        states.iter().all(|state| *state == JobState::Done),
        "{states:?}"
    );
    let thumbnails = (0..frames)
        .filter_map(|frame| strip.nearest(FrameIndex(frame), 0))
        .collect();
    (thumbnails, waveforms)
}

fn mean_difference(a: &Thumbnail, b: &Thumbnail) -> f64 {
    let (a, b) = (a.rgb(), b.rgb());
    assert_eq!(a.len(), b.len());
    let sum: u64 = a
        .iter()
        .zip(&b)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / a.len() as f64
}

fn disk(folder: &Path) -> Arc<DiskCache> {
    let limits = DiskLimits {
        free_bytes: 0,
        ..DiskLimits::default()
    };
    DiskCache::open(folder.to_owned(), limits).unwrap()
}

#[test]
fn what_the_player_would_decode_again_comes_from_the_pass_that_makes_proxies() {
    for (name, sounds) in [
        ("sync-25.mov", 1),
        ("sync-25-aac.mp4", 1),
        ("h264-longgop.mp4", 0),
        ("mpeg2-interlaced-tff.ts", 0),
        ("sound-8-mono-tracks.mov", 8),
    ] {
        let path = made::clip(name).path;
        let folder = quick_folder();
        let cache = disk(&folder.path().join("cache"));
        let store = Counted::of(Arc::clone(&cache) as Arc<dyn ProductStore>);
        let asked = MakeOptions {
            indices: Some(Arc::clone(&cache) as Arc<dyn IndexStore>),
            products: Some(Arc::clone(&store) as Arc<dyn ProductStore>),
            ..options(
                &folder.path().join("proxies"),
                &[Preset::Draft],
                ProxyCodec::H264Intra,
            )
        };
        let (state, made) = make(&path, asked.clone(), Arc::new(|_| {}));
        assert_eq!(state, JobState::Done, "{name}");
        cache.flush();

        let apart = Counted::of(Arc::new(MemoryStore::new(64 << 20)));
        let (thumbnails, waveforms) = as_the_player(&path, &apart);
        let found = MadeProducts {
            thumbnails: thumbnails.len(),
            waveforms: sounds,
        };
        assert_eq!(made.products, found, "{name}");
        assert_eq!(waveforms.len(), sounds, "{name}");
        for waveform in &waveforms {
            assert!(waveform.made().0 > 0, "{name}");
        }

        // The player finds all of it, under its own keys, and makes nothing.
        store.kept.lock().clear();
        let (there, _) = as_the_player(&path, &store);
        assert_eq!(*store.kept.lock(), [], "{name}: made again");
        let frames = |all: &[Thumbnail]| all.iter().map(|one| one.frame).collect::<Vec<_>>();
        assert_eq!(frames(&there), frames(&thumbnails), "{name}");
        for (a, b) in there.iter().zip(&thumbnails) {
            let difference = mean_difference(a, b);
            // The player decodes keyframes without the loop filter.
            assert!(difference < 1.5, "{name}: {difference:.2} codes");
        }
        for key in apart.kept.lock().iter() {
            let is_sound = key.parameters.starts_with(b"stream") && {
                let text = String::from_utf8_lossy(&key.parameters);
                text.contains("zero")
            };
            if is_sound {
                let kept = ProductStore::load(&*cache, key);
                assert!(apart.load(key) == kept, "{name}: {key:?}");
            }
        }
        let mut input = Input::open(&path).unwrap();
        let stream = media_info(&input).default_video().unwrap().clone();
        let index = read_index(&mut input, &stream).unwrap();
        let kept = IndexStore::load(&*cache, &input.file_identity(), &stream).unwrap();
        assert_eq!(kept.to_bytes(), index.to_bytes(), "{name}");

        // Once more there is nothing left to make but the proxy.
        let again = MakeOptions {
            again: true,
            ..asked
        };
        let (state, made) = make(&path, again, Arc::new(|_| {}));
        assert_eq!(state, JobState::Done, "{name}");
        assert_eq!(made.products, MadeProducts::default(), "{name}");
        assert_eq!(*store.kept.lock(), [], "{name}");
    }
}

#[test]
fn what_decoding_for_thumbnails_takes_is_charged_and_given_back() {
    let path = made::clip("sync-25.mov").path;
    let mut input = Input::open(&path).unwrap();
    let info = media_info(&input);
    let stream = info.default_video().unwrap().clone();
    let index = Arc::new(read_index(&mut input, &stream).unwrap());
    let source = StripSource {
        file_bytes: info.container.bytes,
        path,
        stream,
        index,
    };
    // Of the second one an eighth is too little for a single picture, which is decoded all the same.
    for (limit_bytes, is_charged) in [(64 << 20, true), (256 << 10, false)] {
        let ledger = Ledger::new(limit_bytes);
        let used: Arc<Mutex<Vec<u64>>> = Arc::default();
        let (books, seen) = (ledger.clone(), Arc::clone(&used));
        let listener: JobListener = Arc::new(move |event: &JobEvent| {
            if let JobNews::Progress(_) = event.news {
                seen.lock().push(books.used(MemoryClass::Frames));
            }
        });
        let no_workers = QueueOptions {
            workers: 0,
            waiting: 16,
        };
        let queue = JobQueue::new(no_workers, listener).unwrap();
        let strip = Arc::new(ThumbnailStrip::charged(&ledger));
        let (scale, clock) = (StripScale::default(), Arc::new(RealClock::new()));
        let request = StripRequest::new(source.clone(), scale, Arc::clone(&strip), None, clock);
        request.submit(&queue).unwrap();
        while queue.run_one().is_some() {}
        assert!(!strip.is_empty());
        let most = used.lock().iter().copied().max().unwrap();
        assert_eq!(most > 0, is_charged, "{most} of {limit_bytes}");
        assert!(most <= limit_bytes / 8);
        assert_eq!(ledger.used(MemoryClass::Frames), 0);
    }
}

#[test]
fn what_is_damaged_is_kept_by_nobody() {
    for clip in made::clips(&["damaged"]) {
        let folder = quick_folder();
        let store = Counted::of(Arc::new(MemoryStore::new(64 << 20)));
        let asked = MakeOptions {
            products: Some(Arc::clone(&store) as Arc<dyn ProductStore>),
            ..options(folder.path(), &[Preset::Draft], ProxyCodec::H264Intra)
        };
        let (_, made) = make(&clip.path, asked, Arc::new(|_| {}));
        let apart = Counted::of(Arc::new(MemoryStore::new(64 << 20)));
        as_the_player(&clip.path, &apart);
        let is_kept_apart = !apart.kept.lock().is_empty();
        // Damage to frames that the player would not have decoded is found as well.
        assert!(
            made.products.thumbnails == 0 || is_kept_apart,
            "{}",
            clip.name
        );
    }
}

/// A clip of these numbers in pictures of another size.
fn enlarged(name: &str, target: &Path, size: Size, more: &[&str]) {
    let filter = format!("scale={}:{}:flags=neighbor", size.width(), size.height());
    let arguments = [&["-an", "-vf", &filter, "-frames:v", "8"], more].concat();
    ffmpeg(&made::clip(name).path, &arguments, target);
}

#[test]
fn small_sizes_are_scaled_from_larger_ones_and_show_the_same() {
    let interlaced = ["-flags", "+ildct+ilme", "-field_order", "tt"];
    for (name, more) in [
        ("h264-bframes.mp4", &[][..]),
        ("h264-420p10.mp4", &[][..]),
        ("h264-interlaced-tff.mp4", &interlaced[..]),
    ] {
        let folder = quick_folder();
        let large = folder.path().join("large.mp4");
        enlarged(name, &large, Size::new(3840, 2160).unwrap(), more);
        let presets = [Preset::Draft, Preset::Quarter, Preset::Half];
        let place = folder.path().join("proxies");
        let ledger = Ledger::new(512 << 20);
        let asked = MakeOptions {
            ledger: Some(ledger.clone()),
            ..options(&place, &presets, ProxyCodec::H264Intra)
        };
        let (state, made) = make(&large, asked, Arc::new(|_| {}));
        assert_eq!(state, JobState::Done, "{name}");
        assert_eq!(ledger.used(MemoryClass::Frames), 0, "{name}");
        for proxy in &made.proxies {
            let found = verify(&proxy.path, &verify_options(), false)
                .unwrap_or_else(|error| panic!("{name} {}: {error}", proxy.preset));
            assert!(
                found.least_likeness > 0.95,
                "{name} {}: {found:?}",
                proxy.preset
            );
            let mut converter = CpuConverter::new(1);
            let mut wanted = 0;
            let frames = all_frames(&proxy.path, |stream, _, picture| {
                let shown = made::number_in(picture, stream.orientation, &mut converter);
                assert_eq!(shown, Ok(wanted), "{name} {}", proxy.preset);
                wanted += 1;
            });
            assert_eq!(frames, 8, "{name} {}", proxy.preset);
        }
    }
}

//! Proxies in the place of their source: the number is always right, wherever one takes over from the other,
//! and so are place and colour.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jogwheel::app::Stage;
use jogwheel::decode::VideoSource;
use jogwheel::decode::{Interrupter, LoopMode, Picture, PlannedFrame, ProxyFile, ProxySlot, Rung};
use jogwheel::gpu::{ConvertChoice, GpuContext, GpuOptions};
use jogwheel::media::{Size, VideoStream};
use jogwheel::proxy::ProxyCodec;

use crate::frame_truth::{Keeps, Rig};
use crate::made::{self, Clip};
use crate::proxies::{ffmpeg, make_one, quick_folder};

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % u64::try_from(below).unwrap()).unwrap()
    }

    /// One of those that leave nothing out.
    fn rung(&mut self) -> Rung {
        let whole = [Rung::Source, Rung::Half, Rung::Quarter];
        whole[usize::try_from(self.roll(3)).unwrap()]
    }
}

/// Copies of half and of a quarter of the size, the first of single pictures, the second of short groups.
fn copies(clip: &Clip, folder: &Path) -> [PathBuf; 2] {
    let copy = |name: &str, scale: &str, more: &[&str]| {
        let path = folder.join(name);
        let scale = format!("scale={scale}:flags=area");
        let stamps = ["-vsync", "passthrough", "-enc_time_base", "1:12000"];
        let mut arguments = vec!["-an", "-vf", &*scale];
        arguments.extend(stamps);
        arguments.extend(more);
        ffmpeg(&clip.path, &arguments, &path);
        path
    };
    [
        copy("half.mov", "iw/2:ih/2", &["-g", "1"]),
        copy("quarter.mov", "iw/4:ih/4", &["-g", "12", "-bf", "2"]),
    ]
}

fn offered(path: &Path, source: &VideoStream) -> ProxyFile {
    ProxyFile::open(path, source.size, &Interrupter::default(), None).unwrap()
}

/// A session of a clip with these proxies, its index made.
fn rig_with(clip: &Clip, keeps: Keeps, proxies: &[PathBuf]) -> (Rig, Arc<ProxySlot>) {
    let slot = Arc::new(ProxySlot::default());
    let mut rig = Rig::open_with(clip, keeps, Some(Arc::clone(&slot)));
    for path in proxies {
        slot.offer(offered(path, &rig.stream));
    }
    rig.wait_for_index();
    (rig, slot)
}

/// How many frames came of the source and of proxies.
#[derive(Debug, Default)]
struct Count {
    source: u32,
    proxy: u32,
}

impl Count {
    fn add(&mut self, frame: &PlannedFrame) {
        match &frame.picture {
            Picture::Frame(picture) if picture.stands_for.is_some() => self.proxy += 1,
            _ => self.source += 1,
        }
    }
}

/// Plays through both ways and moves about while the rung changes every few frames.
fn change_at_random(clip: &Clip, keeps: Keeps) {
    let folder = quick_folder();
    let copies = copies(clip, folder.path());
    let (mut rig, slot) = rig_with(clip, keeps, &copies);
    assert_eq!(slot.rungs(), [Rung::Half, Rung::Quarter], "{}", clip.name);
    let mut dice = Dice(clip.name.len() as u64);
    let mut count = Count::default();
    for reverse in [false, true] {
        let first = if reverse { clip.frames - 1 } else { 0 };
        rig.plan(first, reverse, LoopMode::Off);
        let mut left = 0;
        for place in 0..clip.frames {
            if left == 0 {
                rig.session.set_rung(dice.rung());
                left = 1 + dice.roll(6);
            }
            left -= 1;
            let wanted = if reverse { first - place } else { place };
            let frame = rig
                .next()
                .unwrap_or_else(|| panic!("{}: ends at {wanted}", clip.name));
            rig.check(&frame, wanted, clip, "changing rungs at");
            count.add(&frame);
        }
        assert!(rig.next().is_none(), "{}", clip.name);
    }
    for _ in 0..60 {
        rig.session.set_rung(dice.rung());
        let (target, reverse) = (dice.roll(clip.frames), dice.roll(2) == 0);
        rig.plan(target, reverse, LoopMode::Off);
        for step in 0..=dice.roll(4) {
            let wanted = if reverse {
                target - step
            } else {
                target + step
            };
            if !(0..clip.frames).contains(&wanted) {
                break;
            }
            let frame = rig.next().unwrap();
            rig.check(&frame, wanted, clip, "moving and changing rungs at");
            count.add(&frame);
        }
    }
    assert!(
        count.source > 30 && count.proxy > 30,
        "{}: {count:?}",
        clip.name
    );
    assert!(slot.refusals().is_empty(), "{:?}", slot.refusals());
}

#[test]
fn the_number_is_right_wherever_the_rung_changes() {
    for name in [
        "h264-bframes.mp4",
        "hevc-opengop.mp4",
        "h264-vfr-holds.mp4",
        "h264-editlist.mp4",
    ] {
        change_at_random(&made::clip(name), Keeps::Nothing);
        change_at_random(&made::clip(name), Keeps::Megabytes(64));
    }
}

#[test]
fn a_rung_that_is_asked_for_is_decoded_from_the_next_plan_on() {
    let clip = made::clip("h264-bframes.mp4");
    let folder = quick_folder();
    let copies = copies(&clip, folder.path());
    let (mut rig, _slot) = rig_with(&clip, Keeps::Megabytes(64), &copies);
    for (asked, wanted) in [
        (Rung::Half, Rung::Half),
        (Rung::Source, Rung::Source),
        (Rung::Quarter, Rung::Quarter),
        (Rung::Half, Rung::Half),
    ] {
        rig.session.set_rung(asked);
        rig.plan(70, true, LoopMode::Off);
        for number in (50..=70).rev() {
            let frame = rig.next().unwrap();
            rig.check(&frame, number, &clip, "stepping back to");
            let Picture::Frame(picture) = &frame.picture else {
                panic!("a file has no layers");
            };
            assert_eq!(picture.stands_for.is_some(), wanted != Rung::Source);
            let part = rig.stream.size.width() / picture.size.width();
            assert_eq!(
                part,
                match wanted {
                    Rung::Half => 2,
                    Rung::Quarter => 4,
                    _ => 1,
                }
            );
        }
        assert_eq!(rig.session.status().rung, wanted);
    }
    // A still of the source is no answer to who asks for a proxy.
    assert!(rig.session.still(jogwheel::time::FrameIndex(60)).is_none());
    rig.session.set_rung(Rung::Source);
    assert!(rig.session.still(jogwheel::time::FrameIndex(60)).is_some());
}

/// Plays on a proxy, spoils it at frame 40, and sees that nothing is missed. Answers whether the proxy was
/// given up.
fn spoil(clip: &Clip, reverse: bool, spoil: impl FnOnce(&Path)) -> bool {
    let folder = quick_folder();
    let [half, _] = copies(clip, folder.path());
    let (mut rig, slot) = rig_with(clip, Keeps::Nothing, std::slice::from_ref(&half));
    rig.session.set_rung(Rung::Half);
    let last = clip.frames - 1;
    let mut spoil = Some(spoil);
    rig.plan(if reverse { last } else { 0 }, reverse, LoopMode::Off);
    for place in 0..clip.frames {
        if place == 40 {
            assert_eq!(rig.session.status().rung, Rung::Half);
            spoil.take().unwrap()(&half);
        }
        let wanted = if reverse { last - place } else { place };
        let frame = rig.next().unwrap();
        rig.check(&frame, wanted, clip, "a proxy fails at");
    }
    // And it is not asked again.
    rig.plan(100, false, LoopMode::Off);
    let frame = rig.next().unwrap();
    rig.check(&frame, 100, clip, "after a proxy has failed, at");
    let is_given_up = slot.rungs().is_empty();
    assert_eq!(slot.refusals().len(), usize::from(is_given_up));
    assert_eq!(rig.session.status().rung == Rung::Source, is_given_up);
    is_given_up
}

#[test]
fn a_proxy_that_fails_in_mid_play_costs_no_frame() {
    let clip = made::clip("h264-bframes.mp4");
    for reverse in [false, true] {
        // What is open can still be read.
        assert!(!spoil(&clip, reverse, |path| std::fs::remove_file(path).unwrap()));
        assert!(spoil(&clip, reverse, |path| {
            let file = File::options().write(true).open(path).unwrap();
            let bytes = file.metadata().unwrap().len();
            let half = vec![0xFF; usize::try_from(bytes / 3).unwrap()];
            file.write_all_at(&half, bytes / 3).unwrap();
        }));
        assert!(spoil(&clip, reverse, |path| {
            let file = File::options().write(true).open(path).unwrap();
            file.set_len(file.metadata().unwrap().len() / 3).unwrap();
        }));
    }
}

#[test]
fn a_proxy_that_is_not_what_was_verified_is_not_opened() {
    let clip = made::clip("h264-25.mp4");
    let folder = quick_folder();
    let [half, quarter] = copies(&clip, folder.path());
    let (mut rig, slot) = rig_with(&clip, Keeps::Nothing, std::slice::from_ref(&half));
    std::fs::rename(&quarter, &half).unwrap();
    // And one of another length, as if somebody had verified it.
    let other = copies(&made::clip("h264-bframes.mp4"), folder.path());
    slot.offer(offered(&other[1], &rig.stream));
    for rung in [Rung::Half, Rung::Quarter, Rung::Half] {
        rig.session.set_rung(rung);
        rig.plan(10, false, LoopMode::Off);
        for wanted in 10..30 {
            let frame = rig.next().unwrap();
            rig.check(&frame, wanted, &clip, "with wrong proxies at");
            assert_eq!(rig.session.status().rung, Rung::Source);
        }
    }
    let refusals = slot.refusals();
    assert_eq!(refusals.len(), 2, "{refusals:?}");
}

/// Where the brightness of a row crosses the middle, in pixels.
fn edges(rgba: &[u8], width: usize, row: usize) -> Vec<usize> {
    let bright = |x: usize| {
        let at = (row * width + x) * 4;
        rgba[at..at + 3].iter().map(|&c| u32::from(c)).sum::<u32>() > 3 * 128
    };
    (1..width).filter(|&x| bright(x) != bright(x - 1)).collect()
}

#[test]
fn a_proxy_lies_where_its_source_lies_and_has_its_colours() {
    let ctx = GpuContext::headless(&GpuOptions::from_env(None)).unwrap();
    let format = jogwheel::gpu::OffscreenTarget::new(&ctx, Size::new(16, 16).unwrap())
        .unwrap()
        .format();
    let mut stage = Stage::new(ctx, ConvertChoice::Auto, format).unwrap();
    for name in ["h264-bframes.mp4", "h264-sar.mp4", "h264-fullrange.mp4"] {
        let clip = made::clip(name);
        let folder = quick_folder();
        let proxies = [copies(&clip, folder.path()).into_iter().next().unwrap()];
        let (mut rig, _slot) = rig_with(&clip, Keeps::Nothing, &proxies);
        let window = Size::new(1280, 720).unwrap();
        let mut shown = |rig: &mut Rig, rung: Rung, frame: i64| {
            rig.session.set_rung(rung);
            rig.plan(frame, false, LoopMode::Off);
            let planned = rig.next().unwrap();
            let Picture::Frame(picture) = &planned.picture else {
                panic!("{name}: no picture");
            };
            assert_eq!(picture.stands_for.is_some(), rung == Rung::Half);
            stage.take(&planned, &rig.stream);
            assert_eq!(stage.shows_proxy(), rung == Rung::Half);
            let viewport = stage.viewport(window).unwrap();
            let own = stage.picture(None).unwrap();
            (viewport, own)
        };
        for frame in [3, 12] {
            let (place, source) = shown(&mut rig, Rung::Source, frame);
            let (place_of_proxy, proxy) = shown(&mut rig, Rung::Half, frame);
            assert_eq!(place, place_of_proxy, "{name}");
            assert_eq!(source.size, proxy.size, "{name}");
            let (ours, theirs) = (&source.rgba, &proxy.rgba);
            let width = source.size.width() as usize;
            let height = source.size.height() as usize;
            // The two rows of bars, whose edges go from black to white.
            for row in [height / 45, height / 15] {
                let (a, b) = (edges(ours, width, row), edges(theirs, width, row));
                assert!(!a.is_empty(), "{name}: {row}");
                assert_eq!(a.len(), b.len(), "{name}: {a:?} {b:?}");
                let is_near = a.iter().zip(&b).all(|(a, b)| a.abs_diff(*b) <= 1);
                assert!(is_near, "{name}: {a:?} {b:?}");
            }
            let sum: u64 = ours
                .iter()
                .zip(theirs)
                .map(|(a, b)| u64::from(a.abs_diff(*b)))
                .sum();
            let mean = sum as f64 / ours.len() as f64;
            assert!(mean < 4.0, "{name}: {mean:.2} codes");
        }
    }
}

#[test]
fn a_proxy_made_here_serves_as_well() {
    let clip = made::clip("h264-bframes.mp4");
    let folder = quick_folder();
    let proxy = make_one(&clip.path, folder.path(), ProxyCodec::H264Intra);
    let (mut rig, slot) = rig_with(&clip, Keeps::Nothing, &[proxy]);
    assert_eq!(slot.rungs(), [Rung::Half]);
    rig.session.set_rung(Rung::Quarter);
    rig.plan(20, false, LoopMode::Loop);
    for lap in 0..3 {
        for wanted in if lap == 0 { 20 } else { 0 }..clip.frames {
            let frame = rig.next().unwrap();
            rig.check(&frame, wanted, &clip, "looping on a proxy at");
        }
    }
    assert_eq!(rig.session.status().rung, Rung::Half);
}

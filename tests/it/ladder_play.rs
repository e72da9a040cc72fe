//! The player and its proxies: found and verified in the background, shown where that is asked for, refused
//! in words where they are wrong, and never read where the source is what counts.

use std::ffi::OsStr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};
use jogwheel::app::{MakeProxies, Player, PlayerOptions};
use jogwheel::convert::CpuConverter;
use jogwheel::decode::{FileIdentity, Picture, Rung};
use jogwheel::media::{Orientation, VideoFrame};
use jogwheel::memory::MemoryBudget;
use jogwheel::playback::{Command, ProxyUse, Pull, SeekTarget, Snapshot};
use jogwheel::proxy::{ProxyCodec, ProxyFolder, ProxyRecord};
use jogwheel::time::FrameIndex;
use jogwheel::timeline::{CompositeLayer, CompositeOp, Content};
use rustix::process::Signal;

use crate::made;
use crate::otio::{clip, range, track, write};
use crate::program::{self, Ended, HUNG, Running, wait_for};
use crate::proxies::{ffmpeg, make_one, quick_folder};

/// A player that holds the first frame of a file.
pub(crate) struct Rig {
    player: Player,
    news: Receiver<()>,
    converter: CpuConverter,
}

impl Rig {
    pub(crate) fn open(file: &Path, proxies: &Path, wanted: ProxyUse) -> Self {
        Self::open_and_make(file, proxies, wanted, MakeProxies::Never)
    }

    fn open_and_make(file: &Path, proxies: &Path, wanted: ProxyUse, makes: MakeProxies) -> Self {
        let (send, news) = bounded(1);
        let wake = Arc::new(move || {
            let _already = send.try_send(());
        });
        let options = PlayerOptions {
            budget: MemoryBudget::stated(512 << 20),
            threads: NonZero::new(2),
            commands: vec![Command::SetProxies(wanted)],
            proxies: (wanted != ProxyUse::Never).then(|| ProxyFolder::new(proxies)),
            makes_proxies: makes,
            ..PlayerOptions::paused_and_silent(vec![file.to_owned()])
        };
        Self {
            player: Player::start(options, wake).unwrap(),
            news,
            converter: CpuConverter::new(1),
        }
    }

    pub(crate) fn until(&self, is_so: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        loop {
            let snapshot = self.player.engine.snapshot();
            if is_so(&snapshot) {
                return snapshot;
            }
            let told = self.news.recv_timeout(HUNG);
            assert!(told.is_ok(), "nothing new: {snapshot:?}");
        }
    }

    /// Seeks to a frame and answers its picture.
    pub(crate) fn seek(&mut self, frame: i64) -> Arc<VideoFrame> {
        let target = SeekTarget::Frame(FrameIndex(frame));
        self.player.engine.send(Command::Seek(target));
        self.next(frame)
    }

    /// The picture of this frame, when it comes.
    fn next(&mut self, frame: i64) -> Arc<VideoFrame> {
        loop {
            let now = self.player.clock.now();
            match self.player.scheduler.pull(now, now, 16_666_667) {
                Pull::New(planned) if planned.index.0 == frame => {
                    self.player.scheduler.complete(now, &[], false);
                    return match planned.picture {
                        Picture::Frame(frame) => frame,
                        Picture::Composite(composite) => composite
                            .ops
                            .iter()
                            .find_map(|op| match op {
                                CompositeOp::Layer(CompositeLayer {
                                    content: Content::Frame { frame, .. },
                                    ..
                                }) => Some(Arc::clone(frame)),
                                _ => None,
                            })
                            .unwrap(),
                        Picture::Missing(reason) => panic!("frame {frame} is missing: {reason}"),
                    };
                }
                Pull::New(_) => self.player.scheduler.complete(now, &[], false),
                Pull::Keep | Pull::Clear => {
                    let told = self.news.recv_timeout(HUNG);
                    let snapshot = self.player.engine.snapshot();
                    assert!(told.is_ok(), "no frame {frame}: {snapshot:?}");
                }
            }
        }
    }

    fn number(&mut self, frame: &VideoFrame) -> i64 {
        made::number_in(frame, Orientation::UPRIGHT, &mut self.converter)
            .map(i64::from)
            .unwrap()
    }
}

#[test]
fn proxies_are_made_while_it_is_open_and_taken_up_when_they_are_ready() {
    let folder = quick_folder();
    let file = made::clip("h264-25.mp4").path;
    let mut rig = Rig::open_and_make(&file, folder.path(), ProxyUse::Auto, MakeProxies::Ask);
    rig.until(|snapshot| {
        let media = snapshot.media.as_ref();
        media.is_some_and(|media| media.index_complete)
    });
    assert!(rig.seek(3).stands_for.is_none(), "there is only the source");
    rig.player.make_proxies(None);
    // Paused, it is held only as long as the machine is busy, and no longer than ten seconds.
    let mut notices = Vec::new();
    let ready = wait_for(|| {
        let snapshot = rig.player.engine.snapshot();
        rig.player.follow_proxies(&snapshot);
        notices.extend(snapshot.notices.iter().map(|notice| notice.text.clone()));
        notices.dedup();
        let told = |text: &String| text.contains("are ready");
        (is_ready(&snapshot) && notices.iter().any(told)).then_some(())
    });
    assert!(ready.is_some(), "{notices:?}");
    assert!(notices[0].contains("made in the background"), "{notices:?}");
    let always = Command::SetProxies(ProxyUse::Always);
    rig.player.engine.send(always);
    let picture = rig.next(3);
    assert!(picture.stands_for.is_some(), "it is the proxy's");
    assert_eq!(rig.number(&picture), 3);
}

/// Whether there are proxies, and enough is known of the source to use them.
fn is_ready(snapshot: &Snapshot) -> bool {
    let media = snapshot.media.as_ref();
    snapshot.has_proxies && media.is_some_and(|media| media.index_complete)
}

#[test]
fn a_proxy_is_found_verified_and_shown_and_the_source_comes_back() {
    let folder = quick_folder();
    let source = made::clip("h264-bframes.mp4").path;
    let proxy = make_one(&source, folder.path(), ProxyCodec::H264Intra);
    let mut rig = Rig::open(&source, folder.path(), ProxyUse::Always);
    rig.until(is_ready);
    // What was compared is remembered.
    assert!(ProxyRecord::read_beside(&proxy).unwrap().verified.is_some());
    for frame in [50, 51, 170, 3] {
        let picture = rig.seek(frame);
        assert!(
            picture.stands_for.is_some(),
            "frame {frame} is of the source"
        );
        assert_eq!(rig.number(&picture), frame);
    }
    assert_eq!(
        rig.until(|snapshot| snapshot.rung == Rung::Half).refusals,
        None
    );
    // The frame that is held is decoded again.
    for (wanted, is_proxy) in [(ProxyUse::Auto, false), (ProxyUse::Always, true)] {
        rig.player.engine.send(Command::SetProxies(wanted));
        let picture = rig.next(3);
        assert_eq!(picture.stands_for.is_some(), is_proxy);
        assert_eq!(rig.number(&picture), 3);
    }
}

#[test]
fn nothing_is_looked_for_where_proxies_are_switched_off() {
    let folder = quick_folder();
    let source = made::clip("h264-25.mp4").path;
    let proxy = make_one(&source, folder.path(), ProxyCodec::H264Intra);
    let mut rig = Rig::open(&source, folder.path(), ProxyUse::Never);
    rig.until(|snapshot| {
        snapshot
            .media
            .as_ref()
            .is_some_and(|media| media.index_complete)
    });
    rig.player
        .engine
        .send(Command::SetProxies(ProxyUse::Always));
    let told = rig.until(|snapshot| !snapshot.notices.is_empty());
    assert!(told.notices[0].text.contains("switched off"), "{told:?}");
    assert!(rig.seek(30).stands_for.is_none());
    assert_eq!(ProxyRecord::read_beside(&proxy).unwrap().verified, None);
}

/// Where a proxy that is not one of `source` lies, and words of its refusal.
type Wrong = (&'static str, &'static str, fn(&Path, &Path) -> PathBuf);

/// Makes a proxy of an altered copy, and a record that says that it was made of `source`.
fn forge(source: &Path, folder: &Path, change: &[&str]) -> PathBuf {
    let altered = folder.join("altered.mov");
    ffmpeg(source, change, &altered);
    claim(
        source,
        &make_one(&altered, folder, ProxyCodec::H264Intra),
        folder,
    )
}

/// A copy of `proxy` under the name and with the record of one of `source`.
fn claim(source: &Path, proxy: &Path, folder: &Path) -> PathBuf {
    let genuine = make_one(source, folder, ProxyCodec::H264Intra);
    let record = ProxyRecord::read_beside(&genuine).unwrap();
    std::fs::copy(proxy, &genuine).unwrap();
    let forged = ProxyRecord {
        proxy_file: FileIdentity::of_path(&genuine).unwrap(),
        verified: None,
        ..record
    };
    forged.write_beside(&genuine).unwrap();
    genuine
}

/// Leaves a file in a folder where editing programs leave proxies.
fn beside(source: &Path, proxy: &Path) -> PathBuf {
    let folder = source.with_file_name("Proxy");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(source.with_extension("mov").file_name().unwrap());
    std::fs::copy(proxy, &path).unwrap();
    path
}

const WRONG: [Wrong; 7] = [
    ("one frame short", "59 frames", |source, folder| {
        forge(source, folder, &["-frames:v", "59"])
    }),
    ("shifted", "shifted", |source, folder| {
        let filter = "tpad=start=1:start_mode=clone";
        forge(source, folder, &["-vf", filter, "-frames:v", "60"])
    }),
    ("another rate", "frames a second", |source, folder| {
        forge(source, folder, &["-vf", "setpts=N/30/TB", "-r", "30"])
    }),
    ("turned over", "another picture", |source, folder| {
        forge(source, folder, &["-vf", "hflip,vflip"])
    }),
    ("written to", "not what was written", |source, folder| {
        let proxy = make_one(source, folder, ProxyCodec::H264Intra);
        let mut bytes = std::fs::read(&proxy).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xFF;
        std::fs::write(&proxy, bytes).unwrap();
        proxy
    }),
    ("stale", "has changed", |source, folder| {
        let proxy = make_one(source, folder, ProxyCodec::H264Intra);
        let file = std::fs::File::options().append(true).open(source).unwrap();
        std::io::Write::write_all(&mut &file, b"more").unwrap();
        proxy
    }),
    (
        "of another program, of another clip",
        "frames",
        |source, _| beside(source, &made::clip("h264-bframes.mp4").path),
    ),
];

#[test]
fn wrong_proxies_are_refused_in_words_and_the_source_plays() {
    for (what, words, spoil) in WRONG {
        let folder = quick_folder();
        let source = folder.path().join("clip.mp4");
        std::fs::copy(made::clip("h264-25.mp4").path, &source).unwrap();
        let proxies = folder.path().join("made");
        std::fs::create_dir(&proxies).unwrap();
        let path = spoil(&source, &proxies);
        let mut rig = Rig::open(&source, &proxies, ProxyUse::Always);
        let told = rig.until(|snapshot| snapshot.refusals.is_some());
        let reasons = told.refusals.clone().unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let says = |word: &str| reasons.iter().any(|reason| reason.contains(word));
        assert!(says(words) && says(&name), "{what}: {reasons:?}");
        for frame in [40, 7] {
            let picture = rig.seek(frame);
            assert!(picture.stands_for.is_none(), "{what}");
            assert_eq!(rig.number(&picture), frame, "{what}");
        }
        assert!(!told.has_proxies, "{what}");
    }
}

#[test]
fn what_others_left_beside_the_source_is_compared_once() {
    let folder = quick_folder();
    let source = folder.path().join("clip.mp4");
    std::fs::copy(made::clip("h264-25.mp4").path, &source).unwrap();
    // A true copy of half the size.
    let half = folder.path().join("half.mov");
    ffmpeg(
        &source,
        &["-vf", "scale=320:180:flags=area", "-g", "1"],
        &half,
    );
    let sidecar = beside(&source, &half);
    let proxies = folder.path().join("made");
    for _ in 0..2 {
        let mut rig = Rig::open(&source, &proxies, ProxyUse::Always);
        let told = rig.until(|snapshot| is_ready(snapshot) || snapshot.refusals.is_some());
        assert_eq!(told.refusals, None);
        let picture = rig.seek(33);
        assert!(picture.stands_for.is_some() && picture.size.width() == 320);
        assert_eq!(rig.number(&picture), 33);
        // Nothing is written where it lies.
        let siblings = std::fs::read_dir(sidecar.parent().unwrap()).unwrap();
        assert_eq!(siblings.count(), 1);
    }
    // The second time it was this note that answered.
    let notes: Vec<PathBuf> = std::fs::read_dir(&proxies)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    let note = std::fs::read_to_string(&notes[0]).unwrap();
    let refused = note.replace("\"refused\": null", "\"refused\": \"a test says so\"");
    let verified = refused.find("\"verified\": {").unwrap();
    let end = verified + refused[verified..].find('}').unwrap() + 1;
    let forged = format!(
        "{}\"verified\": null{}",
        &refused[..verified],
        &refused[end..]
    );
    std::fs::write(&notes[0], forged).unwrap();
    let rig = Rig::open(&source, &proxies, ProxyUse::Always);
    let told = rig.until(|snapshot| snapshot.refusals.is_some());
    let reasons = told.refusals.clone().unwrap();
    assert!(reasons[0].contains("a test says so"), "{reasons:?}");
}

#[test]
fn a_timeline_shows_proxies_of_its_clips() {
    let folder = quick_folder();
    let media: Vec<PathBuf> = ["h264-25.mp4", "h264-start25.mp4"]
        .map(|name| {
            let path = folder.path().join(name);
            std::fs::copy(made::clip(name).path, &path).unwrap();
            path
        })
        .into();
    let proxies = folder.path().join("made");
    std::fs::create_dir(&proxies).unwrap();
    for file in &media {
        make_one(file, &proxies, ProxyCodec::H264Intra);
    }
    let children = media
        .iter()
        .map(|file| clip(file, &range(10.0, 20.0, 25.0), &[]))
        .collect::<Vec<_>>();
    let edit = write(folder.path(), "edit", 25.0, &[track("Video", &children)]);
    let mut rig = Rig::open(&edit, &proxies, ProxyUse::Always);
    rig.until(|snapshot| snapshot.has_proxies);
    // Each clip has its own, and either may be first.
    let shown = wait_for(|| {
        let (away, picture) = (rig.seek(35), rig.seek(5));
        let (first, second) = (rig.number(&picture), rig.number(&away));
        assert_eq!((first, second), (15, 30));
        (picture.stands_for.is_some() && away.stands_for.is_some()).then_some(())
    });
    assert!(shown.is_some());
    assert!(
        rig.until(|snapshot| snapshot.rung == Rung::Half)
            .refusals
            .is_none()
    );
    rig.player.engine.send(Command::SetProxies(ProxyUse::Auto));
    let picture = rig.next(5);
    assert!(picture.stands_for.is_none());
    assert_eq!(rig.number(&picture), 15);
}

#[test]
fn what_a_clip_names_beside_its_medium_may_stand_for_it() {
    let folder = quick_folder();
    let source = folder.path().join("clip.mp4");
    std::fs::copy(made::clip("h264-25.mp4").path, &source).unwrap();
    let copy = |name: &str, size: &str| {
        let path = folder.path().join(name);
        let filter = format!("scale={size}:flags=area");
        ffmpeg(&source, &["-vf", &filter, "-g", "1"], &path);
        path
    };
    // Neither name tells what it is a copy of.
    let (small, large) = (copy("a.mov", "320:180"), copy("b.mov", "1280:720"));
    let other = made::clip("h264-bframes.mp4").path;
    let wrong = folder.path().join("c.mp4");
    std::fs::copy(other, &wrong).unwrap();
    let with = |more: &[(&str, &Path)]| {
        let mut item = clip(&source, &range(10.0, 20.0, 25.0), &[]);
        for (key, path) in more {
            item["media_references"][key] = serde_json::json!({
                "OTIO_SCHEMA": "ExternalReference.1",
                "target_url": path.to_string_lossy(),
                "available_range": null,
            });
        }
        item
    };
    let proxies = folder.path().join("made");
    let items = [with(&[("original", &large), ("proxy", &small)])];
    let edit = write(folder.path(), "edit", 25.0, &[track("Video", &items)]);
    let mut rig = Rig::open(&edit, &proxies, ProxyUse::Always);
    let told = rig.until(|snapshot| snapshot.has_proxies || snapshot.refusals.is_some());
    assert_eq!(told.refusals, None);
    let shown = wait_for(|| {
        let (_, picture) = (rig.seek(15), rig.seek(5));
        assert_eq!(rig.number(&picture), 15);
        (picture.stands_for.is_some() && picture.size.width() == 320).then_some(())
    });
    assert!(shown.is_some());
    // Another file than the one that plays is refused like any other.
    let items = [with(&[("proxy", &wrong)])];
    let edit = write(folder.path(), "wrong", 25.0, &[track("Video", &items)]);
    let rig = Rig::open(&edit, &proxies, ProxyUse::Always);
    let told = rig.until(|snapshot| snapshot.has_proxies || snapshot.refusals.is_some());
    let reasons = told.refusals.clone().unwrap_or_default();
    assert!(
        reasons.iter().any(|reason| reason.contains("c.mp4")),
        "{reasons:?}"
    );
}

/// Plays `source` round and round without a window, and answers whether its proxies in `folder` were shown: until they
/// are, where they are `expected`, and else for some seconds.
pub(crate) fn plays_proxies(
    source: &Path,
    folder: &Path,
    more: &[&dyn AsRef<OsStr>],
    expected: bool,
) -> (Ended, bool) {
    let state = folder.join("state");
    let plays: [&dyn AsRef<OsStr>; 10] = [
        &"play",
        &source,
        &"--headless",
        &"--no-audio",
        &"--loop",
        &"loop",
        &"--proxy-dir",
        &folder,
        &"--state-file",
        &state,
    ];
    let mut args = [&plays[..], more].concat();
    if !expected {
        args.extend([&"--seconds" as &dyn AsRef<OsStr>, &"4"]);
    }
    let mut running = Running::start(program::command(&args));
    let is_shown = || {
        let lines = std::fs::read_to_string(&state).unwrap_or_default();
        lines.contains("\"rung\":\"half\"")
    };
    if expected {
        wait_for(|| (is_shown() || !running.is_running()).then_some(()));
        if running.is_running() {
            running.signal(Signal::INT);
        }
    }
    (running.wait(), is_shown())
}

#[test]
fn the_command_line_says_when_proxies_are_shown() {
    let folder = quick_folder();
    let source = made::clip("h264-25.mp4").path;
    make_one(&source, folder.path(), ProxyCodec::H264Intra);
    let (_, is_shown) = plays_proxies(&source, folder.path(), &[&"--proxies", &"never"], false);
    assert!(!is_shown);
    let (_, is_shown) = plays_proxies(&source, folder.path(), &[&"--proxies", &"always"], true);
    assert!(is_shown);
    let shot = folder.path().join("shot.png");
    let run = |arguments: &[&dyn AsRef<std::ffi::OsStr>]| program::run(arguments);
    run(&[
        &"shot",
        &source,
        &"--at",
        &"30f",
        &"-o",
        &shot,
        &"--proxies",
        &"always",
    ])
    .expect(2);
    run(&[&"soak", &source, &"--proxies", &"sometimes"]).expect(2);
}

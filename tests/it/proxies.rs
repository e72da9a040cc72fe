//! Proxies have exactly the frames, times, colours and sounds of their sources, and what has not is refused
//! by its own reason.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use jogwheel::convert::{ConvertJob, CpuConverter};
use jogwheel::decode::{
    AudioRead, AudioReader, Input, Interrupter, ReaderOptions, Step, VideoReader, media_info,
    read_index,
};
use jogwheel::jobs::{JobListener, JobQueue, JobState, QueueOptions};
use jogwheel::media::{Orientation, Size, VideoFrame, VideoStream};
use jogwheel::memory::FramePool;
use jogwheel::proxy::{
    EncoderChoice, Made, MakeOptions, MakeRequest, Preset, ProxyCodec, ProxyFolder, ProxyRecord,
    ProxyState, Refusal, Verification, VerifyError, VerifyOptions, compare, verify,
};
use jogwheel::time::{FrameIndex, MediaTime, RealClock};

use crate::made;

/// A folder in memory where there is one: what is made durable there costs nothing.
pub(crate) fn quick_folder() -> tempfile::TempDir {
    let shared = Path::new("/dev/shm");
    tempfile::tempdir_in(shared).unwrap_or_else(|_absent| tempfile::tempdir().unwrap())
}

pub(crate) fn options(folder: &Path, presets: &[Preset], codec: ProxyCodec) -> MakeOptions {
    MakeOptions {
        presets: presets.to_vec(),
        codec,
        folder: ProxyFolder::new(folder),
        threads: NonZero::new(2).unwrap(),
        at_a_time: NonZero::<usize>::MIN,
        again: false,
        indices: None,
        products: None,
        ledger: None,
        encoder: EncoderChoice::Software,
    }
}

/// Makes proxies on this thread.
pub(crate) fn make(source: &Path, options: MakeOptions, listener: JobListener) -> (JobState, Made) {
    let no_workers = QueueOptions {
        workers: 0,
        waiting: 1,
    };
    let queue = JobQueue::new(no_workers, listener).unwrap();
    let request = MakeRequest::new(source.to_owned(), options, Arc::new(RealClock::new()));
    let made = request.made();
    let job = request.submit(&queue).unwrap();
    queue.run_one();
    let made = made.lock().clone();
    (job.state(), made)
}

/// Makes one proxy, which must work.
#[track_caller]
pub(crate) fn make_one(source: &Path, folder: &Path, codec: ProxyCodec) -> PathBuf {
    let options = options(folder, &[Preset::Draft], codec);
    let (state, made) = make(source, options, Arc::new(|_| {}));
    assert_eq!(state, JobState::Done, "{}, {codec}", source.display());
    made.proxies[0].path.clone()
}

pub(crate) fn verify_options() -> VerifyOptions {
    VerifyOptions {
        threads: NonZero::new(2).unwrap(),
        clock: Arc::new(RealClock::new()),
        interrupter: Interrupter::default(),
        indices: None,
    }
}

/// Every frame of a file: its time in the file, and its picture.
pub(crate) fn all_frames(
    path: &Path,
    mut each: impl FnMut(&VideoStream, MediaTime, &VideoFrame),
) -> i64 {
    let mut input = Input::open(path).unwrap();
    let stream = media_info(&input).default_video().unwrap().clone();
    let index = read_index(&mut input, &stream).unwrap();
    let reader_options = ReaderOptions {
        threads: NonZero::new(2).unwrap(),
        pool: FramePool::new(64 << 20),
        clock: Arc::new(RealClock::new()),
        interrupter: Interrupter::default(),
    };
    let again = Input::open(path).unwrap();
    let mut reader = VideoReader::new(again, stream.clone(), reader_options).unwrap();
    let mut next = 0;
    loop {
        match reader.step(&|_| true).unwrap() {
            Step::Progress => {}
            Step::End => return next,
            Step::Picture(picture) => {
                let Some(number) = picture.frame_in(&index).filter(|number| number.0 >= next)
                else {
                    continue;
                };
                assert_eq!(number.0, next, "{}: a frame is missing", path.display());
                next += 1;
                let pts = index.pts_of(number).unwrap();
                let time = index.time_base().time_from_ticks_nearest(pts);
                each(&stream, time, &reader.frame(picture).unwrap());
            }
        }
    }
}

/// Makes a proxy of every share-th clip, and looks at each of its frames.
fn check_share(share: usize, shares: usize) {
    let mut made = 0;
    for (number, clip) in made::clips(&["number", "sync"]).iter().enumerate() {
        // Those that no proxy is made of have a test of their own. Long ones are enough once.
        let is_left_out = clip.note("alpha").is_some() || clip.note("then").is_some();
        if number % shares != share || is_left_out || clip.frames > 1_000 {
            continue;
        }
        let folder = quick_folder();
        let proxy = make_one(&clip.path, folder.path(), ProxyCodec::H264Intra);
        verify(&proxy, &verify_options(), false)
            .unwrap_or_else(|error| panic!("{}: {error}", clip.name));
        let mut times = Vec::new();
        all_frames(&clip.path, |_, time, _| times.push(time));
        let mut converter = CpuConverter::new(1);
        let mut frame = 0;
        let frames = all_frames(&proxy, |stream, time, picture| {
            assert_eq!(
                Some(&time),
                times.get(frame),
                "{}: frame {frame}",
                clip.name
            );
            let shown = made::number_in(picture, stream.orientation, &mut converter);
            let wanted = clip.first + u32::try_from(frame).unwrap();
            assert_eq!(shown, Ok(wanted), "{}: frame {frame}", clip.name);
            frame += 1;
        });
        assert_eq!(frames, clip.frames, "{}", clip.name);
        made += 1;
    }
    assert!(made > 30 / shares, "{made}");
}

#[test]
fn every_frame_of_a_proxy_is_that_of_its_source_1() {
    check_share(0, 2);
}

#[test]
fn every_frame_of_a_proxy_is_that_of_its_source_2() {
    check_share(1, 2);
}

#[test]
fn what_a_proxy_could_not_stand_for_says_why() {
    for (name, words) in [
        ("ffv1-alpha.mkv", "transparency"),
        ("h264-size-change.ts", "from 640x360 to 320x180"),
        ("still.png", "a single picture"),
        ("only.wav", "no pictures"),
        ("refused-garbage.mov", "not a media file"),
    ] {
        let folder = quick_folder();
        let options = options(folder.path(), &[Preset::Draft], ProxyCodec::H264Intra);
        let (state, made) = make(&made::clip(name).path, options, Arc::new(|_| {}));
        let JobState::Failed(reason) = state else {
            panic!("{name}: {state:?}");
        };
        assert!(reason.contains(words), "{name}: {reason}");
        assert!(made.proxies.is_empty());
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "{name}"
        );
    }
}

/// The mean difference of two pictures as they are shown, in codes of 8 bits.
fn shown_difference(a: &VideoFrame, b: &VideoFrame) -> f64 {
    let out = Size::new(160, 90).unwrap();
    let job = ConvertJob {
        out,
        orientation: Orientation::UPRIGHT,
    };
    let mut converter = CpuConverter::new(1);
    let mut shown = |frame: &VideoFrame| {
        let mut rgba = vec![0u8; 160 * 90 * 4];
        converter.convert(frame, &job, &mut rgba, 160 * 4).unwrap();
        rgba
    };
    let (a, b) = (shown(a), shown(b));
    let sum: u64 = a
        .iter()
        .zip(&b)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / (160.0 * 90.0 * 3.0)
}

#[test]
fn every_codec_keeps_colour() {
    for codec in ProxyCodec::all() {
        for name in [
            "h264-bframes.mp4",
            "h264-fullrange.mp4",
            "h264-gbrp.mp4",
            "h264-444p10.mp4",
            "hevc-pq.mp4",
            "hevc-hlg.mp4",
            "h264-gray.mp4",
        ] {
            let clip = made::clip(name);
            let folder = quick_folder();
            if codec.is_rgb() && ["hevc-pq.mp4", "hevc-hlg.mp4"].contains(&name) {
                let options = options(folder.path(), &[Preset::Draft], codec);
                let (state, _) = make(&clip.path, options, Arc::new(|_| {}));
                let is_told = |reason: &str| reason.contains("it is HDR");
                assert!(
                    matches!(&state, JobState::Failed(reason) if is_told(reason)),
                    "{codec} {name}: {state:?}"
                );
                continue;
            }
            let proxy = make_one(&clip.path, folder.path(), codec);
            let found = verify(&proxy, &verify_options(), false);
            let found = found.unwrap_or_else(|error| panic!("{codec} {name}: {error}"));
            assert!(found.least_likeness > 0.9, "{codec} {name}: {found:?}");
            let mut pictures = Vec::new();
            all_frames(&clip.path, |_, time, frame| {
                if pictures.len() < 3 {
                    pictures.push((time, planes_of(frame)));
                }
            });
            let mut worst = 0.0f64;
            let mut number = 0;
            all_frames(&proxy, |_, _, frame| {
                if let Some((_, source)) = pictures.get(number) {
                    worst = worst.max(shown_difference(source, frame));
                }
                number += 1;
            });
            assert!(worst < 3.0, "{codec} {name}: {worst:.2} codes");
        }
    }
}

/// A copy of a picture that outlives its reader.
fn planes_of(frame: &VideoFrame) -> VideoFrame {
    let planes: Vec<_> = (0..frame.format.plane_count())
        .map(|plane| {
            let plane = frame.plane(plane);
            (plane.bytes, plane.stride)
        })
        .collect();
    VideoFrame {
        fields: frame.fields,
        ..VideoFrame::from_planes(frame.format, frame.size, frame.color, &planes)
    }
}

/// All samples of a file's first stream of sound, and the time of the first one.
pub(crate) fn all_sound(path: &Path) -> (MediaTime, Vec<f32>) {
    let input = Input::open(path).unwrap();
    let id = media_info(&input).audio[0].id;
    let mut reader = AudioReader::of_input(input, id, MediaTime::ZERO).unwrap();
    let mut samples = Vec::new();
    let mut begin = None;
    while let AudioRead::Chunk(chunk) = reader.read().unwrap() {
        begin.get_or_insert(chunk.start);
        samples.extend(chunk.samples.interleaved);
    }
    (begin.unwrap(), samples)
}

#[test]
fn every_sample_is_where_it_was() {
    for name in ["sync-25-aac.mp4", "sound-51.mp4", "sound-71-pcm.mov"] {
        let clip = made::clip(name);
        let folder = quick_folder();
        let proxy = make_one(&clip.path, folder.path(), ProxyCodec::H264Intra);
        let (begin, source) = all_sound(&clip.path);
        let (proxy_begin, copy) = all_sound(&proxy);
        assert_eq!((begin, source.len()), (proxy_begin, copy.len()), "{name}");
        let worst = source
            .iter()
            .zip(&copy)
            .map(|(a, b)| (a.clamp(-1.0, 1.0) - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 1.0 / 32_768.0, "{name}: {worst}");
    }
}

#[test]
fn all_sizes_come_from_one_pass_and_are_not_made_twice() {
    let folder = quick_folder();
    let large = folder.path().join("large.mp4");
    let small = made::clip("h264-bframes.mp4").path;
    ffmpeg(
        &small,
        &[
            "-an",
            "-vf",
            "scale=1920:1080:flags=neighbor",
            "-frames:v",
            "12",
        ],
        &large,
    );
    let presets = [
        Preset::Draft,
        Preset::Quarter,
        Preset::Preview,
        Preset::Half,
    ];
    let place = folder.path().join("proxies");
    let asked = options(&place, &presets, ProxyCodec::H264Intra);
    let (state, made) = make(&large, asked.clone(), Arc::new(|_| {}));
    assert_eq!(state, JobState::Done);
    let sizes: Vec<String> = made
        .proxies
        .iter()
        .map(|proxy| proxy.size.unwrap().to_string())
        .collect();
    assert_eq!(sizes, ["854x480", "960x540", "1280x720", "1920x1080"]);
    for proxy in &made.proxies {
        verify(&proxy.path, &verify_options(), false).unwrap();
        let mut converter = CpuConverter::new(1);
        let mut wanted = 0;
        all_frames(&proxy.path, |stream, _, picture| {
            let shown = made::number_in(picture, stream.orientation, &mut converter);
            assert_eq!(shown, Ok(wanted));
            wanted += 1;
        });
    }
    let before: Vec<_> = asked.folder.list().unwrap();
    assert!(
        before
            .iter()
            .all(|proxy| proxy.state == ProxyState::Verified)
    );
    let (state, again) = make(&large, asked.clone(), Arc::new(|_| {}));
    assert_eq!((state, again.frames), (JobState::Done, 0));
    assert!(again.proxies.iter().all(|proxy| proxy.size.is_none()));
    assert_eq!(asked.folder.list().unwrap(), before);
}

pub(crate) fn ffmpeg(source: &Path, arguments: &[&str], target: &Path) {
    let run = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-i"])
        .arg(source)
        .args([
            "-c:a",
            "pcm_s16le",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-crf",
            "12",
        ])
        .args(arguments)
        .arg(target)
        .output()
        .expect("the ffmpeg program runs; scripts/setup --test installs it");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "ffmpeg {arguments:?}: {said}");
}

/// What a comparison with the proxy of an altered copy comes to.
fn compared(source: &Path, change: &[&str]) -> Result<Verification, Refusal> {
    let folder = quick_folder();
    let altered = folder.path().join("altered.mov");
    ffmpeg(source, change, &altered);
    let proxy = make_one(&altered, folder.path(), ProxyCodec::H264Intra);
    match compare(Input::open(source).unwrap(), &proxy, &verify_options()) {
        Ok(found) => Ok(found),
        Err(VerifyError::Refused(_, refusal)) => Err(refusal),
        Err(error) => panic!("{change:?}: {error}"),
    }
}

/// Whether a refusal is the right one.
type Expected = fn(&Refusal) -> bool;

/// What makes a copy of a clip another one, and how its proxy is refused.
const WRONG: [(&[&str], Expected); 14] = [
    (&["-frames:v", "47"], |refusal| {
        let (source_frames, proxy) = (48, 47);
        *refusal
            == Refusal::FrameCount {
                source_frames,
                proxy,
            }
    }),
    (
        &["-vf", "tpad=start=1:start_mode=clone", "-frames:v", "48"],
        |refusal| matches!(refusal, Refusal::Shifted { frame, shows } if frame.0 == shows.0 + 1),
    ),
    (
        &[
            "-vf",
            "trim=start_frame=1,setpts=PTS-STARTPTS,tpad=stop=1:stop_mode=clone",
        ],
        |refusal| matches!(refusal, Refusal::Shifted { frame, shows } if frame.0 + 1 == shows.0),
    ),
    (
        &[
            "-vf",
            "setpts='PTS+if(eq(N,20),0.01/TB,0)'",
            "-vsync",
            "passthrough",
            "-enc_time_base",
            "1:12000",
        ],
        |refusal| {
            matches!(
                refusal,
                Refusal::TimeStamp {
                    frame: FrameIndex(20),
                    ..
                }
            )
        },
    ),
    (&["-vf", "hflip,vflip"], |refusal| {
        matches!(refusal, Refusal::Picture { .. })
    }),
    (&["-vf", "setpts=N/25/TB", "-r", "25"], |refusal| {
        matches!(refusal, Refusal::Rate { .. })
    }),
    (
        &["-c:v", "copy", "-metadata:s:v:0", "rotate=90"],
        |refusal| *refusal == Refusal::Orientation,
    ),
    (
        &[
            "-c:v",
            "copy",
            "-bsf:v",
            "h264_metadata=video_full_range_flag=1",
        ],
        |refusal| matches!(refusal, Refusal::Range { .. }),
    ),
    (
        &[
            "-vf",
            "scale=in_range=limited:out_range=full,setparams=range=limited",
        ],
        |refusal| matches!(refusal, Refusal::Levels { .. }),
    ),
    (&["-af", "pan=stereo|c0=c1|c1=c0"], |refusal| {
        let (channel, proxy) = (1, 2);
        *refusal == Refusal::ChannelsSwapped { channel, proxy }
    }),
    (&["-ac", "1"], |refusal| {
        matches!(
            refusal,
            Refusal::Channels {
                source_channels: 2,
                proxy: 1
            }
        )
    }),
    (&["-an"], |refusal| {
        let (source_streams, proxy) = (1, 0);
        *refusal
            == Refusal::SoundStreams {
                source_streams,
                proxy,
            }
    }),
    (&["-vf", "setsar=4/3"], |refusal| {
        matches!(refusal, Refusal::SampleAspect { .. })
    }),
    (&["-timecode", "01:00:00:00"], |refusal| {
        matches!(refusal, Refusal::Timecode { .. })
    }),
];

#[test]
fn every_wrong_proxy_is_refused_for_its_own_reason() {
    let source = made::clip("sound-stereo.mp4").path;
    let mut sentences = Vec::new();
    for (change, is_expected) in WRONG {
        let refusal = compared(&source, change).expect_err(&format!("{change:?} is refused"));
        assert!(is_expected(&refusal), "{change:?}: {refusal:?}");
        sentences.push(refusal.to_string());
    }
    sentences.sort();
    let count = sentences.len();
    sentences.dedup();
    assert_eq!(sentences.len(), count, "each has its own sentence");
}

#[test]
fn a_right_proxy_is_accepted_whatever_it_was_encoded_from() {
    let source = made::clip("sound-stereo.mp4").path;
    let found = compared(&source, &[]).unwrap();
    assert_eq!(found.frames, 48);
    assert!(
        found.samples >= 5 && found.least_likeness > 0.95,
        "{found:?}"
    );
}

#[test]
fn what_changed_since_is_noticed_and_what_did_not_is_not_read_again() {
    let folder = quick_folder();
    let source = folder.path().join("clip.mp4");
    let copy = || std::fs::copy(made::clip("h264-25.mp4").path, &source).unwrap();
    copy();
    let refusal = |proxy: &Path| match verify(proxy, &verify_options(), false) {
        Err(VerifyError::Refused(_, refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let proxies = folder.path().join("proxies");
    let proxy = make_one(&source, &proxies, ProxyCodec::H264Intra);
    let state = || ProxyFolder::new(&proxies).list().unwrap()[0].state;
    assert_eq!(state(), ProxyState::Unverified);
    let found = verify(&proxy, &verify_options(), false).unwrap();
    assert_eq!(state(), ProxyState::Verified);
    // Verified again, it is what was noted: that is changed here, to see that it is read.
    let mut record = ProxyRecord::read_beside(&proxy).unwrap();
    let noted = Verification {
        samples: 1_000,
        ..found
    };
    record.verified = Some(noted);
    record.write_beside(&proxy).unwrap();
    assert_eq!(verify(&proxy, &verify_options(), false).unwrap(), noted);
    assert_eq!(verify(&proxy, &verify_options(), true).unwrap(), found);

    // The proxy decays.
    let whole = std::fs::read(&proxy).unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    std::fs::write(&proxy, &damaged).unwrap();
    assert_eq!(refusal(&proxy), Refusal::Altered);
    assert_eq!(state(), ProxyState::ProxyChanged);
    // The source is written to, and replaced, and gone.
    let file = std::fs::File::options().append(true).open(&source).unwrap();
    std::io::Write::write_all(&mut &file, b"more").unwrap();
    assert_eq!(refusal(&proxy), Refusal::Stale);
    let other = folder.path().join("other.mp4");
    std::fs::copy(&source, &other).unwrap();
    std::fs::rename(&other, &source).unwrap();
    assert_eq!(refusal(&proxy), Refusal::OtherSource);
    std::fs::remove_file(&source).unwrap();
    assert!(matches!(
        verify(&proxy, &verify_options(), false),
        Err(VerifyError::Open(_))
    ));
    // And nothing says what it is a proxy of.
    std::fs::remove_file(ProxyRecord::path_beside(&proxy)).unwrap();
    assert_eq!(refusal(&proxy), Refusal::Unknown);
}

//! A timeline that changes on disk while it is open.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};
use jogwheel::app::{Player, PlayerOptions};
use jogwheel::memory::MemoryBudget;
use jogwheel::playback::{Command, PlaybackStatus, SeekTarget, Snapshot, TimelineSettings};
use jogwheel::time::FrameIndex;

use crate::made;
use crate::otio::{clip, range, track, write};
use crate::program::HUNG;

fn player(path: &Path) -> (Player, Receiver<()>) {
    let (send, news) = bounded(1);
    let wake = Arc::new(move || {
        let _already = send.try_send(());
    });
    let options = PlayerOptions {
        budget: MemoryBudget::stated(512 << 20),
        threads: NonZero::new(2),
        timelines: TimelineSettings {
            media_roots: vec![made::folder()],
            ..TimelineSettings::default()
        },
        ..PlayerOptions::paused_and_silent(vec![path.to_owned()])
    };
    (Player::start(options, wake).unwrap(), news)
}

fn until(player: &Player, news: &Receiver<()>, is_so: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    loop {
        let snapshot = player.engine.snapshot();
        if is_so(&snapshot) {
            return snapshot;
        }
        news.recv_timeout(HUNG).expect("something new is told");
    }
}

fn frames(snapshot: &Snapshot) -> i64 {
    snapshot.media.as_ref().map_or(0, |media| media.frames)
}

#[test]
fn an_edit_on_disk_is_taken_over_where_the_old_one_stood() {
    let folder = tempfile::tempdir().unwrap();
    let file = made::clip("h264-bframes.mp4").path;
    let shots = |lengths: &[f64]| {
        let shot = |&length: &f64| clip(&file, &range(0.0, length, 30.0), &[]);
        track("Video", &lengths.iter().map(shot).collect::<Vec<_>>())
    };
    let path = write(folder.path(), "cut", 30.0, &[shots(&[40.0, 40.0])]);
    let (player, news) = player(&path);
    until(&player, &news, |now| {
        frames(now) == 80 && now.status == PlaybackStatus::Paused
    });
    let seek = |frame| Command::Seek(SeekTarget::Frame(FrameIndex(frame)));
    player.engine.send(seek(55));
    player.engine.send(Command::SetIn(Some(FrameIndex(10))));
    player.engine.send(Command::SetOut(Some(FrameIndex(75))));
    until(&player, &news, |now| now.position == FrameIndex(55));

    // Longer: position and marks stay.
    write(folder.path(), "cut", 30.0, &[shots(&[40.0, 40.0, 40.0])]);
    let now = until(&player, &news, |now| frames(now) == 120);
    assert_eq!(now.position, FrameIndex(55));
    assert_eq!(now.status, PlaybackStatus::Paused);
    assert_eq!(
        (now.mark_in, now.mark_out),
        (Some(FrameIndex(10)), Some(FrameIndex(75)))
    );
    assert!(
        now.notices
            .iter()
            .any(|notice| notice.text.contains("read again"))
    );

    // Half written: nothing changes but for the notice.
    std::fs::write(&path, "{\"OTIO_SCHEMA\": \"Timeline.1\", ").unwrap();
    let now = until(&player, &news, |now| {
        now.notices
            .iter()
            .any(|notice| notice.text.contains("plays on"))
    });
    assert_eq!((frames(&now), now.position), (120, FrameIndex(55)));

    // Shorter than where it stood: its last frame is held.
    write(folder.path(), "cut", 30.0, &[shots(&[30.0])]);
    let now = until(&player, &news, |now| frames(now) == 30);
    assert_eq!(now.position, FrameIndex(29));
    assert_eq!((now.mark_in, now.mark_out), (Some(FrameIndex(10)), None));
}

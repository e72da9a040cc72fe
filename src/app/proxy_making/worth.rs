//! What proxies are worth making of.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::decode::Rung;
use crate::media::{MediaInfo, VideoStream};
use crate::playback::{MediaState, Snapshot};
use crate::proxy::is_large;
use crate::time::{FrameIndex, Speed};
use crate::timeline::Located;

/// Playing for so long with frames left out shows that the source is too much.
const BEHIND: Duration = Duration::from_secs(1);

/// So do so many frames that came late or not at all.
const MANY_LOST: u64 = 24;

/// How playing a medium goes.
#[derive(Default)]
pub(super) struct Trouble {
    medium: Option<Arc<MediaInfo>>,
    /// What the counts were at the last look: they go on from one medium to the next.
    lost_before: u64,
    behind_before: Duration,
    /// What came to them since while it played at its own speed.
    lost: u64,
    behind: Duration,
    is_told: bool,
}

impl Trouble {
    /// Whether it has shown just now that the medium is too much for the machine. Told once.
    pub(super) fn is_news(&mut self, media: &MediaState, snapshot: &Snapshot, lost: u64) -> bool {
        let is_known = self
            .medium
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &media.info));
        let times = &snapshot.quality.times;
        let behind = times
            .of(Rung::Thinned)
            .saturating_add(times.of(Rung::Keyframes));
        if !is_known {
            *self = Self {
                medium: Some(Arc::clone(&media.info)),
                lost_before: lost,
                behind_before: behind,
                ..Self::default()
            };
        }
        // Counts may begin anew.
        let lost_now = lost.saturating_sub(self.lost_before);
        let behind_now = behind.saturating_sub(self.behind_before);
        (self.lost_before, self.behind_before) = (lost, behind);
        // Nobody expects every frame of what is wound.
        if snapshot.is_running() && snapshot.speed == Speed::NORMAL {
            self.lost += lost_now;
            self.behind = self.behind.saturating_add(behind_now);
        }
        if self.is_told || !is_large_and_long(media) {
            return false;
        }
        self.is_told = self.behind >= BEHIND || self.lost >= MANY_LOST;
        self.is_told
    }
}

/// Whether a medium is a file of large pictures that need one another to be decoded. Of what is coded picture by
/// picture a proxy saves less than it costs.
fn is_large_and_long(media: &MediaState) -> bool {
    let Some(stream) = media.info.default_video() else {
        return false;
    };
    let is_long = media.index.as_ref().is_some_and(|index| {
        let keyframes = i64::try_from(index.keyframes().len()).unwrap_or(i64::MAX);
        // Numbered pictures have none, for each is one.
        index.is_complete() && (1..index.len()).contains(&keyframes)
    });
    media.timeline.is_none() && can_have_proxies(stream) && is_large(stream.size) && is_long
}

fn can_have_proxies(stream: &VideoStream) -> bool {
    !stream.is_still && !stream.format.alpha
}

/// What proxies are made of: the file, or those of a timeline, the ones that are seen nearest to `position` first.
/// No file is looked at.
pub(super) fn files_of(media: &MediaState, position: FrameIndex) -> Vec<PathBuf> {
    let Some(timeline) = &media.timeline else {
        let path = &media.info.path;
        let has_some = media.info.default_video().is_some_and(can_have_proxies);
        return has_some.then(|| path.clone()).into_iter().collect();
    };
    let at = media.rate.time_of_frame_nearest(position);
    let mut files: Vec<(u64, PathBuf)> = Vec::new();
    for clip in timeline.edit.clips() {
        let source = clip.source.0 as usize;
        let has_pictures = timeline
            .edit
            .source(clip.source)
            .is_some_and(|source| source.has_video);
        let (Some(Located::File(path)), true) = (timeline.located.get(source), has_pictures) else {
            continue;
        };
        let inside = at.clamp(clip.range.start, clip.range.end());
        let away = (inside - at).flicks().unsigned_abs();
        match files.iter_mut().find(|(_, known)| known == path) {
            Some((known, _)) => *known = away.min(*known),
            None => files.push((away, path.clone())),
        }
    }
    files.sort();
    files.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{GopIndex, IndexBuilder, Input, PacketStamp, media_info};
    use crate::media::Size;
    use crate::playback::{PlaybackStatus, RungTimes};
    use crate::time::{FrameRate, MediaSpan, TimeBase};

    fn playing(speed: Speed) -> Snapshot {
        Snapshot {
            status: PlaybackStatus::Playing,
            speed,
            ..Snapshot::default()
        }
    }

    /// A film of 100 pictures, of which every so many are keyframes.
    fn index(gop: usize) -> GopIndex {
        let base = TimeBase::new(1, 25).unwrap();
        let mut builder = IndexBuilder::new(base, FrameRate::new(25, 1).unwrap(), 0);
        for number in 0..100 {
            builder.push(PacketStamp {
                pts: Some(number),
                dts: Some(number),
                duration: 1,
                is_key: usize::try_from(number).unwrap() % gop == 0,
                is_discarded: false,
                position: None,
            });
        }
        builder.publish(true)
    }

    /// A medium of this height that says it is 16:9, and where it is.
    fn medium(height: u32, index: GopIndex) -> (tempfile::TempDir, MediaState) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gray.y4m");
        let frame = [&b"FRAME\n"[..], &[128; 16 * 16 * 3 / 2]].concat();
        let header = &b"YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg\n"[..];
        std::fs::write(&path, [header, &frame.repeat(2)].concat()).unwrap();
        let mut info = media_info(&Input::open(&path).unwrap());
        for video in &mut info.video {
            video.size = Size::new(height * 16 / 9, height).unwrap();
        }
        let medium = MediaState {
            frames: 100,
            index_complete: true,
            duration: MediaSpan::from_secs(4),
            index: Some(Arc::new(index)),
            rate: FrameRate::new(25, 1).unwrap(),
            timeline: None,
            info: Arc::new(info),
        };
        (folder, medium)
    }

    #[test]
    fn only_large_films_that_lose_many_frames_are_too_much_and_that_is_news_once() {
        let snapshot = playing(Speed::NORMAL);
        let is_news = |height, gop, lost: &[u64]| {
            let (_folder, medium) = medium(height, index(gop));
            let mut trouble = Trouble::default();
            let told = lost
                .iter()
                .filter(|&&lost| trouble.is_news(&medium, &snapshot, lost));
            told.count()
        };
        assert_eq!(is_news(2160, 50, &[0, 10, 23]), 0);
        assert_eq!(is_news(2160, 50, &[0, 24, 90]), 1);
        // What was lost before it was opened is not its fault; a count may begin anew.
        assert_eq!(is_news(2160, 50, &[100, 123]), 0);
        assert_eq!(is_news(2160, 50, &[100, 3, 27]), 1);
        assert_eq!(is_news(1080, 50, &[0, 90]), 0);
        assert_eq!(is_news(2160, 1, &[0, 90]), 0, "picture by picture");
        let numbered = GopIndex::constant(FrameRate::new(25, 1).unwrap(), 100);
        let (_folder, numbered) = medium(2160, numbered);
        assert!(!Trouble::default().is_news(&numbered, &snapshot, 0));
        let mut trouble = Trouble::default();
        trouble.is_news(&numbered, &snapshot, 0);
        assert!(!trouble.is_news(&numbered, &snapshot, 90));
    }

    #[test]
    fn what_is_left_out_counts_for_its_own_medium_and_at_its_own_speed() {
        let behind = |speed, millis| {
            let mut snapshot = playing(speed);
            let time = Duration::from_millis(millis);
            snapshot.quality.times = RungTimes::only(Rung::Thinned, time);
            snapshot
        };
        let (_folder, first) = medium(2160, index(50));
        let (_folder, second) = medium(2160, index(50));
        let mut trouble = Trouble::default();
        let mut is_news = |medium, snapshot: Snapshot| trouble.is_news(medium, &snapshot, 0);
        assert!(!is_news(&first, behind(Speed::NORMAL, 0)));
        assert!(!is_news(&first, behind(Speed::NORMAL, 999)));
        assert!(!is_news(
            &first,
            behind(Speed::from_quarters(16).unwrap(), 5_000)
        ));
        assert!(is_news(&first, behind(Speed::NORMAL, 5_001)));
        assert!(!is_news(&second, behind(Speed::NORMAL, 5_500)));
        assert!(!is_news(&second, behind(Speed::NORMAL, 6_499)));
        assert!(is_news(&second, behind(Speed::NORMAL, 6_500)));
    }

    #[test]
    fn proxies_of_a_file_are_made_of_the_file_and_of_a_still_none() {
        let (_folder, mut medium) = medium(1080, index(25));
        let path = medium.info.path.clone();
        assert_eq!(files_of(&medium, FrameIndex::ZERO), [path]);
        let mut info = MediaInfo::clone(&medium.info);
        info.video[0].is_still = true;
        medium.info = Arc::new(info);
        assert!(files_of(&medium, FrameIndex::ZERO).is_empty());
    }
}

//! What is out of the ordinary about pictures: told of a medium as a whole, and of a timeline for the clip
//! that is on the screen.

use std::path::Path;

use jogwheel::media::{PictureTrait, PictureTraits};
use jogwheel::playback::ProxyUse;

use crate::ladder_play::Rig;
use crate::made;
use crate::otio::{clip, range, track, write};
use crate::proxies::quick_folder;

/// Made clips and what they have that badges tell.
const CLIPS: [(&str, &[PictureTrait]); 6] = [
    ("h264-25.mp4", &[]),
    ("hevc-pq.mp4", &[PictureTrait::Pq]),
    ("hevc-hlg.mp4", &[PictureTrait::Hlg]),
    ("mpeg2-interlaced-tff.ts", &[PictureTrait::Interlaced]),
    ("prores4444-alpha.mov", &[PictureTrait::Alpha]),
    ("h264-vfr-jitter.mp4", &[PictureTrait::VariableRate]),
];

fn set(traits: &[PictureTrait]) -> PictureTraits {
    let none = PictureTraits::default();
    traits.iter().fold(none, |set, &one| set.with(one, true))
}

/// The set, but for colour that was guessed: what a file states of it is not what is tested here.
fn but_guesses(traits: PictureTraits) -> PictureTraits {
    let stated: Vec<PictureTrait> = traits
        .iter()
        .filter(|&one| one != PictureTrait::GuessedColor)
        .collect();
    set(&stated)
}

#[test]
fn a_medium_has_those_of_its_stream_and_its_index() {
    for (name, wanted) in CLIPS {
        let rig = Rig::open(&made::clip(name).path, Path::new(""), ProxyUse::Never);
        rig.until(|snapshot| but_guesses(snapshot.traits) == set(wanted));
    }
}

#[test]
fn a_timeline_has_those_of_the_clip_that_is_seen() {
    let folder = quick_folder();
    let children: Vec<_> = CLIPS
        .iter()
        .map(|(name, _)| {
            let path = folder.path().join(name);
            std::fs::copy(made::clip(name).path, &path).unwrap();
            clip(&path, &range(0.0, 10.0, 25.0), &[])
        })
        .collect();
    let edit = write(folder.path(), "edit", 25.0, &[track("Video", &children)]);
    let mut rig = Rig::open(&edit, Path::new(""), ProxyUse::Never);
    rig.until(|snapshot| snapshot.media.is_some());
    // There and back again: what was told of one clip is not told of the next.
    for place in [0, 1, 2, 3, 4, 5, 2, 0] {
        rig.seek(10 * place + 4);
        let wanted = set(CLIPS[usize::try_from(place).unwrap()].1);
        rig.until(|snapshot| but_guesses(snapshot.traits) == wanted);
    }
}

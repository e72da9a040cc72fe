use super::*;
use crate::time::{FrameIndex, FrameRate};
use crate::timeline::{MissingFrames, StatedRange, TimeRange};

/// `here` holds the timeline; everything else is elsewhere.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn new(files: &[&str]) -> Self {
        let disk = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(disk.path("here")).unwrap();
        for file in files {
            let path = disk.path(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        disk
    }

    /// The temporary folder may itself be reached by a link.
    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(relative)
    }

    fn link(&self, from: &str, to: &str) {
        std::os::unix::fs::symlink(self.path(to), self.path(from)).unwrap();
    }

    fn locator(&self, roots: &[&str]) -> Locator {
        let roots = roots.iter().map(|root| self.path(root)).collect();
        Locator::new(&self.path("here/cut.otio"), roots)
    }

    /// What `target` leads to with these roots, relative to the disk, or why to nothing.
    fn find(&self, target: &str, roots: &[&str]) -> Result<String, MissingReason> {
        self.outcome(&file(target), "clip", roots)
    }

    fn outcome(
        &self,
        reference: &MediaReference,
        clip: &str,
        roots: &[&str],
    ) -> Result<String, MissingReason> {
        let below = |path: &Path| {
            let path = path.strip_prefix(self.path("")).unwrap();
            path.to_str().unwrap().to_owned()
        };
        match self.locator(roots).locate(reference, clip, &|_| Some(0)) {
            Located::File(path) => Ok(below(&path)),
            Located::Sequence(sequence) => Ok(below(&sequence.pattern())),
            Located::Missing(missing) => Err(missing.why),
            Located::Generated(generator) => panic!("{generator:?}"),
        }
    }
}

fn file(target: &str) -> MediaReference {
    MediaReference::File {
        target: target.into(),
        available: None,
    }
}

fn reel(name: &str) -> MediaReference {
    MediaReference::Missing {
        name: name.into(),
        available: None,
    }
}

fn numbered(base: &str, prefix: &str, start: i64) -> SequenceReference {
    SequenceReference {
        base: base.into(),
        prefix: prefix.into(),
        suffix: ".exr".into(),
        start,
        step: 1,
        digits: 4,
        rate: FrameRate::new(24, 1).unwrap(),
        missing: MissingFrames::Hold,
        available: None,
    }
}

#[test]
fn a_reference_leads_where_it_says_when_that_is_inside_the_roots() {
    let disk = Disk::new(&["here/a b.mov", "here/media/c.mov", "there/deep/d.mov"]);
    for target in [
        "a b.mov",
        "a%20b.mov",
        "./a b.mov",
        "media/../a b.mov",
        &format!("file://{}", disk.path("here/a%20b.mov").display()),
        &disk.path("here/a b.mov").display().to_string(),
    ] {
        assert_eq!(
            disk.find(target, &[]).as_deref(),
            Ok("here/a b.mov"),
            "{target}"
        );
    }
    assert_eq!(
        disk.find(r"media\c.mov", &[]).as_deref(),
        Ok("here/media/c.mov")
    );
    assert_eq!(
        disk.find("deep/d.mov", &["there"]).as_deref(),
        Ok("there/deep/d.mov")
    );
    let absolute = disk.path("there/deep/d.mov").display().to_string();
    assert_eq!(
        disk.find(&absolute, &["there"]).as_deref(),
        Ok("there/deep/d.mov")
    );
    assert_eq!(
        disk.find("media", &[]),
        Err(MissingReason::NotFound),
        "a folder"
    );
}

#[test]
fn nothing_outside_the_roots_is_opened() {
    let disk = Disk::new(&["here/x", "there/a.mov", "hereafter/b.mov"]);
    let outside = |target: &str, path: &str| {
        let found = disk.find(target, &[]);
        assert_eq!(
            found,
            Err(MissingReason::Outside(disk.path(path))),
            "{target}"
        );
    };
    outside(
        &disk.path("there/a.mov").display().to_string(),
        "there/a.mov",
    );
    outside("../there/a.mov", "there/a.mov");
    outside("../hereafter/b.mov", "hereafter/b.mov");
    disk.link("here/link.mov", "there/a.mov");
    outside("link.mov", "there/a.mov");
    disk.link("here/folder", "there");
    outside("folder/a.mov", "there/a.mov");
    outside("file:///etc/passwd", "/etc/passwd");
    for (target, scheme) in [
        ("http://example.org/a.mov", "http"),
        ("concat://here/x", "concat"),
        ("subfile,,start,0,end,9,,://none", ""),
    ] {
        let why = disk.find(target, &[]).unwrap_err();
        let expected = if scheme.is_empty() {
            MissingReason::NotFound
        } else {
            MissingReason::Address(scheme.to_owned())
        };
        assert_eq!(why, expected);
    }
    let located = disk
        .locator(&[])
        .locate(&file("../there/a.mov"), "clip", &|_| None);
    let Located::Missing(missing) = located else {
        panic!("{located:?}");
    };
    let there = disk.path("there").display().to_string();
    assert!(missing.hint().ends_with(&format!("--media-root {there}")));
    assert_eq!(missing.name, "a.mov");
}

#[test]
fn links_inside_the_roots_and_roots_that_are_links_are_followed() {
    let disk = Disk::new(&["here/real/a.mov", "there/b.mov"]);
    disk.link("here/a.mov", "here/real/a.mov");
    disk.link("root", "there");
    disk.link("here/b.mov", "there/b.mov");
    assert_eq!(disk.find("a.mov", &[]).as_deref(), Ok("here/real/a.mov"));
    assert_eq!(disk.find("b.mov", &["root"]).as_deref(), Ok("there/b.mov"));
    disk.link("here/circle.mov", "here/circle.mov");
    assert_eq!(disk.find("circle.mov", &[]), Err(MissingReason::NotFound));
}

#[test]
fn what_has_moved_is_found_by_name_and_the_folders_it_was_in() {
    let disk = Disk::new(&[
        "there/day1/cam a/clip.mov",
        "there/day2/cam a/clip.mov",
        "there/other/CLIP.MOV",
        "here/only.mov",
    ]);
    for (target, expected) in [
        (r"D:\Show\Day2\Cam A\clip.mov", "there/day2/cam a/clip.mov"),
        (
            "file:///Volumes/Show/day1/cam%20a/clip.mov",
            "there/day1/cam a/clip.mov",
        ),
        ("file://server/other/clip.mov", "there/other/CLIP.MOV"),
        ("/nowhere/only.mov", "here/only.mov"),
        // Nothing in common but the name: upper and lower case decide, then the order.
        ("/x/CLIP.MOV", "there/other/CLIP.MOV"),
        ("/x/clip.mov", "there/day1/cam a/clip.mov"),
    ] {
        assert_eq!(
            disk.find(target, &["there"]).as_deref(),
            Ok(expected),
            "{target}"
        );
    }
    assert_eq!(
        disk.find("/x/none.mov", &["there"]),
        Err(MissingReason::NotFound)
    );
    assert_eq!(
        disk.find("/x/clip.mov", &[]),
        Err(MissingReason::NotFound),
        "the other folder is not a root"
    );
}

#[test]
fn files_of_one_name_are_told_apart_by_their_content() {
    let disk = Disk::new(&["there/1/a.mov", "there/2/a.mov", "there/3/a.mov"]);
    let locator = disk.locator(&["there"]);
    let find = |accepts: &Fingerprint<'_>| locator.locate(&file("/gone/a.mov"), "clip", accepts);
    let second = disk.path("there/2/a.mov");
    let by_score = find(&|path| Some(u32::from(path == second)));
    assert_eq!(by_score, Located::File(second.clone()));
    let by_exclusion = find(&|path| (path == second).then_some(0));
    assert_eq!(by_exclusion, Located::File(second));
    let Located::Missing(missing) = find(&|_| None) else {
        panic!("none was accepted");
    };
    assert_eq!(
        missing.why,
        MissingReason::Mismatch(disk.path("there/1/a.mov"))
    );
    // What is where it should be is not asked about.
    let there = disk.path("there/3/a.mov");
    let direct = file(&there.display().to_string());
    assert_eq!(
        locator.locate(&direct, "clip", &|_| None),
        Located::File(there)
    );
}

#[test]
fn reels_are_found_by_the_beginning_of_a_name() {
    let disk = Disk::new(&[
        "here/cut.edl",
        "here/A001C003_200101_R1.mov",
        "here/A001C003_200101_R1.txt",
        "here/A001C0031.mov",
        "here/b002.mxf",
        "here/b002_proxy.mov",
        "here/many_1.mov",
        "here/many_2.mov",
        "here/AX_1.mov",
        "here/dpx/C003.0001.dpx",
        "here/dpx/C003.0002.dpx",
        "here/D004_v2.1.dpx",
        "here/D004_v2.2.dpx",
    ]);
    let find = |name: &str, clip: &str| disk.outcome(&reel(name), clip, &[]);
    let first = "here/A001C003_200101_R1.mov";
    assert_eq!(find("a001c003", "").as_deref(), Ok(first));
    assert_eq!(find("A001C003_200101_R1.MOV", "").as_deref(), Ok(first));
    assert_eq!(find("B002", "clip").as_deref(), Ok("here/b002.mxf"));
    assert_eq!(find("unknown", "b002").as_deref(), Ok("here/b002.mxf"));
    assert_eq!(
        find("C003", "").as_deref(),
        Ok("here/dpx/C003.[0001-0002].dpx")
    );
    assert_eq!(find("D004", "").as_deref(), Ok("here/D004_v2.[1-2].dpx"));
    let Err(MissingReason::Ambiguous(paths)) = find("many", "") else {
        panic!("two begin so");
    };
    assert_eq!(paths.len(), 2);
    for (name, clip) in [("AX", "none"), ("A001C00", ""), ("BL", "Black")] {
        assert_eq!(
            find(name, clip),
            Err(MissingReason::NotFound),
            "{name}, {clip}"
        );
    }
    assert_eq!(find("", "b002"), Err(MissingReason::NotStated));
    assert_eq!(
        disk.find("A001C003", &[]).as_deref(),
        Ok(first),
        "a target without extension"
    );
    assert_eq!(disk.find("", &[]), Err(MissingReason::NotStated));
}

#[test]
fn sequences_are_found_by_folder_and_by_name() {
    let disk = Disk::new(&[
        "here/plates/img.0001.exr",
        "here/plates/img.0002.exr",
        "there/moved/shot.0010.exr",
        "there/moved/shot.0012.exr",
        "there/else/shot.0500.exr",
    ]);
    let find = |sequence: SequenceReference| {
        disk.outcome(&MediaReference::Sequence(sequence), "clip", &["there"])
    };
    let here = "here/plates/img.[0001-0002].exr";
    assert_eq!(find(numbered("plates", "img.", 1)).as_deref(), Ok(here));
    assert_eq!(find(numbered("plates/", "img.", 1)).as_deref(), Ok(here));
    assert_eq!(find(numbered("", "plates/img.", 1)).as_deref(), Ok(here));
    assert_eq!(
        find(numbered("/gone/PLATES", "img.", 1)).as_deref(),
        Ok(here)
    );
    let moved = "there/moved/shot.[0010-0012].exr";
    assert_eq!(
        find(numbered("file:///gone/moved", "shot.", 10)).as_deref(),
        Ok(moved)
    );
    // The first pictures may be the ones that are missing.
    let mut late = numbered("", "shot.", 8);
    let rate = late.rate;
    late.available = Some(StatedRange {
        range: TimeRange::between(
            rate.time_of_frame_nearest(FrameIndex(0)),
            rate.time_of_frame_nearest(FrameIndex(6)),
        ),
        rate,
    });
    assert_eq!(
        find(late).as_deref(),
        Ok("there/moved/shot.[0008-0013].exr")
    );
    assert_eq!(find(numbered("", "none.", 1)), Err(MissingReason::NotFound));
    let away = numbered("http://x/", "img.", 1);
    assert_eq!(find(away), Err(MissingReason::Address("http".to_owned())));
    let out = MediaReference::Sequence(numbered("../there/moved", "shot.", 10));
    assert_eq!(
        disk.outcome(&out, "clip", &[]),
        Err(MissingReason::Outside(disk.path("there/moved")))
    );
    let none = MediaReference::Sequence(numbered("../there/moved", "none.", 10));
    assert_eq!(
        disk.outcome(&none, "clip", &[]),
        Err(MissingReason::NotFound)
    );
    // A picture that is a link out of the roots is as good as none.
    disk.link("here/plates/img.0003.exr", "there/moved/shot.0010.exr");
    let plates = MediaReference::Sequence(numbered("plates", "img.", 1));
    assert_eq!(disk.outcome(&plates, "clip", &[]).as_deref(), Ok(here));
}

#[test]
fn patterns_name_sequences_unless_a_file_has_that_name() {
    let disk = Disk::new(&[
        "here/p/img.1001.exr",
        "here/p/img.1002.exr",
        "here/p/img.1004.exr",
        "here/real.####.mov",
    ]);
    let all = "here/p/img.[1001-1004].exr";
    for target in [
        "p/img.%04d.exr",
        "p/img.####.exr",
        "p/img.#.exr",
        "p/img.@@@@.exr",
        "p/img.[1001-1004].exr",
        "file:///gone/p/img.%2504d.exr",
        r"Z:\p\img.%04d.exr",
    ] {
        assert_eq!(disk.find(target, &[]).as_deref(), Ok(all), "{target}");
    }
    assert_eq!(
        disk.find("p/img.[1000-1002].exr", &[]).as_deref(),
        Ok("here/p/img.[1000-1002].exr")
    );
    assert_eq!(
        disk.find("real.####.mov", &[]).as_deref(),
        Ok("here/real.####.mov")
    );
    assert_eq!(
        disk.find("p/img.%06d.exr", &[]),
        Err(MissingReason::NotFound)
    );
}

#[test]
fn generators_need_no_file_and_notes_tell_of_what_was_not_read() {
    let disk = Disk::new(&[]);
    let bars = MediaReference::Generator {
        generator: Generator::Bars,
        available: None,
    };
    let locator = disk.locator(&["none"]);
    assert_eq!(
        locator.locate(&bars, "", &|_| None),
        Located::Generated(Generator::Bars)
    );
    assert!(locator.notes().is_empty());
    let Located::Missing(missing) = locator.locate(&file("a.mov"), "clip", &|_| None) else {
        panic!("there is no such file");
    };
    assert_eq!(missing.looked_in, [disk.path("here"), disk.path("none")]);
    assert!(locator.notes()[0].contains("none cannot be read"));
}

//! Media that are missing or break off, many of them, and little memory.

use std::time::Duration;

use super::*;
use crate::memory::{Ledger, MemoryClass, MemoryManager, MemoryProbe, Pressure, Readings, Share};

/// A system whose memory is short.
struct Short;

impl MemoryProbe for Short {
    fn read(&self, _budget_bytes: u64) -> Readings {
        Readings {
            cgroup: Some(Share {
                used_bytes: 90 << 30,
                limit_bytes: 100 << 30,
            }),
            ..Readings::default()
        }
    }
}

#[test]
fn readers_are_charged_and_idle_ones_make_room() {
    const READER: u64 = 2 << 20;
    let ledger = Ledger::new(3 * READER);
    let manager = Arc::new(MemoryManager::new(ledger.clone(), Box::new(Short)));
    let clock = Arc::new(SimClock::new());
    let mut fakes = Fakes::default();
    for name in ["a", "b", "c", "d"] {
        fakes = fakes.with(name, Fake::new(RATE, |_| 0.25));
    }
    let readers = Arc::new(Readers::with_opener(
        Box::new(fakes.clone()),
        SoundNotes::default(),
        SoundMemory::new(Some(Arc::clone(&manager))),
        Arc::clone(&clock) as Arc<dyn Clock>,
    ));
    let mut clips: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .zip(0..)
        .map(|(name, n)| clip(name, ms(n * 2_000), ms(1_000), ms(0)))
        .collect();
    let one_after_another = plan(clips.clone(), ms(8_000));
    let mut source = TimelineSamples::in_stereo(&one_after_another, Arc::clone(&readers));
    let heard = read_at(&mut source, 0, 384_000);
    for second in [0, 2, 4, 6] {
        let at = (second * 48_000 + 24_000) * 2;
        assert_eq!(
            heard[at].to_bits(),
            0.25_f32.to_bits(),
            "in second {second}"
        );
    }
    drop(source);
    assert_eq!(
        ledger.used(MemoryClass::Audio),
        3 * READER,
        "the fourth took the place of the first"
    );
    assert_eq!(manager.look(), Pressure::Elevated);
    assert_eq!(
        ledger.used(MemoryClass::Audio),
        3 * READER,
        "none is idle yet"
    );
    clock.advance(Duration::from_secs(31));
    manager.look();
    assert_eq!(ledger.used(MemoryClass::Audio), 0);
    // All at once there is room for three of the four: the last is silent, and says why.
    for clip in &mut clips {
        clip.range.start = MediaTime::ZERO;
    }
    let mut source = TimelineSamples::in_stereo(&plan(clips, ms(1_000)), Arc::clone(&readers));
    let heard = read_at(&mut source, 24_000, 1)[0];
    assert_eq!(heard.to_bits(), 0.75_f32.to_bits());
    let notes = source.notes().list();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].reason.contains("--memory"), "{}", notes[0].reason);
}

#[test]
fn what_cannot_be_read_is_silent_and_noted_once_and_the_rest_plays() {
    let broken = Fake {
        breaks_at: 30_000,
        ..Fake::count()
    };
    let fakes = Fakes::default()
        .with("dc", Fake::new(RATE, |_| 0.25))
        .with("broken", broken);
    let clips = vec![
        clip("dc", ms(0), ms(2_000), ms(0)),
        clip("gone", ms(100), ms(100), ms(0)),
        clip("gone", ms(300), ms(100), ms(0)),
        clip("broken", ms(1_000), ms(900), ms(500)),
    ];
    let plan = plan(clips, ms(2_000));
    let mut source = mix(&fakes, &plan);
    let heard = read_at(&mut source, 0, 96_000);
    let value = |n: usize| heard[n * 2];
    for n in (1_000..48_000).step_by(97).chain(60_000..95_000) {
        assert_eq!(value(n).to_bits(), 0.25_f32.to_bits(), "sample {n}");
    }
    assert!((value(50_000) - 0.25 - 26_000.0 / 65_536.0).abs() < 1e-6);
    let again = read_at(&mut source, 0, 96_000);
    assert_eq!(heard, again);
    let notes = source.notes().list();
    let named: Vec<_> = notes
        .iter()
        .map(|note| note.path.to_str().unwrap())
        .collect();
    assert_eq!(named, ["gone", "broken"]);
    assert_eq!(notes[0].reason, "There is no such file.");
    assert!(notes[1].reason.contains("broken"), "{}", notes[1].reason);
    // What broke is opened anew when it is wanted again.
    assert!(fakes.opened("broken") >= 2 && fakes.opened("dc") == 1);
}

#[test]
fn a_few_readers_serve_many_clips() {
    let mut fakes = Fakes::default();
    for n in 0..50 {
        fakes = fakes.with(
            &format!("m{n}"),
            Fake::sine(RATE, 100.0 + f64::from(n), 0.2),
        );
    }
    let clips = (0..500)
        .map(|n| clip(&format!("m{}", n * 7 % 50), ms(n * 40), ms(40), ms(n * 31)))
        .collect();
    let plan = plan(clips, ms(20_000));
    let readers = Arc::new(readers_of(&fakes));
    let mut source = TimelineSamples::in_stereo(&plan, Arc::clone(&readers));
    for from in (0..960_000).step_by(9_600) {
        read_at(&mut source, from, 9_600);
        assert!(
            readers.open_count() <= 16,
            "{} are open",
            readers.open_count()
        );
    }
    drop(source);
    assert!(readers.open_count() <= 16);
    // A file that is cut up, and its neighbour, need few openings.
    let fakes = Fakes::default()
        .with("a", Fake::count())
        .with("b", Fake::count());
    let clips = (0..100)
        .map(|n| {
            clip(
                if n % 2 == 0 { "a" } else { "b" },
                ms(n * 50),
                ms(50),
                ms(n * 90),
            )
        })
        .collect();
    left(&fakes, &super::plan(clips, ms(5_000)));
    assert!(fakes.opened("a") <= 8 && fakes.opened("b") <= 8);
}

#[test]
fn more_clips_than_readers_are_all_heard() {
    let fakes = Fakes::default().with("dc", Fake::new(RATE, |_| 1.0 / 64.0));
    let clips = |count| plan(vec![clip("dc", ms(0), ms(500), ms(0)); count], ms(500));
    let forty = left(&fakes, &clips(40))[12_000];
    assert_eq!(forty.to_bits(), (40.0_f32 / 64.0).to_bits());
    let too_many = clips(70);
    let mut source = mix(&fakes, &too_many);
    let heard = read_at(&mut source, 12_000, 1)[0];
    assert_eq!(heard.to_bits(), 1.0_f32.to_bits());
    assert_eq!(source.notes().list().len(), 1);
}

#[test]
fn odd_plans_are_harmless() {
    let fakes = Fakes::default().with("a", Fake::count());
    let far = MediaSpan::from_flicks(i64::MAX);
    let mut clips = vec![
        clip("a", MediaSpan::from_flicks(i64::MIN), far, ms(0)),
        clip("a", ms(-500), ms(1_000), -far),
        clip("a", ms(0), ms(0), ms(0)),
        clip("a", ms(10), -ms(10), far),
        clip("a", ms(20), far, far),
        at_speed(clip("a", ms(20), ms(100), far), 3, 2),
        at_speed(clip("a", ms(20), ms(100), -far), -3, 2),
        clip("a", far, far, far),
    ];
    for clip in &mut clips[1..3] {
        *clip = fading(fading(clip.clone(), true, far), false, far);
    }
    let mut source = mix(&fakes, &plan(clips.clone(), ms(1_000)));
    assert_eq!(read_at(&mut source, 0, 96_000).len(), 96_000);
    assert!(
        read_at(&mut source, -5_000, 4_000)
            .iter()
            .all(|value| *value == 0.0)
    );
    assert!(read_at(&mut source, 48_000, 10).is_empty());
    assert!(read_at(&mut mix(&fakes, &plan(clips.clone(), -ms(5))), 0, 10).is_empty());
    assert_eq!(
        read_at(&mut mix(&fakes, &plan(clips, far)), 1_000, 10).len(),
        20
    );
    assert!(read_at(&mut mix(&fakes, &plan(vec![], ms(0))), 0, 10).is_empty());
}

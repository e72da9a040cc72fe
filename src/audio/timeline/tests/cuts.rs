//! Cuts, through edits and transitions.

use super::*;

#[test]
fn a_through_edit_cannot_be_told_from_no_cut() {
    for (name, fake) in [
        ("count", Fake::count()),
        ("sine", Fake::sine(44_100, 500.0, 0.5)),
        ("high", Fake::sine(96_000, 5_000.0, 0.5)),
    ] {
        let fakes = Fakes::default().with(name, fake);
        for (num, den) in [(1, 1), (-1, 1), (3, 2), (1_001, 1_000)] {
            let speed = Ratio::new(num, den).unwrap();
            let source = ms(20_000);
            let whole = at_speed(clip(name, ms(100), ms(2_600), source), num, den);
            let cuts = [100, 900, 933, 2_000, 2_700];
            let pieces = cuts.windows(2).map(|pair| {
                let source = source + speed.of(ms(pair[0] - 100));
                at_speed(
                    clip(name, ms(pair[0]), ms(pair[1] - pair[0]), source),
                    num,
                    den,
                )
            });
            let cut = left(&fakes, &plan(pieces.collect(), ms(3_000)));
            let whole = left(&fakes, &plan(vec![whole], ms(3_000)));
            assert!(cut == whole, "{name} at {num}/{den}");
        }
    }
}

#[test]
fn nothing_clicks_at_a_cut() {
    let fakes = Fakes::default()
        .with("a", Fake::sine(RATE, 313.0, 0.4))
        .with("b", Fake::sine(RATE, 331.0, 0.4));
    // Where each is cut in its wave is anybody's guess.
    for source in [0, 1, 17, 40, 76, 100, 111] {
        let (a, b) = (samples(100_000 + source * 3), samples(77_777 + source));
        let clips = vec![
            clip("a", ms(0), ms(200), a),
            clip("b", ms(200), ms(200), b),
            // The same file, elsewhere.
            clip("b", ms(400), ms(200), a),
            clip("a", ms(700), ms(100), b),
            at_speed(clip("b", ms(800), ms(100), a), 3, 2),
            at_speed(clip("b", ms(900), ms(100), a), -1, 1),
        ];
        let heard = left(&fakes, &plan(clips, ms(1_000)));
        // The steepest sine alone steps by 0.0173; crossing over at constant power can add the change of
        // gain, 0.4 * pi / 2 / 240 each way.
        let step = largest_step(&heard);
        assert!(step < 0.0173 * 1.5 + 0.0053, "{source}: a step of {step}");
        assert!(heard[0].abs() < 0.01 && heard[48_000 - 1].abs() < 0.01);
        let loudest = heard
            .iter()
            .fold(0.0_f32, |max, value| max.max(value.abs()));
        assert!(loudest > 0.39 && loudest < 0.6, "{loudest}");
    }
}

#[test]
fn a_cut_crosses_over_in_five_milliseconds() {
    let fakes = Fakes::default()
        .with("up", Fake::new(RATE, |_| 0.5))
        .with("down", Fake::new(RATE, |_| -0.5));
    let clips = vec![
        clip("up", ms(0), ms(500), ms(0)),
        clip("down", ms(500), ms(500), ms(0)),
    ];
    let heard = left(&fakes, &plan(clips, ms(1_000)));
    assert_eq!((heard[24_000 - 121], heard[24_000 + 120]), (0.5, -0.5));
    assert!(heard[24_000 - 120] < 0.5 && heard[24_000 + 119] > -0.5);
    assert!(
        (heard[24_000] + heard[23_999]).abs() < 1e-5,
        "the cut is in the middle"
    );
    // Very short clips share what there is.
    let clips = (0..100)
        .map(|n| {
            clip(
                if n % 2 == 0 { "up" } else { "down" },
                samples(n * 7),
                samples(7),
                ms(0),
            )
        })
        .collect();
    let heard = left(&fakes, &plan(clips, samples(700)));
    assert!(heard.iter().all(|value| value.abs() <= 0.71));
}

#[test]
fn transitions_fade_at_constant_power_or_constant_gain() {
    let fakes = Fakes::default()
        .with("a", Fake::new(RATE, |_| 0.5))
        .with("b", Fake::new(RATE, |_| 0.25))
        .with("count", Fake::count());
    let fade = |clip, rising| fading(clip, rising, ms(1_000));
    let clips = vec![
        fade(clip("a", ms(0), ms(2_000), ms(0)), false),
        fade(clip("b", ms(1_000), ms(2_000), ms(0)), true),
    ];
    let heard = left(&fakes, &plan(clips, ms(3_000)));
    assert_eq!((heard[47_999], heard[96_000]), (0.5, 0.25));
    for (n, heard) in heard[48_000..96_000].iter().enumerate() {
        let along = (n as f64 + 0.5) / 48_000.0 * std::f64::consts::FRAC_PI_2;
        let expected = 0.5 * along.cos() + 0.25 * along.sin();
        assert!((f64::from(*heard) - expected).abs() < 1e-5, "{n}: {heard}");
    }
    // The same moments on both sides: as if there were no transition.
    let before = fading(clip("count", ms(0), ms(600), ms(0)), false, ms(500));
    let after = fading(clip("count", ms(100), ms(700), ms(100)), true, ms(500));
    let clips = vec![before, after];
    let heard = left(&fakes, &plan(clips, ms(800)));
    for n in 120_i16..30_000 {
        let expected = f32::from(n) / 65_536.0;
        let value = heard[usize::try_from(n).unwrap()];
        assert!(
            (value - expected).abs() < 1e-6,
            "{n}: {value}, not {expected}"
        );
    }
}

#[test]
fn a_gain_that_changes_at_a_through_edit_changes_smoothly() {
    let fakes = Fakes::default().with("a", Fake::new(RATE, |_| 0.5));
    let mut loud = clip("a", ms(500), ms(500), ms(500));
    loud.gain = 1.5;
    let clips = vec![clip("a", ms(0), ms(500), ms(0)), loud];
    let heard = left(&fakes, &plan(clips, ms(1_000)));
    assert_eq!((heard[23_879], heard[24_121]), (0.5, 0.75));
    assert!(
        heard[23_000..25_000]
            .windows(2)
            .all(|pair| pair[1] >= pair[0])
    );
    assert!(largest_step(&heard[200..47_000]) < 0.002);
}

#[test]
fn a_fade_around_clips_runs_through_their_cut() {
    let fakes = Fakes::default().with("a", Fake::new(RATE, |_| 0.5));
    // A nested edit rises for a second, from 200 ms on; its two clips have a cut in the middle of that.
    let range = TimeRange {
        start: MediaTime::ZERO + ms(200),
        duration: ms(1_000),
    };
    let rising = true;
    let around = |mut clip: SoundClip| {
        clip.fades = Arc::new([AudioFade { range, rising }]);
        clip
    };
    let clips = vec![
        around(clip("a", ms(200), ms(500), ms(0))),
        around(clip("a", ms(700), ms(1_300), ms(500))),
    ];
    let heard = left(&fakes, &plan(clips, ms(2_000)));
    for (n, heard) in heard[9_600..95_000].iter().enumerate() {
        let along = ((n as f64 + 0.5) / 48_000.0).min(1.0) * std::f64::consts::FRAC_PI_2;
        let expected = 0.5 * along.sin();
        assert!((f64::from(*heard) - expected).abs() < 1e-5, "{n}: {heard}");
    }
    // What is over before a clip begins does nothing to it, and what it would fall in afterwards neither.
    let mut after = clip("a", ms(1_300), ms(400), ms(0));
    let later = TimeRange {
        start: MediaTime::ZERO + ms(1_700),
        duration: ms(100),
    };
    let falls = AudioFade {
        range: later,
        rising: false,
    };
    after.fades = Arc::new([AudioFade { range, rising }, falls]);
    let faded = left(&fakes, &plan(vec![after.clone()], ms(2_000)));
    after.fades = Arc::default();
    assert!(faded == left(&fakes, &plan(vec![after], ms(2_000))));
}

//! Clips that are not played at normal speed.

use super::*;

#[test]
fn pitch_is_kept_at_other_speeds() {
    for (num, den) in [
        (3, 2),
        (2, 1),
        (1, 2),
        (25, 24),
        (1_001, 1_000),
        (1_000, 1_001),
        (-3, 2),
        (1, 4),
    ] {
        for media in [44_100, 48_000] {
            let fakes = Fakes::default().with("a", Fake::sine(media, 440.0, 0.5));
            let clip = at_speed(clip("a", ms(0), ms(3_000), ms(60_000)), num, den);
            let heard = left(&fakes, &plan(vec![clip], ms(3_000)));
            let part = &heard[24_000..120_000];
            let hertz = frequency(part);
            assert!(
                (hertz - 440.0).abs() < 4.4,
                "{num}/{den} of {media}: {hertz} Hz"
            );
            let rms = (part.iter().map(|v| v * v).sum::<f32>() / part.len() as f32).sqrt();
            assert!(
                (0.25..0.45).contains(&rms),
                "{num}/{den} of {media}: level {rms}"
            );
        }
    }
}

#[test]
fn what_happens_in_a_retimed_clip_happens_in_time() {
    // A tone of 20 ms at each second of the medium.
    let burst = |number: i64| {
        let near = (number + 24_000).rem_euclid(48_000) - 24_000;
        let loud = near.abs() < 480;
        narrow(if loud {
            (number as f64 / 48.0 * TAU).sin() * 0.5
        } else {
            0.0
        })
    };
    let fakes = Fakes::default().with("a", Fake::new(RATE, burst));
    for (num, den) in [(3, 2), (2, 3), (-5, 4), (1_001, 1_000)] {
        // Longer than the 8 s after which stretching begins anew.
        let clip = at_speed(clip("a", ms(500), ms(10_000), ms(60_300)), num, den);
        let heard = left(&fakes, &plan(vec![clip], ms(10_500)));
        let speed = num as f64 / den as f64;
        let mut met = 0;
        for second in 1..120 {
            let at = 0.5 + (f64::from(second) - 60.3) / speed;
            if !(0.8..10.2).contains(&at) {
                continue;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "in range"
            )]
            let centre = (at * f64::from(RATE)).round() as usize;
            let window = &heard[centre - 9_600..centre + 9_600.min(heard.len() - centre)];
            let energy = |n: usize| f64::from(window[n]).powi(2);
            let total: f64 = (0..window.len()).map(energy).sum();
            let moment: f64 = (0..window.len()).map(|n| energy(n) * n as f64).sum();
            let off = (moment / total - 9_600.0) / f64::from(RATE);
            assert!(
                off.abs() < 0.005,
                "{num}/{den}: second {second} is off by {off} s"
            );
            met += 1;
        }
        assert!(met >= 6, "{num}/{den}: {met}");
    }
}

#[test]
fn reversed_clips_are_bit_exact_backwards() {
    let fakes = Fakes::default().with("count", Fake::count());
    let clip = at_speed(clip("count", ms(100), ms(1_000), ms(1_200)), -1, 1);
    let heard = left(&fakes, &plan(vec![clip], ms(1_200)));
    for n in 120_i32..47_880 {
        let expected = (57_600 - 1 - n) as f32 / 65_536.0;
        let value = heard[usize::try_from(4_800 + n).unwrap()];
        assert_eq!(value.to_bits(), expected.to_bits(), "sample {n}");
    }
    assert!(
        heard[..4_800]
            .iter()
            .chain(&heard[52_800..])
            .all(|value| *value == 0.0)
    );
}

#[test]
fn a_small_change_of_speed_keeps_time_over_minutes() {
    let fakes = Fakes::default().with("a", Fake::sine(44_100, 100.0, 0.5));
    let clip = at_speed(clip("a", ms(0), ms(600_000), ms(0)), 1_001, 1_000);
    let mut source = mix(&fakes, &plan(vec![clip], ms(600_000)));
    let heard = read_at(&mut source, 28_700_000, 2_000);
    for n in 0..2_000_i32 {
        let at = f64::from(28_700_000 + n) / 48_000.0 * 1.001;
        let expected = (at * 100.0 * TAU).sin() * 0.5;
        let off = (f64::from(heard[usize::try_from(n).unwrap() * 2]) - expected).abs();
        assert!(off < 0.004, "sample {n} is off by {off}");
    }
}

#[test]
fn time_maps_are_followed_piece_by_piece_and_what_is_too_fast_is_silent() {
    let fakes = Fakes::default().with("a", Fake::sine(RATE, 440.0, 0.5));
    let piece = |from, source, num, den| TimeMapPiece {
        from: ms(from),
        source: ms(source),
        speed: Ratio::new(num, den).unwrap(),
    };
    let mut clip = clip("a", ms(0), ms(5_000), ms(0));
    clip.map = TimeMap::from_pieces(vec![
        piece(0, 10_000, 1, 1),
        piece(1_000, 11_000, 0, 1),
        piece(2_000, 11_000, -3, 2),
        piece(3_000, 9_500, 5, 1),
        piece(4_000, 14_500, 1, 1),
    ])
    .unwrap();
    let heard = left(&fakes, &plan(vec![clip], ms(5_000)));
    let loud = |from: usize, to: usize| heard[from * 48..to * 48].iter().any(|value| *value != 0.0);
    assert!(!loud(1_000, 2_000) && !loud(3_000, 4_000));
    for (from, to) in [(50, 950), (2_050, 2_950), (4_050, 4_950)] {
        let hertz = frequency(&heard[from * 48..to * 48]);
        assert!((hertz - 440.0).abs() < 4.4, "{from}: {hertz}");
    }
    assert!(largest_step(&heard) < 0.04, "{}", largest_step(&heard));
}

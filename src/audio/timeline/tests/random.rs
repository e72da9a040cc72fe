//! Any edit, from anywhere.

use proptest::prelude::*;

use super::*;

/// A clip: medium, start, length and source in milliseconds, speed, fades.
type AnyClip = (usize, i64, i64, i64, (i64, i64), (i64, i64));

fn any_clip() -> impl Strategy<Value = AnyClip> {
    let speeds = vec![
        (1, 1),
        (1, 1),
        (-1, 1),
        (3, 2),
        (-2, 1),
        (1_001, 1_000),
        (4, 1),
        (7, 8),
    ];
    let fades = prop_oneof![3 => Just((0, 0)), 1 => (0_i64..200, 0_i64..200)];
    // Starts and lengths on a grid, so that cuts and through edits happen.
    let (start, length) = (
        (0_i64..20).prop_map(|n| n * 100),
        (1_i64..12).prop_map(|n| n * 100),
    );
    (
        0_usize..4,
        start,
        length,
        0_i64..3_000,
        proptest::sample::select(speeds),
        fades,
    )
}

fn fakes() -> Fakes {
    Fakes::default()
        .with("0", Fake::count())
        .with("1", Fake::sine(44_100, 700.0, 0.3))
        .with("2", Fake::sine(96_000, 1_234.0, 0.3))
}

fn plan_of(clips: &[AnyClip]) -> SoundPlan {
    let mut clips: Vec<SoundClip> = clips
        .iter()
        .map(
            |(medium, start, length, source, (num, den), (fade_in, fade_out))| {
                // Medium 3 is missing.
                let name = medium.to_string();
                let clip = at_speed(
                    clip(&name, ms(*start), ms(*length), ms(*source)),
                    *num,
                    *den,
                );
                let clip = fading(clip, true, ms(*fade_in));
                fading(clip, false, ms(*fade_out))
            },
        )
        .collect();
    clips.sort_by_key(|clip| clip.range.start);
    plan(clips, ms(2_500))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_seek_gives_what_a_straight_read_gives(
        clips in proptest::collection::vec(any_clip(), 0..8),
        seeks in proptest::collection::vec((-2_000_i64..121_000, 1_usize..6_000), 1..6),
    ) {
        let plan = plan_of(&clips);
        let whole = read_at(&mut mix(&fakes(), &plan), 0, 120_000);
        let mut source = mix(&fakes(), &plan);
        for (from, count) in seeks {
            let heard = read_at(&mut source, from, count);
            for (n, value) in (from * 2..).zip(&heard) {
                let expected = usize::try_from(n).map_or(0.0, |n| whole[n]);
                // Conversion between odd ratios may begin a four-thousandth of a sample elsewhere.
                prop_assert!((value - expected).abs() < 1e-3, "value {} is {}, not {}", n, value, expected);
            }
            let end = usize::try_from((from + i64::try_from(count).unwrap()).clamp(from, 120_000.max(from)) - from);
            prop_assert_eq!(heard.len(), end.unwrap() * 2);
        }
    }
}

#[test]
fn the_seam_between_two_stretches_is_the_same_from_anywhere() {
    let plan = plan(
        vec![at_speed(clip("1", ms(0), ms(18_000), ms(0)), 5, 4)],
        ms(18_000),
    );
    let whole = read_at(&mut mix(&fakes(), &plan), 0, 864_000);
    assert!(largest_step(&whole.iter().copied().step_by(2).collect::<Vec<_>>()) < 0.06);
    let mut source = mix(&fakes(), &plan);
    for from in [
        383_999, 384_000, 384_500, 384_960, 384_961, 767_000, 768_900,
    ] {
        let heard = read_at(&mut source, i64::try_from(from).unwrap(), 2_000);
        assert!(heard == whole[from * 2..(from + 2_000) * 2], "from {from}");
    }
}

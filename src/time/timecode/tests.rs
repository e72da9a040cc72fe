//! Timecode against the standard's rule, counted digit by digit.

use proptest::prelude::*;

use super::*;

fn format(num: u32, den: u32, drop_frame: bool) -> TimecodeFormat {
    TimecodeFormat::new(FrameRate::new(num, den).unwrap(), drop_frame).unwrap()
}

fn formats() -> [TimecodeFormat; 10] {
    [
        format(24_000, 1001, false),
        format(24, 1, false),
        format(25, 1, false),
        format(30_000, 1001, true),
        format(30_000, 1001, false),
        format(30, 1, false),
        format(50, 1, false),
        format(60_000, 1001, true),
        format(60, 1, false),
        format(120_000, 1001, true),
    ]
}

fn parse(text: &str, format: TimecodeFormat) -> Timecode {
    Timecode::parse(text, format.rate()).unwrap()
}

#[test]
fn each_day_has_the_frames_of_the_standard() {
    let days = formats().map(TimecodeFormat::frames_per_day);
    let ntsc = 2_589_408;
    let expected = [24, 24, 25]
        .map(|nominal| nominal * 86_400)
        .into_iter()
        .chain([ntsc, 2_592_000]);
    let expected: Vec<i64> = expected
        .chain([30 * 86_400, 50 * 86_400, 2 * ntsc, 60 * 86_400, 4 * ntsc])
        .collect();
    assert_eq!(days.to_vec(), expected);
}

#[test]
fn drop_frame_follows_the_well_known_examples() {
    let ntsc = format(30_000, 1001, true);
    for (number, text) in [
        (0, "00:00:00;00"),
        (1799, "00:00:59;29"),
        (1800, "00:01:00;02"),
        (3597, "00:01:59;29"),
        (3598, "00:02:00;02"),
        (17_981, "00:09:59;29"),
        (17_982, "00:10:00;00"),
        (107_892, "01:00:00;00"),
        (2_589_407, "23:59:59;29"),
    ] {
        let timecode = Timecode::from_frame_number(number, ntsc);
        assert_eq!(timecode.to_string(), text);
        assert_eq!(parse(text, ntsc), timecode);
    }
    let double = format(60_000, 1001, true);
    assert_eq!(
        Timecode::from_frame_number(3600, double).to_string(),
        "00:01:00;04"
    );
}

/// Counts a whole day by the rule of the standard, digit by digit, and compares every number.
#[test]
fn every_frame_of_a_drop_frame_day_agrees_with_counting() {
    let ntsc = format(30_000, 1001, true);
    let mut number = 0;
    for minute in 0..24 * 60_u32 {
        for second in 0..60 {
            let first = if second == 0 && !minute.is_multiple_of(10) {
                2
            } else {
                0
            };
            for frame in first..30 {
                let expected = TimecodeFields {
                    hours: minute / 60,
                    minutes: minute % 60,
                    seconds: second,
                    frames: frame,
                    drop_frame: true,
                };
                let timecode = Timecode::from_frame_number(number, ntsc);
                assert_eq!(timecode.fields(), expected);
                assert_eq!(Timecode::from_fields(expected, ntsc), Ok(timecode));
                number += 1;
            }
        }
    }
    assert_eq!(number, ntsc.frames_per_day());
}

#[test]
fn numbers_that_drop_frame_leaves_out_are_refused() {
    let ntsc = FrameRate::new(30_000, 1001).unwrap();
    for text in ["00:01:00;00", "00:01:00;01", "23:59:00;01"] {
        let error = Timecode::parse(text, ntsc).unwrap_err();
        assert!(
            matches!(error, TimecodeError::DroppedNumber { .. }),
            "{text}: {error}"
        );
    }
    let error = Timecode::parse("00:01:00;00", ntsc)
        .unwrap_err()
        .to_string();
    assert!(error.contains("00:01:00;02"), "{error}");
    for text in ["00:10:00;00", "00:01:00;02", "00:01:01;00", "00:01:00:00"] {
        assert!(Timecode::parse(text, ntsc).is_ok(), "{text}");
    }
}

#[test]
fn all_marks_of_drop_frame_are_read() {
    let ntsc = FrameRate::new(30_000, 1001).unwrap();
    let expected = Timecode::parse("01:02:03;04", ntsc).unwrap();
    assert_eq!(Timecode::parse("01:02:03.04", ntsc), Ok(expected));
    assert_eq!(Timecode::parse("01;02;03;04", ntsc), Ok(expected));
    assert_eq!(Timecode::parse("1:2:3;4", ntsc), Ok(expected));
}

#[test]
fn text_that_is_no_timecode_is_refused() {
    let rate = FrameRate::new(25, 1).unwrap();
    for text in [
        "",
        ":",
        "1",
        "01:02:03",
        "01:02:03:",
        "01:02:03:04:05",
        "01:02:03:04 ",
        "a1:02:03:04",
        "01:02;03:04",
        "01.02.03.04",
        "-01:02:03:04",
        "001:02:03:04",
        "01:02:03:00004",
        "01:02:03é04",
        "٠١:02:03:04",
    ] {
        let error = Timecode::parse(text, rate).unwrap_err();
        assert_eq!(error, TimecodeError::Malformed(text.to_owned()));
    }
    for (text, field) in [
        ("24:00:00:00", "hours"),
        ("00:60:00:00", "minutes"),
        ("00:00:60:00", "seconds"),
        ("00:00:00:25", "frames"),
    ] {
        let error = Timecode::parse(text, rate).unwrap_err();
        assert!(
            matches!(error, TimecodeError::FieldTooLarge { field: named, .. } if named == field),
            "{text}: {error}"
        );
    }
}

#[test]
fn drop_frame_needs_an_ntsc_rate_of_thirty() {
    for (num, den) in [
        (24_000, 1001),
        (25, 1),
        (30, 1),
        (60, 1),
        (50_000, 1001),
        (2997, 100),
    ] {
        let rate = FrameRate::new(num, den).unwrap();
        assert_eq!(
            TimecodeFormat::new(rate, true),
            Err(TimecodeError::DropFrameRate(rate))
        );
        assert!(TimecodeFormat::new(rate, false).is_ok());
    }
    let slow = FrameRate::new(1, 3).unwrap();
    assert_eq!(
        TimecodeFormat::new(slow, false),
        Err(TimecodeError::RateTooLow(slow))
    );
}

#[test]
fn a_mark_that_contradicts_the_format_is_refused() {
    let fields: TimecodeFields = "01:02:03;04".parse().unwrap();
    let error = Timecode::from_fields(fields, format(30_000, 1001, false)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "01:02:03;04: timecode here is non-drop-frame. Write `:` before the frames."
    );
}

#[test]
fn it_wraps_at_midnight_both_ways() {
    for format in formats() {
        let midnight = Timecode::from_frame_number(0, format);
        let last = midnight.offset(-1);
        assert_eq!(last.frame_number(), format.frames_per_day() - 1);
        assert_eq!(last.offset(1), midnight);
        assert_eq!(midnight.frames_since(last), 1);
        assert_eq!(last.offset(i64::MAX).offset(-i64::MAX), last);
        assert_eq!(last.offset(i64::MIN).offset(i64::MAX).offset(1), last);
    }
}

#[test]
fn high_rates_take_three_digits() {
    let fast = format(120, 1, false);
    assert_eq!(
        Timecode::from_frame_number(119, fast).to_string(),
        "00:00:00:119"
    );
    assert_eq!(
        Timecode::from_frame_number(120, fast).to_string(),
        "00:00:01:000"
    );
    assert_eq!(parse("00:00:00:119", fast).frame_number(), 119);
}

/// The clock and drop-frame timecode may differ by two frames within ten minutes and by 2.6
/// frames over a day (ST 12-1 states 86 ms).
#[test]
fn drop_frame_keeps_up_with_the_clock() {
    let ntsc = format(30_000, 1001, true);
    for hours in 1..24 {
        let timecode = parse(&format!("{hours:02}:00:00;00"), ntsc);
        let nanos = timecode.frame_number() * 1001 * 1_000_000_000 / 30_000;
        let drift = nanos - hours * 3_600_000_000_000;
        assert!(drift.abs() <= 86_400_000, "{hours} h: {drift} ns");
    }
}

proptest! {
    #[test]
    fn text_round_trips_over_a_day(number in 0..86_400_i64 * 240, which in 0..10_usize) {
        let format = formats()[which];
        let timecode = Timecode::from_frame_number(number, format);
        prop_assert_eq!(timecode.frame_number(), number % format.frames_per_day());
        prop_assert_eq!(Timecode::parse(&timecode.to_string(), format.rate()), Ok(timecode));
        prop_assert_eq!(Timecode::from_fields(timecode.fields(), format), Ok(timecode));
    }

    #[test]
    fn offsets_add_up(
        number in 0..2_592_000_i64, by in -9_000_000..9_000_000_i64, which in 0..10_usize,
    ) {
        let start = Timecode::from_frame_number(number, formats()[which]);
        prop_assert_eq!(start.offset(by).offset(-by), start);
        let day = formats()[which].frames_per_day();
        prop_assert_eq!(start.offset(by).frames_since(start), by.rem_euclid(day));
    }

    #[test]
    fn no_text_panics(text in ".{0,24}") {
        for format in formats() {
            let _ = Timecode::parse(&text, format.rate());
        }
    }
}

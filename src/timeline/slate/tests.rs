use super::*;
use proptest::prelude::*;

/// The parts of the picture that differ from the card, by brightness of the green plane.
fn lit(frame: &VideoFrame) -> usize {
    let plane = frame.plane(0);
    let rows = 0..plane.rows;
    rows.map(|y| plane.row(y).iter().filter(|&&code| code > 100).count())
        .sum()
}

fn paint(title: &str, lines: &[&str], width: u32, height: u32) -> Arc<VideoFrame> {
    let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    slate(title, &lines, Size::new(width, height).unwrap())
}

#[test]
fn words_are_painted_and_more_words_are_more_paint() {
    let blank = lit(&paint("", &[], 640, 360));
    let title = lit(&paint("clip.mov", &[], 640, 360));
    let both = lit(&paint("clip.mov", &["was not found"], 640, 360));
    assert!(blank < title && title < both, "{blank} {title} {both}");
}

#[test]
fn the_last_line_is_kept_when_there_is_no_room_for_all() {
    let few = paint("a", &["x", "what to do"], 640, 360);
    let many: Vec<&str> = std::iter::repeat_n("x", 10_000)
        .chain(["what to do"])
        .collect();
    let full = paint("a", &many, 640, 360);
    let without: Vec<&str> = vec!["x"; 10_000];
    assert!(lit(&full) > lit(&few));
    assert!(lit(&full) > lit(&paint("a", &without, 640, 360)));
    // Nothing is written over the card's edge.
    let plane = full.plane(0);
    for y in [0, 20, 31, 328, 340, 359] {
        assert!(plane.row(y).iter().all(|&code| code < 60), "row {y}");
    }
}

#[test]
fn without_room_for_words_a_mark_is_left() {
    let small = paint("clip.mov", &["was not found"], 64, 36);
    assert!(lit(&small) > 0);
    assert!(lit(&paint("clip.mov", &[], 1, 1)) <= 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_words_fit_any_size(
        title in "\\PC{0,300}",
        lines in prop::collection::vec("\\PC{0,200}", 0..6),
        width in 1u32..900,
        height in 1u32..700,
    ) {
        let size = Size::new(width, height).unwrap();
        prop_assert_eq!(slate(&title, &lines, size).size, size);
    }
}

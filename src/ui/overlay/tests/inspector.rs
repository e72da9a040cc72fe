//! The values of the pixel under the pointer.

use super::timeline::hover;
use super::*;

fn reading() -> PixelReading {
    PixelReading {
        place: [1919, 7],
        codes: vec![("Y", 235), ("Cb", 128), ("Cr", 64)],
        rgb: [1.0, 0.5, 0.0],
        alpha: Some(0.25),
    }
}

#[test]
fn the_values_are_beside_the_pointer_while_they_are_wanted() {
    let mut screen = Screen::usual();
    screen.pixel = Some(reading());
    let middle = pos2(600.0, 300.0);
    let told = hover(&mut screen, middle);
    assert!(!told.contains("Cb 128"), "nobody asked: {told}");
    let output = screen.pass(Vec::new());
    assert_eq!(output.inspects, None);
    output.egui.drop_without_applying_deltas();

    screen.press("E");
    let told = hover(&mut screen, middle);
    for words in [
        "x 1919  y 7",
        "Y 235  Cb 128  Cr 64",
        "R 255  G 128  B 0",
        "#ff8000",
        "A 25.0 %",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    screen.press("E");
    let told = hover(&mut screen, middle);
    assert!(!told.contains("Cb 128"), "{told}");
}

#[test]
fn the_place_that_is_read_is_the_one_under_the_pointer() {
    let mut screen = Screen::usual();
    screen.press("E");
    let picture = screen.placement().unwrap();
    let size = vec2(picture.size.width() as f32, picture.size.height() as f32);
    let corner = vec2(picture.x as f32, picture.y as f32);
    hover(&mut screen, (corner + size * vec2(0.25, 0.5)).to_pos2());
    let output = screen.pass(Vec::new());
    let [x, y] = output.inspects.unwrap();
    output.egui.drop_without_applying_deltas();
    assert!((x - 0.25).abs() < 1e-3 && (y - 0.5).abs() < 1e-3, "{x} {y}");
}

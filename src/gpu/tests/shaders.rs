//! Every shader is valid, without a device.

use naga::valid::{Capabilities, ValidationFlags, Validator};

use crate::gpu::compose::COMPOSE_WGSL;
use crate::gpu::gpu_converter::CONVERT_WGSL;
use crate::gpu::overlay::OVERLAY_WGSL;
use crate::gpu::present::PRESENT_WGSL;

fn validate(name: &str, source: &str, entry_points: &[&str]) {
    let module = match naga::front::wgsl::parse_str(source) {
        Ok(module) => module,
        Err(error) => panic!("{name}: {}", error.emit_to_string(source)),
    };
    // No optional capability may be needed: what passes here runs on every device.
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    if let Err(error) = validator.validate(&module) {
        panic!("{name}: {}", error.emit_to_string(source));
    }
    let names: Vec<_> = module
        .entry_points
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(names, entry_points, "{name}");
}

#[test]
fn every_shader_is_valid_without_optional_capabilities() {
    validate(
        "compose.wgsl",
        COMPOSE_WGSL,
        &["cover", "over", "difference"],
    );
    validate("convert.wgsl", CONVERT_WGSL, &["convert"]);
    validate("present.wgsl", PRESENT_WGSL, &["cover", "present"]);
    validate("overlay.wgsl", OVERLAY_WGSL, &["cover", "lay", "wipe"]);
}

#[test]
fn no_shader_is_left_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        [
            "compose.wgsl",
            "convert.wgsl",
            "overlay.wgsl",
            "present.wgsl"
        ],
        "validate the new shader above"
    );
}

//! Writes OpenTimelineIO files for tests.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// `value` units at `rate` a second.
pub(crate) fn time(value: f64, rate: f64) -> Value {
    json!({"OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": rate})
}

/// `duration` units from `start` on.
pub(crate) fn range(start: f64, duration: f64, rate: f64) -> Value {
    json!({
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": time(start, rate),
        "duration": time(duration, rate),
    })
}

/// A part of a file: `duration` units from `start` on, with effects.
pub(crate) fn clip(file: &Path, source: &Value, effects: &[Value]) -> Value {
    json!({
        "OTIO_SCHEMA": "Clip.2",
        "name": file.file_stem().unwrap_or_default().to_string_lossy(),
        "source_range": source,
        "effects": effects,
        "markers": [],
        "enabled": true,
        "media_references": {
            "DEFAULT_MEDIA": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "target_url": file.to_string_lossy(),
                "available_range": null,
            },
        },
        "active_media_reference_key": "DEFAULT_MEDIA",
    })
}

/// One speed throughout.
pub(crate) fn speed(scalar: f64) -> Value {
    json!({
        "OTIO_SCHEMA": "LinearTimeWarp.1",
        "name": "",
        "effect_name": "LinearTimeWarp",
        "time_scalar": scalar,
    })
}

/// A still.
pub(crate) fn freeze() -> Value {
    json!({
        "OTIO_SCHEMA": "FreezeFrame.1",
        "name": "",
        "effect_name": "FreezeFrame",
        "time_scalar": 0,
    })
}

/// Nothing, for a while.
pub(crate) fn gap(source: &Value) -> Value {
    json!({"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": source, "effects": [], "markers": []})
}

/// From one clip to the next.
pub(crate) fn dissolve(before: &Value, after: &Value) -> Value {
    json!({
        "OTIO_SCHEMA": "Transition.1",
        "name": "",
        "transition_type": "SMPTE_Dissolve",
        "in_offset": before,
        "out_offset": after,
    })
}

/// Items one after another.
pub(crate) fn track(kind: &str, children: &[Value]) -> Value {
    composition("Track.1", kind, children)
}

/// Items over one another.
pub(crate) fn stack(children: &[Value]) -> Value {
    composition("Stack.1", "", children)
}

fn composition(schema: &str, kind: &str, children: &[Value]) -> Value {
    json!({
        "OTIO_SCHEMA": schema,
        "name": "",
        "kind": kind,
        "source_range": null,
        "effects": [],
        "markers": [],
        "enabled": true,
        "children": children,
    })
}

/// Writes a timeline of these tracks into `folder`.
pub(crate) fn write(folder: &Path, name: &str, rate: f64, tracks: &[Value]) -> PathBuf {
    let timeline = json!({
        "OTIO_SCHEMA": "Timeline.1",
        "name": name,
        "global_start_time": time(0.0, rate),
        "tracks": stack(tracks),
    });
    let path = folder.join(name).with_extension("otio");
    let text = serde_json::to_string_pretty(&timeline).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

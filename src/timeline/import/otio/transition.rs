//! How a transition looks, by its type and by what other programs leave in its metadata.

use serde_json::Value;

use super::reader::Reader;
use crate::timeline::import::parts::wipe_from_smpte_code;
use crate::timeline::{Metadata, TransitionKind};

impl Reader<'_> {
    /// What a transition of the type `kind` looks like. OpenTimelineIO knows dissolves only; the
    /// adapters for EDLs and Final Cut Pro 7 keep the SMPTE code of a wipe in the metadata.
    pub(super) fn transition_kind(&mut self, kind: &str, metadata: &Metadata) -> TransitionKind {
        if kind == "SMPTE_Dissolve" {
            return TransitionKind::Dissolve;
        }
        let code = wipe_code(metadata.text());
        let edge = code.and_then(|code| wipe_from_smpte_code(code, false));
        match (code, edge) {
            (_, Some(edge)) => return TransitionKind::Wipe(edge),
            (Some(code), None) => self.note(format!(
                "a wipe with the SMPTE code {code} is not known: shown as a dissolve"
            )),
            (None, _) if kind.is_empty() => {
                self.note("a transition without a type: shown as a dissolve");
            }
            (None, _) => self.note(format!(
                "a transition of the type `{kind}` is not known: shown as a dissolve"
            )),
        }
        TransitionKind::Dissolve
    }
}

/// The SMPTE code of a wipe in a transition's metadata: `"wipecode": "19"` of Final Cut Pro 7, or
/// `"transition": "W019"` of an EDL. Zero stands for none.
fn wipe_code(metadata: &str) -> Option<u32> {
    let value: Value = serde_json::from_str(metadata).ok()?;
    code_within(&value)
}

fn code_within(value: &Value) -> Option<u32> {
    let number = |value: &Value| match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => u32::try_from(number.as_u64()?).ok(),
        _ => None,
    };
    match value {
        Value::Object(members) => members.iter().find_map(|(key, value)| {
            let code = match key.as_str() {
                "wipecode" | "wipe_code" => number(value),
                "transition" | "transition_type" => value
                    .as_str()
                    .and_then(|text| text.strip_prefix('W')?.parse().ok()),
                _ => code_within(value),
            };
            code.filter(|code| *code > 0)
        }),
        Value::Array(values) => values.iter().find_map(code_within),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wipe_codes_are_found_where_adapters_leave_them() {
        for (metadata, code) in [
            (r#"{"cmx_3600": {"transition": "W001"}}"#, Some(1)),
            (r#"{"fcp_xml": {"effect": {"wipecode": "119"}}}"#, Some(119)),
            (r#"{"a": [{"wipecode": 22}]}"#, Some(22)),
            (r#"{"fcp_xml": {"effect": {"wipecode": "0"}}}"#, None),
            (r#"{"transition": "D"}"#, None),
            (r#"{"transition": 5, "wipecode": 3}"#, Some(3)),
            ("", None),
            ("{", None),
        ] {
            assert_eq!(wipe_code(metadata), code, "{metadata}");
        }
    }
}

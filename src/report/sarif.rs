//! SARIF 2.1.0 of a posture: a rule for each control, a result for each check.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Style;
use super::posture::PostureReport;
use crate::azure::checks::{Check, Outcome};
use crate::azure::controls::{self, Control};
use crate::azure::export::FileReport;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Writes the log with one result after another, so that none but the last is held.
pub(super) fn write(report: &PostureReport, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut out = super::json::buffer(out);
    let rules: Vec<Value> = controls::all().iter().map(rule).collect();
    let tool = json!({"driver": {
        "name": "plainsight",
        "version": env!("CARGO_PKG_VERSION"),
        "informationUri": env!("CARGO_PKG_REPOSITORY"),
        "rules": rules,
    }});
    write!(
        out,
        r#"{{"$schema":"{SCHEMA}","version":"2.1.0","runs":[{{"#
    )?;
    write!(
        out,
        r#""tool":{tool},"columnKind":"unicodeCodePoints","results":["#
    )?;
    for (place, check) in report.all_checks().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        write!(out, "{comma}{}", result(report, check))?;
    }
    let artifacts: Vec<Value> = report.inventory.files.iter().map(artifact).collect();
    let artifacts = Value::from(artifacts);
    writeln!(
        out,
        r#"],"artifacts":{artifacts},"invocations":[{}]}}]}}"#,
        invocation(report)
    )?;
    out.flush()
}

/// The run: all warnings, those on waivers that waive nothing among them.
fn invocation(report: &PostureReport) -> Value {
    let told = report.warnings.iter();
    let told: Vec<Value> = told
        .map(|says| json!({"level": "warning", "message": {"text": says}}))
        .collect();
    json!({"executionSuccessful": true, "toolExecutionNotifications": told})
}

/// A file that was read.
fn artifact(file: &FileReport) -> Value {
    let mut artifact = json!({
        "location": {"uri": uri(&file.name)},
        "length": file.size,
    });
    if let Some(hash) = &file.sha256 {
        artifact["hashes"] = json!({"sha-256": hash});
    }
    if let Some(time) = &file.exported {
        artifact["lastModifiedTimeUtc"] = json!(time);
    }
    artifact
}

fn rule(control: &Control) -> Value {
    let help = format!(
        "Test: {} Portal: {} Expected: {} Remedy: {} Back-out: {}",
        control.test.command,
        control.test.portal,
        control.expected,
        control.remedy,
        control.back_out
    );
    let tags: Vec<String> = control
        .references
        .iter()
        .map(|it| format!("{}: {}", it.benchmark, it.id))
        .collect();
    json!({
        "id": control.id,
        "shortDescription": {"text": control.title},
        "fullDescription": {"text": control.rationale},
        "help": {"text": help},
        "properties": {"level": control.level, "tags": tags},
    })
}

fn result(report: &PostureReport, check: &Check) -> Value {
    let (kind, level) = match check.outcome {
        Outcome::Fail => ("fail", "error"),
        Outcome::Unknown => ("open", "none"),
        Outcome::Note => ("informational", "none"),
        Outcome::Pass => ("pass", "none"),
    };
    let mut result = json!({
        "ruleId": controls::id(check.check),
        "kind": kind,
        "level": level,
        "message": {"text": check.says},
    });
    if let Some(field) = &check.field {
        let full = field.id.as_deref().unwrap_or(&field.resource);
        let mut location = json!({
            "logicalLocations": [{"name": field.resource, "fullyQualifiedName": full}],
        });
        if let Some(file) = &field.file {
            location["physicalLocation"] = json!({"artifactLocation": {"uri": uri(file)}});
        }
        result["locations"] = json!([location]);
    }
    if let Some(command) = &check.remedy {
        result["properties"] = json!({"remedy": command});
    }
    let waiver = check.waiver.and_then(|at| report.waivers.get(at));
    if let Some(it) = waiver {
        let why = format!(
            "{} until {}: {}",
            it.waiver.by, it.waiver.until, it.waiver.reason
        );
        result["suppressions"] =
            json!([{"kind": "external", "status": "accepted", "justification": why}]);
    }
    result
}

/// A path as a reference of RFC 3986: bytes that one may not have are encoded.
fn uri(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let each = path.bytes().map(|byte| {
        if is_plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    each.collect()
}

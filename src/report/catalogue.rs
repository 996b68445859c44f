//! The catalogue of controls, for people and for programs.

use std::io::{self, Write};

use super::{Style, json};
use crate::azure::controls::{self, Control};

/// Writes all controls: as JSON, or as text.
///
/// # Errors
/// Those of the writer.
pub fn write_controls(as_json: bool, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if as_json {
        return json::write(&controls::all(), style, out);
    }
    let mut all = controls::all().iter();
    all.try_for_each(|control| one(control, style, out))
}

fn one(control: &Control, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} (level {})", control.id, control.level)?;
    let references: Vec<String> = control
        .references
        .iter()
        .map(|it| format!("{} {}: {}", it.benchmark, it.id, it.title))
        .collect();
    let rows = [
        ("", &control.title),
        ("Why: ", &control.rationale),
        ("Portal: ", &control.test.portal),
        ("Command: ", &control.test.command),
        ("Expected: ", &control.expected),
        ("Remedy: ", &control.remedy),
        ("Back-out: ", &control.back_out),
        ("See: ", &references.join("; ")),
    ];
    let options = textwrap::Options::new(usize::from(style.width).max(40))
        .initial_indent("  ")
        .subsequent_indent("    ");
    for (title, text) in rows.into_iter().filter(|(_, text)| !text.is_empty()) {
        for line in textwrap::wrap(&format!("{title}{text}"), &options) {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out)
}

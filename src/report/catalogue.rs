//! The catalogue of controls, for people, for programs, and as a page of the documentation.

use std::io::{self, Write};

use super::{DocumentFormat, Style, json};
use crate::azure::controls::{Control, Reference};

/// Formats of the catalogue.
pub const CATALOGUE_FORMATS: &[DocumentFormat<&'static [Control]>] = &[
    DocumentFormat {
        name: "table",
        ending: "txt",
        write: text,
    },
    DocumentFormat {
        name: "json",
        ending: "json",
        write: json::write,
    },
    DocumentFormat {
        name: "markdown",
        ending: "md",
        write: markdown,
    },
];

fn text(controls: &&'static [Control], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    controls
        .iter()
        .try_for_each(|control| one(control, style, out))
}

fn one(control: &Control, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} (level {})", control.id, control.level)?;
    let references: Vec<String> = control.references.iter().map(reference).collect();
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

fn reference(it: &Reference) -> String {
    format!("{} {}: {}", it.benchmark, it.id, it.title)
}

/// Writes the page of the documentation, `docs/controls.md`: a test holds the two together.
fn markdown(controls: &&'static [Control], _style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let begin = "# Controls\n\nEvery check of `plainsight posture` is one of these controls. Level 1 \
                 is for everybody, level 2 for those who ask for it. `plainsight posture --controls \
                 --format markdown` prints this page.";
    writeln!(out, "{begin}")?;
    controls
        .iter()
        .try_for_each(|control| section(control, out))
}

fn section(control: &Control, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## {}\n\n{}.\n", control.id, plain(&control.title))?;
    let test = &control.test;
    let rows = [
        ("Level", control.level.to_string()),
        ("Why", plain(&control.rationale)),
        ("Test in the portal", plain(&test.portal)),
        ("Test by command", format!("`{}`", test.command)),
        ("Expected", plain(&control.expected)),
        ("Remedy", plain(&control.remedy)),
        ("Back-out", plain(&control.back_out)),
    ];
    for (title, text) in rows {
        writeln!(out, "- **{title}:** {text}")?;
    }
    for it in &control.references {
        let source = &it.source;
        writeln!(
            out,
            "- **See:** {} ([source]({source}))",
            plain(&reference(it))
        )?;
    }
    Ok(())
}

/// Text in which no character begins markup.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_[]<>|".contains(c) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

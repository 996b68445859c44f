//! CSV (RFC 4180): a row a path, for spreadsheets and databases.

use std::io::{self, Write};

use serde::Serialize;

use super::json::buffer;
use super::model::{DtlsReport, Moment, WindowReport};
use super::{Evidence, PathReport, ProofReport, Report, Style};
use crate::azure::checks::Outcome;
use crate::azure::controls;

/// A path, and the report that it is of.
struct CsvRow<'r> {
    path: &'r PathReport,
    /// True if all obligations of the run are met.
    is_whole: bool,
    window: Option<WindowReport>,
}

/// Field of a row.
enum CsvField {
    /// A field without anything in it, not even quotes.
    Empty,
    Text(String),
    Number(u64),
    Truth(bool),
}

use CsvField::{Empty, Number, Truth};

/// Name of a column, and the field that it has of a row.
type CsvColumn = (&'static str, fn(&CsvRow<'_>) -> CsvField);

#[rustfmt::skip]
const COLUMNS: &[CsvColumn] = &[
    ("client", |row| text(row.path.client.as_ref())),
    ("server", |row| text(row.path.server.as_ref())),
    ("verdict", |row| word(row.path.verdict)),
    ("basis", |row| word(row.path.basis)),
    ("observed", |row| word(row.path.observed)),
    ("platform", |row| word(row.path.platform.as_ref().map(|it| it.said))),
    ("under_loss", |row| Truth(row.path.under_loss)),
    ("waived", |row| Truth(row.path.waiver.is_some())),
    ("run_is_whole", |row| Truth(row.is_whole)),
    ("first", |row| moment(row.path.first)),
    ("last", |row| moment(row.path.last)),
    ("interface", |row| text(row.path.interface.as_ref())),
    ("flows", |row| Number(row.path.flows.len() as u64)),
    ("encrypted_packets", |row| Number(row.path.traffic.encrypted.packets)),
    ("encrypted_wire_bytes", |row| Number(row.path.traffic.encrypted.wire_bytes)),
    ("handshake_packets", |row| Number(row.path.traffic.handshake.packets)),
    ("handshake_wire_bytes", |row| Number(row.path.traffic.handshake.wire_bytes)),
    ("plaintext_packets", |row| Number(row.path.traffic.plaintext.packets)),
    ("plaintext_wire_bytes", |row| Number(row.path.traffic.plaintext.wire_bytes)),
    ("undetermined_packets", |row| Number(row.path.traffic.undetermined.packets)),
    ("undetermined_wire_bytes", |row| Number(row.path.traffic.undetermined.wire_bytes)),
    ("dtls_versions", |row| dtls(row, |it| joined(it.versions.iter().copied()))),
    ("dtls_suites", |row| dtls(row, |it| joined(it.suites.iter().map(|suite| suite.name)))),
    ("every_suite_seen", |row| dtls(row, |it| Truth(it.every_suite_seen))),
    ("dtls_records", |row| dtls(row, |it| Number(it.records))),
    ("dtls_missing", |row| dtls(row, |it| Number(it.missing))),
    ("lustre_proof", |row| text(row.path.lustre.as_ref().and_then(|it| it.proof))),
    ("rpc_privacy", |row| text(row.path.lustre.as_ref().map(|it| it.rpc_privacy))),
    ("evidence_file", |row| text(evidence(row).map(|it| &*it.file))),
    ("evidence_packet", |row| number(evidence(row).and_then(|it| it.packet))),
    ("evidence_record", |row| number(evidence(row).and_then(|it| it.record))),
    ("evidence_time", |row| moment(evidence(row).and_then(|it| it.time))),
    ("evidence_shows", |row| text(evidence(row).map(|it| it.shows.as_str()))),
    ("not_met", |row| joined(not_met(row))),
    ("client_vm", |row| text(row.path.azure.as_ref().and_then(|it| it.client.vm.as_ref()))),
    ("file_system", |row| text(row.path.azure.as_ref().and_then(|it| it.file_system.as_ref()))),
    ("failed_checks", |row| joined(failed_checks(row))),
    ("plaintext_first", |row| moment(row.path.plaintext_first)),
    ("plaintext_last", |row| moment(row.path.plaintext_last)),
    ("window_since", |row| moment(row.window.and_then(|it| it.since))),
    ("window_until", |row| moment(row.window.and_then(|it| it.until))),
];

/// Writes a header, and a row for each path.
pub(super) fn write(report: &Report, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut buffer = buffer(out);
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    write!(buffer, "{}\r\n", names.join(","))?;
    let is_whole = report.proof.iter().all(ProofReport::is_met);
    for path in &report.paths {
        let row = CsvRow {
            path,
            is_whole,
            window: report.window,
        };
        for (place, (_, field)) in COLUMNS.iter().enumerate() {
            if place > 0 {
                buffer.write_all(b",")?;
            }
            field(&row).write(&mut buffer)?;
        }
        buffer.write_all(b"\r\n")?;
    }
    buffer.flush()
}

impl CsvField {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Empty => Ok(()),
            Self::Text(text) => out.write_all(quoted(text).as_bytes()),
            Number(number) => write!(out, "{number}"),
            Truth(truth) => write!(out, "{truth}"),
        }
    }
}

/// Text in quotes if it needs them. What a spreadsheet would take for a formula has an
/// apostrophe before it: names of files, interfaces and resources are anyone's choice.
/// Control characters, which RFC 4180 does not allow, are replaced.
fn quoted(text: &str) -> String {
    const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let text = text.replace(char::is_control, "\u{fffd}");
    let is_formula = text.trim_start().starts_with(FORMULA);
    let text = if is_formula { format!("'{text}") } else { text };
    let is_odd = |c: char| matches!(c, ',' | '"' | ';') || c.is_whitespace();
    if text.is_empty() || text.contains(is_odd) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

fn text(text: Option<impl Into<String>>) -> CsvField {
    text.map_or(Empty, |text| CsvField::Text(text.into()))
}

fn number(number: Option<u64>) -> CsvField {
    number.map_or(Empty, Number)
}

fn moment(moment: Option<Moment>) -> CsvField {
    text(moment.map(|it| it.to_string()))
}

/// A word as the JSON has it.
fn word(word: impl Serialize) -> CsvField {
    let word = serde_json::to_value(word).unwrap_or_default();
    text(word.as_str())
}

/// A list in one field.
fn joined<'t>(words: impl Iterator<Item = &'t str>) -> CsvField {
    let words: Vec<&str> = words.collect();
    text((!words.is_empty()).then(|| words.join("; ")))
}

fn dtls(row: &CsvRow<'_>, field: fn(&DtlsReport) -> CsvField) -> CsvField {
    row.path.dtls.as_deref().map_or(Empty, field)
}

/// The evidence that decides.
fn evidence<'r>(row: &CsvRow<'r>) -> Option<&'r Evidence> {
    row.path.evidence.first()
}

/// Obligations that are broken or open.
fn not_met<'r>(row: &CsvRow<'r>) -> impl Iterator<Item = &'r str> + use<'r> {
    let open = row.path.proof.iter().filter(|it| !it.is_met());
    open.map(|it| it.obligation)
}

/// Controls that fail.
fn failed_checks<'r>(row: &CsvRow<'r>) -> impl Iterator<Item = &'r str> + use<'r> {
    let causes = row.path.causes.iter();
    let failed = causes.filter(|check| check.outcome == Outcome::Fail);
    failed.map(|check| controls::id(check.check))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn formulas_are_text() {
        for (text, told) in [
            ("10.20.1.4", "10.20.1.4"),
            ("a.pcap", "a.pcap"),
            ("=1+1", "'=1+1"),
            ("-", "'-"),
            ("@SUM(1)", "'@SUM(1)"),
            (" =1", "\"' =1\""),
            ("\t=1", "\u{fffd}=1"),
            ("＝1", "'＝1"),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(quoted(text), told);
        }
    }

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(quoted(r#"a "b", c"#), r#""a ""b"", c""#);
        assert_eq!(quoted(""), r#""""#);
        assert_eq!(quoted("a\r\nb"), "a\u{fffd}\u{fffd}b");
    }
}

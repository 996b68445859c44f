//! The table: an answer in a sentence, a row a path, what it rests on, and what every
//! packet was.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};
use comfy_table::{Cell, Color};

use super::Traffic;
use super::text::{self, bytes, number, packets, right, tuples};
use super::{AccountingReport, Evidence, PathReport, Report, Style};
use crate::flow::Count;
use crate::flow_log::{Carried, LogReport};
use crate::verdict::{Class, Vantage, Verdict};

mod causes;
mod checks;
mod flows;
mod headline;
pub(super) mod posture;
mod proof;

const BOLD: Ansi = Ansi::new().bold();
const DIM: Ansi = Ansi::new().dimmed();
const WARNING: Ansi = AnsiColor::Yellow.on_default();

/// A space at which no line is broken.
const NO_BREAK: &str = "\u{a0}";

pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { style, out };
    page.text(BOLD, &headline(report), "", "")?;
    page.paths(report)?;
    page.platform(report)?;
    page.vantage(report)?;
    page.causes(report)?;
    page.evidence(report)?;
    if style.verbose {
        page.proofs(report)?;
        page.details(report)?;
        page.all_checks(report)?;
    }
    page.servers(report)?;
    page.elsewhere(report)?;
    page.warnings(report)?;
    page.account(report)
}

pub(super) fn headline(report: &Report) -> String {
    headline::of(report)
}

/// Writer of a report, and its look.
struct Page<'w> {
    style: &'w Style,
    out: &'w mut dyn Write,
}

impl Page<'_> {
    fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{}", line.trim_end())
    }

    /// A paragraph in the page's width: the first line begins with `first`, and the
    /// others with `rest`.
    fn text(&mut self, ansi: Ansi, text: &str, first: &str, rest: &str) -> io::Result<()> {
        let options = textwrap::Options::new(usize::from(self.style.width).max(40))
            .initial_indent(first)
            .subsequent_indent(rest)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        textwrap::wrap(&printable(text), options)
            .iter()
            .try_for_each(|line| self.painted(ansi, &line.replace(NO_BREAK, " ")))
    }

    fn painted(&mut self, ansi: Ansi, line: &str) -> io::Result<()> {
        if self.style.color {
            writeln!(self.out, "{ansi}{line}{ansi:#}")
        } else {
            self.line(line)
        }
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        self.line("")?;
        self.text(BOLD, text, "", "  ")
    }

    fn table(&mut self, header: &[&str], rows: Vec<Vec<Cell>>) -> io::Result<()> {
        text::table(header, rows, self.style).try_for_each(|line| self.line(&line))
    }

    fn paths(&mut self, report: &Report) -> io::Result<()> {
        if report.paths.is_empty() {
            return Ok(());
        }
        self.line("")?;
        let clear = match report.vantage.value {
            Vantage::Wire => "Plaintext",
            Vantage::Guest => "Readable",
        };
        let header = ["Client", "Server", "Verdict", "Encrypted", clear, "Packets"];
        self.table(&header, report.paths.iter().map(row).collect())
    }

    /// Prints the states that the platform has logged of each path.
    fn platform(&mut self, report: &Report) -> io::Result<()> {
        let rows: Vec<_> = report.paths.iter().flat_map(states).collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.line("")?;
        let header = [
            "Client",
            "Server",
            "Flow log",
            "Carried as",
            "Flows",
            "Bytes",
        ];
        self.table(&header, rows)
    }

    /// From where it was captured, if anything was.
    fn vantage(&mut self, report: &Report) -> io::Result<()> {
        if report.inputs.is_empty() {
            return Ok(());
        }
        let says = match report.vantage.value {
            Vantage::Wire => "wire, so what was captured is what travels",
            Vantage::Guest => "guest, so what is readable here may be encrypted below",
        };
        self.line("")?;
        let text = format!("Vantage: {says} ({}).", report.vantage.why);
        self.text(Ansi::new(), &text, "", "  ")
    }

    fn account(&mut self, report: &Report) -> io::Result<()> {
        self.line("")?;
        if report.flow_logs.is_empty() || !report.inputs.is_empty() {
            self.text(DIM, &account(&report.accounting), "", "  ")?;
        }
        if !report.flow_logs.is_empty() {
            self.text(DIM, &logged(&report.flow_logs), "", "  ")?;
        }
        Ok(())
    }

    /// Prints the basis of each verdict: the deciding packet, or with `--verbose` all of them.
    fn evidence(&mut self, report: &Report) -> io::Result<()> {
        let proven = report.paths.iter().filter(|path| !path.evidence.is_empty());
        let mut proven = proven.peekable();
        if proven.peek().is_some() {
            self.heading("Evidence")?;
        }
        proven.try_for_each(|path| self.path_evidence(path))
    }

    fn path_evidence(&mut self, path: &PathReport) -> io::Result<()> {
        let title = format!("{}: {}", title(path), verdict(path));
        self.text(Ansi::new(), &title, "  ", "    ")?;
        let mut shown = if self.style.verbose {
            path.evidence.iter().collect()
        } else {
            deciding(path)
        };
        shown.drain(..).try_for_each(|evidence| {
            self.text(Ansi::new(), &evidence.shows, "    ", "      ")?;
            self.text(DIM, &place(evidence), "      ", "      ")
        })
    }

    fn elsewhere(&mut self, report: &Report) -> io::Result<()> {
        if report.dtls_elsewhere.is_empty() {
            return Ok(());
        }
        self.heading("DTLS elsewhere, on no path to a known server")?;
        let limit = if self.style.verbose { usize::MAX } else { 5 };
        for row in report.dtls_elsewhere.iter().take(limit) {
            let ends = row.addresses.join(" and ");
            let ends = if ends.is_empty() { "others" } else { &ends };
            let count = packets(row.volume.packets);
            let text = format!("{ends}: {count}, {}", bytes(row.volume.wire_bytes));
            self.text(Ansi::new(), &text, "  ", "    ")?;
        }
        match report.dtls_elsewhere.len().saturating_sub(limit) {
            0 => Ok(()),
            more => self.line(&format!("  and {more} more: --verbose lists them")),
        }
    }

    fn warnings(&mut self, report: &Report) -> io::Result<()> {
        if report.warnings.is_empty() {
            return Ok(());
        }
        self.heading("Warnings")?;
        let mut warnings = report.warnings.iter();
        warnings.try_for_each(|warning| self.text(WARNING, warning, "  ", "    "))
    }
}

/// Text without what would command a terminal: names of files and interfaces are
/// whatever a capture's maker wanted.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// Evidence shown without `--verbose`: the packet that decides, and what makes it sure;
/// where a path is mixed, its first and last in plaintext, and the first encrypted. A
/// packet's class goes without saying where the same packet proves more. And whatever the
/// platform says.
fn deciding(path: &PathReport) -> Vec<&Evidence> {
    let count = match path.observed {
        Some(Verdict::Mixed) => 3,
        _ => 2,
    };
    let all = &path.evidence;
    let is_same = |a: &Evidence, b: &Evidence| (&a.file, a.packet) == (&b.file, b.packet);
    let is_platform = |it: &&Evidence| it.of == "platform";
    let is_class = |it: &Evidence| Class::ALL.iter().any(|class| class.name() == it.of);
    let proves_more = |it: &Evidence| all.iter().any(|more| is_same(it, more) && !is_class(more));
    let captured = all.iter().filter(|it| !is_platform(it));
    let telling = captured.filter(|it| !is_class(it) || !proves_more(it));
    let logged = all.iter().filter(is_platform);
    telling.take(count).chain(logged).collect()
}

fn title(path: &PathReport) -> String {
    match (&path.client, &path.server) {
        (Some(client), Some(server)) => format!("{client} to {server}"),
        _ => "Paths beyond the limit".to_owned(),
    }
}

fn row(path: &PathReport) -> Vec<Cell> {
    let (encrypted, plaintext, total) = volumes(path);
    vec![
        Cell::new(path.client.as_deref().unwrap_or("–")),
        Cell::new(path.server.as_deref().unwrap_or("others")),
        Cell::new(verdict(path)).fg(color(path.verdict)),
        right(encrypted),
        right(plaintext),
        right(number(total)),
    ]
}

/// The verdict, and whether it speaks of less than all that passed.
fn verdict(path: &PathReport) -> String {
    let loss = if path.under_loss { ", under loss" } else { "" };
    format!("{}{loss}", path.verdict.name())
}

/// Encrypted and plaintext bytes, and all packets: those captured, or of a path that no
/// capture shows, those logged.
fn volumes(path: &PathReport) -> (String, String, u64) {
    match &path.platform {
        Some(platform) if path.traffic.total().packets == 0 => {
            let [encrypted, plaintext] =
                [Carried::Ciphertext, Carried::Plaintext].map(|carried| platform.volume(carried));
            let shown = |(shown, packets)| {
                if packets > 0 {
                    bytes(shown)
                } else {
                    "–".to_owned()
                }
            };
            let total = encrypted.1.saturating_add(plaintext.1);
            (shown(encrypted), shown(plaintext), total)
        }
        _ => {
            let Traffic {
                encrypted,
                plaintext,
                ..
            } = path.traffic;
            let total = path.traffic.total().packets;
            (volume(encrypted), volume(plaintext), total)
        }
    }
}

/// A row for each state that the platform has logged.
fn states(path: &PathReport) -> impl Iterator<Item = Vec<Cell>> {
    let states = path.platform.iter().flat_map(|platform| &platform.states);
    states.map(|row| {
        vec![
            Cell::new(path.client.as_deref().unwrap_or("–")),
            Cell::new(path.server.as_deref().unwrap_or("others")),
            Cell::new(row.state.name()),
            Cell::new(match row.carried {
                Carried::Ciphertext => "ciphertext",
                Carried::Plaintext => "plaintext",
                Carried::Dropped => "blocked",
                Carried::Unknown => "unknown",
            }),
            right(number(row.flows)),
            right(bytes(row.bytes)),
        ]
    })
}

fn color(verdict: Verdict) -> Color {
    match verdict {
        Verdict::Encrypted => Color::Green,
        Verdict::Plaintext | Verdict::Mixed | Verdict::Conflict => Color::Red,
        Verdict::Weak | Verdict::Unproven | Verdict::Undetermined | Verdict::Silent => {
            Color::Yellow
        }
    }
}

/// Location of evidence: file, number of the packet or record, and time.
fn place(evidence: &Evidence) -> String {
    let packet = evidence.packet.map(|packet| format!("packet {packet}"));
    let record = evidence.record.map(|record| format!("record {record}"));
    let parts = [
        Some(&evidence.file),
        packet.as_ref(),
        record.as_ref(),
        evidence.time.as_ref(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    parts.join(", ")
}

/// Sum of the flow logs that were read, in a line.
fn logged(logs: &[LogReport]) -> String {
    let sum = |of: fn(&LogReport) -> u64| number(logs.iter().map(of).sum());
    format!(
        "{} read: {} bad, {} in unknown states",
        tuples(logs.iter().map(|log| log.tuples).sum()),
        sum(|log| log.bad_tuples),
        sum(|log| log.unknown_states),
    )
}

/// Account of every packet, in a line.
fn account(accounting: &AccountingReport) -> String {
    let buckets = [
        (accounting.paths.packets, "on paths"),
        (accounting.dtls_elsewhere.packets, "DTLS elsewhere"),
        (accounting.other.packets, "other traffic"),
        (accounting.duplicates.packets, "duplicates"),
        (accounting.undecodable.total.packets, "undecodable"),
    ];
    let sum: Vec<String> = buckets
        .iter()
        .map(|&(packets, what)| format!("{} {what}", number(packets)).replace(' ', NO_BREAK))
        .collect();
    let read = packets(accounting.read.packets);
    format!("{read} read: {}", sum.join(", "))
}

fn volume(count: Count) -> String {
    match count.packets {
        0 => "–".to_owned(),
        _ => bytes(count.wire_bytes),
    }
}

//! The table: an answer in a sentence, a row a path, what it rests on, and what every
//! packet was.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};
use comfy_table::{Cell, Color};

use super::path::Traffic;
use super::text::{self, bytes, number, packets, right};
use super::{AccountingReport, Evidence, PathReport, Report, Style};
use crate::flow::Count;
use crate::verdict::{Class, Verdict};

mod causes;
mod checks;
mod flows;
mod headline;
pub(super) mod posture;

const BOLD: Ansi = Ansi::new().bold();
const DIM: Ansi = Ansi::new().dimmed();
const WARNING: Ansi = AnsiColor::Yellow.on_default();

/// A space at which no line is broken.
const NO_BREAK: &str = "\u{a0}";

pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { style, out };
    page.text(BOLD, &headline(report), "", "")?;
    page.paths(report)?;
    page.causes(report)?;
    page.evidence(report)?;
    if style.verbose {
        page.details(report)?;
        page.all_checks(report)?;
    }
    page.servers(report)?;
    page.elsewhere(report)?;
    page.warnings(report)?;
    page.line("")?;
    page.text(DIM, &account(&report.accounting), "", "  ")
}

pub(super) fn headline(report: &Report) -> String {
    headline::of(report)
}

/// Where a report is written, and how it looks there.
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
        let header = [
            "Client",
            "Server",
            "Verdict",
            "Encrypted",
            "Plaintext",
            "Packets",
        ];
        self.table(&header, report.paths.iter().map(row).collect())
    }

    /// What each verdict rests on: the deciding packet, or with `--verbose` all of them.
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
/// packet's class goes without saying where the same packet proves more.
fn deciding(path: &PathReport) -> Vec<&Evidence> {
    let count = match path.verdict {
        Verdict::Mixed => 3,
        _ => 2,
    };
    let all = &path.evidence;
    let is_same = |a: &Evidence, b: &Evidence| (&a.file, a.packet) == (&b.file, b.packet);
    let is_class = |it: &Evidence| Class::ALL.iter().any(|class| class.name() == it.of);
    let proves_more = |it: &Evidence| all.iter().any(|more| is_same(it, more) && !is_class(more));
    let telling = all.iter().filter(|it| !is_class(it) || !proves_more(it));
    telling.take(count).collect()
}

fn title(path: &PathReport) -> String {
    match (&path.client, &path.server) {
        (Some(client), Some(server)) => format!("{client} to {server}"),
        _ => "Paths beyond the limit".to_owned(),
    }
}

fn row(path: &PathReport) -> Vec<Cell> {
    let Traffic {
        encrypted,
        plaintext,
        ..
    } = path.traffic;
    vec![
        Cell::new(path.client.as_deref().unwrap_or("–")),
        Cell::new(path.server.as_deref().unwrap_or("others")),
        Cell::new(verdict(path)).fg(color(path.verdict)),
        right(volume(encrypted)),
        right(volume(plaintext)),
        right(number(path.traffic.total().packets)),
    ]
}

/// The verdict, and whether it speaks of less than all that passed.
fn verdict(path: &PathReport) -> String {
    let loss = if path.under_loss { ", under loss" } else { "" };
    format!("{}{loss}", path.verdict.name())
}

fn color(verdict: Verdict) -> Color {
    match verdict {
        Verdict::Encrypted => Color::Green,
        Verdict::Plaintext | Verdict::Mixed => Color::Red,
        Verdict::Weak | Verdict::Undetermined | Verdict::Silent => Color::Yellow,
    }
}

/// Where evidence is to be found.
fn place(evidence: &Evidence) -> String {
    let Evidence {
        file, packet, time, ..
    } = evidence;
    match time {
        Some(time) => format!("{file}, packet {packet}, {time}"),
        None => format!("{file}, packet {packet}"),
    }
}

/// Where every packet went, in a line.
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

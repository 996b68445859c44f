//! The table: an answer in a sentence, a row a path, what it rests on, and what every
//! packet was.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};
use comfy_table::{Cell, Color};

use super::rank::{counts, worst_first};
use super::text::{self, bytes, number, packets, printable, right, tuples};
use super::{About, AccountingReport, Evidence, PathReport, Report, Style};
use crate::flow::Count;
use crate::flow_log::{Carried, LogReport};
use crate::verdict::{Class, Vantage, Verdict};

mod causes;
mod checks;
mod files;
mod filters;
mod flows;
mod groups;
mod headline;
mod inventory;
pub(super) mod posture;
mod proof;
mod timeline;
mod warnings;

const BOLD: Ansi = Ansi::new().bold();
const DIM: Ansi = Ansi::new().dimmed();
const WARNING: Ansi = AnsiColor::Yellow.on_default();

/// A space at which no line is broken.
const NO_BREAK: &str = "\u{a0}";

pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { style, out };
    let paths = &worst_first(report)[..];
    page.text(BOLD, &headline(report), "", "")?;
    match style.group_by {
        Some(by) => page.groups(by, report, paths)?,
        None => page.paths(report, paths)?,
    }
    page.platform(paths)?;
    page.vantage(report)?;
    page.window(report)?;
    page.causes(paths)?;
    page.evidence(paths)?;
    if style.display_filters {
        page.filters(paths)?;
    }
    if style.verbose {
        page.proofs(report, paths)?;
        page.details(paths)?;
        page.all_checks(report, paths)?;
        page.all_files(report)?;
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

    /// A row a path, as many as there is room for, and the verdicts of the others.
    fn paths(&mut self, report: &Report, paths: &[&PathReport]) -> io::Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        self.line("")?;
        let clear = clear_of(report);
        let header = ["Client", "Server", "Verdict", "Encrypted", clear, "Packets"];
        let (shown, more) = paths.split_at(self.style.rows().min(paths.len()));
        self.table(&header, shown.iter().map(|path| row(path)).collect())?;
        match more_paths(more) {
            Some(more) => {
                let text = format!("{more} (--top all lists them)");
                self.text(Ansi::new(), &text, "", "  ")
            }
            None => Ok(()),
        }
    }

    /// Prints the states that the platform has logged of each path.
    fn platform(&mut self, paths: &[&PathReport]) -> io::Result<()> {
        let mut rows: Vec<_> = paths.iter().flat_map(|path| states(path)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let more = rows.len().saturating_sub(self.style.rows());
        rows.truncate(self.style.rows());
        self.line("")?;
        let header = [
            "Client",
            "Server",
            "Flow log",
            "Carried as",
            "Flows",
            "Bytes",
        ];
        self.table(&header, rows)?;
        match more {
            0 => Ok(()),
            more => self.line(&format!("and {} more", number(more as u64))),
        }
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
        self.kinds_of_files(report)
    }

    /// Prints the basis of each verdict but `encrypted`: the deciding packet, or with
    /// `--verbose` all of them, of all paths.
    fn evidence(&mut self, paths: &[&PathReport]) -> io::Result<()> {
        let is_told = |path: &&&PathReport| {
            let is_open = self.style.verbose || path.verdict != Verdict::Encrypted;
            is_open && !path.evidence.is_empty()
        };
        let proven: Vec<_> = paths.iter().filter(is_told).collect();
        if proven.is_empty() {
            return Ok(());
        }
        self.heading("Evidence")?;
        let items = self.style.items();
        let mut listed = proven.iter().take(items);
        listed.try_for_each(|path| self.path_evidence(path))?;
        self.more_items(proven.len(), items)
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
        let items = self.style.items();
        for row in report.dtls_elsewhere.iter().take(items) {
            let ends = row.addresses.join(" and ");
            let ends = if ends.is_empty() { "others" } else { &ends };
            let count = packets(row.volume.packets);
            let text = format!("{ends}: {count}, {}", bytes(row.volume.wire_bytes));
            self.text(Ansi::new(), &text, "  ", "    ")?;
        }
        self.more_items(report.dtls_elsewhere.len(), items)
    }

    /// Number of items beyond those listed.
    fn more_items(&mut self, all: usize, listed: usize) -> io::Result<()> {
        match all.saturating_sub(listed) {
            0 => Ok(()),
            more => {
                let more = number(more as u64);
                self.line(&format!("  and {more} more: --verbose lists them"))
            }
        }
    }
}

/// Paths that there is no room for, by verdict.
pub(super) fn more_paths(more: &[&PathReport]) -> Option<String> {
    let verdicts = counts(more.iter().map(|path| path.verdict));
    let count = number(more.len() as u64);
    (!more.is_empty()).then(|| format!("and {count} more: {verdicts}"))
}

/// Title of what could be read.
fn clear_of(report: &Report) -> &'static str {
    match report.vantage.value {
        Vantage::Wire => "Plaintext",
        Vantage::Guest => "Readable",
    }
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
    let Volumes {
        encrypted,
        plaintext,
        packets,
    } = volumes(path);
    let shown = |volume: Option<u64>| right(volume.map_or_else(|| "–".to_owned(), bytes));
    vec![
        Cell::new(path.client.as_deref().unwrap_or("–")),
        Cell::new(path.server.as_deref().unwrap_or("others")),
        Cell::new(verdict(path)).fg(color(path.verdict)),
        shown(encrypted),
        shown(plaintext),
        right(number(packets)),
    ]
}

/// The verdict, and whether it speaks of less than all that passed.
fn verdict(path: &PathReport) -> String {
    let loss = if path.under_loss { ", under loss" } else { "" };
    format!("{}{loss}", path.verdict.name())
}

/// Encrypted and plaintext bytes, `None` without packets, and all packets.
struct Volumes {
    encrypted: Option<u64>,
    plaintext: Option<u64>,
    packets: u64,
}

/// Volumes of a path: those captured, or of one that no capture shows, those logged.
fn volumes(path: &PathReport) -> Volumes {
    let some = |(bytes, packets): (u64, u64)| (packets > 0).then_some(bytes);
    match &path.platform {
        Some(platform) if path.traffic.total().packets == 0 => {
            let [encrypted, plaintext] =
                [Carried::Ciphertext, Carried::Plaintext].map(|carried| platform.volume(carried));
            Volumes {
                encrypted: some(encrypted),
                plaintext: some(plaintext),
                packets: encrypted.1.saturating_add(plaintext.1),
            }
        }
        _ => {
            let of = |count: Count| some((count.wire_bytes, count.packets));
            Volumes {
                encrypted: of(path.traffic.encrypted),
                plaintext: of(path.traffic.plaintext),
                packets: path.traffic.total().packets,
            }
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
    let outside = (accounting.outside_window.packets, "outside the window");
    let outside = (outside.0 > 0).then_some(outside);
    let sum: Vec<String> = buckets
        .into_iter()
        .chain(outside)
        .map(|(packets, what)| format!("{} {what}", number(packets)).replace(' ', NO_BREAK))
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

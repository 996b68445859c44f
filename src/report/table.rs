//! The table: an answer in a sentence, a row a path, what it rests on, and what every
//! packet was.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};
use comfy_table::{Cell, Color};

use super::rank::worst_first;
use super::text::{self, NO_BREAK, bytes, number, packets, printable, right};
use super::wording::account::{account, clear_of, logged, vantage};
use super::wording::headline;
use super::wording::next::steps;
use super::wording::path::{
    self, PathVolumes, carried, client, deciding, more_paths, place, server, title, verdict,
    volumes,
};
use super::{PathReport, Report, Style};
use crate::verdict::Verdict;

mod causes;
mod checks;
mod files;
mod filters;
mod flows;
mod groups;
mod inventory;
#[cfg(feature = "live")]
pub(super) mod path_page;
pub(super) mod posture;
mod proof;
mod timeline;
mod warnings;

const BOLD: Ansi = Ansi::new().bold();
const DIM: Ansi = Ansi::new().dimmed();
const WARNING: Ansi = AnsiColor::Yellow.on_default();

pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { style, out };
    let paths = &worst_first(report)[..];
    page.text(BOLD, &headline::of(report), "", "")?;
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
    page.next(paths)?;
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
        let Some(says) = vantage(report) else {
            return Ok(());
        };
        self.line("")?;
        self.text(Ansi::new(), &says, "", "  ")
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

    /// What can be done about each verdict but `encrypted`, once.
    fn next(&mut self, paths: &[&PathReport]) -> io::Result<()> {
        let steps = steps(paths);
        if steps.is_empty() {
            return Ok(());
        }
        self.heading("What to do next")?;
        let items = self.style.items();
        for (whom, step) in steps.iter().take(items) {
            self.text(Ansi::new(), &format!("{whom}: {step}"), "  ", "    ")?;
        }
        self.more_items(steps.len(), items)
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

fn row(path: &PathReport) -> Vec<Cell> {
    let PathVolumes {
        encrypted,
        plaintext,
        packets,
    } = volumes(path);
    vec![
        Cell::new(client(path)),
        Cell::new(server(path)),
        Cell::new(verdict(path)).fg(color(path.verdict)),
        right(path::volume(encrypted)),
        right(path::volume(plaintext)),
        right(number(packets)),
    ]
}

/// A row for each state that the platform has logged.
fn states(path: &PathReport) -> impl Iterator<Item = Vec<Cell>> {
    let states = path.platform.iter().flat_map(|platform| &platform.states);
    states.map(|row| {
        vec![
            Cell::new(client(path)),
            Cell::new(server(path)),
            Cell::new(row.state.name()),
            Cell::new(carried(row.carried)),
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

//! Page on one path: its verdict, what that rests on, what can be done about it, and its proof.

use std::io;

use anstyle::Style as Ansi;

use super::{BOLD, DIM, Page};
use crate::report::text::{bytes, packets};
use crate::report::wording::flows::facts;
use crate::report::wording::path::{place, title, verdict};
use crate::report::{PathReport, Style};

/// Lines of a page on one path; those that begin without a space are headings.
pub(in crate::report) fn lines(path: &PathReport, width: u16) -> Vec<String> {
    let style = Style {
        width,
        verbose: true,
        ..Style::default()
    };
    let mut page = Vec::new();
    let mut writer = Page {
        style: &style,
        out: &mut page,
    };
    writer.path_page(path).expect("memory takes every line");
    let page = String::from_utf8_lossy(&page);
    page.lines().map(str::to_owned).collect()
}

impl Page<'_> {
    fn path_page(&mut self, path: &PathReport) -> io::Result<()> {
        let title = format!("{}: {}", title(path), verdict(path));
        self.text(BOLD, &title, "", "  ")?;
        self.sums(path)?;
        if !path.evidence.is_empty() {
            self.heading("Evidence")?;
        }
        for evidence in &path.evidence {
            self.text(Ansi::new(), &evidence.shows, "  ", "    ")?;
            self.text(DIM, &place(evidence), "    ", "    ")?;
        }
        self.causes(&[path])?;
        self.next(&[path])?;
        if !path.proof.is_empty() {
            self.heading("Proof")?;
        }
        self.obligations(&path.proof)
    }

    /// What it carried, by class, and the facts of its DTLS and Lustre.
    fn sums(&mut self, path: &PathReport) -> io::Result<()> {
        let classes = path.traffic.by_class().into_iter();
        let classes = classes
            .filter(|(_, count)| count.packets > 0)
            .map(|(class, count)| {
                let (name, packets) = (class.name(), packets(count.packets));
                format!("{name}: {packets}, {}", bytes(count.wire_bytes))
            });
        let times = path.first.iter().zip(&path.last);
        let times = times.map(|(first, last)| format!("seen from {first} to {last}"));
        let mut all = classes.chain(times).chain(facts(path)).peekable();
        if all.peek().is_some() {
            self.heading("Traffic")?;
        }
        all.try_for_each(|line| self.text(Ansi::new(), &line, "  ", "    "))
    }
}

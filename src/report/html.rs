//! The page: one file in HTML that opens anywhere, offline, and asks for nothing from elsewhere.
//!
//! What strangers have named is escaped by the templates, and once more in the whole body, where
//! no control character is the page's own. A policy in its head admits the style and the script
//! of the page, by their hashes, and nothing else.

use std::io::{self, Write};
use std::sync::LazyLock;

use data_encoding::BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::posture::PostureReport;
use super::rank::worst_first;
use super::wording::headline;
use super::wording::posture::{self, NO_PROOF};
use super::{Report, Style};
use crate::input::name::Visible;

mod account;
mod basis;
mod cells;
mod checks;
mod controls;
mod flows;
mod inventory;
mod list;
mod mark;
mod matrix;
mod path;
mod proof;
mod reach;
mod steps;
mod timeline;

use list::PathList;

const CSS: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The policy: nothing is loaded, sent or run but what the page holds.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let [style, script] = [CSS, SCRIPT].map(|text| BASE64.encode(&Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; \
         base-uri 'none'; form-action 'none'"
    )
});

/// Section of a page; `None` where there is nothing to say.
struct PageSection {
    id: &'static str,
    title: &'static str,
    body: Option<Markup>,
}

impl PageSection {
    fn new(id: &'static str, title: &'static str, body: impl Into<Option<Markup>>) -> Self {
        Self {
            id,
            title,
            body: body.into(),
        }
    }
}

/// Writes a report as a page.
pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let paths = worst_first(report);
    let list = PathList::new(&paths, style);
    let top = html! {
        p.answer { (headline::of(report)) }
        (mark::counts(&report.summary))
        (basis::facts(report))
    };
    let sections = [
        PageSection::new("steps", "What to do next", steps::section(report, &paths)),
        PageSection::new(
            "matrix",
            "Clients and servers",
            matrix::section(&paths, &list),
        ),
        PageSection::new("timeline", "Over time", timeline::section(report)),
        PageSection::new("paths", "Paths", list.section(report, style)),
        PageSection::new("basis", "What this rests on", basis::section(report)),
        PageSection::new("controls", "Azure controls", controls::of_report(report)),
        PageSection::new("inventory", "Inventory", inventory::of_report(report)),
        PageSection::new("warnings", "Warnings", account::warnings(report, style)),
        PageSection::new(
            "packets",
            "Account of every packet",
            account::packets(report),
        ),
    ];
    finish("Paths to Azure Managed Lustre", &top, &sections, out)
}

/// Writes a posture as a page.
pub(super) fn write_posture(
    report: &PostureReport,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let top = html! {
        p.answer { (posture::headline(report)) }
        (mark::outcomes(report))
        p.note { (NO_PROOF) }
    };
    let sections = [
        PageSection::new(
            "paths",
            "Paths that clients can take",
            reach::section(report, style),
        ),
        PageSection::new("controls", "Azure controls", controls::of_posture(report)),
        PageSection::new("inventory", "Inventory", inventory::of_posture(report)),
        PageSection::new("warnings", "Warnings", account::listed(&report.warnings)),
    ];
    finish(
        "Configuration of Azure Managed Lustre",
        &top,
        &sections,
        out,
    )
}

/// Writes a page of some sections.
fn finish(
    title: &str,
    top: &Markup,
    sections: &[PageSection],
    out: &mut dyn Write,
) -> io::Result<()> {
    let body = body(title, top, sections).into_string();
    let head = html! {
        meta charset="utf-8";
        meta http-equiv="Content-Security-Policy" content=(*POLICY);
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        meta name="referrer" content="no-referrer";
        title { "plainsight: " (title) }
        style { (PreEscaped(CSS)) }
    };
    let start = html! { (DOCTYPE) (PreEscaped("<html lang=\"en\"><head>")) (head) };
    let script = html! { script { (PreEscaped(SCRIPT)) } };
    write!(out, "{}</head><body>", start.into_string())?;
    write!(out, "{}", Visible(&body))?;
    writeln!(out, "{}</body></html>", script.into_string())
}

fn body(title: &str, top: &Markup, sections: &[PageSection]) -> Markup {
    let shown = || sections.iter().filter(|it| it.body.is_some());
    html! {
        header {
            p.tool { "plainsight " (env!("CARGO_PKG_VERSION")) }
            h1 { (title) }
            (top)
            nav { @for it in shown() { a href={ "#" (it.id) } { (it.title) } } }
        }
        main {
            @for it in shown() {
                section id=(it.id) { h2 { (it.title) } @if let Some(body) = &it.body { (body) } }
            }
        }
    }
}

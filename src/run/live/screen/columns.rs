//! Columns of the paths: as many as the width has room for, the important ones first. A number
//! is never cut.

use std::borrow::Cow;

use ratatui::layout::Constraint;
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, Row, Table};

use super::view::ShownPaths;
use crate::report::PathReport;
use crate::report::sparkline::Sparkline;
use crate::report::text::{bytes, number};
use crate::run::live::events::EventEnds;
use crate::run::live::state::{Minute, RunState, Second};
use crate::verdict::Verdict;

/// Sign for an empty cell.
const NONE: &str = "–";
/// Width of the longest rate, as in `999.9 MB/s`.
const RATE: usize = 10;
/// Width of the shortest graph that is worth its place.
const GRAPH: usize = 10;
/// Width of a column for each second.
const LONGEST_GRAPH: u16 = 60;

/// Column of a path, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PathColumn {
    Client,
    Server,
    Verdict,
    Encrypted,
    Plaintext,
    Lost,
    Minute,
}

impl PathColumn {
    /// Columns that may be left out, the most important first.
    const OPTIONAL: [Self; 4] = [Self::Plaintext, Self::Encrypted, Self::Lost, Self::Minute];

    fn title(self) -> &'static str {
        match self {
            Self::Client => "Client",
            Self::Server => "Server",
            Self::Verdict => "Verdict",
            Self::Encrypted => "Encrypted",
            Self::Plaintext => "Plaintext",
            Self::Lost => "Lost",
            Self::Minute => "Minute",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Encrypted | Self::Plaintext | Self::Lost)
    }

    /// Content of a cell, but for the graph.
    fn text(self, path: &PathReport, rate: Second) -> Cow<'_, str> {
        match self {
            Self::Client => path.client.as_deref().unwrap_or(NONE).into(),
            Self::Server => path.server.as_deref().unwrap_or("others").into(),
            Self::Verdict => path.verdict.name().into(),
            Self::Encrypted => per_second(rate.encrypted).into(),
            Self::Plaintext => per_second(rate.plaintext).into(),
            Self::Lost => {
                let lost = path.dtls.as_ref().map_or(0, |dtls| dtls.missing);
                unless_none(lost, number).into()
            }
            Self::Minute => "".into(),
        }
    }

    /// Width that the paths need. Addresses and verdicts are those of all paths, so that the
    /// columns stay where they are while the rows move.
    fn needs(self, paths: &ShownPaths<'_>, state: &RunState) -> usize {
        let of_shown = |path: &&PathReport| length(&self.text(path, rate(path, state)));
        let of_any = |path: &&PathReport| length(&self.text(path, Second::default()));
        let longest = if self.is_number() {
            paths.shown().iter().map(of_shown).max()
        } else {
            paths.paths.iter().map(of_any).max()
        };
        let least = match self {
            Self::Encrypted | Self::Plaintext => RATE,
            Self::Minute => GRAPH,
            _ => self.title().len(),
        };
        longest.unwrap_or(0).max(least)
    }
}

/// Table of the paths that are shown, in a width. The marked one is seen to be where `marks`.
pub(super) fn table<'s>(
    paths: &ShownPaths<'s>,
    state: &RunState,
    width: u16,
    (color, marks): (bool, bool),
) -> Table<'s> {
    let columns = fit(paths, state, width);
    let rows = paths.shown().iter().enumerate().map(|(place, path)| {
        let row = row(path, state, &columns, color);
        let is_marked = marks && paths.top + place == paths.marked;
        if is_marked { row.reversed() } else { row }
    });
    let header = columns.iter().map(|&(column, _)| {
        let title = Line::from(column.title());
        if column.is_number() {
            title.right_aligned()
        } else {
            title
        }
    });
    let widths = columns.iter().map(|&(_, width)| Constraint::Length(width));
    Table::new(rows, widths).header(Row::new(header).underlined())
}

/// Columns that fit, with their widths.
fn fit(paths: &ShownPaths<'_>, state: &RunState, width: u16) -> Vec<(PathColumn, u16)> {
    let needs = |column: PathColumn| u16::try_from(column.needs(paths, state)).unwrap_or(u16::MAX);
    let verdict = needs(PathColumn::Verdict);
    let (client, server) = (needs(PathColumn::Client), needs(PathColumn::Server));
    let room = width.saturating_sub(verdict.saturating_add(2));
    let client = client.min(room.saturating_sub(server).max(room / 2));
    let server = server.min(room - client);
    let mut left = room - client - server;
    let mut fitting = vec![
        (PathColumn::Client, client),
        (PathColumn::Server, server),
        (PathColumn::Verdict, verdict),
    ];
    for column in PathColumn::OPTIONAL {
        let mut width = needs(column);
        if width >= left {
            continue;
        }
        if column == PathColumn::Minute {
            width = (left - 1).min(LONGEST_GRAPH);
        }
        left -= width + 1;
        fitting.push((column, width));
    }
    fitting.sort_by_key(|(column, _)| *column);
    fitting
}

fn row<'s>(
    path: &'s PathReport,
    state: &RunState,
    columns: &[(PathColumn, u16)],
    color: bool,
) -> Row<'s> {
    let rate = rate(path, state);
    let cells = columns.iter().map(|&(column, width)| match column {
        PathColumn::Verdict => Cell::from(verdict(path.verdict, color)),
        PathColumn::Minute => {
            let minute = state.minutes.get(&EventEnds::of(path));
            Cell::from(minute.map(|it| graph(it, width)).unwrap_or_default())
        }
        _ => {
            let text = shortened(column.text(path, rate), width.into());
            let text = Text::from(text);
            Cell::from(if column.is_number() {
                text.right_aligned()
            } else {
                text
            })
        }
    });
    Row::new(cells)
}

fn rate(path: &PathReport, state: &RunState) -> Second {
    let minute = state.minutes.get(&EventEnds::of(path));
    minute.map_or_else(Second::default, Minute::rate)
}

/// An address in a width: of a longer one, its beginning and its end.
fn shortened(text: Cow<'_, str>, width: usize) -> Cow<'_, str> {
    let length = length(&text);
    if length <= width {
        return text;
    }
    let kept = width.saturating_sub(1);
    let (before, after) = (kept - kept / 2, kept / 2);
    let letters = text.chars();
    let begin = letters.clone().take(before).chain(['…']);
    begin.chain(letters.skip(length - after)).collect()
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn verdict(verdict: Verdict, color: bool) -> Span<'static> {
    let name = Span::from(verdict.name());
    if color {
        name.style(Style::new().fg(hue(verdict)))
    } else {
        name
    }
}

fn hue(verdict: Verdict) -> Color {
    match verdict {
        Verdict::Encrypted => Color::Green,
        Verdict::Plaintext | Verdict::Mixed | Verdict::Conflict => Color::Red,
        Verdict::Weak | Verdict::Unproven | Verdict::Undetermined | Verdict::Silent => {
            Color::Yellow
        }
    }
}

fn per_second(rate: u64) -> String {
    unless_none(rate, |rate| format!("{}/s", bytes(rate)))
}

fn unless_none(count: u64, show: impl FnOnce(u64) -> String) -> String {
    match count {
        0 => NONE.to_owned(),
        count => show(count),
    }
}

/// The seconds of a minute in so many columns, as high as the busiest allows.
fn graph(minute: &Minute, width: u16) -> String {
    let seconds: Vec<u64> = minute.seconds().map(|second| second.all).collect();
    let columns = usize::from(width).clamp(1, Minute::SECONDS);
    let line = Sparkline::new(&seconds, Minute::SECONDS.div_ceil(columns));
    line.bars(line.highest())
}

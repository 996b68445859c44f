//! Pages of the screen: all paths, one of them, and the keys.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::columns::table;
use super::view::{PathOrder, ScreenPage, ShownPaths, View};
use crate::report::text::{NO_BREAK, counted, number, printable};
use crate::report::{Losses, headline, more_paths, path_page};
use crate::run::live::events::EventEnds;
use crate::run::live::state::RunState;

/// Most lines of the answer.
const ANSWER: usize = 5;
/// Sign for words that there is no room for.
const MORE: &str = "…";
/// Margin of what a key does.
const INDENT: &str = "             ";
/// The keys, a line each.
const KEYS: &[(&str, &str)] = &[
    ("Up, Down", "go to the path above, below (also k, j)"),
    ("PgUp, PgDn", "go a page up, down"),
    ("Home, End", "go to the first path, to the last"),
    ("Enter", "show the path's evidence and proof"),
    ("Esc, q", "go back from a page"),
    (
        "s",
        "sort: worst first, most traffic first, by client, by server",
    ),
    (
        "/",
        "show only paths whose addresses or verdict hold what is typed",
    ),
    ("Esc", "show all paths again"),
    ("Ctrl-L", "draw the screen anew"),
    (
        "Ctrl-Z",
        "stop for a while: what passes meanwhile may be lost",
    ),
    ("q, Ctrl-C", "end the run with its report"),
    ("?", "show these keys"),
];

/// Look of the screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScreenLook {
    /// Set to use color.
    pub(super) color: bool,
    /// Set where keys are read.
    pub(super) keys: bool,
}

/// Draws the page that is open.
pub(super) fn draw(frame: &mut Frame<'_>, state: &RunState, view: &mut View, look: ScreenLook) {
    match view.page.clone() {
        ScreenPage::Paths => paths(frame, state, view, look),
        ScreenPage::Path(ends, _) => path(frame, state, view, &ends, look),
        ScreenPage::Keys => keys(frame, view),
    }
}

/// All paths, below the answer in a sentence or two.
fn paths(frame: &mut Frame<'_>, state: &RunState, view: &mut View, look: ScreenLook) {
    let Rect { width, height, .. } = frame.area();
    let answer = answer(state, width, height);
    let lines = |count: usize| Constraint::Length(u16::try_from(count).unwrap_or(u16::MAX));
    let [top, _, middle, beyond, chosen, bottom] = Layout::vertical([
        lines(answer.len()),
        lines(usize::from(height > 12)),
        Constraint::Min(2),
        lines(1),
        lines(usize::from(is_chosen(view))),
        lines(1),
    ])
    .areas(frame.area());
    // One line is the header's.
    let rows = usize::from(middle.height.saturating_sub(1));
    let shown = view.lay_out(state, rows);
    frame.render_widget(Paragraph::new(answer).bold(), top);
    frame.render_widget(table(&shown, state, width, (look.color, look.keys)), middle);
    frame.render_widget(Line::from(others(&shown, width)), beyond);
    let all = state.report.paths.len();
    frame.render_widget(Line::from(choices(view, &shown, all, width)), chosen);
    frame.render_widget(footer(state, view, look, width), bottom);
}

/// The answer of the report, in as many lines as the screen has room for.
fn answer(state: &RunState, width: u16, height: u16) -> Vec<Line<'static>> {
    let most = (usize::from(height) / 3).clamp(1, ANSWER);
    let mut lines = wrapped(&printable(&headline(&state.report)), width);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = cut(last.split(' '), " ", width);
        }
    }
    lines.into_iter().map(Line::from).collect()
}

/// The paths that there is no room for.
fn others(paths: &ShownPaths<'_>, width: u16) -> String {
    let Some(mut says) = more_paths(&paths.others()) else {
        return String::new();
    };
    if paths.top > 0 {
        says = format!("{says}, {} of them above", number(paths.top as u64));
    }
    fit(says.split(", "), ", ", width)
}

/// Tests that the paths are not simply the worst first.
fn is_chosen(view: &View) -> bool {
    view.is_typing || !view.filter.is_empty() || view.order != PathOrder::default()
}

/// The filter and the order, where somebody chose one.
fn choices(view: &View, shown: &ShownPaths<'_>, all: usize, width: u16) -> String {
    let [some, all] = [shown.paths.len(), all].map(|count| count as u64);
    let filter = printable(&view.filter);
    let count = format!("{} of {}", number(some), counted(all, "path"));
    let order = (view.order != PathOrder::default()).then(|| view.order.name().to_owned());
    let filter: &[String] = match (view.is_typing, filter.is_empty()) {
        (true, _) => &[format!("/{filter}_"), count],
        (false, false) => &[format!("/{filter}"), count],
        (false, true) => &[],
    };
    let back = (!filter.is_empty() && !view.is_typing).then_some("Esc shows all");
    let parts = filter.iter().chain(&order).map(String::as_str).chain(back);
    fit(parts, "  ", width)
}

/// Line with the time, the packets that were dropped and read, and what to press.
fn footer(state: &RunState, view: &View, look: ScreenLook, width: u16) -> Line<'static> {
    let hint = match (view.is_ending, look.keys) {
        (true, _) => "ending",
        (false, true) => "? keys  q ends",
        (false, false) => "Ctrl-C ends",
    };
    let room = width.saturating_sub(u16::try_from(hint.len() + 2).unwrap_or(width));
    let read = state.report.accounting.read.packets;
    let inputs = state.report.inputs.iter();
    let drops = inputs.filter_map(|input| {
        let lost = input.losses.as_ref().map_or(0, Losses::packets);
        (lost > 0).then(|| format!("{}: {} dropped", printable(&input.name), number(lost)))
    });
    let read = format!("{} read", counted(read, "packet"));
    let parts: Vec<String> = [clock(state.elapsed)]
        .into_iter()
        .chain(drops)
        .chain([read])
        .collect();
    let says = fit(parts.iter().map(String::as_str), "  ", room);
    Line::from(format!("{says:<room$}  {hint}", room = usize::from(room))).dim()
}

fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// One path, with what its verdict rests on.
fn path(
    frame: &mut Frame<'_>,
    state: &RunState,
    view: &mut View,
    ends: &EventEnds,
    look: ScreenLook,
) {
    let width = frame.area().width;
    let mut paths = state.report.paths.iter();
    let lines = match paths.find(|path| EventEnds::of(path) == *ends) {
        Some(path) => path_page(path, width),
        None => vec![format!(
            "{ends}: it is among the paths that are too many to list by now."
        )],
    };
    let lines = lines.iter().flat_map(|line| wrapped(line, width));
    let lines = lines.map(|line| styled(line, look.color));
    scroll(frame, view, lines.collect());
}

fn styled(line: String, color: bool) -> Line<'static> {
    let is_open = ["open:", "broken:"]
        .iter()
        .any(|word| line.trim_start().starts_with(word));
    let is_heading = !line.starts_with(' ');
    let line = Line::from(line);
    match (is_heading, is_open && color) {
        (true, _) => line.bold(),
        (false, true) => line.style(Style::new().fg(Color::Yellow)),
        (false, false) => line,
    }
}

/// Lines from the one that was scrolled to.
fn scroll(frame: &mut Frame<'_>, view: &mut View, lines: Vec<Line<'static>>) {
    let [middle, bottom] =
        Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(frame.area());
    let (all, rows) = (lines.len(), usize::from(middle.height));
    let top = view.scrolled(all, rows);
    let last = all.min(top + rows);
    let place = format!("lines {} to {last} of {all}", top + 1);
    let says = fit(
        ["Esc back", "PgDn, PgUp scroll", &place],
        "  ",
        frame.area().width,
    );
    let lines: Vec<_> = lines.into_iter().skip(top).take(rows).collect();
    frame.render_widget(Paragraph::new(lines), middle);
    frame.render_widget(Line::from(says).dim(), bottom);
}

/// The keys, and what each does.
fn keys(frame: &mut Frame<'_>, view: &mut View) {
    let width = frame.area().width;
    let heading = [Line::from("Keys").bold(), Line::default()];
    let lines = KEYS.iter().flat_map(|(key, does)| {
        let options = textwrap::Options::new(usize::from(width).max(1)).subsequent_indent(INDENT);
        textwrap::wrap(
            &format!("{key:<width$}{does}", width = INDENT.len()),
            options,
        )
        .into_iter()
        .map(|line| Line::from(line.into_owned()))
        .collect::<Vec<_>>()
    });
    scroll(frame, view, heading.into_iter().chain(lines).collect());
}

/// Lines of a text, without words broken, further ones as deep as the first.
fn wrapped(text: &str, width: u16) -> Vec<String> {
    let depth = text.len() - text.trim_start_matches(' ').len();
    let indent = &text[..depth];
    let options = textwrap::Options::new(usize::from(width).max(1))
        .initial_indent(indent)
        .subsequent_indent(indent)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(&text[depth..], options);
    lines
        .iter()
        .map(|line| line.replace(NO_BREAK, " "))
        .collect()
}

/// Parts as far as they fit, so that no number is cut.
fn fit<'t>(parts: impl IntoIterator<Item = &'t str>, between: &str, width: u16) -> String {
    let parts: Vec<&str> = parts.into_iter().collect();
    let whole = parts.join(between);
    if whole.chars().count() <= width.into() {
        whole
    } else {
        cut(parts, between, width)
    }
}

/// Parts as far as they fit, and a sign that there is more.
fn cut<'t>(parts: impl IntoIterator<Item = &'t str>, between: &str, width: u16) -> String {
    let room = usize::from(width).saturating_sub(between.len() + 1);
    let mut shown = String::new();
    for part in parts {
        let before = if shown.is_empty() { "" } else { between };
        if shown.chars().count() + before.len() + part.chars().count() > room {
            break;
        }
        shown.extend([before, part]);
    }
    shown.extend(["", between.trim_end(), MORE]);
    shown
}

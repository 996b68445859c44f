//! One table on the terminal, refreshed in place: a row a path, the worst first, as many as
//! fit.

use std::io::{self, Stdout};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, Paragraph, Row, Table, Wrap};
use ratatui::{Frame, Terminal};

use super::events::EventEnds;
use super::printer::Printer;
use super::state::{Minute, Published, RunState, Second};
use crate::report::rank::worst_first;
use crate::report::sparkline::Sparkline;
use crate::report::text::{bytes, number};
use crate::report::{PathReport, Report, headline, more_paths};
use crate::verdict::Verdict;

/// Sign for an empty cell.
const NONE: &str = "–";
/// Interval at which the screen is drawn.
const EVERY: Duration = Duration::from_millis(500);

/// A terminal that shows the table, and what was there before once it is dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    color: bool,
}

impl Screen {
    /// Takes the terminal over.
    pub(super) fn open(color: bool) -> io::Result<Self> {
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(Self { terminal, color })
    }

    /// Shows each state as long as reports may come. Those go where the final one will.
    pub(super) fn show(
        mut self,
        published: &Published,
        reports: &Receiver<Arc<Report>>,
        printer: &Printer,
        fail: &Sender<String>,
    ) {
        loop {
            self.draw(published);
            match reports.recv_timeout(EVERY) {
                Ok(report) => match self.make_room(|| printer.print(&report)) {
                    Ok(screen) => self = screen,
                    Err(error) => {
                        let _ = fail.try_send(format!("cannot write to the terminal: {error}"));
                        return;
                    }
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn draw(&mut self, published: &Published) {
        if let Some(state) = published.load().as_deref() {
            let color = self.color;
            // A terminal that is gone stops no run.
            let _ = self.terminal.draw(|frame| draw(frame, state, color));
        }
    }

    /// Gives the terminal back for a while.
    fn make_room(self, print: impl FnOnce() -> io::Result<()>) -> io::Result<Self> {
        let color = self.color;
        drop(self);
        print()?;
        Self::open(color)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
    }
}

fn draw(frame: &mut Frame<'_>, state: &RunState, color: bool) {
    let [top, middle, beyond, bottom] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Min(2),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let paths = worst_first(&state.report);
    // One line is the header's.
    let rows = usize::from(middle.height.saturating_sub(1));
    let (shown, more) = paths.split_at(rows.min(paths.len()));
    let answer = Paragraph::new(headline(&state.report)).bold();
    frame.render_widget(answer.wrap(Wrap { trim: true }), top);
    frame.render_widget(table(state, shown, middle.width, color), middle);
    frame.render_widget(Line::from(more_paths(more).unwrap_or_default()), beyond);
    frame.render_widget(footer(state), bottom);
}

/// The widths of all columns but the last, in characters.
const WIDTHS: [u16; 6] = [15, 15, 12, 10, 10, 5];

fn table<'s>(state: &'s RunState, paths: &[&'s PathReport], width: u16, color: bool) -> Table<'s> {
    let header = [
        "Client",
        "Server",
        "Verdict",
        "Encrypted",
        "Plaintext",
        "Lost",
        "Minute",
    ];
    let taken: u16 = WIDTHS.iter().map(|width| width + 1).sum();
    let left = usize::from(width.saturating_sub(taken)).clamp(1, Minute::SECONDS);
    let rows = paths.iter().map(|path| row(path, state, left, color));
    let fixed = WIDTHS.map(Constraint::Length);
    let widths = fixed.into_iter().chain([Constraint::Fill(1)]);
    Table::new(rows, widths).header(Row::new(header).underlined())
}

fn row<'s>(path: &'s PathReport, state: &RunState, width: usize, color: bool) -> Row<'s> {
    let minute = state.minutes.get(&EventEnds::of(path));
    let rate = minute.map_or_else(Second::default, Minute::rate);
    let lost = path.dtls.as_ref().map_or(0, |dtls| dtls.missing);
    let right = |text: String| Cell::from(Text::from(text).right_aligned());
    let graph = minute.map(|minute| graph(minute, width));
    Row::new([
        Cell::from(path.client.as_deref().unwrap_or(NONE)),
        Cell::from(path.server.as_deref().unwrap_or("others")),
        Cell::from(verdict(path.verdict, color)),
        right(per_second(rate.encrypted)),
        right(per_second(rate.plaintext)),
        right(unless_none(lost, number)),
        Cell::from(graph.unwrap_or_default()),
    ])
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
fn graph(minute: &Minute, width: usize) -> String {
    let seconds: Vec<u64> = minute.seconds().map(|second| second.all).collect();
    let line = Sparkline::new(&seconds, Minute::SECONDS.div_ceil(width));
    line.bars(line.highest())
}

/// Line with the numbers of packets that were read and that were dropped.
fn footer(state: &RunState) -> Line<'_> {
    let read = state.report.accounting.read.packets;
    let mut spans = vec![format!(
        "{}  {} packets read",
        clock(state.elapsed),
        number(read)
    )];
    for input in &state.report.inputs {
        let lost = input
            .losses
            .as_ref()
            .map_or(0, crate::report::Losses::packets);
        if lost > 0 {
            spans.push(format!("  {}: {} dropped", input.name, number(lost)));
        }
    }
    spans.push("  Ctrl-C ends with the report".to_owned());
    Line::from(spans.concat()).dim()
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

#[cfg(test)]
mod tests {
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::engine::Engine;

    /// Lines of a screen of 80 columns that shows some paths.
    fn screen(height: u16, paths: Vec<PathReport>) -> Vec<String> {
        let engine = Engine::default();
        let mut report = engine.report(None, None, engine.run());
        report.paths = paths;
        let state = RunState {
            report: Arc::new(report),
            elapsed: Duration::ZERO,
            saving: None,
            minutes: Arc::default(),
        };
        let mut terminal = Terminal::new(TestBackend::new(80, height)).expect("memory");
        let drawn = terminal.draw(|frame| draw(frame, &state, false));
        let buffer = drawn.expect("memory").buffer;
        let cells: Vec<&str> = buffer
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        cells.chunks(80).map(<[&str]>::concat).collect()
    }

    fn paths() -> Vec<PathReport> {
        let path = |n: u8| {
            let client = format!("10.0.1.{n}");
            let (verdict, plaintext) = match n % 10 {
                0 => (Verdict::Plaintext, 1000 + u64::from(n)),
                _ => (Verdict::Encrypted, 0),
            };
            PathReport::example((&client, "10.0.2.4"), verdict, plaintext)
        };
        (1..=40).map(path).collect()
    }

    #[test]
    fn as_many_as_fit_are_shown_the_worst_first() {
        let lines = screen(12, paths());
        let rows: Vec<_> = lines[3..]
            .iter()
            .filter(|line| line.contains("10.0.2.4 "))
            .collect();
        let clients = rows.iter().filter_map(|row| row.split_whitespace().next());
        let clients: Vec<_> = clients.filter(|word| word.starts_with("10.0.1.")).collect();
        assert_eq!(
            clients[..5],
            [
                "10.0.1.40",
                "10.0.1.30",
                "10.0.1.20",
                "10.0.1.10",
                "10.0.1.1"
            ]
        );
        let more = format!("and {} more: {0} encrypted", 40 - clients.len());
        assert!(
            lines.iter().any(|line| line.starts_with(&more)),
            "{lines:#?}"
        );
    }

    #[test]
    fn nothing_is_said_of_more_where_all_fit() {
        let lines = screen(60, paths());
        assert!(
            !lines.iter().any(|line| line.contains(" more")),
            "{lines:#?}"
        );
    }
}

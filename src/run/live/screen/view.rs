//! Choices of who looks at the screen: which paths, in which order, which of them is marked,
//! and which page is open.

use std::cmp::Reverse;
use std::net::IpAddr;

use termina::event::KeyCode;

use crate::report::PathReport;
use crate::report::rank::worst_first;
use crate::run::live::events::EventEnds;
use crate::run::live::state::{Minute, RunState};

/// Most characters of a filter.
const LONGEST: usize = 60;

/// Order of the paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PathOrder {
    /// The worst first.
    #[default]
    Worst,
    /// The most bytes a second first.
    Traffic,
    /// By client.
    Client,
    /// By server.
    Server,
}

impl PathOrder {
    fn next(self) -> Self {
        match self {
            Self::Worst => Self::Traffic,
            Self::Traffic => Self::Client,
            Self::Client => Self::Server,
            Self::Server => Self::Worst,
        }
    }

    /// The order in words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Worst => "worst first",
            Self::Traffic => "most traffic first",
            Self::Client => "by client",
            Self::Server => "by server",
        }
    }
}

/// Page that is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum ScreenPage {
    /// All paths.
    #[default]
    Paths,
    /// One path, from a line on.
    Path(EventEnds, usize),
    /// The keys.
    Keys,
}

/// Choices of who looks.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) page: ScreenPage,
    pub(super) order: PathOrder,
    /// Words that a path has to hold.
    pub(super) filter: String,
    /// True while the filter is typed.
    pub(super) is_typing: bool,
    /// True once the run was told to end.
    pub(super) is_ending: bool,
    /// Marked path; `None` for the first, whichever that is.
    marked: Option<EventEnds>,
    /// Place of the marked path when it was last looked for.
    place: usize,
    /// Place of the first path that is shown.
    top: usize,
    /// Rows that there were last room for.
    rows: usize,
}

/// Paths in their order, and which of them are shown.
pub(super) struct ShownPaths<'s> {
    /// Paths that the filter lets through.
    pub(super) paths: Vec<&'s PathReport>,
    /// Place of the first that is shown.
    pub(super) top: usize,
    /// Number of those that are shown.
    pub(super) rows: usize,
    /// Place of the marked one.
    pub(super) marked: usize,
}

impl<'s> ShownPaths<'s> {
    /// The paths that are shown.
    pub(super) fn shown(&self) -> &[&'s PathReport] {
        &self.paths[self.top..self.top + self.rows]
    }

    /// The paths that there is no room for, those above first.
    pub(super) fn others(&self) -> Vec<&'s PathReport> {
        let (above, below) = (..self.top, self.top + self.rows..);
        [&self.paths[above], &self.paths[below]].concat()
    }
}

impl View {
    /// Paths of a state for so many rows. Where the marked one moved, the rows follow.
    pub(super) fn lay_out<'s>(&mut self, state: &'s RunState, rows: usize) -> ShownPaths<'s> {
        let paths = self.paths(state);
        let marked = self.find(&paths);
        let rows = rows.min(paths.len());
        let least = (marked + 1).saturating_sub(rows);
        let most = marked.min(paths.len() - rows);
        (self.place, self.rows) = (marked, rows);
        self.top = self.top.clamp(least.min(most), most);
        ShownPaths {
            top: self.top,
            paths,
            rows,
            marked,
        }
    }

    /// Paths that the filter lets through, in their order.
    fn paths<'s>(&self, state: &'s RunState) -> Vec<&'s PathReport> {
        let mut paths = worst_first(&state.report);
        let words = self.filter.to_lowercase();
        let words: Vec<&str> = words.split_whitespace().collect();
        paths.retain(|path| holds(path, &words));
        let rate = |path: &PathReport| {
            let minute = state.minutes.get(&EventEnds::of(path));
            minute.map_or(0, |minute: &Minute| minute.rate().all)
        };
        match self.order {
            PathOrder::Worst => {}
            PathOrder::Traffic => paths.sort_by_cached_key(|path| Reverse(rate(path))),
            PathOrder::Client => paths.sort_by_cached_key(|path| address(path.client.as_ref())),
            PathOrder::Server => paths.sort_by_cached_key(|path| address(path.server.as_ref())),
        }
        paths
    }

    /// Place of the marked path, or of what came to where it was.
    fn find(&self, paths: &[&PathReport]) -> usize {
        let Some(marked) = &self.marked else {
            return 0;
        };
        let is_it = |path: &&PathReport| EventEnds::of(path) == *marked;
        let place = paths.iter().position(is_it);
        place.unwrap_or(self.place.min(paths.len().saturating_sub(1)))
    }

    /// Obeys a key; gives true if it ends the run.
    pub(super) fn press(&mut self, key: KeyCode, state: &RunState) -> bool {
        match (&mut self.page, key) {
            (ScreenPage::Paths, _) if self.is_typing => self.type_filter(key, state),
            (ScreenPage::Paths, KeyCode::Char('q')) => self.is_ending = true,
            (ScreenPage::Paths, _) => self.choose(key, state),
            (ScreenPage::Path(..), KeyCode::Char('?')) => self.page = ScreenPage::Keys,
            (_, KeyCode::Char('q' | '?') | KeyCode::Escape | KeyCode::Enter) => {
                self.page = ScreenPage::Paths;
            }
            (ScreenPage::Path(_, top), _) => {
                // Beyond the end it is drawn from the last page on.
                *top = moved(*top, key, self.rows, usize::MAX).unwrap_or(*top);
            }
            (ScreenPage::Keys, _) => {}
        }
        self.is_ending
    }

    /// Corrects the first line of a page that has so many, and room for so many.
    pub(super) fn scrolled(&mut self, lines: usize, rows: usize) -> usize {
        let ScreenPage::Path(_, top) = &mut self.page else {
            return 0;
        };
        self.rows = rows;
        *top = (*top).min(lines.saturating_sub(rows));
        *top
    }

    fn type_filter(&mut self, key: KeyCode, state: &RunState) {
        match key {
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Escape => self.clear_filter(),
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(letter) if self.filter.chars().count() < LONGEST => {
                self.filter.push(letter);
            }
            _ => self.mark(key, state),
        }
    }

    fn clear_filter(&mut self) {
        self.filter.clear();
        self.is_typing = false;
    }

    fn choose(&mut self, key: KeyCode, state: &RunState) {
        match key {
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Char('s') => self.order = self.order.next(),
            KeyCode::Char('?') => self.page = ScreenPage::Keys,
            KeyCode::Escape => self.clear_filter(),
            KeyCode::Enter => self.open(state),
            _ => self.mark(key, state),
        }
    }

    fn open(&mut self, state: &RunState) {
        let paths = self.paths(state);
        if let Some(path) = paths.get(self.find(&paths)) {
            let ends = EventEnds::of(path);
            self.marked = Some(ends.clone());
            self.page = ScreenPage::Path(ends, 0);
        }
    }

    /// Marks the path that a key leads to.
    fn mark(&mut self, key: KeyCode, state: &RunState) {
        let paths = self.paths(state);
        let last = paths.len().saturating_sub(1);
        let Some(place) = moved(self.find(&paths), key, self.rows, last) else {
            return;
        };
        self.place = place;
        let path = paths.get(place).filter(|_| place > 0);
        self.marked = path.map(|path| EventEnds::of(path));
    }
}

/// Place that a key leads to, at most the last; `None` for a key that leads nowhere.
fn moved(place: usize, key: KeyCode, rows: usize, last: usize) -> Option<usize> {
    let to = match key {
        KeyCode::Up | KeyCode::Char('k') => place.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => place.saturating_add(1),
        KeyCode::PageUp => place.saturating_sub(rows),
        KeyCode::PageDown | KeyCode::Char(' ') => place.saturating_add(rows),
        KeyCode::Home => 0,
        KeyCode::End => last,
        _ => return None,
    };
    Some(to.min(last))
}

/// Tests that the addresses or the verdict of a path hold all words.
fn holds(path: &PathReport, words: &[&str]) -> bool {
    let text = || {
        let ends = [&path.client, &path.server].map(|end| end.as_deref().unwrap_or_default());
        format!("{} {} {}", ends[0], ends[1], path.verdict.name()).to_lowercase()
    };
    words.is_empty() || {
        let text = text();
        words.iter().all(|word| text.contains(word))
    }
}

/// Place of an address among others: by its number, and what has none last.
fn address(text: Option<&String>) -> (bool, Option<IpAddr>, Option<&String>) {
    let number = text.and_then(|text| text.parse().ok());
    (number.is_none(), number, text)
}

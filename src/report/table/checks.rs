//! Checks of the configuration in tables: a line each, and what mends them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use anstyle::Style as Ansi;
use comfy_table::{Cell, Color};

use super::{DIM, NO_BREAK, Page, printable};
use crate::azure::checks::{Check, CheckKind, Outcome};
use crate::azure::controls;
use crate::report::wording::causes::field;

/// Most lines of a list.
pub(super) const LISTED: usize = 20;
/// Width of a page that has room for the ids of controls in a column of their own.
const WIDE: u16 = 110;
/// Most rows of a table.
pub(super) const ROWS: usize = 100;

impl Page<'_> {
    /// A line for each check, the worst first. The same check of several paths is one line,
    /// and so are several resources with the same in one field.
    pub(super) fn checks<'c>(&mut self, checks: impl Iterator<Item = &'c Check>) -> io::Result<()> {
        let mut rows = BTreeMap::<_, BTreeSet<&str>>::new();
        for check in checks {
            let field = check.field.as_ref();
            let said = field.map(|field| (&field.path, &field.value));
            let resources = rows.entry((check.outcome, check.check, said)).or_default();
            resources.extend(field.map(|field| field.resource.as_str()));
        }
        self.line("")?;
        let is_wide = self.style.width >= WIDE;
        let all = rows.len();
        let rows = rows
            .into_iter()
            .take(ROWS)
            .map(|((outcome, check, said), resources)| {
                let about =
                    said.map(|(path, value)| field(&names(&resources), path, value.as_ref()));
                let about = about.unwrap_or_else(|| "–".to_owned());
                row(outcome, named(check, is_wide), &about)
            })
            .collect();
        let header: &[&str] = if is_wide {
            &["Outcome", "Check", "Control", "Field"]
        } else {
            &["Outcome", "Check", "Field"]
        };
        self.table(header, rows)?;
        self.more(all, ROWS)
    }

    /// Checks that no export can tell, or that ask for nothing.
    pub(super) fn notes<'c>(&mut self, checks: impl Iterator<Item = &'c Check>) -> io::Result<()> {
        let notes = checks.filter(|it| it.outcome == Outcome::Note);
        let notes: BTreeSet<&str> = notes.map(|check| check.says.as_str()).collect();
        if notes.is_empty() {
            return Ok(());
        }
        self.heading("Notes")?;
        let mut listed = notes.iter().take(LISTED);
        listed.try_for_each(|says| self.text(Ansi::new(), &format!("{says}."), "  ", "    "))?;
        self.more(notes.len(), LISTED)
    }

    /// Checks that the exports cannot tell.
    pub(super) fn left_open<'c>(
        &mut self,
        checks: impl Iterator<Item = &'c Check>,
    ) -> io::Result<()> {
        let open = checks.filter(|it| it.outcome == Outcome::Unknown && it.remedy.is_none());
        let open: BTreeSet<&str> = open.map(|check| check.says.as_str()).collect();
        if open.is_empty() {
            return Ok(());
        }
        self.heading("What the exports cannot tell")?;
        let mut listed = open.iter().take(LISTED);
        listed.try_for_each(|says| self.text(Ansi::new(), &format!("{says}."), "  ", "    "))?;
        self.more(open.len(), LISTED)
    }

    /// Number of lines beyond those listed.
    pub(super) fn more(&mut self, all: usize, listed: usize) -> io::Result<()> {
        match all.saturating_sub(listed) {
            0 => Ok(()),
            more => self.line(&format!("  and {more} more: --format json lists them")),
        }
    }

    /// Sentences of checks that do not pass, each with the command that mends it, and then
    /// those that no command mends.
    pub(super) fn remedies<'c>(
        &mut self,
        checks: impl Iterator<Item = &'c Check>,
    ) -> io::Result<()> {
        let wrong: BTreeSet<&Check> = checks
            .filter(|check| {
                let is_open = check.outcome == Outcome::Unknown && check.remedy.is_some();
                check.outcome == Outcome::Fail || is_open
            })
            .collect();
        let (mended, others): (Vec<_>, Vec<_>) =
            wrong.into_iter().partition(|check| check.remedy.is_some());
        self.failing("Remedies", &mended)?;
        self.failing("What fails, and no command mends", &others)
    }

    fn failing(&mut self, heading: &str, wrong: &[&Check]) -> io::Result<()> {
        if wrong.is_empty() {
            return Ok(());
        }
        self.heading(heading)?;
        let mut told = BTreeSet::new();
        wrong.iter().take(LISTED).try_for_each(|check| {
            let says = format!("{}: {}.", controls::id(check.check), check.says);
            self.text(Ansi::new(), &says, "  ", "    ")?;
            match &check.remedy {
                Some(command) if told.insert(command) => self.command(command),
                Some(_) => self.text(DIM, "as above", "    ", ""),
                None => Ok(()),
            }
        })?;
        self.more(wrong.len(), LISTED)
    }

    /// A command, in lines that a shell takes for one.
    pub(super) fn command(&mut self, command: &str) -> io::Result<()> {
        let text = unbroken(&printable(command));
        let parts: Vec<&str> = text.split(" && ").collect();
        let last = parts.len() - 1;
        parts.iter().enumerate().try_for_each(|(number, part)| {
            self.command_line(part, if number < last { " &&" } else { "" })
        })
    }

    fn command_line(&mut self, command: &str, end: &str) -> io::Result<()> {
        let room = usize::from(self.style.width).max(40) - 3;
        let options = textwrap::Options::new(room)
            .initial_indent("    ")
            .subsequent_indent("      ")
            .break_words(false)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let lines = textwrap::wrap(command, options);
        let last = lines.len().saturating_sub(1);
        lines.iter().enumerate().try_for_each(|(number, line)| {
            let end = if number < last { " \\" } else { end };
            self.painted(DIM, &(line.replace(NO_BREAK, " ") + end))
        })
    }
}

fn row(outcome: Outcome, names: Vec<String>, about: &str) -> Vec<Cell> {
    let outcome = Cell::new(outcome.name()).fg(color(outcome));
    let names = names.into_iter().map(Cell::new);
    let about = Cell::new(printable(about));
    [outcome].into_iter().chain(names).chain([about]).collect()
}

/// Title of a check, and the id of its control: beside it where there is room, else below.
fn named(check: CheckKind, is_wide: bool) -> Vec<String> {
    let names = [check.title(), controls::id(check)];
    if is_wide {
        names.map(str::to_owned).into()
    } else {
        vec![names.join("\n")]
    }
}

/// Up to three names, or two and how many more.
fn names(resources: &BTreeSet<&str>) -> String {
    let shown = if resources.len() > 3 { 2 } else { 3 };
    let names: Vec<&str> = resources.iter().take(shown).copied().collect();
    match resources.len() - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn color(outcome: Outcome) -> Color {
    match outcome {
        Outcome::Fail => Color::Red,
        Outcome::Unknown => Color::Yellow,
        Outcome::Note => Color::Cyan,
        Outcome::Pass => Color::Green,
    }
}

/// A command whose quoted words are not broken.
fn unbroken(command: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let mut each = |c: char| {
        let is_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if !quoted => escaped = !is_escaped,
            '\'' if !is_escaped => quoted = !quoted,
            ' ' if quoted => return NO_BREAK.to_owned(),
            _ => {}
        }
        c.to_string()
    };
    command.chars().map(&mut each).collect()
}

#[cfg(test)]
mod tests {
    use super::{NO_BREAK, unbroken};

    #[test]
    fn only_spaces_outside_of_quotes_break() {
        let kept = |text: &str| unbroken(text).replace(NO_BREAK, "_");
        assert_eq!(kept("az -n 'a b' -g c"), "az -n 'a_b' -g c");
        assert_eq!(kept(r"-n 'it'\''s a' -g 'c d'"), r"-n 'it'\''s_a' -g 'c_d'");
    }
}

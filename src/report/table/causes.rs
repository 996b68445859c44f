//! Why paths are in plaintext, as far as the configuration tells.

use std::io;

use anstyle::Style as Ansi;

use super::checks::field;
use super::{Page, title};
use crate::azure::checks::{Check, Outcome};
use crate::report::{PathReport, Report};
use crate::verdict::Verdict;

impl Page<'_> {
    /// A line or two for the paths that share a cause.
    pub(super) fn causes(&mut self, paths: &[&PathReport]) -> io::Result<()> {
        let groups = grouped(paths);
        if groups.is_empty() {
            return Ok(());
        }
        self.heading("Why, as far as the configuration tells")?;
        let items = self.style.items();
        groups
            .iter()
            .take(items)
            .try_for_each(|(says, remedy, paths)| {
                let text = format!("{}: {says}", names(paths));
                self.text(Ansi::new(), &text, "  ", "    ")?;
                remedy.map_or(Ok(()), |command| self.command(command))
            })?;
        self.more_items(groups.len(), items)
    }

    /// All checks, of paths, file systems and clients.
    pub(super) fn all_checks(&mut self, report: &Report, paths: &[&PathReport]) -> io::Result<()> {
        let paths = paths.iter().map(|path| (title(path), &path.causes));
        let file_systems = report.file_systems.iter();
        let file_systems = file_systems.map(|it| (format!("File system {}", it.name), &it.checks));
        let clients = report.clients.iter();
        let clients = clients.map(|it| (format!("VM {}", it.name), &it.checks));
        let mut all = paths
            .chain(file_systems)
            .chain(clients)
            .filter(|(_, checks)| !checks.is_empty());
        all.try_for_each(|(title, checks)| {
            self.heading(&format!("{title}: configuration"))?;
            self.checks(checks.iter())?;
            self.left_open(checks.iter())?;
            self.notes(checks.iter())?;
            self.remedies(checks.iter())
        })
    }

    /// Sources of the names of servers, where the user is not the only one.
    pub(super) fn servers(&mut self, report: &Report) -> io::Result<()> {
        if report
            .servers
            .iter()
            .all(|server| server.source == "--servers")
        {
            return Ok(());
        }
        self.heading("Servers")?;
        let items = self.style.items();
        for server in report.servers.iter().take(items) {
            let text = format!("{}, from {}", server.address, server.source);
            self.text(Ansi::new(), &text, "  ", "    ")?;
        }
        self.more_items(report.servers.len(), items)
    }
}

/// Sentence on paths in plaintext, the command that mends it, and the paths.
type CauseGroup<'r> = (String, Option<&'r str>, Vec<&'r PathReport>);

fn grouped<'r>(paths: &[&'r PathReport]) -> Vec<CauseGroup<'r>> {
    let mut groups: Vec<CauseGroup<'_>> = Vec::new();
    let in_plaintext = |path: &&PathReport| {
        path.azure.is_some() && matches!(path.verdict, Verdict::Plaintext | Verdict::Mixed)
    };
    for path in paths.iter().copied().filter(in_plaintext) {
        let (says, remedy) = why(path);
        match groups.iter_mut().find(|(known, ..)| *known == says) {
            Some((.., paths)) => paths.push(path),
            None => groups.push((says, remedy, vec![path])),
        }
    }
    groups
}

/// The first cause, or that there is none.
fn why(path: &PathReport) -> (String, Option<&str>) {
    let count = |wanted| {
        path.causes
            .iter()
            .filter(|check| check.outcome == wanted)
            .count()
    };
    let Some(cause) = path
        .causes
        .iter()
        .find(|check| check.outcome == Outcome::Fail)
    else {
        return (no_cause(path, count(Outcome::Unknown)), None);
    };
    let more = match count(Outcome::Fail) - 1 {
        0 => String::new(),
        1 => "; 1 more cause: --verbose lists it".to_owned(),
        more => format!("; {more} more causes: --verbose lists them"),
    };
    (format!("{}{more}", told(cause)), cause.remedy.as_deref())
}

fn told(cause: &Check) -> String {
    match &cause.field {
        Some(at) => {
            let field = field(&at.resource, &at.path, at.value.as_ref());
            format!("{} ({field})", cause.says)
        }
        None => cause.says.clone(),
    }
}

/// Configuration does not overrule what was seen.
fn no_cause(path: &PathReport, unknown: usize) -> String {
    let verdict = path.verdict.name();
    match unknown {
        0 => format!("every check passes, and it is {verdict} all the same"),
        _ => format!(
            "no check fails, {unknown} cannot be told (--verbose lists them), and it is {verdict} all the same"
        ),
    }
}

/// The first paths by name, the others counted.
fn names(paths: &[&PathReport]) -> String {
    match paths {
        [only] => title(only),
        [first, rest @ ..] => format!("{} and {} more", title(first), rest.len()),
        [] => String::new(),
    }
}

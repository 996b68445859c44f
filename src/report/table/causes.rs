//! Why paths are in plaintext, as far as the configuration tells.

use std::io;

use anstyle::Style as Ansi;

use super::Page;
use crate::report::wording::causes::{grouped, names};
use crate::report::wording::path::title;
use crate::report::{PathReport, Report};

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

//! Paths summed by an end: a row a client, a server or a file system.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use anstyle::Style as Ansi;
use comfy_table::Cell;

use super::{Page, color, number, right};
use crate::report::rank::{self, counts, severity};
use crate::report::text::counted;
use crate::report::wording::account::clear_of;
use crate::report::wording::path::{PathVolumes, volume, volumes};
use crate::report::{GroupBy, PathReport, Report};
use crate::verdict::Verdict;

/// Paths that share an end.
struct PathGroup<'r> {
    name: Cow<'r, str>,
    paths: Vec<&'r PathReport>,
}

impl Page<'_> {
    /// A table of the groups, the worst first. `paths` are those of the report in that order.
    pub(super) fn groups(
        &mut self,
        by: GroupBy,
        report: &Report,
        paths: &[&PathReport],
    ) -> io::Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        self.line("")?;
        let groups = grouped(by, report, paths);
        let header = [title(by), "Paths", "Encrypted", clear_of(report), "Packets"];
        let rows = groups.iter().take(self.style.rows());
        let rows = rows.map(|group| row(group)).collect();
        self.table(&header, rows)?;
        self.more_groups(groups.get(self.style.rows()..).unwrap_or_default())?;
        self.unnamed(by, paths)
    }

    fn more_groups(&mut self, more: &[PathGroup<'_>]) -> io::Result<()> {
        if more.is_empty() {
            return Ok(());
        }
        let verdicts = counts(more.iter().map(PathGroup::worst));
        let more = number(more.len() as u64);
        let text = format!("and {more} more, at worst: {verdicts} (--top all lists them)");
        self.text(Ansi::new(), &text, "", "  ")
    }

    /// Reason why file systems have no names.
    fn unnamed(&mut self, by: GroupBy, paths: &[&PathReport]) -> io::Result<()> {
        let is_unnamed = |path: &&&PathReport| file_system(path).is_none();
        let unnamed = paths.iter().filter(is_unnamed).count();
        if by != GroupBy::FileSystem || unnamed == 0 {
            return Ok(());
        }
        let has_exports = paths.iter().any(|path| path.azure.is_some());
        let why = if has_exports {
            "no file system of the exports given with --azure has their servers"
        } else {
            "exports of Azure's configuration name them (--azure), and none were given"
        };
        let paths = counted(unnamed as u64, "path");
        self.text(
            Ansi::new(),
            &format!("The file system of {paths} is not known: {why}."),
            "",
            "  ",
        )
    }
}

impl PathGroup<'_> {
    /// Verdict of the worst path, of which there is one.
    fn worst(&self) -> Verdict {
        self.paths[0].verdict
    }
}

/// Groups of paths that are in order, the worst first: by the worst path, by the bytes that
/// went in plaintext, by address.
fn grouped<'r>(by: GroupBy, report: &Report, paths: &[&'r PathReport]) -> Vec<PathGroup<'r>> {
    let mut groups = BTreeMap::<Cow<str>, Vec<&PathReport>>::new();
    for path in paths {
        let name = name(by, path);
        groups.entry(name).or_default().push(path);
    }
    let groups = groups.into_iter();
    let mut groups: Vec<_> = groups
        .map(|(name, paths)| PathGroup { name, paths })
        .collect();
    groups.sort_by_cached_key(|group| {
        let exposed = |path: &&PathReport| rank::exposed(path, report.vantage.value);
        let exposed: u64 = group.paths.iter().map(exposed).sum();
        let address = group.name.parse::<IpAddr>().ok();
        (severity(group.worst()), Reverse(exposed), address)
    });
    groups
}

fn title(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Client => "Client",
        GroupBy::Server => "Server",
        GroupBy::FileSystem => "File system",
    }
}

fn name(by: GroupBy, path: &PathReport) -> Cow<'_, str> {
    match by {
        GroupBy::Client if path.server.is_none() => "others".into(),
        GroupBy::Client => path.client.as_deref().unwrap_or("–").into(),
        GroupBy::Server => path.server.as_deref().unwrap_or("others").into(),
        GroupBy::FileSystem => file_system(path).unwrap_or("unknown".into()),
    }
}

/// Name of the file system at the server's end, as exports tell or its clients.
fn file_system(path: &PathReport) -> Option<Cow<'_, str>> {
    let ends = path.azure.as_ref();
    let exported = ends.and_then(|it| it.file_system_label.as_deref());
    match (exported, &path.serves.file_systems[..]) {
        (Some(label), _) => Some(label.into()),
        (None, []) => None,
        (None, names) => Some(names.join(" and ").into()),
    }
}

fn row(group: &PathGroup<'_>) -> Vec<Cell> {
    let sum = |of: fn(&PathVolumes) -> Option<u64>| {
        let each = group.paths.iter().map(|path| of(&volumes(path)));
        let some: Vec<u64> = each.flatten().collect();
        (!some.is_empty()).then(|| some.iter().sum::<u64>())
    };
    vec![
        Cell::new(super::printable(&group.name)),
        Cell::new(counts(group.paths.iter().map(|path| path.verdict))).fg(color(group.worst())),
        right(volume(sum(|volumes| volumes.encrypted))),
        right(volume(sum(|volumes| volumes.plaintext))),
        right(number(sum(|volumes| Some(volumes.packets)).unwrap_or(0))),
    ]
}

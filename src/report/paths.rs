//! Reports of all paths. Each judged path is given away once it is told: together they are as
//! large as what is told of them.

use std::collections::BTreeMap;

use super::azure::Explained;
use super::timeline::add_timelines;
use super::warnings;
use super::{LossReport, Names, PathReport, Run, TimelineReport, Warning, rank};
use crate::azure::topology::Azure;
use crate::flow::Timeline;
use crate::verdict::{Class, Path};

/// Reports of all paths, and what they are summed to.
pub(super) struct ToldPaths<'a> {
    pub(super) reports: Vec<PathReport>,
    /// Packets of all by class.
    timelines: BTreeMap<Class, Timeline>,
    /// Warnings of those that have some, each with the path's place among the reports.
    warnings: Vec<(usize, Vec<Warning>)>,
    /// Checks of the configuration; `None` without exports.
    pub(super) explained: Option<Explained<'a>>,
}

impl<'a> ToldPaths<'a> {
    /// Reports of judged paths, in their order.
    pub(super) fn of(
        paths: Vec<Path<'_>>,
        (run, losses): (&Run, LossReport),
        names: &Names<'_>,
        azure: Option<&'a Azure>,
    ) -> Self {
        let mut told = Self {
            reports: Vec::with_capacity(paths.len()),
            timelines: BTreeMap::new(),
            warnings: Vec::new(),
            explained: azure.map(Explained::of),
        };
        for path in paths {
            told.add(&path, (run, losses), names);
        }
        told
    }

    fn add(&mut self, path: &Path<'_>, (run, losses): (&Run, LossReport), names: &Names<'_>) {
        let timelines = path.timelines();
        add_timelines(&mut self.timelines, &timelines);
        let mut report = PathReport {
            timeline: TimelineReport::of(&timelines),
            ..PathReport::of(path, run.policy, losses, names)
        };
        if let Some(explained) = &mut self.explained {
            explained.path(path, &mut report);
        }
        let warnings = warnings::of_path(path);
        if !warnings.is_empty() {
            self.warnings.push((self.reports.len(), warnings));
        }
        self.reports.push(report);
    }

    /// Packets of all over time; `None` where none has a time.
    pub(super) fn timeline(&self) -> Option<TimelineReport> {
        TimelineReport::of(&self.timelines)
    }

    /// Warnings of the paths, of the worst first.
    pub(super) fn take_warnings(&mut self, run: &Run) -> impl Iterator<Item = Warning> + use<> {
        let mut warnings = std::mem::take(&mut self.warnings);
        let rank = |&(place, _): &(usize, _)| rank::rank(&self.reports[place], run.vantage.value);
        warnings.sort_by_cached_key(rank);
        warnings.into_iter().flat_map(|(_, warnings)| warnings)
    }
}

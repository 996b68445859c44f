//! Timelines of a path and of a run, and the window that a run was asked for.

use std::collections::BTreeMap;

use super::model::{Columns, Moment, TimelineReport, WindowReport};
use crate::flow::{Period, Timeline};
use crate::verdict::Class;

impl TimelineReport {
    /// Timeline by class; `None` without a packet that has a time.
    pub(super) fn of(by_class: &BTreeMap<Class, Timeline>) -> Option<Self> {
        let mut whole = Timeline::default();
        for timeline in by_class.values() {
            whole.merge(timeline);
        }
        let columns = |class| Some(Columns::of(by_class.get(&class)?, &whole));
        Some(Self {
            start: Moment(whole.start()?),
            interval: whole.width(),
            encrypted: columns(Class::Encrypted),
            handshake: columns(Class::Handshake),
            plaintext: columns(Class::Plaintext),
            undetermined: columns(Class::Undetermined),
        })
    }
}

/// Adds the timelines of a path.
pub(super) fn add_timelines(sum: &mut BTreeMap<Class, Timeline>, path: &BTreeMap<Class, Timeline>) {
    for (&class, timeline) in path {
        sum.entry(class).or_default().merge(timeline);
    }
}

impl TimelineReport {
    /// The classes that occur, in the order of reports.
    pub(super) fn by_class(&self) -> impl Iterator<Item = (Class, &Columns)> {
        let all = [
            (Class::Encrypted, &self.encrypted),
            (Class::Handshake, &self.handshake),
            (Class::Plaintext, &self.plaintext),
            (Class::Undetermined, &self.undetermined),
        ];
        let some = all.into_iter();
        some.filter_map(|(class, columns)| Some((class, columns.as_ref()?)))
    }
}

impl WindowReport {
    /// The window of a period; `None` for all time.
    pub(super) fn of(period: Period) -> Option<Self> {
        let window = Self {
            since: period.since().map(Moment),
            until: period.until().map(Moment),
        };
        (!period.is_always()).then_some(window)
    }
}

impl Columns {
    fn of(timeline: &Timeline, whole: &Timeline) -> Self {
        let all = timeline.over(whole).into_iter();
        let (packets, wire_bytes) = all.map(|it| (it.packets, it.wire_bytes)).unzip();
        Self {
            packets,
            wire_bytes,
        }
    }
}

//! Timelines of a path and of a run.

use std::collections::BTreeMap;

use super::model::{Columns, TimelineReport};
use super::rfc3339;
use crate::flow::Timeline;
use crate::verdict::{Class, Path};

impl TimelineReport {
    /// Timeline of a path, or of several; `None` without a packet that has a time.
    pub(super) fn of<'p>(paths: impl IntoIterator<Item = &'p Path<'p>>) -> Option<Self> {
        let mut by_class = BTreeMap::<Class, Timeline>::new();
        let all = paths.into_iter().flat_map(|path| &path.timelines);
        for (&class, timeline) in all {
            by_class.entry(class).or_default().merge(timeline);
        }
        let mut whole = Timeline::default();
        by_class.values().for_each(|it| whole.merge(it));
        let columns = |class| Some(Columns::of(by_class.get(&class)?, &whole));
        Some(Self {
            start: rfc3339(whole.start()?),
            interval_seconds: whole.width().as_secs_f64(),
            encrypted: columns(Class::Encrypted),
            handshake: columns(Class::Handshake),
            plaintext: columns(Class::Plaintext),
            undetermined: columns(Class::Undetermined),
        })
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

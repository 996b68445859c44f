//! Axis of a timeline.

use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, html};

use super::{later, moment};
use crate::report::model::TimelineReport;
use crate::report::text::{counted, span};

/// Time that a timeline spans.
pub(super) struct Axis {
    pub(super) start: Timestamp,
    /// Width of an interval, in nanoseconds.
    pub(super) width: i64,
    /// Number of intervals.
    intervals: i64,
    /// Their sum, in nanoseconds.
    pub(super) len: i64,
}

impl Axis {
    /// Units that a drawing divides it into.
    pub(super) const UNITS: usize = 1000;

    /// `None` where it cannot be told in nanoseconds.
    pub(super) fn of(timeline: &TimelineReport) -> Option<Self> {
        let width = i64::try_from(timeline.interval.as_nanos()).ok()?;
        let mut columns = super::classes(timeline).map(|(.., columns)| columns.packets.len());
        let intervals = i64::try_from(columns.next()?).ok()?;
        let len = width.checked_mul(intervals).filter(|&len| len > 0)?;
        Some(Self {
            start: timeline.start.to_string().parse().ok()?,
            width,
            intervals,
            len,
        })
    }

    /// Units from its beginning to both ends of a time, as far as it is inside; open ends are
    /// those of the axis.
    pub(super) fn span(&self, from: &str, to: Option<&str>) -> Option<(u64, u64)> {
        let units = i128::try_from(Self::UNITS).ok()?;
        let len = i128::from(self.len);
        let at = |time: &str| {
            let time: Timestamp = time.parse().ok()?;
            let since = time.as_nanosecond() - self.start.as_nanosecond();
            Some(since * units / len)
        };
        let (from, to) = (at(from)?, to.map_or(Some(units), at)?);
        let is_inside = to >= 0 && from <= units;
        let [from, to] = [from, to.max(from + 2)].map(|it| it.clamp(0, units));
        let [from, to] = [u64::try_from(from).ok()?, u64::try_from(to).ok()?];
        (is_inside && from < to).then_some((from, to))
    }

    /// Both ends in words, and the width of an interval.
    pub(super) fn ends(&self) -> Markup {
        let intervals = counted(self.intervals.unsigned_abs(), "interval");
        let width = Duration::from_nanos(self.width.unsigned_abs());
        html! { p.axis {
            time { (moment(self.start)) }
            span { (intervals) " of " (span(width)) }
            time { (moment(later(self.start, self.len))) }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_of_an_axis_is_not_on_it() {
        let axis = Axis {
            start: "2026-11-21T20:25:10Z".parse().unwrap(),
            width: 1_000_000_000,
            intervals: 10,
            len: 10_000_000_000,
        };
        let span = |from: &str, to: Option<&str>| {
            let at = |second: &str| format!("2026-11-21T20:25:{second}Z");
            axis.span(&at(from), to.map(at).as_deref())
        };
        assert_eq!(span("11", Some("12")), Some((100, 200)));
        assert_eq!(span("05", Some("15")), Some((0, 500)));
        assert_eq!(span("15", None), Some((500, 1000)));
        assert_eq!(span("12", Some("12")), Some((200, 202)), "to be seen");
        assert_eq!(span("05", Some("09")), None);
        assert_eq!(span("21", None), None);
    }
}

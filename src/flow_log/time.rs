//! Of what time a tuple tells, kept in bounded memory.

use std::time::Duration;

use super::Tuple;
use super::tuple::Stage;
use crate::capture::Timestamp;

/// What is so long before a tuple may be what it tells of: statistics are of up to five
/// minutes, and written within one.
pub const BEFORE: Duration = Duration::from_mins(6);
/// What is so long after it may be, as clocks and rounding go.
pub const AFTER: Duration = Duration::from_mins(1);
/// Slots that captured time is cut into at the most. They are no longer than [`BEFORE`]
/// unless the captures reach over more than two days.
const MOST_SLOTS: i64 = 512;

/// From a moment to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first moment.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
}

impl Span {
    /// From the earliest of some moments to the latest; `None` without any.
    pub fn of(times: impl IntoIterator<Item = Timestamp>) -> Option<Self> {
        let moments = times.into_iter().map(|time| Self {
            first: time,
            last: time,
        });
        moments.reduce(Self::join)
    }

    /// The time of which a tuple tells: what begins or is denied has no time before it.
    #[must_use]
    pub fn told(tuple: &Tuple<'_>) -> Self {
        let before = match tuple.stage {
            Stage::Begin | Stage::Deny => AFTER,
            Stage::Continue | Stage::End => BEFORE,
        };
        Self {
            first: Timestamp(tuple.time.0.saturating_sub(nanoseconds(before))),
            last: Timestamp(tuple.time.0.saturating_add(nanoseconds(AFTER))),
        }
    }

    /// Both, and what is between them.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// Whether some moment is in both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Whether all of it is in some of the others.
    #[must_use]
    pub fn is_covered(self, mut by: Vec<Self>) -> bool {
        by.retain(|span| span.overlaps(self));
        by.sort_by_key(|span| span.first);
        let mut reached = None;
        for span in by {
            if span.first > reached.unwrap_or(self.first) {
                break;
            }
            reached = reached.max(Some(span.last));
        }
        reached.is_some_and(|reached| reached >= self.last)
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// The time of the captures, cut into slots: what was logged in one is told as one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    captured: Span,
    width: i64,
}

impl Slots {
    pub(super) fn of(captured: Span) -> Self {
        let length = captured.last.0.saturating_sub(captured.first.0);
        let width = (length / MOST_SLOTS).max(nanoseconds(BEFORE));
        Self { captured, width }
    }

    /// The slot of a tuple; `None` if it tells of no captured time.
    pub(super) fn slot(&self, tuple: &Tuple<'_>) -> Option<i64> {
        let told = Span::told(tuple);
        let since = told.last.0.saturating_sub(self.captured.first.0);
        self.captured.overlaps(told).then_some(since / self.width)
    }
}

/// Whether no hole between tuples of these times is longer than what each tells of.
pub(super) fn is_gapless(first: Timestamp, last: Timestamp) -> bool {
    last.0.saturating_sub(first.0) <= nanoseconds(BEFORE)
}

//! Periods of time that packets can be asked for.

use serde::{Deserialize, Serialize};

use super::times::Span;
use crate::capture::Timestamp;

/// Period from a moment on, and before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its moments, the last one included.
    span: Span,
}

impl Default for Period {
    fn default() -> Self {
        Self::ALWAYS
    }
}

impl Period {
    /// All time.
    pub const ALWAYS: Self = Self {
        span: Span {
            first: Timestamp(i64::MIN),
            last: Timestamp(i64::MAX),
        },
    };

    /// The period between two moments, the second one not included; `None` where it is empty.
    #[must_use]
    pub fn between(since: Option<Timestamp>, until: Option<Timestamp>) -> Option<Self> {
        let all = Self::ALWAYS.span;
        let last = until.map_or(all.last, |until| Timestamp(until.0.saturating_sub(1)));
        let first = since.unwrap_or(all.first);
        let span = Span { first, last };
        (first <= last).then_some(Self { span })
    }

    /// Moment that it begins with, unless that is the first of all.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        let Span { first, .. } = self.span;
        (first != Self::ALWAYS.span.first).then_some(first)
    }

    /// Moment that it ends before, unless it goes on for ever.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        let Span { last, .. } = self.span;
        (last != Self::ALWAYS.span.last).then(|| Timestamp(last.0 + 1))
    }

    /// Tests for all time.
    #[must_use]
    pub fn is_always(&self) -> bool {
        *self == Self::ALWAYS
    }

    /// Tests that a packet can be of it: nothing tells that one without a time is not.
    #[inline]
    #[must_use]
    pub fn holds(&self, time: Option<Timestamp>) -> bool {
        let Span { first, last } = self.span;
        time.is_none_or(|time| first <= time && time <= last)
    }

    /// Its moments, the last one included.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }
}

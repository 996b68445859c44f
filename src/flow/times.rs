//! Times of packets as spans: the capture time of a path without the hours between its
//! packets.
//!
//! Time is cut into slots of a power of two of nanoseconds. Packets in the same slot, or in
//! slots side by side, are one [`Span`], whose ends are exact. Where packets stand in more
//! than `MOST_SLOTS` slots, slots of twice the length are used. The number of slots only
//! grows when times are added, so the spans do not depend on the order of the packets, nor
//! on how the input was split.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::capture::Timestamp;

/// Exponent of the shortest slot's length: 2^36 ns, or 69 s.
const SHORTEST: u32 = 36;
/// That of the longest: seven of them hold all time.
const LONGEST: u32 = 62;
/// Slots with packets that are kept apart at the most: two hours of the shortest.
const MOST_SLOTS: i64 = 128;

/// Time from one packet to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
}

impl Span {
    /// Span that holds no time.
    const EMPTY: Self = Self {
        first: Timestamp(i64::MAX),
        last: Timestamp(i64::MIN),
    };

    fn is_empty(&self) -> bool {
        self.first > self.last
    }

    /// Time from the first to the last.
    #[must_use]
    pub fn duration(self) -> Duration {
        let nanoseconds = self.last.0.saturating_sub(self.first.0);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
    }

    /// Tests that some moment is in both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Tests that each of its moments is in so many of the others.
    #[must_use]
    pub fn is_covered(self, by: &[Self], times: usize) -> bool {
        let by = || by.iter().filter(|span| span.overlaps(self));
        let [mut begins, mut ends]: [Vec<Timestamp>; 2] = [
            by().map(|span| span.first).collect(),
            by().map(|span| span.last).collect(),
        ];
        begins.sort_unstable();
        ends.sort_unstable();
        let is_enough = |moment: Timestamp| {
            let begun = begins.partition_point(|&begin| begin <= moment);
            let ended = ends.partition_point(|&end| end < moment);
            begun - ended >= times
        };
        // Fewest where it begins, and just behind each end.
        let mut inner = ends.iter().filter(|&&end| end < self.last);
        is_enough(self.first) && inner.all(|end| is_enough(Timestamp(end.0 + 1)))
    }

    /// The span with some time before and after it.
    #[must_use]
    pub fn widened(self, before: Duration, after: Duration) -> Self {
        Self {
            first: Timestamp(self.first.0.saturating_sub(nanoseconds(before))),
            last: Timestamp(self.last.0.saturating_add(nanoseconds(after))),
        }
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Capture times of some packets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "StoredTimes", try_from = "StoredTimes")]
pub struct Times {
    /// Exponent of the slots' length.
    exponent: u32,
    /// Latest span, or the empty one.
    latest: Span,
    /// End of the slot that the latest span ends in: a time before it, and after that span,
    /// only extends the span.
    reach: i64,
    /// Spans before it.
    earlier: Vec<Span>,
}

/// Exponent of the slots, and all spans.
type StoredTimes = (u32, Vec<Span>);

impl From<Times> for StoredTimes {
    fn from(times: Times) -> Self {
        (times.exponent, times.all().collect())
    }
}

impl TryFrom<StoredTimes> for Times {
    type Error = &'static str;

    fn try_from((exponent, spans): StoredTimes) -> Result<Self, Self::Error> {
        if !(SHORTEST..=LONGEST).contains(&exponent) || spans.iter().any(Span::is_empty) {
            return Err("times that are none");
        }
        let mut times = Self::default();
        times.set(exponent, spans);
        Ok(times)
    }
}

impl Default for Times {
    fn default() -> Self {
        Self {
            exponent: SHORTEST,
            latest: Span::EMPTY,
            reach: i64::MIN,
            earlier: Vec::new(),
        }
    }
}

impl Times {
    /// Adds the time of a packet, which nearly always extends the latest span.
    #[inline]
    pub fn add(&mut self, time: Timestamp) {
        if time >= self.latest.last && time.0 < self.reach {
            self.latest.last = time;
        } else if !(self.latest.first..=self.latest.last).contains(&time) {
            self.insert(time);
        }
    }

    #[cold]
    fn insert(&mut self, time: Timestamp) {
        let span = Span {
            first: time,
            last: time,
        };
        self.set(self.exponent, self.all().chain([span]).collect());
    }

    /// Adds the times of other packets.
    pub fn merge(&mut self, other: &Self) {
        let exponent = self.exponent.max(other.exponent);
        self.set(exponent, self.all().chain(other.all()).collect());
    }

    /// Spans in their order; none without a packet that has a time.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut exact = Self::default();
        exact.set(self.exponent, self.all().collect());
        exact.all().collect()
    }

    /// First and last time.
    #[must_use]
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.earlier.first().unwrap_or(&self.latest).first;
        (!self.latest.is_empty()).then_some((first, self.latest.last))
    }

    fn all(&self) -> impl Iterator<Item = Span> {
        let spans = self.earlier.iter().chain([&self.latest]);
        spans.filter(|span| !span.is_empty()).copied()
    }

    fn set(&mut self, exponent: u32, mut spans: Vec<Span>) {
        spans.sort_unstable();
        self.exponent = exponent;
        loop {
            spans = joined(spans, self.exponent);
            if slots(&spans, self.exponent) <= MOST_SLOTS {
                break;
            }
            self.exponent += 1;
        }
        self.latest = spans.pop().unwrap_or(Span::EMPTY);
        self.earlier = spans;
        let slot = self.latest.last.0 >> self.exponent;
        self.reach = slot.saturating_add(1).saturating_mul(1 << self.exponent);
    }
}

/// Joins spans whose slots are the same or stand side by side.
fn joined(spans: Vec<Span>, exponent: u32) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.first.0 >> exponent <= (last.last.0 >> exponent) + 1 => {
                last.last = last.last.max(span.last);
            }
            _ => joined.push(span),
        }
    }
    joined
}

/// Number of slots that the spans stand in.
fn slots(spans: &[Span], exponent: u32) -> i64 {
    let slots = spans
        .iter()
        .map(|span| (span.last.0 >> exponent) - (span.first.0 >> exponent) + 1);
    slots.fold(0, i64::saturating_add)
}

/// Times are equal that have the same spans.
impl PartialEq for Times {
    fn eq(&self, other: &Self) -> bool {
        self.spans() == other.spans()
    }
}

impl Eq for Times {}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    fn times(times: &[i64]) -> Times {
        let mut sum = Times::default();
        for &time in times {
            sum.add(Timestamp(time));
        }
        sum
    }

    /// Times close together, and any at all.
    fn any_times() -> impl Strategy<Value = Vec<i64>> {
        let minutes = (0..400_i64, 0..60_i64)
            .prop_map(|(minute, second)| (minute * minute * 60 + second) * 1_000_000_000);
        prop_oneof![vec(minutes, 0..300), vec(any::<i64>(), 0..300)]
    }

    proptest! {
        #[test]
        fn neither_order_nor_split_changes_the_runs(
            times_of in any_times(),
            cuts in vec(any::<Index>(), 0..4),
        ) {
            let whole = times(&times_of);
            let mut sorted = times_of.clone();
            sorted.sort_unstable();
            prop_assert_eq!(&times(&sorted), &whole);
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(times_of.len() + 1)).collect();
            cuts.extend([0, times_of.len()]);
            cuts.sort_unstable();
            let mut sum = Times::default();
            for cut in cuts.windows(2).rev() {
                sum.merge(&times(&times_of[cut[0]..cut[1]]));
            }
            prop_assert_eq!(&sum, &whole);
        }

        #[test]
        fn each_time_is_in_a_run_and_each_end_is_a_time(times_of in any_times()) {
            let sum = times(&times_of);
            let spans = sum.spans();
            prop_assert!(spans.len() <= 128);
            for &time in &times_of {
                let time = Timestamp(time);
                prop_assert!(spans.iter().any(|span| span.first <= time && time <= span.last));
            }
            for Span { first, last } in &spans {
                prop_assert!(times_of.contains(&first.0) && times_of.contains(&last.0));
            }
            let ends = times_of.iter().min().zip(times_of.iter().max());
            let ends = ends.map(|(&first, &last)| (Timestamp(first), Timestamp(last)));
            prop_assert_eq!(sum.span(), ends);
        }
    }

    #[test]
    fn hours_between_two_captures_are_in_no_run() {
        const SECOND: i64 = 1_000_000_000;
        let captured = [0, 60, 28_800, 28_860].map(|second| second * SECOND);
        let span = |first, last| Span {
            first: Timestamp(first * SECOND),
            last: Timestamp(last * SECOND),
        };
        assert_eq!(
            times(&captured).spans(),
            [span(0, 60), span(28_800, 28_860)]
        );
    }
}

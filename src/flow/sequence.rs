//! Sequence numbers seen: gaps are records that the capture missed, repeats are replays or
//! duplicates.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::stored::{self, Sound};

/// Records that were not seen, or seen again, by their sequence numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps {
    /// Records that were sent between others and not seen.
    pub missing: u64,
    /// Records that were seen again.
    pub repeated: u64,
    /// True if there were too many gaps to keep, so that both are lower bounds.
    pub at_least: bool,
}

impl Gaps {
    /// Both together.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self {
            missing: self.missing.saturating_add(more.missing),
            repeated: self.repeated.saturating_add(more.repeated),
            at_least: self.at_least || more.at_least,
        }
    }
}

/// A set of sequence numbers as sorted, disjoint ranges, with a count of repeats.
///
/// Where the numbers jump more than [`SequenceSet::MAX_JUMPS`] times, the set becomes coarse:
/// it keeps its ends alone, and counts what is certain of gaps and repeats. Jumps add up
/// over the parts of an input, so that it does not matter how that was split.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceSet {
    /// First and last number of each range; of the whole, once coarse. One is all that there
    /// is where the capture missed nothing.
    #[serde(deserialize_with = "stored::few")]
    ranges: SmallVec<[(u64, u64); 1]>,
    #[serde(deserialize_with = "stored::count")]
    seen: u64,
    /// The numbers that were seen first and last.
    ends: (u64, u64),
    /// Numbers that were neither the one before them again nor the next.
    jumps: usize,
}

impl Sound for SequenceSet {
    fn is_sound(&self) -> bool {
        /// No record has a number of more than 48 bits.
        const MOST: u64 = 1 << 62;
        let is_range = |&(first, last): &(u64, u64)| first <= last && last < MOST;
        let is_apart = |pair: &[(u64, u64)]| pair[0].1 < pair[1].0;
        let fits = match self.ranges.len() {
            0 => self.seen == 0,
            1 => self.seen > 0,
            many => self.seen > 0 && many <= self.jumps.saturating_add(1) && !self.is_coarse(),
        };
        fits && self.ranges.iter().all(is_range) && self.ranges.windows(2).all(is_apart)
    }
}

impl SequenceSet {
    /// Jumps up to which gaps are kept apart; there are no more gaps than jumps.
    pub const MAX_JUMPS: usize = 256;

    /// Adds a number.
    #[inline]
    pub fn add(&mut self, number: u64) {
        match self.ranges.last_mut() {
            // What nearly always happens: the next one.
            Some((_, last)) if number == *last + 1 && self.ends.1 == *last => {
                *last = number;
                self.ends.1 = number;
                self.seen += 1;
            }
            _ => self.follow(1, (number, number), 0, &[(number, number)]),
        }
    }

    /// Adds the numbers that were seen behind these.
    pub fn append(&mut self, later: Self) {
        match (self.seen, later.seen) {
            (_, 0) => {}
            (0, _) => *self = later,
            _ => self.follow(later.seen, later.ends, later.jumps, &later.ranges),
        }
    }

    fn follow(&mut self, seen: u64, ends: (u64, u64), jumps: usize, ranges: &[(u64, u64)]) {
        if self.seen == 0 {
            self.ends = ends;
        }
        let (last, next) = (self.ends.1, ends.0);
        let is_jump = next != last && next != last.saturating_add(1);
        self.jumps = self.jumps.saturating_add(jumps + usize::from(is_jump));
        self.seen += seen;
        self.ends.1 = ends.1;
        if self.is_coarse() {
            self.coarsen(ranges);
        } else {
            for &(first, last) in ranges {
                self.join(first, last);
            }
        }
    }

    /// Records that the numbers say are missing or repeated.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        Gaps {
            missing: self.missing(),
            repeated: self.seen.saturating_sub(self.distinct()),
            at_least: self.is_coarse(),
        }
    }

    /// Numbers missing between the first and the last.
    fn missing(&self) -> u64 {
        let span = self.ranges.first().zip(self.ranges.last());
        let span = span.map_or(0, |((first, _), (_, last))| last - first + 1);
        span.saturating_sub(self.distinct())
    }

    fn is_coarse(&self) -> bool {
        self.jumps > Self::MAX_JUMPS
    }

    fn distinct(&self) -> u64 {
        let held = self
            .ranges
            .iter()
            .map(|(first, last)| last - first + 1)
            .sum();
        if self.is_coarse() {
            self.seen.min(held)
        } else {
            held
        }
    }

    fn join(&mut self, first: u64, last: u64) {
        // The ranges that touch or overlap the new one become one with it.
        let from = self
            .ranges
            .partition_point(|&(_, end)| end.saturating_add(1) < first);
        let to = self
            .ranges
            .partition_point(|&(start, _)| start <= last.saturating_add(1));
        let touched = self.ranges.get(from..to).unwrap_or_default();
        let first = touched
            .first()
            .map_or(first, |&(start, _)| start.min(first));
        let last = touched.last().map_or(last, |&(_, end)| end.max(last));
        self.ranges.drain(from..to.max(from));
        self.ranges.insert(from, (first, last));
    }

    /// Gives up the gaps, of these ranges as well.
    fn coarsen(&mut self, more: &[(u64, u64)]) {
        let all = self.ranges.iter().chain(more);
        let span = |(first, last): (u64, u64), &(start, end): &(u64, u64)| {
            (first.min(start), last.max(end))
        };
        let span = all.fold((u64::MAX, 0), span);
        self.ranges.truncate(1);
        self.ranges.shrink_to_fit();
        self.ranges[0] = span;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(numbers: &[u64]) -> SequenceSet {
        let mut set = SequenceSet::default();
        for &number in numbers {
            set.add(number);
        }
        set
    }

    proptest! {
        #[test]
        fn counts_what_a_plain_set_counts(numbers in prop::collection::vec(0_u64..300, 1..200)) {
            let distinct: std::collections::BTreeSet<u64> = numbers.iter().copied().collect();
            let span = distinct.last().unwrap() - distinct.first().unwrap() + 1;
            let gaps = set(&numbers).gaps();
            prop_assert_eq!(gaps.missing, span - distinct.len() as u64);
            prop_assert_eq!(gaps.repeated, (numbers.len() - distinct.len()) as u64);
        }

        #[test]
        fn parts_in_order_are_the_whole(
            numbers in prop::collection::vec(0_u64..300, 2..600),
            cut in any::<prop::sample::Index>(),
        ) {
            let cut = cut.index(numbers.len() - 1) + 1;
            let mut parts = set(&numbers[..cut]);
            parts.append(set(&numbers[cut..]));
            prop_assert_eq!(parts, set(&numbers));
        }
    }

    #[test]
    fn too_many_gaps_leave_lower_bounds() {
        let numbers: Vec<u64> = (0..5000).map(|n| n * 2).collect();
        let told = Gaps {
            missing: 4999,
            repeated: 0,
            at_least: true,
        };
        assert_eq!(set(&numbers).gaps(), told);
    }

    /// A part that has gaps alone, which an earlier part fills.
    #[test]
    fn gaps_do_not_depend_on_the_split() {
        let odd = (0..400).map(|n| n * 2 + 1);
        let numbers: Vec<u64> = (0..1000).chain(odd).collect();
        let whole = set(&numbers);
        for cut in [1, 500, 1000, 1200, 1399] {
            let mut parts = set(&numbers[..cut]);
            parts.append(set(&numbers[cut..]));
            assert_eq!(parts, whole, "{cut}");
        }
    }
}

//! Which sequence numbers were seen: gaps are what the capture missed, repeats are
//! replays or duplicates.

/// A set of sequence numbers as sorted, disjoint ranges, with a count of repeats.
///
/// Where a flow has more gaps than [`SequenceSet::MAX_RANGES`], the set becomes coarse:
/// it keeps its ends alone, and counts what is certain of gaps and repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSet {
    /// First and last number of each range; of the whole, once coarse.
    ranges: Vec<(u64, u64)>,
    seen: u64,
    coarse: bool,
}

impl SequenceSet {
    /// Ranges kept apart.
    pub const MAX_RANGES: usize = 256;

    /// The set of one number.
    #[must_use]
    pub fn of(number: u64) -> Self {
        Self {
            ranges: vec![(number, number)],
            seen: 1,
            coarse: false,
        }
    }

    /// Adds a number.
    pub fn add(&mut self, number: u64) {
        self.seen += 1;
        match self.ranges.last_mut() {
            // What nearly always happens: the next one.
            Some((_, last)) if number == *last + 1 => *last = number,
            _ => self.join(number, number),
        }
    }

    /// Adds another set's numbers.
    pub fn merge(&mut self, other: &Self) {
        self.seen += other.seen;
        if other.coarse && !self.coarse {
            self.coarsen();
        }
        for &(first, last) in &other.ranges {
            self.join(first, last);
        }
    }

    /// Numbers missing between the first and the last.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let span = self.ranges.first().zip(self.ranges.last());
        let span = span.map_or(0, |((first, _), (_, last))| last - first + 1);
        span.saturating_sub(self.distinct())
    }

    /// Times that a number was seen again.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.seen.saturating_sub(self.distinct())
    }

    /// Whether there were too many gaps to keep, so that the counts are lower bounds.
    #[must_use]
    pub fn is_coarse(&self) -> bool {
        self.coarse
    }

    fn distinct(&self) -> u64 {
        let held = self
            .ranges
            .iter()
            .map(|(first, last)| last - first + 1)
            .sum();
        if self.coarse {
            self.seen.min(held)
        } else {
            held
        }
    }

    fn join(&mut self, first: u64, last: u64) {
        if self.coarse {
            return self.stretch(first, last);
        }
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
        self.ranges.splice(from..to.max(from), [(first, last)]);
        if self.ranges.len() > Self::MAX_RANGES {
            self.coarsen();
        }
    }

    /// Gives up the gaps for good.
    fn coarsen(&mut self) {
        self.coarse = true;
        if let Some(&(_, end)) = self.ranges.last() {
            self.ranges.truncate(1);
            self.ranges.shrink_to_fit();
            self.stretch(end, end);
        }
    }

    fn stretch(&mut self, first: u64, last: u64) {
        for range in &mut self.ranges {
            *range = (range.0.min(first), range.1.max(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(numbers: &[u64]) -> SequenceSet {
        let mut set = SequenceSet::of(numbers[0]);
        numbers[1..].iter().for_each(|&number| set.add(number));
        set
    }

    proptest! {
        #[test]
        fn counts_what_a_plain_set_counts(numbers in prop::collection::vec(0_u64..300, 1..200)) {
            let distinct: std::collections::BTreeSet<u64> = numbers.iter().copied().collect();
            let span = distinct.last().unwrap() - distinct.first().unwrap() + 1;
            let set = set(&numbers);
            prop_assert_eq!(set.missing(), span - distinct.len() as u64);
            prop_assert_eq!(set.repeated(), (numbers.len() - distinct.len()) as u64);
        }

        #[test]
        fn merging_parts_is_the_whole(
            numbers in prop::collection::vec(0_u64..300, 2..200),
            cut in any::<prop::sample::Index>(),
        ) {
            let cut = cut.index(numbers.len() - 1) + 1;
            let mut parts = set(&numbers[cut..]);
            parts.merge(&set(&numbers[..cut]));
            prop_assert_eq!(parts, set(&numbers));
        }
    }

    #[test]
    fn too_many_gaps_leave_lower_bounds() {
        let numbers: Vec<u64> = (0..5000).map(|n| n * 2).collect();
        let set = set(&numbers);
        assert!(set.is_coarse());
        assert_eq!((set.missing(), set.repeated()), (4999, 0));
    }
}

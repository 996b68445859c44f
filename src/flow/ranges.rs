//! Sets of addresses as ranges.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::decode::Address;

/// Addresses in a few ranges; cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "StoredRanges", from = "StoredRanges")]
pub struct Ranges {
    /// First and last address of each, in order and apart.
    ranges: Arc<[(Address, Address)]>,
}

type StoredRanges = Vec<(Address, Address)>;

impl From<Ranges> for StoredRanges {
    fn from(ranges: Ranges) -> Self {
        ranges.ranges.to_vec()
    }
}

impl From<StoredRanges> for Ranges {
    fn from(ranges: StoredRanges) -> Self {
        Self::of(ranges)
    }
}

impl Ranges {
    /// Set of the addresses from a first one to a last one each.
    #[must_use]
    pub fn of(ranges: impl IntoIterator<Item = (Address, Address)>) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().collect();
        ranges.sort_unstable();
        ranges.dedup_by(|later, kept| {
            let joins = later.0 <= kept.1;
            kept.1 = kept.1.max(if joins { later.1 } else { kept.1 });
            joins
        });
        Self {
            ranges: ranges.into(),
        }
    }

    /// Tests for an address of the set.
    #[must_use]
    pub fn contains(&self, address: Address) -> bool {
        let behind = self.ranges.partition_point(|&(first, _)| first <= address);
        let before = behind.checked_sub(1).map(|place| self.ranges[place]);
        before.is_some_and(|(_, last)| address <= last)
    }

    /// Tests that one of two addresses is of the set.
    #[must_use]
    pub fn hold(&self, one: Address, other: Address) -> bool {
        self.contains(one) || self.contains(other)
    }

    /// Tests that all addresses of another set are in this one.
    #[must_use]
    pub fn cover(&self, other: &Self) -> bool {
        other.ranges.iter().all(|&(first, last)| {
            let behind = self.ranges.partition_point(|&(start, _)| start <= first);
            let before = behind.checked_sub(1).map(|place| self.ranges[place]);
            before.is_some_and(|(_, end)| last <= end)
        })
    }

    /// Tests for an empty set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_address_is_in_the_set_that_is_in_a_range(
            ranges in prop::collection::vec((0..60_u128, 0..9_u128), 0..8),
        ) {
            let ranges: Vec<_> = ranges.iter().map(|&(at, len)| (Address(at), Address(at + len))).collect();
            let set = Ranges::of(ranges.clone());
            for address in (0..80).map(Address) {
                let is_in = ranges.iter().any(|&(first, last)| first <= address && address <= last);
                prop_assert_eq!(set.contains(address), is_in);
            }
        }
    }
}

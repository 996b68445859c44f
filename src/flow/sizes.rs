//! Distributions of sizes, as percentiles.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::stored::Stored;

/// Number of times that each size was seen, with three significant digits.
///
/// Few sizes are a list by size, which takes 16 bytes for each; many become an [HDR
/// histogram](Histogram), of which these are the buckets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "StoredSizes<u64>", from = "StoredSizes<Stored>")]
pub enum Sizes {
    /// Sizes in bytes, each the largest of its bucket, and how often each was seen.
    Sparse(Vec<(u32, u64)>),
    /// Sizes of more than [`Sizes::MAX_SPARSE`] buckets.
    Dense(Box<Histogram<u64>>),
}

/// Sizes, each the largest of its bucket, and how often each was seen.
type StoredSizes<C> = Vec<(u32, C)>;

impl From<Sizes> for StoredSizes<u64> {
    fn from(sizes: Sizes) -> Self {
        let histogram = match sizes {
            Sizes::Sparse(counts) => return counts,
            Sizes::Dense(histogram) => histogram,
        };
        let buckets = histogram.iter_recorded();
        let size = |size| u32::try_from(size).unwrap_or(MAX_SIZE);
        buckets
            .map(|it| (size(it.value_iterated_to()), it.count_at_value()))
            .collect()
    }
}

impl From<StoredSizes<Stored>> for Sizes {
    fn from(counts: StoredSizes<Stored>) -> Self {
        let mut sizes = Self::default();
        for (size, Stored(times)) in counts {
            sizes.add_n(bucket(size.min(MAX_SIZE)), times);
        }
        sizes
    }
}

/// The percentiles that reports give, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// The median.
    pub p50: u64,
    /// 90 % are at most this.
    pub p90: u64,
    /// 99 % are at most this.
    pub p99: u64,
    /// The largest.
    pub max: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self::Sparse(Vec::new())
    }
}

/// Larger than any packet or record that is not a lie.
const MAX_SIZE: u32 = 1 << 18;

impl Sizes {
    /// Buckets of a list: of as many, a histogram is as large.
    pub const MAX_SPARSE: usize = 1024;

    /// Counts a size, in bytes. Those above 256 KiB count as 256 KiB.
    #[inline]
    pub fn add(&mut self, size: u32) {
        self.add_n(bucket(size.min(MAX_SIZE)), 1);
    }

    #[inline]
    fn add_n(&mut self, size: u32, times: u64) {
        match self {
            Self::Sparse(counts) => match counts.binary_search_by_key(&size, |&(known, _)| known) {
                Ok(place) => counts[place].1 += times,
                Err(place) => self.insert(place, size, times),
            },
            Self::Dense(histogram) => record(histogram, size, times),
        }
    }

    #[cold]
    fn insert(&mut self, place: usize, size: u32, times: u64) {
        let Self::Sparse(counts) = self else { return };
        counts.insert(place, (size, times));
        if counts.len() > Self::MAX_SPARSE {
            let mut histogram = Box::new(empty());
            for &(size, times) in &*counts {
                record(&mut histogram, size, times);
            }
            *self = Self::Dense(histogram);
        }
    }

    /// Adds what another part of the input counted.
    pub fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Sparse(counts), other) if counts.is_empty() => *self = other.clone(),
            (_, Self::Sparse(more)) => {
                for &(size, times) in more {
                    self.add_n(size, times);
                }
            }
            (Self::Dense(kept), Self::Dense(more)) => {
                // Both have the bounds of `empty`, so nothing is out of range.
                let _ = kept.add(&**more);
            }
            (Self::Sparse(_), Self::Dense(_)) => {
                let fewer = std::mem::replace(self, other.clone());
                self.merge(&fewer);
            }
        }
    }

    /// The percentiles, or `None` where nothing was counted.
    #[must_use]
    pub fn percentiles(&self) -> Option<Percentiles> {
        match self {
            Self::Sparse(counts) => sparse_percentiles(counts),
            Self::Dense(histogram) => (!histogram.is_empty()).then(|| Percentiles {
                p50: histogram.value_at_quantile(0.5),
                p90: histogram.value_at_quantile(0.9),
                p99: histogram.value_at_quantile(0.99),
                max: histogram.max(),
            }),
        }
    }
}

/// The largest size of the same bucket: below 2 KiB each size has its own.
#[inline]
fn bucket(size: u32) -> u32 {
    match (size >> 11).checked_ilog2() {
        None => size,
        Some(bits) => size | ((2 << bits) - 1),
    }
}

/// The same as of a histogram: the smallest bucket that as many sizes are in, or in those below.
fn sparse_percentiles(counts: &[(u32, u64)]) -> Option<Percentiles> {
    let &(max, _) = counts.last()?;
    let total: u64 = counts.iter().map(|&(_, times)| times).sum();
    let at = |percent: u64| {
        let mut left = total.saturating_mul(percent).div_ceil(100);
        let reached = counts.iter().find(|&&(_, times)| {
            let is_reached = left <= times;
            left = left.saturating_sub(times);
            is_reached
        });
        u64::from(reached.map_or(max, |&(size, _)| size))
    };
    Some(Percentiles {
        p50: at(50),
        p90: at(90),
        p99: at(99),
        max: max.into(),
    })
}

fn record(histogram: &mut Histogram<u64>, size: u32, times: u64) {
    // It grows to any size below the limit, so none is out of range.
    let _ = histogram.record_n(size.into(), times);
}

/// Three significant digits, growing with the largest value.
fn empty() -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 2048, 3).expect("the bounds are valid");
    histogram.auto(true);
    histogram
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_sorted_sizes(
            sizes in prop::collection::vec(1_u32..100_000, 1..300),
            cut in any::<prop::sample::Index>(),
        ) {
            let cut = cut.index(sizes.len());
            let mut parts = Sizes::default();
            sizes[cut..].iter().for_each(|&size| parts.add(size));
            let mut first = Sizes::default();
            sizes[..cut].iter().for_each(|&size| first.add(size));
            parts.merge(&first);
            let told = parts.percentiles().unwrap();

            let mut sorted = sizes;
            sorted.sort_unstable();
            let at = |percent: usize| u64::from(sorted[(sorted.len() * percent).div_ceil(100) - 1]);
            // Three digits: off by less than a thousandth.
            let near = |told: u64, size: u64| told >= size && told - size <= size / 1000;
            prop_assert!(near(told.p50, at(50)) && near(told.p90, at(90)));
            prop_assert!(near(told.p99, at(99)) && near(told.max, at(100)));
        }

        #[test]
        fn few_sizes_and_many_have_the_percentiles_of_a_histogram(
            sizes in prop::collection::vec(prop_oneof![0..3000_u32, any::<u32>()], 1..3000),
            cut in any::<prop::sample::Index>(),
        ) {
            let of = |sizes: &[u32]| {
                let mut counted = Sizes::default();
                for &size in sizes {
                    counted.add(size);
                }
                counted
            };
            let mut histogram = empty();
            for &size in &sizes {
                record(&mut histogram, size.min(MAX_SIZE), 1);
            }
            let (first, last) = sizes.split_at(cut.index(sizes.len()));
            for (mut one, other) in [(of(first), of(last)), (of(last), of(first))] {
                one.merge(&other);
                let told = one.percentiles().unwrap();
                let quantile = |at| histogram.value_at_quantile(at);
                prop_assert_eq!((told.p50, told.p90), (quantile(0.5), quantile(0.9)));
                prop_assert_eq!((told.p99, told.max), (quantile(0.99), histogram.max()));
            }
        }
    }
}

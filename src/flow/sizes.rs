//! Distributions of sizes, as percentiles.

use hdrhistogram::Histogram;

/// Number of times that each size was seen. Few sizes stay in a short list; many become an [HDR
/// histogram](Histogram) with three significant digits.
#[derive(Clone, Debug, PartialEq)]
pub enum Sizes {
    /// Sizes in bytes and how often each was seen, in order of appearance.
    Few(Vec<(u32, u64)>),
    /// Many sizes.
    Many(Box<Histogram<u64>>),
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
        Self::Few(Vec::new())
    }
}

impl Sizes {
    const FEW: usize = 16;

    /// Counts a size, in bytes. Those above 256 KiB count as 256 KiB.
    #[inline]
    pub fn add(&mut self, size: u32) {
        match self {
            // The most common size mostly is the first.
            Self::Few(few) if few.first().is_some_and(|&(known, _)| known == size) => {
                few[0].1 += 1;
            }
            _ => self.add_n(size, 1),
        }
    }

    fn add_n(&mut self, size: u32, times: u64) {
        match self {
            Self::Few(few) => {
                if let Some((_, count)) = few.iter_mut().find(|(known, _)| *known == size) {
                    *count += times;
                } else if few.len() < Self::FEW {
                    few.push((size, times));
                } else {
                    *self = Self::Many(Box::new(self.histogram()));
                    self.add_n(size, times);
                }
            }
            Self::Many(many) => record(many, size, times),
        }
    }

    /// Adds what another part of the input counted.
    pub fn merge(&mut self, other: &Self) {
        match (self, other) {
            (kept, Self::Few(few)) => {
                for &(size, times) in few {
                    kept.add_n(size, times);
                }
            }
            (Self::Many(kept), Self::Many(many)) => {
                // Both have the bounds of `empty`, so nothing is out of range.
                let _ = kept.add(&**many);
            }
            (kept @ Self::Few(_), Self::Many(many)) => {
                let mut sum = Self::Many(many.clone());
                sum.merge(kept);
                *kept = sum;
            }
        }
    }

    /// The percentiles, or `None` where nothing was counted.
    #[must_use]
    pub fn percentiles(&self) -> Option<Percentiles> {
        let histogram = self.histogram();
        (!histogram.is_empty()).then(|| Percentiles {
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            max: histogram.max(),
        })
    }

    fn histogram(&self) -> Histogram<u64> {
        match self {
            Self::Many(many) => (**many).clone(),
            Self::Few(few) => {
                let mut histogram = empty();
                for &(size, times) in few {
                    record(&mut histogram, size, times);
                }
                histogram
            }
        }
    }
}

/// Larger than any packet or record that is not a lie.
const MAX_SIZE: u64 = 1 << 18;

fn record(histogram: &mut Histogram<u64>, size: u32, times: u64) {
    // It grows to any size below the limit, so none is out of range.
    let _ = histogram.record_n(u64::from(size).min(MAX_SIZE), times);
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
    }
}

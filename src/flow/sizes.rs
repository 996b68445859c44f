//! Distributions of sizes, as percentiles.

use hdrhistogram::Histogram;

/// How often each size was seen. Few sizes stay in a short list; many become an
/// [HDR histogram](Histogram) with three significant digits.
#[derive(Clone, Debug, PartialEq)]
pub enum Sizes {
    /// Sizes in bytes and how often each was seen, in order of appearance.
    Few(Vec<(u32, u64)>),
    /// Many sizes.
    Many(Box<Histogram<u64>>),
}

/// The percentiles that reports give, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
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

    /// Counts a size, in bytes.
    pub fn add(&mut self, size: u32) {
        self.add_n(size, 1);
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
            Self::Many(many) => many.saturating_record_n(size.into(), times),
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
                    histogram.saturating_record_n(size.into(), times);
                }
                histogram
            }
        }
    }
}

/// Three significant digits, growing with the largest value.
fn empty() -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 2048, 3).expect("the bounds are valid");
    histogram.auto(true);
    histogram
}

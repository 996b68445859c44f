//! Samples of the packets of captures, to tell whether two show the same ones: a client's
//! and its mirror's, both ends' of a path. Such packets count twice.
//!
//! Of each capture the [`Sample::SIZE`] packets of the lowest rank are kept by their
//! fingerprints. A rank is a hash of a packet's own bytes, so both captures keep the same of
//! those they share, and parts of a capture merge. Of a smaller capture all are kept, and the
//! share is exact; else it is an estimate with a standard error of at most
//! 0.5 / sqrt([`Sample::SIZE`]), 2.2 points.
//!
//! Packets that offloading merged or split on one side are not the same on the other, and
//! those of which a capture shows less than [`LOOKED_AT`] bytes are not looked for: a share
//! is a lower bound.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::fingerprint::fingerprint;
use crate::decode::Protocol;

/// Bytes that a packet is told by, from its IP header on, unless it is shorter.
pub const LOOKED_AT: usize = 80;

/// The packets of the lowest rank of a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Ranks and fingerprints.
    lowest: BTreeSet<(u64, u64)>,
}

impl Sample {
    /// Packets that are kept.
    pub const SIZE: usize = 512;

    /// Takes in a packet, of which `ip` was captured from its innermost IP header on.
    #[inline]
    pub fn add(&mut self, ip: &[u8], protocol: Protocol) {
        let rank = rank(ip, protocol);
        if self.admits(rank)
            && let Some(fingerprint) = identity(ip, protocol)
        {
            self.keep((rank, fingerprint));
        }
    }

    #[inline]
    fn admits(&self, rank: u64) -> bool {
        self.lowest.len() < Self::SIZE || self.ceiling() >= rank
    }

    /// The highest rank of which all packets are kept.
    #[inline]
    fn ceiling(&self) -> u64 {
        match self.lowest.last() {
            Some(&(rank, _)) if self.lowest.len() >= Self::SIZE => rank,
            _ => u64::MAX,
        }
    }

    fn keep(&mut self, packet: (u64, u64)) {
        self.lowest.insert(packet);
        if self.lowest.len() > Self::SIZE {
            self.lowest.pop_last();
        }
    }

    /// Adds that of another part of the capture.
    pub fn merge(&mut self, other: Self) {
        other
            .lowest
            .into_iter()
            .for_each(|packet| self.keep(packet));
    }

    fn count_below(&self, ceiling: u64) -> usize {
        self.lowest.range(..=(ceiling, u64::MAX)).count()
    }
}

/// Cheap, for it is made of each packet: of its identification and length, and of eight
/// bytes that differ from packet to packet (TCP's numbers, or ones of the payload).
#[inline]
fn rank(ip: &[u8], protocol: Protocol) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let at = match protocol {
        Protocol::Tcp => 24,
        Protocol::Udp => 36,
    };
    let own = ip.get(at..).and_then(|bytes| bytes.first_chunk());
    let head = ip.get(2..).and_then(|bytes| bytes.first_chunk());
    let own = u64::from_le_bytes(*own.unwrap_or(&[0; 8]));
    let head = u64::from(u32::from_le_bytes(*head.unwrap_or(&[0; 4])));
    (own ^ head.rotate_left(32))
        .wrapping_mul(ODD)
        .swap_bytes()
        .wrapping_mul(ODD)
}

fn identity(ip: &[u8], protocol: Protocol) -> Option<u64> {
    match ip.get(..LOOKED_AT) {
        Some(start) => fingerprint(start, protocol),
        None => fingerprint(ip, protocol),
    }
}

/// Two captures that show the same packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlap {
    /// The captures, by their places in the order of the report.
    pub files: (u32, u32),
    /// The share of the packets of each that the other shows too, from 0 to 1.
    pub shares: (f64, f64),
}

/// Captures with packets that an earlier one shows too.
#[must_use]
pub fn overlaps(samples: &BTreeMap<u32, Sample>) -> Vec<Overlap> {
    let mut first = BTreeMap::new();
    let mut common = BTreeMap::<(u32, u32), Vec<u64>>::new();
    for (&file, sample) in samples {
        for &packet in &sample.lowest {
            let earlier = *first.entry(packet).or_insert(file);
            if earlier != file {
                common.entry((earlier, file)).or_default().push(packet.0);
            }
        }
    }
    let overlap = |((earlier, later), ranks): (_, Vec<u64>)| {
        let (a, b) = (samples.get(&earlier)?, samples.get(&later)?);
        // Up to here both would have kept a packet that they show.
        let ceiling = a.ceiling().min(b.ceiling());
        let both = ranks.iter().filter(|&&rank| rank <= ceiling).count();
        let shares = [a, b].map(|sample| share(both, sample.count_below(ceiling)));
        Some(Overlap {
            files: (earlier, later),
            shares: (shares[0], shares[1]),
        })
    };
    common.into_iter().filter_map(overlap).collect()
}

#[allow(clippy::cast_precision_loss, reason = "samples are small")]
fn share(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The TCP segment of this number, of which no other has the same bytes.
    fn packet(number: u32) -> Vec<u8> {
        let mut ip = vec![
            0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 4, 10, 0, 0, 5,
        ];
        ip.extend([0x03, 0xfc, 0x03, 0xdc]);
        ip.extend(number.wrapping_mul(2_654_435_761).to_be_bytes());
        ip.extend([0, 0, 0, 0, 0x50, 0x10, 1, 1, 0, 0, 0, 0]);
        ip
    }

    fn sample(numbers: impl IntoIterator<Item = u32>) -> Sample {
        let mut sample = Sample::default();
        for number in numbers {
            sample.add(&packet(number), Protocol::Tcp);
        }
        sample
    }

    fn shares(a: Sample, b: Sample) -> Option<(f64, f64)> {
        let overlaps = overlaps(&[(0, a), (1, b)].into());
        overlaps.first().map(|overlap| overlap.shares)
    }

    #[test]
    fn few_packets_are_compared_exactly() {
        assert_eq!(shares(sample(0..100), sample(50..250)), Some((0.5, 0.25)));
        assert_eq!(shares(sample(0..100), sample(100..200)), None);
    }

    #[test]
    fn of_many_the_error_is_as_stated() {
        let (a, b) = shares(sample(0..40_000), sample(30_000..50_000)).expect("an overlap");
        // Four standard errors.
        assert!(
            (a - 0.25).abs() < 0.09 && (b - 0.5).abs() < 0.09,
            "{a}, {b}"
        );
    }

    proptest! {
        #[test]
        fn parts_in_any_order_make_the_whole(
            mut numbers in prop::collection::vec(0..3000_u32, 0..1500),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = sample(numbers.iter().copied());
            let mut end = numbers.split_off(cut.index(numbers.len() + 1));
            end.reverse();
            let mut sum = sample(end);
            sum.merge(sample(numbers));
            prop_assert_eq!(sum, whole);
        }
    }
}

//! Search for two bytes together, at many places at once.
//!
//! What is looked for in random bytes begins with one byte of its own in each 256, and with two
//! in each 65,536: searched for by both, most payloads are passed over at the speed of vectors.

use std::ops::{BitOr, Range};

use wide::u8x16;

/// Places compared at once.
const LANES: usize = 16;

/// Two bytes, the second at a distance behind the first.
#[derive(Clone, Copy, Debug)]
pub struct BytePair {
    first: u8,
    second: u8,
    distance: usize,
}

impl BytePair {
    /// Two bytes at a distance of 1 or more.
    pub const fn apart(first: u8, second: u8, distance: usize) -> Self {
        Self {
            first,
            second,
            distance,
        }
    }

    /// The bytes that something begins with.
    pub const fn of(start: &[u8]) -> Self {
        Self::apart(start[0], start[1], 1)
    }

    /// Places of those from `at` on where it stands.
    #[inline(always)]
    fn lanes(self, bytes: &[u8], at: usize) -> u8x16 {
        let equal = |at, byte| load(bytes, at).simd_eq(u8x16::splat(byte));
        equal(at, self.first) & equal(at + self.distance, self.second)
    }
}

#[inline(always)]
fn load(bytes: &[u8], at: usize) -> u8x16 {
    let lanes: [u8; LANES] = *bytes[at..].first_chunk().expect("as many bytes");
    u8x16::new(lanes)
}

/// Tests that one of the pairs stands at one of the places, or at one of the few behind them
/// that fill a vector.
///
/// To be called with places and pairs that are known when it is compiled: then it is a row of
/// comparisons, without a branch.
///
/// # Panics
/// Panics if the places, filled up, and the pairs' distances reach beyond the bytes.
#[inline(always)]
pub fn hold<const N: usize>(bytes: &[u8], places: Range<usize>, pairs: [BytePair; N]) -> bool {
    let mut found = u8x16::splat(0);
    for at in places.step_by(LANES) {
        for pair in pairs {
            found |= pair.lanes(bytes, at);
        }
    }
    found.to_bitmask() != 0
}

/// Places of the first of some bytes, all but one of `LEN`, at which one of the pairs stands;
/// their distances are 1. Bytes that are missing are zeros.
///
/// To be called with pairs that are known when it is compiled, as [`hold`] is.
#[inline(always)]
pub fn places<const LEN: usize, const N: usize>(bytes: &[u8], pairs: [BytePair; N]) -> Places {
    match bytes.first_chunk() {
        Some(chunk) => places_in::<LEN, N>(chunk, pairs),
        None => places_in::<LEN, N>(&padded(bytes), pairs),
    }
}

#[inline(always)]
fn places_in<const LEN: usize, const N: usize>(chunk: &[u8; LEN], pairs: [BytePair; N]) -> Places {
    let all = 0..LEN - 1;
    // Nearly always.
    if !hold(chunk, all.clone(), pairs) {
        return Places(0);
    }
    let lanes = all.step_by(LANES).rev().map(|at| {
        let lanes = pairs.map(|pair| pair.lanes(chunk, at));
        lanes.into_iter().fold(u8x16::splat(0), BitOr::bitor)
    });
    Places(lanes.fold(0, |places, lanes| {
        places << LANES | u64::from(lanes.to_bitmask())
    }))
}

/// Places in up to 64 bytes, a bit each.
#[derive(Debug)]
pub struct Places(u64);

impl Iterator for Places {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let place = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (place < u64::BITS).then_some(place as usize)
    }
}

/// The bytes, as many as there are, with zeros behind them.
pub fn padded<const LEN: usize>(bytes: &[u8]) -> [u8; LEN] {
    let mut padded = [0; LEN];
    padded[..bytes.len()].copy_from_slice(bytes);
    padded
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_are_those_of_the_pairs(
            bytes in vec(0..4_u8, 0..80),
            pairs in [(1..5_u8, 0..4_u8), (1..5_u8, 0..4_u8)],
        ) {
            let stands = |at: &usize| {
                let second = bytes.get(at + 1).copied().unwrap_or_default();
                pairs.contains(&(bytes[*at], second))
            };
            let sought = pairs.map(|(first, second)| BytePair::of(&[first, second]));
            let stand = |places: usize| (0..places.min(bytes.len())).filter(stands);
            prop_assert!(places::<65, 2>(&bytes, sought).eq(stand(64)));
            prop_assert!(places::<33, 2>(&bytes, sought).eq(stand(32)));
        }

        #[test]
        fn a_pair_is_found_where_it_is(
            bytes in vec(0..4_u8, 64),
            (start, len) in (0..10_usize, 0..30_usize),
            pairs in [(0..4_u8, 0..4_u8, 1..8_usize), (0..4_u8, 0..4_u8, 1..8_usize)],
        ) {
            let stands = |at: usize| {
                let mut all = pairs.iter();
                all.any(|&(first, second, distance)| bytes[at] == first && bytes[at + distance] == second)
            };
            let tested = start..start + len.next_multiple_of(LANES);
            let pairs = pairs.map(|(first, second, distance)| BytePair::apart(first, second, distance));
            prop_assert_eq!(hold(&bytes, start..start + len, pairs), tested.into_iter().any(stands));
        }
    }
}

//! Search for two bytes together, at many places at once.
//!
//! What is looked for in random bytes begins with one byte of its own in each 256, and with two
//! in each 65,536: searched for by both, most payloads are passed over at the speed of vectors.

use std::ops::Range;

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

//! Search for two bytes together, at many places at once.
//!
//! What is looked for in random bytes begins with one byte of its own in each 256, and with two
//! in each 65,536: searched for by both, most payloads are passed over at the speed of vectors.

/// Places compared at once, at the least: what two vector registers of any x86-64 machine hold.
const LANES: usize = 32;

/// Tests that `first` stands at one of the first `places`, and `second` at `distance` behind it.
/// Some places more are tested where there are bytes, and none where there are not.
///
/// Not inlined: for a pair that is known when this is compiled, places were compared one by one.
#[inline(never)]
pub fn hold(bytes: &[u8], places: usize, distance: usize, [first, second]: [u8; 2]) -> bool {
    let behind = bytes.get(distance..).unwrap_or_default();
    let places = places.next_multiple_of(LANES).min(behind.len());
    // All are compared, found or not: an end in between would keep them from being one vector.
    let mut found = false;
    for (&one, &other) in bytes[..places].iter().zip(&behind[..places]) {
        found |= u8::from(one == first) & u8::from(other == second) != 0;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pair_is_found_where_it_is(
            bytes in vec(0..4_u8, 0..100),
            places in 0..100_usize,
            distance in 1..8_usize,
            pair in [0..4_u8, 0..4_u8],
        ) {
            let stands = |at: usize| {
                bytes.get(at) == Some(&pair[0]) && bytes.get(at + distance) == Some(&pair[1])
            };
            let found = hold(&bytes, places, distance, pair);
            prop_assert!(found || !(0..places).any(stands));
            prop_assert!(!found || (0..bytes.len()).any(stands));
        }
    }
}

//! Search for two bytes together, at many places at once.
//!
//! What is looked for in random bytes begins with one byte of its own in each 256, and with two
//! in each 65,536: searched for by both, most payloads are passed over at the speed of vectors.

/// Places tested at once: a vector register of any x86-64 machine has as many bytes.
const LANES: usize = 16;

/// Tests that `first` stands at one of the first `places`, and `second` at `distance` behind it.
/// Some places more are tested where there are bytes, and none where there are not.
#[inline(always)]
pub fn hold(bytes: &[u8], places: usize, distance: usize, pair: [u8; 2]) -> bool {
    let behind = bytes.get(distance..).unwrap_or_default();
    let places = places.next_multiple_of(LANES).min(behind.len());
    let (ones, others) = (&bytes[..places], &behind[..places]);
    let lanes = |at: usize| ones[at..].first_chunk().zip(others[at..].first_chunk());
    // The last lanes may be some of those before them once more.
    match lanes(places.saturating_sub(LANES)) {
        Some((last_ones, last_others)) => {
            let mut all = ones.as_chunks().0.iter().zip(others.as_chunks().0);
            all.any(|(ones, others)| hold_lanes(ones, others, pair))
                || hold_lanes(last_ones, last_others, pair)
        }
        None => ones
            .iter()
            .zip(others)
            .any(|(&one, &other)| [one, other] == pair),
    }
}

/// Has no branch within, so that all lanes are compared at once.
#[inline(always)]
fn hold_lanes(ones: &[u8; LANES], others: &[u8; LANES], [first, second]: [u8; 2]) -> bool {
    let mut any = 0;
    for lane in 0..LANES {
        any |= u8::from(ones[lane] == first) & u8::from(others[lane] == second);
    }
    any != 0
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

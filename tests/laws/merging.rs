//! Law 4: the report is the same however the packets are split and merged.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::decoding;
use crate::support::made;
use crate::support::run::{self, Split, Stored};

fn split() -> impl Strategy<Value = Split> {
    (vec(any::<usize>(), 0..6), vec(any::<usize>(), 0..12))
        .prop_map(|(cuts, order)| Split { cuts, order })
}

fn check(frames: &[Stored], limit: usize, split: &Split) {
    let engine = run::engine(limit);
    let mut counted = run::counted(frames, &engine);
    let so_far = run::report_so_far(&mut counted, &engine);
    // What was reported may grow on, and be reported again.
    assert_eq!(run::report_so_far(&mut counted, &engine), so_far);
    let whole = run::report(counted, &engine);
    assert_eq!(whole, so_far);
    let sum = run::report(run::split_counted(frames, &engine, split), &engine);
    assert_eq!(sum, whole);
}

proptest! {
    #![proptest_config(crate::support::config(192))]

    #[test]
    fn a_split_capture_gives_the_same_report(made in made::capture(40), split in split()) {
        let frames: Vec<_> = made.into_iter().map(|made| made.frame).collect();
        check(&frames, 1000, &split);
    }

    #[test]
    fn so_does_one_of_two_interfaces(
        made in made::capture(30),
        missed in vec(any::<bool>(), 1..40),
        split in split(),
    ) {
        let seen = made::seen_twice(made, &missed).into_iter();
        let frames: Vec<_> = seen.map(|made| made.frame).collect();
        check(&frames, 1000, &split);
    }

    #[test]
    fn so_does_a_damaged_one(frames in decoding::mutated(), split in split()) {
        check(&frames, 1000, &split);
    }

    #[test]
    fn so_do_more_flows_than_are_kept(
        made in made::capture(40),
        split in split(),
        limit in 1..4_usize,
    ) {
        let frames: Vec<_> = made.into_iter().map(|made| made.frame).collect();
        check(&frames, limit, &split);
    }
}

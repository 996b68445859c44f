//! The sum of two snapshots, as of two pieces of one capture.

use criterion::{BatchSize, Criterion, Throughput};
use plainsight::aggregate::Snapshot;
use plainsight::flow::table::DEFAULT_LIMIT;

use crate::flow::{count, five_tuple};

pub fn merge(criterion: &mut Criterion) {
    let limit = u32::try_from(DEFAULT_LIMIT).expect("a limit that fits");
    let mut group = criterion.benchmark_group("merge");
    for (name, first, second) in [
        ("10 flows of each, the same", 0..10, 0..10),
        ("1 thousand flows of each, the same", 0..1000, 0..1000),
        ("1 thousand flows of each, others", 0..1000, 1000..2000),
        ("as many as the limit, others", 0..limit, limit..2 * limit),
    ] {
        group.throughput(Throughput::Elements(second.len() as u64));
        let (first, second) = (snapshot(first), snapshot(second));
        group.bench_function(name, |bencher| {
            let both = || (first.clone(), second.clone());
            // The sum is given back, so that its end is not measured.
            let sum = |(mut first, second): (Snapshot, Snapshot)| {
                first.merge(second);
                first
            };
            bencher.iter_batched(both, sum, BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn snapshot(flows: std::ops::Range<u32>) -> Snapshot {
    let mut snapshot = Snapshot::new(DEFAULT_LIMIT);
    let five_tuples: Vec<_> = flows.map(five_tuple).collect();
    count(&mut snapshot.table, &five_tuples);
    snapshot
}

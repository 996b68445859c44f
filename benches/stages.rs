//! Each stage alone: `cargo bench --bench stages`.

use criterion::{Criterion, criterion_group, criterion_main};

#[path = "stages/aggregate.rs"]
mod aggregate;
#[path = "stages/capture.rs"]
mod capture;
#[path = "stages/decode.rs"]
mod decode;
#[path = "stages/evidence.rs"]
mod evidence;
#[path = "stages/flow.rs"]
mod flow;
mod generator;

const SEED: u64 = 988;

criterion_group! {
    name = stages;
    config = Criterion::default();
    targets = capture::walk, decode::encapsulations, evidence::dtls, evidence::lnet,
        flow::table, aggregate::merge
}
criterion_main!(stages);

//! The laws of the design, each held as a property.

#[path = "capture/bytes.rs"]
#[allow(dead_code, reason = "the other captures are made elsewhere")]
mod bytes;
#[path = "laws/decoding.rs"]
mod decoding;
#[path = "lab/expect.rs"]
#[allow(dead_code, reason = "only the list of traces is used here")]
mod expect;
#[path = "laws/made.rs"]
mod made;
#[path = "laws/memory.rs"]
mod memory;
#[path = "laws/merging.rs"]
mod merging;
#[path = "laws/model.rs"]
mod model;
mod packets;
#[path = "laws/run.rs"]
mod run;
#[path = "laws/stages.rs"]
mod stages;
#[path = "laws/stored.rs"]
mod stored;

use proptest::test_runner::Config;

/// Failures are told, not kept in files beside the tests.
fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

//! Laws that no input may break, for a fuzzer to try.

/// Frames in, a report out, shared with the tests.
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/support/run.rs"]
mod run;
pub mod saved;
pub mod seeds;
pub mod targets;

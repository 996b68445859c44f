//! What more than one test binary needs: captures and packets made for their truth, what
//! the kept traces must give, and the program as a process.
//!
//! Every binary takes all of it and uses a part.
#![allow(dead_code, reason = "no binary uses all of it")]

pub mod azure;
pub mod browser;
pub mod bytes;
pub mod expect;
pub mod lab;
pub mod made;
pub mod oracle;
pub mod packets;
pub mod program;
pub mod run;
pub mod skip;
pub mod tshark;

use proptest::test_runner::Config;

/// A run of so many cases, whose failures are told and not kept in files beside the tests.
pub fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

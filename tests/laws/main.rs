//! The library, held to the laws of its stages in this process: properties over generated
//! data, and real bytes whose truth is known.

mod allocations;
mod azure;
mod byte_test;
mod capture;
mod client_vm;
mod decoding;
mod filter;
mod flow_logs;
mod fuzzed;
#[path = "../../benches/generator/mod.rs"]
mod generator;
mod headers;
mod memory;
mod merging;
mod model;
mod pieces;
mod platform;
mod published;
mod readable;
mod saved;
mod scenarios;
mod source;
mod stages;
mod style;
mod suites;
#[path = "../support/mod.rs"]
mod support;
mod traffic;
mod window;

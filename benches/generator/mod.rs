//! Traces for benchmarks, made from a seed: the same seed gives the same bytes.

#![allow(dead_code, reason = "each bench uses a part of it")]

pub mod estate;
pub mod fleet;
pub mod flow_log;
pub mod frames;
pub mod mixes;
pub mod writers;

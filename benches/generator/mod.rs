//! Traces for benchmarks, made from a seed: the same seed gives the same bytes.

pub mod frames;
pub mod mixes;
pub mod writers;

//! A module for each command. Threads and clocks are here alone.

pub mod bench;
pub mod files;
pub mod live;

//! From frames to counted state.
//!
//! A [`Worker`] walks each packet from its frame to the counters of its own
//! [`Snapshot`]; [`fragments`] joins later IP fragments to the flow of their first, in the
//! order of the capture; snapshots of several workers add up.

pub mod by_address;
pub mod duplicates;
pub mod expected;
pub mod fingerprint;
pub mod fragments;
pub mod input_count;
pub mod sample;
pub mod snapshot;
pub mod worker;

pub use input_count::InputCount;
pub use snapshot::Snapshot;
pub use worker::{InputPart, Worker};

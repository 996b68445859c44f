//! Places of packets in the input.

use serde::{Deserialize, Serialize};

use super::stored;

/// A packet's place in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The file, by its place in the order of the report.
    #[serde(with = "stored::file")]
    pub file: u32,
    /// The piece of the file, from 0, where it was walked in several.
    pub piece: u32,
    /// The packet's number in the piece, from 1.
    pub packet: u64,
}

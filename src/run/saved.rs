//! Counted state in files: what was counted of each input, and nothing that was concluded.
//!
//! ```text
//! mark and version | counts of inputs, each a frame of zstd | index, a frame of zstd
//!     | length of the index's frame | SHA-256 of all before
//! ```
//!
//! The counts of each input stay apart, however often states are merged: so they add up in the
//! order of the inputs, as if all had been read at once, and an input that two states hold is
//! found. Counts and index are postcard's form of the types' fields. Such a file comes from
//! anywhere: it is read only when its digest is right, which tells damage and no author, in
//! memory that its length bounds.

mod error;
mod index;
mod reader;
mod writer;

pub use error::StateError;
pub use index::{CountOptions, Index, InputSource, StoredInput, StoredUnit, UnitIdentity};
pub use reader::SavedState;
pub use writer::{StateWriter, place};

/// First bytes of a saved state.
const MARK: [u8; 12] = *b"\x89PLAINSIGHT\n";
/// Version of the form; a change of what is counted changes it as well.
const VERSION: u32 = 4;
/// Length of mark and version.
const HEAD_LEN: u64 = 16;
/// Length of the index's length and of the digest.
const TAIL_LEN: u64 = 40;
/// Bytes that a byte of a frame may become, at most: counts become ten.
const MAX_RATIO: u64 = 256;

/// Bytes that a frame of this length may become, at most.
fn max_raw_len(frame_len: u64) -> u64 {
    /// Length of the longest: the counts of a million flows.
    const MOST: u64 = 4 << 30;
    MOST.min(frame_len.saturating_mul(MAX_RATIO))
}

//! Faults of blocks, in words.

use crate::capture::{NoFrame, RECORD_LIMIT};

#[cold]
pub(super) fn too_short() -> NoFrame {
    NoFrame::corrupt("a packet block is too short for what it must hold")
}

#[cold]
pub(super) fn impossible(length: u32) -> NoFrame {
    NoFrame::Corrupt(format!(
        "a block claims {length} bytes, which no block can have"
    ))
}

#[cold]
pub(super) fn oversized(length: u32, what: &str) -> NoFrame {
    NoFrame::Corrupt(format!(
        "{what} claims {length} bytes, more than the {RECORD_LIMIT} that one may have"
    ))
}

#[cold]
pub(super) fn disagreeing(length: u32, again: u32) -> NoFrame {
    NoFrame::Corrupt(format!(
        "a block claims {length} bytes at its start and {again} at its end"
    ))
}

#[cold]
pub(super) fn unknown_interface(place: u32, known: usize) -> NoFrame {
    NoFrame::Corrupt(format!(
        "a packet block names interface {place}, and its section describes {known}"
    ))
}

#[cold]
pub(super) fn overfull(captured_len: u32, room: usize) -> NoFrame {
    NoFrame::Corrupt(format!(
        "a packet block claims {captured_len} captured bytes and has room for {room}"
    ))
}

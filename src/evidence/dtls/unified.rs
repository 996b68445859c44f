//! Records of DTLS 1.3 with the unified header (RFC 9147 4).
//!
//! It has few bits that are always the same, so only those records are told here that state
//! their lengths and fill their datagram.

use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_u8, be_u16},
};

/// The three high bits of the first byte.
const FIXED: u8 = 0b0010_0000;
const FIXED_MASK: u8 = 0b1110_0000;
const HAS_ID: u8 = 0b0001_0000;
const LONG_SEQUENCE: u8 = 0b0000_1000;
const HAS_LEN: u8 = 0b0000_0100;
/// A content type, and a tag.
const MIN_LEN: u16 = 17;
const MAX_LEN: u16 = (1 << 14) + 256;
/// The same as of DTLS 1.2: longer ones are not in use.
const MAX_ID_LEN: usize = 20;

/// Tests that a payload that was captured whole is a row of such records.
#[must_use]
pub fn fills(bytes: &[u8], wire_len: usize) -> bool {
    let is_first = |&first: &u8| first & (FIXED_MASK | HAS_LEN) == FIXED | HAS_LEN;
    bytes.first().is_some_and(is_first)
        && bytes.len() == wire_len
        && (0..=MAX_ID_LEN).any(|id_len| is_row(bytes, id_len))
}

fn is_row(mut bytes: &[u8], id_len: usize) -> bool {
    while !bytes.is_empty() {
        match record(bytes, id_len) {
            Ok((behind, ())) => bytes = behind,
            Err(_) => return false,
        }
    }
    true
}

fn record(bytes: &[u8], id_len: usize) -> IResult<&[u8], ()> {
    use nom::combinator::verify;
    let fixed = |first: &u8| first & (FIXED_MASK | HAS_LEN) == FIXED | HAS_LEN;
    let (rest, first) = verify(be_u8, fixed).parse(bytes)?;
    let id_len = if first & HAS_ID == 0 { 0 } else { id_len };
    let sequence_len = if first & LONG_SEQUENCE == 0 {
        1
    } else {
        2_usize
    };
    let len = verify(be_u16, |len| (MIN_LEN..=MAX_LEN).contains(len));
    let (rest, (_, _, len)) = (take(id_len), take(sequence_len), len).parse(rest)?;
    let (rest, _) = take(len).parse(rest)?;
    Ok((rest, ()))
}

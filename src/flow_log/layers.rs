//! Compressions around a log.

use std::io::{self, Cursor, Read};

use crate::capture::stream::Bytes;
use crate::input::compressed::Decompressed;
use crate::input::kind;

/// Number of bytes that tell a compression.
const MAGIC_LEN: u64 = 4;
/// The most compressions in one another that are read through.
const MOST_LAYERS: usize = 4;

/// The bytes within all compressions around them, but for those that are too many.
///
/// # Errors
/// The bytes cannot be read, or not be decompressed from their begin on.
pub(super) fn unwrapped(mut bytes: Bytes) -> io::Result<Bytes> {
    for _ in 0..MOST_LAYERS {
        let mut magic = Vec::new();
        (&mut bytes).take(MAGIC_LEN).read_to_end(&mut magic)?;
        let compression = kind::compression(&magic);
        bytes = Box::new(Cursor::new(magic).chain(bytes));
        match compression {
            Some(compression) => bytes = Box::new(Decompressed::new(compression, bytes)?),
            None => break,
        }
    }
    Ok(bytes)
}

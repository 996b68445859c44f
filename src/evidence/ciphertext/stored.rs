//! Samples of bytes as they are saved.

use super::{ByteSample, Chunk};
use crate::evidence::pairs;

/// A sample as stored: each chunk with its place in its record, the record's rank and its bytes.
pub(super) type StoredSample = (bool, Vec<(usize, u64, Vec<u8>)>);

impl From<ByteSample> for StoredSample {
    fn from(sample: ByteSample) -> Self {
        let chunks = sample.chunks.iter();
        let chunks = chunks.map(|chunk| (chunk.key.0, chunk.key.1, chunk.bytes().to_vec()));
        (sample.is_cut_short, chunks.collect())
    }
}

impl From<StoredSample> for ByteSample {
    fn from((is_cut_short, chunks): StoredSample) -> Self {
        let mut sample = Self {
            is_cut_short,
            ..Self::default()
        };
        for (place, rank, mut bytes) in chunks {
            bytes.truncate(Self::CHUNK_LEN);
            sample.keep(Chunk {
                key: (place, rank),
                bytes: pairs::padded(&bytes),
                len: bytes.len(),
            });
        }
        sample
    }
}

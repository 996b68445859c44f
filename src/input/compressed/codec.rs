//! Decoders of one member each, which are given bytes and never read any themselves.

use std::io;

use bzip2::Decompress as Bzip2;
use flate2::{Decompress as Inflate, FlushDecompress};
use liblzma::stream::{Action, Stream as Xz};
use zstd::stream::raw::{DParameter, Decoder as Zstd, Operation};

/// The most memory a zstd stream may ask for: a window of 2^27 bytes, as its own tool
/// allows by default.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// The same for xz, in bytes: a dictionary of 2^27 and what else the decoder needs.
const XZ_MEMORY_LIMIT: u64 = (1 << 27) + (1 << 20);
const GZIP_WINDOW_BITS: u8 = 15;

/// Progress of a decoder.
pub(super) struct DecoderProgress {
    /// Bytes read of the input.
    pub(super) read: usize,
    /// Bytes written to the output.
    pub(super) made: usize,
    /// The member ended.
    pub(super) ended: bool,
}

/// A decoder of one member.
pub(super) trait Codec: Send {
    /// Decodes some of `input` into `output`.
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> (DecoderProgress, io::Result<()>);
}

/// A decoder before its first byte.
pub(super) type New = fn() -> io::Result<Box<dyn Codec>>;

pub(super) fn gzip() -> Box<dyn Codec> {
    Box::new(Inflate::new_gzip(GZIP_WINDOW_BITS))
}

pub(super) fn zstd() -> io::Result<Box<dyn Codec>> {
    let mut decoder = Zstd::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
    Ok(Box::new(decoder))
}

pub(super) fn xz() -> io::Result<Box<dyn Codec>> {
    Ok(Box::new(Xz::new_stream_decoder(XZ_MEMORY_LIMIT, 0)?))
}

pub(super) fn bzip2() -> Box<dyn Codec> {
    Box::new(Bzip2::new(false))
}

/// The difference of two counters of one call's bytes.
fn between(before: u64, after: u64) -> usize {
    usize::try_from(after - before).unwrap_or_default()
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// A decoder whose progress is told by its counters of bytes read and made.
macro_rules! counted {
    ($codec:ty, $status:ty, |$it:ident, $input:ident, $output:ident| $decode:expr) => {
        impl Codec for $codec {
            fn decode(
                &mut self,
                $input: &[u8],
                $output: &mut [u8],
            ) -> (DecoderProgress, io::Result<()>) {
                let before = (self.total_in(), self.total_out());
                let $it = &mut *self;
                let status = $decode;
                let progress = DecoderProgress {
                    read: between(before.0, self.total_in()),
                    made: between(before.1, self.total_out()),
                    ended: matches!(status, Ok(<$status>::StreamEnd)),
                };
                (progress, status.map(drop).map_err(invalid))
            }
        }
    };
}

counted!(Inflate, flate2::Status, |it, input, output| {
    it.decompress(input, output, FlushDecompress::None)
});
counted!(Xz, liblzma::stream::Status, |it, input, output| {
    it.process(input, output, Action::Run)
});
counted!(Bzip2, bzip2::Status, |it, input, output| {
    it.decompress(input, output)
});

impl Codec for Zstd<'static> {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> (DecoderProgress, io::Result<()>) {
        let (progress, result) = match self.run_on_buffers(input, output) {
            Ok(status) => {
                let progress = (
                    status.bytes_read,
                    status.bytes_written,
                    status.remaining == 0,
                );
                (progress, Ok(()))
            }
            Err(error) => ((0, 0, false), Err(error)),
        };
        let (read, made, ended) = progress;
        (DecoderProgress { read, made, ended }, result)
    }
}

//! Bytes of a frame that are not decoded yet.

use super::stop::{Cause, DecodeStop, Layer};
use super::unopened::Unopened;
use crate::capture::Frame;

/// Bytes not yet decoded, and their number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rest<'a> {
    /// Captured bytes, never more than `wire_len`.
    pub bytes: &'a [u8],
    /// Length on the wire, in bytes, within the lengths that outer headers state.
    pub wire_len: usize,
    /// Offset from the start of the frame, in bytes.
    pub offset: usize,
}

impl<'a> Rest<'a> {
    /// Bytes of a whole frame.
    #[inline(always)]
    pub fn of(frame: &Frame<'a>) -> Self {
        Self {
            bytes: frame.data,
            wire_len: (frame.wire_len as usize).max(frame.data.len()),
            offset: 0,
        }
    }

    /// Bytes behind the first `len`, which must have been captured.
    #[inline(always)]
    pub fn after(self, len: usize) -> Self {
        Self {
            bytes: self.bytes.get(len..).unwrap_or_default(),
            wire_len: self.wire_len.saturating_sub(len),
            offset: self.offset + len,
        }
    }

    /// The same bytes, no longer than a length field states.
    #[inline(always)]
    pub fn within(self, len: usize) -> Self {
        Self {
            bytes: &self.bytes[..self.bytes.len().min(len)],
            wire_len: self.wire_len.min(len),
            ..self
        }
    }

    /// Bytes of a packet that are as many as its IP header states. What is longer than the
    /// frame was cut by a capture that does not admit it, unless they are only a part of
    /// the packet.
    #[inline(always)]
    pub fn stated(self, len: usize, is_part: bool) -> Self {
        let cut = self.within(len);
        Self {
            wire_len: if is_part { cut.wire_len } else { len },
            ..cut
        }
    }

    /// First `len` bytes.
    ///
    /// # Errors
    /// The limit that they run into.
    pub fn need(self, len: usize, layer: Layer) -> Result<&'a [u8], DecodeStop> {
        self.bytes.get(..len).ok_or_else(|| self.short(len, layer))
    }

    /// Stop at a header of `len` bytes that these bytes do not hold.
    #[cold]
    pub fn short(self, len: usize, layer: Layer) -> DecodeStop {
        let (cause, there) = if self.wire_len < len {
            (Cause::Length, self.wire_len)
        } else {
            (Cause::Capture, self.bytes.len())
        };
        DecodeStop {
            missing: len.saturating_sub(there),
            ..self.stop(layer, cause)
        }
    }

    /// Stop at a header with a value that it cannot have.
    #[cold]
    pub fn malformed(self, layer: Layer) -> DecodeStop {
        self.stop(layer, Cause::Malformed)
    }

    /// Stop before an encapsulation that is not opened.
    pub fn unopened(self, unopened: Unopened) -> DecodeStop {
        self.stop(Layer::Unopened(unopened), Cause::Unsupported)
    }

    /// Stop at a header for a cause other than its length.
    pub fn stop(self, layer: Layer, cause: Cause) -> DecodeStop {
        DecodeStop {
            layer,
            offset: self.offset,
            missing: 0,
            cause,
        }
    }
}

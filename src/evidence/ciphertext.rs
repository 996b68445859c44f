//! Whether protected records can be any cipher's output.
//!
//! A NULL suite leaves a DTLS coat around plain bytes, and where the handshake was not
//! captured only those bytes can tell: an IP header or a Lustre signature inside a
//! record, or a distribution of byte values that no cipher makes.

use std::ops::Range;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice, checksum::Sum16BitWords};

use super::{dtls::Record, lnet};

/// What a record shows that a cipher would have hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exposure {
    /// An IP header with a right checksum, and a length that fits the record's.
    IpHeader,
    /// A Lustre signature.
    Lustre,
}

/// The longest MAC of a suite without a cipher is HMAC-SHA-384's, of 48 bytes.
const MAX_MAC_LEN: usize = 48;

/// Looks for clear content at the start of a protected record's fragment, and in the
/// whole of it where the record is a [sampled](is_sampled) one.
#[must_use]
pub fn exposure(record: &Record<'_>) -> Option<Exposure> {
    let fragment = record.fragment;
    let inside = usize::from(record.len).saturating_sub(MAX_MAC_LEN)..usize::from(record.len) + 1;
    if is_ipv4(fragment, &inside) || is_ipv6(fragment, &inside) {
        return Some(Exposure::IpHeader);
    }
    let lustre = is_sampled(record) && lnet::find(fragment, None).is_some();
    lustre.then_some(Exposure::Lustre)
}

/// Odds on random bytes: 2^-8 for version and length of the header, 2^-10 for the
/// total length, 2^-16 for the checksum, 2^-7 for the protocol.
fn is_ipv4(fragment: &[u8], lens: &Range<usize>) -> bool {
    fragment.first().is_some_and(|first| first >> 4 == 4)
        && Ipv4HeaderSlice::from_slice(fragment).is_ok_and(|header| {
            lens.contains(&header.total_len().into())
                && is_transport(header.protocol())
                && Sum16BitWords::new()
                    .add_slice(header.slice())
                    .ones_complement()
                    == 0
        })
}

/// IPv6 has no checksum of its own: the transport's stands in, so all of the packet
/// must have been captured.
fn is_ipv6(fragment: &[u8], lens: &Range<usize>) -> bool {
    let Some(header) = fragment
        .first()
        .filter(|&first| first >> 4 == 6)
        .and_then(|_| Ipv6HeaderSlice::from_slice(fragment).ok())
    else {
        return false;
    };
    let payload_len = header.payload_length();
    let start = header.slice().len();
    let end = start + usize::from(payload_len);
    let (true, true, Some(payload)) = (
        lens.contains(&end),
        is_transport(header.next_header()),
        fragment.get(start..end),
    ) else {
        return false;
    };
    Sum16BitWords::new()
        .add_16bytes(header.source())
        .add_16bytes(header.destination())
        .add_2bytes(payload_len.to_be_bytes())
        .add_2bytes([0, header.next_header().0])
        .add_slice(payload)
        .ones_complement()
        == 0
}

fn is_transport(protocol: IpNumber) -> bool {
    matches!(protocol, IpNumber::TCP | IpNumber::UDP)
}

/// Whether a record's bytes are counted. The choice is the record's own, so that it
/// does not matter which others were seen before it.
#[must_use]
pub fn is_sampled(record: &Record<'_>) -> bool {
    record.sequence < 64 || record.sequence.is_multiple_of(32)
}

/// How often each byte value stood in the sampled records of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByteSample {
    counts: [u32; 256],
}

impl Default for ByteSample {
    fn default() -> Self {
        Self { counts: [0; 256] }
    }
}

impl ByteSample {
    /// Bytes taken from each record.
    const PER_RECORD: Range<usize> = Self::NONCE_LEN..Self::NONCE_LEN + 256;
    /// The explicit nonce of AES-GCM counts up, and so is no cipher's output.
    const NONCE_LEN: usize = 8;
    /// Below this many bytes nothing is concluded.
    pub const MIN_BYTES: u64 = 1024;
    /// Chi-squared over 255 degrees of freedom is 255 on average for random bytes, and
    /// reaches four times that with odds of about e^-205.
    const MAX_CHI_SQUARED: f64 = 4.0 * 255.0;

    /// Counts the bytes of a record's fragment.
    pub fn add(&mut self, fragment: &[u8]) {
        let end = Self::PER_RECORD.end.min(fragment.len());
        for &byte in fragment
            .get(Self::PER_RECORD.start..end)
            .unwrap_or_default()
        {
            let count = &mut self.counts[usize::from(byte)];
            *count = count.saturating_add(1);
        }
    }

    /// Adds what another part of the flow showed.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
    }

    /// Bytes counted.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.counts.iter().copied().map(u64::from).sum()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no cipher would have made these bytes: Pearson's chi-squared test against
    /// the uniform distribution.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "counts of a sample, not of a file"
    )]
    pub fn is_no_cipher(&self) -> bool {
        let len = self.len();
        let expected = len as f64 / 256.0;
        let squared = |count: &u32| (f64::from(*count) - expected).powi(2) / expected;
        len >= Self::MIN_BYTES
            && self.counts.iter().map(squared).sum::<f64>() > Self::MAX_CHI_SQUARED
    }
}

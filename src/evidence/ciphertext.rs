//! Whether protected records can be any cipher's output.
//!
//! A NULL suite leaves a DTLS coat around plain bytes, and where the handshake was not
//! captured only those bytes can tell: an IP header or a Lustre signature inside a
//! record, or a distribution of byte values that no cipher makes.

use std::hash::BuildHasher;
use std::ops::Range;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice, checksum::Sum16BitWords};
use foldhash::fast::FixedState;

use super::{dtls::Record, lnet};

/// What a record shows that a cipher would have hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exposure {
    /// An IP header with a right checksum, and a length that fits the record's.
    IpHeader,
    /// A Lustre signature.
    Lustre,
    /// Sixty-four bytes in a row without a high bit, as in text or zeros: 2^-64.
    SevenBits,
}

/// Outcome of the test of a session's bytes in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ByteTest {
    /// No cipher makes such bytes.
    NoCipher,
    /// There are too few bytes to tell.
    TooFewBytes,
    /// A cipher may have made them.
    LooksEncrypted,
}

/// The longest MAC of a suite without a cipher is HMAC-SHA-384's, of 48 bytes.
const MAX_MAC_LEN: usize = 48;

/// How far into a record Lustre is looked for in any case: past the headers that a
/// tunnel would carry it behind.
const SEARCHED_LEN: usize = 160;

/// Looks for clear content in a protected record: an IP header at its start or behind an
/// Ethernet header, or Lustre near its start. Now and then Lustre is looked for in all of
/// it; which records those are is the record's own choice, so that it does not matter
/// which others were seen before.
#[must_use]
pub fn exposure(record: &Record<'_>) -> Option<Exposure> {
    let fragment = record.fragment;
    let len = usize::from(record.len);
    if is_ip(fragment, len) || behind_ethernet(fragment).is_some_and(|ip| is_ip(ip, len - 14)) {
        return Some(Exposure::IpHeader);
    }
    if is_seven_bits(fragment) {
        return Some(Exposure::SevenBits);
    }
    let searched = if record.sequence.is_multiple_of(32) {
        fragment.len()
    } else {
        fragment.len().min(SEARCHED_LEN)
    };
    lnet::holds_message(&fragment[..searched]).then_some(Exposure::Lustre)
}

/// Whether no byte behind the nonce has its high bit set, over as many as are odds enough.
fn is_seven_bits(fragment: &[u8]) -> bool {
    const LEN: usize = 64;
    let bytes = fragment.get(ByteSample::NONCE_LEN..).unwrap_or_default();
    let run: Option<&[u8; LEN]> = bytes.first_chunk();
    run.is_some_and(|run| run.iter().fold(0, |all, byte| all | byte) < 0x80)
}

/// What follows an Ethernet header that says IP follows.
fn behind_ethernet(fragment: &[u8]) -> Option<&[u8]> {
    match fragment.get(12..14)? {
        [0x08, 0x00] | [0x86, 0xdd] => fragment.get(14..),
        _ => None,
    }
}

/// Whether `len` bytes, of which these were captured, are an IP packet and at most a MAC.
fn is_ip(bytes: &[u8], len: usize) -> bool {
    let lens = len.saturating_sub(MAX_MAC_LEN)..len + 1;
    match bytes.first().map(|first| first >> 4) {
        Some(4) => is_ipv4(bytes, &lens),
        Some(6) => is_ipv6(bytes, &lens),
        _ => false,
    }
}

/// Odds on random bytes: 2^-8 for version and length of the header, 2^-10 for the
/// total length, 2^-16 for the checksum, 2^-7 for the protocol.
fn is_ipv4(fragment: &[u8], lens: &Range<usize>) -> bool {
    Ipv4HeaderSlice::from_slice(fragment).is_ok_and(|header| {
        let sum = Sum16BitWords::new().add_slice(header.slice());
        lens.contains(&header.total_len().into())
            && is_transport(header.protocol())
            && sum.ones_complement() == 0
    })
}

/// IPv6 has no checksum of its own: the transport's stands in, so all of the packet
/// must have been captured.
fn is_ipv6(fragment: &[u8], lens: &Range<usize>) -> bool {
    let Ok(header) = Ipv6HeaderSlice::from_slice(fragment) else {
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

/// Bytes of some of a flow's records, to see whether a cipher can have made them.
///
/// Those records stay that have the lowest ranks by a hash of their numbers and bytes. So
/// it does not matter in which order they came or how the input was split, and a record
/// that is seen again, in a replay or a second capture, is the same entry again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByteSample {
    /// By rank, in a row: in a tree, records that come and go would make and free nodes.
    records: Vec<(u64, Excerpt)>,
}

fn padded(bytes: &[u8]) -> [u8; ByteSample::PER_RECORD] {
    let mut excerpt = [0; ByteSample::PER_RECORD];
    excerpt[..bytes.len()].copy_from_slice(bytes);
    excerpt
}

/// Bytes of one record, and how many there are.
type Excerpt = ([u8; ByteSample::PER_RECORD], usize);

impl ByteSample {
    /// Records kept.
    const RECORDS: usize = 64;
    /// Bytes kept of each.
    const PER_RECORD: usize = 32;
    /// The explicit nonce of AES-GCM counts up, and so is no cipher's output.
    const NONCE_LEN: usize = 8;
    /// Below this many bytes nothing is concluded.
    const MIN_BYTES: usize = 1024;
    /// Chi-squared over 255 degrees of freedom is 255 on average for random bytes, and
    /// reaches four times that with odds of about e^-205.
    const MAX_CHI_SQUARED: f64 = 4.0 * 255.0;

    /// Takes in a protected record.
    #[inline]
    pub fn add(&mut self, record: &Record<'_>) {
        let bytes = record.fragment.get(Self::NONCE_LEN..).unwrap_or_default();
        let bytes = &bytes[..bytes.len().min(Self::PER_RECORD)];
        if !bytes.is_empty() {
            let excerpt = match bytes.first_chunk() {
                Some(full) => *full,
                None => padded(bytes),
            };
            // Of a fixed length it takes few multiplications.
            let (halves, _) = excerpt.as_chunks();
            let halves: [u128; 2] = [halves[0], halves[1]].map(u128::from_le_bytes);
            let identity = (record.sequence, halves[0], halves[1]);
            let rank = FixedState::with_seed(0x17).hash_one(identity);
            let full = self.records.get(Self::RECORDS - 1);
            if full.is_none_or(|&(highest, _)| rank < highest) {
                self.keep(rank, (excerpt, bytes.len()));
            }
        }
    }

    #[cold]
    fn keep(&mut self, rank: u64, excerpt: Excerpt) {
        let place = self.records.partition_point(|&(known, _)| known < rank);
        match self.records.get(place) {
            Some(&(known, _)) if known == rank => return,
            None if self.records.len() == Self::RECORDS => return,
            _ => {}
        }
        self.records.truncate(Self::RECORDS - 1);
        self.records.insert(place, (rank, excerpt));
    }

    /// Adds what another part of the flow showed.
    pub fn merge(&mut self, other: Self) {
        for (rank, excerpt) in other.records {
            self.keep(rank, excerpt);
        }
    }

    /// Outcome of the test.
    #[must_use]
    pub fn test(&self) -> ByteTest {
        match (self.is_large(), self.is_no_cipher()) {
            (_, true) => ByteTest::NoCipher,
            (true, false) => ByteTest::LooksEncrypted,
            (false, false) => ByteTest::TooFewBytes,
        }
    }

    fn is_large(&self) -> bool {
        self.bytes().count() >= Self::MIN_BYTES
    }

    /// Whether no cipher would have made these bytes: Pearson's chi-squared test against
    /// the uniform distribution.
    #[allow(clippy::cast_precision_loss, reason = "the sample is small")]
    fn is_no_cipher(&self) -> bool {
        let mut counts = [0_u32; 256];
        self.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
        let expected = self.bytes().count() as f64 / 256.0;
        let squared = |count: u32| (f64::from(count) - expected).powi(2) / expected;
        self.is_large() && counts.into_iter().map(squared).sum::<f64>() > Self::MAX_CHI_SQUARED
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        let excerpts = self.records.iter();
        excerpts.flat_map(|(_, (bytes, len))| bytes[..*len].iter().copied())
    }
}

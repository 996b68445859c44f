//! Tests of the bytes of protected records against what a cipher makes of them.
//!
//! A NULL suite leaves a DTLS coat around plain bytes, and a coat can be forged, so the
//! bytes are tested behind every hello and without one:
//!
//! - each record by itself ([`exposure`]): an IP header behind up to 64 bytes, a Lustre
//!   message, 64 bytes of text, a pattern that repeats. Of random bytes, less than one record
//!   in 10^12 has any of these;
//! - a sample of each session and epoch ([`ByteSample`]), from 192 bytes on: the distribution
//!   of its bytes, and 8 bytes that come again. Of random bytes, less than one sample in 10^12
//!   fails. Text in any script and encoding, base64, images and executables fail; from 1 KiB
//!   on, a tenth of text among ciphertext does.
//!
//! Bytes that are compressed, or encrypted by something else, pass both.

use std::hash::BuildHasher;
use std::ops::Range;

use etherparse::{IpNumber, Ipv4Header, Ipv4HeaderSlice, Ipv6HeaderSlice, checksum::Sum16BitWords};
use foldhash::fast::{FixedState, RandomState};
use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use super::dtls::{DtlsRecord, MAX_MAC_LEN};
use super::lnet;
use super::pairs::{self, BytePair};

mod stored;

use stored::StoredSample;

/// Plaintext in a record that a cipher would have hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Exposure {
    /// An IP header with a right checksum, and a length that fits the record's.
    IpHeader,
    /// A Lustre signature.
    Lustre,
    /// A message of a DTLS handshake: 2^-70.
    Handshake,
    /// Sixty-four bytes of text in UTF-8, which base64 and zeros are as well: 2^-53.
    Text,
    /// A pattern of up to 104 bytes that goes on for 24 more, as in zeros: 2^-185.
    Repeats,
}

/// Outcome of the test of a session's bytes in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ByteTest {
    /// No cipher makes such bytes.
    NoCipher,
    /// The capture cut a record so short that what it began with cannot be told.
    CutShort,
    /// There are too few bytes to tell.
    TooFewBytes,
    /// A cipher may have made them.
    LooksEncrypted,
}

/// Bytes of a record that the tests of its content take: of one that was cut shorter, nothing
/// is concluded. Few tests go on behind them, for what stands nowhere near the start.
const TESTED_LEN: usize = 136;
/// Places of a record at which an IP packet is looked for: behind headers of up to 64 bytes,
/// and what stands in a nonce's place. IPv6 and TCP fit behind the last.
const IP_PLACES: usize = TESTED_LEN - 60;

/// Looks for clear content in a record: an IP header, text or a pattern that repeats near its
/// start, or Lustre. Now and then Lustre is looked for in all of it, and text at places all over
/// it; which records those are is the record's own choice, so that it does not matter which
/// others were seen before.
#[must_use]
pub fn exposure(record: &DtlsRecord<'_>) -> Option<Exposure> {
    let fragment = record.fragment;
    let len = usize::from(record.len);
    let is_suspect = is_suspect(fragment);
    if begins_with_ip(fragment, len) || is_suspect && has_ip(fragment, len) {
        return Some(Exposure::IpHeader);
    }
    let content = fragment.get(ByteSample::NONCE_LEN..).unwrap_or_default();
    if is_text(content) || content.get(TEXT_LEN..).is_some_and(is_text) {
        return Some(Exposure::Text);
    }
    if is_suspect && repeats(content) {
        return Some(Exposure::Repeats);
    }
    let is_chosen = record.sequence.is_multiple_of(32);
    if is_chosen && holds_text_behind(content) {
        return Some(Exposure::Text);
    }
    ((is_suspect || is_chosen) && lnet::holds_message(fragment)).then_some(Exposure::Lustre)
}

/// Tests that an IP packet, an `LNet` message or a pattern that repeats may be found in a record,
/// by two bytes of each. Of random ones, one in 170 is suspect.
fn is_suspect(fragment: &[u8]) -> bool {
    match fragment.first_chunk::<TESTED_LEN>() {
        Some(start) => is_suspect_start(start),
        None if fragment.len() <= SHORT_LEN => {
            is_suspect_start(&pairs::padded::<SHORT_LEN>(fragment))
        }
        None => is_suspect_start(&pairs::padded::<TESTED_LEN>(fragment)),
    }
}

/// Length of records that fewer places are compared in.
const SHORT_LEN: usize = 64;

/// The same of the first bytes, or all of them with zeros behind.
#[inline(never)]
fn is_suspect_start<const LEN: usize>(start: &[u8; LEN]) -> bool {
    const IPV4: BytePair = BytePair::apart(0x45, 0, 7);
    const TCP6: BytePair = BytePair::apart(0x60, 6, 6);
    const UDP6: BytePair = BytePair::apart(0x60, 17, 6);
    const PATTERN_AT: usize = ByteSample::NONCE_LEN;
    let ip_places = IP_PLACES.min(LEN - Ipv4Header::MIN_LEN);
    let lustre_places = LEN - lnet::PROOF_LEN + 1;
    let pattern_places = PATTERN_AT + 1..LEN - REPEATED_LEN + 1;
    let pattern = BytePair::of(&start[PATTERN_AT..]);
    pairs::hold(start, 0..ip_places, [IPV4, TCP6, UDP6])
        | pairs::hold(start, 0..lustre_places, [lnet::MESSAGE_PAIR])
        | pairs::hold(start, pattern_places, [pattern])
}

/// Places behind the start of a record at which text is looked for now and then.
const TEXT_PLACES: usize = 16;

/// Tests for text at some places that share what stands behind the start of a record.
fn holds_text_behind(content: &[u8]) -> bool {
    let behind = content.get(2 * TEXT_LEN..).unwrap_or_default();
    let step = (behind.len() / TEXT_PLACES).max(TEXT_LEN);
    behind.chunks(step).any(is_text)
}

/// Bytes of text that are odds enough.
pub(super) const TEXT_LEN: usize = 64;

/// Tests for text in UTF-8 at the start, which may begin and end within a character.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    /// No byte of UTF-8 is as high.
    const BEYOND: u8 = 0xf8;
    let Some(text) = bytes.first_chunk::<TEXT_LEN>() else {
        return false;
    };
    let highest = text.iter().fold(0, |highest, &byte| byte.max(highest));
    if highest >= BEYOND {
        return false;
    }
    let is_inside = |byte: &&u8| **byte & 0xc0 == 0x80;
    let inside = text.iter().take(3).take_while(is_inside).count();
    match std::str::from_utf8(&text[inside..]) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// Bytes of a pattern that come again.
const REPEATED_LEN: usize = 24;
/// Longest pattern that is looked for.
const MAX_PERIOD: usize = TESTED_LEN - ByteSample::NONCE_LEN - REPEATED_LEN;

/// Tests that bytes begin with a pattern that comes again.
pub(super) fn repeats(bytes: &[u8]) -> bool {
    let Some((pattern, behind)) = bytes.split_first_chunk::<REPEATED_LEN>() else {
        return false;
    };
    let mut periods = 1..=behind.len().min(MAX_PERIOD);
    periods.any(|period| bytes[period..].starts_with(pattern))
}

/// Tests that the first `len` bytes of a record, of which these were captured, end with an IP
/// packet and at most a MAC.
#[must_use]
pub fn holds_ip(fragment: &[u8], len: usize) -> bool {
    begins_with_ip(fragment, len) || is_suspect(fragment) && has_ip(fragment, len)
}

/// The same at their start or behind an Ethernet header, whatever the IP header is like.
fn begins_with_ip(fragment: &[u8], len: usize) -> bool {
    is_ip(fragment, len) || behind_ethernet(fragment).is_some_and(|ip| is_ip(ip, len - 14))
}

/// The same at any place, of IP headers that are usual.
fn has_ip(fragment: &[u8], len: usize) -> bool {
    let places = IP_PLACES.min(fragment.len().saturating_sub(Ipv4Header::MIN_LEN));
    let mut ends = (0..places).map(|at| (&fragment[at..], len - at));
    ends.any(|(ip, len)| is_usual(ip) && is_ip(ip, len))
}

/// The same at any place, of any IP header: of bytes that no cipher made, few are looked into.
#[must_use]
pub fn holds_any_ip(bytes: &[u8], len: usize) -> bool {
    let places = IP_PLACES.min(bytes.len().saturating_sub(Ipv4Header::MIN_LEN - 1));
    let mut ends = (0..places).map(|at| (&bytes[at..], len.saturating_sub(at)));
    ends.any(|(ip, len)| is_any_ip(ip, len, true))
}

/// Tests that an IP header is as nearly all are, for odds enough at any offset: no fragment,
/// and no class. Linux gives each flow of IPv6 a label.
fn is_usual(ip: &[u8]) -> bool {
    matches!(
        *ip,
        [0x45, _, _, _, _, _, 0 | 0x40, 0, ..] | [0x60, 0..=0x0f, _, _, _, _, 6 | 17, ..]
    )
}

/// Bytes behind an Ethernet header whose `EtherType` is IP.
fn behind_ethernet(fragment: &[u8]) -> Option<&[u8]> {
    match fragment.get(12..14)? {
        [0x08, 0x00] | [0x86, 0xdd] => fragment.get(14..),
        _ => None,
    }
}

/// Tests that `len` bytes, of which these were captured, are an IP packet and at most a MAC.
fn is_ip(bytes: &[u8], len: usize) -> bool {
    is_any_ip(bytes, len, is_usual(bytes))
}

/// The same; of IPv6 whose checksum does not tell, only where that `is_enough`.
#[inline]
fn is_any_ip(bytes: &[u8], len: usize, is_enough: bool) -> bool {
    let lens = len.saturating_sub(MAX_MAC_LEN)..len + 1;
    match bytes.first().map(|first| first >> 4) {
        Some(4) => is_ipv4(bytes, &lens),
        Some(6) => is_ipv6(bytes, &lens, is_enough),
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

/// IPv6 has no checksum of its own: the transport's stands in or, where the capture cut the
/// packet or its sender left the checksum to hardware, the fields of its header that have few
/// values.
fn is_ipv6(fragment: &[u8], lens: &Range<usize>, is_enough: bool) -> bool {
    let Ok(header) = Ipv6HeaderSlice::from_slice(fragment) else {
        return false;
    };
    let payload_len = header.payload_length();
    let start = header.slice().len();
    let end = start + usize::from(payload_len);
    if !lens.contains(&end) || !is_transport(header.next_header()) {
        return false;
    }
    let pseudo_header = Sum16BitWords::new()
        .add_16bytes(header.source())
        .add_16bytes(header.destination())
        .add_2bytes(payload_len.to_be_bytes())
        .add_2bytes([0, header.next_header().0]);
    let sum = |payload| pseudo_header.add_slice(payload).ones_complement();
    let is_udp = header.next_header() == IpNumber::UDP;
    let stated = is_udp.then_some(payload_len);
    fragment.get(start..end).is_some_and(|it| sum(it) == 0)
        || is_enough && begins_transport(&fragment[start..], stated)
}

/// Tests that bytes begin with a UDP header of the length stated or, without one, with a TCP
/// header (RFC 9293 3.1) that has no reserved bit and points at nothing urgent: 2^-16.
fn begins_transport(bytes: &[u8], udp_len: Option<u16>) -> bool {
    match (udp_len, bytes.get(12..20)) {
        (Some(len), _) => bytes.get(4..6) == Some(&len.to_be_bytes()),
        (None, Some(&[offset, flags, .., 0, 0])) => {
            offset >= 0x50 && offset & 0x0e == 0 && flags & 0x20 == 0
        }
        _ => false,
    }
}

fn is_transport(protocol: IpNumber) -> bool {
    matches!(protocol, IpNumber::TCP | IpNumber::UDP)
}

/// Bytes of some of the records of a session and epoch.
///
/// Records are cut into chunks. Those chunks stay that stand nearest to the start of their
/// record, and among those as near, those whose records have the lowest ranks by a hash of
/// their numbers and bytes. So few records are sampled as a whole and many at their start, it
/// does not matter in which order they came or how the input was split, and a record that is
/// seen again, in a replay or a second capture, is the same again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "StoredSample", from = "StoredSample")]
pub struct ByteSample {
    /// True if the capture left less of a record than tests of its content take.
    is_cut_short: bool,
    /// In order, in a row: in a tree, chunks that come and go would make and free nodes.
    chunks: Vec<Chunk>,
}

/// Part of a record: its place there, the record's rank, its bytes and their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chunk {
    key: (usize, u64),
    bytes: [u8; ByteSample::CHUNK_LEN],
    len: usize,
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl ByteSample {
    /// Chunks kept.
    const CHUNKS: usize = 48;
    /// Chunks that there is room for at first.
    const FEW_CHUNKS: usize = 3;
    const CHUNK_LEN: usize = 64;
    /// Bytes that a record's rank follows from.
    const RANKED_LEN: usize = 32;
    /// The explicit nonce of AES-GCM counts up, and so is no cipher's output.
    const NONCE_LEN: usize = 8;
    /// Below this many bytes nothing is concluded. Of as many random ones, 72 pairs are equal,
    /// with a standard deviation of 8; of base64, 286.
    const MIN_BYTES: usize = 192;
    /// Chi-squared over 255 degrees of freedom is 255 on average for random bytes, with a
    /// standard deviation of 22.6: what is above has odds of less than 10^-12,
    const MAX_CHI_SQUARED: f64 = 460.0;
    /// and so has what is below, as of bytes that count.
    const MIN_CHI_SQUARED: f64 = 110.0;

    /// Takes in a protected record.
    #[inline]
    pub fn add(&mut self, record: &DtlsRecord<'_>) {
        let tested = TESTED_LEN.min(record.len.into());
        self.is_cut_short |= record.fragment.len() < tested;
        let bytes = record.fragment.get(Self::NONCE_LEN..).unwrap_or_default();
        if bytes.is_empty() {
            return;
        }
        let rank = Self::rank(record.sequence, bytes);
        let highest = self.chunks.get(Self::CHUNKS - 1).map(|chunk| chunk.key);
        if highest.is_none_or(|highest| (0, rank) < highest) {
            self.add_chunks(rank, bytes);
        }
    }

    #[inline]
    fn rank(sequence: u64, bytes: &[u8]) -> u64 {
        let ranked: [u8; Self::RANKED_LEN] = match bytes.first_chunk() {
            Some(full) => *full,
            None => pairs::padded(bytes),
        };
        // Of a fixed length it takes few multiplications.
        let (halves, _) = ranked.as_chunks();
        let halves: [u128; 2] = [halves[0], halves[1]].map(u128::from_le_bytes);
        let identity = (sequence, halves[0], halves[1]);
        FixedState::with_seed(0x17).hash_one(identity)
    }

    #[cold]
    fn add_chunks(&mut self, rank: u64, bytes: &[u8]) {
        let chunks = bytes.chunks(Self::CHUNK_LEN).take(Self::CHUNKS);
        for (place, bytes) in chunks.enumerate() {
            let chunk = Chunk {
                key: (place, rank),
                bytes: pairs::padded(bytes),
                len: bytes.len(),
            };
            if !self.keep(chunk) {
                return;
            }
        }
    }

    /// Keeps a chunk, if it stands low enough.
    fn keep(&mut self, chunk: Chunk) -> bool {
        let place = self.chunks.partition_point(|known| known.key < chunk.key);
        match self.chunks.get(place) {
            Some(known) if known.key == chunk.key => return true,
            None if self.chunks.len() == Self::CHUNKS => return false,
            _ => {}
        }
        self.chunks.truncate(Self::CHUNKS - 1);
        if self.chunks.len() == self.chunks.capacity() {
            let more = self.chunks.len().max(Self::FEW_CHUNKS);
            self.chunks
                .reserve_exact(more.min(Self::CHUNKS - self.chunks.len()));
        }
        self.chunks.insert(place, chunk);
        true
    }

    /// Adds what another part of the flow showed.
    pub fn merge(&mut self, other: Self) {
        self.is_cut_short |= other.is_cut_short;
        for chunk in other.chunks {
            self.keep(chunk);
        }
    }

    /// Outcome of the test.
    #[must_use]
    pub fn test(&self) -> ByteTest {
        let len: usize = self.chunks.iter().map(|chunk| chunk.len).sum();
        let is_enough = len >= Self::MIN_BYTES;
        if is_enough && (self.is_uneven(len) || self.has_repeats()) {
            ByteTest::NoCipher
        } else if self.is_cut_short {
            ByteTest::CutShort
        } else if is_enough {
            ByteTest::LooksEncrypted
        } else {
            ByteTest::TooFewBytes
        }
    }

    /// Pearson's chi-squared test against the uniform distribution.
    #[allow(clippy::cast_precision_loss, reason = "the sample is small")]
    fn is_uneven(&self, len: usize) -> bool {
        let mut counts = [0_u32; 256];
        for &byte in self.chunks.iter().flat_map(Chunk::bytes) {
            counts[usize::from(byte)] += 1;
        }
        let expected = len as f64 / 256.0;
        let squared = |count: u32| (f64::from(count) - expected).powi(2);
        let sum: f64 = counts.into_iter().map(squared).sum();
        !(Self::MIN_CHI_SQUARED..=Self::MAX_CHI_SQUARED).contains(&(sum / expected))
    }

    /// Tests that any eight bytes come again: odds of 2^-48 for random ones.
    fn has_repeats(&self) -> bool {
        let chunks = self.chunks.iter().map(Chunk::bytes);
        let mut words = chunks.flat_map(|bytes| bytes.as_chunks::<8>().0);
        let most = Self::CHUNKS * Self::CHUNK_LEN / 8;
        let mut seen = HashSet::with_capacity_and_hasher(most, RandomState::default());
        words.any(|word| !seen.insert(word))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    proptest! {
        /// By its first bytes, at each place where it fits.
        #[test]
        fn whatever_the_tests_find_is_suspect(
            mut record in prop_oneof![vec(any::<u8>(), 33..220), vec(any::<u8>(), 63..66), vec(any::<u8>(), 135..138)],
            at in any::<Index>(),
            kind in 0..5_usize,
        ) {
            let starts = [(vec![0x45, 0, 0, 0, 0, 0, 0, 0], Ipv4Header::MIN_LEN, IP_PLACES),
                (vec![0x60, 0x0a, 1, 2, 0, 60, 6], Ipv4Header::MIN_LEN, IP_PLACES),
                (vec![0x60, 0, 0, 0, 0, 60, 17], Ipv4Header::MIN_LEN, IP_PLACES),
                (vec![0xc1, 0], lnet::PROOF_LEN, TESTED_LEN - lnet::PROOF_LEN + 1)];
            let nonce_len = ByteSample::NONCE_LEN;
            let (at, start) = match starts.get(kind) {
                Some((_, len, _)) if *len > record.len() => return Ok(()),
                Some((start, len, places)) => {
                    let places = (record.len() - len + 1).min(*places);
                    (at.index(places), start.clone())
                }
                None => {
                    let periods = (record.len() - nonce_len - REPEATED_LEN).min(MAX_PERIOD);
                    let period = at.index(periods) + 1;
                    (nonce_len + period, record[nonce_len..nonce_len + 2].to_vec())
                }
            };
            record[at..at + start.len()].copy_from_slice(&start);
            // The pattern may have been overwritten by its own repetition.
            prop_assume!(kind < 4 || record[nonce_len..nonce_len + 2] == start[..]);
            prop_assert!(is_suspect(&record));
        }
    }
}

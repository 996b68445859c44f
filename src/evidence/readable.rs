//! Readable content in bytes that are no DTLS record: datagrams beside a session, later IP
//! fragments, and what stands in epoch 0 where no structure explains it.
//!
//! Nothing says where the content begins, so it is looked for all over. Of random bytes, less
//! than one datagram in 10^12 has any of it.

use super::ciphertext::{Exposure, TEXT_LEN, is_text, repeats};
pub use super::ciphertext::{holds_any_ip, holds_ip};
use super::lnet;

/// Looks for an IP header behind up to 64 bytes, an `LNet` message, or text in a datagram of
/// `len` bytes, of which these were captured.
#[must_use]
pub fn in_datagram(bytes: &[u8], len: usize) -> Option<Exposure> {
    if holds_ip(bytes, len) {
        Some(Exposure::IpHeader)
    } else if lnet::holds_message(bytes) {
        Some(Exposure::Lustre)
    } else {
        (holds_text(bytes) && !is_stun(bytes, len)).then_some(Exposure::Text)
    }
}

/// Tests for an IP packet or an `LNet` message, as [`in_datagram`] does.
#[must_use]
pub fn holds_packet(bytes: &[u8], len: usize) -> bool {
    holds_ip(bytes, len) || lnet::holds_message(bytes)
}

/// Tests for about so many bytes of text in a row.
#[must_use]
pub fn holds_text_of(bytes: &[u8], len: usize) -> bool {
    let least = (len / TEXT_LEN).saturating_sub(1).max(1);
    let mut rows = bytes.split(|&byte| is_binary(byte));
    rows.any(|row| {
        let windows = row.chunks_exact(TEXT_LEN);
        row.len() >= len && windows.filter(|window| is_text(window)).count() >= least
    })
}

/// Looks in bytes of a structure that may well hold names: for a packet or an `LNet` message,
/// and for nothing but text.
#[must_use]
pub fn in_structure(bytes: &[u8]) -> Option<Exposure> {
    let is_text = bytes.len() >= TEXT_LEN && !bytes.iter().any(|&byte| is_binary(byte));
    match in_datagram(bytes, bytes.len()) {
        Some(Exposure::Text) if !is_text => None,
        found => found,
    }
}

/// Tests for a STUN message (RFC 8489 5), which shares its ports with DTLS (RFC 7983): names of
/// users and software in it are nobody's data.
fn is_stun(bytes: &[u8], len: usize) -> bool {
    const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    const HEADER_LEN: usize = 20;
    let &[0..=0x3f, _, high, low, a, b, c, d, ..] = bytes else {
        return false;
    };
    let stated = usize::from(u16::from_be_bytes([high, low])) + HEADER_LEN;
    [a, b, c, d] == COOKIE && stated == len
}

/// The same in a part of one, which begins anywhere; and a pattern that repeats.
#[must_use]
pub fn in_part(bytes: &[u8], len: usize) -> Option<Exposure> {
    let pattern = || repeats(bytes).then_some(Exposure::Repeats);
    in_datagram(bytes, len).or_else(pattern)
}

/// Tests that any 64 bytes in a row are text.
fn holds_text(mut bytes: &[u8]) -> bool {
    while let Some(window) = bytes.get(..TEXT_LEN) {
        // The last byte that no text has tells where the next window can begin at the earliest.
        let skipped = match window.iter().rposition(|&byte| is_binary(byte)) {
            Some(last) => last + 1,
            None if is_text(window) => return true,
            None => 1,
        };
        bytes = &bytes[skipped..];
    }
    false
}

/// Tests for a byte that stands in no text: a control character, but for white space, or one
/// that UTF-8 never has (RFC 3629 1).
fn is_binary(byte: u8) -> bool {
    matches!(byte, 0..=8 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f | 0xc0 | 0xc1 | 0xf5..)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"0123456789 the quick brown fox signs the quarterly report today.";

    fn noise(len: usize) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(9);
        (0..len).map(|_| rng.u8(..)).collect()
    }

    #[test]
    fn text_is_found_wherever_it_stands() {
        for before in 0..200 {
            let bytes = [noise(before), TEXT.to_vec(), noise(50)].concat();
            assert_eq!(in_datagram(&bytes, bytes.len()), Some(Exposure::Text));
        }
        let script = "отчёт за квартал подписан и отправлен".as_bytes();
        for cut in 0..2 {
            let bytes = [&noise(30), &script[cut..]].concat();
            assert_eq!(in_datagram(&bytes, bytes.len()), Some(Exposure::Text));
        }
    }

    #[test]
    fn names_in_stun_are_no_data() {
        let len = u8::try_from(TEXT.len() + 4).expect("a short message");
        let head = [0, 1, 0, len, 0x21, 0x12, 0xa4, 0x42];
        let name = [0, 6, 0, len - 4];
        let message = [&head[..], &noise(12), &name, TEXT].concat();
        assert_eq!(in_datagram(&message, message.len()), None);
        let more = [&message[..], TEXT].concat();
        assert_eq!(in_datagram(&more, more.len()), Some(Exposure::Text));
    }

    #[test]
    fn binary_bytes_are_no_text() {
        assert_eq!(in_datagram(&[0; 500], 500), None);
        assert_eq!(in_part(&[0; 500], 500), Some(Exposure::Repeats));
        for seed in 0..2000 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let bytes: Vec<u8> = (0..1400).map(|_| rng.u8(..)).collect();
            assert_eq!(in_part(&bytes, bytes.len()), None, "{seed}");
        }
        // Text in pieces, each too short.
        let pieces = [&TEXT[..60], &[0], &TEXT[..62]].concat();
        assert_eq!(in_datagram(&pieces, pieces.len()), None);
    }
}

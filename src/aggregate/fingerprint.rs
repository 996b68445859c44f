//! The identity of an IP packet: the same wherever on its way it is captured.
//!
//! Link-layer headers and tunnels differ from interface to interface, hops rewrite some
//! fields of the IP header, and offloading leaves checksums to the hardware. All else stays
//! (RFC 5475 6.2.1 selects packets by such fields). Packets that segmentation offload has
//! merged differ in length, and so are others than their parts.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::decode::Protocol;

/// Bytes that are looked at, from the IP header on: headers, and 64 bytes or more behind
/// them.
const LOOKED_AT: usize = 160;
/// Transport bytes that a packet must show if the capture cut it: fewer do not tell a
/// packet from the next one.
const MIN_TRANSPORT: usize = 24;
const IPV6_HEADER: usize = 40;

/// Fields of an IP header that count here.
struct IpFields {
    /// Length in bytes, options included and extension headers not.
    len: usize,
    /// Length of the packet as it states it; `None` where offloading left that out.
    stated: Option<usize>,
    /// Offsets of bytes that hops change.
    mutable: &'static [usize],
}

impl IpFields {
    /// Traffic class, hop limit or time to live, and the header's checksum change.
    fn read(ip: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            Some(usize::from(u16::from_be_bytes([
                *ip.get(at)?,
                *ip.get(at + 1)?,
            ])))
        };
        match ip.first()? >> 4 {
            4 => Some(Self {
                len: usize::from(ip.first()? & 15) * 4,
                stated: word(2).filter(|&len| len > 0),
                mutable: &[1, 8, 10, 11],
            }),
            6 => Some(Self {
                len: IPV6_HEADER,
                stated: word(4).filter(|&len| len > 0).map(|len| len + IPV6_HEADER),
                mutable: &[0, 1, 7],
            }),
            _ => None,
        }
    }
}

/// The fingerprint of a packet of which `ip` was captured, from its innermost IP header on;
/// `None` where that is too little. Two packets have the same by chance with odds of 2^-64.
#[must_use]
pub fn fingerprint(ip: &[u8], protocol: Protocol) -> Option<u64> {
    let header = IpFields::read(ip)?;
    let shown = ip.len().min(header.stated.unwrap_or(usize::MAX));
    let is_whole = header.stated.is_none_or(|stated| stated <= ip.len());
    if shown < header.len || !is_whole && shown < header.len + MIN_TRANSPORT {
        return None;
    }
    let shown = shown.min(LOOKED_AT);
    let mut bytes = [0; LOOKED_AT];
    bytes[..shown].copy_from_slice(&ip[..shown]);
    for &at in header.mutable {
        bytes[at] = 0;
    }
    let checksum = header.len + checksum_at(protocol);
    if let Some(checksum) = bytes.get_mut(checksum..checksum + 2) {
        checksum.fill(0);
    }
    Some(FixedState::with_seed(0x5475).hash_one(&bytes[..shown]))
}

/// The offset of the checksum in the transport header.
fn checksum_at(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Tcp => 16,
        Protocol::Udp => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A UDP datagram over IPv4 with this identification and payload.
    fn packet(id: u8, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(28 + payload.len()).unwrap().to_be_bytes();
        let mut ip = vec![0x45, 0, len[0], len[1], 0, id, 0x40, 0, 64, 17, 1, 2];
        ip.extend([10, 0, 0, 4, 10, 0, 0, 5, 0x9c, 0x40, 0x2c, 0xb3, 0, 0, 3, 4]);
        ip.extend(payload);
        ip
    }

    fn of(ip: &[u8]) -> Option<u64> {
        fingerprint(ip, Protocol::Udp)
    }

    #[test]
    fn what_a_hop_changes_is_none_of_it() {
        let first = packet(1, b"some payload");
        for changed in [1, 8, 10, 11, 26, 27] {
            let mut hop = first.clone();
            hop[changed] ^= 0x55;
            assert_eq!(of(&hop), of(&first), "byte {changed}");
        }
        let mut padded = first.clone();
        padded.extend([0; 6]);
        assert_eq!(of(&padded), of(&first));
    }

    #[test]
    fn any_other_bit_makes_another_packet() {
        let first = packet(1, &[7; 100]);
        for changed in [3, 5, 9, 12, 19, 20, 23, 28, 127] {
            let mut other = first.clone();
            other[changed] ^= 1;
            assert_ne!(of(&other), of(&first), "byte {changed}");
        }
    }

    #[test]
    fn too_little_tells_nothing() {
        let whole = packet(1, &[7; 100]);
        assert_eq!(of(&whole[..34]), None);
        assert_ne!(of(&whole[..46]), None);
        assert_ne!(of(&packet(1, b"")), None);
        assert_eq!(of(&[]), None);
    }
}

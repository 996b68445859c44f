//! What stands where nothing reads: IP packets and Lustre behind headers that are not known, in
//! ICMP errors, and behind the end of an IP packet.

use super::here::Here;
use crate::decode::Packet;
use crate::evidence::{lnet, readable};
use crate::flow::is_lustre_port;

/// Length of an ICMP header (RFC 792, RFC 4443 2.1).
const ICMP_LEN: usize = 8;
/// Fewest bytes behind an IP packet that are no padding: an Ethernet frame has less.
const TRAILER_LEN: usize = 64;

/// Tests for something in a frame that is no path's by its headers, so that it cannot be passed
/// over. `at` is the offset of what no header was read of.
pub(super) fn in_stranger(here: &Here<'_>, at: usize) -> bool {
    let frame = here.frame.data;
    let unread = frame.get(at..).unwrap_or_default();
    let is_telling = Quote::of(here, at).map_or_else(
        || readable::holds_any_ip(unread, here.wire_len().saturating_sub(at)),
        |quote| quote.may_be_lustre(),
    );
    is_telling || lnet::holds_message(frame)
}

/// Start of the packet that an ICMP error answers, from its IP header on.
struct Quote<'f> {
    bytes: &'f [u8],
    wire_len: usize,
}

impl<'f> Quote<'f> {
    /// Quote in a frame whose innermost packet is an ICMP error, or may be one that was cut.
    /// What stands behind extension headers of IPv6 may be one.
    fn of(here: &Here<'f>, at: usize) -> Option<Self> {
        const ERRORS: [u8; 5] = [3, 4, 5, 11, 12];
        const ERRORS_6: [u8; 4] = [1, 2, 3, 4];
        const IPV6_LEN: usize = 40;
        let ip_at = here.ip_at?;
        let errors = match *here.frame.data.get(ip_at..)? {
            [0x45..=0x4f, _, _, _, _, _, _, _, _, 1, ..] => &ERRORS[..],
            [0x60..=0x6f, _, _, _, _, _, 58, ..] => &ERRORS_6[..],
            [0x60..=0x6f, ..] if at > ip_at + IPV6_LEN => &ERRORS_6[..],
            _ => return None,
        };
        let icmp = here.frame.data.get(at..).unwrap_or_default();
        let is_error = icmp.first().is_none_or(|kind| errors.contains(kind));
        let wire_len = here.wire_len().saturating_sub(at + ICMP_LEN);
        is_error.then(|| Self {
            bytes: icmp.get(ICMP_LEN..).unwrap_or_default(),
            wire_len,
        })
    }

    /// Tests for the start of a TCP segment on a Lustre port that has bytes behind its header,
    /// or for one that the capture cut before that could be told.
    fn may_be_lustre(&self) -> bool {
        /// Length of a TCP header without options (RFC 9293 3.1).
        const TCP_LEN: usize = 20;
        const TCP: u8 = 6;
        let Some(&first) = self.bytes.first() else {
            return self.wire_len > 0;
        };
        let (ip_len, protocol_at) = match first {
            0x45..=0x4f => (4 * usize::from(first & 0x0f), 9),
            0x60..=0x6f => (40, 6),
            _ => return false,
        };
        let segment = self.bytes.get(ip_len..).unwrap_or_default();
        let segment_len = self.wire_len.saturating_sub(ip_len);
        let protocol = self.bytes.get(protocol_at);
        let ports = segment.first_chunk().map(|&[a, b, c, d]| [[a, b], [c, d]]);
        let is_ours = |ports: [[u8; 2]; 2]| {
            let mut ports = ports.map(u16::from_be_bytes).into_iter();
            ports.any(is_lustre_port)
        };
        let header_len = segment.get(12).map(|offset| 4 * usize::from(offset >> 4));
        protocol.is_none_or(|&protocol| protocol == TCP)
            && ports.is_none_or(is_ours)
            && segment_len > header_len.unwrap_or(TCP_LEN).max(TCP_LEN)
    }
}

/// Tests for bytes behind the end that the IP header of a packet states: more than padding, and
/// not zeros alone.
pub(super) fn has_trailer(packet: &Packet<'_>, frame: &[u8]) -> bool {
    let ip = frame.get(packet.offset..).unwrap_or_default();
    let len = match *ip {
        [0x40..=0x4f, _, high, low, ..] => usize::from(u16::from_be_bytes([high, low])),
        [0x60..=0x6f, _, _, _, high, low, ..] => match u16::from_be_bytes([high, low]) {
            0 => 0,
            len => 40 + usize::from(len),
        },
        _ => 0,
    };
    let trailer = ip.get(len..).unwrap_or_default();
    len > 0 && trailer.len() >= TRAILER_LEN && trailer.iter().any(|&byte| byte != 0)
}

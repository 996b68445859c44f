//! What stands where nothing reads: IP packets and Lustre behind headers that are not known, in
//! ICMP errors, and behind the end of an IP packet.

use super::here::Here;
use crate::decode::{Encapsulation, Packet};
use crate::evidence::{lnet, readable};
use crate::flow::is_lustre_port;

/// Length of an ICMP header (RFC 792, RFC 4443 2.1).
const ICMP_LEN: usize = 8;
/// Fewest bytes behind an IP packet that are no padding: an Ethernet frame has less.
const TRAILER_LEN: usize = 64;

/// Tests for something in a frame that is no path's by its headers, so that it cannot be passed
/// over. In a tunnel that was opened the outer headers are an IP packet anyway.
pub(super) fn in_stranger(here: &Here<'_>) -> bool {
    let frame = here.frame.data;
    let is_bare = here.encapsulation == Encapsulation::default();
    let mut quotes = quotes(frame).peekable();
    let is_error = quotes.peek().is_some();
    let is_telling =
        quotes.any(is_lustre) || !is_error && is_bare && readable::holds_ip(frame, here.wire_len());
    is_telling || lnet::holds_message(frame)
}

/// Packets that ICMP errors quote, from their IP headers on. Link layers and tunnels have headers
/// of any length, so errors are looked for all over.
fn quotes(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    const ERRORS: [u8; 5] = [3, 4, 5, 11, 12];
    const ERRORS_6: [u8; 4] = [1, 2, 3, 4];
    let behind = |ip: &'_ [u8], len: usize, errors: &[u8]| {
        let is_error = ip.get(len).is_some_and(|kind| errors.contains(kind));
        is_error.then_some(len + ICMP_LEN)
    };
    (0..frame.len()).filter_map(move |start| {
        let ip = &frame[start..];
        let quote_at = match *ip {
            [head @ 0x45..=0x4f, _, _, _, _, _, _, _, _, 1, ..] => {
                behind(ip, 4 * usize::from(head & 0x0f), &ERRORS)
            }
            [0x60..=0x6f, _, _, _, _, _, 58, ..] => behind(ip, 40, &ERRORS_6),
            _ => None,
        };
        ip.get(quote_at?..)
    })
}

/// Tests for the begin of a TCP segment on a Lustre port that has bytes behind its header.
fn is_lustre(quote: &[u8]) -> bool {
    const TCP: u8 = 6;
    let segment = match *quote {
        [head @ 0x45..=0x4f, _, _, _, _, _, _, _, _, TCP, ..] => {
            quote.get(4 * usize::from(head & 0x0f)..)
        }
        [0x60..=0x6f, _, _, _, _, _, TCP, ..] => quote.get(40..),
        _ => None,
    };
    let Some(&[a, b, c, d, _, _, _, _, _, _, _, _, offset, ..]) = segment else {
        return false;
    };
    let ports = [[a, b], [c, d]].map(u16::from_be_bytes);
    let header_len = 4 * usize::from(offset >> 4);
    let is_filled = segment.is_some_and(|segment| segment.len() > header_len);
    is_filled && ports.into_iter().any(is_lustre_port)
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

//! The way through for what nearly every frame is: Ethernet, IPv4 without options or
//! fragments, then TCP or UDP, with all headers captured and no tunnel's port.
//!
//! Checks alone, and no parser for layers that are not there. Whatever is out of the
//! ordinary is left to the general walk, which gives the same where both give something.

use std::net::Ipv4Addr;

use super::{Address, Options, Packet, Payload, Protocol, Transport, udp};
use crate::capture::{Frame, LinkType};

const IP_AT: usize = 14;
const TRANSPORT_AT: usize = IP_AT + 20;
const UDP_LEN: usize = 8;
/// More fragments, and the fragment offset.
const FRAGMENTING: u16 = 0x3fff;
/// As many bytes as a frame must show for its TCP header's fixed part to be there.
const SHOWN: usize = TRANSPORT_AT + 20;

/// Decodes an ordinary frame; `None` leaves it to the general walk.
#[inline(always)]
#[must_use]
pub fn read<'a>(frame: &Frame<'a>, options: &Options) -> Option<Packet<'a>> {
    let bytes = frame.data;
    let head: &[u8; SHOWN] = bytes.first_chunk()?;
    let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let is_plain = frame.link_type == LinkType::ETHERNET
        && word(12) == 0x0800
        && head[IP_AT] == 0x45
        && word(IP_AT + 6) & FRAGMENTING == 0;
    // What the frame holds beyond this is padding.
    let end = IP_AT + usize::from(word(IP_AT + 2));
    if !is_plain || end < SHOWN || end > frame.wire_len as usize {
        return None;
    }
    let (protocol, header_len) = match head[IP_AT + 9] {
        6 => (Protocol::Tcp, usize::from(head[TRANSPORT_AT + 12] >> 4) * 4),
        17 => (Protocol::Udp, UDP_LEN),
        _ => return None,
    };
    let (source, destination) = (word(TRANSPORT_AT), word(TRANSPORT_AT + 2));
    let start = TRANSPORT_AT + header_len;
    let is_whole = match protocol {
        Protocol::Tcp => header_len >= 20 && start <= end && start <= bytes.len(),
        Protocol::Udp => {
            usize::from(word(TRANSPORT_AT + 4)) == end - TRANSPORT_AT
                && !udp::is_tunnel_port(destination, options)
        }
    };
    if !is_whole {
        return None;
    }
    Some(Packet {
        source: address(head, IP_AT + 12),
        destination: address(head, IP_AT + 16),
        protocol,
        offset: IP_AT,
        transport: Transport::Ports {
            source,
            destination,
            payload: Payload {
                bytes: &bytes[start..bytes.len().min(end)],
                wire_len: Some(end - start),
                datagram_len: end - start,
            },
        },
    })
}

#[inline]
fn address(head: &[u8; SHOWN], at: usize) -> Address {
    let octets = [head[at], head[at + 1], head[at + 2], head[at + 3]];
    Ipv4Addr::from(octets).into()
}

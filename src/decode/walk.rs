//! State of the walk from header to header.

use super::address::Address;
use super::encapsulation::Encapsulation;
use super::fragment::Fragment;
use super::packet::{Content, Decoded, Packet, Protocol, Transport};
use super::rest::Rest;
use super::stop::DecodeStop;

/// `EtherType` of IPv4 (IEEE 802 numbers, registered with IANA).
pub(super) const IPV4: u16 = 0x0800;
/// `EtherType` of IPv6.
pub(super) const IPV6: u16 = 0x86dd;
/// `EtherType` of Ethernet inside another protocol.
pub(super) const TRANSPARENT_ETHERNET: u16 = 0x6558;

/// Header to read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Ethernet,
    EtherType(u16),
    /// LLC, where 802.3 has a length in place of a type.
    Llc,
    LinuxSll,
    LinuxSll2,
    Loopback,
    /// IPv4 or IPv6, by the first nibble.
    Ip,
    IpProtocol(u8),
    /// Encapsulation at this place in the table.
    Encapsulation(u8),
}

/// Highest value of a type field that is a length instead, in bytes (IEEE 802.3 3.2.6).
const MAX_LENGTH: u16 = 1500;

/// Header that a type field of Ethernet or of a VLAN tag names, and the bytes behind it.
#[inline(always)]
pub(super) fn typed(number: u16, after: Rest<'_>) -> (Next, Rest<'_>) {
    if number > MAX_LENGTH {
        (Next::EtherType(number), after)
    } else {
        (Next::Llc, after.within(number.into()))
    }
}

/// Step that reading one header leads to.
pub(super) enum Turn<'a> {
    /// Another header, which begins where this one ended.
    Go(Next, Rest<'a>),
    /// Transport layer.
    Arrived(Protocol, Transport<'a>),
    /// Protocol that can be no path's, and the bytes of it.
    Other(Rest<'a>),
}

impl<'a> From<(Next, Rest<'a>)> for Turn<'a> {
    fn from((next, rest): (Next, Rest<'a>)) -> Self {
        Self::Go(next, rest)
    }
}

/// Facts that the headers walked so far have told.
#[derive(Default)]
pub(super) struct HeaderWalk {
    pub encapsulation: Encapsulation,
    pub interface_index: u32,
    /// Source and destination of the innermost IP header so far.
    pub ends: Option<(Address, Address)>,
    /// Offset of that header, in bytes from the start of the frame.
    pub ip_at: usize,
    /// Its transport protocol, where that is TCP or UDP.
    pub protocol: Option<Protocol>,
    pub fragment: Option<Fragment>,
    /// True if the innermost IP packet so far is the first fragment of several.
    pub is_split: bool,
}

impl HeaderWalk {
    /// Enters an encapsulation by its place in the table; false if it is one too many. What
    /// it holds has addresses of its own, or none that count.
    pub fn enter(&mut self, kind: u8, network: u32) -> bool {
        self.ends = None;
        self.protocol = None;
        self.is_split = false;
        self.encapsulation.push(kind, network)
    }

    pub fn finish(self, outcome: Result<Turn<'_>, DecodeStop>) -> Decoded<'_> {
        Decoded {
            encapsulation: self.encapsulation,
            interface_index: self.interface_index,
            fragment: self.fragment,
            ends: self.ends,
            ip_at: self.ip_at,
            content: self.content(outcome),
        }
    }

    fn content<'a>(&self, outcome: Result<Turn<'a>, DecodeStop>) -> Content<'a> {
        let (protocol, transport) = match (outcome, self.protocol) {
            (Ok(Turn::Arrived(protocol, transport)), _) => (protocol, transport),
            (Ok(Turn::Other(rest) | Turn::Go(_, rest)), _) => return Content::Other(rest.offset),
            (Err(stop), Some(protocol)) => (protocol, Transport::Unread(stop)),
            (Err(stop), None) => return Content::Undecodable(stop),
        };
        let (source, destination) = self.ends.unwrap_or_default();
        Content::Packet(Packet {
            source,
            destination,
            protocol,
            transport,
            offset: self.ip_at,
        })
    }
}

//! Transport packets as decoding gives them.

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::encapsulation::Encapsulation;
use super::fragment::Fragment;
use super::stop::DecodeStop;

/// Transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names of the protocols")]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    /// Transport protocol of an IP protocol number (IANA "Assigned Internet Protocol
    /// Numbers").
    #[inline(always)]
    pub(super) fn of(number: u8) -> Option<Self> {
        match number {
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            _ => None,
        }
    }

    /// Name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Payload of a transport header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    /// Captured bytes.
    pub bytes: &'a [u8],
    /// Length on the wire in this packet, in bytes.
    pub wire_len: usize,
    /// Length of the whole datagram's payload, in bytes: more than `wire_len` in the first
    /// fragment of one, and [`Payload::UNKNOWN_LEN`] in one that does not tell.
    pub datagram_len: usize,
}

impl Payload<'_> {
    /// Length of a datagram that only its other fragments tell: longer than any.
    pub const UNKNOWN_LEN: usize = usize::MAX;
}

/// Transport header, as far as it could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport<'a> {
    /// Header whose ports could be read.
    Ports {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
        /// Bytes behind the header.
        payload: Payload<'a>,
    },
    /// Header that is cut off, malformed, or in another fragment.
    Unread(DecodeStop),
}

/// TCP or UDP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Source address of the innermost IP header.
    pub source: Address,
    /// Destination address of the innermost IP header.
    pub destination: Address,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Transport header and payload.
    pub transport: Transport<'a>,
    /// Offset of the innermost IP header, in bytes from the start of the frame.
    pub offset: usize,
}

/// Content of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// TCP or UDP over IP.
    Packet(Packet<'a>),
    /// Readable, and of another protocol: ARP, ICMP, routing. Offset of the first byte behind the
    /// headers that were read.
    Other(usize),
    /// Content that cannot be told.
    Undecodable(DecodeStop),
}

/// Decoded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// Encapsulations around the packet.
    pub encapsulation: Encapsulation,
    /// Interface index in an SLL2 header; 0 without one.
    pub interface_index: u32,
    /// Fragment that an IP header says this is.
    pub fragment: Option<Fragment>,
    /// Source and destination of the innermost IP header, if there is one.
    pub ends: Option<(Address, Address)>,
    /// Offset of that header, in bytes from the start of the frame.
    pub ip_at: usize,
    /// Content behind all headers that were read.
    pub content: Content<'a>,
}

impl<'a> Decoded<'a> {
    /// Packet that is whole, and has nothing around it.
    pub(super) fn plain(packet: Packet<'a>) -> Self {
        Self {
            encapsulation: Encapsulation::default(),
            interface_index: 0,
            fragment: None,
            ends: Some((packet.source, packet.destination)),
            ip_at: packet.offset,
            content: Content::Packet(packet),
        }
    }
}

//! From a frame to the innermost transport payload: total, whatever the bytes.
//!
//! [`decode`] is one loop over one match on the next header. Each header has a file
//! that reads it and names what follows, so a new encapsulation is one file and one
//! line here. A header that cannot be read ends the walk with a [`Stop`], which is
//! data and no error.

use std::fmt;

use crate::capture::{Frame, LinkType};

mod common;
mod ethernet;
mod fragment;
mod geneve;
mod gre;
mod ipv4;
mod ipv6;
mod loopback;
mod sll;
mod tcp;
mod tunnel;
mod udp;
mod vlan;
mod vxlan;

pub use common::read as ordinary;
pub use fragment::{Fragment, FragmentKey};
pub use tunnel::{Encapsulation, Tunnel};

/// Headers walked in one frame, at most: more is a loop or an attack.
const MAX_HEADERS: usize = 64;

/// The layer a [`Stop`] happened in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names of the protocols")]
pub enum Layer {
    Link,
    Loopback,
    Ethernet,
    Vlan,
    LinuxSll,
    LinuxSll2,
    Ipv4,
    Ipv6,
    Ipv6Extension,
    Fragment,
    Gre,
    Vxlan,
    Geneve,
    Tcp,
    Udp,
    UdpPayload,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Link => "link layer",
            Self::Loopback => "loopback header",
            Self::Ethernet => "Ethernet header",
            Self::Vlan => "VLAN tag",
            Self::LinuxSll => "SLL header",
            Self::LinuxSll2 => "SLL2 header",
            Self::Ipv4 => "IPv4 header",
            Self::Ipv6 => "IPv6 header",
            Self::Ipv6Extension => "IPv6 extension header",
            Self::Fragment => "IP fragment",
            Self::Gre => "GRE header",
            Self::Vxlan => "VXLAN header",
            Self::Geneve => "Geneve header",
            Self::Tcp => "TCP header",
            Self::Udp => "UDP header",
            Self::UdpPayload => "UDP payload",
        })
    }
}

/// Why a header could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The capture kept too few bytes of the packet (the snap length).
    Capture,
    /// The packet, or a length field in an outer header, ends too early.
    Length,
    /// A field has a value it cannot have.
    Malformed,
    /// More headers inside each other than any network builds.
    Nesting,
    /// A link type that is not decoded here.
    Unsupported,
    /// A later IP fragment whose first one the capture does not show.
    Orphan,
}

/// Where and why decoding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The header that could not be read.
    pub layer: Layer,
    /// Where it begins, in bytes from the start of the frame.
    pub offset: usize,
    /// How many more bytes it would have needed; 0 where length is not the cause.
    pub missing: usize,
    /// What set the limit.
    pub cause: Cause,
}

/// The bytes not yet decoded, and how many there were on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest<'a> {
    /// What was captured of them; never longer than `wire_len`.
    pub bytes: &'a [u8],
    /// How long they were on the wire, within the lengths that outer headers state.
    pub wire_len: usize,
    /// Where they begin, in bytes from the start of the frame.
    pub offset: usize,
}

impl<'a> Rest<'a> {
    /// The bytes of a whole frame.
    fn of(frame: &Frame<'a>) -> Self {
        Self {
            bytes: frame.data,
            wire_len: (frame.wire_len as usize).max(frame.data.len()),
            offset: 0,
        }
    }

    /// What follows the first `len` bytes, which must have been captured.
    fn after(self, len: usize) -> Self {
        Self {
            bytes: self.bytes.get(len..).unwrap_or_default(),
            wire_len: self.wire_len.saturating_sub(len),
            offset: self.offset + len,
        }
    }

    /// The same, no longer than a length field says.
    fn within(self, len: usize) -> Self {
        Self {
            bytes: &self.bytes[..self.bytes.len().min(len)],
            wire_len: self.wire_len.min(len),
            ..self
        }
    }

    /// The first `len` bytes, or why they are not there.
    fn need(self, len: usize, layer: Layer) -> Result<&'a [u8], Stop> {
        self.bytes.get(..len).ok_or_else(|| self.short(len, layer))
    }

    /// The same, as long as an IP header says. What is longer than the frame was cut by a
    /// capture that does not admit it, unless this is only a fragment of the packet.
    fn stated(self, len: usize, walk: &Walk) -> Self {
        let cut = self.within(len);
        match walk.fragment {
            None => Self {
                wire_len: len,
                ..cut
            },
            Some(_) => cut,
        }
    }

    /// A header of `len` bytes that these bytes do not hold.
    fn short(self, len: usize, layer: Layer) -> Stop {
        Stop {
            layer,
            offset: self.offset,
            missing: len.saturating_sub(self.bytes.len()),
            cause: if self.wire_len < len {
                Cause::Length
            } else {
                Cause::Capture
            },
        }
    }

    /// A header here with a value that cannot be.
    fn malformed(self, layer: Layer) -> Stop {
        self.stop(layer, Cause::Malformed)
    }

    fn stop(self, layer: Layer, cause: Cause) -> Stop {
        Stop {
            layer,
            offset: self.offset,
            missing: 0,
            cause,
        }
    }
}

/// An IP address as one number: IPv4 stands in `::ffff:0:0/96` (RFC 4291).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub u128);

impl From<std::net::Ipv4Addr> for Address {
    #[inline]
    fn from(address: std::net::Ipv4Addr) -> Self {
        Self(0xffff << 32 | u128::from(u32::from(address)))
    }
}

impl From<std::net::IpAddr> for Address {
    fn from(address: std::net::IpAddr) -> Self {
        match address {
            std::net::IpAddr::V4(v4) => v4.into(),
            std::net::IpAddr::V6(v6) => Self(v6.into()),
        }
    }
}

impl From<Address> for std::net::IpAddr {
    fn from(address: Address) -> Self {
        std::net::Ipv6Addr::from(address.0).to_canonical()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::net::IpAddr::from(*self).fmt(f)
    }
}

/// TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names of the protocols")]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    fn of(number: u8) -> Option<Self> {
        match number {
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            _ => None,
        }
    }

    /// The name as reports write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// What a transport header carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// How much of it this packet carried, in bytes. `None` where the header that
    /// would tell was cut off.
    pub wire_len: Option<usize>,
    /// How long the whole datagram's payload is: more than `wire_len` in the first
    /// fragment of one.
    pub datagram_len: usize,
}

/// A transport header, as far as it could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport<'a> {
    /// Its ports could be read.
    Ports {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
        /// What follows the header.
        payload: Payload<'a>,
    },
    /// Not readable: cut off, malformed, or in another fragment.
    Unread(Stop),
}

/// A TCP or UDP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Source address of the innermost IP header.
    pub source: Address,
    /// Destination address of the innermost IP header.
    pub destination: Address,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Its header and payload.
    pub transport: Transport<'a>,
    /// Offset of the innermost IP header, in bytes from the start of the frame.
    pub offset: usize,
}

/// What a frame turned out to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// TCP or UDP over IP.
    Packet(Packet<'a>),
    /// Something else, and well readable: ARP, ICMP, a routing protocol.
    Other,
    /// Nobody can say.
    Undecodable(Stop),
}

/// A decoded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The tunnels around the packet.
    pub encapsulation: Encapsulation,
    /// The interface index that an SLL2 header names; 0 without one.
    pub interface_index: u32,
    /// Where an IP header says that this is a fragment: of what.
    pub fragment: Option<Fragment>,
    /// Source and destination of the innermost IP header, if there is one.
    pub ends: Option<(Address, Address)>,
    /// What is inside.
    pub content: Content<'a>,
}

/// What may vary about decoding.
#[derive(Clone, Debug)]
pub struct Options {
    /// UDP destination ports that carry VXLAN.
    pub vxlan_ports: Vec<u16>,
}

impl Options {
    /// UDP destination ports whose datagrams may hold a tunnel's packets.
    pub fn tunnel_ports(&self) -> impl Iterator<Item = u16> {
        self.vxlan_ports.iter().copied().chain([geneve::PORT])
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            vxlan_ports: vec![vxlan::PORT],
        }
    }
}

/// The next header to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Ethernet,
    EtherType(u16),
    LinuxSll,
    LinuxSll2,
    Loopback,
    RawIp,
    IpProtocol(u8),
    Vxlan,
    Geneve,
}

/// What reading one header led to.
enum Turn<'a> {
    /// Another header begins where this one ended.
    Go(Next, Rest<'a>),
    /// The transport layer.
    Arrived(Protocol, Transport<'a>),
    /// A protocol that is not ours.
    Other,
}

/// What the headers walked so far have said.
#[derive(Default)]
struct Walk {
    encapsulation: Encapsulation,
    interface_index: u32,
    /// Source and destination of the innermost IP header so far.
    ends: Option<(Address, Address)>,
    /// Where that header begins, in bytes from the start of the frame.
    ip_at: usize,
    /// Its transport protocol, where that is TCP or UDP.
    protocol: Option<Protocol>,
    fragment: Option<Fragment>,
}

impl Walk {
    fn enter(
        &mut self,
        tunnel: Tunnel,
        network: u32,
        rest: Rest<'_>,
        layer: Layer,
    ) -> Result<(), Stop> {
        // What the tunnel holds has addresses of its own, or none that count.
        self.ends = None;
        self.protocol = None;
        if self.encapsulation.push(tunnel, network) {
            Ok(())
        } else {
            Err(rest.stop(layer, Cause::Nesting))
        }
    }

    fn finish(self, outcome: Result<Turn<'_>, Stop>) -> Decoded<'_> {
        Decoded {
            encapsulation: self.encapsulation,
            interface_index: self.interface_index,
            fragment: self.fragment,
            ends: self.ends,
            content: self.content(outcome),
        }
    }

    fn content<'a>(&self, outcome: Result<Turn<'a>, Stop>) -> Content<'a> {
        let (protocol, transport) = match (outcome, self.protocol) {
            (Ok(Turn::Arrived(protocol, transport)), _) => (protocol, transport),
            (Ok(_), _) => return Content::Other,
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

/// Decodes a frame down to its innermost transport header.
#[inline]
#[must_use]
pub fn decode<'a>(frame: &Frame<'a>, options: &Options) -> Decoded<'a> {
    match common::read(frame, options) {
        Some(packet) => Decoded {
            encapsulation: Encapsulation::default(),
            interface_index: 0,
            fragment: None,
            ends: Some((packet.source, packet.destination)),
            content: Content::Packet(packet),
        },
        None => unusual(frame, options),
    }
}

/// The same, one header at a time: for what is not [`ordinary`].
#[must_use]
pub fn unusual<'a>(frame: &Frame<'a>, options: &Options) -> Decoded<'a> {
    let mut walk = Walk::default();
    let mut rest = Rest::of(frame);
    let mut next = match first(frame.link_type, rest) {
        Ok(next) => next,
        Err(stop) => return walk.finish(Err(stop)),
    };
    for _ in 0..MAX_HEADERS {
        let turn = match next {
            Next::Ethernet => ethernet::read(rest),
            Next::EtherType(0x0800) => ipv4::read(rest, &mut walk),
            Next::EtherType(0x86dd) => ipv6::read(rest, &mut walk),
            Next::EtherType(0x8100 | 0x88a8 | 0x9100) => vlan::read(rest),
            Next::EtherType(_) => Ok(Turn::Other),
            Next::LinuxSll => sll::read(rest),
            Next::LinuxSll2 => sll::read2(rest, &mut walk),
            Next::Loopback => loopback::read(rest),
            Next::RawIp => loopback::read_raw(rest),
            Next::IpProtocol(4 | 41) => enter_ip(next, rest, &mut walk),
            Next::IpProtocol(6) => Ok(tcp::read(rest)),
            Next::IpProtocol(17) => Ok(udp::read(rest, options, &walk)),
            Next::IpProtocol(47) => gre::read(rest, &mut walk),
            Next::IpProtocol(number) => ipv6::read_extension(number, rest, &mut walk),
            Next::Vxlan => vxlan::read(rest, &mut walk),
            Next::Geneve => geneve::read(rest, &mut walk),
        };
        match turn {
            Ok(Turn::Go(then, after)) => (next, rest) = (then, after),
            done => return walk.finish(done),
        }
    }
    walk.finish(Err(rest.stop(Layer::Link, Cause::Nesting)))
}

/// The header that a link type begins with.
fn first(link_type: LinkType, rest: Rest<'_>) -> Result<Next, Stop> {
    match link_type {
        LinkType::ETHERNET => Ok(Next::Ethernet),
        LinkType::LINUX_SLL => Ok(Next::LinuxSll),
        LinkType::LINUX_SLL2 => Ok(Next::LinuxSll2),
        LinkType::NULL | LinkType::LOOP => Ok(Next::Loopback),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => Ok(Next::RawIp),
        LinkType::IPV4 => Ok(Next::EtherType(0x0800)),
        LinkType::IPV6 => Ok(Next::EtherType(0x86dd)),
        _ => Err(rest.stop(Layer::Link, Cause::Unsupported)),
    }
}

/// IP inside IP: protocol 4 holds version 4, and 41 version 6.
fn enter_ip<'a>(next: Next, rest: Rest<'a>, walk: &mut Walk) -> Result<Turn<'a>, Stop> {
    let ether_type = if next == Next::IpProtocol(4) {
        0x0800
    } else {
        0x86dd
    };
    walk.enter(Tunnel::IpInIp, 0, rest, Layer::Ipv4)?;
    Ok(Turn::Go(Next::EtherType(ether_type), rest))
}

//! From a frame to the innermost transport payload: total, whatever the bytes.
//!
//! [`decode`] is one loop over one match on the next header. Each header has a file that
//! reads it and names the header behind it: those that etherparse knows by its slices, the
//! others by nom. An encapsulation is besides that a row of [`ENCAPSULATIONS`]. A header
//! that cannot be read ends the walk with a [`DecodeStop`], which is data and no error.

use crate::capture::{Frame, LinkType};

mod address;
mod encapsulation;
mod ethernet;
mod fast_path;
mod fragment;
mod geneve;
mod gre;
mod gtp;
mod ip;
mod ip_in_ip;
mod ipv4;
mod ipv6;
mod kind;
mod llc;
mod loopback;
mod mpls;
mod packet;
mod port_set;
mod pppoe;
mod rest;
mod sll;
mod stop;
mod table;
mod tcp;
mod udp;
mod unopened;
mod vlan;
mod vxlan;
mod vxlan_gpe;
mod walk;

pub use address::Address;
pub use encapsulation::Encapsulation;
pub use fast_path::fast_path;
pub use fragment::{Fragment, FragmentKey};
pub use ipv6::EXTENSIONS;
pub use kind::{EncapsulationKind, Sign};
pub use packet::{Content, Decoded, Packet, Payload, Protocol, Transport};
pub use stop::{Cause, DecodeStop, Layer};
pub use table::{ENCAPSULATIONS, TunnelPorts, UNOPENED};
pub use unopened::Unopened;
pub use vlan::VLAN_TYPES;

use rest::Rest;
use walk::{HeaderWalk, IPV4, IPV6, Next, TRANSPARENT_ETHERNET, Turn};

/// Maximum number of headers walked in one frame: more is a loop or an attack.
const MAX_HEADERS: usize = 64;

/// Decodes a frame down to its innermost transport header.
#[must_use]
pub fn decode<'a>(frame: &Frame<'a>, options: &TunnelPorts) -> Decoded<'a> {
    match fast_path(frame, options) {
        Some(packet) => Decoded::plain(packet),
        None => full_walk(frame, options),
    }
}

/// Decodes a frame one header at a time, whatever their order.
#[must_use]
pub fn full_walk<'a>(frame: &Frame<'a>, options: &TunnelPorts) -> Decoded<'a> {
    let mut walk = HeaderWalk::default();
    let outcome = go(frame, options, &mut walk);
    walk.finish(outcome)
}

fn go<'a>(
    frame: &Frame<'a>,
    options: &TunnelPorts,
    walk: &mut HeaderWalk,
) -> Result<Turn<'a>, DecodeStop> {
    let mut rest = Rest::of(frame);
    let mut next = first(frame.link_type, rest)?;
    for _ in 0..MAX_HEADERS {
        match step(next, rest, options, walk)? {
            Turn::Go(then, after) => (next, rest) = (then, after),
            done => return Ok(done),
        }
    }
    Err(rest.stop(Layer::Link, Cause::Nesting))
}

/// Reads one header.
fn step<'a>(
    next: Next,
    rest: Rest<'a>,
    options: &TunnelPorts,
    walk: &mut HeaderWalk,
) -> Result<Turn<'a>, DecodeStop> {
    let is_part = walk.fragment.is_some();
    match next {
        Next::Ethernet | Next::EtherType(TRANSPARENT_ETHERNET) => ethernet::read(rest),
        Next::EtherType(IPV4) => ipv4::read(rest, is_part)?.pass(rest.offset, walk),
        Next::EtherType(IPV6) => ipv6::read(rest, is_part)?.pass(rest.offset, walk),
        Next::EtherType(number) if VLAN_TYPES.contains(&number) => vlan::read(rest),
        Next::EtherType(number) => table::tell(Sign::EtherType(number), rest),
        Next::Llc => table::tell(Sign::Llc, rest),
        Next::LinuxSll => sll::read(rest),
        Next::LinuxSll2 => sll::read2(rest, walk),
        Next::Loopback => loopback::read(rest),
        Next::Ip => loopback::read_raw(rest),
        Next::IpProtocol(6) => Ok(Turn::Arrived(Protocol::Tcp, tcp::read(rest, is_part))),
        Next::IpProtocol(17) => Ok(udp::read(rest, options, walk)),
        Next::IpProtocol(number) => inside_ip(number, rest, walk),
        Next::Encapsulation(place) => table::open(place, rest, walk),
    }
}

/// Header that a link type begins with.
fn first(link_type: LinkType, rest: Rest<'_>) -> Result<Next, DecodeStop> {
    match link_type {
        LinkType::ETHERNET => Ok(Next::Ethernet),
        LinkType::LINUX_SLL => Ok(Next::LinuxSll),
        LinkType::LINUX_SLL2 => Ok(Next::LinuxSll2),
        LinkType::NULL | LinkType::LOOP => Ok(Next::Loopback),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => Ok(Next::Ip),
        LinkType::IPV4 => Ok(Next::EtherType(IPV4)),
        LinkType::IPV6 => Ok(Next::EtherType(IPV6)),
        other => Err(rest.stop(Layer::LinkType(other), Cause::Unsupported)),
    }
}

/// Reads a header behind an IP header that is neither TCP nor UDP.
fn inside_ip<'a>(
    number: u8,
    rest: Rest<'a>,
    walk: &mut HeaderWalk,
) -> Result<Turn<'a>, DecodeStop> {
    if let Some(extension) = ipv6::extension(number) {
        return extension(rest, walk);
    }
    table::tell(Sign::IpProtocol(number), rest)
}

//! Table of encapsulations. A new one is a file and a row here: the walk, the kernel
//! filter of live runs and the names in reports are made from it.

use std::fmt;

use super::encapsulation::Encapsulation;
use super::kind::{EncapsulationKind, Sign};
use super::packet::Transport;
use super::port_set::PortSet;
use super::rest::Rest;
use super::stop::{Cause, DecodeStop, Layer};
use super::unopened::Unopened;
use super::walk::{HeaderWalk, Next, Turn};
use super::{geneve, gre, gtp, ip_in_ip, llc, mpls, pppoe, vxlan, vxlan_gpe};

/// All encapsulations that are opened. A flow's key holds the place of each, so new ones
/// are added at the end.
pub static ENCAPSULATIONS: [EncapsulationKind; 11] = [
    vxlan::KIND,
    geneve::KIND,
    gre::GRE,
    gre::NVGRE,
    ip_in_ip::V4,
    ip_in_ip::V6,
    mpls::KIND,
    pppoe::KIND,
    llc::KIND,
    vxlan_gpe::KIND,
    gtp::KIND,
];
const _: () = assert!(ENCAPSULATIONS.len() <= Encapsulation::MAX_KINDS);

impl Encapsulation {
    /// Names of the encapsulations, the outermost first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.kinds().map(name)
    }
}

/// Name of the encapsulation at a place, which a stored key may say there is.
fn name(place: usize) -> &'static str {
    ENCAPSULATIONS
        .get(place)
        .map_or("unknown", |kind| kind.name)
}

/// UDP ports that tell an encapsulation, each with its place in the table.
#[derive(Clone, Debug)]
pub struct TunnelPorts {
    udp_ports: Vec<(u16, u8)>,
    /// The same ports.
    opened: PortSet,
    /// UDP ports of those that are not opened.
    unopened: Vec<(u16, Unopened)>,
    /// All these ports.
    all: PortSet,
}

impl Default for TunnelPorts {
    fn default() -> Self {
        let signs = places().flat_map(|(place, kind)| kind.signs.iter().map(move |s| (place, s)));
        let udp_ports = signs.filter_map(|(place, sign)| match sign {
            Sign::UdpPort(port) => Some((*port, place)),
            Sign::EtherType(_) | Sign::Llc | Sign::IpProtocol(_) => None,
        });
        let mut options = Self {
            udp_ports: Vec::new(),
            opened: PortSet::default(),
            unopened: unopened_ports().collect(),
            all: PortSet::default(),
        };
        unopened_ports().for_each(|(port, _)| options.all.insert(port));
        options.add(udp_ports);
        options
    }
}

impl TunnelPorts {
    /// Adds UDP destination ports that carry VXLAN.
    pub fn add_vxlan_ports(&mut self, ports: impl IntoIterator<Item = u16>) {
        let vxlan = places().find(|(_, kind)| kind.name == vxlan::KIND.name);
        let place = vxlan.map_or(0, |(place, _)| place);
        self.add(ports.into_iter().map(|port| (port, place)));
    }

    fn add(&mut self, ports: impl Iterator<Item = (u16, u8)>) {
        for (port, place) in ports {
            self.udp_ports.push((port, place));
            self.opened.insert(port);
            self.all.insert(port);
        }
    }

    /// UDP destination ports whose datagrams may hold an encapsulated packet.
    pub fn udp_ports(&self) -> impl Iterator<Item = u16> {
        self.udp_ports.iter().map(|&(port, _)| port)
    }

    /// True of a UDP destination port that may tell an encapsulation.
    #[inline(always)]
    pub(super) fn tells(&self, port: u16) -> bool {
        self.opened.contains(port)
    }

    /// Encapsulation that a port and the payload's first bytes tell.
    ///
    /// # Errors
    /// Those bytes were not captured, so that nobody can say what is inside.
    #[cold]
    pub(super) fn by_udp_port(
        &self,
        port: u16,
        payload: Rest<'_>,
    ) -> Result<Option<Next>, DecodeStop> {
        // Any port can be that of a DTLS session's end.
        if matches!(payload.bytes, [20..=26, 0xfe, 0xfd | 0xff, ..]) {
            return Ok(None);
        }
        for &(_, place) in self
            .udp_ports
            .iter()
            .filter(|&&(telling, _)| telling == port)
        {
            let kind = &ENCAPSULATIONS[usize::from(place)];
            match payload.need(kind.tell_len, Layer::Encapsulation(place)) {
                Ok(header) if (kind.claims)(header) => return Ok(Some(Next::Encapsulation(place))),
                Err(stop) if stop.cause == Cause::Capture => return Err(stop),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Encapsulation of a datagram that is none that is opened and no DTLS, as its port and
    /// first bytes tell.
    #[must_use]
    pub fn unopened(&self, transport: &Transport<'_>) -> Option<Layer> {
        let &Transport::Ports {
            destination: port,
            payload,
            ..
        } = transport
        else {
            return None;
        };
        if !self.all.contains(port) {
            return None;
        }
        let mut known = self.unopened.iter();
        let named = known.find(|&&(telling, it)| telling == port && it.claims(payload.bytes));
        let mut opened = self.udp_ports.iter();
        let of_kind = opened.find(|&&(telling, _)| telling == port);
        match (named, of_kind) {
            (Some(&(_, unopened)), _) => Some(Layer::Unopened(unopened)),
            (None, Some(&(_, place))) => Some(Layer::Encapsulation(place)),
            (None, None) => None,
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LinkType(link_type) => return link_type.fmt(f),
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
            Self::Encapsulation(place) => {
                let name = name(usize::from(*place));
                return write!(f, "{name} header");
            }
            Self::Unopened(unopened) => unopened.name(),
            Self::Tcp => "TCP header",
            Self::Udp => "UDP header",
            Self::UdpPayload => "UDP payload",
        })
    }
}

/// Encapsulations that are not opened, by the fields of outer headers that tell them.
pub static UNOPENED: [(Sign, Unopened); 28] = [
    (Sign::EtherType(0x880b), Unopened::Ppp),
    (Sign::EtherType(0x88e5), Unopened::Macsec),
    (Sign::EtherType(0x88e7), Unopened::Pbb),
    (Sign::EtherType(0x88be), Unopened::Erspan),
    (Sign::EtherType(0x22eb), Unopened::Erspan3),
    (Sign::EtherType(0x8926), Unopened::VnTag),
    (Sign::EtherType(0x893f), Unopened::ETag),
    (Sign::EtherType(0x894f), Unopened::Nsh),
    (Sign::EtherType(0x4305), Unopened::BatmanAdv),
    (Sign::EtherType(0x8903), Unopened::Dce),
    (Sign::EtherType(0x22f3), Unopened::Trill),
    (Sign::IpProtocol(47), Unopened::OtherGre),
    (Sign::IpProtocol(50), Unopened::Esp),
    (Sign::IpProtocol(55), Unopened::MinimalEncapsulation),
    (Sign::IpProtocol(94), Unopened::Ipip),
    (Sign::IpProtocol(97), Unopened::EtherIp),
    (Sign::IpProtocol(108), Unopened::IpComp),
    (Sign::IpProtocol(115), Unopened::L2tp),
    (Sign::IpProtocol(143), Unopened::EthernetOverIp),
    (Sign::UdpPort(1701), Unopened::L2tpInUdp),
    (Sign::UdpPort(3544), Unopened::Teredo),
    (Sign::UdpPort(4341), Unopened::Lisp),
    (Sign::UdpPort(4500), Unopened::EspInUdp),
    (Sign::UdpPort(5247), Unopened::Capwap),
    (Sign::UdpPort(5555), Unopened::FooOverUdp),
    (Sign::UdpPort(6080), Unopened::Gue),
    (Sign::UdpPort(8285), Unopened::Flannel),
    (Sign::UdpPort(37_008), Unopened::Tzsp),
];

/// UDP ports that tell an encapsulation which is not opened.
fn unopened_ports() -> impl Iterator<Item = (u16, Unopened)> {
    UNOPENED.iter().filter_map(|&(sign, unopened)| match sign {
        Sign::UdpPort(port) => Some((port, unopened)),
        Sign::EtherType(_) | Sign::Llc | Sign::IpProtocol(_) => None,
    })
}

/// Rows of the table, each with its place.
fn places() -> impl Iterator<Item = (u8, &'static EncapsulationKind)> {
    (0..).zip(&ENCAPSULATIONS)
}

/// Goes on into the encapsulation that a field of an outer header and the next bytes tell.
///
/// # Errors
/// Those bytes are not there, or the encapsulation is not opened.
pub(super) fn tell(sign: Sign, rest: Rest<'_>) -> Result<Turn<'_>, DecodeStop> {
    for (place, kind) in places().filter(|(_, kind)| kind.signs.contains(&sign)) {
        if (kind.claims)(rest.need(kind.tell_len, Layer::Encapsulation(place))?) {
            return Ok(Turn::Go(Next::Encapsulation(place), rest));
        }
    }
    match UNOPENED.iter().find(|(telling, _)| *telling == sign) {
        Some(&(_, unopened)) => Err(rest.unopened(unopened)),
        None => Ok(Turn::Other(rest)),
    }
}

/// Opens the encapsulation at a place in the table.
pub(super) fn open<'a>(
    place: u8,
    rest: Rest<'a>,
    walk: &mut HeaderWalk,
) -> Result<Turn<'a>, DecodeStop> {
    let kind = &ENCAPSULATIONS[usize::from(place)];
    let layer = Layer::Encapsulation(place);
    let inner = (kind.read)(rest, layer)?;
    match inner.next {
        None => Ok(Turn::Other(inner.rest)),
        Some(next) if walk.enter(place, inner.network) => Ok(Turn::Go(next, inner.rest)),
        Some(_) => Err(rest.stop(layer, Cause::Nesting)),
    }
}

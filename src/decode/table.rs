//! Table of encapsulations. A new one is a file and a row here: the walk, the kernel
//! filter of live runs and the names in reports are made from it.

use std::ops::RangeInclusive;

use super::encapsulation::{Encapsulation, Kind, Sign, Unopened};
use super::rest::Rest;
use super::stop::{Cause, Layer, Stop};
use super::walk::{Next, Turn, Walk};
use super::{geneve, gre, ip_in_ip, llc, mpls, pppoe, vxlan};

/// All encapsulations that are opened. A flow's key holds the place of each, so new ones
/// are added at the end.
pub static ENCAPSULATIONS: [Kind; 9] = [
    vxlan::KIND,
    geneve::KIND,
    gre::GRE,
    gre::NVGRE,
    ip_in_ip::V4,
    ip_in_ip::V6,
    mpls::KIND,
    pppoe::KIND,
    llc::KIND,
];
const _: () = assert!(ENCAPSULATIONS.len() <= Encapsulation::MAX_KINDS);

impl Encapsulation {
    /// Names of the encapsulations, the outermost first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.kinds().map(|kind| ENCAPSULATIONS[kind].name)
    }
}

/// UDP ports that tell an encapsulation, each with its place in the table.
#[derive(Clone, Debug)]
pub struct Options {
    udp_ports: Vec<(u16, u8)>,
    /// Lowest and highest of them: hardly any other port is between.
    span: RangeInclusive<u16>,
}

impl Default for Options {
    fn default() -> Self {
        let signs = places().flat_map(|(place, kind)| kind.signs.iter().map(move |s| (place, s)));
        let udp_ports = signs.filter_map(|(place, sign)| match sign {
            Sign::UdpPort(port) => Some((*port, place)),
            Sign::EtherType(_) | Sign::Llc | Sign::IpProtocol(_) => None,
        });
        let mut options = Self {
            udp_ports: Vec::new(),
            span: RangeInclusive::new(u16::MAX, u16::MIN),
        };
        options.add(udp_ports);
        options
    }
}

impl Options {
    /// Adds UDP destination ports that carry VXLAN.
    pub fn add_vxlan_ports(&mut self, ports: impl IntoIterator<Item = u16>) {
        let vxlan = places().find(|(_, kind)| kind.name == vxlan::KIND.name);
        let place = vxlan.map_or(0, |(place, _)| place);
        self.add(ports.into_iter().map(|port| (port, place)));
    }

    fn add(&mut self, ports: impl Iterator<Item = (u16, u8)>) {
        for (port, place) in ports {
            self.udp_ports.push((port, place));
            self.span = port.min(*self.span.start())..=port.max(*self.span.end());
        }
    }

    /// UDP destination ports whose datagrams may hold an encapsulated packet.
    pub fn udp_ports(&self) -> impl Iterator<Item = u16> {
        self.udp_ports.iter().map(|&(port, _)| port)
    }

    /// True of a UDP destination port that may tell an encapsulation.
    #[inline(always)]
    pub(super) fn tells(&self, port: u16) -> bool {
        self.span.contains(&port) && self.udp_ports.iter().any(|&(telling, _)| telling == port)
    }

    /// Encapsulation that a port and the payload's first bytes tell.
    ///
    /// # Errors
    /// Those bytes were not captured, so that nobody can say what is inside.
    #[cold]
    pub(super) fn by_udp_port(&self, port: u16, payload: Rest<'_>) -> Result<Option<Next>, Stop> {
        for &(_, place) in self
            .udp_ports
            .iter()
            .filter(|&&(telling, _)| telling == port)
        {
            let kind = &ENCAPSULATIONS[usize::from(place)];
            match payload.need(kind.tell_len, kind.layer()) {
                Ok(header) if (kind.claims)(header) => return Ok(Some(Next::Encapsulation(place))),
                Err(stop) if stop.cause == Cause::Capture => return Err(stop),
                _ => {}
            }
        }
        Ok(None)
    }
}

/// Encapsulations that could hold a path's packets and are not opened: their packets are
/// counted as undecodable by name, so that nothing is proved beside them.
pub static UNOPENED: [Unopened; 19] = [
    unopened("PPP", Sign::EtherType(0x880b)),
    unopened("MACsec", Sign::EtherType(0x88e5)),
    unopened("PBB", Sign::EtherType(0x88e7)),
    unopened("ERSPAN", Sign::EtherType(0x88be)),
    unopened("ERSPAN type III", Sign::EtherType(0x22eb)),
    unopened("VN-Tag", Sign::EtherType(0x8926)),
    unopened("E-Tag", Sign::EtherType(0x893f)),
    unopened("NSH", Sign::EtherType(0x894f)),
    unopened("batman-adv", Sign::EtherType(0x4305)),
    unopened("DCE", Sign::EtherType(0x8903)),
    unopened("TRILL", Sign::EtherType(0x22f3)),
    unopened("GRE of another version", Sign::IpProtocol(47)),
    unopened("ESP", Sign::IpProtocol(50)),
    unopened("minimal encapsulation", Sign::IpProtocol(55)),
    unopened("IPIP", Sign::IpProtocol(94)),
    unopened("EtherIP", Sign::IpProtocol(97)),
    unopened("IPComp", Sign::IpProtocol(108)),
    unopened("L2TP", Sign::IpProtocol(115)),
    unopened("Ethernet over IP", Sign::IpProtocol(143)),
];

const fn unopened(name: &'static str, sign: Sign) -> Unopened {
    Unopened { name, sign }
}

/// Rows of the table, each with its place.
fn places() -> impl Iterator<Item = (u8, &'static Kind)> {
    (0..).zip(&ENCAPSULATIONS)
}

/// Goes on into the encapsulation that a field of an outer header and the next bytes tell.
///
/// # Errors
/// Those bytes are not there, or the encapsulation is not opened.
pub(super) fn tell(sign: Sign, rest: Rest<'_>) -> Result<Turn<'_>, Stop> {
    for (place, kind) in places().filter(|(_, kind)| kind.signs.contains(&sign)) {
        if (kind.claims)(rest.need(kind.tell_len, kind.layer())?) {
            return Ok(Turn::Go(Next::Encapsulation(place), rest));
        }
    }
    match UNOPENED.iter().find(|row| row.sign == sign) {
        Some(row) => Err(rest.stop(Layer::Unopened(row.name), Cause::Unsupported)),
        None => Ok(Turn::Other),
    }
}

/// Opens the encapsulation at a place in the table.
pub(super) fn open<'a>(place: u8, rest: Rest<'a>, walk: &mut Walk) -> Result<Turn<'a>, Stop> {
    let kind = &ENCAPSULATIONS[usize::from(place)];
    let inner = (kind.read)(rest)?;
    match inner.next {
        None => Ok(Turn::Other),
        Some(next) if walk.enter(place, inner.network) => Ok(Turn::Go(next, inner.rest)),
        Some(_) => Err(rest.stop(kind.layer(), Cause::Nesting)),
    }
}

//! Packets made byte by byte after the specifications, and by none of the program's code.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plainsight::capture::LinkType;

pub mod dtls;
pub mod lustre;

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
const AH: u8 = 51;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// What stands in front of an IP packet in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Ethernet,
    Vlan,
    QinQ,
    ThreeTags,
    FiveTags,
    Sll,
    SllTag,
    Sll2,
    Sll2Tags,
    /// As Linux writes two tags since 6.10: the outer is gone, the type is the packet's.
    Sll2Inner,
    Null,
    Loop,
    Raw,
    Ip,
}

impl Link {
    pub const ALL: [Self; 14] = [
        Self::Ethernet,
        Self::Vlan,
        Self::QinQ,
        Self::ThreeTags,
        Self::FiveTags,
        Self::Sll,
        Self::SllTag,
        Self::Sll2,
        Self::Sll2Tags,
        Self::Sll2Inner,
        Self::Null,
        Self::Loop,
        Self::Raw,
        Self::Ip,
    ];

    /// The link type of a frame, which for bare IP depends on the version.
    pub fn number(self, v6: bool) -> LinkType {
        LinkType(match (self, v6) {
            (Self::Ethernet | Self::Vlan | Self::QinQ | Self::ThreeTags | Self::FiveTags, _) => 1,
            (Self::Sll | Self::SllTag, _) => 113,
            (Self::Sll2 | Self::Sll2Tags | Self::Sll2Inner, _) => 276,
            (Self::Null, _) => 0,
            (Self::Loop, _) => 108,
            (Self::Raw, _) => 101,
            (Self::Ip, false) => 228,
            (Self::Ip, true) => 229,
        })
    }

    /// A frame with an IP packet in it.
    pub fn frame(self, ip: &[u8]) -> Vec<u8> {
        let v6 = ip[0] >> 4 == 6;
        let kind = if v6 { IPV6 } else { IPV4 };
        let head = match self {
            Self::Ethernet => mac(kind),
            Self::Vlan => [mac(0x8100), tag(kind)].concat(),
            Self::QinQ => [mac(0x88a8), tag(0x8100), tag(kind)].concat(),
            Self::ThreeTags => [mac(0x88a8), tag(0x9100), tag(0x8100), tag(kind)].concat(),
            Self::FiveTags => [mac(0x8100), tag(0x8100).repeat(4), tag(kind)].concat(),
            Self::Sll => sll(kind),
            Self::SllTag => [sll(0x8100), tag(kind)].concat(),
            Self::Sll2 => sll2(kind),
            Self::Sll2Tags => [sll2(0x88a8), tag(0x8100), tag(kind)].concat(),
            Self::Sll2Inner => [sll2(kind), tag(kind)].concat(),
            Self::Null => vec![if v6 { 10 } else { 2 }, 0, 0, 0],
            Self::Loop => vec![0, 0, 0, if v6 { 24 } else { 2 }],
            Self::Raw | Self::Ip => Vec::new(),
        };
        [&head[..], ip].concat()
    }
}

const MACS: [u8; 12] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

fn mac(ether_type: u16) -> Vec<u8> {
    [&MACS[..], &be(ether_type)].concat()
}

/// An Ethernet frame with so many VLAN tags.
pub fn tagged(tags: usize, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let types = std::iter::repeat_n(0x8100, tags).chain([ether_type]);
    let mut types = types.map(|number| be(number).to_vec());
    let first = types.next().expect("a type");
    let tags = types.map(|number| [&[0x20, 0x2a][..], &number].concat());
    [
        &MACS[..],
        &first,
        &tags.collect::<Vec<_>>().concat(),
        payload,
    ]
    .concat()
}

fn sll(protocol: u16) -> Vec<u8> {
    [
        &[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0],
        &be(protocol)[..],
    ]
    .concat()
}

fn sll2(protocol: u16) -> Vec<u8> {
    let after = [0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    [&be(protocol)[..], &after].concat()
}

fn tag(ether_type: u16) -> Vec<u8> {
    [[0x20, 0x2a], be(ether_type)].concat()
}

/// What stands around an IP packet on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    Vxlan,
    Geneve,
    Gre,
    Nvgre,
    IpInIp,
    /// In GRE.
    Mpls,
    /// In GRE.
    Pppoe,
    /// In VXLAN.
    Snap,
    VxlanGpe,
    Gtp,
}

impl Around {
    pub const ALL: [Self; 10] = [
        Self::Vxlan,
        Self::Geneve,
        Self::Gre,
        Self::Nvgre,
        Self::IpInIp,
        Self::Mpls,
        Self::Pppoe,
        Self::Snap,
        Self::VxlanGpe,
        Self::Gtp,
    ];

    /// What the report calls it, and what carries it.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Vxlan => &["VXLAN"],
            Self::Geneve => &["Geneve"],
            Self::Gre => &["GRE"],
            Self::Nvgre => &["NVGRE"],
            Self::IpInIp => &["IP in IP"],
            Self::Mpls => &["GRE", "MPLS"],
            Self::Pppoe => &["GRE", "PPPoE"],
            Self::Snap => &["VXLAN", "LLC/SNAP"],
            Self::VxlanGpe => &["VXLAN-GPE"],
            Self::Gtp => &["GTP-U"],
        }
    }

    /// The network id that [`Around::packet`] writes; without one, 0.
    pub fn network(self) -> u32 {
        match self {
            Self::Vxlan => 42,
            Self::Geneve => 43,
            Self::Gre => 44,
            Self::Nvgre => 45,
            Self::IpInIp | Self::Mpls | Self::Snap => 0,
            Self::Pppoe => 46,
            Self::VxlanGpe => 47,
            Self::Gtp => 48,
        }
    }

    /// An IP packet between two tunnel ends, with another one inside.
    pub fn packet(self, inner: &[u8]) -> Vec<u8> {
        let v6 = inner[0] >> 4 == 6;
        let kind = be(if v6 { IPV6 } else { IPV4 });
        let ends = Ip::v4([192, 168, 50, 1], [192, 168, 50, 2]);
        match self {
            Self::Vxlan => {
                let frame = Link::Ethernet.frame(inner);
                let header = [8, 0, 0, 0, 0, 0, 42, 0];
                let payload = [&header[..], &frame].concat();
                ends.packet(UDP, &udp(51_000, 4789, &payload))
            }
            Self::Geneve => {
                let option = [1, 2, 3, 1, 9, 9, 9, 9];
                let header = [&[2, 0][..], &kind, &[0, 0, 43, 0], &option].concat();
                let payload = [&header[..], inner].concat();
                ends.packet(UDP, &udp(51_000, 6081, &payload))
            }
            Self::Gre => {
                let header = [&[0x30, 0][..], &kind, &[0, 0, 0, 44, 0, 0, 0, 9]].concat();
                ends.packet(47, &[&header[..], inner].concat())
            }
            Self::Nvgre => {
                let header = [0x20, 0, 0x65, 0x58, 0, 0, 45, 200];
                let frame = Link::Vlan.frame(inner);
                ends.packet(47, &[&header[..], &frame].concat())
            }
            Self::IpInIp => ends.packet(if v6 { 41 } else { 4 }, inner),
            Self::Mpls => {
                let labels = [[0, 1, 0x10, 64], [0, 2, 0x21, 64]].concat();
                let header = [0, 0, 0x88, 0x47];
                ends.packet(47, &[&header[..], &labels, inner].concat())
            }
            Self::Snap => {
                let snap = snap(inner);
                let frame = tagged(1, length(snap.len()), &snap);
                let payload = [&[8, 0, 0, 0, 0, 0, 42, 0][..], &frame].concat();
                ends.packet(UDP, &udp(51_000, 4789, &payload))
            }
            Self::VxlanGpe => {
                let protocol = if v6 { 2 } else { 1 };
                let payload = [&[0x0c, 0, 0, protocol, 0, 0, 47, 0][..], inner].concat();
                ends.packet(UDP, &udp(51_000, 4790, &payload))
            }
            Self::Gtp => {
                // An extension header of 4 bytes, and a sequence number.
                let len = be(length(8 + inner.len()));
                let header = [&[0x36, 255][..], &len, &[0, 0, 0, 48, 0, 7, 0, 0x85]].concat();
                let payload = [&header[..], &[1, 0x10, 9, 0], inner].concat();
                ends.packet(UDP, &udp(51_000, 2152, &payload))
            }
            Self::Pppoe => {
                let header = [0, 0, 0x88, 0x64];
                ends.packet(47, &[&header[..], &session(inner)].concat())
            }
        }
    }
}

/// A frame of a `PPPoE` session, number 46.
pub fn session(ip: &[u8]) -> Vec<u8> {
    let protocol = be(if ip[0] >> 4 == 6 { 0x57 } else { 0x21 });
    let len = be(length(2 + ip.len()));
    [&[0x11, 0, 0, 46][..], &len, &protocol, ip].concat()
}

/// LLC and SNAP in front of an IP packet.
pub fn snap(ip: &[u8]) -> Vec<u8> {
    let kind = be(if ip[0] >> 4 == 6 { IPV6 } else { IPV4 });
    [&[0xaa, 0xaa, 3, 0, 0, 0][..], &kind, ip].concat()
}

/// An IP header to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    pub source: IpAddr,
    pub destination: IpAddr,
    /// IPv4 options, or IPv6 extension headers; and AH, except in fragments.
    pub more: bool,
    /// As segmentation offload leaves it: no length.
    pub no_length: bool,
}

/// A part of an IP packet's payload.
#[derive(Clone, Copy, Debug)]
struct Piece<'p> {
    id: u16,
    at: usize,
    last: bool,
    bytes: &'p [u8],
}

impl Ip {
    pub fn between(source: IpAddr, destination: IpAddr) -> Self {
        Self {
            source,
            destination,
            more: false,
            no_length: false,
        }
    }

    pub fn v4(source: [u8; 4], destination: [u8; 4]) -> Self {
        Self::between(source.into(), destination.into())
    }

    pub fn packet(&self, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let (protocol, payload) = if self.more {
            (AH, &authenticated(protocol, payload)[..])
        } else {
            (protocol, payload)
        };
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.packet_v4((source, destination), protocol, None, payload)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                self.packet_v6((source, destination), protocol, None, payload)
            }
            mixed => panic!("{mixed:?}"),
        }
    }

    /// The packet in pieces of `len` bytes of payload, which is a multiple of 8.
    pub fn fragments(&self, protocol: u8, id: u16, payload: &[u8], len: usize) -> Vec<Vec<u8>> {
        let count = payload.len().div_ceil(len);
        let pieces = payload.chunks(len).enumerate().map(|(place, bytes)| Piece {
            id,
            at: place * len,
            last: place + 1 == count,
            bytes,
        });
        pieces.map(|piece| self.fragment(protocol, piece)).collect()
    }

    /// What the length field says.
    fn stated(&self, len: usize) -> u16 {
        if self.no_length { 0 } else { length(len) }
    }

    fn fragment(&self, protocol: u8, piece: Piece<'_>) -> Vec<u8> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.packet_v4((source, destination), protocol, Some(piece), piece.bytes)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                self.packet_v6((source, destination), protocol, Some(piece), piece.bytes)
            }
            mixed => panic!("{mixed:?}"),
        }
    }

    fn packet_v4(
        &self,
        (source, destination): (Ipv4Addr, Ipv4Addr),
        protocol: u8,
        piece: Option<Piece<'_>>,
        payload: &[u8],
    ) -> Vec<u8> {
        // No operation three times, then the end of the list.
        let options: &[u8] = if self.more { &[1, 1, 1, 0] } else { &[] };
        let header_len = 20 + options.len();
        let total = self.stated(header_len + payload.len());
        let (id, flags) = piece.map_or((0, 0x4000), |piece| {
            let more = if piece.last { 0 } else { 0x2000 };
            (piece.id, more | length(piece.at / 8))
        });
        let words = u8::try_from(header_len / 4).expect("a short header");
        let mut bytes = vec![0x40 | words, 0];
        bytes.extend([be(total), be(id), be(flags)].concat());
        bytes.extend([64, protocol, 0, 0]);
        bytes.extend(source.octets());
        bytes.extend(destination.octets());
        bytes.extend(options);
        let sum = checksum(&bytes);
        bytes[10..12].copy_from_slice(&sum);
        bytes.extend(payload);
        bytes
    }

    fn packet_v6(
        &self,
        (source, destination): (Ipv6Addr, Ipv6Addr),
        protocol: u8,
        piece: Option<Piece<'_>>,
        payload: &[u8],
    ) -> Vec<u8> {
        let (next, body) = match piece {
            None => (protocol, payload.to_vec()),
            Some(piece) => fragment_header(protocol, piece),
        };
        let (next, body) = if self.more {
            extended(next, &body)
        } else {
            (next, body)
        };
        let len = self.stated(body.len());
        let mut bytes = vec![0x60, 0, 0, 0];
        bytes.extend(be(len));
        bytes.extend([next, 64]);
        bytes.extend(source.octets());
        bytes.extend(destination.octets());
        bytes.extend(body);
        bytes
    }
}

/// The fragment header of IPv6, and its number.
fn fragment_header(protocol: u8, piece: Piece<'_>) -> (u8, Vec<u8>) {
    let offset = be(length(piece.at) | u16::from(!piece.last));
    let id = u32::from(piece.id).to_be_bytes();
    let header = [&[protocol, 0][..], &offset, &id].concat();
    (44, [&header[..], piece.bytes].concat())
}

/// Hop-by-hop options, then destination options, each with padding alone.
fn extended(next: u8, body: &[u8]) -> (u8, Vec<u8>) {
    let hop_by_hop = [60, 0, 1, 4, 0, 0, 0, 0];
    let destination = [next, 0, 1, 4, 0, 0, 0, 0];
    (0, [&hop_by_hop[..], &destination, body].concat())
}

/// An authentication header (RFC 4302) in front of what it protects.
fn authenticated(next: u8, payload: &[u8]) -> Vec<u8> {
    let words = 6 - 2;
    let header = [next, words, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1];
    [&header[..], &[0xaa; 12], payload].concat()
}

fn checksum(header: &[u8]) -> [u8; 2] {
    let (words, _) = header.as_chunks();
    let sum: u32 = words
        .iter()
        .map(|&word| u32::from(u16::from_be_bytes(word)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    be(!u16::try_from(folded).expect("a short header"))
}

/// A TCP segment, with the timestamps that most have.
pub fn tcp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [be(source), be(destination)].concat();
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 1]);
    bytes.extend([0x80, 0x18, 1, 0, 0, 0, 0, 0]);
    bytes.extend([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1]);
    bytes.extend(payload);
    bytes
}

pub fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [be(source), be(destination)].concat();
    bytes.extend(be(length(8 + payload.len())));
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}

/// What a host answers that has no such port: a quote of what it was sent.
pub fn port_unreachable(ends: &Ip, quoted: &[u8]) -> Vec<u8> {
    let (protocol, kind) = match ends.source {
        IpAddr::V4(_) => (1, [3, 3]),
        IpAddr::V6(_) => (58, [1, 4]),
    };
    let body = [&kind[..], &[0; 6], quoted].concat();
    ends.packet(protocol, &body)
}

/// Bytes such as a cipher makes, the same for the same seed.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

fn be(number: u16) -> [u8; 2] {
    number.to_be_bytes()
}

fn length(len: usize) -> u16 {
    u16::try_from(len).expect("16 bits hold the length")
}

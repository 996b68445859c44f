//! Frames of Lustre, of DTLS, and of what else is on a wire.

use std::net::Ipv4Addr;

use etherparse::{EtherType, Ethernet2Header, IpNumber, Ipv4Header, TcpHeader, UdpHeader};
use fastrand::Rng;

const ETHERNET_LEN: usize = Ethernet2Header::LEN;
const IPV4_LEN: usize = Ipv4Header::MIN_LEN;
const TCP_LEN: usize = 32;
const UDP_LEN: usize = UdpHeader::LEN;
/// Where the epoch and sequence number of a DTLS record stand, in a frame of it alone.
pub const SEQUENCE_AT: usize = ETHERNET_LEN + IPV4_LEN + UDP_LEN + 3;
/// Bytes that VXLAN puts in front of a frame.
pub const VXLAN_AROUND: usize = ETHERNET_LEN + IPV4_LEN + UDP_LEN + 8;
/// Bytes of an `LNet` message before its payload.
const LNET_LEN: usize = 96;

/// The ends of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Source address and port.
    pub source: (Ipv4Addr, u16),
    /// Destination address and port.
    pub destination: (Ipv4Addr, u16),
}

impl Ends {
    /// Lustre from one of a client's reserved ports.
    pub fn lustre(n: u8) -> Self {
        Self {
            source: (client(n), 1023 - u16::from(n % 5)),
            destination: (Ipv4Addr::new(10, 20, 2, 4 + n % 4), 988),
        }
    }

    /// A tunnel between a client and a server.
    pub fn tunnel(n: u8) -> Self {
        Self {
            source: (client(n), 40_000 + u16::from(n)),
            destination: (Ipv4Addr::new(10, 20, 2, 8 + n % 4), 4433),
        }
    }

    /// A client and a host that is no server.
    pub fn noise(n: u8, port: u16) -> Self {
        Self {
            source: (client(n), 50_000 + u16::from(n)),
            destination: (Ipv4Addr::new(168, 63, 129, 16), port),
        }
    }

    /// The same, seen from the other side.
    pub fn back(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
        }
    }

    /// The ends of a packet to the server, or of one back.
    pub fn toward(self, to_server: bool) -> Self {
        if to_server { self } else { self.back() }
    }
}

/// Numbers of a TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// Number of its first byte.
    pub sequence: u32,
    /// Number of the byte that is expected next.
    pub acknowledged: u32,
}

fn client(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 20, 1, 4 + n % 8)
}

/// A TCP segment with this payload, and a timestamp option as Linux sends.
pub fn tcp(ends: Ends, payload: &[u8]) -> Vec<u8> {
    let numbers = Numbers {
        sequence: 1,
        acknowledged: 0,
    };
    tcp_numbered(ends, numbers, payload)
}

/// The same with numbers.
pub fn tcp_numbered(ends: Ends, numbers: Numbers, payload: &[u8]) -> Vec<u8> {
    let mut header = TcpHeader::new(ends.source.1, ends.destination.1, numbers.sequence, 4096);
    header.ack = true;
    header.acknowledgment_number = numbers.acknowledged;
    let options = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1];
    header.set_options_raw(&options).expect("12 bytes fit");
    let mut frame = ip(ends, IpNumber::TCP, TCP_LEN + payload.len());
    header.write(&mut frame).expect("memory takes all");
    frame.extend(payload);
    frame
}

/// A UDP datagram with this payload.
pub fn udp(ends: Ends, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(UDP_LEN + payload.len()).unwrap_or(0);
    let header = UdpHeader {
        source_port: ends.source.1,
        destination_port: ends.destination.1,
        length,
        checksum: 0,
    };
    let mut frame = ip(ends, IpNumber::UDP, UDP_LEN + payload.len());
    header.write(&mut frame).expect("memory takes all");
    frame.extend(payload);
    frame
}

/// Ethernet and IPv4. A length that 16 bits do not hold is 0, as offload leaves it.
fn ip(ends: Ends, protocol: IpNumber, payload_len: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(ETHERNET_LEN + IPV4_LEN + payload_len);
    let ethernet = Ethernet2Header {
        source: [2, 0, 0, 0, 0, 1],
        destination: [2, 0, 0, 0, 0, 2],
        ether_type: EtherType::IPV4,
    };
    ethernet.write(&mut frame).expect("memory takes all");
    let mut header = Ipv4Header {
        total_len: u16::try_from(IPV4_LEN + payload_len).unwrap_or(0),
        time_to_live: 64,
        protocol,
        source: ends.source.0.octets(),
        destination: ends.destination.0.octets(),
        ..Ipv4Header::default()
    };
    header.header_checksum = header.calc_header_checksum();
    header.write(&mut frame).expect("memory takes all");
    frame
}

/// Two hosts of the network underneath.
fn underneath(port: u16) -> Ends {
    Ends {
        source: (Ipv4Addr::new(192, 168, 50, 1), 49152),
        destination: (Ipv4Addr::new(192, 168, 50, 2), port),
    }
}

/// A frame inside VXLAN.
pub fn vxlan(vni: u32, inner: &[u8]) -> Vec<u8> {
    let mut payload = vec![8, 0, 0, 0];
    payload.extend((vni << 8).to_be_bytes());
    payload.extend(inner);
    udp(underneath(4789), &payload)
}

/// A frame inside Geneve, with one option.
pub fn geneve(vni: u32, inner: &[u8]) -> Vec<u8> {
    let mut payload = vec![2, 0, 0x65, 0x58];
    payload.extend((vni << 8).to_be_bytes());
    payload.extend([1, 2, 3, 1, 9, 9, 9, 9]);
    payload.extend(inner);
    udp(underneath(6081), &payload)
}

/// A frame's IP packet inside GRE, with a key.
pub fn gre(inner: &[u8]) -> Vec<u8> {
    let packet = &inner[ETHERNET_LEN..];
    let header = [0x20, 0, 8, 0, 0, 0, 0, 44];
    let mut frame = ip(underneath(0), IpNumber::GRE, header.len() + packet.len());
    frame.extend(header);
    frame.extend(packet);
    frame
}

/// The same frame with a VLAN tag.
pub fn vlan(id: u16, frame: &[u8]) -> Vec<u8> {
    let (addresses, rest) = frame.split_at(12);
    [addresses, &[0x81, 0], &id.to_be_bytes(), rest].concat()
}

/// The same IPv4 frame with options in its header: a router alert.
pub fn with_ip_options(frame: &[u8]) -> Vec<u8> {
    let (head, payload) = frame.split_at(ETHERNET_LEN + IPV4_LEN);
    let mut frame = [head, &[0x94, 4, 0, 0], payload].concat();
    frame[ETHERNET_LEN] = 0x46;
    let len = u16::try_from(frame.len() - ETHERNET_LEN).expect("a short frame");
    frame[ETHERNET_LEN + 2..ETHERNET_LEN + 4].copy_from_slice(&len.to_be_bytes());
    frame
}

/// A TCP segment over IPv6 with a header of destination options, between the addresses
/// that map to these.
pub fn tcp_v6(ends: Ends, payload: &[u8]) -> Vec<u8> {
    let v4 = tcp(ends, payload);
    let (mac, segment) = (&v4[..12], &v4[ETHERNET_LEN + IPV4_LEN..]);
    let options = [6, 0, 1, 4, 0, 0, 0, 0];
    let len = u16::try_from(options.len() + segment.len()).expect("a short frame");
    let mut frame = [mac, &[0x86, 0xdd, 0x60, 0, 0, 0]].concat();
    frame.extend(len.to_be_bytes());
    frame.extend([60, 64]);
    for (address, _) in [ends.source, ends.destination] {
        frame.extend(address.to_ipv6_mapped().octets());
    }
    frame.extend(options);
    frame.extend(segment);
    frame
}

/// An `LNet` PUT with a header that names the frame's own ends, and `len` bytes behind it:
/// what starts a segment of bulk or control data.
pub fn lnet_put(ends: Ends, portal: u32, payload_len: u32, len: usize) -> Vec<u8> {
    const PUT: u32 = 1;
    let mut message = lnet_header(ends, PUT, payload_len);
    message.extend([0xff; 16]);
    message.extend([0; 16]);
    message.extend(portal.to_le_bytes());
    message.resize(LNET_LEN + len, 0);
    message
}

/// The header of an `LNet` REPLY, with which a client sends what a server asks it for.
pub fn lnet_reply(ends: Ends, payload_len: u32) -> Vec<u8> {
    const REPLY: u32 = 3;
    let mut message = lnet_header(ends, REPLY, payload_len);
    message.resize(LNET_LEN, 0);
    message
}

/// The part of a header that messages of all kinds share.
fn lnet_header(ends: Ends, kind: u32, payload_len: u32) -> Vec<u8> {
    let mut header = vec![0xc1, 0, 0, 0];
    header.extend([0; 20]);
    for (address, _) in [ends.destination, ends.source] {
        header.extend(u32::from(address).to_le_bytes());
        header.extend([0, 0, 2, 0]);
    }
    for word in [12345, 12345, kind, payload_len] {
        header.extend(u32::to_le_bytes(word));
    }
    header
}

/// A request for an operation with the null flavor, in an `LNet` PUT.
pub fn rpc_request(ends: Ends, operation: u32) -> Vec<u8> {
    const BODY_LEN: u32 = 184;
    const HEAD_LEN: u32 = 40;
    const PORTAL: u32 = 6;
    let mut message = lnet_put(ends, PORTAL, HEAD_LEN + BODY_LEN, 0);
    for word in [1, 0, 0x0bd0_0bd3, 0, 0, 0, 0, 0, BODY_LEN, 0] {
        message.extend(u32::to_le_bytes(word));
    }
    message.extend([0; 8]);
    for word in [0x1267, 0, operation] {
        message.extend(u32::to_le_bytes(word));
    }
    message.resize(LNET_LEN + (HEAD_LEN + BODY_LEN) as usize, 0);
    message
}

/// A keepalive NOOP.
pub fn lnet_noop() -> Vec<u8> {
    let mut message = vec![0xc0, 0, 0, 0];
    message.resize(16, 0);
    message.extend(1_u64.to_le_bytes());
    message
}

/// A DTLS 1.2 record of application data in epoch 1.
pub fn dtls_record(sequence: u64, fragment: &[u8]) -> Vec<u8> {
    let mut record = vec![23, 0xfe, 0xfd];
    record.extend((1_u64 << 48 | sequence).to_be_bytes());
    let len = u16::try_from(fragment.len()).expect("a record is short");
    record.extend(len.to_be_bytes());
    record.extend(fragment);
    record
}

/// Bytes as a cipher makes them.
pub fn random(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng.fill(&mut bytes);
    bytes
}

//! Traffic of clients with their servers, packet by packet: many flows, each in bursts, with
//! numbers that count up.

use std::net::Ipv4Addr;

use fastrand::Rng;

use super::frames::{self, Ends, Numbers};

/// Servers of the file system.
const SERVERS: u16 = 32;
/// Readable connections of a pair of addresses.
const CONNECTIONS: u16 = 5;
/// Most packets of a burst.
const BURST: u32 = 16;
/// Payload of a full segment on a 1500-byte network.
const MSS: usize = 1448;
/// Most segments that GRO joins: 63,712 bytes.
const JOINED: usize = 44;
/// Payload of an `LNet` message of bulk data.
const MESSAGE_LEN: u32 = 1 << 20;
/// Ciphertext of a full segment in a DTLS record, and of an acknowledgement.
const RECORD_LEN: usize = 1400;
const SHORT_RECORD_LEN: usize = 76;
/// Payloads of frames of 96 bytes: of a segment, and of a DTLS record.
const SMALL_SEGMENT: usize = 96 - 14 - 20 - 32;
const SMALL_RECORD: usize = 96 - 14 - 20 - 8 - 13;

/// Number of the clients, and the look of their packets.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Clients, each with all servers.
    pub clients: u16,
    /// Set for frames of 96 bytes alone; else there are full segments, what GRO joins, and
    /// acknowledgements.
    pub is_small: bool,
    /// Set where the numbers of DTLS records jump at each, and bulk holds no `LNet` header.
    pub is_wild: bool,
}

/// A flow, and the numbers of its next packets, to the server and back.
struct Flow {
    ends: Ends,
    /// True if the client writes, so that bulk goes to the server.
    is_write: bool,
    kind: Kind,
}

enum Kind {
    /// Numbers of the next DTLS records.
    Tunnel([u64; 2]),
    /// Bytes sent so far.
    Connection([u64; 2]),
}

/// Packets of a flow that follow each other.
#[derive(Default)]
struct Burst {
    flow: usize,
    left: u32,
    /// True for the first packet, which always carries bulk.
    begins: bool,
}

/// An endless supply of frames, the same for the same seed.
pub struct Fleet {
    rng: Rng,
    shape: Shape,
    flows: Vec<Flow>,
    burst: Burst,
    frame: Vec<u8>,
}

impl Fleet {
    /// Traffic of a shape.
    pub fn new(shape: Shape, rng: Rng) -> Self {
        let pairs = (0..shape.clients).flat_map(|client| (0..SERVERS).map(move |it| (client, it)));
        Self {
            rng,
            shape,
            flows: pairs
                .flat_map(|(client, server)| flows(client, server))
                .collect(),
            burst: Burst::default(),
            frame: Vec::new(),
        }
    }

    /// The next frame.
    pub fn next(&mut self) -> &[u8] {
        if self.burst.left == 0 {
            self.burst = Burst {
                flow: self.rng.usize(0..self.flows.len()),
                left: self.rng.u32(1..=BURST),
                begins: true,
            };
        }
        self.burst.left -= 1;
        let is_bulk = std::mem::take(&mut self.burst.begins) || self.rng.bool();
        let is_write = self.flows[self.burst.flow].is_write;
        let to_server = is_bulk == is_write;
        self.frame = match self.flows[self.burst.flow].kind {
            Kind::Tunnel(_) => self.record(to_server, is_bulk),
            Kind::Connection(_) => self.segment(to_server, is_bulk),
        };
        &self.frame
    }

    /// A datagram with a DTLS record.
    fn record(&mut self, to_server: bool, is_bulk: bool) -> Vec<u8> {
        let len = match is_bulk {
            _ if self.shape.is_small => SMALL_RECORD,
            true => RECORD_LEN,
            false => SHORT_RECORD_LEN,
        };
        let step = if self.shape.is_wild {
            self.rng.u64(2..1000)
        } else {
            1
        };
        let content = frames::random(&mut self.rng, len);
        let Flow { ends, kind, .. } = &mut self.flows[self.burst.flow];
        let Kind::Tunnel(numbers) = kind else {
            unreachable!("a connection has no records");
        };
        let number = &mut numbers[usize::from(!to_server)];
        let record = frames::dtls_record(*number, &content);
        *number += step;
        frames::udp(ends.toward(to_server), &record)
    }

    /// A segment of bulk data, or an acknowledgement.
    fn segment(&mut self, to_server: bool, is_bulk: bool) -> Vec<u8> {
        let len = self.segment_len(is_bulk);
        let mut payload = frames::random(&mut self.rng, len);
        let Flow { ends, kind, .. } = &mut self.flows[self.burst.flow];
        let ends = ends.toward(to_server);
        let Kind::Connection(sent) = kind else {
            unreachable!("a tunnel has no segments");
        };
        let at = sent[usize::from(!to_server)];
        if is_bulk && !self.shape.is_wild {
            write_header(&bulk_header(ends, to_server), at, &mut payload);
        }
        let numbers = Numbers {
            sequence: low(at),
            acknowledged: low(sent[usize::from(to_server)]),
        };
        sent[usize::from(!to_server)] += len as u64;
        frames::tcp_numbered(ends, numbers, &payload)
    }

    fn segment_len(&mut self, is_bulk: bool) -> usize {
        match is_bulk {
            _ if self.shape.is_small => SMALL_SEGMENT,
            false => 0,
            // One segment in thirty is what GRO made of several.
            true if self.rng.u8(0..30) == 0 => MSS * self.rng.usize(2..=JOINED),
            true => MSS,
        }
    }
}

/// The flows of a pair: one with DTLS, or some connections.
fn flows(client: u16, server: u16) -> Vec<Flow> {
    let [high, low] = (1 + client).to_be_bytes();
    let of = |kind, ports: (u16, u16), is_write| Flow {
        ends: Ends {
            source: (Ipv4Addr::new(10, 21, high, low), ports.0),
            destination: (
                Ipv4Addr::from([10, 20, 2, 4 + server.to_be_bytes()[1]]),
                ports.1,
            ),
        },
        is_write,
        kind,
    };
    if (client + server).is_multiple_of(2) {
        return vec![of(
            Kind::Tunnel([1; 2]),
            (40_000 + server, 4433),
            client % 4 < 2,
        )];
    }
    (0..CONNECTIONS)
        .map(|n| {
            of(
                Kind::Connection([0; 2]),
                (1023 - n, 988),
                n.is_multiple_of(2),
            )
        })
        .collect()
}

/// The header of a message of bulk data: a server puts what a client reads, and asks for
/// what it writes.
fn bulk_header(ends: Ends, to_server: bool) -> Vec<u8> {
    const OST_BULK_PORTAL: u32 = 8;
    if to_server {
        frames::lnet_reply(ends, MESSAGE_LEN)
    } else {
        frames::lnet_put(ends, OST_BULK_PORTAL, MESSAGE_LEN, 0)
    }
}

/// Writes what of a message's header is in a payload at a place of its stream.
fn write_header(header: &[u8], at: u64, payload: &mut [u8]) {
    let message_len = header.len() + MESSAGE_LEN as usize;
    let at = usize::try_from(at % message_len as u64).expect("less than a message");
    for (place, byte) in payload.iter_mut().enumerate() {
        if let Some(of_header) = header.get((at + place) % message_len) {
            *byte = *of_header;
        }
    }
}

fn low(number: u64) -> u32 {
    let [.., a, b, c, d] = number.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

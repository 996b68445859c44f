//! Lustre's network layer over TCP: socklnd's connection request and HELLO, and `LNet`
//! messages (lnet/include/uapi/linux/lnet/lnet-types.h, socklnd.h of Lustre 2.15).
//!
//! Numbers are little-endian: AMLFS and its clients are x86-64 machines.

use std::net::Ipv4Addr;

use nom::{
    IResult, Parser,
    bytes::complete::{tag, take},
    combinator::verify,
    number::complete::{le_u16, le_u32, le_u64},
};
use serde::{Deserialize, Serialize};

use super::pairs::{self, BytePair};
use super::ptlrpc::{self, Rpc};
use crate::decode::Address;

/// `LNet`'s well-known process id, of the kernel itself.
const PID_LUSTRE: u32 = 12345;
/// Network interface type of socklnd.
const SOCKLND: u16 = 2;
/// `KSOCK_MSG_NOOP`, the type of a message without one of `LNet`'s.
const NOOP_START: [u8; 4] = [0xc0, 0, 0, 0];
/// `KSOCK_MSG_LNET`, the type that stands before an `LNet` message.
const MESSAGE_START: [u8; 4] = [0xc1, 0, 0, 0];
/// A NOOP with the cookie of a keepalive, 1, and no checksum or request.
const KEEPALIVE: [u8; 24] = *b"\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0";
/// `LNET_PROTO_ACCEPTOR_MAGIC` and `LNET_PROTO_MAGIC`.
const ACCEPTOR_MAGIC: [u8; 4] = [0x00, 0x71, 0xce, 0xac];
const HELLO_MAGIC: [u8; 4] = [0x63, 0x69, 0x72, 0x45];
/// `LNET_PROTO_ACCEPTOR_MAGIC`, then its version.
const CONNECTION_REQUEST: [u8; 8] = [0x00, 0x71, 0xce, 0xac, 1, 0, 0, 0];
/// `LNET_PROTO_MAGIC`, then `KSOCK_PROTO_V3`.
const HELLO: [u8; 8] = [0x63, 0x69, 0x72, 0x45, 3, 0, 0, 0];
/// Bytes of a HELLO without the addresses of its sender's interfaces.
const HELLO_LEN: usize = 56;
/// Bytes of an `LNet` message before its payload, with socklnd's header.
pub const HEADER_LEN: usize = 96;
/// As many of them as prove one: up to its process ids.
pub const PROOF_LEN: usize = 48;
const MAX_PAYLOAD_LEN: u32 = 1 << 20;
/// Portals of raw data.
const BULK_OST: u32 = 8;
const BULK_MDS: u32 = 14;
const BULK_MGS: u32 = 33;

/// A network identifier on a TCP network: `10.0.0.4@tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nid {
    /// Its IPv4 address.
    pub address: Ipv4Addr,
    /// The number behind `tcp`.
    pub network: u16,
}

fn nid(bytes: &[u8]) -> IResult<&[u8], Nid> {
    let (rest, (address, network, _)) =
        (le_u32, le_u16, verify(le_u16, |&lnd| lnd == SOCKLND)).parse(bytes)?;
    let nid = Nid {
        address: Ipv4Addr::from(address),
        network,
    };
    Ok((rest, nid))
}

/// The two ends of the packet that a signature stands in.
#[derive(Clone, Copy, Debug)]
pub struct NidEnds {
    /// Its source.
    pub source: Address,
    /// Its destination.
    pub destination: Address,
}

impl NidEnds {
    fn are(self, source: Nid, destination: Nid) -> bool {
        let is = |address: Address, nid: Nid| address == std::net::IpAddr::V4(nid.address).into();
        is(self.source, source) && is(self.destination, destination)
    }
}

/// Proof that Lustre could be read, strongest first; the odds against chance are in the docs of
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Proof {
    /// A connection request with a TCP NID: 2^-96.
    ConnectionRequest,
    /// A HELLO: 2^-256.
    Hello,
    /// An `LNet` header whose NIDs are the packet's own addresses: 2^-192.
    Message,
    /// An `LNet` header with other NIDs, as behind NAT or an `LNet` router: 2^-96.
    RoutedMessage,
    /// A keepalive NOOP: 2^-192.
    Keepalive,
}

/// Type of a socklnd connection, from its HELLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConnectionType {
    /// Control messages.
    Control,
    /// Bulk data to the caller.
    BulkIn,
    /// Bulk data from the caller.
    BulkOut,
}

/// Type of an `LNet` message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MessageType {
    Ack,
    Put { portal: u32 },
    Get { portal: u32 },
    Reply,
}

/// End of a message that is the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// The message goes to it.
    Destination,
    /// The message comes from it.
    Source,
}

/// An `LNet` message, as far as it was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// True if its NIDs are the packet's addresses.
    pub direct: bool,
    /// The end that its portal belongs to.
    pub server: Option<Server>,
    /// The RPC that it carries.
    pub rpc: Option<Rpc>,
    /// Bytes from its first to the one after its payload.
    len: usize,
}

/// A signature found in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Kind of the signature.
    pub proof: Proof,
    /// The end that the message's portal belongs to.
    pub server: Option<Server>,
    /// Offset, in bytes from the start of the payload.
    pub at: usize,
}

/// Unit at the start of a segment, one message after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A caller asks for a connection.
    ConnectionRequest,
    /// Either end introduces itself; `None` is a refusal.
    Hello(Option<ConnectionType>),
    /// A keepalive.
    Keepalive,
    /// A message.
    Message(Message),
}

impl Unit {
    fn proof(self) -> Proof {
        match self {
            Self::ConnectionRequest => Proof::ConnectionRequest,
            Self::Hello(_) => Proof::Hello,
            Self::Keepalive => Proof::Keepalive,
            Self::Message(Message { direct: true, .. }) => Proof::Message,
            Self::Message(_) => Proof::RoutedMessage,
        }
    }

    fn server(self) -> Option<Server> {
        match self {
            Self::Message(message) => message.server,
            _ => None,
        }
    }
}

/// Tests that a payload begins as a unit does, by its first four bytes.
#[inline]
#[must_use]
pub fn begins(payload: &[u8]) -> bool {
    matches!(
        payload.first_chunk(),
        Some(&(MESSAGE_START | NOOP_START | HELLO_MAGIC | ACCEPTOR_MAGIC))
    )
}

/// The units that follow each other from the start of a payload on. It ends at the
/// first place where none begins.
pub fn units(payload: &[u8], ends: NidEnds) -> impl Iterator<Item = Unit> + '_ {
    let mut rest = payload;
    std::iter::from_fn(move || {
        let (after, unit) = unit(rest, ends)?;
        rest = after;
        Some(unit)
    })
}

/// Searches a payload for the first signature, wherever it stands.
#[must_use]
pub fn find(payload: &[u8], ends: NidEnds) -> Option<Signature> {
    let signature = |at: usize| {
        let (_, unit) = unit(&payload[at..], ends)?;
        Some(Signature {
            proof: unit.proof(),
            server: unit.server(),
            at,
        })
    };
    // A connection request opens a connection; the others can stand anywhere.
    let opening = payload.starts_with(&CONNECTION_REQUEST);
    let opening = opening.then(|| signature(0)).flatten();
    opening.or_else(|| search(payload, [MESSAGE, NOOP, GREETING], signature))
}

/// Searches these bytes for an `LNet` message at any offset, between whomever.
#[must_use]
pub fn holds_message(bytes: &[u8]) -> bool {
    let message = |at: usize| message(&bytes[at..], None).ok();
    search(bytes, [MESSAGE], message).is_some()
}

/// First bytes of an `LNet` message.
pub const MESSAGE_PAIR: BytePair = MESSAGE.pair();

/// Places that are searched at once.
const CHUNK_LEN: usize = 64;
/// The same where there are few.
const SHORT_CHUNK_LEN: usize = 32;

/// Unit that is searched for: the bytes that it begins with, and how many it has at the least.
#[derive(Clone, Copy)]
struct Pattern {
    start: [u8; 4],
    least: usize,
}

impl Pattern {
    const fn of(start: [u8; 4], least: usize) -> Self {
        Self { start, least }
    }

    const fn pair(self) -> BytePair {
        BytePair::of(&self.start)
    }

    fn begins(self, bytes: &[u8]) -> bool {
        bytes.len() >= self.least && bytes.starts_with(&self.start)
    }
}

const MESSAGE: Pattern = Pattern::of(MESSAGE_START, PROOF_LEN);
const NOOP: Pattern = Pattern::of(NOOP_START, KEEPALIVE.len());
const GREETING: Pattern = Pattern::of(HELLO_MAGIC, HELLO_LEN);

/// Searches for the first place where a pattern begins and something is found.
///
/// To be called with patterns that are known when it is compiled, as [`pairs::places`] is.
#[inline(always)]
fn search<T, const N: usize>(
    bytes: &[u8],
    patterns: [Pattern; N],
    mut found: impl FnMut(usize) -> Option<T>,
) -> Option<T> {
    let pairs = patterns.map(Pattern::pair);
    let least = patterns.iter().map(|it| it.least).min();
    let end = (bytes.len() + 1).saturating_sub(least.unwrap_or_default());
    for at in (0..end).step_by(CHUNK_LEN) {
        let rest = &bytes[at..];
        let places = if end - at <= SHORT_CHUNK_LEN {
            pairs::places::<{ SHORT_CHUNK_LEN + 1 }, N>(rest, pairs)
        } else {
            pairs::places::<{ CHUNK_LEN + 1 }, N>(rest, pairs)
        };
        for place in places {
            let rest = rest.get(place..).unwrap_or_default();
            if patterns.iter().any(|it| it.begins(rest))
                && let Some(found) = found(at + place)
            {
                return Some(found);
            }
        }
    }
    None
}

/// One unit, and what follows it in the payload.
fn unit(bytes: &[u8], ends: NidEnds) -> Option<(&[u8], Unit)> {
    let head: &[u8; 4] = bytes.first_chunk()?;
    match *head {
        MESSAGE_START => {
            let (_, message) = message(bytes, Some(ends)).ok()?;
            let after = bytes.get(message.len..).unwrap_or_default();
            Some((after, Unit::Message(message)))
        }
        NOOP_START => {
            let after = bytes.strip_prefix(&KEEPALIVE)?;
            Some((after, Unit::Keepalive))
        }
        HELLO_MAGIC => hello(bytes)
            .ok()
            .map(|(after, kind)| (after, Unit::Hello(kind))),
        ACCEPTOR_MAGIC => {
            let (after, ()) = connection_request(bytes).ok()?;
            Some((after, Unit::ConnectionRequest))
        }
        _ => None,
    }
}

fn connection_request(bytes: &[u8]) -> IResult<&[u8], ()> {
    let (rest, (_, _callee)) = (tag(&CONNECTION_REQUEST[..]), nid).parse(bytes)?;
    Ok((rest, ()))
}

fn hello(bytes: &[u8]) -> IResult<&[u8], Option<ConnectionType>> {
    let (rest, (_, _source, _destination, _pid, _, _incarnation, _, kind, _ips)) = (
        tag(&HELLO[..]),
        nid,
        nid,
        verify(le_u32, |&pid| pid == PID_LUSTRE),
        le_u32,
        le_u64,
        le_u64,
        le_u32,
        le_u32,
    )
        .parse(bytes)?;
    let kind = match kind {
        1 => Some(ConnectionType::Control),
        2 => Some(ConnectionType::BulkIn),
        3 => Some(ConnectionType::BulkOut),
        _ => None,
    };
    Ok((rest, kind))
}

fn message(bytes: &[u8], ends: Option<NidEnds>) -> IResult<&[u8], Message> {
    let (rest, (_, _checksum, _cookies)) = (
        tag(&MESSAGE_START[..]),
        verify(le_u32, |&checksum| checksum == 0),
        take(16_usize),
    )
        .parse(bytes)?;
    let (rest, (destination, source, ..)) = (
        nid,
        nid,
        verify(le_u32, |&pid| pid == PID_LUSTRE),
        verify(le_u32, |&pid| pid == PID_LUSTRE),
    )
        .parse(rest)?;
    let direct = ends.is_none_or(|ends| ends.are(source, destination));
    // The NIDs and process ids are the proof; what a cut hides of the rest is no loss.
    let (kind, payload_len) = match type_and_len(rest) {
        Ok((_, told)) => told,
        Err(_) => (None, 0),
    };
    let body = bytes.get(HEADER_LEN..).unwrap_or_default();
    let message = Message {
        direct,
        server: kind.and_then(server),
        rpc: kind.and_then(|kind| rpc(kind, body, payload_len)),
        len: HEADER_LEN + payload_len as usize,
    };
    Ok((rest, message))
}

/// The type with its portal, where both are there, and the payload's length.
fn type_and_len(rest: &[u8]) -> IResult<&[u8], (Option<MessageType>, u32)> {
    const PUT_PORTAL_AT: usize = 88 - 56;
    const GET_PORTAL_AT: usize = 80 - 56;
    let (rest, (kind, len)) = (
        verify(le_u32, |&kind| kind <= 3),
        verify(le_u32, |&len| len <= MAX_PAYLOAD_LEN),
    )
        .parse(rest)?;
    let portal = |at: usize| rest.get(at..).and_then(|from| le_u32::<_, ()>(from).ok());
    let kind = match kind {
        0 => Some(MessageType::Ack),
        1 => portal(PUT_PORTAL_AT).map(|(_, portal)| MessageType::Put { portal }),
        2 => portal(GET_PORTAL_AT).map(|(_, portal)| MessageType::Get { portal }),
        _ => Some(MessageType::Reply),
    };
    Ok((rest, (kind, len)))
}

fn server(kind: MessageType) -> Option<Server> {
    let (MessageType::Put { portal } | MessageType::Get { portal }) = kind else {
        return None;
    };
    match portal {
        6 | 7 | 12 | 13 | 16 | 17 | 23 | 24 | 26 | 28..=32 => Some(Server::Destination),
        // Client-bound portals (16 is where clients answer the callbacks of 15), and bulk
        // data, which the server moves to and from memory that the client offered.
        4 | 10 | 15 | 18 | 25 | 27 | BULK_OST | BULK_MDS | BULK_MGS => Some(Server::Source),
        _ => None,
    }
}

/// Portals of bulk data carry bytes of files, and no RPC.
fn rpc(kind: MessageType, body: &[u8], payload_len: u32) -> Option<Rpc> {
    match kind {
        MessageType::Put {
            portal: BULK_OST | BULK_MDS | BULK_MGS,
        } => None,
        MessageType::Put { .. } => ptlrpc::read(&body[..body.len().min(payload_len as usize)]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The units that stand anywhere, with no byte more than each has at the least.
    fn shortest() -> [(Vec<u8>, Proof); 3] {
        let nid = [10, 0, 0, 4, 0, 0, 2, 0];
        let pid = PID_LUSTRE.to_le_bytes();
        let hello = [&HELLO[..], &nid, &nid, &pid, &[0; 28]].concat();
        let message = [&MESSAGE_START[..], &[0; 20], &nid, &nid, &pid, &pid].concat();
        [
            (KEEPALIVE.to_vec(), Proof::Keepalive),
            (hello, Proof::Hello),
            (message, Proof::RoutedMessage),
        ]
    }

    #[test]
    fn the_shortest_units_are_found_wherever_they_stand() {
        let ends = NidEnds {
            source: Address(1),
            destination: Address(2),
        };
        for (unit, proof) in shortest() {
            for at in 0..200 {
                let mut payload = [&vec![0xc1; at][..], &unit].concat();
                let found = find(&payload, ends).map(|found| (found.proof, found.at));
                assert_eq!(found, Some((proof, at)));
                assert_eq!(holds_message(&payload), proof == Proof::RoutedMessage);
                payload.pop();
                assert_eq!(find(&payload, ends), None);
                assert!(!holds_message(&payload));
            }
        }
    }
}

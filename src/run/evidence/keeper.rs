//! Packets of what can be read only once that a report may name when it has ended.
//!
//! What a report names are first and last packets: of each flow and each thing that packets
//! show, of each `ServerHello`, of what begins as a message of Lustre. So these are kept, in
//! bounded memory, cut as they will be written.

use std::collections::{BTreeMap, HashMap};

use super::EvidencePacket;
use super::cut::kept_len;
use crate::capture::Frame;
use crate::cli::PacketCut;
use crate::decode::{self, Address, Content, Packet, Protocol, Transport, TunnelPorts};
use crate::evidence::dtls::{self, DtlsRecord, hello};
use crate::evidence::{self, Shown, lnet};

/// Bytes that are held at most, with what each packet takes besides.
const MOST_BYTES: usize = 32 << 20;
/// Bytes that a packet takes beside its own.
const PACKET_COST: usize = 256;
/// First packets of a kind in a flow that are kept.
const FIRST: usize = 16;

/// Packets that were kept, by number.
#[derive(Debug, Default)]
pub struct KeptPackets(BTreeMap<u64, EvidencePacket>);

impl KeptPackets {
    /// Packet of a number.
    #[must_use]
    pub fn packet(&self, number: u64) -> Option<&EvidencePacket> {
        self.0.get(&number)
    }
}

/// Kind of packets of a flow, one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct KeptKind {
    ends: (Address, Address),
    ports: Option<(u16, u16)>,
    protocol: Option<Protocol>,
    shown: Shown,
    mark: Option<PacketMark>,
}

/// Content that a report may name a packet for, whatever it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum PacketMark {
    ServerHello,
    Lustre,
    Data,
}

#[derive(Debug, Default)]
struct KindState {
    first: usize,
    last: Option<(u64, EvidencePacket)>,
    /// Bytes that there is room for in the last one.
    last_room: usize,
}

/// Keeper of packets that are shown one after the other.
#[derive(Debug)]
pub struct PacketKeeper {
    decode: TunnelPorts,
    cut: PacketCut,
    kinds: HashMap<KeptKind, KindState>,
    first: BTreeMap<u64, EvidencePacket>,
    room: usize,
}

impl PacketKeeper {
    /// A keeper of no packet yet.
    #[must_use]
    pub fn new(decode: TunnelPorts, cut: PacketCut) -> Self {
        Self {
            decode,
            cut,
            kinds: HashMap::new(),
            first: BTreeMap::new(),
            room: MOST_BYTES,
        }
    }

    /// Looks at a packet.
    pub fn add(&mut self, frame: &Frame<'_>) {
        let Some(kind) = kind(frame, &self.decode) else {
            return;
        };
        let kept_len = kept_len(frame, &self.decode, self.cut).min(frame.data.len());
        let cost = kept_len + PACKET_COST;
        let state = match self.kinds.get_mut(&kind) {
            Some(state) => state,
            // The first and the last.
            None if self.room >= 2 * cost => {
                self.room -= cost;
                let state = self.kinds.entry(kind).or_default();
                state.last_room = kept_len;
                state
            }
            None => return,
        };
        if state.first < FIRST && self.room >= cost {
            state.first += 1;
            self.room -= cost;
            let packet = EvidencePacket::of(frame, kept_len);
            self.first.insert(frame.number, packet);
            return;
        }
        let more = kept_len.saturating_sub(state.last_room);
        if more > self.room {
            return;
        }
        self.room -= more;
        state.last_room += more;
        let (number, last) = state
            .last
            .get_or_insert_with(|| (0, EvidencePacket::of(frame, 0)));
        *number = frame.number;
        replace(last, frame, kept_len);
    }

    /// The packets that were kept, for good.
    #[must_use]
    pub fn take(&mut self) -> KeptPackets {
        let mut all = std::mem::take(&mut self.first);
        let kinds = std::mem::take(&mut self.kinds);
        all.extend(kinds.into_values().filter_map(|state| state.last));
        KeptPackets(all)
    }
}

/// Takes a packet's place without new memory.
fn replace(last: &mut EvidencePacket, frame: &Frame<'_>, kept_len: usize) {
    let mut data = std::mem::take(&mut last.data);
    data.clear();
    data.extend_from_slice(&frame.data[..kept_len]);
    *last = EvidencePacket {
        data,
        ..EvidencePacket::of(frame, 0)
    };
}

/// Kind of a packet; `None` of one that no path has.
fn kind(frame: &Frame<'_>, options: &TunnelPorts) -> Option<KeptKind> {
    let decoded = decode::decode(frame, options);
    let ends = decoded.ends?;
    let portless = KeptKind {
        ends,
        ports: None,
        protocol: None,
        shown: Shown::Portless,
        mark: None,
    };
    match &decoded.content {
        Content::Packet(packet) => Some(of_packet(packet, portless)),
        _ if decoded.fragment.is_some() => Some(portless),
        _ => None,
    }
}

fn of_packet(packet: &Packet<'_>, portless: KeptKind) -> KeptKind {
    let Transport::Ports {
        source,
        destination,
        payload,
    } = &packet.transport
    else {
        return KeptKind {
            protocol: Some(packet.protocol),
            ..portless
        };
    };
    let (shown, first) = evidence::read(packet.protocol, payload);
    let records = first.into_iter().flat_map(|first| {
        let behind = dtls::behind(&first, payload.bytes, payload.datagram_len);
        std::iter::once(first).chain(behind.into_iter().flatten())
    });
    let is_lustre = || packet.protocol == Protocol::Tcp && lnet::begins(payload.bytes);
    let mark = records
        .filter_map(|record| mark(&record))
        .min_by_key(|mark| *mark as u8);
    KeptKind {
        ports: Some((*source, *destination)),
        protocol: Some(packet.protocol),
        shown,
        mark: mark.or_else(|| is_lustre().then_some(PacketMark::Lustre)),
        ..portless
    }
}

fn mark(record: &DtlsRecord<'_>) -> Option<PacketMark> {
    if hello::choices(record).next().is_some() {
        Some(PacketMark::ServerHello)
    } else {
        record.is_data().then_some(PacketMark::Data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{InterfaceId, LinkType};

    /// Datagram of 8 bytes from a port (RFC 791, RFC 768).
    fn datagram(port: u16) -> Vec<u8> {
        let ip = [
            69, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 9, 10, 0, 0, 4,
        ];
        let [high, low] = port.to_be_bytes();
        let udp = [high, low, 17, 81, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        [&ip[..], &udp].concat()
    }

    fn add(keeper: &mut PacketKeeper, number: u64, port: u16) {
        keeper.add(&Frame {
            number,
            time: None,
            link_type: LinkType::IPV4,
            interface: InterfaceId::of(""),
            has_siblings: false,
            data: &datagram(port),
            wire_len: 36,
        });
    }

    #[test]
    fn what_is_kept_is_bounded_and_known_flows_keep_their_last() {
        let mut keeper = PacketKeeper::new(TunnelPorts::default(), PacketCut::Headers);
        for round in 0..4 {
            for port in 0..u16::MAX {
                add(&mut keeper, 1 + round * 100_000 + u64::from(port), port);
            }
        }
        for number in 900_000..900_020 {
            add(&mut keeper, number, 0);
        }
        let kept = keeper.take().0;
        assert!(kept.len() > 50_000);
        let bytes: usize = kept.values().map(|it| it.data.len() + PACKET_COST).sum();
        assert!(bytes <= MOST_BYTES, "{bytes}");
        assert!(kept.contains_key(&1) && kept.contains_key(&900_019));
        assert!(
            kept.values()
                .all(|it| it.data.len() == 28 && it.wire_len == 36)
        );
    }
}

//! One worker: each packet from its frame to the counters.

use crate::aggregate::Snapshot;
use crate::capture::Frame;
use crate::decode::{
    self, Content, Decoded, Encapsulation, Fragment, Packet, Payload, Protocol, Stop, Transport,
};
use crate::evidence::{self, Shown, lnet::Ends};
use crate::flow::fragments::{Event, First, Later, PacketKey, Place};
use crate::flow::table::Counted;
use crate::flow::{
    Count, Direction, Endpoint, FlowKey, Interface, LUSTRE_PORT, LustreFacts, Position, Sighting,
    is_lustre_port,
};

/// A worker with its own counters.
#[derive(Debug)]
pub struct Worker<'o> {
    options: &'o decode::Options,
    limit: usize,
    snapshot: Snapshot,
    fragments: Vec<(PacketKey, Event)>,
}

/// A part of the input that one worker walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The file, by its place in the order of the report.
    pub file: u32,
    /// The piece of it, from 0.
    pub piece: u32,
}

/// A packet's place and size, before it is known what it is.
#[derive(Clone, Copy)]
struct Here {
    count: Count,
    at: Sighting,
    interface: Interface,
    encapsulation: Encapsulation,
}

impl Here {
    #[inline]
    fn of(
        part: Part,
        frame: &Frame<'_>,
        interface_index: u32,
        encapsulation: Encapsulation,
    ) -> Self {
        let position = Position {
            file: part.file,
            piece: part.piece,
            packet: frame.number,
        };
        Self {
            count: Count {
                packets: 1,
                wire_bytes: frame.wire_len.into(),
                payload_bytes: 0,
            },
            at: Sighting {
                position,
                time: frame.time,
                direction: Direction::Up,
                payload_len: 0,
            },
            interface: Interface {
                id: frame.interface,
                index: interface_index,
            },
            encapsulation,
        }
    }

    /// The same, with the transport payload that was found.
    #[inline]
    fn with_payload(self, len: usize) -> Self {
        Self {
            count: Count {
                payload_bytes: len as u64,
                ..self.count
            },
            at: Sighting {
                payload_len: u32::try_from(len).unwrap_or(u32::MAX),
                ..self.at
            },
            ..self
        }
    }

    #[inline]
    fn place(&self, packet: &Packet<'_>, ports: (u16, u16), shown: Shown) -> Place {
        let end = |address, port| Endpoint { address, port };
        let (flow, direction) = FlowKey::of(
            end(packet.source, ports.0),
            end(packet.destination, ports.1),
            packet.protocol,
            self.interface,
            self.encapsulation,
        );
        Place {
            flow,
            direction,
            shown,
        }
    }

    fn portless(&self, packet: &Packet<'_>, stop: Stop) -> Place {
        let mut place = self.place(packet, (0, 0), Shown::Portless);
        place.flow.unread = Some(stop.into());
        place
    }
}

impl<'o> Worker<'o> {
    /// A worker that has seen nothing, and keeps at most `limit` flows apart.
    #[must_use]
    pub fn new(options: &'o decode::Options, limit: usize) -> Self {
        Self {
            options,
            limit,
            snapshot: Snapshot::new(limit),
            fragments: Vec::new(),
        }
    }

    /// Counts a packet of a part of the input.
    #[inline]
    pub fn packet(&mut self, part: Part, frame: &Frame<'_>) {
        if let Some(packet) = decode::ordinary(frame, self.options) {
            let here = Here::of(part, frame, 0, Encapsulation::default());
            self.snapshot.read(here.count, frame.time);
            self.transport(&packet, here);
        } else {
            self.decoded(part, frame);
        }
    }

    /// Counts a packet that is out of the ordinary.
    fn decoded(&mut self, part: Part, frame: &Frame<'_>) {
        let decoded = decode::decode(frame, self.options);
        let here = Here::of(part, frame, decoded.interface_index, decoded.encapsulation);
        self.snapshot.read(here.count, frame.time);
        match decoded.fragment {
            Some(fragment) if !fragment.first => self.later(&fragment, &decoded, here),
            fragment => {
                let first = self.content(&decoded.content, here);
                if let Some(fragment) = fragment {
                    let key = (here.interface, fragment.key);
                    let event = Event::First(first, frame.time);
                    self.fragments.push((key, event));
                }
            }
        }
    }

    /// The fragments seen since the last call, in order. Later ones are not counted yet.
    pub fn take_fragments(&mut self) -> Vec<(PacketKey, Event)> {
        std::mem::take(&mut self.fragments)
    }

    /// How many fragments there are to take.
    #[must_use]
    pub fn fragments_held(&self) -> usize {
        self.fragments.len()
    }

    /// What was counted since the last call; counting begins anew.
    pub fn take_snapshot(&mut self) -> Snapshot {
        let fresh = Snapshot::new(self.limit);
        std::mem::replace(&mut self.snapshot, fresh)
    }

    /// The counters so far.
    pub fn snapshot(&mut self) -> &mut Snapshot {
        &mut self.snapshot
    }

    /// The counters, for good.
    #[must_use]
    pub fn into_snapshot(self) -> Snapshot {
        self.snapshot
    }

    fn later(&mut self, fragment: &Fragment, decoded: &Decoded<'_>, here: Here) {
        let here = here.with_payload(fragment.len);
        let alone = match &decoded.content {
            Content::Packet(packet) => match packet.transport {
                Transport::Unread(stop) => Some(here.portless(packet, stop)),
                Transport::Ports { .. } => None,
            },
            _ => None,
        };
        let later = Later {
            count: here.count,
            at: here.at,
            alone,
        };
        let key = (here.interface, fragment.key);
        self.fragments.push((key, Event::Later(later)));
    }

    /// Counts what a frame holds, and says as what.
    #[inline]
    fn content(&mut self, content: &Content<'_>, here: Here) -> First {
        match content {
            Content::Packet(packet) => self.transport(packet, here),
            Content::Other => self.other(here),
            Content::Undecodable(stop) => {
                let reason = (*stop).into();
                self.snapshot.undecodable(reason, here.count);
                First::Undecodable(reason)
            }
        }
    }

    fn other(&mut self, here: Here) -> First {
        self.snapshot.other += here.count;
        First::Other
    }

    #[inline]
    fn transport(&mut self, packet: &Packet<'_>, here: Here) -> First {
        match packet.transport {
            Transport::Unread(stop) => {
                let place = here.portless(packet, stop);
                self.count(place, here);
                First::In(place)
            }
            Transport::Ports {
                source,
                destination,
                ref payload,
            } => self.segment(packet, (source, destination), payload, here),
        }
    }

    #[inline]
    fn segment(
        &mut self,
        packet: &Packet<'_>,
        ports: (u16, u16),
        payload: &Payload<'_>,
        here: Here,
    ) -> First {
        // On other ports only DTLS can be a path's, and it belongs in UDP.
        let elsewhere = !is_lustre_port(ports.0) && !is_lustre_port(ports.1);
        if elsewhere && packet.protocol == Protocol::Tcp {
            return self.other(here);
        }
        let (shown, records) = evidence::read(packet.protocol, payload);
        if elsewhere && shown == Shown::Datagram {
            return self.other(here);
        }
        let place = here.place(packet, ports, shown);
        let here = here.with_payload(payload.wire_len.unwrap_or(0));
        let (counted, at) = self.count(place, here);
        for record in records.into_iter().flatten() {
            counted.flow.dtls.get_or_insert_default().add(&record, at);
            counted.record_sizes.add(record.len.into());
        }
        if shown == Shown::Segment {
            let ends = Ends {
                source: packet.source,
                destination: packet.destination,
            };
            let called = ports.1 == LUSTRE_PORT;
            LustreFacts::read(&mut counted.flow.lustre, payload.bytes, ends, called, at);
        }
        First::In(place)
    }

    #[inline]
    fn count(&mut self, place: Place, here: Here) -> (Counted<'_>, Sighting) {
        let at = Sighting {
            direction: place.direction,
            ..here.at
        };
        let counted = self
            .snapshot
            .count(&place.flow, place.shown, here.count, at);
        (counted, at)
    }
}

//! One worker: each packet from its frame to the counters.

use super::fragments::{Event, First, FragmentEvents, Later, Place};
use super::snapshot::Snapshot;
use crate::capture::Frame;
use crate::decode::{
    self, Content, Decoded, Encapsulation, Fragment, Packet, Payload, Protocol, Transport,
};
use crate::evidence::{self, Shown, dtls, lnet::Ends};
use crate::flow::{
    Count, Direction, Heading, Interface, LUSTRE_PORT, LustreFacts, Position, Sighting,
    is_lustre_port,
};

/// A worker with its own counters.
#[derive(Debug)]
pub struct Worker<'o> {
    options: &'o decode::Options,
    limit: usize,
    snapshot: Snapshot,
    fragments: FragmentEvents,
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
struct Here<'f> {
    part: Part,
    frame: &'f Frame<'f>,
    interface_index: u32,
    encapsulation: Encapsulation,
}

impl Here<'_> {
    #[inline]
    fn interface(&self) -> Interface {
        Interface {
            id: self.frame.interface,
            index: self.interface_index,
        }
    }

    /// The packet, of whose transport payload this much was found.
    #[inline]
    fn count(&self, payload_len: usize) -> Count {
        Count {
            packets: 1,
            wire_bytes: self.frame.wire_len.into(),
            payload_bytes: payload_len as u64,
        }
    }

    #[inline]
    fn sighting(&self, direction: Direction, payload_len: usize) -> Sighting {
        Sighting {
            position: Position {
                file: self.part.file,
                piece: self.part.piece,
                packet: self.frame.number,
            },
            time: self.frame.time,
            direction,
            payload_len: u32::try_from(payload_len).unwrap_or(u32::MAX),
        }
    }

    #[inline]
    fn heading(&self, packet: &Packet<'_>, ports: (u16, u16)) -> Heading {
        Heading {
            source: packet.source,
            destination: packet.destination,
            ports,
            protocol: packet.protocol,
            unread: None,
            interface: self.interface(),
            encapsulation: self.encapsulation,
        }
    }

    /// The packet's flow, and as what it counts there.
    fn place(&self, packet: &Packet<'_>, shown: Shown) -> Place {
        let heading = match packet.transport {
            Transport::Ports {
                source,
                destination,
                ..
            } => self.heading(packet, (source, destination)),
            Transport::Unread(stop) => Heading {
                unread: Some(stop.into()),
                ..self.heading(packet, (0, 0))
            },
        };
        Place { heading, shown }
    }

    /// What it was counted as, where it showed something of a flow.
    fn first(&self, content: &Content<'_>, shown: Option<Shown>) -> First {
        match (content, shown) {
            (Content::Packet(packet), Some(shown)) => First::In(self.place(packet, shown)),
            (Content::Undecodable(stop), _) => First::Undecodable((*stop).into()),
            _ => First::Other,
        }
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
    pub fn packet(&mut self, part: Part, frame: &Frame<'_>) {
        self.snapshot.read(frame.wire_len, frame.time);
        let here = Here {
            part,
            frame,
            interface_index: 0,
            encapsulation: Encapsulation::default(),
        };
        match decode::ordinary(frame, self.options) {
            Some(packet) => {
                self.transport(&packet, &here);
            }
            None => self.decoded(here),
        }
    }

    /// Counts a packet that is out of the ordinary.
    #[cold]
    fn decoded(&mut self, here: Here<'_>) {
        let decoded = decode::unusual(here.frame, self.options);
        let here = Here {
            interface_index: decoded.interface_index,
            encapsulation: decoded.encapsulation,
            ..here
        };
        match decoded.fragment {
            Some(fragment) if !fragment.first => self.later(&fragment, &decoded, &here),
            fragment => {
                let shown = self.content(&decoded.content, &here);
                if let Some(fragment) = fragment {
                    let first = here.first(&decoded.content, shown);
                    let key = (here.interface(), fragment.key);
                    let event = Event::First(first, here.frame.time);
                    self.fragments.push((key, event));
                }
            }
        }
    }

    /// The fragments seen since the last call, in order. Later ones are not counted yet.
    pub fn take_fragments(&mut self) -> FragmentEvents {
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

    fn later(&mut self, fragment: &Fragment, decoded: &Decoded<'_>, here: &Here<'_>) {
        let alone = match &decoded.content {
            Content::Packet(packet) => match packet.transport {
                Transport::Unread(_) => Some(here.place(packet, Shown::Portless)),
                Transport::Ports { .. } => None,
            },
            _ => None,
        };
        let later = Later {
            count: here.count(fragment.len),
            at: here.sighting(Direction::Up, fragment.len),
            alone,
        };
        let key = (here.interface(), fragment.key);
        self.fragments.push((key, Event::Later(later)));
    }

    /// Counts what a frame holds, and says what it showed of a flow.
    #[inline(never)]
    fn content(&mut self, content: &Content<'_>, here: &Here<'_>) -> Option<Shown> {
        match content {
            Content::Packet(packet) => return self.transport(packet, here),
            Content::Other => self.snapshot.other += here.count(0),
            Content::Undecodable(stop) => {
                self.snapshot.undecodable((*stop).into(), here.count(0));
            }
        }
        None
    }

    /// Counts a packet of a flow, or of none that is a path's.
    #[inline(always)]
    fn transport(&mut self, packet: &Packet<'_>, here: &Here<'_>) -> Option<Shown> {
        match packet.transport {
            Transport::Unread(_) => {
                let Place { heading, shown } = here.place(packet, Shown::Portless);
                let mut spot = self.snapshot.table.at(&heading);
                let at = here.sighting(spot.direction, 0);
                spot.count(shown, here.count(0), &at);
                Some(shown)
            }
            Transport::Ports {
                source,
                destination,
                ref payload,
            } => self.segment(packet, (source, destination), payload, here),
        }
    }

    #[inline(always)]
    fn segment(
        &mut self,
        packet: &Packet<'_>,
        ports: (u16, u16),
        payload: &Payload<'_>,
        here: &Here<'_>,
    ) -> Option<Shown> {
        // On other ports only DTLS can be a path's, and it belongs in UDP.
        let elsewhere = !is_lustre_port(ports.0) && !is_lustre_port(ports.1);
        if elsewhere && packet.protocol == Protocol::Tcp {
            self.snapshot.other += here.count(0);
            return None;
        }
        let (shown, first) = evidence::read(packet.protocol, payload);
        if elsewhere && shown == Shown::Datagram {
            self.snapshot.other += here.count(0);
            return None;
        }
        let mut spot = self.snapshot.table.at(&here.heading(packet, ports));
        let len = payload.wire_len.unwrap_or(0);
        let at = here.sighting(spot.direction, len);
        spot.count(shown, here.count(len), &at);
        if let Some(first) = first {
            spot.record(&first, shown, &at);
            let mut is_one_epoch = true;
            if let Some(more) = dtls::behind(&first, payload.bytes, payload.datagram_len) {
                for record in more {
                    spot.record(&record, shown, &at);
                    is_one_epoch &= record.epoch == first.epoch;
                }
            }
            if shown == Shown::Ciphertext {
                let epoch = is_one_epoch.then_some(first.epoch);
                spot.count_protected(epoch, here.count(len), &at);
            }
        }
        if shown == Shown::Segment {
            let ends = Ends {
                source: packet.source,
                destination: packet.destination,
            };
            let called = ports.1 == LUSTRE_PORT;
            LustreFacts::read(&mut spot.flow.lustre, payload.bytes, ends, called, &at);
        }
        Some(shown)
    }
}

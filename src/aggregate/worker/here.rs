//! A packet's place in the input, and the flow that it is counted in.

use crate::aggregate::fragments::{CountedPlace, First};
use crate::capture::Frame;
use crate::decode::{Content, Encapsulation, Packet, Transport, TunnelPorts};
use crate::evidence::Shown;
use crate::flow::{Count, Direction, FiveTuple, Interface, Position, Reason, Sighting};

/// A part of the input that one worker walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputPart {
    /// The file, by its place in the order of the report.
    pub file: u32,
    /// The piece of it, from 0.
    pub piece: u32,
}

/// A packet's place and size, before it is known what it is.
#[derive(Clone, Copy)]
pub(super) struct Here<'f> {
    pub(super) part: InputPart,
    pub(super) frame: &'f Frame<'f>,
    pub(super) interface_index: u32,
    pub(super) encapsulation: Encapsulation,
    /// Offset of the innermost IP header, where a full walk found one.
    pub(super) ip_at: Option<usize>,
    pub(super) is_copy: bool,
}

impl<'f> Here<'f> {
    #[inline]
    pub(super) fn of(part: InputPart, frame: &'f Frame<'f>) -> Self {
        Self {
            part,
            frame,
            interface_index: 0,
            encapsulation: Encapsulation::default(),
            ip_at: None,
            is_copy: false,
        }
    }

    #[inline]
    pub(super) fn interface(&self) -> Interface {
        Interface {
            id: self.frame.interface,
            index: self.interface_index,
        }
    }

    /// Length of the frame before the capture cut it, in bytes.
    pub(super) fn wire_len(&self) -> usize {
        (self.frame.wire_len as usize).max(self.frame.data.len())
    }

    /// The packet, of whose transport payload this much was found.
    #[inline]
    pub(super) fn count(&self, payload_len: usize) -> Count {
        Count {
            packets: 1,
            wire_bytes: self.frame.wire_len.into(),
            payload_bytes: payload_len as u64,
        }
    }

    #[inline]
    pub(super) fn sighting(&self, direction: Direction, payload_len: usize) -> Sighting {
        Sighting {
            position: Position {
                file: self.part.file,
                piece: self.part.piece,
                packet: self.frame.number,
            },
            time: self.frame.time,
            direction,
            payload_len: u32::try_from(payload_len).unwrap_or(u32::MAX),
            is_copy: self.is_copy,
        }
    }

    #[inline]
    pub(super) fn five_tuple(&self, packet: &Packet<'_>, ports: (u16, u16)) -> FiveTuple {
        FiveTuple {
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
    pub(super) fn place(&self, packet: &Packet<'_>, shown: Shown) -> CountedPlace {
        let five_tuple = match packet.transport {
            Transport::Ports {
                source,
                destination,
                ..
            } => self.five_tuple(packet, (source, destination)),
            Transport::Unread(stop) => FiveTuple {
                unread: Some(stop.into()),
                ..self.five_tuple(packet, (0, 0))
            },
        };
        CountedPlace {
            five_tuple,
            shown,
            tunnel: None,
        }
    }

    /// Count that a first fragment goes to, given the content it showed of a flow.
    pub(super) fn first(
        &self,
        content: &Content<'_>,
        shown: Option<Shown>,
        options: &TunnelPorts,
    ) -> First {
        match (content, shown) {
            (Content::Packet(packet), Some(shown)) => First::In(CountedPlace {
                tunnel: options.unopened(&packet.transport).map(Reason::unsupported),
                ..self.place(packet, shown)
            }),
            (Content::Undecodable(stop), _) => First::Undecodable((*stop).into()),
            (Content::Packet(packet), None) => {
                First::Other(Some((packet.source, packet.destination)))
            }
            (Content::Other(_), _) => First::Other(None),
        }
    }
}

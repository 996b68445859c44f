//! Flows: what the packets of one 5-tuple have shown so far.
//!
//! Everything kept here merges: what two parts of a capture say of a flow adds up to
//! what the whole says, in any order.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::capture::{InterfaceId, Timestamp};
use crate::decode::{Address, Cause, DecodeStop, Encapsulation, Layer, Protocol, Unopened};
use crate::evidence::Shown;

pub mod choices;
pub mod datagrams;
pub mod dtls;
mod handshakes;
pub(crate) mod lowest;
pub mod lustre;
pub mod offers;
pub mod period;
pub mod position;
pub mod ranges;
mod recent;
pub mod seen_on;
pub mod sequence;
pub mod session;
pub mod sizes;
pub mod stored;
pub mod table;
pub mod tally;
pub mod timeline;
pub mod times;

pub use datagrams::Datagrams;
pub use dtls::DtlsFacts;
pub use lustre::LustreFacts;
pub use period::Period;
pub use position::Position;
pub use ranges::Ranges;
pub use seen_on::{Observer, SeenOn};
pub use sizes::Sizes;
pub use tally::{Count, Tally};
pub use timeline::Timeline;
pub use times::Times;

/// The port that clients and servers listen on (`LNET_ACCEPTOR_PORT`).
pub const LUSTRE_PORT: u16 = 988;
/// The source ports that Azure documents beside it.
pub const RESERVED_PORTS: std::ops::RangeInclusive<u16> = 1019..=1023;

/// Tests for a port whose traffic may be Lustre's.
#[inline]
#[must_use]
pub fn is_lustre_port(port: u16) -> bool {
    port == LUSTRE_PORT || RESERVED_PORTS.contains(&port)
}

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// IP address.
    pub address: Address,
    /// TCP or UDP port; 0 where ports could not be read.
    pub port: u16,
}

/// Direction of a packet in its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Direction {
    /// From the lower endpoint to the higher.
    Up,
    /// From the higher endpoint to the lower.
    Down,
}

impl Direction {
    /// Both ways.
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];

    /// The other way.
    #[must_use]
    pub fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// Why ports could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// The header that could not be read.
    pub layer: Layer,
    /// Fault of the header.
    pub cause: Cause,
}

impl Reason {
    /// A later fragment whose first one was not captured.
    pub const ORPHAN: Self = Self {
        layer: Layer::Fragment,
        cause: Cause::Orphan,
    };

    /// A datagram that wraps an IP packet or a Lustre message: it is of a tunnel that nothing
    /// tells.
    pub const WRAPPED: Self = Self::unsupported(Layer::Unopened(Unopened::OtherUdp));

    /// A packet with an `LNet` message or an IP packet behind a header that is not known, with an
    /// `LNet` message on other ports, or with a quote of a segment on Lustre's.
    pub const HIDDEN: Self = Self::unsupported(Layer::Unopened(Unopened::OtherLustre));

    /// A packet with more bytes behind the length of its IP header than any padding has.
    pub const TRAILER: Self = Self::unsupported(Layer::Unopened(Unopened::Trailer));

    /// A header for which there is no decoder.
    #[must_use]
    pub const fn unsupported(layer: Layer) -> Self {
        Self {
            layer,
            cause: Cause::Unsupported,
        }
    }
}

impl From<DecodeStop> for Reason {
    fn from(stop: DecodeStop) -> Self {
        Self {
            layer: stop.layer,
            cause: stop.cause,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let layer = self.layer;
        match self.cause {
            Cause::Capture => write!(f, "{layer} cut off by the capture"),
            Cause::Length => write!(f, "{layer} longer than its packet"),
            Cause::Malformed => write!(f, "{layer} malformed"),
            Cause::Nesting => write!(f, "{layer} nested too deep"),
            Cause::Unsupported => write!(f, "{layer} not supported"),
            Cause::Orphan => write!(f, "{layer} without its first"),
        }
    }
}

/// Five-tuple and context of a packet, from the sender's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiveTuple {
    /// Innermost source address.
    pub source: Address,
    /// Innermost destination address.
    pub destination: Address,
    /// Source and destination port; 0 where ports could not be read.
    pub ports: (u16, u16),
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Why the ports are 0, where they could not be read.
    pub unread: Option<Reason>,
    /// Interface that captured it.
    pub interface: Interface,
    /// The tunnels around it.
    pub encapsulation: Encapsulation,
}

/// Key of a flow, the same both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlowKey {
    /// The lower endpoint, by address and then port.
    pub low: Endpoint,
    /// The higher endpoint.
    pub high: Endpoint,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Why the ports are 0, where they could not be read.
    pub unread: Option<Reason>,
    /// NIC whose flow log says so. Captures do not set it: a flow is the same on all
    /// interfaces that see it.
    pub interface: Interface,
    /// The tunnels around it.
    pub encapsulation: Encapsulation,
}

/// Interface that captured a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interface {
    /// The interface that the capture file names.
    pub id: InterfaceId,
    /// The interface index in an SLL2 header, where one capture holds several; else 0.
    pub index: u32,
}

impl Interface {
    /// None in particular.
    pub const ANY: Self = Self {
        id: InterfaceId(0),
        index: 0,
    };
}

impl Hash for FlowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.low.address.0);
        state.write_u128(self.high.address.0);
        let ports = u64::from(self.low.port) << 16 | u64::from(self.high.port);
        state.write_u64(ports << 8 | self.protocol as u64);
        state.write_u64(self.interface.id.0);
        state.write_u32(self.interface.index);
        self.encapsulation.hash(state);
        self.unread.hash(state);
    }
}

impl FlowKey {
    /// The flow of a packet, and which way it went.
    #[must_use]
    pub fn of(five_tuple: &FiveTuple) -> (Self, Direction) {
        let end = |address, port| Endpoint { address, port };
        let source = end(five_tuple.source, five_tuple.ports.0);
        let destination = end(five_tuple.destination, five_tuple.ports.1);
        let (low, high, direction) = if source <= destination {
            (source, destination, Direction::Up)
        } else {
            (destination, source, Direction::Down)
        };
        let key = Self {
            low,
            high,
            protocol: five_tuple.protocol,
            unread: five_tuple.unread,
            interface: five_tuple.interface,
            encapsulation: five_tuple.encapsulation,
        };
        (key, direction)
    }

    /// The same flow on any interface.
    #[must_use]
    pub fn anywhere(self) -> Self {
        Self {
            interface: Interface::ANY,
            ..self
        }
    }

    /// The same flow in any tunnel as well: what one shows that another hides is told of both.
    #[must_use]
    pub fn ports_alone(self) -> Self {
        Self {
            encapsulation: Encapsulation::default(),
            ..self.anywhere()
        }
    }

    /// Scope by its ports.
    #[must_use]
    pub fn scope(&self) -> Scope {
        if let Some(reason) = self.unread {
            return Scope::Portless(reason);
        }
        let (low, high) = (self.low.port, self.high.port);
        let listener = match (low == LUSTRE_PORT, high == LUSTRE_PORT) {
            (true, false) => Some(Direction::Up),
            (false, true) => Some(Direction::Down),
            _ => None,
        };
        match (is_lustre_port(low), is_lustre_port(high)) {
            _ if low == LUSTRE_PORT || high == LUSTRE_PORT => Scope::Lustre { listener },
            (true, true) => Scope::Lustre { listener },
            (true, false) => Scope::Reserved { by: Direction::Up },
            (false, true) => Scope::Reserved {
                by: Direction::Down,
            },
            (false, false) => Scope::Elsewhere,
        }
    }

    /// The group that its packets are summed in.
    #[must_use]
    pub fn group(&self) -> GroupKey {
        GroupKey {
            low: self.low.address,
            high: self.high.address,
            protocol: self.protocol,
            interface: self.interface,
            scope: self.scope(),
        }
    }
}

/// Scope of a flow: what its ports say about whether it is a path's.
///
/// An end is named by the direction of the packets it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Lustre's ports: a path's in any case.
    Lustre {
        /// The end that listens on port 988, where only one does.
        listener: Option<Direction>,
    },
    /// A reserved client port on one end alone: Lustre, if the other is a server.
    Reserved {
        /// The end with the reserved port.
        by: Direction,
    },
    /// Other ports: a path's if it is DTLS and an end is a server.
    Elsewhere,
    /// Ports not readable: a path's if an end is a server.
    Portless(Reason),
}

/// Key that flows are summed by if there are too many to keep each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKey {
    /// The lower address.
    pub low: Address,
    /// The higher address.
    pub high: Address,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// NIC whose flow log says so, as of a [`FlowKey`].
    pub interface: Interface,
    /// Scope of the flows by their ports.
    pub scope: Scope,
}

impl GroupKey {
    /// An address that no packet comes from: all nodes, as multicast to every scope.
    const NO_ADDRESS: Address = Address(u128::MAX);

    /// Rest of the key, for groups that are too many to keep apart.
    #[must_use]
    pub fn beyond(self) -> Self {
        Self {
            low: Self::NO_ADDRESS,
            high: Self::NO_ADDRESS,
            interface: Interface::ANY,
            ..self
        }
    }

    /// Tests for such a rest, in place of a group of two addresses.
    #[must_use]
    pub fn is_beyond(&self) -> bool {
        self.low == Self::NO_ADDRESS
    }
}

/// A packet that shows something.
///
/// Ordered by position, so that "first" means the same however the input was split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sighting {
    /// Position in the input.
    pub position: Position,
    /// Time of the capture.
    pub time: Option<Timestamp>,
    /// The way it went in its flow.
    pub direction: Direction,
    /// Its transport payload on the wire, in bytes.
    pub payload_len: u32,
    /// True if another interface of its capture had shown the packet before: then its content
    /// counts, and its volume does not.
    pub is_copy: bool,
}

impl Sighting {
    /// The packet of this number in the only file.
    #[cfg(test)]
    fn of_packet(number: usize) -> Self {
        Self {
            position: Position {
                file: 0,
                piece: 0,
                packet: number as u64,
            },
            time: None,
            direction: Direction::Up,
            payload_len: 0,
            is_copy: false,
        }
    }

    /// Without a time it is before all that have one.
    #[inline]
    fn moment(&self) -> (i64, Position) {
        (self.time.map_or(i64::MIN, |time| time.0), self.position)
    }
}

/// Keeps the smaller of two things that may be missing.
fn keep_first<T: Ord>(kept: &mut Option<T>, other: Option<T>) {
    if let Some(other) = other
        && kept.as_ref().is_none_or(|first| other < *first)
    {
        *kept = Some(other);
    }
}

/// Facts and counts of a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    tallies: [Option<Box<Tally>>; Shown::ALL.len()],
    /// Facts of its DTLS records.
    pub dtls: Option<Box<DtlsFacts>>,
    /// Facts of its readable Lustre.
    pub lustre: Option<Box<LustreFacts>>,
    /// Interfaces and captures that saw it.
    pub seen_on: SeenOn,
}

impl Flow {
    /// Counts a packet that showed `shown`, unless it holds protected records alone: those are
    /// counted in their sessions, and summed when the flow is settled.
    #[inline(always)]
    pub fn count(&mut self, shown: Shown, count: Count, sighting: &Sighting) {
        let tally =
            self.tallies[shown as usize].get_or_insert_with(|| Box::new(Tally::new(*sighting)));
        tally.add(count, sighting);
    }

    /// The packets that showed `shown`, if there are any.
    #[must_use]
    pub fn tally(&self, shown: Shown) -> Option<&Tally> {
        self.tallies[shown as usize].as_deref()
    }

    /// All tallies that are not empty.
    pub fn tallies(&self) -> impl Iterator<Item = (Shown, &Tally)> {
        Shown::ALL
            .into_iter()
            .filter_map(|shown| Some((shown, self.tally(shown)?)))
    }

    /// Tests that no packet was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tallies().next().is_none()
    }

    /// Concludes what its sessions show by now.
    fn settle(&mut self) {
        if let Some(dtls) = &mut self.dtls {
            dtls.settle();
        }
        self.sum_sessions();
    }

    /// Frees what only more packets would need.
    fn close(&mut self) {
        if let Some(dtls) = &mut self.dtls {
            dtls.close();
        }
    }

    /// Sums the packets that are counted in sessions alone.
    fn sum_sessions(&mut self) {
        let sum = self.dtls.as_ref().and_then(|dtls| dtls.ciphertext());
        self.tallies[Shown::Ciphertext as usize] = sum.map(Box::new);
    }

    /// Packets of a flow that was not settled yet.
    fn placed(&self) -> Count {
        let protected = self.dtls.iter().map(|dtls| dtls.placed());
        let tallies = self
            .tallies()
            .filter(|&(shown, _)| shown != Shown::Ciphertext);
        tallies
            .map(|(_, tally)| tally.placed())
            .chain(protected)
            .sum()
    }

    /// Adds what another part of the input says of the flow.
    pub fn merge(&mut self, other: Self) {
        for (kept, more) in self.tallies.iter_mut().zip(other.tallies) {
            merge_boxed(kept, more, |kept, more| kept.merge(&more));
        }
        merge_boxed(&mut self.dtls, other.dtls, DtlsFacts::merge);
        merge_boxed(&mut self.lustre, other.lustre, LustreFacts::merge);
        self.seen_on.merge(&other.seen_on);
    }
}

fn merge_boxed<T>(kept: &mut Option<Box<T>>, more: Option<Box<T>>, merge: impl Fn(&mut T, T)) {
    match (kept, more) {
        (Some(kept), Some(more)) => merge(kept, *more),
        (kept @ None, more) => *kept = more,
        (Some(_), None) => {}
    }
}

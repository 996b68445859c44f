//! One worker: each packet from its frame to the counters.

use super::by_address::ByAddress;
use super::duplicates::{Sight, Window};
use super::expected::{Expected, PortKind};
use super::fingerprint::fingerprint;
use super::fragments::{CountedPlace, FragmentEvent, FragmentEvents, Later};
use super::sample::Sample;
use super::snapshot::Snapshot;
use crate::capture::Frame;
use crate::decode::{
    self, Address, Content, Decoded, Fragment, Packet, Payload, Protocol, Transport, TunnelPorts,
};
use crate::evidence::lnet::{self, NidEnds};
use crate::evidence::{self, Shown, dtls};
use crate::flow::{Direction, LUSTRE_PORT, LustreFacts, Period, Ranges, Reason, is_lustre_port};

mod here;
mod hidden;

use here::Here;
pub use here::InputPart;

/// A worker with its own counters.
#[derive(Debug)]
pub struct Worker<'o> {
    options: &'o TunnelPorts,
    limit: usize,
    /// Period that its packets are counted of.
    period: Period,
    snapshot: Snapshot,
    fragments: FragmentEvents,
    window: Window,
    /// The sample of a file's packets, where one is taken.
    sample: Option<(u32, Sample)>,
}

impl<'o> Worker<'o> {
    /// A worker that has seen nothing, and keeps at most `limit` flows apart.
    #[must_use]
    pub fn new(options: &'o TunnelPorts, limit: usize) -> Self {
        Self {
            options,
            limit,
            period: Period::ALWAYS,
            snapshot: Snapshot::new(limit),
            fragments: Vec::new(),
            window: Window::default(),
            sample: None,
        }
    }

    /// The same, which counts packets of a period alone for what they are.
    #[must_use]
    pub fn within(mut self, period: Period) -> Self {
        self.period = period;
        self
    }

    /// The same, which also looks for packets with servers that are expected.
    #[must_use]
    pub fn expecting(mut self, servers: impl IntoIterator<Item = Address>) -> Self {
        self.snapshot.expected = Expected::of(servers);
        self
    }

    /// The same, which keeps datagrams with these addresses before others.
    #[must_use]
    pub fn near(mut self, servers: Ranges) -> Self {
        self.snapshot = self.snapshot.near(servers);
        self
    }

    /// The same, of whose counts servers may be named later.
    #[must_use]
    pub fn by_address(mut self) -> Self {
        self.snapshot = self.snapshot.by_address();
        self
    }

    /// The same, which also takes a sample of the packets of the file that it walks.
    #[must_use]
    pub fn sampling(mut self, file: u32) -> Self {
        self.sample = Some((file, Sample::default()));
        self
    }

    /// Counts a packet of a part of the input.
    pub fn packet(&mut self, part: InputPart, frame: &Frame<'_>) {
        if !self.period.holds(frame.time) {
            return self.snapshot.pass(frame.wire_len);
        }
        self.snapshot.read(frame.wire_len, frame.time);
        if frame.has_siblings {
            self.window.pass(frame.data.len());
        }
        let mut here = Here::of(part, frame);
        match decode::fast_path(frame, self.options) {
            Some(packet) => {
                if self.identifies(frame) {
                    here.is_copy = self.identify(packet, here);
                }
                self.transport(&packet, &here);
            }
            None => self.walked(here),
        }
    }

    /// Looks at a packet before those that are to be counted, which may be its duplicates.
    pub fn look_ahead(&mut self, part: InputPart, frame: &Frame<'_>) {
        if !self.period.holds(frame.time) {
            return;
        }
        let decoded = decode::decode(frame, self.options);
        let here = Here {
            interface_index: decoded.interface_index,
            ..Here::of(part, frame)
        };
        self.window.pass(frame.data.len());
        if let Content::Packet(packet) = &decoded.content
            && frame.has_siblings
            && may_be_path(packet)
        {
            self.is_duplicate(ip(packet, frame), packet.protocol, &here);
        }
    }

    /// The last packets, of which those to come may be duplicates.
    pub fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Counts a packet that is not for the fast path.
    #[cold]
    fn walked(&mut self, here: Here<'_>) {
        let decoded = decode::full_walk(here.frame, self.options);
        let mut here = Here {
            interface_index: decoded.interface_index,
            encapsulation: decoded.encapsulation,
            ip_at: decoded.ends.map(|_| decoded.ip_at),
            ..here
        };
        if let Content::Packet(packet) = &decoded.content {
            if hidden::has_trailer(packet, here.frame.data) {
                return self.snapshot.undecodable(Reason::TRAILER, here.count(0));
            }
            if self.identifies(here.frame) {
                here.is_copy = self.identify(*packet, here);
            }
        }
        if !matches!(decoded.content, Content::Packet(_)) {
            self.meet(decoded.ends, |_| PortKind::Portless, here);
        }
        match decoded.fragment {
            Some(fragment) if !fragment.first => self.later(&fragment, &decoded, &here),
            fragment => {
                let shown = self.content(&decoded.content, &here);
                if let Some(fragment) = fragment {
                    let first = here.first(&decoded.content, shown, self.options);
                    let event = FragmentEvent::First(first, here.frame.time);
                    self.fragments.push((fragment.key, event));
                }
            }
        }
    }

    /// Tests for a frame that was or will be seen elsewhere, and so is to be identified.
    #[inline]
    fn identifies(&self, frame: &Frame<'_>) -> bool {
        frame.has_siblings || self.sample.is_some()
    }

    /// Looks for a packet that was or will be seen elsewhere: whether another interface of
    /// its capture has shown it before.
    ///
    /// Takes copies, so that the packet itself can stay in registers.
    #[inline(never)]
    fn identify(&mut self, packet: Packet<'_>, here: Here<'_>) -> bool {
        let frame = here.frame;
        if !may_be_path(&packet) {
            return false;
        }
        let ip = ip(&packet, frame);
        let is_copy = frame.has_siblings && self.is_duplicate(ip, packet.protocol, &here);
        if let (false, Some((_, sample))) = (is_copy, &mut self.sample) {
            sample.add(ip, packet.protocol);
        }
        is_copy
    }

    #[inline(never)]
    fn is_duplicate(&mut self, ip: &[u8], protocol: Protocol, here: &Here<'_>) -> bool {
        let Some((fingerprint, time)) = fingerprint(ip, protocol).zip(here.frame.time) else {
            return false;
        };
        self.window.see(&Sight {
            fingerprint,
            time,
            interface: here.interface(),
        })
    }

    /// The fragments seen since the last call, in order. Later ones are not counted yet.
    pub fn take_fragments(&mut self) -> FragmentEvents {
        std::mem::take(&mut self.fragments)
    }

    /// Number of fragments there are to take.
    #[must_use]
    pub fn fragments_held(&self) -> usize {
        self.fragments.len()
    }

    /// Takes the counts since the last call; counting begins anew.
    pub fn take_snapshot(&mut self) -> Snapshot {
        let fresh = Snapshot {
            expected: self.snapshot.expected.anew(),
            datagrams: self.snapshot.datagrams.anew(),
            by_address: anew(self.snapshot.by_address.as_deref()),
            ..Snapshot::new(self.limit)
        };
        std::mem::replace(&mut self.snapshot, fresh)
    }

    /// The counters so far.
    pub fn snapshot(&mut self) -> &mut Snapshot {
        &mut self.snapshot
    }

    /// The counters, for good.
    #[must_use]
    pub fn into_snapshot(mut self) -> Snapshot {
        let sample = self.sample;
        self.snapshot.samples.extend(sample);
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
        let frame = here.frame.data;
        let bytes = frame.get(fragment.offset..).unwrap_or_default();
        let bytes = &bytes[..bytes.len().min(fragment.len)];
        let later = Later {
            count: here.count(fragment.len),
            shown: evidence::in_fragment(bytes, fragment.len),
            at: here.sighting(Direction::Up, fragment.len),
            alone,
        };
        self.fragments
            .push((fragment.key, FragmentEvent::Later(later)));
    }

    /// Counts what a frame holds, and says what it showed of a flow.
    #[inline(never)]
    fn content(&mut self, content: &Content<'_>, here: &Here<'_>) -> Option<Shown> {
        match content {
            Content::Packet(packet) => return self.transport(packet, here),
            Content::Other(at) if hidden::in_stranger(here, *at) => {
                self.snapshot.undecodable(Reason::HIDDEN, here.count(0));
            }
            Content::Other(_) => self.snapshot.other += here.count(0),
            Content::Undecodable(stop) => {
                self.snapshot.undecodable((*stop).into(), here.count(0));
            }
        }
        None
    }

    /// Counts a segment on ports that are no path's.
    ///
    /// Takes copies, as [`Self::identify`] does.
    #[inline(never)]
    fn other(
        &mut self,
        packet: Packet<'_>,
        (ports, payload): ((u16, u16), Payload<'_>),
        here: Here<'_>,
    ) {
        let ends = (packet.source, packet.destination);
        let Snapshot {
            by_address,
            datagrams,
            ..
        } = &self.snapshot;
        let is_searched = by_address.is_some() || datagrams.is_between(ends.0, ends.1);
        if is_searched && lnet::holds_message(payload.bytes) {
            self.snapshot.hidden(Some(ends), here.count(0));
        } else {
            self.snapshot.other += here.count(0);
        }
        self.meet_ports(packet, ports, here);
    }

    /// Counts a datagram on ports that are a path's only where DTLS goes between them.
    #[inline(never)]
    fn datagram(
        &mut self,
        packet: Packet<'_>,
        ports: (u16, u16),
        (shown, len): (Shown, usize),
        here: Here<'_>,
    ) -> Shown {
        let tunnel = self.options.unopened(&packet.transport);
        let tunnel = tunnel.map(Reason::unsupported);
        let shown = match shown {
            Shown::Wrapped => Shown::Wrapped,
            _ if tunnel.is_some() => Shown::Tunnelled,
            shown => shown,
        };
        let five_tuple = here.five_tuple(&packet, ports);
        let at = here.sighting(Direction::Up, len);
        let datagrams = &mut self.snapshot.datagrams;
        datagrams.count(&five_tuple, (shown, tunnel), here.count(len), &at);
        self.meet_ports(packet, ports, here);
        shown
    }

    #[inline]
    fn meet_ports(
        &mut self,
        packet: Packet<'_>,
        (source, destination): (u16, u16),
        here: Here<'_>,
    ) {
        let ends = Some((packet.source, packet.destination));
        let port = |is_source| if is_source { source } else { destination };
        let kind = |is_source| PortKind::Port(packet.protocol, port(is_source));
        self.meet(ends, kind, here);
    }

    /// Notes a packet with a server that is expected, of which `kind` tells by whether the
    /// server sent it.
    #[inline]
    fn meet(
        &mut self,
        ends: Option<(Address, Address)>,
        kind: impl Fn(bool) -> PortKind,
        here: Here<'_>,
    ) {
        let Snapshot {
            expected,
            by_address,
            ..
        } = &mut self.snapshot;
        let Some((source, destination)) = ends.filter(|_| !here.is_copy) else {
            return;
        };
        if !expected.is_empty() {
            expected.meet(source, kind(true), 1);
            expected.meet(destination, kind(false), 1);
        }
        if let Some(by_address) = by_address {
            by_address.meet(source, kind(true));
            by_address.meet(destination, kind(false));
        }
    }

    /// Counts a packet of a flow, or of none that is a path's.
    #[inline(always)]
    fn transport(&mut self, packet: &Packet<'_>, here: &Here<'_>) -> Option<Shown> {
        match packet.transport {
            Transport::Unread(_) => {
                let CountedPlace {
                    five_tuple, shown, ..
                } = here.place(packet, Shown::Portless);
                let mut entry = self.snapshot.table.at(&five_tuple, here.part.file);
                let at = here.sighting(entry.direction, 0);
                entry.count(shown, here.count(0), &at);
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
            self.other(*packet, (ports, *payload), *here);
            return None;
        }
        let (shown, first) = evidence::read(packet.protocol, payload);
        if elsewhere && shown.is_datagram() {
            let what = (shown, payload.wire_len);
            return Some(self.datagram(*packet, ports, what, *here));
        }
        let mut entry = self
            .snapshot
            .table
            .at(&here.five_tuple(packet, ports), here.part.file);
        let len = payload.wire_len;
        let at = here.sighting(entry.direction, len);
        entry.count(shown, here.count(len), &at);
        if let Some(first) = first {
            let more = dtls::behind(&first, payload.bytes, payload.datagram_len);
            entry.records(&first, more, (shown, here.count(len)), &at);
        }
        if shown == Shown::Segment {
            let ends = NidEnds {
                source: packet.source,
                destination: packet.destination,
            };
            let called = ports.1 == LUSTRE_PORT;
            LustreFacts::read(&mut entry.flow.lustre, payload.bytes, ends, called, &at);
        }
        Some(shown)
    }
}

/// Nothing yet, where there is anything to be kept by address.
fn anew(by_address: Option<&ByAddress>) -> Option<Box<ByAddress>> {
    by_address.map(|by_address| Box::new(by_address.anew()))
}

/// Bytes captured of a packet, from its innermost IP header on.
#[inline]
fn ip<'f>(packet: &Packet<'_>, frame: &Frame<'f>) -> &'f [u8] {
    frame.data.get(packet.offset..).unwrap_or_default()
}

/// Tests that a packet can be a path's: on other ports only DTLS is, and it belongs in UDP.
fn may_be_path(packet: &Packet<'_>) -> bool {
    match packet.transport {
        Transport::Ports {
            source,
            destination,
            ..
        } => {
            packet.protocol == Protocol::Udp
                || is_lustre_port(source)
                || is_lustre_port(destination)
        }
        Transport::Unread(_) => true,
    }
}

//! Datagrams that are no DTLS, on ports that are none of Lustre's, in bounded memory.
//!
//! They are other traffic, unless DTLS of a path goes between the same ports: then they are
//! that path's, and what they show counts. Only the end of the input tells, so they are kept
//! by flow until then. Those with addresses that may be servers' have room of their own, so
//! that no flood of others leaves a path open.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lowest::{Lowest, SLACK};
use super::ranges::Ranges;
use super::recent::Recent;
use super::{Count, Direction, FiveTuple, Flow, FlowKey, Reason, Sighting};
use crate::decode::Address;
use crate::evidence::Shown;

/// Share of the limit that flows with nobody known get.
const FAR_SHARE: usize = 4;

/// Flows of datagrams that are no DTLS.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Datagrams {
    /// Addresses that may be servers'.
    servers: Ranges,
    /// Flows with one of these addresses.
    near: Lowest<FlowKey, Beside>,
    /// The others.
    far: Lowest<FlowKey, Beside>,
    /// Flows that are not kept.
    rest: Others,
    /// Places of flows, and the directions of packets in them.
    #[serde(skip)]
    recent: Recent<(Place, Direction)>,
}

/// Place of a flow among those near or far.
#[derive(Clone, Copy, Debug)]
struct Place {
    is_near: bool,
    number: u32,
}

/// Datagrams between two ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Beside {
    /// Packets as those of a path.
    flow: Flow,
    /// The same as those of none.
    others: Others,
}

impl Beside {
    fn merge(&mut self, other: Self) {
        self.flow.merge(other.flow);
        self.others.merge(&other.others);
    }
}

/// Packets that are no path's, duplicates as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Others {
    /// Packets that hold nothing of anybody's.
    pub plain: Count,
    /// Packets of tunnels that are not opened, and those that wrap an IP packet or a Lustre
    /// message.
    pub tunnelled: BTreeMap<Reason, Count>,
}

impl Others {
    fn add(&mut self, (shown, tunnel): (Shown, Option<Reason>), count: Count) {
        *match shown {
            Shown::Wrapped | Shown::Tunnelled => {
                let reason = tunnel.unwrap_or(Reason::WRAPPED);
                self.tunnelled.entry(reason).or_default()
            }
            _ => &mut self.plain,
        } += count;
    }

    fn merge(&mut self, other: &Self) {
        self.plain += other.plain;
        for (&reason, &count) in &other.tunnelled {
            *self.tunnelled.entry(reason).or_default() += count;
        }
    }
}

impl Datagrams {
    /// None yet; at most `limit` flows with addresses of `servers` are kept.
    #[must_use]
    pub fn new(limit: usize, servers: Ranges) -> Self {
        Self {
            servers,
            near: Lowest::new(limit),
            far: Lowest::new(limit / FAR_SHARE),
            rest: Others::default(),
            recent: Recent::default(),
        }
    }

    /// The same, with as much room for flows with nobody known: some may be named later.
    #[must_use]
    pub fn roomy(mut self) -> Self {
        self.far = Lowest::new(self.near.limit);
        self
    }

    /// Tests that all flows had room, so that any address may be named a server's.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.near.is_whole() && self.far.is_whole()
    }

    /// Servers that are known.
    #[must_use]
    pub fn servers(&self) -> &Ranges {
        &self.servers
    }

    /// The same as counted with other servers, with room as for those: exact if all flows
    /// [had room](Self::is_whole), and if there are no servers.
    #[must_use]
    pub fn with(self, servers: Ranges) -> Self {
        let mut all = Self::new(self.near.limit, servers);
        all.merge(self);
        all
    }

    /// Number of flows with servers that are kept.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.near.limit
    }

    /// None yet, with the same limit and servers.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self {
            servers: self.servers.clone(),
            near: Lowest::new(self.near.limit),
            far: Lowest::new(self.far.limit),
            rest: Others::default(),
            recent: Recent::default(),
        }
    }

    fn is_near(&self, key: &FlowKey) -> bool {
        self.is_between(key.low.address, key.high.address)
    }

    /// Tests that one of two addresses may be a server's.
    #[must_use]
    pub fn is_between(&self, one: Address, other: Address) -> bool {
        self.servers.hold(one, other)
    }

    /// Notes that a file shows a flow, which may be known of another one.
    pub fn observe(&mut self, five_tuple: &FiveTuple, file: u32) {
        self.look_up(five_tuple, file);
    }

    /// Counts a packet, which may be of a tunnel.
    pub fn count(
        &mut self,
        five_tuple: &FiveTuple,
        what: (Shown, Option<Reason>),
        count: Count,
        at: &Sighting,
    ) {
        let known = self.recent.find(five_tuple);
        let file = at.position.file;
        match known.or_else(|| self.look_up(five_tuple, file)) {
            Some((place, direction)) => {
                let beside = self.at(place);
                beside.others.add(what, count);
                let at = Sighting { direction, ..*at };
                beside.flow.count(what.0, count, &at);
            }
            None => self.rest.add(what, count),
        }
    }

    #[cold]
    fn look_up(&mut self, five_tuple: &FiveTuple, file: u32) -> Option<(Place, Direction)> {
        let (key, direction) = FlowKey::of(five_tuple);
        let place = self.place(&key.ports_alone())?;
        self.at(place).flow.seen_on.note(five_tuple.interface, file);
        self.recent.note(five_tuple, (place, direction));
        Some((place, direction))
    }

    /// Place of a flow, unless it is not kept.
    fn place(&mut self, key: &FlowKey) -> Option<Place> {
        self.fold(self.near.limit / SLACK);
        let is_near = self.is_near(key);
        let flows = if is_near {
            &mut self.near
        } else {
            &mut self.far
        };
        let number = flows.place(key)?;
        Some(Place { is_near, number })
    }

    fn at(&mut self, place: Place) -> &mut Beside {
        let flows = if place.is_near {
            &mut self.near
        } else {
            &mut self.far
        };
        &mut flows.entries[place.number as usize].1
    }

    fn fold(&mut self, slack: usize) {
        let near = self.near.shed(slack);
        let far = self.far.shed(slack);
        if near.is_empty() && far.is_empty() {
            return;
        }
        self.recent = Recent::default();
        for (_, beside) in near.iter().chain(&far) {
            self.rest.merge(&beside.others);
        }
    }

    /// Adds those of another part of the input.
    pub fn merge(&mut self, other: Self) {
        self.recent = Recent::default();
        let near = self.near.lower_ceiling(&other.near);
        let far = self.far.lower_ceiling(&other.far);
        for (_, beside) in near.iter().chain(&far) {
            self.rest.merge(&beside.others);
        }
        self.rest.merge(&other.rest);
        for (key, more) in other.near.entries.into_iter().chain(other.far.entries) {
            match self.place(&key) {
                Some(place) => self.at(place).merge(more),
                None => self.rest.merge(&more.others),
            }
        }
    }

    /// Takes out the flows between ports that are others' as well, once there are no more than
    /// may be kept.
    pub(crate) fn take(&mut self, is_taken: impl Fn(&FlowKey) -> bool) -> Vec<(FlowKey, Flow)> {
        self.fold(0);
        self.recent = Recent::default();
        let mut taken = self.near.take(&is_taken);
        taken.extend(self.far.take(&is_taken));
        let flows = taken.into_iter().map(|(key, beside)| (key, beside.flow));
        flows.collect()
    }

    /// Tests that no packet between these ports went into the rest.
    #[must_use]
    pub fn are_known(&self, key: &FlowKey) -> bool {
        let key = key.ports_alone();
        if self.is_near(&key) {
            self.near.admits(&key)
        } else {
            self.far.admits(&key)
        }
    }

    /// Tests that none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.near.entries.is_empty() && self.far.entries.is_empty()
    }

    /// Packets of all flows.
    #[must_use]
    pub fn placed(&self) -> Count {
        let others = self.others();
        let tunnelled = others.tunnelled.into_values();
        tunnelled.chain([others.plain]).sum()
    }

    /// All that are left.
    #[must_use]
    pub fn others(&self) -> Others {
        let mut others = self.rest.clone();
        let flows = self.near.entries.iter().chain(&self.far.entries);
        flows.for_each(|(_, beside)| others.merge(&beside.others));
        others
    }
}

impl Flow {
    /// Tests that it shows DTLS, or what may be such of version 1.3.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        let mut shown = self.tallies();
        shown.any(|(shown, _)| shown.is_dtls() || shown == Shown::Unified)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::decode::{Encapsulation, Protocol};
    use crate::flow::Interface;

    const LIMIT: usize = 8;

    /// A packet: client, server (below 2 it is known), content.
    type Packet = (u8, u8, Shown);

    fn five_tuple((client, server, _): Packet) -> FiveTuple {
        FiveTuple {
            source: Address(1000 + u128::from(client)),
            destination: Address(server.into()),
            ports: (40_000, 53),
            protocol: Protocol::Udp,
            unread: None,
            interface: Interface::ANY,
            encapsulation: Encapsulation::default(),
        }
    }

    fn key(packet: Packet) -> FlowKey {
        FlowKey::of(&five_tuple(packet)).0
    }

    fn none() -> Datagrams {
        Datagrams::new(LIMIT, Ranges::of([(Address(0), Address(1))]))
    }

    fn counted(packets: &[(usize, Packet)]) -> Datagrams {
        let mut all = none();
        for &(number, packet) in packets {
            let at = Sighting::of_packet(number);
            let count = Count {
                packets: 1,
                wire_bytes: 60,
                payload_bytes: 18,
            };
            let tunnel = (packet.1 == 3).then_some(Reason::ORPHAN);
            all.count(&five_tuple(packet), (packet.2, tunnel), count, &at);
        }
        all
    }

    fn packets() -> impl Strategy<Value = Vec<(usize, Packet)>> {
        let shown = prop_oneof![
            Just(Shown::Datagram),
            Just(Shown::Readable),
            Just(Shown::Wrapped),
            Just(Shown::Tunnelled)
        ];
        let packet = (0..20_u8, 0..4_u8, shown);
        prop::collection::vec(packet, 0..120).prop_map(|all| all.into_iter().enumerate().collect())
    }

    proptest! {
        #[test]
        fn any_split_in_any_order_gives_the_same(
            packets in packets(),
            cuts in prop::collection::vec(any::<Index>(), 0..4),
            backwards in any::<bool>(),
        ) {
            let mut whole = counted(&packets);
            whole.fold(0);
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(packets.len() + 1)).collect();
            cuts.extend([0, packets.len()]);
            cuts.sort_unstable();
            let mut parts: Vec<_> = cuts.windows(2).map(|cut| counted(&packets[cut[0]..cut[1]])).collect();
            if backwards {
                parts.reverse();
            }
            let mut sum = none();
            for part in parts {
                sum.merge(part);
            }
            sum.fold(0);
            prop_assert_eq!(sum.others(), whole.others());
            prop_assert_eq!(&sum.rest, &whole.rest);
            let total = whole.others();
            let tunnelled: u64 = total.tunnelled.values().map(|count| count.packets).sum();
            prop_assert_eq!(total.plain.packets + tunnelled, packets.len() as u64);
            for &(_, packet) in &packets {
                let key = key(packet);
                prop_assert_eq!(sum.are_known(&key), whole.are_known(&key));
                let [mut one, mut other] = [sum.clone(), whole.clone()];
                prop_assert_eq!(one.take(|it| *it == key), other.take(|it| *it == key));
                // What is known is all there.
                prop_assert!(!whole.are_known(&key) || !whole.clone().take(|it| *it == key).is_empty());
            }
        }

        #[test]
        fn flows_of_nobody_take_no_room_from_those_of_servers(packets in packets()) {
            let mut alone = none();
            let near: Vec<_> = packets.iter().copied().filter(|(_, packet)| packet.1 < 2).collect();
            alone.merge(counted(&near));
            let mut all = counted(&packets);
            alone.fold(0);
            all.fold(0);
            for &(_, packet) in &near {
                prop_assert_eq!(alone.are_known(&key(packet)), all.are_known(&key(packet)));
            }
        }
    }
}

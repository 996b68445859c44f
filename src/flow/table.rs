//! One worker's flows, in bounded memory.
//!
//! Where there are more flows than the limit, those with the lowest rank stay, and the
//! others fold into their group's sum. The rank is a hash of the key, so the same flows
//! stay whatever the order in which they came, and however the input was split: a flow
//! that is among the lowest of all is among the lowest of every part.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::lowest::{Lowest, SLACK, sorted};
use super::recent::Recent;
use super::{
    Count, Direction, DtlsFacts, FiveTuple, Flow, FlowKey, GroupKey, Sighting, Sizes, stored,
};
use crate::decode::Protocol;
use crate::evidence::{Shown, dtls::DtlsRecord};

/// Number of flows, and of groups of flows, kept apart by default.
pub const DEFAULT_LIMIT: usize = 8192;

/// The sum over some flows between two addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Sum of the flows that are not kept.
    pub folded: Flow,
    /// Original frame lengths, of all its flows.
    pub packet_sizes: Sizes,
    /// Lengths of DTLS records, as their length fields say, of all its flows.
    pub record_sizes: Sizes,
}

impl Group {
    fn merge(&mut self, other: Self) {
        self.folded.merge(other.folded);
        self.packet_sizes.merge(&other.packet_sizes);
        self.record_sizes.merge(&other.record_sizes);
    }
}

/// The flows and groups of one worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlowTable {
    flows: Lowest<FlowKey, Kept>,
    groups: Lowest<GroupKey, Group>,
    /// Groups beyond the limit, by what is left of their keys without the addresses.
    #[serde(serialize_with = "stored::in_order")]
    beyond: HashMap<GroupKey, Group, RandomState>,
    #[serde(skip)]
    recent: Recent<Known>,
}

/// A packet's flow and its group.
#[derive(Debug)]
pub struct FlowEntry<'t> {
    /// The flow, or the sum of those that are not kept apart.
    pub flow: &'t mut Flow,
    /// Direction of the packet in it.
    pub direction: Direction,
    packet_sizes: &'t mut Sizes,
    record_sizes: &'t mut Sizes,
}

impl<'t> FlowEntry<'t> {
    #[inline]
    fn new(flow: Option<&'t mut Flow>, group: &'t mut Group, direction: Direction) -> Self {
        Self {
            flow: flow.unwrap_or(&mut group.folded),
            direction,
            packet_sizes: &mut group.packet_sizes,
            record_sizes: &mut group.record_sizes,
        }
    }

    /// Counts the packet. One of protected records alone is still to be counted in its session.
    #[inline(always)]
    pub fn count(&mut self, shown: Shown, count: Count, at: &Sighting) {
        if !at.is_copy {
            let size = u32::try_from(count.wire_bytes).unwrap_or(u32::MAX);
            self.packet_sizes.add(size);
        }
        if shown != Shown::Ciphertext {
            self.flow.count(shown, count, at);
        }
    }

    /// Takes in the DTLS records of the packet, which showed `shown`, and counts it in its
    /// session if they all are protected.
    #[inline(always)]
    pub fn records<'a>(
        &mut self,
        first: &DtlsRecord<'a>,
        more: Option<impl Iterator<Item = DtlsRecord<'a>>>,
        (shown, count): (Shown, Count),
        at: &Sighting,
    ) {
        let count = (shown == Shown::Ciphertext).then_some(count);
        let Some(more) = more else {
            self.record(first, shown, count, at);
            return;
        };
        self.record(first, shown, None, at);
        let mut is_one = true;
        for record in more {
            self.record(&record, shown, None, at);
            is_one &= record.epoch == first.epoch;
        }
        if let Some(count) = count {
            self.dtls().count(is_one.then_some(first.epoch), count, at);
        }
    }

    #[inline(always)]
    fn record(
        &mut self,
        record: &DtlsRecord<'_>,
        shown: Shown,
        alone: Option<Count>,
        at: &Sighting,
    ) {
        self.dtls().add(record, shown, alone, at);
        if !at.is_copy {
            self.record_sizes.add(record.len.into());
        }
    }

    #[inline(always)]
    fn dtls(&mut self) -> &mut DtlsFacts {
        self.flow.dtls.get_or_insert_default()
    }

    /// Counts a later IP fragment as what its first one showed.
    pub fn count_fragment(&mut self, shown: Shown, count: Count, at: &Sighting) {
        self.count(shown, count, at);
        if shown == Shown::Ciphertext {
            self.dtls().count_fragment(count, at);
        }
    }
}

/// A flow that is kept apart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Kept {
    flow: Flow,
    /// The place of its group, once it was looked up.
    #[serde(skip)]
    group: Option<u32>,
}

/// Contents of a table, sorted.
#[derive(Debug, Default, PartialEq)]
pub struct Contents<'t> {
    /// Flows that were kept apart.
    pub flows: Vec<(FlowKey, &'t Flow)>,
    /// Groups that were kept apart.
    pub groups: Vec<(GroupKey, &'t Group)>,
    /// Sums of the rest, with zeros for addresses and interface.
    pub beyond: Vec<(GroupKey, &'t Group)>,
}

impl FlowTable {
    /// An empty table that keeps at most `limit` flows and as many groups.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            flows: Lowest::new(limit),
            groups: Lowest::new(limit),
            beyond: HashMap::default(),
            recent: Recent::default(),
        }
    }

    /// Finds the entry that a packet of a file is to be counted in.
    #[inline(always)]
    pub fn at(&mut self, five_tuple: &FiveTuple, file: u32) -> FlowEntry<'_> {
        match self.recent.find(five_tuple) {
            Some(Known {
                flow,
                group,
                direction,
            }) => {
                let flow = &mut self.flows.entries[flow as usize].1.flow;
                let group = &mut self.groups.entries[group as usize].1;
                FlowEntry::new(Some(flow), group, direction)
            }
            // A copy, so that the five_tuple itself can stay in registers.
            None => self.look_up(*five_tuple, file),
        }
    }

    #[cold]
    fn look_up(&mut self, five_tuple: FiveTuple, file: u32) -> FlowEntry<'_> {
        let (key, direction) = FlowKey::of(&five_tuple);
        let key = key.anywhere();
        let places = self.places(&key);
        if let (Some(flow), Some(group)) = places {
            let known = Known {
                flow,
                group,
                direction,
            };
            self.recent.note(&five_tuple, known);
        }
        let (flow, group) = self.get(&key, places);
        let entry = FlowEntry::new(flow, group, direction);
        entry.flow.seen_on.note(five_tuple.interface, file);
        entry
    }

    /// The places of a flow and of its group, where they are kept apart.
    fn places(&mut self, key: &FlowKey) -> (Option<u32>, Option<u32>) {
        self.make_room();
        let Some(flow) = self.flows.place(key) else {
            return (None, self.groups.place(&key.group()));
        };
        let kept = &mut self.flows.entries[flow as usize].1;
        if kept.group.is_none() {
            kept.group = self.groups.place(&key.group());
        }
        (Some(flow), kept.group)
    }

    fn get(
        &mut self,
        key: &FlowKey,
        (flow, group): (Option<u32>, Option<u32>),
    ) -> (Option<&mut Flow>, &mut Group) {
        let flow = flow.map(|place| &mut self.flows.entries[place as usize].1.flow);
        let group = match group {
            Some(place) => &mut self.groups.entries[place as usize].1,
            None => self.beyond.entry(key.group().beyond()).or_default(),
        };
        (flow, group)
    }

    /// Adds another table's flows.
    pub fn merge(&mut self, other: Self) {
        if self.is_empty() && self.flows.limit == other.flows.limit {
            *self = other;
            return;
        }
        for (key, more) in other.groups.entries {
            group(&mut self.groups, &mut self.beyond, key).merge(more);
            self.make_room();
        }
        for (key, more) in other.beyond {
            self.beyond.entry(key).or_default().merge(more);
        }
        for (key, more) in other.flows.entries {
            let places = self.places(&key);
            let (flow, group) = self.get(&key, places);
            flow.unwrap_or(&mut group.folded).merge(more.flow);
        }
    }

    fn is_empty(&self) -> bool {
        self.flows.entries.is_empty() && self.groups.entries.is_empty() && self.beyond.is_empty()
    }

    /// Packets of a table that was not settled yet.
    #[must_use]
    pub fn placed(&self) -> Count {
        let kept = self.flows.entries.iter().map(|(_, kept)| &kept.flow);
        let groups = self.groups.entries.iter().map(|(_, group)| group);
        let folded = groups.chain(self.beyond.values()).map(|it| &it.folded);
        kept.chain(folded).map(Flow::placed).sum()
    }

    /// Flows of UDP that are kept apart, by their ports alone: of those in several tunnels the
    /// lowest.
    #[must_use]
    pub fn by_ports(&self) -> HashMap<FlowKey, FlowKey, RandomState> {
        let mut flows = HashMap::<_, FlowKey, _>::default();
        let udp = |(key, _): &&(FlowKey, Kept)| key.protocol == Protocol::Udp;
        for &(key, _) in self.flows.entries.iter().filter(udp) {
            let kept = flows.entry(key.ports_alone()).or_insert(key);
            *kept = key.min(*kept);
        }
        flows
    }

    /// Adds to a flow that is kept apart.
    pub fn add(&mut self, key: &FlowKey, more: Flow) {
        if let Some(place) = self.flows.find(key) {
            self.flows.entries[place as usize].1.flow.merge(more);
        }
    }

    /// Folds down to the limit exactly, and the flows whose group is not kept apart.
    pub fn settle(&mut self) {
        self.fold_to(0);
        let groups = &self.groups;
        let lone = self.flows.take(|key| !groups.admits(&key.group()));
        if !lone.is_empty() {
            self.recent = Recent::default();
        }
        for (key, kept) in lone {
            self.fold(key, kept.flow);
        }
        for (_, kept) in &mut self.flows.entries {
            kept.flow.settle();
        }
        let kept = self.groups.entries.iter_mut().map(|(_, group)| group);
        for group in kept.chain(self.beyond.values_mut()) {
            group.folded.sum_sessions();
        }
    }

    /// Frees what only more packets would need, once it is [settled](Self::settle).
    pub fn close(&mut self) {
        self.flows.entries.shrink_to_fit();
        self.groups.entries.shrink_to_fit();
        let flows = self.flows.entries.iter_mut();
        let flows = flows.map(|(_, kept)| &mut kept.flow);
        let groups = self.groups.entries.iter_mut().map(|(_, group)| group);
        let folded = groups.chain(self.beyond.values_mut());
        flows
            .chain(folded.map(|group| &mut group.folded))
            .for_each(Flow::close);
    }

    /// All flows and groups of a table that was [settled](Self::settle).
    #[must_use]
    pub fn contents(&self) -> Contents<'_> {
        let flows = self.flows.entries.iter();
        Contents {
            flows: sorted(flows.map(|(key, kept)| (*key, &kept.flow))),
            groups: sorted(self.groups.entries.iter().map(|(key, group)| (*key, group))),
            beyond: sorted(self.beyond.iter().map(|(key, group)| (*key, group))),
        }
    }

    fn make_room(&mut self) {
        self.fold_to(self.flows.limit / SLACK);
    }

    /// Folds flows and groups, if there are more than `slack` beyond the limit.
    fn fold_to(&mut self, slack: usize) {
        if !self.groups.exceeds(slack) && !self.flows.exceeds(slack) {
            return;
        }
        self.recent = Recent::default();
        for (_, kept) in &mut self.flows.entries {
            kept.group = None;
        }
        for (key, more) in self.groups.shed(slack) {
            self.beyond.entry(key.beyond()).or_default().merge(more);
        }
        for (key, kept) in self.flows.shed(slack) {
            self.fold(key, kept.flow);
        }
    }

    fn fold(&mut self, key: FlowKey, flow: Flow) {
        let group = group(&mut self.groups, &mut self.beyond, key.group());
        group.folded.merge(flow);
    }
}

/// A flow whose places are known.
#[derive(Clone, Copy, Debug)]
struct Known {
    flow: u32,
    group: u32,
    direction: Direction,
}

fn group<'t>(
    groups: &'t mut Lowest<GroupKey, Group>,
    beyond: &'t mut HashMap<GroupKey, Group, RandomState>,
    key: GroupKey,
) -> &'t mut Group {
    match groups.place(&key) {
        Some(place) => &mut groups.entries[place as usize].1,
        None => beyond.entry(key.beyond()).or_default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::capture::InterfaceId;
    use crate::decode::{Address, Encapsulation};
    use crate::flow::Interface;

    const LIMIT: usize = 4;

    /// A packet of one of many flows: client, port, length.
    type Packet = (u8, u16, u16);

    fn count(table: &mut FlowTable, number: usize, packet: Packet) {
        let (client, port, len) = packet;
        let interface = Interface {
            id: InterfaceId::of(""),
            index: 0,
        };
        let five_tuple = FiveTuple {
            source: Address(client.into()),
            destination: Address(1000),
            ports: (port, 988),
            protocol: Protocol::Tcp,
            unread: None,
            interface,
            encapsulation: Encapsulation::default(),
        };
        let mut entry = table.at(&five_tuple, 0);
        assert_eq!(entry.direction, Direction::Up);
        let at = Sighting::of_packet(number);
        let count = Count {
            packets: 1,
            wire_bytes: len.into(),
            payload_bytes: 0,
        };
        entry.count(Shown::Segment, count, &at);
    }

    fn table(packets: &[(usize, Packet)]) -> FlowTable {
        let mut table = FlowTable::new(LIMIT);
        for &(number, packet) in packets {
            count(&mut table, number, packet);
        }
        table
    }

    fn total(contents: &Contents) -> u64 {
        let groups = contents.groups.iter().chain(&contents.beyond);
        let flows = contents.flows.iter().map(|(_, flow)| *flow);
        flows
            .chain(groups.map(|(_, group)| &group.folded))
            .flat_map(Flow::tallies)
            .map(|(_, tally)| tally.count(Direction::Up).packets)
            .sum()
    }

    proptest! {
        #[test]
        fn any_split_in_any_order_gives_the_same(
            packets in prop::collection::vec((0_u8..12, 1000_u16..1004, 60_u16..90), 0..120),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
            backwards in any::<bool>(),
        ) {
            let numbered: Vec<_> = packets.into_iter().enumerate().collect();
            let mut whole = table(&numbered);
            whole.settle();
            let whole = whole.contents();
            prop_assert_eq!(total(&whole), numbered.len() as u64);
            prop_assert!(whole.flows.len() <= LIMIT && whole.groups.len() <= LIMIT);

            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(numbered.len() + 1)).collect();
            cuts.extend([0, numbered.len()]);
            cuts.sort_unstable();
            let mut parts: Vec<_> = cuts.windows(2).map(|cut| table(&numbered[cut[0]..cut[1]])).collect();
            if backwards {
                parts.reverse();
            }
            let mut sum = FlowTable::new(LIMIT);
            for part in parts {
                sum.merge(part);
            }
            sum.settle();
            let sum = sum.contents();
            prop_assert_eq!(sum.flows, whole.flows);
            // Sizes are compared by what they report: how they are stored may differ.
            let sizes = |groups: &[(GroupKey, &Group)]| -> Vec<_> {
                groups.iter().map(|(key, group)| (*key, group.folded.clone(), group.packet_sizes.percentiles())).collect()
            };
            prop_assert_eq!(sizes(&sum.groups), sizes(&whole.groups));
            prop_assert_eq!(sizes(&sum.beyond), sizes(&whole.beyond));
        }
    }
}

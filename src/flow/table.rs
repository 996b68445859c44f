//! One worker's flows, in bounded memory.
//!
//! Where there are more flows than the limit, those with the lowest rank stay, and the
//! others fold into their group's sum. The rank is a hash of the key, so the same flows
//! stay whatever the order in which they came, and however the input was split: a flow
//! that is among the lowest of all is among the lowest of every part.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::{FixedState, RandomState};
use hashbrown::HashMap;

use super::{Count, Flow, FlowKey, GroupKey, Sighting, Sizes};
use crate::evidence::Shown;

/// How many flows, and how many groups of flows, are kept apart by default.
pub const DEFAULT_LIMIT: usize = 16_384;

/// Times the limit before anything is folded: then folding costs little a flow.
const SLACK: usize = 2;

/// The sum over some flows between two addresses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// What the flows that are not kept showed together.
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
#[derive(Clone, Debug)]
pub struct Table {
    flows: Lowest<FlowKey, Flow>,
    groups: Lowest<GroupKey, Group>,
    /// Groups beyond the limit, by what is left of their keys without the addresses.
    beyond: HashMap<GroupKey, Group, RandomState>,
}

/// What a table holds, sorted.
#[derive(Debug, PartialEq)]
pub struct Contents {
    /// The flows that were kept apart.
    pub flows: Vec<(FlowKey, Flow)>,
    /// All groups that were kept apart.
    pub groups: Vec<(GroupKey, Group)>,
    /// The sums of the rest, with zeros for addresses and interface.
    pub beyond: Vec<(GroupKey, Group)>,
}

impl Table {
    /// An empty table that keeps at most `limit` flows and as many groups.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            flows: Lowest::new(limit),
            groups: Lowest::new(limit),
            beyond: HashMap::default(),
        }
    }

    /// Counts a packet, and gives the places where more of it can be noted.
    pub fn count(
        &mut self,
        key: &FlowKey,
        shown: Shown,
        count: Count,
        at: Sighting,
    ) -> Counted<'_> {
        self.fold_to(SLACK);
        let group = group(&mut self.groups, &mut self.beyond, key.group());
        let size = u32::try_from(count.wire_bytes).unwrap_or(u32::MAX);
        group.packet_sizes.add(size);
        let flow = self.flows.entry(key).unwrap_or(&mut group.folded);
        flow.count(shown, count, at);
        Counted {
            flow,
            record_sizes: &mut group.record_sizes,
        }
    }

    /// Adds another table's flows.
    pub fn merge(&mut self, other: Self) {
        for (key, more) in other.groups.kept {
            group(&mut self.groups, &mut self.beyond, key).merge(more);
            self.fold_to(SLACK);
        }
        for (key, more) in other.beyond {
            self.beyond.entry(key).or_default().merge(more);
        }
        for (key, more) in other.flows.kept {
            let group = group(&mut self.groups, &mut self.beyond, key.group());
            let flow = self.flows.entry(&key).unwrap_or(&mut group.folded);
            flow.merge(more);
            self.fold_to(SLACK);
        }
    }

    /// Everything, sorted, and at the limit exactly.
    #[must_use]
    pub fn into_contents(mut self) -> Contents {
        self.fold_to(1);
        let groups = &self.groups;
        let is_lone = |key: &FlowKey, _: &mut Flow| !groups.admits(&key.group());
        let lone: Vec<_> = self.flows.kept.extract_if(is_lone).collect();
        for (key, flow) in lone {
            self.fold(key, flow);
        }
        Contents {
            flows: sorted(self.flows.kept),
            groups: sorted(self.groups.kept),
            beyond: sorted(self.beyond),
        }
    }

    /// Folds flows and groups, if there are more than `slack` times the limit.
    fn fold_to(&mut self, slack: usize) {
        for (key, more) in self.groups.shed(slack) {
            self.beyond.entry(key.beyond()).or_default().merge(more);
        }
        for (key, flow) in self.flows.shed(slack) {
            self.fold(key, flow);
        }
    }

    fn fold(&mut self, key: FlowKey, flow: Flow) {
        let group = group(&mut self.groups, &mut self.beyond, key.group());
        group.folded.merge(flow);
    }
}

/// Where a counted packet's further facts are noted.
#[derive(Debug)]
pub struct Counted<'t> {
    /// Its flow, or the sum of those that are not kept apart.
    pub flow: &'t mut Flow,
    /// The record sizes of its group.
    pub record_sizes: &'t mut Sizes,
}

fn group<'t>(
    groups: &'t mut Lowest<GroupKey, Group>,
    beyond_limit: &'t mut HashMap<GroupKey, Group, RandomState>,
    key: GroupKey,
) -> &'t mut Group {
    match groups.entry(&key) {
        Some(group) => group,
        None => beyond_limit.entry(key.beyond()).or_default(),
    }
}

fn sorted<K: Ord, V, S>(map: HashMap<K, V, S>) -> Vec<(K, V)> {
    let mut all: Vec<_> = map.into_iter().collect();
    all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    all
}

/// A map that keeps the entries of the lowest rank.
#[derive(Clone, Debug)]
struct Lowest<K, V> {
    kept: HashMap<K, V, RandomState>,
    limit: usize,
    /// No key of a higher rank is kept.
    ceiling: u64,
}

impl<K: Hash + Eq + Copy, V: Default> Lowest<K, V> {
    fn new(limit: usize) -> Self {
        Self {
            kept: HashMap::default(),
            limit: limit.max(1),
            ceiling: u64::MAX,
        }
    }

    /// The seed is fixed: which entries stay must not change from run to run.
    fn rank(key: &K) -> u64 {
        FixedState::with_seed(0x988).hash_one(key)
    }

    fn admits(&self, key: &K) -> bool {
        self.ceiling == u64::MAX || Self::rank(key) <= self.ceiling
    }

    /// The entry of a key, new if need be; `None` if its rank is too high.
    fn entry(&mut self, key: &K) -> Option<&mut V> {
        if self.admits(key) {
            Some(self.kept.entry(*key).or_default())
        } else {
            None
        }
    }

    /// Takes out the entries of the highest ranks, if there are more than `slack` times
    /// the limit, and lowers the ceiling to what is left.
    fn shed(&mut self, slack: usize) -> Vec<(K, V)> {
        if self.kept.len() <= self.limit * slack {
            return Vec::new();
        }
        let mut ranks: Vec<u64> = self.kept.keys().map(Self::rank).collect();
        self.ceiling = *ranks.select_nth_unstable(self.limit - 1).1;
        let ceiling = self.ceiling;
        self.kept
            .extract_if(|key, _| Self::rank(key) > ceiling)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::capture::InterfaceId;
    use crate::decode::{Address, Encapsulation, Protocol};
    use crate::flow::{Direction, Endpoint, Interface, Position};

    const LIMIT: usize = 4;

    /// A packet of one of many flows: client, port, length.
    type Packet = (u8, u16, u16);

    fn count(table: &mut Table, number: usize, packet: Packet) {
        let (client, port, len) = packet;
        let end = |address: u128, port| Endpoint {
            address: Address(address),
            port,
        };
        let interface = Interface {
            id: InterfaceId(0),
            index: 0,
        };
        let (key, direction) = FlowKey::of(
            end(client.into(), port),
            end(1000, 988),
            Protocol::Tcp,
            interface,
            Encapsulation::default(),
        );
        assert_eq!(direction, Direction::Up);
        let at = Sighting {
            position: Position {
                file: 0,
                packet: number as u64,
            },
            time: None,
            direction,
            payload_len: 0,
        };
        let count = Count {
            packets: 1,
            wire_bytes: len.into(),
            payload_bytes: 0,
        };
        table.count(&key, Shown::Segment, count, at);
    }

    fn table(packets: &[(usize, Packet)]) -> Table {
        let mut table = Table::new(LIMIT);
        for &(number, packet) in packets {
            count(&mut table, number, packet);
        }
        table
    }

    fn total(contents: &Contents) -> u64 {
        let groups = contents.groups.iter().chain(&contents.beyond);
        let flows = contents.flows.iter().map(|(_, flow)| flow);
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
            let whole = table(&numbered).into_contents();
            prop_assert_eq!(total(&whole), numbered.len() as u64);
            prop_assert!(whole.flows.len() <= LIMIT && whole.groups.len() <= LIMIT);

            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(numbered.len() + 1)).collect();
            cuts.extend([0, numbered.len()]);
            cuts.sort_unstable();
            let mut parts: Vec<_> = cuts.windows(2).map(|cut| table(&numbered[cut[0]..cut[1]])).collect();
            if backwards {
                parts.reverse();
            }
            let mut sum = Table::new(LIMIT);
            for part in parts {
                sum.merge(part);
            }
            let sum = sum.into_contents();
            prop_assert_eq!(sum.flows, whole.flows);
            // Sizes are compared by what they report: how they are stored may differ.
            let sizes = |groups: &[(GroupKey, Group)]| -> Vec<_> {
                groups.iter().map(|(key, group)| (*key, group.folded.clone(), group.packet_sizes.percentiles())).collect()
            };
            prop_assert_eq!(sizes(&sum.groups), sizes(&whole.groups));
            prop_assert_eq!(sizes(&sum.beyond), sizes(&whole.beyond));
        }
    }
}

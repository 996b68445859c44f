//! What the logs say of each flow, in bounded memory.
//!
//! As with [packets](crate::flow::table), those flows stay apart whose keys have the
//! lowest hashes, and the others fold into the sums of their groups, so that the order
//! of the files changes nothing.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;

use super::time::{Slots, is_gapless};
use super::tuple::Volume;
use super::{Mac, Span, State, Tuple};
use crate::capture::{InterfaceId, Timestamp};
use crate::decode::{Cause, Encapsulation, Layer, Protocol};
use crate::flow::{FlowKey, GroupKey, Heading, Interface, Reason};

/// Why a flow that was logged without its ports has none.
const NO_PORTS: Reason = Reason {
    layer: Layer::Tcp,
    cause: Cause::Unsupported,
};

/// A tuple's place in the input. The earliest is the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// When it was logged.
    pub time: Timestamp,
    /// The file, by its place in the order of the report.
    pub file: u32,
    /// The record in the file, from 1.
    pub record: u64,
    /// The NIC that logged it.
    pub mac: Mac,
}

/// What was logged of some flows in one state, in one slot of captured time or at no
/// captured time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Packets, both ways.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The first tuple.
    pub first: Entry,
    /// The time of the last.
    pub last: Timestamp,
    /// The time that they tell of.
    pub told: Span,
    /// The slot of captured time; `None` for what tells of none.
    pub slot: Option<i64>,
}

impl Tally {
    fn of(tuple: &Tuple<'_>, first: Entry, slot: Option<i64>) -> Self {
        let sum = |of: fn(&Volume) -> u64| of(&tuple.sent).saturating_add(of(&tuple.received));
        Self {
            packets: sum(|volume| volume.packets),
            bytes: sum(|volume| volume.bytes),
            first,
            last: tuple.time,
            told: Span::told(tuple),
            slot,
        }
    }

    /// Whether it tells of all its time. In the long slots of long captures there can be
    /// holes.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        is_gapless(self.first.time, self.last)
    }

    /// The same time, and none of the volume.
    pub(super) fn emptied(self) -> Self {
        let (packets, bytes) = (0, 0);
        Self {
            packets,
            bytes,
            ..self
        }
    }

    /// Adds what else was logged in the same state. Of several slots the sum is in the first.
    pub fn merge(&mut self, more: &Self) {
        self.packets = self.packets.saturating_add(more.packets);
        self.bytes = self.bytes.saturating_add(more.bytes);
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
        self.told = self.told.join(more.told);
        self.slot = self.slot.min(more.slot);
    }
}

/// What was logged of a flow, by state and slot, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct States(Vec<(State, Tally)>);

impl States {
    /// Adds what was logged in a state.
    pub fn add(&mut self, state: State, tally: &Tally) {
        let place = |&(state, tally): &(State, Tally)| (state, tally.slot);
        match self.0.binary_search_by_key(&(state, tally.slot), place) {
            Ok(place) => self.0[place].1.merge(tally),
            Err(place) => self.0.insert(place, (state, *tally)),
        }
    }

    pub(super) fn merge(&mut self, more: &Self) {
        more.iter()
            .for_each(|(state, tally)| self.add(state, tally));
    }

    /// The states, and what was logged in each, by slot.
    pub fn iter(&self) -> impl Iterator<Item = (State, &Tally)> {
        self.0.iter().map(|(state, tally)| (*state, tally))
    }

    fn logged_by(&mut self, mac: Mac) {
        for (_, tally) in &mut self.0 {
            tally.first.mac = mac;
        }
    }
}

/// The flows of some logs. The interface of a key is the NIC's MAC address.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) flows: Lowest<FlowKey>,
    pub(super) groups: Lowest<GroupKey>,
    /// Groups beyond the limit, by what is left of their keys without the addresses.
    pub(super) beyond: BTreeMap<GroupKey, States>,
    /// The time that is kept apart.
    slots: Option<Slots>,
}

impl Table {
    /// An empty table that keeps at most `limit` flows and as many groups apart.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            flows: Lowest::new(limit),
            groups: Lowest::new(limit),
            beyond: BTreeMap::new(),
            slots: None,
        }
    }

    /// An empty table that keeps what tells of captured time apart from the rest. All
    /// tables that are merged must know of the same time.
    #[must_use]
    pub fn beside(limit: usize, captured: Option<Span>) -> Self {
        let slots = captured.map(Slots::of);
        Self {
            slots,
            ..Self::new(limit)
        }
    }

    /// A table of the same limit and time that holds nothing.
    pub(super) fn empty(&self) -> Self {
        let slots = self.slots;
        Self {
            slots,
            ..Self::new(self.flows.limit)
        }
    }

    /// Counts a tuple of a TCP flow.
    pub(super) fn count(&mut self, tuple: &Tuple<'_>, at: Entry) {
        let ports = (tuple.source.port, tuple.destination.port);
        let (key, _) = FlowKey::of(&Heading {
            source: tuple.source.address,
            destination: tuple.destination.address,
            ports,
            protocol: Protocol::Tcp,
            unread: (ports == (0, 0)).then_some(NO_PORTS),
            interface: nic(at.mac),
            encapsulation: Encapsulation::default(),
        });
        let slot = self.slots.and_then(|slots| slots.slot(tuple));
        let (state, tally) = (tuple.state(), Tally::of(tuple, at, slot));
        self.flow(key, |states| states.add(state, &tally));
    }

    fn flow(&mut self, key: FlowKey, add: impl FnOnce(&mut States)) {
        match self.flows.states(key) {
            Some(states) => add(states),
            None => self.group(key.group(), add),
        }
        self.make_room();
    }

    /// Folds what has no place.
    fn make_room(&mut self) {
        for (key, states) in self.flows.excess() {
            self.group(key.group(), |sum| sum.merge(&states));
        }
        for (key, states) in self.groups.excess() {
            self.beyond.entry(key.beyond()).or_default().merge(&states);
        }
    }

    fn group(&mut self, key: GroupKey, add: impl FnOnce(&mut States)) {
        match self.groups.states(key) {
            Some(states) => add(states),
            None => add(self.beyond.entry(key.beyond()).or_default()),
        }
    }

    /// Adds another table's flows.
    pub fn merge(&mut self, other: Self) {
        self.flows.lower(other.flows.ceiling);
        self.groups.lower(other.groups.ceiling);
        for ((_, key), more) in other.groups.entries {
            self.group(key, |sum| sum.merge(&more));
        }
        for (key, more) in other.beyond {
            self.beyond.entry(key).or_default().merge(&more);
        }
        for ((_, key), more) in other.flows.entries {
            self.flow(key, |states| states.merge(&more));
        }
        self.make_room();
    }

    /// The same, of which all was logged by one NIC.
    pub(super) fn logged_by(mut self, mac: Mac) -> Self {
        let states = self.flows.entries.values_mut();
        let states = states.chain(self.groups.entries.values_mut());
        for states in states.chain(self.beyond.values_mut()) {
            states.logged_by(mac);
        }
        self.flows.rename(|key| key.at(mac));
        self.groups.rename(|key| key.at(mac));
        self
    }
}

fn nic(mac: Mac) -> Interface {
    Interface {
        id: InterfaceId(mac.0),
        index: 0,
    }
}

/// The key of something that a NIC logs.
pub(super) trait Key: Ord + Copy + Hash {
    /// The key of the same, logged by another NIC.
    fn at(self, mac: Mac) -> Self;

    /// The NIC that logged it.
    fn mac(&self) -> Mac;

    /// A hash of all but the NIC, so that what both NICs say of a flow stays together.
    /// The seed is fixed: which entries stay must not change from run to run.
    fn rank(self) -> u64 {
        FixedState::with_seed(0x988).hash_one(self.at(Mac::NONE))
    }
}

impl Key for FlowKey {
    fn at(self, mac: Mac) -> Self {
        let interface = nic(mac);
        Self { interface, ..self }
    }

    fn mac(&self) -> Mac {
        Mac(self.interface.id.0)
    }
}

impl Key for GroupKey {
    fn at(self, mac: Mac) -> Self {
        let interface = nic(mac);
        Self { interface, ..self }
    }

    fn mac(&self) -> Mac {
        Mac(self.interface.id.0)
    }
}

/// The states of the keys of the lowest rank.
#[derive(Clone, Debug)]
pub(super) struct Lowest<K> {
    pub(super) entries: BTreeMap<(u64, K), States>,
    limit: usize,
    /// The lowest rank that had no place.
    ceiling: Option<u64>,
}

impl<K: Key> Lowest<K> {
    fn new(limit: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            limit,
            ceiling: None,
        }
    }

    /// The states of a key, new if need be; `None` if its rank is too high.
    fn states(&mut self, key: K) -> Option<&mut States> {
        let rank = key.rank();
        let admitted = self.ceiling.is_none_or(|ceiling| rank < ceiling);
        admitted.then(|| self.entries.entry((rank, key)).or_default())
    }

    /// Lowers the ceiling to that of another part of the input: what had no place there
    /// has none here.
    fn lower(&mut self, ceiling: Option<u64>) {
        let ceilings = [self.ceiling, ceiling].into_iter().flatten();
        self.ceiling = ceilings.min();
    }

    /// Takes out what has no place: of more than the limit the highest ranks, and of each
    /// all, until no more are left than there may be.
    fn excess(&mut self) -> Vec<(K, States)> {
        let mut excess = Vec::new();
        loop {
            let is_over = self.entries.len() > self.limit;
            let Some(last) = self.entries.last_entry() else {
                return excess;
            };
            let rank = last.key().0;
            if is_over {
                self.ceiling = Some(self.ceiling.map_or(rank, |ceiling| ceiling.min(rank)));
            }
            if self.ceiling.is_none_or(|ceiling| rank < ceiling) {
                return excess;
            }
            let ((_, key), states) = last.remove_entry();
            excess.push((key, states));
        }
    }

    fn rename(&mut self, name: impl Fn(K) -> K) {
        let entries = std::mem::take(&mut self.entries).into_iter();
        self.entries = entries
            .map(|((rank, key), states)| ((rank, name(key)), states))
            .collect();
    }
}

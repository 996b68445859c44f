//! Flows of the logs, in bounded memory.
//!
//! As with [packets](crate::flow::table), those flows stay apart whose keys have the
//! lowest hashes, and the others fold into the sums of their groups, so that the order
//! of the files changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Tuple;
use super::entry::{Entry, LoggingNic, Mac, Mark};
use super::flows::{Logged, Views};
use super::view::BEFORE;
use crate::capture::InterfaceId;
use crate::decode::{Cause, Encapsulation, Layer, Protocol};
use crate::flow::lowest::{Lowest, SLACK, sorted};
use crate::flow::times::Span;
use crate::flow::{FiveTuple, FlowKey, GroupKey, Interface, Reason};

/// Reason why a flow that was logged without its ports has none.
const NO_PORTS: Reason = Reason {
    layer: Layer::Tcp,
    cause: Cause::Unsupported,
};

/// Interface of all keys: a flow is the same on all NICs.
const ANY: Interface = Interface {
    id: InterfaceId(0),
    index: 0,
};

/// Flows of some logs.
#[derive(Clone, Debug)]
pub struct Table {
    flows: Lowest<FlowKey, Views>,
    groups: Lowest<GroupKey, Views>,
    /// Groups beyond the limit, by what is left of their keys without the addresses.
    beyond: BTreeMap<GroupKey, Views>,
    /// Time near that of captures.
    near: Arc<[Span]>,
}

impl Table {
    /// An empty table that keeps at most `limit` flows and as many groups apart.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self::beside(limit, &[])
    }

    /// An empty table that keeps tuples near captured time apart from the rest. All tables
    /// that are merged must know of the same time.
    #[must_use]
    pub fn beside(limit: usize, captured: &[Span]) -> Self {
        // A tuple tells of captured time by the one before it, which is as far again.
        let far = 2 * BEFORE;
        let near = captured.iter().map(|span| span.widened(far, far));
        Self {
            flows: Lowest::new(limit),
            groups: Lowest::new(limit),
            beyond: BTreeMap::new(),
            near: near.collect(),
        }
    }

    /// A table of the same limit and time that holds nothing.
    pub(super) fn empty(&self) -> Self {
        Self {
            flows: Lowest::new(self.flows.limit),
            groups: Lowest::new(self.groups.limit),
            beyond: BTreeMap::new(),
            near: Arc::clone(&self.near),
        }
    }

    fn is_near(&self, time: Span) -> bool {
        self.near.iter().any(|near| near.overlaps(time))
    }

    /// Counts a tuple of a TCP flow.
    pub(super) fn count(&mut self, tuple: &Tuple<'_>, at: Entry) {
        let ports = if tuple.lacks_port() {
            (0, 0)
        } else {
            (tuple.source.port, tuple.destination.port)
        };
        let (key, direction) = FlowKey::of(&FiveTuple {
            source: tuple.source.address,
            destination: tuple.destination.address,
            ports,
            protocol: Protocol::Tcp,
            unread: (ports == (0, 0)).then_some(NO_PORTS),
            interface: ANY,
            encapsulation: Encapsulation::default(),
        });
        let nic = LoggingNic {
            mac: at.mac,
            end: tuple.end(direction),
        };
        let mark = Mark {
            time: tuple.time,
            stage: tuple.stage,
            state: tuple.state(),
            volumes: tuple.volumes(direction),
            file: at.file,
            record: at.record,
            is_coarse: tuple.is_coarse,
        };
        let is_near = self.is_near(mark.span());
        if let Some(place) = self.flows.place(&key) {
            let views = &mut self.flows.entries[place as usize].1;
            views.add(nic, mark, is_near);
        } else {
            let mut views = Views::default();
            views.add(nic, mark, is_near);
            self.fold(key.group(), views);
        }
        self.make_room();
    }

    fn make_room(&mut self) {
        self.fold_to(self.flows.limit / SLACK);
    }

    /// Folds flows and groups, if there are more than `slack` beyond the limit.
    fn fold_to(&mut self, slack: usize) {
        for (key, views) in self.flows.shed(slack) {
            self.fold(key.group(), views);
        }
        for (key, views) in self.groups.shed(slack) {
            self.beyond.entry(key.beyond()).or_default().merge(views);
        }
    }

    fn fold(&mut self, key: GroupKey, views: Views) {
        let sum = match self.groups.place(&key) {
            Some(place) => &mut self.groups.entries[place as usize].1,
            None => self.beyond.entry(key.beyond()).or_default(),
        };
        sum.fold(views);
    }

    /// Adds another table's flows.
    pub fn merge(&mut self, other: Self) {
        for (key, views) in other.groups.entries {
            self.fold(key, views);
            self.make_room();
        }
        for (key, views) in other.beyond {
            self.beyond.entry(key).or_default().merge(views);
        }
        for (key, views) in other.flows.entries {
            match self.flows.place(&key) {
                Some(place) => self.flows.entries[place as usize].1.merge(views),
                None => self.fold(key.group(), views),
            }
            self.make_room();
        }
    }

    /// The same, of which all was logged by one NIC.
    pub(super) fn logged_by(mut self, mac: Mac) -> Self {
        let flows = self.flows.entries.iter_mut().map(|(_, views)| views);
        let groups = self.groups.entries.iter_mut().map(|(_, views)| views);
        for views in flows.chain(groups).chain(self.beyond.values_mut()) {
            views.logged_by(mac);
        }
        self
    }

    /// All flows, each once, and then the sums of those not kept apart.
    pub(super) fn into_flows(mut self) -> Vec<Logged> {
        self.fold_to(0);
        let flows = sorted(self.flows.entries.into_iter()).into_iter();
        let flows = flows.map(|(key, views)| Logged::new(key.group(), Some(key), views));
        let sums = sorted(self.groups.entries.into_iter()).into_iter();
        let sums = sums.chain(self.beyond);
        flows
            .chain(sums.map(|(key, views)| Logged::new(key, None, views)))
            .collect()
    }
}

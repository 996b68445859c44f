//! Sum of the counts of all workers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::by_address::ByAddress;
use super::expected::Expected;
use super::fragments::{CountedPlace, First, FragmentOutcome, Later};
use super::sample::Sample;
use crate::capture::Timestamp;
use crate::decode::Address;
use crate::evidence::Shown;
use crate::flow::table::FlowTable;
use crate::flow::{Count, Datagrams, Ranges, Reason, Sighting, Times, stored};

/// Counts of a part of the input, or of all of it.
///
/// Merging is associative and commutative, and nothing disappears: every packet read is
/// in the table, among the datagrams, in `other`, or in `undecodable`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// Every packet.
    pub read: Count,
    /// Those outside the period that is judged.
    pub outside: Count,
    /// Number of those without a time.
    #[serde(deserialize_with = "stored::count")]
    pub untimed: u64,
    /// Those that are no path's, whatever their addresses turn out to be.
    pub other: Count,
    /// Those without an address, or without a place.
    pub undecodable: BTreeMap<Reason, Count>,
    /// Those that are a path's, or may be.
    pub table: FlowTable,
    /// Datagrams that are a path's only where DTLS goes between the same ports.
    pub datagrams: Datagrams,
    /// Packets with expected servers that are in `other` or in `undecodable`.
    pub expected: Expected,
    /// Those that are no path's, by address, where servers may be named later.
    pub by_address: Option<Box<ByAddress>>,
    /// Samples of the packets of each file, where there are several.
    #[serde(with = "stored::by_file")]
    pub samples: BTreeMap<u32, Sample>,
    /// Times of all packets that have one.
    pub times: Times,
}

impl Snapshot {
    /// Of nothing yet, with at most `limit` flows kept apart.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            read: Count::default(),
            outside: Count::default(),
            untimed: 0,
            other: Count::default(),
            undecodable: BTreeMap::new(),
            table: FlowTable::new(limit),
            datagrams: Datagrams::new(limit, Ranges::default()),
            expected: Expected::default(),
            by_address: None,
            samples: BTreeMap::new(),
            times: Times::default(),
        }
    }

    /// The same, where these addresses may be servers'.
    #[must_use]
    pub fn near(mut self, servers: Ranges) -> Self {
        self.datagrams = Datagrams::new(self.datagrams.limit(), servers);
        self
    }

    /// The same, where servers may be named when all is counted.
    #[must_use]
    pub fn by_address(mut self) -> Self {
        let servers = self.datagrams.servers().clone();
        let by_address = ByAddress::new(self.datagrams.limit(), servers);
        self.by_address = Some(Box::new(by_address));
        self.datagrams = self.datagrams.roomy();
        self
    }

    /// The same as counted where these servers are expected, and these addresses may be
    /// servers'; `None` where that cannot be told any more.
    #[must_use]
    pub fn with_servers(mut self, expected: &[Address], servers: Ranges) -> Option<Self> {
        let is_same = *self.datagrams.servers() == servers && self.expected.is_of(expected);
        let Some(by_address) = self.by_address.take() else {
            return is_same.then_some(self);
        };
        let is_whole = by_address.is_whole() && self.datagrams.is_whole();
        if !is_same && !is_whole && !servers.is_empty() {
            return None;
        }
        if !is_same {
            self.expected = by_address.expected(expected.iter().copied());
        }
        let hidden = by_address.hidden(&servers, is_same);
        if hidden.near.packets > 0 {
            self.undecodable(Reason::HIDDEN, hidden.near);
        }
        self.other += hidden.far;
        self.datagrams = self.datagrams.with(servers);
        Some(self)
    }

    /// Counts a packet outside the period that is judged.
    #[cold]
    pub fn pass(&mut self, wire_len: u32) {
        let count = Count {
            packets: 1,
            wire_bytes: wire_len.into(),
            payload_bytes: 0,
        };
        self.read += count;
        self.outside += count;
    }

    /// Notes that a packet was read. It must be counted once more, for what it is.
    #[inline]
    pub fn read(&mut self, wire_len: u32, time: Option<Timestamp>) {
        self.read.packets += 1;
        self.read.wire_bytes += u64::from(wire_len);
        match time {
            Some(time) => self.times.add(time),
            None => self.untimed += 1,
        }
    }

    /// Counts a packet that cannot be placed.
    pub fn undecodable(&mut self, reason: Reason, count: Count) {
        *self.undecodable.entry(reason).or_default() += count;
    }

    /// Counts a packet that holds Lustre where nothing reads, between these addresses or any.
    pub(super) fn hidden(&mut self, ends: Option<(Address, Address)>, count: Count) {
        match (ends, &mut self.by_address) {
            (Some(ends), Some(by_address)) => by_address.hide(ends, count),
            (Some((one, other)), None) if !self.datagrams.is_between(one, other) => {
                self.other += count;
            }
            _ => self.undecodable(Reason::HIDDEN, count),
        }
    }

    /// Counts a later fragment, whose place is known now.
    pub fn settle(&mut self, later: Later, outcome: FragmentOutcome) {
        match outcome {
            FragmentOutcome::Joined(First::In(place)) | FragmentOutcome::Orphan(Some(place)) => {
                self.place(place, later);
            }
            FragmentOutcome::Joined(First::Other(ends)) => match later.shown {
                Some(Shown::Wrapped) => self.hidden(ends, later.count),
                _ => self.other += later.count,
            },
            FragmentOutcome::Joined(First::Undecodable(reason)) => {
                self.undecodable(reason, later.count);
            }
            FragmentOutcome::Orphan(None) => self.undecodable(Reason::ORPHAN, later.count),
        }
    }

    fn place(&mut self, place: CountedPlace, later: Later) {
        let (five_tuple, shown) = (place.five_tuple, place.shows(later.shown));
        let file = later.at.position.file;
        if place.is_beside() {
            let what = (shown, place.tunnel);
            self.datagrams.observe(&five_tuple, file);
            return self
                .datagrams
                .count(&five_tuple, what, later.count, &later.at);
        }
        let mut entry = self.table.at(&five_tuple, file);
        // The table may know the flow of another file.
        entry.flow.seen_on.note(five_tuple.interface, file);
        let at = Sighting {
            direction: entry.direction,
            ..later.at
        };
        entry.count_fragment(shown, later.count, &at);
    }

    /// Adds what another part of the input showed.
    pub fn merge(&mut self, other: Self) {
        self.read += other.read;
        self.outside += other.outside;
        self.untimed += other.untimed;
        self.other += other.other;
        for (reason, count) in other.undecodable {
            self.undecodable(reason, count);
        }
        self.table.merge(other.table);
        self.datagrams.merge(other.datagrams);
        self.expected.merge(&other.expected);
        match (&mut self.by_address, other.by_address) {
            (Some(kept), Some(more)) => kept.merge(*more),
            (kept @ None, more) => *kept = more,
            (Some(_), None) => {}
        }
        for (file, sample) in other.samples {
            self.samples.entry(file).or_default().merge(sample);
        }
        self.times.merge(&other.times);
    }

    /// Sum of all packets that have a place, before it is [settled](Self::settled) where each
    /// is.
    #[must_use]
    pub fn placed(&self) -> Count {
        let undecodable = self.undecodable.values().copied();
        let by_address = self.by_address.iter().map(|it| it.hidden_in_all());
        let flows = [self.table.placed(), self.datagrams.placed()];
        let all = [self.outside, self.other].into_iter().chain(flows);
        all.chain(undecodable).chain(by_address).sum()
    }

    /// The same counts, [settled](Self::settled), and without what only more packets would need:
    /// the bytes of records and the numbers of those that may come are most of a flow.
    #[must_use]
    pub fn closed(mut self) -> Self {
        self.settled();
        self.table.close();
        self
    }

    /// The same counts, with no more flows apart than there may be.
    pub fn settled(&mut self) -> &Self {
        self.table.settle();
        if !self.datagrams.is_empty() {
            let flows = self.table.by_ports();
            for (ports, more) in self.datagrams.take(|ports| flows.contains_key(ports)) {
                self.table.add(&flows[&ports], more);
            }
        }
        self
    }
}

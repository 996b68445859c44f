//! Packets with a server that is expected, beside those that may be a path's: a server is
//! silent only where there are none of either.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::decode::{Address, Protocol};
use crate::flow::stored;

/// Protocol and port of the server that a packet has, or neither where it is neither TCP
/// nor UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PortKind {
    /// TCP or UDP, with this port of the server's.
    Port(Protocol, u16),
    /// Another protocol.
    Portless,
}

/// Packets with one server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// All of them.
    #[serde(deserialize_with = "stored::count")]
    pub packets: u64,
    /// Those of the lowest kinds.
    #[serde(deserialize_with = "stored::counts_by")]
    kinds: BTreeMap<PortKind, u64>,
}

impl Met {
    /// Kinds that are kept apart: the lowest, so that the order changes nothing.
    const KINDS: usize = 8;

    /// Adds packets of a kind.
    pub(super) fn add(&mut self, kind: PortKind, packets: u64) {
        self.packets += packets;
        self.add_kind(kind, packets);
    }

    fn add_kind(&mut self, kind: PortKind, packets: u64) {
        *self.kinds.entry(kind).or_default() += packets;
        while self.kinds.len() > Self::KINDS {
            self.kinds.pop_last();
        }
    }

    /// The kind with the most packets, and how many these are.
    #[must_use]
    pub fn most(&self) -> Option<(PortKind, u64)> {
        let kinds = self.kinds.iter().map(|(&kind, &packets)| (kind, packets));
        kinds.max_by_key(|&(kind, packets)| (packets, std::cmp::Reverse(kind)))
    }

    /// Adds those of another part of the input.
    pub(super) fn merge(&mut self, other: &Self) {
        self.packets += other.packets;
        for (&kind, &packets) in &other.kinds {
            self.add_kind(kind, packets);
        }
    }
}

/// Packets with each server that is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    #[serde(serialize_with = "stored::in_order")]
    servers: HashMap<Address, Met, foldhash::fast::RandomState>,
}

impl Expected {
    /// Of these servers, nothing yet.
    pub fn of(servers: impl IntoIterator<Item = Address>) -> Self {
        let servers = servers.into_iter().map(|server| (server, Met::default()));
        Self {
            servers: servers.collect(),
        }
    }

    /// Tests for an empty set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// Counts packets of an end, if it is one of the servers.
    pub fn meet(&mut self, end: Address, kind: PortKind, packets: u64) {
        if let Some(met) = self.servers.get_mut(&end) {
            met.add(kind, packets);
        }
    }

    /// Adds packets of an end, if it is one of the servers.
    pub(super) fn add(&mut self, end: Address, more: &Met) {
        if let Some(met) = self.servers.get_mut(&end) {
            met.merge(more);
        }
    }

    /// Tests that these are the servers that are expected.
    #[must_use]
    pub fn is_of(&self, servers: &[Address]) -> bool {
        let is_known = |server| self.servers.contains_key(server);
        self.servers.len() == servers.len() && servers.iter().all(is_known)
    }

    /// Packets with a server, if there were any.
    #[must_use]
    pub fn met(&self, server: Address) -> Option<&Met> {
        self.servers.get(&server).filter(|met| met.packets > 0)
    }

    /// The same servers, of nothing yet.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::of(self.servers.keys().copied())
    }

    /// Adds those of another part of the input.
    pub fn merge(&mut self, other: &Self) {
        for (&server, met) in &other.servers {
            self.servers.entry(server).or_default().merge(met);
        }
    }
}

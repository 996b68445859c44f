//! Packets that are no path's, by address, for servers that are named when all is counted.
//!
//! Of servers that are known before, it is counted at once how many packets each has that is
//! [expected](super::expected), and how many packets between them hold Lustre on other ports.
//! Where others may be named later, both are counted for all addresses, in bounded memory,
//! and it is known whether anything had no room.

use serde::{Deserialize, Serialize};

use super::expected::{Expected, Met, PortKind};
use crate::decode::Address;
use crate::flow::lowest::{Lowest, SLACK};
use crate::flow::{Count, Ranges};

/// Packets that are no path's, by address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ByAddress {
    /// Addresses that are known to be servers'.
    servers: Ranges,
    met: Lowest<Address, Met>,
    /// Packets that hold Lustre on ports that are no path's, by the lower address and the
    /// higher.
    hidden: Lowest<(Address, Address), Count>,
    /// Those of them that had no room.
    rest: Hidden,
}

/// Packets that hold Lustre on ports that are no path's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// Packets with a server.
    pub near: Count,
    /// Packets with none.
    pub far: Count,
}

impl Hidden {
    fn add(&mut self, is_near: bool, count: Count) {
        *if is_near {
            &mut self.near
        } else {
            &mut self.far
        } += count;
    }
}

impl ByAddress {
    /// Nothing yet; at most `limit` addresses are kept, and as many pairs of them.
    #[must_use]
    pub fn new(limit: usize, servers: Ranges) -> Self {
        Self {
            servers,
            met: Lowest::new(limit),
            hidden: Lowest::new(limit),
            rest: Hidden::default(),
        }
    }

    /// Nothing yet, with the same limit and servers.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::new(self.met.limit, self.servers.clone())
    }

    /// Counts a packet with an address.
    pub fn meet(&mut self, end: Address, kind: PortKind) {
        self.met(end, |met| met.add(kind, 1));
    }

    fn met(&mut self, end: Address, change: impl FnOnce(&mut Met)) {
        if let Some(place) = self.met.place(&end) {
            change(&mut self.met.entries[place as usize].1);
            self.met.shed(self.met.limit / SLACK);
        }
    }

    /// Counts a packet that holds Lustre on ports that are no path's.
    pub fn hide(&mut self, ends: (Address, Address), count: Count) {
        let (one, other) = ends;
        self.hide_pair((one.min(other), one.max(other)), count);
        let beyond = self.hidden.shed(self.hidden.limit / SLACK);
        self.give_up(beyond);
    }

    fn hide_pair(&mut self, pair: (Address, Address), count: Count) {
        match self.hidden.place(&pair) {
            Some(place) => self.hidden.entries[place as usize].1 += count,
            None => self.give_up(vec![(pair, count)]),
        }
    }

    fn give_up(&mut self, pairs: Vec<((Address, Address), Count)>) {
        for ((low, high), count) in pairs {
            self.rest.add(self.servers.hold(low, high), count);
        }
    }

    /// Adds what another part of the input showed, where the same servers are known.
    pub fn merge(&mut self, other: Self) {
        self.met.lower_ceiling(&other.met);
        let beyond = self.hidden.lower_ceiling(&other.hidden);
        self.give_up(beyond);
        self.rest.near += other.rest.near;
        self.rest.far += other.rest.far;
        for (end, more) in other.met.entries {
            self.met(end, |met| met.merge(&more));
        }
        for (pair, count) in other.hidden.entries {
            self.hide(pair, count);
        }
    }

    /// Sum of the packets that hold Lustre on other ports.
    #[must_use]
    pub fn hidden_in_all(&self) -> Count {
        let hidden = self.hidden(&self.servers, true);
        [hidden.near, hidden.far].into_iter().sum()
    }

    /// Tests that all addresses had room, so that any may be named a server's.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.met.is_whole() && self.hidden.is_whole()
    }

    /// Packets with each of these servers.
    #[must_use]
    pub fn expected(&self, servers: impl IntoIterator<Item = Address>) -> Expected {
        let mut expected = Expected::of(servers);
        for (end, met) in &self.met.entries {
            expected.add(*end, met);
        }
        expected
    }

    /// Packets that hold Lustre on other ports, with these servers and with none; those that
    /// had no room are told apart where the servers are those that `were_known`.
    #[must_use]
    pub fn hidden(&self, servers: &Ranges, were_known: bool) -> Hidden {
        let mut hidden = self.rest;
        if !were_known {
            hidden.far += std::mem::take(&mut hidden.near);
        }
        for &((low, high), count) in &self.hidden.entries {
            hidden.add(servers.hold(low, high), count);
        }
        hidden
    }
}

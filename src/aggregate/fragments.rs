//! Joining IP fragments to the flow of their first one, without reassembly.
//!
//! The first fragment of a packet names the flow; later ones are counted there, and as
//! what the first one showed. Those that come before their first wait for it. The
//! events are played in the order of the capture, so that how it was split among
//! workers changes nothing.

use std::collections::VecDeque;

use hashbrown::{HashMap, hash_map::Entry};
use serde::{Deserialize, Serialize};

use crate::capture::Timestamp;
use crate::decode::{Address, FragmentKey, Protocol};
use crate::evidence::Shown;
use crate::flow::{Count, FiveTuple, Reason, Sighting, is_lustre_port};

/// A flow that a first fragment was counted in, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedPlace {
    /// Five-tuple of the flow, from the sender's side.
    pub five_tuple: FiveTuple,
    /// Content of the first fragment.
    pub shown: Shown,
    /// Tunnel that it may be of, where it is no path's.
    pub tunnel: Option<Reason>,
}

impl CountedPlace {
    /// Content of a later fragment that shows this by itself. Text in TCP can be of any
    /// conversation, so there only Lustre counts.
    #[must_use]
    pub fn shows(&self, later: Option<Shown>) -> Shown {
        let is_tcp = self.five_tuple.protocol == Protocol::Tcp;
        match (self.shown, later) {
            (Shown::Tunnelled | Shown::Wrapped, _) | (_, None) => self.shown,
            (_, Some(Shown::Readable)) if is_tcp => self.shown,
            (_, Some(own)) => own,
        }
    }

    /// Tests that its packets are a path's only where DTLS goes between the same ports.
    #[must_use]
    pub fn is_beside(&self) -> bool {
        let (source, destination) = self.five_tuple.ports;
        let is_elsewhere = !is_lustre_port(source) && !is_lustre_port(destination);
        self.five_tuple.unread.is_none() && is_elsewhere && self.shown.is_datagram()
    }
}

/// A later fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// Its length, on the wire and as payload.
    pub count: Count,
    /// Position in the capture.
    pub at: Sighting,
    /// Its own content, where that can be read.
    pub shown: Option<Shown>,
    /// Flow and content to count it as if its first fragment was not captured: `None` if not
    /// even its protocol tells whether it could be a path's.
    pub alone: Option<CountedPlace>,
}

/// Count that a first fragment went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum First {
    /// As a packet of a flow.
    In(CountedPlace),
    /// As traffic that is no path's: of TCP on other ports, between these addresses.
    Other(Option<(Address, Address)>),
    /// As one that cannot be decoded.
    Undecodable(Reason),
}

/// Fragment of an IP packet, as a worker saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FragmentEvent {
    /// Its first fragment, which was counted, and when it was captured.
    First(First, Option<Timestamp>),
    /// A later one, which was not counted yet.
    Later(Later),
}

/// Result for a later fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragmentOutcome {
    /// It is of the same packet as its first, and counts as that does.
    Joined(First),
    /// Its first fragment was not captured.
    Orphan(Option<CountedPlace>),
}

/// Fragments of IP packets, in the order of the capture.
pub type FragmentEvents = Vec<(FragmentKey, FragmentEvent)>;

#[derive(Debug)]
enum FragmentState {
    Known(First, Option<Timestamp>),
    Waiting(Vec<Later>),
}

impl FragmentState {
    fn is_old(&self, now: Timestamp) -> bool {
        let time = match self {
            Self::Known(_, time) => *time,
            Self::Waiting(waiting) => waiting.first().and_then(|later| later.at.time),
        };
        !is_soon(time, Some(now))
    }
}

/// The packets of which fragments were seen lately.
#[derive(Debug, Default)]
pub struct Fragments {
    packets: HashMap<FragmentKey, FragmentState, foldhash::fast::RandomState>,
    /// The same, the oldest first.
    order: VecDeque<FragmentKey>,
    waiting: usize,
}

impl Fragments {
    /// Packets remembered, and fragments that wait, at most.
    pub const LIMIT: usize = 8192;

    /// Plays an event; `settle` is given each later fragment whose place is then known.
    pub fn play(
        &mut self,
        key: FragmentKey,
        event: FragmentEvent,
        mut settle: impl FnMut(Later, FragmentOutcome),
    ) {
        match event {
            FragmentEvent::First(first, time) => self.first(key, first, time, &mut settle),
            FragmentEvent::Later(later) => self.later(key, later, &mut settle),
        }
        while self.order.len() > Self::LIMIT || self.waiting > Self::LIMIT {
            self.forget(&mut settle);
        }
    }

    /// Settles what has waited so long that its first fragment will not come any more.
    pub fn expire(&mut self, now: Timestamp, mut settle: impl FnMut(Later, FragmentOutcome)) {
        while let Some(oldest) = self.order.front()
            && self
                .packets
                .get(oldest)
                .is_none_or(|state| state.is_old(now))
        {
            self.forget(&mut settle);
        }
    }

    /// Settles all that still wait when the input has ended.
    pub fn finish(&mut self, mut settle: impl FnMut(Later, FragmentOutcome)) {
        while !self.order.is_empty() {
            self.forget(&mut settle);
        }
    }

    /// What is remembered, as the events that it takes to remember it.
    #[must_use]
    pub fn events(&self) -> FragmentEvents {
        let mut events = Vec::new();
        for &key in &self.order {
            match self.packets.get(&key) {
                Some(&FragmentState::Known(first, time)) => {
                    events.push((key, FragmentEvent::First(first, time)));
                }
                Some(FragmentState::Waiting(waiting)) => {
                    let waiting = waiting.iter();
                    events.extend(waiting.map(|later| (key, FragmentEvent::Later(*later))));
                }
                None => {}
            }
        }
        events
    }

    fn first(
        &mut self,
        key: FragmentKey,
        first: First,
        time: Option<Timestamp>,
        settle: &mut impl FnMut(Later, FragmentOutcome),
    ) {
        match self.packets.insert(key, FragmentState::Known(first, time)) {
            None => self.order.push_back(key),
            Some(FragmentState::Known(..)) => {}
            Some(FragmentState::Waiting(waiting)) => {
                self.waiting -= waiting.len();
                for later in waiting {
                    settle(later, FragmentOutcome::Joined(first));
                }
            }
        }
    }

    fn later(
        &mut self,
        key: FragmentKey,
        later: Later,
        settle: &mut impl FnMut(Later, FragmentOutcome),
    ) {
        match self.packets.entry(key) {
            Entry::Occupied(mut held) => match held.get_mut() {
                FragmentState::Known(first, time) if is_soon(*time, later.at.time) => {
                    return settle(later, FragmentOutcome::Joined(*first));
                }
                FragmentState::Waiting(waiting) => waiting.push(later),
                known @ FragmentState::Known(..) => *known = FragmentState::Waiting(vec![later]),
            },
            Entry::Vacant(free) => {
                free.insert(FragmentState::Waiting(vec![later]));
                self.order.push_back(key);
            }
        }
        self.waiting += 1;
    }

    fn forget(&mut self, settle: &mut impl FnMut(Later, FragmentOutcome)) {
        let oldest = self
            .order
            .pop_front()
            .and_then(|key| self.packets.remove(&key));
        if let Some(FragmentState::Waiting(waiting)) = oldest {
            self.waiting -= waiting.len();
            for later in waiting {
                settle(later, FragmentOutcome::Orphan(later.alone));
            }
        }
    }
}

/// Tests that a fragment is of the packet whose first came at `first`: hosts give a packet up
/// after the reassembly timeout (RFC 791, RFC 8200), and then its identification is another's.
fn is_soon(first: Option<Timestamp>, later: Option<Timestamp>) -> bool {
    const REASSEMBLY_NANOS: u64 = 30_000_000_000;
    match (first, later) {
        (Some(first), Some(later)) => first.0.abs_diff(later.0) < REASSEMBLY_NANOS,
        _ => true,
    }
}

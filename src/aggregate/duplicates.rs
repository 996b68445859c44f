//! Duplicates: the same packet the same way, captured again on another interface.
//!
//! A virtual function below its synthetic interface, a bridge, a bond above its slaves: one
//! capture of several interfaces shows a packet once for each that it passes. The first
//! sighting is the packet; one on an interface that has not shown it yet is its duplicate.
//! So each has one twin an interface: a packet that was sent twice and seen twice on both
//! is two packets and two duplicates, and the directions of a tap, or the slaves of a bond,
//! have none.
//!
//! # Limits
//! A twin is captured within [`SOON_NANOS`] of the first, and stands within
//! [`Window::PACKETS`] packets and [`Window::BYTES`] captured bytes behind it. The kernel
//! stamps a received packet once for all its interfaces; on the way out a queue can stand
//! between two, for milliseconds. The next packet that could look the same is TCP's
//! retransmission, 200 ms later at the earliest (`TCP_RTO_MIN`), and it has an
//! identification of its own. A twin that is missed counts as a packet more, and one that
//! is mistaken as one less: what either shows counts in any case.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::capture::Timestamp;
use crate::flow::Interface;

/// Nanoseconds between twins, at most.
pub const SOON_NANOS: u64 = 100_000_000;

/// A packet, as one interface shows it.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// Its [fingerprint](super::fingerprint::fingerprint).
    pub fingerprint: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Where it was captured.
    pub interface: Interface,
    /// Bytes captured of it.
    pub captured_len: u32,
}

/// Packets and bytes of a capture so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Way {
    packets: u64,
    bytes: u64,
}

/// A packet that may be seen again.
#[derive(Clone, Copy, Debug)]
struct Original {
    fingerprint: u64,
    time: Timestamp,
    at: Way,
    interfaces: [Interface; Self::INTERFACES],
    shown: usize,
}

impl Original {
    /// Interfaces that show the same packet, at most: a virtual function, its synthetic
    /// interface, a bond, a VLAN, a bridge, a container's.
    const INTERFACES: usize = 6;

    fn awaits(&self, sight: &Sight) -> bool {
        self.shown < Self::INTERFACES
            && self.fingerprint == sight.fingerprint
            && is_soon(self.time, sight.time)
            && !self.interfaces[..self.shown].contains(&sight.interface)
    }

    fn show(&mut self, interface: Interface) {
        self.interfaces[self.shown] = interface;
        self.shown += 1;
    }
}

fn is_soon(first: Timestamp, then: Timestamp) -> bool {
    first.0.abs_diff(then.0) <= SOON_NANOS
}

/// The last packets of a capture, in bounded memory.
#[derive(Debug, Default)]
pub struct Window {
    /// The oldest first.
    originals: VecDeque<Original>,
    /// How many were forgotten: the number of the oldest.
    forgotten: u64,
    /// Numbers of originals, by fingerprint.
    numbers: HashTable<u64>,
    hasher: RandomState,
    way: Way,
}

impl Window {
    /// Packets between twins, at most.
    pub const PACKETS: u64 = 8192;
    /// Captured bytes between twins, at most: a piece of a file that begins so much early
    /// knows what it needs to know.
    pub const BYTES: u64 = 8 << 20;
    /// Packets with the same fingerprint, at most: the last.
    const ALIKE: usize = 8;

    /// Takes in a packet; whether it is a duplicate.
    pub fn see(&mut self, sight: &Sight) -> bool {
        self.way.packets += 1;
        self.way.bytes += u64::from(sight.captured_len);
        while self
            .originals
            .front()
            .is_some_and(|it| self.is_past(it, sight.time))
        {
            self.forget();
        }
        match self.find(sight) {
            Some(original) => {
                original.show(sight.interface);
                true
            }
            None => {
                self.add(sight);
                false
            }
        }
    }

    fn is_past(&self, original: &Original, now: Timestamp) -> bool {
        let soon = i64::try_from(SOON_NANOS).unwrap_or(i64::MAX);
        original.time.0.saturating_add(soon) < now.0
            || self.way.packets - original.at.packets > Self::PACKETS
            || self.way.bytes - original.at.bytes > Self::BYTES
    }

    fn forget(&mut self) {
        if let Some(original) = self.originals.pop_front() {
            self.drop_number(original.fingerprint, self.forgotten);
            self.forgotten += 1;
        }
    }

    fn drop_number(&mut self, fingerprint: u64, number: u64) {
        let hash = self.hasher.hash_one(fingerprint);
        if let Ok(entry) = self.numbers.find_entry(hash, |&held| held == number) {
            entry.remove();
        }
    }

    fn original(&self, number: u64) -> Option<&Original> {
        let place = usize::try_from(number - self.forgotten).ok()?;
        self.originals.get(place)
    }

    /// The first packet of which this is a twin. Of too many alike the first is given up.
    fn find(&mut self, sight: &Sight) -> Option<&mut Original> {
        let hash = self.hasher.hash_one(sight.fingerprint);
        let is_alike = |&&number: &&u64| {
            let original = self.original(number);
            original.is_some_and(|it| it.fingerprint == sight.fingerprint)
        };
        let alike = || self.numbers.iter_hash(hash).filter(is_alike).copied();
        let awaits = |&number: &u64| self.original(number).is_some_and(|it| it.awaits(sight));
        let found = alike().filter(awaits).min();
        if found.is_none() && alike().count() >= Self::ALIKE {
            let first = alike().min();
            first
                .into_iter()
                .for_each(|number| self.drop_number(sight.fingerprint, number));
        }
        let place = usize::try_from(found? - self.forgotten).ok()?;
        self.originals.get_mut(place)
    }

    fn add(&mut self, sight: &Sight) {
        let number = self.forgotten + self.originals.len() as u64;
        let mut original = Original {
            fingerprint: sight.fingerprint,
            time: sight.time,
            at: self.way,
            interfaces: [Interface::ANY; Original::INTERFACES],
            shown: 0,
        };
        original.show(sight.interface);
        self.originals.push_back(original);
        let Self {
            originals,
            forgotten,
            numbers,
            hasher,
            ..
        } = self;
        let hash_of = |number: &u64| {
            let place = usize::try_from(number - *forgotten).unwrap_or_default();
            hasher.hash_one(originals.get(place).map_or(0, |it| it.fingerprint))
        };
        numbers.insert_unique(hasher.hash_one(sight.fingerprint), number, hash_of);
    }
}

/// Whether the same packets to come would be duplicates.
impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        self.state().eq(other.state())
    }
}

impl Window {
    /// All that later answers depend on, the numbers as distances.
    fn state(&self) -> impl Iterator<Item = impl PartialEq> {
        (self.forgotten..).zip(&self.originals).map(|(number, it)| {
            let hash = self.hasher.hash_one(it.fingerprint);
            let is_known = self.numbers.find(hash, |&held| held == number).is_some();
            let packets = self.way.packets - it.at.packets;
            let bytes = self.way.bytes - it.at.bytes;
            let interfaces = it.interfaces[..it.shown].to_vec();
            (
                it.fingerprint,
                it.time,
                packets,
                bytes,
                interfaces,
                is_known,
            )
        })
    }
}

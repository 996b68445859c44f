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
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::{FixedState, RandomState};
use hashbrown::HashTable;

use crate::capture::Timestamp;
use crate::flow::Interface;

/// Nanoseconds between twins, at most.
pub const SOON_NANOS: u64 = 100_000_000;
/// Nanoseconds for which a packet is remembered: interfaces are read in turns, so what one
/// shows can stand behind what another showed later.
const KEPT_NANOS: i64 = 1_000_000_000;

/// A packet, as one interface shows it.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// Its [fingerprint](super::fingerprint::fingerprint).
    pub fingerprint: u64,
    /// Time of the capture.
    pub time: Timestamp,
    /// Interface of the capture.
    pub interface: Interface,
}

/// Packets and bytes of a capture so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct WalkLength {
    packets: u64,
    bytes: u64,
}

/// A packet that may be seen again.
#[derive(Clone, Copy, Debug)]
struct Original {
    fingerprint: u64,
    time: Timestamp,
    at: WalkLength,
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
    /// Number of packets forgotten, which is the number of the oldest one kept.
    forgotten: u64,
    /// Numbers of originals, by fingerprint.
    numbers: HashTable<u64>,
    hasher: RandomState,
    way: WalkLength,
}

impl Window {
    /// Packets between twins, at most.
    pub const PACKETS: u64 = 8192;
    /// Bytes of their records between twins, at most: a walk of a piece of a file that
    /// begins so much early knows what it needs to know.
    pub const BYTES: u64 = 8 << 20;
    /// Bytes of a record around its packet, about.
    const RECORD_HEADER: usize = 32;
    /// Packets with the same fingerprint, at most: the last.
    const ALIKE: usize = 8;

    /// Goes past a packet of the capture, of which so much was captured.
    #[inline]
    pub fn pass(&mut self, captured_len: usize) {
        self.way.packets += 1;
        self.way.bytes += (captured_len + Self::RECORD_HEADER) as u64;
    }

    /// Takes in a packet that was [passed](Self::pass); whether it is a duplicate.
    pub fn see(&mut self, sight: &Sight) -> bool {
        while self
            .originals
            .front()
            .is_some_and(|it| self.is_past(it, sight.time))
        {
            self.forget();
        }
        if let Some(original) = self.find(sight) {
            original.show(sight.interface);
            return true;
        }
        self.add(sight);
        false
    }

    fn is_past(&self, original: &Original, now: Timestamp) -> bool {
        original.time.0.saturating_add(KEPT_NANOS) < now.0 || self.is_far(original)
    }

    fn is_far(&self, original: &Original) -> bool {
        self.way.packets - original.at.packets > Self::PACKETS
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
        if found.is_none()
            && alike().count() >= Self::ALIKE
            && let Some(first) = alike().min()
        {
            self.drop_number(sight.fingerprint, first);
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

impl Window {
    /// A digest of all that later answers depend on.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut digest = FixedState::default().build_hasher();
        for (number, it) in (self.forgotten..).zip(&self.originals) {
            if !self.is_far(it) {
                let hash = self.hasher.hash_one(it.fingerprint);
                let is_known = self.numbers.find(hash, |&held| held == number).is_some();
                let packets = self.way.packets - it.at.packets;
                let bytes = self.way.bytes - it.at.bytes;
                let interfaces = &it.interfaces[..it.shown];
                (it.fingerprint, it.time, packets, bytes).hash(&mut digest);
                (interfaces, is_known).hash(&mut digest);
            }
        }
        digest.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::capture::InterfaceId;

    const MILLIS: i64 = 1_000_000;

    fn interface(number: u64) -> Interface {
        Interface {
            id: InterfaceId(number),
            index: 0,
        }
    }

    /// Answers, one for each packet (fingerprint, interface, milliseconds): true for a
    /// duplicate.
    fn seen(window: &mut Window, packets: &[(u64, u64, i64)]) -> Vec<bool> {
        let mut see = |&(fingerprint, number, millis): &(u64, u64, i64)| {
            window.pass(1000);
            window.see(&Sight {
                fingerprint,
                time: Timestamp(millis * MILLIS),
                interface: interface(number),
            })
        };
        packets.iter().map(&mut see).collect()
    }

    fn count(packets: &[(u64, u64, i64)]) -> usize {
        let seen = seen(&mut Window::default(), packets);
        seen.into_iter().filter(|&is_copy| is_copy).count()
    }

    #[test]
    fn each_has_one_twin_an_interface() {
        // Sent twice and seen twice on both, in any order.
        assert_eq!(count(&[(1, 0, 0), (1, 1, 0), (1, 0, 9), (1, 1, 9)]), 2);
        assert_eq!(count(&[(1, 0, 0), (1, 0, 9), (1, 1, 0), (1, 1, 9)]), 2);
        assert_eq!(count(&[(1, 0, 0), (1, 1, 0), (1, 1, 9), (1, 0, 9)]), 2);
        // On three interfaces: one packet, two duplicates.
        assert_eq!(count(&[(1, 0, 0), (1, 1, 0), (1, 2, 1)]), 2);
        // On one alone, or far apart: no twins.
        assert_eq!(count(&[(1, 0, 0), (1, 0, 1), (2, 1, 1)]), 0);
        assert_eq!(count(&[(1, 0, 0), (1, 1, 101)]), 0);
        assert_eq!(count(&[(1, 0, 101), (1, 1, 0)]), 0);
        assert_eq!(count(&[(1, 0, 0), (1, 1, 100)]), 1);
    }

    #[test]
    fn a_packet_that_is_sent_all_the_time_stays_paired() {
        let packets = (0..500).flat_map(|n| [(7, 0, n * 50), (7, 1, n * 50)]);
        assert_eq!(count(&packets.collect::<Vec<_>>()), 500);
        // Too many at once are given up, and memory stays bounded.
        let mut window = Window::default();
        seen(&mut window, &vec![(7, 0, 0); 100_000]);
        assert!(window.originals.len() <= 8193 && window.numbers.len() <= Window::ALIKE);
    }

    proptest! {
        /// A walk that begins early comes to the same digest and answers as one from the start.
        #[test]
        fn the_same_digest_makes_the_same_answers(
            packets in prop::collection::vec((0..6_u64, 0..3_u64, 0..40_i64), 1..300),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut millis = 0;
            let packets: Vec<_> = packets
                .into_iter()
                .map(|(fingerprint, number, later)| {
                    millis += later;
                    (fingerprint, number, millis)
                })
                .collect();
            let cut = cut.index(packets.len());
            let (mut whole, mut early) = (Window::default(), Window::default());
            seen(&mut whole, &packets[..cut]);
            seen(&mut early, &packets[cut.saturating_sub(20)..cut]);
            let is_same = whole.digest() == early.digest();
            let answers = [&mut whole, &mut early].map(|window| seen(window, &packets[cut..]));
            prop_assert!(!is_same || answers[0] == answers[1]);
        }
    }
}

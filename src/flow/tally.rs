//! Counts of packets, with the first and the last of them.

use serde::{Deserialize, Serialize};

use super::{Direction, Sighting, Times, stored};

/// Packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Packets.
    #[serde(deserialize_with = "stored::count")]
    pub packets: u64,
    /// Sum of their original lengths, from the link-layer header on.
    #[serde(deserialize_with = "stored::count")]
    pub wire_bytes: u64,
    /// Sum of their transport payloads' original lengths. What a header that was cut
    /// off would have told is not guessed, and counts 0.
    #[serde(deserialize_with = "stored::count")]
    pub payload_bytes: u64,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, more: Self) {
        self.packets += more.packets;
        self.wire_bytes += more.wire_bytes;
        self.payload_bytes += more.payload_bytes;
    }
}

impl std::iter::Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |mut sum, count| {
            sum += count;
            sum
        })
    }
}

/// The packets of a flow that showed the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    counts: [Count; 2],
    /// Duplicates: packets that another interface had shown before, and that are not in
    /// `counts`.
    pub copies: Count,
    /// The earliest of them.
    pub first: Sighting,
    /// The latest of them.
    pub last: Sighting,
    /// Times of those that have one.
    pub times: Times,
}

impl Tally {
    pub(super) fn new(sighting: Sighting) -> Self {
        Self {
            counts: [Count::default(); 2],
            copies: Count::default(),
            first: sighting,
            last: sighting,
            times: Times::default(),
        }
    }

    /// The packets that went one way.
    #[must_use]
    pub fn count(&self, direction: Direction) -> Count {
        self.counts[direction as usize]
    }

    /// Packets both ways, with the duplicates.
    pub(super) fn placed(&self) -> Count {
        self.counts.into_iter().chain([self.copies]).sum()
    }

    /// Counts a packet.
    #[inline(always)]
    pub(super) fn add(&mut self, count: Count, at: &Sighting) {
        self.see(at);
        if let Some(time) = at.time {
            self.times.add(time);
        }
        if at.is_copy {
            self.copies += count;
        } else {
            self.counts[at.direction as usize] += count;
        }
    }

    /// Takes in a packet, which nearly always is later than all before.
    #[inline]
    fn see(&mut self, at: &Sighting) {
        if at.moment() > self.last.moment() {
            self.last = *at;
        } else if at.moment() < self.first.moment() {
            self.first = *at;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.see(&other.first);
        self.see(&other.last);
        self.times.merge(&other.times);
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.copies += other.copies;
    }
}

/// Adds a tally to one that may be missing.
pub(super) fn join_tallies(kept: &mut Option<Tally>, more: Option<&Tally>) {
    match (kept, more) {
        (Some(kept), Some(more)) => kept.merge(more),
        (kept @ None, Some(more)) => *kept = Some(more.clone()),
        (_, None) => {}
    }
}

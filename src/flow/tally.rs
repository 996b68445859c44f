//! Counts of packets, with the first and the last of them.

use serde::{Deserialize, Serialize};

use super::stored::{self, Sound, sound};
use super::{Direction, Sighting, Timeline, Times};

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

/// Packets that are no duplicates, by direction and by time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Originals {
    counts: [Count; 2],
    /// Those of them that have a time.
    timeline: Timeline,
}

impl Originals {
    fn total(&self) -> Count {
        self.counts.into_iter().sum()
    }

    fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.timeline.merge(&other.timeline);
    }
}

impl Sound for Originals {
    fn is_sound(&self) -> bool {
        let (all, timed) = (self.total(), self.timeline.total());
        let is_part = timed.packets <= all.packets && timed.wire_bytes <= all.wire_bytes;
        is_part && self.timeline.is_sound()
    }
}

/// The packets of a flow that showed the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    #[serde(deserialize_with = "sound")]
    originals: Originals,
    /// Duplicates: packets that another interface had shown before, and that are not in
    /// `originals`.
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
            originals: Originals::default(),
            copies: Count::default(),
            first: sighting,
            last: sighting,
            times: Times::default(),
        }
    }

    /// The packets that went one way.
    #[must_use]
    pub fn count(&self, direction: Direction) -> Count {
        self.originals.counts[direction as usize]
    }

    /// The packets by time, but for those that have none.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.originals.timeline
    }

    /// Packets both ways, with the duplicates.
    pub(super) fn placed(&self) -> Count {
        [self.originals.total(), self.copies].into_iter().sum()
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
            return;
        }
        self.originals.counts[at.direction as usize] += count;
        if let Some(time) = at.time {
            self.originals.timeline.add(time, count.wire_bytes);
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
        self.originals.merge(&other.originals);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Timestamp;

    fn read(tally: &Tally) -> Result<Tally, postcard::Error> {
        let bytes = postcard::to_stdvec(tally).expect("memory");
        stored::Room::default().read(0..1, || postcard::from_bytes(&bytes))
    }

    #[test]
    fn no_more_is_read_of_a_timeline_than_was_counted() {
        let time = Some(Timestamp(1_700_000_000_000_000_000));
        let at = Sighting {
            time,
            ..Sighting::of_packet(1)
        };
        let count = Count {
            packets: 1,
            wire_bytes: 60,
            payload_bytes: 0,
        };
        let mut tally = Tally::new(at);
        tally.add(count, &at);
        tally.add(count, &Sighting { time: None, ..at });
        tally.add(
            count,
            &Sighting {
                is_copy: true,
                ..at
            },
        );
        assert_eq!(tally.timeline().total().packets, 1);
        assert_eq!(read(&tally).as_ref(), Ok(&tally));
        for (packets, wire_bytes) in [(2, 1), (1, 61)] {
            let mut tally = tally.clone();
            for _ in 0..packets {
                tally.originals.timeline.add(Timestamp(0), wire_bytes);
            }
            assert!(read(&tally).is_err());
        }
    }
}

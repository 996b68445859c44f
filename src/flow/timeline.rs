//! Timelines: packets and bytes by interval of time, in bounded memory.
//!
//! Time is cut into intervals of a power of two of nanoseconds, which begin at multiples of
//! their width. There are no more than [`MOST_INTERVALS`] from the first with a packet to the
//! last; where a packet comes beyond, all become twice as wide, two by two, until there are no
//! more again. So the width follows from the first time and the last alone, and neither the
//! order of the packets nor a split of the input changes what is counted in which interval.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::stored::{self, Sound};
use crate::capture::Timestamp;

/// Exponent of the least width: 2^27 ns, or 0.13 s.
const NARROWEST: u32 = 27;
/// That of the greatest: 128 of them hold all time.
const WIDEST: u32 = 57;
/// Intervals from the first with a packet to the last, at the most. A timeline that was widened
/// has more than half as many.
pub const MOST_INTERVALS: i64 = 128;

/// Packets of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Nanoseconds from 1970 to its beginning, in multiples of its width.
    number: i64,
    /// Packets.
    #[serde(deserialize_with = "stored::count")]
    pub packets: u64,
    /// Sum of their original lengths.
    #[serde(deserialize_with = "stored::count")]
    pub wire_bytes: u64,
}

impl Interval {
    fn is_empty(&self) -> bool {
        self.packets == 0
    }

    fn add(&mut self, more: &Self) {
        self.packets += more.packets;
        self.wire_bytes += more.wire_bytes;
    }
}

/// Packets by the interval of time that they were captured in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "StoredTimeline", from = "StoredTimeline")]
pub struct Timeline {
    /// Exponent of the width.
    exponent: u32,
    /// The last interval with a packet; where there is none, one without.
    latest: Interval,
    /// The others with packets, in their order.
    earlier: Vec<Interval>,
}

/// Exponent of the width, and all intervals with packets.
type StoredTimeline = (u32, Vec<Interval>);

impl From<Timeline> for StoredTimeline {
    fn from(timeline: Timeline) -> Self {
        (timeline.exponent, timeline.intervals().copied().collect())
    }
}

impl From<StoredTimeline> for Timeline {
    fn from((exponent, mut earlier): StoredTimeline) -> Self {
        Self {
            exponent,
            latest: earlier.pop().unwrap_or_default(),
            earlier,
        }
    }
}

impl Sound for Timeline {
    /// Tests that packets can have left it: that its intervals are in order, as many as may be,
    /// and no wider than their number asks for.
    fn is_sound(&self) -> bool {
        if !(NARROWEST..=WIDEST).contains(&self.exponent) {
            return false;
        }
        let all_time = (i64::MIN >> self.exponent)..=(i64::MAX >> self.exponent);
        let is_one = |it: &Interval| !it.is_empty() && all_time.contains(&it.number);
        let fewest = match self.exponent {
            NARROWEST => 0,
            _ => MOST_INTERVALS / 2 + 1,
        };
        self.earlier.iter().all(is_one)
            && (is_one(&self.latest)
                || self.earlier.is_empty() && self.latest == Interval::default())
            && self
                .intervals()
                .is_sorted_by(|one, next| one.number < next.number)
            && (fewest..=MOST_INTERVALS).contains(&self.len())
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            exponent: NARROWEST,
            latest: Interval::default(),
            earlier: Vec::new(),
        }
    }
}

impl Timeline {
    /// Adds a packet, which nearly always is in the last interval.
    #[inline]
    pub fn add(&mut self, time: Timestamp, wire_bytes: u64) {
        let number = time.0 >> self.exponent;
        if number == self.latest.number {
            self.latest.packets += 1;
            self.latest.wire_bytes += wire_bytes;
        } else {
            self.insert(Interval {
                number,
                packets: 1,
                wire_bytes,
            });
        }
    }

    #[cold]
    fn insert(&mut self, more: Interval) {
        let number = more.number;
        if self.is_empty() {
            self.latest = more;
        } else if number > self.latest.number {
            self.earlier.push(std::mem::replace(&mut self.latest, more));
        } else if number == self.latest.number {
            self.latest.add(&more);
        } else {
            match self.earlier.binary_search_by_key(&number, |it| it.number) {
                Ok(place) => self.earlier[place].add(&more),
                Err(place) => self.earlier.insert(place, more),
            }
        }
        self.fit();
    }

    /// Widens the intervals until there are as many as may be.
    fn fit(&mut self) {
        let (first, last) = (self.first().number, self.latest.number);
        let fits = |by: &u32| (last >> by) - (first >> by) < MOST_INTERVALS;
        let by = (0..WIDEST).find(fits);
        self.widen(by.unwrap_or(WIDEST));
    }

    /// Doubles the width of the intervals so many times.
    fn widen(&mut self, by: u32) {
        if by == 0 {
            return;
        }
        self.exponent += by;
        self.latest.number >>= by;
        self.earlier.iter_mut().for_each(|it| it.number >>= by);
        self.earlier.dedup_by(|next, kept| {
            let is_same = next.number == kept.number;
            if is_same {
                kept.add(next);
            }
            is_same
        });
        let number = self.latest.number;
        if let Some(last) = self.earlier.pop_if(|it| it.number == number) {
            self.latest.add(&last);
        }
    }

    /// Adds the packets of another.
    pub fn merge(&mut self, other: &Self) {
        self.widen(other.exponent.saturating_sub(self.exponent));
        for it in other.intervals() {
            let number = it.number >> (self.exponent - other.exponent);
            self.insert(Interval { number, ..*it });
        }
    }

    /// Tests that it has no packet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.latest.is_empty()
    }

    /// Intervals with packets, in their order.
    fn intervals(&self) -> impl Iterator<Item = &Interval> {
        let latest = (!self.latest.is_empty()).then_some(&self.latest);
        self.earlier.iter().chain(latest)
    }

    fn first(&self) -> &Interval {
        self.earlier.first().unwrap_or(&self.latest)
    }

    /// Number of intervals from the first with a packet to the last.
    fn len(&self) -> i64 {
        if self.is_empty() {
            return 0;
        }
        let apart = self.latest.number.saturating_sub(self.first().number);
        apart.saturating_add(1)
    }

    /// Sum over all intervals.
    #[must_use]
    pub fn total(&self) -> Interval {
        let mut total = Interval::default();
        self.intervals().for_each(|it| total.add(it));
        total
    }

    /// Beginning of the first interval with a packet; `None` without one.
    #[must_use]
    pub fn start(&self) -> Option<Timestamp> {
        let start = Timestamp(self.first().number << self.exponent);
        (!self.is_empty()).then_some(start)
    }

    /// Width of the intervals.
    #[must_use]
    pub fn width(&self) -> Duration {
        Duration::from_nanos(1 << self.exponent)
    }

    /// Packets by each interval of another timeline, which counts these among others.
    #[must_use]
    pub fn over(&self, whole: &Self) -> Vec<Interval> {
        let first = whole.first().number;
        let mut all: Vec<_> = (first..first + whole.len())
            .map(|number| Interval {
                number,
                ..Interval::default()
            })
            .collect();
        let by = whole.exponent.saturating_sub(self.exponent);
        for it in self.intervals() {
            let place = usize::try_from((it.number >> by) - first);
            if let Some(kept) = place.ok().and_then(|place| all.get_mut(place)) {
                kept.add(it);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    type Packet = (i64, u16);

    fn timeline(packets: &[Packet]) -> Timeline {
        let mut timeline = Timeline::default();
        for &(time, wire_bytes) in packets {
            timeline.add(Timestamp(time), wire_bytes.into());
        }
        timeline
    }

    /// Packets within seconds, within hours, and at any time at all.
    fn packets() -> impl Strategy<Value = Vec<Packet>> {
        let any = (any::<i64>(), 60..1500_u16);
        let spread = prop_oneof![
            Just(20_000_000_000),
            Just(30_000_000_000_000),
            Just(i64::MAX)
        ];
        (spread, vec(any, 0..400)).prop_map(|(spread, mut packets)| {
            for (time, _) in &mut packets {
                *time %= spread;
            }
            packets
        })
    }

    /// Sum of the parts that begin at some cuts, added up as a tree: pairs, pairs of pairs, ...
    fn summed(packets: &[Packet], cuts: &[Index], backwards: bool) -> Timeline {
        let mut cuts: Vec<_> = cuts
            .iter()
            .map(|cut| cut.index(packets.len() + 1))
            .collect();
        cuts.extend([0, packets.len()]);
        cuts.sort_unstable();
        let mut parts: Vec<_> = cuts
            .windows(2)
            .map(|cut| timeline(&packets[cut[0]..cut[1]]))
            .collect();
        if backwards {
            parts.reverse();
        }
        while parts.len() > 1 {
            let pairs = parts.chunks(2).map(|pair| {
                let mut sum = pair[0].clone();
                pair[1..].iter().for_each(|more| sum.merge(more));
                sum
            });
            parts = pairs.collect();
        }
        parts.pop().unwrap_or_default()
    }

    proptest! {
        #[test]
        fn neither_order_nor_split_nor_tree_changes_it(
            packets in packets(),
            cuts in vec(any::<Index>(), 0..7),
            backwards in any::<bool>(),
        ) {
            let whole = timeline(&packets);
            let mut sorted = packets.clone();
            sorted.sort_unstable();
            prop_assert_eq!(&timeline(&sorted), &whole);
            sorted.reverse();
            prop_assert_eq!(&timeline(&sorted), &whole);
            prop_assert_eq!(&summed(&packets, &cuts, backwards), &whole);
            prop_assert!(whole.is_sound());
        }

        #[test]
        fn each_packet_is_in_its_interval(packets in packets()) {
            let whole = timeline(&packets);
            let all = whole.over(&whole);
            prop_assert!(all.len() <= 128);
            let start = whole.start().map_or(0, |it| it.0);
            let width = 1_i128 << whole.exponent;
            let mut told = vec![(0_u64, 0_u64); all.len()];
            for &(time, wire_bytes) in &packets {
                let place = (i128::from(time) - i128::from(start)) / width;
                let told = &mut told[usize::try_from(place).unwrap()];
                *told = (told.0 + 1, told.1 + u64::from(wire_bytes));
            }
            let all: Vec<_> = all.iter().map(|it| (it.packets, it.wire_bytes)).collect();
            prop_assert_eq!(all, told);
            prop_assert_eq!(whole.total().packets, packets.len() as u64);
        }

        #[test]
        fn parts_stand_over_the_whole(packets in packets(), cut in any::<Index>()) {
            let (one, other) = packets.split_at(cut.index(packets.len() + 1));
            let whole = timeline(&packets);
            let mut sum = timeline(one).over(&whole);
            for (kept, more) in sum.iter_mut().zip(timeline(other).over(&whole)) {
                kept.add(&more);
            }
            prop_assert_eq!(sum, whole.over(&whole));
        }

        #[test]
        fn what_is_stored_is_sound_and_comes_back(packets in packets()) {
            let whole = timeline(&packets);
            let bytes = postcard::to_stdvec(&whole).unwrap();
            let read = stored::Room::default().read(0..0, || postcard::from_bytes::<Timeline>(&bytes));
            prop_assert_eq!(read.unwrap(), whole);
        }
    }

    fn interval(number: i64, packets: u64) -> Interval {
        Interval {
            number,
            packets,
            wire_bytes: packets * 60,
        }
    }

    #[test]
    fn what_no_packets_leave_is_refused() {
        let is_sound = |exponent, intervals: &[Interval]| {
            Timeline::from((exponent, intervals.to_vec())).is_sound()
        };
        let wide = [interval(0, 1), interval(64, 1)];
        assert!(is_sound(NARROWEST, &[]));
        assert!(is_sound(NARROWEST, &[interval(3, 1), interval(130, 1)]));
        assert!(is_sound(NARROWEST + 1, &wide));
        for (exponent, intervals) in [
            (NARROWEST - 1, &[][..]),
            (WIDEST + 1, &[]),
            (u32::MAX, &wide),
            (NARROWEST + 1, &[]),
            (NARROWEST + 1, &[interval(0, 1), interval(63, 1)]),
            (NARROWEST, &[interval(3, 1), interval(131, 1)]),
            (NARROWEST, &[interval(3, 1), interval(3, 1)]),
            (NARROWEST, &[interval(4, 1), interval(3, 1)]),
            (NARROWEST, &[interval(3, 0)]),
            (NARROWEST, &[interval(3, 0), interval(4, 1)]),
            (NARROWEST, &[interval(i64::MAX, 1)]),
            (NARROWEST, &[interval(i64::MIN, 1), interval(i64::MAX, 1)]),
        ] {
            assert!(!is_sound(exponent, intervals), "{exponent} {intervals:?}");
        }
    }

    #[test]
    fn all_time_has_room() {
        let all = timeline(&[(i64::MIN, 60), (i64::MAX, 60)]);
        assert_eq!((all.exponent, all.len()), (WIDEST, MOST_INTERVALS));
        assert_eq!(all.start(), Some(Timestamp(i64::MIN)));
    }
}

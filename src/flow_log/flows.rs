//! Flows as the logs tell them: each once, whichever NICs logged it.
//!
//! A flow is logged by the NICs at its ends and by those of appliances between, which see
//! it in and out. Its volume in an hour is counted once for each way: as the NICs at one
//! end say, as those at the other do, or as one between does, whichever is the most. NICs
//! at the same end do not see the same packets: a VM was made anew under another address,
//! or two virtual networks use the same addresses. States are those of all NICs, because
//! each side's view is evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::State;
use super::entry::{Entry, LoggingNic, Mac, Mark};
use super::sums::{Sum, Sums};
use super::tuple::TupleVolume;
use super::view::{NicView, Told};
use crate::capture::Timestamp;
use crate::flow::times::Span;
use crate::flow::{Direction, FlowKey, GroupKey};

/// NICs of a flow that are kept apart.
const MOST_NICS: usize = 16;

/// Tuples of a state, counted once for each way and hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateTally {
    /// Packets, both ways.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// First tuple.
    pub first: Entry,
    /// Time of the last.
    pub last: Timestamp,
    /// Longest time that one of them is a sum over; `None` of tuples.
    pub grain: Option<Duration>,
}

impl StateTally {
    /// The times of a sum, without its volume.
    fn empty(sum: &Sum) -> Self {
        Self {
            packets: 0,
            bytes: 0,
            first: sum.first,
            last: sum.last,
            grain: sum.grain,
        }
    }

    fn add(&mut self, volume: TupleVolume) {
        self.packets = self.packets.saturating_add(volume.packets);
        self.bytes = self.bytes.saturating_add(volume.bytes);
    }

    /// Adds the tally of another flow, or of other time.
    pub fn merge(&mut self, more: &Self) {
        self.packets = self.packets.saturating_add(more.packets);
        self.bytes = self.bytes.saturating_add(more.bytes);
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
        self.grain = self.grain.max(more.grain);
    }
}

/// Views of the NICs on a flow, or on a sum of flows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Views {
    /// Views of the lowest NICs, sorted.
    apart: Vec<(LoggingNic, NicView)>,
    /// View of all others together.
    rest: Option<Box<NicView>>,
}

impl Views {
    pub(super) fn add(&mut self, nic: LoggingNic, mark: Mark, is_near: bool) {
        self.view(nic).add(mark, nic.mac, is_near);
        self.make_room();
    }

    fn view(&mut self, nic: LoggingNic) -> &mut NicView {
        let place = self.apart.binary_search_by_key(&nic, |&(nic, _)| nic);
        let place = place.unwrap_or_else(|place| {
            self.apart.insert(place, (nic, NicView::default()));
            place
        });
        &mut self.apart[place].1
    }

    fn make_room(&mut self) {
        while self.apart.len() > MOST_NICS {
            if let Some((_, view)) = self.apart.pop() {
                self.rest.get_or_insert_default().merge(view, Mac::OTHERS);
            }
        }
        if let Some(rest) = &mut self.rest {
            rest.crowded(Mac::OTHERS);
        }
    }

    pub(super) fn merge(&mut self, more: Self) {
        for (nic, view) in more.apart {
            self.view(nic).merge(view, nic.mac);
        }
        if let Some(rest) = more.rest {
            self.rest.get_or_insert_default().merge(*rest, Mac::OTHERS);
        }
        self.make_room();
    }

    /// Adds the views on a flow to those on a sum of flows.
    pub(super) fn fold(&mut self, flow: Self) {
        self.merge(flow);
        for (nic, view) in &mut self.apart {
            view.crowded(nic.mac);
        }
    }

    /// Names the NIC of tuples that came before its name.
    pub(super) fn logged_by(&mut self, mac: Mac) {
        for (nic, view) in &mut self.apart {
            nic.mac = mac;
            view.logged_by(mac);
        }
    }

    fn settle(&mut self) {
        self.apart.iter_mut().for_each(|(_, view)| view.settle());
    }

    fn all(&self) -> impl Iterator<Item = (Mac, &NicView)> {
        let apart = self.apart.iter().map(|(nic, view)| (nic.mac, view));
        let rest = self.rest.iter().map(|view| (Mac::OTHERS, &**view));
        apart.chain(rest)
    }
}

/// Flow as the logs tell it, or the sum of some that were not kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Addresses, and the meaning of the ports; the interface says nothing.
    pub group: GroupKey,
    /// Flow; `None` for a sum.
    pub key: Option<FlowKey>,
    views: Views,
}

impl Logged {
    pub(super) fn new(group: GroupKey, key: Option<FlowKey>, mut views: Views) -> Self {
        views.settle();
        Self { group, key, views }
    }

    /// Time of the first tuple.
    #[must_use]
    pub fn first(&self) -> Option<Timestamp> {
        let views = self.views.all();
        let states = views.flat_map(|(_, view)| view.states());
        states.map(|(_, time)| time).min()
    }

    /// Tests that some of it is known to have travelled.
    #[must_use]
    pub fn is_carried(&self) -> bool {
        let views = self.views.all();
        let mut states = views.flat_map(|(_, view)| view.states());
        states.any(|(state, _)| state.is_carried())
    }

    /// Tests that its tuples are of one flow: if a port is missing, they can be of several.
    fn is_one_flow(&self) -> bool {
        let ports = self.key.map(|key| [key.low.port, key.high.port]);
        ports.is_some_and(|ports| !ports.contains(&0))
    }

    /// Times that each NIC tells of; `None` for those that are not kept apart. A NIC that
    /// the log does not name can be several, so its tuples fill no holes.
    #[must_use]
    pub fn told(&self) -> Vec<(Option<LoggingNic>, Vec<Told>)> {
        let is_one_flow = self.is_one_flow();
        let apart = self.views.apart.iter().map(|(nic, view)| {
            let mut told = view.told(is_one_flow);
            if nic.mac == Mac::NONE {
                for told in &mut told {
                    told.proves = None;
                }
            }
            (Some(*nic), told)
        });
        let rest = self.views.rest.iter();
        let rest = rest.map(|view| (None, view.told(is_one_flow)));
        apart.chain(rest).collect()
    }

    /// Tallies by state of what is wanted, and of the rest. `is_wanted` is asked with the
    /// time that tuples speak for, or with none for those that are far from any captured
    /// time.
    #[must_use]
    pub fn tallies(
        &self,
        is_wanted: &dyn Fn(State, Option<Span>) -> bool,
    ) -> [BTreeMap<State, StateTally>; 2] {
        let is_one_flow = self.is_one_flow();
        let [mut wanted, mut rest] = [Vec::new(), Vec::new()];
        let apart = self
            .views
            .apart
            .iter()
            .map(|(nic, view)| (Some(*nic), view));
        let others = self.views.rest.iter().map(|view| (None, &**view));
        for (nic, view) in apart.chain(others) {
            let mac = nic.map_or(Mac::OTHERS, |nic| nic.mac);
            let [then, other] = view.split(mac, is_one_flow, is_wanted);
            wanted.push((nic, then));
            rest.push((nic, other));
        }
        [wanted, rest].map(|views| once(views, self.group.is_beyond()))
    }
}

/// Volumes of one state in one hour, by who says so.
#[derive(Clone, Copy, Default)]
struct SaidVolumes {
    /// NICs at each end.
    ends: [[TupleVolume; 2]; 2],
    /// The most of a NIC between, or of those not kept apart.
    between: [TupleVolume; 2],
}

impl SaidVolumes {
    fn add(&mut self, nic: Option<LoggingNic>, volumes: [TupleVolume; 2]) {
        let known = match nic {
            Some(nic) => &mut self.ends[nic.end as usize],
            None => return most(&mut self.between, volumes),
        };
        known
            .iter_mut()
            .zip(volumes)
            .for_each(|(sum, it)| sum.add(it));
    }

    fn once(mut self) -> [TupleVolume; 2] {
        let [low, high] = self.ends;
        most(&mut self.between, low);
        most(&mut self.between, high);
        self.between
    }
}

fn most(known: &mut [TupleVolume; 2], volumes: [TupleVolume; 2]) {
    for (known, it) in known.iter_mut().zip(volumes) {
        known.packets = known.packets.max(it.packets);
        known.bytes = known.bytes.max(it.bytes);
    }
}

/// Views of one class of time, each with its NIC, where it is not one of many.
type Summed = Vec<(Option<LoggingNic>, Sums)>;

/// Tallies of several views, each way and hour counted once.
fn once(mut views: Summed, is_beyond: bool) -> BTreeMap<State, StateTally> {
    let between = between(&views, is_beyond);
    let exponent = views.iter().map(|(_, sums)| sums.exponent()).max();
    let mut said = BTreeMap::<(State, i64), SaidVolumes>::new();
    let mut tallies = BTreeMap::<State, StateTally>::new();
    for (nic, sums) in &mut views {
        sums.coarsen(exponent.unwrap_or(0));
        let nic = nic.filter(|nic| !between.contains(&nic.mac));
        for (state, sum) in sums.iter() {
            let tally = StateTally::empty(sum);
            let known = tallies.entry(state);
            known
                .and_modify(|known| known.merge(&tally))
                .or_insert(tally);
            for &(hour, volumes) in &sum.hours {
                said.entry((state, hour)).or_default().add(nic, volumes);
            }
        }
    }
    for ((state, _), said) in said {
        if let Some(tally) = tallies.get_mut(&state) {
            said.once().into_iter().for_each(|volume| tally.add(volume));
        }
    }
    tallies
}

/// NICs that log a flow in and out. In a sum over many pairs of addresses a NIC stands at
/// either end, and is none of them.
fn between(views: &Summed, is_beyond: bool) -> BTreeSet<Mac> {
    let macs = |end| -> BTreeSet<Mac> {
        let nics = views.iter().filter_map(|&(nic, _)| nic);
        nics.filter(|nic| nic.end == end)
            .map(|nic| nic.mac)
            .collect()
    };
    let [low, high] = [macs(Direction::Up), macs(Direction::Down)];
    let both = low.intersection(&high).copied();
    both.filter(|_| !is_beyond).collect()
}

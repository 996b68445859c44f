//! Sums of tuples by state and hour, in bounded memory.

use std::time::Duration;

use super::State;
use super::entry::{Entry, Mac, Mark};
use super::tuple::TupleVolume;
use crate::capture::Timestamp;
use crate::flow::times::Span;

/// An hour in nanoseconds.
const HOUR: i64 = 3_600_000_000_000;
/// Pairs of state and hour that are kept apart. Beyond it, hours are taken together by two,
/// by four, and so on.
const MOST_HOURS: usize = 64;

/// Tuples of one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    /// The first tuple.
    pub(super) first: Entry,
    /// Time of the last.
    pub(super) last: Timestamp,
    /// Longest time that one of them is a sum over; `None` of tuples.
    pub(super) grain: Option<Duration>,
    /// Volumes from the lower end and from the higher, by hour.
    pub(super) hours: Vec<(i64, [TupleVolume; 2])>,
}

impl Sum {
    fn add(&mut self, hour: i64, volumes: [TupleVolume; 2]) {
        match self.hours.binary_search_by_key(&hour, |&(hour, _)| hour) {
            Ok(place) => {
                let known = &mut self.hours[place].1;
                known
                    .iter_mut()
                    .zip(volumes)
                    .for_each(|(sum, it)| sum.add(it));
            }
            Err(place) => self.hours.insert(place, (hour, volumes)),
        }
    }

    fn merge(&mut self, more: &Self, coarser: u32) {
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
        self.grain = self.grain.max(more.grain);
        for &(hour, volumes) in &more.hours {
            self.add(hour >> coarser, volumes);
        }
    }

    fn coarser(&mut self, by: u32) {
        for (hour, volumes) in std::mem::take(&mut self.hours) {
            self.add(hour >> by, volumes);
        }
    }
}

/// Tuples by state and hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Number of hours in one, as an exponent of two.
    exponent: u32,
    states: Vec<(State, Sum)>,
}

impl Sums {
    pub(super) fn add(&mut self, mark: &Mark, mac: Mac) {
        let hour = mark.time.0.div_euclid(HOUR) >> self.exponent;
        let first = mark.entry(mac);
        let grain = mark.stage.summed().map(Span::duration);
        match self.place(mark.state) {
            Ok(place) => {
                let known = &mut self.states[place].1;
                known.first = known.first.min(first);
                known.last = known.last.max(mark.span().last);
                known.grain = known.grain.max(grain);
                known.add(hour, mark.volumes);
            }
            Err(place) => {
                let sum = Sum {
                    first,
                    last: mark.span().last,
                    grain,
                    hours: vec![(hour, mark.volumes)],
                };
                self.states.insert(place, (mark.state, sum));
            }
        }
        self.make_room();
    }

    fn place(&self, state: State) -> Result<usize, usize> {
        self.states
            .binary_search_by_key(&state, |&(state, _)| state)
    }

    pub(super) fn merge(&mut self, more: &Self) {
        self.coarsen(more.exponent);
        let coarser = self.exponent - more.exponent;
        for (state, sum) in &more.states {
            match self.place(*state) {
                Ok(place) => self.states[place].1.merge(sum, coarser),
                Err(place) => {
                    let mut sum = sum.clone();
                    sum.coarser(coarser);
                    self.states.insert(place, (*state, sum));
                }
            }
        }
        self.make_room();
    }

    fn make_room(&mut self) {
        while self
            .states
            .iter()
            .map(|(_, sum)| sum.hours.len())
            .sum::<usize>()
            > MOST_HOURS
        {
            self.coarsen(self.exponent + 1);
        }
    }

    /// Takes hours together until they are as long as asked.
    pub(super) fn coarsen(&mut self, exponent: u32) {
        if exponent > self.exponent {
            let by = exponent - self.exponent;
            self.states.iter_mut().for_each(|(_, sum)| sum.coarser(by));
            self.exponent = exponent;
        }
    }

    pub(super) fn exponent(&self) -> u32 {
        self.exponent
    }

    pub(super) fn states(&self) -> impl Iterator<Item = State> {
        self.states.iter().map(|&(state, _)| state)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (State, &Sum)> {
        self.states.iter().map(|(state, sum)| (*state, sum))
    }

    /// The same of one state alone.
    pub(super) fn of(&self, state: State) -> Self {
        let states = self.states.iter().filter(|(other, _)| *other == state);
        Self {
            exponent: self.exponent,
            states: states.cloned().collect(),
        }
    }

    /// Time from the first tuple of each state to its last.
    pub(super) fn spans(&self) -> impl Iterator<Item = (State, Span)> {
        self.states.iter().map(|(state, sum)| {
            let (first, last) = (sum.first.time, sum.last);
            (*state, Span { first, last })
        })
    }

    pub(super) fn logged_by(&mut self, mac: Mac) {
        for (_, sum) in &mut self.states {
            sum.first.mac = mac;
        }
    }
}

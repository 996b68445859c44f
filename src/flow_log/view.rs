//! View of one NIC on a flow: its tuples, and the time that each tells of.
//!
//! A tuple tells what its own flow did since the tuple before it. Tuples near captured time
//! are kept one by one as `Mark`s, since the tuple before one can come later in the
//! input; all others are summed by state and hour.

use std::time::Duration;

use super::State;
use super::entry::{Mac, Mark};
use super::sums::Sums;
use super::tuple::Stage;
use crate::capture::Timestamp;
use crate::flow::times::Span;

/// Time of which a tuple has the statistics.
const STATISTICS: Duration = Duration::from_mins(5);
/// Longest time between a tuple and the one before it, both of a flow that goes on, for which
/// the later speaks: they are not written to the moment.
const REACH: Duration = STATISTICS.saturating_add(SECOND);
/// Time before a tuple that it may tell of where the tuple before it is not known, for what
/// speaks against encryption: statistics of five minutes, written within one.
pub(super) const BEFORE: Duration = Duration::from_mins(6);
/// Time after a tuple of a flow that goes on, for what speaks against encryption, where no
/// later tuple tells of it.
const AFTER: Duration = Duration::from_mins(1);
/// Resolution of sums and of a log in whole seconds, and what clocks may differ by in what was
/// denied, which neither proves anything nor speaks against it.
const SECOND: Duration = Duration::from_nanos(999_999_999);
/// Marks that are kept of a view: those of two days at one in five minutes, and some.
const MOST_MARKS: usize = 640;

/// Time that tuples of one state tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// State.
    pub state: State,
    /// Time for which it speaks against encryption, or is listed.
    pub speaks: Span,
    /// Time for which it proves its state; `None` where it proves nothing.
    pub proves: Option<Span>,
}

/// Tuples of a flow from one NIC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NicView {
    /// Tuples of no captured time.
    far: Sums,
    near: Vec<Mark>,
    /// Tuples near captured time that are no longer kept one by one.
    crowd: Option<Sums>,
}

impl NicView {
    pub(super) fn add(&mut self, mark: Mark, mac: Mac, is_near: bool) {
        if is_near {
            self.near.push(mark);
            self.make_room(mac);
        } else {
            self.far.add(&mark, mac);
        }
    }

    /// Sums the marks where they are too many. Their number only grows when views are
    /// merged, so the order of the input changes nothing.
    fn make_room(&mut self, mac: Mac) {
        if self.near.len() > MOST_MARKS || self.crowd.is_some() {
            self.crowded(mac);
        }
    }

    /// Sums all marks: a sum of several flows cannot tell which tuple is before which.
    pub(super) fn crowded(&mut self, mac: Mac) {
        if !self.near.is_empty() {
            let crowd = self.crowd.get_or_insert_default();
            let near = self.near.drain(..);
            near.for_each(|mark| crowd.add(&mark, mac));
        }
    }

    pub(super) fn merge(&mut self, more: Self, mac: Mac) {
        self.far.merge(&more.far);
        self.near.extend(more.near);
        if let Some(crowd) = more.crowd {
            self.crowd.get_or_insert_default().merge(&crowd);
        }
        self.make_room(mac);
    }

    pub(super) fn logged_by(&mut self, mac: Mac) {
        self.far.logged_by(mac);
        if let Some(crowd) = &mut self.crowd {
            crowd.logged_by(mac);
        }
    }

    pub(super) fn settle(&mut self) {
        self.near.sort_unstable();
    }

    /// The times of the tuples near captured time, in their order. Where the tuples may be
    /// of several flows, the one before another tells nothing.
    pub(super) fn told(&self, is_one_flow: bool) -> Vec<Told> {
        let marks = (0..self.near.len()).map(|place| told(&self.near, place, is_one_flow));
        let crowd = self.crowd.iter().flat_map(Sums::spans);
        let crowd = crowd.map(|(state, span)| Told {
            state,
            speaks: span.widened(BEFORE, AFTER),
            proves: None,
        });
        marks.chain(crowd).collect()
    }

    /// Sums of what is wanted and of the rest; asked with the time that tuples speak for,
    /// or with none for those of no captured time.
    pub(super) fn split(
        &self,
        mac: Mac,
        is_one_flow: bool,
        is_wanted: &dyn Fn(State, Option<Span>) -> bool,
    ) -> [Sums; 2] {
        let mut split = [Sums::default(), Sums::default()];
        for state in self.far.states() {
            let part = self.far.of(state);
            split[usize::from(!is_wanted(state, None))].merge(&part);
        }
        for (mark, told) in self.near.iter().zip(self.told(is_one_flow)) {
            let is_wanted = is_wanted(mark.state, Some(told.speaks));
            split[usize::from(!is_wanted)].add(mark, mac);
        }
        for (state, span) in self.crowd.iter().flat_map(Sums::spans) {
            let part = self.crowd.as_ref().map(|crowd| crowd.of(state));
            let is_wanted = is_wanted(state, Some(span.widened(BEFORE, AFTER)));
            split[usize::from(!is_wanted)].merge(&part.unwrap_or_default());
        }
        split
    }

    /// The states, each with the time of its first tuple.
    pub(super) fn states(&self) -> impl Iterator<Item = (State, Timestamp)> {
        let sums = self.crowd.iter().chain([&self.far]);
        let summed = sums.flat_map(Sums::spans);
        let summed = summed.map(|(state, span)| (state, span.first));
        let near = self.near.iter().map(|mark| (mark.state, mark.time));
        summed.chain(near)
    }
}

/// The time that the mark at a place of sorted ones tells of.
fn told(marks: &[Mark], place: usize, is_one_flow: bool) -> Told {
    let mark = &marks[place];
    if let Some(summed) = mark.stage.summed() {
        return Told {
            state: mark.state,
            speaks: summed.widened(SECOND, SECOND),
            proves: None,
        };
    }
    let begins = place - marks[..place].iter().rev().take_while(same(mark)).count();
    // What was denied was not carried, and is no part of a flow's life; nor is a sum.
    let is_carried = |mark: &&Mark| !mark.stage.is_denied() && mark.stage.summed().is_none();
    let before = marks[..begins].iter().rev().find(is_carried);
    let mut later = marks[place..].iter().filter(is_carried);
    let after = later.find(|later| later.time > mark.time);
    let proves = proven(mark, before, marks);
    let [before, after] = [before, after].map(|mark| mark.filter(|_| is_one_flow));
    Told {
        state: mark.state,
        speaks: Span {
            first: since(mark, before),
            last: until(mark, after),
        },
        proves,
    }
}

/// Time for which a mark proves its state: since the one before it, where it continues that,
/// else its moment.
fn proven(mark: &Mark, before: Option<&Mark>, marks: &[Mark]) -> Option<Span> {
    // A flow that began at the same time may be another than that of the mark before.
    let begins_with = |it: &Mark| {
        let from = marks.partition_point(|other| other.time < it.time);
        let mut beside = marks[from..].iter().take_while(same(it));
        beside.any(|other| other.stage == Stage::Begin)
    };
    let is_anew = begins_with(mark);
    let first = match (mark.stage, before) {
        (Stage::Deny, _) => return None,
        (Stage::Continue | Stage::End, Some(before)) if !is_anew && continues(before, mark) => {
            follows(before, begins_with(before))
        }
        _ => mark.time,
    };
    Some(Span {
        first,
        last: mark.time,
    })
}

fn same(mark: &Mark) -> impl Fn(&&Mark) -> bool {
    let time = mark.time;
    move |other| other.time == time
}

/// Tests that a tuple has the statistics since another: none is missing between, and the flow
/// did not end. An end can come at any moment behind a tuple, and so behind one that is missing.
fn continues(before: &Mark, mark: &Mark) -> bool {
    let reach = match mark.stage {
        Stage::End if mark.is_coarse => STATISTICS.saturating_sub(SECOND),
        Stage::End => STATISTICS,
        _ => REACH,
    };
    let reached = before.span().widened(Duration::ZERO, reach);
    matches!(before.stage, Stage::Begin | Stage::Continue) && mark.time <= reached.last
}

/// Moment since which a tuple may speak: never beyond its flow's begin, nor
/// for the moment of the tuple before it.
fn since(mark: &Mark, before: Option<&Mark>) -> Timestamp {
    let moment = mark.span();
    let earliest = moment.widened(BEFORE, Duration::ZERO).first;
    match (mark.stage, before) {
        (Stage::Begin, _) => mark.time,
        (Stage::Deny, _) => moment.widened(SECOND, SECOND).first,
        (_, Some(before)) => earliest.max(just_after(before.time)),
        (_, None) => earliest,
    }
}

/// First moment that a tuple behind another one proves: of the second in which a flow `begins`,
/// a log in whole seconds does not tell which part came before.
fn follows(before: &Mark, begins: bool) -> Timestamp {
    let is_unclear = before.is_coarse && begins;
    let unclear = if is_unclear { SECOND } else { Duration::ZERO };
    just_after(before.span().widened(Duration::ZERO, unclear).last)
}

fn just_after(time: Timestamp) -> Timestamp {
    Timestamp(time.0.saturating_add(1))
}

/// Moment until which a tuple may speak: an end tells nothing of after, and what the next
/// tuple tells of is its own. A time in whole seconds may be any of its second.
fn until(mark: &Mark, after: Option<&Mark>) -> Timestamp {
    let moment = mark.span();
    let is_whole = mark.time.0 % 1_000_000_000 == 0;
    let own = if is_whole { SECOND } else { Duration::ZERO };
    let own = moment.widened(Duration::ZERO, own).last;
    let latest = moment.widened(Duration::ZERO, AFTER).last;
    let is_told = |after: &Mark| {
        let follows = moment.widened(Duration::ZERO, BEFORE).last >= after.time;
        follows && matches!(after.stage, Stage::Continue | Stage::End)
    };
    match (mark.stage, after) {
        (Stage::End, _) => own,
        (Stage::Deny, _) => moment.widened(SECOND, SECOND).last,
        (_, Some(after)) if is_told(after) => own,
        (_, Some(after)) => latest.min(after.time).max(own),
        (_, None) => latest,
    }
}

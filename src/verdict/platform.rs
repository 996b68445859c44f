//! Word of the flow logs on each path, held against what was captured of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::conclusion::Said;
use super::roles::Roles;
use super::scope::{self, Bucket, FlowKind};
use super::{Ends, Part, Verdict};
use crate::decode::Protocol;
use crate::evidence::Shown;
use crate::flow::{Count, Period, Times};
use crate::flow_log::entry::LoggingNic;
use crate::flow_log::{Carried, Logged, Span, State, StateTally, Told};

/// Way in which a captured flow was found in the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Join {
    /// By addresses, protocol and both ports.
    Ports,
    /// By all but the port that the log leaves out.
    ServerPort,
    /// By addresses alone: a tunnel hides the ports, or they were not captured or logged.
    Addresses,
}

/// Sum of what was logged of a path in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSum {
    /// Flows; a sum of those too many to keep apart counts as one.
    pub flows: u64,
    /// Sum of their tallies.
    pub tally: StateTally,
}

/// Word of flow logs on a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    /// The answer.
    pub said: Said,
    /// Ways in which the flows captured were found; empty without any.
    pub joined: BTreeSet<Join>,
    /// States at the time of the capture; without a capture, all.
    pub states: BTreeMap<State, StateSum>,
    /// Longest time that one of these states is a sum over; `None` where all are of tuples.
    pub grain: Option<Duration>,
    /// States at other times, which say nothing of what was captured.
    pub other_times: BTreeMap<State, StateSum>,
}

/// Flows of the logs, by path.
pub(super) struct Paths {
    /// Those of each path.
    pub(super) told: BTreeMap<Ends, Vec<Logged>>,
    /// Flows, or sums of some, that were carried in plaintext and may be Lustre: they have
    /// no ports, and nothing names a server among their addresses.
    pub(super) unplaced: usize,
}

impl Paths {
    pub(super) fn of(flows: Vec<Logged>, roles: &Roles, period: Period) -> Self {
        let mut paths = Self {
            told: BTreeMap::new(),
            unplaced: 0,
        };
        for logged in flows {
            // Tuples of other ports say nothing of Lustre.
            match scope::bucket(&logged.group, (Shown::Segment, FlowKind::default()), roles) {
                Bucket::Path => {
                    let (ends, _) = roles.ends(&logged.group);
                    paths.told.entry(ends).or_default().push(logged);
                }
                Bucket::Undecodable(_) if has_plaintext(&logged, period) => paths.unplaced += 1,
                _ => {}
            }
        }
        paths
    }
}

fn has_plaintext(logged: &Logged, period: Period) -> bool {
    let [states, _] = logged.tallies(&|_, told| may_be_of(period, told));
    let mut states = states.into_keys();
    states.any(|state| state.carried() == Carried::Plaintext)
}

/// Tests that what was logged may be of a period.
fn may_be_of(period: Period, told: Option<Span>) -> bool {
    period.is_always() || told.is_some_and(|told| told.overlaps(period.span()))
}

/// Times of the packets of some flows.
struct Captured {
    spans: Vec<Span>,
    /// True if a packet has no time: then nobody knows when they were captured.
    is_open: bool,
}

impl Captured {
    fn of<'p>(parts: impl IntoIterator<Item = &'p Part<'p>>) -> Self {
        let mut times = Times::default();
        let mut is_open = false;
        for (_, _, tally) in parts.into_iter().flat_map(Part::tallies) {
            times.merge(&tally.times);
            is_open |= tally.first.time.is_none();
        }
        Self {
            spans: times.spans(),
            is_open,
        }
    }

    fn overlaps(&self, told: Option<Span>) -> bool {
        let overlaps = |told: Span| self.spans.iter().any(|span| span.overlaps(told));
        self.is_open || told.is_some_and(overlaps)
    }

    /// Tests that every moment is in so many of some spans.
    fn is_covered(&self, by: &[Span], times: usize) -> bool {
        let is_timed = !self.is_open && !self.spans.is_empty();
        is_timed && self.spans.iter().all(|span| span.is_covered(by, times))
    }
}

/// Part of a path's sources that its flow logs are weighed by.
pub(super) struct Scales<'j> {
    /// True if the logs are damaged.
    pub(super) is_damaged: bool,
    /// Spans of all captures.
    pub(super) captured: &'j [Span],
    /// Period that is judged.
    pub(super) period: Period,
}

impl Scales<'_> {
    /// Word of the flow logs on a path, as far as they are of the time of its packets. A path
    /// without packets has been heard of at any time; but a server that should have been
    /// seen is proven only by what was logged while captures ran.
    pub(super) fn weigh(
        &self,
        ends: Ends,
        logged: &[Logged],
        parts: &[Part<'_>],
        observed: Option<Verdict>,
    ) -> Platform {
        if logged.is_empty() {
            return Platform::default();
        }
        let captured = match parts {
            [] => self.unseen(observed),
            parts => Captured::of(parts),
        };
        let is_of_then = |state: State, told: Option<Span>| {
            let speaks_against = parts.is_empty() && state.carried() == Carried::Plaintext;
            may_be_of(self.period, told) && (speaks_against || captured.overlaps(told))
        };
        let mut platform = Platform::default();
        for logged in logged {
            let [then, other] = logged.tallies(&is_of_then);
            add(&mut platform.states, then);
            add(&mut platform.other_times, other);
        }
        let found: Vec<_> = parts
            .iter()
            .map(|part| JoinedFlow::of(part, logged))
            .collect();
        let sums = platform.states.values();
        platform.grain = sums.filter_map(|sum| sum.tally.grain).max();
        let is_proven = match parts {
            [] => is_counted(&platform.states),
            parts => is_proven(parts, &found, &platform.states),
        };
        platform.said = said(&platform.states, is_proven && !self.is_damaged, ends);
        let joined = found.into_iter().flat_map(|found| found.joins);
        platform.joined = joined.collect();
        platform
    }
}

impl Scales<'_> {
    /// Time of a path without packets: that of all captures where its server should have
    /// been seen, else any.
    fn unseen(&self, observed: Option<Verdict>) -> Captured {
        Captured {
            spans: self.captured.to_vec(),
            is_open: observed.is_none(),
        }
    }
}

/// Tests that packets were counted as encrypted. A sum may be of other flows as well, so
/// without a capture it proves none; nor does a flow that has no packets yet.
fn is_counted(states: &BTreeMap<State, StateSum>) -> bool {
    let encrypted = states.get(&State::X);
    encrypted.is_some_and(|sum| sum.tally.grain.is_none() && sum.tally.packets > 0)
}

/// Tests that what was logged proves encryption of each captured flow. Where ports are
/// missing, it must also be of as many packets as were captured.
fn is_proven(parts: &[Part<'_>], found: &[JoinedFlow], states: &BTreeMap<State, StateSum>) -> bool {
    let logged = states.get(&State::X).map_or(0, |sum| sum.tally.packets);
    let captured = parts.iter().map(Part::total).sum::<Count>().packets;
    let rivals = found.iter().filter(|flow| flow.by_ports.is_empty());
    let rivals = rivals.count();
    (rivals == 0 || logged >= captured) && found.iter().all(|flow| flow.is_whole(rivals))
}

/// Adds the tallies of a flow.
fn add(sums: &mut BTreeMap<State, StateSum>, flow: BTreeMap<State, StateTally>) {
    for (state, tally) in flow {
        let known = sums.entry(state);
        known
            .and_modify(|sum| {
                sum.flows += 1;
                sum.tally.merge(&tally);
            })
            .or_insert(StateSum { flows: 1, tally });
    }
}

fn said(states: &BTreeMap<State, StateSum>, is_whole: bool, ends: Ends) -> Said {
    let has = |carried| states.keys().any(|state| state.carried() == carried);
    match (has(Carried::Ciphertext), has(Carried::Plaintext)) {
        (true, true) => Said::Mixed,
        (false, true) => Said::Plaintext,
        // Of paths that are not kept apart, none is said to be encrypted.
        (true, false) if has(Carried::Unknown) || ends == Ends::Rest => Said::Unknown,
        (true, false) if is_whole => Said::Encrypted,
        (true, false) => Said::Partly,
        _ if has(Carried::Unknown) => Said::Unknown,
        _ if has(Carried::Dropped) => Said::Blocked,
        _ => Said::Nothing,
    }
}

/// Captured flow among those that were logged to be carried at its time.
struct JoinedFlow {
    captured: Captured,
    joins: BTreeSet<Join>,
    /// For each NIC that speaks of it by its ports, whether it proves encryption for all its
    /// packets.
    by_ports: Vec<bool>,
    /// Time that each NIC proves of flows that it may be.
    by_less: BTreeMap<Option<LoggingNic>, Vec<Span>>,
}

impl JoinedFlow {
    fn of(part: &Part<'_>, logged: &[Logged]) -> Self {
        let mut flow = Self {
            captured: Captured::of([part]),
            joins: BTreeSet::new(),
            by_ports: Vec::new(),
            by_less: BTreeMap::new(),
        };
        for logged in logged {
            if let Some(join) = join(part, logged) {
                flow.hear(join, logged);
            }
        }
        flow
    }

    fn hear(&mut self, join: Join, logged: &Logged) {
        for (nic, told) in logged.told() {
            if !told.iter().any(|told| is_carried_at(told, &self.captured)) {
                continue;
            }
            self.joins.insert(join);
            let proofs = told.iter().filter(|told| told.state == State::X);
            let proofs: Vec<Span> = proofs.filter_map(|told| told.proves).collect();
            if join == Join::Ports {
                self.by_ports.push(self.captured.is_covered(&proofs, 1));
            } else {
                self.by_less.entry(nic).or_default().extend(proofs);
            }
        }
    }

    /// Tests that the logs prove encryption for all its packets. Each NIC that speaks of the
    /// same flow speaks of all its time: a hole in the log of one is not filled by that of
    /// another. Where ports are missing, a logged flow can be any of so many rivals that were
    /// captured, and one NIC must prove as many at each moment.
    fn is_whole(&self, rivals: usize) -> bool {
        if !self.by_ports.is_empty() {
            return self.by_ports.iter().all(|&proves| proves);
        }
        let mut nics = self.by_less.values();
        nics.any(|proofs| self.captured.is_covered(proofs, rivals))
    }
}

fn is_carried_at(told: &Told, captured: &Captured) -> bool {
    told.state.is_carried() && captured.overlaps(Some(told.speaks))
}

/// Way in which a logged flow fits a captured one. The ports of a tunnel, and of what was
/// cut off, tell nothing; logs are of TCP, so of UDP only a tunnel fits. A sum may be of any flows: one that was captured is found
/// nowhere, and none that was logged is one flow.
fn join(part: &Part<'_>, logged: &Logged) -> Option<Join> {
    let seen = part.key?;
    if seen.protocol == Protocol::Udp {
        let is_tunnel = part.counted.iter().all(|shown| shown.is_dtls());
        return is_tunnel.then_some(Join::Addresses);
    }
    let is_same = logged.group.protocol == seen.protocol;
    if seen.unread.is_some() {
        return is_same.then_some(Join::Addresses);
    }
    let told = logged.key.filter(|_| is_same)?;
    if told.unread.is_some() {
        return Some(Join::Addresses);
    }
    let fits = |seen: u16, told: u16| told == 0 || seen == told;
    let fits = fits(seen.low.port, told.low.port) && fits(seen.high.port, told.high.port);
    let lacks = told.low.port == 0 || told.high.port == 0;
    fits.then_some(if lacks { Join::ServerPort } else { Join::Ports })
}

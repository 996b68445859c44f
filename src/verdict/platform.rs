//! What flow logs say of each path, held against what was captured of it.

use std::collections::{BTreeMap, BTreeSet};

use super::conclusion::Said;
use super::roles::Roles;
use super::scope::{self, Bucket};
use super::{Class, Ends, Part};
use crate::decode::Protocol;
use crate::evidence::Shown;
use crate::flow_log::{Carried, Logged, Span, State, Tally};

/// How a captured flow was found in the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// By addresses, protocol and both ports.
    Ports,
    /// By all but the port that the log leaves out.
    ServerPort,
    /// By addresses alone: a tunnel hides the ports, or they were not captured or logged.
    Addresses,
}

/// What was logged of a path in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSum {
    /// Flows; a sum of those too many to keep apart counts as one.
    pub flows: u64,
    /// What they add up to.
    pub tally: Tally,
}

/// What flow logs say of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The answer.
    pub said: Said,
    /// How the flows captured were found; empty without any.
    pub joined: BTreeSet<Join>,
    /// What was logged at the time of the capture; without a capture, all.
    pub states: BTreeMap<State, StateSum>,
    /// What was logged at other times, which says nothing of what was captured.
    pub other_times: BTreeMap<State, StateSum>,
}

/// The flows of the logs, by the path that they are of.
pub(super) fn by_path(flows: Vec<Logged>, roles: &Roles) -> BTreeMap<Ends, Vec<Logged>> {
    let mut paths = BTreeMap::<Ends, Vec<Logged>>::new();
    for logged in flows {
        // What a log tells of other ports says nothing of Lustre.
        if scope::bucket(&logged.group, Shown::Segment, roles) == Bucket::Path {
            let (ends, _) = roles.ends(&logged.group);
            paths.entry(ends).or_default().push(logged);
        }
    }
    paths
}

/// What logged flows say of their path, as far as they are of the time in which `parts`
/// were captured; of any time, if nothing was. Logs that are damaged prove no encryption.
pub(super) fn weigh(ends: Ends, logged: &[Logged], is_damaged: bool, parts: &[Part]) -> Platform {
    let captured = span(parts);
    let is_of_then = |tally: &Tally| parts.is_empty() || is_of(captured, tally);
    let states = sums(logged, is_of_then);
    let other_times = sums(logged, |tally| !is_of_then(tally));
    let found: Vec<_> = parts.iter().map(|part| Found::of(part, logged)).collect();
    let mut open = found.iter().zip(parts).filter(|(_, part)| is_open(part));
    let is_whole = !is_damaged && ends != Ends::Rest && open.all(|(found, _)| found.is_whole);
    Platform {
        said: said(&states, is_whole, ends),
        joined: found.into_iter().flat_map(|found| found.joins).collect(),
        states,
        other_times,
    }
}

/// What was logged at the times that are wanted, by state.
fn sums(logged: &[Logged], is_wanted: impl Fn(&Tally) -> bool) -> BTreeMap<State, StateSum> {
    let mut sums = BTreeMap::new();
    for logged in logged {
        let mut flow = BTreeMap::<State, Tally>::new();
        for (state, tally) in logged.states.iter().filter(|(_, tally)| is_wanted(tally)) {
            let known = flow.entry(state);
            known.and_modify(|sum| sum.merge(tally)).or_insert(*tally);
        }
        for (state, tally) in flow {
            add(&mut sums, state, tally);
        }
    }
    sums
}

fn add(sums: &mut BTreeMap<State, StateSum>, state: State, tally: Tally) {
    let known = sums.entry(state);
    known
        .and_modify(|sum| {
            sum.flows += 1;
            sum.tally.merge(&tally);
        })
        .or_insert(StateSum { flows: 1, tally });
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

/// Whether the capture alone does not show it to be encrypted.
fn is_open(part: &Part) -> bool {
    let open = [Class::Plaintext, Class::Undetermined];
    part.tallies().any(|(class, ..)| open.contains(&class))
}

/// The time of what was captured, if it has any.
fn span(parts: &[Part]) -> Option<Span> {
    let tallies = parts.iter().flat_map(Part::tallies);
    let times = tallies.flat_map(|(_, _, tally)| [tally.first.time, tally.last.time]);
    Span::of(times.flatten())
}

fn is_of(captured: Option<Span>, tally: &Tally) -> bool {
    let is_of = |captured: Span| tally.slot.is_some() && captured.overlaps(tally.told);
    captured.is_some_and(is_of)
}

/// A captured flow among those that were logged to be carried at its time.
struct Found {
    joins: BTreeSet<Join>,
    /// Whether they tell of all its time.
    is_whole: bool,
}

impl Found {
    fn of(part: &Part, logged: &[Logged]) -> Self {
        let captured = span(std::slice::from_ref(part));
        let mut joins = BTreeSet::new();
        let mut told = Vec::new();
        for logged in logged {
            let Some(join) = join(part, logged) else {
                continue;
            };
            for tally in carried(logged).filter(|tally| is_of(captured, tally)) {
                joins.insert(join);
                told.extend(tally.is_whole().then_some(tally.told));
            }
        }
        let is_whole = captured.is_some_and(|captured| captured.is_covered(told));
        Self { joins, is_whole }
    }
}

fn carried(logged: &Logged) -> impl Iterator<Item = &Tally> {
    let states = logged.states.iter();
    states.filter_map(|(state, tally)| state.is_carried().then_some(tally))
}

/// How a logged flow fits a captured one. The ports of a tunnel, which is UDP, and of what
/// was cut off tell nothing. A sum may be of any flows: one that was captured is found
/// nowhere, and none that was logged is one flow.
fn join(part: &Part, logged: &Logged) -> Option<Join> {
    let seen = part.key?;
    if seen.protocol == Protocol::Udp {
        return Some(Join::Addresses);
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

//! What flow logs say of each path, held against what was captured of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::conclusion::Said;
use super::roles::Roles;
use super::scope::{self, Bucket};
use super::{Class, Ends, Part};
use crate::azure::flow_log::{Carried, Logged, State, Tally};
use crate::capture::Timestamp;
use crate::decode::Protocol;
use crate::evidence::Shown;
use crate::flow::FlowKey;

/// How far apart the times of a capture and of a log may be for both to be of one time: a
/// tuple tells of up to five minutes before it, and is written within a minute.
pub const TOLERANCE: Duration = Duration::from_mins(6);

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
/// were captured; of any time, if nothing was.
pub(super) fn weigh(ends: Ends, logged: &[Logged], parts: &[Part]) -> Platform {
    let mut platform = Platform {
        said: Said::Nothing,
        joined: BTreeSet::new(),
        states: BTreeMap::new(),
        other_times: BTreeMap::new(),
    };
    let captured = Span::of(parts.iter());
    for (state, tally) in logged.iter().flat_map(|logged| logged.states.iter()) {
        let states = match parts {
            [] => &mut platform.states,
            _ if overlaps(captured, tally) => &mut platform.states,
            _ => &mut platform.other_times,
        };
        add(states, state, tally);
    }
    let mut is_whole = ends != Ends::Rest;
    for part in parts {
        let joins = joins(part, logged);
        is_whole &= !joins.is_empty() || !is_open(part);
        platform.joined.extend(joins);
    }
    platform.said = said(&platform.states, is_whole, ends);
    platform
}

fn add(states: &mut BTreeMap<State, StateSum>, state: State, tally: &Tally) {
    let more = StateSum {
        flows: 1,
        tally: *tally,
    };
    let known = states.entry(state);
    known
        .and_modify(|sum| {
            sum.flows += 1;
            sum.tally.merge(tally);
        })
        .or_insert(more);
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
#[derive(Clone, Copy)]
struct Span {
    first: Timestamp,
    last: Timestamp,
}

impl Span {
    fn of<'p>(parts: impl Iterator<Item = &'p Part>) -> Option<Self> {
        let ends = |tally: &crate::flow::Tally| [tally.first.time, tally.last.time];
        let times: BTreeSet<_> = parts
            .flat_map(Part::tallies)
            .flat_map(|(_, _, tally)| ends(tally))
            .flatten()
            .collect();
        let (&first, &last) = (times.first()?, times.last()?);
        Some(Self { first, last })
    }
}

fn overlaps(captured: Option<Span>, tally: &Tally) -> bool {
    let tolerance = i64::try_from(TOLERANCE.as_nanos()).unwrap_or(i64::MAX);
    captured.is_some_and(|captured| {
        tally.first.time.0.saturating_sub(tolerance) <= captured.last.0
            && tally.last.0.saturating_add(tolerance) >= captured.first.0
    })
}

/// How a captured flow is found among those that were logged to be carried at its time.
fn joins(part: &Part, logged: &[Logged]) -> BTreeSet<Join> {
    let captured = Span::of([part].into_iter());
    let is_carried = |state: State| {
        let carried = state.carried();
        carried == Carried::Ciphertext || carried == Carried::Plaintext
    };
    let tells = |logged: &&Logged| {
        let mut states = logged.states.iter();
        states.any(|(state, tally)| is_carried(state) && overlaps(captured, tally))
    };
    let logged = logged.iter().filter(tells);
    logged.filter_map(|logged| join(part, logged)).collect()
}

fn join(part: &Part, logged: &Logged) -> Option<Join> {
    let has_ports = |key: &FlowKey| key.protocol == Protocol::Tcp && key.unread.is_none();
    let seen = part.key.filter(has_ports);
    let told = logged.key.filter(|key| key.unread.is_none());
    let (Some(seen), Some(told)) = (seen, told) else {
        return Some(Join::Addresses);
    };
    let fits = |seen: u16, told: u16| told == 0 || seen == told;
    let is_same = told.protocol == seen.protocol
        && fits(seen.low.port, told.low.port)
        && fits(seen.high.port, told.high.port);
    let lacks = told.low.port == 0 || told.high.port == 0;
    is_same.then_some(if lacks { Join::ServerPort } else { Join::Ports })
}

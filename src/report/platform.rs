//! Word of flow logs on a path, as it is serialised.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::rfc3339;
use crate::flow_log::{Carried, State};
use crate::verdict::platform::{Join, StateSum};
use crate::verdict::{Platform, Said};

/// Traffic logged of a path in one encryption state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateReport {
    /// The state, as the log has it; `denied` or `unknown` where it has none of its words.
    pub state: State,
    /// Way that its traffic travels.
    pub carried: Carried,
    /// Meaning of the state, in words.
    pub meaning: &'static str,
    /// Flows in that state.
    pub flows: u64,
    /// Packets, both ways.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Time of the first tuple, in RFC 3339.
    pub first: String,
    /// Time of the last tuple.
    pub last: String,
}

/// Word of flow logs on a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlatformReport {
    /// The answer.
    pub said: Said,
    /// Ways that the captured flows were found in the logs.
    pub joined: BTreeSet<Join>,
    /// States logged at the time of the capture; without a capture, all.
    pub states: Vec<StateReport>,
    /// States logged at other times.
    pub other_times: Vec<StateReport>,
}

impl PlatformReport {
    pub(super) fn of(platform: &Platform) -> Self {
        Self {
            said: platform.said,
            joined: platform.joined.clone(),
            states: states(&platform.states),
            other_times: states(&platform.other_times),
        }
    }

    /// Bytes and packets that travelled in one way.
    pub(super) fn volume(&self, carried: Carried) -> (u64, u64) {
        let states = self.states.iter().filter(|row| row.carried == carried);
        states.fold((0, 0), |(bytes, packets), row| {
            (
                row.bytes.saturating_add(bytes),
                row.packets.saturating_add(packets),
            )
        })
    }
}

fn states(sums: &BTreeMap<State, StateSum>) -> Vec<StateReport> {
    let row = |(&state, sum): (&State, &StateSum)| StateReport {
        state,
        carried: state.carried(),
        meaning: state.meaning(),
        flows: sum.flows,
        packets: sum.tally.packets,
        bytes: sum.tally.bytes,
        first: rfc3339(sum.tally.first.time),
        last: rfc3339(sum.tally.last),
    };
    sums.iter().map(row).collect()
}

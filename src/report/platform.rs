//! Word of flow logs on a path, for a report.

use std::collections::BTreeMap;

use super::model::StateReport;
use super::{PlatformReport, rfc3339};
use crate::flow_log::{Carried, State};
use crate::verdict::Platform;
use crate::verdict::platform::StateSum;

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
        grain_seconds: sum.tally.grain.map(|grain| grain.as_secs()),
    };
    sums.iter().map(row).collect()
}

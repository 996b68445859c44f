//! One flow, logged by the NICs at both its ends: counted once.
//!
//! The NIC that logged the most bytes of a flow speaks for its volume; of equals, the
//! lowest address. States and their times are those of all, because each side's view is
//! evidence; what only another NIC logged stands with what that NIC counted.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::table::{Key, States, Tally};
use super::{Mac, State, Table};
use crate::flow::{FlowKey, GroupKey};

/// A flow as the logs tell it, or the sum of some that were not kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its addresses, and what its ports say; the interface says nothing.
    pub group: GroupKey,
    /// The flow; `None` for a sum.
    pub key: Option<FlowKey>,
    /// What was logged.
    pub states: States,
}

/// What several NICs say of one flow, or of one sum of flows.
#[derive(Default)]
struct Views(Vec<(Mac, States)>);

impl Views {
    fn once(mut self) -> States {
        self.0
            .sort_by_key(|(mac, states)| (Reverse(total(states)), *mac));
        let mut views = self.0.into_iter().map(|(_, states)| states);
        let mut once = views.next().unwrap_or_default();
        for other in views {
            let spoken = once.clone();
            for (state, tally) in other.iter() {
                let is_counted = spoken.iter().any(|known| is_same(known, (state, tally)));
                let tally = if is_counted { tally.emptied() } else { *tally };
                once.add(state, &tally);
            }
        }
        once
    }
}

/// Whether both are of one state, and of captured time or not: the slots of two NICs differ,
/// as each writes its tuples at its own time.
fn is_same(one: (State, &Tally), other: (State, &Tally)) -> bool {
    let kind = |(state, tally): (State, &Tally)| (state, tally.slot.is_some());
    kind(one) == kind(other)
}

fn total(states: &States) -> u64 {
    let bytes = states.iter().map(|(_, tally)| tally.bytes);
    bytes.fold(0, u64::saturating_add)
}

/// All flows of a table, each once, and then the sums of those not kept apart.
pub(super) fn flows(table: Table) -> Vec<Logged> {
    let flows = once(table.flows.entries).map(|(key, states)| Logged {
        group: key.group(),
        key: Some(key),
        states,
    });
    let beyond = table.beyond.into_iter();
    let sums = once(table.groups.entries).chain(beyond);
    let sums = sums.map(|(group, states)| Logged {
        group,
        key: None,
        states,
    });
    flows.chain(sums).collect()
}

fn once<K: Key>(entries: BTreeMap<(u64, K), States>) -> impl Iterator<Item = (K, States)> {
    let mut by_key = BTreeMap::<K, Views>::new();
    for ((_, key), states) in entries {
        let views = by_key.entry(key.at(Mac::NONE)).or_default();
        views.0.push((key.mac(), states));
    }
    by_key.into_iter().map(|(key, views)| (key, views.once()))
}

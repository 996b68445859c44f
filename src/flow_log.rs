//! Virtual network flow logs, version 4: what the platform did with each flow.
//!
//! A log is a file of JSON, `PT1H.json` for an hour and a NIC, which Azure appends to
//! each minute: `records[].flowRecords.flows[].flowGroups[].flowTuples[]`. It is [read](mod@read)
//! as a stream. The field for encryption of a [tuple](mod@tuple) gives the [`State`] of its
//! flow. Tuples that may be of a path go to a [`Table`], by flow and [NIC](view); all others
//! are counted.
//!
//! Rows of Traffic Analytics are [read](read::analytics) as well, as sums over some time.
//!
//! Flow logs: <https://learn.microsoft.com/azure/network-watcher/vnet-flow-logs-overview>.

pub mod entry;
pub mod file;
pub mod flows;
mod layers;
pub mod read;
pub mod report;
pub mod state;
mod sums;
pub mod table;
pub mod tuple;
pub mod view;

pub use crate::flow::times::Span;
pub use entry::{Entry, Mac};
pub use file::{LogError, is_log, read_file};
pub use flows::{Logged, StateTally};
pub use read::read;
pub use report::{LogForm, LogReport, NotALog};
pub use state::{Carried, State};
pub use table::Table;
pub use tuple::Tuple;
pub use view::Told;

/// Flows of the logs of a run that may be a path's.
#[derive(Clone, Debug)]
pub struct FlowLog {
    table: Table,
    is_damaged: bool,
}

impl FlowLog {
    /// The flows of a table that all logs are in.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self {
            table,
            is_damaged: false,
        }
    }

    /// The same, read from files of which some may be [damaged](LogReport::is_damaged).
    #[must_use]
    pub fn read_as(self, reports: &[LogReport]) -> Self {
        let is_damaged = reports.iter().any(LogReport::is_damaged);
        Self { is_damaged, ..self }
    }

    /// Tests that tuples were lost, which can be of any path and time.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// The flows, each once, whichever NICs logged it, and the sums of those that were
    /// too many to keep apart.
    #[must_use]
    pub fn into_flows(self) -> Vec<Logged> {
        self.table.into_flows()
    }
}

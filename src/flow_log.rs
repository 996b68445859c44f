//! Virtual network flow logs, version 4: what the platform did with each flow.
//!
//! A log is a file of JSON, `PT1H.json` for an hour and a NIC, which Azure appends to
//! each minute: `records[].flowRecords.flows[].flowGroups[].flowTuples[]`. It is [read](mod@read)
//! as a stream. The field for encryption of a [tuple](mod@tuple) gives the [`State`] of its
//! flow. Tuples that may be of a path go to a [`Table`], by flow and [NIC](view); all others
//! are counted.
//!
//! Flow logs: <https://learn.microsoft.com/azure/network-watcher/vnet-flow-logs-overview>.

use std::fmt;

pub mod file;
pub mod flows;
pub mod read;
pub mod report;
pub mod state;
mod sums;
pub mod table;
pub mod tuple;
pub mod view;

pub use crate::flow::times::Span;
pub use file::{LogError, read_file};
pub use flows::{Logged, Tally};
pub use read::read;
pub use report::{LogReport, NotALog};
pub use state::{Carried, State};
pub use table::{Entry, Table};
pub use tuple::Tuple;
pub use view::Told;

/// A MAC address, by which a log names the NIC that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub u64);

impl Mac {
    /// Address of a NIC that the log does not name.
    pub const NONE: Self = Self(0);
    /// Address that stands for several NICs.
    pub const OTHERS: Self = Self(u64::MAX);

    /// Twelve hexadecimal digits, with or without `-` or `:` between them.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.replace(['-', ':'], "");
        let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit());
        let number = u64::from_str_radix(&digits, 16).ok()?;
        (is_hex && digits.len() == 12).then_some(Self(number))
    }
}

/// As a log writes it: twelve hexadecimal digits.
impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012X}", self.0)
    }
}

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

    /// Whether tuples were lost, which can be of any path and time.
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

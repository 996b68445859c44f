//! Places of tuples: the NIC that logged them, file, record and time.

use std::fmt;

use super::tuple::{Stage, TupleVolume};
use super::{Span, State};
use crate::capture::Timestamp;
use crate::flow::Direction;

/// A MAC address, by which a log names the NIC that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub u64);

impl Mac {
    /// Address of a NIC that the log does not name.
    pub const NONE: Self = Self(0);
    /// Address that stands for several NICs.
    pub const OTHERS: Self = Self(u64::MAX);

    /// Twelve hexadecimal digits, with or without `-` or `:` between them; zeros name no NIC.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.replace(['-', ':'], "");
        let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit());
        let number = u64::from_str_radix(&digits, 16).ok()?;
        (is_hex && number > 0 && digits.len() == 12).then_some(Self(number))
    }
}

/// As a log writes it: twelve hexadecimal digits.
impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012X}", self.0)
    }
}

/// Place of a tuple in the input. The earliest is the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Time at which it was logged.
    pub time: Timestamp,
    /// File, by its place in the order of the report.
    pub file: u32,
    /// Record in the file, from 1.
    pub record: u64,
    /// NIC that logged it.
    pub mac: Mac,
}

/// NIC that logged a flow, and the end of the flow that it stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoggingNic {
    /// MAC address.
    pub mac: Mac,
    /// End, by the direction of the packets that it sends.
    pub end: Direction,
}

/// Tuple near captured time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) time: Timestamp,
    pub(super) stage: Stage,
    pub(super) state: State,
    /// Volume from the lower end and from the higher.
    pub(super) volumes: [TupleVolume; 2],
    pub(super) file: u32,
    pub(super) record: u64,
    /// True if its time is in whole seconds.
    pub(super) is_coarse: bool,
}

impl Mark {
    /// Time that it is of: a moment, or that of a sum.
    pub(super) fn span(&self) -> Span {
        self.stage.summed().unwrap_or(Span {
            first: self.time,
            last: self.time,
        })
    }

    pub(super) fn entry(&self, mac: Mac) -> Entry {
        let Self {
            time, file, record, ..
        } = *self;
        Entry {
            time,
            file,
            record,
            mac,
        }
    }
}

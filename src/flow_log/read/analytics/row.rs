//! One row of Traffic Analytics, and what it says.

use std::net::IpAddr;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::capture::Timestamp;
use crate::decode::Address;
use crate::flow::Endpoint;
use crate::flow_log::entry::Mac;
use crate::flow_log::tuple::{Stage, Tuple, TupleVolume, Way};
use crate::flow_log::{Span, State};

/// Longest interval that rows are summed over, where a row does not say its own.
const LONGEST_INTERVAL: Duration = Duration::from_hours(1);
/// End of the names of columns whose times are UTC, as the portal exports them.
const UTC: &str = " [UTC]";
/// Protocol number of TCP.
const TCP: u8 = 6;

/// Columns that are read.
#[derive(Clone, Copy)]
enum Column {
    SubType,
    Status,
    FlowType,
    SrcIp,
    DestIp,
    DestPort,
    L4Protocol,
    FlowDirection,
    FlowStatus,
    FlowEncryption,
    MacAddress,
    FlowStartTime,
    FlowEndTime,
    FlowIntervalStartTime,
    FlowIntervalEndTime,
    PacketsSrcToDest,
    BytesSrcToDest,
    PacketsDestToSrc,
    BytesDestToSrc,
}

/// Columns by name.
const COLUMNS: [(&str, Column); 19] = [
    ("SubType", Column::SubType),
    ("Status", Column::Status),
    ("FlowType", Column::FlowType),
    ("SrcIp", Column::SrcIp),
    ("DestIp", Column::DestIp),
    ("DestPort", Column::DestPort),
    ("L4Protocol", Column::L4Protocol),
    ("FlowDirection", Column::FlowDirection),
    ("FlowStatus", Column::FlowStatus),
    ("FlowEncryption", Column::FlowEncryption),
    ("MacAddress", Column::MacAddress),
    ("FlowStartTime", Column::FlowStartTime),
    ("FlowEndTime", Column::FlowEndTime),
    ("FlowIntervalStartTime", Column::FlowIntervalStartTime),
    ("FlowIntervalEndTime", Column::FlowIntervalEndTime),
    ("PacketsSrcToDest", Column::PacketsSrcToDest),
    ("BytesSrcToDest", Column::BytesSrcToDest),
    ("PacketsDestToSrc", Column::PacketsDestToSrc),
    ("BytesDestToSrc", Column::BytesDestToSrc),
];

/// Columns of times.
const TIMES: [Column; 4] = [
    Column::FlowStartTime,
    Column::FlowEndTime,
    Column::FlowIntervalStartTime,
    Column::FlowIntervalEndTime,
];

/// Labels of `FlowEncryption`, each with the state that a flow log has for it.
const LABELS: [(&str, State); 8] = [
    ("Encrypted", State::X),
    ("Unencrypted", State::Nx),
    ("Unsupported hardware", State::NxHwNotSupported),
    ("Software not ready", State::NxSwNotReady),
    ("Drop due to no encryption", State::NxNotAccepted),
    ("Discovery not supported", State::NxNotSupported),
    ("Destination on same host", State::NxLocalDst),
    ("Fall back to no encryption", State::NxFallback),
];

/// Flow types with public addresses, which the table does not tell.
const PUBLIC: [&str; 3] = ["AzurePublic", "ExternalPublic", "MaliciousFlow"];

/// Cells of a row, by column; empty where the row has none.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct AnalyticsRow {
    cells: [String; COLUMNS.len()],
    /// True if a time is given in another zone than UTC, or in none.
    is_local: bool,
}

/// Orders in which a date of numbers and slashes can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DateOrder {
    /// Day first as well as month first, as two days.
    Either,
    /// Month first alone.
    MonthFirst,
}

impl DateOrder {
    /// The order of a date; `None` of one that is written otherwise, or the same in both.
    fn of(cell: &str) -> Option<Self> {
        let mut numbers = cell
            .split('/')
            .map(|number| number.trim().parse::<u8>().ok());
        let (first, second) = (numbers.next()??, numbers.next()??);
        match (first, second) {
            (..=12, 13..) => Some(Self::MonthFirst),
            (..=12, ..=12) if first != second => Some(Self::Either),
            _ => None,
        }
    }
}

/// Column of a name, behind which the portal writes the zone of its times.
fn column(name: &str) -> Option<Column> {
    let whole = name.split(" [").next().unwrap_or(name).trim();
    // Custom tables tell the type of a column at the end of its name.
    let types = ["_s", "_d", "_t"];
    let bare = types.iter().find_map(|end| whole.strip_suffix(end));
    let bare = bare.unwrap_or(whole);
    let known = COLUMNS.iter().find(|(it, _)| it.eq_ignore_ascii_case(bare));
    known.map(|&(_, column)| column)
}

/// Meaning of a row.
pub(super) enum RowMeaning {
    /// It is none of the table's, or nothing that a path needs.
    Nothing,
    /// It says that flows of some interval are missing.
    Incomplete,
    /// It is of flows; `None` where it cannot be read.
    Flow(Option<Cells>),
}

impl AnalyticsRow {
    /// Tests that a column of that name is read.
    pub(super) fn knows(name: &str) -> bool {
        column(name).is_some()
    }

    /// Sets a cell, if its column is read. `None` is what az prints for an absent value.
    pub(super) fn set(&mut self, name: &str, cell: String) {
        if let Some(column) = column(name) {
            self.is_local |= name.contains(" [") && !name.ends_with(UTC);
            let is_absent = matches!(&cell[..], "None" | "null");
            self.cells[column as usize] = if is_absent { String::new() } else { cell };
        }
    }

    fn cell(&self, column: Column) -> &str {
        self.cells[column as usize].trim()
    }

    fn is(&self, column: Column, words: &[&str]) -> bool {
        let cell = self.cell(column);
        words.iter().any(|word| word.eq_ignore_ascii_case(cell))
    }

    /// Label of the row.
    pub(super) fn label(&self) -> &str {
        self.cell(Column::FlowEncryption)
    }

    pub(super) fn meaning(&self) -> RowMeaning {
        if self.is(Column::SubType, &["StatusMessage"]) {
            let is_missing = self.is(Column::Status, &["Partial", "Failed"]);
            return if is_missing {
                RowMeaning::Incomplete
            } else {
                RowMeaning::Nothing
            };
        }
        let has = |column| !self.cell(column).is_empty();
        let is_flow = has(Column::FlowEncryption)
            || has(Column::L4Protocol)
            || self.is(Column::SubType, &["FlowLog"]);
        if !is_flow || !(has(Column::SrcIp) || has(Column::DestIp)) {
            return RowMeaning::Nothing;
        }
        let has_both = has(Column::SrcIp) && has(Column::DestIp);
        if !has_both && self.is(Column::FlowType, &PUBLIC) {
            return RowMeaning::Nothing;
        }
        RowMeaning::Flow(self.cells())
    }

    fn cells(&self) -> Option<Cells> {
        let is_tcp = self.is(Column::L4Protocol, &["T", "TCP"]);
        let is_known = is_tcp || self.is(Column::L4Protocol, &["U", "UDP"]);
        let is_inbound = self.is(Column::FlowDirection, &["I", "Inbound"]);
        let label = self.label().trim_end_matches('.');
        let state = LABELS.iter().find(|(it, _)| it.eq_ignore_ascii_case(label));
        let volume = |packets, bytes| {
            Some(TupleVolume {
                packets: self.number(packets)?,
                bytes: self.number(bytes)?,
            })
        };
        Some(Cells {
            is_tcp: is_known.then_some(is_tcp)?,
            source: self.address(Column::SrcIp)?,
            destination: self.address(Column::DestIp)?,
            port: u16::try_from(self.number(Column::DestPort)?).ok()?,
            way: if is_inbound {
                Way::Inbound
            } else {
                Way::Outbound
            },
            is_denied: self.is(Column::FlowStatus, &["D", "Denied"]),
            state: state.map_or(State::Unknown, |&(_, state)| state),
            mac: Mac::parse(self.cell(Column::MacAddress)).unwrap_or(Mac::NONE),
            span: self.span()?,
            sent: volume(Column::PacketsSrcToDest, Column::BytesSrcToDest)?,
            received: volume(Column::PacketsDestToSrc, Column::BytesDestToSrc)?,
        })
    }

    fn address(&self, column: Column) -> Option<Address> {
        let address: IpAddr = self.cell(column).parse().ok()?;
        Some(address.into())
    }

    /// A number; 0 where there is none. KQL prints sums of longs as reals.
    fn number(&self, column: Column) -> Option<u64> {
        let cell = self.cell(column);
        let whole = cell.strip_suffix(".0").unwrap_or(cell);
        if whole.is_empty() {
            return Some(0);
        }
        whole.replace(',', "").parse().ok()
    }

    /// Interval that the row is a sum over; of a row that does not name it, as long a time
    /// as one can be around the first and the last flow that began.
    fn span(&self) -> Option<Span> {
        let time = |column| match self.cell(column) {
            "" => Some(None),
            cell => self.time(cell).map(Some),
        };
        let (from, to) = (
            time(Column::FlowIntervalStartTime)?,
            time(Column::FlowIntervalEndTime)?,
        );
        let (first, last) = (time(Column::FlowStartTime)?, time(Column::FlowEndTime)?);
        let flows = first.or(last).zip(last.or(first));
        let flows = flows.map(|(first, last)| Span { first, last });
        let span = match (from.zip(to), flows) {
            (Some((first, last)), None) => Span { first, last },
            (Some((from, to)), Some(flows)) => Span {
                first: from.min(flows.first),
                last: to.max(flows.last),
            },
            (None, flows) => flows?.widened(LONGEST_INTERVAL, LONGEST_INTERVAL),
        };
        (span.first <= span.last).then_some(span)
    }

    /// Order of its dates, as far as they tell.
    pub(super) fn date_order(&self) -> Option<DateOrder> {
        let orders = TIMES.into_iter().map(|column| self.cell(column));
        orders.filter_map(DateOrder::of).max()
    }

    /// A moment: RFC 3339, without a zone where it is UTC, or as the portal writes it.
    fn time(&self, cell: &str) -> Option<Timestamp> {
        if self.is_local {
            return None;
        }
        let iso = || cell.parse::<jiff::Timestamp>().ok();
        let civil = || {
            let civil = cell.parse::<DateTime>().ok();
            civil.or_else(|| DateTime::strptime("%m/%d/%Y, %I:%M:%S%.f %p", cell).ok())
        };
        let utc = || civil()?.to_zoned(TimeZone::UTC).ok();
        let time = iso().or_else(|| Some(utc()?.timestamp()))?;
        i64::try_from(time.as_nanosecond()).ok().map(Timestamp)
    }
}

/// Content of a row.
pub(super) struct Cells {
    pub(super) is_tcp: bool,
    pub(super) source: Address,
    pub(super) destination: Address,
    /// Port of the destination; 0 where there is none.
    pub(super) port: u16,
    way: Way,
    is_denied: bool,
    pub(super) state: State,
    pub(super) mac: Mac,
    pub(super) span: Span,
    sent: TupleVolume,
    received: TupleVolume,
}

impl Cells {
    /// The same as a tuple over an interval.
    pub(super) fn tuple(&self) -> Tuple<'static> {
        let end = |address, port| Endpoint { address, port };
        Tuple {
            time: self.span.first,
            is_coarse: false,
            source: end(self.source, 0),
            destination: end(self.destination, self.port),
            protocol: TCP,
            way: self.way,
            stage: if self.is_denied {
                Stage::DeniedSum(self.span)
            } else {
                Stage::Sum(self.span)
            },
            encryption: self.state.name(),
            sent: self.sent,
            received: self.received,
        }
    }
}

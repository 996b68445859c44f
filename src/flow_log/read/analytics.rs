//! Rows of Traffic Analytics (table `NTANetAnalytics`), as Log Analytics and Resource Graph
//! print them: a list of objects, `data`, `tables` with `columns` and `rows`, or CSV.
//!
//! A row sums the flows of ten minutes or an hour that have all but the source port in
//! common. Its label is not among what they must have in common, so one that says Encrypted
//! may stand for others as well: it proves nothing, and any other label speaks against all
//! of its interval.
//!
//! Table: <https://learn.microsoft.com/azure/azure-monitor/reference/tables/ntanetanalytics>.

use std::hash::BuildHasher;
use std::io::Read;

use super::DIGESTS;
use super::json::{Json, Stop};
use super::text::Text;
use crate::capture::Fault;
use crate::decode::Address;
use crate::flow::is_lustre_port;
use crate::flow_log::entry::Entry;
use crate::flow_log::{LogForm, LogReport, State, Table};

mod csv;
mod row;

use row::{AnalyticsRow, Cells, DateOrder, RowMeaning};

/// Fewest columns by which the table is known, though no row of it was read.
const FEWEST_COLUMNS: usize = 3;

/// Reads rows to the end, or to the first fault, and counts them in `table`; `None` where
/// there is none. `file` is the place in the order of the report; `is_server` tells whether
/// an address may be a server.
pub fn read(
    bytes: impl Read,
    file: u32,
    table: &mut Table,
    is_server: &dyn Fn(Address) -> bool,
) -> Option<LogReport> {
    let text = Text::new(bytes);
    let mut rows = Rows {
        table,
        is_server,
        digest: 0,
        is_of_flows: false,
        is_month_first: false,
        report: LogReport {
            file,
            form: LogForm::TrafficAnalytics,
            ..LogReport::default()
        },
    };
    let is_json = matches!(
        super::stranger::without_marks(text.rest()),
        [b'[' | b'{', ..]
    );
    let (end, offset) = if is_json {
        let mut json = Json::new(text);
        (rows.documents(&mut json), json.good())
    } else {
        csv::read(text, &mut rows)
    };
    if let Err(stop) = end {
        rows.report.fault = Some(Fault::new(offset, stop.to_string(), 0));
    }
    if rows.is_month_first {
        rows.report.ambiguous_dates = 0;
    }
    let is_unread = rows.is_of_flows && rows.report.unread > 0;
    (rows.report.records > 0 || is_unread).then_some(rows.report)
}

/// File that is being read.
struct Rows<'w> {
    table: &'w mut Table,
    is_server: &'w dyn Fn(Address) -> bool,
    /// Digest of all rows so far.
    digest: u64,
    /// True if columns or rows of the table were seen.
    is_of_flows: bool,
    /// True if some date can only be read month first, so that all are.
    is_month_first: bool,
    report: LogReport,
}

impl Rows<'_> {
    /// Reads documents in a row.
    fn documents(&mut self, json: &mut Json<'_>) -> Result<(), Stop> {
        while json.has_next()? {
            self.value(json)?;
        }
        Ok(())
    }

    /// Reads a value in which rows may stand.
    fn value(&mut self, json: &mut Json<'_>) -> Result<(), Stop> {
        match json.peek()? {
            b'[' => list(json, &mut |json| self.value(json)),
            b'{' => self.object(json),
            _ => cell(json).map(drop),
        }
    }

    /// Reads an object: a row, a table, or something around them.
    fn object(&mut self, json: &mut Json<'_>) -> Result<(), Stop> {
        let mut row = AnalyticsRow::default();
        let mut columns = Vec::new();
        let mut goes_on = !json.begin(b'}')?;
        while goes_on {
            let key = String::from_utf8_lossy(json.string()?).into_owned();
            json.colon()?;
            match (&key.to_ascii_lowercase()[..], json.peek()?) {
                ("columns", b'[') => {
                    columns = names(json)?;
                    let known = columns.iter().filter(|name| AnalyticsRow::knows(name));
                    self.is_of_flows |= known.count() >= FEWEST_COLUMNS;
                }
                ("rows", b'[') => self.table_rows(json, &columns)?,
                // The query was answered in part.
                ("error", b'{') => {
                    self.report.unread += 1;
                    self.value(json)?;
                }
                (_, b'[' | b'{') => self.value(json)?,
                _ => row.set(&key, cell(json)?),
            }
            goes_on = json.goes_on(b'}')?;
        }
        self.row(&row);
        Ok(())
    }

    /// Reads the rows of a table. Those whose columns were not named before stay unread.
    fn table_rows(&mut self, json: &mut Json<'_>, columns: &[String]) -> Result<(), Stop> {
        list(json, &mut |json| {
            if json.peek()? != b'[' {
                return self.value(json);
            }
            self.report.unread += u64::from(columns.is_empty());
            let mut row = AnalyticsRow::default();
            let mut names = columns.iter();
            list(json, &mut |json| {
                let cell = cell(json)?;
                if let Some(name) = names.next() {
                    row.set(name, cell);
                }
                Ok(())
            })?;
            self.row(&row);
            Ok(())
        })
    }

    /// Counts a row; others than those of Traffic Analytics are nothing.
    fn row(&mut self, row: &AnalyticsRow) {
        match row.meaning() {
            RowMeaning::Nothing => {}
            RowMeaning::Incomplete => {
                self.is_of_flows = true;
                self.report.unread += 1;
            }
            RowMeaning::Flow(cells) => self.flow(row, cells.as_ref()),
        }
    }

    fn flow(&mut self, row: &AnalyticsRow, cells: Option<&Cells>) {
        self.report.records += 1;
        self.report.tuples += 1;
        self.digest = DIGESTS.hash_one((self.digest, row));
        self.report.add_digest(self.digest);
        let Some(cells) = cells else {
            self.report.bad_tuples += 1;
            return;
        };
        match row.date_order() {
            Some(DateOrder::MonthFirst) => self.is_month_first = true,
            Some(DateOrder::Either) => self.report.ambiguous_dates += 1,
            None => {}
        }
        if cells.state == State::Unknown {
            self.report.add_unknown_state(row.label());
        }
        if self.is_kept(cells) {
            let at = Entry {
                time: cells.span.first,
                file: self.report.file,
                record: self.report.records,
                mac: cells.mac,
            };
            self.table.count(&cells.tuple(), at);
        }
    }

    /// Tests that a row can be a path's: TCP on a Lustre port, or without a port and with an
    /// address that may be a server's.
    fn is_kept(&self, cells: &Cells) -> bool {
        let is_server = |address| (self.is_server)(address);
        cells.is_tcp
            && match cells.port {
                0 => is_server(cells.source) || is_server(cells.destination),
                port => is_lustre_port(port),
            }
    }
}

/// Reads the elements of a list.
fn list(
    json: &mut Json<'_>,
    element: &mut dyn FnMut(&mut Json<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut goes_on = !json.begin(b']')?;
    while goes_on {
        element(json)?;
        goes_on = json.goes_on(b']')?;
    }
    Ok(())
}

/// Reads the names of a table's columns.
fn names(json: &mut Json<'_>) -> Result<Vec<String>, Stop> {
    let mut names = Vec::new();
    list(json, &mut |json| {
        let mut name = String::new();
        if json.peek()? != b'{' {
            names.push(cell(json)?);
            return Ok(());
        }
        let mut goes_on = !json.begin(b'}')?;
        while goes_on {
            let is_name = json.string()?.eq_ignore_ascii_case(b"name");
            json.colon()?;
            let value = cell(json)?;
            if is_name {
                name = value;
            }
            goes_on = json.goes_on(b'}')?;
        }
        names.push(name);
        Ok(())
    })?;
    Ok(names)
}

/// Reads a text, a number or a word.
fn cell(json: &mut Json<'_>) -> Result<String, Stop> {
    if json.peek()? == b'"' {
        return Ok(String::from_utf8_lossy(json.string()?).into_owned());
    }
    json.scalar_text()
}

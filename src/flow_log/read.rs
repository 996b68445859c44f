//! Reading of a log as a stream: no record is held, only a string at a time.
//!
//! Azure writes one document with a list of `records`. Tools hand logs on in other forms: a
//! record a line, several documents in a row, a list of records, or events of an Event Hub
//! around them, as JSON, as JSON in text or as base64. All of them are read: whatever has
//! `flowRecords`, or tuples without it, is a record. What looks like a part of a log and
//! gives no tuples is counted as unread.

use std::hash::BuildHasher;
use std::io::{Cursor, Read};
use std::sync::LazyLock;

use foldhash::quality::RandomState;

use super::entry::{Entry, Mac};
use super::layers::unwrapped;
use super::table::Table;
use super::{LogReport, NotALog, State, Tuple};
use crate::capture::Fault;
use crate::decode::Address;
use crate::flow::is_lustre_port;

pub mod analytics;
mod base64;
mod json;
mod shape;
mod stranger;
mod text;

use json::{Json, Stop};
use shape::Level;
use stranger::Begin;
use text::Text;

/// Version that is read, as a record states it.
const VERSION: &[u8] = b"4";
/// Protocol number of TCP, which is all that Lustre is carried in.
const TCP: u8 = 6;
/// Category of records of NSG flow logs.
const NSG: &[u8] = b"NetworkSecurityGroupFlowEvent";
/// The most documents in text within documents.
const MOST_NESTED: u8 = 8;

/// Reason why an empty file is no log.
pub(super) const EMPTY: &str = "it is empty";

/// Seed of digests, which no file can know.
static DIGESTS: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// Reads a log to its end, or to its first fault, and counts its tuples in `table`. `file`
/// is its place in the order of the report; `is_server` tells whether an address may be a
/// server.
///
/// # Errors
/// What was read is no log. Then nothing was counted.
pub fn read(
    bytes: impl Read,
    file: u32,
    table: &mut Table,
    is_server: &dyn Fn(Address) -> bool,
) -> Result<LogReport, NotALog> {
    let text = Text::new(bytes);
    let begin = Begin::of(&text);
    if begin != Begin::Json {
        return Err(no_json(begin, text));
    }
    let mut walk = Walk {
        table,
        is_server,
        record: Record::default(),
        seen: Seen::Nothing,
        nested: 0,
        digest: 0,
        report: LogReport {
            file,
            ..LogReport::default()
        },
    };
    let mut json = Json::new(text);
    let end = walk.documents(&mut json, Level::Around);
    walk.leave(Record::default(), end.is_ok());
    let root = walk.enter();
    // Tuples of an unnamed NIC: of how many, nobody knows.
    walk.report.unread += u64::from(root.untold.is_some());
    walk.settle(root, Mac::NONE);
    if let Err(stop) = end {
        walk.report.fault = Some(Fault::new(json.good(), stop.to_string(), 0));
    }
    match walk.seen {
        Seen::Records => Ok(walk.report),
        Seen::Nsg => Err(NotALog::Nsg),
        Seen::Nothing => Err(walk.nothing()),
    }
}

/// The reason why a file that begins as no JSON does is no log, or may be one.
fn no_json(begin: Begin, text: Text<'_>) -> NotALog {
    match begin {
        Begin::Known(name) => NotALog::Other(format!("it looks like {name}")),
        Begin::Empty => NotALog::Unread(EMPTY.to_owned()),
        Begin::Text => {
            let judged = stranger::judge(text);
            judged.unwrap_or_else(|error| NotALog::Unread(error.to_string()))
        }
        Begin::Json | Begin::Binary => NotALog::Unread("it is no text".to_owned()),
    }
}

/// Kind that a file has shown itself to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Records,
    Nsg,
}

/// Object around `flowRecords`, or one that may still turn out to be.
#[derive(Default)]
struct Record {
    /// NIC, once it was told.
    mac: Option<Mac>,
    /// Tuples that came before it was.
    untold: Option<Table>,
    is_begun: bool,
    /// True if it is a record or one is within it.
    holds_one: bool,
    /// True if it has what only flow logs have.
    is_log_like: bool,
    /// Digest of its tuples.
    digest: Option<u64>,
}

impl Record {
    /// Takes in what an object within it has: of the same NIC, if that told none.
    fn hold(&mut self, inner: Self) {
        match (&mut self.untold, inner.untold) {
            (Some(known), Some(more)) => known.merge(more),
            (known, Some(more)) => *known = Some(more),
            (_, None) => {}
        }
        if let Some(digest) = inner.digest {
            self.digest = Some(DIGESTS.hash_one((self.digest, digest)));
        }
    }
}

/// File that is being read.
struct Walk<'w> {
    table: &'w mut Table,
    is_server: &'w dyn Fn(Address) -> bool,
    record: Record,
    seen: Seen,
    /// Depth of documents in text.
    nested: u8,
    /// Digest of all records that ended.
    digest: u64,
    report: LogReport,
}

impl Walk<'_> {
    /// Reads documents in a row.
    fn documents(&mut self, json: &mut Json<'_>, level: Level) -> Result<(), Stop> {
        while json.has_next()? {
            shape::value(json, self, level)?;
        }
        Ok(())
    }

    /// Enters an object that may be a record; gives the one around it.
    fn enter(&mut self) -> Record {
        std::mem::take(&mut self.record)
    }

    /// Leaves it for the one around it. What looks like a record and has no tuples lacks
    /// them.
    fn leave(&mut self, outer: Record, is_whole: bool) {
        let inner = std::mem::replace(&mut self.record, outer);
        if is_whole && inner.is_log_like && !inner.holds_one {
            self.report.unread += 1;
        }
        self.record.holds_one |= inner.holds_one;
        match inner.mac {
            Some(mac) => self.settle(inner, mac),
            None => self.record.hold(inner),
        }
    }

    fn begin_record(&mut self) {
        self.seen = Seen::Records;
        self.record.holds_one = true;
        if !self.record.is_begun {
            self.record.is_begun = true;
            self.record.digest.get_or_insert_default();
            self.report.records += 1;
        }
    }

    /// Counts what came before the NIC was told, and adds the digest of a record.
    fn settle(&mut self, record: Record, mac: Mac) {
        if let Some(table) = record.untold {
            self.table.merge(table.logged_by(mac));
        }
        if let Some(digest) = record.digest {
            self.digest = DIGESTS.hash_one((self.digest, digest, mac));
            self.report.add_digest(self.digest);
        }
    }

    /// Takes note of a key, and gives the level of its value.
    fn key(&mut self, level: Level, key: &[u8]) -> Level {
        let inner = level.inner(key);
        if level == Level::Around && (inner == Level::Tuples || inner.holds_tuples()) {
            self.begin_record();
        } else if level == Level::Around && stranger::is_name(key) {
            self.record.is_log_like = true;
        }
        inner
    }

    /// Takes note of what is no text where a tuple is due, and holds no list where one is.
    fn misplaced(&mut self, level: Level) {
        match level {
            Level::Tuples => self.bad_tuple(),
            level if level.holds_tuples() => self.report.unread += 1,
            _ => {}
        }
    }

    #[inline]
    fn text(&mut self, level: Level, text: &[u8]) -> Result<(), Stop> {
        match level {
            Level::Tuples => self.tuple(text),
            Level::Mac => self.record.mac = str::from_utf8(text).ok().and_then(Mac::parse),
            Level::Category if text.eq_ignore_ascii_case(NSG) && self.seen == Seen::Nothing => {
                self.seen = Seen::Nsg;
                return Err(Stop::Nsg);
            }
            Level::Category => self.record.is_log_like |= stranger::is_name(text),
            Level::Version if text == VERSION => {}
            Level::Version => {
                let version = String::from_utf8_lossy(text);
                self.report.add_unknown_version(&version);
            }
            Level::Other => {}
            Level::Around | Level::FlowRecords | Level::Flows | Level::Groups => {
                if !self.document_in(level, text) {
                    self.misplaced(level);
                }
            }
        }
        Ok(())
    }

    /// Reads a document that stands in text, as the body of an event does; false if there
    /// is none.
    fn document_in(&mut self, level: Level, text: &[u8]) -> bool {
        if let [b'{' | b'[' | b'"', ..] = stranger::without_marks(text) {
            let has_name = level != Level::Around || stranger::has_name(text);
            self.nested_documents(level, has_name, Box::new(text));
            return true;
        }
        if let Some(bytes) = base64::decode(text) {
            return self.document_of(level, bytes);
        }
        self.record.is_log_like |= stranger::is_row(text);
        false
    }

    /// Reads a document in bytes that stood in text.
    fn document_of(&mut self, level: Level, bytes: Vec<u8>) -> bool {
        let is_compressed = crate::input::kind::compression(&bytes).is_some();
        let begin = Begin::of(&Text::new(&bytes[..]));
        if is_compressed || begin == Begin::Json {
            match unwrapped(Box::new(Cursor::new(bytes))) {
                Ok(bytes) => self.nested_documents(level, true, bytes),
                Err(_) => self.report.unread += 1,
            }
            return true;
        }
        false
    }

    /// Reads documents within the document. What cannot be read is held against the log if
    /// it may be of one.
    fn nested_documents<'t>(&mut self, level: Level, may_be_log: bool, bytes: Box<dyn Read + 't>) {
        let before = (self.report.tuples, self.report.records);
        let outer = (level == Level::Around).then(|| self.enter());
        self.nested += 1;
        let read = if self.nested > MOST_NESTED {
            Err(Stop::Syntax("too many documents within documents"))
        } else {
            self.documents(&mut Json::new(Text::new(bytes)), level)
        };
        self.nested -= 1;
        if let Some(outer) = outer {
            self.leave(outer, read.is_ok());
        }
        let is_log = before != (self.report.tuples, self.report.records);
        if read.is_err() && (may_be_log || is_log) {
            self.report.unread += 1;
        }
    }

    fn bad_tuple(&mut self) {
        self.report.tuples += 1;
        self.report.bad_tuples += 1;
    }

    #[inline]
    fn tuple(&mut self, text: &[u8]) {
        let Some(tuple) = Tuple::parse(text) else {
            return self.odd_tuple(text);
        };
        self.record.digest = Some(DIGESTS.hash_one((self.record.digest, text)));
        self.report.tuples += 1;
        if State::of(tuple.encryption) == State::Unknown {
            self.report.add_unknown_state(tuple.encryption);
        }
        if self.is_kept(&tuple) {
            self.keep(&tuple);
        }
    }

    /// Reads text that is no tuple where one is due: a list of them, or a bad one.
    #[cold]
    fn odd_tuple(&mut self, text: &[u8]) {
        if text.starts_with(b"[") {
            return self.nested_documents(Level::Tuples, true, Box::new(text));
        }
        self.record.digest = Some(DIGESTS.hash_one((self.record.digest, text)));
        self.bad_tuple();
    }

    /// Tests that a tuple can be a path's: TCP on a Lustre port, or with a port missing and
    /// an address that may be a server's.
    fn is_kept(&self, tuple: &Tuple<'_>) -> bool {
        let (source, destination) = (tuple.source, tuple.destination);
        let is_server = |address| (self.is_server)(address);
        let is_lustre = is_lustre_port(source.port) || is_lustre_port(destination.port);
        let may_serve = || is_server(source.address) || is_server(destination.address);
        let fits = is_lustre || (tuple.lacks_port() && may_serve());
        fits && tuple.protocol == TCP
    }

    fn keep(&mut self, tuple: &Tuple<'_>) {
        let at = Entry {
            time: tuple.time,
            file: self.report.file,
            record: self.report.records,
            mac: self.record.mac.unwrap_or(Mac::NONE),
        };
        let table = match self.record.mac {
            Some(_) => &mut *self.table,
            None => self.record.untold.get_or_insert(self.table.empty()),
        };
        table.count(tuple, at);
    }

    /// The reason why a file without records is no log, or may be one.
    fn nothing(self) -> NotALog {
        let fault = self.report.fault;
        let at = fault.map(|fault| format!("at byte {}, {}", fault.offset, fault.what));
        match at {
            Some(at) => NotALog::Unread(at),
            None if self.report.unread > 0 || self.record.is_log_like => NotALog::Unread(
                "it has no `flowRecords`, as virtual network flow logs do".to_owned(),
            ),
            None => NotALog::Other("it has no `records` with `flowRecords`".to_owned()),
        }
    }
}

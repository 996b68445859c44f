//! Reading of a log as a stream: no record is held, only a tuple at a time.
//!
//! Azure writes one document with a list of `records`. Tools hand logs on in other forms: a
//! record a line, several documents in a row, a list of records, or events of an Event Hub
//! around them, as JSON or as JSON in text. All of them are read: whatever has
//! `flowRecords` is a record.

use std::hash::BuildHasher;
use std::io::Read;
use std::sync::LazyLock;

use foldhash::quality::RandomState;
use serde::de::DeserializeSeed;
use serde_json::error::Category;

use super::entry::{Entry, Mac};
use super::table::Table;
use super::{LogReport, NotALog, State, Tuple};
use crate::capture::Fault;
use crate::decode::Address;
use crate::flow::is_lustre_port;

mod shape;
mod text;

use shape::{Level, Node};
use text::{Place, Text};

/// The most of an unknown state's word that is told.
const WORD_LIMIT: usize = 32;
/// Protocol number of TCP, which is all that Lustre is carried in.
const TCP: u8 = 6;
/// Category of records of NSG flow logs.
const NSG: &str = "NetworkSecurityGroupFlowEvent";
/// Records of which a digest is kept: an hour of one NIC has 60.
const MOST_DIGESTS: usize = 4096;
/// The most documents in text within documents.
const MOST_NESTED: u8 = 3;
/// Begin of JSON objects in base64.
const BASE64: &str = "eyJ";
/// First bytes of archives and tables that can hold logs: zip, 7z, RAR, bzip2, xz, LZ4,
/// compress, Avro, Parquet.
const CONTAINERS: [&[u8]; 9] = [
    b"PK\x03\x04",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!",
    b"BZh",
    b"\xfd7zXZ",
    b"\x04\x22\x4d\x18",
    b"\x1f\x9d",
    b"Obj\x01",
    b"PAR1",
];

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
    let place = Place::default();
    let mut text = Text::new(bytes, &place);
    let begin = Begin::of(text.begin());
    let mut walk = Walk {
        table,
        is_server,
        place: &place,
        record: Record::default(),
        seen: Seen::Nothing,
        is_log_like: false,
        nested: 0,
        digest: 0,
        report: LogReport {
            file,
            ..LogReport::default()
        },
    };
    let end = walk.documents(&mut text);
    walk.end_record();
    if let Err(error) = end {
        let found = fault(&error, place.good());
        walk.report.fault.get_or_insert(found);
    }
    match walk.seen {
        Seen::Records => Ok(walk.report),
        Seen::Nsg => Err(NotALog::Nsg),
        Seen::Nothing => Err(walk.nothing(begin)),
    }
}

fn fault(error: &serde_json::Error, offset: u64) -> Fault {
    let said = error.to_string();
    // The place is told as an offset.
    let said = said.split(" at line ").next().unwrap_or_default();
    let what = match error.classify() {
        Category::Eof => "the JSON ends early, as no log of Azure's does".to_owned(),
        Category::Io => said.to_owned(),
        Category::Syntax | Category::Data => format!("not JSON: {said}"),
    };
    Fault::new(offset, what, 0)
}

/// First bytes of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// An object or a list.
    Json,
    /// A form that can hold a log and is not read.
    Container,
    Empty,
    Other,
}

impl Begin {
    fn of(begin: &[u8]) -> Self {
        let line = begin.split(|&byte| byte == b'\n').next();
        let line = line.map(|line| String::from_utf8_lossy(line.trim_ascii()));
        let is_tuple = line.is_some_and(|line| Tuple::parse(line.trim_matches('"')).is_some());
        match begin {
            [] => Self::Empty,
            [b'{' | b'[', ..] => Self::Json,
            _ if is_tuple => Self::Container,
            _ if CONTAINERS.iter().any(|magic| begin.starts_with(magic)) => Self::Container,
            _ => Self::Other,
        }
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
    /// Digest of its tuples.
    digest: u64,
}

/// File that is being read.
struct Walk<'w> {
    table: &'w mut Table,
    is_server: &'w dyn Fn(Address) -> bool,
    place: &'w Place,
    record: Record,
    seen: Seen,
    /// True if it has keys that only flow logs have.
    is_log_like: bool,
    /// Depth of documents in text.
    nested: u8,
    /// Digest of all records that ended.
    digest: u64,
    report: LogReport,
}

impl Walk<'_> {
    /// Reads documents in a row.
    fn documents(&mut self, text: &mut impl Read) -> Result<(), serde_json::Error> {
        let mut json = serde_json::Deserializer::from_reader(text);
        loop {
            Node {
                walk: self,
                level: Level::Around,
            }
            .deserialize(&mut json)?;
            self.place.is_good();
            self.place.is_between.set(self.nested == 0);
            match json.end() {
                Err(error) if error.is_io() => return Err(error),
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Enters an object that may be a record; gives the one around it.
    fn enter(&mut self) -> Record {
        std::mem::take(&mut self.record)
    }

    /// Leaves it for the one around it.
    fn leave(&mut self, outer: Record) {
        self.end_record();
        self.record = outer;
    }

    fn begin_record(&mut self) {
        self.seen = Seen::Records;
        if !self.record.is_begun {
            self.record.is_begun = true;
            self.report.records += 1;
        }
    }

    fn end_record(&mut self) {
        let record = std::mem::take(&mut self.record);
        let mac = record.mac.unwrap_or(Mac::NONE);
        if let Some(table) = record.untold {
            self.table.merge(table.logged_by(mac));
        }
        if record.is_begun {
            self.digest = DIGESTS.hash_one((self.digest, record.digest, mac));
            if self.report.digests.len() < MOST_DIGESTS {
                self.report.digests.push(self.digest);
            } else if let Some(last) = self.report.digests.last_mut() {
                *last = self.digest;
            }
        }
    }

    fn text(&mut self, level: Level, text: &str) {
        match level {
            Level::Mac => self.record.mac = Mac::parse(text),
            Level::Category if self.seen == Seen::Nothing && text == NSG => self.seen = Seen::Nsg,
            Level::Tuples => self.tuple(text),
            Level::Around => self.document_in(text),
            _ => {}
        }
    }

    /// Reads a document that stands in text, as the body of an event does.
    fn document_in(&mut self, text: &str) {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with(['{', '[']) && text.contains("flowRecords") {
            self.nested += 1;
            let outer = self.enter();
            let read = self.nested_document(text);
            self.leave(outer);
            self.nested -= 1;
            if read.is_err() {
                self.seen = Seen::Records;
                self.report.unread += 1;
            }
        } else if text.starts_with(BASE64) {
            self.is_log_like = true;
            self.report.unread += 1;
        }
    }

    fn nested_document(&mut self, text: &str) -> Result<(), serde_json::Error> {
        if self.nested > MOST_NESTED {
            return Err(serde::de::Error::custom("documents within documents"));
        }
        self.documents(&mut text.as_bytes())
    }

    fn bad_tuple(&mut self) {
        self.report.tuples += 1;
        self.report.bad_tuples += 1;
    }

    fn tuple(&mut self, text: &str) {
        if self.nested == 0 {
            self.place.is_good();
        }
        self.record.digest = DIGESTS.hash_one((self.record.digest, text));
        let Some(tuple) = Tuple::parse(text) else {
            return self.bad_tuple();
        };
        self.report.tuples += 1;
        if State::of(tuple.encryption) == State::Unknown {
            self.unknown_state(tuple.encryption);
        }
        if self.is_kept(&tuple) {
            self.keep(&tuple);
        }
    }

    fn unknown_state(&mut self, word: &str) {
        self.report.unknown_states += 1;
        let known = self.report.unknown_state.as_deref();
        if known.is_none_or(|known| word < known) {
            self.report.unknown_state = Some(word.chars().take(WORD_LIMIT).collect());
        }
    }

    /// Tests that a tuple can be a path's: TCP on a Lustre port, or without any port and with
    /// an address that may be a server's.
    fn is_kept(&self, tuple: &Tuple<'_>) -> bool {
        let (source, destination) = (tuple.source, tuple.destination);
        let is_server = |address| (self.is_server)(address);
        let fits = match (source.port, destination.port) {
            (0, 0) => is_server(source.address) || is_server(destination.address),
            (from, to) => is_lustre_port(from) || is_lustre_port(to),
        };
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

    /// The reason why a file without records is no log.
    fn nothing(self, begin: Begin) -> NotALog {
        let fault = self.report.fault;
        let at = fault.map(|fault| format!("at byte {}, {}", fault.offset, fault.what));
        match (at, begin) {
            (Some(at), Begin::Json | Begin::Container) => NotALog::Unread(at),
            (_, Begin::Empty) => NotALog::Unread(EMPTY.to_owned()),
            (None, _) if self.is_log_like => NotALog::Unread(
                "it has no `flowRecords`, as virtual network flow logs do".to_owned(),
            ),
            (Some(at), _) => NotALog::Other(at),
            (None, _) => NotALog::Other("it has no `records` with `flowRecords`".to_owned()),
        }
    }
}

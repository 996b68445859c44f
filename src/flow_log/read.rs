//! A log as a stream: no record is held, only a tuple at a time.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::table::{Entry, Table};
use super::{Mac, Tuple};
use crate::capture::Fault;
use crate::decode::Address;
use crate::flow::is_lustre_port;

/// Bytes read at a time.
const BLOCK_LEN: usize = 256 << 10;
/// The most bytes from one key or tuple to the next: what bounds memory, since a string is
/// held whole.
const VALUE_LIMIT: u64 = 1 << 20;
/// The most of an unknown state's word that is told.
const WORD_LIMIT: usize = 32;
/// The protocol number of TCP, which is all that Lustre is carried in.
const TCP: u8 = 6;
/// The category of records of NSG flow logs.
const NSG: &str = "NetworkSecurityGroupFlowEvent";

/// What was found in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogReport {
    /// Its path, as it was named or found.
    pub name: String,
    /// Records that were begun.
    pub records: u64,
    /// Tuples in them.
    pub tuples: u64,
    /// Of these, what is no tuple of version 4.
    pub bad_tuples: u64,
    /// Tuples with an encryption state that is not known.
    pub unknown_states: u64,
    /// What is wrong with the file; everything before that was read.
    pub fault: Option<Fault>,
    /// Its place among the files, by which [`Entry`] speaks of it.
    #[serde(skip)]
    pub file: u32,
    /// The first in the alphabet of the unknown states.
    #[serde(skip)]
    pub unknown_state: Option<String>,
    /// Whether the fault is that the file ends where more was to come.
    #[serde(skip)]
    pub ends_early: bool,
}

impl LogReport {
    /// Whether tuples were lost that can be of any path and time. An early end costs only
    /// the time after it.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.bad_tuples > 0 || (self.fault.is_some() && !self.ends_early)
    }
}

/// Why a file is no log that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotALog {
    /// A flow log of a network security group.
    #[error(
        "is an NSG flow log, which does not say what was encrypted; give a virtual network flow log, version 4"
    )]
    Nsg,
    /// Something else.
    #[error("is no virtual network flow log: {0}")]
    Other(String),
}

/// Reads a log to its end, or to its first fault, and counts its tuples in `table`. `file`
/// is its place in the order of the report; `is_server` tells who was named as a server.
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
    let mut bytes = Blocks {
        bytes,
        block: Vec::new(),
        place: &place,
    };
    let mut walk = Walk {
        table,
        is_server,
        place: &place,
        mac: None,
        untold: None,
        seen: Seen::Nothing,
        report: LogReport {
            file,
            ..LogReport::default()
        },
    };
    let mut json = serde_json::Deserializer::from_reader(&mut bytes);
    let end = walk.at(Level::File).deserialize(&mut json);
    let end = end.and_then(|()| json.end());
    walk.end_record();
    let (seen, mut report) = (walk.seen, walk.report);
    if let Err(error) = end {
        report.ends_early = error.is_eof();
        report.fault = Some(fault(&error, place.good.get()));
    }
    match seen {
        Seen::Records => Ok(report),
        Seen::Nsg => Err(NotALog::Nsg),
        Seen::Nothing => Err(NotALog::Other(match report.fault {
            Some(fault) => format!("at byte {}, {}", fault.offset, fault.what),
            None => "it has no `records` with `flowRecords`".to_owned(),
        })),
    }
}

fn fault(error: &serde_json::Error, offset: u64) -> Fault {
    let said = error.to_string();
    // The place is told as an offset.
    let said = said.split(" at line ").next().unwrap_or_default();
    let what = match error.classify() {
        Category::Eof => "the JSON ends early, as in a log that is still written to".to_owned(),
        Category::Io => said.to_owned(),
        Category::Syntax | Category::Data => format!("not JSON: {said}"),
    };
    Fault::new(offset, what, 0)
}

/// How far a file was read.
#[derive(Default)]
struct Place {
    /// Where the block starts.
    base: Cell<u64>,
    /// The bytes of it that were read.
    position: Cell<usize>,
    /// The end of the last key or tuple.
    good: Cell<u64>,
    /// The last byte read: of an element of an array, its first.
    byte: Cell<u8>,
}

impl Place {
    fn offset(&self) -> u64 {
        self.base.get() + self.position.get() as u64
    }

    fn is_good(&self) {
        self.good.set(self.offset());
    }
}

/// Bytes in blocks, of which the place is known.
struct Blocks<'w, R> {
    bytes: R,
    block: Vec<u8>,
    place: &'w Place,
}

impl<R: Read> Blocks<'_, R> {
    /// The first byte of the next block, if there is one.
    #[cold]
    fn next_block(&mut self) -> io::Result<Option<u8>> {
        let offset = self.place.offset();
        if offset - self.place.good.get() > VALUE_LIMIT {
            return Err(io::Error::other("a value of more than 1 MiB"));
        }
        self.place.base.set(offset);
        self.place.position.set(0);
        self.block.resize(BLOCK_LEN, 0);
        let read = self.bytes.read(&mut self.block);
        self.block.truncate(*read.as_ref().unwrap_or(&0));
        read.map(|_| self.block.first().copied())
    }
}

/// A byte at a time, which is what JSON is read by.
impl<R: Read> Read for Blocks<'_, R> {
    #[inline]
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(into) = into.first_mut() else {
            return Ok(0);
        };
        let position = self.place.position.get();
        let next = match self.block.get(position) {
            Some(&byte) => Some(byte),
            None => self.next_block()?,
        };
        let Some(byte) = next else {
            return Ok(0);
        };
        *into = byte;
        self.place.byte.set(byte);
        self.place.position.set(self.place.position.get() + 1);
        Ok(1)
    }
}

/// What a file has shown itself to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Records,
    Nsg,
}

/// A file that is being read.
struct Walk<'w> {
    table: &'w mut Table,
    is_server: &'w dyn Fn(Address) -> bool,
    place: &'w Place,
    /// The record's NIC, once it was told.
    mac: Option<Mac>,
    /// Tuples that came before it was.
    untold: Option<Table>,
    seen: Seen,
    report: LogReport,
}

impl<'w> Walk<'w> {
    fn at(&mut self, level: Level) -> Node<'_, 'w> {
        Node { walk: self, level }
    }

    fn begin_record(&mut self) {
        self.end_record();
        self.report.records += 1;
    }

    fn end_record(&mut self) {
        let mac = self.mac.take().unwrap_or(Mac::NONE);
        if let Some(table) = self.untold.take() {
            self.table.merge(table.logged_by(mac));
        }
    }

    fn key(&mut self, level: Level, key: &str) -> Level {
        self.place.is_good();
        let inner = level.inner(key);
        if inner == Level::FlowRecords {
            self.seen = Seen::Records;
        }
        inner
    }

    fn text(&mut self, level: Level, text: &str) {
        match level {
            Level::Mac => self.mac = Mac::parse(text),
            Level::Category if self.seen == Seen::Nothing && text == NSG => self.seen = Seen::Nsg,
            Level::Tuples => self.tuple(text),
            _ => {}
        }
    }

    fn bad_tuple(&mut self) {
        self.report.tuples += 1;
        self.report.bad_tuples += 1;
    }

    fn tuple(&mut self, text: &str) {
        self.place.is_good();
        let Some(tuple) = Tuple::parse(text) else {
            return self.bad_tuple();
        };
        self.report.tuples += 1;
        if super::State::of(tuple.encryption) == super::State::Unknown {
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

    /// Whether a tuple can be a path's: TCP on a Lustre port, or without any port and with
    /// a server.
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
            mac: self.mac.unwrap_or(Mac::NONE),
        };
        let table = match self.mac {
            Some(_) => &mut *self.table,
            None => self.untold.get_or_insert(self.table.empty()),
        };
        table.count(tuple, at);
    }
}

/// Where in a log's shape a value stands. An array stands where its elements do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    File,
    Records,
    Mac,
    Category,
    FlowRecords,
    Flows,
    Groups,
    Tuples,
    Other,
}

impl Level {
    fn inner(self, key: &str) -> Self {
        match (self, key) {
            (Self::File, "records") => Self::Records,
            (Self::Records, "macAddress") => Self::Mac,
            (Self::Records, "flowRecords") => Self::FlowRecords,
            (Self::Records, "category") => Self::Category,
            (Self::FlowRecords, "flows") => Self::Flows,
            (Self::Flows, "flowGroups") => Self::Groups,
            (Self::Groups, "flowTuples") => Self::Tuples,
            _ => Self::Other,
        }
    }
}

/// A value to be read.
struct Node<'a, 'w> {
    walk: &'a mut Walk<'w>,
    level: Level,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        match self.level {
            Level::Other => json.deserialize_ignored_any(IgnoredAny).map(|_| ()),
            // What is no text within its quotes is no tuple, and no end of the log.
            Level::Tuples if self.walk.place.byte.get() == b'"' => json.deserialize_bytes(self),
            _ => json.deserialize_any(self),
        }
    }
}

impl Node<'_, '_> {
    /// What is no text may stand everywhere but where a tuple is due.
    fn misplaced(self) {
        if self.level == Level::Tuples {
            self.walk.bad_tuple();
        }
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flow log")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.level == Level::Records {
            self.walk.begin_record();
        }
        while let Some(inner) = map.next_key_seed(Key(self.walk, self.level))? {
            map.next_value_seed(self.walk.at(inner))?;
        }
        self.misplaced();
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.walk.at(self.level))?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.walk.text(self.level, text);
        match self.walk.seen {
            Seen::Nsg => Err(E::custom(NotALog::Nsg)),
            _ => Ok(()),
        }
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        // What is no text is as good a tuple as none.
        self.visit_str(std::str::from_utf8(bytes).unwrap_or_default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.misplaced();
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.misplaced();
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.misplaced();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.misplaced();
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.misplaced();
        Ok(())
    }
}

/// The key of a value at some level.
struct Key<'a, 'w>(&'a mut Walk<'w>, Level);

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = Level;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Level, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = Level;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Level, E> {
        Ok(self.0.key(self.1, key))
    }
}

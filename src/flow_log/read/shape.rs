//! Shape of a log: records at any depth, and tuples in them.

use super::Walk;
use super::json::{Json, Stop};

/// Level in a log's shape at which a value stands. An array stands where its elements do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Around records: a file of Azure's, a list of records, a record alone, or an event
    /// that carries them.
    Around,
    Mac,
    Category,
    Version,
    FlowRecords,
    Flows,
    Groups,
    Tuples,
    Other,
}

/// Keys that lead to tuples, and the level of their values: in whatever case an exporter
/// writes them, and though it leaves out the one before.
const KEYS: [(&[u8], Level); 4] = [
    (b"flowRecords", Level::FlowRecords),
    (b"flows", Level::Flows),
    (b"flowGroups", Level::Groups),
    (b"flowTuples", Level::Tuples),
];

impl Level {
    /// Level of the value of a key at this one.
    pub(super) fn inner(self, key: &[u8]) -> Self {
        let is = |known: &[u8]| known.eq_ignore_ascii_case(key);
        let known = KEYS.iter().find(|(known, _)| is(known));
        match (self, known.map(|&(_, level)| level)) {
            // Other things have flows as well, and groups in them tell.
            (Self::Around, Some(Self::Flows)) => Self::Around,
            (Self::Around | Self::FlowRecords | Self::Flows | Self::Groups, Some(level)) => level,
            (Self::Around, None) if is(b"macAddress") => Self::Mac,
            (Self::Around, None) if is(b"category") => Self::Category,
            (Self::Around, None) if is(b"flowLogVersion") => Self::Version,
            (Self::Around, None) => Self::Around,
            _ => Self::Other,
        }
    }

    /// Tests that text or a number in place of a list hides tuples, and that an object has
    /// a key that leads to them.
    pub(super) fn holds_tuples(self) -> bool {
        matches!(self, Self::FlowRecords | Self::Flows | Self::Groups)
    }
}

/// Reads a value.
#[inline]
pub(super) fn value(json: &mut Json<'_>, walk: &mut Walk<'_>, level: Level) -> Result<(), Stop> {
    match json.peek()? {
        b'"' => {
            let text = json.string()?;
            walk.text(level, text)
        }
        b'[' => list(json, walk, level),
        b'{' => object(json, walk, level),
        b'0'..=b'9' if level == Level::Version => {
            let version = json.scalar_text()?;
            walk.text(level, version.as_bytes())
        }
        _ => {
            json.scalar()?;
            walk.misplaced(level);
            Ok(())
        }
    }
}

fn list(json: &mut Json<'_>, walk: &mut Walk<'_>, level: Level) -> Result<(), Stop> {
    if json.begin(b']')? {
        return Ok(());
    }
    loop {
        value(json, walk, level)?;
        if !json.goes_on(b']')? {
            return Ok(());
        }
    }
}

fn object(json: &mut Json<'_>, walk: &mut Walk<'_>, level: Level) -> Result<(), Stop> {
    match level {
        Level::Around => {
            let outer = walk.enter();
            let read = fields(json, walk, level);
            walk.leave(outer, read.is_ok());
            read.map(drop)
        }
        Level::Tuples => {
            fields(json, walk, level)?;
            walk.misplaced(level);
            Ok(())
        }
        _ => {
            if !fields(json, walk, level)? {
                walk.misplaced(level);
            }
            Ok(())
        }
    }
}

/// Reads the fields of an object; true if one of them leads to tuples.
fn fields(json: &mut Json<'_>, walk: &mut Walk<'_>, level: Level) -> Result<bool, Stop> {
    let mut leads_on = false;
    if json.begin(b'}')? {
        return Ok(leads_on);
    }
    loop {
        let inner = walk.key(level, json.string()?);
        json.colon()?;
        leads_on |= inner == Level::Tuples || inner.holds_tuples();
        value(json, walk, inner)?;
        if !json.goes_on(b'}')? {
            return Ok(leads_on);
        }
    }
}

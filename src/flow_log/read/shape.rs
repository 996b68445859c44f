//! Shape of a log: records at any depth, and tuples in them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{NotALog, Seen, Walk};

/// Level in a log's shape at which a value stands. An array stands where its elements do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Around records: a file of Azure's, a list of records, a record alone, or an event
    /// that carries them.
    Around,
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
            (Self::Around, "macAddress") => Self::Mac,
            (Self::Around, "flowRecords") => Self::FlowRecords,
            (Self::Around, "category") => Self::Category,
            (Self::Around, _) => Self::Around,
            (Self::FlowRecords, "flows") => Self::Flows,
            (Self::Flows, "flowGroups") => Self::Groups,
            (Self::Groups, "flowTuples") => Self::Tuples,
            _ => Self::Other,
        }
    }

    /// Tests that text or a number in place of a list hides tuples.
    fn holds_tuples(self) -> bool {
        matches!(self, Self::FlowRecords | Self::Flows | Self::Groups)
    }
}

/// Keys that nothing but flow logs have, in this form or another.
const KEYS_OF_LOGS: [&str; 6] = [
    "flowLogVersion",
    "flowLogGUID",
    "flowLogResourceID",
    "flowGroups",
    "flowTuples",
    "FlowEncryption",
];

impl Walk<'_> {
    fn key(&mut self, level: Level, key: &str) -> Level {
        self.place.is_good();
        let inner = level.inner(key);
        if inner == Level::FlowRecords {
            self.begin_record();
        } else if level == Level::Around && KEYS_OF_LOGS.contains(&key) {
            self.is_log_like = true;
        }
        inner
    }
}

/// Value to be read.
pub(super) struct Node<'a, 'w> {
    pub(super) walk: &'a mut Walk<'w>,
    pub(super) level: Level,
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
    /// Counts what is no text where a tuple is due, and no list where one is.
    fn misplaced(self) {
        match self.level {
            Level::Tuples => self.walk.bad_tuple(),
            level if level.holds_tuples() => self.walk.report.unread += 1,
            _ => {}
        }
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flow log")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match self.level {
            Level::Around => {
                let outer = self.walk.enter();
                let read = fields(self.walk, self.level, map);
                self.walk.leave(outer);
                read
            }
            Level::Tuples => {
                fields(self.walk, self.level, map)?;
                self.misplaced();
                Ok(())
            }
            level => fields(self.walk, level, map),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { walk, level } = self;
        while seq.next_element_seed(Node { walk, level })?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if self.level.holds_tuples() {
            self.walk.report.unread += 1;
        }
        self.walk.text(self.level, text);
        match self.walk.seen {
            Seen::Nsg => Err(E::custom(NotALog::Nsg)),
            _ => Ok(()),
        }
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        // Bytes that are no text are as good a tuple as none.
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

fn fields<'de, A: MapAccess<'de>>(
    walk: &mut Walk<'_>,
    level: Level,
    mut map: A,
) -> Result<(), A::Error> {
    while let Some(level) = map.next_key_seed(Key(walk, level))? {
        map.next_value_seed(Node { walk, level })?;
    }
    Ok(())
}

/// Key of a value at some level.
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

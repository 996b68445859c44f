//! Takes resources from JSON one by one: items of a list, of ARM's `value`, of Resource
//! Graph's `data`, or the only one. No more than one of them is held as JSON at a time.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::normal::{NormalMembers, NormalValue, next_key};

/// Part of a document.
pub(super) enum Item {
    /// JSON that may be a resource, in one shape.
    One(Value),
    /// A link to the rest of a list, which is another document.
    NextPage,
    /// Time of the export, as whoever collected it wrote it.
    ExportedAt(jiff::Timestamp),
}

/// Keys of lists within an object: of ARM, and of Azure Resource Graph.
const LISTS: [&str; 2] = ["value", "data"];
/// Keys that name the next page of a list: of ARM, of `az graph query`, and of its REST API.
const NEXT_PAGE: [&str; 3] = ["nextlink", "skip_token", "$skiptoken"];

/// Key of the time of an export, which may stand in a document of its own.
const EXPORTED_AT: &str = "exportedat";

/// Gives each item of a document to `take`.
pub(super) fn each<'de, D: Deserializer<'de>>(
    json: D,
    take: &mut dyn FnMut(Item),
) -> Result<(), D::Error> {
    Items { take }.deserialize(json)
}

struct Items<'t> {
    take: &'t mut dyn FnMut(Item),
}

impl Items<'_> {
    #[allow(clippy::unnecessary_wraps, reason = "what a visitor gives")]
    fn one<E>(self, value: impl Into<Value>) -> Result<(), E> {
        (self.take)(Item::One(value.into()));
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(NormalValue(item)) = list.next_element()? {
            (self.take)(Item::One(item));
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut own = NormalMembers::default();
        let mut is_list = false;
        while let Some(key) = next_key(&mut members)? {
            if LISTS.contains(&key.as_str()) {
                is_list = true;
                let take = &mut *self.take;
                members.next_value_seed(Items { take })?;
            } else {
                own.read(key, &mut members)?;
            }
        }
        let is_given = |key: &&str| own.text(key).is_some_and(|text| !text.is_empty());
        if is_list && NEXT_PAGE.iter().any(is_given) {
            (self.take)(Item::NextPage);
        }
        let exported = own.text(EXPORTED_AT).and_then(|text| text.parse().ok());
        if let Some(time) = exported {
            (self.take)(Item::ExportedAt(time));
        }
        let has_id = own.text("id").is_some();
        if has_id || !(is_list || exported.is_some()) {
            (self.take)(Item::One(own.close()));
        }
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.one(value)
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.one(value)
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.one(value)
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.one(value)
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.one(value)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.one(Value::Null)
    }
}

//! JSON brought into one shape while it is read: keys in lower case, and members of ARM's
//! `properties` beside the others, as az prints them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Members that az adds to the JSON of ARM, and those that change with every request.
const LEFT_OUT: [&str; 2] = ["resourcegroup", "etag"];

/// A value in one shape, without members that are `null` or in [`LEFT_OUT`]. Where two keys
/// become one, the first stays.
pub(super) struct NormalValue(pub(super) Value);

impl<'de> Deserialize<'de> for NormalValue {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(NormalVisitor)
    }
}

/// Members of an object in one shape, while they are read.
#[derive(Default)]
pub(super) struct NormalMembers(Map<String, Value>);

impl NormalMembers {
    /// Reads the value of a key, which is in lower case.
    pub(super) fn read<'de, A: MapAccess<'de>>(
        &mut self,
        key: String,
        members: &mut A,
    ) -> Result<(), A::Error> {
        if LEFT_OUT.contains(&key.as_str()) {
            members.next_value::<IgnoredAny>()?;
            return Ok(());
        }
        let NormalValue(value) = members.next_value()?;
        if !value.is_null() {
            self.0.entry(key).or_insert(value);
        }
        Ok(())
    }

    /// The text of a key.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    /// The object.
    pub(super) fn close(self) -> Value {
        let mut all = self.0;
        match all.remove("properties") {
            Some(Value::Object(properties)) => {
                for (key, member) in properties {
                    all.entry(key).or_insert(member);
                }
            }
            Some(other) => drop(all.insert("properties".to_owned(), other)),
            None => {}
        }
        Value::Object(all)
    }
}

/// The next key of an object, in lower case.
pub(super) fn next_key<'de, A: MapAccess<'de>>(
    members: &mut A,
) -> Result<Option<String>, A::Error> {
    let mut key: Option<String> = members.next_key()?;
    if let Some(key) = &mut key {
        key.make_ascii_lowercase();
    }
    Ok(key)
}

struct NormalVisitor;

impl<'de> Visitor<'de> for NormalVisitor {
    type Value = NormalValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<NormalValue, A::Error> {
        let mut items = Vec::new();
        while let Some(NormalValue(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(NormalValue(items.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<NormalValue, A::Error> {
        let mut all = NormalMembers::default();
        while let Some(key) = next_key(&mut members)? {
            all.read(key, &mut members)?;
        }
        Ok(NormalValue(all.close()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<NormalValue, E> {
        Ok(NormalValue(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<NormalValue, E> {
        Ok(NormalValue(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<NormalValue, E> {
        Ok(NormalValue(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<NormalValue, E> {
        let number = Number::from_f64(value);
        Ok(NormalValue(number.map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<NormalValue, E> {
        Ok(NormalValue(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<NormalValue, E> {
        Ok(NormalValue(value.into()))
    }

    fn visit_unit<E>(self) -> Result<NormalValue, E> {
        Ok(NormalValue(Value::Null))
    }
}

//! Takes resources from JSON one by one: those of a list, those in the `value` of ARM's
//! lists, or the only one. So no more of a file is held as JSON than one of them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Gives each item of JSON to `take`.
pub(super) fn each<'de, D: Deserializer<'de>>(
    json: D,
    take: &mut dyn FnMut(Value),
) -> Result<(), D::Error> {
    Items { take }.deserialize(json)
}

struct Items<'t> {
    take: &'t mut dyn FnMut(Value),
}

impl Items<'_> {
    #[allow(clippy::unnecessary_wraps, reason = "what a visitor gives")]
    fn one<E>(self, value: impl Into<Value>) -> Result<(), E> {
        (self.take)(value.into());
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
        while let Some(item) = list.next_element()? {
            (self.take)(item);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut own = Map::new();
        let mut is_list = false;
        while let Some(key) = members.next_key::<String>()? {
            if key.eq_ignore_ascii_case("value") {
                is_list = true;
                let take = &mut *self.take;
                members.next_value_seed(Items { take })?;
            } else {
                own.insert(key, members.next_value()?);
            }
        }
        let has_id = own.keys().any(|key| key.eq_ignore_ascii_case("id"));
        if has_id || !is_list {
            (self.take)(Value::Object(own));
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

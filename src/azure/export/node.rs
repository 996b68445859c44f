//! Places in normalized JSON, and what several exports of one resource say together.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::{ResourceId, Setting};

/// Adds to a resource the members that another export of it has besides. Returns the path of
/// the first field in which the two differ.
pub(super) fn merge(known: &mut Value, other: Value) -> Option<String> {
    match (known, other) {
        (known @ Value::Null, other) => {
            *known = other;
            None
        }
        (_, Value::Null) => None,
        (Value::Object(known), Value::Object(other)) => {
            let differing = other.into_iter().filter_map(|(key, member)| {
                let place = known.entry(key.clone()).or_insert(Value::Null);
                let path = merge(place, member)?;
                Some(if path.is_empty() {
                    key
                } else {
                    format!("{key}.{path}")
                })
            });
            // All of it is merged, not only up to the first difference.
            differing.fold(None, |first, path| first.or(Some(path)))
        }
        (known, other) => (!same(known, &other)).then(String::new),
    }
}

/// Tells if two values are equal, ids compared without case.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => {
            let is_id = |text: &str| ResourceId::new(text).is_some();
            one == other || (one.eq_ignore_ascii_case(other) && is_id(one))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has = |(key, member)| other.get(key).is_some_and(|other| same(member, other));
            one.len() == other.len() && one.iter().all(has)
        }
        _ => one == other,
    }
}

/// A place in normalized JSON.
#[derive(Clone, Copy)]
pub(super) struct JsonNode<'v>(pub(super) &'v Value);

impl<'v> JsonNode<'v> {
    /// Value at a path of keys with dots between; `None` for `null`.
    pub(super) fn at(self, path: &str) -> Option<JsonNode<'v>> {
        path.split('.')
            .try_fold(self.0, |value, key| value.get(key.to_ascii_lowercase()))
            .filter(|value| !value.is_null())
            .map(JsonNode)
    }

    pub(super) fn has(self, path: &str) -> bool {
        self.at(path).is_some()
    }

    pub(super) fn text(self, path: &str) -> Option<&'v str> {
        self.at(path)?.0.as_str()
    }

    pub(super) fn owned(self, path: &str) -> Option<String> {
        self.text(path).map(str::to_owned)
    }

    /// The items of a list; none where it is no list.
    pub(super) fn list(self, path: &str) -> impl Iterator<Item = JsonNode<'v>> + use<'v> {
        let items = self.at(path).and_then(|node| node.0.as_array());
        items.into_iter().flatten().map(JsonNode)
    }

    /// The words of a list.
    pub(super) fn texts(self, path: &str) -> Vec<String> {
        let words = self.list(path).filter_map(|node| node.0.as_str());
        words.map(str::to_owned).collect()
    }

    /// Words at two paths: a field of one word, and its plural form.
    pub(super) fn one_or_many(self, one: &str, many: &str) -> Vec<String> {
        let one = self.owned(one).filter(|word| !word.is_empty());
        one.into_iter().chain(self.texts(many)).collect()
    }

    pub(super) fn nets(self, one: &str, many: &str) -> Vec<IpNet> {
        let words = self.one_or_many(one, many);
        words.iter().filter_map(|word| net(word)).collect()
    }

    /// An address, which may carry the length of a prefix.
    pub(super) fn address(self, path: &str) -> Option<IpAddr> {
        let text = self.text(path)?;
        text.split('/').next()?.trim().parse().ok()
    }

    pub(super) fn id(self, path: &str) -> Option<ResourceId> {
        self.text(path).and_then(ResourceId::new)
    }

    /// Members of an object, their keys in lower case.
    pub(super) fn members(
        self,
        path: &str,
    ) -> impl Iterator<Item = (&'v str, JsonNode<'v>)> + use<'v> {
        let members = self.at(path).and_then(|node| node.0.as_object());
        let all = members.into_iter().flatten();
        all.map(|(key, value)| (key.as_str(), JsonNode(value)))
    }

    /// Tells if any of several paths is present.
    pub(super) fn has_any(self, paths: &[&str]) -> bool {
        paths.iter().any(|path| self.has(path))
    }

    /// The ids in a list of references.
    pub(super) fn ids(self, path: &str) -> Vec<ResourceId> {
        self.list(path).filter_map(|node| node.id("id")).collect()
    }

    /// The first of several fields that is present; the first one where none is.
    pub(super) fn first_setting<const N: usize>(self, paths: [&'static str; N]) -> Setting {
        let found = paths.into_iter().find(|path| self.has(path));
        self.setting(found.unwrap_or(paths[0]))
    }

    /// A field for checks, whatever its type.
    pub(super) fn setting(self, path: &'static str) -> Setting {
        let value = self.at(path).map(|node| match node.0 {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        Setting::new(path, value)
    }
}

/// A network, or an address alone.
pub(crate) fn net(word: &str) -> Option<IpNet> {
    let word = word.trim();
    let alone = || word.parse::<IpAddr>().ok().map(IpNet::from);
    word.parse::<IpNet>().ok().or_else(alone)
}

//! Resource ids and fields of resources.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Id of a resource, as in
/// `/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/V`.
/// Compared without case, as Azure does; a clone shares its text.
#[derive(Clone, Debug)]
pub struct ResourceId {
    text: Arc<str>,
    key: Arc<str>,
}

impl ResourceId {
    /// Parses an id; `None` for text of another form.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('/');
        let key = text.to_ascii_lowercase();
        // Role assignments of management groups, and those of the whole tenant, are of none.
        let is_rooted = key.starts_with("/subscriptions/") && key.contains("/providers/");
        let is_id = is_rooted || key.starts_with("/providers/microsoft.");
        is_id.then(|| {
            let key: Arc<str> = key.into();
            let text = if *key == *text {
                Arc::clone(&key)
            } else {
                text.into()
            };
            Self { text, key }
        })
    }

    /// The id as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The last segment.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }

    /// The resource group.
    #[must_use]
    pub fn resource_group(&self) -> &str {
        self.segment("resourcegroups").unwrap_or_default()
    }

    /// The subscription, in lower case; empty for what is of none.
    #[must_use]
    pub fn subscription(&self) -> &str {
        let rest = self.key.strip_prefix("/subscriptions/");
        rest.and_then(|rest| rest.split('/').next())
            .unwrap_or_default()
    }

    /// The id in lower case, equal for equal ids.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The segment behind the one of a name, given in lower case.
    #[must_use]
    pub fn segment(&self, name: &str) -> Option<&str> {
        let mut segments = self.text.split('/');
        segments.find(|segment| segment.eq_ignore_ascii_case(name))?;
        segments.next()
    }

    /// The provider and the types, in lower case, as in `microsoft.network/virtualnetworks`.
    #[must_use]
    pub fn kind(&self) -> String {
        let types = self.key.rsplit("/providers/").next().unwrap_or_default();
        let (provider, rest) = types.split_once('/').unwrap_or((types, ""));
        let types = rest.split('/').step_by(2);
        types.fold(provider.to_owned(), |kind, name| kind + "/" + name)
    }

    /// The resource that this one is part of, and the type of the part, in lower case.
    #[must_use]
    pub fn enclosing(&self) -> Option<(Self, &str)> {
        let (rest, _) = self.key.rsplit_once('/')?;
        let (rest, part) = rest.rsplit_once('/')?;
        Some((Self::new(self.text.get(..rest.len())?)?, part))
    }

    /// The enclosing resource, if this one is of `child_type`, given in lower case.
    #[must_use]
    pub fn parent(&self, child_type: &str) -> Option<Self> {
        let end = self.key.rfind(&format!("/{child_type}/"))?;
        Self::new(self.text.get(..end)?)
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for ResourceId {}

impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A field of a resource, with its path and value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Path as az prints it, without ARM's `properties`.
    pub path: &'static str,
    /// Value as given; `None` where the field is absent or `null`.
    pub value: Option<String>,
}

impl Setting {
    pub(super) fn new(path: &'static str, value: Option<String>) -> Self {
        Self { path, value }
    }

    /// Value as a boolean; `None` for anything but `true` and `false`.
    #[must_use]
    pub fn flag(&self) -> Option<bool> {
        let value = self.value.as_deref()?;
        let is = |word: &str| value.eq_ignore_ascii_case(word);
        if is("true") {
            Some(true)
        } else {
            is("false").then_some(false)
        }
    }

    /// Tells if the value is a word, in any case.
    #[must_use]
    pub fn is(&self, word: &str) -> bool {
        let value = self.value.as_deref();
        value.is_some_and(|value| value.eq_ignore_ascii_case(word))
    }

    /// Tells if the field is absent.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.value.is_none()
    }
}

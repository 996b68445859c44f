//! Versions and suites that hellos chose.

use std::collections::{BTreeMap, btree_map};

use serde::{Deserialize, Serialize};

use super::Sighting;
use crate::evidence::dtls::Choice;

/// Cipher that a hello put in charge of records, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cipher {
    /// None: a NULL suite, or one that protects integrity alone.
    Null,
    /// That of a suite that IANA does not list.
    Unassigned,
    /// Unknown: a hello was captured, and too little of it to read its suite.
    Unread,
    /// Unknown: negotiated under the protection of an earlier epoch.
    Renegotiated,
    /// Unknown: no hello was captured.
    Unseen,
    /// One that keeps secrets.
    Secret,
}

impl Cipher {
    /// Cipher of the suite that a hello chose.
    #[must_use]
    pub fn of((_, suite): Choice) -> Self {
        match suite.is_secret() {
            Some(true) => Self::Secret,
            Some(false) => Self::Null,
            None => Self::Unassigned,
        }
    }
}

/// Versions and suites that hellos chose, each with the first hello that did. Where there are
/// more than `Choices::MAX`, the worst stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices(BTreeMap<Choice, Sighting>);

impl Choices {
    /// Choices kept.
    const MAX: usize = 16;

    /// Order in which choices are kept: what hides nothing before what hides all, and what
    /// Azure promises last.
    fn merit(choice: Choice) -> (Cipher, bool, Choice) {
        let (version, suite) = choice;
        let is_promised = suite.is_azure() && version.is_current();
        (Cipher::of(choice), is_promised, choice)
    }

    /// Adds a choice that was seen at `at`.
    pub fn add(&mut self, choice: Choice, at: Sighting) {
        let first = self.0.entry(choice).or_insert(at);
        *first = at.min(*first);
        while self.0.len() > Self::MAX
            && let Some(&best) = self.0.keys().max_by_key(|&&choice| Self::merit(choice))
        {
            self.0.remove(&best);
        }
    }

    /// Adds what another part of the input showed.
    pub fn merge(&mut self, other: &Self) {
        for (&choice, &at) in other {
            self.add(choice, at);
        }
    }

    /// The choices and the first hello that made each.
    pub fn iter(&self) -> btree_map::Iter<'_, Choice, Sighting> {
        self.0.iter()
    }

    /// The choices.
    pub fn keys(&self) -> impl Iterator<Item = &Choice> {
        self.0.keys()
    }

    /// Tests that no hello was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The worst cipher chosen.
    #[must_use]
    pub fn worst(&self) -> Option<Cipher> {
        self.0.keys().map(|&choice| Cipher::of(choice)).min()
    }
}

impl<'c> IntoIterator for &'c Choices {
    type Item = (&'c Choice, &'c Sighting);
    type IntoIter = btree_map::Iter<'c, Choice, Sighting>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

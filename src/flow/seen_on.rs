//! Interfaces and captures that saw a flow.

use serde::{Deserialize, Serialize};

use super::{Interface, stored};

/// Interface that saw a flow, in one of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Observer {
    /// The interface.
    pub interface: Interface,
    /// The input, by its place in the order of the report.
    #[serde(with = "stored::file")]
    pub file: u32,
}

/// Observers of a flow: the lowest, sorted, in bounded memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Observer>")]
pub struct SeenOn(Vec<Observer>);

impl From<Vec<Observer>> for SeenOn {
    fn from(observers: Vec<Observer>) -> Self {
        let mut seen_on = Self::default();
        seen_on.merge(&Self(observers));
        seen_on
    }
}

impl SeenOn {
    /// Observers that are kept.
    pub const LIMIT: usize = 16;

    /// Notes an observer.
    pub fn note(&mut self, interface: Interface, file: u32) {
        let observer = Observer { interface, file };
        if let Err(place) = self.0.binary_search(&observer) {
            self.0.reserve_exact(1);
            self.0.insert(place, observer);
            self.0.truncate(Self::LIMIT);
        }
    }

    /// The observers that are kept.
    #[must_use]
    pub fn observers(&self) -> &[Observer] {
        &self.0
    }

    /// The interface, if there is one alone, of no more inputs than are kept.
    #[must_use]
    pub fn only(&self) -> Option<Interface> {
        let (first, others) = self.0.split_first()?;
        let is_same = |other: &Observer| other.interface == first.interface;
        let is_whole = others.len() + 1 < Self::LIMIT;
        (is_whole && others.iter().all(is_same)).then_some(first.interface)
    }

    /// Adds those that saw another part of the flow.
    pub fn merge(&mut self, other: &Self) {
        let observers = other.0.iter();
        observers.for_each(|it| self.note(it.interface, it.file));
    }
}

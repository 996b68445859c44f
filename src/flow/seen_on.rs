//! Interfaces that saw a flow.

use serde::{Deserialize, Serialize};

use super::Interface;

/// Interfaces that saw a flow: the lowest, sorted, in bounded memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Interface>")]
pub struct SeenOn(Vec<Interface>);

impl From<Vec<Interface>> for SeenOn {
    fn from(interfaces: Vec<Interface>) -> Self {
        let mut seen_on = Self::default();
        seen_on.merge(&Self(interfaces));
        seen_on
    }
}

impl SeenOn {
    /// Interfaces that are kept.
    const LIMIT: usize = 8;

    /// Notes an interface.
    pub fn note(&mut self, interface: Interface) {
        if let Err(place) = self.0.binary_search(&interface) {
            self.0.insert(place, interface);
            self.0.truncate(Self::LIMIT);
        }
    }

    /// The interface, if there is one alone.
    #[must_use]
    pub fn only(&self) -> Option<Interface> {
        match *self.0 {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Adds those that saw another part of the flow.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|&interface| self.note(interface));
    }
}

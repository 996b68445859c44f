//! Counts of one input by itself, as they are stored, and added up with those of others.

use serde::{Deserialize, Serialize};

use super::fragments::{FragmentEvent, FragmentEvents};
use super::snapshot::Snapshot;
use crate::decode::Address;
use crate::flow::{Count, Ranges};

/// Counts of one input, or of several that were captured at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InputCount {
    /// All packets that have a place.
    pub snapshot: Snapshot,
    /// Later fragments that wait for their first, and first ones whose later ones may come: in
    /// what is captured behind this input.
    pub open: FragmentEvents,
}

impl InputCount {
    /// The same as counted where these servers are expected, and these addresses may be
    /// servers'; `None` where that cannot be told any more.
    #[must_use]
    pub fn with_servers(self, expected: &[Address], servers: Ranges) -> Option<Self> {
        let snapshot = self.snapshot.with_servers(expected, servers)?;
        Some(Self { snapshot, ..self })
    }

    /// Tests that every packet read is in exactly one place.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let mut placed = self.snapshot.placed();
        for (_, event) in &self.open {
            if let FragmentEvent::Later(later) = event {
                placed += later.count;
            }
        }
        let volume = |count: Count| (count.packets, count.wire_bytes);
        volume(placed) == volume(self.snapshot.read)
    }
}

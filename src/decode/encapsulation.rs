//! Encapsulations around one packet.

use serde::{Deserialize, Serialize};

/// Encapsulations around a packet: up to eight, and the network id of the innermost.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Encapsulation {
    /// Four bits each, the outermost in the highest that are used: place in the table,
    /// from 1.
    kinds: u32,
    /// VNI, VSID or key of the innermost one; 0 without one.
    network: u32,
}

impl Encapsulation {
    /// Maximum number of encapsulations inside each other.
    pub const MAX_DEPTH: usize = 8;
    /// Maximum number of kinds: what four bits hold beside 0 for none.
    pub(super) const MAX_KINDS: usize = 15;

    /// Adds an encapsulation by its place in the table, from 0; false if it is one too many.
    pub(super) fn push(&mut self, kind: u8, network: u32) -> bool {
        let fits = self.kinds >> (4 * (Self::MAX_DEPTH - 1)) == 0;
        if fits {
            self.kinds = self.kinds << 4 | (u32::from(kind) + 1);
            self.network = network;
        }
        fits
    }

    /// Places in the table, from 0, the outermost first.
    pub(super) fn kinds(self) -> impl Iterator<Item = usize> {
        (0..Self::MAX_DEPTH)
            .rev()
            .map(move |place| (self.kinds >> (4 * place) & 0xf) as usize)
            .filter_map(|kind| kind.checked_sub(1))
    }

    /// True where there is none.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.kinds == 0
    }

    /// VNI, VSID or key of the innermost encapsulation; 0 without one.
    #[must_use]
    pub fn network(self) -> u32 {
        self.network
    }
}

//! Packets that passed a capture and were never seen, as the capture itself counts them.

use std::collections::BTreeMap;

/// Packets that were not captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// By the kernel, for want of room in its buffer.
    pub kernel: u64,
    /// By the interface, before any filter.
    pub interface: u64,
}

impl Drops {
    /// The larger of each.
    fn max(self, other: Self) -> Self {
        Self {
            kernel: self.kernel.max(other.kernel),
            interface: self.interface.max(other.interface),
        }
    }
}

impl std::ops::AddAssign for Drops {
    fn add_assign(&mut self, more: Self) {
        self.kernel += more.kernel;
        self.interface += more.interface;
    }
}

/// Statistics in a file, by the place of the interface in its section.
///
/// They count from the start of the capture, so the largest is the last. Where several
/// sections were joined to one file, the sum is a lower bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated(BTreeMap<u32, Drops>);

impl Stated {
    /// Takes in what is said of an interface.
    pub fn add(&mut self, interface: u32, drops: Drops) {
        let stated = self.0.entry(interface).or_default();
        *stated = stated.max(drops);
    }

    /// Adds what another part of the file says.
    pub fn merge(&mut self, other: &Self) {
        for (&interface, &drops) in &other.0 {
            self.add(interface, drops);
        }
    }

    /// All interfaces together; `None` where the file does not say.
    #[must_use]
    pub fn total(&self) -> Option<Drops> {
        self.0.values().copied().reduce(|mut sum, drops| {
            sum += drops;
            sum
        })
    }
}

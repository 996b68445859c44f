//! Packets that passed a capture and are not in it, as the capture itself counts them.
//!
//! A pcapng file counts them in two ways. Interface statistics are cumulative: they count
//! from the start of the capture, by who dropped the packets. The drop counts of packet
//! blocks count between one packet of an interface and the next. Both count the same
//! losses, so an interface lost the larger of the two, never their sum.

use std::collections::BTreeMap;

/// Packets that were not captured, by who dropped them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Dropped by the kernel, for want of room in its buffer.
    pub kernel: u64,
    /// Dropped by the interface, before any filter; `None` where that is not known.
    pub interface: Option<u64>,
}

impl Drops {
    /// Both together, as far as they are known.
    #[must_use]
    pub fn packets(self) -> u64 {
        self.kernel.saturating_add(self.interface.unwrap_or(0))
    }

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
        self.kernel = self.kernel.saturating_add(more.kernel);
        let both = self.interface.into_iter().chain(more.interface);
        self.interface = both.reduce(u64::saturating_add);
    }
}

/// Packets that were not captured, as far as a file tells who dropped them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// Packets that interface statistics attribute.
    pub drops: Drops,
    /// Packets that packet blocks count beyond that: dropped by the kernel or the interface.
    pub unattributed: u64,
}

impl std::ops::AddAssign for Missed {
    fn add_assign(&mut self, more: Self) {
        self.drops += more.drops;
        self.unattributed = self.unattributed.saturating_add(more.unattributed);
    }
}

/// Losses of one interface in one section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// The largest of the interface statistics, which is the last.
    cumulative: Drops,
    /// The sum of the packet blocks' drop counts.
    between: u64,
}

impl Counts {
    fn merge(&mut self, later: Self) {
        self.cumulative = self.cumulative.max(later.cumulative);
        self.between = self.between.saturating_add(later.between);
    }

    fn missed(self) -> Missed {
        Missed {
            drops: self.cumulative,
            unattributed: self.between.saturating_sub(self.cumulative.packets()),
        }
    }
}

/// Losses of a section, by the index of the interface in it.
type SectionLosses = BTreeMap<u32, Counts>;

fn total(section: &SectionLosses) -> Option<Missed> {
    section.values().map(|counts| counts.missed()).reduce(sum)
}

fn sum(mut sum: Missed, more: Missed) -> Missed {
    sum += more;
    sum
}

/// Losses that a part of a file states. Interfaces are those of a section, so the parts
/// merge in their order: what one states before its first section header continues the
/// section of the part before it. Takes memory for two sections, however many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// The section that the part began in.
    begun: SectionLosses,
    /// The sum over sections that began and ended in the part.
    closed: Option<Missed>,
    /// The section that the part ended in, if it is another.
    open: Option<SectionLosses>,
}

impl Stated {
    /// Takes in the statistics of an interface.
    pub fn cumulative(&mut self, interface: u32, drops: Drops) {
        self.add(interface, drops, 0);
    }

    /// Takes in the drop count of a packet.
    pub fn between(&mut self, interface: u32, packets: u64) {
        self.add(interface, Drops::default(), packets);
    }

    fn add(&mut self, interface: u32, cumulative: Drops, between: u64) {
        let counts = Counts {
            cumulative,
            between,
        };
        let section = self.open.as_mut().unwrap_or(&mut self.begun);
        section.entry(interface).or_default().merge(counts);
    }

    /// Begins another section, whose interfaces count anew.
    pub fn next_section(&mut self) {
        let ended = self.open.replace(SectionLosses::new());
        self.close(ended.as_ref().and_then(total));
    }

    fn close(&mut self, missed: Option<Missed>) {
        self.closed = self.closed.into_iter().chain(missed).reduce(sum);
    }

    /// Adds what the next part of the file states.
    pub fn merge(&mut self, later: &Self) {
        let section = self.open.as_mut().unwrap_or(&mut self.begun);
        for (&interface, &counts) in &later.begun {
            section.entry(interface).or_default().merge(counts);
        }
        if let Some(open) = &later.open {
            self.next_section();
            self.close(later.closed);
            self.open = Some(open.clone());
        }
    }

    /// The sum over all sections and interfaces; `None` where the file states nothing.
    #[must_use]
    pub fn total(&self) -> Option<Missed> {
        let open = self.open.as_ref().and_then(total);
        let parts = [total(&self.begun), self.closed, open];
        parts.into_iter().flatten().reduce(sum)
    }
}

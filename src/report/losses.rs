//! Packets that passed the captures unseen.

use serde::Serialize;

use super::InputReport;
use crate::capture::losses::{Drops, Missed};

/// Packets that passed a capture and were not seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Losses {
    /// Dropped by the kernel, for want of room in its buffer.
    pub kernel: u64,
    /// Dropped by the interface, which has no filter: not all need have been a path's.
    pub interface: u64,
    /// Dropped by the kernel or the interface; the capture does not say by which.
    pub unattributed: u64,
    /// Still in the kernel's buffer when the run ended.
    pub unread: u64,
    /// Times at which the interface was down or gone, the first of them.
    pub gaps: Vec<Gap>,
    /// Such times that were too many to list.
    pub more_gaps: u64,
    /// True if the interface is down now, or was when the run ended.
    pub down: bool,
}

impl Losses {
    /// The gaps that are listed.
    pub const GAPS: usize = 100;

    /// All packets that are known to be lost.
    #[must_use]
    pub fn packets(&self) -> u64 {
        [self.kernel, self.interface, self.unattributed, self.unread]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

impl From<Drops> for Losses {
    fn from(drops: Drops) -> Self {
        Self {
            kernel: drops.kernel,
            interface: drops.interface,
            ..Self::default()
        }
    }
}

impl From<Missed> for Losses {
    fn from(missed: Missed) -> Self {
        Self {
            unattributed: missed.unattributed,
            ..missed.drops.into()
        }
    }
}

/// Packets that no capture saw, all inputs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LossReport {
    /// Number of packets that are known of.
    pub packets: u64,
    /// Their share of these and the packets read, from 0 to 1.
    pub share: f64,
    /// Times at which an interface was down or gone.
    pub gaps: u64,
}

impl LossReport {
    pub(super) fn of(inputs: &[InputReport]) -> Self {
        let losses = || inputs.iter().filter_map(|input| input.losses.as_ref());
        let packets = losses().map(Losses::packets).fold(0, u64::saturating_add);
        let read: u64 = inputs.iter().map(|input| input.packets).sum();
        Self {
            packets,
            share: share(packets, packets.saturating_add(read)),
            gaps: losses().map(|it| it.gaps.len() as u64 + it.more_gaps).sum(),
        }
    }

    /// Tests that anything was lost.
    #[must_use]
    pub fn any(&self) -> bool {
        self.packets > 0 || self.gaps > 0
    }
}

#[allow(clippy::cast_precision_loss, reason = "a share needs few digits")]
fn share(part: u64, of: u64) -> f64 {
    part as f64 / of.max(1) as f64
}

/// A time at which nothing could be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Its beginning, in RFC 3339.
    pub from: String,
    /// Its end; `null` where it had not ended.
    pub to: Option<String>,
}

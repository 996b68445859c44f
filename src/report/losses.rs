//! Packets that passed the captures unseen.

use super::{InputReport, LossReport, Losses};
use crate::capture::losses::{Drops, Missed};

impl Losses {
    /// The gaps that are listed.
    pub const GAPS: usize = 100;

    /// All packets that are known to be lost.
    #[must_use]
    pub fn packets(&self) -> u64 {
        let interface = self.interface.unwrap_or(0);
        [self.kernel, interface, self.unattributed, self.unread]
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

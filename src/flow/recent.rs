//! Places of the flows of the last packets, which mostly are those of the next ones too.
//!
//! They are told by the packets' five-tuples as they are, so that nothing needs to be put in
//! order before.

use super::FiveTuple;

/// Places of flows, by the five-tuple of a packet of each.
#[derive(Clone, Debug)]
pub(super) struct Recent<P> {
    flows: Box<[Option<(FiveTuple, P)>]>,
}

impl<P: Copy> Default for Recent<P> {
    fn default() -> Self {
        Self {
            flows: vec![None; Self::SLOTS].into(),
        }
    }
}

impl<P: Copy> Recent<P> {
    const SLOTS: usize = 1024;

    /// Fast, and no more: who makes flows meet in a slot only makes them slower.
    #[allow(clippy::cast_possible_truncation, reason = "a slot needs few bits")]
    #[inline]
    fn slot(five_tuple: &FiveTuple) -> usize {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let (source, destination) = five_tuple.ports;
        let ports = u64::from(source) << 16 | u64::from(destination);
        let addresses =
            five_tuple.source.0 as u64 ^ (five_tuple.destination.0 as u64).rotate_left(20);
        ((addresses ^ ports.rotate_left(40)).wrapping_mul(ODD) >> 54) as usize % Self::SLOTS
    }

    #[inline(always)]
    pub(super) fn find(&self, five_tuple: &FiveTuple) -> Option<P> {
        let (of, place) = self.flows[Self::slot(five_tuple)].as_ref()?;
        (of == five_tuple).then_some(*place)
    }

    pub(super) fn note(&mut self, five_tuple: &FiveTuple, place: P) {
        self.flows[Self::slot(five_tuple)] = Some((*five_tuple, place));
    }
}

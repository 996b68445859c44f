//! Sets of ports that take one load to test.

const WORD_BITS: u16 = 64;

/// Set of ports, a bit each.
#[derive(Clone, Debug)]
pub(super) struct PortSet(Box<[u64]>);

impl Default for PortSet {
    fn default() -> Self {
        Self(vec![0; usize::from(u16::MAX / WORD_BITS) + 1].into())
    }
}

impl PortSet {
    pub(super) fn insert(&mut self, port: u16) {
        self.0[usize::from(port / WORD_BITS)] |= 1 << (port % WORD_BITS);
    }

    #[inline(always)]
    pub(super) fn contains(&self, port: u16) -> bool {
        self.0[usize::from(port / WORD_BITS)] >> (port % WORD_BITS) & 1 != 0
    }
}

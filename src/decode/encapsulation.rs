//! Encapsulations: headers that put a packet inside another one.

use super::rest::Rest;
use super::stop::{Layer, Stop};
use super::walk::Next;

/// Row of the table of encapsulations: all that the program knows of one.
#[derive(Debug)]
pub struct Kind {
    /// Name in reports.
    pub name: &'static str,
    /// Fields of outer headers that tell it.
    pub signs: &'static [Sign],
    /// Bytes of its header that [`Kind::claims`] looks at.
    pub(super) tell_len: usize,
    /// True of a header that is this encapsulation's, and not that of another one or of
    /// none behind the same sign.
    pub(super) claims: fn(&[u8]) -> bool,
    /// Reads its header.
    pub(super) read: for<'a> fn(Rest<'a>) -> Result<Inner<'a>, Stop>,
}

impl Kind {
    /// Its header as a layer.
    pub(super) fn layer(&self) -> Layer {
        Layer::Encapsulation(self.name)
    }
}

/// Encapsulation that is told and not opened: its packets are undecodable, and named so.
#[derive(Debug)]
pub struct Unopened {
    /// Name in reports.
    pub name: &'static str,
    /// Field of an outer header that tells it.
    pub sign: Sign,
}

/// Field of an outer header that tells an encapsulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Type field of Ethernet, and of what carries its numbers.
    EtherType(u16),
    /// Length field of 802.3 in place of a type.
    Llc,
    /// IP protocol number.
    IpProtocol(u8),
    /// UDP destination port. It tells only together with a header that fits.
    UdpPort(u16),
}

/// Packet inside an encapsulation.
pub(super) struct Inner<'a> {
    /// Number of the virtual network (VNI, VSID, key, label, session); 0 without one.
    pub network: u32,
    /// First header inside; `None` for a protocol that can be no path's.
    pub next: Option<Next>,
    /// Bytes from there on.
    pub rest: Rest<'a>,
}

/// Encapsulations around a packet: up to eight, and the network id of the innermost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

//! Kinds of encapsulation: rows of the table, and what opening one gives.

use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::walk::Next;

/// Row of the table of encapsulations: all that the program knows of one.
#[derive(Debug)]
pub struct EncapsulationKind {
    /// Name in reports.
    pub name: &'static str,
    /// Fields of outer headers that tell it.
    pub signs: &'static [Sign],
    /// Bytes of its header that [`EncapsulationKind::claims`] looks at.
    pub(super) tell_len: usize,
    /// True of a header that is this encapsulation's, and not that of another one or of
    /// none behind the same sign.
    pub(super) claims: fn(&[u8]) -> bool,
    /// Reads its header, which is this layer.
    pub(super) read: for<'a> fn(Rest<'a>, Layer) -> Result<Inner<'a>, DecodeStop>,
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

//! IP fragments: the first one is read like any packet, and a later one has no
//! transport header, only the identity of the packet it belongs to.

use super::{Address, Cause, Layer, Next, Rest, Stop, Turn, Walk};

/// What the fragments of one IP packet have in common (RFC 791, RFC 8200).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FragmentKey {
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// IP protocol number; 0 for IPv6, which does not need it.
    pub protocol: u8,
    /// Identification.
    pub id: u32,
}

/// A fragment of an IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Which packet it is of.
    pub key: FragmentKey,
    /// Whether it is the one that begins with the transport header.
    pub first: bool,
    /// Bytes of the packet's payload that it carries.
    pub len: usize,
}

/// Goes on with a first fragment; ends at a later one, which has no header to read.
pub(super) fn read<'a>(
    protocol: u8,
    fragment: Fragment,
    payload: Rest<'a>,
    walk: &mut Walk,
) -> Result<Turn<'a>, Stop> {
    walk.fragment = Some(fragment);
    if fragment.first {
        Ok(Turn::Go(Next::IpProtocol(protocol), payload))
    } else {
        Err(payload.stop(Layer::Fragment, Cause::Orphan))
    }
}

//! Fields that both versions of IP have.

use super::address::Address;
use super::fragment::Fragment;
use super::packet::Protocol;
use super::rest::Rest;
use super::stop::{Cause, DecodeStop, Layer};
use super::walk::{HeaderWalk, Next, Turn};

/// IP header, as far as it tells of what follows.
pub(super) struct IpHeader<'a> {
    pub source: Address,
    pub destination: Address,
    /// IP protocol number of the next header.
    pub protocol: u8,
    /// Fragment that the packet is.
    pub fragment: Option<Fragment>,
    /// Bytes behind the header, within the length that it states.
    pub payload: Rest<'a>,
    /// Limit that its options run into.
    pub cut: Option<DecodeStop>,
}

impl<'a> IpHeader<'a> {
    /// Notes the facts of the header that begins at `offset` in the frame, and goes on behind
    /// it. A later fragment ends the walk.
    pub fn pass(self, offset: usize, walk: &mut HeaderWalk) -> Result<Turn<'a>, DecodeStop> {
        walk.ip_at = offset;
        walk.ends = Some((self.source, self.destination));
        walk.protocol = Protocol::of(self.protocol);
        behind(self.protocol, self.fragment, self.payload, self.cut, walk)
    }
}

/// Goes on behind an IP header or a fragment header. A later fragment has no transport
/// header, only the identity of its packet.
pub(super) fn behind<'a>(
    protocol: u8,
    fragment: Option<Fragment>,
    payload: Rest<'a>,
    cut: Option<DecodeStop>,
    walk: &mut HeaderWalk,
) -> Result<Turn<'a>, DecodeStop> {
    if let Some(fragment) = fragment {
        walk.fragment = Some(fragment);
        walk.is_split = fragment.first;
        if !fragment.first {
            return Err(payload.stop(Layer::Fragment, Cause::Orphan));
        }
    }
    match cut {
        Some(stop) => Err(stop),
        None => Ok(Turn::Go(Next::IpProtocol(protocol), payload)),
    }
}

//! IP in IP: protocol 4 holds IPv4 (RFC 2003), and 41 IPv6 (RFC 2473, RFC 4213).

use super::kind::{EncapsulationKind, Inner, Sign};
use super::rest::Rest;
use super::walk::{IPV4, IPV6, Next};

const NAME: &str = "IP in IP";

pub(super) const V4: EncapsulationKind = EncapsulationKind {
    name: NAME,
    signs: &[Sign::IpProtocol(4)],
    tell_len: 0,
    claims: |_| true,
    read: |rest, _| Ok(inside(IPV4, rest)),
};

pub(super) const V6: EncapsulationKind = EncapsulationKind {
    name: NAME,
    signs: &[Sign::IpProtocol(41)],
    tell_len: 0,
    claims: |_| true,
    read: |rest, _| Ok(inside(IPV6, rest)),
};

/// Packet that begins at once.
fn inside(ether_type: u16, rest: Rest<'_>) -> Inner<'_> {
    Inner {
        network: 0,
        next: Some(Next::EtherType(ether_type)),
        rest,
    }
}

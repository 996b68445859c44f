//! IP in IP: protocol 4 holds IPv4 (RFC 2003), and 41 IPv6 (RFC 2473, RFC 4213).

use super::encapsulation::{Inner, Kind, Sign};
use super::rest::Rest;
use super::stop::Stop;
use super::walk::Next;

pub(super) const KIND: Kind = Kind {
    name: "IP in IP",
    signs: &[Sign::IpProtocol(4), Sign::IpProtocol(41)],
    tell_len: 0,
    claims: |_| true,
    read,
};

/// The packet inside begins at once.
#[allow(clippy::unnecessary_wraps, reason = "the type of a row's reader")]
fn read(rest: Rest<'_>) -> Result<Inner<'_>, Stop> {
    Ok(Inner {
        network: 0,
        next: Next::Ip,
        rest,
    })
}

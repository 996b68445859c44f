//! IPv4 (RFC 791).

use std::net::Ipv4Addr;

use etherparse::{Ipv4HeaderSlice, err::ipv4::HeaderSliceError};

use super::fragment;
use super::fragment::{Fragment, FragmentKey};
use super::packet::Protocol;
use super::rest::Rest;
use super::stop::{Layer, Stop};
use super::walk::{Next, Turn, Walk};

const FIXED_LEN: usize = 20;

pub(super) fn read<'a>(rest: Rest<'a>, walk: &mut Walk) -> Result<Turn<'a>, Stop> {
    note_ends(rest, walk);
    let header = Ipv4HeaderSlice::from_slice(rest.bytes).map_err(|e| match e {
        HeaderSliceError::Len(e) => rest.short(e.required_len, Layer::Ipv4),
        HeaderSliceError::Content(_) => {
            walk.protocol = None;
            rest.malformed(Layer::Ipv4)
        }
    })?;
    let header_len = header.slice().len();
    let payload = match usize::from(header.total_len()) {
        // Segmentation offload leaves 0 where 16 bits do not hold the length.
        0 => rest.after(header_len),
        total if total < header_len => {
            walk.protocol = None;
            return Err(rest.malformed(Layer::Ipv4));
        }
        total => walk.stated(rest, total).after(header_len),
    };
    let next = header.protocol().0;
    if header.is_fragmenting_payload() {
        let (source, destination) = walk.ends.unwrap_or_default();
        let key = FragmentKey {
            source,
            destination,
            protocol: next,
            id: u32::from(header.identification()),
        };
        let fragment = Fragment {
            key,
            first: header.fragments_offset().value() == 0,
            len: payload.wire_len,
        };
        return fragment::read(next, fragment, payload, walk);
    }
    Ok(Turn::Go(Next::IpProtocol(next), payload))
}

/// Addresses and protocol stand in the fixed part, so options cut off hide neither.
fn note_ends(rest: Rest<'_>, walk: &mut Walk) {
    if let Some(fixed) = rest.bytes.first_chunk::<FIXED_LEN>()
        && fixed[0] >> 4 == 4
    {
        let address = |at: usize| {
            let bytes = [fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]];
            Ipv4Addr::from(bytes)
        };
        walk.ends = Some((address(12).into(), address(16).into()));
        walk.protocol = Protocol::of(fixed[9]);
    }
}

//! IPv4 (RFC 791).

use etherparse::{Ipv4HeaderSlice, err::ipv4::HeaderSliceError};

use super::fragment::{Fragment, FragmentKey};
use super::ip::IpHeader;
use super::rest::Rest;
use super::stop::{Cause, DecodeStop, Layer};

/// Length of the header without options, in bytes.
const FIXED_LEN: usize = 20;
/// Version and length of such a header, as its first byte.
const FIXED_HEAD: u8 = 0x45;

/// Reads a header; `is_part` tells that it stands in a fragment of an outer packet.
pub(super) fn read(rest: Rest<'_>, is_part: bool) -> Result<IpHeader<'_>, DecodeStop> {
    match Ipv4HeaderSlice::from_slice(rest.bytes) {
        Ok(header) if has_source_route(header.options()) => {
            return Err(rest.stop(Layer::Ipv4, Cause::Unsupported));
        }
        Ok(header) => fields(&header, header.slice().len(), rest, is_part),
        Err(HeaderSliceError::Len(e)) => return cut(rest, e.required_len, is_part),
        Err(HeaderSliceError::Content(_)) => None,
    }
    .ok_or_else(|| rest.malformed(Layer::Ipv4))
}

/// Tests for a source route (RFC 791 3.1) that is not done: the packet is on its way to another
/// address than that of its header.
fn has_source_route(mut options: &[u8]) -> bool {
    loop {
        match *options {
            [1, ..] => options = &options[1..],
            [131 | 137, len, pointer, ..] => return pointer <= len,
            [2..=255, len @ 2..=255, ..] => {
                options = options.get(len.into()..).unwrap_or_default();
            }
            _ => return false,
        }
    }
}

/// Reads a header without options that is all there, and no fragment's.
#[inline(always)]
pub(super) fn read_plain(rest: Rest<'_>) -> Option<IpHeader<'_>> {
    let header = Ipv4HeaderSlice::from_slice(rest.bytes).ok()?;
    if header.slice().len() != FIXED_LEN || header.is_fragmenting_payload() {
        return None;
    }
    fields(&header, FIXED_LEN, rest, false)
}

/// Reads the fixed part of a header whose options are not all there: they hide no field.
#[cold]
fn cut(rest: Rest<'_>, header_len: usize, is_part: bool) -> Result<IpHeader<'_>, DecodeStop> {
    let stop = rest.short(header_len, Layer::Ipv4);
    let mut fixed: [u8; FIXED_LEN] = *rest.bytes.first_chunk().ok_or(stop)?;
    fixed[0] = FIXED_HEAD;
    let header = Ipv4HeaderSlice::from_slice(&fixed).ok();
    let header = header.and_then(|header| fields(&header, header_len, rest, is_part));
    let header = header.ok_or_else(|| rest.malformed(Layer::Ipv4))?;
    Ok(IpHeader {
        cut: Some(stop),
        ..header
    })
}

/// Fields of a header of `header_len` bytes; `None` where they contradict each other.
#[inline(always)]
fn fields<'a>(
    header: &Ipv4HeaderSlice<'_>,
    header_len: usize,
    rest: Rest<'a>,
    is_part: bool,
) -> Option<IpHeader<'a>> {
    let payload = match usize::from(header.total_len()) {
        // Segmentation offload leaves 0 where 16 bits do not hold the length.
        0 => rest.after(header_len),
        total if total < header_len => return None,
        total => rest.stated(total, is_part).after(header_len),
    };
    let (source, destination) = (
        header.source_addr().into(),
        header.destination_addr().into(),
    );
    let protocol = header.protocol().0;
    let fragment = header.is_fragmenting_payload().then(|| Fragment {
        key: FragmentKey {
            source,
            destination,
            protocol,
            id: u32::from(header.identification()),
        },
        first: header.fragments_offset().value() == 0,
        len: payload.wire_len,
        offset: payload.offset,
    });
    Some(IpHeader {
        source,
        destination,
        protocol,
        fragment,
        payload,
        cut: None,
    })
}

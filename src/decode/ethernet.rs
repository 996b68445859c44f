//! Ethernet II (IEEE 802.3).

use etherparse::Ethernet2HeaderSlice;

use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::walk::{Next, Turn, typed};

pub(super) fn read(rest: Rest<'_>) -> Result<Turn<'_>, DecodeStop> {
    let required = match Ethernet2HeaderSlice::from_slice(rest.bytes) {
        Ok(header) => return Ok(behind(&header, rest).into()),
        Err(e) => e.required_len,
    };
    Err(rest.short(required, Layer::Ethernet))
}

/// Reads a header that is all there.
#[inline(always)]
pub(super) fn read_plain(rest: Rest<'_>) -> Option<(Next, Rest<'_>)> {
    let header = Ethernet2HeaderSlice::from_slice(rest.bytes).ok()?;
    Some(behind(&header, rest))
}

#[inline(always)]
fn behind<'a>(header: &Ethernet2HeaderSlice<'_>, rest: Rest<'a>) -> (Next, Rest<'a>) {
    typed(header.ether_type().0, rest.after(header.slice().len()))
}

//! Ethernet II (IEEE 802.3).

use etherparse::Ethernet2HeaderSlice;

use super::rest::Rest;
use super::stop::{Layer, Stop};
use super::walk::{Next, Turn};

/// Type field values below this are lengths of an LLC frame.
const FIRST_ETHER_TYPE: u16 = 0x0600;

pub(super) fn read(rest: Rest<'_>) -> Result<Turn<'_>, Stop> {
    let header = Ethernet2HeaderSlice::from_slice(rest.bytes)
        .map_err(|e| rest.short(e.required_len, Layer::Ethernet))?;
    let ether_type = header.ether_type().0;
    if ether_type < FIRST_ETHER_TYPE {
        return Ok(Turn::Other);
    }
    let after = rest.after(header.slice().len());
    Ok(Turn::Go(Next::EtherType(ether_type), after))
}

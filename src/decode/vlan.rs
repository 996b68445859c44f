//! VLAN tags: IEEE 802.1Q, and 802.1ad with one inside the other.

use etherparse::SingleVlanHeaderSlice;

use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::walk::{Turn, typed};

/// `EtherType`s of tags: 802.1Q, 802.1ad, and the service tag of older switches.
pub const VLAN_TYPES: [u16; 3] = [0x8100, 0x88a8, 0x9100];

pub(super) fn read(rest: Rest<'_>) -> Result<Turn<'_>, DecodeStop> {
    let tag = SingleVlanHeaderSlice::from_slice(rest.bytes)
        .map_err(|e| rest.short(e.required_len, Layer::Vlan))?;
    let after = rest.after(tag.slice().len());
    Ok(typed(tag.ether_type().0, after).into())
}

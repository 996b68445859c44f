//! IP fragments. The first one is read like any packet; a later one has no transport
//! header, only the identity of the packet it belongs to.

use serde::{Deserialize, Serialize};

use super::address::Address;

/// Fields that the fragments of one IP packet have in common (RFC 791 3.2, RFC 8200 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// Fragment of an IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identity of the whole packet.
    pub key: FragmentKey,
    /// True of the fragment at offset 0, which begins with the transport header.
    pub first: bool,
    /// Length of the part of the packet's payload that it carries, in bytes.
    pub len: usize,
    /// Offset of that part, in bytes from the start of the frame.
    pub offset: usize,
}

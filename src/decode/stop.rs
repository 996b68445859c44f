//! Reasons for which a frame cannot be decoded to its end.

use serde::{Deserialize, Serialize};

use super::unopened::Unopened;
use crate::capture::LinkType;

/// Header that a [`DecodeStop`] happened in. It is part of the key of a flow whose ports could not
/// be read, and small for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names of the protocols")]
pub enum Layer {
    /// Link type for which there is no decoder.
    LinkType(LinkType),
    Link,
    Loopback,
    Ethernet,
    Vlan,
    LinuxSll,
    LinuxSll2,
    Ipv4,
    Ipv6,
    Ipv6Extension,
    Fragment,
    /// Header of the encapsulation at this place in the table.
    Encapsulation(u8),
    Unopened(Unopened),
    Tcp,
    Udp,
    UdpPayload,
}

/// Limit or defect that ends decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// Bytes that the capture did not keep (the snap length).
    Capture,
    /// End of the packet, or of what an outer length field states.
    Length,
    /// Value that a field cannot have.
    Malformed,
    /// More headers inside each other than any network builds.
    Nesting,
    /// Header for which there is no decoder.
    Unsupported,
    /// Later IP fragment whose first one the capture does not show.
    Orphan,
}

impl Cause {
    /// True where another decoder could have read on: what such a packet holds is unknown
    /// though all of it was captured.
    #[must_use]
    pub fn is_want_of_decoder(self) -> bool {
        matches!(self, Self::Nesting | Self::Unsupported)
    }
}

/// Place and cause of the end of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeStop {
    /// Header that could not be read.
    pub layer: Layer,
    /// Its first byte, counted from the start of the frame.
    pub offset: usize,
    /// Bytes that it needs beyond those there are; 0 where length is not the cause.
    pub missing: usize,
    /// Limit that was met.
    pub cause: Cause,
}

//! Timelines of a report.

use serde::Serialize;

/// Packets by class over time: a column for each class, as long as there are intervals.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimelineReport {
    /// Beginning of the first interval, in RFC 3339.
    pub start: String,
    /// Width of each interval, in seconds: a power of two of nanoseconds.
    pub interval_seconds: f64,
    /// Encrypted, as far as the capture tells; `null` for none.
    pub encrypted: Option<Columns>,
    /// Negotiation in the clear.
    pub handshake: Option<Columns>,
    /// Readable.
    pub plaintext: Option<Columns>,
    /// Not to be told.
    pub undetermined: Option<Columns>,
}

/// Packets of a class in each interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// Packets.
    pub packets: Vec<u64>,
    /// Bytes on the wire.
    pub wire_bytes: Vec<u64>,
}

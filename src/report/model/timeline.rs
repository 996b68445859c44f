//! Timelines of a report.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::capture::Timestamp;
use crate::report::rfc3339;

/// A time, told in RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339(self.0))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Packets by class over time: a column for each class, as long as there are intervals.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimelineReport {
    /// Beginning of the first interval.
    pub start: Moment,
    /// Width of each interval, told in seconds: a power of two of nanoseconds.
    #[serde(rename = "interval_seconds", serialize_with = "seconds")]
    pub interval: Duration,
    /// Encrypted, as far as the capture tells; `null` for none.
    pub encrypted: Option<Columns>,
    /// Negotiation in the clear.
    pub handshake: Option<Columns>,
    /// Readable.
    pub plaintext: Option<Columns>,
    /// Not to be told.
    pub undetermined: Option<Columns>,
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// Period that a run was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WindowReport {
    /// Its first moment; `null` where it has none.
    pub since: Option<Moment>,
    /// The moment that it ends before; `null` where there is none.
    pub until: Option<Moment>,
}

/// Packets of a class in each interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// Packets.
    pub packets: Vec<u64>,
    /// Bytes on the wire.
    pub wire_bytes: Vec<u64>,
}

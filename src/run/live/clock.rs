//! The machine's clock.

use std::time::SystemTime;

use crate::capture::Timestamp;

/// The present moment; 1970 where the clock is set before that.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.as_nanos());
    Timestamp(i64::try_from(nanos).unwrap_or(i64::MAX))
}

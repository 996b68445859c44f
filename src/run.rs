//! A module for each command. Threads and clocks are here alone.

pub mod bench;
pub mod evidence;
pub mod files;
#[cfg(feature = "live")]
pub mod live;
pub mod manifest;
pub mod merge;
pub mod output;
pub mod saved;
pub mod stripes;
pub mod verify;

/// Today in UTC, which is the day that waivers end by.
#[must_use]
pub fn today() -> jiff::civil::Date {
    let now = jiff::Timestamp::now();
    now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

//! Flags that ask for a window of time.

use clap::Args;

use super::CliError;
use crate::capture::Timestamp;
use crate::flow::Period;

/// The flags that ask for a window of time.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Window")]
pub struct WindowFlags {
    /// Judge what was captured and logged from this time on, as 2026-11-21T20:00:00Z (RFC 3339)
    ///
    /// Packets outside the window are read, and counted as such. Handshakes before it are not
    /// counted: of sessions that began earlier the suite is unknown. Packets without a time
    /// count in every window, and the run is then not whole.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,

    /// Judge what was captured and logged before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Timestamp>,
}

impl WindowFlags {
    /// The period as meant.
    pub(super) fn meant(&self) -> Result<Period, CliError> {
        Period::between(self.since, self.until).ok_or(CliError::EmptyWindow)
    }
}

/// Reads a time in RFC 3339, with an offset from UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|error: jiff::Error| error.to_string())?;
    let nanoseconds = i64::try_from(time.as_nanosecond());
    let nanoseconds = nanoseconds.map_err(|_| "beyond the years 1678 to 2261".to_owned())?;
    Ok(Timestamp(nanoseconds))
}

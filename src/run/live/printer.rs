//! Reports on standard output or standard error.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use crate::cli::Live;
use crate::report::{DocumentFormat, Report, Style};

/// Stream that reports go to besides files: standard output, or standard error where
/// standard output carries events.
#[derive(Clone, Debug)]
pub(super) struct Printer {
    format: &'static DocumentFormat,
    style: Style,
    is_error: bool,
}

impl Printer {
    pub(super) fn of(config: &Live) -> Self {
        let is_error = are_events_on_stdout(config);
        let output = &config.output;
        let color = output.style.color && (!is_error || io::stderr().is_terminal());
        Self {
            format: output.format,
            style: Style {
                color,
                ..output.style.clone()
            },
            is_error,
        }
    }

    pub(super) fn print(&self, report: &Report) -> io::Result<()> {
        if self.is_error {
            self.write(report, io::stderr().lock())
        } else {
            self.write(report, io::stdout().lock())
        }
    }

    fn write(&self, report: &Report, out: impl Write) -> io::Result<()> {
        let mut out = BufWriter::new(out);
        self.format.write(report, &self.style, &mut out)?;
        out.flush()
    }
}

/// True where standard output carries events, and nothing else.
pub(super) fn are_events_on_stdout(config: &Live) -> bool {
    config.events.as_deref() == Some(Path::new("-"))
}

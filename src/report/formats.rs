//! Formats of documents: a list for each, of which the first is the default.

use std::io::{self, Write};

use super::posture::PostureReport;
use super::{DocumentFormat, Style, junit, sarif, table};

/// Formats of a posture.
pub const POSTURE_FORMATS: &[DocumentFormat<PostureReport>] = &[
    DocumentFormat {
        name: "table",
        ending: "txt",
        write: table::posture::write,
    },
    DocumentFormat {
        name: "json",
        ending: "json",
        write: json,
    },
    DocumentFormat {
        name: "junit",
        ending: "xml",
        write: junit::write,
    },
    DocumentFormat {
        name: "sarif",
        ending: "sarif",
        write: sarif::write,
    },
];

fn json(report: &PostureReport, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}

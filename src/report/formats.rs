//! Formats of documents: a list for each, of which the first is the default.

use super::posture::PostureReport;
use super::{DocumentFormat, html, json, junit, sarif, table};

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
        write: json::write,
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
    DocumentFormat {
        name: "html",
        ending: "html",
        write: html::write_posture,
    },
];

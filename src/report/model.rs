//! JSON of all documents: everything in a report that is serialised is declared here.
//!
//! What other stages count and conclude has its names and words here as well, and from none
//! of those stages, so that renaming a field of a counter or a variant of a verdict renames
//! nothing in a report.

use serde::ser::{Serialize, Serializer};

use crate::capture::Fault;
use crate::flow::sizes::Percentiles;
use crate::flow_log::{Carried, LogForm, LogReport, State};
use crate::verdict::platform::Join;
use crate::verdict::{Basis, Said, Vantage, Verdict, Viewpoint};

/// Declares the word of each variant.
macro_rules! words {
    ($type:ty { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(match self { $(Self::$variant => $word),+ })
            }
        }
    };
}

/// Declares the name of each field that is told, in their order.
macro_rules! fields {
    ($type:ty { $($($field:ident).+ => $name:literal),+ $(,)? }) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct;
                let count = [$($name),+].len();
                let mut fields = serializer.serialize_struct(stringify!($type), count)?;
                $(fields.serialize_field($name, &self.$($field).+)?;)+
                fields.end()
            }
        }
    };
}

mod azure;
mod checks;
mod lines;
mod manifest;
mod path;
mod posture;
mod report;
mod stripes;
mod timeline;
mod warning;

pub use azure::{
    ClientReport, EndsReport, FileSystemReport, PlaceReport, ServerReport, ServesReport, Standing,
};
pub use lines::{PathLine, RunLine};
pub use manifest::{ClockReport, FileEntry, HostReport, Manifest, ProgramReport, UserReport};
pub use path::{
    ConnectionsReport, DtlsReport, Evidence, FlavorReport, FlowReport, LustreReport,
    ObserverReport, OperationReport, PacketFilter, PacketReport, PathReport, PlatformReport,
    ProofReport, StateReport, SuiteReport, Traffic,
};
pub use posture::{PosturePath, PostureReport, PostureSummary};
pub use report::{
    AccountingReport, ElsewhereReport, Gap, InputReport, LossReport, Losses, ReasonReport, Report,
    Summary, Undecodable, Volume,
};
pub use stripes::{
    FileStripes, GivenPath, GivenReport, StripeReport, StripesReport, StripesSummary,
};
pub use timeline::{Columns, Moment, TimelineReport, WindowReport};
pub use warning::{About, Warning};

words!(Verdict {
    Encrypted => "encrypted",
    Weak => "weak",
    Mixed => "mixed",
    Plaintext => "plaintext",
    Conflict => "conflict",
    Unproven => "unproven",
    Undetermined => "undetermined",
    Silent => "silent",
});

words!(Basis {
    Capture => "capture",
    FlowLog => "flow_log",
    Both => "both",
    None => "none",
});

words!(Said {
    Nothing => "nothing",
    Encrypted => "encrypted",
    Partly => "partly",
    Plaintext => "plaintext",
    Mixed => "mixed",
    Blocked => "blocked",
    Unknown => "unknown",
});

words!(Join {
    Ports => "ports",
    ServerPort => "server_port",
    Addresses => "addresses",
});

words!(Vantage {
    Wire => "wire",
    Guest => "guest",
});

words!(Carried {
    Ciphertext => "ciphertext",
    Plaintext => "plaintext",
    Dropped => "dropped",
    Unknown => "unknown",
});

/// The word of the log itself.
impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

fields!(Viewpoint {
    value => "value",
    why => "why",
});

fields!(Percentiles {
    p50 => "p50",
    p90 => "p90",
    p99 => "p99",
    max => "max",
});

fields!(Fault {
    offset => "offset",
    what => "what",
    count => "count",
    passed_over => "passed_over",
});

words!(LogForm {
    FlowLog => "flow_log",
    TrafficAnalytics => "traffic_analytics",
});

fields!(LogReport {
    name => "name",
    form => "form",
    records => "records",
    tuples => "tuples",
    bad_tuples => "bad_tuples",
    unread => "unread",
    unknown_states => "unknown_states",
    fault => "fault",
});

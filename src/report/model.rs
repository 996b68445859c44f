//! JSON of what other stages count and conclude.
//!
//! Names and words are declared here, and by none of those stages, so that renaming a field
//! of a counter or a variant of a verdict renames nothing in a report.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::capture::Fault;
use crate::flow::Count;
use crate::flow::sizes::Percentiles;
use crate::flow_log::{Carried, LogReport, State};
use crate::verdict::platform::Join;
use crate::verdict::{Basis, Said, Vantage, Verdict, Viewpoint};

/// Declares the word of each variant.
macro_rules! words {
    ($type:ty { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(match self { $(Self::$variant => $word),+ })
            }
        }
    };
}

/// Declares the name of each field that is told, in their order.
macro_rules! fields {
    ($type:ty { $($field:ident => $name:literal),+ $(,)? }) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let count = [$($name),+].len();
                let mut fields = serializer.serialize_struct(stringify!($type), count)?;
                $(fields.serialize_field($name, &self.$field)?;)+
                fields.end()
            }
        }
    };
}

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

fields!(Count {
    packets => "packets",
    wire_bytes => "wire_bytes",
    payload_bytes => "payload_bytes",
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

fields!(LogReport {
    name => "name",
    records => "records",
    tuples => "tuples",
    bad_tuples => "bad_tuples",
    unread => "unread",
    unknown_states => "unknown_states",
    fault => "fault",
});

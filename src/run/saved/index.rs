//! Index of a saved state: the inputs, and under which options they were counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::capture::{Fault, InterfaceId, Timestamp};
use crate::engine::Engine;
use crate::flow::Period;
use crate::input::capture::{Digest, Identity};
use crate::report::{InputReport, Losses, rfc3339};

/// Index of a saved state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Version of the program that counted.
    pub program: String,
    /// Options that it counted under.
    pub options: CountOptions,
    /// Counts that are stored together, with their inputs.
    pub units: Vec<StoredUnit>,
    /// Names of the interfaces that the inputs speak of.
    pub interfaces: BTreeMap<InterfaceId, String>,
    /// Files of folders that are no captures, each with what is said of it.
    pub skipped: Vec<(String, String)>,
    /// Files that are or may be captures and were not read to their end, each told in a
    /// sentence.
    pub unread: Vec<String>,
}

impl Index {
    /// Index of a state that an engine counts, of no input yet.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            options: CountOptions::of(engine),
            units: Vec::new(),
            interfaces: BTreeMap::new(),
            skipped: Vec::new(),
            unread: Vec::new(),
        }
    }
}

/// Options on which it depends what packets count as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountOptions {
    /// UDP ports of tunnels.
    pub tunnel_ports: Vec<u16>,
    /// Number of flows that are kept apart.
    pub max_flows: u32,
    /// Period that packets were counted of.
    pub period: Period,
}

impl CountOptions {
    /// Options of an engine.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        let mut tunnel_ports: Vec<_> = engine.decode.udp_ports().collect();
        tunnel_ports.sort_unstable();
        tunnel_ports.dedup();
        Self {
            tunnel_ports,
            max_flows: u32::try_from(engine.max_flows).unwrap_or(u32::MAX),
            period: engine.period,
        }
    }

    /// Options that differ, with their values; empty where none do.
    #[must_use]
    pub fn differences(&self, other: &Self) -> String {
        let mut all = Vec::new();
        if self.max_flows != other.max_flows {
            let (one, two) = (self.max_flows, other.max_flows);
            all.push(format!("--max-flows {one} and {two}"));
        }
        if self.tunnel_ports != other.tunnel_ports {
            let list = |ports: &[u16]| -> Vec<_> { ports.iter().map(u16::to_string).collect() };
            let [one, two] = [self, other].map(|it| list(&it.tunnel_ports).join(","));
            all.push(format!("ports of tunnels {one} and {two}"));
        }
        if self.period != other.period {
            let [one, two] = [self, other].map(|it| window(it.period));
            all.push(format!("{one} and {two}"));
        }
        all.join("; ")
    }
}

/// A period, by the flags that ask for it.
fn window(period: Period) -> String {
    let flag = |name, time: Option<Timestamp>| time.map(|time| format!("{name} {}", rfc3339(time)));
    let flags = [
        flag("--since", period.since()),
        flag("--until", period.until()),
    ];
    let flags: Vec<_> = flags.into_iter().flatten().collect();
    if flags.is_empty() {
        "no window".to_owned()
    } else {
        flags.join(" ")
    }
}

/// Inputs whose counts are stored together: one file, or all interfaces of a live run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredUnit {
    /// Tells it from all others.
    pub identity: UnitIdentity,
    /// Its inputs, in the order in which they were counted.
    pub inputs: Vec<StoredInput>,
    /// Offset of its frame in the state, in bytes.
    pub offset: u64,
    /// Length of the frame, in bytes.
    pub len: u64,
    /// Length of what is in the frame, in bytes.
    pub raw_len: u64,
    /// Digest of the frame.
    pub digest: Digest,
}

impl StoredUnit {
    /// Tests that a live run counted it.
    #[must_use]
    pub fn is_run(&self) -> bool {
        matches!(self.identity, UnitIdentity::Run(_))
    }
}

/// Identity of what was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum UnitIdentity {
    /// Digest of a capture without compression.
    Capture(Digest),
    /// Digest of the counts of a capture that could not be read to its end.
    Counts(Digest),
    /// Digest of what tells a live run.
    Run(Digest),
}

/// An input, as it was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredInput {
    /// Files that hold it: the one that was read, and copies.
    pub sources: Vec<InputSource>,
    /// Machine that captured it, as its live run says.
    pub host: Option<String>,
    /// `pcap`, `pcapng` or `live`.
    pub format: String,
    /// The first time that a packet tells near its start.
    pub first: Option<Timestamp>,
    /// Packets read.
    pub packets: u64,
    /// Place of the first fault, its description, number of faults, bytes passed over.
    pub fault: Option<(u64, String, u64, u64)>,
    /// Packets that passed and were not seen.
    pub losses: Option<Losses>,
    /// Packets before each piece that it was walked in.
    pub before: Vec<u64>,
}

/// File that holds an input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InputSource {
    /// Its path as it was named or found.
    pub name: String,
    /// Name of its compression.
    pub compression: Option<String>,
    /// Bytes as stored; `None` where that is not known.
    pub size: Option<u64>,
}

/// Words that a stored name may be, as reports say them.
const WORDS: [&str; 8] = [
    "pcap", "pcapng", "live", "gzip", "zstd", "xz", "bzip2", "lz4",
];

fn word(name: &str) -> &'static str {
    let known = WORDS.into_iter().find(|&word| word == name);
    known.unwrap_or("unknown")
}

impl StoredInput {
    /// An input as its report says; `first` orders it among others.
    #[must_use]
    pub fn new(report: &InputReport, first: Option<Timestamp>, identity: &Identity) -> Self {
        let fault = report.fault.clone();
        let fault = fault.map(|it| (it.offset, it.what, it.count, it.passed_over));
        Self {
            sources: vec![InputSource {
                name: report.name.clone(),
                compression: report.compression.map(str::to_owned),
                size: identity.digest.map(|_| identity.size),
            }],
            host: None,
            format: report.format.to_owned(),
            first,
            packets: report.packets,
            fault,
            losses: report.losses.clone(),
            before: report.before.clone(),
        }
    }

    /// Name of the first file that holds it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.sources.first().map_or("", |source| &source.name)
    }

    /// The report on it.
    #[must_use]
    pub fn report(&self) -> InputReport {
        let source = self.sources.first();
        let compression = source.and_then(|source| source.compression.as_deref());
        let fault = self.fault.clone();
        InputReport {
            name: match &self.host {
                Some(host) => format!("{host}: {}", self.name()),
                None => self.name().to_owned(),
            },
            format: word(&self.format),
            compression: compression.map(word),
            packets: self.packets,
            fault: fault.map(|(offset, what, count, passed_over)| Fault {
                offset,
                what,
                count,
                passed_over,
            }),
            losses: self.losses.clone(),
            before: self.before.clone(),
        }
    }
}

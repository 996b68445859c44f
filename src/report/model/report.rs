//! Report of captures and flow logs.

use serde::{Deserialize, Serialize};

use super::azure::{ClientReport, FileSystemReport, ServerReport};
use super::path::{PathReport, ProofReport, SuiteReport};
use super::timeline::{TimelineReport, WindowReport};
use super::warning::Warning;
use crate::azure::export::FileReport;
use crate::azure::waivers::WaiverReport;
use crate::capture::Fault;
use crate::flow_log::LogReport;
use crate::verdict::Viewpoint;

/// An input file, as the run found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputReport {
    /// Its path as it was named or found; `-` for standard input.
    pub name: String,
    /// `pcap` or `pcapng`.
    pub format: &'static str,
    /// `gzip`, `zstd`, `xz`, `bzip2` or `lz4`, where it is compressed.
    pub compression: Option<&'static str>,
    /// Packets read.
    pub packets: u64,
    /// Damage to it; `null` where it was read to its end without any.
    pub fault: Option<Fault>,
    /// Packets that passed and were not seen; `null` if the input does not say.
    pub losses: Option<Losses>,
    /// Packets before each piece that it was walked in, the first piece's 0 included.
    #[serde(skip)]
    pub before: Vec<u64>,
}

/// A count for each verdict, and what the process exits with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Paths with that verdict.
    pub encrypted: usize,
    /// Paths with that verdict.
    pub weak: usize,
    /// Paths with that verdict.
    pub mixed: usize,
    /// Paths with that verdict.
    pub plaintext: usize,
    /// Paths with that verdict.
    pub conflict: usize,
    /// Paths with that verdict.
    pub unproven: usize,
    /// Paths with that verdict.
    pub undetermined: usize,
    /// Paths with that verdict.
    pub silent: usize,
    /// Exit code of the process.
    pub exit_code: u8,
}

/// Packets and the sum of their original lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Volume {
    /// Packets.
    pub packets: u64,
    /// Bytes on the wire.
    pub wire_bytes: u64,
}

/// Packets that could not be decoded, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReasonReport {
    /// The reason in words.
    pub reason: String,
    /// Packets and bytes.
    #[serde(flatten)]
    pub volume: Volume,
}

/// Packets that could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undecodable {
    /// All of them.
    #[serde(flatten)]
    pub total: Volume,
    /// The same, by reason.
    pub reasons: Vec<ReasonReport>,
}

/// Account of every packet: the six buckets sum to the number of packets read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountingReport {
    /// Everything read.
    #[serde(flatten)]
    pub read: Volume,
    /// Packets of paths.
    pub paths: Volume,
    /// DTLS that is no path's.
    pub dtls_elsewhere: Volume,
    /// Readable packets that are none of ours.
    pub other: Volume,
    /// Packets of paths that another interface of their capture had shown before.
    pub duplicates: Volume,
    /// Packets outside the window that was asked for.
    pub outside_window: Volume,
    /// Packets that nobody can place.
    pub undecodable: Undecodable,
}

/// DTLS between two addresses of which none is a known server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ElsewhereReport {
    /// The two addresses; empty for the sum of those too many to list.
    pub addresses: Vec<String>,
    /// Packets and bytes of it.
    #[serde(flatten)]
    pub volume: Volume,
    /// Versions of its protected records.
    pub versions: Vec<&'static str>,
    /// Suites that a `ServerHello` chose.
    pub suites: Vec<SuiteReport>,
}

/// Everything a run says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`](crate::report::SCHEMA_VERSION).
    pub schema_version: u32,
    /// A count for each verdict.
    pub summary: Summary,
    /// Obligations of a run, each with its outcome; they tell that the run is whole.
    pub proof: Vec<ProofReport>,
    /// The policy that encryption was held to.
    pub policy: &'static str,
    /// Point at which the captures were made, and why they are taken to be.
    pub vantage: Viewpoint,
    /// Window that was asked for; `null` for all time.
    pub window: Option<WindowReport>,
    /// Time of the first captured packet, in RFC 3339; of a window, of the first in it.
    pub first: Option<String>,
    /// Time of the last captured packet.
    pub last: Option<String>,
    /// Packets of paths over time; `null` where none has a time.
    pub timeline: Option<TimelineReport>,
    /// Packets that passed the captures and were not seen, as far as that is known.
    pub losses: LossReport,
    /// The input files, in the order of their first packets.
    pub inputs: Vec<InputReport>,
    /// The flow logs, by name.
    pub flow_logs: Vec<LogReport>,
    /// The exports of Azure's configuration, in the order of reading.
    pub exports: Vec<FileReport>,
    /// The servers that were named, and who says so.
    pub servers: Vec<ServerReport>,
    /// Account of every packet.
    pub accounting: AccountingReport,
    /// Every path, by client and server.
    pub paths: Vec<PathReport>,
    /// DTLS that is no path's.
    pub dtls_elsewhere: Vec<ElsewhereReport>,
    /// File systems of paths, and what auditors ask of them; none without exports.
    pub file_systems: Vec<FileSystemReport>,
    /// VMs of clients of paths, and what auditors ask of them; none without exports.
    pub clients: Vec<ClientReport>,
    /// Waivers, and what became of them.
    pub waivers: Vec<WaiverReport>,
    /// Sentences that the reader should know besides.
    pub warnings: Vec<Warning>,
}

/// Packets that passed a capture and were not seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Dropped by the kernel, for want of room in its buffer.
    pub kernel: u64,
    /// Dropped by the interface, which has no filter: not all need have been a path's; `null`
    /// where that is not known.
    pub interface: Option<u64>,
    /// Dropped by the kernel or the interface; the capture does not say by which.
    pub unattributed: u64,
    /// Still in the kernel's buffer when the run ended.
    pub unread: u64,
    /// Times at which the interface was down or gone, the first of them.
    pub gaps: Vec<Gap>,
    /// Such times that were too many to list.
    pub more_gaps: u64,
    /// True if the interface is down now, or was when the run ended.
    pub down: bool,
}

/// Packets that no capture saw, all inputs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LossReport {
    /// Number of packets that are known of.
    pub packets: u64,
    /// Their share of these and the packets read, from 0 to 1.
    pub share: f64,
    /// Times at which an interface was down or gone.
    pub gaps: u64,
}

/// A time at which nothing could be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Its beginning, in RFC 3339.
    pub from: String,
    /// Its end; `null` where it had not ended.
    pub to: Option<String>,
}

//! Path of a report: its traffic, its proof, and the packets that show it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{
    Serialize,
    ser::{SerializeStruct, Serializer},
};

use super::azure::{EndsReport, ServesReport};
use super::timeline::{Moment, TimelineReport};
use crate::azure::checks::Check;
use crate::flow::Count;
use crate::flow::sizes::Percentiles;
use crate::flow_log::{Carried, State};
use crate::verdict::platform::Join;
use crate::verdict::{Basis, Said, Verdict};

/// Packets by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Encrypted, as far as the capture tells.
    #[serde(serialize_with = "class")]
    pub encrypted: Count,
    /// Negotiation in the clear.
    #[serde(serialize_with = "class")]
    pub handshake: Count,
    /// Readable.
    #[serde(serialize_with = "class")]
    pub plaintext: Count,
    /// Not to be told.
    #[serde(serialize_with = "class")]
    pub undetermined: Count,
}

/// Packets of a class, by the names that reports have for their counts.
fn class<S: Serializer>(count: &Count, serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_struct("Count", 3)?;
    fields.serialize_field("packets", &count.packets)?;
    fields.serialize_field("wire_bytes", &count.wire_bytes)?;
    fields.serialize_field("payload_bytes", &count.payload_bytes)?;
    fields.end()
}

/// Text that many share.
fn shared<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// A cipher suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SuiteReport {
    /// Its number, as in `0xc02c`.
    pub id: String,
    /// Its registered name.
    pub name: &'static str,
}

/// Facts of a path's DTLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DtlsReport {
    /// Versions of protected records, and those that a `ServerHello` chose.
    pub versions: Vec<&'static str>,
    /// Suites that a `ServerHello` chose.
    pub suites: Vec<SuiteReport>,
    /// True if a `ServerHello` was captured.
    pub handshake_seen: bool,
    /// True if one was captured for every session with protected records.
    pub every_suite_seen: bool,
    /// Records seen.
    pub records: u64,
    /// Records that the sequence numbers say were sent and not seen.
    pub missing: u64,
    /// Records that the sequence numbers say were seen again.
    pub repeated: u64,
    /// True if missing and repeated are lower bounds.
    pub at_least: bool,
}

/// An operation that RPCs were seen of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OperationReport {
    /// Its code; `null` for all that are unknown.
    pub opcode: Option<u32>,
    /// Its name in Lustre's sources.
    pub name: &'static str,
    /// Requests seen.
    pub requests: u64,
    /// Replies seen.
    pub replies: u64,
}

/// RPCs of one security flavor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlavorReport {
    /// Its name in Lustre's configuration.
    pub name: &'static str,
    /// RPC messages seen.
    pub rpcs: u64,
}

/// Connections, by what their HELLO says they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConnectionsReport {
    /// Control messages.
    pub control: u64,
    /// Bulk data to the caller.
    pub bulk_in: u64,
    /// Bulk data from the caller.
    pub bulk_out: u64,
    /// Connections whose HELLO was not captured.
    pub unknown: u64,
}

/// Facts of a path's readable Lustre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LustreReport {
    /// Proof that Lustre could be read; `null` where only ports tell.
    pub proof: Option<&'static str>,
    /// TCP connections seen.
    pub connections: ConnectionsReport,
    /// Operations of RPCs that begin a segment.
    pub operations: Vec<OperationReport>,
    /// Share of RPCs whose bodies a flavor hides: `none`, `some` or `all` of those seen;
    /// `unknown` if none was. It hides neither headers nor bulk data.
    pub rpc_privacy: &'static str,
    /// The flavors seen.
    pub flavors: Vec<FlavorReport>,
}

/// A flow of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowReport {
    /// `tcp` or `udp`; `null` for the sum of flows too many to list.
    pub protocol: Option<&'static str>,
    /// The client's port; `null` where it could not be read.
    pub client_port: Option<u16>,
    /// The server's port; `null` where it could not be read.
    pub server_port: Option<u16>,
    /// The tunnels around it, outermost first.
    pub encapsulation: Vec<&'static str>,
    /// VNI, VSID or GRE key of the innermost tunnel.
    pub network: Option<u32>,
    /// Interface that captured it, if the capture names one.
    pub interface: Option<String>,
    /// From the client to the server.
    pub to_server: Traffic,
    /// From the server to the client.
    pub to_client: Traffic,
}

/// A path between a client and a server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PathReport {
    /// The client; `null` on a path that is silent, or the sum of too many.
    pub client: Option<String>,
    /// The server; `null` for the sum of paths that were too many to list.
    pub server: Option<String>,
    /// Data that the server serves.
    #[serde(flatten)]
    pub serves: ServesReport,
    /// The verdict.
    pub verdict: Verdict,
    /// Basis of the verdict.
    pub basis: Basis,
    /// Verdict of the capture by itself; `null` without one.
    pub observed: Option<Verdict>,
    /// Verdict and states of flow logs; `null` if they say nothing.
    pub platform: Option<PlatformReport>,
    /// Each obligation that an encrypted path has to meet, and its outcome.
    pub proof: Vec<ProofReport>,
    /// True if packets are known to have passed unseen, by the count of a capture or by the
    /// numbers of DTLS records: then the verdict speaks of the others.
    pub under_loss: bool,
    /// Traffic seen, by class.
    pub traffic: Traffic,
    /// Time of its first captured packet, in RFC 3339.
    pub first: Option<Moment>,
    /// Time of its last captured packet.
    pub last: Option<Moment>,
    /// Time of its first packet in plaintext, in RFC 3339.
    pub plaintext_first: Option<Moment>,
    /// Time of its last packet in plaintext.
    pub plaintext_last: Option<Moment>,
    /// Traffic over time; `null` where no packet has a time.
    pub timeline: Option<TimelineReport>,
    /// Interface that saw it, where there is one and the capture names it; `null` where
    /// several did.
    pub interface: Option<String>,
    /// Observers of it, as many as are kept of a flow.
    pub seen_by: Vec<ObserverReport>,
    /// Facts of its DTLS.
    pub dtls: Option<Box<DtlsReport>>,
    /// Facts of its readable Lustre.
    pub lustre: Option<Box<LustreReport>>,
    /// Original frame lengths, in bytes.
    pub packet_sizes: Option<Percentiles>,
    /// Lengths of DTLS records as their length fields say, in bytes.
    pub dtls_record_sizes: Option<Percentiles>,
    /// The packets that prove the verdict, the deciding ones first.
    pub evidence: Vec<Evidence>,
    /// Its flows.
    pub flows: Vec<FlowReport>,
    /// Display filter of Wireshark for its packets; `null` where none was captured, and for
    /// the sum of many paths.
    pub display_filter: Option<String>,
    /// Resources at its ends in Azure; `null` without exports.
    pub azure: Option<Box<EndsReport>>,
    /// Known causes of plaintext in the configuration; none without exports.
    pub causes: Vec<Check>,
    /// Place of the waiver that accepts the verdict, among those of the report; `null` for
    /// none.
    pub waiver: Option<usize>,
}

/// A packet or a record of a flow log, and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Class that it is evidence of: `plaintext`, `encrypted`, `undetermined`, `handshake`,
    /// `lustre`, `suite`, `exposed`, `platform`, or `plaintext_last` where the path went on
    /// without plaintext.
    pub of: &'static str,
    /// The file it is in.
    #[serde(serialize_with = "shared")]
    pub file: Arc<str>,
    /// The packet's number in that file, from 1.
    pub packet: Option<u64>,
    /// The record's number in that file, from 1.
    pub record: Option<u64>,
    /// Time of the capture or of the log, in RFC 3339.
    pub time: Option<Moment>,
    /// Content of the packet or the tuple, in a sentence.
    pub shows: String,
    /// Display filter of Wireshark for the packet in its file; `null` where it is in none.
    pub display_filter: Option<PacketFilter>,
}

/// Traffic logged of a path in one encryption state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateReport {
    /// The state, as the log has it; `denied` or `unknown` where it has none of its words.
    pub state: State,
    /// Way that its traffic travels.
    pub carried: Carried,
    /// Meaning of the state, in words.
    pub meaning: &'static str,
    /// Flows in that state.
    pub flows: u64,
    /// Packets, both ways.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Time of the first tuple, in RFC 3339.
    pub first: String,
    /// Time of the last tuple.
    pub last: String,
    /// Longest time that a row of Traffic Analytics sums over, in seconds; `null` where all
    /// is of tuples.
    pub grain_seconds: Option<u64>,
}

/// Word of flow logs on a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlatformReport {
    /// The answer.
    pub said: Said,
    /// Ways that the captured flows were found in the logs.
    pub joined: BTreeSet<Join>,
    /// States logged at the time of the capture; without a capture, all.
    pub states: Vec<StateReport>,
    /// States logged at other times.
    pub other_times: Vec<StateReport>,
}

/// Display filter of Wireshark for a packet of a file, by its number, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketFilter(pub u64);

impl fmt::Display for PacketFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame.number == {}", self.0)
    }
}

impl Serialize for PacketFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Packet that shows something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PacketReport {
    /// Name of its file.
    #[serde(serialize_with = "shared")]
    pub file: Arc<str>,
    /// Its number in the file, from 1.
    pub packet: u64,
    /// Time of its capture, in RFC 3339.
    pub time: Option<Moment>,
    /// Display filter of Wireshark for it in its file; `null` where it is in none.
    pub display_filter: Option<PacketFilter>,
}

/// Observer of a path: an interface, in one of the inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObserverReport {
    /// Name of the input: a file, or an interface that was captured live, with its host where it
    /// was saved on several.
    pub input: String,
    /// The interface; `null` where the capture does not name it.
    pub interface: Option<String>,
    /// True if it saw the packets in a tunnel, as a mirror (VNet TAP) sends them.
    pub is_mirrored: bool,
}

/// Obligation of a proof, and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProofReport {
    /// Name of the obligation.
    pub obligation: &'static str,
    /// `met`, `open` or `broken`.
    pub outcome: &'static str,
    /// Reason, as a clause.
    pub says: Cow<'static, str>,
    /// Packets that show it, the first ones.
    pub evidence: Vec<PacketReport>,
}

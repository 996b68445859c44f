//! Path of a report, from one that was judged.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{
    ConnectionsReport, DtlsReport, FlavorReport, FlowReport, LustreReport, Moment, OperationReport,
    SuiteReport,
};
use super::{
    LossReport, Names, PathReport, PlatformReport, ProofReport, ServesReport, Traffic,
    display_filter, evidence,
};
use crate::capture::Timestamp;
use crate::decode::{Address, Encapsulation, Protocol};
use crate::evidence::dtls::Suite;
use crate::evidence::lnet::ConnectionType;
use crate::evidence::ptlrpc::Opcode;
use crate::flow::lustre::RpcCount;
use crate::flow::sequence::Gaps;
use crate::flow::session::Protected;
use crate::flow::{Count, Direction, DtlsFacts, LustreFacts};
use crate::verdict::{Class, Ends, Part, Path, Policy, Verdict};

impl Traffic {
    fn of(counts: impl IntoIterator<Item = (Class, Count)>) -> Self {
        let mut traffic = Self::default();
        for (class, count) in counts {
            *match class {
                Class::Encrypted => &mut traffic.encrypted,
                Class::Handshake => &mut traffic.handshake,
                Class::Plaintext => &mut traffic.plaintext,
                Class::Undetermined => &mut traffic.undetermined,
            } += count;
        }
        traffic
    }

    /// The classes, in the order that reports list them.
    #[must_use]
    pub fn by_class(&self) -> [(Class, Count); 4] {
        [
            (Class::Encrypted, self.encrypted),
            (Class::Handshake, self.handshake),
            (Class::Plaintext, self.plaintext),
            (Class::Undetermined, self.undetermined),
        ]
    }

    /// All classes together.
    #[must_use]
    pub fn total(&self) -> Count {
        self.by_class().into_iter().map(|(_, count)| count).sum()
    }
}

impl From<Suite> for SuiteReport {
    fn from(suite: Suite) -> Self {
        Self {
            id: format!("{:#06x}", suite.0),
            name: suite.name(),
        }
    }
}

impl DtlsReport {
    fn of(parts: &[Part]) -> Option<Self> {
        let dtls = || facts(parts).map(|(_, dtls)| dtls);
        dtls().next()?;
        let protected = dtls().flat_map(DtlsFacts::versions);
        let chosen = dtls().flat_map(|dtls| dtls.suites.keys().map(|&(version, _)| version));
        let gaps = missing_records(parts);
        let versions: BTreeSet<_> = protected.chain(chosen).collect();
        let suites: BTreeSet<_> = dtls().flat_map(|dtls| dtls.suites.keys()).collect();
        Some(Self {
            versions: versions
                .into_iter()
                .map(super::super::evidence::dtls::Version::name)
                .collect(),
            suites: suites.into_iter().map(|&(_, suite)| suite.into()).collect(),
            handshake_seen: dtls().any(DtlsFacts::handshake_seen),
            every_suite_seen: dtls()
                .flat_map(DtlsFacts::protected)
                .all(Protected::is_suite_seen),
            records: dtls().map(|dtls| dtls.records).sum(),
            missing: gaps.missing,
            repeated: gaps.repeated,
            at_least: gaps.at_least,
        })
    }
}

/// The parts of a path that have DTLS.
fn facts<'p>(parts: &'p [Part]) -> impl Iterator<Item = (&'p Part<'p>, &'p DtlsFacts)> {
    parts
        .iter()
        .filter_map(|part| Some((part, part.flow.dtls.as_deref()?)))
}

/// Missing and repeated records, by the sequence numbers of a path's DTLS records. Sequences of
/// different flows tell nothing together, so sums have none.
pub(super) fn missing_records(parts: &[Part]) -> Gaps {
    let none = Gaps {
        at_least: facts(parts).any(|(part, _)| part.key.is_none()),
        ..Gaps::default()
    };
    let single = facts(parts).filter(|(part, _)| part.key.is_some());
    single.fold(none, |gaps, (_, dtls)| gaps.and(dtls.gaps()))
}

impl LustreReport {
    fn of(parts: &[Part]) -> Option<Self> {
        let mut connections = ConnectionsReport::default();
        let mut sum = LustreFacts::default();
        let is_tcp = |part: &&Part| {
            let key = part.key.filter(|key| key.unread.is_none());
            key.is_some_and(|key| key.protocol == Protocol::Tcp) || part.flow.lustre.is_some()
        };
        let mut any = false;
        for part in parts.iter().filter(is_tcp) {
            any = true;
            connections.add(part);
            if let Some(facts) = part.flow.lustre.as_deref() {
                sum.merge(facts.clone());
            }
        }
        any.then(|| Self {
            proof: sum.proof.map(|(_, proof, _)| evidence::proof_name(proof)),
            connections,
            operations: operations(&sum.operations),
            rpc_privacy: privacy(&sum.flavors),
            flavors: flavors(&sum.flavors),
        })
    }
}

impl ConnectionsReport {
    fn add(&mut self, part: &Part) {
        let facts = part.flow.lustre.as_deref();
        let kind = facts.and_then(|facts| facts.connection);
        *match kind.map(|(_, kind)| kind) {
            Some(ConnectionType::Control) => &mut self.control,
            Some(ConnectionType::BulkIn) => &mut self.bulk_in,
            Some(ConnectionType::BulkOut) => &mut self.bulk_out,
            None => &mut self.unknown,
        } += 1;
    }
}

fn operations(seen: &BTreeMap<Option<Opcode>, RpcCount>) -> Vec<OperationReport> {
    let row = |(&code, count): (&Option<Opcode>, &RpcCount)| OperationReport {
        opcode: code.map(|code| code.0),
        name: code.and_then(Opcode::name).unwrap_or("unknown"),
        requests: count.requests,
        replies: count.replies,
    };
    seen.iter().map(row).collect()
}

fn flavors(seen: &BTreeMap<(&'static str, bool), u64>) -> Vec<FlavorReport> {
    let row = |(&(name, _), &rpcs): (&(&'static str, bool), &u64)| FlavorReport { name, rpcs };
    seen.iter().map(row).collect()
}

fn privacy(seen: &BTreeMap<(&'static str, bool), u64>) -> &'static str {
    let private = seen.keys().filter(|(_, private)| *private).count();
    match private {
        _ if seen.is_empty() => "unknown",
        0 => "none",
        some if some < seen.len() => "some",
        _ => "all",
    }
}

impl FlowReport {
    /// Classes that it has packets of, each with those to the server and those to the client.
    pub(super) fn classes(&self) -> Vec<(Class, Count, Count)> {
        let both = self
            .to_server
            .by_class()
            .into_iter()
            .zip(self.to_client.by_class());
        both.map(|((class, up), (_, down))| (class, up, down))
            .filter(|(_, up, down)| up.packets + down.packets > 0)
            .collect()
    }

    fn of(part: &Part, names: &Names<'_>) -> Self {
        let key = part.key;
        let ports = key.filter(|key| key.unread.is_none()).map(|key| {
            let (low, high) = (key.low.port, key.high.port);
            match part.client {
                Direction::Up => (low, high),
                Direction::Down => (high, low),
            }
        });
        let way = |direction| {
            let tallies = part.tallies();
            Traffic::of(tallies.map(|(class, _, tally)| (class, tally.count(direction))))
        };
        let encapsulation = key.map(|key| key.encapsulation);
        Self {
            protocol: key.map(|key| key.protocol.name()),
            client_port: ports.map(|(client, _)| client),
            server_port: ports.map(|(_, server)| server),
            encapsulation: encapsulation.map_or_else(Vec::new, |around| around.names().collect()),
            network: encapsulation
                .filter(|around| !around.is_none())
                .map(Encapsulation::network),
            interface: names.only_interface(std::slice::from_ref(part)),
            to_server: way(part.client),
            to_client: way(part.client.back()),
        }
    }
}

impl PathReport {
    /// Path without its timeline, and without what Azure's configuration tells of it.
    pub(super) fn of(path: &Path, policy: Policy, losses: LossReport, names: &Names<'_>) -> Self {
        let dtls = DtlsReport::of(&path.parts);
        let missing = dtls.as_ref().map_or(0, |dtls| dtls.missing);
        let (client, server) = addresses(path.ends);
        let flows = path.parts.iter();
        let flows: Vec<_> = flows.map(|part| FlowReport::of(part, names)).collect();
        let ends = client.as_deref().zip(server.as_deref());
        Self {
            display_filter: ends
                .and_then(|(client, server)| display_filter::of_traffic(client, server, &flows)),
            client,
            server,
            serves: ServesReport::of(names.servers, server_of(path.ends)),
            verdict: path.verdict,
            basis: path.basis,
            observed: path.observed,
            platform: path.platform.as_ref().map(PlatformReport::of),
            proof: ProofReport::of_path(&path.proof, names),
            under_loss: path.verdict != Verdict::Silent && (losses.any() || missing > 0),
            traffic: Traffic::of(path.traffic.iter().map(|(&class, &count)| (class, count))),
            first: times(path).min().map(Moment),
            last: times(path).max().map(Moment),
            plaintext_first: plaintext(path).map(|(first, _)| Moment(first)).min(),
            plaintext_last: plaintext(path).map(|(_, last)| Moment(last)).max(),
            timeline: None,
            interface: names.only_interface(&path.parts),
            seen_by: names.observers(&path.parts),
            dtls: dtls.map(Box::new),
            lustre: LustreReport::of(&path.parts).map(Box::new),
            packet_sizes: path.packet_sizes.percentiles(),
            dtls_record_sizes: path.record_sizes.percentiles(),
            evidence: evidence::of(path, policy, names),
            flows,
            azure: None,
            causes: Vec::new(),
            waiver: None,
        }
    }
}

#[cfg(test)]
impl PathReport {
    /// Path with a verdict and so many bytes in plaintext.
    pub(crate) fn example(ends: (&str, &str), verdict: Verdict, plaintext: u64) -> Self {
        let (client, server) = ends;
        let plaintext = Count {
            packets: u64::from(plaintext > 0),
            wire_bytes: plaintext,
            payload_bytes: plaintext,
        };
        Self {
            client: (verdict != Verdict::Silent).then(|| client.to_owned()),
            server: Some(server.to_owned()),
            serves: ServesReport::default(),
            verdict,
            under_loss: false,
            basis: crate::verdict::Basis::Capture,
            observed: Some(verdict),
            platform: None,
            proof: Vec::new(),
            traffic: Traffic {
                plaintext,
                ..Traffic::default()
            },
            first: None,
            last: None,
            plaintext_first: None,
            plaintext_last: None,
            timeline: None,
            interface: None,
            seen_by: Vec::new(),
            dtls: None,
            lustre: None,
            packet_sizes: None,
            dtls_record_sizes: None,
            evidence: Vec::new(),
            flows: Vec::new(),
            display_filter: None,
            azure: None,
            causes: Vec::new(),
            waiver: None,
        }
    }
}

/// Client and server of a path, as far as each is known.
fn addresses(ends: Ends) -> (Option<String>, Option<String>) {
    match ends {
        Ends::Seen { client, server } => (Some(client.to_string()), Some(server.to_string())),
        Ends::Expected { server } => (None, Some(server.to_string())),
        Ends::Rest => (None, None),
    }
}

fn server_of(ends: Ends) -> Option<Address> {
    match ends {
        Ends::Seen { server, .. } | Ends::Expected { server } => Some(server),
        Ends::Rest => None,
    }
}

/// Times of the first and the last packet of each tally of a path.
fn times(path: &Path) -> impl Iterator<Item = Timestamp> {
    let tallies = path.parts.iter().flat_map(Part::tallies);
    tallies.flat_map(|(_, _, tally)| [tally.first.time, tally.last.time].into_iter().flatten())
}

/// Times of the first and the last packet in plaintext, of each tally.
fn plaintext(path: &Path) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let tallies = path.parts.iter().flat_map(Part::tallies);
    let plaintext = tallies.filter(|(class, ..)| *class == Class::Plaintext);
    plaintext.filter_map(|(_, _, tally)| tally.times.span())
}

//! From what was seen to what follows: paths, and a verdict for each.
//!
//! [`judge`] is pure: the same snapshot, flow logs, servers, policy and vantage give the
//! same judgement. What a capture shows by itself, what flow logs [say](platform), and
//! what [follows](conclusion) from both are kept apart.

use std::collections::BTreeMap;

use crate::aggregate::Snapshot;
use crate::aggregate::expected::{Expected, Kind, Met};
use crate::aggregate::sample::{Overlap, overlaps};
use crate::decode::{Address, Protocol};
use crate::evidence::Shown;
use crate::flow::datagrams::Others;
use crate::flow::table::Contents;
use crate::flow::{
    Count, Datagrams, Direction, Flow, FlowKey, GroupKey, Reason, Scope, Sighting, Sizes, Tally,
};
use crate::flow_log::{FlowLog, Logged};

pub mod class;
pub mod conclusion;
mod exit;
pub mod platform;
pub mod policy;
pub mod proof;
mod roles;
pub mod scope;
pub mod servers;
pub mod vantage;

pub use class::{Class, Meaning};
pub use conclusion::{Basis, Said, conclude};
pub use exit::Exit;
pub use platform::Platform;
pub use policy::Policy;
pub use servers::Servers;
pub use vantage::{Vantage, VantageChoice, Viewpoint};

use class::Hellos;
use proof::{Breach, Finding, Outcome};
use roles::Roles;
use scope::Bucket;

/// One word for a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Encrypted as the policy promises.
    Encrypted,
    /// Encrypted, but the suite or the version seen is below the policy.
    Weak,
    /// Both encrypted and plaintext.
    Mixed,
    /// Plaintext.
    Plaintext,
    /// Capture and platform contradict each other.
    Conflict,
    /// Readable where it was captured, in a guest, and nothing says what the wire below
    /// carried.
    Unproven,
    /// Seen, and the bytes captured cannot tell.
    Undetermined,
    /// Expected, and not seen.
    Silent,
}

impl Verdict {
    /// All verdicts, the best first.
    pub const ALL: [Self; 8] = [
        Self::Encrypted,
        Self::Weak,
        Self::Mixed,
        Self::Plaintext,
        Self::Conflict,
        Self::Unproven,
        Self::Undetermined,
        Self::Silent,
    ];

    /// Tests that more packets cannot lower it: plaintext that was sent stays sent, and data
    /// that was readable to a guest stays readable.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Mixed | Self::Plaintext | Self::Unproven)
    }

    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Weak => "weak",
            Self::Mixed => "mixed",
            Self::Plaintext => "plaintext",
            Self::Conflict => "conflict",
            Self::Unproven => "unproven",
            Self::Undetermined => "undetermined",
            Self::Silent => "silent",
        }
    }
}

/// A flow, or the sum of some that were not kept apart, as part of a path.
#[derive(Debug)]
pub struct Part<'s> {
    /// The flow; `None` for a sum.
    pub key: Option<FlowKey>,
    /// Counts of the flow or of the sum.
    pub flow: &'s Flow,
    /// Meaning of its packets, as the whole of the flow tells.
    pub meaning: Meaning<'s>,
    /// Contents that belong to the path: a flow can be partly other traffic.
    pub counted: Vec<Shown>,
    /// The end that is the client, by the direction of the packets it sends.
    pub client: Direction,
    /// True if it may hold packets of others than paths, of which it cannot be told any more:
    /// then nothing is said of any.
    pub is_vague: bool,
    /// True if datagrams between the same ports may have gone uncounted here, because flows
    /// of such were too many to keep apart.
    pub has_unknown: bool,
}

impl<'s> Part<'s> {
    /// The tallies that belong to the path, each with its class.
    pub fn tallies(&self) -> impl Iterator<Item = (Class, Shown, &'s Tally)> {
        let flow = self.flow;
        self.counted.iter().flat_map(move |&shown| {
            let tallies = self.meaning.tallies(flow, shown);
            tallies.map(move |(class, tally)| {
                let vague = self.is_vague.then_some(Class::Undetermined);
                (vague.unwrap_or(class), shown, tally)
            })
        })
    }

    fn total(&self) -> Count {
        sum(self.tallies().map(|(_, _, tally)| both_ways(tally)))
    }

    /// Duplicates among its packets, which are not in their counts.
    fn copies(&self) -> Count {
        sum(self.tallies().map(|(_, _, tally)| tally.copies))
    }
}

/// Ends of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ends {
    /// A client and a server that were seen.
    Seen {
        /// The client.
        client: Address,
        /// The server.
        server: Address,
    },
    /// A server that was expected and not seen.
    Expected {
        /// The server.
        server: Address,
    },
    /// The sum of paths that were too many to keep apart.
    Rest,
}

/// A path and its verdict.
#[derive(Debug)]
pub struct Path<'s> {
    /// Client and server.
    pub ends: Ends,
    /// The verdict.
    pub verdict: Verdict,
    /// Basis of the verdict.
    pub basis: Basis,
    /// Verdict of the capture by itself; `None` if there was none, or the path was not to be
    /// expected in it.
    pub observed: Option<Verdict>,
    /// Word of flow logs on the path, if they have one.
    pub platform: Option<Platform>,
    /// Outcome of each [obligation](proof::PATH).
    pub proof: Vec<Finding<Sighting>>,
    /// Its flows, as all interfaces show them.
    pub parts: Vec<Part<'s>>,
    /// Packets seen of it, by class; duplicates counted once.
    pub traffic: BTreeMap<Class, Count>,
    /// Original frame lengths.
    pub packet_sizes: Sizes,
    /// Lengths of DTLS records.
    pub record_sizes: Sizes,
    /// Packets with an expected server that is on no path.
    pub met: Option<Met>,
}

/// DTLS that is no path's: two addresses and the flows between them.
#[derive(Debug)]
pub struct Elsewhere<'s> {
    /// The two addresses; `None` for the sum of those too many to keep apart.
    pub ends: Option<(Address, Address)>,
    /// Number and bytes of the packets seen.
    pub count: Count,
    /// The flows.
    pub flows: Vec<&'s Flow>,
}

/// Account of every packet.
#[derive(Debug, Default)]
pub struct Accounting {
    /// All packets read.
    pub read: Count,
    /// Those of paths.
    pub paths: Count,
    /// DTLS that is no path's.
    pub elsewhere: Count,
    /// Well readable, and none of ours.
    pub other: Count,
    /// Packets of paths that another interface of their capture had shown before.
    pub duplicates: Count,
    /// Those that nobody can place.
    pub undecodable: BTreeMap<Reason, Count>,
}

impl Accounting {
    /// Packets of a snapshot that are no path's, whoever is a server.
    fn begun(snapshot: &Snapshot) -> Self {
        let Others { plain, wrapped } = snapshot.datagrams.others();
        let mut undecodable = snapshot.undecodable.clone();
        if wrapped.packets > 0 {
            *undecodable.entry(scope::WRAPPED).or_default() += wrapped;
        }
        Self {
            read: snapshot.read,
            other: sum([snapshot.other, plain]),
            undecodable,
            ..Self::default()
        }
    }
}

/// All that follows from a snapshot.
#[derive(Debug)]
pub struct Judgement<'s> {
    /// Paths, by client and server.
    pub paths: Vec<Path<'s>>,
    /// DTLS that is no path's.
    pub elsewhere: Vec<Elsewhere<'s>>,
    /// Account of every packet.
    pub accounting: Accounting,
    /// The servers that were named.
    pub servers: Servers,
    /// True if anything named a server: the user, readable Lustre, or a flow log.
    pub server_known: bool,
    /// Flows that were logged without ports, in plaintext, and that no server is known of.
    pub unplaced: usize,
    /// True if flows were too many to keep each apart.
    pub folded: bool,
    /// Captures that show the same packets.
    pub overlaps: Vec<Overlap>,
    /// Earliest and latest moment of any packet.
    pub span: Option<(crate::capture::Timestamp, crate::capture::Timestamp)>,
}

/// Sums counts.
pub fn sum(counts: impl IntoIterator<Item = Count>) -> Count {
    counts
        .into_iter()
        .fold(Count::default(), |mut total, count| {
            total += count;
            total
        })
}

/// A tally's packets, whichever way they went.
#[must_use]
pub fn both_ways(tally: &Tally) -> Count {
    sum([tally.count(Direction::Up), tally.count(Direction::Down)])
}

/// Terms that paths are held to.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Requirements on encryption.
    pub policy: Policy,
    /// Point at which the captures were made.
    pub vantage: Vantage,
    /// True if the `ServerHello` of every session must have been seen.
    pub require_handshake: bool,
}

/// Sources to judge by.
#[derive(Debug, Default)]
pub struct Sources<'s> {
    /// Counted state of the captures, [settled](Snapshot::settled); `None` where none were
    /// read.
    pub captured: Option<&'s Snapshot>,
    /// Flow logs; `None` if none were read.
    pub logged: Option<FlowLog>,
}

/// Judges what was seen, by captures and by the platform.
#[must_use]
pub fn judge<'s>(sources: Sources<'s>, servers: &Servers, terms: Terms) -> Judgement<'s> {
    let Sources { captured, logged } = sources;
    let was_captured = captured.is_some();
    let is_damaged = logged.as_ref().is_some_and(FlowLog::is_damaged);
    let logged = logged.map_or_else(Vec::new, FlowLog::into_flows);
    let contents = captured.map_or_else(Contents::default, |it| it.table.contents());
    let mut roles = Roles::learn(&contents, servers);
    roles.hear(&logged);
    let mut accounting = captured.map_or_else(Accounting::default, Accounting::begun);
    let folded = is_folded(&contents) || logged.iter().any(|logged| logged.key.is_none());
    let mut sorted = Sorted::default();
    if let Some(snapshot) = captured {
        sorted.met.expected = snapshot.expected.clone();
        sorted.datagrams = Some(&snapshot.datagrams);
    }
    sorted.take(contents, &roles, &mut accounting);
    let mut paths: Vec<Path> = sorted
        .paths
        .into_iter()
        .map(|(ends, view)| view.judge(ends, terms, &mut accounting))
        .collect();
    let spans = captured.map_or_else(Vec::new, |snapshot| snapshot.times.spans());
    let scales = platform::Scales {
        is_damaged,
        captured: &spans,
    };
    let platform::Paths { mut told, unplaced } = platform::Paths::of(logged, &roles);
    for path in &mut paths {
        let logged = told.remove(&path.ends).unwrap_or_default();
        path.hear(&logged, &scales, terms.vantage);
    }
    let quiet = |server| was_captured && servers.rank(server) > 1;
    for (ends, logged) in told {
        let mut path = Path::unseen(ends, terms, quiet);
        path.hear(&logged, &scales, terms.vantage);
        paths.push(path);
    }
    let silent = silent(servers, &paths);
    paths.extend(silent.map(|server| sorted.met.unseen(server, terms, was_captured)));
    paths.sort_by_key(|path| path.ends);
    Judgement {
        paths,
        elsewhere: sorted.elsewhere.into_values().collect(),
        accounting,
        servers: servers.clone(),
        server_known: roles.any_server(),
        unplaced,
        folded,
        overlaps: captured.map_or_else(Vec::new, |it| overlaps(&it.samples)),
        span: captured.and_then(|snapshot| snapshot.times.span()),
    }
}

fn is_folded(contents: &Contents) -> bool {
    !contents.beyond.is_empty()
        || contents
            .groups
            .iter()
            .any(|(_, group)| !group.folded.is_empty())
}

/// Servers that were expected by address and are on no path.
fn silent(servers: &Servers, paths: &[Path]) -> impl Iterator<Item = Address> + use<> {
    let seen = |address: Address| {
        paths.iter().any(|path| match path.ends {
            Ends::Seen { client, server } => server == address || client == address,
            _ => false,
        })
    };
    let quiet = servers.expected().filter(|&address| !seen(address));
    quiet.collect::<Vec<_>>().into_iter()
}

impl Path<'_> {
    /// A path that no capture shows; `is_quiet` tells whose servers one should have shown.
    fn unseen(ends: Ends, terms: Terms, is_quiet: impl Fn(Address) -> bool) -> Self {
        let observed = match ends {
            Ends::Seen { server, .. } | Ends::Expected { server } => {
                is_quiet(server).then_some(Verdict::Silent)
            }
            Ends::Rest => None,
        };
        Self {
            ends,
            verdict: Verdict::Silent,
            basis: Basis::None,
            observed,
            platform: None,
            proof: proof::of_path(&[], terms),
            parts: Vec::new(),
            traffic: BTreeMap::new(),
            packet_sizes: Sizes::default(),
            record_sizes: Sizes::default(),
            met: None,
        }
    }

    /// Concludes from what was observed and what the platform has logged.
    fn hear(&mut self, logged: &[Logged], scales: &platform::Scales<'_>, vantage: Vantage) {
        let platform = scales.weigh(self.ends, logged, &self.parts, self.observed);
        let concluded = conclude(self.observed, platform.said, vantage);
        self.platform = (!logged.is_empty()).then_some(platform);
        let said = self.platform.as_ref().map(|platform| platform.said);
        proof::hear(&mut self.proof, concluded, said);
        (self.verdict, self.basis) = concluded;
        if self.verdict == Verdict::Encrypted {
            self.verdict = self.proven();
        }
    }

    /// Verdict that the proof allows at best.
    fn proven(&self) -> Verdict {
        match proof::worst(&self.proof) {
            Outcome::Met => Verdict::Encrypted,
            Outcome::Open => Verdict::Undetermined,
            Outcome::Broken(Breach::Weak) => Verdict::Weak,
            Outcome::Broken(Breach::Readable) if self.traffic.contains_key(&Class::Encrypted) => {
                Verdict::Mixed
            }
            Outcome::Broken(Breach::Readable) => Verdict::Plaintext,
        }
    }
}

/// Traffic that is no path's, as far as it tells which servers were silent.
#[derive(Default)]
struct OtherTraffic {
    expected: Expected,
    /// True if there is some of which the addresses are not known any more.
    has_rest: bool,
}

impl OtherTraffic {
    /// A server on no path: silent only if no packet with it was captured at all.
    fn unseen<'s>(&self, server: Address, terms: Terms, was_captured: bool) -> Path<'s> {
        let met = self.expected.met(server).cloned();
        let observed = match (was_captured, met.is_some() || self.has_rest) {
            (true, true) => Some(Verdict::Undetermined),
            (true, false) => Some(Verdict::Silent),
            (false, _) => None,
        };
        let path = Path::unseen(Ends::Expected { server }, terms, |_| true);
        Path {
            verdict: observed.unwrap_or(Verdict::Silent),
            basis: match observed {
                Some(Verdict::Undetermined) => Basis::Capture,
                _ => Basis::None,
            },
            observed,
            met,
            ..path
        }
    }

    /// Notes a tally that is no path's.
    fn note(&mut self, group: &GroupKey, key: Option<FlowKey>, count: Count) {
        self.has_rest |= group.is_beyond();
        for (end, port) in [
            (group.low, key.map(|key| key.low.port)),
            (group.high, key.map(|key| key.high.port)),
        ] {
            let kind = port.map_or(Kind::Portless, |port| Kind::Port(group.protocol, port));
            self.expected.meet(end, kind, count.packets);
        }
    }
}

/// The contents of a snapshot, by path.
#[derive(Default)]
struct Sorted<'s> {
    met: OtherTraffic,
    datagrams: Option<&'s Datagrams>,
    paths: BTreeMap<Ends, View<'s>>,
    elsewhere: BTreeMap<Option<(Address, Address)>, Elsewhere<'s>>,
}

/// Traffic and evidence seen of a path.
#[derive(Default)]
struct View<'s> {
    parts: Vec<Part<'s>>,
    packet_sizes: Sizes,
    record_sizes: Sizes,
}

impl View<'_> {
    fn total(&self) -> Count {
        sum(self.parts.iter().map(Part::total))
    }

    fn copies(&self) -> Count {
        sum(self.parts.iter().map(Part::copies))
    }

    fn traffic(&self) -> BTreeMap<Class, Count> {
        let mut traffic = BTreeMap::<Class, Count>::new();
        for (class, _, tally) in self.parts.iter().flat_map(Part::tallies) {
            *traffic.entry(class).or_default() += both_ways(tally);
        }
        traffic
    }
}

impl<'s> Sorted<'s> {
    fn take(&mut self, contents: Contents<'s>, roles: &Roles, accounting: &mut Accounting) {
        let hellos = Hellos::of(&contents.flows);
        for (key, flow) in contents.flows {
            let meaning = Meaning::of(flow, hellos.beside(&key));
            self.sort(key.group(), Some(key), (flow, meaning), roles, accounting);
        }
        for (key, group) in contents.groups {
            let meaning = Meaning::of_sum(&group.folded);
            self.sort(key, None, (&group.folded, meaning), roles, accounting);
            self.sizes(key, &group.packet_sizes, &group.record_sizes, roles);
        }
        for (key, group) in contents.beyond {
            let meaning = Meaning::of_sum(&group.folded);
            self.sort(key, None, (&group.folded, meaning), roles, accounting);
        }
    }

    /// Puts each of a flow's tallies where it belongs.
    fn sort(
        &mut self,
        group: GroupKey,
        key: Option<FlowKey>,
        (flow, meaning): (&'s Flow, Meaning<'s>),
        roles: &Roles,
        accounting: &mut Accounting,
    ) {
        let mut counted = Vec::new();
        let mut elsewhere = Count::default();
        let is_tunnel = group.protocol == Protocol::Udp && flow.is_tunnel();
        for (shown, tally) in flow.tallies() {
            let count = sum([both_ways(tally), tally.copies]);
            match scope::bucket(&group, (shown, is_tunnel), roles) {
                Bucket::Path => counted.push(shown),
                Bucket::Elsewhere => elsewhere += count,
                Bucket::Other => {
                    accounting.other += count;
                    self.met.note(&group, key, both_ways(tally));
                }
                Bucket::Undecodable(reason) => {
                    *accounting.undecodable.entry(reason).or_default() += count;
                }
            }
        }
        if elsewhere.packets > 0 {
            accounting.elsewhere += elsewhere;
            let ends = (!group.is_beyond()).then_some((group.low, group.high));
            let found = self.elsewhere.entry(ends).or_insert_with(|| Elsewhere {
                ends,
                count: Count::default(),
                flows: Vec::new(),
            });
            found.count += elsewhere;
            found.flows.push(flow);
        }
        if !counted.is_empty() {
            let (ends, client) = roles.ends(&group);
            let is_lustre = flow.lustre.as_ref().is_some_and(|it| it.proof.is_some());
            let part = Part {
                key,
                flow,
                meaning,
                counted,
                client,
                is_vague: scope::is_vague(&group, is_lustre),
                has_unknown: self.has_unknown(&group, key),
            };
            self.paths.entry(ends).or_default().parts.push(part);
        }
    }

    /// Tests that a flow may have had datagrams that were not kept.
    fn has_unknown(&self, group: &GroupKey, key: Option<FlowKey>) -> bool {
        let is_unknown = |key| self.datagrams.is_some_and(|it| !it.are_known(&key));
        let is_tunnel = group.protocol == Protocol::Udp && group.scope == Scope::Elsewhere;
        is_tunnel && key.is_some_and(is_unknown)
    }

    fn sizes(&mut self, group: GroupKey, packets: &Sizes, records: &Sizes, roles: &Roles) {
        let (ends, _) = roles.ends(&group);
        if let Some(view) = self.paths.get_mut(&ends)
            && scope::may_be_path(&group, roles)
        {
            view.packet_sizes.merge(packets);
            view.record_sizes.merge(records);
        }
    }
}

impl<'s> View<'s> {
    /// A path's verdict by what all interfaces showed of it.
    fn judge(self, ends: Ends, terms: Terms, accounting: &mut Accounting) -> Path<'s> {
        accounting.paths += self.total();
        accounting.duplicates += self.copies();
        let mut path = Path {
            traffic: self.traffic(),
            ends,
            verdict: Verdict::Undetermined,
            basis: Basis::Capture,
            observed: None,
            platform: None,
            proof: proof::of_path(&self.parts, terms),
            parts: self.parts,
            packet_sizes: self.packet_sizes,
            record_sizes: self.record_sizes,
            met: None,
        };
        path.verdict = path.proven();
        path.observed = Some(path.verdict);
        path
    }
}

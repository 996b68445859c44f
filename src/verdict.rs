//! From what was seen to what follows: paths, and a verdict for each.
//!
//! [`judge`] is pure: the same snapshot, flow logs, servers, policy and vantage give the
//! same judgement. What a capture shows by itself, what flow logs [say](platform), and
//! what [follows](conclusion) from both are kept apart.

use std::collections::BTreeMap;

use crate::aggregate::Snapshot;
use crate::aggregate::sample::{Overlap, overlaps};
use crate::decode::Address;
use crate::evidence::Shown;
use crate::flow::datagrams::Others;
use crate::flow::table::Contents;
use crate::flow::{Count, Direction, Flow, FlowKey, Period, Reason, Tally};
use crate::flow_log::{FlowLog, Logged};

pub mod class;
pub mod conclusion;
mod exit;
mod path;
pub mod platform;
pub mod policy;
pub mod proof;
mod roles;
pub mod scope;
pub mod servers;
mod sort;
pub mod vantage;

pub use class::{Class, Meaning};
pub use conclusion::{Basis, Said, conclude};
pub use exit::{Exit, FailOn};
pub use path::Path;
pub use platform::Platform;
pub use policy::Policy;
pub use servers::Servers;
pub use vantage::{Vantage, VantageChoice, Viewpoint};

use path::Observed;
use roles::Roles;
use scope::Bucket;
use sort::{PathView, Sorted};

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
        self.tallies().map(|(_, _, tally)| both_ways(tally)).sum()
    }

    /// Duplicates among its packets, which are not in their counts.
    fn copies(&self) -> Count {
        self.tallies().map(|(_, _, tally)| tally.copies).sum()
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
    /// Packets of paths, and of DTLS elsewhere, that another interface of their capture had
    /// shown before.
    pub duplicates: Count,
    /// Those outside the period that is judged.
    pub outside: Count,
    /// Number of those without a time.
    pub untimed: u64,
    /// Those that nobody can place.
    pub undecodable: BTreeMap<Reason, Count>,
}

impl Accounting {
    /// Packets of a snapshot that are no path's, whoever is a server.
    fn begun(snapshot: &Snapshot) -> Self {
        let Others { plain, tunnelled } = snapshot.datagrams.others();
        let mut undecodable = snapshot.undecodable.clone();
        for (reason, count) in tunnelled {
            *undecodable.entry(reason).or_default() += count;
        }
        Self {
            read: snapshot.read,
            outside: snapshot.outside,
            untimed: snapshot.untimed,
            other: [snapshot.other, plain].into_iter().sum(),
            undecodable,
            ..Self::default()
        }
    }

    /// Adds packets and their duplicates to a bucket, but for those of paths.
    fn count(&mut self, bucket: Bucket, first: Count, copies: Count) {
        let all = [first, copies].into_iter().sum();
        match bucket {
            Bucket::Path => {}
            Bucket::Elsewhere => {
                self.elsewhere += first;
                self.duplicates += copies;
            }
            Bucket::Other => self.other += all,
            Bucket::Undecodable(reason) => {
                *self.undecodable.entry(reason).or_default() += all;
            }
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

/// A tally's packets, whichever way they went.
#[must_use]
pub fn both_ways(tally: &Tally) -> Count {
    let ways = Direction::BOTH.map(|direction| tally.count(direction));
    ways.into_iter().sum()
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
    /// Period that captures and flow logs are judged of.
    pub period: Period,
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
    let is_damaged = logged.as_ref().is_some_and(FlowLog::is_damaged);
    let logged = logged.map_or_else(Vec::new, FlowLog::into_flows);
    let contents = captured.map_or_else(Contents::default, |it| it.table.contents());
    let mut roles = Roles::learn(&contents, servers);
    roles.hear(&logged);
    let folded = is_folded(&contents) || logged.iter().any(|logged| logged.key.is_none());
    let mut sorted = Sorted::of(captured, contents, &roles);
    let views = std::mem::take(&mut sorted.paths).into_iter();
    let judge = |(ends, view): (_, PathView<'s>)| view.judge(ends, terms, &mut sorted.accounting);
    let mut paths: Vec<Path> = views.map(judge).collect();
    let spans = captured.map_or_else(Vec::new, |snapshot| snapshot.times.spans());
    let scales = platform::Scales {
        is_damaged,
        captured: &spans,
        period: terms.period,
    };
    let platform::Paths { told, unplaced } = platform::Paths::of(logged, &roles, terms.period);
    let ends: Vec<Ends> = paths.iter().map(|path| path.ends).collect();
    let observe = |server| {
        let is_expected = captured.is_some() && servers.rank(server) > 1;
        is_expected.then(|| sorted.met.of(server, is_end(server, &ends)))
    };
    hear(&mut paths, told, &scales, (terms, observe));
    let unseen = |server| Path::unseen(Ends::Expected { server }, terms, observe(server));
    paths.extend(silent(servers, &paths).map(unseen));
    paths.sort_by_key(|path| path.ends);
    Judgement {
        paths,
        elsewhere: sorted.elsewhere.into_values().collect(),
        accounting: sorted.accounting,
        server_known: roles.any_server(),
        servers: roles.into_servers(),
        unplaced,
        folded,
        overlaps: captured.map_or_else(Vec::new, |it| overlaps(&it.samples)),
        span: captured.and_then(|snapshot| snapshot.times.span()),
    }
}

/// Concludes for each path from what the platform has logged of it. Those that it alone knows
/// of are added; `observe` tells what captures show of a server that is on none.
fn hear(
    paths: &mut Vec<Path>,
    mut told: BTreeMap<Ends, Vec<Logged>>,
    scales: &platform::Scales<'_>,
    (terms, observe): (Terms, impl Fn(Address) -> Option<Observed>),
) {
    for path in paths.iter_mut() {
        let logged = told.remove(&path.ends).unwrap_or_default();
        path.hear(&logged, scales, terms.vantage);
    }
    for (ends, logged) in told {
        let observed = match ends {
            Ends::Seen { server, .. } | Ends::Expected { server } => observe(server),
            Ends::Rest => None,
        };
        let mut path = Path::unseen(ends, terms, observed);
        path.hear(&logged, scales, terms.vantage);
        paths.push(path);
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
    let ends: Vec<Ends> = paths.iter().map(|path| path.ends).collect();
    let quiet = servers.expected().filter(|&server| !is_end(server, &ends));
    quiet.collect::<Vec<_>>().into_iter()
}

/// Tests that an address is an end of a path.
fn is_end(address: Address, paths: &[Ends]) -> bool {
    paths.iter().any(|&ends| match ends {
        Ends::Seen { client, server } => server == address || client == address,
        _ => false,
    })
}

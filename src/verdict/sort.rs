//! Contents of a snapshot, each with the path or the bucket that it belongs to.

use std::collections::BTreeMap;

use super::both_ways;
use super::class::Hellos;
use super::path::{Observed, Path};
use super::proof;
use super::roles::Roles;
use super::scope::{self, Bucket, FlowKind};
use super::{Accounting, Basis, Class, Elsewhere, Ends, Meaning, Part, Terms, Verdict};
use crate::aggregate::Snapshot;
use crate::aggregate::expected::{Expected, PortKind};
use crate::decode::{Address, Protocol};
use crate::flow::table::Contents;
use crate::flow::{Count, Datagrams, Flow, FlowKey, GroupKey, Scope, Sizes};

/// Traffic that is no path's, as far as it tells which servers were silent.
#[derive(Default)]
pub(super) struct OtherTraffic {
    expected: Expected,
    /// True if there is some of which the addresses are not known any more.
    has_rest: bool,
}

impl OtherTraffic {
    /// Observation of a server of whose path captures show nothing: silent only if no packet
    /// with it was captured at all, on a path of another client neither.
    pub(super) fn of(&self, server: Address, is_on_path: bool) -> Observed {
        let met = self.expected.met(server).filter(|_| !is_on_path).cloned();
        let observed = if is_on_path || met.is_some() || self.has_rest {
            Verdict::Undetermined
        } else {
            Verdict::Silent
        };
        (observed, met)
    }

    /// Notes a tally that is no path's.
    fn note(&mut self, group: &GroupKey, key: Option<FlowKey>, count: Count) {
        self.has_rest |= group.is_beyond();
        for (end, port) in [
            (group.low, key.map(|key| key.low.port)),
            (group.high, key.map(|key| key.high.port)),
        ] {
            let kind = port.map_or(PortKind::Portless, |port| {
                PortKind::Port(group.protocol, port)
            });
            self.expected.meet(end, kind, count.packets);
        }
    }
}

/// The contents of a snapshot, by path.
#[derive(Default)]
pub(super) struct Sorted<'s> {
    pub(super) met: OtherTraffic,
    datagrams: Option<&'s Datagrams>,
    pub(super) paths: BTreeMap<Ends, PathView<'s>>,
    pub(super) elsewhere: BTreeMap<Option<(Address, Address)>, Elsewhere<'s>>,
    /// Account of every packet; those of paths are added with their verdicts.
    pub(super) accounting: Accounting,
}

/// Traffic and evidence seen of a path.
#[derive(Default)]
pub(super) struct PathView<'s> {
    parts: Vec<Part<'s>>,
    packet_sizes: Sizes,
    record_sizes: Sizes,
}

impl PathView<'_> {
    fn total(&self) -> Count {
        self.parts.iter().map(Part::total).sum()
    }

    fn copies(&self) -> Count {
        self.parts.iter().map(Part::copies).sum()
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
    /// Sorts the contents of a snapshot; there are none without captures.
    pub(super) fn of(
        captured: Option<&'s Snapshot>,
        contents: Contents<'s>,
        roles: &Roles,
    ) -> Self {
        let mut sorted = Self::default();
        if let Some(snapshot) = captured {
            sorted.met.expected = snapshot.expected.clone();
            sorted.datagrams = Some(&snapshot.datagrams);
            sorted.accounting = Accounting::begun(snapshot);
        }
        sorted.take(contents, roles);
        sorted
    }

    fn take(&mut self, contents: Contents<'s>, roles: &Roles) {
        let hellos = Hellos::of(&contents.flows);
        for (key, flow) in contents.flows {
            let meaning = Meaning::of(flow, hellos.beside(&key));
            self.sort(key.group(), Some(key), (flow, meaning), roles);
        }
        for (key, group) in contents.groups {
            let meaning = Meaning::of_sum(&group.folded);
            self.sort(key, None, (&group.folded, meaning), roles);
            self.sizes(key, &group.packet_sizes, &group.record_sizes, roles);
        }
        for (key, group) in contents.beyond {
            let meaning = Meaning::of_sum(&group.folded);
            self.sort(key, None, (&group.folded, meaning), roles);
        }
    }

    /// Puts each of a flow's tallies where it belongs.
    fn sort(
        &mut self,
        group: GroupKey,
        key: Option<FlowKey>,
        (flow, meaning): (&'s Flow, Meaning<'s>),
        roles: &Roles,
    ) {
        let mut counted = Vec::new();
        let mut elsewhere = Count::default();
        for (shown, tally) in flow.tallies() {
            let first = both_ways(tally);
            let bucket = scope::bucket(&group, (shown, FlowKind::of(flow)), roles);
            self.accounting.count(bucket, first, tally.copies);
            match bucket {
                Bucket::Path => counted.push(shown),
                Bucket::Elsewhere => elsewhere += first,
                Bucket::Other => self.met.note(&group, key, first),
                Bucket::Undecodable(_) => {}
            }
        }
        if elsewhere.packets > 0 {
            self.add_elsewhere(&group, flow, elsewhere);
        }
        if !counted.is_empty() {
            let (ends, client) = roles.ends(&group);
            let part = Part {
                key,
                flow,
                meaning,
                counted,
                client,
                is_vague: scope::is_vague(&group, flow),
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

    /// Adds packets of a flow to the DTLS that is no path's.
    fn add_elsewhere(&mut self, group: &GroupKey, flow: &'s Flow, count: Count) {
        let ends = (!group.is_beyond()).then_some((group.low, group.high));
        let found = self.elsewhere.entry(ends).or_insert_with(|| Elsewhere {
            ends,
            count: Count::default(),
            flows: Vec::new(),
        });
        found.count += count;
        found.flows.push(flow);
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

impl<'s> PathView<'s> {
    /// A path's verdict by what all interfaces showed of it.
    pub(super) fn judge(self, ends: Ends, terms: Terms, accounting: &mut Accounting) -> Path<'s> {
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

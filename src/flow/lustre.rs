//! Facts of the readable Lustre of a flow together.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Direction, Sighting, keep_first, stored};
use crate::evidence::lnet::{self, ConnectionType, Message, NidEnds, Proof, Server, Unit};
use crate::evidence::ptlrpc::{MessageKind, Opcode, Rpc};
use crate::evidence::target::TargetName;

/// Most targets of an end that are kept: the first by name. A server of AMLFS has fewer.
const MOST_TARGETS: usize = 64;

/// Facts of the readable Lustre of a flow together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LustreFacts {
    /// The first signature, and the end that its message names as the server. Ends are
    /// named by the direction of the packets they send.
    pub proof: Option<(Sighting, Proof, Option<Direction>)>,
    /// Type of the connection, from the caller's HELLO.
    pub connection: Option<(Sighting, ConnectionType)>,
    /// Messages that name an end as the server, by that end.
    #[serde(deserialize_with = "stored::counts")]
    pub served: [u64; 2],
    /// Targets that an end was asked to connect to, by that end.
    #[serde(deserialize_with = "targets")]
    pub targets: [BTreeSet<TargetName>; 2],
    /// Requests and replies by operation; `None` stands for unknown codes.
    pub operations: BTreeMap<Option<Opcode>, RpcCount>,
    /// RPCs by the name of their security flavor, and whether it hides their bodies.
    #[serde(with = "flavors")]
    pub flavors: BTreeMap<(&'static str, bool), u64>,
}

/// Flavors as stored: each with its count, which its own name needs no room beside.
mod flavors {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::evidence::ptlrpc::Flavor;
    use crate::flow::stored::Stored;

    type Flavors = BTreeMap<(&'static str, bool), u64>;

    pub(super) fn serialize<S: Serializer>(all: &Flavors, to: S) -> Result<S::Ok, S::Error> {
        all.iter().collect::<Vec<_>>().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Flavors, D::Error> {
        let all: Vec<((String, bool), Stored)> = Deserialize::deserialize(from)?;
        let known = |((name, is_private), Stored(count)): ((String, bool), _)| {
            Some(((Flavor::known(&name)?, is_private), count))
        };
        let flavors: Option<Flavors> = all.into_iter().map(known).collect();
        flavors.ok_or_else(|| D::Error::custom("a flavor that has no name"))
    }
}

/// RPC messages of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RpcCount {
    /// Requests.
    #[serde(deserialize_with = "stored::count")]
    pub requests: u64,
    /// Replies and errors.
    #[serde(deserialize_with = "stored::count")]
    pub replies: u64,
}

impl LustreFacts {
    /// Reads a segment's payload into the facts of its flow, and makes the facts with
    /// the first signature that is found.
    ///
    /// Units at the start of a segment are read always. The rest of it is searched only
    /// while the flow has no proof, so each part of a capture finds its own first, and
    /// the first of those is that of the whole.
    #[inline(always)]
    pub fn read(
        facts: &mut Option<Box<Self>>,
        payload: &[u8],
        ends: NidEnds,
        called: bool,
        at: &Sighting,
    ) {
        let is_proved = facts.as_ref().is_some_and(|facts| facts.proof.is_some());
        // Nearly all segments are bulk data of a flow that is known.
        if lnet::begins(payload) {
            Self::read_units(facts, payload, ends, called, at);
        }
        if !is_proved {
            Self::search(facts, payload, ends, at);
        }
    }

    #[inline(never)]
    fn read_units(
        facts: &mut Option<Box<Self>>,
        payload: &[u8],
        ends: NidEnds,
        called: bool,
        at: &Sighting,
    ) {
        for unit in lnet::units(payload, ends) {
            facts.get_or_insert_default().add(unit, called, at);
        }
    }

    #[inline(never)]
    fn search(facts: &mut Option<Box<Self>>, payload: &[u8], ends: NidEnds, at: &Sighting) {
        if let Some(found) = lnet::find(payload, ends) {
            let server = found.server.map(|server| end(server, at.direction));
            facts.get_or_insert_default().proof = Some((*at, found.proof, server));
        }
    }

    fn add(&mut self, unit: Unit, called: bool, at: &Sighting) {
        match unit {
            // The callee's answer swaps the two kinds of bulk.
            Unit::Hello(Some(kind)) if called => {
                keep_first(&mut self.connection, Some((*at, kind)));
            }
            Unit::Message(message) if !at.is_copy => self.add_message(message, at),
            _ => {}
        }
    }

    fn add_message(&mut self, message: Message, at: &Sighting) {
        if let Some(server) = message.server {
            self.served[end(server, at.direction) as usize] += 1;
        }
        if let Some(rpc) = message.rpc {
            self.add_rpc(rpc);
            let asked = at.direction.back() as usize;
            keep_targets(&mut self.targets[asked], rpc.target);
        }
    }

    fn add_rpc(&mut self, rpc: Rpc) {
        let flavor = (rpc.flavor.name(), rpc.flavor.is_private());
        *self.flavors.entry(flavor).or_default() += 1;
        if let Some((kind, code)) = rpc.operation {
            let known = code.name().map(|_| code);
            let count = self.operations.entry(known).or_default();
            match kind {
                MessageKind::Request => count.requests += 1,
                MessageKind::Reply => count.replies += 1,
            }
        }
    }

    /// Adds what another part of the input says of the flow.
    pub fn merge(&mut self, other: Self) {
        keep_first(&mut self.proof, other.proof);
        keep_first(&mut self.connection, other.connection);
        for (kept, more) in self.served.iter_mut().zip(other.served) {
            *kept += more;
        }
        for (kept, more) in self.targets.iter_mut().zip(other.targets) {
            keep_targets(kept, more);
        }
        for (code, more) in other.operations {
            let count = self.operations.entry(code).or_default();
            count.requests += more.requests;
            count.replies += more.replies;
        }
        for (flavor, more) in other.flavors {
            *self.flavors.entry(flavor).or_default() += more;
        }
    }
}

/// Adds targets to those of an end, as many as are kept.
fn keep_targets(kept: &mut BTreeSet<TargetName>, more: impl IntoIterator<Item = TargetName>) {
    kept.extend(more);
    while kept.len() > MOST_TARGETS {
        kept.pop_last();
    }
}

/// Targets as stored, no more than are kept.
fn targets<'de, D: Deserializer<'de>>(from: D) -> Result<[BTreeSet<TargetName>; 2], D::Error> {
    let targets: [BTreeSet<TargetName>; 2] = Deserialize::deserialize(from)?;
    if targets.iter().any(|end| end.len() > MOST_TARGETS) {
        return Err(D::Error::custom("more targets than an end keeps"));
    }
    Ok(targets)
}

/// The end that is the server, by the direction of the packets it sends.
fn end(server: Server, direction: Direction) -> Direction {
    match server {
        Server::Source => direction,
        Server::Destination => direction.back(),
    }
}

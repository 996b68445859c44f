//! Roles of a pair of addresses: server is whoever was named singly, then whoever readable
//! Lustre shows to be, then who is in a named block, then who listens on Lustre's port.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ends, Servers};
use crate::capture::Timestamp;
use crate::decode::Address;
use crate::flow::table::Contents;
use crate::flow::{Direction, Flow, GroupKey, Position, Scope, Sighting};
use crate::flow_log::Logged;

/// Peers that make a listener the server of those that it calls back.
const MANY: u64 = 3;

/// Two addresses, the lower first.
type Pair = (Address, Address);

/// Servers and clients that are known in a run.
pub(super) struct Roles {
    servers: Servers,
    pairs: BTreeMap<Pair, Hints>,
    /// Messages that name an address as the server, over all pairs.
    served: BTreeMap<Address, u64>,
    /// Peers for which an address listens on Lustre's port.
    listened: BTreeMap<Address, u64>,
    /// Servers of readable Lustre, and those of flow logs.
    proven: BTreeSet<Address>,
    /// Clients of readable Lustre.
    clients: BTreeSet<Address>,
}

/// Hints of one pair's traffic, by the end that it makes the server.
#[derive(Clone, Default)]
struct Hints {
    served: [u64; 2],
    /// Flows in which that end alone has Lustre's port, and the first packet of any.
    listens: [(u64, Option<Position>); 2],
    /// The receiver of the first packet.
    called: Option<(Position, Direction)>,
    /// True if readable Lustre was seen.
    proven: bool,
}

impl Hints {
    fn add(&mut self, scope: Scope, flow: &Flow) {
        let first = flow.tallies().map(|(_, tally)| tally.first).min();
        let Some(Sighting {
            position,
            direction,
            ..
        }) = first
        else {
            return;
        };
        let called = (position, direction.back());
        self.called = Some(self.called.map_or(called, |known| known.min(called)));
        if let Scope::Lustre {
            listener: Some(end),
        } = scope
        {
            let (flows, first) = &mut self.listens[end as usize];
            *flows += 1;
            *first = Some(first.map_or(position, |known| known.min(position)));
        }
        if let Some(lustre) = flow.lustre.as_deref() {
            self.proven |= lustre.proof.is_some();
            self.served[0] += lustre.served[0];
            self.served[1] += lustre.served[1];
            if let Some((_, _, Some(server))) = lustre.proof {
                self.served[server as usize] += 1;
            }
        }
    }

    /// Tests that anything tells which end is the server.
    fn tell(&self) -> bool {
        self.served != [0, 0] || self.listens.iter().any(|&(flows, _)| flows > 0)
    }

    /// Servers call their clients back, but with fewer connections than clients open.
    fn listener(&self) -> Option<Direction> {
        more(self.listens.map(|(flows, _)| flows))
    }

    /// Servers call back only who has called them.
    fn first_listener(&self) -> Option<Direction> {
        match self.listens.map(|(_, first)| first) {
            [None, None] => None,
            [Some(up), Some(down)] if down < up => Some(Direction::Down),
            [Some(_), _] => Some(Direction::Up),
            [None, Some(_)] => Some(Direction::Down),
        }
    }
}

/// Position of a tuple, in the order of time.
fn in_time(time: Timestamp) -> Position {
    Position {
        file: 0,
        piece: 0,
        packet: u64::try_from(time.0).unwrap_or(0),
    }
}

/// The end with more, if there is one.
fn more<T: PartialOrd>([up, down]: [T; 2]) -> Option<Direction> {
    if up > down {
        Some(Direction::Up)
    } else if down > up {
        Some(Direction::Down)
    } else {
        None
    }
}

impl Roles {
    pub(super) fn learn(contents: &Contents, servers: &Servers) -> Self {
        let mut roles = Self {
            servers: servers.clone(),
            pairs: BTreeMap::new(),
            served: BTreeMap::new(),
            listened: BTreeMap::new(),
            proven: BTreeSet::new(),
            clients: BTreeSet::new(),
        };
        for (key, flow) in &contents.flows {
            roles.hints(key.group()).add(key.scope(), flow);
            roles.name_targets(key.group(), flow);
        }
        for (key, group) in &contents.groups {
            roles.hints(*key).add(key.scope, &group.folded);
            roles.name_targets(*key, &group.folded);
        }
        for (pair, hints) in &roles.pairs {
            for (address, end) in [(pair.0, 0), (pair.1, 1)] {
                *roles.served.entry(address).or_default() += hints.served[end];
            }
        }
        roles.count_listeners();
        let proven = roles.pairs.iter().filter(|(_, hints)| hints.proven);
        let (servers, clients) = proven.map(|(&pair, _)| roles.by_role(pair)).unzip();
        (roles.proven, roles.clients) = (servers, clients);
        roles
    }

    /// Names the targets that an end was asked to connect to, where it is known.
    fn name_targets(&mut self, group: GroupKey, flow: &Flow) {
        let facts = flow.lustre.as_deref().filter(|_| !group.is_beyond());
        let asked = facts.into_iter().flat_map(|facts| &facts.targets);
        for (targets, address) in asked.zip([group.low, group.high]) {
            for &target in targets {
                self.servers.add_target(address, target);
            }
        }
    }

    /// Servers that are known, with the targets that they were asked for.
    pub(super) fn into_servers(self) -> Servers {
        self.servers
    }

    /// Learns from flow logs who listens, of pairs of which no capture tells it. Who was
    /// reached there is a server, and DTLS with it a path's.
    pub(super) fn hear(&mut self, logged: &[Logged]) {
        let told = self.pairs.iter().filter(|(_, hints)| hints.tell());
        let told: BTreeSet<Pair> = told.map(|(&pair, _)| pair).collect();
        let mut reached = BTreeSet::new();
        for flow in logged {
            let group = &flow.group;
            if let Scope::Lustre {
                listener: Some(end),
            } = group.scope
                && !group.is_beyond()
                && !told.contains(&(group.low, group.high))
            {
                let (flows, first) = &mut self.hints(*group).listens[end as usize];
                *flows += 1;
                let logged = flow.first().map(in_time);
                *first = logged.into_iter().chain(*first).min();
                if flow.is_carried() {
                    reached.insert((group.low, group.high));
                }
            }
        }
        self.count_listeners();
        for pair in reached {
            let (server, _) = self.by_role(pair);
            self.proven.insert(server);
        }
    }

    /// Counts for each address the peers that open more connections to it than it to them.
    fn count_listeners(&mut self) {
        self.listened.clear();
        for (pair, hints) in &self.pairs {
            let listener = hints.listener().map(|end| match end {
                Direction::Up => pair.0,
                Direction::Down => pair.1,
            });
            if let Some(address) = listener {
                *self.listened.entry(address).or_default() += 1;
            }
        }
    }

    /// The end of a pair that listens. A server that many reach is one also where all that
    /// is known of a client is that the server called it back.
    fn listener(&self, pair: Pair, hints: &Hints) -> Option<Direction> {
        let end = hints.listener()?;
        let [reached, other] = match end {
            Direction::Up => [pair.0, pair.1],
            Direction::Down => [pair.1, pair.0],
        }
        .map(|address| self.listened.get(&address).copied().unwrap_or(0));
        let is_called_back =
            hints.listens[end.back() as usize].0 == 0 && other >= MANY && other > 2 * reached;
        Some(if is_called_back { end.back() } else { end })
    }

    fn hints(&mut self, group: GroupKey) -> &mut Hints {
        self.pairs.entry((group.low, group.high)).or_default()
    }

    /// The server of a pair, then its client.
    fn by_role(&self, pair: Pair) -> (Address, Address) {
        match self.server_end(pair) {
            Direction::Up => (pair.0, pair.1),
            Direction::Down => (pair.1, pair.0),
        }
    }

    fn server_end(&self, pair: Pair) -> Direction {
        let none = Hints::default();
        let hints = self.pairs.get(&pair).unwrap_or(&none);
        let both = |of: fn(&Self, Address) -> u64| more([of(self, pair.0), of(self, pair.1)]);
        both(|it, address| (it.servers.rank(address) > 1).into())
            .or_else(|| more(hints.served))
            .or_else(|| both(|it, address| *it.served.get(&address).unwrap_or(&0)))
            .or_else(|| both(|it, address| it.may_be_server(address).into()))
            .or_else(|| self.listener(pair, hints))
            .or_else(|| both(|it, address| *it.listened.get(&address).unwrap_or(&0)))
            .or_else(|| hints.first_listener())
            .or_else(|| both(|it, address| it.proven.contains(&address).into()))
            .or(hints.called.map(|(_, end)| end))
            .unwrap_or(Direction::Down)
    }

    /// The ends of the path that a group is in, and which of them is the client, by the
    /// direction of the packets it sends.
    pub(super) fn ends(&self, group: &GroupKey) -> (Ends, Direction) {
        if group.is_beyond() {
            return (Ends::Rest, Direction::Up);
        }
        let pair = (group.low, group.high);
        let (server, client) = self.by_role(pair);
        (Ends::Seen { client, server }, self.server_end(pair).back())
    }

    /// Tests that an address of a group is a known server's: one that was named, or shown by
    /// readable Lustre or a flow log. Of groups beyond the limit nobody knows, so there it is
    /// one as soon as there can be any.
    pub(super) fn is_named(&self, group: &GroupKey, address: Address) -> bool {
        if group.is_beyond() {
            self.any_server()
        } else {
            self.servers.rank(address) > 1 || self.proven.contains(&address)
        }
    }

    /// The same, or one that is in a block of those that may be servers.
    pub(super) fn is_server(&self, group: &GroupKey, address: Address) -> bool {
        self.may_be_server(address) || self.is_named(group, address)
    }

    /// Tests that an address was named, or is in a block that was and no client of readable
    /// Lustre.
    fn may_be_server(&self, address: Address) -> bool {
        self.servers.rank(address) > 0 && !self.clients.contains(&address)
    }

    /// Tests that anything named a server.
    pub(super) fn any_server(&self) -> bool {
        !self.servers.is_empty() || !self.proven.is_empty()
    }
}

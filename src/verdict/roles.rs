//! Who is the server: what the user named, then what readable Lustre shows, then who
//! listens on Lustre's port.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ends, Servers};
use crate::decode::Address;
use crate::flow::table::Contents;
use crate::flow::{Direction, Flow, FlowKey, GroupKey, Position, Sighting};

/// Two addresses, the lower first.
type Pair = (Address, Address);

/// What is known about the servers of a run.
pub(super) struct Roles {
    servers: Servers,
    pairs: BTreeMap<Pair, Hints>,
    /// Messages that name an address as the server, over all pairs.
    served: BTreeMap<Address, u64>,
    /// Servers of readable Lustre.
    proven: BTreeSet<Address>,
}

/// What one pair's traffic hints at, by the end that it makes the server.
#[derive(Clone, Default)]
struct Hints {
    served: [u64; 2],
    /// The first packet of a flow where that end alone has Lustre's port.
    listens: [Option<Position>; 2],
    /// The receiver of the first packet.
    called: Option<(Position, Direction)>,
    /// Whether readable Lustre was seen.
    proven: bool,
}

impl Hints {
    fn add(&mut self, key: Option<&FlowKey>, flow: &Flow) {
        let first = flow.tallies().map(|(_, tally)| tally.first).min();
        if let Some(Sighting {
            position,
            direction,
            ..
        }) = first
        {
            let called = (position, direction.back());
            self.called = Some(self.called.map_or(called, |known| known.min(called)));
            if let Some(end) = key.and_then(FlowKey::listener) {
                let listens = &mut self.listens[end as usize];
                *listens = Some(listens.map_or(position, |known| known.min(position)));
            }
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

    fn listener(&self) -> Option<Direction> {
        match self.listens {
            [None, None] => None,
            // Servers call back the clients that called them first.
            [Some(up), Some(down)] if down < up => Some(Direction::Down),
            [Some(_), _] => Some(Direction::Up),
            [None, Some(_)] => Some(Direction::Down),
        }
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
            proven: BTreeSet::new(),
        };
        for (key, flow) in &contents.flows {
            roles.hints(key.group()).add(Some(key), flow);
        }
        for (key, group) in &contents.groups {
            roles.hints(*key).add(None, &group.folded);
        }
        for (pair, hints) in &roles.pairs {
            *roles.served.entry(pair.0).or_default() += hints.served[0];
            *roles.served.entry(pair.1).or_default() += hints.served[1];
        }
        let proven = roles.pairs.iter().filter(|(_, hints)| hints.proven);
        roles.proven = proven.map(|(&pair, _)| roles.server(pair)).collect();
        roles
    }

    fn hints(&mut self, group: GroupKey) -> &mut Hints {
        self.pairs.entry((group.low, group.high)).or_default()
    }

    /// The server of a pair.
    fn server(&self, pair: Pair) -> Address {
        match self.server_end(pair) {
            Direction::Up => pair.0,
            Direction::Down => pair.1,
        }
    }

    fn server_end(&self, pair: Pair) -> Direction {
        let none = Hints::default();
        let hints = self.pairs.get(&pair).unwrap_or(&none);
        let served = |address| self.served.get(&address).copied().unwrap_or(0);
        let proven = |address| self.proven.contains(&address);
        more([self.servers.rank(pair.0), self.servers.rank(pair.1)])
            .or_else(|| more(hints.served))
            .or_else(|| more([served(pair.0), served(pair.1)]))
            .or_else(|| hints.listener())
            .or_else(|| more([proven(pair.0), proven(pair.1)]))
            .or(hints.called.map(|(_, end)| end))
            .unwrap_or(Direction::Down)
    }

    /// The ends of the path that a group is in, and which of them is the client, by the
    /// direction of the packets it sends.
    pub(super) fn ends(&self, group: &GroupKey) -> (Ends, Direction) {
        if group.is_beyond() {
            return (Ends::Rest, Direction::Up);
        }
        let (low, high) = (group.low, group.high);
        match self.server_end((low, high)) {
            Direction::Down => {
                let ends = Ends::Seen {
                    client: low,
                    server: high,
                };
                (ends, Direction::Up)
            }
            Direction::Up => {
                let ends = Ends::Seen {
                    client: high,
                    server: low,
                };
                (ends, Direction::Down)
            }
        }
    }

    /// Whether an address of a group is a known server's. Of groups beyond the limit
    /// nobody knows, so there it is one as soon as there can be any.
    pub(super) fn is_server(&self, group: &GroupKey, address: Address) -> bool {
        if group.is_beyond() {
            self.any_server()
        } else {
            self.servers.rank(address) > 0 || self.proven.contains(&address)
        }
    }

    /// Whether anything named a server.
    pub(super) fn any_server(&self) -> bool {
        !self.servers.is_empty() || !self.proven.is_empty()
    }
}

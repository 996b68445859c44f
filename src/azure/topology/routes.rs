//! Ways between VNets: one VNet, a peering, or others in between.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::{Azure, Export, Peering, ResourceId, RouteEnd};

/// Way between the places of two ends.
#[derive(Clone, Debug)]
pub enum Route<'a> {
    /// Both are in one VNet.
    Within,
    /// A peering joins their VNets, connected or not. Both ways of it, as far as exported.
    Peered(Vec<&'a Peering>),
    /// Peerings join their VNets through others, named in the order of the way.
    Through(Vec<&'a ResourceId>),
    /// No way, and a sentence on why.
    None(String),
    /// The exports cannot tell, and a sentence on why.
    Unknown(String),
}

impl Route<'_> {
    /// Tells if the exports have a way, connected or not.
    #[must_use]
    pub fn is_path(&self) -> bool {
        matches!(self, Self::Within | Self::Peered(_) | Self::Through(_))
    }
}

/// Peerings by their VNets.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// By near VNet, then by far one.
    ways: HashMap<ResourceId, BTreeMap<Option<ResourceId>, Vec<ResourceId>>>,
    /// VNets joined by peerings that carry traffic, both ways.
    joined: HashMap<ResourceId, BTreeSet<ResourceId>>,
}

impl Links {
    pub(super) fn new(export: &Export) -> Self {
        let mut links = Self::default();
        for peering in export.peerings.values() {
            if let Some(near) = peering.local.clone() {
                let far = links.ways.entry(near).or_default();
                let ids = far.entry(peering.remote.clone()).or_default();
                ids.push(peering.id.clone());
            }
        }
        for peering in export.peerings.values() {
            let (Some(near), Some(far)) = (&peering.local, &peering.remote) else {
                continue;
            };
            let both = links.between(export, near, far);
            if carries(&both) {
                links.join(near, far);
                links.join(far, near);
            }
        }
        links
    }

    fn join(&mut self, near: &ResourceId, far: &ResourceId) {
        let known = self.joined.entry(near.clone()).or_default();
        known.insert(far.clone());
    }

    /// Peerings whose near VNet is the one named.
    pub(super) fn of(&self, near: &ResourceId) -> impl Iterator<Item = &ResourceId> {
        let far = self.ways.get(near).into_iter();
        far.flat_map(BTreeMap::values).flatten()
    }

    fn between<'e>(
        &self,
        export: &'e Export,
        one: &ResourceId,
        other: &ResourceId,
    ) -> Vec<&'e Peering> {
        let way = |near: &ResourceId, far: &ResourceId| {
            let ids = self.ways.get(near)?.get(&Some(far.clone()));
            ids.map(|ids| ids.iter().filter_map(|id| export.peerings.get(id)))
        };
        let there = way(one, other).into_iter().flatten();
        let back = (one != other).then(|| way(other, one)).flatten();
        there.chain(back.into_iter().flatten()).collect()
    }

    /// VNets on the shortest way between two, the first and last included.
    fn way(&self, from: &ResourceId, to: &ResourceId) -> Option<Vec<&ResourceId>> {
        let (start, _) = self.joined.get_key_value(from)?;
        let mut before = HashMap::<&ResourceId, &ResourceId>::new();
        let mut waiting = VecDeque::from([start]);
        while let Some(at) = waiting.pop_front() {
            if at == to {
                let mut way = vec![at];
                while let Some(previous) = before.get(way[way.len() - 1]) {
                    way.push(previous);
                }
                way.reverse();
                return Some(way);
            }
            for next in self.joined.get(at).into_iter().flatten() {
                if next != start && !before.contains_key(next) {
                    before.insert(next, at);
                    waiting.push_back(next);
                }
            }
        }
        None
    }

    /// VNets that peerings join with one, itself included.
    pub(super) fn around<'l>(&'l self, vnet: &'l ResourceId) -> BTreeSet<&'l ResourceId> {
        let mut known = BTreeSet::from([vnet]);
        let mut waiting = vec![vnet];
        while let Some(at) = waiting.pop() {
            for next in self.joined.get(at).into_iter().flatten() {
                if known.insert(next) {
                    waiting.push(next);
                }
            }
        }
        known
    }
}

/// Tells if peerings of two VNets carry traffic, as far as the exports tell.
fn carries(peerings: &[&Peering]) -> bool {
    let is_shut = |peering: &&Peering| {
        let is_apart = !peering.state.is_absent() && !peering.state.is("Connected");
        is_apart || peering.access.flag() == Some(false)
    };
    !peerings.is_empty() && !peerings.iter().any(is_shut)
}

impl Azure {
    /// Way between the places of two ends.
    #[must_use]
    pub fn route<'a>(&'a self, client: &RouteEnd<'_>, server: &RouteEnd<'_>) -> Route<'a> {
        let (Some(near), Some(far)) = (client.vnet_id, server.vnet_id) else {
            return Route::Unknown("the exports do not tell the VNets of both".to_owned());
        };
        if near == far {
            return Route::Within;
        }
        let direct = self.peerings(near, far);
        let is_open = direct.iter().all(|peering| takes(peering, client, server));
        if is_open && carries(&direct) {
            return Route::Peered(direct);
        }
        if let Some(way) = self.links.way(near, far).filter(|way| way.len() > 2) {
            return Route::Through(way[1..way.len() - 1].to_vec());
        }
        match &direct[..] {
            [] => self.without_peering(near, far),
            [first, ..] if !is_open => Route::None(self.left_out(first)),
            _ => Route::Peered(direct),
        }
    }

    fn left_out(&self, peering: &Peering) -> String {
        format!(
            "peering {} is of subnets (localSubnetNames, remoteSubnetNames) and leaves its own out",
            self.label(&peering.id)
        )
    }

    /// Peerings of two VNets, either way.
    #[must_use]
    pub fn peerings<'a>(&'a self, one: &ResourceId, other: &ResourceId) -> Vec<&'a Peering> {
        self.links.between(&self.export, one, other)
    }

    /// Nothing joins two VNets where one of them is known to have no other way out.
    fn without_peering<'a>(&self, near: &ResourceId, far: &ResourceId) -> Route<'a> {
        let [ours, theirs] = [near, far].map(|vnet| self.exits(vnet));
        let (near, far) = (self.label(near), self.label(far));
        match (ours.first(), theirs.first()) {
            (Some(ours), Some(theirs)) => Route::Unknown(format!(
                "no peering joins VNet {near} with VNet {far}, and the exports do not tell where \
                 {ours} and {theirs} lead to"
            )),
            _ => Route::None(format!("no peering joins VNet {near} with VNet {far}")),
        }
    }

    /// Ways out of a VNet, and of those joined with it, that the exports do not follow: VNets
    /// that were not exported, and gateways.
    fn exits(&self, vnet: &ResourceId) -> Vec<String> {
        let around = self.links.around(vnet);
        let exit = |id: &ResourceId| match self.export.vnets.get(id) {
            None => Some(format!("VNet {}, which was not exported,", self.label(id))),
            Some(vnet) if vnet.gateway_subnet().is_some() => {
                Some(format!("the gateway of VNet {}", self.label(id)))
            }
            Some(vnet) if !vnet.has_peerings && self.links.of(id).next().is_none() => {
                Some(format!("VNet {}, of no known peerings,", self.label(id)))
            }
            Some(_) => None,
        };
        around.into_iter().filter_map(exit).collect()
    }
}

/// Tells if a peering, of subnets or whole VNets, takes the traffic of two places.
fn takes(peering: &Peering, client: &RouteEnd<'_>, server: &RouteEnd<'_>) -> bool {
    let is_clients = peering.local.as_ref() == client.vnet_id;
    let (near, far) = if is_clients {
        (client, server)
    } else {
        (server, client)
    };
    peering.takes(near.subnet_id, far.subnet_id)
}

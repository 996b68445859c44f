//! Places at an address, and the choice between them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Azure, FileSystem, FoundBy, IpNet, Nic, ResourceId, Route, RouteEnd, RouteEnds};

/// Most NICs with one address that are told apart.
const MAX_PLACES: usize = 64;

/// A place that an address may stand for: one for each VNet.
#[derive(Clone, Debug, Default)]
struct Candidate<'a> {
    place: RouteEnd<'a>,
    /// NICs of the VNet that have the address, where more than one has.
    rivals: Vec<&'a ResourceId>,
}

impl<'a> Candidate<'a> {
    /// Ids of all NICs that may have the address.
    fn nics(&self) -> impl Iterator<Item = &'a ResourceId> {
        let nic = self.place.nic.map(|nic| &nic.id);
        nic.into_iter().chain(self.rivals.iter().copied())
    }
}

impl Azure {
    /// Ends of a path between two addresses.
    #[must_use]
    pub fn ends(&self, client: impl Into<Option<IpAddr>>, server: IpAddr) -> RouteEnds<'_> {
        let client = client.into();
        let servers = self.servers_at(server);
        let clients = client
            .map(|address| self.candidates(address))
            .unwrap_or_default();
        let (client_end, server_end) = self.together(clients, servers);
        RouteEnds {
            file_system: self.file_system_at(server, &server_end.place),
            server_nics: server_end.place.nic.into_iter().collect(),
            client: RouteEnd {
                address: client,
                ..client_end.place
            },
            server: RouteEnd {
                address: Some(server),
                ..server_end.place
            },
            client_rivals: client_end.rivals,
            server_rivals: server_end.rivals,
        }
    }

    /// Candidates for a server's address: where a file system claims it, no others.
    fn servers_at(&self, address: IpAddr) -> Vec<Candidate<'_>> {
        let mut all = self.candidates(address);
        let is_claimed = |candidate: &Candidate<'_>| {
            let nic = candidate.place.nic;
            nic.is_some_and(Nic::is_amlfs_server)
                || self.claimants(address, &candidate.place).next().is_some()
        };
        if all.iter().any(is_claimed) {
            all.retain(is_claimed);
        }
        all
    }

    /// File systems in the VNet of a place that have a server at an address.
    fn claimants<'a>(
        &'a self,
        address: IpAddr,
        place: &RouteEnd<'a>,
    ) -> impl Iterator<Item = &'a FileSystem> {
        let place = *place;
        let is_client = place.nic.is_some_and(|nic| !nic.is_amlfs_server());
        self.export.file_systems.values().filter(move |it| {
            let in_place = it.vnet.is_some() && it.vnet.as_ref() == place.vnet_id;
            let in_subnet = !is_client && place.is_in(it.subnet.as_ref());
            in_place && (it.mgs == Some(address) || in_subnet)
        })
    }

    /// One candidate for each end, by the nearest way between two. An end stays open where
    /// several are as near, or no way is known.
    fn together<'a>(
        &'a self,
        clients: Vec<Candidate<'a>>,
        servers: Vec<Candidate<'a>>,
    ) -> (Candidate<'a>, Candidate<'a>) {
        let mut nearest = (u8::MAX, Vec::new());
        for (at, client) in clients.iter().enumerate() {
            for (to, server) in servers.iter().enumerate() {
                let rank = rank(&self.route(&client.place, &server.place));
                if rank < nearest.0 {
                    nearest = (rank, Vec::new());
                }
                if rank == nearest.0 && rank < u8::MAX {
                    nearest.1.push((at, to));
                }
            }
        }
        let (ways, all) = (nearest.1, servers.len());
        let client = agreed(ways.iter().map(|&(at, _)| at));
        let server = agreed(ways.iter().map(|&(_, to)| to));
        let server = server.or((ways.is_empty() && all == 1).then_some(0));
        (chosen(clients, client), chosen(servers, server))
    }

    /// Places that an address may stand for, one for each VNet; none where they are too many.
    fn candidates(&self, address: IpAddr) -> Vec<Candidate<'_>> {
        let nics = self.addresses.get(&address).map_or(&[][..], Vec::as_slice);
        if nics.len() > MAX_PLACES {
            return Vec::new();
        }
        let mut all = BTreeMap::<Option<&ResourceId>, Candidate<'_>>::new();
        for place in nics.iter().filter_map(|(id, at)| self.place_at(id, *at)) {
            match all.get_mut(&place.vnet_id) {
                Some(known) => known.share(place),
                None => drop(all.insert(place.vnet_id, Candidate::from(place))),
            }
        }
        let others = self.by_mgs(address).into_iter();
        let others = others.chain(self.by_prefix(address));
        for place in others.chain(self.by_peering(address)) {
            let known = all.entry(place.vnet_id);
            known.or_insert_with(|| Candidate::from(place));
        }
        all.into_values().collect()
    }

    fn place_at(&self, nic: &ResourceId, index: usize) -> Option<RouteEnd<'_>> {
        let nic = self.export.nics.get(nic)?;
        Some(self.place_of_nic(nic, nic.configurations.get(index)?))
    }

    fn by_mgs(&self, address: IpAddr) -> Vec<RouteEnd<'_>> {
        let ids = self.mgs.get(&address).into_iter().flatten();
        let known = ids.filter_map(|id| self.export.file_systems.get(id));
        known
            .map(|file_system| self.place_of(file_system))
            .collect()
    }

    fn by_prefix(&self, address: IpAddr) -> Vec<RouteEnd<'_>> {
        let holds = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
        let vnets = self.export.vnets.values();
        vnets
            .filter_map(|vnet| {
                let subnet = vnet.subnets.iter().find(|subnet| holds(&subnet.prefixes));
                (subnet.is_some() || holds(&vnet.spaces)).then_some(RouteEnd {
                    vnet: Some(vnet),
                    vnet_id: Some(&vnet.id),
                    subnet,
                    subnet_id: subnet.map(|subnet| &subnet.id),
                    found_by: Some(FoundBy::Prefix),
                    ..RouteEnd::default()
                })
            })
            .collect()
    }

    /// VNets that were not exported, by the addresses that peerings know of them.
    fn by_peering(&self, address: IpAddr) -> Vec<RouteEnd<'_>> {
        let peerings = self.export.peerings.values();
        let holds = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
        peerings
            .filter(|peering| holds(&peering.remote_spaces))
            .filter_map(|peering| peering.remote.as_ref())
            .filter(|remote| !self.export.vnets.contains_key(remote))
            .map(|remote| RouteEnd {
                vnet_id: Some(remote),
                found_by: Some(FoundBy::Prefix),
                ..RouteEnd::default()
            })
            .collect()
    }

    /// The file system with a server at an address: its MGS, or else the only one whose
    /// subnet the address is in.
    fn file_system_at<'a>(
        &'a self,
        address: IpAddr,
        place: &RouteEnd<'a>,
    ) -> Option<&'a FileSystem> {
        let by_address = self.claimants(address, place);
        let by_address = sole(by_address.filter(|it| it.mgs == Some(address)));
        by_address.or_else(|| sole(self.claimants(address, place)))
    }
}

impl<'a> From<RouteEnd<'a>> for Candidate<'a> {
    fn from(place: RouteEnd<'a>) -> Self {
        Self {
            place,
            rivals: Vec::new(),
        }
    }
}

impl<'a> Candidate<'a> {
    /// Adds another NIC of the same VNet with the same address: neither is known to be meant.
    fn share(&mut self, other: RouteEnd<'a>) {
        self.rivals = self.nics().chain(other.nic.map(|nic| &nic.id)).collect();
        let is_one = self.place.subnet_id == other.subnet_id;
        self.place = RouteEnd {
            vnet: self.place.vnet,
            vnet_id: self.place.vnet_id,
            subnet: self.place.subnet.filter(|_| is_one),
            subnet_id: self.place.subnet_id.filter(|_| is_one),
            found_by: Some(FoundBy::Prefix),
            ..RouteEnd::default()
        };
    }
}

/// Nearness of a way: the lowest number is the nearest. A peering that carries nothing may
/// have done so when a capture was made.
fn rank(route: &Route<'_>) -> u8 {
    match route {
        Route::Within => 0,
        Route::Peered(peerings) if peerings.iter().all(|it| it.state.is("Connected")) => 1,
        Route::Through(_) => 2,
        Route::Peered(_) => 3,
        Route::None(_) | Route::Unknown(_) => u8::MAX,
    }
}

/// The number that all are, if they are one.
fn agreed(numbers: impl Iterator<Item = usize>) -> Option<usize> {
    let mut numbers = numbers.peekable();
    let first = *numbers.peek()?;
    numbers.all(|number| number == first).then_some(first)
}

/// The candidate that was chosen; without one, all their NICs as rivals.
fn chosen(mut all: Vec<Candidate<'_>>, choice: Option<usize>) -> Candidate<'_> {
    match choice {
        Some(at) => all.swap_remove(at),
        None => Candidate {
            place: RouteEnd::default(),
            rivals: all.iter().flat_map(Candidate::nics).collect(),
        },
    }
}

/// The only one of several, if it is.
fn sole<T>(all: impl IntoIterator<Item = T>) -> Option<T> {
    let mut all = all.into_iter();
    all.next().filter(|_| all.next().is_none())
}

//! What is at both ends of a path: the client's NIC, VM and VNet, the server's NICs and
//! VNet, and the file system behind it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use super::export::{
    Export, FileSystem, IpConfiguration, Nic, Peering, ResourceId, Subnet, VirtualMachine,
    VirtualNetwork,
};
use super::nsg::Space;
use super::vm_sizes::VmSizes;

/// The configuration that checks are made of.
#[derive(Debug)]
pub struct Azure {
    /// What the exports say.
    pub export: Export,
    /// VM sizes that support encryption.
    pub sizes: VmSizes,
    /// NICs by private address, which several VNets may have.
    addresses: BTreeMap<IpAddr, Vec<(ResourceId, usize)>>,
    /// NICs of AMLFS servers by subnet.
    server_nics: HashMap<ResourceId, BTreeSet<ResourceId>>,
    /// VMs by the NICs that they name.
    vms: HashMap<ResourceId, ResourceId>,
    /// Peerings by their near VNet, and by their far one.
    peerings: HashMap<ResourceId, BTreeMap<Option<ResourceId>, Vec<ResourceId>>>,
}

/// More places that share an address than these are not told apart.
const MAX_PLACES: usize = 64;

/// How something was found at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// A NIC has the address.
    Nic,
    /// It is the address of a file system's MGS, or in its subnet.
    FileSystem,
    /// No NIC has it, and it is among the addresses of one subnet or VNet alone.
    Prefix,
}

/// What is at one end of a path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// The address, where one is known.
    pub address: Option<IpAddr>,
    /// The NIC that has it.
    pub nic: Option<&'a Nic>,
    /// Which of its addresses it is.
    pub configuration: Option<&'a IpConfiguration>,
    /// The VM of that NIC.
    pub vm: Option<&'a VirtualMachine>,
    /// The VNet.
    pub vnet: Option<&'a VirtualNetwork>,
    /// The subnet.
    pub subnet: Option<&'a Subnet>,
    /// Its id, which may be known of a VNet that no export has.
    pub subnet_id: Option<&'a ResourceId>,
    /// How it was found.
    pub found_by: Option<FoundBy>,
}

/// What is at both ends of a path.
#[derive(Clone, Debug)]
pub struct Ends<'a> {
    /// The client's end.
    pub client: Place<'a>,
    /// The server's end; without an address where any server of a file system is meant.
    pub server: Place<'a>,
    /// The file system behind the server.
    pub file_system: Option<&'a FileSystem>,
    /// NICs of servers: the one at the address, or all of the file system's subnet.
    pub server_nics: Vec<&'a Nic>,
}

impl Azure {
    /// Puts exports and a table of VM sizes together.
    #[must_use]
    pub fn new(export: Export, sizes: VmSizes) -> Self {
        let mut addresses = BTreeMap::<IpAddr, Vec<(ResourceId, usize)>>::new();
        for nic in export.nics.values() {
            for (index, configuration) in nic.configurations.iter().enumerate() {
                if let Some(address) = configuration.address {
                    addresses
                        .entry(address)
                        .or_default()
                        .push((nic.id.clone(), index));
                }
            }
        }
        Self {
            server_nics: server_nics(&export),
            vms: vms(&export),
            peerings: peerings(&export),
            export,
            sizes,
            addresses,
        }
    }

    /// What is at the ends of a path between two addresses.
    #[must_use]
    pub fn ends(&self, client: impl Into<Option<IpAddr>>, server: IpAddr) -> Ends<'_> {
        let client = client.into();
        let servers = self.places(server);
        let clients = client
            .map(|address| self.places(address))
            .unwrap_or_default();
        let (client_place, server_place) = self.together(&clients, &servers);
        Ends {
            client: Place {
                address: client,
                ..client_place
            },
            server: Place {
                address: Some(server),
                ..server_place
            },
            file_system: self.file_system_at(server, &server_place),
            server_nics: server_place.nic.into_iter().collect(),
        }
    }

    /// What is at the ends of the paths to a file system, from any client.
    #[must_use]
    pub fn ends_to<'a>(&'a self, file_system: &'a FileSystem) -> Ends<'a> {
        Ends {
            client: Place::default(),
            server: self.place_of(file_system),
            file_system: Some(file_system),
            server_nics: self.server_nics(file_system).collect(),
        }
    }

    /// The NICs of servers (`amlfs-*-snic`) in a file system's subnet.
    pub fn server_nics<'a>(
        &'a self,
        file_system: &'a FileSystem,
    ) -> impl Iterator<Item = &'a Nic> + use<'a> {
        let subnet = file_system.subnet.as_ref();
        let ids = subnet.and_then(|id| self.server_nics.get(id));
        ids.into_iter()
            .flatten()
            .filter_map(|id| self.export.nics.get(id))
    }

    /// One place for each end: those in one VNet or in peered ones, where addresses are
    /// ambiguous, and none where they stay so.
    fn together<'a>(
        &'a self,
        clients: &[Place<'a>],
        servers: &[Place<'a>],
    ) -> (Place<'a>, Place<'a>) {
        let pairs = clients
            .iter()
            .flat_map(|client| servers.iter().map(move |server| (client, server)));
        let mut reachable = pairs.filter(|(client, server)| self.reaches(client, server));
        match (reachable.next(), reachable.next()) {
            (Some((client, server)), None) => (*client, *server),
            _ => (only(clients), only(servers)),
        }
    }

    /// Whether two places are in one VNet, or in peered ones.
    #[must_use]
    pub fn reaches(&self, client: &Place<'_>, server: &Place<'_>) -> bool {
        match (client.vnet_id(), server.vnet_id()) {
            (Some(near), Some(far)) => near == far || self.peerings(&near, &far).next().is_some(),
            _ => false,
        }
    }

    /// Peerings of two VNets, either way.
    pub fn peerings<'a>(
        &'a self,
        one: &'a ResourceId,
        other: &'a ResourceId,
    ) -> impl Iterator<Item = &'a Peering> {
        let way = |near, far: &ResourceId| self.peerings.get(near)?.get(&Some(far.clone()));
        let back = (one != other).then(|| way(other, one)).flatten();
        let ids = way(one, other).into_iter().chain(back).flatten();
        ids.filter_map(|id| self.export.peerings.get(id))
    }

    /// Everything that may be at an address; nothing where that is too much to tell apart.
    fn places(&self, address: IpAddr) -> Vec<Place<'_>> {
        let nics = self.addresses.get(&address).into_iter().flatten();
        let by_nic = nics.filter_map(|(id, index)| self.place_at(id, *index));
        let servers = self.export.file_systems.values();
        let servers = servers.filter(|it| it.mgs == Some(address));
        let by_mgs = servers.map(|file_system| self.place_of(file_system));
        let mut places: Vec<_> = by_nic.take(MAX_PLACES + 1).collect();
        if places.is_empty() {
            places = by_mgs.take(MAX_PLACES + 1).collect();
        }
        if places.is_empty() {
            places = self.places_by_prefix(address);
        }
        if places.len() > MAX_PLACES {
            places.clear();
        }
        places
    }

    fn place_at(&self, nic: &ResourceId, index: usize) -> Option<Place<'_>> {
        let nic = self.export.nics.get(nic)?;
        Some(self.place_of_nic(nic, nic.configurations.get(index)?))
    }

    fn place_of_nic<'a>(&'a self, nic: &'a Nic, configuration: &'a IpConfiguration) -> Place<'a> {
        let (vnet, subnet) = self.network_of(configuration.subnet.as_ref());
        Place {
            address: configuration.address,
            nic: Some(nic),
            configuration: Some(configuration),
            vm: self.vm_of(nic),
            vnet,
            subnet,
            subnet_id: configuration.subnet.as_ref(),
            found_by: Some(FoundBy::Nic),
        }
    }

    /// The VM that a NIC names, or that names the NIC.
    fn vm_of(&self, nic: &Nic) -> Option<&VirtualMachine> {
        let named = nic.vm.as_ref().or_else(|| self.vms.get(&nic.id));
        self.export.vms.get(named?)
    }

    fn network_of(
        &self,
        subnet: Option<&ResourceId>,
    ) -> (Option<&VirtualNetwork>, Option<&Subnet>) {
        let id = subnet.and_then(|id| id.parent("subnets"));
        let vnet = id.and_then(|id| self.export.vnets.get(&id));
        let subnets = vnet.map_or(&[][..], |vnet| &vnet.subnets);
        (vnet, subnets.iter().find(|it| Some(&it.id) == subnet))
    }

    /// Where the servers of a file system are.
    #[must_use]
    pub fn place_of<'a>(&'a self, file_system: &'a FileSystem) -> Place<'a> {
        let (vnet, subnet) = self.network_of(file_system.subnet.as_ref());
        Place {
            vnet,
            subnet,
            subnet_id: file_system.subnet.as_ref(),
            found_by: Some(FoundBy::FileSystem),
            ..Place::default()
        }
    }

    fn places_by_prefix(&self, address: IpAddr) -> Vec<Place<'_>> {
        let holds = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
        let vnets = self.export.vnets.values();
        vnets
            .filter_map(|vnet| {
                let subnet = vnet.subnets.iter().find(|subnet| holds(&subnet.prefixes));
                (subnet.is_some() || holds(&vnet.spaces)).then_some(Place {
                    vnet: Some(vnet),
                    subnet,
                    subnet_id: subnet.map(|subnet| &subnet.id),
                    found_by: Some(FoundBy::Prefix),
                    ..Place::default()
                })
            })
            .collect()
    }

    /// The file system with a server at an address: its MGS, or else the only one whose
    /// subnet the address is in, if that is a server's.
    fn file_system_at(&self, address: IpAddr, place: &Place<'_>) -> Option<&FileSystem> {
        let in_place = |it: &&FileSystem| match (it.vnet(), place.vnet_id()) {
            (Some(own), Some(vnet)) => own == vnet,
            _ => true,
        };
        let all = || self.export.file_systems.values().filter(in_place);
        let is_client = place.nic.is_some_and(|nic| !nic.is_amlfs_server());
        let by_address = || all().filter(|it| it.mgs == Some(address));
        let by_subnet = || all().filter(|it| !is_client && place.is_in(it.subnet.as_ref()));
        sole(by_address()).or_else(|| sole(by_subnet()))
    }

    /// What `VirtualNetwork` stands for in the NSGs of a VNet.
    #[must_use]
    pub fn space(&self, vnet: Option<&VirtualNetwork>) -> Space {
        let Some(vnet) = vnet else {
            return Space::default();
        };
        let near = self.peerings.get(&vnet.id).into_iter();
        let near = near.flat_map(BTreeMap::values).flatten();
        let near = near.filter_map(|id| self.export.peerings.get(id));
        let peered = near.filter(|peering| {
            peering.state.is("Connected") && peering.access.flag() != Some(false)
        });
        let far = peered.flat_map(|peering| {
            let vnet = peering
                .remote
                .as_ref()
                .and_then(|id| self.export.vnets.get(id));
            let spaces = vnet.map_or(&[][..], |vnet| &vnet.spaces);
            peering.remote_spaces.iter().chain(spaces).copied()
        });
        Space(vnet.spaces.iter().copied().chain(far).collect())
    }

    /// NICs of VMs, each with its first address: whoever may be a client. Subnet membership
    /// alone makes no server, so this counts those in a file system's subnet as well.
    pub fn clients(&self) -> impl Iterator<Item = Place<'_>> {
        let nics = self
            .export
            .nics
            .values()
            .filter(|nic| !nic.is_amlfs_server());
        nics.filter_map(|nic| {
            let configuration = nic.configurations.iter().find(|it| it.address.is_some())?;
            let place = self.place_of_nic(nic, configuration);
            (nic.vm.is_some() || place.vm.is_some()).then_some(place)
        })
    }

    /// Addresses that are servers, and where that is from, and then the blocks of the
    /// subnets that others may be in.
    #[must_use]
    pub fn servers(&self) -> (BTreeMap<IpAddr, String>, Vec<(IpNet, String)>) {
        let mut servers = BTreeMap::new();
        let mut blocks = BTreeSet::new();
        for file_system in self.export.file_systems.values() {
            let source = format!("azure: file system {}", file_system.id.name());
            let nets = self
                .place_of(file_system)
                .subnet
                .map_or(&[][..], |it| &it.prefixes);
            blocks.extend(nets.iter().map(|&net| (net, source.clone())));
            servers.extend(file_system.mgs.map(|address| (address, source)));
        }
        for nic in self
            .export
            .nics
            .values()
            .filter(|nic| nic.is_amlfs_server())
        {
            let source = format!("azure: NIC {}", nic.id.name());
            for address in nic.configurations.iter().filter_map(|it| it.address) {
                servers.entry(address).or_insert_with(|| source.clone());
            }
        }
        (servers, blocks.into_iter().collect())
    }
}

impl Place<'_> {
    /// The id of the NIC.
    #[must_use]
    pub fn nic_id(&self) -> Option<&ResourceId> {
        self.nic.map(|nic| &nic.id)
    }

    /// The id of the VNet, which the NIC tells where no export has the VNet.
    #[must_use]
    pub fn vnet_id(&self) -> Option<ResourceId> {
        let known = self.vnet.map(|vnet| vnet.id.clone());
        known.or_else(|| self.subnet_id?.parent("subnets"))
    }

    fn is_in(&self, subnet: Option<&ResourceId>) -> bool {
        subnet.is_some() && self.subnet_id == subnet
    }
}

fn server_nics(export: &Export) -> HashMap<ResourceId, BTreeSet<ResourceId>> {
    let mut nics = HashMap::<_, BTreeSet<_>>::new();
    for nic in export.nics.values().filter(|nic| nic.is_amlfs_server()) {
        for subnet in nic.configurations.iter().filter_map(|it| it.subnet.clone()) {
            nics.entry(subnet).or_default().insert(nic.id.clone());
        }
    }
    nics
}

/// The first VM that names a NIC has it.
fn vms(export: &Export) -> HashMap<ResourceId, ResourceId> {
    let mut vms = HashMap::new();
    for vm in export.vms.values() {
        for nic in &vm.nics {
            vms.entry(nic.clone()).or_insert_with(|| vm.id.clone());
        }
    }
    vms
}

fn peerings(export: &Export) -> HashMap<ResourceId, BTreeMap<Option<ResourceId>, Vec<ResourceId>>> {
    let mut peerings = HashMap::<_, BTreeMap<_, Vec<_>>>::new();
    for peering in export.peerings.values() {
        if let Some(near) = peering.local() {
            let far = peerings.entry(near).or_default();
            far.entry(peering.remote.clone())
                .or_default()
                .push(peering.id.clone());
        }
    }
    peerings
}

/// The only one of several, if it is.
fn sole<T>(all: impl IntoIterator<Item = T>) -> Option<T> {
    let mut all = all.into_iter();
    all.next().filter(|_| all.next().is_none())
}

fn only<'a>(places: &[Place<'a>]) -> Place<'a> {
    sole(places.iter().copied()).unwrap_or_default()
}

//! Places at both ends of a path: the client's NIC, VM and VNet, the server's NICs and
//! VNet, and the file system behind it.
//!
//! An address means something in a VNet and in those that it reaches, not alone. So both
//! ends are told together, and an end that stays ambiguous has no place.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

use super::export::{
    Disk, Export, FileSystem, IpConfiguration, Nic, Peering, ResourceId, Subnet, VirtualMachine,
    VirtualNetwork,
};
use super::nsg::Space;
use super::vm_sizes::VmSizes;

mod names;
mod places;
mod routes;
mod servers;

pub use routes::Route;

use names::ResourceNames;
use routes::Links;

/// The configuration that checks are made of.
#[derive(Debug)]
pub struct Azure {
    /// Exported resources.
    pub export: Export,
    /// VM sizes that support encryption.
    pub sizes: VmSizes,
    /// NICs by private address, which several VNets may have, and the place of the address
    /// among the NIC's.
    addresses: HashMap<IpAddr, Vec<(ResourceId, usize)>>,
    /// File systems by the address of their MGS.
    mgs: HashMap<IpAddr, Vec<ResourceId>>,
    /// NICs of AMLFS servers by subnet.
    server_nics: HashMap<ResourceId, BTreeSet<ResourceId>>,
    /// VMs by the NICs that they name.
    vms: HashMap<ResourceId, ResourceId>,
    /// VNets of subnets, and the place of a subnet in an exported VNet.
    subnets: HashMap<ResourceId, (ResourceId, Option<usize>)>,
    /// Snapshots by their disks.
    snapshots: HashMap<ResourceId, Vec<ResourceId>>,
    links: Links,
    names: ResourceNames,
}

/// Way in which something was found at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// A NIC has the address.
    Nic,
    /// It is the address of a file system's MGS, or in its subnet.
    FileSystem,
    /// No NIC has it, and it is among the addresses of one subnet or VNet alone.
    Prefix,
}

/// One end of a path.
#[derive(Clone, Copy, Debug, Default)]
pub struct RouteEnd<'a> {
    /// The address, where one is known.
    pub address: Option<IpAddr>,
    /// The NIC that has it.
    pub nic: Option<&'a Nic>,
    /// The address among those of the NIC.
    pub configuration: Option<&'a IpConfiguration>,
    /// The VM of that NIC; for a scale set's, the model where the instance was not exported.
    pub vm: Option<&'a VirtualMachine>,
    /// The VNet.
    pub vnet: Option<&'a VirtualNetwork>,
    /// Id of the VNet, which may be known of one that was not exported.
    pub vnet_id: Option<&'a ResourceId>,
    /// The subnet.
    pub subnet: Option<&'a Subnet>,
    /// Id of the subnet, which may be known of one that was not exported.
    pub subnet_id: Option<&'a ResourceId>,
    /// Way in which it was found.
    pub found_by: Option<FoundBy>,
}

impl RouteEnd<'_> {
    fn is_in(&self, subnet: Option<&ResourceId>) -> bool {
        subnet.is_some() && self.subnet_id == subnet
    }
}

/// Both ends of a path.
#[derive(Clone, Debug)]
pub struct RouteEnds<'a> {
    /// The client's end.
    pub client: RouteEnd<'a>,
    /// The server's end; without an address where any server of a file system is meant.
    pub server: RouteEnd<'a>,
    /// The file system behind the server.
    pub file_system: Option<&'a FileSystem>,
    /// NICs of servers: the one at the address, or all of the file system's subnet.
    pub server_nics: Vec<&'a Nic>,
    /// NICs with the client's address of which none can be told to be the client's.
    pub client_rivals: Vec<&'a ResourceId>,
    /// NICs with the server's address of which none can be told to be the server's.
    pub server_rivals: Vec<&'a ResourceId>,
}

impl Azure {
    /// Puts exports and a table of VM sizes together.
    #[must_use]
    pub fn new(export: Export, sizes: VmSizes) -> Self {
        let mut azure = Self {
            addresses: addresses(&export),
            mgs: mgs(&export),
            server_nics: server_nics(&export),
            vms: vms(&export),
            subnets: subnets(&export),
            snapshots: snapshots(&export),
            links: Links::new(&export),
            names: ResourceNames::new(&export),
            export,
            sizes,
        };
        let ambiguous = azure.ambiguous_blocks();
        azure.export.warnings.extend(ambiguous);
        azure
    }

    /// Name of a resource, with its group and subscription where another has the same.
    #[must_use]
    pub fn label(&self, id: &ResourceId) -> String {
        self.names.label(id)
    }

    /// Ends of the paths to a file system, from any client.
    #[must_use]
    pub fn ends_to<'a>(&'a self, file_system: &'a FileSystem) -> RouteEnds<'a> {
        RouteEnds {
            client: RouteEnd::default(),
            server: self.place_of(file_system),
            file_system: Some(file_system),
            server_nics: self.server_nics(file_system).collect(),
            client_rivals: Vec::new(),
            server_rivals: Vec::new(),
        }
    }

    /// NICs of servers (`amlfs-*-snic`) in a file system's subnet.
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

    /// Private Link services in a VNet.
    pub fn private_links<'a>(
        &'a self,
        vnet: &'a VirtualNetwork,
    ) -> impl Iterator<Item = &'a ResourceId> {
        let services = self.export.private_links.values();
        let there = services.filter(|service| service.vnets.contains(&vnet.id));
        there.map(|service| &service.id)
    }

    /// Snapshots of a disk.
    pub fn snapshots_of(&self, disk: &ResourceId) -> impl Iterator<Item = &Disk> {
        let ids = self.snapshots.get(disk).into_iter().flatten();
        ids.filter_map(|id| self.export.snapshots.get(id))
    }

    /// NICs in a VNet that forward others' packets, as those of appliances do.
    pub fn forwarding_nics<'a>(&'a self, vnet: &'a ResourceId) -> impl Iterator<Item = &'a Nic> {
        let nics = self.export.nics.values();
        let forwarding = nics.filter(|nic| nic.forwards.flag() == Some(true));
        forwarding.filter(move |nic| {
            let mut subnets = nic.configurations.iter().map(|it| it.subnet.as_ref());
            subnets.any(|subnet| self.place_in(subnet).vnet_id == Some(vnet))
        })
    }

    fn place_of_nic<'a>(
        &'a self,
        nic: &'a Nic,
        configuration: &'a IpConfiguration,
    ) -> RouteEnd<'a> {
        RouteEnd {
            address: configuration.address,
            nic: Some(nic),
            configuration: Some(configuration),
            vm: self.vm_of(nic),
            found_by: Some(FoundBy::Nic),
            ..self.place_in(configuration.subnet.as_ref())
        }
    }

    /// The VM that a NIC names, or that names the NIC.
    #[must_use]
    pub fn vm_of(&self, nic: &Nic) -> Option<&VirtualMachine> {
        let named = nic.vm.as_ref().or_else(|| self.vms.get(&nic.id))?;
        let model = || {
            self.export
                .scale_sets
                .get(&named.parent("virtualmachines")?)
        };
        let vm = self.export.vms.get(named);
        vm.or_else(|| model().map(|set| &set.instance))
    }

    /// A subnet and its VNet.
    fn place_in(&self, subnet: Option<&ResourceId>) -> RouteEnd<'_> {
        let Some((subnet_id, (vnet_id, at))) = subnet.and_then(|id| self.subnets.get_key_value(id))
        else {
            return RouteEnd::default();
        };
        let vnet = self.export.vnets.get(vnet_id);
        RouteEnd {
            vnet,
            vnet_id: Some(vnet_id),
            subnet: vnet.zip(*at).and_then(|(vnet, at)| vnet.subnets.get(at)),
            subnet_id: Some(subnet_id),
            ..RouteEnd::default()
        }
    }

    /// Place of the servers of a file system.
    #[must_use]
    pub fn place_of<'a>(&'a self, file_system: &'a FileSystem) -> RouteEnd<'a> {
        RouteEnd {
            found_by: Some(FoundBy::FileSystem),
            ..self.place_in(file_system.subnet.as_ref())
        }
    }

    /// Addresses that `VirtualNetwork` stands for in the NSGs of a VNet.
    #[must_use]
    pub fn space(&self, vnet: Option<&VirtualNetwork>) -> Space {
        let Some(vnet) = vnet else {
            return Space::default();
        };
        let peered = self.links.of(&vnet.id).filter_map(|id| {
            let peering = self.export.peerings.get(id)?;
            (peering.state.is("Connected") && peering.access.flag() != Some(false))
                .then_some(peering)
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

    /// NICs of VMs, each with its first address: possible clients, those in a file system's
    /// subnet included, since being in it makes no server. Models of scale sets have none.
    pub fn clients(&self) -> impl Iterator<Item = RouteEnd<'_>> {
        let nics = self.export.nics.values();
        nics.filter(|nic| !nic.is_amlfs_server()).filter_map(|nic| {
            let all = &nic.configurations;
            let with_address = all.iter().find(|it| it.address.is_some());
            let place = self.place_of_nic(nic, with_address.or(all.first())?);
            (nic.vm.is_some() || place.vm.is_some()).then_some(place)
        })
    }
}

fn addresses(export: &Export) -> HashMap<IpAddr, Vec<(ResourceId, usize)>> {
    let mut addresses = HashMap::<_, Vec<_>>::new();
    for nic in export.nics.values() {
        for (index, configuration) in nic.configurations.iter().enumerate() {
            if let Some(address) = configuration.address {
                let known = addresses.entry(address).or_default();
                known.push((nic.id.clone(), index));
            }
        }
    }
    addresses
}

fn mgs(export: &Export) -> HashMap<IpAddr, Vec<ResourceId>> {
    let mut mgs = HashMap::<_, Vec<_>>::new();
    for file_system in export.file_systems.values() {
        if let Some(address) = file_system.mgs {
            mgs.entry(address).or_default().push(file_system.id.clone());
        }
    }
    mgs
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

fn snapshots(export: &Export) -> HashMap<ResourceId, Vec<ResourceId>> {
    let mut snapshots = HashMap::<_, Vec<_>>::new();
    for snapshot in export.snapshots.values() {
        if let Some(source) = snapshot.source.clone() {
            snapshots
                .entry(source)
                .or_default()
                .push(snapshot.id.clone());
        }
    }
    snapshots
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

/// Subnets of VNets, and those that NICs and file systems name.
fn subnets(export: &Export) -> HashMap<ResourceId, (ResourceId, Option<usize>)> {
    let mut subnets = HashMap::new();
    for vnet in export.vnets.values() {
        for (at, subnet) in vnet.subnets.iter().enumerate() {
            // A VNet may list what lies elsewhere; the id decides.
            let parent = subnet.id.parent("subnets");
            if parent.as_ref() == Some(&vnet.id) {
                subnets.insert(subnet.id.clone(), (vnet.id.clone(), Some(at)));
            }
        }
    }
    let nics = export.nics.values().flat_map(|nic| &nic.configurations);
    let named = nics.filter_map(|it| it.subnet.as_ref());
    let file_systems = export.file_systems.values();
    let named = named.chain(file_systems.filter_map(|it| it.subnet.as_ref()));
    for subnet in named {
        if !subnets.contains_key(subnet)
            && let Some(vnet) = subnet.parent("subnets")
        {
            subnets.insert(subnet.clone(), (vnet, None));
        }
    }
    subnets
}

//! Addresses of servers that the exports tell.

use super::{Azure, BTreeMap, BTreeSet, FileSystem, IpAddr, IpNet, Subnet};

impl Azure {
    /// Addresses that are servers, each with its source, and then the blocks of subnets that
    /// others may be in. A block is left out where clients of another estate have addresses
    /// of it.
    #[must_use]
    pub fn servers(&self) -> (BTreeMap<IpAddr, String>, Vec<(IpNet, String)>) {
        let mut servers = BTreeMap::new();
        let mut blocks = BTreeSet::new();
        for file_system in self.export.file_systems.values() {
            let source = format!("azure: file system {}", self.label(&file_system.id));
            let nets = self.blocks(file_system).iter();
            let nets = nets.filter(|net| self.clients_in(file_system, net).is_none());
            blocks.extend(nets.map(|&net| (net, source.clone())));
            servers.extend(file_system.mgs.map(|address| (address, source)));
        }
        for nic in self
            .export
            .nics
            .values()
            .filter(|nic| nic.is_amlfs_server())
        {
            let source = format!("azure: NIC {}", self.label(&nic.id));
            for address in nic.configurations.iter().filter_map(|it| it.address) {
                servers.entry(address).or_insert_with(|| source.clone());
            }
        }
        (servers, blocks.into_iter().collect())
    }

    fn blocks(&self, file_system: &FileSystem) -> &[IpNet] {
        let subnet = self.place_in(file_system.subnet.as_ref()).subnet;
        subnet.map_or(&[][..], |subnet| &subnet.prefixes)
    }

    /// Sentences on the blocks of servers that are left out.
    pub(super) fn ambiguous_blocks(&self) -> Vec<String> {
        let file_systems = self.export.file_systems.values();
        let all = file_systems.flat_map(|it| self.blocks(it).iter().map(move |net| (it, net)));
        all.filter_map(|(file_system, net)| {
            let other = self.clients_in(file_system, net)?;
            let (name, subnet) = (self.label(&file_system.id), self.label(&other.id));
            Some(format!(
                "{net}, the subnet of file system {name}, is not taken for servers: subnet \
                 {subnet} of another file system's network has addresses of it"
            ))
        })
        .collect()
    }

    /// A subnet of clients that has addresses of a block, in the network of a file system
    /// that is not joined with the one whose block it is.
    fn clients_in(&self, file_system: &FileSystem, block: &IpNet) -> Option<&Subnet> {
        let own = self.links.around(file_system.vnet.as_ref()?);
        let all = || self.export.file_systems.values();
        let foreign = all().filter_map(|it| it.vnet.as_ref());
        let foreign: BTreeSet<_> = foreign
            .filter(|vnet| !own.contains(vnet))
            .flat_map(|vnet| self.links.around(vnet))
            .collect();
        let vnets = foreign
            .into_iter()
            .filter_map(|id| self.export.vnets.get(id));
        let is_servers = |subnet: &Subnet| all().any(|it| it.subnet.as_ref() == Some(&subnet.id));
        let mut clients = vnets.flat_map(|vnet| &vnet.subnets);
        clients.find(|subnet| {
            let mut nets = subnet.prefixes.iter();
            nets.any(|net| overlap(net, block)) && !is_servers(subnet)
        })
    }
}

fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

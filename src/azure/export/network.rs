//! Networks: VNets with their subnets, peerings, NICs and flow log resources, as in the
//! REST reference of `Microsoft.Network`.

use std::net::IpAddr;

use ipnet::IpNet;

use super::node::Node;
use super::{ResourceId, Setting};

/// A VNet (`az network vnet list`).
#[derive(Clone, Debug)]
pub struct VirtualNetwork {
    /// Its id.
    pub id: ResourceId,
    /// Its region.
    pub location: Option<String>,
    /// Its address space.
    pub spaces: Vec<IpNet>,
    /// Whether its traffic is encrypted. Without an `encryption` key it is not.
    pub encryption: Setting,
    /// What becomes of traffic that cannot be encrypted: `AllowUnencrypted` or
    /// `DropUnencrypted`.
    pub enforcement: Setting,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
}

impl VirtualNetwork {
    pub(super) fn of(id: ResourceId, node: Node<'_>) -> Self {
        Self {
            id,
            location: node.owned("location"),
            spaces: node.nets("addressPrefix", "addressSpace.addressPrefixes"),
            encryption: node.setting("encryption.enabled"),
            enforcement: node.setting("encryption.enforcement"),
            subnets: node.list("subnets").filter_map(Subnet::of).collect(),
        }
    }
}

/// A part of a VNet.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// Its id.
    pub id: ResourceId,
    /// Its addresses.
    pub prefixes: Vec<IpNet>,
    /// The NSG that filters what enters and leaves it.
    pub nsg: Option<ResourceId>,
}

impl Subnet {
    fn of(node: Node<'_>) -> Option<Self> {
        Some(Self {
            id: node.id("id")?,
            prefixes: node.nets("addressPrefix", "addressPrefixes"),
            nsg: node.id("networkSecurityGroup.id"),
        })
    }
}

/// One way of a peering between two VNets (`az network vnet peering list`).
#[derive(Clone, Debug)]
pub struct Peering {
    /// Its id, within the id of the near VNet.
    pub id: ResourceId,
    /// The far VNet.
    pub remote: Option<ResourceId>,
    /// The far VNet's addresses.
    pub remote_spaces: Vec<IpNet>,
    /// Whether it lets traffic pass.
    pub access: Setting,
    /// `Connected` where both ways exist.
    pub state: Setting,
    /// Whether the far VNet is encrypted, as this end knows it.
    pub remote_encryption: Setting,
}

impl Peering {
    pub(super) fn of(id: ResourceId, node: Node<'_>) -> Self {
        let prefixes = |path| node.nets("", path);
        let synced = prefixes("remoteVirtualNetworkAddressSpace.addressPrefixes");
        Self {
            id,
            remote: node.id("remoteVirtualNetwork.id"),
            remote_spaces: [synced, prefixes("remoteAddressSpace.addressPrefixes")].concat(),
            access: node.setting("allowVirtualNetworkAccess"),
            state: node.setting("peeringState"),
            remote_encryption: node.setting("remoteVirtualNetworkEncryption.enabled"),
        }
    }

    /// The near VNet.
    #[must_use]
    pub fn local(&self) -> Option<ResourceId> {
        self.id.parent("virtualnetworkpeerings")
    }
}

/// A network interface (`az network nic list`).
#[derive(Clone, Debug)]
pub struct Nic {
    /// Its id.
    pub id: ResourceId,
    /// The VM that it is attached to.
    pub vm: Option<ResourceId>,
    /// Whether it has accelerated networking.
    pub accelerated: Setting,
    /// Whether its VM supports encryption, as the platform says.
    pub supported: Setting,
    /// The NSG that filters what enters and leaves it.
    pub nsg: Option<ResourceId>,
    /// Its addresses.
    pub configurations: Vec<IpConfiguration>,
}

impl Nic {
    pub(super) fn of(id: ResourceId, node: Node<'_>) -> Self {
        let configurations = node.list("ipConfigurations").map(IpConfiguration::of);
        Self {
            id,
            vm: node.id("virtualMachine.id"),
            accelerated: node.setting("enableAcceleratedNetworking"),
            supported: node.setting("vnetEncryptionSupported"),
            nsg: node.id("networkSecurityGroup.id"),
            configurations: configurations.collect(),
        }
    }

    /// Whether its name says that it is a server's of AMLFS: `amlfs-*-snic`.
    #[must_use]
    pub fn is_amlfs_server(&self) -> bool {
        let name = self.id.name().to_ascii_lowercase();
        name.len() > "amlfs--snic".len() && name.starts_with("amlfs-") && name.ends_with("-snic")
    }
}

/// An address of a NIC, the primary one or another.
#[derive(Clone, Debug)]
pub struct IpConfiguration {
    /// The private address.
    pub address: Option<IpAddr>,
    /// The subnet that it is in.
    pub subnet: Option<ResourceId>,
    /// The application security groups that it belongs to.
    pub asgs: Vec<ResourceId>,
}

impl IpConfiguration {
    fn of(node: Node<'_>) -> Self {
        Self {
            address: node.address("privateIPAddress"),
            subnet: node.id("subnet.id"),
            asgs: node.ids("applicationSecurityGroups"),
        }
    }
}

/// A flow log resource (`az network watcher flow-log list`).
#[derive(Clone, Debug)]
pub struct FlowLog {
    /// Its id.
    pub id: ResourceId,
    /// What it logs the flows of: a VNet, a subnet or a NIC, or of the older kind an NSG.
    pub target: Option<ResourceId>,
    /// Whether it does.
    pub enabled: Setting,
}

impl FlowLog {
    pub(super) fn of(id: ResourceId, node: Node<'_>) -> Self {
        Self {
            id,
            target: node.id("targetResourceId"),
            enabled: node.setting("enabled"),
        }
    }
}

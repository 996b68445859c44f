//! Networks: VNets with their subnets, peerings, NICs and flow log resources, as in the
//! REST reference of `Microsoft.Network`.

use std::net::IpAddr;

use ipnet::IpNet;

use super::node::JsonNode;
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
    /// Encryption of its traffic; absent in a whole export where it is off.
    pub encryption: Setting,
    /// Treatment of traffic that cannot be encrypted: `AllowUnencrypted` or
    /// `DropUnencrypted`.
    pub enforcement: Setting,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
    /// Set for an export with all members, where an absent one means something; not set for
    /// `az resource list` and for most of `--query`.
    pub is_whole: bool,
    /// Set where the export lists the peerings of the VNet.
    pub has_peerings: bool,
}

impl VirtualNetwork {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let others = [
            "virtualNetworkPeerings",
            "provisioningState",
            "enableDdosProtection",
            "type",
        ];
        let is_described = node.has("addressSpace") && node.has("subnets");
        Self {
            id,
            location: node.owned("location"),
            spaces: node.nets("addressPrefix", "addressSpace.addressPrefixes"),
            encryption: node.setting("encryption.enabled"),
            enforcement: node.setting("encryption.enforcement"),
            subnets: node.list("subnets").filter_map(Subnet::of).collect(),
            is_whole: is_described && node.has_any(&others),
            has_peerings: node.has("virtualNetworkPeerings"),
        }
    }

    /// The subnet of a gateway, by the name that Azure reserves for it.
    #[must_use]
    pub fn gateway_subnet(&self) -> Option<&Subnet> {
        let mut subnets = self.subnets.iter();
        subnets.find(|subnet| subnet.id.name().eq_ignore_ascii_case("GatewaySubnet"))
    }
}

/// A subnet of a VNet.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// Its id.
    pub id: ResourceId,
    /// Its addresses.
    pub prefixes: Vec<IpNet>,
    /// The NSG that filters its traffic.
    pub nsg: Option<ResourceId>,
    /// `Disabled` where a Private Link service can be in it.
    pub private_link_policies: Setting,
    /// Services that it is delegated to, as in `Microsoft.Network/dnsResolvers`.
    pub delegations: Vec<String>,
    /// Set for an export with all members, where an absent NSG means that there is none.
    pub is_whole: bool,
}

impl Subnet {
    fn of(node: JsonNode<'_>) -> Option<Self> {
        let prefixes = node.nets("addressPrefix", "addressPrefixes");
        let delegations = node.list("delegations");
        Some(Self {
            id: node.id("id")?,
            is_whole: !prefixes.is_empty(),
            prefixes,
            nsg: node.id("networkSecurityGroup.id"),
            private_link_policies: node.setting("privateLinkServiceNetworkPolicies"),
            delegations: delegations
                .filter_map(|it| it.owned("serviceName"))
                .collect(),
        })
    }
}

/// One way of a peering between two VNets (`az network vnet peering list`).
#[derive(Clone, Debug)]
pub struct Peering {
    /// Its id, within the id of the near VNet.
    pub id: ResourceId,
    /// The near VNet.
    pub local: Option<ResourceId>,
    /// The far VNet.
    pub remote: Option<ResourceId>,
    /// The far VNet's addresses.
    pub remote_spaces: Vec<IpNet>,
    /// Permission for traffic to pass.
    pub access: Setting,
    /// `Connected` where both ways exist.
    pub state: Setting,
    /// Permission for traffic that an appliance or a gateway forwards.
    pub forwarded: Setting,
    /// Encryption of the far VNet, as this end knows it.
    pub remote_encryption: Setting,
    /// `false` for a peering of subnets, which are named; `true` for whole VNets.
    pub is_complete: Setting,
    /// Names of near subnets of a peering of subnets.
    pub local_subnets: Vec<String>,
    /// Names of far subnets of a peering of subnets.
    pub remote_subnets: Vec<String>,
}

impl Peering {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let prefixes = |path| node.nets("", path);
        let synced = prefixes("remoteVirtualNetworkAddressSpace.addressPrefixes");
        Self {
            local: id.parent("virtualnetworkpeerings"),
            id,
            remote: node.id("remoteVirtualNetwork.id"),
            remote_spaces: [synced, prefixes("remoteAddressSpace.addressPrefixes")].concat(),
            access: node.setting("allowVirtualNetworkAccess"),
            state: node.setting("peeringState"),
            forwarded: node.setting("allowForwardedTraffic"),
            remote_encryption: node.setting("remoteVirtualNetworkEncryption.enabled"),
            is_complete: node.setting("peerCompleteVnets"),
            local_subnets: node.texts("localSubnetNames"),
            remote_subnets: node.texts("remoteSubnetNames"),
        }
    }

    /// Tells if traffic of two subnets passes a peering of subnets. `near` is the subnet in
    /// its own VNet; a subnet that is not known passes.
    #[must_use]
    pub fn takes(&self, near: Option<&ResourceId>, far: Option<&ResourceId>) -> bool {
        let lists = |names: &[String], subnet: Option<&ResourceId>| {
            subnet.is_none_or(|subnet| {
                let mut names = names.iter();
                names.any(|name| name.eq_ignore_ascii_case(subnet.name()))
            })
        };
        self.is_complete.flag() != Some(false)
            || (lists(&self.local_subnets, near) && lists(&self.remote_subnets, far))
    }
}

/// A network interface (`az network nic list`).
#[derive(Clone, Debug)]
pub struct Nic {
    /// Its id.
    pub id: ResourceId,
    /// The VM that it is attached to.
    pub vm: Option<ResourceId>,
    /// Accelerated networking.
    pub accelerated: Setting,
    /// The platform's statement that its VM supports encryption.
    pub supported: Setting,
    /// Forwarding of others' packets, as appliances do.
    pub forwards: Setting,
    /// The NSG that filters its traffic.
    pub nsg: Option<ResourceId>,
    /// Its addresses.
    pub configurations: Vec<IpConfiguration>,
}

impl Nic {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let configurations = node.list("ipConfigurations").map(IpConfiguration::of);
        Self {
            id,
            vm: node.id("virtualMachine.id"),
            accelerated: node.setting("enableAcceleratedNetworking"),
            supported: node.setting("vnetEncryptionSupported"),
            forwards: node.setting("enableIPForwarding"),
            nsg: node.id("networkSecurityGroup.id"),
            configurations: configurations.collect(),
        }
    }

    /// Tells by its name if it is a server's of AMLFS: `amlfs-*-snic`.
    #[must_use]
    pub fn is_amlfs_server(&self) -> bool {
        let name = self.id.name().to_ascii_lowercase();
        name.len() > "amlfs--snic".len() && name.starts_with("amlfs-") && name.ends_with("-snic")
    }
}

/// An address of a NIC, the primary one or another.
#[derive(Clone, Debug)]
pub struct IpConfiguration {
    /// Its id.
    pub id: Option<ResourceId>,
    /// The private address.
    pub address: Option<IpAddr>,
    /// The subnet that it is in.
    pub subnet: Option<ResourceId>,
    /// The application security groups that it belongs to.
    pub asgs: Vec<ResourceId>,
}

impl IpConfiguration {
    fn of(node: JsonNode<'_>) -> Self {
        Self {
            id: node.id("id"),
            address: node.address("privateIPAddress"),
            subnet: node.id("subnet.id"),
            asgs: node.ids("applicationSecurityGroups"),
        }
    }
}

/// A flow log resource (`az network watcher flow-log list`).
#[derive(Clone, Debug)]
pub struct FlowLogResource {
    /// Its id.
    pub id: ResourceId,
    /// The VNet, subnet or NIC whose flows it logs, or of the older kind an NSG.
    pub target: Option<ResourceId>,
    /// Its switch.
    pub enabled: Setting,
    /// Outcome of its last change, `Succeeded` where it works.
    pub provisioned: Setting,
    /// States that it records, of B, C, E and D; absent for all.
    pub record_types: Setting,
    /// Filter on what it records; absent for none.
    pub criteria: Setting,
    /// Days after which its files are deleted; absent or 0 where they are kept.
    pub retention_days: Setting,
    /// Switch of that deletion.
    pub retention: Setting,
    /// The storage account that its files are in.
    pub storage: Option<ResourceId>,
}

impl FlowLogResource {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        Self {
            id,
            target: node.id("targetResourceId"),
            enabled: node.setting("enabled"),
            provisioned: node.setting("provisioningState"),
            record_types: node.setting("recordTypes"),
            criteria: node.setting("enabledFilteringCriteria"),
            retention_days: node.setting("retentionPolicy.days"),
            retention: node.setting("retentionPolicy.enabled"),
            storage: node.id("storageId"),
        }
    }
}

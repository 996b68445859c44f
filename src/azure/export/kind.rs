//! Kinds of resources, told by the type in their id.

use super::ResourceId;
use super::node::JsonNode;

/// A kind of resource that checks read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ResourceKind {
    VirtualNetwork,
    Peering,
    Nic,
    VirtualMachine,
    ScaleSet,
    SecurityGroup,
    FileSystem,
    Disk,
    Snapshot,
    DiskEncryptionSet,
    FlowLog,
    PrivateLinkService,
    DnsResolver,
    LoadBalancer,
    ManagedCluster,
    Feature,
    Vault,
    RoleAssignment,
}

/// Types as Azure writes them, by their ends: those of a scale set's VMs and NICs are longer.
const TYPES: [(&str, ResourceKind); 19] = [
    (
        "microsoft.network/virtualnetworks",
        ResourceKind::VirtualNetwork,
    ),
    (
        "/virtualnetworks/virtualnetworkpeerings",
        ResourceKind::Peering,
    ),
    ("/networkinterfaces", ResourceKind::Nic),
    ("/virtualmachines", ResourceKind::VirtualMachine),
    (
        "microsoft.compute/virtualmachinescalesets",
        ResourceKind::ScaleSet,
    ),
    (
        "microsoft.network/networksecuritygroups",
        ResourceKind::SecurityGroup,
    ),
    (
        "microsoft.storagecache/amlfilesystems",
        ResourceKind::FileSystem,
    ),
    // As an example of the REST reference has it.
    (
        "microsoft.storagecache/amlfilesystem",
        ResourceKind::FileSystem,
    ),
    ("microsoft.compute/disks", ResourceKind::Disk),
    ("microsoft.compute/snapshots", ResourceKind::Snapshot),
    (
        "microsoft.compute/diskencryptionsets",
        ResourceKind::DiskEncryptionSet,
    ),
    (
        "microsoft.network/networkwatchers/flowlogs",
        ResourceKind::FlowLog,
    ),
    (
        "microsoft.network/privatelinkservices",
        ResourceKind::PrivateLinkService,
    ),
    ("microsoft.network/dnsresolvers", ResourceKind::DnsResolver),
    (
        "microsoft.network/loadbalancers",
        ResourceKind::LoadBalancer,
    ),
    (
        "microsoft.containerservice/managedclusters",
        ResourceKind::ManagedCluster,
    ),
    ("microsoft.network/features", ResourceKind::Feature),
    ("microsoft.keyvault/vaults", ResourceKind::Vault),
    (
        "microsoft.authorization/roleassignments",
        ResourceKind::RoleAssignment,
    ),
];

impl ResourceKind {
    fn of_type(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let known = name.starts_with("microsoft.");
        let found = TYPES.iter().find(|(end, _)| known && name.ends_with(end));
        found.map(|&(_, kind)| kind)
    }

    /// Words for the kind in an inventory.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::VirtualNetwork => "virtual network",
            Self::Peering => "peering",
            Self::Nic => "network interface",
            Self::VirtualMachine => "virtual machine",
            Self::ScaleSet => "scale set",
            Self::SecurityGroup => "network security group",
            Self::FileSystem => "AMLFS file system",
            Self::Disk => "disk",
            Self::Snapshot => "snapshot",
            Self::DiskEncryptionSet => "disk encryption set",
            Self::FlowLog => "flow log",
            Self::PrivateLinkService => "Private Link service",
            Self::DnsResolver => "DNS Private Resolver",
            Self::LoadBalancer => "load balancer",
            Self::ManagedCluster => "AKS cluster",
            Self::Feature => "feature",
            Self::Vault => "Key Vault",
            Self::RoleAssignment => "role assignment",
        }
    }

    /// The kind and the id of a resource, or a sentence on why it is not read.
    pub(super) fn of(node: JsonNode<'_>) -> Result<(Self, ResourceId), String> {
        let named = node.text("type").filter(|name| name.contains('/'));
        let Some(id) = node.id("id") else {
            return Err(stranger(node, named));
        };
        let kind = id.kind();
        let found = Self::of_type(&kind).or_else(|| Self::of_type(named?));
        found
            .map(|kind| (kind, id))
            .ok_or_else(|| format!("{kind} says nothing here"))
    }
}

/// Describes JSON without an id.
fn stranger(node: JsonNode<'_>, named: Option<&str>) -> String {
    let looks = if node.has("records") {
        "a flow log, which says what was sent and not how it is configured"
    } else if node.has("statuses") {
        "an instance view that names no VM: az vm get-instance-view names it"
    } else if node.has("encryptionScope") || node.has("publicAccess") {
        "a container of a storage account (az storage fs), which is no AMLFS file system: \
         use az amlfs list"
    } else if let Some(named) = named {
        return format!("{named} without an id");
    } else {
        "no resource: it has no id"
    };
    looks.to_owned()
}

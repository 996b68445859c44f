//! Which kind of resource a piece of JSON is, by its content.

use super::ResourceId;
use super::node::Node;

/// A kind of resource that checks are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    VirtualNetwork,
    Peering,
    Nic,
    VirtualMachine,
    SecurityGroup,
    FileSystem,
    Disk,
    FlowLog,
}

/// Types as Azure writes them, by their ends: a scale set's VMs and NICs have longer ones.
const TYPES: [(&str, Kind); 9] = [
    ("microsoft.network/virtualnetworks", Kind::VirtualNetwork),
    ("/virtualnetworks/virtualnetworkpeerings", Kind::Peering),
    ("/networkinterfaces", Kind::Nic),
    ("/virtualmachines", Kind::VirtualMachine),
    (
        "microsoft.network/networksecuritygroups",
        Kind::SecurityGroup,
    ),
    ("microsoft.storagecache/amlfilesystems", Kind::FileSystem),
    // As an example of the REST reference has it.
    ("microsoft.storagecache/amlfilesystem", Kind::FileSystem),
    ("microsoft.compute/disks", Kind::Disk),
    ("microsoft.network/networkwatchers/flowlogs", Kind::FlowLog),
];

impl Kind {
    fn of_type(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let known = name.starts_with("microsoft.");
        let found = TYPES.iter().find(|(end, _)| known && name.ends_with(end));
        found.map(|&(_, kind)| kind)
    }

    /// The kind and the id of a resource, or why it is none that is read here.
    pub(super) fn of(node: Node<'_>) -> Result<(Self, ResourceId), String> {
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

/// What JSON without an id looks like.
fn stranger(node: Node<'_>, named: Option<&str>) -> String {
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

//! File systems of Azure Managed Lustre, as in the REST reference of
//! `Microsoft.StorageCache`, version 2023-05-01.

use std::net::IpAddr;

use super::node::JsonNode;
use super::{ResourceId, Setting};

/// A file system (`az amlfs list`).
#[derive(Clone, Debug)]
pub struct FileSystem {
    /// Its id.
    pub id: ResourceId,
    /// Its region.
    pub location: Option<String>,
    /// Its availability zone.
    pub zones: Vec<String>,
    /// The subnet that its servers are in.
    pub subnet: Option<ResourceId>,
    /// The VNet of that subnet.
    pub vnet: Option<ResourceId>,
    /// The address of its MGS, the one server that it names.
    pub mgs: Option<IpAddr>,
    /// URL of the customer's key; absent where Microsoft manages it.
    pub key: Setting,
    /// The Key Vault of that key.
    pub vault: Option<ResourceId>,
    /// Object ids of its managed identities, in lower case.
    pub identities: Vec<String>,
    /// Set where it has an identity whose object id was not exported.
    pub has_unnamed_identities: bool,
    /// Maintenance window, as in `Friday 22:00 UTC`.
    pub window: Option<String>,
    /// Set for an export with all members, where an absent one means something.
    pub is_whole: bool,
}

impl FileSystem {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let subnet = node.id("filesystemSubnet");
        Self {
            id,
            location: node.owned("location"),
            zones: node.texts("zones"),
            vnet: subnet.as_ref().and_then(|id| id.parent("subnets")),
            subnet,
            mgs: node.address("clientInfo.mgsAddress"),
            key: node.setting("encryptionSettings.keyEncryptionKey.keyUrl"),
            vault: node.id("encryptionSettings.keyEncryptionKey.sourceVault.id"),
            identities: identities(node).flatten().collect(),
            has_unnamed_identities: identities(node).any(|it| it.is_none()),
            window: window(node),
            is_whole: node.has("filesystemSubnet") && node.has("clientInfo"),
        }
    }
}

/// Object ids of the identities; `None` for one without.
fn identities(node: JsonNode<'_>) -> impl Iterator<Item = Option<String>> {
    let assigned = node.members("identity.userAssignedIdentities");
    let assigned = assigned.map(|(_, identity)| identity.text("principalId"));
    let system = node.text("identity.principalId").map(Some);
    let all = assigned.chain(system);
    all.map(|it| it.map(str::to_ascii_lowercase))
}

fn window(node: JsonNode<'_>) -> Option<String> {
    let day = node.text("maintenanceWindow.dayOfWeek")?;
    let time = node.text("maintenanceWindow.timeOfDayUTC");
    Some(time.map_or_else(|| day.to_owned(), |time| format!("{day} {time} UTC")))
}

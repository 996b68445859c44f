//! File systems of Azure Managed Lustre, as in the REST reference of
//! `Microsoft.StorageCache`, version 2023-05-01.

use std::net::IpAddr;

use super::node::Node;
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
    /// The address of its MGS, the one server that it names.
    pub mgs: Option<IpAddr>,
    /// The customer's key; absent where Microsoft manages it.
    pub key: Setting,
    /// When it may be maintained, as in `Friday 22:00 UTC`.
    pub window: Option<String>,
}

impl FileSystem {
    pub(super) fn of(id: ResourceId, node: Node<'_>) -> Self {
        Self {
            id,
            location: node.owned("location"),
            zones: node.texts("zones"),
            subnet: node.id("filesystemSubnet"),
            mgs: node.address("clientInfo.mgsAddress"),
            key: node.setting("encryptionSettings.keyEncryptionKey.keyUrl"),
            window: window(node),
        }
    }

    /// The VNet of its subnet.
    #[must_use]
    pub fn vnet(&self) -> Option<ResourceId> {
        self.subnet.as_ref()?.parent("subnets")
    }
}

fn window(node: Node<'_>) -> Option<String> {
    let day = node.text("maintenanceWindow.dayOfWeek")?;
    let time = node.text("maintenanceWindow.timeOfDayUTC");
    Some(time.map_or_else(|| day.to_owned(), |time| format!("{day} {time} UTC")))
}

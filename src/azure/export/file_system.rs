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
    /// The day of the week when it may be maintained.
    pub window_day: Setting,
    /// The time of that day, in UTC.
    pub window_time: Setting,
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
            window_day: node.setting("maintenanceWindow.dayOfWeek"),
            window_time: node.setting("maintenanceWindow.timeOfDayUTC"),
        }
    }

    /// The VNet of its subnet.
    #[must_use]
    pub fn vnet(&self) -> Option<ResourceId> {
        self.subnet.as_ref()?.parent("subnets")
    }
}

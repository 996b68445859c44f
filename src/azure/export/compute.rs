//! VMs and their disks, as in the REST reference of `Microsoft.Compute`.

use super::node::Node;
use super::{ResourceId, Setting};

/// Where a VM names the disk of its system.
const SYSTEM: &str = "storageProfile.osDisk";

/// A VM (`az vm list`, also with `-d`, and `az vm get-instance-view`).
#[derive(Clone, Debug)]
pub struct VirtualMachine {
    /// Its id.
    pub id: ResourceId,
    /// Its region.
    pub location: Option<String>,
    /// Its availability zones.
    pub zones: Vec<String>,
    /// Its size, as in `Standard_D4s_v5`.
    pub size: Setting,
    /// Whether it runs, as `-d` or an instance view tells.
    pub power: Setting,
    /// When the platform last did something to it: a start, or any other change.
    pub provisioned: Setting,
    /// What keeps it close to others: a proximity placement group, a dedicated host, or an
    /// availability set.
    pub placement: Setting,
    /// Its NICs.
    pub nics: Vec<ResourceId>,
    /// Whether its host encrypts caches and temporary disks as well.
    pub encryption_at_host: Setting,
    /// Whether Azure Disk Encryption (ADE) works within it, as the VM tells.
    pub ade: Setting,
    /// Its disks, the one of its system first.
    pub disks: Vec<AttachedDisk>,
}

impl VirtualMachine {
    pub(super) fn of(id: ResourceId, node: Node<'_>) -> Self {
        let os = node.at(SYSTEM).into_iter();
        let os = os.map(|disk| (disk, SYSTEM.to_owned()));
        let data = node.list("storageProfile.dataDisks").enumerate();
        let data = data.map(|(at, disk)| (disk, format!("storageProfile.dataDisks[{at}]")));
        Self {
            id,
            location: node.owned("location"),
            zones: node.texts("zones"),
            size: node.setting("hardwareProfile.vmSize"),
            power: power(node),
            provisioned: status(node, "ProvisioningState/", "time"),
            placement: placement(node),
            nics: node.ids("networkProfile.networkInterfaces"),
            encryption_at_host: node.setting("securityProfile.encryptionAtHost"),
            ade: ade(node),
            disks: os.chain(data).map(AttachedDisk::of).collect(),
        }
    }
}

/// `powerState` of `az vm list -d`, or the status of an instance view.
fn power(node: Node<'_>) -> Setting {
    let listed = node.setting("powerState");
    if listed.is_absent() {
        status(node, "PowerState/", "code")
    } else {
        listed
    }
}

/// A field of the status whose code begins with a word.
fn status(node: Node<'_>, code: &str, field: &str) -> Setting {
    let is_it = |status: &Node<'_>| {
        let text = status.text("code").unwrap_or_default();
        let prefix = text.get(..code.len());
        prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(code))
    };
    let path = "instanceView.statuses";
    let found = node.list(path).find(is_it);
    Setting::new(path, found.and_then(|status| status.owned(field)))
}

fn placement(node: Node<'_>) -> Setting {
    let paths = [
        "host.id",
        "proximityPlacementGroup.id",
        "availabilitySet.id",
    ];
    let mut settings = paths.map(|path| node.setting(path)).into_iter();
    settings
        .find(|setting| !setting.is_absent())
        .unwrap_or_else(|| Setting::new("availabilitySet.id", None))
}

/// ADE shows as an extension of the VM, or in older VMs at the disk of the system.
fn ade(node: Node<'_>) -> Setting {
    let is_ade = |extension: &Node<'_>| {
        let kind = extension
            .text("typePropertiesType")
            .or(extension.text("virtualMachineExtensionType"));
        let named = [kind, extension.text("name"), extension.text("type")];
        let is_named = |name: &str| name.to_ascii_lowercase().starts_with("azurediskencryption");
        named.into_iter().flatten().any(is_named)
    };
    let extension = node.list("resources").find(is_ade);
    match extension {
        Some(extension) => Setting::new("resources", extension.owned("name")),
        None => node.setting("storageProfile.osDisk.encryptionSettings.enabled"),
    }
}

/// A disk as its VM names it.
#[derive(Clone, Debug)]
pub struct AttachedDisk {
    /// Its name.
    pub name: String,
    /// Where the VM names it.
    pub path: String,
    /// The managed disk; `None` where it is a blob of the user's.
    pub managed: Option<ResourceId>,
}

impl AttachedDisk {
    /// Whether it is the disk of the VM's system.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.path == SYSTEM
    }

    fn of((node, path): (Node<'_>, String)) -> Self {
        Self {
            name: node.owned("name").unwrap_or_default(),
            path,
            managed: node.id("managedDisk.id"),
        }
    }
}

/// A managed disk (`az disk list`).
#[derive(Clone, Debug)]
pub struct Disk {
    /// Its id.
    pub id: ResourceId,
    /// Whose keys the storage service encrypts it with.
    pub encryption: Setting,
    /// Whether ADE encrypts it within the VM. Says nothing of networks.
    pub ade: Setting,
}

impl Disk {
    pub(super) fn of(id: ResourceId, node: Node<'_>) -> Self {
        Self {
            id,
            encryption: node.setting("encryption.type"),
            ade: node.setting("encryptionSettingsCollection.enabled"),
        }
    }
}

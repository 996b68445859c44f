//! VMs, scale sets and disks, as in the REST reference of `Microsoft.Compute`.

use super::network::IpConfiguration;
use super::node::JsonNode;
use super::{Nic, ResourceId, Setting};

/// Path of the disk of a VM's system.
const SYSTEM: &str = "storageProfile.osDisk";

/// A VM (`az vm list`, also with `-d`, and `az vm get-instance-view`).
#[derive(Clone, Debug)]
pub struct VirtualMachine {
    /// Its id; that of the scale set where only the set's model was exported.
    pub id: ResourceId,
    /// Its region.
    pub location: Option<String>,
    /// Its availability zones.
    pub zones: Vec<String>,
    /// Its size, as in `Standard_D4s_v5`.
    pub size: Setting,
    /// Its power state, as `-d` or an instance view tells.
    pub power: Setting,
    /// Time of the last change of any kind: a start, or another.
    pub provisioned: Setting,
    /// Placement close to other VMs: a proximity placement group, a dedicated host, or an
    /// availability set.
    pub placement: Setting,
    /// `ConfidentialVM` where its memory is encrypted.
    pub security_type: Setting,
    /// Its NICs.
    pub nics: Vec<ResourceId>,
    /// The scale set that it is an instance of.
    pub scale_set: Option<ResourceId>,
    /// Encryption at host, of caches and temporary disks too.
    pub encryption_at_host: Setting,
    /// Azure Disk Encryption (ADE), as the VM tells.
    pub ade: Ade,
    /// `Linux` or `Windows`.
    pub os: Setting,
    /// Image that it was made of, as in `RedHat:RHEL:9_4:latest`, or the id of one of a gallery
    /// or of a customer.
    pub image: Setting,
    /// Its disks, the one of its system first.
    pub disks: Vec<AttachedDisk>,
    /// Set for an export with all members, where an absent one means something.
    pub is_whole: bool,
}

impl VirtualMachine {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let os = node.at(SYSTEM).into_iter();
        let os = os.map(|disk| (disk, SYSTEM.to_owned()));
        let data = node.list("storageProfile.dataDisks").enumerate();
        let data = data.map(|(at, disk)| (disk, format!("storageProfile.dataDisks[{at}]")));
        Self {
            scale_set: scale_set(&id, node),
            id,
            location: node.owned("location"),
            zones: node.texts("zones"),
            size: node.first_setting(["hardwareProfile.vmSize", "sku.name"]),
            power: power(node),
            provisioned: status(node, "ProvisioningState/", "time"),
            placement: placement(node),
            security_type: node.setting("securityProfile.securityType"),
            nics: node.ids("networkProfile.networkInterfaces"),
            encryption_at_host: node.setting("securityProfile.encryptionAtHost"),
            ade: Ade::of(node),
            os: node.setting("storageProfile.osDisk.osType"),
            image: image(node),
            disks: os.chain(data).map(AttachedDisk::of).collect(),
            is_whole: node.has("storageProfile")
                && node.has_any(&["networkProfile", "provisioningState", "vmId"]),
        }
    }

    /// Tells if it is deallocated, or about to be.
    #[must_use]
    pub fn is_deallocated(&self) -> bool {
        let power = self.power.value.as_deref().unwrap_or_default();
        power.to_ascii_lowercase().contains("deallocat")
    }
}

/// The scale set of an instance, of uniform or of flexible orchestration.
fn scale_set(id: &ResourceId, node: JsonNode<'_>) -> Option<ResourceId> {
    let within = id.segment("virtualmachinescalesets").is_some();
    let uniform = within.then(|| id.parent("virtualmachines")).flatten();
    uniform.or_else(|| node.id("virtualMachineScaleSet.id"))
}

/// `powerState` of `az vm list -d`, or the status of an instance view.
fn power(node: JsonNode<'_>) -> Setting {
    let listed = node.setting("powerState");
    if listed.is_absent() {
        status(node, "PowerState/", "code")
    } else {
        listed
    }
}

/// A field of the status whose code begins with a word.
fn status(node: JsonNode<'_>, code: &str, field: &str) -> Setting {
    let is_it = |status: &JsonNode<'_>| {
        let text = status.text("code").unwrap_or_default();
        let prefix = text.get(..code.len());
        prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(code))
    };
    let path = "instanceView.statuses";
    let found = node.list(path).find(is_it);
    Setting::new(path, found.and_then(|status| status.owned(field)))
}

/// Reference to an image: of the marketplace, in az's form, or an id.
fn image(node: JsonNode<'_>) -> Setting {
    let path = "storageProfile.imageReference";
    let of_market = |it: JsonNode<'_>| {
        let version = it.text("exactVersion").or(it.text("version"))?;
        let name = [it.text("publisher")?, it.text("offer")?, it.text("sku")?];
        Some(format!("{}:{version}", name.join(":")))
    };
    let ids = ["id", "sharedGalleryImageId", "communityGalleryImageId"];
    let value = node.at(path).and_then(|it| {
        let own = || ids.into_iter().find_map(|id| it.owned(id));
        of_market(it).or_else(own)
    });
    Setting::new(path, value)
}

fn placement(node: JsonNode<'_>) -> Setting {
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

/// Azure Disk Encryption of a VM: an extension, or in older VMs a setting of the system's
/// disk.
#[derive(Clone, Debug)]
pub struct Ade {
    /// The extension's name, or the older setting.
    pub enabled: Setting,
    /// Volumes that the extension encrypts: `All`, `OS` or `Data`.
    pub volumes: Setting,
    /// The extension's last operation, as in `EnableEncryption` or `DisableEncryption`.
    pub operation: Setting,
    /// Outcome of that operation, `Succeeded` where it worked.
    pub provisioned: Setting,
    /// Set where the VM has the extension.
    pub is_extension: bool,
}

impl Ade {
    fn of(node: JsonNode<'_>) -> Self {
        let extension = node.list("resources").find(|&it| is_ade(it));
        let told = |path, field| {
            let value = extension.and_then(|it| it.owned(field));
            Setting::new(path, value)
        };
        Self {
            enabled: if extension.is_some() {
                told("resources", "name")
            } else {
                node.setting("storageProfile.osDisk.encryptionSettings.enabled")
            },
            volumes: told("resources.settings.VolumeType", "settings.VolumeType"),
            operation: told(
                "resources.settings.EncryptionOperation",
                "settings.EncryptionOperation",
            ),
            provisioned: told("resources.provisioningState", "provisioningState"),
            is_extension: extension.is_some(),
        }
    }

    /// Tells if its last operation decrypted.
    #[must_use]
    pub fn is_off(&self) -> bool {
        let operation = self.operation.value.as_deref().unwrap_or_default();
        operation.to_ascii_lowercase().starts_with("disable")
    }
}

/// Tells by its type, by its name, or by a setting that no other has: ARM has the type of an
/// extension where it has that of the resource as well.
fn is_ade(extension: JsonNode<'_>) -> bool {
    let kind = extension
        .text("typePropertiesType")
        .or(extension.text("virtualMachineExtensionType"));
    let named = [kind, extension.text("name"), extension.text("type")];
    let is_named = |name: &str| name.to_ascii_lowercase().starts_with("azurediskencryption");
    named.into_iter().flatten().any(is_named) || extension.has("settings.EncryptionOperation")
}

/// A disk as its VM names it.
#[derive(Clone, Debug)]
pub struct AttachedDisk {
    /// Its name.
    pub name: String,
    /// Path of the VM's field that names it.
    pub path: String,
    /// The managed disk, where its id is known: models of scale sets have none.
    pub managed: Option<ResourceId>,
    /// Set for a managed disk.
    pub is_managed: bool,
    /// Blob of a storage account, of a disk that is not managed; for models of scale sets the
    /// containers of it.
    pub blob: Option<String>,
    /// The disk encryption set, as the VM tells.
    pub encryption_set: Option<ResourceId>,
}

impl AttachedDisk {
    /// Tells if it is the disk of the VM's system.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.path == SYSTEM
    }

    fn of((node, path): (JsonNode<'_>, String)) -> Self {
        Self {
            // Models of scale sets name no disks.
            name: node.owned("name").unwrap_or_else(|| path.clone()),
            path,
            managed: node.id("managedDisk.id"),
            is_managed: node.has("managedDisk"),
            blob: node
                .owned("vhd.uri")
                .or_else(|| node.texts("vhdContainers").into_iter().next()),
            encryption_set: node.id("managedDisk.diskEncryptionSet.id"),
        }
    }
}

/// A managed disk or a snapshot of one (`az disk list`, `az snapshot list`).
#[derive(Clone, Debug)]
pub struct Disk {
    /// Its id.
    pub id: ResourceId,
    /// Keys that the storage service encrypts it with.
    pub encryption: Setting,
    /// The disk encryption set that holds the customer's key.
    pub encryption_set: Option<ResourceId>,
    /// ADE within the VM. Says nothing of networks.
    pub ade: Setting,
    /// `Disabled` where it cannot be exported from the Internet.
    pub public_access: Setting,
    /// `AllowAll`, `AllowPrivate` or `DenyAll`: networks that it may be exported to.
    pub access_policy: Setting,
    /// The disk that a snapshot is of.
    pub source: Option<ResourceId>,
    /// Set for an export with all members, where an absent one means something.
    pub is_whole: bool,
}

impl Disk {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        Self {
            id,
            encryption: node.setting("encryption.type"),
            encryption_set: node.id("encryption.diskEncryptionSetId"),
            ade: node.setting("encryptionSettingsCollection.enabled"),
            public_access: node.setting("publicNetworkAccess"),
            access_policy: node.setting("networkAccessPolicy"),
            source: node.id("creationData.sourceResourceId"),
            is_whole: node.has_any(&["encryption", "creationData", "diskSizeGB"]),
        }
    }
}

/// The model of a scale set (`az vmss list`).
#[derive(Clone, Debug)]
pub struct ScaleSet {
    /// Its id.
    pub id: ResourceId,
    /// An instance, as the model describes it.
    pub instance: VirtualMachine,
    /// NICs of an instance, as the model describes them.
    pub nics: Vec<Nic>,
}

impl ScaleSet {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let profile = node.at("virtualMachineProfile").unwrap_or(node);
        let nics = profile.list("networkProfile.networkInterfaceConfigurations");
        let nics: Vec<Nic> = nics.map(|nic| model_nic(&id, nic)).collect();
        let mut instance = VirtualMachine::of(id.clone(), profile);
        instance.size = node.setting("sku.name");
        instance.location = node.owned("location");
        instance.zones = node.texts("zones");
        Self { id, instance, nics }
    }
}

/// The NIC of a scale set's model. It has no address; its id is that of the set.
fn model_nic(set: &ResourceId, node: JsonNode<'_>) -> Nic {
    let accelerated = node.setting("enableAcceleratedNetworking").value;
    let path = "virtualMachineProfile.networkProfile.networkInterfaceConfigurations.enableAcceleratedNetworking";
    let configurations = node.list("ipConfigurations").map(|it| IpConfiguration {
        id: None,
        address: None,
        subnet: it.id("subnet.id"),
        asgs: it.ids("applicationSecurityGroups"),
    });
    Nic {
        id: set.clone(),
        vm: Some(set.clone()),
        accelerated: Setting::new(path, accelerated),
        supported: Setting::new("vnetEncryptionSupported", None),
        forwards: node.setting("enableIPForwarding"),
        nsg: node.id("networkSecurityGroup.id"),
        configurations: configurations.collect(),
    }
}

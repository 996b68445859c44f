//! Encryption at rest: of the file system, and of the disks of its clients.

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, CheckKind, Field, disks, remedy};
use crate::azure::export::{AttachedDisk, Disk, FileSystem, VirtualMachine};
use crate::azure::topology::{Azure, RouteEnd};

/// A disk of a VM, and its export.
type Attached<'a> = (&'a AttachedDisk, Option<&'a Disk>);

/// Both ways are encrypted; auditors ask which it is.
pub(super) fn of_file_system(azure: &Azure, file_system: &FileSystem) -> Check {
    let name = azure.label(&file_system.id);
    let field = Field::of(azure, &file_system.id, &file_system.key);
    let (outcome, whose) = if !file_system.key.is_absent() {
        (Pass, "is encrypted at rest with a customer-managed key")
    } else if file_system.is_whole {
        (
            Pass,
            "is encrypted at rest with a key that Microsoft manages",
        )
    } else {
        (
            Unknown,
            "was exported without its properties, which say whose key encrypts it",
        )
    };
    let says = format!("{name} {whose}; this cannot be changed after its creation");
    Check::new(CheckKind::FileSystemKey, outcome, says).field(field)
}

pub(super) fn of_client(azure: &Azure, client: &RouteEnd<'_>) -> Vec<Check> {
    let Some(vm) = client.vm else {
        return Vec::new();
    };
    let disks: Vec<Attached<'_>> = vm
        .disks
        .iter()
        .map(|disk| (disk, managed(azure, disk)))
        .collect();
    let mut checks: Vec<Check> = disks
        .iter()
        .map(|(it, disk)| by_service(azure, vm, it, *disk))
        .collect();
    if checks.is_empty() {
        let says = format!("VM {} does not say its disks", azure.label(&vm.id));
        checks.push(Check::new(CheckKind::DiskEncryption, Unknown, says));
    }
    let system = disks.iter().find(|(attached, _)| attached.is_system());
    checks.push(caches(azure, vm, system));
    let known = disks.iter().filter_map(|(_, disk)| *disk);
    checks.extend(known.flat_map(|disk| disks::of(azure, disk)));
    checks.extend(disks::ade_support(azure, vm));
    checks
}

fn managed<'a>(azure: &'a Azure, disk: &AttachedDisk) -> Option<&'a Disk> {
    azure.export.disks.get(disk.managed.as_ref()?)
}

/// Managed disks are encrypted by the storage service, always; the question is with whose
/// key.
fn by_service(
    azure: &Azure,
    vm: &VirtualMachine,
    attached: &AttachedDisk,
    disk: Option<&Disk>,
) -> Check {
    let check = |outcome, says| Check::new(CheckKind::DiskEncryption, outcome, says);
    let Some(id) = &attached.managed else {
        let (name, vm) = (&attached.name, azure.label(&vm.id));
        return check(
            Unknown,
            format!("Disk {name} of VM {vm} is no managed disk"),
        );
    };
    let name = azure.label(id);
    let Some(disk) = disk else {
        let path = format!("{}.managedDisk.id", attached.path);
        let says =
            format!("Disk {name} is managed, so it is encrypted; with whose key is in no export");
        let field = Field::at(azure, &vm.id, path, Some(id.to_string()));
        return check(Pass, says).field(field);
    };
    let whose = whose(disk).unwrap_or("a key that the export does not name");
    check(Pass, format!("Disk {name} is encrypted with {whose}")).field(Field::of(
        azure,
        &disk.id,
        &disk.encryption,
    ))
}

/// Owner of the key that encrypts a disk or a snapshot.
fn whose(disk: &Disk) -> Option<&'static str> {
    let keys = [
        (
            "EncryptionAtRestWithPlatformKey",
            "a key that Microsoft manages",
        ),
        ("EncryptionAtRestWithCustomerKey", "a customer-managed key"),
        (
            "EncryptionAtRestWithPlatformAndCustomerKeys",
            "keys of both Microsoft and the customer",
        ),
    ];
    let known = keys.iter().find(|(word, _)| disk.encryption.is(word));
    known.map(|(_, whose)| *whose)
}

/// The service does not encrypt caches and temporary disks: the host does, or ADE in the VM,
/// if it encrypts all volumes.
fn caches(azure: &Azure, vm: &VirtualMachine, system: Option<&Attached<'_>>) -> Check {
    let check = |outcome, says: &str| {
        let says = format!("VM {} {says}", azure.label(&vm.id));
        Check::new(CheckKind::HostEncryption, outcome, says)
    };
    let host = Field::of(azure, &vm.id, &vm.encryption_at_host);
    match vm.encryption_at_host.flag() {
        Some(true) => {
            let says = "has encryption at host, of caches and temporary disks too";
            return check(Pass, says).field(host);
        }
        None if vm.encryption_at_host.is_absent() && !vm.is_whole => {
            let says =
                "was exported without its properties, which say if it has encryption at host";
            return check(Unknown, says).field(host);
        }
        _ => {}
    }
    let (outcome, says, field) = by_ade(azure, vm, system);
    if outcome == Pass {
        return check(outcome, says).field(field);
    }
    let option = "--set securityProfile.encryptionAtHost=true";
    let command = remedy::change_stopped("vm update", &vm.id, option);
    let field = if outcome == Fail { host } else { field };
    check(outcome, says).field(field).remedy(command)
}

/// Azure Disk Encryption in place of encryption at host. It covers caches and temporary disks
/// only with `VolumeType` All.
fn by_ade(
    azure: &Azure,
    vm: &VirtualMachine,
    system: Option<&Attached<'_>>,
) -> (super::Outcome, &'static str, Field) {
    let ade = &vm.ade;
    let disk = system.and_then(|(_, disk)| *disk);
    let volumes = || Field::of(azure, &vm.id, &ade.volumes);
    if ade.volumes.is("All") {
        let says = "has Azure Disk Encryption of all volumes, which is about disks and not about \
                    networks";
        return (Pass, says, volumes());
    }
    if !ade.volumes.is_absent() {
        let says = "has no encryption at host, and Azure Disk Encryption of some volumes only: \
                    its caches and temporary disks are not all encrypted";
        return (Fail, says, volumes());
    }
    let by_disk = disk.filter(|disk| disk.ade.flag() == Some(true));
    if let Some(disk) = by_disk {
        let says = "has no encryption at host, and Azure Disk Encryption of its system's disk, \
                    which covers caches and temporary disks only with VolumeType All";
        return (Unknown, says, Field::of(azure, &disk.id, &disk.ade));
    }
    let is_told = disk.is_some_and(|disk| disk.is_whole)
        || system.is_some_and(|(it, _)| it.managed.is_none());
    let is_off = ade.enabled.flag() == Some(false) || (is_told && ade.enabled.is_absent());
    let field = Field::of(azure, &vm.id, &ade.enabled);
    if is_off {
        let says = "has no encryption at host: its caches and temporary disks are not encrypted";
        return (Fail, says, field);
    }
    let says = "has no encryption at host, and whether Azure Disk Encryption covers its caches and \
                temporary disks is in no export";
    (Unknown, says, field)
}

//! Encryption at rest: of the file system, and of the disks of its clients.

use super::Outcome::{Pass, Unknown};
use super::disks::Attached;
use super::vm::who;
use super::{Check, CheckKind, Field, ade, disks, volatile};
use crate::azure::export::{AttachedDisk, Disk, FileSystem, VirtualMachine};
use crate::azure::topology::{Azure, RouteEnd};

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
        let says = format!("{} does not say its disks", who(azure, vm));
        checks.push(Check::new(CheckKind::DiskEncryption, Unknown, says));
    }
    checks.push(disks::management(azure, vm));
    let system = disks.iter().find(|(attached, _)| attached.is_system());
    checks.extend(volatile::of(azure, vm, system.and_then(|(_, disk)| *disk)));
    checks.extend(disks::of(azure, vm, &disks));
    checks.extend(ade::support(azure, vm));
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
    let Some(disk) = disk else {
        return unexported(azure, vm, attached);
    };
    let whose = whose(disk).unwrap_or("a key that the export does not name");
    let says = format!("Disk {} is encrypted with {whose}", azure.label(&disk.id));
    let field = Field::of(azure, &disk.id, &disk.encryption);
    Check::new(CheckKind::DiskEncryption, Pass, says).field(field)
}

/// A disk of which the VM alone tells.
fn unexported(azure: &Azure, vm: &VirtualMachine, attached: &AttachedDisk) -> Check {
    let (outcome, says, path, value) = match &attached.managed {
        Some(id) => (
            Pass,
            "is managed, so it is encrypted; with whose key is in no export",
            "managedDisk.id",
            Some(id.to_string()),
        ),
        None if attached.is_managed => (
            Pass,
            "is managed, so it is encrypted; with whose key is in no export",
            "managedDisk",
            None,
        ),
        None => (
            Unknown,
            "is no managed disk, so the export does not tell how it is encrypted",
            "vhd.uri",
            attached.blob.clone(),
        ),
    };
    let says = format!("Disk {} of {} {says}", attached.name, who(azure, vm));
    let path = format!("{}.{path}", attached.path);
    let field = Field::at(azure, &vm.id, path, value);
    Check::new(CheckKind::DiskEncryption, outcome, says).field(field)
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

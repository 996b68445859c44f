//! Encryption at rest: of the file system, and of the disks of its clients.

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, Field, Kind, remedy};
use crate::azure::export::{AttachedDisk, Disk, FileSystem, VirtualMachine};
use crate::azure::topology::{Azure, Place};

/// A disk of a VM, and what is exported of it.
type Attached<'a> = (&'a AttachedDisk, Option<&'a Disk>);

/// Both ways are encrypted; auditors ask which it is.
pub(super) fn of_file_system(file_system: &FileSystem) -> Check {
    let name = file_system.id.name();
    let whose = if file_system.key.is_absent() {
        "a key that Microsoft manages"
    } else {
        "a customer-managed key"
    };
    let says = format!(
        "{name} is encrypted at rest with {whose}, which cannot be changed after its creation"
    );
    Check::new(Kind::FileSystemKey, Pass, says).field(Field::of(&file_system.id, &file_system.key))
}

pub(super) fn of_client(azure: &Azure, client: &Place<'_>) -> Vec<Check> {
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
        .map(|(it, disk)| by_service(vm, it, *disk))
        .collect();
    if checks.is_empty() {
        let says = format!("VM {} does not say its disks", vm.id.name());
        checks.push(Check::new(Kind::DiskEncryption, Unknown, says));
    }
    let system = disks.iter().find(|(attached, _)| attached.is_system());
    checks.push(caches(vm, system));
    checks
}

fn managed<'a>(azure: &'a Azure, disk: &AttachedDisk) -> Option<&'a Disk> {
    azure.export.disks.get(disk.managed.as_ref()?)
}

/// Managed disks are encrypted by the storage service, always; the question is with whose
/// key.
fn by_service(vm: &VirtualMachine, attached: &AttachedDisk, disk: Option<&Disk>) -> Check {
    let check = |outcome, says| Check::new(Kind::DiskEncryption, outcome, says);
    let name = &attached.name;
    let Some(id) = &attached.managed else {
        let says = format!("Disk {name} of VM {} is no managed disk", vm.id.name());
        return check(Unknown, says);
    };
    let name = id.name();
    let Some(disk) = disk else {
        let path = format!("{}.managedDisk.id", attached.path);
        let says =
            format!("Disk {name} is managed, so it is encrypted; with whose key is in no export");
        return check(Pass, says).field(Field::at(&vm.id, path, Some(id.to_string())));
    };
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
    let whose = known.map_or("a key that the export does not name", |(_, whose)| whose);
    check(Pass, format!("Disk {name} is encrypted with {whose}"))
        .field(Field::of(&disk.id, &disk.encryption))
}

/// The service does not encrypt caches and temporary disks: the host does, or ADE in the VM.
fn caches(vm: &VirtualMachine, system: Option<&Attached<'_>>) -> Check {
    let check = |outcome, says: &str| {
        let says = format!("VM {} {says}", vm.id.name());
        Check::new(Kind::HostEncryption, outcome, says)
    };
    let host = Field::of(&vm.id, &vm.encryption_at_host);
    if vm.encryption_at_host.flag() == Some(true) {
        let says = "has encryption at host, of caches and temporary disks too";
        return check(Pass, says).field(host);
    }
    let (encrypted, field) = ade(vm, system);
    let (outcome, says) = match encrypted {
        Some(true) => {
            let says = "has Azure Disk Encryption of its system's disk, which is about disks and \
                        not about networks";
            return check(Pass, says).field(field);
        }
        Some(false) => (
            Fail,
            "has no encryption at host: its caches and temporary disks are not encrypted",
        ),
        None => (
            Unknown,
            "has no encryption at host, and whether Azure Disk Encryption works on its system's \
             disk is in no export",
        ),
    };
    let command = remedy::change_stopped(
        "vm update",
        &vm.id,
        "--set securityProfile.encryptionAtHost=true",
    );
    check(outcome, says).field(host).maybe(command)
}

/// Whether Azure Disk Encryption works on the disk of the system, and the field that tells.
/// That of a data disk, or its extension alone, which may be for data disks, tells nothing.
fn ade(vm: &VirtualMachine, system: Option<&Attached<'_>>) -> (Option<bool>, Field) {
    let disk = system.and_then(|(_, disk)| *disk);
    match disk {
        Some(disk) if disk.ade.flag() == Some(true) => (Some(true), Field::of(&disk.id, &disk.ade)),
        _ => {
            let is_told = disk.is_some() || system.is_some_and(|(it, _)| it.managed.is_none());
            let untold = (is_told && vm.ade.is_absent()).then_some(false);
            (vm.ade.flag().or(untold), Field::of(&vm.id, &vm.ade))
        }
    }
}

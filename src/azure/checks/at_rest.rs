//! Encryption at rest: of the file system, and of the disks of its clients.

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, Field, Kind, remedy};
use crate::azure::export::{AttachedDisk, Disk, FileSystem, VirtualMachine};
use crate::azure::topology::{Azure, Place};

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
    let disks: Vec<_> = vm
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
    let ade = disks
        .iter()
        .filter_map(|(_, disk)| *disk)
        .find(|disk| disk.ade.flag() == Some(true));
    checks.push(caches(vm, ade));
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
fn caches(vm: &VirtualMachine, encrypted: Option<&Disk>) -> Check {
    let check = |outcome, says| Check::new(Kind::HostEncryption, outcome, says);
    let name = vm.id.name();
    let host = Field::of(&vm.id, &vm.encryption_at_host);
    if vm.encryption_at_host.flag() == Some(true) {
        let says = format!("VM {name} has encryption at host, of caches and temporary disks too");
        return check(Pass, says).field(host);
    }
    if let Some(field) = ade(vm, encrypted) {
        let says = "has Azure Disk Encryption, which is about disks and not about networks";
        return check(Pass, format!("VM {name} {says}")).field(field);
    }
    let says = "has no encryption at host: its caches and temporary disks are not encrypted";
    check(Fail, format!("VM {name} {says}"))
        .field(host)
        .maybe(remedy::change_stopped(
            "vm update",
            &vm.id,
            "--set securityProfile.encryptionAtHost=true",
        ))
}

/// The field that tells of Azure Disk Encryption: at a disk, or at the VM.
fn ade(vm: &VirtualMachine, encrypted: Option<&Disk>) -> Option<Field> {
    let at_disk = encrypted.map(|disk| Field::of(&disk.id, &disk.ade));
    let is_given = !vm.ade.is_absent() && vm.ade.flag() != Some(false);
    at_disk.or_else(|| is_given.then(|| Field::of(&vm.id, &vm.ade)))
}

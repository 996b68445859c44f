//! Disks of clients beyond their encryption: management, layers and rotation of keys, export,
//! and snapshots.

use super::Outcome::{Fail, Note, Pass, Unknown};
use super::vm::who;
use super::{Check, CheckKind, Field, remedy};
use crate::azure::export::{AttachedDisk, Disk, ResourceId, VirtualMachine};
use crate::azure::topology::Azure;

/// A disk of a VM, and its export.
pub(super) type Attached<'a> = (&'a AttachedDisk, Option<&'a Disk>);

/// Checks of the disks of a VM, and of their snapshots.
pub(super) fn of(azure: &Azure, vm: &VirtualMachine, disks: &[Attached<'_>]) -> Vec<Check> {
    let mut checks: Vec<Check> = disks
        .iter()
        .flat_map(|(attached, disk)| {
            if let Some(disk) = disk {
                return of_disk(azure, disk);
            }
            let set = attached.encryption_set.as_ref();
            let rotation = set.map(|set| rotation(azure, &attached.name, set));
            rotation.into_iter().collect()
        })
        .collect();
    checks.extend(missing(azure, vm, disks));
    checks
}

fn of_disk(azure: &Azure, disk: &Disk) -> Vec<Check> {
    let mut checks = vec![
        layers(azure, disk),
        export(azure, disk, "disk", CheckKind::DiskExport),
    ];
    let set = disk.encryption_set.as_ref();
    checks.extend(set.map(|set| rotation(azure, &azure.label(&disk.id), set)));
    let snapshots = azure.snapshots_of(&disk.id);
    checks.extend(snapshots.map(|it| export(azure, it, "snapshot", CheckKind::Snapshot)));
    checks
}

/// Open checks of managed disks that no export has: those of others answer nothing for them.
fn missing(azure: &Azure, vm: &VirtualMachine, disks: &[Attached<'_>]) -> Vec<Check> {
    let unknown = disks
        .iter()
        .filter(|(it, disk)| it.is_managed && disk.is_none());
    let mut names = unknown.map(|(it, _)| it);
    let Some(first) = names.next() else {
        return Vec::new();
    };
    let more = match names.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let of = who(azure, vm);
    let says = format!(
        "Disk {}{more} of {of} is in no export: az disk list tells it",
        first.name
    );
    let path = format!("{}.managedDisk.id", first.path);
    let id = first.managed.as_ref().map(ToString::to_string);
    let kinds = [CheckKind::DoubleEncryption, CheckKind::DiskExport];
    kinds
        .map(|kind| {
            let field = Field::at(azure, &vm.id, path.clone(), id.clone());
            Check::new(kind, Unknown, says.clone()).field(field)
        })
        .into()
}

/// Management of all disks of a VM by Azure. Others are blobs of a storage account, with what
/// that has of encryption and access.
pub(super) fn management(azure: &Azure, vm: &VirtualMachine) -> Check {
    let name = who(azure, vm);
    let check =
        |outcome, says| Check::new(CheckKind::UnmanagedDisk, outcome, format!("{name} {says}"));
    let own = |it: &AttachedDisk, path: &str, value| {
        Field::at(azure, &vm.id, format!("{}.{path}", it.path), value)
    };
    let mut disks = vm.disks.iter();
    if let Some(it) = disks.find(|it| it.blob.is_some() && !it.is_managed) {
        return check(Fail, "has a disk that is no managed disk")
            .field(own(it, "vhd.uri", it.blob.clone()))
            .remedy(remedy::change_stopped("vm convert", &vm.id, &[]));
    }
    let mut disks = vm.disks.iter();
    if let Some(it) = disks.find(|it| !it.is_managed) {
        return check(Unknown, "has a disk that does not say if it is managed").field(own(
            it,
            "managedDisk",
            None,
        ));
    }
    if let Some(it) = vm.disks.first() {
        return check(Pass, "has managed disks alone").field(own(it, "vhd", None));
    }
    let setting = Field::at(azure, &vm.id, "storageProfile", None);
    check(Unknown, "does not say its disks").field(setting)
}

fn layers(azure: &Azure, disk: &Disk) -> Check {
    let name = azure.label(&disk.id);
    let is_double = disk
        .encryption
        .is("EncryptionAtRestWithPlatformAndCustomerKeys");
    let (outcome, says) = if is_double {
        (
            Pass,
            "is encrypted twice, with keys of Microsoft and of the customer",
        )
    } else if disk.encryption.is_absent() {
        (Unknown, "does not say how it is encrypted")
    } else {
        (Note, "is encrypted once")
    };
    Check::new(
        CheckKind::DoubleEncryption,
        outcome,
        format!("Disk {name} {says}"),
    )
    .field(Field::of(azure, &disk.id, &disk.encryption))
}

/// Rotation of the customer's key, which is that of the disk encryption set.
fn rotation(azure: &Azure, name: &str, id: &ResourceId) -> Check {
    let set_name = azure.label(id);
    let check = |outcome, says| Check::new(CheckKind::DiskKeyRotation, outcome, says);
    let Some(set) = azure.export.disk_encryption_sets.get(id) else {
        let says = format!(
            "No export has disk encryption set {set_name} of disk {name}: az disk-encryption-set \
             list tells it"
        );
        return check(Unknown, says);
    };
    let (outcome, says) = match set.rotation.flag() {
        Some(true) => (Pass, "follows its key to new versions"),
        _ if !set.key.is_absent() || !set.encryption.is_absent() => {
            (Fail, "does not follow its key to new versions")
        }
        _ => (
            Unknown,
            "does not say if it follows its key to new versions",
        ),
    };
    let options = ["--enable-auto-key-rotation true"];
    let command = remedy::az("disk-encryption-set update", id, &options);
    let says = format!("Disk encryption set {set_name} of disk {name} {says}");
    let check = check(outcome, says).field(Field::of(azure, id, &set.rotation));
    check.remedy(command.filter(|_| outcome == Fail))
}

/// Export of a disk or a snapshot, by whoever has a link to it.
fn export(azure: &Azure, disk: &Disk, kind: &str, check: CheckKind) -> Check {
    let name = azure.label(&disk.id);
    let (policy, public) = (&disk.access_policy, &disk.public_access);
    let (outcome, says, setting) = if policy.is("DenyAll") {
        (Pass, "cannot be exported", policy)
    } else if policy.is("AllowPrivate") {
        (Pass, "can be exported to private networks alone", policy)
    } else if public.is("Disabled") {
        (Pass, "can be exported to private networks alone", public)
    } else if policy.is("AllowAll") {
        (Fail, "can be exported over the Internet", policy)
    } else if public.is("Enabled") {
        (Fail, "can be exported over the Internet", public)
    } else {
        (Unknown, "does not say where it can be exported to", policy)
    };
    let command = (outcome == Fail).then(|| {
        let options = [
            "--network-access-policy DenyAll",
            "--public-network-access Disabled",
        ];
        remedy::az(&format!("{kind} update"), &disk.id, &options)
    });
    let kind = if kind == "disk" { "Disk" } else { "Snapshot" };
    Check::new(check, outcome, format!("{kind} {name} {says}"))
        .field(Field::of(azure, &disk.id, setting))
        .remedy(command.flatten())
}

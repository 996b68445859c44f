//! Disks of clients beyond their encryption: layers and rotation of keys, export, snapshots,
//! and the support of Azure Disk Encryption.

use super::Outcome::{Fail, Note, Pass, Unknown};
use super::{Check, CheckKind, Field, remedy};
use crate::azure::export::{Disk, VirtualMachine};
use crate::azure::topology::Azure;

/// Checks of an exported disk of a VM, and of its snapshots.
pub(super) fn of(azure: &Azure, disk: &Disk) -> Vec<Check> {
    let mut checks = vec![
        layers(azure, disk),
        export(azure, disk, "disk", CheckKind::DiskExport),
    ];
    checks.extend(rotation(azure, disk));
    let snapshots = azure.snapshots_of(&disk.id);
    checks.extend(snapshots.map(|it| export(azure, it, "snapshot", CheckKind::Snapshot)));
    checks
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
fn rotation(azure: &Azure, disk: &Disk) -> Option<Check> {
    let id = disk.encryption_set.as_ref()?;
    let (name, set_name) = (azure.label(&disk.id), azure.label(id));
    let check = |outcome, says| Check::new(CheckKind::DiskKeyRotation, outcome, says);
    let Some(set) = azure.export.disk_encryption_sets.get(id) else {
        let says = format!(
            "No export has disk encryption set {set_name} of disk {name}: az disk-encryption-set \
             list tells it"
        );
        return Some(check(Unknown, says));
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
    Some(check.remedy(command.filter(|_| outcome == Fail)))
}

/// Export of a disk or a snapshot, by whoever has a link to it.
fn export(azure: &Azure, disk: &Disk, kind: &str, check: CheckKind) -> Check {
    let name = azure.label(&disk.id);
    let (policy, public) = (&disk.access_policy, &disk.public_access);
    let (outcome, says, setting) = if policy.is("DenyAll") {
        (Pass, "cannot be exported", policy)
    } else if policy.is("AllowPrivate") || public.is("Disabled") {
        (Pass, "can be exported to private networks alone", policy)
    } else if policy.is("AllowAll") || public.is("Enabled") {
        (Fail, "can be exported over the Internet", policy)
    } else {
        (Note, "does not say where it can be exported to", policy)
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

/// Support of Azure Disk Encryption by a VM that uses it: not on basic sizes, the A series and
/// version 6; on Linux it depends on the image.
pub(super) fn ade_support(azure: &Azure, vm: &VirtualMachine) -> Option<Check> {
    if !vm.ade.is_extension {
        return None;
    }
    let size = vm.size.value.as_deref().unwrap_or_default();
    let plain = size.to_ascii_lowercase();
    let is_without = plain.starts_with("basic_")
        || plain.starts_with("standard_a")
        || ["_v6", "_v7"].iter().any(|end| plain.ends_with(end));
    let field = Field::of(azure, &vm.id, &vm.size);
    let (outcome, says, field) = if is_without {
        (Fail, format!("size {size} does not support it"), field)
    } else if size.is_empty() {
        (Unknown, "no export has its size".to_owned(), field)
    } else if vm.os.is("Windows") {
        (Pass, format!("size {size} supports it"), field)
    } else {
        let says = "whether its Linux image supports it, Microsoft's support matrix tells";
        (Note, says.to_owned(), Field::of(azure, &vm.id, &vm.os))
    };
    let says = format!(
        "VM {} has Azure Disk Encryption: {says}",
        azure.label(&vm.id)
    );
    Some(Check::new(CheckKind::AdeSupport, outcome, says).field(field))
}

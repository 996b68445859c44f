//! Azure Disk Encryption (ADE): its support by a VM that uses it, and the volumes that it covers.

use super::Outcome::{Fail, Pass, Unknown};
use super::vm::who;
use super::{Check, CheckKind, Field, Outcome};
use crate::azure::ade_support::{self, AdeSupport};
use crate::azure::export::{Disk, VirtualMachine};
use crate::azure::topology::Azure;

/// Part of a VM's volumes that ADE covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdeCover {
    /// All of them, the temporary disk too.
    All,
    /// Some.
    Some,
    /// None.
    None,
    /// The exports do not tell.
    Untold,
}

/// Volumes that ADE covers, in a sentence, and the field that tells. It covers caches and
/// temporary disks only with `VolumeType` All.
pub(super) fn cover(
    azure: &Azure,
    vm: &VirtualMachine,
    system: Option<&Disk>,
) -> (AdeCover, &'static str, Field) {
    let ade = &vm.ade;
    let of_vm = |setting| Field::of(azure, &vm.id, setting);
    if ade.is_off() {
        let says = "Azure Disk Encryption was taken off it";
        return (AdeCover::None, says, of_vm(&ade.operation));
    }
    let is_done = ade.provisioned.is_absent() || ade.provisioned.is("Succeeded");
    if ade.is_extension && !is_done {
        let says = "Azure Disk Encryption of it did not succeed, or is not done";
        return (AdeCover::Untold, says, of_vm(&ade.provisioned));
    }
    if ade.volumes.is("All") {
        let says = "Azure Disk Encryption of all volumes, which is about disks and not about \
                    networks";
        return (AdeCover::All, says, of_vm(&ade.volumes));
    }
    if !ade.volumes.is_absent() {
        let says = "Azure Disk Encryption is of some volumes only";
        return (AdeCover::Some, says, of_vm(&ade.volumes));
    }
    if let Some(disk) = system.filter(|disk| disk.ade.flag() == Some(true)) {
        let says = "Azure Disk Encryption is of its system's disk, which covers caches and \
                    temporary disks only with VolumeType All";
        let field = Field::of(azure, &disk.id, &disk.ade);
        return (AdeCover::Untold, says, field);
    }
    without(azure, vm, system)
}

/// Cover of a VM that does not say that it has ADE.
fn without(
    azure: &Azure,
    vm: &VirtualMachine,
    system: Option<&Disk>,
) -> (AdeCover, &'static str, Field) {
    let ade = &vm.ade;
    let mut attached = vm.disks.iter();
    let is_blob = attached.any(|it| it.is_system() && it.blob.is_some());
    let is_told = system.is_some_and(|disk| disk.is_whole) || is_blob;
    let is_off = ade.enabled.flag() == Some(false) || (is_told && ade.enabled.is_absent());
    let field = Field::of(azure, &vm.id, &ade.enabled);
    if is_off {
        return (AdeCover::None, "it has no Azure Disk Encryption", field);
    }
    let says = "whether Azure Disk Encryption covers them is in no export";
    (AdeCover::Untold, says, field)
}

/// Support of ADE by the size of a VM that uses it, and by its image where it runs Linux.
pub(super) fn support(azure: &Azure, vm: &VirtualMachine) -> Option<Check> {
    let is_used = vm.ade.is_extension && !vm.ade.is_off();
    if !is_used && vm.ade.enabled.flag() != Some(true) {
        return None;
    }
    let by_size = by_size(azure, vm);
    let (outcome, says, field) = if by_size.0 == Pass && !vm.os.is("Windows") {
        by_image(azure, vm)
    } else {
        by_size
    };
    let says = format!("{} has Azure Disk Encryption: {says}", who(azure, vm));
    Some(Check::new(CheckKind::AdeSupport, outcome, says).field(field))
}

fn by_size(azure: &Azure, vm: &VirtualMachine) -> (Outcome, String, Field) {
    let field = Field::of(azure, &vm.id, &vm.size);
    let Some(size) = vm.size.value.as_deref() else {
        return (Unknown, "no export has its size".to_owned(), field);
    };
    let support = ade_support::of_size(size, !vm.os.is("Windows"));
    let (outcome, says) = held(vm, support);
    (outcome, format!("size {size} {says}"), field)
}

fn by_image(azure: &Azure, vm: &VirtualMachine) -> (Outcome, String, Field) {
    let field = Field::of(azure, &vm.id, &vm.image);
    let Some(image) = vm.image.value.as_deref() else {
        let says = "no export has its image, on which it depends with Linux";
        return (Unknown, says.to_owned(), field);
    };
    let (outcome, says) = held(vm, ade_support::of_image(image));
    (outcome, format!("image {image} {says}"), field)
}

/// Support held to the volumes that are encrypted.
fn held(vm: &VirtualMachine, support: AdeSupport) -> (Outcome, &'static str) {
    let volumes = &vm.ade.volumes;
    match support {
        AdeSupport::Supported => (Pass, "supports it"),
        AdeSupport::DataOnly if volumes.is("Data") => (Pass, "supports it, for data disks"),
        AdeSupport::DataOnly if volumes.is_absent() => (
            Unknown,
            "supports it for data disks alone, and the export does not tell which it has",
        ),
        AdeSupport::DataOnly => (Fail, "supports it for data disks alone"),
        AdeSupport::Unsupported => (Fail, "does not support it"),
        AdeSupport::Unknown => (
            Unknown,
            "is not on Microsoft's list, and may be a customer's or newer",
        ),
    }
}

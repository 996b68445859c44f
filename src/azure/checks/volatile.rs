//! Encryption of what the storage service does not encrypt: caches of disks, and temporary
//! disks. The host does, or Azure Disk Encryption in the VM, if it encrypts all volumes.

use super::Outcome::{Fail, Pass, Unknown};
use super::ade::{self, AdeCover};
use super::vm::who;
use super::{Check, CheckKind, Field, Outcome, remedy};
use crate::azure::export::{Disk, VirtualMachine};
use crate::azure::temporary_disks::has_temporary_disk;
use crate::azure::topology::Azure;

/// Kinds of checks, each with the words for what it is about.
const KINDS: [(CheckKind, &str); 2] = [
    (CheckKind::HostEncryption, "caches"),
    (CheckKind::TemporaryDisk, "temporary disk"),
];

/// Checks of a VM, whose system's disk is given where it was exported.
pub(super) fn of(azure: &Azure, vm: &VirtualMachine, system: Option<&Disk>) -> [Check; 2] {
    KINDS.map(|(kind, what)| {
        let (outcome, says, field) = match by_host(azure, vm) {
            Some((outcome, says, field)) => (outcome, says.to_owned(), field),
            None if kind == CheckKind::TemporaryDisk => temporary(azure, vm, system),
            None => by_ade(azure, vm, system, what),
        };
        let says = format!("{}, {what}: {says}", who(azure, vm));
        let command = (outcome != Pass).then(|| turn_on(vm, system)).flatten();
        Check::new(kind, outcome, says).field(field).remedy(command)
    })
}

/// Switches encryption at host on. Azure refuses that where Azure Disk Encryption is in use, or
/// ever was.
fn turn_on(vm: &VirtualMachine, system: Option<&Disk>) -> Option<String> {
    let by_disk = system.is_some_and(|disk| disk.ade.flag() == Some(true));
    let has_ade = vm.ade.is_extension || vm.ade.enabled.flag() == Some(true) || by_disk;
    let option = "--set securityProfile.encryptionAtHost=true";
    let command = remedy::change_stopped("vm update", &vm.id, &[option]);
    command.filter(|_| vm.is_whole && !has_ade)
}

/// Encryption at host, where it is on, or where the export does not tell.
fn by_host(azure: &Azure, vm: &VirtualMachine) -> Option<(Outcome, &'static str, Field)> {
    let setting = &vm.encryption_at_host;
    let (outcome, says) = match setting.flag() {
        Some(true) => (
            Pass,
            "it has encryption at host, of caches and temporary disks too",
        ),
        Some(false) => return None,
        None if !setting.is_absent() => (
            Unknown,
            "its encryption at host is something else than true or false",
        ),
        None if vm.is_whole => return None,
        None => (
            Unknown,
            "it was exported without its properties, which say if it has encryption at host",
        ),
    };
    Some((outcome, says, Field::of(azure, &vm.id, setting)))
}

/// Encryption by ADE, of a VM without encryption at host.
fn by_ade(
    azure: &Azure,
    vm: &VirtualMachine,
    system: Option<&Disk>,
    what: &str,
) -> (Outcome, String, Field) {
    let (cover, says, field) = ade::cover(azure, vm, system);
    let host = Field::of(azure, &vm.id, &vm.encryption_at_host);
    match cover {
        AdeCover::All => (Pass, says.to_owned(), field),
        AdeCover::Some => {
            let says = format!("no encryption at host, and {says}: not all of it is encrypted");
            (Fail, says, field)
        }
        AdeCover::None => {
            let says = format!("no encryption at host, and {says}: the {what} cannot be encrypted");
            (Fail, says, host)
        }
        AdeCover::Untold => (Unknown, format!("no encryption at host, and {says}"), field),
    }
}

/// A size without a temporary disk has nothing to encrypt.
fn temporary(
    azure: &Azure,
    vm: &VirtualMachine,
    system: Option<&Disk>,
) -> (Outcome, String, Field) {
    let size = vm.size.value.as_deref().unwrap_or_default();
    let has = has_temporary_disk(size);
    if has == Some(false) {
        let says = format!("size {size} has none");
        return (Pass, says, Field::of(azure, &vm.id, &vm.size));
    }
    let by_ade = by_ade(azure, vm, system, "temporary disk");
    if has == Some(true) || by_ade.0 == Pass {
        return by_ade;
    }
    let says = format!("no encryption at host, and no list tells if size {size} has one");
    (Unknown, says, Field::of(azure, &vm.id, &vm.size))
}

//! The client's VM and NIC: whether they can encrypt, and began to.

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, Field, Kind, Seen, remedy};
use crate::azure::export::{Nic, VirtualMachine};
use crate::azure::topology::{Azure, Place};
use crate::flow_log::State;

pub(super) fn of(azure: &Azure, client: &Place<'_>, seen: &Seen) -> [Check; 4] {
    let [size, accelerated, nic, restart] = by_exports(azure, client);
    [by_platform(size, seen), accelerated, nic, restart]
}

/// The platform knows the hardware of its hosts better than any list of sizes.
fn by_platform(size: Check, seen: &Seen) -> Check {
    let state = State::NxHwNotSupported;
    if !seen.states.contains(&state) {
        return size;
    }
    let says = "By the flow log, the hardware of a host on this path cannot encrypt";
    Check {
        outcome: Fail,
        says: format!("{says}. {}", size.says),
        field: Some(Field::logged(state)),
        ..size
    }
}

fn by_exports(azure: &Azure, client: &Place<'_>) -> [Check; 4] {
    let Some(nic) = client.nic else {
        let who = client
            .address
            .map_or("the client".to_owned(), |address| address.to_string());
        let says = format!("No NIC in the exports has the address of {who}");
        let says = says.replace("the address of the client", "the client's address");
        return [
            Kind::VmSize,
            Kind::AcceleratedNetworking,
            Kind::ClientNic,
            Kind::Restart,
        ]
        .map(|kind| Check::new(kind, Unknown, says.clone()));
    };
    let vm = client.vm;
    let can = Capable {
        size: vm.is_some_and(|vm| supports(azure, vm)),
        accelerated: nic.accelerated.flag() == Some(true),
    };
    [
        size(azure, nic, vm),
        accelerated(nic),
        supported(nic),
        restart(nic, vm, &can),
    ]
}

/// What a VM needs before a start can help.
struct Capable {
    size: bool,
    accelerated: bool,
}

fn supports(azure: &Azure, vm: &VirtualMachine) -> bool {
    vm.size
        .value
        .as_deref()
        .is_some_and(|size| azure.sizes.support(size))
}

fn size(azure: &Azure, nic: &Nic, vm: Option<&VirtualMachine>) -> Check {
    let check = |outcome, says: String| Check::new(Kind::VmSize, outcome, says);
    let Some(vm) = vm else {
        return check(
            Unknown,
            format!("No export has the VM of NIC {}", nic.id.name()),
        );
    };
    let name = vm.id.name();
    let check = match vm.size.value.as_deref() {
        None => check(Unknown, format!("VM {name} does not say its size")),
        Some(size) if azure.sizes.support(size) => check(
            Pass,
            format!("VM {name} has a size that supports encryption, {size}"),
        ),
        Some(size) if nic.supported.flag() == Some(true) => check(
            Pass,
            format!(
                "VM {name} has size {size}, which is not listed, but its NIC says that it supports encryption"
            ),
        ),
        Some(size) => check(
            Fail,
            format!("VM {name} has size {size}, which is not among those that support encryption"),
        )
        .maybe(remedy::change_stopped(
            "vm resize",
            &vm.id,
            "--size SUPPORTED_SIZE",
        )),
    };
    check.field(Field::of(&vm.id, &vm.size))
}

fn accelerated(nic: &Nic) -> Check {
    let name = nic.id.name();
    let (outcome, says) = match nic.accelerated.flag() {
        Some(true) => (Pass, format!("NIC {name} has accelerated networking")),
        Some(false) => (
            Fail,
            format!("NIC {name} has no accelerated networking, without which nothing is encrypted"),
        ),
        None => (
            Unknown,
            format!("NIC {name} does not say whether it has accelerated networking"),
        ),
    };
    let check = Check::new(Kind::AcceleratedNetworking, outcome, says);
    let check = check.field(Field::of(&nic.id, &nic.accelerated));
    if outcome == Fail && !remedy::is_of_scale_set(&nic.id) {
        let options = ["--accelerated-networking true"];
        return check.remedy(remedy::az("network nic update", &nic.id, &options));
    }
    check
}

fn supported(nic: &Nic) -> Check {
    let name = nic.id.name();
    let (outcome, says) = match nic.supported.flag() {
        Some(true) => (
            Pass,
            format!("NIC {name} says that its VM supports encryption"),
        ),
        Some(false) => (
            Fail,
            format!("NIC {name} says that its VM does not encrypt"),
        ),
        None => (
            Unknown,
            format!("NIC {name} does not say whether its VM supports encryption"),
        ),
    };
    Check::new(Kind::ClientNic, outcome, says).field(Field::of(&nic.id, &nic.supported))
}

/// Whether the VM was stopped and started since the VNet's encryption was switched on. No
/// export says when that was; that a NIC says `true` takes such a start.
fn restart(nic: &Nic, vm: Option<&VirtualMachine>, can: &Capable) -> Check {
    let nic_name = nic.id.name();
    let who = match vm {
        Some(vm) => format!("VM {} of NIC {nic_name}", vm.id.name()),
        None => format!("The VM of NIC {nic_name}"),
    };
    let (outcome, says) = match nic.supported.flag() {
        Some(true) => (
            Pass,
            "was stopped and started: that NIC supports encryption",
        ),
        Some(false) if is_deallocated(vm) => (
            Unknown,
            "is deallocated; its next start is the one that counts",
        ),
        Some(false) if can.size && can.accelerated => (
            Fail,
            "was not stopped (deallocated) and started since it could encrypt; a reboot does not count",
        ),
        Some(false) => (
            Unknown,
            "gains nothing from a stop and start before size and NIC allow encryption",
        ),
        None => return untold(vm, &who),
    };
    let vm = vm.filter(|_| outcome == Fail);
    Check {
        field: Some(Field::of(&nic.id, &nic.supported)),
        remedy: vm.map(|vm| remedy::stop_and_start(&vm.id)),
        ..Check::new(Kind::Restart, outcome, format!("{who} {says}"))
    }
}

fn is_deallocated(vm: Option<&VirtualMachine>) -> bool {
    let power = vm
        .and_then(|vm| vm.power.value.as_deref())
        .unwrap_or_default();
    power.to_ascii_lowercase().ends_with("deallocated")
}

/// The time of the last change is not that of a start: a reboot or an update shows as well.
fn untold(vm: Option<&VirtualMachine>, who: &str) -> Check {
    let says = format!(
        "Whether {} was stopped and started since is not in the exports",
        who.replace("The VM", "the VM")
    );
    let check = Check::new(Kind::Restart, Unknown, says);
    match vm {
        Some(vm) if !vm.provisioned.is_absent() => {
            let field = Field::of(&vm.id, &vm.provisioned);
            Check {
                says: format!(
                    "{}; its last change of any kind is of the time given",
                    check.says
                ),
                ..check
            }
            .field(field)
        }
        _ => check,
    }
}

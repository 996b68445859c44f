//! The client's VM and NIC: their capability of encryption, and its start.

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, CheckKind, Field, SeenFacts, remedy, server};
use crate::azure::export::{Nic, VirtualMachine};
use crate::azure::topology::{Azure, RouteEnds};
pub(super) use crate::azure::vm_sizes::Support;
use crate::flow_log::{Carried, State};

/// Checks of the VM itself, whatever its path.
const KINDS: [CheckKind; 4] = [
    CheckKind::VmSize,
    CheckKind::AcceleratedNetworking,
    CheckKind::ClientNic,
    CheckKind::Restart,
];

pub(super) fn of(azure: &Azure, ends: &RouteEnds<'_>, seen: &SeenFacts) -> Vec<Check> {
    let Some(nic) = ends.client.nic else {
        let says = without_nic(azure, ends);
        let checks = KINDS.map(|kind| Check::new(kind, Unknown, by_service(kind, &says)));
        return checks.map(|check| by_platform(check, seen)).into();
    };
    let vm = ends.client.vm;
    let checks = [
        size(azure, nic, vm),
        accelerated(azure, nic),
        supported(azure, nic, vm),
        restart(azure, nic, vm, seen),
    ];
    let checks = checks.map(|check| by_platform(check, seen));
    let confidential = confidential(azure, nic, vm);
    checks.into_iter().chain(confidential).collect()
}

/// The same sentence; for the size, with whom to ask where no VM of one's own has the address.
fn by_service(kind: CheckKind, says: &str) -> String {
    if kind != CheckKind::VmSize {
        return says.to_owned();
    }
    format!(
        "{says}; where a platform service (PaaS) stands behind it, the size of its hosts decides, \
         which its support tells"
    )
}

/// A confidential VM encrypts on the wire only with accelerated networking.
fn confidential(azure: &Azure, nic: &Nic, vm: Option<&VirtualMachine>) -> Option<Check> {
    let vm = vm?;
    let size = vm.size.value.as_deref().unwrap_or_default();
    let size = size.to_ascii_lowercase();
    let is_sized = ["standard_dc", "standard_ec"]
        .iter()
        .any(|it| size.starts_with(it));
    if !is_sized && !vm.security_type.is("ConfidentialVM") {
        return None;
    }
    let (outcome, says) = match nic.accelerated.flag() {
        Some(true) => (Pass, "is confidential, and has accelerated networking"),
        Some(false) => (Fail, "is confidential, and has no accelerated networking"),
        None => (
            Unknown,
            "is confidential, and does not say if it has accelerated networking",
        ),
    };
    let says = format!("{} {says}", who(azure, vm));
    let field = Field::of(azure, &nic.id, &nic.accelerated);
    Some(Check::new(CheckKind::ConfidentialVm, outcome, says).field(field))
}

/// The platform knows the hardware of its hosts better than any list of sizes.
fn by_platform(check: Check, seen: &SeenFacts) -> Check {
    let state = State::NxHwNotSupported;
    if check.check != CheckKind::VmSize || !seen.states.contains(&state) {
        return check;
    }
    let says = "By the flow log, the hardware of a host on this path cannot encrypt";
    let says = format!("{says}. {}", check.says);
    Check::new(CheckKind::VmSize, Fail, says)
        .field(Field::logged(state))
        .remedy(check.remedy)
}

fn without_nic(azure: &Azure, ends: &RouteEnds<'_>) -> String {
    let Some(address) = ends.client.address else {
        return "No NIC in the exports has the client's address".to_owned();
    };
    let names = server::names(azure, &ends.client_rivals);
    match &names[..] {
        [] => format!("No NIC in the exports has the address {address}"),
        [only] if ends.client.vnet_id.is_none() => format!(
            "{address} is the address of NIC {only}, whose network is not known to reach the \
             server: it is not taken for the client's"
        ),
        _ => format!(
            "{address} is the address of NICs {}, and nothing tells which of them is the client's",
            names.join(" and ")
        ),
    }
}

/// Name of a VM, or of the scale set whose model stands for it.
pub(super) fn who(azure: &Azure, vm: &VirtualMachine) -> String {
    let is_model = vm.id.kind().ends_with("/virtualmachinescalesets");
    let kind = if is_model { "Scale set" } else { "VM" };
    format!("{kind} {}", azure.label(&vm.id))
}

pub(super) fn support(azure: &Azure, vm: Option<&VirtualMachine>) -> Option<Support> {
    let size = vm?.size.value.as_deref()?;
    Some(azure.sizes.support(size))
}

fn size(azure: &Azure, nic: &Nic, vm: Option<&VirtualMachine>) -> Check {
    let Some(vm) = vm else {
        let says = format!("No export has the VM of NIC {}", azure.label(&nic.id));
        return Check::new(CheckKind::VmSize, Unknown, says);
    };
    let name = who(azure, vm);
    let size = vm.size.value.as_deref().unwrap_or_default();
    let by_nic = "but its NIC says that it supports encryption";
    let is_by_nic = nic.supported.flag() == Some(true);
    let (outcome, says) = match support(azure, Some(vm)) {
        None => (Unknown, format!("{name} does not say its size")),
        Some(Support::Listed) => (
            Pass,
            format!("{name} has a size that supports encryption, {size}"),
        ),
        Some(_) if is_by_nic => (
            Pass,
            format!("{name} has size {size}, which is not listed, {by_nic}"),
        ),
        Some(Support::Unlisted) => (
            Fail,
            format!("{name} has size {size}, which is not among those that support encryption"),
        ),
        Some(Support::Unknown) => (
            Unknown,
            format!("{name} has size {size}, which is newer than the list of sizes"),
        ),
    };
    Check::new(CheckKind::VmSize, outcome, says).field(Field::of(azure, &vm.id, &vm.size))
}

fn accelerated(azure: &Azure, nic: &Nic) -> Check {
    let name = azure.label(&nic.id);
    let (outcome, says) = match nic.accelerated.flag() {
        Some(true) => (Pass, "has accelerated networking"),
        Some(false) => (
            Fail,
            "has no accelerated networking, without which nothing is encrypted",
        ),
        None => (
            Unknown,
            "does not say whether it has accelerated networking",
        ),
    };
    let command = (outcome == Fail && !remedy::is_of_scale_set(&nic.id))
        .then(|| {
            let options = ["--accelerated-networking true"];
            remedy::az("network nic update", &nic.id, &options)
        })
        .flatten();
    let says = format!("NIC {name} {says}");
    Check::new(CheckKind::AcceleratedNetworking, outcome, says)
        .field(Field::of(azure, &nic.id, &nic.accelerated))
        .remedy(command)
}

/// The NIC of a VM that is deallocated says `false` whatever its next start brings.
fn supported(azure: &Azure, nic: &Nic, vm: Option<&VirtualMachine>) -> Check {
    let name = azure.label(&nic.id);
    let is_off = vm.is_some_and(VirtualMachine::is_deallocated);
    let (outcome, says) = match nic.supported.flag() {
        Some(true) => (Pass, "says that its VM supports encryption"),
        Some(false) if is_off => (
            Unknown,
            "says that its VM does not encrypt, which is deallocated: its next start decides",
        ),
        Some(false) => (Fail, "says that its VM does not encrypt"),
        None => (Unknown, "does not say whether its VM supports encryption"),
    };
    Check::new(CheckKind::ClientNic, outcome, format!("NIC {name} {says}")).field(Field::of(
        azure,
        &nic.id,
        &nic.supported,
    ))
}

/// Stop and start of the VM since the VNet's encryption was switched on. No export says when
/// that was; flow logs tell what became of it, and a NIC that it may.
fn restart(azure: &Azure, nic: &Nic, vm: Option<&VirtualMachine>, seen: &SeenFacts) -> Check {
    let nic_name = azure.label(&nic.id);
    let who = match vm {
        Some(vm) => format!("{} of NIC {nic_name}", who(azure, vm)),
        None => format!("The VM of NIC {nic_name}"),
    };
    if let Some(check) = logged(&who, seen) {
        return check;
    }
    let can = support(azure, vm) == Some(Support::Listed) && nic.accelerated.flag() == Some(true);
    let is_off = vm.is_some_and(VirtualMachine::is_deallocated);
    let (outcome, says) = match nic.supported.flag() {
        Some(true) => (
            Pass,
            "was stopped and started, as far as a field that states capability tells: its NIC \
             supports encryption; only flow logs show that it encrypts",
        ),
        Some(false) if is_off => (
            Unknown,
            "is deallocated; its next start is the one that counts",
        ),
        Some(false) if can => (
            Fail,
            "was not stopped (deallocated) and started since it could encrypt; a reboot does not count",
        ),
        Some(false) => (
            Unknown,
            "gains nothing from a stop and start before size and NIC allow encryption",
        ),
        None => return untold(azure, vm, &who),
    };
    let vm = vm.filter(|_| outcome == Fail);
    Check::new(CheckKind::Restart, outcome, format!("{who} {says}"))
        .field(Field::of(azure, &nic.id, &nic.supported))
        .remedy(vm.and_then(|vm| remedy::stop_and_start(&vm.id)))
}

/// The word of flow logs, where they say X, or that the host's software was not ready.
fn logged(who: &str, seen: &SeenFacts) -> Option<Check> {
    let (outcome, state, says) = if seen.states.contains(&State::NxSwNotReady) {
        let says = "shares a path on which the flow log has a host whose software is not ready";
        (Fail, State::NxSwNotReady, says)
    } else {
        let mut others = seen.states.iter().filter(|state| **state != State::X);
        let is_clear = |state: &State| state.carried() == Carried::Plaintext;
        if !seen.states.contains(&State::X) || others.any(is_clear) {
            return None;
        }
        let says = "encrypts by the flow log, which is one NIC's word for one hop";
        (Pass, State::X, says)
    };
    let check = Check::new(CheckKind::Restart, outcome, format!("{who} {says}"));
    Some(check.field(Field::logged(state)))
}

/// The time of the last change is not that of a start: a reboot or an update shows as well.
fn untold(azure: &Azure, vm: Option<&VirtualMachine>, who: &str) -> Check {
    let says = format!(
        "Whether {} was stopped and started since is not in the exports",
        who.replace("The VM", "the VM")
    );
    let Some(vm) = vm.filter(|vm| !vm.provisioned.is_absent()) else {
        return Check::new(CheckKind::Restart, Unknown, says);
    };
    let says = format!("{says}; its last change of any kind is of the time given");
    let field = Field::of(azure, &vm.id, &vm.provisioned);
    Check::new(CheckKind::Restart, Unknown, says).field(field)
}

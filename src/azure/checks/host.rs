//! Causes of plaintext whatever the configuration: a shared host, and IP fragments.

use super::Outcome::{Fail, Note, Pass};
use super::{Check, CheckKind, Field, FragmentsSeen, SeenFacts};
use crate::azure::export::{FileSystem, VirtualMachine};
use crate::azure::topology::{Azure, RouteEnds};
use crate::flow_log::State;

/// Two VMs of one host talk in plaintext by design. A flow log tells them. Exports do not
/// tell hosts, but VMs in different regions or zones share none.
pub(super) fn same(azure: &Azure, ends: &RouteEnds<'_>, seen: &SeenFacts) -> Check {
    let check = |outcome, says: String| Check::new(CheckKind::SameHost, outcome, says);
    if seen.states.contains(&State::NxLocalDst) {
        let says = "By the flow log, client and server share a host, where traffic is in \
                    plaintext by design";
        return check(Fail, says.to_owned()).field(Field::logged(State::NxLocalDst));
    }
    let apart = ends
        .client
        .vm
        .zip(ends.file_system)
        .and_then(|(vm, it)| apart(azure, vm, it));
    if let Some((what, field)) = apart {
        return check(Pass, format!("Client and servers are in different {what}")).field(field);
    }
    let says = "No export ever tells if client and server share a host, where traffic is in \
                plaintext by design";
    let check = check(Note, says.to_owned());
    match ends.client.vm {
        Some(vm) if !vm.placement.is_absent() => {
            check.field(Field::of(azure, &vm.id, &vm.placement))
        }
        _ => check,
    }
}

/// Difference of region or zone that keeps a VM and a file system on different hosts. Zones
/// have the same numbers in one subscription only.
fn apart(
    azure: &Azure,
    vm: &VirtualMachine,
    file_system: &FileSystem,
) -> Option<(&'static str, Field)> {
    let plain = |location: &str| location.replace(' ', "").to_ascii_lowercase();
    let (near, far) = (vm.location.as_deref(), file_system.location.as_deref());
    if let (Some(near), Some(far)) = (near, far)
        && plain(near) != plain(far)
    {
        let field = Field::at(azure, &vm.id, "location", Some(near.to_owned()));
        return Some(("regions", field));
    }
    let is_one = vm.id.subscription() == file_system.id.subscription();
    match (&vm.zones[..], &file_system.zones[..]) {
        ([near], [far]) if is_one && near != far => {
            let field = Field::at(azure, &vm.id, "zones", Some(near.clone()));
            Some(("zones", field))
        }
        _ => None,
    }
}

pub(super) fn fragments(fragments: FragmentsSeen) -> Check {
    let (outcome, says) = match fragments {
        FragmentsSeen::Seen => (
            Fail,
            "The capture shows IP fragments without their first; fragments are not encrypted or are dropped",
        ),
        FragmentsSeen::NoneAlone => (
            Note,
            "The capture shows no IP fragment without its first; others are not told from whole packets",
        ),
        FragmentsSeen::NoCapture => (
            Note,
            "No export ever tells if packets are fragmented, which keeps them from being encrypted, and nothing was captured",
        ),
    };
    Check::new(CheckKind::Fragments, outcome, says)
}

//! The server's end: statements of its NICs, and maintenance of the file system.

use super::Outcome::{Fail, Note, Pass, Unknown};
use super::{Check, CheckKind, Field};
use crate::azure::export::{FileSystem, Nic, ResourceId};
use crate::azure::topology::{Azure, RouteEnds};

pub(super) fn of(azure: &Azure, ends: &RouteEnds<'_>) -> Vec<Check> {
    let nics = ends.server_nics.iter();
    let mut checks: Vec<Check> = nics.map(|nic| server_nic(azure, nic)).collect();
    if checks.is_empty() {
        checks.push(Check::new(
            CheckKind::ServerNic,
            Unknown,
            without_nic(azure, ends),
        ));
    }
    checks.push(maintenance(azure, ends));
    checks
}

fn without_nic(azure: &Azure, ends: &RouteEnds<'_>) -> String {
    let names = names(azure, &ends.server_rivals);
    match (ends.server.address, &names[..]) {
        (Some(address), [_, _, ..]) => format!(
            "{address} is the address of NICs {}, and nothing tells which of them is the server's",
            names.join(" and ")
        ),
        _ => "No NIC of the server (amlfs-*-snic) is in the exports, and the size of the hosts \
              behind a platform service (PaaS) decides: Microsoft's support tells it"
            .to_owned(),
    }
}

pub(super) fn names(azure: &Azure, ids: &[&ResourceId]) -> Vec<String> {
    ids.iter().map(|id| azure.label(id)).collect()
}

fn server_nic(azure: &Azure, nic: &Nic) -> Check {
    let name = azure.label(&nic.id);
    let (outcome, says) = match nic.supported.flag() {
        Some(true) => (Pass, "says that its server supports encryption"),
        Some(false) => (Fail, "says that its server does not encrypt"),
        None => (
            Unknown,
            "does not say whether its server supports encryption",
        ),
    };
    Check::new(CheckKind::ServerNic, outcome, format!("NIC {name} {says}")).field(Field::of(
        azure,
        &nic.id,
        &nic.supported,
    ))
}

/// Servers begin to encrypt with a maintenance reboot. A NIC that says `false` shows that it
/// is still to come; nothing shows that it was.
fn maintenance(azure: &Azure, ends: &RouteEnds<'_>) -> Check {
    let mut nics = ends.server_nics.iter();
    let silent = nics.find(|nic| nic.supported.flag() == Some(false));
    let when = ends.file_system.map(|it| window(azure, it));
    let when = when.unwrap_or_default();
    if let Some(nic) = silent {
        let says = format!("Servers encrypt only after the next maintenance{when}");
        let field = Field::of(azure, &nic.id, &nic.supported);
        return Check::new(CheckKind::Maintenance, Fail, says).field(field);
    }
    let says = format!(
        "No export ever tells if maintenance rebooted the servers since the VNet's encryption was \
         switched on{when}"
    );
    let check = Check::new(CheckKind::Maintenance, Note, says);
    match ends.file_system {
        Some(it) if it.window.is_some() => check.field(Field::at(
            azure,
            &it.id,
            "maintenanceWindow",
            it.window.clone(),
        )),
        _ => check,
    }
}

/// Time at which maintenance is to be expected.
fn window(azure: &Azure, file_system: &FileSystem) -> String {
    match &file_system.window {
        Some(window) => {
            let name = azure.label(&file_system.id);
            format!("; the maintenance window of {name} is {window}")
        }
        None => String::new(),
    }
}

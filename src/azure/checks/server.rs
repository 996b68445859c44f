//! The server's end: what its NICs say, and whether the file system was maintained since.

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, Field, Kind};
use crate::azure::export::{FileSystem, Nic};
use crate::azure::topology::Ends;

pub(super) fn of(ends: &Ends<'_>) -> Vec<Check> {
    let mut checks: Vec<Check> = ends.server_nics.iter().map(|nic| server_nic(nic)).collect();
    if checks.is_empty() {
        let says = "No NIC of the server (amlfs-*-snic) is in the exports";
        checks.push(Check::new(Kind::ServerNic, Unknown, says));
    }
    checks.push(maintenance(ends));
    checks
}

fn server_nic(nic: &Nic) -> Check {
    let name = nic.id.name();
    let (outcome, says) = match nic.supported.flag() {
        Some(true) => (
            Pass,
            format!("NIC {name} says that its server supports encryption"),
        ),
        Some(false) => (
            Fail,
            format!("NIC {name} says that its server does not encrypt"),
        ),
        None => (
            Unknown,
            format!("NIC {name} does not say whether its server supports encryption"),
        ),
    };
    Check::new(Kind::ServerNic, outcome, says).field(Field::of(&nic.id, &nic.supported))
}

/// Servers begin to encrypt with a maintenance reboot. That a NIC says `false` shows that
/// it is still to come; nothing shows that it was.
fn maintenance(ends: &Ends<'_>) -> Check {
    let silent = ends
        .server_nics
        .iter()
        .find(|nic| nic.supported.flag() == Some(false));
    let when = ends.file_system.map(window).unwrap_or_default();
    let check = match silent {
        Some(nic) => {
            let says = format!("Servers encrypt only after the next maintenance{when}");
            let field = Field::of(&nic.id, &nic.supported);
            return Check::new(Kind::Maintenance, Fail, says).field(field);
        }
        None => Check::new(
            Kind::Maintenance,
            Unknown,
            format!(
                "Whether the servers were rebooted by maintenance since the VNet's encryption was switched on is in no export{when}"
            ),
        ),
    };
    match ends.file_system {
        Some(it) if it.window.is_some() => {
            check.field(Field::at(&it.id, "maintenanceWindow", it.window.clone()))
        }
        _ => check,
    }
}

/// When maintenance is to be expected.
fn window(file_system: &FileSystem) -> String {
    match &file_system.window {
        Some(window) => {
            let name = file_system.id.name();
            format!("; the maintenance window of {name} is {window}")
        }
        None => String::new(),
    }
}

//! Encryption of the VNets at both ends, and its enforcement.

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, Field, Kind, remedy};
use crate::azure::export::VirtualNetwork;
use crate::azure::topology::{Ends, FoundBy, Place};

pub(super) fn of(ends: &Ends<'_>) -> Vec<Check> {
    let (client, server) = (&ends.client, &ends.server);
    let mut checks = vec![
        vnet(Kind::ClientVnet, client, "client"),
        vnet(Kind::ServerVnet, server, "server"),
    ];
    checks.extend(client.vnet.map(enforcement));
    if server.vnet_id() != client.vnet_id() {
        checks.extend(server.vnet.map(enforcement));
    }
    checks
}

fn vnet(kind: Kind, place: &Place<'_>, end: &str) -> Check {
    let Some(vnet) = place.vnet else {
        return missing(kind, place, end);
    };
    let (name, setting) = (vnet.id.name(), &vnet.encryption);
    let found = found_by(place);
    let check = match setting.flag() {
        Some(true) => Check::new(kind, Pass, format!("VNet {name} has encryption on{found}")),
        Some(false) => Check::new(kind, Fail, format!("VNet {name} has encryption off{found}")),
        None if setting.is_absent() => Check::new(
            kind,
            Fail,
            format!("VNet {name} has encryption off: it has no encryption.enabled{found}"),
        ),
        None => Check::new(
            kind,
            Unknown,
            format!("VNet {name} has something else than true or false for its encryption{found}"),
        ),
    };
    let check = check.field(Field::of(&vnet.id, setting));
    if check.outcome == Pass {
        check
    } else {
        check.remedy(turn_on(vnet))
    }
}

fn turn_on(vnet: &VirtualNetwork) -> String {
    let options = [
        "--enable-encryption true",
        "--encryption-enforcement-policy AllowUnencrypted",
    ];
    remedy::az("network vnet update", &vnet.id, &options)
}

fn missing(kind: Kind, place: &Place<'_>, end: &str) -> Check {
    let says = match (place.vnet_id(), place.address) {
        (Some(id), _) => format!("VNet {} of the {end} is in no export", id.name()),
        (None, Some(address)) => format!("No VNet in the exports is known to hold {address}"),
        (None, None) => format!("No export tells the VNet of the {end}"),
    };
    Check::new(kind, Unknown, says)
}

fn found_by(place: &Place<'_>) -> String {
    match (place.found_by, place.address) {
        (Some(FoundBy::Prefix), Some(address)) => {
            format!(" (found by its addresses: no NIC in the exports has {address})")
        }
        _ => String::new(),
    }
}

/// `AllowUnencrypted` lets plaintext pass, so it promises nothing, and is no cause either.
fn enforcement(vnet: &VirtualNetwork) -> Check {
    let (name, setting) = (vnet.id.name(), &vnet.enforcement);
    let (outcome, says) = if vnet.encryption.flag() != Some(true) {
        (
            Unknown,
            format!("VNet {name} enforces nothing while its encryption is not on"),
        )
    } else if setting.is("DropUnencrypted") {
        (Pass, format!("VNet {name} drops what cannot be encrypted"))
    } else if setting.is("AllowUnencrypted") {
        let says = "permits plaintext: what cannot be encrypted is sent all the same";
        (Unknown, format!("VNet {name} {says}"))
    } else {
        (
            Unknown,
            format!("VNet {name} does not say what becomes of what cannot be encrypted"),
        )
    };
    Check::new(Kind::Enforcement, outcome, says).field(Field::of(&vnet.id, setting))
}

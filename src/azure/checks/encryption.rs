//! Encryption of the VNets at both ends, and its enforcement.

use super::Outcome::{Fail, Note, Pass, Unknown};
use super::{Check, CheckKind, Field, remedy};
use crate::azure::export::VirtualNetwork;
use crate::azure::topology::{Azure, FoundBy, RouteEnd, RouteEnds};

pub(super) fn of(azure: &Azure, ends: &RouteEnds<'_>) -> Vec<Check> {
    let (client, server) = (&ends.client, &ends.server);
    let mut checks = vec![
        vnet(azure, CheckKind::ClientVnet, client, "client"),
        vnet(azure, CheckKind::ServerVnet, server, "server"),
    ];
    checks.extend(client.vnet.map(|vnet| enforcement(azure, vnet)));
    if server.vnet_id != client.vnet_id {
        checks.extend(server.vnet.map(|vnet| enforcement(azure, vnet)));
    }
    checks
}

fn vnet(azure: &Azure, kind: CheckKind, place: &RouteEnd<'_>, end: &str) -> Check {
    match place.vnet {
        Some(vnet) => switched(azure, kind, vnet, &found_by(place)),
        None => missing(azure, kind, place, end),
    }
}

/// Encryption of a VNet. An absent field means that it is off where the export has all
/// others, and nothing where it has not.
pub(super) fn switched(
    azure: &Azure,
    kind: CheckKind,
    vnet: &VirtualNetwork,
    found: &str,
) -> Check {
    let (name, setting) = (azure.label(&vnet.id), &vnet.encryption);
    let (outcome, says) = match setting.flag() {
        Some(true) => (Pass, "has encryption on"),
        Some(false) => (Fail, "has encryption off"),
        None if !setting.is_absent() => (
            Unknown,
            "has something else than true or false for its encryption",
        ),
        None if vnet.is_whole => (Fail, "has encryption off: it has no encryption.enabled"),
        None => (
            Unknown,
            "was exported without its properties, which say if encryption is on",
        ),
    };
    let command = (outcome == Fail).then(|| turn_on(azure, vnet)).flatten();
    let then = if outcome == Fail && is_dropping(vnet) {
        "; once it is on, DropUnencrypted drops what cannot be encrypted"
    } else {
        ""
    };
    Check::new(kind, outcome, format!("VNet {name} {says}{found}{then}"))
        .field(Field::of(azure, &vnet.id, setting))
        .remedy(command)
}

/// Switches encryption on, with the enforcement that the VNet has, so that what is meant to be
/// dropped is never let through; nothing where a Private Link service forbids it.
pub(super) fn turn_on(azure: &Azure, vnet: &VirtualNetwork) -> Option<String> {
    if azure.private_links(vnet).next().is_some() {
        return None;
    }
    let policy = if is_dropping(vnet) {
        "DropUnencrypted"
    } else {
        "AllowUnencrypted"
    };
    let policy = format!("--encryption-enforcement-policy {policy}");
    remedy::az(
        "network vnet update",
        &vnet.id,
        &["--enable-encryption true", &policy],
    )
}

/// Tells if a VNet is to drop what cannot be encrypted, once its encryption is on.
fn is_dropping(vnet: &VirtualNetwork) -> bool {
    vnet.enforcement.is("DropUnencrypted")
}

fn missing(azure: &Azure, kind: CheckKind, place: &RouteEnd<'_>, end: &str) -> Check {
    let says = match (place.vnet_id, place.address) {
        (Some(id), _) => format!("VNet {} of the {end} is in no export", azure.label(id)),
        (None, Some(address)) => format!("No VNet in the exports is known to hold {address}"),
        (None, None) => format!("No export tells the VNet of the {end}"),
    };
    Check::new(kind, Unknown, says)
}

fn found_by(place: &RouteEnd<'_>) -> String {
    match (place.found_by, place.address) {
        (Some(FoundBy::Prefix), Some(address)) => {
            format!(" (found by its addresses: no NIC in the exports is known to have {address})")
        }
        _ => String::new(),
    }
}

/// `AllowUnencrypted` lets plaintext pass, so it promises nothing, and is no cause either.
fn enforcement(azure: &Azure, vnet: &VirtualNetwork) -> Check {
    let (name, setting) = (azure.label(&vnet.id), &vnet.enforcement);
    let (outcome, says) = if vnet.encryption.flag() != Some(true) {
        (Note, "enforces nothing while its encryption is not on")
    } else if is_dropping(vnet) {
        (Pass, "drops what cannot be encrypted")
    } else if setting.is("AllowUnencrypted") {
        let says = "permits plaintext: what cannot be encrypted is sent all the same";
        (Note, says)
    } else {
        (
            Unknown,
            "does not say what becomes of what cannot be encrypted",
        )
    };
    Check::new(
        CheckKind::Enforcement,
        outcome,
        format!("VNet {name} {says}"),
    )
    .field(Field::of(azure, &vnet.id, setting))
}

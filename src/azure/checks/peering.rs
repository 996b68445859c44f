//! Peerings between the VNets of a path: their state, and their knowledge of the far VNet's
//! encryption.

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, CheckKind, Field, remedy};
use crate::azure::export::{Peering, ResourceId};
use crate::azure::topology::{Azure, Route, RouteEnds};

pub(super) fn of(azure: &Azure, ends: &RouteEnds<'_>, route: &Route<'_>) -> Vec<Check> {
    let check = |outcome, says| vec![Check::new(CheckKind::Peering, outcome, says)];
    let (client, server) = (ends.client.vnet_id, ends.server.vnet_id);
    let (Some(client), Some(server)) = (client, server) else {
        let says = "Whether the two ends are in one VNet or in peered ones is not in the exports";
        return check(Unknown, says.to_owned());
    };
    match route {
        Route::Within => check(
            Pass,
            format!(
                "Both ends are in VNet {}: no peering is between them",
                azure.label(client)
            ),
        ),
        Route::Peered(_) => hop(azure, client, server),
        Route::Through(between) => {
            let mut way = vec![client];
            way.extend(between.iter().copied());
            way.push(server);
            let hops = way.windows(2);
            hops.flat_map(|hop_| hop(azure, hop_[0], hop_[1])).collect()
        }
        Route::None(why) => vec![
            Check::new(
                CheckKind::Peering,
                Fail,
                format!("Nothing joins the two ends: {why}"),
            )
            .blocks(),
        ],
        Route::Unknown(why) => check(
            Unknown,
            format!("Whether anything joins the two ends is not in the exports: {why}"),
        ),
    }
}

/// Peerings of two VNets, both ways.
fn hop(azure: &Azure, near: &ResourceId, far: &ResourceId) -> Vec<Check> {
    let found = azure.peerings(near, far);
    let is_missing = |(near, _): &(&ResourceId, _)| {
        let mut local = found.iter().map(|peering| peering.local.as_ref());
        !local.any(|local| local == Some(*near))
    };
    let ways = [(near, far), (far, near)].into_iter();
    let missing = ways.filter(is_missing);
    let missing: Vec<Check> = missing
        .map(|(near, far)| absent(azure, near, far))
        .collect();
    let found = found.iter().map(|peering| one_way(azure, peering));
    found.chain(missing).collect()
}

fn absent(azure: &Azure, near: &ResourceId, far: &ResourceId) -> Check {
    let (near, far) = (azure.label(near), azure.label(far));
    let says = format!("No export has the way of the peering from VNet {near} to VNet {far}");
    Check::new(CheckKind::Peering, Unknown, says)
}

fn one_way(azure: &Azure, peering: &Peering) -> Check {
    if !peering.state.is("Connected") {
        return unconnected(azure, peering);
    }
    let (name, far) = (azure.label(&peering.id), far(azure, peering));
    if peering.access.flag() == Some(false) {
        let says = format!("Peering {name} to VNet {far} lets no traffic pass");
        let field = Field::of(azure, &peering.id, &peering.access);
        let check = Check::new(CheckKind::Peering, Fail, says).blocks();
        return check.field(field).remedy(open(peering));
    }
    let encrypted = &peering.remote_encryption;
    let (outcome, says) = match encrypted.flag() {
        Some(true) => (Pass, format!("knows VNet {far} to be encrypted")),
        Some(false) => (Fail, format!("knows VNet {far} not to be encrypted")),
        None => (
            Unknown,
            format!("does not say whether VNet {far} is encrypted"),
        ),
    };
    let command = (outcome == Fail).then(|| encrypt(azure, peering)).flatten();
    Check::new(
        CheckKind::Peering,
        outcome,
        format!("Peering {name} {says}"),
    )
    .remedy(command)
    .field(Field::of(azure, &peering.id, encrypted))
}

fn unconnected(azure: &Azure, peering: &Peering) -> Check {
    let (name, far) = (azure.label(&peering.id), far(azure, peering));
    let (outcome, says) = if peering.state.is_absent() {
        (Unknown, "does not say whether it is connected".to_owned())
    } else {
        let says =
            format!("to VNet {far} is not connected, which takes both ways of it: nothing passes");
        (Fail, says)
    };
    Check::new(
        CheckKind::Peering,
        outcome,
        format!("Peering {name} {says}"),
    )
    .blocks()
    .field(Field::of(azure, &peering.id, &peering.state))
}

fn far(azure: &Azure, peering: &Peering) -> String {
    let far = peering.remote.as_ref();
    far.map_or_else(|| "of no name".to_owned(), |id| azure.label(id))
}

/// Encrypts the far VNet; where it is, brings the peering's knowledge of it up to date.
fn encrypt(azure: &Azure, peering: &Peering) -> Option<String> {
    let far = azure.export.vnets.get(peering.remote.as_ref()?)?;
    if far.encryption.flag() == Some(true) {
        return remedy::within("network vnet peering sync", "--vnet-name", &peering.id, &[]);
    }
    super::encryption::turn_on(azure, far)
}

fn open(peering: &Peering) -> Option<String> {
    let options = ["--set allowVirtualNetworkAccess=true"];
    remedy::within(
        "network vnet peering update",
        "--vnet-name",
        &peering.id,
        &options,
    )
}

//! The peering between the VNets at both ends: whether it is connected, and whether each
//! end knows the other to be encrypted.

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, Field, Kind, remedy};
use crate::azure::export::{Peering, ResourceId};
use crate::azure::topology::{Azure, Ends};

pub(super) fn of(azure: &Azure, ends: &Ends<'_>) -> Vec<Check> {
    let (Some(client), Some(server)) = (ends.client.vnet_id(), ends.server.vnet_id()) else {
        let says = "Whether the two ends are in one VNet or in peered ones is not in the exports";
        return vec![Check::new(Kind::Peering, Unknown, says)];
    };
    if client == server {
        let says = format!(
            "Both ends are in VNet {}: no peering is between them",
            client.name()
        );
        return vec![Check::new(Kind::Peering, Pass, says)];
    }
    let found: Vec<&Peering> = azure.peerings(&client, &server).collect();
    let is_missing = |(near, _): &(&ResourceId, _)| {
        let mut local = found.iter().filter_map(|peering| peering.local());
        !local.any(|local| local == **near)
    };
    let ways = [(&client, &server), (&server, &client)].into_iter();
    let missing = ways.filter(is_missing);
    let missing: Vec<Check> = missing.map(|(near, far)| absent(near, far)).collect();
    let found = found.iter().map(|peering| one_way(peering));
    found.chain(missing).collect()
}

fn absent(near: &ResourceId, far: &ResourceId) -> Check {
    let (near, far) = (near.name(), far.name());
    let says = format!(
        "No export has a peering from VNet {near} to VNet {far}; \
         VNet encryption covers no other way between them"
    );
    Check::new(Kind::Peering, Unknown, says)
}

fn one_way(peering: &Peering) -> Check {
    if !peering.state.is("Connected") {
        return unconnected(peering);
    }
    let (name, far) = (peering.id.name(), far(peering));
    let encrypted = &peering.remote_encryption;
    let (outcome, says) = match encrypted.flag() {
        Some(true) => (Pass, format!("knows VNet {far} to be encrypted")),
        Some(false) => (Fail, format!("knows VNet {far} not to be encrypted")),
        None => (
            Unknown,
            format!("does not say whether VNet {far} is encrypted"),
        ),
    };
    let remote = peering.remote.as_ref().filter(|_| outcome == Fail);
    let check = Check {
        remedy: remote.map(turn_on),
        ..Check::new(Kind::Peering, outcome, format!("Peering {name} {says}"))
    };
    check.field(Field::of(&peering.id, encrypted))
}

fn unconnected(peering: &Peering) -> Check {
    let (name, far) = (peering.id.name(), far(peering));
    let (outcome, says) = if peering.state.is_absent() {
        (Unknown, "does not say whether it is connected".to_owned())
    } else {
        let says = format!("to VNet {far} is not connected, which takes both ways of it");
        (Fail, says)
    };
    let check = Check::new(Kind::Peering, outcome, format!("Peering {name} {says}"));
    check.field(Field::of(&peering.id, &peering.state))
}

fn far(peering: &Peering) -> &str {
    let far = peering.remote.as_ref();
    far.map_or("of no name", ResourceId::name)
}

fn turn_on(far: &ResourceId) -> String {
    remedy::az("network vnet update", far, &["--enable-encryption true"])
}

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
    let missing = [(&client, &server), (&server, &client)]
        .into_iter()
        .filter(|(near, _)| {
            !found
                .iter()
                .any(|peering| peering.local().as_ref() == Some(near))
        });
    let missing = missing.map(|(near, far)| absent(near, far));
    found
        .iter()
        .map(|peering| one_way(peering))
        .chain(missing)
        .collect()
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
    let name = peering.id.name();
    let far = peering
        .remote
        .as_ref()
        .map_or("the far one", ResourceId::name);
    let encrypted = &peering.remote_encryption;
    let check = |outcome, says: String| Check::new(Kind::Peering, outcome, says);
    let state = Field::of(&peering.id, &peering.state);
    let encryption = Field::of(&peering.id, encrypted);
    if peering.state.is_absent() {
        return check(
            Unknown,
            format!("Peering {name} does not say whether it is connected"),
        )
        .field(state);
    }
    if !peering.state.is("Connected") {
        return check(
            Fail,
            format!("Peering {name} to VNet {far} is not connected"),
        )
        .field(state);
    }
    let check = match encrypted.flag() {
        Some(true) => check(
            Pass,
            format!("Peering {name} knows VNet {far} to be encrypted"),
        ),
        Some(false) => {
            let check = check(
                Fail,
                format!("Peering {name} knows VNet {far} not to be encrypted"),
            );
            match &peering.remote {
                Some(far) => check.remedy(turn_on(far)),
                None => check,
            }
        }
        None => check(
            Unknown,
            format!("Peering {name} does not say whether VNet {far} is encrypted"),
        ),
    };
    check.field(encryption)
}

fn turn_on(far: &ResourceId) -> String {
    remedy::az("network vnet update", far, &["--enable-encryption true"])
}

//! VNets between those of client and server, as in a hub with spokes. VNet encryption covers
//! such a way hop by hop, between VMs that support it.

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, CheckKind, Field, encryption};
use crate::azure::export::{Nic, Peering, ResourceId};
use crate::azure::topology::{Azure, Route, RouteEnds};

pub(super) fn of(azure: &Azure, ends: &RouteEnds<'_>, route: &Route<'_>) -> Vec<Check> {
    let Route::Through(between) = route else {
        return Vec::new();
    };
    let mut checks: Vec<Check> = between
        .iter()
        .flat_map(|vnet| of_vnet(azure, vnet))
        .collect();
    checks.extend(forwarding(azure, ends, between));
    checks.push(covers(azure, between));
    checks
}

/// The part of the way that encryption covers, which rests on who forwards the traffic.
fn covers(azure: &Azure, between: &[&ResourceId]) -> Check {
    let names: Vec<String> = between.iter().map(|vnet| azure.label(vnet)).collect();
    let says = format!(
        "The way leads through VNet {}. VNet encryption covers each hop of it between VMs that \
         support it, an appliance being one, and not what a gateway or a firewall service \
         forwards; an appliance reads what it forwards. X in a flow log is one NIC's word for one \
         hop",
        names.join(" and ")
    );
    Check::new(CheckKind::Hub, Unknown, says)
}

/// Peerings of both ends towards the VNets in between that refuse what an appliance forwards.
fn forwarding(azure: &Azure, ends: &RouteEnds<'_>, between: &[&ResourceId]) -> Vec<Check> {
    let outer = [ends.client.vnet_id, ends.server.vnet_id];
    let peerings = azure.export.peerings.values();
    let refusing = peerings.filter(|peering| {
        let is_towards = peering
            .remote
            .as_ref()
            .is_some_and(|far| between.contains(&far));
        let is_outer = peering.local.is_some() && outer.contains(&peering.local.as_ref());
        is_towards && is_outer && peering.forwarded.flag() == Some(false)
    });
    let check = |peering: &Peering| {
        let says = format!(
            "Peering {} refuses forwarded traffic, which an appliance needs and a gateway does not",
            azure.label(&peering.id)
        );
        let field = Field::of(azure, &peering.id, &peering.forwarded);
        Check::new(CheckKind::Hub, Unknown, says).field(field)
    };
    refusing.map(check).collect()
}

fn of_vnet(azure: &Azure, id: &ResourceId) -> Vec<Check> {
    let Some(vnet) = azure.export.vnets.get(id) else {
        let says = format!("VNet {}, on the way, is in no export", azure.label(id));
        return vec![Check::new(CheckKind::Hub, Unknown, says)];
    };
    let mut checks = vec![encryption::switched(
        azure,
        CheckKind::Hub,
        vnet,
        ", on the way",
    )];
    let appliances = azure.forwarding_nics(id);
    checks.extend(appliances.map(|nic| appliance(azure, nic)));
    checks
}

/// An appliance is a VM like others, whose NIC forwards.
fn appliance(azure: &Azure, nic: &Nic) -> Check {
    let name = azure.label(&nic.id);
    let (outcome, says, setting) = match (nic.supported.flag(), nic.accelerated.flag()) {
        (_, Some(false)) => (
            Fail,
            "has no accelerated networking, without which nothing is encrypted",
            &nic.accelerated,
        ),
        (Some(false), _) => (Fail, "says that its VM does not encrypt", &nic.supported),
        (Some(true), _) => (Pass, "says that its VM supports encryption", &nic.supported),
        (None, _) => (
            Unknown,
            "does not say whether its VM supports encryption",
            &nic.supported,
        ),
    };
    let says = format!("NIC {name}, which forwards on the way, {says}");
    Check::new(CheckKind::Hub, outcome, says).field(Field::of(azure, &nic.id, setting))
}

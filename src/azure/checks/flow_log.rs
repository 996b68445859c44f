//! Whether a VNet flow log could tell what the wire carried.

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, Field, Kind, remedy};
use crate::azure::export::{FileSystem, FlowLog, ResourceId};
use crate::azure::topology::Azure;

pub(super) fn of(azure: &Azure, file_system: &FileSystem) -> Check {
    let Some(vnet) = file_system.vnet() else {
        let says = format!("No export tells the VNet of {}", file_system.id.name());
        return Check::new(Kind::FlowLog, Unknown, says);
    };
    let targets = [Some(&vnet), file_system.subnet.as_ref()];
    let logs = azure.export.flow_logs.values();
    let logs = logs.filter(|log| log.target.is_some() && targets.contains(&log.target.as_ref()));
    let best = logs.max_by_key(|log| log.enabled.flag());
    let check = best.map_or_else(|| none(&vnet), |log| one(log, &vnet));
    if check.outcome == Pass {
        return check;
    }
    let known = azure.export.vnets.get(&vnet);
    let location = known.and_then(|known| known.location.as_deref());
    check.remedy(create(&vnet, location))
}

fn one(log: &FlowLog, vnet: &ResourceId) -> Check {
    let (log_name, name) = (log.id.name(), vnet.name());
    let (outcome, says) = match log.enabled.flag() {
        Some(true) => (
            Pass,
            format!("Flow log {log_name} tells what VNet {name} encrypted"),
        ),
        Some(false) => (
            Fail,
            format!("Flow log {log_name} of VNet {name} is switched off"),
        ),
        None => (
            Unknown,
            format!("Flow log {log_name} does not say whether it is on"),
        ),
    };
    Check::new(Kind::FlowLog, outcome, says).field(Field::of(&log.id, &log.enabled))
}

fn none(vnet: &ResourceId) -> Check {
    let says = format!(
        "No export has a flow log of VNet {}, which alone tells what the wire carried; \
         those of NSGs have no encryption field",
        vnet.name()
    );
    Check::new(Kind::FlowLog, Unknown, says)
}

fn create(vnet: &ResourceId, location: Option<&str>) -> String {
    format!(
        "az network watcher flow-log create --location {} --resource-group {} --name {} --vnet {} --storage-account STORAGE_ACCOUNT",
        remedy::word(location.unwrap_or("LOCATION")),
        remedy::word(vnet.resource_group()),
        remedy::word(&format!("{}-flow-log", vnet.name())),
        remedy::word(vnet.as_str()),
    )
}

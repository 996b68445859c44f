//! VNet flow logs: those that could tell what the wire carried on a path.

use std::collections::{BTreeMap, HashMap};

use super::Outcome::{Fail, Pass, Unknown};
use super::{Check, CheckKind, Field, remedy};
use crate::azure::export::{FileSystem, FlowLogResource, ResourceId, Setting};
use crate::azure::topology::{Azure, RouteEnd};

/// States that show what a flow did, as letters of `recordTypes`: its begin, its course, and
/// its end.
const TELLING: [char; 3] = ['B', 'C', 'E'];

/// Logs by the VNet, subnet or NIC that they log.
type TargetLogs<'a> = HashMap<&'a ResourceId, Vec<&'a FlowLogResource>>;

/// One log at the server's end covers all paths; else those of clients cover theirs.
pub(super) fn of(
    azure: &Azure,
    file_system: &FileSystem,
    clients: &[RouteEnd<'_>],
    since_days: Option<u64>,
) -> Vec<Check> {
    let Some(vnet) = &file_system.vnet else {
        let says = format!(
            "No export tells the VNet of {}",
            azure.label(&file_system.id)
        );
        return vec![Check::new(CheckKind::FlowLog, Unknown, says)];
    };
    let mut logs = TargetLogs::new();
    for log in azure.export.flow_logs.values() {
        if let Some(target) = &log.target {
            logs.entry(target).or_default().push(log);
        }
    }
    let judged = |target: &ResourceId| best(azure, &logs, target, since_days);
    let server = [Some(vnet), file_system.subnet.as_ref()];
    let server = server.into_iter().flatten().filter_map(judged);
    let server = server.max_by_key(|check| check.outcome);
    let server = server.or_else(|| of_servers(azure, file_system, &judged));
    match server {
        Some(check) if check.outcome == Pass => vec![check],
        server => of_clients(azure, vnet, clients, server.as_ref(), &judged),
    }
}

/// Logs of the servers' NICs, which tell of all paths only together.
fn of_servers(
    azure: &Azure,
    file_system: &FileSystem,
    judged: &impl Fn(&ResourceId) -> Option<Check>,
) -> Option<Check> {
    let nics = azure.server_nics(file_system);
    let checks: Option<Vec<Check>> = nics.map(|nic| judged(&nic.id)).collect();
    checks?.into_iter().min_by_key(|check| check.outcome)
}

/// Each client's VNet, subnet or NIC may be logged. Without clients, the server's end decides.
fn of_clients(
    azure: &Azure,
    server_vnet: &ResourceId,
    clients: &[RouteEnd<'_>],
    server: Option<&Check>,
    judged: &impl Fn(&ResourceId) -> Option<Check>,
) -> Vec<Check> {
    let mut found = BTreeMap::new();
    for client in clients {
        let nic = client.nic.map(|nic| &nic.id);
        let targets = [client.vnet_id, client.subnet_id, nic];
        let of_client = targets.into_iter().flatten().filter_map(judged);
        let all = of_client.chain(server.cloned());
        let check = all.max_by_key(|check| check.outcome);
        let check = check.unwrap_or_else(|| none(azure, client.vnet_id, server_vnet));
        found.insert(check.says.clone(), check);
    }
    if clients.is_empty() {
        let check = server.cloned();
        return vec![check.unwrap_or_else(|| none(azure, None, server_vnet))];
    }
    found.into_values().collect()
}

/// The best log of a target.
fn best(
    azure: &Azure,
    logs: &TargetLogs<'_>,
    target: &ResourceId,
    since_days: Option<u64>,
) -> Option<Check> {
    let all = logs.get(target)?.iter();
    let checks = all.map(|log| one(azure, log, target, since_days));
    checks.max_by_key(|check| check.outcome)
}

fn one(
    azure: &Azure,
    log: &FlowLogResource,
    target: &ResourceId,
    since_days: Option<u64>,
) -> Check {
    let (name, of) = (azure.label(&log.id), described(azure, target));
    let check = |outcome, says: &str, setting: &Setting, option: Option<&str>| {
        let command = option.and_then(|option| update(log, option));
        Check::new(
            CheckKind::FlowLog,
            outcome,
            format!("Flow log {name} of {of} {says}"),
        )
        .field(Field::of(azure, &log.id, setting))
        .remedy(command)
    };
    let on = Some("--set properties.enabled=true");
    match log.enabled.flag() {
        Some(true) => {}
        Some(false) => return check(Fail, "is switched off", &log.enabled, on),
        None => return check(Unknown, "does not say if it is on", &log.enabled, None),
    }
    match fault(log, since_days) {
        Some((outcome, says, setting, option)) => check(outcome, &says, setting, option),
        None => check(
            Pass,
            "tells what the wire carried there",
            &log.enabled,
            None,
        ),
    }
}

/// Fault of a log that is on: its outcome, a sentence, the field, and an option that mends it.
type LogFault<'l> = (super::Outcome, String, &'l Setting, Option<&'static str>);

fn fault(log: &FlowLogResource, since_days: Option<u64>) -> Option<LogFault<'_>> {
    if !log.provisioned.is_absent() && !log.provisioned.is("Succeeded") {
        let is_failed = log.provisioned.is("Failed") || log.provisioned.is("Canceled");
        let outcome = if is_failed { Fail } else { Unknown };
        return Some((
            outcome,
            "is not provisioned".to_owned(),
            &log.provisioned,
            None,
        ));
    }
    if let Some((outcome, says)) = lacking_states(&log.record_types) {
        let all = Some("--set properties.recordTypes=B,C,E,D");
        return Some((outcome, says.to_owned(), &log.record_types, all));
    }
    let criteria = log.criteria.value.as_deref().unwrap_or_default();
    if !criteria.trim().is_empty() {
        let says = "records only what passes its filter, which may leave Lustre out";
        let unfiltered = Some("--remove properties.enabledFilteringCriteria");
        return Some((Unknown, says.to_owned(), &log.criteria, unfiltered));
    }
    let says = forgetting(log, since_days)?;
    Some((Fail, says, &log.retention_days, None))
}

/// States that a log does not record, where it names those that it does.
fn lacking_states(types: &Setting) -> Option<(super::Outcome, &'static str)> {
    let given = types.value.as_deref()?.to_ascii_uppercase();
    let has = |state: &char| given.contains(*state);
    if given.trim().is_empty() || TELLING.iter().all(has) {
        None
    } else if TELLING.iter().any(has) {
        let says = "records some states only, which leaves holes in what flows did";
        Some((Unknown, says))
    } else {
        Some((Fail, "records denials alone, which show no encryption"))
    }
}

/// Retention shorter than the time that is asked for. 0 days keep files for good.
fn forgetting(log: &FlowLogResource, since_days: Option<u64>) -> Option<String> {
    let since = since_days?;
    let days: u64 = log.retention_days.value.as_deref()?.trim().parse().ok()?;
    let forgets = log.retention.flag() != Some(false) && days > 0 && days < since;
    forgets.then(|| format!("keeps its files for {days} days, and --since asks for {since}"))
}

/// A target, with its kind.
fn described(azure: &Azure, target: &ResourceId) -> String {
    let kind = match target.kind().rsplit('/').next() {
        Some("virtualnetworks") => "VNet",
        Some("subnets") => "subnet",
        Some("networkinterfaces") => "NIC",
        _ => "resource",
    };
    format!("{kind} {}", azure.label(target))
}

fn none(azure: &Azure, client: Option<&ResourceId>, server: &ResourceId) -> Check {
    let server_name = azure.label(server);
    let either = match client.filter(|client| *client != server) {
        Some(client) => format!("{server_name} or {}", azure.label(client)),
        None => server_name,
    };
    let says = format!(
        "No export has a flow log of VNet {either}, which alone tells what the wire carried; those \
         of NSGs have no encryption field"
    );
    Check::new(CheckKind::FlowLog, Unknown, says).remedy(create(azure, server))
}

/// Changes a log by its properties.
fn update(log: &FlowLogResource, option: &str) -> Option<String> {
    let watcher = log.id.segment("networkwatchers")?;
    let parent = remedy::word(&format!("networkWatchers/{watcher}"))?;
    let kind = format!("--namespace Microsoft.Network --parent {parent} --resource-type flowLogs");
    remedy::az("resource update", &log.id, &[&kind, option])
}

/// Creates a log, where the exports tell a storage account for it: that of another log.
fn create(azure: &Azure, vnet: &ResourceId) -> Option<String> {
    let location = azure.export.vnets.get(vnet)?.location.as_deref()?;
    let is_near = |storage: &&ResourceId| storage.subscription() == vnet.subscription();
    let logs = azure.export.flow_logs.values();
    let storage = logs.filter_map(|log| log.storage.as_ref()).find(is_near)?;
    let options = [
        format!("--location {}", remedy::word(location)?),
        format!("--vnet {}", remedy::word(vnet.as_str())?),
        format!("--storage-account {}", remedy::word(storage.as_str())?),
    ];
    let name = remedy::word(&format!("{}-flow-log", vnet.name()))?;
    let command = remedy::in_group("network watcher flow-log create", vnet)?;
    Some(format!("{command} --name {name} {}", options.join(" ")))
}

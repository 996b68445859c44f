//! Services that servers need to reach, as Microsoft's page on NSGs for AMLFS lists them
//! (outbound rules 100 to 112), and the one that needs to reach them (inbound rule 112).

use super::{
    Azure, Check, CheckKind, FileSystem, FlowEnd, NsgFlow, Outcome, Party, Passage, Ruling, field,
    outcome, passage_of,
};
use crate::azure::export::net;

/// Service tags that are reached with TCP 443; set for those of the region.
const TAGS: [(&str, bool); 9] = [
    ("AzureMonitor", false),
    ("AzureKeyVault", true),
    ("AzureActiveDirectory", false),
    ("Storage", true),
    ("GuestAndHybridManagement", false),
    ("ApiManagement", true),
    ("AzureDataLake", false),
    ("AzureResourceManager", false),
    ("EventHub", false),
];
/// Addresses, each with its protocol, port and name.
const ADDRESSES: [(&str, &str, u16, &str); 2] = [
    ("168.61.215.74/32", "Udp", 123, "NTP (168.61.215.74)"),
    ("20.34.120.0/21", "Tcp", 443, "telemetry (20.34.120.0/21)"),
];

/// Checks of flows that servers open to services, and of the one that Azure Monitor opens to
/// them.
pub(super) fn of(azure: &Azure, file_system: &FileSystem, servers: &Party<'_>) -> [Check; 2] {
    let out = passages(file_system, servers);
    let name = azure.label(&file_system.id);
    let reach = Words {
        passes: format!("NSGs let {name} reach the services that it needs"),
        denied: format!("NSGs keep {name} from services that it needs"),
        unknown: format!("Whether NSGs let {name} reach its services cannot be told"),
    };
    let monitor = Words {
        passes: format!("NSGs let Azure Monitor reach {name}"),
        denied: format!("NSGs keep services from {name} that need to reach it (rule 112)"),
        unknown: format!("Whether NSGs let services reach {name} cannot be told"),
    };
    [
        told(azure, CheckKind::NsgServices, &out, servers, &reach),
        told(
            azure,
            CheckKind::NsgMonitor,
            &from_monitor(servers),
            servers,
            &monitor,
        ),
    ]
}

/// Sentences for each ruling.
struct Words {
    passes: String,
    denied: String,
    unknown: String,
}

fn told(
    azure: &Azure,
    kind: CheckKind,
    passages: &[(&str, Passage<'_>)],
    servers: &Party<'_>,
    words: &Words,
) -> Check {
    let named = |wanted| {
        let of = passages
            .iter()
            .filter(|(_, passage)| passage.ruling == wanted);
        of.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    let unfiltered = passages.iter().all(|(_, passage)| passage.is_unfiltered());
    let (ruling, says) = match (&named(Ruling::Denied)[..], &named(Ruling::Unknown)[..]) {
        ("", "") if passages.is_empty() => (
            Ruling::Unknown,
            format!("{}: no export has its subnet", words.unknown),
        ),
        ("", "") if unfiltered => (
            Ruling::Allowed,
            super::unfiltered(&format!("for {}", servers.name)),
        ),
        ("", "") => (
            Ruling::Allowed,
            format!("{}{}", words.passes, servers.reserve()),
        ),
        ("", unknown) => (Ruling::Unknown, format!("{}: {unknown}", words.unknown)),
        (denied, _) => (Ruling::Denied, format!("{}: {denied}", words.denied)),
    };
    let mut deciding = passages.iter().map(|(_, passage)| passage);
    let deciding = deciding.find(|passage| passage.ruling == ruling);
    Check {
        field: deciding.and_then(|passage| field(azure, passage, servers.subnet)),
        ..Check::new(kind, deciding.map_or(Outcome::Unknown, outcome), says)
    }
}

/// Fate of the flow that Azure Monitor opens to servers, TCP on any port: inbound rule 112.
fn from_monitor<'p>(servers: &'p Party<'_>) -> Vec<(&'static str, Passage<'p>)> {
    let destinations = servers.whole();
    let flows = destinations.into_iter().map(|destination| NsgFlow {
        protocol: "Tcp",
        source: FlowEnd::Service {
            tag: "AzureMonitor",
            region: None,
        },
        destination,
        port: 443,
    });
    flows
        .map(|flow| ("AzureMonitor", passage_of(&[], &servers.guards, &flow)))
        .collect()
}

/// Fate of flows from the servers to each service, and its name.
fn passages<'p>(
    file_system: &'p FileSystem,
    servers: &'p Party<'_>,
) -> Vec<(&'static str, Passage<'p>)> {
    let sources = servers.whole();
    let flows = sources.iter().flat_map(|source| needs(file_system, source));
    flows
        .map(|(name, flow)| (name, passage_of(&servers.guards, &[], &flow)))
        .collect()
}

/// Flows that a server has to open, and the name of each one's destination.
fn needs<'f>(
    file_system: &'f FileSystem,
    source: &FlowEnd<'f>,
) -> Vec<(&'static str, NsgFlow<'f>)> {
    let region = file_system.location.as_deref();
    let tags = TAGS.iter().map(|&(tag, is_regional)| {
        let region = region.filter(|_| is_regional);
        (tag, "Tcp", 443, FlowEnd::Service { tag, region })
    });
    let addresses = ADDRESSES
        .iter()
        .filter_map(|&(block, protocol, port, name)| {
            Some((name, protocol, port, FlowEnd::net(net(block)?)))
        });
    let flow = |(name, protocol, port, destination)| {
        let flow = NsgFlow {
            protocol,
            source: source.clone(),
            destination,
            port,
        };
        (name, flow)
    };
    tags.chain(addresses).map(flow).collect()
}

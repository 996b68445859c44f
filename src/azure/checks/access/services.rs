//! The services that servers need to reach, as Microsoft's page on NSGs for AMLFS lists
//! them: outbound rules 100 to 112 there.

use super::{
    Check, FileSystem, Flow, Kind, Party, Passage, Peer, Ruling, field, outcome, passage_of,
};
use crate::azure::export::net;

/// Service tags that are reached with TCP 443, and whether it is the one of the region.
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
/// Addresses: the protocol, the port, and what is there.
const ADDRESSES: [(&str, &str, u16, &str); 2] = [
    ("168.61.215.74/32", "Udp", 123, "NTP (168.61.215.74)"),
    ("20.34.120.0/21", "Tcp", 443, "telemetry (20.34.120.0/21)"),
];

pub(super) fn of(file_system: &FileSystem, servers: &Party<'_>) -> Check {
    let passages = passages(file_system, servers);
    let named = |wanted| {
        let of = passages
            .iter()
            .filter(|(_, passage)| passage.ruling == wanted);
        of.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    let name = file_system.id.name();
    let (ruling, says) = match (&named(Ruling::Denied)[..], &named(Ruling::Unknown)[..]) {
        ("", "") if passages.is_empty() => (
            Ruling::Unknown,
            format!("Whether {name} reaches its services cannot be told: no export has its subnet"),
        ),
        ("", "") => (
            Ruling::Allowed,
            format!(
                "NSGs let {name} reach the services that it needs{}",
                servers.reserve()
            ),
        ),
        ("", unknown) => (
            Ruling::Unknown,
            format!("Whether NSGs let {name} reach its services cannot be told: {unknown}"),
        ),
        (denied, _) => (
            Ruling::Denied,
            format!("NSGs keep {name} from services that it needs: {denied}"),
        ),
    };
    let mut deciding = passages.iter().map(|(_, passage)| passage);
    let deciding = deciding.find(|passage| passage.ruling == ruling);
    Check {
        field: deciding.and_then(|passage| field(passage, servers.subnet)),
        ..Check::new(Kind::NsgServices, outcome(ruling), says)
    }
}

/// What becomes of flows from the servers to each service, and its name.
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
fn needs<'f>(file_system: &'f FileSystem, source: &Peer<'f>) -> Vec<(&'static str, Flow<'f>)> {
    let region = file_system.location.as_deref();
    let tags = TAGS.iter().map(|&(tag, is_regional)| {
        let region = region.filter(|_| is_regional);
        (tag, "Tcp", 443, Peer::Service { tag, region })
    });
    let addresses = ADDRESSES
        .iter()
        .filter_map(|&(block, protocol, port, name)| {
            Some((name, protocol, port, Peer::net(net(block)?)))
        });
    let flow = |(name, protocol, port, destination)| {
        let flow = Flow {
            protocol,
            source: source.clone(),
            destination,
            port,
        };
        (name, flow)
    };
    tags.chain(addresses).map(flow).collect()
}

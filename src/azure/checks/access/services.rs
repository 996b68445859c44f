//! The services that servers need to reach, as Microsoft's page on NSGs for AMLFS lists
//! them: outbound rules 100 to 112 there.

use super::{
    Check, Fail, FileSystem, Flow, Kind, Party, Pass, Passage, Peer, Ruling, Unknown, field,
    passage_of,
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
    let (denied, unknown) = (named(Ruling::Denied), named(Ruling::Unknown));
    let name = file_system.id.name();
    let (outcome, wanted, says) = if passages.is_empty() {
        let says = format!(
            "Whether {name} reaches the services it needs cannot be told: no export has its subnet"
        );
        (Unknown, Ruling::Unknown, says)
    } else if !denied.is_empty() {
        let says = format!("NSGs keep {name} from services that it needs: {denied}");
        (Fail, Ruling::Denied, says)
    } else if !unknown.is_empty() {
        let says = format!(
            "Whether NSGs let {name} reach all services it needs cannot be told: {unknown}"
        );
        (Unknown, Ruling::Unknown, says)
    } else {
        (
            Pass,
            Ruling::Allowed,
            format!("NSGs let {name} reach the services that it needs"),
        )
    };
    let deciding = passages
        .iter()
        .find(|(_, passage)| passage.ruling == wanted);
    let check = Check::new(Kind::NsgServices, outcome, says);
    Check {
        field: deciding.and_then(|(_, passage)| field(passage, servers.subnet)),
        ..check
    }
}

/// What becomes of flows from the servers to each service, and its name.
fn passages<'p>(
    file_system: &'p FileSystem,
    servers: &'p Party<'_>,
) -> Vec<(&'static str, Passage<'p>)> {
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
    let needs: Vec<_> = tags.chain(addresses).collect();
    let sources = servers.whole();
    let flows = sources
        .iter()
        .flat_map(|source| needs.iter().map(move |need| (source, need)));
    flows
        .map(|(source, (name, protocol, port, destination))| {
            let flow = Flow {
                protocol,
                source: source.clone(),
                destination: destination.clone(),
                port: *port,
            };
            (*name, passage_of(&servers.guards, &[], &flow))
        })
        .collect()
}

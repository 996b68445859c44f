//! A path's flows, and the facts of its DTLS and Lustre.

use crate::flow::Count;
use crate::flow::sizes::Percentiles;
use crate::report::PathReport;
use crate::report::model::{DtlsReport, FlowReport, LustreReport};
use crate::report::text::{bytes, counted, number};

/// Sentences on what a path carried, without what is not known.
pub(in crate::report) fn facts(path: &PathReport) -> impl Iterator<Item = String> + use<> {
    let dtls = path.dtls.as_deref().map(dtls);
    let lustre = path.lustre.as_deref().map(lustre);
    let packets = path
        .packet_sizes
        .map(|sizes| percentiles("Packet sizes", sizes));
    let records = path
        .dtls_record_sizes
        .map(|sizes| percentiles("DTLS record sizes", sizes));
    [dtls, lustre, packets, records].into_iter().flatten()
}

/// Columns of a table of flows; those from the fourth on are numbers.
pub(in crate::report) const COLUMNS: [&str; 6] = [
    "Flow",
    "Tunnel",
    "Class",
    "To server",
    "To client",
    "Packets",
];

/// A row for each class that a flow has packets of.
pub(in crate::report) fn rows(flow: &FlowReport) -> Vec<[String; COLUMNS.len()]> {
    let volume = |count: Count| match count.packets {
        0 => "–".to_owned(),
        _ => bytes(count.wire_bytes),
    };
    let classes = flow.classes().into_iter();
    classes
        .map(|(class, up, down)| {
            [
                name(flow),
                tunnel(flow),
                class.name().to_owned(),
                volume(up),
                volume(down),
                number(up.packets + down.packets),
            ]
        })
        .collect()
}

/// Protocol and ports of a flow.
fn name(flow: &FlowReport) -> String {
    let protocol = flow.protocol.unwrap_or("many flows");
    match (flow.client_port, flow.server_port) {
        (Some(client), Some(server)) => format!("{protocol} {client} to {server}"),
        _ => format!("{protocol}, ports unknown"),
    }
}

/// Tunnels around a flow; a dash for none.
fn tunnel(flow: &FlowReport) -> String {
    match flow.network {
        None => "–".to_owned(),
        Some(0) => flow.encapsulation.join(", "),
        Some(network) => format!("{} {network}", flow.encapsulation.join(", ")),
    }
}

/// Version and suites of a path's DTLS, and the count of its records.
pub(in crate::report) fn dtls(dtls: &DtlsReport) -> String {
    let suites: Vec<_> = dtls.suites.iter().map(|suite| suite.name).collect();
    let suites = if suites.is_empty() {
        "suite unknown, the handshake was not captured".to_owned()
    } else {
        suites.join(", ")
    };
    let least = if dtls.at_least { "at least " } else { "" };
    format!(
        "DTLS {}: {suites}; {}, {least}{} missing, {least}{} repeated",
        dtls.versions.join(", "),
        counted(dtls.records, "record"),
        number(dtls.missing),
        number(dtls.repeated),
    )
}

fn lustre(lustre: &LustreReport) -> String {
    let connections = lustre.connections;
    let operations: Vec<String> = lustre
        .operations
        .iter()
        .map(|operation| {
            format!(
                "{} {}",
                operation.name,
                operation.requests + operation.replies
            )
        })
        .collect();
    let operations = if operations.is_empty() {
        "no operation seen".to_owned()
    } else {
        operations.join(", ")
    };
    format!(
        "Lustre: {} control, {} bulk in, {} bulk out, {}; {operations}; RPC privacy: {}",
        connections.control,
        connections.bulk_in,
        connections.bulk_out,
        counted(connections.unknown, "unknown connection"),
        lustre.rpc_privacy,
    )
}

fn percentiles(what: &str, sizes: Percentiles) -> String {
    let Percentiles { p50, p90, p99, max } = sizes;
    format!("{what}: half up to {p50}, 90 % up to {p90}, 99 % up to {p99}, all up to {max} bytes")
}

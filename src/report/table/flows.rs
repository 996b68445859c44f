//! Tables that `--verbose` adds: each path's flows, and the facts of its DTLS and Lustre.

use std::io;

use anstyle::Style as Ansi;
use comfy_table::Cell;

use super::{Page, number, right, title, volume};
use crate::flow::sizes::Percentiles;
use crate::report::PathReport;
use crate::report::model::{DtlsReport, FlowReport, LustreReport};

impl Page<'_> {
    pub(super) fn details(&mut self, paths: &[&PathReport]) -> io::Result<()> {
        let seen = paths.iter().filter(|path| !path.flows.is_empty());
        seen.into_iter()
            .try_for_each(|path| self.path_details(path))
    }

    fn path_details(&mut self, path: &PathReport) -> io::Result<()> {
        self.heading(&title(path))?;
        let dtls = path.dtls.as_ref().map(dtls);
        let lustre = path.lustre.as_ref().map(lustre);
        let packets = path
            .packet_sizes
            .map(|sizes| percentiles("Packet sizes", sizes));
        let records = path
            .dtls_record_sizes
            .map(|sizes| percentiles("DTLS record sizes", sizes));
        for line in [dtls, lustre, packets, records].into_iter().flatten() {
            self.text(Ansi::new(), &line, "  ", "    ")?;
        }
        if let Some(timeline) = &path.timeline {
            self.timeline(timeline)?;
        }
        let header = [
            "Flow",
            "Tunnel",
            "Class",
            "To server",
            "To client",
            "Packets",
        ];
        self.line("")?;
        self.table(&header, path.flows.iter().flat_map(rows).collect())
    }
}

/// A row for each class that the flow has packets of.
fn rows(flow: &FlowReport) -> Vec<Vec<Cell>> {
    let to_client = flow.to_client.by_class();
    flow.to_server
        .by_class()
        .into_iter()
        .zip(to_client)
        .filter(|((_, up), (_, down))| up.packets + down.packets > 0)
        .map(|((class, up), (_, down))| {
            vec![
                Cell::new(name(flow)),
                Cell::new(tunnel(flow)),
                Cell::new(class.name()),
                right(volume(up)),
                right(volume(down)),
                right(number(up.packets + down.packets)),
            ]
        })
        .collect()
}

fn name(flow: &FlowReport) -> String {
    let protocol = flow.protocol.unwrap_or("many flows");
    match (flow.client_port, flow.server_port) {
        (Some(client), Some(server)) => format!("{protocol} {client} to {server}"),
        _ => format!("{protocol}, ports unknown"),
    }
}

fn tunnel(flow: &FlowReport) -> String {
    match flow.network {
        None => "–".to_owned(),
        Some(0) => flow.encapsulation.join(", "),
        Some(network) => format!("{} {network}", flow.encapsulation.join(", ")),
    }
}

fn dtls(dtls: &DtlsReport) -> String {
    let suites: Vec<_> = dtls.suites.iter().map(|suite| suite.name).collect();
    let suites = if suites.is_empty() {
        "suite unknown, the handshake was not captured".to_owned()
    } else {
        suites.join(", ")
    };
    let least = if dtls.at_least { "at least " } else { "" };
    format!(
        "DTLS {}: {suites}; {} records, {least}{} missing, {least}{} repeated",
        dtls.versions.join(", "),
        number(dtls.records),
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
        "Lustre: {} control, {} bulk in, {} bulk out, {} unknown connections; {operations}; RPC privacy: {}",
        connections.control,
        connections.bulk_in,
        connections.bulk_out,
        connections.unknown,
        lustre.rpc_privacy,
    )
}

fn percentiles(what: &str, sizes: Percentiles) -> String {
    let Percentiles { p50, p90, p99, max } = sizes;
    format!("{what}: half up to {p50}, 90 % up to {p90}, 99 % up to {p99}, all up to {max} bytes")
}

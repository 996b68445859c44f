//! Display filters of Wireshark that select packets of a report.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::PathReport;
use crate::report::model::FlowReport;

/// Filter of each file for the packets that a path's evidence and proof name, and no others.
pub(in crate::report) fn of_evidence(path: &PathReport) -> BTreeMap<&str, String> {
    let mut files = BTreeMap::<&str, BTreeSet<u64>>::new();
    for it in &path.evidence {
        if let Some(packet) = it.packet {
            files.entry(&it.file).or_default().insert(packet);
        }
    }
    for it in path.proof.iter().flat_map(|it| &it.evidence) {
        files.entry(&it.file).or_default().insert(it.packet);
    }
    let listed = files.into_iter().map(|(file, packets)| {
        let numbers: Vec<String> = packets.iter().map(u64::to_string).collect();
        (file, format!("frame.number in {{{}}}", numbers.join(", ")))
    });
    listed.collect()
}

/// Filter for all packets between the ends of a path; `None` where one is not known.
pub(in crate::report) fn of_path(path: &PathReport) -> Option<String> {
    let (client, server) = (path.client.as_deref()?, path.server.as_deref()?);
    let field = if server.contains(':') {
        "ipv6.addr"
    } else {
        "ip.addr"
    };
    Some(format!("{field} == {client} && {field} == {server}"))
}

/// Filter for the packets of a flow: its five-tuple, both ways; `None` where not all is known.
pub(in crate::report) fn of_flow(path: &PathReport, flow: &FlowReport) -> Option<String> {
    let (ends, protocol) = (of_path(path)?, flow.protocol?);
    let ports = match (flow.client_port?, flow.server_port?) {
        (client, server) if client == server => {
            format!("{protocol}.srcport == {client} && {protocol}.dstport == {client}")
        }
        (client, server) => format!("{protocol}.port == {client} && {protocol}.port == {server}"),
    };
    Some(format!("{ends} && {ports}"))
}

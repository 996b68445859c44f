//! Display filters of Wireshark (`wireshark-filter(4)`) for the packets of a report.
//!
//! Fields hold for the outer and the inner headers of a tunnel alike, so a path's filter also
//! finds what a tunnel that Wireshark opens carries of it.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{FlowReport, PacketFilter};
use super::{Names, PathReport};
use crate::flow::Position;

/// Most pairs of a server's port and a protocol, and most ranges of ports, that a filter names
/// one by one.
const MOST: usize = 32;

/// Fragments, of which only the one that completes a packet has its ports.
const FRAGMENTS: [&str; 2] = [
    "ip.proto in {6, 17} and (ip.flags.mf == 1 or ip.frag_offset > 0)",
    "ipv6.fraghdr.nxt in {6, 17}",
];

/// Filter for packets of a file by their numbers, from 1.
#[must_use]
pub fn of_packets(numbers: &BTreeSet<u64>) -> String {
    format!("frame.number {}", among(&ranges(numbers)))
}

/// Filter for the packets between two ends in some flows; `None` without any.
#[must_use]
pub fn of_traffic(client: &str, server: &str, flows: &[FlowReport]) -> Option<String> {
    if flows.is_empty() {
        return None;
    }
    let is_v6 = client.contains(':');
    let (ip, icmp) = if is_v6 {
        ("ipv6", "icmpv6")
    } else {
        ("ip", "icmp")
    };
    // Errors quote the headers of what could not be delivered.
    let ends = format!("{ip}.addr == {client} and {ip}.addr == {server} and not {icmp}");
    Some(match of_flows(flows, is_v6) {
        Some(which) => format!("{ends} and ({which})"),
        None => ends,
    })
}

/// Filter for the flows among all traffic of two ends; `None` where it cannot tell them.
fn of_flows(flows: &[FlowReport], is_v6: bool) -> Option<String> {
    let mut pairs = BTreeMap::<(&str, u64), BTreeSet<u64>>::new();
    let mut clauses = BTreeSet::new();
    for flow in flows {
        let protocol = flow.protocol?;
        if let Some((client, server)) = flow.client_port.zip(flow.server_port) {
            let clients = pairs.entry((protocol, server.into())).or_default();
            clients.insert(client.into());
        } else {
            clauses.insert(without_ports(flow, protocol, is_v6));
        }
    }
    if pairs.len() > MOST {
        clauses.extend(pairs.keys().map(|(protocol, _)| (*protocol).to_owned()));
    } else {
        let told = pairs.iter();
        clauses
            .extend(told.map(|((protocol, server), clients)| of_ports(protocol, *server, clients)));
    }
    let fragments = FRAGMENTS[usize::from(is_v6)].to_owned();
    let clauses = clauses.into_iter().chain([fragments]);
    let clauses: Vec<_> = clauses.map(|it| format!("({it})")).collect();
    Some(clauses.join(" or "))
}

/// Clause for connections to one port of the server.
fn of_ports(protocol: &str, server: u64, clients: &BTreeSet<u64>) -> String {
    let ranges = ranges(clients);
    if clients.contains(&server) && clients.len() == 1 {
        return format!("{protocol}.srcport == {server} and {protocol}.dstport == {server}");
    }
    if ranges.len() > MOST || clients.contains(&server) {
        return format!("{protocol}.port == {server}");
    }
    format!(
        "{protocol}.port == {server} and {protocol}.port {}",
        among(&ranges)
    )
}

/// Clause for packets whose ports could not be read. In a tunnel its own may be there.
fn without_ports(flow: &FlowReport, protocol: &str, is_v6: bool) -> String {
    let number = if protocol == "tcp" { 6 } else { 17 };
    let is_protocol = if is_v6 {
        format!("(ipv6.nxt == {number} or ipv6.fraghdr.nxt == {number})")
    } else {
        format!("ip.proto == {number}")
    };
    if flow.encapsulation.is_empty() {
        format!("{is_protocol} and not {protocol}.port")
    } else {
        is_protocol
    }
}

/// Numbers as ranges, ends included.
fn ranges(numbers: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

/// Test that a field is in one of some ranges.
fn among(ranges: &[(u64, u64)]) -> String {
    if let [(only, last)] = ranges
        && only == last
    {
        return format!("== {only}");
    }
    let told = ranges.iter().map(|&(first, last)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}..{last}"),
    });
    format!("in {{{}}}", told.collect::<Vec<_>>().join(", "))
}

impl Names<'_> {
    /// Filter for a packet of a file; `None` for one that was captured live, of which no file
    /// need hold it.
    pub(super) fn display_filter(&self, position: Position) -> Option<PacketFilter> {
        let input = self.inputs.get(position.file as usize)?;
        (input.format != "live").then(|| PacketFilter(self.packet(position)))
    }
}

impl PathReport {
    /// Filters for the packets that the path's evidence and proof name, each with the name of
    /// the file that they are in.
    #[must_use]
    pub fn evidence_filters(&self) -> Vec<(&str, String)> {
        let evidence = self
            .evidence
            .iter()
            .filter(|it| it.display_filter.is_some());
        let evidence = evidence.filter_map(|it| Some((&*it.file, it.packet?)));
        let proof = self.proof.iter().flat_map(|it| &it.evidence);
        let proof = proof.filter(|it| it.display_filter.is_some());
        let proof = proof.map(|it| (&*it.file, it.packet));
        let mut files = BTreeMap::<&str, BTreeSet<u64>>::new();
        for (file, packet) in evidence.chain(proof) {
            files.entry(file).or_default().insert(packet);
        }
        let files = files.into_iter();
        files
            .map(|(file, numbers)| (file, of_packets(&numbers)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Traffic;

    #[test]
    fn one_packet_is_named_as_several_are() {
        let alone = of_packets(&BTreeSet::from([17]));
        assert_eq!(PacketFilter(17).to_string(), alone);
    }

    fn flow(protocol: &'static str, ports: Option<(u16, u16)>) -> FlowReport {
        FlowReport {
            protocol: Some(protocol),
            client_port: ports.map(|(client, _)| client),
            server_port: ports.map(|(_, server)| server),
            encapsulation: Vec::new(),
            network: None,
            interface: None,
            to_server: Traffic::default(),
            to_client: Traffic::default(),
        }
    }

    #[test]
    fn numbers_in_a_row_are_a_range() {
        let of = |numbers: &[u64]| of_packets(&numbers.iter().copied().collect());
        assert_eq!(of(&[7]), "frame.number == 7");
        assert_eq!(of(&[9, 1, 3, 2]), "frame.number in {1..3, 9}");
    }

    #[test]
    fn ports_stand_together_by_the_port_that_was_called() {
        let flows = [1021, 1022, 1023].map(|port| flow("tcp", Some((port, 988))));
        let filter = of_traffic("10.0.0.9", "10.0.0.4", &flows).expect("a filter");
        assert_eq!(
            filter,
            "ip.addr == 10.0.0.9 and ip.addr == 10.0.0.4 and not icmp and \
             ((tcp.port == 988 and tcp.port in {1021..1023}) or \
             (ip.proto in {6, 17} and (ip.flags.mf == 1 or ip.frag_offset > 0)))"
        );
        assert_eq!(of_traffic("10.0.0.9", "10.0.0.4", &[]), None);
    }

    #[test]
    fn the_same_port_at_both_ends_is_asked_of_both() {
        let flows = [flow("udp", Some((988, 988)))];
        let filter = of_traffic("fd00::9", "fd00::4", &flows).expect("a filter");
        assert!(filter.starts_with("ipv6.addr == fd00::9 and ipv6.addr == fd00::4 and not icmpv6"));
        assert!(
            filter.contains("(udp.srcport == 988 and udp.dstport == 988)"),
            "{filter}"
        );
    }

    #[test]
    fn ports_too_many_to_list_are_left_out() {
        let flows: Vec<_> = (0..100)
            .map(|at| flow("udp", Some((2 * at, 4433))))
            .collect();
        let filter = of_traffic("10.0.0.9", "10.0.0.4", &flows).expect("a filter");
        assert!(filter.contains("((udp.port == 4433) or"), "{filter}");
        let flows: Vec<_> = (0..100).map(|at| flow("udp", Some((4433, at)))).collect();
        let filter = of_traffic("10.0.0.9", "10.0.0.4", &flows).expect("a filter");
        assert!(filter.contains("((udp) or"), "{filter}");
    }
}

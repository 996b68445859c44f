//! What the kernel lets through: all that a verdict could need, and little else.
//!
//! Built from the configuration that the engine decides by, so that the two cannot
//! disagree: no packet that the engine would count on a path is filtered out. The
//! language is pcap-filter(7)'s.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::capture::LinkType;
use crate::decode::{self, ENCAPSULATIONS, Sign};
use crate::flow::{LUSTRE_PORT, RESERVED_PORTS};
use crate::verdict::Servers;

/// The filter for what begins with `link_type`, and what the user lets through besides.
/// Only Ethernet can have VLAN tags before what is looked for.
#[must_use]
pub fn of(
    decode: &decode::Options,
    servers: &Servers,
    more: Option<&str>,
    link_type: LinkType,
) -> String {
    let mut wanted = vec![lustre(), fragments(), tunnels(decode), dtls()];
    wanted.extend(to_servers(servers));
    wanted.extend(more.map(|more| format!("({more})")));
    let wanted = wanted.join(" or ");
    if link_type == LinkType::ETHERNET {
        // Each `vlan` moves all that follows behind one more tag.
        format!("({wanted}) or (vlan and ({wanted})) or (vlan and ({wanted}))")
    } else {
        wanted
    }
}

/// TCP and UDP on Lustre's ports.
fn lustre() -> String {
    let (first, last) = (RESERVED_PORTS.start(), RESERVED_PORTS.end());
    format!("port {LUSTRE_PORT} or portrange {first}-{last}")
}

/// IP fragments, the first and the later, and what else hides a header: IPv6 extension
/// headers (0 hop by hop, 43 routing, 44 fragment, 60 destination, 135 mobility, 139 HIP,
/// 140 Shim6; RFC 7045).
fn fragments() -> String {
    let hidden = [0, 43, 44, 60, 135, 139, 140].map(|number| format!("ip6[6] = {number}"));
    format!("(ip and ip[6:2] & 0x3fff != 0) or {}", hidden.join(" or "))
}

/// What encapsulations are told by.
fn tunnels(decode: &decode::Options) -> String {
    let signs = ENCAPSULATIONS.iter().flat_map(|kind| kind.signs);
    let by_sign = signs.filter_map(|sign| match sign {
        Sign::IpProtocol(number) => Some(format!("proto {number}")),
        // The user may have named more.
        Sign::UdpPort(_) => None,
    });
    let by_port = decode
        .udp_ports()
        .map(|port| format!("udp dst port {port}"));
    let mut terms: Vec<String> = by_sign.chain(by_port).collect();
    terms.sort_unstable();
    terms.dedup();
    terms.join(" or ")
}

/// What begins as DTLS records do (RFC 6347 4.1: a type from 20 on, version 254.x), on any
/// port: it is a path's where readable Lustre shows later who is a server, and DTLS
/// elsewhere where nothing does.
fn dtls() -> String {
    "(udp and udp[8] >= 20 and udp[8] <= 26 and udp[9] = 254) or \
     (ip6[6] = 17 and ip6[48] >= 20 and ip6[48] <= 26 and ip6[49] = 254)"
        .to_owned()
}

/// All UDP to and from the servers that are known; all UDP where those are so many that
/// the kernel would refuse the program (`BPF_MAXINSNS`, `linux/bpf_common.h`).
fn to_servers(servers: &Servers) -> Option<String> {
    const MANY: usize = 64;
    // An IPv6 address takes twice the instructions of an IPv4 one.
    let weight = |text: &String| if text.starts_with("ip6") { 2 } else { 1 };
    let single = servers.expected().map(|address| match address.into() {
        IpAddr::V4(address) => format!("ip host {address}"),
        IpAddr::V6(address) => format!("ip6 host {address}"),
    });
    let blocks = servers.blocks().map(|(block, _)| match block.trunc() {
        IpNet::V4(block) => format!("ip net {block}"),
        IpNet::V6(block) => format!("ip6 net {block}"),
    });
    let known: Vec<String> = single.chain(blocks).collect();
    match known.iter().map(weight).sum() {
        0 => None,
        1..=MANY => Some(format!("(udp and ({}))", known.join(" or "))),
        _ => Some("udp".to_owned()),
    }
}

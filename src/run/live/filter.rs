//! Kernel filter of a live run: all packets that a verdict could need, and few others.
//!
//! It is made from the tables and the configuration that the engine decides by, so that the
//! two cannot disagree: no packet is filtered out that the engine would count on a path of a
//! server that is known, or as one of a tunnel that a field tells. The language is pcap-filter(7)'s.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::capture::LinkType;
use crate::decode::{self, ENCAPSULATIONS, EXTENSIONS, Sign, UNOPENED, VLAN_TYPES};
use crate::flow::{LUSTRE_PORT, RESERVED_PORTS};
use crate::verdict::Servers;

/// Filter for an interface of this link type, and for what the user lets through besides.
#[must_use]
pub fn of(
    decode: &decode::TunnelPorts,
    servers: &Servers,
    more: Option<&str>,
    link_type: LinkType,
) -> String {
    let mut wanted = vec![
        lustre(),
        fragments(),
        extensions(),
        errors(),
        encapsulations(decode),
        dtls(),
    ];
    wanted.push(to_servers(servers));
    wanted.extend(more.map(|more| format!("({more})")));
    tagged(&wanted.join(" or "), link_type)
}

/// Adds frames with VLAN tags, which stand before what is looked for.
fn tagged(wanted: &str, link_type: LinkType) -> String {
    match link_type {
        // Each `vlan` moves all that follows behind one more tag. What has more than three
        // is let through.
        LinkType::ETHERNET => {
            let behind_tag = format!(" or (vlan and ({wanted}))").repeat(3);
            format!("({wanted}){behind_tag} or vlan")
        }
        // libpcap looks behind no tag here, so all that is tagged is let through.
        LinkType::LINUX_SLL | LinkType::LINUX_SLL2 => {
            let tags = VLAN_TYPES.map(|number| format!("ether proto {number}"));
            format!("{wanted} or {} or {}", tags.join(" or "), hidden_tags())
        }
        _ => wanted.to_owned(),
    }
}

/// Tags that stand before a packet under the packet's own type, as Linux cooks them since
/// 6.10: libpcap filters what came before the filter was set as it finds it there.
fn hidden_tags() -> String {
    let packets = [("ip", 0x0800), ("ip6", 0x86dd)];
    let terms = packets.iter().flat_map(|(ip, kind)| {
        let kinds = VLAN_TYPES.into_iter().chain([*kind]);
        kinds.map(move |kind| format!("{ip}[2:2] = {kind}"))
    });
    terms.collect::<Vec<_>>().join(" or ")
}

/// TCP and UDP on Lustre's ports.
fn lustre() -> String {
    let (first, last) = (RESERVED_PORTS.start(), RESERVED_PORTS.end());
    format!("port {LUSTRE_PORT} or portrange {first}-{last}")
}

/// IPv4 fragments, the first and the later.
fn fragments() -> String {
    "(ip and ip[6:2] & 0x3fff != 0)".to_owned()
}

/// Extension headers, which hide the header behind them.
fn extensions() -> String {
    let hidden = EXTENSIONS.map(|number| format!("ip[9] = {number} or ip6[6] = {number}"));
    hidden.join(" or ")
}

/// ICMP errors (RFC 792, RFC 4443 2.1), which quote the packets that they are about.
fn errors() -> String {
    let kinds = [3, 4, 5, 11, 12].map(|kind| format!("icmp[0] = {kind}"));
    format!("({}) or (icmp6 and ip6[40] <= 4)", kinds.join(" or "))
}

/// Encapsulations, those that are opened and those that are not.
fn encapsulations(decode: &decode::TunnelPorts) -> String {
    let opened = ENCAPSULATIONS.iter().flat_map(|kind| kind.signs);
    let signs = opened.chain(UNOPENED.iter().map(|(sign, _)| sign));
    let by_port = decode.udp_ports().map(Sign::UdpPort);
    let mut terms: Vec<String> = signs.copied().chain(by_port).map(term).collect();
    terms.sort_unstable();
    terms.dedup();
    terms.join(" or ")
}

/// Field of an outer header that tells an encapsulation.
fn term(sign: Sign) -> String {
    match sign {
        Sign::EtherType(number) => format!("ether proto {number}"),
        // Destination access points: SNAP's, and that of IPv4 without SNAP.
        Sign::Llc => "ether proto 0xaa or ether proto 0x06".to_owned(),
        Sign::IpProtocol(number) => format!("proto {number}"),
        Sign::UdpPort(port) => format!("udp dst port {port}"),
    }
}

/// First bytes of a DTLS record (RFC 6347 4.1: a type from 20 on, version 254.x, or 1.0
/// before the standard; RFC 9147 4: 001 in the highest bits), on any port: it is a path's
/// where readable Lustre shows later who is a server, and DTLS elsewhere where nothing does.
fn dtls() -> String {
    let record = |udp: &str, at: usize| {
        let byte = |offset| format!("{udp}[{}]", at + offset);
        format!(
            "({kind} >= 20 and {kind} <= 26 and ({major} = 254 or ({major} = 1 and {minor} = 0)) \
             or {kind} & 0xe0 = 0x20)",
            kind = byte(0),
            major = byte(1),
            minor = byte(2),
        )
    };
    format!(
        "(udp and {}) or (ip6[6] = 17 and {})",
        record("udp", 8),
        record("ip6", 48)
    )
}

/// UDP to and from the servers that are known, for what stands beside the DTLS of a path; all
/// UDP where nobody is known yet, or so many that the kernel would refuse the program
/// (`BPF_MAXINSNS`, `linux/bpf_common.h`).
fn to_servers(servers: &Servers) -> String {
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
        1..=MANY => format!("(udp and ({}))", known.join(" or ")),
        _ => "udp".to_owned(),
    }
}

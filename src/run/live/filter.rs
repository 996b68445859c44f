//! Kernel filter of a live run: all packets that a verdict could need, and few others.
//!
//! It is made from the tables that the engine decides by, so that the two cannot disagree: no
//! packet is filtered out that the engine would count on a path, or as one of a tunnel that a
//! field tells. The language is pcap-filter(7)'s.

use crate::capture::LinkType;
use crate::decode::{ENCAPSULATIONS, EXTENSIONS, Sign, UNOPENED, VLAN_TYPES};
use crate::flow::{LUSTRE_PORT, RESERVED_PORTS};

/// Filter for an interface of this link type, and for what the user lets through besides.
#[must_use]
pub fn of(more: Option<&str>, link_type: LinkType) -> String {
    let mut wanted = vec![
        lustre(),
        udp(),
        fragments(),
        extensions(),
        errors(),
        encapsulations(),
    ];
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

/// All UDP: DTLS is a path's on any port, and so is what stands beside it, of every server
/// that readable Lustre may show by the end.
fn udp() -> String {
    "udp".to_owned()
}

/// TCP on Lustre's ports.
fn lustre() -> String {
    let (first, last) = (RESERVED_PORTS.start(), RESERVED_PORTS.end());
    format!("tcp port {LUSTRE_PORT} or tcp portrange {first}-{last}")
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

/// Encapsulations outside UDP, those that are opened and those that are not.
fn encapsulations() -> String {
    let opened = ENCAPSULATIONS.iter().flat_map(|kind| kind.signs);
    let signs = opened.chain(UNOPENED.iter().map(|(sign, _)| sign));
    let mut terms: Vec<String> = signs.copied().filter_map(term).collect();
    terms.sort_unstable();
    terms.dedup();
    terms.join(" or ")
}

/// Field of an outer header that tells an encapsulation, unless that is a UDP port.
fn term(sign: Sign) -> Option<String> {
    match sign {
        Sign::EtherType(number) => Some(format!("ether proto {number}")),
        // Destination access points: SNAP's, and that of IPv4 without SNAP.
        Sign::Llc => Some("ether proto 0xaa or ether proto 0x06".to_owned()),
        Sign::IpProtocol(number) => Some(format!("proto {number}")),
        Sign::UdpPort(_) => None,
    }
}

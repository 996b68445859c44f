//! Encapsulations that are told and not opened.

use serde::{Deserialize, Serialize};

/// Encapsulation that could hold a path's packets and is not opened: its packets are
/// undecodable, and named so, so that nothing is proved beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names of the protocols")]
pub enum Unopened {
    Ppp,
    Macsec,
    Pbb,
    Erspan,
    Erspan3,
    VnTag,
    ETag,
    Nsh,
    BatmanAdv,
    Dce,
    Trill,
    OtherGre,
    Esp,
    MinimalEncapsulation,
    Ipip,
    EtherIp,
    IpComp,
    L2tp,
    EthernetOverIp,
    MplsPseudowire,
    PppProtocol,
    BridgedFrame,
    OtherUdp,
    OtherLustre,
    Trailer,
    L2tpInUdp,
    Teredo,
    Lisp,
    EspInUdp,
    Capwap,
    FooOverUdp,
    Gue,
    Flannel,
    Tzsp,
    VxlanGpe,
    GtpPayload,
}

impl Unopened {
    /// Name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ppp => "PPP",
            Self::Macsec => "MACsec",
            Self::Pbb => "PBB",
            Self::Erspan => "ERSPAN",
            Self::Erspan3 => "ERSPAN type III",
            Self::VnTag => "VN-Tag",
            Self::ETag => "E-Tag",
            Self::Nsh => "NSH",
            Self::BatmanAdv => "batman-adv",
            Self::Dce => "DCE",
            Self::Trill => "TRILL",
            Self::OtherGre => "GRE of another version",
            Self::Esp => "ESP",
            Self::MinimalEncapsulation => "minimal encapsulation",
            Self::Ipip => "IPIP",
            Self::EtherIp => "EtherIP",
            Self::IpComp => "IPComp",
            Self::L2tp => "L2TP",
            Self::EthernetOverIp => "Ethernet over IP",
            Self::MplsPseudowire => "MPLS pseudowire",
            Self::PppProtocol => "PPP protocol",
            Self::BridgedFrame => "bridged frame",
            Self::OtherUdp => "packet in UDP",
            Self::OtherLustre => "Lustre or an IP packet in other traffic",
            Self::Trailer => "bytes behind the length of an IP packet",
            Self::L2tpInUdp => "L2TP in UDP",
            Self::Teredo => "Teredo",
            Self::Lisp => "LISP",
            Self::EspInUdp => "ESP in UDP",
            Self::Capwap => "CAPWAP",
            Self::FooOverUdp => "foo over UDP",
            Self::Gue => "GUE",
            Self::Flannel => "flannel",
            Self::Tzsp => "TZSP",
            Self::VxlanGpe => "VXLAN-GPE protocol",
            Self::GtpPayload => "GTP payload",
        }
    }

    /// Tests that the payload of a datagram to its port can be this: what the capture cut off
    /// can be.
    pub(super) fn claims(self, payload: &[u8]) -> bool {
        let is = |at: usize, test: fn(u8) -> bool| payload.get(at).is_none_or(|&byte| test(byte));
        let is_ip = |at| is(at, |byte| matches!(byte, 0x45..=0x4f | 0x60..=0x6f));
        match self {
            // Data, not control, of version 2 or 3 (RFC 2661 3.1, RFC 3931 4.1.2).
            Self::L2tpInUdp => {
                is(0, |flags| flags & 0x80 == 0) && is(1, |version| matches!(version & 15, 2 | 3))
            }
            // A packet, or an authentication or an origin indication before it (RFC 4380 5.1).
            Self::Teredo => is_ip(0) || is(0, |byte| byte == 0) && is(1, |kind| kind < 2),
            // Behind its header (RFC 9300 5.1).
            Self::Lisp => is_ip(8),
            // Neither a marker of IKE nor a keepalive (RFC 3948 2).
            Self::EspInUdp => !payload.starts_with(&[0; 4]) && payload != [0xff],
            // A preamble without DTLS (RFC 5415 4.1).
            Self::Capwap => is(0, |preamble| preamble == 0),
            Self::FooOverUdp | Self::Flannel => is_ip(0),
            // Variant 0 with data, or 1, which is the packet itself (draft-ietf-intarea-gue).
            Self::Gue => is_ip(0) || is(0, |flags| flags & 0xe0 == 0),
            // Version 1, a packet received or to be sent.
            Self::Tzsp => is(0, |version| version == 1) && is(1, |kind| kind < 2),
            _ => true,
        }
    }
}

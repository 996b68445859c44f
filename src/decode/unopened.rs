//! Encapsulations that are told and not opened.

/// Encapsulation that could hold a path's packets and is not opened: its packets are
/// undecodable, and named so, so that nothing is proved beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
        }
    }
}

//! Match of one end of a flow with one side of a rule.

use super::{IpAddr, IpNet, ResourceId, Side, net};

/// Match of two things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    No,
    /// In part, or nobody can tell.
    Perhaps,
    Yes,
}

impl Match {
    pub(super) fn of(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }

    pub(super) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// The best of several matches. Parts may add up to the whole, which is not looked
    /// into: they stay parts.
    fn any(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().max().unwrap_or(Self::No)
    }
}

/// An end of a flow.
#[derive(Clone, Debug)]
pub enum FlowEnd<'p> {
    /// An address, or all addresses of a block.
    Net {
        /// The addresses.
        net: IpNet,
        /// The application security groups that they belong to, where that is known.
        asgs: Option<&'p [ResourceId]>,
    },
    /// A service of Azure, by its service tag.
    Service {
        /// The tag, as in `Storage`.
        tag: &'p str,
        /// The region that is meant, as in `eastus`; else every one.
        region: Option<&'p str>,
    },
}

impl FlowEnd<'_> {
    /// An address of which nothing else is known.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::net(address.into())
    }

    /// The addresses, if it is no service.
    #[must_use]
    pub fn prefix(&self) -> Option<IpNet> {
        match self {
            Self::Net { net, .. } => Some(*net),
            Self::Service { .. } => None,
        }
    }

    /// Addresses of which nothing else is known.
    #[must_use]
    pub fn net(net: IpNet) -> Self {
        Self::Net { net, asgs: None }
    }
}

/// Addresses that the tag `VirtualNetwork` stands for: the address spaces of a VNet and of those
/// peered with it. Azure adds what gateways and routes lead to, which no export here tells.
#[derive(Clone, Debug, Default)]
pub struct Space(pub Vec<IpNet>);

/// Service tags that stand for public addresses alone, so that no private one is in them:
/// those that AMLFS needs.
const PUBLIC_TAGS: [&str; 11] = [
    "AzureActiveDirectory",
    "ApiManagement",
    "AzureCloud",
    "AzureDataLake",
    "AzureKeyVault",
    "AzureMonitor",
    "AzureResourceManager",
    "EventHub",
    "GuestAndHybridManagement",
    "Sql",
    "Storage",
];

/// Address that `AzureLoadBalancer` stands for.
const HOST: &str = "168.63.129.16/32";

/// Match of an end of a flow with a side of a rule, which allows or denies.
pub(super) fn matched(side: &Side, allows: bool, peer: &FlowEnd<'_>, space: &Space) -> Match {
    let prefixes = side.prefixes.iter();
    let prefixes = prefixes.map(|word| prefix(word, allows, peer, space));
    let groups = side.asgs.iter().map(|group| member(group, peer));
    Match::any(prefixes.chain(groups))
}

/// Membership of the peer in an application security group.
fn member(group: &ResourceId, peer: &FlowEnd<'_>) -> Match {
    match peer {
        FlowEnd::Net {
            asgs: Some(asgs), ..
        } => Match::of(asgs.contains(group)),
        FlowEnd::Net { asgs: None, .. } => Match::Perhaps,
        FlowEnd::Service { .. } => Match::No,
    }
}

fn prefix(word: &str, allows: bool, peer: &FlowEnd<'_>, space: &Space) -> Match {
    let is = |tag: &str| word.eq_ignore_ascii_case(tag);
    if is("*") || is("any") || word == "0.0.0.0/0" {
        return Match::Yes;
    }
    match (net(word), peer) {
        (Some(block), FlowEnd::Net { net, .. }) => covers(&block, net),
        (Some(block), FlowEnd::Service { .. }) => of_service(&block, allows),
        (None, FlowEnd::Net { net, .. }) => tag_of_net(word, net, space),
        (None, FlowEnd::Service { tag, region }) => tag_of_service(word, tag, *region),
    }
}

/// No block holds all of a service, so to allow one does not let the service pass; to deny
/// one may stop a part of it.
fn of_service(block: &IpNet, allows: bool) -> Match {
    if allows || is_private(block) {
        Match::No
    } else {
        Match::Perhaps
    }
}

/// Cover of a block by another: all of it, a part, or none.
fn covers(block: &IpNet, net: &IpNet) -> Match {
    if block.contains(net) {
        Match::Yes
    } else if net.contains(block) {
        Match::Perhaps
    } else {
        Match::No
    }
}

fn tag_of_net(word: &str, net: &IpNet, space: &Space) -> Match {
    let is = |tag: &str| word.eq_ignore_ascii_case(tag);
    if is("VirtualNetwork") {
        in_space(net, space)
    } else if is("AzureLoadBalancer") {
        HOST.parse().map_or(Match::No, |host| covers(&host, net))
    } else if is("Internet") {
        internet(net, space)
    } else if is_private(net) && is_public_tag(word) {
        Match::No
    } else {
        Match::Perhaps
    }
}

fn in_space(net: &IpNet, space: &Space) -> Match {
    let known = Match::any(space.0.iter().map(|block| covers(block, net)));
    match known {
        Match::No if is_private(net) => Match::Perhaps,
        known => known,
    }
}

/// `Internet` is everything public outside of the VNet.
fn internet(net: &IpNet, space: &Space) -> Match {
    match in_space(net, space) {
        Match::Yes => Match::No,
        Match::Perhaps => Match::Perhaps,
        Match::No => Match::Yes,
    }
}

/// Match of a tag in a rule with a service. Its addresses are part of `Internet` and of
/// `AzureCloud`; services do not share addresses.
fn tag_of_service(word: &str, tag: &str, region: Option<&str>) -> Match {
    let (name, place) = match word.split_once('.') {
        Some((name, place)) => (name, Some(place)),
        None => (word, None),
    };
    let is_all = ["Internet", "AzureCloud"]
        .iter()
        .any(|all| name.eq_ignore_ascii_case(all));
    let in_place = match (place, region) {
        (None, _) => Match::Yes,
        (Some(_), None) => Match::Perhaps,
        (Some(place), Some(region)) => Match::of(same_region(place, region)),
    };
    Match::of(is_all || name.eq_ignore_ascii_case(tag)).and(in_place)
}

/// Regions whose names in service tags are others than everywhere else, as Microsoft's page
/// on service tags and its file of them have it.
const IN_TAGS: [(&str, &str); 9] = [
    ("brazilsoutheast", "brazilse"),
    ("francecentral", "centralfrance"),
    ("francesouth", "southfrance"),
    ("germanynorth", "germanyn"),
    ("germanywestcentral", "germanywc"),
    ("norwayeast", "norwaye"),
    ("norwaywest", "norwayw"),
    ("switzerlandnorth", "switzerlandn"),
    ("switzerlandwest", "switzerlandw"),
];

/// Regions are `East US` for people, `eastus` for programs, and a few have yet another name in
/// service tags.
fn same_region(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let text = text.replace(' ', "").to_ascii_lowercase();
        let known = IN_TAGS.iter().find(|(_, in_tag)| *in_tag == text);
        known.map_or(text, |(region, _)| (*region).to_owned())
    };
    plain(one) == plain(other)
}

fn is_public_tag(word: &str) -> bool {
    let name = word.split('.').next().unwrap_or_default();
    PUBLIC_TAGS.iter().any(|tag| name.eq_ignore_ascii_case(tag))
}

/// Tells if all of a block is private: RFC 1918, RFC 6598, RFC 4193.
fn is_private(net: &IpNet) -> bool {
    const PRIVATE: [&str; 5] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
    ];
    let mut blocks = PRIVATE
        .iter()
        .filter_map(|block| block.parse::<IpNet>().ok());
    blocks.any(|block| block.contains(net))
}

/// Match of a port with those of a rule.
pub(super) fn to_port(ports: &[String], port: u16) -> Match {
    let holds = |(first, last): (u16, u16)| Match::of((first..=last).contains(&port));
    Match::any(
        ports
            .iter()
            .map(|word| range(word).map_or(Match::Perhaps, holds)),
    )
}

/// Match of any source port with those of a rule.
pub(super) fn from_any_port(ports: &[String]) -> Match {
    let is_all = |word: &String| matches!(range(word), Some((0 | 1, u16::MAX)));
    match ports {
        [] => Match::No,
        ports if ports.iter().any(is_all) => Match::Yes,
        _ => Match::Perhaps,
    }
}

/// The first and last port that a word names.
fn range(word: &str) -> Option<(u16, u16)> {
    let word = word.trim();
    if word == "*" || word.eq_ignore_ascii_case("any") {
        return Some((0, u16::MAX));
    }
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
}

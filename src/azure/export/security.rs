//! NSGs and their rules, as in the REST reference of `Microsoft.Network`.

use super::ResourceId;
use super::node::JsonNode;

/// Name and priority of a rule, true for inbound and for allowing, its source and destination.
type RuleRow = (&'static str, u64, (bool, bool), &'static str, &'static str);

/// Rules that every group has below its own, as Azure documents them.
const DEFAULTS: [RuleRow; 6] = [
    ("AllowVnetInBound", 65000, (true, true), VNET, VNET),
    (
        "AllowAzureLoadBalancerInBound",
        65001,
        (true, true),
        "AzureLoadBalancer",
        "*",
    ),
    ("DenyAllInBound", 65500, (true, false), "*", "*"),
    ("AllowVnetOutBound", 65000, (false, true), VNET, VNET),
    (
        "AllowInternetOutBound",
        65001,
        (false, true),
        "*",
        "Internet",
    ),
    ("DenyAllOutBound", 65500, (false, false), "*", "*"),
];
/// Service tag of the addresses that a virtual network reaches.
const VNET: &str = "VirtualNetwork";

/// A network security group (`az network nsg list`).
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    /// Its id.
    pub id: ResourceId,
    /// Its rules, the default ones last, where it lists these.
    pub rules: Vec<SecurityRule>,
    /// Name of a rule that lacks its priority, direction or access, so that nobody can tell
    /// what the group does; empty where the export has no rules at all.
    pub broken: Option<String>,
}

impl SecurityGroup {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let own = node.list("securityRules");
        // Exports without properties list no rules, which says nothing of the group.
        let is_silent = !node.has_any(&["securityRules", "defaultSecurityRules"]);
        let given = own.chain(node.list("defaultSecurityRules"));
        let mut group = Self {
            id,
            rules: Vec::new(),
            broken: is_silent.then(String::new),
        };
        for node in given {
            match SecurityRule::of(node) {
                Some(rule) => group.rules.push(rule),
                None => group.broken = Some(node.owned("name").unwrap_or_default()),
            }
        }
        if node.list("defaultSecurityRules").next().is_none() {
            group.rules.extend(SecurityRule::defaults());
        }
        group.rules.sort_by_key(|rule| rule.priority);
        group
    }
}

/// A rule. Words that many fields share stay as they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityRule {
    /// Its name.
    pub name: String,
    /// Its priority: the lowest number is tried first.
    pub priority: u64,
    /// Set for traffic that enters; else for traffic that leaves.
    pub inbound: bool,
    /// Set where it allows; else it denies.
    pub allow: bool,
    /// `Tcp`, `Udp`, `Icmp`, `Esp`, `Ah` or `*`.
    pub protocol: String,
    /// Its source.
    pub source: Side,
    /// Its destination.
    pub destination: Side,
}

/// One end of traffic that a rule matches. It matches if any of the prefixes or groups does, and
/// any of the ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Addresses, CIDR blocks, service tags, or `*`.
    pub prefixes: Vec<String>,
    /// Application security groups.
    pub asgs: Vec<ResourceId>,
    /// Ports, ranges of them, or `*`.
    pub ports: Vec<String>,
}

impl Side {
    fn any(prefix: &str) -> Self {
        Self {
            prefixes: vec![prefix.to_owned()],
            asgs: Vec::new(),
            ports: vec!["*".to_owned()],
        }
    }

    fn source(node: JsonNode<'_>) -> Self {
        Self {
            prefixes: node.one_or_many("sourceAddressPrefix", "sourceAddressPrefixes"),
            asgs: node.ids("sourceApplicationSecurityGroups"),
            ports: node.one_or_many("sourcePortRange", "sourcePortRanges"),
        }
    }

    fn destination(node: JsonNode<'_>) -> Self {
        Self {
            prefixes: node.one_or_many("destinationAddressPrefix", "destinationAddressPrefixes"),
            asgs: node.ids("destinationApplicationSecurityGroups"),
            ports: node.one_or_many("destinationPortRange", "destinationPortRanges"),
        }
    }
}

impl SecurityRule {
    /// Tells if it is one that every group has: users' priorities end at 4096.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.priority >= 65000
    }

    fn of(node: JsonNode<'_>) -> Option<Self> {
        let one_of = |path, [yes, no]: [&str; 2]| {
            let word = node.text(path)?;
            let is_yes = word.eq_ignore_ascii_case(yes);
            (is_yes || word.eq_ignore_ascii_case(no)).then_some(is_yes)
        };
        Some(Self {
            name: node.owned("name")?,
            priority: node.at("priority")?.0.as_u64()?,
            inbound: one_of("direction", ["Inbound", "Outbound"])?,
            allow: one_of("access", ["Allow", "Deny"])?,
            protocol: node.owned("protocol")?,
            source: Side::source(node),
            destination: Side::destination(node),
        })
    }

    /// The rules that every group has below its own, as Azure documents them.
    fn defaults() -> impl Iterator<Item = Self> {
        DEFAULTS.into_iter().map(
            |(name, priority, (inbound, allow), source, destination)| Self {
                name: name.to_owned(),
                priority,
                inbound,
                allow,
                protocol: "*".to_owned(),
                source: Side::any(source),
                destination: Side::any(destination),
            },
        )
    }
}

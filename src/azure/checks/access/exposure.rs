//! Rules of NSGs that open the servers' ports to others than clients and servers.

use super::{
    Azure, BTreeMap, Check, CheckKind, Field, FlowEnd, IpNet, NsgFlow, Outcome, PORTS, Party,
    ResourceId, RuleDirection, Ruling, SecurityGroup, SecurityRule, Space, decide, of_rule,
};
use crate::azure::export::net;

/// An address that stands for the Internet: of RFC 5737, which no network has.
const INTERNET: &str = "203.0.113.1/32";

pub(super) fn of(azure: &Azure, servers: &Party<'_>, clients: &[&Party<'_>]) -> Vec<Check> {
    let check = |outcome, says| Check::new(CheckKind::NsgExposure, outcome, says);
    let name = &servers.name;
    if servers.guards.is_empty() {
        let says = super::unfiltered(&format!("for {name}"));
        return vec![check(Outcome::Unknown, says)];
    }
    let near = clients.iter().flat_map(|party| &party.blocks);
    let meant: Vec<IpNet> = near.chain(&servers.blocks).copied().collect();
    let mut found = BTreeMap::new();
    for guard in &servers.guards {
        let group = guard.group.as_ref().ok();
        let Some(&group) = group.filter(|group| group.broken.is_none()) else {
            let says =
                format!("Whether NSGs open {name} to others than its clients cannot be told");
            found.insert(says.clone(), check(Outcome::Unknown, says));
            continue;
        };
        for (rule, opening) in openings(group, servers, &guard.space, &meant) {
            let says = opening.sentence(rule, name);
            let field = of_rule(azure, &group.id, rule);
            let command = tighten(&group.id, rule, clients);
            let check = check(opening.outcome, says.clone());
            found.insert(says, check.field(field).remedy(command));
        }
    }
    if found.is_empty() {
        let says = format!("NSGs open {name} to its clients alone");
        let mut groups = servers.guards.iter();
        let group = groups.find_map(|guard| guard.group.as_ref().ok());
        let field = group.map(|group| of_rules(azure, group));
        return vec![Check {
            field,
            ..check(Outcome::Pass, says)
        }];
    }
    found.into_values().collect()
}

/// Number of a group's rules of users, of which none opens too much.
fn of_rules(azure: &Azure, group: &SecurityGroup) -> Field {
    let rules = group.rules.iter().filter(|rule| !rule.is_default());
    let count = format!("{} rules", rules.count());
    Field::at(azure, &group.id, "securityRules", Some(count))
}

/// Somebody whom a rule may let in, and who is, or may be, neither client nor server.
struct Opening<'r> {
    peer: FlowEnd<'r>,
    /// Name of the peer in a sentence.
    says: String,
    /// A failure, or unknown where the members of a tag or a group are.
    outcome: Outcome,
}

impl Opening<'_> {
    fn sentence(&self, rule: &SecurityRule, servers: &str) -> String {
        let verb = match self.outcome {
            Outcome::Fail => "opens",
            _ => "may open",
        };
        let (rule, peer) = (&rule.name, &self.says);
        format!("Rule {rule} of an NSG {verb} {servers} to {peer}")
    }
}

/// Rules of users that let others in, each with the worst of what it opens.
fn openings<'g>(
    group: &'g SecurityGroup,
    servers: &Party<'_>,
    space: &Space,
    meant: &[IpNet],
) -> Vec<(&'g SecurityRule, Opening<'g>)> {
    let rules = group.rules.iter();
    let rules = rules.filter(|rule| rule.inbound && rule.allow && !rule.is_default());
    rules
        .filter_map(|rule| {
            let sources = rule.source.prefixes.iter();
            let named = sources.filter_map(|word| others(word, space, meant));
            let open = named.chain(members(rule, space)).filter_map(|opening| {
                let outcome = lets_in(group, rule, &opening, servers, space)?;
                Some(Opening { outcome, ..opening })
            });
            Some((rule, open.min_by_key(|opening| opening.outcome)?))
        })
        .collect()
}

/// Services that need a way in: Azure Monitor (rule 112 of Microsoft's page), and the probes
/// of the host, which every NSG lets in by default.
const NEEDED: [&str; 2] = ["AzureMonitor", "AzureLoadBalancer"];

/// Somebody whom a word of a rule lets in, and who is neither client nor server.
fn others<'r>(word: &'r str, space: &Space, meant: &[IpNet]) -> Option<Opening<'r>> {
    let is = |tag: &str| word.eq_ignore_ascii_case(tag);
    let is_meant = |net: &IpNet| meant.iter().any(|block| block.contains(net));
    let fails = |peer, says| {
        let outcome = Outcome::Fail;
        Some(Opening {
            peer,
            says,
            outcome,
        })
    };
    if is("*") || is("any") || is("Internet") || word == "0.0.0.0/0" || word == "::/0" {
        return fails(FlowEnd::net(net(INTERNET)?), "the Internet".to_owned());
    }
    if is("VirtualNetwork") {
        let more = space.0.iter().find(|net| !is_meant(net))?;
        let says = format!("{more}, more than the subnets of its clients (VirtualNetwork)");
        return fails(FlowEnd::net(*more), says);
    }
    let Some(block) = net(word) else {
        return tagged(word);
    };
    if meant.is_empty() || is_meant(&block) {
        return None;
    }
    let says = format!("{block}, more than the subnets of its clients");
    fails(FlowEnd::net(block), says)
}

/// Peers with an address of a service tag. That of all of Azure holds machines of anybody.
fn tagged(word: &str) -> Option<Opening<'_>> {
    let (tag, region) = match word.split_once('.') {
        Some((tag, region)) => (tag, Some(region)),
        None => (word, None),
    };
    let is = |known: &str| tag.eq_ignore_ascii_case(known);
    if NEEDED.into_iter().any(is) {
        return None;
    }
    let (outcome, says) = if is("AzureCloud") {
        (Outcome::Fail, format!("anybody in Azure ({word})"))
    } else {
        let says = format!("others than its clients: no export tells who is behind {word}");
        (Outcome::Unknown, says)
    };
    let peer = FlowEnd::Service { tag, region };
    Some(Opening {
        peer,
        says,
        outcome,
    })
}

/// Members of the application security groups of a rule, which may be of any subnet of a VNet.
fn members<'r>(rule: &'r SecurityRule, space: &Space) -> Vec<Opening<'r>> {
    let asgs = &rule.source.asgs;
    let Some(first) = asgs.first() else {
        return Vec::new();
    };
    let anywhere = net(INTERNET).filter(|_| space.0.is_empty());
    let peers = space.0.iter().copied().chain(anywhere);
    let peers = peers.map(|net| FlowEnd::Net {
        net,
        asgs: Some(asgs),
    });
    let says = format!(
        "others than its clients: no export tells all members of {}",
        first.name()
    );
    peers
        .map(|peer| Opening {
            peer,
            says: says.clone(),
            outcome: Outcome::Unknown,
        })
        .collect()
}

/// Outcome of a rule that decides, or may decide, that somebody is let in to a port of Lustre.
/// Behind rules that deny a part of them it may let in the rest.
fn lets_in(
    group: &SecurityGroup,
    rule: &SecurityRule,
    opening: &Opening<'_>,
    servers: &Party<'_>,
    space: &Space,
) -> Option<Outcome> {
    let of = |rules: Vec<SecurityRule>| SecurityGroup {
        id: group.id.clone(),
        rules,
        broken: None,
    };
    let before = group.rules.iter().take_while(|&other| other != rule);
    let denying = of(before.filter(|other| !other.allow).cloned().collect());
    let alone = of(vec![rule.clone()]);
    let outcome = |flow: &NsgFlow<'_>| {
        let ruled = |group| decide(group, RuleDirection::Inbound, flow, space);
        let decision = ruled(group);
        let is_denied = || ruled(&denying).ruling == Ruling::Denied;
        match decision.ruling {
            Ruling::Denied => None,
            _ if decision.rule == Some(rule) => Some(opening.outcome),
            Ruling::Allowed => None,
            Ruling::Unknown if is_denied() => None,
            Ruling::Unknown => ruled(&alone).rule.map(|_| Outcome::Unknown),
        }
    };
    let flows = flows_from(&opening.peer, servers);
    flows.iter().filter_map(outcome).min()
}

/// Flows of a peer to the ports of Lustre.
fn flows_from<'f>(peer: &FlowEnd<'f>, servers: &Party<'f>) -> Vec<NsgFlow<'f>> {
    let destinations = servers.whole().into_iter();
    let flows = destinations.flat_map(|destination| {
        PORTS.map(|port| NsgFlow {
            protocol: "Tcp",
            source: peer.clone(),
            destination: destination.clone(),
            port,
        })
    });
    flows.collect()
}

/// Narrows a rule to the subnets of clients.
fn tighten(group: &ResourceId, rule: &SecurityRule, clients: &[&Party<'_>]) -> Option<String> {
    let blocks: Vec<String> = clients
        .iter()
        .filter_map(|party| party.prefixes())
        .collect();
    let sources = format!("--source-address-prefixes {}", blocks.join(" "));
    let command = super::remedy::in_group("network nsg rule update", group)?;
    let (group, name) = (
        super::remedy::word(group.name())?,
        super::remedy::word(&rule.name)?,
    );
    let command = format!("{command} --nsg-name {group} --name {name} {sources}");
    (!blocks.is_empty()).then_some(command)
}

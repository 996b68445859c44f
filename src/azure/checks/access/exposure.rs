//! Rules of NSGs that open the servers' ports to others than clients and servers.

use super::{
    Azure, BTreeMap, Check, CheckKind, FlowEnd, IpNet, NsgFlow, Outcome, PORTS, Party, ResourceId,
    RuleDirection, Ruling, SecurityGroup, SecurityRule, Space, decide, of_rule,
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
    let meant: Vec<IpNet> = clients
        .iter()
        .flat_map(|party| &party.blocks)
        .chain(&servers.blocks)
        .copied()
        .collect();
    let mut found = BTreeMap::new();
    for guard in &servers.guards {
        let Ok(group) = guard.group else {
            let says =
                format!("Whether NSGs open {name} to others than its clients cannot be told");
            found.insert(says.clone(), check(Outcome::Unknown, says));
            continue;
        };
        for (rule, opens) in opening(group, servers, &guard.space, &meant) {
            let says = format!("Rule {} of an NSG opens {name} to {opens}", rule.name);
            let field = of_rule(azure, &group.id, rule);
            let command = tighten(&group.id, rule, clients);
            let check = check(Outcome::Fail, says.clone());
            found.insert(says, check.field(field).remedy(command));
        }
    }
    if found.is_empty() {
        let says = format!("NSGs open {name} to its clients alone");
        return vec![check(Outcome::Pass, says)];
    }
    found.into_values().collect()
}

/// Rules of users that let others in, and who these are.
fn opening<'g>(
    group: &'g SecurityGroup,
    servers: &Party<'_>,
    space: &Space,
    meant: &[IpNet],
) -> Vec<(&'g SecurityRule, String)> {
    let rules = group.rules.iter();
    let rules = rules.filter(|rule| rule.inbound && rule.allow && !rule.is_default());
    rules
        .filter_map(|rule| {
            let sources = rule.source.prefixes.iter();
            let mut open = sources.filter_map(|word| others(word, space, meant));
            let (_, opens) = open.find(|(peer, _)| lets_in(group, rule, peer, servers, space))?;
            Some((rule, opens))
        })
        .collect()
}

/// Somebody whom a word of a rule lets in, and who is neither client nor server.
fn others(word: &str, space: &Space, meant: &[IpNet]) -> Option<(FlowEnd<'static>, String)> {
    let is = |tag: &str| word.eq_ignore_ascii_case(tag);
    let is_meant = |net: &IpNet| meant.iter().any(|block| block.contains(net));
    if is("*") || is("any") || is("Internet") || word == "0.0.0.0/0" || word == "::/0" {
        return Some((FlowEnd::net(net(INTERNET)?), "the Internet".to_owned()));
    }
    if is("VirtualNetwork") {
        let more = space.0.iter().find(|net| !is_meant(net))?;
        let says = format!("{more}, more than the subnets of its clients (VirtualNetwork)");
        return Some((FlowEnd::net(*more), says));
    }
    let block = net(word)?;
    let says = format!("{block}, more than the subnets of its clients");
    (!meant.is_empty() && !is_meant(&block)).then(|| (FlowEnd::net(block), says))
}

/// Tells if a rule decides, or may decide, that somebody is let in to a port of Lustre.
fn lets_in(
    group: &SecurityGroup,
    rule: &SecurityRule,
    source: &FlowEnd<'_>,
    servers: &Party<'_>,
    space: &Space,
) -> bool {
    let destinations = servers.whole();
    destinations.iter().any(|destination| {
        PORTS.iter().any(|&port| {
            let flow = NsgFlow {
                protocol: "Tcp",
                source: source.clone(),
                destination: destination.clone(),
                port,
            };
            let decision = decide(group, RuleDirection::Inbound, &flow, space);
            decision.ruling != Ruling::Denied && decision.rule == Some(rule)
        })
    })
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

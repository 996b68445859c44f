//! Rulings of NSGs on a flow, as Azure documents them: the rules of a direction in the order of
//! their priorities, the first that matches decides; a flow passes if every group on its
//! way lets it pass. NSGs are stateful, so only who opens a connection matters.
//!
//! Whether a rule matches cannot always be told: service tags stand for addresses that only
//! Azure knows, and a rule may match a part of a subnet. Then both ways are followed, and
//! the answer is unknown unless they lead to the same.

use std::net::IpAddr;

use ipnet::IpNet;

use super::export::{ResourceId, SecurityGroup, SecurityRule, Side, net};

mod sides;

pub use sides::{FlowEnd, Space};

use sides::Match;

/// A flow to be let through, from whoever opens it.
#[derive(Clone, Debug)]
pub struct NsgFlow<'f> {
    /// `Tcp` or `Udp`, as rules write it.
    pub protocol: &'static str,
    /// Its opener, from any port.
    pub source: FlowEnd<'f>,
    /// Its other end.
    pub destination: FlowEnd<'f>,
    /// The port there.
    pub port: u16,
}

/// Direction of the rules of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleDirection {
    /// Rules for traffic that enters.
    Inbound,
    /// Rules for traffic that leaves.
    Outbound,
}

/// Fate of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It passes.
    Allowed,
    /// It does not.
    Denied,
    /// The exports cannot tell.
    Unknown,
}

/// Ruling of a group on a flow, and the rule that makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'g> {
    /// Fate of the flow.
    pub ruling: Ruling,
    /// The group.
    pub group: &'g ResourceId,
    /// The rule that decides, or that could; `None` where a rule cannot be read.
    pub rule: Option<&'g SecurityRule>,
}

/// Ruling of a group on a flow. `space` has the addresses that `VirtualNetwork` stands for
/// there.
#[must_use]
pub fn decide<'g>(
    group: &'g SecurityGroup,
    way: RuleDirection,
    flow: &NsgFlow<'_>,
    space: &Space,
) -> Decision<'g> {
    let decision = |ruling, rule| Decision {
        ruling,
        group: &group.id,
        rule,
    };
    if group.broken.is_some() {
        return decision(Ruling::Unknown, None);
    }
    let is_asked = |rule: &&SecurityRule| rule.inbound == (way == RuleDirection::Inbound);
    let mut perhaps: Option<&SecurityRule> = None;
    for rule in group.rules.iter().filter(is_asked) {
        let matched = matched(rule, flow, space);
        if matched == Match::No {
            continue;
        }
        if perhaps.is_some_and(|other| other.allow != rule.allow) {
            break;
        }
        if matched == Match::Yes {
            return decision(ruling(rule), Some(rule));
        }
        perhaps = perhaps.or(Some(rule));
    }
    decision(Ruling::Unknown, perhaps)
}

fn ruling(rule: &SecurityRule) -> Ruling {
    if rule.allow {
        Ruling::Allowed
    } else {
        Ruling::Denied
    }
}

/// Match of a rule with a flow.
fn matched(rule: &SecurityRule, flow: &NsgFlow<'_>, space: &Space) -> Match {
    let is_protocol = rule.protocol == "*"
        || rule.protocol.eq_ignore_ascii_case("any")
        || rule.protocol.eq_ignore_ascii_case(flow.protocol);
    Match::of(is_protocol)
        .and(sides::to_port(&rule.destination.ports, flow.port))
        .and(sides::from_any_port(&rule.source.ports))
        .and(sides::matched(
            &rule.source,
            rule.allow,
            &flow.source,
            space,
        ))
        .and(sides::matched(
            &rule.destination,
            rule.allow,
            &flow.destination,
            space,
        ))
}

//! Traffic of AMLFS that NSGs let pass, as Microsoft's page on NSGs for AMLFS lists it:
//! TCP 988 and 1019-1023 both ways between clients and servers, anything between servers,
//! and the services that servers report to. Traffic that NSGs stop is blocked, not plaintext.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::{Check, CheckKind, Field, Outcome, remedy};
use crate::azure::export::{FileSystem, ResourceId, SecurityGroup, SecurityRule};
use crate::azure::nsg::{Decision, FlowEnd, NsgFlow, RuleDirection, Ruling, Space, decide};
use crate::azure::topology::{Azure, RouteEnd};

mod exposure;
mod services;

/// Ports of Lustre, on either end.
const PORTS: [u16; 6] = [988, 1019, 1020, 1021, 1022, 1023];
/// As many of a party are asked for one by one.
const MAX_MEMBERS: usize = 64;
/// Pairs of blocks beyond these are not followed: no real subnet has as many.
const MAX_PAIRS: usize = MAX_MEMBERS * MAX_MEMBERS;
/// Between servers, SSH besides.
const PORTS_WITHIN: [u16; 7] = [22, 988, 1019, 1020, 1021, 1022, 1023];

/// Checks of a file system and of the NSGs around it.
#[derive(Debug, Default)]
pub struct Access<'a> {
    /// The checks.
    pub checks: Vec<Check>,
    /// Clients that NSGs keep from the file system, and why.
    blocked: Vec<(Behind<'a>, String)>,
}

/// The subnet of clients, and the NSG of their NICs: the same rules hold for all behind both.
type Behind<'a> = (Option<&'a ResourceId>, Option<&'a ResourceId>);

fn behind<'a>(client: &RouteEnd<'a>) -> Behind<'a> {
    let group = client.nic.and_then(|nic| nic.nsg.as_ref());
    (client.subnet_id, group)
}

impl Access<'_> {
    /// Sentence on the rule that keeps a client from the file system, where one does.
    #[must_use]
    pub fn blocks(&self, client: &RouteEnd<'_>) -> Option<&str> {
        let mut blocked = self.blocked.iter();
        let found = blocked.find(|(who, _)| *who == behind(client));
        found.map(|(_, says)| says.as_str())
    }
}

pub(super) fn of<'a>(
    azure: &'a Azure,
    file_system: &'a FileSystem,
    clients: &[RouteEnd<'a>],
) -> Access<'a> {
    let servers = Party::servers(azure, file_system);
    let parties = Party::clients(azure, clients);
    let mut access = Access::default();
    for (who, clients) in &parties {
        let to = between(azure, CheckKind::NsgToServers, clients, &servers);
        let from = between(azure, CheckKind::NsgToClients, &servers, clients);
        let blocking = [&to, &from].into_iter().find(|check| check.is_blocking());
        let blocked = blocking.map(|check| (*who, check.says.clone()));
        access.blocked.extend(blocked);
        access.checks.extend([to, from]);
    }
    let within = servers.pass(&servers, &PORTS_WITHIN);
    let within = check(azure, CheckKind::NsgWithin, &servers, &servers, &within);
    access.checks.push(within);
    let services = services::of(azure, file_system, &servers);
    access.checks.extend(services);
    let parties: Vec<&Party<'_>> = parties.iter().map(|(_, party)| party).collect();
    let exposure = exposure::of(azure, &servers, &parties);
    access.checks.extend(exposure);
    access
}

/// A group that filters, and the addresses that `VirtualNetwork` stands for there.
struct Guard<'a> {
    /// The group, or a sentence where no export has it.
    group: Result<&'a SecurityGroup, String>,
    space: Space,
}

/// Hosts at one end of flows, behind the same groups.
struct Party<'a> {
    /// Their name in sentences.
    name: String,
    /// The resource to name where no group filters: the subnet.
    subnet: Option<&'a ResourceId>,
    guards: Vec<Guard<'a>>,
    /// The blocks of their subnet.
    blocks: Vec<IpNet>,
    /// Those that are known one by one.
    members: Vec<FlowEnd<'a>>,
    /// True if there are no others.
    complete: bool,
    /// True if their NICs are known, which may have groups of their own.
    has_nics: bool,
}

/// Reserve of an answer where the NICs of servers are not known.
const WITHOUT_NICS: &str =
    ", by the subnet's NSG alone: no NIC of the servers (amlfs-*-snic) is in the exports";

/// Fate of flows between two parties.
struct Passage<'p> {
    ruling: Ruling,
    /// The decision behind it; `None` where no group has a say, or no export has it.
    decision: Option<(Decision<'p>, RuleDirection)>,
    /// A port that shows it.
    port: u16,
    /// Sentence on what is missing, where no rule leaves it open.
    missing: Option<&'p str>,
}

impl<'p> Passage<'p> {
    fn untold(why: &'p str, port: u16) -> Self {
        Self {
            ruling: Ruling::Unknown,
            decision: None,
            port,
            missing: Some(why),
        }
    }

    /// Tells if no group has a say.
    fn is_unfiltered(&self) -> bool {
        self.decision.is_none() && self.missing.is_none()
    }
}

impl<'a> Party<'a> {
    fn servers(azure: &'a Azure, file_system: &'a FileSystem) -> Self {
        let place = azure.place_of(file_system);
        let own: Vec<_> = azure.server_nics(file_system).collect();
        let addresses = own
            .iter()
            .flat_map(|nic| nic.configurations.iter().filter_map(|it| it.address));
        let addresses = file_system.mgs.into_iter().chain(addresses);
        let mut groups: Vec<_> = own.iter().filter_map(|nic| nic.nsg.as_ref()).collect();
        groups.dedup();
        Self {
            name: format!("the servers of {}", azure.label(&file_system.id)),
            subnet: place.subnet_id,
            guards: guards(azure, &place, &groups),
            blocks: blocks(&place),
            members: addresses.map(FlowEnd::address).take(MAX_MEMBERS).collect(),
            // File systems name one server, and NICs may be in no export.
            complete: false,
            has_nics: !own.is_empty(),
        }
    }

    /// Clients, by their subnet and the group of their NIC.
    fn clients(azure: &'a Azure, clients: &[RouteEnd<'a>]) -> Vec<(Behind<'a>, Self)> {
        let mut parties = BTreeMap::<Behind<'a>, Vec<&RouteEnd<'a>>>::new();
        for client in clients.iter().filter(|client| client.nic.is_some()) {
            parties.entry(behind(client)).or_default().push(client);
        }
        let parties = parties.into_iter();
        parties
            .map(|(who, members)| (who, Self::of(azure, who.1, &members)))
            .collect()
    }

    fn of(azure: &'a Azure, group: Option<&'a ResourceId>, members: &[&RouteEnd<'a>]) -> Self {
        let place = members[0];
        let subnet = place.subnet_id.map(|id| azure.label(id));
        let subnet = subnet.unwrap_or_else(|| "unknown".to_owned());
        let peers = members.iter().filter_map(|member| {
            Some(FlowEnd::Net {
                net: member.address?.into(),
                asgs: member.configuration.map(|it| &it.asgs[..]),
            })
        });
        Self {
            name: format!("clients in subnet {subnet}"),
            subnet: place.subnet_id,
            guards: guards(azure, place, group.as_slice()),
            blocks: blocks(place),
            members: peers.take(MAX_MEMBERS).collect(),
            complete: members.len() <= MAX_MEMBERS,
            has_nics: true,
        }
    }

    /// Reserve of an answer about them, if it rests on less than there may be.
    fn reserve(&self) -> &'static str {
        if self.has_nics { "" } else { WITHOUT_NICS }
    }

    /// Addresses to name in a rule: of all of them, or else of those that are known.
    fn prefixes(&self) -> Option<String> {
        let members = self.members.iter().filter_map(FlowEnd::prefix);
        let known: Vec<IpNet> = match &self.blocks[..] {
            [] => members.collect(),
            blocks => blocks.to_vec(),
        };
        let words: Vec<String> = known.iter().map(ToString::to_string).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    fn whole(&self) -> Vec<FlowEnd<'a>> {
        self.blocks.iter().copied().map(FlowEnd::net).collect()
    }

    /// All of them: one by one where these are all, else as blocks.
    fn exact(&self) -> Vec<FlowEnd<'a>> {
        if self.complete {
            self.members.clone()
        } else {
            self.whole()
        }
    }

    /// Fate of flows from here to others: of all in the blocks, or where rules part these, of
    /// those that are known one by one.
    fn pass<'p>(&'p self, others: &'p Self, ports: &[u16]) -> Passage<'p> {
        let way = |sources: &[FlowEnd<'a>], destinations: &[FlowEnd<'a>]| {
            passage(self, others, sources, destinations, ports)
        };
        let is_told = |passage: &Passage<'_>| passage.ruling != Ruling::Unknown;
        let blocks = way(&self.whole(), &others.whole());
        if is_told(&blocks) {
            return blocks;
        }
        let exact = way(&self.exact(), &others.exact());
        if is_told(&exact) {
            return exact;
        }
        // Of those that are known but not all, only a denial says something.
        let some = way(&self.members, &others.members);
        if some.ruling == Ruling::Denied {
            some
        } else {
            exact
        }
    }
}

/// The groups of a place's subnet and of its NICs.
fn guards<'a>(
    azure: &'a Azure,
    place: &RouteEnd<'a>,
    of_nics: &[&'a ResourceId],
) -> Vec<Guard<'a>> {
    let space = azure.space(place.vnet);
    let guard = |id: &ResourceId| {
        let known = azure.export.nsgs.get(id);
        Guard {
            group: known.ok_or_else(|| format!("NSG {} is in no export", azure.label(id))),
            space: space.clone(),
        }
    };
    // A subnet without its addresses was exported without its NSG as well.
    let is_known = place.subnet.is_some_and(|subnet| subnet.is_whole);
    let unknown = (!is_known).then(|| Guard {
        group: Err("a subnet is in no export".to_owned()),
        space: space.clone(),
    });
    let of_subnet = place.subnet.and_then(|subnet| subnet.nsg.as_ref());
    let known = of_subnet
        .into_iter()
        .chain(of_nics.iter().copied())
        .map(guard);
    unknown.into_iter().chain(known).collect()
}

fn blocks(place: &RouteEnd<'_>) -> Vec<IpNet> {
    place
        .subnet
        .map_or_else(Vec::new, |subnet| subnet.prefixes.clone())
}

/// Fate of TCP flows from each source to each destination: the worst.
fn passage<'p>(
    from: &'p Party<'_>,
    to: &'p Party<'_>,
    sources: &[FlowEnd<'_>],
    destinations: &[FlowEnd<'_>],
    ports: &[u16],
) -> Passage<'p> {
    if sources.len().saturating_mul(destinations.len()) > MAX_PAIRS {
        return Passage::untold("a subnet has too many blocks", ports[0]);
    }
    let pairs = sources
        .iter()
        .flat_map(|source| destinations.iter().map(move |to| (source, to)));
    let flows = pairs.flat_map(|(source, destination)| {
        ports.iter().map(|&port| NsgFlow {
            protocol: "Tcp",
            source: source.clone(),
            destination: destination.clone(),
            port,
        })
    });
    let passages = flows.map(|flow| passage_of(&from.guards, &to.guards, &flow));
    let none = Passage::untold("a subnet is in no export", ports[0]);
    passages.reduce(worse).unwrap_or(none)
}

/// Fate of one flow: it has to pass every group.
fn passage_of<'p>(out: &'p [Guard<'_>], into: &'p [Guard<'_>], flow: &NsgFlow<'_>) -> Passage<'p> {
    let out = out.iter().map(|guard| (guard, RuleDirection::Outbound));
    let into = into.iter().map(|guard| (guard, RuleDirection::Inbound));
    let passages = out.chain(into).map(|(guard, way)| match &guard.group {
        Ok(group) => {
            let decision = decide(group, way, flow, &guard.space);
            Passage {
                ruling: decision.ruling,
                decision: Some((decision, way)),
                port: flow.port,
                missing: None,
            }
        }
        Err(why) => Passage::untold(why, flow.port),
    });
    let open = Passage {
        ruling: Ruling::Allowed,
        decision: None,
        port: flow.port,
        missing: None,
    };
    passages.reduce(worse).unwrap_or(open)
}

fn worse<'p>(known: Passage<'p>, other: Passage<'p>) -> Passage<'p> {
    let rank = |ruling| match ruling {
        Ruling::Denied => 2,
        Ruling::Unknown => 1,
        Ruling::Allowed => 0,
    };
    if rank(known.ruling) >= rank(other.ruling) {
        known
    } else {
        other
    }
}

fn between(azure: &Azure, kind: CheckKind, from: &Party<'_>, to: &Party<'_>) -> Check {
    check(azure, kind, from, to, &from.pass(to, &PORTS))
}

fn check(
    azure: &Azure,
    kind: CheckKind,
    from: &Party<'_>,
    to: &Party<'_>,
    passage: &Passage<'_>,
) -> Check {
    let ends = format!("from {} to {}", from.name, to.name);
    let says = match passage.ruling {
        Ruling::Allowed if passage.is_unfiltered() => unfiltered(&ends),
        Ruling::Allowed => {
            let parties = [from, to].map(Party::reserve);
            let reserve = parties.into_iter().max().unwrap_or_default();
            format!("NSGs let Lustre pass {ends}{reserve}")
        }
        Ruling::Denied => format!(
            "An NSG blocks TCP {} {ends}: no plaintext, no traffic at all",
            passage.port
        ),
        Ruling::Unknown => {
            let why = "a rule matches in part, or names what no export tells";
            let why = passage.missing.unwrap_or(why);
            format!("Whether NSGs let Lustre pass {ends} cannot be told: {why}")
        }
    };
    let is_denied = passage.ruling == Ruling::Denied;
    let command = is_denied.then(|| allow(kind, passage, from, to)).flatten();
    let check = Check {
        field: field(azure, passage, to.subnet.or(from.subnet)),
        remedy: command,
        ..Check::new(kind, outcome(passage), says)
    };
    check.blocks()
}

/// Sentence on a way without any group: it is reachable, and not locked down.
fn unfiltered(ends: &str) -> String {
    format!(
        "No NSG filters {ends}: reachable, not locked down; Microsoft's page on NSGs for AMLFS \
         asks for rules"
    )
}

/// A way that no group filters is open, and nothing that a check passes for.
fn outcome(passage: &Passage<'_>) -> Outcome {
    match passage.ruling {
        Ruling::Allowed if passage.is_unfiltered() => Outcome::Unknown,
        Ruling::Allowed => Outcome::Pass,
        Ruling::Denied => Outcome::Fail,
        Ruling::Unknown => Outcome::Unknown,
    }
}

/// The rule that decided; where no group filters, that the subnet has none.
fn field(azure: &Azure, passage: &Passage<'_>, subnet: Option<&ResourceId>) -> Option<Field> {
    match &passage.decision {
        Some((decision, _)) => Some(of_rule(azure, decision.group, decision.rule?)),
        None if passage.missing.is_some() => None,
        None => subnet.map(|subnet| Field::at(azure, subnet, "networkSecurityGroup.id", None)),
    }
}

fn of_rule(azure: &Azure, group: &ResourceId, rule: &SecurityRule) -> Field {
    let access = if rule.allow { "Allow" } else { "Deny" };
    let value = format!("{access}, priority {}", rule.priority);
    let list = if rule.is_default() {
        "defaultSecurityRules"
    } else {
        "securityRules"
    };
    let path = format!("{list}[{}]", rule.name);
    Field::at(azure, group, path, Some(value))
}

/// A rule before the one that denies. Users' priorities are 100 to 4096.
fn allow(
    kind: CheckKind,
    passage: &Passage<'_>,
    from: &Party<'_>,
    to: &Party<'_>,
) -> Option<String> {
    let (decision, way) = passage.decision.as_ref()?;
    let priority = free_priority(decision, *way, from, to)?;
    let direction = match way {
        RuleDirection::Inbound => "Inbound",
        RuleDirection::Outbound => "Outbound",
    };
    let what = match kind {
        CheckKind::NsgWithin => "--protocol '*' --destination-port-ranges '*'",
        _ => "--protocol Tcp --destination-port-ranges 988 1019-1023",
    };
    let (sources, destinations) = (from.prefixes()?, to.prefixes()?);
    let command = remedy::in_group("network nsg rule create", decision.group)?;
    let group = remedy::word(decision.group.name())?;
    Some(format!(
        "{command} --nsg-name {group} --name AllowLustre{direction}{priority} \
         --priority {priority} --direction {direction} --access Allow {what} \
         --source-address-prefixes {sources} --destination-address-prefixes {destinations}"
    ))
}

fn free_priority(
    decision: &Decision<'_>,
    way: RuleDirection,
    from: &Party<'_>,
    to: &Party<'_>,
) -> Option<u64> {
    let groups = from
        .guards
        .iter()
        .chain(&to.guards)
        .filter_map(|guard| guard.group.as_ref().ok());
    let group = groups
        .into_iter()
        .find(|group| &group.id == decision.group)?;
    let taken = |priority: u64| {
        let mut rules = group.rules.iter();
        rules.any(|rule| {
            rule.priority == priority && rule.inbound == (way == RuleDirection::Inbound)
        })
    };
    (100..decision.rule?.priority.min(4097))
        .rev()
        .find(|&priority| !taken(priority))
}

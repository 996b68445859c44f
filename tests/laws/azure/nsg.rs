//! What NSGs do: against a model that asks every rule about every address, and in all the
//! forms that rules have.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use plainsight::azure::export::{Export, ResourceId, SecurityGroup};
use plainsight::azure::nsg::{FlowEnd, NsgFlow, RuleDirection, Ruling, Space, decide};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::azure::id;

fn group(rules: &[Value]) -> SecurityGroup {
    let nsg = json!({
        "id": id("Microsoft.Network/networkSecurityGroups", "nsg"),
        "securityRules": rules,
    });
    let mut export = Export::of("nsg", nsg);
    export.nsgs.pop_first().expect("a group").1
}

/// A rule of a model: numbers instead of words. Addresses are the last octets of
/// 10.0.0.0/28, so that blocks overlap.
#[derive(Clone, Debug)]
struct Rule {
    priority: u16,
    inbound: bool,
    allow: bool,
    protocol: &'static str,
    sources: Vec<(u8, u8)>,
    destinations: Vec<(u8, u8)>,
    ports: Vec<(u16, u16)>,
}

impl Rule {
    /// One in several is written in the field for one.
    fn json(&self) -> Value {
        let word = |direction| if direction { "Inbound" } else { "Outbound" };
        let mut rule = json!({
            "name": format!("rule-{}", self.priority),
            "priority": self.priority,
            "direction": word(self.inbound),
            "access": if self.allow { "Allow" } else { "Deny" },
            "protocol": self.protocol,
            "sourcePortRange": "*",
        });
        let blocks = |blocks: &[(u8, u8)]| blocks.iter().copied().map(block).collect::<Vec<_>>();
        let ports = self.ports.iter().copied().map(ports).collect::<Vec<_>>();
        for (name, words, [one, many]) in [
            (
                "source",
                blocks(&self.sources),
                ["AddressPrefix", "AddressPrefixes"],
            ),
            (
                "destination",
                blocks(&self.destinations),
                ["AddressPrefix", "AddressPrefixes"],
            ),
            ("destination", ports, ["PortRange", "PortRanges"]),
        ] {
            if let [word] = &words[..] {
                rule[format!("{name}{one}")] = json!(word);
                rule[format!("{name}{many}")] = json!([]);
            } else {
                rule[format!("{name}{many}")] = json!(words);
            }
        }
        rule
    }

    fn matches(&self, flow: &Seen) -> bool {
        let holds =
            |blocks: &[(u8, u8)], address| blocks.iter().any(|block| in_block(*block, address));
        let port = self
            .ports
            .iter()
            .any(|&(first, last)| first <= flow.port && flow.port <= last);
        let protocol = ["*", flow.protocol].contains(&self.protocol);
        self.inbound == flow.inbound
            && protocol
            && port
            && holds(&self.sources, flow.source)
            && holds(&self.destinations, flow.destination)
    }
}

/// The address, and as many bits as it has in common with others of its block.
fn block((address, bits): (u8, u8)) -> String {
    match bits {
        0 => "*".to_owned(),
        4 => format!("10.0.0.{address}"),
        _ => format!("10.0.0.{}/{}", address & mask(bits), 28 + bits),
    }
}

fn mask(bits: u8) -> u8 {
    0xf << (4 - bits) & 0xf
}

fn in_block((block, bits): (u8, u8), address: u8) -> bool {
    address & mask(bits) == block & mask(bits)
}

fn ports((first, last): (u16, u16)) -> String {
    match (first, last) {
        (0, u16::MAX) => "*".to_owned(),
        _ if first == last => first.to_string(),
        _ => format!("{first}-{last}"),
    }
}

/// A flow of the model.
#[derive(Clone, Copy, Debug)]
struct Seen {
    inbound: bool,
    protocol: &'static str,
    source: u8,
    destination: u8,
    port: u16,
}

/// What the rules do with a flow, as Azure says: sorted, the first that matches. The last
/// of the default rules denies the rest, and the ones above it are about VNets, which these
/// addresses are of.
fn model(rules: &[Rule], flow: Seen) -> Ruling {
    let mut rules: Vec<&Rule> = rules.iter().collect();
    rules.sort_by_key(|rule| rule.priority);
    match rules.into_iter().find(|rule| rule.matches(&flow)) {
        Some(rule) if !rule.allow => Ruling::Denied,
        _ => Ruling::Allowed,
    }
}

fn asked(group: &SecurityGroup, flow: Seen, source: IpNet, destination: IpNet) -> Ruling {
    let way = if flow.inbound {
        RuleDirection::Inbound
    } else {
        RuleDirection::Outbound
    };
    let flow = NsgFlow {
        protocol: flow.protocol,
        source: FlowEnd::net(source),
        destination: FlowEnd::net(destination),
        port: flow.port,
    };
    let space = Space(vec!["10.0.0.0/16".parse().unwrap()]);
    decide(group, way, &flow, &space).ruling
}

fn address(last: u8) -> IpNet {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)).into()
}

prop_compose! {
    fn a_block()(address in 0..16_u8, bits in 0..=4_u8) -> (u8, u8) {
        (address, bits)
    }
}

fn some_ports() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![
        Just((0, u16::MAX)),
        (985..990_u16).prop_map(|port| (port, port)),
        (980..988_u16, 987..1023_u16),
    ]
}

prop_compose! {
    fn a_rule()(
        priority in 100..140_u16,
        inbound: bool,
        allow: bool,
        protocol in prop::sample::select(vec!["*", "Tcp", "Udp"]),
        sources in prop::collection::vec(a_block(), 1..3),
        destinations in prop::collection::vec(a_block(), 1..3),
        ports in prop::collection::vec(some_ports(), 1..3),
    ) -> Rule {
        Rule { priority, inbound, allow, protocol, sources, destinations, ports }
    }
}

prop_compose! {
    fn a_flow()(
        inbound: bool,
        protocol in prop::sample::select(vec!["Tcp", "Udp"]),
        source in 0..16_u8,
        destination in 0..16_u8,
        port in 980..1024_u16,
    ) -> Seen {
        Seen { inbound, protocol, source, destination, port }
    }
}

/// Azure refuses two rules of one priority and direction.
fn rules() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(a_rule(), 0..8).prop_map(|mut rules| {
        rules.sort_by_key(|rule| (rule.priority, rule.inbound));
        rules.dedup_by_key(|rule| (rule.priority, rule.inbound));
        rules
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_single_addresses_the_answer_is_that_of_the_model(
        (rules, flow) in (rules(), a_flow()).prop_flat_map(|(rules, flow)| {
            (Just(rules).prop_shuffle(), Just(flow))
        }),
    ) {
        let group = group(&rules.iter().map(Rule::json).collect::<Vec<_>>());
        let ruling = asked(&group, flow, address(flow.source), address(flow.destination));
        prop_assert_eq!(ruling, model(&rules, flow));
    }

    /// What is said of a block holds for each of its addresses.
    #[test]
    fn of_blocks_nothing_false_is_said(
        rules in rules(),
        flow in a_flow(),
        (source, destination) in (a_block(), a_block()),
    ) {
        let group = group(&rules.iter().map(Rule::json).collect::<Vec<_>>());
        let net = |(address, bits): (u8, u8)| -> IpNet {
            format!("10.0.0.{}/{}", address & mask(bits), 28 + bits).parse().unwrap()
        };
        let ruling = asked(&group, flow, net(source), net(destination));
        let all = |block| (0..16).filter(move |&address| in_block(block, address));
        for source in all(source) {
            for destination in all(destination) {
                let one = model(&rules, Seen { source, destination, ..flow });
                prop_assert!([one, Ruling::Unknown].contains(&ruling), "{:?} {:?}", ruling, one);
            }
        }
    }
}

/// What one rule before a denial of all does with TCP 988 from 10.0.1.4 to 10.0.2.5.
fn with_rule(rule: &Value) -> Ruling {
    ruling_of(rule, FlowEnd::address("10.0.1.4".parse().unwrap()))
}

fn ruling_of(rule: &Value, source: FlowEnd<'_>) -> Ruling {
    let mut all = json!({
        "name": "all", "priority": 200, "direction": "Inbound", "access": "Deny", "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*",
    });
    let deny = all.clone();
    let fields = all.as_object_mut().unwrap();
    fields.extend(
        json!({"name": "it", "priority": 100, "access": "Allow"})
            .as_object()
            .unwrap()
            .clone(),
    );
    fields.extend(rule.as_object().unwrap().clone());
    let flow = NsgFlow {
        protocol: "Tcp",
        source,
        destination: FlowEnd::address("10.0.2.5".parse().unwrap()),
        port: 988,
    };
    let space = Space(vec![
        "10.0.1.0/24".parse().unwrap(),
        "10.0.2.0/24".parse().unwrap(),
    ]);
    decide(&group(&[deny, all]), RuleDirection::Inbound, &flow, &space).ruling
}

#[test]
fn all_forms_of_prefixes_and_ports_are_known() {
    use Ruling::{Allowed, Denied, Unknown};
    let forms = [
        (json!({}), Allowed),
        (
            json!({"access": "allow", "protocol": "TCP", "direction": "inbound"}),
            Allowed,
        ),
        (json!({"protocol": "Any"}), Allowed),
        (json!({"protocol": "Udp"}), Denied),
        (json!({"protocol": "Icmp"}), Denied),
        (json!({"direction": "Outbound"}), Denied),
        (json!({"destinationPortRange": "988"}), Allowed),
        (json!({"destinationPortRange": "0-65535"}), Allowed),
        (json!({"destinationPortRange": "1019-1023"}), Denied),
        (
            json!({"destinationPortRange": "", "destinationPortRanges": ["22", "980-990"]}),
            Allowed,
        ),
        (
            json!({"destinationPortRange": null, "destinationPortRanges": ["22"]}),
            Denied,
        ),
        (json!({"destinationPortRange": "many"}), Unknown),
        (json!({"destinationPortRange": null}), Denied),
        (json!({"sourcePortRange": "1019-1023"}), Unknown),
        (
            json!({"sourcePortRange": null, "sourcePortRanges": ["1-65535"]}),
            Allowed,
        ),
        (json!({"sourceAddressPrefix": "10.0.1.4"}), Allowed),
        (json!({"sourceAddressPrefix": "10.0.1.5"}), Denied),
        (json!({"sourceAddressPrefix": "0.0.0.0/0"}), Allowed),
        (json!({"sourceAddressPrefix": "10.0.0.0/8"}), Allowed),
        (
            json!({"sourceAddressPrefix": null, "sourceAddressPrefixes": ["10.9.0.0/16", "10.0.1.0/24"]}),
            Allowed,
        ),
        (json!({"sourceAddressPrefix": "VirtualNetwork"}), Allowed),
        (
            json!({"destinationAddressPrefix": "virtualnetwork"}),
            Allowed,
        ),
        (json!({"sourceAddressPrefix": "AzureLoadBalancer"}), Denied),
        (json!({"sourceAddressPrefix": "Internet"}), Denied),
        (json!({"sourceAddressPrefix": "AzureMonitor"}), Denied),
        (json!({"sourceAddressPrefix": "Storage.EastUS"}), Denied),
        (json!({"sourceAddressPrefix": "SomeNewTag"}), Unknown),
        (
            json!({"sourceAddressPrefix": null, "sourceApplicationSecurityGroups": [{"id": id("Microsoft.Network/applicationSecurityGroups", "a")}]}),
            Unknown,
        ),
        (json!({"sourceAddressPrefix": null}), Denied),
        // A rule that cannot be ordered may stand anywhere.
        (json!({"priority": "high"}), Unknown),
        (json!({"access": "Perhaps"}), Unknown),
        (json!({"direction": null}), Unknown),
    ];
    for (rule, ruling) in forms {
        assert_eq!(with_rule(&rule), ruling, "{rule}");
    }
}

#[test]
fn application_security_groups_are_those_of_the_nic() {
    let name = |name| {
        ResourceId::new(
            id("Microsoft.Network/applicationSecurityGroups", name)
                .as_str()
                .unwrap(),
        )
    };
    let own = [name("a").unwrap()];
    let member = |name| {
        let rule = json!({
            "sourceAddressPrefix": null,
            "sourceApplicationSecurityGroups": [{"id": id("Microsoft.Network/applicationSecurityGroups", name)}],
        });
        let net = "10.0.1.4".parse::<IpAddr>().unwrap().into();
        ruling_of(
            &rule,
            FlowEnd::Net {
                net,
                asgs: Some(&own),
            },
        )
    };
    assert_eq!(
        (member("a"), member("b")),
        (Ruling::Allowed, Ruling::Denied)
    );
}

#[test]
fn default_rules_stand_below_where_none_are_listed() {
    let ask = |listed: Value, source: &str| {
        let nsg = json!({
            "id": id("Microsoft.Network/networkSecurityGroups", "nsg"),
            "securityRules": [],
            "defaultSecurityRules": listed,
        });
        let export = Export::of("nsg", nsg);
        let flow = NsgFlow {
            protocol: "Tcp",
            source: FlowEnd::address(source.parse().unwrap()),
            destination: FlowEnd::address("10.0.2.5".parse().unwrap()),
            port: 988,
        };
        let space = Space(vec!["10.0.0.0/16".parse().unwrap()]);
        let group = export.nsgs.values().next().unwrap();
        decide(group, RuleDirection::Inbound, &flow, &space).ruling
    };
    for absent in [json!(null), json!([])] {
        assert_eq!(ask(absent.clone(), "10.0.1.4"), Ruling::Allowed);
        assert_eq!(ask(absent.clone(), "168.63.129.16"), Ruling::Allowed);
        assert_eq!(ask(absent.clone(), "8.8.8.8"), Ruling::Denied);
        // What gateways lead to is part of the tag, and in no export.
        assert_eq!(ask(absent, "192.168.7.7"), Ruling::Unknown);
    }
    let deny = json!([{
        "name": "DenyAllInBound", "priority": 65500, "direction": "Inbound", "access": "Deny",
        "protocol": "*", "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*",
    }]);
    assert_eq!(ask(deny, "10.0.1.4"), Ruling::Denied);
}

#[test]
fn services_are_told_by_their_tags() {
    use Ruling::{Allowed, Denied};
    let storage = FlowEnd::Service {
        tag: "Storage",
        region: Some("East US"),
    };
    let rows = [
        ("Storage", Allowed),
        ("Storage.EastUS", Allowed),
        ("Storage.WestUS", Denied),
        ("AzureMonitor", Denied),
        ("Internet", Allowed),
        ("AzureCloud", Allowed),
        ("AzureCloud.eastus", Allowed),
        ("AzureCloud.centralfrance", Denied),
        ("VirtualNetwork", Denied),
        ("10.0.0.0/8", Denied),
        // To allow a part is not to allow all.
        ("20.0.0.0/8", Denied),
        ("*", Allowed),
    ];
    for (tag, ruling) in rows {
        let rule = json!({"sourceAddressPrefix": tag});
        assert_eq!(ruling_of(&rule, storage.clone()), ruling, "{tag}");
    }
}

/// To deny a part of a service may be to stop it, whatever is allowed below.
#[test]
fn a_service_may_be_stopped_in_part() {
    let rule = |priority: u64, access: &str, source: &str| {
        json!({
            "name": access, "priority": priority, "direction": "Inbound", "access": access,
            "protocol": "*", "sourceAddressPrefix": source, "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "*",
        })
    };
    let flow = NsgFlow {
        protocol: "Tcp",
        source: FlowEnd::Service {
            tag: "Storage",
            region: None,
        },
        destination: FlowEnd::address("10.0.2.5".parse().unwrap()),
        port: 443,
    };
    let ruling = |denied| {
        let rules = [rule(100, "Deny", denied), rule(200, "Allow", "*")];
        decide(
            &group(&rules),
            RuleDirection::Inbound,
            &flow,
            &Space::default(),
        )
        .ruling
    };
    assert_eq!(ruling("20.0.0.0/8"), Ruling::Unknown);
    assert_eq!(ruling("10.0.0.0/8"), Ruling::Allowed);
    assert_eq!(ruling("Storage.EastUS"), Ruling::Unknown);
    assert_eq!(ruling("Storage"), Ruling::Denied);
}

/// A few regions have other names in service tags than anywhere else.
#[test]
fn irregular_regions_of_tags_are_those_regions() {
    for (region, tag) in [
        ("France Central", "AzureCloud.centralfrance"),
        ("francesouth", "Storage.SouthFrance"),
        ("germanywestcentral", "AzureCloud.germanywc"),
        ("germanynorth", "AzureCloud.germanyn"),
        ("norwayeast", "AzureCloud.norwaye"),
        ("norwaywest", "Storage.norwayw"),
        ("switzerlandnorth", "AzureCloud.switzerlandn"),
        ("switzerlandwest", "AzureCloud.switzerlandw"),
        ("swedencentral", "AzureCloud.SwedenCentral"),
    ] {
        let rule = json!({"sourceAddressPrefix": tag});
        let ruling = |region| {
            let tag = "Storage";
            ruling_of(
                &rule,
                FlowEnd::Service {
                    tag,
                    region: Some(region),
                },
            )
        };
        assert_eq!(ruling(region), Ruling::Allowed, "{region} {tag}");
        assert_eq!(ruling("eastus"), Ruling::Denied, "{tag}");
    }
}

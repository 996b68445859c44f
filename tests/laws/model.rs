//! A reference model: counts that follow from how packets were made, against the report.

use std::collections::BTreeMap;

use plainsight::decode::ENCAPSULATIONS;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::made::{self, Flow, Made, OfPath, Truth, seen_twice};
use crate::support::run::{self, Stored};

/// Packets, wire bytes, payload bytes.
type Count = (u64, u64, u64);
/// Packets by the way they went (to the server, or not) and class.
type Classes = BTreeMap<(bool, String), Count>;

/// What a report must say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    flows: BTreeMap<Flow, Classes>,
    elsewhere: (u64, u64),
    other: (u64, u64),
    undecodable: (u64, u64),
    duplicates: (u64, u64),
}

impl Expected {
    fn of(made: &[Made]) -> Self {
        let mut expected = Self::default();
        for packet in made {
            expected.count(packet);
        }
        expected
    }

    fn count(&mut self, made: &Made) {
        let wire = u64::from(made.frame.wire_len);
        let bucket = match &made.truth {
            Truth::Path(_) | Truth::Elsewhere if made.is_copy => &mut self.duplicates,
            Truth::Path(of) => return self.count_path(of, wire),
            Truth::Elsewhere => &mut self.elsewhere,
            Truth::Other => &mut self.other,
            Truth::Undecodable => &mut self.undecodable,
        };
        bucket.0 += 1;
        bucket.1 += wire;
    }

    fn count_path(&mut self, of: &OfPath, wire: u64) {
        let classes = self.flows.entry(of.flow.clone()).or_default();
        let count = classes
            .entry((of.to_server, of.class.to_owned()))
            .or_default();
        count.0 += 1;
        count.1 += wire;
        count.2 += of.payload_len as u64;
    }
}

/// The verdicts that each path that was made may have.
fn verdicts(made: &[Made]) -> BTreeMap<(String, String), &'static [&'static str]> {
    let mut seen = BTreeMap::<_, Vec<&OfPath>>::new();
    for packet in made {
        if let Truth::Path(of) = &packet.truth {
            let ends = (of.flow.client.to_string(), of.flow.server.to_string());
            seen.entry(ends).or_default().push(of);
        }
    }
    seen.into_iter()
        .map(|(ends, packets)| (ends, verdict(&packets)))
        .collect()
}

/// Whether bytes enough were captured to tell a cipher where no hello was, the tests of
/// sessions hold.
fn verdict(packets: &[&OfPath]) -> &'static [&'static str] {
    let any = |class| packets.iter().any(|of| of.class == class);
    let weak = packets.iter().any(|of| of.is_weak);
    match (any("encrypted"), any("plaintext")) {
        (true, true) => &["mixed"],
        (false, true) => &["plaintext"],
        // A hello without a cipher is enough, whatever was sent under it.
        _ if packets.iter().any(|of| of.is_null) && any("encrypted") => &["mixed"],
        _ if packets.iter().any(|of| of.is_null) => &["plaintext"],
        _ if weak => &["weak"],
        (true, false) => &["encrypted", "undetermined"],
        (false, false) => &["undetermined"],
    }
}

/// What a report says of paths that were seen.
fn reported_flows(report: &Value) -> BTreeMap<Flow, Classes> {
    let seen = list(&report["paths"]).filter(|path| !path["client"].is_null());
    seen.flat_map(|path| list(&path["flows"]).map(move |flow| (flow_of(path, flow), classes(flow))))
        .collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn flow_of(path: &Value, flow: &Value) -> Flow {
    let address = |end: &str| path[end].as_str().unwrap().parse().unwrap();
    let port = |end: &str| Some(u16::try_from(flow[end].as_u64()?).unwrap());
    let static_name = |name: &Value| {
        let around = ENCAPSULATIONS.iter().map(|kind| kind.name);
        let mut known = ["tcp", "udp"].into_iter().chain(around);
        known.find(|&known| name == known).unwrap()
    };
    Flow {
        client: address("client"),
        server: address("server"),
        protocol: static_name(&flow["protocol"]),
        ports: port("client_port").zip(port("server_port")),
        encapsulation: list(&flow["encapsulation"]).map(static_name).collect(),
        network: flow["network"]
            .as_u64()
            .map(|id| u32::try_from(id).unwrap()),
    }
}

fn classes(flow: &Value) -> Classes {
    let mut classes = Classes::new();
    for (way, to_server) in [("to_server", true), ("to_client", false)] {
        for (class, count) in flow[way].as_object().unwrap() {
            let number = |field: &str| count[field].as_u64().unwrap();
            let (packets, wire) = run::volume(count);
            if packets > 0 {
                let count = (packets, wire, number("payload_bytes"));
                classes.insert((to_server, class.clone()), count);
            }
        }
    }
    classes
}

fn reported_verdicts(report: &Value) -> BTreeMap<(String, String), &str> {
    let seen = list(&report["paths"]).filter(|path| !path["client"].is_null());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    seen.map(|path| {
        let ends = (text(&path["client"]), text(&path["server"]));
        (ends, path["verdict"].as_str().unwrap())
    })
    .collect()
}

fn check(made: &[Made]) {
    let report = check_counts(made);
    let (reported, expected) = (reported_verdicts(&report), verdicts(made));
    assert!(reported.keys().eq(expected.keys()), "{reported:?}");
    for (ends, allowed) in &expected {
        let verdict = reported[ends];
        assert!(
            allowed.contains(&verdict),
            "{ends:?}: {verdict}, not {allowed:?}"
        );
    }
}

/// Holds that a capture of several interfaces counts what it was made of, and says of each
/// path what one of a single interface says.
fn check_as_one(made: &[Made]) {
    let report = check_counts(made);
    let originals = made.iter().filter(|made| !made.is_copy);
    let one: Vec<Stored> = originals
        .map(|made| Stored {
            interface: 0,
            ..made.frame.clone()
        })
        .collect();
    let one = run::reported(&one, 1000);
    assert_eq!(reported_verdicts(&report), reported_verdicts(&one));
    let dtls = |report: &Value| {
        list(&report["paths"])
            .map(|path| path["dtls"].clone())
            .collect()
    };
    let (several, one): (Vec<_>, Vec<_>) = (dtls(&report), dtls(&one));
    assert_eq!(several, one);
}

fn check_counts(made: &[Made]) -> Value {
    let frames: Vec<Stored> = made.iter().map(|made| made.frame.clone()).collect();
    let report = run::reported(&frames, 1000);
    run::assert_sums(&report, &frames);
    let expected = Expected::of(made);
    assert_eq!(reported_flows(&report), expected.flows);
    let bucket = |name: &str| run::volume(&report["accounting"][name]);
    assert_eq!(bucket("dtls_elsewhere"), expected.elsewhere);
    assert_eq!(bucket("other"), expected.other);
    assert_eq!(bucket("undecodable"), expected.undecodable);
    assert_eq!(bucket("duplicates"), expected.duplicates);
    let silent: Vec<_> = list(&report["paths"])
        .filter(|path| path["verdict"] == "silent")
        .map(|path| path["server"].as_str().unwrap())
        .collect();
    assert_eq!(silent, [run::SILENT]);
    report
}

proptest! {
    #![proptest_config(crate::support::config(2048))]

    #[test]
    fn packets_are_what_they_were_made_as(made in made::capture(40)) {
        check(&made);
    }

    /// The second interface misses some of what the first one saw.
    #[test]
    fn what_a_second_interface_saw_too_is_a_duplicate(
        made in made::capture(30),
        missed in prop::collection::vec(any::<bool>(), 1..40),
    ) {
        check_as_one(&seen_twice(made, &missed));
    }

    /// The ports of a tap, the slaves of a bond: no packet has a twin. Datagrams that are the
    /// same to the last bit cannot be told from twins, and stay on one.
    #[test]
    fn packets_spread_over_interfaces_are_those_of_one(
        mut made in made::capture(40),
        interfaces in prop::collection::vec(0..2_u32, 1..40),
    ) {
        let mut places = BTreeMap::new();
        for (made, interface) in made.iter_mut().zip(interfaces.into_iter().cycle()) {
            let place = places.entry(made.frame.data.clone()).or_insert(interface);
            made.frame.interface = *place;
        }
        check_as_one(&made);
    }
}

//! A reference model: counts that follow from how packets were made, against the report.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use crate::support::made::{self, Flow, Made, OfPath, Truth};
use crate::support::run::{self, Stored};

/// Packets, wire bytes, payload bytes.
type Count = (u64, u64, u64);
/// Packets by the way they went (to the server, or not) and class.
type Classes = BTreeMap<(bool, String), Count>;

/// What a report must say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    flows: BTreeMap<Flow, Classes>,
    verdicts: BTreeMap<(String, String), &'static str>,
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
        expected.verdicts = verdicts(made);
        expected
    }

    fn count(&mut self, Made { frame, truth, .. }: &Made) {
        let wire = u64::from(frame.wire_len);
        let bucket = match truth {
            Truth::Path(_) if frame.interface > 0 => &mut self.duplicates,
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

/// The verdict of each path that was made.
fn verdicts(made: &[Made]) -> BTreeMap<(String, String), &'static str> {
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

fn verdict(packets: &[&OfPath]) -> &'static str {
    let any = |class| packets.iter().any(|of| of.class == class);
    let weak = packets
        .iter()
        .any(|of| of.is_weak && of.class == "encrypted");
    match (any("encrypted"), any("plaintext")) {
        (true, true) => "mixed",
        (false, true) => "plaintext",
        (true, false) if weak => "weak",
        (true, false) => "encrypted",
        (false, false) => "undetermined",
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
        let known = ["tcp", "udp", "VXLAN", "Geneve", "GRE", "NVGRE", "IP in IP"];
        known.into_iter().find(|&known| name == known).unwrap()
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
    let frames: Vec<Stored> = made.iter().map(|made| made.frame.clone()).collect();
    let report = run::reported(&frames, 1000);
    run::assert_sums(&report, &frames);
    let expected = Expected::of(made);
    assert_eq!(reported_flows(&report), expected.flows);
    assert_eq!(reported_verdicts(&report), expected.verdicts);
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
}

proptest! {
    #![proptest_config(crate::support::config(256))]

    #[test]
    fn packets_are_what_they_were_made_as(made in made::capture(40)) {
        check(&made);
    }

    /// The second interface misses some of what the first one saw, and all fragments: of
    /// one alone it could not be told what it is of.
    #[test]
    fn what_a_second_interface_saw_too_is_a_duplicate(
        made in made::capture(30),
        missed in prop::collection::vec(any::<bool>(), 1..40),
    ) {
        let first = made.iter().flat_map(|made| {
            let mut again = made.clone();
            again.frame.interface = 1;
            [made.clone(), again]
        });
        let mut missed = missed.iter().cycle();
        let seen: Vec<Made> = first
            .filter(|made| made.frame.interface == 0 || !made.is_fragment && !missed.next().unwrap())
            .collect();
        check(&seen);
    }
}

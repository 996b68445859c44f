//! Which logged tuples tell of a captured flow: those of its time, its protocol and its
//! ports, for as long as it lasts.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{analyze, any_report, root};

/// Flows of 10.20.1.4 with 10.20.2.5 and 10.20.2.6, all readable and all within a second.
const CLEAR: &str = "captures/all-plaintext.pcap";
/// Nothing but DTLS.
const TUNNELS: &str = "captures/all-encrypted.pcap";
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const SERVERS: [&str; 2] = ["--servers", "10.20.2.0/24"];
const GUEST: [&str; 4] = ["--servers", "10.20.2.0/24", "--vantage", "guest"];
const CLIENT_NIC: &str = "000D3AF87856";
const SERVER_NIC: &str = "00224871C205";

fn report(capture: Option<&Path>, more: &[&str]) -> Value {
    any_report(analyze().args(more).args(capture))
}

/// A flow that was captured: client, server and their ports.
#[derive(Clone)]
struct Flow {
    ends: [String; 2],
    ports: [u64; 2],
}

/// A capture, its flows, and the millisecond of its first packet.
struct Seen {
    flows: Vec<Flow>,
    begin: i64,
}

fn seen(capture: &Path) -> Seen {
    let report = report(Some(capture), &SERVERS);
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let flows = list(&report["paths"]).into_iter().flat_map(|path| {
        let ends = [text(&path["client"]), text(&path["server"])];
        list(&path["flows"]).into_iter().map(move |flow| Flow {
            ends: ends.clone(),
            ports: ["client_port", "server_port"].map(|port| flow[port].as_u64().expect("a port")),
        })
    });
    let begin: jiff::Timestamp = text(&report["first"]).parse().expect("a time");
    Seen {
        flows: flows.collect(),
        begin: begin.as_millisecond(),
    }
}

/// A tuple of each flow.
fn tuples(flows: &[Flow], time: i64, stage: &str, word: &str) -> Vec<String> {
    let tuple = |Flow { ends, ports }: &Flow| {
        let [client, server] = ends;
        let [from, to] = ports;
        format!("{time},{client},{server},{from},{to},6,O,{stage},{word},1,100,1,100")
    };
    flows.iter().map(tuple).collect()
}

fn record(mac: &str, tuples: &[Vec<String>]) -> Value {
    let group = json!({"rule": "AllowVnet", "flowTuples": tuples.concat()});
    json!({"macAddress": mac, "flowRecords": {"flows": [{"flowGroups": [group]}]}})
}

fn log(records: &[Value]) -> Vec<u8> {
    json!({ "records": records }).to_string().into_bytes()
}

fn judge(capture: Option<&Path>, log: &[u8], more: &[&str]) -> Value {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("PT1H.json");
    fs::write(&file, log).expect("a file");
    let file = file.to_str().expect("UTF-8");
    report(capture, &[more, &["--flow-logs", file]].concat())
}

/// What is said of the path to 10.20.2.6, and the verdict.
fn outcome(report: &Value) -> (&str, &str) {
    let mut paths = report["paths"].as_array().expect("paths").iter();
    let path = paths.find(|path| path["server"] == "10.20.2.6");
    let path = path.expect("a path");
    let said = path["platform"]["said"].as_str();
    (said.unwrap_or("-"), path["verdict"].as_str().expect("one"))
}

/// The outcome of the readable capture at a guest, with a log of one NIC.
fn held_against(tuples: &[Vec<String>]) -> (String, String) {
    let report = judge(
        Some(&root().join(CLEAR)),
        &log(&[record(CLIENT_NIC, tuples)]),
        &GUEST,
    );
    let (said, verdict) = outcome(&report);
    (said.to_owned(), verdict.to_owned())
}

fn words(said: &str, verdict: &str) -> (String, String) {
    (said.to_owned(), verdict.to_owned())
}

#[test]
fn what_was_logged_before_and_after_is_not_of_the_time_between() {
    let Seen { flows, begin } = seen(&root().join(CLEAR));
    let x = |time| tuples(&flows, begin + time, "C", "X");
    let nx = |time| tuples(&flows, begin + time, "C", "NX");
    let around = held_against(&[x(-6 * HOUR), x(6 * HOUR)]);
    assert_eq!(around, words("nothing", "unproven"));
    let changed = held_against(&[nx(-6 * HOUR), x(-4 * MINUTE), x(MINUTE), nx(6 * HOUR)]);
    assert_eq!(changed, words("encrypted", "encrypted"));
    let ended = held_against(&[tuples(&flows, begin - 5 * MINUTE, "E", "X")]);
    assert_eq!(ended, words("nothing", "unproven"));
    let begun = held_against(&[tuples(&flows, begin + 4 * MINUTE, "B", "X")]);
    assert_eq!(begun, words("nothing", "unproven"));
    let gone = held_against(&[
        tuples(&flows, begin - 5 * MINUTE, "E", "NX"),
        tuples(&flows, begin, "B", "X"),
        x(MINUTE),
    ]);
    assert_eq!(gone, words("encrypted", "encrypted"));
}

#[test]
fn each_nic_speaks_of_its_own_time() {
    let Seen { flows, begin } = seen(&root().join(CLEAR));
    let [before, at] = [begin - 6 * HOUR, begin + 1000];
    let client = [
        tuples(&flows, before, "C", "NX"),
        tuples(&flows, at, "C", "X"),
    ];
    let server = [tuples(&flows, at, "C", "NX")];
    let both = log(&[record(CLIENT_NIC, &client), record(SERVER_NIC, &server)]);
    let report = judge(Some(&root().join(CLEAR)), &both, &GUEST);
    assert_eq!(outcome(&report), ("mixed", "mixed"));
}

/// The packets of a classic capture again, each of these hours later.
fn repeated(capture: &Path, hours: u32) -> Vec<u8> {
    let bytes = fs::read(capture).expect("bytes");
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
    assert!([0xa1b2_c3d4, 0xa1b2_3c4d].contains(&number(0)));
    let mut long = bytes[..24].to_vec();
    for hour in 0..=hours {
        let mut at = 24;
        while at < bytes.len() {
            let next = at + 16 + number(at + 8) as usize;
            long.extend((number(at) + hour * 3600).to_le_bytes());
            long.extend(&bytes[at + 4..next]);
            at = next;
        }
    }
    long
}

#[test]
fn a_log_must_reach_over_all_that_was_captured() {
    let folder = TempDir::new().expect("a folder");
    let long = folder.path().join("long.pcap");
    fs::write(&long, repeated(&root().join(CLEAR), 3)).expect("a file");
    let Seen { flows, begin } = seen(&root().join(CLEAR));
    let every_five = |minutes: std::ops::RangeInclusive<i64>| {
        let times = minutes.filter(|minute| minute % 5 == 0);
        let times = times.map(|minute| tuples(&flows, begin + minute * MINUTE, "C", "X"));
        times.collect::<Vec<_>>()
    };
    for (tuples, said, verdict) in [
        (every_five(0..=1), "partly", "unproven"),
        (every_five(0..=185), "encrypted", "encrypted"),
        (every_five(0..=175), "partly", "unproven"),
        (every_five(10..=185), "partly", "unproven"),
        (
            [every_five(0..=55), every_five(65..=185)].concat(),
            "partly",
            "unproven",
        ),
        // No packet was captured in this hole.
        (
            [every_five(0..=65), every_five(75..=185)].concat(),
            "encrypted",
            "encrypted",
        ),
    ] {
        let report = judge(Some(&long), &log(&[record(CLIENT_NIC, &tuples)]), &GUEST);
        assert_eq!(outcome(&report), (said, verdict), "{}", tuples.len());
    }
}

/// Other connections of the same two hosts, too many to keep apart.
#[test]
fn a_sum_of_others_is_no_join() {
    let Seen { flows, begin } = seen(&root().join(CLEAR));
    let other = |port| {
        let flows = flows.iter().cloned();
        flows.map(move |flow| Flow {
            ports: [port, 988],
            ..flow
        })
    };
    let others: Vec<_> = (2000..2020).flat_map(other).collect();
    let bytes = log(&[record(CLIENT_NIC, &[tuples(&others, begin, "C", "X")])]);
    for limit in ["100000", "4"] {
        let more = [&GUEST[..], &["--max-flows", limit]].concat();
        let report = judge(Some(&root().join(CLEAR)), &bytes, &more);
        assert_ne!(outcome(&report).1, "encrypted", "{limit}");
        let warnings = report["warnings"].to_string();
        assert!(!warnings.contains("ports are missing"), "{warnings}");
    }
}

#[test]
fn udp_is_no_lustre_of_a_log() {
    let udp = ["1795292714000,10.9.9.9,10.9.9.8,40000,988,17,O,C,X,1,100,1,100".to_owned()];
    let report = judge(None, &log(&[record(CLIENT_NIC, &[udp.to_vec()])]), &[]);
    assert_eq!(report["paths"], json!([]));
    let Seen { flows, begin } = seen(&root().join(CLEAR));
    let portless = tuples(&flows, begin, "C", "X").into_iter().map(|tuple| {
        let mut fields: Vec<_> = tuple.split(',').collect();
        (fields[3], fields[4], fields[5]) = ("", "", "17");
        fields.join(",")
    });
    let held = held_against(&[portless.collect()]);
    assert_eq!(held, words("-", "unproven"));
}

/// `\xff` and half a surrogate are in no tuple: each costs one, and what follows is read.
#[test]
fn a_damaged_log_proves_no_encryption() {
    let Seen { flows, begin } = seen(&root().join(CLEAR));
    let x = tuples(&flows, begin, "C", "X");
    let nx = tuples(&flows, begin, "C", "NX");
    let bad = vec!["BAD".to_owned()];
    let hidden = |after: &[String]| {
        let tuples = [x.clone(), bad.clone(), after.to_vec()];
        String::from_utf8(log(&[record(CLIENT_NIC, &tuples)])).expect("text")
    };
    for damage in [&b"\xff\xfe"[..], b"\\ud800", b"1,2"] {
        let place = |text: String| {
            let (before, after) = text.split_once("BAD").expect("a place");
            [before.as_bytes(), damage, after.as_bytes()].concat()
        };
        for (capture, verdict) in [
            (None, "undetermined"),
            (Some(root().join(CLEAR)), "unproven"),
        ] {
            let alone = judge(capture.as_deref(), &place(hidden(&[])), &GUEST);
            assert_eq!(alone["flow_logs"][0]["bad_tuples"], 1);
            assert_eq!(alone["flow_logs"][0]["fault"], json!(null));
            assert_eq!(outcome(&alone), ("partly", verdict));
            let warnings = alone["warnings"].to_string();
            assert!(warnings.contains("what was lost"), "{warnings}");
            let seen = judge(capture.as_deref(), &place(hidden(&nx)), &GUEST);
            assert_eq!(outcome(&seen), ("mixed", "mixed"));
        }
    }
    let broken = hidden(&[]).replace("\"BAD\"", "nonsense");
    let report = judge(None, broken.as_bytes(), &GUEST);
    assert_eq!(outcome(&report), ("partly", "undetermined"));
    let ends = hidden(&[]);
    let (ends, _) = ends.split_once("BAD").expect("a place");
    let report = judge(None, ends.as_bytes(), &GUEST);
    assert_eq!(outcome(&report), ("partly", "undetermined"));
}

/// Nobody names the servers, and DTLS hides Lustre: the log tells who listens.
#[test]
fn a_log_names_the_servers_of_tunnels() {
    let Seen { flows, begin } = seen(&root().join(TUNNELS));
    let lustre = flows.into_iter().map(|flow| Flow {
        ports: [1023, 988],
        ..flow
    });
    let lustre: Vec<_> = lustre.collect();
    for (state, verdict) in [("NX", "conflict"), ("X", "encrypted")] {
        let tuples = tuples(&lustre, begin, "C", state);
        let report = judge(
            Some(&root().join(TUNNELS)),
            &log(&[record(CLIENT_NIC, &[tuples])]),
            &[],
        );
        let paths = report["paths"].as_array().expect("paths");
        assert!(!paths.is_empty());
        for path in paths {
            let is_known =
                |flow: &Flow| json!(flow.ends) == json!([path["client"], path["server"]]);
            assert!(lustre.iter().any(is_known), "{path}");
            assert_eq!(
                (&path["verdict"], &path["observed"]),
                (&json!(verdict), &json!("encrypted"))
            );
        }
        assert_eq!(report["dtls_elsewhere"], json!([]));
    }
}

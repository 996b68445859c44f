//! Captures beside the platform's word: what it proves, and what it does not.

use std::fs;

use serde_json::{Value, json};

use super::run::{
    BLOCK, CLIENT, SERVER, Stored, ethernet, packets, path, pcap, pcapng, report, segment, tunnel,
    verdict,
};
use crate::support::bytes::{self, Order};
use crate::support::packets::{Ip, UDP, dtls, lustre, noise, udp};

/// Second of packets that are at none of their own.
const SECOND: u32 = 1_700_000_000;
const HOUR: u32 = 3600;
const GUEST: [&str; 4] = ["--servers", "10.20.2.0/24", "--vantage", "guest"];

/// Tuples of the flow from port 1018 for two minutes around a second, every half a minute.
fn around(second: u32, word: &str) -> Vec<String> {
    let tuple = |second| format!("{second},10.20.1.5,10.20.2.5,1018,988,6,O,C,{word},1,99,1,99");
    (second - 60..=second + 60).step_by(30).map(tuple).collect()
}

/// The report on captures beside a log of these tuples.
fn held_against(captures: &[Vec<u8>], tuples: &[Vec<String>], flags: &[&str]) -> Value {
    let group = json!({"flowTuples": tuples.concat()});
    let log = json!({"records": [{"macAddress": "000D3AF87856",
        "flowRecords": {"flows": [{"flowGroups": [group]}]}}]});
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("PT1H.json");
    fs::write(&file, log.to_string()).expect("a file");
    let log = file.to_str().expect("UTF-8");
    report(captures, &[flags, &["--flow-logs", log]].concat())
}

fn exit_code(report: &Value) -> u64 {
    report["summary"]["exit_code"].as_u64().expect("a code")
}

fn readable() -> Stored {
    segment((CLIENT, 1018), (SERVER, 988), &lustre::keepalive())
}

#[test]
fn a_log_of_tcp_says_nothing_of_udp() {
    let logged = [around(SECOND, "X")];
    let tcp = held_against(&[pcap(1, &[readable()])], &logged, &GUEST);
    assert_eq!(verdict(&tcp), "encrypted");
    let datagrams: Vec<Stored> = (0..9)
        .map(|n| {
            let datagram = udp(1018, 988, &noise(n, 90));
            ethernet(&Ip::v4(CLIENT, SERVER).packet(UDP, &datagram))
        })
        .collect();
    let both = [&datagrams[..], &[readable()]].concat();
    for (captured, flags, expected) in [
        (&datagrams, &BLOCK[..], "undetermined"),
        (&datagrams, &GUEST, "undetermined"),
        (&both, &GUEST, "unproven"),
    ] {
        let report = held_against(&[pcap(1, captured)], &logged, flags);
        assert_eq!(verdict(&report), expected);
        assert_eq!(exit_code(&report), 3);
    }
}

/// A simple packet block says no time: it can be of any, so nothing was logged of it.
#[test]
fn a_packet_without_a_time_leaves_the_span_open() {
    let capture = pcapng(1, &[(0, readable())]);
    let logged = [around(SECOND, "X")];
    let timed = held_against(std::slice::from_ref(&capture), &logged, &GUEST);
    assert_eq!(verdict(&timed), "encrypted");
    let data = readable().data;
    let len = u32::try_from(data.len()).expect("a short packet");
    let untimed = [capture, bytes::simple(Order::Little, &data, len)].concat();
    let report = held_against(&[untimed], &logged, &GUEST);
    assert_eq!(packets(&report["accounting"]), 2);
    assert_eq!(verdict(&report), "unproven");
}

#[test]
fn what_was_logged_between_two_captures_is_of_neither() {
    let at = |second: u32| {
        let tunnels = (0..50).map(|n| tunnel(&dtls::protected(n, 200)).at(second));
        let readable = [readable().at(second)];
        [pcap(1, &tunnels.collect::<Vec<_>>()), pcap(1, &readable)]
    };
    let [morning, evening] = [at(0), at(10 * HOUR)];
    let x = [around(SECOND, "X"), around(SECOND + 10 * HOUR, "X")];
    let between = [&x[..], &[around(SECOND + 5 * HOUR, "NX")]].concat();
    let [first, last] = [&morning[0], &evening[0]].map(Clone::clone);
    for captures in [vec![first.clone()], vec![last.clone()], vec![first, last]] {
        let report = held_against(&captures, &between, &BLOCK);
        assert_eq!(verdict(&report), "encrypted");
        let other = path(&report)["platform"]["other_times"].to_string();
        assert!(other.contains(r#""state":"NX""#), "{other}");
    }
    let both = [morning[1].clone(), evening[1].clone()];
    let report = held_against(&both, &between, &GUEST);
    assert_eq!(verdict(&report), "encrypted");
    // During one of them it speaks against it.
    let during = [&x[..], &[around(SECOND + 10 * HOUR, "NX")]].concat();
    let report = held_against(&both, &during, &GUEST);
    assert_eq!(exit_code(&report), 1);
}

#[test]
fn a_null_suite_stays_bad_under_x() {
    let mut packets = vec![tunnel(&dtls::server_hello(1, dtls::NULL))];
    packets.extend((0..50).map(|n| tunnel(&dtls::protected(n, 200))));
    let capture = pcap(1, &packets);
    for flags in [&BLOCK[..], &GUEST] {
        let alone = report(std::slice::from_ref(&capture), flags);
        let logged = [around(SECOND, "X")];
        let held = held_against(std::slice::from_ref(&capture), &logged, flags);
        for report in [alone, held] {
            let verdict = verdict(&report);
            assert!(!["encrypted", "weak"].contains(&verdict), "{report:#}");
            assert_ne!(exit_code(&report), 0);
        }
    }
}

//! Display filters, held to the packets that tshark selects by them.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

use crate::support::bytes::{MICROS, Order, pcap_header, pcap_record};
use crate::support::expect::{self, SERVERS};
use crate::support::packets::{Ip, Link, TCP, UDP, noise, port_unreachable, tcp, udp};
use crate::support::program::{analyze, any_report, run, text, trace};
use crate::support::tshark;

/// Numbers of the packets that a filter selects.
fn selected(file: &Path, filter: &str) -> BTreeSet<u64> {
    let numbers = tshark::fields(file, &["-Y", filter], &["frame.number"]);
    let number = |row: &Vec<String>| row[0].parse().expect("a number");
    numbers.iter().map(number).collect()
}

/// Filters of the traffic of all paths.
fn filters(report: &Value) -> Vec<&str> {
    let paths = report["paths"].as_array().expect("paths").iter();
    paths
        .filter_map(|path| path["display_filter"].as_str())
        .collect()
}

/// Packets of all classes of a path.
fn packets(path: &Value) -> u64 {
    let classes = path["traffic"].as_object().expect("classes").values();
    let packets = classes.map(|class| class["packets"].as_u64().expect("a count"));
    packets.sum()
}

/// Each path's filter selects as many packets as the path has, no two of them the same, and
/// duplicates of these besides.
#[test]
fn filters_select_the_packets_of_their_paths() {
    for known in expect::load(&trace("")).expect("traces") {
        let file = trace(&known.file);
        let report = any_report(analyze().args(["--servers", SERVERS]).arg(&file));
        let duplicates = &report["accounting"]["duplicates"]["packets"];
        let duplicates = duplicates.as_u64().expect("a count");
        let mut all = BTreeSet::new();
        for path in report["paths"].as_array().expect("paths") {
            let filter = path["display_filter"].as_str().expect("a filter");
            let selected = selected(&file, filter);
            if duplicates == 0 {
                assert_eq!(selected.len() as u64, packets(path), "{}", known.file);
            }
            assert!(all.is_disjoint(&selected), "{}", known.file);
            all.extend(selected);
        }
        let counted = report["accounting"]["paths"]["packets"].as_u64();
        let counted = counted.expect("a count") + duplicates;
        assert_eq!(all.len() as u64, counted, "{}", known.file);
    }
}

/// Packets of a path over IPv6, and others of the same two machines.
fn over_ipv6() -> Vec<Vec<u8>> {
    let [client, server] = ["fd00::9", "fd00::4"].map(|it| it.parse::<IpAddr>().expect("one"));
    let ends = Ip::between(client, server);
    let lustre = ends.packet(TCP, &tcp(1021, 988, &noise(1, 40)));
    let fragments = ends.fragments(UDP, 7, &udp(988, 988, &noise(2, 200)), 64);
    let others = [
        ends.packet(TCP, &tcp(40_000, 22, &noise(3, 40))),
        port_unreachable(&Ip::between(server, client), &lustre),
    ];
    let packets = [lustre].into_iter().chain(fragments).chain(others);
    packets
        .map(|packet| Link::Ethernet.frame(&packet))
        .collect()
}

#[test]
fn a_filter_over_ipv6_selects_fragments_and_leaves_out_what_an_error_quotes() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("ipv6.pcap");
    let frames = over_ipv6();
    let records = frames.iter().map(|frame| {
        let len = u32::try_from(frame.len()).expect("a short packet");
        pcap_record(Order::Little, (1_700_000_000, 0), frame, len)
    });
    let header = pcap_header(Order::Little, MICROS, 65_535, 1);
    let bytes: Vec<u8> = [header].into_iter().chain(records).flatten().collect();
    fs::write(&file, bytes).expect("a capture");
    let report = any_report(analyze().args(["--servers", "fd00::4"]).arg(&file));
    let [filter] = filters(&report)[..] else {
        panic!("{report:#}");
    };
    let expected = 1..=frames.len() as u64 - 2;
    assert_eq!(packets(&report["paths"][0]), *expected.end());
    assert_eq!(selected(&file, filter), expected.collect(), "{filter}");
}

#[test]
fn evidence_is_selected_by_number_and_the_table_prints_each_filter_on_a_line() {
    let file = trace("one-path-each-way.pcap");
    let with = |more: &str| {
        let mut command = analyze();
        command.args(["--servers", SERVERS, more]).arg(&file);
        command
    };
    let report = any_report(&mut with("-v"));
    let output = run(&mut with("--display-filter"));
    let table = text(&output.stdout);
    for path in report["paths"].as_array().expect("paths") {
        let filter = path["display_filter"].as_str().expect("a filter");
        assert!(table.lines().any(|line| line.trim() == filter), "{table}");
        for evidence in path["evidence"].as_array().expect("evidence") {
            let number = evidence["packet"].as_u64().expect("a number");
            let filter = evidence["display_filter"].as_str().expect("a filter");
            assert_eq!(selected(&file, filter), BTreeSet::from([number]));
        }
    }
    let told = table.lines().filter(|line| line.contains("frame.number"));
    let told: Vec<&str> = told.map(str::trim).collect();
    let expected = [
        "frame.number in {113, 116, 122}",
        "frame.number in {22, 25}",
    ];
    assert_eq!(told, expected);
    assert_eq!(
        selected(&file, expected[0]),
        BTreeSet::from([113, 116, 122])
    );
    let without = text(&run(&mut with("-v")).stdout);
    assert!(!without.contains("frame.number"), "{without}");
}

//! Packets that are there twice, and sums of flows: nothing counts twice untold, and
//! nothing is taken for another thing.

use std::fs::{self, File};
use std::process::Stdio;

use serde_json::Value;

use super::run::{
    BLOCK, CLIENT, SERVER, Stored, ethernet, in_bucket, path, paths, pcap, pcapng, report,
    report_of, segment, to_lustre, tunnel, verdict,
};
use crate::support::packets::{Around, Ip, TCP, UDP, dtls, lustre, noise, tcp, udp};
use crate::support::program::{analyze, run, trace};

fn warns(report: &Value, parts: &[&str]) -> bool {
    let warnings = report["warnings"].as_array().expect("warnings").iter();
    let mut texts = warnings.filter_map(Value::as_str);
    texts.any(|text| parts.iter().all(|part| text.contains(part)))
}

#[test]
fn packets_that_two_captures_show_are_told_with_their_share() {
    let datagram = |n: u64| {
        let record = udp(40_000, 11_443, &dtls::protected(n, 200));
        Ip::v4(CLIENT, SERVER).packet(UDP, &record)
    };
    let client: Vec<Stored> = (0..50).map(|n| ethernet(&datagram(n))).collect();
    let mirrored = (25..125).map(|n| ethernet(&Around::Vxlan.packet(&datagram(n))));
    let mirror: Vec<Stored> = mirrored.collect();
    let both = report(&[pcap(1, &client), pcap(1, &mirror)], &BLOCK);
    assert_eq!(in_bucket(&both, "paths"), 150);
    assert!(
        warns(
            &both,
            &["about 25 % of its own and 50 %", "each counts twice"]
        ),
        "{}",
        both["warnings"]
    );
    let apart = report(&[pcap(1, &client[..25]), pcap(1, &mirror)], &BLOCK);
    assert!(!warns(&apart, &["twice"]), "{}", apart["warnings"]);
}

#[test]
fn duplicates_of_dtls_that_is_no_paths_are_duplicates() {
    let datagram = |n: u64| {
        let record = udp(40_000, 4433, &dtls::protected(n, 200));
        ethernet(&Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]).packet(UDP, &record))
    };
    let packets: Vec<(u32, Stored)> = (0..30)
        .flat_map(|n| [0, 1].map(|interface| (interface, datagram(n))))
        .collect();
    let report = report(&[pcapng(2, &packets)], &BLOCK);
    assert_eq!(in_bucket(&report, "dtls_elsewhere"), 30);
    assert_eq!(in_bucket(&report, "duplicates"), 30);
    assert_eq!(report["dtls_elsewhere"][0]["packets"], 30);
}

/// With few flows kept apart, all others are known as sums, by their addresses.
#[test]
fn sums_take_no_nfs_for_lustre_and_hide_no_readable_packet() {
    let nfs = [10, 20, 2, 77];
    let request = lustre::put(CLIENT.into(), SERVER.into(), 28, &lustre::request(400));
    let mut packets: Vec<Stored> = (1000..1018)
        .map(|port| segment((CLIENT, port), (SERVER, 988), &request))
        .collect();
    packets.extend((1019..1024).map(|port| segment((CLIENT, port), (nfs, 2049), &noise(1, 90))));
    for limit in ["2", "3", "100"] {
        let flags = [&BLOCK[..], &["--max-flows", limit]].concat();
        let report = report_of(&packets, &flags);
        assert_eq!(path(&report)["server"], "10.20.2.5", "{limit}");
        assert_eq!(verdict(&report), "plaintext");
        assert_eq!(in_bucket(&report, "other"), 5);
        assert_eq!(in_bucket(&report, "paths"), 18);
    }
    let mut packets: Vec<Stored> = (0..60).map(|n| tunnel(&dtls::protected(n, 200))).collect();
    packets.push(to_lustre(&lustre::keepalive()));
    for limit in ["1", "2", "100"] {
        let flags = [&BLOCK[..], &["--max-flows", limit]].concat();
        let report = report_of(&packets, &flags);
        assert_eq!(report["summary"]["encrypted"], 0, "{limit}");
        assert_eq!(report["summary"]["exit_code"], 1, "{limit}");
    }
}

#[test]
fn a_server_that_other_traffic_was_captured_with_is_not_silent() {
    let named = ["--servers", "10.20.2.5"];
    let silent = report_of(&[ethernet(&stranger())], &named);
    assert_eq!(verdict(&silent), "silent");
    let datagrams: Vec<Stored> = (0..9)
        .map(|n| {
            let ip = Ip::v4(CLIENT, SERVER);
            ethernet(&ip.packet(UDP, &udp(40_000, 5000, &noise(n, 90))))
        })
        .collect();
    let report = report_of(&datagrams, &named);
    assert_eq!(verdict(&report), "undetermined");
    let told = ["10.20.2.5", "9 UDP datagrams on its port 5000", "no DTLS"];
    assert!(warns(&report, &told), "{}", report["warnings"]);
}

/// A packet with none of the addresses of paths.
fn stranger() -> Vec<u8> {
    Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]).packet(TCP, &tcp(40_000, 443, b"x"))
}

/// A log tells of another client of a server that the capture shows.
#[test]
fn a_path_that_only_a_log_tells_of_is_not_silent_where_its_server_was_captured() {
    let log = |second: u64| {
        let tuple = format!("{second},10.20.1.99,10.20.2.5,1021,988,6,O,C,X,1,100,1,100");
        serde_json::json!({"records": [{"macAddress": "000D3AF87856", "flowRecords":
            {"flows": [{"flowGroups": [{"flowTuples": [tuple]}]}]}}]})
    };
    let tunnels: Vec<Stored> = (0..50).map(|n| tunnel(&dtls::protected(n, 200))).collect();
    let others: Vec<Stored> = (0..9)
        .map(|n| ethernet(&Ip::v4(CLIENT, SERVER).packet(UDP, &udp(1, 5000, &noise(n, 90)))))
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("PT1H.json");
    for (packets, observed) in [
        (&tunnels[..], "undetermined"),
        (&others[..], "undetermined"),
        (&[ethernet(&stranger())], "silent"),
    ] {
        for (second, verdict) in [(1_700_000_000, "encrypted"), (1_600_000_000, observed)] {
            fs::write(&file, log(second).to_string()).expect("a file");
            let log = file.to_str().expect("UTF-8");
            let flags = ["--servers", "10.20.2.5", "--flow-logs", log];
            let report = report_of(packets, &flags);
            let path = paths(&report)
                .iter()
                .find(|path| path["client"] == "10.20.1.99")
                .expect("a path");
            assert_eq!(path["observed"], observed, "{report:#}");
            assert_eq!(path["verdict"], verdict, "{report:#}");
        }
    }
}

#[test]
fn a_file_that_is_standard_input_too_is_read_once() {
    let file = trace("all-encrypted.pcap");
    let report = |more: &[&str]| -> Value {
        let mut command = analyze();
        command
            .args(["--format", "json"])
            .args(BLOCK)
            .arg(&file)
            .args(more);
        let stdin = Stdio::from(File::open(&file).expect("a file"));
        let output = run(command.stdin(stdin));
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    assert_eq!(report(&["-"])["accounting"], report(&[])["accounting"]);
}

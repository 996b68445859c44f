//! Folders of flow logs as tools leave them: what is read, what counts once, and what
//! leaves the run open.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{analyze, any_report};

const TIME: i64 = 1_795_292_762_000;

fn record(mac: &str, tuples: &[&str]) -> Value {
    let group = json!({"rule": "AllowVnet", "flowTuples": tuples});
    json!({"macAddress": mac, "flowRecords": {"flows": [{"flowGroups": [group]}]}})
}

/// A tuple of a flow to port 988 that goes on.
fn tuple(client: &str, server: &str, word: &str) -> String {
    format!("{TIME},{client},{server},1023,988,6,O,C,{word},10,1000,10,1000")
}

fn log(records: &[Value]) -> Vec<u8> {
    json!({ "records": records }).to_string().into_bytes()
}

fn one(word: &str) -> Vec<u8> {
    let tuple = tuple("10.20.1.4", "10.20.2.5", word);
    log(&[record("000D3AF87856", &[&tuple])])
}

/// The report on a folder of these files, without a capture.
fn report(files: &[(&str, Vec<u8>)]) -> Value {
    let folder = TempDir::new().expect("a folder");
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).expect("a file");
    }
    report_on(folder.path())
}

fn report_on(folder: &Path) -> Value {
    any_report(analyze().arg("--flow-logs").arg(folder))
}

fn exit(report: &Value) -> u64 {
    report["summary"]["exit_code"].as_u64().expect("a code")
}

fn bytes(report: &Value) -> u64 {
    let paths = report["paths"].as_array().expect("paths").iter();
    let states = paths.flat_map(|path| path["platform"]["states"].as_array().expect("states"));
    states.filter_map(|state| state["bytes"].as_u64()).sum()
}

#[test]
fn what_may_be_a_log_and_is_not_read_leaves_the_run_open() {
    let good = || ("PT1H.json", one("X"));
    assert_eq!(exit(&report(&[good()])), 0);
    for (name, bytes) in [
        ("README.md", b"# Logs of November".to_vec()),
        (
            "vnet.json",
            br#"{"name": "hpc-vnet", "encryption": {"enabled": true}}"#.to_vec(),
        ),
        ("trace.pcap", vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]),
        (".keep", Vec::new()),
    ] {
        assert_eq!(exit(&report(&[good(), (name, bytes)])), 0, "{name}");
    }
    let shallow =
        json!({"records": [{"macAddress": "0", "flowRecords": "@{flows=System.Object[]}"}]});
    let deep = json!({"records": [{"flowRecords": {"flows": ["@{aclID=0; flowGroups=System.Object[]}"]}}]});
    let flat = json!({"records": "System.Object[]", "flowLogVersion": 4});
    let cut = one("X");
    for (name, bytes) in [
        ("h21.json", shallow.to_string().into_bytes()),
        ("h22.json", deep.to_string().into_bytes()),
        ("h23.json", flat.to_string().into_bytes()),
        ("h20.json", Vec::new()),
        ("logs.zip", b"PK\x03\x04rest".to_vec()),
        ("logs.avro", b"Obj\x01rest".to_vec()),
        ("short.json", cut[..cut.len() - 2].to_vec()),
        ("shorter.json", cut[..20].to_vec()),
        (
            "tuples.txt",
            tuple("10.20.1.4", "10.20.2.5", "NX").into_bytes(),
        ),
    ] {
        let report = report(&[good(), (name, bytes)]);
        assert_eq!(exit(&report), 3, "{name}: {report:#}");
        assert!(report["warnings"].to_string().contains(name), "{report:#}");
    }
}

#[test]
fn a_log_that_is_there_twice_counts_once() {
    let tuples = ["X", "X"].map(|word| tuple("10.20.1.4", "10.20.2.5", word));
    let records = tuples.map(|tuple| record("000D3AF87856", &[&tuple]));
    let whole = log(&records);
    let lines = records.clone().map(|record| record.to_string()).join("\n");
    let alone = report(&[("PT1H.json", whole.clone())]);
    assert_eq!(bytes(&alone), 4000);
    for copy in [whole.clone(), lines.into_bytes(), log(&records[..1])] {
        let twice = report(&[("PT1H.json", whole.clone()), ("copy.json", copy)]);
        assert_eq!((bytes(&twice), exit(&twice)), (4000, 0));
        let warnings = twice["warnings"].to_string();
        assert!(warnings.contains("is left out"), "{warnings}");
    }
}

#[test]
fn a_server_that_many_reach_calls_one_back() {
    let calls = (10..30).map(|client| tuple(&format!("10.20.1.{client}"), "10.20.2.6", "X"));
    let back = tuple("10.20.2.6", "10.20.1.99", "X");
    let tuples: Vec<_> = calls.chain([back]).collect();
    let tuples: Vec<&str> = tuples.iter().map(String::as_str).collect();
    let report = report(&[("PT1H.json", log(&[record("000D3AF87856", &tuples)]))]);
    let paths = report["paths"].as_array().expect("paths");
    assert_eq!(paths.len(), 21);
    assert!(
        paths.iter().all(|path| path["server"] == "10.20.2.6"),
        "{report:#}"
    );
}

#[test]
fn plaintext_without_ports_speaks_against_where_no_server_was_named() {
    let known = tuple("10.20.1.4", "10.20.2.5", "X");
    let portless = |client: &str, word: &str| {
        format!("{TIME},{client},10.20.2.5,,,6,O,C,{word},10,1000,10,1000")
    };
    let log_of = |more: &str| {
        let log = log(&[record("000D3AF87856", &[&known, more])]);
        report(&[("PT1H.json", log)])
    };
    assert_eq!(exit(&log_of(&portless("10.20.1.4", "X"))), 0);
    assert_eq!(exit(&log_of(&portless("10.20.1.4", "NX"))), 1);
    let elsewhere = portless("10.20.1.8", "NX").replace("10.20.2.5", "10.30.0.1");
    let report = log_of(&elsewhere);
    assert_eq!(exit(&report), 3);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("without ports"), "{warnings}");
}

//! Folders of flow logs as tools leave them: what is read, what counts once, and what
//! leaves the run open.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
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

/// A log of plaintext in the forms that exporters and people give it.
fn forms() -> Vec<(&'static str, Vec<u8>)> {
    let whole = String::from_utf8(one("NX")).expect("UTF-8");
    let text = |text: &str| Value::from(text).to_string();
    let event = |body: &str| json!([{"sequence": 1, "body": body}]).to_string();
    let base64 = |bytes: &[u8]| event(&base64(bytes));
    let nested = |depth: usize| (0..depth).fold(whole.clone(), |inner, _| text(&inner));
    let keys = [
        ("flowRecords", "FlowRecords"),
        ("flows", "Flows"),
        ("flowGroups", "FLOWGROUPS"),
        ("flowTuples", "flowtuples"),
        ("macAddress", "MACAddress"),
    ];
    let cased = keys.iter().fold(whole.clone(), |log, (key, other)| {
        log.replace(&format!("\"{key}\""), &format!("\"{other}\""))
    });
    let utf_32 = |order: fn(u32) -> [u8; 4], mark: &str| -> Vec<u8> {
        let characters = mark.chars().chain(whole.chars());
        characters.flat_map(|it| order(u32::from(it))).collect()
    };
    let body = json!([record_of(&whole)]).to_string();
    let list = record_of(&whole)["flowRecords"].to_string();
    vec![
        ("base64", base64(whole.as_bytes()).into_bytes()),
        (
            "gzip in base64",
            base64(&gzip(whole.as_bytes())).into_bytes(),
        ),
        ("list in base64", base64(body.as_bytes()).into_bytes()),
        (
            "mark in base64",
            base64(format!("\u{feff}{whole}").as_bytes()).into_bytes(),
        ),
        (
            "space in base64",
            base64(format!("\r\n  {whole}").as_bytes()).into_bytes(),
        ),
        ("text in base64", base64(nested(1).as_bytes()).into_bytes()),
        ("text", nested(1).into_bytes()),
        ("text in text", nested(3).into_bytes()),
        ("text in an event", event(&nested(2)).into_bytes()),
        (
            "records as text",
            json!({"records": text(&body)}).to_string().into_bytes(),
        ),
        (
            "flows as text",
            whole.replace(&list, &text(&list)).into_bytes(),
        ),
        ("other case", cased.clone().into_bytes()),
        ("other case in an event", event(&cased).into_bytes()),
        (
            "no flowRecords",
            whole.replace("flowRecords", "properties").into_bytes(),
        ),
        ("gzip in gzip", gzip(&gzip(whole.as_bytes()))),
        ("UTF-32", utf_32(u32::to_le_bytes, "\u{feff}")),
        ("UTF-32, big-endian", utf_32(u32::to_be_bytes, "\u{feff}")),
        ("UTF-32 without a mark", utf_32(u32::to_le_bytes, "")),
    ]
}

fn record_of(log: &str) -> Value {
    serde_json::from_str::<Value>(log).expect("JSON")["records"][0].clone()
}

fn base64(bytes: &[u8]) -> String {
    openssl::base64::encode_block(bytes)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).expect("gzip");
    gzip.finish().expect("gzip")
}

/// A log of another path that is encrypted, beside which nothing may be passed over.
fn beside() -> (&'static str, Vec<u8>) {
    let tuple = tuple("10.20.1.9", "10.20.2.5", "X");
    ("PT1H.json", log(&[record("000D3AF87857", &[&tuple])]))
}

#[test]
fn forms_of_exporters_are_read() {
    assert_eq!(exit(&report(&[beside()])), 0);
    for (form, bytes) in forms() {
        let report = report(&[beside(), ("other", bytes)]);
        assert_eq!(exit(&report), 1, "{form}: {report:#}");
        let damaged = report["flow_logs"].as_array().expect("logs").iter();
        let parts: u64 = damaged.filter_map(|log| log["unread"].as_u64()).sum();
        assert_eq!(parts, 0, "{form}: {report:#}");
    }
}

/// Files that may hold a log, and are in a form that is not read.
fn unread_forms() -> Vec<(&'static str, Vec<u8>)> {
    let whole = String::from_utf8(one("NX")).expect("UTF-8");
    let row = tuple("10.20.1.4", "10.20.2.5", "NX");
    let yaml = "records:\n- flowRecords:\n    flows:\n    - flowGroups: []\n";
    let table = "TimeGenerated,SrcIp,DestIp,FlowEncryption\n2026-11-21,,,NX\n";
    let semicolons = format!("time;source\n{}\n", row.replace(',', ";"));
    let tabs = format!(
        "# hour 20\n\n\"000D\"\t\"{}\"\n",
        row.replace(',', "\"\t\"")
    );
    let deep = (0..6).fold(whole.into_bytes(), |inner, _| gzip(&inner));
    let tabular = json!([{"SrcIp": "10.20.1.4", "FlowEncryption": "NX"}]);
    let listed = json!({ "tuples": [row] });
    let missing = json!({"records": [{"flowLogVersion": 4, "macAddress": "000D3AF87856"}]});
    let no_groups = json!({"records": [{"flowRecords": {"flow": []}}]});
    let no_tuples = json!({"records": [{"flowRecords": {"flows": [{"flowGroups": [{"x": 1}]}]}}]});
    let broken = json!([{"body": r#"{"records":[{"flowRecords":"#}]);
    let cut = base64(&gzip(&one("NX"))[..40]);
    let mut encrypted = b"Salted__".to_vec();
    encrypted.extend((0..=u8::MAX).map(|n| n.wrapping_mul(n) ^ 0xa5));
    vec![
        ("yaml", yaml.into()),
        ("table", table.into()),
        ("semicolons", semicolons.into()),
        ("tabs", tabs.into()),
        ("gzip, deeper", deep),
        ("binary", encrypted),
        ("cut gzip", gzip(&one("NX"))[..12].to_vec()),
        ("tabular", tabular.to_string().into()),
        ("listed", listed.to_string().into()),
        ("missing", missing.to_string().into()),
        ("no groups", no_groups.to_string().into()),
        ("no tuples", no_tuples.to_string().into()),
        ("broken", broken.to_string().into()),
        ("cut in base64", json!({ "body": cut }).to_string().into()),
    ]
}

#[test]
fn forms_that_are_not_read_leave_the_run_open() {
    for (form, bytes) in unread_forms() {
        let report = report(&[beside(), (form, bytes)]);
        assert_eq!(exit(&report), 3, "{form}: {report:#}");
        assert!(report["warnings"].to_string().contains(form), "{report:#}");
    }
    // Nor do they where they stand in a log that is read.
    for (form, bytes) in unread_forms() {
        if bytes.starts_with(b"{") || bytes.starts_with(b"[") {
            let both = [beside().1, bytes].join(&b'\n');
            assert_eq!(exit(&report(&[("PT1H.json", both)])), 3, "{form}");
        }
    }
}

#[test]
fn a_file_that_may_not_be_opened_leaves_the_run_open() {
    let folder = TempDir::new().expect("a folder");
    let (name, bytes) = beside();
    fs::write(folder.path().join(name), bytes).expect("a file");
    let other = TempDir::new().expect("a folder");
    std::os::unix::fs::symlink(other.path(), folder.path().join("linked")).expect("a link");
    let report = report_on(folder.path());
    assert_eq!(exit(&report), 3);
    assert!(
        report["warnings"].to_string().contains("linked"),
        "{report:#}"
    );
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

/// The report on one log of these tuples, of a server that is named.
fn named(tuples: &[&str]) -> Value {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("PT1H.json");
    fs::write(&file, log(&[record("000D3AF87856", tuples)])).expect("a file");
    let mut command = analyze();
    command.args(["--servers", "10.20.2.0/24", "--flow-logs"]);
    any_report(command.arg(file))
}

#[test]
fn plaintext_with_one_port_missing_speaks_against() {
    let known = tuple("10.20.1.4", "10.20.2.5", "X");
    assert_eq!(exit(&named(&[&known])), 0);
    for ports in [",1023,,", ",1023,0,", ",,1023,", ",0,1023,"] {
        let plain = tuple("10.20.1.4", "10.20.2.5", "NX").replace(",1023,988,", ports);
        assert_eq!(exit(&named(&[&known, &plain])), 1, "{ports}");
    }
}

#[test]
fn a_damaged_copy_of_a_log_is_not_left_out() {
    let known = tuple("10.20.1.4", "10.20.2.5", "X");
    let whole = record("000D3AF87856", &[&known]);
    let mut odd = whole.clone();
    odd["flowRecords"]["flows"][0]["flowGroups"][0]["flowTuples"] = json!([known, 1]);
    let mut lacking = whole.clone();
    let flows = lacking["flowRecords"]["flows"].as_array_mut();
    flows.expect("flows").push(json!("System.Object[]"));
    let other = json!({"flowLogVersion": 4, "macAddress": "000D3AF87856"});
    let whole = log(&[whole]);
    for records in [
        vec![odd],
        vec![lacking],
        vec![record("000D3AF87856", &[&known]), other],
    ] {
        let report = report(&[("1.json", whole.clone()), ("2.json", log(&records))]);
        assert_eq!(exit(&report), 3, "{records:?}");
    }
}

#[test]
fn a_tuple_of_an_impossible_time_is_none() {
    let known = tuple("10.20.1.4", "10.20.2.5", "X");
    for time in ["0", "1795292762000000", "1795292762000000000", "9999999999"] {
        let plain = tuple("10.20.1.4", "10.20.2.5", "NX").replace(&TIME.to_string(), time);
        let report = named(&[&known, &plain]);
        assert_eq!(report["flow_logs"][0]["bad_tuples"], 1, "{time}");
        assert_ne!(exit(&report), 0, "{time}");
    }
}

#[test]
fn unread_rows_of_traffic_analytics_leave_the_run_open() {
    let columns = ["SubType", "SrcIp", "DestIp", "DestPort"];
    let columns = columns.map(|name| json!({ "name": name }));
    let row = json!(["FlowLog", "10.20.1.4", "10.20.2.5", 988]);
    let rows_first = format!(
        r#"{{"tables":[{{"rows":[{row}],"columns":{}}}]}}"#,
        json!(columns)
    );
    let in_order = json!({"tables": [{"columns": columns, "rows": [row]}]});
    let error = json!({"tables": [{"columns": columns, "rows": []}], "error": {"code": "Partial"}});
    let old = json!([{"SrcIP_s": "10.20.1.4", "DestIP_s": "10.20.2.5", "SubType_s": "FlowLog"}]);
    for bytes in [
        rows_first,
        in_order.to_string(),
        error.to_string(),
        old.to_string(),
    ] {
        let report = report(&[beside(), ("rows.json", bytes.clone().into_bytes())]);
        assert_eq!(exit(&report), 3, "{bytes}");
    }
}

#[test]
fn tuples_of_an_unnamed_nic_leave_the_run_open() {
    let known = tuple("10.20.1.4", "10.20.2.5", "X");
    for mac in ["n/a", "", "000000000000"] {
        let report = report(&[beside(), ("other.json", log(&[record(mac, &[&known])]))]);
        assert_eq!(exit(&report), 3, "{mac}");
    }
}

//! Traffic Analytics in the forms that Log Analytics prints, through the command.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::program::{self, analyze};

const CAPTURE: &str = "captures/one-path-each-way.pcap";
/// Labels as Microsoft lists them, each with its state in a flow log and the verdict on it
/// alone.
const LABELS: [(&str, &str, &str); 8] = [
    ("Encrypted", "X", "undetermined"),
    ("Unencrypted", "NX", "plaintext"),
    ("Unsupported hardware", "NX_HW_NOT_SUPPORTED", "plaintext"),
    ("Software not ready", "NX_SW_NOT_READY", "undetermined"),
    (
        "Drop due to no encryption",
        "NX_NOT_ACCEPTED",
        "undetermined",
    ),
    (
        "Discovery not supported",
        "NX_NOT_SUPPORTED",
        "undetermined",
    ),
    ("Destination on same host", "NX_LOCAL_DST", "plaintext"),
    ("Fall back to no encryption.", "NX_FALLBACK", "plaintext"),
];

/// A row of an interval around the time of [`CAPTURE`], as an object of the API.
fn row(server: &str, label: &str) -> Value {
    json!({
        "SubType": "FlowLog", "FlowType": "IntraVNet",
        "SrcIp": "10.20.1.4", "DestIp": server, "DestPort": 988, "L4Protocol": "T",
        "FlowDirection": "Outbound", "FlowStatus": "Allowed", "FlowEncryption": label,
        "MacAddress": "00-0D-3A-F8-78-56",
        "FlowStartTime": "2026-11-21T20:25:14Z", "FlowEndTime": "2026-11-21T20:25:14Z",
        "FlowIntervalStartTime": "2026-11-21T20:00:00Z",
        "FlowIntervalEndTime": "2026-11-21T21:00:00Z",
        "PacketsSrcToDest": 40, "BytesSrcToDest": 9000,
        "PacketsDestToSrc": 38, "BytesDestToSrc": 20600,
    })
}

/// The same with another value of a column.
fn with(mut row: Value, column: &str, value: Value) -> Value {
    row[column] = value;
    row
}

/// As `az monitor log-analytics query` prints rows: all values are text.
fn as_az(rows: &[Value]) -> String {
    let text = |row: &Value| {
        let cells = row.as_object().unwrap().iter().map(|(name, value)| {
            let text = value.as_str().map(ToOwned::to_owned);
            (
                name.clone(),
                json!(text.unwrap_or_else(|| value.to_string())),
            )
        });
        let table = ("TableName".to_owned(), json!("PrimaryResult"));
        Value::Object(cells.chain([table]).collect())
    };
    json!(rows.iter().map(text).collect::<Vec<_>>()).to_string()
}

fn as_graph(rows: &[Value]) -> String {
    json!({"count": rows.len(), "data": rows, "skip_token": null, "total_records": rows.len()})
        .to_string()
}

fn as_api(rows: &[Value]) -> String {
    let names = rows[0].as_object().unwrap().keys();
    let columns: Vec<Value> = names
        .map(|name| json!({"name": name, "type": "string"}))
        .collect();
    let cells = |row: &Value| row.as_object().unwrap().values().cloned().collect();
    let rows: Vec<Vec<Value>> = rows.iter().map(cells).collect();
    json!({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]}).to_string()
}

/// As the portal exports rows: times in its own form, in UTC.
fn as_csv(rows: &[Value]) -> String {
    let columns: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    let header = |name: &&String| {
        if name.ends_with("Time") {
            format!("\"{name} [UTC]\"")
        } else {
            (*name).clone()
        }
    };
    let header: Vec<String> = columns.iter().map(header).collect();
    let line = |row: &Value| {
        let cell = |name: &&String| match &row[name.as_str()] {
            Value::String(time) if name.ends_with("Time") => portal_time(time),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        columns.iter().map(cell).collect::<Vec<_>>().join(",")
    };
    let lines: Vec<String> = rows.iter().map(line).collect();
    format!("\u{feff}{}\r\n{}\r\n", header.join(","), lines.join("\r\n"))
}

/// `2026-11-21T20:25:14Z` as `"11/21/2026, 8:25:14.000 PM"`.
fn portal_time(time: &str) -> String {
    let hour: u32 = time[11..13].parse().unwrap();
    let (date, rest) = (&time[..10], &time[14..19]);
    format!(
        "\"{}/{}/{}, {}:{rest}.000 PM\"",
        &date[5..7],
        &date[8..],
        &date[..4],
        hour - 12
    )
}

fn report(text: &str, more: &[&str], exit_code: i32) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows");
    fs::write(&file, text).unwrap();
    report_of(&file, more, exit_code)
}

fn report_of(file: &Path, more: &[&str], exit_code: i32) -> Value {
    let mut command = analyze();
    command
        .arg("--flow-logs")
        .arg(file)
        .args(["--servers", "10.20.2.0/24"]);
    program::report(command.args(more), exit_code)
}

fn verdict(report: &Value) -> &str {
    report["paths"][0]["verdict"].as_str().unwrap()
}

#[test]
fn each_form_says_the_same() {
    let forms: [fn(&[Value]) -> String; 4] = [as_az, as_graph, as_api, as_csv];
    for (label, state, expected) in LABELS {
        let exit_code = if expected == "plaintext" { 1 } else { 3 };
        for form in forms {
            let text = form(&[row("10.20.2.5", label)]);
            let report = report(&text, &[], exit_code);
            let path = &report["paths"][0];
            let said = &path["platform"]["states"][0];
            assert_eq!(verdict(&report), expected, "{text}");
            assert_eq!(
                (&said["state"], &said["grain_seconds"]),
                (&json!(state), &json!(3600))
            );
            assert_eq!(
                (&said["packets"], &said["bytes"]),
                (&json!(78), &json!(29600))
            );
            assert_eq!(report["flow_logs"][0]["form"], "traffic_analytics");
            assert_eq!(path["basis"], "flow_log");
        }
    }
}

#[test]
fn a_sum_proves_no_captured_flow() {
    let guest = ["--vantage", "guest", CAPTURE];
    let rows = ["10.20.2.5", "10.20.2.6"].map(|server| row(server, "Encrypted"));
    let report = report(&as_az(&rows), &guest, 3);
    let verdicts: Vec<&str> = report["paths"]
        .as_array()
        .unwrap()
        .iter()
        .map(|path| path["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["encrypted", "unproven"]);
    assert_eq!(
        report["paths"][1]["platform"]["joined"],
        json!(["server_port"])
    );
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("sums over up to 60 minutes"),
        "{warnings}"
    );
}

#[test]
fn plaintext_speaks_against_all_of_its_interval() {
    let guest = ["--vantage", "guest", CAPTURE];
    let rows = ["10.20.2.5", "10.20.2.6"].map(|server| row(server, "Unencrypted"));
    let then = report(&as_az(&rows), &guest, 1);
    assert_eq!(verdict(&then), "conflict");
    assert_eq!(then["paths"][1]["verdict"], "plaintext");
    let later = rows.map(|row| {
        let row = with(row, "FlowIntervalStartTime", json!("2026-11-21T22:00:00Z"));
        let row = with(row, "FlowIntervalEndTime", json!("2026-11-21T22:10:00Z"));
        let row = with(row, "FlowStartTime", json!("2026-11-21T22:05:00Z"));
        with(row, "FlowEndTime", json!("2026-11-21T22:05:00Z"))
    });
    let other = report(&as_az(&later), &guest, 3);
    assert_eq!(
        (verdict(&other), &other["paths"][1]["verdict"]),
        ("encrypted", &json!("unproven"))
    );
    assert_eq!(
        other["paths"][1]["platform"]["other_times"][0]["grain_seconds"],
        600
    );
}

#[test]
fn denied_and_other_rows_are_told_apart() {
    let denied = with(
        row("10.20.2.5", "Unencrypted"),
        "FlowStatus",
        json!("Denied"),
    );
    let report_of = |rows: &[Value], exit_code| report(&as_graph(rows), &[], exit_code);
    let blocked = report_of(std::slice::from_ref(&denied), 3);
    assert_eq!(blocked["paths"][0]["platform"]["said"], "blocked");
    let good = row("10.20.2.5", "Encrypted");
    let beside = [
        with(row("10.20.2.5", "Unencrypted"), "L4Protocol", json!("U")),
        with(row("10.20.2.5", "Unencrypted"), "DestPort", json!(443)),
        with(row("", "Unencrypted"), "FlowType", json!("AzurePublic")),
        json!({"SubType": "StatusMessage", "Status": "Completed"}),
    ];
    for other in beside {
        let report = report_of(&[good.clone(), other.clone()], 3);
        assert_eq!(verdict(&report), "undetermined", "{other}");
        assert_eq!(
            (
                &report["flow_logs"][0]["unread"],
                &report["flow_logs"][0]["bad_tuples"]
            ),
            (&json!(0), &json!(0)),
            "{other}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_held_against_the_run() {
    let good = || row("10.20.2.5", "Encrypted");
    let bad = [
        with(good(), "L4Protocol", json!("?")),
        with(good(), "DestIp", json!("10.20.2")),
        with(good(), "DestPort", json!("many")),
        with(good(), "FlowIntervalStartTime", json!("yesterday")),
        with(good(), "FlowEndTime", json!("soon")),
    ];
    for bad in bad {
        let report = report(&as_az(&[good(), bad.clone()]), &[], 3);
        assert_eq!(report["flow_logs"][0]["bad_tuples"], 1, "{bad}");
    }
    let message = json!({"SubType": "StatusMessage", "Status": "Partial"});
    let partial = report(&as_graph(&[good(), message]), &[], 3);
    assert_eq!(partial["flow_logs"][0]["unread"], 1);
    let unknown = report(&as_az(&[row("10.20.2.5", "Half")]), &[], 3);
    assert_eq!(unknown["flow_logs"][0]["unknown_states"], 1);
    let cut = as_az(&[good(), good()]);
    let cut = report(&cut[..cut.len() - 5], &[], 3);
    assert!(cut["flow_logs"][0]["fault"].is_object());
    let local = as_csv(&[good()]).replace("[UTC]", "[Local Time]");
    assert_eq!(report(&local, &[], 3)["flow_logs"][0]["bad_tuples"], 1);
    let mut answer: Value = serde_json::from_str(&as_api(&[good()])).unwrap();
    answer["error"] = json!({"code": "PartialError"});
    assert_eq!(
        report(&answer.to_string(), &[], 3)["flow_logs"][0]["unread"],
        1
    );
}

#[test]
fn rows_without_an_interval_are_of_an_hour_around_their_flows() {
    let mut bare = row("10.20.2.6", "Unencrypted");
    for column in ["FlowIntervalStartTime", "FlowIntervalEndTime"] {
        bare.as_object_mut().unwrap().remove(column);
    }
    let guest = ["--vantage", "guest", CAPTURE];
    let near = with(bare.clone(), "FlowStartTime", json!("2026-11-21T19:30:00Z"));
    let near = with(near, "FlowEndTime", json!("2026-11-21T19:30:00Z"));
    assert_eq!(
        report(&as_az(&[near]), &guest, 1)["paths"][1]["verdict"],
        "plaintext"
    );
    let far = with(bare, "FlowStartTime", json!("2026-11-21T18:30:00Z"));
    let far = with(far, "FlowEndTime", json!("2026-11-21T18:30:00Z"));
    assert_eq!(
        report(&as_az(&[far]), &guest, 3)["paths"][1]["verdict"],
        "unproven"
    );
}

#[test]
fn the_documented_query_asks_for_what_is_read() {
    let page = include_str!("../../docs/flow-logs.md");
    let (_, query) = page.split_once("| project ").expect("the query");
    let (columns, _) = query.split_once('"').expect("its end");
    let asked: Vec<&str> = columns.split(',').map(str::trim).collect();
    let row = row("10.20.2.5", "Encrypted");
    let mut read: Vec<&str> = row
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    read.push("Status");
    read.sort_unstable();
    let mut sorted = asked.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, read);
    let (_, labels) = page
        .split_once("The labels are the states above: ")
        .unwrap();
    for (label, state, _) in LABELS {
        let label = label.trim_end_matches('.');
        assert!(
            labels.contains(&format!("{label} `{state}`"))
                || labels.contains(&format!("{label} is `{state}`")),
            "{label}"
        );
    }
}

/// 5/11 and 11/5 are both days; a date that only one reading has tells of all.
#[test]
fn dates_that_can_be_two_days_are_told() {
    let at = |day: &str| {
        let times = [
            "FlowStartTime",
            "FlowEndTime",
            "FlowIntervalStartTime",
            "FlowIntervalEndTime",
        ];
        let day = json!(format!("2026-{day}T20:25:14Z"));
        let set = |row, name| with(row, name, day.clone());
        times.into_iter().fold(row("10.20.2.6", "Unencrypted"), set)
    };
    for (days, is_told) in [
        (&["11-05"][..], true),
        (&["11-11"], false),
        (&["11-13"], false),
        (&["11-05", "11-13"], false),
        (&["11-05", "11-06"], true),
    ] {
        let rows: Vec<Value> = days.iter().map(|day| at(day)).collect();
        let report = report(&as_csv(&rows), &[], 1);
        let warnings = report["warnings"].to_string();
        assert_eq!(
            warnings.contains("day first or month first"),
            is_told,
            "{days:?}"
        );
        let run = report["proof"].as_array().expect("a proof");
        let whole = run.iter().find(|it| it["obligation"] == "whole_inputs");
        let outcome = if is_told { "open" } else { "met" };
        assert_eq!(whole.expect("an obligation")["outcome"], outcome);
    }
}

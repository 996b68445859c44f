//! `--since` and `--until` as an operator uses them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::bytes::{self, Order};
use crate::support::program::{self, analyze, complaint, plainsight, root, run, text, trace};

const SERVERS: [&str; 2] = ["--servers", "10.20.2.0/24"];
/// A path each way, one after the other.
const CAPTURE: &str = "one-path-each-way.pcap";
/// Time between them.
const BETWEEN: &str = "2026-11-21T20:25:14.789Z";
/// Time of the first packet in plaintext.
const PLAINTEXT: &str = "2026-11-21T20:25:14.789043Z";

fn report(words: &[&str], input: &Path, exit_code: i32) -> Value {
    let mut command = plainsight(words);
    program::report(command.args(SERVERS).arg(input), exit_code)
}

fn of_capture(more: &[&str], exit_code: i32) -> Value {
    let words = [&["analyze"], more].concat();
    report(&words, &trace(CAPTURE), exit_code)
}

/// Servers of paths, and their verdicts.
fn verdicts(report: &Value) -> Value {
    let paths = report["paths"].as_array().expect("paths").iter();
    paths
        .map(|path| json!([path["server"], path["verdict"]]))
        .collect()
}

fn count(report: &Value, bucket: &str) -> u64 {
    let packets = &report["accounting"][bucket]["packets"];
    packets.as_u64().expect("a count")
}

#[test]
fn each_window_has_its_verdicts() {
    let before = of_capture(&["--until", BETWEEN], 0);
    let after = of_capture(&["--since", BETWEEN], 1);
    assert_eq!(verdicts(&before), json!([["10.20.2.5", "encrypted"]]));
    assert_eq!(verdicts(&after), json!([["10.20.2.6", "plaintext"]]));
    assert_eq!(before["window"], json!({"since": null, "until": BETWEEN}));
    let whole = of_capture(&[], 1);
    assert_eq!(whole["window"], Value::Null);
    assert_eq!(count(&whole, "outside_window"), 0);
    let read = whole["accounting"]["packets"].as_u64();
    let [one, other] = [&before, &after].map(|it| count(it, "outside_window"));
    assert_eq!(Some(one + other), read);
    assert_eq!(after["accounting"]["packets"].as_u64(), read);
}

#[test]
fn a_window_has_its_beginning_and_not_its_end() {
    let until = of_capture(&["--until", PLAINTEXT], 0);
    assert_eq!(verdicts(&until), json!([["10.20.2.5", "encrypted"]]));
    let since = of_capture(&["--since", PLAINTEXT], 1);
    assert_eq!(since["paths"][0]["plaintext_first"], PLAINTEXT);
    assert_eq!(since["first"], PLAINTEXT);
}

#[test]
fn a_table_says_what_window_it_is_of() {
    let window = ["--since", PLAINTEXT, "--until", "2026-11-21T21:25:15+01:00"];
    let mut command = analyze();
    let output = run(command.args(SERVERS).args(window).arg(trace(CAPTURE)));
    let table = text(&output.stdout).replace("\n  ", " ").replace('\n', " ");
    for says in [
        "That is of the time from 2026-11-21T20:25:14.789043Z until 2026-11-21T20:25:15Z alone.",
        "Window: from 2026-11-21T20:25:14.789043Z until 2026-11-21T20:25:15Z. Handshakes outside it were not counted",
        "outside the window",
    ] {
        assert!(table.contains(says), "{says}: {table}");
    }
}

#[test]
fn nothing_is_concluded_of_a_window_without_packets() {
    let report = of_capture(&["--since", "2027-01-01T00:00:00Z"], 3);
    assert_eq!(report["paths"], json!([]));
    assert_eq!(report["timeline"], Value::Null);
    assert_eq!(report["first"], Value::Null);
    let read = report["accounting"]["packets"].as_u64();
    assert_eq!(Some(count(&report, "outside_window")), read);
}

#[test]
fn what_is_no_window_is_refused() {
    let refused = |more: &[&str]| {
        let mut command = analyze();
        complaint(command.args(SERVERS).args(more).arg(trace(CAPTURE)))
    };
    let empty = refused(&["--since", PLAINTEXT, "--until", PLAINTEXT]);
    assert!(empty.contains("ends before it begins"), "{empty}");
    for time in [
        "yesterday",
        "2026-11-21",
        "2026-11-21T20:25:14",
        "9999-01-01T00:00:00Z",
    ] {
        let said = refused(&["--since", time]);
        assert!(said.contains("--since"), "{said}");
    }
}

/// Packets without a time may be of the window, and may be of another.
#[test]
fn packets_without_a_time_count_and_leave_the_run_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let capture = fs::read(trace(CAPTURE)).expect("a capture");
    let mut file = bytes::section(Order::Little);
    file.extend(bytes::interface(Order::Little, 1, 0, &[]));
    for frame in frames(&capture) {
        let len = u32::try_from(frame.len()).expect("a short frame");
        file.extend(bytes::simple(Order::Little, frame, len));
    }
    let path = folder.path().join("untimed.pcapng");
    fs::write(&path, file).expect("a file");
    let whole = report(&["analyze"], &path, 1);
    let windowed = report(&["analyze", "--since", BETWEEN], &path, 1);
    assert_eq!(verdicts(&windowed), verdicts(&whole));
    assert_eq!(count(&windowed, "outside_window"), 0);
    let proof = |report: &Value| report["proof"][0].clone();
    assert_eq!(proof(&whole)["outcome"], "met");
    assert_eq!(proof(&windowed)["outcome"], "open");
    let says = proof(&windowed)["says"].to_string();
    assert!(
        says.contains("without a time may be of another than the window"),
        "{says}"
    );
}

/// Bytes of the packets of a little-endian pcap.
fn frames(pcap: &[u8]) -> Vec<&[u8]> {
    let mut rest = &pcap[24..];
    let mut frames = Vec::new();
    while let Some((header, behind)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes(header[8..12].try_into().expect("four bytes"));
        let (frame, behind) = behind.split_at(len as usize);
        frames.push(frame);
        rest = behind;
    }
    frames
}

/// Saves what a capture has in a window.
fn saved(folder: &Path, name: &str, window: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let mut command = analyze();
    command.arg("--save").arg(&path).args(window);
    let ended = run(command.arg(trace(CAPTURE)));
    assert_ne!(ended.status.code(), Some(2), "{ended:?}");
    path
}

#[test]
fn states_keep_their_window() {
    let folder = tempfile::tempdir().expect("a folder");
    let since = ["--since", BETWEEN];
    let state = saved(folder.path(), "since", &since);
    let mut merged = report(&["merge"], &state, 1);
    let mut analyzed = of_capture(&since, 1);
    assert_eq!(merged["window"], json!({"since": BETWEEN, "until": null}));
    for report in [&mut merged, &mut analyzed] {
        report["inputs"].take();
    }
    assert_eq!(merged, analyzed);
    let other = saved(folder.path(), "until", &["--until", BETWEEN]);
    let whole = saved(folder.path(), "whole", &[]);
    for (other, window) in [
        (&other, "--until 2026-11-21T20:25:14.789Z"),
        (&whole, "no window"),
    ] {
        let mut command = plainsight(&["merge"]);
        let said = complaint(command.args(SERVERS).args([&state, other]));
        let both = format!("--since {BETWEEN} and {window}");
        assert!(said.contains(&both), "{said}");
    }
}

/// A flow log is of the time that its tuples tell of: here of a minute in which the only one is
/// in plaintext.
#[test]
fn flow_logs_are_of_the_window_too() {
    let log = root().join("tests/flow-logs/states/nx.json");
    let verdict = |window: &[&str], exit_code| {
        let mut command = analyze();
        command
            .args(SERVERS)
            .arg("--flow-logs")
            .arg(&log)
            .args(window);
        program::report(&mut command, exit_code)
    };
    let within = verdict(&["--since", "2026-11-21T20:20:00Z"], 1);
    assert_eq!(within["paths"][0]["platform"]["said"], "plaintext");
    let later = verdict(&["--since", "2026-11-22T00:00:00Z"], 3);
    let platform = &later["paths"][0]["platform"];
    assert_eq!(platform["said"], "nothing");
    assert_eq!(platform["states"], json!([]));
    assert_eq!(platform["other_times"][0]["state"], "NX");
}

//! `plainsight bench` and `analyze --stats`: what they say, never how long it took.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::program::{self, trace};

fn plainsight(args: &[&str], path: &Path) -> Command {
    let mut command = program::plainsight(args);
    command.arg(path);
    command
}

/// A short `bench` of one trace that finds no other program.
fn bench(args: &[&str], path: &Path) -> Output {
    let args = [&["bench", "--runs", "2"], args].concat();
    let mut command = plainsight(&args, path);
    command.env("PATH", "").output().expect("the command runs")
}

fn measured(command: &mut Command) -> Value {
    let output = command.output().expect("the command runs");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    serde_json::from_slice(&output.stdout).expect("JSON alone")
}

fn names(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().expect("a list").iter();
    rows.map(|row| row["name"].as_str().expect("a name"))
        .collect()
}

fn is_positive(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number > 0.0)
}

fn is_spread(spread: &Value) -> bool {
    let [min, median, max] = ["min", "median", "max"].map(|name| spread[name].as_f64());
    is_positive(&spread["min"]) && min <= median && median <= max
}

#[track_caller]
fn assert_row(row: &Value) {
    for spread in ["seconds", "packets_per_second", "bytes_per_second"] {
        assert!(is_spread(&row[spread]), "{spread} of {row}");
    }
    for figure in ["nanoseconds_per_packet", "time_ratio"] {
        assert!(is_positive(&row[figure]), "{figure} of {row}");
    }
}

#[test]
fn every_row_has_its_figures() {
    let args = ["bench", "--runs", "3", "--threads", "2", "--format", "json"];
    let outcome = measured(&mut plainsight(&args, &trace("all-plaintext.pcap")));
    let told = ["runs", "threads", "files", "packets"].map(|field| outcome[field].as_u64());
    assert_eq!(told, [3, 2, 1, 178].map(Some));
    let rows = outcome["rows"].as_array().expect("rows");
    rows.iter().for_each(assert_row);
    assert_eq!(rows[0]["time_ratio"].as_f64(), Some(1.0));
    assert!(is_spread(&rows[0]["peak_memory"]["bytes"]), "{}", rows[0]);
    let all = [names(&outcome["rows"]), names(&outcome["absent"])].concat();
    let own = ["plainsight", "bare walk", "plain read"];
    assert_eq!(all[..3], own);
    assert!(
        all.contains(&"tcpdump") && all.contains(&"capinfos"),
        "{all:?}"
    );
}

#[test]
fn other_programs_are_not_needed() {
    let args = ["bench", "--runs", "1", "--format", "json"];
    let mut command = plainsight(&args, &trace("all-plaintext.pcap"));
    let outcome = measured(command.env("PATH", ""));
    assert_eq!(names(&outcome["rows"]).len(), 3);
    assert_eq!(names(&outcome["absent"]), ["tcpdump", "capinfos"]);
}

#[test]
fn a_folder_of_all_kinds_is_measured() {
    let output = bench(&["--format", "json"], &trace(""));
    assert_eq!(output.status.code(), Some(0));
    let outcome: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    assert!(outcome["files"].as_u64() > Some(10), "{outcome}");
}

#[test]
fn the_table_names_every_row() {
    let output = bench(&[], &trace("one-path-each-way.pcap.gz"));
    assert_eq!(output.status.code(), Some(0));
    let table = String::from_utf8(output.stdout).expect("UTF-8");
    for name in [
        "plainsight",
        "bare walk",
        "plain read",
        "tcpdump: not installed",
    ] {
        assert!(table.contains(name), "{table}");
    }
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
}

#[test]
fn what_cannot_be_measured_ends_the_run() {
    let cases = [
        (trace("README.md"), "is not a packet capture"),
        (trace("nowhere.pcap"), "cannot read"),
        (PathBuf::from("-"), "standard input can be read only once"),
    ];
    for (path, why) in cases {
        let output = bench(&[], &path);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{complaint}");
        assert!(output.stdout.is_empty());
        assert!(complaint.starts_with("plainsight: ") && complaint.contains(why));
    }
}

#[test]
fn statistics_leave_the_report_as_it_is() {
    let path = trace("all-plaintext.pcap");
    let run = |args: &[&str]| {
        let output = plainsight(args, &path).output();
        output.expect("the command runs")
    };
    let (without, with) = (run(&["analyze"]), run(&["analyze", "--stats"]));
    assert_eq!(without.stdout, with.stdout);
    assert_eq!(without.status.code(), with.status.code());
    assert!(without.stderr.is_empty());
    let stats = String::from_utf8(with.stderr).expect("UTF-8");
    for word in [
        "178 packets",
        "packets/s",
        "opening",
        "walking",
        "merging",
        "judging",
        "writing",
        "p99",
    ] {
        assert!(stats.contains(word), "{word}: {stats}");
    }
}

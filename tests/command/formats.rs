//! Formats that a command offers are those that its document is written in.

use std::collections::BTreeSet;
use std::process::Command;

use plainsight::azure::controls;
use plainsight::report::{self, CATALOGUE_FORMATS, POSTURE_FORMATS};
use serde_json::Value;

use crate::support::expect;
use crate::support::program::{analyze, run, text, trace};

/// Help of a command.
fn help(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args([command, "-h"])
        .output()
        .expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

/// Holds that a command's help offers these names, and no others.
fn assert_offers(command: &str, names: &[&str]) {
    let words = words(command);
    let offered = format!("[possible values: {}]", names.join(", "));
    assert!(
        words.contains(&offered),
        "{command} offers {offered}: {words}"
    );
}

/// Holds that a command's help offers files of these endings, and of no others.
fn assert_writes(command: &str, endings: &[&str]) {
    let words = words(command);
    let endings: Vec<String> = endings.iter().map(|ending| format!(".{ending}")).collect();
    let offered = format!("in the format of its ending: {};", endings.join(" or "));
    assert!(
        words.contains(&offered),
        "{command} offers {offered}: {words}"
    );
}

/// Help of a command, in one line.
fn words(command: &str) -> String {
    let help = help(command);
    let words: Vec<&str> = help.split_whitespace().collect();
    words.join(" ")
}

#[test]
fn reports_are_offered_in_the_formats_of_reports() {
    let names: Vec<_> = report::FORMATS.iter().map(|it| it.name).collect();
    let endings: Vec<_> = report::FORMATS.iter().map(|it| it.ending).collect();
    for command in ["analyze", "live"] {
        assert_offers(command, &names);
        assert_writes(command, &endings);
    }
}

/// The catalogue is offered in its formats besides, which are no files of checks.
#[test]
fn checks_are_offered_in_the_formats_of_checks() {
    let checks = POSTURE_FORMATS.iter().map(|it| it.name);
    let mut names: Vec<_> = checks.collect();
    for format in CATALOGUE_FORMATS {
        if !names.contains(&format.name) {
            names.push(format.name);
        }
    }
    let endings: Vec<_> = POSTURE_FORMATS.iter().map(|it| it.ending).collect();
    assert_offers("posture", &names);
    assert_writes("posture", &endings);
}

/// The ids that `--require` takes are those of the catalogue.
#[test]
fn controls_are_offered_by_their_ids() {
    let ids: Vec<_> = controls::all().iter().map(|it| &it.id[..]).collect();
    assert_offers("posture", &ids);
}

/// Standard output of a run on a capture of several paths, in a format.
fn written(format: &str, capture: &str) -> String {
    let mut command = analyze();
    let servers = format!("{},10.20.2.99", expect::SERVERS);
    command.args(["--servers", &servers, "--format", format]);
    text(&run(command.arg(trace(capture))).stdout)
}

/// A path a line and the run in the last one are the report, whole.
#[test]
fn lines_of_json_are_the_report() {
    for capture in ["turns.pcapng", "one-path-each-way.pcap", "nfs.pcap"] {
        let report: Value = serde_json::from_str(&written("json", capture)).expect("JSON");
        let lines = written("ndjson", capture);
        let mut lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let kinds: Vec<Value> = lines.iter_mut().map(|line| line["kind"].take()).collect();
        let (last, others) = kinds.split_last().expect("a line");
        assert_eq!(last, "run");
        assert!(others.iter().all(|kind| kind == "path"), "{kinds:?}");
        let each = lines.iter_mut().filter_map(Value::as_object_mut);
        each.for_each(|line| drop(line.remove("kind")));
        let mut joined = lines.pop().expect("the run");
        joined["paths"] = Value::Array(lines);
        assert_eq!(joined, report, "{capture}");
    }
}

/// Lines of a CSV, each of which ends as RFC 4180 says.
fn rows(csv: &str) -> Vec<&str> {
    let body = csv.strip_suffix("\r\n").expect("a line");
    body.split("\r\n").collect()
}

#[test]
fn a_row_of_csv_is_a_path() {
    let csv = written("csv", "one-path-each-way.pcap");
    let rows = rows(&csv);
    assert_eq!(rows.len(), 1 + 3, "{csv}");
    let row = |start: &str| {
        let found = rows.iter().find(|row| row.starts_with(start));
        *found.unwrap_or_else(|| panic!("{start}: {csv}"))
    };
    row("10.20.1.4,10.20.2.5,encrypted,capture,encrypted,,false,false,true,2026-11-21T20:25:14.");
    row("10.20.1.4,10.20.2.6,plaintext,capture,plaintext,");
    let silent = row(",10.20.2.99,silent,none,silent,,false,false,true,,,,0,0,0,");
    assert_eq!(silent.split(',').count(), rows[0].split(',').count());
}

/// A CSV tells on each row that the run was not whole: nothing else in it would.
#[test]
fn rows_of_a_run_that_is_not_whole_say_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = std::fs::read(trace("all-encrypted.pcap")).expect("a capture");
    let cut = dir.path().join("cut.pcap");
    std::fs::write(&cut, &whole[..whole.len() - 1]).expect("a file");
    let mut command = analyze();
    command.args(["--servers", expect::SERVERS, "--format", "csv"]);
    let csv = text(&run(command.arg(cut)).stdout);
    let rows = rows(&csv);
    let names: Vec<&str> = rows[0].split(',').collect();
    let at = names
        .iter()
        .position(|name| *name == "run_is_whole")
        .expect("a column");
    assert!(rows.len() > 1, "{csv}");
    for row in &rows[1..] {
        assert_eq!(row.split(',').nth(at), Some("false"), "{csv}");
    }
}

#[test]
fn each_column_of_the_csv_is_documented() {
    let csv = written("csv", "nfs.pcap");
    let columns: BTreeSet<&str> = rows(&csv)[0].split(',').collect();
    let (_, section) = include_str!("../../docs/json.md")
        .split_once("\n## CSV\n")
        .expect("a section");
    let section = section.split("\n#").next().expect("its text");
    let table = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let told = table
        .filter_map(|line| line.split_once(" |"))
        .flat_map(|(names, _)| names.split('`'));
    let told: BTreeSet<&str> = told
        .filter(|name| !name.trim_matches([',', ' ']).is_empty())
        .collect();
    assert_eq!(told, columns);
}

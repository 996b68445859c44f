//! A case as it lies in a folder: captures, flow logs, exports and whatever else.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use tempfile::TempDir;

use crate::support::program::{analyze, any_report, complaint, root, run, said, text, trace};

const CAPTURE: &str = "one-path-each-way.pcap";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Copies a file or folder of the repository into a folder.
fn add(case: &Path, from: &str, to: &str) {
    let (from, to) = (root().join(from), case.join(to));
    if from.is_dir() {
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(&from).unwrap() {
            let name = entry.unwrap().file_name();
            fs::copy(from.join(&name), to.join(&name)).unwrap();
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

/// A capture, a log of its flows, exports, and notes.
fn case() -> TempDir {
    let case = folder();
    add(case.path(), &format!("captures/{CAPTURE}"), "client/trace");
    add(
        case.path(),
        "tests/flow-logs/states/nx.json",
        "logs/PT1H.json",
    );
    add(case.path(), "tests/azure/az", "configuration");
    fs::write(case.path().join("notes.txt"), "Seen on Monday.\n").unwrap();
    fs::write(case.path().join("notes.json"), "{\"seen\": [1, 2]}\n").unwrap();
    case
}

fn names(report: &Value, list: &str) -> Vec<String> {
    let files = report[list].as_array().expect("a list").iter();
    let names = files.map(|file| file["name"].as_str().expect("a name").to_owned());
    names.collect()
}

#[test]
fn files_of_a_folder_are_taken_for_what_they_are() {
    let case = case();
    let place = |name: &str| case.path().join(name);
    let as_it_lies = any_report(analyze().arg(case.path()));
    let mut by_flag = analyze();
    by_flag.arg("--flow-logs").arg(place("logs"));
    by_flag.arg("--azure").arg(place("configuration"));
    let by_flag = any_report(by_flag.arg(place("client/trace")));
    for field in by_flag.as_object().expect("an object").keys() {
        if field != "warnings" {
            assert_eq!(as_it_lies[field], by_flag[field], "{field}");
        }
    }
    assert_eq!(names(&as_it_lies, "inputs").len(), 1);
    assert_eq!(names(&as_it_lies, "flow_logs").len(), 1);
    assert!(names(&as_it_lies, "exports").len() > 1);
    let warnings = as_it_lies["warnings"].to_string();
    for neither in ["notes.txt", "notes.json"] {
        let says = format!("{neither}: neither a capture, nor a flow log, nor an export");
        assert!(warnings.contains(&says), "{warnings}");
    }
}

#[test]
fn what_is_named_by_flag_as_well_counts_once() {
    let case = case();
    let mut both = analyze();
    both.arg("--flow-logs").arg(case.path().join("logs"));
    both.arg("--azure").arg(case.path().join("configuration"));
    let both = any_report(both.arg(case.path()));
    let as_it_lies = any_report(analyze().arg(case.path()));
    assert_eq!(both["paths"], as_it_lies["paths"]);
    assert_eq!(both["exports"], as_it_lies["exports"]);
    assert_eq!(both["flow_logs"], as_it_lies["flow_logs"]);
}

#[test]
fn the_table_counts_files_by_kind() {
    let case = case();
    let exports = fs::read_dir(case.path().join("configuration")).unwrap();
    let files = format!(
        "files read: 1 capture, 1 flow log, {} exports",
        exports.count()
    );
    let table = text(&run(analyze().arg(case.path())).stdout);
    assert!(table.contains(&files), "{table}");
    let table = text(&run(analyze().arg("--verbose").arg(case.path())).stdout);
    assert!(table.contains("client/trace: pcap, 192 packets"), "{table}");
}

#[test]
fn a_folder_of_logs_alone_is_read_and_one_of_neither_is_not() {
    let logs = folder();
    add(logs.path(), "tests/flow-logs/states/x.json", "PT1H.json");
    let servers = ["--servers", "10.20.2.0/24"];
    said(analyze().args(servers).arg(logs.path()), 0);
    let exports = folder();
    add(exports.path(), "tests/azure/az", "");
    let message = complaint(analyze().arg(exports.path()));
    assert!(
        message.contains("no packet capture or flow log in the folder"),
        "{message}"
    );
}

/// A log that is cut where nothing of it can be read may have said that a path is in plaintext.
#[test]
fn a_log_that_cannot_be_read_leaves_the_run_open() {
    let case = folder();
    fs::copy(trace("all-encrypted.pcap"), case.path().join("a.pcap")).unwrap();
    fs::write(
        case.path().join("PT1H.json"),
        "{\"records\": [{\"time\": \"20",
    )
    .unwrap();
    let report = any_report(
        analyze()
            .args(["--servers", "10.20.2.0/24"])
            .arg(case.path()),
    );
    assert_eq!(report["summary"]["exit_code"], 3);
    assert!(
        report["proof"].to_string().contains("PT1H.json"),
        "{report}"
    );
}

/// Puts something into a folder, which is then to exit with a code.
type Place<'p> = (&'p dyn Fn(&Path), i32);

#[test]
fn what_is_named_as_a_capture_and_cannot_be_read_is_told() {
    let link = |to: &'static str, name: &'static str| {
        move |case: &Path| std::os::unix::fs::symlink(to, case.join(name)).expect("a link")
    };
    let pipe = |case: &Path| {
        let made = run(Command::new("mkfifo").arg(case.join("hour.pcap")));
        assert!(made.status.success());
    };
    let places: [Place<'_>; 6] = [
        (&|_| {}, 0),
        (&pipe, 3),
        (&link("/dev/null", "hour.pcap"), 3),
        (&link("/no/such/hour.pcap", "latest"), 3),
        (&link("/no/such/hour", "hour.pcap"), 3),
        (&link("admin@host.4711:1732", ".#notes.txt"), 0),
    ];
    for (place, (put, code)) in places.iter().enumerate() {
        let case = folder();
        add(case.path(), "captures/all-encrypted.pcap", "all.pcap");
        put(case.path());
        let output = run(analyze()
            .arg("--servers")
            .arg("10.20.2.0/24")
            .arg(case.path()));
        assert_eq!(
            output.status.code(),
            Some(*code),
            "{place}: {}",
            text(&output.stdout)
        );
    }
}

//! `--save` and `merge` as an operator uses them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::support::program::{any_report, complaint, plainsight, report, said, trace};

const SERVERS: [&str; 2] = ["--servers", "10.20.2.0/24"];

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn command(words: &[&str], paths: &[PathBuf]) -> Command {
    let mut command = plainsight(words);
    command.args(paths);
    command
}

/// Saves the state of a capture.
fn saved(capture: &str, folder: &Path, options: &[&str]) -> PathBuf {
    let state = folder.join(format!("{capture}.state"));
    let words = [
        &["analyze", "--save", state.to_str().expect("UTF-8")],
        options,
    ]
    .concat();
    let ended = command(&words, &[trace(capture)])
        .output()
        .expect("the program");
    assert_ne!(ended.status.code(), Some(2), "{ended:?}");
    state
}

fn merge(options: &[&str], states: &[PathBuf]) -> Command {
    command(&[&["merge"], &SERVERS[..], options].concat(), states)
}

fn warnings(report: &Value) -> String {
    report["warnings"].to_string()
}

#[test]
fn the_same_counts_are_the_same_bytes() {
    // More flows than are kept, and servers enough that no order repeats by chance.
    let servers = "10.9.0.1,10.9.0.2,10.9.0.3,10.9.0.4,10.9.0.5,10.9.0.6,10.9.0.7,10.9.0.8";
    let options = ["--max-flows", "1", "--servers", servers];
    let states = [(); 4].map(|()| {
        let folder = folder();
        let state = saved("one-path-each-way.pcap", folder.path(), &options);
        fs::read(state).expect("a state")
    });
    assert!(states.iter().all(|state| *state == states[0]));
}

#[test]
fn a_state_is_private_and_whole_or_not_there() {
    let folder = folder();
    let state = saved("all-encrypted.pcap", folder.path(), &[]);
    let mode = fs::metadata(&state).expect("a state").mode();
    assert_eq!(mode & 0o777, 0o600);
    let files = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(files, 1, "drafts are left");
    // A run that fails leaves the old state, and no draft.
    let before = fs::read(&state).expect("a state");
    let save = ["analyze", "--save", state.to_str().expect("UTF-8")];
    complaint(&mut command(&save, &["/nowhere.pcap".into()]));
    assert_eq!(fs::read(&state).expect("a state"), before);
    let nowhere = ["analyze", "--save", "/nowhere/at.all"];
    let complaint = complaint(&mut command(&nowhere, &[trace("all-encrypted.pcap")]));
    assert!(complaint.contains("/nowhere/at.all"), "{complaint}");
}

#[test]
fn servers_policy_and_all_else_are_given_to_merge() {
    let folder = folder();
    let names = [
        "one-path-each-way.pcap",
        "dtls-1.0.pcap",
        "two-interfaces.pcapng",
    ];
    let states = names.map(|name| saved(name, folder.path(), &[]));
    let captures = names.map(trace);
    for options in [
        &["--servers", "10.20.2.0/24"][..],
        &["--servers", "10.20.2.5,10.20.2.99", "--policy", "any-dtls"],
        &["--vantage", "guest"],
        &["--format", "csv", "--servers", "10.20.2.0/24"],
        &["--format", "ndjson"],
    ] {
        let whole = command(&[&["analyze"], options].concat(), &captures).output();
        let parts = command(&[&["merge"], options].concat(), &states).output();
        let [whole, parts] = [whole, parts].map(|it| it.expect("the program"));
        assert_eq!(
            String::from_utf8_lossy(&parts.stdout),
            String::from_utf8_lossy(&whole.stdout)
        );
        assert_eq!(parts.status, whole.status);
    }
}

#[test]
fn an_input_that_two_states_hold_counts_once_and_is_told() {
    let folder = folder();
    let state = saved("all-encrypted.pcap", folder.path(), &[]);
    let once = report(&mut merge(&[], std::slice::from_ref(&state)), 0);
    let other = folder.path().join("again.state");
    fs::copy(&state, &other).expect("a copy");
    let tree = folder.path().join("tree.state");
    let save = ["--save", tree.to_str().expect("UTF-8")];
    let twice = report(&mut merge(&save, &[state.clone(), other]), 3);
    assert_eq!(twice["accounting"], once["accounting"]);
    assert!(warnings(&twice).contains("counts once"), "{twice:#}");
    // Inside a tree as well, which does not forget it.
    let again = report(&mut merge(&[], &[tree, state]), 3);
    assert_eq!(again["accounting"], once["accounting"]);
}

#[test]
fn a_copy_under_another_name_is_told_as_analyze_does() {
    let folder = folder();
    let names = ["one-path-each-way.pcap", "one-path-each-way.pcap.gz"];
    let states = names.map(|name| saved(name, folder.path(), &[]));
    let whole = report(
        &mut command(&[&["analyze"], &SERVERS[..]].concat(), &names.map(trace)),
        1,
    );
    assert_eq!(report(&mut merge(&[], &states), 1), whole);
}

#[test]
fn other_options_are_no_sum() {
    let folder = folder();
    let one = saved("all-encrypted.pcap", folder.path(), &[]);
    let ports = saved("vxlan.pcap", folder.path(), &["--vxlan-port", "9999"]);
    let says = complaint(&mut merge(&["--partial"], &[one.clone(), ports]));
    assert!(
        says.contains("9999") && says.contains("vxlan.pcap.state"),
        "{says}"
    );
    let flows = saved("all-plaintext.pcap", folder.path(), &["--max-flows", "100"]);
    let says = complaint(&mut merge(&[], &[one, flows]));
    assert!(says.contains("--max-flows 8192 and 100"), "{says}");
}

/// Puts bytes into a state, and the digest right.
fn forge(state: &Path, at: usize, bytes: &[u8]) {
    let mut forged = fs::read(state).expect("a state");
    forged[at..at + bytes.len()].copy_from_slice(bytes);
    let end = forged.len() - 32;
    let digest = Sha256::digest(&forged[..end]);
    forged[end..].copy_from_slice(&digest);
    fs::write(state, forged).expect("a file");
}

#[test]
fn what_is_newer_damaged_or_no_state_is_refused() {
    let folder = folder();
    let state = saved("all-encrypted.pcap", folder.path(), &[]);
    let whole = fs::read(&state).expect("a state");
    forge(&state, 12, &99_u32.to_le_bytes());
    let says = complaint(&mut merge(&[], std::slice::from_ref(&state)));
    assert!(says.contains("version 99"), "{says}");
    fs::write(&state, &whole[..whole.len() - 1]).expect("a file");
    let says = complaint(&mut merge(&[], std::slice::from_ref(&state)));
    assert!(says.contains("damaged"), "{says}");
    // With the right digest the frame still has another.
    fs::write(&state, &whole).expect("a file");
    forge(&state, 40, &[whole[40] ^ 1]);
    complaint(&mut merge(&[], std::slice::from_ref(&state)));
    let says = complaint(&mut merge(&[], &[trace("all-encrypted.pcap")]));
    assert!(says.contains("is no saved state"), "{says}");
}

#[test]
fn what_is_missing_is_told_if_that_is_allowed() {
    let folder = folder();
    let state = saved("all-encrypted.pcap", folder.path(), &[]);
    let missing = folder.path().join("share-7.state");
    let damaged = folder.path().join("share-8.state");
    fs::write(&damaged, &fs::read(&state).expect("a state")[..200]).expect("a file");
    let states = [state, missing, damaged];
    let says = complaint(&mut merge(&[], &states));
    assert!(says.contains("share-7.state"), "{says}");
    let partial = report(&mut merge(&["--partial"], &states), 3);
    let told = warnings(&partial);
    assert!(
        told.contains("share-7.state") && told.contains("share-8.state"),
        "{told}"
    );
    let table = said(
        &mut command(&[&["merge", "--partial"], &SERVERS[..]].concat(), &states),
        3,
    );
    assert!(table.contains("share-7.state"), "{table}");
    complaint(&mut merge(&["--partial"], &states[1..]));
}

/// A path that two captures show, of which one is a mirror's, names both, also when their counts
/// were saved apart.
#[test]
fn who_saw_a_path_stays_known() {
    let folder = folder();
    let captures = ["one-path-each-way.pcap", "turns.pcapng", "vxlan.pcap"];
    let states = captures.map(|capture| saved(capture, folder.path(), &[]));
    let words = [&["analyze"][..], &SERVERS].concat();
    let together = any_report(&mut command(&words, &captures.map(trace)));
    let merged = any_report(&mut merge(&SERVERS, &states));
    assert_eq!(together["paths"], merged["paths"]);
    let mut observers = BTreeSet::new();
    for path in together["paths"].as_array().expect("paths") {
        for seen in path["seen_by"].as_array().expect("observers") {
            let input = seen["input"].as_str().expect("a name").to_owned();
            let is_mirrored = seen["is_mirrored"].as_bool().expect("yes or no");
            assert_eq!(is_mirrored, input.ends_with("vxlan.pcap"), "{input}");
            observers.insert((path["server"].to_string(), input));
        }
    }
    // One server is in the two that are no mirror's.
    let both = observers
        .iter()
        .filter(|(server, _)| server == "\"10.20.2.5\"");
    assert!(both.count() >= 2, "{observers:?}");
    assert_eq!(together["inputs"].as_array().map(Vec::len), Some(3));
}

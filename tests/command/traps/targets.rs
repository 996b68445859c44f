//! Which data a server serves, as connect requests on the wire tell.

use std::fs;

use super::run::{BLOCK, CLIENT, SERVER, path, paths, pcap, report_of, segment, to_lustre, tunnel};
use crate::support::packets::{dtls, lustre};
use crate::support::program::{analyze, plainsight, run, text};

const OTHER: [u8; 4] = [10, 20, 1, 6];

fn connect(operation: u32, uuid: &str) -> super::run::Stored {
    let request = lustre::connect(operation, uuid);
    to_lustre(&lustre::put(CLIENT.into(), SERVER.into(), 28, &request))
}

/// Two targets that one client asks a server for, and a client of that server in DTLS.
fn packets() -> Vec<super::run::Stored> {
    let other = lustre::connection_request(SERVER.into());
    vec![
        connect(8, "lustrefs-OST0003_UUID"),
        connect(38, "lustrefs-MDT0001_UUID"),
        segment((OTHER, 1021), (SERVER, 988), &other),
        tunnel(&dtls::protected(1, 900)),
    ]
}

#[test]
fn connect_requests_name_the_targets_of_a_server_on_all_its_paths() {
    let report = report_of(&packets(), &BLOCK);
    assert_eq!(paths(&report).len(), 2);
    for path in paths(&report) {
        assert_eq!(path["server"], "10.20.2.5");
        let targets = serde_json::json!(["lustrefs-MDT0001", "lustrefs-OST0003"]);
        assert_eq!(path["targets"], targets);
        assert_eq!(path["file_systems"], serde_json::json!(["lustrefs"]));
    }
}

#[test]
fn what_asks_for_no_target_names_none() {
    for request in [
        // A ping, a name that is none, one with what commands a terminal, and one that is cut.
        connect(400, "lustrefs-OST0003_UUID"),
        connect(8, "lustrefs_UUID"),
        connect(8, "l\u{1b}[31m-OST0003_UUID"),
        connect(8, "lustrefs-OST0003_UUID").cut(14 + 20 + 20 + 96 + 48 + 184 + 10),
    ] {
        let report = report_of(&[request], &BLOCK);
        assert_eq!(path(&report)["targets"], serde_json::json!([]));
    }
}

#[test]
fn paths_are_grouped_by_the_file_systems_that_requests_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (capture, state) = (folder.path().join("a.pcap"), folder.path().join("a.state"));
    fs::write(&capture, pcap(1, &packets())).unwrap();
    let grouped = ["--group-by", "file-system"];
    let mut command = analyze();
    command.args(BLOCK).args(grouped).arg("--save").arg(&state);
    let table = text(&run(command.arg(&capture)).stdout);
    let rows = table.lines().filter(|line| line.starts_with("lustrefs "));
    assert_eq!(rows.count(), 1, "{table}");
    assert!(!table.contains("\nunknown"), "{table}");
    let mut merge = plainsight(&["merge"]);
    let merged = run(merge.args(BLOCK).args(grouped).arg(&state));
    assert_eq!(text(&merged.stdout), table);
}

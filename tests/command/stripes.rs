//! `plainsight files`: layouts of files joined with the paths of a report.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{complaint, plainsight, report, said};

/// Three files: data on two targets, on one, and none.
const LAYOUTS: &str = "\
/mnt/lustrefs/patients.db
lmm_stripe_count:  2
lmm_pattern:       raid0
\tobdidx\t\t objid\t\t objid\t\t group
\t     0\t             2\t          0x2\t             0
\t     1\t             2\t          0x2\t             0

/mnt/lustrefs/public.db
  lcm_entry_count:   1
      lmm_pattern:       raid0
      lmm_objects:
      - 0: { l_ost_idx: 1, l_fid: [0x100010000:0x2:0x0] }

/mnt/lustrefs/empty has no stripe info
";

/// A folder with a report of two clients, of which one reaches `OST0000` in plaintext.
fn folder(outcome: &str) -> TempDir {
    let path = |client: &str, server: &str, target: &str, verdict: &str| {
        json!({
            "client": client, "server": server, "file_systems": ["lustrefs"],
            "targets": [target], "verdict": verdict,
        })
    };
    let report = json!({
        "schema_version": 1,
        "proof": [{"obligation": "whole", "outcome": outcome}],
        "paths": [
            path("10.0.1.4", "10.0.0.5", "lustrefs-OST0000", "plaintext"),
            path("10.0.1.4", "10.0.0.6", "lustrefs-OST0001", "encrypted"),
            path("10.0.1.5", "10.0.0.5", "lustrefs-OST0000", "encrypted"),
            path("10.0.1.5", "10.0.0.6", "lustrefs-OST0001", "encrypted"),
        ],
    });
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("report.json"), report.to_string()).unwrap();
    fs::write(folder.path().join("layouts.txt"), LAYOUTS).unwrap();
    folder
}

fn files(folder: &Path, more: &[&str]) -> Command {
    let mut command = plainsight(&["files", "--report", "report.json"]);
    command.current_dir(folder).args(more);
    command
}

fn verdicts(report: &Value) -> Vec<(&str, &Value)> {
    let files = report["files"].as_array().expect("files").iter();
    files
        .map(|file| (file["file"].as_str().expect("a name"), &file["verdict"]))
        .collect()
}

#[test]
fn a_file_is_as_its_worst_stripe() {
    let folder = folder("met");
    let layout = ["--layout", "layouts.txt"];
    let report = report(&mut files(folder.path(), &layout), 1);
    assert_eq!(
        verdicts(&report),
        [
            ("/mnt/lustrefs/patients.db", &json!("plaintext")),
            ("/mnt/lustrefs/public.db", &json!("encrypted")),
            ("/mnt/lustrefs/empty", &json!(null)),
        ]
    );
    let table = said(&mut files(folder.path(), &layout), 1);
    assert!(
        table.starts_with("1 of 2 files of lustrefs has data on servers"),
        "{table}"
    );
    assert!(table.contains("lustrefs-OST0000"), "{table}");
}

#[test]
fn a_client_is_asked_for_its_own_paths() {
    let folder = folder("met");
    let layout = ["--layout", "layouts.txt", "--client"];
    let of = |client: &str, exit_code: i32| {
        said(
            &mut files(folder.path(), &[&layout[..], &[client]].concat()),
            exit_code,
        )
    };
    assert!(of("10.0.1.5", 0).starts_with("2 files of lustrefs: all data is on servers reached"));
    assert!(of("10.0.1.4", 1).contains("10.0.1.4"));
    let stranger = [&layout[..], &["10.0.1.6"]].concat();
    let message = complaint(&mut files(folder.path(), &stranger));
    assert!(
        message.contains("no path of the client 10.0.1.6"),
        "{message}"
    );
}

/// What is not known is no proof: a target without a path, a report of a run that is not whole.
#[test]
fn what_is_not_known_leaves_the_answer_open() {
    let layout = "/mnt/f\nlmm_objects:\n      - l_ost_idx: 9\n";
    let met = folder("met");
    fs::write(met.path().join("layouts.txt"), layout).unwrap();
    let unknown = report(&mut files(met.path(), &["--layout", "layouts.txt"]), 3);
    assert_eq!(verdicts(&unknown), [("/mnt/f", &json!("undetermined"))]);
    assert_eq!(unknown["files"][0]["stripes"][0]["server"], json!(null));
    let open = folder("open");
    let own = ["--layout", "layouts.txt", "--client", "10.0.1.5"];
    let table = said(&mut files(open.path(), &own), 3);
    assert!(table.contains("whose run was not whole"), "{}", table);
    // Half of the stripes, all of them reached through encryption.
    let layout = "/mnt/f\nlmm_stripe_count:  2\nlmm_objects:\n      - l_ost_idx: 1\n";
    fs::write(met.path().join("layouts.txt"), layout).unwrap();
    let cut = report(&mut files(met.path(), &["--layout", "layouts.txt"]), 3);
    assert_eq!(verdicts(&cut), [("/mnt/f", &json!("undetermined"))]);
    // Data on a target of names, of which no path is known.
    let layout = "/mnt/f\n  lcm_entry_count:   1\n      lmm_pattern:       mdt\n";
    fs::write(met.path().join("layouts.txt"), layout).unwrap();
    let on_names = report(&mut files(met.path(), &["--layout", "layouts.txt"]), 3);
    assert_eq!(
        on_names["files"][0]["stripes"][0]["target"],
        "lustrefs-MDT0000"
    );
}

#[test]
fn layouts_of_paths_come_from_lfs() {
    let folder = folder("met");
    let lfs = folder.path().join("lfs");
    let script = "#!/bin/sh\n[ \"$*\" = 'getstripe -r -- /mnt/lustrefs' ] && cat layouts.txt\n";
    fs::write(&lfs, script).unwrap();
    fs::set_permissions(&lfs, fs::Permissions::from_mode(0o755)).unwrap();
    let found = format!("{}:/usr/bin:/bin", folder.path().display());
    let told = report(
        files(folder.path(), &["/mnt/lustrefs"]).env("PATH", found),
        1,
    );
    assert_eq!(verdicts(&told).len(), 3);
    let message = complaint(files(folder.path(), &["/mnt/lustrefs"]).env("PATH", "/nowhere"));
    assert!(
        message.contains("give what it prints with --layout"),
        "{message}"
    );
}

#[test]
fn what_is_no_report_or_layout_is_refused() {
    let folder = folder("met");
    let message = complaint(&mut files(folder.path(), &["--layout", "report.json"]));
    assert!(message.contains("there is no layout in it"), "{message}");
    let mut swapped = plainsight(&[
        "files",
        "--report",
        "layouts.txt",
        "--layout",
        "layouts.txt",
    ]);
    let message = complaint(swapped.current_dir(folder.path()));
    assert!(message.contains("is no report in JSON"), "{message}");
}

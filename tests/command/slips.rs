//! Slips of the keyboard and of scripts, each of which gets its answer.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use nix::pty::{Winsize, openpty};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::expect::SERVERS;
use crate::support::program::{analyze, complaint, plainsight, report, run, text, trace};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn warnings(report: &Value) -> Vec<&str> {
    let all = report["warnings"].as_array().expect("a list");
    all.iter()
        .map(|warning| warning.as_str().expect("a sentence"))
        .collect()
}

/// Report of a trace of encrypted and readable paths, with these servers.
fn turns(servers: &str, exit_code: i32) -> Value {
    let mut command = analyze();
    report(
        command
            .args(["--servers", servers])
            .arg(trace("turns.pcapng")),
        exit_code,
    )
}

#[test]
fn a_list_without_a_server_is_refused() {
    let folder = folder();
    let empty = folder.path().join("servers.txt");
    for (text, named) in [("", "servers.txt"), ("# none yet\n", "servers.txt")] {
        fs::write(&empty, text).unwrap();
        let list = format!("@{}", empty.display());
        let message = complaint(analyze().arg(trace("nfs.pcap")).args(["--servers", &list]));
        assert!(
            message.contains(named) && message.contains("names no server"),
            "{message}"
        );
    }
    for list in ["", " ", ",,"] {
        let message = complaint(analyze().arg(trace("nfs.pcap")).args(["--servers", list]));
        assert!(
            message.contains("--servers: the list names no server"),
            "{message}"
        );
    }
}

#[test]
fn a_list_may_begin_with_a_byte_order_mark() {
    let folder = folder();
    let list = folder.path().join("servers.txt");
    fs::write(&list, format!("\u{feff}{SERVERS}\r\n")).unwrap();
    let mut expected = turns(SERVERS, 1);
    let mut marked = turns(&format!("@{}", list.display()), 1);
    for report in [&mut expected, &mut marked] {
        report["run"].take();
    }
    assert_eq!(marked["paths"], expected["paths"]);
}

#[test]
fn a_mount_source_names_its_servers() {
    let server = |path: &Value| path["server"].as_str().expect("an address").to_owned();
    let block = turns(SERVERS, 1);
    let found = server(&block["paths"][0]);
    let report = turns(&format!("{found}@tcp:192.0.2.9@tcp1:/lustrefs"), 1);
    let silent = |path: &&Value| path["verdict"] == "silent";
    let paths = report["paths"].as_array().expect("a list");
    let silent: Vec<String> = paths.iter().filter(silent).map(server).collect();
    assert_eq!(silent, ["192.0.2.9"]);
    assert!(paths.iter().any(|path| server(path) == found));
}

#[test]
fn a_block_that_no_path_leads_to_is_told() {
    let both = turns(&format!("{SERVERS},192.0.2.0/24"), 1);
    let told: Vec<_> = warnings(&both)
        .into_iter()
        .filter(|it| it.contains("no path leads"))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("192.0.2.0/24"), "{told:?}");
}

#[test]
fn dtls_beside_a_known_server_is_told() {
    let mut command = analyze();
    command.args(["--servers", "192.0.2.4"]);
    let report = report(command.arg(trace("all-encrypted.pcap")), 3);
    let elsewhere = report["accounting"]["dtls_elsewhere"]["packets"].as_u64();
    assert!(elsewhere > Some(0));
    let told = warnings(&report);
    assert!(
        told.iter().any(|it| it.contains("name it with --servers")),
        "{told:?}"
    );
}

#[test]
fn a_number_without_a_unit_is_asked_for_one() {
    for (flag, slip, meant) in [
        ("--duration", "5", "5s"),
        ("--until-decided", "60", "60s"),
        ("--buffer", "64", "64MiB"),
        ("--rotate-size", "100", "100MiB"),
    ] {
        let message = complaint(&mut plainsight(&["live", "-w", "x.pcapng", flag, slip]));
        assert!(
            message.contains(flag) && message.contains(meant),
            "{message}"
        );
    }
}

#[test]
fn a_bad_filter_is_answered_with_the_users_own_term() {
    let message = complaint(&mut plainsight(&["live", "--filter", "prot 80"]));
    assert!(message.contains("'prot 80'"), "{message}");
    assert!(message.len() < 300, "{message}");
}

#[test]
fn packets_are_not_saved_to_a_file_called_a_dash() {
    let folder = folder();
    let mut live = plainsight(&["live", "-w", "-"]);
    let message = complaint(live.current_dir(folder.path()));
    assert!(message.contains("standard output"), "{message}");
    assert!(!folder.path().join("-").exists());
}

#[test]
fn a_file_has_the_width_of_a_page_whatever_the_terminal_has() {
    let folder = folder();
    let written = |columns: Option<u16>| {
        let file = folder.path().join("report.txt");
        let mut command = analyze();
        command
            .args(["--servers", SERVERS])
            .arg(trace("turns.pcapng"));
        command.arg("-o").arg(&file);
        let terminal = columns.map(|ws_col| {
            let size = Winsize {
                ws_row: 50,
                ws_col,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            openpty(&size, None).expect("a terminal")
        });
        if let Some(terminal) = &terminal {
            command.stdout(terminal.slave.try_clone().expect("a handle"));
        }
        let output = command
            .spawn()
            .expect("the command runs")
            .wait_with_output();
        assert_eq!(output.expect("an output").status.code(), Some(1));
        fs::read_to_string(&file).expect("a report")
    };
    let page = written(None);
    assert_eq!(written(Some(50)), page);
    assert_eq!(written(Some(200)), page);
}

#[test]
fn names_of_files_command_no_terminal_and_stay_apart() {
    let folder = folder();
    let names = [
        &b"a\x1b]0;owned\x07.pcap"[..],
        b"d\xfcrre.pcap",
        b"d\xe9rre.pcap",
    ];
    let shown = [
        r"a\x1b]0;owned\x07.pcap",
        r"d\xfcrre.pcap",
        r"d\xe9rre.pcap",
    ];
    for (name, shown) in names.iter().zip(shown) {
        let path = folder.path().join(OsStr::from_bytes(name));
        for mut command in [analyze(), plainsight(&["merge"])] {
            let message = complaint(command.arg(&path));
            assert!(message.contains(shown), "{message}");
            assert!(!message.contains('\x1b'), "{message:?}");
        }
        fs::copy(trace("nfs.pcap"), &path).unwrap();
        let output = run(analyze()
            .arg(&path)
            .args(["--servers", SERVERS, "--format", "json"]));
        let report: Value = serde_json::from_str(&text(&output.stdout)).expect("JSON");
        let input = report["inputs"][0].to_string();
        assert!(input.contains(&shown.replace('\\', r"\\")), "{input}");
    }
}

//! Commands of the documentation, run as they stand there beside the files that they name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{pages, read};
use crate::support::azure::folder;
use crate::support::program::{PROGRAM, root, run, text, trace};

/// Commands of the blocks of `sh`, each in one line.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let lines = blocks.flat_map(|block| {
        let joined = block.replace("\\\n", " ");
        joined.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines.collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// Files by the names that the documentation gives them.
fn made() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name);
    for (name, traces) in [
        ("captures", ["all-plaintext.pcap", "vxlan.pcap"]),
        (
            "captures/rack-1",
            ["one-path-each-way.pcap", "turns.pcapng"],
        ),
        ("captures/rack-2", ["no-handshake.pcap", "fragments.pcap"]),
        ("traces", ["all-encrypted.pcap", "one-path-each-way.pcap"]),
    ] {
        fs::create_dir(at(name)).expect("a folder");
        for file in traces {
            fs::copy(trace(file), at(name).join(file)).expect("a copy");
        }
    }
    copy(&root().join("tests/flow-logs/layout"), &at("logs"));
    copy(&folder("az"), &at("exports"));
    fs::copy(trace("turns.pcapng"), at("amlfs.pcap")).expect("a copy");
    fs::write(at("servers.txt"), "10.20.2.5\n10.20.2.6\n").expect("a list");
    fs::write(at("rows.json"), ROWS).expect("rows");
    fs::create_dir(at("bin")).expect("a folder");
    symlink(PROGRAM, at("bin/plainsight")).expect("a link");
    dir
}

const ROWS: &str = r#"[{"SubType": "FlowLog", "SrcIp": "10.0.0.4", "DestIp": "10.0.0.5",
  "DestPort": "988", "L4Protocol": "T", "FlowDirection": "Outbound", "FlowStatus": "Allowed",
  "FlowEncryption": "Encrypted", "MacAddress": "00-0D-3A-F8-78-56",
  "FlowStartTime": "2026-11-21T20:25:14Z", "FlowEndTime": "2026-11-21T20:25:14Z",
  "FlowIntervalStartTime": "2026-11-21T20:00:00Z", "FlowIntervalEndTime": "2026-11-21T21:00:00Z",
  "PacketsSrcToDest": "40", "BytesSrcToDest": "9000", "PacketsDestToSrc": "38",
  "BytesDestToSrc": "20600"}]"#;

/// Runs a command there; its exit code says something of paths.
fn holds(command: &str, dir: &Path) {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", command]);
    shell.env("PATH", format!("{}:{path}", dir.join("bin").display()));
    let output = run(shell.current_dir(dir));
    let code = output.status.code();
    let errors = text(&output.stderr);
    assert!(
        matches!(code, Some(0 | 1 | 3)),
        "{command}: {code:?}: {errors}"
    );
}

/// Runs what `told` makes of the commands of each page, in their order; gives the number of them.
fn hold_each(told: impl Fn(&str) -> Option<String>) -> usize {
    let of_page = |page: PathBuf| {
        let dir = made();
        let all: Vec<_> = commands(&read(&page))
            .iter()
            .filter_map(|it| told(it))
            .collect();
        for command in &all {
            holds(command, dir.path());
        }
        all.len()
    };
    pages().into_iter().map(of_page).sum()
}

#[test]
fn commands_of_the_documentation_run() {
    let ran = hold_each(|command| {
        let is_run = command.starts_with("plainsight ") && !command.contains("/mnt/");
        is_run.then(|| command.to_owned())
    });
    assert!(ran > 15, "{ran} commands");
}

/// Those that want root, a mount or hours are read by the program as they stand.
#[test]
fn flags_of_all_other_commands_are_known() {
    let seen = hold_each(|command| {
        let starts = ["sudo plainsight ", "plainsight files "];
        let is_read = starts.iter().any(|start| command.starts_with(start));
        is_read.then(|| format!("{} --help", command.trim_start_matches("sudo ")))
    });
    assert!(seen > 2, "{seen} commands");
}

/// The README's first answer is what the program prints.
#[test]
fn the_first_answer_is_the_program_s() {
    let readme = read(&root().join("README.md"));
    let (_, block) = readme.split_once("```text\n$ ").expect("a block");
    let (block, _) = block.split_once("```").expect("its end");
    let (command, told) = block.split_once('\n').expect("an answer");
    let words: Vec<&str> = command.split(' ').collect();
    let output = run(Command::new(PROGRAM).args(&words[1..]).current_dir(root()));
    assert_eq!(text(&output.stdout), told);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn pages_for_each_symptom_name_every_verdict_but_encrypted() {
    let page = read(&root().join("docs/troubleshooting.md"));
    for word in [
        "silent",
        "unproven",
        "undetermined",
        "conflict",
        "weak",
        "DTLS elsewhere",
    ] {
        assert!(page.contains(&format!("## \"{word}\"")), "{word}");
    }
}

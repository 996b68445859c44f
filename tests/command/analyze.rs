//! The command as a user runs it.

use std::fs;
use std::io::{Read, Write};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::pty::openpty;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::bytes::{self, Order};
use crate::support::expect;
use crate::support::packets::{self, Ip, Link};
use crate::support::program::{analyze, complaint, plainsight, report, run, said, text, trace};

const SERVERS: &str = expect::SERVERS;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Holds a message to naming things, in one line.
fn assert_names(message: &str, things: &[&str]) {
    assert!(message.starts_with("plainsight: "), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    for thing in things {
        assert!(message.contains(thing), "{thing} is not in: {message}");
    }
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    let exits = [
        ("all-encrypted.pcap", 0),
        ("all-plaintext.pcap", 1),
        ("turns.pcapng", 1),
        ("aes-128.pcap", 1),
        ("nfs.pcap", 3),
        ("snap-34.cap", 3),
    ];
    for (name, exit_code) in exits {
        let mut command = analyze();
        command.args(["--servers", SERVERS]).arg(trace(name));
        let report = report(&mut command, exit_code);
        assert_eq!(report["summary"]["exit_code"], exit_code);
    }
}

#[test]
fn help_prints_the_contract() {
    for arguments in [&["--help"][..], &["analyze", "--help"], &["analyze", "-h"]] {
        let help = said(&mut plainsight(arguments), 0);
        let (_, contract) = help.split_once("Exit codes:\n").expect("a contract");
        let is_row = |line: &&str| line.trim_start().starts_with(|c: char| c.is_ascii_digit());
        let rows: Vec<&str> = contract.lines().filter(is_row).collect();
        // As the issue gives it.
        for (row, (code, words)) in rows.iter().zip([
            ("0", "every path is encrypted, and the run is whole"),
            ("1", "some path is plaintext, mixed, weak or conflict"),
            ("2", "the run failed"),
            ("3", "unproven, undetermined or silent"),
        ]) {
            assert!(row.trim_start().starts_with(code), "{row}");
            assert!(row.contains(words), "{row}");
        }
        assert_eq!(rows.len(), 4);
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("empty"), b"").unwrap();
    fs::write(at("notes.txt"), b"no capture at all, only words").unwrap();
    fs::create_dir(at("bare")).unwrap();
    for name in ["missing.pcap", "empty", "notes.txt", "bare"] {
        let path = at(name);
        let message = complaint(analyze().arg(&path));
        assert_names(&message, &[&path.display().to_string()]);
    }
    // A good file beside it does not make up for what was named.
    let message = complaint(analyze().arg(trace("nfs.pcap")).arg(at("empty")));
    assert_names(&message, &["empty"]);
}

#[test]
fn bad_flags_are_named() {
    let nfs = trace("nfs.pcap");
    let servers = |list: &str| complaint(analyze().arg(&nfs).args(["--servers", list]));
    assert_names(&servers("10.0.0.4,nonsense"), &["--servers", "nonsense"]);
    assert_names(&servers("10.0.0.4@o2ib"), &["--servers", "10.0.0.4@o2ib"]);
    assert_names(&servers("@/no/such/list"), &["--servers", "/no/such/list"]);
    let output = |path: &str| complaint(analyze().arg(&nfs).args(["-o", path]));
    assert_names(&output("report.pdf"), &["report.pdf", ".json", ".txt"]);
    assert_names(
        &output("/no/such/folder/a.json"),
        &["/no/such/folder/a.json"],
    );
    assert!(complaint(&mut analyze()).contains("PATH"));
    let policy = complaint(analyze().arg(&nfs).args(["--policy", "none"]));
    assert!(policy.contains("any-dtls"), "{policy}");
}

#[test]
fn a_bad_list_writes_no_file() {
    let folder = folder();
    let file = folder.path().join("report.json");
    let mut command = analyze();
    command.arg(trace("nfs.pcap")).arg("-o").arg(&file);
    complaint(command.args(["--servers", "nonsense"]));
    assert!(!file.exists());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = analyze()
        .args(["--verbose", "--format", "json", "--servers", SERVERS])
        .arg(trace(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    // Far more than a pipe holds is to come.
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut first).expect("a byte");
    drop(stdout);
    let output = child.wait_with_output().expect("an end");
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn standard_input_is_a_path() {
    for name in ["turns.pcapng", "one-path-each-way.pcap.zst"] {
        let mut child = analyze()
            .args(["--servers", SERVERS, "--format", "json", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        let bytes = fs::read(trace(name)).unwrap();
        std::thread::spawn(move || stdin.write_all(&bytes));
        let output = child.wait_with_output().expect("an end");
        let piped: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let mut command = analyze();
        command.args(["--servers", SERVERS]).arg(trace(name));
        let named = report(&mut command, 1);
        for part in ["summary", "accounting", "first", "last"] {
            assert_eq!(piped[part], named[part]);
        }
        assert_eq!(piped["paths"][0]["traffic"], named["paths"][0]["traffic"]);
    }
}

#[test]
fn a_folder_is_all_its_captures() {
    let mut command = analyze();
    command.args(["--servers", SERVERS]).arg(trace(""));
    let report = report(&mut command, 1);
    let mut traces = expect::load(&trace("")).unwrap();
    // The same capture, compressed.
    traces.retain(|trace| {
        let ending = Path::new(&trace.file).extension();
        ending.is_none_or(|ending| ending != "gz" && ending != "zst")
    });
    let inputs = report["inputs"].as_array().unwrap();
    assert_eq!(inputs.len(), traces.len());
    let packets: u64 = traces.iter().map(|trace| trace.packets).sum();
    let wire_bytes: u64 = traces.iter().map(|trace| trace.wire_bytes).sum();
    assert_eq!(report["accounting"]["packets"], packets);
    assert_eq!(report["accounting"]["wire_bytes"], wire_bytes);
    // What is beside them is told.
    let warnings = report["warnings"].to_string();
    for name in ["README.md", "expected.json"] {
        assert!(warnings.contains(name), "{warnings}");
    }
}

#[test]
fn lists_of_servers_come_from_files_too() {
    let folder = folder();
    let list = folder.path().join("servers");
    let words = "# the file system\n10.20.2.5@tcp # MGS\n10.20.2.[6-7]@tcp,\n\n10.20.9.0/24\n";
    fs::write(&list, words).unwrap();
    let mut command = analyze();
    command.arg(trace("one-path-each-way.pcap"));
    command.arg("--servers").arg(format!("@{}", list.display()));
    // Twice, and beside others, is as good as once.
    command.args(["--servers", "10.20.2.5,10.20.9.9"]);
    let report = report(&mut command, 1);
    let verdicts: Vec<(&str, &str)> = report["paths"]
        .as_array()
        .unwrap()
        .iter()
        .map(|path| (&path["server"], &path["verdict"]))
        .map(|(server, verdict)| (server.as_str().unwrap(), verdict.as_str().unwrap()))
        .collect();
    let expected = [
        ("10.20.2.5", "encrypted"),
        ("10.20.2.6", "plaintext"),
        ("10.20.2.7", "silent"),
        ("10.20.9.9", "silent"),
    ];
    assert_eq!(verdicts, expected);
}

#[test]
fn a_silent_server_is_not_encrypted() {
    let mut command = analyze();
    command.arg(trace("all-encrypted.pcap"));
    command.args(["--servers", "10.20.2.5,10.20.2.77"]);
    let report = report(&mut command, 3);
    assert_eq!(report["summary"]["silent"], 1);
    assert_eq!(report["summary"]["encrypted"], 1);
}

#[test]
fn a_weaker_policy_accepts_weaker_encryption() {
    for name in ["aes-128.pcap", "dtls-1.0.pcap"] {
        for (policy, exit_code, verdict) in [("azure", 1, "weak"), ("any-dtls", 0, "encrypted")] {
            let mut command = analyze();
            command.args(["--servers", SERVERS, "--policy", policy]);
            let report = report(command.arg(trace(name)), exit_code);
            assert_eq!(report["paths"][0]["verdict"], verdict);
            assert_eq!(report["policy"], policy);
        }
    }
}

#[test]
fn reports_go_to_files_too() {
    let folder = folder();
    let [json, table] = ["a.json", "b.TXT"].map(|name| folder.path().join(name));
    let mut command = analyze();
    command.args(["--servers", SERVERS, "--color", "always"]);
    command.arg(trace("turns.pcapng"));
    command.arg("-o").arg(&json).arg("-o").arg(&table);
    let shown = said(&mut command, 1);
    let stored = fs::read_to_string(&table).unwrap();
    // In files there are no colors.
    assert_eq!(stored, without_colors(&shown));
    assert_ne!(stored, shown);
    let stored: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    let mut command = analyze();
    command
        .args(["--servers", SERVERS])
        .arg(trace("turns.pcapng"));
    assert_eq!(stored, report(&mut command, 1));
}

/// Text without its SGR sequences.
fn without_colors(text: &str) -> String {
    let mut pieces = text.split('\x1b');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |plain, piece| {
        let (_, after) = piece.split_once('m').expect("a whole sequence");
        plain + after
    })
}

/// Output of a command whose standard output is a terminal of a kind.
fn on_terminal(kind: &str, set: impl FnOnce(&mut Command)) -> String {
    let terminal = openpty(None, None).expect("a terminal");
    let mut command = analyze();
    command.env("TERM", kind).args(["--servers", SERVERS]);
    command.arg(trace("turns.pcapng")).stdout(terminal.slave);
    set(&mut command);
    let mut child = command.spawn().expect("the command runs");
    // The last to hold the other end, or reading would not end.
    drop(command);
    let mut said = Vec::new();
    // Reading ends with EIO when nobody holds the other end any more.
    let _ = fs::File::from(terminal.master).read_to_end(&mut said);
    child.wait().expect("a child");
    text(&said)
}

#[test]
fn terminals_get_the_colors_that_they_have() {
    assert!(on_terminal("xterm", |_| {}).contains('\x1b'));
    for plain in [
        on_terminal("dumb", |_| {}),
        on_terminal("xterm", |command| {
            command.env("NO_COLOR", "1");
        }),
    ] {
        assert!(
            plain.contains("mixed") && !plain.contains('\x1b'),
            "{plain}"
        );
    }
}

#[test]
fn colors_are_where_they_are_wanted() {
    let colored = |set: fn(&mut Command) -> &mut Command| {
        let mut command = analyze();
        command
            .args(["--servers", SERVERS])
            .arg(trace("turns.pcapng"));
        said(set(&mut command), 1).contains('\x1b')
    };
    // Standard output is a pipe here, and no terminal.
    assert!(!colored(|command| command.env("TERM", "xterm")));
    assert!(!colored(|command| command));
    assert!(!colored(|command| command.args(["--color", "never"])));
    assert!(colored(|command| command.args(["--color", "always"])));
    assert!(!colored(|command| command.env("NO_COLOR", "1")));
    // What is typed beats the environment.
    let always = |command: &mut Command| {
        command.env("NO_COLOR", "1").args(["--color", "always"]);
    };
    let mut command = analyze();
    command
        .args(["--servers", SERVERS])
        .arg(trace("turns.pcapng"));
    always(&mut command);
    assert!(said(&mut command, 1).contains('\x1b'));
}

#[test]
fn damage_is_told_and_the_run_goes_on() {
    let folder = folder();
    let good = trace("all-encrypted.pcap");
    let damaged = folder.path().join("damaged.pcap");
    let mut bytes = fs::read(trace("all-plaintext.pcap")).unwrap();
    // The third record ends too early.
    let third = record_offset(&bytes, 2);
    bytes.truncate(third + 20);
    fs::write(&damaged, &bytes).unwrap();
    let mut command = analyze();
    command
        .args(["--servers", SERVERS])
        .arg(&damaged)
        .arg(&good);
    let report = report(&mut command, 1);
    let inputs = report["inputs"].as_array().unwrap();
    let name = damaged.display().to_string();
    let input = inputs.iter().find(|input| input["name"] == *name).unwrap();
    assert_eq!(input["packets"], 2);
    assert_eq!(input["fault"]["offset"], third);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains(&name), "{warnings}");
    assert!(warnings.contains(&third.to_string()), "{warnings}");
    let encrypted = expect::load(&trace("")).unwrap();
    let whole = encrypted
        .iter()
        .find(|trace| trace.file == "all-encrypted.pcap");
    assert_eq!(report["accounting"]["packets"], whole.unwrap().packets + 2);
}

/// Where a record of a little-endian pcap file begins, from 0.
fn record_offset(pcap: &[u8], record: usize) -> usize {
    (0..record).fold(24, |at, _| {
        let captured = pcap[at + 8..].first_chunk().copied().unwrap();
        at + 16 + usize::try_from(u32::from_le_bytes(captured)).unwrap()
    })
}

#[test]
fn the_table_fits_80_columns() {
    for kept in expect::load(&trace("")).unwrap() {
        for verbose in [&[][..], &["--verbose"]] {
            let mut command = analyze();
            command.args(["--servers", SERVERS]).args(verbose);
            command.args(&kept.args).arg(trace(&kept.file));
            let table = said(&mut command, kept.exit_code);
            for line in table.lines() {
                let columns = line.chars().count();
                assert!(columns <= 80, "{}: {columns}: {line}", kept.file);
            }
        }
    }
}

/// Two interfaces with names that no host would give, and the longest addresses.
fn hostile_capture() -> Vec<u8> {
    let order = Order::Little;
    let address =
        |end: u16| IpAddr::from([0x2001, 0xdb8, 0xaaaa, 0xbbbb, 0xcccc, 0xdddd, 0xeeee, end]);
    let ip = Ip::between(address(0x1111), address(0x2222));
    let segment =
        Link::Ethernet.frame(&ip.packet(packets::TCP, &packets::tcp(1000, 988, b"readable")));
    let record = packets::dtls::protected(1, 90);
    let datagram = ip.packet(packets::UDP, &packets::udp(988, 988, &record));
    let datagram = Link::Ethernet.frame(&datagram);
    let interface = |name: &[u8]| bytes::interface(order, 1, 0, &[bytes::option(order, 2, name)]);
    let packet = |interface, data: &[u8]| {
        let wire_len = u32::try_from(data.len()).expect("a short packet");
        bytes::enhanced(order, interface, 1 << 50, data, wire_len)
    };
    [
        bytes::section(order),
        interface(b"\x1b[2Jeth\n0"),
        interface("\u{9b}31m\rveth".as_bytes()),
        packet(0, &segment),
        packet(0, &segment),
        packet(1, &datagram),
    ]
    .concat()
}

#[test]
fn no_name_commands_the_terminal_or_breaks_the_table() {
    let folder = folder();
    let file = folder.path().join("e\x1b[31m\nvil.pcapng");
    fs::write(&file, hostile_capture()).unwrap();
    for verbose in [&[][..], &["--verbose"]] {
        let table = said(analyze().args(verbose).arg(&file), 1);
        for line in table.lines() {
            assert!(!line.contains(char::is_control), "{line:?}");
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert!(table.contains(r"e\x1b[31m\x0avil.pcapng"), "{table}");
    }
}

/// The table's first line is a sentence, of one piece.
#[test]
fn the_answer_comes_first() {
    let answer = |name: &str, exit_code| {
        let mut command = analyze();
        command.args(["--servers", SERVERS]).arg(trace(name));
        let table = said(&mut command, exit_code);
        let paragraph = table.split("\n\n").next().unwrap_or_default();
        paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let each_way = answer("one-path-each-way.pcap", 1);
    assert!(each_way.starts_with("1 of 2 AMLFS paths is encrypted; "));
    assert!(each_way.contains("10.20.2.6"), "{each_way}");
    assert!(each_way.ends_with(" in plaintext."), "{each_way}");
    assert!(!each_way.contains("; ;"), "{each_way}");
    let all = answer("all-encrypted.pcap", 0);
    assert_eq!(all, "The one AMLFS path is encrypted.");
    let none = answer("nfs.pcap", 3);
    assert!(none.starts_with("No AMLFS path was seen"), "{none}");
}

#[test]
fn one_flow_kept_apart_still_sums() {
    for kept in expect::load(&trace("")).unwrap() {
        let mut command = analyze();
        command.args(["--servers", SERVERS, "--max-flows", "1"]);
        command.args(["--format", "json"]);
        command.args(&kept.args).arg(trace(&kept.file));
        let output = run(&mut command);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let accounting = &report["accounting"];
        let buckets = [
            "paths",
            "dtls_elsewhere",
            "other",
            "duplicates",
            "undecodable",
        ];
        for (unit, expected) in [("packets", kept.packets), ("wire_bytes", kept.wire_bytes)] {
            let number = |count: &Value| count[unit].as_u64().expect("a number");
            assert_eq!(number(accounting), expected, "{}", kept.file);
            let sum: u64 = buckets.iter().map(|name| number(&accounting[name])).sum();
            assert_eq!(sum, expected, "{}: {unit}", kept.file);
        }
    }
}

/// Writes files into a folder and gives the report on it.
fn report_on(files: &[(&str, &[u8])], flags: &[&str], exit_code: i32) -> Value {
    let folder = folder();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let mut command = analyze();
    command.args(["--servers", SERVERS]).args(flags);
    report(command.arg(folder.path()), exit_code)
}

fn lines(value: &Value) -> Vec<String> {
    let lines = value.as_array().unwrap().iter();
    lines
        .map(|line| line.as_str().unwrap().to_owned())
        .collect()
}

/// What may be a capture and is not read leaves the run open; what plainly is none does not.
#[test]
fn a_file_that_is_not_read_leaves_the_run_open() {
    let good = fs::read(trace("all-encrypted.pcap")).unwrap();
    let damaged_head = [&[0; 4], &good[4..]].concat();
    for (name, bytes, code) in [
        ("notes.txt", &b"notes"[..], 0),
        ("notes.json", b"{}", 0),
        ("picture", b"\x89PNG\r\n\x1a\n", 0),
        ("empty", b"", 0),
        ("empty.pcap", b"", 3),
        (
            "text.pcapng.gz",
            b"version https://git-lfs.github.com/spec/v1",
            3,
        ),
        ("a.snoop", b"snoop\0\0\0\0\0\0\x02\0\0\0\x04", 3),
        ("netmon", b"GMBU\0\0\0\0", 3),
        ("archive", b"PK\x03\x04\0\0\0\0", 3),
        ("unknown", &[7; 100], 3),
        ("damaged", &damaged_head, 3),
        ("short.gz", b"\x1f\x8b\x08\0", 3),
    ] {
        let report = report_on(&[("good.pcap", &good), (name, bytes)], &[], code);
        let whole = &report["proof"][0];
        assert_eq!(whole["outcome"] == "met", code == 0, "{name}");
        assert_eq!(
            whole["says"].as_str().unwrap().contains(name),
            code == 3,
            "{name}"
        );
        assert!(
            lines(&report["warnings"])
                .iter()
                .any(|line| line.contains(name)),
            "{name}"
        );
    }
}

#[test]
fn a_copy_is_read_once_and_told() {
    let good = fs::read(trace("all-encrypted.pcap")).unwrap();
    let xz = liblzma::encode_all(&good[..], 6).unwrap();
    let alone = report_on(&[("a.pcap", &good)], &[], 0);
    let three = [("a.pcap", &good[..]), ("b.xz", &xz), ("c.pcap", &good)];
    let report = report_on(&three, &[], 0);
    assert_eq!(report["accounting"], alone["accounting"]);
    let warnings = lines(&report["warnings"]);
    for copy in ["b.xz", "c.pcap"] {
        let told = |line: &&String| line.contains(copy) && line.contains("a.pcap, read once");
        assert_eq!(warnings.iter().filter(told).count(), 1, "{warnings:?}");
    }
    // Not a copy, though it begins alike.
    let cut = &good[..good.len() - 1];
    let report = report_on(&[("a.pcap", &good), ("b.pcap", cut)], &[], 3);
    assert_eq!(report["inputs"].as_array().unwrap().len(), 2);
}

#[test]
fn losses_beyond_what_is_accepted_leave_the_run_open() {
    let good = fs::read(trace("all-encrypted.pcap")).unwrap();
    let order = Order::Little;
    let lossy = [
        bytes::section(order),
        bytes::interface(order, 1, 0, &[]),
        bytes::statistics(order, 0, [Some(1), None]),
    ]
    .concat();
    let files = [("good.pcap", &good[..]), ("lossy.pcapng", &lossy)];
    let report = report_on(&files, &[], 3);
    assert_eq!(report["losses"]["packets"], 1);
    report_on(&files, &["--max-loss", "0.000001"], 3);
    report_on(&files, &["--max-loss", "0.5"], 0);
}

/// A README beside captures is text, though its letters can be read as a header of ERF.
#[test]
fn prose_beside_captures_is_no_capture() {
    let dir = folder();
    fs::copy(trace("README.md"), dir.path().join("README.md")).unwrap();
    let name = "all-encrypted.pcap";
    fs::copy(trace(name), dir.path().join(name)).unwrap();
    let mut command = analyze();
    command.args(["--servers", SERVERS]).arg(dir.path());
    let report = report(&mut command, 0);
    let warnings = report["warnings"].to_string();
    let passed_over = "README.md: neither a capture, nor a flow log, nor an export: passed over";
    assert!(warnings.contains(passed_over), "{warnings}");
}

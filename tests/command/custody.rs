//! Manifests, held to sha256sum, and `verify`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::azure::folder;
use crate::support::expect::SERVERS;
use crate::support::program::{plainsight, root, run, said, text, trace};

/// Name of a flow log of the fixtures.
const LOG: &str = "tests/flow-logs/both-nics.json";

/// A folder with copies of traces, in which the program runs.
struct Case(tempfile::TempDir);

impl Case {
    fn of(traces: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        for name in traces {
            fs::copy(trace(name), dir.path().join(name)).expect("a copy");
        }
        Self(dir)
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = plainsight(arguments);
        command.current_dir(self.0.path());
        command
    }

    fn manifest(&self) -> Value {
        let text = fs::read(self.path("m.json")).expect("a manifest");
        let manifest: Value = serde_json::from_slice(&text).expect("JSON");
        let schema = include_str!("../manifest.schema.json");
        let schema = serde_json::from_str(schema).expect("JSON");
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .expect("a schema");
        let errors: Vec<String> = validator
            .iter_errors(&manifest)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:?}\n{manifest:#}");
        manifest
    }

    /// Role, path and digest of each file of a list.
    fn files(&self, list: &str) -> Vec<(String, String, String)> {
        let manifest = self.manifest();
        let files = manifest[list].as_array().expect("a list").clone();
        let word = |value: &Value| value.as_str().unwrap_or("none").to_owned();
        files
            .iter()
            .map(|file| {
                (
                    word(&file["role"]),
                    word(&file["path"]),
                    word(&file["sha256"]),
                )
            })
            .collect()
    }

    /// Holds the digests and sizes of a list to the files themselves.
    fn hold(&self, list: &str, roles: &[&str]) {
        let files = self.files(list);
        let told: Vec<&str> = files.iter().map(|(role, ..)| &role[..]).collect();
        assert_eq!(told, roles, "{files:?}");
        for (_, path, digest) in &files {
            assert_eq!(*digest, self.sha256(path), "{path}");
        }
    }

    fn sha256(&self, path: &str) -> String {
        let output = run(Command::new("sha256sum").arg("--").arg(self.path(path)));
        let text = text(&output.stdout);
        let digest = text.trim_start_matches('\\').split(' ').next();
        digest.expect("a digest").to_owned()
    }
}

#[test]
fn a_manifest_names_each_file_with_its_digest() {
    let case = Case::of(&[
        "one-path-each-way.pcap",
        "one-path-each-way.pcap.gz",
        "turns.pcapng",
    ]);
    fs::write(case.path("servers.txt"), SERVERS).expect("a list");
    fs::write(case.path("waivers.json"), "[]").expect("waivers");
    let log = root().join(LOG);
    let exports = folder("az");
    let mut command = case.command(&["analyze", "--threads", "2", "--servers", "@servers.txt"]);
    command.args(["--accept", "waivers.json", "-o", "r.json", "-o", "r.csv"]);
    command.args(["--save", "s.state", "--manifest", "m.json", "-q"]);
    command.args([
        "--azure".as_ref(),
        exports.as_os_str(),
        "--flow-logs".as_ref(),
        log.as_ref(),
    ]);
    command.env("PLAINSIGHT_MAX_LOSS", "0.5");
    let output = run(command.args(["turns.pcapng", "one-path-each-way.pcap.gz", "."]));
    assert_eq!(text(&output.stderr), "");
    let roles: Vec<String> = case.files("inputs").into_iter().map(|it| it.0).collect();
    let exports = roles.iter().filter(|role| *role == "export").count();
    assert!(exports > 5);
    let mut expected = vec!["capture"; 3];
    expected.push("flow_log");
    expected.extend(vec!["export"; exports]);
    expected.extend(["server_list", "waivers"]);
    case.hold("inputs", &expected);
    case.hold("outputs", &["state", "report", "report"]);
    let manifest = case.manifest();
    assert_eq!(json!(output.status.code()), manifest["exit_code"]);
    let variables = &manifest["environment"];
    assert_eq!(*variables, json!({ "PLAINSIGHT_MAX_LOSS": "0.5" }));
    assert_eq!(manifest["program"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(manifest["started"].as_str() < manifest["ended"].as_str());
    said(&mut case.command(&["verify", "m.json"]), 0);
}

#[test]
fn the_commit_is_one_of_the_repository() {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        run(git.args(arguments).current_dir(root()))
            .status
            .success()
    };
    let case = Case::of(&["all-encrypted.pcap"]);
    let mut command = case.command(&[
        "analyze",
        "--servers",
        SERVERS,
        "--manifest",
        "m.json",
        "-q",
    ]);
    said(command.arg("all-encrypted.pcap"), 0);
    let program = case.manifest()["program"].clone();
    if git(&["rev-parse", "HEAD"]) {
        let commit = program["commit"].as_str().expect("a commit");
        assert!(git(&["cat-file", "-e", commit]), "{commit}");
        assert!(program["modified"].is_boolean());
    } else {
        assert_eq!(program["commit"], Value::Null);
    }
}

#[test]
fn standard_input_is_hashed_to_its_end() {
    let case = Case::of(&["one-path-each-way.pcap.gz"]);
    let mut bytes = fs::read(case.path("one-path-each-way.pcap.gz")).expect("a trace");
    // Behind the capture, where no reader of gzip looks.
    bytes.extend(vec![0; 300_000]);
    fs::write(case.path("x.gz"), &bytes).expect("a capture");
    let mut command = case.command(&["analyze", "--servers", SERVERS, "--manifest", "m.json"]);
    command.args(["-q", "-"]);
    let cat = Command::new("cat")
        .arg(case.path("x.gz"))
        .stdout(Stdio::piped())
        .spawn();
    command.stdin(cat.expect("cat").stdout.expect("a pipe"));
    assert_eq!(run(&mut command).status.code(), Some(1));
    let manifest = case.manifest();
    assert_eq!(manifest["inputs"][0]["path"], "-");
    assert_eq!(manifest["inputs"][0]["size"], bytes.len());
    assert_eq!(manifest["inputs"][0]["sha256"], case.sha256("x.gz"));
    let told = said(&mut case.command(&["verify", "m.json"]), 0);
    assert!(told.contains("cannot be checked"), "{told}");
}

#[test]
fn merge_and_posture_have_manifests() {
    let case = Case::of(&["turns.pcapng", "all-encrypted.pcap"]);
    for (state, name) in [
        ("1.state", "turns.pcapng"),
        ("2.state", "all-encrypted.pcap"),
    ] {
        run(&mut case.command(&["analyze", "-q", "--save", state, name]));
    }
    let mut command = case.command(&["merge", "-q", "--servers", SERVERS, "--manifest", "m.json"]);
    command.args(["--save", "sum.state", "-o", "r.txt", "1.state", "2.state"]);
    assert_eq!(run(&mut command).status.code(), Some(1));
    case.hold("inputs", &["state"; 2]);
    case.hold("outputs", &["state", "report"]);
    let mut command = case.command(&["posture", "--manifest", "m.json", "-o", "p.json", "--azure"]);
    run(command.arg(folder("az")));
    let inputs = case.files("inputs");
    assert!(inputs.len() > 5 && inputs.iter().all(|(role, ..)| role == "export"));
    case.hold("outputs", &["report"]);
    said(&mut case.command(&["verify", "m.json"]), 0);
}

#[test]
fn verify_finds_each_difference() {
    let case = Case::of(&["turns.pcapng", "all-encrypted.pcap", "aes-128.pcap"]);
    let mut command = case.command(&["analyze", "-q", "--servers", SERVERS]);
    command.args(["--manifest", "m.json", "-o", "r.json", "."]);
    assert_eq!(run(&mut command).status.code(), Some(1));
    let all = said(&mut case.command(&["verify", "m.json"]), 0);
    assert_eq!(all, "All 4 files are as the manifest says.\n");
    // Moved with its folder.
    let elsewhere = case.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    for name in [
        "turns.pcapng",
        "all-encrypted.pcap",
        "aes-128.pcap",
        "r.json",
    ] {
        fs::rename(case.path(name), elsewhere.join(name)).expect("moved");
    }
    let missing = said(&mut case.command(&["verify", "m.json"]), 1);
    assert_eq!(
        missing
            .lines()
            .filter(|line| line.ends_with("is missing"))
            .count(),
        4
    );
    let at_root = ["verify", "m.json", "--root", "elsewhere"];
    said(&mut case.command(&at_root), 0);
    let changed = elsewhere.join("turns.pcapng");
    let mut bytes = fs::read(&changed).expect("a trace");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(&changed, &bytes).expect("a change");
    fs::write(elsewhere.join("r.json"), "{}").expect("a change");
    let told = said(&mut case.command(&at_root), 1);
    assert!(
        told.contains("turns.pcapng differs: its SHA-256 is another"),
        "{told}"
    );
    assert!(told.contains("r.json differs: it has 2 bytes"), "{told}");
    assert!(
        told.ends_with("2 of 4 files are as the manifest says.\n"),
        "{told}"
    );
}

#[test]
fn what_is_no_manifest_is_told() {
    let case = Case::of(&[]);
    let mut of_tomorrow = json!({"schema_version": 2});
    for (content, why) in [
        (b"".to_vec(), "EOF"),
        (b"{}".to_vec(), "missing field"),
        (vec![0xff; 100], "expected"),
        (of_tomorrow.take().to_string().into_bytes(), "missing field"),
    ] {
        fs::write(case.path("m.json"), content).expect("a file");
        let output = run(&mut case.command(&["verify", "m.json"]));
        assert_eq!(output.status.code(), Some(2));
        let told = text(&output.stderr);
        assert!(
            told.contains("cannot read the manifest m.json") && told.contains(why),
            "{told}"
        );
    }
    let output = run(&mut case.command(&["verify", "nowhere.json"]));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn names_that_are_no_text_can_be_verified() {
    let case = Case::of(&["all-encrypted.pcap"]);
    let name = OsStr::from_bytes(b"d\xfcrre \\x41.pcap");
    fs::rename(case.path("all-encrypted.pcap"), case.path(name)).expect("renamed");
    let mut command = case.command(&[
        "analyze",
        "-q",
        "--servers",
        SERVERS,
        "--manifest",
        "m.json",
    ]);
    assert_eq!(run(command.arg(name)).status.code(), Some(0));
    said(&mut case.command(&["verify", "m.json"]), 0);
    fs::remove_file(case.path(name)).expect("gone");
    said(&mut case.command(&["verify", "m.json"]), 1);
}

/// Mode of a file.
fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// An output that cannot be written at the end keeps the verdict's code, and what was there.
#[test]
fn a_full_disk_leaves_no_half_report() {
    let case = Case::of(&["turns.pcapng", "all-encrypted.pcap"]);
    for (name, expected) in [("turns.pcapng", 1), ("all-encrypted.pcap", 3)] {
        fs::write(case.path("r.json"), "what was here").expect("a file");
        // A limit on the size of files is a disk that is full.
        let mut shell = Command::new("sh");
        shell.current_dir(case.0.path()).args([
            "-c",
            "trap '' XFSZ; ulimit -f 1; exec \"$@\"",
            "-",
        ]);
        shell.arg(crate::support::program::PROGRAM);
        let output = run(shell.args(["analyze", "--servers", SERVERS, "-o", "r.json", name]));
        let told = text(&output.stderr);
        assert!(
            told.starts_with("plainsight: cannot write r.json: "),
            "{told}"
        );
        assert_eq!(output.status.code(), Some(expected));
        assert!(
            text(&output.stdout).contains("packets read"),
            "the report is printed"
        );
        let left = fs::read_to_string(case.path("r.json")).expect("a file");
        assert_eq!(left, "what was here");
        assert_eq!(fs::read_dir(case.0.path()).expect("a folder").count(), 3);
    }
}

#[test]
fn an_output_goes_where_a_link_leads_and_keeps_its_mode() {
    let case = Case::of(&["all-encrypted.pcap"]);
    fs::create_dir(case.path("real")).expect("a folder");
    File::create(case.path("real/r.json")).expect("a file");
    let permissions = fs::Permissions::from_mode(0o640);
    fs::set_permissions(case.path("real/r.json"), permissions).expect("a mode");
    std::os::unix::fs::symlink("real/r.json", case.path("r.json")).expect("a link");
    let mut command = case.command(&["analyze", "-q", "--servers", SERVERS, "-o", "r.json"]);
    said(command.args(["--save", "s.state", "all-encrypted.pcap"]), 0);
    assert!(case.path("r.json").is_symlink());
    assert!(
        fs::metadata(case.path("real/r.json"))
            .expect("a file")
            .len()
            > 1000
    );
    assert_eq!(mode(&case.path("real/r.json")), 0o640);
    assert_eq!(mode(&case.path("s.state")), 0o600);
}

#[test]
fn a_folder_that_is_not_there_is_told_before_anything_is_read() {
    let case = Case::of(&["all-encrypted.pcap"]);
    for flag in ["-o", "--manifest"] {
        let mut command = case.command(&["analyze", flag, "no/r.json", "all-encrypted.pcap"]);
        let output = run(&mut command);
        assert_eq!(output.status.code(), Some(2));
        let told = text(&output.stderr);
        assert_eq!(
            told,
            "plainsight: cannot write no/r.json: No such file or directory (os error 2)\n"
        );
    }
}

#[test]
fn a_pipe_is_written_to_as_it_stands() {
    let case = Case::of(&["all-encrypted.pcap"]);
    let fifo = case.path("r.json");
    let made = run(Command::new("mkfifo").arg(&fifo));
    assert!(made.status.success());
    let reader = Command::new("cat")
        .arg(&fifo)
        .stdout(Stdio::piped())
        .spawn()
        .expect("cat");
    let mut command = case.command(&["analyze", "-q", "--servers", SERVERS, "-o", "r.json"]);
    said(command.arg("all-encrypted.pcap"), 0);
    let read = reader.wait_with_output().expect("cat");
    let report: Value = serde_json::from_slice(&read.stdout).expect("JSON");
    assert_eq!(report["summary"]["encrypted"], 1);
}

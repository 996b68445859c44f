//! The systemd unit, as systemd judges it.

use std::fs;
use std::io::ErrorKind;
use std::process::{Command, Output};

use plainsight::run::live::UNIT;
use tempfile::TempDir;

use crate::support::program::{PROGRAM, complaint, plainsight, root, said};
use crate::support::skip::skipped_here;

/// Where the unit expects the program.
const INSTALLED: &str = "/usr/local/bin/plainsight";

/// Runs `systemd-analyze` on the unit, with the program that was just built in the place
/// of an installed one. `None`, and told, where this machine has no systemd.
fn systemd_analyze(arguments: &[&str]) -> Option<Output> {
    let folder = TempDir::new().expect("a folder");
    let unit = folder.path().join("plainsight.service");
    let built = UNIT.replace(INSTALLED, PROGRAM);
    assert_ne!(built, UNIT, "the unit starts another program");
    fs::write(&unit, built).expect("a unit");
    let mut command = Command::new("systemd-analyze");
    match command.args(arguments).arg(&unit).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skipped_here("there is no systemd-analyze");
            None
        }
        output => Some(output.expect("systemd-analyze runs")),
    }
}

/// The unit with the drop-in for scrapers on other machines.
#[test]
fn systemd_finds_no_fault_in_the_drop_in() {
    let folder = TempDir::new().expect("a folder");
    let unit = folder.path().join("plainsight.service");
    fs::write(&unit, UNIT.replace(INSTALLED, PROGRAM)).expect("a unit");
    let drop_ins = folder.path().join("plainsight.service.d");
    fs::create_dir(&drop_ins).expect("a folder");
    let remote = contrib("remote-scrape.conf");
    fs::write(drop_ins.join("remote-scrape.conf"), &remote).expect("a drop-in");
    let path = format!("{}:", folder.path().display());
    let mut command = Command::new("systemd-analyze");
    command
        .env("SYSTEMD_UNIT_PATH", path)
        .args(["verify", "plainsight.service"]);
    match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skipped_here("there is no systemd-analyze");
        }
        output => is_clean(&output.expect("systemd-analyze runs")),
    }
    let settings = remote
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with('#'));
    let settings: Vec<_> = settings.collect();
    assert_eq!(
        settings,
        [
            "Environment=PLAINSIGHT_METRICS=0.0.0.0:9988",
            "IPAddressAllow=10.0.0.10"
        ]
    );
}

fn contrib(name: &str) -> String {
    let path = root().join("contrib/systemd").join(name);
    fs::read_to_string(path).expect("a file")
}

/// Each variable of the example is the program's or the unit's, and its value is taken.
#[test]
fn the_example_of_options_names_what_there_is() {
    let help = said(&mut plainsight(&["live", "--help"]), 0);
    let example = contrib("plainsight.env");
    let settings = example.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix('#')?.split_once('=')?;
        name.starts_with("PLAINSIGHT_").then_some((name, value))
    });
    let mut names = 0;
    for (name, value) in settings {
        let own = help.contains(&format!("[env: {name}="));
        assert!(own || UNIT.contains(&format!("${name}")), "{name}");
        let is_file = value.starts_with('@');
        let mut command = plainsight(&["live", "--duration", "no time"]);
        command.env(name, value);
        if name == "PLAINSIGHT_ROTATE_COUNT" {
            command.env("PLAINSIGHT_ROTATE_SIZE", "1GB");
        }
        let complaint = complaint(command.env("PLAINSIGHT_WRITE", "x.pcapng"));
        assert!(
            is_file || complaint.contains("--duration"),
            "{name}: {complaint}"
        );
        names += 1;
    }
    assert!(names > 10, "{names}");
}

#[test]
fn logrotate_takes_its_example() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("logrotate");
    fs::write(&file, contrib("logrotate")).expect("a file");
    let mut command = Command::new("logrotate");
    match command
        .arg("--debug")
        .arg("--state")
        .arg(folder.path().join("state"))
        .arg(&file)
        .output()
    {
        Err(error) if error.kind() == ErrorKind::NotFound => skipped_here("there is no logrotate"),
        output => {
            let output = output.expect("logrotate runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && !said.contains("error:"),
                "{said}"
            );
        }
    }
}

fn is_clean(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said, "");
}

#[test]
fn systemd_finds_no_fault_in_the_unit() {
    if let Some(output) = systemd_analyze(&["verify"]) {
        is_clean(&output);
    }
}

/// From 0.0 (nothing exposed) to 10.0, given in tenths. A unit without hardening has 9.6.
#[test]
fn systemd_finds_little_exposed() {
    if let Some(output) = systemd_analyze(&["security", "--offline=true", "--threshold=20"]) {
        is_clean(&output);
    }
}

#[test]
fn the_unit_grants_the_right_to_capture_alone() {
    let granted: Vec<_> = UNIT.lines().filter(|line| line.contains("CAP_")).collect();
    assert_eq!(
        granted,
        [
            "AmbientCapabilities=CAP_NET_RAW",
            "CapabilityBoundingSet=CAP_NET_RAW"
        ]
    );
}
